package ical

import "github.com/rooftop-crm/rooftop/internal/platform/errs"

// Why a calendar as a whole is not read. One entry that cannot be read is only left out.
var (
	ErrNoCalendar = errs.New(errs.Invalid, "ical.no_calendar",
		"This is no iCalendar document. Use the address that the calendar gives out for other programs, not that of its web page.")
	ErrCutOff  = errs.New(errs.Invalid, "ical.cut_off", "The calendar ends in the middle.")
	ErrTooMuch = errs.New(errs.Invalid, "ical.too_much", "The calendar has more entries than are reckoned with. Give out a smaller part of it.")
)
