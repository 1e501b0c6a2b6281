// Package imports reads files of rows into the account, and writes them out again. It owns files, mappings from columns to
// fields, what became of each row, and how an import is taken back; a kind (contacts …) says what its fields are, and what
// a row does. It runs on platform/longjobs: a part of the file is one transaction with its outcome, so a row is applied
// once whoever is killed.
package imports

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/enum"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/longjobs"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// Field is one thing that a column may hold.
type Field struct {
	Name    string
	Label   string
	Aliases []string // other headings that mean it, in any case and spelling
}

// Kind is what can be imported and exported.
type Kind interface {
	// Fields lists the fields, in the order of an export.
	Fields() []Field
	// Scopes are what reading and writing need.
	Scopes() (read, write auth.Scope)
	// Apply makes or changes what the row is about, in the transaction of ctx. An error for a client rejects the row; its
	// fields' pointers name the row's fields: "/email".
	Apply(ctx context.Context, actor auth.Actor, r Row) (Outcome, error)
	// Undo takes back what a row did. It fails with ErrKept when the subject was changed since.
	Undo(ctx context.Context, actor auth.Actor, done Outcome) error
	// Export reads up to limit subjects by ascending id. next is where to go on; uuid.Nil at the end.
	Export(ctx context.Context, actor auth.Actor, after uuid.UUID, limit int) (items []Exported, next uuid.UUID, err error)
}

// Row is one row by its fields. A field that is not there, or empty, says nothing.
type Row struct {
	Source string // the system that gave external_id
	Values map[string]string
}

// State is what became of a row.
type State string

// The states.
const (
	Created   State = "created"
	Changed   State = "changed"
	Unchanged State = "unchanged"
	Rejected  State = "rejected"
	Reverted  State = "reverted"
	Kept      State = "kept" // not reverted, because it was changed since
)

// States lists every state.
func States() []State { return []State{Created, Changed, Unchanged, Rejected, Reverted, Kept} }

// Outcome is what a row did.
type Outcome struct {
	State   State // Created, Changed or Unchanged
	Subject uuid.UUID
	Version int64
	Changes []Change
	Undo    json.RawMessage // the kind's own; nil when there is nothing to take back
}

