package apptest_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/clock"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
)

// wireEvent is an event as a stranger reads it.
type wireEvent struct {
	SpecVersion string    `json:"specversion"`
	ID          string    `json:"id"`
	Source      string    `json:"source"`
	Type        string    `json:"type"`
	Subject     string    `json:"subject"`
	Time        time.Time `json:"time"`
	Sequence    int64     `json:"sequence"`
	Data        struct {
		Resource     string   `json:"resource"`
		ResourceID   string   `json:"resource_id"`
		DealershipID string   `json:"dealership_id"`
		Changed      []string `json:"changed"`
	} `json:"data"`
}

type eventPage struct {
	Data       []wireEvent `json:"data"`
	NextCursor string      `json:"next_cursor"`
	HasMore    bool        `json:"has_more"`
}

// read reads events from a cursor to the end.
func read(t testing.TB, c *apptest.Caller, query, cursor string) (all []wireEvent, next string) {
	t.Helper()
	for {
		path := "/v1/events?" + query
		if cursor != "" {
			path += "&cursor=" + cursor
		}
		var page eventPage
		c.For(t).Get(path).Is(http.StatusOK).Into(&page)
		all, cursor = append(all, page.Data...), page.NextCursor
		if !page.HasMore {
			return all, cursor
		}
	}
}

func typesOf(all []wireEvent) []string {
	out := make([]string, len(all))
	for i, e := range all {
		out[i] = e.Type
	}
	return out
}

// sequence gives every event that was written its place.
func sequence(t testing.TB, p *apptest.Program) {
	t.Helper()
	awaitNumbers(t, owner(t, p))
}

// awaitNumbers waits until every event has its number. Asking the sequencer is not enough: it is done at once when another
// run is under way.
func awaitNumbers(t testing.TB, conn *pgx.Conn) {
	t.Helper()
	apptest.Await(t, "every event has its number", func() bool {
		return collect[int](t, conn, `SELECT count(*) FROM events WHERE position IS NULL`)[0] == 0
	})
}

// piece is one server-sent event.
type piece struct{ id, event, data string }

// pieces reads server-sent events as the HTML standard says, and calls got for each until it says no or the stream ends.
func pieces(ctx context.Context, c *apptest.Caller, path, last string, got func(piece) bool) (status int, _ error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.Base+path, nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer "+c.Credential)
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return resp.StatusCode, nil
	}
	var now piece
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "id":
			now.id = value
		case "event":
			now.event = value
		case "data":
			now.data += value
		case "":
			if lines.Text() == "" && !got(now) {
				return http.StatusOK, nil
			}
			if lines.Text() == "" {
				now = piece{id: now.id}
			}
		}
	}
	return http.StatusOK, lines.Err()
}

// streamed reads what a stream has now.
func streamed(t testing.TB, c *apptest.Caller, query, last string) (all []piece) {
	t.Helper()
	status, err := pieces(t.Context(), c, "/v1/events/stream?wait=0&"+query, last, func(p piece) bool {
		if p.event != "" {
			all = append(all, p)
		}
		return true
	})
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	return all
}

