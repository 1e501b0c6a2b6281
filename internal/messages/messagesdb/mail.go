package messagesdb

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/messages"
	"github.com/rooftop-crm/rooftop/internal/platform/mail"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

type mailRow struct {
	AccountID    kernel.AccountID `gorm:"primaryKey"`
	ID           kernel.MailID    `gorm:"primaryKey"`
	Version      int64
	Template     string
	DealershipID *kernel.DealershipID
	Language     string
	State        string
	ToName       string
	ToEmail      string
	FromName     string
	FromEmail    string
	Subject      string
	Content      []byte
	Confidential bool
	MessageID    string
	Token        []byte
	AnswersID    *kernel.InboundMessageID
	Attempts     int
	ErrorStage   string
	ErrorCode    int
	ErrorDetail  string
	SentAt       *time.Time
	BouncedAt    *time.Time
	CreatedAt    time.Time `gorm:"autoCreateTime:false"`
	UpdatedAt    time.Time `gorm:"autoUpdateTime:false"`
}

// TableName is gorm's question.
func (mailRow) TableName() string { return "mails" }

func toMail(account kernel.AccountID) func(messages.Mail) mailRow {
	return func(m messages.Mail) mailRow {
		return mailRow{
			AccountID: account, ID: m.ID, Version: m.Version, Template: m.Template, DealershipID: m.Dealership, Language: m.Language, State: string(m.State),
			ToName: m.To.Name, ToEmail: m.To.Email, FromName: m.From.Name, FromEmail: m.From.Email, Subject: m.Subject, Content: m.Content,
			Confidential: m.Confidential, MessageID: m.MessageID, Token: m.Token.Secret[:], AnswersID: m.Answers, Attempts: m.Attempts,
			ErrorStage: m.Error.Stage, ErrorCode: m.Error.Code, ErrorDetail: m.Error.Detail, SentAt: m.SentAt, BouncedAt: m.BouncedAt,
			CreatedAt: m.CreatedAt, UpdatedAt: m.UpdatedAt,
		}
	}
}

func fromMail(r mailRow) messages.Mail {
	m := messages.Mail{
		ID: r.ID, Version: r.Version, Template: r.Template, Dealership: r.DealershipID, Language: r.Language, State: messages.MailState(r.State),
		To: mail.Address{Name: r.ToName, Email: r.ToEmail}, From: mail.Address{Name: r.FromName, Email: r.FromEmail}, Subject: r.Subject, Content: r.Content,
		Confidential: r.Confidential, MessageID: r.MessageID, Token: mail.Token{Account: uuid.UUID(r.AccountID)}, Answers: r.AnswersID, Attempts: r.Attempts,
		Error: messages.MailError{Stage: r.ErrorStage, Code: r.ErrorCode, Detail: r.ErrorDetail}, SentAt: r.SentAt, BouncedAt: r.BouncedAt,
		CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
	copy(m.Token.Secret[:], r.Token)
	return m
}

func (s *Store) mails(ctx context.Context, account kernel.AccountID) *gorm.DB {
	return s.db.Conn(ctx, account).Model(&mailRow{}).Where("account_id = ?", account)
}

// InsertMail implements messages.Store.
func (s *Store) InsertMail(ctx context.Context, account kernel.AccountID, m messages.Mail) error {
	row := toMail(account)(m)
	if err := s.db.Conn(ctx, account).Create(&row).Error; err != nil {
		return fmt.Errorf("insert mail: %w", err)
	}
	return nil
}

// Mail implements messages.Store.
func (s *Store) Mail(ctx context.Context, account kernel.AccountID, id kernel.MailID) (messages.Mail, error) {
	return take(s.mails(ctx, account).Where("id = ?", id), "mail", fromMail)
}

// MailByToken implements messages.Store.
func (s *Store) MailByToken(ctx context.Context, account kernel.AccountID, t mail.Token) (messages.Mail, error) {
	return take(s.mails(ctx, account).Where("token = ?", t.Secret[:]), "mail by token", fromMail)
}

// Mails implements messages.Store.
func (s *Store) Mails(ctx context.Context, account kernel.AccountID, ids []kernel.MailID) ([]messages.Mail, error) {
	return find(s.mails(ctx, account).Where("id IN ?", ids), "mails", fromMail)
}

// MailsByID implements messages.Store.
func (s *Store) MailsByID(ctx context.Context, account kernel.AccountID, after uuid.UUID, limit int) ([]messages.Mail, error) {
	return find(byID(s.mails(ctx, account), after, limit), "mails", fromMail)
}

// ListMails implements messages.Store.
func (s *Store) ListMails(ctx context.Context, account kernel.AccountID, f messages.MailFilter, p page.Request) (page.Of[messages.Mail], error) {
	filtered := func() *gorm.DB {
		q := between(within(s.mails(ctx, account), f.Only), "created_at", f.CreatedFrom, f.CreatedBefore)
		if len(f.States) > 0 {
			q = q.Where("state IN ?", texts(f.States))
		}
		if f.Template != "" {
			q = q.Where("template = ?", f.Template)
		}
		if f.To != "" {
			q = q.Where("to_email = ?", f.To)
		}
		if f.Dealership != nil {
			q = q.Where("dealership_id = ?", *f.Dealership)
		}
		return q
	}
	return list(filtered, p, "mails", fromMail, func(m messages.Mail) page.Key { return m.PageKey(p.Sort) })
}

// UpdateMail implements messages.Store.
func (s *Store) UpdateMail(
	ctx context.Context, account kernel.AccountID, id kernel.MailID, change func(*messages.Mail) (bool, error),
) (messages.Mail, error) {
	query := func() *gorm.DB { return s.mails(ctx, account).Where("id = ?", id) }
	return update(query, "mail", fromMail, toMail(account), change)
}

// SentSince implements messages.Store.
func (s *Store) SentSince(ctx context.Context, account kernel.AccountID, template, to string, since time.Time) (bool, error) {
	if err := s.lock(ctx, account, template+"/"+to); err != nil {
		return false, err
	}
	var sent bool
	const ask = `SELECT EXISTS (SELECT FROM mails WHERE account_id = $1 AND to_email = $2 AND template = $3 AND created_at >= $4)`
	if err := s.db.QueryRow(ctx, account, ask, []any{account, to, template, since}, &sent); err != nil {
		return false, fmt.Errorf("look for an earlier mail: %w", err)
	}
	return sent, nil
}
