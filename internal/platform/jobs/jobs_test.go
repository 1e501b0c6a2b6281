package jobs_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/jobs"
)

type deed struct {
	ID uuid.UUID `json:"id"`
}

func (deed) Kind() string { return "test.deed" }

type other struct{}

func (other) Kind() string { return "test.other" }

var spec = jobs.Spec{Queue: jobs.Queue{Name: "test", Workers: 4}, Retry: []time.Duration{10 * time.Millisecond, 10 * time.Millisecond}}

type fixture struct {
	db        *db.DB
	serverURL string
	ownerURL  string
	account   kernel.AccountID
}

func setup(t *testing.T) *fixture {
	t.Helper()
	serverURL, ownerURL := dbtest.URLs(t)
	return &fixture{db: dbtest.Open(t, serverURL), serverURL: serverURL, ownerURL: ownerURL, account: kernel.NewID[kernel.AccountID]()}
}

func (f *fixture) runner(t *testing.T, cfg jobs.Config) *jobs.Runner {
	t.Helper()
	r, err := jobs.New(f.db, cfg)
	require.NoError(t, err)
	return r
}

// run works jobs until the test ends, or until stop is called.
func run(t *testing.T, r *jobs.Runner) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		assert.NoError(t, <-ended)
	})
	t.Cleanup(stop)
	return stop
}

func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(2 * time.Minute); !is(); {
		select {
		case <-tick.C:
		case <-end:
			require.FailNow(t, "waited in vain", "%s", what)
		}
	}
}

func (f *fixture) owner(t *testing.T) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), f.ownerURL)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func ask[T any](t *testing.T, conn *pgx.Conn, sql string) (v T) {
	t.Helper()
	require.NoError(t, conn.QueryRow(t.Context(), sql).Scan(&v))
	return v
}

func TestAJobIsPartOfItsTransactionAndDoneForItsAccount(t *testing.T) {
	t.Parallel()
	f := setup(t)
	r := f.runner(t, jobs.Config{})
	done := make(chan jobs.Attempt[deed], 8)
	jobs.Handle(r.Handlers(true), spec, func(_ context.Context, a *jobs.Attempt[deed]) error {
		done <- *a
		return nil
	})
	kept, dropped := deed{uuid.New()}, deed{uuid.New()}
	err := f.db.InTx(t.Context(), func(ctx context.Context) error {
		_, err := r.Insert(ctx, f.account, dropped, jobs.Options{})
		return errors.Join(err, assert.AnError)
	})
	require.ErrorIs(t, err, assert.AnError)
	require.NoError(t, f.db.InTx(t.Context(), func(ctx context.Context) error {
		_, err := r.Insert(ctx, f.account, kept, jobs.Options{})
		return err
	}))
	run(t, r)
	got := <-done
	assert.Equal(t, kept, got.Args)
	assert.Equal(t, f.account, got.Account)
	assert.Equal(t, 1, got.Number)
	await(t, "the job is done", func() bool {
		pending, err := r.Pending(t.Context(), got.ID())
		require.NoError(t, err)
		return !pending
	})
	assert.Empty(t, done)

	alone, err := r.InsertMany(t.Context(), f.account, []jobs.Args{deed{uuid.New()}, deed{uuid.New()}}, jobs.Options{})
	require.NoError(t, err)
	assert.Len(t, alone, 2)
	<-done
	<-done
	_, err = r.Insert(t.Context(), f.account, other{}, jobs.Options{})
	require.ErrorContains(t, err, "nobody handles test.other")
}

func TestAFailureComesBackUntilTheScheduleIsUsedUp(t *testing.T) {
	t.Parallel()
	f := setup(t)
	r := f.runner(t, jobs.Config{})
	var numbers []int
	last := make(chan bool, 8)
	jobs.Handle(r.Handlers(true), spec, func(_ context.Context, a *jobs.Attempt[deed]) error {
		numbers = append(numbers, a.Number)
		last <- a.Last
		switch a.Number {
		case 1:
			panic("ann@fr.example")
		case 2:
			return errs.New(errs.Conflict, "deed.busy", "ann@fr.example is busy")
		}
		return errors.New("ann@fr.example is gone")
	})
	id, err := r.Insert(t.Context(), f.account, deed{uuid.New()}, jobs.Options{})
	require.NoError(t, err)
	run(t, r)
	assert.Equal(t, []bool{false, false, true}, []bool{<-last, <-last, <-last})
	await(t, "the job is given up", func() bool {
		pending, err := r.Pending(t.Context(), id)
		require.NoError(t, err)
		return !pending
	})
	assert.Equal(t, []int{1, 2, 3}, numbers)
	kept := ask[string](t, f.owner(t), "SELECT errors::text FROM river_job")
	assert.NotContains(t, kept, "ann@fr.example", "the queue knows no account, and nothing about anyone")
	assert.Contains(t, kept, "deed.busy")
}

