// Package vin reads vehicle identification numbers as people, scanners and feeds write them.
//
// The form is that of ISO 3779: seventeen characters out of A-Z and 0-9 without I, O and Q, of which the first three
// (ISO 3780) name the maker and with it a country. Only some markets add rules. North America (49 CFR 565) and China
// (GB 16735) put a check digit in position 9, and there a wrong one makes a VIN invalid. Elsewhere position 9 is the
// maker's to use, so a number that does not add up is a VIN like any other, and the model year is a hint at most.
//
// The package owns the cleaning of the text, the verdict and what the characters say by themselves. It knows no trim,
// engine or colour, and it changes no character for another: a letter O where a zero must have been is refused, with
// the likely number as a suggestion. A text that is no VIN may still be a good chassis number of before 1981; what to
// do with it is for the caller to say.
package vin

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Length is how many characters a VIN has.
const Length = 17

// VIN is a well-formed number: seventeen characters out of the alphabet of ISO 3779, in upper case. Parse makes one.
type VIN string

// Reason says why a text is no VIN.
type Reason string

// The reasons. The last two are found in numbers that are well-formed.
const (
	// Empty is a text that holds nothing once it is cleaned. In an enquiry it means that no VIN was given.
	Empty Reason = "empty"
	// WrongLength is a text of other than seventeen characters.
	WrongLength Reason = "length"
	// Charset is a text of seventeen characters, one of which no VIN may have.
	Charset Reason = "charset"
	// WrongCheckDigit is a position 9 that does not fit the rest, where the market makes it fit.
	WrongCheckDigit Reason = "check_digit"
	// Placeholder is one character seventeen times: something to fill a field that must not be empty.
	Placeholder Reason = "placeholder"
)

// Error says what is wrong with a text, and where.
type Error struct {
	Reason Reason
	// Text is what was left of the text after the cleaning.
	Text string
	// Position is that of the first wrong character, counted from 1 in Text, and Character that character. Both are
	// zero when the length is wrong or nothing is there.
	Position  int
	Character rune
	// Want is the character that belongs at Position. Only a wrong check digit has one.
	Want rune
}

// Error tells the reason in words that may be shown to whoever typed the VIN.
func (e *Error) Error() string {
	switch e.Reason {
	case Empty:
		return "there is no VIN"
	case WrongLength:
		return "a VIN has 17 characters, this one has " + strconv.Itoa(utf8.RuneCountInString(e.Text))
	case Charset:
		if e.Character == 'I' || e.Character == 'O' || e.Character == 'Q' {
			return "a VIN has no letter " + string(e.Character) + ", see position " + strconv.Itoa(e.Position)
		}
		return "a VIN has only letters and digits, see " + strconv.QuoteRune(e.Character) + " in position " + strconv.Itoa(e.Position)
	case WrongCheckDigit:
		return "the check digit in position 9 is " + string(e.Character) + ", " + string(e.Want) + " would fit the other characters"
	case Placeholder:
		return "one character seventeen times is no VIN"
	}
	return "no VIN"
}

// Parse cleans the text and gives the VIN it holds. It fails with an *Error of Empty, WrongLength or Charset. A number
// that it gives is well-formed, which Check may still find invalid.
func Parse(text string) (VIN, error) {
	if wellFormed(text) {
		return VIN(text), nil
	}
	text = Normalise(text)
	switch n := utf8.RuneCountInString(text); {
	case n == 0:
		return "", &Error{Reason: Empty}
	case n != Length:
		return "", &Error{Reason: WrongLength, Text: text}
	}
	position := 0
	for _, r := range text {
		if position++; !inAlphabet(r) {
			return "", &Error{Reason: Charset, Text: text, Position: position, Character: r}
		}
	}
	return VIN(text), nil
}

// Check applies the rules of the market the number belongs to. It fails with an *Error of Placeholder, or of
// WrongCheckDigit where the check digit is mandatory.
func (v VIN) Check() error {
	if len(v) != Length {
		_, err := Parse(string(v))
		return err
	}
	if v.Placeholder() {
		return &Error{Reason: Placeholder, Text: string(v), Position: 1, Character: rune(v[0])}
	}
	if d := v.CheckDigit(); d.Mandatory && !d.Matches {
		return &Error{Reason: WrongCheckDigit, Text: string(v), Position: 9, Character: rune(d.Present), Want: rune(d.Computed)}
	}
	return nil
}

// Placeholder says that all characters are the same.
func (v VIN) Placeholder() bool { return v != "" && strings.Count(string(v), string(v[:1])) == len(v) }

// Valid says whether the text is a VIN that its market's rules allow.
func Valid(text string) bool {
	v, err := Parse(text)
	return err == nil && v.Check() == nil
}

// WMI is the world manufacturer identifier of ISO 3780, the first three characters.
func (v VIN) WMI() string { return v.part(0, 3) }

// VDS is the descriptor section, positions 4 to 9.
func (v VIN) VDS() string { return v.part(3, 9) }

// VIS is the indicator section, positions 10 to 17.
func (v VIN) VIS() string { return v.part(9, Length) }

// SmallMaker is the second half, positions 12 to 14, of the identifier of a maker of few vehicles a year (ISO 3780 sets
// the line at 500 or 1000). Such makers have a 9 in position 3; of all others it is empty.
func (v VIN) SmallMaker() string {
	if len(v) == Length && v[2] == '9' {
		return string(v[11:14])
	}
	return ""
}

// part is empty for a value that was not made by Parse.
func (v VIN) part(from, to int) string {
	if len(v) != Length {
		return ""
	}
	return string(v[from:to])
}

func inAlphabet(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' && r != 'I' && r != 'O' && r != 'Q'
}

func wellFormed(text string) bool {
	if len(text) != Length {
		return false
	}
	for i := range Length {
		if !inAlphabet(rune(text[i])) {
			return false
		}
	}
	return true
}
