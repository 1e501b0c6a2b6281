package crashtest

import (
	"context"
	"net/http"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
)

// await sends a request and returns at once; the answer comes on the channel, nil when it never came.
func await(ctx context.Context, c *apptest.Caller, r request) <-chan *apptest.Answer {
	out := make(chan *apptest.Answer, 1)
	go func() {
		a, err := c.Do(ctx, r.method, r.path, r.body, r.headers()...)
		if err != nil {
			a = nil
		}
		out <- a
	}()
	return out
}

// TestNothingIsAcknowledgedBeforeTheReplicas makes every commit that writes wait for a replica that never comes. What is
// answered all the same was read from a commit that a failover may still lose.
func TestNothingIsAcknowledgedBeforeTheReplicas(t *testing.T) {
	c, s := newCluster(t)
	p := start(t, s)
	a := newAccount(t, s, p.URL)
	conn, err := pgx.Connect(t.Context(), c.url(t))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	set := func(names string) {
		_, err := conn.Exec(t.Context(), "ALTER SYSTEM SET synchronous_standby_names = '"+names+"'")
		require.NoError(t, err)
		_, err = conn.Exec(t.Context(), "SELECT pg_reload_conf()")
		require.NoError(t, err)
		apptest.Await(t, "the setting holds", func() bool { return ask[string](t, conn, "SHOW synchronous_standby_names") == names })
	}
	waitingFor := func() int { // but for the quotas, which give up
		return ask[int](t, conn, `SELECT count(*) FROM pg_stat_activity
			WHERE wait_event = 'SyncRep' AND usename LIKE 'rooftop_server%' AND query NOT LIKE '%rate_windows%'`)
	}
	numbered := func() bool { return ask[int](t, conn, "SELECT count(*) FROM events WHERE position IS NULL") == 0 }
	one := func(method, path string, body apptest.Object, key string) request {
		r := request{method: method, path: path, media: "application/json", key: key, body: marshal(body), enquiries: []int{0}}
		if method == http.MethodPatch {
			r.media = "application/merge-patch+json"
		}
		return r
	}
	made := a.Post("/v1/leads", enquiry(0)).Is(http.StatusCreated)
	lead, contact := "/v1/leads/"+made.Str("id"), "/v1/contacts/"+made.Str("contact_id")
	for _, tt := range []struct {
		name string
		request
	}{
		{"JSON with a key", jsonRequest(3)},
		{"JSON with the sender's id", jsonRequest(1)},
		{"JSON under the sender's id", jsonRequest(2)},
		{"JSON that says the same again", one(http.MethodPost, "/v1/leads", enquiry(101), "")},
		{"ADF with a key", adfRequest(30)},
		{"ADF with the sender's id", adfRequest(31)},
		{"ADF that says the same again", adfRequest(32)},
		{"a batch", batchRequest(60)},
		{"a change with a key", one(http.MethodPatch, lead, apptest.Object{"comments": "Red"}, "k")},
		{"a change", one(http.MethodPatch, lead, apptest.Object{"comments": "Blue"}, "")},
		{"an assignment", one(http.MethodPost, lead+"/assign", apptest.Object{"assignee_id": a.AdminID}, "")},
		{"a contact's change", one(http.MethodPatch, contact, apptest.Object{"last_name": "Martin"}, "")},
		{"a contact under the sender's id", one(http.MethodPut, "/v1/contacts/by-ref/crm/1", apptest.Object{"kind": "person", "last_name": "Petit"}, "")},
		{"a dealership's change", one(http.MethodPatch, "/v1/dealerships/"+a.Dealership, apptest.Object{"name": "Garage Neuf"}, "")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, first := send(t, a.Caller, tt.request)
			apptest.Await(t, "events are numbered", numbered)
			set("nobody")
			t.Cleanup(func() { set("") })
			c.awaitMissingReplica(t, conn)
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			impatient := await(ctx, a.For(t), tt.request)
			apptest.Await(t, "the retry waits for the replica", func() bool {
				requireNone(t, impatient)
				return waitingFor() == 1
			})
			leave() // a client that runs out of patience does not end the wait
			assert.Nil(t, <-impatient)
			again := await(t.Context(), a.For(t), tt.request)
			assert.Equal(t, http.StatusOK, statusOf(p.URL+"/healthz"))
			requireNone(t, again)
			assert.GreaterOrEqual(t, waitingFor(), 1, "the wait goes on without its client")
			set("")
			answer := <-again
			require.NotNil(t, answer)
			if answer.Status == http.StatusConflict { // the first retry was not done yet
				answer, _ = send(t, a.Caller, tt.request)
			}
			out := tt.read(answer)
			require.True(t, out.known, "%d %s", answer.Status, answer.Body)
			assert.Equal(t, first.ids, out.ids)
		})
	}
}

