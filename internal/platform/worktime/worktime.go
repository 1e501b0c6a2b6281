// Package worktime is arithmetic with business time: when a schedule in a time zone is open, how much open time lies between
// two instants, and when so much of it will have passed. It is pure: no clock, no database.
//
// Openings and closures are wall times. One rule turns them into instants, whatever the zone does that night:
//
//	An opening (or closure) from S to E begins when the wall clock first reaches S, and ends when the clock shows no time
//	before E any more.
//
// So a time that does not exist is the moment at which the clock jumps over it, and of a time that comes twice, S is the first
// and E the second. An opening is one piece, never two: 01:30 to 02:30 is two hours in the night in which 02:00 comes twice. The converters of the standard library and of Postgres choose otherwise, and differ: none of them is used here.
// Callers who must not choose for somebody, as when a person books a time, ask Resolve and refuse.
//
// An opening belongs to the date on which it begins, also when it ends on the next: what closes a date takes away the openings
// that begin on it. What a schedule is made of, and by whom it may be changed, is left to calendars.
package worktime

import "time"

const (
	minutesPerDay = 24 * 60
	// Horizon is how far a search looks for the next opening: a schedule may be open on 29 February only, and eight years
	// go by without one around 2100.
	Horizon = (8*366 + 31) * 24 * time.Hour
	// longest bounds a walk through open time.
	longest = 100 * 366 * 24 * time.Hour
)

// Span is an opening in minutes of wall time since the midnight that begins its date. One that crosses midnight ends after
// minute 1440, at 2880 at the latest.
type Span struct{ From, To int }

// Valid tells whether the span begins on its date and ends after it begins, a day later at most.
func (s Span) Valid() bool {
	return s.From >= 0 && s.From < minutesPerDay && s.To > s.From && s.To <= s.From+minutesPerDay
}

// Day is what holds on one date in place of the week.
type Day struct {
	Spans []Span // none when closed
	// Exempt days are not touched by closures: somebody has said what holds on just this date.
	Exempt bool
}

// Closure is a time during which nothing is open, whatever the week says.
type Closure struct{ From, To Wall }

// Schedule says when something is open.
type Schedule struct {
	Zone *time.Location
	Week [7][]Span // by time.Weekday
	// Days tells what holds on a date in place of the week; nil when nothing ever does.
	Days func(Date) (Day, bool)
	// Closures adds to dst the closures that touch the time from one wall time to another, in any order; nil when there are
	// none. It may add others as well.
	Closures func(dst []Closure, from, to Wall) []Closure
}

// Always is open at all times.
func Always() *Schedule {
	s := &Schedule{Zone: time.UTC}
	for d := range s.Week {
		s.Week[d] = []Span{{0, minutesPerDay}}
	}
	return s
}

// Interval is the time from From up to, and without, To.
type Interval struct{ From, To time.Time }

// Length is how long the interval is.
func (i Interval) Length() time.Duration { return i.To.Sub(i.From) }
