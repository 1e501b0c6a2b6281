package calendars

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/worktime"
)

// ShiftDetails is when somebody works at a dealership: every week on a day, or on one date.
type ShiftDetails struct {
	User       kernel.UserID
	Dealership kernel.DealershipID
	Department string // whose closures hold for the shift; "" for those of the whole dealership
	Day        string // of the week, "" for a dated shift
	Date       string // "" for a weekly shift
	From, To   string // in the dealership's time; To is on the next day when it is not after From
	ValidFrom  string // first and last date of a weekly shift; "" for open
	ValidUntil string
}

func (d ShiftDetails) fields() []field {
	return []field{
		{"user_id", d.User},
		{"dealership_id", d.Dealership},
		{"department", d.Department},
		{"day", d.Day},
		{"date", d.Date},
		{"from", d.From},
		{"to", d.To},
		{"valid_from", d.ValidFrom},
		{"valid_until", d.ValidUntil},
	}
}

func (s *Service) shiftRules() rules[ShiftDetails] {
	r := atDealership(func(d ShiftDetails) kernel.DealershipID { return d.Dealership })
	r.changed = func(account kernel.AccountID, d ShiftDetails) { s.rosters.forget(placeKey{account, d.Dealership}) }
	r.check = func(ctx context.Context, actor auth.Actor, id uuid.UUID, d *ShiftDetails) error {
		var w wrong
		if _, err := s.dealership(ctx, actor.Account, d.Dealership, &w); err != nil {
			return err
		}
		if err := s.knowsUser(ctx, actor.Account, d.User, &w); err != nil {
			return err
		}
		d.validate(&w)
		if err := w.err(); err != nil {
			return err
		}
		return s.refuseOverlappingShifts(ctx, actor.Account, kernel.ShiftID(id), *d)
	}
	return r
}

func (d *ShiftDetails) validate(w *wrong) {
	w.department("/department", d.Department)
	w.span("", d.From, d.To)
	switch {
	case (d.Day == "") == (d.Date == ""):
		w.add("/day", "required", "Give either day, for every week, or date, for one.")
	case d.Date != "":
		w.date("/date", d.Date)
	case weekday(d.Day) < 0:
		w.add("/day", "not_allowed", "Must be a day of the week in English, such as monday.")
	}
	if d.ValidFrom != "" {
		w.date("/valid_from", d.ValidFrom)
	}
	if d.ValidUntil != "" {
		w.date("/valid_until", d.ValidUntil)
	}
	switch {
	case d.Date != "" && d.ValidFrom+d.ValidUntil != "":
		w.add("/valid_from", "not_allowed", "Only weekly shifts have a first and a last date.")
	case d.ValidFrom != "" && d.ValidUntil != "" && d.ValidUntil < d.ValidFrom:
		w.add("/valid_until", "invalid", "Must not be before valid_from.")
	}
}

func (s *Service) refuseOverlappingShifts(ctx context.Context, account kernel.AccountID, id kernel.ShiftID, d ShiftDetails) error {
	if err := s.store.Staff.LockUser(ctx, account, d.User); err != nil {
		return err
	}
	all, err := s.store.Shifts.All(ctx, account, Filter{User: d.User})
	if err != nil {
		return err
	}
	if slices.ContainsFunc(all, func(o Shift) bool { return o.ID != id && d.overlaps(o.Details) }) {
		return ErrShiftOverlaps
	}
	return nil
}

// overlaps tells whether two shifts of one user ask for them at the same time on the clock. A dated shift takes the place of
// weekly ones, so that those two never do.
func (d ShiftDetails) overlaps(o ShiftDetails) bool {
	if (d.Date == "") != (o.Date == "") || !d.validWith(o) {
		return false
	}
	a, _ := spanOf(d.From, d.To)
	b, _ := spanOf(o.From, o.To)
	if d.Date != "" {
		return cross(a, b, dateOf(o.Date)-dateOf(d.Date))
	}
	apart := worktime.Date(weekday(o.Day) - weekday(d.Day)) //nolint:gosec // a few days
	return cross(a, b, apart) || cross(a, b, apart-7) || cross(a, b, apart+7)
}

// validWith tells whether two weekly shifts are both valid at some time. One that crosses midnight reaches into the next day.
func (d ShiftDetails) validWith(o ShiftDetails) bool {
	return (d.ValidUntil == "" || o.ValidFrom == "" || dateOf(o.ValidFrom) <= dateOf(d.ValidUntil)+1) &&
		(o.ValidUntil == "" || d.ValidFrom == "" || dateOf(d.ValidFrom) <= dateOf(o.ValidUntil)+1)
}

// cross tells whether two spans overlap of which the second is of so many days later.
func cross(a, b worktime.Span, days worktime.Date) bool {
	by := int(days) * 24 * 60
	return a.From < b.To+by && b.From+by < a.To
}

// dateOf reads a date that was seen to be one.
func dateOf(s string) worktime.Date {
	d, _ := worktime.ParseDate(s)
	return d
}
