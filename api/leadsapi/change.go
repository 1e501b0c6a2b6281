package leadsapi

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/leads"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// get reads one lead.
//
//	@ID				getLead
//	@Summary		Read a lead
//	@Description	As JSON, or as ADF 1.0 with `Accept: application/x-adf+xml`.
//	@Tags			leads
//	@Produce		json,application/x-adf+xml
//	@Param			id		path		string		true	"id of the lead"	format(uuid)
//	@Param			include	query		[]string	false	"embed"				Enums(contact)	collectionFormat(csv)
//	@Param			fields	query		[]string	false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200		{object}	Lead
//	@Security		Bearer
//	@Router			/leads/{id} [get]
func (h handler) get(c echo.Context) error {
	id, err := httpx.PathID[kernel.LeadID](c, "id")
	if err != nil {
		return err
	}
	q := httpx.NewQuery(c)
	embed := q.Include("contact")
	q.Fields(Lead{})
	if err := q.Err(); err != nil {
		return err
	}
	media, err := httpx.Negotiate(c, echo.MIMEApplicationJSON, mediaADF)
	if err != nil {
		return err
	}
	ctx, actor := c.Request().Context(), httpx.ActorOf(c)
	l, err := h.leads.Find(ctx, actor, id)
	if err != nil {
		return err
	}
	if media == mediaADF {
		return h.sendADF(c, actor, &l)
	}
	out := []Lead{fromDomain(&l)}
	if embed.Has("contact") {
		if err := h.embedContacts(ctx, actor, out); err != nil {
			return err
		}
	}
	return httpx.One(c, q, httpx.Reply{Body: out[0], Version: l.Version})
}

// patch changes a lead.
//
//	@ID				patchLead
//	@Summary		Change a lead
//	@Description	JSON Merge Patch: what is absent stays, also inside of objects, null removes, lists are replaced whole. Status and assignee have paths of their own.
//	@Tags			leads
//	@Accept			application/merge-patch+json
//	@Param			id		path		string		true	"id of the lead"	format(uuid)
//	@Param			body	body		PatchLead	true	"what changes"
//	@Success		200		{object}	Lead
//	@Failure		409		{object}	httpx.Problem	"another lead has the reference"
//	@Security		Bearer
//	@Router			/leads/{id} [patch]
func (h handler) patch(c echo.Context) error {
	in, err := httpx.BindPatch[PatchLead](c)
	if err != nil {
		return err
	}
	if err := in.check(); err != nil {
		return err
	}
	return h.change(c, func(ctx context.Context, actor auth.Actor, id kernel.LeadID, ifVersion *int64) (leads.Lead, error) {
		return h.leads.Update(ctx, actor, id, ifVersion, in.apply)
	})
}

// change is what every change of one lead has in common.
func (h handler) change(c echo.Context, do edit) error { return h.changeIf(c, httpx.IfMatch, do) }

// edit is one change of a lead.
type edit func(ctx context.Context, actor auth.Actor, id kernel.LeadID, ifVersion *int64) (leads.Lead, error)

func (h handler) changeIf(c echo.Context, ifMatch func(echo.Context) (*int64, error), do edit) error {
	id, err := httpx.PathID[kernel.LeadID](c, "id")
	if err != nil {
		return err
	}
	ifVersion, err := ifMatch(c)
	if err != nil {
		return err
	}
	actor, err := h.leads.In(c.Request().Context(), httpx.ActorOf(c), id)
	if err != nil {
		return err
	}
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		l, err := do(ctx, actor, id, ifVersion)
		return httpx.Reply{Body: fromDomain(&l), Version: l.Version}, err
	})
}

// delete hides a lead.
//
//	@ID				deleteLead
//	@Summary		Delete a lead
//	@Description	The lead leaves lists and can be restored. Its external references stay its own, so that a late retry makes no second lead.
//	@Tags			leads
//	@Param			id	path	string	true	"id of the lead"	format(uuid)
//	@Success		204
//	@Security		Bearer
//	@Router			/leads/{id} [delete]
func (h handler) delete(c echo.Context) error {
	id, err := httpx.PathID[kernel.LeadID](c, "id")
	if err != nil {
		return err
	}
	ifVersion, err := httpx.IfMatch(c)
	if err != nil {
		return err
	}
	actor, err := h.leads.In(c.Request().Context(), httpx.ActorOf(c), id)
	if err != nil {
		return err
	}
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		return httpx.Reply{Status: http.StatusNoContent}, h.leads.Delete(ctx, actor, id, ifVersion)
	})
}

