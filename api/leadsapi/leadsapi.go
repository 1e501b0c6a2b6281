// Package leadsapi is the HTTP face of leads and of their inbox: routes, wire types and what turns one into the other.
// The rules are in internal/leads.
package leadsapi

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api/contactsapi"
	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/contacts"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/leads"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/fold"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

type handler struct {
	leads    *leads.Service
	contacts *contacts.Service
	units    httpx.Units
}

// Routes registers the paths of leads and of the inbox.
func Routes(g *echo.Group, svc *leads.Service, people *contacts.Service, u httpx.Units) {
	h := handler{leads: svc, contacts: people, units: u}
	g.POST("/leads", h.create)
	g.GET("/leads", h.list)
	g.GET("/leads/changes", h.changes)
	g.POST("/leads/batch", h.batch)
	g.POST("/leads/adf", h.receiveADF, httpx.Documents)
	g.POST("/leads/adf/validate", h.validateADF, httpx.Documents)
	g.PUT("/leads/by-ref/:source/:external_id", h.upsert)
	g.GET("/leads/:id", h.get)
	g.PATCH("/leads/:id", h.patch)
	g.DELETE("/leads/:id", h.delete)
	g.POST("/leads/:id/restore", h.restore)
	g.POST("/leads/:id/status", h.move)
	g.POST("/leads/:id/assign", h.assign)
	g.POST("/leads/:id/viewed", h.viewed)
	g.GET("/leads/:id/history", h.history)
	h.inboxRoutes(g)
}

// create takes an enquiry in.
//
//	@ID				createLead
//	@Summary		Send an enquiry
//	@Description	Finds or makes the contact, decides whether the enquiry is new, and answers with the lead and the rule that decided.
//	@Description	201 is a new lead; 200 means that the enquiry joined, updated or repeated an earlier one, which is in the answer.
//	@Tags			leads
//	@Accept			json
//	@Param			dealership_id	query		string		false	"the dealership, when the body does not say"	format(uuid)
//	@Param			dealer_code		query		string		false	"the same by dealer code"
//	@Param			body			body		CreateLead	true	"the enquiry"
//	@Success		201				{object}	Lead
//	@Success		200				{object}	Lead	"the enquiry belongs to a lead that was there"
//	@Security		Bearer
//	@Router			/leads [post]
func (h handler) create(c echo.Context) error {
	in, err := bindCreate(c)
	if err != nil {
		return err
	}
	actor, at, err := h.leads.Target(c.Request().Context(), httpx.ActorOf(c), in.destination())
	if err != nil {
		return err
	}
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		return h.takeIn(ctx, actor, at, in)
	})
}

// bindCreate reads an enquiry. Where it goes may be said in the query too, for senders whose body is made elsewhere; the
// body wins.
func bindCreate(c echo.Context) (CreateLead, error) {
	q := httpx.NewQuery(c)
	dealership, code := httpx.QueryID[kernel.DealershipID](q, "dealership_id"), q.Text("dealer_code", 100)
	if err := q.Err(); err != nil {
		return CreateLead{}, err
	}
	in, err := httpx.Bind[CreateLead](c)
	if err == nil && in.DealershipID == nil && in.DealerCode == "" {
		in.DealershipID, in.DealerCode = dealership, code
	}
	return in, err
}

func (h handler) takeIn(ctx context.Context, actor auth.Actor, at kernel.DealershipID, in CreateLead) (httpx.Reply, error) {
	got, err := h.leads.Create(ctx, actor, in.toDomain(at))
	if err != nil {
		return httpx.Reply{}, err
	}
	return replyTo(actor, got), nil
}

// replyTo answers an enquiry, however it was sent.
func replyTo(actor auth.Actor, got leads.Intake) httpx.Reply {
	if actor.Kind == auth.KindSiteKey {
		return httpx.Reply{Status: http.StatusCreated, Body: receipt(got), Version: 1} // as if every enquiry were new
	}
	r := httpx.Reply{Status: http.StatusOK, Body: shown(got), Version: got.Lead.Version}
	if got.Outcome == leads.OutcomeCreated {
		r.Status, r.Location = http.StatusCreated, "/v1/leads/"+got.Lead.ID.String()
	}
	return r
}

