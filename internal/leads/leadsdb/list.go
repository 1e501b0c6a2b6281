package leadsdb

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/leads"
	"github.com/rooftop-crm/rooftop/internal/platform/fold"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// List implements leads.Store.
//
// A list by assignee, dealership, status, source or type reads each value from its own index, newest first, and merges: so it
// costs the page and not the dealer's leads, however rare the value is.
func (s *Store) List(ctx context.Context, account kernel.AccountID, f leads.Filter, p page.Request) (page.Of[leads.Lead], error) {
	if len(f.Terms) > 0 {
		return s.search(ctx, account, f, p)
	}
	q := newQuery(account, f)
	sql := q.page(p)
	rows, err := s.read(ctx, account, sql, q.args...)
	if err != nil {
		return page.Of[leads.Lead]{}, err
	}
	out := page.Cut(rows, p.Limit, keyBy(p.Sort.Field))
	if p.Count != page.CountNone {
		out.Total, err = s.count(ctx, account, f, p.Count)
	}
	return out, err
}

func keyBy(field string) func(leads.Lead) page.Key {
	return func(l leads.Lead) page.Key {
		if field == "updated_at" {
			return page.Key{At: l.UpdatedAt, ID: uuid.UUID(l.ID)}
		}
		return page.Key{At: l.CreatedAt, ID: uuid.UUID(l.ID)}
	}
}

// query builds the conditions of a list.
type query struct {
	args  []any
	where []string
	axes  []axis
}

// axis is a column narrowed to several values, which a page reads one by one from an index that begins with the column.
type axis struct {
	column, typ, values string // values is the argument, an array of typ
	none                bool   // rows without a value too
}

func newQuery(account kernel.AccountID, f leads.Filter) *query {
	q := &query{}
	q.and("l.account_id = ?", account)
	q.where = append(q.where, "l.deleted_at IS NULL")
	byPerson := f.Assignees != nil || f.Unassigned
	byPlace := len(f.Dealerships) > 0 && !byPerson
	if f.Contact != nil { // so few that nothing else is worth an index
		q.and("l.contact_id = ?", *f.Contact)
		byPerson, byPlace = false, false
	}
	// The indexes by assignee and by dealership go on with the status: without a status to look for, each is read.
	if (byPerson || byPlace) && f.Statuses == nil {
		f.Statuses = leads.Statuses()
	}
	q.assignees(f, byPerson)
	if byPerson && len(f.Dealerships) > 0 {
		// Not for an index to begin with: whose leads these are says more, which the planner cannot know of a value yet to come.
		q.and("(l.dealership_id = ANY (?)) IS TRUE", uuids(f.Dealerships))
	} else {
		q.values(byPlace, "dealership_id", "uuid", uuids(f.Dealerships))
	}
	q.values(f.Contact == nil, "status", "text", texts(f.Statuses))
	q.values(f.Contact == nil && len(q.axes) == 0, "source", "text", f.Sources)
	q.values(f.Contact == nil && len(q.axes) == 0, "type", "text", texts(f.Types))
	q.values(false, "channel", "text", texts(f.Channels))
	if f.Test != nil {
		q.where = append(q.where, map[bool]string{true: "l.test", false: "NOT l.test"}[*f.Test]) // as the index of test leads says it
	}
	if f.CreatedFrom != nil {
		q.and("l.created_at >= ?", *f.CreatedFrom)
	}
	if f.CreatedBefore != nil {
		q.and("l.created_at < ?", *f.CreatedBefore)
	}
	if f.UpdatedFrom != nil {
		q.and("l.updated_at >= ?", *f.UpdatedFrom)
	}
	if f.UpdatedBefore != nil {
		q.and("l.updated_at < ?", *f.UpdatedBefore)
	}
	return q
}

func (q *query) arg(v any) string {
	q.args = append(q.args, v)
	return fmt.Sprintf("$%d", len(q.args))
}

func (q *query) and(cond string, v any) {
	q.where = append(q.where, strings.Replace(cond, "?", q.arg(v), 1))
}

