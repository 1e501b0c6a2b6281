package pgcluster

import (
	"context"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func fmtInt(n int) string { return strconv.Itoa(n) }

func processAlive(pid int) bool {
	_, ok := findProcess(pid)
	return ok
}

// states collects what OnState says.
type states struct {
	mu  sync.Mutex
	all []State
	at  map[State]time.Time
}

func (s *states) add(state State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, state)
	if s.at == nil {
		s.at = map[State]time.Time{}
	}
	s.at[state] = time.Now()
}

func (s *states) seen(state State) (time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.at[state]
	return at, ok
}

func killServer(t *testing.T, c *Cluster) postmaster {
	t.Helper()
	pm, ok := c.place.postmaster()
	require.True(t, ok, "no server to kill")
	require.NoError(t, syscall.Kill(pm.pid, syscall.SIGKILL))
	return pm
}

func TestKilledServerIsRestarted(t *testing.T) {
	for name, adopted := range map[string]bool{"started here": false, "adopted": true} {
		t.Run(name, func(t *testing.T) {
			cfg := newConfig(t)
			if adopted {
				other := startProgram(t, cfg)
				other.report(t)
				other.kill()
			}
			var seen states
			cfg.OnState = seen.add
			c := open(t, cfg)
			exec1(t, c.URL("postgres"), "CREATE TABLE kept AS SELECT 'still here' AS v")
			supervise(t, c)

			killed := time.Now()
			old := killServer(t, c)
			eventually(t, func() bool { _, ok := seen.seen(Down); return ok }, "nobody noticed")
			down, _ := seen.seen(Down)
			assert.Less(t, down.Sub(killed), 500*time.Millisecond)
			eventually(t, func() bool { return c.State() == Up }, "not restarted")
			assert.Equal(t, "still here", query(t, c.URL("postgres"), "SELECT v FROM kept"))
			assert.NotEqual(t, old.pid, c.Describe(patient(t)).PID)
			t.Logf("down seen after %v, up again after %v", down.Sub(killed), time.Since(killed))
		})
	}
}

func TestServerKilledAgainAndAgain(t *testing.T) {
	c := open(t, newConfig(t))
	supervise(t, c)
	exec1(t, c.URL("postgres"), "CREATE TABLE kept (n int PRIMARY KEY)")
	for n := range 4 {
		exec1(t, c.URL("postgres"), "INSERT INTO kept VALUES ("+fmtInt(n)+")")
		old := killServer(t, c)
		eventually(t, func() bool {
			pm, ok := c.place.postmaster()
			return ok && pm.pid != old.pid && c.State() == Up
		}, "not restarted")
	}
	assert.Equal(t, "4", query(t, c.URL("postgres"), "SELECT count(*)::text FROM kept"))
}

// A backend that computes notices the end of its server late and holds the shared memory until then.
func TestRestartWaitsForOldBackends(t *testing.T) {
	c := open(t, newConfig(t))
	supervise(t, c)
	conn, err := pgx.Connect(patient(t), c.URL("postgres"))
	require.NoError(t, err)
	defer conn.Close(context.Background()) //nolint:errcheck // its server is gone
	var backend int
	require.NoError(t, conn.QueryRow(patient(t), "SELECT pg_backend_pid()").Scan(&backend))
	busy := make(chan struct{})
	go func() {
		defer close(busy)
		_, _ = conn.Exec(context.Background(), "DO $$ BEGIN FOR i IN 1..2000000000 LOOP END LOOP; END $$")
	}()
	eventually(t, func() bool {
		return query(t, c.URL("postgres"), "SELECT state FROM pg_stat_activity WHERE pid = "+fmtInt(backend)) == "active"
	}, "the backend is not busy")

	old := killServer(t, c)
	eventually(t, func() bool {
		log, err := os.ReadFile(c.place.logFile())
		return err == nil && strings.Contains(string(log), "is still in use")
	}, "no restart was tried, or two servers share one data folder")
	require.True(t, processAlive(backend))
	require.NoError(t, syscall.Kill(backend, syscall.SIGTERM))
	eventually(t, func() bool {
		pm, ok := c.place.postmaster()
		return ok && pm.pid != old.pid && c.State() == Up
	}, "not restarted")
	assert.Equal(t, "1", query(t, c.URL("postgres"), "SELECT '1'"))
	<-busy
}

func TestSupervisionIsTakenOver(t *testing.T) {
	cfg := newConfig(t)
	first := startProgram(t, cfg) // holds the supervisor lock
	first.report(t)
	c := open(t, cfg)
	supervise(t, c)

	old := killServer(t, c)
	eventually(t, func() bool {
		pm, ok := c.place.postmaster()
		return ok && pm.pid != old.pid && c.State() == Up
	}, "the other program did not restart it, or we did not see it")

	first.kill()
	old = killServer(t, c)
	eventually(t, func() bool {
		pm, ok := c.place.postmaster()
		return ok && pm.pid != old.pid && c.State() == Up
	}, "nobody took over")
	assert.Equal(t, "1", query(t, c.URL("postgres"), "SELECT '1'"))
}

func TestCloseEndsSupervision(t *testing.T) {
	c := open(t, newConfig(t))
	done := make(chan error, 1)
	go func() { done <- c.Supervise(context.Background()) }()
	require.NoError(t, c.Close(patient(t)))
	require.NoError(t, <-done)
	require.NoError(t, c.Supervise(context.Background()), "after Close there is nothing to watch")
	_, running := c.place.postmaster()
	assert.False(t, running)
}

func TestLostSocketIsMadeAgain(t *testing.T) {
	c := open(t, newConfig(t))
	require.NoError(t, os.Remove(c.address.socket()))
	again := open(t, c.cfg)
	assert.Equal(t, "1", query(t, again.URL("postgres"), "SELECT '1'"), "on opening")

	supervise(t, again)
	require.NoError(t, os.Remove(again.address.socket()))
	eventually(t, func() bool { return tryQuery(again.URL("postgres"), "SELECT '1'", new(string)) == nil }, "under supervision")
}
