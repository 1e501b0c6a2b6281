package archtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func rows[T any](t *testing.T, conn *pgx.Conn, sql string, args ...any) []T {
	t.Helper()
	r, err := conn.Query(t.Context(), sql, args...)
	require.NoError(t, err)
	all, err := pgx.CollectRows(r, pgx.RowToStructByPos[T])
	require.NoError(t, err)
	return all
}

// key is the first column of a primary key, unique index, exclusion, plain index or foreign key.
type key struct {
	Table, Name, Kind string
	First             string // "" for an expression
	Target            string // of a foreign key
	TargetFirst       string
}

const listKeys = `
	SELECT t.relname, i.relname,
	       CASE WHEN x.indisprimary THEN 'primary key' WHEN x.indisexclusion THEN 'exclusion' WHEN x.indisunique THEN 'unique index' ELSE 'index' END,
	       coalesce((SELECT attname FROM pg_attribute WHERE attrelid = t.oid AND attnum = x.indkey[0] AND attnum > 0), ''), '', ''
	FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
	WHERE t.relnamespace = 'public'::regnamespace
	UNION ALL
	SELECT t.relname, c.conname, 'foreign key',
	       (SELECT attname FROM pg_attribute WHERE attrelid = t.oid AND attnum = c.conkey[1]),
	       f.relname, (SELECT attname FROM pg_attribute WHERE attrelid = f.oid AND attnum = c.confkey[1])
	FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid JOIN pg_class f ON f.oid = c.confrelid
	WHERE c.contype = 'f' AND t.relnamespace = 'public'::regnamespace`

type table struct {
	Name             string
	RowSecurity      bool
	Forced           bool
	AccountIsNotNull bool
	HasKey           bool
}

const listTables = `
	SELECT relname, relrowsecurity, relforcerowsecurity,
	       EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'account_id' AND attnotnull),
	       EXISTS (SELECT FROM pg_index WHERE indrelid = c.oid AND indisprimary)
	FROM pg_class c WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace`

func isTenant(table string) bool {
	return !slices.Contains(controlPlane, table) && !slices.Contains(partnerTables, table)
}

// schemaViolations says what the tables and keys of a database lack to keep accounts apart.
func schemaViolations(t *testing.T, conn *pgx.Conn) []string {
	t.Helper()
	var wrong []string
	for _, tab := range rows[table](t, conn, listTables) {
		if slices.Contains(controlPlane, tab.Name) {
			continue
		}
		if !tab.RowSecurity || !tab.Forced {
			wrong = append(wrong, tab.Name+" has no forced row security")
		}
		if !tab.HasKey {
			wrong = append(wrong, tab.Name+" has no primary key")
		}
		if isTenant(tab.Name) && !tab.AccountIsNotNull {
			wrong = append(wrong, tab.Name+" has no account_id, or lets it be null")
		}
	}
	for _, k := range rows[key](t, conn, listKeys) {
		wrong = append(wrong, keyViolations(k)...)
	}
	return wrong
}

func keyViolations(k key) []string {
	if slices.Contains(controlPlane, k.Table) || k.Kind == "index" && crossAccount[k.Name] != "" {
		return nil
	}
	want := "account_id"
	if slices.Contains(partnerTables, k.Table) {
		want = "partner_id"
	}
	var wrong []string
	if k.First != want {
		wrong = append(wrong, fmt.Sprintf("the %s %s of %s does not begin with %s", k.Kind, k.Name, k.Table, want))
	}
	if k.Kind == "foreign key" && isTenant(k.Target) && k.TargetFirst != "account_id" {
		wrong = append(wrong, fmt.Sprintf("the foreign key %s of %s points into %s without account_id", k.Name, k.Table, k.Target))
	}
	return wrong
}

func TestTheSchemaKeepsAccountsApart(t *testing.T) {
	t.Parallel()
	_, owner := dbtest.URLs(t)
	conn := connect(t, owner)
	assert.Empty(t, schemaViolations(t, conn))

	known := map[string]bool{}
	for _, tab := range rows[table](t, conn, listTables) {
		known[tab.Name] = true
	}
	for _, name := range slices.Concat(controlPlane, partnerTables) {
		assert.True(t, known[name], "rooms_test.go names the table %s, which is not there", name)
	}
}

