package apptest_test

import (
	"fmt"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
	"github.com/rooftop-crm/rooftop/internal/kernel"
)

// place makes a dealership somewhere in France, or in the zone.
func place(a *apptest.Account, postalCode, zone string) string {
	return a.Post("/v1/dealerships", object{
		"name": "Garage " + postalCode, "country": "FR", "time_zone": zone, "address": object{"postal_code": postalCode},
	}).Is(http.StatusCreated).Str("id")
}

func week(days []string, from, to string) []any {
	var out []any
	for _, d := range days {
		out = append(out, object{"day": d, "from": from, "to": to})
	}
	return out
}

var (
	allDays  = []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}
	workdays = allDays[:5]
)

func hours(a *apptest.Account, dealership string, change object) *apptest.Answer {
	body := object{"dealership_id": dealership, "week": week(workdays, "09:00", "18:00")}
	maps.Copy(body, change)
	return a.Post("/v1/opening-hours", body)
}

// open lists the intervals of a calendar as texts.
func open(t *testing.T, a *apptest.Caller, path, from, to string) (intervals []string, answer *apptest.Answer) {
	t.Helper()
	answer = a.Get(path + "from=" + from + "&to=" + to).Is(http.StatusOK)
	intervals = []string{}
	for i := range answer.List("intervals") {
		intervals = append(intervals, answer.Str(fmt.Sprintf("intervals.%d.from", i))+" "+answer.Str(fmt.Sprintf("intervals.%d.to", i)))
	}
	return intervals, answer
}

func TestOpeningsThroughTheNightTheClockChanges(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	a := p.Account(t)
	for _, c := range []struct {
		zone, from, to string
		want           []string
		minutes        float64
	}{
		{
			"Europe/Paris", "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z",
			[]string{"2026-03-28T22:00:00+01:00 2026-03-29T06:00:00+02:00"},
			420,
		},
		{
			"Europe/Paris", "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z",
			[]string{"2026-10-24T22:00:00+02:00 2026-10-25T06:00:00+01:00"},
			540,
		},
		{
			"America/New_York", "2026-03-07T18:00:00Z", "2026-03-08T18:00:00Z",
			[]string{"2026-03-07T22:00:00-05:00 2026-03-08T06:00:00-04:00"},
			420,
		},
		{
			"Australia/Lord_Howe", "2026-04-04T01:00:00Z", "2026-04-05T01:00:00Z",
			[]string{"2026-04-04T22:00:00+11:00 2026-04-05T06:00:00+10:30"},
			510,
		},
		{ // Samoa had no 30 December 2011: the night of the 29th ends with it, and that of the 30th begins with the 31st
			"Pacific/Apia", "2011-12-30T00:00:00Z", "2011-12-31T00:00:00Z",
			[]string{"2011-12-29T22:00:00-10:00 2011-12-31T06:00:00+14:00"},
			480,
		},
	} {
		id := place(a, "", c.zone)
		hours(a, id, object{"week": week(allDays, "22:00", "06:00")}).Is(http.StatusCreated)
		got, answer := open(t, a.Caller, "/v1/dealerships/"+id+"/calendar?", c.from, c.to)
		assert.Equal(t, c.want, got, c.zone)
		assert.InDelta(t, c.minutes, answer.At("minutes"), 0, c.zone)
		assert.Equal(t, c.zone, answer.Str("time_zone"))

		dealership, err := kernel.ParseID[kernel.DealershipID](id)
		require.NoError(t, err)
		from, err := time.Parse(time.RFC3339, c.from)
		require.NoError(t, err)
		at, err := p.Calendars.AddOpenMinutes(t.Context(), a.ID, dealership, "sales", from, int64(c.minutes))
		require.NoError(t, err)
		assert.Equal(t, c.want[0][26:], at.Format(time.RFC3339), "the last minute of the night, by the way that other contexts ask")
		n, err := p.Calendars.OpenMinutes(t.Context(), a.ID, dealership, "", from, at)
		require.NoError(t, err)
		assert.Equal(t, int64(c.minutes), n)
	}
}

