// Package longjobs is the long operations of an account that somebody asked for and can follow: started by a request that
// answers 202, done in parts, cancelled, tried again. On the wire they are jobs. It owns the table jobs. How a part is done
// is left to the room that registers the kind; where and when, to platform/jobs.
package longjobs

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/enum"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

// Status is where a job stands.
type Status string

// The statuses.
const (
	Queued    Status = "queued"
	Running   Status = "running"
	Succeeded Status = "succeeded"
	Failed    Status = "failed"    // error says why; it can be tried again
	Cancelled Status = "cancelled" // what was done until then stays; it can be tried again
)

// Enums lists the closed lists of values of jobs.
func Enums() []enum.Enum {
	return []enum.Enum{{Name: "job_status", Values: []enum.Value{
		{Value: string(Queued), En: "Queued", Fr: "En attente"},
		{Value: string(Running), En: "Running", Fr: "En cours"},
		{Value: string(Succeeded), En: "Succeeded", Fr: "Terminé"},
		{Value: string(Failed), En: "Failed", Fr: "En échec"},
		{Value: string(Cancelled), En: "Cancelled", Fr: "Annulé"},
	}}}
}

// Resource names jobs in events and feeds.
const Resource = "job"

// Job is one long operation.
type Job struct {
	ID         kernel.JobID
	Version    int64
	Kind       string
	Subject    uuid.UUID // what it works on
	Status     Status
	Done       int64
	Total      *int64 // nil while nobody knows
	State      json.RawMessage
	Result     map[string]any // never nil
	Error      *Problem       // of a failed one
	By         By
	CreatedAt  time.Time
	UpdatedAt  time.Time
	StartedAt  *time.Time
	FinishedAt *time.Time

	queue int64
}

// Problem is why a job failed, in the words of its errs.Error.
type Problem struct {
	Kind   errs.Kind    `json:"kind"`
	Code   string       `json:"code"`
	Detail string       `json:"detail"`
	Fields []errs.Field `json:"fields,omitempty"`
}

// By is who asked for the job.
type By struct {
	Kind auth.ActorKind
	ID   uuid.UUID // uuid.Nil for the system
}

func byActor(a auth.Actor) By { return By{Kind: a.Kind, ID: a.ID()} }

// Actor is whoever asked for the job, for what is done in their name: with the scopes that the kind needs, which they held
// when they asked, and no others.
func (b By) Actor(account kernel.AccountID, scopes ...auth.Scope) auth.Actor {
	a := auth.Actor{Kind: b.Kind, Account: account, Scopes: auth.NewScopeSet(scopes...)}
	switch b.Kind {
	case auth.KindUser:
		a.User = kernel.UserID(b.ID)
	case auth.KindAPIKey, auth.KindClient, auth.KindSiteKey:
		a.Credential = kernel.CredentialID(b.ID)
	case auth.KindPartner:
		a.Partner = kernel.PartnerID(b.ID)
	case auth.KindSystem:
	}
	return a
}

// Ended tells whether nothing more will happen unless somebody tries again.
func (j *Job) Ended() bool { return j.Status != Queued && j.Status != Running }

// Kind is one sort of long operation.
type Kind struct {
	Name string
	// Scope is what cancelling and trying again need besides jobs:write.
	Scope auth.Scope
	// Step does the next part, in one transaction with what is kept of it: seconds at most. It reads and moves Done, Total,
	// State and Result, and tells whether there is more. An error for a client (errs.Error) ends the job as failed; another
	// error is tried again, and fails the job when that is of no avail.
	Step func(ctx context.Context, account kernel.AccountID, j *Job) (more bool, err error)
	// Outside does what no transaction should wait for, such as a request over the network, before an attempt's first part.
	// What it returns is done with the job in a transaction before that part; nil: there is nothing to be done. Its errors
	// count as those of Step. May be nil.
	Outside func(ctx context.Context, account kernel.AccountID, j Job) (keep func(ctx context.Context, j *Job) error, err error)
	// Ended hears of the end, in its transaction, and of a job that goes on after one. May be nil.
	Ended func(ctx context.Context, account kernel.AccountID, j Job) error
}

var (
	// ErrNotFound is the answer for a job that the account does not have.
	ErrNotFound = errs.New(errs.NotFound, "job.not_found", "There is no such job. Jobs are kept for 30 days after their end.")
	// ErrEnded is the answer to cancelling a job that has ended.
	ErrEnded = errs.New(errs.Conflict, "job.ended", "The job has ended: there is nothing to cancel.")
	// ErrNotRetryable is the answer to trying a job again that has not failed.
	ErrNotRetryable = errs.New(errs.Conflict, "job.not_retryable", "Only a job that failed or was cancelled can be tried again.")
	// ErrStale is the answer to a version that is not the current one.
	ErrStale = errs.New(errs.Stale, "job.stale", "The job has moved on since. Read it again and repeat the request with its current ETag.")

	errFailed = errs.New(errs.Internal, "job.failed", "Something failed on our side, several times. Try the job again later: it goes on where it was.")
	errLost   = errs.New(errs.Internal, "job.lost", "The server gave the job up after it had stopped at it many times. Try it again, and report it when that fails too.")
)

// problemOf says why a job failed. What is not meant for a client is told to nobody.
func problemOf(err error) *Problem {
	e, ok := errs.As(err)
	if !ok {
		e = errFailed
	}
	return &Problem{Kind: e.Kind, Code: e.Code, Detail: e.Public, Fields: e.Fields}
}

// final tells the errors that another try would only repeat.
func final(err error) bool {
	e, ok := errs.As(err)
	return ok && e.Kind != errs.Internal && e.Kind != errs.Unavailable && e.Kind != errs.Throttled
}
