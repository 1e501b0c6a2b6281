package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// rename gives generic types readable names: List-Lead becomes LeadList.
func rename(doc node) error {
	schemas := child(doc, "components", "schemas")
	names, taken := map[string]string{}, map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		names[name] = schemaName(name)
		if other, ok := taken[names[name]]; ok {
			return fmt.Errorf("%s and %s would both be named %s: give one an @name", other, name, names[name])
		}
		taken[names[name]] = name
	}
	for old, name := range names {
		if old != name {
			schemas[name] = schemas[old]
			delete(schemas, old)
		}
	}
	walk(doc, func(n node) {
		if old, ok := strings.CutPrefix(text(n, "$ref"), schemaPrefix); ok {
			n["$ref"] = schemaPrefix + names[old]
		}
	})
	return nil
}

func schemaName(swag string) string {
	parts := strings.Split(swag, "-")
	slices.Reverse(parts)
	for i, part := range parts {
		room, name, found := strings.Cut(part[strings.LastIndex(part, "_")+1:], ".")
		if !found {
			room, name = "", room
		}
		parts[i] = resourcePrefix(room, name) + name
	}
	return strings.Join(parts, "")
}

// resourcePrefix makes LeadStatus of leads.Status, since status alone says too little among all schemas. Types of rooms
// that hold no resource keep their names.
func resourcePrefix(room, name string) string {
	singular, plural := strings.CutSuffix(room, "s")
	if !plural || room == "errs" {
		return ""
	}
	prefix := strings.ToUpper(singular[:1]) + singular[1:]
	if strings.HasPrefix(name, prefix) {
		return ""
	}
	return prefix
}

// eachSchema visits every schema of the document, parents first.
func eachSchema(doc node, visit func(node)) {
	for _, schema := range child(doc, "components", "schemas") {
		eachSubschema(schema, visit)
	}
	walk(doc["paths"], func(n node) {
		if schema, ok := n["schema"]; ok {
			eachSubschema(schema, visit)
		}
	})
}

func eachSubschema(schema any, visit func(node)) {
	n, ok := schema.(node)
	if !ok {
		return
	}
	visit(n)
	for _, property := range asNode(n["properties"]) {
		eachSubschema(property, visit)
	}
	eachSubschema(n["items"], visit)
	eachSubschema(n["additionalProperties"], visit)
	for _, alternative := range slices.Concat(list(n, "allOf"), list(n, "anyOf")) {
		eachSubschema(alternative, visit)
	}
}

func asNode(v any) node {
	n, _ := v.(node)
	return n
}

// modernise gives one schema the forms of JSON Schema 2020-12.
func modernise(s node) {
	if only := list(s, "allOf"); len(only) == 1 && asNode(only[0])["$ref"] != nil {
		delete(s, "allOf")
		s["$ref"] = asNode(only[0])["$ref"]
		// What the referenced enum allows is said there.
		delete(s, "enum")
	}
	if example, ok := s["example"]; ok {
		delete(s, "example")
		s["examples"] = []any{example}
	}
	if ap, ok := s["additionalProperties"].(node); ok && len(ap) == 0 {
		s["additionalProperties"] = true
	}
	describeEnum(s)
	if s["nullable"] == true {
		delete(s, "nullable")
		makeNullable(s)
	}
}

func makeNullable(s node) {
	if ref, ok := s["$ref"]; ok {
		delete(s, "$ref")
		s["anyOf"] = []any{node{"$ref": ref}, node{"type": "null"}}
		return
	}
	if t, ok := s["type"].(string); ok {
		s["type"] = []any{t, "null"}
	}
	if enum, ok := s["enum"].([]any); ok {
		s["enum"] = append(enum, nil)
	}
}

// describeEnum turns the comments of a type's constants into its description.
func describeEnum(s node) {
	names, _ := s["x-enum-varnames"].([]any)
	comments := asNode(s["x-enum-comments"])
	for i, value := range list(s, "enum") {
		if i >= len(names) {
			break
		}
		name, _ := names[i].(string)
		if comment := text(comments, name); comment != "" {
			s["description"] = strings.TrimSpace(fmt.Sprintf("%s\n- `%v`: %s", text(s, "description"), value, comment))
		}
	}
	for _, hint := range []string{"x-enum-varnames", "x-enum-comments", "x-enum-descriptions"} {
		delete(s, hint)
	}
}

// nameEnums refers to a named enum wherever its values are written out, as swag does in parameters.
func nameEnums(doc node) {
	schemas := child(doc, "components", "schemas")
	byValues := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		if values := list(asNode(schemas[name]), "enum"); values != nil {
			key := fmt.Sprint(values)
			byValues[key] = append(byValues[key], name)
		}
	}
	eachSchema(doc, func(s node) {
		names := byValues[fmt.Sprint(list(s, "enum"))]
		if len(names) != 1 || reflect.ValueOf(asNode(schemas[names[0]])).Pointer() == reflect.ValueOf(s).Pointer() {
			return
		}
		delete(s, "enum")
		delete(s, "type")
		s["$ref"] = schemaPrefix + names[0]
	})
}

