package phone_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/pkg/phone"
)

type sample struct {
	Input     string   `json:"input"`
	Region    string   `json:"region"`
	E164      string   `json:"e164"`
	Valid     bool     `json:"valid"`
	Note      string   `json:"note"`
	Possible  string   `json:"possible_e164"`
	Extension string   `json:"extension"`
	AlsoOK    []string `json:"also_ok"`
}

func samples(t testing.TB) []sample {
	t.Helper()
	data, err := os.ReadFile("testdata/phones.json")
	require.NoError(t, err)
	var all []sample
	require.NoError(t, json.Unmarshal(data, &all))
	require.NotEmpty(t, all)
	return all
}

func TestSamples(t *testing.T) {
	t.Parallel()
	for _, s := range samples(t) {
		t.Run(s.Note, func(t *testing.T) {
			t.Parallel()
			got := phone.Parse(s.Input, s.Region)
			assert.Equal(t, s.Input, got.Raw)
			assert.Equal(t, s.E164, got.E164)
			assert.Equal(t, s.Valid, got.Valid)
			assert.Equal(t, s.Possible, got.Possible)
			assert.Equal(t, s.Extension, got.Extension)
		})
	}
}

func TestParseFinds(t *testing.T) {
	t.Parallel()
	const mobile, paris = "+33612345678", "+33123456789"
	tests := map[string]struct{ region, input, want string }{
		"label without space":            {"FR", "Tél.06.12.34.56.78", mobile},
		"label with accents and colon":   {"FR", "Téléphone portable : 06 12 34 56 78", mobile},
		"label with a number":            {"FR", "Tel 1 : 06 12 34 56 78", mobile},
		"label with a number, no colon":  {"FR", "Mobile2 06 12 34 56 78", mobile},
		"full-width label":               {"FR", "ＴＥＬ：０６ー１２ー３４ー５６ー７８", mobile},
		"tel scheme":                     {"FR", "tel:+33-6-12-34-56-78", mobile},
		"whatsapp link":                  {"FR", "https://wa.me/33612345678", mobile},
		"p: in upper case, with space":   {"FR", "P: +33 6 12 34 56 78", mobile},
		"p: with a national number":      {"FR", "p:0612345678", mobile},
		"emoji":                          {"FR", "📞 06 12 34 56 78 🙂", mobile},
		"keycap digits":                  {"FR", "0️⃣6️⃣12345678", mobile},
		"words around":                   {"FR", "appeler le 06 12 34 56 78 entre 18h et 20h", mobile},
		"hours before":                   {"FR", "après 18h : 06 12 34 56 78", mobile},
		"list marker":                    {"FR", "1) 06 12 34 56 78", mobile},
		"angle brackets":                 {"FR", "<06 12 34 56 78>", mobile},
		"beside an e-mail":               {"FR", "jean.612345679@mail.example 06 12 34 56 78", mobile},
		"thin and figure spaces":         {"FR", "06\u200912\u200734\u200256\u300078", mobile},
		"zero-width marks":               {"FR", "\u202d06 12\u200b34 56 78\u202c\ufeff", mobile},
		"tabs and line ends":             {"FR", "\t06\t12 34 56 78\r\n", mobile},
		"html space":                     {"FR", "06&nbsp;12&nbsp;34&nbsp;56&nbsp;78", mobile},
		"url encoding":                   {"FR", "%2B33%206%2012345678", mobile},
		"plus for space":                 {"FR", "06+12+34+56+78", mobile},
		"plus for space after code":      {"FR", "+33+6+12+34+56+78", mobile},
		"en dashes":                      {"FR", "06–12–34–56–78", mobile},
		"non-breaking hyphens":           {"FR", "06‑12‑34‑56‑78", mobile},
		"minus signs":                    {"FR", "06−12−34−56−78", mobile},
		"dots":                           {"FR", "06.12.34.56.78", mobile},
		"middle dots":                    {"FR", "06·12·34·56·78", mobile},
		"slashes":                        {"FR", "06/12/34/56/78", mobile},
		"commas":                         {"FR", "06,12,34,56,78", mobile},
		"underscores":                    {"FR", "06_12_34_56_78", mobile},
		"full-width digits":              {"FR", "０６１２３４５６７８", mobile},
		"full-width plus":                {"FR", "＋３３ ６１２３４５６７８", mobile},
		"arabic-indic digits":            {"FR", "٠٦١٢٣٤٥٦٧٨", mobile},
		"letter O for zero":              {"FR", "O6 12 34 56 78", mobile},
		"letters I and l for one":        {"FR", "06 I2 34 56 78 ", mobile},
		"area in parentheses":            {"FR", "(06) 12 34 56 78", mobile},
		"code in parentheses":            {"FR", "(+33) 6 12 34 56 78", mobile},
		"code and zero in parentheses":   {"FR", "(+33)(0)6 12 34 56 78", mobile},
		"00 in parentheses":              {"FR", "(0033) 6 12 34 56 78", mobile},
		"zero in brackets":               {"FR", "+33 [0] 6 12 34 56 78", mobile},
		"spaced zero in parentheses":     {"FR", "+33 ( 0 ) 612345678", mobile},
		"full-width parentheses":         {"FR", "+33（0）612345678", mobile},
		"00 and (0)":                     {"FR", "0033 (0)6 12 34 56 78", mobile},
		"code without plus and (0)":      {"FR", "33 (0)6 12 34 56 78", mobile},
		"zero after code":                {"FR", "+33 06 12 34 56 78", mobile},
		"zero after 00":                  {"FR", "0033 06 12 34 56 78", mobile},
		"plus and 00":                    {"FR", "+0033 6 12 34 56 78", mobile},
		"two pluses":                     {"FR", "++33612345678", mobile},
		"spaced plus":                    {"FR", "+ 33 6 12 34 56 78", mobile},
		"plus before a national number":  {"FR", "+06 12 34 56 78", mobile},
		"code chosen and typed":          {"FR", "+33 +33612345678", mobile},
		"code chosen and typed with 00":  {"FR", "+33 0033612345678", mobile},
		"code chosen and typed plain":    {"FR", "+33 33612345678", mobile},
		"plus lost":                      {"FR", "33612345678", mobile},
		"plus lost, foreign rooftop":     {"BE", "33612345678", mobile},
		"plus lost, grouped":             {"BE", "33 6 12 34 56 78", mobile},
		"one of two zeros lost":          {"FR", "033 6 12 34 56 78", mobile},
		"american way to dial abroad":    {"US", "011 33 6 12 34 56 78", mobile},
		"00 in a country that dials 011": {"US", "0033 6 12 34 56 78", mobile},
		"lower-case region":              {"fr", "0612345678", mobile},
		"no region, code":                {"", "+33 6 12 34 56 78", mobile},
		"unknown region, 00":             {"XX", "0033612345678", mobile},
		"text cell":                      {"FR", "'0612345678", mobile},
		"formula cell":                   {"FR", `="0612345678"`, mobile},
		"float":                          {"FR", "612345678.0", mobile},
		"float with code":                {"FR", "33612345678.0", mobile},
		"scientific":                     {"FR", "6.12345678E+08", mobile},
		"scientific with comma":          {"FR", "3,3612345678E+10", mobile},
		"two, slash, tight":              {"FR", "0612345678/0123456789", mobile},
		"two, semicolon":                 {"FR", "06 12 34 56 78;01 23 45 67 89", mobile},
		"two, comma":                     {"FR", "0612345678, 0123456789", mobile},
		"two, line end":                  {"FR", "06 12 34 56 78\n01 23 45 67 89", mobile},
		"two, word":                      {"FR", "06 12 34 56 78 ou 01 23 45 67 89", mobile},
		"two, bar":                       {"FR", "06 12 34 56 78 | 01 23 45 67 89", mobile},
		"two, dash":                      {"FR", "06 12 34 56 78 - 01 23 45 67 89", mobile},
		"two, space":                     {"FR", "0612345678 0123456789", mobile},
		"two, pairs":                     {"FR", "01 23 45 67 89 06 12 34 56 78", paris},
		"two with codes":                 {"FR", "+33 6 12 34 56 78 +33 1 23 45 67 89", mobile},
		"two with labels":                {"FR", "Dom : 01 23 45 67 89 / Port : 06 12 34 56 78", paris},
		"first one is not a number":      {"FR", "06 12 34 / 01 23 45 67 89", paris},
		"landline, zero lost":            {"FR", "123456789", paris},
		"Réunion from Paris":             {"FR", "0692 12 34 56", "+262692123456"},
		"Martinique from Paris":          {"FR", "0696 20 12 34", "+596696201234"},
		"Guadeloupe, zero lost":          {"FR", "690123456", "+590690123456"},
		"Guadeloupe landline from Paris": {"FR", "0590 20 12 34", "+590590201234"},
		"Paris from Guadeloupe":          {"GP", "06 12 34 56 78", mobile},
		"Guadeloupe at home":             {"GP", "0690 12 34 56", "+590690123456"},
		"Belgian slash":                  {"BE", "02/555.12.12", "+3225551212"},
		"Belgian mobile slash":           {"BE", "0470/12.34.56", "+32470123456"},
		"Belgian, zero lost":             {"BE", "470123456", "+32470123456"},
		"Belgian from France, plus lost": {"FR", "32470123456", "+32470123456"},
		"Swiss slash":                    {"CH", "079/123 45 67", "+41791234567"},
		"German slash":                   {"DE", "0151/23456789", "+4915123456789"},
		"German (0)":                     {"DE", "+49 (0) 151 23456789", "+4915123456789"},
		"German, zero lost":              {"DE", "15123456789", "+4915123456789"},
		"two German":                     {"DE", "0151 23456789 / 030 23125000", "+4915123456789"},
		"Roman, zero lost":               {"IT", "612345678", "+390612345678"},
		"Roman, zero lost after code":    {"IT", "+39 6 1234 5678", "+390612345678"},
		"Roman with (0)":                 {"IT", "+39 (0)6 1234 5678", "+390612345678"},
		"Spanish with a needless (0)":    {"ES", "+34 (0)612 345 678", "+34612345678"},
		"British (0)":                    {"GB", "+44 (0)7911 123456", "+447911123456"},
		"British, zero lost":             {"UK", "7911123456", "+447911123456"},
		"London, fiction range":          {"GB", "020 7946 0958", "+442079460958"},
		"American dots":                  {"US", "212.555.0142", "+12125550142"},
		"American trunk 1":               {"US", "1-212-555-0142", "+12125550142"},
		"Canadian from France, no plus":  {"FR", "1 514 555 0100", "+15145550100"},
		"American float":                 {"US", "2125550142.0", "+12125550142"},
		"American label":                 {"US", "Cell # (212) 555-0142", "+12125550142"},
		"letters":                        {"US", "1-800-FLOWERS", "+18003569377"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := phone.Parse(tt.input, tt.region)
			assert.Equal(t, tt.want, got.E164, "%q", tt.input)
			assert.True(t, got.Valid)
			assert.Empty(t, got.Possible)
			assert.Empty(t, got.Extension)
			assert.Equal(t, tt.input, got.Raw)
		})
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ region, input string }{
		"blank":                      {"FR", " \u00a0 "},
		"dashes":                     {"FR", "--"},
		"words":                      {"FR", "ne pas appeler"},
		"one digit too many":         {"FR", "06 12 34 56 78 9"},
		"one digit too many, tight":  {"FR", "06123456789"},
		"too many, zero lost":        {"FR", "6 12 34 56 78 90"},
		"a piece of a number":        {"FR", "34 56 78"},
		"a letter in the middle":     {"FR", "06 Z2 34 56 78"},
		"a postcode among words":     {"LU", "L-1950 Luxembourg"},
		"trunk zero Poland dropped":  {"PL", "0 512 345 678"},
		"masked":                     {"FR", "06 12 ** ** 78"},
		"masked with x":              {"FR", "06XXXXXX78"},
		"only a label":               {"FR", "Tel :"},
		"only a code":                {"FR", "+33"},
		"zeros":                      {"FR", "0000000000"},
		"zeros after code":           {"FR", "+33 0 00 00 00 00"},
		"rounded by a spreadsheet":   {"FR", "6.12E+08"},
		"rounded, long":              {"FR", "3.361234568E+10"},
		"an order number":            {"FR", "CMD7A612345678"},
		"an e-mail":                  {"FR", "612345678@mail.example"},
		"wrong country":              {"FR", "+33 7911 123456 8"},
		"national without region":    {"", "06 12 34 56 78"},
		"national, unknown region":   {"ZZ", "06 12 34 56 78"},
		"American without area code": {"US", "555 0142"},
		"American filler":            {"US", "111-111-1111"},
		"very long":                  {"FR", strings.Repeat("1 ", 400)},
		"not UTF-8":                  {"FR", "\xff\xfe06\x00"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := phone.Parse(tt.input, tt.region)
			assert.False(t, got.Valid, "%q gave %s", tt.input, got.E164)
			assert.Empty(t, got.E164)
			assert.Equal(t, tt.input, got.Raw)
		})
	}
}

