// Package importsdb keeps imports and exports: their files, mappings and rows. It alone names their tables.
package importsdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/rooftop-crm/rooftop/internal/imports"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/keyset"
	"github.com/rooftop-crm/rooftop/internal/platform/longjobs"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// Store is imports' rows in Postgres.
type Store struct{ db *db.DB }

var _ imports.Store = (*Store)(nil)

// New returns a store.
func New(d *db.DB) *Store { return &Store{db: d} }

type importRow struct {
	AccountID kernel.AccountID
	ID        kernel.ImportID
	Version   int64
	Kind      string
	FileName  string
	URL       string
	Wanted    []byte
	Format    string
	Charset   string
	Delimiter string
	Columns   []string          `gorm:"serializer:json"`
	Mapping   map[string]string `gorm:"serializer:json"`
	Source    string
	DryRun    bool
	Status    string
	JobID     kernel.JobID
	Rows      int64
	Created   int64
	Changed   int64
	Unchanged int64
	Rejected  int64
	Reverted  int64
	Kept      int64
	ActorType string
	ActorID   *uuid.UUID
	CreatedAt time.Time `gorm:"autoCreateTime:false"`
	UpdatedAt time.Time `gorm:"autoUpdateTime:false"`
}

// TableName is gorm's question.
func (importRow) TableName() string { return "imports" }

func toRow(account kernel.AccountID, i imports.Import) importRow {
	c := i.Counts
	return importRow{
		AccountID: account, ID: i.ID, Version: i.Version, Kind: i.Kind, FileName: i.FileName, URL: i.URL, Wanted: i.Wanted, Format: string(i.Format), Charset: i.Charset,
		Delimiter: i.Delimiter, Columns: i.Columns, Mapping: i.Mapping, Source: i.Source, DryRun: i.DryRun, Status: string(i.Status),
		JobID: i.Job, Rows: i.Rows, Created: c.Created, Changed: c.Changed, Unchanged: c.Unchanged, Rejected: c.Rejected,
		Reverted: c.Reverted, Kept: c.Kept, ActorType: string(i.By.Kind), ActorID: orNull(i.By.ID), CreatedAt: i.CreatedAt, UpdatedAt: i.UpdatedAt,
	}
}

func fromRow(r importRow) imports.Import {
	return imports.Import{
		ID: r.ID, Version: r.Version, Kind: r.Kind, FileName: r.FileName, URL: r.URL, Wanted: r.Wanted, Format: imports.Format(r.Format), Charset: r.Charset,
		Delimiter: r.Delimiter, Columns: r.Columns, Mapping: r.Mapping, Source: r.Source, DryRun: r.DryRun, Status: imports.Status(r.Status),
		Job: r.JobID, Rows: r.Rows, Counts: imports.Counts{
			Created: r.Created, Changed: r.Changed, Unchanged: r.Unchanged, Rejected: r.Rejected, Reverted: r.Reverted, Kept: r.Kept,
		},
		By: byOf(r.ActorType, r.ActorID), CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
}

func orNull(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}

func byOf(kind string, id *uuid.UUID) longjobs.By {
	by := longjobs.By{Kind: auth.ActorKind(kind)}
	if id != nil {
		by.ID = *id
	}
	return by
}

const insertPart = `INSERT INTO import_parts (account_id, import_id, part, records) VALUES ($1, $2, $3, $4)`

// Insert implements imports.Store.
func (s *Store) Insert(ctx context.Context, account kernel.AccountID, i imports.Import, parts [][]imports.Record) error {
	row := toRow(account, i)
	if err := s.db.Conn(ctx, account).Create(&row).Error; err != nil {
		return fmt.Errorf("insert an import: %w", err)
	}
	return s.insertParts(ctx, account, i.ID, parts)
}

func (s *Store) insertParts(ctx context.Context, account kernel.AccountID, id kernel.ImportID, parts [][]imports.Record) error {
	for n, records := range parts {
		body, err := json.Marshal(records)
		if err != nil {
			return fmt.Errorf("insert an import's part: %w", err)
		}
		if err := s.db.Queue(ctx, account, insertPart, []any{account, id, n, json.RawMessage(body)}, nil, nil); err != nil {
			return err
		}
	}
	return nil
}

const fillImport = `UPDATE imports SET version = $3, wanted = NULL, format = $4, charset = $5, delimiter = $6, columns = $7, mapping = $8, rows = $9,
	updated_at = $10 WHERE account_id = $1 AND id = $2`

// Fill implements imports.Store.
func (s *Store) Fill(ctx context.Context, account kernel.AccountID, i imports.Import, parts [][]imports.Record) error {
	err := s.db.Queue(ctx, account, fillImport, []any{
		account, i.ID, i.Version, string(i.Format), i.Charset, i.Delimiter, i.Columns, i.Mapping, i.Rows, i.UpdatedAt,
	}, nil, nil)
	if err != nil {
		return err
	}
	return s.insertParts(ctx, account, i.ID, parts)
}

// Find implements imports.Store.
func (s *Store) Find(ctx context.Context, account kernel.AccountID, id kernel.ImportID) (imports.Import, error) {
	r, err := take[importRow](s.db.Conn(ctx, account).Where("account_id = ? AND id = ?", account, id), imports.ErrNotFound)
	return fromRow(r), err
}

// Lock implements imports.Store.
func (s *Store) Lock(ctx context.Context, account kernel.AccountID, id kernel.ImportID) (imports.Import, error) {
	r, err := take[importRow](s.db.Conn(ctx, account).Raw("SELECT * FROM imports WHERE account_id = ? AND id = ? FOR UPDATE", account, id), imports.ErrNotFound)
	return fromRow(r), err
}

func take[T any](q *gorm.DB, absent error) (T, error) {
	var r T
	err := q.Take(&r).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return r, absent
	}
	if err != nil {
		return r, fmt.Errorf("read an import or export: %w", err)
	}
	return r, nil
}

