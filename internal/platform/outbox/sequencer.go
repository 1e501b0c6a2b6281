package outbox

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

const (
	sequenceBatch = 1000
	// gather lets the events of a burst be numbered together: one run per event would double the cost of a write.
	gather = 20 * time.Millisecond
	// idlePoll finds events that another process wrote, or that a process wrote and then died.
	idlePoll = 250 * time.Millisecond
)

// Sequence gives numbers to visible events until ctx ends. Any number of processes may run it: one works at a time.
func (l *Log) Sequence(ctx context.Context) error {
	timer := time.NewTimer(idlePoll)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-l.fresh:
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(gather):
			}
		}
		if _, err := l.SequenceNow(ctx); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "events could not be numbered; trying again", "error", err)
		}
		timer.Reset(idlePoll)
	}
}

// SequenceNow numbers every event that is visible now and returns how many it numbered.
// When another process is numbering it returns at once: that run, or the next, numbers the rest.
func (l *Log) SequenceNow(ctx context.Context) (int, error) {
	total := 0
	for {
		var n int
		err := l.db.InTx(ctx, func(ctx context.Context) error {
			return l.db.Control(ctx).Raw("SELECT sequence_events(?)", sequenceBatch).Row().Scan(&n)
		})
		if err != nil {
			return total, fmt.Errorf("number events: %w", err)
		}
		if n < 0 {
			return total, nil
		}
		total += n
		if n < sequenceBatch {
			return total, nil
		}
	}
}
