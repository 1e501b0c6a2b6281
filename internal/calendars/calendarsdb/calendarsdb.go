// Package calendarsdb keeps the rows of calendars: opening hours, closures, shifts, absences and presences. It alone names those
// tables. Rules are left to calendars.
package calendarsdb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/rooftop-crm/rooftop/internal/calendars"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/keyset"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// New returns the stores.
func New(d *db.DB) calendars.Stores {
	return calendars.Stores{
		Hours:     shelf[kernel.OpeningHoursID, calendars.HoursDetails, hoursRow]{d, "opening hours", toHours, fromHours, hoursFilter},
		Closures:  shelf[kernel.ClosureID, calendars.ClosureDetails, closureRow]{d, "closures", toClosure, fromClosure, closureFilter},
		Shifts:    shelf[kernel.ShiftID, calendars.ShiftDetails, shiftRow]{d, "shifts", toShift, fromShift, shiftFilter},
		Absences:  absences(d),
		Presences: presences(d),
		Staff:     &Staff{d},
	}
}

func absences(d *db.DB) shelf[kernel.AbsenceID, calendars.AbsenceDetails, absenceRow] {
	return shelf[kernel.AbsenceID, calendars.AbsenceDetails, absenceRow]{d, "absences", toAbsence, fromAbsence, absenceFilter}
}

func presences(d *db.DB) shelf[kernel.UserID, calendars.PresenceDetails, presenceRow] {
	return shelf[kernel.UserID, calendars.PresenceDetails, presenceRow]{d, "presences", toPresence, fromPresence, presenceFilter}
}

// shelf keeps one kind of record in one table.
type shelf[I ~[16]byte, D, R any] struct {
	db     *db.DB
	what   string
	to     func(kernel.AccountID, calendars.Record[I, D]) R
	from   func(R) calendars.Record[I, D]
	filter func(*gorm.DB, calendars.Filter) *gorm.DB
}

var _ calendars.RecordStore[kernel.ShiftID, calendars.ShiftDetails] = shelf[kernel.ShiftID, calendars.ShiftDetails, shiftRow]{}

func (s shelf[I, D, R]) rows(ctx context.Context, account kernel.AccountID) *gorm.DB {
	return s.db.Conn(ctx, account).Model(new(R)).Where("account_id = ?", account)
}

func (s shelf[I, D, R]) listed(ctx context.Context, account kernel.AccountID, f calendars.Filter) *gorm.DB {
	return s.filter(s.rows(ctx, account).Where("deleted_at IS NULL"), f)
}

func (s shelf[I, D, R]) failed(doing string, err error) error {
	if db.Violates(err, "opening_hours_department_key") {
		return calendars.ErrHoursTaken.Because(err)
	}
	return fmt.Errorf("%s %s: %w", doing, s.what, err)
}

// Insert implements calendars.RecordStore.
func (s shelf[I, D, R]) Insert(ctx context.Context, account kernel.AccountID, r calendars.Record[I, D]) error {
	row := s.to(account, r)
	if err := s.db.Conn(ctx, account).Create(&row).Error; err != nil {
		return s.failed("insert", err)
	}
	return nil
}

// Find implements calendars.RecordStore.
func (s shelf[I, D, R]) Find(ctx context.Context, account kernel.AccountID, id I) (calendars.Record[I, D], error) {
	return s.take(s.rows(ctx, account), id)
}

func (s shelf[I, D, R]) take(q *gorm.DB, id I) (calendars.Record[I, D], error) {
	var row R
	err := q.Where("id = ?", kernel.ID[I](id)).Take(&row).Error
	switch {
	case errors.Is(err, gorm.ErrRecordNotFound):
		return calendars.Record[I, D]{}, calendars.ErrNotFound
	case err != nil:
		return calendars.Record[I, D]{}, s.failed("read", err)
	}
	return s.from(row), nil
}

// ByIDs implements calendars.RecordStore.
func (s shelf[I, D, R]) ByIDs(ctx context.Context, account kernel.AccountID, ids []I) ([]calendars.Record[I, D], error) {
	return s.find(s.rows(ctx, account).Where("id IN ?", mapped(ids, func(id I) kernel.ID[I] { return kernel.ID[I](id) })))
}

