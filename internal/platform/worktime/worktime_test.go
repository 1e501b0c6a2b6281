package worktime_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/platform/worktime"
)

// The plans of the table.
var (
	office   = plan{week: weekdays([2]int{9 * 60, 12 * 60}, [2]int{14 * 60, 18 * 60})}
	bar      = plan{week: map[time.Weekday][][2]int{time.Saturday: {{20 * 60, 28 * 60}}}} // until four on Sunday
	nights22 = plan{week: everyDay([2]int{22 * 60, 30 * 60})}
	small    = plan{week: everyDay([2]int{90, 150})} // 01:30 to 02:30
	hour2    = plan{week: everyDay([2]int{120, 180})}
	upTo2    = plan{week: everyDay([2]int{0, 120})}
	whole    = plan{week: everyDay([2]int{0, 24 * 60})}
	never    = plan{}
	leapDay  = plan{dates: map[string][][2]int{"2028-02-29": {{600, 720}}}}
	lateLeap = plan{dates: map[string][][2]int{"2104-02-29": {{600, 720}}}}
	festive  = plan{
		week: office.week,
		dates: map[string][][2]int{
			"2026-12-24": {{9 * 60, 13 * 60}}, "2026-12-25": {}, "2026-12-27": {{10 * 60, 16 * 60}}, // a Sunday
		},
		closed: [][2]string{{"2026-12-28T12:00", "2026-12-28T15:00"}, {"2026-12-26T00:00", "2026-12-28T00:00"}},
	}
)

func weekdays(spans ...[2]int) map[time.Weekday][][2]int {
	w := everyDay(spans...)
	delete(w, time.Saturday)
	delete(w, time.Sunday)
	return w
}

func everyDay(spans ...[2]int) map[time.Weekday][][2]int {
	w := map[time.Weekday][][2]int{}
	for d := time.Sunday; d <= time.Saturday; d++ {
		w[d] = spans
	}
	return w
}

const (
	paris = "Europe/Paris"
	york  = "America/New_York"
	howe  = "Australia/Lord_Howe"
	apia  = "Pacific/Apia"
)

func when(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	require.NoError(t, err)
	return at
}

func in(t *testing.T, zone string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(zone)
	require.NoError(t, err)
	return z
}

