package apptest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rooftop-crm/rooftop/internal/apptest"
)

func TestWhereAnEnquiryGoes(t *testing.T) {
	t.Parallel()
	a := apptest.New(t).Account(t)
	second := a.AddDealership("Second rooftop")
	assert.Equal(t, "request.invalid", a.Post("/v1/leads", enquiry()).Is(http.StatusUnprocessableEntity).Code(), "two rooftops, and neither named")
	byQuery := a.Post("/v1/leads?dealership_id="+second, enquiry()).Is(http.StatusCreated)
	assert.Equal(t, second, byQuery.Str("dealership_id"))
	byBody := a.Post("/v1/leads?dealership_id="+second, enquiry(func(o object) { o["dealership_id"] = a.Dealership })).Is(http.StatusCreated)
	assert.Equal(t, a.Dealership, byBody.Str("dealership_id"), "the body wins")
	a.Post("/v1/leads?dealership="+second, enquiry()).Is(http.StatusBadRequest)
}