// Change is one field of the subject.
type Change struct {
	Field  string `json:"field"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// Exported is one subject by its fields.
type Exported map[string]string

// Status is where an import stands.
type Status string

// The statuses beside those of the job that works on it.
const (
	StatusQueued    = Status(longjobs.Queued)
	StatusRunning   = Status(longjobs.Running)
	StatusSucceeded = Status(longjobs.Succeeded)
	StatusFailed    = Status(longjobs.Failed)
	StatusCancelled = Status(longjobs.Cancelled)
	StatusReverting = Status("reverting")
	StatusReverted  = Status("reverted")
)

// Statuses lists every status.
func Statuses() []Status {
	return []Status{StatusQueued, StatusRunning, StatusSucceeded, StatusFailed, StatusCancelled, StatusReverting, StatusReverted}
}

// Enums lists the closed lists of values of imports.
func Enums() []enum.Enum {
	return []enum.Enum{
		{Name: "import_status", Values: []enum.Value{
			{Value: string(StatusQueued), En: "Queued", Fr: "En attente"},
			{Value: string(StatusRunning), En: "Running", Fr: "En cours"},
			{Value: string(StatusSucceeded), En: "Succeeded", Fr: "Terminé"},
			{Value: string(StatusFailed), En: "Failed", Fr: "En échec"},
			{Value: string(StatusCancelled), En: "Cancelled", Fr: "Annulé"},
			{Value: string(StatusReverting), En: "Being reverted", Fr: "Annulation en cours"},
			{Value: string(StatusReverted), En: "Reverted", Fr: "Repris"},
		}},
		{Name: "import_row_state", Values: []enum.Value{
			{Value: string(Created), En: "New", Fr: "Nouveau"},
			{Value: string(Changed), En: "Changed", Fr: "Modifié"},
			{Value: string(Unchanged), En: "Unchanged", Fr: "Inchangé"},
			{Value: string(Rejected), En: "Rejected", Fr: "Rejeté"},
			{Value: string(Reverted), En: "Reverted", Fr: "Repris"},
			{Value: string(Kept), En: "Kept", Fr: "Conservé"},
		}},
	}
}

// Import is one file and what becomes of it.
type Import struct {
	ID        kernel.ImportID
	Version   int64
	Kind      string
	FileName  string
	URL       string // where the file comes from, without its query; "" for one that was sent
	Wanted    []byte // a wanted file, sealed, until it is there
	Format    Format // "" until the file is there, as all that is read from it
	Charset   string
	Delimiter string
	Columns   []string
	Mapping   map[string]string // column → field
	Source    string
	DryRun    bool
	Status    Status
	Job       kernel.JobID
	Rows      int64
	Counts    Counts
	By        longjobs.By
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Counts tell how many rows came to which state.
type Counts struct {
	Created, Changed, Unchanged, Rejected, Reverted, Kept int64
}

func (c *Counts) add(s State, n int64) {
	switch s {
	case Created:
		c.Created += n
	case Changed:
		c.Changed += n
	case Unchanged:
		c.Unchanged += n
	case Rejected:
		c.Rejected += n
	case Reverted:
		c.Reverted += n
	case Kept:
		c.Kept += n
	}
}

// result is what the job tells.
func (c *Counts) result() map[string]any {
	return map[string]any{
		"created": c.Created, "changed": c.Changed, "unchanged": c.Unchanged, "rejected": c.Rejected, "reverted": c.Reverted, "kept": c.Kept,
	}
}

// Done is a row with what became of it.
type Done struct {
	Line int
	Outcome
	Errors []RowError
}

// RowError is why a row was rejected, or left alone by a revert.
type RowError struct {
	Column string `json:"column"` // "" when it is the row as a whole
	Value  string `json:"value"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// Mapping is a mapping that was saved under a name.
type Mapping struct {
	Kind      string
	Name      string
	Mapping   map[string]string
	UpdatedAt time.Time
}

// Export is one export to a file.
type Export struct {
	ID        kernel.ExportID
	Version   int64
	Kind      string
	Format    Format
	Status    longjobs.Status
	Job       kernel.JobID
	Rows      int64
	By        longjobs.By
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Store keeps imports and exports. Reading for a change locks the row until the transaction ends.
type Store interface {
	Insert(ctx context.Context, account kernel.AccountID, i Import, parts [][]Record) error
	// Fill keeps the file of an import that was inserted without one.
	Fill(ctx context.Context, account kernel.AccountID, i Import, parts [][]Record) error
	Find(ctx context.Context, account kernel.AccountID, id kernel.ImportID) (Import, error)
	Lock(ctx context.Context, account kernel.AccountID, id kernel.ImportID) (Import, error)
	Update(ctx context.Context, account kernel.AccountID, i Import) error
	List(ctx context.Context, account kernel.AccountID, kind string, p page.Request) (page.Of[Import], error)
	// ByID lists imports by ascending id, those after one; Load reads some.
	ByID(ctx context.Context, account kernel.AccountID, after uuid.UUID, limit int) ([]Import, error)
	Load(ctx context.Context, account kernel.AccountID, ids []uuid.UUID) ([]Import, error)
	// Part reads a part of the file; none is no records.
	Part(ctx context.Context, account kernel.AccountID, id kernel.ImportID, part int) ([]Record, error)
	// Settle writes what became of rows.
	Settle(ctx context.Context, account kernel.AccountID, id kernel.ImportID, rows []Done) error
	// Rows reads rows by line, those after a line.
	Rows(ctx context.Context, account kernel.AccountID, id kernel.ImportID, states []State, after, limit int) ([]Done, error)
	// Undoable reads rows that made or changed something, the last line first, those before a line; 0 is the end.
	Undoable(ctx context.Context, account kernel.AccountID, id kernel.ImportID, before, limit int) ([]Done, error)
	// Forget removes an import with its rows.
	Forget(ctx context.Context, account kernel.AccountID, id kernel.ImportID) error

	SaveMapping(ctx context.Context, account kernel.AccountID, m Mapping) error
	Mappings(ctx context.Context, account kernel.AccountID, kind string) ([]Mapping, error)

	InsertExport(ctx context.Context, account kernel.AccountID, e Export) error
	FindExport(ctx context.Context, account kernel.AccountID, id kernel.ExportID) (Export, error)
	LockExport(ctx context.Context, account kernel.AccountID, id kernel.ExportID) (Export, error)
	UpdateExport(ctx context.Context, account kernel.AccountID, e Export) error
	ListExports(ctx context.Context, account kernel.AccountID, kind string, p page.Request) (page.Of[Export], error)
	ExportsByID(ctx context.Context, account kernel.AccountID, after uuid.UUID, limit int) ([]Export, error)
	LoadExports(ctx context.Context, account kernel.AccountID, ids []uuid.UUID) ([]Export, error)
	AddPart(ctx context.Context, account kernel.AccountID, id kernel.ExportID, part int, body string) error
	// ExportPart reads a part of the file; "" is the end.
	ExportPart(ctx context.Context, account kernel.AccountID, id kernel.ExportID, part int) (string, error)
	ForgetExport(ctx context.Context, account kernel.AccountID, id kernel.ExportID) error
}

var (
	// ErrNotFound is the answer for an import that the account does not have.
	ErrNotFound = errs.New(errs.NotFound, "import.not_found", "There is no such import. Imports are kept for 90 days.")
	// ErrExportNotFound is the answer for an export that the account does not have.
	ErrExportNotFound = errs.New(errs.NotFound, "export.not_found", "There is no such export. Exports are kept for 7 days.")
	// ErrNotReady is the answer to the content of an export that is not finished.
	ErrNotReady = errs.New(errs.Conflict, "export.not_ready", "The export has not succeeded yet. Follow its job.")
	// ErrKept is a row that cannot be taken back.
	ErrKept = errs.New(errs.Conflict, "import.changed_since", "It was changed since the import, and is left as it is.")
	// ErrNotRevertible is the answer to reverting what cannot be.
	ErrNotRevertible = errs.New(errs.Conflict, "import.not_revertible", "Only an import that has ended, was no dry run and is not reverted can be reverted.")
	// ErrUnknownMapping is the answer to a name under which nothing was saved.
	ErrUnknownMapping = errs.New(errs.Invalid, "import.unknown_mapping", "No mapping is saved under this name for this kind.")
	// ErrNoMapping is the answer to a file of which no column is known.
	ErrNoMapping = errs.New(errs.Invalid, "import.no_mapping", "No column could be matched to a field. Send a mapping from columns to fields.")
)
