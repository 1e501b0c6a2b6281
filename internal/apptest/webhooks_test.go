package apptest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
	"github.com/rooftop-crm/rooftop/internal/events"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/clock"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
	"github.com/rooftop-crm/rooftop/pkg/webhooksig"
)

// hit is one request that a receiver got.
type hit struct {
	at     time.Time
	header http.Header
	body   []byte
	event  wireEvent
}

// receiver is a program of somebody else's.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	hits   []hit
	answer atomic.Pointer[http.HandlerFunc]
}

func newReceiver(t testing.TB) *receiver {
	t.Helper()
	r := &receiver{}
	r.says(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		h := hit{at: time.Now(), header: req.Header.Clone(), body: body}
		if err == nil {
			err = json.Unmarshal(body, &h.event)
		}
		if err == nil && h.event.Data.Resource != "thing" { // which only tests have
			assert.NoError(t, apptest.CheckWebhook(h.event.Type, req.Header, body))
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.mu.Lock()
		r.hits = append(r.hits, h)
		r.mu.Unlock()
		(*r.answer.Load())(w, req)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) says(h http.HandlerFunc) { r.answer.Store(&h) }

func status(code int, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
	}
}

func (r *receiver) got() []hit {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.hits)
}

func (r *receiver) await(t testing.TB, n int) []hit {
	t.Helper()
	apptest.Await(t, fmt.Sprintf("%d deliveries", n), func() bool { return len(r.got()) >= n })
	return r.got()
}

func eventTypes(hits []hit) []string {
	out := make([]string, len(hits))
	for i, h := range hits {
		out[i] = h.event.Type
	}
	return out
}

// hooked is a program that may reach some receivers.
func hooked(t testing.TB, all ...*receiver) (*apptest.Program, *apptest.Account) {
	t.Helper()
	_, ownerURL := dbtest.URLs(t)
	cfg := apptest.Config(t, ownerURL)
	var allow []string
	for _, r := range all {
		allow = append(allow, strings.TrimPrefix(r.URL, "http://"))
	}
	cfg.OutboundAllow = strings.Join(allow, ",")
	p := apptest.Start(t, cfg, ownerURL)
	return p, p.Account(t)
}

func hook(a *apptest.Account, r *receiver, more object) *apptest.Answer {
	body := object{"url": r.URL + "/hook"}
	maps.Copy(body, more)
	return a.Post("/v1/webhook-endpoints", body).Is(http.StatusCreated)
}

func contact(a *apptest.Account, name string) string {
	return a.Post("/v1/contacts", object{"full_name": name}).Is(http.StatusCreated).Str("id")
}

// delivery waits for the delivery of an event to stand so, and reads its log.
func delivery(t testing.TB, a *apptest.Account, endpoint, event, state string) *apptest.Answer {
	t.Helper()
	var id string
	apptest.Await(t, "a delivery is "+state, func() bool {
		got := a.For(t).Get("/v1/webhook-deliveries?endpoint_id=" + endpoint + "&event_id=" + event).Is(http.StatusOK)
		if len(got.List("data")) == 0 {
			return false
		}
		id = got.Str("data.0.id")
		return got.Str("data.0.state") == state
	})
	return a.For(t).Get("/v1/webhook-deliveries/" + id).Is(http.StatusOK)
}

