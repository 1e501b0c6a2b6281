package httpx

import (
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

// PathText reads free text from the path, such as the source and id of another system. Empty, longer than max characters
// or unreadable text is answered like a resource that never was.
func PathText(c echo.Context, name string, maxLen int) (string, error) {
	s := c.Param(name)
	if c.Request().URL.RawPath != "" {
		var err error
		if s, err = url.PathUnescape(s); err != nil {
			return "", ErrNotFound.Because(err)
		}
	}
	if s == "" || utf8.RuneCountInString(s) > maxLen || !storable(s) {
		return "", ErrNotFound
	}
	return s, nil
}

// storable tells whether Postgres takes s as text.
func storable(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }
