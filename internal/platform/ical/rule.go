// Package ical reads and writes what iCalendar (RFC 5545) defines. It owns recurrence rules: their form, the bounds within
// which we accept them, and their occurrences. Times are wall times, carried as UTC: what a zone does to them is left to
// worktime.
package ical

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/teambition/rrule-go"
)

const (
	maxText     = 500
	maxInterval = 400
	maxCount    = 5000
)

// Rule is a recurrence rule that repeats by days, weeks, months or years.
type Rule struct {
	text   string
	option rrule.ROption
}

// ParseRule reads a rule such as FREQ=MONTHLY;BYDAY=1MO, with or without RRULE: before it. Rules by hours and less are refused,
// and so is what says at which hour: that is the beginning's business. UNTIL is a wall time too, and a date there counts
// whole. The error says what to mend.
func ParseRule(text string) (Rule, error) {
	text = strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(text)), "RRULE:")
	if len(text) > maxText {
		return Rule{}, fmt.Errorf("must be at most %d characters", maxText)
	}
	if strings.ContainsAny(text, "\r\n") {
		return Rule{}, errors.New("must be one rule, on one line")
	}
	parts, err := split(text)
	if err != nil {
		return Rule{}, err
	}
	option, err := rrule.StrToROption(text)
	if err != nil {
		return Rule{}, fmt.Errorf("is not a recurrence rule as RFC 5545 writes it: %w", err)
	}
	if option.Freq > rrule.DAILY {
		return Rule{}, errors.New("must have FREQ=DAILY, WEEKLY, MONTHLY or YEARLY")
	}
	if err := bounds(parts, option); err != nil {
		return Rule{}, err
	}
	if len(parts["UNTIL"]) == len(rrule.DateFormat) {
		option.Until = option.Until.Add(24*time.Hour - time.Second)
	}
	if _, err := rrule.NewRRule(*option); err != nil {
		return Rule{}, fmt.Errorf("is not a recurrence rule as RFC 5545 writes it: %w", err)
	}
	return Rule{text: text, option: *option}, nil
}

func split(text string) (map[string]string, error) {
	parts := map[string]string{}
	for part := range strings.SplitSeq(text, ";") {
		name, value, _ := strings.Cut(part, "=")
		if _, twice := parts[name]; twice {
			return nil, fmt.Errorf("must have %s once only", name)
		}
		parts[name] = value
	}
	return parts, nil
}

// bounds refuses what other systems would read otherwise, and what would take long to no end.
func bounds(parts map[string]string, o *rrule.ROption) error {
	for _, name := range []string{"BYHOUR", "BYMINUTE", "BYSECOND", "BYEASTER", "DTSTART"} {
		if _, ok := parts[name]; ok {
			return fmt.Errorf("must not have %s: the beginning says at what time", name)
		}
	}
	_, interval := parts["INTERVAL"]
	_, count := parts["COUNT"]
	_, until := parts["UNTIL"]
	switch {
	case interval && (o.Interval < 1 || o.Interval > maxInterval):
		return fmt.Errorf("must have an INTERVAL from 1 to %d", maxInterval)
	case count && (o.Count < 1 || o.Count > maxCount):
		return fmt.Errorf("must have a COUNT from 1 to %d", maxCount)
	case count && until:
		return errors.New("must have COUNT or UNTIL, not both")
	case strings.HasSuffix(parts["UNTIL"], "Z"):
		return errors.New("must have UNTIL as a local time without Z, such as 20271231T235959, or as a date")
	}
	return nil
}

// String is the rule as it was read, in capitals and without RRULE:.
func (r Rule) String() string { return r.text }

// First is the first occurrence at or after start; false when there is none. A beginning that is not an occurrence itself is
// read differently by different programs, so callers may want to refuse it.
func (r Rule) First(start time.Time) (time.Time, bool) {
	rule, ok := r.from(start, time.Time{})
	if !ok {
		return time.Time{}, false
	}
	return rule.Iterator()()
}

// Between lists the occurrences of a rule that began at start, from from on and before to, at most so many.
func (r Rule) Between(start, from, to time.Time, most int) []time.Time {
	out := []time.Time{}
	rule, ok := r.from(r.near(start, from), to)
	if !ok {
		return out
	}
	next := rule.Iterator()
	for len(out) < most {
		at, ok := next()
		if !ok || !at.Before(to) {
			break
		}
		if !at.Before(from) {
			out = append(out, at)
		}
	}
	return out
}

// near is a later beginning with the same occurrences from then on, shortly before a time: a rule by days or weeks that does not
// count them need not be walked through from its first day.
func (r Rule) near(start, before time.Time) time.Time {
	days := max(r.option.Interval, 1)
	switch {
	case r.option.Count > 0 || r.option.Freq < rrule.WEEKLY:
		return start
	case r.option.Freq == rrule.WEEKLY:
		days *= 7
	}
	period := time.Duration(days) * 24 * time.Hour
	if periods := before.Sub(start)/period - 1; periods > 0 {
		return start.Add(periods * period)
	}
	return start
}

// steps is about how many periods are walked through from a beginning to an end.
func (r Rule) steps(start, end time.Time) int {
	days := max(r.option.Interval, 1)
	switch r.option.Freq {
	case rrule.YEARLY:
		days *= 365
	case rrule.MONTHLY:
		days *= 30
	case rrule.WEEKLY:
		days *= 7
	default:
	}
	if start.After(end) {
		return 1
	}
	if r.option.Count == 0 && r.option.Freq >= rrule.WEEKLY { // see near
		const window = 2 * 366
		return 1 + min(int(end.Sub(start).Hours())/24, window)/days
	}
	return 1 + int(end.Sub(start).Hours())/24/days
}

// from makes the rule of a beginning. Nothing after end is wanted, so that the search ends there.
func (r Rule) from(start, end time.Time) (*rrule.RRule, bool) {
	o := r.option
	o.Dtstart = start
	if !end.IsZero() && (o.Until.IsZero() || end.Before(o.Until)) {
		o.Until = end
	}
	rule, err := rrule.NewRRule(o)
	return rule, err == nil
}
