package crashtest

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
)

// TestSplitDeployment runs core, contacts and leads each in a process of its own, behind a proxy as docs/operations.md
// says, and tells them the stories that a whole program passes.
func TestSplitDeployment(t *testing.T) {
	_, ownerURL := dbtest.URLs(t)
	s := on(t, ownerURL)
	parts := map[string]*process{}
	for _, name := range []string{"core", "contacts", "leads"} {
		parts[name] = launch(t, s, "--services="+name)
	}
	for _, p := range parts {
		p.awaitReady(t)
	}
	front := proxy(t, parts)

	for _, scenario := range apptest.Scenarios() {
		t.Run(scenario.Name, func(t *testing.T) { scenario.Run(t, newAccount(t, s, front)) })
	}
	a := newAccount(t, s, front)
	for name, p := range parts {
		t.Run(name+" alone", func(t *testing.T) {
			here := p.program().With(t, a.Credential)
			for _, path := range []string{"/healthz", "/readyz", "/metrics", "/docs", "/openapi.yaml"} {
				assert.Equal(t, http.StatusOK, here.Try(http.MethodGet, path, nil).Status, path)
			}
			for path, of := range map[string]string{
				"/v1/me": "core", "/v1/dealerships": "core", "/v1/enums": "core", "/.well-known/jwks.json": "core",
				"/v1/contacts": "contacts", "/v1/leads": "leads", "/v1/inbox": "leads", "/v1/leads/changes": "leads",
			} {
				answer := here.Try(http.MethodGet, path, nil)
				if of == name {
					assert.Equal(t, http.StatusOK, answer.Status, path)
					continue
				}
				assert.Equal(t, http.StatusNotFound, answer.Status, path)
				assert.Equal(t, "application/problem+json", answer.Header.Get("Content-Type"), path)
			}
			if name != "core" {
				form := url.Values{"grant_type": {"password"}, "username": {a.AdminEmail}, "password": {apptest.Password}}
				signIn := here.Try(http.MethodPost, "/v1/oauth/token", []byte(form.Encode()), "Content-Type", "application/x-www-form-urlencoded")
				assert.Equal(t, http.StatusNotFound, signIn.Status)
			}
		})
	}
	for _, p := range parts {
		p.stop(t)
	}
}

// proxy sends each path to the service that has it.
func proxy(t *testing.T, parts map[string]*process) (front string) {
	t.Helper()
	to := map[string]http.Handler{}
	for name, p := range parts {
		target, err := url.Parse(p.URL)
		require.NoError(t, err)
		to[name] = &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.SetXForwarded()
		}}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to[serviceOf(r.URL.Path)].ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func serviceOf(path string) string {
	below := func(prefix string) bool { return path == prefix || strings.HasPrefix(path, prefix+"/") }
	switch {
	case below("/v1/leads"), below("/v1/inbox"):
		return "leads"
	case below("/v1/contacts"):
		return "contacts"
	}
	return "core"
}
