// Package contactsapi is the HTTP face of contacts: routes, wire types and what turns one into the other. The rules are in
// internal/contacts.
package contactsapi

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/contacts"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

type handler struct {
	contacts *contacts.Service
	units    httpx.Units
}

// Routes registers the paths of contacts.
func Routes(g *echo.Group, svc *contacts.Service, u httpx.Units) {
	h := handler{contacts: svc, units: u}
	g.POST("/contacts", h.create)
	g.GET("/contacts", h.list)
	g.GET("/contacts/changes", h.changes)
	g.POST("/contacts/batch", h.batch)
	g.PUT("/contacts/by-ref/:source/:external_id", h.upsert)
	g.GET("/contacts/:id", h.get)
	g.PATCH("/contacts/:id", h.patch)
	g.DELETE("/contacts/:id", h.delete)
	g.POST("/contacts/:id/restore", h.restore)
}

// create makes a contact.
//
//	@ID				createContact
//	@Summary		Create a contact
//	@Description	Makes a new contact, also when one with the same e-mail address or number is there. Enquiries recognise people by themselves.
//	@Tags			contacts
//	@Accept			json
//	@Param			body	body		CreateContact	true	"the contact"
//	@Success		201		{object}	Contact
//	@Failure		409		{object}	httpx.Problem	"another contact has the reference"
//	@Security		Bearer
//	@Router			/contacts [post]
func (h handler) create(c echo.Context) error {
	in, err := httpx.Bind[CreateContact](c)
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		return h.made(ctx, actor, in)
	})
}

func (h handler) made(ctx context.Context, actor auth.Actor, in CreateContact) (httpx.Reply, error) {
	contact, err := h.contacts.Create(ctx, actor, in.toDomain())
	return created(contact), err
}

func created(c contacts.Contact) httpx.Reply {
	r := changed(c)
	r.Status, r.Location = http.StatusCreated, "/v1/contacts/"+c.ID.String()
	return r
}

func changed(c contacts.Contact) httpx.Reply {
	return httpx.Reply{Body: FromDomain(c), Version: c.Version}
}

// batch makes up to 500 contacts.
//
//	@ID				createContacts
//	@Summary		Create many contacts
//	@Description	Each item is a contact of its own, as for createContact, in a transaction of its own. Answers 207 with a result for each in order.
//	@Description	Each item counts as a request against the credential's quota; a batch that does not fit is refused as a whole.
//	@Tags			contacts
//	@Accept			json
//	@Param			body	body		ContactBatch	true	"up to 500 contacts"
//	@Success		207		{object}	httpx.BatchOf[Contact]
//	@Security		Bearer
//	@Router			/contacts/batch [post]
func (h handler) batch(c echo.Context) error {
	actor := httpx.ActorOf(c)
	return httpx.Batch(c, h.units, actor.Account, func(ctx context.Context, in CreateContact) (httpx.Reply, error) {
		return h.made(ctx, actor, in)
	})
}

// upsert makes or changes the contact that has another system's id.
//
//	@ID				putContactByRef
//	@Summary		Create or change a contact by your own id
//	@Description	The first time it makes a contact with this reference; afterwards it changes that contact. What the body leaves out
//	@Description	stays as it is, null removes. A deleted contact is restored. `If-None-Match: *` creates only.
//	@Tags			contacts
//	@Accept			json
//	@Param			source		path		string			true	"the system that gave the id"
//	@Param			external_id	path		string			true	"the id in that system"
//	@Param			body		body		PatchContact	true	"what is known"
//	@Success		201			{object}	Contact
//	@Success		200			{object}	Contact
//	@Failure		409			{object}	httpx.Problem	"another contact has one of the references in the body"
//	@Security		Bearer
//	@Router			/contacts/by-ref/{source}/{external_id} [put]
func (h handler) upsert(c echo.Context) error {
	ref, err := httpx.PathRef(c)
	if err != nil {
		return err
	}
	in, err := httpx.BindPatch[PatchContact](c)
	if err != nil {
		return err
	}
	cond, err := httpx.Precondition(c)
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		contact, isNew, err := h.contacts.Upsert(ctx, actor, ref, cond, in.toDomain())
		if isNew {
			return created(contact), err
		}
		return changed(contact), err
	})
}

