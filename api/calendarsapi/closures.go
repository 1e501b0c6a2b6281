package calendarsapi

import (
	"context"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/calendars"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
)

func showClosure(_ auth.Actor) func(calendars.Closure) httpx.Reply {
	return func(r calendars.Closure) httpx.Reply { return httpx.Reply{Body: fromClosure(r), Version: r.Version} }
}

// createClosure adds a closure.
//
//	@ID				createClosure
//	@Summary		Create a closure
//	@Description	A time at which a dealership or one of its departments is closed: once, or by a rule of RFC 5545 whose first time is starts.
//	@Tags			calendars
//	@Accept			json
//	@Param			body	body		CreateClosure	true	"a closure"
//	@Success		201		{object}	Closure
//	@Failure		409		{object}	httpx.Problem	"the dealership has too many closures"
//	@Security		Bearer
//	@Router			/closures [post]
func (h handler) createClosure(c echo.Context) error {
	in, err := httpx.Bind[CreateClosure](c)
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		r, err := h.calendars.Closures.Create(ctx, actor, in.toDomain())
		return created(showClosure(actor)(r), "/v1/closures/"+r.ID.String()), err
	})
}

// listClosures pages through closures.
//
//	@ID				listClosures
//	@Summary		List closures
//	@Description	Those that the credential may see, newest first.
//	@Tags			calendars
//	@Param			dealership_id	query		string		false	"of this dealership"	format(uuid)
//	@Param			department	query		string		false	"of this department"	Enums(sales,service,parts,rental,body_shop,office)
//	@Param			sort	query		string		false	"order"	Enums(created_at,-created_at)
//	@Param			fields	query		[]string	false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200		{object}	httpx.ListOf[Closure]
//	@Security		Bearer
//	@Router			/closures [get]
func (h handler) listClosures(c echo.Context) error {
	q := httpx.NewQuery(c)
	f := calendars.Filter{Dealership: value(httpx.QueryID[kernel.DealershipID](q, "dealership_id")), Department: department(q)}
	return list(c, q, Closure{}, f, h.calendars.Closures.List, fromClosure)
}

// closureChanges reads what became of closures since the last time.
//
//	@ID				listClosureChanges
//	@Summary		Follow closures
//	@Description	First all as they are now, then each that was changed since, deleted ones with deleted_at. Keep next_cursor and come
//	@Description	back with it.
//	@Tags			calendars
//	@Success		200	{object}	httpx.ChangesOf[Closure]
//	@Security		Bearer
//	@Router			/closures/changes [get]
func (h handler) closureChanges(c echo.Context) error {
	return httpx.Follow(c, h.calendars.Closures.Changes, fromClosure)
}

// getClosure reads a closure.
//
//	@ID				getClosure
//	@Summary		Read a closure
//	@Description	One that the credential may see.
//	@Tags			calendars
//	@Param			id		path		string		true	"id of a closure"				format(uuid)
//	@Param			fields	query		[]string	false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200		{object}	Closure
//	@Security		Bearer
//	@Router			/closures/{id} [get]
func (h handler) getClosure(c echo.Context) error {
	return httpx.ReadOne(c, Closure{}, h.calendars.Closures.Find, showClosure(httpx.ActorOf(c)))
}

// patchClosure changes a closure.
//
//	@ID				patchClosure
//	@Summary		Change a closure
//	@Description	JSON Merge Patch: what is absent stays, null removes, lists are replaced whole.
//	@Tags			calendars
//	@Accept			application/merge-patch+json
//	@Param			id		path		string		true	"id of a closure"	format(uuid)
//	@Param			body	body		PatchClosure	true	"what changes"
//	@Success		200		{object}	Closure
//	@Security		Bearer
//	@Router			/closures/{id} [patch]
func (h handler) patchClosure(c echo.Context) error {
	in, err := httpx.BindPatch[PatchClosure](c)
	if err != nil {
		return err
	}
	return httpx.OnOne(c, h.units, func(ctx context.Context, actor auth.Actor, id kernel.ClosureID, ifMatch *int64) (httpx.Reply, error) {
		r, err := h.calendars.Closures.Update(ctx, actor, id, ifMatch, in.apply)
		return showClosure(actor)(r), err
	})
}

// deleteClosure takes a closure out of every calendar.
//
//	@ID				deleteClosure
//	@Summary		Delete a closure
//	@Description	Leaves lists and calendars, and can be restored.
//	@Tags			calendars
//	@Param			id	path	string	true	"id of a closure"	format(uuid)
//	@Success		204
//	@Security		Bearer
//	@Router			/closures/{id} [delete]
func (h handler) deleteClosure(c echo.Context) error {
	return httpx.OnOne(c, h.units, func(ctx context.Context, actor auth.Actor, id kernel.ClosureID, ifMatch *int64) (httpx.Reply, error) {
		return httpx.Reply{}, h.calendars.Closures.Delete(ctx, actor, id, ifMatch)
	})
}

// restoreClosure brings a closure back.
//
//	@ID				restoreClosure
//	@Summary		Restore a closure
//	@Description	Undoes a delete. What is not deleted stays as it is.
//	@Tags			calendars
//	@Param			id	path		string	true	"id of a closure"	format(uuid)
//	@Success		200	{object}	Closure
//	@Failure		409	{object}	httpx.Problem	"the dealership has too many closures"
//	@Security		Bearer
//	@Router			/closures/{id}/restore [post]
func (h handler) restoreClosure(c echo.Context) error {
	return restore(c, h, h.calendars.Closures.Restore, showClosure(httpx.ActorOf(c)))
}
