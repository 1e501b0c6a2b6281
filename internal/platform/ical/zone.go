package ical

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
	"time"
)

const (
	maxChanges = 2000 // of one zone
	maxOffset  = 24 * 3600
	// Some programs let the rules of every zone begin with the year 1601.
	firstYear, lastYear = 1601, 2200
)

// zones are the time zones of a document by their names: those that everybody knows, else as the document defines them.
type zones struct {
	defined map[string]*component
	known   map[string]*time.Location
	home    *time.Location
	around  time.Time
}

func newZones(all []*component, home *time.Location, around time.Time) *zones {
	z := &zones{defined: map[string]*component{}, known: map[string]*time.Location{}, home: home, around: around}
	for _, c := range all {
		if id, ok := c.one("TZID"); ok && c.name == "VTIMEZONE" {
			z.defined[id.value] = c
		}
	}
	return z
}

// named is the zone of a name. One that is neither known nor defined is taken for the reader's own.
func (z *zones) named(name string) *time.Location {
	if zone, ok := z.known[name]; ok {
		return zone
	}
	zone := z.find(name)
	z.known[name] = zone
	return zone
}

func (z *zones) find(name string) *time.Location {
	if zone, ok := standard(name); ok {
		return zone
	}
	if c := z.defined[name]; c != nil {
		if zone, ok := z.define(c); ok {
			return zone
		}
	}
	return z.home
}

// standard finds Europe/Paris, also at the end of a longer name: some programs put a path before it.
func standard(name string) (*time.Location, bool) {
	parts := strings.Split(name, "/")
	for n := min(3, len(parts)); n >= min(2, len(parts)); n-- {
		known := strings.Join(parts[len(parts)-n:], "/")
		if known == "" || known == "Local" { // what the time package means by these is not what a calendar does
			continue
		}
		if zone, err := time.LoadLocation(known); err == nil {
			return zone, true
		}
	}
	return nil, false
}

// change is when a zone's offset changes, in seconds.
type change struct {
	at            int64
	before, after int32
}

// define makes a zone of a VTIMEZONE, right for some years around the time that is asked about.
func (z *zones) define(c *component) (*time.Location, bool) {
	var all []change
	for _, observance := range c.within {
		found, ok := z.changes(observance)
		if !ok || len(all)+len(found) > maxChanges {
			return nil, false
		}
		all = append(all, found...)
	}
	slices.SortStableFunc(all, func(a, b change) int { return cmp.Compare(a.at, b.at) })
	all = slices.CompactFunc(all, func(a, b change) bool { return a.at == b.at })
	if len(all) == 0 {
		return nil, false
	}
	return location(all)
}

// changes are when a STANDARD or DAYLIGHT time begins.
func (z *zones) changes(c *component) ([]change, bool) {
	from, okFrom := offset(c, "TZOFFSETFROM")
	to, okTo := offset(c, "TZOFFSETTO")
	first, okStart := c.one("DTSTART")
	start, err := time.Parse(wallForm, first.value)
	if !okFrom || !okTo || !okStart || err != nil || start.Year() < firstYear || start.Year() > lastYear {
		return nil, false
	}
	begins := []time.Time{start}
	before := stamp{wall: start, zone: time.FixedZone("", int(from))}
	for p := range c.all("RRULE") {
		rule, err := foreignRule(p.value, before)
		if err != nil || rule.steps(start, z.around) > maxChanges {
			return nil, false
		}
		begins = append(begins, rule.Between(start, z.around.AddDate(-2, 0, 0), z.around.AddDate(2, 0, 0), maxChanges)...)
	}
	for p := range c.all("RDATE") {
		for text := range strings.SplitSeq(p.value, ",") {
			at, err := time.Parse(wallForm, text)
			if err != nil || at.Year() < firstYear || at.Year() > lastYear {
				return nil, false
			}
			begins = append(begins, at)
		}
	}
	out := make([]change, len(begins))
	for i, at := range begins {
		out[i] = change{at: at.Unix() - int64(from), before: from, after: to}
	}
	return out, true
}

// offset reads +0100 or -003015.
func offset(c *component, name string) (int32, bool) {
	p, _ := c.one(name)
	text := strings.TrimSpace(p.value)
	if len(text) != 5 && len(text) != 7 || text[0] != '+' && text[0] != '-' {
		return 0, false
	}
	var parts [3]int32
	for i, digit := range []byte(text[1:]) {
		if digit < '0' || digit > '9' {
			return 0, false
		}
		parts[i/2] = parts[i/2]*10 + int32(digit-'0')
	}
	seconds := parts[0]*3600 + parts[1]*60 + parts[2]
	if text[0] == '-' {
		seconds = -seconds
	}
	return seconds, seconds > -maxOffset && seconds < maxOffset
}

// location makes a zone as the time package knows zones, by way of the format that it reads (RFC 9636).
func location(all []change) (*time.Location, bool) {
	offsets := []int32{all[0].before}
	var times, kinds []byte
	for _, c := range all {
		i := slices.Index(offsets, c.after)
		if i < 0 {
			i = len(offsets)
			offsets = append(offsets, c.after)
		}
		if i > 0xff {
			return nil, false
		}
		times = binary.BigEndian.AppendUint64(times, uint64(c.at)) //nolint:gosec // two's complement, as the format has it
		kinds = append(kinds, byte(i))
	}
	var b bytes.Buffer
	header := func(changes, kinds, letters int) {
		b.WriteString("TZif2")
		b.Write(make([]byte, 15))
		for _, n := range []int{0, 0, 0, changes, kinds, letters} {
			b.Write(binary.BigEndian.AppendUint32(nil, uint32(n))) //nolint:gosec // at most maxChanges
		}
	}
	header(0, 0, 0) // the older form of the data, which nobody reads any more
	header(len(all), len(offsets), 1)
	b.Write(times)
	b.Write(kinds)
	for _, seconds := range offsets {
		b.Write(binary.BigEndian.AppendUint32(nil, uint32(seconds))) //nolint:gosec // two's complement, as the format has it
		b.Write([]byte{0, 0})                                        // not told as daylight saving, and without a name
	}
	b.WriteByte(0)
	zone, err := time.LoadLocationFromTZData("", b.Bytes())
	return zone, err == nil
}