// list pages through contacts.
//
//	@ID				listContacts
//	@Summary		List contacts
//	@Description	The account's contacts, newest first.
//	@Tags			contacts
//	@Param			q				query		string			false	"words and digits, or parts of them, that all occur in names, company, e-mail addresses, phone numbers or tags; one or two characters are found where words begin"
//	@Param			email			query		string			false	"has this e-mail address, in whatever case"
//	@Param			phone			query		string			false	"has this number; without country code it is one of the account's country"
//	@Param			owner_id		query		string			false	"looked after by this user"	format(uuid)
//	@Param			kind			query		contacts.Kind	false	"only people, or only companies"
//	@Param			tag				query		string			false	"has this tag, compared without case and accents"
//	@Param			created_at[gte]	query		string			false	"created at or after"	format(date-time)
//	@Param			created_at[gt]	query		string			false	"created after"			format(date-time)
//	@Param			created_at[lte]	query		string			false	"created at or before"	format(date-time)
//	@Param			created_at[lt]	query		string			false	"created before"		format(date-time)
//	@Param			updated_at[gte]	query		string			false	"changed at or after"	format(date-time)
//	@Param			updated_at[gt]	query		string			false	"changed after"			format(date-time)
//	@Param			updated_at[lte]	query		string			false	"changed at or before"	format(date-time)
//	@Param			updated_at[lt]	query		string			false	"changed before"		format(date-time)
//	@Param			updated_since	query		string			false	"changed at or after"	format(date-time)
//	@Param			sort			query		string			false	"order"					Enums(created_at,-created_at,updated_at,-updated_at)
//	@Param			fields			query		[]string		false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200				{object}	httpx.ListOf[Contact]
//	@Security		Bearer
//	@Router			/contacts [get]
func (h handler) list(c echo.Context) error {
	q := httpx.NewQuery(c)
	f := filterOf(q)
	q.Fields(Contact{})
	p := q.Page("-created_at", "created_at", "updated_at")
	if err := q.Err(); err != nil {
		return err
	}
	found, err := h.contacts.List(c.Request().Context(), httpx.ActorOf(c), f, p)
	if err != nil {
		return err
	}
	return httpx.List(c, q, page.Map(found, FromDomain))
}

func filterOf(q *httpx.Query) contacts.Filter {
	const longest = 200
	f := contacts.Filter{
		Query: q.Text("q", longest), Email: q.Text("email", longest), Phone: q.Text("phone", contacts.MaxPhoneRaw),
		OwnerID: value(httpx.QueryID[kernel.UserID](q, "owner_id")), Tag: q.Text("tag", contacts.MaxTag),
		Kind: contacts.Kind(q.Choice("kind", string(contacts.KindPerson), string(contacts.KindCompany))),
	}
	f.CreatedFrom, f.CreatedBefore = q.TimeRange("created_at")
	f.UpdatedFrom, f.UpdatedBefore = q.TimeRange("updated_at")
	if since := q.Time("updated_since"); since != nil && (f.UpdatedFrom == nil || since.After(*f.UpdatedFrom)) {
		f.UpdatedFrom = since
	}
	return f
}

