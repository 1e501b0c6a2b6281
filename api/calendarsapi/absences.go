package calendarsapi

import (
	"context"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/calendars"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
)

func showAbsence(actor auth.Actor) func(calendars.Absence) httpx.Reply {
	return func(r calendars.Absence) httpx.Reply {
		return httpx.Reply{Body: fromAbsence(actor)(r), Version: r.Version}
	}
}

// createAbsence adds an absence.
//
//	@ID				createAbsence
//	@Summary		Create an absence
//	@Description	A time at which a user does not work, whatever their shifts say. Needs calendars:write, or calendars:self for one's own.
//	@Tags			calendars
//	@Accept			json
//	@Param			body	body		CreateAbsence	true	"an absence"
//	@Success		201		{object}	Absence
//	@Failure		409		{object}	httpx.Problem	"the user is absent at this time already"
//	@Security		Bearer
//	@Router			/absences [post]
func (h handler) createAbsence(c echo.Context) error {
	in, err := httpx.Bind[CreateAbsence](c)
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		r, err := h.calendars.Absences.Create(ctx, actor, in.toDomain())
		return created(showAbsence(actor)(r), "/v1/absences/"+r.ID.String()), err
	})
}

// listAbsences pages through absences.
//
//	@ID				listAbsences
//	@Summary		List absences
//	@Description	Those that the credential may see, newest first.
//	@Tags			calendars
//	@Param			user_id	query		string		false	"of this user"	format(uuid)
//	@Param			from	query		string		false	"that end after this"	format(date-time)
//	@Param			to	query		string		false	"that begin before this"	format(date-time)
//	@Param			sort	query		string		false	"order"	Enums(created_at,-created_at)
//	@Param			fields	query		[]string	false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200		{object}	httpx.ListOf[Absence]
//	@Security		Bearer
//	@Router			/absences [get]
func (h handler) listAbsences(c echo.Context) error {
	q := httpx.NewQuery(c)
	f := calendars.Filter{User: value(httpx.QueryID[kernel.UserID](q, "user_id")), From: q.Time("from"), To: q.Time("to")}
	actor := httpx.ActorOf(c)
	return list(c, q, Absence{}, f, h.calendars.Absences.List, fromAbsence(actor))
}

// absenceChanges reads what became of absences since the last time.
//
//	@ID				listAbsenceChanges
//	@Summary		Follow absences
//	@Description	First all as they are now, then each that was changed since, deleted ones with deleted_at. Keep next_cursor and come
//	@Description	back with it.
//	@Tags			calendars
//	@Success		200	{object}	httpx.ChangesOf[Absence]
//	@Security		Bearer
//	@Router			/absences/changes [get]
func (h handler) absenceChanges(c echo.Context) error {
	return httpx.Follow(c, h.calendars.Absences.Changes, fromAbsence(httpx.ActorOf(c)))
}

// getAbsence reads an absence.
//
//	@ID				getAbsence
//	@Summary		Read an absence
//	@Description	One that the credential may see.
//	@Tags			calendars
//	@Param			id		path		string		true	"id of an absence"				format(uuid)
//	@Param			fields	query		[]string	false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200		{object}	Absence
//	@Security		Bearer
//	@Router			/absences/{id} [get]
func (h handler) getAbsence(c echo.Context) error {
	return httpx.ReadOne(c, Absence{}, h.calendars.Absences.Find, showAbsence(httpx.ActorOf(c)))
}

// patchAbsence changes an absence.
//
//	@ID				patchAbsence
//	@Summary		Change an absence
//	@Description	JSON Merge Patch: what is absent stays, null removes, lists are replaced whole.
//	@Tags			calendars
//	@Accept			application/merge-patch+json
//	@Param			id		path		string		true	"id of an absence"	format(uuid)
//	@Param			body	body		PatchAbsence	true	"what changes"
//	@Success		200		{object}	Absence
//	@Failure		409		{object}	httpx.Problem	"the user is absent at this time already"
//	@Security		Bearer
//	@Router			/absences/{id} [patch]
func (h handler) patchAbsence(c echo.Context) error {
	in, err := httpx.BindPatch[PatchAbsence](c)
	if err != nil {
		return err
	}
	return httpx.OnOne(c, h.units, func(ctx context.Context, actor auth.Actor, id kernel.AbsenceID, ifMatch *int64) (httpx.Reply, error) {
		r, err := h.calendars.Absences.Update(ctx, actor, id, ifMatch, in.apply)
		return showAbsence(actor)(r), err
	})
}

// deleteAbsence takes an absence out of every calendar.
//
//	@ID				deleteAbsence
//	@Summary		Delete an absence
//	@Description	Leaves lists and calendars, and can be restored.
//	@Tags			calendars
//	@Param			id	path	string	true	"id of an absence"	format(uuid)
//	@Success		204
//	@Security		Bearer
//	@Router			/absences/{id} [delete]
func (h handler) deleteAbsence(c echo.Context) error {
	return httpx.OnOne(c, h.units, func(ctx context.Context, actor auth.Actor, id kernel.AbsenceID, ifMatch *int64) (httpx.Reply, error) {
		return httpx.Reply{}, h.calendars.Absences.Delete(ctx, actor, id, ifMatch)
	})
}

// restoreAbsence brings an absence back.
//
//	@ID				restoreAbsence
//	@Summary		Restore an absence
//	@Description	Undoes a delete. What is not deleted stays as it is.
//	@Tags			calendars
//	@Param			id	path		string	true	"id of an absence"	format(uuid)
//	@Success		200	{object}	Absence
//	@Failure		409	{object}	httpx.Problem	"the user is absent at this time already"
//	@Security		Bearer
//	@Router			/absences/{id}/restore [post]
func (h handler) restoreAbsence(c echo.Context) error {
	return restore(c, h, h.calendars.Absences.Restore, showAbsence(httpx.ActorOf(c)))
}
