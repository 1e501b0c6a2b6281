package messagesdb

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/messages"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/mail"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

type inboundRow struct {
	AccountID    kernel.AccountID        `gorm:"primaryKey"`
	ID           kernel.InboundMessageID `gorm:"primaryKey"`
	Version      int64
	Purpose      string
	State        string
	Kind         string
	AddressID    *kernel.MailAddressID
	MailID       *kernel.MailID
	DealershipID *kernel.DealershipID
	Recipient    string
	Sender       string
	ClientIP     string `gorm:"column:client_ip"`
	Hello        string
	Encrypted    bool
	MessageID    string
	FromName     string
	FromEmail    string
	Subject      string
	Note         string
	Checks       *mail.Checks `gorm:"serializer:json"`
	SizeBytes    int64
	SHA256       []byte `gorm:"column:sha256"`
	Dedupe       []byte
	ReceivedAt   time.Time
	HandledAt    *time.Time
	UpdatedAt    time.Time `gorm:"autoUpdateTime:false"`
}

// TableName is gorm's question.
func (inboundRow) TableName() string { return "inbound_messages" }

func toInbound(account kernel.AccountID) func(messages.Inbound) inboundRow {
	return func(in messages.Inbound) inboundRow {
		return inboundRow{
			AccountID: account, ID: in.ID, Version: in.Version, Purpose: string(in.Purpose), State: string(in.State), Kind: string(in.Kind),
			AddressID: in.Address, MailID: in.Mail, DealershipID: in.Dealership, Recipient: in.Recipient, Sender: in.Sender, ClientIP: in.IP, Hello: in.Hello,
			Encrypted: in.Encrypted, MessageID: in.MessageID, FromName: in.From.Name, FromEmail: in.From.Email, Subject: in.Subject, Note: in.Note,
			Checks: in.Checks, SizeBytes: in.Size, SHA256: in.SHA256[:], Dedupe: in.Dedupe[:], ReceivedAt: in.ReceivedAt, HandledAt: in.HandledAt,
			UpdatedAt: in.UpdatedAt,
		}
	}
}

func fromInbound(r inboundRow) messages.Inbound {
	in := messages.Inbound{
		ID: r.ID, Version: r.Version, Purpose: messages.Purpose(r.Purpose), State: messages.InboundState(r.State), Kind: mail.Kind(r.Kind), Address: r.AddressID,
		Mail: r.MailID, Dealership: r.DealershipID, Recipient: r.Recipient, Sender: r.Sender, IP: r.ClientIP, Hello: r.Hello, Encrypted: r.Encrypted,
		MessageID: r.MessageID, From: mail.Address{Name: r.FromName, Email: r.FromEmail}, Subject: r.Subject, Note: r.Note, Checks: r.Checks, Size: r.SizeBytes,
		ReceivedAt: r.ReceivedAt, HandledAt: r.HandledAt, UpdatedAt: r.UpdatedAt,
	}
	copy(in.SHA256[:], r.SHA256)
	copy(in.Dedupe[:], r.Dedupe)
	return in
}

func (s *Store) inbound(ctx context.Context, account kernel.AccountID) *gorm.DB {
	return s.db.Conn(ctx, account).Model(&inboundRow{}).Where("account_id = ?", account)
}

// SeenInbound implements messages.Store.
func (s *Store) SeenInbound(ctx context.Context, account kernel.AccountID, dedupe [32]byte, since time.Time) (bool, error) {
	if err := s.lock(ctx, account, fmt.Sprintf("%x", dedupe)); err != nil {
		return false, err
	}
	var seen bool
	const ask = `SELECT EXISTS (SELECT FROM inbound_messages WHERE account_id = $1 AND dedupe = $2 AND received_at >= $3)`
	if err := s.db.QueryRow(ctx, account, ask, []any{account, dedupe[:], since}, &seen); err != nil {
		return false, fmt.Errorf("look for the same message: %w", err)
	}
	return seen, nil
}

// partBytes is the most that one row of a message's body holds.
const partBytes = 1 << 20

