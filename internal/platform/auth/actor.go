package auth

import (
	"slices"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

// ActorKind tells what sort of caller acts.
type ActorKind string

// The kinds of callers.
const (
	KindUser    ActorKind = "user"     // a person of an account
	KindAPIKey  ActorKind = "api_key"  // a secret key of an account
	KindClient  ActorKind = "client"   // an account's machine client (client_credentials)
	KindPartner ActorKind = "partner"  // an OEM or lead provider
	KindSiteKey ActorKind = "site_key" // the publishable key of a dealer site
	KindSystem  ActorKind = "system"   // background work of our own
)

// Actor is who a request acts for and what they may do. It is made at the edge and passed down; it is never looked up again.
type Actor struct {
	Kind       ActorKind
	Account    kernel.AccountID // zero for a partner until the request's account is chosen
	Partner    kernel.PartnerID // zero but for partners
	Credential kernel.CredentialID
	User       kernel.UserID // zero but for users
	Session    uuid.UUID     // that a user's token belongs to; zero but for users
	Name       string        // shown in histories: a person's or key's name

	// Scopes hold for every dealership of the account.
	Scopes ScopeSet
	// At holds further scopes by dealership.
	At map[kernel.DealershipID]ScopeSet
	// Limited means that only the dealerships in At are visible, whatever Scopes says.
	Limited bool
	// OwnLeadsOnly is set for salespeople: they see their own leads and those of nobody.
	OwnLeadsOnly bool
	// FactorMissing is set for a user without the second factor that the account requires: they hold no scope until then.
	FactorMissing bool
	// RequireIfMatch is the account's wish that changes name the version they change.
	RequireIfMatch bool
	// Origins are the web origins a site key is bound to.
	Origins []string
	// Test marks a credential whose leads are test leads.
	Test bool
	// RatePerMinute is the credential's quota of requests.
	RatePerMinute int
}

// ErrFactorMissing is the answer to a user without the second factor that the account requires.
var ErrFactorMissing = errs.New(errs.Forbidden, "auth.second_factor_missing",
	"This account requires a second factor. Set one up at POST /v1/me/second-factor; your rights are back seconds after it is confirmed.")

// ErrForbidden is the answer to a known caller without the scope.
var ErrForbidden = errs.New(errs.Forbidden, "auth.forbidden", "This credential may not do that.")

// Can tells whether the actor holds the scope at any dealership.
func (a Actor) Can(s Scope) bool {
	if a.Scopes.Has(s) {
		return true
	}
	for _, at := range a.At {
		if at.Has(s) {
			return true
		}
	}
	return false
}

// Require fails with ErrForbidden, naming the scope, when the actor holds it nowhere.
func (a Actor) Require(s Scope) error {
	if a.Can(s) {
		return nil
	}
	if a.FactorMissing {
		return ErrFactorMissing
	}
	return ErrForbidden.Saying("This needs the scope %s, which the credential does not have.", s)
}

// CanAt tells whether the actor holds the scope at that dealership.
func (a Actor) CanAt(s Scope, d kernel.DealershipID) bool {
	at, named := a.At[d]
	if a.Limited && !named {
		return false
	}
	return a.Scopes.Has(s) || at.Has(s)
}

// RequireAt fails with ErrForbidden when the actor may not do that at the dealership.
func (a Actor) RequireAt(s Scope, d kernel.DealershipID) error {
	if a.CanAt(s, d) {
		return nil
	}
	if a.Can(s) {
		return ErrForbidden.Saying("This credential has the scope %s, but not at this dealership.", s)
	}
	return a.Require(s)
}

// DealershipsWith lists where the actor holds the scope. All means every dealership of the account; then the list is nil.
func (a Actor) DealershipsWith(s Scope) (ids []kernel.DealershipID, all bool) {
	if a.Scopes.Has(s) && !a.Limited {
		return nil, true
	}
	ids = make([]kernel.DealershipID, 0, len(a.At))
	for d := range a.At {
		if a.CanAt(s, d) {
			ids = append(ids, d)
		}
	}
	slices.SortFunc(ids, func(x, y kernel.DealershipID) int { return slices.Compare(x[:], y[:]) })
	return ids, false
}

// ID is what histories and events name the actor by: the user, the partner, else the credential. Zero for the system.
func (a Actor) ID() [16]byte {
	switch a.Kind {
	case KindUser:
		return a.User
	case KindPartner:
		return a.Partner
	case KindAPIKey, KindClient, KindSiteKey:
		return a.Credential
	case KindSystem:
	}
	return [16]byte{}
}

// System acts for background work inside an account: it may do everything there.
func System(account kernel.AccountID) Actor {
	return Actor{Kind: KindSystem, Account: account, Name: "system", Scopes: AllScopes()}
}
