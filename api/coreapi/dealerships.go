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
	"github.com/rooftop-crm/rooftop/internal/platform/merge"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// Dealership is a rooftop: one point of sale of the account.
type Dealership struct {
	ID           kernel.DealershipID  `json:"id"`
	Version      int64                `json:"version" example:"3"`
	Name         string               `json:"name" example:"Dupont Lyon"`
	LegalName    *string              `json:"legal_name" example:"Dupont Automobiles SAS"`
	Brands       []string             `json:"brands" example:"Peugeot"`
	Country      string               `json:"country" example:"FR"`             // ISO 3166-1 alpha-2
	TimeZone     string               `json:"time_zone" example:"Europe/Paris"` // of the IANA database
	Address      DealershipAddress    `json:"address"`
	Position     *Position            `json:"position"`
	Phone        *string              `json:"phone" example:"+33199001234"` // E.164
	Email        *string              `json:"email" format:"email" example:"lyon@garage-dupont.example"`
	Website      *string              `json:"website" format:"uri" example:"https://www.garage-dupont.example"`
	IsDefault    bool                 `json:"is_default"` // takes leads that name no dealership
	Codes        []DealershipCode     `json:"codes"`      // what manufacturers and providers call it
	ExternalRefs []kernel.ExternalRef `json:"external_refs"`
	Custom       map[string]any       `json:"custom"`
	CreatedAt    time.Time            `json:"created_at"`
	UpdatedAt    time.Time            `json:"updated_at"`
	DeletedAt    *time.Time           `json:"deleted_at"`
} //	@name	Dealership

// DealershipAddress is where a dealership is, in its country.
type DealershipAddress struct {
	Lines      []string `json:"lines" example:"1 rue de la Paix"`
	PostalCode *string  `json:"postal_code" example:"69001"`
	City       *string  `json:"city" example:"Lyon"`
	Region     *string  `json:"region" example:"Auvergne-Rhône-Alpes"`
} //	@name	DealershipAddress

// Position is a place on earth in degrees (WGS 84).
type Position struct {
	Latitude  float64 `json:"latitude" validate:"gte=-90,lte=90" example:"45.764"`
	Longitude float64 `json:"longitude" validate:"gte=-180,lte=180" example:"4.8357"`
} //	@name	Position

// DealershipCode is what one scheme, a manufacturer's or provider's, calls a dealership.
type DealershipCode struct {
	Scheme string `json:"scheme" validate:"required,max=100" example:"peugeot"`
	Code   string `json:"code" validate:"required,max=100" example:"FR-0042"`
} //	@name	DealershipCode

// DealershipAddressInput is an address as it is sent.
type DealershipAddressInput struct {
	Lines      []string `json:"lines,omitempty" validate:"max=6,dive,max=200" example:"1 rue de la Paix"`
	PostalCode *string  `json:"postal_code,omitempty" validate:"omitempty,max=100" example:"69001"`
	City       *string  `json:"city,omitempty" validate:"omitempty,max=100" example:"Lyon"`
	Region     *string  `json:"region,omitempty" validate:"omitempty,max=100" example:"Auvergne-Rhône-Alpes"`
} //	@name	DealershipAddressInput

// CreateDealership is what makes a dealership. A field that is null is as one that is left out.
type CreateDealership struct {
	Name         string                  `json:"name" validate:"required,max=200" example:"Dupont Lyon"`
	LegalName    *string                 `json:"legal_name,omitempty" validate:"omitempty,max=200" example:"Dupont Automobiles SAS"`
	Brands       []string                `json:"brands,omitempty" validate:"max=50,dive,max=100" example:"Peugeot"`
	Country      *string                 `json:"country,omitempty" example:"FR"`             // the account's when left out
	TimeZone     *string                 `json:"time_zone,omitempty" example:"Europe/Paris"` // the account's when left out
	Address      *DealershipAddressInput `json:"address,omitempty"`
	Position     *Position               `json:"position,omitempty"`
	Phone        *string                 `json:"phone,omitempty" validate:"omitempty,max=100" example:"01 99 00 12 34"`
	Email        *string                 `json:"email,omitempty" example:"lyon@garage-dupont.example"`
	Website      *string                 `json:"website,omitempty" validate:"omitempty,max=2000" example:"https://www.garage-dupont.example"`
	IsDefault    bool                    `json:"is_default,omitempty"` // takes the place of the default before it
	Codes        []DealershipCode        `json:"codes,omitempty" validate:"max=50,dive"`
	ExternalRefs []kernel.ExternalRef    `json:"external_refs,omitempty" validate:"max=50"`
	Custom       map[string]any          `json:"custom,omitempty"` // at most 16 KiB as JSON
} //	@name	CreateDealership

