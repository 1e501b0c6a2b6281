package jobs_test

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
	"github.com/rooftop-crm/rooftop/internal/platform/jobs"
)

// TestMain also is the worker process that TestKilledWorkers kills.
func TestMain(m *testing.M) {
	if url := os.Getenv("ROOFTOP_TEST_WORKER"); url != "" {
		worker(url)
		return
	}
	dbtest.Main(m)
}

// worker does deeds until it is killed: each writes one row, in one transaction with its own end.
func worker(url string) {
	ctx := context.Background()
	d, err := db.Open(ctx, db.Config{URL: url, MaxConns: 8})
	if err != nil {
		panic(err)
	}
	r, err := jobs.New(d, jobs.Config{RescueAfter: 2 * time.Second})
	if err != nil {
		panic(err)
	}
	jobs.Handle(r.Handlers(true), spec, func(ctx context.Context, a *jobs.Attempt[deed]) error {
		return d.InTx(ctx, func(ctx context.Context) error {
			if _, err := d.ExecControl(ctx, "INSERT INTO effects (id) SELECT $1 FROM pg_sleep(0.02)", a.Args.ID); err != nil {
				return err
			}
			return a.Complete(ctx)
		})
	})
	_ = r.Run(ctx)
}

// count is a number of the environment, for make soak.
func count(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err, name)
	return n
}

// TestKilledWorkers kills a worker process time and again: no job is lost, and each has its effect once.
func TestKilledWorkers(t *testing.T) {
	t.Parallel()
	f := setup(t)
	owner := f.owner(t)
	_, err := owner.Exec(t.Context(), "CREATE TABLE effects (id uuid); GRANT ALL ON effects TO rooftop_app")
	require.NoError(t, err)
	r := f.runner(t, jobs.Config{})
	jobs.Handle(r.Handlers(false), spec, func(context.Context, *jobs.Attempt[deed]) error { return nil })
	kills := count(t, "ROOFTOP_KILLS", 2)
	n := count(t, "ROOFTOP_JOBS", 300*kills)
	for range n / 50 {
		batch := make([]jobs.Args, 50)
		for i := range batch {
			batch[i] = deed{uuid.New()}
		}
		_, err := r.InsertMany(t.Context(), f.account, batch, jobs.Options{})
		require.NoError(t, err)
	}
	start := func() *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), "ROOFTOP_TEST_WORKER="+f.serverURL)
		require.NoError(t, cmd.Start())
		return cmd
	}
	kill := func(cmd *exec.Cmd) {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	done := func() int { return ask[int](t, owner, "SELECT count(DISTINCT id)::int FROM effects") }
	stuck := 0
	soak := os.Getenv("ROOFTOP_JOBS") != ""
	killed := 0
	for k := 0; k < kills || soak && done() < n; k++ {
		before, cmd := done(), start()
		// A worker lives a second, and until it has done something: then it dies with jobs in its hands.
		until := time.Now().Add(time.Second)
		await(t, "a worker works", func() bool {
			held := ask[int](t, owner, "SELECT count(*)::int FROM river_job WHERE state = 'running' AND attempted_at > now() - interval '1 s'")
			return time.Now().After(until) && (done() > before && held > 0 || done() == n)
		})
		kill(cmd)
		killed++
		stuck += ask[int](t, owner, "SELECT count(*)::int FROM river_job WHERE state = 'running'")
		t.Logf("kill %d: %d of %d done", k+1, done(), n)
	}
	// A leader looks when it begins, and then every 30 s: let it find the last dead one's jobs at once.
	await(t, "the jobs in dead hands are old", func() bool {
		return ask[bool](t, owner, "SELECT NOT EXISTS (SELECT FROM river_job WHERE state = 'running' AND attempted_at > now() - interval '2 s')")
	})
	// The dead leader's lease runs for 15 s; nobody need wait for that here.
	_, err = owner.Exec(t.Context(), "DELETE FROM river_leader")
	require.NoError(t, err)
	began, last := time.Now(), start()
	open := func() int {
		return ask[int](t, owner, "SELECT count(*)::int FROM river_job WHERE state <> 'completed'")
	}
	for left := open(); left > 0; left = open() {
		await(t, "another job is done", func() bool { return open() < left })
	}
	kill(last)
	t.Logf("%d jobs, %d kills, %d jobs in dead hands; all done %s after the last kill", n, killed, stuck, time.Since(began).Round(time.Second))
	assert.Equal(t, n, done(), "none is lost")
	assert.Equal(t, n, ask[int](t, owner, "SELECT count(*)::int FROM effects"), "each has its effect once")
	assert.Less(t, time.Since(began), 2*time.Minute)
}
