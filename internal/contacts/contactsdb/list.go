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
	patterns := f.Patterns()
	listed := s.listed(ctx, account, f)
	if len(patterns) > 0 {
		listed = s.found(ctx, account, patterns, f, p)
	}
	var rows []contactRow
	q := keyset.Apply(listed, p)
	if err := q.Select(columns).Find(&rows).Error; err != nil {
		return page.Of[contacts.Contact]{}, fmt.Errorf("list contacts: %w", err)
	}
	out := page.Cut(mapped(rows, fromRow), p.Limit, func(c contacts.Contact) page.Key {
		return page.Key{At: at(c), ID: uuid.UUID(c.ID)}
	})
	var err error
	if len(patterns) > 0 {
		out.Total, err = s.countFound(ctx, account, patterns, f, p.Count)
	} else {
		out.Total, err = keyset.Count(s.listed(ctx, account, f), p.Count)
	}
	return out, err
}

func nothing(how page.Count) page.Of[contacts.Contact] {
	out := page.Of[contacts.Contact]{Items: []contacts.Contact{}}
	if how != page.CountNone {
		out.Total = new(int64)
	}
	return out
}

// listed is the filter, but for what is searched for, as conditions.
func (s *Store) listed(ctx context.Context, account kernel.AccountID, f contacts.Filter) *gorm.DB {
	q := s.db.Conn(ctx, account).Model(&contactRow{}).Where("account_id = ? AND deleted_at IS NULL", account)
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

const havingPoint = `SELECT p.contact_id FROM contact_points p WHERE p.account_id = ? AND p.kind = ? AND p.value = ?`

func having(q *gorm.DB, account kernel.AccountID, kind contacts.PointKind, value string) *gorm.DB {
	if value == "" {
		return q
	}
	return q.Where("id = ANY (ARRAY("+havingPoint+"))", account, string(kind), value)
}

// found is a page of a search, through the function that may use the trigram index under row security. It filters too, so
// that it finds the page and no more.
func (s *Store) found(ctx context.Context, account kernel.AccountID, patterns []string, f contacts.Filter, p page.Request) *gorm.DB {
	most := p.Limit + 1
	call, vars := search(account, patterns, f, &p, &most)
	return s.db.Conn(ctx, account).Model(&contactRow{}).
		Where("account_id = ? AND deleted_at IS NULL", account).Where("id = ANY (ARRAY(SELECT s.id FROM "+call+" s))", vars...)
}

// countAtMost is where an estimate stops: counting on would cost more than anybody reads.
const countAtMost = 10_001

func (s *Store) countFound(ctx context.Context, account kernel.AccountID, patterns []string, f contacts.Filter, how page.Count) (*int64, error) {
	var most *int
	switch how {
	case page.CountNone:
		return nil, nil //nolint:nilnil // not asked for, as keyset.Count has it
	case page.CountEstimated:
		most = new(countAtMost)
	case page.CountExact:
	}
	call, vars := search(account, patterns, f, nil, most)
	var n int64
	if err := s.db.Conn(ctx, account).Raw("SELECT count(*) FROM "+call, vars...).Scan(&n).Error; err != nil {
		return nil, fmt.Errorf("count found contacts: %w", err)
	}
	return &n, nil
}

// search is the call of search_contacts for a page, or for what is counted.
func search(account kernel.AccountID, patterns []string, f contacts.Filter, p *page.Request, most *int) (sql string, vars []any) {
	arg := func(v any, typ string) string {
		vars = append(vars, v)
		return "?::" + typ
	}
	list := make([]string, len(patterns))
	for i, pattern := range patterns {
		list[i] = arg(pattern, "text")
	}
	args := []string{"ARRAY[" + strings.Join(list, ", ") + "]", "NULL", "NULL", "NULL"}
	if !f.OwnerID.IsZero() {
		args[1] = arg(f.OwnerID, "uuid")
	}
	if f.Kind != "" {
		args[2] = arg(string(f.Kind), "text")
	}
	var points []string
	for _, point := range []struct {
		kind  contacts.PointKind
		value string
	}{{contacts.PointEmail, f.Email}, {contacts.PointPhone, f.Phone}} {
		if point.value != "" {
			points = append(points, havingPoint)
			vars = append(vars, account, string(point.kind), point.value)
		}
	}
	if points != nil {
		args[3] = "ARRAY(" + strings.Join(points, " INTERSECT ") + ")"
	}
	for _, at := range []*time.Time{f.CreatedFrom, f.CreatedBefore, f.UpdatedFrom, f.UpdatedBefore} {
		args = append(args, arg(at, "timestamptz"))
	}
	var afterAt *time.Time
	var afterID *uuid.UUID
	byUpdate, ascending := false, false
	if p != nil {
		byUpdate, ascending = p.Sort.Field == "updated_at", !p.Sort.Desc
		if p.After != nil {
			afterAt, afterID = &p.After.At, &p.After.ID
		}
	}
	args = append(args, arg(byUpdate, "boolean"), arg(afterAt, "timestamptz"), arg(afterID, "uuid"), arg(ascending, "boolean"), arg(most, "integer"))
	return "search_contacts(" + strings.Join(args, ", ") + ")", vars
}
