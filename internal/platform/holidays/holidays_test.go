package holidays_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/platform/holidays"
)

func codes(t *testing.T, country, region string, year int) map[string]string {
	t.Helper()
	list, err := holidays.In(country, region, year)
	require.NoError(t, err)
	out := map[string]string{}
	for i, h := range list {
		out[h.Date.String()] = h.Code
		if h.Substitute {
			out[h.Date.String()] += " substitute"
		}
		assert.True(t, i == 0 || list[i-1].Date <= h.Date, "in order")
		y, _, _ := h.Date.Civil()
		assert.Equal(t, year, y)
	}
	return out
}

func TestEaster(t *testing.T) {
	t.Parallel()
	for year, want := range map[int]string{ // the earliest, the latest, and some as almanacs have them
		1818: "1818-03-22", 1943: "1943-04-25", 2000: "2000-04-23", 2024: "2024-03-31", 2025: "2025-04-20", 2026: "2026-04-05",
		2027: "2027-03-28", 2028: "2028-04-16", 2038: "2038-04-25", 2049: "2049-04-18",
	} {
		assert.Equal(t, want, holidays.Easter(year).String())
	}
}

func TestFrance(t *testing.T) {
	t.Parallel()
	everywhere := map[string]string{
		"2026-01-01": "new_year", "2026-04-06": "easter_monday", "2026-05-01": "labour_day", "2026-05-08": "victory_day",
		"2026-05-14": "ascension", "2026-05-25": "whit_monday", "2026-07-14": "national_day", "2026-08-15": "assumption",
		"2026-11-01": "all_saints", "2026-11-11": "armistice", "2026-12-25": "christmas",
	}
	assert.Equal(t, everywhere, codes(t, "FR", "", 2026))
	for _, region := range []string{"FR-57", "FR-67", "FR-68", "FR-6AE"} {
		got := codes(t, "FR", region, 2026)
		assert.Len(t, got, len(everywhere)+2)
		assert.Equal(t, "good_friday", got["2026-04-03"])
		assert.Equal(t, "second_christmas", got["2026-12-26"])
	}
	for region, day := range map[string]string{
		"FR-971": "2026-05-27", "FR-972": "2026-05-22", "FR-973": "2026-06-10", "FR-974": "2026-12-20", "FR-976": "2026-04-27",
		"FR-BL": "2026-10-09", "FR-MF": "2026-05-28",
	} {
		got := codes(t, "FR", region, 2026)
		assert.Len(t, got, len(everywhere)+1)
		assert.Equal(t, "abolition_of_slavery", got[day], region)
	}
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	cases := []struct {
		country, region string
		year, count     int
		day, code       string // "" for no holiday on the day
	}{
		{"DE", "", 2026, 9, "2026-10-03", "national_day"},
		{"DE", "DE-BW", 2026, 12, "2026-06-04", "corpus_christi"},
		{"DE", "DE-SN", 2026, 11, "2026-11-18", "repentance_day"},
		{"DE", "DE-SN", 2028, 11, "2028-11-22", "repentance_day"},
		{"DE", "DE-BE", 2018, 9, "2018-03-08", ""},
		{"DE", "DE-BE", 2026, 10, "2026-03-08", "womens_day"},
		{"DE", "DE-HH", 2017, 9, "2017-10-31", ""},
		{"DE", "DE-HH", 2018, 10, "2018-10-31", "reformation_day"},
		{"BE", "", 2026, 10, "2026-07-21", "national_day"},
		{"LU", "", 2026, 11, "2026-06-23", "national_day"},
		{"AT", "", 2026, 13, "2026-10-26", "national_day"},
		{"CH", "", 2026, 4, "2026-08-01", "national_day"},
		{"CH", "CH-GE", 2026, 9, "2026-09-10", "geneva_fast"},
		{"CH", "CH-VD", 2026, 9, "2026-09-21", "federal_fast_monday"},
		{"CH", "CH-GL", 2026, 11, "2026-04-09", "naefels_procession"}, // not on Maundy Thursday
		{"CH", "CH-AR", 2026, 8, "2026-12-26", "second_christmas"},
		{"ES", "", 2026, 10, "2026-10-12", "national_day"},
		{"ES", "ES-MD", 2026, 12, "2026-04-02", "maundy_thursday"},
		{"ES", "ES-CT", 2026, 14, "2026-09-11", "regional_day"},
		{"IT", "", 2025, 11, "2025-10-04", ""},
		{"IT", "", 2026, 12, "2026-10-04", "saint_francis"},
		{"IT", "IT-BZ", 2026, 13, "2026-05-25", "whit_monday"},
		{"GB", "GB-ENG", 2026, 9, "2026-12-28", "second_christmas substitute"},
		{"GB", "GB-ENG", 2027, 10, "2027-12-28", "second_christmas substitute"},
		{"GB", "GB-SCT", 2027, 12, "2027-01-04", "second_january substitute"},
		{"GB", "GB-SCT", 2028, 11, "2028-01-04", "second_january substitute"}, // the third is taken by New Year's Day
		{"GB", "GB-NIR", 2026, 12, "2026-07-13", "battle_of_the_boyne substitute"},
		{"GB", "", 2026, 9, "2026-04-06", "easter_monday"},
		{"IE", "", 2026, 10, "2026-02-02", "saint_brigid"},
		{"IE", "", 2030, 10, "2030-02-01", "saint_brigid"}, // a Friday
		{"NL", "", 2025, 8, "2025-04-26", "kings_day"},     // the 27th is a Sunday
		{"NL", "", 2026, 7, "2026-05-05", ""},
		{"PT", "", 2026, 12, "2026-06-10", "national_day"},
		{"US", "", 2026, 12, "2026-07-03", "independence_day substitute"},
		{"US", "", 2027, 15, "2027-12-31", "new_year substitute"},
		{"US", "", 2028, 12, "2028-11-10", "veterans_day substitute"},
		{"US", "", 2026, 12, "2026-11-26", "thanksgiving"},
	}
	for _, c := range cases {
		got := codes(t, c.country, c.region, c.year)
		assert.Equal(t, c.code, got[c.day], "%s %s %s", c.country, c.region, c.day)
		assert.Len(t, got, c.count, "%s %s %d: %v", c.country, c.region, c.year, got)
	}
}

func TestEveryPlace(t *testing.T) {
	t.Parallel()
	for _, country := range holidays.Countries() {
		for _, region := range append(holidays.Regions(country), "") {
			assert.True(t, holidays.Known(country, region))
			for _, year := range []int{holidays.FirstYear, 2026, 2028, holidays.LastYear} {
				list, err := holidays.In(country, region, year)
				require.NoError(t, err)
				assert.GreaterOrEqual(t, len(list), 4)
				for _, h := range list {
					assert.NotEmpty(t, h.Name, h.Code)
					assert.NotEmpty(t, h.NameFR, h.Code)
				}
			}
		}
	}
	for _, c := range [][2]string{{"XX", ""}, {"FR", "FR-75"}, {"FR", "57"}, {"", ""}, {"DE", "FR-57"}} {
		_, err := holidays.In(c[0], c[1], 2026)
		require.ErrorIs(t, err, holidays.ErrUnknown, "%v", c)
	}
	none, err := holidays.In("FR", "", holidays.FirstYear-1)
	require.NoError(t, err)
	assert.Empty(t, none)
}