// InsertInbound implements messages.Store. Parts of a large message are sent one at a time, so that it is not held twice.
func (s *Store) InsertInbound(ctx context.Context, account kernel.AccountID, in messages.Inbound, raw []byte) error {
	row := toInbound(account)(in)
	if err := s.db.Conn(ctx, account).Create(&row).Error; err != nil {
		return fmt.Errorf("insert inbound message: %w", err)
	}
	if raw == nil {
		raw = []byte{} // an empty message is kept too; nil would be null
	}
	const insert = `INSERT INTO inbound_message_parts (account_id, message_id, part, body) VALUES ($1, $2, $3, $4)`
	for part := 0; part == 0 || part*partBytes < len(raw); part++ {
		piece := raw[part*partBytes : min((part+1)*partBytes, len(raw))]
		if err := s.db.Queue(ctx, account, insert, []any{account, in.ID, part, piece}, nil, nil); err != nil {
			return err
		}
		if len(raw) > partBytes {
			if err := s.db.Flush(ctx); err != nil {
				return fmt.Errorf("keep part %d of a message: %w", part, err)
			}
		}
	}
	return nil
}

// RawInbound implements messages.Store.
func (s *Store) RawInbound(ctx context.Context, account kernel.AccountID, id kernel.InboundMessageID) ([]byte, error) {
	raw := []byte{}
	const ask = `SELECT body FROM inbound_message_parts WHERE account_id = $1 AND message_id = $2 ORDER BY part`
	err := s.db.Query(ctx, account, ask, []any{account, id}, func(r db.Rows) error {
		var part []byte
		err := r.Scan(&part)
		raw = append(raw, part...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read a message's bytes: %w", err)
	}
	return raw, nil
}

// Inbound implements messages.Store.
func (s *Store) Inbound(ctx context.Context, account kernel.AccountID, id kernel.InboundMessageID) (messages.Inbound, error) {
	return take(s.inbound(ctx, account).Where("id = ?", id), "inbound message", fromInbound)
}

// Inbounds implements messages.Store.
func (s *Store) Inbounds(ctx context.Context, account kernel.AccountID, ids []kernel.InboundMessageID) ([]messages.Inbound, error) {
	return find(s.inbound(ctx, account).Where("id IN ?", ids), "inbound messages", fromInbound)
}

// InboundByID implements messages.Store.
func (s *Store) InboundByID(ctx context.Context, account kernel.AccountID, after uuid.UUID, limit int) ([]messages.Inbound, error) {
	return find(byID(s.inbound(ctx, account), after, limit), "inbound messages", fromInbound)
}

// ListInbound implements messages.Store.
func (s *Store) ListInbound(
	ctx context.Context, account kernel.AccountID, f messages.InboundFilter, p page.Request,
) (page.Of[messages.Inbound], error) {
	filtered := func() *gorm.DB {
		q := between(within(s.inbound(ctx, account), f.Only), "received_at", f.ReceivedFrom, f.ReceivedBefore)
		if len(f.States) > 0 {
			q = q.Where("state IN ?", texts(f.States))
		}
		if len(f.Purposes) > 0 {
			q = q.Where("purpose IN ?", texts(f.Purposes))
		}
		if len(f.Kinds) > 0 {
			q = q.Where("kind IN ?", texts(f.Kinds))
		}
		if f.Address != nil {
			q = q.Where("address_id = ?", *f.Address)
		}
		if f.Mail != nil {
			q = q.Where("mail_id = ?", *f.Mail)
		}
		if f.Dealership != nil {
			q = q.Where("dealership_id = ?", *f.Dealership)
		}
		return q
	}
	return list(filtered, p, "inbound messages", fromInbound, func(in messages.Inbound) page.Key { return in.PageKey(p.Sort) })
}

// UpdateInbound implements messages.Store.
func (s *Store) UpdateInbound(
	ctx context.Context, account kernel.AccountID, id kernel.InboundMessageID, change func(*messages.Inbound) (bool, error),
) (messages.Inbound, error) {
	query := func() *gorm.DB { return s.inbound(ctx, account).Where("id = ?", id) }
	return update(query, "inbound message", fromInbound, toInbound(account), change)
}