func TestHolidaysCloseByRegion(t *testing.T) {
	t.Parallel()
	a := apptest.New(t).Account(t)
	strasbourg, paris := place(a, "67000", "Europe/Paris"), place(a, "75011", "Europe/Paris")
	made := hours(a, strasbourg, nil).Is(http.StatusCreated)
	hours(a, paris, nil).Is(http.StatusCreated)
	const goodFriday, next = "2027-03-25T23:00:00Z", "2027-03-26T23:00:00Z"
	calendar := func(id string) string { return "/v1/dealerships/" + id + "/calendar?" }

	got, answer := open(t, a.Caller, calendar(paris), goodFriday, next)
	assert.Equal(t, []string{"2027-03-26T09:00:00+01:00 2027-03-26T18:00:00+01:00"}, got)
	assert.Empty(t, answer.List("deviations"))

	got, answer = open(t, a.Caller, calendar(strasbourg), goodFriday, next)
	assert.Empty(t, got, "Good Friday is a holiday in Alsace, and the postal code tells so")
	assert.Equal(t, map[string]any{
		"kind": "holiday", "code": "good_friday", "closed": true, "from": "2027-03-26T00:00:00+01:00", "to": "2027-03-27T00:00:00+01:00",
		"labels": map[string]any{"en": "Good Friday", "fr": "Vendredi saint"}, "note": nil, "source_id": nil,
	}, answer.At("deviations.0"))

	// Which holidays close is a setting.
	path := "/v1/opening-hours/" + made.Str("id")
	a.JSON(http.MethodPatch, path, object{"holidays": object{"open_on": []any{"good_friday"}}}).Is(http.StatusOK)
	got, _ = open(t, a.Caller, calendar(strasbourg), goodFriday, next)
	assert.Len(t, got, 1, "the change is seen at once")
	a.JSON(http.MethodPatch, path, object{"holidays": object{"closed": false}}).Is(http.StatusOK)
	got, _ = open(t, a.Caller, calendar(strasbourg), "2026-12-24T23:00:00Z", "2026-12-25T23:00:00Z")
	assert.Len(t, got, 1)
	a.JSON(http.MethodPatch, path, object{"holidays": object{"country": "DE", "region": "DE-BW"}}).Is(http.StatusOK)
	got, _ = open(t, a.Caller, calendar(strasbourg), "2026-10-02T22:00:00Z", "2026-10-05T22:00:00Z")
	assert.Len(t, got, 1, "but for the Monday, it is German Unity Day and a weekend")

	list := a.Get("/v1/holidays?country=FR&region=FR-67&year=2027").Is(http.StatusOK)
	assert.Len(t, list.List("data"), 13)
	assert.Len(t, a.Get("/v1/holidays?country=FR&year=2027").Is(http.StatusOK).List("data"), 11)
	assert.Contains(t, string(a.Get("/v1/holidays?country=FR&region=FR-75&year=2027").Is(http.StatusBadRequest).Body), "FR-57")
	a.Get("/v1/holidays?country=XX&year=2027").Is(http.StatusBadRequest)
	a.Get("/v1/holidays?country=FR").Is(http.StatusBadRequest)
}