func TestWebhooksAreSignedFilteredAndLogged(t *testing.T) {
	t.Parallel()
	r, other := newReceiver(t), newReceiver(t)
	_, a := hooked(t, r, other)
	made := hook(a, r, object{"resources": []any{"contact", "lead"}, "description": "All"})
	id, secret := made.Str("id"), made.Str("secret")
	hook(a, other, object{"event_types": []any{"contact.deleted"}})
	hook(a, other, object{"event_types": []any{"contact.created"}, "enabled": false})
	hook(a, other, object{"dealership_ids": []any{uuid.NewString()}})

	one := contact(a, "One")
	a.JSON(http.MethodPatch, "/v1/contacts/"+one, object{"full_name": "Two"}).Is(http.StatusOK)
	a.JSON(http.MethodDelete, "/v1/contacts/"+one, nil).Is(http.StatusNoContent)
	got := r.await(t, 3)
	assert.Equal(t, []string{"contact.created", "contact.updated", "contact.deleted"}, eventTypes(got), "in order")
	for i, h := range got {
		require.NoError(t, webhooksig.Verify([]string{secret}, h.header, h.body, time.Now()))
		assert.Equal(t, h.event.ID, h.header.Get("webhook-id"))
		assert.EqualValues(t, i+1, h.event.Sequence)
		assert.Less(t, len(h.body), 20_000)
		assert.NotContains(t, string(h.body), "Two", "thin: what it is now is read from the API")
		assert.Equal(t, "application/json", h.header.Get("Content-Type"))
		fields := map[string]any{}
		require.NoError(t, json.Unmarshal(h.body, &fields))
		assert.NotEmpty(t, fields["timestamp"])
	}
	assert.Equal(t, []string{"contact.deleted"}, eventTypes(other.await(t, 1)))

	log := delivery(t, a, id, got[0].event.ID, "delivered")
	assert.Equal(t, string(got[0].body), log.Str("body"))
	assert.InDelta(t, 204, log.At("log.0.status"), 0)
	assert.Equal(t, got[0].header.Get("webhook-signature"), log.Str("log.0.request_headers.webhook-signature"))

	tested := a.Post("/v1/webhook-endpoints/"+id+"/test", nil).Is(http.StatusAccepted)
	got = r.await(t, 4)
	assert.Equal(t, "webhook.test", got[3].event.Type)
	assert.Equal(t, tested.Str("event_id"), got[3].header.Get("webhook-id"))

	// A rotation: the old and the new secret verify, until the old one is over.
	rotated := a.Post("/v1/webhook-endpoints/"+id+"/rotate-secret", object{}).Is(http.StatusOK)
	newer := rotated.Str("secret")
	assert.NotEqual(t, secret, newer)
	assert.Len(t, rotated.List("secrets"), 2)
	contact(a, "Three")
	h := r.await(t, 5)[4]
	for _, s := range []string{secret, newer} {
		require.NoError(t, webhooksig.Verify([]string{s}, h.header, h.body, time.Now()))
	}
	last := a.Post("/v1/webhook-endpoints/"+id+"/rotate-secret", object{"overlap_hours": 0}).Is(http.StatusOK)
	contact(a, "Four")
	h = r.await(t, 6)[5]
	require.NoError(t, webhooksig.Verify([]string{last.Str("secret")}, h.header, h.body, time.Now()))
	require.ErrorIs(t, webhooksig.Verify([]string{secret, newer}, h.header, h.body, time.Now()), webhooksig.ErrSignature)
	assert.NotContains(t, string(a.Get("/v1/webhook-endpoints/"+id).Is(http.StatusOK).Body), "whsec_")

	a.JSON(http.MethodDelete, "/v1/webhook-endpoints/"+id, nil).Is(http.StatusNoContent)
	a.Get("/v1/webhook-endpoints/" + id).Is(http.StatusNotFound)
	a.Post("/v1/webhook-endpoints/"+id+"/test", nil).Is(http.StatusNotFound)
	a.Post("/v1/webhook-endpoints/"+id+"/restore", nil).Is(http.StatusOK)
	contact(a, "Five")
	assert.Equal(t, []string{"contact.created"}, eventTypes(r.await(t, 7)[6:]))
}

