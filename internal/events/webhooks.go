package events

import (
	"context"
	"net/url"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/audit"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
	"github.com/rooftop-crm/rooftop/pkg/webhooksig"
)

// Units runs units of work: db.DB.
type Units interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	AfterCommit(ctx context.Context, fn func())
}

// Scheduler knows what is due when: background.Runner.
type Scheduler interface {
	Schedule(ctx context.Context, account kernel.AccountID, kind string, id uuid.UUID, due time.Time) error
	Later(ctx context.Context, account kernel.AccountID, kind string, id uuid.UUID, in time.Duration) error
	Cancel(ctx context.Context, account kernel.AccountID, kind string, id uuid.UUID) error
}

// Sender sends one delivery out.
type Sender interface {
	// Check tells what is wrong with a URL as it stands.
	Check(url string) error
	// Send posts a body and returns what came back. An answer of whatever status is no error.
	Send(ctx context.Context, url string, headers map[string]string, body string) (Answer, error)
}

// Answer is what an endpoint said.
type Answer struct {
	Status     int
	Headers    map[string]string
	Body       string // the first KiB
	RetryAfter time.Duration
}

// Mailer writes to people of the account, in the transaction of ctx.
type Mailer interface {
	// EndpointDisabled tells the administrators that an endpoint was disabled, and why.
	EndpointDisabled(ctx context.Context, account kernel.AccountID, url, reason string) error
}

// Kinds of background work.
const (
	// WorkDeliver is due when an endpoint has something to be sent.
	WorkDeliver = "webhooks.deliver"
	// WorkPurge is due when an account's old deliveries are to be forgotten.
	WorkPurge = "webhooks.purge"
)

const purgeEvery = time.Hour

func requireWide(actor auth.Actor, s auth.Scope) error {
	if wide(actor, s) && !actor.Account.IsZero() {
		return nil
	}
	if actor.Can(s) {
		return auth.ErrForbidden.Saying("Webhooks concern the account as a whole: this needs %s for all of it.", s)
	}
	return actor.Require(s)
}

// requireAll fails unless the actor may read all that the endpoint is told of: who changes where it goes reads it.
func requireAll(actor auth.Actor, scopes auth.ScopeSet) error {
	if missing := scopes &^ actor.Scopes; missing != 0 {
		return ErrEndpointScopes.Saying("This endpoint is told of what this credential may not read: %s.", auth.JoinScopes(missing))
	}
	return nil
}

// CreateEndpoint adds an endpoint and returns its secret, once.
func (s *Service) CreateEndpoint(ctx context.Context, actor auth.Actor, d EndpointDetails) (IssuedEndpoint, error) {
	if err := requireWide(actor, auth.WebhooksWrite); err != nil {
		return IssuedEndpoint{}, err
	}
	if err := d.validate(s.Out.Check); err != nil {
		return IssuedEndpoint{}, err
	}
	now := s.Now()
	e := Endpoint{
		ID: kernel.NewID[kernel.WebhookID](), Version: 1, EndpointDetails: d, Scopes: s.readable(actor), CreatedAt: now, UpdatedAt: now,
		Secrets: []Secret{{ID: kernel.NewID[uuid.UUID](), Text: webhooksig.NewSecret(), CreatedAt: now}},
	}
	e.disabledBy(DisabledByHand, now)
	err := s.Units.InTx(ctx, func(ctx context.Context) error {
		n, err := s.Store.Count(ctx, actor.Account)
		if err != nil {
			return err
		}
		if n >= MaxEndpoints {
			return ErrTooManyEndpoints
		}
		h, err := s.Log.Head(ctx, actor.Account)
		if err != nil {
			return err
		}
		if err := s.Store.InsertEndpoint(ctx, actor.Account, e, h.Position); err != nil {
			return err
		}
		if err := s.Work.Schedule(ctx, actor.Account, WorkPurge, uuid.UUID(actor.Account), now.Add(purgeEvery)); err != nil {
			return err
		}
		return s.tell(ctx, actor, nil, e, "created", nil)
	})
	return IssuedEndpoint{Endpoint: e, Secret: e.Secrets[0].Text}, err
}

