package vin

// Warning is something odd about a valid VIN. It never makes the VIN invalid.
type Warning string

// The warnings.
const (
	// CheckDigitDiffers is a position 9 that is no fitting check digit, where none is asked for. Most European VINs
	// have one like that, so it says little.
	CheckDigitDiffers Warning = "check_digit_differs"
	// UnknownMaker is an identifier that the package has no maker for.
	UnknownMaker Warning = "unknown_maker"
	// UnknownCountry is a pair of first characters that is assigned to no country.
	UnknownCountry Warning = "unknown_country"
	// NoYear is a position 10 that North America and China ask to be a year code, and that is none.
	NoYear Warning = "no_year"
	// SerialLetters are letters among the last four characters, which ISO 3779 keeps for digits.
	SerialLetters Warning = "serial_letters"
)

// Facts is what a VIN says by itself. Absent facts are zero values.
type Facts struct {
	VIN        VIN
	WMI        string
	SmallMaker string // positions 12 to 14 where position 3 is 9
	Maker      string
	Country    Country
	Region     Region
	CheckDigit CheckDigit
	YearCode   byte
	ModelYears []int
	ModelYear  int // zero unless the VIN settles it
	// Problem is why the VIN is invalid in its market, an *Error of Check; nil when it is valid.
	Problem  error
	Warnings []Warning
}

// Decode gathers the facts of a VIN that Parse made. Through is the last model year to think of: makers sell next
// year's cars this year.
func (v VIN) Decode(through int) Facts {
	if !wellFormed(string(v)) {
		return Facts{VIN: v, Problem: v.Check()}
	}
	f := Facts{
		VIN: v, WMI: v.WMI(), SmallMaker: v.SmallMaker(), Region: v.Region(), CheckDigit: v.CheckDigit(),
		YearCode: v[9], ModelYears: v.ModelYears(through), Problem: v.Check(),
	}
	f.ModelYear, _ = v.ModelYear(through)
	var known bool
	if f.Maker, known = v.Maker(); !known {
		f.Warnings = append(f.Warnings, UnknownMaker)
	}
	if f.Country, known = v.Country(); !known {
		f.Warnings = append(f.Warnings, UnknownCountry)
	}
	if !f.CheckDigit.Mandatory && !f.CheckDigit.Matches {
		f.Warnings = append(f.Warnings, CheckDigitDiffers)
	}
	if f.CheckDigit.Mandatory && len(f.ModelYears) == 0 {
		f.Warnings = append(f.Warnings, NoYear)
	}
	for i := Length - 4; i < Length; i++ {
		if v[i] > '9' {
			f.Warnings = append(f.Warnings, SerialLetters)
			break
		}
	}
	return f
}
