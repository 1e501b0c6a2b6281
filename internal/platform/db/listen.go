package db

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrNoListen is the answer to Listen behind a pooler: a session of our own is what it does not give.
var ErrNoListen = errors.New("db: a pooler stands before the database, which cannot listen through it")

// listenCheck is how often a silent listener asks whether the server is still there.
const listenCheck = 20 * time.Second

// presenceClass is the first key of the lock that shows a process to be there; migrations know it too.
const presenceClass = 1919905652

// presencePatience is how long a process that has just begun may take to show itself.
const presencePatience = 5 * time.Second

// Presence is the number under which a process that listens is known to be connected, as the SQL function
// process_present tells. It waits a moment for a process that has just begun. 0 when it is not: without Listen, while that
// is interrupted, and behind a pooler, where no lock outlives a transaction.
func (d *DB) Presence(ctx context.Context) int32 {
	if d.cfg.Pooler {
		return 0
	}
	timer := time.NewTimer(presencePatience)
	defer timer.Stop()
	select {
	case <-d.shown:
	case <-timer.C:
	case <-ctx.Done():
	}
	if !d.present.Load() {
		return 0
	}
	return d.presence
}

// Listen opens one connection beside the pool and calls got with what is notified on the channel, until ctx ends or the
// connection is lost. For as long it shows the process's Presence. ready is called once it listens: what was notified before that was not heard.
func (d *DB) Listen(ctx context.Context, channel string, ready func(), got func(payload string)) error {
	if d.cfg.Pooler {
		return ErrNoListen
	}
	conn, err := pgx.ConnectConfig(ctx, d.pool.Config().ConnConfig)
	if err != nil {
		return fmt.Errorf("open the listener: %w", err)
	}
	defer func() {
		within, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(within)
	}()
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1, $2)", int32(presenceClass), d.presence); err != nil {
		return fmt.Errorf("show the process's presence: %w", err)
	}
	d.present.Store(true)
	d.showOnce.Do(func() { close(d.shown) })
	defer d.present.Store(false)
	if _, err := conn.Exec(ctx, "LISTEN "+pgx.Identifier{channel}.Sanitize()); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	ready()
	for {
		if err := heard(ctx, conn, got); err != nil {
			return err
		}
	}
}

// heard waits for one notification, or sees that the silent server still answers.
func heard(ctx context.Context, conn *pgx.Conn, got func(payload string)) error {
	within, cancel := context.WithTimeout(ctx, listenCheck)
	defer cancel()
	n, err := conn.WaitForNotification(within)
	switch {
	case err == nil:
		got(n.Payload)
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case within.Err() == nil:
		return fmt.Errorf("%w: %w", errLost, err)
	}
	alive, stop := context.WithTimeout(ctx, listenPatience)
	defer stop()
	if err := conn.Ping(alive); err != nil {
		return fmt.Errorf("%w: %w", errLost, err)
	}
	return nil
}

// listenPatience is how long the server may take to say that it is there.
const listenPatience = 5 * time.Second
