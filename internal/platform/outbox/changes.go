package outbox

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

// ErrCursorExpired is the answer to a cursor of another history or of events that are gone.
var ErrCursorExpired = errs.New(errs.Gone, "cursor.expired",
	"This cursor can no longer be continued. Start again without a cursor: the answer begins with every resource as it is now.")

// Cursor is a place in the changes of one kind of resource. The zero Cursor is the beginning.
//
// Reading begins with the resources themselves, in the order of their ids (Listing), because events are not kept for
// ever; it goes on with the event order from where that stood when the listing began, so that nothing falls in between.
type Cursor struct {
	Epoch    string
	Listing  bool
	After    uuid.UUID // the last id of the listing
	Position int64     // the last event number read, or where the order stood when the listing began
}

// Changes is one step through the changes of one kind of resource.
type Changes[T any] struct {
	Items []T // as they are now; deleted ones too
	Next  Cursor
	More  bool // false when the reader has caught up; Next is still where to come back
}

// Source reads the resources that changed. Both functions also return what is deleted.
type Source[T any] struct {
	Resource string                                                             // as in Event.Resource
	List     func(ctx context.Context, after uuid.UUID, limit int) ([]T, error) // by id, ascending
	Load     func(ctx context.Context, ids []uuid.UUID) ([]T, error)            // in any order
	ID       func(T) uuid.UUID
}

// Read takes the next step from a cursor. It fails with ErrCursorExpired when the cursor's history is gone.
func Read[T any](ctx context.Context, l *Log, account kernel.AccountID, s Source[T], c Cursor, limit int) (Changes[T], error) {
	h, err := l.Head(ctx, account)
	if err != nil {
		return Changes[T]{}, err
	}
	if c == (Cursor{}) {
		c = Cursor{Epoch: h.Epoch, Listing: true, Position: h.Position}
	}
	if !h.Reaches(c) {
		return Changes[T]{}, ErrCursorExpired
	}
	if c.Listing {
		return list(ctx, s, c, limit)
	}
	return follow(ctx, l, account, s, c, limit)
}

func list[T any](ctx context.Context, s Source[T], c Cursor, limit int) (Changes[T], error) {
	items, err := s.List(ctx, c.After, limit)
	if err != nil {
		return Changes[T]{}, fmt.Errorf("list %s for changes: %w", s.Resource, err)
	}
	if len(items) < limit {
		c.Listing, c.After = false, uuid.Nil
	} else {
		c.After = s.ID(items[len(items)-1])
	}
	// The listing's end is not the end: events that came meanwhile are still to be read.
	return Changes[T]{Items: items, Next: c, More: true}, nil
}

// selectChanged also tells what was pruned, of the same moment: a prune between two statements would leave a hole.
const selectChanged = `SELECT h.pruned_to, coalesce(e.position, 0), coalesce(e.resource_id, '00000000-0000-0000-0000-000000000000')
	FROM event_heads h LEFT JOIN LATERAL (
		SELECT position, resource_id FROM events
		WHERE account_id = $1 AND resource_type = $2 AND position > $3 ORDER BY position LIMIT $4
	) e ON true WHERE h.account_id = $1 ORDER BY e.position`

func follow[T any](ctx context.Context, l *Log, account kernel.AccountID, s Source[T], c Cursor, limit int) (Changes[T], error) {
	var order []uuid.UUID
	last := map[uuid.UUID]int{}
	events := 0
	var prunedTo int64
	next := c
	err := l.db.Query(ctx, account, selectChanged, []any{account, s.Resource, c.Position, limit}, func(r pgx.Rows) error {
		var id uuid.UUID
		var position int64
		if err := r.Scan(&prunedTo, &position, &id); err != nil || position == 0 {
			return err
		}
		next.Position = position
		events++
		if _, seen := last[id]; !seen {
			order = append(order, id)
		}
		last[id] = events
		return nil
	})
	if err != nil {
		return Changes[T]{}, fmt.Errorf("read changes of %s: %w", s.Resource, err)
	}
	if c.Position < prunedTo {
		return Changes[T]{}, ErrCursorExpired
	}
	out := Changes[T]{Items: []T{}, Next: next, More: events == limit}
	if len(order) == 0 {
		return out, nil
	}
	items, err := s.Load(ctx, order)
	if err != nil {
		return Changes[T]{}, fmt.Errorf("load changed %s: %w", s.Resource, err)
	}
	out.Items = inOrder(items, order, s.ID)
	return out, nil
}

func inOrder[T any](items []T, order []uuid.UUID, id func(T) uuid.UUID) []T {
	byID := make(map[uuid.UUID]T, len(items))
	for _, item := range items {
		byID[id(item)] = item
	}
	out := make([]T, 0, len(items))
	for _, i := range order {
		if item, ok := byID[i]; ok {
			out = append(out, item)
		}
	}
	return out
}