// awaitMissingReplica returns once commits wait: Postgres's processes learn of a setting one after the other.
func (c *cluster) awaitMissingReplica(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	apptest.Await(t, "commits wait for the replica", func() bool {
		other, err := pgx.Connect(t.Context(), c.url(t))
		require.NoError(t, err)
		pid, done := other.PgConn().PID(), make(chan struct{})
		go func() {
			defer close(done)
			_, _ = other.Exec(context.Background(), "SELECT pg_logical_emit_message(true, 'probe', '')") // ended below, if need be
			_ = other.Close(context.Background())
		}()
		waits, over := false, false
		for !waits && !over {
			select {
			case <-done:
				over = true
			default:
				waits = ask[bool](t, conn, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'SyncRep')", pid)
			}
		}
		ask[bool](t, conn, "SELECT pg_terminate_backend($1)", pid)
		<-done
		return waits
	})
}

// requireNone fails when the answer is there already.
func requireNone(t *testing.T, answer <-chan *apptest.Answer) {
	t.Helper()
	select {
	case a := <-answer:
		require.NotNil(t, a, "no answer")
		require.FailNow(t, "answered without the replica", "%d %s", a.Status, a.Body)
	default:
	}
}

// TestReplaysWrite sees the rows that a replay writes.
func TestReplaysWrite(t *testing.T) {
	_, ownerURL := dbtest.URLs(t)
	s := on(t, ownerURL)
	p := start(t, s)
	a := newAccount(t, s, p.URL)
	conn := owner(t, ownerURL)
	for _, tt := range []struct {
		name  string
		row   string // what is another after each replay
		first request
	}{
		{"JSON", "SELECT xmin::text || ' ' || coalesce(last_replayed_at::text, 'never') FROM idempotency_keys WHERE key = $1", jsonRequest(0)},
		{"ADF", "SELECT xmin::text FROM inbox WHERE idempotency_key = $1", adfRequest(30)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			send(t, a.Caller, tt.first)
			seen := map[string]bool{ask[string](t, conn, tt.row, tt.first.key): true}
			for range 3 {
				got, _ := send(t, a.Caller, tt.first)
				assert.Equal(t, "true", got.Header.Get("Idempotent-Replayed"))
				row := ask[string](t, conn, tt.row, tt.first.key)
				assert.False(t, seen[row], "a replay wrote nothing: %s", row)
				seen[row] = true
			}
		})
	}
}

// TestWritesOutliveTheirClient has the client leave while its transaction waits for a lock.
func TestWritesOutliveTheirClient(t *testing.T) {
	t.Parallel()
	_, ownerURL := dbtest.URLs(t)
	s := on(t, ownerURL)
	p := start(t, s)
	a := newAccount(t, s, p.URL)
	conn := owner(t, ownerURL)
	for _, r := range []request{jsonRequest(0), jsonRequest(1), jsonRequest(2), adfRequest(30), adfRequest(31), adfRequest(32)} {
		before := ask[int](t, conn, "SELECT count(*) FROM leads")
		release := hold(t, ownerURL)
		leave, answered := underWay(t, conn, a.Caller, r, 1)
		leave()
		require.Nil(t, <-answered)
		assert.Equal(t, http.StatusOK, statusOf(p.URL+"/readyz"), "the server goes on")
		assert.Len(t, waiting(t, conn), 1, "so does the transaction")
		release()
		apptest.Await(t, "the lead is there", func() bool { return ask[int](t, conn, "SELECT count(*) FROM leads") == before+1 })
		_, out := send(t, a.Caller, r)
		assert.Equal(t, before+1, ask[int](t, conn, "SELECT count(*) FROM leads"), "the retry makes no second one")
		whole := `SELECT count(*) FROM leads l JOIN contacts c ON c.id = l.contact_id JOIN lead_history h ON h.lead_id = l.id AND h.kind = 'created'
			JOIN events e ON e.resource_id = l.id AND e.type = 'lead.created' WHERE l.id = $1`
		assert.Equal(t, 1, ask[int](t, conn, whole, out.ids[0]), "all of it is there")
	}
}
