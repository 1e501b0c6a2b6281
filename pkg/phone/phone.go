// Package phone reads telephone numbers as people, forms and spreadsheets write them.
//
// It owns the cleaning of the raw text (labels, odd spaces and digits, trunk zeros, extensions, several numbers in one
// field) and the verdict. Which ranges each country has assigned is the knowledge of github.com/nyaruka/phonenumbers.
// It leaves to its callers what to do with a number that is not valid: usually to keep the raw text and go on.
package phone

import (
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// Type is the kind of line a valid number belongs to.
type Type string

// The kinds of line. FixedOrMobile is for plans that do not tell the two apart, such as North America's.
const (
	Unknown       Type = ""
	Mobile        Type = "mobile"
	Fixed         Type = "fixed"
	FixedOrMobile Type = "fixed_or_mobile"
	TollFree      Type = "toll_free"
	Premium       Type = "premium"
	SharedCost    Type = "shared_cost"
	VoIP          Type = "voip"
	Other         Type = "other"
)

// Number is what Parse understood. The zero value of every field but Raw means "not known".
type Number struct {
	Raw string // the text as it came, untouched
	// E164 is the number to store, "+33612345678". Empty unless Valid.
	E164 string
	// Valid says that the number lies in a range its country has assigned. Whether anybody answers is another matter.
	Valid bool
	// Possible is the E.164 form of a number of the right length that lies in no assigned range. Empty when Valid.
	// It may be a typing mistake: good to show, not good enough to recognise a person by.
	Possible string
	// Filler says that the last seven digits are all the same, as in 0600000000. Such a number may be valid, but
	// many strangers "share" it.
	Filler bool
	// Extension holds the digits to dial after the connection, without its label.
	Extension string
	Type      Type
	// Country is the ISO 3166-1 alpha-2 code of the number's own country, which need not be the default region.
	Country string
}

// maxText bounds the part of the text that is looked at, in bytes: a phone field that holds a letter is searched only
// at its beginning.
const maxText = 512

// Parse reads the first valid number in raw. Region is the ISO 3166-1 country (either case) whose habits apply to a
// number without country code; an explicit country code wins over it, and with an empty or unknown region only
// numbers with a country code are found. Parse never fails nor panics, and always keeps raw.
func Parse(raw, region string) Number {
	n := Number{Raw: raw}
	p := parser{region: normalRegion(region)}
	text, ext := takeExtension(clean(raw))
	n.Extension = ext
	found := p.text(text)
	if found == nil {
		found = p.vanity(raw)
	}
	if found == nil {
		n.Possible = p.possible
		return n
	}
	n.Valid = true
	n.E164 = phonenumbers.Format(found, phonenumbers.E164)
	n.Filler = IsFiller(n.E164)
	n.Type = lineType(phonenumbers.GetNumberType(found))
	n.Country = phonenumbers.GetRegionCodeForNumber(found)
	return n
}

func normalRegion(region string) string {
	region = strings.ToUpper(strings.TrimSpace(region))
	switch region { // everyday names that are not the ISO code
	case "UK":
		return "GB"
	case "EL":
		return "GR"
	}
	return region
}

// IsFiller tells whether a number ends in seven equal digits, as 06 00 00 00 00 does: it is typed where a number is demanded,
// and strangers share it.
func IsFiller(e164 string) bool {
	const tail = 7
	if len(e164) < tail {
		return false
	}
	end := e164[len(e164)-tail:]
	return strings.Count(end, end[:1]) == tail
}

func lineType(t phonenumbers.PhoneNumberType) Type {
	switch t {
	case phonenumbers.MOBILE:
		return Mobile
	case phonenumbers.FIXED_LINE:
		return Fixed
	case phonenumbers.FIXED_LINE_OR_MOBILE:
		return FixedOrMobile
	case phonenumbers.TOLL_FREE:
		return TollFree
	case phonenumbers.PREMIUM_RATE:
		return Premium
	case phonenumbers.SHARED_COST:
		return SharedCost
	case phonenumbers.VOIP:
		return VoIP
	case phonenumbers.PERSONAL_NUMBER, phonenumbers.PAGER, phonenumbers.UAN, phonenumbers.VOICEMAIL:
		return Other
	case phonenumbers.UNKNOWN:
		return Unknown
	}
	return Unknown
}
