package httpx

import (
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

// ErrNotFound is the answer for an id that never was, in this account.
var ErrNotFound = errs.New(errs.NotFound, "not_found", "There is no such resource, or it is not visible to this credential.")

// PathID reads an id from the path. What is no id is answered like an id that never was.
func PathID[I ~[16]byte](c echo.Context, name string) (I, error) {
	id, err := kernel.ParseID[I](c.Param(name))
	if err != nil {
		return id, ErrNotFound.Because(err)
	}
	return id, nil
}

var errRef = errs.New(errs.Invalid, "request.bad_ref", fmt.Sprintf(
	"The path ends in by-ref/{source}/{external_id}: a source of 1 to %d characters and an id of 1 to %d, both percent-encoded and without the character U+0000.",
	kernel.MaxRefSource, kernel.MaxRefID))

// PathRef reads the reference of a by-ref path. It fails with 422 when it is one that no resource can have.
func PathRef(c echo.Context) (kernel.ExternalRef, error) {
	source, ok := pathText(c, "source", kernel.MaxRefSource)
	id, okID := pathText(c, "external_id", kernel.MaxRefID)
	if !ok || !okID {
		return kernel.ExternalRef{}, errRef
	}
	return kernel.ExternalRef{Source: source, ID: id}, nil
}

// pathText is free text of the path; false when it is blank, too long or nothing that Postgres takes.
func pathText(c echo.Context, name string, maxLen int) (string, bool) {
	s := c.Param(name)
	if c.Request().URL.RawPath != "" {
		var err error
		if s, err = url.PathUnescape(s); err != nil {
			return "", false
		}
	}
	return s, strings.TrimSpace(s) != "" && utf8.RuneCountInString(s) <= maxLen && storable(s)
}

// storable tells whether Postgres takes s as text.
func storable(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }
