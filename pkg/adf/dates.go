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

// epoch reads seconds or milliseconds since 1970, with a fraction or not, also in the wrapping of Microsoft's JSON, whose
// offset says nothing about the instant.
func epoch(s string) (time.Time, bool) {
	if inner, ok := strings.CutPrefix(s, "/Date("); ok {
		s = strings.TrimSuffix(inner, ")/")
		if at := strings.LastIndexAny(s, "+-"); at > 0 {
			s = s[:at]
		}
	}
	s, fraction, _ := strings.Cut(s, ".")
	if !digitsOnly(s) || !digitsOnly(fraction) {
		return time.Time{}, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	switch {
	case err != nil:
		return time.Time{}, false
	case len(s) == 10:
		return time.Unix(n, int64(number((fraction + "000000000")[:9]))).UTC(), true
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
	for _, word := range []string{"- ", "– ", "at ", "à ", "a ", "um ", "kl. ", "h "} {
		rest = strings.TrimPrefix(strings.TrimLeft(rest, " "), word)
	}
	rest = strings.TrimSpace(rest)
	if rest != "" && isDigit(rune(rest[0])) && !p.timed {
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
	if at := strings.IndexFunc(s, unicode.IsLetter); at == 0 || at > 0 && monthIn(s[at:]) && strings.Trim(s[:at], "0123456789 .,-/") == "" {
		digits := strings.IndexFunc(s, isDigit)
		if at > 0 || digits < 0 || monthIn(s) || monthIn(strings.TrimLeft(s[digits:], "0123456789 .,-/")) {
			return p.named(s)
		}
		s = s[digits:] // "le 05/03/2026", "Thu 03/05/2026": words that say nothing
	}
	if n := leadingDigits(s); n == 8 || n == 12 || n == 14 {
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

// months are the names of the months in English, French, German, Spanish, Italian, Dutch and Portuguese.
// Abbreviations are their first letters.
var months = [12][]string{
	{"january", "janvier", "januar", "enero", "gennaio", "januari", "janeiro"},
	{"february", "février", "februar", "febrero", "febbraio", "februari", "fevereiro"},
	{"march", "mars", "märz", "maerz", "marzo", "maart", "março"},
	{"april", "avril", "abril", "aprile"},
	{"may", "mai", "mayo", "maggio", "mei", "maio"},
	{"june", "juin", "juni", "junio", "giugno", "junho"},
	{"july", "juillet", "juli", "julio", "luglio", "julho"},
	{"august", "août", "agosto", "augustus"},
	{"september", "septembre", "septiembre", "settembre", "setembro"},
	{"october", "octobre", "oktober", "octubre", "ottobre", "outubro"},
	{"november", "novembre", "noviembre", "novembro"},
	{"december", "décembre", "dezember", "diciembre", "dicembre", "dezembro"},
}

var unaccented = strings.NewReplacer("é", "e", "û", "u", "ä", "a", "ç", "c")

// month reads the name of a month or the beginning of one, of at least three letters; 0 when it is none.
func month(word string) int {
	word = unaccented.Replace(strings.ToLower(word))
	if len(word) < 3 {
		return 0
	}
	for i, names := range months {
		for _, name := range names {
			if strings.HasPrefix(unaccented.Replace(name), word) {
				return i + 1
			}
		}
	}
	return 0
}

// firstWord gives the letters that s starts with.
func firstWord(s string) string {
	if n := strings.IndexFunc(s, func(r rune) bool { return !unicode.IsLetter(r) }); n >= 0 {
		return s[:n]
	}
	return s
}

// monthIn tells whether a word at the beginning of s, after others without digits between, is a month.
func monthIn(s string) bool {
	for s != "" && !isDigit(rune(s[0])) {
		word := firstWord(s)
		if month(word) > 0 {
			return true
		}
		s = strings.TrimLeft(s[len(word):], " .,-/")
		if word == "" && s != "" && firstWord(s) == "" {
			return false
		}
	}
	return false
}

// named reads dates with the month in letters: "Mon, 02 Jan 2006", "June 25, 2008", "3 mars 2026", "25-Jun-2008", and
// the C library's "Mon Jan  2 15:04:05 CET 2006", where the time stands before the year.
func (p *dateParser) named(s string) (rest string, ok bool) {
	rest = s
	for p.month == 0 || p.day == 0 || p.year == 0 {
		rest = strings.TrimLeft(rest, " ,.-/")
		if rest == "" {
			return s, false
		}
		if n := leadingDigits(rest); n > 0 && n <= 2 && n < len(rest) && rest[n] == ':' && p.month > 0 && p.day > 0 && !p.timed {
			if rest, ok = p.clock(rest); !ok {
				return s, false
			}
			if n := strings.IndexFunc(rest, isDigit); n > 0 {
				p.offset(rest[:n])
				rest = rest[n:]
			}
			continue
		}
		if n := leadingDigits(rest); n > 0 {
			if !p.dayOrYear(rest[:n]) {
				return s, false
			}
			rest = rest[n:]
			for _, suffix := range []string{"st", "nd", "rd", "th", "er", "º"} {
				rest = strings.TrimPrefix(rest, suffix)
			}
			continue
		}
		word := firstWord(rest)
		if word == "" || p.month == 0 && !p.word(word, rest[len(word):]) {
			return s, false
		}
		rest = rest[len(word):]
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

// word takes a month, or passes over the name of a weekday and a word such as "le" or "de". "mar." may be a Tuesday: what
// reads as a month is none when a whole one follows the day.
func (p *dateParser) word(w, after string) bool {
	if m := month(w); m > 0 && (p.day > 0 || !monthIn(strings.TrimLeft(after, "0123456789 .,-/"))) {
		p.month = m
		return true
	}
	return p.year == 0 && (p.day == 0 || w == "de" || w == "of")
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
		if i == 0 {
			s = hourSign(s)
		}
		if i == 2 || s == "" || s[0] != ':' {
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
	for _, unit := range []string{"min", "mn", "uhr", "h", "m", "hrs"} {
		if strings.EqualFold(strings.TrimRight(s, "."), unit) {
			s = ""
		}
	}
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

// hourSign makes a colon of the "h" after French hours: "10h05", "10 h 05", "10H05".
func hourSign(s string) string {
	trimmed := strings.TrimLeft(s, " ")
	if trimmed == "" || trimmed[0]|0x20 != 'h' || len(trimmed) > 1 && unicode.IsLetter(rune(trimmed[1])) {
		return s
	}
	return ":" + strings.TrimLeft(trimmed[1:], " ")
}

// abbreviations are zones that mail programs and American senders write.
var abbreviations = map[string]int{
	"Z": 0, "UTC": 0, "GMT": 0, "UT": 0, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
	"CET": 1, "CEST": 2, "WET": 0, "WEST": 1,
}

// offset reads "Z", "+01:00", "-0500", "+1", "GMT+2", "EST", and "-08:0" whose last digit was lost.
func (p *dateParser) offset(s string) bool {
	if zone := p.opts.DefaultZone; zone != nil && zone.String() == strings.TrimSpace(s) {
		p.zone = zone // "Europe/Paris"; other zones by name would be read from files
		return true
	}
	s = strings.ToUpper(strings.TrimSpace(s))
	if n := leadingDigits(s); n == 2 && len(s) == 5 && s[n] == ':' {
		p.guessed("the plus before the offset is missing")
		s = "+" + s // decoded as a form: there a plus is a blank
	}
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
