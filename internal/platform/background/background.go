// Package background does work that is due: it finds it in due_work, which knows no tenant, and hands it to the handler
// of its kind with the account it belongs to. It owns due_work. What the work is, is left to the rooms that schedule it.
//
// Work is done at least once: a handler must see for itself whether there is still something to do.
package background

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
)

const (
	// lease is how long a claimed item stays with the process that took it. When that process dies, the item is due again.
	lease    = 2 * time.Minute
	idlePoll = 500 * time.Millisecond
	batch    = 20
	maxDelay = time.Hour
)

// Handler does one item of work inside the account. When it returns nil the item is removed, unless the handler has
// scheduled it anew; an error makes it due again, later each time.
type Handler func(ctx context.Context, account kernel.AccountID, id uuid.UUID) error

// Runner schedules and does work.
type Runner struct {
	db       *db.DB
	now      func() time.Time
	handlers map[string]Handler
	fresh    chan struct{}
}

// New returns a runner without handlers.
func New(d *db.DB, now func() time.Time) *Runner {
	return &Runner{db: d, now: now, handlers: map[string]Handler{}, fresh: make(chan struct{}, 1)}
}

// Handle names the handler of a kind of work. Call it before Run.
func (r *Runner) Handle(kind string, h Handler) { r.handlers[kind] = h }

const (
	schedule = `INSERT INTO due_work (account_id, kind, id, due_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (account_id, kind, id) DO UPDATE SET due_at = excluded.due_at, attempts = 0`
	cancel = `DELETE FROM due_work WHERE account_id = $1 AND kind = $2 AND id = $3`
	claim  = `UPDATE due_work w SET due_at = ?, attempts = w.attempts + 1
		FROM (SELECT account_id, kind, id FROM due_work WHERE due_at <= ? AND kind IN ? ORDER BY due_at LIMIT ? FOR UPDATE SKIP LOCKED) d
		WHERE w.account_id = d.account_id AND w.kind = d.kind AND w.id = d.id
		RETURNING w.account_id, w.kind, w.id, w.due_at, w.attempts`
	finish = `DELETE FROM due_work WHERE account_id = ? AND kind = ? AND id = ? AND due_at = ?`
	later  = `UPDATE due_work SET due_at = ? WHERE account_id = ? AND kind = ? AND id = ? AND due_at = ?`
)

// Schedule makes work due, in the transaction of ctx. Scheduling the same item again moves it.
func (r *Runner) Schedule(ctx context.Context, account kernel.AccountID, kind string, id uuid.UUID, due time.Time) error {
	if err := r.db.Queue(ctx, account, schedule, []any{account, kind, id, due}, nil, nil); err != nil {
		return err
	}
	if !due.After(r.now()) {
		r.db.AfterCommit(ctx, r.wake)
	}
	return nil
}

// Later makes the item due again that is being handled, some time from now.
func (r *Runner) Later(ctx context.Context, account kernel.AccountID, kind string, id uuid.UUID, in time.Duration) error {
	return r.db.InTx(ctx, func(ctx context.Context) error { return r.Schedule(ctx, account, kind, id, r.now().Add(in)) })
}

// Cancel forgets work, in the transaction of ctx.
func (r *Runner) Cancel(ctx context.Context, account kernel.AccountID, kind string, id uuid.UUID) error {
	return r.db.Queue(ctx, account, cancel, []any{account, kind, id}, nil, nil)
}

func (r *Runner) wake() {
	select {
	case r.fresh <- struct{}{}:
	default:
	}
}

// Run does due work until ctx ends, then waits for what is under way. Any number of processes may run it.
func (r *Runner) Run(ctx context.Context) error {
	timer := time.NewTimer(idlePoll)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-r.fresh:
		}
		for {
			n, err := r.RunDue(ctx)
			if err != nil && ctx.Err() == nil {
				slog.WarnContext(ctx, "due work could not be read; trying again", "error", err)
			}
			if n < batch || ctx.Err() != nil {
				break
			}
		}
		timer.Reset(idlePoll)
	}
}

type item struct {
	AccountID kernel.AccountID
	Kind      string
	ID        uuid.UUID
	DueAt     time.Time
	Attempts  int
}

// RunDue does up to one batch of what is due now and returns how many items it took.
func (r *Runner) RunDue(ctx context.Context) (int, error) {
	kinds := slices.Sorted(maps.Keys(r.handlers))
	if len(kinds) == 0 {
		return 0, nil
	}
	var items []item
	now := r.now()
	err := r.db.Control(ctx).Raw(claim, now.Add(lease), now, kinds, batch).Scan(&items).Error
	if err != nil {
		return 0, fmt.Errorf("claim due work: %w", err)
	}
	for _, it := range items {
		if err := r.do(ctx, it); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "due work failed; it will be tried again", "kind", it.Kind, "account", it.AccountID, "id", it.ID, "attempt", it.Attempts, "error", err)
		}
	}
	return len(items), nil
}

func (r *Runner) do(ctx context.Context, it item) error {
	err := r.handle(ctx, it)
	if err != nil {
		delay := min(time.Second<<min(it.Attempts, 12), maxDelay)
		if e := r.db.Control(ctx).Exec(later, r.now().Add(delay), it.AccountID, it.Kind, it.ID, it.DueAt).Error; e != nil {
			return fmt.Errorf("put off %s: %w", it.Kind, e)
		}
		return err
	}
	// A handler that scheduled the item anew has moved due_at; then this removes nothing.
	if e := r.db.Control(ctx).Exec(finish, it.AccountID, it.Kind, it.ID, it.DueAt).Error; e != nil {
		return fmt.Errorf("finish %s: %w", it.Kind, e)
	}
	return nil
}

// handle keeps a panic of one item from ending the process: it is an error like any other.
func (r *Runner) handle(ctx context.Context, it item) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return r.handlers[it.Kind](ctx, it.AccountID, it.ID)
}
