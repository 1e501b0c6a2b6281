package adf

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestDatesOfManyPrograms holds what programs and people write against one morning, 20 November 2026 at ten in Paris,
// unless the case says another.
func TestDatesOfManyPrograms(t *testing.T) {
	t.Parallel()
	paris, err := time.LoadLocation("Europe/Paris")
	require.NoError(t, err)
	const morning = "2026-11-20T09:00:00Z"
	for in, want := range map[string]string{
		"20/11/2026 à 10:00":                      morning,
		"20/11/2026 - 10:00":                      morning,
		"20/11/2026 10h00":                        morning,
		"20/11/2026 10H":                          morning,
		"20/11/2026 à 10 h 05":                    "2026-11-20T09:05:00Z",
		"20/11/2026 à 10h05min":                   "2026-11-20T09:05:00Z",
		"le 20/11/2026 à 10:00":                   morning,
		"vendredi 20/11/2026 10:00":               morning,
		"Fri 11/20/2026 10:00 AM":                 morning,
		"20 novembre 2026 à 10h00":                morning,
		"vendredi 20 novembre 2026 10:00":         morning,
		"ven. 20 nov. 2026 10:00":                 morning,
		"Le vendredi 20 novembre 2026, à 10h00":   morning,
		"mar. 21 avril 2026 10:00":                "2026-04-21T08:00:00Z",
		"mar 21 avr 2026":                         "2026-04-20T22:00:00Z",
		"Mardi 7 avril 2026 à 10:00":              "2026-04-07T08:00:00Z",
		"mar. 3 mars 2026":                        "2026-03-02T23:00:00Z",
		"Mar 3 2026 10:00AM":                      "2026-03-03T09:00:00Z",
		"Mar. 3, 2026":                            "2026-03-02T23:00:00Z",
		"15 aout 2026 10:00":                      "2026-08-15T08:00:00Z",
		"1er fevrier 2026 10:00":                  "2026-02-01T09:00:00Z",
		"5 DÉCEMBRE 2025 10:00":                   "2025-12-05T09:00:00Z",
		"20. März 2026 10:00 Uhr":                 "2026-03-20T09:00:00Z",
		"Freitag, 20. November 2026, 10:00 Uhr":   morning,
		"20 de marzo de 2026 10:00":               "2026-03-20T09:00:00Z",
		"Fri, 20 Nov 2026 10:00:00 +0100":         morning,
		"Friday, 20-Nov-26 09:00:00 GMT":          morning,
		"Fri Nov 20 2026 10:00:00 GMT+0100 (CET)": morning,
		"Fri Nov 20 10:00:00 CET 2026":            morning,
		"Fri Nov 20 10:00:00 2026":                morning,
		"Fri Nov  6 10:00:00 UTC 2026":            "2026-11-06T10:00:00Z",
		"Fri Nov 20 10:00:00 2026 +0100":          morning,
		"November 20, 2026 at 10:00 AM":           morning,
		"November 20th, 2026, 10:00am":            morning,
		"2026-Nov-20 10:00":                       morning,
		"20-Nov-2026 10:00:00":                    morning,
		"1795165200.5":                            "2026-11-20T09:00:00.5Z",
		"/Date(1795165200000+0100)/":              morning,
		"202611201000":                            morning,
		"20261120T100000":                         morning,
		"2026-11-20T10:00:00 01:00":               morning,
		"2026-11-20 10:00:00 Europe/Paris":        morning,
		"2026-11-20 10:00:00 ../../../etc/passwd": morning,
		"20.11.2026, 10:00:00":                    morning,
		"Nov 32 2026":                             "",
		"Fri Nov 20 25:00:00 2026":                "",
		"mardi":                                   "",
		"le de la 12":                             "",
		"hier à 10h":                              "",
		"10:00":                                   "",
		"2026":                                    "",
	} {
		d, note := parseDate(in, Options{DefaultZone: paris})
		got := ""
		if !d.Time.IsZero() {
			got = d.Time.UTC().Format(time.RFC3339Nano)
		}
		assert.Equal(t, want, got, in)
		if want == "" {
			assert.Equal(t, WarnDateUnreadable, note.code, in)
		}
	}
	_, note := parseDate("2026-11-20T10:00:00 01:00", Options{DefaultZone: paris})
	assert.Equal(t, WarnDateGuessed, note.code, "a plus put back is a guess")
}
