package crashtest

import (
	"cmp"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
)

const crowd = 50

// atOnce sends the same requests from many clients, all at the same time, and gathers the answers.
func atOnce(t *testing.T, c *apptest.Caller, r request, headers ...string) []*apptest.Answer {
	t.Helper()
	answers, barrier := make([]*apptest.Answer, crowd), make(chan struct{})
	var all sync.WaitGroup
	for i := range crowd {
		all.Go(func() {
			<-barrier
			a, err := c.Do(t.Context(), r.method, r.path, r.body, append(r.headers(), headers...)...)
			if assert.NoError(t, err) {
				answers[i] = a
			}
		})
	}
	close(barrier)
	all.Wait()
	require.False(t, t.Failed())
	return answers
}

func TestOneKeyManyTimesAtOnce(t *testing.T) {
	_, ownerURL := dbtest.URLs(t)
	s := on(t, ownerURL)
	p, second := start(t, s), start(t, s)
	a, other := newAccount(t, s, p.URL), newAccount(t, s, p.URL)
	elsewhere := second.program().With(t, a.Credential)
	conn := owner(t, ownerURL)
	for _, tt := range []struct {
		name string
		request
		another []byte // another body
	}{
		{"JSON", jsonRequest(0), jsonRequest(3).body},
		{"ADF", adfRequest(30), adfRequest(33).body},
		{"batch", batchRequest(60), nil}, // an item's key goes with its own body
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := ask[int](t, conn, "SELECT count(*) FROM leads")
			answers := append(atOnce(t, a.For(t), tt.request), atOnce(t, elsewhere.For(t), tt.request)...)
			ids := tt.sameAnswers(t, answers)
			assert.Equal(t, before+len(tt.enquiries), ask[int](t, conn, "SELECT count(*) FROM leads"), "one effect")
			assert.Equal(t, before+len(tt.enquiries), ask[int](t, conn, "SELECT count(*) FROM events WHERE type = 'lead.created'"))

			if tt.another != nil {
				got := a.For(t).Send(tt.method, tt.path, tt.another, tt.headers()...)
				assert.Equal(t, "idempotency.key_reused", got.Is(http.StatusUnprocessableEntity).Code())
			}
			_, theirs := send(t, other.Caller, tt.request)
			assert.NotContains(t, ids, theirs.ids[0], "another account's key is another key")
			assert.Equal(t, before+2*len(tt.enquiries), ask[int](t, conn, "SELECT count(*) FROM leads"))
		})
	}
}

// sameAnswers sees that each answer is the first one's or that this is still at work, and returns the leads that they name.
func (r request) sameAnswers(t *testing.T, answers []*apptest.Answer) []string {
	t.Helper()
	ids, bodies, replays := make([]string, len(r.enquiries)), map[string]int{}, 0
	for _, answer := range answers {
		out := r.read(answer)
		require.Empty(t, out.wrong)
		for i, id := range out.ids {
			if id != "" && ids[i] != "" {
				assert.Equal(t, ids[i], id)
			}
			ids[i] = cmp.Or(ids[i], id)
		}
		if out.known {
			bodies[string(answer.Body)]++
		}
		if answer.Header.Get("Idempotent-Replayed") == "true" {
			replays++
		}
	}
	assert.NotContains(t, ids, "", "somebody was told of every lead")
	if r.path != "/v1/leads/batch" { // whose answer says of each item whether it is a replay
		require.Len(t, bodies, 1, "byte for byte")
		for _, times := range bodies {
			assert.Equal(t, times-1, replays, "one is the first, the others are replays")
		}
	}
	return ids
}

func TestOneVersionManyChangesAtOnce(t *testing.T) {
	_, ownerURL := dbtest.URLs(t)
	s := on(t, ownerURL)
	p := start(t, s)
	a := newAccount(t, s, p.URL)
	conn := owner(t, ownerURL)
	made := a.Post("/v1/leads", enquiry(0)).Is(http.StatusCreated)
	for _, tt := range []struct {
		resource, path string
		body           apptest.Object
	}{
		{"lead", "/v1/leads/" + made.Str("id"), apptest.Object{"comments": "Red, please"}},
		{"contact", "/v1/contacts/" + made.Str("contact_id"), apptest.Object{"last_name": "Martin"}},
		{"dealership", "/v1/dealerships/" + a.Dealership, apptest.Object{"name": "Garage Neuf"}},
	} {
		t.Run(tt.resource, func(t *testing.T) {
			version := a.For(t).Get(tt.path).Is(http.StatusOK).Header.Get("ETag")
			r := request{method: http.MethodPatch, path: tt.path, media: "application/merge-patch+json", body: marshal(tt.body)}
			count := map[int]int{}
			for _, answer := range atOnce(t, a.For(t), r, "If-Match", version) {
				count[answer.Status]++
			}
			assert.Equal(t, map[int]int{http.StatusOK: 1, http.StatusPreconditionFailed: crowd - 1}, count)
			id := tt.path[len(tt.path)-36:]
			assert.Equal(t, 1, ask[int](t, conn, "SELECT count(*) FROM events WHERE resource_id = $1 AND type LIKE '%.updated'", id))
		})
	}
	t.Run("a lost answer", func(t *testing.T) {
		path := "/v1/leads/" + made.Str("id")
		version := a.For(t).Get(path).Is(http.StatusOK).Header.Get("ETag")
		change := func() *apptest.Answer {
			return a.For(t).JSON(http.MethodPatch, path, apptest.Object{"comments": "Blue"}, "If-Match", version, "Idempotency-Key", "lost").Is(http.StatusOK)
		}
		first, again := change(), change()
		assert.Equal(t, string(first.Body), string(again.Body), "the retry's If-Match is of the version before, and yet it is told of its success")
		assert.Equal(t, first.Header.Get("ETag"), again.Header.Get("ETag"))
	})
}
