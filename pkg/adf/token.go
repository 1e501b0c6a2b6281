package adf

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"
)

// attr is an attribute in the source; name is the local name in lower case.
type attr struct {
	name, value string
}

// rawAttr is an attribute as it stands in the source.
type rawAttr struct{ name, value []byte }

// tag is a start or end tag. size is its length in the source.
type tag struct {
	name        string // local name as written
	attrs       []rawAttr
	end, closed bool // </x>, <x/>
	size        int
}

const (
	maxNameBytes = 200
	maxAttrs     = 64
	// maxAttrBytes is what is kept of an attribute's value: more than any limit on characters lets through, references and all.
	maxAttrBytes = 12 * MaxTextChars
)

// readTag reads the tag at the start of s, which starts with "<". It says no when that is no tag but text; cut is
// true when s ends inside of it. The attributes are appended to room.
func readTag(s []byte, room []rawAttr) (t tag, ok, cut bool) {
	t.attrs = room
	i := 1
	if i < len(s) && s[i] == '/' {
		t.end = true
		i++
	}
	name, n := readName(s[i:])
	if n == 0 {
		return t, false, i >= len(s)
	}
	t.name = name
	i += n
	if i < len(s) && !space(s[i]) && s[i] != '>' && s[i] != '/' && s[i] != '<' {
		return t, false, false
	}
	for {
		i += skipSpace(s[i:])
		switch {
		case i >= len(s):
			return t, false, true
		case s[i] == '>':
			t.size = i + 1
			return t, true, false
		case s[i] == '<':
			return t, false, false
		case s[i] == '/':
			if i+1 < len(s) && s[i+1] == '>' {
				t.closed = true
			}
			i++
			continue
		}
		a, n := readAttr(s[i:])
		i += n
		if len(a.name) > 0 && len(t.attrs) < maxAttrs {
			t.attrs = append(t.attrs, a)
		}
	}
}

// readName reads an XML name and gives its local part.
func readName(s []byte) (string, int) {
	n := 0
	for n < len(s) {
		if b := s[n]; b < utf8.RuneSelf {
			later := b >= '0' && b <= '9' || b == '-' || b == '.' || b == ':'
			if !asciiLetter(b) && b != '_' && (!later || n == 0) {
				break
			}
			n++
			continue
		}
		r, size := utf8.DecodeRune(s[n:])
		if !nameRune(r, n == 0) {
			break
		}
		n += size
	}
	if n > maxNameBytes {
		return "", 0
	}
	local := s[:n]
	if at := bytes.LastIndexByte(local, ':'); at >= 0 {
		local = local[at+1:]
		if _, rest := readName(local); rest != len(local) || rest == 0 {
			return "", 0
		}
	}
	if known, ok := knownNames[string(local)]; ok {
		return known, n
	}
	return string(local), n
}

// nameRune follows the production NameChar of XML 1.0 (fifth edition) beyond ASCII.
func nameRune(r rune, first bool) bool {
	switch {
	case r == 0xB7, r >= 0x300 && r <= 0x36F, r == 0x203F, r == 0x2040:
		return !first
	case r >= 0xC0 && r <= 0x2FF:
		return r != 0xD7 && r != 0xF7
	case r >= 0x370 && r <= 0x1FFF:
		return r != 0x37E
	}
	return r == 0x200C || r == 0x200D || r >= 0x2070 && r <= 0x218F || r >= 0x2C00 && r <= 0x2FEF ||
		r >= 0x3001 && r <= 0xD7FF || r >= 0xF900 && r <= 0xFDCF || r >= 0xFDF0 && r <= 0xFFFC ||
		r >= 0x10000 && r <= 0xEFFFF
}

// readAttr reads one attribute, quoted or not. It always consumes something.
func readAttr(s []byte) (rawAttr, int) {
	i := 0
	for i < len(s) && !space(s[i]) && s[i] != '=' && s[i] != '>' && s[i] != '/' && s[i] != '<' {
		i++
	}
	a := rawAttr{name: s[:i]}
	eq := i + skipSpace(s[i:])
	if eq >= len(s) || s[eq] != '=' {
		return a, max(i, 1)
	}
	i = eq + 1
	i += skipSpace(s[i:])
	if i >= len(s) {
		return a, i
	}
	value, n := attrValue(s[i:])
	a.value = value
	return a, i + n
}

// readAttrs gives the attributes that have XML names, with their references resolved. Of one that is given twice the first
// counts that says anything.
func readAttrs(raw []rawAttr) []attr {
	if len(raw) == 0 {
		return nil
	}
	attrs := make([]attr, 0, len(raw))
	for _, a := range raw {
		name, n := readName(a.name)
		if n == 0 || n < len(a.name) {
			continue
		}
		value := a.value[:wholeRunes(a.value, min(len(a.value), maxAttrBytes))]
		text, _ := appendText(nil, value, false)
		got := attr{name: strings.ToLower(name), value: string(text)}
		switch i := slices.IndexFunc(attrs, func(a attr) bool { return a.name == got.name }); {
		case i < 0:
			attrs = append(attrs, got)
		case strings.TrimSpace(attrs[i].value) == "":
			attrs[i] = got
		}
	}
	return attrs
}

// attrValue finds the extent of an attribute's value. A quote that is never closed would swallow the elements that
// follow: when a "<" comes after a ">" inside the quotes, the value ends at that ">".
func attrValue(s []byte) (value []byte, size int) {
	quote := s[0]
	if quote != '"' && quote != '\'' {
		n := 0
		for n < len(s) && !space(s[n]) && s[n] != '>' && s[n] != '<' && !bytes.HasPrefix(s[n:], []byte("/>")) {
			n++
		}
		return bytes.Trim(s[:n], "“”„‟″"), n // the quotes of a word processor
	}
	gt := -1
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case quote:
			return s[1:i], i + 1
		case '>':
			if gt < 0 {
				gt = i
			}
		case '<':
			if gt >= 0 {
				return bytes.TrimRight(s[1:gt], "/ "), gt
			}
		}
	}
	return s[1:], len(s)
}

func space(b byte) bool {
	return b == ' ' || b == '\t' || b == '\n' || b == '\r'
}

func skipSpace(s []byte) int {
	n := 0
	for n < len(s) && space(s[n]) {
		n++
	}
	return n
}

// skipDeclaration gives the length of a declaration such as a DOCTYPE with its internal subset; -1 when it never
// ends.
func skipDeclaration(s []byte) int {
	depth, quote := 0, byte(0)
	for i := 2; i < len(s); i++ {
		b := s[i]
		switch {
		case quote != 0:
			if b == quote {
				quote = 0
			}
		case depth > 0 && (b == '"' || b == '\''):
			quote = b
		case b == '[':
			depth++
		case b == ']':
			depth--
		case b == '>' && depth <= 0:
			return i + 1
		}
	}
	return -1
}
