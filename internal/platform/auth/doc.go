// Package auth says who a caller is and what they may do: actors, scopes and roles; and it holds the means by which a
// caller proves it: password hashes, API keys, signed access tokens and the keys that sign them, and a short-lived cache
// of what was verified. It owns formats and rules. Which users, keys and partners there are, and how one signs in, is
// left to internal/core.
package auth
