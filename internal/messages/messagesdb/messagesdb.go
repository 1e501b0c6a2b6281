// Package messagesdb keeps the rows of messages: wordings, mail that goes out, addresses, and messages that came in with
// their bytes. It alone names those tables. Rules are left to messages.
package messagesdb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/messages"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/keyset"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// Store keeps what belongs to one account.
type Store struct{ db *db.DB }

var _ messages.Store = (*Store)(nil)

// New returns the store.
func New(d *db.DB) *Store { return &Store{db: d} }

// Directory finds whose an address is, before an account is known. Its table has no row security: the statement names one
// address.
type Directory struct{ db *db.DB }

var _ messages.DirectoryStore = (*Directory)(nil)

// NewDirectory returns the directory of addresses.
func NewDirectory(d *db.DB) *Directory { return &Directory{db: d} }

// take reads one row. The query names the account.
func take[R, T any](q *gorm.DB, what string, from func(R) T) (T, error) {
	var r R
	err := q.Take(&r).Error
	switch {
	case err == nil:
		return from(r), nil
	case errors.Is(err, gorm.ErrRecordNotFound):
		err = messages.ErrNotFound
	default:
		err = fmt.Errorf("read %s: %w", what, err)
	}
	var zero T
	return zero, err
}

// find reads rows. The query names the account.
func find[R, T any](q *gorm.DB, what string, from func(R) T) ([]T, error) {
	var rows []R
	if err := q.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	out := make([]T, len(rows))
	for i, r := range rows {
		out[i] = from(r)
	}
	return out, nil
}

// list reads a page. filtered makes the query afresh, since counting is another one.
func list[R, T any](filtered func() *gorm.DB, p page.Request, what string, from func(R) T, key func(T) page.Key) (page.Of[T], error) {
	if p.Sort.Field != "created_at" && p.Sort.Field != "updated_at" && p.Sort.Field != "received_at" {
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
	item, err := take(query().Clauses(clause.Locking{Strength: "NO KEY UPDATE"}), what, from)
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

// within narrows to the dealerships that a caller may see; nil is all.
func within(q *gorm.DB, only []kernel.DealershipID) *gorm.DB {
	if only == nil {
		return q
	}
	return q.Where("dealership_id IN ?", only)
}

func between(q *gorm.DB, column string, from, before *time.Time) *gorm.DB {
	if from != nil {
		q = q.Where(column+" >= ?", *from)
	}
	if before != nil {
		q = q.Where(column+" < ?", *before)
	}
	return q
}

func texts[S ~string](in []S) []string {
	out := make([]string, len(in))
	for i, s := range in {
		out[i] = string(s)
	}
	return out
}

// byID pages through all rows for a feed of changes.
func byID(q *gorm.DB, after uuid.UUID, limit int) *gorm.DB {
	return q.Where("id > ?", after).Order("id").Limit(limit)
}

// lock keeps others from asking about the same thing until the transaction of ctx ends. It travels with the next statement.
func (s *Store) lock(ctx context.Context, account kernel.AccountID, thing string) error {
	const take = `SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`
	return s.db.Queue(ctx, account, take, []any{account.String() + "/" + thing}, nil, nil)
}
