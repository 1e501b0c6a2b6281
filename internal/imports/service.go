package imports

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/audit"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/longjobs"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// The kinds of jobs and of due work.
const (
	JobRun    = "import.run"
	JobRevert = "import.revert"
	JobExport = "export.run"

	WorkForget       = "imports.forget"
	WorkForgetExport = "exports.forget"
)

const (
	perPart    = 50 // rows in one transaction
	keepImport = 90 * 24 * time.Hour
	keepExport = 7 * 24 * time.Hour
)

// The resources of events.
const (
	Resource       = "import"
	ResourceExport = "export"
)

// Jobs is what imports needs from platform/longjobs.
type Jobs interface {
	Register(k longjobs.Kind)
	Start(ctx context.Context, actor auth.Actor, n longjobs.Order) (longjobs.Job, error)
}

// Units runs transactions, and parts of one that may fail alone.
type Units interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	Savepoint(ctx context.Context, fn func(ctx context.Context) error) error
}

// Work is what imports needs from platform/background.
type Work interface {
	Schedule(ctx context.Context, account kernel.AccountID, kind string, id uuid.UUID, due time.Time) error
}

// Web is what imports needs from platform/fetch.
type Web interface {
	// Check tells what is plainly wrong with a URL.
	Check(url string) error
	// Fetch reads a file. An error that may pass is of the kind errs.Unavailable.
	Fetch(ctx context.Context, url string) ([]byte, error)
}

// Seals is what imports needs from platform/secret.
type Seals interface {
	Seal(purpose string, plain []byte) []byte
	Open(purpose string, sealed []byte) ([]byte, error)
}

// Deps is what a Service is built from.
type Deps struct {
	Store  Store
	Web    Web
	Seals  Seals
	Units  Units
	Jobs   Jobs
	Work   Work
	Events outbox.Writer
	Log    *outbox.Log
	Audit  audit.Writer
	Now    func() time.Time
}

// Service imports and exports.
type Service struct {
	Deps
	kinds map[string]Kind
}

// NewService returns a service that knows no kinds.
func NewService(d Deps) *Service {
	s := &Service{Deps: d, kinds: map[string]Kind{}}
	d.Jobs.Register(longjobs.Kind{Name: JobRun, Scope: auth.ImportsWrite, Outside: s.fetch, Step: s.run, Ended: s.ended})
	d.Jobs.Register(longjobs.Kind{Name: JobRevert, Scope: auth.ImportsWrite, Step: s.revert, Ended: s.ended})
	d.Jobs.Register(longjobs.Kind{Name: JobExport, Scope: auth.ImportsWrite, Step: s.export, Ended: s.exportEnded})
	return s
}

// Register adds what can be imported under a name.
func (s *Service) Register(name string, k Kind) { s.kinds[name] = k }

// Kinds lists what can be imported, with the fields of each.
func (s *Service) Kinds(actor auth.Actor) (map[string][]Field, error) {
	if err := actor.Require(auth.ImportsRead); err != nil {
		return nil, err
	}
	out := map[string][]Field{}
	for name, k := range s.kinds {
		out[name] = k.Fields()
	}
	return out, nil
}

func (s *Service) kind(name string) (Kind, error) {
	if k, known := s.kinds[name]; known {
		return k, nil
	}
	names := strings.Join(slices.Sorted(maps.Keys(s.kinds)), ", ")
	return nil, errs.InvalidFields(errs.Field{Pointer: "/kind", Code: "unknown", Detail: "This cannot be imported or exported; there is: " + names + "."})
}

// New is an import that is asked for.
type New struct {
	Kind        string
	File        []byte
	URL         string // in place of File: where it is fetched from
	FileName    string
	Format      Format            // "" is found out
	Delimiter   string            // "" is found out
	Mapping     map[string]string // nil: the saved one, else by the headings
	MappingName string            // a saved one
	SaveAs      string            // save the mapping under this name
	Source      string            // the system that gave the ids in the file; "import" unless given
	DryRun      bool              // tell what would happen, and change nothing
}

// Inspection is what a file looks like.
type Inspection struct {
	Format    Format
	Charset   string
	Delimiter string
	Columns   []string
	Mapping   map[string]string // suggested
	Rows      int64
	Sample    []Record // the first
}