const updateImport = `UPDATE imports SET version = $3, status = $4, job_id = $5, created = $6, changed = $7, unchanged = $8, rejected = $9,
	reverted = $10, kept = $11, updated_at = $12 WHERE account_id = $1 AND id = $2`

// Update implements imports.Store.
func (s *Store) Update(ctx context.Context, account kernel.AccountID, i imports.Import) error {
	c := i.Counts
	return s.db.Queue(ctx, account, updateImport, []any{
		account, i.ID, i.Version, string(i.Status), i.Job, c.Created, c.Changed, c.Unchanged, c.Rejected, c.Reverted, c.Kept, i.UpdatedAt,
	}, nil, nil)
}

// List implements imports.Store.
func (s *Store) List(ctx context.Context, account kernel.AccountID, kind string, p page.Request) (page.Of[imports.Import], error) {
	return list(ctx, s.db, account, kind, p, fromRow, func(r importRow) page.Key { return page.Key{At: r.CreatedAt, ID: uuid.UUID(r.ID)} })
}

// ByID implements imports.Store.
func (s *Store) ByID(ctx context.Context, account kernel.AccountID, after uuid.UUID, limit int) ([]imports.Import, error) {
	return byID(ctx, s.db, account, after, limit, fromRow)
}

// Load implements imports.Store.
func (s *Store) Load(ctx context.Context, account kernel.AccountID, ids []uuid.UUID) ([]imports.Import, error) {
	return load(ctx, s.db, account, ids, fromRow)
}

func byID[R, T any](ctx context.Context, d *db.DB, account kernel.AccountID, after uuid.UUID, limit int, from func(R) T) ([]T, error) {
	return all(d.Conn(ctx, account).Where("account_id = ? AND id > ?", account, after).Order("id").Limit(limit), from)
}

func load[R, T any](ctx context.Context, d *db.DB, account kernel.AccountID, ids []uuid.UUID, from func(R) T) ([]T, error) {
	return all(d.Conn(ctx, account).Where("account_id = ? AND id IN ?", account, ids), from)
}

func all[R, T any](q *gorm.DB, from func(R) T) ([]T, error) {
	var rows []R
	if err := q.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read imports or exports: %w", err)
	}
	out := make([]T, len(rows))
	for i, r := range rows {
		out[i] = from(r)
	}
	return out, nil
}

func list[R, T any](
	ctx context.Context, d *db.DB, account kernel.AccountID, kind string, p page.Request, from func(R) T, key func(R) page.Key,
) (page.Of[T], error) {
	filtered := func() *gorm.DB {
		q := d.Conn(ctx, account).Model(new(R)).Where("account_id = ?", account)
		if kind != "" {
			q = q.Where("kind = ?", kind)
		}
		return q
	}
	var rows []R
	if err := keyset.Apply(filtered(), p).Find(&rows).Error; err != nil {
		return page.Of[T]{}, fmt.Errorf("list imports or exports: %w", err)
	}
	out := page.Map(page.Cut(rows, p.Limit, key), from)
	var err error
	out.Total, err = keyset.Count(filtered(), p.Count)
	return out, err
}

// Part implements imports.Store.
func (s *Store) Part(ctx context.Context, account kernel.AccountID, id kernel.ImportID, part int) ([]imports.Record, error) {
	var records []imports.Record
	err := s.db.QueryRow(ctx, account, `SELECT records FROM import_parts WHERE account_id = $1 AND import_id = $2 AND part = $3`,
		[]any{account, id, part}, &records)
	if errors.Is(err, db.ErrNoRows) {
		return nil, nil
	}
	return records, err
}

