package httpx

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

// ContentTypeProblem is the media type of every answer that is not a success.
const ContentTypeProblem = "application/problem+json"

// StatusLeft stands in logs and metrics for a caller that went away before the answer. It is never sent.
const StatusLeft = 499

// Problem is the body of every error (RFC 9457). Programs decide by code; title and detail are for people.
type Problem struct {
	Type      string       `json:"type" validate:"required" format:"uri-reference" example:"/problems/request.invalid"`
	Title     string       `json:"title" validate:"required" example:"Invalid request"`
	Status    int          `json:"status" validate:"required" example:"422"`
	Detail    string       `json:"detail" validate:"required" example:"Some fields are not valid. Each entry of errors names one and says how to mend it."`
	Code      string       `json:"code" validate:"required" example:"request.invalid"`
	Errors    []FieldError `json:"errors,omitempty"`
	RequestID string       `json:"request_id,omitempty" example:"0198c5f2-7b1a-7c3e-9d2f-3a4b5c6d7e8f"`
} //	@name	Problem

// FieldError is one wrong field or parameter of a request.
type FieldError struct {
	// Pointer is a JSON Pointer into the body, or ?name for a query parameter.
	Pointer string `json:"pointer" validate:"required" example:"/emails/0/address"`
	Code    string `json:"code" validate:"required" example:"too_long"`
	Detail  string `json:"detail" validate:"required" example:"Must be at most 200 characters."`
} //	@name	FieldError

type meaning struct {
	status int
	title  string
}

// meanings is the one table from kinds to statuses.
var meanings = map[errs.Kind]meaning{
	errs.Internal:             {http.StatusInternalServerError, "Internal error"},
	errs.Unreadable:           {http.StatusBadRequest, "Unreadable request"},
	errs.Unauthenticated:      {http.StatusUnauthorized, "Not signed in"},
	errs.Forbidden:            {http.StatusForbidden, "Not allowed"},
	errs.NotFound:             {http.StatusNotFound, "Not found"},
	errs.MethodNotAllowed:     {http.StatusMethodNotAllowed, "Method not allowed"},
	errs.NotAcceptable:        {http.StatusNotAcceptable, "Not acceptable"},
	errs.Conflict:             {http.StatusConflict, "Conflict"},
	errs.Gone:                 {http.StatusGone, "Gone"},
	errs.Stale:                {http.StatusPreconditionFailed, "Precondition failed"},
	errs.TooLarge:             {http.StatusRequestEntityTooLarge, "Too large"},
	errs.UnsupportedMedia:     {http.StatusUnsupportedMediaType, "Unsupported media type"},
	errs.Invalid:              {http.StatusUnprocessableEntity, "Invalid request"},
	errs.PreconditionRequired: {http.StatusPreconditionRequired, "Precondition required"},
	errs.Throttled:            {http.StatusTooManyRequests, "Too many requests"},
	errs.Unavailable:          {http.StatusServiceUnavailable, "Unavailable"},
}

// Status is the HTTP status of a kind.
func Status(k errs.Kind) int { return meanings[k].status }

var (
	errInternal = errs.New(errs.Internal, "internal",
		"Something failed on our side. The request_id finds it in the server's log.")
	errUnavailable = errs.New(errs.Unavailable, "service.unavailable",
		"The service cannot answer for a moment. Try again after the time in Retry-After, a write with the same Idempotency-Key.").After(2 * time.Second)
	errTimeout = errs.New(errs.Unavailable, "service.timeout",
		"The request took too long and was given up; a write may or may not have happened. Try again, a write with the same Idempotency-Key.").After(time.Second)
	errRoute  = errs.New(errs.NotFound, "route.not_found", "There is nothing at this path. The document at /openapi.yaml lists every path.")
	errMethod = errs.New(errs.MethodNotAllowed, "method.not_allowed", "This path exists, but not with this method. The Allow header lists its methods.")
	errTooBig = errs.New(errs.TooLarge, "request.too_large", "The body is larger than this path accepts.")
)

