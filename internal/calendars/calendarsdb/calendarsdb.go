// Package calendarsdb keeps the rows of calendars: opening hours, closures, shifts, absences, presences, and external
// calendars with their busy times. It alone names those tables. Rules are left to calendars.
package calendarsdb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/rooftop-crm/rooftop/internal/calendars"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/keyset"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
	"github.com/rooftop-crm/rooftop/internal/platform/worktime"
)

// New returns the stores.
func New(d *db.DB) calendars.Stores {
	return calendars.Stores{
		Hours:     shelf[kernel.OpeningHoursID, calendars.HoursDetails, hoursRow]{d, "opening hours", toHours, fromHours, hoursFilter},
		Closures:  shelf[kernel.ClosureID, calendars.ClosureDetails, closureRow]{d, "closures", toClosure, fromClosure, closureFilter},
		Shifts:    shelf[kernel.ShiftID, calendars.ShiftDetails, shiftRow]{d, "shifts", toShift, fromShift, shiftFilter},
		Absences:  absences(d),
		Presences: presences(d),
		Externals: shelf[kernel.ExternalCalendarID, calendars.ExternalDetails, externalRow]{d, "external calendars", toExternal, fromExternal, externalFilter},
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

const selectBusy = `SELECT c.user_id, c.id, b.starts_at, b.ends_at FROM external_calendars c
	JOIN external_busy_times b ON b.account_id = c.account_id AND b.calendar_id = c.id
	WHERE c.account_id = $1 AND c.user_id = ANY($2) AND c.deleted_at IS NULL AND NOT c.paused AND b.starts_at < $4 AND b.ends_at > $3
	ORDER BY b.starts_at, c.id`

// BusyOf implements calendars.StaffStore.
func (s *Staff) BusyOf(
	ctx context.Context, account kernel.AccountID, users []kernel.UserID, from, to time.Time,
) ([]calendars.BusyTime, error) {
	if len(users) == 0 {
		return nil, nil
	}
	var out []calendars.BusyTime
	err := s.db.Query(ctx, account, selectBusy, []any{account, users, from, to}, func(r pgx.Rows) error {
		var b calendars.BusyTime
		if err := r.Scan(&b.User, &b.Calendar, &b.From, &b.To); err != nil {
			return err
		}
		out = append(out, b)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read busy times: %w", err)
	}
	return out, nil
}

// BusyTimes implements calendars.StaffStore.
func (s *Staff) BusyTimes(ctx context.Context, account kernel.AccountID, calendar kernel.ExternalCalendarID) ([]worktime.Interval, error) {
	var out []worktime.Interval
	err := s.db.Query(ctx, account, `SELECT starts_at, ends_at FROM external_busy_times WHERE account_id = $1 AND calendar_id = $2 ORDER BY starts_at`,
		[]any{account, calendar}, func(r pgx.Rows) error {
			var i worktime.Interval
			if err := r.Scan(&i.From, &i.To); err != nil {
				return err
			}
			out = append(out, i)
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("read busy times: %w", err)
	}
	return out, nil
}

const insertBusy = `INSERT INTO external_busy_times (account_id, calendar_id, starts_at, ends_at)
	SELECT $1, $2, * FROM unnest($3::timestamptz[], $4::timestamptz[])`

// ReplaceBusy implements calendars.StaffStore.
func (s *Staff) ReplaceBusy(
	ctx context.Context, account kernel.AccountID, calendar kernel.ExternalCalendarID, all []worktime.Interval,
) error {
	err := s.db.Queue(ctx, account, `DELETE FROM external_busy_times WHERE account_id = $1 AND calendar_id = $2`, []any{account, calendar}, nil, nil)
	if err != nil || len(all) == 0 {
		return err
	}
	starts := mapped(all, func(i worktime.Interval) time.Time { return i.From })
	ends := mapped(all, func(i worktime.Interval) time.Time { return i.To })
	return s.db.Queue(ctx, account, insertBusy, []any{account, calendar, starts, ends}, nil, nil)
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
