package messagesapi

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/messages"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/merge"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// MessageKind is a kind of message that the installation sends.
type MessageKind struct {
	Name         string            `json:"name" example:"user.invitation"`
	Description  string            `json:"description" example:"Somebody is invited to work for the account."` // when it is sent
	Confidential bool              `json:"confidential"`                                                       // what is sent is shown to nobody but its recipient
	Variables    []MessageVariable `json:"variables"`
	BuiltIn      []BuiltInWording  `json:"built_in"` // how it is worded where there is no template
} //	@name	MessageKind

// MessageKindList is every kind of message.
type MessageKindList struct {
	Data []MessageKind `json:"data"`
} //	@name	MessageKindList

// MessageVariable is something that a template may name as {{name}}.
type MessageVariable struct {
	Name        string `json:"name" example:"first_name"`
	Kind        string `json:"kind" enums:"text,url,time" example:"text"`
	Description string `json:"description"`
	Required    bool   `json:"required"` // the message is of no use without it, so a template should name it
	Example     string `json:"example" example:"Ada"`
} //	@name	MessageVariable

// BuiltInWording is how a message is worded in one language where there is no template.
type BuiltInWording struct {
	Language string `json:"language" example:"fr"`
	Subject  string `json:"subject"`
	Text     string `json:"text"`
} //	@name	BuiltInWording

func fromKind(k messages.Kind) MessageKind {
	out := MessageKind{Name: k.Name, Description: k.What, Confidential: k.Confidential, BuiltIn: []BuiltInWording{}}
	out.Variables = httpx.Mapped(k.Variables, func(v messages.Variable) MessageVariable {
		return MessageVariable{Name: v.Name, Kind: string(v.Kind), Description: v.What, Required: v.Required, Example: v.Example}
	})
	for _, language := range slices.Sorted(maps.Keys(k.BuiltIn)) {
		w := k.BuiltIn[language]
		out.BuiltIn = append(out.BuiltIn, BuiltInWording{Language: language, Subject: w.Subject, Text: w.Text})
	}
	return out
}

// MessageTemplate is the account's own wording of a message.
type MessageTemplate struct {
	ID           kernel.MessageTemplateID `json:"id"`
	Version      int64                    `json:"version" example:"2"`
	Name         string                   `json:"name" example:"user.invitation"` // of the kind of message
	DealershipID *kernel.DealershipID     `json:"dealership_id"`                  // null: for all of the account
	Language     string                   `json:"language" example:"fr"`
	Subject      string                   `json:"subject" example:"Bienvenue chez {{account_name}}"`
	Text         string                   `json:"text" example:"Bonjour {{first_name}}, c'est ici : {{link}}"`
	HTML         *string                  `json:"html"` // null: made from the text
	CreatedAt    time.Time                `json:"created_at"`
	UpdatedAt    time.Time                `json:"updated_at"`
	DeletedAt    *time.Time               `json:"deleted_at"`
} //	@name	MessageTemplate

// CreateMessageTemplate is what makes a template.
type CreateMessageTemplate struct {
	Name         string               `json:"name" validate:"required,max=100" example:"user.invitation"`
	DealershipID *kernel.DealershipID `json:"dealership_id,omitempty"` // for all of the account when left out or null
	Language     string               `json:"language" validate:"required,max=35" example:"fr"`
	Subject      string               `json:"subject" validate:"required,max=200" example:"Bienvenue chez {{account_name}}"`
	Text         string               `json:"text" validate:"required,max=50000" example:"Bonjour {{first_name}}, c'est ici : {{link}}"`
	HTML         *string              `json:"html,omitempty" validate:"omitempty,max=200000"` // made from the text when left out or null
} //	@name	CreateMessageTemplate

// PatchMessageTemplate changes what a template says.
type PatchMessageTemplate struct {
	Subject merge.Field[string] `json:"subject" validate:"max=200" extensions:"!x-nullable" example:"Bienvenue chez {{account_name}}"`
	Text    merge.Field[string] `json:"text" validate:"max=50000" extensions:"!x-nullable"`
	HTML    merge.Field[string] `json:"html" validate:"max=200000"` // null: made from the text
} //	@name	PatchMessageTemplate

// MessageDraft is a message to look at or to try out.
type MessageDraft struct {
	Name         string               `json:"name" validate:"required,max=100" example:"user.invitation"`
	DealershipID *kernel.DealershipID `json:"dealership_id,omitempty"`
	Language     string               `json:"language,omitempty" validate:"max=35" example:"fr"` // the account's when left out
	Wording      *DraftWording        `json:"wording,omitempty"`                                 // the one that would be used when left out
	Variables    []DraftVariable      `json:"variables,omitempty" validate:"max=50"`             // in place of the examples
} //	@name	MessageDraft

// TestMessage is a message to try out, and who is to get it.
type TestMessage struct {
	MessageDraft
	UserID *kernel.UserID `json:"user_id,omitempty"` // whoever asks, when left out; a key must name a user
} //	@name	TestMessage

