// Package leadsdb keeps leads, their history and references, the inbox and the partners' projection in Postgres. It alone
// names those tables.
//
// The statements of intake, of one lead and of lists go to pgx rather than through gorm: they are the hot paths, and the
// bench shows that it pays there (make bench).
package leadsdb

import (
	"context"
	"fmt"
	"time"

	"github.com/goccy/go-json"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/leads"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
)

// Store keeps leads.
type Store struct{ db *db.DB }

var (
	_ leads.Store        = (*Store)(nil)
	_ leads.PartnerStore = (*Store)(nil)
)

// New returns a store.
func New(d *db.DB) *Store { return &Store{db: d} }

const columns = `l.id, l.version, l.dealership_id, l.contact_id, l.type, l.channel, l.status, l.status_reason, l.source, l.partner_id,
	l.assignee_id, l.duplicate_of, l.inbox_id, l.content_hash, l.test, l.score, l.requested_at, l.received_at, l.viewed_at,
	l.postponed_until, l.closed_at, l.won_vin, l.order_number, l.sold_at, l.details, l.created_at, l.updated_at, l.deleted_at`

// scan reads the columns. Ids that may be null are read through pointers and are zero in the lead.
func scan(r pgx.Row) (leads.Lead, error) {
	var (
		l                             leads.Lead
		partner, assignee, dup, inbox *uuid.UUID
		typ, channel, status          string
		details                       []byte
	)
	err := r.Scan(&l.ID, &l.Version, &l.DealershipID, &l.ContactID, &typ, &channel, &status, &l.StatusReason, &l.Source, &partner,
		&assignee, &dup, &inbox, &l.ContentHash, &l.Test, &l.Score, &l.RequestedAt, &l.ReceivedAt, &l.ViewedAt,
		&l.PostponedUntil, &l.ClosedAt, &l.Sale.VIN, &l.Sale.OrderNumber, &l.Sale.SoldAt, &details, &l.CreatedAt, &l.UpdatedAt, &l.DeletedAt)
	if err != nil {
		return l, err
	}
	l.Type, l.Channel, l.Status = leads.Type(typ), leads.Channel(channel), leads.Status(status)
	l.PartnerID = orZero[kernel.PartnerID](partner)
	l.AssigneeID = orZero[kernel.UserID](assignee)
	l.DuplicateOf = orZero[kernel.LeadID](dup)
	l.InboxID = orZero[kernel.InboxID](inbox)
	if err := json.Unmarshal(details, &l.Details); err != nil {
		return l, fmt.Errorf("read the details of lead %s: %w", l.ID, err)
	}
	return l, nil
}

func orZero[I ~[16]byte](id *uuid.UUID) I {
	if id == nil {
		return I{}
	}
	return I(*id)
}

func orNull[I ~[16]byte](id I) *uuid.UUID {
	u := uuid.UUID(id)
	if u == uuid.Nil {
		return nil
	}
	return &u
}

const insertLead = `INSERT INTO leads
	(account_id, id, version, dealership_id, contact_id, type, channel, status, status_reason, source, partner_id, assignee_id,
	 duplicate_of, inbox_id, content_hash, test, score, requested_at, received_at, viewed_at, postponed_until, closed_at, won_vin,
	 order_number, sold_at, details, search, created_at, updated_at, deleted_at)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30)`

// Insert implements leads.Store.
func (s *Store) Insert(ctx context.Context, account kernel.AccountID, l *leads.Lead, refs []leads.Ref) error {
	args, err := rowOf(account, l)
	if err != nil {
		return err
	}
	if err := s.db.Queue(ctx, account, insertLead, args, nil, nil); err != nil {
		return err
	}
	if err := s.AddRefs(ctx, account, l.ID, refs); err != nil {
		return err
	}
	return s.project(ctx, account, l)
}

