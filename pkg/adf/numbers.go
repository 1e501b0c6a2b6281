package adf

import (
	"strconv"
	"strings"
	"unicode"
)

// decimal is a number as people write it: digits with the decimal point fraction places from the right.
type decimal struct {
	digits   string
	fraction int
	guessed  bool // a single dot was taken for a thousands separator, or "k" for thousand
}

// A number has at most so many digits, and as many fewer before its decimal sign as a currency may have after it: what is
// read can be written in its currency's minor units and read again.
const (
	maxDigits   = 15
	maxExponent = 3
)

// parseDecimal finds the one number in s, with thousands separators of any country, and gives the text around it.
// It fails when there is none, more than one, or more digits than fit. A dot before exactly three digits separates
// thousands, unless the number is one with that many decimals.
func parseDecimal(s string, decimals int) (d decimal, rest string, ok bool) {
	start := strings.IndexFunc(s, isDigit)
	if start < 0 {
		return d, s, false
	}
	end := start
	for i, r := range s[start:] {
		if isDigit(r) {
			end = start + i + 1
		} else if !groupSign(r) {
			break
		}
	}
	number := s[start:end]
	before, after := s[:start], s[end:]
	if strings.ContainsFunc(after, isDigit) || strings.HasSuffix(strings.TrimRight(before, " $€£"), "-") {
		return d, s, false
	}
	if !d.read(number, decimals) {
		return d, s, false
	}
	after = strings.TrimLeft(after, ".,-–— '")
	if k := strings.ToLower(after); k == "k" || strings.HasPrefix(k, "k ") || strings.HasPrefix(k, "k€") || strings.HasPrefix(k, "k$") {
		d.thousand()
		after = after[1:]
	}
	return d, before + " " + after, len(d.digits) <= maxDigits && len(d.digits)-d.fraction <= maxDigits-maxExponent
}

func isDigit(r rune) bool { return r >= '0' && r <= '9' }

func groupSign(r rune) bool {
	return r == '.' || r == ',' || r == '\'' || r == '’' || r == ' ' || r == 0xA0 || r == 0x202F || r == 0x2009
}

// read decides which signs separate thousands. The last dot or comma is the decimal sign when the other kind stands
// before it, or when it stands alone and not before exactly three digits.
func (d *decimal) read(number string, decimals int) bool {
	last := strings.LastIndexAny(number, ".,")
	if last >= 0 {
		sign, tail := number[last], number[last+1:]
		others := strings.Count(number[:last], string(sign))
		mixed := strings.ContainsAny(number[:last], ".,'’") && others == 0 ||
			strings.ContainsFunc(number[:last], unicode.IsSpace)
		thousands := others > 0 || len(tail) == 3 && !mixed && strings.TrimLeft(number[:last], "0") != "" &&
			(sign != '.' || decimals != 3)
		d.guessed = thousands && others == 0 && sign == '.'
		if !thousands {
			if !digitsOnly(tail) {
				return false
			}
			d.fraction = len(tail)
		}
	}
	d.digits = strings.Map(func(r rune) rune {
		if isDigit(r) {
			return r
		}
		return -1
	}, number)
	return true
}

func (d *decimal) thousand() {
	d.guessed = true
	d.digits += "000"
}

// scaled gives the number times 10^exponent, rounded half up.
func (d *decimal) scaled(exponent int) (int64, bool) {
	digits := d.digits
	switch {
	case d.fraction <= exponent:
		digits += strings.Repeat("0", exponent-d.fraction)
	case len(digits) <= d.fraction-exponent-1:
		return 0, true
	}
	up := false
	if drop := d.fraction - exponent; drop > 0 {
		up = digits[len(digits)-drop] >= '5'
		digits = digits[:len(digits)-drop]
	}
	if digits == "" {
		digits = "0"
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if up {
		n++
	}
	return n, err == nil
}

// whole gives the number without its fraction.
func (d *decimal) whole() (int64, bool) {
	if d.fraction >= len(d.digits) {
		return 0, true
	}
	n, err := strconv.ParseInt(d.digits[:len(d.digits)-d.fraction], 10, 64)
	return n, err == nil
}

// CurrencyExponent is the number of decimals of an ISO 4217 currency: 2 unless listed otherwise, also for unknown
// codes.
func CurrencyExponent(code string) int {
	switch strings.ToUpper(code) {
	case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF":
		return 0
	case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND":
		return 3
	}
	return 2
}

// String writes the amount with a point and as many decimals as the exponent says: "19990.00". It is empty for a zero
// amount without Raw text.
func (m Money) String() string {
	if m.Minor == 0 && m.Raw == "" {
		return ""
	}
	digits := strconv.FormatInt(m.Minor, 10)
	sign := ""
	if m.Minor < 0 {
		sign, digits = "-", digits[1:]
	}
	if m.Exponent <= 0 {
		return sign + digits
	}
	if short := m.Exponent + 1 - len(digits); short > 0 {
		digits = strings.Repeat("0", short) + digits
	}
	point := len(digits) - m.Exponent
	return sign + digits[:point] + "." + digits[point:]
}

// currencyIn finds the currency named in the text around an amount.
func currencyIn(s string) string {
	switch {
	case strings.Contains(s, "€"):
		return "EUR"
	case strings.Contains(s, "£"):
		return "GBP"
	}
	for _, word := range strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) }) {
		switch w := strings.ToUpper(word); w {
		case "EUR", "USD", "GBP", "CHF", "CAD", "AUD", "MXN", "PLN", "SEK", "NOK", "DKK", "CZK", "JPY", "ARS", "BRL":
			return w
		case "EURO", "EUROS":
			return "EUR"
		}
	}
	return ""
}

// currencyCode reads a code of ISO 4217, or the sign or name of a currency; empty when it is none.
func currencyCode(s string) string {
	code := strings.ToUpper(strings.TrimSpace(s))
	if len(code) == 3 && strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
		return code
	}
	switch found := currencyIn(s); {
	case found != "":
		return found
	case strings.HasPrefix(code, "US") && strings.ContainsAny(code, "$D"):
		return "USD"
	}
	return ""
}

// distanceUnit reads a unit of mileage; empty when it is none.
func distanceUnit(s string) string {
	switch strings.ToLower(strings.Trim(s, " .")) {
	case "km", "kms", "kilometer", "kilometers", "kilometre", "kilometres", "kilomètres", "kilómetros", "k":
		return "km"
	case "mi", "mile", "miles", "mls":
		return "mi"
	}
	return ""
}
