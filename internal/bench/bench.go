package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// bench is one run.
type bench struct {
	options
	place *place
	data  *dataset
	out   *report

	owner      *pgx.Conn // to settle the database between rounds
	ours, bare *server
	load       map[*server][]*worker
}

// rest is how long our server stands idle before its memory is looked at.
const rest = 3 * time.Second

// measure runs everything and prints as it goes.
func (b *bench) measure(ctx context.Context, chosen []workload) error {
	var err error
	if b.owner, err = pgx.Connect(ctx, b.data.ownerURL); err != nil {
		return err
	}
	defer hangUp(ctx, b.owner)
	dir, err := os.MkdirTemp("", "rooftop-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	if err := b.measureStarts(ctx, dir); err != nil {
		return err
	}
	if err := b.startServers(ctx, dir); err != nil {
		return err
	}
	defer b.ours.stop()
	defer b.bare.stop()
	if err := pause(ctx, rest); err != nil {
		return err
	}
	b.out.idle = residentMiB(b.ours.cmd.Process.Pid)
	if err := b.verify(ctx); err != nil {
		return err
	}
	b.out.head()
	for i := range chosen {
		if err := b.compare(ctx, &chosen[i], dir); err != nil {
			return err
		}
	}
	b.out.loaded = residentMiB(b.ours.cmd.Process.Pid)
	if b.full {
		return b.compareSizes(ctx, dir)
	}
	return nil
}

func (b *bench) order(d *dataset, dir string) order {
	return order{OwnerURL: d.ownerURL, ServerURL: d.serverURL, MasterKey: d.masterKey, Pool: b.pool, DataDir: dir, Log: b.log, Profile: b.profile != ""}
}

func (b *bench) startServers(ctx context.Context, dir string) (err error) {
	if b.ours, err = start(ctx, "rooftop", b.order(b.data, dir)); err != nil {
		return err
	}
	plain := b.order(b.data, dir)
	plain.Bare = true
	if b.bare, err = start(ctx, "bare", plain); err != nil {
		b.ours.stop()
		return err
	}
	b.load = map[*server][]*worker{
		b.ours: newWorkers(b.ours, b.data, b.conns, 0, 2), b.bare: newWorkers(b.bare, b.data, b.conns, 1, 2),
	}
	return b.firstAnswer(ctx, b.load[b.ours][0])
}

// measureStarts starts our server anew several times: how long until it answers a request that needs the database, and how
// much memory it then has.
func (b *bench) measureStarts(ctx context.Context, dir string) error {
	for range b.starts {
		s, err := start(ctx, "rooftop", b.order(b.data, dir))
		if err != nil {
			return err
		}
		err = b.firstAnswer(ctx, newWorkers(s, b.data, 1, 0, 1)[0])
		b.out.starts = append(b.out.starts, instant().Sub(s.started))
		s.stop()
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) firstAnswer(ctx context.Context, w *worker) error {
	if err := w.dial(ctx); err != nil {
		return err
	}
	defer w.hangUp()
	c := w.read()
	status, err := w.do(&c)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("the first answer of %s is %d %s", w.to.name, status, w.body)
	}
	return err
}

// compare measures one workload: rounds of both servers in turn, in alternating order, then pgbench.
func (b *bench) compare(ctx context.Context, w *workload, dir string) error {
	if _, err := b.owner.Exec(ctx, "CHECKPOINT"); err != nil {
		return err
	}
	result := result{of: w, rounds: map[string][]round{}}
	for i := -1; i < b.rounds; i++ { // the first one warms up
		first, second := b.ours, b.bare
		if i%2 != 0 {
			first, second = second, first
		}
		for _, s := range []*server{first, second} {
			length := b.round
			if i < 0 {
				length = max(b.round/5, 300*time.Millisecond)
			}
			r, err := b.turn(ctx, s, w, length)
			if err != nil {
				return fmt.Errorf("%s: %w", w.title, err)
			}
			if i >= 0 {
				result.rounds[s.name] = append(result.rounds[s.name], r)
			}
		}
	}
	if b.profile != "" {
		if err := b.saveProfile(ctx, w); err != nil {
			return err
		}
	}
	if b.pgbench {
		rate, err := b.runPgbench(ctx, w, dir)
		if err != nil {
			return err
		}
		result.pgbench = rate
	}
	b.out.add(&result)
	return nil
}

