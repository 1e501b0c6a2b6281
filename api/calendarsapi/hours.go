package calendarsapi

import (
	"context"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/calendars"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
)

func showOpeningHours(_ auth.Actor) func(calendars.Hours) httpx.Reply {
	return func(r calendars.Hours) httpx.Reply { return httpx.Reply{Body: fromHours(r), Version: r.Version} }
}

// createOpeningHours adds opening hours.
//
//	@ID				createOpeningHours
//	@Summary		Create opening hours
//	@Description	Opening hours of a department, or with no department those of all that have none of their own. Times are those of the dealership.
//	@Tags			calendars
//	@Accept			json
//	@Param			body	body		CreateOpeningHours	true	"the hours"
//	@Success		201		{object}	OpeningHours
//	@Failure		409		{object}	httpx.Problem	"the department has hours already"
//	@Security		Bearer
//	@Router			/opening-hours [post]
func (h handler) createOpeningHours(c echo.Context) error {
	in, err := httpx.Bind[CreateOpeningHours](c)
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		r, err := h.calendars.Hours.Create(ctx, actor, in.toDomain())
		return created(showOpeningHours(actor)(r), "/v1/opening-hours/"+r.ID.String()), err
	})
}

// listOpeningHours pages through opening hours.
//
//	@ID				listOpeningHours
//	@Summary		List opening hours
//	@Description	Those that the credential may see, newest first.
//	@Tags			calendars
//	@Param			dealership_id	query		string		false	"of this dealership"	format(uuid)
//	@Param			department	query		string		false	"of this department"	Enums(sales,service,parts,rental,body_shop,office)
//	@Param			sort	query		string		false	"order"	Enums(created_at,-created_at)
//	@Param			fields	query		[]string	false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200		{object}	httpx.ListOf[OpeningHours]
//	@Security		Bearer
//	@Router			/opening-hours [get]
func (h handler) listOpeningHours(c echo.Context) error {
	q := httpx.NewQuery(c)
	f := calendars.Filter{Dealership: value(httpx.QueryID[kernel.DealershipID](q, "dealership_id")), Department: department(q)}
	return list(c, q, OpeningHours{}, f, h.calendars.Hours.List, fromHours)
}

// openingHoursChanges reads what became of opening hours since the last time.
//
//	@ID				listOpeningHoursChanges
//	@Summary		Follow opening hours
//	@Description	First all as they are now, then each that was changed since, deleted ones with deleted_at. Keep next_cursor and come
//	@Description	back with it.
//	@Tags			calendars
//	@Success		200	{object}	httpx.ChangesOf[OpeningHours]
//	@Security		Bearer
//	@Router			/opening-hours/changes [get]
func (h handler) openingHoursChanges(c echo.Context) error {
	return httpx.Follow(c, h.calendars.Hours.Changes, fromHours)
}

// getOpeningHours reads opening hours.
//
//	@ID				getOpeningHours
//	@Summary		Read opening hours
//	@Description	One that the credential may see.
//	@Tags			calendars
//	@Param			id		path		string		true	"id of the hours"				format(uuid)
//	@Param			fields	query		[]string	false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200		{object}	OpeningHours
//	@Security		Bearer
//	@Router			/opening-hours/{id} [get]
func (h handler) getOpeningHours(c echo.Context) error {
	return httpx.ReadOne(c, OpeningHours{}, h.calendars.Hours.Find, showOpeningHours(httpx.ActorOf(c)))
}

// patchOpeningHours changes opening hours.
//
//	@ID				patchOpeningHours
//	@Summary		Change opening hours
//	@Description	JSON Merge Patch: what is absent stays, null removes, lists are replaced whole.
//	@Tags			calendars
//	@Accept			application/merge-patch+json
//	@Param			id		path		string		true	"id of the hours"	format(uuid)
//	@Param			body	body		PatchOpeningHours	true	"what changes"
//	@Success		200		{object}	OpeningHours
//	@Failure		409		{object}	httpx.Problem	"the department has hours already"
//	@Security		Bearer
//	@Router			/opening-hours/{id} [patch]
func (h handler) patchOpeningHours(c echo.Context) error {
	in, err := httpx.BindPatch[PatchOpeningHours](c)
	if err != nil {
		return err
	}
	return httpx.OnOne(c, h.units, func(ctx context.Context, actor auth.Actor, id kernel.OpeningHoursID, ifMatch *int64) (httpx.Reply, error) {
		r, err := h.calendars.Hours.Update(ctx, actor, id, ifMatch, in.apply)
		return showOpeningHours(actor)(r), err
	})
}

// deleteOpeningHours takes opening hours out of every calendar.
//
//	@ID				deleteOpeningHours
//	@Summary		Delete opening hours
//	@Description	Leaves lists and calendars, and can be restored.
//	@Tags			calendars
//	@Param			id	path	string	true	"id of the hours"	format(uuid)
//	@Success		204
//	@Security		Bearer
//	@Router			/opening-hours/{id} [delete]
func (h handler) deleteOpeningHours(c echo.Context) error {
	return httpx.OnOne(c, h.units, func(ctx context.Context, actor auth.Actor, id kernel.OpeningHoursID, ifMatch *int64) (httpx.Reply, error) {
		return httpx.Reply{}, h.calendars.Hours.Delete(ctx, actor, id, ifMatch)
	})
}

// restoreOpeningHours brings opening hours back.
//
//	@ID				restoreOpeningHours
//	@Summary		Restore opening hours
//	@Description	Undoes a delete. What is not deleted stays as it is.
//	@Tags			calendars
//	@Param			id	path		string	true	"id of the hours"	format(uuid)
//	@Success		200	{object}	OpeningHours
//	@Failure		409	{object}	httpx.Problem	"the department has hours already"
//	@Security		Bearer
//	@Router			/opening-hours/{id}/restore [post]
func (h handler) restoreOpeningHours(c echo.Context) error {
	return restore(c, h, h.calendars.Hours.Restore, showOpeningHours(httpx.ActorOf(c)))
}
