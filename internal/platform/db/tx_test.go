package db_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
)

var errRefused = errors.New("refused")

func add(ctx context.Context, d *db.DB, account kernel.AccountID, body string) error {
	_, err := d.Exec(ctx, account, insertNote, noteArgs(account, body)...)
	return err
}

func queue(ctx context.Context, d *db.DB, account kernel.AccountID, body string) error {
	return d.Queue(ctx, account, insertNote, noteArgs(account, body), nil, nil)
}

func create(ctx context.Context, d *db.DB, account kernel.AccountID, body string) error {
	n := newNote(account, body)
	return d.Conn(ctx, account).Create(&n).Error
}

// TestTransactionKeepsOrDropsAll runs units of work and says what is left of them.
func TestTransactionKeepsOrDropsAll(t *testing.T) {
	d := open(t, onePerPool)
	type run func(ctx context.Context, a kernel.AccountID) error
	for name, c := range map[string]struct {
		fn      run
		want    []string
		wantErr error
	}{
		"all three ways join": {fn: func(ctx context.Context, a kernel.AccountID) error {
			return errors.Join(queue(ctx, d, a, "queued"), create(ctx, d, a, "gorm"), add(ctx, d, a, "raw"), queue(ctx, d, a, "late"))
		}, want: []string{"gorm", "late", "queued", "raw"}},
		"an error drops all": {fn: func(ctx context.Context, a kernel.AccountID) error {
			return errors.Join(create(ctx, d, a, "x"), errRefused)
		}, wantErr: errRefused},
		"a nested error drops all even when dropped": {fn: func(ctx context.Context, a kernel.AccountID) error {
			_ = create(ctx, d, a, "x")
			_ = d.InTx(ctx, func(context.Context) error { return errRefused })
			return nil
		}, wantErr: errRefused},
		"a swallowed error is reported by the commit": {fn: func(ctx context.Context, a kernel.AccountID) error {
			_ = create(ctx, d, a, "x")
			_ = create(ctx, d, a, "x")
			return nil
		}, wantErr: db.ErrRolledBack},
		"a swallowed error stops the next statement": {fn: func(ctx context.Context, a kernel.AccountID) error {
			_ = create(ctx, d, a, "x")
			_ = create(ctx, d, a, "x")
			return create(ctx, d, a, "y")
		}, wantErr: db.ErrRolledBack},
		"done refuses with the commit": {fn: func(ctx context.Context, a kernel.AccountID) error {
			_ = queue(ctx, d, a, "x")
			return d.Queue(ctx, a, "update notes set n = 1 where body = 'none'", nil, nil, func(n int64) error {
				if n == 0 {
					return errRefused
				}
				return nil
			})
		}, wantErr: errRefused},
		"each refuses": {fn: func(ctx context.Context, a kernel.AccountID) error {
			return d.Queue(ctx, a, insertNote+" returning n", noteArgs(a, "x"), func(db.Rows) error { return errRefused }, nil)
		}, wantErr: errRefused},
		"savepoint fails alone": {fn: func(ctx context.Context, a kernel.AccountID) error {
			_ = queue(ctx, d, a, "before")
			err := d.Savepoint(ctx, func(ctx context.Context) error {
				_ = queue(ctx, d, a, "inner queued")
				return errors.Join(create(ctx, d, a, "inner"), create(ctx, d, a, "inner"))
			})
			if !db.IsUniqueViolation(err) {
				return errors.New("want a unique violation")
			}
			return create(ctx, d, a, "after")
		}, want: []string{"after", "before"}},
		"savepoint with a swallowed error fails alone": {fn: func(ctx context.Context, a kernel.AccountID) error {
			_ = create(ctx, d, a, "before")
			if err := d.Savepoint(ctx, func(ctx context.Context) error {
				_ = create(ctx, d, a, "before")
				return nil
			}); !errors.Is(err, db.ErrRolledBack) {
				return errors.New("want the swallowed error")
			}
			return queue(ctx, d, a, "after")
		}, want: []string{"after", "before"}},
		"savepoint undone before anything was sent": {fn: func(ctx context.Context, a kernel.AccountID) error {
			_ = queue(ctx, d, a, "before")
			_ = d.Savepoint(ctx, func(ctx context.Context) error { return errors.Join(queue(ctx, d, a, "inner"), errRefused) })
			return nil
		}, want: []string{"before"}},
		"savepoint whose queue fails": {fn: func(ctx context.Context, a kernel.AccountID) error {
			_ = create(ctx, d, a, "before")
			if err := d.Savepoint(ctx, func(ctx context.Context) error { return queue(ctx, d, a, "before") }); err == nil {
				return errors.New("want the queued error")
			}
			return nil
		}, want: []string{"before"}},
		"savepoint cannot save what failed before it": {fn: func(ctx context.Context, a kernel.AccountID) error {
			_ = create(ctx, d, a, "before")
			_ = queue(ctx, d, a, "before")
			_ = d.Savepoint(ctx, func(ctx context.Context) error { return create(ctx, d, a, "inner") })
			return nil
		}, wantErr: db.ErrRolledBack},
		"savepoint with a bad argument": {fn: func(ctx context.Context, a kernel.AccountID) error {
			_ = queue(ctx, d, a, "before")
			_ = d.Savepoint(ctx, func(ctx context.Context) error {
				_, err := d.Exec(ctx, a, insertNote, a, struct{}{}, "x")
				return err
			})
			return nil
		}, want: []string{"before"}},
		"savepoint in a savepoint": {fn: func(ctx context.Context, a kernel.AccountID) error {
			return d.Savepoint(ctx, func(ctx context.Context) error {
				_ = create(ctx, d, a, "outer")
				_ = d.Savepoint(ctx, func(ctx context.Context) error { return errors.Join(create(ctx, d, a, "inner"), errRefused) })
				return create(ctx, d, a, "outer 2")
			})
		}, want: []string{"outer", "outer 2"}},
		"nested InTx inside a savepoint": {fn: func(ctx context.Context, a kernel.AccountID) error {
			_ = d.Savepoint(ctx, func(ctx context.Context) error {
				return d.InTx(ctx, func(ctx context.Context) error { return errors.Join(create(ctx, d, a, "inner"), errRefused) })
			})
			return create(ctx, d, a, "after")
		}, want: []string{"after"}},
		"gorm's transaction is a savepoint": {fn: func(ctx context.Context, a kernel.AccountID) error {
			_ = queue(ctx, d, a, "before")
			err := d.Conn(ctx, a).Transaction(func(g *gorm.DB) error {
				n := newNote(a, "inner")
				return errors.Join(g.Create(&n).Error, errRefused)
			})
			if !errors.Is(err, errRefused) {
				return errors.New("want errRefused")
			}
			return d.Conn(ctx, a).Transaction(func(g *gorm.DB) error {
				n := newNote(a, "kept")
				return g.Create(&n).Error
			})
		}, want: []string{"before", "kept"}},
		"a deferred constraint fails at the commit": {fn: func(ctx context.Context, a kernel.AccountID) error {
			_, err := d.Exec(ctx, a, "insert into children values ($1, $2, $3)", a, kernel.NewID[kernel.LeadID](), kernel.NewID[kernel.LeadID]())
			return errors.Join(err, create(ctx, d, a, "x"))
		}, wantErr: errForeignKey},
		"a deferred constraint fails at the commit of a queue": {fn: func(ctx context.Context, a kernel.AccountID) error {
			_ = queue(ctx, d, a, "x")
			return d.Queue(ctx, a, "insert into children values ($1, $2, $3)",
				[]any{a, kernel.NewID[kernel.LeadID](), kernel.NewID[kernel.LeadID]()}, nil, nil)
		}, wantErr: errForeignKey},
		"raw COMMIT is refused": {fn: func(ctx context.Context, a kernel.AccountID) error {
			_ = create(ctx, d, a, "x")
			_, err := d.Exec(ctx, a, "rollback")
			if err == nil {
				return errors.New("want an error")
			}
			return nil
		}, wantErr: db.ErrRolledBack},
	} {
		t.Run(name, func(t *testing.T) {
			account := newAccount()
			err := d.InTx(context.Background(), func(ctx context.Context) error { return c.fn(ctx, account) })
			switch {
			case errors.Is(c.wantErr, errForeignKey):
				require.True(t, db.Violates(err, "children_note_fk"), "%v", err)
			case c.wantErr != nil:
				require.ErrorIs(t, err, c.wantErr)
			default:
				require.NoError(t, err)
			}
			want := c.want
			if want == nil {
				want = []string{}
			}
			require.Equal(t, want, bodies(t, d, account))
			requireClean(t, d)
		})
	}
}

