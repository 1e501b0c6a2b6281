package adf

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
	"golang.org/x/text/transform"
)

// note is a warning about the text as a whole.
type note struct{ code, message string }

// toUTF8 gives data as valid UTF-8 without byte-order mark, and the charset it was read as. Data that is valid UTF-8
// already is not copied.
func toUTF8(data []byte, transport string) ([]byte, string, []note, error) {
	if enc, name, size := sniff(data); enc != nil {
		text, err := decode(enc, data[size:])
		return text, name, nil, err
	}
	data = bytes.TrimPrefix(data, []byte("\xEF\xBB\xBF"))
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, "", nil, fail(ErrEmpty, "%d bytes, all blank", len(data))
	}
	label := declared(data)
	if label == "" {
		label = strings.ToLower(strings.TrimSpace(transport))
	}
	var notes []note
	enc, name := lookup(label)
	if enc == nil && label != "" && name == "" {
		notes = append(notes, note{WarnCharsetUnknown, fmt.Sprintf("The charset %q is not known; it was guessed from the bytes.", clip(label, 40))})
	}
	if utf8.Valid(data) && (enc == nil || singleByte(enc)) {
		if enc != nil && !ascii(data) {
			notes = append(notes, note{WarnCharsetMislabelled, fmt.Sprintf("Labelled %s but the bytes are UTF-8; read as UTF-8.", label)})
		}
		return data, "utf-8", notes, nil
	}
	if enc != nil {
		text, err := decode(enc, data)
		return text, name, notes, err
	}
	text, name, err := repair(data)
	notes = append(notes, note{WarnCharsetMislabelled, "The bytes are not valid UTF-8; read as Windows-1252."})
	return text, name, notes, err
}

// sniff finds UTF-16 and UTF-32 by their byte-order mark, and UTF-16 without one by the zero bytes beside its first
// characters. size is the length of the mark.
func sniff(data []byte) (enc encoding.Encoding, name string, size int) {
	le, be := unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	switch {
	case bytes.HasPrefix(data, []byte("\xFF\xFE\x00\x00")):
		return utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM), "utf-32le", 4
	case bytes.HasPrefix(data, []byte("\x00\x00\xFE\xFF")):
		return utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM), "utf-32be", 4
	case bytes.HasPrefix(data, []byte("\xFF\xFE")):
		return le, "utf-16le", 2
	case bytes.HasPrefix(data, []byte("\xFE\xFF")):
		return be, "utf-16be", 2
	}
	head := data[:min(len(data), 64)]
	odd, even := 0, 0
	for i, b := range head {
		if b == 0 && i%2 == 1 {
			odd++
		} else if b == 0 {
			even++
		}
	}
	switch {
	case odd*4 > len(head) && even == 0:
		return le, "utf-16le", 0
	case even*4 > len(head) && odd == 0:
		return be, "utf-16be", 0
	}
	return nil, "", 0
}

// declared gives the encoding that a processing instruction at the start names. Senders swap the instructions, write
// them in capitals and leave out the equals sign.
func declared(data []byte) string {
	head := bytes.ToLower(data[:min(len(data), 1024)])
	for {
		start := bytes.Index(head, []byte("<?"))
		if start < 0 {
			return ""
		}
		head = head[start+2:]
		end := bytes.IndexByte(head, '>')
		if end < 0 {
			return ""
		}
		pi := head[:end]
		if _, label, ok := bytes.Cut(pi, []byte("encoding")); ok {
			label = bytes.TrimLeft(label, " \t\r\n='\"")
			if n := bytes.IndexAny(label, " \t\r\n'\"?"); n >= 0 {
				label = label[:n]
			}
			return string(label)
		}
		head = head[end:]
	}
}

// lookup gives the encoding of a label. For UTF-8, and for UTF-16 on bytes that plainly are not, the encoding is nil
// and the name "utf-8"; for an unknown label both are empty.
func lookup(label string) (encoding.Encoding, string) {
	if label == "" || strings.HasPrefix(label, "utf-16") || strings.HasPrefix(label, "utf-32") || strings.HasPrefix(label, "ucs-") {
		return nil, "utf-8"
	}
	if label == "utf8mb4" || label == "us-ascii" || label == "ascii" {
		return nil, "utf-8"
	}
	enc, err := htmlindex.Get(label)
	if err != nil || enc == encoding.Replacement {
		return nil, ""
	}
	name, err := htmlindex.Name(enc)
	if err != nil || name == "utf-8" || strings.HasPrefix(name, "utf-16") {
		return nil, "utf-8"
	}
	return enc, name
}

func singleByte(enc encoding.Encoding) bool {
	_, ok := enc.(*charmap.Charmap)
	return ok
}

func ascii(data []byte) bool {
	for _, b := range data {
		if b >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// decode converts in two passes: the first one only measures, so that no more memory is taken than the result needs.
func decode(enc encoding.Encoding, data []byte) ([]byte, error) {
	size := 0
	scratch := make([]byte, 32<<10)
	err := eachChunk(enc, data, func(int) []byte { return scratch }, func(n int) { size += n })
	if err != nil {
		return nil, err
	}
	if size > MaxBytes {
		return nil, fail(ErrTooLarge, "%d bytes when decoded, at most %d are read", size, MaxBytes)
	}
	text := make([]byte, size)
	at := 0
	err = eachChunk(enc, data, func(int) []byte { return text[at:] }, func(n int) { at += n })
	if err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, fail(ErrEmpty, "%d bytes, all blank", len(data))
	}
	return text, nil
}

func eachChunk(enc encoding.Encoding, data []byte, room func(int) []byte, wrote func(int)) error {
	dec := enc.NewDecoder()
	for {
		nDst, nSrc, err := dec.Transform(room(len(data)), data, true)
		wrote(nDst)
		data = data[nSrc:]
		if err == nil {
			return nil
		}
		if !errors.Is(err, transform.ErrShortDst) || (nDst == 0 && nSrc == 0) {
			return fail(ErrNotADF, "cannot be decoded: %v", err)
		}
	}
}

// repair turns the bytes that are not UTF-8 into the Windows-1252 characters they commonly are. In a text that is
// mostly UTF-8 only those bytes change; else the whole text is taken for Windows-1252.
func repair(data []byte) ([]byte, string, error) {
	valid, invalid := 0, 0
	for rest := data; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		switch {
		case r == utf8.RuneError && size == 1:
			invalid++
		case size > 1:
			valid++
		}
		rest = rest[size:]
	}
	if valid <= invalid {
		text, err := decode(charmap.Windows1252, data)
		return text, "windows-1252", err
	}
	text := make([]byte, 0, len(data)+2*invalid)
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		if r == utf8.RuneError && size == 1 {
			r = charmap.Windows1252.DecodeByte(data[0])
		}
		text = utf8.AppendRune(text, r)
		data = data[size:]
	}
	return text, "utf-8", nil
}
