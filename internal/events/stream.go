package events

import (
	"context"
	"time"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
)

// MaxStreams is how many streams a credential may hold open in one process.
const MaxStreams = 10

// ErrTooManyStreams is the answer to one stream more than a credential may hold.
var ErrTooManyStreams = errs.New(errs.Throttled, "stream.too_many",
	"This credential holds as many streams as it may. Close one, or read several kinds of events through one stream.").After(5 * time.Second)

// streamStep is how many events a stream takes at once: what a slow reader can make the process hold.
const streamStep = 100

// Stream follows the events for one reader. It belongs to one goroutine.
type Stream struct {
	s      *Service
	topic  *topic
	who    kernel.CredentialID
	filter Filter
	at     outbox.Cursor
	gap    bool // the place asked for cannot be gone on from
}

// Step is what a stream has next.
type Step struct {
	Events []Event
	At     outbox.Cursor // where to resume after these events
	// Gap tells that events between the place that was asked for and these are gone, or of another history.
	Gap bool
}

// Open begins a stream at a cursor, or, with the zero one, at the end of the order. Close it.
func (s *Service) Open(ctx context.Context, actor auth.Actor, f Filter, c outbox.Cursor) (*Stream, error) {
	if err := mayRead(actor); err != nil {
		return nil, err
	}
	h, err := s.Log.Head(ctx, actor.Account)
	if err != nil {
		return nil, err
	}
	if c == (outbox.Cursor{}) {
		c = outbox.Cursor{Epoch: h.Epoch, Position: h.Position}
	}
	if !s.hub.take(actor.Credential) {
		return nil, ErrTooManyStreams
	}
	return &Stream{s: s, topic: s.hub.join(ctx, actor.Account), who: actor.Credential, filter: f, at: c, gap: !h.Reaches(c)}, nil
}

// Close ends the stream.
func (st *Stream) Close() {
	st.s.hub.leave(st.topic)
	st.s.hub.give(st.who)
}

// At is where to resume: everything up to there was given by Poll, or was not for this reader.
func (st *Stream) At() outbox.Cursor { return st.at }

// Stopping is closed when the server is about to go.
func (st *Stream) Stopping() <-chan struct{} { return st.s.hub.stopped }

// Poll takes what there is next for the actor. When more is nil there may be more at once; otherwise there is nothing
// until it is closed.
func (st *Stream) Poll(ctx context.Context, actor auth.Actor) (_ Step, more <-chan struct{}, _ error) {
	if st.gap {
		step, err := st.skip(ctx, actor)
		return step, nil, err
	}
	found, covered, changed := st.topic.after(st.at, streamStep)
	var seen []Event
	var err error
	switch {
	case !covered:
		var behind bool
		seen, behind, err = st.readLog(ctx, actor)
		if behind || st.gap || len(seen) > 0 {
			changed = nil
		} else if st.topic.stale(st.at) {
			st.topic.wake()
		}
	case len(found) > 0:
		seen, err = st.pick(ctx, actor, found)
		changed = nil
	}
	return Step{Events: seen, At: st.at}, changed, err
}

// readLog goes on from a place that the topic does not reach back to.
func (st *Stream) readLog(ctx context.Context, actor auth.Actor) (_ []Event, behind bool, _ error) {
	p := Page{Next: st.at}
	err := st.s.step(ctx, actor, st.filter, &p, streamStep)
	if errs.IsKind(err, errs.Gone) {
		st.gap = true
		return nil, false, nil
	}
	if err == nil {
		st.at = p.Next
	}
	return p.Events, p.More, err
}

// skip tells of the gap and goes on with the oldest event that is kept, or, in another history, with what is to come.
func (st *Stream) skip(ctx context.Context, actor auth.Actor) (Step, error) {
	h, err := st.s.Log.Head(ctx, actor.Account)
	if err != nil {
		return Step{}, err
	}
	if h.Epoch == st.at.Epoch && st.at.Position < h.PrunedTo {
		st.at.Position = h.PrunedTo
	} else {
		st.at = outbox.Cursor{Epoch: h.Epoch, Position: h.Position}
	}
	st.gap = false
	return Step{Gap: true, At: st.at}, nil
}

// pick takes what the topic has, as far as it is for this reader.
func (st *Stream) pick(ctx context.Context, actor auth.Actor, found []Event) ([]Event, error) {
	fit := make([]Event, 0, len(found))
	for i := range found {
		if st.filter.fits(&found[i]) {
			fit = append(fit, found[i])
		}
	}
	if len(fit) > 0 {
		var err error
		if fit, err = st.s.visible(ctx, actor, fit); err != nil {
			return nil, err
		}
	}
	st.at.Position = found[len(found)-1].Position
	return fit, nil
}

func (h *hub) take(who kernel.CredentialID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.open[who] >= MaxStreams {
		return false
	}
	h.open[who]++
	return true
}

func (h *hub) give(who kernel.CredentialID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.open[who]--; h.open[who] == 0 {
		delete(h.open, who)
	}
}