func TestWebhookReplay(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	p, a := hooked(t, r)
	contact(a, "Before there was an endpoint")
	sequence(t, p)
	began := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
	id := hook(a, r, object{"resources": []any{"contact"}}).Str("id")
	for range 3 {
		contact(a, "After")
	}
	first := r.await(t, 3)
	for _, h := range first {
		delivery(t, a, id, h.event.ID, "delivered")
	}
	again := a.Post("/v1/webhook-endpoints/"+id+"/replay", object{"since": began}).Is(http.StatusAccepted)
	assert.InDelta(t, 4, again.At("queued"), 0, "also what came before the endpoint")
	got := r.await(t, 7)[3:]
	assert.Equal(t, []string{"contact.created", "contact.created", "contact.created", "contact.created"}, eventTypes(got))
	bodies := map[string]string{}
	for _, h := range got {
		bodies[h.header.Get("webhook-id")] = string(h.body)
	}
	for _, h := range first {
		assert.Equal(t, string(h.body), bodies[h.header.Get("webhook-id")], "the same ids and bodies")
	}
	one := delivery(t, a, id, first[1].event.ID, "delivered")
	a.Post("/v1/webhook-deliveries/"+one.Str("id")+"/replay", nil).Is(http.StatusAccepted)
	h := r.await(t, 8)[7]
	assert.Equal(t, string(first[1].body), string(h.body))
	assert.Len(t, delivery(t, a, id, first[1].event.ID, "delivered").List("log"), 3, "each attempt is in the log")
	none := a.Post("/v1/webhook-endpoints/"+id+"/replay", object{"since": began, "states": []any{"failed"}}).Is(http.StatusAccepted)
	assert.InDelta(t, 0, none.At("queued"), 0)
	none = a.Post("/v1/webhook-endpoints/"+id+"/replay", object{"since": began, "until": began}).Is(http.StatusAccepted)
	assert.InDelta(t, 0, none.At("queued"), 0)
	a.JSON(http.MethodPatch, "/v1/webhook-endpoints/"+id, object{"enabled": false}).Is(http.StatusOK)
	assert.Equal(t, "webhook.disabled", a.Post("/v1/webhook-endpoints/"+id+"/replay", object{"since": began}).Is(http.StatusConflict).Code())
}

func TestAFailingEndpointHoldsUpNobody(t *testing.T) {
	t.Parallel()
	good, bad, hangs, gone, moved, target, cut := newReceiver(t), newReceiver(t), newReceiver(t), newReceiver(t), newReceiver(t), newReceiver(t), newReceiver(t)
	p, a := hooked(t, good, bad, hangs, gone, moved, target, cut)
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	bad.says(status(http.StatusInternalServerError))
	hangs.says(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	gone.says(status(http.StatusGone))
	moved.says(status(http.StatusFound, "Location", target.URL+"/hook"))
	cut.says(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if assert.NoError(t, err) {
			_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"))
			_ = conn.Close()
		}
	})
	only := object{"event_types": []any{"contact.created"}}
	ids := map[*receiver]string{}
	for _, r := range []*receiver{bad, hangs, gone, moved, cut, good} {
		ids[r] = hook(a, r, only).Str("id")
	}
	const events = 30
	for i := range events {
		contact(a, fmt.Sprint("Person ", i))
	}
	got := good.await(t, events)
	var took []time.Duration
	for _, h := range got {
		took = append(took, h.at.Sub(h.event.Time))
	}
	slices.Sort(took)
	assert.Less(t, took[len(took)*95/100], 5*time.Second, "a healthy endpoint waits for nobody")
	assert.Empty(t, target.got(), "no redirect is followed")
	assert.LessOrEqual(t, len(hangs.got()), 6, "and no endpoint takes more than its share")

	apptest.Await(t, "410 disables", func() bool { return a.Get("/v1/webhook-endpoints/"+ids[gone]).At("enabled") == false })
	assert.Equal(t, "gone", a.Get("/v1/webhook-endpoints/"+ids[gone]).Str("disabled_reason"))
	sequence(t, p)
	told, _ := read(t, a.Caller, "type=webhook_endpoint.disabled", "")
	require.Len(t, told, 1)
	assert.Equal(t, ids[gone], told[0].Data.ResourceID)
	mails := a.Get("/v1/mails").Is(http.StatusOK)
	require.Len(t, mails.List("data"), 1, "the administrator is told once")
	assert.Equal(t, "webhook.disabled", mails.Str("data.0.template"))
	apptest.Await(t, "what was to be delivered is cancelled", func() bool {
		return len(a.Get("/v1/webhook-deliveries?state=pending&endpoint_id="+ids[gone]).Is(http.StatusOK).List("data")) == 0
	})

	for r, want := range map[*receiver]string{bad: "500", moved: "302", cut: "fetch.unreachable"} {
		first := r.await(t, 1)[0].event.ID
		log := a.Get("/v1/webhook-deliveries/" + a.Get("/v1/webhook-deliveries?endpoint_id="+ids[r]+"&event_id="+first).Str("data.0.id"))
		if n, err := strconv.Atoi(want); err == nil {
			assert.InDelta(t, n, log.At("log.0.status"), 0)
		} else {
			assert.Equal(t, want, log.Str("log.0.error"))
		}
		assert.Equal(t, "pending", log.Str("state"))
		assert.NotNil(t, log.At("next_attempt_at"))
	}
}

