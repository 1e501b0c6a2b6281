package db_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/platform/db"
)

func TestEachStatementIsOneMessage(t *testing.T) {
	w := &wire{}
	d := open(t, onePerPool, w.config)
	ctx, account := context.Background(), newAccount()
	seed := newNote(account, "seed")
	require.NoError(t, d.Conn(ctx, account).Create(&seed).Error)

	for name, run := range map[string]func(t *testing.T){
		"take": func(t *testing.T) {
			var n note
			require.NoError(t, d.Conn(ctx, account).Where("account_id = ? AND id = ?", account, seed.ID).Take(&n).Error)
			require.Equal(t, seed, n)
		},
		"find": func(t *testing.T) {
			var ns []note
			require.NoError(t, d.Conn(ctx, account).Where("account_id = ? AND body = ?", account, "seed").Find(&ns).Error)
			require.Len(t, ns, 1)
		},
		"create": func(t *testing.T) {
			n := newNote(account, newAccount().String())
			require.NoError(t, d.Conn(ctx, account).Create(&n).Error)
		},
		"failed create": func(t *testing.T) {
			n := newNote(account, "seed")
			require.True(t, db.IsUniqueViolation(d.Conn(ctx, account).Create(&n).Error))
		},
		"update": func(t *testing.T) {
			res := d.Conn(ctx, account).Model(&note{}).Where("account_id = ? AND id = ?", account, seed.ID).Update("n", 0)
			require.NoError(t, res.Error)
			require.EqualValues(t, 1, res.RowsAffected)
		},
		"query": func(t *testing.T) { require.NotEmpty(t, bodies(t, d, account)) },
		"query row": func(t *testing.T) {
			var n int
			require.NoError(t, d.QueryRow(ctx, account, "select n from notes where id = $1", []any{seed.ID}, &n))
		},
		"exec": func(t *testing.T) {
			_, err := d.Exec(ctx, account, insertNote, noteArgs(account, newAccount().String())...)
			require.NoError(t, err)
		},
		"control": func(t *testing.T) {
			var n int64
			require.NoError(t, d.Control(ctx).Table("settings").Count(&n).Error)
		},
		"transaction of queued statements": func(t *testing.T) {
			require.NoError(t, d.InTx(ctx, func(ctx context.Context) error {
				for range 4 {
					err := d.Queue(ctx, account, insertNote, noteArgs(account, newAccount().String()), nil, nil)
					require.NoError(t, err)
				}
				return nil
			}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			run(t) // warm up: prepares
			require.EqualValues(t, 1, w.during(func() { run(t) }))
			requireClean(t, d)
		})
	}
}

func TestTransactionIsTwoMessages(t *testing.T) {
	w := &wire{}
	d := open(t, onePerPool, w.config)
	ctx, account := context.Background(), newAccount()
	queue4 := func(ctx context.Context, t *testing.T) {
		for range 4 {
			require.NoError(t, d.Queue(ctx, account, insertNote, noteArgs(account, newAccount().String()), nil, nil))
		}
	}
	for name, c := range map[string]struct {
		want int64
		fn   func(ctx context.Context, t *testing.T)
	}{
		"raw query, four queued": {2, func(ctx context.Context, t *testing.T) { bodiesIn(ctx, t, d, account); queue4(ctx, t) }},
		"gorm query, four queued": {2, func(ctx context.Context, t *testing.T) {
			var ns []note
			require.NoError(t, d.Conn(ctx, account).Where("account_id = ?", account).Limit(1).Find(&ns).Error)
			queue4(ctx, t)
		}},
		"four queued, then gorm": {2, func(ctx context.Context, t *testing.T) {
			queue4(ctx, t)
			var ns []note
			require.NoError(t, d.Conn(ctx, account).Where("account_id = ?", account).Find(&ns).Error)
			require.GreaterOrEqual(t, len(ns), 4, "sees what was queued")
		}},
		"a callback is answered before the commit": {2, func(ctx context.Context, t *testing.T) {
			require.NoError(t, d.Queue(ctx, account, insertNote, noteArgs(account, newAccount().String()), nil,
				func(n int64) error { require.EqualValues(t, 1, n); return nil }))
		}},
		"nested InTx joins": {2, func(ctx context.Context, t *testing.T) {
			require.NoError(t, d.InTx(ctx, func(ctx context.Context) error { bodiesIn(ctx, t, d, account); return nil }))
		}},
		"savepoint with one query": {3, func(ctx context.Context, t *testing.T) {
			require.NoError(t, d.Savepoint(ctx, func(ctx context.Context) error { bodiesIn(ctx, t, d, account); return nil }))
		}},
		"savepoint with nothing in it": {0, func(ctx context.Context, t *testing.T) {
			require.NoError(t, d.Savepoint(ctx, func(context.Context) error { return nil }))
		}},
		"nothing": {0, func(context.Context, *testing.T) {}},
	} {
		t.Run(name, func(t *testing.T) {
			run := func() {
				require.NoError(t, d.InTx(ctx, func(ctx context.Context) error { c.fn(ctx, t); return nil }))
			}
			run()
			require.Equal(t, c.want, w.during(run))
			requireClean(t, d)
		})
	}
}

func TestNewStatementsAreKnownAfterOneMessage(t *testing.T) {
	w := &wire{}
	d := open(t, onePerPool, w.config)
	account := newAccount()
	require.NoError(t, d.Ping(context.Background()))
	got := w.during(func() {
		require.NoError(t, d.InTx(context.Background(), func(ctx context.Context) error {
			for _, sql := range []string{"select 1", "select 2", "select 3"} {
				require.NoError(t, d.Queue(ctx, account, sql, nil, nil, nil))
			}
			return nil
		}))
	})
	require.EqualValues(t, 2, got, "all three are prepared together")
}

func TestRollbackIsOneMessage(t *testing.T) {
	w := &wire{}
	d := open(t, onePerPool, w.config)
	account := newAccount()
	bodies(t, d, account)
	got := w.during(func() {
		err := d.InTx(context.Background(), func(ctx context.Context) error {
			bodiesIn(ctx, t, d, account)
			return context.Canceled
		})
		require.ErrorIs(t, err, context.Canceled)
	})
	require.EqualValues(t, 2, got)
	requireClean(t, d)
}
