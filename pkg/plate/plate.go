// Package plate reads vehicle registration plates.
//
// It knows the two French series: SIV, in use since 2009 (AA-123-AA, arrêté of 9 February 2009), and FNI before it
// (123 ABC 75, with the department at the end). Plates of other countries and texts that fit no series are kept as they
// came: a plate is a lead's word for a car, and refusing one loses the lead.
package plate

import (
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Series is the numbering that a plate belongs to.
type Series string

// The French series.
const (
	// SIV is AA-123-AA, which stays with the car for life.
	SIV Series = "siv"
	// Provisional is WW-123-AA, for a car that waits for its papers. It changes.
	Provisional Series = "siv_provisional"
	// Garage is W-123-AA, which a dealer puts on one car after the other and which therefore names none of them.
	Garage Series = "siv_garage"
	// FNI is 123 ABC 75. It changes with the owner's department.
	FNI Series = "fni"
)

// Plate is a French plate that was understood.
type Plate struct {
	Series Series
	// Number is the plate as the series writes it, AA-123-AA or 123 ABC 75.
	Number string
	// Department is the code at the end of an FNI plate: 75, 2A, 971. SIV plates have none that means anything.
	Department string
}

// Key is the number without what separates its parts: one form for all ways to write it, to find a plate by.
func (p Plate) Key() string { return compact(p.Number) }

// Reason says why a text is no French plate.
type Reason string

// The reasons.
const (
	Form        Reason = "form"        // of neither series
	Letter      Reason = "letter"      // a letter that the series leaves out
	Combination Reason = "combination" // letters that are never given together
	Serial      Reason = "serial"      // 000, or a number with a zero in front in the old series
	Department  Reason = "department"  // there is none with that code
)

// Error says what is wrong with a text, and where.
type Error struct {
	Reason Reason
	Text   string // what was left after the cleaning, without separators
	// Position is that of the first wrong character, counted from 1 in Text. Zero where no single place is wrong.
	Position int
}

// Error tells the reason in words that may be shown to whoever typed the plate.
func (e *Error) Error() string {
	switch e.Reason {
	case Letter:
		return "no French plate has the letter in position " + strconv.Itoa(e.Position)
	case Combination:
		return "no French plate has the letters that begin in position " + strconv.Itoa(e.Position)
	case Serial:
		return "no French plate has the number that begins in position " + strconv.Itoa(e.Position)
	case Department:
		return "no French department has the code that begins in position " + strconv.Itoa(e.Position)
	case Form:
	}
	return "a French plate is written AA-123-AA, or 123 ABC 75 before 2009"
}

// Normalise gives a plate in the form to store. A French one is written as its series does; any other text, and every
// plate of another country (ISO 3166-1 alpha-2), only loses the blanks around it.
func Normalise(text, country string) string {
	if strings.EqualFold(country, "FR") {
		if p, err := French(text); err == nil {
			return p.Number
		}
	}
	return strings.TrimSpace(text)
}

// French reads a plate of France, however it is spaced. It fails with an *Error.
func French(text string) (Plate, error) {
	key := compact(text)
	letters, digits, tail := parts(key)
	switch {
	case letters != "" && len(letters) <= 2 && len(digits) == 3 && len(tail) == 2 && allLetters(tail):
		return siv(key, letters, digits, tail)
	case letters == "" && digits != "":
		return fni(key, digits, tail)
	}
	return Plate{}, &Error{Reason: Form, Text: key}
}

// siv has letters in front and behind: I, O and U are left out, as are SS in either place and WW in front, which with W
// alone is for cars without a number of their own.
func siv(key, front, digits, back string) (Plate, error) {
	for _, at := range []int{strings.IndexAny(front, "IOU"), after(len(front)+len(digits), strings.IndexAny(back, "IOU"))} {
		if at >= 0 {
			return Plate{}, &Error{Reason: Letter, Text: key, Position: at + 1}
		}
	}
	series := SIV
	switch {
	case front == "SS":
		return Plate{}, &Error{Reason: Combination, Text: key, Position: 1}
	case back == "SS":
		return Plate{}, &Error{Reason: Combination, Text: key, Position: len(front) + len(digits) + 1}
	case digits == "000":
		return Plate{}, &Error{Reason: Serial, Text: key, Position: len(front) + 1}
	case front == "WW":
		series = Provisional
	case front == "W":
		series = Garage
	case len(front) == 1:
		return Plate{}, &Error{Reason: Form, Text: key}
	}
	return Plate{Series: series, Number: front + "-" + digits + "-" + back}, nil
}

// fni has up to four digits, up to three letters (with three of them, up to three digits) and the department.
func fni(key, digits, tail string) (Plate, error) {
	letters := tail[:len(tail)-len(strings.TrimLeft(tail, alphabet))]
	department := tail[len(letters):]
	form := &Error{Reason: Form, Text: key}
	if len(letters) == 0 || len(letters) > 3 || len(digits) > 4 || len(digits) == 4 && len(letters) == 3 || department == "" {
		return Plate{}, form
	}
	if at := strings.IndexAny(letters, "IO"); at >= 0 {
		return Plate{}, &Error{Reason: Letter, Text: key, Position: len(digits) + at + 1}
	}
	if digits[0] == '0' {
		return Plate{}, &Error{Reason: Serial, Text: key, Position: 1}
	}
	if !isDepartment(department) {
		return Plate{}, &Error{Reason: Department, Text: key, Position: len(digits) + len(letters) + 1}
	}
	return Plate{Series: FNI, Number: digits + " " + letters + " " + department, Department: department}, nil
}

// isDepartment knows the codes that were on plates until 2009: 01 to 95, 2A and 2B for Corsica (20 until 1976) and the
// ones overseas.
func isDepartment(code string) bool {
	switch code {
	case "2A", "2B", "971", "972", "973", "974", "975", "976", "977", "978", "984", "986", "987", "988":
		return true
	}
	n, err := strconv.Atoi(code)
	return err == nil && len(code) == 2 && code[0] != '+' && code[0] != '-' && n >= 1 && n <= 95
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

// parts cuts a key into the letters in front, the digits behind them, and what remains.
func parts(key string) (letters, digits, tail string) {
	tail = strings.TrimLeft(key, alphabet)
	letters = key[:len(key)-len(tail)]
	digits = tail
	tail = strings.TrimLeft(digits, "0123456789")
	return letters, digits[:len(digits)-len(tail)], tail
}

func allLetters(s string) bool { return strings.Trim(s, alphabet) == "" }

func after(offset, at int) int {
	if at < 0 {
		return at
	}
	return offset + at
}

// maxText bounds the part of a text that is looked at, in bytes.
const maxText = 64

// compact is the text in upper case without blanks, dashes and dots.
func compact(text string) string {
	text = strings.TrimSpace(text)
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "")
	}
	return strings.Map(func(r rune) rune {
		if r == '.' || r == '·' || r == '•' || r == '*' || r == '_' || r == '−' || unicode.IsSpace(r) || unicode.In(r, unicode.Pd, unicode.Cf, unicode.Cc) {
			return -1
		}
		return r
	}, strings.ToUpper(norm.NFKC.String(text)))
}
