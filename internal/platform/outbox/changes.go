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
	h, err := l.head(ctx, account)
	if err != nil {
		return Changes[T]{}, err
	}
	if c == (Cursor{}) {
		c = Cursor{Epoch: h.epoch, Listing: true, Position: h.position}
	}
	if c.Epoch != h.epoch || c.Position < h.prunedTo || c.Position > h.position {
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

const selectChanged = `SELECT position, resource_id FROM events
	WHERE account_id = $1 AND resource_type = $2 AND position > $3 ORDER BY position LIMIT $4`

func follow[T any](ctx context.Context, l *Log, account kernel.AccountID, s Source[T], c Cursor, limit int) (Changes[T], error) {
	var order []uuid.UUID
	last := map[uuid.UUID]int{}
	events := 0
	err := l.db.Query(ctx, account, selectChanged, []any{account, s.Resource, c.Position, limit}, func(r pgx.Rows) error {
		var id uuid.UUID
		if err := r.Scan(&c.Position, &id); err != nil {
			return err
		}
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
	out := Changes[T]{Items: []T{}, Next: c, More: events == limit}
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

type head struct {
	epoch              string
	position, prunedTo int64
}

const selectHead = `SELECT event_epoch(), coalesce(max(position), 0), coalesce(max(pruned_to), 0) FROM event_heads WHERE account_id = $1`

func (l *Log) head(ctx context.Context, account kernel.AccountID) (head, error) {
	var h head
	err := l.db.QueryRow(ctx, account, selectHead, []any{account}, &h.epoch, &h.position, &h.prunedTo)
	if err != nil {
		return head{}, fmt.Errorf("read the head of the event order: %w", err)
	}
	return h, nil
}
