package core

import (
	"regexp"
	"time"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

var (
	// ErrDealerCodeTaken is the answer to a dealer code that this partner uses for another dealership.
	ErrDealerCodeTaken = errs.New(errs.Conflict, "grant.dealer_code_taken",
		"A grant to this partner has this dealer code already. Check the code with the partner, or revoke the other grant first.")
	// ErrUnknownPartner is the answer to a partner code that names nobody.
	ErrUnknownPartner = errs.New(errs.Invalid, "grant.unknown_partner", "There is no partner with this code.").
				At(errs.Field{Pointer: "/partner_code", Code: "unknown", Detail: "Ask the partner for its code here."})
	// ErrNoGrant is the answer to a dealer code or dealership for which the partner has no grant that holds now.
	ErrNoGrant = errs.New(errs.NotFound, "grant.not_found",
		"There is no grant that holds now for this dealer code or dealership. GET /v1/me lists the grants.")
	// ErrPartnerCodeTaken is the answer to a code that another partner has.
	ErrPartnerCodeTaken = errs.New(errs.Conflict, "partner.code_taken", "Another partner has this code.")
)

// Partner is an OEM or lead provider. It belongs to no account.
type Partner struct {
	ID         kernel.PartnerID
	Name       string
	Code       string // short, in lower case: what grants and sources name it by
	DisabledAt *time.Time
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

var partnerCodeForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

// Validate brings the partner into its stored form.
func (p *Partner) Validate() error {
	var w wrong
	w.text("/name", &p.Name, maxName, true)
	if !partnerCodeForm.MatchString(p.Code) {
		w.add("/code", "invalid", "Give up to 63 lower-case letters, digits, dots, hyphens and underscores, beginning with a letter or digit.")
	}
	return w.err()
}

// Grant is what a dealership allows a partner.
type Grant struct {
	ID          kernel.GrantID
	Version     int64
	Partner     kernel.PartnerID
	PartnerCode string
	PartnerName string
	Dealership  kernel.DealershipID
	DealerCode  string // what the partner calls the dealership
	Scopes      auth.ScopeSet
	ExpiresAt   *time.Time
	RevokedAt   *time.Time
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// NewGrant is a grant to be given.
type NewGrant struct {
	PartnerCode string
	Dealership  kernel.DealershipID
	DealerCode  string
	Scopes      auth.ScopeSet
	ExpiresAt   *time.Time
}

// GrantFilter narrows a list. A zero field does not narrow.
type GrantFilter struct {
	Only        []kernel.DealershipID // those the caller may see; nil for all
	Dealership  kernel.DealershipID
	PartnerCode string
}

// PartnerGrant is a grant that holds now, as the partner's requests need it.
type PartnerGrant struct {
	ID         kernel.GrantID
	Account    kernel.AccountID
	Dealership kernel.DealershipID
	DealerCode string
	Scopes     auth.ScopeSet
	ExpiresAt  *time.Time
}

func (n *NewGrant) validate(now time.Time) error {
	var w wrong
	w.text("/partner_code", &n.PartnerCode, maxCode, true)
	w.text("/dealer_code", &n.DealerCode, maxCode, true)
	if n.Scopes == 0 || n.Scopes&^auth.PartnerScopes() != 0 {
		w.add("/scopes", "not_allowed", "Give at least one of: "+auth.JoinScopes(auth.PartnerScopes())+".")
	}
	if n.ExpiresAt = instant(n.ExpiresAt); n.ExpiresAt != nil && !n.ExpiresAt.After(now) {
		w.add("/expires_at", "past", "Give a time to come, or null for no end.")
	}
	return w.err()
}

// PageKey is where a page sorted that way ends with this grant.
func (g Grant) PageKey(sort page.Sort) page.Key {
	return pageKey(sort, [16]byte(g.ID), g.CreatedAt, g.UpdatedAt)
}

// ActInAccount is the partner's actor inside the account that the grants belong to: it may do there, at the granted
// dealerships alone, what both its credential and the grant allow. The grants are of one account.
func ActInAccount(actor auth.Actor, grants ...PartnerGrant) auth.Actor {
	own := actor.Scopes
	actor.Scopes, actor.Limited = 0, true
	actor.At = make(map[kernel.DealershipID]auth.ScopeSet, len(grants))
	for _, g := range grants {
		actor.Account = g.Account
		actor.At[g.Dealership] = actor.At[g.Dealership].Union(own.Intersect(g.Scopes))
	}
	return actor
}
