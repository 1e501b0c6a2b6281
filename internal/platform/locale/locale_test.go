package locale_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rooftop-crm/rooftop/internal/platform/locale"
)

func TestLanguage(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"fr": "fr", "FR": "fr", "fr-ch": "fr-CH", "fr_FR": "fr-FR", "zh-hant-tw": "zh-Hant-TW", "es-419": "es-419", " en ": "en",
		"": "", "french": "", "xx": "", "fr-": "", "und": "", "fr\x00": "", "fr-XX-": "", strings.Repeat("a", 40): "",
	} {
		got, ok := locale.Language(in)
		assert.Equal(t, want, got, "%q", in)
		assert.Equal(t, want != "", ok, "%q", in)
	}
}

func TestCountry(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"FR": "FR", "fr": "FR", " ch ": "CH", "GB": "GB", "RE": "RE", "US": "US", "XK": "XK",
		"": "", "UK": "", "FRA": "", "EU": "", "ZZ": "", "QQ": "", "250": "", "F": "", "SU": "", "F\x00": "",
	} {
		got, ok := locale.Country(in)
		assert.Equal(t, want, got, "%q", in)
		assert.Equal(t, want != "", ok, "%q", in)
	}
}

func TestCountryNamed(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"FR": "FR", "fr": "FR", "France": "FR", "FRANCE ": "FR", "FRA": "FR", "Belgique": "BE", "België": "BE", "BEL": "BE", "Suisse": "CH", "Schweiz": "CH",
		"Deutschland": "DE", "Allemagne": "DE", "GERMANY": "DE", "España": "ES", "Espagne": "ES", "Italie": "IT", "Italia": "IT", "Portugal": "PT",
		"United Kingdom": "GB", "Royaume-Uni": "GB", "UK": "GB", "U.K.": "GB", "England": "GB", "USA": "US", "U.S.A.": "US", "United States": "US",
		"The United States of America": "US", "États-Unis": "US", "etats unis": "US", "Pays-Bas": "NL", "The Netherlands": "NL", "Luxembourg": "LU",
		"Côte d’Ivoire": "CI", "Maroc": "MA", "La Réunion": "RE", "Guadeloupe": "GP", "Canada": "CA", "México": "MX",
		"": "", "Elbonia": "", "EU": "", "SU": "", "ZZ": "", "XXX": "", "Europe": "", strings.Repeat("France", 50): "", "fr\x00": "",
	} {
		got, ok := locale.CountryNamed(in)
		assert.Equal(t, want, got, "%q", in)
		assert.Equal(t, want != "", ok, "%q", in)
	}
}
