package longjobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/keyset"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

var empty = json.RawMessage(`{}`)

type row struct {
	AccountID  kernel.AccountID
	ID         kernel.JobID
	Version    int64
	Kind       string
	SubjectID  uuid.UUID
	Status     string
	Done       int64
	Total      *int64
	State      json.RawMessage `gorm:"serializer:json"`
	Result     map[string]any  `gorm:"serializer:json"`
	Error      *Problem        `gorm:"serializer:json"`
	QueueID    int64
	ActorType  string
	ActorID    *uuid.UUID
	CreatedAt  time.Time
	UpdatedAt  time.Time
	StartedAt  *time.Time
	FinishedAt *time.Time
}

// TableName is gorm's question.
func (row) TableName() string { return "jobs" }

func fromRow(r row) Job {
	j := Job{
		ID: r.ID, Version: r.Version, Kind: r.Kind, Subject: r.SubjectID, Status: Status(r.Status), Done: r.Done, Total: r.Total,
		State: r.State, Result: r.Result, Error: r.Error, By: By{Kind: auth.ActorKind(r.ActorType)}, CreatedAt: r.CreatedAt,
		UpdatedAt: r.UpdatedAt, StartedAt: r.StartedAt, FinishedAt: r.FinishedAt, queue: r.QueueID,
	}
	if r.ActorID != nil {
		j.By.ID = *r.ActorID
	}
	return j
}

const insertJob = `INSERT INTO jobs (account_id, id, version, kind, subject_id, status, done, total, state, result, error, queue_id,
	actor_type, actor_id, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, '{}', 'null', $10, $11, $12, $13, $14)`

func (s *Service) insert(ctx context.Context, account kernel.AccountID, j Job) error {
	var by *uuid.UUID
	if j.By.ID != uuid.Nil {
		by = &j.By.ID
	}
	return s.db.Queue(ctx, account, insertJob, []any{
		account, j.ID, j.Version, j.Kind, j.Subject, string(j.Status), j.Done, j.Total, j.State, j.queue, string(j.By.Kind), by, j.CreatedAt, j.UpdatedAt,
	}, nil, nil)
}

const updateJob = `UPDATE jobs SET version = $3, status = $4, done = $5, total = $6, state = $7, result = $8, error = $9, queue_id = $10,
	updated_at = $11, started_at = $12, finished_at = $13 WHERE account_id = $1 AND id = $2`

// update writes what may change. The row is locked by whoever read it.
func (s *Service) update(ctx context.Context, account kernel.AccountID, j Job) error {
	result, err := json.Marshal(j.Result)
	if err != nil {
		return fmt.Errorf("write a job: %w", err)
	}
	why, err := json.Marshal(j.Error)
	if err != nil {
		return fmt.Errorf("write a job: %w", err)
	}
	return s.db.Queue(ctx, account, updateJob, []any{
		account, j.ID, j.Version, string(j.Status), j.Done, j.Total, j.State, json.RawMessage(result), json.RawMessage(why), j.queue,
		j.UpdatedAt, j.StartedAt, j.FinishedAt,
	}, nil, nil)
}

const forUpdate = " FOR UPDATE"

func (s *Service) one(ctx context.Context, account kernel.AccountID, id kernel.JobID, lock string) (Job, error) {
	var r row
	err := s.db.Conn(ctx, account).Raw("SELECT * FROM jobs WHERE account_id = ? AND id = ?"+lock, account, id).Take(&r).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return Job{}, ErrNotFound
	}
	if err != nil {
		return Job{}, fmt.Errorf("read a job: %w", err)
	}
	return fromRow(r), nil
}

func (s *Service) list(ctx context.Context, account kernel.AccountID, f Filter, p page.Request) (page.Of[Job], error) {
	filtered := func() *gorm.DB {
		q := s.db.Conn(ctx, account).Model(&row{}).Where("account_id = ?", account)
		if len(f.Statuses) > 0 {
			q = q.Where("status IN ?", f.Statuses)
		}
		if f.Kind != "" {
			q = q.Where("kind = ?", f.Kind)
		}
		if f.Subject != nil {
			q = q.Where("subject_id = ?", *f.Subject)
		}
		if f.CreatedFrom != nil {
			q = q.Where("created_at >= ?", *f.CreatedFrom)
		}
		if f.Before != nil {
			q = q.Where("created_at < ?", *f.Before)
		}
		return q
	}
	var rows []row
	if err := keyset.Apply(filtered(), p).Find(&rows).Error; err != nil {
		return page.Of[Job]{}, fmt.Errorf("list jobs: %w", err)
	}
	cut := page.Cut(rows, p.Limit, func(r row) page.Key { return page.Key{At: r.CreatedAt, ID: uuid.UUID(r.ID)} })
	out := page.Map(cut, fromRow)
	var err error
	out.Total, err = keyset.Count(filtered(), p.Count)
	return out, err
}

func (s *Service) byID(ctx context.Context, account kernel.AccountID, after uuid.UUID, limit int) ([]Job, error) {
	var rows []row
	err := s.db.Conn(ctx, account).Where("account_id = ? AND id > ?", account, after).Order("id").Limit(limit).Find(&rows).Error
	return mapped(rows), err
}

func (s *Service) load(ctx context.Context, account kernel.AccountID, ids []uuid.UUID) ([]Job, error) {
	var rows []row
	err := s.db.Conn(ctx, account).Where("account_id = ? AND id IN ?", account, ids).Find(&rows).Error
	return mapped(rows), err
}

func mapped(rows []row) []Job {
	out := make([]Job, len(rows))
	for i, r := range rows {
		out[i] = fromRow(r)
	}
	return out
}

// delete forgets a job that ended before then.
func (s *Service) delete(ctx context.Context, account kernel.AccountID, id kernel.JobID, before time.Time) error {
	_, err := s.db.Exec(ctx, account, `DELETE FROM jobs WHERE account_id = $1 AND id = $2 AND finished_at <= $3`, account, id, before)
	if err != nil {
		return fmt.Errorf("forget a job: %w", err)
	}
	return nil
}
