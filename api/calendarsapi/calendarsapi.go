// Package calendarsapi is the HTTP face of calendars: opening hours, closures, shifts, absences, presence,
// calendars that are kept elsewhere, and what follows from them. It owns routes and wire types. The rules are in internal/calendars.
package calendarsapi

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/calendars"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

type handler struct {
	calendars *calendars.Service
	units     httpx.Units
}

// Routes registers the paths, all of which need a credential.
func Routes(g *echo.Group, svc *calendars.Service, u httpx.Units) {
	h := handler{calendars: svc, units: u}
	g.GET("/dealerships/:id/calendar", h.dealershipCalendar)
	g.GET("/users/:id/calendar", h.userCalendar)
	g.GET("/staff", h.staff)
	g.GET("/holidays", h.holidays)

	g.POST("/opening-hours", h.createOpeningHours)
	g.GET("/opening-hours", h.listOpeningHours)
	g.GET("/opening-hours/changes", h.openingHoursChanges)
	g.GET("/opening-hours/:id", h.getOpeningHours)
	g.PATCH("/opening-hours/:id", h.patchOpeningHours)
	g.DELETE("/opening-hours/:id", h.deleteOpeningHours)
	g.POST("/opening-hours/:id/restore", h.restoreOpeningHours)

	g.POST("/closures", h.createClosure)
	g.GET("/closures", h.listClosures)
	g.GET("/closures/changes", h.closureChanges)
	g.GET("/closures/:id", h.getClosure)
	g.PATCH("/closures/:id", h.patchClosure)
	g.DELETE("/closures/:id", h.deleteClosure)
	g.POST("/closures/:id/restore", h.restoreClosure)

	g.POST("/shifts", h.createShift)
	g.GET("/shifts", h.listShifts)
	g.GET("/shifts/changes", h.shiftChanges)
	g.GET("/shifts/:id", h.getShift)
	g.PATCH("/shifts/:id", h.patchShift)
	g.DELETE("/shifts/:id", h.deleteShift)
	g.POST("/shifts/:id/restore", h.restoreShift)

	g.POST("/absences", h.createAbsence)
	g.GET("/absences", h.listAbsences)
	g.GET("/absences/changes", h.absenceChanges)
	g.GET("/absences/:id", h.getAbsence)
	g.PATCH("/absences/:id", h.patchAbsence)
	g.DELETE("/absences/:id", h.deleteAbsence)
	g.POST("/absences/:id/restore", h.restoreAbsence)

	g.POST("/external-calendars", h.createExternal)
	g.GET("/external-calendars", h.listExternals)
	g.GET("/external-calendars/changes", h.externalChanges)
	g.GET("/external-calendars/:id", h.getExternal)
	g.PATCH("/external-calendars/:id", h.patchExternal)
	g.DELETE("/external-calendars/:id", h.deleteExternal)
	g.POST("/external-calendars/:id/restore", h.restoreExternal)
	g.POST("/external-calendars/:id/refresh", h.refreshExternal)

	g.GET("/presence", h.listPresences)
	g.GET("/presence/changes", h.presenceChanges)
	g.GET("/presence/:id", h.getPresence)
	g.PUT("/presence/:id", h.putPresence)
	g.DELETE("/presence/:id", h.deletePresence)
}

func created(r httpx.Reply, location string) httpx.Reply {
	r.Status, r.Location = http.StatusCreated, location
	return r
}

// department reads the filter by department.
func department(q *httpx.Query) *string {
	d := q.Choice("department", calendars.Departments()...)
	if d == "" {
		return nil
	}
	return &d
}

// list answers a page.
func list[T, W any](
	c echo.Context, q *httpx.Query, sample W, f calendars.Filter,
	read func(context.Context, auth.Actor, calendars.Filter, page.Request) (page.Of[T], error), wire func(T) W,
) error {
	q.Fields(sample)
	p := q.Page("-created_at", "created_at")
	if err := q.Err(); err != nil {
		return err
	}
	found, err := read(c.Request().Context(), httpx.ActorOf(c), f, p)
	if err != nil {
		return err
	}
	return httpx.List(c, q, page.Map(found, wire))
}

// restore brings one back. What is deleted cannot be read, so that no version need be named.
func restore[I ~[16]byte, T any](
	c echo.Context, h handler, work func(context.Context, auth.Actor, I, *int64) (T, error), reply func(T) httpx.Reply,
) error {
	id, err := httpx.PathID[I](c, "id")
	if err != nil {
		return err
	}
	ifMatch, err := httpx.IfMatchSent(c)
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		r, err := work(ctx, actor, id, ifMatch)
		return reply(r), err
	})
}
