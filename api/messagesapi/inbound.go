package messagesapi

import (
	"context"
	"encoding/hex"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/messages"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/mail"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// InboundMessage is a mail that came in, as one recipient got it.
type InboundMessage struct {
	ID           kernel.InboundMessageID `json:"id"`
	Version      int64                   `json:"version" example:"2"`
	Purpose      messages.Purpose        `json:"purpose" example:"intake"` // of the address it came to
	State        messages.InboundState   `json:"state" example:"handled"`
	Kind         mail.Kind               `json:"kind" example:"personal"` // what sort of message it is; only a personal one is ever answered by a program
	AddressID    *kernel.MailAddressID   `json:"address_id"`
	MailID       *kernel.MailID          `json:"mail_id"` // the mail that it answers or reports on
	DealershipID *kernel.DealershipID    `json:"dealership_id"`
	Recipient    string                  `json:"recipient" example:"garage-dupont-k3vq7p2a@in.crm.example"`
	Sender       string                  `json:"sender" example:"helene@fr.example"` // of the envelope; empty for the null sender of reports
	From         *Mailbox                `json:"from"`                               // as the message says
	Subject      string                  `json:"subject"`
	MessageID    *string                 `json:"message_id"`
	Note         *string                 `json:"note"`   // why it is in its state
	Checks       *SenderChecks           `json:"checks"` // null until they were made
	Encrypted    bool                    `json:"encrypted"`
	SizeBytes    int64                   `json:"size_bytes" example:"2048"`
	SHA256       string                  `json:"sha256" example:"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`
	ReceivedAt   time.Time               `json:"received_at"`
	HandledAt    *time.Time              `json:"handled_at"`
	UpdatedAt    time.Time               `json:"updated_at"`
} //	@name	InboundMessage

// SenderChecks is what DNS says of the sender. Nothing is refused for it.
type SenderChecks struct {
	SPF    mail.Result `json:"spf" example:"pass"`
	DKIM   mail.Result `json:"dkim" example:"pass"`
	DMARC  mail.Result `json:"dmarc" example:"pass"`
	Domain string      `json:"domain" example:"fr.example"` // of the From header
} //	@name	SenderChecks

// InboundMessageInFull is a message with what it says.
type InboundMessageInFull struct {
	InboundMessage
	Text        string              `json:"text"`
	HTML        *string             `json:"html"` // as it was sent: show it in a frame without scripts, or not at all
	Attachments []InboundAttachment `json:"attachments"`
} //	@name	InboundMessageInFull

// InboundAttachment is a file that came with a message. Its bytes are in /raw.
type InboundAttachment struct {
	Name      string `json:"name" example:"photo.jpg"`
	MediaType string `json:"media_type" example:"image/jpeg"` // as the sender says
	SizeBytes int64  `json:"size_bytes" example:"204800"`
} //	@name	InboundAttachment

func fromInbound(in messages.Inbound) InboundMessage {
	out := InboundMessage{
		ID: in.ID, Version: in.Version, Purpose: in.Purpose, State: in.State, Kind: in.Kind, AddressID: in.Address, MailID: in.Mail,
		DealershipID: in.Dealership, Recipient: in.Recipient, Sender: in.Sender, Subject: in.Subject, MessageID: orNull(in.MessageID), Note: orNull(in.Note),
		Encrypted: in.Encrypted, SizeBytes: in.Size, SHA256: hex.EncodeToString(in.SHA256[:]), ReceivedAt: in.ReceivedAt, HandledAt: in.HandledAt,
		UpdatedAt: in.UpdatedAt,
	}
	if in.From.Email != "" {
		from := mailboxOf(in.From)
		out.From = &from
	}
	if c := in.Checks; c != nil {
		out.Checks = &SenderChecks{SPF: c.SPF, DKIM: c.DKIM, DMARC: c.DMARC, Domain: c.Domain}
	}
	return out
}

// listInbound pages through messages that came in.
//
//	@ID				listInboundMessages
//	@Summary		List mail that came in
//	@Description	Every message, one entry for each recipient, newest first: enquiries, answers to mail, delivery reports.
//	@Tags			messages
//	@Param			state				query		[]messages.InboundState	false	"only in these states"			collectionFormat(csv)
//	@Param			purpose				query		[]messages.Purpose		false	"only to addresses for these"	collectionFormat(csv)
//	@Param			kind				query		[]mail.Kind				false	"only of these kinds"			collectionFormat(csv)
//	@Param			address_id			query		string					false	"only to this address"			format(uuid)
//	@Param			mail_id				query		string					false	"only about this mail"			format(uuid)
//	@Param			dealership_id		query		string					false	"only of this dealership"		format(uuid)
//	@Param			received_at[gte]	query		string					false	"received at or after"			format(date-time)
//	@Param			received_at[gt]		query		string					false	"received after"				format(date-time)
//	@Param			received_at[lte]	query		string					false	"received at or before"			format(date-time)
//	@Param			received_at[lt]		query		string					false	"received before"				format(date-time)
//	@Param			sort				query		string					false	"order"							Enums(received_at,-received_at,updated_at,-updated_at)
//	@Param			fields				query		[]string				false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200					{object}	httpx.ListOf[InboundMessage]
//	@Security		Bearer
//	@Router			/inbound-messages [get]
func (h handler) listInbound(c echo.Context) error {
	q := httpx.NewQuery(c)
	f := messages.InboundFilter{
		States: enum(q, "state", messages.InboundStates()), Purposes: enum(q, "purpose", messages.Purposes()), Kinds: enum(q, "kind", mail.Kinds()),
		Address: httpx.QueryID[kernel.MailAddressID](q, "address_id"), Mail: httpx.QueryID[kernel.MailID](q, "mail_id"),
		Dealership: httpx.QueryID[kernel.DealershipID](q, "dealership_id"),
	}
	f.ReceivedFrom, f.ReceivedBefore = q.TimeRange("received_at")
	q.Fields(InboundMessage{})
	p := q.Page("-received_at", "received_at", "updated_at")
	if err := q.Err(); err != nil {
		return err
	}
	found, err := h.messages.ListInbound(c.Request().Context(), httpx.ActorOf(c), f, p)
	if err != nil {
		return err
	}
	return httpx.List(c, q, page.Map(found, fromInbound))
}

// inboundChanges reads what came in since the last time.
//
//	@ID				listInboundMessageChanges
//	@Summary		Follow mail that comes in
//	@Description	First every message as it is now, then each that came or changed since. It needs messages:read for the whole account.
//	@Tags			messages
//	@Success		200	{object}	httpx.ChangesOf[InboundMessage]
//	@Security		Bearer
//	@Router			/inbound-messages/changes [get]
func (h handler) inboundChanges(c echo.Context) error {
	return httpx.Follow(c, h.messages.InboundChanges, fromInbound)
}

// getInbound reads a message.
//
//	@ID				getInboundMessage
//	@Summary		Read a mail that came in
//	@Description	What it says, as far as it can be read; the bytes are at /raw.
//	@Tags			messages
//	@Param			id		path		string		true	"id of the message"				format(uuid)
//	@Param			fields	query		[]string	false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200		{object}	InboundMessageInFull
//	@Security		Bearer
//	@Router			/inbound-messages/{id} [get]
func (h handler) getInbound(c echo.Context) error {
	return one(c, InboundMessageInFull{}, func(ctx context.Context, actor auth.Actor, id kernel.InboundMessageID) (httpx.Reply, error) {
		in, read, err := h.messages.ReadInbound(ctx, actor, id)
		out := InboundMessageInFull{InboundMessage: fromInbound(in), Text: read.Text, HTML: orNull(read.HTML)}
		out.Attachments = httpx.Mapped(read.Attachments, func(a mail.Attachment) InboundAttachment {
			return InboundAttachment{Name: a.Name, MediaType: a.MediaType, SizeBytes: int64(len(a.Body))}
		})
		return httpx.Reply{Body: out, Version: in.Version}, err
	})
}

// rawInbound gives the bytes.
//
//	@ID				getInboundMessageRaw
//	@Summary		Read a message's bytes
//	@Description	The message as it came in. It is sent as a download, never to be shown as a page.
//	@Tags			messages
//	@Produce		application/octet-stream
//	@Param			id	path		string	true	"id of the message"	format(uuid)
//	@Success		200	{file}		binary
//	@Security		Bearer
//	@Router			/inbound-messages/{id}/raw [get]
func (h handler) rawInbound(c echo.Context) error {
	id, err := httpx.PathID[kernel.InboundMessageID](c, "id")
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
	in, raw, err := h.messages.RawInbound(c.Request().Context(), httpx.ActorOf(c), id)
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderContentDisposition, `attachment; filename="`+in.ID.String()+`.eml"`)
	return httpx.OneOf(c, echo.MIMEOctetStream, httpx.Reply{}, raw)
}