// Inspect reads a file and keeps nothing.
func (s *Service) Inspect(_ context.Context, actor auth.Actor, n New) (Inspection, error) {
	if err := actor.Require(auth.ImportsRead); err != nil {
		return Inspection{}, err
	}
	k, err := s.kind(n.Kind)
	if err != nil {
		return Inspection{}, err
	}
	t, err := read(n.File, n.Format, n.Delimiter)
	if err != nil {
		return Inspection{}, err
	}
	return Inspection{
		Format: t.format, Charset: t.charset, Delimiter: t.delimiter, Columns: t.columns, Mapping: suggest(k.Fields(), t.columns),
		Rows: int64(len(t.records)), Sample: t.records[:min(len(t.records), 5)],
	}, nil
}

// Create keeps a file, or where it comes from, and starts its import. It fails when the file cannot be read, no column is
// for any field, or the URL cannot be one.
func (s *Service) Create(ctx context.Context, actor auth.Actor, n New) (Import, error) {
	k, err := s.allowed(actor, n.Kind)
	if err != nil {
		return Import{}, err
	}
	now := s.Now()
	i := Import{
		ID: kernel.NewID[kernel.ImportID](), Version: 1, Kind: n.Kind, FileName: n.FileName, Source: cmp.Or(n.Source, "import"), DryRun: n.DryRun,
		Status: StatusQueued, Columns: []string{}, Mapping: map[string]string{}, By: longjobs.By{Kind: actor.Kind, ID: actor.ID()}, CreatedAt: now, UpdatedAt: now,
	}
	var t table
	if n.URL == "" {
		t, err = read(n.File, n.Format, n.Delimiter)
	} else {
		err = s.want(&i, n)
	}
	if err != nil {
		return Import{}, err
	}
	return i, s.Units.InTx(ctx, func(ctx context.Context) error {
		var total *int64
		if n.URL == "" {
			if err := s.hold(ctx, actor, k, n, t, &i); err != nil {
				return err
			}
			total = &i.Rows
		}
		job, err := s.Jobs.Start(ctx, actor, longjobs.Order{Kind: JobRun, Subject: uuid.UUID(i.ID), Total: total})
		if err != nil {
			return err
		}
		i.Job = job.ID
		if err := s.Store.Insert(ctx, actor.Account, i, parts(t)); err != nil {
			return err
		}
		if err := s.Work.Schedule(ctx, actor.Account, WorkForget, uuid.UUID(i.ID), now.Add(keepImport)); err != nil {
			return err
		}
		if err := s.note(ctx, actor, "import.created", Resource, uuid.UUID(i.ID), audit.Fields{
			"kind": i.Kind, "source": i.Source, "dry_run": i.DryRun, "url": i.URL, "rows": i.Rows,
		}); err != nil {
			return err
		}
		return s.announce(ctx, actor, "import.created", i)
	})
}

// hold tells the import what its file holds.
func (s *Service) hold(ctx context.Context, actor auth.Actor, k Kind, n New, t table, i *Import) (err error) {
	if i.Mapping, err = s.mapping(ctx, actor, k, n, t.columns); err != nil {
		return err
	}
	i.Format, i.Charset, i.Delimiter, i.Columns, i.Rows = t.format, t.charset, t.delimiter, t.columns, int64(len(t.records))
	return nil
}

func parts(t table) [][]Record { return slices.Collect(slices.Chunk(t.records, perPart)) }

// allowed finds a kind that the actor may write.
func (s *Service) allowed(actor auth.Actor, name string) (Kind, error) {
	if err := actor.Require(auth.ImportsWrite); err != nil {
		return nil, err
	}
	k, err := s.kind(name)
	if err != nil {
		return nil, err
	}
	_, write := k.Scopes()
	return k, actor.Require(write)
}

