package fold

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxTerms bounds what one query may ask of the database. Words beyond it are not searched for, which finds more.
const MaxTerms = 12

// Terms splits a query into the folded words that must all occur in the stored text, each once, in order. Punctuation
// separates, so "dupont-legrand" and "dupont legrand" ask the same; a word with @ in it stays whole. Digits that look
// like one telephone number are joined: "dupont 06 12" gives dupont and 0612. "+33 6 12", "0033 6 12", "+33 (0)6 12"
// and "+33 06 12" all give 33612, a piece of 33612345678: store a number in its international digits and, where it
// differs, its national ones.
func Terms(q string) []string {
	var terms []string
	add := func(term string) {
		if term != "" && len(terms) < MaxTerms && !slices.Contains(terms, term) {
			terms = append(terms, term)
		}
	}
	for rest := Text(q); rest != ""; {
		if number, after, ok := cutNumber(rest); ok {
			add(number)
			rest = after
			continue
		}
		word, after := cutWord(rest)
		add(word)
		rest = after
	}
	return terms
}

// cutWord takes the next word off a folded text, or one separator with no word.
func cutWord(s string) (word, rest string) {
	space := strings.IndexByte(s, ' ')
	if space < 0 {
		space = len(s)
	}
	if at := strings.IndexByte(s[:space], '@'); at >= 0 {
		return strings.TrimFunc(s[:space], separates), s[space:]
	}
	end := strings.IndexFunc(s, separates)
	switch end {
	case -1:
		return s, ""
	case 0:
		_, size := utf8.DecodeRuneInString(s)
		return "", s[size:]
	}
	return s[:end], s[end:]
}

func separates(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) }

// cutNumber takes a run of digit groups off the start of s when together they look like (a piece of) one number.
func cutNumber(s string) (number, rest string, ok bool) {
	end, groups := scanNumber(s)
	if len(groups) == 0 || !joinable(s, groups) {
		return "", "", false
	}
	digits := strings.Join(groups, "")
	if s[0] == '+' {
		return international(groups, strings.Contains(s[:end], "(0)")), s[end:], true
	}
	const fewestAfter00 = 3 // "0012" may well be the end of a number
	if abroad, found := strings.CutPrefix(digits, "00"); found && len(abroad) >= fewestAfter00 && abroad[0] != '0' {
		if groups[0] = strings.TrimPrefix(groups[0], "00"); groups[0] == "" {
			groups = groups[1:]
		}
		return international(groups, strings.Contains(s[:end], "(0)")), s[end:], true
	}
	return digits, s[end:], true
}

// scanNumber reads groups of digits with nothing but a separator or two between them. Digits that touch a letter or an
// @ are a word, not a group.
func scanNumber(s string) (end int, groups []string) {
	const between = " -./()"
	i := 0
	if strings.HasPrefix(s, "+") {
		i++
	}
	for i < len(s) {
		start := i
		for start < len(s) && strings.IndexByte(between, s[start]) >= 0 {
			start++
		}
		stop := start
		for stop < len(s) && s[stop] >= '0' && s[stop] <= '9' {
			stop++
		}
		if stop == start || !endsGroup(s[stop:]) {
			break
		}
		groups = append(groups, s[start:stop])
		i, end = stop, stop
	}
	return end, groups
}

func endsGroup(rest string) bool {
	if rest == "" {
		return true
	}
	word, _, _ := strings.Cut(rest, " ")
	r, _ := utf8.DecodeRuneInString(rest)
	return separates(r) && r != '@' && !strings.Contains(word, "@")
}

// joinable says whether groups are one number. A leading plus or zero says so; else the groups must be of the sizes
// people use inside a number, so that a postcode or a price beside another figure stays a word of its own.
func joinable(s string, groups []string) bool {
	if s[0] < '0' && s[0] != '+' && s[0] != '(' {
		return false
	}
	if s[0] == '+' || groups[0][0] == '0' || len(groups) == 1 {
		return true
	}
	const fewest, longest = 4, 4
	total := 0
	for i, g := range groups {
		inside := i > 0 && i < len(groups)-1
		if len(g) > longest || inside && len(g) < 2 {
			return false
		}
		total += len(g)
	}
	return total >= fewest && (len(groups[0]) > 1 || len(groups) > 2)
}

// international joins a country code and what follows it, without the zero that is only dialled inside the country.
// Italy's zero is part of the number.
func international(groups []string, bracketed bool) string {
	code := groups[0]
	if len(groups) == 1 || code == "39" || code == "378" {
		return strings.Join(groups, "")
	}
	const longestCode = 3
	if bracketed || len(code) <= longestCode {
		groups = slices.Clone(groups)
		groups[1] = strings.TrimPrefix(groups[1], "0")
	}
	return strings.Join(groups, "")
}

var likeSpecial = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// indexed is the fewest characters of a piece by which a trigram index finds anything.
const indexed = 3

// Like gives the pattern that matches term anywhere, for LIKE with the default escape character. A term of one or two letters
// or digits gives one without the first %, which the search functions take for the beginning of a word: so short a piece
// is in nearly every text, and no index knows where.
func Like(term string) string {
	if term != "" && utf8.RuneCountInString(term) < indexed && strings.IndexFunc(term, separates) < 0 {
		return term + "%"
	}
	return "%" + likeSpecial.Replace(term) + "%"
}
