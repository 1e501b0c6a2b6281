package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/rooftop-crm/rooftop/internal/events"
)

// node is one object of the document. From here on the document is a plain tree: its new shapes (a type union, a
// description beside a reference) are simple to write as such.
type node = map[string]any

const schemaPrefix = "#/components/schemas/"

// raise makes OpenAPI 3.1 of the converted document and adds what is the same for every operation, and the webhooks.
func raise(converted *openapi3.T, types []events.Type) (node, error) {
	text, err := converted.MarshalJSON()
	if err != nil {
		return nil, err
	}
	doc := node{}
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	doc["openapi"] = "3.1.1"
	doc["servers"] = []any{node{"url": "/", "description": "The server this document came from."}}
	if err := rename(doc); err != nil {
		return nil, err
	}
	eachSchema(doc, modernise)
	nameEnums(doc)
	if err := raiseOperations(doc); err != nil {
		return nil, err
	}
	if err := splitDirections(doc); err != nil {
		return nil, err
	}
	if err := addWebhooks(doc, types); err != nil {
		return nil, err
	}
	nameValues(doc)
	eachSchema(doc, dropHints)
	bearer(doc)
	addCommon(doc)
	return doc, unused(doc)
}

// bearer says what swag's apiKey stands for.
func bearer(doc node) {
	for _, scheme := range child(doc, "components", "securitySchemes") {
		s, _ := scheme.(node)
		if s["type"] != "apiKey" || s["name"] != "Authorization" {
			continue
		}
		delete(s, "in")
		delete(s, "name")
		s["type"], s["scheme"] = "http", "bearer"
	}
}

// unused fails when a schema is described that nothing uses: a leftover of a handler that changed.
func unused(doc node) error {
	schemas := child(doc, "components", "schemas")
	used := reachable(schemas, refsIn(doc["paths"]), refsIn(doc["webhooks"]), refsIn(child(doc, "components", "responses")))
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		if !used[name] {
			delete(schemas, name)
		}
	}
	for name := range used {
		if _, ok := schemas[name]; !ok {
			return fmt.Errorf("the document refers to the schema %q, which no annotation defines", name)
		}
	}
	return nil
}

// child follows keys down from n, making what is absent.
func child(n node, keys ...string) node {
	for _, key := range keys {
		next, ok := n[key].(node)
		if !ok {
			next = node{}
			n[key] = next
		}
		n = next
	}
	return n
}

// list is the array at key, empty when there is none.
func list(n node, key string) []any {
	l, _ := n[key].([]any)
	return l
}

// text is the string at key, empty when there is none.
func text(n node, key string) string {
	s, _ := n[key].(string)
	return s
}

// walk visits v and all below it, parents first, in a fixed order.
func walk(v any, visit func(node)) {
	switch v := v.(type) {
	case node:
		visit(v)
		for _, key := range slices.Sorted(maps.Keys(v)) {
			walk(v[key], visit)
		}
	case []any:
		for _, item := range v {
			walk(item, visit)
		}
	}
}

// refsIn lists the schemas that v names.
func refsIn(v any) []string {
	var names []string
	walk(v, func(n node) {
		if name, ok := strings.CutPrefix(text(n, "$ref"), schemaPrefix); ok {
			names = append(names, name)
		}
	})
	return names
}

// reachable is the set of schemas that the given ones lead to, themselves included.
func reachable(schemas node, from ...[]string) map[string]bool {
	seen := map[string]bool{}
	next := slices.Concat(from...)
	for len(next) > 0 {
		name := next[0]
		next = next[1:]
		if seen[name] {
			continue
		}
		seen[name] = true
		next = append(next, refsIn(schemas[name])...)
	}
	return seen
}
