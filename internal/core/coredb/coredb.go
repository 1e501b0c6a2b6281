// Package coredb keeps core's rows: dealerships, users and keys, which belong to an account, and the control plane, which
// is read before an account is known. It alone names those tables. Rules are left to core.
package coredb

import (
	"errors"
	"fmt"

	"gorm.io/gorm"

	"github.com/rooftop-crm/rooftop/internal/core"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/keyset"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// Store keeps what belongs to one account.
type Store struct{ db *db.DB }

var _ core.Store = (*Store)(nil)

// New returns the store.
func New(d *db.DB) *Store { return &Store{db: d} }

// Control keeps the control plane. Its tables have no row security: each statement names the account, the partner or
// the one row it is about.
type Control struct{ db *db.DB }

var _ core.ControlStore = (*Control)(nil)

// NewControl returns the store of the control plane.
func NewControl(d *db.DB) *Control { return &Control{db: d} }

// take reads one row. The query names the account.
func take[R, T any](q *gorm.DB, what string, from func(R) T) (T, error) {
	var r R
	err := q.Take(&r).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		err = core.ErrNotFound
	} else if err != nil {
		err = fmt.Errorf("read %s: %w", what, err)
	}
	if err != nil {
		var zero T
		return zero, err
	}
	return from(r), nil
}

// find reads rows. The query names the account.
func find[R, T any](q *gorm.DB, what string, from func(R) T) ([]T, error) {
	var rows []R
	if err := q.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	return mapped(rows, from), nil
}

// list reads a page. filtered makes the query afresh, since counting is another one.
func list[R, T any](filtered func() *gorm.DB, p page.Request, what string, from func(R) T, key func(T) page.Key) (page.Of[T], error) {
	if p.Sort.Field != "created_at" && p.Sort.Field != "updated_at" {
		return page.Of[T]{}, fmt.Errorf("%s cannot be sorted by %q", what, p.Sort.Field)
	}
	items, err := find(keyset.Apply(filtered(), p), what, from)
	if err != nil {
		return page.Of[T]{}, err
	}
	out := page.Cut(items, p.Limit, key)
	out.Total, err = keyset.Count(filtered(), p.Count)
	return out, err
}

// update locks one row, runs change and writes the row back when change says so. The query names the account and the id,
// and is made afresh for each statement.
func update[R, T any](query func() *gorm.DB, what string, from func(R) T, to func(T) R, change func(*T) (bool, error)) (T, error) {
	item, err := take(query().Clauses(rowLock()), what, from)
	if err != nil {
		return item, err
	}
	write, err := change(&item)
	if err != nil || !write {
		return item, err
	}
	row := to(item)
	res := query().Select("*").Updates(&row)
	if res.Error != nil {
		return item, fmt.Errorf("update %s: %w", what, res.Error)
	}
	if res.RowsAffected != 1 {
		return item, fmt.Errorf("update %s: %d rows changed", what, res.RowsAffected)
	}
	return item, nil
}

// mapped never gives nil, which jsonb would take for null.
func mapped[T, U any](in []T, f func(T) U) []U {
	out := make([]U, len(in))
	for i, v := range in {
		out[i] = f(v)
	}
	return out
}

func same[T any](v T) T { return v }

func object(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}
