package docsapi_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/api/docsapi"
	"github.com/rooftop-crm/rooftop/api/httpx"
)

func get(t *testing.T, path string) *httptest.ResponseRecorder {
	t.Helper()
	edge, err := httpx.New(httpx.Config{CursorKeys: [][]byte{make([]byte, 32)}})
	require.NoError(t, err)
	e := echo.New()
	e.HTTPErrorHandler = edge.HandleError
	docsapi.Routes(e)
	rec := httptest.NewRecorder()
	e.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, http.NoBody))
	return rec
}

func TestThePageNeedsNoOtherServer(t *testing.T) {
	t.Parallel()
	index := get(t, "/docs")
	require.Equal(t, http.StatusOK, index.Code)
	assert.Contains(t, index.Header().Get("Content-Security-Policy"), "default-src 'none'")

	links := regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(index.Body.String(), -1)
	require.NotEmpty(t, links)
	for _, link := range links {
		got := get(t, link[1])
		assert.Equal(t, http.StatusOK, got.Code, link[1])
		assert.NotEmpty(t, got.Body.Bytes(), link[1])
	}
	assert.Regexp(t, `^text/javascript`, get(t, "/docs/page.js").Header().Get("Content-Type"))
}

func TestTheDocumentIsServedTwice(t *testing.T) {
	t.Parallel()
	yaml := get(t, "/openapi.yaml")
	assert.Equal(t, "application/yaml", yaml.Header().Get("Content-Type"))
	assert.Contains(t, yaml.Body.String(), "openapi: 3.1")
	doc := get(t, "/openapi.json")
	assert.Equal(t, "application/json", doc.Header().Get("Content-Type"))
	assert.True(t, json.Valid(doc.Body.Bytes()))
}

func TestNothingElseIsServed(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/docs/swagger-initializer.js", "/docs/..%2fdocsapi.go", "/docs/index.html", "/docs/nothing"} {
		assert.Equal(t, http.StatusNotFound, get(t, path).Code, path)
	}
}
