// Package importsapi is the HTTP face of imports and exports: routes, wire types and what turns one into the other. The
// rules are in internal/imports; the jobs that do the work are jobsapi's.
package importsapi

import (
	"bytes"
	"context"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strconv"

	"github.com/goccy/go-json"
	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/imports"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

type handler struct {
	imports *imports.Service
	units   httpx.Units
}

// Routes registers the paths of imports and exports.
func Routes(g *echo.Group, svc *imports.Service, u httpx.Units) {
	h := handler{imports: svc, units: u}
	g.GET("/import-kinds", h.kinds)
	g.GET("/import-mappings", h.mappings)
	g.POST("/imports", h.create)
	g.POST("/imports/upload", h.upload, httpx.Documents)
	g.POST("/imports/inspect", h.inspect)
	g.GET("/imports", h.list)
	g.GET("/imports/changes", h.changes)
	g.GET("/imports/:id", h.get)
	g.GET("/imports/:id/rows", h.rows)
	g.POST("/imports/:id/revert", h.revert)
	g.POST("/exports", h.createExport)
	g.GET("/exports", h.listExports)
	g.GET("/exports/changes", h.exportChanges)
	g.GET("/exports/:id", h.getExport)
	g.GET("/exports/:id/content", h.content)
}

// kinds lists what can be imported.
//
//	@ID				listImportKinds
//	@Summary		List what can be imported and exported
//	@Description	Each kind with its fields. A column whose heading is a field's name, label or alias is mapped by itself.
//	@Tags			imports
//	@Success		200	{object}	Kinds
//	@Security		Bearer
//	@Router			/import-kinds [get]
func (h handler) kinds(c echo.Context) error {
	q := httpx.NewQuery(c)
	if err := q.Err(); err != nil {
		return err
	}
	all, err := h.imports.Kinds(httpx.ActorOf(c))
	if err != nil {
		return err
	}
	out := Kinds{Data: []Kind{}}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		k := Kind{Name: name, Fields: []Field{}}
		for _, f := range all[name] {
			k.Fields = append(k.Fields, Field{Name: f.Name, Label: f.Label, Aliases: list(f.Aliases)})
		}
		out.Data = append(out.Data, k)
	}
	return httpx.One(c, q, httpx.Reply{Body: out})
}

// mappings lists saved mappings.
//
//	@ID				listImportMappings
//	@Summary		List saved mappings
//	@Description	Mappings from columns to fields that imports saved under a name, by kind and name.
//	@Tags			imports
//	@Param			kind	query		string	false	"for this kind"
//	@Success		200		{object}	Mappings
//	@Security		Bearer
//	@Router			/import-mappings [get]
func (h handler) mappings(c echo.Context) error {
	q := httpx.NewQuery(c)
	kind := q.Text("kind", 50)
	if err := q.Err(); err != nil {
		return err
	}
	all, err := h.imports.Mappings(c.Request().Context(), httpx.ActorOf(c), kind)
	if err != nil {
		return err
	}
	out := Mappings{Data: []Mapping{}}
	for _, m := range all {
		out.Data = append(out.Data, Mapping(m))
	}
	return httpx.One(c, q, httpx.Reply{Body: out})
}

// create starts an import.
//
//	@ID				createImport
//	@Summary		Import a file
//	@Description	The file is kept and read at once, and refused when it cannot be; a job then applies it row by row. Location is the job's
//	@Description	place. A file at a url is fetched by the job, which fails when it cannot be, and can be tried again. With dry_run the rows tell what would happen: what is new, changed or rejected, and nothing is changed. Larger files,
//	@Description	and files in other charsets, are uploaded. Needs the write scope of the kind besides.
//	@Tags			imports
//	@Accept			json
//	@Param			body	body		CreateImport	true	"the file"
//	@Success		202		{object}	Import
//	@Header			202		{string}	Location	"the job"
//	@Header			202		{integer}	Retry-After	"seconds until it is worth asking"
//	@Security		Bearer
//	@Router			/imports [post]
func (h handler) create(c echo.Context) error {
	in, err := httpx.Bind[CreateImport](c)
	if err != nil {
		return err
	}
	if (in.Text == "") == (in.URL == "") {
		return errs.InvalidFields(errs.Field{Pointer: "/text", Code: "required", Detail: "Send either the file as text, or a url that it is fetched from."})
	}
	return h.started(c, in.toDomain())
}