func TestBetween(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name     string
		zone     string
		plan     plan
		from, to string
		want     string
	}{
		{"within one opening", paris, office, "2026-11-27T09:15:00+01:00", "2026-11-27T09:45:00+01:00", "30m"},
		{"over the lunch", paris, office, "2026-11-27T11:30:00+01:00", "2026-11-27T14:30:00+01:00", "1h"},
		{"all closed", paris, office, "2026-11-27T12:00:00+01:00", "2026-11-27T14:00:00+01:00", "0"},
		{"over a weekend", paris, office, "2026-11-27T17:50:00+01:00", "2026-11-30T09:10:00+01:00", "20m"},
		{"seconds count", paris, office, "2026-11-27T11:59:30+01:00", "2026-11-27T14:00:15.5+01:00", "45.5s"},
		{"backwards is nothing", paris, office, "2026-11-27T17:00:00+01:00", "2026-11-27T16:00:00+01:00", "0"},
		{"one instant is nothing", paris, office, "2026-11-27T10:00:00+01:00", "2026-11-27T10:00:00+01:00", "0"},
		{"a week", paris, office, "2026-11-23T00:00:00+01:00", "2026-11-30T00:00:00+01:00", "35h"},
		{"asked in another zone", paris, office, "2026-11-27T08:00:00Z", "2026-11-27T09:00:00Z", "1h"},
		{"never open", paris, never, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "0"},

		{"Paris forward: the hour that is not", paris, hour2, "2026-03-29T00:00:00+01:00", "2026-03-29T12:00:00+02:00", "0"},
		{"Paris forward: half of it is not", paris, small, "2026-03-29T00:00:00+01:00", "2026-03-29T12:00:00+02:00", "30m"},
		{"Paris forward: a night shift", paris, nights22, "2026-03-28T12:00:00+01:00", "2026-03-29T12:00:00+02:00", "7h"},
		{"Paris forward: a bar", paris, bar, "2026-03-28T12:00:00+01:00", "2026-03-29T12:00:00+02:00", "7h"},
		{"Paris forward: a whole day", paris, whole, "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00", "23h"},
		{"Paris back: the hour that comes twice", paris, hour2, "2026-10-25T00:00:00+02:00", "2026-10-25T12:00:00+01:00", "2h"},
		{"Paris back: up to where it is set back", paris, upTo2, "2026-10-25T00:00:00+02:00", "2026-10-25T12:00:00+01:00", "2h"},
		{"Paris back: into the hour that comes twice", paris, small, "2026-10-25T00:00:00+02:00", "2026-10-25T12:00:00+01:00", "2h"},
		{"Paris back: a night shift", paris, nights22, "2026-10-24T12:00:00+02:00", "2026-10-25T12:00:00+01:00", "9h"},
		{"Paris back: a whole day", paris, whole, "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00", "25h"},
		{"New York forward: the hour that is not", york, hour2, "2026-03-08T00:00:00-05:00", "2026-03-08T12:00:00-04:00", "0"},
		{"New York forward: a night shift", york, nights22, "2026-03-07T12:00:00-05:00", "2026-03-08T12:00:00-04:00", "7h"},
		{"New York back: half of it comes twice", york, small, "2026-11-01T00:00:00-04:00", "2026-11-01T12:00:00-05:00", "2h"},
		{"New York back: after what comes twice", york, hour2, "2026-11-01T00:00:00-04:00", "2026-11-01T12:00:00-05:00", "1h"},
		{"New York back: up to two", york, upTo2, "2026-11-01T00:00:00-04:00", "2026-11-01T12:00:00-05:00", "3h"},
		{"Lord Howe forward by half an hour", howe, hour2, "2026-10-04T00:00:00+10:30", "2026-10-04T12:00:00+11:00", "30m"},
		{"Lord Howe back by half an hour", howe, small, "2026-04-05T00:00:00+11:00", "2026-04-05T12:00:00+10:30", "1h30m"},
		{"Lord Howe back: a night shift", howe, nights22, "2026-04-04T12:00:00+11:00", "2026-04-05T12:00:00+10:30", "8h30m"},
		{"Lord Howe: a year", howe, whole, "2026-01-01T00:00:00+11:00", "2027-01-01T00:00:00+11:00", "8760h"},
		{"Apia: the day that never was", apia, office, "2011-12-29T18:00:00-10:00", "2012-01-02T09:00:00+14:00", "0"},
		{"Apia: the days around it", apia, whole, "2011-12-29T00:00:00-10:00", "2012-01-01T00:00:00+14:00", "48h"},
		{"Apia: a night shift into it", apia, nights22, "2011-12-29T12:00:00-10:00", "2011-12-31T12:00:00+14:00", "8h"},

		{"a leap day", paris, whole, "2028-02-28T00:00:00+01:00", "2028-03-01T00:00:00+01:00", "48h"},
		{"no leap day", paris, whole, "2027-02-28T00:00:00+01:00", "2027-03-01T00:00:00+01:00", "24h"},
		{"a leap year", paris, whole, "2028-01-01T00:00:00+01:00", "2029-01-01T00:00:00+01:00", "8784h"},
		{"special hours", paris, festive, "2026-12-24T00:00:00+01:00", "2026-12-25T00:00:00+01:00", "4h"},
		{"closed on a date", paris, festive, "2026-12-25T00:00:00+01:00", "2026-12-26T00:00:00+01:00", "0"},
		{"a date stands against a closure", paris, festive, "2026-12-27T00:00:00+01:00", "2026-12-28T00:00:00+01:00", "6h"},
		{"a closure over the lunch", paris, festive, "2026-12-28T00:00:00+01:00", "2026-12-29T00:00:00+01:00", "6h"},
		{"the bar's Saturday in the small hours of Sunday", paris, bar, "2026-11-29T00:00:00+01:00", "2026-11-29T12:00:00+01:00", "4h"},
		{
			"a closed Sunday leaves what Saturday began", paris,
			plan{week: bar.week, dates: map[string][][2]int{"2026-11-29": {}}},
			"2026-11-28T12:00:00+01:00", "2026-11-29T12:00:00+01:00", "8h",
		},
		{
			"a closed Saturday takes the small hours with it", paris,
			plan{week: bar.week, dates: map[string][][2]int{"2026-11-28": {}}},
			"2026-11-28T12:00:00+01:00", "2026-11-29T12:00:00+01:00", "0",
		},
		{
			"a closure over the hour that comes twice", paris,
			plan{week: everyDay([2]int{60, 300}), closed: [][2]string{{"2026-10-25T02:00", "2026-10-25T03:00"}}},
			"2026-10-25T00:00:00+02:00", "2026-10-25T12:00:00+01:00", "3h",
		},
		{
			"a closure over the hour that is not", paris,
			plan{week: everyDay([2]int{60, 300}), closed: [][2]string{{"2026-03-29T02:00", "2026-03-29T03:00"}}},
			"2026-03-29T00:00:00+01:00", "2026-03-29T12:00:00+02:00", "3h",
		},
		{
			"a closure ends behind where the next date begins",
			paris,
			plan{
				week: everyDay([2]int{1320, 1620}), dates: map[string][][2]int{"2028-03-03": {{36, 60}}},
				closed: [][2]string{{"2028-03-02T12:00", "2028-03-03T00:42"}},
			},
			"2028-03-02T12:00:00+01:00", "2028-03-03T12:00:00+01:00", "2h24m",
		},
		{
			"openings that overlap count once", paris,
			plan{week: everyDay([2]int{600, 720}, [2]int{660, 780})},
			"2026-11-27T00:00:00+01:00", "2026-11-28T00:00:00+01:00", "3h",
		},
		{
			"a closure of weeks", paris,
			plan{week: office.week, closed: [][2]string{{"2026-08-01T00:00", "2026-08-24T00:00"}}},
			"2026-08-01T00:00:00+02:00", "2026-09-01T00:00:00+02:00", "42h",
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			want, err := time.ParseDuration(c.want)
			require.NoError(t, err)
			assert.Equal(t, want, c.plan.schedule(t, in(t, c.zone)).Between(when(t, c.from), when(t, c.to)))
		})
	}
}

