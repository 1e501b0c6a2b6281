package ical

import (
	"iter"
	"strings"
)

const (
	maxDepth   = 8
	maxEntries = 20_000
)

// component is a part of a calendar, with those of its properties and parts that are read here.
type component struct {
	name   string
	props  []property
	within []*component
}

// property is one line of a component.
type property struct {
	name   string
	params map[string]string
	value  string
}

// wanted are the properties that say when something is.
var wanted = map[string]bool{
	"BEGIN": true, "END": true, "UID": true, "RECURRENCE-ID": true, "DTSTART": true, "DTEND": true, "DURATION": true, "RRULE": true, "RDATE": true,
	"EXDATE": true, "TRANSP": true, "STATUS": true, "FREEBUSY": true, "TZID": true, "TZOFFSETFROM": true, "TZOFFSETTO": true,
}

// parse reads the components of every calendar of a document. Lines that are none are passed over, but a document that ends
// too early is refused: a part must not pass for the whole.
func parse(text string) ([]*component, error) {
	top := &component{}
	open := []*component{top}
	entries := 0
	for line := range lines(strings.TrimPrefix(text, "\ufeff")) {
		p, ok := readLine(line)
		at := open[len(open)-1]
		switch {
		case at == top && strings.TrimSpace(line) == "":
		case at == top && (!ok || p.name != "BEGIN" || !strings.EqualFold(p.value, "VCALENDAR")):
			return nil, ErrNoCalendar
		case !ok:
		case p.name == "BEGIN":
			if entries++; entries > maxEntries || len(open) > maxDepth {
				return nil, ErrTooMuch
			}
			next := &component{name: strings.ToUpper(strings.TrimSpace(p.value))}
			at.within = append(at.within, next)
			open = append(open, next)
		case p.name == "END":
			if !strings.EqualFold(strings.TrimSpace(p.value), at.name) {
				return nil, ErrNoCalendar
			}
			open = open[:len(open)-1]
		default:
			at.props = append(at.props, p)
		}
	}
	switch {
	case len(open) > 1:
		return nil, ErrCutOff
	case len(top.within) == 0:
		return nil, ErrNoCalendar
	}
	var all []*component
	for _, calendar := range top.within {
		all = append(all, calendar.within...)
	}
	return all, nil
}

// lines are the lines of a document, those that were folded in one piece again.
func lines(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		var line []byte
		for raw := range strings.SplitSeq(text, "\n") {
			raw = strings.TrimSuffix(raw, "\r")
			if raw != "" && (raw[0] == ' ' || raw[0] == '\t') {
				line = append(line, raw[1:]...)
				continue
			}
			if !yield(string(line)) {
				return
			}
			line = append(line[:0], raw...)
		}
		yield(string(line))
	}
}

// readLine takes a line apart; false for one that is not wanted, or that cannot be read.
func readLine(line string) (property, bool) {
	end := strings.IndexAny(line, ";:")
	if end < 0 {
		return property{}, false
	}
	p := property{name: strings.ToUpper(line[:end])}
	if !wanted[p.name] {
		return p, false
	}
	rest := line[end:]
	for strings.HasPrefix(rest, ";") {
		name, after, ok := strings.Cut(rest[1:], "=")
		if !ok {
			return p, false
		}
		var value string
		if quoted, found := strings.CutPrefix(after, `"`); found {
			value, rest, ok = strings.Cut(quoted, `"`)
		} else if i := strings.IndexAny(after, ";:"); i >= 0 {
			value, rest = after[:i], after[i:]
		} else {
			ok = false
		}
		if !ok {
			return p, false
		}
		if p.params == nil {
			p.params = map[string]string{}
		}
		p.params[strings.ToUpper(name)] = value
	}
	p.value = strings.TrimPrefix(rest, ":")
	return p, strings.HasPrefix(rest, ":")
}

// all are the properties of a name.
func (c *component) all(name string) iter.Seq[property] {
	return func(yield func(property) bool) {
		for _, p := range c.props {
			if p.name == name && !yield(p) {
				return
			}
		}
	}
}

// one is the first property of a name.
func (c *component) one(name string) (property, bool) {
	for p := range c.all(name) {
		return p, true
	}
	return property{}, false
}

// says tells whether a property has one of some values.
func (c *component) says(name string, values ...string) bool {
	p, _ := c.one(name)
	for _, v := range values {
		if strings.EqualFold(strings.TrimSpace(p.value), v) {
			return true
		}
	}
	return false
}
