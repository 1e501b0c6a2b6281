package apptest_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
	"github.com/rooftop-crm/rooftop/internal/platform/migrate"
)

// withoutFilters stands between the server and Postgres and takes the condition on the account out of every statement,
// so that row security is all that keeps accounts apart. Tables of the control plane have no row security and keep theirs.
type withoutFilters struct {
	database *pgconn.Config
	mu       sync.Mutex
	changed  map[string]bool
}

var (
	accountFilter = regexp.MustCompile(`(?:[a-z_"]+\.)?"?account_id"? = (\$\d+)`)
	controlPlane  = regexp.MustCompile(`\b(accounts|logins|credentials|grants|live_grants|refresh_tokens|due_work|partners|secret_links)\b`)
)

func (w *withoutFilters) rewrite(sql []byte) []byte {
	if controlPlane.Match(sql) {
		return sql
	}
	out := accountFilter.ReplaceAll(sql, []byte("$1::uuid IS NOT NULL"))
	if len(out) != len(sql) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.changed[string(sql)] = true
	}
	return out
}

// listen serves until the test ends and returns the address.
func (w *withoutFilters) listen(t *testing.T) string {
	t.Helper()
	on, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = on.Close() })
	go func() {
		for {
			client, err := on.Accept()
			if err != nil {
				return
			}
			go w.serve(client)
		}
	}()
	return on.Addr().String()
}

func (w *withoutFilters) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	network, address := pgconn.NetworkAddress(w.database.Host, w.database.Port)
	server, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(context.Background(), network, address)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	go func() {
		_, _ = io.Copy(client, server)
		_ = client.Close()
	}()
	if err := pass(server, client, 0, nil); err != nil { // the startup message has no type
		return
	}
	for pass(server, client, 1, w.rewrite) == nil {
	}
}

// pass hands one message of the protocol on: a type when it has one, its length, its body.
func pass(to io.Writer, from io.Reader, typed int, rewrite func([]byte) []byte) error {
	head := make([]byte, typed+4)
	if _, err := io.ReadFull(from, head); err != nil {
		return err
	}
	body := make([]byte, binary.BigEndian.Uint32(head[typed:])-4)
	if _, err := io.ReadFull(from, body); err != nil {
		return err
	}
	if typed == 1 && (head[0] == 'P' || head[0] == 'Q') { // Parse and Query are those with SQL
		body = rewrite(body)
		binary.BigEndian.PutUint32(head[1:], uint32(len(body)+4))
	}
	if _, err := to.Write(head); err != nil {
		return err
	}
	_, err := to.Write(body)
	return err
}

// programWithoutFilters is the whole program behind withoutFilters.
func programWithoutFilters(t *testing.T) (*apptest.Program, *withoutFilters) {
	t.Helper()
	serverURL, ownerURL := dbtest.URLs(t)
	database, err := pgconn.ParseConfig(serverURL)
	require.NoError(t, err)
	w := &withoutFilters{database: database, changed: map[string]bool{}}
	through := url.URL{
		Scheme: "postgres", User: url.UserPassword(database.User, database.Password), Host: w.listen(t), Path: "/" + database.Database,
		RawQuery: "sslmode=disable",
	}
	cfg := apptest.Config(t, ownerURL)
	cfg.DatabaseURL, cfg.MigrateURL = through.String(), ownerURL
	return apptest.Start(t, cfg, ownerURL), w
}

// The whole matrix of tenants holds without the conditions that Go puts into statements.
func TestRowSecurityAloneKeepsTenantsApart(t *testing.T) { //nolint:tparallel // one after another: they share what they call
	t.Parallel()
	p, w := programWithoutFilters(t)
	tenantMatrix(t, newTwoTenants(t, p))
	w.mu.Lock()
	defer w.mu.Unlock()
	assert.Greater(t, len(w.changed), 60, "statements without their filter")
}