const settle = `INSERT INTO import_rows (account_id, import_id, line, state, subject_id, version, changes, errors, undo)
	SELECT $1, $2, r.line, r.state, r.subject_id, r.version, r.changes, r.errors, r.undo
	FROM unnest($3::int[], $4::text[], $5::uuid[], $6::bigint[], $7::jsonb[], $8::jsonb[], $9::jsonb[])
		AS r (line, state, subject_id, version, changes, errors, undo)
	ON CONFLICT (account_id, import_id, line) DO UPDATE SET state = excluded.state, errors = excluded.errors, undo = excluded.undo`

// Settle implements imports.Store.
func (s *Store) Settle(ctx context.Context, account kernel.AccountID, id kernel.ImportID, rows []imports.Done) error {
	var (
		lines                 []int
		states                []string
		subjects              []*uuid.UUID
		versions              []int64
		changes, faults, undo []json.RawMessage
	)
	for _, r := range rows {
		lines, states, subjects = append(lines, r.Line), append(states, string(r.State)), append(subjects, orNull(r.Subject))
		versions = append(versions, r.Version)
		c, err := json.Marshal(notNil(r.Changes))
		e, err2 := json.Marshal(notNil(r.Errors))
		if err := errors.Join(err, err2); err != nil {
			return fmt.Errorf("write import rows: %w", err)
		}
		u := r.Undo
		if u == nil {
			u = json.RawMessage("null")
		}
		changes, faults, undo = append(changes, c), append(faults, e), append(undo, u)
	}
	return s.db.Queue(ctx, account, settle, []any{account, id, lines, states, subjects, versions, changes, faults, undo}, nil, nil)
}

func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

const rowColumns = `line, state, subject_id, version, changes, errors, undo`

// Rows implements imports.Store.
func (s *Store) Rows(ctx context.Context, account kernel.AccountID, id kernel.ImportID, states []imports.State, after, limit int) ([]imports.Done, error) {
	wanted := make([]string, len(states))
	for i, st := range states {
		wanted[i] = string(st)
	}
	return s.rows(ctx, account, `SELECT `+rowColumns+` FROM import_rows WHERE account_id = $1 AND import_id = $2 AND line > $3
		AND (cardinality($4::text[]) = 0 OR state = ANY ($4)) ORDER BY line LIMIT $5`, account, id, after, wanted, limit)
}

// Undoable implements imports.Store.
func (s *Store) Undoable(ctx context.Context, account kernel.AccountID, id kernel.ImportID, before, limit int) ([]imports.Done, error) {
	return s.rows(ctx, account, `SELECT `+rowColumns+` FROM import_rows WHERE account_id = $1 AND import_id = $2
		AND ($3 = 0 OR line < $3) AND state IN ('created', 'changed') ORDER BY line DESC LIMIT $4`, account, id, before, limit)
}

func (s *Store) rows(ctx context.Context, account kernel.AccountID, sql string, args ...any) ([]imports.Done, error) {
	out := []imports.Done{}
	err := s.db.Query(ctx, account, sql, args, func(r db.Rows) error {
		var d imports.Done
		var subject *uuid.UUID
		if err := r.Scan(&d.Line, &d.State, &subject, &d.Version, &d.Changes, &d.Errors, &d.Undo); err != nil {
			return err
		}
		if subject != nil {
			d.Subject = *subject
		}
		out = append(out, d)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read import rows: %w", err)
	}
	return out, nil
}

// Forget implements imports.Store.
func (s *Store) Forget(ctx context.Context, account kernel.AccountID, id kernel.ImportID) error {
	_, err := s.db.Exec(ctx, account, `DELETE FROM imports WHERE account_id = $1 AND id = $2`, account, id)
	return err
}

const saveMapping = `INSERT INTO import_mappings (account_id, kind, name, mapping, updated_at) VALUES ($1, $2, $3, $4, $5)
	ON CONFLICT (account_id, kind, name) DO UPDATE SET mapping = excluded.mapping, updated_at = excluded.updated_at`

// SaveMapping implements imports.Store.
func (s *Store) SaveMapping(ctx context.Context, account kernel.AccountID, m imports.Mapping) error {
	body, err := json.Marshal(m.Mapping)
	if err != nil {
		return fmt.Errorf("save a mapping: %w", err)
	}
	return s.db.Queue(ctx, account, saveMapping, []any{account, m.Kind, m.Name, json.RawMessage(body), m.UpdatedAt}, nil, nil)
}

// Mappings implements imports.Store.
func (s *Store) Mappings(ctx context.Context, account kernel.AccountID, kind string) ([]imports.Mapping, error) {
	out := []imports.Mapping{}
	err := s.db.Query(ctx, account, `SELECT kind, name, mapping, updated_at FROM import_mappings
		WHERE account_id = $1 AND ($2 = '' OR kind = $2) ORDER BY kind, name LIMIT 1000`, []any{account, kind}, func(r db.Rows) error {
		var m imports.Mapping
		err := r.Scan(&m.Kind, &m.Name, &m.Mapping, &m.UpdatedAt)
		out = append(out, m)
		return err
	})
	return out, err
}
