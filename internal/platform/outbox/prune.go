package outbox

import (
	"context"
	"fmt"
	"time"
)

const pruneBatch = 5000

// PruneNow forgets the events of every account that are older than a time, and returns how many. Cursors that stand
// before what is gone are expired from then on. Events of one transaction's length around the time may stay for longer.
func (l *Log) PruneNow(ctx context.Context, olderThan time.Time) (int, error) {
	total := 0
	for {
		var n int
		if err := l.db.QueryRowControl(ctx, `SELECT prune_events($1, $2)`, []any{olderThan, pruneBatch}, &n); err != nil {
			return total, fmt.Errorf("prune events: %w", err)
		}
		total += n
		if n < pruneBatch {
			return total, nil
		}
	}
}
