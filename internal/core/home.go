package core

import (
	"context"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

type home struct {
	place Place
	sole  bool
}

// HomeDealership is where a document goes that names no dealership: the account's default, else its oldest; sole tells
// that the account has no other. It may be a few seconds old. It fails with ErrNotFound for an account without any.
func (s *Service) HomeDealership(ctx context.Context, account kernel.AccountID) (_ Place, sole bool, err error) {
	h, err := s.homes.get(account, func() (home, error) {
		first, err := s.Store.ListDealerships(ctx, account, DealershipFilter{}, page.Request{Limit: 1, Sort: page.Sort{Field: "created_at"}})
		if err != nil {
			return home{}, err
		}
		if len(first.Items) == 0 {
			return home{}, ErrNotFound
		}
		d, sole := first.Items[0], first.Next == nil
		if !sole {
			if chosen, err := s.Store.DefaultDealership(ctx, account); err == nil {
				d = chosen
			} else if ignoreNotFound(err) != nil {
				return home{}, err
			}
		}
		p, err := s.place(ctx, account, d)
		return home{place: p, sole: sole}, err
	})
	return h.place, h.sole, err
}

// AccountDetails is what other contexts need of the account itself. It may be a few seconds old.
func (s *Service) AccountDetails(ctx context.Context, account kernel.AccountID) (AccountDetails, error) {
	return s.details.get(account, func() (AccountDetails, error) {
		a, err := s.Control.Account(ctx, account)
		return a.AccountDetails, err
	})
}

// Known tells whether an active site key is bound to the web origin. It may be a few seconds old.
func (s *Service) Known(ctx context.Context, origin string) (bool, error) {
	return s.origins.get(origin, func() (bool, error) { return s.Control.OriginKnown(ctx, origin, s.Now()) })
}

// Works tells whether the user can sign in and holds the scope at the dealership.
func (u User) Works(scope auth.Scope, at kernel.DealershipID) bool {
	if u.Disabled || u.DeletedAt != nil {
		return false
	}
	wide, byDealership := rights(u.Roles)
	return wide.Has(scope) || byDealership[at].Has(scope)
}
