package apptest_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
)

// agenda is a calendar that is kept elsewhere.
type agenda struct {
	*httptest.Server
	mu     sync.Mutex
	answer http.HandlerFunc
	asked  []string // the If-None-Match of each request
}

const icsPath = "/secret-4711/basic.ics"

func newAgenda(t testing.TB, entries ...string) *agenda {
	t.Helper()
	g := &agenda{}
	g.has(entries...)
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		g.asked = append(g.asked, r.Header.Get("If-None-Match"))
		answer := g.answer
		g.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(g.Close)
	return g
}

func (g *agenda) says(h http.HandlerFunc) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.answer = h
}

// has makes these the entries of the calendar.
func (g *agenda) has(entries ...string) {
	text := "BEGIN:VCALENDAR\r\n" + strings.Join(entries, "") + "END:VCALENDAR\r\n"
	etag := fmt.Sprintf(`"%x"`, sha256.Sum256([]byte(text)))
	g.says(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", etag)
		w.Header().Set("Content-Type", "text/calendar; charset=utf-8")
		if r.Header.Get("If-None-Match") == etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = w.Write([]byte(text))
	})
}

func (g *agenda) conditions() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.asked...)
}

func entry(from, to time.Time, more string) string {
	const form = "20060102T150405Z"
	return "BEGIN:VEVENT\r\nSUMMARY:Dentist\r\nDTSTART:" + from.UTC().Format(form) + "\r\nDTEND:" + to.UTC().Format(form) + "\r\n" + more + "END:VEVENT\r\n"
}

// external is an external calendar of the account's.
type external struct {
	*apptest.Program
	*apptest.Account
	t  testing.TB
	id kernel.ExternalCalendarID
}

// outlook makes an account whose administrator has the calendar, and waits until it was fetched.
func outlook(t testing.TB, g *agenda) *external {
	t.Helper()
	_, ownerURL := dbtest.URLs(t)
	cfg := apptest.Config(t, ownerURL)
	cfg.OutboundAllow = strings.TrimPrefix(g.URL, "http://")
	p := apptest.Start(t, cfg, ownerURL)
	x := &external{Program: p, Account: p.Account(t), t: t}
	made := x.Post("/v1/external-calendars", object{"user_id": x.AdminID, "name": "Mine", "url": g.URL + icsPath}).Is(http.StatusCreated)
	var err error
	x.id, err = kernel.ParseID[kernel.ExternalCalendarID](made.Str("id"))
	require.NoError(t, err)
	apptest.Await(t, "the calendar is fetched", func() bool { return x.read().At("last_fetched_at") != nil })
	return x
}

func (x *external) path() string { return "/v1/external-calendars/" + x.id.String() }

func (x *external) read() *apptest.Answer { return x.Get(x.path()).Is(http.StatusOK) }

// fetch fetches the calendar once more, as its job does.
func (x *external) fetch() *apptest.Answer {
	x.t.Helper()
	require.NoError(x.t, x.Calendars.FetchExternal(x.t.Context(), x.Account.ID, x.id, func(context.Context) error { return nil }))
	return x.read()
}

// works tells whether the administrator works at a time, and why.
func (x *external) works(at time.Time) string {
	x.t.Helper()
	got := x.Get("/v1/staff?dealership_id=" + x.Dealership + "&at=" + at.UTC().Format(time.RFC3339)).Is(http.StatusOK)
	return fmt.Sprint(got.At("data.0.working"), " ", got.Str("data.0.reason"))
}

