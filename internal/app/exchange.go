package app

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/contacts"
	"github.com/rooftop-crm/rooftop/internal/files"
	"github.com/rooftop-crm/rooftop/internal/imports"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/fetch"
)

// importFiles is fetch as imports sees it.
type importFiles struct {
	guard  *fetch.Guard
	client *fetch.Client
}

var _ imports.Web = importFiles{}

// importPolicy: dealer systems offer their exports by plain HTTP too, and under many types; a page that asks to sign in is none.
var importPolicy = fetch.Policy{PlainHTTP: true, MaxRedirects: 3, MaxBytes: imports.MaxFile, ContentTypes: []string{
	"text/csv", "text/plain", "text/tab-separated-values", "text/comma-separated-values", "text/json", "application/csv", "application/json",
	"application/vnd.ms-excel", "application/gzip", "application/x-gzip", "application/octet-stream", "binary/octet-stream",
}}

func newImportFiles(g *fetch.Guard) importFiles {
	return importFiles{guard: g, client: g.Client(importPolicy)}
}

// Check implements imports.Web.
func (f importFiles) Check(url string) error { return f.guard.Check(url, importPolicy) }

// Fetch implements imports.Web.
func (f importFiles) Fetch(ctx context.Context, url string) ([]byte, error) {
	got, err := file(ctx, f.client, url)
	if err != nil {
		return nil, err
	}
	defer func() { _ = got.Body.Close() }()
	raw, err := io.ReadAll(got.Body)
	return raw, passing(err)
}

// filesWeb is fetch as files sees it.
type filesWeb struct {
	guard  *fetch.Guard
	client *fetch.Client
}

var _ files.Web = filesWeb{}

// filesPolicy: what a file is, its bytes tell.
var filesPolicy = fetch.Policy{PlainHTTP: true, MaxRedirects: 3, MaxBytes: files.MaxFetched}

func newFilesWeb(g *fetch.Guard) filesWeb { return filesWeb{guard: g, client: g.Client(filesPolicy)} }

// Check implements files.Web.
func (f filesWeb) Check(url string) error { return f.guard.Check(url, filesPolicy) }

// Fetch implements files.Web.
func (f filesWeb) Fetch(ctx context.Context, url string) (io.ReadCloser, string, error) {
	got, err := file(ctx, f.client, url)
	if err != nil {
		return nil, "", err
	}
	return patient{got.Body}, got.Header.Get("Content-Type"), nil
}

// patient is a body that tells by the kind of its error whether another try may not meet it.
type patient struct{ io.ReadCloser }

func (p patient) Read(b []byte) (int, error) {
	n, err := p.ReadCloser.Read(b)
	return n, passing(err)
}

// file asks for a file. An answer that is none is an error.
func file(ctx context.Context, client *fetch.Client, url string) (*fetch.Response, error) {
	got, err := client.Do(ctx, fetch.Request{URL: url})
	if err != nil {
		return nil, passing(err)
	}
	if got.OK() {
		return got, nil
	}
	_ = got.Body.Close() // an error page
	why := fetch.ErrStatus.Saying("The host answered %d instead of the file.", got.Status)
	if got.Status == http.StatusTooManyRequests || got.Status >= http.StatusInternalServerError {
		return nil, unavailable(why)
	}
	return nil, why
}

// passing tells by its kind an error that another try may not meet. A name that does not resolve is more likely misspelt.
func passing(err error) error {
	e, ok := errs.As(err)
	if ok && (errors.Is(err, fetch.ErrUnreachable) || errors.Is(err, fetch.ErrTimeout)) {
		return unavailable(e)
	}
	return err
}

func unavailable(e *errs.Error) error {
	again := *e
	again.Kind = errs.Unavailable
	return again.Because(e)
}

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
