package longjobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/audit"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/background"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/jobs"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// The kinds of due work, named by the job's id.
const (
	// WorkWatch fails a job that the queue has given up.
	WorkWatch = "jobs.watch"
	// WorkPurge forgets a job.
	WorkPurge = "jobs.purge"
)

const (
	keep  = 30 * 24 * time.Hour // after the end
	watch = time.Hour
	// slice is how long one attempt does part after part before others in the queue have their turn.
	slice = 15 * time.Second
)

// part is the queue's job: do the next parts of a long one.
type part struct {
	ID kernel.JobID `json:"id"`
}

// Kind implements jobs.Args.
func (part) Kind() string { return "longjobs.work" }

var spec = jobs.Spec{
	Queue: jobs.Queue{Name: "long", Workers: 3},
	Retry: []time.Duration{time.Second, 10 * time.Second, time.Minute, 5 * time.Minute},
}

// Service starts, follows and does long jobs.
type Service struct {
	db    *db.DB
	queue *jobs.Runner
	log   *outbox.Log
	audit audit.Writer
	work  *background.Runner
	now   func() time.Time
	kinds map[string]Kind
}

// New returns a service that knows no kinds.
func New(d *db.DB, queue *jobs.Runner, log *outbox.Log, acts audit.Writer, work *background.Runner, now func() time.Time) *Service {
	return &Service{db: d, queue: queue, log: log, audit: acts, work: work, now: now, kinds: map[string]Kind{}}
}

// Register adds a kind. Every process registers all, before it runs.
func (s *Service) Register(k Kind) { s.kinds[k.Name] = k }

// Jobs registers what works long jobs.
func (s *Service) Jobs(h jobs.Handlers) { jobs.Handle(h, spec, s.do) }

// Due registers what watches and forgets them.
func (s *Service) Due(r *background.Runner) {
	r.Handle(WorkWatch, s.watch)
	r.Handle(WorkPurge, s.purge)
}

// Order is a job to be started.
type Order struct {
	Kind    string
	Subject uuid.UUID
	Total   *int64          // nil: nobody knows yet
	State   json.RawMessage // where it begins; nil: {}
}

// Start makes a job in the transaction of ctx. Whether the actor may is the kind's business.
func (s *Service) Start(ctx context.Context, actor auth.Actor, n Order) (Job, error) {
	if _, known := s.kinds[n.Kind]; !known {
		return Job{}, fmt.Errorf("longjobs: nobody handles %s", n.Kind)
	}
	if n.State == nil {
		n.State = empty
	}
	now := s.now()
	j := Job{
		ID: kernel.NewID[kernel.JobID](), Version: 1, Kind: n.Kind, Subject: n.Subject, Status: Queued, Total: n.Total, State: n.State,
		Result: map[string]any{}, By: byActor(actor), CreatedAt: now, UpdatedAt: now,
	}
	return j, s.db.InTx(ctx, func(ctx context.Context) error {
		if err := s.enqueue(ctx, actor.Account, &j); err != nil {
			return err
		}
		if err := s.insert(ctx, actor.Account, j); err != nil {
			return err
		}
		return s.announce(ctx, actor, "job.created", j)
	})
}

func (s *Service) enqueue(ctx context.Context, account kernel.AccountID, j *Job) error {
	id, err := s.queue.Insert(ctx, account, part{j.ID}, jobs.Options{})
	if err != nil {
		return err
	}
	j.queue = int64(id)
	return s.work.Schedule(ctx, account, WorkWatch, uuid.UUID(j.ID), s.now().Add(watch))
}

// Find reads a job. It fails with ErrNotFound.
func (s *Service) Find(ctx context.Context, actor auth.Actor, id kernel.JobID) (Job, error) {
	if err := actor.Require(auth.JobsRead); err != nil {
		return Job{}, err
	}
	return s.one(ctx, actor.Account, id, "")
}

// Filter narrows a list. Zero fields narrow nothing.
type Filter struct {
	Statuses    []Status
	Kind        string
	Subject     *uuid.UUID
	CreatedFrom *time.Time
	Before      *time.Time
}

// List pages through jobs.
func (s *Service) List(ctx context.Context, actor auth.Actor, f Filter, p page.Request) (page.Of[Job], error) {
	if err := actor.Require(auth.JobsRead); err != nil {
		return page.Of[Job]{}, err
	}
	return s.list(ctx, actor.Account, f, p)
}

// Changes reads on in the feed of jobs. Progress alone is no event: a running job is in it as it was when it started, or
// as it is when it has ended.
func (s *Service) Changes(ctx context.Context, actor auth.Actor, c outbox.Cursor, limit int) (outbox.Changes[Job], error) {
	if err := actor.Require(auth.JobsRead); err != nil {
		return outbox.Changes[Job]{}, err
	}
	return outbox.Read(ctx, s.log, actor.Account, outbox.Source[Job]{
		Resource: Resource,
		List: func(ctx context.Context, after uuid.UUID, limit int) ([]Job, error) {
			return s.byID(ctx, actor.Account, after, limit)
		},
		Load: func(ctx context.Context, ids []uuid.UUID) ([]Job, error) { return s.load(ctx, actor.Account, ids) },
		ID:   func(j Job) uuid.UUID { return uuid.UUID(j.ID) },
	}, c, limit)
}

