package eventsdb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/rooftop-crm/rooftop/internal/events"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/keyset"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

type deliveryRow struct {
	AccountID    kernel.AccountID  `gorm:"primaryKey"`
	ID           kernel.DeliveryID `gorm:"primaryKey"`
	EndpointID   kernel.WebhookID
	EventID      uuid.UUID
	EventType    string
	ResourceType string
	ResourceID   uuid.UUID
	Sequence     int64
	Position     int64
	Body         string
	State        string
	Tries        int
	Attempts     int
	NextAt       *time.Time
	LastStatus   *int
	LastError    string
	CreatedAt    time.Time `gorm:"autoCreateTime:false"`
	UpdatedAt    time.Time `gorm:"autoUpdateTime:false"`
	DeliveredAt  *time.Time
}

// TableName is gorm's question.
func (deliveryRow) TableName() string { return "webhook_deliveries" }

func toDelivery(account kernel.AccountID, d events.Delivery) deliveryRow {
	return deliveryRow{
		AccountID: account, ID: d.ID, EndpointID: d.Endpoint, EventID: d.EventID, EventType: d.EventType, ResourceType: d.Resource, ResourceID: d.ResourceID,
		Sequence: d.Sequence, Position: d.Position, Body: d.Body, State: string(d.State), Tries: d.Tries, Attempts: d.Attempts, NextAt: d.NextAt,
		LastStatus: statusOf(d.LastStatus), LastError: d.LastError, CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt, DeliveredAt: d.DeliveredAt,
	}
}

func statusOf(n int) *int {
	if n == 0 {
		return nil
	}
	return &n
}

func fromDelivery(r deliveryRow) events.Delivery {
	d := events.Delivery{
		ID: r.ID, Endpoint: r.EndpointID, EventID: r.EventID, EventType: r.EventType, Resource: r.ResourceType, ResourceID: r.ResourceID,
		Sequence: r.Sequence, Position: r.Position, Body: r.Body, State: events.DeliveryState(r.State), Tries: r.Tries, Attempts: r.Attempts,
		NextAt: r.NextAt, LastError: r.LastError, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, DeliveredAt: r.DeliveredAt,
	}
	if r.LastStatus != nil {
		d.LastStatus = *r.LastStatus
	}
	return d
}

func (s *Store) deliveries(ctx context.Context, account kernel.AccountID) *gorm.DB {
	return s.db.Conn(ctx, account).Model(&deliveryRow{}).Where("account_id = ?", account)
}

func findDeliveries(q *gorm.DB) ([]events.Delivery, error) {
	var rows []deliveryRow
	if err := q.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read deliveries: %w", err)
	}
	out := make([]events.Delivery, len(rows))
	for i, r := range rows {
		out[i] = fromDelivery(r)
	}
	return out, nil
}

// sameEvent is the key that tells that an event is on its way to an endpoint already.
var sameEvent = []clause.Column{{Name: "account_id"}, {Name: "endpoint_id"}, {Name: "event_id"}}

func rowsOf(account kernel.AccountID, all []events.Delivery) []deliveryRow {
	rows := make([]deliveryRow, len(all))
	for i, d := range all {
		rows[i] = toDelivery(account, d)
	}
	return rows
}

// InsertDeliveries implements events.Store.
func (s *Store) InsertDeliveries(ctx context.Context, account kernel.AccountID, all []events.Delivery) error {
	rows := rowsOf(account, all)
	if err := s.db.Conn(ctx, account).Clauses(clause.OnConflict{Columns: sameEvent, DoNothing: true}).Create(&rows).Error; err != nil {
		return fmt.Errorf("insert deliveries: %w", err)
	}
	return nil
}

// Replay implements events.Store.
func (s *Store) Replay(ctx context.Context, account kernel.AccountID, all []events.Delivery, only []events.DeliveryState) (int, error) {
	ids, states := make([]uuid.UUID, len(all)), []string{"delivered", "failed", "cancelled"}
	for i, d := range all {
		ids[i] = d.EventID
	}
	if only != nil {
		states = texts(only)
	}
	res := s.deliveries(ctx, account).Where("endpoint_id = ? AND event_id IN ? AND state IN ? AND state <> 'pending'", all[0].Endpoint, ids, states).
		Updates(map[string]any{"state": "pending", "tries": 0, "next_at": all[0].NextAt, "updated_at": all[0].UpdatedAt, "delivered_at": nil})
	if res.Error != nil {
		return 0, fmt.Errorf("replay deliveries: %w", res.Error)
	}
	begun := res.RowsAffected
	if only == nil {
		rows := rowsOf(account, all)
		res = s.db.Conn(ctx, account).Clauses(clause.OnConflict{Columns: sameEvent, DoNothing: true}).Create(&rows)
		if res.Error != nil {
			return 0, fmt.Errorf("insert deliveries to replay: %w", res.Error)
		}
		begun += res.RowsAffected
	}
	return int(begun), nil
}