func TestAdd(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name  string
		zone  string
		plan  plan
		from  string
		add   string
		want  string
		never bool
	}{
		{"within an opening", paris, office, "2026-11-27T09:15:00+01:00", "30m", "2026-11-27T09:45:00+01:00", false},
		{"nothing, while closed", paris, office, "2026-11-29T09:15:00+01:00", "0s", "2026-11-29T09:15:00+01:00", false},
		{"from closed time", paris, office, "2026-11-29T09:15:00+01:00", "15m", "2026-11-30T09:15:00+01:00", false},
		{"up to the closing time", paris, office, "2026-11-27T11:00:00+01:00", "1h", "2026-11-27T12:00:00+01:00", false},
		{"past the closing time", paris, office, "2026-11-27T11:00:00+01:00", "61m", "2026-11-27T14:01:00+01:00", false},
		{"over a weekend", paris, office, "2026-11-27T17:45:00+01:00", "30m", "2026-11-30T09:15:00+01:00", false},
		{"seconds stay", paris, office, "2026-11-27T17:59:50+01:00", "30s", "2026-11-30T09:00:20+01:00", false},
		{"over the night forward", paris, nights22, "2026-03-29T01:30:00+01:00", "1h", "2026-03-29T03:30:00+02:00", false},
		{"over the night back", paris, nights22, "2026-10-25T01:30:00+02:00", "2h", "2026-10-25T02:30:00+01:00", false},
		{"over the half hour forward", howe, nights22, "2026-10-04T01:30:00+10:30", "1h", "2026-10-04T03:00:00+11:00", false},
		{"over the half hour back", howe, nights22, "2026-04-05T01:15:00+11:00", "1h", "2026-04-05T01:45:00+10:30", false},
		{"over the day that never was", apia, office, "2011-12-29T17:30:00-10:00", "1h", "2012-01-02T09:30:00+14:00", false},
		{"two thousand hours", paris, office, "2026-01-01T00:00:00+01:00", "2000h", "2027-02-04T16:00:00+01:00", false},
		{"never", paris, never, "2026-01-01T00:00:00+01:00", "1m", "", true},
		{"until the next leap day", paris, leapDay, "2026-01-01T00:00:00+01:00", "1h", "2028-02-29T11:00:00+01:00", false},
		{"eight years without a leap day", paris, lateLeap, "2096-03-01T00:00:00+01:00", "1h", "2104-02-29T11:00:00+01:00", false},
		{"more than is ever open", paris, leapDay, "2026-01-01T00:00:00+01:00", "3h", "", true},
		{"more than a hundred years", paris, whole, "2026-01-01T00:00:00+01:00", "900000h", "", true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d, err := time.ParseDuration(c.add)
			require.NoError(t, err)
			got, ok := c.plan.schedule(t, in(t, c.zone)).Add(when(t, c.from), d)
			require.Equal(t, !c.never, ok)
			if !c.never {
				assert.Equal(t, c.want, got.Format(time.RFC3339))
			}
		})
	}
}