// PatchDealership changes a dealership. Lists are replaced whole, custom key by key.
type PatchDealership struct {
	Name         merge.Field[string]                 `json:"name" validate:"max=200" extensions:"!x-nullable" example:"Dupont Lyon"`
	LegalName    merge.Field[string]                 `json:"legal_name" validate:"max=200" example:"Dupont Automobiles SAS"`
	Brands       merge.Field[[]string]               `json:"brands" validate:"max=50,dive,max=100" example:"Peugeot"`
	Country      merge.Field[string]                 `json:"country" extensions:"!x-nullable" example:"FR"`
	TimeZone     merge.Field[string]                 `json:"time_zone" extensions:"!x-nullable" example:"Europe/Paris"`
	Address      merge.Field[DealershipAddressInput] `json:"address"` // replaced whole
	Position     merge.Field[Position]               `json:"position"`
	Phone        merge.Field[string]                 `json:"phone" validate:"max=100" example:"01 99 00 12 34"`
	Email        merge.Field[string]                 `json:"email" example:"lyon@garage-dupont.example"`
	Website      merge.Field[string]                 `json:"website" validate:"max=2000" example:"https://www.garage-dupont.example"`
	IsDefault    merge.Field[bool]                   `json:"is_default" extensions:"!x-nullable"`
	Codes        merge.Field[[]DealershipCode]       `json:"codes" validate:"max=50,dive"`
	ExternalRefs merge.Field[[]kernel.ExternalRef]   `json:"external_refs" validate:"max=50"`
	Custom       merge.Field[map[string]any]         `json:"custom"`
} //	@name	PatchDealership

func fromDealership(d core.Dealership) Dealership {
	out := Dealership{
		ID: d.ID, Version: d.Version, Name: d.Name, LegalName: orNull(d.LegalName), Brands: httpx.Mapped(d.Brands, same), Country: d.Country,
		TimeZone: d.TimeZone, Phone: orNull(d.Phone), Email: orNull(d.Email), Website: orNull(d.Website), IsDefault: d.IsDefault,
		Address: DealershipAddress{
			Lines: httpx.Mapped(d.Address.Lines, same), PostalCode: orNull(d.Address.PostalCode), City: orNull(d.Address.City),
			Region: orNull(d.Address.Region),
		},
		Codes:        httpx.Mapped(d.Codes, func(c core.Code) DealershipCode { return DealershipCode(c) }),
		ExternalRefs: httpx.Mapped(d.ExternalRefs, same), Custom: object(d.Custom),
		CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt, DeletedAt: d.DeletedAt,
	}
	if d.Position != nil {
		out.Position = &Position{Latitude: d.Position.Latitude, Longitude: d.Position.Longitude}
	}
	return out
}

func (in DealershipAddressInput) toDomain() core.Address {
	return core.Address{
		Lines: in.Lines, PostalCode: value(in.PostalCode), City: value(in.City), Region: value(in.Region),
	}
}

func toCode(c DealershipCode) core.Code { return core.Code(c) }

func (in CreateDealership) toDomain() core.DealershipDetails {
	d := core.DealershipDetails{
		Name: in.Name, LegalName: value(in.LegalName), Brands: in.Brands, Country: value(in.Country), TimeZone: value(in.TimeZone),
		Address: value(in.Address).toDomain(), Phone: value(in.Phone), Email: value(in.Email), Website: value(in.Website),
		IsDefault: in.IsDefault, Codes: httpx.Mapped(in.Codes, toCode), ExternalRefs: in.ExternalRefs, Custom: in.Custom,
	}
	if in.Position != nil {
		d.Position = &core.Position{Latitude: in.Position.Latitude, Longitude: in.Position.Longitude}
	}
	return d
}

func (in PatchDealership) apply(d *core.DealershipDetails) {
	in.Name.Apply(&d.Name)
	in.LegalName.Apply(&d.LegalName)
	in.Brands.Apply(&d.Brands)
	in.Country.Apply(&d.Country)
	in.TimeZone.Apply(&d.TimeZone)
	if in.Address.Set {
		d.Address = in.Address.Value.toDomain()
	}
	if in.Position.Set {
		d.Position = nil
		if !in.Position.Null {
			d.Position = &core.Position{Latitude: in.Position.Value.Latitude, Longitude: in.Position.Value.Longitude}
		}
	}
	in.Phone.Apply(&d.Phone)
	in.Email.Apply(&d.Email)
	in.Website.Apply(&d.Website)
	in.IsDefault.Apply(&d.IsDefault)
	if in.Codes.Set {
		d.Codes = httpx.Mapped(in.Codes.Value, toCode)
	}
	in.ExternalRefs.Apply(&d.ExternalRefs)
	applyCustom(in.Custom, &d.Custom)
}

func dealershipReply(d core.Dealership) httpx.Reply {
	return httpx.Reply{Body: fromDealership(d), Version: d.Version}
}