func TestExtension(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ region, input, e164, extension string }{
		"poste":            {"FR", "01 23 45 67 89 poste 12", "+33123456789", "12"},
		"poste n°":         {"FR", "01 23 45 67 89, poste n° 12", "+33123456789", "12"},
		"in parentheses":   {"FR", "01 23 45 67 89 (Poste : 1204)", "+33123456789", "1204"},
		"ext.":             {"US", "(212) 555-0142 ext. 44", "+12125550142", "44"},
		"tight x":          {"US", "212-555-0142x44", "+12125550142", "44"},
		"hash":             {"US", "212-555-0142 #44", "+12125550142", "44"},
		"Extension":        {"US", "212-555-0142 Extension 44", "+12125550142", "44"},
		"tel uri":          {"FR", "tel:+33123456789;ext=12", "+33123456789", "12"},
		"pause":            {"FR", "0123456789,,12", "+33123456789", "12"},
		"Durchwahl":        {"DE", "030 23125000 Durchwahl 12", "+493023125000", "12"},
		"interno":          {"IT", "06 1234 5678 int. 7", "+390612345678", "7"},
		"then second":      {"FR", "01 23 45 67 89 poste 12 / 06 12 34 56 78", "+33123456789", "12"},
		"is second number": {"FR", "01 23 45 67 89 x 06 12 34 56 78", "+33123456789", ""},
		"label before":     {"FR", "Poste 12 : 01 23 45 67 89", "+33123456789", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := phone.Parse(tt.input, tt.region)
			assert.Equal(t, tt.e164, got.E164)
			assert.Equal(t, tt.extension, got.Extension)
		})
	}
}

