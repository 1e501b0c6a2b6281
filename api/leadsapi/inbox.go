package leadsapi

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/leads"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// InboxDocument is one document as it came in, and what became of it.
type InboxDocument struct {
	ID           kernel.InboxID       `json:"id"`
	Version      int64                `json:"version" example:"2"`
	Kind         string               `json:"kind" enums:"adf" example:"adf"`
	State        leads.InboxState     `json:"state" example:"quarantined"`
	MediaType    string               `json:"media_type" example:"application/xml"`
	SizeBytes    int64                `json:"size_bytes" example:"2048"`
	SHA256       string               `json:"sha256" example:"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`
	DealershipID *kernel.DealershipID `json:"dealership_id"` // as the sender named it beside the document
	Sender       string               `json:"sender" example:"Exemple OEM"`
	Revision     int                  `json:"revision"` // how often it was corrected
	Problem      *ReceiptProblem      `json:"problem"`  // why it could not be read
	Warnings     []leads.Warning      `json:"warnings"`
	LeadIDs      []kernel.LeadID      `json:"lead_ids"`
	ReceivedAt   time.Time            `json:"received_at"`
	ProcessedAt  *time.Time           `json:"processed_at"`
} //	@name	InboxDocument

func documentOf(d leads.Document) InboxDocument {
	out := InboxDocument{
		ID: d.ID, Version: d.Version, Kind: d.Kind, State: d.State, MediaType: d.MediaType, SizeBytes: d.Size, SHA256: hex.EncodeToString(d.SHA256[:]),
		DealershipID: orNull(d.DealershipID), Sender: d.Sender.Name, Revision: d.Revision, Warnings: list(d.Warnings), LeadIDs: list(d.LeadIDs),
		ReceivedAt: d.ReceivedAt, ProcessedAt: d.ProcessedAt,
	}
	if d.ErrorCode != "" {
		out.Problem = &ReceiptProblem{Code: d.ErrorCode, Detail: d.ErrorDetail}
	}
	return out
}

func (h handler) inboxRoutes(g *echo.Group) {
	g.GET("/inbox", h.listInbox)
	g.GET("/inbox/changes", h.inboxChanges)
	g.GET("/inbox/:id", h.getDocument)
	g.GET("/inbox/:id/raw", h.rawDocument)
	g.POST("/inbox/:id/replay", h.replay, httpx.Documents)
}

// listInbox pages through documents.
//
//	@ID				listInbox
//	@Summary		List inbound documents
//	@Description	Every document as it came in, newest first: what became leads, what waits for a correction, what was no lead at all.
//	@Tags			inbox
//	@Param			state				query		[]leads.InboxState	false	"only these states"			collectionFormat(csv)
//	@Param			received_at[gte]	query		string				false	"received at or after"		format(date-time)
//	@Param			received_at[gt]		query		string				false	"received after"			format(date-time)
//	@Param			received_at[lte]	query		string				false	"received at or before"		format(date-time)
//	@Param			received_at[lt]		query		string				false	"received before"			format(date-time)
//	@Param			sort				query		string				false	"order"						Enums(received_at,-received_at)
//	@Param			fields				query		[]string			false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200					{object}	httpx.ListOf[InboxDocument]
//	@Security		Bearer
//	@Router			/inbox [get]
func (h handler) listInbox(c echo.Context) error {
	q := httpx.NewQuery(c)
	f := leads.InboxFilter{States: enum(q, "state", leads.InboxStates())}
	f.ReceivedFrom, f.ReceivedBefore = q.TimeRange("received_at")
	q.Fields(InboxDocument{})
	p := q.Page("-received_at", "received_at")
	if err := q.Err(); err != nil {
		return err
	}
	found, err := h.leads.ListDocuments(c.Request().Context(), httpx.ActorOf(c), f, p)
	if err != nil {
		return err
	}
	return httpx.List(c, q, page.Map(found, documentOf))
}