func TestExternalCalendarsSayWhenSomebodyDoesNotWork(t *testing.T) {
	t.Parallel()
	begin := time.Now().UTC().Truncate(time.Hour).Add(26 * time.Hour)
	hour := func(n int) time.Time { return begin.Add(time.Duration(n) * time.Hour) }
	g := newAgenda(t, entry(hour(0), hour(1), ""), entry(hour(2), hour(3), "TRANSP:TRANSPARENT\r\n"), entry(hour(24), hour(25), "RRULE:FREQ=DAILY\r\n"))
	x := outlook(t, g)
	got := x.read()
	assert.Equal(t, "active", got.Str("state"))
	assert.Nil(t, got.At("last_error"))
	assert.InDelta(t, 120, got.At("busy_count"), 2, "one, and one each day")
	assert.Equal(t, g.URL+"/…", got.Str("url"), "whoever has the URL reads the calendar: it is not shown")
	for _, path := range []string{x.path(), "/v1/external-calendars", "/v1/external-calendars/changes", "/v1/events?limit=200", "/v1/audit-log"} {
		assert.NotContains(t, string(x.Get(path).Is(http.StatusOK).Body), "secret-4711", path)
	}
	rows := strings.Join(collect[string](t, owner(t, x.Program), `SELECT t::text FROM external_calendars t UNION ALL SELECT t::text FROM external_busy_times t`), "\n")
	assert.NotContains(t, rows, fmt.Sprintf("%x", "secret-4711"), "nor kept readable")
	assert.NotContains(t, rows, "Dentist", "and of entries only their times are kept")

	assert.Equal(t, "false busy", x.works(hour(0)))
	assert.Equal(t, "true hours_unknown", x.works(hour(1)))
	assert.Equal(t, "true hours_unknown", x.works(hour(2)), "what is marked as free is free")
	assert.Equal(t, "false busy", x.works(hour(24*100)))
	hours(x.Account, x.Dealership, object{"week": week(allDays, "00:00", "24:00"), "holidays": object{"closed": false}}).Is(http.StatusCreated)
	assert.Equal(t, "false busy", x.works(hour(0)))
	span := func(at time.Time) string { return at.Format(time.RFC3339) }
	work, answer := open(t, x.Caller, "/v1/users/"+x.AdminID.String()+"/calendar?dealership_id="+x.Dealership+"&", span(hour(-1)), span(hour(2)))
	assert.Len(t, work, 2, "before and after")
	assert.InDelta(t, 120, answer.At("minutes"), 0)
	assert.Equal(t, "busy", answer.Str("deviations.0.kind"))
	assert.Equal(t, x.id.String(), answer.Str("deviations.0.source_id"))

	// What a user says goes first; a paused or deleted calendar says nothing.
	x.JSON(http.MethodPut, "/v1/presence/"+x.AdminID.String(), object{"state": "in", "until": span(hour(1))}).Is(http.StatusCreated)
	assert.Equal(t, "true present", x.works(hour(0)))
	x.JSON(http.MethodDelete, "/v1/presence/"+x.AdminID.String(), nil).Is(http.StatusNoContent)
	paused := x.JSON(http.MethodPatch, x.path(), object{"paused": true}).Is(http.StatusOK)
	assert.Equal(t, "paused", paused.Str("state"))
	assert.Nil(t, paused.At("next_fetch_at"))
	assert.Equal(t, "true open", x.works(hour(0)))
	assert.Equal(t, "external_calendar.paused", x.Post(x.path()+"/refresh", nil).Is(http.StatusConflict).Code())
	assert.Len(t, x.Get("/v1/external-calendars?state=paused").Is(http.StatusOK).List("data"), 1)
	assert.Empty(t, x.Get("/v1/external-calendars?state=active").Is(http.StatusOK).List("data"))
	x.JSON(http.MethodPatch, x.path(), object{"paused": false}).Is(http.StatusOK)
	assert.Equal(t, "false busy", x.works(hour(0)))
	x.JSON(http.MethodDelete, x.path(), nil).Is(http.StatusNoContent)
	assert.Equal(t, "true open", x.works(hour(0)))
	x.Post(x.path()+"/restore", nil).Is(http.StatusOK)
	assert.Equal(t, "false busy", x.works(hour(0)))
	assert.Equal(t, []string{
		"external_calendar.created", "external_calendar.updated", "external_calendar.updated", "external_calendar.deleted", "external_calendar.restored",
	}, acts(x.Account, x.id.String()))
}

