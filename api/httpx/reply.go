package httpx

import (
	"bytes"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/idem"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// Reply is what a handler answers.
type Reply struct {
	Status   int    // 200 when zero, 204 when there is no body either
	Body     any    // nil for none
	Version  int64  // becomes the ETag; 0 for none
	Location string // of what was created, or of the job of a 202
	// RetryAfter says after which time a 202 is worth asking about.
	RetryAfter time.Duration
	// Redacted is kept for a replay in place of Body, when Body shows a secret that is shown once only.
	Redacted any
}

// Accepted answers what a job will do: 202 with the job's place and when to look there first.
func Accepted(body any, version int64, job kernel.JobID) Reply {
	return Reply{Status: http.StatusAccepted, Body: body, Version: version, Location: "/v1/jobs/" + job.String(), RetryAfter: time.Second}
}

func (r Reply) status() int {
	switch {
	case r.Status != 0:
		return r.Status
	case r.Body == nil:
		return http.StatusNoContent
	}
	return http.StatusOK
}

// One answers a GET of one resource: with its ETag, as 304 when If-None-Match has it, and with the fields that q asks for.
// q may be nil.
func One(c echo.Context, q *Query, r Reply) error {
	if err := acceptJSON(c); err != nil {
		return err
	}
	h := c.Response().Header()
	plain := q == nil || !q.sparse
	if r.Version > 0 && plain {
		etag := etagOf(r.Version)
		h["Etag"] = []string{etag}
		h["Cache-Control"] = noCache
		if notModified(c.Request(), etag) {
			return send(c, http.StatusNotModified, "", nil)
		}
	}
	b := buffers.Get().(*bytes.Buffer) //nolint:forcetypeassert // the pool holds nothing else
	defer giveBack(b)
	if err := encodeTo(b, r.Body); err != nil {
		return err
	}
	if plain {
		return send(c, r.status(), contentTypeJSON, b.Bytes())
	}
	return sparseOne(c, q, r, b.Bytes())
}

// OneOf answers a GET of one resource in another media type than JSON, with its ETag.
func OneOf(c echo.Context, media string, r Reply, body []byte) error {
	if r.Version > 0 {
		etag := etagOfBody(r.Version, body)
		h := c.Response().Header()
		h["Etag"], h["Cache-Control"] = []string{etag}, noCache
		if notModified(c.Request(), etag) {
			return send(c, http.StatusNotModified, "", nil)
		}
	}
	return send(c, http.StatusOK, media, body)
}

// SendStored answers with JSON that was made before: for work whose answer is kept with what it made.
func SendStored(c echo.Context, status int, body []byte, replayed bool) error {
	return sendAnswer(c, idem.Answer{Status: status, Body: body, Replayed: replayed})
}

// noCache lets a caller keep an answer that it revalidates each time.
var noCache = []string{"private, no-cache"}

func sparseOne(c echo.Context, q *Query, r Reply, body []byte) error {
	if q.fields != nil {
		b := buffers.Get().(*bytes.Buffer) //nolint:forcetypeassert // the pool holds nothing else
		defer giveBack(b)
		keepFields(b, body, q.fields)
		body = b.Bytes()
	}
	if r.Version > 0 {
		etag := etagOfBody(r.Version, body)
		h := c.Response().Header()
		h["Etag"] = []string{etag}
		h["Cache-Control"] = noCache
		if notModified(c.Request(), etag) {
			return send(c, http.StatusNotModified, "", nil)
		}
	}
	return send(c, r.status(), contentTypeJSON, body)
}

// ListOf is one page of a list.
type ListOf[T any] struct {
	Data []T `json:"data"`
	// NextCursor goes into cursor to read on; null on the last page.
	NextCursor *string `json:"next_cursor"`
	// Total is there when count was asked for.
	Total *int64 `json:"total,omitempty"`
} //	@name	List

// List answers a page: {"data": […], "next_cursor": …, "total"?: n}, with the fields that q asks for.
func List[T any](c echo.Context, q *Query, p page.Of[T]) error {
	body := ListOf[T]{Data: p.Items, Total: p.Total}
	if p.Next != nil && q.x.edge != nil {
		next := q.x.edge.cursors.sealPage(*p.Next, q.bound("page"))
		body.NextCursor = &next
	}
	if body.Data == nil {
		body.Data = []T{}
	}
	return sendList(c, q, body, body.Data, tail{NextCursor: body.NextCursor, Total: body.Total})
}

type tail struct {
	NextCursor *string `json:"next_cursor"`
	HasMore    *bool   `json:"has_more,omitempty"`
	Total      *int64  `json:"total,omitempty"`
}

// ChangesOf is one step of a feed of changes, oldest first. What was deleted comes with its deleted_at.
type ChangesOf[T any] struct {
	Data []T `json:"data"`
	// NextCursor goes into cursor to go on, now or after the next change; it is always there.
	NextCursor string `json:"next_cursor"`
	// HasMore says that there is more to read at once.
	HasMore bool `json:"has_more"`
} //	@name	Changes

// Changes answers a step of a feed of changes: {"data": […], "next_cursor": "…", "has_more": …}.
func Changes[T any](c echo.Context, q *Query, ch outbox.Changes[T]) error {
	body := ChangesOf[T]{Data: ch.Items, HasMore: ch.More}
	if q.x.edge != nil {
		body.NextCursor = q.x.edge.cursors.sealChanges(ch.Next, q.bound("changes"))
	}
	if body.Data == nil {
		body.Data = []T{}
	}
	return sendList(c, q, body, body.Data, tail{NextCursor: &body.NextCursor, HasMore: &body.HasMore})
}

// sendList writes the whole body, or the items cut to q's fields with the rest after them.
func sendList(c echo.Context, q *Query, whole, items any, rest tail) error {
	if err := acceptJSON(c); err != nil {
		return err
	}
	b := buffers.Get().(*bytes.Buffer) //nolint:forcetypeassert // the pool holds nothing else
	defer giveBack(b)
	if q.fields == nil {
		if err := encodeTo(b, whole); err != nil {
			return err
		}
		return send(c, http.StatusOK, contentTypeJSON, b.Bytes())
	}
	if err := encodeTo(b, items); err != nil {
		return err
	}
	cut := buffers.Get().(*bytes.Buffer) //nolint:forcetypeassert // the pool holds nothing else
	defer giveBack(cut)
	cut.WriteString(`{"data":`)
	keepFieldsOfEach(cut, b.Bytes(), q.fields)
	end, err := marshal(rest)
	if err != nil {
		return err
	}
	cut.WriteByte(',')
	cut.Write(end[1:])
	return send(c, http.StatusOK, contentTypeJSON, cut.Bytes())
}
