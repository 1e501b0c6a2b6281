// Package keyset turns a page.Request into conditions of a gorm query. It owns the order, the place to go on from and
// the counting that every list shares; the other conditions are the store's.
package keyset

import (
	"encoding/json"
	"fmt"

	"gorm.io/gorm"

	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// Apply adds order, place and limit. The sort field must be the name of a column, which the store has seen to. It asks
// for one row more than the page holds, for page.Cut.
func Apply(q *gorm.DB, p page.Request) *gorm.DB {
	column, direction, beyond := p.Sort.Field, "ASC", ">"
	if p.Sort.Desc {
		direction, beyond = "DESC", "<"
	}
	if p.After != nil {
		q = q.Where(fmt.Sprintf("(%s, id) %s (?, ?)", column, beyond), p.After.At, p.After.ID)
	}
	return q.Order(column + " " + direction).Order("id " + direction).Limit(p.Limit + 1)
}

// Count counts the rows of a query without order and limit: nil when nobody asked, the planner's guess for an estimate.
func Count(q *gorm.DB, how page.Count) (*int64, error) {
	switch how {
	case page.CountExact:
		var n int64
		if err := q.Count(&n).Error; err != nil {
			return nil, fmt.Errorf("count: %w", err)
		}
		return &n, nil
	case page.CountEstimated:
		return estimate(q)
	case page.CountNone:
	}
	return nil, nil //nolint:nilnil // nil is the documented answer: not asked for
}

func estimate(q *gorm.DB) (*int64, error) {
	dry := q.Session(&gorm.Session{DryRun: true}).Select("id").Find(&[]map[string]any{})
	if dry.Error != nil {
		return nil, fmt.Errorf("estimate: %w", dry.Error)
	}
	var plan string
	fresh := q.Session(&gorm.Session{NewDB: true})
	if err := fresh.Raw("EXPLAIN (FORMAT JSON) "+dry.Statement.SQL.String(), dry.Statement.Vars...).Row().Scan(&plan); err != nil {
		return nil, fmt.Errorf("estimate: %w", err)
	}
	var plans []map[string]map[string]any
	if err := json.Unmarshal([]byte(plan), &plans); err != nil || len(plans) == 0 {
		return nil, fmt.Errorf("estimate: read the plan: %w", err)
	}
	rows, _ := plans[0]["Plan"]["Plan Rows"].(float64)
	n := int64(rows)
	return &n, nil
}
