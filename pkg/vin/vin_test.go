package vin_test

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/pkg/vin"
)

// through is the last year that the expectations in testdata think of.
const through = 2028

func TestVINsInUse(t *testing.T) {
	t.Parallel()
	var cases []struct {
		Input        string  `json:"input"`
		VIN          *string `json:"vin"`
		WellFormed   bool    `json:"wellformed"`
		WMI          string  `json:"wmi"`
		Region       string  `json:"region"`
		Country      string  `json:"country"`
		Manufacturer string  `json:"manufacturer"`
		CheckDigit   struct {
			Present   string `json:"present"`
			Computed  string `json:"computed"`
			Matches   bool   `json:"matches"`
			Mandatory bool   `json:"mandatory"`
		} `json:"check_digit"`
		Valid      bool   `json:"valid"`
		YearCode   string `json:"year_code"`
		Candidates []int  `json:"year_code_candidates"`
		ModelYear  int    `json:"model_year"`
		Reason     string `json:"reason"`
		AlsoOK     string `json:"also_ok"`
	}
	raw, err := os.ReadFile("testdata/vins.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &cases))
	require.Len(t, cases, 43)
	for _, c := range cases {
		t.Run(c.Input, func(t *testing.T) {
			t.Parallel()
			v, err := vin.Parse(c.Input)
			require.Equal(t, c.WellFormed, err == nil, "%v", err)
			if c.AlsoOK == "" {
				assert.Equal(t, c.Valid, vin.Valid(c.Input))
			}
			if !c.WellFormed {
				var why *vin.Error
				require.ErrorAs(t, err, &why)
				assert.Equal(t, c.Reason, string(why.Reason))
				return
			}
			assert.Equal(t, *c.VIN, string(v))
			f := v.Decode(through)
			assert.Equal(t, c.WMI, f.WMI)
			assert.Equal(t, c.Region, string(f.Region))
			assert.Equal(t, c.Country, f.Country.Name)
			assert.Equal(t, c.Manufacturer, f.Maker)
			assert.Equal(t, c.YearCode, string(f.YearCode))
			assert.Equal(t, c.Candidates, append([]int{}, f.ModelYears...))
			d := f.CheckDigit
			assert.Equal(t, c.CheckDigit.Present, string(d.Present))
			assert.Equal(t, c.CheckDigit.Computed, string(d.Computed))
			assert.Equal(t, c.CheckDigit.Matches, d.Matches)
			assert.Equal(t, c.CheckDigit.Mandatory, d.Mandatory)
			// The year of some comes from the source that has the VIN, not from the VIN.
			if f.ModelYear != 0 {
				assert.Equal(t, c.ModelYear, f.ModelYear)
			}
		})
	}
}

func TestNormalise(t *testing.T) {
	t.Parallel()
	const want = "WVWZZZ1KZAW123456"
	for _, text := range []string{
		"wvwzzz1kzaw123456", "WVW ZZZ1KZ AW-123456", "*WVWZZZ1KZAW123456*", "VIN: WVWZZZ1KZAW123456", "vin WVWZZZ1KZAW123456",
		"VINWVWZZZ1KZAW123456", "VIN-Nr. WVWZZZ1KZAW123456", "N° de série : WVWZZZ1KZAW123456", "Chassis no WVWZZZ1KZAW123456",
		"WVW\u00a0ZZZ\u200b1KZ–AW−123456\ufeff", "ＷＶＷＺＺＺ１ＫＺＡＷ１２３４５６", "\"WVWZZZ1KZAW123456\".", "VIN # WVWZZZ1KZAW123456",
		"VIN n° WVWZZZ1KZAW123456", "(WVWZZZ1KZAW123456)",
	} {
		assert.Equal(t, want, vin.Normalise(text), "%q", text)
	}
	assert.Equal(t, "NM0KXXTTPK4T12345", vin.Normalise("VIN NM0KXXTTPK4T12345"), "the N is the VIN's")
	assert.Equal(t, "VINZZZ1KZAW123456", vin.Normalise("VINZZZ1KZAW123456"), "a mistake in a VIN is no label")
}

func TestErrorsSayWhere(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		want       vin.Error
	}{
		{"letter I", "vf1-rfaI0567123456", vin.Error{Reason: vin.Charset, Text: "VF1RFAI0567123456", Position: 7, Character: 'I'}},
		{"Cyrillic", "WВWZZZ1KZAW123456", vin.Error{Reason: vin.Charset, Text: "WВWZZZ1KZAW123456", Position: 2, Character: 'В'}},
		{"short", "vf1", vin.Error{Reason: vin.WrongLength, Text: "VF1"}},
		{"blank", " \t-", vin.Error{Reason: vin.Empty}},
		{"check digit", "1HGCM82633A004353", vin.Error{Reason: vin.WrongCheckDigit, Text: "1HGCM82633A004353", Position: 9, Character: '3', Want: '5'}},
		{"check digit in the 7s", "7SAYGDEE0NF000000", vin.Error{Reason: vin.WrongCheckDigit, Text: "7SAYGDEE0NF000000", Position: 9, Character: '0', Want: '1'}},
		{"placeholder", "XXXXXXXXXXXXXXXXX", vin.Error{Reason: vin.Placeholder, Text: "XXXXXXXXXXXXXXXXX", Position: 1, Character: 'X'}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			v, err := vin.Parse(c.text)
			if err == nil {
				err = v.Check()
			}
			var got *vin.Error
			require.ErrorAs(t, err, &got)
			assert.Equal(t, c.want, *got)
			assert.NotEmpty(t, got.Error())
		})
	}
}

