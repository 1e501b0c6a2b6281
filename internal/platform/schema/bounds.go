package schema

import (
	"encoding/json"
	"fmt"

	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

// The bounds of a custom object: it is shown in every list.
const (
	MaxBytes = 16 << 10
	MaxDepth = 8
)

// Bounds tells whether a custom object is larger or deeper than any resource takes; nil when it is not. It is for every
// resource alike, whatever the account's schema says.
func Bounds(custom map[string]any) *errs.Field {
	if len(custom) == 0 {
		return nil
	}
	if depth(custom) > MaxDepth {
		return &errs.Field{Pointer: "/custom", Code: "too_deep", Detail: fmt.Sprintf("Nest at most %d levels.", MaxDepth)}
	}
	text, err := json.Marshal(custom)
	switch {
	case err != nil:
		return &errs.Field{Pointer: "/custom", Code: "invalid", Detail: "This cannot be written as JSON."}
	case len(text) > MaxBytes:
		return &errs.Field{Pointer: "/custom", Code: "too_long", Detail: fmt.Sprintf("This takes %d bytes as JSON; give at most %d.", len(text), MaxBytes)}
	}
	return nil
}

// depth counts the levels of objects and arrays.
func depth(v any) int {
	deepest := 0
	switch v := v.(type) {
	case map[string]any:
		for _, e := range v {
			deepest = max(deepest, depth(e))
		}
	case []any:
		for _, e := range v {
			deepest = max(deepest, depth(e))
		}
	default:
		return 0
	}
	return deepest + 1
}
