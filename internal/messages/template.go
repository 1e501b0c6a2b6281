package messages

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/audit"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/locale"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// ErrTemplateTaken is the answer to a second wording of the same message, place and language.
var ErrTemplateTaken = errs.New(errs.Conflict, "message_template.taken",
	"There is a template for this message, dealership and language already. Change that one.")

// Template is an account's own wording of a message, in one language, for all of it or for one dealership.
type Template struct {
	ID      kernel.MessageTemplateID
	Version int64
	TemplateKey
	Wording
	CreatedAt time.Time
	UpdatedAt time.Time
	DeletedAt *time.Time
}

// TemplateKey says which message a template words, for whom and in which language. It never changes.
type TemplateKey struct {
	Name       string
	Dealership *kernel.DealershipID
	Language   string
}

// TemplateFilter narrows a list. A zero field does not narrow.
type TemplateFilter struct {
	Name       string
	Language   string
	Dealership *kernel.DealershipID
}

// PageKey is where a page sorted that way ends with this template.
func (t Template) PageKey(sort page.Sort) page.Key {
	return pageKey(sort, uuid.UUID(t.ID), t.CreatedAt, t.UpdatedAt)
}

func (t Template) open() audit.Fields {
	return audit.Fields{"name": t.Name, "dealership_id": t.Dealership, "language": t.Language, "deleted_at": t.DeletedAt}
}

// CreateTemplate keeps a wording. It fails with every bad field, or with ErrTemplateTaken.
func (s *Service) CreateTemplate(ctx context.Context, actor auth.Actor, key TemplateKey, w Wording) (Template, error) {
	if err := requireAccountWide(actor, auth.AccountWrite); err != nil {
		return Template{}, err
	}
	kind, wrong := kindNamed(key.Name)
	language, ok := locale.Language(key.Language)
	if !ok {
		wrong = append(wrong, errs.Field{Pointer: "/language", Code: "invalid", Detail: "Give a language as BCP 47 does, such as fr or en-GB."})
	}
	if kind.Name != "" { // else nobody knows what it may name
		wrong = append(wrong, w.Validate(kind.Variables)...)
	}
	key.Language = language
	now := s.Now()
	t := Template{ID: kernel.NewID[kernel.MessageTemplateID](), Version: 1, TemplateKey: key, Wording: w, CreatedAt: now, UpdatedAt: now}
	return t, s.Units.InTx(ctx, func(ctx context.Context) error {
		place, err := s.place(ctx, actor.Account, key.Dealership)
		if err != nil {
			return err
		}
		if wrong := append(wrong, place...); len(wrong) > 0 {
			return errs.InvalidFields(wrong...)
		}
		if err := s.Store.InsertTemplate(ctx, actor.Account, t); err != nil {
			return err
		}
		return s.administer(ctx, actor, now, event{ResourceTemplate, "created", uuid.UUID(t.ID), 1, nil}, nil, t.open())
	})
}

// ListKinds lists the messages that the installation sends.
func (s *Service) ListKinds(actor auth.Actor) ([]Kind, error) {
	if err := requireAccountWide(actor, auth.AccountRead); err != nil {
		return nil, err
	}
	return Kinds(), nil
}

// kindNamed is the message of that name, or what is wrong with the name.
func kindNamed(name string) (Kind, []errs.Field) {
	kind, ok := KindNamed(name)
	if !ok {
		return kind, []errs.Field{{Pointer: "/name", Code: "unknown", Detail: "There is no such message. GET /v1/message-kinds lists them."}}
	}
	return kind, nil
}

// place tells what is wrong with a dealership that somebody named.
func (s *Service) place(ctx context.Context, account kernel.AccountID, id *kernel.DealershipID) ([]errs.Field, error) {
	if id == nil {
		return nil, nil
	}
	_, err := s.Core.DealershipName(ctx, account, *id)
	if errs.IsKind(err, errs.NotFound) {
		return []errs.Field{{Pointer: "/dealership_id", Code: "unknown", Detail: "There is no such dealership."}}, nil
	}
	return nil, err
}

// FindTemplate reads a wording. It fails with ErrNotFound.
func (s *Service) FindTemplate(ctx context.Context, actor auth.Actor, id kernel.MessageTemplateID) (Template, error) {
	if err := requireAccountWide(actor, auth.AccountRead); err != nil {
		return Template{}, err
	}
	t, err := s.Store.Template(ctx, actor.Account, id)
	if err == nil && t.DeletedAt != nil {
		return Template{}, ErrNotFound
	}
	return t, err
}

// ListTemplates lists the account's own wordings.
func (s *Service) ListTemplates(ctx context.Context, actor auth.Actor, f TemplateFilter, p page.Request) (page.Of[Template], error) {
	if err := requireAccountWide(actor, auth.AccountRead); err != nil {
		return page.Of[Template]{}, err
	}
	return s.Store.ListTemplates(ctx, actor.Account, f, p)
}

