// Package openapi knows what the API's description says: the operations it lists, and whether a request and its answer
// keep to it. Making the description is the job of the command in generate/; serving it, of api/docsapi.
package openapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	rooftop "github.com/rooftop-crm/rooftop"
)

// Operation is one method of one path.
type Operation struct {
	Method string // upper case
	Path   string // /v1/leads/{id}
	ID     string // createLead
	Public bool   // needs no credential
}

type node = map[string]any

// Operations lists what the document describes, in the order of paths and methods.
func Operations() ([]Operation, error) {
	doc, err := load()
	if err != nil {
		return nil, err
	}
	var all []Operation
	paths := object(doc["paths"])
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		item := object(paths[path])
		for _, method := range slices.Sorted(maps.Keys(item)) {
			op := object(item[method])
			id, _ := op["operationId"].(string)
			security, _ := op["security"].([]any)
			all = append(all, Operation{Method: strings.ToUpper(method), Path: path, ID: id, Public: len(security) == 0})
		}
	}
	return all, nil
}

// PathOf turns echo's form of a path (/v1/leads/:id) into the document's.
func PathOf(echoPath string) string {
	parts := strings.Split(echoPath, "/")
	for i, part := range parts {
		if name, ok := strings.CutPrefix(part, ":"); ok {
			parts[i] = "{" + name + "}"
		}
	}
	return strings.Join(parts, "/")
}

func load() (node, error) {
	var doc node
	if err := json.Unmarshal(rooftop.OpenAPIJSON(), &doc); err != nil {
		return nil, fmt.Errorf("read the API's document: %w", err)
	}
	return doc, nil
}

func object(v any) node {
	n, _ := v.(node)
	return n
}

// resolve follows a reference inside the document.
func resolve(doc, n node) node {
	ref, ok := n["$ref"].(string)
	if !ok {
		return n
	}
	target := doc
	for key := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		target = object(target[key])
	}
	return target
}
