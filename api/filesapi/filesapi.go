// Package filesapi is the HTTP face of files: uploads and downloads, streamed both ways, and links to them. The rules are in
// internal/files.
package filesapi

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/files"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/links"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

type handler struct {
	files *files.Service
	units httpx.Units
	base  string
}

// Routes registers the paths of files. base is how callers reach the server, for links.
func Routes(g *echo.Group, svc *files.Service, u httpx.Units, base string) {
	h := handler{files: svc, units: u, base: base}
	g.POST("/files", h.upload, httpx.Documents)
	g.POST("/files/fetch", h.fetch)
	g.GET("/files", h.list)
	g.GET("/files/changes", h.changes)
	g.GET("/files/:id", h.get)
	g.GET("/files/:id/content", h.content)
	g.DELETE("/files/:id", h.delete)
	g.POST("/files/:id/links", h.link)
	g.GET("/files/:id/links", h.links)
	g.DELETE("/file-links/:id", h.revoke)
}

// PublicRoutes registers the path of links, which need no credential.
func PublicRoutes(g *echo.Group, svc *files.Service) {
	g.GET("/public/files/:token", handler{files: svc}.byLink)
}

// File is an uploaded file. Its content never changes.
type File struct {
	ID          kernel.FileID `json:"id"`
	Version     int64         `json:"version"`
	Name        string        `json:"name" example:"offer.pdf"` // empty once it is deleted
	ContentType string        `json:"content_type" example:"application/pdf"`
	Size        int64         `json:"size" example:"48213"`                                                              // bytes
	SHA256      string        `json:"sha256" example:"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"` // of the content, in hexadecimal
	ExpiresAt   *time.Time    `json:"expires_at"`                                                                        // when it goes unless something uses it by then; null while something does
	CreatedAt   time.Time     `json:"created_at"`
	UpdatedAt   time.Time     `json:"updated_at"`
	DeletedAt   *time.Time    `json:"deleted_at,omitempty"` // only in changes
} //	@name	File

func fromDomain(f files.File) File {
	return File{
		ID: f.ID, Version: f.Version, Name: f.Name, ContentType: f.ContentType, Size: f.Size, SHA256: hex.EncodeToString(f.SHA256[:]),
		ExpiresAt: f.ExpiresAt, CreatedAt: f.CreatedAt, UpdatedAt: f.UpdatedAt, DeletedAt: f.DeletedAt,
	}
}

// CreateFileLink says how long a link is to last.
type CreateFileLink struct {
	ExpiresInSeconds *int `json:"expires_in_seconds,omitempty" validate:"omitempty,gte=60,lte=2592000" example:"86400"` // a day unless it is sent
} //	@name	CreateFileLink

// FileLink is a link by which anybody may read the file until it ends.
type FileLink struct {
	ID        uuid.UUID     `json:"id"`
	FileID    kernel.FileID `json:"file_id"`
	ExpiresAt *time.Time    `json:"expires_at"`
	RevokedAt *time.Time    `json:"revoked_at"`
	CreatedAt time.Time     `json:"created_at"`
} //	@name	FileLink

// IssuedFileLink is a new link with its URL.
type IssuedFileLink struct {
	FileLink
	URL *string `json:"url" example:"https://api.garage.example/v1/public/files/…"` // holds the secret: shown once, null in a repeated answer
} //	@name	IssuedFileLink

func fromLink(l links.Link) FileLink {
	return FileLink{ID: l.ID, FileID: kernel.FileID(l.Subject), ExpiresAt: l.ExpiresAt, RevokedAt: l.RevokedAt, CreatedAt: l.CreatedAt}
}

var (
	errForm = errs.New(errs.Unreadable, "file.bad_form", "Send one part named file, with a file name, as multipart/form-data; or the bytes themselves as the body.")
	errPart = errs.New(errs.Invalid, "file.one_part", "The form must have one part, named file. Upload each file by a request of its own.")
)

