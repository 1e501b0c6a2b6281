package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log"
	"math"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/rooftop-crm/rooftop/internal/platform/clock"
)

// DB is the database. It is safe for concurrent use; a transaction's context belongs to one goroutine.
type DB struct {
	cfg  Config
	pool *pgxpool.Pool
	sql  *sql.DB
	gorm *gorm.DB

	presence int32
	present  atomic.Bool
	shown    chan struct{} // closed when the process has shown itself for the first time
	showOnce sync.Once
}

// Open makes the pool and gorm on it. It does not wait for the server: a database that is down is met by the first
// statement (IsUnavailable) and needs no second Open once it is up.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	d := &DB{cfg: cfg.withDefaults(), shown: make(chan struct{}), presence: rand.Int32N(math.MaxInt32) + 1} //nolint:gosec // it tells processes apart and guards nothing
	pc, err := d.poolConfig()
	if err != nil {
		return nil, err
	}
	if d.pool, err = pgxpool.NewWithConfig(ctx, pc); err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	d.sql = sql.OpenDB(connector{d})
	d.sql.SetMaxIdleConns(0) // what it would keep are empty shells; the connections are the pool's
	d.gorm, err = gorm.Open(postgres.New(postgres.Config{Conn: d.sql}), &gorm.Config{
		SkipDefaultTransaction: true,
		DisableAutomaticPing:   true,
		NowFunc:                clock.Now,
		Logger: logger.New(log.New(io.Discard, "", 0), logger.Config{
			LogLevel: logger.Silent, ParameterizedQueries: true,
		}),
	})
	if err != nil {
		d.Close()
		return nil, fmt.Errorf("open database: %w", err)
	}
	return d, nil
}

func (d *DB) poolConfig() (*pgxpool.Config, error) {
	pc, err := pgxpool.ParseConfig(d.cfg.URL)
	if err != nil {
		return nil, errors.New("the database URL cannot be read")
	}
	pc.MaxConns = int32(d.cfg.MaxConns)         //nolint:gosec // Validate bounds it
	pc.MinIdleConns = int32(d.cfg.MinIdleConns) //nolint:gosec // Validate bounds it
	pc.MaxConnLifetime = d.cfg.MaxConnLifetime
	pc.MaxConnLifetimeJitter = d.cfg.MaxConnLifetime / 10
	pc.PingTimeout = d.cfg.ConnectTimeout
	pc.ShouldPing = shouldPing
	pc.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		registerTypes(conn.TypeMap())
		return newSession(ctx, conn)
	}
	cc := pc.ConnConfig
	cc.ConnectTimeout = d.cfg.ConnectTimeout
	cc.DialFunc = d.cfg.Dial
	cc.DefaultQueryExecMode = pgx.QueryExecModeExec // the sessions cache statements themselves
	cc.StatementCacheCapacity, cc.DescriptionCacheCapacity = 0, 0
	set := func(name, value string) {
		if _, given := cc.RuntimeParams[name]; !given {
			cc.RuntimeParams[name] = value
		}
	}
	set("application_name", "rooftop")
	set("timezone", "UTC")
	if !d.cfg.Pooler {
		ms := func(t time.Duration) string { return strconv.FormatInt(t.Milliseconds(), 10) }
		set("statement_timeout", ms(d.cfg.StatementTimeout))
		set("lock_timeout", ms(d.cfg.LockTimeout))
		set("idle_in_transaction_session_timeout", ms(d.cfg.IdleInTxTimeout))
	}
	return pc, nil
}

// shouldPing spends a round trip on a connection only when its socket looks dead, cannot be looked at, or was idle for
// so long that something between us may have forgotten it.
func shouldPing(_ context.Context, p pgxpool.ShouldPingParams) bool {
	ok, known := quiet(p.Conn.PgConn().Conn())
	if !known {
		return p.IdleDuration > time.Second
	}
	return !ok || p.IdleDuration > 30*time.Second
}

// Close waits for the connections in use and closes all.
func (d *DB) Close() {
	_ = d.sql.Close() // holds nothing
	d.pool.Close()
}

// Ping asks the server whether it answers.
func (d *DB) Ping(ctx context.Context) error {
	conn, err := d.acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if err := conn.Ping(ctx); err != nil {
		return fmt.Errorf("%w: %w", errLost, err)
	}
	return nil
}

// Stats are the figures of the pool. Those that are not a state count from Open on.
type Stats struct {
	Max, Open, Idle, InUse int
	Acquired               int64         // times a connection was taken
	Waited                 int64         // times none was free
	WaitTime               time.Duration // spent waiting for one
	Connected              int64         // connections made
	GivenUp                int64         // callers that left or ran out of time before they had one
}

// Stats tells how the pool fares.
func (d *DB) Stats() Stats {
	s := d.pool.Stat()
	return Stats{
		Max: int(s.MaxConns()), Open: int(s.TotalConns()), Idle: int(s.IdleConns()), InUse: int(s.AcquiredConns()),
		Acquired: s.AcquireCount(), Waited: s.EmptyAcquireCount(), WaitTime: s.EmptyAcquireWaitTime(),
		Connected: s.NewConnsCount(), GivenUp: s.CanceledAcquireCount(),
	}
}

// acquire takes a connection, for as long as the context allows or AcquireTimeout.
func (d *DB) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d.cfg.AcquireTimeout)
		defer cancel()
	}
	conn, err := d.pool.Acquire(ctx)
	switch {
	case err == nil:
		return conn, nil
	case errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Errorf("%w: %w", errNoConn, err)
	default:
		return nil, err
	}
}
