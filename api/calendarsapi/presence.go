package calendarsapi

import (
	"context"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/calendars"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
)

func showPresence(p calendars.Presence) httpx.Reply {
	return httpx.Reply{Body: fromPresence(p), Version: p.Version}
}

// listPresences pages through what people say of themselves.
//
//	@ID				listPresences
//	@Summary		List who is in or away
//	@Description	What users say of themselves, newest first; what has expired is still there, with its until.
//	@Tags			calendars
//	@Param			state	query		string		false	"that say this"	Enums(in,away)
//	@Param			sort	query		string		false	"order"			Enums(created_at,-created_at)
//	@Param			fields	query		[]string	false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200		{object}	httpx.ListOf[Presence]
//	@Security		Bearer
//	@Router			/presence [get]
func (h handler) listPresences(c echo.Context) error {
	q := httpx.NewQuery(c)
	f := calendars.Filter{State: q.Choice("state", calendars.PresenceStates()...)}
	return list(c, q, Presence{}, f, h.calendars.Presences.List, fromPresence)
}

// presenceChanges reads what people have said since the last time.
//
//	@ID				listPresenceChanges
//	@Summary		Follow who is in or away
//	@Description	First all as they are now, then each that was changed since, deleted ones with deleted_at. That one expires is no change.
//	@Tags			calendars
//	@Success		200	{object}	httpx.ChangesOf[Presence]
//	@Security		Bearer
//	@Router			/presence/changes [get]
func (h handler) presenceChanges(c echo.Context) error {
	return httpx.Follow(c, h.calendars.Presences.Changes, fromPresence)
}

// getPresence reads what a user says.
//
//	@ID				getPresence
//	@Summary		Read whether a user is in or away
//	@Description	What the user says of themselves, expired or not.
//	@Tags			calendars
//	@Param			id		path		string		true	"id of the user"				format(uuid)
//	@Param			fields	query		[]string	false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200		{object}	Presence
//	@Security		Bearer
//	@Router			/presence/{id} [get]
func (h handler) getPresence(c echo.Context) error {
	return httpx.ReadOne(c, Presence{}, h.calendars.Presences.Find, showPresence)
}

// putPresence says that a user is in or away.
//
//	@ID				putPresence
//	@Summary		Say that a user is in or away
//	@Description	Goes before shifts and absences until it expires. Needs calendars:write, or calendars:self for oneself.
//	@Tags			calendars
//	@Accept			json
//	@Param			id		path		string		true	"id of the user"	format(uuid)
//	@Param			body	body		PutPresence	true	"in or away, and until when"
//	@Success		200		{object}	Presence
//	@Success		201		{object}	Presence
//	@Security		Bearer
//	@Router			/presence/{id} [put]
func (h handler) putPresence(c echo.Context) error {
	id, err := httpx.PathID[kernel.UserID](c, "id")
	if err != nil {
		return err
	}
	in, err := httpx.Bind[PutPresence](c)
	if err != nil {
		return err
	}
	cond, err := httpx.Precondition(c)
	if err != nil {
		return err
	}
	var until time.Time
	if in.Until != nil {
		until = *in.Until
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		p, isNew, err := h.calendars.SetPresence(ctx, actor, id, cond, in.State, until)
		if isNew {
			return created(showPresence(p), "/v1/presence/"+p.ID.String()), err
		}
		return showPresence(p), err
	})
}

// deletePresence takes back what a user says.
//
//	@ID				deletePresence
//	@Summary		Take back that a user is in or away
//	@Description	Shifts and absences decide again.
//	@Tags			calendars
//	@Param			id	path	string	true	"id of the user"	format(uuid)
//	@Success		204
//	@Security		Bearer
//	@Router			/presence/{id} [delete]
func (h handler) deletePresence(c echo.Context) error {
	return httpx.OnOne(c, h.units, func(ctx context.Context, actor auth.Actor, id kernel.UserID, ifMatch *int64) (httpx.Reply, error) {
		return httpx.Reply{}, h.calendars.Presences.Delete(ctx, actor, id, ifMatch)
	})
}