// readable is what of the account's resources the actor may read.
func (s *Service) readable(actor auth.Actor) auth.ScopeSet {
	var all auth.ScopeSet
	for _, r := range s.Rules {
		all = all.Union(auth.NewScopeSet(r.Scope))
	}
	return all.Union(auth.NewScopeSet(Unruled.Scope)).Intersect(actor.Scopes)
}

// disabledBy notes why an endpoint is disabled, or that it is not.
func (e *Endpoint) disabledBy(reason string, now time.Time) {
	switch {
	case e.Enabled:
		e.DisabledReason, e.DisabledAt = "", nil
	case e.DisabledReason == "":
		e.DisabledReason, e.DisabledAt = reason, &now
	}
}

// tell writes the event and the entry in the audit log of what became of an endpoint; was is what it was before, nil when it is new.
func (s *Service) tell(ctx context.Context, actor auth.Actor, was *Endpoint, e Endpoint, verb string, changed []string) error {
	err := s.Log.Write(ctx, actor.Account, outbox.Event{
		Type: ResourceEndpoint + "." + verb, Resource: ResourceEndpoint, ID: uuid.UUID(e.ID), Sequence: e.Version,
		Actor: actor, Changed: changed, At: e.UpdatedAt,
	})
	if err != nil {
		return err
	}
	var before audit.Fields
	if was != nil {
		before = was.open()
	}
	if slices.Equal(changed, secretsChanged) {
		verb = "secret_rotated"
	}
	return s.Audit.Write(ctx, actor.Account, audit.Act{
		Act: ResourceEndpoint + "." + verb, Subject: ResourceEndpoint, SubjectID: uuid.UUID(e.ID), Actor: actor,
		Changes: audit.Diff(changed, before, e.open()), At: e.UpdatedAt,
	})
}

// secretsChanged is what changes of an endpoint by a rotation.
var secretsChanged = []string{"secrets"}

// open is what the audit log shows of an endpoint. Of its URL that is the host: the rest may hold a secret of the receiver's.
func (e Endpoint) open() audit.Fields {
	host := ""
	if u, err := url.Parse(e.URL); err == nil {
		host = u.Scheme + "://" + u.Host
	}
	return audit.Fields{
		"url": host, "description": e.Description, "event_types": e.Types, "resources": e.Resources, "dealership_ids": e.Dealerships,
		"scopes": e.Scopes.List(), "enabled": e.Enabled, "disabled_reason": e.DisabledReason, "disabled_at": e.DisabledAt, "deleted_at": e.DeletedAt,
	}
}

// noteReplay writes down that somebody asked for deliveries once more.
func (s *Service) noteReplay(ctx context.Context, actor auth.Actor, subject string, id uuid.UUID, said audit.Fields) error {
	return s.Audit.Write(ctx, actor.Account, audit.Act{
		Act: subject + ".replayed", Subject: subject, SubjectID: id, Actor: actor, Changes: audit.Diff(nil, nil, said), At: s.Now(),
	})
}

// FindEndpoint reads an endpoint.
func (s *Service) FindEndpoint(ctx context.Context, actor auth.Actor, id kernel.WebhookID) (Endpoint, error) {
	if err := requireWide(actor, auth.WebhooksRead); err != nil {
		return Endpoint{}, err
	}
	e, err := s.Store.Endpoint(ctx, actor.Account, id)
	if err == nil && e.DeletedAt != nil {
		return Endpoint{}, ErrEndpointNotFound
	}
	return e, err
}

// ListEndpoints pages through endpoints.
func (s *Service) ListEndpoints(ctx context.Context, actor auth.Actor, f EndpointFilter, p page.Request) (page.Of[Endpoint], error) {
	if err := requireWide(actor, auth.WebhooksRead); err != nil {
		return page.Of[Endpoint]{}, err
	}
	return s.Store.ListEndpoints(ctx, actor.Account, f, p)
}