func (h handler) started(c echo.Context, n imports.New) error {
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		i, err := h.imports.Create(ctx, actor, n)
		return httpx.Accepted(fromDomain(i), i.Version, i.Job), err
	})
}

// upload starts the import of an uploaded file.
//
//	@ID				uploadImport
//	@Summary		Upload a file to import
//	@Description	As createImport, for files as they are: UTF-8, UTF-16 or Windows-1252, which is found out, plain or in gzip.
//	@Tags			imports
//	@Accept			multipart/form-data
//	@Param			file			formData	file	true	"the file"
//	@Param			kind			formData	string	true	"what it holds"
//	@Param			format			formData	string	false	"found out when left out"	Enums(csv,json)
//	@Param			delimiter		formData	string	false	"found out when left out"
//	@Param			mapping			formData	string	false	"JSON object from column to field; by the headings when left out"
//	@Param			mapping_name	formData	string	false	"a mapping that was saved"
//	@Param			save_mapping_as	formData	string	false	"saves the mapping under this name"
//	@Param			source			formData	string	false	"the system that gave the external ids"
//	@Param			dry_run			formData	string	false	"tells what would happen, and changes nothing"	Enums(true,false)
//	@Success		202				{object}	Import
//	@Header			202				{string}	Location	"the job"
//	@Header			202				{integer}	Retry-After	"seconds until it is worth asking"
//	@Security		Bearer
//	@Router			/imports/upload [post]
func (h handler) upload(c echo.Context) error {
	n, err := uploaded(c)
	if err != nil {
		return err
	}
	return h.started(c, n)
}

var errUpload = errs.New(errs.UnsupportedMedia, "request.unsupported_media", "Send the file as multipart/form-data with a part file and a field kind.")

// uploaded reads a form of which every field is known.
func uploaded(c echo.Context) (imports.New, error) {
	media, params, err := mime.ParseMediaType(c.Request().Header.Get(echo.HeaderContentType))
	if err != nil || media != echo.MIMEMultipartForm || params["boundary"] == "" {
		return imports.New{}, errUpload
	}
	body, err := httpx.Body(c)
	if err != nil {
		return imports.New{}, err
	}
	form, err := multipart.NewReader(bytes.NewReader(body), params["boundary"]).ReadForm(int64(len(body)) + 1)
	if err != nil {
		return imports.New{}, errs.New(errs.Unreadable, "request.unreadable_form", "The form cannot be read: it ends early or a part is broken.").Because(err)
	}
	defer func() { _ = form.RemoveAll() }()
	f := formReader{form: form}
	n := imports.New{
		Kind: f.text("kind", 50), Format: imports.Format(f.text("format", 4)), Delimiter: f.text("delimiter", 1),
		MappingName: f.text("mapping_name", 100), SaveAs: f.text("save_mapping_as", 100), Source: f.text("source", 100),
		DryRun: f.text("dry_run", 5) == "true",
	}
	if m := f.text("mapping", 1<<16); m != "" && json.Unmarshal([]byte(m), &n.Mapping) != nil {
		f.refuse("mapping", "invalid", "It must be a JSON object from columns to fields.")
	}
	if n.Kind == "" {
		f.refuse("kind", "required", "Say what the file holds.")
	}
	if n.Format != "" && n.Format != imports.CSV && n.Format != imports.JSON {
		f.refuse("format", "invalid", "It must be csv or json.")
	}
	n.File, n.FileName = f.file()
	f.rest()
	if len(f.wrong) > 0 {
		return imports.New{}, errs.InvalidFields(f.wrong...)
	}
	return n, nil
}

type formReader struct {
	form  *multipart.Form
	known []string
	wrong []errs.Field
}

func (f *formReader) refuse(name, code, detail string) {
	f.wrong = append(f.wrong, errs.Field{Pointer: "/" + name, Code: code, Detail: detail})
}

