package events

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/audit"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
)

const (
	// look is how many numbers one statement looks at, and looks how many statements one page may take: a filter that
	// fits nothing ends a page early rather than read the whole log.
	look  = 2000
	looks = 5
	// pruneEvery is how often old events are forgotten.
	pruneEvery = 10 * time.Minute
)

// Deps is what a Service is made of.
type Deps struct {
	Log   *outbox.Log
	Audit audit.Writer
	// Rules are by resource, as in Event.Resource.
	Rules map[string]Rule
	// Retention is how long events and deliveries are kept. 30 days when zero.
	Retention time.Duration
	Now       func() time.Time

	Store Store
	Lanes LaneStore
	Units Units
	Work  Scheduler
	Out   Sender
	Mail  Mailer // nil: nobody is written to
	// Render is an event as endpoints are told it.
	Render func(Event) ([]byte, error)
	// Enqueue asks for a job that calls Deliver, in the transaction of ctx.
	Enqueue func(ctx context.Context, account kernel.AccountID, endpoint kernel.WebhookID) error
	// Presence is the number under which this process is known to be connected; 0 when it is not.
	Presence func(ctx context.Context) int32
}

// Service reads events and delivers them. It is safe for concurrent use.
type Service struct {
	Deps
	hub *hub
}

// DefaultRetention is how long events are kept.
const DefaultRetention = 30 * 24 * time.Hour

// NewService returns the service. Run its workers, or streams hear nothing.
func NewService(d Deps) *Service {
	if d.Retention == 0 {
		d.Retention = DefaultRetention
	}
	return &Service{Deps: d, hub: newHub(d.Log)}
}

// Page is one step through the events.
type Page struct {
	Events []Event
	Next   outbox.Cursor // where to go on
	More   bool          // there is more to read at once
}

// List reads the next events that the actor may see. Without a cursor it begins with the oldest that is kept, or with the
// filter's since. It fails with ErrCursorExpired.
func (s *Service) List(ctx context.Context, actor auth.Actor, f Filter, c outbox.Cursor, limit int) (Page, error) {
	if err := mayRead(actor); err != nil {
		return Page{}, err
	}
	if c == (outbox.Cursor{}) {
		h, err := s.Log.Head(ctx, actor.Account)
		if err != nil {
			return Page{}, err
		}
		c = outbox.Cursor{Epoch: h.Epoch, Position: h.PrunedTo}
		if !f.Since.IsZero() {
			if c.Position, err = s.Log.Before(ctx, actor.Account, f.Since); err != nil {
				return Page{}, err
			}
		}
	}
	out := Page{Events: []Event{}, Next: c, More: true}
	for range looks {
		if err := s.step(ctx, actor, f, &out, limit); err != nil {
			return Page{}, err
		}
		if !out.More || len(out.Events) == limit {
			break
		}
	}
	return out, nil
}

// step adds what one statement finds.
func (s *Service) step(ctx context.Context, actor auth.Actor, f Filter, p *Page, limit int) error {
	want := limit - len(p.Events)
	through := p.Next.Position + look
	h, entries, err := s.Log.After(ctx, actor.Account, outbox.Query{
		After: p.Next.Position, Through: through, Types: f.Types, Resources: f.Resources, Dealerships: f.Dealerships, Since: f.Since, Limit: want,
	})
	if err != nil {
		return err
	}
	if !h.Reaches(p.Next) {
		return ErrCursorExpired
	}
	found := make([]Event, len(entries))
	for i, e := range entries {
		found[i] = eventOf(actor.Account, e)
	}
	seen, err := s.visible(ctx, actor, found)
	if err != nil {
		return err
	}
	p.Events = append(p.Events, seen...)
	p.Next.Position = min(through, h.Position)
	if len(entries) == want {
		p.Next.Position = entries[want-1].Position
	}
	p.More = p.Next.Position < h.Position
	return nil
}

// Find reads one event.
func (s *Service) Find(ctx context.Context, actor auth.Actor, id uuid.UUID) (Event, error) {
	if err := mayRead(actor); err != nil {
		return Event{}, err
	}
	e, err := s.Log.Entry(ctx, actor.Account, id)
	if err != nil {
		return Event{}, orNotFound(err)
	}
	seen, err := s.visible(ctx, actor, []Event{eventOf(actor.Account, e)})
	if err != nil {
		return Event{}, err
	}
	if len(seen) == 0 {
		return Event{}, ErrNotFound
	}
	return seen[0], nil
}

// Prune forgets old events now and then, until ctx ends.
func (s *Service) Prune(ctx context.Context) error {
	tick := time.NewTicker(pruneEvery)
	defer tick.Stop()
	for {
		if _, err := s.Log.PruneNow(ctx, s.Now().Add(-s.Retention)); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "old events could not be forgotten; trying again later", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