var errForeignKey = errors.New("foreign key")

func TestOneAccountPerTransaction(t *testing.T) {
	d := open(t, onePerPool)
	a, b := newAccount(), newAccount()
	p, q := kernel.NewID[kernel.PartnerID](), kernel.NewID[kernel.PartnerID]()
	ctx := context.Background()
	require.NoError(t, add(ctx, d, b, "theirs"))

	require.NoError(t, d.InTx(ctx, func(ctx context.Context) error {
		require.NoError(t, add(ctx, d, a, "ours"))
		require.ErrorIs(t, add(ctx, d, b, "x"), db.ErrTenantChanged)
		require.ErrorIs(t, queue(ctx, d, b, "x"), db.ErrTenantChanged)
		require.ErrorIs(t, create(ctx, d, b, "x"), db.ErrTenantChanged)
		var n note
		require.ErrorIs(t, d.Conn(ctx, b).Where("body = ?", "theirs").Take(&n).Error, db.ErrTenantChanged)
		require.ErrorIs(t, d.Conn(ctx, a).Transaction(func(g *gorm.DB) error {
			return d.Conn(g.Statement.Context, b).Take(&n).Error
		}), db.ErrTenantChanged)
		require.NoError(t, d.Control(ctx).Where("body = ?", "ours").Take(&n).Error, "Control keeps the scope")
		require.NoError(t, add(db.WithPartner(ctx, p), d, a, "with a partner"), "a scope may grow")
		require.ErrorIs(t, add(db.WithPartner(ctx, q), d, a, "x"), db.ErrTenantChanged)
		return nil
	}), "a refused statement was not sent and fails nothing")
	require.Equal(t, []string{"ours", "with a partner"}, bodies(t, d, a))
	require.Equal(t, []string{"theirs"}, bodies(t, d, b))
	requireClean(t, d)
}

