package events

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
)

const (
	// recent is how many events a topic keeps for the streams of its account; who is further behind reads the log.
	recent = 512
	// load is how many events one statement brings into a topic.
	load = 200
	// askEvery is how often a process asks how far the order has come when it listens, in case word got lost; and how
	// often when it cannot.
	askEvery    = 10 * time.Second
	askAlways   = 500 * time.Millisecond
	retryReload = time.Second
)

// hub follows the event order for all streams of a process: one listener, and one read for each account that somebody
// listens to, however many do.
type hub struct {
	log     *outbox.Log
	mu      sync.Mutex
	topics  map[kernel.AccountID]*topic
	open    map[kernel.CredentialID]int
	stopped chan struct{}
	once    sync.Once
	any     chan struct{} // there is news of some account
}

func newHub(l *outbox.Log) *hub {
	return &hub{log: l, topics: map[kernel.AccountID]*topic{}, open: map[kernel.CredentialID]int{}, stopped: make(chan struct{}), any: make(chan struct{}, 1)}
}

// topic is the end of one account's order.
type topic struct {
	account kernel.AccountID
	users   int
	kick    chan struct{}
	done    chan struct{}

	mu      sync.Mutex
	loaded  bool
	head    outbox.Head
	latest  []Event       // without gaps up to head.Position
	changed chan struct{} // closed when the above changes
}

// Follow listens for news until ctx ends. Where it cannot, it asks.
func (s *Service) Follow(ctx context.Context) error {
	h := s.hub
	var failed error
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		failed = h.log.Listen(ctx, h.news, func() { h.ask(ctx) })
	}()
	listening, every := ended, askEvery
	for {
		timer := time.NewTimer(every)
		select {
		case <-ctx.Done():
			timer.Stop()
			<-ended
			return failed
		case <-listening:
			listening, every = nil, askAlways
		case <-timer.C:
		}
		h.ask(ctx)
	}
}

// Stop ends every stream: the server is about to go.
func (s *Service) Stop() { s.hub.once.Do(func() { close(s.hub.stopped) }) }

func (h *hub) news(account kernel.AccountID, position int64) {
	select {
	case h.any <- struct{}{}:
	default:
	}
	h.mu.Lock()
	t := h.topics[account]
	h.mu.Unlock()
	if t == nil {
		return
	}
	t.mu.Lock()
	behind := !t.loaded || position != t.head.Position
	t.mu.Unlock()
	if behind {
		t.wake()
	}
}

// ask finds out what may have been missed, with one statement for all accounts.
func (h *hub) ask(ctx context.Context) {
	h.mu.Lock()
	accounts := make([]kernel.AccountID, 0, len(h.topics))
	for a := range h.topics {
		accounts = append(accounts, a)
	}
	h.mu.Unlock()
	if len(accounts) == 0 {
		return
	}
	if err := h.log.Positions(ctx, accounts, h.news); err != nil && ctx.Err() == nil {
		slog.WarnContext(ctx, "streams may be late: the event order could not be asked", "error", err)
	}
}

// join gives the account's topic, which lives as long as somebody uses it.
func (h *hub) join(ctx context.Context, account kernel.AccountID) *topic {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.topics[account]
	if t == nil {
		t = &topic{account: account, kick: make(chan struct{}, 1), done: make(chan struct{}), changed: make(chan struct{})}
		t.wake()
		h.topics[account] = t
		go t.run(context.WithoutCancel(ctx), h.log)
	}
	t.users++
	return t
}

func (h *hub) leave(t *topic) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t.users--; t.users == 0 {
		delete(h.topics, t.account)
		close(t.done)
	}
}

func (t *topic) wake() {
	select {
	case t.kick <- struct{}{}:
	default:
	}
}

// run loads what is new until nobody uses the topic.
func (t *topic) run(ctx context.Context, l *outbox.Log) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		<-t.done
		cancel()
	}()
	for {
		select {
		case <-t.done:
			return
		case <-t.kick:
		}
		if err := t.reload(ctx, l); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "events could not be read for the streams; trying again", "account", t.account, "error", err)
			timer := time.NewTimer(retryReload)
			select {
			case <-t.done:
				timer.Stop()
				return
			case <-timer.C:
				t.wake()
			}
		}
	}
}

// reload brings the topic to the end of the order.
func (t *topic) reload(ctx context.Context, l *outbox.Log) error {
	for {
		t.mu.Lock()
		loaded, head := t.loaded, t.head
		t.mu.Unlock()
		if !loaded {
			h, err := l.Head(ctx, t.account)
			if err != nil {
				return err
			}
			t.set(h, nil)
			return nil
		}
		h, entries, err := l.After(ctx, t.account, outbox.Query{After: head.Position, Limit: load})
		switch {
		case err != nil:
			return err
		case h.Epoch != head.Epoch || h.Position < head.Position || h.PrunedTo > head.Position || h.Position-head.Position > recent:
			t.set(h, nil) // another history, or too far to catch up here: streams find out by themselves
			return nil
		case len(entries) == 0:
			return nil
		}
		last := entries[len(entries)-1].Position
		more := last < h.Position
		h.Position = last
		t.set(h, entries)
		if !more {
			return nil
		}
	}
}

// set moves the end of the topic. No entries mean that what it has is not the end of the new order.
func (t *topic) set(h outbox.Head, entries []outbox.Entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.head, t.loaded = h, true
	if entries == nil {
		t.latest = nil
	}
	for _, e := range entries {
		t.latest = append(t.latest, eventOf(t.account, e))
	}
	if extra := len(t.latest) - recent; extra > 0 {
		t.latest = append([]Event(nil), t.latest[extra:]...)
	}
	close(t.changed)
	t.changed = make(chan struct{})
}

// after returns what comes after a place: covered is false when the topic does not reach back that far. The channel is
// closed when there may be more.
func (t *topic) after(c outbox.Cursor, limit int) (found []Event, covered bool, changed <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case !t.loaded:
		return nil, false, t.changed
	case c.Epoch != t.head.Epoch:
		return nil, false, t.changed
	case c.Position >= t.head.Position: // the log was read past the topic, which will follow
		return nil, true, t.changed
	}
	behind := t.head.Position - c.Position
	if behind > int64(len(t.latest)) {
		return nil, false, t.changed
	}
	rest := t.latest[int64(len(t.latest))-behind:]
	return rest[:min(len(rest), limit)], true, t.changed
}

// stale tells whether the topic is of another history than the cursor.
func (t *topic) stale(c outbox.Cursor) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.loaded && t.head.Epoch != c.Epoch
}
