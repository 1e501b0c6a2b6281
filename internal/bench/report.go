package main

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"
)

// report prints the results as they come and what they mean at the end.
type report struct {
	options
	starts       []time.Duration
	idle, loaded float64 // MiB
	growth       []growth
	results      []*result
	note         string
}

// result is one workload's.
type result struct {
	of      *workload
	rounds  map[string][]round
	pgbench pgbenchRate
}

// growth is the median latency of our server at a tenth of the leads and at all, round by round.
type growth struct {
	title        string
	small, large []time.Duration
}

func newReport(o options, p *place) *report { return &report{options: o, note: p.note} }

// spread is the median and the extremes of some figures.
type spread struct{ median, low, high float64 }

func spreadOf(values []float64) spread {
	v := slices.Sorted(slices.Values(values))
	n := len(v)
	if n == 0 {
		return spread{}
	}
	return spread{(v[(n-1)/2] + v[n/2]) / 2, v[0], v[n-1]}
}

func over[T any](list []T, figure func(T) float64) spread {
	values := make([]float64, len(list))
	for i, v := range list {
		values[i] = figure(v)
	}
	return spreadOf(values)
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
func microseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }

func (r *report) head() {
	fmt.Printf("\n%s\n%d leads, %d accounts, %d connections, pools of %d, %d rounds of %s in turn, %d CPUs, %s\n", r.note, r.leads, accountCount,
		r.conns, r.pool, r.rounds, r.round, runtime.NumCPU(), runtime.Version())
	fmt.Print("rooftop: authentication, row security, rate limits, idempotency, access log; bare: net/http, pgx, row security, encoding/json\n\n")
	fmt.Printf("%-22s %-8s %7s %15s %8s %8s %9s %9s  %s\n", "", "", "req/s", "(min-max)", "p50 ms", "p99 ms", "CPU µs", "Postgres", "ratio")
}

// ratio is ours by bare, paired by round.
func (x *result) ratio() spread {
	ours, bare := x.rounds["rooftop"], x.rounds["bare"]
	values := make([]float64, len(ours))
	for i := range ours {
		values[i] = ours[i].rate / bare[i].rate
	}
	return spreadOf(values)
}

func (x *result) bareRate() float64 {
	return over(x.rounds["bare"], func(r round) float64 { return r.rate }).median
}

func (r *report) add(x *result) {
	r.results = append(r.results, x)
	for _, name := range []string{"rooftop", "bare"} {
		rounds := x.rounds[name]
		rate := over(rounds, func(r round) float64 { return r.rate })
		title, ratio := "", ""
		if name == "rooftop" {
			s := x.ratio()
			title, ratio = x.of.title, fmt.Sprintf("%.2f of bare (%.2f-%.2f)", s.median, s.low, s.high)
		} else if x.pgbench.rate > 0 {
			ratio = fmt.Sprintf("%.2f of pgbench", rate.median/x.pgbench.rate)
		}
		fmt.Printf("%-22s %-8s %7.0f %15s %8.2f %8.2f %9.0f %9.0f  %s\n", title, name, rate.median, fmt.Sprintf("(%.0f-%.0f)", rate.low, rate.high),
			over(rounds, func(r round) float64 { return milliseconds(r.p50) }).median,
			over(rounds, func(r round) float64 { return milliseconds(r.p99) }).median,
			over(rounds, func(r round) float64 { return microseconds(r.cpu) }).median,
			over(rounds, func(r round) float64 { return microseconds(r.database) }).median, ratio)
	}
	switch {
	case x.pgbench.rate > 0:
		fmt.Printf("%-22s %-8s %7.0f\n", "", "pgbench", x.pgbench.rate)
	case x.pgbench.why != "":
		fmt.Printf("%-22s %-8s %7s %s\n", "", "pgbench", "-", x.pgbench.why)
	}
	unusual := 0
	for _, rounds := range x.rounds {
		for _, r := range rounds {
			unusual += r.unusual
		}
	}
	if unusual > 0 {
		fmt.Printf("%-22s %d enquiries joined an earlier lead\n", "", unusual)
	}
}

// whyBare says why the bare handler stays behind pgbench.
func (x *result) whyBare() string {
	bare := x.rounds["bare"]
	return fmt.Sprintf(": a request costs it %.0f µs of its own beside %.0f µs of Postgres, for HTTP and encoding/json, which reads and compacts each stored document again, of what pgbench throws away",
		over(bare, func(r round) float64 { return microseconds(r.cpu) }).median, over(bare, func(r round) float64 { return microseconds(r.database) }).median)
}

// verdict is one target and whether it is met.
type verdict struct {
	what      string
	got, want string
	met       bool
	why       string // a reason stands in for being met, where the target asks for either
}

func judge(met bool, what, got, want string) verdict {
	return verdict{what: what, got: got, want: want, met: met}
}

// summary prints the targets and returns how many are missed.
func (r *report) summary() (missed int) {
	var all []verdict
	for _, x := range r.results {
		if x.of.target > 0 {
			got := x.ratio().median
			all = append(all, judge(got >= x.of.target, x.of.title, fmt.Sprintf("%.2f of bare", got), fmt.Sprintf(">= %.2f", x.of.target)))
		}
	}
	for _, x := range r.results {
		if x.of.bareOf > 0 && x.pgbench.rate > 0 {
			got := x.bareRate() / x.pgbench.rate
			v := judge(got >= x.of.bareOf, "bare, "+x.of.title, fmt.Sprintf("%.2f of pgbench", got), fmt.Sprintf(">= %.2f", x.of.bareOf))
			if !v.met {
				v.why = x.whyBare()
			}
			all = append(all, v)
		}
	}
	for _, g := range r.growth {
		ratio := over(g.large, milliseconds).median / over(g.small, milliseconds).median
		what := fmt.Sprintf("%s, %d leads against %d", g.title, r.leads, r.leads/10)
		all = append(all, judge(ratio <= 1.2, what, fmt.Sprintf("%.2f x the median latency", ratio), "<= 1.20"))
	}
	start := over(r.starts, milliseconds)
	all = append(
		all,
		judge(start.median < 500, "start to first answer", fmt.Sprintf("%.0f ms (%.0f-%.0f)", start.median, start.low, start.high), "< 500 ms"),
		judge(r.idle < 60, "idle resident memory", fmt.Sprintf("%.0f MiB", r.idle), "< 60 MiB"),
	)
	fmt.Println()
	for _, v := range all {
		mark := "PASS"
		switch {
		case v.met:
		case v.why != "":
			mark = "WHY "
		default:
			mark = "MISS"
			missed++
		}
		fmt.Printf("%s  %-46s %-28s %s%s\n", mark, v.what, v.got, v.want, v.why)
	}
	fmt.Printf("\nresident memory after load: %.0f MiB; noise: %s\n", r.loaded, r.noise())
	return missed
}

// noise is how far the rounds of the bare handler lie apart, which no change of ours can cause.
func (r *report) noise() string {
	var parts []string
	for _, x := range r.results {
		s := over(x.rounds["bare"], func(r round) float64 { return r.rate })
		parts = append(parts, fmt.Sprintf("%s ±%.0f %%", x.of.name, 50*(s.high-s.low)/s.median))
	}
	return "bare rounds lie apart by " + strings.Join(parts, ", ")
}
