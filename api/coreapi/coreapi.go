// Package coreapi is the HTTP face of core: accounts, dealerships, users, keys, grants, sign-in and what a caller may know
// of itself. It owns routes and wire types. The rules are in internal/core.
package coreapi

import (
	"context"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/core"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/merge"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
)

type handler struct {
	core  *core.Service
	units httpx.Units
}

// Routes registers the paths that need a credential.
func Routes(g *echo.Group, svc *core.Service, u httpx.Units) {
	h := handler{core: svc, units: u}
	g.GET("/me", h.me)
	g.PUT("/me/password", h.changePassword)
	g.GET("/me/second-factor", h.getSecondFactor)
	g.POST("/me/second-factor", h.beginSecondFactor)
	g.POST("/me/second-factor/confirm", h.confirmSecondFactor)
	g.POST("/me/second-factor/disable", h.disableSecondFactor)
	g.POST("/me/second-factor/recovery-codes", h.renewRecoveryCodes)
	g.GET("/sessions", h.listSessions)
	g.DELETE("/sessions/:id", h.endSession)
	g.GET("/enums", h.enums)
	g.GET("/account", h.getAccount)
	g.PATCH("/account", h.patchAccount)

	g.GET("/audit-log", h.listAuditLog)

	g.POST("/dealerships", h.createDealership)
	g.GET("/dealerships", h.listDealerships)
	g.GET("/dealerships/changes", h.dealershipChanges)
	g.GET("/dealerships/by-ref/:source/:external_id", h.getDealershipByRef)
	g.PUT("/dealerships/by-ref/:source/:external_id", h.putDealershipByRef)
	g.GET("/dealerships/:id", h.getDealership)
	g.PATCH("/dealerships/:id", h.patchDealership)
	g.DELETE("/dealerships/:id", h.deleteDealership)
	g.POST("/dealerships/:id/restore", h.restoreDealership)

	g.POST("/users", h.createUser)
	g.GET("/users", h.listUsers)
	g.GET("/users/changes", h.userChanges)
	g.GET("/users/:id", h.getUser)
	g.PATCH("/users/:id", h.patchUser)
	g.DELETE("/users/:id", h.deleteUser)
	g.POST("/users/:id/restore", h.restoreUser)
	g.POST("/users/:id/invite", h.inviteUser)
	g.POST("/users/:id/revoke-invitation", h.revokeInvitation)
	g.POST("/users/:id/deactivate", h.deactivateUser)
	g.POST("/users/:id/reactivate", h.reactivateUser)
	g.POST("/users/:id/end-sessions", h.endSessions)
	g.POST("/users/:id/reset-second-factor", h.resetSecondFactor)

	g.POST("/api-keys", h.createAPIKey)
	g.GET("/api-keys", h.listAPIKeys)
	g.GET("/api-keys/changes", h.apiKeyChanges)
	g.GET("/api-keys/:id", h.getAPIKey)
	g.PATCH("/api-keys/:id", h.patchAPIKey)
	g.DELETE("/api-keys/:id", h.revokeAPIKey)
	g.POST("/api-keys/:id/rotate", h.rotateAPIKey)
	g.POST("/api-keys/:id/finish-rotation", h.finishAPIKeyRotation)

	g.POST("/grants", h.createGrant)
	g.GET("/grants", h.listGrants)
	g.GET("/grants/changes", h.grantChanges)
	g.GET("/grants/:id", h.getGrant)
	g.DELETE("/grants/:id", h.revokeGrant)
}

// PublicRoutes registers the paths by which a caller comes to a credential.
func PublicRoutes(e *echo.Echo, v1 *echo.Group, svc *core.Service) {
	h := handler{core: svc}
	v1.POST("/oauth/token", h.token)
	v1.POST("/oauth/revoke", h.revokeToken)
	v1.POST("/invitations/accept", h.acceptInvitation)
	v1.POST("/password-resets", h.requestPasswordReset)
	v1.POST("/password-resets/complete", h.completePasswordReset)
	e.GET("/.well-known/jwks.json", h.jwks)
}

// one answers a GET of one resource by its id.
func one[I ~[16]byte, T any](
	c echo.Context, sample any, find func(context.Context, auth.Actor, I) (T, error), reply func(T) httpx.Reply,
) error {
	id, err := httpx.PathID[I](c, "id")
	if err != nil {
		return err
	}
	q := httpx.NewQuery(c)
	q.Fields(sample)
	if err := q.Err(); err != nil {
		return err
	}
	found, err := find(c.Request().Context(), httpx.ActorOf(c), id)
	if err != nil {
		return err
	}
	return httpx.One(c, q, reply(found))
}

// onOne runs a write on one resource by its id, with the version that the caller saw.
func onOne[I ~[16]byte](
	c echo.Context, h handler, work func(ctx context.Context, actor auth.Actor, id I, ifMatch *int64) (httpx.Reply, error),
) error {
	id, err := httpx.PathID[I](c, "id")
	if err != nil {
		return err
	}
	ifMatch, err := httpx.IfMatch(c)
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		return work(ctx, actor, id, ifMatch)
	})
}

// follow answers a step of a feed of changes.
func follow[T, W any](
	c echo.Context, read func(context.Context, auth.Actor, outbox.Cursor, int) (outbox.Changes[T], error), wire func(T) W,
) error {
	q := httpx.NewQuery(c)
	cursor, limit := q.Changes()
	if err := q.Err(); err != nil {
		return err
	}
	got, err := read(c.Request().Context(), httpx.ActorOf(c), cursor, limit)
	if err != nil {
		return err
	}
	return httpx.Changes(c, q, outbox.Changes[W]{Items: mapped(got.Items, wire), Next: got.Next, More: got.More})
}

func same[T any](v T) T { return v }

// mapped never gives nil, which would be null on the wire.
func mapped[T, U any](in []T, f func(T) U) []U {
	out := make([]U, len(in))
	for i, v := range in {
		out[i] = f(v)
	}
	return out
}

// orNull: what is not known is null on the wire.
func orNull[T comparable](v T) *T {
	var none T
	if v == none {
		return nil
	}
	return &v
}

func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

func object(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

// applyCustom merges key by key; null empties.
func applyCustom(f merge.Field[map[string]any], into *map[string]any) {
	switch {
	case f.Null:
		*into = map[string]any{}
	case f.Set:
		*into = merge.Object(*into, f.Value)
	}
}