// shifted is the events service with a clock of the test's: work that the program does itself is never due.
type shifted struct {
	*events.Service
	account kernel.AccountID
	id      kernel.WebhookID
	at      atomic.Int64
}

func newShifted(t *testing.T, p *apptest.Program, a *apptest.Account, endpoint string) *shifted {
	t.Helper()
	s := &shifted{account: a.ID}
	s.at.Store(clock.Now().Add(1000 * time.Hour).UnixMicro())
	deps := p.Feed.Deps
	deps.Now = s.now
	s.Service = events.NewService(deps)
	var err error
	s.id, err = kernel.ParseID[kernel.WebhookID](endpoint)
	require.NoError(t, err)
	return s
}

func (s *shifted) now() time.Time { return time.UnixMicro(s.at.Load()).UTC() }

// toNext sets the clock to when the only pending delivery is due, tries it, and returns how long that was away.
func (s *shifted) toNext(t *testing.T) time.Duration {
	t.Helper()
	next, err := s.Store.NextAt(t.Context(), s.account, s.id)
	require.NoError(t, err)
	require.NotNil(t, next)
	away := next.Sub(s.now())
	s.at.Store(next.Add(-time.Microsecond).UnixMicro())
	require.NoError(t, s.Deliver(t.Context(), s.account, s.id), "not due yet")
	s.at.Store(next.UnixMicro())
	require.NoError(t, s.Deliver(t.Context(), s.account, s.id))
	return away
}

func TestWebhookScheduleByAShiftedClock(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	r.says(status(http.StatusInternalServerError))
	p, a := hooked(t, r)
	endpoint := hook(a, r, object{"event_types": []any{"contact.created"}}).Str("id")
	contact(a, "One")
	first := r.await(t, 1)[0]
	sent := delivery(t, a, endpoint, first.event.ID, "pending").Str("id")
	conn := owner(t, p)
	s := newShifted(t, p, a, endpoint)
	// From here on nothing is due by the program's own clock.
	apptest.Await(t, "the first attempt is written down", func() bool {
		return a.Get("/v1/webhook-deliveries/"+sent).At("attempts") != float64(0)
	})
	set := func(sql string, args ...any) {
		_, err := conn.Exec(t.Context(), sql, append([]any{a.ID}, args...)...)
		require.NoError(t, err)
	}
	set(`UPDATE webhook_deliveries SET next_at = $2 WHERE account_id = $1`, s.now().Add(5*time.Second))
	set(`UPDATE webhook_lanes SET failing_since = $2 WHERE account_id = $1`, s.now())
	before := len(r.got())
	want := events.Schedule()
	for i := before - 1; i < len(want); i++ {
		away := s.toNext(t)
		if i >= before {
			assert.InDelta(t, want[i].Seconds(), away.Seconds(), want[i].Seconds()/5+0.001, "the pause after attempt %d", i+1)
		}
	}
	got := r.got()
	require.Len(t, got, events.MaxTries())
	for _, h := range got {
		assert.Equal(t, first.event.ID, h.header.Get("webhook-id"))
		assert.Equal(t, string(first.body), string(h.body))
	}
	log := a.Get("/v1/webhook-deliveries/" + sent).Is(http.StatusOK)
	assert.Equal(t, "failed", log.Str("state"))
	assert.Len(t, log.List("log"), events.MaxTries())

	// What an endpoint asks for is honoured, also against the schedule; after five days of failures it is disabled.
	set(`UPDATE webhook_lanes SET failures = 0, paused_until = NULL WHERE account_id = $1`)
	r.says(status(http.StatusServiceUnavailable, "Retry-After", "7200"))
	a.Post("/v1/webhook-endpoints/"+endpoint+"/replay", object{"since": "2020-01-01T00:00:00Z", "states": []any{"failed"}}).Is(http.StatusAccepted)
	apptest.Await(t, "it is tried again", func() bool { return len(r.got()) > len(got) })
	apptest.Await(t, "and put off", func() bool { return a.Get("/v1/webhook-deliveries/"+sent).At("attempts") == float64(len(got)+1) })
	next, err := s.Store.NextAt(t.Context(), s.account, s.id)
	require.NoError(t, err)
	require.NotNil(t, next)
	assert.InDelta(t, 7200, next.Sub(clock.Now()).Seconds(), 60)
	s.at.Store(s.now().Add(6 * 24 * time.Hour).UnixMicro())
	require.NoError(t, s.Deliver(t.Context(), s.account, s.id))
	e := a.Get("/v1/webhook-endpoints/" + endpoint).Is(http.StatusOK)
	assert.Equal(t, "failing", e.Str("disabled_reason"))
	assert.Equal(t, "cancelled", a.Get("/v1/webhook-deliveries/"+sent).Str("state"))
}

