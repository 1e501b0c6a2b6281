package calendars

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/audit"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/holidays"
	"github.com/rooftop-crm/rooftop/internal/platform/worktime"
)

// HoursDetails is when a department of a dealership is open.
type HoursDetails struct {
	Dealership kernel.DealershipID
	Department string // "" for those that have no hours of their own
	Week       []WeekHours
	Exceptions []Exception
	Holidays   HolidayRule
}

// TimeSpan is from one time of day to another, in the dealership's time: 09:00 to 12:00. To is on the next day when it is not
// after From.
type TimeSpan struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// WeekHours is one opening of every week.
type WeekHours struct {
	Day string `json:"day"` // monday
	TimeSpan
}

// Exception is what holds on one date, in place of the week, holidays and closures.
type Exception struct {
	Date  string     `json:"date"`
	Hours []TimeSpan `json:"hours"` // none when closed
	Note  string     `json:"note"`
}

// HolidayRule says which public holidays close.
type HolidayRule struct {
	Closed  bool     `json:"closed"`  // on holidays, but for those of OpenOn
	Country string   `json:"country"` // the dealership's when empty
	Region  string   `json:"region"`  // ISO 3166-2; when empty, told by the postal code where that is possible
	OpenOn  []string `json:"open_on"` // codes of holidays
}

func (d HoursDetails) fields() []field {
	return []field{
		{"dealership_id", d.Dealership}, {"department", d.Department}, {"week", d.Week}, {"exceptions", d.Exceptions}, {"holidays", d.Holidays},
	}
}

func (s *Service) hoursRules() rules[HoursDetails] {
	r := atDealership(func(d HoursDetails) kernel.DealershipID { return d.Dealership })
	r.changed = func(account kernel.AccountID, d HoursDetails) { s.forget(account, d.Dealership) }
	r.open = func(d HoursDetails) audit.Fields {
		return audit.Fields{"dealership_id": d.Dealership, "department": d.Department, "week": d.Week, "holidays": d.Holidays}
	}
	r.check = func(ctx context.Context, actor auth.Actor, _ uuid.UUID, d *HoursDetails) error {
		var w wrong
		place, err := s.dealership(ctx, actor.Account, d.Dealership, &w)
		if err != nil {
			return err
		}
		d.validate(&w, place)
		return w.err()
	}
	return r
}

// validate brings the details into their stored form.
func (d *HoursDetails) validate(w *wrong, place Dealership) {
	w.department("/department", d.Department)
	d.validateWeek(w)
	d.validateExceptions(w)
	d.Holidays.validate(w, place)
}

func (d *HoursDetails) validateWeek(w *wrong) {
	if len(d.Week) > maxSpans {
		w.add("/week", "too_many", fmt.Sprintf("At most %d.", maxSpans))
		return
	}
	if d.Week == nil {
		d.Week = []WeekHours{}
	}
	const week = 7 * 24 * 60
	var all []worktime.Span
	for i, h := range d.Week {
		at := fmt.Sprintf("/week/%d", i)
		day := weekday(h.Day)
		if day < 0 {
			w.add(at+"/day", "not_allowed", "Must be a day of the week in English, such as monday.")
		}
		s := w.span(at, h.From, h.To)
		s.From, s.To = s.From+day*24*60, s.To+day*24*60
		all = append(all, s)
		if s.To > week { // Saturday night goes on at the beginning of the week
			all = append(all, worktime.Span{From: s.From - week, To: s.To - week})
		}
	}
	if len(w.fields) == 0 && overlap(all) {
		w.add("/week", "overlaps", "Two openings overlap. Make one of them, or mend their times.")
	}
	slices.SortStableFunc(d.Week, func(a, b WeekHours) int {
		if a.Day != b.Day { // from Monday on
			return (weekday(a.Day)+6)%7 - (weekday(b.Day)+6)%7
		}
		return compare(a.From, b.From)
	})
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (d *HoursDetails) validateExceptions(w *wrong) {
	if len(d.Exceptions) > maxExceptions {
		w.add("/exceptions", "too_many", fmt.Sprintf("At most %d. Take out what is past.", maxExceptions))
		return
	}
	if d.Exceptions == nil {
		d.Exceptions = []Exception{}
	}
	seen := map[string]bool{}
	for i := range d.Exceptions {
		e := &d.Exceptions[i]
		at := fmt.Sprintf("/exceptions/%d", i)
		w.date(at+"/date", e.Date)
		if seen[e.Date] {
			w.add(at+"/date", "duplicate", "This date is given twice.")
		}
		seen[e.Date] = true
		w.text(at+"/note", &e.Note, maxText)
		if len(e.Hours) > maxSpans {
			w.add(at+"/hours", "too_many", fmt.Sprintf("At most %d.", maxSpans))
			continue
		}
		if e.Hours == nil {
			e.Hours = []TimeSpan{}
		}
		before := len(w.fields)
		var spans []worktime.Span
		for j, h := range e.Hours {
			spans = append(spans, w.span(fmt.Sprintf("%s/hours/%d", at, j), h.From, h.To))
		}
		if len(w.fields) == before && overlap(spans) {
			w.add(at+"/hours", "overlaps", "Two openings overlap. Make one of them, or mend their times.")
		}
	}
	slices.SortStableFunc(d.Exceptions, func(a, b Exception) int { return compare(a.Date, b.Date) })
}

func (h *HolidayRule) validate(w *wrong, place Dealership) {
	country := h.Country
	if country == "" {
		country = place.Country
	}
	switch {
	case h.Country != "" && !holidays.Known(h.Country, ""):
		w.add("/holidays/country", "unknown", "Holidays are known for: "+strings.Join(holidays.Countries(), ", ")+".")
	case h.Region != "" && !holidays.Known(country, h.Region):
		w.add("/holidays/region", "unknown", "Regions with holidays of their own there: "+strings.Join(holidays.Regions(country), ", ")+".")
	}
	if len(h.OpenOn) > maxSpans {
		w.add("/holidays/open_on", "too_many", fmt.Sprintf("At most %d.", maxSpans))
		return
	}
	for i := range h.OpenOn {
		at := fmt.Sprintf("/holidays/open_on/%d", i)
		if w.text(at, &h.OpenOn[i], maxText); !holidays.IsCode(h.OpenOn[i]) {
			w.add(at, "unknown", "Give the code of a holiday, such as whit_monday. GET /v1/holidays lists them.")
		}
	}
	h.OpenOn = slices.Compact(slices.Sorted(slices.Values(h.OpenOn)))
	if h.OpenOn == nil {
		h.OpenOn = []string{}
	}
}

// regionOf is the region of a dealership that its postal code tells, as holidays has it; "" when it does not.
func regionOf(country, postalCode string) string {
	if country != "FR" || len(postalCode) != 5 {
		return ""
	}
	switch postalCode[:2] {
	case "57", "67", "68":
		return "FR-" + postalCode[:2]
	}
	switch postalCode[:3] {
	case "971", "972", "973", "974", "976":
		switch postalCode { // two islands have codes of Guadeloupe still
		case "97133":
			return "FR-BL"
		case "97150":
			return "FR-MF"
		}
		return "FR-" + postalCode[:3]
	}
	return ""
}
