package calendars

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
	"github.com/rooftop-crm/rooftop/internal/platform/worktime"
)

// Why somebody works at a time or does not.
const (
	ReasonPresent    = "present"       // says so
	ReasonAway       = "away"          // says so
	ReasonAbsent     = "absent"        // has an absence
	ReasonBusy       = "busy"          // an external calendar says so
	ReasonOnShift    = "on_shift"      // has a shift
	ReasonOffShift   = "off_shift"     // has shifts, and none now
	ReasonOpen       = "open"          // has no shifts, and the dealership is open
	ReasonClosed     = "closed"        // has no shifts, and the dealership is closed
	ReasonUnknown    = "hours_unknown" // neither shifts nor opening hours are known: nothing speaks against it
	lookAhead        = 15 * 24 * time.Hour
	longestUserShift = 24 * time.Hour
)

// Reasons lists why somebody works or does not.
func Reasons() []string {
	return []string{ReasonPresent, ReasonAway, ReasonAbsent, ReasonBusy, ReasonOnShift, ReasonOffShift, ReasonOpen, ReasonClosed, ReasonUnknown}
}

// State is whether somebody works at a time.
type State struct {
	Working bool
	Reason  string
	Until   *time.Time // when the reason ends; nil when not within two weeks
}

// Member is somebody who works at a dealership, and whether they do at a time.
type Member struct {
	Person
	State
}

// life is what is known of one person at a dealership.
type life struct {
	plan     *plan // of the department "", for those without shifts
	shifts   []*worktime.Schedule
	absences []Absence
	busy     []BusyTime
	presence *Presence
}

// Working tells whether a user works at a dealership at a time. Whether they may work there at all is the caller's question.
func (s *Service) Working(
	ctx context.Context, account kernel.AccountID, user kernel.UserID, dealership kernel.DealershipID, at time.Time,
) (State, error) {
	all, err := s.WorkingOf(ctx, account, []kernel.UserID{user}, dealership, at)
	return all[user], err
}

// WorkingOf is Working for many users at once.
func (s *Service) WorkingOf(
	ctx context.Context, account kernel.AccountID, users []kernel.UserID, dealership kernel.DealershipID, at time.Time,
) (map[kernel.UserID]State, error) {
	lives, err := s.lives(ctx, account, users, dealership, at, at.Add(time.Microsecond))
	if err != nil {
		return nil, err
	}
	out := make(map[kernel.UserID]State, len(users))
	for user, l := range lives {
		out[user] = l.at(at)
	}
	return out, nil
}

// lives reads what is known of users at a dealership between two instants.
func (s *Service) lives(
	ctx context.Context, account kernel.AccountID, users []kernel.UserID, dealership kernel.DealershipID, from, to time.Time,
) (map[kernel.UserID]*life, error) {
	plain, err := s.plan(ctx, account, dealership, "")
	if err != nil {
		return nil, err
	}
	roster, err := s.rosters.get(placeKey{account, dealership}, func() ([]Shift, error) {
		return s.store.Shifts.All(ctx, account, Filter{Dealership: dealership})
	})
	if err != nil {
		return nil, err
	}
	absences, err := s.store.Staff.AbsencesOf(ctx, account, users, from, to)
	if err != nil {
		return nil, err
	}
	busy, err := s.store.Staff.BusyOf(ctx, account, users, from, to)
	if err != nil {
		return nil, err
	}
	presences, err := s.store.Staff.PresencesOf(ctx, account, users)
	if err != nil {
		return nil, err
	}
	out := make(map[kernel.UserID]*life, len(users))
	for _, user := range users {
		l := &life{plan: plain}
		if l.shifts, err = s.schedules(ctx, account, dealership, ofUser(roster, user)); err != nil {
			return nil, err
		}
		for _, a := range absences {
			if a.Details.User == user {
				l.absences = append(l.absences, a)
			}
		}
		for _, b := range busy {
			if b.User == user {
				l.busy = append(l.busy, b)
			}
		}
		if i := slices.IndexFunc(presences, func(p Presence) bool { return p.ID == user }); i >= 0 {
			l.presence = &presences[i]
		}
		out[user] = l
	}
	return out, nil
}

func ofUser(roster []Shift, user kernel.UserID) []ShiftDetails {
	var out []ShiftDetails
	for _, s := range roster {
		if s.Details.User == user {
			out = append(out, s.Details)
		}
	}
	return out
}

