package adf

import (
	"slices"
	"strings"
	"unicode"
)

var civilities = map[string]bool{
	"m": true, "mr": true, "mrs": true, "ms": true, "miss": true, "mme": true, "mlle": true, "monsieur": true,
	"madame": true, "mademoiselle": true, "mister": true, "dr": true, "prof": true, "sir": true, "herr": true,
	"frau": true, "sr": true, "sra": true, "srta": true, "señor": true, "señora": true, "don": true, "doña": true,
	"sig": true, "sig.ra": true, "maître": true, "me": true,
}

var particles = map[string]bool{
	"de": true, "du": true, "des": true, "d'": true, "d’": true, "la": true, "le": true, "les": true, "l'": true, "l’": true,
	"van": true, "von": true, "vom": true, "der": true, "den": true, "ter": true, "ten": true, "zu": true, "zum": true,
	"zur": true, "di": true, "da": true, "do": true, "dos": true, "das": true, "del": true, "della": true, "dello": true,
	"degli": true, "dalla": true, "el": true, "al": true, "bin": true, "ben": true, "ibn": true, "abu": true, "st": true,
	"st.": true, "saint": true, "sainte": true, "san": true, "santa": true, "y": true, "e": true, "i": true, "op": true, "'t": true,
}

var suffixes = map[string]bool{
	"jr": true, "sr": true, "ii": true, "iii": true, "iv": true, "phd": true, "md": true, "esq": true, "fils": true,
}

var legalForms = map[string]bool{
	"inc": true, "llc": true, "ltd": true, "co": true, "corp": true, "gmbh": true, "ag": true, "kg": true, "sarl": true,
	"sas": true, "sasu": true, "eurl": true, "sa": true, "sci": true, "srl": true, "spa": true, "bv": true, "nv": true, "plc": true,
	"société": true, "garage": true, "company": true, "motors": true,
}

// SplitName splits a person's full name into given and family names. It knows particles ("Anne de La Tour" gives Anne,
// de La Tour), the forms "LATOUR, Anne" and "LATOUR Anne", and drops a civility in front. A single word is a given
// name, unless a civility stood before it. Names of companies and of several people cannot be split: first is empty
// and last is all of it.
func SplitName(full string) (first, last string) {
	words := strings.FieldsFunc(full, blank)
	if company(words) {
		return "", strings.Join(words, " ")
	}
	polite := false
	for len(words) > 1 && civilities[bareWord(words[0])] && (strings.HasSuffix(words[0], ".") || len(words) > 2 || !polite) {
		words, polite = words[1:], true
	}
	if severalPeople(words) {
		return "", strings.Join(words, " ")
	}
	if first, last, ok := splitComma(words); ok {
		return first, last
	}
	switch {
	case len(words) == 0:
		return "", ""
	case len(words) == 1 && polite:
		return "", words[0]
	case len(words) == 1:
		return words[0], ""
	}
	if n := leadingCapitals(words); n > 0 {
		return strings.Join(words[n:], " "), strings.Join(words[:n], " ")
	}
	at := familyStart(words)
	return strings.Join(words[:at], " "), strings.Join(words[at:], " ")
}

// PersonName gives the given and family name of a contact however they were sent: as parts, both in the first part, or
// in full. For a company both are empty.
func (c *Contact) PersonName() (first, last string) {
	switch {
	case c.Business:
		return "", ""
	case c.First != "" && c.Last == "" && c.Full == "":
		return SplitName(c.First)
	case c.First != "" || c.Last != "":
		return c.First, c.Last
	}
	return SplitName(c.Full)
}

func bareWord(w string) string {
	return strings.ToLower(strings.TrimRight(w, ".,"))
}

func company(words []string) bool {
	for i, w := range words {
		if w == "&" || w == "+" || w == "/" || i > 0 && legalForms[strings.ReplaceAll(bareWord(w), ".", "")] {
			return true
		}
		if i == 0 && len(words) > 1 && (strings.EqualFold(w, "garage") || strings.EqualFold(w, "société")) {
			return true
		}
	}
	return false
}

// severalPeople finds the "and" between the names of a couple.
func severalPeople(words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool {
		switch strings.ToLower(w) {
		case "et", "and", "und", "ou", "or":
			return true
		}
		return false
	})
}

// splitComma reads "LATOUR, Anne"; a comma before a suffix is no such thing.
func splitComma(words []string) (first, last string, ok bool) {
	for i, w := range words {
		if !strings.HasSuffix(w, ",") || i == len(words)-1 {
			continue
		}
		if suffixes[strings.ReplaceAll(bareWord(words[i+1]), ".", "")] {
			return "", "", false
		}
		last = strings.TrimRight(strings.Join(words[:i+1], " "), ", ")
		rest := words[i+1:]
		if len(rest) > 1 && civilities[bareWord(rest[0])] {
			rest = rest[1:]
		}
		return strings.TrimRight(strings.Join(rest, " "), ", "), last, last != ""
	}
	return "", "", false
}

// leadingCapitals counts the capitalised words in front of others that are not: "DE LA TOUR Anne".
func leadingCapitals(words []string) int {
	n := 0
	for n < len(words) && capitals(words[n]) {
		n++
	}
	if n == len(words) || n == 1 && len([]rune(words[0])) < 3 {
		return 0
	}
	for _, w := range words[n:] {
		if capitals(w) || particles[strings.ToLower(w)] {
			return 0
		}
	}
	return n
}

func capitals(w string) bool {
	letters := 0
	for _, r := range w {
		if unicode.IsLower(r) || r == '.' {
			return false
		}
		if unicode.IsUpper(r) {
			letters++
		}
	}
	return letters > 1
}

// familyStart finds where the family name starts: at the last word, with the particles before it and the suffix behind
// it, or at the first of several trailing words in capitals.
func familyStart(words []string) int {
	at := len(words) - 1
	if at > 1 && suffixes[strings.ReplaceAll(bareWord(words[at]), ".", "")] {
		at--
	}
	if !capitals(words[0]) {
		for at > 1 && capitals(words[at]) && capitals(words[at-1]) {
			at--
		}
	}
	for at > 1 && particles[strings.ToLower(words[at-1])] {
		at--
		if w := strings.ToLower(words[at]); (w == "y" || w == "e" || w == "i") && at > 1 {
			at-- // "Ortega y Gasset"
		}
	}
	return at
}
