package core

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/locale"
	"github.com/rooftop-crm/rooftop/internal/platform/schema"
)

const (
	maxName      = 200
	maxList      = 50
	maxCode      = 100
	maxCustom    = 16 << 10
	maxURL       = 2000
	maxAddressLn = 6
)

// wrong collects every bad field of a request.
type wrong struct{ fields []errs.Field }

func (w *wrong) add(pointer, code, detail string) {
	w.fields = append(w.fields, errs.Field{Pointer: pointer, Code: code, Detail: detail})
}

func (w *wrong) err() error {
	if len(w.fields) == 0 {
		return nil
	}
	return errs.InvalidFields(w.fields...)
}

// text trims a text and checks its length; required means that it may not be empty.
func (w *wrong) text(pointer string, s *string, most int, required bool) {
	*s = strings.TrimSpace(*s)
	switch {
	case *s == "" && required:
		w.add(pointer, "required", "This must not be empty.")
	case utf8.RuneCountInString(*s) > most:
		w.add(pointer, "too_long", fmt.Sprintf("Must be at most %d characters.", most))
	}
}

func (w *wrong) country(pointer string, code *string) {
	known, ok := locale.Country(*code)
	if !ok {
		w.add(pointer, "invalid", "Give a country as ISO 3166-1 alpha-2 does, such as FR.")
		return
	}
	*code = known
}

func (w *wrong) language(pointer string, tag *string) {
	known, ok := locale.Language(*tag)
	if !ok {
		w.add(pointer, "invalid", "Give a language as BCP 47 does, such as fr or en-GB.")
		return
	}
	*tag = known
}

func (w *wrong) timeZone(pointer, zone string) {
	if _, err := time.LoadLocation(zone); err != nil || zone == "" || zone == "Local" {
		w.add(pointer, "invalid", "Give a zone of the IANA time zone database, such as Europe/Paris.")
	}
}

func (w *wrong) refs(pointer string, refs []kernel.ExternalRef) {
	if len(refs) > maxList {
		w.add(pointer, "too_many", fmt.Sprintf("At most %d.", maxList))
		return
	}
	sources := map[string]bool{}
	for i := range refs {
		at := fmt.Sprintf("%s/%d", pointer, i)
		w.text(at+"/source", &refs[i].Source, maxCode, true)
		w.text(at+"/id", &refs[i].ID, maxName, true)
		if sources[refs[i].Source] {
			w.add(at+"/source", "duplicate", "Each source may occur once.")
		}
		sources[refs[i].Source] = true
	}
}

func (w *wrong) custom(pointer string, custom map[string]any) {
	if f := schema.Bounds(custom); f != nil {
		w.add(pointer, f.Code, f.Detail)
	}
}

func (w *wrong) website(pointer string, s *string) {
	w.text(pointer, s, maxURL, false)
	if *s == "" {
		return
	}
	u, err := url.Parse(*s)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		w.add(pointer, "invalid", "Give a whole address, such as https://www.example.com.")
	}
}

// diff collects the wire names of the fields that differ.
type diff struct{ names []string }

func (d *diff) add(name string, same bool) {
	if !same {
		d.names = append(d.names, name)
	}
}

func samePtr[T comparable](a, b *T) bool { return (a == nil) == (b == nil) && (a == nil || *a == *b) }

// storable tells whether the database takes s as text; what it does not take, it does not hold either.
func storable(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// instant is a time as the database keeps it.
func instant(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	return new(t.UTC().Truncate(time.Microsecond))
}

func sameTime(a, b *time.Time) bool { return (a == nil) == (b == nil) && (a == nil || a.Equal(*b)) }

func sameJSON(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && slices.Equal(x, y)
}
