package pgcluster

import (
	"context"
	"errors"
	"time"
)

// State is what this program knows of the server.
type State string

const (
	// Starting is before the first connection, and after a restart has begun.
	Starting State = "starting"
	// Up takes connections.
	Up State = "up"
	// Down is gone and not back yet. Without a running Supervise nobody notices and nobody restarts.
	Down State = "down"
	// Closed is after Close.
	Closed State = "closed"
)

const (
	// watchEvery bounds how long a dead server goes unnoticed. A look costs one small read of /proc.
	watchEvery = 200 * time.Millisecond
	// calmLooks is how many looks in a row must find the server alive before a crash counts as the first again.
	calmLooks  = int(2 * time.Second / watchEvery)
	minBackoff = 100 * time.Millisecond
	maxBackoff = 5 * time.Second
)

// State is the last known state; it costs nothing to ask.
func (c *Cluster) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

func (c *Cluster) setState(s State) {
	c.mu.Lock()
	changed := c.state != s
	c.state = s
	c.mu.Unlock()
	if changed && c.cfg.OnState != nil {
		c.cfg.OnState(s)
	}
}

// Supervise watches the server until ctx ends or the cluster is closed and restarts it when it is down, with backoff when
// it keeps failing. Of the programs that share the cluster one restarts at a time; the others keep State and stand by to
// take over. It returns nil at the end of ctx: there is no failure that trying again could not mend.
func (c *Cluster) Supervise(ctx context.Context) error {
	c.mu.Lock()
	if c.life.Err() != nil {
		c.mu.Unlock()
		return nil
	}
	c.loop.Add(1)
	c.mu.Unlock()
	defer c.loop.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.life, cancel)()

	w := &watch{cluster: c}
	defer w.resign()
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.ownServerExited():
		case <-ticker.C:
		}
		w.look(ctx)
	}
}

// ownServerExited tells at once when the server is our child; for an adopted one it never does and the ticker must.
func (c *Cluster) ownServerExited() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.exited
}

// watch is what one running Supervise remembers between looks.
type watch struct {
	cluster  *Cluster
	lock     *fileLock // of the one that restarts; nil as long as another program has it
	failures int
	calm     int
}

func (w *watch) resign() {
	if w.lock != nil {
		w.lock.release()
	}
}

func (w *watch) look(ctx context.Context) {
	c := w.cluster
	if w.lock == nil {
		if lock, ok, err := tryLock(c.place.file("supervisor.lock"), c.place, lockExclusive); err == nil && ok {
			w.lock = lock
		}
	}
	if c.serverAlive() {
		w.alive(ctx)
		return
	}
	c.setServer(process{}, nil)
	c.setState(Down)
	if pm, ok := c.place.postmaster(); ok { // restarted by another program
		if err := c.adopt(ctx, pm); err == nil {
			c.setState(Up)
		}
		return
	}
	if w.lock != nil {
		w.restart(ctx)
	}
}

func (w *watch) alive(ctx context.Context) {
	c := w.cluster
	if w.calm++; w.calm%calmLooks != 0 {
		return
	}
	w.failures = 0
	if w.lock == nil {
		return
	}
	if pm, ok := c.place.postmaster(); ok {
		if err := c.stopUnreachable(ctx, pm); err != nil {
			c.cfg.Log.Error("private Postgres cannot be stopped", "error", err)
		}
	}
	if err := c.place.rotateLog(); err != nil {
		c.cfg.Log.Warn("private Postgres: the log was not rotated", "error", err)
	}
}

func (w *watch) restart(ctx context.Context) {
	c := w.cluster
	w.calm = 0
	if w.failures > 0 {
		wait := min(minBackoff<<min(w.failures-1, 10), maxBackoff)
		if pause(ctx, wait) != nil {
			return
		}
	}
	c.cfg.Log.Warn("private Postgres is down: restarting it", "data", c.place.home, "failures", w.failures)
	c.setState(Starting)
	err := c.restart(ctx)
	switch {
	case err == nil:
		w.failures++ // until it has proved calm
		c.setState(Up)
	case errors.Is(err, errStillInUse):
		w.failures = max(w.failures, 1) // backends of the killed server end soon: no growing wait
		c.setState(Down)
	default:
		w.failures++
		c.setState(Down)
		if ctx.Err() == nil {
			c.cfg.Log.Error("private Postgres does not restart", "error", err)
		}
	}
}

// restart starts the server again where it was; clients know that address.
func (c *Cluster) restart(ctx context.Context) error {
	found, err := find(ctx, c.cfg, c.place)
	if err != nil {
		return err
	}
	if where := c.currentAddress(); !c.place.usable(where) {
		return errors.New("its address " + where.String() + " cannot be used")
	}
	return c.start(ctx, found)
}

func (c *Cluster) serverAlive() bool {
	c.mu.Lock()
	server := c.server
	c.mu.Unlock()
	return server.alive()
}