// mapping is the one that was sent, else the one that was saved, else what the headings tell.
func (s *Service) mapping(ctx context.Context, actor auth.Actor, k Kind, n New, columns []string) (map[string]string, error) {
	m := n.Mapping
	if m == nil && n.MappingName != "" {
		saved, err := s.Store.Mappings(ctx, actor.Account, n.Kind)
		if err != nil {
			return nil, err
		}
		at := slices.IndexFunc(saved, func(m Mapping) bool { return m.Name == n.MappingName })
		if at < 0 {
			return nil, ErrUnknownMapping
		}
		m = maps.Clone(saved[at].Mapping)
		maps.DeleteFunc(m, func(column, _ string) bool { return !slices.Contains(columns, column) })
	}
	if m == nil {
		m = suggest(k.Fields(), columns)
	}
	if err := checkMapping(k.Fields(), columns, m); err != nil {
		return nil, err
	}
	if len(m) == 0 {
		return nil, ErrNoMapping
	}
	if n.SaveAs == "" {
		return m, nil
	}
	return m, s.Store.SaveMapping(ctx, actor.Account, Mapping{Kind: n.Kind, Name: n.SaveAs, Mapping: m, UpdatedAt: s.Now()})
}

// Mappings lists the mappings that were saved for a kind.
func (s *Service) Mappings(ctx context.Context, actor auth.Actor, kind string) ([]Mapping, error) {
	if err := actor.Require(auth.ImportsRead); err != nil {
		return nil, err
	}
	return s.Store.Mappings(ctx, actor.Account, kind)
}

// Find reads an import. It fails with ErrNotFound.
func (s *Service) Find(ctx context.Context, actor auth.Actor, id kernel.ImportID) (Import, error) {
	if err := actor.Require(auth.ImportsRead); err != nil {
		return Import{}, err
	}
	return s.Store.Find(ctx, actor.Account, id)
}

// List pages through imports.
func (s *Service) List(ctx context.Context, actor auth.Actor, kind string, p page.Request) (page.Of[Import], error) {
	if err := actor.Require(auth.ImportsRead); err != nil {
		return page.Of[Import]{}, err
	}
	return s.Store.List(ctx, actor.Account, kind, p)
}

// Rows reads what became of rows, those after a line. What they changed is shown to whoever may read the kind.
func (s *Service) Rows(ctx context.Context, actor auth.Actor, id kernel.ImportID, states []State, after, limit int) ([]Done, error) {
	i, err := s.Find(ctx, actor, id)
	if err != nil {
		return nil, err
	}
	if k, known := s.kinds[i.Kind]; known {
		if readScope, _ := k.Scopes(); readScope != "" {
			if err := actor.Require(readScope); err != nil {
				return nil, err
			}
		}
	}
	return s.Store.Rows(ctx, actor.Account, id, states, after, limit)
}

// Revert starts taking an import back: what it made is deleted, what it changed gets its old values, and what was changed
// since is left alone. It fails with ErrNotRevertible.
func (s *Service) Revert(ctx context.Context, actor auth.Actor, id kernel.ImportID, ifVersion *int64) (i Import, err error) {
	err = s.Units.InTx(ctx, func(ctx context.Context) error {
		if err := actor.Require(auth.ImportsWrite); err != nil {
			return err
		}
		if i, err = s.Store.Lock(ctx, actor.Account, id); err != nil {
			return err
		}
		if _, err := s.allowed(actor, i.Kind); err != nil {
			return err
		}
		if ifVersion != nil && *ifVersion != i.Version {
			return ErrStale
		}
		ended := i.Status == StatusSucceeded || i.Status == StatusFailed || i.Status == StatusCancelled
		if !ended || i.DryRun {
			return ErrNotRevertible
		}
		total := i.Counts.Created + i.Counts.Changed
		job, err := s.Jobs.Start(ctx, actor, longjobs.Order{Kind: JobRevert, Subject: uuid.UUID(i.ID), Total: &total})
		if err != nil {
			return err
		}
		i.Job, i.Status = job.ID, StatusReverting
		if err := s.note(ctx, actor, "import.reverting", Resource, uuid.UUID(i.ID), audit.Fields{"rows": total}); err != nil {
			return err
		}
		return s.save(ctx, actor, &i, "import.reverting")
	})
	return i, err
}

// ErrStale is the answer to a version that is not the current one.
var ErrStale = errs.New(errs.Stale, "import.stale", "The import has moved on since. Read it again and repeat the request with its current ETag.")