// upload takes a file in.
//
//	@ID				uploadFile
//	@Summary		Upload a file
//	@Description	The body is the file: the bytes themselves under their own Content-Type, with the name in the query; or multipart/form-data with one
//	@Description	part named `file`, whose name counts. The type must agree with the content; application/octet-stream has it found out.
//	@Description	A file that nothing uses goes after a week (`expires_at`).
//	@Tags			files
//	@Accept			*/*
//	@Param			name	query		string	false	"the file's name; needed unless a form has it"
//	@Param			body	body		string	true	"the file"
//	@Success		201		{object}	File
//	@Security		Bearer
//	@Router			/files [post]
func (h handler) upload(c echo.Context) error {
	q := httpx.NewQuery(c)
	name := q.Text("name", files.MaxName)
	if err := q.Err(); err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	if err := actor.Require(auth.FilesWrite); err != nil { // before the bytes are read
		return err
	}
	up, rest, err := uploadOf(c, name)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	stored, err := h.files.Keep(ctx, actor, up)
	if err != nil {
		return err
	}
	if err = rest(); err == nil {
		err = httpx.WriteStreamed(c, h.units, actor.Account, stored.Info.SHA256, func(ctx context.Context) (httpx.Reply, error) {
			f, err := h.files.Create(ctx, actor, stored)
			return httpx.Reply{Status: http.StatusCreated, Body: fromDomain(f), Version: f.Version, Location: "/v1/files/" + f.ID.String()}, err
		})
	}
	// What was kept is not needed when the request was answered before, or was refused. After an unknown outcome it may be.
	if httpx.Replayed(c) || err != nil && !db.IsUnavailable(err) {
		_ = h.files.Drop(context.WithoutCancel(ctx), actor.Account, stored) // else it is swept
	}
	return err
}

// FetchFile says where a file comes from.
type FetchFile struct {
	URL  string `json:"url" validate:"required,max=2048" format:"uri" example:"https://photos.dealer.example/4711/front.jpg"`
	Name string `json:"name" validate:"max=255" example:"front.jpg"` // the last part of the URL's path when left out
} //	@name	FetchFile

// FileFetch is a file that is being fetched.
type FileFetch struct {
	ID    kernel.FileID `json:"id"`     // that the file will have
	JobID kernel.JobID  `json:"job_id"` // the job that fetches it
} //	@name	FileFetch

// fetch has a file fetched.
//
//	@ID				fetchFile
//	@Summary		Fetch a file from a URL
//	@Description	A job fetches what is there and makes the file, under the id that is answered; Location is the job's place. It fails when the
//	@Description	host is on no public network, or does not answer with a file of at most 25 MiB whose type agrees with its content, and can be
//	@Description	tried again. A host that is away is waited for, some minutes long.
//	@Tags			files
//	@Accept			json
//	@Param			body	body		FetchFile	true	"where it is"
//	@Success		202		{object}	FileFetch
//	@Header			202		{string}	Location	"the job"
//	@Header			202		{integer}	Retry-After	"seconds until it is worth asking"
//	@Security		Bearer
//	@Router			/files/fetch [post]
func (h handler) fetch(c echo.Context) error {
	in, err := httpx.Bind[FetchFile](c)
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		id, job, err := h.files.Fetch(ctx, actor, in.URL, in.Name)
		return httpx.Accepted(FileFetch{ID: id, JobID: job.ID}, 0, job.ID), err
	})
}

// uploadOf finds the file in the request. rest tells, once the file was read, whether anything follows it.
func uploadOf(c echo.Context, name string) (up files.Upload, rest func() error, err error) {
	body, err := httpx.Stream(c)
	if err != nil {
		return up, nil, err
	}
	declared := c.Request().Header.Get(echo.HeaderContentType)
	up = files.Upload{Name: name, Declared: declared, From: body, Limit: httpx.BodyLimit(c)}
	media, params, _ := mime.ParseMediaType(declared) // what cannot be read is no form
	if media != echo.MIMEMultipartForm {
		return up, func() error { return nil }, nil
	}
	if name != "" {
		return up, nil, errForm.Saying("The name is in the form: leave it out of the query.")
	}
	form := multipart.NewReader(body, params["boundary"])
	part, err := form.NextPart()
	if err != nil {
		return up, nil, formError(err)
	}
	if part.FormName() != "file" || part.FileName() == "" {
		return up, nil, errForm
	}
	up.Name, up.Declared, up.From = part.FileName(), part.Header.Get(echo.HeaderContentType), formReader{part}
	return up, func() error {
		switch _, err := form.NextPart(); {
		case err == nil:
			return errPart
		case errors.Is(err, io.EOF):
			return nil
		default:
			return formError(err)
		}
	}, nil
}

// formReader tells a form that is broken from a caller's line that is.
type formReader struct{ part io.Reader }

func (r formReader) Read(p []byte) (int, error) {
	n, err := r.part.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = formError(err)
	}
	return n, err
}

func formError(err error) error {
	var tooBig *http.MaxBytesError
	if _, ours := errs.As(err); ours || errors.As(err, &tooBig) || errors.Is(err, context.Canceled) {
		return err
	}
	return errForm.Because(err)
}

// list pages through files.
//
//	@ID				listFiles
//	@Summary		List files
//	@Description	The account's files, newest first.
//	@Tags			files
//	@Param			sort	query		string		false	"order"	Enums(created_at,-created_at)
//	@Param			fields	query		[]string	false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200		{object}	httpx.ListOf[File]
//	@Security		Bearer
//	@Router			/files [get]
func (h handler) list(c echo.Context) error {
	q := httpx.NewQuery(c)
	q.Fields(File{})
	p := q.Page("-created_at", "created_at")
	if err := q.Err(); err != nil {
		return err
	}
	found, err := h.files.List(c.Request().Context(), httpx.ActorOf(c), p)
	if err != nil {
		return err
	}
	return httpx.List(c, q, page.Map(found, fromDomain))
}

