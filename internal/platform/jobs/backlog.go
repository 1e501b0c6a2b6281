package jobs

import (
	"context"
	"fmt"
	"time"
)

// Backlog is what waits, in all queues.
type Backlog struct {
	Waiting int64         // jobs whose time has come and that nobody works yet
	Oldest  time.Duration // how long the first of them has waited
	Failing int64         // jobs that failed and are tried again later
}

const backlog = `SELECT count(*) FILTER (WHERE state = 'available'),
	coalesce(extract(epoch FROM now() - min(scheduled_at) FILTER (WHERE state = 'available')), 0)::float8, count(*) FILTER (WHERE state = 'retryable')
	FROM river_job WHERE state IN ('available', 'retryable')`

// Backlog reads what waits.
func (r *Runner) Backlog(ctx context.Context) (b Backlog, err error) {
	var seconds float64
	if err := r.db.QueryRowControl(ctx, backlog, nil, &b.Waiting, &seconds, &b.Failing); err != nil {
		return b, fmt.Errorf("read the backlog of jobs: %w", err)
	}
	b.Oldest = time.Duration(max(seconds, 0) * float64(time.Second))
	return b, nil
}