func (s *Service) save(ctx context.Context, actor auth.Actor, i *Import, event string) error {
	i.Version++
	i.UpdatedAt = s.Now()
	if err := s.Store.Update(ctx, actor.Account, *i); err != nil || event == "" {
		return err
	}
	return s.announce(ctx, actor, event, *i)
}

func (s *Service) announce(ctx context.Context, actor auth.Actor, event string, i Import) error {
	return s.Events.Write(ctx, actor.Account, outbox.Event{
		Type: event, Resource: Resource, ID: uuid.UUID(i.ID), Sequence: i.Version, Actor: actor, At: i.UpdatedAt,
	})
}

// ended tells the import that its job has ended, or goes on. A job that an import has left behind is none of its business.
func (s *Service) ended(ctx context.Context, account kernel.AccountID, j longjobs.Job) error {
	i, err := s.Store.Lock(ctx, account, kernel.ImportID(j.Subject))
	if errors.Is(err, ErrNotFound) || err == nil && i.Job != j.ID {
		return nil
	}
	if err != nil {
		return err
	}
	event := ""
	switch {
	case j.Kind == JobRun:
		i.Status = Status(j.Status)
	case j.Status == longjobs.Succeeded:
		i.Status = StatusReverted
	case j.Status == longjobs.Queued:
		i.Status = StatusReverting
	default: // what is left can be reverted by another try of the job, or by another revert
		i.Status = StatusFailed
	}
	if j.Ended() {
		event = "import." + string(i.Status)
	}
	return s.save(ctx, auth.System(account), &i, event)
}

// place is where a job goes on.
type place struct {
	Part int `json:"part"`
	Line int `json:"line"`
}

func at(j *longjobs.Job) (p place, err error) {
	if err = json.Unmarshal(j.State, &p); err != nil {
		err = fmt.Errorf("read where the job goes on: %w", err)
	}
	return p, err
}

// run applies one part of the file.
func (s *Service) run(ctx context.Context, account kernel.AccountID, j *longjobs.Job) (more bool, err error) {
	p, err := at(j)
	if err != nil {
		return false, err
	}
	i, err := s.Store.Lock(ctx, account, kernel.ImportID(j.Subject))
	if err != nil {
		return false, err
	}
	k, err := s.kind(i.Kind)
	if err != nil {
		return false, err
	}
	records, err := s.Store.Part(ctx, account, i.ID, p.Part)
	if err != nil || len(records) == 0 {
		j.Result = i.Counts.result()
		return false, err
	}
	read, write := k.Scopes()
	done, err := s.apply(ctx, j.By.Actor(account, read, write), k, i, records)
	if err != nil {
		return false, err
	}
	for _, d := range done {
		i.Counts.add(d.State, 1)
	}
	if err := s.Store.Settle(ctx, account, i.ID, done); err != nil {
		return false, err
	}
	i.Status = StatusRunning
	j.Done += int64(len(records))
	j.State, err = json.Marshal(place{Part: p.Part + 1})
	j.Result = i.Counts.result()
	return j.Done < i.Rows, errors.Join(err, s.save(ctx, auth.System(account), &i, ""))
}

var errUndone = errors.New("imports: a dry run leaves nothing behind")

// apply does a part's rows, each alone: a row that is rejected leaves nothing behind. A dry run does them too, so that it
// tells what the rules say and what one row makes of the next, and then takes all back.
func (s *Service) apply(ctx context.Context, actor auth.Actor, k Kind, i Import, records []Record) ([]Done, error) {
	var done []Done
	all := func(ctx context.Context) error {
		done = done[:0]
		for _, r := range records {
			d, err := s.row(ctx, actor, k, i, r)
			if err != nil {
				return err
			}
			done = append(done, d)
		}
		return nil
	}
	if !i.DryRun {
		return done, all(ctx)
	}
	err := s.Units.Savepoint(ctx, func(ctx context.Context) error { return errors.Join(all(ctx), errUndone) })
	if !onlyUndone(err) {
		return nil, err
	}
	for n := range done {
		done[n].Subject, done[n].Version, done[n].Undo = uuid.Nil, 0, nil
	}
	return done, nil
}

