package vin

// yearCodes are the characters of the 30-year cycle that begins with A for 1980. I, O, Q, U, Z and 0 are none.
const yearCodes = "ABCDEFGHJKLMNPRSTVWXY123456789"

const (
	firstYear = 1980
	cycle     = len(yearCodes)
)

// ModelYears are the years, up to and including through, that position 10 can mean under 49 CFR 565.15(d) and ISO 3779;
// none when it is no year code. Whether the maker wrote a year there at all is another question: see ModelYear.
func (v VIN) ModelYears(through int) []int {
	if !wellFormed(string(v)) {
		return nil
	}
	var years []int
	for i := range cycle {
		if yearCodes[i] != v[9] {
			continue
		}
		for year := firstYear + i; year <= through; year += cycle {
			years = append(years, year)
		}
	}
	return years
}

// ModelYear is the one of ModelYears that the number itself settles. In North America the character in position 7 of
// passenger cars and light trucks does: a letter stands for 2010 and later (49 CFR 565.15(d)(2)). Elsewhere it takes a maker that
// is known to write the year, and a code that can mean one year only in the time it has done so.
func (v VIN) ModelYear(through int) (year int, ok bool) {
	years := v.ModelYears(through)
	if len(years) == 0 {
		return 0, false
	}
	maker, known := v.maker()
	from, to := maker.yearsFrom, through
	switch {
	case northAmerican(v):
		if len(years) == 1 {
			return years[0], true
		}
		if maker.heavy {
			return 0, false
		}
		if from = firstYear; v[6] > '9' {
			from = firstYear + cycle
		} else {
			to = firstYear + cycle - 1
		}
	case v[0] == 'L':
		from = firstChineseYear
	case !known || maker.yearsFrom == 0:
		return 0, false
	}
	for _, y := range years {
		if y < from || y > to {
			continue
		}
		if ok {
			return 0, false
		}
		year, ok = y, true
	}
	return year, ok
}

// firstChineseYear is that of GB 16735-1997, the first Chinese standard for VINs.
const firstChineseYear = 1997
