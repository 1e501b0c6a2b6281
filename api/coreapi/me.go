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
	"github.com/rooftop-crm/rooftop/internal/platform/enum"
	"github.com/rooftop-crm/rooftop/internal/platform/merge"
)

// Me is who asks and what they may do.
type Me struct {
	Kind          string              `json:"kind" enums:"user,api_key,site_key,client,partner" example:"user"`
	CredentialID  kernel.CredentialID `json:"credential_id"`
	Name          string              `json:"name" example:"Jeanne Martin"`
	Account       *Account            `json:"account"`                     // null for partners, and without account:read
	User          *User               `json:"user"`                        // of a person
	Partner       *Partner            `json:"partner"`                     // of a partner
	Scopes        []auth.Scope        `json:"scopes" example:"leads:read"` // for the whole account
	Dealerships   []MyDealership      `json:"dealerships"`                 // further rights at single dealerships
	Limited       bool                `json:"limited"`                     // only the dealerships listed are visible
	OwnLeadsOnly  bool                `json:"own_leads_only"`              // sees own leads and those of nobody
	Grants        []MyGrant           `json:"grants"`                      // of a partner
	RatePerMinute int                 `json:"rate_per_minute" example:"600"`
	Test          bool                `json:"test"` // leads made with this credential are test leads
} //	@name	Me

// MyDealership is a dealership at which the caller has rights.
type MyDealership struct {
	DealershipID kernel.DealershipID `json:"dealership_id"`
	Scopes       []auth.Scope        `json:"scopes" example:"leads:read"`
} //	@name	MyDealership

// MyGrant is what a dealership allows the calling partner.
type MyGrant struct {
	ID           kernel.GrantID      `json:"id"`
	AccountID    kernel.AccountID    `json:"account_id"`
	DealershipID kernel.DealershipID `json:"dealership_id"`
	DealerCode   string              `json:"dealer_code" example:"FR-0042"`
	Scopes       []auth.Scope        `json:"scopes" example:"leads:create"`
	ExpiresAt    *time.Time          `json:"expires_at"`
} //	@name	MyGrant

// Partner is an OEM or lead provider.
type Partner struct {
	ID   kernel.PartnerID `json:"id"`
	Code string           `json:"code" example:"marque"`
	Name string           `json:"name" example:"Marque France"`
} //	@name	Partner

// Account is a dealer group.
type Account struct {
	ID                  kernel.AccountID `json:"id"`
	Version             int64            `json:"version" example:"3"`
	Name                string           `json:"name" example:"Garage Dupont"`
	Country             string           `json:"country" example:"FR"`             // ISO 3166-1 alpha-2
	Language            string           `json:"language" example:"fr"`            // BCP 47
	TimeZone            string           `json:"time_zone" example:"Europe/Paris"` // of the IANA database
	Currency            string           `json:"currency" example:"EUR"`           // ISO 4217
	RequireIfMatch      bool             `json:"require_if_match"`                 // changes must send If-Match
	RequireSecondFactor bool             `json:"require_second_factor"`            // users without one can only set one up
	CustomSchemas       map[string]any   `json:"custom_schemas"`                   // a JSON Schema for custom, by resource
	CreatedAt           time.Time        `json:"created_at"`
	UpdatedAt           time.Time        `json:"updated_at"`
} //	@name	Account

// PatchAccount changes the account. Schemas are merged key by key.
type PatchAccount struct {
	Name                merge.Field[string]         `json:"name" validate:"max=200" extensions:"!x-nullable" example:"Garage Dupont"`
	Country             merge.Field[string]         `json:"country" extensions:"!x-nullable" example:"FR"`
	Language            merge.Field[string]         `json:"language" extensions:"!x-nullable" example:"fr"`
	TimeZone            merge.Field[string]         `json:"time_zone" extensions:"!x-nullable" example:"Europe/Paris"`
	Currency            merge.Field[string]         `json:"currency" extensions:"!x-nullable" example:"EUR"`
	RequireIfMatch      merge.Field[bool]           `json:"require_if_match" extensions:"!x-nullable"`
	RequireSecondFactor merge.Field[bool]           `json:"require_second_factor" extensions:"!x-nullable"` // within ten seconds users without one can only set one up
	CustomSchemas       merge.Field[map[string]any] `json:"custom_schemas"`
} //	@name	PatchAccount

// ChangePassword is a user's present password and the next one.
type ChangePassword struct {
	CurrentPassword string `json:"current_password" validate:"required" example:"trois toits sous la pluie"`
	NewPassword     string `json:"new_password" validate:"required" example:"quatre toits sous la neige"` // 12 to 128 characters
} //	@name	ChangePassword

// EnumList is every closed list of values of the API.
type EnumList struct {
	Data []Enum `json:"data"`
} //	@name	EnumList

// Enum is one closed list of values.
type Enum struct {
	Name   string      `json:"name" example:"user_role"`
	Values []EnumValue `json:"values"`
} //	@name	Enum

// EnumValue is one value with its labels.
type EnumValue struct {
	Value  string     `json:"value" example:"admin"`
	Labels EnumLabels `json:"labels"`
} //	@name	EnumValue

// EnumLabels is a label in each language.
type EnumLabels struct {
	En string `json:"en" example:"Administrator"`
	Fr string `json:"fr" example:"Administrateur"`
} //	@name	EnumLabels

func fromAccount(a core.Account) Account {
	return Account{
		ID: a.ID, Version: a.Version, Name: a.Name, Country: a.Country, Language: a.Language, TimeZone: a.TimeZone, Currency: a.Currency,
		RequireIfMatch: a.RequireIfMatch, RequireSecondFactor: a.RequireSecondFactor, CustomSchemas: object(a.CustomSchemas), CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt,
	}
}

