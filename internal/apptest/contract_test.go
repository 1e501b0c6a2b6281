package apptest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
	"github.com/rooftop-crm/rooftop/internal/openapi"
)

func TestRoutesAreTheDocumentedOperations(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	var served, documented []string
	for _, r := range p.Server.Echo.Routes() {
		// echo answers unmatched paths of a group through routes of its own.
		if strings.HasPrefix(r.Method, "echo_") || strings.HasSuffix(r.Path, "/*") {
			continue
		}
		served = append(served, r.Method+" "+openapi.PathOf(r.Path))
	}
	operations, err := openapi.Operations()
	require.NoError(t, err)
	for _, o := range operations {
		documented = append(documented, o.Method+" "+o.Path)
	}
	assert.ElementsMatch(t, documented, served)
}
