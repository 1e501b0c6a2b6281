package calendars

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
)

// AbsenceDetails is a time during which somebody does not work, whatever their shifts say.
type AbsenceDetails struct {
	User   kernel.UserID
	Kind   string
	Starts time.Time
	Ends   time.Time
	Note   string // for those who may change calendars, and for the user
}

// PresenceDetails is what somebody says of themselves now. It goes before shifts and absences until it expires.
type PresenceDetails struct {
	User  kernel.UserID
	State string // in or away
	Since time.Time
	Until time.Time
}

// What somebody says of themselves.
const (
	PresenceIn   = "in"
	PresenceAway = "away"
)

const (
	longestAbsence  = 2 * 366 * 24 * time.Hour
	longestPresence = 7 * 24 * time.Hour
	usualPresence   = 12 * time.Hour
)

// AbsenceKinds lists why somebody is absent.
func AbsenceKinds() []string { return []string{"vacation", "sick", "training", "other"} }

// PresenceStates lists what somebody may say of themselves.
func PresenceStates() []string { return []string{PresenceIn, PresenceAway} }

func (d AbsenceDetails) fields() []field {
	return []field{{"user_id", d.User}, {"kind", d.Kind}, {"starts_at", d.Starts.UnixMicro()}, {"ends_at", d.Ends.UnixMicro()}, {"note", d.Note}}
}

func (d PresenceDetails) fields() []field {
	return []field{{"user_id", d.User}, {"state", d.State}, {"since", d.Since.UnixMicro()}, {"until", d.Until.UnixMicro()}}
}

// SeesNote tells whether the actor may read the note of an absence.
func SeesNote(actor auth.Actor, user kernel.UserID) bool {
	return actor.Can(auth.CalendarsWrite) || actor.Kind == auth.KindUser && actor.User == user
}

// ofPeople are the rules of what belongs to a person: the person's own, or for whoever may change calendars where they work.
func ofPeople[D any](s *Service, of func(D) kernel.UserID) rules[D] {
	own := func(actor auth.Actor, d D) bool {
		return actor.Kind == auth.KindUser && actor.User == of(d) && actor.Can(auth.CalendarsSelf)
	}
	return rules[D]{
		own:     own,
		changed: func(kernel.AccountID, D) {},
		writes: func(ctx context.Context, actor auth.Actor, d D) error {
			if own(actor, d) {
				return nil
			}
			if err := actor.Require(auth.CalendarsWrite); err != nil {
				return err
			}
			at, all := actor.DealershipsWith(auth.CalendarsWrite)
			if all {
				return nil
			}
			p, err := s.core.User(ctx, actor.Account, of(d))
			if err != nil {
				return err
			}
			if slices.ContainsFunc(p.Dealerships, func(id kernel.DealershipID) bool { return slices.Contains(at, id) }) {
				return nil
			}
			return auth.ErrForbidden.Saying("This credential has the scope %s, but not at a dealership of this user.", auth.CalendarsWrite)
		},
	}
}

func (s *Service) absenceRules() rules[AbsenceDetails] {
	r := ofPeople(s, func(d AbsenceDetails) kernel.UserID { return d.User })
	r.check = func(ctx context.Context, actor auth.Actor, id uuid.UUID, d *AbsenceDetails) error {
		var w wrong
		if err := s.knowsUser(ctx, actor.Account, d.User, &w); err != nil {
			return err
		}
		d.validate(&w)
		if err := w.err(); err != nil {
			return err
		}
		if err := s.store.Staff.LockUser(ctx, actor.Account, d.User); err != nil {
			return err
		}
		others, err := s.store.Staff.AbsencesOf(ctx, actor.Account, []kernel.UserID{d.User}, d.Starts, d.Ends)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(others, func(o Absence) bool { return o.ID != kernel.AbsenceID(id) }) {
			return ErrAbsenceOverlaps
		}
		return nil
	}
	return r
}

func (d *AbsenceDetails) validate(w *wrong) {
	if !slices.Contains(AbsenceKinds(), d.Kind) {
		w.add("/kind", "not_allowed", "Must be one of "+strings.Join(AbsenceKinds(), ", ")+".")
	}
	w.text("/note", &d.Note, maxNote)
	d.Starts, d.Ends = d.Starts.UTC().Truncate(time.Microsecond), d.Ends.UTC().Truncate(time.Microsecond)
	switch {
	case !d.Starts.Before(d.Ends):
		w.add("/ends_at", "invalid", "Must be after starts_at.")
	case d.Ends.Sub(d.Starts) > longestAbsence:
		w.add("/ends_at", "out_of_range", fmt.Sprintf("Must be at most %d days after starts_at.", int(longestAbsence.Hours())/24))
	}
}

func (s *Service) presenceRules() rules[PresenceDetails] {
	r := ofPeople(s, func(d PresenceDetails) kernel.UserID { return d.User })
	r.check = func(ctx context.Context, actor auth.Actor, _ uuid.UUID, d *PresenceDetails) error {
		p, err := s.core.User(ctx, actor.Account, d.User)
		if err != nil {
			return err
		}
		var w wrong
		if !p.Active {
			w.add("/state", "invalid", "The user is disabled.")
		}
		if !slices.Contains(PresenceStates(), d.State) {
			w.add("/state", "not_allowed", "Must be one of "+strings.Join(PresenceStates(), ", ")+".")
		}
		switch {
		case !d.Until.After(d.Since):
			w.add("/until", "invalid", "Must be in the future.")
		case d.Until.Sub(d.Since) > longestPresence:
			w.add("/until", "out_of_range", "Must be at most seven days ahead.")
		}
		return w.err()
	}
	return r
}

// SetPresence says that a user is in or away until a time; a zero time is twelve hours ahead. created tells that nothing was
// said before. It fails with ErrNotFound for a user who is not of the account.
func (s *Service) SetPresence(
	ctx context.Context, actor auth.Actor, user kernel.UserID, cond kernel.Precondition, state string, until time.Time,
) (out Presence, created bool, err error) {
	now := s.now()
	if until.IsZero() {
		until = now.Add(usualPresence)
	}
	d := PresenceDetails{User: user, State: state, Since: now, Until: until.UTC().Truncate(time.Microsecond)}
	if err := s.Presences.mayMake(actor, d); err != nil {
		return out, false, err
	}
	err = s.Presences.units.InTx(ctx, func(ctx context.Context) error {
		if err := s.store.Staff.LockUser(ctx, actor.Account, user); err != nil {
			return err
		}
		out, created, err = s.Presences.put(ctx, actor, user, cond, d)
		return err
	})
	return out, created, err
}
