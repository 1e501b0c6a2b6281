package vehiclesapi

import (
	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/pkg/vin"
)

// VIN is what a vehicle identification number says by itself. Nothing of it was looked up elsewhere.
type VIN struct {
	VIN                 string       `json:"vin" example:"VF3VBBHXHGZ041335"` // in upper case, without blanks and dashes
	WMI                 string       `json:"wmi" example:"VF3"`               // the maker's identifier
	SmallMaker          *string      `json:"small_maker" example:"795"`       // positions 12 to 14, which complete the identifier of a maker of few vehicles
	Maker               *string      `json:"maker" example:"Peugeot"`         // null when it is not known; the badge may be another brand of the group
	Region              *string      `json:"region" example:"Europe"`
	Country             *string      `json:"country" example:"FR"` // ISO 3166-1, of the maker's seat
	CountryName         *string      `json:"country_name" example:"France"`
	CheckDigit          CheckDigit   `json:"check_digit"`
	YearCode            string       `json:"year_code" example:"G"`                // position 10
	ModelYearCandidates []int        `json:"model_year_candidates" example:"1986"` // what the code can mean; makers in Europe may mean none by it
	ModelYear           *int         `json:"model_year" example:"2016"`            // null unless the number settles it
	Warnings            []VINWarning `json:"warnings"`
} //	@name	VIN

// CheckDigit compares position 9 with what the other positions make it.
type CheckDigit struct {
	Present   string `json:"present" example:"H"`
	Computed  string `json:"computed" example:"2"`
	Matches   bool   `json:"matches"`
	Mandatory bool   `json:"mandatory"` // only in North America and China
} //	@name	VINCheckDigit

// VINWarning is something odd about a valid number.
type VINWarning struct {
	Code   string `json:"code" enums:"check_digit_differs,unknown_maker,unknown_country,no_year,serial_letters" example:"check_digit_differs"`
	Detail string `json:"detail" example:"Position 9 is no check digit. None is asked for in this region."`
} //	@name	VINWarning

func fromFacts(f vin.Facts) VIN {
	out := VIN{
		VIN: string(f.VIN), WMI: f.WMI, SmallMaker: orNull(f.SmallMaker), Maker: orNull(f.Maker), Region: orNull(string(f.Region)),
		Country: orNull(f.Country.Code), CountryName: orNull(f.Country.Name),
		CheckDigit: CheckDigit{
			Present: string(f.CheckDigit.Present), Computed: string(f.CheckDigit.Computed), Matches: f.CheckDigit.Matches, Mandatory: f.CheckDigit.Mandatory,
		},
		YearCode: string(f.YearCode), ModelYearCandidates: append([]int{}, f.ModelYears...), ModelYear: orNull(f.ModelYear), Warnings: []VINWarning{},
	}
	for _, w := range f.Warnings {
		out.Warnings = append(out.Warnings, VINWarning{Code: string(w), Detail: warningText(w)})
	}
	return out
}

func warningText(w vin.Warning) string {
	switch w {
	case vin.CheckDigitDiffers:
		return "Position 9 is no check digit. None is asked for in this region."
	case vin.UnknownMaker:
		return "The identifier of the maker is not known here."
	case vin.UnknownCountry:
		return "The first two characters are assigned to no country that is known here."
	case vin.NoYear:
		return "Position 10 is no code for a model year, which this region asks for."
	case vin.SerialLetters:
		return "There are letters among the last four characters, which are kept for digits."
	}
	return ""
}

// orNull is null for what is not known.
func orNull[T comparable](v T) *T {
	var none T
	if v == none {
		return nil
	}
	return &v
}

// vin decodes a VIN.
//
//	@ID				decodeVIN
//	@Summary		Decode a VIN
//	@Description	What the number says by itself: maker, country, check digit and the model years it can mean. Case, blanks and dashes do not
//	@Description	matter. The check digit must be right only where the market asks for it, in North America and China; elsewhere a
//	@Description	difference is a warning, and most European numbers have one. What is no valid VIN is answered with the place and the character
//	@Description	that is wrong, and with the number that was probably meant where letters look like digits; it is never replaced.
//	@Tags			vehicles
//	@Param			vin	path		string	true	"the number"
//	@Success		200	{object}	VIN
//	@Failure		422	{object}	httpx.Problem	"what is wrong, and in which character"
//	@Security		Bearer
//	@Router			/vin/{vin} [get]
func (h handler) vin(c echo.Context) error {
	q := httpx.NewQuery(c)
	if err := q.Err(); err != nil {
		return err
	}
	facts, err := h.vehicles.DecodeVIN(httpx.ActorOf(c), c.Param("vin"))
	if err != nil {
		return err
	}
	return httpx.One(c, q, httpx.Reply{Body: fromFacts(facts)})
}
