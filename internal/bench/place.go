package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rooftop-crm/rooftop/internal/platform/config"
	"github.com/rooftop-crm/rooftop/internal/platform/migrate"
	"github.com/rooftop-crm/rooftop/internal/platform/pgcluster"
)

const (
	minLeads     = 1000
	bytesPerLead = 7 << 10 // tables, indexes, half a contact and the history, and room for what the runs add
	bytesForLog  = 3 << 30 // the write-ahead log during the load, and sorting
)

// place is where the databases are: a private Postgres that is kept between runs, or the caller's.
type place struct {
	cluster *pgcluster.Cluster // nil for the caller's
	url     string             // of the caller's
	home    string             // the folder whose disk is filled; "" for the caller's
	pid     int                // of the postmaster; 0 for the caller's
	bin     string             // folder of the binaries; "" for the caller's
	path    string
	note    string
}

// settings are durable. Checkpoints come when the bench asks for one, between workloads, rather than in the middle of a round.
var settings = map[string]string{
	"shared_buffers": "1GB", "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "max_connections": "120",
	"checkpoint_timeout": "30min", "max_wal_size": "2GB", "maintenance_work_mem": "512MB",
}

func openPlace(ctx context.Context, o options) (*place, error) {
	env, err := config.Read("")
	if err != nil {
		return nil, err
	}
	p := &place{path: env.Get("PATH")}
	if o.database != "" {
		p.url, p.note = o.database, "the caller's Postgres"
		return p, p.checkSuperuser(ctx)
	}
	p.cluster, err = pgcluster.Open(ctx, pgcluster.Config{
		DataDir: o.dir, Path: p.path, SudoUID: env.Get("SUDO_UID"), Repository: env.Get(pgcluster.RepositorySetting),
		Settings: settings, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	is := p.cluster.Describe(ctx)
	p.home, p.pid, p.bin = is.Home, is.PID, is.Binaries.Dir
	p.note = fmt.Sprintf("private Postgres %s, shared_buffers=1GB fsync=on synchronous_commit=on, data in %s", is.Binaries.Version, is.Home)
	return p, nil
}

func (p *place) close(ctx context.Context) {
	if p.cluster == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if err := p.cluster.Close(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench: the private Postgres could not be stopped:", err)
	}
}

// ownerURL is the superuser's URL of a database.
func (p *place) ownerURL(database string) (string, error) {
	if p.cluster != nil {
		return p.cluster.URL(database), nil
	}
	u, err := url.Parse(p.url)
	if err != nil || u.Scheme == "" {
		return "", errors.New("-database-url: want postgres://user:password@host:port/name")
	}
	if database != "" {
		u.Path = "/" + database
	}
	return u.String(), nil
}

func (p *place) checkSuperuser(ctx context.Context) error {
	conn, err := p.connect(ctx, "")
	if err != nil {
		return err
	}
	defer hangUp(ctx, conn)
	var super bool
	if err := conn.QueryRow(ctx, `SELECT rolsuper FROM pg_roles WHERE rolname = current_user`).Scan(&super); err != nil {
		return err
	}
	if !super {
		return errors.New("-database-url: the role must be a superuser, since row security binds any other while the data are loaded")
	}
	return nil
}

func (p *place) connect(ctx context.Context, database string) (*pgx.Conn, error) {
	owner, err := p.ownerURL(database)
	if err != nil {
		return nil, err
	}
	conn, err := pgx.Connect(ctx, owner)
	if err != nil {
		return nil, fmt.Errorf("connect to the bench's database: %w", err)
	}
	return conn, nil
}

// hangUp closes a connection, also when the bench was interrupted.
func hangUp(ctx context.Context, conn *pgx.Conn) { _ = conn.Close(context.WithoutCancel(ctx)) }

// checkDisk refuses before the disk is filled.
func (p *place) checkDisk(leads int) error {
	if p.home == "" {
		return nil
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(p.home, &fs); err != nil {
		return fmt.Errorf("look at the disk of %s: %w", p.home, err)
	}
	free := int64(fs.Bavail) * int64(fs.Bsize) //nolint:gosec,unconvert // bytes of a disk; the types differ between systems
	if need := int64(leads)*bytesPerLead + bytesForLog; free < need {
		return fmt.Errorf("the disk of %s is short: %d leads need about %.1f GB and %.1f GB are free (choose another folder with -dir, or fewer with -leads)",
			filepath.Clean(p.home), leads, gigabytes(need), gigabytes(free))
	}
	return nil
}

func gigabytes(bytes int64) float64 { return float64(bytes) / (1 << 30) }

// prepare opens the database with so many leads, loading it when it is not there, is of another schema, or has grown by
// a quarter through earlier runs.
func (p *place) prepare(ctx context.Context, leads int, fresh bool) (*dataset, error) {
	name := fmt.Sprintf("rooftop_bench_%d", leads)
	if !fresh {
		if d, err := p.reopen(ctx, name, leads); err == nil {
			return d, nil
		}
	}
	if err := p.checkDisk(leads); err != nil {
		return nil, err
	}
	started := instant()
	fmt.Printf("loading %d leads into %s; this is done once\n", leads, name)
	admin, err := p.connect(ctx, p.adminDatabase())
	if err != nil {
		return nil, err
	}
	defer hangUp(ctx, admin)
	ident := pgx.Identifier{name}.Sanitize()
	for _, sql := range []string{"DROP DATABASE IF EXISTS " + ident + " WITH (FORCE)", "CREATE DATABASE " + ident} {
		if _, err := admin.Exec(ctx, sql); err != nil {
			return nil, fmt.Errorf("make the database %s: %w", name, err)
		}
	}
	owner, err := p.ownerURL(name)
	if err != nil {
		return nil, err
	}
	if _, err := migrate.Prepare(ctx, owner, ""); err != nil {
		return nil, err
	}
	conn, err := p.connect(ctx, name)
	if err != nil {
		return nil, err
	}
	defer hangUp(ctx, conn)
	if err := load(ctx, conn, leads); err != nil {
		return nil, fmt.Errorf("load the data: %w", err)
	}
	fmt.Printf("loaded in %s\n", instant().Sub(started).Round(time.Second))
	return p.reopen(ctx, name, leads)
}

// adminDatabase is the one to make others from.
func (p *place) adminDatabase() string {
	if p.cluster != nil {
		return "postgres"
	}
	return ""
}

// pgbench finds the program beside postgres, also where the folder in PATH holds links to it.
func (p *place) pgbench() (binary string, found bool) {
	dirs := filepath.SplitList(p.path)
	if p.bin != "" {
		dirs = append([]string{p.bin}, dirs...)
		if real, err := filepath.EvalSymlinks(filepath.Join(p.bin, "postgres")); err == nil {
			dirs = append([]string{filepath.Dir(real)}, dirs...)
		}
	}
	for _, dir := range dirs {
		file := filepath.Join(dir, "pgbench")
		if info, err := os.Stat(file); err == nil && !info.IsDir() && info.Mode()&0o111 != 0 {
			return file, true
		}
	}
	return "", false
}

var errReload = errors.New("the data are to be loaded anew")

// reopen opens a loaded database. It fails when there is none that will do.
func (p *place) reopen(ctx context.Context, name string, leads int) (*dataset, error) {
	conn, err := p.connect(ctx, name)
	if err != nil {
		return nil, err
	}
	defer hangUp(ctx, conn)
	meta, err := readMeta(ctx, conn)
	if err != nil {
		return nil, err
	}
	var now int
	if err := conn.QueryRow(ctx, `SELECT count(*) FROM leads`).Scan(&now); err != nil {
		return nil, err
	}
	if meta["fingerprint"] != fingerprint(leads) || now > leads+leads/4 {
		return nil, errReload
	}
	owner, err := p.ownerURL(name)
	if err != nil {
		return nil, err
	}
	return openDataset(ctx, conn, owner, leads, meta["master_key"])
}