func TestNoWebhookReachesWhatIsPrivate(t *testing.T) {
	t.Parallel()
	var canary atomic.Int64
	on, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = on.Close() })
	go func() {
		for {
			conn, err := on.Accept()
			if err != nil {
				return
			}
			canary.Add(1)
			_ = conn.Close()
		}
	}()
	_, port, err := net.SplitHostPort(on.Addr().String())
	require.NoError(t, err)
	p := apptest.New(t)
	a := p.Account(t)
	for _, host := range []string{
		"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0x7f000001", "2130706433", "127.1", "0.0.0.0", "169.254.169.254", "10.0.0.1", "[fe80::1]", "[64:ff9b::7f00:1]",
	} {
		for _, u := range []string{"https://" + host + ":" + port + "/", "https://" + host + "/", "http://" + host + ":" + port + "/"} {
			got := a.Post("/v1/webhook-endpoints", object{"url": u}).Is(http.StatusUnprocessableEntity)
			assert.Equal(t, "/url", got.Str("errors.0.pointer"), u)
		}
	}
	// A name that turns out to be private is refused as the connection is made.
	named := a.Post("/v1/webhook-endpoints", object{"url": "https://localhost.localdomain:8443/"})
	if named.Status == http.StatusCreated {
		tested := a.Post("/v1/webhook-endpoints/"+named.Str("id")+"/test", nil).Is(http.StatusAccepted)
		apptest.Await(t, "it was tried", func() bool { return a.Get("/v1/webhook-deliveries/"+tested.Str("id")).At("attempts") != float64(0) })
		log := a.Get("/v1/webhook-deliveries/" + tested.Str("id"))
		assert.Nil(t, log.At("log.0.status"))
	}
	assert.Zero(t, canary.Load())
}

func TestWebhooksTellNobodyMoreThanTheirMakerMayRead(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	p, a := hooked(t, r)
	key := a.Post("/v1/api-keys", object{"kind": "api_key", "name": "Hooks", "scopes": []any{"webhooks:write", "webhooks:read", "contacts:read"}}).Is(http.StatusCreated)
	maker := p.With(t, key.Str("secret"))
	id := maker.Post("/v1/webhook-endpoints", object{"url": r.URL}).Is(http.StatusCreated)
	assert.Equal(t, []any{"contacts:read", "webhooks:read"}, id.List("scopes"))
	a.Post("/v1/leads", apptest.Enquiry()).Is(http.StatusCreated)
	contact(a, "Last")
	got := r.await(t, 3)
	assert.ElementsMatch(t, []string{"webhook_endpoint.created", "contact.created", "contact.created"}, eventTypes(got), "no leads")
	whole := hook(a, r, object{"enabled": false}).Str("id")
	assert.Equal(t, "auth.forbidden", maker.JSON(http.MethodPatch, "/v1/webhook-endpoints/"+whole, object{"url": "https://elsewhere.example"}).Is(http.StatusForbidden).Code())
	assert.Equal(t, "auth.forbidden", maker.Post("/v1/webhook-endpoints/"+whole+"/rotate-secret", object{}).Is(http.StatusForbidden).Code())
	maker.JSON(http.MethodPatch, "/v1/webhook-endpoints/"+id.Str("id"), object{"description": "mine"}).Is(http.StatusOK)
	limited := a.Post("/v1/api-keys", object{
		"kind": "api_key", "name": "Here", "scopes": []any{"webhooks:write", "contacts:read"}, "dealership_ids": []any{a.Dealership},
	}).Is(http.StatusCreated)
	p.With(t, limited.Str("secret")).Post("/v1/webhook-endpoints", object{"url": r.URL}).Is(http.StatusForbidden)
}

