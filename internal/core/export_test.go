package core

// EmailHash is how counts of failures are named.
var EmailHash = emailHash