// assignees narrows to users and, when asked for, to the leads of nobody.
func (q *query) assignees(f leads.Filter, oneByOne bool) {
	switch {
	case len(f.Assignees) == 0 && f.Unassigned:
		q.where = append(q.where, "l.assignee_id IS NULL")
	case f.Unassigned:
		q.narrow(oneByOne, axis{"assignee_id", "uuid", q.arg(uuids(f.Assignees)), true})
	default:
		q.values(oneByOne, "assignee_id", "uuid", uuids(f.Assignees))
	}
}

// values narrows a column to a list of texts or ids, which may be empty for no narrowing.
func (q *query) values(oneByOne bool, column, typ string, list any) {
	n, one := 0, any(nil)
	switch l := list.(type) {
	case []string:
		if n = len(l); n == 1 {
			one = l[0]
		}
	case []uuid.UUID:
		if n = len(l); n == 1 {
			one = l[0]
		}
	}
	switch n {
	case 0:
	case 1:
		q.and("l."+column+" = ?", one)
	default:
		q.narrow(oneByOne, axis{column, typ, q.arg(list), false})
	}
}

func (q *query) narrow(oneByOne bool, a axis) {
	if oneByOne {
		q.axes = append(q.axes, a)
	} else {
		q.where = append(q.where, a.condition())
	}
}

// condition is the axis without going value by value.
func (a axis) condition() string {
	c := fmt.Sprintf("l.%s = ANY (%s)", a.column, a.values)
	if a.none {
		c = fmt.Sprintf("(%s OR l.%s IS NULL)", c, a.column)
	}
	return c
}

// whole is every condition, for what reads no index value by value.
func (q *query) whole() string {
	all := slices.Clone(q.where)
	for _, a := range q.axes {
		all = append(all, a.condition())
	}
	return strings.Join(all, " AND ")
}

// page is the statement for one page, with one row more than asked for.
func (q *query) page(p page.Request) string {
	column, dir, cmp := "created_at", "ASC", ">"
	if p.Sort.Field == "updated_at" {
		column = "updated_at"
	}
	if p.Sort.Desc {
		dir, cmp = "DESC", "<"
	}
	if p.After != nil {
		q.where = append(q.where, fmt.Sprintf("(l.%s, l.id) %s (%s, %s)", column, cmp, q.arg(p.After.At), q.arg(p.After.ID)))
	}
	order := fmt.Sprintf(" ORDER BY l.%s %s, l.id %s LIMIT %s", column, dir, dir, q.arg(p.Limit+1))
	if len(q.axes) == 0 || column == "updated_at" {
		return "SELECT " + columns + " FROM leads l WHERE " + q.whole() + order
	}
	return "SELECT " + columns + " FROM (" + strings.Join(q.branches(order), " UNION ALL ") + ") l" + order
}

// branches are the selects whose rows together are what the conditions let through: each value of an axis, or each pair of
// two, gives its own first rows. Rows without a value have a select of their own, since no value of an array stands for them.
func (q *query) branches(order string) []string {
	var from, each, none []string
	for _, a := range q.axes {
		source, is := fmt.Sprintf("unnest(%s::%s[]) AS by_%s(v)", a.values, a.typ, a.column), fmt.Sprintf("l.%s = by_%s.v", a.column, a.column)
		if a.none {
			none = append(none, fmt.Sprintf("l.%s IS NULL", a.column))
		} else if len(none) > 0 {
			none = append(none, is)
		}
		from, each = append(from, source), append(each, is)
	}
	branch := func(from, each []string) string {
		rows := "(SELECT l.* FROM leads l WHERE " + strings.Join(append(slices.Clone(q.where), each...), " AND ") + order + ")"
		if len(from) == 0 {
			return rows
		}
		return "SELECT l.* FROM " + strings.Join(from, ", ") + " CROSS JOIN LATERAL " + rows + " l"
	}
	all := []string{branch(from, each)}
	if len(none) > 0 {
		all = append(all, branch(from[1:], none))
	}
	return all
}

func (s *Store) count(ctx context.Context, account kernel.AccountID, f leads.Filter, how page.Count) (*int64, error) {
	q := newQuery(account, f)
	from := " FROM leads l WHERE " + q.whole()
	sql := "SELECT count(*)" + from
	if how == page.CountEstimated {
		// An estimate stops where counting on would cost more than anybody reads.
		sql = "SELECT count(*) FROM (SELECT 1" + from + " LIMIT 10001) l"
	}
	var n int64
	if err := s.db.QueryRow(ctx, account, sql, q.args, &n); err != nil {
		return nil, fmt.Errorf("count leads: %w", err)
	}
	return &n, nil
}

