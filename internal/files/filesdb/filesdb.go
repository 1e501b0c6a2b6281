// Package filesdb keeps files' rows in Postgres. It alone names the tables files and file_uses.
package filesdb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/rooftop-crm/rooftop/internal/files"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/keyset"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// Store is the files' tables.
type Store struct{ db *db.DB }

var _ files.Store = (*Store)(nil)

// New returns the store.
func New(d *db.DB) *Store { return &Store{db: d} }

type fileRow struct {
	AccountID   kernel.AccountID
	ID          kernel.FileID
	Version     int64
	Name        string
	ContentType string
	Size        int64
	SHA256      []byte `gorm:"column:sha256"`
	CreatedBy   *uuid.UUID
	ExpiresAt   *time.Time
	CreatedAt   time.Time `gorm:"autoCreateTime:false"`
	UpdatedAt   time.Time `gorm:"autoUpdateTime:false"`
	DeletedAt   *time.Time
}

// TableName is gorm's question.
func (fileRow) TableName() string { return "files" }

func toRow(account kernel.AccountID, f files.File) fileRow {
	r := fileRow{
		AccountID: account, ID: f.ID, Version: f.Version, Name: f.Name, ContentType: f.ContentType, Size: f.Size, SHA256: f.SHA256[:],
		ExpiresAt: f.ExpiresAt, CreatedAt: f.CreatedAt, UpdatedAt: f.UpdatedAt, DeletedAt: f.DeletedAt,
	}
	if f.CreatedBy != uuid.Nil {
		r.CreatedBy = &f.CreatedBy
	}
	return r
}

func fromRow(r fileRow) files.File {
	f := files.File{
		ID: r.ID, Version: r.Version, Name: r.Name, ContentType: r.ContentType, Size: r.Size,
		ExpiresAt: r.ExpiresAt, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, DeletedAt: r.DeletedAt,
	}
	copy(f.SHA256[:], r.SHA256)
	if r.CreatedBy != nil {
		f.CreatedBy = *r.CreatedBy
	}
	return f
}

// Insert implements files.Store.
func (s *Store) Insert(ctx context.Context, account kernel.AccountID, f files.File) error {
	row := toRow(account, f)
	if err := s.db.Conn(ctx, account).Create(&row).Error; err != nil {
		return fmt.Errorf("insert file: %w", err)
	}
	return nil
}

// Find implements files.Store.
func (s *Store) Find(ctx context.Context, account kernel.AccountID, id kernel.FileID) (files.File, error) {
	return take(s.db.Conn(ctx, account).Where("account_id = ? AND id = ?", account, id))
}

func take(q *gorm.DB) (files.File, error) {
	var r fileRow
	err := q.Take(&r).Error
	switch {
	case errors.Is(err, gorm.ErrRecordNotFound):
		return files.File{}, files.ErrNotFound
	case err != nil:
		return files.File{}, fmt.Errorf("read file: %w", err)
	}
	return fromRow(r), nil
}

// FindMany implements files.Store.
func (s *Store) FindMany(ctx context.Context, account kernel.AccountID, ids []kernel.FileID) ([]files.File, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return find(s.db.Conn(ctx, account).Where("account_id = ? AND id IN ?", account, ids))
}

// ListByID implements files.Store.
func (s *Store) ListByID(ctx context.Context, account kernel.AccountID, after kernel.FileID, limit int) ([]files.File, error) {
	return find(s.db.Conn(ctx, account).Where("account_id = ? AND id > ?", account, after).Order("id").Limit(limit))
}

func find(q *gorm.DB) ([]files.File, error) {
	var rows []fileRow
	if err := q.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read files: %w", err)
	}
	out := make([]files.File, len(rows))
	for i, r := range rows {
		out[i] = fromRow(r)
	}
	return out, nil
}

// List implements files.Store.
func (s *Store) List(ctx context.Context, account kernel.AccountID, p page.Request) (page.Of[files.File], error) {
	if p.Sort.Field != "created_at" {
		return page.Of[files.File]{}, fmt.Errorf("files cannot be sorted by %q", p.Sort.Field)
	}
	there := func() *gorm.DB {
		return s.db.Conn(ctx, account).Model(&fileRow{}).Where("account_id = ? AND deleted_at IS NULL", account)
	}
	items, err := find(keyset.Apply(there(), p))
	if err != nil {
		return page.Of[files.File]{}, err
	}
	out := page.Cut(items, p.Limit, func(f files.File) page.Key { return page.Key{At: f.CreatedAt, ID: uuid.UUID(f.ID)} })
	out.Total, err = keyset.Count(there(), p.Count)
	return out, err
}

// Update implements files.Store. The lock is one that uses, which point to the row, do not wait for.
func (s *Store) Update(
	ctx context.Context, account kernel.AccountID, id kernel.FileID, change func(*files.File) (bool, error),
) (files.File, error) {
	query := func() *gorm.DB {
		return s.db.Conn(ctx, account).Where("account_id = ? AND id = ?", account, id)
	}
	f, err := take(query().Clauses(clause.Locking{Strength: "NO KEY UPDATE"}))
	if err != nil {
		return f, err
	}
	write, err := change(&f)
	if err != nil || !write {
		return f, err
	}
	row := toRow(account, f)
	res := query().Select("*").Updates(&row)
	if res.Error != nil {
		return f, fmt.Errorf("update file: %w", res.Error)
	}
	if res.RowsAffected != 1 {
		return f, fmt.Errorf("update file: %d rows changed", res.RowsAffected)
	}
	return f, nil
}

const (
	insertUse = `INSERT INTO file_uses (account_id, file_id, resource_type, resource_id, created_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT ON CONSTRAINT file_uses_key DO NOTHING`
	deleteUse = `DELETE FROM file_uses WHERE account_id = $1 AND file_id = $2 AND resource_type = $3 AND resource_id = $4`
	anyUse    = `SELECT EXISTS (SELECT FROM file_uses WHERE account_id = $1 AND file_id = $2)`
)

// AddUse implements files.Store.
func (s *Store) AddUse(ctx context.Context, account kernel.AccountID, id kernel.FileID, u files.Use, at time.Time) error {
	return s.db.Queue(ctx, account, insertUse, []any{account, id, u.Resource, u.ID, at}, nil, nil)
}

// RemoveUse implements files.Store.
func (s *Store) RemoveUse(ctx context.Context, account kernel.AccountID, id kernel.FileID, u files.Use) error {
	return s.db.Queue(ctx, account, deleteUse, []any{account, id, u.Resource, u.ID}, nil, nil)
}

// Used implements files.Store.
func (s *Store) Used(ctx context.Context, account kernel.AccountID, id kernel.FileID) (bool, error) {
	var used bool
	if err := s.db.QueryRow(ctx, account, anyUse, []any{account, id}, &used); err != nil {
		return false, fmt.Errorf("look for uses of a file: %w", err)
	}
	return used, nil
}
