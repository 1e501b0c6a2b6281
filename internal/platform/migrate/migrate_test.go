package migrate_test

import (
	"context"
	"net/url"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
	"github.com/rooftop-crm/rooftop/internal/platform/migrate"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

func TestTenAtOnceMigrateOnce(t *testing.T) {
	t.Parallel()
	owner := dbtest.Empty(t)
	urls := make([]string, 10)
	var wg sync.WaitGroup
	for i := range urls {
		wg.Go(func() {
			u, err := migrate.Prepare(context.Background(), owner, "")
			assert.NoError(t, err)
			urls[i] = u
		})
	}
	wg.Wait()
	for _, u := range urls {
		require.Equal(t, urls[0], u, "all shall connect as the same role")
	}

	states, err := migrate.Status(context.Background(), owner)
	require.NoError(t, err)
	for _, s := range states {
		assert.True(t, s.Applied, s.File)
	}
	var runs, queue int
	query(t, owner, "SELECT count(*) FROM goose_db_version WHERE version_id > 0", &runs)
	query(t, owner, "SELECT count(*) FROM river_migration", &queue)
	assert.Positive(t, queue)
	assert.Len(t, states, runs+queue, "each migration ran once")
}

func TestServerRoleIsFencedIn(t *testing.T) {
	t.Parallel()
	server, _ := dbtest.URLs(t)
	var super, bypass bool
	query(t, server, "SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user", &super, &bypass)
	assert.False(t, super)
	assert.False(t, bypass)
	for _, sql := range []string{
		"ALTER TABLE leads DISABLE ROW LEVEL SECURITY", "TRUNCATE leads", "SELECT value FROM installation",
		"CREATE TABLE mine (id int)", "SET ROLE rooftop_search", "DELETE FROM events",
	} {
		assert.ErrorContains(t, execute(t, server, sql), "SQLSTATE 42501", sql)
	}
}

func TestOwnerAndServerRoleByHand(t *testing.T) {
	t.Parallel()
	owner := dbtest.Empty(t)
	u, err := url.Parse(owner)
	require.NoError(t, err)

	role := "byhand_" + u.Path[3:11]
	require.NoError(t, execute(t, owner, "CREATE ROLE "+role+" LOGIN PASSWORD 'x'"))
	t.Cleanup(func() { assert.NoError(t, execute(t, owner, "DROP OWNED BY "+role+"; DROP ROLE "+role)) })

	byHand := *u
	byHand.User = url.UserPassword(role, "x")
	server, err := migrate.Prepare(context.Background(), byHand.String(), owner)
	require.NoError(t, err)
	assert.Equal(t, byHand.String(), server)
	assert.NoError(t, execute(t, server, "SELECT count(*) FROM leads"))

	require.NoError(t, execute(t, owner, "ALTER ROLE "+role+" BYPASSRLS"))
	_, err = migrate.Prepare(context.Background(), byHand.String(), owner)
	assert.ErrorContains(t, err, "could bypass row security")
}

func query(t *testing.T, dsn, sql string, dest ...any) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), dsn)
	require.NoError(t, err)
	defer func() { _ = conn.Close(context.Background()) }()
	require.NoError(t, conn.QueryRow(context.Background(), sql).Scan(dest...))
}

func execute(t *testing.T, dsn, sql string) error {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), dsn)
	require.NoError(t, err)
	defer func() { _ = conn.Close(context.Background()) }()
	_, err = conn.Exec(context.Background(), sql)
	return err
}

func TestTheQueueAloneMayBeBehind(t *testing.T) {
	t.Parallel()
	server, owner := dbtest.URLs(t)
	require.NoError(t, execute(t, owner, `DELETE FROM river_migration WHERE version = (SELECT max(version) FROM river_migration);
		REVOKE INSERT ON river_job FROM rooftop_app`))
	url, err := migrate.Prepare(context.Background(), owner, "")
	require.NoError(t, err)
	assert.Equal(t, server, url)
	require.NoError(t, execute(t, server, "INSERT INTO river_job (kind, args, max_attempts) VALUES ('x', '{}', 1)"))
	assert.ErrorContains(t, execute(t, server, "DROP TABLE river_job"), "SQLSTATE 42501")
}
