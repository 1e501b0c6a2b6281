package ical

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/rooftop-crm/rooftop/internal/platform/worktime"
)

const (
	maxBusy   = 5000
	maxFound  = 200_000 // occurrences, before they are joined
	maxSteps  = 300_000 // of all rules together
	maxRepeat = 366 * 24 * time.Hour

	wallForm = "20060102T150405"
	dateForm = "20060102"
)

// Busy is when the owner of a calendar is busy, and nothing about what with.
type Busy struct {
	Intervals []worktime.Interval // apart from each other and in order, in UTC
	Skipped   int                 // entries that could not be read, and are left out
}

// ReadBusy reads when the owner of a calendar is busy between two instants: its events that are neither cancelled nor marked as
// free, with their recurrences, and what it says by VFREEBUSY. Times without a zone, and days, are those of home. It fails with
// ErrNoCalendar, ErrCutOff or ErrTooMuch, or with the context's error.
func ReadBusy(ctx context.Context, text string, from, to time.Time, home *time.Location) (Busy, error) {
	all, err := parse(text)
	if err != nil {
		return Busy{}, err
	}
	r := &reader{from: from.UTC(), to: to.UTC(), home: home, zones: newZones(all, home, from), replaced: map[string]map[int64]bool{}}
	for _, c := range all {
		r.replaces(c)
	}
	for _, c := range all {
		if ctx.Err() != nil {
			return Busy{}, ctx.Err()
		}
		ok := true
		switch c.name {
		case "VEVENT":
			ok = r.event(c)
		case "VFREEBUSY":
			ok = r.freeBusy(c)
		}
		switch {
		case r.steps > maxSteps || len(r.found) > maxFound:
			return Busy{}, ErrTooMuch
		case !ok:
			r.skipped++
		}
	}
	out := Busy{Intervals: worktime.Join(r.found...), Skipped: r.skipped}
	if len(out.Intervals) > maxBusy {
		return Busy{}, ErrTooMuch
	}
	return out, nil
}

// reader gathers what the entries of one calendar say.
type reader struct {
	from, to time.Time
	home     *time.Location
	zones    *zones
	replaced map[string]map[int64]bool // by UID: the occurrences that have an entry of their own
	found    []worktime.Interval
	skipped  int
	steps    int
}

// stamp is a time as a calendar writes it: a wall time, carried as UTC, in a zone.
type stamp struct {
	wall time.Time
	zone *time.Location
	date bool // of a day as a whole
}

func (s stamp) instant() time.Time { return instant(s.wall, s.zone) }

// instant is when a clock first shows a wall time.
func instant(wall time.Time, zone *time.Location) time.Time {
	seconds := time.Duration(wall.Second()) * time.Second
	first, _, _ := worktime.Resolve(worktime.Wall(wall.Add(-seconds).Unix()/60), zone)
	return first.UTC().Add(seconds)
}

// wallIn is what a clock in the zone shows.
func wallIn(t time.Time, zone *time.Location) time.Time {
	_, seconds := t.In(zone).Zone()
	return t.UTC().Add(time.Duration(seconds) * time.Second)
}

// sensible keeps to years that calendars have: the clocks of others are of no use, and walking there takes long.
func sensible(wall time.Time) bool { return wall.Year() >= 1900 && wall.Year() < 2200 }

// stamp reads one value of a property.
func (r *reader) stamp(p property, text string) (stamp, bool) {
	text = strings.TrimSpace(text)
	if day, err := time.Parse(dateForm, text); err == nil {
		return stamp{wall: day, zone: r.home, date: true}, sensible(day)
	}
	plain, utc := strings.CutSuffix(text, "Z")
	wall, err := time.Parse(wallForm, plain)
	s := stamp{wall: wall.Truncate(time.Second), zone: r.home}
	switch name := p.params["TZID"]; {
	case utc:
		s.zone = time.UTC
	case name != "":
		s.zone = r.zones.named(name)
	}
	return s, err == nil && sensible(wall)
}

