package coreapi

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/core"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/merge"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// APIKey is a credential of the account: an API key, a site key or a machine client.
type APIKey struct {
	ID            kernel.CredentialID   `json:"id"`
	Version       int64                 `json:"version" example:"3"`
	Kind          string                `json:"kind" enums:"api_key,site_key,client" example:"api_key"`
	Name          string                `json:"name" example:"Website"`
	Prefix        string                `json:"prefix" example:"rt_live_sk_4fT9kQ2z"`      // the beginning of the secret
	NextPrefix    *string               `json:"next_prefix" example:"rt_live_sk_Zp81cVbR"` // of the second live secret, during a rotation
	ClientID      *string               `json:"client_id"`                                 // of a machine client
	Scopes        []auth.Scope          `json:"scopes" example:"leads:read"`
	DealershipIDs []kernel.DealershipID `json:"dealership_ids" extensions:"x-nullable"` // null: all of the account
	Origins       []string              `json:"origins" example:"https://www.garage-dupont.example"`
	RatePerMinute int                   `json:"rate_per_minute" example:"600"`
	Test          bool                  `json:"test"` // leads made with it are test leads
	CreatedBy     *kernel.UserID        `json:"created_by"`
	ExpiresAt     *time.Time            `json:"expires_at"`
	LastUsedAt    *time.Time            `json:"last_used_at"` // to about a minute
	CreatedAt     time.Time             `json:"created_at"`
	UpdatedAt     time.Time             `json:"updated_at"`
	RevokedAt     *time.Time            `json:"revoked_at"`
} //	@name	APIKey

// IssuedAPIKey is a key with its secret, which is shown this once. A replay of the answer has null in its place.
type IssuedAPIKey struct {
	APIKey
	Secret *string `json:"secret" example:"rt_live_sk_4fT9kQ2zXv7mB1nC5dE8gH3jL6pR0s_2aB9zX"`
} //	@name	IssuedAPIKey

// CreateAPIKey is what makes a key.
type CreateAPIKey struct {
	Kind          string                `json:"kind" validate:"required,oneof=api_key site_key client" example:"api_key"`
	Name          string                `json:"name" validate:"required,max=200" example:"Website"`
	Scopes        []auth.Scope          `json:"scopes" validate:"required,max=50" example:"leads:read"`
	DealershipIDs []kernel.DealershipID `json:"dealership_ids,omitempty" extensions:"x-nullable"`                                // all of the account when left out or null
	Origins       []string              `json:"origins,omitempty" validate:"max=50" example:"https://www.garage-dupont.example"` // of a site key
	RatePerMinute *int                  `json:"rate_per_minute,omitempty" validate:"omitempty,gte=1,lte=60000" example:"600"`
	Test          bool                  `json:"test,omitempty"`
	ExpiresAt     *time.Time            `json:"expires_at,omitempty"`
} //	@name	CreateAPIKey

// PatchAPIKey changes a key. Lists are replaced whole.
type PatchAPIKey struct {
	Name          merge.Field[string]                `json:"name" validate:"max=200" extensions:"!x-nullable" example:"Website"`
	Scopes        merge.Field[[]auth.Scope]          `json:"scopes" validate:"max=50" extensions:"!x-nullable" example:"leads:read"`
	DealershipIDs merge.Field[[]kernel.DealershipID] `json:"dealership_ids"` // null: all of the account
	Origins       merge.Field[[]string]              `json:"origins" validate:"max=50" example:"https://www.garage-dupont.example"`
	RatePerMinute merge.Field[int]                   `json:"rate_per_minute" validate:"gte=1,lte=60000" extensions:"!x-nullable" example:"600"`
	ExpiresAt     merge.Field[time.Time]             `json:"expires_at"`
} //	@name	PatchAPIKey

func fromAPIKey(k core.APIKey) APIKey {
	return APIKey{
		ID: k.ID, Version: k.Version, Kind: string(k.Kind), Name: k.Name, Prefix: k.Prefix, NextPrefix: orNull(k.NextPrefix),
		ClientID: orNull(k.ClientID), Scopes: k.Scopes.List(), DealershipIDs: k.Dealerships, Origins: httpx.Mapped(k.Origins, same),
		RatePerMinute: k.RatePerMinute, Test: k.Test, CreatedBy: k.CreatedBy, ExpiresAt: k.ExpiresAt, LastUsedAt: k.LastUsedAt,
		CreatedAt: k.CreatedAt, UpdatedAt: k.UpdatedAt, RevokedAt: k.RevokedAt,
	}
}

