// Package fold writes text the way people search for it: without case, accents, ligatures and odd spaces.
//
// A store keeps Text of what may be searched, and a query goes through Terms and Like to match it piece by piece.
// The functions are pure and know nothing of countries: the digit forms under which a telephone number is stored come
// from pkg/phone.
package fold

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Text folds s: lower case, compatibility forms decomposed (NFKD), accents dropped, œ→oe, ß→ss and the like, typographic
// quotes and dashes made plain, runs of white space made one space, none at the ends. It drops what is invisible or
// not UTF-8, so that the result is always good for a text column. Text(Text(s)) equals Text(s).
func Text(s string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	w := writer{out: &b}
	if ascii(s) {
		for i := range len(s) {
			w.rune(rune(s[i]))
		}
		return b.String()
	}
	var it norm.Iter
	it.InitString(norm.NFKD, quotes.Replace(s))
	for !it.Done() {
		for segment := it.Next(); len(segment) > 0; {
			r, size := utf8.DecodeRune(segment)
			segment = segment[size:]
			w.rune(r)
		}
	}
	return b.String()
}

// plain tells, without allocating, that s is folded already, which most stored and searched words are.
func plain(s string) bool {
	space := true // a space may not come first
	for i := range len(s) {
		c := s[i]
		switch {
		case c == ' ':
			if space {
				return false
			}
			space = true
			continue
		case c < ' ', c >= 0x7f, c >= 'A' && c <= 'Z', c == '`':
			return false
		}
		space = false
	}
	return s == "" || !space
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// Spacing accents stand for an apostrophe where they are typed alone; decomposition would make them a blank.
var quotes = strings.NewReplacer("´", "'", "΄", "'", "᾿", "'")

// writer appends folded runes and holds back a space until something follows it.
type writer struct {
	out   *strings.Builder
	space bool
}

func (w *writer) rune(r rune) {
	if r < utf8.RuneSelf {
		w.ascii(byte(r))
		return
	}
	switch {
	case r == utf8.RuneError || unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Co, unicode.Cs):
		return
	case unicode.IsSpace(r):
		w.space = true
		return
	case unicode.Is(unicode.Cc, r):
		return
	}
	r = unicode.ToLower(r)
	if plain, ok := spelled[r]; ok {
		w.text(plain)
		return
	}
	if unicode.Is(unicode.Pd, r) {
		w.text("-")
		return
	}
	w.separate()
	w.out.WriteRune(r)
}

func (w *writer) ascii(c byte) {
	switch {
	case c <= ' ' || c == 0x7f:
		w.space = true
		return
	case c >= 'A' && c <= 'Z':
		c += 'a' - 'A'
	case c == '`':
		c = '\''
	}
	w.separate()
	w.out.WriteByte(c)
}

func (w *writer) text(s string) {
	w.separate()
	w.out.WriteString(s)
}

func (w *writer) separate() {
	if w.space && w.out.Len() > 0 {
		w.out.WriteByte(' ')
	}
	w.space = false
}

// spelled holds the small letters and signs that do not decompose and that people type otherwise.
var spelled = map[rune]string{
	'œ': "oe", 'æ': "ae", 'ß': "ss", 'ø': "o", 'đ': "d", 'ð': "d", 'ł': "l", 'þ': "th", 'ħ': "h", 'ŧ': "t",
	'ı': "i", 'ŋ': "ng", 'ĸ': "k", 'ȷ': "j", 'ƒ': "f", 'ς': "σ",
	'‘': "'", '’': "'", '‚': "'", '‛': "'", 'ʼ': "'", 'ʻ': "'", 'ʹ': "'", '′': "'", '‵': "'", 'ʾ': "'", 'ʿ': "'",
	'“': `"`, '”': `"`, '„': `"`, '«': `"`, '»': `"`, '″': `"`,
	'−': "-", '·': ".", '⁄': "/", '∕': "/",
}
