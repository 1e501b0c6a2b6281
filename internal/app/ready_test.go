package app_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/app"
)

func TestReadySaysWhatTheServerSays(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, body string
		status     int
		want       string
	}{
		{"ready", `{"status":"ready"}`, http.StatusOK, ""},
		{"not ready", `{"detail":"The database cannot be reached."}`, http.StatusServiceUnavailable, "503 Service Unavailable: The database cannot be reached."},
		{"another server", `<html>`, http.StatusNotFound, "404 Not Found"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				assert.Equal(t, "/readyz", r.URL.Path)
				w.WriteHeader(tt.status)
				_, _ = w.Write([]byte(tt.body))
			}))
			t.Cleanup(server.Close)
			err := app.Ready(t.Context(), app.Config{Addr: strings.TrimPrefix(server.URL, "http://")})
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			require.Error(t, err)
			assert.True(t, strings.HasSuffix(err.Error(), tt.want), err)
		})
	}
	assert.Error(t, app.Ready(t.Context(), app.Config{Addr: "127.0.0.1:1"}), "nobody listens")
}