func TestEventsTellWhatChanged(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	a := p.Account(t)
	id := a.Post("/v1/leads", apptest.Enquiry()).Is(http.StatusCreated).Str("id")
	a.Post("/v1/leads/"+id+"/status", object{"status": "in_contact"}).Is(http.StatusOK)
	sequence(t, p)

	all, next := read(t, a.Caller, "limit=2", "")
	require.Greater(t, len(all), 4)
	assert.Equal(t, []string{"dealership.created", "contact.created", "lead.created", "lead.status_changed"}, typesOf(all)[len(all)-4:])
	last := all[len(all)-1]
	assert.Equal(t, "1.0", last.SpecVersion)
	assert.Equal(t, "/accounts/"+a.ID.String(), last.Source)
	assert.Equal(t, "lead/"+id, last.Subject)
	assert.Equal(t, id, last.Data.ResourceID)
	assert.Equal(t, a.Dealership, last.Data.DealershipID)
	assert.Contains(t, last.Data.Changed, "status")
	assert.EqualValues(t, 2, last.Sequence)

	one := a.Get("/v1/events/" + last.ID).Is(http.StatusOK)
	assert.Equal(t, last.ID, one.Str("id"))
	assert.Equal(t, a.AdminID.String(), one.Str("data.actor.id"))
	a.Get("/v1/events/" + uuid.NewString()).Is(http.StatusNotFound)

	for query, want := range map[string][]string{
		"resource=lead": {"lead.created", "lead.status_changed"}, "type=lead.created,contact.created": {"contact.created", "lead.created"},
		"resource=lead&type=contact.created": {}, "dealership_id=" + a.Dealership: {"dealership.created", "lead.created", "lead.status_changed"},
		"dealership_id=" + uuid.NewString(): {}, "since=2100-01-01T00:00:00Z": {}, "resource=lead&since=2020-01-01T00:00:00Z": {"lead.created", "lead.status_changed"},
	} {
		got, _ := read(t, a.Caller, query, "")
		assert.Equal(t, want, typesOf(got), query)
	}
	none, again := read(t, a.Caller, "resource=lead", next)
	assert.Empty(t, none, "a cursor holds for every filter")
	assert.Equal(t, next, again)
	a.JSON(http.MethodDelete, "/v1/leads/"+id, nil).Is(http.StatusNoContent)
	sequence(t, p)
	more, _ := read(t, a.Caller, "", next)
	assert.Equal(t, []string{"lead.deleted"}, typesOf(more))
	assert.Equal(t, "cursor.invalid", a.Get("/v1/events?cursor=A"+next).Is(http.StatusBadRequest).Code())
}

func TestEventsTellNobodyMoreThanTheyMayRead(t *testing.T) { //nolint:tparallel // one after another: they share what they call
	t.Parallel()
	g := newGroup(t)
	seller, sellerID := g.hire(t, "salesperson", g.first)
	viewer, _ := g.hire(t, "viewer", g.second)
	marketing, _ := g.hire(t, "marketing", "")
	sequence(t, g.p)
	_, start := read(t, g.Caller, "", "")
	mine := g.lead(object{"dealership_id": g.first, "assignee_id": sellerID})
	free := g.lead(object{"dealership_id": g.first, "source": "b"})
	theirs := g.lead(object{"dealership_id": g.first, "assignee_id": g.AdminID, "source": "c"})
	there := g.lead(object{"dealership_id": g.second, "source": "d"})
	for _, d := range []string{g.first, g.second} {
		g.JSON(http.MethodPatch, "/v1/dealerships/"+d, object{"legal_name": "Named"}).Is(http.StatusOK)
	}
	_, hired := g.hire(t, "agent", "")
	made := g.Post("/v1/api-keys", object{"kind": "api_key", "name": "Key", "scopes": []any{"leads:read"}}).Is(http.StatusCreated)
	key := made.Str("id")
	sequence(t, g.p)
	everything, _ := read(t, g.Caller, "", start)

	for _, tt := range []struct {
		name       string
		c          *apptest.Caller
		sees, does []string
	}{
		{"administrator", g.Caller, []string{mine, free, theirs, there, g.first, g.second, key, hired}, nil},
		{"salesperson", seller, []string{mine, free, g.first, hired}, []string{theirs, there, g.second, key}},
		{"viewer of the second", viewer, []string{there, g.second, hired}, []string{mine, free, theirs, g.first, key}},
		{"marketing", marketing, []string{mine, free, theirs, there, g.first}, []string{key, hired}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fed, _ := read(t, tt.c, "limit=3", start)
			seen, ids := map[string]bool{}, map[string]bool{}
			for _, e := range fed {
				seen[e.Data.ResourceID], ids[e.ID] = true, true
			}
			for _, id := range tt.sees {
				assert.True(t, seen[id], id)
			}
			for _, id := range tt.does {
				assert.False(t, seen[id], id)
			}
			for i, got := range streamed(t, tt.c, "", start) {
				var e wireEvent
				require.NoError(t, json.Unmarshal([]byte(got.data), &e))
				assert.Equal(t, fed[i].ID, e.ID, "the stream tells the same")
			}
			for _, e := range everything {
				want := http.StatusNotFound
				if ids[e.ID] {
					want = http.StatusOK
				}
				tt.c.For(t).Get("/v1/events/" + e.ID).Is(want)
			}
		})
	}
	assert.Equal(t, "auth.forbidden", g.p.With(t, made.Str("secret")).Get("/v1/events").Is(http.StatusForbidden).Code())
}

