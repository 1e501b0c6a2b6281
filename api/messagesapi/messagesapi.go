// Package messagesapi is the HTTP face of messages: templates, the ledger of mail, addresses, and messages that came in.
// It owns routes and wire types. The rules are in internal/messages.
package messagesapi

import (
	"context"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/messages"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
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

// enum reads several values of a closed list.
func enum[S ~string](q *httpx.Query, name string, all []S) []S {
	return httpx.Mapped(q.Enum(name, httpx.Mapped(all, func(s S) string { return string(s) })...), func(s string) S { return S(s) })
}

// orNull: what is not known is null on the wire.
func orNull[T comparable](v T) *T {
	var none T
	if v == none {
		return nil
	}
	return &v
}
