package eventsapi

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/events"
	"github.com/rooftop-crm/rooftop/internal/kernel"
)

// Event is one change, in an envelope that CloudEvents 1.0 knows. id and source together name it; a receiver that has seen
// them has seen the event.
type Event struct {
	SpecVersion     string    `json:"specversion" enums:"1.0" example:"1.0"`
	ID              uuid.UUID `json:"id"`
	Source          string    `json:"source" format:"uri-reference" example:"/accounts/0196f9a2-6a75-7c1c-8d3e-2b9f0a4c5d6e"`
	Type            string    `json:"type" example:"lead.created"`
	Subject         string    `json:"subject" example:"lead/0196f9a2-7b1a-7d50-9a41-61f0c2d3e4f5"` // kind and id of the resource
	Time            time.Time `json:"time"`
	DataContentType string    `json:"datacontenttype" enums:"application/json" example:"application/json"`
	Sequence        int64     `json:"sequence" example:"3"` // the version of the resource after the change: what is lower than one already seen is stale
	Data            EventData `json:"data"`
} //	@name	Event

// EventData says what changed and who did it. It holds no personal data: read the resource for what it is now.
type EventData struct {
	Resource     string               `json:"resource" example:"lead"`
	ResourceID   uuid.UUID            `json:"resource_id"`
	DealershipID *kernel.DealershipID `json:"dealership_id"` // where the resource is after the change; null when it is at none
	Actor        EventActor           `json:"actor"`
	Changed      []string             `json:"changed" example:"status"` // the fields that changed; empty for what is new or deleted
	Details      json.RawMessage      `json:"details"`                  // small facts of this type of event
} //	@name	EventData

// EventActor is who made a change.
type EventActor struct {
	Type string     `json:"type" enums:"user,api_key,client,partner,site_key,system" example:"user"`
	ID   *uuid.UUID `json:"id"` // null for the system
} //	@name	EventActor

func fromEvent(e events.Event) Event {
	out := Event{
		SpecVersion: "1.0", ID: e.ID, Source: "/accounts/" + e.Account.String(), Type: e.Type,
		Subject: e.Resource + "/" + e.ResourceID.String(), Time: e.At, DataContentType: "application/json", Sequence: e.Sequence,
		Data: EventData{
			Resource: e.Resource, ResourceID: e.ResourceID, Actor: EventActor{Type: string(e.ActorKind)},
			Changed: e.Changed, Details: e.Details,
		},
	}
	if !e.Dealership.IsZero() {
		out.Data.DealershipID = &e.Dealership
	}
	if e.ActorID != uuid.Nil {
		out.Data.Actor.ID = &e.ActorID
	}
	if out.Data.Changed == nil {
		out.Data.Changed = []string{}
	}
	if out.Data.Details == nil {
		out.Data.Details = json.RawMessage("{}")
	}
	return out
}
