package api_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHeadIsGetWithoutTheBody(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(newHouse(t).server.HTTPServer().Handler)
	t.Cleanup(server.Close)
	do := func(method, path string) answer {
		r, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, http.NoBody)
		require.NoError(t, err)
		r.Header.Set("Authorization", bearer)
		res, err := server.Client().Do(r)
		require.NoError(t, err)
		defer func() { _ = res.Body.Close() }()
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return answer{res, string(body)}
	}
	for path, status := range map[string]int{"/healthz": 200, "/v1/leads/1": 200, "/none": 404, "/v1/leads": 405} {
		head, get := do("HEAD", path), do("GET", path)
		assert.Equal(t, status, head.StatusCode, path)
		assert.Equal(t, get.StatusCode, head.StatusCode, path)
		assert.Empty(t, head.body, path)
		assert.Equal(t, int64(len(get.body)), head.ContentLength, path)
		assert.Equal(t, get.Header.Get("Content-Type"), head.Header.Get("Content-Type"), path)
	}
	assert.Equal(t, "OPTIONS, GET, HEAD", do("DELETE", "/v1/leads/1").Header.Get("Allow"))
	assert.Equal(t, "OPTIONS, GET, HEAD", do("OPTIONS", "/v1/leads/1").Header.Get("Allow"))
	assert.Equal(t, "OPTIONS, POST", do("OPTIONS", "/v1/leads").Header.Get("Allow"))
}
