package main

import (
	"fmt"
	"strings"

	"github.com/rooftop-crm/rooftop/internal/events"
)

// The envelope of events in the feeds, and of those that are sent.
const (
	feedEvent = "Event"
	sentEvent = "WebhookEvent"
)

// addWebhooks describes what endpoints are sent: one request for each type of event.
func addWebhooks(doc node, types []events.Type) error {
	if len(types) == 0 {
		return nil
	}
	schemas := child(doc, "components", "schemas")
	envelope := asNode(clone(schemas[feedEvent]))
	if envelope == nil {
		return fmt.Errorf("webhooks send a schema %q, which no annotation defines", feedEvent)
	}
	envelope["description"] = "WebhookEvent is one change as an endpoint is sent it: an Event, with the time under the name that Standard Webhooks gives it as well."
	child(envelope, "properties")["timestamp"] = node{"type": "string", "format": "date-time", "description": "the same as time"}
	envelope["required"] = append(list(envelope, "required"), "timestamp")
	schemas[sentEvent] = envelope
	hooks := child(doc, "webhooks")
	for _, t := range types {
		if hooks[t.Name] != nil {
			return fmt.Errorf("the type of event %s is listed twice", t.Name)
		}
		hooks[t.Name] = node{"post": webhook(t)}
	}
	return nil
}

func webhook(t events.Type) node {
	return node{
		"operationId": "on" + title(t.Name), "summary": t.Name, "tags": []any{"webhooks"}, "security": []any{},
		"description": t.Summary + " Verify webhook-signature before anything else; docs/webhooks.md has the details.",
		"parameters": []any{
			node{"$ref": "#/components/parameters/WebhookId"},
			node{"$ref": "#/components/parameters/WebhookTimestamp"},
			node{"$ref": "#/components/parameters/WebhookSignature"},
		},
		"requestBody": node{"required": true, "content": node{jsonType: node{"schema": node{"allOf": []any{
			node{"$ref": schemaPrefix + sentEvent},
			node{"properties": node{"type": node{"const": t.Name}}, "required": []any{"type"}},
		}}}}},
		"responses": node{
			"2XX": node{"description": "The event was taken. Answer within 15 seconds, and work later."},
			"410": node{"description": "No more is wanted: the endpoint is disabled."},
			"4XX": node{"description": "The event was not taken. It comes again, as docs/webhooks.md says; as after any answer but 2xx, or none."},
		},
	}
}

// title makes LeadStatusChanged of lead.status_changed.
func title(name string) string {
	var b strings.Builder
	for word := range strings.FieldsFuncSeq(name, func(r rune) bool { return r == '.' || r == '_' }) {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}
