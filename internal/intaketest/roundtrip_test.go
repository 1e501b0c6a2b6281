package intaketest

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
)

const mediaADF = "application/x-adf+xml"

// checkRoundTrip writes every lead of a receipt as ADF, sends that to an empty account, and wants the same leads there.
func checkRoundTrip(t *testing.T, p *apptest.Program, a *apptest.Account, receipt *apptest.Answer) {
	t.Helper()
	b := p.Account(t)
	for _, entry := range receipt.List("leads") {
		id := word(obj(entry)["id"])
		doc := writeADF(t, a.Caller, id)
		back := sendADF(b.Caller, doc, "Content-Type", mediaADF).Is(http.StatusCreated)
		require.Len(t, back.List("leads"), 1)
		sameLead(t, leadOf(a.Caller, id), leadOf(b.Caller, back.Str("leads.0.id")))
	}
}

// writeADF reads a lead as ADF; it must be well-formed.
func writeADF(t *testing.T, c *apptest.Caller, id string) []byte {
	t.Helper()
	got := c.Get("/v1/leads/"+id, "Accept", mediaADF).Is(http.StatusOK)
	assert.Equal(t, mediaADF, got.Header.Get("Content-Type"))
	wellFormed(t, got.Body)
	satisfiesXmllint(t, got.Body)
	return got.Body
}

// wellFormed asks a strict parser.
func wellFormed(t testing.TB, doc []byte) {
	t.Helper()
	for d := xml.NewDecoder(bytes.NewReader(doc)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			require.NoError(t, err, "%s", doc)
		}
	}
}

// satisfiesXmllint asks xmllint, where there is one.
func satisfiesXmllint(t testing.TB, doc []byte) {
	t.Helper()
	tool, err := exec.LookPath("xmllint")
	if err != nil {
		return
	}
	cmd := exec.CommandContext(t.Context(), tool, "--noout", "--nonet", "-")
	cmd.Stdin = bytes.NewReader(doc)
	said, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s\n%s", said, doc)
}

// sameLead compares all that ADF can say of a lead: what it leaves out is who has it, its life and our own ids.
func sameLead(t *testing.T, want, got object) {
	t.Helper()
	for _, field := range []string{
		"type", "source", "comments", "answers", "vehicles_of_interest", "trade_ins", "finance", "timeframe", "attribution", "consents",
	} {
		assert.Equal(t, want[field], got[field], field)
	}
	for field, otherwise := range map[string]any{
		// ADF demands these three, so a lead without them is written with what stands for them.
		"vendor": object{"name": "Garage de l'Exemple"}, "provider": object{"name": want["source"]}, "requested_at": want["received_at"],
	} {
		if want[field] != nil {
			otherwise = want[field]
		}
		assert.Equal(t, otherwise, got[field], field)
	}
	assert.ElementsMatch(t, want["external_refs"], withoutOurs(got["external_refs"]), "external_refs")
	a, b := obj(want["contact"]), obj(got["contact"])
	for _, field := range []string{"kind", "first_name", "last_name", "full_name", "company_name", "emails", "phones", "addresses"} {
		assert.Equal(t, a[field], b[field], "contact."+field)
	}
}

// withoutOurs leaves out the reference by which a written document names its lead.
func withoutOurs(refs any) []any {
	out := []any{}
	for _, r := range items(refs) {
		if obj(r)["source"] != "rooftop" {
			out = append(out, r)
		}
	}
	return out
}