// EndpointChanges reads the next changes of endpoints, deleted ones too.
func (s *Service) EndpointChanges(ctx context.Context, actor auth.Actor, c outbox.Cursor, limit int) (outbox.Changes[Endpoint], error) {
	if err := requireWide(actor, auth.WebhooksRead); err != nil {
		return outbox.Changes[Endpoint]{}, err
	}
	return outbox.Read(ctx, s.Log, actor.Account, outbox.Source[Endpoint]{
		Resource: ResourceEndpoint,
		List: func(ctx context.Context, after uuid.UUID, limit int) ([]Endpoint, error) {
			return s.Store.EndpointsByID(ctx, actor.Account, after, limit)
		},
		Load: func(ctx context.Context, ids []uuid.UUID) ([]Endpoint, error) {
			typed := make([]kernel.WebhookID, len(ids))
			for i, id := range ids {
				typed[i] = kernel.WebhookID(id)
			}
			return s.Store.Endpoints(ctx, actor.Account, typed)
		},
		ID: func(e Endpoint) uuid.UUID { return uuid.UUID(e.ID) },
	}, c, limit)
}

// changeEndpoint runs fn on the endpoint and writes what fn says has changed.
func (s *Service) changeEndpoint(
	ctx context.Context, actor auth.Actor, id kernel.WebhookID, ifMatch *int64, verb string, fn func(*Endpoint, time.Time) ([]string, error),
) (Endpoint, error) {
	if err := requireWide(actor, auth.WebhooksWrite); err != nil {
		return Endpoint{}, err
	}
	var out Endpoint
	err := s.Units.InTx(ctx, func(ctx context.Context) error {
		now := s.Now()
		var changed []string
		var was Endpoint
		var err error
		out, err = s.Store.UpdateEndpoint(ctx, actor.Account, id, func(e *Endpoint) (bool, error) {
			was = *e
			if (e.DeletedAt != nil) != (verb == "restored") {
				return false, ErrEndpointNotFound
			}
			if ifMatch != nil && *ifMatch != e.Version {
				return false, ErrEndpointStale
			}
			var err error
			if changed, err = fn(e, now); err != nil || len(changed) == 0 {
				return false, err
			}
			e.Version, e.UpdatedAt = e.Version+1, now
			return true, nil
		})
		if err != nil || len(changed) == 0 {
			return err
		}
		if !out.Enabled || out.DeletedAt != nil {
			if err := s.Store.Cancel(ctx, actor.Account, id, now); err != nil {
				return err
			}
		}
		return s.tell(ctx, actor, &was, out, verb, changed)
	})
	return out, err
}

// UpdateEndpoint changes an endpoint. Disabling it cancels what was still to be delivered.
func (s *Service) UpdateEndpoint(
	ctx context.Context, actor auth.Actor, id kernel.WebhookID, ifMatch *int64, edit func(*EndpointDetails),
) (Endpoint, error) {
	return s.changeEndpoint(ctx, actor, id, ifMatch, "updated", func(e *Endpoint, now time.Time) ([]string, error) {
		if err := requireAll(actor, e.Scopes); err != nil {
			return nil, err
		}
		before := e.EndpointDetails
		edit(&e.EndpointDetails)
		if err := e.validate(s.Out.Check); err != nil {
			return nil, err
		}
		e.disabledBy(DisabledByHand, now)
		return e.diff(before), nil
	})
}

// DeleteEndpoint ends an endpoint, and cancels what was still to be delivered to it.
func (s *Service) DeleteEndpoint(ctx context.Context, actor auth.Actor, id kernel.WebhookID, ifMatch *int64) error {
	_, err := s.changeEndpoint(ctx, actor, id, ifMatch, "deleted", func(e *Endpoint, now time.Time) ([]string, error) {
		e.DeletedAt = &now
		return []string{"deleted_at"}, nil
	})
	return err
}

// RestoreEndpoint undoes a delete. What happened meanwhile is not told of by itself: replay it.
func (s *Service) RestoreEndpoint(ctx context.Context, actor auth.Actor, id kernel.WebhookID, ifMatch *int64) (Endpoint, error) {
	return s.changeEndpoint(ctx, actor, id, ifMatch, "restored", func(e *Endpoint, _ time.Time) ([]string, error) {
		if err := requireAll(actor, e.Scopes); err != nil {
			return nil, err
		}
		e.DeletedAt = nil
		return []string{"deleted_at"}, nil
	})
}

