package seed

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/rooftop-crm/rooftop/internal/core"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
)

// Rates in requests per minute. A developer's scripts may be busy; a loop gone wild should still meet the limit.
const (
	apiKeyRate  = 6000
	siteKeyRate = 1200
)

// keyName is the name of the demo keys, by which a reset finds them.
const (
	apiKeyName  = "Demo API key"
	siteKeyName = "Demo site key"
)

// developerOrigin is where a developer's own site runs.
const developerOrigin = "http://localhost:3000"

// staff is a user who acts in the demo.
type staff struct {
	person
	actor auth.Actor
}

// newPassword is random, so that no two installations share one, and easy to copy.
func newPassword() string { return rand.Text() }

// found makes the account with its dealerships, users, keys, partner and grants.
func (h *past) found(ctx context.Context) (Access, error) {
	account, err := h.Core.CreateAccount(ctx, core.NewAccount{Name: h.group.name, Country: h.group.country, Language: "fr", TimeZone: h.group.timeZone})
	if err != nil {
		return Access{}, err
	}
	out := Access{AccountID: account.ID, Admin: Login{Email: h.group.admin(), Password: newPassword()}}
	h.account = account.ID
	for _, p := range h.group.places {
		d, err := h.Core.CreateDealership(ctx, auth.System(account.ID), p.details)
		if err != nil {
			return out, fmt.Errorf("dealership %s: %w", p.details.Name, err)
		}
		h.dealerships = append(h.dealerships, d.ID)
	}
	out.DealershipIDs = h.dealerships
	if err := h.hire(ctx, out.Admin.Password); err != nil {
		return out, err
	}
	if err := h.openDoors(ctx); err != nil {
		return out, err
	}
	if err := h.makeKeys(ctx, &out); err != nil {
		return out, err
	}
	return out, h.joinPartner(ctx, &out.Partner)
}

// hire makes the users. The first is the administrator.
func (h *past) hire(ctx context.Context, password string) error {
	for i, p := range h.group.users {
		n := core.NewUser{Password: password, UserDetails: core.UserDetails{
			Email: h.group.email(p), FirstName: p.firstName, LastName: p.lastName, Language: "fr", Roles: h.rolesOf(p),
		}}
		var u core.User
		var err error
		if i == 0 {
			u, err = h.Core.CreateFirstAdmin(ctx, h.account, n)
		} else {
			u, err = h.Core.CreateUser(ctx, h.admin(), n)
		}
		if err != nil {
			return fmt.Errorf("user %s: %w", n.Email, err)
		}
		h.staff = append(h.staff, staff{p, h.actorOf(p, u)})
	}
	return nil
}

func (h *past) rolesOf(p person) []core.RoleAt {
	if p.at == nil {
		return []core.RoleAt{{Role: p.role}}
	}
	var out []core.RoleAt
	for _, i := range p.at {
		out = append(out, core.RoleAt{Role: p.role, Dealership: &h.dealerships[i]})
	}
	return out
}

// actorOf is the user as they act once signed in.
func (h *past) actorOf(p person, u core.User) auth.Actor {
	scopes, _ := p.role.Scopes()
	a := auth.Actor{
		Kind: auth.KindUser, Account: h.account, User: u.ID, Credential: kernel.CredentialID(u.ID), Name: u.FullName(),
		OwnLeadsOnly: p.role == auth.RoleSalesperson,
	}
	if p.at == nil {
		a.Scopes = scopes
		return a
	}
	a.Limited, a.At = true, map[kernel.DealershipID]auth.ScopeSet{}
	for _, i := range p.at {
		a.At[h.dealerships[i]] = scopes
	}
	return a
}

func (h *past) admin() auth.Actor { return h.staff[0].actor }

func (h *past) makeKeys(ctx context.Context, out *Access) error {
	api, err := h.Core.CreateAPIKey(ctx, h.admin(), demoAPIKey())
	if err != nil {
		return fmt.Errorf("API key: %w", err)
	}
	site, err := h.Core.CreateAPIKey(ctx, h.admin(), demoSiteKey(h.group))
	if err != nil {
		return fmt.Errorf("site key: %w", err)
	}
	out.APIKey, out.SiteKey = api.Secret, site.Secret
	h.api = auth.Actor{Kind: auth.KindAPIKey, Account: h.account, Credential: api.ID, Name: api.Name, Scopes: api.Scopes}
	h.site = auth.Actor{Kind: auth.KindSiteKey, Account: h.account, Credential: site.ID, Name: h.group.domain, Scopes: site.Scopes, Origins: site.Origins}
	return nil
}

func demoAPIKey() core.NewAPIKey {
	return core.NewAPIKey{Kind: auth.KindAPIKey, APIKeyDetails: core.APIKeyDetails{
		Name: apiKeyName, Scopes: auth.AllScopes(), RatePerMinute: apiKeyRate,
	}}
}

func demoSiteKey(g group) core.NewAPIKey {
	return core.NewAPIKey{Kind: auth.KindSiteKey, APIKeyDetails: core.APIKeyDetails{
		Name: siteKeyName, Scopes: auth.SiteKeyScopes(), RatePerMinute: siteKeyRate, Origins: []string{developerOrigin, g.site()},
	}}
}

// joinPartner makes the partner and grants it every dealership under the partner's code for it.
func (h *past) joinPartner(ctx context.Context, out *Client) error {
	p, err := h.Core.CreatePartner(ctx, h.group.partnerName, h.group.partnerCode)
	if err != nil {
		return fmt.Errorf("partner: %w", err)
	}
	for i, d := range h.dealerships {
		_, err := h.Core.CreateGrant(ctx, h.admin(), core.NewGrant{
			PartnerCode: p.Code, Dealership: d, DealerCode: h.group.places[i].dealerCode, Scopes: auth.PartnerScopes(),
		})
		if err != nil {
			return fmt.Errorf("grant: %w", err)
		}
	}
	h.partner = auth.Actor{Kind: auth.KindPartner, Partner: p.ID, Name: p.Name, Scopes: auth.PartnerScopes()}
	*out = Client{ClientID: p.ClientID, ClientSecret: p.ClientSecret, DealerCode: h.group.places[0].dealerCode}
	return nil
}
