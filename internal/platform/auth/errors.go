package auth

import (
	"time"

	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

// Every refused credential gets the same text, so that the answer does not tell which part of it was wrong.
const refused = "The credential is missing, has expired, was revoked, or never was valid. Sign in again, or use another one."

var (
	// ErrInvalid is the answer to a credential that is not, or no longer, valid.
	ErrInvalid = errs.New(errs.Unauthenticated, "auth.invalid", refused)
	// ErrExpired is the answer to an access token of ours whose time is over: its holder gets a new one by its refresh
	// token or its client secret.
	ErrExpired = errs.New(errs.Unauthenticated, "auth.token_expired", refused)
	// ErrBusy is the answer while too many passwords are being checked at once.
	ErrBusy = errs.New(errs.Unavailable, "auth.busy",
		"Too many sign-ins are under way. Try again in a second.").After(time.Second)
)
