package httpx

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

// ErrIfMatchRequired is the answer to a change that does not name the version it changes, in an account that demands it.
var ErrIfMatchRequired = errs.New(errs.PreconditionRequired, "precondition.required",
	"This account requires If-Match on every change. Send the ETag of the version you read.")

// noVersion matches nothing: versions begin at 1.
const noVersion = -1

// etagOf names the plain representation of a version.
func etagOf(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

// etagOfBody names a representation that fields or include shaped. Its first part is the version still, so that it
// serves in If-Match.
func etagOfBody(version int64, body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + strconv.FormatInt(version, 10) + "." + hex.EncodeToString(sum[:6]) + `"`
}

// IfMatch is the version a change is meant for: nil when the caller names none, or any by *. It fails with
// ErrIfMatchRequired when the caller's account demands one. A tag that is weak or none of ours gives a version that no
// resource has; of several versions the newest counts.
func IfMatch(c echo.Context) (*int64, error) {
	given := c.Request().Header.Values("If-Match")
	if len(given) == 0 {
		if Of(c).actor.RequireIfMatch {
			return nil, ErrIfMatchRequired
		}
		return nil, nil //nolint:nilnil // absent is not an error here, and nil is what services take for it
	}
	newest := int64(noVersion)
	for _, tag := range tags(given) {
		if tag == "*" {
			return nil, nil //nolint:nilnil // as above
		}
		newest = max(newest, versionOf(tag))
	}
	return &newest, nil
}

// IfMatchSent is IfMatch where the caller may have no version to name, whatever the account demands: an upsert that may
// create, a restore of what cannot be read.
func IfMatchSent(c echo.Context) (*int64, error) {
	if len(c.Request().Header.Values("If-Match")) == 0 {
		return nil, nil //nolint:nilnil // as IfMatch
	}
	return IfMatch(c)
}

// Precondition is what a caller of an upsert asks of what may not be there yet: by If-Match a version or, with *, that there
// is one; by If-None-Match: * that there is none.
func Precondition(c echo.Context) (kernel.Precondition, error) {
	version, err := IfMatchSent(c)
	h := c.Request().Header
	return kernel.Precondition{
		Version: version, Exists: len(h.Values("If-Match")) > 0, Absent: slices.Contains(tags(h.Values("If-None-Match")), "*"),
	}, err
}

func versionOf(tag string) int64 {
	if len(tag) < 3 || tag[0] != '"' || tag[len(tag)-1] != '"' {
		return noVersion
	}
	inner, _, _ := strings.Cut(tag[1:len(tag)-1], ".")
	v, err := strconv.ParseInt(inner, 10, 64)
	if err != nil || v < 1 {
		return noVersion
	}
	return v
}

// tags splits a list of entity tags. A comma inside quotes belongs to its tag.
func tags(headers []string) []string {
	var out []string
	for _, h := range headers {
		quoted, start := false, 0
		for i := 0; i <= len(h); i++ {
			switch {
			case i == len(h) || h[i] == ',' && !quoted:
				if tag := strings.TrimSpace(h[start:i]); tag != "" {
					out = append(out, tag)
				}
				start = i + 1
			case h[i] == '"':
				quoted = !quoted
			}
		}
	}
	return out
}

// notModified tells whether the caller has that representation already. Reading compares weakly (RFC 9110, 13.1.2).
func notModified(r *http.Request, etag string) bool {
	given := r.Header["If-None-Match"]
	if len(given) == 0 {
		return false
	}
	for _, tag := range tags(given) {
		if tag == "*" || strings.TrimPrefix(tag, "W/") == etag {
			return true
		}
	}
	return false
}