func TestMarketsWithACheckDigit(t *testing.T) {
	t.Parallel()
	// The same number but for the first two characters: the second decides only in 7.
	for wmi, want := range map[string]bool{
		"1FA": true, "2T1": true, "3VW": true, "4US": true, "5YJ": true, "7FA": true, "7ZA": true, "71A": true, "70A": true, "LFV": true,
		"7AA": false, "7EA": false, "6G1": false, "8AP": false, "9BW": false, "0AA": false, "VF1": false, "WVW": false, "JN1": false, "KMH": false, "HES": false,
	} {
		v, err := vin.Parse(wmi + "ZZZ1KZAW123456")
		require.NoError(t, err)
		assert.Equal(t, want, v.CheckDigit().Mandatory, wmi)
		assert.Equal(t, !want, v.Check() == nil, wmi)
	}
	assert.True(t, vin.Valid("JN1TDAT32U0006555"), "a Nissan for Europe has a 2 where X would be due")
	assert.True(t, vin.Valid("1FADP5AU6DL536022"))
}

func TestModelYears(t *testing.T) {
	t.Parallel()
	for code, want := range map[byte][]int{
		'A': {1980, 2010}, 'H': {1987, 2017}, 'J': {1988, 2018}, 'P': {1993, 2023}, 'R': {1994, 2024}, 'T': {1996, 2026}, 'V': {1997, 2027},
		'W': {1998, 2028}, 'X': {1999}, 'Y': {2000}, '1': {2001}, '9': {2009}, '0': nil, 'U': nil, 'Z': nil,
	} {
		v := vin.VIN("WVWZZZ1KZ" + string(code) + "W123456")
		assert.Equal(t, want, v.ModelYears(through), "%c", code)
	}
	assert.Equal(t, []int{2001, 2031, 2061}, vin.VIN("WVWZZZ1KZ1W123456").ModelYears(2061))
}

func TestModelYearTheVINSettles(t *testing.T) {
	t.Parallel()
	for v, want := range map[vin.VIN]int{
		"5YJSA1DG9DFP14705": 2013, "5N1NJ01CXST000001": 1995, // by position 7
		"1FUJGHDV0CLBP8834": 0,    // heavy: position 7 says nothing
		"WVWZZZ1KZAW123456": 2010, // no Volkswagen of 1980 has such a number
		"WAUZZZ8V1H1123456": 0,    // 1987 or 2017
		"VF1RFA00065321098": 0, "WDD2050421F000006": 0,
		"LFVZZZAAZFD123456": 2015, // China has had VINs since 1997
	} {
		got, _ := v.ModelYear(through)
		assert.Equal(t, want, got, v)
	}
}

func TestSmallMakers(t *testing.T) {
	t.Parallel()
	f := vin.VIN("VF9SA25C28M795153").Decode(through)
	assert.Equal(t, "795", f.SmallMaker)
	assert.Equal(t, "Bugatti", f.Maker)
	assert.Equal(t, "FR", f.Country.Code)
	f = vin.VIN("VF9SA25C28M123153").Decode(through)
	assert.Empty(t, f.Maker, "VF9 alone is many makers")
	assert.Contains(t, f.Warnings, vin.UnknownMaker)
}

func TestSuggest(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"wvwzzz1kzaw12345o", "WVWZZZ1KZAW123450"},
		{"VF1RFAI0567123456", "VF1RFA10567123456"},
		{"WQLPC6DB3CC123456", "W0LPC6DB3CC123456"},
		{"WАUZZZ8V1H1123456", "WAUZZZ8V1H1123456"}, // Cyrillic A
		{"IHGCM82633AOO4352", "1HGCM82633A004352"},
		{"IHGCM82633AOO4353", ""}, // the check digit says no
		{"WVWZZZ1KZAW123456", ""}, // nothing to suggest
		{"WVWZZZ1KZAW12345O7", ""},
		{"WVWZZZ1KZAW12345?", ""},
		{"OOOOOOOOOOOOOOOOO", ""},
	} {
		got, ok := vin.Suggest(c.text)
		assert.Equal(t, c.want, string(got), c.text)
		assert.Equal(t, c.want != "", ok)
	}
}

func TestParseAllocates(t *testing.T) {
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		v, _ := vin.Parse("WVWZZZ1KZAW123456")
		_ = v.Check()
		_, _ = v.Maker()
		_, _ = v.Country()
	}))
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "1M8GDM9AXKP042788", " vin: wvw-zzz1kzaw123456*", "VF1RFAI0567123456", "ＷＶＷ", "VIN N° \xff", "9BWZZZAAZFD123456"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := vin.Parse(text)
		if s, ok := vin.Suggest(text); ok && (err == nil || !vin.Valid(string(s))) {
			t.Fatalf("suggested %q for %q", s, text)
		}
		if err != nil {
			var why *vin.Error
			if !errors.As(err, &why) || v != "" || why.Error() == "" {
				t.Fatalf("%q: %q, %v", text, v, err)
			}
			return
		}
		if again, err := vin.Parse(string(v)); err != nil || again != v {
			t.Fatalf("%q became %q, then %q (%v)", text, v, again, err)
		}
		facts := v.Decode(through)
		if facts.ModelYear != 0 && !slices.Contains(facts.ModelYears, facts.ModelYear) {
			t.Fatalf("%s: %d is none of %v", v, facts.ModelYear, facts.ModelYears)
		}
		if (facts.Problem == nil) != vin.Valid(text) {
			t.Fatalf("%s: %v", v, facts.Problem)
		}
	})
}
