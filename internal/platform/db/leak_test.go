package db_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
)

// TestNoConnectionKeepsATenant does everything that may go wrong on the one connection of a pool, and looks at it.
func TestNoConnectionKeepsATenant(t *testing.T) {
	d := open(t, onePerPool)
	account := newAccount()
	require.NoError(t, add(context.Background(), d, account, "seed"))
	orphan := []any{account, kernel.NewID[kernel.LeadID](), kernel.NewID[kernel.LeadID]()}
	const insertChild = "insert into children values (?, ?, ?)"

	for name, c := range map[string]struct {
		fn   func(ctx context.Context, g *gorm.DB) error
		want func(err error) bool // nil: no error
	}{
		"take": {fn: func(_ context.Context, g *gorm.DB) error { var n note; return g.Take(&n).Error }},
		"create": {fn: func(_ context.Context, g *gorm.DB) error {
			n := newNote(account, newAccount().String())
			return g.Create(&n).Error
		}},
		"policy violation": {fn: func(_ context.Context, g *gorm.DB) error {
			n := newNote(newAccount(), "x")
			return g.Create(&n).Error
		}, want: code("42501")},
		"division": {fn: func(_ context.Context, g *gorm.DB) error { return g.Exec("select 1/0").Error }, want: code("22012")},
		"error among the rows": {fn: func(_ context.Context, g *gorm.DB) error {
			var ns []int
			return g.Raw("select 1 / (500 - g) from generate_series(1, 1000) g").Scan(&ns).Error
		}, want: code("22012")},
		"syntax": {fn: func(_ context.Context, g *gorm.DB) error { return g.Exec("selec 1").Error }, want: code("42601")},
		"bad argument": {fn: func(_ context.Context, g *gorm.DB) error {
			return g.Exec("select ?::int", struct{ X chan int }{}).Error
		}, want: anyError},
		"two statements": {fn: func(_ context.Context, g *gorm.DB) error { return g.Exec("select 1; select 2").Error }, want: code("42601")},
		"deferred key, Exec": {fn: func(_ context.Context, g *gorm.DB) error {
			return g.Exec(insertChild, orphan...).Error
		}, want: childKey},
		"deferred key, Find": {fn: func(_ context.Context, g *gorm.DB) error {
			var ids []string
			return g.Raw(insertChild+" returning id", orphan...).Scan(&ids).Error
		}, want: childKey},
		"deferred key, Rows read to the end": {fn: func(_ context.Context, g *gorm.DB) error {
			rows, err := g.Raw(insertChild+" returning id", orphan...).Rows()
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				continue
			}
			return rows.Err()
		}, want: childKey},
		"deferred key, Row": {fn: func(_ context.Context, g *gorm.DB) error {
			var id string
			return g.Raw(insertChild+" returning id", orphan...).Row().Scan(&id)
		}, want: childKey},
		"raw deferred key": {fn: func(ctx context.Context, _ *gorm.DB) error {
			var id string
			return d.QueryRow(ctx, account, "insert into children values ($1, $2, $3) returning id", orphan, &id)
		}, want: childKey},
		"timeout": {fn: func(ctx context.Context, _ *gorm.DB) error {
			ctx, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
			defer cancel()
			return d.Conn(ctx, account).Exec("select pg_sleep(10)").Error
		}, want: is(context.DeadlineExceeded)},
		"cancel among the rows": {fn: func(ctx context.Context, _ *gorm.DB) error {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			n := 0
			return d.Query(ctx, account, "select repeat('x', 1000) from generate_series(1, 100000)", nil, func(db.Rows) error {
				if n++; n == 10 {
					cancel()
				}
				return nil
			})
		}, want: is(context.Canceled)},
		"cancel in gorm's transaction": {fn: func(ctx context.Context, _ *gorm.DB) error {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			return d.Conn(ctx, account).Transaction(func(g *gorm.DB) error {
				n := newNote(account, "never")
				err := g.Create(&n).Error
				cancel()
				return err
			})
		}, want: func(err error) bool { // database/sql rolls back by itself, and may be first
			return errors.Is(err, context.Canceled) || errors.Is(err, sql.ErrTxDone)
		}},
		"rows closed early": {fn: func(_ context.Context, g *gorm.DB) error {
			rows, err := g.Raw("select generate_series(1, 10000)").Rows()
			if err != nil {
				return err
			}
			rows.Next()
			return errors.Join(rows.Close(), rows.Err())
		}},
		"each refuses early": {fn: func(ctx context.Context, _ *gorm.DB) error {
			return d.Query(ctx, account, "select generate_series(1, 10000)", nil, func(db.Rows) error { return errRefused })
		}, want: is(errRefused)},
		"in batches": {fn: func(_ context.Context, g *gorm.DB) error {
			var ns []note
			return g.FindInBatches(&ns, 1, func(*gorm.DB, int) error { return nil }).Error
		}},
		"read only": {fn: func(_ context.Context, g *gorm.DB) error {
			return g.Transaction(func(g *gorm.DB) error {
				n := newNote(account, "x")
				return g.Create(&n).Error
			}, &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelSerializable})
		}, want: code("25006")},
		"raw begin":  {fn: func(_ context.Context, g *gorm.DB) error { return g.Exec("begin").Error }, want: anyError},
		"raw commit": {fn: func(_ context.Context, g *gorm.DB) error { return g.Exec("commit").Error }},
		"pinned conn": {fn: func(_ context.Context, g *gorm.DB) error {
			return g.Connection(func(g *gorm.DB) error { return g.Exec("select 1").Error })
		}},
		"gorm's own prepared statements": {fn: func(_ context.Context, g *gorm.DB) error {
			g = g.Session(&gorm.Session{PrepareStmt: true})
			var n note
			return errors.Join(g.Where("body = ?", "seed").Take(&n).Error, g.Where("body = ?", "seed").Take(&n).Error)
		}},
		"the migrator's first argument": {fn: func(_ context.Context, g *gorm.DB) error {
			rows, err := g.Statement.ConnPool.QueryContext(g.Statement.Context, "select $1::int", pgx.QueryExecModeSimpleProtocol, 7)
			if err != nil {
				return err
			}
			return errors.Join(rows.Close(), rows.Err())
		}},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			err := c.fn(ctx, d.Conn(ctx, account))
			if c.want == nil {
				require.NoError(t, err)
			} else {
				require.True(t, c.want(err), "%v", err)
			}
			requireClean(t, d)
			err = d.InTx(ctx, func(ctx context.Context) error { return c.fn(ctx, d.Conn(ctx, account)) })
			switch {
			case name == "raw begin": // a mere warning inside a transaction
				require.NoError(t, err)
			case c.want != nil || name == "raw commit":
				require.Error(t, err)
			default:
				require.NoError(t, err)
			}
			requireClean(t, d)
		})
	}
}