// RotateSecret gives the endpoint a new secret and returns it, once. The others go on signing beside it for the overlap.
func (s *Service) RotateSecret(
	ctx context.Context, actor auth.Actor, id kernel.WebhookID, ifMatch *int64, overlap time.Duration,
) (IssuedEndpoint, error) {
	fresh := Secret{ID: kernel.NewID[uuid.UUID](), Text: webhooksig.NewSecret()}
	e, err := s.changeEndpoint(ctx, actor, id, ifMatch, "updated", func(e *Endpoint, now time.Time) ([]string, error) {
		if err := requireAll(actor, e.Scopes); err != nil {
			return nil, err
		}
		var live []Secret
		until := now.Add(overlap)
		for _, old := range e.Secrets {
			if !old.live(now) {
				continue
			}
			if old.ExpiresAt == nil || old.ExpiresAt.After(until) {
				old.ExpiresAt = &until
			}
			if old.live(now) {
				live = append(live, old)
			}
		}
		if len(live) >= maxSecrets {
			return nil, ErrTooManySecrets
		}
		fresh.CreatedAt = now
		e.Secrets = append(live, fresh)
		return secretsChanged, nil
	})
	return IssuedEndpoint{Endpoint: e, Secret: fresh.Text}, err
}

// ListDeliveries pages through the delivery log, newest first.
func (s *Service) ListDeliveries(ctx context.Context, actor auth.Actor, f DeliveryFilter, p page.Request) (page.Of[Delivery], error) {
	if err := requireWide(actor, auth.WebhooksRead); err != nil {
		return page.Of[Delivery]{}, err
	}
	return s.Store.ListDeliveries(ctx, actor.Account, f, p)
}

// FindDelivery reads a delivery with its attempts.
func (s *Service) FindDelivery(ctx context.Context, actor auth.Actor, id kernel.DeliveryID) (Delivery, []Attempt, error) {
	if err := requireWide(actor, auth.WebhooksRead); err != nil {
		return Delivery{}, nil, err
	}
	d, err := s.Store.Delivery(ctx, actor.Account, id)
	if err != nil {
		return d, nil, err
	}
	attempts, err := s.Store.Attempts(ctx, actor.Account, id)
	return d, attempts, err
}

// deliverTo finds an endpoint that can be sent to, and locks it, so that it stays so.
func (s *Service) deliverTo(ctx context.Context, account kernel.AccountID, id kernel.WebhookID) (Endpoint, error) {
	e, err := s.Store.UpdateEndpoint(ctx, account, id, func(*Endpoint) (bool, error) { return false, nil })
	switch {
	case err != nil:
		return e, err
	case e.DeletedAt != nil:
		return e, ErrEndpointNotFound
	case !e.Enabled:
		return e, ErrEndpointDisabled
	}
	return e, nil
}

// Test sends an event of type webhook.test to the endpoint, whatever its filters.
func (s *Service) Test(ctx context.Context, actor auth.Actor, id kernel.WebhookID) (Delivery, error) {
	if err := requireWide(actor, auth.WebhooksWrite); err != nil {
		return Delivery{}, err
	}
	var out Delivery
	err := s.Units.InTx(ctx, func(ctx context.Context) error {
		e, err := s.deliverTo(ctx, actor.Account, id)
		if err != nil {
			return err
		}
		now := s.Now()
		ev := Event{
			ID: kernel.NewID[uuid.UUID](), Account: actor.Account, Type: TestType, Resource: ResourceEndpoint, ResourceID: uuid.UUID(e.ID),
			Sequence: e.Version, ActorKind: actor.Kind, ActorID: actor.ID(), At: now,
		}
		if out, err = s.deliveryOf(&ev, e.ID, now); err != nil {
			return err
		}
		if err := s.Store.InsertDeliveries(ctx, actor.Account, []Delivery{out}); err != nil {
			return err
		}
		return s.Work.Schedule(ctx, actor.Account, WorkDeliver, uuid.UUID(e.ID), now)
	})
	return out, err
}

