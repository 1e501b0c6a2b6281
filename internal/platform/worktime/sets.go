package worktime

import (
	"slices"
	"time"
)

// Join puts intervals in order and makes one of those that overlap or touch. Empty ones are left out.
func Join(intervals ...Interval) []Interval {
	sorted := slices.DeleteFunc(slices.Clone(intervals), func(i Interval) bool { return !i.From.Before(i.To) })
	slices.SortFunc(sorted, func(a, b Interval) int { return a.From.Compare(b.From) })
	out := sorted[:0]
	for _, i := range sorted {
		if n := len(out); n > 0 && !i.From.After(out[n-1].To) {
			if i.To.After(out[n-1].To) {
				out[n-1].To = i.To
			}
			continue
		}
		out = append(out, i)
	}
	return out
}

// Without is what of the first is not in the second. Both are as Join makes them.
func Without(list, taken []Interval) []Interval {
	out := make([]Interval, 0, len(list))
	for _, i := range list {
		for len(taken) > 0 && !taken[0].To.After(i.From) {
			taken = taken[1:]
		}
		for _, t := range taken {
			if !t.From.Before(i.To) {
				break
			}
			if t.From.After(i.From) {
				out = append(out, Interval{From: i.From, To: t.From})
			}
			if t.To.After(i.From) {
				i.From = t.To
			}
		}
		if i.From.Before(i.To) {
			out = append(out, i)
		}
	}
	return out
}

// Both is what is in the first and in the second. Both are as Join makes them.
func Both(a, b []Interval) []Interval {
	out := make([]Interval, 0, max(len(a), len(b)))
	for len(a) > 0 && len(b) > 0 {
		from, to := later(a[0].From, b[0].From), earlier(a[0].To, b[0].To)
		if from.Before(to) {
			out = append(out, Interval{From: from, To: to})
		}
		if a[0].To.Before(b[0].To) {
			a = a[1:]
		} else {
			b = b[1:]
		}
	}
	return out
}

// Length is how long the intervals are together.
func Length(intervals []Interval) time.Duration {
	var sum time.Duration
	for _, i := range intervals {
		sum += i.Length()
	}
	return sum
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
