// Package messagesapi is the HTTP face of messages: templates, the ledger of mail, addresses, and messages that came in.
// It owns routes and wire types. The rules are in internal/messages.
package messagesapi

import (
	"context"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/messages"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
)

type handler struct {
	messages *messages.Service
	units    httpx.Units
}

// Routes registers the paths, which all need a credential.
func Routes(g *echo.Group, svc *messages.Service, u httpx.Units) {
	h := handler{messages: svc, units: u}
	g.GET("/message-kinds", h.listKinds)
	g.POST("/message-templates", h.createTemplate)
	g.GET("/message-templates", h.listTemplates)
	g.GET("/message-templates/changes", h.templateChanges)
	g.POST("/message-templates/preview", h.preview)
	g.POST("/message-templates/test", h.sendTest)
	g.GET("/message-templates/:id", h.getTemplate)
	g.PATCH("/message-templates/:id", h.patchTemplate)
	g.DELETE("/message-templates/:id", h.deleteTemplate)

	g.GET("/mails", h.listMails)
	g.GET("/mails/changes", h.mailChanges)
	g.GET("/mails/:id", h.getMail)
	g.POST("/mails/:id/resend", h.resendMail)

	g.POST("/mail-addresses", h.createAddress)
	g.GET("/mail-addresses", h.listAddresses)
	g.GET("/mail-addresses/changes", h.addressChanges)
	g.GET("/mail-addresses/:id", h.getAddress)
	g.PATCH("/mail-addresses/:id", h.patchAddress)
	g.DELETE("/mail-addresses/:id", h.deleteAddress)

	g.GET("/inbound-messages", h.listInbound)
	g.GET("/inbound-messages/changes", h.inboundChanges)
	g.GET("/inbound-messages/:id", h.getInbound)
	g.GET("/inbound-messages/:id/raw", h.rawInbound)
}

// one answers a GET of one resource by its id.
func one[I ~[16]byte](c echo.Context, sample any, find func(context.Context, auth.Actor, I) (httpx.Reply, error)) error {
	id, err := httpx.PathID[I](c, "id")
	if err != nil {
		return err
	}
	q := httpx.NewQuery(c)
	q.Fields(sample)
	if err := q.Err(); err != nil {
		return err
	}
	r, err := find(c.Request().Context(), httpx.ActorOf(c), id)
	if err != nil {
		return err
	}
	return httpx.One(c, q, r)
}

// onOne runs a write on one resource by its id, with the version that the caller saw.
func onOne[I ~[16]byte](
	c echo.Context, h handler, work func(ctx context.Context, actor auth.Actor, id I, ifMatch *int64) (httpx.Reply, error),
) error {
	id, err := httpx.PathID[I](c, "id")
	if err != nil {
		return err
	}
	ifMatch, err := httpx.IfMatch(c)
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		return work(ctx, actor, id, ifMatch)
	})
}

// follow answers a step of a feed of changes.
func follow[T, W any](
	c echo.Context, read func(context.Context, auth.Actor, outbox.Cursor, int) (outbox.Changes[T], error), wire func(T) W,
) error {
	q := httpx.NewQuery(c)
	cursor, limit := q.Changes()
	if err := q.Err(); err != nil {
		return err
	}
	got, err := read(c.Request().Context(), httpx.ActorOf(c), cursor, limit)
	if err != nil {
		return err
	}
	return httpx.Changes(c, q, outbox.Changes[W]{Items: mapped(got.Items, wire), Next: got.Next, More: got.More})
}

// mapped never gives nil, which would be null on the wire.
func mapped[T, U any](in []T, f func(T) U) []U {
	out := make([]U, len(in))
	for i, v := range in {
		out[i] = f(v)
	}
	return out
}

// enum reads several values of a closed list.
func enum[S ~string](q *httpx.Query, name string, all []S) []S {
	return mapped(q.Enum(name, mapped(all, func(s S) string { return string(s) })...), func(s string) S { return S(s) })
}

// orNull: what is not known is null on the wire.
func orNull[T comparable](v T) *T {
	var none T
	if v == none {
		return nil
	}
	return &v
}
