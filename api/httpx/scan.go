package httpx

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

const (
	maxDepth  = 64
	maxFields = 100 // mistakes named in one answer: more help nobody
	maxDigits = 100 // of one number; Postgres and JavaScript give up long before or after, a person never writes it
)

var (
	errJSON  = errs.New(errs.Unreadable, "request.unreadable", "The body is not valid JSON.")
	errDeep  = errs.New(errs.Unreadable, "request.too_deep", "The body nests deeper than 64 levels.")
	errUTF8  = errs.New(errs.Unreadable, "request.not_utf8", "The body is not valid UTF-8.")
	errEmpty = errs.New(errs.Unreadable, "request.empty", "A JSON body is needed.")
)

// scanner reads a JSON text once, beside the shape it should have. What makes the text unreadable ends it; everything else
// that is wrong is collected, each with its place, so that a caller mends all of it in one go.
type scanner struct {
	b      []byte
	i      int
	at     []string // where we are, as JSON Pointer segments not yet escaped
	wrong  []errs.Field
	values []span // values with a mistake
	extra  []span // members that should not be there, name and value
}

type span struct{ start, end int }

// check reads the text whole. It returns the mistakes in fields, or an error when the text cannot be read.
func check(b []byte, s *shape) (*scanner, error) {
	if !utf8.Valid(b) {
		return nil, errUTF8
	}
	sc := &scanner{b: b}
	sc.space()
	if sc.i == len(b) {
		return nil, errEmpty
	}
	if err := sc.value(s, 0); err != nil {
		return nil, err
	}
	sc.space()
	if sc.i != len(b) {
		return nil, sc.broken("there is something after the end of the value")
	}
	return sc, nil
}

// mended is the text without its mistakes: what should not be there taken out, and null for what is wrong. It lets the
// rest be decoded, and judged by its rules, in the same go.
func (s *scanner) mended() []byte {
	b := bytes.Clone(s.b)
	for _, x := range s.extra {
		takeOut(b, x)
	}
	slices.SortFunc(s.values, func(x, y span) int { return cmp.Or(cmp.Compare(x.start, y.start), cmp.Compare(y.end, x.end)) })
	out := make([]byte, 0, len(b)+len("null")*len(s.values))
	done := 0
	for _, v := range s.values {
		if v.start < done {
			continue // inside a value that is replaced whole
		}
		out = append(append(out, b[done:v.start]...), "null"...)
		done = v.end
	}
	return append(out, b[done:]...)
}

