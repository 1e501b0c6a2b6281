package db

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// tx is one attempt at a transaction. It has no connection until its first message.
type tx struct {
	db     *DB
	outer  *tx             // the transaction of another DB whose context this one was started with
	caller context.Context // may be cancelled: waiting for a connection ends then
	ctx    context.Context // outlives the caller, bounded by TxTimeout
	cancel context.CancelFunc
	begin  string

	busy atomic.Bool // a message is under way or its rows are being read
	conn *pgxpool.Conn
	s    *session

	mu      sync.Mutex // Queue may be called while rows are read
	queue   []statement
	want    scope // of all statements so far
	applied scope // what the server was told
	err     error // the first failure: nothing but a rollback may follow
	hooks   []func()
	depth   int // open savepoints
	sends   int
	begun   bool
	done    bool
	unknown bool // the commit's answer was lost
}

type txKey struct{}

func newTx(ctx context.Context, d *DB, begin string) *tx {
	outer, _ := ctx.Value(txKey{}).(*tx)
	t := &tx{db: d, outer: outer, caller: ctx, begin: begin}
	t.ctx, t.cancel = context.WithTimeout(context.WithoutCancel(ctx), d.cfg.TxTimeout)
	return t
}

// txFrom returns the context's transaction on d, nil when there is none.
func txFrom(ctx context.Context, d *DB) *tx {
	t, _ := ctx.Value(txKey{}).(*tx)
	for t != nil && t.db != d {
		t = t.outer
	}
	return t
}

// usable tells why no statement can be added.
func (t *tx) usable() error {
	switch {
	case t.done:
		return ErrTxDone
	case t.err != nil:
		return fmt.Errorf("%w: %w", ErrRolledBack, t.err)
	default:
		return nil
	}
}

// admit checks a statement's scope against the transaction's.
func (t *tx) admit(sc scope) error {
	want, err := t.want.grow(sc)
	if err != nil {
		return err
	}
	t.want = want
	return nil
}

func (t *tx) enqueue(sc scope, st statement) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.usable(); err != nil {
		return err
	}
	if err := t.admit(sc); err != nil {
		return err
	}
	t.queue = append(t.queue, st)
	return nil
}

// start sends what is queued and the statement, whose rows are left to the caller. settle must follow.
func (t *tx) start(ctx context.Context, sc scope, st *statement) (*answer, error) {
	if !t.busy.CompareAndSwap(false, true) {
		return nil, ErrBusy
	}
	a, err := t.message(ctx, sc, st, "")
	if err != nil {
		t.busy.Store(false)
		return nil, err
	}
	if a.err != nil {
		return nil, t.settle(a)
	}
	return a, nil
}

// message takes the queue and sends it with the statement and the end. The error is of a message that was not tried.
// The callbacks run without the lock, so that they may queue.
func (t *tx) message(ctx context.Context, sc scope, last *statement, end string) (*answer, error) {
	r, err := t.compose(ctx, sc, last, end)
	if err != nil {
		return nil, err
	}
	a := t.s.send(ctx, r)
	a.rescued = last != nil && isRollbackTo(last.sql)
	t.mu.Lock()
	defer t.mu.Unlock()
	if !a.sent {
		t.queue = append(r.queue, t.queue...)
		return a, nil
	}
	t.sends++
	t.begun = t.begun || r.begin != ""
	if r.scope != nil && a.err == nil {
		t.applied = *r.scope
	}
	return a, nil
}

// compose makes the next message of the transaction, on its connection.
func (t *tx) compose(ctx context.Context, sc scope, last *statement, end string) (*request, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	rescue := last != nil && isRollbackTo(last.sql)
	if err := t.usable(); err != nil && (t.done || !rescue) {
		return nil, err
	}
	if err := t.admit(sc); err != nil {
		return nil, err
	}
	if err := t.connect(ctx); err != nil {
		t.err = err
		return nil, err
	}
	r := &request{last: last, end: end}
	if rescue {
		t.queue = nil // queued after the savepoint, and so undone with it
		return r, nil
	}
	r.queue, t.queue = t.queue, nil
	switch {
	case t.begun:
	case end == commitTx && t.begin == beginTx:
		r.end = "" // never begun: a message is a transaction of its own, and its Sync the commit
	default:
		r.begin = t.begin
	}
	if t.want != t.applied {
		want := t.want
		r.scope = &want
	}
	return r, nil
}

func (t *tx) connect(ctx context.Context) error {
	if t.conn != nil {
		return nil
	}
	wait := t.caller
	if ctx == t.ctx { // committing: the caller may have left
		wait = t.ctx
	}
	conn, err := t.db.acquire(wait)
	if err != nil {
		return err
	}
	t.conn, t.s = conn, sessionOf(conn.Conn())
	return nil
}

// settle finishes a message and keeps what it means for the transaction.
func (t *tx) settle(a *answer) error {
	err := a.finish()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.busy.Store(false)
	switch {
	case err != nil:
		if t.err == nil {
			t.err = err
		}
	case a.rescued:
		t.err, t.applied = nil, scope{} // the setting went back with the savepoint: tell it again
	case t.begun && !a.ended && !t.done && t.conn.Conn().PgConn().TxStatus() == 'I':
		// The statement ended the transaction behind our back. What follows would run without a tenant.
		_ = t.conn.Conn().PgConn().Close(context.Background())
		t.err, err = errControl, errControl
	}
	return err
}

// flush sends what is queued.
func (t *tx) flush(ctx context.Context) error {
	t.mu.Lock()
	empty, err := len(t.queue) == 0, t.usable()
	t.mu.Unlock()
	if empty || err != nil {
		return err
	}
	return t.run(ctx, nil)
}

// run sends the queue and perhaps a statement, and waits for all answers.
func (t *tx) run(ctx context.Context, last *statement) error {
	if !t.busy.CompareAndSwap(false, true) {
		return ErrBusy
	}
	a, err := t.message(ctx, scope{}, last, "")
	if err != nil {
		t.busy.Store(false)
		return err
	}
	return t.settle(a)
}

// commit ends the transaction. A queue without callbacks goes out with the COMMIT; callbacks may still refuse what
// they read, so theirs goes out before.
func (t *tx) commit() error {
	if t.conn == nil && len(t.queue) == 0 && t.err == nil {
		return t.usable()
	}
	for i := range t.queue {
		if t.queue[i].answers() {
			if err := t.flush(t.ctx); err != nil {
				return err
			}
			break
		}
	}
	if !t.busy.CompareAndSwap(false, true) {
		return ErrBusy
	}
	defer t.busy.Store(false)
	a, err := t.message(t.ctx, scope{}, nil, commitTx)
	if err != nil {
		return err
	}
	err = a.finish()
	switch {
	case err == nil || a.ended:
		return nil
	case a.ambiguous:
		t.unknown = true
		return fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
	default:
		t.err = err
		return err
	}
}

// release ends the transaction, rolling it back unless it was committed, and gives the connection back.
func (t *tx) release() {
	t.mu.Lock()
	defer t.mu.Unlock()
	defer t.cancel()
	if t.done {
		return
	}
	t.done, t.queue = true, nil
	if t.conn == nil {
		return
	}
	defer t.conn.Release() // drops a connection that is closed or still in a transaction
	pg := t.conn.Conn().PgConn()
	if pg.IsClosed() || (pg.TxStatus() == 'I' && !t.busy.Load()) {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if t.busy.Load() { // rows were left open
		_ = pg.Close(ctx)
		return
	}
	_ = t.s.send(ctx, &request{end: rollbackTx}).finish() // a failure closes the connection, which rolls back too
}