func rowOf(account kernel.AccountID, l *leads.Lead) ([]any, error) {
	details, err := json.Marshal(l.Details)
	if err != nil {
		return nil, fmt.Errorf("write the details of lead %s: %w", l.ID, err)
	}
	return []any{
		account, l.ID, l.Version, l.DealershipID, l.ContactID, string(l.Type), string(l.Channel), string(l.Status), l.StatusReason, l.Source,
		orNull(l.PartnerID), orNull(l.AssigneeID), orNull(l.DuplicateOf), orNull(l.InboxID), l.ContentHash, l.Test, l.Score, l.RequestedAt,
		l.ReceivedAt, l.ViewedAt, l.PostponedUntil, l.ClosedAt, l.Sale.VIN, l.Sale.OrderNumber, l.Sale.SoldAt, details, l.Search,
		l.CreatedAt, l.UpdatedAt, l.DeletedAt,
	}, nil
}

// The search text is written only when there is one: a lead that was read does not carry it.
const updateLead = `UPDATE leads SET version = $3, dealership_id = $4, contact_id = $5, type = $6, channel = $7, status = $8, status_reason = $9,
	source = $10, partner_id = $11, assignee_id = $12, duplicate_of = $13, inbox_id = $14, content_hash = $15, test = $16, score = $17,
	requested_at = $18, received_at = $19, viewed_at = $20, postponed_until = $21, closed_at = $22, won_vin = $23, order_number = $24,
	sold_at = $25, details = $26, search = coalesce(nullif($27, ''), search), created_at = $28, updated_at = $29, deleted_at = $30
	WHERE account_id = $1 AND id = $2`

// Save implements leads.Store. The row is locked since it was read, so nothing waits to hear that it was written.
func (s *Store) Save(ctx context.Context, account kernel.AccountID, l *leads.Lead) error {
	args, err := rowOf(account, l)
	if err != nil {
		return err
	}
	if err := s.db.Queue(ctx, account, updateLead, args, nil, nil); err != nil {
		return err
	}
	return s.project(ctx, account, l)
}

const upsertProjection = `INSERT INTO partner_leads (account_id, partner_id, lead_id, dealership_id, status, created_at, updated_at, deleted_at)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
	ON CONFLICT (account_id, partner_id, lead_id) DO UPDATE SET dealership_id = excluded.dealership_id, status = excluded.status,
	updated_at = excluded.updated_at, deleted_at = excluded.deleted_at`

// project keeps what the partner sees in step with the lead.
func (s *Store) project(ctx context.Context, account kernel.AccountID, l *leads.Lead) error {
	if l.PartnerID.IsZero() {
		return nil
	}
	args := []any{account, l.PartnerID, l.ID, l.DealershipID, string(l.Status), l.CreatedAt, l.UpdatedAt, l.DeletedAt}
	return s.db.Queue(ctx, account, upsertProjection, args, nil, nil)
}

// Find implements leads.Store.
func (s *Store) Find(ctx context.Context, account kernel.AccountID, id kernel.LeadID, lock bool) (leads.Lead, error) {
	sql := `SELECT ` + columns + ` FROM leads l WHERE l.account_id = $1 AND l.id = $2`
	if lock {
		sql += ` FOR NO KEY UPDATE` // nothing here changes a key, and rows that refer to the lead need not wait
	}
	return s.one(ctx, account, sql, account, id)
}

// FindByRef implements leads.Store.
func (s *Store) FindByRef(ctx context.Context, account kernel.AccountID, ref leads.Ref) (leads.Lead, error) {
	sql := `SELECT ` + columns + ` FROM lead_refs r JOIN leads l ON l.account_id = r.account_id AND l.id = r.lead_id
		WHERE r.account_id = $1 AND r.source = $2 AND r.external_id = $3 FOR NO KEY UPDATE OF l`
	return s.one(ctx, account, sql, account, key(ref), ref.ID)
}

func (s *Store) one(ctx context.Context, account kernel.AccountID, sql string, args ...any) (leads.Lead, error) {
	l, found := leads.Lead{}, false
	err := s.db.Query(ctx, account, sql, args, func(r pgx.Rows) (err error) {
		l, err = scan(r)
		found = true
		return err
	})
	switch {
	case err != nil:
		return leads.Lead{}, fmt.Errorf("find a lead: %w", err)
	case !found:
		return leads.Lead{}, leads.ErrNotFound
	}
	return l, nil
}

