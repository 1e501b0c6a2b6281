package db

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Config says which database, and how long anything may take. A zero field means its default.
type Config struct {
	// URL is the connection string of the server's role, which is neither owner nor superuser. Required.
	URL string
	// MaxConns bounds the pool. 12.
	MaxConns int
	// MinIdleConns are kept open for the next burst. 0.
	MinIdleConns int
	// ConnectTimeout bounds one attempt to connect. 5 s.
	ConnectTimeout time.Duration
	// AcquireTimeout bounds the wait for a free connection where the context has no deadline of its own. 5 s.
	AcquireTimeout time.Duration
	// StatementTimeout ends one statement. 10 s.
	StatementTimeout time.Duration
	// LockTimeout ends the wait for one lock. 5 s.
	LockTimeout time.Duration
	// IdleInTxTimeout ends a session whose transaction was forgotten. 20 s.
	IdleInTxTimeout time.Duration
	// TxTimeout bounds a whole transaction, commit included. 30 s.
	TxTimeout time.Duration
	// MaxConnLifetime replaces connections, so that they spread over servers again after a failover. 1 h.
	MaxConnLifetime time.Duration
	// Pooler leaves the server-side timeouts out of the connection's parameters, which a PgBouncer refuses; set them on
	// the role there. The pooler must know named statements (PgBouncer 1.21 with max_prepared_statements).
	Pooler bool
	// Dial replaces the network. nil: TCP with keep-alive, or the socket the URL names.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

func (c Config) withDefaults() Config {
	for _, f := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&c.ConnectTimeout, 5 * time.Second},
		{&c.AcquireTimeout, 5 * time.Second},
		{&c.StatementTimeout, 10 * time.Second},
		{&c.LockTimeout, 5 * time.Second},
		{&c.IdleInTxTimeout, 20 * time.Second},
		{&c.TxTimeout, 30 * time.Second},
		{&c.MaxConnLifetime, time.Hour},
	} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	if c.MaxConns == 0 {
		c.MaxConns = 12
	}
	if c.Dial == nil {
		dialer := &net.Dialer{KeepAliveConfig: net.KeepAliveConfig{
			Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3,
		}}
		c.Dial = dialer.DialContext
	}
	return c
}

// Validate names every setting that cannot work. It never repeats the URL, which holds a password.
func (c Config) Validate() error {
	var errs []error
	if c.URL == "" {
		errs = append(errs, errors.New("the database URL is missing"))
	} else if _, err := pgxpool.ParseConfig(c.URL); err != nil {
		errs = append(errs, errors.New("the database URL cannot be read: want postgres://user:password@host:port/name"))
	}
	if c.MaxConns < 0 || c.MaxConns > 1000 {
		errs = append(errs, fmt.Errorf("max conns %d: want 1 to 1000", c.MaxConns))
	}
	if c.MinIdleConns < 0 || c.MinIdleConns > max(c.MaxConns, 12) {
		errs = append(errs, fmt.Errorf("min idle conns %d: want 0 to max conns", c.MinIdleConns))
	}
	for _, t := range []struct {
		name  string
		value time.Duration
	}{
		{"connect timeout", c.ConnectTimeout},
		{"acquire timeout", c.AcquireTimeout},
		{"statement timeout", c.StatementTimeout},
		{"lock timeout", c.LockTimeout},
		{"idle in transaction timeout", c.IdleInTxTimeout},
		{"transaction timeout", c.TxTimeout},
		{"max conn lifetime", c.MaxConnLifetime},
	} {
		if t.value < 0 || (t.value > 0 && t.value < time.Millisecond) {
			errs = append(errs, fmt.Errorf("%s %v: want at least 1ms", t.name, t.value))
		}
	}
	return errors.Join(errs...)
}
