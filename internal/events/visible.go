package events

import (
	"context"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

// Rule says who may learn of the changes of one kind of resource: whoever may read the resource, as it is now.
type Rule struct {
	// Scope reads the resource.
	Scope auth.Scope
	// Shared means that holding the scope anywhere is enough. Without it, and without Among, it must be held for the
	// whole account.
	Shared bool
	// Among tells which of the resources the actor may read, for resources that not all of them may. Nil: see Shared.
	Among func(ctx context.Context, actor auth.Actor, ids []uuid.UUID) (map[uuid.UUID]bool, error)
}

// Unruled is the rule for a resource that no room has said anything about: administrators alone learn of it.
var Unruled = Rule{Scope: auth.AccountWrite}

func wide(actor auth.Actor, s auth.Scope) bool { return actor.Scopes.Has(s) && !actor.Limited }

// mayRead fails unless the actor may read events at all. Partners may not: their leads' way is GET /v1/leads.
func mayRead(actor auth.Actor) error {
	if actor.Account.IsZero() && actor.Can(auth.EventsRead) {
		return auth.ErrForbidden
	}
	return actor.Require(auth.EventsRead)
}

// visible keeps the events about what the actor may read now. It keeps their order.
func (s *Service) visible(ctx context.Context, actor auth.Actor, all []Event) ([]Event, error) {
	among := map[string]map[uuid.UUID]bool{}
	asked := map[string][]uuid.UUID{}
	for i := range all {
		r := s.rule(all[i].Resource)
		if r.Among != nil && actor.Can(r.Scope) {
			asked[all[i].Resource] = append(asked[all[i].Resource], all[i].ResourceID)
		}
	}
	for resource, ids := range asked {
		seen, err := s.rule(resource).Among(ctx, actor, ids)
		if err != nil {
			return nil, err
		}
		among[resource] = seen
	}
	out := all[:0:0]
	for i := range all {
		r := s.rule(all[i].Resource)
		ok := false
		switch {
		case r.Among != nil:
			ok = among[all[i].Resource][all[i].ResourceID]
		case r.Shared:
			ok = actor.Can(r.Scope)
		default:
			ok = wide(actor, r.Scope)
		}
		if ok {
			out = append(out, all[i])
		}
	}
	return out, nil
}

func (s *Service) rule(resource string) Rule {
	if r, ok := s.Rules[resource]; ok {
		return r
	}
	return Unruled
}

// AtDealerships is a Rule's Among for resources that are dealerships themselves.
func AtDealerships(scope auth.Scope) func(context.Context, auth.Actor, []uuid.UUID) (map[uuid.UUID]bool, error) {
	return func(_ context.Context, actor auth.Actor, ids []uuid.UUID) (map[uuid.UUID]bool, error) {
		out := make(map[uuid.UUID]bool, len(ids))
		for _, id := range ids {
			out[id] = actor.CanAt(scope, kernel.DealershipID(id))
		}
		return out, nil
	}
}

// orNotFound hides what the actor may not see.
func orNotFound(err error) error {
	if errs.IsKind(err, errs.NotFound) {
		return ErrNotFound.Because(err)
	}
	return err
}
