package events

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/pkg/webhooksig"
)

const (
	// sendBatch is how many deliveries a lane takes at once, and sendAtOnce how many requests to one endpoint run side by
	// side. Those about one resource go one after another.
	sendBatch  = 64
	sendAtOnce = 6
	// laneTime is how long one job sends before it makes way for others, and holdFor how long a lane is held by a sender
	// that is not heard of: longer than any request takes.
	laneTime = 20 * time.Second
	holdFor  = 25 * time.Second
)

// Begin asks for a job that sends to an endpoint, unless one does. It is the handler of WorkDeliver.
func (s *Service) Begin(ctx context.Context, account kernel.AccountID, id uuid.UUID) error {
	return s.Units.InTx(ctx, func(ctx context.Context) error {
		endpoint := kernel.WebhookID(id)
		idle, err := s.Store.Queued(ctx, account, endpoint, s.Now())
		if err != nil || !idle {
			return err // the sender looks again before it ends
		}
		return s.Enqueue(ctx, account, endpoint)
	})
}

// Deliver sends what is due to one endpoint, until there is no more, its time is up, or the endpoint fails. One process
// does so at a time.
func (s *Service) Deliver(ctx context.Context, account kernel.AccountID, id kernel.WebhookID) error {
	presence := s.Presence(ctx)
	now := s.Now()
	lane, ok, err := s.Store.TakeLane(ctx, account, id, presence, now, now.Add(holdFor))
	if err != nil || !ok {
		return err
	}
	work := &sending{s: s, account: account, id: id, lane: lane, until: now.Add(laneTime)}
	sent := work.run(ctx)
	err = s.Units.InTx(context.WithoutCancel(ctx), func(ctx context.Context) error {
		lane, err := s.Store.FreeLane(ctx, account, id)
		if err != nil {
			return err
		}
		// Read behind the lane's lock: what was added before somebody found the lane taken is seen here.
		next, err := s.Store.NextAt(ctx, account, id)
		if err != nil || next == nil {
			return err
		}
		if lane.PausedUntil != nil && lane.PausedUntil.After(*next) {
			next = lane.PausedUntil
		}
		return s.Work.Schedule(ctx, account, WorkDeliver, uuid.UUID(id), *next)
	})
	if sent != nil {
		return sent
	}
	return err
}

// sending is one job's sending to one endpoint.
type sending struct {
	s       *Service
	account kernel.AccountID
	id      kernel.WebhookID
	until   time.Time

	mu     sync.Mutex
	lane   Lane
	halted bool  // a request failed, or the endpoint is to rest
	err    error // of ours
}

func (w *sending) run(ctx context.Context) error {
	for ctx.Err() == nil {
		now := w.s.Now()
		if !now.Before(w.until) || w.resting(now) {
			return nil
		}
		e, err := w.s.Store.Endpoint(ctx, w.account, w.id)
		if err != nil {
			return err
		}
		if !e.Enabled || e.DeletedAt != nil {
			// Events that were on their way here as it was disabled have made deliveries all the same.
			return w.s.Units.InTx(ctx, func(ctx context.Context) error { return w.s.Store.Cancel(ctx, w.account, w.id, now) })
		}
		limit, side := sendBatch, sendAtOnce
		if w.lane.broken() {
			limit, side = 1, 1 // see whether it is back before more is sent
		}
		due, err := w.s.Store.Due(ctx, w.account, w.id, now, limit)
		if err != nil || len(due) == 0 {
			return err
		}
		w.batch(ctx, e, due, side)
		if w.err != nil {
			return w.err
		}
	}
	return ctx.Err()
}

func (w *sending) resting(now time.Time) bool {
	return w.lane.PausedUntil != nil && now.Before(*w.lane.PausedUntil)
}

// batch sends deliveries, those of different resources side by side, those of one resource in their order.
func (w *sending) batch(ctx context.Context, e Endpoint, due []Delivery, side int) {
	var order []uuid.UUID
	by := map[uuid.UUID][]Delivery{}
	for _, d := range due {
		if by[d.ResourceID] == nil {
			order = append(order, d.ResourceID)
		}
		by[d.ResourceID] = append(by[d.ResourceID], d)
	}
	next := make(chan []Delivery, len(order))
	for _, id := range order {
		next <- by[id]
	}
	close(next)
	w.halted = false
	var all sync.WaitGroup
	for range min(side, len(order)) {
		all.Go(func() {
			for chain := range next {
				w.chain(ctx, e, chain)
			}
		})
	}
	all.Wait()
}

