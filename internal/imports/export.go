package imports

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/audit"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/longjobs"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

const perExportPart = 500

// CreateExport starts an export of all that a kind has.
func (s *Service) CreateExport(ctx context.Context, actor auth.Actor, kind string, format Format) (Export, error) {
	if err := actor.Require(auth.ImportsWrite); err != nil {
		return Export{}, err
	}
	k, err := s.kind(kind)
	if err != nil {
		return Export{}, err
	}
	if read, _ := k.Scopes(); actor.Require(read) != nil {
		return Export{}, actor.Require(read)
	}
	now := s.Now()
	e := Export{
		ID: kernel.NewID[kernel.ExportID](), Version: 1, Kind: kind, Format: format, Status: longjobs.Queued,
		By: longjobs.By{Kind: actor.Kind, ID: actor.ID()}, CreatedAt: now, UpdatedAt: now,
	}
	return e, s.Units.InTx(ctx, func(ctx context.Context) error {
		job, err := s.Jobs.Start(ctx, actor, longjobs.Order{Kind: JobExport, Subject: uuid.UUID(e.ID)})
		if err != nil {
			return err
		}
		e.Job = job.ID
		if err := s.Store.InsertExport(ctx, actor.Account, e); err != nil {
			return err
		}
		if err := s.Work.Schedule(ctx, actor.Account, WorkForgetExport, uuid.UUID(e.ID), now.Add(keepExport)); err != nil {
			return err
		}
		if err := s.note(ctx, actor, "export.created", ResourceExport, uuid.UUID(e.ID), audit.Fields{"kind": e.Kind, "format": e.Format}); err != nil {
			return err
		}
		return s.announceExport(ctx, actor, "export.created", e)
	})
}

// FindExport reads an export. It fails with ErrExportNotFound.
func (s *Service) FindExport(ctx context.Context, actor auth.Actor, id kernel.ExportID) (Export, error) {
	if err := actor.Require(auth.ImportsRead); err != nil {
		return Export{}, err
	}
	return s.Store.FindExport(ctx, actor.Account, id)
}

// ListExports pages through exports.
func (s *Service) ListExports(ctx context.Context, actor auth.Actor, kind string, p page.Request) (page.Of[Export], error) {
	if err := actor.Require(auth.ImportsRead); err != nil {
		return page.Of[Export]{}, err
	}
	return s.Store.ListExports(ctx, actor.Account, kind, p)
}

// Content writes the file of an export, for whoever may read the kind. It fails with ErrNotReady.
func (s *Service) Content(ctx context.Context, actor auth.Actor, id kernel.ExportID) (Export, func(io.Writer) error, error) {
	e, err := s.FindExport(ctx, actor, id)
	if err != nil {
		return e, nil, err
	}
	k, err := s.kind(e.Kind)
	if err != nil {
		return e, nil, err
	}
	if read, _ := k.Scopes(); actor.Require(read) != nil {
		return e, nil, actor.Require(read)
	}
	if e.Status != longjobs.Succeeded {
		return e, nil, ErrNotReady
	}
	return e, func(w io.Writer) error {
		for part := 0; ; part++ {
			body, err := s.Store.ExportPart(ctx, actor.Account, id, part)
			if err != nil || body == "" {
				return err
			}
			if _, err := io.WriteString(w, body); err != nil {
				return err
			}
		}
	}, nil
}

// further is where an export goes on.
type further struct {
	Part  int       `json:"part"`
	After uuid.UUID `json:"after"`
}

// export writes one part of the file.
func (s *Service) export(ctx context.Context, account kernel.AccountID, j *longjobs.Job) (more bool, err error) {
	var p further
	if err := json.Unmarshal(j.State, &p); err != nil {
		return false, err
	}
	e, err := s.Store.LockExport(ctx, account, kernel.ExportID(j.Subject))
	if err != nil {
		return false, err
	}
	k, err := s.kind(e.Kind)
	if err != nil {
		return false, err
	}
	readScope, _ := k.Scopes()
	items, next, err := k.Export(ctx, j.By.Actor(account, readScope), p.After, perExportPart)
	if err != nil {
		return false, err
	}
	more = next != uuid.Nil
	body, err := render(e.Format, k.Fields(), items, p.Part == 0, e.Rows == 0, !more)
	if err != nil {
		return false, err
	}
	if err := s.Store.AddPart(ctx, account, e.ID, p.Part, body); err != nil {
		return false, err
	}
	e.Rows += int64(len(items))
	e.Status = longjobs.Running
	j.Done = e.Rows
	j.Result = map[string]any{"rows": e.Rows}
	p.After = next
	p.Part++
	j.State, err = json.Marshal(p)
	return more, errors.Join(err, s.saveExport(ctx, account, &e, ""))
}

// render writes a part of a file. begins and ends tell its place in it, none that no row came before.
func render(format Format, fields []Field, items []Exported, begins, none, ends bool) (string, error) {
	var b strings.Builder
	if format == CSV {
		return renderCSV(&b, fields, items, begins)
	}
	if begins {
		b.WriteString("[")
	}
	for n, item := range items {
		if n > 0 || !none {
			b.WriteString(",")
		}
		row, err := json.Marshal(item)
		if err != nil {
			return "", err
		}
		b.WriteString("\n")
		b.Write(row)
	}
	if ends {
		b.WriteString("\n]\n")
	}
	return b.String(), nil
}

func renderCSV(b *strings.Builder, fields []Field, items []Exported, begins bool) (string, error) {
	w := csv.NewWriter(b)
	w.UseCRLF = true
	line := make([]string, len(fields))
	write := func(cell func(Field) string) error {
		for n, f := range fields {
			line[n] = cell(f)
		}
		return w.Write(line)
	}
	if begins {
		if err := write(func(f Field) string { return f.Name }); err != nil {
			return "", err
		}
	}
	for _, item := range items {
		if err := write(func(f Field) string { return armed(item[f.Name]) }); err != nil {
			return "", err
		}
	}
	w.Flush()
	return b.String(), w.Error()
}

func (s *Service) exportEnded(ctx context.Context, account kernel.AccountID, j longjobs.Job) error {
	e, err := s.Store.LockExport(ctx, account, kernel.ExportID(j.Subject))
	if errors.Is(err, ErrExportNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	e.Status = j.Status
	event := ""
	if j.Ended() {
		event = "export." + string(j.Status)
	}
	return s.saveExport(ctx, account, &e, event)
}

func (s *Service) saveExport(ctx context.Context, account kernel.AccountID, e *Export, event string) error {
	e.Version++
	e.UpdatedAt = s.Now()
	if err := s.Store.UpdateExport(ctx, account, *e); err != nil || event == "" {
		return err
	}
	return s.announceExport(ctx, auth.System(account), event, *e)
}

func (s *Service) announceExport(ctx context.Context, actor auth.Actor, event string, e Export) error {
	return s.Events.Write(ctx, actor.Account, outbox.Event{
		Type: event, Resource: ResourceExport, ID: uuid.UUID(e.ID), Sequence: e.Version, Actor: actor, At: e.UpdatedAt,
	})
}

// ForgetExport is the handler of WorkForgetExport.
func (s *Service) ForgetExport(ctx context.Context, account kernel.AccountID, id uuid.UUID) error {
	return s.Store.ForgetExport(ctx, account, kernel.ExportID(id))
}