// TemplateChanges reads the next changes of wordings, deleted ones too.
func (s *Service) TemplateChanges(ctx context.Context, actor auth.Actor, c outbox.Cursor, limit int) (outbox.Changes[Template], error) {
	if err := requireAccountWide(actor, auth.AccountRead); err != nil {
		return outbox.Changes[Template]{}, err
	}
	return outbox.Read(ctx, s.Events, actor.Account, outbox.Source[Template]{
		Resource: ResourceTemplate,
		List: func(ctx context.Context, after uuid.UUID, limit int) ([]Template, error) {
			return s.Store.TemplatesByID(ctx, actor.Account, after, limit)
		},
		Load: func(ctx context.Context, found []uuid.UUID) ([]Template, error) {
			return s.Store.Templates(ctx, actor.Account, ids[kernel.MessageTemplateID](found))
		},
		ID: func(t Template) uuid.UUID { return uuid.UUID(t.ID) },
	}, c, limit)
}

// UpdateTemplate changes what a wording says.
func (s *Service) UpdateTemplate(
	ctx context.Context, actor auth.Actor, id kernel.MessageTemplateID, ifMatch *int64, edit func(*Wording),
) (Template, error) {
	return s.changeTemplate(ctx, actor, id, ifMatch, "updated", func(t *Template) ([]string, error) {
		before := t.Wording
		edit(&t.Wording)
		kind, _ := KindNamed(t.Name)
		if wrong := t.Wording.Validate(kind.Variables); len(wrong) > 0 {
			return nil, errs.InvalidFields(wrong...)
		}
		var changed []string
		for _, f := range []struct {
			name string
			same bool
		}{
			{"subject", before.Subject == t.Subject},
			{"text", before.Text == t.Text},
			{"html", before.HTML == t.HTML},
		} {
			if !f.same {
				changed = append(changed, f.name)
			}
		}
		return changed, nil
	})
}

// DeleteTemplate takes a wording away: the next best one is used from now on.
func (s *Service) DeleteTemplate(ctx context.Context, actor auth.Actor, id kernel.MessageTemplateID, ifMatch *int64) error {
	_, err := s.changeTemplate(ctx, actor, id, ifMatch, "deleted", func(t *Template) ([]string, error) {
		now := s.Now()
		t.DeletedAt = &now
		return []string{"deleted_at"}, nil
	})
	return err
}

func (s *Service) changeTemplate(
	ctx context.Context, actor auth.Actor, id kernel.MessageTemplateID, ifMatch *int64, verb string, change func(*Template) ([]string, error),
) (Template, error) {
	if err := requireAccountWide(actor, auth.AccountWrite); err != nil {
		return Template{}, err
	}
	var after Template
	err := s.Units.InTx(ctx, func(ctx context.Context) error {
		var before Template
		var changed []string
		var err error
		now := s.Now()
		after, err = s.Store.UpdateTemplate(ctx, actor.Account, id, func(t *Template) (bool, error) {
			if t.DeletedAt != nil {
				return false, ErrNotFound
			}
			if err := checkVersion(ifMatch, t.Version); err != nil {
				return false, err
			}
			before = *t
			if changed, err = change(t); err != nil || len(changed) == 0 {
				return false, err
			}
			t.Version, t.UpdatedAt = t.Version+1, now
			return true, nil
		})
		if err != nil || len(changed) == 0 {
			return err
		}
		return s.administer(ctx, actor, now, event{ResourceTemplate, verb, uuid.UUID(id), after.Version, changed}, before.open(), after.open())
	})
	return after, err
}

// Draft is a message to look at: the wording that would be used, or one that is being written, with values.
type Draft struct {
	TemplateKey
	Wording   *Wording          // nil: the one that would be used
	Variables map[string]string // over the examples
}

// Preview shows a message as it would be sent. Nothing is sent. It fails with every bad field.
func (s *Service) Preview(ctx context.Context, actor auth.Actor, d Draft) (Rendered, error) {
	if err := requireAccountWide(actor, auth.AccountRead); err != nil {
		return Rendered{}, err
	}
	return s.show(ctx, actor.Account, d)
}

// show renders a draft with examples for the values that it has not.
func (s *Service) show(ctx context.Context, account kernel.AccountID, d Draft) (Rendered, error) {
	kind, wrong := kindNamed(d.Name)
	for _, name := range slices.Sorted(maps.Keys(d.Variables)) {
		if !kind.knows(name) && kind.Name != "" {
			wrong = append(wrong, errs.Field{Pointer: "/variables", Code: "unknown_variable", Detail: fmt.Sprintf("There is no variable %q in this message.", printable(name))})
		}
	}
	if d.Wording != nil && kind.Name != "" {
		for _, f := range d.Wording.Validate(kind.Variables) {
			f.Pointer = "/wording" + f.Pointer
			wrong = append(wrong, f)
		}
	}
	place, err := s.place(ctx, account, d.Dealership)
	if err != nil {
		return Rendered{}, err
	}
	if wrong = append(wrong, place...); len(wrong) > 0 {
		return Rendered{}, errs.InvalidFields(wrong...)
	}
	values := kind.Examples()
	for _, v := range common { // these are known
		delete(values, v.Name)
	}
	maps.Copy(values, d.Variables)
	return s.word(ctx, account, kind, d, values)
}