// onlyUndone tells a dry run that went well.
func onlyUndone(err error) bool {
	joined, ok := err.(interface{ Unwrap() []error })
	return ok && len(joined.Unwrap()) == 1 && errors.Is(err, errUndone)
}

func (s *Service) row(ctx context.Context, actor auth.Actor, k Kind, i Import, r Record) (Done, error) {
	d := Done{Line: r.Line}
	if r.Fault != "" {
		d.State, d.Errors = Rejected, []RowError{{Code: "unreadable", Detail: "The row cannot be read: " + r.Fault + "."}}
		return d, nil
	}
	values, columns := map[string]string{}, map[string]string{}
	for n, c := range r.Cells {
		if f := i.Mapping[i.Columns[n]]; f != "" && c != "" {
			values[f], columns[f] = c, i.Columns[n]
		}
	}
	err := s.Units.Savepoint(ctx, func(ctx context.Context) (err error) {
		d.Outcome, err = k.Apply(ctx, actor, Row{Source: i.Source, Values: values})
		return err
	})
	if rejected(err) {
		d.Outcome = Outcome{State: Rejected}
		d.Errors = reasons(err, values, columns)
		return d, nil
	}
	return d, err
}

// rejected tells an error that is the row's own fault.
func rejected(err error) bool {
	e, ok := errs.As(err)
	return ok && e.Kind != errs.Internal && e.Kind != errs.Unavailable && e.Kind != errs.Throttled && e.Kind != errs.Forbidden
}

// reasons names the columns at fault.
func reasons(err error, values, columns map[string]string) []RowError {
	e, _ := errs.As(err)
	if len(e.Fields) == 0 {
		return []RowError{{Code: e.Code, Detail: e.Public}}
	}
	out := make([]RowError, len(e.Fields))
	for n, f := range e.Fields {
		name, _, _ := strings.Cut(strings.TrimPrefix(f.Pointer, "/"), "/")
		out[n] = RowError{Column: columns[name], Value: values[name], Code: f.Code, Detail: f.Detail}
	}
	return out
}

// revert takes some rows back, the last first.
func (s *Service) revert(ctx context.Context, account kernel.AccountID, j *longjobs.Job) (more bool, err error) {
	p, err := at(j)
	if err != nil {
		return false, err
	}
	i, err := s.Store.Lock(ctx, account, kernel.ImportID(j.Subject))
	if err != nil {
		return false, err
	}
	k, err := s.kind(i.Kind)
	if err != nil {
		return false, err
	}
	rows, err := s.Store.Undoable(ctx, account, i.ID, p.Line, perPart)
	if err != nil {
		return false, err
	}
	read, write := k.Scopes()
	actor := j.By.Actor(account, read, write)
	for n := range rows {
		if err := s.undo(ctx, actor, k, &i.Counts, &rows[n]); err != nil {
			return false, err
		}
		p.Line = rows[n].Line
	}
	if err := s.Store.Settle(ctx, account, i.ID, rows); err != nil {
		return false, err
	}
	j.Done += int64(len(rows))
	j.State, err = json.Marshal(p)
	j.Result = i.Counts.result()
	return len(rows) == perPart, errors.Join(err, s.save(ctx, auth.System(account), &i, ""))
}

func (s *Service) undo(ctx context.Context, actor auth.Actor, k Kind, counts *Counts, d *Done) error {
	was := d.State
	err := s.Units.Savepoint(ctx, func(ctx context.Context) error { return k.Undo(ctx, actor, d.Outcome) })
	switch {
	case err == nil:
		d.State, d.Undo = Reverted, nil
	case rejected(err):
		e, _ := errs.As(err)
		d.State, d.Errors = Kept, []RowError{{Code: e.Code, Detail: e.Public}}
	default:
		return err
	}
	counts.add(was, -1)
	counts.add(d.State, 1)
	return nil
}

// Forget is the handler of WorkForget.
func (s *Service) Forget(ctx context.Context, account kernel.AccountID, id uuid.UUID) error {
	return s.Store.Forget(ctx, account, kernel.ImportID(id))
}
