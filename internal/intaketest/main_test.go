package intaketest

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

type object = map[string]any

// corpus is where the parser keeps its documents.
const corpus = "../../pkg/adf/testdata"

// sample is a document of the corpus with what a person reads in it.
type sample struct {
	Name      string
	Data      []byte
	Expect    string   `json:"expect"`
	AlsoOK    string   `json:"also_ok"`
	Tier      int      `json:"tier"`
	Prospects []object `json:"prospects"`
	Remain    *int     `json:"leads_after_dedupe"`
	Safety    struct {
		MustNotContain []string `json:"must_not_contain"`
		MaxSeconds     float64  `json:"max_seconds"`
	} `json:"safety"`
}

// samples reads a folder of the corpus.
func samples(t testing.TB, folder string) []sample {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(corpus, folder, "*.xml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	out := make([]sample, len(files))
	for i, file := range files {
		s := &out[i]
		s.Name = strings.TrimSuffix(filepath.Base(file), ".xml")
		s.Data, err = os.ReadFile(file)
		require.NoError(t, err)
		raw, err := os.ReadFile(strings.TrimSuffix(file, ".xml") + ".json")
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(raw, s))
	}
	return out
}

// sendADF posts a document.
func sendADF(c *apptest.Caller, doc []byte, headers ...string) *apptest.Answer {
	return c.Send(http.MethodPost, "/v1/leads/adf", doc, append([]string{"Content-Type", "application/xml"}, headers...)...)
}

// leadOf reads a lead with its contact.
func leadOf(c *apptest.Caller, id any) object {
	var lead object
	c.Get("/v1/leads/" + word(id) + "?include=contact").Is(http.StatusOK).Into(&lead)
	return lead
}

// leadsOf counts the account's leads.
func leadsOf(c *apptest.Caller) int {
	n, _ := c.Get("/v1/leads?count=exact&limit=1").Is(http.StatusOK).At("total").(float64)
	return int(n)
}

func word(v any) string { s, _ := v.(string); return s }

func items(v any) []any { l, _ := v.([]any); return l }

func obj(v any) object { o, _ := v.(object); return o }
