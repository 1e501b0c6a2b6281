package calendars

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/holidays"
	"github.com/rooftop-crm/rooftop/internal/platform/ical"
	"github.com/rooftop-crm/rooftop/internal/platform/worktime"
)

// plan is all that decides when a department is open, made ready for arithmetic. It never changes once it is made, but for what
// it remembers of each year.
type plan struct {
	dealership Dealership
	department string
	known      bool // there are opening hours
	schedule   *worktime.Schedule
	exceptions map[worktime.Date]exception
	holidays   HolidayRule
	closures   []closure
	years      sync.Map // year → *planYear
}

type exception struct {
	spans []worktime.Span
	note  string
}

type closure struct {
	id     uuid.UUID
	label  string
	from   worktime.Wall
	length worktime.Wall
	rule   *ical.Rule // nil for once
	except []worktime.Date
}

// occurrence is one time that a closure holds.
type occurrence struct {
	worktime.Closure
	closure *closure
}

// planYear is what a year has: its holidays that close, and the occurrences of rules that begin in it.
type planYear struct {
	holidays    map[worktime.Date]holidays.Holiday
	occurrences []occurrence
}

// plan reads the plan of a department, a few seconds old at most.
func (s *Service) plan(ctx context.Context, account kernel.AccountID, dealership kernel.DealershipID, department string) (*plan, error) {
	return s.plans.get(planKey{placeKey{account, dealership}, department}, func() (*plan, error) {
		place, err := s.core.Dealership(ctx, account, dealership)
		if err != nil {
			return nil, err
		}
		hours, err := s.store.Hours.All(ctx, account, Filter{Dealership: dealership})
		if err != nil {
			return nil, err
		}
		closures, err := s.store.Closures.All(ctx, account, Filter{Dealership: dealership})
		if err != nil {
			return nil, err
		}
		return newPlan(place, department, hours, closures), nil
	})
}

func newPlan(place Dealership, department string, hours []Hours, closures []Closure) *plan {
	p := &plan{dealership: place, department: department, exceptions: map[worktime.Date]exception{}}
	p.schedule = &worktime.Schedule{Zone: place.Zone, Days: p.day, Closures: p.closed}
	for _, name := range []string{department, ""} { // hours of its own go before those for all
		i := slices.IndexFunc(hours, func(h Hours) bool { return h.Details.Department == name })
		if i >= 0 {
			p.open(hours[i].Details)
			break
		}
	}
	for _, c := range closures {
		if c.Details.Department == "" || c.Details.Department == department {
			p.closures = append(p.closures, closureOf(c))
		}
	}
	return p
}

func (p *plan) open(h HoursDetails) {
	p.known, p.holidays = true, h.Holidays
	for _, o := range h.Week {
		if s, ok := spanOf(o.From, o.To); ok {
			day := weekday(o.Day)
			p.schedule.Week[day] = append(p.schedule.Week[day], s)
		}
	}
	for _, e := range h.Exceptions {
		x := exception{note: e.Note}
		for _, o := range e.Hours {
			if s, ok := spanOf(o.From, o.To); ok {
				x.spans = append(x.spans, s)
			}
		}
		p.exceptions[dateOf(e.Date)] = x
	}
	if p.holidays.Country == "" {
		p.holidays.Country = p.dealership.Country
		if p.holidays.Region == "" {
			p.holidays.Region = regionOf(p.dealership.Country, p.dealership.PostalCode)
		}
	}
}

func closureOf(c Closure) closure {
	starts, _ := worktime.ParseWall(c.Details.Starts)
	ends, _ := worktime.ParseWall(c.Details.Ends)
	out := closure{id: uuid.UUID(c.ID), label: c.Details.Label, from: starts, length: ends - starts}
	if rule, err := ical.ParseRule(c.Details.Rule); err == nil {
		out.rule = &rule
	}
	for _, d := range c.Details.Except {
		out.except = append(out.except, dateOf(d))
	}
	return out
}

// day is what holds on a date in place of the week.
func (p *plan) day(d worktime.Date) (worktime.Day, bool) {
	if e, ok := p.exceptions[d]; ok {
		return worktime.Day{Spans: e.spans, Exempt: true}, true
	}
	_, closed := p.holiday(d)
	return worktime.Day{}, closed
}

// holiday is the public holiday that closes on a date.
func (p *plan) holiday(d worktime.Date) (holidays.Holiday, bool) {
	if !p.known || !p.holidays.Closed {
		return holidays.Holiday{}, false
	}
	h, ok := p.year(d.Time().Year()).holidays[d]
	return h, ok
}

// shut tells whether a date is closed as a whole: by an exception, or by a holiday.
func (p *plan) shut(d worktime.Date) bool {
	if e, ok := p.exceptions[d]; ok {
		return len(e.spans) == 0
	}
	_, closed := p.holiday(d)
	return closed
}

