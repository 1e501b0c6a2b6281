package calendarsapi

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/calendars"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
)

func showExternal(e calendars.External) httpx.Reply {
	return httpx.Reply{Body: fromExternal(e), Version: e.Version}
}

// createExternal adds an external calendar.
//
//	@ID				createExternalCalendar
//	@Summary		Create an external calendar
//	@Description	A calendar of a user's that is kept elsewhere, by the address that it gives out for other programs (iCalendar, https or
//	@Description	webcal). It is fetched every quarter of an hour, and the user does not work while it says busy: by events that are neither
//	@Description	cancelled nor marked as free, from a day back to 120 days ahead. Needs calendars:write, or calendars:self for one's own.
//	@Tags			calendars
//	@Accept			json
//	@Param			body	body		CreateExternalCalendar	true	"an external calendar"
//	@Success		201		{object}	ExternalCalendar
//	@Failure		409		{object}	httpx.Problem	"the user has as many as one may"
//	@Security		Bearer
//	@Router			/external-calendars [post]
func (h handler) createExternal(c echo.Context) error {
	in, err := httpx.Bind[CreateExternalCalendar](c)
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		e, err := h.calendars.Externals.Create(ctx, actor, in.toDomain())
		return created(showExternal(e), "/v1/external-calendars/"+e.ID.String()), err
	})
}

// listExternals pages through external calendars.
//
//	@ID				listExternalCalendars
//	@Summary		List external calendars
//	@Description	Those that are not deleted, newest first.
//	@Tags			calendars
//	@Param			user_id	query		string		false	"of this user"	format(uuid)
//	@Param			state	query		string		false	"that stand so"	Enums(active,failing,paused)
//	@Param			sort	query		string		false	"order"			Enums(created_at,-created_at)
//	@Param			fields	query		[]string	false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200		{object}	httpx.ListOf[ExternalCalendar]
//	@Security		Bearer
//	@Router			/external-calendars [get]
func (h handler) listExternals(c echo.Context) error {
	q := httpx.NewQuery(c)
	f := calendars.Filter{User: value(httpx.QueryID[kernel.UserID](q, "user_id")), State: q.Choice("state", calendars.ExternalStates()...)}
	return list(c, q, ExternalCalendar{}, f, h.calendars.Externals.List, fromExternal)
}

// externalChanges reads what became of external calendars since the last time.
//
//	@ID				listExternalCalendarChanges
//	@Summary		Follow external calendars
//	@Description	First all as they are now, then each that was changed since, deleted ones with deleted_at; also when other busy times were
//	@Description	read, or fetching began to fail, but not that one was fetched once more. Keep next_cursor and come back with it.
//	@Tags			calendars
//	@Success		200	{object}	httpx.ChangesOf[ExternalCalendar]
//	@Security		Bearer
//	@Router			/external-calendars/changes [get]
func (h handler) externalChanges(c echo.Context) error {
	return httpx.Follow(c, h.calendars.Externals.Changes, fromExternal)
}

// getExternal reads an external calendar.
//
//	@ID				getExternalCalendar
//	@Summary		Read an external calendar
//	@Description	How it stands. When it says busy is in the user's calendar, GET /v1/users/{id}/calendar.
//	@Tags			calendars
//	@Param			id		path		string		true	"id of an external calendar"	format(uuid)
//	@Param			fields	query		[]string	false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200		{object}	ExternalCalendar
//	@Security		Bearer
//	@Router			/external-calendars/{id} [get]
func (h handler) getExternal(c echo.Context) error {
	return httpx.ReadOne(c, ExternalCalendar{}, h.calendars.Externals.Find, showExternal)
}

// patchExternal changes an external calendar.
//
//	@ID				patchExternalCalendar
//	@Summary		Change an external calendar
//	@Description	JSON Merge Patch: what is absent stays, null removes.
//	@Tags			calendars
//	@Accept			application/merge-patch+json
//	@Param			id		path		string					true	"id of an external calendar"	format(uuid)
//	@Param			body	body		PatchExternalCalendar	true	"what changes"
//	@Success		200		{object}	ExternalCalendar
//	@Security		Bearer
//	@Router			/external-calendars/{id} [patch]
func (h handler) patchExternal(c echo.Context) error {
	in, err := httpx.BindPatch[PatchExternalCalendar](c)
	if err != nil {
		return err
	}
	return httpx.OnOne(c, h.units, func(ctx context.Context, actor auth.Actor, id kernel.ExternalCalendarID, ifMatch *int64) (httpx.Reply, error) {
		e, err := h.calendars.Externals.Update(ctx, actor, id, ifMatch, in.apply)
		return showExternal(e), err
	})
}

// deleteExternal takes an external calendar away.
//
//	@ID				deleteExternalCalendar
//	@Summary		Delete an external calendar
//	@Description	It is no longer fetched or reckoned with, and can be restored.
//	@Tags			calendars
//	@Param			id	path	string	true	"id of an external calendar"	format(uuid)
//	@Success		204
//	@Security		Bearer
//	@Router			/external-calendars/{id} [delete]
func (h handler) deleteExternal(c echo.Context) error {
	return httpx.OnOne(c, h.units, func(ctx context.Context, actor auth.Actor, id kernel.ExternalCalendarID, ifMatch *int64) (httpx.Reply, error) {
		return httpx.Reply{}, h.calendars.Externals.Delete(ctx, actor, id, ifMatch)
	})
}

// restoreExternal brings an external calendar back.
//
//	@ID				restoreExternalCalendar
//	@Summary		Restore an external calendar
//	@Description	Undoes a delete. What is not deleted stays as it is.
//	@Tags			calendars
//	@Param			id	path		string	true	"id of an external calendar"	format(uuid)
//	@Success		200	{object}	ExternalCalendar
//	@Failure		409	{object}	httpx.Problem	"the user has as many as one may"
//	@Security		Bearer
//	@Router			/external-calendars/{id}/restore [post]
func (h handler) restoreExternal(c echo.Context) error {
	return restore(c, h, h.calendars.Externals.Restore, showExternal)
}

// refreshExternal asks for an external calendar to be fetched now.
//
//	@ID				refreshExternalCalendar
//	@Summary		Fetch an external calendar now
//	@Description	It is fetched at once, or half a minute after the last time; next_fetch_at says when. What came of it is in the resource.
//	@Tags			calendars
//	@Param			id	path		string	true	"id of an external calendar"	format(uuid)
//	@Success		202	{object}	ExternalCalendar
//	@Failure		409	{object}	httpx.Problem	"the calendar is paused"
//	@Security		Bearer
//	@Router			/external-calendars/{id}/refresh [post]
func (h handler) refreshExternal(c echo.Context) error {
	id, err := httpx.PathID[kernel.ExternalCalendarID](c, "id")
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		e, err := h.calendars.Refresh(ctx, actor, id)
		r := showExternal(e)
		r.Status = http.StatusAccepted
		return r, err
	})
}
