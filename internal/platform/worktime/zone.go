package worktime

import (
	"math"
	"time"
)

// Fit tells how often a wall time comes in a zone.
type Fit int

// How often a wall time comes.
const (
	Once  Fit = iota
	Never     // the clock jumps over it
	Twice     // the clock is set back over it
)

// Resolve finds the instants at which a clock in the zone shows the wall time. With Once both are the same. With Twice they are
// the first and the last. With Never both are the instant at which the clock jumps over it.
func Resolve(w Wall, zone *time.Location) (first, last time.Time, fit Fit) {
	c := newConverter(zone)
	r := c.resolve(int64(w) * 60)
	return time.Unix(r.first, 0).In(zone), time.Unix(r.last, 0).In(zone), r.fit
}

const (
	farPast   = math.MinInt64 / 4
	farFuture = math.MaxInt64 / 4
	// margin is more than any clock has been set forward or back at once: Samoa and Manila skipped or repeated a day.
	margin = 26 * 3600
)

// era is a time during which a zone's offset stays the same, in seconds since 1970.
type era struct {
	from, to, offset int64
}

// converter turns wall times into instants. It remembers the era it is in: almost every time is far from any change.
type converter struct {
	zone *time.Location
	era  era
}

func newConverter(zone *time.Location) converter { return converter{zone: zone, era: eraAt(zone, 0)} }

func eraAt(zone *time.Location, unix int64) era {
	t := time.Unix(unix, 0).In(zone)
	_, offset := t.Zone()
	e := era{from: farPast, to: farFuture, offset: int64(offset)}
	start, end := t.ZoneBounds()
	if !start.IsZero() {
		e.from = start.Unix()
	}
	if !end.IsZero() {
		e.to = end.Unix()
	}
	return e
}

// resolved is when a clock shows a wall time, in seconds since 1970.
type resolved struct {
	first, last int64
	over        int64 // from then on the clock shows no time before it
	fit         Fit
}

// resolve takes a wall time as seconds since 1970-01-01T00:00 on the wall.
func (c *converter) resolve(wall int64) resolved {
	if t := wall - c.era.offset; c.far(t) {
		return resolved{t, t, t, Once}
	}
	c.era = eraAt(c.zone, wall-c.era.offset)
	if t := wall - c.era.offset; c.far(t) {
		return resolved{t, t, t, Once}
	}
	return c.near(wall)
}

// far tells that no change of the offset is near an instant of the era.
func (c *converter) far(t int64) bool { return t >= c.era.from+margin && t < c.era.to-margin }

// near resolves a wall time around a change of the offset: it goes through the eras that could show it, in their order.
func (c *converter) near(wall int64) resolved {
	const most = 8 // of eras within two days of the wall time
	r := resolved{first: farFuture, last: farPast}
	e := eraAt(c.zone, wall-margin)
	for range most {
		if t := wall - e.offset; t >= e.from && t < e.to {
			if r.first > t {
				r.first, r.over = t, t
			}
			if r.last = t; t > e.from { // at its beginning the era shows no time before the wall time
				r.over = t
			}
		}
		if e.to > wall+margin {
			break
		}
		next := eraAt(c.zone, e.to)
		if r.last == farPast && e.to+e.offset <= wall && next.from+next.offset > wall {
			c.era = next
			return resolved{e.to, e.to, e.to, Never}
		}
		e = next
	}
	if c.era = e; r.first != r.last {
		r.fit = Twice
	}
	return r
}

// begin is when the clock first reaches a wall time.
func (c *converter) begin(w Wall) int64 { return c.resolve(int64(w) * 60).first }

// end is when the clock shows no time before a wall time any more.
func (c *converter) end(w Wall) int64 { return c.resolve(int64(w) * 60).over }
