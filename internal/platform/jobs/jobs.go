// Package jobs does what is slow, external or long outside of requests, on River in the same Postgres. A room registers a
// handler per kind, and inserts jobs in the transaction that makes them necessary: both or neither. It owns River's
// tables; River's own migrations are run by platform/migrate. What is only a time to come is background's business.
//
// A job is done at least once: a process may be killed at any line of it. What it does in this database is done exactly
// once when it is done in one transaction with Attempt.Complete (or with Attempt.Hold, for a part of it); for what it
// does elsewhere it must see for itself what an earlier attempt has done.
package jobs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
)

// MaxTimeout is the longest that an attempt may take. Longer work is done in parts: it keeps how far it came, and asks to
// go on (Again). The job of a process that died is then known by its age, and resumes within two minutes.
const MaxTimeout = 45 * time.Second

// Args say what is to be done: ids only, never anything about a person, since River's tables know no account. The kind is
// the room's name, a dot and a verb, and is the same for all values of the type.
type Args interface{ Kind() string }

// Queue is worked by its own number of jobs at a time in each process. Kinds that must not wait for each other have
// queues of their own.
type Queue struct {
	Name    string
	Workers int
}

// Spec says how a kind is worked.
type Spec struct {
	Queue Queue
	// Timeout ends an attempt's context. MaxTimeout, which is also the most, unless it is set.
	Timeout time.Duration
	// Retry are the pauses after the first, second … failed attempt, give or take a tenth; when they are used up the job
	// is given up. UsualRetry unless it is set. Attempts that died with their process do not count.
	Retry []time.Duration
}

// UsualRetry tries for half a day.
var UsualRetry = []time.Duration{
	time.Second, 5 * time.Second, 15 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute,
	time.Hour, 2 * time.Hour, 4 * time.Hour, 4 * time.Hour,
}

// deaths is how many attempts may die with their process before the job is taken for the cause.
const deaths = 30

// Config says how jobs are worked.
type Config struct {
	// RescueAfter is the age at which an attempt counts as that of a dead process; attempts are ended after three quarters
	// of it. A minute: River looks every 30 s, and its leader may have died as well.
	RescueAfter time.Duration
	// PollOnly does without LISTEN, which no pooler in transaction mode lets through.
	PollOnly bool
	// StopWithin is how long jobs under way may take when the process stops; then their contexts end. 20 s.
	StopWithin time.Duration
}

func (c Config) longest() time.Duration { return min(MaxTimeout, c.RescueAfter*3/4) }

// Runner inserts and works jobs.
type Runner struct {
	db     *db.DB
	cfg    Config
	driver *riverpgxv5.Driver
	insert *river.Client[pgx.Tx]
	kinds  map[string]*kind
	works  map[string]int // the queues this process works, and by how many at a time
}

// kind is what was registered for a kind of jobs.
type kind struct {
	spec Spec
	do   func(ctx context.Context, run *river.Job[envelope], number int) error
}

// New returns a runner without handlers.
func New(d *db.DB, cfg Config) (*Runner, error) {
	cfg.RescueAfter = cmp.Or(cfg.RescueAfter, time.Minute)
	cfg.StopWithin = cmp.Or(cfg.StopWithin, 20*time.Second)
	r := &Runner{db: d, cfg: cfg, driver: riverpgxv5.New(d.Pool()), kinds: map[string]*kind{}, works: map[string]int{}}
	var err error
	r.insert, err = river.NewClient(r.driver, &river.Config{Logger: logger()})
	return r, err
}

// Handlers is where a service registers its kinds.
type Handlers struct {
	runner *Runner
	works  bool
}

// Handlers returns where to register kinds. Every process registers all, because the one that rescues jobs must know
// them; it works only those of the services it runs.
func (r *Runner) Handlers(works bool) Handlers { return Handlers{r, works} }

// Handle registers what is done for jobs of A's kind. Call it before Run. The error of do is logged, and the job tried
// again by the spec's schedule; see Again and GiveUp for the errors that say otherwise.
func Handle[A Args](h Handlers, s Spec, do func(ctx context.Context, a *Attempt[A]) error) {
	var zero A
	name := zero.Kind()
	switch {
	case s.Queue.Name == "" || s.Queue.Workers < 1:
		panic("jobs: " + name + " has no queue")
	case s.Timeout > MaxTimeout:
		panic("jobs: " + name + " may take longer than MaxTimeout")
	case h.runner.kinds[name] != nil:
		panic("jobs: " + name + " is registered twice")
	}
	s.Timeout = cmp.Or(s.Timeout, MaxTimeout)
	if s.Retry == nil {
		s.Retry = UsualRetry
	}
	h.runner.kinds[name] = &kind{spec: s, do: func(ctx context.Context, run *river.Job[envelope], number int) error {
		a := &Attempt[A]{Account: run.Args.Account, Number: number, Last: number > len(s.Retry), runner: h.runner, run: run}
		if err := json.Unmarshal(run.Args.Args, &a.Args); err != nil {
			return GiveUp(fmt.Errorf("read the arguments: %w", err))
		}
		return do(ctx, a)
	}}
	if h.works {
		h.runner.works[s.Queue.Name] = max(h.runner.works[s.Queue.Name], s.Queue.Workers)
	}
}