// replaces notes which occurrence of a recurring event an entry stands for.
func (r *reader) replaces(c *component) {
	p, ok := c.one("RECURRENCE-ID")
	if !ok || c.name != "VEVENT" {
		return
	}
	uid, _ := c.one("UID")
	if at, ok := r.stamp(p, p.value); ok {
		if r.replaced[uid.value] == nil {
			r.replaced[uid.value] = map[int64]bool{}
		}
		r.replaced[uid.value][at.instant().Unix()] = true
	}
}

// length is how long something takes: days on the clock, and then some time.
type length struct {
	days  int
	exact time.Duration
}

func (l length) about() time.Duration { return time.Duration(l.days)*24*time.Hour + l.exact }

func (l length) end(wall time.Time, zone *time.Location) time.Time {
	return instant(wall.AddDate(0, 0, l.days), zone).Add(l.exact)
}

// lasts is how long an event takes: by its end or its duration, else a day or no time at all.
func (r *reader) lasts(c *component, start stamp) (length, bool) {
	if p, ok := c.one("DTEND"); ok {
		end, ok := r.stamp(p, p.value)
		if start.date && end.date {
			return length{days: int(end.wall.Sub(start.wall).Hours()) / 24}, ok && !end.wall.Before(start.wall)
		}
		exact := end.instant().Sub(start.instant())
		return length{exact: exact}, ok && exact >= 0
	}
	if p, ok := c.one("DURATION"); ok {
		return duration(p.value)
	}
	if start.date {
		return length{days: 1}, true
	}
	return length{}, true
}

// duration reads P1W, P1DT2H or PT15M.
func duration(text string) (length, bool) {
	rest, ok := strings.CutPrefix(strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(text)), "+"), "P")
	if !ok || rest == "" {
		return length{}, false
	}
	const most = 1_000_000
	var l length
	n, digits, clock := 0, 0, false
	for _, c := range []byte(rest) {
		switch {
		case c >= '0' && c <= '9' && n < most:
			n, digits = n*10+int(c-'0'), digits+1
			continue
		case c == 'T' && !clock && digits == 0:
			clock = true
			continue
		case digits == 0:
			return length{}, false
		case c == 'W' && !clock:
			l.days += 7 * n
		case c == 'D' && !clock:
			l.days += n
		case c == 'H' && clock:
			l.exact += time.Duration(n) * time.Hour
		case c == 'M' && clock:
			l.exact += time.Duration(n) * time.Minute
		case c == 'S' && clock:
			l.exact += time.Duration(n) * time.Second
		default:
			return length{}, false
		}
		n, digits = 0, 0
	}
	return l, digits == 0 && l.days <= 200*366
}

func (r *reader) add(from, to time.Time) {
	if from.Before(r.from) {
		from = r.from
	}
	if to.After(r.to) {
		to = r.to
	}
	if from.Before(to) {
		r.found = append(r.found, worktime.Interval{From: from.UTC(), To: to.UTC()})
	}
}

// event adds the occurrences of an event; false when it cannot be read.
func (r *reader) event(c *component) bool {
	if c.says("STATUS", "CANCELLED") || c.says("TRANSP", "TRANSPARENT") {
		return true
	}
	p, _ := c.one("DTSTART")
	start, ok := r.stamp(p, p.value)
	if !ok {
		return false
	}
	takes, ok := r.lasts(c, start)
	if !ok {
		return false
	}
	if takes == (length{}) {
		return true
	}
	if _, single := c.one("RECURRENCE-ID"); single {
		r.add(start.instant(), takes.end(start.wall, start.zone))
		return true
	}
	s := &series{reader: r, start: start, takes: takes}
	if !s.read(c) {
		return false
	}
	for _, at := range s.walls {
		s.occurs(stamp{wall: at, zone: start.zone}, takes)
	}
	for _, more := range s.more {
		s.occurs(more.at, more.takes)
	}
	return true
}

// series is an event with its recurrences.
type series struct {
	*reader
	start    stamp
	takes    length
	walls    []time.Time // in the zone of the start
	more     []dated
	without  map[int64]bool // instants
	days     map[time.Time]bool
	replaced map[int64]bool
}

// dated is an occurrence that was named.
type dated struct {
	at    stamp
	takes length
}