func TestClosuresAndExceptions(t *testing.T) {
	t.Parallel()
	a := apptest.New(t).Account(t)
	id := place(a, "75011", "Europe/Paris")
	hours(a, id, object{"exceptions": []any{
		object{"date": "2026-12-24", "hours": []any{object{"from": "09:00", "to": "13:00"}}, "note": "Réveillon"},
		object{"date": "2027-01-04", "hours": []any{object{"from": "10:00", "to": "16:00"}}},
	}}).Is(http.StatusCreated)
	hours(a, id, object{"department": "service", "week": week(workdays, "08:00", "17:00")}).Is(http.StatusCreated)
	closure := a.Post("/v1/closures", object{
		"dealership_id": id, "label": "Réunion", "starts": "2026-12-07T12:00", "ends": "2026-12-07T14:00", "rrule": "rrule:freq=monthly;byday=1mo",
		"except_dates": []any{"2027-03-01"},
	}).Is(http.StatusCreated)
	assert.Equal(t, "FREQ=MONTHLY;BYDAY=1MO", closure.Str("rrule"))
	a.Post("/v1/closures", object{"dealership_id": id, "department": "service", "starts": "2026-12-07T08:00", "ends": "2026-12-09T12:00"}).Is(http.StatusCreated)
	calendar := "/v1/dealerships/" + id + "/calendar?"

	day := func(date, department string) []string {
		path := calendar
		if department != "" {
			path += "department=" + department + "&"
		}
		from, err := time.Parse(time.DateOnly, date)
		require.NoError(t, err)
		got, _ := open(t, a.Caller, path, from.Add(-time.Hour).Format(time.RFC3339), from.Add(23*time.Hour).Format(time.RFC3339))
		for i := range got {
			got[i] = got[i][11:16] + "-" + got[i][37:42]
		}
		return got
	}
	assert.Equal(t, []string{"09:00-12:00", "14:00-18:00"}, day("2026-12-07", "sales"), "a department without hours of its own")
	assert.Equal(t, []string{"09:00-18:00"}, day("2026-12-14", ""))
	assert.Equal(t, []string{"09:00-13:00"}, day("2026-12-24", ""))
	assert.Equal(t, []string{"10:00-16:00"}, day("2027-01-04", ""), "what is said of a date stands against the closure")
	assert.Equal(t, []string{"09:00-12:00", "14:00-18:00"}, day("2027-02-01", ""))
	assert.Equal(t, []string{"09:00-18:00"}, day("2027-03-01", ""), "excepted")
	assert.Equal(t, []string{"08:00-12:00", "14:00-17:00"}, day("2027-02-01", "service"))
	assert.Empty(t, day("2026-12-08", "service"))
	assert.Equal(t, []string{"12:00-17:00"}, day("2026-12-09", "service"))

	_, answer := open(t, a.Caller, calendar, "2026-12-06T23:00:00Z", "2026-12-25T23:00:00Z")
	var kinds []string
	for i := range answer.List("deviations") {
		kinds = append(kinds, answer.Str(fmt.Sprintf("deviations.%d.kind", i)))
	}
	assert.Equal(t, []string{"closure", "exception", "holiday"}, kinds)
	assert.Equal(t, closure.Str("id"), answer.Str("deviations.0.source_id"))
	assert.Equal(t, "Réveillon", answer.Str("deviations.1.note"))

	path := "/v1/closures/" + closure.Str("id")
	a.JSON(http.MethodDelete, path, nil).Is(http.StatusNoContent)
	assert.Equal(t, []string{"09:00-18:00"}, day("2027-02-01", ""))
	a.Get(path).Is(http.StatusNotFound)
	a.Post(path+"/restore", nil).Is(http.StatusOK)
	assert.Equal(t, []string{"09:00-12:00", "14:00-18:00"}, day("2027-02-01", ""))
}

func TestCalendarsWithoutHours(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	a := p.Account(t)
	got, answer := open(t, a.Caller, "/v1/dealerships/"+a.Dealership+"/calendar?", "2026-12-01T00:00:00Z", "2026-12-02T00:00:00Z")
	assert.Empty(t, got)
	assert.Equal(t, false, answer.At("known"))
	dealership, err := kernel.ParseID[kernel.DealershipID](a.Dealership)
	require.NoError(t, err)
	from := time.Date(2026, 12, 6, 0, 0, 0, 0, time.UTC) // a Sunday
	n, err := p.Calendars.OpenMinutes(t.Context(), a.ID, dealership, "", from, from.Add(time.Hour))
	require.NoError(t, err)
	assert.Equal(t, int64(60), n, "open time is counted around the clock")

	hours(a, a.Dealership, object{"week": []any{}}).Is(http.StatusCreated)
	_, err = p.Calendars.AddOpenMinutes(t.Context(), a.ID, dealership, "", from, 1)
	assert.ErrorContains(t, err, "calendar.never_open")
}

