package crashtest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
)

// contactsFile is so many rows, every hundredth of which is no contact.
func contactsFile(rows int) (text string, bad int) {
	var b strings.Builder
	b.WriteString("external_id;last_name;email\n")
	for n := range rows {
		address := fmt.Sprintf("shopper-%d@fr.example", n)
		if n%100 == 50 {
			address = "no address"
			bad++
		}
		fmt.Fprintf(&b, "%d;Dupont %d;%s\n", n, n, address)
	}
	return b.String(), bad
}

// A file goes in, out and back again while the server is killed: each row does what it does once.
func TestKillServerDuringImports(t *testing.T) {
	t.Parallel()
	_, ownerURL := dbtest.URLs(t)
	s := on(t, ownerURL).with(settings{"ROOFTOP_JOB_RESCUE_AFTER": "4s"})
	p := start(t, s)
	a, conn := newAccount(t, s, p.URL), owner(t, ownerURL)

	// killedDuring kills the server whenever the job has come further, and returns the job when it has ended.
	killedDuring := func(accepted *apptest.Answer) *apptest.Answer {
		at := accepted.Is(http.StatusAccepted).Header.Get("Location")
		done := func() (n float64) {
			n, _ = a.Get(at).Is(http.StatusOK).At("progress.done").(float64)
			return n
		}
		for range kills(t) {
			before := done()
			apptest.Await(t, "the job comes further", func() bool { return done() > before || a.Get(at).At("finished_at") != nil })
			p.kill()
			// A leader looks when it begins, and then every 30 s: let it find the dead one's job at once, and not wait for its lease.
			apptest.Await(t, "the attempt is old", func() bool {
				return ask[bool](t, conn, "SELECT NOT EXISTS (SELECT FROM river_job WHERE state = 'running' AND attempted_at > now() - interval '4 s')")
			})
			_, err := conn.Exec(t.Context(), "DELETE FROM river_leader")
			require.NoError(t, err)
			p = start(t, s)
			a.Base = p.URL
		}
		var job *apptest.Answer
		apptest.Await(t, "the job ends", func() bool {
			job = a.Get(at).Is(http.StatusOK)
			return job.At("finished_at") != nil
		})
		assert.Equal(t, "succeeded", job.Str("status"), "%s", job.Body)
		return job
	}
	count := func(what string) int {
		return ask[int](t, conn, "SELECT count(*)::int FROM "+what+" AND account_id = $1", a.ID)
	}

	rows := 400 * kills(t)
	text, bad := contactsFile(rows)
	made := a.Post("/v1/imports", apptest.Object{"kind": "contacts", "source": "dms", "text": text})
	job := killedDuring(made)
	assert.Equal(t, apptest.Object{"done": float64(rows), "total": float64(rows)}, job.At("progress"))
	path := "/v1/imports/" + made.Str("id")
	assert.Equal(t, apptest.Object{
		"rows": float64(rows), "created": float64(rows - bad), "changed": 0.0, "unchanged": 0.0, "rejected": float64(bad), "reverted": 0.0, "kept": 0.0,
	}, a.Get(path).At("counts"))
	assert.Equal(t, rows-bad, count("contacts WHERE deleted_at IS NULL"))
	assert.Equal(t, rows-bad, count("events WHERE type = 'contact.created'"))
	assert.Equal(t, rows, count("import_rows WHERE true"))
	assert.Equal(t, bad, count("import_rows WHERE state = 'rejected' AND line % 100 = 52"), "each where it stands in the file")

	out := a.Post("/v1/exports", apptest.Object{"kind": "contacts", "format": "csv"})
	killedDuring(out)
	body := string(a.Get("/v1/exports/" + out.Str("id") + "/content").Is(http.StatusOK).Body)
	assert.Equal(t, rows-bad+1, strings.Count(body, "\n"))
	for n := range rows {
		assert.Equal(t, n%100 != 50, strings.Contains(body, fmt.Sprintf("Dupont %d;", n)) || strings.Contains(body, fmt.Sprintf("Dupont %d,", n)), n)
	}

	killedDuring(a.Post(path+"/revert", nil))
	assert.Zero(t, count("contacts WHERE deleted_at IS NULL"))
	assert.Equal(t, rows-bad, count("events WHERE type = 'contact.deleted'"))
	assert.InEpsilon(t, float64(rows-bad), a.Get(path).At("counts.reverted"), 0)
}
