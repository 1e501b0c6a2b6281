package core

import (
	"context"
	"crypto/sha256"
	"net/netip"
	"sync"
	"time"

	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

const (
	// freeFailures is how many wrong passwords in a row cost no waiting.
	freeFailures = 5
	// maxLock is the longest wait between two tries.
	maxLock = 15 * time.Minute
	// forgetAfter is how long after its last failure an e-mail's count begins anew.
	forgetAfter = time.Hour

	addressBurst  = 50              // failures of one address in a row
	addressRefill = 2 * time.Second // one more failure is allowed after this
	maxAddresses  = 50_000
)

// ErrThrottled is the answer to too many failures to sign in. It is the same whether or not there is such a user.
var ErrThrottled = errs.New(errs.Throttled, "auth.throttled",
	"Too many failed attempts. Wait as long as Retry-After says, then try again.")

// LockAfter is how long an e-mail is locked after that many failures in a row: not at all at first, then a second,
// doubling.
func LockAfter(failures int) time.Duration {
	n := failures - freeFailures
	if n < 0 {
		return 0
	}
	return min(time.Second<<min(n, 20), maxLock)
}

// FailuresAt is the count of failures once another one is added, some time after the one before.
func FailuresAt(failures int, last, now time.Time) int {
	if now.Sub(last) >= forgetAfter {
		return 1
	}
	return failures + 1
}

func emailHash(email string) []byte {
	sum := sha256.Sum256([]byte(email))
	return sum[:]
}

// attempt counts a try before it is known how it ends: of many at once, no more than allowed get to try. It must not run
// in a transaction that the failure rolls back.
func (s *Service) attempt(ctx context.Context, email string) error {
	now := s.Now()
	until, err := s.Control.Attempt(ctx, emailHash(email), now)
	if err != nil {
		return err
	}
	if until.After(now) {
		return ErrThrottled.After(until.Sub(now))
	}
	return nil
}

// addressLimiter bounds the failures that come from one network address, whatever they try. It counts for this process:
// what holds over all processes is the count by e-mail.
type addressLimiter struct {
	now     func() time.Time
	mu      sync.Mutex
	buckets map[netip.Prefix]bucket
}

type bucket struct {
	failures float64
	at       time.Time
}

func newAddressLimiter(now func() time.Time) *addressLimiter {
	return &addressLimiter{now: now, buckets: map[netip.Prefix]bucket{}}
}

// network is what one subscriber has: an IPv4 address or an IPv6 /64.
func network(ip netip.Addr) netip.Prefix {
	ip = ip.Unmap()
	bits := 64
	if ip.Is4() {
		bits = 32
	}
	p, _ := ip.WithZone("").Prefix(bits) // fails for the zero address only, which is one bucket
	return p
}

// take counts a failure in advance; giveBack undoes it when there was none.
func (l *addressLimiter) take(ip netip.Addr) error {
	key, now := network(ip), l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.buckets[key]
	b.failures = max(0, b.failures-float64(now.Sub(b.at))/float64(addressRefill))
	b.at = now
	if b.failures+1 > addressBurst {
		l.buckets[key] = b
		return ErrThrottled.After(addressRefill)
	}
	b.failures++
	if len(l.buckets) >= maxAddresses {
		l.forget(now)
	}
	l.buckets[key] = b
	return nil
}

func (l *addressLimiter) giveBack(ip netip.Addr) {
	key := network(ip)
	l.mu.Lock()
	defer l.mu.Unlock()
	if b, ok := l.buckets[key]; ok {
		b.failures = max(0, b.failures-1)
		l.buckets[key] = b
	}
}

// forget drops who has failed long ago, or all when that makes no room.
func (l *addressLimiter) forget(now time.Time) {
	for k, b := range l.buckets {
		if now.Sub(b.at) > addressBurst*addressRefill {
			delete(l.buckets, k)
		}
	}
	if len(l.buckets) >= maxAddresses {
		clear(l.buckets)
	}
}