// scopesOf reads scopes; an unknown one is a mistake.
func scopesOf(scopes []auth.Scope) (auth.ScopeSet, error) {
	var wrong []errs.Field
	for i, s := range scopes {
		if !s.Known() {
			wrong = append(wrong, errs.Field{
				Pointer: fmt.Sprintf("/scopes/%d", i), Code: "unknown", Detail: "There is no such scope. GET /v1/enums lists them.",
			})
		}
	}
	if wrong != nil {
		return 0, errs.InvalidFields(wrong...)
	}
	return auth.NewScopeSet(scopes...), nil
}

func (in CreateAPIKey) toDomain() (core.NewAPIKey, error) {
	scopes, err := scopesOf(in.Scopes)
	return core.NewAPIKey{Kind: auth.ActorKind(in.Kind), Test: in.Test, APIKeyDetails: core.APIKeyDetails{
		Name: in.Name, Scopes: scopes, Dealerships: in.DealershipIDs, Origins: in.Origins,
		RatePerMinute: value(in.RatePerMinute), ExpiresAt: in.ExpiresAt,
	}}, err
}

func (in PatchAPIKey) toDomain() (func(*core.APIKeyDetails), error) {
	scopes, err := scopesOf(in.Scopes.Value)
	return func(d *core.APIKeyDetails) {
		in.Name.Apply(&d.Name)
		if in.Scopes.Set {
			d.Scopes = scopes
		}
		in.DealershipIDs.Apply(&d.Dealerships)
		in.Origins.Apply(&d.Origins)
		in.RatePerMinute.Apply(&d.RatePerMinute)
		in.ExpiresAt.ApplyPtr(&d.ExpiresAt)
	}, err
}

func apiKeyReply(k core.APIKey) httpx.Reply {
	return httpx.Reply{Body: fromAPIKey(k), Version: k.Version}
}

// issued shows the secret in this answer, and null in the record of it.
func issued(k core.IssuedKey) httpx.Reply {
	key := fromAPIKey(k.APIKey)
	return httpx.Reply{
		Body: IssuedAPIKey{APIKey: key, Secret: &k.Secret}, Redacted: IssuedAPIKey{APIKey: key}, Version: k.Version,
	}
}

// createAPIKey makes a key.
//
//	@ID				createAPIKey
//	@Summary		Create an API key, site key or machine client
//	@Description	The answer has the secret, this once. An API key or site key is sent as Authorization: Bearer; the secret of a client is
//	@Description	exchanged for tokens at /v1/oauth/token. A site key is public: it may only create leads, see published stock and book.
//	@Description	Nobody can give a key a scope that they do not hold.
//	@Tags			api-keys
//	@Accept			json
//	@Param			body	body		CreateAPIKey	true	"the key"
//	@Success		201		{object}	IssuedAPIKey
//	@Security		Bearer
//	@Router			/api-keys [post]
func (h handler) createAPIKey(c echo.Context) error {
	in, err := httpx.Bind[CreateAPIKey](c)
	if err != nil {
		return err
	}
	n, err := in.toDomain()
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		k, err := h.core.CreateAPIKey(ctx, actor, n)
		r := issued(k)
		r.Status, r.Location = http.StatusCreated, "/v1/api-keys/"+k.ID.String()
		return r, err
	})
}

// listAPIKeys pages through keys.
//
//	@ID				listAPIKeys
//	@Summary		List keys
//	@Description	The account's keys that are not revoked, newest first.
//	@Tags			api-keys
//	@Param			kind	query		string		false	"only keys of this kind"	Enums(api_key,site_key,client)
//	@Param			sort	query		string		false	"order"						Enums(created_at,-created_at,updated_at,-updated_at)
//	@Param			fields	query		[]string	false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200		{object}	httpx.ListOf[APIKey]
//	@Security		Bearer
//	@Router			/api-keys [get]
func (h handler) listAPIKeys(c echo.Context) error {
	q := httpx.NewQuery(c)
	kinds := httpx.Mapped(core.APIKeyKinds(), func(k auth.ActorKind) string { return string(k) })
	f := core.APIKeyFilter{Kind: auth.ActorKind(q.Choice("kind", kinds...))}
	q.Fields(APIKey{})
	p := q.Page("-created_at", "created_at", "updated_at")
	if err := q.Err(); err != nil {
		return err
	}
	found, err := h.core.ListAPIKeys(c.Request().Context(), httpx.ActorOf(c), f, p)
	if err != nil {
		return err
	}
	return httpx.List(c, q, page.Map(found, fromAPIKey))
}