// batch takes up to 500 enquiries in.
//
//	@ID				createLeads
//	@Summary		Send many enquiries
//	@Description	Each item is an enquiry of its own, as for createLead, in a transaction of its own. Answers 207 with a result for each in order.
//	@Description	Each item counts as a request against the credential's quota; a batch that does not fit is refused as a whole.
//	@Tags			leads
//	@Accept			json
//	@Param			body	body		LeadBatchRequest	true	"up to 500 enquiries"
//	@Success		207		{object}	httpx.BatchOf[Lead]
//	@Security		Bearer
//	@Router			/leads/batch [post]
func (h handler) batch(c echo.Context) error {
	caller := httpx.ActorOf(c)
	return httpx.BatchOver(c, h.units, func(ctx context.Context, in CreateLead) (httpx.Unit, error) {
		actor, at, err := h.leads.Target(ctx, caller, in.destination())
		return httpx.Unit{Account: actor.Account, Work: func(ctx context.Context) (httpx.Reply, error) {
			return h.takeIn(ctx, actor, at, in)
		}}, err
	})
}

// LeadBatchRequest is many enquiries at once.
type LeadBatchRequest struct {
	Items []CreateLead `json:"items" validate:"required"` // 1 to 500
} //	@name	LeadBatchRequest

// upsert creates or changes the lead that has the sender's id.
//
//	@ID				putLeadByRef
//	@Summary		Send an enquiry under your own id
//	@Description	The first time it makes a lead; afterwards it updates that lead with what you send. Sending the same again changes nothing.
//	@Tags			leads
//	@Accept			json
//	@Param			source		path		string		true	"the system that gave the id"
//	@Param			external_id	path		string		true	"the id in that system"
//	@Param			dealership_id	query		string		false	"the dealership, when the body does not say"	format(uuid)
//	@Param			dealer_code		query		string		false	"the same by dealer code"
//	@Param			body		body		CreateLead	true	"the enquiry"
//	@Success		201			{object}	Lead
//	@Success		200			{object}	Lead
//	@Security		Bearer
//	@Router			/leads/by-ref/{source}/{external_id} [put]
func (h handler) upsert(c echo.Context) error {
	ref, err := httpx.PathRef(c)
	if err != nil {
		return err
	}
	in, err := bindCreate(c)
	if err != nil {
		return err
	}
	cond, err := httpx.Precondition(c)
	if err != nil {
		return err
	}
	actor, at, err := h.leads.Target(c.Request().Context(), httpx.ActorOf(c), in.destination())
	if err != nil {
		return err
	}
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		got, err := h.leads.Upsert(ctx, actor, ref, in.toDomain(at), cond)
		if err != nil {
			return httpx.Reply{}, err
		}
		return replyTo(actor, got), nil
	})
}

