// Package migrate brings a database to the schema of this program and gives the server a role that can neither bypass
// row security nor alter tables. It owns the schema's SQL files, and runs those that River brings for its tables. Which
// database it is, is the caller's business.
package migrate

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sort"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

//go:embed sql/*.sql
var files embed.FS

// lockID is the advisory lock that lets one process at a time prepare a database.
const lockID = 0x726f6f66746f70

// MinimumServer is the oldest Postgres that will do: security_invoker views came with 15.
const MinimumServer = 15

// Prepare brings the database to the current schema and returns the URL by which the server shall connect. Any number of
// processes may call it at once: one works, the others wait and find it done.
//
// migrateURL is the owner's. Without it databaseURL is taken for the owner's, and a server role is made in the database;
// its secret is kept there, where the server role itself cannot read it.
func Prepare(ctx context.Context, databaseURL, migrateURL string) (serverURL string, err error) {
	adminURL := migrateURL
	if adminURL == "" {
		adminURL = databaseURL
	}
	admin, err := connect(ctx, adminURL)
	if err != nil {
		return "", err
	}
	defer closeConn(admin)
	if err := checkVersion(ctx, admin); err != nil {
		return "", err
	}
	if migrateURL != "" && migrateURL != databaseURL {
		return databaseURL, prepareFor(ctx, admin, adminURL, databaseURL)
	}
	return prepareOwn(ctx, admin, adminURL)
}

// prepareFor migrates as one role and lets another one, that the operator made, use the schema.
func prepareFor(ctx context.Context, admin *pgx.Conn, adminURL, databaseURL string) error {
	cfg, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		return fmt.Errorf("read ROOFTOP_DATABASE_URL: %w", err)
	}
	return locked(ctx, admin, func() error {
		if err := bringUp(ctx, admin, adminURL); err != nil {
			return err
		}
		if err := checkRestored(ctx, admin); err != nil {
			return err
		}
		if err := checkServerRole(ctx, admin, cfg.User); err != nil {
			return err
		}
		if _, err := admin.Exec(ctx, "GRANT rooftop_app TO "+pgx.Identifier{cfg.User}.Sanitize()); err != nil {
			return fmt.Errorf("let %s use the schema: %w", cfg.User, err)
		}
		return nil
	})
}

// prepareOwn migrates and makes the server role itself.
func prepareOwn(ctx context.Context, admin *pgx.Conn, adminURL string) (string, error) {
	if role, ok := readServerRole(ctx, admin); ok && behind(ctx, admin) == nil {
		return withUser(adminURL, role)
	}
	var serverURL string
	err := locked(ctx, admin, func() error {
		if err := bringUp(ctx, admin, adminURL); err != nil {
			return err
		}
		if err := checkRestored(ctx, admin); err != nil {
			return err
		}
		role, err := ensureServerRole(ctx, admin)
		if err != nil {
			return err
		}
		serverURL, err = withUser(adminURL, role)
		return err
	})
	return serverURL, err
}

func bringUp(ctx context.Context, admin *pgx.Conn, adminURL string) error {
	if behind(ctx, admin) == nil {
		return nil
	}
	if err := ensureGroupRoles(ctx, admin); err != nil {
		return err
	}
	pool, err := open(adminURL)
	if err != nil {
		return err
	}
	defer func() { _ = pool.Close() }()
	p, err := provider(pool)
	if err != nil {
		return err
	}
	results, err := p.Up(ctx)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	for _, r := range results {
		slog.InfoContext(ctx, "migrated", "file", r.Source.Path, "took", r.Duration)
	}
	if _, err := admin.Exec(ctx, "GRANT SELECT ON "+goose.DefaultTablename+" TO rooftop_app"); err != nil {
		return fmt.Errorf("let the server read the schema's version: %w", err)
	}
	return bringUpRiver(ctx, admin, adminURL)
}

