// Package page holds what every list shares: a keyset request and a page of rows. It knows neither HTTP nor SQL.
package page

import (
	"time"

	"github.com/google/uuid"
)

// The bounds of a page.
const (
	DefaultLimit = 25
	MaxLimit     = 200
)

// Count tells whether a list also counts.
type Count string

// The ways to count. Counting costs several times the page itself, so it is done on demand only.
const (
	CountNone      Count = ""
	CountExact     Count = "exact"
	CountEstimated Count = "estimated"
)

// Sort is one column and a direction; the id breaks ties in the same direction.
type Sort struct {
	Field string // as on the wire: created_at
	Desc  bool
}

// Request asks for one page.
type Request struct {
	Limit int  // 1 to MaxLimit
	Sort  Sort // never empty: the resource's default when the caller names none
	After *Key // nil for the first page
	Count Count
}

// Key is where a page ends: the sort value and id of its last row.
type Key struct {
	At time.Time // the sort column, which is a time on every list
	ID uuid.UUID
}

// Of is one page.
type Of[T any] struct {
	Items []T  // never nil
	Next  *Key // nil on the last page
	Total *int64
}

// Cut makes a page of rows that were read with one row more than the limit: that row only tells that there is a next page.
func Cut[T any](rows []T, limit int, key func(T) Key) Of[T] {
	if rows == nil {
		rows = []T{}
	}
	if len(rows) <= limit {
		return Of[T]{Items: rows}
	}
	rows = rows[:limit]
	next := key(rows[limit-1])
	return Of[T]{Items: rows, Next: &next}
}

// Map turns the rows of a page into something else.
func Map[T, U any](p Of[T], f func(T) U) Of[U] {
	out := Of[U]{Items: make([]U, len(p.Items)), Next: p.Next, Total: p.Total}
	for i, item := range p.Items {
		out.Items[i] = f(item)
	}
	return out
}