func TestTheCheckOfTheSchemaCanFail(t *testing.T) {
	t.Parallel()
	_, owner := dbtest.URLs(t)
	conn := connect(t, owner)
	_, err := conn.Exec(t.Context(), `
		CREATE TABLE loose (id uuid PRIMARY KEY, lead_id uuid UNIQUE, account_id uuid, during int4range, EXCLUDE USING gist (during WITH &&));
		CREATE TABLE pointing (account_id uuid NOT NULL, id uuid NOT NULL, loose_id uuid REFERENCES loose (id), PRIMARY KEY (account_id, id));
		ALTER TABLE pointing ENABLE ROW LEVEL SECURITY`)
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{
		"loose has no forced row security", "loose has no account_id, or lets it be null",
		"the primary key loose_pkey of loose does not begin with account_id",
		"the unique index loose_lead_id_key of loose does not begin with account_id",
		"the exclusion loose_during_excl of loose does not begin with account_id",
		"pointing has no forced row security",
		"the foreign key pointing_loose_id_fkey of pointing does not begin with account_id",
		"the foreign key pointing_loose_id_fkey of pointing points into loose without account_id",
	}, schemaViolations(t, conn))
}

func TestPoliciesCompareWithTheTenantOfTheTransaction(t *testing.T) {
	t.Parallel()
	_, owner := dbtest.URLs(t)
	conn := connect(t, owner)
	type policy struct {
		Table, Name, Roles, Using string
		Permissive                bool
	}
	all := rows[policy](t, conn, `SELECT tablename, policyname, array_to_string(roles, ','), coalesce(qual, 'none'), permissive = 'PERMISSIVE'
		FROM pg_policies WHERE schemaname = 'public'`)
	protected := map[string]bool{}
	for _, p := range all {
		tenant := strings.Contains(p.Using, "current_setting('app.account_id'") && strings.Contains(p.Using, "account_id =")
		partner := strings.Contains(p.Using, "current_setting('app.partner_id'") && strings.Contains(p.Using, "partner_id =")
		trusted := p.Roles == "rooftop_search" || p.Roles == "rooftop_sequencer"
		assert.True(t, tenant || partner || trusted, "the policy %s of %s lets %s see %s", p.Name, p.Table, p.Roles, p.Using)
		assert.True(t, p.Permissive)
		protected[p.Table] = protected[p.Table] || tenant || partner
	}
	for _, tab := range rows[table](t, conn, listTables) {
		assert.True(t, protected[tab.Name] || slices.Contains(controlPlane, tab.Name), "%s has no policy", tab.Name)
	}
}

func TestTheSchemaHasNoEnumsAndNoViewsPastRowSecurity(t *testing.T) {
	t.Parallel()
	_, owner := dbtest.URLs(t)
	conn := connect(t, owner)
	type name struct{ Name string }
	assert.Empty(t, rows[name](t, conn, `SELECT typname FROM pg_type WHERE typtype = 'e' AND typnamespace = 'public'::regnamespace AND typname <> 'river_job_state'`),
		"an enum cannot lose a value; use text with a check")
	assert.Empty(t, rows[name](t, conn, `SELECT relname FROM pg_class WHERE relkind IN ('v', 'm') AND relnamespace = 'public'::regnamespace
		AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e')
		AND NOT coalesce(reloptions @> '{security_invoker=true}', false)`), "a view without security_invoker reads as its owner")
}

func TestTheServersRoleIsBoundByRowSecurity(t *testing.T) {
	t.Parallel()
	server, _ := dbtest.URLs(t)
	conn := connect(t, server)
	type role struct {
		Super, Bypass, Create, Member bool
		Owned                         int64
	}
	got := rows[role](t, conn, `SELECT rolsuper, rolbypassrls, rolcreaterole OR rolcreatedb,
		pg_has_role(oid, 'rooftop_search', 'MEMBER') OR pg_has_role(oid, 'rooftop_sequencer', 'MEMBER'),
		(SELECT count(*) FROM pg_class WHERE relowner = r.oid) FROM pg_roles r WHERE rolname = current_user`)
	assert.Equal(t, []role{{}}, got)
	_, err := conn.Exec(t.Context(), "CREATE TABLE public.mine (id int)")
	assert.ErrorContains(t, err, "permission denied")
}

func TestDefinerFunctionsAreClosed(t *testing.T) {
	t.Parallel()
	_, owner := dbtest.URLs(t)
	conn := connect(t, owner)
	type function struct {
		Name       string
		Path       bool
		ByEveryone bool
		Super      bool
	}
	all := rows[function](t, conn, `SELECT proname, coalesce(array_to_string(proconfig, ';') LIKE '%search_path=%pg_temp', false),
			EXISTS (SELECT FROM aclexplode(coalesce(proacl, acldefault('f', proowner))) WHERE grantee = 0),
			(SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE oid = proowner) AND proname LIKE 'search%'
		FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace`)
	require.NotEmpty(t, all)
	for _, f := range all {
		assert.True(t, f.Path, "%s must set search_path, pg_temp last", f.Name)
		assert.False(t, f.ByEveryone, "%s may be called by everyone", f.Name)
		assert.False(t, f.Super, "%s runs as a superuser", f.Name)
	}
}