func TestAgainAndGiveUp(t *testing.T) {
	t.Parallel()
	f := setup(t)
	r := f.runner(t, jobs.Config{})
	calls := make(chan int, 100)
	var n atomic.Int64
	jobs.Handle(r.Handlers(true), spec, func(_ context.Context, a *jobs.Attempt[deed]) error {
		calls <- a.Number
		if n.Add(1) < 10 {
			return jobs.Again(0)
		}
		return jobs.GiveUp(assert.AnError)
	})
	id, err := r.Insert(t.Context(), f.account, deed{uuid.New()}, jobs.Options{})
	require.NoError(t, err)
	run(t, r)
	for range 10 {
		assert.Equal(t, 1, <-calls, "to go on is no failure")
	}
	await(t, "the job is given up", func() bool {
		pending, err := r.Pending(t.Context(), id)
		require.NoError(t, err)
		return !pending
	})
	assert.Empty(t, calls)
}

func TestOnceAndAt(t *testing.T) {
	t.Parallel()
	f := setup(t)
	r := f.runner(t, jobs.Config{})
	jobs.Handle(r.Handlers(false), spec, func(context.Context, *jobs.Attempt[deed]) error { return nil })
	insert := func(account kernel.AccountID, d deed, o jobs.Options) jobs.ID {
		id, err := r.Insert(t.Context(), account, d, o)
		require.NoError(t, err)
		return id
	}
	d := deed{uuid.New()}
	first := insert(f.account, d, jobs.Options{Once: true, At: time.Now().Add(time.Hour)})
	assert.Equal(t, first, insert(f.account, d, jobs.Options{Once: true}))
	assert.NotEqual(t, first, insert(f.account, deed{uuid.New()}, jobs.Options{Once: true}))
	assert.NotEqual(t, first, insert(kernel.NewID[kernel.AccountID](), d, jobs.Options{Once: true}), "another account's is another job")
	assert.NotEqual(t, first, insert(f.account, d, jobs.Options{}))
	assert.Equal(t, 1, ask[int](t, f.owner(t), "SELECT count(*)::int FROM river_job WHERE state = 'scheduled'"))
}

// TestOneOfTwoAttemptsHasEffects lets an attempt outlive its rescue: what it then does is not kept.
func TestOneOfTwoAttemptsHasEffects(t *testing.T) {
	t.Parallel()
	f := setup(t)
	owner := f.owner(t)
	_, err := owner.Exec(t.Context(), "CREATE TABLE effects (attempt int); GRANT ALL ON effects TO rooftop_app")
	require.NoError(t, err)
	r := f.runner(t, jobs.Config{})
	started, goOn, ended := make(chan int), make(chan struct{}), make(chan error, 2)
	var count atomic.Int64
	jobs.Handle(r.Handlers(true), spec, func(ctx context.Context, a *jobs.Attempt[deed]) error {
		nth := int(count.Add(1))
		started <- nth
		if nth == 1 {
			<-goOn
		}
		err := f.db.InTx(ctx, func(ctx context.Context) error {
			if _, err := f.db.ExecControl(ctx, "INSERT INTO effects VALUES ($1)", nth); err != nil {
				return err
			}
			return a.Complete(ctx)
		})
		ended <- err
		return nil
	})
	_, err = r.Insert(t.Context(), f.account, deed{uuid.New()}, jobs.Options{})
	require.NoError(t, err)
	run(t, r)
	assert.Equal(t, 1, <-started)
	_, err = owner.Exec(t.Context(), "UPDATE river_job SET state = 'available'") // as the rescuer does
	require.NoError(t, err)
	assert.Equal(t, 2, <-started)
	require.NoError(t, <-ended)
	close(goOn)
	require.ErrorIs(t, <-ended, jobs.ErrSuperseded)
	assert.Equal(t, 2, ask[int](t, owner, "SELECT sum(attempt)::int FROM effects"), "the second one's alone")
	assert.Equal(t, "completed", ask[string](t, owner, "SELECT state::text FROM river_job"))
}

func TestAProcessWorksOnlyItsServicesQueues(t *testing.T) {
	t.Parallel()
	f := setup(t)
	mine, theirs := make(chan struct{}, 4), make(chan struct{}, 4)
	process := func(first, second bool) *jobs.Runner {
		r := f.runner(t, jobs.Config{PollOnly: true})
		jobs.Handle(r.Handlers(first), spec, func(context.Context, *jobs.Attempt[deed]) error {
			mine <- struct{}{}
			return nil
		})
		jobs.Handle(r.Handlers(second), jobs.Spec{Queue: jobs.Queue{Name: "others", Workers: 1}}, func(context.Context, *jobs.Attempt[other]) error {
			theirs <- struct{}{}
			return nil
		})
		return r
	}
	a, b, none := process(true, false), process(false, true), process(false, false)
	_, err := a.Insert(t.Context(), f.account, other{}, jobs.Options{})
	require.NoError(t, err)
	_, err = a.Insert(t.Context(), f.account, deed{}, jobs.Options{})
	require.NoError(t, err)
	run(t, none)
	stop := run(t, a)
	<-mine
	stop()
	assert.Empty(t, theirs)
	run(t, b)
	<-theirs
	assert.Empty(t, mine)
}

