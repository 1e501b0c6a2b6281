// Package httpx is how every resource speaks HTTP: strict bodies and parameters, cursors, entity tags, idempotent writes,
// batches and problems. It owns the conventions, once; what a resource is and who may see it is left to the resources.
package httpx

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/internal/platform/audit"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
)

// Config is what the conventions need to know about this installation.
type Config struct {
	// CursorKeys seal cursors: the first seals, all of them open, so that a key can be replaced. At least one, 16 bytes or more.
	CursorKeys [][]byte
	// The most bytes of a body: JSON, batches, and documents (inbound files and mail). 1 MiB, 5 MiB and 25 MiB when zero.
	MaxJSON, MaxBatch, MaxDocument int64
	// Log takes what went wrong. slog.Default() when nil.
	Log *slog.Logger
}

// Edge holds what the functions of this package share within one server. Its Begin middleware comes first.
type Edge struct {
	cursors sealer
	limits  limits
	log     *slog.Logger
}

// New makes the edge. It fails when there is no usable cursor key.
func New(cfg Config) (*Edge, error) {
	if len(cfg.CursorKeys) == 0 {
		return nil, errors.New("httpx: a cursor key is needed")
	}
	e := &Edge{log: cfg.Log, limits: limits{
		json: orDefault(cfg.MaxJSON, 1<<20), batch: orDefault(cfg.MaxBatch, 5<<20), document: orDefault(cfg.MaxDocument, 25<<20),
	}}
	if e.log == nil {
		e.log = slog.Default()
	}
	for _, key := range cfg.CursorKeys {
		if len(key) < 16 {
			return nil, errors.New("httpx: a cursor key needs 16 bytes or more")
		}
	}
	var err error
	e.cursors, err = newSealer(cfg.CursorKeys)
	return e, err
}

// Exchange is one request as the middleware and the handlers see it.
type Exchange struct {
	RequestID string
	// Caller tells the address a request came from, when asked. Set by the middleware.
	Caller    interface{ RealIP() string }
	Code      string // of the problem that was answered; "" when there was none
	edge      *Edge
	charge    func(c echo.Context, units int) error
	actor     auth.Actor
	known     bool          // an actor was set
	unlimited io.ReadCloser // the body as it came, for a path with a limit of its own
	limit     int64
	body      []byte
	read      bool
	asked     bool // somebody reads the query string
	left      bool // the caller went away before the answer
}

type exchangeKey struct{}

// exchangeContext carries the exchange. A type of its own costs one allocation less than context.WithValue for each request.
type exchangeContext struct {
	context.Context
	exchange Exchange
}

func (c *exchangeContext) Value(key any) any {
	switch key.(type) {
	case exchangeKey, audit.OriginKey:
		return &c.exchange
	}
	return c.Context.Value(key)
}

// Origin implements audit.Originator.
func (x *Exchange) Origin() audit.Origin {
	o := audit.Origin{RequestID: x.RequestID}
	if x.Caller != nil {
		o.Address = x.Caller.RealIP()
	}
	return o
}

// Begin opens the exchange of a request. The returned context is to become the request's.
func (e *Edge) Begin(ctx context.Context, requestID string) (context.Context, *Exchange) {
	c := &exchangeContext{Context: ctx, exchange: Exchange{RequestID: requestID, edge: e}}
	return c, &c.exchange
}

// Of is the request's exchange. A request that did not pass Begin has an empty one, which allows nothing.
func Of(c echo.Context) *Exchange { return exchangeOf(c.Request()) }

func exchangeOf(r *http.Request) *Exchange {
	if x, ok := r.Context().Value(exchangeKey{}).(*Exchange); ok {
		return x
	}
	return &Exchange{}
}

// Identify records who acts. The authentication middleware calls it, once.
func (x *Exchange) Identify(actor auth.Actor) { x.actor, x.known = actor, true }

// Actor is who acts; false before authentication and on public routes.
func (x *Exchange) Actor() (auth.Actor, bool) { return x.actor, x.known }

// Charge sets how the request is counted as more than one against the quota, once it is known to be.
func (x *Exchange) Charge(more func(c echo.Context, units int) error) { x.charge = more }

// Left tells whether the caller went away before the answer.
func (x *Exchange) Left() bool { return x.left }

// ActorOf is who acts. On a public route it is the zero Actor, which may do nothing.
func ActorOf(c echo.Context) auth.Actor { return Of(c).actor }

// Bearer is the token of the Authorization header; "" when there is none. The scheme's case does not matter (RFC 9110).
func Bearer(h http.Header) string {
	given := h["Authorization"]
	if len(given) != 1 || len(given[0]) < len("Bearer ") || !strings.EqualFold(given[0][:len("Bearer ")], "Bearer ") {
		return ""
	}
	return strings.TrimSpace(given[0][len("Bearer "):])
}