func anyError(err error) bool { return err != nil }

func is(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

func code(want string) func(error) bool {
	return func(err error) bool {
		var pg interface{ SQLState() string }
		return errors.As(err, &pg) && pg.SQLState() == want
	}
}

func childKey(err error) bool { return db.Violates(err, "children_note_fk") }

func TestNoTenant(t *testing.T) {
	d := open(t, onePerPool)
	ctx, account := context.Background(), newAccount()
	require.NoError(t, add(ctx, d, account, "x"))
	var none kernel.AccountID
	var n note
	var i int

	require.ErrorIs(t, d.Conn(ctx, none).Take(&n).Error, db.ErrNoTenant)
	require.ErrorIs(t, d.Conn(ctx, none).Create(&n).Error, db.ErrNoTenant)
	require.ErrorIs(t, d.Conn(ctx, none).Where("n = 1").Delete(&n).Error, db.ErrNoTenant)
	require.ErrorIs(t, d.Conn(ctx, none).Exec("select 1").Error, db.ErrNoTenant)
	require.ErrorIs(t, d.Conn(ctx, none).Transaction(func(*gorm.DB) error { return nil }), db.ErrNoTenant)
	require.ErrorIs(t, d.Partner(ctx, kernel.PartnerID{}).Take(&n).Error, db.ErrNoTenant)
	require.ErrorIs(t, d.Conn(ctx, account).WithContext(ctx).Take(&n).Error, db.ErrNoTenant, "the context lost its scope")
	require.ErrorIs(t, d.QueryRow(ctx, none, "select 1", nil, &i), db.ErrNoTenant)
	require.ErrorIs(t, add(ctx, d, none, "x"), db.ErrNoTenant)
	require.ErrorIs(t, d.InTx(ctx, func(ctx context.Context) error { return queue(ctx, d, none, "x") }), db.ErrNoTenant)

	require.ErrorIs(t, d.Control(ctx).Take(&n).Error, gorm.ErrRecordNotFound, "Control sees no tenant rows")
	require.True(t, code("42501")(d.Control(ctx).Create(&note{AccountID: account, ID: kernel.NewID[kernel.LeadID]()}).Error))
	requireClean(t, d)
}

func TestRowSecurityAlone(t *testing.T) {
	d := open(t, onePerPool)
	ctx, ours, theirs := context.Background(), newAccount(), newAccount()
	require.NoError(t, add(ctx, d, ours, "ours"))
	require.NoError(t, add(ctx, d, theirs, "theirs"))

	var found []note
	require.NoError(t, d.Conn(ctx, ours).Find(&found).Error, "without a condition")
	require.Len(t, found, 1)
	require.Equal(t, ours, found[0].AccountID)
	n, err := d.Exec(ctx, ours, "update notes set body = 'taken'")
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
	n, err = d.Exec(ctx, ours, "delete from notes where account_id = $1", theirs)
	require.NoError(t, err)
	require.Zero(t, n)
	_, err = d.Exec(ctx, ours, "update notes set account_id = $1", theirs)
	require.True(t, code("42501")(err))
	require.Equal(t, []string{"theirs"}, bodies(t, d, theirs))
}

func TestPartner(t *testing.T) {
	d := open(t, onePerPool)
	ctx, account, partner := context.Background(), newAccount(), kernel.NewID[kernel.PartnerID]()
	shared, private := newNote(account, "shared"), newNote(account, "private")
	shared.PartnerID = &partner
	require.NoError(t, d.Conn(ctx, account).Create([]*note{&shared, &private}).Error)
	other := newAccount()

	var found []note
	require.NoError(t, d.Partner(ctx, partner).Find(&found).Error)
	require.Equal(t, []note{shared}, found)
	require.NoError(t, d.Conn(db.WithPartner(ctx, partner), other).Find(&found).Error)
	require.Equal(t, []note{shared}, found, "with the account's own, which has none")
	require.NoError(t, d.Conn(ctx, other).Find(&found).Error)
	require.Empty(t, found, "the partner is gone with its statement")
	require.NoError(t, d.InTx(ctx, func(ctx context.Context) error {
		require.NoError(t, d.Partner(ctx, partner).Take(&shared).Error)
		return d.Conn(ctx, account).Where("body = ?", "private").Take(&private).Error
	}), "partner first, then the account")
	requireClean(t, d)
}

func TestManyRowsAreStreamed(t *testing.T) {
	d := open(t, onePerPool)
	account := newAccount()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	n, most := 0, uint64(0)
	require.NoError(t, d.Query(context.Background(), account,
		"select repeat('x', 500) from generate_series(1, 100000)", nil, func(r db.Rows) error {
			if n++; n%20000 == 0 {
				runtime.GC()
				runtime.ReadMemStats(&after)
				most = max(most, after.HeapAlloc)
			}
			require.Len(t, r.RawValues()[0], 500)
			return nil
		}))
	require.Equal(t, 100000, n)
	require.Less(t, int64(most)-int64(before.HeapAlloc), int64(8<<20), "of 50 MB")
}

func TestStatementsAreForgotten(t *testing.T) {
	d := open(t, onePerPool)
	ctx, account := context.Background(), newAccount()
	for i := range 700 {
		var got int
		require.NoError(t, d.QueryRow(ctx, account, fmt.Sprintf("select %d", i), nil, &got))
		require.Equal(t, i, got)
	}
	var got int
	require.NoError(t, d.QueryRow(ctx, account, "select 0", nil, &got), "once forgotten, prepared anew")
	conn, err := d.Pool().Acquire(ctx)
	require.NoError(t, err)
	defer conn.Release()
	require.Equal(t, 512, db.Prepared(conn))
	var onServer int
	require.NoError(t, conn.Conn().QueryRow(ctx, "select count(*) from pg_prepared_statements").Scan(&onServer))
	require.InDelta(t, 512+4, onServer, 1, "the fixed ones, and one to be closed with the next preparation")
}

func TestMoreStatementsInOneMessageThanAreKept(t *testing.T) {
	d := open(t, onePerPool)
	account, sum := newAccount(), 0
	require.NoError(t, d.InTx(context.Background(), func(ctx context.Context) error {
		for i := range 600 {
			require.NoError(t, d.Queue(ctx, account, fmt.Sprintf("select %d", i), nil, func(r db.Rows) error {
				var v int
				err := r.Scan(&v)
				sum += v
				return err
			}, nil))
		}
		return nil
	}))
	require.Equal(t, 599*600/2, sum)
}

func TestChangedTableUnderACachedPlan(t *testing.T) {
	d := open(t, onePerPool)
	owner := open(t, func(c *db.Config) { c.URL = here(t).owner })
	ctx, account := context.Background(), newAccount()
	_, err := owner.ExecControl(ctx, "create table plans (a int); insert into plans values (1)")
	require.Error(t, err, "two statements are refused")
	t.Cleanup(func() { _, _ = owner.ExecControl(ctx, "drop table plans") })
	for _, ddl := range []string{"create table plans (a int)", "insert into plans values (1)", "grant all on plans to public"} {
		_, err = owner.ExecControl(ctx, ddl)
		require.NoError(t, err)
	}
	width := func(ctx context.Context) (n int, err error) {
		err = d.Query(ctx, account, "select * from plans", nil, func(r db.Rows) error {
			n = len(r.FieldDescriptions())
			return nil
		})
		return n, err
	}
	for i, ddl := range []string{"alter table plans add b int", "alter table plans add c int"} {
		n, err := width(ctx)
		require.NoError(t, err)
		require.Equal(t, i+1, n)
		_, err = owner.ExecControl(ctx, ddl)
		require.NoError(t, err)
		if i == 0 {
			continue
		}
		require.NoError(t, d.InTx(ctx, func(ctx context.Context) error {
			n, err = width(ctx)
			return err
		}), "the transaction ran again")
		require.Equal(t, 3, n)
	}
	conn, err := d.Pool().Acquire(ctx)
	require.NoError(t, err)
	_, err = conn.Exec(ctx, "deallocate all")
	require.NoError(t, err)
	conn.Release()
	n, err := width(ctx)
	require.NoError(t, err, "on a fresh connection")
	require.Equal(t, 3, n)
}
