package merge

import "maps"

// Object gives dst with patch merged in: null deletes a key, objects merge key by key, everything else replaces,
// arrays whole. It changes neither argument, never gives nil, and what it gives shares nothing with patch. A nil dst
// is an empty object; a nil or empty patch changes nothing.
func Object(dst, patch map[string]any) map[string]any {
	out := make(map[string]any, len(dst)+len(patch))
	maps.Copy(out, dst)
	for key, value := range patch {
		switch value := value.(type) {
		case nil:
			delete(out, key)
		case map[string]any:
			// Onto anything but an object the patch still merges, into an empty one: that is what drops its nulls.
			old, _ := out[key].(map[string]any)
			out[key] = Object(old, value)
		default:
			out[key] = clone(value)
		}
	}
	return out
}

// clone copies what a JSON decoder makes. Nulls inside an array are values and stay.
func clone(value any) any {
	switch value := value.(type) {
	case []any:
		out := make([]any, len(value))
		for i, element := range value {
			out[i] = clone(element)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(value))
		for key, element := range value {
			out[key] = clone(element)
		}
		return out
	}
	return value
}
