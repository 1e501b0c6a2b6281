package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
)

const (
	channel = "rooftop_events"
	// relisten is the pause before a lost listener comes back.
	relisten = 500 * time.Millisecond
)

// Listen calls news with each account that has new numbers and the last of them, until ctx ends, over one connection for
// the whole process. It calls missed whenever word may have been lost: at the start, and after each interruption. Where
// a pooler forbids listening it returns at once: then asking Positions is the only way.
func (l *Log) Listen(ctx context.Context, news func(kernel.AccountID, int64), missed func()) error {
	for {
		err := l.db.Listen(ctx, channel, missed, func(payload string) {
			if account, position, ok := readNews(payload); ok {
				news(account, position)
			}
		})
		if ctx.Err() != nil || errors.Is(err, db.ErrNoListen) {
			return nil //nolint:nilerr // told to stop, or nothing to wait for
		}
		slog.WarnContext(ctx, "the listener for events was interrupted; it comes back", "error", err)
		timer := time.NewTimer(relisten)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

// readNews reads "account position".
func readNews(payload string) (kernel.AccountID, int64, bool) {
	id, number, ok := strings.Cut(payload, " ")
	if !ok {
		return kernel.AccountID{}, 0, false
	}
	account, err := kernel.ParseID[kernel.AccountID](id)
	if err != nil {
		return account, 0, false
	}
	position, err := strconv.ParseInt(number, 10, 64)
	return account, position, err == nil
}

// Positions asks how far the order of each account has come.
func (l *Log) Positions(ctx context.Context, accounts []kernel.AccountID, each func(kernel.AccountID, int64)) error {
	err := l.db.QueryControl(ctx, `SELECT account, last_position FROM event_positions($1)`, []any{accounts}, func(r pgx.Rows) error {
		var account kernel.AccountID
		var position int64
		if err := r.Scan(&account, &position); err != nil {
			return err
		}
		each(account, position)
		return nil
	})
	if err != nil {
		return fmt.Errorf("ask how far the event order has come: %w", err)
	}
	return nil
}