func (f *formReader) text(name string, longest int) string {
	f.known = append(f.known, name)
	given := f.form.Value[name]
	switch {
	case len(given) == 0:
		return ""
	case len(given) > 1:
		f.refuse(name, "repeated", "Send it once.")
	case len(given[0]) > longest:
		f.refuse(name, "too_long", "Must be at most "+strconv.Itoa(longest)+" bytes.")
	}
	return given[0]
}

func (f *formReader) file() (content []byte, name string) {
	given := f.form.File["file"]
	if len(given) != 1 {
		f.refuse("file", "required", "Send one file.")
		return nil, ""
	}
	src, err := given[0].Open()
	if err != nil {
		f.refuse("file", "unreadable", "The file cannot be read.")
		return nil, ""
	}
	defer func() { _ = src.Close() }()
	var b bytes.Buffer
	if _, err := b.ReadFrom(src); err != nil {
		f.refuse("file", "unreadable", "The file cannot be read.")
	}
	return b.Bytes(), given[0].Filename[:min(len(given[0].Filename), 200)]
}

// rest refuses what nobody asked for.
func (f *formReader) rest() {
	for _, name := range slices.Sorted(maps.Keys(f.form.Value)) {
		if !slices.Contains(f.known, name) {
			f.refuse(name, "unknown", "There is no such field.")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.form.File)) {
		if name != "file" {
			f.refuse(name, "unknown", "There is no such file.")
		}
	}
}

// inspect looks at a file.
//
//	@ID				inspectImport
//	@Summary		Look at a file before it is imported
//	@Description	Tells format, columns, the mapping that the headings suggest, and the first rows. Keeps nothing.
//	@Tags			imports
//	@Accept			json
//	@Param			body	body		InspectImport	true	"the file"
//	@Success		200		{object}	Inspection
//	@Security		Bearer
//	@x-safe			true
//	@Router			/imports/inspect [post]
func (h handler) inspect(c echo.Context) error {
	in, err := httpx.Bind[InspectImport](c)
	if err != nil {
		return err
	}
	got, err := h.imports.Inspect(c.Request().Context(), httpx.ActorOf(c), imports.New{
		Kind: in.Kind, File: []byte(in.Text), Format: imports.Format(in.Format), Delimiter: in.Delimiter,
	})
	if err != nil {
		return err
	}
	return httpx.One(c, nil, httpx.Reply{Body: fromInspection(got)})
}

// list pages through imports.
//
//	@ID				listImports
//	@Summary		List imports
//	@Description	The account's imports, newest first. They are kept for 90 days.
//	@Tags			imports
//	@Param			kind	query		string		false	"of this kind"
//	@Param			sort	query		string		false	"order"	Enums(created_at,-created_at)
//	@Param			fields	query		[]string	false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200		{object}	httpx.ListOf[Import]
//	@Security		Bearer
//	@Router			/imports [get]
func (h handler) list(c echo.Context) error {
	q := httpx.NewQuery(c)
	kind := q.Text("kind", 50)
	q.Fields(Import{})
	p := q.Page("-created_at", "created_at")
	if err := q.Err(); err != nil {
		return err
	}
	found, err := h.imports.List(c.Request().Context(), httpx.ActorOf(c), kind, p)
	if err != nil {
		return err
	}
	return httpx.List(c, q, page.Map(found, fromDomain))
}

// changes reads what became of imports since the last time.
//
//	@ID				listImportChanges
//	@Summary		Follow imports
//	@Description	First every import as it is now, then each that was asked for, ended or was reverted since. Progress alone is no change.
//	@Description	Imports that were forgotten after their time are not told of.
//	@Tags			imports
//	@Success		200	{object}	httpx.ChangesOf[Import]
//	@Security		Bearer
//	@Router			/imports/changes [get]
func (h handler) changes(c echo.Context) error { return httpx.Follow(c, h.imports.Changes, fromDomain) }