// Cancel ends a job at once: a part that is being done is finished first, and none follows. It fails with ErrEnded.
func (s *Service) Cancel(ctx context.Context, actor auth.Actor, id kernel.JobID, ifVersion *int64) (Job, error) {
	return s.change(ctx, actor, id, ifVersion, func(ctx context.Context, j *Job) error {
		if j.Ended() {
			return ErrEnded
		}
		if err := s.end(ctx, actor, j, Cancelled, nil); err != nil {
			return err
		}
		return s.note(ctx, actor, *j, "job.cancelled")
	})
}

// Retry lets a job that failed or was cancelled go on where it was. It fails with ErrNotRetryable.
func (s *Service) Retry(ctx context.Context, actor auth.Actor, id kernel.JobID, ifVersion *int64) (Job, error) {
	return s.change(ctx, actor, id, ifVersion, func(ctx context.Context, j *Job) error {
		if j.Status != Failed && j.Status != Cancelled {
			return ErrNotRetryable
		}
		j.Status, j.Error, j.FinishedAt = Queued, nil, nil
		if err := s.enqueue(ctx, actor.Account, j); err != nil {
			return err
		}
		if err := s.work.Cancel(ctx, actor.Account, WorkPurge, uuid.UUID(j.ID)); err != nil {
			return err
		}
		if err := s.tell(ctx, actor.Account, *j); err != nil {
			return err
		}
		if err := s.save(ctx, actor, j, "job.retried"); err != nil {
			return err
		}
		return s.note(ctx, actor, *j, "job.retried")
	})
}

// note writes into the audit log that somebody stopped a job, or let it go on.
func (s *Service) note(ctx context.Context, actor auth.Actor, j Job, act string) error {
	return s.audit.Write(ctx, actor.Account, audit.Act{
		Act: act, Subject: Resource, SubjectID: uuid.UUID(j.ID), Actor: actor, At: j.UpdatedAt,
		Changes: audit.Diff(nil, nil, audit.Fields{"kind": j.Kind, "subject_id": j.Subject}),
	})
}

func (s *Service) change(
	ctx context.Context, actor auth.Actor, id kernel.JobID, ifVersion *int64, change func(ctx context.Context, j *Job) error,
) (j Job, err error) {
	if err := actor.Require(auth.JobsWrite); err != nil {
		return Job{}, err
	}
	err = s.db.InTx(ctx, func(ctx context.Context) error {
		if j, err = s.one(ctx, actor.Account, id, forUpdate); err != nil {
			return err
		}
		if k, known := s.kinds[j.Kind]; known {
			if err := actor.Require(k.Scope); err != nil {
				return err
			}
		}
		if ifVersion != nil && *ifVersion != j.Version {
			return ErrStale
		}
		return change(ctx, &j)
	})
	return j, err
}

// end writes the end of a job: in the transaction of ctx, with what its kind makes of it.
func (s *Service) end(ctx context.Context, actor auth.Actor, j *Job, status Status, why *Problem) error {
	now := s.now()
	j.Status, j.Error, j.FinishedAt = status, why, &now
	if err := s.work.Cancel(ctx, actor.Account, WorkWatch, uuid.UUID(j.ID)); err != nil {
		return err
	}
	if err := s.work.Schedule(ctx, actor.Account, WorkPurge, uuid.UUID(j.ID), now.Add(keep)); err != nil {
		return err
	}
	if err := s.tell(ctx, actor.Account, *j); err != nil {
		return err
	}
	return s.save(ctx, actor, j, "job."+string(status))
}

func (s *Service) tell(ctx context.Context, account kernel.AccountID, j Job) error {
	if k := s.kinds[j.Kind]; k.Ended != nil {
		return k.Ended(ctx, account, j)
	}
	return nil
}

// save writes a job under its next version. event is "" for progress.
func (s *Service) save(ctx context.Context, actor auth.Actor, j *Job, event string) error {
	j.Version++
	j.UpdatedAt = s.now()
	if err := s.update(ctx, actor.Account, *j); err != nil || event == "" {
		return err
	}
	return s.announce(ctx, actor, event, *j)
}

func (s *Service) announce(ctx context.Context, actor auth.Actor, event string, j Job) error {
	return s.log.Write(ctx, actor.Account, outbox.Event{
		Type: event, Resource: Resource, ID: uuid.UUID(j.ID), Sequence: j.Version, Actor: actor, At: j.UpdatedAt,
	})
}