func TestWrongCalendars(t *testing.T) {
	t.Parallel()
	a := apptest.New(t).Account(t)
	user := a.AdminID.String()
	hoursOf := func(change object) object {
		change["dealership_id"] = a.Dealership
		return change
	}
	closure := func(starts, ends, rule string) object {
		return object{"dealership_id": a.Dealership, "starts": starts, "ends": ends, "rrule": rule}
	}
	shift := func(change object) object {
		out := object{"user_id": user, "dealership_id": a.Dealership, "from": "09:00", "to": "12:00"}
		maps.Copy(out, change)
		return out
	}
	for _, c := range []struct {
		path    string
		body    object
		pointer string
	}{
		{"opening-hours", hoursOf(object{"week": []any{object{"day": "Monday", "from": "09:00", "to": "12:00"}}}), "/week/0/day"},
		{"opening-hours", hoursOf(object{"week": []any{object{"day": "monday", "from": "9:00", "to": "12:00"}}}), "/week/0/from"},
		{"opening-hours", hoursOf(object{"week": []any{object{"day": "monday", "from": "09:00", "to": "25:00"}}}), "/week/0/to"},
		{"opening-hours", hoursOf(object{"week": []any{object{"day": "monday", "from": "09:00", "to": "09:00"}}}), "/week/0/to"},
		{"opening-hours", hoursOf(object{"week": []any{object{"day": "sunday", "from": "09:00", "to": "12:00"}, object{"day": "saturday", "from": "20:00", "to": "10:00"}}}), "/week"},
		{"opening-hours", hoursOf(object{"exceptions": []any{object{"date": "2027-02-29"}}}), "/exceptions/0/date"},
		{"opening-hours", hoursOf(object{"exceptions": []any{object{"date": "2026-12-24"}, object{"date": "2026-12-24"}}}), "/exceptions/1/date"},
		{"opening-hours", hoursOf(object{"holidays": object{"region": "FR-75"}}), "/holidays/region"},
		{"opening-hours", hoursOf(object{"holidays": object{"country": "XX"}}), "/holidays/country"},
		{"opening-hours", hoursOf(object{"holidays": object{"open_on": []any{"my_birthday"}}}), "/holidays/open_on/0"},
		{"opening-hours", hoursOf(object{"department": "kitchen"}), "/department"},
		{"closures", closure("2026-12-07T12:00", "2026-12-07T12:00", ""), "/ends"},
		{"closures", closure("2026-12-07T12:00:00Z", "2026-12-07T14:00", ""), "/starts"},
		{"closures", closure("2026-12-07T12:00", "2026-12-07T14:00", "FREQ=HOURLY"), "/rrule"},
		{"closures", closure("2026-12-08T12:00", "2026-12-08T14:00", "FREQ=MONTHLY;BYDAY=1MO"), "/starts"},
		{"closures", closure("2026-12-08T12:00", "2026-12-08T14:00", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"), "/rrule"},
		{"closures", closure("2026-12-08T12:00", "2027-12-08T14:00", "FREQ=YEARLY"), "/ends"},
		{"shifts", shift(object{"day": "monday", "date": "2026-12-07"}), "/day"},
		{"shifts", shift(object{}), "/day"},
		{"shifts", shift(object{"date": "2026-12-07", "valid_from": "2026-01-01"}), "/valid_from"},
		{"shifts", shift(object{"day": "monday", "valid_from": "2026-02-01", "valid_until": "2026-01-01"}), "/valid_until"},
		{"absences", object{"user_id": user, "kind": "sick", "starts_at": "2026-12-07T12:00:00Z", "ends_at": "2026-12-07T12:00:00Z"}, "/ends_at"},
		{"absences", object{"user_id": user, "kind": "bored", "starts_at": "2026-12-07T12:00:00Z", "ends_at": "2026-12-08T12:00:00Z"}, "/kind"},
	} {
		got := a.Post("/v1/"+c.path, c.body).Is(http.StatusUnprocessableEntity)
		assert.Equal(t, c.pointer, got.Str("errors.0.pointer"), "%v: %s", c.body, got.Body)
	}
	a.JSON(http.MethodPut, "/v1/presence/"+user, object{"state": "in", "until": "2020-01-01T00:00:00Z"}).Is(http.StatusUnprocessableEntity)
	a.Get("/v1/dealerships/" + a.Dealership + "/calendar?from=2026-01-01T00:00:00Z&to=2028-01-01T00:00:00Z").Is(http.StatusBadRequest)
	a.Get("/v1/dealerships/" + a.Dealership + "/calendar").Is(http.StatusBadRequest)

	hours(a, a.Dealership, nil).Is(http.StatusCreated)
	assert.Equal(t, "opening_hours.department_taken", hours(a, a.Dealership, nil).Is(http.StatusConflict).Code())
	a.Post("/v1/shifts", shift(object{"day": "sunday", "from": "22:00", "to": "04:00"})).Is(http.StatusCreated)
	assert.Equal(t, "shift.overlaps", a.Post("/v1/shifts", shift(object{"day": "monday", "from": "03:00", "to": "05:00"})).Is(http.StatusConflict).Code())
	a.Post("/v1/shifts", shift(object{"day": "monday", "from": "04:00", "to": "05:00"})).Is(http.StatusCreated)
	absence := func(from, to string) *apptest.Answer {
		return a.Post("/v1/absences", object{"user_id": user, "kind": "sick", "starts_at": from, "ends_at": to})
	}
	first := absence("2026-12-07T00:00:00Z", "2026-12-09T00:00:00Z").Is(http.StatusCreated)
	assert.Equal(t, "absence.overlaps", absence("2026-12-08T23:59:00Z", "2026-12-10T00:00:00Z").Is(http.StatusConflict).Code())
	second := absence("2026-12-09T00:00:00Z", "2026-12-10T00:00:00Z").Is(http.StatusCreated)
	a.JSON(http.MethodPatch, "/v1/absences/"+second.Str("id"), object{"starts_at": "2026-12-08T00:00:00Z"}).Is(http.StatusConflict)
	a.JSON(http.MethodDelete, "/v1/absences/"+first.Str("id"), nil).Is(http.StatusNoContent)
	a.JSON(http.MethodPatch, "/v1/absences/"+second.Str("id"), object{"starts_at": "2026-12-08T00:00:00Z"}).Is(http.StatusOK)
	a.Post("/v1/absences/"+first.Str("id")+"/restore", nil).Is(http.StatusConflict)
}

// Each field of a PATCH is sent once alone, each write twice with one key, and a version that is past is refused.
func TestCalendarConventions(t *testing.T) {
	t.Parallel()
	a := apptest.New(t).Account(t)
	for _, c := range []struct {
		path    string
		body    object
		patches []object
	}{
		{"/v1/opening-hours", object{"dealership_id": a.Dealership, "week": week(workdays, "09:00", "12:00")}, []object{
			{"week": week(workdays, "10:00", "12:00")},
			{"exceptions": []any{object{"date": "2026-12-24", "hours": []any{}, "note": "x"}}},
			{"holidays": object{"closed": false, "country": "DE", "region": "DE-BY", "open_on": []any{"christmas"}}},
		}},
		{"/v1/closures", object{"dealership_id": a.Dealership, "starts": "2026-12-07T12:00", "ends": "2026-12-07T14:00"}, []object{
			{"department": "sales"},
			{"label": "Stock-taking"},
			{"starts": "2026-12-07T11:00"},
			{"ends": "2026-12-07T15:00"},
			{"rrule": "FREQ=WEEKLY"},
			{"except_dates": []any{"2026-12-14"}},
			{"department": nil},
		}},
		{"/v1/shifts", object{"user_id": a.AdminID, "dealership_id": a.Dealership, "day": "monday", "from": "09:00", "to": "12:00"}, []object{
			{"department": "parts"}, {"day": "tuesday"}, {"from": "08:00"}, {"to": "13:00"}, {"valid_from": "2026-01-01"}, {"valid_until": "2027-01-01"},
		}},
		{"/v1/absences", object{"user_id": a.AdminID, "kind": "sick", "starts_at": "2026-12-07T00:00:00Z", "ends_at": "2026-12-09T00:00:00Z"}, []object{
			{"kind": "other"}, {"starts_at": "2026-12-06T00:00:00Z"}, {"ends_at": "2026-12-10T00:00:00Z"}, {"note": "With the children"}, {"note": nil},
		}},
	} {
		made := a.Post(c.path, c.body, "Idempotency-Key", "make"+c.path).Is(http.StatusCreated)
		again := a.Post(c.path, c.body, "Idempotency-Key", "make"+c.path).Is(http.StatusCreated)
		assert.Equal(t, string(made.Body), string(again.Body))
		assert.Equal(t, "true", again.Header.Get("Idempotent-Replayed"))
		one := c.path + "/" + made.Str("id")
		assert.Equal(t, made.Header.Get("Location"), one)
		for i, patch := range c.patches {
			got := a.JSON(http.MethodPatch, one, patch, "If-Match", fmt.Sprintf(`"%d"`, i+1), "Idempotency-Key", fmt.Sprintf("%s%d", one, i)).Is(http.StatusOK)
			assert.InDelta(t, i+2, got.At("version"), 0)
			for field, want := range patch {
				assert.EqualValues(t, want, got.At(field), "%s %s", c.path, field)
			}
			same := a.JSON(http.MethodPatch, one, patch).Is(http.StatusOK)
			assert.Equal(t, got.Header.Get("Etag"), same.Header.Get("Etag"), "what changes nothing makes no version")
		}
		a.JSON(http.MethodPatch, one, c.patches[0], "If-Match", `"1"`).Is(http.StatusPreconditionFailed)
		a.Get(one, "If-None-Match", a.Get(one).Is(http.StatusOK).Header.Get("Etag")).Is(http.StatusNotModified)
		a.JSON(http.MethodPatch, one, object{"nonsense": 1}).Is(http.StatusUnprocessableEntity)

		feed := a.Get(c.path + "/changes").Is(http.StatusOK)
		assert.Len(t, feed.List("data"), 1)
		a.JSON(http.MethodDelete, one, nil, "If-Match", fmt.Sprintf(`"%d"`, len(c.patches)+1)).Is(http.StatusNoContent)
		assert.Empty(t, a.Get(c.path).Is(http.StatusOK).List("data"))
		cursor := feed.Str("next_cursor")
		require.Eventually(t, func() bool {
			step := a.Get(c.path + "/changes?cursor=" + cursor).Is(http.StatusOK)
			cursor = step.Str("next_cursor")
			return len(step.List("data")) == 1 && step.At("data.0.deleted_at") != nil
		}, 10*time.Second, 20*time.Millisecond)
		assert.Nil(t, a.Post(one+"/restore", nil).Is(http.StatusOK).At("deleted_at"))
	}
}

func TestWhoWorks(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	a := p.Account(t)
	id := place(a, "75011", "Europe/Paris")
	hire := func(name, role string, at any) (string, *apptest.Caller) {
		email := name + "-" + a.ID.String()[24:] + "@fr.example"
		made := a.Post("/v1/users", object{
			"email": email, "first_name": name, "password": apptest.Password, "roles": []any{object{"role": role, "dealership_id": at}},
		}).Is(http.StatusCreated).Str("id")
		return made, p.SignIn(t, email)
	}
	seller, asSeller := hire("Solal", "salesperson", id)
	adviser, _ := hire("Aude", "service_adviser", id)
	hire("Elsewhere", "salesperson", a.Dealership)
	state := func(user, at string) string {
		list := a.Get("/v1/staff?dealership_id=" + id + "&at=" + at).Is(http.StatusOK)
		for i := range list.List("data") {
			one := fmt.Sprintf("data.%d.", i)
			if list.Str(one+"id") == user {
				return fmt.Sprint(list.At(one+"working"), " ", list.Str(one+"reason"), " ", list.At(one+"until"))
			}
		}
		return "not listed"
	}
	assert.Equal(t, "true hours_unknown <nil>", state(seller, "2026-12-07T09:00:00Z"))
	hours(a, id, nil).Is(http.StatusCreated)
	assert.Equal(t, "true open 2026-12-07T17:00:00Z", state(seller, "2026-12-07T09:00:00Z"))
	assert.Equal(t, "false closed 2026-12-07T08:00:00Z", state(seller, "2026-12-05T09:00:00Z"))
	assert.Len(t, a.Get("/v1/staff?dealership_id="+id).Is(http.StatusOK).List("data"), 3, "and the administrator, who is everywhere")

	for _, day := range []string{"monday", "tuesday", "friday"} {
		a.Post("/v1/shifts", object{"user_id": seller, "dealership_id": id, "day": day, "from": "10:00", "to": "19:00"}).Is(http.StatusCreated)
	}
	a.Post("/v1/shifts", object{"user_id": seller, "dealership_id": id, "date": "2026-12-08", "from": "12:00", "to": "16:00"}).Is(http.StatusCreated)
	a.Post("/v1/shifts", object{"user_id": seller, "dealership_id": id, "date": "2026-12-13", "from": "10:00", "to": "12:00"}).Is(http.StatusCreated)
	a.Post("/v1/closures", object{"dealership_id": id, "starts": "2026-12-07T12:00", "ends": "2026-12-07T14:00"}).Is(http.StatusCreated)
	assert.Equal(t, "false off_shift 2026-12-07T09:00:00Z", state(seller, "2026-12-07T08:30:00Z"))
	assert.Equal(t, "true on_shift 2026-12-07T11:00:00Z", state(seller, "2026-12-07T09:30:00Z"), "until the closure")
	assert.Equal(t, "false off_shift 2026-12-28T09:00:00Z", state(seller, "2026-12-25T10:00:00Z"), "weekly shifts fall away on a holiday")

	sick := a.Post("/v1/absences", object{"user_id": seller, "kind": "sick", "starts_at": "2026-12-11T00:00:00Z", "ends_at": "2026-12-12T00:00:00Z", "note": "flu"})
	sick.Is(http.StatusCreated)
	assert.Equal(t, "false absent 2026-12-12T00:00:00Z", state(seller, "2026-12-11T10:00:00Z"))

	work := "/v1/users/" + seller + "/calendar?dealership_id=" + id + "&"
	got, answer := open(t, a.Caller, work, "2026-12-07T00:00:00Z", "2026-12-14T00:00:00Z")
	assert.Equal(t, []string{
		"2026-12-07T10:00:00+01:00 2026-12-07T12:00:00+01:00", "2026-12-07T14:00:00+01:00 2026-12-07T19:00:00+01:00",
		"2026-12-08T12:00:00+01:00 2026-12-08T16:00:00+01:00", // in place of Tuesday's
		"2026-12-13T10:00:00+01:00 2026-12-13T12:00:00+01:00", // a Sunday; the Friday is an absence
	}, got)
	assert.Equal(t, "flu", answer.Str("deviations.1.note"))
	_, answer = open(t, asSeller, work, "2026-12-07T00:00:00Z", "2026-12-14T00:00:00Z")
	assert.Equal(t, "flu", answer.Str("deviations.1.note"), "one's own")
	others := a.Post("/v1/absences", object{"user_id": adviser, "kind": "other", "starts_at": "2026-12-11T00:00:00Z", "ends_at": "2026-12-12T00:00:00Z", "note": "secret"}).
		Is(http.StatusCreated).Str("id")
	assert.NotContains(t, string(asSeller.Get("/v1/absences/"+others).Is(http.StatusOK).Body), "secret")
	assert.NotContains(t, string(asSeller.Get("/v1/absences").Is(http.StatusOK).Body), "secret")
	assert.NotContains(t, string(asSeller.Get("/v1/absences/changes").Is(http.StatusOK).Body), "secret")

	// People say for themselves whether they are in, and nobody says it for others without the right.
	now := time.Now().Add(time.Minute).UTC().Format(time.RFC3339)
	asSeller.JSON(http.MethodPut, "/v1/presence/"+seller, object{"state": "away"}).Is(http.StatusCreated)
	assert.Contains(t, state(seller, now), "false away")
	asSeller.JSON(http.MethodPut, "/v1/presence/"+seller, object{"state": "in"}).Is(http.StatusOK)
	assert.Contains(t, state(seller, now), "true present")
	listed := a.Get("/v1/staff?working=true&dealership_id=" + id + "&at=2026-12-06T10:00:00Z").Is(http.StatusOK)
	assert.Empty(t, listed.List("data"), "a Sunday")
	assert.Equal(t, "auth.forbidden", asSeller.JSON(http.MethodPut, "/v1/presence/"+adviser, object{"state": "away"}).Is(http.StatusForbidden).Code())
	assert.Equal(t, "auth.forbidden", asSeller.JSON(http.MethodDelete, "/v1/absences/"+others, nil).Is(http.StatusForbidden).Code())
	asSeller.JSON(http.MethodPatch, "/v1/absences/"+sick.Str("id"), object{"note": "better"}).Is(http.StatusOK)
	asSeller.Post("/v1/shifts", object{"user_id": seller, "dealership_id": id, "day": "sunday", "from": "10:00", "to": "19:00"}).Is(http.StatusForbidden)
	asSeller.JSON(http.MethodDelete, "/v1/presence/"+seller, nil).Is(http.StatusNoContent)
	assert.NotContains(t, state(seller, now), "present")
	asSeller.JSON(http.MethodPut, "/v1/presence/"+seller, object{"state": "in"}, "If-None-Match", "*").Is(http.StatusCreated)
}

func TestTooManyClosures(t *testing.T) {
	t.Parallel()
	a := apptest.New(t).Account(t)
	one := object{"dealership_id": a.Dealership, "starts": "2026-12-07T12:00", "ends": "2026-12-07T14:00"}
	first := a.Post("/v1/closures", one).Is(http.StatusCreated).Str("id")
	for range 199 {
		a.Post("/v1/closures", one).Is(http.StatusCreated)
	}
	assert.Equal(t, "closure.too_many", a.Post("/v1/closures", one).Is(http.StatusConflict).Code())
	a.JSON(http.MethodPatch, "/v1/closures/"+first, object{"label": "Still to be changed"}).Is(http.StatusOK)
	a.JSON(http.MethodDelete, "/v1/closures/"+first, nil).Is(http.StatusNoContent)
	a.Post("/v1/closures", one).Is(http.StatusCreated)
}

// Two who write overlapping absences of one user at once: one of them is refused.
func TestOverlapsUnderConcurrency(t *testing.T) {
	t.Parallel()
	a := apptest.New(t).Account(t)
	const writers = 8
	body := []byte(`{"user_id":"` + a.AdminID.String() + `","kind":"sick","starts_at":"2026-12-07T00:00:00Z","ends_at":"2026-12-09T00:00:00Z"}`)
	statuses := make(chan int, writers)
	start := make(chan struct{})
	for range writers {
		go func() {
			<-start
			got, err := a.Do(t.Context(), http.MethodPost, "/v1/absences", body, "Content-Type", "application/json")
			if err != nil {
				statuses <- 0
				return
			}
			statuses <- got.Status
		}()
	}
	close(start)
	count := map[int]int{}
	for range writers {
		count[<-statuses]++
	}
	assert.Equal(t, map[int]int{http.StatusCreated: 1, http.StatusConflict: writers - 1}, count)
}
