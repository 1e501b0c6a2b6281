package background

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rooftop-crm/rooftop/internal/platform/db"
)

// Overdue is how long the first item has been due that nobody has begun; 0 when there is none.
func (r *Runner) Overdue(ctx context.Context) (time.Duration, error) {
	var due time.Time
	err := r.db.QueryRowControl(ctx, `SELECT due_at FROM due_work ORDER BY due_at LIMIT 1`, nil, &due)
	switch {
	case errors.Is(err, db.ErrNoRows):
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("read what is overdue: %w", err)
	}
	return max(r.now().Sub(due), 0), nil
}