func TestExternalCalendarsAreFetchedAgain(t *testing.T) {
	t.Parallel()
	begin := time.Now().UTC().Truncate(time.Hour).Add(26 * time.Hour)
	g := newAgenda(t, entry(begin, begin.Add(time.Hour), ""))
	x := outlook(t, g)
	conn := owner(t, x.Program)
	first := x.read()
	set := func(column string, back time.Duration) {
		_, err := conn.Exec(t.Context(), "UPDATE external_calendars SET "+column+" = now() - make_interval(secs => $2) WHERE account_id = $1", x.Account.ID, back.Seconds())
		require.NoError(t, err)
	}

	same := x.fetch()
	assert.Equal(t, []string{"", `"` + etagOf(g) + `"`}, g.conditions(), "asked for once, and then whether it changed")
	assert.Equal(t, first.At("version"), same.At("version"), "that it did not is no change")
	assert.NotEqual(t, first.Str("last_fetched_at"), same.Str("last_fetched_at"))
	set("read_at", 25*time.Hour)
	same = x.fetch()
	assert.Empty(t, g.conditions()[2], "once a day all is read, since the time for which it counts moves on")
	assert.Equal(t, first.At("version"), same.At("version"))

	// Another content is exchanged for the one before, and is a change.
	g.has(entry(begin.Add(2*time.Hour), begin.Add(3*time.Hour), ""), "BEGIN:VEVENT\r\nDTSTART:tomorrow\r\nEND:VEVENT\r\n")
	other := x.fetch()
	assert.InDelta(t, 1, other.At("skipped_count"), 0)
	assert.InDelta(t, first.At("version").(float64)+1, other.At("version"), 0)
	assert.Equal(t, "true hours_unknown", x.works(begin))
	assert.Equal(t, "false busy", x.works(begin.Add(2*time.Hour)))

	// A failure leaves what is known, and is tried again later and later.
	next := func(a *apptest.Answer) time.Duration {
		at, err := time.Parse(time.RFC3339, a.Str("next_fetch_at"))
		require.NoError(t, err)
		return time.Until(at)
	}
	assert.InDelta(t, 15, next(other).Minutes(), 2)
	for _, c := range []struct {
		code    string
		answer  http.HandlerFunc
		minutes float64
	}{
		{"fetch.bad_status", status(http.StatusInternalServerError), 15},
		{"fetch.type_refused", typed("text/html", "<html>Sign in</html>"), 30},
		{"ical.no_calendar", typed("text/plain", "<html>Sign in</html>"), 60},
		{"ical.cut_off", typed("text/calendar", "BEGIN:VCALENDAR\r\n"), 120},
		{"fetch.too_large", typed("text/calendar", strings.Repeat("X", 9<<20)), 240},
		{"fetch.unreachable", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 480},
		{"fetch.bad_status", status(http.StatusGone), 1440},
		{"fetch.bad_status", status(http.StatusGone), 1440},
	} {
		g.says(c.answer)
		failed := x.fetch()
		assert.Equal(t, "failing", failed.Str("state"))
		assert.Equal(t, c.code, failed.Str("last_error.code"))
		assert.NotContains(t, failed.Str("last_error.detail"), "secret-4711")
		assert.InDelta(t, c.minutes, next(failed).Minutes(), c.minutes/10+1, c.code)
		assert.Equal(t, other.Str("last_fetched_at"), failed.Str("last_fetched_at"), "the last time that it went well")
		assert.Equal(t, "false busy", x.works(begin.Add(2*time.Hour)), "what is known stays")
	}
	assert.Len(t, x.Get("/v1/external-calendars?state=failing").Is(http.StatusOK).List("data"), 1)
	g.has(entry(begin.Add(2*time.Hour), begin.Add(3*time.Hour), ""))
	assert.Equal(t, "active", x.fetch().Str("state"))

	// On demand, by the program itself: at once, but not again and again.
	set("tried_at", time.Hour)
	g.has(entry(begin, begin.Add(time.Hour), ""))
	asked := x.Post(x.path()+"/refresh", nil).Is(http.StatusAccepted)
	assert.Less(t, next(asked), time.Second)
	apptest.Await(t, "it is fetched", func() bool { return x.works(begin) == "false busy" })
	asked = x.Post(x.path()+"/refresh", nil).Is(http.StatusAccepted)
	assert.InDelta(t, 30, next(asked).Seconds(), 10)

	// Another URL is another calendar: what was known is forgotten at once. The same URL once more changes nothing.
	before := x.read()
	assert.Equal(t, before.At("version"), x.JSON(http.MethodPatch, x.path(), object{"url": g.URL + icsPath}).Is(http.StatusOK).At("version"))
	g.says(status(http.StatusNotFound))
	moved := x.JSON(http.MethodPatch, x.path(), object{"url": g.URL + "/other.ics"}).Is(http.StatusOK)
	assert.InDelta(t, 0, moved.At("busy_count"), 0)
	assert.Equal(t, "true hours_unknown", x.works(begin))

	sequence(t, x.Program)
	told, _ := read(t, x.Caller, "resource=external_calendar", "")
	kinds := make([]string, len(told))
	for i, e := range told {
		kinds[i] = e.Type
		if i > 0 {
			assert.Equal(t, told[i-1].Sequence+1, e.Sequence)
		}
	}
	assert.Subset(t, kinds, []string{"external_calendar.created", "external_calendar.refreshed", "external_calendar.failed", "external_calendar.updated"})
}