// restore brings a lead back.
//
//	@ID				restoreLead
//	@Summary		Restore a deleted lead
//	@Description	Brings the lead back as it was. A lead that is not deleted stays as it is.
//	@Tags			leads
//	@Param			id	path		string	true	"id of the lead"	format(uuid)
//	@Success		200	{object}	Lead
//	@Security		Bearer
//	@Router			/leads/{id}/restore [post]
func (h handler) restore(c echo.Context) error {
	return h.changeIf(c, httpx.IfMatchSent, h.leads.Restore)
}

// MoveLead is a change of status.
type MoveLead struct {
	Status         leads.Status `json:"status" validate:"required,oneof=assigned contact_attempted in_contact appointment_set visited offer postponed won lost invalid" example:"lost"`
	Reason         string       `json:"reason,omitempty" validate:"max=200" example:"bought_other_brand"` // a code for lost and invalid, free text else
	Note           string       `json:"note,omitempty" validate:"max=2000" example:"Bought a Clio last week."`
	PostponedUntil *time.Time   `json:"postponed_until,omitempty"`                                   // for postponed: when it returns by itself
	VIN            string       `json:"vin,omitempty" validate:"max=40" example:"VF3VBBHXHGZ041335"` // for won: this or order_number
	OrderNumber    string       `json:"order_number,omitempty" validate:"max=100" example:"BC-2026-118"`
	SoldAt         *time.Time   `json:"sold_at,omitempty"` // for won
} //	@name	MoveLead

// move changes the status.
//
//	@ID				moveLead
//	@Summary		Change a lead's status
//	@Description	Open states move forward and back, but never back to new; won needs a VIN or order number and a date, lost and invalid a
//	@Description	reason code, postponed a date to come. A closed lead reopens to in_contact. Every move is in the history.
//	@Tags			leads
//	@Accept			json
//	@Param			id		path		string		true	"id of the lead"	format(uuid)
//	@Param			body	body		MoveLead	true	"where to, and why"
//	@Success		200		{object}	Lead
//	@Failure		409		{object}	httpx.Problem	"a move outside the table"
//	@Security		Bearer
//	@Router			/leads/{id}/status [post]
func (h handler) move(c echo.Context) error {
	in, err := httpx.Bind[MoveLead](c)
	if err != nil {
		return err
	}
	m := leads.Move{
		To: in.Status, Reason: in.Reason, Note: in.Note, PostponedUntil: in.PostponedUntil,
		Sale: leads.Sale{VIN: in.VIN, OrderNumber: in.OrderNumber, SoldAt: in.SoldAt},
	}
	return h.change(c, func(ctx context.Context, actor auth.Actor, id kernel.LeadID, ifVersion *int64) (leads.Lead, error) {
		return h.leads.Move(ctx, actor, id, ifVersion, m)
	})
}

// AssignLead gives a lead to a user.
type AssignLead struct {
	AssigneeID *kernel.UserID `json:"assignee_id"` // null takes the lead from whoever has it
	Reason     string         `json:"reason,omitempty" validate:"max=200" example:"speaks Italian"`
} //	@name	AssignLead

// assign gives the lead to a user.
//
//	@ID				assignLead
//	@Summary		Assign a lead
//	@Description	Gives the lead to a user who may take leads of its dealership, or to nobody. A new lead becomes assigned.
//	@Tags			leads
//	@Accept			json
//	@Param			id		path		string		true	"id of the lead"	format(uuid)
//	@Param			body	body		AssignLead	true	"to whom, and why"
//	@Success		200		{object}	Lead
//	@Security		Bearer
//	@Router			/leads/{id}/assign [post]
func (h handler) assign(c echo.Context) error {
	in, err := httpx.Bind[AssignLead](c)
	if err != nil {
		return err
	}
	return h.change(c, func(ctx context.Context, actor auth.Actor, id kernel.LeadID, ifVersion *int64) (leads.Lead, error) {
		return h.leads.Assign(ctx, actor, id, ifVersion, value(in.AssigneeID), in.Reason)
	})
}