func TestStreamFollowsResumesAndEnds(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	a := p.Account(t)
	sequence(t, p)
	got := make(chan piece, 100)
	ctx, leave := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		_, _ = pieces(ctx, a.Caller, "/v1/events/stream?resource=lead", "", func(p piece) bool { got <- p; return true })
	})
	first := <-got
	assert.NotEmpty(t, first.id, "what to resume by, before anything happens")
	one := a.Post("/v1/leads", apptest.Enquiry()).Is(http.StatusCreated).Str("id")
	live := <-got
	assert.Equal(t, "lead.created", live.event)
	assert.Contains(t, live.data, one)
	leave()
	wg.Wait()

	a.JSON(http.MethodDelete, "/v1/leads/"+one, nil).Is(http.StatusNoContent)
	sequence(t, p)
	missed := streamed(t, a.Caller, "resource=lead", live.id)
	require.Len(t, missed, 1)
	assert.Equal(t, "lead.deleted", missed[0].event)
	both := streamed(t, a.Caller, "resource=lead", first.id)
	require.Len(t, both, 2)
	assert.Equal(t, missed[0].id, both[1].id, "an id names a place for every stream")
	fed, _ := read(t, a.Caller, "resource=lead", live.id)
	assert.Equal(t, []string{"lead.deleted"}, typesOf(fed), "and for the feed")
}

func TestStreamEndsWithItsCredential(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	a := p.Account(t)
	key := a.Post("/v1/api-keys", object{"kind": "api_key", "name": "Reader", "scopes": []any{"events:read"}}).Is(http.StatusCreated)
	reader := p.With(t, key.Str("secret"))
	open := func(c *apptest.Caller) (opened, over chan int) {
		opened, over = make(chan int, 10), make(chan int, 1)
		go func() {
			status, _ := pieces(t.Context(), c, "/v1/events/stream", "", func(piece) bool { opened <- 1; return true })
			over <- status
		}()
		return opened, over
	}
	var ends []chan int
	for range 10 {
		opened, over := open(reader)
		<-opened
		ends = append(ends, over)
	}
	_, refused := open(reader)
	assert.Equal(t, http.StatusTooManyRequests, <-refused, "one more than a credential may hold")
	opened, stays := open(a.Caller)
	<-opened
	began := time.Now()
	a.JSON(http.MethodDelete, "/v1/api-keys/"+key.Str("id"), nil).Is(http.StatusNoContent)
	for _, over := range ends {
		<-over
	}
	assert.Less(t, time.Since(began), revocation)
	assert.Empty(t, stays, "another credential's goes on")
	p.Feed.Stop()
	assert.Equal(t, http.StatusOK, <-stays, "a server that stops ends them all")
}

