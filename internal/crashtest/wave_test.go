package crashtest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
)

// request is one request that its client repeats, as it is, until it knows the answer.
type request struct {
	method, path, media string
	key                 string // Idempotency-Key; "" where the sender's id does the same
	body                []byte
	enquiries           []int // what it asks, by number
	abandon             bool  // the client gives up when it gets no answer: the server is alone with what it has kept
}

// batchSize is how many enquiries a batch has: the n-th request, of whatever kind, has the numbers from n*batchSize on.
const batchSize = 5

// mixedRequest is of each kind by turns.
func mixedRequest(n int) request {
	return []func(n int) request{jsonRequest, adfRequest, batchRequest}[n/3%3](n)
}

// fiction are number ranges that are given to nobody.
var fiction = []string{"01 99 00", "02 61 91", "03 53 01", "04 65 71", "05 36 49", "06 39 98"}

func phoneOf(n int) string {
	return fmt.Sprintf("%s %02d %02d", fiction[n/10000%len(fiction)], n/100%100, n%100)
}

func emailOf(n int) string { return fmt.Sprintf("shopper-%d@fr.example", n) }

func wordsOf(n int) string { return fmt.Sprintf("enquiry %d", n) }

// enquiry is the n-th enquiry, of a person who asks nothing else.
func enquiry(n int) apptest.Object {
	return apptest.Enquiry(func(o apptest.Object) {
		o["comments"] = wordsOf(n)
		o["contact"] = apptest.Object{
			"full_name": fmt.Sprint("Shopper Number ", n),
			"emails":    []any{apptest.Object{"address": emailOf(n)}}, "phones": []any{apptest.Object{"raw": phoneOf(n)}},
		}
	})
}

func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// jsonRequest is by turns one with a key and one with the sender's id.
func jsonRequest(n int) request {
	body := enquiry(n * batchSize)
	r := request{method: http.MethodPost, path: "/v1/leads", media: "application/json", enquiries: []int{n * batchSize}}
	switch n % 3 {
	case 0:
		r.key = uuid.NewString()
	case 1:
		body["external_refs"] = []any{apptest.Object{"source": "portal", "id": fmt.Sprint("p-", n)}}
	default:
		r.method, r.path = http.MethodPut, fmt.Sprint("/v1/leads/by-ref/portal/p-", n)
	}
	r.body = marshal(body)
	return r
}

const adfTemplate = `<?xml version="1.0"?><?adf version="1.0"?><adf><prospect>%s<requestdate>2026-03-29T02:30:00+01:00</requestdate>
<vehicle interest="buy" status="used"><year>2021</year><make>Peugeot</make><model>e-208</model></vehicle>
<customer><contact><name part="full">Shopper Number %d</name><email>%s</email><phone>%s</phone></contact><comments>%s</comments></customer>
<provider><name part="full">Portail</name></provider></prospect></adf>`

// adfRequest is by turns one with a key, one with the sender's id, and one that its sender never repeats.
func adfRequest(n int) request {
	r := request{method: http.MethodPost, path: "/v1/leads/adf", media: "application/xml", enquiries: []int{n * batchSize}}
	id := ""
	switch n % 3 {
	case 0:
		r.key = uuid.NewString()
	case 1:
		id = fmt.Sprintf(`<id sequence="1" source="Portail">A-%d</id>`, n)
	default:
		r.abandon = true
	}
	r.body = fmt.Appendf(nil, adfTemplate, id, n*batchSize, emailOf(n*batchSize), phoneOf(n*batchSize), wordsOf(n*batchSize))
	return r
}

func batchRequest(n int) request {
	r := request{method: http.MethodPost, path: "/v1/leads/batch", media: "application/json", key: uuid.NewString()}
	var items []any
	for i := range batchSize {
		r.enquiries = append(r.enquiries, n*batchSize+i)
		items = append(items, enquiry(n*batchSize+i))
	}
	r.body = marshal(apptest.Object{"items": items})
	return r
}

func (r request) headers() []string {
	if r.key == "" {
		return []string{"Content-Type", r.media}
	}
	return []string{"Content-Type", r.media, "Idempotency-Key", r.key}
}

// outcome is what an answer means to its client.
type outcome struct {
	known bool     // whether the client knows what became of its request
	ids   []string // the lead of each enquiry; "" of one to send again
	inbox string   // the document
	wrong string   // what no answer may be
}

