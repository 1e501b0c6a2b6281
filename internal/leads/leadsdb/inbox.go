package leadsdb

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/leads"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// Inbox keeps documents.
type Inbox struct{ db *db.DB }

var _ leads.InboxStore = (*Inbox)(nil)

// NewInbox returns a store of documents.
func NewInbox(d *db.DB) *Inbox { return &Inbox{db: d} }

// partBytes is the most that one row of a document's body holds.
const partBytes = 1 << 20

const (
	insertDocument = `INSERT INTO inbox (account_id, id, version, kind, state, media_type, size_bytes, sha256, dealership_id, partner_id,
		credential_id, actor, idempotency_key, fingerprint, received_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, nullif($13, ''), $14, $15, $16)
		ON CONFLICT (account_id, credential_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING`
	findByKey = `SELECT id, fingerprint FROM inbox WHERE account_id = $1 AND credential_id = $2 AND idempotency_key = $3`
)

// Receive implements leads.InboxStore.
func (s *Inbox) Receive(ctx context.Context, account kernel.AccountID, d *leads.Document, body []byte) (*leads.Document, error) {
	sender, err := json.Marshal(d.Sender)
	if err != nil {
		return nil, err
	}
	args := []any{
		account, d.ID, d.Version, d.Kind, string(d.State), d.MediaType, d.Size, d.SHA256[:], orNull(d.DealershipID), orNull(d.Sender.Partner),
		d.Sender.Credential, sender, d.Key, d.Fingerprint, d.ReceivedAt, d.UpdatedAt,
	}
	if d.Key == "" {
		if err := s.db.Queue(ctx, account, insertDocument, args, nil, nil); err != nil {
			return nil, err
		}
		return nil, s.Correct(ctx, account, d.ID, 0, body)
	}
	rows, err := s.db.Exec(ctx, account, insertDocument, args...)
	if err != nil {
		return nil, fmt.Errorf("keep a document: %w", err)
	}
	if rows == 0 {
		var earlier leads.Document
		err := s.db.QueryRow(ctx, account, findByKey, []any{account, d.Sender.Credential, d.Key}, &earlier.ID, &earlier.Fingerprint)
		if err != nil {
			return nil, fmt.Errorf("find the document of an idempotency key: %w", err)
		}
		return &earlier, nil
	}
	return nil, s.Correct(ctx, account, d.ID, 0, body)
}

// Correct implements leads.InboxStore. Parts of a large body are sent one at a time, so that it is not held twice.
func (s *Inbox) Correct(ctx context.Context, account kernel.AccountID, id kernel.InboxID, revision int, body []byte) error {
	sql := `INSERT INTO inbox_parts (account_id, inbox_id, revision, part, body) VALUES ($1, $2, $3, $4, $5)`
	if body == nil {
		body = []byte{} // an empty document is kept too; nil would be null
	}
	for part := 0; part == 0 || part*partBytes < len(body); part++ {
		piece := body[part*partBytes : min((part+1)*partBytes, len(body))]
		if err := s.db.Queue(ctx, account, sql, []any{account, id, revision, part, piece}, nil, nil); err != nil {
			return err
		}
		if len(body) > partBytes {
			if err := s.db.Flush(ctx); err != nil {
				return fmt.Errorf("keep part %d of a document: %w", part, err)
			}
		}
	}
	return nil
}