// do does part after part for a while. What the parts have done is kept part by part, so whoever comes next goes on there.
func (s *Service) do(ctx context.Context, a *jobs.Attempt[part]) error {
	until := s.turn(ctx)
	for next := s.begin; ; next = s.step {
		more, err := next(ctx, a)
		switch {
		case errors.Is(err, jobs.ErrSuperseded):
			return err
		case err != nil && ctx.Err() == nil && (a.Last || final(err)):
			if failed := s.fail(ctx, a, err); failed != nil {
				return errors.Join(failed, err)
			}
			if !final(err) {
				return jobs.GiveUp(err) // for the log
			}
			return nil
		case err != nil:
			return err
		case !more:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !s.now().Before(until):
			return jobs.Again(0)
		}
	}
}

// turn is when an attempt gives way to others: early enough that the part under way then is not cut off with the attempt.
func (s *Service) turn(ctx context.Context) time.Time {
	now := s.now()
	until := now.Add(slice)
	if end, limited := ctx.Deadline(); limited {
		if third := now.Add(end.Sub(now) / 3); third.Before(until) {
			return third
		}
	}
	return until
}

// begin does what the kind does outside of transactions, then the first part.
func (s *Service) begin(ctx context.Context, a *jobs.Attempt[part]) (more bool, err error) {
	j, err := s.one(ctx, a.Account, a.Args.ID, "")
	if err != nil && !errors.Is(err, ErrNotFound) {
		return false, err
	}
	if k := s.kinds[j.Kind]; err == nil && !j.Ended() && k.Outside != nil {
		keep, err := k.Outside(ctx, a.Account, j)
		if err == nil && keep != nil {
			err = s.keep(ctx, a, keep)
		}
		if err != nil {
			return false, err
		}
	}
	return s.step(ctx, a)
}

func (s *Service) keep(ctx context.Context, a *jobs.Attempt[part], keep func(ctx context.Context, j *Job) error) error {
	return s.db.InTx(ctx, func(ctx context.Context) error {
		j, err := s.held(ctx, a)
		if err != nil || j.Ended() {
			return err
		}
		if err := keep(ctx, &j); err != nil {
			return err
		}
		return s.save(ctx, auth.System(a.Account), &j, "")
	})
}

// step does one part. It is the attempt's and the job's: whoever cancels waits for the row, and none but one attempt at a
// time has the queue's.
func (s *Service) step(ctx context.Context, a *jobs.Attempt[part]) (more bool, err error) {
	err = s.db.InTx(ctx, func(ctx context.Context) error {
		more = false // this may run again after a deadlock
		j, err := s.held(ctx, a)
		if err != nil || j.Ended() {
			return errors.Join(err, a.Complete(ctx))
		}
		k, known := s.kinds[j.Kind]
		if !known {
			return fmt.Errorf("longjobs: nobody handles %s", j.Kind)
		}
		actor, event := auth.System(a.Account), ""
		if j.Status == Queued {
			now := s.now()
			j.Status, event = Running, "job.started"
			if j.StartedAt == nil {
				j.StartedAt = &now
			}
		}
		if more, err = k.Step(ctx, a.Account, &j); err != nil {
			return err
		}
		if more {
			return s.save(ctx, actor, &j, event)
		}
		if err := s.end(ctx, actor, &j, Succeeded, nil); err != nil {
			return err
		}
		return a.Complete(ctx)
	})
	if errors.Is(err, ErrNotFound) { // purged
		return false, nil
	}
	return more, err
}

func (s *Service) held(ctx context.Context, a *jobs.Attempt[part]) (Job, error) {
	if err := a.Hold(ctx); err != nil {
		return Job{}, err
	}
	return s.one(ctx, a.Account, a.Args.ID, forUpdate)
}

func (s *Service) fail(ctx context.Context, a *jobs.Attempt[part], why error) error {
	return s.db.InTx(ctx, func(ctx context.Context) error {
		j, err := s.held(ctx, a)
		if err != nil || j.Ended() {
			return err
		}
		if err := s.end(ctx, auth.System(a.Account), &j, Failed, problemOf(why)); err != nil || !final(why) {
			return err
		}
		return a.Complete(ctx)
	})
}

// watch fails a job that is in no queue any more: one that took its process down each time.
func (s *Service) watch(ctx context.Context, account kernel.AccountID, id uuid.UUID) error {
	return s.db.InTx(ctx, func(ctx context.Context) error {
		j, err := s.one(ctx, account, kernel.JobID(id), forUpdate)
		if errors.Is(err, ErrNotFound) || err == nil && j.Ended() {
			return nil
		}
		if err != nil {
			return err
		}
		pending, err := s.queue.Pending(ctx, jobs.ID(j.queue))
		if err != nil {
			return err
		}
		if pending {
			return s.work.Later(ctx, account, WorkWatch, id, watch)
		}
		return s.end(ctx, auth.System(account), &j, Failed, problemOf(errLost))
	})
}

func (s *Service) purge(ctx context.Context, account kernel.AccountID, id uuid.UUID) error {
	return s.delete(ctx, account, kernel.JobID(id), s.now().Add(-keep))
}