func TestStreamAndFeedSayWhatIsGone(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	a := p.Account(t)
	conn := owner(t, p)
	sequence(t, p)
	old := a.Get("/v1/events?limit=1").Is(http.StatusOK).Str("next_cursor")
	changes := a.Get("/v1/contacts/changes?limit=1").Is(http.StatusOK).Str("next_cursor")
	a.Post("/v1/contacts", object{"full_name": "One"}).Is(http.StatusCreated)
	sequence(t, p)
	_, end := read(t, a.Caller, "", "")

	_, err := conn.Exec(t.Context(), `UPDATE events SET occurred_at = occurred_at - interval '40 days' WHERE account_id = $1`, a.ID)
	require.NoError(t, err)
	a.Post("/v1/contacts", object{"full_name": "Two"}).Is(http.StatusCreated)
	sequence(t, p)
	n, err := p.Events.PruneNow(t.Context(), clock.Now().Add(-30*24*time.Hour))
	require.NoError(t, err)
	assert.Positive(t, n)
	again, err := p.Events.PruneNow(t.Context(), clock.Now().Add(-30*24*time.Hour))
	require.NoError(t, err)
	assert.Zero(t, again)
	assert.Equal(t, "cursor.expired", a.Get("/v1/events?cursor="+old).Is(http.StatusGone).Code())
	assert.Equal(t, "cursor.expired", a.Get("/v1/contacts/changes?limit=1&cursor="+changes).Is(http.StatusGone).Code(), "a feed of changes does not lie either")
	kept, _ := read(t, a.Caller, "", end)
	assert.Equal(t, []string{"contact.created"}, typesOf(kept), "what came after is there")
	oldest, _ := read(t, a.Caller, "", "")
	assert.Equal(t, kept, oldest)
	told := streamed(t, a.Caller, "", old)
	require.Len(t, told, 2)
	assert.Equal(t, "gap", told[0].event)
	assert.Contains(t, told[0].data, "cursor.expired")
	assert.Equal(t, "contact.created", told[1].event, "the oldest that is left follows")
	assert.Equal(t, kept[0].ID, a.Get("/v1/events/"+kept[0].ID).Is(http.StatusOK).Str("id"))

	_, err = conn.Exec(t.Context(), `UPDATE installation SET value = gen_random_uuid()::text WHERE key = 'epoch'`)
	require.NoError(t, err)
	assert.Equal(t, "cursor.expired", a.Get("/v1/events?cursor="+end).Is(http.StatusGone).Code(), "another history")
	told = streamed(t, a.Caller, "", end)
	require.Len(t, told, 1)
	assert.Equal(t, "gap", told[0].event)
	assert.Empty(t, streamed(t, a.Caller, "", told[0].id), "and goes on behind it")
}

// soak is how often something is done: few times in a quick run, ROOFTOP_ROUNDS in the soak.
func soak(few int) int {
	if n, err := strconv.Atoi(os.Getenv("ROOFTOP_ROUNDS")); err == nil {
		return n
	}
	return few
}

// thing is what the writers below change.
type thing struct {
	id      uuid.UUID
	version int64
}

// writeThings has 32 writers change things of their own, in transactions of up to 50 ms, and returns how many events
// there are. A long transaction is open all the while.
func writeThings(t *testing.T, p *apptest.Program, a *apptest.Account, each int) int {
	t.Helper()
	const writers = 32
	event := func(ctx context.Context, id uuid.UUID, version int64) error {
		return p.Events.Write(ctx, a.ID, outbox.Event{
			Type: "thing.changed", Resource: "thing", ID: id, Sequence: version, Actor: auth.System(a.ID), At: clock.Now(),
		})
	}
	var all, long sync.WaitGroup
	over := make(chan struct{})
	long.Go(func() {
		assert.NoError(t, p.DB.InTx(t.Context(), func(ctx context.Context) error {
			if err := event(ctx, uuid.New(), 1); err != nil {
				return err
			}
			<-over
			return nil
		}))
	})
	for range writers {
		all.Go(func() {
			mine := []*thing{{id: uuid.New()}, {id: uuid.New()}}
			for range each {
				one := mine[rand.N(len(mine))]
				one.version++
				assert.NoError(t, p.DB.InTx(t.Context(), func(ctx context.Context) error {
					if err := event(ctx, one.id, one.version); err != nil {
						return err
					}
					_, err := p.DB.Exec(ctx, a.ID, "SELECT pg_sleep($1)", rand.Float64()/20)
					return err
				}))
			}
		})
	}
	all.Wait()
	close(over)
	long.Wait()
	return writers*each + 1
}

// ledger is what a reader saw.
type ledger struct {
	mu    sync.Mutex
	seen  map[string]int
	last  map[string]int64
	wrong []string
}

