package app

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/rooftop-crm/rooftop/internal/calendars"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/fetch"
	"github.com/rooftop-crm/rooftop/internal/platform/jobs"
)

// fetchCalendarArgs asks for one external calendar to be fetched.
type fetchCalendarArgs struct {
	Calendar kernel.ExternalCalendarID `json:"calendar_id"`
}

// Kind implements jobs.Args.
func (fetchCalendarArgs) Kind() string { return "calendars.fetch" }

// fetchCalendarSpec: what a host does wrong is written down and is no failure of the job, which is tried again for ours alone.
var fetchCalendarSpec = jobs.Spec{Queue: jobs.Queue{Name: "calendars", Workers: 4}, Retry: []time.Duration{time.Second, 10 * time.Second, time.Minute}}

func fetchCalendar(s *calendars.Service) func(context.Context, *jobs.Attempt[fetchCalendarArgs]) error {
	return func(ctx context.Context, a *jobs.Attempt[fetchCalendarArgs]) error {
		return s.FetchExternal(ctx, a.Account, a.Args.Calendar, a.Complete)
	}
}

func enqueueCalendars(r *jobs.Runner) func(context.Context, kernel.AccountID, kernel.ExternalCalendarID) error {
	return func(ctx context.Context, account kernel.AccountID, id kernel.ExternalCalendarID) error {
		_, err := r.Insert(ctx, account, fetchCalendarArgs{Calendar: id}, jobs.Options{Once: true})
		return err
	}
}

// calendarFetcher is fetch as calendars sees it.
type calendarFetcher struct {
	guard  *fetch.Guard
	client *fetch.Client
}

var _ calendars.Outside = calendarFetcher{}

// Hosts tell calendars by several types; that it is one is seen when it is read.
var calendarPolicy = fetch.Policy{
	MaxRedirects: 3, Timeout: 25 * time.Second, MaxBytes: 8 << 20,
	ContentTypes: []string{"text/calendar", "text/plain", "text/x-vcalendar", "application/ics", "application/calendar", "application/octet-stream"},
}

func newCalendarFetcher(g *fetch.Guard) calendarFetcher {
	return calendarFetcher{guard: g, client: g.Client(calendarPolicy)}
}

// Check implements calendars.Outside.
func (f calendarFetcher) Check(url string) error { return f.guard.Check(url, calendarPolicy) }

// Get implements calendars.Outside.
func (f calendarFetcher) Get(ctx context.Context, url, etag, modified string) (calendars.Document, error) {
	h := http.Header{"Accept": {"text/calendar, text/plain;q=0.5, */*;q=0.1"}}
	if etag != "" {
		h.Set("If-None-Match", etag)
	}
	if modified != "" {
		h.Set("If-Modified-Since", modified)
	}
	got, err := f.client.Get(ctx, url, h)
	if err != nil {
		return calendars.Document{}, err
	}
	defer func() { _ = got.Body.Close() }()
	if got.Status == http.StatusNotModified {
		return calendars.Document{Unchanged: true}, nil
	}
	text, err := io.ReadAll(got.Body)
	if err != nil {
		return calendars.Document{}, err
	}
	return calendars.Document{
		Text: string(text), ETag: validator(got.Header.Get("ETag")), Modified: validator(got.Header.Get("Last-Modified")),
	}, nil
}

// validator is what a host wants to hear again, if it is of a length to keep.
func validator(value string) string {
	const longest = 500
	if len(value) > longest || storable(value) != value {
		return ""
	}
	return value
}
