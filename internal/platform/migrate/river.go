package migrate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// grantRiver lets the server work with River's tables: control-plane tables that platform/jobs alone reads and writes.
const grantRiver = `
	GRANT SELECT, INSERT, UPDATE, DELETE ON river_job, river_leader, river_queue, river_notification TO rooftop_app;
	GRANT USAGE ON SEQUENCE river_job_id_seq, river_notification_id_seq TO rooftop_app;
	GRANT SELECT ON river_migration TO rooftop_app`

// bringUpRiver runs River's own migrations and grants what they made.
func bringUpRiver(ctx context.Context, admin *pgx.Conn, adminURL string) error {
	pool, m, err := riverOn(ctx, adminURL)
	if err != nil {
		return err
	}
	defer pool.Close()
	done, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil)
	if err != nil {
		return fmt.Errorf("migrate the job queue: %w", err)
	}
	for _, v := range done.Versions {
		slog.InfoContext(ctx, "migrated", "file", riverFile(v.Version, v.Name), "took", v.Duration)
	}
	if _, err := admin.Exec(ctx, grantRiver); err != nil {
		return fmt.Errorf("let the server use the job queue: %w", err)
	}
	return nil
}

func riverStatus(ctx context.Context, adminURL string) ([]State, error) {
	pool, m, err := riverOn(ctx, adminURL)
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	existing, err := m.ExistingVersions(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the state of the job queue's migrations: %w", err)
	}
	applied := map[int]bool{}
	for _, e := range existing {
		applied[e.Version] = true
	}
	var out []State
	for _, v := range riverMigrations() {
		out = append(out, State{Version: int64(v.Version), File: riverFile(v.Version, v.Name), Applied: applied[v.Version]})
	}
	return out, nil
}

// riverBehind fails with ErrBehind when River's schema is older than the River in this program.
func riverBehind(ctx context.Context, conn *pgx.Conn) error {
	var version int
	err := conn.QueryRow(ctx, "SELECT coalesce(max(version), 0) FROM river_migration WHERE line = 'main'").Scan(&version)
	var pgErr *pgconn.PgError
	switch all := riverMigrations(); {
	case errors.As(err, &pgErr) && pgErr.Code == "42P01":
		return ErrBehind
	case err != nil:
		return fmt.Errorf("read the version of the job queue's schema: %w", err)
	case version < all[len(all)-1].Version:
		return ErrBehind
	}
	return nil
}

// riverMigrations are those of the River this program is built with, in order.
var riverMigrations = sync.OnceValue(func() []rivermigrate.Migration {
	m, err := rivermigrate.New(riverpgxv5.New(nil), nil)
	if err != nil {
		panic(err) // River's own files
	}
	return m.AllVersions()
})

func riverFile(version int, name string) string { return fmt.Sprintf("river %03d %s", version, name) }

func riverOn(ctx context.Context, adminURL string) (*pgxpool.Pool, *rivermigrate.Migrator[pgx.Tx], error) {
	cfg, err := pgxpool.ParseConfig(adminURL)
	if err != nil {
		return nil, nil, fmt.Errorf("read the database URL: %w", err)
	}
	cfg.MaxConns, cfg.ConnConfig.RuntimeParams["application_name"] = 2, "rooftop-migrate"
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, nil, fmt.Errorf("connect to the database: %w", err)
	}
	m, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		pool.Close()
		return nil, nil, fmt.Errorf("read the job queue's migrations: %w", err)
	}
	return pool, m, nil
}
