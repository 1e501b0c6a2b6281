package vin

// CheckDigit is what position 9 says, and what it would have to say by 49 CFR 565.15(c), which GB 16735 repeats.
type CheckDigit struct {
	Present  byte
	Computed byte // 0 to 9 or X
	Matches  bool // by chance in one of eleven, where the maker writes something else there
	// Mandatory says that the market asks for the digit: North America (first character 1 to 5, or 7F to 70) and China.
	Mandatory bool
}

// weights of the positions; position 9 itself counts for nothing.
var weights = [Length]int{8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2}

// CheckDigit compares position 9 with the remainder of the others. It is the zero value for a VIN that is not one.
func (v VIN) CheckDigit() CheckDigit {
	if !wellFormed(string(v)) {
		return CheckDigit{}
	}
	sum := 0
	for i, w := range weights {
		sum += w * value(v[i])
	}
	d := CheckDigit{Present: v[8], Computed: "0123456789X"[sum%11], Mandatory: northAmerican(v) || v[0] == 'L'}
	d.Matches = d.Present == d.Computed
	return d
}

// value is the number that the regulation gives to a character. Its letters run 1-8, 1-5, 7, 9, 2-9 with the gaps that
// I, O and Q leave.
func value(c byte) int {
	switch {
	case c <= '9':
		return int(c - '0')
	case c <= 'H':
		return int(c-'A') + 1
	case c <= 'R':
		return int(c-'J') + 1
	default:
		return int(c-'S') + 2
	}
}

// northAmerican says that 49 CFR 565 or the same rule of Canada or Mexico governs the number.
func northAmerican(v VIN) bool {
	return v[0] >= '1' && v[0] <= '5' || v[0] == '7' && rank(v[1]) >= rank('F')
}