// inboxChanges steps through documents as they are read and corrected.
//
//	@ID				listInboxChanges
//	@Summary		Follow the inbox
//	@Description	Without a cursor it begins with every document as it is now; afterwards it gives those that were read since, and those
//	@Description	corrected or replayed. Come back with next_cursor; has_more tells whether there is more at once. 410 means: begin again
//	@Description	without a cursor. It needs inbox:read for the whole account.
//	@Tags			inbox
//	@Success		200	{object}	httpx.ChangesOf[InboxDocument]
//	@Failure		410	{object}	httpx.Problem	"the cursor's history is gone"
//	@Security		Bearer
//	@Router			/inbox/changes [get]
func (h handler) inboxChanges(c echo.Context) error {
	q := httpx.NewQuery(c)
	cursor, limit := q.Changes()
	if err := q.Err(); err != nil {
		return err
	}
	got, err := h.leads.DocumentChanges(c.Request().Context(), httpx.ActorOf(c), cursor, limit)
	if err != nil {
		return err
	}
	return httpx.Changes(c, q, mapChanges(got, func(d *leads.Document) InboxDocument { return documentOf(*d) }))
}

// getDocument reads one document.
//
//	@ID				getInboxDocument
//	@Summary		Read an inbound document
//	@Description	What became of it; the bytes are at /raw.
//	@Tags			inbox
//	@Param			id	path		string	true	"id of the document"	format(uuid)
//	@Success		200	{object}	InboxDocument
//	@Security		Bearer
//	@Router			/inbox/{id} [get]
func (h handler) getDocument(c echo.Context) error {
	id, err := httpx.PathID[kernel.InboxID](c, "id")
	if err != nil {
		return err
	}
	q := httpx.NewQuery(c)
	if err := q.Err(); err != nil {
		return err
	}
	d, err := h.leads.FindDocument(c.Request().Context(), httpx.ActorOf(c), id)
	if err != nil {
		return err
	}
	return httpx.One(c, q, httpx.Reply{Body: documentOf(d), Version: d.Version})
}

// rawDocument gives the bytes.
//
//	@ID				getInboxDocumentRaw
//	@Summary		Read a document's bytes
//	@Description	The document as it came in, or as last corrected. It is sent as a download, never to be shown as a page.
//	@Tags			inbox
//	@Produce		application/octet-stream
//	@Param			id	path		string	true	"id of the document"	format(uuid)
//	@Success		200	{file}		binary
//	@Security		Bearer
//	@Router			/inbox/{id}/raw [get]
func (h handler) rawDocument(c echo.Context) error {
	id, err := httpx.PathID[kernel.InboxID](c, "id")
	if err != nil {
		return err
	}
	q := httpx.NewQuery(c)
	if err := q.Err(); err != nil {
		return err
	}
	if _, err := httpx.Negotiate(c, echo.MIMEOctetStream); err != nil {
		return err
	}
	d, body, err := h.leads.RawDocument(c.Request().Context(), httpx.ActorOf(c), id)
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderContentDisposition, `attachment; filename="`+d.ID.String()+`.txt"`)
	return httpx.OneOf(c, echo.MIMEOctetStream, httpx.Reply{}, body)
}

// replay reads a document again.
//
//	@ID				replayInboxDocument
//	@Summary		Replay a document
//	@Description	Reads a quarantined or rejected document again. With a body, that is the correction: it is kept beside the original and read in its
//	@Description	place. Answers as the sending of the document does.
//	@Tags			inbox
//	@Accept			application/xml,application/x-adf+xml,text/xml,text/plain
//	@Param			id		path		string	true	"id of the document"	format(uuid)
//	@Param			body	body		string	false	"the corrected document"
//	@Success		201		{object}	Receipt
//	@Success		200		{object}	Receipt
//	@Success		202		{object}	Receipt
//	@Failure		409		{object}	httpx.Problem	"the document has made its leads"
//	@Security		Bearer
//	@Router			/inbox/{id}/replay [post]
func (h handler) replay(c echo.Context) error {
	id, err := httpx.PathID[kernel.InboxID](c, "id")
	if err != nil {
		return err
	}
	body, err := httpx.Body(c)
	if err != nil {
		return err
	}
	if len(body) == 0 {
		body = nil
	} else if _, err := inboundOf(c); err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		status, answer, err := h.leads.Replay(ctx, actor, id, body)
		return httpx.Reply{Status: status, Body: json.RawMessage(answer)}, err
	})
}
