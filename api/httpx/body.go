package httpx

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/memory"
)

type limits struct{ json, batch, document int64 }

func orDefault(n, otherwise int64) int64 {
	if n > 0 {
		return n
	}
	return otherwise
}

var errEncoding = errs.New(errs.UnsupportedMedia, "request.unsupported_encoding", "The body must not be compressed: leave Content-Encoding out.")

// LimitBody makes reading more of a body than its path accepts an error, whether the length was declared or not.
func (e *Edge) LimitBody(c echo.Context, batch bool) {
	n := e.limits.json
	if batch {
		n = e.limits.batch
	}
	limitBody(c, n)
}

func limitBody(c echo.Context, n int64) {
	x, r := Of(c), c.Request()
	if x.unlimited == nil {
		x.unlimited = r.Body
	}
	x.limit = n
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = http.MaxBytesReader(c.Response().Writer, x.unlimited, n)
	}
}

// Documents is the middleware of a route that takes inbound documents and mail, which may be larger than JSON. The memory
// of a large one goes back to the machine at once: the next may come soon, and the collector in its own time.
func Documents(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		x := Of(c)
		if e := x.edge; e != nil {
			limitBody(c, e.limits.document)
		}
		err := next(c)
		if len(x.body) > piece {
			x.body = nil
			memory.ReleaseNow()
		}
		return err
	}
}

// BodyLimit is the most bytes that this request's body may have.
func BodyLimit(c echo.Context) int64 { return Of(c).limit }

// Body reads the request's body once and keeps it: the fingerprint of an Idempotency-Key needs it after Bind did.
// It fails when the body is over the path's limit, is compressed, or ends early.
func Body(c echo.Context) ([]byte, error) {
	x := Of(c)
	if x.read {
		return x.body, nil
	}
	r := c.Request()
	if r.Body == nil || r.Body == http.NoBody {
		x.read = true
		return nil, nil
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return nil, errEncoding
	}
	if x.limit > 0 && r.ContentLength > x.limit {
		return nil, &http.MaxBytesError{Limit: x.limit} // at once, without reading the rest
	}
	body, err := readAll(r.Body, r.ContentLength)
	if err != nil {
		var tooBig *http.MaxBytesError
		if errors.As(err, &tooBig) {
			x.body = body // see OverflowOf
		}
		if tooBig != nil || r.Context().Err() != nil {
			return nil, fmt.Errorf("read the body: %w", err)
		}
		return nil, errJSON.Saying("The body ended early.").Because(err)
	}
	x.body, x.read = body, true
	return x.body, nil
}

// Stream gives the body as it comes in, for content that is too large to hold. That it ends early is an error of the
// caller's, and so is more than the path's limit.
func Stream(c echo.Context) (io.Reader, error) {
	x, r := Of(c), c.Request()
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return nil, errEncoding
	}
	if x.limit > 0 && r.ContentLength > x.limit {
		return nil, &http.MaxBytesError{Limit: x.limit}
	}
	if r.Body == nil {
		return http.NoBody, nil
	}
	return streamed{r}, nil
}

type streamed struct{ of *http.Request }

func (s streamed) Read(p []byte) (int, error) {
	n, err := s.of.Body.Read(p)
	var tooBig *http.MaxBytesError
	if err == nil || errors.Is(err, io.EOF) || errors.As(err, &tooBig) || s.of.Context().Err() != nil {
		return n, err
	}
	return n, errJSON.Saying("The body ended early.").Because(err)
}

// piece is how much of a body is read before more room is made than was filled so far.
const piece = 1 << 20

// readAll reads to the end, and returns what it read with an error too. A body of many MiB leaves no more garbage than its
// own size behind, where doubling a buffer leaves three times as much. A length that is only declared takes no memory yet.
func readAll(r io.Reader, declared int64) ([]byte, error) {
	first, err := readPiece(r, min(declared, piece))
	if err != nil || len(first) < piece {
		return first, err
	}
	if declared > piece {
		all := make([]byte, declared)
		n, err := io.ReadFull(r, all[copy(all, first):])
		return all[:len(first)+n], err
	}
	for pieces := [][]byte{first}; ; {
		next, err := readPiece(r, piece)
		pieces = append(pieces, next)
		if err != nil || len(next) < piece {
			return slices.Concat(pieces...), err
		}
	}
}

// readPiece reads a piece, less where the body ends.
func readPiece(r io.Reader, expected int64) ([]byte, error) {
	var b bytes.Buffer
	if expected > 0 {
		b.Grow(int(expected) + bytes.MinRead)
	}
	_, err := b.ReadFrom(io.LimitReader(r, piece))
	return b.Bytes(), err
}

// headBytes is how much of a body that is too large is looked at.
const headBytes = 1 << 10

// Overflow is what is known of a body that Body refused for its size.
type Overflow struct {
	Limit    int64
	Declared int64    // its Content-Length; -1 when it had none
	Read     int64    // bytes that were read of it
	Head     []byte   // the first of these, at most 1 KiB
	SHA256   [32]byte // of all that was read
}

// OverflowOf tells what was seen of a body that Body refused with this error for its size; false for any other error. Of
// a body whose length was declared no more than the head is read.
func OverflowOf(c echo.Context, err error) (Overflow, bool) {
	var tooBig *http.MaxBytesError
	if !errors.As(err, &tooBig) {
		return Overflow{}, false
	}
	x, r := Of(c), c.Request()
	if x.body == nil && r.Body != nil {
		x.body, _ = io.ReadAll(io.LimitReader(r.Body, headBytes)) // as much of it as there is
	}
	return Overflow{
		Limit: tooBig.Limit, Declared: r.ContentLength, Read: int64(len(x.body)),
		Head: bytes.Clone(x.body[:min(len(x.body), headBytes)]), SHA256: sha256.Sum256(x.body),
	}, true
}
