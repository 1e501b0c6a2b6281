package worktime

import "time"

// Open lists the open time between two instants, in order; neighbours that touch are one. Times are in the schedule's zone.
// It stops after limit intervals, when limit is positive.
func (s *Schedule) Open(from, to time.Time, limit int) []Interval {
	out := []Interval{}
	s.each(from, to, func(i Interval) bool {
		out = append(out, i)
		return limit <= 0 || len(out) < limit
	})
	return out
}

// Between is how much open time lies between two instants; nothing when to is not after from.
func (s *Schedule) Between(from, to time.Time) time.Duration {
	var sum time.Duration
	s.each(from, to, func(i Interval) bool {
		sum += i.To.Sub(i.From)
		return true
	})
	return sum
}

// Minutes is how many whole open minutes lie between two instants.
func (s *Schedule) Minutes(from, to time.Time) int64 { return int64(s.Between(from, to) / time.Minute) }

// each cuts the stretches at both ends, to the nanosecond.
func (s *Schedule) each(from, to time.Time, yield func(Interval) bool) {
	if !from.Before(to) {
		return
	}
	s.walk(from.Unix(), to.Unix(), func(x stretch) bool {
		i := s.interval(x)
		if i.From.Before(from) {
			i.From = from.In(s.Zone)
		}
		if i.To.After(to) {
			i.To = to.In(s.Zone)
		}
		return !i.From.Before(i.To) || yield(i)
	})
}

func (s *Schedule) interval(x stretch) Interval {
	return Interval{From: time.Unix(x.from, 0).In(s.Zone), To: time.Unix(x.to, 0).In(s.Zone)}
}

// At finds the opening that is under way at t, or the next one. ok is false when there is none within Horizon.
func (s *Schedule) At(t time.Time) (i Interval, ok bool) {
	s.walk(t.Unix(), t.Add(Horizon).Unix(), func(x stretch) bool {
		i = s.interval(x)
		ok = i.To.After(t)
		return !ok
	})
	return i, ok
}

// IsOpen tells whether it is open at t.
func (s *Schedule) IsOpen(t time.Time) bool {
	open := false
	s.walk(t.Unix(), t.Unix(), func(x stretch) bool {
		i := s.interval(x)
		open = !i.From.After(t) && i.To.After(t)
		return !open
	})
	return open
}

// Next is when it next opens at or after t: t itself when it is open then. ok is false when it does not within Horizon.
func (s *Schedule) Next(t time.Time) (at time.Time, ok bool) {
	if s.IsOpen(t) {
		return t.In(s.Zone), true
	}
	i, ok := s.At(t)
	return i.From, ok
}

// Add is the first instant by which d of open time has passed since t. When that is a closing time, it is that and not the next
// opening; when d is not positive, it is t. ok is false when the schedule is closed for Horizon before d is used up, or when d
// takes more than a hundred years.
func (s *Schedule) Add(t time.Time, d time.Duration) (at time.Time, ok bool) {
	if d <= 0 {
		return t.In(s.Zone), true
	}
	const least = 35 * 24 * time.Hour
	step := min(max(d, least), Horizon)
	end := t.Add(longest)
	for begin, seen := t, t; begin.Sub(seen) < Horizon && begin.Before(end); begin = begin.Add(step) {
		s.each(begin, earlier(begin.Add(step), end), func(i Interval) bool {
			seen = i.To
			l := i.Length()
			if ok = l >= d; ok {
				at = i.From.Add(d)
			}
			d -= l
			return !ok
		})
		if ok {
			return at, true
		}
	}
	return time.Time{}, false
}
