package adf

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// dateNote is what to warn about a date; empty when it was plain.
type dateNote struct{ code, message string }

// parseDate reads a date in any shape senders were seen to use. Time stays zero when it cannot be read or could mean
// two days.
func parseDate(raw string, opts Options) (Date, dateNote) {
	d := Date{Raw: raw}
	zone := opts.DefaultZone
	if zone == nil {
		zone = time.UTC
	}
	if t, ok := epoch(raw); ok {
		d.Time, d.ZoneKnown = t, true
		return d, dateNote{WarnDateGuessed, "Read as a Unix time stamp."}
	}
	p := dateParser{opts: opts}
	if !p.read(raw) {
		if p.ambiguous {
			return d, dateNote{WarnDateAmbiguous, fmt.Sprintf("%q could mean two days; the date counts as unknown.", clip(raw, 40))}
		}
		return d, dateNote{WarnDateUnreadable, fmt.Sprintf("%q is no date that could be read.", clip(raw, 40))}
	}
	if p.zone != nil {
		zone, d.ZoneKnown = p.zone, true
	}
	d.DateOnly = !p.timed
	d.Time = time.Date(p.year, time.Month(p.month), p.day, p.hour, p.minute, p.second, p.nanos, zone)
	if d.Time.Year() < 1900 || d.Time.Year() > 9998 {
		return Date{Raw: raw}, dateNote{WarnDateUnreadable, fmt.Sprintf("%q is no plausible date.", clip(raw, 40))}
	}
	if p.guess != "" {
		return d, dateNote{p.code, fmt.Sprintf("%q: %s.", clip(raw, 40), p.guess)}
	}
	return d, dateNote{}
}

