// Package coreapi is the HTTP face of core: accounts, dealerships, users, keys, grants, sign-in and what a caller may know
// of itself. It owns routes and wire types. The rules are in internal/core.
package coreapi

import (
	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/core"
	"github.com/rooftop-crm/rooftop/internal/platform/merge"
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

func same[T any](v T) T { return v }

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
