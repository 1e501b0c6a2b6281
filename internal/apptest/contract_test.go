package apptest_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
	"github.com/rooftop-crm/rooftop/internal/events"
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

// What endpoints may be told of is listed, described, and ruled.
func TestEveryTypeOfEventIsRuled(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	listed := map[string]bool{}
	for _, e := range events.Types() {
		assert.Contains(t, p.Feed.Rules, e.Resource, e.Name)
		listed[e.Resource] = true
	}
	for resource := range p.Feed.Rules {
		assert.Contains(t, listed, resource)
	}
}

// assertTypesListed sees that every event that was written is of a type that is listed.
func assertTypesListed(t testing.TB, conn *pgx.Conn) {
	t.Helper()
	var listed []string
	for _, e := range events.Types() {
		listed = append(listed, e.Name)
	}
	assert.Subset(t, listed, collect[string](t, conn, `SELECT DISTINCT type FROM events`))
}