// Body implements leads.InboxStore.
func (s *Inbox) Body(ctx context.Context, account kernel.AccountID, id kernel.InboxID, revision int) ([]byte, error) {
	body := []byte{}
	sql := `SELECT body FROM inbox_parts WHERE account_id = $1 AND inbox_id = $2 AND revision = $3 ORDER BY part`
	err := s.db.Query(ctx, account, sql, []any{account, id, revision}, func(r pgx.Rows) error {
		var part []byte
		err := r.Scan(&part)
		body = append(body, part...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read a document's body: %w", err)
	}
	return body, nil
}

const documentColumns = `d.id, d.version, d.kind, d.state, d.media_type, d.size_bytes, d.sha256, d.dealership_id, d.actor, coalesce(d.idempotency_key, ''),
	d.fingerprint, d.error_code, d.error_detail, d.warnings, d.lead_ids, coalesce(d.answer_status, 0), d.answer, d.received_at, d.processed_at, d.updated_at,
	(SELECT coalesce(max(p.revision), 0) FROM inbox_parts p WHERE p.account_id = d.account_id AND p.inbox_id = d.id)`

func scanDocument(r pgx.Row) (leads.Document, error) {
	var (
		d                leads.Document
		state            string
		sum              []byte
		dealership       *uuid.UUID
		sender, warnings []byte
		leadIDs          []uuid.UUID
	)
	err := r.Scan(&d.ID, &d.Version, &d.Kind, &state, &d.MediaType, &d.Size, &sum, &dealership, &sender, &d.Key, &d.Fingerprint, &d.ErrorCode,
		&d.ErrorDetail, &warnings, &leadIDs, &d.AnswerStatus, &d.Answer, &d.ReceivedAt, &d.ProcessedAt, &d.UpdatedAt, &d.Revision)
	if err != nil {
		return d, err
	}
	d.State, d.DealershipID = leads.InboxState(state), orZero[kernel.DealershipID](dealership)
	copy(d.SHA256[:], sum)
	for _, id := range leadIDs {
		d.LeadIDs = append(d.LeadIDs, kernel.LeadID(id))
	}
	if err := json.Unmarshal(sender, &d.Sender); err != nil {
		return d, fmt.Errorf("read the sender of document %s: %w", d.ID, err)
	}
	if err := json.Unmarshal(warnings, &d.Warnings); err != nil {
		return d, fmt.Errorf("read the warnings of document %s: %w", d.ID, err)
	}
	return d, nil
}

// Find implements leads.InboxStore.
func (s *Inbox) Find(ctx context.Context, account kernel.AccountID, id kernel.InboxID, lock bool) (leads.Document, error) {
	sql := `SELECT ` + documentColumns + ` FROM inbox d WHERE d.account_id = $1 AND d.id = $2`
	if lock {
		sql += ` FOR UPDATE OF d`
	}
	d, found := leads.Document{}, false
	err := s.db.Query(ctx, account, sql, []any{account, id}, func(r pgx.Rows) (err error) {
		d, err = scanDocument(r)
		found = true
		return err
	})
	switch {
	case err != nil:
		return leads.Document{}, fmt.Errorf("find a document: %w", err)
	case !found:
		return leads.Document{}, leads.ErrNoDocument
	}
	return d, nil
}

// FindMany implements leads.InboxStore.
func (s *Inbox) FindMany(ctx context.Context, account kernel.AccountID, ids []kernel.InboxID) ([]leads.Document, error) {
	return s.read(ctx, account, `SELECT `+documentColumns+` FROM inbox d WHERE d.account_id = $1 AND d.id = ANY ($2)`, account, uuids(ids))
}

// ListByID implements leads.InboxStore.
func (s *Inbox) ListByID(ctx context.Context, account kernel.AccountID, after kernel.InboxID, limit int) ([]leads.Document, error) {
	return s.read(ctx, account, `SELECT `+documentColumns+` FROM inbox d WHERE d.account_id = $1 AND d.id > $2 ORDER BY d.id LIMIT $3`, account, after, limit)
}

func (s *Inbox) read(ctx context.Context, account kernel.AccountID, sql string, args ...any) ([]leads.Document, error) {
	out := []leads.Document{}
	err := s.db.Query(ctx, account, sql, args, func(r pgx.Rows) error {
		d, err := scanDocument(r)
		out = append(out, d)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read documents: %w", err)
	}
	return out, nil
}

const updateDocument = `UPDATE inbox SET version = $3, state = $4, error_code = $5, error_detail = $6, warnings = $7, lead_ids = $8,
	answer_status = nullif($9, 0), answer = $10, processed_at = $11, updated_at = $12 WHERE account_id = $1 AND id = $2`

// Save implements leads.InboxStore.
func (s *Inbox) Save(ctx context.Context, account kernel.AccountID, d *leads.Document) error {
	warnings, err := json.Marshal(append([]leads.Warning{}, d.Warnings...))
	if err != nil {
		return err
	}
	leadIDs := uuids(d.LeadIDs)
	if leadIDs == nil {
		leadIDs = []uuid.UUID{}
	}
	args := []any{
		account, d.ID, d.Version, string(d.State), d.ErrorCode, d.ErrorDetail, warnings, leadIDs, d.AnswerStatus, d.Answer, d.ProcessedAt, d.UpdatedAt,
	}
	return s.db.Queue(ctx, account, updateDocument, args, nil, nil)
}

// List implements leads.InboxStore.
func (s *Inbox) List(ctx context.Context, account kernel.AccountID, f leads.InboxFilter, p page.Request) (page.Of[leads.Document], error) {
	q := &query{}
	q.and("d.account_id = ?", account)
	if f.States != nil {
		q.and("d.state = ANY (?)", texts(f.States))
	}
	if f.ReceivedFrom != nil {
		q.and("d.received_at >= ?", *f.ReceivedFrom)
	}
	if f.ReceivedBefore != nil {
		q.and("d.received_at < ?", *f.ReceivedBefore)
	}
	var total *int64
	if p.Count != page.CountNone {
		total = new(int64)
		sql := "SELECT count(*) FROM inbox d WHERE " + strings.Join(q.where, " AND ")
		if err := s.db.QueryRow(ctx, account, sql, q.args, total); err != nil {
			return page.Of[leads.Document]{}, fmt.Errorf("count documents: %w", err)
		}
	}
	sql := q.documents(p)
	list, err := s.read(ctx, account, sql, q.args...)
	if err != nil {
		return page.Of[leads.Document]{}, err
	}
	out := page.Cut(list, p.Limit, func(d leads.Document) page.Key { return page.Key{At: d.ReceivedAt, ID: uuid.UUID(d.ID)} })
	out.Total = total
	return out, nil
}

// documents is the statement for one page of the inbox.
func (q *query) documents(p page.Request) string {
	dir, cmp := "ASC", ">"
	if p.Sort.Desc {
		dir, cmp = "DESC", "<"
	}
	if p.After != nil {
		q.where = append(q.where, fmt.Sprintf("(d.received_at, d.id) %s (%s, %s)", cmp, q.arg(p.After.At), q.arg(p.After.ID)))
	}
	return "SELECT " + documentColumns + " FROM inbox d WHERE " + strings.Join(q.where, " AND ") +
		fmt.Sprintf(" ORDER BY d.received_at %s, d.id %s LIMIT %s", dir, dir, q.arg(p.Limit+1))
}

// KeepUnrouted implements leads.InboxStore.
func (s *Inbox) KeepUnrouted(ctx context.Context, partner kernel.PartnerID, d *leads.Document, body []byte) error {
	if body == nil {
		body = []byte{}
	}
	err := s.db.Partner(ctx, partner).Exec(`INSERT INTO partner_inbox (partner_id, id, state, media_type, size_bytes, sha256, body, credential_id, received_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, partner, d.ID, string(d.State), d.MediaType, d.Size, d.SHA256[:], body, d.Sender.Credential, d.ReceivedAt).Error
	if err != nil {
		return fmt.Errorf("keep a partner's document: %w", err)
	}
	return nil
}

// SettleUnrouted implements leads.InboxStore.
func (s *Inbox) SettleUnrouted(ctx context.Context, partner kernel.PartnerID, d *leads.Document, routed bool) error {
	q := s.db.Partner(ctx, partner)
	var err error
	if routed {
		err = q.Exec(`DELETE FROM partner_inbox WHERE partner_id = ? AND id = ?`, partner, d.ID).Error
	} else {
		err = q.Exec(`UPDATE partner_inbox SET state = ?, error_code = ?, error_detail = ? WHERE partner_id = ? AND id = ?`,
			string(d.State), d.ErrorCode, d.ErrorDetail, partner, d.ID).Error
	}
	if err != nil {
		return fmt.Errorf("settle a partner's document: %w", err)
	}
	return nil
}