func (p *plan) year(year int) *planYear {
	if y, ok := p.years.Load(year); ok {
		return y.(*planYear) //nolint:forcetypeassert // nothing else is stored
	}
	y := &planYear{holidays: map[worktime.Date]holidays.Holiday{}}
	list, err := holidays.In(p.holidays.Country, p.holidays.Region, year)
	if err != nil { // a country without holidays that we know, or a dealership that has moved out of the region
		list, _ = holidays.In(p.holidays.Country, "", year)
	}
	for _, h := range list {
		if _, twice := y.holidays[h.Date]; !twice && !slices.Contains(p.holidays.OpenOn, h.Code) {
			y.holidays[h.Date] = h
		}
	}
	from := worktime.NewDate(year, 1, 1).At(0).Time()
	to := worktime.NewDate(year+1, 1, 1).At(0).Time()
	for i := range p.closures {
		c := &p.closures[i]
		if c.rule == nil {
			continue
		}
		const most = 366 // a day has one occurrence at most
		for _, at := range c.rule.Between(c.from.Time(), from, to, most) {
			starts := worktime.Wall(at.Unix() / 60)
			if !slices.Contains(c.except, starts.Date()) {
				y.occurrences = append(y.occurrences, occurrence{worktime.Closure{From: starts, To: starts + c.length}, c})
			}
		}
	}
	p.years.Store(year, y)
	return y
}

// each calls yield with the times that closures hold and that touch the time between, in no order.
func (p *plan) each(from, to worktime.Wall, yield func(occurrence)) {
	if len(p.closures) == 0 {
		return
	}
	for i := range p.closures {
		c := &p.closures[i]
		if c.rule == nil && c.from < to && c.from+c.length > from && !slices.Contains(c.except, c.from.Date()) {
			yield(occurrence{worktime.Closure{From: c.from, To: c.from + c.length}, c})
		}
	}
	first := from.Time().Add(-longestRepeated).Year()
	for year := first; year <= to.Time().Year(); year++ {
		for _, o := range p.year(year).occurrences {
			if o.From < to && o.To > from {
				yield(o)
			}
		}
	}
}

func (p *plan) closed(dst []worktime.Closure, from, to worktime.Wall) []worktime.Closure {
	p.each(from, to, func(o occurrence) { dst = append(dst, o.Closure) })
	return dst
}

// What makes a time differ from the week.
const (
	DeviationException = "exception"
	DeviationHoliday   = "holiday"
	DeviationClosure   = "closure"
	DeviationAbsence   = "absence"
	DeviationBusy      = "busy"
	DeviationPresence  = "presence"
)

// DeviationKinds lists what makes a time differ from the week.
func DeviationKinds() []string {
	return []string{DeviationException, DeviationHoliday, DeviationClosure, DeviationAbsence, DeviationBusy, DeviationPresence}
}

// Deviation is why a time is not as the week says.
type Deviation struct {
	Kind   string
	From   time.Time
	To     time.Time
	Closed bool       // nothing is open then, or the person does not work
	Code   string     // of a holiday, the kind of an absence, or the state of a presence
	Label  string     // in English for a holiday; the note or label that was given
	French string     // of a holiday
	Source *uuid.UUID // of the closure, absence or external calendar
}

// deviations lists what differs from the week between two instants, by its beginning.
func (p *plan) deviations(from, to time.Time) []Deviation {
	out := []Deviation{}
	add := func(a, b worktime.Wall, d Deviation) {
		first, _, _ := worktime.Resolve(a, p.dealership.Zone)
		_, last, _ := worktime.Resolve(b, p.dealership.Zone)
		if d.From, d.To = first, last; first.Before(last) && last.After(from) && first.Before(to) {
			out = append(out, d)
		}
	}
	for d := worktime.DateIn(from, p.dealership.Zone) - 1; d <= worktime.DateIn(to, p.dealership.Zone); d++ {
		if e, ok := p.exceptions[d]; ok {
			add(d.At(0), (d + 1).At(0), Deviation{Kind: DeviationException, Closed: len(e.spans) == 0, Label: e.note})
		} else if h, ok := p.holiday(d); ok {
			add(d.At(0), (d + 1).At(0), Deviation{Kind: DeviationHoliday, Closed: true, Code: h.Code, Label: h.Name, French: h.NameFR})
		}
	}
	p.each(worktime.WallIn(from, p.dealership.Zone)-2*24*60, worktime.WallIn(to, p.dealership.Zone)+2*24*60, func(o occurrence) {
		add(o.From, o.To, Deviation{Kind: DeviationClosure, Closed: true, Label: o.closure.label, Source: &o.closure.id})
	})
	slices.SortStableFunc(out, func(a, b Deviation) int { return a.From.Compare(b.From) })
	return out
}
