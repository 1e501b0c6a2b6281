package idem_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
	"github.com/rooftop-crm/rooftop/internal/platform/idem"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

func TestPurgeForgetsOldAnswersBatchByBatch(t *testing.T) {
	t.Parallel()
	d, account := dbtest.New(t), kernel.NewID[kernel.AccountID]()
	now := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	_, err := d.ExecControl(t.Context(), `INSERT INTO accounts (id, name, created_at, updated_at) VALUES ($1, 'Group', now(), now())`, account)
	require.NoError(t, err)
	keep := func(count int, prefix string, at time.Time) {
		_, err := d.Exec(t.Context(), account, `INSERT INTO idempotency_keys (account_id, credential_id, key, fingerprint, status, headers, body, created_at)
			SELECT $1, $1, $2 || n, '', 201, '{}', '', $3 FROM generate_series(1, $4) n`, account, prefix, at, count)
		require.NoError(t, err)
	}
	keep(2500, "old", now.Add(-idem.TTL-time.Second))
	keep(3, "new", now.Add(-idem.TTL+time.Second))
	left := func() (n int) {
		require.NoError(t, d.QueryRow(t.Context(), account, `SELECT count(*) FROM idempotency_keys WHERE account_id = $1`, []any{account}, &n))
		return n
	}
	store := idem.New(d, func() time.Time { return now })
	for _, step := range []struct {
		more bool
		left int
	}{{true, 503}, {false, 3}, {false, 3}} {
		more, err := store.Purge(t.Context(), account)
		require.NoError(t, err)
		assert.Equal(t, step.more, more)
		assert.Equal(t, step.left, left())
	}
}
