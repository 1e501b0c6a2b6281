package httpx

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

func (s *scanner) text(want *shape) error {
	start := s.i
	flaws, _, err := s.skipText()
	switch {
	case err != nil:
		return err
	case flaws != "":
		s.add("invalid_text", "The text "+flaws)
	case want.parses && want.kind == textShape:
		if want.parse(s.b[start:s.i]) != nil {
			s.add("wrong_format", "Must be "+want.what+".")
		}
	}
	return nil
}

// skipText passes a string. flaws says what in it cannot be stored; it is not a reason to stop reading.
func (s *scanner) skipText() (flaws string, escaped bool, err error) {
	s.i++
	for s.i < len(s.b) {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return flaws, escaped, nil
		case c < 0x20:
			return "", false, s.broken("a control character in a string must be escaped")
		case c != '\\':
			s.i++
		default:
			escaped = true
			flaw, err := s.escape()
			if err != nil {
				return "", false, err
			}
			if flaw != "" {
				flaws = flaw
			}
		}
	}
	return "", false, s.broken("a string does not end")
}

const (
	flawNUL  = "must not hold the character U+0000."
	flawHalf = "must not hold half of a surrogate pair."
)

// escape passes one escape, both halves of a surrogate pair included.
func (s *scanner) escape() (flaw string, err error) {
	if s.i+1 >= len(s.b) {
		return "", s.broken("a string does not end")
	}
	if s.b[s.i+1] != 'u' {
		if strings.IndexByte(`"\/bfnrt`, s.b[s.i+1]) < 0 {
			return "", s.broken("there is no such escape")
		}
		s.i += 2
		return "", nil
	}
	r, ok := s.hex(s.i)
	if !ok {
		return "", s.broken(`four hexadecimal digits should follow \u`)
	}
	s.i += 6
	switch {
	case r == 0:
		return flawNUL, nil
	case r >= 0xDC00 && r < 0xE000:
		return flawHalf, nil
	case r >= 0xD800 && r < 0xDC00:
		if low, ok := s.hex(s.i); ok && low >= 0xDC00 && low < 0xE000 {
			s.i += 6
			return "", nil
		}
		return flawHalf, nil
	}
	return "", nil
}

// hex reads \uXXXX at i.
func (s *scanner) hex(i int) (uint64, bool) {
	if i+6 > len(s.b) || s.b[i] != '\\' || s.b[i+1] != 'u' {
		return 0, false
	}
	r, err := strconv.ParseUint(string(s.b[i+2:i+6]), 16, 16)
	return r, err == nil
}

func (s *scanner) number(want *shape) error {
	start := s.i
	whole, ok := s.skipNumber()
	if !ok {
		return s.broken("this is not a number")
	}
	raw := s.b[start:s.i]
	f, err := strconv.ParseFloat(string(raw), 64)
	switch {
	case errors.Is(err, strconv.ErrRange), math.IsInf(f, 0), len(raw) > maxDigits, f == 0 && !isZero(raw):
		s.add("out_of_range", "The number is out of range.")
	case want.kind == integerShape && !whole:
		s.wrongType(want)
	case (want.kind == integerShape || want.kind == numberShape) && want.parse(raw) != nil:
		s.add("out_of_range", "The number is out of range.")
	}
	return nil
}

// isZero tells whether a number is written as zero, rather than being too small to be told from it.
func isZero(raw []byte) bool {
	for _, c := range raw {
		if c == 'e' || c == 'E' {
			break
		}
		if c >= '1' && c <= '9' {
			return false
		}
	}
	return true
}

// skipNumber passes a number by the grammar of JSON; whole is false when it has a fraction or an exponent.
func (s *scanner) skipNumber() (whole, ok bool) {
	if s.b[s.i] == '-' {
		s.i++
	}
	first := s.i
	n := s.digits()
	if n == 0 || n > 1 && s.b[first] == '0' {
		return false, false
	}
	whole = true
	if s.i < len(s.b) && s.b[s.i] == '.' {
		s.i++
		whole = false
		if s.digits() == 0 {
			return false, false
		}
	}
	if s.i < len(s.b) && (s.b[s.i] == 'e' || s.b[s.i] == 'E') {
		s.i++
		whole = false
		if s.i < len(s.b) && (s.b[s.i] == '+' || s.b[s.i] == '-') {
			s.i++
		}
		if s.digits() == 0 {
			return false, false
		}
	}
	return whole, true
}

func (s *scanner) digits() int {
	start := s.i
	for s.i < len(s.b) && s.b[s.i] >= '0' && s.b[s.i] <= '9' {
		s.i++
	}
	return s.i - start
}
