// Package eventsapi is the HTTP face of events: the feed, the stream, and webhooks. It owns routes, wire types and how a
// stream is written; what there is to see is decided in internal/events.
package eventsapi

import (
	"context"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/events"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
)

// Authenticator tells who a credential belongs to, so that a stream ends with its credential.
type Authenticator interface {
	Authenticate(ctx context.Context, credential string) (auth.Actor, error)
}

type handler struct {
	events *events.Service
	auth   Authenticator
	units  httpx.Units
}

// Routes registers the paths.
func Routes(g *echo.Group, svc *events.Service, a Authenticator, u httpx.Units) {
	h := handler{events: svc, auth: a, units: u}
	g.GET("/events", h.list)
	g.GET("/events/stream", h.stream)
	g.GET("/events/:id", h.get)

	g.POST("/webhook-endpoints", h.createEndpoint)
	g.GET("/webhook-endpoints", h.listEndpoints)
	g.GET("/webhook-endpoints/changes", h.endpointChanges)
	g.GET("/webhook-endpoints/:id", h.getEndpoint)
	g.PATCH("/webhook-endpoints/:id", h.patchEndpoint)
	g.DELETE("/webhook-endpoints/:id", h.deleteEndpoint)
	g.POST("/webhook-endpoints/:id/restore", h.restoreEndpoint)
	g.POST("/webhook-endpoints/:id/rotate-secret", h.rotateSecret)
	g.POST("/webhook-endpoints/:id/test", h.testEndpoint)
	g.POST("/webhook-endpoints/:id/replay", h.replayEvents)
	g.GET("/webhook-deliveries", h.listDeliveries)
	g.GET("/webhook-deliveries/:id", h.getDelivery)
	g.POST("/webhook-deliveries/:id/replay", h.replayDelivery)
}

// filterOf reads what events are asked for.
func filterOf(q *httpx.Query) events.Filter {
	return events.Filter{
		Types: q.Strings("type"), Resources: q.Strings("resource"), Dealerships: httpx.QueryIDs[kernel.DealershipID](q, "dealership_id"),
	}
}

// list reads the next events.
//
//	@ID				listEvents
//	@Summary		Read events
//	@Description	What changed, oldest first, in an order behind which nothing is ever inserted: keep next_cursor and come back with it,
//	@Description	and no event is missed or seen twice. The events are those about what the caller may read now; a page may therefore
//	@Description	have fewer than limit, or none, while has_more is true. A cursor holds for every filter, and for the stream. Events
//	@Description	are kept for a time that the operator sets, 30 days as a rule; a cursor that is older, or from before a restore of the
//	@Description	data, answers 410 cursor.expired: read the resources again through their changes feeds.
//	@Tags			events
//	@Param			type			query		[]string	false	"only these types, such as lead.created"	collectionFormat(csv)
//	@Param			resource		query		[]string	false	"only of these kinds of resources, such as lead"	collectionFormat(csv)
//	@Param			dealership_id	query		[]string	false	"only at these dealerships"	collectionFormat(csv)
//	@Param			since			query		string		false	"only what changed at this time or later"	format(date-time)
//	@Success		200				{object}	httpx.ChangesOf[Event]
//	@Security		Bearer
//	@Router			/events [get]
func (h handler) list(c echo.Context) error {
	q := httpx.NewQuery(c)
	f := filterOf(q)
	if since := q.Time("since"); since != nil {
		f.Since = *since
	}
	cursor, limit := q.Place(""), q.Limit()
	if err := q.Err(); err != nil {
		return err
	}
	got, err := h.events.List(c.Request().Context(), httpx.ActorOf(c), f, cursor, limit)
	if err != nil {
		return err
	}
	out := make([]Event, len(got.Events))
	for i, e := range got.Events {
		out[i] = fromEvent(e)
	}
	return httpx.Changes(c, q, outbox.Changes[Event]{Items: out, Next: got.Next, More: got.More})
}

// get reads an event.
//
//	@ID				getEvent
//	@Summary		Read an event
//	@Description	One event about something that the caller may read.
//	@Tags			events
//	@Param			id	path		string	true	"id of the event"	format(uuid)
//	@Success		200	{object}	Event
//	@Security		Bearer
//	@Router			/events/{id} [get]
func (h handler) get(c echo.Context) error {
	id, err := httpx.PathID[uuid.UUID](c, "id")
	if err != nil {
		return err
	}
	q := httpx.NewQuery(c)
	if err := q.Err(); err != nil {
		return err
	}
	e, err := h.events.Find(c.Request().Context(), httpx.ActorOf(c), id)
	if err != nil {
		return err
	}
	return httpx.One(c, q, httpx.Reply{Body: fromEvent(e)})
}
