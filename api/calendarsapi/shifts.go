package calendarsapi

import (
	"context"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/calendars"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
)

func showShift(_ auth.Actor) func(calendars.Shift) httpx.Reply {
	return func(r calendars.Shift) httpx.Reply { return httpx.Reply{Body: fromShift(r), Version: r.Version} }
}

// createShift adds a shift.
//
//	@ID				createShift
//	@Summary		Create a shift
//	@Description	A shift of every week, by day, or of one date. Weekly shifts fall away when the dealership is closed for the day; dated ones stand.
//	@Tags			calendars
//	@Accept			json
//	@Param			body	body		CreateShift	true	"a shift"
//	@Success		201		{object}	Shift
//	@Failure		409		{object}	httpx.Problem	"the user has another shift at this time"
//	@Security		Bearer
//	@Router			/shifts [post]
func (h handler) createShift(c echo.Context) error {
	in, err := httpx.Bind[CreateShift](c)
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		r, err := h.calendars.Shifts.Create(ctx, actor, in.toDomain())
		return created(showShift(actor)(r), "/v1/shifts/"+r.ID.String()), err
	})
}

// listShifts pages through shifts.
//
//	@ID				listShifts
//	@Summary		List shifts
//	@Description	Those that the credential may see, newest first.
//	@Tags			calendars
//	@Param			dealership_id	query		string		false	"at this dealership"	format(uuid)
//	@Param			user_id	query		string		false	"of this user"	format(uuid)
//	@Param			department	query		string		false	"of this department"	Enums(sales,service,parts,rental,body_shop,office)
//	@Param			sort	query		string		false	"order"	Enums(created_at,-created_at)
//	@Param			fields	query		[]string	false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200		{object}	httpx.ListOf[Shift]
//	@Security		Bearer
//	@Router			/shifts [get]
func (h handler) listShifts(c echo.Context) error {
	q := httpx.NewQuery(c)
	f := calendars.Filter{Dealership: value(httpx.QueryID[kernel.DealershipID](q, "dealership_id")), User: value(httpx.QueryID[kernel.UserID](q, "user_id")), Department: department(q)}
	return list(c, q, Shift{}, f, h.calendars.Shifts.List, fromShift)
}

// shiftChanges reads what became of shifts since the last time.
//
//	@ID				listShiftChanges
//	@Summary		Follow shifts
//	@Description	First all as they are now, then each that was changed since, deleted ones with deleted_at. Keep next_cursor and come
//	@Description	back with it.
//	@Tags			calendars
//	@Success		200	{object}	httpx.ChangesOf[Shift]
//	@Security		Bearer
//	@Router			/shifts/changes [get]
func (h handler) shiftChanges(c echo.Context) error {
	return httpx.Follow(c, h.calendars.Shifts.Changes, fromShift)
}

// getShift reads a shift.
//
//	@ID				getShift
//	@Summary		Read a shift
//	@Description	One that the credential may see.
//	@Tags			calendars
//	@Param			id		path		string		true	"id of a shift"				format(uuid)
//	@Param			fields	query		[]string	false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200		{object}	Shift
//	@Security		Bearer
//	@Router			/shifts/{id} [get]
func (h handler) getShift(c echo.Context) error {
	return httpx.ReadOne(c, Shift{}, h.calendars.Shifts.Find, showShift(httpx.ActorOf(c)))
}

// patchShift changes a shift.
//
//	@ID				patchShift
//	@Summary		Change a shift
//	@Description	JSON Merge Patch: what is absent stays, null removes, lists are replaced whole.
//	@Tags			calendars
//	@Accept			application/merge-patch+json
//	@Param			id		path		string		true	"id of a shift"	format(uuid)
//	@Param			body	body		PatchShift	true	"what changes"
//	@Success		200		{object}	Shift
//	@Failure		409		{object}	httpx.Problem	"the user has another shift at this time"
//	@Security		Bearer
//	@Router			/shifts/{id} [patch]
func (h handler) patchShift(c echo.Context) error {
	in, err := httpx.BindPatch[PatchShift](c)
	if err != nil {
		return err
	}
	return httpx.OnOne(c, h.units, func(ctx context.Context, actor auth.Actor, id kernel.ShiftID, ifMatch *int64) (httpx.Reply, error) {
		r, err := h.calendars.Shifts.Update(ctx, actor, id, ifMatch, in.apply)
		return showShift(actor)(r), err
	})
}

// deleteShift takes a shift out of every calendar.
//
//	@ID				deleteShift
//	@Summary		Delete a shift
//	@Description	Leaves lists and calendars, and can be restored.
//	@Tags			calendars
//	@Param			id	path	string	true	"id of a shift"	format(uuid)
//	@Success		204
//	@Security		Bearer
//	@Router			/shifts/{id} [delete]
func (h handler) deleteShift(c echo.Context) error {
	return httpx.OnOne(c, h.units, func(ctx context.Context, actor auth.Actor, id kernel.ShiftID, ifMatch *int64) (httpx.Reply, error) {
		return httpx.Reply{}, h.calendars.Shifts.Delete(ctx, actor, id, ifMatch)
	})
}

// restoreShift brings a shift back.
//
//	@ID				restoreShift
//	@Summary		Restore a shift
//	@Description	Undoes a delete. What is not deleted stays as it is.
//	@Tags			calendars
//	@Param			id	path		string	true	"id of a shift"	format(uuid)
//	@Success		200	{object}	Shift
//	@Failure		409	{object}	httpx.Problem	"the user has another shift at this time"
//	@Security		Bearer
//	@Router			/shifts/{id}/restore [post]
func (h handler) restoreShift(c echo.Context) error {
	return restore(c, h, h.calendars.Shifts.Restore, showShift(httpx.ActorOf(c)))
}
