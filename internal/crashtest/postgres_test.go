package crashtest

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
)

// cluster is a folder in which servers keep a private Postgres.
type cluster struct{ dir string }

// newCluster returns an empty one, and the settings of a server in it. What still runs in it at the end of the test is ended.
func newCluster(t *testing.T) (*cluster, settings) {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "rooftop-crashtest-") //nolint:usetesting // a socket's path has 107 bytes
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755)) // root's Postgres runs as another user
	c := &cluster{dir: filepath.Join(dir, "data")}
	t.Cleanup(func() {
		if pid := c.postmaster(); pid != 0 {
			_ = syscall.Kill(pid, syscall.SIGQUIT)
			apptest.Await(t, "the private Postgres quits", func() bool { return syscall.Kill(pid, 0) != nil })
		}
		if home := c.home(); !strings.HasPrefix(home, dir) {
			assert.NoError(t, os.RemoveAll(home))
		}
		assert.NoError(t, os.RemoveAll(dir))
	})
	return c, common().with(settings{"ROOFTOP_DATA_DIR": c.dir})
}

// home is where its files are: elsewhere when root's Postgres could not reach the folder.
func (c *cluster) home() string {
	if elsewhere, err := os.ReadFile(filepath.Join(c.dir, "postgres", "location")); err == nil {
		return strings.TrimSpace(string(elsewhere))
	}
	return filepath.Join(c.dir, "postgres")
}

func (c *cluster) pgdata() string { return filepath.Join(c.home(), "pgdata") }

// status are the lines of postmaster.pid; none when there is no server.
func (c *cluster) status() []string {
	text, err := os.ReadFile(filepath.Join(c.pgdata(), "postmaster.pid"))
	if err != nil {
		return nil
	}
	return strings.Split(string(text), "\n")
}

// postmaster is the process of the server; 0 when there is none.
func (c *cluster) postmaster() int {
	status := c.status()
	if len(status) < 2 {
		return 0
	}
	pid, err := strconv.Atoi(status[0])
	if err != nil || syscall.Kill(pid, 0) != nil {
		return 0
	}
	return pid
}

// url is the superuser's.
func (c *cluster) url(t *testing.T) string {
	t.Helper()
	password, err := os.ReadFile(filepath.Join(c.dir, "postgres", "password"))
	require.NoError(t, err)
	status := c.status()
	require.Greater(t, len(status), 5, "no server runs")
	u := url.URL{Scheme: "postgres", User: url.UserPassword("rooftop", strings.TrimSpace(string(password))), Path: "/rooftop"}
	u.RawQuery = url.Values{"host": {status[4]}, "port": {status[3]}, "sslmode": {"disable"}}.Encode()
	return u.String()
}

// kill is kill -9 of the server.
func (c *cluster) kill(t *testing.T) (pid int) {
	t.Helper()
	pid = c.postmaster()
	require.NotZero(t, pid)
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	return pid
}

// keepDown makes the server impossible to restart, until back.
func (c *cluster) keepDown(t *testing.T) (back func()) {
	t.Helper()
	there, away := c.pgdata(), c.pgdata()+".away"
	require.NoError(t, os.Rename(there, away))
	return func() { require.NoError(t, os.Rename(away, there)) }
}

func TestKillPostgresDuringIntake(t *testing.T) {
	t.Parallel()
	c, s := newCluster(t)
	p := start(t, s)
	a := newAccount(t, s, p.URL)
	w := newWave(t, mixedRequest, p.URL, a.Credential)
	for i := range kills(t) {
		w.awaitAcks(2 * clients)
		killed := 0
		if i%2 == 0 {
			killed = c.killAndLookAround(t, a, p)
		} else {
			killed = c.kill(t)
		}
		apptest.Await(t, "Postgres is back", func() bool {
			pid := c.postmaster()
			return pid != 0 && pid != killed && statusOf(p.URL+"/readyz") == http.StatusOK
		})
	}
	w.awaitAcks(2 * clients)
	w.stop()
	conn, err := pgx.Connect(t.Context(), c.url(t))
	require.NoError(t, err)
	w.holds(t, conn)
	require.NoError(t, conn.Close(t.Context()))

	p.stop(t)
	assert.Zero(t, c.postmaster(), "the last server stops its Postgres")
}

// killAndLookAround sees what callers are told while Postgres is down.
func (c *cluster) killAndLookAround(t *testing.T, a *apptest.Account, p *process) (killed int) {
	t.Helper()
	postmaster := c.postmaster()
	back := c.keepDown(t)
	require.NoError(t, syscall.Kill(postmaster, syscall.SIGKILL))
	apptest.Await(t, "the server is not ready", func() bool { return statusOf(p.URL+"/readyz") == http.StatusServiceUnavailable })
	assert.Equal(t, http.StatusOK, statusOf(p.URL+"/healthz"), "the process is up all the same")
	for _, r := range []struct{ method, path string }{
		{http.MethodGet, "/readyz"}, {http.MethodGet, "/v1/leads"}, {http.MethodGet, "/v1/contacts"}, {http.MethodPost, "/v1/leads"}, {http.MethodPost, "/v1/leads/adf"},
	} {
		media := "application/json"
		if strings.HasSuffix(r.path, "/adf") {
			media = "application/xml"
		}
		answer := a.Try(r.method, r.path, jsonRequest(0).body, "Content-Type", media)
		assert.Equal(t, http.StatusServiceUnavailable, answer.Status, "%s %s: %s", r.method, r.path, answer.Body)
		assert.Equal(t, "application/problem+json", answer.Header.Get("Content-Type"))
		assert.NotEmpty(t, answer.Header.Get("Retry-After"), "%s %s", r.method, r.path)
	}
	back()
	return postmaster
}
