// Package locale reads the codes of languages and countries. It owns their one spelling; what is done in a language or
// country is left to others.
package locale

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"github.com/rooftop-crm/rooftop/internal/platform/fold"
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

// CountryNamed reads a country as people and programs write it, a name, an alpha-2 or an alpha-3 code, and gives its
// ISO 3166-1 alpha-2 code. It knows the names in the languages of the senders around here.
func CountryNamed(text string) (string, bool) {
	if code, ok := Country(text); ok {
		return code, true
	}
	text = fold.Text(text)
	const longest, alpha3 = 80, 3
	if text == "" || len(text) > longest {
		return "", false
	}
	if len(text) == alpha3 {
		if r, err := language.ParseRegion(strings.ToUpper(text)); err == nil && r.ISO3() == strings.ToUpper(text) {
			if code, ok := Country(r.String()); ok {
				return code, true
			}
		}
	}
	code, ok := countryNames()[nameKey(text)]
	return code, ok
}

// everyday are names that no table of the official ones holds.
var everyday = map[string]string{
	"uk": "GB", "great britain": "GB", "grande bretagne": "GB", "england": "GB", "angleterre": "GB", "scotland": "GB", "wales": "GB",
	"northern ireland": "GB", "usa": "US", "united states of america": "US", "etats unis d amerique": "US", "holland": "NL", "hollande": "NL",
	"czech republic": "CZ", "republique tcheque": "CZ", "la reunion": "RE", "ivory coast": "CI", "turkey": "TR",
}

var countryNames = sync.OnceValue(func() map[string]string {
	names := map[string]string{}
	for _, in := range []language.Tag{language.English, language.French, language.German, language.Spanish, language.Italian, language.Dutch, language.Portuguese} {
		namer := display.Regions(in)
		for a := 'A'; a <= 'Z'; a++ {
			for b := 'A'; b <= 'Z'; b++ {
				code, ok := Country(string([]rune{a, b}))
				if !ok {
					continue
				}
				name := nameKey(fold.Text(namer.Name(language.MustParseRegion(code))))
				if _, taken := names[name]; name != "" && !taken {
					names[name] = code
				}
			}
		}
	}
	maps.Copy(names, everyday)
	return names
})

// nameKey leaves out of a folded name what is written in many ways.
func nameKey(folded string) string {
	words := strings.FieldsFunc(folded, func(r rune) bool { return strings.ContainsRune(" -'.,()", r) })
	if len(words) > 1 && words[0] == "the" {
		words = words[1:]
	}
	joined := strings.Join(words, " ")
	if abbreviation := strings.ReplaceAll(joined, " ", ""); len(abbreviation) <= 3 {
		return abbreviation // "U.S.A.", "U. K."
	}
	return joined
}
