package app

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/migrate"
	"github.com/rooftop-crm/rooftop/internal/platform/pgcluster"
)

// database is the Postgres in use: the operator's, or a private one that this process may have to keep alive.
type database struct {
	db      *db.DB
	cluster *pgcluster.Cluster // nil for the operator's
}

// privateDatabase is the name of the database in a private cluster.
const privateDatabase = "rooftop"

// startTimeout bounds everything that a start waits for: making a cluster, recovery after a crash, migrations.
const startTimeout = 3 * time.Minute

func openDatabase(ctx context.Context, cfg Config) (*database, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	d := &database{}
	url, migrateURL := cfg.DatabaseURL, cfg.MigrateURL
	if url == "" {
		cluster, err := OpenCluster(ctx, cfg)
		if err != nil {
			return nil, err
		}
		d.cluster = cluster
		url = cluster.URL(privateDatabase)
	}
	serverURL, err := migrate.Prepare(ctx, url, migrateURL)
	if err == nil {
		d.db, err = db.Open(ctx, db.Config{URL: serverURL, MaxConns: cfg.MaxConns, Pooler: cfg.Pooler})
	}
	if err != nil {
		d.close(ctx)
		return nil, fmt.Errorf("open the database: %w", err)
	}
	return d, nil
}

// OpenCluster opens the private Postgres and makes its database.
func OpenCluster(ctx context.Context, cfg Config) (*pgcluster.Cluster, error) {
	cluster, err := pgcluster.Open(ctx, cfg.clusterConfig())
	if err != nil {
		return nil, err
	}
	if err := cluster.EnsureDatabase(ctx, privateDatabase); err != nil {
		_ = cluster.Close(context.WithoutCancel(ctx))
		return nil, fmt.Errorf("make the private database: %w", err)
	}
	return cluster, nil
}

func (c Config) clusterConfig() pgcluster.Config {
	return pgcluster.Config{
		DataDir: filepath.Join(c.DataDir, "postgres"), Path: c.path, SudoUID: c.sudoUID, Repository: c.PostgresRepository, Log: slog.Default(),
	}
}

// supervise keeps the private Postgres running until ctx ends.
func (d *database) supervise(ctx context.Context) error {
	if d.cluster == nil {
		<-ctx.Done()
		return nil
	}
	return d.cluster.Supervise(ctx)
}

var errNotReady = errs.New(errs.Unavailable, "service.unavailable", "The database cannot be reached.").After(2 * time.Second)

// ready tells why requests cannot be answered now.
func (d *database) ready(ctx context.Context) error {
	if d.cluster != nil && d.cluster.State() == pgcluster.Down {
		return errNotReady
	}
	if err := d.db.Ping(ctx); err != nil {
		return errNotReady.Because(err)
	}
	return nil
}

func (d *database) close(ctx context.Context) {
	if d.db != nil {
		d.db.Close()
	}
	if d.cluster != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		if err := d.cluster.Close(ctx); err != nil {
			slog.WarnContext(ctx, "the private Postgres could not be stopped", "error", err)
		}
	}
}
