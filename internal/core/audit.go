package core

import (
	"context"

	"github.com/rooftop-crm/rooftop/internal/platform/audit"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// AuditLog lists what administrators of the account did.
func (s *Service) AuditLog(ctx context.Context, actor auth.Actor, f audit.Filter, p page.Request) (page.Of[audit.Entry], error) {
	if err := requireAccountWide(actor, auth.AuditRead); err != nil {
		return page.Of[audit.Entry]{}, err
	}
	return s.Audit.List(ctx, actor.Account, f, p)
}

// What the audit log shows of each resource. Of people it shows no names and addresses, of long documents nothing: a
// field that is missing here is named in the log without its value.

func (a Account) open() audit.Fields {
	return audit.Fields{
		"name": a.Name, "country": a.Country, "language": a.Language, "time_zone": a.TimeZone, "currency": a.Currency,
		"require_if_match": a.RequireIfMatch, "require_second_factor": a.RequireSecondFactor,
	}
}

func (d Dealership) open() audit.Fields {
	return audit.Fields{
		"name": d.Name, "legal_name": d.LegalName, "brands": d.Brands, "country": d.Country, "time_zone": d.TimeZone,
		"website": d.Website, "is_default": d.IsDefault, "codes": d.Codes, "external_refs": d.ExternalRefs, "deleted_at": d.DeletedAt,
	}
}

func (u User) open() audit.Fields {
	return audit.Fields{"language": u.Language, "roles": u.Roles, "disabled": u.Disabled, "second_factor": u.SecondFactorAt != nil, "invited_at": u.InvitedAt, "deleted_at": u.DeletedAt}
}

func (k APIKey) open() audit.Fields {
	return audit.Fields{
		"kind": k.Kind, "name": k.Name, "scopes": k.Scopes.List(), "dealership_ids": k.Dealerships, "origins": k.Origins,
		"rate_per_minute": k.RatePerMinute, "expires_at": k.ExpiresAt, "test": k.Test, "prefix": k.Prefix, "next_prefix": k.NextPrefix,
		"revoked_at": k.RevokedAt,
	}
}

func (g Grant) open() audit.Fields {
	return audit.Fields{
		"partner_code": g.PartnerCode, "dealership_id": g.Dealership, "dealer_code": g.DealerCode, "scopes": g.Scopes.List(),
		"expires_at": g.ExpiresAt, "revoked_at": g.RevokedAt,
	}
}
