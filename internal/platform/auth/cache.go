package auth

import (
	"crypto/sha256"
	"sync"
	"time"
)

// CacheTTL is how long a verified credential is believed without being looked up again. It bounds how long a revoked
// credential goes on working in a process that has just seen it.
const CacheTTL = 5 * time.Second

const cacheShards = 16

// Cache remembers for a moment who a credential belongs to, so that a warm request needs neither a signature check nor
// a trip to the database. It keeps hashes of credentials, never credentials, and only those that were valid.
// It is safe for concurrent use; the actors it returns are shared and must not be changed.
type Cache struct {
	ttl    time.Duration
	now    func() time.Time
	max    int // entries per shard
	shards [cacheShards]cacheShard
}

type cacheShard struct {
	mu      sync.Mutex
	entries map[[sha256.Size]byte]cacheEntry
}

type cacheEntry struct {
	actor Actor
	until time.Time
}

// NewCache returns a cache of up to about size credentials.
func NewCache(ttl time.Duration, size int, now func() time.Time) *Cache {
	c := &Cache{ttl: ttl, now: now, max: max(size/cacheShards, 1)}
	for i := range c.shards {
		c.shards[i].entries = map[[sha256.Size]byte]cacheEntry{}
	}
	return c
}

// Get returns the actor of a credential that was verified within the TTL.
func (c *Cache) Get(credential string) (Actor, bool) {
	key := sha256.Sum256([]byte(credential))
	s := &c.shards[int(key[0])%cacheShards]
	s.mu.Lock()
	e, ok := s.entries[key]
	s.mu.Unlock()
	if !ok || !c.now().Before(e.until) {
		return Actor{}, false
	}
	return e.actor, true
}

// Put remembers the actor of a credential for the TTL, but not past the credential's own end (zero for none).
func (c *Cache) Put(credential string, actor Actor, end time.Time) {
	now := c.now()
	until := now.Add(c.ttl)
	if !end.IsZero() && end.Before(until) {
		until = end
	}
	key := sha256.Sum256([]byte(credential))
	s := &c.shards[int(key[0])%cacheShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.entries[key]; !known && len(s.entries) >= c.max {
		s.makeRoom(now)
	}
	s.entries[key] = cacheEntry{actor: actor, until: until}
}

// makeRoom drops what is over, or, when nothing is, any one entry: it will be looked up again.
func (s *cacheShard) makeRoom(now time.Time) {
	full := len(s.entries)
	for k, e := range s.entries {
		if !now.Before(e.until) {
			delete(s.entries, k)
		}
	}
	if len(s.entries) < full {
		return
	}
	for k := range s.entries {
		delete(s.entries, k)
		return
	}
}
