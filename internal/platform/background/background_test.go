package background_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/background"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

type fixture struct {
	db      *db.DB
	account kernel.AccountID
	at      atomic.Int64 // the clock, in seconds
}

func setup(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{db: dbtest.New(t), account: kernel.NewID[kernel.AccountID]()}
	f.at.Store(1_800_000_000)
	return f
}

func (f *fixture) now() time.Time { return time.Unix(f.at.Load(), 0).UTC() }

func (f *fixture) runner(h background.Handler) *background.Runner {
	r := background.New(f.db, f.now)
	r.Handle("test", h)
	return r
}

func (f *fixture) schedule(t *testing.T, r *background.Runner, id uuid.UUID, in time.Duration) {
	t.Helper()
	require.NoError(t, f.db.InTx(t.Context(), func(ctx context.Context) error {
		return r.Schedule(ctx, f.account, "test", id, f.now().Add(in))
	}))
}

func run(t *testing.T, r *background.Runner) int {
	t.Helper()
	n, err := r.RunDue(t.Context())
	require.NoError(t, err)
	return n
}

func TestWorkIsDoneOnceWhenDueInsideItsAccount(t *testing.T) {
	t.Parallel()
	f, id := setup(t), uuid.New()
	var done []uuid.UUID
	r := f.runner(func(_ context.Context, account kernel.AccountID, item uuid.UUID) error {
		assert.Equal(t, f.account, account)
		done = append(done, item)
		return nil
	})
	f.schedule(t, r, id, time.Minute)
	assert.Zero(t, run(t, r), "not yet due")
	f.at.Add(61)
	assert.Equal(t, 1, run(t, r))
	assert.Zero(t, run(t, r))
	assert.Equal(t, []uuid.UUID{id}, done)
}

func TestWorkIsPartOfItsTransaction(t *testing.T) {
	t.Parallel()
	f := setup(t)
	r := f.runner(func(context.Context, kernel.AccountID, uuid.UUID) error { return nil })
	err := f.db.InTx(t.Context(), func(ctx context.Context) error {
		return errors.Join(r.Schedule(ctx, f.account, "test", uuid.New(), f.now()), assert.AnError)
	})
	require.ErrorIs(t, err, assert.AnError)
	assert.Zero(t, run(t, r))
}

func TestFailedWorkComesBackLaterEachTime(t *testing.T) {
	t.Parallel()
	f := setup(t)
	tries := 0
	r := f.runner(func(context.Context, kernel.AccountID, uuid.UUID) error {
		tries++
		if tries == 2 {
			panic("a panic is an error like any other")
		}
		if tries < 4 {
			return assert.AnError
		}
		return nil
	})
	f.schedule(t, r, uuid.New(), 0)
	for wait := int64(2); tries < 4; wait *= 2 {
		assert.Equal(t, 1, run(t, r))
		assert.Zero(t, run(t, r), "put off")
		f.at.Add(wait)
	}
	assert.Zero(t, run(t, r))
}

func TestWorkOfADeadProcessIsDueAgain(t *testing.T) {
	t.Parallel()
	f := setup(t)
	dead, ctx := f.runner(nil), t.Context()
	claimed := make(chan struct{})
	hang, kill := context.WithCancel(ctx)
	dead.Handle("test", func(context.Context, kernel.AccountID, uuid.UUID) error {
		close(claimed)
		<-hang.Done()
		return assert.AnError
	})
	f.schedule(t, dead, uuid.New(), 0)
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = dead.RunDue(hang) })
	<-claimed
	other := f.runner(func(context.Context, kernel.AccountID, uuid.UUID) error { return nil })
	assert.Zero(t, run(t, other), "leased to the first")
	f.at.Add(121)
	assert.Equal(t, 1, run(t, other))
	kill()
	wg.Wait()
	assert.Zero(t, run(t, other), "and the dead one's failure does not bring it back")
}

func TestOneProcessAtATime(t *testing.T) {
	t.Parallel()
	f := setup(t)
	var done atomic.Int64
	r := f.runner(func(context.Context, kernel.AccountID, uuid.UUID) error { done.Add(1); return nil })
	for range 60 {
		f.schedule(t, r, uuid.New(), 0)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				n, err := r.RunDue(t.Context())
				assert.NoError(t, err)
				if n == 0 {
					return
				}
			}
		})
	}
	wg.Wait()
	assert.EqualValues(t, 60, done.Load())
}

func TestHandlerMayScheduleItsWorkAnew(t *testing.T) {
	t.Parallel()
	f, id := setup(t), uuid.New()
	var r *background.Runner
	r = f.runner(func(ctx context.Context, account kernel.AccountID, item uuid.UUID) error {
		return r.Later(ctx, account, "test", item, time.Hour)
	})
	f.schedule(t, r, id, 0)
	assert.Equal(t, 1, run(t, r))
	assert.Zero(t, run(t, r))
	f.at.Add(3601)
	assert.Equal(t, 1, run(t, r), "it comes back")
}
