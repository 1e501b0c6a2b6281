package core

import (
	"sync"
	"time"
)

const (
	// memoTTL bounds how long a neighbour may be told what is no longer so, a revoked grant included.
	memoTTL  = 5 * time.Second
	memoSize = 10_000
)

// memo remembers answers for memoTTL: intake asks the same few questions for every lead. What was not found is asked
// again each time.
type memo[K comparable, V any] struct {
	now     func() time.Time
	mu      sync.Mutex
	entries map[K]memoEntry[V]
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
	if len(m.entries) >= memoSize {
		clear(m.entries) // rare, and what is in use comes back at once
	}
	m.entries[key] = memoEntry[V]{value: value, until: now.Add(memoTTL)}
	return value, nil
}
