// Package events is what others learn of the changes of an account: it reads the event log for whoever may see what an
// event is about, holds streams open that follow it, and tells endpoints of it (webhooks). It owns who may see which
// event, the hub that all streams of a process share, endpoints with their secrets, and deliveries from the event to the
// last attempt. The log and its order are platform/outbox's, the way out platform/fetch's, signatures pkg/webhooksig's.
package events

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
)

// Event is one change, as it is told to others.
type Event struct {
	ID         uuid.UUID
	Account    kernel.AccountID
	Position   int64 // its place in the order
	Type       string
	Resource   string
	ResourceID uuid.UUID
	Sequence   int64 // the resource's version after the change
	ActorKind  auth.ActorKind
	ActorID    uuid.UUID // zero for the system
	Dealership kernel.DealershipID
	Changed    []string
	Details    json.RawMessage // small facts without personal data; nil for none
	At         time.Time
}

func eventOf(account kernel.AccountID, e outbox.Entry) Event {
	return Event{
		ID: e.ID, Account: account, Position: e.Position, Type: e.Type, Resource: e.Resource, ResourceID: e.ResourceID,
		Sequence: e.Sequence, ActorKind: e.ActorKind, ActorID: e.ActorID, Dealership: e.Dealership, Changed: e.Changed,
		Details: e.Data, At: e.At,
	}
}

// ErrCursorExpired is the answer to a place in the events that cannot be gone on from: events after it are pruned, or it
// is of another history.
var ErrCursorExpired = errs.New(errs.Gone, "cursor.expired",
	"This cursor can no longer be continued: events after it are gone, or the data was restored. Read the resources again through their changes feeds, then events without a cursor.")

// ErrNotFound is the answer for an event that never was, was pruned, or is about what the caller may not see.
var ErrNotFound = outbox.ErrNoEvent

// Filter narrows events. A zero field does not narrow.
type Filter struct {
	Types       []string
	Resources   []string
	Dealerships []kernel.DealershipID
	Since       time.Time
}

func (f Filter) fits(e *Event) bool {
	return in(f.Types, e.Type) && in(f.Resources, e.Resource) && in(f.Dealerships, e.Dealership) && !e.At.Before(f.Since)
}

func in[T comparable](list []T, v T) bool { return list == nil || slices.Contains(list, v) }