const searchLeads = `SELECT ` + columns + ` FROM search_leads($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) f
	JOIN leads l ON l.account_id = $19 AND l.id = f.id ORDER BY `

// search pages through the leads that hold every term, by the search index.
func (s *Store) search(ctx context.Context, account kernel.AccountID, f leads.Filter, p page.Request) (page.Of[leads.Lead], error) {
	order := "f.created_at, f.id"
	if p.Sort.Desc {
		order = "f.created_at DESC, f.id DESC"
	}
	rows, err := s.read(ctx, account, searchLeads+order, append(searchArgs(f, p.After, !p.Sort.Desc, p.Limit+1), account)...)
	if err != nil {
		return page.Of[leads.Lead]{}, err
	}
	out := page.Cut(rows, p.Limit, keyBy("created_at"))
	if p.Count == page.CountNone {
		return out, nil
	}
	most := 1 << 30
	if p.Count == page.CountEstimated {
		most = 10001
	}
	var n int64
	sql := `SELECT count(*) FROM search_leads($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`
	if err := s.db.QueryRow(ctx, account, sql, searchArgs(f, nil, false, most), &n); err != nil {
		return out, fmt.Errorf("count found leads: %w", err)
	}
	out.Total = &n
	return out, nil
}

func searchArgs(f leads.Filter, after *page.Key, ascending bool, limit int) []any {
	patterns := make([]string, len(f.Terms))
	for i, t := range f.Terms {
		patterns[i] = fold.Like(t)
	}
	var contact, ownOrFree, afterID *uuid.UUID
	var afterAt any
	if f.Contact != nil {
		contact = orNull(*f.Contact)
	}
	assignees := uuids(f.Assignees)
	if f.Unassigned {
		nobody := uuid.Nil
		ownOrFree, assignees = &nobody, nil
		if len(f.Assignees) > 0 {
			ownOrFree = orNull(f.Assignees[0])
		}
	}
	if after != nil {
		afterAt, afterID = after.At, &after.ID
	}
	return []any{
		patterns, texts(f.Statuses), uuids(f.Dealerships), assignees, ownOrFree, f.Sources, texts(f.Types), texts(f.Channels), contact,
		f.CreatedFrom, f.CreatedBefore, f.UpdatedFrom, f.UpdatedBefore, f.Test, afterAt, afterID, ascending, limit,
	}
}

// History implements leads.Store.
func (s *Store) History(ctx context.Context, account kernel.AccountID, id kernel.LeadID, p page.Request) (page.Of[leads.Entry], error) {
	args := []any{account, id, p.Limit + 1}
	sql := `SELECT id, at, kind, from_status, to_status, from_assignee, to_assignee, reason, note, actor_type, actor_id, actor_name
		FROM lead_history WHERE account_id = $1 AND lead_id = $2`
	cmp, dir := ">", "ASC"
	if p.Sort.Desc {
		cmp, dir = "<", "DESC"
	}
	if p.After != nil {
		sql += " AND id " + cmp + " $4"
		args = append(args, p.After.ID)
	}
	list := []leads.Entry{}
	err := s.db.Query(ctx, account, sql+" ORDER BY id "+dir+" LIMIT $3", args, func(r pgx.Rows) error {
		e, err := scanEntry(r)
		e.LeadID = id
		list = append(list, e)
		return err
	})
	if err != nil {
		return page.Of[leads.Entry]{}, fmt.Errorf("read a lead's history: %w", err)
	}
	out := page.Cut(list, p.Limit, func(e leads.Entry) page.Key { return page.Key{At: e.At, ID: e.ID} })
	if p.Count != page.CountNone {
		out.Total = new(int64)
		err = s.db.QueryRow(ctx, account, "SELECT count(*) FROM lead_history WHERE account_id = $1 AND lead_id = $2", []any{account, id}, out.Total)
	}
	return out, err
}
