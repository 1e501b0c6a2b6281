package core

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// CreateGrant lets a partner act for a dealership. It fails with ErrUnknownPartner or ErrDealerCodeTaken, and with
// ErrEscalation when the actor does not hold a scope of the grant.
func (s *Service) CreateGrant(ctx context.Context, actor auth.Actor, n NewGrant) (Grant, error) {
	if err := requireAccountWide(actor, auth.GrantsWrite); err != nil {
		return Grant{}, err
	}
	now := s.Now()
	if err := n.validate(now); err != nil {
		return Grant{}, err
	}
	if err := requireHeld(actor, n.Scopes); err != nil {
		return Grant{}, err
	}
	var out Grant
	err := s.Units.InTx(ctx, func(ctx context.Context) error {
		p, err := s.Control.PartnerByCode(ctx, n.PartnerCode)
		if errors.Is(err, ErrNotFound) || (err == nil && p.DisabledAt != nil) {
			return ErrUnknownPartner
		}
		if err != nil {
			return err
		}
		if _, err := s.liveDealership(ctx, actor.Account, n.Dealership); err != nil {
			return unknownDealership(err)
		}
		if err := s.endExpired(ctx, actor, p.ID, n.DealerCode); err != nil {
			return err
		}
		out = Grant{
			ID: kernel.NewID[kernel.GrantID](), Version: 1, Partner: p.ID, PartnerCode: p.Code, PartnerName: p.Name,
			Dealership: n.Dealership, DealerCode: n.DealerCode, Scopes: n.Scopes, ExpiresAt: n.ExpiresAt, CreatedAt: now, UpdatedAt: now,
		}
		if err := s.Control.InsertGrant(ctx, actor.Account, out); err != nil {
			return err
		}
		return s.write(ctx, actor.Account, actor, now, change{ResourceGrant, "created", uuid.UUID(out.ID), 1, nil, nil, out.open()})
	})
	return out, err
}

func unknownDealership(err error) error {
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	var w wrong
	w.add("/dealership_id", "unknown", "There is no such dealership in this account.")
	return w.err()
}

// endExpired frees a dealer code that an expired grant of the account still holds.
func (s *Service) endExpired(ctx context.Context, actor auth.Actor, partner kernel.PartnerID, code string) error {
	id, err := s.Control.ExpiredGrant(ctx, actor.Account, partner, code, s.Now())
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.revoke(ctx, actor, id, nil)
}

// FindGrant reads a grant that is not revoked, of a dealership that the actor may see.
func (s *Service) FindGrant(ctx context.Context, actor auth.Actor, id kernel.GrantID) (Grant, error) {
	if err := actor.Require(auth.GrantsRead); err != nil {
		return Grant{}, err
	}
	g, err := s.Control.Grant(ctx, actor.Account, id)
	if err == nil && (g.RevokedAt != nil || !actor.CanAt(auth.GrantsRead, g.Dealership)) {
		return Grant{}, ErrNotFound
	}
	return g, err
}

// ListGrants lists the grants that are not revoked, of the dealerships that the actor may see.
func (s *Service) ListGrants(ctx context.Context, actor auth.Actor, f GrantFilter, p page.Request) (page.Of[Grant], error) {
	if err := actor.Require(auth.GrantsRead); err != nil {
		return page.Of[Grant]{}, err
	}
	if only, all := actor.DealershipsWith(auth.GrantsRead); !all {
		f.Only = only
	}
	return s.Control.ListGrants(ctx, actor.Account, f, p)
}

// GrantChanges reads the next changes of grants, revoked ones too.
func (s *Service) GrantChanges(ctx context.Context, actor auth.Actor, c outbox.Cursor, limit int) (outbox.Changes[Grant], error) {
	if err := actor.Require(auth.GrantsRead); err != nil {
		return outbox.Changes[Grant]{}, err
	}
	out, err := outbox.Read(ctx, s.Events, actor.Account, outbox.Source[Grant]{
		Resource: ResourceGrant,
		List: func(ctx context.Context, after uuid.UUID, limit int) ([]Grant, error) {
			return s.Control.GrantsByID(ctx, actor.Account, after, limit)
		},
		Load: func(ctx context.Context, ids []uuid.UUID) ([]Grant, error) {
			return s.Control.Grants(ctx, actor.Account, typed[kernel.GrantID](ids))
		},
		ID: func(g Grant) uuid.UUID { return uuid.UUID(g.ID) },
	}, c, limit)
	out.Items = slices.DeleteFunc(out.Items, func(g Grant) bool { return !actor.CanAt(auth.GrantsRead, g.Dealership) })
	return out, err
}

// RevokeGrant ends what a partner may do at a dealership, within ten seconds on every process.
func (s *Service) RevokeGrant(ctx context.Context, actor auth.Actor, id kernel.GrantID, ifMatch *int64) error {
	if err := requireAccountWide(actor, auth.GrantsWrite); err != nil {
		return err
	}
	return s.Units.InTx(ctx, func(ctx context.Context) error { return s.revoke(ctx, actor, id, ifMatch) })
}

func (s *Service) revoke(ctx context.Context, actor auth.Actor, id kernel.GrantID, ifMatch *int64) error {
	now := s.Now()
	g, err := s.Control.UpdateGrant(ctx, actor.Account, id, func(g *Grant) (bool, error) {
		if g.RevokedAt != nil {
			return false, ErrNotFound
		}
		if err := checkVersion(ifMatch, g.Version); err != nil {
			return false, err
		}
		g.RevokedAt, g.UpdatedAt, g.Version = &now, now, g.Version+1
		return true, nil
	})
	if err != nil {
		return err
	}
	return s.write(ctx, actor.Account, actor, now, change{
		ResourceGrant, "deleted", uuid.UUID(id), g.Version, []string{"revoked_at"}, nil, g.open(),
	})
}