// classify turns whatever a handler returned into the error for the client. The second result is false for a caller that left.
func classify(ctx context.Context, err error) (*errs.Error, bool) {
	var tooBig *http.MaxBytesError
	var fromEcho *echo.HTTPError
	switch e, ok := errs.As(err); {
	case ok:
		return e, true
	case errors.As(err, &tooBig):
		return errTooBig.Saying("The body is larger than the %d bytes that this path accepts.", tooBig.Limit).Because(err), true
	case errors.Is(ctx.Err(), context.Canceled):
		return errInternal, false
	case errors.Is(err, db.ErrUnknownOutcome), errors.Is(err, context.DeadlineExceeded), errors.Is(ctx.Err(), context.DeadlineExceeded):
		return errTimeout.Because(err), true
	case db.IsUnavailable(err), db.IsRetryable(err): // retryable and tried to no avail: the rivals are too many for now
		return errUnavailable.Because(err), true
	case errors.As(err, &fromEcho):
		return ofEcho(fromEcho).Because(err), true
	}
	return errInternal.Because(err), true
}

// ofEcho covers what echo itself raises: no route, another method, and the rare status of a library.
func ofEcho(e *echo.HTTPError) *errs.Error {
	switch e.Code {
	case http.StatusNotFound:
		return errRoute
	case http.StatusMethodNotAllowed:
		return errMethod
	case http.StatusRequestEntityTooLarge:
		return errTooBig
	}
	for kind, m := range meanings {
		if m.status == e.Code && kind != errs.Internal {
			return errs.New(kind, "request.refused", "The request was refused: "+http.StatusText(e.Code)+".")
		}
	}
	return errInternal
}

// HandleError answers an error as a problem and logs it, once, with its whole chain. It is echo's HTTPErrorHandler.
func (e *Edge) HandleError(err error, c echo.Context) {
	x := Of(c)
	public, here := classify(c.Request().Context(), err)
	if !here {
		x.left = true
		return
	}
	e.report(c.Request().Context(), x, public, err)
	if c.Response().Committed {
		return
	}
	if werr := writeProblem(c, public); werr != nil {
		e.log.DebugContext(c.Request().Context(), "the answer did not reach the caller", "request_id", x.RequestID, "error", werr)
	}
}

func (e *Edge) report(ctx context.Context, x *Exchange, public *errs.Error, err error) {
	x.Code = public.Code
	level := slog.LevelDebug
	switch public.Kind { //nolint:exhaustive // every other kind is the caller's mistake
	case errs.Internal:
		level = slog.LevelError
	case errs.Unavailable:
		level = slog.LevelWarn
	}
	if !e.log.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("request_id", x.RequestID), slog.String("code", public.Code), slog.String("error", err.Error()),
	}
	if x.known && !x.actor.Account.IsZero() {
		attrs = append(attrs, slog.String("account", x.actor.Account.String()))
	}
	if p, ok := errors.AsType[*PanicError](err); ok {
		attrs = append(attrs, slog.String("stack", string(p.Stack)))
	}
	e.log.LogAttrs(ctx, level, "request failed", attrs...)
}

// PanicError is a panic of a handler, on its way to the log.
type PanicError struct {
	Value any
	Stack []byte
}

// Error names the panic for the log.
func (p *PanicError) Error() string {
	if err, ok := p.Value.(error); ok {
		return "panic: " + err.Error()
	}
	if s, ok := p.Value.(string); ok {
		return "panic: " + s
	}
	return "panic"
}

// problemOf is the body for an error.
func problemOf(e *errs.Error, requestID string) Problem {
	m := meanings[e.Kind]
	p := Problem{
		Type: "/problems/" + e.Code, Title: m.title, Status: m.status, Detail: e.Public, Code: e.Code, RequestID: requestID,
	}
	for _, f := range e.Fields {
		p.Errors = append(p.Errors, FieldError(f))
	}
	return p
}

// ProblemOf is an error as a part of an answer: why a job failed.
func ProblemOf(e *errs.Error) Problem { return problemOf(e, "") }

func writeProblem(c echo.Context, e *errs.Error) error {
	p := problemOf(e, Of(c).RequestID)
	h := c.Response().Header()
	h.Del("ETag")
	h.Set("Cache-Control", "no-store")
	if e.RetryAfter > 0 && h.Get("Retry-After") == "" {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
	}
	switch e.Kind { //nolint:exhaustive // the other kinds need no header
	case errs.Unauthenticated:
		if h.Get("WWW-Authenticate") == "" {
			h.Set("WWW-Authenticate", "Bearer")
		}
	case errs.MethodNotAllowed:
		if allow, ok := c.Get(echo.ContextKeyHeaderAllow).(string); ok {
			h.Set(echo.HeaderAllow, allow)
		}
	}
	body, err := marshal(p)
	if err != nil {
		return err
	}
	return send(c, p.Status, ContentTypeProblem, body)
}