func texts(states []events.DeliveryState) []string {
	out := make([]string, len(states))
	for i, st := range states {
		out[i] = string(st)
	}
	return out
}

// Delivery implements events.Store.
func (s *Store) Delivery(ctx context.Context, account kernel.AccountID, id kernel.DeliveryID) (events.Delivery, error) {
	found, err := findDeliveries(s.deliveries(ctx, account).Where("id = ?", id))
	if err != nil {
		return events.Delivery{}, err
	}
	if len(found) == 0 {
		return events.Delivery{}, events.ErrEndpointNotFound
	}
	return found[0], nil
}

// ListDeliveries implements events.Store.
func (s *Store) ListDeliveries(ctx context.Context, account kernel.AccountID, f events.DeliveryFilter, p page.Request) (page.Of[events.Delivery], error) {
	if p.Sort.Field != "created_at" {
		return page.Of[events.Delivery]{}, fmt.Errorf("deliveries cannot be sorted by %q", p.Sort.Field)
	}
	filtered := func() *gorm.DB {
		q := s.deliveries(ctx, account)
		if f.Endpoint != nil {
			q = q.Where("endpoint_id = ?", *f.Endpoint)
		}
		if f.States != nil {
			q = q.Where("state IN ?", texts(f.States))
		}
		if f.Types != nil {
			q = q.Where("event_type IN ?", f.Types)
		}
		if f.EventID != nil {
			q = q.Where("event_id = ?", *f.EventID)
		}
		if f.CreatedFrom != nil {
			q = q.Where("created_at >= ?", *f.CreatedFrom)
		}
		if f.CreatedBefore != nil {
			q = q.Where("created_at < ?", *f.CreatedBefore)
		}
		return q
	}
	items, err := findDeliveries(keyset.Apply(filtered(), p))
	if err != nil {
		return page.Of[events.Delivery]{}, err
	}
	out := page.Cut(items, p.Limit, func(d events.Delivery) page.Key { return d.PageKey(p.Sort) })
	out.Total, err = keyset.Count(filtered(), p.Count)
	return out, err
}

const (
	selectAttempts = `SELECT number, at, duration_ms, coalesce(status, 0), error, url, request_headers, response_headers, response_body
		FROM webhook_attempts WHERE account_id = $1 AND delivery_id = $2 ORDER BY number`
	insertAttempt = `INSERT INTO webhook_attempts
		(account_id, delivery_id, number, at, duration_ms, status, error, url, request_headers, response_headers, response_body)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (account_id, delivery_id, number) DO NOTHING`
	saveDelivery = `UPDATE webhook_deliveries SET state = $3, tries = $4, attempts = $5, next_at = $6, last_status = $7, last_error = $8,
		updated_at = $9, delivered_at = $10 WHERE account_id = $1 AND id = $2 AND (state = 'pending' OR $3 = 'delivered')`
)