func TestGormTransactionOutsideInTx(t *testing.T) {
	d := open(t, onePerPool)
	a, b := newAccount(), newAccount()
	ctx := context.Background()
	require.NoError(t, d.Conn(ctx, a).Transaction(func(g *gorm.DB) error {
		n := newNote(a, "one")
		require.NoError(t, g.Create(&n).Error)
		var other note
		require.ErrorIs(t, g.WithContext(d.Conn(ctx, b).Statement.Context).Take(&other).Error, db.ErrTenantChanged)
		require.NoError(t, g.WithContext(context.Background()).Take(&other).Error, "keeps the transaction's scope")
		require.Error(t, g.Transaction(func(g *gorm.DB) error {
			n := newNote(a, "one")
			return g.Create(&n).Error
		}), "nested, by savepoint")
		n = newNote(a, "two")
		return g.Create(&n).Error
	}))
	require.Equal(t, []string{"one", "two"}, bodies(t, d, a))
	err := d.Conn(ctx, a).Transaction(func(g *gorm.DB) error {
		n := newNote(a, "three")
		_ = g.Create(&n).Error
		_ = g.Exec("select 1/0").Error
		return nil
	})
	require.ErrorIs(t, err, db.ErrRolledBack)
	require.Panics(t, func() {
		_ = d.Conn(ctx, a).Transaction(func(g *gorm.DB) error {
			n := newNote(a, "four")
			_ = g.Create(&n).Error
			panic("no")
		})
	})
	require.Equal(t, []string{"one", "two"}, bodies(t, d, a))
	requireClean(t, d)
}

func TestPanicRollsBackAndReleases(t *testing.T) {
	d := open(t, onePerPool)
	account := newAccount()
	for name, boom := range map[string]func(ctx context.Context){
		"in fn": func(context.Context) { panic("no") },
		"in each": func(ctx context.Context) {
			_ = d.Query(ctx, account, "select 1", nil, func(db.Rows) error { panic("no") })
		},
		"in a queued callback": func(ctx context.Context) {
			_ = d.Queue(ctx, account, "select 1", nil, nil, func(int64) error { panic("no") })
			_ = d.Flush(ctx)
		},
		"in a savepoint": func(ctx context.Context) {
			_ = d.Savepoint(ctx, func(context.Context) error { panic("no") })
		},
	} {
		t.Run(name, func(t *testing.T) {
			require.PanicsWithValue(t, "no", func() {
				_ = d.InTx(context.Background(), func(ctx context.Context) error {
					require.NoError(t, add(ctx, d, account, "x"))
					boom(ctx)
					return nil
				})
			})
			require.Eventually(t, func() bool { return d.Stats().InUse == 0 }, 5*time.Second, time.Millisecond)
			require.Empty(t, bodies(t, d, account))
			requireClean(t, d)
		})
	}
}