func (in PatchAccount) apply(d *core.AccountDetails) {
	in.Name.Apply(&d.Name)
	in.Country.Apply(&d.Country)
	in.Language.Apply(&d.Language)
	in.TimeZone.Apply(&d.TimeZone)
	in.Currency.Apply(&d.Currency)
	in.RequireIfMatch.Apply(&d.RequireIfMatch)
	in.RequireSecondFactor.Apply(&d.RequireSecondFactor)
	applyCustom(in.CustomSchemas, &d.CustomSchemas)
}

func fromMe(m core.Me) Me {
	a := m.Actor
	out := Me{
		Kind: string(a.Kind), CredentialID: a.Credential, Name: a.Name, Scopes: a.Scopes.List(), Limited: a.Limited,
		OwnLeadsOnly: a.OwnLeadsOnly, RatePerMinute: a.RatePerMinute, Test: a.Test, Grants: httpx.Mapped(m.Grants, fromPartnerGrant),
		Dealerships: httpx.Mapped(m.Places(), func(d kernel.DealershipID) MyDealership {
			return MyDealership{DealershipID: d, Scopes: a.At[d].List()}
		}),
	}
	if m.Account != nil {
		out.Account = new(fromAccount(*m.Account))
	}
	if m.User != nil {
		out.User = new(fromUser(*m.User))
	}
	if m.Partner != nil {
		out.Partner = &Partner{ID: m.Partner.ID, Code: m.Partner.Code, Name: m.Partner.Name}
	}
	return out
}

func fromPartnerGrant(g core.PartnerGrant) MyGrant {
	return MyGrant{
		ID: g.ID, AccountID: g.Account, DealershipID: g.Dealership, DealerCode: g.DealerCode, Scopes: g.Scopes.List(), ExpiresAt: g.ExpiresAt,
	}
}

func accountReply(a core.Account) httpx.Reply {
	return httpx.Reply{Body: fromAccount(a), Version: a.Version}
}

// me tells a caller who it is.
//
//	@ID				getMe
//	@Summary		Who am I
//	@Description	Who the credential belongs to and what it may do. A partner finds its grants here.
//	@Tags			account
//	@Success		200	{object}	Me
//	@Security		Bearer
//	@Router			/me [get]
func (h handler) me(c echo.Context) error {
	q := httpx.NewQuery(c)
	if err := q.Err(); err != nil {
		return err
	}
	m, err := h.core.Me(c.Request().Context(), httpx.ActorOf(c))
	if err != nil {
		return err
	}
	return httpx.One(c, q, httpx.Reply{Body: fromMe(m)})
}

// changePassword changes the caller's own password. It runs in no unit of work of a request: what counts wrong guesses
// must stay when the request fails.
//
//	@ID				changeMyPassword
//	@Summary		Change my password
//	@Description	Needs the current password. Ends every session of the user, this one too: sign in again.
//	@Tags			account
//	@Accept			json
//	@Param			body	body	ChangePassword	true	"both passwords"
//	@Success		204
//	@Security		Bearer
//	@Router			/me/password [put]
func (h handler) changePassword(c echo.Context) error {
	in, err := httpx.Bind[ChangePassword](c)
	if err != nil {
		return err
	}
	ctx := context.WithoutCancel(c.Request().Context())
	if err := h.core.ChangePassword(ctx, httpx.ActorOf(c), in.CurrentPassword, in.NewPassword); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// enums lists every enum with labels.
//
//	@ID				listEnums
//	@Summary		List enums
//	@Description	Every closed list of values of this API, each value with a label in English and French.
//	@Tags			account
//	@Success		200	{object}	EnumList
//	@Security		Bearer
//	@Router			/enums [get]
func (h handler) enums(c echo.Context) error {
	q := httpx.NewQuery(c)
	if err := q.Err(); err != nil {
		return err
	}
	return httpx.One(c, q, httpx.Reply{Body: EnumList{Data: httpx.Mapped(h.core.AllEnums(), fromEnum)}})
}

func fromEnum(e enum.Enum) Enum {
	return Enum{Name: e.Name, Values: httpx.Mapped(e.Values, func(v enum.Value) EnumValue {
		return EnumValue{Value: v.Value, Labels: EnumLabels{En: v.En, Fr: v.Fr}}
	})}
}

// getAccount reads the account.
//
//	@ID				getAccount
//	@Summary		Read the account
//	@Description	The dealer group that the credential belongs to.
//	@Tags			account
//	@Success		200	{object}	Account
//	@Security		Bearer
//	@Router			/account [get]
func (h handler) getAccount(c echo.Context) error {
	q := httpx.NewQuery(c)
	if err := q.Err(); err != nil {
		return err
	}
	a, err := h.core.FindAccount(c.Request().Context(), httpx.ActorOf(c))
	if err != nil {
		return err
	}
	return httpx.One(c, q, accountReply(a))
}

// patchAccount changes the account.
//
//	@ID				patchAccount
//	@Summary		Change the account
//	@Description	JSON Merge Patch: what is absent stays. Needs account:write for the whole account.
//	@Tags			account
//	@Accept			application/merge-patch+json
//	@Param			body	body		PatchAccount	true	"what changes"
//	@Success		200		{object}	Account
//	@Security		Bearer
//	@Router			/account [patch]
func (h handler) patchAccount(c echo.Context) error {
	in, err := httpx.BindPatch[PatchAccount](c)
	if err != nil {
		return err
	}
	ifMatch, err := httpx.IfMatch(c)
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		a, err := h.core.UpdateAccount(ctx, actor, ifMatch, in.apply)
		return accountReply(a), err
	})
}
