package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/events"
)

// sample generates the document of testdata/sample. Tests here do not run in parallel, since swag needs the working directory.
func sample(t *testing.T, change func(dir string)) (map[string][]byte, error) {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS("testdata/sample")))
	if change != nil {
		change(dir)
	}
	return produce(dir, nil)
}

func document(t *testing.T) node {
	t.Helper()
	files, err := sample(t, nil)
	require.NoError(t, err)
	doc := node{}
	require.NoError(t, json.Unmarshal(files["docs/openapi.json"], &doc))
	return doc
}

func at(t *testing.T, doc node, keys ...string) any {
	t.Helper()
	var v any = doc
	for _, key := range keys {
		n, ok := v.(node)
		require.True(t, ok && n[key] != nil, "no %q in %v", key, v)
		v = n[key]
	}
	return v
}

func schemaOf(t *testing.T, doc node, keys ...string) string {
	t.Helper()
	return textOf(t, at(t, doc, append([]string{"components", "schemas"}, keys...)...))
}

func textOf(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return string(text)
}

func TestFieldsSayWhatTheirGoTypesSay(t *testing.T) {
	doc := document(t)
	for field, want := range map[string]string{
		"id":         `{"type": "string", "format": "uuid"}`,
		"version":    `{"type": "integer", "format": "int64"}`,
		"related":    `{"type": "array", "items": {"type": "string", "format": "uuid"}}`,
		"original":   `{"type": ["string", "null"], "format": "uuid"}`,
		"status":     `{"$ref": "#/components/schemas/LeadStatus", "examples": ["new"]}`,
		"price":      `{"anyOf": [{"$ref": "#/components/schemas/Money"}, {"type": "null"}]}`,
		"custom":     `{"type": "object", "additionalProperties": true}`,
		"created_at": `{"type": "string", "format": "date-time"}`,
		"deleted_at": `{"type": ["string", "null"], "format": "date-time"}`,
		"note":       `{"type": "string"}`,
	} {
		assert.JSONEq(t, want, schemaOf(t, doc, "Lead", "properties", field), field)
	}
	assert.JSONEq(t, `"Lead is an enquiry of a person."`, schemaOf(t, doc, "Lead", "description"))
	assert.JSONEq(t, `["new", "won"]`, schemaOf(t, doc, "LeadStatus", "enum"))
	assert.Contains(t, schemaOf(t, doc, "LeadStatus", "description"), "`won`: sold")
}

func TestPatchFieldsAreOptionalAndNullable(t *testing.T) {
	doc := document(t)
	assert.JSONEq(t, `{"description": "UpdateLead changes a lead.", "type": "object", "properties": {
		"comments": {"type": ["string", "null"], "maxLength": 200},
		"prices": {"type": ["array", "null"], "items": {"$ref": "#/components/schemas/MoneyInput"}},
		"price": {"anyOf": [{"$ref": "#/components/schemas/MoneyInput"}, {"type": "null"}]},
		"status": {"$ref": "#/components/schemas/LeadStatus"}
	}}`, schemaOf(t, doc, "UpdateLead"))
}

func TestRequiredDiffersByDirection(t *testing.T) {
	doc := document(t)
	assert.JSONEq(t, `["status"]`, schemaOf(t, doc, "CreateLead", "required"))
	assert.JSONEq(t, `["amount_minor", "currency"]`, schemaOf(t, doc, "Money", "required"))
	assert.JSONEq(t, `["amount_minor"]`, schemaOf(t, doc, "MoneyInput", "required"))
	assert.JSONEq(t, `["data", "next_cursor"]`, schemaOf(t, doc, "LeadList", "required"))
	assert.NotContains(t, schemaOf(t, doc, "Lead", "required"), "note")
	assert.JSONEq(t, `{"$ref": "#/components/schemas/LeadBatchItem"}`, schemaOf(t, doc, "LeadBatch", "properties", "data", "items"))
}

