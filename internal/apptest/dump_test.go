package apptest_test

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/app"
	"github.com/rooftop-crm/rooftop/internal/apptest"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
	"github.com/rooftop-crm/rooftop/internal/platform/pgcluster"
)

// client runs a program that comes with Postgres. The test is skipped where there is none.
func client(t *testing.T, name string, args ...string) (said string, err error) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		for _, glob := range pgcluster.DefaultBinDirs() {
			if found, _ := filepath.Glob(filepath.Join(glob, name)); len(found) > 0 {
				path, err = found[len(found)-1], nil
			}
		}
	}
	if err != nil {
		t.Skipf("not shown here: there is no %s on this machine, which dumps are made and restored with", name)
	}
	out, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput()
	return string(out), err
}

func mustClient(t *testing.T, name string, args ...string) {
	t.Helper()
	said, err := client(t, name, args...)
	require.NoError(t, err, "%s: %s", name, said)
}

// newCluster is an empty Postgres of its own, and its superuser's URL of an empty database.
func newCluster(t *testing.T) (url string) {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "rooftop-apptest-") //nolint:usetesting // root's Postgres runs as another user, who must reach it
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o755))
	c, err := pgcluster.Open(t.Context(), pgcluster.Config{
		DataDir: filepath.Join(dir, "data"), Path: os.Getenv("PATH"), Repository: os.Getenv(pgcluster.RepositorySetting),
		Settings: map[string]string{"fsync": "off", "shared_buffers": "32MB"},
	})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, c.Close(context.Background())) })
	require.NoError(t, c.EnsureDatabase(t.Context(), "restored"))
	return c.URL("restored")
}

func run(t *testing.T, url string, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	for _, sql := range statements {
		_, err = conn.Exec(t.Context(), sql)
		require.NoError(t, err, sql)
	}
	require.NoError(t, conn.Close(t.Context()))
}

// standing is where readers were when a dump was made, and a little later.
type standing struct{ changes, events, laterChanges, laterEvents string }

// TestADumpRestoredEndsEveryCursor restores a dump in each way there is. Readers have seen what is not in it, and new events
// take the places of those: whoever went on with an old cursor would never see them.
//
//nolint:tparallel // one after the other: two of them change the database that was dumped
func TestADumpRestoredEndsEveryCursor(t *testing.T) {
	t.Parallel()
	_, ownerURL := dbtest.URLs(t)
	dump := filepath.Join(t.TempDir(), "dump")
	var credential string
	var at standing
	t.Run("before", func(t *testing.T) {
		p := apptest.Start(t, apptest.Config(t, ownerURL), ownerURL)
		a := p.Account(t)
		credential = a.Credential
		end := func() (changes, events string) {
			sequence(t, p)
			for at := ""; ; {
				got := a.Get("/v1/contacts/changes?limit=200" + at).Is(http.StatusOK)
				changes = got.Str("next_cursor")
				if got.At("has_more") == false {
					break
				}
				at = "&cursor=" + changes
			}
			_, events = read(t, a.Caller, "", "")
			return changes, events
		}
		a.Post("/v1/contacts", object{"full_name": "Dumped"}).Is(http.StatusCreated)
		at.changes, at.events = end()
		mustClient(t, "pg_dump", "--format=custom", "--file="+dump, ownerURL)
		for _, name := range []string{"Lost One", "Lost Two"} {
			a.Post("/v1/contacts", object{"full_name": name}).Is(http.StatusCreated)
		}
		at.laterChanges, at.laterEvents = end()
		a.Get("/v1/contacts/changes?cursor=" + at.changes).Is(http.StatusOK) // as long as it is the same history
	})
	if credential == "" || at.laterEvents == "" {
		t.SkipNow() // said above
	}
	for name, restore := range map[string]func(t *testing.T) (url string){
		"into another database": func(t *testing.T) string {
			url := dbtest.Empty(t)
			mustClient(t, "pg_restore", "--exit-on-error", "--dbname="+url, dump)
			return url
		},
		"into another cluster": func(t *testing.T) string {
			url := newCluster(t)
			run(t, url, "CREATE ROLE rooftop_app NOLOGIN", "CREATE ROLE rooftop_search NOLOGIN", "CREATE ROLE rooftop_sequencer NOLOGIN")
			mustClient(t, "pg_restore", "--exit-on-error", "--dbname="+url, dump)
			return url
		},
	} {
		t.Run(name, func(t *testing.T) { at.expired(t, restore(t), credential) })
	}
	t.Run("over its own database", func(t *testing.T) {
		mustClient(t, "pg_restore", "--exit-on-error", "--clean", "--if-exists", "--dbname="+ownerURL, dump)
		at.expired(t, ownerURL, credential)
	})
	t.Run("rows alone", func(t *testing.T) {
		run(t, ownerURL, `DO $$ BEGIN EXECUTE (SELECT 'TRUNCATE ' || string_agg(format('%I.%I', schemaname, tablename), ', ') || ' CASCADE'
			FROM pg_tables WHERE schemaname = 'public'); END $$`)
		mustClient(t, "pg_restore", "--exit-on-error", "--data-only", "--disable-triggers", "--dbname="+ownerURL, dump)
		at.expired(t, ownerURL, credential)
	})
	t.Run("where the roles are not", func(t *testing.T) {
		url := newCluster(t)
		said, err := client(t, "pg_restore", "--dbname="+url, dump)
		require.Error(t, err, "it says so itself: %s", said)
		_, err = app.New(t.Context(), apptest.Config(t, url))
		require.ErrorContains(t, err, "restored without its roles")
	})
}

// expired starts the program on what was restored and sees that no reader goes on as if nothing had happened.
func (s standing) expired(t *testing.T, url, credential string) {
	t.Helper()
	p := apptest.Start(t, apptest.Config(t, url), url)
	a := p.With(t, credential)
	see := func(when string) {
		for _, path := range []string{
			"/v1/contacts/changes?cursor=" + s.changes, "/v1/contacts/changes?cursor=" + s.laterChanges, "/v1/events?cursor=" + s.events, "/v1/events?cursor=" + s.laterEvents,
		} {
			assert.Equal(t, "cursor.expired", a.Get(path).Is(http.StatusGone).Code(), "%s: %s", when, path)
		}
		for _, last := range []string{s.events, s.laterEvents} {
			told := streamed(t, a, "", last)
			require.NotEmpty(t, told, when)
			assert.Equal(t, "gap", told[0].event, when)
			assert.Contains(t, told[0].data, "cursor.expired")
		}
	}
	see("at once")
	before, now := read(t, a, "", "")
	names := map[string]bool{}
	for _, name := range []string{"New One", "New Two", "New Three"} {
		names[a.Post("/v1/contacts", object{"full_name": name}).Is(http.StatusCreated).Str("id")] = true
	}
	sequence(t, p)
	see("when other events have taken their places")
	news, _ := read(t, a, "type=contact.created", now)
	assert.Len(t, news, len(names), "readers who began again go on")
	all, _ := read(t, a, "", "")
	assert.Greater(t, len(all), len(before))
}
