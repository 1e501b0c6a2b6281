// Package holidays computes public holidays by country and region, offline. It knows which days there are and what they are
// called in English and French; what they close is left to others.
//
// Covered: Austria, Belgium, France with Alsace-Moselle and the overseas departments, Germany by Land, Ireland, Italy,
// Luxembourg, the Netherlands, Portugal, Spain (national days, and of each community its own day and those of Easter),
// Switzerland by canton, the United Kingdom by country, and the federal holidays of the United States. Not covered: holidays of
// towns and districts, days that a government proclaims for one year, half holidays, and what Spanish communities decree in
// place of a holiday on a Sunday. The rules are those of today, whatever the year.
package holidays

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/rooftop-crm/rooftop/internal/platform/worktime"
)

// Years for which holidays are computed.
const (
	FirstYear = 1990
	LastYear  = 2199
)

// ErrUnknown is the answer to a country or region that is not covered.
var ErrUnknown = errors.New("no public holidays are known for this country or region")

// Holiday is a public holiday on a date.
type Holiday struct {
	Date   worktime.Date
	Code   string // stable, such as easter_monday
	Name   string // in English
	NameFR string
	// Regional tells that the day is not one in the whole country.
	Regional bool
	// Substitute tells that the day is given in place of another, which fell on a weekend.
	Substitute bool
}

// Countries lists the countries that are covered, by ISO 3166-1.
func Countries() []string {
	out := make([]string, 0, len(countries))
	for code := range countries {
		out = append(out, code)
	}
	slices.Sort(out)
	return out
}

// Regions lists the regions of a country that have holidays of their own, by ISO 3166-2.
func Regions(country string) []string {
	out := []string{}
	for _, r := range countries[country].rules {
		for region := range strings.FieldsSeq(r.only + " " + r.not) {
			if code := country + "-" + region; !slices.Contains(out, code) {
				out = append(out, code)
			}
		}
	}
	for region := range strings.FieldsSeq(countries[country].plain) {
		out = append(out, country+"-"+region)
	}
	slices.Sort(out)
	return out
}

// Known tells whether the country is covered, and the region is one of Regions; an empty region is.
func Known(country, region string) bool {
	_, ok := countries[country]
	return ok && (region == "" || slices.Contains(Regions(country), region))
}

// In lists the holidays of a year by date: those of the region, or with no region those of the whole country. It fails with
// ErrUnknown; a year that is not covered has none.
func In(country, region string, year int) ([]Holiday, error) {
	if !Known(country, region) {
		return nil, ErrUnknown
	}
	out := []Holiday{}
	if year < FirstYear || year > LastYear {
		return out, nil
	}
	c := countries[country]
	if region == "" {
		region = c.usual
	}
	all := c.of(year, strings.TrimPrefix(region, country+"-"))
	if c.weekend != nil { // New Year's Day may be given on the last day of the year before
		all = append(all, c.of(year+1, strings.TrimPrefix(region, country+"-"))...)
	}
	for _, h := range all {
		if y, _, _ := h.Date.Civil(); y == year {
			out = append(out, h)
		}
	}
	slices.SortStableFunc(out, func(a, b Holiday) int { return int(a.Date) - int(b.Date) })
	return out, nil
}

// of computes the holidays of a year in no order.
func (c country) of(year int, region string) []Holiday {
	var out, moving []Holiday
	for _, r := range c.rules {
		if r.from > year || !r.holds(region) {
			continue
		}
		d, ok := r.on(year)
		if !ok {
			continue
		}
		n := names[r.code]
		if r.en != "" {
			n = [2]string{r.en, r.fr}
		}
		out = append(out, Holiday{Date: d, Code: r.code, Name: n[0], NameFR: n[1], Regional: r.only != "" || r.not != ""})
		if r.moves {
			moving = append(moving, out[len(out)-1])
		}
	}
	return c.substitutes(out, moving)
}

