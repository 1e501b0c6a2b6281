// Package outbox is the event log: every change writes one event in its own transaction, a sequencer gives events
// their place in the order and tells who listens, feeds of changes and of the events themselves read by that place, and
// old events are forgotten from the front. It owns events and event_heads.
// Who may see which event, and delivering events to anyone, is left to others.
package outbox

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
)

// Event says that one resource changed.
type Event struct {
	Type     string    // "lead.created"
	Resource string    // "lead"
	ID       uuid.UUID // of the resource
	Sequence int64     // the resource's version after the change
	Actor    auth.Actor
	Changed  []string // fields that changed, by their wire names; empty for created and deleted
	At       time.Time
	Data     json.RawMessage // small facts without personal data; nil for none
	// Dealership is where the resource is after the change; zero when it is at none.
	Dealership kernel.DealershipID
}

// Writer is what a service writes its events to.
type Writer interface {
	// Write adds the event to the transaction of ctx. Call it after the resource's row was written, so that the order of
	// events is the order of changes.
	Write(ctx context.Context, account kernel.AccountID, e Event) error
}

// Log is the event log in Postgres.
type Log struct {
	db    *db.DB
	fresh chan struct{}
}

var _ Writer = (*Log)(nil)

// New returns the log.
func New(d *db.DB) *Log { return &Log{db: d, fresh: make(chan struct{}, 1)} }

const insertEvent = `INSERT INTO events
	(account_id, id, type, resource_type, resource_id, sequence, actor_type, actor_id, changed, data, occurred_at, dealership_id)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`

// Write implements Writer.
func (l *Log) Write(ctx context.Context, account kernel.AccountID, e Event) error {
	var actorID *uuid.UUID
	if id := uuid.UUID(e.Actor.ID()); id != uuid.Nil {
		actorID = &id
	}
	var dealership *kernel.DealershipID
	if !e.Dealership.IsZero() {
		dealership = &e.Dealership
	}
	changed := e.Changed
	if changed == nil {
		changed = []string{}
	}
	args := []any{
		account, kernel.NewID[uuid.UUID](), e.Type, e.Resource, e.ID, e.Sequence,
		string(e.Actor.Kind), actorID, changed, e.Data, e.At, dealership,
	}
	if err := l.db.Queue(ctx, account, insertEvent, args, nil, nil); err != nil {
		return err
	}
	l.db.AfterCommit(ctx, l.wake)
	return nil
}

// wake tells the sequencer of this process that there is something to number.
func (l *Log) wake() {
	select {
	case l.fresh <- struct{}{}:
	default:
	}
}