func (k Kind) knows(name string) bool {
	return slices.ContainsFunc(k.Variables, func(v Variable) bool { return v.Name == name })
}

// word puts values into the wording of a draft, or into the one that fits best.
func (s *Service) word(ctx context.Context, account kernel.AccountID, kind Kind, d Draft, values map[string]string) (Rendered, error) {
	a, err := s.Core.Account(ctx, account)
	if err != nil {
		return Rendered{}, err
	}
	language := d.Language
	if language == "" {
		language = a.Language
	}
	w := d.Wording
	if w == nil {
		var best Wording
		if best, language, err = s.wording(ctx, account, kind, d.Dealership, languages(d.Language, a.Language)); err != nil {
			return Rendered{}, err
		}
		w = &best
	}
	filled, err := s.fill(ctx, account, a, kind, d.Dealership, language, values)
	if err != nil {
		return Rendered{}, err
	}
	return w.Render(kind.Variables, filled), nil
}

// languages are those a message may be in, best first: the one asked for, and without its region; then the account's,
// likewise; then English.
func languages(asked, account string) []string {
	var out []string
	add := func(tag string) {
		for _, l := range []string{tag, base(tag)} {
			if l != "" && !slices.Contains(out, l) {
				out = append(out, l)
			}
		}
	}
	add(asked)
	add(account)
	add("en")
	return out
}

// wording finds the best one: the language counts first, then whose it is: the dealership's, the account's, ours.
func (s *Service) wording(
	ctx context.Context, account kernel.AccountID, kind Kind, dealership *kernel.DealershipID, languages []string,
) (Wording, string, error) {
	own, err := s.Store.TemplatesNamed(ctx, account, kind.Name)
	if err != nil {
		return Wording{}, "", err
	}
	for _, language := range languages {
		var everywhere *Wording
		for _, t := range own {
			switch {
			case t.Language != language:
			case t.Dealership == nil:
				everywhere = &t.Wording
			case dealership != nil && *t.Dealership == *dealership:
				return t.Wording, language, nil
			}
		}
		if everywhere != nil {
			return *everywhere, language, nil
		}
		if w, ok := kind.BuiltIn[language]; ok {
			return w, language, nil
		}
	}
	return Wording{}, "", fmt.Errorf("messages: %s is worded in none of %v", kind.Name, languages)
}

// fill adds what is known of the account, and writes times as people of the language do.
func (s *Service) fill(
	ctx context.Context, account kernel.AccountID, a Account, kind Kind, dealership *kernel.DealershipID, language string, values map[string]string,
) (map[string]string, error) {
	out := map[string]string{"account_name": a.Name}
	if dealership != nil {
		name, err := s.Core.DealershipName(ctx, account, *dealership)
		if err != nil {
			return nil, err
		}
		out["dealership_name"] = name
	}
	for _, v := range kind.Variables {
		value, given := values[v.Name]
		if !given {
			continue
		}
		if v.Kind == VariableTime {
			value = localTime(value, language, a.Zone)
		}
		out[v.Name] = value
	}
	return out, nil
}

// SendTest queues a message with example values to a user of the account, who sees it as a recipient would: to the one who
// asks, unless another is named.
func (s *Service) SendTest(ctx context.Context, actor auth.Actor, d Draft, to *kernel.UserID) (Mail, error) {
	if err := requireAccountWide(actor, auth.AccountWrite); err != nil {
		return Mail{}, err
	}
	if to == nil && actor.Kind == auth.KindUser {
		to = &actor.User
	}
	if to == nil {
		return Mail{}, errs.InvalidFields(errs.Field{Pointer: "/user_id", Code: "required", Detail: "A key has no mailbox: name the user who is to get the message."})
	}
	email, language, err := s.Core.UserEmail(ctx, actor.Account, *to)
	switch {
	case errs.IsKind(err, errs.NotFound):
		return Mail{}, errs.InvalidFields(errs.Field{Pointer: "/user_id", Code: "unknown", Detail: "There is no such user."})
	case err != nil:
		return Mail{}, err
	}
	if d.Language == "" {
		d.Language = language
	}
	rendered, err := s.show(ctx, actor.Account, d)
	if err != nil {
		return Mail{}, err
	}
	kind, _ := KindNamed(d.Name)
	kind.Confidential = false // there is nothing in it but examples
	return s.enqueue(ctx, actor, kind, NewMail{Template: d.Name, To: email, Language: d.Language, Dealership: d.Dealership}, rendered)
}
