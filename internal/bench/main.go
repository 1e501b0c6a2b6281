// Command bench measures the server against a bare net/http and pgx handler that issues the same statements, interleaved
// on the same database, and against pgbench. It owns its data, its bare handler and its load generator; the server it
// measures is the real program. Run it by make bench (200 000 leads) or make bench-full (1 000 000).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	full     bool
	leads    int
	dir      string
	database string
	fresh    bool
	rounds   int
	round    time.Duration
	only     string
	check    bool
	profile  string
	log      string
	starts   int
	pgbench  bool
	conns    int
	pool     int
	clients  int
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == childFlag {
		os.Exit(child(os.Stdin, os.Stdout))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", strings.TrimSpace(err.Error()))
		os.Exit(1)
	}
}

func parse(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.BoolVar(&o.full, "full", false, "1 000 000 leads and rounds of 10 s in place of 200 000 and 2 s; compares lists with 100 000 leads too")
	f.IntVar(&o.leads, "leads", 0, "so many leads in place of the above")
	f.StringVar(&o.dir, "dir", ".rooftop-bench", "where the private Postgres and its data are kept between runs")
	f.StringVar(&o.database, "database-url", "", "a superuser's URL of a Postgres to use in place of the private one; databases named rooftop_bench_* are made in it")
	f.BoolVar(&o.fresh, "fresh", false, "load the data anew")
	f.IntVar(&o.rounds, "rounds", 5, "measured rounds of each workload and server")
	f.DurationVar(&o.round, "round", 0, "length of a round")
	f.StringVar(&o.only, "only", "", "only these workloads, with commas: "+strings.Join(workloadNames(), ","))
	f.BoolVar(&o.check, "check", false, "exit 1 when a target is missed")
	f.StringVar(&o.profile, "profile", "", "folder for CPU profiles of our server, one for each workload")
	f.StringVar(&o.log, "log", os.DevNull, "file for the log of both servers")
	f.IntVar(&o.starts, "starts", 5, "how often the start of our server is measured")
	f.BoolVar(&o.pgbench, "pgbench", true, "run pgbench too, when it is there")
	f.IntVar(&o.conns, "connections", 32, "HTTP connections")
	f.IntVar(&o.pool, "pool", 16, "connections to Postgres of each server")
	f.IntVar(&o.clients, "pgbench-clients", 16, "clients of pgbench")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("%q is not understood: flags only", f.Arg(0))
	}
	if o.leads == 0 {
		o.leads = 200_000
		if o.full {
			o.leads = 1_000_000
		}
	}
	if o.round == 0 {
		o.round = 2 * time.Second
		if o.full {
			o.round = 10 * time.Second
		}
	}
	if o.leads < 2*minLeads || o.rounds < 1 || o.conns < 1 || o.pool < 2 || o.starts < 1 {
		return o, fmt.Errorf("want at least %d leads, 1 round, 1 connection, 1 start and a pool of 2", 2*minLeads)
	}
	return o, nil
}

func run(ctx context.Context, args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	chosen, err := chooseWorkloads(o.only)
	if err != nil {
		return err
	}
	p, err := openPlace(ctx, o)
	if err != nil {
		return err
	}
	defer p.close(ctx)
	d, err := p.prepare(ctx, o.leads, o.fresh)
	if err != nil {
		return err
	}
	b := &bench{options: o, place: p, data: d, out: newReport(o, p)}
	if err := b.measure(ctx, chosen); err != nil {
		return err
	}
	missed := b.out.summary()
	if o.check && missed > 0 {
		return fmt.Errorf("%d targets are missed", missed)
	}
	return nil
}
