package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

const (
	base        = "/v1"
	problemType = "application/problem+json"
	jsonType    = "application/json"
)

// operation is one method of one path, with what the rules ask of it.
type operation struct {
	node
	method, path string
	outside      bool // of /v1: health, metrics, this document
	secured      bool
	safe         bool // a POST that writes nothing, and so takes no Idempotency-Key
	versioned    bool // its path has a resource with a version
	schemas      node
}

var methods = []string{"get", "put", "post", "patch", "delete"}

// raiseOperations puts the operations under /v1 and applies the rules to each.
func raiseOperations(doc node) error {
	paths := child(doc, "paths")
	raised := node{}
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		item := asNode(paths[path])
		for _, method := range methods {
			op := asNode(item[method])
			if op == nil {
				continue
			}
			o := &operation{
				node: op, method: method, path: path, schemas: child(doc, "components", "schemas"),
				outside: take(op, "x-outside"), safe: take(op, "x-safe"), secured: len(list(op, "security")) > 0,
			}
			get := asNode(item["get"])
			o.versioned = o.hasVersion(op) || get != nil && o.hasVersion(get)
			if !o.outside {
				o.path = base + path
			}
			if err := o.raise(); err != nil {
				return fmt.Errorf("%s %s: %w", strings.ToUpper(method), o.path, err)
			}
			child(raised, o.path)[method] = op
		}
	}
	doc["paths"] = raised
	return nil
}

// take reads a mark that is meant for the generator alone.
func take(n node, key string) bool {
	v, ok := n[key]
	delete(n, key)
	return ok && (v == true || v == "true")
}

func (o *operation) raise() error {
	if text(o.node, "operationId") == "" || text(o.node, "summary") == "" || len(list(o.node, "tags")) != 1 {
		return fmt.Errorf("needs @ID, @Summary and exactly one of @Tags")
	}
	if text(o.node, "description") == "" {
		return fmt.Errorf("needs @Description")
	}
	if !o.secured {
		o.node["security"] = []any{}
	}
	if body := asNode(o.node["requestBody"]); body != nil {
		delete(body, "x-originalParamName")
		content := asNode(body["content"])
		if any, ok := content["*/*"]; ok { // no @Accept
			delete(content, "*/*")
			content[jsonType] = any
		}
	}
	o.parameters()
	o.responses()
	return nil
}

// success is the schema name of the JSON answer with that status; empty when it has none.
func success(op node, status string) string {
	content := asNode(asNode(asNode(op["responses"])[status])["content"])
	schema := asNode(asNode(content[jsonType])["schema"])
	name, _ := strings.CutPrefix(text(schema, "$ref"), schemaPrefix)
	return name
}

// hasVersion tells whether the operation answers with one resource that has a version.
func (o *operation) hasVersion(op node) bool {
	for _, status := range []string{"200", "201"} {
		if name := success(op, status); name != "" && asNode(asNode(o.schemas[name])["properties"])["version"] != nil {
			return true
		}
	}
	return false
}

// lists tells whether the operation answers with a page of the given kind: List or Changes.
func (o *operation) lists(kind string) bool {
	return o.method == "get" && strings.HasSuffix(success(o.node, "200"), kind)
}

func (o *operation) writes() bool { return o.method != "get" && !o.safe }

// parameters adds the parameters that conventions give, and tidies the written ones.
func (o *operation) parameters() {
	for _, p := range list(o.node, "parameters") {
		tidyParameter(asNode(p))
	}
	if o.lists("List") {
		o.accept("Limit", "Cursor", "Count")
	}
	if o.lists("Changes") {
		o.accept("Limit", "ChangesCursor")
	}
	if o.secured && o.writes() {
		o.accept("IdempotencyKey")
	}
	if o.conditional() {
		o.accept("IfMatch")
	}
	if o.method == "get" && o.hasVersion(o.node) {
		o.accept("IfNoneMatch")
	}
}

// conditional tells whether the operation changes a resource that has a version.
func (o *operation) conditional() bool {
	verb := o.method == "post" && strings.Contains(o.path, "{id}/") && !o.safe
	return o.versioned && (o.method == "patch" || o.method == "delete" || o.method == "put" || verb)
}

