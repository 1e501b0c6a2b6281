// Package merge holds patch fields.
package merge

// Field is one field of a merge patch.
type Field[T any] struct {
	set   bool
	value T
}
