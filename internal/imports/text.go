package imports

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

var (
	errPacked   = errs.New(errs.Invalid, "import.unreadable", "The file begins like one in gzip, and cannot be unpacked.")
	errUnpacked = errs.New(errs.Invalid, "import.too_large", "The file has more than 25 MiB unpacked. Split it.")
)

var errUndecodable = errs.New(errs.Invalid, "import.unreadable", "The file is no text in UTF-8, UTF-16 or Windows-1252.")

// MaxFile is how many bytes a file may have, unpacked.
const MaxFile = 25 << 20

// unpacked opens a file in gzip; another is returned as it is.
func unpacked(raw []byte) ([]byte, error) {
	if !bytes.HasPrefix(raw, []byte("\x1f\x8b")) {
		return raw, nil
	}
	r, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, errPacked.Because(err)
	}
	out, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	switch {
	case err != nil:
		return nil, errPacked.Because(err)
	case len(out) > MaxFile:
		return nil, errUnpacked
	}
	return out, nil
}

// decode reads a file's bytes as text and tells the charset: by its byte order mark, else by what fits. What is no UTF-8
// is Windows-1252, which dealers' spreadsheets write.
func decode(raw []byte) (text, charset string, err error) {
	if raw, err = unpacked(raw); err != nil {
		return "", "", err
	}
	utf16 := func(e unicode.Endianness) encoding.Encoding { return unicode.UTF16(e, unicode.UseBOM) }
	switch {
	case bytes.HasPrefix(raw, []byte("\xef\xbb\xbf")):
		raw = raw[3:]
		if !utf8.Valid(raw) {
			return "", "", errUndecodable
		}
		charset = "utf-8"
		text = string(raw)
	case bytes.HasPrefix(raw, []byte("\xff\xfe")):
		text, err = decoded(utf16(unicode.LittleEndian), raw)
		charset = "utf-16le"
	case bytes.HasPrefix(raw, []byte("\xfe\xff")):
		text, err = decoded(utf16(unicode.BigEndian), raw)
		charset = "utf-16be"
	case wide(raw, 1):
		text, err = decoded(unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), raw)
		charset = "utf-16le"
	case wide(raw, 0):
		text, err = decoded(unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), raw)
		charset = "utf-16be"
	case utf8.Valid(raw):
		text, charset = string(raw), "utf-8"
	default:
		text, err = decoded(charmap.Windows1252, raw)
		charset = "windows-1252"
	}
	if err != nil || strings.ContainsRune(text, 0) {
		return "", "", errUndecodable
	}
	return text, charset, nil
}

func decoded(e encoding.Encoding, raw []byte) (string, error) {
	out, err := e.NewDecoder().Bytes(raw)
	return string(out), err
}

// wide tells UTF-16 without a mark: of the first characters, most have a zero as their high byte, at that place.
func wide(raw []byte, high int) bool {
	n := min(len(raw)/2, 200)
	zeros, others := 0, 0
	for i := range n {
		if raw[2*i+high] == 0 {
			zeros++
		}
		if raw[2*i+1-high] == 0 {
			others++
		}
	}
	return n > 0 && zeros > n*7/10 && others == 0
}

// delimiters are what may stand between cells, the likeliest first.
const delimiters = ",;\t|"

// delimiterOf is the one that cuts the first lines into the most columns, alike in each.
func delimiterOf(text string) rune {
	best, most := ',', 0
	for _, d := range delimiters {
		if n := columnsBy(text, d); n > most {
			best, most = d, n
		}
	}
	return best
}

// columnsBy counts the delimiters of the first line, when those after it have as many; else it is worth little.
func columnsBy(text string, d rune) int {
	first, line, lines, quoted := -1, 0, 0, false
	for _, r := range text {
		switch {
		case r == '"':
			quoted = !quoted
		case quoted:
		case r == d:
			line++
		case r == '\n':
			if first < 0 {
				first = line
			} else if line != first {
				return min(first, 1)
			}
			if lines++; lines == 10 {
				return first
			}
			line = 0
		}
	}
	return max(first, line)
}
