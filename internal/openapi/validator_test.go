package openapi

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const small = `{
  "openapi": "3.1.1",
  "paths": {
    "/v1/leads/{id}": {"get": {"operationId": "getLead", "security": [{"Bearer": []}],
      "parameters": [{"$ref": "#/components/parameters/Fields"}],
      "responses": {
        "200": {"headers": {"ETag": {"required": true}}, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Lead"}}}},
        "304": {},
        "4XX": {"$ref": "#/components/responses/Problem"}}}},
    "/v1/leads/changes": {"get": {"operationId": "changes", "security": [], "responses": {"204": {}}}},
    "/v1/leads": {"post": {"operationId": "createLead", "security": [{"Bearer": []}],
      "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Lead"}}}},
      "responses": {"201": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Lead"}},
        "application/x-adf+xml": {"schema": {"type": "string"}}}}}}}
  },
  "components": {
    "parameters": {"Fields": {"name": "fields", "in": "query"}},
    "responses": {"Problem": {"content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}},
    "schemas": {"Problem": {"type": "object", "required": ["code"], "properties": {"code": {"type": "string"}}}, "Lead": {"type": "object", "required": ["id", "at"], "properties": {
      "id": {"type": "string", "format": "uuid"}, "at": {"type": ["string", "null"], "format": "date-time"}, "custom": {"type": "object", "additionalProperties": true}}}}
  }
}`

func setup(t *testing.T) *Validator {
	t.Helper()
	var doc node
	require.NoError(t, json.Unmarshal([]byte(small), &doc))
	v, err := newValidator(doc)
	require.NoError(t, err)
	return v
}

const goodLead = `{"id": "0198c5f2-7b1a-7c3e-9d2f-3a4b5c6d7e8f", "at": null, "custom": {"any": 1}}`

func TestCheckResponse(t *testing.T) {
	t.Parallel()
	v := setup(t)
	const json, problem = "application/json", "application/problem+json"
	for _, tt := range []struct {
		name, target string
		status       int
		mediaType    string
		body         string
		wantErr      string
	}{
		{"as described", "/v1/leads/1", 200, json, goodLead, ""},
		{"a problem", "/v1/leads/1", 404, problem, `{"code": "not_found"}`, ""},
		{"a status of no class", "/v1/leads/1", 500, problem, `{"code": "internal"}`, "500, which is not described"},
		{"another media type", "/v1/leads/1", 404, json, `{"code": "not_found"}`, "application/json is not described"},
		{"a field too many", "/v1/leads/1", 200, json, `{"id": "0198c5f2-7b1a-7c3e-9d2f-3a4b5c6d7e8f", "at": null, "secret": 1}`, "secret"},
		{"a field missing", "/v1/leads/1", 200, json, `{"id": "0198c5f2-7b1a-7c3e-9d2f-3a4b5c6d7e8f"}`, "at"},
		{"a field missing in a sparse answer", "/v1/leads/1?fields=id", 200, json, `{"id": "0198c5f2-7b1a-7c3e-9d2f-3a4b5c6d7e8f"}`, ""},
		{"a field too many in a sparse answer", "/v1/leads/1?fields=id", 200, json, `{"secret": 1}`, "secret"},
		{"a format", "/v1/leads/1", 200, json, `{"id": "1", "at": null}`, "uuid"},
		{"a body where none belongs", "/v1/leads/1", 304, json, `{}`, "a body where none is described"},
		{"a path in full before one with a parameter", "/v1/leads/changes", 204, "", ``, ""},
		{"no such path", "/v1/nothing", 404, problem, `{"code": "route.not_found"}`, ""},
		{"no such path, without a problem", "/v1/nothing", 404, json, `{}`, "application/json is not described"},
		{"a path that is not described", "/v1/secret", 200, json, `{}`, "is not described"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			req := httptest.NewRequest(http.MethodGet, tt.target, http.NoBody)
			resp := &http.Response{StatusCode: tt.status, Header: http.Header{"Content-Type": {tt.mediaType}, "Etag": {`"1"`}}}
			err := v.CheckResponse(req, resp, []byte(tt.body))
			if tt.wantErr == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.wantErr)
		})
	}
}

func TestCheckResponseWantsHeaders(t *testing.T) {
	t.Parallel()
	resp := &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}}
	err := setup(t).CheckResponse(httptest.NewRequest(http.MethodGet, "/v1/leads/1", http.NoBody), resp, []byte(goodLead))
	assert.ErrorContains(t, err, "ETag is missing")
}

func TestCheckRequest(t *testing.T) {
	t.Parallel()
	v := setup(t)
	require.NoError(t, v.CheckRequest(httptest.NewRequest(http.MethodGet, "/v1/leads/1?fields=id", http.NoBody), nil))
	require.ErrorContains(t, v.CheckRequest(httptest.NewRequest(http.MethodGet, "/v1/leads/1?q=x", http.NoBody), nil), `"q" is not described`)

	post := httptest.NewRequest(http.MethodPost, "/v1/leads", http.NoBody)
	post.Header.Set("Content-Type", "application/json; charset=utf-8")
	require.NoError(t, v.CheckRequest(post, []byte(goodLead)))
	require.ErrorContains(t, v.CheckRequest(post, []byte(`{"id": "x"}`)), "the request")
}

func TestTheDocumentCompiles(t *testing.T) {
	t.Parallel()
	_, err := NewValidator()
	require.NoError(t, err)
	_, err = Operations()
	require.NoError(t, err)
}

func TestPathOf(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "/v1/contacts/by-ref/{source}/{external_id}", PathOf("/v1/contacts/by-ref/:source/:external_id"))
}
