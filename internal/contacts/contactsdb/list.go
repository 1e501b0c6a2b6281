package contactsdb

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/rooftop-crm/rooftop/internal/contacts"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/fold"
	"github.com/rooftop-crm/rooftop/internal/platform/keyset"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// sortColumns are the fields a list may be sorted by.
var sortColumns = map[string]func(contacts.Contact) time.Time{
	"created_at": func(c contacts.Contact) time.Time { return c.CreatedAt },
	"updated_at": func(c contacts.Contact) time.Time { return c.UpdatedAt },
}

// List implements contacts.Store.
func (s *Store) List(
	ctx context.Context, account kernel.AccountID, f contacts.Filter, p page.Request,
) (page.Of[contacts.Contact], error) {
	at, known := sortColumns[p.Sort.Field]
	if !known {
		return page.Of[contacts.Contact]{}, fmt.Errorf("contacts cannot be sorted by %q", p.Sort.Field)
	}
	if f.Query != "" && len(fold.Terms(f.Query)) == 0 { // nothing but punctuation, which is in no search text
		return nothing(p.Count), nil
	}
	var rows []contactRow
	q := keyset.Apply(s.listed(ctx, account, f, &p), p)
	if err := q.Select(columns).Find(&rows).Error; err != nil {
		return page.Of[contacts.Contact]{}, fmt.Errorf("list contacts: %w", err)
	}
	out := page.Cut(mapped(rows, fromRow), p.Limit, func(c contacts.Contact) page.Key {
		return page.Key{At: at(c), ID: uuid.UUID(c.ID)}
	})
	var err error
	out.Total, err = keyset.Count(s.listed(ctx, account, f, nil), p.Count)
	return out, err
}

func nothing(how page.Count) page.Of[contacts.Contact] {
	out := page.Of[contacts.Contact]{Items: []contacts.Contact{}}
	if how != page.CountNone {
		out.Total = new(int64)
	}
	return out
}

// listed is the filter as conditions. With a page the search may stop where the page ends.
func (s *Store) listed(ctx context.Context, account kernel.AccountID, f contacts.Filter, p *page.Request) *gorm.DB {
	q := s.db.Conn(ctx, account).Model(&contactRow{}).Where("account_id = ? AND deleted_at IS NULL", account)
	if patterns := f.Patterns(); len(patterns) > 0 {
		q = searched(q, patterns, f, p)
	}
	if !f.OwnerID.IsZero() {
		q = q.Where("owner_id = ?", f.OwnerID)
	}
	if f.Kind != "" {
		q = q.Where("kind = ?", string(f.Kind))
	}
	q = having(q, account, contacts.PointEmail, f.Email)
	q = having(q, account, contacts.PointPhone, f.Phone)
	for _, bound := range []struct {
		condition string
		at        *time.Time
	}{
		{"created_at >= ?", f.CreatedFrom},
		{"created_at < ?", f.CreatedBefore},
		{"updated_at >= ?", f.UpdatedFrom},
		{"updated_at < ?", f.UpdatedBefore},
	} {
		if bound.at != nil {
			q = q.Where(bound.condition, *bound.at)
		}
	}
	return q
}

func having(q *gorm.DB, account kernel.AccountID, kind contacts.PointKind, value string) *gorm.DB {
	if value == "" {
		return q
	}
	return q.Where(`id = ANY (ARRAY(SELECT p.contact_id FROM contact_points p
		WHERE p.account_id = ? AND p.kind = ? AND p.value = ?))`, account, string(kind), value)
}

// searched narrows by search text, through the function that may use the trigram index under row security. Where
// nothing else narrows the list and it is in the order of the function, that finds only the page; else all that match.
func searched(q *gorm.DB, patterns []string, f contacts.Filter, p *page.Request) *gorm.DB {
	vars := make([]any, 0, len(patterns)+4)
	for _, pattern := range patterns {
		vars = append(vars, pattern)
	}
	list := "ARRAY[" + strings.TrimSuffix(strings.Repeat("?, ", len(patterns)), ", ") + "]::text[]"
	if p == nil || p.Sort.Field != "created_at" || !f.SearchOnly() {
		return q.Where("id = ANY (ARRAY(SELECT s.id FROM search_contacts("+list+", NULL, NULL, false, NULL) s))", vars...)
	}
	var at *time.Time
	var id *uuid.UUID
	if p.After != nil {
		at, id = &p.After.At, &p.After.ID
	}
	vars = append(vars, at, id, !p.Sort.Desc, p.Limit+1)
	return q.Where("id = ANY (ARRAY(SELECT s.id FROM search_contacts("+list+", ?::timestamptz, ?::uuid, ?, ?) s))", vars...)
}