// Attempts implements events.Store.
func (s *Store) Attempts(ctx context.Context, account kernel.AccountID, id kernel.DeliveryID) ([]events.Attempt, error) {
	out := []events.Attempt{}
	err := s.db.Query(ctx, account, selectAttempts, []any{account, id}, func(r pgx.Rows) error {
		var a events.Attempt
		var ms int64
		if err := r.Scan(&a.Number, &a.At, &ms, &a.Status, &a.Error, &a.URL, &a.RequestHeaders, &a.ResponseHeaders, &a.ResponseBody); err != nil {
			return err
		}
		a.Took = time.Duration(ms) * time.Millisecond
		out = append(out, a)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read attempts: %w", err)
	}
	return out, nil
}

// SaveAttempt implements events.Store.
func (s *Store) SaveAttempt(ctx context.Context, account kernel.AccountID, d events.Delivery, a events.Attempt) error {
	headers := a.ResponseHeaders
	if headers == nil {
		headers = map[string]string{}
	}
	args := []any{
		account, d.ID, a.Number, a.At, a.Took.Milliseconds(), statusOf(a.Status), a.Error, a.URL, a.RequestHeaders, headers, a.ResponseBody,
	}
	if err := s.db.Queue(ctx, account, insertAttempt, args, nil, nil); err != nil {
		return err
	}
	return s.db.Queue(ctx, account, saveDelivery, []any{
		account, d.ID, string(d.State), d.Tries, d.Attempts, d.NextAt, statusOf(d.LastStatus), d.LastError, d.UpdatedAt, d.DeliveredAt,
	}, nil, nil)
}

// Cancel implements events.Store.
func (s *Store) Cancel(ctx context.Context, account kernel.AccountID, endpoint kernel.WebhookID, now time.Time) error {
	const cancel = `UPDATE webhook_deliveries SET state = 'cancelled', next_at = NULL, updated_at = $3
		WHERE account_id = $1 AND endpoint_id = $2 AND state = 'pending'`
	return s.db.Queue(ctx, account, cancel, []any{account, endpoint, now}, nil, nil)
}

// Due implements events.Store.
func (s *Store) Due(ctx context.Context, account kernel.AccountID, endpoint kernel.WebhookID, now time.Time, limit int) ([]events.Delivery, error) {
	return findDeliveries(s.deliveries(ctx, account).Where("endpoint_id = ? AND state = 'pending' AND next_at <= ?", endpoint, now).
		Order("next_at").Order("position").Order("id").Limit(limit))
}

// NextAt implements events.Store.
func (s *Store) NextAt(ctx context.Context, account kernel.AccountID, endpoint kernel.WebhookID) (*time.Time, error) {
	var next *time.Time
	err := s.db.QueryRow(ctx, account, `SELECT min(next_at) FROM webhook_deliveries WHERE account_id = $1 AND endpoint_id = $2 AND state = 'pending'`,
		[]any{account, endpoint}, &next)
	if err != nil {
		return nil, fmt.Errorf("ask when the next delivery is due: %w", err)
	}
	return next, nil
}

// PurgeDeliveries implements events.Store.
func (s *Store) PurgeDeliveries(ctx context.Context, account kernel.AccountID, olderThan time.Time, limit int) (int, error) {
	const purge = `DELETE FROM webhook_deliveries WHERE account_id = $1 AND id IN (
		SELECT id FROM webhook_deliveries WHERE account_id = $1 AND created_at < $2 AND state <> 'pending' ORDER BY created_at, id LIMIT $3)`
	n, err := s.db.Exec(ctx, account, purge, account, olderThan, limit)
	if err != nil {
		return 0, fmt.Errorf("purge deliveries: %w", err)
	}
	return int(n), nil
}

const (
	free      = `(holder IS NULL OR held_until < $3 OR (holder <> 0 AND NOT process_present(holder)))`
	queueLane = `UPDATE webhook_lanes SET queued_at = $3 WHERE account_id = $1 AND endpoint_id = $2 AND ` + free + `
		AND (queued_at IS NULL OR queued_at < $4)`
	takeLane = `UPDATE webhook_lanes SET holder = $4, held_until = $5, queued_at = NULL WHERE account_id = $1 AND endpoint_id = $2 AND ` + free + `
		RETURNING failures, failing_since, paused_until`
	lockLane = `SELECT failures, failing_since, paused_until FROM webhook_lanes WHERE account_id = $1 AND endpoint_id = $2 FOR UPDATE`
	saveLane = `UPDATE webhook_lanes SET failures = $3, failing_since = $4, paused_until = $5, held_until = $6
		WHERE account_id = $1 AND endpoint_id = $2`
	freeLane = `UPDATE webhook_lanes SET holder = NULL, held_until = NULL WHERE account_id = $1 AND endpoint_id = $2
		RETURNING failures, failing_since, paused_until`
)

// Queued implements events.Store.
func (s *Store) Queued(ctx context.Context, account kernel.AccountID, endpoint kernel.WebhookID, now time.Time) (bool, error) {
	const begins = time.Second // as long is a job believed to be about to begin
	n, err := s.db.Exec(ctx, account, queueLane, account, endpoint, now, now.Add(-begins))
	if err != nil {
		return false, fmt.Errorf("queue an endpoint: %w", err)
	}
	return n == 1, nil
}

func (s *Store) lane(ctx context.Context, account kernel.AccountID, sql string, args ...any) (events.Lane, error) {
	var l events.Lane
	err := s.db.QueryRow(ctx, account, sql, args, &l.Failures, &l.FailingSince, &l.PausedUntil)
	if err != nil && !errors.Is(err, db.ErrNoRows) {
		err = fmt.Errorf("read a lane: %w", err)
	}
	return l, err
}

// TakeLane implements events.Store.
func (s *Store) TakeLane(
	ctx context.Context, account kernel.AccountID, endpoint kernel.WebhookID, presence int32, now, until time.Time,
) (events.Lane, bool, error) {
	l, err := s.lane(ctx, account, takeLane, account, endpoint, now, presence, until)
	if errors.Is(err, db.ErrNoRows) {
		return l, false, nil
	}
	return l, err == nil, err
}

// UpdateLane implements events.Store.
func (s *Store) UpdateLane(
	ctx context.Context, account kernel.AccountID, endpoint kernel.WebhookID, until time.Time, change func(*events.Lane),
) (events.Lane, error) {
	l, err := s.lane(ctx, account, lockLane, account, endpoint)
	if err != nil {
		return l, err
	}
	change(&l)
	return l, s.db.Queue(ctx, account, saveLane, []any{account, endpoint, l.Failures, l.FailingSince, l.PausedUntil, until}, nil, nil)
}

// FreeLane implements events.Store.
func (s *Store) FreeLane(ctx context.Context, account kernel.AccountID, endpoint kernel.WebhookID) (events.Lane, error) {
	return s.lane(ctx, account, freeLane, account, endpoint)
}
