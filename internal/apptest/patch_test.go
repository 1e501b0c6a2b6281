package apptest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rooftop-crm/rooftop/internal/apptest"
)

// TestPatchMergesObjects holds PATCH against RFC 7396 inside of a lead's objects: absent stays, null removes.
func TestPatchMergesObjects(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	a := apptest.New(t).Account(t)
	eur := object{"amount_minor": 500.0, "currency": "EUR"}
	lead := a.Post("/v1/leads", object{
		"contact": object{"last_name": "Falk"}, "provider": object{"name": "Portal", "service": "Used cars", "url": "https://portal.example"},
		"finance":     object{"method": "cash", "monthly": eur, "total": eur},
		"timeframe":   object{"description": "soon", "earliest": "2026-12-01T00:00:00Z"},
		"attribution": object{"utm_source": "mail", "utm_medium": "letter"},
	}).Is(http.StatusCreated)
	path := "/v1/leads/" + lead.Str("id")
	patch := func(body string) *apptest.Answer {
		return a.Send(http.MethodPatch, path, []byte(body), "Content-Type", "application/merge-patch+json")
	}
	got := patch(`{"provider":{"service":"Finance"},"finance":{"method":null,"monthly":null,"balance":{"amount_minor":7,"currency":"EUR"}},
		"timeframe":{"latest":"2027-01-01T01:00:00+01:00","description":null},"attribution":{"utm_medium":null,"gclid":"g"}}`).Is(http.StatusOK)
	assert.Equal(t, object{"name": "Portal", "service": "Finance", "url": "https://portal.example"}, got.At("provider"))
	assert.Equal(t, object{"total": eur, "balance": object{"amount_minor": 7.0, "currency": "EUR"}}, got.At("finance"))
	assert.Equal(t, object{"earliest": "2026-12-01T00:00:00Z", "latest": "2027-01-01T00:00:00Z"}, got.At("timeframe"))
	assert.Equal(t, object{"utm_source": "mail", "gclid": "g"}, got.At("attribution"))
	assert.Equal(t, got.Body, a.Get(path).Body)
	again := patch(`{"provider":{"service":"Finance"},"timeframe":{}}`).Is(http.StatusOK)
	assert.Equal(t, got.At("version"), again.At("version"), "it says what is there")

	got = patch(`{"finance":null,"timeframe":null,"attribution":null,"provider":null}`).Is(http.StatusOK)
	for _, field := range []string{"finance", "timeframe", "attribution", "provider"} {
		assert.Nil(t, got.At(field), field)
	}
	got = patch(`{"finance":{"method":"lease"}}`).Is(http.StatusOK)
	assert.Equal(t, object{"method": "lease"}, got.At("finance"))

	bad := patch(`{"provider":{"name":null},"finance":{"method":"gold","monthly":5},"timeframe":{"earliest":"soon","colour":1}}`).Is(http.StatusUnprocessableEntity)
	var pointers []any
	for _, e := range bad.List("errors") {
		field, _ := e.(object)
		pointers = append(pointers, field["pointer"])
	}
	assert.Subset(t, pointers, []any{"/finance/method", "/finance/monthly", "/timeframe/earliest", "/timeframe/colour"})
	bad = patch(`{"provider":{"name":null}}`).Is(http.StatusUnprocessableEntity)
	assert.Equal(t, "/provider/name", bad.Str("errors.0.pointer"))
}
