package core

import (
	"context"
	"slices"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/enum"
)

// Me is who asks and what they may do.
type Me struct {
	Actor   auth.Actor
	Account *Account       // nil for partners, and for credentials that may not read it
	User    *User          // of people
	Partner *Partner       // of partners
	Grants  []PartnerGrant // of partners
}

// Me describes the actor to itself.
func (s *Service) Me(ctx context.Context, actor auth.Actor) (Me, error) {
	me := Me{Actor: actor, Grants: []PartnerGrant{}}
	if actor.Kind == auth.KindPartner {
		return s.partnerMe(ctx, me)
	}
	if actor.Kind == auth.KindUser {
		u, err := s.Store.User(ctx, actor.Account, actor.User)
		if err != nil {
			return Me{}, err
		}
		me.User = &u
	}
	if actor.Can(auth.AccountRead) {
		a, err := s.Control.Account(ctx, actor.Account)
		if err != nil {
			return Me{}, err
		}
		me.Account = &a
	}
	return me, nil
}

func (s *Service) partnerMe(ctx context.Context, me Me) (Me, error) {
	p, err := s.Control.Partner(ctx, me.Actor.Partner)
	if err != nil {
		return Me{}, err
	}
	me.Partner = &p
	me.Grants, err = s.Control.ActiveGrants(ctx, p.ID, "", s.Now())
	return me, err
}

// Places lists where the actor has rights beyond those for the whole account, in a fixed order.
func (m Me) Places() []kernel.DealershipID {
	out := make([]kernel.DealershipID, 0, len(m.Actor.At))
	for d := range m.Actor.At {
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b kernel.DealershipID) int { return slices.Compare(a[:], b[:]) })
	return out
}

// AllEnums lists the enums of every context, in a fixed order.
func (s *Service) AllEnums() []enum.Enum { return s.Enums }