// After implements calendars.RecordStore.
func (s shelf[I, D, R]) After(ctx context.Context, account kernel.AccountID, after I, limit int) ([]calendars.Record[I, D], error) {
	return s.find(s.rows(ctx, account).Where("id > ?", kernel.ID[I](after)).Order("id").Limit(limit))
}

func (s shelf[I, D, R]) find(q *gorm.DB) ([]calendars.Record[I, D], error) {
	var rows []R
	if err := q.Find(&rows).Error; err != nil {
		return nil, s.failed("read", err)
	}
	return mapped(rows, s.from), nil
}

// List implements calendars.RecordStore.
func (s shelf[I, D, R]) List(
	ctx context.Context, account kernel.AccountID, f calendars.Filter, p page.Request,
) (page.Of[calendars.Record[I, D]], error) {
	if p.Sort.Field != "created_at" {
		return page.Of[calendars.Record[I, D]]{}, fmt.Errorf("%s cannot be sorted by %q", s.what, p.Sort.Field)
	}
	items, err := s.find(keyset.Apply(s.listed(ctx, account, f), p))
	if err != nil {
		return page.Of[calendars.Record[I, D]]{}, err
	}
	out := page.Cut(items, p.Limit, calendars.Record[I, D].PageKey)
	out.Total, err = keyset.Count(s.listed(ctx, account, f), p.Count)
	return out, err
}

// All implements calendars.RecordStore.
func (s shelf[I, D, R]) All(ctx context.Context, account kernel.AccountID, f calendars.Filter) ([]calendars.Record[I, D], error) {
	return s.find(s.listed(ctx, account, f).Order("id"))
}

// Update implements calendars.RecordStore.
func (s shelf[I, D, R]) Update(
	ctx context.Context, account kernel.AccountID, id I, change func(*calendars.Record[I, D]) (bool, error),
) (calendars.Record[I, D], error) {
	r, err := s.take(s.rows(ctx, account).Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}), id)
	if err != nil {
		return r, err
	}
	write, err := change(&r)
	if err != nil || !write {
		return r, err
	}
	row := s.to(account, r)
	res := s.rows(ctx, account).Where("id = ?", kernel.ID[I](id)).Select("*").Updates(&row)
	if res.Error != nil {
		return r, s.failed("update", res.Error)
	}
	if res.RowsAffected != 1 {
		return r, fmt.Errorf("update %s: %d rows changed", s.what, res.RowsAffected)
	}
	return r, nil
}

// Staff reads what is asked about many people at once.
type Staff struct{ db *db.DB }

var _ calendars.StaffStore = (*Staff)(nil)

const lockUser = `SELECT pg_advisory_xact_lock(hashtextextended('calendars.user:' || $1 || ':' || $2, 0))`

// LockUser implements calendars.StaffStore.
func (s *Staff) LockUser(ctx context.Context, account kernel.AccountID, user kernel.UserID) error {
	if _, err := s.db.Exec(ctx, account, lockUser, account.String(), user.String()); err != nil {
		return fmt.Errorf("lock a user's calendar: %w", err)
	}
	return nil
}

// AbsencesOf implements calendars.StaffStore.
func (s *Staff) AbsencesOf(
	ctx context.Context, account kernel.AccountID, users []kernel.UserID, from, to time.Time,
) ([]calendars.Absence, error) {
	if len(users) == 0 {
		return nil, nil
	}
	b := absences(s.db)
	return b.find(b.listed(ctx, account, calendars.Filter{From: &from, To: &to}).Where("user_id IN ?", users).Order("starts_at").Order("id"))
}

// PresencesOf implements calendars.StaffStore.
func (s *Staff) PresencesOf(ctx context.Context, account kernel.AccountID, users []kernel.UserID) ([]calendars.Presence, error) {
	if len(users) == 0 {
		return nil, nil
	}
	b := presences(s.db)
	return b.find(b.rows(ctx, account).Where("deleted_at IS NULL AND id IN ?", users))
}

// mapped never gives nil, which jsonb would take for null.
func mapped[T, U any](in []T, f func(T) U) []U {
	out := make([]U, len(in))
	for i, v := range in {
		out[i] = f(v)
	}
	return out
}
