package calendars

import (
	"sync"
	"time"

	"github.com/rooftop-crm/rooftop/internal/kernel"
)

const (
	// memoTTL bounds how long another process may go by what is no longer so; this one forgets with the commit.
	memoTTL  = 5 * time.Second
	memoSize = 10_000
)

type (
	placeKey struct {
		account    kernel.AccountID
		dealership kernel.DealershipID
	}
	planKey struct {
		placeKey
		department string
	}
)

// memo remembers answers for memoTTL: leads and bookings ask for the same few calendars again and again.
type memo[K comparable, V any] struct {
	now     func() time.Time
	mu      sync.Mutex
	entries map[K]memoEntry[V]
	// forgotten counts, so that what was read before a change is not kept after it.
	forgotten int
}

type memoEntry[V any] struct {
	value V
	until time.Time
}

func newMemo[K comparable, V any](now func() time.Time) *memo[K, V] {
	return &memo[K, V]{now: now, entries: map[K]memoEntry[V]{}}
}

func (m *memo[K, V]) get(key K, ask func() (V, error)) (V, error) {
	now := m.now()
	m.mu.Lock()
	e, ok := m.entries[key]
	before := m.forgotten
	m.mu.Unlock()
	if ok && now.Before(e.until) {
		return e.value, nil
	}
	value, err := ask()
	if err != nil {
		return value, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.forgotten != before {
		return value, nil
	}
	if len(m.entries) >= memoSize {
		clear(m.entries) // rare, and what is in use comes back at once
	}
	m.entries[key] = memoEntry[V]{value: value, until: now.Add(memoTTL)}
	return value, nil
}

func (m *memo[K, V]) forget(keys ...K) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forgotten++
	for _, k := range keys {
		delete(m.entries, k)
	}
}

// forget drops the plans of a dealership.
func (s *Service) forget(account kernel.AccountID, id kernel.DealershipID) {
	keys := []planKey{{placeKey{account, id}, ""}}
	for _, d := range Departments() {
		keys = append(keys, planKey{placeKey{account, id}, d})
	}
	s.plans.forget(keys...)
}