func TestTypeCountryAndFiller(t *testing.T) {
	t.Parallel()
	tests := []struct {
		input, region string
		typ           phone.Type
		country       string
		filler        bool
	}{
		{"06 12 34 56 78", "FR", phone.Mobile, "FR", false},
		{"01 23 45 67 89", "FR", phone.Fixed, "FR", false},
		{"0800 12 34 56", "FR", phone.TollFree, "FR", false},
		{"+1 212 555 0142", "FR", phone.FixedOrMobile, "US", false},
		{"0470 12 34 56", "BE", phone.Mobile, "BE", false},
		{"06 00 00 00 00", "FR", phone.Mobile, "FR", true},
		{"non communiqué", "FR", phone.Unknown, "", false},
	}
	for _, tt := range tests {
		got := phone.Parse(tt.input, tt.region)
		assert.Equal(t, tt.typ, got.Type, tt.input)
		assert.Equal(t, tt.country, got.Country, tt.input)
		assert.Equal(t, tt.filler, got.Filler, tt.input)
	}
}

func TestSearchDigits(t *testing.T) {
	t.Parallel()
	tests := map[string][]string{
		"+33612345678":   {"33612345678", "0612345678"},
		"+390612345678":  {"390612345678"},
		"+12125550142":   {"12125550142"},
		"+447911123456":  {"447911123456", "07911123456"},
		"+4915123456789": {"4915123456789", "015123456789"},
		"+590690123456":  {"590690123456"},
		"0612345678":     nil,
		"+":              nil,
		"":               nil,
	}
	for e164, want := range tests {
		assert.Equal(t, want, phone.SearchDigits(e164), e164)
	}
	assert.Equal(t, "2125550142", phone.NationalDigits("+12125550142"))
	assert.Equal(t, "0612345678", phone.NationalDigits("+390612345678"))
}

