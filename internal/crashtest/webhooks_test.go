package crashtest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
)

// told is what an endpoint was told of one event.
type told struct {
	ID       string    `json:"id"`
	Subject  string    `json:"subject"`
	Sequence int64     `json:"sequence"`
	Time     time.Time `json:"time"`
	first    time.Time
	body     string
	times    int
}

// endpoint is a receiver that remembers what it took.
type endpoint struct {
	*httptest.Server
	mu   sync.Mutex
	took map[string]*told
	bad  []string
}

// newEndpoint answers as answer says, and takes what that lets through.
func newEndpoint(t *testing.T, answer func(w http.ResponseWriter, r *http.Request) bool) *endpoint {
	t.Helper()
	e := &endpoint{took: map[string]*told{}}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || !answer(w, r) {
			return
		}
		e.take(r.Header.Get("webhook-id"), body)
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *endpoint) take(id string, body []byte) {
	var got told
	err := json.Unmarshal(body, &got)
	e.mu.Lock()
	defer e.mu.Unlock()
	before := e.took[id]
	switch {
	case err != nil || got.ID != id:
		e.bad = append(e.bad, "unreadable: "+string(body))
	case before == nil:
		got.first, got.body, got.times = time.Now(), string(body), 1
		e.took[id] = &got
	case before.body != string(body):
		e.bad = append(e.bad, "another body: "+string(body))
	default:
		before.times++
	}
}

func (e *endpoint) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.took)
}

func always(status int, header ...string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		return status < 300
	}
}

// TestKillServerDuringWebhooks kills the server again and again while it tells endpoints of events, some of which fail,
// hang, redirect, are gone or break off. The others are told of every event, with the right sequence, and soon.
func TestKillServerDuringWebhooks(t *testing.T) {
	t.Parallel()
	_, ownerURL := dbtest.URLs(t)
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	healthy := []*endpoint{newEndpoint(t, always(204)), newEndpoint(t, always(200)), newEndpoint(t, always(202))}
	canary := newEndpoint(t, always(200))
	flaky := atomic.Int64{}
	others := []*endpoint{
		newEndpoint(t, always(500)), newEndpoint(t, always(302, "Location", canary.URL)), newEndpoint(t, always(410)),
		newEndpoint(t, func(_ http.ResponseWriter, r *http.Request) bool { // hangs
			select {
			case <-over:
			case <-r.Context().Done():
			}
			return false
		}),
		newEndpoint(t, func(w http.ResponseWriter, _ *http.Request) bool { // breaks off
			if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_ = conn.Close()
			}
			return false
		}),
	}
	recovers := newEndpoint(t, func(w http.ResponseWriter, r *http.Request) bool { // fails now and then
		if flaky.Add(1)%7 == 0 {
			return always(503)(w, r)
		}
		return always(204)(w, r)
	})
	var allow []string
	for _, e := range slices.Concat(healthy, others, []*endpoint{recovers, canary}) {
		allow = append(allow, strings.TrimPrefix(e.URL, "http://"))
	}
	s := on(t, ownerURL).with(settings{"ROOFTOP_OUTBOUND_ALLOW": strings.Join(allow, ",")})
	p := start(t, s)
	a := newAccount(t, s, p.URL)
	for _, e := range slices.Concat(healthy, others, []*endpoint{recovers}) {
		a.Post("/v1/webhook-endpoints", apptest.Object{"url": e.URL, "resources": []any{"contact"}}).Is(http.StatusCreated)
	}

	var url atomic.Pointer[string]
	url.Store(&p.URL)
	writers, stop := startContacts(t, a, &url)
	for range 2 * kills(t) {
		<-time.After(time.Second)
		p.kill()
		p = start(t, s)
		url.Store(&p.URL)
	}
	<-time.After(time.Second)
	close(stop)
	written := writers()
	conn := owner(t, ownerURL)
	want := ask[int](t, conn, `SELECT count(*) FROM events WHERE account_id = $1 AND resource_type = 'contact'`, a.ID)
	require.GreaterOrEqual(t, want, written)
	for i, e := range healthy {
		apptest.Await(t, "a healthy endpoint is told of all", func() bool { return e.count() >= want })
		assert.Equal(t, want, e.count())
		e.holds(t, i)
	}
	apptest.Await(t, "one that fails now and then is told of most", func() bool { return recovers.count() >= want*3/4 })
	assert.Empty(t, recovers.bad)
	assert.Zero(t, canary.count(), "no redirect is followed")
	assert.Equal(t, 0, ask[int](t, conn, `SELECT count(*) FROM (SELECT endpoint_id, event_id FROM webhook_deliveries GROUP BY 1, 2 HAVING count(*) > 1) d`))
	assert.Equal(t, "gone", ask[string](t, conn, `SELECT disabled_reason FROM webhook_endpoints WHERE url = $1`, others[2].URL))
}

// holds sees that each resource's versions are all there, and that most were told soon.
func (e *endpoint) holds(t *testing.T, which int) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	assert.Empty(t, e.bad)
	var took []time.Duration
	versions := map[string][]int64{}
	for _, got := range e.took {
		took = append(took, got.first.Sub(got.Time))
		versions[got.Subject] = append(versions[got.Subject], got.Sequence)
	}
	for subject, all := range versions {
		slices.Sort(all)
		for i, v := range all {
			assert.EqualValues(t, i+1, v, subject)
		}
	}
	slices.Sort(took)
	p95 := took[len(took)*95/100]
	t.Logf("endpoint %d: %d events, p50 %s, p95 %s, most %s", which, len(took), took[len(took)/2], p95, took[len(took)-1])
	if os.Getenv("ROOFTOP_KILLS") != "" { // the soak, on a machine of its own
		assert.Less(t, p95, 5*time.Second)
	}
}

// startContacts has four writers make contacts and change them, through a server that comes and goes.
func startContacts(t *testing.T, a *apptest.Account, url *atomic.Pointer[string]) (wait func() int, stop chan struct{}) {
	t.Helper()
	stop = make(chan struct{})
	var all sync.WaitGroup
	var written atomic.Int64
	for w := range 4 {
		all.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				case <-time.After(20 * time.Millisecond):
				}
				c := apptest.Program{URL: *url.Load()}
				caller := c.With(t, a.Credential)
				made, err := caller.Do(t.Context(), http.MethodPost, "/v1/contacts", marshal(apptest.Object{"full_name": fmt.Sprint("Person ", w, " ", i)}), "Content-Type", "application/json")
				if err != nil || made.Status != http.StatusCreated {
					continue
				}
				written.Add(1)
				path := "/v1/contacts/" + made.Str("id")
				_, _ = caller.Do(t.Context(), http.MethodPatch, path, marshal(apptest.Object{"company_name": "Changed"}), "Content-Type", "application/merge-patch+json")
			}
		})
	}
	return func() int {
		all.Wait()
		return int(written.Load())
	}, stop
}
