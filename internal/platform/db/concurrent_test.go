package db_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
)

// TestManyAtOnce mixes everything over few connections for two accounts, with errors and callers that leave.
func TestManyAtOnce(t *testing.T) {
	d := open(t, func(c *db.Config) { c.MaxConns, c.AcquireTimeout = 8, time.Minute })
	accounts := []kernel.AccountID{newAccount(), newAccount()}
	for _, a := range accounts {
		for i := range 20 {
			require.NoError(t, add(context.Background(), d, a, fmt.Sprint("seed ", i)))
		}
	}
	var foreign, kept, answered atomic.Int64
	// check looks at answers only: what gorm leaves in the destination besides an error is no answer. When a caller
	// leaves between two columns it keeps a row made of pooled values of other scans, with any driver.
	check := func(account kernel.AccountID, ns []note, err error) {
		if err != nil {
			return
		}
		answered.Add(1)
		for _, n := range ns {
			if n.AccountID != account {
				foreign.Add(1)
			}
		}
	}
	ops := []func(ctx context.Context, account kernel.AccountID, body string) error{
		func(ctx context.Context, account kernel.AccountID, _ string) error {
			var ns []note
			err := d.Conn(ctx, account).Limit(10).Find(&ns).Error
			check(account, ns, err)
			return err
		},
		func(ctx context.Context, account kernel.AccountID, _ string) error {
			return d.Query(ctx, account, "select account_id from notes limit 10", nil, func(r db.Rows) error {
				var n note
				err := r.Scan(&n.AccountID)
				check(account, []note{n}, err)
				return err
			})
		},
		func(ctx context.Context, account kernel.AccountID, body string) error {
			return d.InTx(ctx, func(ctx context.Context) error {
				var ns []note
				err := errors.Join(queue(ctx, d, account, body), d.Conn(ctx, account).Limit(5).Find(&ns).Error)
				check(account, ns, err)
				d.AfterCommit(ctx, func() { kept.Add(1) })
				return err
			})
		},
		func(ctx context.Context, account kernel.AccountID, body string) error {
			return d.Conn(ctx, account).Transaction(func(g *gorm.DB) error {
				n := newNote(account, body)
				return errors.Join(g.Create(&n).Error, errRefused)
			})
		},
		func(ctx context.Context, account kernel.AccountID, _ string) error {
			return create(ctx, d, account, "seed 1")
		},
		func(ctx context.Context, account kernel.AccountID, _ string) error {
			return d.Conn(ctx, account).Exec("select 1/0").Error
		},
		func(ctx context.Context, account kernel.AccountID, _ string) error {
			ctx, cancel := context.WithTimeout(ctx, time.Duration(rand.IntN(2000))*time.Microsecond)
			defer cancel()
			var ns []note
			err := d.Conn(ctx, account).Find(&ns).Error
			check(account, ns, err)
			return err
		},
		func(ctx context.Context, account kernel.AccountID, body string) error {
			return d.InTx(ctx, func(ctx context.Context) error {
				_ = d.Savepoint(ctx, func(ctx context.Context) error { return create(ctx, d, account, "seed 2") })
				d.AfterCommit(ctx, func() { kept.Add(1) })
				return create(ctx, d, account, body)
			})
		},
	}
	var all sync.WaitGroup
	for g := range 32 {
		all.Go(func() {
			for i := range 200 {
				op := ops[rand.IntN(len(ops))]
				_ = op(context.Background(), accounts[(g+i)%2], fmt.Sprintf("%d of %d", i, g))
			}
		})
	}
	all.Wait()
	require.Zero(t, foreign.Load())
	require.Greater(t, answered.Load(), int64(1000), "the check looked at something")
	require.EqualValues(t, 40+kept.Load(), len(bodies(t, d, accounts[0]))+len(bodies(t, d, accounts[1])))
	require.Eventually(t, func() bool { return d.Stats().InUse == 0 }, 5*time.Second, time.Millisecond)
	requireClean(t, d)
}

func TestOneTransactionIsOneGoroutines(t *testing.T) {
	d := open(t, onePerPool)
	account := newAccount()
	err := d.InTx(context.Background(), func(ctx context.Context) error {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() { _ = add(ctx, d, account, newAccount().String()) })
		}
		all.Wait()
		return nil
	})
	require.NoError(t, err, "those that came second were refused")
	require.NotEmpty(t, bodies(t, d, account))
	requireClean(t, d)
}
