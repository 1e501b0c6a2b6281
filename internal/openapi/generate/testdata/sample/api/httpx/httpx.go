// Package httpx holds the wrappers.
package httpx

// ListOf is a page.
type ListOf[T any] struct {
	Data []T `json:"data"`
	// NextCursor goes on.
	NextCursor *string `json:"next_cursor"`
	Total      *int64  `json:"total,omitempty"`
} //	@name	List

// ItemOf is one answer of a batch.
type ItemOf[T any] struct {
	Status  int      `json:"status"`
	Body    *T       `json:"body,omitempty"`
	Problem *Problem `json:"problem,omitempty"`
} //	@name	BatchItem

// BatchOf is the answers of a batch.
type BatchOf[T any] struct {
	Data []ItemOf[T] `json:"data"`
} //	@name	Batch

// Problem is an error.
type Problem struct {
	Code string `json:"code" example:"request.invalid"`
} //	@name	Problem
