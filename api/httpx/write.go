package httpx

import (
	"context"
	"crypto/sha256"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/idem"
)

// Units runs units of work: idem.Store.
type Units interface {
	Do(ctx context.Context, account kernel.AccountID, c idem.Claim, work func(ctx context.Context) (idem.Answer, error)) (idem.Answer, error)
}

var errKey = errs.New(errs.Unreadable, "idempotency.invalid_key",
	"The Idempotency-Key must be 1 to 255 visible ASCII characters, in double quotes or without, and be sent once.")

// Write runs the work of a POST, PUT, PATCH or DELETE in one transaction with the record of its answer, and answers. With
// an Idempotency-Key that was answered before, the work does not run and the first answer is sent again, byte for byte,
// with Idempotent-Replayed: true.
//
// The work's context outlives the caller: a commit that is given up half way is one whose outcome nobody knows.
func Write(c echo.Context, u Units, account kernel.AccountID, work func(ctx context.Context) (Reply, error)) error {
	if err := acceptJSON(c); err != nil {
		return err
	}
	if err := noQuery(c); err != nil {
		return err
	}
	claim, err := claimOf(c)
	if err != nil {
		return err
	}
	return write(c, u, account, claim, work)
}

// WriteStreamed is Write for a body that was streamed: content is the SHA-256 of it. Its handler has read the query.
func WriteStreamed(c echo.Context, u Units, account kernel.AccountID, content [32]byte, work func(ctx context.Context) (Reply, error)) error {
	if err := acceptJSON(c); err != nil {
		return err
	}
	key, err := IdempotencyKey(c)
	if err != nil {
		return err
	}
	claim := idem.Claim{Credential: Of(c).actor.Credential, Key: key, Fingerprint: Fingerprint(c, content[:])}
	return write(c, u, account, claim, work)
}

func write(c echo.Context, u Units, account kernel.AccountID, claim idem.Claim, work func(ctx context.Context) (Reply, error)) error {
	ctx := c.Request().Context()
	if err := ctx.Err(); err != nil {
		return err
	}
	var shown []byte // the body with a secret that the record must not have
	answer, err := u.Do(context.WithoutCancel(ctx), account, claim, func(ctx context.Context) (idem.Answer, error) {
		r, err := work(ctx)
		if err != nil {
			return idem.Answer{}, err
		}
		answer, err := render(r)
		if err == nil && r.Redacted != nil {
			shown = answer.Body
			answer.Body, err = marshal(r.Redacted)
		}
		return answer, err
	})
	if err != nil {
		return err
	}
	if shown != nil && !answer.Replayed {
		answer.Body = shown
	}
	return sendAnswer(c, answer)
}

// render makes the bytes of an answer inside the unit of work, so that the record has exactly what the caller got.
func render(r Reply) (idem.Answer, error) {
	answer := idem.Answer{Status: r.status()}
	if r.Version > 0 || r.Location != "" {
		answer.Header = make(map[string]string, 3)
		if r.Version > 0 {
			answer.Header["Etag"] = etagOf(r.Version)
		}
		if r.Location != "" {
			answer.Header["Location"] = r.Location
		}
		if r.RetryAfter > 0 {
			answer.Header["Retry-After"] = strconv.Itoa(int(r.RetryAfter.Seconds()))
		}
	}
	if r.Body == nil {
		answer.Body = []byte{} // never nil: the column is not nullable
		return answer, nil
	}
	var err error
	answer.Body, err = marshal(r.Body)
	return answer, err
}

func sendAnswer(c echo.Context, a idem.Answer) error {
	h := c.Response().Header()
	for name, value := range a.Header {
		h[http.CanonicalHeaderKey(name)] = []string{value}
	}
	if a.Replayed {
		h["Idempotent-Replayed"] = []string{"true"}
	}
	contentType := h.Get("Content-Type")
	if contentType == "" && len(a.Body) > 0 {
		contentType = contentTypeJSON
	}
	return send(c, a.Status, contentType, a.Body)
}

// Replayed tells whether the answer that was sent is an earlier one.
func Replayed(c echo.Context) bool { return len(c.Response().Header()["Idempotent-Replayed"]) > 0 }

// claimOf names the request, when it carries an Idempotency-Key.
func claimOf(c echo.Context) (idem.Claim, error) {
	key, err := IdempotencyKey(c)
	if err != nil || key == "" {
		return idem.Claim{}, err
	}
	body, err := Body(c)
	if err != nil {
		return idem.Claim{}, err
	}
	return idem.Claim{Credential: Of(c).actor.Credential, Key: key, Fingerprint: Fingerprint(c, body)}, nil
}

// IdempotencyKey is the request's key without its quotes; "" when it has none.
func IdempotencyKey(c echo.Context) (string, error) {
	given := c.Request().Header["Idempotency-Key"]
	if len(given) == 0 {
		return "", nil
	}
	if len(given) > 1 {
		return "", errKey
	}
	key, ok := readKey(given[0])
	if !ok {
		return "", errKey
	}
	return key, nil
}

// readKey takes a bare key, or a quoted string as structured fields (RFC 9651) write it.
func readKey(s string) (string, bool) {
	s = strings.Trim(s, " \t")
	if inner, quoted := strings.CutPrefix(s, `"`); quoted {
		var closed bool
		if inner, closed = strings.CutSuffix(inner, `"`); !closed {
			return "", false
		}
		if s, closed = unescapeKey(inner); !closed {
			return "", false
		}
	}
	if s == "" || len(s) > 255 {
		return "", false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return "", false
		}
	}
	return s, true
}

func unescapeKey(s string) (string, bool) {
	if !strings.ContainsAny(s, `"\`) {
		return s, true
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			return "", false
		case '\\':
			i++
			if i == len(s) || s[i] != '"' && s[i] != '\\' {
				return "", false
			}
		}
		b.WriteByte(s[i])
	}
	return b.String(), true
}

// Fingerprint tells one request from another that has the same key: SHA-256 of method, path, sorted query and body.
func Fingerprint(c echo.Context, body []byte) [32]byte {
	r := c.Request()
	query := r.URL.RawQuery
	if query != "" {
		if values, err := url.ParseQuery(query); err == nil {
			query = values.Encode() // sorted by name
		}
	}
	h := sha256.New()
	for _, part := range []string{r.Method, "\n", r.URL.EscapedPath(), "\n", query, "\n"} {
		_, _ = h.Write([]byte(part))
	}
	_, _ = h.Write(body)
	var sum [32]byte
	h.Sum(sum[:0])
	return sum
}