// apiKeyChanges reads what became of keys since the last time.
//
//	@ID				listAPIKeyChanges
//	@Summary		Follow keys
//	@Description	First every key as it is now, then each that was changed since, revoked ones with revoked_at.
//	@Tags			api-keys
//	@Success		200	{object}	httpx.ChangesOf[APIKey]
//	@Security		Bearer
//	@Router			/api-keys/changes [get]
func (h handler) apiKeyChanges(c echo.Context) error {
	return httpx.Follow(c, h.core.APIKeyChanges, fromAPIKey)
}

// getAPIKey reads a key.
//
//	@ID				getAPIKey
//	@Summary		Read a key
//	@Description	A key of the account that is not revoked, without its secret.
//	@Tags			api-keys
//	@Param			id		path		string		true	"id of the key"					format(uuid)
//	@Param			fields	query		[]string	false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200		{object}	APIKey
//	@Security		Bearer
//	@Router			/api-keys/{id} [get]
func (h handler) getAPIKey(c echo.Context) error {
	return httpx.ReadOne(c, APIKey{}, h.core.FindAPIKey, apiKeyReply)
}

// patchAPIKey changes a key.
//
//	@ID				patchAPIKey
//	@Summary		Change a key
//	@Description	JSON Merge Patch. Takes effect within ten seconds. Nobody can change a key that has more scopes than they hold.
//	@Tags			api-keys
//	@Accept			application/merge-patch+json
//	@Param			id		path		string		true	"id of the key"	format(uuid)
//	@Param			body	body		PatchAPIKey	true	"what changes"
//	@Success		200		{object}	APIKey
//	@Security		Bearer
//	@Router			/api-keys/{id} [patch]
func (h handler) patchAPIKey(c echo.Context) error {
	in, err := httpx.BindPatch[PatchAPIKey](c)
	if err != nil {
		return err
	}
	edit, err := in.toDomain()
	if err != nil {
		return err
	}
	return httpx.OnOne(c, h.units, func(ctx context.Context, actor auth.Actor, id kernel.CredentialID, ifMatch *int64) (httpx.Reply, error) {
		k, err := h.core.UpdateAPIKey(ctx, actor, id, ifMatch, edit)
		return apiKeyReply(k), err
	})
}

// revokeAPIKey ends a key.
//
//	@ID				revokeAPIKey
//	@Summary		Revoke a key
//	@Description	Ends the key, and every token of a client, for good and within ten seconds.
//	@Tags			api-keys
//	@Param			id	path	string	true	"id of the key"	format(uuid)
//	@Success		204
//	@Security		Bearer
//	@Router			/api-keys/{id} [delete]
func (h handler) revokeAPIKey(c echo.Context) error {
	return httpx.OnOne(c, h.units, func(ctx context.Context, actor auth.Actor, id kernel.CredentialID, ifMatch *int64) (httpx.Reply, error) {
		return httpx.Reply{}, h.core.RevokeAPIKey(ctx, actor, id, ifMatch)
	})
}

// rotateAPIKey gives a key a second secret.
//
//	@ID				rotateAPIKey
//	@Summary		Begin to rotate a key
//	@Description	Gives the key a second secret, shown in this answer only. Both work until the rotation is finished.
//	@Tags			api-keys
//	@Param			id	path		string	true	"id of the key"	format(uuid)
//	@Success		200	{object}	IssuedAPIKey
//	@Failure		409	{object}	httpx.Problem	"the key has two secrets already"
//	@Security		Bearer
//	@Router			/api-keys/{id}/rotate [post]
func (h handler) rotateAPIKey(c echo.Context) error {
	id, err := httpx.PathID[kernel.CredentialID](c, "id")
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		k, err := h.core.RotateAPIKey(ctx, actor, id, nil)
		return issued(k), err
	})
}

// finishAPIKeyRotation ends the older secret.
//
//	@ID				finishAPIKeyRotation
//	@Summary		Finish the rotation of a key
//	@Description	Ends the older of the key's two secrets, and every token that the client has, within ten seconds.
//	@Tags			api-keys
//	@Param			id	path		string	true	"id of the key"	format(uuid)
//	@Success		200	{object}	APIKey
//	@Failure		409	{object}	httpx.Problem	"the key has one secret only"
//	@Security		Bearer
//	@Router			/api-keys/{id}/finish-rotation [post]
func (h handler) finishAPIKeyRotation(c echo.Context) error {
	id, err := httpx.PathID[kernel.CredentialID](c, "id")
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		k, err := h.core.FinishAPIKeyRotation(ctx, actor, id, nil)
		return apiKeyReply(k), err
	})
}
