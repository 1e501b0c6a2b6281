package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

// ErrNoEvent is the answer for an event that never was, has no number yet, or was pruned.
var ErrNoEvent = errs.New(errs.NotFound, "not_found", "There is no such resource, or it is not visible to this credential.")

// Head is how far an account's order has come.
type Head struct {
	Epoch    string // names the history that positions belong to
	Position int64  // the last number given
	PrunedTo int64  // events up to here are gone
}

// Reaches tells whether reading on from the cursor misses nothing.
func (h Head) Reaches(c Cursor) bool {
	return c.Epoch == h.Epoch && c.Position >= h.PrunedTo && c.Position <= h.Position
}

// Entry is a numbered event as it is read back.
type Entry struct {
	ID         uuid.UUID
	Position   int64
	Type       string
	Resource   string
	ResourceID uuid.UUID
	Sequence   int64
	ActorKind  auth.ActorKind
	ActorID    uuid.UUID // zero for the system
	Dealership kernel.DealershipID
	Changed    []string
	Data       json.RawMessage // nil for none
	At         time.Time
}

// Query asks for events in their order. Zero fields do not narrow.
type Query struct {
	After       int64 // the number to go on from
	Through     int64 // the last number to look at; 0 for no end
	Types       []string
	Resources   []string
	Dealerships []kernel.DealershipID
	Since       time.Time
	Limit       int
}

const selectHead = `SELECT event_epoch(), coalesce(max(position), 0), coalesce(max(pruned_to), 0) FROM event_heads WHERE account_id = $1`

// Head reads how far the account's order has come.
func (l *Log) Head(ctx context.Context, account kernel.AccountID) (Head, error) {
	var h Head
	err := l.db.QueryRow(ctx, account, selectHead, []any{account}, &h.Epoch, &h.Position, &h.PrunedTo)
	if err != nil {
		return Head{}, fmt.Errorf("read the head of the event order: %w", err)
	}
	return h, nil
}

const (
	nobody       = `'00000000-0000-0000-0000-000000000000'`
	entryColumns = `e.id, e.position, e.type, e.resource_type, e.resource_id, e.sequence, e.actor_type, coalesce(e.actor_id, ` + nobody + `),
		coalesce(e.dealership_id, ` + nobody + `), e.changed, e.data, e.occurred_at`
	// The head comes from the same moment as the events: what a prune took between two statements would be a hole.
	selectEntries = `SELECT event_epoch(), h.position, h.pruned_to, e.id IS NOT NULL, coalesce(e.id, ` + nobody + `), coalesce(e.position, 0),
			coalesce(e.type, ''), coalesce(e.resource_type, ''), coalesce(e.resource_id, ` + nobody + `), coalesce(e.sequence, 0),
			coalesce(e.actor_type, ''), coalesce(e.actor_id, ` + nobody + `), coalesce(e.dealership_id, ` + nobody + `),
			coalesce(e.changed, '{}'), e.data, coalesce(e.occurred_at, 'epoch')
		FROM event_heads h LEFT JOIN LATERAL (
			SELECT * FROM events WHERE account_id = $1 AND position > $2 AND ($3 = 0 OR position <= $3)
				AND ($4::text[] IS NULL OR type = ANY ($4)) AND ($5::text[] IS NULL OR resource_type = ANY ($5))
				AND ($6::uuid[] IS NULL OR dealership_id = ANY ($6)) AND ($7::timestamptz IS NULL OR occurred_at >= $7)
			ORDER BY position LIMIT $8
		) e ON true WHERE h.account_id = $1 ORDER BY e.position`
	selectEntry = `SELECT ` + entryColumns + ` FROM events e WHERE e.account_id = $1 AND e.id = $2 AND e.position IS NOT NULL`
)

// After reads events in their order, and the head of the same moment. An account without events has no head: then it is
// zero but for the epoch.
func (l *Log) After(ctx context.Context, account kernel.AccountID, q Query) (Head, []Entry, error) {
	var since *time.Time
	if !q.Since.IsZero() {
		since = &q.Since
	}
	var h Head
	var out []Entry
	args := []any{account, q.After, q.Through, q.Types, q.Resources, q.Dealerships, since, q.Limit}
	err := l.db.Query(ctx, account, selectEntries, args, func(r pgx.Rows) error {
		var e Entry
		var there bool
		dest := append([]any{&h.Epoch, &h.Position, &h.PrunedTo, &there}, e.fields()...)
		if err := r.Scan(dest...); err != nil || !there {
			return err
		}
		out = append(out, e)
		return nil
	})
	if err != nil {
		return Head{}, nil, fmt.Errorf("read events: %w", err)
	}
	if h.Epoch == "" {
		h, err = l.Head(ctx, account)
	}
	return h, out, err
}

func (e *Entry) fields() []any {
	return []any{
		&e.ID, &e.Position, &e.Type, &e.Resource, &e.ResourceID, &e.Sequence, &e.ActorKind, &e.ActorID, &e.Dealership, &e.Changed, &e.Data, &e.At,
	}
}

// Entry reads one numbered event. It fails with ErrNoEvent.
func (l *Log) Entry(ctx context.Context, account kernel.AccountID, id uuid.UUID) (Entry, error) {
	var e Entry
	err := l.db.QueryRow(ctx, account, selectEntry, []any{account, id}, e.fields()...)
	if errors.Is(err, db.ErrNoRows) {
		return Entry{}, ErrNoEvent
	}
	if err != nil {
		return Entry{}, fmt.Errorf("read an event: %w", err)
	}
	return e, nil
}

// Before finds a number such that every event since that time has a higher one. It is not the last such number.
func (l *Log) Before(ctx context.Context, account kernel.AccountID, since time.Time) (int64, error) {
	var position int64
	err := l.db.QueryRow(ctx, account, `SELECT event_position_before($1, $2)`, []any{account, since}, &position)
	if err != nil {
		return 0, fmt.Errorf("find a place in the event order: %w", err)
	}
	return position, nil
}
