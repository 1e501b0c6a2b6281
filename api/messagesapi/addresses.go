package messagesapi

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/messages"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/merge"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// MailAddress is where mail comes in for the account.
type MailAddress struct {
	ID           kernel.MailAddressID `json:"id"`
	Version      int64                `json:"version" example:"1"`
	Address      string               `json:"address" format:"email" example:"garage-dupont-k3vq7p2a@in.crm.example"` // never changes, and is never given to somebody else
	Purpose      messages.Purpose     `json:"purpose" example:"intake"`
	DealershipID *kernel.DealershipID `json:"dealership_id"`           // null: each message must tell
	Source       *string              `json:"source" example:"portal"` // whom leads that come in here are credited to
	Acknowledge  bool                 `json:"acknowledge"`             // whoever writes is told that it has come, once a day at most
	CreatedAt    time.Time            `json:"created_at"`
	UpdatedAt    time.Time            `json:"updated_at"`
	DeletedAt    *time.Time           `json:"deleted_at"`
} //	@name	MailAddress

// CreateMailAddress is what makes an address.
type CreateMailAddress struct {
	Label        string               `json:"label,omitempty" validate:"max=100" example:"Garage Dupont"` // what the address begins with
	DealershipID *kernel.DealershipID `json:"dealership_id,omitempty"`
	Source       string               `json:"source,omitempty" validate:"max=200" example:"portal"`
	Acknowledge  bool                 `json:"acknowledge,omitempty"`
} //	@name	CreateMailAddress

// PatchMailAddress changes an address's use.
type PatchMailAddress struct {
	DealershipID merge.Field[kernel.DealershipID] `json:"dealership_id"`
	Source       merge.Field[string]              `json:"source" validate:"max=200" example:"portal"`
	Acknowledge  merge.Field[bool]                `json:"acknowledge" extensions:"!x-nullable"`
} //	@name	PatchMailAddress

func fromAddress(a messages.Address) MailAddress {
	return MailAddress{
		ID: a.ID, Version: a.Version, Address: a.Address, Purpose: a.Purpose, DealershipID: a.Dealership, Source: orNull(a.Source), Acknowledge: a.Acknowledge,
		CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt, DeletedAt: a.DeletedAt,
	}
}

func addressReply(a messages.Address) httpx.Reply {
	return httpx.Reply{Body: fromAddress(a), Version: a.Version}
}

// createAddress makes an address.
//
//	@ID				createMailAddress
//	@Summary		Make an address for incoming mail
//	@Description	The address begins with the label, so that people recognise it, and goes on with letters that nobody can guess.
//	@Tags			messages
//	@Accept			json
//	@Param			body	body		CreateMailAddress	true	"the address"
//	@Success		201		{object}	MailAddress
//	@Failure		409		{object}	httpx.Problem	"this installation receives no mail"
//	@Security		Bearer
//	@Router			/mail-addresses [post]
func (h handler) createAddress(c echo.Context) error {
	in, err := httpx.Bind[CreateMailAddress](c)
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	d := messages.AddressDetails{Dealership: in.DealershipID, Source: in.Source, Acknowledge: in.Acknowledge}
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		a, err := h.messages.CreateAddress(ctx, actor, in.Label, d)
		r := addressReply(a)
		r.Status, r.Location = http.StatusCreated, "/v1/mail-addresses/"+a.ID.String()
		return r, err
	})
}