// ReplayOne delivers once more, with the same id and body.
func (s *Service) ReplayOne(ctx context.Context, actor auth.Actor, id kernel.DeliveryID) (Delivery, error) {
	if err := requireWide(actor, auth.WebhooksWrite); err != nil {
		return Delivery{}, err
	}
	var out Delivery
	err := s.Units.InTx(ctx, func(ctx context.Context) error {
		d, err := s.Store.Delivery(ctx, actor.Account, id)
		if err != nil {
			return err
		}
		e, err := s.deliverTo(ctx, actor.Account, d.Endpoint)
		if err != nil {
			return err
		}
		now := s.Now()
		d.State, d.NextAt, d.UpdatedAt = DeliveryPending, &now, now
		if _, err := s.Store.Replay(ctx, actor.Account, []Delivery{d}, nil); err != nil {
			return err
		}
		if err := s.Work.Schedule(ctx, actor.Account, WorkDeliver, uuid.UUID(e.ID), now); err != nil {
			return err
		}
		if err := s.noteReplay(ctx, actor, resourceDelivery, uuid.UUID(id), audit.Fields{"endpoint_id": e.ID, "event_id": d.EventID}); err != nil {
			return err
		}
		out, err = s.Store.Delivery(ctx, actor.Account, id)
		return err
	})
	return out, err
}

// MaxReplay is how many events one replay may name.
const MaxReplay = 10_000

// Range is what to replay: the events since a time, up to another when that is given, that fit the endpoint.
type Range struct {
	Since time.Time
	Until time.Time // zero: now
	// Only are the states of deliveries to begin anew with; nil: any, and also events that were never delivered.
	Only []DeliveryState
}

func (r Range) open(queued int) audit.Fields {
	out := audit.Fields{"since": r.Since, "queued": queued}
	if !r.Until.IsZero() {
		out["until"] = r.Until
	}
	if r.Only != nil {
		out["states"] = r.Only
	}
	return out
}

// Replay delivers the events of a range once more, with the same ids and bodies, and returns how many.
func (s *Service) Replay(ctx context.Context, actor auth.Actor, id kernel.WebhookID, r Range) (int, error) {
	if err := requireWide(actor, auth.WebhooksWrite); err != nil {
		return 0, err
	}
	queued := 0
	err := s.Units.InTx(ctx, func(ctx context.Context) error {
		queued = 0
		e, err := s.deliverTo(ctx, actor.Account, id)
		if err != nil {
			return err
		}
		now := s.Now()
		all, err := s.between(ctx, actor.Account, e, r, now)
		if err != nil {
			return err
		}
		for begin := 0; begin < len(all); begin += insertBatch {
			n, err := s.Store.Replay(ctx, actor.Account, all[begin:min(begin+insertBatch, len(all))], r.Only)
			if err != nil {
				return err
			}
			queued += n
		}
		if err := s.noteReplay(ctx, actor, ResourceEndpoint, uuid.UUID(id), r.open(queued)); err != nil || queued == 0 {
			return err
		}
		return s.Work.Schedule(ctx, actor.Account, WorkDeliver, uuid.UUID(e.ID), now)
	})
	return queued, err
}

// between makes deliveries of the events of a range that the endpoint wants.
func (s *Service) between(ctx context.Context, account kernel.AccountID, e Endpoint, r Range, now time.Time) ([]Delivery, error) {
	at, err := s.Log.Before(ctx, account, r.Since)
	if err != nil {
		return nil, err
	}
	var out []Delivery
	for {
		h, entries, err := s.Log.After(ctx, account, outbox.Query{
			After: at, Through: at + look, Types: e.Types, Resources: e.Resources, Dealerships: e.Dealerships, Since: r.Since, Limit: look,
		})
		if err != nil {
			return nil, err
		}
		for _, entry := range entries {
			ev := eventOf(account, entry)
			if !r.Until.IsZero() && !ev.At.Before(r.Until) || !e.wants(&ev, s.rule(ev.Resource)) {
				continue
			}
			if len(out) == MaxReplay {
				return nil, ErrReplayTooLarge
			}
			d, err := s.deliveryOf(&ev, e.ID, now)
			if err != nil {
				return nil, err
			}
			out = append(out, d)
		}
		if at += look; at >= h.Position {
			return out, nil
		}
	}
}