// NewEpoch is the statement, of one line, that gives a restored database a history of its own: positions in the event order
// may come to stand for other events than those that readers have seen, and event_epoch tells them.
const NewEpoch = `DO $$ BEGIN UPDATE installation SET value = gen_random_uuid()::text WHERE key = 'epoch'; ` +
	`IF NOT FOUND THEN RAISE EXCEPTION 'the database has no installation of Rooftop'; END IF; END $$`

// State is one migration and whether it was applied.
type State struct {
	Version int64
	File    string
	Applied bool
}

// Status lists every migration of this program.
func Status(ctx context.Context, adminURL string) ([]State, error) {
	pool, err := open(adminURL)
	if err != nil {
		return nil, err
	}
	defer func() { _ = pool.Close() }()
	p, err := provider(pool)
	if err != nil {
		return nil, err
	}
	states, err := p.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the state of the migrations: %w", err)
	}
	out := make([]State, 0, len(states))
	for _, s := range states {
		out = append(out, State{Version: s.Source.Version, File: s.Source.Path, Applied: s.State == goose.StateApplied})
	}
	queue, err := riverStatus(ctx, adminURL)
	return append(out, queue...), err
}

// ErrBehind says that the database lacks migrations of this program.
var ErrBehind = errors.New("the database lacks migrations of this version: run `rooftop migrate up`")

// Latest is the version that this program's schema has.
func Latest() int64 {
	var latest int64
	for _, name := range names() {
		if v, err := goose.NumericComponent(name); err == nil && v > latest {
			latest = v
		}
	}
	return latest
}

// Fingerprint identifies the schema of this program, for caches of migrated databases.
func Fingerprint() string {
	h := sha256.New()
	for _, name := range names() {
		b, _ := files.ReadFile("sql/" + name)
		h.Write([]byte(name))
		h.Write(b)
	}
	for _, m := range riverMigrations() {
		h.Write([]byte(m.SQLUp))
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

func names() []string {
	entries, _ := files.ReadDir("sql")
	out := make([]string, 0, len(entries))
	for _, e := range entries {
		out = append(out, e.Name())
	}
	sort.Strings(out)
	return out
}

// behind fails with ErrBehind when migrations are missing, also when the database is empty.
func behind(ctx context.Context, conn *pgx.Conn) error {
	var version int64
	err := conn.QueryRow(ctx, "SELECT coalesce(max(version_id), 0) FROM "+goose.DefaultTablename+" WHERE is_applied").Scan(&version)
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && pgErr.Code == "42P01" {
		return ErrBehind
	}
	if err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	if version < Latest() {
		return ErrBehind
	}
	return riverBehind(ctx, conn)
}

func provider(pool *sql.DB) (*goose.Provider, error) {
	dir, err := fs.Sub(files, "sql")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectPostgres, pool, dir)
}

func open(url string) (*sql.DB, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("read the database URL: %w", err)
	}
	return stdlib.OpenDB(*cfg), nil
}

func connect(ctx context.Context, url string) (*pgx.Conn, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("read the database URL: %w", err)
	}
	cfg.RuntimeParams["application_name"] = "rooftop-migrate"
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	return conn, nil
}

func closeConn(conn *pgx.Conn) { _ = conn.Close(context.Background()) }

func checkVersion(ctx context.Context, conn *pgx.Conn) error {
	var num int
	if err := conn.QueryRow(ctx, "SELECT current_setting('server_version_num')::int").Scan(&num); err != nil {
		return fmt.Errorf("ask Postgres for its version: %w", err)
	}
	if num < MinimumServer*10000 {
		return fmt.Errorf("the database runs Postgres %d: version %d or newer is needed", num/10000, MinimumServer)
	}
	return nil
}

func locked(ctx context.Context, conn *pgx.Conn, fn func() error) error {
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", int64(lockID)); err != nil {
		return fmt.Errorf("wait for other processes to finish migrating: %w", err)
	}
	defer func() { _, _ = conn.Exec(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", int64(lockID)) }()
	return fn()
}
