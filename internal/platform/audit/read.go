package audit

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/keyset"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// Filter narrows a list. A zero field does not narrow.
type Filter struct {
	Actor, SubjectID    *uuid.UUID
	Subject             string
	Acts                []string
	CreatedFrom, Before *time.Time
}

type row struct {
	AccountID    kernel.AccountID `gorm:"primaryKey"`
	ID           uuid.UUID        `gorm:"primaryKey"`
	Act          string
	SubjectType  string
	SubjectID    uuid.UUID
	ActorType    string
	ActorID      *uuid.UUID
	CredentialID *uuid.UUID
	Changes      []Change `gorm:"serializer:json"`
	RequestID    string
	Address      string
	CreatedAt    time.Time `gorm:"autoCreateTime:false"`
}

// TableName is gorm's question.
func (row) TableName() string { return "audit_log" }

func fromRow(r row) Entry {
	e := Entry{
		ID: r.ID, Act: r.Act, Subject: r.SubjectType, SubjectID: r.SubjectID, ActorKind: auth.ActorKind(r.ActorType),
		Changes: r.Changes, RequestID: r.RequestID, Address: r.Address, At: r.CreatedAt,
	}
	if r.ActorID != nil {
		e.ActorID = *r.ActorID
	}
	if r.CredentialID != nil {
		e.Credential = *r.CredentialID
	}
	return e
}

// List reads a page. The sort field is created_at.
func (l *Log) List(ctx context.Context, account kernel.AccountID, f Filter, p page.Request) (page.Of[Entry], error) {
	filtered := func() *gorm.DB {
		q := l.db.Conn(ctx, account).Model(&row{}).Where("account_id = ?", account)
		if f.Actor != nil {
			q = q.Where("actor_id = ?", *f.Actor)
		}
		if f.SubjectID != nil {
			q = q.Where("subject_id = ?", *f.SubjectID)
		}
		if f.Subject != "" {
			q = q.Where("subject_type = ?", f.Subject)
		}
		if len(f.Acts) > 0 {
			q = q.Where("act IN ?", f.Acts)
		}
		if f.CreatedFrom != nil {
			q = q.Where("created_at >= ?", *f.CreatedFrom)
		}
		if f.Before != nil {
			q = q.Where("created_at < ?", *f.Before)
		}
		return q
	}
	var rows []row
	if err := keyset.Apply(filtered(), p).Find(&rows).Error; err != nil {
		return page.Of[Entry]{}, fmt.Errorf("read the audit log: %w", err)
	}
	cut := page.Cut(rows, p.Limit, func(r row) page.Key { return page.Key{At: r.CreatedAt, ID: r.ID} })
	out := page.Map(cut, fromRow)
	var err error
	out.Total, err = keyset.Count(filtered(), p.Count)
	return out, err
}