func TestWebhooksUnderConcurrentWriters(t *testing.T) {
	t.Parallel()
	r, second := newReceiver(t), newReceiver(t)
	p, a := hooked(t, r, second)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var others sync.WaitGroup
	for range 2 { // two more processes turn events into deliveries
		s := events.NewService(p.Feed.Deps)
		others.Go(func() { assert.NoError(t, s.FanOut(ctx)) })
	}
	for _, to := range []*receiver{r, second} {
		hook(a, to, object{"resources": []any{"thing"}})
	}
	want := writeThings(t, p, a, soak(5))
	for _, to := range []*receiver{r, second} {
		last, seen := map[string]int64{}, map[string]bool{}
		for _, h := range to.await(t, want) {
			assert.False(t, seen[h.event.ID], "twice: %s", h.event.ID)
			assert.Equal(t, last[h.event.Data.ResourceID]+1, h.event.Sequence, "in the order of the resource")
			seen[h.event.ID], last[h.event.Data.ResourceID] = true, h.event.Sequence
		}
		assert.Len(t, seen, want)
	}
	stop()
	others.Wait()
}

// TestWebhookSamples writes deliveries to the file that ROOFTOP_WEBHOOK_SAMPLES names, for a library of somebody else's to
// verify (make check-webhooks), and verifies them itself all the same. The secret is rotated twice on the way.
func TestWebhookSamples(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	p, a := hooked(t, r)
	made := hook(a, r, object{"resources": []any{"thing"}})
	id, secrets := made.Str("id"), []string{made.Str("secret")}
	type sample struct {
		Secrets []string          `json:"secrets"`
		Headers map[string]string `json:"headers"`
		Body    string            `json:"body"`
	}
	var all []sample
	n := max(soak(30), 30)
	for begin, part := 0, 0; part < 3; part++ {
		end := n * (part + 1) / 3
		for i := begin; i < end; i += 50 {
			require.NoError(t, p.DB.InTx(t.Context(), func(ctx context.Context) error {
				for range min(50, end-i) {
					err := p.Events.Write(ctx, a.ID, outbox.Event{
						Type: "thing.changed", Resource: "thing", ID: uuid.New(), Sequence: 1, Actor: auth.System(a.ID), At: clock.Now(),
					})
					if err != nil {
						return err
					}
				}
				return nil
			}))
		}
		for _, h := range r.await(t, end)[begin:end] {
			one := sample{Secrets: slices.Clone(secrets), Headers: map[string]string{}, Body: string(h.body)}
			for _, name := range []string{webhooksig.HeaderID, webhooksig.HeaderTimestamp, webhooksig.HeaderSignature} {
				one.Headers[name] = h.header.Get(name)
			}
			for _, s := range secrets {
				require.NoError(t, webhooksig.Verify([]string{s}, h.header, h.body, h.at))
			}
			all = append(all, one)
		}
		begin = end
		secrets = append(secrets, a.Post("/v1/webhook-endpoints/"+id+"/rotate-secret", object{}).Is(http.StatusOK).Str("secret"))
	}
	require.Len(t, all, n)
	path := os.Getenv("ROOFTOP_WEBHOOK_SAMPLES")
	if path == "" {
		return
	}
	var out bytes.Buffer
	for _, one := range all {
		require.NoError(t, json.NewEncoder(&out).Encode(one))
	}
	require.NoError(t, os.WriteFile(path, out.Bytes(), 0o600))
}
