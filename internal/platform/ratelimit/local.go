package ratelimit

import (
	"net/netip"
	"sync"
	"time"
)

const (
	localShards = 16
	// maxAddresses bounds the memory of one shard. Beyond it everything is forgotten: a flood from that many addresses is
	// not what a counter by address can stop.
	maxAddresses = 8192
)

// Local counts requests by address within this process: for callers without a credential, and for credentials that turn
// out wrong. It is safe for concurrent use.
type Local struct {
	now    func() time.Time
	every  time.Duration // one request's share of the minute
	burst  time.Duration // how far ahead of its share an address may be
	shards [localShards]localShard
}

type localShard struct {
	mu sync.Mutex
	// due is when the address would be at rest again (GCRA).
	due map[netip.Addr]time.Time
}

// NewLocal allows perMinute requests a minute from one address, all of them at once if it was quiet before.
func NewLocal(perMinute int, now func() time.Time) *Local {
	l := &Local{now: now, every: time.Minute / time.Duration(max(perMinute, 1)), burst: time.Minute}
	for i := range l.shards {
		l.shards[i].due = map[netip.Addr]time.Time{}
	}
	return l
}

// Take counts one request from an address. When it is refused, wait says for how long. An IPv6 address stands for its
// network of 64 bits, which is what one customer has. What is no address at all shares one count.
func (l *Local) Take(address string) (wait time.Duration, ok bool) {
	addr := network(address)
	now := l.now()
	shard := &l.shards[shardOf(addr)]
	shard.mu.Lock()
	defer shard.mu.Unlock()
	due := shard.due[addr]
	if due.Before(now) {
		due = now
	}
	next := due.Add(l.every)
	if ahead := next.Sub(now); ahead > l.burst {
		return ahead - l.burst, false
	}
	if _, known := shard.due[addr]; !known && len(shard.due) >= maxAddresses {
		shard.makeRoom(now)
	}
	shard.due[addr] = next
	return 0, true
}

func (s *localShard) makeRoom(now time.Time) {
	for addr, due := range s.due {
		if due.Before(now) {
			delete(s.due, addr)
		}
	}
	if len(s.due) >= maxAddresses {
		clear(s.due)
	}
}

func network(address string) netip.Addr {
	addr, err := netip.ParseAddr(address)
	if err != nil {
		return netip.Addr{}
	}
	if addr = addr.Unmap().WithZone(""); addr.Is6() {
		if p, err := addr.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return addr
}

func shardOf(addr netip.Addr) int {
	b := addr.As16()
	return int(b[15]^b[7]^b[14]^b[6]) % localShards
}