func TestAStopLetsJobsFinishAndHandsOnTheOthers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		within time.Duration
		states []string
	}{
		{"quick ones finish", time.Minute, []string{"completed"}},
		{"slow ones are another process's", 20 * time.Millisecond, []string{"available"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := setup(t)
			r := f.runner(t, jobs.Config{StopWithin: tt.within})
			started, goOn := make(chan struct{}), make(chan struct{})
			jobs.Handle(r.Handlers(true), spec, func(ctx context.Context, _ *jobs.Attempt[deed]) error {
				close(started)
				select {
				case <-goOn:
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			})
			_, err := r.Insert(t.Context(), f.account, deed{uuid.New()}, jobs.Options{})
			require.NoError(t, err)
			stop := run(t, r)
			<-started
			if tt.within == time.Minute {
				time.AfterFunc(50*time.Millisecond, func() { close(goOn) })
			}
			stop()
			assert.Contains(t, tt.states, ask[string](t, f.owner(t), "SELECT state::text FROM river_job"))
			assert.Zero(t, ask[int](t, f.owner(t), "SELECT coalesce(array_length(errors, 1), 0) FROM river_job"), "a stop is no failure")
		})
	}
}

// TestADeadProcessesJobGoesOn finds a job that a process left running, as the one that becomes leader does.
func TestADeadProcessesJobGoesOn(t *testing.T) {
	t.Parallel()
	f := setup(t)
	r := f.runner(t, jobs.Config{RescueAfter: 2 * time.Second})
	numbers := make(chan int, 4)
	jobs.Handle(r.Handlers(true), spec, func(_ context.Context, a *jobs.Attempt[deed]) error {
		numbers <- a.Number
		return nil
	})
	_, err := r.Insert(t.Context(), f.account, deed{uuid.New()}, jobs.Options{})
	require.NoError(t, err)
	_, err = f.owner(t).Exec(t.Context(), "UPDATE river_job SET state = 'running', attempt = 1, attempted_at = now() - interval '5 s', attempted_by = '{dead}'")
	require.NoError(t, err)
	run(t, r)
	assert.Equal(t, 1, <-numbers, "a death is no failure")
}

func TestADatabaseThatIsDownIsWaitedFor(t *testing.T) {
	t.Parallel()
	f := setup(t)
	cfg, err := pgx.ParseConfig(f.ownerURL)
	require.NoError(t, err)
	name := cfg.Database
	cfg.Database = "postgres"
	beside, err := pgx.ConnectConfig(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = beside.Close(context.Background()) })
	allow := func(yes string) {
		_, err := beside.Exec(t.Context(), "ALTER DATABASE "+pgx.Identifier{name}.Sanitize()+" ALLOW_CONNECTIONS "+yes)
		require.NoError(t, err)
		_, err = beside.Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
		require.NoError(t, err)
	}
	r := f.runner(t, jobs.Config{})
	done := make(chan uuid.UUID, 4)
	jobs.Handle(r.Handlers(true), spec, func(_ context.Context, a *jobs.Attempt[deed]) error {
		done <- a.Args.ID
		return nil
	})
	insert := func() uuid.UUID {
		d := deed{uuid.New()}
		require.Eventually(t, func() bool {
			_, err := r.Insert(t.Context(), f.account, d, jobs.Options{})
			return err == nil
		}, time.Minute, 50*time.Millisecond)
		return d.ID
	}
	first := insert()
	allow("false")
	run(t, r)
	allow("true")
	assert.Equal(t, first, <-done, "down at the start")
	allow("false")
	_, err = r.Insert(t.Context(), f.account, deed{uuid.New()}, jobs.Options{})
	require.Error(t, err)
	allow("true")
	second := insert()
	assert.Equal(t, second, <-done, "down between")
}

func TestManyJobsOnce(t *testing.T) {
	t.Parallel()
	f := setup(t)
	var mu sync.Mutex
	seen := map[uuid.UUID]int{}
	const n = 400
	for range 3 {
		r := f.runner(t, jobs.Config{})
		jobs.Handle(r.Handlers(true), spec, func(_ context.Context, a *jobs.Attempt[deed]) error {
			mu.Lock()
			defer mu.Unlock()
			seen[a.Args.ID]++
			return nil
		})
		var all []jobs.Args
		for range n {
			all = append(all, deed{uuid.New()})
		}
		for chunk := range slices.Chunk(all, 100) {
			_, err := r.InsertMany(t.Context(), f.account, chunk, jobs.Options{})
			require.NoError(t, err)
		}
		run(t, r)
	}
	await(t, "all are done", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(seen) == 3*n
	})
	for _, times := range seen {
		assert.Equal(t, 1, times)
	}
}
