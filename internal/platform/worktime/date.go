package worktime

import (
	"fmt"
	"time"
)

// Date is a day of the calendar, in days since 1970-01-01.
type Date int32

// Wall is what a clock on the wall shows, date included, in minutes since 1970-01-01T00:00. It is no instant.
type Wall int64

// NewDate is a date; days and months out of range are carried over, as time.Date does.
func NewDate(year int, month time.Month, day int) Date {
	return Date(floorDiv(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix(), 86400)) //nolint:gosec // a day count of years that can be written
}

// DateIn is the date that a calendar on the wall shows at an instant.
func DateIn(t time.Time, zone *time.Location) Date { return WallIn(t, zone).Date() }

// ParseDate reads 2026-12-24.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || t.Year() < 1 {
		return 0, fmt.Errorf("%q is no date of the form 2026-12-24", s)
	}
	return NewDate(t.Date()), nil
}

// Time is midnight UTC of the date, for arithmetic.
func (d Date) Time() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

func (d Date) String() string { return d.Time().Format(time.DateOnly) }

// Civil is the date's year, month and day.
func (d Date) Civil() (year int, month time.Month, day int) { return d.Time().Date() }

// Weekday is the day of the week.
func (d Date) Weekday() time.Weekday {
	const thursday = 4 // 1970-01-01
	return time.Weekday(((int(d)+thursday)%7 + 7) % 7)
}

// At is the wall time so many minutes after the midnight that begins the date.
func (d Date) At(minutes int) Wall { return Wall(d)*minutesPerDay + Wall(minutes) }

// WallIn is what a clock on the wall shows at an instant, without its seconds.
func WallIn(t time.Time, zone *time.Location) Wall {
	t = t.In(zone)
	_, offset := t.Zone()
	return Wall(floorDiv(t.Unix()+int64(offset), 60))
}

const wallLayout = "2006-01-02T15:04"

// ParseWall reads 2026-12-24T09:30.
func ParseWall(s string) (Wall, error) {
	t, err := time.Parse(wallLayout, s)
	if err != nil || t.Year() < 1 {
		return 0, fmt.Errorf("%q is no local time of the form 2026-12-24T09:30", s)
	}
	return Wall(t.Unix() / 60), nil
}

// Time is the wall time as if it were UTC, for arithmetic.
func (w Wall) Time() time.Time { return time.Unix(int64(w)*60, 0).UTC() }

func (w Wall) String() string { return w.Time().Format(wallLayout) }

// Date is the wall time's date.
func (w Wall) Date() Date {
	return Date(floorDiv(int64(w), minutesPerDay)) //nolint:gosec // a day count of years that can be written
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