// DraftWording is a wording that is being written.
type DraftWording struct {
	Subject string  `json:"subject" validate:"required,max=200"`
	Text    string  `json:"text" validate:"required,max=50000"`
	HTML    *string `json:"html,omitempty" validate:"omitempty,max=200000"`
} //	@name	DraftWording

// DraftVariable is a value to try out.
type DraftVariable struct {
	Name  string `json:"name" validate:"required,max=100" example:"first_name"`
	Value string `json:"value" validate:"max=2000" example:"Ada"`
} //	@name	DraftVariable

// RenderedMessage is a message as its recipient sees it.
type RenderedMessage struct {
	Subject string `json:"subject"`
	Text    string `json:"text"`
	HTML    string `json:"html"`
} //	@name	RenderedMessage

func fromTemplate(t messages.Template) MessageTemplate {
	return MessageTemplate{
		ID: t.ID, Version: t.Version, Name: t.Name, DealershipID: t.Dealership, Language: t.Language, Subject: t.Subject, Text: t.Text, HTML: orNull(t.HTML),
		CreatedAt: t.CreatedAt, UpdatedAt: t.UpdatedAt, DeletedAt: t.DeletedAt,
	}
}

func templateReply(t messages.Template) httpx.Reply {
	return httpx.Reply{Body: fromTemplate(t), Version: t.Version}
}

func wordingOf(subject, text string, html *string) messages.Wording {
	w := messages.Wording{Subject: subject, Text: text}
	if html != nil {
		w.HTML = *html
	}
	return w
}

func (in MessageDraft) toDomain() messages.Draft {
	d := messages.Draft{
		TemplateKey: messages.TemplateKey{Name: in.Name, Dealership: in.DealershipID, Language: in.Language}, Variables: make(map[string]string, len(in.Variables)),
	}
	if in.Wording != nil {
		w := wordingOf(in.Wording.Subject, in.Wording.Text, in.Wording.HTML)
		d.Wording = &w
	}
	for _, v := range in.Variables {
		d.Variables[v.Name] = v.Value
	}
	return d
}

// listKinds lists the kinds of message.
//
//	@ID				listMessageKinds
//	@Summary		List the kinds of message
//	@Description	What the installation sends by mail, the variables of each, and its wording where there is no template. A template names
//	@Description	a variable as {{name}}; what stands between {{#name}} and {{/name}} is there when the variable is not empty.
//	@Tags			messages
//	@Success		200	{object}	MessageKindList
//	@Security		Bearer
//	@Router			/message-kinds [get]
func (h handler) listKinds(c echo.Context) error {
	q := httpx.NewQuery(c)
	if err := q.Err(); err != nil {
		return err
	}
	kinds, err := h.messages.ListKinds(httpx.ActorOf(c))
	if err != nil {
		return err
	}
	return httpx.One(c, q, httpx.Reply{Body: MessageKindList{Data: httpx.Mapped(kinds, fromKind)}})
}

// createTemplate keeps a wording.
//
//	@ID				createMessageTemplate
//	@Summary		Word a message
//	@Description	A message is sent in the recipient's language, else the account's, else English; in each, a dealership's template comes before the
//	@Description	account's, and that before the built-in wording. A variable that the message has not is refused by name.
//	@Tags			messages
//	@Accept			json
//	@Param			body	body		CreateMessageTemplate	true	"the template"
//	@Success		201		{object}	MessageTemplate
//	@Failure		409		{object}	httpx.Problem	"there is one for this message, dealership and language"
//	@Security		Bearer
//	@Router			/message-templates [post]
func (h handler) createTemplate(c echo.Context) error {
	in, err := httpx.Bind[CreateMessageTemplate](c)
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	key := messages.TemplateKey{Name: in.Name, Dealership: in.DealershipID, Language: in.Language}
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		t, err := h.messages.CreateTemplate(ctx, actor, key, wordingOf(in.Subject, in.Text, in.HTML))
		r := templateReply(t)
		r.Status, r.Location = http.StatusCreated, "/v1/message-templates/"+t.ID.String()
		return r, err
	})
}

// listTemplates pages through templates.
//
//	@ID				listMessageTemplates
//	@Summary		List templates
//	@Description	The account's own wordings, newest first.
//	@Tags			messages
//	@Param			name			query		string		false	"only of this kind of message"
//	@Param			language		query		string		false	"only in this language"
//	@Param			dealership_id	query		string		false	"only of this dealership"	format(uuid)
//	@Param			sort			query		string		false	"order"						Enums(created_at,-created_at,updated_at,-updated_at)
//	@Param			fields			query		[]string	false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200				{object}	httpx.ListOf[MessageTemplate]
//	@Security		Bearer
//	@Router			/message-templates [get]
func (h handler) listTemplates(c echo.Context) error {
	q := httpx.NewQuery(c)
	f := messages.TemplateFilter{
		Name: q.Text("name", 100), Language: q.Text("language", 35), Dealership: httpx.QueryID[kernel.DealershipID](q, "dealership_id"),
	}
	q.Fields(MessageTemplate{})
	p := q.Page("-created_at", "created_at", "updated_at")
	if err := q.Err(); err != nil {
		return err
	}
	found, err := h.messages.ListTemplates(c.Request().Context(), httpx.ActorOf(c), f, p)
	if err != nil {
		return err
	}
	return httpx.List(c, q, page.Map(found, fromTemplate))
}

