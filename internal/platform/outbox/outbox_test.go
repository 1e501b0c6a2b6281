package outbox_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/clock"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

type fixture struct {
	db       *db.DB
	log      *outbox.Log
	account  kernel.AccountID
	ownerURL string
}

func setup(t *testing.T) *fixture {
	t.Helper()
	serverURL, ownerURL := dbtest.URLs(t)
	f := &fixture{db: dbtest.Open(t, serverURL), account: kernel.NewID[kernel.AccountID](), ownerURL: ownerURL}
	f.log = outbox.New(f.db)
	f.owner(t, "INSERT INTO accounts (id, name, created_at, updated_at) VALUES ($1, 'a', now(), now())", f.account)
	return f
}

// owner runs a statement as the owner of the database.
func (f *fixture) owner(t *testing.T, sql string, args ...any) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), f.ownerURL)
	require.NoError(t, err)
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	_, err = conn.Exec(t.Context(), sql, args...)
	require.NoError(t, err)
}

func (f *fixture) write(ctx context.Context, id uuid.UUID, sequence int64, before func(context.Context) error) error {
	return f.db.InTx(ctx, func(ctx context.Context) error {
		if before != nil {
			if err := before(ctx); err != nil {
				return err
			}
		}
		return f.log.Write(ctx, f.account, outbox.Event{
			Type: "thing.changed", Resource: "thing", ID: id, Sequence: sequence, Actor: auth.System(f.account), At: clock.Now(),
		})
	})
}

// source has every id that was asked for; the listing is empty.
func source() outbox.Source[uuid.UUID] {
	return outbox.Source[uuid.UUID]{
		Resource: "thing",
		List:     func(context.Context, uuid.UUID, int) ([]uuid.UUID, error) { return nil, nil },
		Load:     func(_ context.Context, ids []uuid.UUID) ([]uuid.UUID, error) { return ids, nil },
		ID:       func(id uuid.UUID) uuid.UUID { return id },
	}
}

func (f *fixture) begin(t *testing.T) outbox.Cursor {
	t.Helper()
	got, err := outbox.Read(t.Context(), f.log, f.account, source(), outbox.Cursor{}, 10)
	require.NoError(t, err)
	return got.Next
}

// TestNothingIsMissedUnderConcurrentWriters is the test that reading by a serial number fails: transactions that began
// earlier commit later, and a reader that has gone past them must see them all the same.
func TestNothingIsMissedUnderConcurrentWriters(t *testing.T) {
	t.Parallel()
	f := setup(t)
	cursor := f.begin(t)
	const writers, each = 16, 40
	var left atomic.Int64
	left.Store(writers)
	work, stop := context.WithCancel(t.Context())
	defer stop()
	var wg sync.WaitGroup
	for range 2 { // two processes number at once
		l := outbox.New(f.db)
		wg.Go(func() { assert.NoError(t, l.Sequence(work)) })
	}
	for w := range writers {
		wg.Go(func() {
			defer left.Add(-1)
			for i := range each {
				id := uuid.NewSHA1(uuid.Nil, fmt.Appendf(nil, "%d/%d", w, i))
				err := f.write(t.Context(), id, 1, func(ctx context.Context) error {
					_, err := f.db.Exec(ctx, f.account, "SELECT pg_sleep($1)", rand.Float64()/100)
					return err
				})
				assert.NoError(t, err)
			}
		})
	}
	seen := map[uuid.UUID]int{}
	deadline := time.Now().Add(time.Minute)
	for len(seen) < writers*each && time.Now().Before(deadline) {
		got, err := outbox.Read(t.Context(), f.log, f.account, source(), cursor, 7)
		require.NoError(t, err)
		for _, id := range got.Items {
			seen[id]++
		}
		cursor = got.Next
	}
	stop()
	wg.Wait()
	assert.Len(t, seen, writers*each)
	for id, n := range seen {
		assert.Equal(t, 1, n, id)
	}
}

func TestALongTransactionStallsNobody(t *testing.T) {
	t.Parallel()
	f := setup(t)
	cursor := f.begin(t)
	long, quick := uuid.New(), uuid.New()
	require.NoError(t, f.write(t.Context(), long, 1, func(ctx context.Context) error {
		// Inside the long transaction, which has not committed, another one does, is numbered and read.
		if _, err := f.db.Exec(ctx, f.account, "SELECT pg_current_xact_id()"); err != nil {
			return err
		}
		done := make(chan error, 1)
		go func() { done <- f.write(context.WithoutCancel(t.Context()), quick, 1, nil) }()
		if err := <-done; err != nil {
			return err
		}
		n := make(chan int, 1)
		go func() {
			numbered, err := f.log.SequenceNow(context.WithoutCancel(t.Context()))
			assert.NoError(t, err)
			n <- numbered
		}()
		assert.Equal(t, 1, <-n)
		return nil
	}))
	_, err := f.log.SequenceNow(t.Context())
	require.NoError(t, err)
	got, err := outbox.Read(t.Context(), f.log, f.account, source(), cursor, 10)
	require.NoError(t, err)
	assert.Equal(t, []uuid.UUID{quick, long}, got.Items)
	assert.False(t, got.More)
}

func TestNumbersHaveNoGaps(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for range 5 {
		require.NoError(t, f.write(t.Context(), uuid.New(), 1, nil))
		require.Error(t, f.write(t.Context(), uuid.New(), 1, func(context.Context) error { return assert.AnError }))
		_, err := f.log.SequenceNow(t.Context())
		require.NoError(t, err)
	}
	var first, last, n int
	require.NoError(t, f.db.QueryRow(t.Context(), f.account, "SELECT min(position), max(position), count(*) FROM events WHERE account_id = $1", []any{f.account}, &first, &last, &n))
	assert.Equal(t, []int{1, 5, 5}, []int{first, last, n})
}

func TestCursorOfAnotherHistoryIsGone(t *testing.T) {
	t.Parallel()
	f := setup(t)
	cursor := f.begin(t)
	f.owner(t, "UPDATE installation SET value = gen_random_uuid()::text WHERE key = 'epoch'")
	_, err := outbox.Read(t.Context(), f.log, f.account, source(), cursor, 10)
	require.ErrorIs(t, err, outbox.ErrCursorExpired, "a move to another cluster")

	cursor = f.begin(t)
	f.owner(t, "INSERT INTO event_heads (account_id, position, pruned_to) VALUES ($1, 10, 5)", f.account)
	_, err = outbox.Read(t.Context(), f.log, f.account, source(), cursor, 10)
	require.ErrorIs(t, err, outbox.ErrCursorExpired, "events that are pruned")

	ahead := f.begin(t)
	ahead.Position += 100
	_, err = outbox.Read(t.Context(), f.log, f.account, source(), ahead, 10)
	assert.ErrorIs(t, err, outbox.ErrCursorExpired, "a number that was never given")
}
