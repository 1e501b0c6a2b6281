package db_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/platform/db"
)

func TestPgxTxIsTheUnitOfWork(t *testing.T) {
	d := open(t, onePerPool)
	a := newAccount()
	require.NoError(t, d.InTx(t.Context(), func(ctx context.Context) error {
		x, err := d.PgxTx(ctx)
		require.NoError(t, err)
		require.NoError(t, queue(ctx, d, a, "queued"))

		var seen int
		require.NoError(t, x.QueryRow(ctx, "select count(*) from notes").Scan(&seen))
		assert.Equal(t, 1, seen, "what was queued went out first, and the scope is the transaction's")

		tag, err := x.Exec(ctx, "update notes set body = $1", "changed")
		require.NoError(t, err)
		assert.EqualValues(t, 1, tag.RowsAffected())

		rows, err := x.Query(ctx, "select body, g from generate_series(1, 3) g, notes")
		require.NoError(t, err)
		_, err = x.Exec(ctx, "select 1")
		require.ErrorIs(t, err, db.ErrBusy, "rows are open")
		all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (string, error) {
			var body string
			var n int
			return body, r.Scan(&body, &n)
		})
		require.NoError(t, err)
		assert.Len(t, all, 3)
		assert.EqualValues(t, 3, rows.CommandTag().RowsAffected())

		require.ErrorIs(t, x.QueryRow(ctx, "select 1 where false").Scan(&seen), pgx.ErrNoRows)
		return nil
	}))
	assert.Equal(t, []string{"changed"}, bodies(t, d, a))
	requireClean(t, d)
}

func TestPgxTxFailsAndEndsWithIt(t *testing.T) {
	d := open(t, onePerPool)
	a := newAccount()
	_, err := d.PgxTx(t.Context())
	require.ErrorIs(t, err, db.ErrNoTransaction)

	var left pgx.Tx
	err = d.InTx(t.Context(), func(ctx context.Context) error {
		left, err = d.PgxTx(ctx)
		require.NoError(t, err)
		require.NoError(t, add(ctx, d, a, "lost"))
		_, err = left.Exec(ctx, "select no_such_column")
		require.Error(t, err)
		return nil
	})
	require.ErrorIs(t, err, db.ErrRolledBack, "an error that was dropped is the transaction's all the same")
	assert.Empty(t, bodies(t, d, a))
	_, err = left.Exec(t.Context(), "select 1")
	require.ErrorIs(t, err, db.ErrTxDone)

	err = d.InTx(t.Context(), func(ctx context.Context) error {
		x, err := d.PgxTx(ctx)
		require.NoError(t, err)
		rows, err := x.Query(ctx, "select n, 1 / (n - 500) from generate_series(1, 1000) n")
		require.NoError(t, err)
		rows.Next()
		rows.Close()
		return rows.Err()
	})
	require.ErrorContains(t, err, "division by zero", "also when it came after the last row that was read")
	requireClean(t, d)
}

func TestPgxTxDoesNotEndTheTransaction(t *testing.T) {
	d := open(t, onePerPool)
	a := newAccount()
	require.NoError(t, d.InTx(t.Context(), func(ctx context.Context) error {
		x, err := d.PgxTx(ctx)
		require.NoError(t, err)
		require.NoError(t, add(ctx, d, a, "kept"))
		_, begin := x.Begin(ctx)
		_, copied := x.CopyFrom(ctx, pgx.Identifier{"notes"}, nil, nil)
		_, prepared := x.Prepare(ctx, "s", "select 1")
		_, batched := x.SendBatch(ctx, &pgx.Batch{}).Exec()
		for _, err := range []error{x.Commit(ctx), x.Rollback(ctx), begin, copied, prepared, batched} {
			require.Error(t, err)
		}
		assert.Nil(t, x.Conn())
		return nil
	}))
	assert.Equal(t, []string{"kept"}, bodies(t, d, a))

	err := d.InTx(t.Context(), func(ctx context.Context) error {
		x, err := d.PgxTx(ctx)
		require.NoError(t, err)
		_, err = x.Exec(ctx, "select set_config('app.account_id', $1, true)", a.String())
		require.NoError(t, err)
		_, err = x.Exec(ctx, "commit")
		return err
	})
	require.Error(t, err, "nor by a statement of its own")
	require.NotErrorIs(t, err, db.ErrUnknownOutcome)
}
