// Package ratelimit counts requests: per credential over all processes, by leases from Postgres, and per address within
// one process. It owns rate_windows. How a refusal looks on the wire is left to the API.
package ratelimit

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
)

const (
	// Window is the span that a quota is for. Windows begin at full minutes for everyone.
	Window = time.Minute

	// A lease is a share of the quota: a window takes at most this many of them, however fast the requests come, and what
	// an idle process keeps for itself is no more than one.
	leasesPerWindow = 40
	leaseTimeout    = time.Second
	sweepEvery      = time.Minute
)

// Decision is the answer for one request, with what the caller is told about the quota.
type Decision struct {
	Allowed   bool
	Limit     int
	Remaining int           // of all processes together, as far as this one knows
	Reset     time.Duration // until the window ends
}

// Limiter shares the quotas of credentials between processes. It is safe for concurrent use.
//
// Requests are served from a local lease, and the next lease is fetched while there is something left, so that the
// ordinary request makes no trip to the database. What was leased is counted as used: together the processes never allow
// more than the quota, but for half a lease each that the first requests of a window may have in advance.
type Limiter struct {
	now     func() time.Time
	lease   func(ctx context.Context, c kernel.CredentialID, window time.Time, n int64) (used int64, err error)
	purge   func(ctx context.Context, before time.Time) error
	buckets sync.Map // kernel.CredentialID → *bucket
}

// New returns a limiter that leases from d.
func New(d *db.DB, now func() time.Time) *Limiter {
	return &Limiter{
		now: now,
		lease: func(ctx context.Context, c kernel.CredentialID, window time.Time, n int64) (used int64, err error) {
			err = d.QueryRowControl(ctx, takeLease, []any{c, window, n}, &used)
			return used, err
		},
		purge: func(ctx context.Context, before time.Time) error {
			_, err := d.ExecControl(ctx, purgeWindows, before)
			return err
		},
	}
}

const (
	takeLease = `INSERT INTO rate_windows (credential_id, window_start, used) VALUES ($1, $2, $3)
		ON CONFLICT (credential_id, window_start) DO UPDATE SET used = rate_windows.used + excluded.used RETURNING used`
	purgeWindows = `DELETE FROM rate_windows WHERE window_start < $1`
)

// bucket is what this process holds of one credential's quota in one window.
type bucket struct {
	mu      sync.Mutex
	window  time.Time
	left    int64         // leased and not yet used; negative when requests were served in advance
	used    int64         // leased by all processes, as of our last lease
	granted int64         // leased by this process
	spent   bool          // the quota is used up until the window ends
	fetch   chan struct{} // closed when the lease under way is there; nil when none is
}

// Take counts one request of a credential against its quota per minute. It waits for the database only when the local
// lease ran out faster than the next one came. When the database cannot be asked it fails open: this process then allows
// the quota by itself, since a quota must not take down what the database's absence left standing.
func (l *Limiter) Take(ctx context.Context, c kernel.CredentialID, perMinute int) Decision {
	return l.TakeMany(ctx, c, perMinute, 1)
}

// TakeMany counts a request that does the work of n. It takes all n or none.
func (l *Limiter) TakeMany(ctx context.Context, c kernel.CredentialID, perMinute, n int) Decision {
	b := l.bucket(c)
	limit, units := int64(perMinute), int64(n)
	for {
		now := l.now()
		b.mu.Lock()
		b.turn(now)
		if b.left >= units || b.granted == 0 && !b.spent && b.left-units >= -advance(limit) {
			b.left -= units
			if b.left <= share(limit)/2 {
				l.fetchMore(b, c, limit, share(limit))
			}
			d := b.decide(true, limit, now)
			b.mu.Unlock()
			return d
		}
		if b.spent {
			d := b.decide(false, limit, now)
			b.mu.Unlock()
			return d
		}
		l.fetchMore(b, c, limit, max(share(limit), units-b.left))
		fetch := b.fetch
		b.mu.Unlock()
		select {
		case <-fetch:
		case <-ctx.Done():
			// The caller went away or its time is up: whatever is answered, the request does no work.
			return Decision{Allowed: true, Limit: perMinute, Reset: reset(now)}
		}
	}
}

func (l *Limiter) bucket(c kernel.CredentialID) *bucket {
	if b, ok := l.buckets.Load(c); ok {
		return b.(*bucket) //nolint:forcetypeassert // the map holds nothing else
	}
	b, _ := l.buckets.LoadOrStore(c, &bucket{})
	return b.(*bucket) //nolint:forcetypeassert // the map holds nothing else
}

// share is the size of one lease.
func share(limit int64) int64 { return (limit + leasesPerWindow - 1) / leasesPerWindow }

// advance is how many requests may go ahead before the window's first lease is there.
func advance(limit int64) int64 { return share(limit) / 2 }

func reset(now time.Time) time.Duration { return now.Truncate(Window).Add(Window).Sub(now) }

// turn begins a new window when the old one is over. A lease under way for the old one is then ignored when it comes.
func (b *bucket) turn(now time.Time) {
	if w := now.Truncate(Window); w.After(b.window) {
		b.window, b.left, b.used, b.granted, b.spent, b.fetch = w, 0, 0, 0, false, nil
	}
}

func (b *bucket) decide(allowed bool, limit int64, now time.Time) Decision {
	remaining := max(limit-b.used, 0) + b.left
	return Decision{Allowed: allowed, Limit: int(limit), Remaining: int(max(remaining, 0)), Reset: reset(now)}
}

// fetchMore asks for the next lease, of n, unless one is on its way or there is none. b is locked.
func (l *Limiter) fetchMore(b *bucket, c kernel.CredentialID, limit, n int64) {
	if b.fetch != nil || b.spent {
		return
	}
	done := make(chan struct{})
	b.fetch = done
	window := b.window
	go func() {
		// The request that needs the lease may end before it is there; others need it too.
		ctx, cancel := context.WithTimeout(context.Background(), leaseTimeout)
		defer cancel()
		used, err := l.lease(ctx, c, window, n)
		b.mu.Lock()
		defer b.mu.Unlock()
		defer close(done)
		if !b.window.Equal(window) {
			return
		}
		b.fetch = nil
		if err != nil {
			slog.DebugContext(ctx, "a rate quota could not be leased; counting locally", "error", err)
			used = b.granted + n
		}
		got := n
		if over := used - limit; over > 0 {
			got = max(n-over, 0)
			b.spent = true
		}
		b.used = min(used, limit)
		b.granted += got
		b.left += got
	}()
}

// Run forgets windows that are over, in the table and in memory, until ctx ends. Every process may run it.
func (l *Limiter) Run(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := l.Sweep(ctx); err != nil && ctx.Err() == nil {
				slog.WarnContext(ctx, "old rate windows could not be removed; trying again", "error", err)
			}
		}
	}
}

// Sweep forgets windows that are over.
func (l *Limiter) Sweep(ctx context.Context) error {
	old := l.now().Truncate(Window).Add(-Window)
	l.buckets.Range(func(key, value any) bool {
		b := value.(*bucket) //nolint:forcetypeassert // the map holds nothing else
		b.mu.Lock()
		idle := b.window.Before(old) && b.fetch == nil
		b.mu.Unlock()
		if idle {
			l.buckets.Delete(key)
		}
		return true
	})
	if err := l.purge(ctx, old); err != nil {
		return fmt.Errorf("remove old rate windows: %w", err)
	}
	return nil
}