func TestConventionsAreAddedByRule(t *testing.T) {
	doc := document(t)
	keys := func(path, method, of string) []string {
		var out []string
		for key := range at(t, doc, "paths", path, method, of).(node) {
			out = append(out, key)
		}
		return out
	}
	parameters := func(path, method string) string {
		text, err := json.Marshal(asNode(at(t, doc, "paths", path, method))["parameters"])
		require.NoError(t, err)
		return string(text)
	}
	assert.ElementsMatch(t, []string{"200", "400", "401", "403", "406", "429", "500", "503"}, keys("/v1/leads", "get", "responses"))
	assert.ElementsMatch(t, []string{"200", "304", "400", "401", "403", "404", "406", "429", "500", "503"}, keys("/v1/leads/{id}", "get", "responses"))
	assert.ElementsMatch(t, []string{"204", "400", "401", "403", "404", "409", "412", "422", "428", "429", "500", "503"},
		keys("/v1/leads/{id}", "delete", "responses"))
	assert.ElementsMatch(t, []string{"200", "4XX"}, keys("/healthz", "get", "responses"))

	assert.Contains(t, parameters("/v1/leads", "get"), "parameters/Cursor")
	assert.Contains(t, parameters("/v1/leads", "post"), "parameters/IdempotencyKey")
	assert.Contains(t, parameters("/v1/leads/{id}", "patch"), "parameters/IfMatch")
	assert.Contains(t, parameters("/v1/leads/{id}", "get"), "parameters/IfNoneMatch")
	assert.Equal(t, "null", parameters("/v1/leads/check", "post"))

	created := at(t, doc, "paths", "/v1/leads", "post", "responses", "201", "headers").(node)
	assert.Contains(t, created, "ETag")
	assert.Contains(t, created, "Location")
	conflict := at(t, doc, "paths", "/v1/leads", "post", "responses", "409", "content").(node)
	assert.Contains(t, conflict, "application/problem+json")
	assert.Len(t, conflict, 1)
	xml := at(t, doc, "paths", "/v1/leads/{id}", "get", "responses", "200", "content", "application/xml", "schema")
	assert.Equal(t, node{"type": "string"}, xml)
}

func TestSchemaNames(t *testing.T) {
	for swag, want := range map[string]string{
		"Lead": "Lead", "List-Lead": "LeadList", "leads.Status": "LeadStatus", "leads.LeadKind": "LeadKind", "auth.ActorKind": "ActorKind",
		"httpx.ListOf-leadsapi_Lead": "LeadListOf", "Batch-Contact": "ContactBatch",
	} {
		assert.Equal(t, want, schemaName(swag))
	}
}

func TestOutputDependsOnTheSourceAlone(t *testing.T) {
	first, err := sample(t, nil)
	require.NoError(t, err)
	second, err := sample(t, nil)
	require.NoError(t, err)
	assert.Equal(t, first, second)
}

func TestMissingNotesAreNamed(t *testing.T) {
	_, err := sample(t, func(dir string) {
		path := filepath.Join(dir, "api", "leadsapi", "leads.go")
		source, err := os.ReadFile(path)
		require.NoError(t, err)
		broken := string(source) + "\n// bad has no id.\n//\n//\t@Summary\tBad\n//\t@Success\t204\n//\t@Router\t/bad [post]\nfunc bad() {}\n"
		require.NoError(t, os.WriteFile(path, []byte(broken), 0o600))
	})
	assert.ErrorContains(t, err, "POST /v1/bad")
}

func TestWebhooksAreDescribedByTheirTable(t *testing.T) {
	doc := node{"components": node{"schemas": node{feedEvent: node{
		"type": "object", "properties": node{"type": node{"type": "string"}}, "required": []any{"type"},
	}}}}
	moved := events.Type{Name: "lead.status_changed", Resource: "lead", Summary: "A lead moved."}
	require.NoError(t, addWebhooks(doc, []events.Type{moved}))
	assert.Equal(t, "onLeadStatusChanged", at(t, doc, "webhooks", "lead.status_changed", "post", "operationId"))
	assert.JSONEq(t, `{"allOf": [{"$ref": "#/components/schemas/WebhookEvent"}, {"properties": {"type": {"const": "lead.status_changed"}}, "required": ["type"]}]}`,
		textOf(t, at(t, doc, "webhooks", "lead.status_changed", "post", "requestBody", "content", jsonType, "schema")))
	assert.JSONEq(t, `["type", "timestamp"]`, schemaOf(t, doc, sentEvent, "required"))
	assert.JSONEq(t, `["type"]`, schemaOf(t, doc, feedEvent, "required"), "the envelope of the feeds stays as it is")
	require.ErrorContains(t, addWebhooks(doc, []events.Type{moved, moved}), "lead.status_changed is listed twice")
	assert.ErrorContains(t, addWebhooks(node{}, []events.Type{moved}), `"Event"`)
}

// The committed document is the one that the source makes.
func TestGenerateLeavesNoDiff(t *testing.T) {
	root := "../../.."
	files, err := produce(root, events.Types())
	require.NoError(t, err)
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(root, name))
		require.NoError(t, err)
		assert.Equal(t, string(want), string(got), "%s is not current: run make generate", name)
	}
}