// templateChanges reads what became of templates since the last time.
//
//	@ID				listMessageTemplateChanges
//	@Summary		Follow templates
//	@Description	First every template as it is now, then each that was changed since, deleted ones with deleted_at.
//	@Tags			messages
//	@Success		200	{object}	httpx.ChangesOf[MessageTemplate]
//	@Security		Bearer
//	@Router			/message-templates/changes [get]
func (h handler) templateChanges(c echo.Context) error {
	return httpx.Follow(c, h.messages.TemplateChanges, fromTemplate)
}

// preview shows a message as it would be sent.
//
//	@ID				previewMessage
//	@Summary		Preview a message
//	@Description	The message as its recipient would see it: with the template that would be used, or with a wording that is being written, and with
//	@Description	the values given or examples. Nothing is sent or kept.
//	@Tags			messages
//	@Accept			json
//	@Param			body	body		MessageDraft	true	"the message"
//	@Success		200		{object}	RenderedMessage
//	@Security		Bearer
//	@x-safe			true
//	@Router			/message-templates/preview [post]
func (h handler) preview(c echo.Context) error {
	in, err := httpx.Bind[MessageDraft](c)
	if err != nil {
		return err
	}
	q := httpx.NewQuery(c)
	if err := q.Err(); err != nil {
		return err
	}
	r, err := h.messages.Preview(c.Request().Context(), httpx.ActorOf(c), in.toDomain())
	if err != nil {
		return err
	}
	return httpx.One(c, q, httpx.Reply{Body: RenderedMessage{Subject: r.Subject, Text: r.Text, HTML: r.HTML}})
}

// sendTest sends a message to whoever asks.
//
//	@ID				sendTestMessage
//	@Summary		Send a test message
//	@Description	Sends the message, as a preview would show it, to the user who asks or to another one of the account. Its way can be followed at /v1/mails/{id}.
//	@Tags			messages
//	@Accept			json
//	@Param			body	body		TestMessage	true	"the message"
//	@Success		201		{object}	Mail
//	@Security		Bearer
//	@Router			/message-templates/test [post]
func (h handler) sendTest(c echo.Context) error {
	in, err := httpx.Bind[TestMessage](c)
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		m, err := h.messages.SendTest(ctx, actor, in.toDomain(), in.UserID)
		r := mailReply(m)
		r.Status, r.Location = http.StatusCreated, "/v1/mails/"+m.ID.String()
		return r, err
	})
}

// getTemplate reads a template.
//
//	@ID				getMessageTemplate
//	@Summary		Read a template
//	@Description	One of the account's own wordings.
//	@Tags			messages
//	@Param			id		path		string		true	"id of the template"			format(uuid)
//	@Param			fields	query		[]string	false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200		{object}	MessageTemplate
//	@Security		Bearer
//	@Router			/message-templates/{id} [get]
func (h handler) getTemplate(c echo.Context) error {
	return one(c, MessageTemplate{}, func(ctx context.Context, actor auth.Actor, id kernel.MessageTemplateID) (httpx.Reply, error) {
		t, err := h.messages.FindTemplate(ctx, actor, id)
		return templateReply(t), err
	})
}

// patchTemplate changes a template.
//
//	@ID				patchMessageTemplate
//	@Summary		Change a template
//	@Description	JSON Merge Patch. What is on its way already keeps its wording.
//	@Tags			messages
//	@Accept			application/merge-patch+json
//	@Param			id		path		string					true	"id of the template"	format(uuid)
//	@Param			body	body		PatchMessageTemplate	true	"what changes"
//	@Success		200		{object}	MessageTemplate
//	@Security		Bearer
//	@Router			/message-templates/{id} [patch]
func (h handler) patchTemplate(c echo.Context) error {
	in, err := httpx.BindPatch[PatchMessageTemplate](c)
	if err != nil {
		return err
	}
	return httpx.OnOne(c, h.units, func(ctx context.Context, actor auth.Actor, id kernel.MessageTemplateID, ifMatch *int64) (httpx.Reply, error) {
		t, err := h.messages.UpdateTemplate(ctx, actor, id, ifMatch, func(w *messages.Wording) {
			in.Subject.Apply(&w.Subject)
			in.Text.Apply(&w.Text)
			in.HTML.Apply(&w.HTML)
		})
		return templateReply(t), err
	})
}

// deleteTemplate takes a template away.
//
//	@ID				deleteMessageTemplate
//	@Summary		Delete a template
//	@Description	The next best wording is used from now on.
//	@Tags			messages
//	@Param			id	path	string	true	"id of the template"	format(uuid)
//	@Success		204
//	@Security		Bearer
//	@Router			/message-templates/{id} [delete]
func (h handler) deleteTemplate(c echo.Context) error {
	return httpx.OnOne(c, h.units, func(ctx context.Context, actor auth.Actor, id kernel.MessageTemplateID, ifMatch *int64) (httpx.Reply, error) {
		return httpx.Reply{}, h.messages.DeleteTemplate(ctx, actor, id, ifMatch)
	})
}
