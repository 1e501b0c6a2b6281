package phone

import (
	"regexp"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// parser looks for one number. It counts what it asks of the library, so that no text costs more than maxLookups.
type parser struct {
	region   string
	possible string // the first number of the right length that is not valid
	lookups  int
	fewest   int // digits a number must have
}

const maxLookups = 200

// A valid number alone is taken before what follows a hard separator is joined to it; "030/123456" has too few digits
// before the slash to be one.
const fewestDigitsAlone = 7

// text finds the first valid number among the runs of number-like characters of a cleaned text.
func (p *parser) text(s string) *phonenumbers.PhoneNumber {
	// Small countries have numbers of four and five digits; among words those are rather a year or a postcode.
	const fewestAlone, fewestAmongWords = 4, 6
	p.fewest = fewestAlone
	label := strings.LastIndexByte(s, ':')
	if strings.ContainsFunc(s[label+1:], func(r rune) bool { return isLetter(byte(r)) }) {
		p.fewest = fewestAmongWords
	}
	for i := 0; i < len(s); {
		if !isDigit(s[i]) && s[i] != '+' && s[i] != '(' {
			i++
			continue
		}
		end := runEnd(s, i)
		if !insideCode(s, i) {
			if n := p.run(s[i:end], i > 0 && isLetter(lastSolid(s[:i]))); n != nil {
				return n
			}
		}
		i = end
	}
	return nil
}

// runEnd ends a run at the first character that no number holds, and before a plus that starts the next one.
func runEnd(s string, start int) int {
	i := start + 1
	digits := isDigit(s[start])
	for ; i < len(s); i++ {
		c := s[i]
		if c == '+' && digits {
			return i
		}
		if !isDigit(c) && !strings.ContainsRune("+ -()"+hardSeparators, rune(c)) {
			return i
		}
		digits = digits || isDigit(c)
	}
	return i
}

// insideCode tells digits that are the tail of a word with other digits, such as a VIN or an order number.
func insideCode(s string, start int) bool {
	i := start
	for i > 0 && (isLetter(s[i-1]) || isDigit(s[i-1])) {
		i--
	}
	return countDigits(s[i:start]) > 0
}

func lastSolid(s string) byte {
	s = strings.TrimRight(s, " -")
	if s == "" {
		return 0
	}
	return s[len(s)-1]
}

// run reads one run: alone up to its first hard separator, whole, then piece by piece.
func (p *parser) run(run string, labelled bool) *phonenumbers.PhoneNumber {
	parts := strings.FieldsFunc(run, func(r rune) bool { return strings.ContainsRune(hardSeparators, r) })
	if len(parts) > 1 && countDigits(parts[0]) >= fewestDigitsAlone {
		if n := p.number(parts[0]); n != nil {
			return n
		}
	}
	if n := p.number(run); n != nil {
		return n
	}
	if len(parts) > 1 {
		for _, part := range parts {
			if n := p.number(part); n != nil {
				return n
			}
		}
	}
	for _, part := range parts {
		if n := p.numbered(part, labelled); n != nil {
			return n
		}
		if n := p.twoInARow(part); n != nil {
			return n
		}
	}
	return nil
}

// numbered reads "Tel 2 06 12 34 56 78": the digit belongs to the label.
func (p *parser) numbered(run string, labelled bool) *phonenumbers.PhoneNumber {
	first, rest, found := strings.Cut(strings.TrimLeft(run, " -"), " ")
	if !labelled || !found || countDigits(first) != 1 || strings.HasPrefix(first, "+") {
		return nil
	}
	return p.number(rest)
}

// twoInARow reads two numbers with nothing but a space or dash between. Both must be valid: a number with a digit too
// many is not a number.
func (p *parser) twoInARow(run string) *phonenumbers.PhoneNumber {
	const most = 32
	if digits := countDigits(run); digits < 2*fewestDigitsAlone || digits > most {
		return nil
	}
	guess := parser{region: p.region, lookups: p.lookups, fewest: p.fewest}
	defer func() { p.lookups = guess.lookups }()
	for i := range len(run) {
		if run[i] != ' ' && run[i] != '-' || countDigits(run[:i]) < fewestDigitsAlone {
			continue
		}
		if n := guess.number(run[:i]); n != nil && guess.number(run[i:]) != nil {
			return n
		}
	}
	return nil
}

var vanityTollFree = regexp.MustCompile(`^\s*(?:\+?1[ .-]*)?\(?8(?:00|33|44|55|66|77|88)\)?[ .-]*[A-Za-z0-9][A-Za-z0-9 .-]*$`)

// vanity reads a North American toll-free number spelled with letters.
func (p *parser) vanity(raw string) *phonenumbers.PhoneNumber {
	if len(raw) > maxText || !vanityTollFree.MatchString(raw) {
		return nil
	}
	digits := phonenumbers.NormalizeDigitsOnly(phonenumbers.ConvertAlphaCharactersInNumber(raw))
	return p.lookup("+1"+strings.TrimPrefix(digits, "1"), "", false)
}