// epoch reads seconds or milliseconds since 1970, also in the wrapping of Microsoft's JSON.
func epoch(s string) (time.Time, bool) {
	s = strings.TrimSuffix(strings.TrimPrefix(s, "/Date("), ")/")
	if !digitsOnly(s) {
		return time.Time{}, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	switch {
	case err != nil:
		return time.Time{}, false
	case len(s) == 10:
		return time.Unix(n, 0).UTC(), true
	case len(s) == 13:
		return time.UnixMilli(n).UTC(), true
	}
	return time.Time{}, false
}

// dateParser takes a date apart. guess tells how a malformed one was read.
type dateParser struct {
	opts                                          Options
	year, month, day, hour, minute, second, nanos int
	timed                                         bool
	zone                                          *time.Location
	ambiguous                                     bool
	guess, code                                   string
}

func (p *dateParser) guessed(how string) {
	if p.guess == "" {
		p.guess, p.code = how, WarnDateGuessed
	}
}

func (p *dateParser) read(s string) bool {
	s = strings.Join(strings.FieldsFunc(s, blank), " ")
	if at := strings.IndexByte(s, '['); at > 0 {
		s = s[:at] // "+01:00[Europe/Paris]"
	}
	rest, ok := p.date(s)
	if !ok {
		return false
	}
	rest = strings.TrimLeft(rest, " ,")
	rest = strings.TrimPrefix(strings.TrimPrefix(rest, "T"), "t")
	for _, word := range []string{"at ", "à ", "um "} {
		rest = strings.TrimPrefix(strings.TrimLeft(rest, " "), word)
	}
	rest = strings.TrimSpace(rest)
	if rest != "" && isDigit(rune(rest[0])) {
		if rest, ok = p.clock(rest); !ok {
			return false
		}
	}
	if rest != "" && !p.offset(rest) {
		p.guessed("the offset could not be read, the time is read as local")
	}
	return p.valid()
}

func (p *dateParser) valid() bool {
	if p.hour == 24 && p.minute == 0 && p.second == 0 {
		p.hour, p.day = 0, p.day+1
		return p.day <= 32
	}
	return p.month >= 1 && p.month <= 12 && p.day >= 1 && p.day <= daysIn(p.year, p.month) && p.hour < 24 &&
		p.minute < 60 && p.second <= 60
}

func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// date reads the day and gives what follows it.
func (p *dateParser) date(s string) (rest string, ok bool) {
	if at := strings.IndexFunc(s, unicode.IsLetter); at == 0 || at > 0 && at <= 3 && s[at] != 'T' && s[at] != 't' {
		return p.named(s)
	}
	if n := leadingDigits(s); n == 8 || n == 14 {
		p.year, p.month, p.day = number(s[:4]), number(s[4:6]), number(s[6:8])
		return s[8:], true
	}
	var part [3]string
	sep := byte(0)
	for i := range part {
		n := leadingDigits(s)
		if n == 0 || n > 4 {
			return s, false
		}
		part[i], s = s[:n], s[n:]
		if i == 2 {
			break
		}
		if s == "" || !strings.ContainsRune("-/.", rune(s[0])) || sep != 0 && s[0] != sep {
			return s, false
		}
		sep, s = s[0], s[1:]
	}
	if len(part[0]) == 4 {
		p.yearFirst(number(part[0]), number(part[1]), number(part[2]))
		return s, true
	}
	p.year = fullYear(part[2])
	return s, p.dayAndMonth(number(part[0]), number(part[1]), sep)
}

// yearFirst reads Y-m-d, and the Y-d-m of templates with swapped letters when nothing else fits.
func (p *dateParser) yearFirst(year, month, day int) {
	if month > 12 && day <= 12 {
		month, day = day, month
		p.guessed("day and month are swapped")
	}
	p.year, p.month, p.day = year, month, day
}

// dayAndMonth tells which of two numbers is the month. Dates with dots are written day first everywhere.
func (p *dateParser) dayAndMonth(a, b int, sep byte) bool {
	switch {
	case a > 12 || a == b:
		p.day, p.month = a, b
		return true
	case b > 12:
		p.month, p.day = a, b
		return true
	case sep == '.' || p.opts.DateOrder == DayFirst:
		p.day, p.month = a, b
		return true
	case p.opts.DateOrder == MonthFirst:
		p.month, p.day = a, b
		return true
	}
	monthFirst, dayFirst := p.near(a, b), p.near(b, a)
	if monthFirst == dayFirst {
		p.ambiguous = true
		return false
	}
	p.month, p.day = a, b
	if dayFirst {
		p.month, p.day = b, a
	}
	p.guess, p.code = "read as the day near the receipt", WarnDateAmbiguous
	return true
}

// near reports whether the day lies within a week before the receipt or a day after it.
func (p *dateParser) near(month, day int) bool {
	if p.opts.ReceivedAt.IsZero() {
		return false
	}
	since := p.opts.ReceivedAt.Sub(time.Date(p.year, time.Month(month), day, 12, 0, 0, 0, time.UTC))
	return since > -36*time.Hour && since < 8*24*time.Hour
}

var months = map[string]int{
	"jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12,
	"janv": 1, "janvier": 1, "fév": 2, "févr": 2, "février": 2, "mars": 3, "avr": 4, "avril": 4, "mai": 5, "juin": 6,
	"juil": 7, "juillet": 7, "août": 8, "septembre": 9, "octobre": 10, "novembre": 11, "déc": 12, "décembre": 12,
}

// named reads dates with the month in letters: "Mon, 02 Jan 2006", "June 25, 2008", "3 mars 2026", "25-Jun-2008".
func (p *dateParser) named(s string) (rest string, ok bool) {
	rest = s
	for p.month == 0 || p.day == 0 || p.year == 0 {
		rest = strings.TrimLeft(rest, " ,.-/")
		if rest == "" {
			return s, false
		}
		if n := leadingDigits(rest); n > 0 {
			if !p.dayOrYear(rest[:n]) {
				return s, false
			}
			rest = rest[n:]
			for _, suffix := range []string{"st", "nd", "rd", "th", "er"} {
				rest = strings.TrimPrefix(rest, suffix)
			}
			continue
		}
		n := strings.IndexFunc(rest, func(r rune) bool { return !unicode.IsLetter(r) })
		if n <= 0 || p.month == 0 && !p.word(strings.ToLower(rest[:n])) {
			return s, false
		}
		rest = rest[n:]
	}
	return rest, true
}

func (p *dateParser) dayOrYear(digits string) bool {
	switch {
	case p.day == 0 && len(digits) <= 2:
		p.day = number(digits)
	case p.year == 0 && (len(digits) == 4 || len(digits) == 2):
		p.year = fullYear(digits)
	default:
		return false
	}
	return p.day > 0 || p.year > 0
}

// word takes a month, or passes over the name of a weekday.
func (p *dateParser) word(w string) bool {
	if m, ok := months[w]; ok {
		p.month = m
		return true
	}
	if len(w) >= 3 {
		if m, ok := months[w[:3]]; ok && strings.HasPrefix(strings.ToLower(time.Month(m).String()), w) {
			p.month = m
			return true
		}
	}
	return p.day == 0 && p.year == 0
}

// clock reads "8:47:50.5 PM" and gives what follows.
func (p *dateParser) clock(s string) (rest string, ok bool) {
	p.timed = true
	if n := leadingDigits(s); n == 6 || n == 4 {
		p.hour, p.minute = number(s[:2]), number(s[2:4])
		if n == 6 {
			p.second = number(s[4:6])
		}
		return strings.TrimSpace(s[n:]), true
	}
	fields := []*int{&p.hour, &p.minute, &p.second}
	for i, field := range fields {
		n := leadingDigits(s)
		if n == 0 || n > 2 {
			return s, false
		}
		*field, s = number(s[:n]), s[n:]
		if i == 2 || s == "" || s[0] != ':' && (s[0] != 'h' || i > 0) {
			break
		}
		s = s[1:]
		if leadingDigits(s) == 0 {
			break
		}
	}
	if s != "" && (s[0] == '.' || s[0] == ',') {
		n := leadingDigits(s[1:])
		p.nanos = number((s[1:1+n] + "000000000")[:9])
		s = s[1+n:]
	}
	s = strings.TrimSpace(s)
	upper := strings.ToUpper(strings.ReplaceAll(s, ".", ""))
	if strings.HasPrefix(upper, "AM") || strings.HasPrefix(upper, "PM") {
		if p.hour < 1 || p.hour > 12 {
			return s, upper[0] == 'P' && p.hour < 24
		}
		p.hour %= 12
		if upper[0] == 'P' {
			p.hour += 12
		}
		s = strings.TrimSpace(upper[2:])
	}
	return s, true
}

// abbreviations are zones that mail programs and American senders write.
var abbreviations = map[string]int{
	"Z": 0, "UTC": 0, "GMT": 0, "UT": 0, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
	"CET": 1, "CEST": 2, "WET": 0, "WEST": 1,
}

// offset reads "Z", "+01:00", "-0500", "+1", "GMT+2", "EST", and "-08:0" whose last digit was lost.
func (p *dateParser) offset(s string) bool {
	s = strings.ToUpper(strings.TrimSpace(s))
	if at := strings.IndexByte(s, '('); at > 0 {
		s = strings.TrimSpace(s[:at]) // "+0100 (CET)"
	}
	if hours, ok := abbreviations[s]; ok {
		p.zone = fixedZone(hours * 3600)
		if len(s) == 3 && s != "UTC" && s != "GMT" || len(s) == 4 {
			p.guessed("the zone " + s + " is an abbreviation")
		}
		return true
	}
	for _, prefix := range []string{"GMT", "UTC"} {
		s = strings.TrimPrefix(s, prefix)
	}
	s = strings.Replace(s, "−", "-", 1)
	if len(s) < 2 || s[0] != '+' && s[0] != '-' {
		return false
	}
	hours, minutes, colon := strings.Cut(s[1:], ":")
	if !colon && len(hours) > 2 {
		hours, minutes = hours[:len(hours)-2], hours[len(hours)-2:]
	}
	minutes = strings.TrimSuffix(minutes, ":00")
	if hours == "" || len(hours) > 2 || len(minutes) > 2 || !digitsOnly(hours) || !digitsOnly(minutes) {
		return false
	}
	if colon && len(minutes) < 2 || len(hours) < 2 {
		p.guessed("a digit of the offset is missing")
		minutes += strings.Repeat("0", 2-len(minutes))
	}
	seconds := number(hours)*3600 + number(minutes)*60
	if seconds > 14*3600 || number(minutes) > 59 {
		return false
	}
	if s[0] == '-' {
		seconds = -seconds
	}
	p.zone = fixedZone(seconds)
	return true
}

func fixedZone(seconds int) *time.Location {
	if seconds == 0 {
		return time.UTC
	}
	return time.FixedZone("", seconds)
}

func leadingDigits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

// number reads digits that are known to be few.
func number(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0
	}
	return n
}

// fullYear reads a year, giving two digits the century that makes sense for a request.
func fullYear(digits string) int {
	y := number(digits)
	switch {
	case len(digits) != 2:
		return y
	case y < 70:
		return 2000 + y
	}
	return 1900 + y
}

// format writes the date in ISO 8601, as exactly as it is known; a date that was not understood is written as sent.
func (d Date) format() string {
	switch {
	case d.Time.IsZero():
		return d.Raw
	case d.DateOnly && d.ZoneKnown:
		return d.Time.Format("2006-01-02Z07:00")
	case d.DateOnly:
		return d.Time.Format("2006-01-02")
	case d.ZoneKnown:
		return d.Time.Format(time.RFC3339Nano)
	}
	return d.Time.Format("2006-01-02T15:04:05.999999999")
}