// changes reads what became of contacts since the last time.
//
//	@ID				listContactChanges
//	@Summary		Follow contacts
//	@Description	First every contact as it is now, then each that was changed since, deleted ones with deleted_at. Keep next_cursor and come
//	@Description	back with it: nothing is ever missed. A cursor of another history answers 410 cursor.expired.
//	@Tags			contacts
//	@Success		200	{object}	httpx.ChangesOf[Contact]
//	@Security		Bearer
//	@Router			/contacts/changes [get]
func (h handler) changes(c echo.Context) error {
	q := httpx.NewQuery(c)
	cursor, limit := q.Changes()
	if err := q.Err(); err != nil {
		return err
	}
	got, err := h.contacts.Changes(c.Request().Context(), httpx.ActorOf(c), cursor, limit)
	if err != nil {
		return err
	}
	return httpx.Changes(c, q, outbox.Changes[Contact]{Items: httpx.Mapped(got.Items, FromDomain), Next: got.Next, More: got.More})
}

// get reads a contact.
//
//	@ID				getContact
//	@Summary		Read a contact
//	@Description	A contact of the account. A deleted one is not found; the feed of changes has it.
//	@Tags			contacts
//	@Param			id		path		string		true	"id of the contact"				format(uuid)
//	@Param			fields	query		[]string	false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200		{object}	Contact
//	@Security		Bearer
//	@Router			/contacts/{id} [get]
func (h handler) get(c echo.Context) error {
	id, err := httpx.PathID[kernel.ContactID](c, "id")
	if err != nil {
		return err
	}
	q := httpx.NewQuery(c)
	q.Fields(Contact{})
	if err := q.Err(); err != nil {
		return err
	}
	contact, err := h.contacts.Find(c.Request().Context(), httpx.ActorOf(c), id)
	if err != nil {
		return err
	}
	return httpx.One(c, q, changed(contact))
}

// patch changes a contact.
//
//	@ID				patchContact
//	@Summary		Change a contact
//	@Description	JSON Merge Patch: what is absent stays, null removes, lists are replaced whole, custom is merged key by key.
//	@Tags			contacts
//	@Accept			application/merge-patch+json
//	@Param			id		path		string			true	"id of the contact"	format(uuid)
//	@Param			body	body		PatchContact	true	"what changes"
//	@Success		200		{object}	Contact
//	@Failure		409		{object}	httpx.Problem	"another contact has the reference"
//	@Security		Bearer
//	@Router			/contacts/{id} [patch]
func (h handler) patch(c echo.Context) error {
	id, err := httpx.PathID[kernel.ContactID](c, "id")
	if err != nil {
		return err
	}
	in, err := httpx.BindPatch[PatchContact](c)
	if err != nil {
		return err
	}
	ifVersion, err := httpx.IfMatch(c)
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		contact, err := h.contacts.Update(ctx, actor, id, ifVersion, in.toDomain())
		return changed(contact), err
	})
}

// delete hides a contact.
//
//	@ID				deleteContact
//	@Summary		Delete a contact
//	@Description	The contact leaves lists, search and recognition, and can be restored. Its external references stay its own.
//	@Tags			contacts
//	@Param			id	path	string	true	"id of the contact"	format(uuid)
//	@Success		204
//	@Security		Bearer
//	@Router			/contacts/{id} [delete]
func (h handler) delete(c echo.Context) error {
	id, err := httpx.PathID[kernel.ContactID](c, "id")
	if err != nil {
		return err
	}
	ifVersion, err := httpx.IfMatch(c)
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		return httpx.Reply{}, h.contacts.Delete(ctx, actor, id, ifVersion)
	})
}

// restore brings a deleted contact back.
//
//	@ID				restoreContact
//	@Summary		Restore a contact
//	@Description	Undoes a delete. A contact that is not deleted stays as it is.
//	@Tags			contacts
//	@Param			id	path		string	true	"id of the contact"	format(uuid)
//	@Success		200	{object}	Contact
//	@Security		Bearer
//	@Router			/contacts/{id}/restore [post]
func (h handler) restore(c echo.Context) error {
	id, err := httpx.PathID[kernel.ContactID](c, "id")
	if err != nil {
		return err
	}
	ifVersion, err := httpx.IfMatchSent(c)
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		contact, err := h.contacts.Restore(ctx, actor, id, ifVersion)
		return changed(contact), err
	})
}
