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
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

type templateRow struct {
	AccountID    kernel.AccountID         `gorm:"primaryKey"`
	ID           kernel.MessageTemplateID `gorm:"primaryKey"`
	Version      int64
	Name         string
	DealershipID *kernel.DealershipID
	Language     string
	Subject      string
	Text         string
	HTML         string    `gorm:"column:html"`
	CreatedAt    time.Time `gorm:"autoCreateTime:false"`
	UpdatedAt    time.Time `gorm:"autoUpdateTime:false"`
	DeletedAt    *time.Time
}

// TableName is gorm's question.
func (templateRow) TableName() string { return "message_templates" }

func toTemplate(account kernel.AccountID) func(messages.Template) templateRow {
	return func(t messages.Template) templateRow {
		return templateRow{
			AccountID: account, ID: t.ID, Version: t.Version, Name: t.Name, DealershipID: t.Dealership, Language: t.Language, Subject: t.Subject, Text: t.Text,
			HTML: t.HTML, CreatedAt: t.CreatedAt, UpdatedAt: t.UpdatedAt, DeletedAt: t.DeletedAt,
		}
	}
}

func fromTemplate(r templateRow) messages.Template {
	return messages.Template{
		ID: r.ID, Version: r.Version, TemplateKey: messages.TemplateKey{Name: r.Name, Dealership: r.DealershipID, Language: r.Language},
		Wording: messages.Wording{Subject: r.Subject, Text: r.Text, HTML: r.HTML}, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, DeletedAt: r.DeletedAt,
	}
}

func (s *Store) templates(ctx context.Context, account kernel.AccountID) *gorm.DB {
	return s.db.Conn(ctx, account).Model(&templateRow{}).Where("account_id = ?", account)
}

// InsertTemplate implements messages.Store.
func (s *Store) InsertTemplate(ctx context.Context, account kernel.AccountID, t messages.Template) error {
	row := toTemplate(account)(t)
	err := s.db.Conn(ctx, account).Create(&row).Error
	switch {
	case err == nil:
		return nil
	case db.IsUniqueViolation(err):
		return messages.ErrTemplateTaken.Because(err)
	}
	return fmt.Errorf("insert template: %w", err)
}

// Template implements messages.Store.
func (s *Store) Template(ctx context.Context, account kernel.AccountID, id kernel.MessageTemplateID) (messages.Template, error) {
	return take(s.templates(ctx, account).Where("id = ?", id), "template", fromTemplate)
}

// Templates implements messages.Store.
func (s *Store) Templates(ctx context.Context, account kernel.AccountID, ids []kernel.MessageTemplateID) ([]messages.Template, error) {
	return find(s.templates(ctx, account).Where("id IN ?", ids), "templates", fromTemplate)
}

// TemplatesByID implements messages.Store.
func (s *Store) TemplatesByID(ctx context.Context, account kernel.AccountID, after uuid.UUID, limit int) ([]messages.Template, error) {
	return find(byID(s.templates(ctx, account), after, limit), "templates", fromTemplate)
}

// TemplatesNamed implements messages.Store.
func (s *Store) TemplatesNamed(ctx context.Context, account kernel.AccountID, name string) ([]messages.Template, error) {
	return find(s.templates(ctx, account).Where("name = ? AND deleted_at IS NULL", name), "templates", fromTemplate)
}

// ListTemplates implements messages.Store.
func (s *Store) ListTemplates(
	ctx context.Context, account kernel.AccountID, f messages.TemplateFilter, p page.Request,
) (page.Of[messages.Template], error) {
	filtered := func() *gorm.DB {
		q := s.templates(ctx, account).Where("deleted_at IS NULL")
		if f.Name != "" {
			q = q.Where("name = ?", f.Name)
		}
		if f.Language != "" {
			q = q.Where("language = ?", f.Language)
		}
		if f.Dealership != nil {
			q = q.Where("dealership_id = ?", *f.Dealership)
		}
		return q
	}
	return list(filtered, p, "templates", fromTemplate, func(t messages.Template) page.Key { return t.PageKey(p.Sort) })
}

// UpdateTemplate implements messages.Store.
func (s *Store) UpdateTemplate(
	ctx context.Context, account kernel.AccountID, id kernel.MessageTemplateID, change func(*messages.Template) (bool, error),
) (messages.Template, error) {
	query := func() *gorm.DB { return s.templates(ctx, account).Where("id = ?", id) }
	return update(query, "template", fromTemplate, toTemplate(account), change)
}
