package openapi

// copyOf copies a tree, so that it can be changed.
func copyOf[T any](v T) T {
	c, _ := copyAny(v).(T)
	return c
}

func copyAny(v any) any {
	switch v := v.(type) {
	case node:
		out := make(node, len(v))
		for key, value := range v {
			out[key] = copyAny(value)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, value := range v {
			out[i] = copyAny(value)
		}
		return out
	}
	return v
}

// eachObject visits every object below v.
func eachObject(v any, visit func(node)) {
	switch v := v.(type) {
	case node:
		visit(v)
		for _, value := range v {
			eachObject(value, visit)
		}
	case []any:
		for _, value := range v {
			eachObject(value, visit)
		}
	}
}

// closeSchema forbids fields that a schema does not name. The document itself leaves that open, so that a new field does
// not break a client.
func closeSchema(n node) {
	if _, said := n["additionalProperties"]; !said && isObjectSchema(n) {
		n["additionalProperties"] = false
	}
}

// loosen lets any field be absent, as it may be in an answer to fields=.
func loosen(n node) {
	if isObjectSchema(n) {
		delete(n, "required")
	}
}

func isObjectSchema(n node) bool {
	return n["type"] == "object" && object(n["properties"]) != nil
}