// asServer connects as the server's role, which row security binds.
func asServer(t *testing.T, p *apptest.Program) *pgx.Conn {
	t.Helper()
	serverURL, err := migrate.Prepare(t.Context(), p.OwnerURL, "")
	require.NoError(t, err)
	conn, err := pgx.Connect(t.Context(), serverURL)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// inScope runs fn in a transaction with a setting, and undoes what it did.
func inScope(t *testing.T, conn *pgx.Conn, setting, value string, fn func(tx pgx.Tx)) {
	t.Helper()
	tx, err := conn.Begin(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, tx.Rollback(context.Background())) }()
	if setting != "" {
		_, err = tx.Exec(t.Context(), "SELECT set_config($1, $2, true)", setting, value)
		require.NoError(t, err)
	}
	fn(tx)
}

func number(t *testing.T, tx pgx.Tx, sql string, args ...any) (n int) {
	t.Helper()
	require.NoError(t, tx.QueryRow(t.Context(), sql, args...).Scan(&n), sql)
	return n
}

const protectedTables = `SELECT relname FROM pg_class WHERE relrowsecurity AND relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace ORDER BY 1`

func TestRowSecurityOfEachTable(t *testing.T) { //nolint:tparallel // one after another: they share what they call
	t.Parallel()
	p := apptest.New(t)
	a, b := fill(t, p, "a", 1), fill(t, p, "b", 2)
	before := checksums(t, p, b)
	conn, ids := asServer(t, p), owner(t, p)
	tables := collect[string](t, ids, protectedTables)
	require.Greater(t, len(tables), 15)
	for _, table := range tables {
		if table == "partner_inbox" {
			continue // belongs to partners: see below
		}
		t.Run(table, func(t *testing.T) { isolated(t, conn, table, a, b, before[table]) })
	}
	t.Run("nobody's scope", func(t *testing.T) { nothingUnscoped(t, conn, tables) })
	t.Run("a partner's scope", func(t *testing.T) { partnersOwn(t, conn, tables, a, b) })
	t.Run("search functions", func(t *testing.T) { searchesOwn(t, conn, a, b) })
	assert.Equal(t, before, checksums(t, p, b))
}

// isolated is what a's scope can see and do of one table: all of a, nothing of b.
func isolated(t *testing.T, conn *pgx.Conn, table string, a, b *tenant, before string) {
	t.Helper()
	name := pgx.Identifier{table}.Sanitize()
	inScope(t, conn, "app.account_id", a.ID.String(), func(tx pgx.Tx) {
		assert.Positive(t, number(t, tx, "SELECT count(*) FROM "+name), "a sees its own")
		assert.Zero(t, number(t, tx, "SELECT count(*) FROM "+name+" WHERE account_id = $1", b.ID))
		assert.Zero(t, number(t, tx, "SELECT count(*) FROM "+name+" WHERE account_id <> $1", a.ID), "unfiltered, a alone")
	})
	require.False(t, strings.HasPrefix(before, "0 rows "), "b has rows to lose")
	for what, sql := range map[string]string{
		"update":   "UPDATE " + name + " SET account_id = account_id WHERE account_id = $1",
		"delete":   "DELETE FROM " + name + " WHERE account_id = $1",
		"take":     "UPDATE " + name + " SET account_id = '" + a.ID.String() + "' WHERE account_id = $1",
		"lock":     "SELECT FROM " + name + " WHERE account_id = $1 FOR UPDATE",
		"truncate": "TRUNCATE " + name,
	} {
		inScope(t, conn, "app.account_id", a.ID.String(), func(tx pgx.Tx) {
			args := []any{b.ID}
			if what == "truncate" {
				args = nil
			}
			done, err := tx.Exec(t.Context(), sql, args...)
			if err != nil {
				assertCode(t, err, what, "42501") // events may not be changed at all, and nothing be truncated
				return
			}
			assert.Zero(t, done.RowsAffected(), what)
		})
	}
	inScope(t, conn, "app.account_id", a.ID.String(), func(tx pgx.Tx) {
		_, err := tx.Exec(t.Context(), fmt.Sprintf("INSERT INTO %[1]s SELECT (jsonb_populate_record(r, jsonb_build_object('account_id', $1::text))).* FROM %[1]s r LIMIT 1", name), b.ID)
		assertCode(t, err, "insert for b", "42501")
	})
	inScope(t, conn, "app.account_id", a.ID.String(), func(tx pgx.Tx) {
		_, err := tx.Exec(t.Context(), "UPDATE "+name+" SET account_id = $1", b.ID)
		assertCode(t, err, "give to b", "42501")
	})
}

