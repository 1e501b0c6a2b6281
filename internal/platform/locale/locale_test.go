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
