package dbtest

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { Main(m) }

func TestSharedCluster(t *testing.T) {
	t.Setenv("ROOFTOP_TEST_DATABASE_URL", "postgres://elsewhere/x")
	assert.Equal(t, "postgres://elsewhere/x", clusterURL(t), "a given server is taken")

	t.Setenv("ROOFTOP_TEST_DATABASE_URL", "")
	url := clusterURL(t)
	assert.Equal(t, url, clusterURL(t))
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer conn.Close(t.Context()) //nolint:errcheck // the connection is only thrown away
	for setting, want := range map[string]string{
		"fsync": "off", "full_page_writes": "off", "synchronous_commit": "on", "max_connections": "400", "shared_buffers": "256MB",
	} {
		var got string
		require.NoError(t, conn.QueryRow(t.Context(), "SHOW "+setting).Scan(&got))
		assert.Equal(t, want, got, setting)
	}
	var super bool
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT rolsuper FROM pg_roles WHERE rolname = current_user").Scan(&super))
	assert.True(t, super)
}
