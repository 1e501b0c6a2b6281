// Package errs is the one error type that may reach a client: a kind, a stable code, a text that says how to mend it,
// and the fields at fault. It knows nothing of HTTP; api/httpx turns kinds into statuses.
package errs

import (
	"errors"
	"fmt"
	"time"
)

// Kind groups errors by what the caller can do about them. api/httpx has one table from kinds to statuses.
type Kind int

const (
	// Internal is our fault. The zero value, so that a forgotten kind is never shown as the caller's mistake.
	Internal Kind = iota
	// Unreadable is a request that cannot be understood: broken JSON, an unknown parameter, a bad cursor. 400
	Unreadable
	// Unauthenticated is a missing, expired or revoked credential. 401
	Unauthenticated
	// Forbidden is a known caller without the scope. 403
	Forbidden
	// NotFound is also the answer for another account's id. 404
	NotFound
	// MethodNotAllowed is a path that exists under another method. 405
	MethodNotAllowed
	// NotAcceptable is an Accept header we cannot serve. 406
	NotAcceptable
	// Conflict is a state that forbids the change: an illegal move, a key in use. 409
	Conflict
	// Gone is something that was there and will not come back, such as an expired cursor. 410
	Gone
	// Stale is an If-Match that does not match. 412
	Stale
	// TooLarge is a body over its limit. 413
	TooLarge
	// UnsupportedMedia is a Content-Type we do not read. 415
	UnsupportedMedia
	// Invalid is a readable request with wrong fields, all named at once. 422
	Invalid
	// PreconditionRequired is a write without If-Match where the account demands one. 428
	PreconditionRequired
	// Throttled is a caller over its rate. 429
	Throttled
	// Unavailable is a passing fault: the database is down, the server stops. 503
	Unavailable
)

// Kinds lists every kind, for the tests that see that none is missing from a table.
func Kinds() []Kind {
	all := make([]Kind, 0, int(Unavailable)+1)
	for k := Internal; k <= Unavailable; k++ {
		all = append(all, k)
	}
	return all
}

// Field is one wrong field of a request.
type Field struct {
	Pointer string `json:"pointer"` // JSON Pointer into the body ("/emails/0/address"), or "?name" for a query parameter
	Code    string `json:"code"`    // stable, such as "required" or "too_long"
	Detail  string `json:"detail"`  // says how to mend it
}

// Error is an error meant for a client.
type Error struct {
	Kind       Kind
	Code       string // stable and dotted: part of the API
	Public     string // says how to mend it; no internals
	Fields     []Field
	RetryAfter time.Duration // for Throttled, Conflict and Unavailable; 0 when there is no advice
	cause      error
}

// New makes an error to be compared with errors.Is.
func New(kind Kind, code, public string) *Error {
	return &Error{Kind: kind, Code: code, Public: public}
}

// InvalidFields is the error for a request whose fields are wrong.
func InvalidFields(fields ...Field) *Error {
	return &Error{
		Kind: Invalid, Code: "request.invalid",
		Public: "Some fields are not valid. Each entry of errors names one and says how to mend it.",
		Fields: fields,
	}
}

// Error is the text for the log, with the whole chain.
func (e *Error) Error() string {
	if e.cause != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Public, e.cause)
	}
	return e.Code + ": " + e.Public
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.cause }

// Is compares by code, so that a copy with a cause or fields is still the same error.
func (e *Error) Is(target error) bool {
	var t *Error
	return errors.As(target, &t) && t.Code == e.Code
}

// Because returns a copy that carries its cause. The cause is for the log, never for the client.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// Saying returns a copy with another public text, for details that only the place of the error knows.
func (e *Error) Saying(format string, args ...any) *Error {
	c := *e
	c.Public = fmt.Sprintf(format, args...)
	return &c
}

// At returns a copy that names the fields at fault.
func (e *Error) At(fields ...Field) *Error {
	c := *e
	c.Fields = append(append([]Field(nil), e.Fields...), fields...)
	return &c
}

// After returns a copy that advises when to try again.
func (e *Error) After(d time.Duration) *Error {
	c := *e
	c.RetryAfter = d
	return &c
}

// As finds the client error in a chain.
func As(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e)
	return e, ok
}

// IsKind tells whether the chain holds a client error of that kind.
func IsKind(err error, kind Kind) bool {
	e, ok := As(err)
	return ok && e.Kind == kind
}
