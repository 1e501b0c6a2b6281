package app

import (
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/platform/fetch"
	"github.com/rooftop-crm/rooftop/internal/platform/fetch/fetchtest"
)

func finding(t *testing.T, all []Finding, what string) Finding {
	t.Helper()
	for _, f := range all {
		if f.What == what {
			return f
		}
	}
	require.Failf(t, "not looked at", "%s in %v", what, all)
	return Finding{}
}

// TestDoctorLooksAtEverything has names resolved by a server that knows none, so that it asks nobody outside.
func TestDoctorLooksAtEverything(t *testing.T) {
	t.Parallel()
	d := newDemo(t)
	d.cfg.Resolver = fetchtest.NewNames(t).Resolver()
	all := Doctor(t.Context(), d.cfg)
	for _, what := range []string{"data folder", "master key", "storage", "mail", "migrations", "server role", "clock"} {
		f := finding(t, all, what)
		assert.Equal(t, Good, f.Grade, "%s: %s", what, f.Note)
	}
	out := finding(t, all, "outbound")
	assert.Equal(t, Lacking, out.Grade, "a server without the internet serves all the same")
	assert.Contains(t, out.Note, "cannot be resolved")
	assert.Contains(t, out.Note, "Webhooks do not get out")
	assert.Len(t, all, 8)
}

func TestDoctorTriesTheStorage(t *testing.T) {
	t.Parallel()
	cfg := Config{DataDir: t.TempDir()}
	f := checkStorage(t.Context(), cfg)
	assert.Equal(t, Good, f.Grade, f.Note)
	assert.Contains(t, f.Note, cfg.DataDir)
	assert.Empty(t, entries(t, filepath.Join(cfg.DataDir, "blobs"), "doctor/*"), "the probe is gone")

	file := filepath.Join(t.TempDir(), "taken")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	f = checkStorage(t.Context(), Config{DataDir: file})
	assert.Equal(t, Wrong, f.Grade)
	assert.Contains(t, f.Note, "ROOFTOP_DATA_DIR")

	f = checkStorage(t.Context(), Config{BlobURL: "s3://bucket?region=eu-west-3", DataDir: t.TempDir()}) // this test is built without clouds
	assert.Equal(t, Wrong, f.Grade)
	assert.Contains(t, f.Note, "ROOFTOP_BLOB_URL")
}

func entries(t *testing.T, dir, glob string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, glob))
	require.NoError(t, err)
	return found
}

func TestDoctorTriesTheWayOut(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusFound) }))
	t.Cleanup(server.Close)
	at := strings.TrimPrefix(server.URL, "https://")
	trusted := x509.NewCertPool()
	trusted.AddCert(server.Certificate())
	names := fetchtest.NewNames(t)
	names.Answer("inside.test", []netip.Addr{netip.MustParseAddr("10.0.0.1")})
	silent := httptest.NewServer(http.NotFoundHandler()) // and gone
	silent.Close()
	gone := strings.TrimPrefix(silent.URL, "http://")
	for _, tt := range []struct {
		name  string
		cfg   fetch.Config
		url   string
		proxy string
		grade Grade
		note  string
	}{
		{"it is reached", fetch.Config{Allow: at, RootCAs: trusted}, server.URL, "", Good, "is reached"},
		{"a proxy is named", fetch.Config{Allow: at, RootCAs: trusted}, server.URL, "HTTPS_PROXY", Good, "The proxy in HTTPS_PROXY is not used"},
		{"its certificate is not trusted", fetch.Config{Allow: at}, server.URL, "", Lacking, "certificate"},
		{"its name is not known", fetch.Config{Resolver: names.Resolver()}, "https://nowhere.test/", "", Lacking, "DNS"},
		{"its name leads inside", fetch.Config{Resolver: names.Resolver()}, "https://inside.test/", "", Lacking, "private address"},
		{"nobody answers", fetch.Config{Allow: gone}, "https://" + gone, "http_proxy", Lacking, "The proxy in http_proxy is not used"},
		{"the port is left out", fetch.Config{Ports: "8443"}, "https://nowhere.test/", "", Lacking, "ROOFTOP_OUTBOUND_PORTS"},
	} {
		guard, err := fetch.New(tt.cfg)
		require.NoError(t, err)
		f := checkWayOut(t.Context(), guard, tt.url, tt.proxy)
		assert.Equal(t, tt.grade, f.Grade, "%s: %s", tt.name, f.Note)
		assert.Contains(t, f.Note, tt.note, tt.name)
	}
}