// get reads an import.
//
//	@ID				getImport
//	@Summary		Read an import
//	@Description	With how many rows came to which state so far.
//	@Tags			imports
//	@Param			id		path		string		true	"id of the import"				format(uuid)
//	@Param			fields	query		[]string	false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200		{object}	Import
//	@Security		Bearer
//	@Router			/imports/{id} [get]
func (h handler) get(c echo.Context) error {
	id, err := httpx.PathID[kernel.ImportID](c, "id")
	if err != nil {
		return err
	}
	q := httpx.NewQuery(c)
	q.Fields(Import{})
	if err := q.Err(); err != nil {
		return err
	}
	i, err := h.imports.Find(c.Request().Context(), httpx.ActorOf(c), id)
	if err != nil {
		return err
	}
	return httpx.One(c, q, httpx.Reply{Body: fromDomain(i), Version: i.Version})
}

// rows reads what became of rows.
//
//	@ID				listImportRows
//	@Summary		Read what became of rows
//	@Description	By line, up to 200 at a time: what each row changed, or the column, value and reason for which it was rejected. Go on with
//	@Description	after_line=next_line.
//	@Tags			imports
//	@Param			id			path		string			true	"id of the import"	format(uuid)
//	@Param			state		query		[]imports.State	false	"in one of these"	collectionFormat(csv)
//	@Param			after_line	query		integer			false	"those after this line"
//	@Success		200			{object}	Rows
//	@Security		Bearer
//	@Router			/imports/{id}/rows [get]
func (h handler) rows(c echo.Context) error {
	id, err := httpx.PathID[kernel.ImportID](c, "id")
	if err != nil {
		return err
	}
	q := httpx.NewQuery(c)
	var states []imports.State
	var allowed []string
	for _, s := range imports.States() {
		allowed = append(allowed, string(s))
	}
	for _, s := range q.Enum("state", allowed...) {
		states = append(states, imports.State(s))
	}
	after := 0
	if n := q.Int("after_line", 0, 1<<31-1); n != nil {
		after = *n
	}
	if err := q.Err(); err != nil {
		return err
	}
	const most = 200
	found, err := h.imports.Rows(c.Request().Context(), httpx.ActorOf(c), id, states, after, most+1)
	if err != nil {
		return err
	}
	out := Rows{Data: []Row{}}
	for _, d := range found[:min(len(found), most)] {
		out.Data = append(out.Data, fromRow(d))
	}
	if len(found) > most {
		out.NextLine = &out.Data[most-1].Line
	}
	return httpx.One(c, q, httpx.Reply{Body: out})
}

// revert takes an import back.
//
//	@ID				revertImport
//	@Summary		Revert an import
//	@Description	A job deletes what the import made and gives back the old values of what it changed, the last row first. What was changed
//	@Description	since is kept, and its row tells so. Location is the job's place.
//	@Tags			imports
//	@Param			id	path		string	true	"id of the import"	format(uuid)
//	@Success		202	{object}	Import
//	@Header			202	{string}	Location	"the job"
//	@Header			202	{integer}	Retry-After	"seconds until it is worth asking"
//	@Failure		409	{object}	httpx.Problem	"it has not ended, was a dry run, or is reverted"
//	@Security		Bearer
//	@Router			/imports/{id}/revert [post]
func (h handler) revert(c echo.Context) error {
	id, err := httpx.PathID[kernel.ImportID](c, "id")
	if err != nil {
		return err
	}
	ifVersion, err := httpx.IfMatch(c)
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		i, err := h.imports.Revert(ctx, actor, id, ifVersion)
		return httpx.Accepted(fromDomain(i), i.Version, i.Job), err
	})
}

// createExport starts an export.
//
//	@ID				createExport
//	@Summary		Export to a file
//	@Description	A job writes all that the account has of a kind, in the form that an import reads. Cells that a spreadsheet would take for a
//	@Description	formula begin with an apostrophe. Location is the job's place. Needs the read scope of the kind besides.
//	@Tags			imports
//	@Accept			json
//	@Param			body	body		CreateExport	true	"what"
//	@Success		202		{object}	Export
//	@Header			202		{string}	Location	"the job"
//	@Header			202		{integer}	Retry-After	"seconds until it is worth asking"
//	@Security		Bearer
//	@Router			/exports [post]
func (h handler) createExport(c echo.Context) error {
	in, err := httpx.Bind[CreateExport](c)
	if err != nil {
		return err
	}
	format := imports.Format(in.Format)
	if format == "" {
		format = imports.CSV
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		e, err := h.imports.CreateExport(ctx, actor, in.Kind, format)
		return httpx.Accepted(fromExport(e), e.Version, e.Job), err
	})
}