// accept adds common parameters.
func (o *operation) accept(names ...string) {
	all := list(o.node, "parameters")
	for _, name := range names {
		all = append(all, node{"$ref": "#/components/parameters/" + name})
	}
	o.node["parameters"] = all
}

// tidyParameter: several values are sent as one comma list.
func tidyParameter(p node) {
	schema := asNode(p["schema"])
	if schema == nil {
		return
	}
	if schema["type"] == "array" {
		p["style"], p["explode"] = "form", false
	}
	if format := text(schema, "format"); format == "date-time" && p["example"] == nil {
		p["example"] = "2026-03-01T00:00:00Z"
	}
	for _, key := range []string{"x-example", "allowEmptyValue"} {
		delete(p, key)
	}
}

// problems lists the statuses that conventions give to the operation.
func (o *operation) problems() []string {
	if o.outside {
		return []string{"4XX"}
	}
	statuses := []string{"400", "429", "500", "503"}
	if o.secured {
		statuses = append(statuses, "401", "403")
	}
	if o.answersWithBody() {
		statuses = append(statuses, "406")
	}
	if strings.Contains(o.path, "{") {
		statuses = append(statuses, "404")
	}
	if o.node["requestBody"] != nil {
		statuses = append(statuses, "413", "415", "422")
	}
	if o.secured && o.writes() {
		statuses = append(statuses, "409", "422")
	}
	if o.conditional() {
		statuses = append(statuses, "412", "428")
	}
	if o.lists("Changes") {
		statuses = append(statuses, "410")
	}
	return statuses
}

func (o *operation) answersWithBody() bool {
	for status, response := range asNode(o.node["responses"]) {
		if status[0] == '2' && asNode(response)["content"] != nil {
			return true
		}
	}
	return false
}

// responses completes the written answers and adds the conventional ones.
func (o *operation) responses() {
	responses := child(o.node, "responses")
	for _, status := range slices.Sorted(maps.Keys(responses)) {
		response := asNode(responses[status])
		if status[0] >= '4' {
			response["content"] = refusal(asNode(response["content"]))
		} else {
			o.succeed(status, response)
		}
		o.headers(status, response)
	}
	for _, status := range o.problems() {
		if responses[status] == nil {
			responses[status] = node{"$ref": "#/components/responses/" + commonResponses[status].name}
		}
	}
	if o.method == "get" && o.hasVersion(o.node) {
		responses["304"] = node{"$ref": "#/components/responses/NotModified"}
	}
}

// succeed: only JSON follows the schema, other media types are text or bytes.
func (o *operation) succeed(status string, response node) {
	content := asNode(response["content"])
	for _, mediaType := range slices.Sorted(maps.Keys(content)) {
		if mediaType != jsonType && asNode(asNode(content[mediaType])["schema"])["type"] != "string" {
			content[mediaType] = node{"schema": node{"type": "string"}}
		}
	}
	if (status == "200" || status == "201") && o.hasVersion(o.node) {
		child(response, "headers")["ETag"] = header("ETag")
	}
	if status == "201" && o.hasVersion(o.node) {
		child(response, "headers")["Location"] = header("Location")
	}
}

// headers adds those that every answer has.
func (o *operation) headers(status string, response node) {
	headers := child(response, "headers")
	headers["X-Request-Id"] = header("RequestId")
	if o.outside {
		return
	}
	if o.secured {
		headers["RateLimit"], headers["RateLimit-Policy"] = header("RateLimit"), header("RateLimitPolicy")
	}
	if o.secured && o.writes() && status[0] == '2' {
		headers["Idempotent-Replayed"] = header("IdempotentReplayed")
	}
	if status == "429" || status == "503" {
		headers["Retry-After"] = header("RetryAfter")
	}
}

func header(name string) node { return node{"$ref": "#/components/headers/" + name} }

// refusal is a problem. Where a handler answers errors in a form of its own, what stands before it still sends problems.
func refusal(written node) node {
	content := problemContent()
	own := asNode(written[jsonType])
	if ref := text(asNode(own["schema"]), "$ref"); ref != "" && ref != schemaPrefix+"Problem" {
		content[jsonType] = own
	}
	return content
}

func problemContent() node {
	return node{problemType: node{"schema": node{"$ref": schemaPrefix + "Problem"}}}
}
