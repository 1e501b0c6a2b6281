package phone

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// These regions dial one another as in one country though each has a country code of its own: 0690 is Guadeloupe
// also for someone in Paris.
var frenchPlan = []string{"FR", "GP", "MQ", "GF", "RE", "YT"}

// Plans in which the first zero is part of the number, also after the country code: Italy's, and those beside it.
var zeroStays = []string{"39", "378"}

var trunkZero = regexp.MustCompile(`\([ \-]*0[ \-]*\)`)

// number reads a run that should be one number. The readings are tried from the plainest to the boldest.
func (p *parser) number(run string) *phonenumbers.PhoneNumber {
	const most = 24
	all := onlyDigits(run)
	if len(all) < p.fewest || len(all) > most {
		return nil
	}
	bare := all
	if at := trunkZero.FindStringIndex(run); at != nil {
		bare = onlyDigits(run[:at[0]]) + onlyDigits(run[at[1]:])
	}
	plus := strings.HasPrefix(strings.TrimLeft(run, " -("), "+")
	afterZeros := strings.TrimLeft(all, "0")
	switch zeros := len(all) - len(afterZeros); {
	case plus && zeros != 1:
		return p.international(afterZeros, strings.TrimLeft(bare, "0"))
	case plus: // no country code starts with 0: "+0612345678"
		return p.national(all, bare, run)
	case zeros >= 2:
		if n := p.international(afterZeros, strings.TrimLeft(bare, "0")); n != nil {
			return n
		}
	}
	return p.national(all, bare, run)
}

// international reads digits that start with a country code; bare are the same without "(0)".
func (p *parser) international(digits, bare string) *phonenumbers.PhoneNumber {
	if n := p.lookup("+"+digits, "", true); n != nil {
		return n
	}
	if bare != digits {
		if n := p.lookup("+"+bare, "", true); n != nil {
			return n
		}
	}
	code := countryCode(bare)
	if code == "" {
		return nil
	}
	rest := bare[len(code):]
	// The country chosen in a list, then typed again: "+33 0033612345678", "+33 33612345678".
	if again := strings.TrimPrefix(rest, "00"); strings.HasPrefix(again, code) {
		if n := p.lookup("+"+again, "", false); n != nil {
			return n
		}
	}
	switch {
	case slices.Contains(zeroStays, code):
		return p.lookup("+"+code+"0"+rest, "", false)
	case code == "33" && len(rest) == 9: // "+33 690 12 34 56" is how Guadeloupe's people write it: one plan, five codes
		for _, region := range frenchPlan {
			if n := p.lookup("0"+rest, region, false); n != nil {
				return n
			}
		}
	case code == "52" && len(rest) == 11 && rest[0] == '1': // Mexico's mobiles until 2019
		return p.lookup("+52"+rest[1:], "", false)
	}
	return nil
}

// national reads digits without country code as people in the region write them, then as what is left of a number
// whose plus or zero got lost.
func (p *parser) national(digits, bare, run string) *phonenumbers.PhoneNumber {
	for i, region := range p.dialTogether(digits) {
		if n := p.lookup(digits, region, i == 0); n != nil {
			return n
		}
	}
	if bare != digits {
		if n := p.lookup(bare, p.region, true); n != nil {
			return n
		}
	}
	if n := p.lostZero(bare); n != nil {
		return n
	}
	return p.lostPlus(bare, run)
}

// dialTogether gives the regions to read national digits in: the parser's own, then, for a whole French number, those
// that dial with it.
func (p *parser) dialTogether(digits string) []string {
	const wholeFrench = 9
	if len(strings.TrimPrefix(digits, "0")) != wholeFrench {
		return []string{p.region}
	}
	if !slices.Contains(frenchPlan, p.region) {
		return []string{p.region}
	}
	others := slices.DeleteFunc(slices.Clone(frenchPlan), func(r string) bool { return r == p.region })
	return append([]string{p.region}, others...)
}