func TestNext(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name       string
		zone       string
		plan       plan
		at         string
		open       bool
		from, till string // of the opening under way or to come; none when empty
	}{
		{"while open", paris, office, "2026-11-27T10:00:00+01:00", true, "2026-11-27T09:00:00+01:00", "2026-11-27T12:00:00+01:00"},
		{"at the opening", paris, office, "2026-11-27T09:00:00+01:00", true, "2026-11-27T09:00:00+01:00", "2026-11-27T12:00:00+01:00"},
		{"at the closing", paris, office, "2026-11-27T12:00:00+01:00", false, "2026-11-27T14:00:00+01:00", "2026-11-27T18:00:00+01:00"},
		{"on a Sunday", paris, office, "2026-11-29T12:00:00+01:00", false, "2026-11-30T09:00:00+01:00", "2026-11-30T12:00:00+01:00"},
		{"in the small hours", paris, bar, "2026-11-29T03:59:59+01:00", true, "2026-11-28T20:00:00+01:00", "2026-11-29T04:00:00+01:00"},
		{"in the hour that comes twice, first", paris, hour2, "2026-10-25T00:30:00Z", true, "2026-10-25T02:00:00+02:00", "2026-10-25T03:00:00+01:00"},
		{"in the hour that comes twice, second", paris, hour2, "2026-10-25T01:30:00Z", true, "2026-10-25T02:00:00+02:00", "2026-10-25T03:00:00+01:00"},
		{"the hour that is not is skipped", paris, hour2, "2026-03-28T12:00:00Z", false, "2026-03-30T02:00:00+02:00", "2026-03-30T03:00:00+02:00"},
		{"the Friday that never was", apia, office, "2011-12-29T18:00:00-10:00", false, "2012-01-02T09:00:00+14:00", "2012-01-02T12:00:00+14:00"},
		{"after Christmas", paris, festive, "2026-12-24T13:00:00+01:00", false, "2026-12-27T10:00:00+01:00", "2026-12-27T16:00:00+01:00"},
		{"never", paris, never, "2026-11-27T10:00:00+01:00", false, "", ""},
		{"not any more", paris, leapDay, "2028-03-01T10:00:00+01:00", false, "", ""},
		{"nights are one piece", paris, plan{week: everyDay([2]int{0, 600}, [2]int{1200, 1440})}, "2026-11-27T23:00:00+01:00", true, "2026-11-27T20:00:00+01:00", "2026-11-28T10:00:00+01:00"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := c.plan.schedule(t, in(t, c.zone))
			at := when(t, c.at)
			assert.Equal(t, c.open, s.IsOpen(at))
			i, ok := s.At(at)
			require.Equal(t, c.from != "", ok)
			next, found := s.Next(at)
			require.Equal(t, ok, found)
			if !ok {
				return
			}
			assert.Equal(t, c.from, i.From.Format(time.RFC3339))
			assert.Equal(t, c.till, i.To.Format(time.RFC3339))
			if c.open {
				assert.Equal(t, at.UTC(), next.UTC())
			} else {
				assert.Equal(t, i.From, next)
			}
		})
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	cases := []struct {
		zone, wall  string
		fit         worktime.Fit
		first, last string
	}{
		{paris, "2026-11-27T10:00", worktime.Once, "2026-11-27T10:00:00+01:00", "2026-11-27T10:00:00+01:00"},
		{paris, "2026-03-29T01:59", worktime.Once, "2026-03-29T01:59:00+01:00", "2026-03-29T01:59:00+01:00"},
		{paris, "2026-03-29T02:00", worktime.Never, "2026-03-29T03:00:00+02:00", "2026-03-29T03:00:00+02:00"},
		{paris, "2026-03-29T02:30", worktime.Never, "2026-03-29T03:00:00+02:00", "2026-03-29T03:00:00+02:00"},
		{paris, "2026-03-29T03:00", worktime.Once, "2026-03-29T03:00:00+02:00", "2026-03-29T03:00:00+02:00"},
		{paris, "2026-10-25T02:00", worktime.Twice, "2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00"},
		{paris, "2026-10-25T02:59", worktime.Twice, "2026-10-25T02:59:00+02:00", "2026-10-25T02:59:00+01:00"},
		{paris, "2026-10-25T03:00", worktime.Once, "2026-10-25T03:00:00+01:00", "2026-10-25T03:00:00+01:00"},
		// The two that Go and Postgres answer differently.
		{york, "2026-03-08T02:30", worktime.Never, "2026-03-08T03:00:00-04:00", "2026-03-08T03:00:00-04:00"},
		{york, "2026-11-01T01:30", worktime.Twice, "2026-11-01T01:30:00-04:00", "2026-11-01T01:30:00-05:00"},
		{howe, "2026-04-05T01:45", worktime.Twice, "2026-04-05T01:45:00+11:00", "2026-04-05T01:45:00+10:30"},
		{howe, "2026-10-04T02:15", worktime.Never, "2026-10-04T02:30:00+11:00", "2026-10-04T02:30:00+11:00"},
		{apia, "2011-12-30T12:00", worktime.Never, "2011-12-31T00:00:00+14:00", "2011-12-31T00:00:00+14:00"},
		{"America/Sao_Paulo", "2018-11-04T00:00", worktime.Never, "2018-11-04T01:00:00-02:00", "2018-11-04T01:00:00-02:00"},
		{"UTC", "2026-03-29T02:30", worktime.Once, "2026-03-29T02:30:00Z", "2026-03-29T02:30:00Z"},
	}
	for _, c := range cases {
		t.Run(c.zone+" "+c.wall, func(t *testing.T) {
			t.Parallel()
			wall, err := worktime.ParseWall(c.wall)
			require.NoError(t, err)
			first, last, fit := worktime.Resolve(wall, in(t, c.zone))
			assert.Equal(t, c.fit, fit)
			assert.Equal(t, c.first, first.Format(time.RFC3339))
			assert.Equal(t, c.last, last.Format(time.RFC3339))
		})
	}
}

