package apptest_test

import (
	"testing"

	"github.com/rooftop-crm/rooftop/internal/apptest"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

type object = apptest.Object

func enquiry(change ...func(object)) object { return apptest.Enquiry(change...) }

func TestScenarios(t *testing.T) {
	t.Parallel()
	for _, s := range apptest.Scenarios() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			s.Run(t, apptest.New(t).Account(t))
		})
	}
}
