package app_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/app"
)

func TestSettingsThatCannotBeMeantAreNamed(t *testing.T) {
	for name, values := range map[string][]string{
		"ROOFTOP_ADDR":               {"nonsense", "0.0.0.0:8080"},
		"ROOFTOP_PUBLIC_URL":         {"ftp://api.example.com", "api.example.com", "https://", "%"},
		"ROOFTOP_RATE_PER_MINUTE":    {"-3", "many"},
		"ROOFTOP_SHUTDOWN_TIMEOUT":   {"-1s", "5"},
		"ROOFTOP_LOG_LEVEL":          {"loud"},
		"ROOFTOP_SERVICES":           {"leads,nothing", ","},
		"ROOFTOP_MASTER_KEY":         {"short"},
		"ROOFTOP_MAX_DOCUMENT_BYTES": {"10"},
	} {
		for _, value := range values {
			t.Run(name+"="+value, func(t *testing.T) {
				t.Setenv(name, value)
				_, err := app.LoadConfig("")
				require.Error(t, err)
				assert.Contains(t, err.Error(), name)
			})
		}
	}
	t.Run("a public address", func(t *testing.T) {
		t.Setenv("ROOFTOP_PUBLIC_URL", "https://api.example.com/crm")
		_, err := app.LoadConfig("")
		require.NoError(t, err)
	})
}