func TestDates(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"1969-12-31", "1970-01-01", "2028-02-29", "0001-01-01", "9999-12-31"} {
		d, err := worktime.ParseDate(text)
		require.NoError(t, err)
		assert.Equal(t, text, d.String())
		assert.Equal(t, d.Time().Weekday(), d.Weekday())
		assert.Equal(t, d, d.At(1439).Date())
		assert.Equal(t, d-1, d.At(-1).Date())
	}
	for _, text := range []string{"2027-02-29", "2026-1-1", "24/12/2026", "0000-01-01", ""} {
		_, err := worktime.ParseDate(text)
		require.Error(t, err, text)
	}
	for _, text := range []string{"2026-12-24", "2026-12-24T24:00", "2026-12-24T09:30:00", "2026-12-24T09:30Z"} {
		_, err := worktime.ParseWall(text)
		require.Error(t, err, text)
	}
	w, err := worktime.ParseWall("1969-12-31T23:59")
	require.NoError(t, err)
	assert.Equal(t, "1969-12-31T23:59", w.String())
	assert.Equal(t, w, worktime.WallIn(time.Unix(-1, 0), time.UTC))
}

func TestSpanValid(t *testing.T) {
	t.Parallel()
	for span, want := range map[worktime.Span]bool{
		{0, 1440}: true, {540, 720}: true, {1439, 2879}: true, {1200, 1680}: true,
		{540, 540}: false, {720, 540}: false, {-1, 5}: false, {1440, 1500}: false, {60, 1501}: false,
	} {
		assert.Equal(t, want, span.Valid(), "%v", span)
	}
}

