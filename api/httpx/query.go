package httpx

import (
	"crypto/sha256"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// ErrParameter is the answer to query parameters that are wrong or unknown; its fields name each of them.
var ErrParameter = errs.New(errs.Unreadable, "request.invalid_parameter",
	"Some query parameters are wrong. Each entry of errors names one and says how to mend it.")

// maxList is how many values one comma list may hold.
const maxList = 200

// Query reads the query string. Each method names a parameter the path knows; Err then tells every mistake at once,
// parameters that nobody named included. Values of a parameter that is wrong are zero.
type Query struct {
	x      *Exchange
	path   string
	values url.Values
	known  []string
	wrong  []errs.Field
	bad    error // a cursor that cannot be used

	sort    string // as it takes effect, for the binding of cursors
	fields  map[string]struct{}
	embeds  Includes
	sparse  bool // fields or include shape the answer, so that the version alone does not name it
	binding []byte
}

// NewQuery begins to read the query string of a request.
func NewQuery(c echo.Context) *Query {
	r := c.Request()
	q := &Query{x: Of(c), path: r.URL.Path}
	q.x.asked = true
	if r.URL.RawQuery == "" {
		return q
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		q.mistake("", "unreadable", "The query string cannot be read: write % as %25 and ; as %3B.")
	}
	q.values = values
	return q
}

// noQuery refuses parameters on a path that reads none: one that is ignored was meant to do something.
func noQuery(c echo.Context) error {
	if c.Request().URL.RawQuery == "" || Of(c).asked {
		return nil
	}
	return NewQuery(c).Err()
}

func (q *Query) mistake(name, code, detail string) {
	if len(q.wrong) < maxFields {
		q.wrong = append(q.wrong, errs.Field{Pointer: "?" + name, Code: code, Detail: detail})
	}
}

// one is the single value of a parameter; false when it is absent or wrong.
func (q *Query) one(name string) (string, bool) {
	q.known = append(q.known, name)
	given := q.values[name]
	switch {
	case len(given) == 0:
		return "", false
	case len(given) > 1:
		q.mistake(name, "duplicate", "Must be given once only.")
		return "", false
	case given[0] == "":
		q.mistake(name, "empty", "Must have a value. Leave the parameter out when there is none.")
		return "", false
	case !storable(given[0]):
		q.mistake(name, "invalid_text", "Must be valid UTF-8 without the character U+0000.")
		return "", false
	}
	return given[0], true
}

// list is a comma list; a parameter that is given again adds to it.
func (q *Query) list(name string) []string {
	q.known = append(q.known, name)
	var out []string
	for _, given := range q.values[name] {
		if !storable(given) {
			q.mistake(name, "invalid_text", "Must be valid UTF-8 without the character U+0000.")
			return nil
		}
		for part := range strings.SplitSeq(given, ",") {
			if part == "" {
				q.mistake(name, "empty", "Must be values with commas between them, without an empty one.")
				return nil
			}
			if len(out) == maxList {
				q.mistake(name, "too_many", "Must be at most "+strconv.Itoa(maxList)+" values.")
				return nil
			}
			if !slices.Contains(out, part) {
				out = append(out, part)
			}
		}
	}
	return out
}

// Text reads one text of at most maxLen characters; "" when absent.
func (q *Query) Text(name string, maxLen int) string {
	s, ok := q.one(name)
	if ok && utf8.RuneCountInString(s) > maxLen {
		q.mistake(name, "too_long", "Must be at most "+strconv.Itoa(maxLen)+" characters.")
		return ""
	}
	return s
}

// Strings reads a comma list of texts of at most 200 characters each; nil when absent.
func (q *Query) Strings(name string) []string {
	out := q.list(name)
	for _, s := range out {
		if utf8.RuneCountInString(s) > 200 {
			q.mistake(name, "too_long", "Each value must be at most 200 characters.")
			return nil
		}
	}
	return out
}

// Enum reads a comma list of allowed values; nil when absent.
func (q *Query) Enum(name string, allowed ...string) []string {
	out := q.list(name)
	for _, s := range out {
		if !slices.Contains(allowed, s) {
			q.mistake(name, "not_allowed", "Must be one or more of "+strings.Join(allowed, ", ")+".")
			return nil
		}
	}
	return out
}

// Choice reads one allowed value; "" when absent.
func (q *Query) Choice(name string, allowed ...string) string {
	s, ok := q.one(name)
	if ok && !slices.Contains(allowed, s) {
		q.mistake(name, "not_allowed", "Must be one of "+strings.Join(allowed, ", ")+".")
		return ""
	}
	return s
}

// QueryIDs reads a comma list of ids; nil when absent.
func QueryIDs[I ~[16]byte](q *Query, name string) []I {
	var out []I
	for _, s := range q.list(name) {
		id, err := kernel.ParseID[I](s)
		if err != nil {
			q.mistake(name, "wrong_format", "Must be UUIDs with commas between them.")
			return nil
		}
		out = append(out, id)
	}
	return out
}

// QueryID reads one id; nil when absent.
func QueryID[I ~[16]byte](q *Query, name string) *I {
	s, ok := q.one(name)
	if !ok {
		return nil
	}
	id, err := kernel.ParseID[I](s)
	if err != nil {
		q.mistake(name, "wrong_format", "Must be a UUID.")
		return nil
	}
	return &id
}

// QueryIDsOrNone reads a comma list of ids in which the word none stands for the absence of one.
func QueryIDsOrNone[I ~[16]byte](q *Query, name string) (ids []I, none bool) {
	for _, s := range q.list(name) {
		if s == "none" {
			none = true
			continue
		}
		id, err := kernel.ParseID[I](s)
		if err != nil {
			q.mistake(name, "wrong_format", "Must be UUIDs, or none, with commas between them.")
			return nil, false
		}
		ids = append(ids, id)
	}
	return ids, none
}

// Refuse adds a mistake that only the handler can see: two parameters that do not go together.
func (q *Query) Refuse(wrong bool, name, detail string) {
	if wrong {
		q.mistake(name, "not_allowed", detail)
	}
}

// Bool reads true or false; nil when absent.
func (q *Query) Bool(name string) *bool {
	s, ok := q.one(name)
	if !ok {
		return nil
	}
	b := s == "true"
	if !b && s != "false" {
		q.mistake(name, "wrong_type", "Must be true or false.")
		return nil
	}
	return &b
}

// Int reads a whole number between least and most; nil when absent.
func (q *Query) Int(name string, least, most int) *int {
	s, ok := q.one(name)
	if !ok {
		return nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < least || n > most || s != strconv.Itoa(n) {
		q.mistake(name, "out_of_range", "Must be a whole number from "+strconv.Itoa(least)+" to "+strconv.Itoa(most)+".")
		return nil
	}
	return &n
}

// TimeRange reads name[gte], name[gt], name[lt] and name[lte] as a range: from is included, before is not. nil means open.
func (q *Query) TimeRange(name string) (from, before *time.Time) {
	later := func(t *time.Time, by time.Duration) *time.Time {
		if t == nil {
			return nil
		}
		// Postgres keeps microseconds, so that the next one is the next time there is.
		u := t.Add(by)
		return &u
	}
	latest := func(a, b *time.Time) *time.Time {
		if a == nil || b != nil && b.After(*a) {
			return b
		}
		return a
	}
	earliest := func(a, b *time.Time) *time.Time {
		if a == nil || b != nil && b.Before(*a) {
			return b
		}
		return a
	}
	from = latest(q.Time(name+"[gte]"), later(q.Time(name+"[gt]"), time.Microsecond))
	before = earliest(q.Time(name+"[lt]"), later(q.Time(name+"[lte]"), time.Microsecond))
	return from, before
}

// Time reads one time as RFC 3339 writes it, to the microsecond and in UTC; nil when absent.
func (q *Query) Time(name string) *time.Time {
	s, ok := q.one(name)
	if !ok {
		return nil
	}
	// A plus that was not percent-encoded arrives as a space; no RFC 3339 time has one.
	t, err := time.Parse(time.RFC3339Nano, strings.Replace(s, " ", "+", 1))
	if err != nil {
		q.mistake(name, "wrong_format", "Must be a time as RFC 3339 writes it, such as 2026-03-01T09:30:00Z.")
		return nil
	}
	t = t.UTC().Truncate(time.Microsecond)
	return &t
}

// Page reads limit, cursor, sort and count. Sorts are wire names, each in both directions; the default has "-" for descending.
func (q *Query) Page(defaultSort string, sorts ...string) page.Request {
	req := page.Request{Limit: q.limit(), Sort: sortOf(defaultSort)}
	if s, ok := q.one("sort"); ok {
		given := sortOf(s)
		if slices.Contains(sorts, given.Field) || given.Field == req.Sort.Field {
			req.Sort = given
		} else {
			q.mistake("sort", "not_allowed", "Must be one of "+strings.Join(sorts, ", ")+", with a - before it for the other direction.")
		}
	}
	q.sort = req.Sort.Field
	if req.Sort.Desc {
		q.sort = "-" + q.sort
	}
	req.Count = page.Count(q.Choice("count", string(page.CountExact), string(page.CountEstimated)))
	if cursor, ok := q.one("cursor"); ok && q.x.edge != nil {
		key, err := q.x.edge.cursors.openPage(cursor, q.bound("page"))
		if err != nil {
			q.bad = ErrCursor.Because(err)
		}
		req.After = &key
	}
	return req
}

func sortOf(s string) page.Sort {
	field, desc := strings.CutPrefix(s, "-")
	return page.Sort{Field: field, Desc: desc}
}

func (q *Query) limit() int {
	if n := q.Int("limit", 1, page.MaxLimit); n != nil {
		return *n
	}
	return page.DefaultLimit
}

// Changes reads the cursor and limit of a feed of changes. Without a cursor it begins at the beginning.
func (q *Query) Changes() (outbox.Cursor, int) {
	limit := q.limit()
	cursor, ok := q.one("cursor")
	if !ok || q.x.edge == nil {
		return outbox.Cursor{}, limit
	}
	c, err := q.x.edge.cursors.openChanges(cursor, q.bound("changes"))
	if err != nil {
		q.bad = ErrCursor.Because(err)
	}
	return c, limit
}

// Place reads a place in the event order, from cursor or, when that is absent, from a header. Such a place holds for every
// path and filter that reads events, and for one account.
func (q *Query) Place(header string) outbox.Cursor {
	h := sha256.New()
	_, _ = h.Write([]byte("events"))
	_, _ = h.Write(q.x.actor.Account[:])
	_, _ = h.Write(q.x.actor.Partner[:])
	q.binding = h.Sum(nil)
	cursor, ok := q.one("cursor")
	if !ok {
		cursor = header
	}
	if cursor == "" || q.x.edge == nil {
		return outbox.Cursor{}
	}
	c, err := q.x.edge.cursors.openChanges(cursor, q.binding)
	if err != nil {
		q.bad = ErrCursor.Because(err)
	}
	return c
}

// SealPlace makes the cursor of a place, after Place.
func (q *Query) SealPlace(c outbox.Cursor) string {
	if q.x.edge == nil {
		return ""
	}
	return q.x.edge.cursors.sealChanges(c, q.bound("changes"))
}

// Limit reads limit, for paths that page in a way of their own.
func (q *Query) Limit() int { return q.limit() }

// Includes are the related resources a caller wants embedded.
type Includes []string

// Has tells whether the caller wants that one.
func (i Includes) Has(name string) bool { return slices.Contains(i, name) }

// Include reads the related resources to embed.
func (q *Query) Include(allowed ...string) Includes {
	in := Includes(q.Enum("include", allowed...))
	if len(in) > 0 {
		q.embeds, q.sparse = in, true
	}
	return in
}

// Fields reads which top-level fields the answer is to have, by the JSON names of sample's type. id is always among them,
// and so is what the caller asked to include.
// One and List then leave the others out.
func (q *Query) Fields(sample any) {
	given := q.list("fields")
	if len(given) == 0 {
		return
	}
	known := shapeOf(reflect.TypeOf(sample))
	q.fields = make(map[string]struct{}, len(given)+1)
	q.fields["id"] = struct{}{}
	for _, name := range given {
		if _, ok := known.members[name]; !ok {
			q.mistake("fields", "not_allowed", "Must be one or more of "+strings.Join(known.names(), ", ")+".")
			return
		}
		q.fields[name] = struct{}{}
	}
	q.sparse = true
}

// Err tells everything that is wrong with the query string. Call it when every parameter has been named.
func (q *Query) Err() error {
	for _, name := range sortedNames(q.values) {
		if !slices.Contains(q.known, name) {
			q.mistake(printable(name), "unknown", "There is no such parameter here.")
		}
	}
	if len(q.wrong) > 0 {
		return ErrParameter.At(q.wrong...)
	}
	if q.fields != nil {
		for _, name := range q.embeds {
			q.fields[name] = struct{}{}
		}
	}
	return q.bad
}

func printable(name string) string {
	if !storable(name) || len(name) > 200 {
		return ""
	}
	return name
}

func sortedNames(v url.Values) []string {
	if len(v) == 0 {
		return nil
	}
	out := make([]string, 0, len(v))
	for name := range v {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// bound is what a cursor belongs to: the path, the filters, the order, and whose data it walks through. The parameters
// that do not change which rows come in which order are left out, so that a walk may change its limit.
func (q *Query) bound(kind string) []byte {
	if q.binding != nil {
		return q.binding
	}
	h := sha256.New()
	part := func(s string) {
		_, _ = h.Write([]byte(strconv.Itoa(len(s)) + ":" + s))
	}
	part(kind)
	part(q.path)
	part(q.sort)
	for _, name := range sortedNames(q.values) {
		if slices.Contains([]string{"cursor", "limit", "count", "fields", "include", "sort"}, name) {
			continue
		}
		values := slices.Clone(q.values[name])
		slices.Sort(values)
		part(name)
		for _, v := range values {
			part(v)
		}
	}
	_, _ = h.Write(q.x.actor.Account[:])
	_, _ = h.Write(q.x.actor.Partner[:])
	q.binding = h.Sum(nil)
	return q.binding
}
