package worktime

import (
	"slices"
	"time"
)

// stretch is open time in seconds since 1970.
type stretch struct{ from, to int64 }

// chunk is how many dates are asked for closures at once.
const chunk = 32

// reach is how many dates before the date of an instant an opening may begin that is still under way: a span ends on the next
// date, and a zone may skip one.
const reach = 2

// walker goes through the open time of a schedule, date by date.
type walker struct {
	s        *Schedule
	conv     converter
	date     Date // the next one to read
	asked    Date // closures are known up to here
	closures []stretch
	walls    []Closure
	day      []stretch // what begins on one date
	ahead    []stretch // what may not come before something of the next date
	held     stretch   // the stretch that the next may continue
	holding  bool
}

// walk calls yield with the open time that ends after from, in order and without touching stretches, until yield returns false
// or a stretch would begin after until. Stretches are not cut at from.
func (s *Schedule) walk(from, until int64, yield func(stretch) bool) {
	zone := s.Zone
	w := walker{s: s, conv: converter{zone: zone, era: eraAt(zone, from)}}
	w.date = DateIn(time.Unix(from, 0), zone) - reach
	w.asked = w.date
	last := DateIn(time.Unix(until, 0), zone) + 1
	for ; w.date <= last; w.date++ {
		w.ahead = append(w.ahead, w.open()...)
		if len(w.ahead) > 1 {
			slices.SortFunc(w.ahead, byBegin)
		}
		// A closure may have moved a beginning into the next date, behind one of that date.
		sure, tomorrow := 0, w.conv.begin((w.date + 1).At(0))
		for sure < len(w.ahead) && w.ahead[sure].from < tomorrow {
			sure++
		}
		if w.date == last {
			sure = len(w.ahead)
		}
		for _, next := range w.ahead[:sure] {
			if next.to <= from {
				continue
			}
			if w.holding && next.from <= w.held.to {
				w.held.to = max(w.held.to, next.to)
				continue
			}
			if w.holding && !yield(w.held) {
				return
			}
			if next.from > until {
				return
			}
			w.held, w.holding = next, true
		}
		w.ahead = append(w.ahead[:0], w.ahead[sure:]...)
	}
	if w.holding {
		yield(w.held)
	}
}

// open is the open time that begins on the date, less closures.
func (w *walker) open() []stretch {
	w.day = w.day[:0]
	spans, exempt := w.s.Week[w.date.Weekday()], false
	if w.s.Days != nil {
		if d, ok := w.s.Days(w.date); ok {
			spans, exempt = d.Spans, d.Exempt
		}
	}
	for _, span := range spans {
		from, to := w.conv.begin(w.date.At(span.From)), w.conv.end(w.date.At(span.To))
		if from < to {
			w.day = append(w.day, stretch{from, to})
		}
	}
	if exempt || w.s.Closures == nil || len(w.day) == 0 {
		return w.day
	}
	w.ask()
	return w.cut()
}

func byBegin(a, b stretch) int {
	switch {
	case a.from < b.from:
		return -1
	case a.from > b.from:
		return 1
	}
	return 0
}

// ask sees that the closures of the openings that begin on the date are known.
func (w *walker) ask() {
	if w.date < w.asked {
		return
	}
	w.walls = w.s.Closures(w.walls[:0], (w.date - 1).At(0), (w.date + chunk + reach).At(0))
	w.asked = w.date + chunk
	w.closures = w.closures[:0]
	for _, c := range w.walls {
		from, to := w.conv.begin(c.From), w.conv.end(c.To)
		if from < to {
			w.closures = append(w.closures, stretch{from, to})
		}
	}
	slices.SortFunc(w.closures, byBegin)
}

// cut takes the closures out of the day.
func (w *walker) cut() []stretch {
	for _, c := range w.closures {
		for i := 0; i < len(w.day); i++ {
			d := w.day[i]
			if c.to <= d.from || c.from >= d.to {
				continue
			}
			switch {
			case c.from <= d.from && c.to >= d.to:
				w.day = slices.Delete(w.day, i, i+1)
				i--
			case c.from <= d.from:
				w.day[i].from = c.to
			case c.to >= d.to:
				w.day[i].to = c.from
			default:
				w.day[i].to = c.from
				w.day = slices.Insert(w.day, i+1, stretch{c.to, d.to})
			}
		}
	}
	return w.day
}