// takeOut blanks a member and the comma that parted it from its neighbour.
func takeOut(b []byte, x span) {
	for i := x.start; i < x.end; i++ {
		b[i] = ' '
	}
	next := x.end
	for next < len(b) && isSpace(b[next]) {
		next++
	}
	if next < len(b) && b[next] == ',' {
		b[next] = ' '
		return
	}
	before := x.start - 1
	for before > 0 && isSpace(b[before]) {
		before--
	}
	if b[before] == ',' {
		b[before] = ' '
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func (s *scanner) broken(why string) error {
	return errJSON.Saying("The body is not valid JSON: %s, at byte %d.", why, s.i)
}

func (s *scanner) space() {
	for s.i < len(s.b) {
		if !isSpace(s.b[s.i]) {
			return
		}
		s.i++
	}
}

func (s *scanner) add(code, detail string) {
	if len(s.wrong) >= maxFields {
		return
	}
	s.wrong = append(s.wrong, errs.Field{Pointer: pointer(s.at), Code: code, Detail: detail})
}

func (s *scanner) wrongType(want *shape) { s.add("wrong_type", "Must be "+want.what+".") }

var anything = &shape{kind: anyShape, nullable: true}

func (s *scanner) value(want *shape, depth int) error {
	if s.i >= len(s.b) {
		return s.broken("it ends too early")
	}
	start, before := s.i, len(s.wrong)
	if want.kind != ownShape {
		if err := s.plain(want, depth); err != nil {
			return err
		}
	} else {
		if err := s.plain(anything, depth); err != nil {
			return err
		}
		if len(s.wrong) == before {
			s.own(want, s.b[start:s.i])
		}
	}
	// A container keeps what is right in it: only the value itself is replaced.
	if len(s.wrong) > before && (want.kind == ownShape || s.isAbout(before)) {
		s.values = append(s.values, span{start, s.i})
	}
	return nil
}

// isAbout tells whether one of the mistakes since before is about the value we are at, rather than about something in it.
func (s *scanner) isAbout(before int) bool {
	here := pointer(s.at)
	for _, w := range s.wrong[before:] {
		if w.Pointer == here && w.Code != "unknown" && w.Code != "duplicate" {
			return true
		}
	}
	return false
}

func (s *scanner) plain(want *shape, depth int) error {
	switch c := s.b[s.i]; {
	case c == '{':
		return s.object(s.expect(want, objectShape, tableShape), depth)
	case c == '[':
		return s.list(s.expect(want, listShape), depth)
	case c == '"':
		return s.text(s.expect(want, textShape))
	case c == '-' || c >= '0' && c <= '9':
		return s.number(s.expect(want, integerShape, numberShape))
	case c == 't':
		s.expect(want, boolShape)
		return s.word("true")
	case c == 'f':
		s.expect(want, boolShape)
		return s.word("false")
	case c == 'n':
		if !want.nullable {
			s.add("null", "Must be "+want.what+", not null. Leave it out when there is none.")
		}
		return s.word("null")
	}
	return s.broken("a value should begin here")
}

// expect notes a value of the wrong kind, which is then read as anything, for its syntax.
func (s *scanner) expect(want *shape, kinds ...shapeKind) *shape {
	if want.kind == anyShape {
		return want
	}
	if slices.Contains(kinds, want.kind) {
		return want
	}
	s.wrongType(want)
	return anything
}

// own lets a type that reads itself say what is wrong, with its own fields when it names some.
func (s *scanner) own(want *shape, raw []byte) {
	err := want.parse(raw)
	if err == nil {
		return
	}
	e, ok := errs.As(err)
	switch {
	case ok && len(e.Fields) > 0:
		base := pointer(s.at)
		for _, f := range e.Fields {
			f.Pointer = base + f.Pointer
			if len(s.wrong) < maxFields {
				s.wrong = append(s.wrong, f)
			}
		}
	case ok:
		s.add("invalid", e.Public)
	default:
		s.add("invalid", "Must be "+want.what+".")
	}
}

func (s *scanner) word(w string) error {
	if !bytes.HasPrefix(s.b[s.i:], []byte(w)) {
		return s.broken("a value should begin here")
	}
	s.i += len(w)
	return nil
}

func (s *scanner) object(want *shape, depth int) error {
	if depth >= maxDepth {
		return errDeep
	}
	s.i++
	var seen names
	for n := 0; ; n++ {
		s.space()
		if s.i < len(s.b) && s.b[s.i] == '}' && n == 0 {
			s.i++
			return nil
		}
		start := s.i
		name, err := s.name()
		if err != nil {
			return err
		}
		s.at = append(s.at, name)
		if seen.add(name) {
			s.add("duplicate", "Must be given once only.")
		}
		inner, known := s.memberOf(want, name)
		if err := s.value(inner, depth+1); err != nil {
			return err
		}
		if !known {
			s.extra = append(s.extra, span{start, s.i})
		}
		s.at = s.at[:len(s.at)-1]
		more, err := s.next('}')
		if err != nil || !more {
			return err
		}
	}
}

// next reads what follows a member or an element: a comma, or the end.
func (s *scanner) next(end byte) (more bool, err error) {
	s.space()
	if s.i < len(s.b) {
		switch s.b[s.i] {
		case ',':
			s.i++
			return true, nil
		case end:
			s.i++
			return false, nil
		}
	}
	return false, s.broken("a comma or " + strconv.Quote(string(end)) + " should be here")
}

// name reads a member's name and its colon.
func (s *scanner) name() (string, error) {
	if s.i >= len(s.b) || s.b[s.i] != '"' {
		return "", s.broken("a member's name should be here")
	}
	start := s.i
	flaws, escaped, err := s.skipText()
	if err != nil {
		return "", err
	}
	raw := s.b[start:s.i]
	name := string(raw[1 : len(raw)-1])
	if escaped {
		if err := json.Unmarshal(raw, &name); err != nil {
			return "", s.broken("a member's name cannot be read")
		}
	}
	if flaws != "" {
		s.at = append(s.at, name)
		s.add("invalid_text", "The name "+flaws)
		s.at = s.at[:len(s.at)-1]
	}
	s.space()
	if s.i >= len(s.b) || s.b[s.i] != ':' {
		return "", s.broken("a colon should be here")
	}
	s.i++
	s.space()
	return name, nil
}

// memberOf is the shape of a member; known is false when there should be none of that name.
func (s *scanner) memberOf(want *shape, name string) (inner *shape, known bool) {
	switch want.kind { //nolint:exhaustive // expect lets nothing else through
	case tableShape:
		return want.elem, true
	case objectShape:
		if i, ok := want.members[name]; ok {
			return want.fields[i].shape, true
		}
		if like := want.lookAlike(name); like != "" {
			s.add("unknown", fmt.Sprintf("There is no such field. Did you mean %s?", like))
		} else {
			s.add("unknown", "There is no such field.")
		}
		return anything, false
	}
	return anything, true
}

func (s *scanner) list(want *shape, depth int) error {
	if depth >= maxDepth {
		return errDeep
	}
	elem := anything
	if want.kind == listShape {
		elem = want.elem
	}
	s.i++
	for n := 0; ; n++ {
		s.space()
		if s.i < len(s.b) && s.b[s.i] == ']' && n == 0 {
			s.i++
			return nil
		}
		s.at = append(s.at, strconv.Itoa(n))
		if err := s.value(elem, depth+1); err != nil {
			return err
		}
		s.at = s.at[:len(s.at)-1]
		more, err := s.next(']')
		if err != nil || !more {
			return err
		}
	}
}

// names is a set of an object's member names: a few in a slice, many in a map.
type names struct {
	few  []string
	many map[string]struct{}
}

// add tells whether the name was there before.
func (n *names) add(name string) bool {
	if n.many != nil {
		_, there := n.many[name]
		n.many[name] = struct{}{}
		return there
	}
	if slices.Contains(n.few, name) {
		return true
	}
	n.few = append(n.few, name)
	if len(n.few) > 24 {
		n.many = make(map[string]struct{}, 2*len(n.few))
		for _, f := range n.few {
			n.many[f] = struct{}{}
		}
	}
	return false
}

var escapePointer = strings.NewReplacer("~", "~0", "/", "~1")

// pointer writes a JSON Pointer (RFC 6901); "" is the whole body.
func pointer(at []string) string {
	var b strings.Builder
	for _, segment := range at {
		b.WriteByte('/')
		_, _ = escapePointer.WriteString(&b, segment)
	}
	return b.String()
}