func TestAfterCommit(t *testing.T) {
	d := open(t, onePerPool)
	account := newAccount()
	ctx := context.Background()
	var ran []string
	note := func(ctx context.Context, s string) { d.AfterCommit(ctx, func() { ran = append(ran, s) }) }

	note(ctx, "at once")
	require.NoError(t, d.InTx(ctx, func(ctx context.Context) error {
		note(ctx, "outer")
		_ = d.InTx(ctx, func(ctx context.Context) error { note(ctx, "nested"); return nil })
		_ = d.Savepoint(ctx, func(ctx context.Context) error { note(ctx, "undone"); return errRefused })
		require.Equal(t, []string{"at once"}, ran)
		d.AfterCommit(ctx, func() {
			require.False(t, db.InTransaction(ctx))
			require.Zero(t, d.Stats().InUse, "the connection is free")
			require.ErrorIs(t, add(ctx, d, account, "late"), db.ErrTxDone)
		})
		require.True(t, db.InTransaction(ctx))
		return add(ctx, d, account, "x")
	}))
	require.Equal(t, []string{"at once", "outer", "nested"}, ran)
	_ = d.InTx(ctx, func(ctx context.Context) error { note(ctx, "rolled back"); return errRefused })
	_ = d.InTx(ctx, func(ctx context.Context) error {
		note(ctx, "failed commit")
		return queue(ctx, d, account, "x")
	})
	require.Equal(t, []string{"at once", "outer", "nested"}, ran)
	require.False(t, db.InTransaction(ctx))
}

func TestNeedsATransaction(t *testing.T) {
	d := open(t)
	ctx := context.Background()
	require.ErrorIs(t, queue(ctx, d, newAccount(), "x"), db.ErrNoTransaction)
	require.ErrorIs(t, d.Flush(ctx), db.ErrNoTransaction)
	require.ErrorIs(t, d.Savepoint(ctx, func(context.Context) error { return nil }), db.ErrNoTransaction)
}

func TestQueueWhileRowsAreRead(t *testing.T) {
	d := open(t, onePerPool)
	account := newAccount()
	require.NoError(t, d.InTx(context.Background(), func(ctx context.Context) error {
		return d.Query(ctx, account, "select 'row ' || g from generate_series(1, 3) g", nil, func(r db.Rows) error {
			var body string
			require.NoError(t, r.Scan(&body))
			require.ErrorIs(t, add(ctx, d, account, body), db.ErrBusy)
			return queue(ctx, d, account, body)
		})
	}))
	require.Equal(t, []string{"row 1", "row 2", "row 3"}, bodies(t, d, account))
}

func TestRowsLeftOpenRollBack(t *testing.T) {
	d := open(t, onePerPool)
	account := newAccount()
	err := d.InTx(context.Background(), func(ctx context.Context) error {
		require.NoError(t, add(ctx, d, account, "x"))
		rows, err := d.Conn(ctx, account).Raw("select generate_series(1, 100000)").Rows() //nolint:rowserrcheck // left open
		require.NoError(t, err)
		require.True(t, rows.Next())
		return nil
	})
	require.ErrorIs(t, err, db.ErrBusy)
	require.Empty(t, bodies(t, d, account))
	requireClean(t, d)
}

