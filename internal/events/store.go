package events

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// Store keeps endpoints and deliveries.
type Store interface {
	// InsertEndpoint also makes the endpoint's lane, and the account's place in the event order, at position, when it has none.
	InsertEndpoint(ctx context.Context, account kernel.AccountID, e Endpoint, position int64) error
	// Endpoint reads one with its secrets, deleted or not. It fails with ErrEndpointNotFound.
	Endpoint(ctx context.Context, account kernel.AccountID, id kernel.WebhookID) (Endpoint, error)
	ListEndpoints(ctx context.Context, account kernel.AccountID, f EndpointFilter, p page.Request) (page.Of[Endpoint], error)
	// Endpoints reads what there is of the ids, deleted or not; EndpointsByID all of them by id; Active those that are told of events.
	Endpoints(ctx context.Context, account kernel.AccountID, ids []kernel.WebhookID) ([]Endpoint, error)
	EndpointsByID(ctx context.Context, account kernel.AccountID, after uuid.UUID, limit int) ([]Endpoint, error)
	Active(ctx context.Context, account kernel.AccountID) ([]Endpoint, error)
	// Count counts the endpoints that are not deleted. It locks the account's until the transaction ends.
	Count(ctx context.Context, account kernel.AccountID) (int, error)
	// UpdateEndpoint locks the endpoint, runs change, and saves the endpoint and its secrets when change says so.
	UpdateEndpoint(ctx context.Context, account kernel.AccountID, id kernel.WebhookID, change func(*Endpoint) (bool, error)) (Endpoint, error)

	// TakePosition locks the account's place; false when another process has it, or there is none.
	TakePosition(ctx context.Context, account kernel.AccountID) (position int64, ok bool, _ error)
	SetPosition(ctx context.Context, account kernel.AccountID, position int64) error
	// InsertDeliveries adds what is not there yet.
	InsertDeliveries(ctx context.Context, account kernel.AccountID, all []Delivery) error
	// Replay begins anew with deliveries, adding those that are not there; what is there keeps its body. Pending ones stay.
	Replay(ctx context.Context, account kernel.AccountID, all []Delivery, only []DeliveryState) (int, error)

	Delivery(ctx context.Context, account kernel.AccountID, id kernel.DeliveryID) (Delivery, error)
	ListDeliveries(ctx context.Context, account kernel.AccountID, f DeliveryFilter, p page.Request) (page.Of[Delivery], error)
	Attempts(ctx context.Context, account kernel.AccountID, id kernel.DeliveryID) ([]Attempt, error)
	// SaveAttempt writes down one attempt with what became of its delivery. A delivery that is no longer pending stays as it is.
	SaveAttempt(ctx context.Context, account kernel.AccountID, d Delivery, a Attempt) error
	// Cancel ends the pending deliveries of an endpoint.
	Cancel(ctx context.Context, account kernel.AccountID, endpoint kernel.WebhookID, now time.Time) error
	// Due are the pending deliveries whose time has come, in the order of events.
	Due(ctx context.Context, account kernel.AccountID, endpoint kernel.WebhookID, now time.Time, limit int) ([]Delivery, error)
	// NextAt is when the next pending delivery of an endpoint is due; nil when there is none.
	NextAt(ctx context.Context, account kernel.AccountID, endpoint kernel.WebhookID) (*time.Time, error)

	// Queued notes that a job was asked for; false when one sends already.
	Queued(ctx context.Context, account kernel.AccountID, endpoint kernel.WebhookID, now time.Time) (bool, error)
	// TakeLane makes this process the one that sends to the endpoint until a time; false when another one does.
	TakeLane(ctx context.Context, account kernel.AccountID, endpoint kernel.WebhookID, presence int32, now, until time.Time) (Lane, bool, error)
	// UpdateLane locks the lane and saves what change makes of it, and holds it for longer.
	UpdateLane(ctx context.Context, account kernel.AccountID, endpoint kernel.WebhookID, until time.Time, change func(*Lane)) (Lane, error)
	// FreeLane gives the lane back. It stays locked until the transaction ends.
	FreeLane(ctx context.Context, account kernel.AccountID, endpoint kernel.WebhookID) (Lane, error)
	// PurgeDeliveries forgets those that are done and older than a time, some at a time.
	PurgeDeliveries(ctx context.Context, account kernel.AccountID, olderThan time.Time, limit int) (int, error)
}

// LaneStore finds work of every account.
type LaneStore interface {
	// Backlog names accounts with events that were not turned into deliveries.
	Backlog(ctx context.Context, limit int) ([]kernel.AccountID, error)
	// Orphans calls each with endpoints whose sender is gone, or whose job did not begin.
	Orphans(ctx context.Context, now, queuedBefore time.Time, each func(kernel.AccountID, kernel.WebhookID)) error
}
