package leadsdb

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/leads"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// A list reads about as many rows as it shows, however many leads there are and however rare what it looks for is.
func TestListsCostThePage(t *testing.T) {
	t.Parallel()
	serverURL, ownerURL := dbtest.URLs(t)
	account, here, elsewhere := kernel.NewID[kernel.AccountID](), kernel.NewID[kernel.DealershipID](), kernel.NewID[kernel.DealershipID]()
	busy, idle := kernel.NewID[kernel.UserID](), kernel.NewID[kernel.UserID]()
	owner, err := pgx.Connect(t.Context(), ownerURL)
	require.NoError(t, err)
	t.Cleanup(func() { _ = owner.Close(t.Context()) })
	for _, sql := range []string{
		`SELECT set_config('app.account_id', '%[1]s', false)`,
		`INSERT INTO accounts (id, name, created_at, updated_at) VALUES ('%[1]s', 'Group', now(), now())`,
		`INSERT INTO dealerships (account_id, id, name, country, time_zone, created_at, updated_at)
			VALUES ('%[1]s', '%[2]s', 'A', 'FR', 'Europe/Paris', now(), now()), ('%[1]s', '%[3]s', 'B', 'FR', 'Europe/Paris', now(), now())`,
		`INSERT INTO users (account_id, id, email, created_at, updated_at)
			VALUES ('%[1]s', '%[4]s', 'a@x.example', now(), now()), ('%[1]s', '%[5]s', 'b@x.example', now(), now())`,
		`INSERT INTO contacts (account_id, id, kind, created_at, updated_at) VALUES ('%[1]s', '%[1]s', 'person', now(), now())`,
		`INSERT INTO users (account_id, id, email, created_at, updated_at)
			SELECT '%[1]s', gen_random_uuid(), n || '@x.example', now(), now() FROM generate_series(1, 8) n`,
		// All leads are at one dealership, half of them the busy one's, nearly all closed; nobody's are few.
		`INSERT INTO leads (account_id, id, dealership_id, contact_id, type, channel, status, status_reason, source, assignee_id, received_at, created_at, updated_at)
			SELECT '%[1]s', gen_random_uuid(), '%[2]s', '%[1]s', 'sales', 'web', CASE WHEN n %% 1000 = 0 THEN 'new' ELSE 'lost' END, 'x', 'site',
			CASE WHEN n %% 500 = 0 THEN NULL WHEN n %% 2 = 0 THEN '%[4]s'::uuid
				ELSE (SELECT u.id FROM users u WHERE u.email = 1 + n %% 8 || '@x.example') END, now(), now() - n * interval '1 minute', now() - n * interval '1 minute' FROM generate_series(1, 20000) n`,
	} {
		_, err := owner.Exec(t.Context(), fmt.Sprintf(sql, account, here, elsewhere, busy, idle))
		require.NoError(t, err, sql)
	}
	_, err = owner.Exec(t.Context(), `ANALYZE leads`)
	require.NoError(t, err)
	d := dbtest.Open(t, serverURL)
	for name, f := range map[string]leads.Filter{
		"own and nobody's":                     {Assignees: []kernel.UserID{busy}, Unassigned: true, Dealerships: []kernel.DealershipID{here}},
		"own and nobody's, of one with none":   {Assignees: []kernel.UserID{idle}, Unassigned: true, Dealerships: []kernel.DealershipID{here}},
		"nobody's":                             {Unassigned: true},
		"own, and new":                         {Assignees: []kernel.UserID{busy}, Statuses: []leads.Status{leads.StatusNew}},
		"of two people, open":                  {Assignees: []kernel.UserID{busy, idle}, Statuses: []leads.Status{leads.StatusNew, "offer"}},
		"of a dealership without any":          {Dealerships: []kernel.DealershipID{elsewhere}},
		"of one with none, at two dealerships": {Assignees: []kernel.UserID{idle}, Dealerships: []kernel.DealershipID{here, elsewhere}, Statuses: []leads.Status{"won", "lost"}},
		"test leads":                           {Test: new(true)},
	} {
		q := newQuery(account, f)
		sql := q.page(page.Request{Limit: 25, Sort: page.Sort{Field: "created_at", Desc: true}})
		assert.LessOrEqual(t, removed(t, d, account, sql, q.args), 300, name)
	}
}

// removed is how many rows a statement read in vain.
func removed(t *testing.T, d *db.DB, account kernel.AccountID, sql string, args []any) int {
	t.Helper()
	var raw []byte
	require.NoError(t, d.QueryRow(t.Context(), account, "EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) "+sql, args, &raw))
	var plans []struct{ Plan map[string]any }
	require.NoError(t, json.Unmarshal(raw, &plans))
	return inVain(plans[0].Plan)
}

func inVain(node map[string]any) int {
	loops, _ := node["Actual Loops"].(float64)
	rows, _ := node["Rows Removed by Filter"].(float64)
	total := int(rows * loops)
	below, _ := node["Plans"].([]any)
	for _, n := range below {
		if n, ok := n.(map[string]any); ok {
			total += inVain(n)
		}
	}
	return total
}