func assertCode(t *testing.T, err error, what string, codes ...string) {
	t.Helper()
	var pgErr *pgconn.PgError
	if assert.ErrorAs(t, err, &pgErr, what) {
		assert.Contains(t, codes, pgErr.Code, "%s: %s", what, pgErr.Message)
	}
}

// nothingUnscoped: without an account, and after the setting of a transaction before, tables are empty and nothing fails.
func nothingUnscoped(t *testing.T, conn *pgx.Conn, tables []string) {
	t.Helper()
	for _, setting := range []string{"", "app.account_id", "app.partner_id"} {
		inScope(t, conn, setting, "", func(tx pgx.Tx) {
			for _, table := range tables {
				assert.Zero(t, number(t, tx, "SELECT count(*) FROM "+pgx.Identifier{table}.Sanitize()), table)
			}
			for _, search := range searches {
				assert.Zero(t, number(t, tx, search, []string{"%"}))
			}
		})
	}
	inScope(t, conn, "app.account_id", "00000000-0000-0000-0000-000000000000", func(tx pgx.Tx) {
		assert.Zero(t, number(t, tx, "SELECT count(*) FROM leads"))
	})
}

// partnersOwn: a partner's scope holds its own rows of two tables, and of the accounts' nothing.
func partnersOwn(t *testing.T, conn *pgx.Conn, tables []string, a, b *tenant) {
	t.Helper()
	theirs := []string{"partner_inbox", "partner_leads"}
	inScope(t, conn, "app.partner_id", a.partner.ID.String(), func(tx pgx.Tx) {
		for _, table := range tables {
			name := pgx.Identifier{table}.Sanitize()
			if !slices.Contains(theirs, table) {
				assert.Zero(t, number(t, tx, "SELECT count(*) FROM "+name), table)
				continue
			}
			assert.Positive(t, number(t, tx, "SELECT count(*) FROM "+name), table)
			assert.Zero(t, number(t, tx, "SELECT count(*) FROM "+name+" WHERE partner_id = $1", b.partner.ID), table)
		}
		done, err := tx.Exec(t.Context(), "UPDATE partner_leads SET status = 'won'")
		require.NoError(t, err)
		assert.Zero(t, done.RowsAffected(), "a partner only reads what becomes of its leads")
	})
}

// searches are the functions that read past row security, called without any other filter.
var searches = []string{
	`SELECT count(*) FROM search_contacts($1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, NULL, NULL, false, 1000)`,
	`SELECT count(*) FROM search_leads($1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, 1000)`,
}

func searchesOwn(t *testing.T, conn *pgx.Conn, a, b *tenant) {
	t.Helper()
	inScope(t, conn, "app.account_id", a.ID.String(), func(tx pgx.Tx) {
		for _, search := range searches {
			assert.Positive(t, number(t, tx, search, []string{"%canary-a%"}), "a finds its own")
			assert.Zero(t, number(t, tx, search, []string{"%canary-b%"}), "and nothing of b")
			assert.Zero(t, number(t, tx, search, []string{"%' OR account_id = '" + b.ID.String() + "' OR '%"}), "a pattern is a text")
		}
	})
}
