package app

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/rooftop-crm/rooftop/internal/platform/clock"
	"github.com/rooftop-crm/rooftop/internal/platform/jobs"
)

const (
	backlogFor    = 5 * time.Second // one scrape asks Postgres once, and so do several
	backlogWithin = 2 * time.Second
)

// backlog is what waits to be done, as it was a moment ago.
type backlog struct {
	read func(ctx context.Context) (jobs.Backlog, time.Duration, error)

	mu      sync.Mutex
	at      time.Time
	jobs    jobs.Backlog
	overdue time.Duration
	err     error
}

// gauge is one figure; not a number while Postgres is away.
func (b *backlog) gauge(figure func(b *backlog) float64) func() float64 {
	return func() float64 {
		b.mu.Lock()
		defer b.mu.Unlock()
		if now := clock.Now(); now.Sub(b.at) >= backlogFor {
			ctx, cancel := context.WithTimeout(context.Background(), backlogWithin)
			defer cancel()
			b.jobs, b.overdue, b.err = b.read(ctx)
			b.at = now
		}
		if b.err != nil {
			return math.NaN()
		}
		return figure(b)
	}
}

func (a *App) watchBacklog() {
	b := &backlog{read: func(ctx context.Context) (jobs.Backlog, time.Duration, error) {
		waiting, err := a.Jobs.Backlog(ctx)
		if err != nil {
			return waiting, 0, err
		}
		overdue, err := a.Work.Overdue(ctx)
		return waiting, overdue, err
	}}
	for _, g := range []struct {
		name, help string
		figure     func(b *backlog) float64
	}{
		{"jobs_waiting", "Jobs whose time has come and that nobody works yet.", func(b *backlog) float64 { return float64(b.jobs.Waiting) }},
		{"jobs_oldest_seconds", "How long the first of the waiting jobs has waited.", func(b *backlog) float64 { return b.jobs.Oldest.Seconds() }},
		{"jobs_failing", "Jobs that failed and are tried again later.", func(b *backlog) float64 { return float64(b.jobs.Failing) }},
		{"work_overdue_seconds", "How long the first item of background work has been due.", func(b *backlog) float64 { return b.overdue.Seconds() }},
	} {
		a.telemetry.Gauge(g.name, g.help, b.gauge(g.figure))
	}
}
