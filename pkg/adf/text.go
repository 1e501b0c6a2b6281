package adf

import (
	"bytes"
	"html"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// flaw is a set of things found wrong with the text of one element.
type flaw uint16

const (
	bareAmpersand flaw = 1 << iota
	bareLess
	unknownEntity
	controlChars
	inlineMarkup
	textCut
)

// maxNodeBytes is what the tree keeps of one text: more than any limit on characters lets through.
const maxNodeBytes = 4*MaxCommentsChars + 64

// special marks the bytes that appendText must look at.
var special = func() (t [256]bool) {
	for b := range 0x20 {
		t[b] = b != '\t' && b != '\n'
	}
	t['&'] = true
	t[0xEF] = true // may start U+FFFE or U+FFFF
	return t
}()

// appendText appends s to dst with entities resolved (unless raw), line ends normalised, forbidden characters left
// out, and no more than maxNodeBytes in all.
func appendText(dst, s []byte, raw bool) ([]byte, flaw) {
	var found flaw
	for len(s) > 0 {
		if len(dst) >= maxNodeBytes {
			if len(bytes.TrimSpace(s[:min(len(s), 256)])) > 0 {
				found |= textCut
			}
			return dst, found
		}
		n := 0
		for n < len(s) && n < maxNodeBytes && !special[s[n]] {
			n++
		}
		n = wholeRunes(s, n)
		dst = append(dst, s[:n]...)
		s = s[n:]
		if len(s) == 0 || !special[s[0]] {
			continue
		}
		var used int
		var f flaw
		dst, used, f = appendSpecial(dst, s, raw)
		found |= f
		s = s[used:]
	}
	return dst, found
}

// wholeRunes moves n back to the start of a character.
func wholeRunes(s []byte, n int) int {
	for m := n; n < len(s) && m > 0 && m > n-utf8.UTFMax; m-- {
		if utf8.RuneStart(s[m]) {
			return m
		}
	}
	return n
}

func appendSpecial(dst, s []byte, raw bool) ([]byte, int, flaw) {
	switch {
	case s[0] == '\r':
		if len(s) > 1 && s[1] == '\n' {
			return append(dst, '\n'), 2, 0
		}
		return append(dst, '\n'), 1, 0
	case s[0] == 0xEF:
		r, size := utf8.DecodeRune(s)
		if r == 0xFFFE || r == 0xFFFF {
			return dst, size, controlChars
		}
		return append(dst, s[:size]...), size, 0
	case s[0] != '&':
		return dst, 1, controlChars
	case raw:
		return append(dst, '&'), 1, 0
	}
	return appendEntity(dst, s)
}

// appendEntity resolves the reference at the start of s: numeric ones, the five of XML, and those of HTML. Anything
// else, entities of a DTD included, stays as it is written.
func appendEntity(dst, s []byte) ([]byte, int, flaw) {
	end := bytes.IndexByte(s[:min(len(s), 40)], ';')
	if end < 2 || !entityName(s[1:end]) {
		return append(dst, '&'), 1, bareAmpersand
	}
	if s[1] != '#' {
		if text := namedEntity(s[:end+1]); text != "" {
			return append(dst, text...), end + 1, 0
		}
		return append(dst, s[:end+1]...), end + 1, unknownEntity
	}
	r, ok := numericEntity(string(s[2:end]))
	if !ok {
		return append(dst, s[:end+1]...), end + 1, unknownEntity
	}
	used := end + 1
	if utf16.IsSurrogate(r) {
		// Programs that think in UTF-16 send an emoji as two references.
		low, n := nextNumeric(s[used:])
		r = utf16.DecodeRune(r, low)
		if r == unicode.ReplacementChar {
			return dst, used, controlChars
		}
		used += n
	}
	if !xmlChar(r) {
		return dst, used, controlChars
	}
	return utf8.AppendRune(dst, r), used, 0
}

func entityName(s []byte) bool {
	for i, b := range s {
		if !asciiLetter(b) && (b < '0' || b > '9') && b != '_' && (b != '#' || i > 0) {
			return false
		}
	}
	return true
}

func asciiLetter(b byte) bool {
	return b|0x20 >= 'a' && b|0x20 <= 'z'
}

func namedEntity(ref []byte) string {
	switch string(ref) {
	case "&amp;":
		return "&"
	case "&lt;":
		return "<"
	case "&gt;":
		return ">"
	case "&quot;":
		return `"`
	case "&apos;":
		return "'"
	}
	text := html.UnescapeString(string(ref))
	// html also resolves prefixes ("&notit;") and may leave the reference as it is.
	if strings.HasSuffix(text, ";") {
		return ""
	}
	return text
}

// numericEntity reads "233" or "xE9". References 128 to 159 are meant as Windows-1252, as browsers read them.
func numericEntity(digits string) (rune, bool) {
	base := 10
	if digits != "" && (digits[0] == 'x' || digits[0] == 'X') {
		base, digits = 16, digits[1:]
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil || n > unicode.MaxRune {
		return 0, false
	}
	if n >= 0x80 && n <= 0x9F {
		return charmap.Windows1252.DecodeByte(byte(n)), true
	}
	return rune(n), true
}

func nextNumeric(s []byte) (rune, int) {
	end := bytes.IndexByte(s[:min(len(s), 12)], ';')
	if end < 3 || s[0] != '&' || s[1] != '#' {
		return 0, 0
	}
	r, _ := numericEntity(string(s[2:end]))
	return r, end + 1
}

// xmlChar reports whether XML 1.0 can carry r.
func xmlChar(r rune) bool {
	switch {
	case r == '\t' || r == '\n' || r == '\r':
		return true
	case r < 0x20 || r == 0xFFFE || r == 0xFFFF || r > unicode.MaxRune:
		return false
	}
	return !utf16.IsSurrogate(r)
}

// trim takes white space, byte-order marks and zero-width blanks off both ends.
func trim(s string) string {
	return strings.TrimFunc(s, blank)
}

func blank(r rune) bool {
	return unicode.IsSpace(r) || r == 0xFEFF || r == 0x200B
}

// cutChars shortens s to at most limit characters.
func cutChars(s string, limit int) (string, bool) {
	if len(s) <= limit {
		return s, false
	}
	n := 0
	for i := range s {
		if n == limit {
			return trim(s[:i]), true
		}
		n++
	}
	return s, false
}

// clip shortens s for a message.
func clip(s string, limit int) string {
	if short, cut := cutChars(s, limit); cut {
		return short + "…"
	}
	return s
}

func digitsOnly(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

func nonEmpty(values ...string) []string {
	var kept []string
	for _, v := range values {
		if v != "" {
			kept = append(kept, v)
		}
	}
	return kept
}
