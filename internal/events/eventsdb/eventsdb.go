// Package eventsdb keeps webhook endpoints, their secrets, deliveries and attempts. It alone names those tables; the event
// log itself is platform/outbox's.
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
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/keyset"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
	"github.com/rooftop-crm/rooftop/internal/platform/secret"
)

// Store implements events.Store and events.LaneStore.
type Store struct {
	db   *db.DB
	ring *secret.Keyring
}

var (
	_ events.Store     = (*Store)(nil)
	_ events.LaneStore = (*Store)(nil)
)

// New returns the store. Secrets are sealed by the ring.
func New(d *db.DB, ring *secret.Keyring) *Store { return &Store{db: d, ring: ring} }

const sealPurpose = "webhook secret"

type endpointRow struct {
	AccountID      kernel.AccountID `gorm:"primaryKey"`
	ID             kernel.WebhookID `gorm:"primaryKey"`
	Version        int64
	URL            string
	Description    string
	EventTypes     []string              `gorm:"serializer:json"`
	Resources      []string              `gorm:"serializer:json"`
	DealershipIDs  []kernel.DealershipID `gorm:"column:dealership_ids;serializer:json"`
	Scopes         []auth.Scope          `gorm:"serializer:json"`
	Enabled        bool
	DisabledReason string
	DisabledAt     *time.Time
	CreatedAt      time.Time `gorm:"autoCreateTime:false"`
	UpdatedAt      time.Time `gorm:"autoUpdateTime:false"`
	DeletedAt      *time.Time
}

// TableName is gorm's question.
func (endpointRow) TableName() string { return "webhook_endpoints" }

func toRow(account kernel.AccountID, e events.Endpoint) endpointRow {
	return endpointRow{
		AccountID: account, ID: e.ID, Version: e.Version, URL: e.URL, Description: e.Description, EventTypes: e.Types, Resources: e.Resources,
		DealershipIDs: e.Dealerships, Scopes: e.Scopes.List(), Enabled: e.Enabled, DisabledReason: e.DisabledReason, DisabledAt: e.DisabledAt,
		CreatedAt: e.CreatedAt, UpdatedAt: e.UpdatedAt, DeletedAt: e.DeletedAt,
	}
}

func fromRow(r endpointRow) events.Endpoint {
	return events.Endpoint{
		ID: r.ID, Version: r.Version, Scopes: auth.NewScopeSet(r.Scopes...), DisabledReason: r.DisabledReason, DisabledAt: r.DisabledAt,
		EndpointDetails: events.EndpointDetails{
			URL: r.URL, Description: r.Description, Types: r.EventTypes, Resources: r.Resources, Dealerships: r.DealershipIDs, Enabled: r.Enabled,
		},
		CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, DeletedAt: r.DeletedAt,
	}
}

type secretRow struct {
	AccountID  kernel.AccountID `gorm:"primaryKey"`
	ID         uuid.UUID        `gorm:"primaryKey"`
	EndpointID kernel.WebhookID
	Sealed     []byte
	CreatedAt  time.Time `gorm:"autoCreateTime:false"`
	ExpiresAt  *time.Time
}

// TableName is gorm's question.
func (secretRow) TableName() string { return "webhook_secrets" }

func (s *Store) endpoints(ctx context.Context, account kernel.AccountID) *gorm.DB {
	return s.db.Conn(ctx, account).Model(&endpointRow{}).Where("account_id = ?", account)
}

// find reads endpoints with their secrets. The query names the account.
func (s *Store) find(ctx context.Context, account kernel.AccountID, q *gorm.DB) ([]events.Endpoint, error) {
	var rows []endpointRow
	if err := q.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read endpoints: %w", err)
	}
	out := make([]events.Endpoint, len(rows))
	for i, r := range rows {
		out[i] = fromRow(r)
	}
	return out, s.addSecrets(ctx, account, out)
}