func TestSets(t *testing.T) {
	t.Parallel()
	base := time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)
	of := func(bounds ...int) []worktime.Interval {
		out := []worktime.Interval{}
		for i := 0; i < len(bounds); i += 2 {
			out = append(out, worktime.Interval{From: base.Add(time.Duration(bounds[i]) * time.Hour), To: base.Add(time.Duration(bounds[i+1]) * time.Hour)})
		}
		return out
	}
	assert.Equal(t, of(1, 5, 7, 8), worktime.Join(of(7, 8, 1, 2, 2, 3, 2, 5, 6, 6)...))
	assert.Equal(t, of(1, 2, 3, 4, 9, 10), worktime.Without(of(1, 6, 8, 10), of(0, 1, 2, 3, 4, 9)))
	assert.Equal(t, of(2, 3, 8, 9), worktime.Both(of(1, 6, 8, 10), of(0, 1, 2, 3, 6, 9)))
	assert.Equal(t, 5*time.Hour, worktime.Length(of(1, 4, 6, 8)))
	assert.Empty(t, worktime.Without(of(1, 2), of(0, 3)))
}

func TestAlways(t *testing.T) {
	t.Parallel()
	s := worktime.Always()
	at := when(t, "2026-03-29T01:30:00+01:00")
	assert.True(t, s.IsOpen(at))
	assert.Equal(t, int64(525600), s.Minutes(at, at.AddDate(1, 0, 0)))
	got, ok := s.Add(at, 90*time.Minute)
	assert.True(t, ok)
	assert.Equal(t, at.Add(90*time.Minute).UTC(), got)
}

func TestOpenStopsAtTheLimit(t *testing.T) {
	t.Parallel()
	s := office.schedule(t, in(t, paris))
	assert.Len(t, s.Open(when(t, "2026-01-01T00:00:00Z"), when(t, "2027-01-01T00:00:00Z"), 3), 3)
}

func TestAYearIsCheap(t *testing.T) {
	s := festive.schedule(t, in(t, paris))
	from, to := when(t, "2026-01-01T00:00:00Z"), when(t, "2027-01-01T00:00:00Z")
	// Thirteen questions for closures, and what the buffers need to grow: nothing for each day, let alone minute.
	assert.Less(t, testing.AllocsPerRun(5, func() { s.Between(from, to) }), 40.0)
}

func BenchmarkYear(b *testing.B) {
	zone, err := time.LoadLocation(paris)
	require.NoError(b, err)
	s := &worktime.Schedule{Zone: zone}
	for d := time.Monday; d <= time.Friday; d++ {
		s.Week[d] = []worktime.Span{{From: 540, To: 720}, {From: 840, To: 1080}}
	}
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, zone)
	to := from.AddDate(1, 0, 0)
	b.Run("minutes of a year", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.Minutes(from, to)
		}
	})
	b.Run("a quarter of an hour from now", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.Add(from, 15*time.Minute)
		}
	})
	b.Run("never open", func(b *testing.B) {
		shut := &worktime.Schedule{Zone: zone}
		b.ReportAllocs()
		for b.Loop() {
			shut.Next(from)
		}
	})
}