// changes is the feed of changes.
//
//	@ID				listFileChanges
//	@Summary		Follow the changes of files
//	@Description	Begins with every file as it is now and goes on with each one that changes. Deleted ones come with deleted_at and without their name.
//	@Tags			files
//	@Param			fields	query		[]string	false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200		{object}	httpx.ChangesOf[File]
//	@Security		Bearer
//	@Router			/files/changes [get]
func (h handler) changes(c echo.Context) error {
	q := httpx.NewQuery(c)
	q.Fields(File{})
	cursor, limit := q.Changes()
	if err := q.Err(); err != nil {
		return err
	}
	ch, err := h.files.Changes(c.Request().Context(), httpx.ActorOf(c), cursor, limit)
	if err != nil {
		return err
	}
	items := make([]File, len(ch.Items))
	for i, f := range ch.Items {
		items[i] = fromDomain(f)
	}
	return httpx.Changes(c, q, outbox.Changes[File]{Items: items, Next: ch.Next, More: ch.More})
}

// get reads a file's row.
//
//	@ID				getFile
//	@Summary		Read what is known of a file
//	@Description	Its name, type, size and hash. The content has a path of its own.
//	@Tags			files
//	@Param			id		path		string		true	"id of the file"	format(uuid)
//	@Param			fields	query		[]string	false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200		{object}	File
//	@Security		Bearer
//	@Router			/files/{id} [get]
func (h handler) get(c echo.Context) error {
	id, err := httpx.PathID[kernel.FileID](c, "id")
	if err != nil {
		return err
	}
	q := httpx.NewQuery(c)
	q.Fields(File{})
	if err := q.Err(); err != nil {
		return err
	}
	f, err := h.files.Find(c.Request().Context(), httpx.ActorOf(c), id)
	if err != nil {
		return err
	}
	return httpx.One(c, q, httpx.Reply{Body: fromDomain(f), Version: f.Version})
}

// content gives the bytes.
//
//	@ID				getFileContent
//	@Summary		Read a file's content
//	@Description	The bytes under their own type. A range of them may be asked for by Range; the ETag is of the content. Pictures may be shown in
//	@Description	place, everything else is sent as a download.
//	@Tags			files
//	@Produce		*/*
//	@Param			id		path	string	true	"id of the file"	format(uuid)
//	@Param			Range	header	string	false	"one range of bytes: bytes=0-1023"
//	@Success		200		{file}	binary
//	@Success		206		{file}	binary
//	@Success		304
//	@Security		Bearer
//	@Router			/files/{id}/content [get]
func (h handler) content(c echo.Context) error {
	id, err := httpx.PathID[kernel.FileID](c, "id")
	if err != nil {
		return err
	}
	if err := httpx.NewQuery(c).Err(); err != nil {
		return err
	}
	f, content, err := h.files.Open(c.Request().Context(), httpx.ActorOf(c), id)
	if err != nil {
		return err
	}
	c.Response().Header().Set("Cache-Control", "private, no-cache")
	return serve(c, f, content)
}

// byLink gives the bytes to whoever holds a link.
//
//	@ID				getPublicFile
//	@Summary		Read a file by a link
//	@Description	For whoever holds a link to the file: no credential is needed. A link that has ended answers as one that never was.
//	@Tags			files
//	@Produce		*/*
//	@Param			token	path	string	true	"the secret of the link"
//	@Param			Range	header	string	false	"one range of bytes: bytes=0-1023"
//	@Success		200		{file}	binary
//	@Success		206		{file}	binary
//	@Success		304
//	@Router			/public/files/{token} [get]
func (h handler) byLink(c echo.Context) error {
	if err := httpx.NewQuery(c).Err(); err != nil {
		return err
	}
	f, content, err := h.files.OpenLink(c.Request().Context(), c.Param("token"))
	if err != nil {
		return err
	}
	c.Response().Header().Set("X-Robots-Tag", "noindex")
	return serve(c, f, content)
}

// serve streams content so that no browser runs any of it.
func serve(c echo.Context, f files.File, content io.ReadSeekCloser) error {
	defer content.Close() //nolint:errcheck // it was only read
	h := c.Response().Header()
	disposition := "attachment"
	if f.Shown() {
		disposition = "inline"
	}
	h.Set(echo.HeaderContentType, f.ContentType)
	h.Set(echo.HeaderContentDisposition, mime.FormatMediaType(disposition, map[string]string{"filename": f.Name}))
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("ETag", `"`+hex.EncodeToString(f.SHA256[:16])+`"`)
	r := c.Request().Clone(c.Request().Context())
	r.Header.Del("If-Match") // content never changes: there is nothing to fail
	r.Header.Del("If-Unmodified-Since")
	if !satisfiable(r.Header.Get("Range"), f.Size) {
		r.Header.Del("Range") // and so the whole is sent, as a server may
	}
	http.ServeContent(c.Response(), r, "", f.CreatedAt, content)
	return nil
}