// turn measures one server while the other one is stopped, so that its background work costs only itself.
func (b *bench) turn(ctx context.Context, s *server, w *workload, length time.Duration) (round, error) {
	other := b.ours
	if s == b.ours {
		other = b.bare
	}
	if err := b.suspend(ctx, other); err != nil {
		return round{}, err
	}
	defer func() { _ = other.signal(syscall.SIGCONT) }()
	if err := b.settle(ctx); err != nil {
		return round{}, err
	}
	return drive(ctx, b.load[s], w, length, b.place.pid)
}

// suspend stops a server between two statements: one that is stopped inside a transaction would keep its locks. On a
// busy machine a statement may need a while to end, so the server gets more time at each try.
func (b *bench) suspend(ctx context.Context, s *server) error {
	for try := range 100 {
		if err := s.signal(syscall.SIGSTOP); err != nil {
			return err
		}
		var busy bool
		err := b.owner.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
			AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND state <> 'idle')`).Scan(&busy)
		if err != nil || !busy {
			return err
		}
		if err := s.signal(syscall.SIGCONT); err != nil {
			return err
		}
		if err := pause(ctx, min(time.Duration(try+1)*5*time.Millisecond, 400*time.Millisecond)); err != nil {
			return err
		}
	}
	return fmt.Errorf("the %s server does not come to rest", s.name)
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// settle numbers the events of the rounds before, which only our server would do: each server starts its round with none
// left over, and ours pays for those of its own round.
func (b *bench) settle(ctx context.Context) error {
	const most = 60 * time.Second
	for waited := time.Duration(0); waited < most; {
		var n int
		if err := b.owner.QueryRow(ctx, `SELECT sequence_events(5000)`).Scan(&n); err != nil {
			return fmt.Errorf("number the events: %w", err)
		}
		switch {
		case n >= 0 && n < 5000:
			return nil
		case n < 0: // our server is at it
			const moment = 20 * time.Millisecond
			if err := pause(ctx, moment); err != nil {
				return err
			}
			waited += moment
		}
	}
	return errors.New("the events of earlier rounds do not get numbered")
}

// profiled is the least that a profile takes: enough samples to say where the time goes.
const profiled = 5 * time.Second

// saveProfile profiles our server under the workload, outside the measured rounds.
func (b *bench) saveProfile(ctx context.Context, w *workload) error {
	if err := os.MkdirAll(b.profile, 0o755); err != nil { //nolint:gosec // profiles hold no secrets
		return err
	}
	saved := make(chan error, 1)
	length := max(b.round, profiled)
	go func() { saved <- b.ours.save(ctx, filepath.Join(b.profile, w.name+".pprof"), length) }()
	_, err := b.turn(ctx, b.ours, w, length+length/10)
	return errors.Join(err, <-saved)
}

// compareSizes measures lists of our server on a tenth of the leads, in turn with the full ones.
func (b *bench) compareSizes(ctx context.Context, dir string) error {
	small, err := b.place.prepare(ctx, b.leads/10, b.fresh)
	if err != nil {
		return err
	}
	large := *b.data
	for _, d := range []*dataset{small, &large} {
		if err := d.keepFullPages(ctx); err != nil {
			return err
		}
	}
	s, err := start(ctx, "rooftop", b.order(small, dir))
	if err != nil {
		return err
	}
	defer s.stop()
	workers, others := newWorkers(s, small, b.conns, 0, 1), newWorkers(b.ours, &large, b.conns, 0, 1)
	all := workloads()
	for _, w := range all[1:3] {
		growth := growth{title: w.title}
		for _, load := range [][]*worker{workers, others} { // into the caches
			if _, err := drive(ctx, load, &w, 3*b.round, b.place.pid); err != nil {
				return err
			}
		}
		for i := range 2 * b.rounds {
			at, load := &growth.small, workers
			if i%2 == 1 {
				at, load = &growth.large, others
			}
			r, err := drive(ctx, load, &w, b.round, b.place.pid)
			if err != nil {
				return err
			}
			*at = append(*at, r.p50)
		}
		b.out.growth = append(b.out.growth, growth)
	}
	return nil
}
