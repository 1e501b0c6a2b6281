package main

import (
	"maps"
	"slices"
	"strings"
)

// commonResponse is an answer that conventions give to many operations.
type commonResponse struct{ name, description string }

var commonResponses = map[string]commonResponse{
	"400": {"BadRequest", "The request cannot be read: broken JSON, an unknown parameter, a value out of range, a bad cursor."},
	"401": {"Unauthorized", "No credential was sent, or it is unknown, expired or revoked."},
	"403": {"Forbidden", "The credential is known but may not do this. The detail names the scope it lacks."},
	"404": {"NotFound", "There is no such resource, or it belongs to another account."},
	"406": {"NotAcceptable", "Accept names no media type that this path answers with."},
	"409": {"Conflict", "The state forbids it, or a request with the same Idempotency-Key is still at work."},
	"410": {"Gone", "The cursor has expired. The detail says how to read everything anew."},
	"412": {"PreconditionFailed", "The resource has changed since the version named in If-Match."},
	"413": {"ContentTooLarge", "The body is larger than this path accepts."},
	"415": {"UnsupportedMediaType", "This path does not read bodies of that Content-Type."},
	"422": {"UnprocessableContent", "Some fields are not valid; errors names them all. Also an Idempotency-Key that was used for another request."},
	"428": {"PreconditionRequired", "The account demands an If-Match with every change."},
	"429": {"TooManyRequests", "The credential has used up its rate. Retry-After says when to go on."},
	"500": {"InternalServerError", "Something failed on the server. Nothing was changed; request_id finds it in the log."},
	"503": {"ServiceUnavailable", "The server cannot answer for a moment. Try again after the time in Retry-After."},
	"4XX": {"ClientError", "The request cannot be served as it was sent."},
}

var commonParameters = map[string]node{
	"Limit": {
		"name": "limit", "in": "query", "description": "How many to return at most.",
		"schema": node{"type": "integer", "minimum": 1, "maximum": 200, "default": 25},
	},
	"Cursor": {
		"name": "cursor", "in": "query", "description": "Where to go on: next_cursor of the page before, unchanged.",
		"schema": node{"type": "string"},
	},
	"ChangesCursor": {
		"name": "cursor", "in": "query",
		"description": "Where to go on: next_cursor of the answer before, unchanged. Without it the feed starts with the oldest change.",
		"schema":      node{"type": "string"},
	},
	"Count": {
		"name": "count", "in": "query", "description": "Also count all that the filters let through. An estimate is cheaper than an exact count.",
		"schema": node{"type": "string", "enum": []any{"exact", "estimated"}},
	},
	"IdempotencyKey": {
		"name": "Idempotency-Key", "in": "header",
		"description": "A key of the caller's own, unique for this request. A retry with the same key has no second effect and gets the first answer.",
		"schema":      node{"type": "string", "minLength": 1, "maxLength": 255},
	},
	"IfMatch": {
		"name": "If-Match", "in": "header", "description": "The ETag of the version to change. Another version answers 412.",
		"schema": node{"type": "string"},
	},
	"WebhookId": {
		"name": "webhook-id", "in": "header", "required": true, "description": "The event's id: the same over every attempt and replay.",
		"schema": node{"type": "string", "format": "uuid"},
	},
	"WebhookTimestamp": {
		"name": "webhook-timestamp", "in": "header", "required": true,
		"description": "When the attempt was made, in seconds since 1970. Refuse what is more than five minutes off.",
		"schema":      node{"type": "integer", "format": "int64"},
	},
	"WebhookSignature": {
		"name": "webhook-signature", "in": "header", "required": true,
		"description": "One or more signatures as Standard Webhooks 1.0.0 writes them, with spaces between them: v1, and the HMAC-SHA256, in base64, of the id, the timestamp and the raw body with points between them. One that fits is enough.",
		"schema":      node{"type": "string", "examples": []any{"v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="}},
	},
	"IfNoneMatch": {
		"name": "If-None-Match", "in": "header", "description": "The ETag that the caller has. The same version answers 304 without a body.",
		"schema": node{"type": "string"},
	},
}

var commonHeaders = map[string]node{
	"RequestId": {
		"description": "Names this request in the server's log: the caller's own X-Request-Id, or a new one.", "required": true,
		"schema": node{"type": "string"},
	},
	"RateLimit": {
		"description": "What is left of the credential's rate, and the seconds until it is whole again.",
		"schema":      node{"type": "string", "examples": []any{`"default";r=599;t=60`}},
	},
	"RateLimitPolicy": {
		"description": "The credential's rate: requests (q) in a window of seconds (w). Each item of a batch counts as a request.",
		"schema":      node{"type": "string", "examples": []any{`"default";q=600;w=60`}},
	},
	"RetryAfter": {
		"description": "Seconds to wait before trying again.",
		"schema":      node{"type": "integer", "minimum": 0},
	},
	"ETag": {
		"description": "The version of the resource, for If-Match and If-None-Match.", "required": true,
		"schema": node{"type": "string", "examples": []any{`"7"`}},
	},
	"Location": {
		"description": "The path of the new resource.",
		"schema":      node{"type": "string", "format": "uri-reference"},
	},
	"IdempotentReplayed": {
		"description": "Set to true when this is the kept answer of an earlier request with the same Idempotency-Key.",
		"schema":      node{"type": "string", "enum": []any{"true"}},
	},
}

// addCommon adds those of the common components that the document refers to.
func addCommon(doc node) {
	components := child(doc, "components")
	for status, common := range commonResponses {
		if !refers(doc, "#/components/responses/"+common.name) {
			continue
		}
		response := node{
			"description": common.description, "content": problemContent(),
			"headers": node{"X-Request-Id": header("RequestId")},
		}
		if status == "429" || status == "503" {
			child(response, "headers")["Retry-After"] = header("RetryAfter")
		}
		child(components, "responses")[common.name] = response
	}
	if refers(doc, "#/components/responses/NotModified") {
		child(components, "responses")["NotModified"] = node{
			"description": "The caller has the current version.",
			"headers":     node{"X-Request-Id": header("RequestId"), "ETag": header("ETag")},
		}
	}
	addReferred(doc, "parameters", commonParameters)
	addReferred(doc, "headers", commonHeaders)
}

func addReferred(doc node, kind string, all map[string]node) {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if refers(doc, "#/components/"+kind+"/"+name) {
			child(doc, "components", kind)[name] = all[name]
		}
	}
}

func refers(doc node, ref string) bool {
	found := false
	walk(doc, func(n node) { found = found || strings.EqualFold(text(n, "$ref"), ref) })
	return found
}
