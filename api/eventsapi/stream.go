package eventsapi

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/goccy/go-json"
	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/events"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
)

const (
	mediaStream = "text/event-stream"
	// heartbeat keeps what stands between us from closing a silent connection.
	heartbeat = 15 * time.Second
	// checkEvery is how often the credential of a stream is looked at: with what authentication remembers, a revoked one
	// loses its stream within ten seconds.
	checkEvery = 4 * time.Second
	// slowest is how long a reader may take to take one piece. One that is slower is dropped and may resume.
	slowest = 10 * time.Second
	// reconnectAfter is what a reader is told to wait before it comes back.
	reconnectAfter = 3 * time.Second
	longestWait    = 3600
)

// stream sends events as they come.
//
//	@ID				streamEvents
//	@Summary		Follow events
//	@Description	Server-sent events. Each has the id to resume by, the type as its event, and an Event as its data; a client that comes back
//	@Description	with Last-Event-ID gets all that it missed, once. Without it, or cursor, the stream begins now. When what was missed is
//	@Description	gone, because it is too old or the data was restored, the first event is gap: read the resources again through their
//	@Description	changes feeds, the stream goes on behind it. A comment is sent every 15 seconds. The stream ends with its credential, when
//	@Description	the server stops, or when the reader is too slow. Browsers: use fetch, EventSource cannot send Authorization.
//	@Tags			events
//	@Produce		text/event-stream
//	@Param			type			query		[]string	false	"only these types, such as lead.created"	collectionFormat(csv)
//	@Param			resource		query		[]string	false	"only of these kinds of resources, such as lead"	collectionFormat(csv)
//	@Param			dealership_id	query		[]string	false	"only at these dealerships"	collectionFormat(csv)
//	@Param			cursor			query		string		false	"where to begin: next_cursor of GET /v1/events"
//	@Param			wait			query		integer		false	"end the stream after so many seconds; with 0 it sends what there is"	minimum(0) maximum(3600)
//	@Param			Last-Event-ID	header		string		false	"the id that was read last; cursor goes before it"
//	@Success		200				{string}	string		"events, one after another"
//	@Security		Bearer
//	@Router			/events/stream [get]
func (h handler) stream(c echo.Context) error {
	if _, err := httpx.Negotiate(c, mediaStream); err != nil {
		return err
	}
	q := httpx.NewQuery(c)
	f := filterOf(q)
	at := q.Place(c.Request().Header.Get("Last-Event-ID"))
	wait := q.Int("wait", 0, longestWait)
	if err := q.Err(); err != nil {
		return err
	}
	ctx, actor := c.Request().Context(), httpx.ActorOf(c)
	st, err := h.events.Open(ctx, actor, f, at)
	if err != nil {
		return err
	}
	defer st.Close()
	w := newWriter(c, q)
	if err := w.begin(st); err != nil {
		return nil // the caller left
	}
	var end <-chan time.Time
	if wait != nil {
		timer := time.NewTimer(time.Duration(*wait) * time.Second)
		defer timer.Stop()
		end = timer.C
	}
	h.follow(ctx, actor, httpx.Bearer(c.Request().Header), st, w, end)
	return nil
}

// follow writes what comes until somebody ends it. What it fails with can be told to nobody: the answer has begun, and the
// reader comes back and resumes.
func (h handler) follow(ctx context.Context, actor auth.Actor, credential string, st *events.Stream, w *writer, end <-chan time.Time) {
	beat, check := time.NewTicker(heartbeat), time.NewTicker(checkEvery)
	defer beat.Stop()
	defer check.Stop()
	now := make(chan struct{})
	close(now)
	for {
		step, more, err := st.Poll(ctx, actor)
		if err != nil || !w.step(step) {
			return
		}
		ready, ended := more, end
		if more == nil {
			ready, ended = now, nil // what there is comes before the end
		}
		select {
		case <-ctx.Done():
			return
		case <-st.Stopping():
			return
		case <-ended:
			return
		case <-beat.C:
			if !w.beat(st.At()) {
				return
			}
		case <-check.C:
			if actor, err = h.auth.Authenticate(ctx, credential); err != nil {
				return
			}
		case <-ready:
		}
	}
}

// writer writes server-sent events.
type writer struct {
	out  http.ResponseWriter
	ctl  *http.ResponseController
	q    *httpx.Query
	b    bytes.Buffer
	told string // the id that the reader has
}

func newWriter(c echo.Context, q *httpx.Query) *writer {
	return &writer{out: c.Response(), ctl: http.NewResponseController(c.Response()), q: q}
}

func (w *writer) begin(st *events.Stream) error {
	// The connection outlives what the server gives to other requests.
	if err := w.ctl.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	h := w.out.Header()
	h.Set("Content-Type", mediaStream)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx passes it on at once
	w.out.WriteHeader(http.StatusOK)
	w.b.WriteString("retry: " + strconv.FormatInt(reconnectAfter.Milliseconds(), 10) + "\n")
	w.id(w.q.SealPlace(st.At()))
	w.b.WriteByte('\n')
	return w.flush()
}

// step writes what a stream has next. It tells whether the reader is still there.
func (w *writer) step(s events.Step) bool {
	if s.Gap {
		w.id(w.q.SealPlace(s.At))
		w.b.WriteString("event: gap\ndata: " + gapText + "\n\n")
	}
	for i, e := range s.Events {
		at := s.At
		at.Position = e.Position
		if i == len(s.Events)-1 {
			at = s.At
		}
		w.id(w.q.SealPlace(at))
		data, err := json.Marshal(fromEvent(e))
		if err != nil {
			return false
		}
		w.b.WriteString("event: " + e.Type + "\ndata: ")
		w.b.Write(data)
		w.b.WriteString("\n\n")
	}
	return w.flush() == nil
}

// beat shows that the stream is alive. What came meanwhile was not for this reader, who need not go through it again.
func (w *writer) beat(at outbox.Cursor) bool {
	w.b.WriteString(": still here\n")
	if id := w.q.SealPlace(at); id != w.told {
		w.id(id)
	}
	w.b.WriteByte('\n')
	return w.flush() == nil
}

// gapText is the data of a gap event.
const gapText = `{"code":"cursor.expired","detail":"Events between the id you sent and this one are gone. Read the resources again through their changes feeds."}`

func (w *writer) id(id string) {
	w.b.WriteString("id: " + id + "\n")
	w.told = id
}

// flush sends what was written, within the time that a reader has.
func (w *writer) flush() error {
	if w.b.Len() == 0 {
		return nil
	}
	defer w.b.Reset()
	//nolint:forbidigo // a deadline of the connection is the machine's time
	if err := w.ctl.SetWriteDeadline(time.Now().Add(slowest)); err != nil {
		return err
	}
	if _, err := w.out.Write(w.b.Bytes()); err != nil {
		return err
	}
	return w.ctl.Flush()
}