func dealershipCreated(d core.Dealership) httpx.Reply {
	r := dealershipReply(d)
	r.Status, r.Location = http.StatusCreated, "/v1/dealerships/"+d.ID.String()
	return r
}

// createDealership adds a dealership.
//
//	@ID				createDealership
//	@Summary		Create a dealership
//	@Description	Adds a point of sale to the account. Needs dealerships:write for the whole account.
//	@Tags			dealerships
//	@Accept			json
//	@Param			body	body		CreateDealership	true	"the dealership"
//	@Success		201		{object}	Dealership
//	@Failure		409		{object}	httpx.Problem	"another dealership has the code or reference"
//	@Security		Bearer
//	@Router			/dealerships [post]
func (h handler) createDealership(c echo.Context) error {
	in, err := httpx.Bind[CreateDealership](c)
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		d, err := h.core.CreateDealership(ctx, actor, in.toDomain())
		return dealershipCreated(d), err
	})
}

// listDealerships pages through dealerships.
//
//	@ID				listDealerships
//	@Summary		List dealerships
//	@Description	The dealerships that the credential may see, newest first.
//	@Tags			dealerships
//	@Param			country			query		string		false	"in this country"
//	@Param			brand			query		string		false	"has this brand, as it is written there"
//	@Param			created_at[gte]	query		string		false	"created at or after"	format(date-time)
//	@Param			created_at[gt]	query		string		false	"created after"			format(date-time)
//	@Param			created_at[lte]	query		string		false	"created at or before"	format(date-time)
//	@Param			created_at[lt]	query		string		false	"created before"		format(date-time)
//	@Param			updated_at[gte]	query		string		false	"changed at or after"	format(date-time)
//	@Param			updated_at[gt]	query		string		false	"changed after"			format(date-time)
//	@Param			updated_at[lte]	query		string		false	"changed at or before"	format(date-time)
//	@Param			updated_at[lt]	query		string		false	"changed before"		format(date-time)
//	@Param			updated_since	query		string		false	"changed at or after"	format(date-time)
//	@Param			sort			query		string		false	"order"					Enums(created_at,-created_at,updated_at,-updated_at)
//	@Param			fields			query		[]string	false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200				{object}	httpx.ListOf[Dealership]
//	@Security		Bearer
//	@Router			/dealerships [get]
func (h handler) listDealerships(c echo.Context) error {
	const longest = 100
	q := httpx.NewQuery(c)
	f := core.DealershipFilter{Country: q.Text("country", longest), Brand: q.Text("brand", longest)}
	f.CreatedFrom, f.CreatedBefore = q.TimeRange("created_at")
	f.UpdatedFrom, f.UpdatedBefore = changedRange(q)
	q.Fields(Dealership{})
	p := q.Page("-created_at", "created_at", "updated_at")
	if err := q.Err(); err != nil {
		return err
	}
	found, err := h.core.ListDealerships(c.Request().Context(), httpx.ActorOf(c), f, p)
	if err != nil {
		return err
	}
	return httpx.List(c, q, page.Map(found, fromDealership))
}

// changedRange reads updated_at and updated_since, of which the later beginning holds.
func changedRange(q *httpx.Query) (from, before *time.Time) {
	from, before = q.TimeRange("updated_at")
	if since := q.Time("updated_since"); since != nil && (from == nil || since.After(*from)) {
		from = since
	}
	return from, before
}

// dealershipChanges reads what became of dealerships since the last time.
//
//	@ID				listDealershipChanges
//	@Summary		Follow dealerships
//	@Description	First every dealership as it is now, then each that was changed since, deleted ones with deleted_at. Keep next_cursor
//	@Description	and come back with it.
//	@Tags			dealerships
//	@Success		200	{object}	httpx.ChangesOf[Dealership]
//	@Security		Bearer
//	@Router			/dealerships/changes [get]
func (h handler) dealershipChanges(c echo.Context) error {
	return httpx.Follow(c, h.core.DealershipChanges, fromDealership)
}

// getDealership reads a dealership.
//
//	@ID				getDealership
//	@Summary		Read a dealership
//	@Description	A dealership of the account that the credential may see.
//	@Tags			dealerships
//	@Param			id		path		string		true	"id of the dealership"			format(uuid)
//	@Param			fields	query		[]string	false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200		{object}	Dealership
//	@Security		Bearer
//	@Router			/dealerships/{id} [get]
func (h handler) getDealership(c echo.Context) error {
	return httpx.ReadOne(c, Dealership{}, h.core.FindDealership, dealershipReply)
}

