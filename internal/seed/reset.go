package seed

import (
	"context"
	"fmt"

	"github.com/rooftop-crm/rooftop/internal/core"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// Reset gives the demo accounts new credentials, ends the old ones, and writes the file. What the accounts hold stays.
// It fails when there is no demo data, or when an account's demo administrator or partner is there no more.
func (s Seeder) Reset(ctx context.Context) (Credentials, error) {
	var all []Access
	for _, g := range groups() {
		var a Access
		err := s.alone(ctx, func(tx context.Context) error {
			var err error
			a, err = s.reissue(tx, g)
			return err
		})
		if err != nil {
			return Credentials{}, fmt.Errorf("new credentials for the demo account %s: %w", g.name, err)
		}
		all = append(all, a)
	}
	creds := Credentials{Access: all[0], Other: &all[1]}
	return creds, write(s.File, creds)
}

func (s Seeder) reissue(ctx context.Context, g group) (Access, error) {
	svc := s.Core
	login, err := svc.Control.LoginByEmail(ctx, g.admin())
	if errs.IsKind(err, errs.NotFound) {
		err = fmt.Errorf("nobody signs in as %s: has the demo data been made, and has its administrator been renamed? %w", g.admin(), err)
	}
	if err != nil {
		return Access{}, err
	}
	out := Access{BaseURL: s.BaseURL, AccountID: login.Account, Admin: Login{g.admin(), newPassword()}}
	actor := auth.System(login.Account)
	if err := resetPasswords(ctx, svc, actor, g, out.Admin.Password); err != nil {
		return out, err
	}
	if out.APIKey, err = replaceKey(ctx, svc, actor, demoAPIKey()); err != nil {
		return out, err
	}
	if out.SiteKey, err = replaceKey(ctx, svc, actor, demoSiteKey(g)); err != nil {
		return out, err
	}
	p, err := svc.ReissuePartner(ctx, g.partnerCode)
	if err != nil {
		return out, err
	}
	out.Partner = Client{ClientID: p.ClientID, ClientSecret: p.ClientSecret}
	return out, findPlaces(ctx, svc, g, p.ID, &out)
}

// resetPasswords gives all demo users who are still there the new password.
func resetPasswords(ctx context.Context, svc *core.Service, actor auth.Actor, g group, password string) error {
	for _, p := range g.users {
		login, err := svc.Control.LoginByEmail(ctx, g.email(p))
		if errs.IsKind(err, errs.NotFound) || (err == nil && login.Account != actor.Account) {
			continue
		}
		if err != nil {
			return err
		}
		_, err = svc.UpdateUser(ctx, actor, login.User, nil, core.UserEdit{Password: &password})
		if errs.IsKind(err, errs.NotFound) && p.role != auth.RoleAdmin { // deleted since
			continue
		}
		if err != nil {
			return fmt.Errorf("password of %s: %w", g.email(p), err)
		}
	}
	return nil
}

// replaceKey ends the demo key of that name and makes another.
func replaceKey(ctx context.Context, svc *core.Service, actor auth.Actor, n core.NewAPIKey) (string, error) {
	next := &page.Request{Limit: page.MaxLimit, Sort: page.Sort{Field: "created_at"}}
	for next != nil {
		keys, err := svc.ListAPIKeys(ctx, actor, core.APIKeyFilter{Kind: n.Kind}, *next)
		if err != nil {
			return "", err
		}
		for _, k := range keys.Items {
			if k.Name != n.Name {
				continue
			}
			if err := svc.RevokeAPIKey(ctx, actor, k.ID, nil); err != nil {
				return "", err
			}
		}
		if next.After = keys.Next; keys.Next == nil {
			next = nil
		}
	}
	k, err := svc.CreateAPIKey(ctx, actor, n)
	return k.Secret, err
}

// findPlaces reads from the partner's grants which dealerships the account had from the beginning, in their order.
func findPlaces(ctx context.Context, svc *core.Service, g group, partner kernel.PartnerID, out *Access) error {
	for _, p := range g.places {
		grants, err := svc.Control.ActiveGrants(ctx, partner, p.dealerCode, svc.Now())
		if err != nil {
			return err
		}
		for _, grant := range grants {
			out.DealershipIDs = append(out.DealershipIDs, grant.Dealership)
			if out.Partner.DealerCode == "" {
				out.Partner.DealerCode = grant.DealerCode
			}
		}
	}
	if out.DealershipIDs == nil {
		return fmt.Errorf("%s has no grant any more: give it one at POST /v1/grants", g.partnerName)
	}
	return nil
}
