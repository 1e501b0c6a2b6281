package apptest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rooftop-crm/rooftop/internal/apptest"
)

func TestVIN(t *testing.T) {
	t.Parallel()
	a := apptest.New(t).Account(t)

	got := a.Get("/v1/vin/vf3-vbbhxhgz%20041335").Is(http.StatusOK)
	var body map[string]any
	got.Into(&body)
	assert.Equal(t, map[string]any{
		"vin": "VF3VBBHXHGZ041335", "wmi": "VF3", "small_maker": nil, "maker": "Peugeot", "region": "Europe", "country": "FR", "country_name": "France",
		"check_digit": map[string]any{"present": "H", "computed": "2", "matches": false, "mandatory": false},
		"year_code":   "G", "model_year_candidates": []any{1986.0, 2016.0}, "model_year": nil,
		"warnings": []any{map[string]any{"code": "check_digit_differs", "detail": "Position 9 is no check digit. None is asked for in this region."}},
	}, body)

	for path, want := range map[string]map[string]any{
		"/v1/vin/VF1RFAI0567123456": {
			"pointer": "/vin", "code": "charset",
			"detail": "A VIN has no letter I, see position 7. Perhaps it is VF1RFA10567123456.",
		},
		"/v1/vin/1HGCM82633A004353": {
			"pointer": "/vin", "code": "check_digit",
			"detail": "The check digit in position 9 is 3, 5 would fit the other characters.",
		},
		"/v1/vin/tooshort": {"pointer": "/vin", "code": "length", "detail": "A VIN has 17 characters, this one has 8."},
		"/v1/vin/%20":      {"pointer": "/vin", "code": "empty", "detail": "There is no VIN."},
	} {
		refused := a.Get(path).Is(http.StatusUnprocessableEntity)
		assert.Equal(t, "vin.invalid", refused.Str("code"), path)
		assert.Equal(t, []any{want}, refused.List("errors"), path)
	}
}
