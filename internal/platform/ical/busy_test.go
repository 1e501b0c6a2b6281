package ical_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/platform/ical"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	require.NoError(t, err)
	return z
}

// calendar is a document of entries.
func calendar(entries ...string) string {
	text := "BEGIN:VCALENDAR\nVERSION:2.0\n" + strings.Join(entries, "\n") + "\nEND:VCALENDAR\n"
	return strings.ReplaceAll(text, "\n", "\r\n")
}

func event(lines ...string) string {
	return "BEGIN:VEVENT\n" + strings.Join(lines, "\n") + "\nEND:VEVENT"
}

// outlook is a zone as some programs define it, under a name of their own.
const outlook = `BEGIN:VTIMEZONE
TZID:Customized Time Zone
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0300
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0200
TZOFFSETTO:+0300
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE`

// lanka changes its offset on one day.
const lanka = `BEGIN:VTIMEZONE
TZID:/example.com/Half an hour
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:+0530
TZOFFSETTO:+0530
END:STANDARD
BEGIN:STANDARD
DTSTART:20260915T000000
RDATE:20261101T000000
TZOFFSETFROM:+0530
TZOFFSETTO:+0600
END:STANDARD
END:VTIMEZONE`

func TestReadBusy(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name    string
		entries []string
		want    []string
		skipped int
	}{
		{"in UTC", []string{event("DTSTART:20261012T080000Z", "DTEND:20261012T093000Z")}, []string{"10-12 08:00 to 10-12 09:30"}, 0},
		{"in a zone", []string{event("DTSTART;TZID=Europe/Paris:20261012T080000", "DTEND;TZID=Europe/Paris:20261012T090000")}, []string{"10-12 06:00 to 10-12 07:00"}, 0},
		{"in a zone by a path", []string{event(`DTSTART;TZID="/mozilla.org/20050126_1/America/New_York":20261012T080000`, "DURATION:PT1H")}, []string{"10-12 12:00 to 10-12 13:00"}, 0},
		{
			"in a zone that is defined, across its change",
			[]string{outlook, event("DTSTART;TZID=Customized Time Zone:20261023T080000", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=4")},
			[]string{"10-23 05:00 to 10-23 06:00", "10-24 05:00 to 10-24 06:00", "10-25 06:00 to 10-25 07:00", "10-26 06:00 to 10-26 07:00"},
			0,
		},
		{
			"in a zone that is defined by dates",
			[]string{event("DTSTART;TZID=/example.com/Half an hour:20260914T120000", "DURATION:PT30M"), event("DTSTART;TZID=/example.com/Half an hour:20261012T120000", "DURATION:PT30M"), lanka},
			[]string{"09-14 06:30 to 09-14 07:00", "10-12 06:00 to 10-12 06:30"},
			0,
		},
		{"in a zone of which nothing is known", []string{event("DTSTART;TZID=Nowhere:20261012T080000", "DURATION:PT1H")}, []string{"10-12 06:00 to 10-12 07:00"}, 0},
		{"floating", []string{event("DTSTART:20261012T080000", "DTEND:20261012T090000")}, []string{"10-12 06:00 to 10-12 07:00"}, 0},
		{"a day", []string{event("DTSTART;VALUE=DATE:20261012")}, []string{"10-11 22:00 to 10-12 22:00"}, 0},
		{"days over a change of the clock", []string{event("DTSTART;VALUE=DATE:20261024", "DTEND;VALUE=DATE:20261027")}, []string{"10-23 22:00 to 10-26 23:00"}, 0},
		{"a duration in days on the clock", []string{event("DTSTART;TZID=Europe/Paris:20261024T080000", "DURATION:P1DT1H")}, []string{"10-24 06:00 to 10-25 08:00"}, 0},
		{"a duration in weeks", []string{event("DTSTART:20261012T080000Z", "DURATION:+P1W")}, []string{"10-12 08:00 to 10-19 08:00"}, 0},
		{"no time at all", []string{event("DTSTART:20261012T080000Z"), event("DTSTART:20261012T080000Z", "DURATION:PT0S")}, nil, 0},
		{
			"free, cancelled, a to-do, and an alarm's duration",
			[]string{
				event("DTSTART:20261012T080000Z", "DURATION:PT1H", "TRANSP:TRANSPARENT"), event("DTSTART:20261012T080000Z", "DURATION:PT1H", "STATUS:CANCELLED"),
				"BEGIN:VTODO\nDTSTART:20261012T080000Z\nDURATION:PT1H\nEND:VTODO",
				event("DTSTART:20261013T080000Z", "BEGIN:VALARM\nDURATION:PT9H\nREPEAT:2\nEND:VALARM", "STATUS:TENTATIVE", "DTEND:20261013T083000Z"),
			},
			[]string{"10-13 08:00 to 10-13 08:30"},
			0,
		},
		{
			"a rule until a time in UTC, without some of its days",
			[]string{event(
				"UID:1", "DTSTART;TZID=Europe/Paris:20261005T090000", "DTEND;TZID=Europe/Paris:20261005T100000", "RRULE:FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20261014T070000Z;WKST=SU",
				"EXDATE;TZID=Europe/Paris:20261007T090000", "EXDATE:20261012T070000Z",
			)},
			[]string{"10-05 07:00 to 10-05 08:00", "10-14 07:00 to 10-14 08:00"},
			0,
		},
		{
			"a rule that says the time of day once more, and exceptions by day",
			[]string{event(
				"DTSTART:20261005T090000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=3;BYHOUR=9;BYMINUTE=0;BYSECOND=0", "EXDATE;VALUE=DATE:20261006",
			)},
			[]string{"10-05 09:00 to 10-05 10:00", "10-07 09:00 to 10-07 10:00"},
			0,
		},
		{
			"every year, from long ago",
			[]string{event("DTSTART;VALUE=DATE:19791012", "RRULE:FREQ=YEARLY")},
			[]string{"10-11 22:00 to 10-12 22:00"},
			0,
		},
		{
			"a first time that the rule does not have",
			[]string{event("DTSTART:20261006T090000Z", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;BYDAY=MO;UNTIL=20261013")},
			[]string{"10-06 09:00 to 10-06 10:00", "10-12 09:00 to 10-12 10:00"},
			0,
		},
		{
			"further times and periods",
			[]string{event(
				"DTSTART:20261005T090000Z", "DURATION:PT1H", "RDATE;TZID=Europe/Paris:20261006T090000,20261007T090000", "RDATE;VALUE=PERIOD:20261008T090000Z/PT2H,20261009T090000Z/20261009T093000Z",
			)},
			[]string{"10-05 09:00 to 10-05 10:00", "10-06 07:00 to 10-06 08:00", "10-07 07:00 to 10-07 08:00", "10-08 09:00 to 10-08 11:00", "10-09 09:00 to 10-09 09:30"},
			0,
		},
		{
			"one occurrence moved, one cancelled, one free",
			[]string{
				event("UID:a", "DTSTART;TZID=Europe/Paris:20261005T090000", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=5"),
				event("UID:a", "RECURRENCE-ID;TZID=Europe/Paris:20261006T090000", "DTSTART;TZID=Europe/Paris:20261006T150000", "DURATION:PT2H"),
				event("UID:a", "RECURRENCE-ID:20261007T070000Z", "DTSTART:20261007T070000Z", "DURATION:PT1H", "STATUS:CANCELLED"),
				event("UID:a", "RECURRENCE-ID:20261008T070000Z", "DTSTART:20261008T070000Z", "DURATION:PT1H", "TRANSP:TRANSPARENT"),
				event("UID:b", "RECURRENCE-ID:20261009T070000Z", "DTSTART:20261109T070000Z", "DURATION:PT1H"),
			},
			[]string{"10-05 07:00 to 10-05 08:00", "10-06 13:00 to 10-06 15:00", "10-09 07:00 to 10-09 08:00", "11-09 07:00 to 11-09 08:00"},
			0,
		},
		{
			"free and busy times",
			[]string{
				"BEGIN:VFREEBUSY\nFREEBUSY;FBTYPE=BUSY:20261012T080000Z/20261012T090000Z,20261012T100000Z/PT30M\nFREEBUSY;FBTYPE=FREE:20261013T080000Z/PT1H\nFREEBUSY:20261014T080000Z/PT1H\nEND:VFREEBUSY",
			},
			[]string{"10-12 08:00 to 10-12 09:00", "10-12 10:00 to 10-12 10:30", "10-14 08:00 to 10-14 09:00"},
			0,
		},
		{
			"joined, and cut to the time asked for",
			[]string{
				event("DTSTART:20260801T000000Z", "DTEND:20260902T000000Z"), event("DTSTART:20261012T080000Z", "DURATION:PT1H"), event("DTSTART:20261012T083000Z", "DURATION:PT1H"),
				event("DTSTART:20261012T093000Z", "DURATION:PT1H"), event("DTSTART:20261130T000000Z", "DTEND:20270102T000000Z"),
			},
			[]string{"09-01 00:00 to 09-02 00:00", "10-12 08:00 to 10-12 10:30", "11-30 00:00 to 12-01 00:00"},
			0,
		},
		{
			"folded lines, small letters, other lines",
			[]string{"begin:vevent\ndtstart;tzid=Europe/\n Paris:202610\n\t12T080000\nsummary;language=\"a:b;c\":Dent\\, ist\nno line\n\nduration:PT1\n H\nend:vevent"},
			[]string{"10-12 06:00 to 10-12 07:00"},
			0,
		},
		{
			"what cannot be read is left out",
			[]string{
				event("SUMMARY:no start"), event("DTSTART:tomorrow", "DURATION:PT1H"), event("DTSTART:20261012T080000Z", "DURATION:an hour"),
				event("DTSTART:20261012T080000Z", "DTEND:20261012T070000Z"), event("DTSTART:20261012T080000Z", "DURATION:PT1H", "RRULE:FREQ=SECONDLY"),
				event("DTSTART:20261012T080000Z", "DURATION:PT1H", "RDATE:never"), event("DTSTART:00010101T080000Z", "DURATION:PT1H", "RRULE:FREQ=YEARLY"),
				event("DTSTART:20261012T080000Z", "DURATION:PT1H", "EXDATE:x"), event("DTSTART:20260101T000000Z", "DURATION:P400D", "RRULE:FREQ=DAILY"),
				"BEGIN:VFREEBUSY\nFREEBUSY:20261013T080000Z/PT1H,nothing\nEND:VFREEBUSY", event("DTSTART:20261014T080000Z", "DURATION:PT1H"),
			},
			[]string{"10-13 08:00 to 10-13 09:00", "10-14 08:00 to 10-14 09:00"},
			10,
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := ical.ReadBusy(t.Context(), calendar(c.entries...), wall(t, "2026-09-01T00:00"), wall(t, "2026-12-01T00:00"), zone(t, "Europe/Paris"))
			require.NoError(t, err)
			var shown []string
			for _, i := range got.Intervals {
				shown = append(shown, i.From.Format("01-02 15:04")+" to "+i.To.Format("01-02 15:04"))
			}
			assert.Equal(t, c.want, shown)
			assert.Equal(t, c.skipped, got.Skipped)
		})
	}
}

func TestNoCalendar(t *testing.T) {
	t.Parallel()
	whole := calendar(event("DTSTART:20261012T080000Z", "DURATION:PT1H"))
	many := make([]string, 20_001)
	for i := range many {
		many[i] = "BEGIN:VEVENT\nEND:VEVENT"
	}
	for text, want := range map[string]error{
		"": ical.ErrNoCalendar, "<!DOCTYPE html><html>": ical.ErrNoCalendar, "BEGIN:VCARD\nEND:VCARD": ical.ErrNoCalendar, "BEGIN:VCALENDAR\nEND:VEVENT": ical.ErrNoCalendar,
		whole + "more": ical.ErrNoCalendar, whole[:len(whole)-16]: ical.ErrCutOff, whole[:60]: ical.ErrCutOff, calendar(many...): ical.ErrTooMuch,
		strings.Repeat("BEGIN:VCALENDAR\n", 30): ical.ErrTooMuch,
	} {
		_, err := ical.ReadBusy(t.Context(), text, wall(t, "2026-09-01T00:00"), wall(t, "2026-12-01T00:00"), time.UTC)
		require.ErrorIs(t, err, want, "%.60q", text)
	}
	_, err := ical.ReadBusy(t.Context(), "\ufeff"+whole+"\r\n"+whole, wall(t, "2026-09-01T00:00"), wall(t, "2026-12-01T00:00"), time.UTC)
	require.NoError(t, err, "several in one document")
	left, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = ical.ReadBusy(left, whole, wall(t, "2026-09-01T00:00"), wall(t, "2026-12-01T00:00"), time.UTC)
	assert.ErrorIs(t, err, context.Canceled)
}

// What would take long or make much is refused, however small the document is.
func TestTooMuchToReckonWith(t *testing.T) {
	t.Parallel()
	repeat := func(n int, lines ...string) string {
		all := make([]string, n)
		for i := range all {
			all[i] = event(lines...)
		}
		return calendar(all...)
	}
	apart := make([]string, 6000)
	for i := range apart {
		at := wall(t, "2026-10-01T00:00").Add(time.Duration(i) * 10 * time.Minute)
		apart[i] = event("DTSTART:"+at.Format("20060102T150405Z"), "DURATION:PT1M")
	}
	for name, text := range map[string]string{
		"rules that begin long ago": repeat(2000, "DTSTART:19000101T000000Z", "DURATION:PT1H", "RRULE:FREQ=MONTHLY"),
		"too many at a time":        repeat(2500, "DTSTART:20260901T000000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY"),
		"too many apart":            calendar(apart...),
	} {
		_, err := ical.ReadBusy(t.Context(), text, wall(t, "2026-09-01T00:00"), wall(t, "2026-12-01T00:00"), time.UTC)
		assert.ErrorIs(t, err, ical.ErrTooMuch, name)
	}
}

func FuzzReadBusy(f *testing.F) {
	f.Add(calendar(outlook, lanka, event("UID:1", "DTSTART;TZID=Customized Time Zone:20261023T080000", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=4", "EXDATE:20261024T060000Z")))
	f.Add(calendar(event("UID:1", "RECURRENCE-ID;VALUE=DATE:20261012", "DTSTART;VALUE=DATE:20261012", "DTEND;VALUE=DATE:20261013", "RDATE;VALUE=PERIOD:20261008T090000Z/PT2H")))
	f.Add("BEGIN:VCALENDAR\nBEGIN:VFREEBUSY\nFREEBUSY;FBTYPE=BUSY:20261012T080000Z/P1D\nEND:VFREEBUSY\nEND:VCALENDAR")
	from, to := wall(f, "2026-09-01T00:00"), wall(f, "2026-12-01T00:00")
	paris := zone(f, "Europe/Paris")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ical.ReadBusy(t.Context(), text, from, to, paris)
		if err != nil {
			return
		}
		for i, b := range got.Intervals {
			require.True(t, b.From.Before(b.To) && !b.From.Before(from) && !b.To.After(to))
			require.True(t, i == 0 || got.Intervals[i-1].To.Before(b.From), "apart and in order")
		}
	})
}
