package vin

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxText bounds the part of a text that is looked at, in bytes.
const maxText = 256

// Normalise gives the text in the form a VIN has: NFKC, upper case, without blanks, dashes, the asterisks that old bar
// codes and number plates put around it, and a label such as "VIN:". It changes no letter for a digit, and the result
// need be no VIN.
func Normalise(text string) string {
	text = strings.TrimSpace(text)
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "")
	}
	text = withoutLabel(strings.ToUpper(norm.NFKC.String(text)))
	text = strings.Trim(text, `"'.,;()[]<>`)
	return strings.Map(keep, text)
}

// keep drops what separates or is not seen.
func keep(r rune) rune {
	if r == '*' || r == '_' || r == '−' || unicode.IsSpace(r) || unicode.In(r, unicode.Pd, unicode.Cf, unicode.Cc) {
		return -1
	}
	return r
}

// labels that come before a VIN. Each has a letter that no VIN has.
var labels = []string{"VIN", "FIN", "NIV", "CHASSIS", "FAHRGESTELL", "TELAIO", "BASTIDOR"}

// counters follow a label, and are taken for one only with a separator behind: "VIN NM0..." is a VIN of Turkey.
var counters = []string{"NUMBER", "NUMMER", "NUMERO", "NUM", "NO", "NR", "N"}

// withoutLabel cuts off what names the field. The text is in upper case.
func withoutLabel(text string) string {
	if at := strings.LastIndexAny(text, ":=#"); at >= 0 && strings.TrimSpace(text[at+1:]) != "" {
		return text[at+1:]
	}
	for _, label := range labels {
		rest, ok := strings.CutPrefix(strings.TrimLeft(text, " *"), label)
		if !ok {
			continue
		}
		// Without a separator it may be a VIN with a mistake in it.
		if !separated(rest) && len(rest) < Length {
			return text
		}
		rest = strings.TrimLeft(rest, separators)
		for _, counter := range counters {
			if after, found := strings.CutPrefix(rest, counter); found && separated(after) {
				return strings.TrimLeft(after, separators)
			}
		}
		return rest
	}
	return text
}

const separators = " \t\u00a0.-–°º/"

func separated(rest string) bool {
	first, _ := utf8.DecodeRuneInString(rest)
	return rest != "" && strings.ContainsRune(separators, first)
}

// lookalikes are the characters that are taken for another by hand, by eye or by a camera: the letters no VIN has, and
// those of other alphabets that look the same on a screen.
var lookalikes = map[rune]rune{
	'O': '0', 'Q': '0', 'I': '1', 'Ø': '0', '|': '1', '!': '1',
	'А': 'A', 'В': 'B', 'Е': 'E', 'К': 'K', 'М': 'M', 'Н': 'H', 'О': '0', 'Р': 'P', 'С': 'C', 'Т': 'T', 'У': 'Y', 'Х': 'X',
	'Α': 'A', 'Β': 'B', 'Ε': 'E', 'Ζ': 'Z', 'Η': 'H', 'Ι': '1', 'Κ': 'K', 'Μ': 'M', 'Ν': 'N', 'Ο': '0', 'Ρ': 'P', 'Τ': 'T', 'Υ': 'Y', 'Χ': 'X',
}

// Suggest gives the VIN that was probably meant by a text which has seventeen characters but some that no VIN has: O and
// Q read as zero, I as one. Ok is false when the text is well-formed, or when no valid VIN comes of it. The suggestion is
// to be shown and confirmed; where no check digit vouches for it, it is no more than a guess.
func Suggest(text string) (v VIN, ok bool) {
	text = Normalise(text)
	if wellFormed(text) {
		return "", false
	}
	v = VIN(strings.Map(func(r rune) rune {
		if meant, alike := lookalikes[r]; alike {
			return meant
		}
		return r
	}, text))
	if !wellFormed(string(v)) || v.Check() != nil {
		return "", false
	}
	return v, true
}
