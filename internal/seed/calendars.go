package seed

import (
	"context"
	"fmt"

	"github.com/rooftop-crm/rooftop/internal/calendars"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
)

var workdays = []string{"monday", "tuesday", "wednesday", "thursday", "friday"}

// openDoors gives each dealership opening hours and a closure, and its people shifts.
func (h *past) openDoors(ctx context.Context) error {
	system := auth.System(h.account)
	for _, id := range h.dealerships {
		for _, d := range []calendars.HoursDetails{showroom(id), workshop(id)} {
			if _, err := h.Calendars.Hours.Create(ctx, system, d); err != nil {
				return fmt.Errorf("opening hours: %w", err)
			}
		}
		_, err := h.Calendars.Closures.Create(ctx, system, calendars.ClosureDetails{
			Dealership: id, Label: "Réunion d'équipe", Starts: "2026-01-05T09:00", Ends: "2026-01-05T10:00", Rule: "FREQ=MONTHLY;BYDAY=1MO",
		})
		if err != nil {
			return fmt.Errorf("closure: %w", err)
		}
	}
	for _, s := range h.staff {
		if s.role == auth.RoleAgent || s.role == auth.RoleSalesperson {
			if err := h.rota(ctx, system, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// rota gives somebody shifts where they work: an agent at the first dealership.
func (h *past) rota(ctx context.Context, system auth.Actor, s staff) error {
	at := h.dealerships[0]
	if len(s.at) > 0 {
		at = h.dealerships[s.at[0]]
	}
	shift := func(day, from, to string) error {
		_, err := h.Calendars.Shifts.Create(ctx, system, calendars.ShiftDetails{
			User: s.actor.User, Dealership: at, Department: "sales", Day: day, From: from, To: to,
		})
		if err != nil {
			return fmt.Errorf("shift: %w", err)
		}
		return nil
	}
	for _, day := range workdays {
		if err := shift(day, "09:00", "12:30"); err != nil {
			return err
		}
		if err := shift(day, "14:00", "18:30"); err != nil {
			return err
		}
	}
	if s.role == auth.RoleSalesperson {
		return shift("saturday", "09:00", "18:00")
	}
	return nil
}

// showroom is open from Monday to Saturday, also on Whit Monday.
func showroom(id kernel.DealershipID) calendars.HoursDetails {
	d := calendars.HoursDetails{Dealership: id, Holidays: calendars.HolidayRule{Closed: true, OpenOn: []string{"whit_monday"}}}
	d.Week = twice(append(workdays, "saturday"), "09:00", "12:00", "14:00", "19:00")
	return d
}

func workshop(id kernel.DealershipID) calendars.HoursDetails {
	d := calendars.HoursDetails{Dealership: id, Department: "service", Holidays: calendars.HolidayRule{Closed: true}}
	d.Week = twice(workdays, "08:00", "12:00", "13:30", "18:00")
	return d
}

func twice(days []string, from, to, again, until string) []calendars.WeekHours {
	var week []calendars.WeekHours
	for _, day := range days {
		week = append(
			week,
			calendars.WeekHours{Day: day, TimeSpan: calendars.TimeSpan{From: from, To: to}},
			calendars.WeekHours{Day: day, TimeSpan: calendars.TimeSpan{From: again, To: until}},
		)
	}
	return week
}