// listExports pages through exports.
//
//	@ID				listExports
//	@Summary		List exports
//	@Description	The account's exports, newest first. They are kept for 7 days.
//	@Tags			imports
//	@Param			kind	query		string		false	"of this kind"
//	@Param			sort	query		string		false	"order"	Enums(created_at,-created_at)
//	@Param			fields	query		[]string	false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200		{object}	httpx.ListOf[Export]
//	@Security		Bearer
//	@Router			/exports [get]
func (h handler) listExports(c echo.Context) error {
	q := httpx.NewQuery(c)
	kind := q.Text("kind", 50)
	q.Fields(Export{})
	p := q.Page("-created_at", "created_at")
	if err := q.Err(); err != nil {
		return err
	}
	found, err := h.imports.ListExports(c.Request().Context(), httpx.ActorOf(c), kind, p)
	if err != nil {
		return err
	}
	return httpx.List(c, q, page.Map(found, fromExport))
}

// exportChanges reads what became of exports since the last time.
//
//	@ID				listExportChanges
//	@Summary		Follow exports
//	@Description	First every export as it is now, then each that was asked for or ended since. Progress alone is no change. Exports that
//	@Description	were forgotten after their time are not told of.
//	@Tags			imports
//	@Success		200	{object}	httpx.ChangesOf[Export]
//	@Security		Bearer
//	@Router			/exports/changes [get]
func (h handler) exportChanges(c echo.Context) error {
	return httpx.Follow(c, h.imports.ExportChanges, fromExport)
}

// getExport reads an export.
//
//	@ID				getExport
//	@Summary		Read an export
//	@Description	When its status is succeeded, its file is at /exports/{id}/content.
//	@Tags			imports
//	@Param			id		path		string		true	"id of the export"				format(uuid)
//	@Param			fields	query		[]string	false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200		{object}	Export
//	@Security		Bearer
//	@Router			/exports/{id} [get]
func (h handler) getExport(c echo.Context) error {
	id, err := httpx.PathID[kernel.ExportID](c, "id")
	if err != nil {
		return err
	}
	q := httpx.NewQuery(c)
	q.Fields(Export{})
	if err := q.Err(); err != nil {
		return err
	}
	e, err := h.imports.FindExport(c.Request().Context(), httpx.ActorOf(c), id)
	if err != nil {
		return err
	}
	return httpx.One(c, q, httpx.Reply{Body: fromExport(e), Version: e.Version})
}

// content sends the file of an export.
//
//	@ID				getExportContent
//	@Summary		Download an export
//	@Description	CSV with a first line of field names, or a JSON array of objects. Needs the read scope of the kind besides.
//	@Tags			imports
//	@Produce		text/csv,application/json
//	@Param			id	path		string	true	"id of the export"	format(uuid)
//	@Success		200	{array}		ExportedRow	"the file"
//	@Failure		409	{object}	httpx.Problem	"it has not succeeded"
//	@Security		Bearer
//	@Router			/exports/{id}/content [get]
func (h handler) content(c echo.Context) error {
	id, err := httpx.PathID[kernel.ExportID](c, "id")
	if err != nil {
		return err
	}
	q := httpx.NewQuery(c)
	if err := q.Err(); err != nil {
		return err
	}
	e, write, err := h.imports.Content(c.Request().Context(), httpx.ActorOf(c), id)
	if err != nil {
		return err
	}
	media := "text/csv; charset=utf-8"
	if e.Format == imports.JSON {
		media = "application/json"
	}
	head := c.Response().Header()
	head.Set(echo.HeaderContentType, media)
	head.Set(echo.HeaderContentDisposition, `attachment; filename="`+e.Kind+`.`+string(e.Format)+`"`)
	head.Set("Cache-Control", "private, no-store")
	c.Response().WriteHeader(http.StatusOK)
	return write(c.Response())
}
