package core

import (
	"context"
	"strings"

	"github.com/rooftop-crm/rooftop/internal/kernel"
)

// Place is a dealership as other contexts need it.
type Place struct {
	ID       kernel.DealershipID
	Name     string
	Country  string // ISO 3166-1 alpha-2: how telephone numbers without a prefix are read
	TimeZone string // IANA
	Currency string // ISO 4217: the account's
	// PostalCode tells which regional holidays there are.
	PostalCode string
}

type (
	placeKey struct {
		account kernel.AccountID
		id      kernel.DealershipID
	}
	codeKey struct {
		account       kernel.AccountID
		schemes, code string
	}
	grantKey struct {
		partner kernel.PartnerID
		code    string
	}
)

func (s *Service) place(ctx context.Context, account kernel.AccountID, d Dealership) (Place, error) {
	a, err := s.AccountDetails(ctx, account)
	return Place{ID: d.ID, Name: d.Name, Country: d.Country, TimeZone: d.TimeZone, Currency: a.Currency, PostalCode: d.Address.PostalCode}, err
}

// Dealership is a dealership of the account that is not deleted, as it was at most a few seconds ago. It fails with
// ErrNotFound.
func (s *Service) Dealership(ctx context.Context, account kernel.AccountID, id kernel.DealershipID) (Place, error) {
	return s.dealerships.get(placeKey{account, id}, func() (Place, error) {
		d, err := s.liveDealership(ctx, account, id)
		if err != nil {
			return Place{}, err
		}
		return s.place(ctx, account, d)
	})
}

// DefaultDealership is the one that takes leads which name none: the account's default, else its only one. It may be a
// few seconds old. It fails with ErrNotFound.
func (s *Service) DefaultDealership(ctx context.Context, account kernel.AccountID) (Place, error) {
	return s.defaults.get(account, func() (Place, error) {
		d, err := s.Store.DefaultDealership(ctx, account)
		if err != nil {
			return Place{}, err
		}
		return s.place(ctx, account, d)
	})
}

// DealershipByCode finds the dealership that a code means: under one of the schemes, or under any when none is given;
// codes of dealerships and the ids that other systems gave them are both looked at. A code that means several
// dealerships is as good as none. False when there is none; the answer may be a few seconds old.
func (s *Service) DealershipByCode(
	ctx context.Context, account kernel.AccountID, schemes []string, code string,
) (kernel.DealershipID, bool, error) {
	code = strings.TrimSpace(code)
	if code == "" || !storable(code) {
		return kernel.DealershipID{}, false, nil
	}
	id, err := s.codes.get(codeKey{account, strings.Join(schemes, "\x00"), code}, func() (kernel.DealershipID, error) {
		return s.Store.DealershipByCode(ctx, account, schemes, code)
	})
	if err != nil {
		return kernel.DealershipID{}, false, ignoreNotFound(err)
	}
	return id, true, nil
}

// Grant is the partner's grant under a dealer code that holds now, give or take a few seconds. It fails with ErrNoGrant.
func (s *Service) Grant(ctx context.Context, partner kernel.PartnerID, dealerCode string) (PartnerGrant, error) {
	dealerCode = strings.TrimSpace(dealerCode)
	if dealerCode == "" || !storable(dealerCode) {
		return PartnerGrant{}, ErrNoGrant
	}
	grants, err := s.grants.get(grantKey{partner, dealerCode}, func() ([]PartnerGrant, error) {
		found, err := s.Control.ActiveGrants(ctx, partner, dealerCode, s.Now())
		if err == nil && len(found) == 0 {
			err = ErrNoGrant
		}
		return found, err
	})
	return s.holding(grants, err, func(PartnerGrant) bool { return true })
}

// GrantFor is the partner's grant for a dealership that holds now, give or take a few seconds. A zero account stands for
// whichever the dealership belongs to. It fails with ErrNoGrant.
func (s *Service) GrantFor(
	ctx context.Context, partner kernel.PartnerID, account kernel.AccountID, dealership kernel.DealershipID,
) (PartnerGrant, error) {
	grants, err := s.GrantsOf(ctx, partner)
	return s.holding(grants, err, func(g PartnerGrant) bool {
		return g.Dealership == dealership && (account.IsZero() || g.Account == account)
	})
}

// GrantsOf lists the partner's grants that hold now, give or take a few seconds, over all accounts. It is for the
// partner's own requests alone.
func (s *Service) GrantsOf(ctx context.Context, partner kernel.PartnerID) ([]PartnerGrant, error) {
	return s.grants.get(grantKey{partner: partner}, func() ([]PartnerGrant, error) {
		return s.Control.ActiveGrants(ctx, partner, "", s.Now())
	})
}

// holding picks the first grant that is wanted and has not expired since it was read.
func (s *Service) holding(grants []PartnerGrant, err error, want func(PartnerGrant) bool) (PartnerGrant, error) {
	if err != nil {
		return PartnerGrant{}, err
	}
	now := s.Now()
	for _, g := range grants {
		if (g.ExpiresAt == nil || now.Before(*g.ExpiresAt)) && want(g) {
			return g, nil
		}
	}
	return PartnerGrant{}, ErrNoGrant
}
