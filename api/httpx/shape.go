package httpx

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/platform/merge"
)

type shapeKind uint8

const (
	anyShape    shapeKind = iota // whatever is valid JSON
	objectShape                  // named members
	tableShape                   // members of any name, all of one shape
	listShape
	textShape
	integerShape
	numberShape
	boolShape
	ownShape // a type that reads its JSON itself
)

// shape is what a Go type expects of JSON. It is made once for each type and never changed after.
type shape struct {
	kind     shapeKind
	nullable bool
	members  map[string]int
	fields   []member
	elem     *shape
	typ      reflect.Type // of the value to try, for ownShape and for text that must parse
	parses   bool         // text that typ must be able to parse
	what     string       // "a string": goes into "Must be …"
}

type member struct {
	name  string
	index []int
	tag   string // of the validator
	merge bool   // a merge.Field
	shape *shape
}

var (
	shapes sync.Map // reflect.Type → *shape

	timeType     = reflect.TypeFor[time.Time]()
	uuidType     = reflect.TypeFor[uuid.UUID]()
	rawType      = reflect.TypeFor[json.RawMessage]()
	readsJSON    = reflect.TypeFor[json.Unmarshaler]()
	readsText    = reflect.TypeFor[encoding.TextUnmarshaler]()
	mergePackage = reflect.TypeFor[merge.Field[int]]().PkgPath()
)

func shapeOf(t reflect.Type) *shape {
	if s, ok := shapes.Load(t); ok {
		return s.(*shape) //nolint:forcetypeassert // the map holds nothing else
	}
	s := (&builder{open: map[reflect.Type]*shape{}}).shape(t)
	shapes.Store(t, s)
	return s
}

// builder remembers the types it is inside of, since a type may hold itself.
type builder struct{ open map[reflect.Type]*shape }

func (b *builder) shape(t reflect.Type) *shape {
	if s, ok := b.open[t]; ok {
		return s
	}
	s := &shape{typ: t}
	b.open[t] = s
	b.fill(s, t)
	return s
}

func (b *builder) fill(s *shape, t reflect.Type) {
	switch {
	case isMergeField(t):
		inner, _ := t.FieldByName("Value")
		*s = *b.shape(inner.Type)
		s.nullable = true
		return
	case t.Kind() == reflect.Pointer:
		*s = *b.shape(t.Elem())
		s.nullable = true
		return
	case t == rawType || t.Kind() == reflect.Interface:
		s.kind, s.nullable = anyShape, true
		return
	case t == timeType:
		s.kind, s.parses, s.what = textShape, true, "a time as RFC 3339 writes it, such as 2026-03-01T09:30:00Z"
		return
	case reflect.PointerTo(t).Implements(readsJSON):
		s.kind, s.nullable, s.what = ownShape, true, "a value of another form"
		return
	case reflect.PointerTo(t).Implements(readsText):
		s.kind, s.parses, s.what = textShape, true, "text of another form"
		if t.ConvertibleTo(uuidType) {
			s.what = "a UUID"
		}
		return
	}
	b.plain(s, t)
}

func (b *builder) plain(s *shape, t reflect.Type) {
	switch t.Kind() { //nolint:exhaustive // channels and functions are in no body
	case reflect.Bool:
		s.kind, s.what = boolShape, "true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		s.kind, s.what = integerShape, "a whole number"
	case reflect.Float32, reflect.Float64:
		s.kind, s.what = numberShape, "a number"
	case reflect.String:
		s.kind, s.what = textShape, "a string"
	case reflect.Map:
		s.kind, s.what, s.elem = tableShape, "an object", b.shape(t.Elem())
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			s.kind, s.parses, s.what = textShape, true, "base64 text"
			return
		}
		s.kind, s.what, s.elem = listShape, "an array", b.shape(t.Elem())
	case reflect.Struct:
		s.kind, s.what, s.members = objectShape, "an object", map[string]int{}
		b.collect(s, t, nil)
	}
}

// collect adds the fields of a struct, those of embedded structs included, by the names encoding/json gives them.
func (b *builder) collect(s *shape, t reflect.Type, at []int) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		index := append(append([]int(nil), at...), i)
		if f.Anonymous && name == "" {
			inner := f.Type
			if inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			if inner.Kind() == reflect.Struct {
				b.collect(s, inner, index)
				continue
			}
		}
		if !f.IsExported() || f.Tag.Get("json") == "-" {
			continue
		}
		if name == "" {
			name = f.Name
		}
		if _, taken := s.members[name]; taken {
			continue
		}
		s.members[name] = len(s.fields)
		s.fields = append(s.fields, member{
			name: name, index: index, tag: f.Tag.Get("validate"), merge: isMergeField(f.Type), shape: b.shape(f.Type),
		})
	}
}

func isMergeField(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t.PkgPath() == mergePackage && strings.HasPrefix(t.Name(), "Field[")
}

// parse tries whether the type can read the value. raw is a JSON value whose syntax is known to be right.
func (s *shape) parse(raw []byte) error {
	v := reflect.New(s.typ).Interface()
	if err := json.Unmarshal(raw, v); err != nil {
		return err
	}
	if t, ok := v.(*time.Time); ok {
		_, err := t.UTC().MarshalJSON() // in UTC it may leave the years that RFC 3339 can write, and then no answer could hold it
		return err
	}
	return nil
}

// names lists the members of an object shape, for fields=.
func (s *shape) names() []string {
	out := make([]string, 0, len(s.fields))
	for _, f := range s.fields {
		out = append(out, f.name)
	}
	return out
}

// lookAlike finds the member a caller probably meant: firstName for first_name.
func (s *shape) lookAlike(name string) string {
	bare := func(n string) string { return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(n)) }
	want := bare(name)
	for _, f := range s.fields {
		if bare(f.name) == want {
			return f.name
		}
	}
	return ""
}
