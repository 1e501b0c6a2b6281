package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/rooftop-crm/rooftop/internal/platform/clock"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

// unfinished are the states in which Options.Once sees a job.
var unfinished = []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning, rivertype.JobStateRetryable, rivertype.JobStateScheduled,
}

// How long jobs that have ended are kept, for operators to look at. What callers see of theirs is kept elsewhere.
const (
	keepCompleted = time.Hour
	keepFailed    = 7 * 24 * time.Hour
)

// pollEvery bounds the wait for a job whose notification was left out or lost.
const pollEvery = time.Second

// Run works jobs until ctx ends, then lets those under way finish. A database that is down is waited for.
func (r *Runner) Run(ctx context.Context) error {
	if len(r.works) == 0 {
		<-ctx.Done()
		return nil
	}
	for {
		client, err := r.client()
		if err != nil {
			return fmt.Errorf("set up the job queue: %w", err)
		}
		if err = client.Start(ctx); err == nil {
			<-client.Stopped()
			return nil
		}
		if ctx.Err() == nil {
			slog.WarnContext(ctx, "jobs cannot be worked yet; trying again", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pollEvery):
		}
	}
}

// client is a River that works the queues of this process.
func (r *Runner) client() (*river.Client[pgx.Tx], error) {
	workers := river.NewWorkers()
	for name, k := range r.kinds {
		river.AddWorkerArgs(workers, envelope{kind: name}, &worker{runner: r, kind: k})
	}
	queues := map[string]river.QueueConfig{}
	for name, n := range r.works {
		queues[name] = river.QueueConfig{MaxWorkers: n}
	}
	return river.NewClient(r.driver, &river.Config{
		Workers: workers, Queues: queues, Logger: logger(), PollOnly: r.cfg.PollOnly, FetchPollInterval: pollEvery,
		JobTimeout: r.cfg.longest(), RescueStuckJobsAfter: r.cfg.RescueAfter, SoftStopTimeout: r.cfg.StopWithin,
		CompletedJobRetentionPeriod: keepCompleted, CancelledJobRetentionPeriod: keepFailed, DiscardedJobRetentionPeriod: keepFailed,
		ReindexerIndexNames: []string{}, // the server does not own the indexes
	})
}

// worker is a kind as River knows it.
type worker struct {
	river.WorkerDefaults[envelope]
	runner *Runner
	kind   *kind
}

// Timeout implements river.Worker.
func (w *worker) Timeout(*river.Job[envelope]) time.Duration {
	return min(w.kind.spec.Timeout, w.runner.cfg.longest())
}

// NextRetry implements river.Worker. A job whose process died goes on at once.
func (w *worker) NextRetry(run *river.Job[envelope]) time.Time {
	now := clock.Now() // River's clock is the machine's
	if run.AttemptedAt != nil && now.Sub(*run.AttemptedAt) >= w.runner.cfg.RescueAfter {
		return now
	}
	pause := w.kind.spec.Retry[min(failures(run), len(w.kind.spec.Retry)-1)]
	return now.Add(pause - pause/10 + rand.N(pause/5+1)) //nolint:gosec // jitter
}

// failures counts the attempts that failed by themselves.
func failures(run *river.Job[envelope]) int {
	n := 0
	for _, e := range run.Errors {
		if e.Error != rescued {
			n++
		}
	}
	return n
}

// rescued is what River notes of an attempt that died with its process.
const rescued = "Stuck job rescued by JobRescuer"

// Work implements river.Worker. The cause of a failure is logged, once and here; River's table, which knows no account,
// gets only its code.
func (w *worker) Work(ctx context.Context, run *river.Job[envelope]) error {
	number := failures(run) + 1
	err := w.try(ctx, run, number)
	if _, pause := errors.AsType[*rivertype.JobSnoozeError](err); err == nil || pause {
		return err
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return context.Canceled // the process stops: another one goes on, and nothing has failed
	}
	log := slog.With("kind", run.Kind, "account", run.Args.Account, "job", run.ID, "attempt", number, "error", err)
	if _, given := errors.AsType[*givenUp](err); given || number > len(w.kind.spec.Retry) {
		log.ErrorContext(ctx, "a job failed and is given up")
		return river.JobCancel(errors.New(codeOf(err)))
	}
	log.WarnContext(ctx, "a job failed; it will be tried again")
	return errors.New(codeOf(err))
}

func codeOf(err error) string {
	if e, ok := errors.AsType[*errs.Error](err); ok {
		return e.Code
	}
	return "internal"
}

// try keeps a panic of one job from ending the process: it is an error like any other.
func (w *worker) try(ctx context.Context, run *river.Job[envelope], number int) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return w.kind.do(ctx, run, number)
}

// logger passes on River's warnings and errors.
func logger() *slog.Logger { return slog.New(warnings{slog.Default().Handler()}) }

type warnings struct{ slog.Handler }

// Enabled implements slog.Handler.
func (w warnings) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && w.Handler.Enabled(ctx, l)
}

// WithAttrs implements slog.Handler.
func (w warnings) WithAttrs(a []slog.Attr) slog.Handler { return warnings{w.Handler.WithAttrs(a)} }

// WithGroup implements slog.Handler.
func (w warnings) WithGroup(name string) slog.Handler { return warnings{w.Handler.WithGroup(name)} }
