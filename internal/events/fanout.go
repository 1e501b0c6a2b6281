package events

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
)

const (
	// fanBatch is how many events one transaction turns into deliveries, insertBatch how many deliveries one statement adds.
	fanBatch    = 200
	insertBatch = 500
	fanAccounts = 50
	// fanEvery is how often a process looks for events to deliver, besides when it hears of some.
	fanEvery = time.Second
	// orphanEvery is how often a process looks for endpoints whose sender died, and beginWithin how soon a job has to begin.
	orphanEvery = time.Second
	beginWithin = time.Second
)

// FanOut turns events into deliveries until ctx ends. Any number of processes may run it.
func (s *Service) FanOut(ctx context.Context) error {
	tick := time.NewTicker(fanEvery)
	defer tick.Stop()
	for {
		if err := s.FanOutNow(ctx); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "events could not be turned into deliveries; trying again", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-s.hub.any:
		}
	}
}

// FanOutNow turns every numbered event into deliveries, unless another process is at it.
func (s *Service) FanOutNow(ctx context.Context) error {
	for {
		accounts, err := s.Lanes.Backlog(ctx, fanAccounts)
		if err != nil {
			return err
		}
		more := false
		for _, a := range accounts {
			again, err := s.fanOut(ctx, a)
			if err != nil {
				return err
			}
			more = more || again
		}
		if !more {
			return nil
		}
	}
}

// fanOut moves the account's place over one batch of events, in one transaction with the deliveries that they make: none
// is missed and none made twice, wherever a process dies. more tells that it came forward and there may be further ones.
func (s *Service) fanOut(ctx context.Context, account kernel.AccountID) (more bool, _ error) {
	err := s.Units.InTx(ctx, func(ctx context.Context) error {
		more = false
		at, ok, err := s.Store.TakePosition(ctx, account)
		if err != nil || !ok {
			return err
		}
		h, entries, err := s.Log.After(ctx, account, outbox.Query{After: at, Limit: fanBatch})
		if err != nil {
			return err
		}
		begun := at
		if h.PrunedTo > at {
			slog.ErrorContext(ctx, "events were forgotten before webhooks were told of them", "account", account, "from", at, "to", h.PrunedTo)
			at = h.PrunedTo
		}
		if len(entries) == 0 {
			if at == begun {
				return nil
			}
			return s.Store.SetPosition(ctx, account, at)
		}
		if err := s.deliver(ctx, account, entries); err != nil {
			return err
		}
		more = len(entries) == fanBatch
		return s.Store.SetPosition(ctx, account, entries[len(entries)-1].Position)
	})
	return more, err
}

// deliver makes the deliveries of some events.
func (s *Service) deliver(ctx context.Context, account kernel.AccountID, entries []outbox.Entry) error {
	endpoints, err := s.Store.Active(ctx, account)
	if err != nil || len(endpoints) == 0 {
		return err
	}
	now := s.Now()
	var all []Delivery
	for _, e := range endpoints {
		before := len(all)
		for _, entry := range entries {
			ev := eventOf(account, entry)
			if !e.wants(&ev, s.rule(ev.Resource)) {
				continue
			}
			d, err := s.deliveryOf(&ev, e.ID, now)
			if err != nil {
				return err
			}
			all = append(all, d)
		}
		if len(all) == before {
			continue
		}
		if err := s.Work.Schedule(ctx, account, WorkDeliver, uuid.UUID(e.ID), now); err != nil {
			return err
		}
	}
	for begin := 0; begin < len(all); begin += insertBatch {
		if err := s.Store.InsertDeliveries(ctx, account, all[begin:min(begin+insertBatch, len(all))]); err != nil {
			return err
		}
	}
	return nil
}

// deliveryOf is an event on its way to an endpoint, to be sent now.
func (s *Service) deliveryOf(ev *Event, to kernel.WebhookID, now time.Time) (Delivery, error) {
	body, err := s.Render(*ev)
	return Delivery{
		ID: kernel.NewID[kernel.DeliveryID](), Endpoint: to, EventID: ev.ID, EventType: ev.Type, Resource: ev.Resource, ResourceID: ev.ResourceID,
		Sequence: ev.Sequence, Position: ev.Position, Body: string(body), State: DeliveryPending, NextAt: &now, CreatedAt: now, UpdatedAt: now,
	}, err
}

// Rescue finds, until ctx ends, endpoints whose sender died, so that another one goes on within a second or two.
func (s *Service) Rescue(ctx context.Context) error {
	tick := time.NewTicker(orphanEvery)
	defer tick.Stop()
	for {
		if err := s.rescue(ctx); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "endpoints whose sender died could not be looked for; trying again", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (s *Service) rescue(ctx context.Context) error {
	type lane struct {
		account  kernel.AccountID
		endpoint kernel.WebhookID
	}
	var found []lane
	now := s.Now()
	err := s.Lanes.Orphans(ctx, now, now.Add(-beginWithin), func(a kernel.AccountID, e kernel.WebhookID) { found = append(found, lane{a, e}) })
	if err != nil {
		return err
	}
	for _, l := range found {
		err := s.Units.InTx(ctx, func(ctx context.Context) error {
			return s.Work.Schedule(ctx, l.account, WorkDeliver, uuid.UUID(l.endpoint), now)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Purge forgets an account's old deliveries, and comes back an hour later.
func (s *Service) Purge(ctx context.Context, account kernel.AccountID, id uuid.UUID) error {
	const batch, batches = 500, 20
	now := s.Now()
	for range batches {
		n, err := s.Store.PurgeDeliveries(ctx, account, now.Add(-s.Retention), batch)
		if err != nil {
			return err
		}
		if n < batch {
			return s.Work.Later(ctx, account, WorkPurge, id, purgeEvery)
		}
	}
	return s.Work.Later(ctx, account, WorkPurge, id, time.Second)
}
