// Package locale reads the codes of languages and countries. It owns their one spelling; what is done in a language or
// country is left to others.
package locale

import (
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// maxTag bounds a language tag in bytes. RFC 5646 asks for room for 35.
const maxTag = 35

// Language reads a BCP 47 tag whose subtags are registered and gives its canonical spelling: "FR_fr" is "fr-FR". False
// for what is none and for one that names no language.
func Language(tag string) (string, bool) {
	if tag == "" || len(tag) > maxTag {
		return "", false
	}
	t, err := language.Parse(strings.TrimSpace(tag))
	if err != nil || t == language.Und {
		return "", false
	}
	return t.String(), true
}

// withdrawn are codes of countries that are no more; the table still knows them.
var withdrawn = []string{"AN", "BU", "CS", "DD", "FX", "NT", "SU", "TP", "YD", "YU", "ZR"}

// Country reads an ISO 3166-1 alpha-2 code in either case and gives it in upper case.
func Country(code string) (string, bool) {
	code = strings.ToUpper(strings.TrimSpace(code))
	const alpha2 = 2
	if len(code) != alpha2 {
		return "", false
	}
	r, err := language.ParseRegion(code)
	if err != nil || !r.IsCountry() || r.String() != code || r.Canonicalize() != r || slices.Contains(withdrawn, code) {
		return "", false
	}
	return code, true
}
