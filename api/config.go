package api

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/ratelimit"
	"github.com/rooftop-crm/rooftop/internal/platform/telemetry"
)

// Config is how the server treats requests.
type Config struct {
	// CursorKeys seal cursors; the first seals, all open. The master key, and those it replaced.
	CursorKeys [][]byte
	// The most bytes of a body. 1 MiB, 5 MiB and 25 MiB when zero.
	MaxJSON, MaxBatch, MaxDocument int64
	// RequestTimeout is how long a handler may take: 30 s when zero. It must be under a minute, when the connection's own
	// time is up.
	RequestTimeout time.Duration
	// TrustedProxies are the proxies whose X-Forwarded-For counts. None when empty: the address is the connection's.
	TrustedProxies []netip.Prefix
	// RatePerMinute is the quota of a credential that has none of its own: 600 when zero.
	RatePerMinute int
	// AnonymousPerMinute is how many requests without a valid credential one address may make: 600 when zero.
	AnonymousPerMinute int
}

const (
	defaultTimeout = 30 * time.Second
	defaultRate    = 600
)

// Validate tells what is wrong with the configuration.
func (c Config) Validate() error {
	switch {
	case len(c.CursorKeys) == 0:
		return errors.New("api: a cursor key is needed")
	case c.MaxJSON < 0 || c.MaxBatch < 0 || c.MaxDocument < 0:
		return errors.New("api: a body limit cannot be negative")
	case c.RequestTimeout < 0 || c.RequestTimeout >= writeTimeout:
		return errors.New("api: the request timeout must be under 60 s")
	case c.RatePerMinute < 0 || c.AnonymousPerMinute < 0:
		return errors.New("api: a rate cannot be negative")
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.RequestTimeout == 0 {
		c.RequestTimeout = defaultTimeout
	}
	if c.RatePerMinute == 0 {
		c.RatePerMinute = defaultRate
	}
	if c.AnonymousPerMinute == 0 {
		c.AnonymousPerMinute = defaultRate
	}
	return c
}

// Authenticator tells who a bearer token belongs to.
type Authenticator interface {
	// Authenticate fails with an errs.Unauthenticated error when the token is unknown, expired or revoked.
	Authenticate(ctx context.Context, token string) (auth.Actor, error)
}

// Origins tells which web origins belong to a site key.
type Origins interface {
	// Known tells whether any active site key is bound to the origin. It is asked often and should answer from memory.
	Known(ctx context.Context, origin string) (bool, error)
}

// Deps is what the server works with.
type Deps struct {
	Auth      Authenticator
	Origins   Origins              // nil: no web page of another origin may call
	Limiter   *ratelimit.Limiter   // nil: credentials are not limited
	Telemetry *telemetry.Telemetry // needed
	// Ready tells why the service cannot answer now: the database is down, migrations are behind. The text of an
	// errs.Error is shown.
	Ready func(ctx context.Context) error
	// Log takes what went wrong; AccessLog takes one line for each request, and may be buffered. AccessLog may be nil.
	Log, AccessLog *slog.Logger
	Now            func() time.Time
	// Docs registers the document of the API and its page. They need no credential.
	Docs func(e *echo.Echo)
}