// read is how a client reads an answer. Anything that is neither a success nor a request to try again is wrong.
func (r request) read(a *apptest.Answer) outcome {
	var body struct {
		ID      string                `json:"id"`
		InboxID string                `json:"inbox_id"`
		Code    string                `json:"code"`
		Leads   []struct{ ID string } `json:"leads"`
		Results []struct {
			Status  int
			Body    struct{ ID string }
			Problem struct{ Code string }
		} `json:"results"`
	}
	wrong := outcome{wrong: fmt.Sprintf("%s %s: %d %v %s", r.method, r.path, a.Status, a.Header, a.Body)}
	if err := json.Unmarshal(a.Body, &body); err != nil {
		return wrong
	}
	if again(a.Status, body.Code) && a.Header.Get("Content-Type") == "application/problem+json" {
		return outcome{}
	}
	out := outcome{known: true, inbox: body.InboxID}
	switch {
	case a.Status == http.StatusMultiStatus:
		for _, item := range body.Results {
			switch {
			case again(item.Status, item.Problem.Code):
				out.known = false
			case item.Status/100 != 2:
				return wrong
			}
			out.ids = append(out.ids, item.Body.ID)
		}
	case a.Status != http.StatusOK && a.Status != http.StatusCreated:
		return wrong
	case r.path == "/v1/leads/adf":
		for _, l := range body.Leads {
			out.ids = append(out.ids, l.ID)
		}
	default:
		out.ids, out.inbox = []string{body.ID}, ""
	}
	if len(out.ids) != len(r.enquiries) {
		return wrong
	}
	return out
}

// again tells an answer that asks to try again.
func again(status int, code string) bool {
	return status == http.StatusServiceUnavailable || status == http.StatusConflict && code == "idempotency.in_progress"
}

const clients = 32

// wave is 32 clients that send enquiries of one kind to a server that comes and goes. They write down what was acknowledged.
type wave struct {
	t          *testing.T
	make       func(n int) request
	credential string
	url        atomic.Pointer[string] // where the server is now

	next     atomic.Int64
	acks     atomic.Int64
	unknowns atomic.Int64
	ctx      context.Context // ends with the test
	stopped  atomic.Bool
	running  sync.WaitGroup

	mu        sync.Mutex
	leads     map[int]string    // lead id by enquiry, as acknowledged
	documents map[string]string // lead id by document, as acknowledged
	abandoned map[int]bool      // enquiries nobody knows of
	answered  []request
}

func newWave(t *testing.T, kind func(n int) request, url, credential string) *wave {
	t.Helper()
	w := &wave{
		t: t, make: kind, credential: credential, ctx: t.Context(),
		leads: map[int]string{}, documents: map[string]string{}, abandoned: map[int]bool{},
	}
	w.url.Store(&url)
	for range clients {
		w.running.Go(w.client)
	}
	t.Cleanup(w.stop)
	return w
}

// stop lets every client finish what it has begun.
func (w *wave) stop() {
	w.stopped.Store(true)
	w.running.Wait()
}

// awaitAcks waits until so many more requests were acknowledged.
func (w *wave) awaitAcks(more int64) {
	w.t.Helper()
	want := w.acks.Load() + more
	apptest.Await(w.t, fmt.Sprint(more, " more requests are acknowledged"), func() bool {
		require.False(w.t, w.t.Failed(), "a client was told what it must not be")
		return w.acks.Load() >= want
	})
}

func (w *wave) client() {
	for !w.stopped.Load() && w.ctx.Err() == nil && !w.t.Failed() {
		w.deliver(w.make(int(w.next.Add(1))))
	}
}

// deliver sends a request until its outcome is known.
func (w *wave) deliver(r request) {
	for !w.t.Failed() {
		out := w.try(r)
		switch {
		case out.wrong != "":
			w.t.Error(out.wrong)
			return
		case out.known:
			w.write(r, out)
			return
		case w.ctx.Err() != nil:
			return
		}
		w.unknowns.Add(1)
		if r.abandon {
			w.mu.Lock()
			for _, n := range r.enquiries {
				w.abandoned[n] = true
			}
			w.mu.Unlock()
			return
		}
		pause(w.ctx, 20*time.Millisecond)
	}
}

func (w *wave) try(r request) outcome {
	ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
	defer cancel()
	caller := (&apptest.Program{URL: *w.url.Load()}).With(w.t, w.credential)
	a, err := caller.Do(ctx, r.method, r.path, r.body, r.headers()...)
	if err != nil {
		return outcome{}
	}
	return r.read(a)
}