// list pages through leads.
//
//	@ID				listLeads
//	@Summary		List leads
//	@Description	The leads the caller may see, newest first. A partner sees those it sent, and filters by status, dealership and time.
//	@Tags			leads
//	@Param			status			query		[]leads.Status	false	"only these statuses"											collectionFormat(csv)
//	@Param			dealership_id	query		[]string		false	"only these dealerships"										collectionFormat(csv)
//	@Param			assignee_id		query		[]string		false	"only leads of these users; none stands for leads of nobody"	collectionFormat(csv)
//	@Param			contact_id		query		string			false	"only leads of this contact"									format(uuid)
//	@Param			source			query		[]string		false	"only from these sources"										collectionFormat(csv)
//	@Param			type			query		[]leads.Type	false	"only of these types"											collectionFormat(csv)
//	@Param			channel			query		[]leads.Channel	false	"only by these channels"										collectionFormat(csv)
//	@Param			test			query		boolean			false	"only test leads, or none"
//	@Param			created_at[gte]	query		string			false	"created at or after"	format(date-time)
//	@Param			created_at[gt]	query		string			false	"created after"			format(date-time)
//	@Param			created_at[lte]	query		string			false	"created at or before"	format(date-time)
//	@Param			created_at[lt]	query		string			false	"created before"		format(date-time)
//	@Param			updated_at[gte]	query		string			false	"changed at or after"	format(date-time)
//	@Param			updated_at[gt]	query		string			false	"changed after"			format(date-time)
//	@Param			updated_at[lte]	query		string			false	"changed at or before"	format(date-time)
//	@Param			updated_at[lt]	query		string			false	"changed before"		format(date-time)
//	@Param			updated_since	query		string			false	"changed at or after"	format(date-time)
//	@Param			q				query		string			false	"words and digits, or parts of them: name, e-mail, phone, vehicle, VIN, reference; one or two characters are found where words begin"
//	@Param			sort			query		string			false	"order; with q only by created_at"	Enums(created_at,-created_at,updated_at,-updated_at)
//	@Param			include			query		[]string		false	"embed"								Enums(contact)	collectionFormat(csv)
//	@Param			fields			query		[]string		false	"only these fields; id always"		collectionFormat(csv)
//	@Success		200				{object}	httpx.ListOf[Lead]
//	@Security		Bearer
//	@Router			/leads [get]
func (h handler) list(c echo.Context) error {
	q := httpx.NewQuery(c)
	f, embed := filterOf(q), q.Include("contact")
	q.Fields(Lead{})
	p := q.Page("-created_at", "created_at", "updated_at")
	q.Refuse(len(f.Terms) > 0 && p.Sort.Field != "created_at", "sort", "With q the order is by created_at.")
	if err := q.Err(); err != nil {
		return err
	}
	ctx, actor := c.Request().Context(), httpx.ActorOf(c)
	found, err := h.leads.List(ctx, actor, f, p)
	if err != nil {
		return err
	}
	out := page.Of[Lead]{Items: make([]Lead, len(found.Items)), Next: found.Next, Total: found.Total}
	for i := range found.Items {
		out.Items[i] = fromDomain(&found.Items[i])
	}
	if embed.Has("contact") {
		if err := h.embedContacts(ctx, actor, out.Items); err != nil {
			return err
		}
	}
	return httpx.List(c, q, out)
}

func filterOf(q *httpx.Query) leads.Filter {
	f := leads.Filter{
		Statuses: enum(q, "status", leads.Statuses()), Types: enum(q, "type", leads.Types()), Channels: enum(q, "channel", leads.Channels()),
		Dealerships: httpx.QueryIDs[kernel.DealershipID](q, "dealership_id"), Contact: httpx.QueryID[kernel.ContactID](q, "contact_id"),
		Sources: q.Strings("source"), Test: q.Bool("test"),
	}
	f.Assignees, f.Unassigned = httpx.QueryIDsOrNone[kernel.UserID](q, "assignee_id")
	f.CreatedFrom, f.CreatedBefore = q.TimeRange("created_at")
	f.UpdatedFrom, f.UpdatedBefore = q.TimeRange("updated_at")
	if since := q.Time("updated_since"); since != nil && (f.UpdatedFrom == nil || since.After(*f.UpdatedFrom)) {
		f.UpdatedFrom = since
	}
	if text := q.Text("q", 200); text != "" {
		f.Terms = fold.Terms(text)
		q.Refuse(len(f.Terms) == 0, "q", "Give at least one letter or digit to look for.")
		q.Refuse(f.Unassigned && len(f.Assignees) > 1, "assignee_id", "With q give users, or none with at most one user.")
	}
	return f
}

func enum[S ~string](q *httpx.Query, name string, allowed []S) []S {
	names := make([]string, len(allowed))
	for i, a := range allowed {
		names[i] = string(a)
	}
	given := q.Enum(name, names...)
	if given == nil {
		return nil
	}
	out := make([]S, len(given))
	for i, g := range given {
		out[i] = S(g)
	}
	return out
}

// embedContacts puts their contact on the leads. It needs contacts:read, whether or not there is a lead to put one on.
func (h handler) embedContacts(ctx context.Context, actor auth.Actor, items []Lead) error {
	ids := make([]kernel.ContactID, 0, len(items))
	for _, l := range items {
		if l.ContactID != nil {
			ids = append(ids, *l.ContactID)
		}
	}
	found, err := h.contacts.FindMany(ctx, actor, ids...)
	if err != nil {
		return err
	}
	for i := range items {
		if c, ok := found[value(items[i].ContactID)]; ok {
			wire := contactsapi.FromDomain(c)
			items[i].Contact = &wire
		}
	}
	return nil
}
