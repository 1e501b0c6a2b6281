package db

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/rooftop-crm/rooftop/internal/kernel"
)

const maxRetries = 3

// InTx is the unit of work: it runs fn in one transaction and commits when fn returns nil. Stores join it through the
// context fn gets; a nested InTx joins too, and its error rolls back all.
//
// The transaction outlives a caller that leaves and is bounded by TxTimeout instead, so that a commit is never cut off.
// fn runs again, up to three times, after a deadlock, a serialisation failure, or a connection lost before the commit:
// it must have no effect outside the transaction (use AfterCommit). ErrUnknownOutcome is the answer when the connection
// was lost during the commit. A statement that failed fails the transaction, whatever fn makes of its error. The
// context belongs to one goroutine. Nothing is sent, and no connection taken, before the first statement.
func (d *DB) InTx(ctx context.Context, fn func(ctx context.Context) error) error {
	if t := txFrom(ctx, d); t != nil {
		return t.join(ctx, fn)
	}
	for try := 0; ; try++ {
		again, err := d.attempt(ctx, fn)
		if err == nil || !again || try == maxRetries || !pause(ctx, try) {
			return err
		}
	}
}

// attempt runs fn in a transaction once. again tells that the failure may pass.
func (d *DB) attempt(ctx context.Context, fn func(ctx context.Context) error) (again bool, err error) {
	t := newTx(ctx, d, beginTx)
	defer t.release() // also after a panic
	if err = fn(context.WithValue(t.ctx, txKey{}, t)); err == nil {
		err = t.commit()
	}
	if err != nil {
		return t.passing(err), err
	}
	t.release()
	for _, hook := range t.hooks {
		hook()
	}
	return false, nil
}

// passing tells whether a failed attempt, of which nothing was kept, may succeed when run again.
func (t *tx) passing(err error) bool {
	if t.unknown || t.ctx.Err() != nil {
		return false
	}
	for _, e := range []error{err, t.err} {
		if IsRetryable(e) || stale(e) || errors.Is(e, errLost) || codeOf(e) == codeAdminShutdown {
			return true
		}
	}
	return false
}

// pause waits a moment that differs between rivals. It tells whether the caller is still there.
func pause(ctx context.Context, try int) bool {
	most := 10 * time.Millisecond << try
	timer := time.NewTimer(most/4 + rand.N(most)) //nolint:gosec // jitter
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

func (t *tx) join(ctx context.Context, fn func(ctx context.Context) error) error {
	t.mu.Lock()
	err := t.usable()
	t.mu.Unlock()
	if err != nil {
		return err
	}
	if err = fn(ctx); err != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.err == nil {
			t.err = err
		}
	}
	return err
}

