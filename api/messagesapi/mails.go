package messagesapi

import (
	"context"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/messages"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/mail"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// Mail is a mail that goes out, and what became of it.
type Mail struct {
	ID           kernel.MailID            `json:"id"`
	Version      int64                    `json:"version" example:"3"`
	Template     string                   `json:"template" example:"user.invitation"` // the kind of message
	DealershipID *kernel.DealershipID     `json:"dealership_id"`
	Language     string                   `json:"language" example:"fr"`
	State        messages.MailState       `json:"state" example:"sent"`
	To           Mailbox                  `json:"to"`
	From         Mailbox                  `json:"from"`
	Subject      string                   `json:"subject"`
	MessageID    string                   `json:"message_id" example:"0192f3a1-7b2c-4def-8123-456789abcdef@crm.example"` // the same however often it is sent
	Confidential bool                     `json:"confidential"`                                                          // what it says is for its recipient alone
	AnswersID    *kernel.InboundMessageID `json:"answers_id"`                                                            // the incoming message that it answers by itself
	Attempts     int                      `json:"attempts"`
	Error        *MailError               `json:"error"` // what went wrong last
	SentAt       *time.Time               `json:"sent_at"`
	BouncedAt    *time.Time               `json:"bounced_at"`
	CreatedAt    time.Time                `json:"created_at"`
	UpdatedAt    time.Time                `json:"updated_at"`
} //	@name	Mail

// Mailbox is an address with the name that is shown for it.
type Mailbox struct {
	Name  *string `json:"name" example:"Ada Exemple"`
	Email string  `json:"email" example:"ada@garage.example"`
} //	@name	Mailbox

// MailError is why a mail did not arrive.
type MailError struct {
	Stage  string `json:"stage" enums:"connect,tls,sign_in,from,to,data,bounce" example:"to"` // how far it came
	Code   *int   `json:"code" example:"550"`                                                 // the reply code of the server; null when it gave none
	Detail string `json:"detail" example:"5.1.1 no such user"`
} //	@name	MailError

// MailInFull is a mail with what it says.
type MailInFull struct {
	Mail
	Text *string `json:"text"` // null when it is confidential, or no longer kept
	HTML *string `json:"html"`
} //	@name	MailInFull

func mailboxOf(a mail.Address) Mailbox { return Mailbox{Name: orNull(a.Name), Email: a.Email} }

func fromMail(m messages.Mail) Mail {
	out := Mail{
		ID: m.ID, Version: m.Version, Template: m.Template, DealershipID: m.Dealership, Language: m.Language, State: m.State, To: mailboxOf(m.To),
		From: mailboxOf(m.From), Subject: m.Subject, MessageID: m.MessageID, Confidential: m.Confidential, AnswersID: m.Answers, Attempts: m.Attempts,
		SentAt: m.SentAt, BouncedAt: m.BouncedAt, CreatedAt: m.CreatedAt, UpdatedAt: m.UpdatedAt,
	}
	if m.Error != (messages.MailError{}) {
		out.Error = &MailError{Stage: m.Error.Stage, Code: orNull(m.Error.Code), Detail: m.Error.Detail}
	}
	return out
}

func mailReply(m messages.Mail) httpx.Reply {
	return httpx.Reply{Body: fromMail(m), Version: m.Version}
}

// listMails pages through the ledger.
//
//	@ID				listMails
//	@Summary		List mail that goes out
//	@Description	Every mail and what became of it, newest first. unknown is a mail that had begun to leave when a process or a connection was
//	@Description	lost: it is never sent again by itself.
//	@Tags			messages
//	@Param			state			query		[]messages.MailState	false	"only in these states"			collectionFormat(csv)
//	@Param			template		query		string					false	"only of this kind of message"
//	@Param			to				query		string					false	"only to this address"
//	@Param			dealership_id	query		string					false	"only of this dealership"		format(uuid)
//	@Param			created_at[gte]	query		string					false	"queued at or after"			format(date-time)
//	@Param			created_at[gt]	query		string					false	"queued after"					format(date-time)
//	@Param			created_at[lte]	query		string					false	"queued at or before"			format(date-time)
//	@Param			created_at[lt]	query		string					false	"queued before"					format(date-time)
//	@Param			sort			query		string					false	"order"							Enums(created_at,-created_at,updated_at,-updated_at)
//	@Param			fields			query		[]string				false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200				{object}	httpx.ListOf[Mail]
//	@Security		Bearer
//	@Router			/mails [get]
func (h handler) listMails(c echo.Context) error {
	q := httpx.NewQuery(c)
	f := messages.MailFilter{
		States: enum(q, "state", messages.MailStates()), Template: q.Text("template", 100), To: q.Text("to", 254),
		Dealership: httpx.QueryID[kernel.DealershipID](q, "dealership_id"),
	}
	f.CreatedFrom, f.CreatedBefore = q.TimeRange("created_at")
	q.Fields(Mail{})
	p := q.Page("-created_at", "created_at", "updated_at")
	if err := q.Err(); err != nil {
		return err
	}
	found, err := h.messages.ListMails(c.Request().Context(), httpx.ActorOf(c), f, p)
	if err != nil {
		return err
	}
	return httpx.List(c, q, page.Map(found, fromMail))
}

// mailChanges reads what became of mail since the last time.
//
//	@ID				listMailChanges
//	@Summary		Follow mail that goes out
//	@Description	First every mail as it is now, then each whose state has changed since. It needs messages:read for the whole account.
//	@Tags			messages
//	@Success		200	{object}	httpx.ChangesOf[Mail]
//	@Security		Bearer
//	@Router			/mails/changes [get]
func (h handler) mailChanges(c echo.Context) error {
	return httpx.Follow(c, h.messages.MailChanges, fromMail)
}

// getMail reads a mail.
//
//	@ID				getMail
//	@Summary		Read a mail
//	@Description	What became of it, and what it says unless that is confidential.
//	@Tags			messages
//	@Param			id		path		string		true	"id of the mail"				format(uuid)
//	@Param			fields	query		[]string	false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200		{object}	MailInFull
//	@Security		Bearer
//	@Router			/mails/{id} [get]
func (h handler) getMail(c echo.Context) error {
	return one(c, MailInFull{}, func(ctx context.Context, actor auth.Actor, id kernel.MailID) (httpx.Reply, error) {
		m, content, err := h.messages.FindMail(ctx, actor, id)
		out := MailInFull{Mail: fromMail(m)}
		if content != nil {
			out.Text, out.HTML = &content.Text, &content.HTML
		}
		return httpx.Reply{Body: out, Version: m.Version}, err
	})
}

// resendMail sends a mail once more.
//
//	@ID				resendMail
//	@Summary		Send a mail again
//	@Description	For a mail that failed, bounced or is unknown. Its Message-ID stays the same. Of an unknown mail the recipient may get a second copy.
//	@Tags			messages
//	@Param			id	path		string	true	"id of the mail"	format(uuid)
//	@Success		200	{object}	Mail
//	@Failure		409	{object}	httpx.Problem	"it is on its way or has arrived, or what it said is no longer kept"
//	@Security		Bearer
//	@Router			/mails/{id}/resend [post]
func (h handler) resendMail(c echo.Context) error {
	return httpx.OnOne(c, h.units, func(ctx context.Context, actor auth.Actor, id kernel.MailID, ifMatch *int64) (httpx.Reply, error) {
		m, err := h.messages.Resend(ctx, actor, id, ifMatch)
		return mailReply(m), err
	})
}
