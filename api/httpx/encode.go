package httpx

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"

	json "github.com/goccy/go-json"
	"github.com/labstack/echo/v4"
)

const contentTypeJSON = "application/json"

// maxPooled keeps one large answer from holding its memory for ever.
const maxPooled = 256 << 10

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func giveBack(b *bytes.Buffer) {
	if b.Cap() <= maxPooled {
		b.Reset()
		buffers.Put(b)
	}
}

// encodeTo writes v as JSON. HTML is not escaped: nothing here is a web page, and text should read as it was sent.
func encodeTo(b *bytes.Buffer, v any) error {
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	if n := b.Len(); n > 0 && b.Bytes()[n-1] == '\n' {
		b.Truncate(n - 1)
	}
	return nil
}

// marshal is for bodies that outlive the request's buffer.
func marshal(v any) ([]byte, error) { return json.MarshalWithOption(v, json.DisableHTMLEscape()) }

// send writes a whole answer at once, with its length.
func send(c echo.Context, status int, contentType string, body []byte) error {
	h := c.Response().Header()
	if status == http.StatusNoContent || status == http.StatusNotModified {
		c.Response().WriteHeader(status)
		return nil
	}
	if contentType != "" {
		h["Content-Type"] = []string{contentType}
	}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	c.Response().WriteHeader(status)
	_, err := c.Response().Write(body)
	return err
}

// Serializer makes echo's c.JSON write as the rest of this package does.
type Serializer struct{}

// Serialize implements echo.JSONSerializer.
func (Serializer) Serialize(c echo.Context, v any, _ string) error {
	b := buffers.Get().(*bytes.Buffer) //nolint:forcetypeassert // the pool holds nothing else
	defer giveBack(b)
	if err := encodeTo(b, v); err != nil {
		return err
	}
	if !c.Response().Committed {
		c.Response().Header()["Content-Length"] = []string{strconv.Itoa(b.Len())}
	}
	_, err := c.Response().Write(b.Bytes())
	return err
}

// Deserialize implements echo.JSONSerializer. Handlers use Bind; this serves echo's own binder as strictly as it can.
func (Serializer) Deserialize(c echo.Context, v any) error {
	body, err := Body(c)
	if err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil && !errors.Is(err, io.EOF) {
		return errJSON.Because(err)
	}
	return nil
}