// lostZero puts back a leading zero that a spreadsheet took for padding. The library does so by itself where the
// zero is only dialled; where it is part of the number it cannot know.
func (p *parser) lostZero(digits string) *phonenumbers.PhoneNumber {
	if strings.HasPrefix(digits, "0") {
		return nil
	}
	for _, region := range p.dialTogether(digits) {
		if n := p.lookup("0"+digits, region, false); n != nil {
			return n
		}
	}
	return nil
}

// lostPlus reads a country code without its plus, or after another country's way to dial abroad.
func (p *parser) lostPlus(digits, run string) *phonenumbers.PhoneNumber {
	const fewest = 11 // a shorter one is rather a national number with a digit wrong
	own := strconv.Itoa(phonenumbers.GetCountryCodeForRegion(p.region))
	rest := strings.TrimLeft(digits, "0")
	if own != "0" && strings.HasPrefix(rest, own) {
		if n := p.lookup("+"+rest, "", false); n != nil {
			return n
		}
		if twice := rest[len(own):]; strings.HasPrefix(twice, own) {
			if n := p.lookup("+"+twice, "", false); n != nil {
				return n
			}
		}
	}
	if abroad, ok := strings.CutPrefix(digits, "011"); ok && len(abroad) >= fewest {
		return p.lookup("+"+abroad, "", false)
	}
	if rest != digits || len(digits) < fewest || !leadsWithCode(run, digits) {
		return nil
	}
	n := p.lookup("+"+digits, "", false)
	if n == nil {
		return nil
	}
	// Mobiles only: a national number with two digits too many can pass for somebody's landline abroad.
	switch t := phonenumbers.GetNumberType(n); t {
	case phonenumbers.MOBILE, phonenumbers.FIXED_LINE_OR_MOBILE:
		return n
	default:
		return nil
	}
}

// leadsWithCode says that the run either groups its digits so that the country code stands alone, or not at all.
func leadsWithCode(run, digits string) bool {
	groups := strings.FieldsFunc(run, func(r rune) bool { return r < '0' || r > '9' })
	return len(groups) == 1 || len(groups) > 1 && groups[0] == countryCode(digits)
}

// countryCode gives the country calling code the digits start with. No code is the beginning of another.
func countryCode(digits string) string {
	known := phonenumbers.GetSupportedCallingCodes()
	for l := 1; l <= 3 && l <= len(digits); l++ {
		if code, err := strconv.Atoi(digits[:l]); err == nil && known[code] && digits[0] != '0' {
			return digits[:l]
		}
	}
	return ""
}

// lookup asks the library. It gives the number when it is valid, and remembers it as possible when the reading is
// plain enough and the length right.
func (p *parser) lookup(digits, region string, plain bool) (found *phonenumbers.PhoneNumber) {
	if p.lookups++; p.lookups > maxLookups {
		return nil
	}
	// Parse promises its callers never to panic, on tables of patterns that change with every release of the library.
	defer func() {
		if recover() != nil {
			found = nil
		}
	}()
	n, err := phonenumbers.Parse(digits, region)
	if err != nil {
		return nil
	}
	if phonenumbers.IsValidNumber(n) {
		return n
	}
	if plain && p.possible == "" && isPossible(n) {
		p.possible = phonenumbers.Format(n, phonenumbers.E164)
	}
	return nil
}

// isPossible asks for the right length, without fillers and without a trunk zero that the library left in to reach it.
func isPossible(n *phonenumbers.PhoneNumber) bool {
	if phonenumbers.IsPossibleNumberWithReason(n) != phonenumbers.IS_POSSIBLE || IsFiller(phonenumbers.Format(n, phonenumbers.E164)) {
		return false
	}
	return !n.GetItalianLeadingZero() || slices.Contains(zeroStays, strconv.Itoa(int(n.GetCountryCode())))
}

func onlyDigits(s string) string {
	out := make([]byte, 0, len(s))
	for i := range len(s) {
		if isDigit(s[i]) {
			out = append(out, s[i])
		}
	}
	return string(out)
}