func (s *Store) addSecrets(ctx context.Context, account kernel.AccountID, all []events.Endpoint) error {
	if len(all) == 0 {
		return nil
	}
	ids := make([]kernel.WebhookID, len(all))
	at := map[kernel.WebhookID]int{}
	for i, e := range all {
		ids[i], at[e.ID] = e.ID, i
	}
	var rows []secretRow
	err := s.db.Conn(ctx, account).Where("account_id = ? AND endpoint_id IN ?", account, ids).Order("created_at").Order("id").Find(&rows).Error
	if err != nil {
		return fmt.Errorf("read secrets: %w", err)
	}
	for _, r := range rows {
		text, err := s.ring.Open(sealPurpose, r.Sealed)
		if err != nil {
			return fmt.Errorf("open a webhook secret: %w", err)
		}
		e := &all[at[r.EndpointID]]
		e.Secrets = append(e.Secrets, events.Secret{ID: r.ID, Text: string(text), CreatedAt: r.CreatedAt, ExpiresAt: r.ExpiresAt})
	}
	return nil
}

// InsertEndpoint implements events.Store.
func (s *Store) InsertEndpoint(ctx context.Context, account kernel.AccountID, e events.Endpoint, position int64) error {
	row := toRow(account, e)
	if err := s.db.Conn(ctx, account).Create(&row).Error; err != nil {
		return fmt.Errorf("insert endpoint: %w", err)
	}
	if err := s.saveSecrets(ctx, account, e); err != nil {
		return err
	}
	if err := s.db.Queue(ctx, account, `INSERT INTO webhook_lanes (account_id, endpoint_id) VALUES ($1, $2)`, []any{account, e.ID}, nil, nil); err != nil {
		return err
	}
	return s.db.Queue(ctx, account, `INSERT INTO webhook_positions (account_id, position) VALUES ($1, $2) ON CONFLICT (account_id) DO NOTHING`,
		[]any{account, position}, nil, nil)
}

// saveSecrets makes the endpoint's secrets those that it has.
func (s *Store) saveSecrets(ctx context.Context, account kernel.AccountID, e events.Endpoint) error {
	ids := make([]uuid.UUID, len(e.Secrets))
	rows := make([]secretRow, len(e.Secrets))
	for i, sec := range e.Secrets {
		ids[i] = sec.ID
		rows[i] = secretRow{
			AccountID: account, ID: sec.ID, EndpointID: e.ID, Sealed: s.ring.Seal(sealPurpose, []byte(sec.Text)), CreatedAt: sec.CreatedAt, ExpiresAt: sec.ExpiresAt,
		}
	}
	conn := s.db.Conn(ctx, account)
	err := conn.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "account_id"}, {Name: "id"}}, DoUpdates: clause.AssignmentColumns([]string{"expires_at"})}).
		Create(&rows).Error
	if err == nil {
		err = s.db.Conn(ctx, account).Where("account_id = ? AND endpoint_id = ? AND id NOT IN ?", account, e.ID, ids).Delete(&secretRow{}).Error
	}
	if err != nil {
		return fmt.Errorf("save secrets: %w", err)
	}
	return nil
}

// Endpoint implements events.Store.
func (s *Store) Endpoint(ctx context.Context, account kernel.AccountID, id kernel.WebhookID) (events.Endpoint, error) {
	return s.one(ctx, account, s.endpoints(ctx, account).Where("id = ?", id))
}

func (s *Store) one(ctx context.Context, account kernel.AccountID, q *gorm.DB) (events.Endpoint, error) {
	found, err := s.find(ctx, account, q)
	if err != nil {
		return events.Endpoint{}, err
	}
	if len(found) == 0 {
		return events.Endpoint{}, events.ErrEndpointNotFound
	}
	return found[0], nil
}

// ListEndpoints implements events.Store.
func (s *Store) ListEndpoints(ctx context.Context, account kernel.AccountID, f events.EndpointFilter, p page.Request) (page.Of[events.Endpoint], error) {
	if p.Sort.Field != "created_at" && p.Sort.Field != "updated_at" {
		return page.Of[events.Endpoint]{}, fmt.Errorf("endpoints cannot be sorted by %q", p.Sort.Field)
	}
	filtered := func() *gorm.DB {
		q := s.endpoints(ctx, account).Where("deleted_at IS NULL")
		if f.Enabled != nil {
			q = q.Where("enabled = ?", *f.Enabled)
		}
		return q
	}
	items, err := s.find(ctx, account, keyset.Apply(filtered(), p))
	if err != nil {
		return page.Of[events.Endpoint]{}, err
	}
	out := page.Cut(items, p.Limit, func(e events.Endpoint) page.Key { return e.PageKey(p.Sort) })
	out.Total, err = keyset.Count(filtered(), p.Count)
	return out, err
}

