package calendars

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/worktime"
)

const (
	maxText       = 200
	maxNote       = 2000
	maxSpans      = 100
	maxExceptions = 400
	firstDate     = "2000-01-01"
	lastDate      = "2199-12-31"
)

// wrong collects every bad field of a request.
type wrong struct{ fields []errs.Field }

func (w *wrong) add(pointer, code, detail string) {
	w.fields = append(w.fields, errs.Field{Pointer: pointer, Code: code, Detail: detail})
}

func (w *wrong) err() error {
	if len(w.fields) == 0 {
		return nil
	}
	return errs.InvalidFields(w.fields...)
}

func (w *wrong) text(pointer string, s *string, most int) {
	*s = strings.TrimSpace(*s)
	if utf8.RuneCountInString(*s) > most {
		w.add(pointer, "too_long", fmt.Sprintf("Must be at most %d characters.", most))
	}
}

// Departments lists the departments that have hours of their own.
func Departments() []string {
	return []string{"sales", "service", "parts", "rental", "body_shop", "office"}
}

func (w *wrong) department(pointer, d string) {
	if d != "" && !slices.Contains(Departments(), d) {
		w.add(pointer, "unknown", "Must be one of "+strings.Join(Departments(), ", ")+", or null.")
	}
}

var dayNames = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

// weekday is the day of the week by its name, -1 when it is none.
func weekday(name string) int { return slices.Index(dayNames, name) }

func (w *wrong) date(pointer, s string) worktime.Date {
	d, err := worktime.ParseDate(s)
	if err != nil || s < firstDate || s > lastDate {
		w.add(pointer, "wrong_format", "Give a date between 2000 and 2199, such as 2026-12-24.")
	}
	return d
}

func (w *wrong) wall(pointer, s string) worktime.Wall {
	at, err := worktime.ParseWall(s)
	if err != nil || s < firstDate || s > lastDate+"T" {
		w.add(pointer, "wrong_format", "Give a local time between 2000 and 2199 without zone, such as 2026-12-24T12:00.")
	}
	return at
}

// minutesOf reads 09:30 as minutes since midnight; 24:00 is the end of a day.
func minutesOf(s string) (int, bool) {
	if s == "24:00" {
		return 24 * 60, true
	}
	if len(s) != 5 || s[2] != ':' {
		return 0, false
	}
	var hours, minutes int
	for i, c := range []byte(s) {
		switch {
		case i == 2:
		case c < '0' || c > '9':
			return 0, false
		case i < 2:
			hours = hours*10 + int(c-'0')
		default:
			minutes = minutes*10 + int(c-'0')
		}
	}
	return hours*60 + minutes, hours < 24 && minutes < 60
}

// spanOf is from one time of day to another, which is on the next day when it is not after the first.
func spanOf(from, to string) (worktime.Span, bool) {
	a, okA := minutesOf(from)
	b, okB := minutesOf(to)
	s := worktime.Span{From: a, To: b}
	if b < a {
		s.To += 24 * 60
	}
	return s, okA && okB && s.Valid()
}

func (w *wrong) span(at, from, to string) worktime.Span {
	s, ok := spanOf(from, to)
	switch _, okFrom := minutesOf(from); {
	case ok:
	case !okFrom || from == "24:00":
		w.add(at+"/from", "wrong_format", "Give a time of day from 00:00 to 23:59, such as 09:00.")
	case from == to:
		w.add(at+"/to", "invalid", "Must not be the same as from. A whole day is from 00:00 to 24:00.")
	default:
		w.add(at+"/to", "wrong_format", "Give a time of day such as 12:00, or 24:00. One before from is on the next day.")
	}
	return s
}

// overlap tells whether two of the spans cover a common minute.
func overlap(spans []worktime.Span) bool {
	sorted := slices.Clone(spans)
	slices.SortFunc(sorted, func(a, b worktime.Span) int { return a.From - b.From })
	for i := 1; i < len(sorted); i++ {
		if sorted[i].From < sorted[i-1].To {
			return true
		}
	}
	return false
}

// dealership looks a dealership up and names it as wrong when it is not the account's.
func (s *Service) dealership(ctx context.Context, account kernel.AccountID, id kernel.DealershipID, w *wrong) (Dealership, error) {
	d, err := s.core.Dealership(ctx, account, id)
	if errs.IsKind(err, errs.NotFound) {
		w.add("/dealership_id", "unknown", "There is no such dealership in this account.")
		return d, nil
	}
	return d, err
}

func (s *Service) knowsUser(ctx context.Context, account kernel.AccountID, id kernel.UserID, w *wrong) error {
	_, err := s.core.User(ctx, account, id)
	if errs.IsKind(err, errs.NotFound) {
		w.add("/user_id", "unknown", "There is no such user in this account.")
		return nil
	}
	return err
}