// InTransaction tells whether the context carries an open transaction.
func InTransaction(ctx context.Context) bool {
	t, _ := ctx.Value(txKey{}).(*tx)
	if t == nil {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.done
}

// Queue adds a statement in the account to the context's transaction (ErrNoTransaction without one). It is sent with the
// next statement that needs an answer, or with the commit, and its error surfaces there and fails the transaction.
// each (may be nil) is called for every row, done (may be nil) with the rows affected; an error of either fails the
// transaction too, which is why queued statements with callbacks leave in a message before the commit, not with it.
// The callbacks may Queue, but must not send.
func (d *DB) Queue(
	ctx context.Context, account kernel.AccountID, sql string, args []any,
	each func(Rows) error, done func(rowsAffected int64) error,
) error {
	sc, err := inAccount(ctx, account)
	if err != nil {
		return err
	}
	return d.enqueue(ctx, sc, statement{sql: sql, args: args, each: each, done: done})
}

// QueueControl is Queue for control-plane tables.
func (d *DB) QueueControl(
	ctx context.Context, sql string, args []any, each func(Rows) error, done func(rowsAffected int64) error,
) error {
	return d.enqueue(ctx, scope{}, statement{sql: sql, args: args, each: each, done: done})
}

func (d *DB) enqueue(ctx context.Context, sc scope, st statement) error {
	t := txFrom(ctx, d)
	if t == nil {
		return ErrNoTransaction
	}
	return t.enqueue(sc, st)
}

// Flush sends what is queued in the context's transaction and waits for the answers.
func (d *DB) Flush(ctx context.Context) error {
	t := txFrom(ctx, d)
	if t == nil {
		return ErrNoTransaction
	}
	return t.flush(ctx)
}

// AfterCommit runs fn once the outermost transaction of the context has committed and its connection is free again:
// never after a rollback, and once however often the transaction was tried. Without a transaction it runs at once.
func (d *DB) AfterCommit(ctx context.Context, fn func()) {
	t := txFrom(ctx, d)
	if t == nil {
		fn()
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.hooks = append(t.hooks, fn)
}

// Savepoint runs a unit that may fail alone: when fn returns an error, or a statement in it failed, what it did is
// undone, its AfterCommit hooks are dropped, and the transaction goes on. What it queued is sent before it ends.
// It fails with ErrNoTransaction outside InTx.
func (d *DB) Savepoint(ctx context.Context, fn func(ctx context.Context) error) error {
	t := txFrom(ctx, d)
	if t == nil {
		return ErrNoTransaction
	}
	p, err := t.savepoint()
	if err != nil {
		return err
	}
	if err = fn(ctx); err == nil {
		if err = p.keep(ctx); err == nil {
			return nil
		}
	}
	if undo := p.undo(ctx); undo != nil {
		return fmt.Errorf("%w (and the savepoint cannot be restored: %w)", err, undo)
	}
	return err
}

// savepoint is a point of a transaction to go back to. The server hears of it with the first message after it.
type savepoint struct {
	t     *tx
	name  string
	queue int // statements queued before it
	hooks int
	sends int
	set   bool // the server has it
}

func (t *tx) savepoint() (*savepoint, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.usable(); err != nil {
		return nil, err
	}
	t.depth++
	p := &savepoint{t: t, name: fmt.Sprintf("s%d", t.depth), queue: len(t.queue), hooks: len(t.hooks), sends: t.sends}
	t.queue = append(t.queue, statement{sql: "savepoint " + p.name, done: func(int64) error {
		p.set = true
		return nil
	}})
	return p, nil
}

// pending tells that nothing was sent since the savepoint, which is still in the queue.
func (p *savepoint) pending() bool { return p.t.sends == p.sends }

// keep makes what was done since the savepoint part of the transaction.
func (p *savepoint) keep(ctx context.Context) error {
	t := p.t
	t.mu.Lock()
	if err := t.usable(); err != nil {
		t.mu.Unlock()
		return err
	}
	if p.pending() && len(t.queue) == p.queue+1 {
		t.queue = t.queue[:p.queue]
		t.depth--
		t.mu.Unlock()
		return nil
	}
	t.queue = append(t.queue, statement{sql: "release savepoint " + p.name})
	t.mu.Unlock()
	if err := t.flush(ctx); err != nil {
		return err
	}
	t.mu.Lock()
	t.depth--
	t.mu.Unlock()
	return nil
}

// undo goes back to the savepoint. It fails when the transaction had failed before the server knew of it.
func (p *savepoint) undo(ctx context.Context) error {
	t := p.t
	t.mu.Lock()
	t.hooks = t.hooks[:p.hooks]
	t.depth--
	switch {
	case p.pending() && !t.aborted():
		t.queue, t.err = t.queue[:p.queue], nil
		t.mu.Unlock()
		return nil
	case !p.set:
		err := t.usable()
		t.mu.Unlock()
		return err
	}
	t.mu.Unlock()
	return t.run(ctx, &statement{sql: "rollback to savepoint " + p.name})
}

// aborted tells that the server has failed the transaction, or is gone.
func (t *tx) aborted() bool {
	if t.conn == nil {
		return false
	}
	pg := t.conn.Conn().PgConn()
	return pg.IsClosed() || pg.TxStatus() == 'E'
}