// TestDeadlockIsTriedAgain makes two transactions lock two rows in opposite order, each waiting for the other's first.
func TestDeadlockIsTriedAgain(t *testing.T) {
	d := open(t)
	account := newAccount()
	require.NoError(t, add(context.Background(), d, account, "a"))
	require.NoError(t, add(context.Background(), d, account, "b"))
	var tries, hooks sync.Map
	var locked, all sync.WaitGroup
	locked.Add(2)
	for _, order := range []string{"ab", "ba"} {
		all.Go(func() {
			first := true
			err := d.InTx(context.Background(), func(ctx context.Context) error {
				n, _ := tries.LoadOrStore(order, new(int))
				*n.(*int)++
				h, _ := hooks.LoadOrStore(order, new(int))
				d.AfterCommit(ctx, func() { *h.(*int)++ })
				for body := range strings.SplitSeq(order, "") {
					if _, err := d.Exec(ctx, account, "update notes set n = n + 1 where account_id = $1 and body = $2", account, body); err != nil {
						return errRefused // mapped: the cause is no longer in the chain
					}
					if first {
						first = false
						locked.Done()
						locked.Wait()
					}
				}
				return nil
			})
			require.NoError(t, err)
		})
	}
	all.Wait()
	total := 0
	for _, order := range []string{"ab", "ba"} {
		n, _ := tries.Load(order)
		total += *n.(*int)
		h, _ := hooks.Load(order)
		require.Equal(t, 1, *h.(*int), "a hook runs once")
	}
	require.Equal(t, 3, total, "the victim ran twice")
	var sum int
	require.NoError(t, d.QueryRow(context.Background(), account, "select sum(n) from notes where account_id = $1", []any{account}, &sum))
	require.Equal(t, 4, sum)
}

func TestRetriesEnd(t *testing.T) {
	d := open(t, onePerPool)
	account, tries := newAccount(), 0
	err := d.InTx(context.Background(), func(ctx context.Context) error {
		tries++
		_, err := d.Exec(ctx, account, "do $$ begin raise exception 'again' using errcode = '40001'; end $$")
		return err
	})
	require.True(t, db.IsRetryable(err))
	require.Equal(t, 4, tries)
}

func TestCallerThatLeavesDoesNotCancelTheCommit(t *testing.T) {
	for name, fill := range map[string]func(ctx context.Context, d *db.DB, a kernel.AccountID) error{
		"sent":   func(ctx context.Context, d *db.DB, a kernel.AccountID) error { return add(ctx, d, a, "x") },
		"queued": func(ctx context.Context, d *db.DB, a kernel.AccountID) error { return queue(ctx, d, a, "x") },
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t, onePerPool)
			account := newAccount()
			ctx, leave := context.WithCancel(context.Background())
			require.NoError(t, d.InTx(ctx, func(ctx context.Context) error {
				require.NoError(t, fill(ctx, d, account))
				leave()
				require.NoError(t, ctx.Err())
				return nil
			}))
			require.Equal(t, []string{"x"}, bodies(t, d, account))
		})
	}
}

func TestCallerThatLeftBeforeTheFirstStatementGetsNoConnection(t *testing.T) {
	d := open(t, onePerPool)
	ctx, leave := context.WithCancel(context.Background())
	leave()
	err := d.InTx(ctx, func(ctx context.Context) error { return add(ctx, d, newAccount(), "x") })
	require.ErrorIs(t, err, context.Canceled)
	require.False(t, db.IsUnavailable(err))
}

func TestTxTimeout(t *testing.T) {
	d := open(t, onePerPool, func(c *db.Config) { c.TxTimeout = time.Second })
	account := newAccount()
	require.Empty(t, bodies(t, d, account), "connected")
	err := d.InTx(context.Background(), func(ctx context.Context) error {
		require.NoError(t, add(ctx, d, account, "x"))
		_, err := d.Exec(ctx, account, "select pg_sleep(10)")
		return err
	})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NotErrorIs(t, err, db.ErrUnknownOutcome, "the commit was not sent")
	require.Empty(t, bodies(t, d, account))
	requireClean(t, d)
}

func TestTwoDatabasesInOneContext(t *testing.T) {
	one, two := open(t, onePerPool), open(t, onePerPool)
	a, b := newAccount(), newAccount()
	require.NoError(t, one.InTx(context.Background(), func(ctx context.Context) error {
		return two.InTx(ctx, func(ctx context.Context) error {
			require.NoError(t, add(ctx, two, b, "two"))
			return add(ctx, one, a, "one")
		})
	}))
	require.Equal(t, []string{"one"}, bodies(t, one, a))
	require.Equal(t, []string{"two"}, bodies(t, one, b))
}