// splitDirections settles which fields are required. In an answer, every field is there that has no omitempty; in a
// request, those that validation asks for. A type that differs in the two becomes two.
func splitDirections(doc node) error {
	schemas := child(doc, "components", "schemas")
	var inBodies, inAnswers []string
	walk(doc["paths"], func(n node) {
		inBodies = append(inBodies, refsIn(n["requestBody"])...)
		inAnswers = append(inAnswers, refsIn(n["responses"])...)
	})
	asked, given := reachable(schemas, inBodies), reachable(schemas, inAnswers)

	split := map[string]bool{}
	for name := range asked {
		if given[name] && !slices.Equal(requiredWhenAsked(schemas[name]), requiredWhenGiven(schemas[name])) {
			split[name] = true
		}
	}
	// A type that holds a split type is split too.
	for changed := true; changed; {
		changed = false
		for name := range asked {
			if given[name] && !split[name] && slices.ContainsFunc(refsIn(schemas[name]), func(r string) bool { return split[r] }) {
				split[name], changed = true, true
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(asked)) {
		if split[name] {
			if _, taken := schemas[name+"Input"]; taken {
				return fmt.Errorf("%s differs in requests and would become %sInput there, which is another type: rename one", name, name)
			}
			schemas[name+"Input"] = clone(schemas[name])
			eachSubschema(schemas[name+"Input"], dropHints)
			pointToInput(schemas[name+"Input"], split)
		} else if !given[name] {
			pointToInput(schemas[name], split)
		}
	}
	walk(doc["paths"], func(n node) { pointToInput(n["requestBody"], split) })
	for name := range given {
		eachSubschema(schemas[name], func(s node) {
			if required := requiredWhenGiven(s); len(required) > 0 {
				s["required"] = toAny(required)
			}
		})
	}
	return nil
}

func pointToInput(v any, split map[string]bool) {
	walk(v, func(n node) {
		if name, ok := strings.CutPrefix(text(n, "$ref"), schemaPrefix); ok && split[name] {
			n["$ref"] = schemaPrefix + name + "Input"
		}
	})
}

func requiredWhenAsked(schema any) []string {
	var required []string
	for _, name := range list(asNode(schema), "required") {
		required = append(required, name.(string))
	}
	slices.Sort(required)
	return required
}

func requiredWhenGiven(schema any) []string {
	required := requiredWhenAsked(schema)
	for name, property := range asNode(asNode(schema)["properties"]) {
		if asNode(property)["x-omitempty"] != true && !slices.Contains(required, name) {
			required = append(required, name)
		}
	}
	slices.Sort(required)
	return required
}

// dropHints removes what only the generator needed.
func dropHints(s node) {
	delete(s, "x-omitempty")
	delete(s, "x-nullable")
}

func toAny(names []string) []any {
	out := make([]any, len(names))
	for i, name := range names {
		out[i] = name
	}
	return out
}

func clone(v any) any {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // it came from JSON
	}
	var out any
	if err := json.Unmarshal(text, &out); err != nil {
		panic(err)
	}
	return out
}

// valueSchema is a JSON value by name: what a client generates from it is a type, where an empty schema is none.
const valueSchema = "Value"

// nameValues refers to Value wherever a schema allows anything, but for custom, whose shape is each account's own.
func nameValues(doc node) {
	value, found := node{"$ref": schemaPrefix + valueSchema}, false
	eachSchema(doc, func(s node) {
		for name, property := range asNode(s["properties"]) {
			if name == "custom" || name == "custom_schemas" {
				continue
			}
			p := asNode(property)
			switch {
			case p["additionalProperties"] == true:
				p["additionalProperties"], found = maps.Clone(value), true
			case p["type"] == nil && p["$ref"] == nil && p["anyOf"] == nil && p["allOf"] == nil:
				p["$ref"], found = value["$ref"], true
			}
		}
	})
	if !found {
		return
	}
	// Three levels are what is said anywhere; a schema that refers to itself would be no type in TypeScript.
	level := scalars()
	for range 2 {
		level = append(scalars(), node{"type": "array", "items": node{"anyOf": level}}, node{"type": "object", "additionalProperties": node{"anyOf": level}})
	}
	child(doc, "components", "schemas")[valueSchema] = node{"description": "a value as JSON writes it", "anyOf": level}
}

func scalars() []any {
	return []any{node{"type": "string"}, node{"type": "number"}, node{"type": "boolean"}, node{"type": "null"}}
}