func (w *wave) write(r request, out outcome) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, n := range r.enquiries {
		w.leads[n] = out.ids[i]
	}
	if out.inbox != "" {
		w.documents[out.inbox] = out.ids[0]
	}
	w.answered = append(w.answered, r)
	w.acks.Add(1)
}

// pause keeps a client that has to try again from doing nothing else.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// holds sees, once the clients have stopped, that what was acknowledged is there, once, with all that belongs to it.
func (w *wave) holds(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	t.Logf("%d requests acknowledged, %d answers never came or asked to try again", w.acks.Load(), w.unknowns.Load())
	apptest.Await(t, "background work finishes every document", func() bool {
		return ask[int](t, conn, "SELECT count(*) FROM inbox WHERE state = 'received'") == 0 &&
			ask[int](t, conn, "SELECT count(*) FROM due_work WHERE kind = 'inbox.process'") == 0
	})
	before := w.stored(t)
	for n, id := range w.leads {
		assert.Equal(t, []string{id}, before[n], "the lead of enquiry %d, as acknowledged", n)
	}
	for n, ids := range before {
		assert.Len(t, ids, 1, "leads of enquiry %d", n)
		assert.True(t, w.leads[n] != "" || w.abandoned[n], "enquiry %d was never acknowledged nor given up", n)
	}
	for inbox, lead := range w.documents {
		got := ask[string](t, conn, "SELECT state || ' ' || array_to_string(lead_ids, ',') FROM inbox WHERE id = $1", inbox)
		assert.Equal(t, "accepted "+lead, got, "document %s", inbox)
	}
	w.counts(t, conn, len(before))

	for _, r := range w.answered[max(0, len(w.answered)-50):] {
		out := w.try(r)
		require.Empty(t, out.wrong)
		for i, n := range r.enquiries {
			require.True(t, out.known)
			assert.Equal(t, w.leads[n], out.ids[i], "a late retry of enquiry %d", n)
		}
	}
	assert.Equal(t, before, w.stored(t), "late retries made nothing")
	w.counts(t, conn, len(before))
}

// counts sees that each lead has its own contact and history, and each of them its one event.
func (w *wave) counts(t *testing.T, conn *pgx.Conn, leads int) {
	t.Helper()
	assert.Equal(t, leads, ask[int](t, conn, "SELECT count(*) FROM leads"))
	assert.Equal(t, leads, ask[int](t, conn, "SELECT count(DISTINCT contact_id) FROM leads"), "people are not mixed up")
	assert.Equal(t, leads, ask[int](t, conn, "SELECT count(*) FROM contacts"), "nor doubled")
	assert.Equal(t, leads, ask[int](t, conn, "SELECT count(*) FROM lead_history WHERE kind = 'created'"))
	for _, resource := range []string{"lead", "contact"} {
		got := askAll[string](t, conn, fmt.Sprintf(`SELECT r.id || ': ' || count(e.id) FROM %ss r LEFT JOIN events e
			ON e.account_id = r.account_id AND e.resource_type = $1 AND e.resource_id = r.id AND e.type = $1 || '.created'
			GROUP BY r.id HAVING count(e.id) <> 1`, resource), resource)
		assert.Empty(t, got, "%s.created events that are not one", resource)
	}
	lost := "SELECT count(*) FROM events e WHERE resource_type = 'lead' AND NOT EXISTS (SELECT FROM leads l WHERE l.id = e.resource_id)"
	assert.Zero(t, ask[int](t, conn, lost), "events of leads that are not")
}

// stored are the ids of the leads there are, by enquiry, as the API lists them.
func (w *wave) stored(t *testing.T) map[int][]string {
	t.Helper()
	caller := (&apptest.Program{URL: *w.url.Load()}).With(t, w.credential)
	out := map[int][]string{}
	for cursor := ""; ; {
		var got struct {
			Data []struct {
				ID       string
				Comments string
				Contact  struct{ Emails []struct{ Address string } }
			}
			Next *string `json:"next_cursor"`
		}
		caller.Get("/v1/leads?limit=200&include=contact&sort=created_at" + cursor).Is(http.StatusOK).Into(&got)
		for _, l := range got.Data {
			var n int
			_, err := fmt.Sscanf(l.Comments, "enquiry %d", &n)
			require.NoError(t, err, l.Comments)
			require.Len(t, l.Contact.Emails, 1)
			assert.Equal(t, emailOf(n), l.Contact.Emails[0].Address, "the lead is its own person's")
			out[n] = append(out[n], l.ID)
		}
		if got.Next == nil {
			return out
		}
		cursor = "&cursor=" + *got.Next
	}
}
