// Package merge applies JSON Merge Patch (RFC 7396).
//
// It owns the tri-state a PATCH body needs in Go, absent, null or a value, and the merging of free-form objects. What
// null means for a field, and whether it may be null at all, is the business of whoever owns the field.
package merge

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// Field is one field of a PATCH body. The zero value stands for an absent one.
//
//	type patchContact struct {
//		FirstName merge.Field[string] `json:"first_name"`
//	}
type Field[T any] struct {
	Set   bool // the body named the field
	Null  bool // with null; Value is then zero
	Value T
}

var (
	null        = []byte("null")
	errTrailing = errors.New("more than one JSON value")
)

// UnmarshalJSON is called only for a field that the body names, null included, by encoding/json and goccy/go-json alike.
// It starts from a zero Value, so that a body decoded twice into one struct leaves nothing of the first, and it refuses
// unknown fields inside Value: a strict decoder's wish does not reach in here.
func (f *Field[T]) UnmarshalJSON(data []byte) error {
	*f = Field[T]{Set: true}
	if bytes.Equal(bytes.TrimSpace(data), null) {
		f.Null = true
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&f.Value); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errTrailing
	}
	return nil
}

// Apply writes the field to dst: nothing when absent, the zero value for null.
func (f Field[T]) Apply(dst *T) {
	if f.Set {
		*dst = f.Value
	}
}

// ApplyPtr writes the field to a nullable dst: nothing when absent, nil for null, else a pointer to a copy of Value.
func (f Field[T]) ApplyPtr(dst **T) {
	switch {
	case !f.Set:
	case f.Null:
		*dst = nil
	default:
		value := f.Value
		*dst = &value
	}
}
