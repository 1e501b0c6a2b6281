package importsapi

import (
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/imports"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/longjobs"
)

// CreateImport is a file with what to make of it.
type CreateImport struct {
	Kind          string            `json:"kind" validate:"required,max=50" example:"contacts"`
	Text          string            `json:"text" example:"external_id;last_name;email\n4711;Dupont;dupont@mail.example\n"`          // the file; or url
	URL           string            `json:"url" validate:"max=2048" format:"uri" example:"https://dms.example/export/contacts.csv"` // where the file is fetched from, in place of text; plain or in gzip
	FileName      string            `json:"file_name" validate:"max=200" example:"contacts.csv"`
	Format        string            `json:"format" enums:"csv,json" validate:"omitempty,oneof=csv json" example:"csv"` // found out when left out
	Delimiter     string            `json:"delimiter" validate:"max=1" example:";"`                                    // found out when left out
	Mapping       map[string]string `json:"mapping"`                                                                   // column to field; by the headings when left out
	MappingName   string            `json:"mapping_name" validate:"max=100" example:"monthly export of the DMS"`       // a mapping that was saved
	SaveMappingAs string            `json:"save_mapping_as" validate:"max=100" example:"monthly export of the DMS"`    // saves the mapping
	Source        string            `json:"source" validate:"max=100" example:"dms"`                                   // the system that gave the external ids
	DryRun        bool              `json:"dry_run"`                                                                   // tells what would happen, and changes nothing
} //	@name	CreateImport

func (in CreateImport) toDomain() imports.New {
	return imports.New{
		Kind: in.Kind, File: []byte(in.Text), URL: in.URL, FileName: in.FileName, Format: imports.Format(in.Format), Delimiter: in.Delimiter,
		Mapping: in.Mapping, MappingName: in.MappingName, SaveAs: in.SaveMappingAs, Source: in.Source, DryRun: in.DryRun,
	}
}

// Import is a file that is read into the account.
type Import struct {
	ID        kernel.ImportID   `json:"id"`
	Version   int64             `json:"version" example:"3"`
	Kind      string            `json:"kind" example:"contacts"`
	FileName  *string           `json:"file_name" example:"contacts.csv"`
	URL       *string           `json:"url" format:"uri" example:"https://dms.example/export/contacts.csv"` // where the file was fetched from, without its query; null for one that was sent
	Format    *string           `json:"format" enums:"csv,json" example:"csv"`                              // null while the file is not there yet
	Charset   *string           `json:"charset" example:"windows-1252"`
	Delimiter *string           `json:"delimiter" example:";"`
	Columns   []string          `json:"columns" example:"external_id"`
	Mapping   map[string]string `json:"mapping"` // column to field; a column that is not in it is left out
	Source    string            `json:"source" example:"dms"`
	DryRun    bool              `json:"dry_run"`
	Status    imports.Status    `json:"status" example:"succeeded"`
	JobID     kernel.JobID      `json:"job_id"` // the job that works on it, or did last
	Counts    Counts            `json:"counts"`
	ActorType string            `json:"actor_type" enums:"user,api_key,site_key,client,partner,system" example:"user"`
	ActorID   *uuid.UUID        `json:"actor_id"`
	CreatedAt time.Time         `json:"created_at"`
	UpdatedAt time.Time         `json:"updated_at"`
} //	@name	Import

// Counts tell how many rows came to which state.
type Counts struct {
	Rows      int64 `json:"rows" example:"120"` // of the file
	Created   int64 `json:"created" example:"80"`
	Changed   int64 `json:"changed" example:"20"`
	Unchanged int64 `json:"unchanged" example:"15"`
	Rejected  int64 `json:"rejected" example:"5"`
	Reverted  int64 `json:"reverted"`
	Kept      int64 `json:"kept"` // not reverted, because they were changed since
} //	@name	ImportCounts

func fromDomain(i imports.Import) Import {
	c := i.Counts
	return Import{
		ID: i.ID, Version: i.Version, Kind: i.Kind, FileName: orNull(i.FileName), URL: orNull(i.URL), Format: orNull(string(i.Format)), Charset: orNull(i.Charset),
		Delimiter: orNull(i.Delimiter), Columns: list(i.Columns), Mapping: i.Mapping, Source: i.Source, DryRun: i.DryRun, Status: i.Status, JobID: i.Job,
		Counts:    Counts{Rows: i.Rows, Created: c.Created, Changed: c.Changed, Unchanged: c.Unchanged, Rejected: c.Rejected, Reverted: c.Reverted, Kept: c.Kept},
		ActorType: string(i.By.Kind), ActorID: orNull(i.By.ID), CreatedAt: i.CreatedAt, UpdatedAt: i.UpdatedAt,
	}
}

// Row is what became of one row of a file.
type Row struct {
	Line      int           `json:"line" example:"7"` // of the file; of JSON the place in the array, from 1
	State     imports.State `json:"state" example:"changed"`
	SubjectID *uuid.UUID    `json:"subject_id"` // what the row is about; null when it was rejected, and in a dry run
	Changes   []Change      `json:"changes"`
	Errors    []RowError    `json:"errors"`
} //	@name	ImportRow

// Change is a field that a row changed.
type Change struct {
	Field  string `json:"field" example:"email"`
	Before string `json:"before" example:""`
	After  string `json:"after" example:"dupont@mail.example"`
} //	@name	ImportChange

