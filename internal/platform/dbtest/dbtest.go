// Package dbtest gives each test a Postgres database of its own, copied from a migrated template. It fails, never skips,
// when there is no Postgres. For tests only.
package dbtest

import (
	"context"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/migrate"
)

// New returns a connection, as the server's role, to a fresh migrated database that is dropped after the test.
func New(t testing.TB) *db.DB {
	t.Helper()
	serverURL, _ := URLs(t)
	return Open(t, serverURL)
}

// Open connects to a database until the test ends.
func Open(t testing.TB, serverURL string) *db.DB {
	t.Helper()
	d, err := db.Open(context.Background(), db.Config{URL: serverURL, MaxConns: 12})
	require.NoError(t, err)
	t.Cleanup(d.Close)
	return d
}

// URLs returns the URLs of a fresh migrated database: as the server's role, and as its owner, who row security does not bind.
func URLs(t testing.TB) (serverURL, ownerURL string) {
	t.Helper()
	name := "t_" + uuid.NewString()[:18]
	template := ensureTemplate(t)
	create(t, name, "TEMPLATE "+pgx.Identifier{template}.Sanitize())
	ownerURL = databaseURL(t, name)
	serverURL, err := migrate.Prepare(context.Background(), ownerURL, "")
	require.NoError(t, err)
	return serverURL, ownerURL
}

// Empty returns the owner's URL of a fresh database without any schema.
func Empty(t testing.TB) (ownerURL string) {
	t.Helper()
	name := "t_" + uuid.NewString()[:18]
	create(t, name, "")
	return databaseURL(t, name)
}

func create(t testing.TB, name, with string) {
	t.Helper()
	exec(t, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()+" "+with)
	t.Cleanup(func() { exec(t, "DROP DATABASE IF EXISTS "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)") })
}

// ensureTemplate migrates one database per state of the schema; every process on the machine shares it.
func ensureTemplate(t testing.TB) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	name := "rooftop_template_" + migrate.Fingerprint()
	conn, err := pgx.Connect(ctx, clusterURL(t))
	require.NoError(t, err)
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, "SELECT pg_advisory_lock(hashtext($1))", name)
	require.NoError(t, err)
	var ready bool
	require.NoError(t, conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1 AND datistemplate)", name).Scan(&ready))
	if ready {
		return name
	}
	ident := pgx.Identifier{name}.Sanitize()
	_, err = conn.Exec(ctx, "DROP DATABASE IF EXISTS "+ident+" WITH (FORCE)")
	require.NoError(t, err)
	_, err = conn.Exec(ctx, "CREATE DATABASE "+ident)
	require.NoError(t, err)
	_, err = migrate.Prepare(ctx, databaseURL(t, name), "")
	require.NoError(t, err)
	_, err = conn.Exec(ctx, fmt.Sprintf("ALTER DATABASE %s IS_TEMPLATE true", ident))
	require.NoError(t, err)
	return name
}

func exec(t testing.TB, sql string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, clusterURL(t))
	require.NoError(t, err)
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, sql)
	require.NoError(t, err)
}

// databaseURL points the cluster's URL at another database.
func databaseURL(t testing.TB, name string) string {
	t.Helper()
	u, err := url.Parse(clusterURL(t))
	require.NoError(t, err)
	u.Path = "/" + name
	return u.String()
}
