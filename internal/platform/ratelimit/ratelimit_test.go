package ratelimit_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
	"github.com/rooftop-crm/rooftop/internal/platform/ratelimit"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// clock stands still until it is moved.
type clock struct{ at atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.at.Store(time.Date(2026, 3, 1, 9, 30, 10, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) now() time.Time       { return time.Unix(0, c.at.Load()).UTC() }
func (c *clock) move(d time.Duration) { c.at.Add(int64(d)) }

// allowed sends n requests from several callers at once over the limiters in turn.
func allowed(ctx context.Context, limiters []*ratelimit.Limiter, c kernel.CredentialID, perMinute, n int) int {
	var count atomic.Int64
	var wg sync.WaitGroup
	const callers = 8
	for caller := range callers {
		wg.Go(func() {
			for i := caller; i < n; i += callers {
				if limiters[i%len(limiters)].Take(ctx, c, perMinute).Allowed {
					count.Add(1)
				}
			}
		})
	}
	wg.Wait()
	return int(count.Load())
}

func used(t *testing.T, d *db.DB, c kernel.CredentialID) (n, windows int64) {
	t.Helper()
	require.NoError(t, d.QueryRowControl(t.Context(),
		"SELECT coalesce(sum(used), 0)::bigint, count(*) FROM rate_windows WHERE credential_id = $1", []any{c}, &n, &windows))
	return n, windows
}

func TestProcessesShareAQuota(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	tests := []struct{ limit, processes int }{{600, 1}, {600, 2}, {600, 3}, {1000, 2}, {60, 1}, {10, 1}, {1, 2}}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%d over %d", tt.limit, tt.processes), func(t *testing.T) {
			t.Parallel()
			clk := newClock()
			var all []*ratelimit.Limiter
			for range tt.processes {
				all = append(all, ratelimit.New(d, clk.now))
			}
			c := kernel.NewID[kernel.CredentialID]()
			got := allowed(t.Context(), all, c, tt.limit, 3*tt.limit+50)
			assert.InDelta(t, tt.limit, got, 0.05*float64(tt.limit)+0.5)

			clk.move(ratelimit.Window)
			assert.InDelta(t, tt.limit, allowed(t.Context(), all, c, tt.limit, 3*tt.limit+50), 0.05*float64(tt.limit)+0.5, "the next window is whole again")
			n, windows := used(t, d, c)
			assert.Equal(t, int64(2), windows)
			assert.LessOrEqual(t, n, int64(2*(tt.limit+tt.processes*(tt.limit/40+1))))
		})
	}
}

func TestWhatTheCallerIsTold(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	clk := newClock()
	l := ratelimit.New(d, clk.now)
	c := kernel.NewID[kernel.CredentialID]()
	for i := range 20 {
		got := l.Take(t.Context(), c, 10)
		assert.Equal(t, i < 10, got.Allowed, "request %d", i)
		assert.Equal(t, 10, got.Limit)
		assert.Equal(t, max(9-i, 0), got.Remaining, "request %d", i)
		assert.Equal(t, 50*time.Second, got.Reset)
	}
	assert.True(t, l.Take(t.Context(), kernel.NewID[kernel.CredentialID](), 10).Allowed, "another credential has its own quota")
}

func TestAnAbsentDatabaseLeavesALocalLimit(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	d.Close()
	l := ratelimit.New(d, newClock().now)
	got := allowed(t.Context(), []*ratelimit.Limiter{l}, kernel.NewID[kernel.CredentialID](), 100, 300)
	assert.InDelta(t, 100, got, 5)
}

func TestOldWindowsAreRemoved(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	clk := newClock()
	l := ratelimit.New(d, clk.now)
	c := kernel.NewID[kernel.CredentialID]()
	allowed(t.Context(), []*ratelimit.Limiter{l}, c, 10, 30)
	require.NoError(t, l.Sweep(t.Context()))
	_, windows := used(t, d, c)
	assert.Equal(t, int64(1), windows, "the window is not over yet")
	clk.move(3 * ratelimit.Window)
	require.NoError(t, l.Sweep(t.Context()))
	_, windows = used(t, d, c)
	assert.Zero(t, windows)
	assert.True(t, l.Take(t.Context(), c, 10).Allowed)
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	clk := newClock()
	l := ratelimit.NewLocal(60, clk.now)
	take := func(addr string) bool { _, ok := l.Take(addr); return ok }
	for i := range 60 {
		require.True(t, take("192.0.2.1"), "request %d", i)
	}
	wait, ok := l.Take("192.0.2.1")
	assert.False(t, ok)
	assert.Equal(t, time.Second, wait)
	assert.False(t, take("::ffff:192.0.2.1"), "another spelling of the same address")
	assert.True(t, take("192.0.2.2"))
	clk.move(wait)
	assert.True(t, take("192.0.2.1"))
	assert.False(t, take("192.0.2.1"))

	for range 60 {
		require.True(t, take("2001:db8::1"))
	}
	assert.False(t, take("2001:db8::ffff:2"), "the same network of 64 bits")
	assert.True(t, take("2001:db8:0:1::1"))
	assert.True(t, take("not an address"))
	clk.move(2 * time.Minute)
	for range 60 {
		require.True(t, take("192.0.2.1"))
	}
	assert.False(t, take("192.0.2.1"))
}

func TestAFloodOfAddressesIsBounded(t *testing.T) {
	t.Parallel()
	l := ratelimit.NewLocal(60, newClock().now)
	for i := range 300_000 {
		_, ok := l.Take(fmt.Sprintf("2001:db8:%x:%x::1", i>>16, i&0xffff))
		require.True(t, ok)
	}
	assert.LessOrEqual(t, l.Size(), 16*8192)
}

func BenchmarkTake(b *testing.B) {
	l := ratelimit.New(dbtest.New(b), time.Now)
	c := kernel.NewID[kernel.CredentialID]()
	b.ReportAllocs()
	for b.Loop() {
		if !l.Take(b.Context(), c, 1_000_000_000).Allowed {
			b.Fatal("refused")
		}
	}
}

func TestManyAtOnceAreTakenWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	clk := newClock()
	one, other := ratelimit.New(d, clk.now), ratelimit.New(d, clk.now)
	c := kernel.NewID[kernel.CredentialID]()
	got := one.TakeMany(t.Context(), c, 600, 500)
	assert.True(t, got.Allowed)
	assert.Equal(t, 100, got.Remaining)
	got = other.TakeMany(t.Context(), c, 600, 101)
	assert.False(t, got.Allowed, "the other process knows")
	assert.LessOrEqual(t, got.Remaining, 100)
	assert.False(t, one.TakeMany(t.Context(), c, 600, 101).Allowed)

	taken := 0
	for range 200 {
		for _, l := range []*ratelimit.Limiter{one, other} {
			if l.TakeMany(t.Context(), c, 600, 2).Allowed {
				taken += 2
			}
		}
	}
	assert.InDelta(t, 100, taken, 15, "what was refused took nothing")
}