func (s *series) read(c *component) bool {
	uid, _ := c.one("UID")
	s.replaced, s.without, s.days = s.reader.replaced[uid.value], map[int64]bool{}, map[time.Time]bool{}
	s.walls = []time.Time{s.start.wall}
	for p := range c.all("RRULE") {
		if !s.recurs(p) {
			return false
		}
	}
	for p := range c.all("RDATE") {
		for text := range strings.SplitSeq(p.value, ",") {
			if !s.date(p, text) {
				return false
			}
		}
	}
	for p := range c.all("EXDATE") {
		for text := range strings.SplitSeq(p.value, ",") {
			at, ok := s.stamp(p, text)
			switch {
			case !ok:
				return false
			case at.date && !s.start.date: // as some programs write it: whatever is on that day
				s.days[at.wall] = true
			default:
				s.without[at.instant().Unix()] = true
			}
		}
	}
	return true
}

// recurs adds the occurrences of a rule that reach into the time that is asked about.
func (s *series) recurs(p property) bool {
	rule, err := foreignRule(p.value, s.start)
	if err != nil || s.takes.about() > maxRepeat {
		return false
	}
	const day = 24 * time.Hour
	if s.steps += rule.steps(s.start.wall, s.to); s.steps > maxSteps {
		return false // and all is given up
	}
	from, to := s.from.Add(-s.takes.about()-2*day), s.to.Add(2*day)
	s.walls = append(s.walls, rule.Between(s.start.wall, from, to, maxBusy)...)
	return true
}

// date adds one value of RDATE: a time, or a period.
func (s *series) date(p property, text string) bool {
	if strings.Contains(text, "/") {
		from, to, ok := s.period(p, text)
		if ok {
			s.more = append(s.more, dated{stamp{wall: from, zone: time.UTC}, length{exact: to.Sub(from)}})
		}
		return ok
	}
	at, ok := s.stamp(p, text)
	s.more = append(s.more, dated{at, s.takes})
	return ok
}

func (s *series) occurs(at stamp, takes length) {
	from := at.instant()
	if s.without[from.Unix()] || s.replaced[from.Unix()] || s.days[wallIn(from, s.start.zone).Truncate(24*time.Hour)] {
		return
	}
	s.add(from, takes.end(at.wall, at.zone))
}

// period reads a beginning and an end or a duration.
func (r *reader) period(p property, text string) (from, to time.Time, ok bool) {
	first, second, _ := strings.Cut(text, "/")
	start, ok := r.stamp(p, first)
	if !ok {
		return from, to, false
	}
	if l, ok := duration(second); ok {
		return start.instant(), l.end(start.wall, start.zone), true
	}
	end, ok := r.stamp(p, second)
	return start.instant(), end.instant(), ok && !end.instant().Before(start.instant())
}

// freeBusy adds what a VFREEBUSY says; false when a part of it cannot be read.
func (r *reader) freeBusy(c *component) bool {
	all := true
	for p := range c.all("FREEBUSY") {
		if strings.EqualFold(p.params["FBTYPE"], "FREE") {
			continue
		}
		for text := range strings.SplitSeq(p.value, ",") {
			from, to, ok := r.period(p, text)
			if all = all && ok; ok {
				r.add(from, to)
			}
		}
	}
	return all
}

// foreignRule reads a rule of a calendar of somebody else's. What other programs write and ParseRule refuses, though it says
// nothing more, is brought into its form: UNTIL in UTC, and the time of day of the beginning once more.
func foreignRule(text string, start stamp) (Rule, error) {
	parts := strings.Split(strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(text)), "RRULE:"), ";")
	again := map[string]string{
		"BYHOUR": start.wall.Format("15"), "BYMINUTE": start.wall.Format("04"), "BYSECOND": start.wall.Format("05"),
	}
	parts = slices.DeleteFunc(parts, func(part string) bool {
		name, value, _ := strings.Cut(part, "=")
		same, ok := again[name]
		return part == "" || ok && (value == same || "0"+value == same)
	})
	for i, part := range parts {
		text, ok := strings.CutPrefix(part, "UNTIL=")
		if !ok {
			continue
		}
		if at, err := time.Parse(wallForm+"Z", text); err == nil {
			parts[i] = "UNTIL=" + wallIn(at, start.zone).Format(wallForm)
		}
	}
	return ParseRule(strings.Join(parts, ";"))
}