// schedules makes shifts ready for arithmetic: one schedule for each department, since each has closures of its own.
func (s *Service) schedules(
	ctx context.Context, account kernel.AccountID, dealership kernel.DealershipID, shifts []ShiftDetails,
) ([]*worktime.Schedule, error) {
	byDepartment := map[string][]ShiftDetails{}
	for _, d := range shifts {
		byDepartment[d.Department] = append(byDepartment[d.Department], d)
	}
	var out []*worktime.Schedule
	for _, department := range append([]string{""}, Departments()...) {
		own := byDepartment[department]
		if len(own) == 0 {
			continue
		}
		p, err := s.plan(ctx, account, dealership, department)
		if err != nil {
			return nil, err
		}
		out = append(out, p.shifts(own))
	}
	return out, nil
}

// shifts is the schedule of shifts. A dated one stands whatever closes; it takes the place of the weekly ones of its date, and
// those fall away on a date that is closed.
func (p *plan) shifts(list []ShiftDetails) *worktime.Schedule {
	type weekly struct {
		span        worktime.Span
		from, until worktime.Date
	}
	dated, byDay := map[worktime.Date][]worktime.Span{}, [7][]weekly{}
	for _, d := range list {
		span, _ := spanOf(d.From, d.To)
		if d.Date != "" {
			dated[dateOf(d.Date)] = append(dated[dateOf(d.Date)], span)
			continue
		}
		w := weekly{span, dateOf(firstDate), dateOf(lastDate)}
		if d.ValidFrom != "" {
			w.from = dateOf(d.ValidFrom)
		}
		if d.ValidUntil != "" {
			w.until = dateOf(d.ValidUntil)
		}
		byDay[weekday(d.Day)] = append(byDay[weekday(d.Day)], w)
	}
	return &worktime.Schedule{Zone: p.dealership.Zone, Closures: p.closed, Days: func(d worktime.Date) (worktime.Day, bool) {
		if spans, ok := dated[d]; ok {
			return worktime.Day{Spans: spans, Exempt: true}, true
		}
		if p.shut(d) {
			return worktime.Day{}, true
		}
		var spans []worktime.Span
		for _, w := range byDay[d.Weekday()] {
			if d >= w.from && d <= w.until {
				spans = append(spans, w.span)
			}
		}
		return worktime.Day{Spans: spans}, true
	}}
}

// says is what the person says of themselves at t; "" when nothing holds.
func (l *life) says(t time.Time) string {
	if l.presence == nil || t.Before(l.presence.Details.Since) || !t.Before(l.presence.Details.Until) {
		return ""
	}
	return l.presence.Details.State
}

// at tells whether the person works at t.
func (l *life) at(t time.Time) State {
	switch l.says(t) {
	case PresenceIn:
		return State{Working: true, Reason: ReasonPresent, Until: &l.presence.Details.Until}
	case PresenceAway:
		return State{Reason: ReasonAway, Until: &l.presence.Details.Until}
	}
	for i := range l.absences {
		if a := &l.absences[i].Details; !t.Before(a.Starts) && t.Before(a.Ends) {
			return State{Reason: ReasonAbsent, Until: &a.Ends}
		}
	}
	for i := range l.busy {
		if b := &l.busy[i]; !t.Before(b.From) && t.Before(b.To) {
			return State{Reason: ReasonBusy, Until: &b.To}
		}
	}
	if len(l.shifts) == 0 && !l.plan.known {
		return State{Working: true, Reason: ReasonUnknown}
	}
	yes, no := ReasonOnShift, ReasonOffShift
	if len(l.shifts) == 0 {
		yes, no = ReasonOpen, ReasonClosed
	}
	for _, i := range l.planned(t.Add(-longestUserShift), t.Add(lookAhead)) {
		switch {
		case !t.Before(i.To):
		case t.Before(i.From):
			return State{Reason: no, Until: &i.From}
		default:
			return State{Working: true, Reason: yes, Until: &i.To}
		}
	}
	return State{Reason: no}
}

// planned is when the person would work but for absences and what they say: by their shifts, else when the dealership is open.
func (l *life) planned(from, to time.Time) []worktime.Interval {
	if len(l.shifts) == 0 {
		if !l.plan.known {
			return nil
		}
		return l.plan.schedule.Open(from, to, 0)
	}
	var all []worktime.Interval
	for _, s := range l.shifts {
		all = append(all, s.Open(from, to, 0)...)
	}
	return worktime.Join(all...)
}