// rule is one holiday. Regions are ISO 3166-2 without the country.
type rule struct {
	code      string
	on        func(year int) (worktime.Date, bool)
	only, not string // regions that alone have it, or do not
	from      int    // the first year; 0 for always
	moves     bool   // a weekend day is made good
	en, fr    string // where it has another name than elsewhere
}

func (r rule) holds(region string) bool {
	if r.only != "" {
		return slices.Contains(strings.Fields(r.only), region)
	}
	return r.not == "" || region != "" && !slices.Contains(strings.Fields(r.not), region)
}

type country struct {
	rules []rule
	plain string // regions without any holiday of their own
	usual string // the region that stands for the country
	// weekend makes good what falls on a weekend.
	weekend func(d worktime.Date, taken func(worktime.Date) bool) (worktime.Date, bool)
}

// substitutes adds the days that are given in place of those of moving that are on a weekend.
func (c country) substitutes(out, moving []Holiday) []Holiday {
	taken := func(d worktime.Date) bool {
		return slices.ContainsFunc(out, func(h Holiday) bool { return h.Date == d })
	}
	for _, h := range moving {
		if d, ok := c.weekend(h.Date, taken); ok {
			h.Date, h.Substitute = d, true
			out = append(out, h)
		}
	}
	return out
}

// nextWorkingDay is how the United Kingdom makes a weekend day good.
func nextWorkingDay(d worktime.Date, taken func(worktime.Date) bool) (worktime.Date, bool) {
	if !weekend(d) {
		return 0, false
	}
	for weekend(d) || taken(d) {
		d++
	}
	return d, true
}

// nearestWorkingDay is how the United States do.
func nearestWorkingDay(d worktime.Date, _ func(worktime.Date) bool) (worktime.Date, bool) {
	switch d.Weekday() { //nolint:exhaustive // other days stay
	case time.Saturday:
		return d - 1, true
	case time.Sunday:
		return d + 1, true
	}
	return 0, false
}

func weekend(d worktime.Date) bool { return d.Weekday() == time.Saturday || d.Weekday() == time.Sunday }

type when = func(year int) (worktime.Date, bool)

func fixed(month time.Month, day int) when {
	return func(year int) (worktime.Date, bool) { return worktime.NewDate(year, month, day), true }
}

// easter is so many days after Easter Sunday.
func easter(days int) when {
	return func(year int) (worktime.Date, bool) { return Easter(year) + worktime.Date(days), true } //nolint:gosec // some weeks
}

// nth is the nth such weekday of a month, plus days.
func nth(n int, day time.Weekday, month time.Month, plus int) when {
	return func(year int) (worktime.Date, bool) {
		first := worktime.NewDate(year, month, 1)
		ahead := (int(day) - int(first.Weekday()) + 7) % 7
		return first + worktime.Date(ahead+7*(n-1)+plus), true //nolint:gosec // some weeks
	}
}

// last is the last such weekday on or before a date.
func last(day time.Weekday, month time.Month, date int) when {
	return func(year int) (worktime.Date, bool) {
		d := worktime.NewDate(year, month, date)
		return d - worktime.Date((int(d.Weekday())-int(day)+7)%7), true
	}
}

// Easter is Easter Sunday of the Gregorian calendar, by the anonymous algorithm of 1876.
func Easter(year int) worktime.Date {
	a, b, c := year%19, year/100, year%100
	h := (19*a + b - b/4 - (b-(b+8)/25+1)/3 + 15) % 30
	l := (32 + 2*(b%4) + 2*(c/4) - h - c%4) % 7
	m := (a + 11*h + 22*l) / 451
	n := h + l - 7*m + 114
	return worktime.NewDate(year, time.Month(n/31), n%31+1)
}

// IsCode tells whether some holiday has the code.
func IsCode(code string) bool {
	for _, c := range countries {
		if slices.ContainsFunc(c.rules, func(r rule) bool { return r.code == code }) {
			return true
		}
	}
	return false
}
