package phone

import (
	"html"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// The cleaned text is made of these only: digits, '+', small letters a-z, ' ', '-' for whatever people put inside a
// number, parentheses, '#', the hard separators below, and '?' for all else, which no number reaches across.
const hardSeparators = "/,;|:&\n"

var (
	emailLike = regexp.MustCompile(`[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+`)
	// A column of numbers exported as floats: 612345678.0
	floatLike = regexp.MustCompile(`^[\s'"=]*\+?(\d{6,15})[.,]0{1,2}["'\s]*$`)
	// The same in scientific notation: 6.12345678E+08
	scientific  = regexp.MustCompile(`^[\s'"=]*(\d)(?:[.,](\d+))?[eE]\+?(\d{1,2})["'\s]*$`)
	urlEncoding = strings.NewReplacer("%2B", "+", "%2b", "+", "%20", " ", "%28", "(", "%29", ")", "%2D", "-", "%2d", "-")
)

// clean maps any text to the small alphabet above, undoing on the way what spreadsheets and form encodings did to it.
func clean(raw string) string {
	if len(raw) > maxText {
		raw = raw[:maxText]
	}
	if strings.ContainsRune(raw, '&') {
		raw = html.UnescapeString(raw)
	}
	if strings.ContainsRune(raw, '%') {
		raw = urlEncoding.Replace(raw)
	}
	if strings.ContainsRune(raw, '@') {
		raw = emailLike.ReplaceAllString(raw, " ")
	}
	s := alphabet(raw)
	if s, ok := spreadsheet(raw); ok {
		return s
	}
	return lettersForDigits(plusForSpace(unbalanced(s)))
}

// spreadsheet reads a cell that was turned into a floating-point number. A rounded one has lost digits for good.
func spreadsheet(raw string) (string, bool) {
	if m := floatLike.FindStringSubmatch(raw); m != nil {
		return m[1], true
	}
	m := scientific.FindStringSubmatch(raw)
	if m == nil {
		return "", false
	}
	whole := m[1] + m[2]
	if exponent := strings.TrimLeft(m[3], "0"); exponent != strconv.Itoa(len(m[2])) {
		return "", true
	}
	return whole, true
}

func alphabet(raw string) string {
	var b strings.Builder
	b.Grow(len(raw))
	if !ascii(raw) {
		raw = norm.NFKD.String(raw)
	}
	for _, r := range raw {
		if c := letter(r); c != 0 {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// letter gives the one byte a rune stands for in the cleaned text, 0 for a rune that is not even seen.
func letter(r rune) byte {
	switch {
	case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r == '+', r == '#':
		return byte(r)
	case r >= 'A' && r <= 'Z':
		return byte(r) + 'a' - 'A'
	case r == '\n', r == '\r', r == '\t', r == '\u2028', r == '\u2029', r == '\v', r == '\f':
		return '\n'
	case r == '\\', r == '\u2044', r == '\u2215':
		return '/'
	case r == '，', r == '、', r == '،':
		return ','
	case r < utf8.RuneSelf && strings.IndexByte(hardSeparators, byte(r)) >= 0:
		return byte(r)
	case r == '(' || r == '[' || r == '{':
		return '('
	case r == ')' || r == ']' || r == '}':
		return ')'
	case r == '➕':
		return '+'
	case r == ' ', unicode.Is(unicode.Zs, r):
		return ' '
	case r == utf8.RuneError, unicode.In(r, unicode.Cf, unicode.Mn, unicode.Me):
		return 0
	}
	return rareLetter(r)
}

func rareLetter(r rune) byte {
	switch {
	case strings.ContainsRune(`-._~'"=·•∙‧⋅・ー−′’‘°`, r), unicode.Is(unicode.Pd, r):
		return '-'
	case unicode.Is(unicode.Nd, r):
		return digit(r)
	case unicode.IsLetter(r):
		return 'a' // only that it is a letter matters
	}
	return '?'
}

// digit gives the value of a decimal digit of any script: Unicode lays each script's ten out in order.
func digit(r rune) byte {
	for _, run := range unicode.Nd.R16 {
		if r >= rune(run.Lo) && r <= rune(run.Hi) {
			return '0' + byte((r-rune(run.Lo))%10)
		}
	}
	for _, run := range unicode.Nd.R32 {
		if r >= rune(run.Lo) && r <= rune(run.Hi) {
			return '0' + byte((r-rune(run.Lo))%10)
		}
	}
	return '?'
}

// unbalanced turns a ')' that closes nothing, as in "1) 06 12 34 56 78", into a hard separator.
func unbalanced(s string) string {
	if strings.IndexByte(s, ')') < 0 {
		return s
	}
	out, depth := []byte(s), 0
	for i, c := range out {
		switch {
		case c == '(':
			depth++
		case c == ')' && depth == 0:
			out[i] = '/'
		case c == ')':
			depth--
		}
	}
	return string(out)
}

// plusForSpace undoes form encoding, where every space is a plus: "06+12+34+56+78".
func plusForSpace(s string) string {
	const fewestThatIsNoAccident = 3
	if strings.Count(s, "+") < fewestThatIsNoAccident || strings.ContainsAny(s, " ") {
		return s
	}
	lead := ""
	if strings.HasPrefix(s, "+") {
		lead = "+"
	}
	return lead + strings.ReplaceAll(strings.TrimLeft(s, "+"), "+", " ")
}

// lettersForDigits reads a letter O, I or L beside a digit and away from other letters as the digit that was meant.
func lettersForDigits(s string) string {
	if !strings.ContainsAny(s, "oil") {
		return s
	}
	out := []byte(s)
	for i, c := range out {
		before, after := byte(' '), byte(' ')
		if i > 0 {
			before = out[i-1]
		}
		if i+1 < len(out) {
			after = out[i+1]
		}
		if isLetter(before) || isLetter(after) || !isDigit(before) && !isDigit(after) {
			continue
		}
		switch c {
		case 'o':
			out[i] = '0'
		case 'i', 'l':
			out[i] = '1'
		}
	}
	return string(out)
}

func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLetter(c byte) bool { return c >= 'a' && c <= 'z' }

// An extension's label in the languages of our markets. A lone "x" or "#" counts too.
var extensionLabel = regexp.MustCompile(`(?:extension|extn|ext|xtn|x|#|poste|pst|interne|interno|interior|int|anexo|` +
	`ramal|durchwahl|dw|nebenstelle|nst|apparat|app|toestel|tst|wew)[ \-:;,=]*(?:n|no|nr|num)?[ \-:;,=]*([0-9]{1,7})|` +
	`,{2,}[ ]*([0-9]{1,7})`)

// takeExtension cuts the extension out of a cleaned text. What follows its label must be a short number by itself:
// in "06 12 34 56 78 x 01 23 45 67 89" it is a second telephone.
func takeExtension(s string) (rest, extension string) {
	const fewestDigitsBefore = 6
	for _, m := range extensionLabel.FindAllStringSubmatchIndex(s, -1) {
		start, end := m[0], m[1]
		if countDigits(s[:start]) < fewestDigitsBefore || start > 0 && isLetter(s[start-1]) {
			continue
		}
		if after := strings.TrimLeft(s[end:], " -"); after != "" && (isDigit(after[0]) || isLetter(s[end])) {
			continue
		}
		group := m[2:4]
		if group[0] < 0 {
			group = m[4:6]
		}
		return s[:start] + "?" + s[end:], s[group[0]:group[1]]
	}
	return s, ""
}

func countDigits(s string) int {
	n := 0
	for i := range len(s) {
		if isDigit(s[i]) {
			n++
		}
	}
	return n
}