// getDealershipByRef reads a dealership by another system's id.
//
//	@ID				getDealershipByRef
//	@Summary		Read a dealership by your own id
//	@Description	The dealership that has this reference.
//	@Tags			dealerships
//	@Param			source		path		string	true	"the system that gave the id"
//	@Param			external_id	path		string	true	"the id in that system"
//	@Success		200			{object}	Dealership
//	@Security		Bearer
//	@Router			/dealerships/by-ref/{source}/{external_id} [get]
func (h handler) getDealershipByRef(c echo.Context) error {
	ref, err := httpx.PathRef(c)
	if err != nil {
		return err
	}
	q := httpx.NewQuery(c)
	if err := q.Err(); err != nil {
		return err
	}
	d, err := h.core.FindDealershipByRef(c.Request().Context(), httpx.ActorOf(c), ref)
	if err != nil {
		return err
	}
	return httpx.One(c, q, dealershipReply(d))
}

// putDealershipByRef makes or changes the dealership that has another system's id.
//
//	@ID				putDealershipByRef
//	@Summary		Create or change a dealership by your own id
//	@Description	The first time it makes a dealership with this reference, which needs a name; afterwards it changes that dealership. What the
//	@Description	body leaves out stays as it is, null removes. `If-None-Match: *` creates only.
//	@Tags			dealerships
//	@Accept			json
//	@Param			source		path		string			true	"the system that gave the id"
//	@Param			external_id	path		string			true	"the id in that system"
//	@Param			body		body		PatchDealership	true	"what is known"
//	@Success		201			{object}	Dealership
//	@Success		200			{object}	Dealership
//	@Failure		409			{object}	httpx.Problem	"another dealership has one of the codes or references"
//	@Security		Bearer
//	@Router			/dealerships/by-ref/{source}/{external_id} [put]
func (h handler) putDealershipByRef(c echo.Context) error {
	ref, err := httpx.PathRef(c)
	if err != nil {
		return err
	}
	in, err := httpx.BindPatch[PatchDealership](c)
	if err != nil {
		return err
	}
	cond, err := httpx.Precondition(c)
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		d, created, err := h.core.PutDealershipByRef(ctx, actor, ref, cond, in.apply)
		if created {
			return dealershipCreated(d), err
		}
		return dealershipReply(d), err
	})
}

// patchDealership changes a dealership.
//
//	@ID				patchDealership
//	@Summary		Change a dealership
//	@Description	JSON Merge Patch: what is absent stays, null removes, lists are replaced whole, custom is merged key by key.
//	@Tags			dealerships
//	@Accept			application/merge-patch+json
//	@Param			id		path		string			true	"id of the dealership"	format(uuid)
//	@Param			body	body		PatchDealership	true	"what changes"
//	@Success		200		{object}	Dealership
//	@Failure		409		{object}	httpx.Problem	"another dealership has the code or reference"
//	@Security		Bearer
//	@Router			/dealerships/{id} [patch]
func (h handler) patchDealership(c echo.Context) error {
	in, err := httpx.BindPatch[PatchDealership](c)
	if err != nil {
		return err
	}
	return httpx.OnOne(c, h.units, func(ctx context.Context, actor auth.Actor, id kernel.DealershipID, ifMatch *int64) (httpx.Reply, error) {
		d, err := h.core.UpdateDealership(ctx, actor, id, ifMatch, in.apply)
		return dealershipReply(d), err
	})
}

// deleteDealership hides a dealership.
//
//	@ID				deleteDealership
//	@Summary		Delete a dealership
//	@Description	The dealership leaves lists and takes no leads any more. Its codes and references are free for another one. What it has
//	@Description	stays, and it can be restored.
//	@Tags			dealerships
//	@Param			id	path	string	true	"id of the dealership"	format(uuid)
//	@Success		204
//	@Security		Bearer
//	@Router			/dealerships/{id} [delete]
func (h handler) deleteDealership(c echo.Context) error {
	return httpx.OnOne(c, h.units, func(ctx context.Context, actor auth.Actor, id kernel.DealershipID, ifMatch *int64) (httpx.Reply, error) {
		return httpx.Reply{}, h.core.DeleteDealership(ctx, actor, id, ifMatch)
	})
}

// restoreDealership brings a deleted dealership back.
//
//	@ID				restoreDealership
//	@Summary		Restore a dealership
//	@Description	Undoes a delete. A dealership that is not deleted stays as it is.
//	@Tags			dealerships
//	@Param			id	path		string	true	"id of the dealership"	format(uuid)
//	@Success		200	{object}	Dealership
//	@Failure		409	{object}	httpx.Problem	"another dealership has one of its codes by now"
//	@Security		Bearer
//	@Router			/dealerships/{id}/restore [post]
func (h handler) restoreDealership(c echo.Context) error {
	id, err := httpx.PathID[kernel.DealershipID](c, "id")
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		d, err := h.core.RestoreDealership(ctx, actor, id)
		return dealershipReply(d), err
	})
}
