package openapi

import (
	"bytes"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Validator checks traffic against the document, more strictly than a client would: an answer may hold no field that the
// document does not name. It is safe for concurrent use.
type Validator struct {
	doc     node
	routes  []route
	hooks   map[string]hook // by type of event
	problem schemas
}

// hook is what endpoints are sent for a type of event.
type hook struct {
	op   node
	body *jsonschema.Schema
}

// route is an operation with its schemas, compiled.
type route struct {
	method   string
	path     string
	segments []string
	op       node
	answers  map[string]schemas // by status and media type, and for sparse answers
	bodies   schemas
}

type schemas map[string]*jsonschema.Schema

const documentURL = "rooftop:///openapi.json"

// NewValidator compiles every schema of the document; it fails when one is not sound.
func NewValidator() (*Validator, error) {
	doc, err := load()
	if err != nil {
		return nil, err
	}
	return newValidator(doc)
}

func newValidator(doc node) (*Validator, error) {
	strict, sparse := copyOf(doc), copyOf(doc)
	eachObject(strict, closeSchema)
	eachObject(sparse, func(n node) { closeSchema(n); loosen(n) })
	whole, err := compiler(strict)
	if err != nil {
		return nil, err
	}
	some, err := compiler(sparse)
	if err != nil {
		return nil, err
	}
	problem, err := whole.Compile(documentURL + "#/components/schemas/Problem")
	if err != nil {
		return nil, err
	}
	v := &Validator{doc: doc, problem: schemas{"application/problem+json": problem}}
	for path, item := range object(doc["paths"]) {
		for method, op := range object(item) {
			r := route{
				method: strings.ToUpper(method), path: path, segments: strings.Split(path, "/"), op: object(op),
				answers: map[string]schemas{},
			}
			if err := v.compile(&r, whole, some); err != nil {
				return nil, fmt.Errorf("%s %s: %w", r.method, path, err)
			}
			v.routes = append(v.routes, r)
		}
	}
	v.hooks = map[string]hook{}
	for name, item := range object(doc["webhooks"]) {
		body, err := whole.Compile(documentURL + "#/webhooks/" + escape(name) + "/post/requestBody/content/application~1json/schema")
		if err != nil {
			return nil, fmt.Errorf("webhook %s: %w", name, err)
		}
		v.hooks[name] = hook{object(object(item)["post"]), body}
	}
	// A path in full goes before one with a parameter in the same place.
	slices.SortFunc(v.routes, func(a, b route) int { return strings.Compare(a.path, b.path) })
	slices.SortStableFunc(v.routes, func(a, b route) int { return strings.Count(a.path, "{") - strings.Count(b.path, "{") })
	return v, nil
}

func compiler(doc node) (*jsonschema.Compiler, error) {
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	return c, c.AddResource(documentURL, doc)
}

func (v *Validator) compile(r *route, whole, some *jsonschema.Compiler) error {
	at := "/paths/" + escape(r.path) + "/" + strings.ToLower(r.method)
	for status, response := range object(r.op["responses"]) {
		from := pointer(object(response), at+"/responses/"+status)
		r.answers[status], r.answers[status+" sparse"] = schemas{}, schemas{}
		for mediaType := range object(resolve(v.doc, object(response))["content"]) {
			place := documentURL + "#" + from + "/content/" + escape(mediaType) + "/schema"
			var err, err2 error
			r.answers[status][mediaType], err = whole.Compile(place)
			r.answers[status+" sparse"][mediaType], err2 = some.Compile(place)
			if err := errors.Join(err, err2); err != nil {
				return err
			}
		}
	}
	r.bodies = schemas{}
	for mediaType := range object(object(r.op["requestBody"])["content"]) {
		schema, err := whole.Compile(documentURL + "#" + at + "/requestBody/content/" + escape(mediaType) + "/schema")
		if err != nil {
			return err
		}
		r.bodies[mediaType] = schema
	}
	return nil
}

// pointer is where an object of the document really is.
func pointer(n node, here string) string {
	if ref, ok := n["$ref"].(string); ok {
		return strings.TrimPrefix(ref, "#")
	}
	return here
}

func escape(key string) string {
	return strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D", "+", "%2B").Replace(key)
}

// CheckResponse fails when the answer to the request is not one that the document describes: its operation, status,
// media type, headers and body. body is the whole body of resp, which is not read.
func (v *Validator) CheckResponse(req *http.Request, resp *http.Response, body []byte) error {
	r := v.find(req)
	if r == nil {
		return v.checkUnknown(req, resp, body)
	}
	status := strconv.Itoa(resp.StatusCode)
	response, key := v.response(r, status)
	if response == nil {
		return fmt.Errorf("%s %s answered %s, which is not described: %.300s", r.method, r.path, status, body)
	}
	if err := v.checkHeaders(response, resp.Header); err != nil {
		return fmt.Errorf("%s %s %s: %w", r.method, r.path, status, err)
	}
	if req.URL.Query().Has("fields") && resp.StatusCode < 300 {
		key += " sparse"
	}
	if err := checkBody(r.answers[key], resp.Header, body, req.Method == http.MethodHead); err != nil {
		return fmt.Errorf("%s %s %s: %w", r.method, r.path, status, err)
	}
	return nil
}

// CheckWebhook fails when the document does not describe what an endpoint was sent for an event of a type.
func (v *Validator) CheckWebhook(name string, h http.Header, body []byte) error {
	described, ok := v.hooks[name]
	if !ok {
		return fmt.Errorf("the type of event %s is not described", name)
	}
	parameters, _ := described.op["parameters"].([]any)
	for _, p := range parameters {
		if header, _ := resolve(v.doc, object(p))["name"].(string); h.Get(header) == "" {
			return fmt.Errorf("%s: the header %s is missing", name, header)
		}
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err == nil {
		err = described.body.Validate(value)
	}
	if err != nil {
		return fmt.Errorf("%s: %w\n%.2000s", name, err, body)
	}
	return nil
}

// CheckRequest fails when the document does not describe such a request. Ask it about requests that were served: what the
// server takes, the document must name.
func (v *Validator) CheckRequest(req *http.Request, body []byte) error {
	r := v.find(req)
	if r == nil {
		return fmt.Errorf("%s %s is not described", req.Method, req.URL.Path)
	}
	for name := range req.URL.Query() {
		if !v.takes(r, name) {
			return fmt.Errorf("%s %s: the parameter %q is not described", r.method, r.path, name)
		}
	}
	if len(body) == 0 {
		return nil
	}
	if err := checkBody(r.bodies, req.Header, body, false); err != nil {
		return fmt.Errorf("%s %s: the request: %w", r.method, r.path, err)
	}
	return nil
}

func (v *Validator) takes(r *route, name string) bool {
	parameters, _ := r.op["parameters"].([]any)
	return slices.ContainsFunc(parameters, func(p any) bool {
		parameter := resolve(v.doc, object(p))
		return parameter["in"] == "query" && parameter["name"] == name
	})
}

// checkUnknown: what is not described must not exist, and says so with a problem as everything else does.
func (v *Validator) checkUnknown(req *http.Request, resp *http.Response, body []byte) error {
	if req.Method == http.MethodOptions {
		return nil // a browser's question, answered before any route
	}
	if resp.StatusCode < http.StatusBadRequest {
		return fmt.Errorf("%s %s answered %d and is not described", req.Method, req.URL.Path, resp.StatusCode)
	}
	if err := checkBody(v.problem, resp.Header, body, req.Method == http.MethodHead); err != nil {
		return fmt.Errorf("%s %s %d: %w", req.Method, req.URL.Path, resp.StatusCode, err)
	}
	return nil
}

func (v *Validator) find(req *http.Request) *route {
	method := req.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	segments := strings.Split(req.URL.EscapedPath(), "/")
	for i := range v.routes {
		if r := &v.routes[i]; r.method == method && matches(r.segments, segments) {
			return r
		}
	}
	return nil
}

func matches(pattern, segments []string) bool {
	if len(pattern) != len(segments) {
		return false
	}
	for i, p := range pattern {
		if p != segments[i] && (!strings.HasPrefix(p, "{") || segments[i] == "") {
			return false
		}
	}
	return true
}

// response finds what is described for a status, itself or its class.
func (v *Validator) response(r *route, status string) (response node, key string) {
	all := object(r.op["responses"])
	for _, key := range []string{status, status[:1] + "XX"} {
		if response, ok := all[key]; ok {
			return resolve(v.doc, object(response)), key
		}
	}
	return nil, ""
}

func (v *Validator) checkHeaders(response node, got http.Header) error {
	for name, h := range object(response["headers"]) {
		if resolve(v.doc, object(h))["required"] == true && got.Get(name) == "" {
			return fmt.Errorf("the header %s is missing", name)
		}
	}
	return nil
}

// checkBody checks media type and body. A HEAD's body is empty by nature.
func checkBody(described schemas, h http.Header, body []byte, head bool) error {
	if len(described) == 0 {
		if len(body) > 0 {
			return fmt.Errorf("a body where none is described: %.300s", body)
		}
		return nil
	}
	mediaType, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		return fmt.Errorf("Content-Type %q: %w", h.Get("Content-Type"), err)
	}
	schema, ok := described[mediaType]
	if _, bytes := described["*/*"]; !ok && bytes {
		return nil // of whatever type: the document does not describe their content
	}
	if !ok {
		return fmt.Errorf("the Content-Type %s is not described", mediaType)
	}
	if head || mediaType != "application/json" && !strings.HasSuffix(mediaType, "+json") {
		return nil
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("the body is not JSON: %w", err)
	}
	if err := schema.Validate(value); err != nil {
		return fmt.Errorf("%w\n%.2000s", err, body)
	}
	return nil
}