func typed(media, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", media)
		_, _ = w.Write([]byte(body))
	}
}

// etagOf is what the calendar was last asked by, without its quotes.
func etagOf(g *agenda) string {
	all := g.conditions()
	return strings.Trim(all[len(all)-1], `"`)
}

func TestWhoMayHaveExternalCalendars(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	a := p.Account(t)
	there := a.AddDealership("Elsewhere")
	hire := func(email, role, at string) (*apptest.Caller, string) {
		id := a.Post("/v1/users", object{"email": email, "password": apptest.Password, "roles": []any{object{"role": role, "dealership_id": at}}}).Is(http.StatusCreated).Str("id")
		return p.SignIn(t, email), id
	}
	seller, sellerID := hire("seller@fr.example", "salesperson", a.Dealership)
	manager, _ := hire("manager@fr.example", "manager", a.Dealership)
	stranger, _ := hire("stranger@fr.example", "manager", there)
	one := func(user string) object {
		return object{"user_id": user, "url": "webcal://calendar.example/basic.ics", "paused": true}
	}
	mine := seller.Post("/v1/external-calendars", one(sellerID)).Is(http.StatusCreated)
	assert.Equal(t, "https://calendar.example/…", mine.Str("url"))
	path := "/v1/external-calendars/" + mine.Str("id")
	seller.Post("/v1/external-calendars", one(a.AdminID.String())).Is(http.StatusForbidden)
	manager.Post("/v1/external-calendars", one(sellerID)).Is(http.StatusCreated)
	manager.JSON(http.MethodPatch, path, object{"name": "Hers"}).Is(http.StatusOK)
	stranger.Post("/v1/external-calendars", one(sellerID)).Is(http.StatusForbidden)
	stranger.JSON(http.MethodPatch, path, object{"name": "Not theirs"}).Is(http.StatusForbidden)
	stranger.Post(path+"/refresh", nil).Is(http.StatusForbidden)
	assert.Equal(t, "external_calendar.paused", seller.Post(path+"/refresh", nil).Is(http.StatusConflict).Code())
	for range 8 {
		a.Post("/v1/external-calendars", one(sellerID)).Is(http.StatusCreated)
	}
	assert.Equal(t, "external_calendar.too_many", a.Post("/v1/external-calendars", one(sellerID)).Is(http.StatusConflict).Code())
	for _, bad := range []string{"", "calendar.example", "http://calendar.example/", "https://127.0.0.1/", "https://user:pass@calendar.example/"} {
		got := a.Post("/v1/external-calendars", object{"user_id": a.AdminID, "url": bad}).Is(http.StatusUnprocessableEntity)
		assert.Equal(t, "/url", got.Str("errors.0.pointer"), bad)
	}
	a.JSON(http.MethodPatch, path, object{"url": "https://10.0.0.1/"}).Is(http.StatusUnprocessableEntity)
}
