package worktime_test

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/platform/worktime"
)

// plan is a schedule in words that the oracle reads by itself.
type plan struct {
	week   map[time.Weekday][][2]int
	dates  map[string][][2]int // in place of the week; closures do not touch them
	closed [][2]string         // 2026-12-24T12:00
}

func (p plan) schedule(t *testing.T, zone *time.Location) *worktime.Schedule {
	t.Helper()
	s := &worktime.Schedule{Zone: zone}
	for day, spans := range p.week {
		s.Week[day] = spansOf(spans)
	}
	days := map[worktime.Date]worktime.Day{}
	for text, spans := range p.dates {
		d, err := worktime.ParseDate(text)
		require.NoError(t, err)
		days[d] = worktime.Day{Spans: spansOf(spans), Exempt: true}
	}
	s.Days = func(d worktime.Date) (worktime.Day, bool) {
		day, ok := days[d]
		return day, ok
	}
	var closures []worktime.Closure
	for _, c := range p.closed {
		from, err := worktime.ParseWall(c[0])
		require.NoError(t, err)
		to, err := worktime.ParseWall(c[1])
		require.NoError(t, err)
		closures = append(closures, worktime.Closure{From: from, To: to})
	}
	s.Closures = func(dst []worktime.Closure, from, to worktime.Wall) []worktime.Closure {
		for _, c := range closures {
			if c.From < to && c.To > from {
				dst = append(dst, c)
			}
		}
		return dst
	}
	return s
}

func spansOf(in [][2]int) []worktime.Span {
	out := make([]worktime.Span, len(in))
	for i, s := range in {
		out[i] = worktime.Span{From: s[0], To: s[1]}
	}
	return out
}

// oracle knows for each minute from begin on whether the plan is open. It looks at the wall clock minute by minute: something
// from S to E is under way when the clock has shown S or later, and will still show a time before E.
type oracle struct {
	begin time.Time
	open  []bool
}

const padding = 5 * 24 * 60

func ask(p plan, zone *time.Location, begin time.Time, minutes int) oracle {
	n := minutes + 2*padding
	first := begin.Add(-padding * time.Minute)
	highest, lowest := make([]int64, n), make([]int64, n)
	for i := range n {
		highest[i] = naive(first.Add(time.Duration(i) * time.Minute).In(zone))
		lowest[i] = highest[i]
		if i > 0 {
			highest[i] = max(highest[i], highest[i-1])
		}
	}
	for i := n - 2; i >= 0; i-- {
		lowest[i] = min(lowest[i], lowest[i+1])
	}
	type piece struct {
		from, to int64
		fixed    bool
	}
	var opened, closed []piece
	// Every date of the calendar, also one that the zone skipped.
	for day := time.Unix(highest[0]*60, 0).UTC().Truncate(24*time.Hour).AddDate(0, 0, -3); naive(day) < highest[n-1]; day = day.AddDate(0, 0, 1) {
		midnight := naive(day)
		spans, fixed := p.dates[day.Format(time.DateOnly)]
		if !fixed {
			spans = p.week[day.Weekday()]
		}
		for _, s := range spans {
			opened = append(opened, piece{midnight + int64(s[0]), midnight + int64(s[1]), fixed})
		}
	}
	for _, c := range p.closed {
		closed = append(closed, piece{from: read(c[0]), to: read(c[1])})
	}
	o := oracle{begin: begin, open: make([]bool, minutes)}
	for i := range o.open {
		at := i + padding
		within := func(x piece) bool { return highest[at] >= x.from && lowest[at] < x.to }
		shut := false
		for _, c := range closed {
			shut = shut || within(c)
		}
		for _, x := range opened {
			o.open[i] = o.open[i] || within(x) && (x.fixed || !shut)
		}
	}
	return o
}

// naive is a wall time in minutes.
func naive(t time.Time) int64 {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), 0, 0, time.UTC).Unix() / 60
}

func read(wall string) int64 {
	t, err := time.Parse("2006-01-02 15:04", wall[:10]+" "+wall[11:])
	if err != nil {
		panic(err)
	}
	return naive(t)
}

// nights are those in which something happens to the clock, and some in which nothing does.
var nights = []struct {
	zone string
	at   []string
}{
	{"Europe/Paris", []string{"2026-03-29", "2026-10-25", "2028-02-29", "2026-12-31", "1996-10-27"}},
	{"America/New_York", []string{"2026-03-08", "2026-11-01", "2024-02-29", "2007-03-11"}},
	{"Australia/Lord_Howe", []string{"2026-04-05", "2026-10-04", "2008-04-06"}},
	{"Pacific/Apia", []string{"2011-12-30", "2011-09-24", "2012-04-01", "2020-04-05"}},
	{"America/Sao_Paulo", []string{"2018-11-04", "2019-02-17"}}, // at midnight
	{"Africa/Casablanca", []string{"2026-02-15", "2026-03-22"}}, // four times a year
	{"Asia/Kathmandu", []string{"1986-01-01"}},                  // by a quarter of an hour
}