func (l *ledger) note(e wireEvent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen == nil {
		l.seen, l.last = map[string]int{}, map[string]int64{}
	}
	if l.seen[e.ID]++; l.seen[e.ID] > 1 {
		l.wrong = append(l.wrong, "twice: "+e.ID)
	}
	if e.Sequence != l.last[e.Data.ResourceID]+1 {
		l.wrong = append(l.wrong, fmt.Sprintf("%s: %d after %d", e.Data.ResourceID, e.Sequence, l.last[e.Data.ResourceID]))
	}
	l.last[e.Data.ResourceID] = e.Sequence
}

func (l *ledger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.seen)
}

func TestReadersSeeEveryEventOnceInOrder(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	a := p.Account(t)
	sequence(t, p)
	_, start := read(t, a.Caller, "", "")
	each := soak(10)
	reconnect := 2 * time.Second
	if each <= 10 {
		reconnect = 200 * time.Millisecond // as often, in a short run
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var byCursor, byStream ledger
	var readers sync.WaitGroup
	readers.Go(func() {
		cursor := start
		for ctx.Err() == nil {
			got, err := a.Do(ctx, http.MethodGet, "/v1/events?limit=7&cursor="+cursor, nil)
			if err != nil {
				continue
			}
			var page eventPage
			if assert.NoError(t, json.Unmarshal(got.Body, &page)) && assert.Equal(t, http.StatusOK, got.Status, "%s", got.Body) {
				cursor = page.NextCursor
			}
			for _, e := range page.Data {
				byCursor.note(e)
			}
		}
	})
	readers.Go(func() {
		last := start
		for ctx.Err() == nil {
			within, cancel := context.WithTimeout(ctx, reconnect)
			_, _ = pieces(within, a.Caller, "/v1/events/stream", last, func(got piece) bool {
				if last = got.id; got.event == "" {
					return true
				}
				var e wireEvent
				if err := json.Unmarshal([]byte(got.data), &e); err != nil {
					t.Errorf("%s: %v", got.data, err)
				}
				byStream.note(e)
				return true
			})
			cancel()
		}
	})
	want := writeThings(t, p, a, each)
	apptest.Await(t, "both have seen all", func() bool { return t.Failed() || byCursor.count() == want && byStream.count() == want })
	stop()
	readers.Wait()
	assert.Empty(t, byCursor.wrong)
	assert.Empty(t, byStream.wrong)
	all, _ := read(t, a.Caller, "", start)
	assert.Len(t, all, want)
}

func TestStreamsWithoutAListener(t *testing.T) {
	t.Parallel()
	_, ownerURL := dbtest.URLs(t)
	cfg := apptest.Config(t, ownerURL)
	cfg.Pooler = true
	followsAlong(t, apptest.Start(t, cfg, ownerURL))
}

func TestStreamHearsOfWhatAnotherProcessWrites(t *testing.T) {
	t.Parallel()
	_, ownerURL := dbtest.URLs(t)
	reading := apptest.Start(t, apptest.Config(t, ownerURL), ownerURL)
	cfg := apptest.Config(t, ownerURL)
	cfg.Services = "contacts"
	writing := apptest.Start(t, cfg, ownerURL)
	a := reading.Account(t)
	got := make(chan piece, 10)
	go func() {
		_, _ = pieces(t.Context(), a.Caller, "/v1/events/stream?resource=contact", "", func(p piece) bool { got <- p; return true })
	}()
	<-got
	writing.With(t, a.Credential).Post("/v1/contacts", object{"full_name": "From there"}).Is(http.StatusCreated)
	assert.Equal(t, "contact.created", (<-got).event)
}

func followsAlong(t *testing.T, p *apptest.Program) {
	t.Helper()
	a := p.Account(t)
	got := make(chan piece, 10)
	go func() {
		_, _ = pieces(t.Context(), a.Caller, "/v1/events/stream?resource=contact", "", func(p piece) bool { got <- p; return true })
	}()
	<-got
	a.Post("/v1/contacts", object{"full_name": "Live"}).Is(http.StatusCreated)
	assert.Equal(t, "contact.created", (<-got).event)
}