// Endpoints implements events.Store.
func (s *Store) Endpoints(ctx context.Context, account kernel.AccountID, ids []kernel.WebhookID) ([]events.Endpoint, error) {
	return s.find(ctx, account, s.endpoints(ctx, account).Where("id IN ?", ids))
}

// EndpointsByID implements events.Store.
func (s *Store) EndpointsByID(ctx context.Context, account kernel.AccountID, after uuid.UUID, limit int) ([]events.Endpoint, error) {
	return s.find(ctx, account, s.endpoints(ctx, account).Where("id > ?", after).Order("id").Limit(limit))
}

// Active implements events.Store. It reads no secrets: nothing is sent yet.
func (s *Store) Active(ctx context.Context, account kernel.AccountID) ([]events.Endpoint, error) {
	var rows []endpointRow
	if err := s.endpoints(ctx, account).Where("deleted_at IS NULL AND enabled").Order("id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read active endpoints: %w", err)
	}
	out := make([]events.Endpoint, len(rows))
	for i, r := range rows {
		out[i] = fromRow(r)
	}
	return out, nil
}

// Count implements events.Store.
func (s *Store) Count(ctx context.Context, account kernel.AccountID) (int, error) {
	var n int
	err := s.db.QueryRow(ctx, account, `SELECT count(*) FROM (
		SELECT id FROM webhook_endpoints WHERE account_id = $1 AND deleted_at IS NULL FOR UPDATE) e`, []any{account}, &n)
	if err != nil {
		return 0, fmt.Errorf("count endpoints: %w", err)
	}
	return n, nil
}

// UpdateEndpoint implements events.Store.
func (s *Store) UpdateEndpoint(
	ctx context.Context, account kernel.AccountID, id kernel.WebhookID, change func(*events.Endpoint) (bool, error),
) (events.Endpoint, error) {
	e, err := s.one(ctx, account, s.endpoints(ctx, account).Where("id = ?", id).Clauses(clause.Locking{Strength: "UPDATE"}))
	if err != nil {
		return e, err
	}
	write, err := change(&e)
	if err != nil || !write {
		return e, err
	}
	row := toRow(account, e)
	res := s.endpoints(ctx, account).Where("id = ?", id).Select("*").Updates(&row)
	if res.Error != nil {
		return e, fmt.Errorf("update endpoint: %w", res.Error)
	}
	if res.RowsAffected != 1 {
		return e, fmt.Errorf("update endpoint: %d rows changed", res.RowsAffected)
	}
	return e, s.saveSecrets(ctx, account, e)
}

// Backlog implements events.LaneStore.
func (s *Store) Backlog(ctx context.Context, limit int) ([]kernel.AccountID, error) {
	var out []kernel.AccountID
	err := s.db.QueryControl(ctx, `SELECT b FROM webhook_backlog($1) b`, []any{limit}, func(r pgx.Rows) error {
		var a kernel.AccountID
		if err := r.Scan(&a); err != nil {
			return err
		}
		out = append(out, a)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for events to deliver: %w", err)
	}
	return out, nil
}

// Orphans implements events.LaneStore.
func (s *Store) Orphans(ctx context.Context, now, queuedBefore time.Time, each func(kernel.AccountID, kernel.WebhookID)) error {
	err := s.db.QueryControl(ctx, `SELECT account, endpoint FROM webhook_orphans($1, $2)`, []any{now, queuedBefore}, func(r pgx.Rows) error {
		var a kernel.AccountID
		var e kernel.WebhookID
		if err := r.Scan(&a, &e); err != nil {
			return err
		}
		each(a, e)
		return nil
	})
	if err != nil {
		return fmt.Errorf("look for endpoints whose sender died: %w", err)
	}
	return nil
}

// TakePosition implements events.Store.
func (s *Store) TakePosition(ctx context.Context, account kernel.AccountID) (position int64, ok bool, _ error) {
	err := s.db.QueryRow(ctx, account, `SELECT position FROM webhook_positions WHERE account_id = $1 FOR UPDATE SKIP LOCKED`, []any{account}, &position)
	if errors.Is(err, db.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("take the place of webhooks: %w", err)
	}
	return position, true, nil
}

// SetPosition implements events.Store.
func (s *Store) SetPosition(ctx context.Context, account kernel.AccountID, position int64) error {
	return s.db.Queue(ctx, account, `UPDATE webhook_positions SET position = $2 WHERE account_id = $1`, []any{account, position}, nil, nil)
}
