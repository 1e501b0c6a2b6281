package archtest

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
)

// LIKE is not leakproof: under row security the planner keeps it off a trigram index. So every table with such an index
// has a function that runs as rooftop_search and reads the account itself.
func TestEverySearchIndexHasItsFunction(t *testing.T) {
	t.Parallel()
	_, owner := dbtest.URLs(t)
	conn := connect(t, owner)
	type index struct {
		Table    string
		Function bool
	}
	all := rows[index](t, conn, `
		SELECT DISTINCT t.relname, EXISTS (SELECT FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner
			WHERE p.proname = 'search_' || t.relname AND p.prosecdef AND r.rolname = 'rooftop_search')
		FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid JOIN pg_am a ON a.oid = i.relam
		WHERE a.amname IN ('gin', 'gist') AND t.relrowsecurity AND t.relnamespace = 'public'::regnamespace`)
	require.NotEmpty(t, all)
	for _, i := range all {
		assert.True(t, i.Function, "%s has a search index that row security switches off: give it a function search_%s of rooftop_search", i.Table, i.Table)
	}
}

const (
	ours   = "01900000-0000-7000-8000-0000000000a1"
	theirs = "01900000-0000-7000-8000-0000000000b2"
)

// fillLeads makes two accounts with as many leads each, of which one in a thousand mentions a golf.
const fillLeads = `
	INSERT INTO accounts (id, name, created_at, updated_at) VALUES ($1, 'Ours', now(), now()), ($2, 'Theirs', now(), now());
	INSERT INTO dealerships (account_id, id, name, country, time_zone, created_at, updated_at) SELECT id, id, 'North', 'FR', 'Europe/Paris', now(), now() FROM accounts;
	INSERT INTO contacts (account_id, id, kind, created_at, updated_at) SELECT id, id, 'person', now(), now() FROM accounts;
	INSERT INTO leads (account_id, id, dealership_id, contact_id, type, channel, status, search, received_at, created_at, updated_at)
	SELECT a.id, gen_random_uuid(), a.id, a.id, 'sales', 'web', 'new',
	       'person' || md5(n::text) || ' clio ' || md5(a.id::text || n) || CASE WHEN n % 1000 = 0 THEN ' golfgti' ELSE '' END,
	       now(), now() - n * interval '1 minute', now()
	FROM accounts a, generate_series(1, 10000) n;
	ANALYZE leads;`

const searchLeads = `SELECT id FROM search_leads(ARRAY['%golfgti%'], NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, 50)`

func TestSearchOfLeadsUsesItsIndexAsTheServersRole(t *testing.T) {
	t.Parallel()
	server, owner := dbtest.URLs(t)
	conn, plans := explaining(t, owner)
	for _, statement := range strings.SplitAfter(strings.NewReplacer("$1", "'"+ours+"'", "$2", "'"+theirs+"'").Replace(fillLeads), ";") {
		_, err := conn.Exec(t.Context(), statement)
		require.NoError(t, err)
	}
	role, err := pgx.ParseConfig(server)
	require.NoError(t, err)
	for _, set := range []string{
		"LOAD 'auto_explain'", "SET auto_explain.log_min_duration = 0", "SET auto_explain.log_nested_statements = on",
		"SET auto_explain.log_level = 'notice'", "SET ROLE " + pgx.Identifier{role.User}.Sanitize(), "SET app.account_id = '" + ours + "'",
	} {
		_, err := conn.Exec(t.Context(), set)
		require.NoError(t, err)
	}
	type id struct{ ID [16]byte }

	*plans = nil
	found := rows[id](t, conn, searchLeads)
	assert.Len(t, found, 10, "the leads of this account that match, and no others")
	assert.Regexp(t, byIndex, strings.Join(*plans, "\n"))

	*plans = nil
	assert.Len(t, rows[id](t, conn, `SELECT id FROM leads WHERE search LIKE '%golfgti%'`), 10)
	assert.NotRegexp(t, byIndex, strings.Join(*plans, "\n"), "row security no longer switches the index off: the function can go")

	_, err = conn.Exec(t.Context(), "SET app.account_id = ''")
	require.NoError(t, err)
	assert.Empty(t, rows[id](t, conn, searchLeads), "without an account nothing is found")
}

// byIndex is a plan that finds by the index, rather than reading all of the account and comparing.
const byIndex = `leads_search_idx.*\n\s*Index Cond: .*search ~~`

// explaining connects and gathers what the server notes.
func explaining(t *testing.T, url string) (conn *pgx.Conn, notes *[]string) {
	t.Helper()
	cfg, err := pgx.ParseConfig(url)
	require.NoError(t, err)
	notes = new([]string)
	cfg.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { *notes = append(*notes, n.Message) }
	conn, err = pgx.ConnectConfig(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	return conn, notes
}