// RowError is why a row was rejected, or left alone by a revert.
type RowError struct {
	Column string `json:"column" example:"E-mail"` // empty when it is the row as a whole
	Value  string `json:"value" example:"dupont@"`
	Code   string `json:"code" example:"invalid"`
	Detail string `json:"detail" example:"This is no e-mail address."`
} //	@name	ImportRowError

func fromRow(d imports.Done) Row {
	r := Row{Line: d.Line, State: d.State, SubjectID: orNull(d.Subject), Changes: []Change{}, Errors: []RowError{}}
	for _, c := range d.Changes {
		r.Changes = append(r.Changes, Change(c))
	}
	for _, e := range d.Errors {
		r.Errors = append(r.Errors, RowError(e))
	}
	return r
}

// Rows are some rows of an import, by line.
type Rows struct {
	Data     []Row `json:"data"`
	NextLine *int  `json:"next_line"` // for after_line; null at the end
} //	@name	ImportRows

// InspectImport is a file to look at.
type InspectImport struct {
	Kind      string `json:"kind" validate:"required,max=50" example:"contacts"`
	Text      string `json:"text" validate:"required" example:"Id;Nom;Courriel\n4711;Dupont;dupont@mail.example\n"`
	Format    string `json:"format" enums:"csv,json" validate:"omitempty,oneof=csv json" example:"csv"`
	Delimiter string `json:"delimiter" validate:"max=1" example:";"`
} //	@name	InspectImport

// Inspection is what a file looks like.
type Inspection struct {
	Format    string            `json:"format" enums:"csv,json" example:"csv"`
	Charset   string            `json:"charset" example:"utf-8"`
	Delimiter *string           `json:"delimiter" example:";"`
	Columns   []string          `json:"columns" example:"Nom"`
	Mapping   map[string]string `json:"mapping"` // what the headings tell
	Rows      int64             `json:"rows" example:"120"`
	Sample    []SampleRow       `json:"sample"` // the first rows
} //	@name	ImportInspection

// SampleRow is a row as it was read.
type SampleRow struct {
	Line  int      `json:"line" example:"2"`
	Cells []string `json:"cells" example:"Dupont"`                                                 // up to the last that is not empty
	Fault *string  `json:"fault" example:"the row has more cells than the first line has columns"` // why it could not be read
} //	@name	ImportSampleRow

func fromInspection(i imports.Inspection) Inspection {
	out := Inspection{
		Format: string(i.Format), Charset: i.Charset, Delimiter: orNull(i.Delimiter), Columns: list(i.Columns), Mapping: i.Mapping, Rows: i.Rows, Sample: []SampleRow{},
	}
	for _, r := range i.Sample {
		out.Sample = append(out.Sample, SampleRow{Line: r.Line, Cells: list(r.Cells), Fault: orNull(r.Fault)})
	}
	return out
}

// Kind is what can be imported and exported.
type Kind struct {
	Name   string  `json:"name" example:"contacts"`
	Fields []Field `json:"fields"`
} //	@name	ImportKind

// Field is what a column may hold.
type Field struct {
	Name    string   `json:"name" example:"last_name"`
	Label   string   `json:"label" example:"Last name"`
	Aliases []string `json:"aliases" example:"nom"` // headings that mean it, in any case
} //	@name	ImportField

// Kinds lists what can be imported and exported.
type Kinds struct {
	Data []Kind `json:"data"`
} //	@name	ImportKinds

// Mapping is a mapping that was saved.
type Mapping struct {
	Kind      string            `json:"kind" example:"contacts"`
	Name      string            `json:"name" example:"monthly export of the DMS"`
	Mapping   map[string]string `json:"mapping"`
	UpdatedAt time.Time         `json:"updated_at"`
} //	@name	ImportMapping

// Mappings lists mappings by kind and name.
type Mappings struct {
	Data []Mapping `json:"data"`
} //	@name	ImportMappings

// CreateExport is an export that is asked for.
type CreateExport struct {
	Kind   string `json:"kind" validate:"required,max=50" example:"contacts"`
	Format string `json:"format" enums:"csv,json" validate:"omitempty,oneof=csv json" example:"csv"` // csv when left out
} //	@name	CreateExport

// Export is what the account has, written to a file.
type Export struct {
	ID        kernel.ExportID `json:"id"`
	Version   int64           `json:"version" example:"3"`
	Kind      string          `json:"kind" example:"contacts"`
	Format    string          `json:"format" enums:"csv,json" example:"csv"`
	Status    longjobs.Status `json:"status" example:"succeeded"`
	JobID     kernel.JobID    `json:"job_id"`
	Rows      int64           `json:"rows" example:"1200"`
	ActorType string          `json:"actor_type" enums:"user,api_key,site_key,client,partner,system" example:"user"`
	ActorID   *uuid.UUID      `json:"actor_id"`
	CreatedAt time.Time       `json:"created_at"`
	UpdatedAt time.Time       `json:"updated_at"`
} //	@name	Export

// ExportedRow is one row of an export in JSON: a text for each field.
type ExportedRow map[string]string //	@name	ExportedRow

func fromExport(e imports.Export) Export {
	return Export{
		ID: e.ID, Version: e.Version, Kind: e.Kind, Format: string(e.Format), Status: e.Status, JobID: e.Job, Rows: e.Rows,
		ActorType: string(e.By.Kind), ActorID: orNull(e.By.ID), CreatedAt: e.CreatedAt, UpdatedAt: e.UpdatedAt,
	}
}

func orNull[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

func list[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}
