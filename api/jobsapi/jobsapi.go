// Package jobsapi is the HTTP face of long jobs: routes and wire types. What they do is in the rooms that start them, how
// they are worked in internal/platform/longjobs.
package jobsapi

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/longjobs"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// Job is a long operation that somebody asked for.
type Job struct {
	ID         kernel.JobID    `json:"id"`
	Version    int64           `json:"version" example:"4"`
	Kind       string          `json:"kind" example:"import.run"`
	SubjectID  uuid.UUID       `json:"subject_id"` // the import or export that it works on
	Status     longjobs.Status `json:"status" example:"running"`
	Progress   Progress        `json:"progress"`
	Result     map[string]any  `json:"result"` // by kind; empty until there is one
	Error      *httpx.Problem  `json:"error"`  // why it failed
	ActorType  string          `json:"actor_type" enums:"user,api_key,site_key,client,partner,system" example:"user"`
	ActorID    *uuid.UUID      `json:"actor_id"` // who asked for it; null for the system
	CreatedAt  time.Time       `json:"created_at"`
	UpdatedAt  time.Time       `json:"updated_at"`
	StartedAt  *time.Time      `json:"started_at"`
	FinishedAt *time.Time      `json:"finished_at"`
} //	@name	Job

// Progress is how far a job has come.
type Progress struct {
	Done  int64  `json:"done" example:"1200"`
	Total *int64 `json:"total" example:"5000"` // null while nobody knows
} //	@name	JobProgress

func fromDomain(j longjobs.Job) Job {
	out := Job{
		ID: j.ID, Version: j.Version, Kind: j.Kind, SubjectID: j.Subject, Status: j.Status, Progress: Progress{Done: j.Done, Total: j.Total},
		Result: j.Result, ActorType: string(j.By.Kind), CreatedAt: j.CreatedAt, UpdatedAt: j.UpdatedAt, StartedAt: j.StartedAt, FinishedAt: j.FinishedAt,
	}
	if out.Result == nil {
		out.Result = map[string]any{}
	}
	if j.By.ID != uuid.Nil {
		out.ActorID = &j.By.ID
	}
	if p := j.Error; p != nil {
		problem := httpx.ProblemOf(errs.New(p.Kind, p.Code, p.Detail).At(p.Fields...))
		out.Error = &problem
	}
	return out
}

type handler struct {
	jobs  *longjobs.Service
	units httpx.Units
}

// Routes registers the paths of jobs.
func Routes(g *echo.Group, svc *longjobs.Service, u httpx.Units) {
	h := handler{jobs: svc, units: u}
	g.GET("/jobs", h.list)
	g.GET("/jobs/changes", h.changes)
	g.GET("/jobs/:id", h.get)
	g.POST("/jobs/:id/cancel", h.cancel)
	g.POST("/jobs/:id/retry", h.retry)
}

// list pages through jobs.
//
//	@ID				listJobs
//	@Summary		List jobs
//	@Description	Long operations of the account, newest first. They are kept for 30 days after their end.
//	@Tags			jobs
//	@Param			status			query		[]longjobs.Status	false	"in one of these"		collectionFormat(csv)
//	@Param			kind			query		string				false	"of this kind"
//	@Param			subject_id		query		string				false	"of this import or export"	format(uuid)
//	@Param			created_at[gte]	query		string				false	"asked for at or after"		format(date-time)
//	@Param			created_at[gt]	query		string				false	"asked for after"			format(date-time)
//	@Param			created_at[lte]	query		string				false	"asked for at or before"	format(date-time)
//	@Param			created_at[lt]	query		string				false	"asked for before"			format(date-time)
//	@Param			sort			query		string				false	"order"						Enums(created_at,-created_at)
//	@Param			fields			query		[]string			false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200				{object}	httpx.ListOf[Job]
//	@Security		Bearer
//	@Router			/jobs [get]
func (h handler) list(c echo.Context) error {
	q := httpx.NewQuery(c)
	f := longjobs.Filter{Kind: q.Text("kind", 100), Subject: httpx.QueryID[uuid.UUID](q, "subject_id")}
	for _, s := range q.Enum("status", string(longjobs.Queued), string(longjobs.Running), string(longjobs.Succeeded),
		string(longjobs.Failed), string(longjobs.Cancelled)) {
		f.Statuses = append(f.Statuses, longjobs.Status(s))
	}
	f.CreatedFrom, f.Before = q.TimeRange("created_at")
	q.Fields(Job{})
	p := q.Page("-created_at", "created_at")
	if err := q.Err(); err != nil {
		return err
	}
	found, err := h.jobs.List(c.Request().Context(), httpx.ActorOf(c), f, p)
	if err != nil {
		return err
	}
	return httpx.List(c, q, page.Map(found, fromDomain))
}

