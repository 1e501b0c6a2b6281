package calendarsapi

import (
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/calendars"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/holidays"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// longest is how much time one calendar may be asked for.
const longest = 400 * 24 * time.Hour

// rangeOf reads from and to.
func rangeOf(q *httpx.Query) (from, to time.Time) {
	a, b := q.Time("from"), q.Time("to")
	q.Refuse(a == nil, "from", "Must be given, as RFC 3339 writes a time.")
	q.Refuse(b == nil, "to", "Must be given, as RFC 3339 writes a time.")
	if a == nil || b == nil {
		return from, to
	}
	q.Refuse(!a.Before(*b), "to", "Must be after from.")
	q.Refuse(b.Sub(*a) > longest, "to", "Must be at most 400 days after from.")
	q.Refuse(a.Year() < holidays.FirstYear || b.Year() > holidays.LastYear, "from", "Must be between the years 1990 and 2199.")
	return *a, *b
}

// dealershipCalendar answers when a dealership is open.
//
//	@ID				getDealershipCalendar
//	@Summary		See when a dealership is open
//	@Description	The open intervals of a department in the dealership's time, and each thing that makes them differ from the week. What is said
//	@Description	of a date goes before holidays and closures. Without opening hours known is false and no interval is listed.
//	@Tags			calendars
//	@Param			id			path		string	true	"id of the dealership"	format(uuid)
//	@Param			department	query		string	false	"without it, the hours of departments that have none of their own"	Enums(sales,service,parts,rental,body_shop,office)
//	@Param			from		query		string	true	"from this time on"	format(date-time)
//	@Param			to			query		string	true	"up to this time, 400 days later at most"	format(date-time)
//	@Success		200			{object}	Calendar
//	@Security		Bearer
//	@Router			/dealerships/{id}/calendar [get]
func (h handler) dealershipCalendar(c echo.Context) error {
	id, err := httpx.PathID[kernel.DealershipID](c, "id")
	if err != nil {
		return err
	}
	q := httpx.NewQuery(c)
	name := q.Choice("department", calendars.Departments()...)
	from, to := rangeOf(q)
	if err := q.Err(); err != nil {
		return err
	}
	got, err := h.calendars.Open(c.Request().Context(), httpx.ActorOf(c), id, name, from, to)
	if err != nil {
		return err
	}
	return httpx.One(c, q, httpx.Reply{Body: fromCalendar(got)})
}

// userCalendar answers when somebody works.
//
//	@ID				getUserCalendar
//	@Summary		See when a user works
//	@Description	The intervals in which a user works at a dealership: by shifts, or where there are none by its opening hours, less absences;
//	@Description	what the user says of themselves goes before both.
//	@Tags			calendars
//	@Param			id				path		string	true	"id of the user"			format(uuid)
//	@Param			dealership_id	query		string	true	"where"						format(uuid)
//	@Param			from			query		string	true	"from this time on"			format(date-time)
//	@Param			to				query		string	true	"up to this time, 400 days later at most"	format(date-time)
//	@Success		200				{object}	Calendar
//	@Security		Bearer
//	@Router			/users/{id}/calendar [get]
func (h handler) userCalendar(c echo.Context) error {
	id, err := httpx.PathID[kernel.UserID](c, "id")
	if err != nil {
		return err
	}
	q := httpx.NewQuery(c)
	place := httpx.QueryID[kernel.DealershipID](q, "dealership_id")
	q.Refuse(place == nil, "dealership_id", "Must be given: a user may work at several.")
	from, to := rangeOf(q)
	if err := q.Err(); err != nil {
		return err
	}
	got, err := h.calendars.Work(c.Request().Context(), httpx.ActorOf(c), id, *place, from, to)
	if err != nil {
		return err
	}
	body := fromCalendar(got)
	body.UserID = &id
	return httpx.One(c, q, httpx.Reply{Body: body})
}

// staff lists who works at a dealership.
//
//	@ID				listStaff
//	@Summary		See who works now
//	@Description	The users with a role at the dealership or for the whole account, and whether they work at a time, with the reason. With
//	@Description	working the others are left out, so that a page may have fewer than limit.
//	@Tags			calendars
//	@Param			dealership_id	query		string	true	"where"					format(uuid)
//	@Param			at				query		string	false	"when; now when left out"	format(date-time)
//	@Param			working			query		boolean	false	"only who works, or only who does not"
//	@Param			sort			query		string	false	"order"	Enums(created_at,-created_at)
//	@Success		200				{object}	httpx.ListOf[StaffMember]
//	@Security		Bearer
//	@Router			/staff [get]
func (h handler) staff(c echo.Context) error {
	q := httpx.NewQuery(c)
	place := httpx.QueryID[kernel.DealershipID](q, "dealership_id")
	q.Refuse(place == nil, "dealership_id", "Must be given.")
	at, only := q.Time("at"), q.Bool("working")
	q.Refuse(at != nil && (at.Year() < holidays.FirstYear || at.Year() > holidays.LastYear), "at", "Must be between the years 1990 and 2199.")
	p := q.Page("created_at", "created_at")
	if err := q.Err(); err != nil {
		return err
	}
	if at == nil {
		now := h.calendars.Now()
		at = &now
	}
	found, err := h.calendars.Staff(c.Request().Context(), httpx.ActorOf(c), *place, *at, only, p)
	if err != nil {
		return err
	}
	return httpx.List(c, q, page.Map(found, fromMember))
}

// holidays lists public holidays.
//
//	@ID				listHolidays
//	@Summary		List public holidays
//	@Description	The public holidays of a country, or of one of its regions, in a year. Covered are Austria, Belgium, France, Germany, Ireland,
//	@Description	Italy, Luxembourg, the Netherlands, Portugal, Spain, Switzerland, the United Kingdom and the federal holidays of the United
//	@Description	States; not covered are those of towns, and days that a government proclaims for one year.
//	@Tags			calendars
//	@Param			country	query		string	true	"ISO 3166-1"
//	@Param			region	query		string	false	"ISO 3166-2, such as FR-57 or DE-BY; without it, the days of the whole country"
//	@Param			year	query		integer	true	"from 1990 to 2199"
//	@Success		200		{object}	HolidayList
//	@Security		Bearer
//	@Router			/holidays [get]
func (h handler) holidays(c echo.Context) error {
	const longestCode = 6
	q := httpx.NewQuery(c)
	country, region := q.Text("country", longestCode), q.Text("region", longestCode)
	year := q.Int("year", holidays.FirstYear, holidays.LastYear)
	known := holidays.Known(country, "")
	q.Refuse(!known, "country", "Must be one of "+strings.Join(holidays.Countries(), ", ")+".")
	q.Refuse(known && !holidays.Known(country, region), "region", "Must be one of "+strings.Join(holidays.Regions(country), ", ")+".")
	q.Refuse(year == nil, "year", "Must be given, from 1990 to 2199.")
	if err := q.Err(); err != nil {
		return err
	}
	found, err := h.calendars.HolidaysOf(httpx.ActorOf(c), country, region, *year)
	if err != nil {
		return err
	}
	return httpx.One(c, q, httpx.Reply{Body: HolidayList{Data: httpx.Mapped(found, fromHoliday)}})
}
