package ical_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/platform/ical"
)

func wall(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse("2006-01-02T15:04", text)
	require.NoError(t, err)
	return at
}

func TestBetween(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, rule, start, from, to string
		want                        []string
	}{
		{
			"each first Monday", "FREQ=MONTHLY;BYDAY=1MO", "2026-11-02T12:00", "2026-11-15T00:00", "2027-03-01T12:00",
			[]string{"2026-12-07T12:00", "2027-01-04T12:00", "2027-02-01T12:00"}, // the first of March is at the end, and so not in
		},
		{
			"on the last day of a month", "rrule:freq=monthly;bymonthday=-1", "2028-01-31T18:00", "2028-01-01T00:00", "2028-04-01T00:00",
			[]string{"2028-01-31T18:00", "2028-02-29T18:00", "2028-03-31T18:00"},
		},
		{
			"on a leap day", "FREQ=YEARLY", "2028-02-29T08:00", "2028-01-01T00:00", "2037-01-01T00:00",
			[]string{"2028-02-29T08:00", "2032-02-29T08:00", "2036-02-29T08:00"},
		},
		{
			"every other week, three times", "FREQ=WEEKLY;INTERVAL=2;COUNT=3", "2026-11-27T09:00", "2026-01-01T00:00", "2028-01-01T00:00",
			[]string{"2026-11-27T09:00", "2026-12-11T09:00", "2026-12-25T09:00"},
		},
		{
			"the last working day of a month", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "2026-10-30T17:00", "2026-10-01T00:00", "2027-02-01T00:00",
			[]string{"2026-10-30T17:00", "2026-11-30T17:00", "2026-12-31T17:00", "2027-01-29T17:00"},
		},
		{
			"a date in UNTIL counts whole", "FREQ=DAILY;UNTIL=20261129", "2026-11-27T09:00", "2026-11-01T00:00", "2027-01-01T00:00",
			[]string{"2026-11-27T09:00", "2026-11-28T09:00", "2026-11-29T09:00"},
		},
		{
			"wall time stays over a change of the clock", "FREQ=DAILY;COUNT=3", "2026-03-28T02:30", "2026-01-01T00:00", "2027-01-01T00:00",
			[]string{"2026-03-28T02:30", "2026-03-29T02:30", "2026-03-30T02:30"},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			rule, err := ical.ParseRule(c.rule)
			require.NoError(t, err)
			got := []string{}
			for _, at := range rule.Between(wall(t, c.start), wall(t, c.from), wall(t, c.to), 100) {
				got = append(got, at.Format("2006-01-02T15:04"))
			}
			assert.Equal(t, c.want, got)
			first, ok := rule.First(wall(t, c.start))
			assert.True(t, ok)
			assert.Equal(t, wall(t, c.start), first)
			assert.Len(t, rule.Between(wall(t, c.start), wall(t, c.from), wall(t, c.to), 1), 1)
		})
	}
}

func TestFirst(t *testing.T) {
	t.Parallel()
	rule, err := ical.ParseRule("FREQ=MONTHLY;BYDAY=1MO")
	require.NoError(t, err)
	first, ok := rule.First(wall(t, "2026-11-27T12:00"))
	assert.True(t, ok)
	assert.Equal(t, wall(t, "2026-12-07T12:00"), first)
	never, err := ical.ParseRule("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30")
	require.NoError(t, err)
	_, ok = never.First(wall(t, "2026-11-27T12:00"))
	assert.False(t, ok)
}

// A question about a late time is answered without walking there, and the same.
func TestBetweenIsTheSameFromTheBeginning(t *testing.T) {
	t.Parallel()
	start := wall(t, "2003-02-05T12:00")
	for _, text := range []string{
		"FREQ=DAILY", "FREQ=DAILY;INTERVAL=3", "FREQ=DAILY;INTERVAL=10;BYDAY=MO,WE", "FREQ=DAILY;BYMONTH=2", "FREQ=WEEKLY", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU",
		"FREQ=WEEKLY;INTERVAL=2;BYDAY=SU;WKST=SU", "FREQ=WEEKLY;INTERVAL=3;BYDAY=TU,SU;WKST=TH", "FREQ=WEEKLY;BYDAY=MO,TU;BYSETPOS=-1", "FREQ=WEEKLY;COUNT=400",
		"FREQ=DAILY;COUNT=4000", "FREQ=MONTHLY;BYDAY=-1FR", "FREQ=YEARLY;BYWEEKNO=20", "FREQ=DAILY;UNTIL=20120301", "FREQ=WEEKLY;UNTIL=20120301T120000",
	} {
		rule, err := ical.ParseRule(text)
		require.NoError(t, err)
		all := rule.Between(start, start, wall(t, "2013-01-01T00:00"), 100_000)
		for days := -10; days < 3640; days += 13 {
			from := start.AddDate(0, 0, days)
			to := from.AddDate(0, 0, 40)
			want := []time.Time{}
			for _, at := range all {
				if !at.Before(from) && at.Before(to) {
					want = append(want, at)
				}
			}
			if to.Before(wall(t, "2013-01-01T00:00")) {
				require.Equal(t, want, rule.Between(start, from, to, 1000), "%s from %s", text, from)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "FREQ", "FREQ=", "BYDAY=MO", "FREQ=HOURLY", "FREQ=MINUTELY", "FREQ=SECONDLY", "FREQ=DAILY;BYHOUR=3", "FREQ=DAILY;BYMINUTE=3",
		"FREQ=DAILY;BYSECOND=3", "FREQ=YEARLY;BYEASTER=0", "FREQ=DAILY;DTSTART=20260101T000000", "FREQ=DAILY;INTERVAL=0", "FREQ=DAILY;INTERVAL=-1",
		"FREQ=DAILY;INTERVAL=401", "FREQ=DAILY;COUNT=0", "FREQ=DAILY;COUNT=5001", "FREQ=DAILY;COUNT=2;UNTIL=20270101", "FREQ=DAILY;UNTIL=20270101T000000Z",
		"FREQ=DAILY;FREQ=WEEKLY", "FREQ=MONTHLY;BYMONTHDAY=32", "FREQ=MONTHLY;BYDAY=1XX", "FREQ=DAILY;X=1", "DTSTART:20260101\nFREQ=DAILY",
	} {
		_, err := ical.ParseRule(text)
		assert.Error(t, err, "%q", text)
	}
}

func FuzzParseRule(f *testing.F) {
	for _, text := range []string{"FREQ=MONTHLY;BYDAY=1MO", "FREQ=YEARLY;BYWEEKNO=53;BYDAY=-1SU;WKST=SU", "FREQ=DAILY;UNTIL=20270101T000000", "RRULE:FREQ=WEEKLY"} {
		f.Add(text)
	}
	start := wall(f, "2026-11-27T12:00")
	f.Fuzz(func(t *testing.T, text string) {
		rule, err := ical.ParseRule(text)
		if err != nil {
			return
		}
		again, err := ical.ParseRule(rule.String())
		require.NoError(t, err)
		require.Equal(t, rule, again)
		if _, ok := rule.First(start); !ok {
			return
		}
		from, to := start.AddDate(0, 1, 0), start.AddDate(1, 0, 0)
		got := rule.Between(start, from, to, 400)
		for i, at := range got {
			assert.False(t, at.Before(from) || !at.Before(to), "%s", at)
			assert.True(t, i == 0 || got[i-1].Before(at), "in order and once each")
			assert.Equal(t, 12*60, at.Hour()*60+at.Minute())
		}
	})
}