// changes reads what became of jobs since the last time.
//
//	@ID				listJobChanges
//	@Summary		Follow jobs
//	@Description	First every job as it is now, then each that started, ended or was tried again since. Progress alone is no change. Jobs that
//	@Description	were forgotten after their time are not told of.
//	@Tags			jobs
//	@Success		200	{object}	httpx.ChangesOf[Job]
//	@Security		Bearer
//	@Router			/jobs/changes [get]
func (h handler) changes(c echo.Context) error {
	q := httpx.NewQuery(c)
	cursor, limit := q.Changes()
	if err := q.Err(); err != nil {
		return err
	}
	got, err := h.jobs.Changes(c.Request().Context(), httpx.ActorOf(c), cursor, limit)
	if err != nil {
		return err
	}
	out := outbox.Changes[Job]{Items: make([]Job, len(got.Items)), Next: got.Next, More: got.More}
	for i, j := range got.Items {
		out.Items[i] = fromDomain(j)
	}
	return httpx.Changes(c, q, out)
}

// get reads a job.
//
//	@ID				getJob
//	@Summary		Read a job
//	@Description	How far it has come, and what came of it. Ask again after the time in the Retry-After of the answer that began it, or follow the
//	@Description	feed of changes.
//	@Tags			jobs
//	@Param			id		path		string		true	"id of the job"					format(uuid)
//	@Param			fields	query		[]string	false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200		{object}	Job
//	@Security		Bearer
//	@Router			/jobs/{id} [get]
func (h handler) get(c echo.Context) error {
	id, err := httpx.PathID[kernel.JobID](c, "id")
	if err != nil {
		return err
	}
	q := httpx.NewQuery(c)
	q.Fields(Job{})
	if err := q.Err(); err != nil {
		return err
	}
	j, err := h.jobs.Find(c.Request().Context(), httpx.ActorOf(c), id)
	if err != nil {
		return err
	}
	return httpx.One(c, q, httpx.Reply{Body: fromDomain(j), Version: j.Version})
}

// cancel ends a job.
//
//	@ID				cancelJob
//	@Summary		Cancel a job
//	@Description	The part that is being done is finished, and none follows. What was done stays; an import can be reverted.
//	@Tags			jobs
//	@Param			id	path		string	true	"id of the job"	format(uuid)
//	@Success		200	{object}	Job
//	@Failure		409	{object}	httpx.Problem	"it has ended"
//	@Security		Bearer
//	@Router			/jobs/{id}/cancel [post]
func (h handler) cancel(c echo.Context) error { return h.change(c, h.jobs.Cancel) }

// retry lets a job go on.
//
//	@ID				retryJob
//	@Summary		Try a job again
//	@Description	For one that failed or was cancelled: it goes on where it was, and nothing is done twice.
//	@Tags			jobs
//	@Param			id	path		string	true	"id of the job"	format(uuid)
//	@Success		200	{object}	Job
//	@Failure		409	{object}	httpx.Problem	"it has neither failed nor been cancelled"
//	@Security		Bearer
//	@Router			/jobs/{id}/retry [post]
func (h handler) retry(c echo.Context) error { return h.change(c, h.jobs.Retry) }

func (h handler) change(c echo.Context, do func(context.Context, auth.Actor, kernel.JobID, *int64) (longjobs.Job, error)) error {
	id, err := httpx.PathID[kernel.JobID](c, "id")
	if err != nil {
		return err
	}
	ifVersion, err := httpx.IfMatchSent(c)
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		j, err := do(ctx, actor, id, ifVersion)
		return httpx.Reply{Body: fromDomain(j), Version: j.Version}, err
	})
}
