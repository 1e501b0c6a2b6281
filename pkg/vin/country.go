package vin

// Region is one of the zones of ISO 3780.
type Region string

// The zones.
const (
	Africa       Region = "Africa"
	Asia         Region = "Asia"
	Europe       Region = "Europe"
	NorthAmerica Region = "North America"
	Oceania      Region = "Oceania"
	SouthAmerica Region = "South America"
)

// Country is where the maker has its seat, which need not be where the car was built or sold.
type Country struct {
	Code string // ISO 3166-1 alpha-2
	Name string // in English
}

// Region is the zone by the first character, and empty where none is assigned.
func (v VIN) Region() Region {
	if !wellFormed(string(v)) {
		return ""
	}
	switch c := v[0]; {
	case c >= 'A' && c <= 'G':
		return Africa
	case c >= 'H' && c <= 'R': // H was Africa's, and is China's now
		return Asia
	case c >= 'S' && c <= 'Z':
		return Europe
	case northAmerican(v):
		return NorthAmerica
	case c == '6' || c == '7':
		return Oceania
	case c == '8' || c == '9':
		return SouthAmerica
	}
	return ""
}

// Country goes by the first two characters. Ok is false for pairs that are not assigned, or whose assignment has moved
// from one country to another over the years.
func (v VIN) Country() (Country, bool) {
	if !wellFormed(string(v)) {
		return Country{}, false
	}
	second := rank(v[1])
	for _, c := range countries[v[0]] {
		if second >= rank(c.from) && second <= rank(c.to) {
			return c.Country, true
		}
	}
	return Country{}, false
}

// rank is the order of second characters in ISO 3780: A to Z, 1 to 9, and 0 at the end.
func rank(c byte) int {
	switch {
	case c >= 'A':
		return int(c - 'A')
	case c == '0':
		return 35
	default:
		return 25 + int(c-'0')
	}
}

type span struct {
	from, to byte
	Country
}

// countries are the pairs by their first character, as ISO 3780 and the Society of Automotive Engineers, its
// registrar, have assigned them. Compiled for this package from what the standard's readers and national authorities
// publish, November 2026. Ranges on which these disagree are left out.
var countries = map[byte][]span{
	'A': {{'A', 'H', Country{"ZA", "South Africa"}}},
	'H': {{'A', '0', Country{"CN", "China"}}},
	'J': {{'A', '0', Country{"JP", "Japan"}}},
	'K': {
		{'F', 'K', Country{"IL", "Israel"}}, {'L', 'R', Country{"KR", "South Korea"}},
	},
	'L': {{'A', '0', Country{"CN", "China"}}},
	'M': {
		{'A', 'E', Country{"IN", "India"}},
		{'F', 'K', Country{"ID", "Indonesia"}},
		{'L', 'R', Country{"TH", "Thailand"}},
		{'Z', 'Z', Country{"IN", "India"}},
	},
	'N': {
		{'A', 'E', Country{"IR", "Iran"}}, {'F', 'K', Country{"PK", "Pakistan"}}, {'L', 'R', Country{"TR", "Turkey"}},
	},
	'P': {
		{'A', 'E', Country{"PH", "Philippines"}}, {'F', 'K', Country{"SG", "Singapore"}}, {'L', 'R', Country{"MY", "Malaysia"}},
	},
	'R': {
		{'A', 'E', Country{"AE", "United Arab Emirates"}}, {'F', 'K', Country{"TW", "Taiwan"}}, {'L', 'R', Country{"VN", "Vietnam"}},
	},
	'S': {
		{'A', 'M', Country{"GB", "United Kingdom"}},
		{'N', 'T', Country{"DE", "Germany"}},
		{'U', 'Z', Country{"PL", "Poland"}},
		{'1', '4', Country{"LV", "Latvia"}},
	},
	'T': {
		{'A', 'H', Country{"CH", "Switzerland"}},
		{'J', 'P', Country{"CZ", "Czech Republic"}},
		{'R', 'V', Country{"HU", "Hungary"}},
		{'W', '1', Country{"PT", "Portugal"}},
	},
	'U': {
		{'H', 'M', Country{"DK", "Denmark"}},
		{'N', 'T', Country{"IE", "Ireland"}},
		{'U', 'Z', Country{"RO", "Romania"}},
		{'5', '7', Country{"SK", "Slovakia"}},
	},
	'V': {
		{'A', 'E', Country{"AT", "Austria"}},
		{'F', 'R', Country{"FR", "France"}},
		{'S', 'W', Country{"ES", "Spain"}},
		{'X', '2', Country{"RS", "Serbia"}},
		{'3', '5', Country{"HR", "Croatia"}},
		{'6', '0', Country{"EE", "Estonia"}},
	},
	'W': {{'A', '0', Country{"DE", "Germany"}}},
	'X': {
		{'A', 'C', Country{"BG", "Bulgaria"}},
		{'F', 'K', Country{"GR", "Greece"}},
		{'L', 'R', Country{"NL", "Netherlands"}},
		{'S', 'W', Country{"RU", "Russia"}},
		{'X', '2', Country{"LU", "Luxembourg"}},
		{'3', '0', Country{"RU", "Russia"}},
	},
	'Y': {
		{'A', 'E', Country{"BE", "Belgium"}},
		{'F', 'K', Country{"FI", "Finland"}},
		{'N', 'N', Country{"MT", "Malta"}},
		{'S', 'W', Country{"SE", "Sweden"}},
		{'X', '2', Country{"NO", "Norway"}},
		{'3', '5', Country{"BY", "Belarus"}},
		{'6', '0', Country{"UA", "Ukraine"}},
	},
	'Z': {
		{'A', 'U', Country{"IT", "Italy"}},
		{'X', '2', Country{"SI", "Slovenia"}},
		{'3', '5', Country{"LT", "Lithuania"}},
		{'6', '0', Country{"RU", "Russia"}},
	},
	'1': {{'A', '0', Country{"US", "United States"}}},
	'2': {{'A', '0', Country{"CA", "Canada"}}},
	'3': {{'A', 'W', Country{"MX", "Mexico"}}},
	'4': {{'A', '0', Country{"US", "United States"}}},
	'5': {{'A', '0', Country{"US", "United States"}}},
	'6': {{'A', 'X', Country{"AU", "Australia"}}},
	'7': {{'A', 'E', Country{"NZ", "New Zealand"}}, {'F', '0', Country{"US", "United States"}}},
	'8': {
		{'A', 'E', Country{"AR", "Argentina"}},
		{'F', 'G', Country{"CL", "Chile"}},
		{'L', 'N', Country{"EC", "Ecuador"}},
		{'S', 'T', Country{"PE", "Peru"}},
		{'X', 'Z', Country{"VE", "Venezuela"}},
	},
	'9': {
		{'A', 'E', Country{"BR", "Brazil"}},
		{'F', 'G', Country{"CO", "Colombia"}},
		{'S', 'V', Country{"UY", "Uruguay"}},
		{'3', '9', Country{"BR", "Brazil"}},
	},
}