// Every country's own examples, written its own ways, come back as the same number.
func TestEveryCountry(t *testing.T) {
	t.Parallel()
	for region := range phonenumbers.GetSupportedRegions() {
		for _, kind := range []phonenumbers.PhoneNumberType{phonenumbers.MOBILE, phonenumbers.FIXED_LINE, phonenumbers.TOLL_FREE} {
			if example := phonenumbers.GetExampleNumberForType(region, kind); example != nil {
				sameInEveryForm(t, region, example)
			}
		}
	}
}

func sameInEveryForm(t *testing.T, region string, example *phonenumbers.PhoneNumber) {
	t.Helper()
	want := phonenumbers.Format(example, phonenumbers.E164)
	national := phonenumbers.Format(example, phonenumbers.NATIONAL)
	if n, err := phonenumbers.Parse(national, region); err != nil || phonenumbers.Format(n, phonenumbers.E164) != want {
		national = want // Argentina's, which not even the library reads back
	}
	for _, input := range []string{
		national, "Tel : " + national, strings.ReplaceAll(national, " ", "\u202f"),
		phonenumbers.Format(example, phonenumbers.INTERNATIONAL), want, "00" + want[1:],
		strings.ReplaceAll(phonenumbers.Format(example, phonenumbers.INTERNATIONAL), "-", "–"),
	} {
		assert.Equal(t, want, phone.Parse(input, region).E164, "%s %q", region, input)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range samples(f) {
		f.Add(s.Input, s.Region)
	}
	f.Add("1-800-FLOWERS ext 3", "US")
	f.Add("6.12345678E+08", "FR")
	f.Fuzz(func(t *testing.T, raw, region string) {
		got := phone.Parse(raw, region)
		if got.Raw != raw {
			t.Fatalf("raw text changed: %q", got.Raw)
		}
		if got.Valid == (got.E164 == "") || got.Valid && got.Possible != "" {
			t.Fatalf("verdict at odds with itself: %+v", got)
		}
		if !got.Valid {
			return
		}
		if !strings.HasPrefix(got.E164, "+") || len(got.E164) > 16 || !utf8.ValidString(got.E164) {
			t.Fatalf("not E.164: %q", got.E164)
		}
		if again := phone.Parse(got.E164, ""); again.E164 != got.E164 {
			t.Fatalf("%q reads back as %q", got.E164, again.E164)
		}
		if len(phone.SearchDigits(got.E164)) == 0 {
			t.Fatalf("no search form for %q", got.E164)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for b.Loop() {
		phone.Parse("06 12 34 56 78", "FR")
	}
}

func BenchmarkParseHostile(b *testing.B) {
	text := strings.Repeat("01 23 45 67 89 1 ", 30)
	for b.Loop() {
		phone.Parse(text, "FR")
	}
}