// FindMany implements leads.Store.
func (s *Store) FindMany(ctx context.Context, account kernel.AccountID, ids []kernel.LeadID) ([]leads.Lead, error) {
	return s.read(ctx, account, `SELECT `+columns+` FROM leads l WHERE l.account_id = $1 AND l.id = ANY ($2)`, account, uuids(ids))
}

// ListByID implements leads.Store.
func (s *Store) ListByID(ctx context.Context, account kernel.AccountID, after kernel.LeadID, limit int) ([]leads.Lead, error) {
	return s.read(ctx, account, `SELECT `+columns+` FROM leads l WHERE l.account_id = $1 AND l.id > $2 ORDER BY l.id LIMIT $3`, account, after, limit)
}

func (s *Store) read(ctx context.Context, account kernel.AccountID, sql string, args ...any) ([]leads.Lead, error) {
	out := []leads.Lead{}
	err := s.db.Query(ctx, account, sql, args, func(r pgx.Rows) error {
		l, err := scan(r)
		if err == nil {
			out = append(out, l)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read leads: %w", err)
	}
	return out, nil
}

func uuids[I ~[16]byte](ids []I) []uuid.UUID {
	if ids == nil {
		return nil
	}
	out := make([]uuid.UUID, len(ids))
	for i, id := range ids {
		out[i] = uuid.UUID(id)
	}
	return out
}

func texts[S ~string](list []S) []string {
	if list == nil {
		return nil
	}
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}

const selectRecent = `SELECT id, status, type, source, partner_id, test, content_hash, received_at, duplicate_of FROM leads
	WHERE account_id = $1 AND contact_id = $2 AND dealership_id = $3 AND created_at >= $4 AND deleted_at IS NULL
	ORDER BY created_at DESC, id DESC`

// Recent implements leads.Store.
func (s *Store) Recent(ctx context.Context, account kernel.AccountID, c kernel.ContactID, d kernel.DealershipID, since time.Time) ([]leads.Candidate, error) {
	var out []leads.Candidate
	err := s.db.Query(ctx, account, selectRecent, []any{account, c, d, since}, func(r pgx.Rows) error {
		var (
			k           leads.Candidate
			status, typ string
			sender, dup *uuid.UUID
		)
		if err := r.Scan(&k.ID, &status, &typ, &k.Source, &sender, &k.Test, &k.ContentHash, &k.ReceivedAt, &dup); err != nil {
			return err
		}
		k.Status, k.Type, k.DuplicateOf = leads.Status(status), leads.Type(typ), orZero[kernel.LeadID](dup)
		k.PartnerID = orZero[kernel.PartnerID](sender)
		out = append(out, k)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read a contact's recent leads: %w", err)
	}
	return out, nil
}

// Reindex implements leads.Store. A contact has few leads: they are read and written one by one.
func (s *Store) Reindex(ctx context.Context, account kernel.AccountID, c kernel.ContactID, text func(*leads.Lead) string) error {
	list, err := s.read(ctx, account, `SELECT `+columns+` FROM leads l WHERE l.account_id = $1 AND l.contact_id = $2 ORDER BY l.id FOR NO KEY UPDATE`, account, c)
	if err != nil {
		return err
	}
	for i := range list {
		args := []any{account, list[i].ID, text(&list[i])}
		err := s.db.Queue(ctx, account, `UPDATE leads SET search = $3 WHERE account_id = $1 AND id = $2`, args, nil, nil)
		if err != nil {
			return err
		}
	}
	return nil
}

const openOf = `SELECT id FROM leads WHERE account_id = $1 AND assignee_id = $2 AND deleted_at IS NULL AND status NOT IN ('won', 'lost', 'invalid')
	ORDER BY created_at DESC, id DESC LIMIT $3`

// OpenOf implements leads.Store.
func (s *Store) OpenOf(ctx context.Context, account kernel.AccountID, user kernel.UserID, limit int) ([]kernel.LeadID, error) {
	var ids []kernel.LeadID
	err := s.db.Query(ctx, account, openOf, []any{account, user, limit}, func(r pgx.Rows) error {
		var id kernel.LeadID
		err := r.Scan(&id)
		ids = append(ids, id)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read a user's open leads: %w", err)
	}
	return ids, nil
}