// works is when the person works.
func (l *life) works(from, to time.Time) []worktime.Interval {
	var absent []worktime.Interval
	for _, a := range l.absences {
		absent = append(absent, worktime.Interval{From: a.Details.Starts, To: a.Details.Ends})
	}
	for _, b := range l.busy {
		absent = append(absent, b.Interval)
	}
	out := worktime.Without(l.planned(from, to), worktime.Join(absent...))
	if p := l.presence; p != nil {
		said := worktime.Both(
			[]worktime.Interval{{From: p.Details.Since, To: p.Details.Until}}, []worktime.Interval{{From: from, To: to}})
		out = worktime.Without(out, said)
		if p.Details.State == PresenceIn {
			out = worktime.Join(append(out, said...)...)
		}
	}
	for i := range out { // what came of absences is in UTC
		out[i] = worktime.Interval{From: out[i].From.In(l.plan.dealership.Zone), To: out[i].To.In(l.plan.dealership.Zone)}
	}
	return out
}

// Work is the calendar of a user at a dealership, both of which the actor may see. Somebody without shifts there works when it is
// open, if they have a role there. It fails with ErrNotFound.
func (s *Service) Work(
	ctx context.Context, actor auth.Actor, user kernel.UserID, dealership kernel.DealershipID, from, to time.Time,
) (Calendar, error) {
	p, err := s.visiblePlan(ctx, actor, dealership, "")
	if err != nil {
		return Calendar{}, err
	}
	person, err := s.core.User(ctx, actor.Account, user)
	if err != nil {
		return Calendar{}, err
	}
	lives, err := s.lives(ctx, actor.Account, []kernel.UserID{user}, dealership, from, to)
	if err != nil {
		return Calendar{}, err
	}
	l := lives[user]
	out := Calendar{
		Dealership: dealership, Zone: p.dealership.Zone, From: from, To: to, Known: p.known || len(l.shifts) > 0,
		Intervals: []worktime.Interval{}, Deviations: p.deviations(from, to),
	}
	if !person.Active || len(l.shifts) == 0 && !person.Everywhere && !slices.Contains(person.Dealerships, dealership) {
		return out, nil
	}
	out.Intervals = l.works(from, to)
	for _, a := range l.absences {
		id, d := uuid.UUID(a.ID), a.Details
		dev := Deviation{Kind: DeviationAbsence, From: d.Starts, To: d.Ends, Closed: true, Code: d.Kind, Source: &id}
		if SeesNote(actor, user) {
			dev.Label = d.Note
		}
		out.Deviations = append(out.Deviations, dev)
	}
	for _, b := range l.busy {
		id := uuid.UUID(b.Calendar)
		out.Deviations = append(out.Deviations, Deviation{Kind: DeviationBusy, From: b.From, To: b.To, Closed: true, Source: &id})
	}
	if q := l.presence; q != nil && q.Details.Since.Before(to) && q.Details.Until.After(from) {
		out.Deviations = append(out.Deviations, Deviation{
			Kind: DeviationPresence, From: q.Details.Since, To: q.Details.Until, Closed: q.Details.State == PresenceAway, Code: q.Details.State,
		})
	}
	slices.SortStableFunc(out.Deviations, func(a, b Deviation) int { return a.From.Compare(b.From) })
	return out, nil
}

// Staff lists who works at a dealership, and whether they do at a time. With only set it leaves out the others, so that a page may
// have fewer than asked for.
func (s *Service) Staff(
	ctx context.Context, actor auth.Actor, dealership kernel.DealershipID, at time.Time, only *bool, p page.Request,
) (page.Of[Member], error) {
	switch _, err := s.visiblePlan(ctx, actor, dealership, ""); {
	case errs.IsKind(err, errs.NotFound):
		return page.Of[Member]{Items: []Member{}}, nil // as any list that is narrowed to what is not there
	case err != nil:
		return page.Of[Member]{}, err
	}
	people, err := s.core.Staff(ctx, actor.Account, dealership, p)
	if err != nil {
		return page.Of[Member]{}, err
	}
	ids := make([]kernel.UserID, len(people.Items))
	for i, person := range people.Items {
		ids[i] = person.ID
	}
	states, err := s.WorkingOf(ctx, actor.Account, ids, dealership, at)
	if err != nil {
		return page.Of[Member]{}, err
	}
	out := page.Map(people, func(person Person) Member { return Member{person, states[person.ID]} })
	if only != nil {
		out.Items = slices.DeleteFunc(out.Items, func(m Member) bool { return m.Working != *only })
	}
	return out, nil
}
