package seed

import (
	"container/heap"
	"sync"
	"time"
)

// history is how far back the demo data begins.
const history = 90 * 24 * time.Hour

// clock shows the time of the step that is being lived.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now is what the services take for the present.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(to time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = to.UTC().Truncate(time.Microsecond)
}

// step is something that happens at a time.
type step struct {
	at    time.Time
	order int // of steps at the same time
	do    func() error
}

// agenda holds the steps to come, the earliest first.
type agenda []step

var _ heap.Interface = (*agenda)(nil)

// Len is part of heap.Interface, as are the others.
func (a agenda) Len() int      { return len(a) }
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }

func (a agenda) Less(i, j int) bool {
	if a[i].at.Equal(a[j].at) {
		return a[i].order < a[j].order
	}
	return a[i].at.Before(a[j].at)
}

// Push is heap's; use heap.Push.
func (a *agenda) Push(x any) { *a = append(*a, x.(step)) } //nolint:forcetypeassert,errcheck // nothing else is pushed

// Pop is heap's; use heap.Pop.
func (a *agenda) Pop() any {
	last := len(*a) - 1
	out := (*a)[last]
	*a = (*a)[:last]
	return out
}