// listAddresses pages through addresses.
//
//	@ID				listMailAddresses
//	@Summary		List addresses for incoming mail
//	@Description	The account's addresses, newest first. Those that answers and delivery reports come to are made with each mail and not listed.
//	@Tags			messages
//	@Param			dealership_id	query		string		false	"only of this dealership"		format(uuid)
//	@Param			sort			query		string		false	"order"							Enums(created_at,-created_at,updated_at,-updated_at)
//	@Param			fields			query		[]string	false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200				{object}	httpx.ListOf[MailAddress]
//	@Security		Bearer
//	@Router			/mail-addresses [get]
func (h handler) listAddresses(c echo.Context) error {
	q := httpx.NewQuery(c)
	f := messages.AddressFilter{Dealership: httpx.QueryID[kernel.DealershipID](q, "dealership_id")}
	q.Fields(MailAddress{})
	p := q.Page("-created_at", "created_at", "updated_at")
	if err := q.Err(); err != nil {
		return err
	}
	found, err := h.messages.ListAddresses(c.Request().Context(), httpx.ActorOf(c), f, p)
	if err != nil {
		return err
	}
	return httpx.List(c, q, page.Map(found, fromAddress))
}

// addressChanges reads what became of addresses since the last time.
//
//	@ID				listMailAddressChanges
//	@Summary		Follow addresses for incoming mail
//	@Description	First every address as it is now, then each that was changed since, deleted ones with deleted_at.
//	@Tags			messages
//	@Success		200	{object}	httpx.ChangesOf[MailAddress]
//	@Security		Bearer
//	@Router			/mail-addresses/changes [get]
func (h handler) addressChanges(c echo.Context) error {
	return httpx.Follow(c, h.messages.AddressChanges, fromAddress)
}

// getAddress reads an address.
//
//	@ID				getMailAddress
//	@Summary		Read an address for incoming mail
//	@Description	One of the account's addresses.
//	@Tags			messages
//	@Param			id		path		string		true	"id of the address"				format(uuid)
//	@Param			fields	query		[]string	false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200		{object}	MailAddress
//	@Security		Bearer
//	@Router			/mail-addresses/{id} [get]
func (h handler) getAddress(c echo.Context) error {
	return one(c, MailAddress{}, func(ctx context.Context, actor auth.Actor, id kernel.MailAddressID) (httpx.Reply, error) {
		a, err := h.messages.FindAddress(ctx, actor, id)
		return addressReply(a), err
	})
}

// patchAddress changes an address.
//
//	@ID				patchMailAddress
//	@Summary		Change the use of an address
//	@Description	JSON Merge Patch. The address itself never changes.
//	@Tags			messages
//	@Accept			application/merge-patch+json
//	@Param			id		path		string				true	"id of the address"	format(uuid)
//	@Param			body	body		PatchMailAddress	true	"what changes"
//	@Success		200		{object}	MailAddress
//	@Security		Bearer
//	@Router			/mail-addresses/{id} [patch]
func (h handler) patchAddress(c echo.Context) error {
	in, err := httpx.BindPatch[PatchMailAddress](c)
	if err != nil {
		return err
	}
	return httpx.OnOne(c, h.units, func(ctx context.Context, actor auth.Actor, id kernel.MailAddressID, ifMatch *int64) (httpx.Reply, error) {
		a, err := h.messages.UpdateAddress(ctx, actor, id, ifMatch, func(d *messages.AddressDetails) {
			in.DealershipID.ApplyPtr(&d.Dealership)
			in.Source.Apply(&d.Source)
			in.Acknowledge.Apply(&d.Acknowledge)
		})
		return addressReply(a), err
	})
}

// deleteAddress ends an address.
//
//	@ID				deleteMailAddress
//	@Summary		End an address for incoming mail
//	@Description	Mail to it is refused from now on. What has come in stays.
//	@Tags			messages
//	@Param			id	path	string	true	"id of the address"	format(uuid)
//	@Success		204
//	@Security		Bearer
//	@Router			/mail-addresses/{id} [delete]
func (h handler) deleteAddress(c echo.Context) error {
	return httpx.OnOne(c, h.units, func(ctx context.Context, actor auth.Actor, id kernel.MailAddressID, ifMatch *int64) (httpx.Reply, error) {
		return httpx.Reply{}, h.messages.DeleteAddress(ctx, actor, id, ifMatch)
	})
}
