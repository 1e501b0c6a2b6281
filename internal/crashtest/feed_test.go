package crashtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
)

const (
	writers = 16
	rounds  = 25 // of each writer: make a lead, change it, change another one
)

// writing is what sixteen writers were told: the last version of each lead.
type writing struct {
	mu       sync.Mutex
	versions map[string]int64
	writes   int
}

func (w *writing) told(id string, version int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.versions[id] = max(w.versions[id], version)
	w.writes++
}

// startWriters lets them write through all of the callers; over is closed when they are done.
func startWriters(t *testing.T, shared []string, callers ...*apptest.Caller) (w *writing, over chan struct{}) {
	t.Helper()
	w, over = &writing{versions: map[string]int64{}}, make(chan struct{})
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() { w.write(t, callers[i%len(callers)], i, shared) })
	}
	go func() {
		all.Wait()
		close(over)
	}()
	t.Cleanup(all.Wait)
	return w, over
}

func (w *writing) write(t *testing.T, c *apptest.Caller, writer int, shared []string) {
	t.Helper()
	for round := 0; round < rounds && !t.Failed(); round++ {
		id := w.do(t, c, request{method: http.MethodPost, path: "/v1/leads", media: "application/json", body: marshal(enquiry(10_000 + writer*rounds + round))})
		for _, lead := range []string{id, shared[(writer*rounds+round)%len(shared)]} {
			body := marshal(apptest.Object{"custom": apptest.Object{"floor": writer*rounds + round + 1}})
			w.do(t, c, request{method: http.MethodPatch, path: "/v1/leads/" + lead, media: "application/merge-patch+json", body: body})
		}
	}
}

// do sends a write and remembers what it was told.
func (w *writing) do(t *testing.T, c *apptest.Caller, r request) (id string) {
	t.Helper()
	a, err := c.Do(t.Context(), r.method, r.path, r.body, r.headers()...)
	var l leadVersion
	if err == nil {
		err = json.Unmarshal(a.Body, &l)
	}
	if err != nil || a.Status/100 != 2 {
		t.Errorf("%s %s: %v %+v", r.method, r.path, err, a)
		return ""
	}
	w.told(l.ID, l.Version)
	return l.ID
}

type leadVersion struct {
	ID      string
	Version int64
}

// shareable makes leads that everybody changes.
func shareable(a *apptest.Account, n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = a.Post("/v1/leads", enquiry(i)).Is(http.StatusCreated).Str("id")
	}
	return ids
}

func TestFeedUnderConcurrentWriters(t *testing.T) {
	t.Parallel()
	_, ownerURL := dbtest.URLs(t)
	s := on(t, ownerURL)
	p, second := start(t, s), start(t, s)
	a := newAccount(t, s, p.URL)
	shared := shareable(a, 20)
	w, over := startWriters(t, shared, a.Caller, second.program().With(t, a.Credential))

	reader := second.program().With(t, a.Credential)
	seen, cursor := map[string]int64{}, ""
	follow := func() {
		for more := true; more; {
			var got struct {
				Data []leadVersion
				Next string `json:"next_cursor"`
				More bool   `json:"has_more"`
			}
			reader.Get("/v1/leads/changes?limit=40" + cursor).Is(http.StatusOK).Into(&got)
			for _, l := range got.Data {
				assert.GreaterOrEqual(t, l.Version, seen[l.ID], "a lead does not go back in time")
				seen[l.ID] = l.Version
			}
			cursor, more = "&cursor="+got.Next, got.More
		}
	}
	for writing := true; writing; {
		follow()
		select {
		case <-over:
			writing = false
		default:
		}
	}
	require.False(t, t.Failed())
	assert.Equal(t, writers*rounds*3, w.writes)
	apptest.Await(t, "the reader has caught up", func() bool {
		follow()
		for id, version := range w.versions {
			if seen[id] < version {
				return false
			}
		}
		return true
	})
	for id, version := range w.versions {
		assert.Equal(t, version, seen[id], "what the reader knows of %s is what its last writer was told", id)
	}
	assert.Len(t, seen, len(shared)+writers*rounds)
	w.events(t, ownerURL)
}

// events sees that each write has its one event, and that the order of a lead's events is that of its versions.
func (w *writing) events(t *testing.T, ownerURL string) {
	t.Helper()
	conn := owner(t, ownerURL)
	apptest.Await(t, "all events are numbered", func() bool { return ask[int](t, conn, "SELECT count(*) FROM events WHERE position IS NULL") == 0 })
	odd := askAll[string](t, conn, `SELECT resource_id || ' ' || sequence FROM (SELECT resource_id, sequence,
		row_number() OVER (PARTITION BY resource_id ORDER BY position) AS place FROM events WHERE resource_type = 'lead') e WHERE sequence <> place`)
	assert.Empty(t, odd, "events that are not in the order of their lead's versions")
	for id, version := range w.versions {
		got := ask[int64](t, conn, "SELECT count(*) FROM events WHERE resource_id = $1", id)
		assert.Equal(t, version, got, "events of %s", id)
	}
	positions := ask[string](t, conn, "SELECT count(DISTINCT position) || ' of ' || max(position) FROM events")
	total := ask[int](t, conn, "SELECT count(*) FROM events")
	assert.Equal(t, fmt.Sprintf("%d of %d", total, total), positions, "every place in the order is taken once")
}

func TestListUnderConcurrentWriters(t *testing.T) {
	t.Parallel()
	_, ownerURL := dbtest.URLs(t)
	s := on(t, ownerURL)
	p := start(t, s)
	a := newAccount(t, s, p.URL)
	there := shareable(a, 60)
	_, over := startWriters(t, there, a.Caller)
	for walks, writing := 0, true; writing || walks < 4; walks++ {
		select {
		case <-over:
			writing = false
		default:
		}
		path := "/v1/leads?limit=7&sort=" + []string{"created_at", "-created_at"}[walks%2]
		count := map[string]int{}
		for cursor := ""; ; {
			var got struct {
				Data []leadVersion
				Next *string `json:"next_cursor"`
			}
			a.Get(path + cursor).Is(http.StatusOK).Into(&got)
			for _, l := range got.Data {
				count[l.ID]++
			}
			if got.Next == nil {
				break
			}
			cursor = "&cursor=" + *got.Next
		}
		for _, id := range there {
			assert.Equal(t, 1, count[id], "%s in walk %d", id, walks)
		}
		for id, times := range count {
			assert.Equal(t, 1, times, "%s in walk %d", id, walks)
		}
	}
}