// satisfiable tells whether a Range header asks for one range that the content has.
func satisfiable(header string, size int64) bool {
	first, last, ok := strings.Cut(strings.TrimPrefix(header, "bytes="), "-")
	if !ok || !strings.HasPrefix(header, "bytes=") || strings.Contains(header, ",") {
		return false
	}
	if first == "" {
		n, err := strconv.ParseInt(last, 10, 64)
		return err == nil && n > 0 && size > 0
	}
	from, err := strconv.ParseInt(first, 10, 64)
	if err != nil || from < 0 || from >= size {
		return false
	}
	if last == "" {
		return true
	}
	to, err := strconv.ParseInt(last, 10, 64)
	return err == nil && to >= from
}

// delete deletes a file.
//
//	@ID				deleteFile
//	@Summary		Delete a file
//	@Description	For good, with its content and its links. A file that something uses is removed there first.
//	@Tags			files
//	@Param			id	path	string	true	"id of the file"	format(uuid)
//	@Success		204
//	@Failure		409	{object}	httpx.Problem	"something uses the file"
//	@Security		Bearer
//	@Router			/files/{id} [delete]
func (h handler) delete(c echo.Context) error {
	id, err := httpx.PathID[kernel.FileID](c, "id")
	if err != nil {
		return err
	}
	version, err := httpx.IfMatch(c)
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		return httpx.Reply{}, h.files.Delete(ctx, actor, id, version)
	})
}

// link makes a link.
//
//	@ID				createFileLink
//	@Summary		Make a link to a file
//	@Description	Whoever holds the URL may read the file until the link ends: by time, by being revoked, or with the file.
//	@Tags			files
//	@Accept			json
//	@Param			id		path		string			true	"id of the file"	format(uuid)
//	@Param			body	body		CreateFileLink	true	"how long it lasts"
//	@Success		201		{object}	IssuedFileLink
//	@Security		Bearer
//	@Router			/files/{id}/links [post]
func (h handler) link(c echo.Context) error {
	id, err := httpx.PathID[kernel.FileID](c, "id")
	if err != nil {
		return err
	}
	in, err := httpx.Bind[CreateFileLink](c)
	if err != nil {
		return err
	}
	var lasts time.Duration
	if in.ExpiresInSeconds != nil {
		lasts = time.Duration(*in.ExpiresInSeconds) * time.Second
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		token, l, err := h.files.Link(ctx, actor, id, lasts)
		u := h.base + "/v1/public/files/" + token
		return httpx.Reply{
			Status: http.StatusCreated, Body: IssuedFileLink{FileLink: fromLink(l), URL: &u}, Redacted: IssuedFileLink{FileLink: fromLink(l)},
		}, err
	})
}

// links lists links.
//
//	@ID				listFileLinks
//	@Summary		List the links to a file
//	@Description	Newest first, without their secrets; ended ones for a month.
//	@Tags			files
//	@Param			id		path		string	true	"id of the file"	format(uuid)
//	@Param			sort	query		string	false	"order"				Enums(created_at,-created_at)
//	@Success		200		{object}	httpx.ListOf[FileLink]
//	@Security		Bearer
//	@Router			/files/{id}/links [get]
func (h handler) links(c echo.Context) error {
	id, err := httpx.PathID[kernel.FileID](c, "id")
	if err != nil {
		return err
	}
	q := httpx.NewQuery(c)
	p := q.Page("-created_at", "created_at")
	if err := q.Err(); err != nil {
		return err
	}
	found, err := h.files.ListLinks(c.Request().Context(), httpx.ActorOf(c), id, p)
	if err != nil {
		return err
	}
	return httpx.List(c, q, page.Map(found, fromLink))
}

// revoke ends a link.
//
//	@ID				revokeFileLink
//	@Summary		Revoke a link to a file
//	@Description	From now on its URL answers as if it had never been. Revoking it again changes nothing.
//	@Tags			files
//	@Param			id	path	string	true	"id of the link"	format(uuid)
//	@Success		204
//	@Security		Bearer
//	@Router			/file-links/{id} [delete]
func (h handler) revoke(c echo.Context) error {
	id, err := httpx.PathID[uuid.UUID](c, "id")
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		return httpx.Reply{}, h.files.RevokeLink(ctx, actor, id)
	})
}
