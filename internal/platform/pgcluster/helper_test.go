package pgcluster

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

const patience = 60 * time.Second

// TestMain lets the test binary stand in for another program that uses the cluster: "<binary> program <config as JSON>".
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "program" {
		os.Exit(program(os.Args[2]))
	}
	os.Exit(m.Run())
}

// report is what the other program prints once it can use the cluster.
type report struct {
	PID int
	URL string
	Err string
}

// program opens the cluster, supervises it, reports, and leaves when its input ends.
func program(config string) int {
	var cfg Config
	if err := json.Unmarshal([]byte(config), &cfg); err != nil {
		return 2
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := Open(ctx, cfg)
	out := json.NewEncoder(os.Stdout)
	if err != nil {
		_ = out.Encode(report{Err: err.Error()})
		return 1
	}
	go func() { _ = c.Supervise(context.Background()) }()
	_ = out.Encode(report{PID: c.Describe(ctx).PID, URL: c.URL("postgres")})
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := c.Close(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

type otherProgram struct {
	cmd   *exec.Cmd
	stdin io.Closer
	out   *bufio.Reader
	once  sync.Once
}

func startProgram(t *testing.T, cfg Config) *otherProgram {
	t.Helper()
	raw, err := json.Marshal(map[string]any{
		"DataDir": cfg.DataDir, "Path": cfg.Path, "FallbackDir": cfg.FallbackDir, "CacheDir": cfg.CacheDir,
		"Settings": cfg.Settings, "Repository": cfg.Repository,
	})
	require.NoError(t, err)
	p := &otherProgram{cmd: exec.Command(os.Args[0], "program", string(raw))}
	p.cmd.Stderr = os.Stderr
	p.stdin, err = p.cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	p.out = bufio.NewReader(stdout)
	require.NoError(t, p.cmd.Start())
	t.Cleanup(p.kill)
	return p
}

func (p *otherProgram) report(t *testing.T) report {
	t.Helper()
	line, err := p.out.ReadBytes('\n')
	require.NoError(t, err, "the other program said nothing")
	var r report
	require.NoError(t, json.Unmarshal(line, &r))
	require.Empty(t, r.Err)
	return r
}

// kill is kill -9; leave is the orderly end.
func (p *otherProgram) kill() {
	p.once.Do(func() {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	})
}

func (p *otherProgram) leave(t *testing.T) {
	t.Helper()
	p.once.Do(func() {
		require.NoError(t, p.stdin.Close())
		require.NoError(t, p.cmd.Wait())
	})
}

// newConfig gives a data folder that every user can reach and stops, at the end, whatever runs in it.
func newConfig(t *testing.T) Config {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "rooftop-pg-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755))
	t.Cleanup(func() {
		for _, glob := range []string{"data/pgdata", "*/data/pgdata", "fallback/*/pgdata"} {
			found, _ := filepath.Glob(filepath.Join(dir, glob))
			for _, pgdata := range found {
				quit(t, place{home: filepath.Dir(pgdata)})
			}
		}
		require.NoError(t, os.RemoveAll(dir))
	})
	return Config{
		DataDir: filepath.Join(dir, "data"), Path: os.Getenv("PATH"),
		FallbackDir: filepath.Join(dir, "fallback"), CacheDir: filepath.Join(dir, "cache"), Repository: RepositoryOff,
		Settings: map[string]string{"fsync": "off", "shared_buffers": "16MB"},
		Log:      slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
}

func quit(t *testing.T, p place) {
	t.Helper()
	if pm, ok := p.postmaster(); ok {
		_ = syscall.Kill(pm.pid, syscall.SIGQUIT)
		eventually(t, func() bool { return !pm.alive() }, "the server does not quit")
	}
}

func eventually(t *testing.T, done func() bool, message string) {
	t.Helper()
	require.Eventually(t, done, patience, 5*time.Millisecond, message)
}

func patient(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// open opens the cluster and closes it at the end of the test.
func open(t *testing.T, cfg Config) *Cluster {
	t.Helper()
	c, err := Open(patient(t), cfg)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		require.NoError(t, c.Close(ctx))
	})
	return c
}

func supervise(t *testing.T, c *Cluster) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = c.Supervise(ctx)
	}()
	t.Cleanup(func() { cancel(); <-done })
}

// query runs one statement on a new connection and gives its single text value.
func query(t *testing.T, url, sql string) string {
	t.Helper()
	var got string
	require.NoError(t, tryQuery(url, sql, &got))
	return got
}

func tryQuery(url, sql string, into *string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx) //nolint:errcheck // the connection is only thrown away
	return conn.QueryRow(ctx, sql).Scan(into)
}

func exec1(t *testing.T, url, sql string) {
	t.Helper()
	conn, err := pgx.Connect(patient(t), url)
	require.NoError(t, err)
	defer conn.Close(context.Background()) //nolint:errcheck // the connection is only thrown away
	_, err = conn.Exec(patient(t), sql)
	require.NoError(t, err)
}
