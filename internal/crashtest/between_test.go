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

// underWay sends a request that nobody waits for, and returns once count of its transactions wait to write the lead.
func underWay(t *testing.T, conn *pgx.Conn, c *apptest.Caller, r request, count int) (leave context.CancelFunc, answered <-chan *apptest.Answer) {
	t.Helper()
	ctx, leave := context.WithCancel(context.Background())
	t.Cleanup(leave)
	out := await(ctx, c, r)
	apptest.Await(t, "the request waits for the lock", func() bool { return len(waiting(t, conn)) == count })
	return leave, out
}

// send sends a request and requires a success.
func send(t *testing.T, c *apptest.Caller, r request) (*apptest.Answer, outcome) {
	t.Helper()
	a := c.For(t).Send(r.method, r.path, r.body, r.headers()...)
	out := r.read(a)
	require.True(t, out.known, "%d %s", a.Status, a.Body)
	return a, out
}

// TestKillBetweenDocumentAndLead keeps the process between its two commits by a lock that the second transaction needs.
func TestKillBetweenDocumentAndLead(t *testing.T) {
	t.Parallel()
	const sweepLater = "1h"
	for _, tt := range []struct {
		name  string
		sweep string
		ends  bool // the transaction under way dies with its process; else Postgres commits what it was sent already
	}{
		{"the sweep finishes it", "3s", true},
		{"the retry finishes it before the sweep", sweepLater, true},
		{"its transaction is committed after its death", sweepLater, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, ownerURL := dbtest.URLs(t)
			s := on(t, ownerURL).with(settings{"ROOFTOP_SWEEP_AFTER": tt.sweep})
			p := start(t, s)
			a := newAccount(t, s, p.URL)
			conn := owner(t, ownerURL)
			r := adfRequest(0)
			require.NotEmpty(t, r.key)

			release := hold(t, ownerURL)
			_, answered := underWay(t, conn, a.Caller, r, 1)
			assert.Equal(t, []string{"received"}, askAll[string](t, conn, "SELECT state FROM inbox"), "the document is kept")
			p.kill()
			assert.Nil(t, <-answered)
			if tt.ends {
				ask[[]bool](t, conn, "SELECT array_agg(pg_terminate_backend(pid)) FROM unnest($1::int[]) pid", waiting(t, conn))
				apptest.Await(t, "the transaction is gone", func() bool { return len(waiting(t, conn)) == 0 })
			}
			release()
			if !tt.ends {
				apptest.Await(t, "the lead is there", func() bool { return ask[int](t, conn, "SELECT count(*) FROM leads") == 1 })
			}
			assert.Equal(t, tt.ends, ask[string](t, conn, "SELECT state FROM inbox") == "received")

			p = start(t, s)
			a.Base = p.URL
			if tt.ends && tt.sweep != sweepLater {
				apptest.Await(t, "the sweep makes the lead", func() bool { return ask[string](t, conn, "SELECT state FROM inbox") == "accepted" })
			}
			first, told := send(t, a.Caller, r)
			second, _ := send(t, a.Caller, r)
			assert.Equal(t, http.StatusCreated, first.Status)
			assert.Equal(t, string(first.Body), string(second.Body), "the same answer, whoever comes second")
			assert.Equal(t, "true", second.Header.Get("Idempotent-Replayed"))
			assert.Equal(t, told.ids, askAll[string](t, conn, "SELECT id::text FROM leads"), "one lead")
			assert.Equal(t, 1, ask[int](t, conn, "SELECT count(*) FROM inbox"))
			assert.Equal(t, 1, ask[int](t, conn, "SELECT count(*) FROM contacts"))
			assert.Equal(t, 1, ask[int](t, conn, "SELECT count(*) FROM events WHERE type = 'lead.created'"))
			assert.Zero(t, ask[int](t, conn, "SELECT count(*) FROM due_work WHERE kind = 'inbox.process'"))
		})
	}
}

// TestKillBetweenEffectAndAnswer is the same for what is no document: the lead is committed after the process is dead.
func TestKillBetweenEffectAndAnswer(t *testing.T) {
	t.Parallel()
	_, ownerURL := dbtest.URLs(t)
	s := on(t, ownerURL)
	p := start(t, s)
	a := newAccount(t, s, p.URL)
	conn := owner(t, ownerURL)
	for i, r := range []request{jsonRequest(0), jsonRequest(1), jsonRequest(2), batchRequest(3), adfRequest(4)} {
		before := ask[int](t, conn, "SELECT count(*) FROM leads")
		release := hold(t, ownerURL)
		_, answered := underWay(t, conn, a.Caller, r, 1)
		p.kill()
		assert.Nil(t, <-answered)
		release()
		apptest.Await(t, "the lead is there", func() bool { return ask[int](t, conn, "SELECT count(*) FROM leads") == before+1 })
		p = start(t, s)
		a.Base = p.URL
		_, first := send(t, a.Caller, r)
		_, second := send(t, a.Caller, r)
		assert.Equal(t, first.ids, second.ids)
		assert.Equal(t, before+len(r.enquiries), ask[int](t, conn, "SELECT count(*) FROM leads"), "request %d: one lead for each enquiry", i)
		assert.Equal(t, before+len(r.enquiries), ask[int](t, conn, "SELECT count(*) FROM contacts"))
	}
}
