package app

import (
	"context"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/contacts"
	"github.com/rooftop-crm/rooftop/internal/imports"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

// contactRows is contacts as imports sees them.
type contactRows struct{ *contacts.Service }

var _ imports.Kind = contactRows{}

func (contactRows) Fields() []imports.Field {
	var out []imports.Field
	for _, f := range contacts.RowFields() {
		out = append(out, imports.Field(f))
	}
	return out
}

func (contactRows) Scopes() (read, write auth.Scope) { return auth.ContactsRead, auth.ContactsWrite }

func (c contactRows) Apply(ctx context.Context, actor auth.Actor, r imports.Row) (imports.Outcome, error) {
	done, err := c.ImportRow(ctx, actor, r.Source, r.Values)
	if err != nil {
		return imports.Outcome{}, err
	}
	out := imports.Outcome{State: imports.Unchanged, Subject: uuid.UUID(done.Contact.ID), Version: done.Contact.Version, Undo: done.Undo}
	switch {
	case done.Created:
		out.State = imports.Created
	case done.Undo != nil:
		out.State = imports.Changed
	}
	for _, ch := range done.Changes {
		out.Changes = append(out.Changes, imports.Change(ch))
	}
	return out, nil
}

func (c contactRows) Undo(ctx context.Context, actor auth.Actor, done imports.Outcome) error {
	err := c.UndoRow(ctx, actor, kernel.ContactID(done.Subject), done.Version, done.Undo)
	if errs.IsKind(err, errs.Stale) || errs.IsKind(err, errs.NotFound) {
		return imports.ErrKept.Because(err)
	}
	return err
}

func (c contactRows) Export(ctx context.Context, actor auth.Actor, after uuid.UUID, limit int) ([]imports.Exported, uuid.UUID, error) {
	found, next, err := c.ExportRows(ctx, actor, after, limit)
	out := make([]imports.Exported, len(found))
	for i, contact := range found {
		out[i] = contacts.RowOf(contact)
	}
	return out, next, err
}
