package importsdb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/imports"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/longjobs"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

type exportRow struct {
	AccountID kernel.AccountID
	ID        kernel.ExportID
	Version   int64
	Kind      string
	Format    string
	Status    string
	JobID     kernel.JobID
	Rows      int64
	ActorType string
	ActorID   *uuid.UUID
	CreatedAt time.Time `gorm:"autoCreateTime:false"`
	UpdatedAt time.Time `gorm:"autoUpdateTime:false"`
}

// TableName is gorm's question.
func (exportRow) TableName() string { return "exports" }

func toExport(r exportRow) imports.Export {
	return imports.Export{
		ID: r.ID, Version: r.Version, Kind: r.Kind, Format: imports.Format(r.Format), Status: longjobs.Status(r.Status), Job: r.JobID,
		Rows: r.Rows, By: byOf(r.ActorType, r.ActorID), CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
}

// InsertExport implements imports.Store.
func (s *Store) InsertExport(ctx context.Context, account kernel.AccountID, e imports.Export) error {
	row := exportRow{
		AccountID: account, ID: e.ID, Version: e.Version, Kind: e.Kind, Format: string(e.Format), Status: string(e.Status), JobID: e.Job,
		Rows: e.Rows, ActorType: string(e.By.Kind), ActorID: orNull(e.By.ID), CreatedAt: e.CreatedAt, UpdatedAt: e.UpdatedAt,
	}
	if err := s.db.Conn(ctx, account).Create(&row).Error; err != nil {
		return fmt.Errorf("insert an export: %w", err)
	}
	return nil
}

// FindExport implements imports.Store.
func (s *Store) FindExport(ctx context.Context, account kernel.AccountID, id kernel.ExportID) (imports.Export, error) {
	r, err := take[exportRow](s.db.Conn(ctx, account).Where("account_id = ? AND id = ?", account, id), imports.ErrExportNotFound)
	return toExport(r), err
}

// LockExport implements imports.Store.
func (s *Store) LockExport(ctx context.Context, account kernel.AccountID, id kernel.ExportID) (imports.Export, error) {
	r, err := take[exportRow](s.db.Conn(ctx, account).Raw("SELECT * FROM exports WHERE account_id = ? AND id = ? FOR UPDATE", account, id), imports.ErrExportNotFound)
	return toExport(r), err
}

// UpdateExport implements imports.Store.
func (s *Store) UpdateExport(ctx context.Context, account kernel.AccountID, e imports.Export) error {
	return s.db.Queue(ctx, account, `UPDATE exports SET version = $3, status = $4, job_id = $5, rows = $6, updated_at = $7
		WHERE account_id = $1 AND id = $2`, []any{account, e.ID, e.Version, string(e.Status), e.Job, e.Rows, e.UpdatedAt}, nil, nil)
}

// ListExports implements imports.Store.
func (s *Store) ListExports(ctx context.Context, account kernel.AccountID, kind string, p page.Request) (page.Of[imports.Export], error) {
	return list(ctx, s.db, account, kind, p, toExport, func(r exportRow) page.Key { return page.Key{At: r.CreatedAt, ID: uuid.UUID(r.ID)} })
}

// ExportsByID implements imports.Store.
func (s *Store) ExportsByID(ctx context.Context, account kernel.AccountID, after uuid.UUID, limit int) ([]imports.Export, error) {
	return byID(ctx, s.db, account, after, limit, toExport)
}

// LoadExports implements imports.Store.
func (s *Store) LoadExports(ctx context.Context, account kernel.AccountID, ids []uuid.UUID) ([]imports.Export, error) {
	return load(ctx, s.db, account, ids, toExport)
}

// AddPart implements imports.Store.
func (s *Store) AddPart(ctx context.Context, account kernel.AccountID, id kernel.ExportID, part int, body string) error {
	return s.db.Queue(ctx, account, `INSERT INTO export_parts (account_id, export_id, part, body) VALUES ($1, $2, $3, $4)`,
		[]any{account, id, part, body}, nil, nil)
}

// ExportPart implements imports.Store.
func (s *Store) ExportPart(ctx context.Context, account kernel.AccountID, id kernel.ExportID, part int) (string, error) {
	var body string
	err := s.db.QueryRow(ctx, account, `SELECT body FROM export_parts WHERE account_id = $1 AND export_id = $2 AND part = $3`,
		[]any{account, id, part}, &body)
	if errors.Is(err, db.ErrNoRows) {
		return "", nil
	}
	return body, err
}

// ForgetExport implements imports.Store.
func (s *Store) ForgetExport(ctx context.Context, account kernel.AccountID, id kernel.ExportID) error {
	_, err := s.db.Exec(ctx, account, `DELETE FROM exports WHERE account_id = $1 AND id = $2`, account, id)
	return err
}
