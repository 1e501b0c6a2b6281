package coreapi

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/core"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// Grant is what a dealership allows a partner.
type Grant struct {
	ID           kernel.GrantID      `json:"id"`
	Version      int64               `json:"version" example:"1"`
	PartnerCode  string              `json:"partner_code" example:"marque"`
	PartnerName  string              `json:"partner_name" example:"Marque France"`
	DealershipID kernel.DealershipID `json:"dealership_id"`
	DealerCode   string              `json:"dealer_code" example:"FR-0042"` // what the partner calls the dealership
	Scopes       []auth.Scope        `json:"scopes" example:"leads:create"`
	ExpiresAt    *time.Time          `json:"expires_at"`
	CreatedAt    time.Time           `json:"created_at"`
	UpdatedAt    time.Time           `json:"updated_at"`
	RevokedAt    *time.Time          `json:"revoked_at"`
} //	@name	Grant

// CreateGrant is what lets a partner act for a dealership.
type CreateGrant struct {
	PartnerCode  string              `json:"partner_code" validate:"required,max=100" example:"marque"`
	DealershipID kernel.DealershipID `json:"dealership_id" validate:"required"`
	DealerCode   string              `json:"dealer_code" validate:"required,max=100" example:"FR-0042"`
	Scopes       []auth.Scope        `json:"scopes" validate:"required,max=50" example:"leads:create"` // leads:create, leads:read
	ExpiresAt    *time.Time          `json:"expires_at,omitempty"`
} //	@name	CreateGrant

func fromGrant(g core.Grant) Grant {
	return Grant{
		ID: g.ID, Version: g.Version, PartnerCode: g.PartnerCode, PartnerName: g.PartnerName, DealershipID: g.Dealership,
		DealerCode: g.DealerCode, Scopes: g.Scopes.List(), ExpiresAt: g.ExpiresAt, CreatedAt: g.CreatedAt,
		UpdatedAt: g.UpdatedAt, RevokedAt: g.RevokedAt,
	}
}

func grantReply(g core.Grant) httpx.Reply { return httpx.Reply{Body: fromGrant(g), Version: g.Version} }

// createGrant lets a partner act for a dealership.
//
//	@ID				createGrant
//	@Summary		Grant a partner a dealership
//	@Description	Lets a manufacturer or lead provider send leads to a dealership under its own dealer code, and read what became of them. A
//	@Description	partner sees the leads that it sent, and no others.
//	@Tags			grants
//	@Accept			json
//	@Param			body	body		CreateGrant	true	"the grant"
//	@Success		201		{object}	Grant
//	@Failure		409		{object}	httpx.Problem	"the partner has a grant under this dealer code already"
//	@Security		Bearer
//	@Router			/grants [post]
func (h handler) createGrant(c echo.Context) error {
	in, err := httpx.Bind[CreateGrant](c)
	if err != nil {
		return err
	}
	scopes, err := scopesOf(in.Scopes)
	if err != nil {
		return err
	}
	n := core.NewGrant{
		PartnerCode: in.PartnerCode, Dealership: in.DealershipID, DealerCode: in.DealerCode, Scopes: scopes, ExpiresAt: in.ExpiresAt,
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		g, err := h.core.CreateGrant(ctx, actor, n)
		r := grantReply(g)
		r.Status, r.Location = http.StatusCreated, "/v1/grants/"+g.ID.String()
		return r, err
	})
}

// listGrants pages through grants.
//
//	@ID				listGrants
//	@Summary		List grants
//	@Description	What the account's dealerships allow partners, newest first, without what was revoked.
//	@Tags			grants
//	@Param			dealership_id	query		string		false	"of this dealership"	format(uuid)
//	@Param			partner_code	query		string		false	"to this partner"
//	@Param			sort			query		string		false	"order"							Enums(created_at,-created_at,updated_at,-updated_at)
//	@Param			fields			query		[]string	false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200				{object}	httpx.ListOf[Grant]
//	@Security		Bearer
//	@Router			/grants [get]
func (h handler) listGrants(c echo.Context) error {
	const longest = 100
	q := httpx.NewQuery(c)
	f := core.GrantFilter{
		Dealership: value(httpx.QueryID[kernel.DealershipID](q, "dealership_id")), PartnerCode: q.Text("partner_code", longest),
	}
	q.Fields(Grant{})
	p := q.Page("-created_at", "created_at", "updated_at")
	if err := q.Err(); err != nil {
		return err
	}
	found, err := h.core.ListGrants(c.Request().Context(), httpx.ActorOf(c), f, p)
	if err != nil {
		return err
	}
	return httpx.List(c, q, page.Map(found, fromGrant))
}

// grantChanges reads what became of grants since the last time.
//
//	@ID				listGrantChanges
//	@Summary		Follow grants
//	@Description	First every grant as it is now, then each that was changed since, revoked ones with revoked_at.
//	@Tags			grants
//	@Success		200	{object}	httpx.ChangesOf[Grant]
//	@Security		Bearer
//	@Router			/grants/changes [get]
func (h handler) grantChanges(c echo.Context) error {
	return httpx.Follow(c, h.core.GrantChanges, fromGrant)
}

// getGrant reads a grant.
//
//	@ID				getGrant
//	@Summary		Read a grant
//	@Description	A grant that is not revoked.
//	@Tags			grants
//	@Param			id		path		string		true	"id of the grant"				format(uuid)
//	@Param			fields	query		[]string	false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200		{object}	Grant
//	@Security		Bearer
//	@Router			/grants/{id} [get]
func (h handler) getGrant(c echo.Context) error {
	return httpx.ReadOne(c, Grant{}, h.core.FindGrant, grantReply)
}

// revokeGrant ends a grant.
//
//	@ID				revokeGrant
//	@Summary		Revoke a grant
//	@Description	Ends what the partner may do at the dealership, for good and within ten seconds. The leads stay.
//	@Tags			grants
//	@Param			id	path	string	true	"id of the grant"	format(uuid)
//	@Success		204
//	@Security		Bearer
//	@Router			/grants/{id} [delete]
func (h handler) revokeGrant(c echo.Context) error {
	return httpx.OnOne(c, h.units, func(ctx context.Context, actor auth.Actor, id kernel.GrantID, ifMatch *int64) (httpx.Reply, error) {
		return httpx.Reply{}, h.core.RevokeGrant(ctx, actor, id, ifMatch)
	})
}
