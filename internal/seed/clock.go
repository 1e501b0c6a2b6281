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
func (a *agenda) Len() int { return len(*a) }

// Swap is part of heap.Interface.
func (a *agenda) Swap(i, j int) { (*a)[i], (*a)[j] = (*a)[j], (*a)[i] }

// Less is part of heap.Interface.
func (a *agenda) Less(i, j int) bool {
	x, y := (*a)[i], (*a)[j]
	if x.at.Equal(y.at) {
		return x.order < y.order
	}
	return x.at.Before(y.at)
}

// Push is part of heap.Interface; use add.
func (a *agenda) Push(x any) {
	if s, ok := x.(step); ok {
		*a = append(*a, s)
	}
}

// Pop is part of heap.Interface; use next.
func (a *agenda) Pop() any {
	last := len(*a) - 1
	out := (*a)[last]
	*a = (*a)[:last]
	return out
}

func (a *agenda) add(s step) { heap.Push(a, s) }

// next takes the earliest step out; false when there is none.
func (a *agenda) next() (step, bool) {
	if len(*a) == 0 {
		return step{}, false
	}
	s, ok := heap.Pop(a).(step)
	return s, ok
}