func randomPlan(r *rand.Rand, around time.Time) plan {
	p := plan{week: map[time.Weekday][][2]int{}, dates: map[string][][2]int{}}
	spans := func() [][2]int {
		var out [][2]int
		for range r.IntN(4) {
			from := r.IntN(24*60/15) * 15
			if r.IntN(2) == 0 {
				from = r.IntN(5 * 60) // in the small hours, where clocks change
			}
			length := 1 + r.IntN(300)
			switch r.IntN(6) {
			case 0:
				length = 1 + r.IntN(24*60)
			case 1, 2:
				from, length = from/30*30, 30+length/30*30 // at the very minutes at which clocks change
			}
			out = append(out, [2]int{from, from + length})
		}
		return out
	}
	for d := time.Sunday; d <= time.Saturday; d++ {
		p.week[d] = spans()
	}
	for range r.IntN(4) {
		p.dates[around.AddDate(0, 0, r.IntN(7)-3).Format(time.DateOnly)] = spans()
	}
	for range r.IntN(5) {
		from := around.Add(time.Duration(r.IntN(6*24*60)-3*24*60) * time.Minute)
		length := 1 + r.IntN(240)
		if r.IntN(4) == 0 {
			length = 1 + r.IntN(3*24*60)
		}
		p.closed = append(p.closed, [2]string{from.Format("2006-01-02T15:04"), from.Add(time.Duration(length) * time.Minute).Format("2006-01-02T15:04")})
	}
	return p
}

// rounds is how many plans are tried for each night.
func rounds(t *testing.T) int {
	t.Helper()
	const few = 12
	if text := os.Getenv("ROOFTOP_ROUNDS"); text != "" {
		n, err := strconv.Atoi(text)
		require.NoError(t, err)
		return n * few
	}
	return few
}

func TestAgainstTheWallClock(t *testing.T) {
	t.Parallel()
	for _, n := range nights {
		zone, err := time.LoadLocation(n.zone)
		require.NoError(t, err)
		for _, night := range n.at {
			t.Run(n.zone+" "+night, func(t *testing.T) {
				t.Parallel()
				around, err := time.Parse(time.DateOnly, night)
				require.NoError(t, err)
				for round := range rounds(t) {
					seed := uint64(round)
					r := rand.New(rand.NewPCG(seed, uint64(around.Unix())))
					p := randomPlan(r, around)
					const minutes = 6 * 24 * 60
					o := ask(p, zone, around.Add(-3*24*time.Hour), minutes)
					if !o.agrees(t, r, p.schedule(t, zone)) {
						t.Fatalf("plan of seed %d: %+v", round, p)
					}
				}
			})
		}
	}
}

func (o oracle) at(i int) time.Time { return o.begin.Add(time.Duration(i) * time.Minute) }

func (o oracle) agrees(t *testing.T, r *rand.Rand, s *worktime.Schedule) bool {
	t.Helper()
	n := len(o.open)
	var want []string
	openAt := make([]int, n+1) // open minutes before each
	for i := range n {
		openAt[i+1] = openAt[i]
		if o.open[i] {
			openAt[i+1]++
		}
		if o.open[i] && (i == 0 || !o.open[i-1]) {
			want = append(want, o.at(i).UTC().Format(time.RFC3339))
		}
		if o.open[i] && (i == n-1 || !o.open[i+1]) {
			want = append(want, o.at(i+1).UTC().Format(time.RFC3339))
		}
	}
	var got []string
	for _, i := range s.Open(o.begin, o.at(n), 0) {
		got = append(got, i.From.UTC().Format(time.RFC3339), i.To.UTC().Format(time.RFC3339))
	}
	ok := assert.Equal(t, want, got)
	for range 200 {
		a, b := r.IntN(n), r.IntN(n)
		ok = ok && assert.Equal(t, o.open[a], s.IsOpen(o.at(a).Add(time.Duration(r.IntN(60))*time.Second)), "open at %s", o.at(a))
		ok = ok && assert.Equal(t, int64(max(openAt[b]-openAt[a], 0)), s.Minutes(o.at(a), o.at(b)), "from %s to %s", o.at(a), o.at(b))
		next := a
		for next < n && !o.open[next] {
			next++
		}
		if at, found := s.Next(o.at(a)); next < n {
			ok = ok && assert.True(t, found) && assert.Equal(t, o.at(next).UTC(), at.UTC(), "next after %s", o.at(a))
		} else if found {
			ok = ok && assert.False(t, at.Before(o.at(n)), "%s is open, which is before the end", at)
		}
		if d := openAt[n] - openAt[a]; d > 0 {
			d = 1 + r.IntN(d)
			want := a
			for openAt[want]-openAt[a] < d {
				want++
			}
			at, found := s.Add(o.at(a), time.Duration(d)*time.Minute)
			ok = ok && assert.True(t, found) && assert.Equal(t, o.at(want).UTC(), at.UTC(), "%d minutes after %s", d, o.at(a))
		}
	}
	return ok
}