// Options say when a job runs.
type Options struct {
	// At is when it may run. At once when it is zero.
	At time.Time
	// Once leaves the job out while one of the same account, kind and arguments waits or runs.
	Once bool
}

// ID names a job in its queue.
type ID int64

// Insert makes a job in the transaction of ctx, or in one of its own.
func (r *Runner) Insert(ctx context.Context, account kernel.AccountID, args Args, o Options) (ID, error) {
	ids, err := r.InsertMany(ctx, account, []Args{args}, o)
	if err != nil {
		return 0, err
	}
	return ids[0], nil
}

// InsertMany makes several jobs by one statement.
func (r *Runner) InsertMany(ctx context.Context, account kernel.AccountID, args []Args, o Options) ([]ID, error) {
	if len(args) == 0 {
		return nil, nil
	}
	params := make([]river.InsertManyParams, len(args))
	for i, a := range args {
		k := r.kinds[a.Kind()]
		if k == nil {
			return nil, fmt.Errorf("jobs: nobody handles %s", a.Kind())
		}
		raw, err := json.Marshal(a)
		if err != nil {
			return nil, fmt.Errorf("jobs: arguments of %s: %w", a.Kind(), err)
		}
		params[i] = river.InsertManyParams{Args: envelope{kind: a.Kind(), Account: account, Args: raw}, InsertOpts: &river.InsertOpts{
			Queue: k.spec.Queue.Name, ScheduledAt: o.At, MaxAttempts: len(k.spec.Retry) + 1 + deaths,
			UniqueOpts: river.UniqueOpts{ByArgs: o.Once},
		}}
		if o.Once {
			params[i].InsertOpts.UniqueOpts.ByState = unfinished
		}
	}
	ids := make([]ID, len(args))
	return ids, r.db.InTx(ctx, func(ctx context.Context) error {
		tx, err := r.db.PgxTx(ctx)
		if err != nil {
			return err
		}
		made, err := r.insert.InsertManyTx(ctx, tx, params)
		if err != nil {
			return fmt.Errorf("insert jobs: %w", err)
		}
		for i, m := range made {
			ids[i] = ID(m.Job.ID)
		}
		return nil
	})
}

// Pending tells whether the job still waits or runs. Read in a transaction, it locks nothing.
func (r *Runner) Pending(ctx context.Context, id ID) (bool, error) {
	var pending bool
	const ask = `SELECT EXISTS (SELECT FROM river_job WHERE id = $1 AND finalized_at IS NULL)`
	err := r.db.QueryRowControl(ctx, ask, []any{int64(id)}, &pending)
	return pending, err
}

// envelope is what River keeps of a job.
type envelope struct {
	kind    string
	Account kernel.AccountID `json:"account_id"`
	Args    json.RawMessage  `json:"args"`
}

// Kind implements river.JobArgs.
func (e envelope) Kind() string { return e.kind }

// Attempt is one attempt at a job.
type Attempt[A Args] struct {
	Account kernel.AccountID
	Args    A
	Number  int  // from 1; attempts that died with their process do not count
	Last    bool // when this one fails, the job is given up

	runner *Runner
	run    *river.Job[envelope]
}

// ID is the job's.
func (a *Attempt[A]) ID() ID { return ID(a.run.ID) }

// ErrSuperseded says that the job is no longer this attempt's: it took too long, and another one has taken over or has
// done it. What the transaction did is not kept.
var ErrSuperseded = errors.New("jobs: another attempt has taken over")

// Hold makes the transaction of ctx fail with ErrSuperseded unless the job is still this attempt's, and keeps it so until
// the transaction ends. What a part of the work writes together with how far the work came is so written once.
func (a *Attempt[A]) Hold(ctx context.Context) error {
	const hold = `SELECT id FROM river_job WHERE id = $1 AND state = 'running' AND attempted_at = $2 FOR UPDATE`
	held := false
	return a.runner.db.QueueControl(ctx, hold, []any{a.run.ID, a.run.AttemptedAt}, func(db.Rows) error {
		held = true
		return nil
	}, func(int64) error {
		if !held {
			return ErrSuperseded
		}
		return nil
	})
}

// Complete makes the job's end part of the transaction of ctx: it is done when, and only when, that commits. It fails
// with ErrSuperseded as Hold does.
func (a *Attempt[A]) Complete(ctx context.Context) error {
	if err := a.Hold(ctx); err != nil {
		return err
	}
	tx, err := a.runner.db.PgxTx(ctx)
	if err != nil {
		return err
	}
	_, err = river.JobCompleteTx[*riverpgxv5.Driver](ctx, tx, a.run)
	return err
}

// Again is the error by which a handler asks to be called again after a pause: it has done a part, or must wait. It is no
// failure, and uses up none of the retries.
func Again(in time.Duration) error { return river.JobSnooze(in) }

// GiveUp is the error by which a handler says that trying again is of no use.
func GiveUp(err error) error { return &givenUp{err} }

type givenUp struct{ cause error }

func (g *givenUp) Error() string { return "given up: " + g.cause.Error() }
func (g *givenUp) Unwrap() error { return g.cause }
