package pgcluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

var (
	// errStillInUse: another server, or what is left of a killed one, still holds the data; it passes.
	errStillInUse = errors.New("the data is still in use by a server that is ending")
	errNotReady   = errors.New("the server does not take connections yet")
)

const maxLogBytes = 10 << 20

func (p place) logFile() string { return p.file("postgres.log") }

// start runs the server detached and returns when it takes connections. When ctx ends first the server goes on starting
// and can be adopted later. The caller holds the supervisor lock.
func (c *Cluster) start(ctx context.Context, found Binaries) error {
	where := c.currentAddress()
	if err := c.place.writeSettings(c.cfg.Settings, where); err != nil {
		return err
	}
	if err := c.place.disownStaleFiles(where); err != nil {
		return err
	}
	if err := c.place.rotateLog(); err != nil {
		return err
	}
	log, err := c.place.open(c.place.logFile(), os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // the server has its own
	begin, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	// Not ctx: the server must outlive the program.
	cmd := c.place.command(context.WithoutCancel(ctx), found, "postgres",
		"-D", c.place.pgdata(), "-c", "config_file="+c.place.settingsFile())
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the server as %s: %w", c.place.account.title(), err)
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait() // why it ended is in its log
		close(exited)
	}()
	server, err := c.awaitReady(ctx, cmd.Process.Pid, exited)
	if err != nil {
		return c.whyNotStarted(err, log, begin)
	}
	c.setServer(server, exited)
	c.mu.Lock()
	c.binaries = found
	c.mu.Unlock()
	c.cfg.Log.Info("private Postgres runs", "pid", server.pid, "address", where.String(), "data", c.place.home)
	return nil
}

var errExited = errors.New("the server ended while starting")

func (c *Cluster) awaitReady(ctx context.Context, pid int, exited <-chan struct{}) (process, error) {
	for {
		select {
		case <-exited:
			return process{}, errExited
		default:
		}
		if pm, ok := c.place.postmaster(); ok && pm.pid == pid && pm.status == "ready" {
			return pm.process, c.ping(ctx)
		}
		if err := pause(ctx, pollEvery); err != nil {
			return process{}, err
		}
	}
}

// whyNotStarted reads what the server logged since begin.
func (c *Cluster) whyNotStarted(err error, log *os.File, begin int64) error {
	if !errors.Is(err, errExited) {
		return fmt.Errorf("start the server: %w", err)
	}
	text := make([]byte, 64<<10)
	n, _ := log.ReadAt(text, begin)
	said := string(text[:n])
	for _, passing := range []string{"is still in use", "lock file \"postmaster.pid\" already exists"} {
		if strings.Contains(said, passing) {
			return errStillInUse
		}
	}
	return fmt.Errorf("the server does not start: %s (more in %s)", complaint(said), c.place.logFile())
}

// disownStaleFiles mends the lock files of a killed server that Postgres would not get past: those left empty by a kill
// in the middle of a start, and those whose number is taken, by another process or by remains that nobody has reaped. They
// are given our own number, which Postgres, being our child, passes over. Nothing is removed, since Postgres finds out by
// the memory key in postmaster.pid whether old backends still run.
func (p place) disownStaleFiles(a address) error {
	files := []string{filepath.Join(p.pgdata(), "postmaster.pid")}
	if a.SocketDir != "" {
		files = append(files, a.socket()+".lock")
	}
	for _, file := range files {
		f, err := os.OpenFile(file, os.O_RDWR|syscall.O_NOFOLLOW, 0)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if err := errors.Join(disown(f), f.Close()); err != nil {
			return err
		}
	}
	return nil
}

func disown(f *os.File) error {
	raw, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	first, rest, _ := strings.Cut(string(raw), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err == nil && (pid <= 0 || !numberTaken(pid)) {
		return nil // of a dead process: Postgres itself knows what to do
	}
	content := strconv.Itoa(os.Getpid()) + "\n" + rest
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err = f.WriteAt([]byte(content), 0)
	return err
}

// rotateLog keeps the log and one older part of it. The server appends to the open file, so it is copied and emptied.
func (p place) rotateLog() error {
	info, err := os.Stat(p.logFile())
	if err != nil || info.Size() < maxLogBytes {
		return nil
	}
	log, err := p.open(p.logFile(), os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // only read and emptied
	old, err := p.open(p.logFile()+".1", os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(old, log)
	if err = errors.Join(err, old.Close()); err != nil {
		return err
	}
	return log.Truncate(0)
}

// stopUnreachable ends a server whose socket is gone, such as by a cleaner of /tmp: nobody can talk to it any more. The
// caller holds the supervisor lock.
func (c *Cluster) stopUnreachable(ctx context.Context, pm postmaster) error {
	if pm.status != "ready" || pm.address.SocketDir == "" {
		return nil
	}
	if _, err := os.Lstat(pm.address.socket()); !errors.Is(err, os.ErrNotExist) {
		return nil
	}
	c.cfg.Log.Warn("private Postgres has lost its socket: stopping it", "address", pm.address.String())
	return c.stop(ctx)
}

// stop ends the server: sessions are ended, a checkpoint is written. It returns when it has exited.
func (c *Cluster) stop(ctx context.Context) error {
	pm, ok := c.place.postmaster()
	if !ok {
		return nil
	}
	if err := syscall.Kill(pm.pid, syscall.SIGINT); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("stop the server: %w", err)
	}
	for pm.alive() {
		if err := pause(ctx, pollEvery); err != nil {
			return fmt.Errorf("the server is still stopping: %w", err)
		}
	}
	c.cfg.Log.Info("private Postgres stopped", "data", c.place.home)
	return nil
}