// chain sends deliveries one after another, as long as they are taken.
func (w *sending) chain(ctx context.Context, e Endpoint, all []Delivery) {
	for _, d := range all {
		w.mu.Lock()
		stop := w.halted || w.err != nil || !w.s.Now().Before(w.until)
		w.mu.Unlock()
		if stop || ctx.Err() != nil || !w.one(ctx, e, d) {
			return
		}
	}
}

// one sends one delivery and writes down what came of it. It tells whether the delivery was taken.
func (w *sending) one(ctx context.Context, e Endpoint, d Delivery) bool {
	o, err := w.s.request(ctx, e, d)
	if err == nil && ctx.Err() == nil {
		// The endpoint may have taken it: that is written down even when we are told to stop.
		err = w.record(context.WithoutCancel(ctx), d, o)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.err = err
		return false
	}
	if w.lane.broken() || w.resting(w.s.Now()) {
		w.halted = true
	}
	return o.ok()
}

// request sends one delivery. Its error is one of ours; what goes wrong on the way is in the outcome.
func (s *Service) request(ctx context.Context, e Endpoint, d Delivery) (outcome, error) {
	at := s.Now()
	headers, err := webhooksig.Header(e.texts(at), d.EventID.String(), at, []byte(d.Body))
	if err != nil {
		return outcome{}, err
	}
	headers["content-type"] = "application/json"
	answer, err := s.Out.Send(ctx, e.URL, headers, d.Body)
	o := outcome{
		Attempt: Attempt{
			Number: d.Attempts + 1, At: at, Took: s.Now().Sub(at), Status: answer.Status, URL: e.URL,
			RequestHeaders: headers, ResponseHeaders: answer.Headers, ResponseBody: answer.Body,
		},
		RetryAfter: answer.RetryAfter,
	}
	if err != nil {
		known, ok := errs.As(err)
		if !ok {
			return o, err
		}
		o.Error = known.Code
	}
	return o, nil
}

// record keeps an attempt, and what it means for the delivery and the endpoint.
func (w *sending) record(ctx context.Context, d Delivery, o outcome) error {
	return w.s.Units.InTx(ctx, func(ctx context.Context) error {
		now, disable, kept := w.s.Now(), "", d
		lane, err := w.s.Store.UpdateLane(ctx, w.account, w.id, now.Add(holdFor), func(l *Lane) { disable = o.apply(&kept, l, now) })
		if err != nil {
			return err
		}
		w.mu.Lock()
		w.lane = lane
		w.mu.Unlock()
		if err := w.s.Store.SaveAttempt(ctx, w.account, kept, o.Attempt); err != nil || disable == "" {
			return err
		}
		return w.s.disable(ctx, w.account, w.id, disable)
	})
}

// disable stops an endpoint that is gone or fails for days, and tells the account.
func (s *Service) disable(ctx context.Context, account kernel.AccountID, id kernel.WebhookID, reason string) error {
	var before Endpoint
	now, was := s.Now(), false
	e, err := s.Store.UpdateEndpoint(ctx, account, id, func(e *Endpoint) (bool, error) {
		before = *e
		if was = e.Enabled && e.DeletedAt == nil; was {
			e.Enabled, e.Version, e.UpdatedAt = false, e.Version+1, now
			e.disabledBy(reason, now)
		}
		return was, nil
	})
	if err != nil || !was {
		return err
	}
	if err := s.Store.Cancel(ctx, account, id, now); err != nil {
		return err
	}
	if err := s.tell(ctx, auth.System(account), &before, e, "disabled", []string{"enabled", "disabled_reason", "disabled_at"}); err != nil {
		return err
	}
	if s.Mail == nil {
		return nil
	}
	return s.Mail.EndpointDisabled(ctx, account, e.URL, reason)
}