// viewed notes that somebody opened the lead.
//
//	@ID				markLeadViewed
//	@Summary		Note that a lead was opened
//	@Description	Sets viewed_at the first time; afterwards nothing changes.
//	@Tags			leads
//	@Param			id	path		string	true	"id of the lead"	format(uuid)
//	@Success		200	{object}	Lead
//	@Security		Bearer
//	@Router			/leads/{id}/viewed [post]
func (h handler) viewed(c echo.Context) error {
	return h.change(c, h.leads.MarkViewed)
}

// changes steps through changed leads.
//
//	@ID				listLeadChanges
//	@Summary		Follow changed leads
//	@Description	Without a cursor it begins with every lead as it is now; afterwards it gives what changed, deleted leads too. Come back with
//	@Description	next_cursor; has_more tells whether there is more at once. 410 means: begin again without a cursor.
//	@Tags			leads
//	@Success		200	{object}	httpx.ChangesOf[Lead]
//	@Failure		410	{object}	httpx.Problem	"the cursor's history is gone"
//	@Security		Bearer
//	@Router			/leads/changes [get]
func (h handler) changes(c echo.Context) error {
	q := httpx.NewQuery(c)
	cursor, limit := q.Changes()
	if err := q.Err(); err != nil {
		return err
	}
	got, err := h.leads.Changes(c.Request().Context(), httpx.ActorOf(c), cursor, limit)
	if err != nil {
		return err
	}
	return httpx.Changes(c, q, mapChanges(got, fromDomain))
}

// LeadEvent is one line of a lead's history.
type LeadEvent struct {
	ID             uuid.UUID       `json:"id"`
	At             time.Time       `json:"at"`
	Kind           leads.EntryKind `json:"kind" example:"status"`
	FromStatus     *leads.Status   `json:"from_status" example:"offer"`
	ToStatus       *leads.Status   `json:"to_status" example:"lost"`
	FromAssigneeID *kernel.UserID  `json:"from_assignee_id"`
	ToAssigneeID   *kernel.UserID  `json:"to_assignee_id"`
	Reason         *string         `json:"reason" example:"price"`
	Note           *string         `json:"note"`
	Actor          LeadActor       `json:"actor"`
} //	@name	LeadEvent

// LeadActor is who did it.
type LeadActor struct {
	Type auth.ActorKind `json:"type" example:"user"`
	ID   *uuid.UUID     `json:"id"` // null for the system
	Name string         `json:"name" example:"Camille Roux"`
} //	@name	LeadActor

// history lists what happened to a lead.
//
//	@ID				listLeadHistory
//	@Summary		Read a lead's history
//	@Description	Every move, assignment and touch with who, when and why, newest first.
//	@Tags			leads
//	@Param			id		path		string	true	"id of the lead"	format(uuid)
//	@Param			sort	query		string	false	"order"				Enums(at,-at)
//	@Success		200		{object}	httpx.ListOf[LeadEvent]
//	@Security		Bearer
//	@Router			/leads/{id}/history [get]
func (h handler) history(c echo.Context) error {
	id, err := httpx.PathID[kernel.LeadID](c, "id")
	if err != nil {
		return err
	}
	q := httpx.NewQuery(c)
	p := q.Page("-at", "at")
	if err := q.Err(); err != nil {
		return err
	}
	got, err := h.leads.History(c.Request().Context(), httpx.ActorOf(c), id, p)
	if err != nil {
		return err
	}
	return httpx.List(c, q, page.Map(got, eventOf))
}

func eventOf(e leads.Entry) LeadEvent {
	out := LeadEvent{
		ID: e.ID, At: e.At, Kind: e.Kind, FromAssigneeID: orNull(e.FromAssignee), ToAssigneeID: orNull(e.ToAssignee),
		Reason: textOrNull(e.Reason), Note: textOrNull(e.Note), Actor: LeadActor{Type: e.ActorKind, Name: e.ActorName},
	}
	if e.FromStatus != "" {
		out.FromStatus = &e.FromStatus
	}
	if e.ToStatus != "" {
		out.ToStatus = &e.ToStatus
	}
	if e.ActorID != uuid.Nil {
		out.Actor.ID = &e.ActorID
	}
	return out
}
