package eventsapi

import (
	"context"
	"net/http"
	"time"

	"github.com/goccy/go-json"
	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/events"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/merge"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// WebhookEndpoint is an address that is told of events.
type WebhookEndpoint struct {
	ID             kernel.WebhookID      `json:"id"`
	Version        int64                 `json:"version" example:"3"`
	URL            string                `json:"url" format:"uri" example:"https://hooks.garage-dupont.example/rooftop"`
	Description    string                `json:"description" example:"CRM of the agency"`
	EventTypes     []string              `json:"event_types" extensions:"x-nullable" example:"lead.created"`
	Resources      []string              `json:"resources" extensions:"x-nullable" example:"lead"`
	DealershipIDs  []kernel.DealershipID `json:"dealership_ids" extensions:"x-nullable"`
	Scopes         []auth.Scope          `json:"scopes" example:"leads:read"` // what its maker could read: it is told of nothing else
	Enabled        bool                  `json:"enabled"`
	DisabledReason *string               `json:"disabled_reason" enums:"by_hand,gone,failing" example:"gone"`
	DisabledAt     *time.Time            `json:"disabled_at"`
	Secrets        []WebhookSecret       `json:"secrets"` // those that sign, oldest first, without their text
	CreatedAt      time.Time             `json:"created_at"`
	UpdatedAt      time.Time             `json:"updated_at"`
	DeletedAt      *time.Time            `json:"deleted_at"`
} //	@name	WebhookEndpoint

// WebhookSecret is a secret that signs deliveries.
type WebhookSecret struct {
	ID        uuid.UUID  `json:"id"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at"` // null for the newest
} //	@name	WebhookSecret

// IssuedWebhookEndpoint is an endpoint with its newest secret, which is shown this once. A replay of the answer has null in its place.
type IssuedWebhookEndpoint struct {
	WebhookEndpoint
	Secret *string `json:"secret" example:"whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"`
} //	@name	IssuedWebhookEndpoint

// CreateWebhookEndpoint is what makes an endpoint.
type CreateWebhookEndpoint struct {
	URL           string                `json:"url" validate:"required,max=2048" example:"https://hooks.garage-dupont.example/rooftop"`
	Description   string                `json:"description,omitempty" validate:"max=500" example:"CRM of the agency"`
	EventTypes    []string              `json:"event_types,omitempty" validate:"max=100" extensions:"x-nullable" example:"lead.created"` // every type when left out or null
	Resources     []string              `json:"resources,omitempty" validate:"max=100" extensions:"x-nullable" example:"lead"`           // every kind when left out or null
	DealershipIDs []kernel.DealershipID `json:"dealership_ids,omitempty" validate:"max=100" extensions:"x-nullable"`                     // wherever it happens when left out or null
	Enabled       *bool                 `json:"enabled,omitempty"`                                                                       // true when left out
} //	@name	CreateWebhookEndpoint

// PatchWebhookEndpoint changes an endpoint. Lists are replaced whole.
type PatchWebhookEndpoint struct {
	URL           merge.Field[string]                `json:"url" validate:"max=2048" extensions:"!x-nullable" example:"https://hooks.garage-dupont.example/rooftop"`
	Description   merge.Field[string]                `json:"description" validate:"max=500" extensions:"!x-nullable" example:"CRM of the agency"`
	EventTypes    merge.Field[[]string]              `json:"event_types" validate:"max=100" example:"lead.created"`
	Resources     merge.Field[[]string]              `json:"resources" validate:"max=100" example:"lead"`
	DealershipIDs merge.Field[[]kernel.DealershipID] `json:"dealership_ids" validate:"max=100"`
	Enabled       merge.Field[bool]                  `json:"enabled" extensions:"!x-nullable"`
} //	@name	PatchWebhookEndpoint

// RotateWebhookSecret says how long the secrets there are go on signing beside the new one.
type RotateWebhookSecret struct {
	OverlapHours *int `json:"overlap_hours,omitempty" validate:"omitempty,gte=0,lte=168" example:"24"` // 24 when left out; 0 ends them at once
} //	@name	RotateWebhookSecret

// ReplayWebhookEvents is a range of events to deliver once more.
type ReplayWebhookEvents struct {
	Since  time.Time              `json:"since" validate:"required"`                                                                // when the first of them happened
	Until  *time.Time             `json:"until,omitempty"`                                                                          // those before this; now when left out
	States []events.DeliveryState `json:"states,omitempty" validate:"max=3,dive,oneof=delivered failed cancelled" example:"failed"` // only deliveries that stand so; when left out also events that were never delivered
} //	@name	ReplayWebhookEvents

// QueuedReplay says how much is on its way again.
type QueuedReplay struct {
	Queued int `json:"queued" example:"12"`
} //	@name	QueuedReplay

// WebhookDelivery is one event on its way to one endpoint.
type WebhookDelivery struct {
	ID            kernel.DeliveryID    `json:"id"`
	EndpointID    kernel.WebhookID     `json:"endpoint_id"`
	EventID       uuid.UUID            `json:"event_id"` // sent as webhook-id, the same each time
	EventType     string               `json:"event_type" example:"lead.created"`
	Resource      string               `json:"resource" example:"lead"`
	ResourceID    uuid.UUID            `json:"resource_id"`
	Sequence      int64                `json:"sequence" example:"3"`
	State         events.DeliveryState `json:"state"`
	Attempts      int                  `json:"attempts" example:"1"`
	NextAttemptAt *time.Time           `json:"next_attempt_at"` // null unless pending
	LastStatus    *int                 `json:"last_status" example:"200"`
	LastError     *string              `json:"last_error" example:"fetch.timeout"` // when the last attempt had no answer
	CreatedAt     time.Time            `json:"created_at"`
	UpdatedAt     time.Time            `json:"updated_at"`
	DeliveredAt   *time.Time           `json:"delivered_at"`
} //	@name	WebhookDelivery

// WebhookDeliveryLog is a delivery with what was sent and what came back.
type WebhookDeliveryLog struct {
	WebhookDelivery
	Body string           `json:"body"` // as it is sent, byte for byte
	Log  []WebhookAttempt `json:"log"`  // every attempt, oldest first
} //	@name	WebhookDeliveryLog

// WebhookAttempt is one request of a delivery.
type WebhookAttempt struct {
	Number          int               `json:"number" example:"1"`
	At              time.Time         `json:"at"`
	DurationMS      int64             `json:"duration_ms" example:"84"`
	URL             string            `json:"url" format:"uri"`
	Status          *int              `json:"status" example:"200"`          // null when there was no answer
	Error           *string           `json:"error" example:"fetch.timeout"` // why there was none
	RequestHeaders  map[string]string `json:"request_headers"`
	ResponseHeaders map[string]string `json:"response_headers"`
	ResponseBody    string            `json:"response_body"` // the first KiB
} //	@name	WebhookAttempt

// webhookBody is what an endpoint gets: an Event, with the time under the name that Standard Webhooks gives it as well.
type webhookBody struct {
	Event
	Timestamp time.Time `json:"timestamp"`
}

// Render is an event as endpoints are told it.
func Render(e events.Event) ([]byte, error) {
	return json.Marshal(webhookBody{Event: fromEvent(e), Timestamp: e.At})
}

func orNull[T comparable](v T) *T {
	var none T
	if v == none {
		return nil
	}
	return &v
}

func fromEndpoint(e events.Endpoint) WebhookEndpoint {
	out := WebhookEndpoint{
		ID: e.ID, Version: e.Version, URL: e.URL, Description: e.Description, EventTypes: e.Types, Resources: e.Resources, DealershipIDs: e.Dealerships,
		Scopes: e.Scopes.List(), Enabled: e.Enabled, DisabledReason: orNull(e.DisabledReason), DisabledAt: e.DisabledAt,
		Secrets: make([]WebhookSecret, len(e.Secrets)), CreatedAt: e.CreatedAt, UpdatedAt: e.UpdatedAt, DeletedAt: e.DeletedAt,
	}
	for i, s := range e.Secrets {
		out.Secrets[i] = WebhookSecret{ID: s.ID, CreatedAt: s.CreatedAt, ExpiresAt: s.ExpiresAt}
	}
	return out
}

func fromDelivery(d events.Delivery) WebhookDelivery {
	return WebhookDelivery{
		ID: d.ID, EndpointID: d.Endpoint, EventID: d.EventID, EventType: d.EventType, Resource: d.Resource, ResourceID: d.ResourceID, Sequence: d.Sequence,
		State: d.State, Attempts: d.Attempts, NextAttemptAt: d.NextAt, LastStatus: orNull(d.LastStatus), LastError: orNull(d.LastError),
		CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt, DeliveredAt: d.DeliveredAt,
	}
}

func fromAttempt(a events.Attempt) WebhookAttempt {
	return WebhookAttempt{
		Number: a.Number, At: a.At, DurationMS: a.Took.Milliseconds(), URL: a.URL, Status: orNull(a.Status), Error: orNull(a.Error),
		RequestHeaders: a.RequestHeaders, ResponseHeaders: a.ResponseHeaders, ResponseBody: a.ResponseBody,
	}
}

func endpointReply(e events.Endpoint) httpx.Reply {
	return httpx.Reply{Body: fromEndpoint(e), Version: e.Version}
}

// issued shows the secret in this answer, and null in the record of it.
func issued(e events.IssuedEndpoint) httpx.Reply {
	w := fromEndpoint(e.Endpoint)
	return httpx.Reply{
		Body: IssuedWebhookEndpoint{WebhookEndpoint: w, Secret: &e.Secret}, Redacted: IssuedWebhookEndpoint{WebhookEndpoint: w}, Version: e.Version,
	}
}

func (h handler) onEndpoint(
	c echo.Context, work func(ctx context.Context, actor auth.Actor, id kernel.WebhookID, ifMatch *int64) (httpx.Reply, error),
) error {
	id, err := httpx.PathID[kernel.WebhookID](c, "id")
	if err != nil {
		return err
	}
	ifMatch, err := httpx.IfMatch(c)
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		return work(ctx, actor, id, ifMatch)
	})
}

// createEndpoint adds an endpoint.
//
//	@ID				createWebhookEndpoint
//	@Summary		Create a webhook endpoint
//	@Description	Events that fit the filters, and that whoever makes the endpoint may read, are sent to the URL as POST, each signed as
//	@Description	Standard Webhooks 1.0.0 says; docs/webhooks.md has the details. The answer has the secret, this once. The URL must be https
//	@Description	and on the public internet. Nothing that happened before is sent; see replay.
//	@Tags			webhooks
//	@Accept			json
//	@Param			body	body		CreateWebhookEndpoint	true	"the endpoint"
//	@Success		201		{object}	IssuedWebhookEndpoint
//	@Failure		409		{object}	httpx.Problem	"the account has as many endpoints as it may"
//	@Security		Bearer
//	@Router			/webhook-endpoints [post]
func (h handler) createEndpoint(c echo.Context) error {
	in, err := httpx.Bind[CreateWebhookEndpoint](c)
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	d := events.EndpointDetails{
		URL: in.URL, Description: in.Description, Types: in.EventTypes, Resources: in.Resources, Dealerships: in.DealershipIDs,
		Enabled: in.Enabled == nil || *in.Enabled,
	}
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		e, err := h.events.CreateEndpoint(ctx, actor, d)
		r := issued(e)
		r.Status, r.Location = http.StatusCreated, "/v1/webhook-endpoints/"+e.ID.String()
		return r, err
	})
}

// listEndpoints pages through endpoints.
//
//	@ID				listWebhookEndpoints
//	@Summary		List webhook endpoints
//	@Description	The account's endpoints that are not deleted, newest first.
//	@Tags			webhooks
//	@Param			enabled	query		boolean		false	"only those that are, or are not, enabled"
//	@Param			sort	query		string		false	"order"	Enums(created_at,-created_at,updated_at,-updated_at)
//	@Param			fields	query		[]string	false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200		{object}	httpx.ListOf[WebhookEndpoint]
//	@Security		Bearer
//	@Router			/webhook-endpoints [get]
func (h handler) listEndpoints(c echo.Context) error {
	q := httpx.NewQuery(c)
	f := events.EndpointFilter{Enabled: q.Bool("enabled")}
	q.Fields(WebhookEndpoint{})
	p := q.Page("-created_at", "created_at", "updated_at")
	if err := q.Err(); err != nil {
		return err
	}
	found, err := h.events.ListEndpoints(c.Request().Context(), httpx.ActorOf(c), f, p)
	if err != nil {
		return err
	}
	return httpx.List(c, q, page.Map(found, fromEndpoint))
}

// endpointChanges reads what became of endpoints since the last time.
//
//	@ID				listWebhookEndpointChanges
//	@Summary		Follow webhook endpoints
//	@Description	First every endpoint as it is now, then each that was changed since, deleted ones with deleted_at.
//	@Tags			webhooks
//	@Success		200	{object}	httpx.ChangesOf[WebhookEndpoint]
//	@Security		Bearer
//	@Router			/webhook-endpoints/changes [get]
func (h handler) endpointChanges(c echo.Context) error {
	q := httpx.NewQuery(c)
	cursor, limit := q.Changes()
	if err := q.Err(); err != nil {
		return err
	}
	got, err := h.events.EndpointChanges(c.Request().Context(), httpx.ActorOf(c), cursor, limit)
	if err != nil {
		return err
	}
	out := make([]WebhookEndpoint, len(got.Items))
	for i, e := range got.Items {
		out[i] = fromEndpoint(e)
	}
	return httpx.Changes(c, q, outbox.Changes[WebhookEndpoint]{Items: out, Next: got.Next, More: got.More})
}

// getEndpoint reads an endpoint.
//
//	@ID				getWebhookEndpoint
//	@Summary		Read a webhook endpoint
//	@Description	An endpoint of the account that is not deleted, without the text of its secrets.
//	@Tags			webhooks
//	@Param			id		path		string		true	"id of the endpoint"			format(uuid)
//	@Param			fields	query		[]string	false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200		{object}	WebhookEndpoint
//	@Security		Bearer
//	@Router			/webhook-endpoints/{id} [get]
func (h handler) getEndpoint(c echo.Context) error {
	id, err := httpx.PathID[kernel.WebhookID](c, "id")
	if err != nil {
		return err
	}
	q := httpx.NewQuery(c)
	q.Fields(WebhookEndpoint{})
	if err := q.Err(); err != nil {
		return err
	}
	e, err := h.events.FindEndpoint(c.Request().Context(), httpx.ActorOf(c), id)
	if err != nil {
		return err
	}
	return httpx.One(c, q, endpointReply(e))
}

// patchEndpoint changes an endpoint.
//
//	@ID				patchWebhookEndpoint
//	@Summary		Change a webhook endpoint
//	@Description	JSON Merge Patch. enabled: false cancels what was still to be delivered; what happens while an endpoint is disabled is not
//	@Description	sent later by itself, see replay. Who may read less than the endpoint is told of cannot change it.
//	@Tags			webhooks
//	@Accept			application/merge-patch+json
//	@Param			id		path		string					true	"id of the endpoint"	format(uuid)
//	@Param			body	body		PatchWebhookEndpoint	true	"what changes"
//	@Success		200		{object}	WebhookEndpoint
//	@Security		Bearer
//	@Router			/webhook-endpoints/{id} [patch]
func (h handler) patchEndpoint(c echo.Context) error {
	in, err := httpx.BindPatch[PatchWebhookEndpoint](c)
	if err != nil {
		return err
	}
	return h.onEndpoint(c, func(ctx context.Context, actor auth.Actor, id kernel.WebhookID, ifMatch *int64) (httpx.Reply, error) {
		e, err := h.events.UpdateEndpoint(ctx, actor, id, ifMatch, func(d *events.EndpointDetails) {
			in.URL.Apply(&d.URL)
			in.Description.Apply(&d.Description)
			in.EventTypes.Apply(&d.Types)
			in.Resources.Apply(&d.Resources)
			in.DealershipIDs.Apply(&d.Dealerships)
			in.Enabled.Apply(&d.Enabled)
		})
		return endpointReply(e), err
	})
}

// deleteEndpoint ends an endpoint.
//
//	@ID				deleteWebhookEndpoint
//	@Summary		Delete a webhook endpoint
//	@Description	Nothing more is sent to it, and what was still to be delivered is cancelled. It can be restored.
//	@Tags			webhooks
//	@Param			id	path	string	true	"id of the endpoint"	format(uuid)
//	@Success		204
//	@Security		Bearer
//	@Router			/webhook-endpoints/{id} [delete]
func (h handler) deleteEndpoint(c echo.Context) error {
	return h.onEndpoint(c, func(ctx context.Context, actor auth.Actor, id kernel.WebhookID, ifMatch *int64) (httpx.Reply, error) {
		return httpx.Reply{}, h.events.DeleteEndpoint(ctx, actor, id, ifMatch)
	})
}

// restoreEndpoint undoes a delete.
//
//	@ID				restoreWebhookEndpoint
//	@Summary		Restore a webhook endpoint
//	@Description	Undoes a delete. What happened meanwhile is not sent by itself; see replay.
//	@Tags			webhooks
//	@Param			id	path		string	true	"id of the endpoint"	format(uuid)
//	@Success		200	{object}	WebhookEndpoint
//	@Security		Bearer
//	@Router			/webhook-endpoints/{id}/restore [post]
func (h handler) restoreEndpoint(c echo.Context) error {
	id, err := httpx.PathID[kernel.WebhookID](c, "id")
	if err != nil {
		return err
	}
	ifMatch, err := httpx.IfMatchSent(c)
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		e, err := h.events.RestoreEndpoint(ctx, actor, id, ifMatch)
		return endpointReply(e), err
	})
}

// rotateSecret gives an endpoint a new secret.
//
//	@ID				rotateWebhookSecret
//	@Summary		Rotate the secret of a webhook endpoint
//	@Description	Makes a new secret, shown in this answer only. Until the overlap is over, deliveries are signed with it and with those that
//	@Description	there were, so that a receiver can change at its leisure.
//	@Tags			webhooks
//	@Accept			json
//	@Param			id		path		string				true	"id of the endpoint"	format(uuid)
//	@Param			body	body		RotateWebhookSecret	true	"the overlap"
//	@Success		200		{object}	IssuedWebhookEndpoint
//	@Failure		409		{object}	httpx.Problem	"as many secrets as may be are live"
//	@Security		Bearer
//	@Router			/webhook-endpoints/{id}/rotate-secret [post]
func (h handler) rotateSecret(c echo.Context) error {
	in, err := httpx.Bind[RotateWebhookSecret](c)
	if err != nil {
		return err
	}
	overlap := events.Overlap
	if in.OverlapHours != nil {
		overlap = time.Duration(*in.OverlapHours) * time.Hour
	}
	return h.onEndpoint(c, func(ctx context.Context, actor auth.Actor, id kernel.WebhookID, ifMatch *int64) (httpx.Reply, error) {
		e, err := h.events.RotateSecret(ctx, actor, id, ifMatch, overlap)
		return issued(e), err
	})
}

// testEndpoint sends a test event.
//
//	@ID				testWebhookEndpoint
//	@Summary		Send a test event
//	@Description	Sends an event of type webhook.test to the endpoint, whatever its filters, as any other is sent. Its delivery tells how it went.
//	@Tags			webhooks
//	@Param			id	path		string	true	"id of the endpoint"	format(uuid)
//	@Success		202	{object}	WebhookDelivery
//	@Failure		409	{object}	httpx.Problem	"the endpoint is disabled"
//	@Security		Bearer
//	@Router			/webhook-endpoints/{id}/test [post]
func (h handler) testEndpoint(c echo.Context) error {
	id, err := httpx.PathID[kernel.WebhookID](c, "id")
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		d, err := h.events.Test(ctx, actor, id)
		return httpx.Reply{Status: http.StatusAccepted, Body: fromDelivery(d)}, err
	})
}

// replayEvents delivers a range of events once more.
//
//	@ID				replayWebhookEvents
//	@Summary		Replay events to an endpoint
//	@Description	Delivers the events since a time, or between two, that fit the endpoint, once more and with the same ids and bodies: all of
//	@Description	them, also those from before the endpoint was made, or only deliveries in certain states. At most 10000 by one request.
//	@Tags			webhooks
//	@Accept			json
//	@Param			id		path		string				true	"id of the endpoint"	format(uuid)
//	@Param			body	body		ReplayWebhookEvents	true	"the range"
//	@Success		202		{object}	QueuedReplay
//	@Failure		409		{object}	httpx.Problem	"the endpoint is disabled"
//	@Security		Bearer
//	@Router			/webhook-endpoints/{id}/replay [post]
func (h handler) replayEvents(c echo.Context) error {
	in, err := httpx.Bind[ReplayWebhookEvents](c)
	if err != nil {
		return err
	}
	id, err := httpx.PathID[kernel.WebhookID](c, "id")
	if err != nil {
		return err
	}
	r := events.Range{Since: in.Since, Only: in.States}
	if in.Until != nil {
		r.Until = *in.Until
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		n, err := h.events.Replay(ctx, actor, id, r)
		return httpx.Reply{Status: http.StatusAccepted, Body: QueuedReplay{Queued: n}}, err
	})
}

// listDeliveries pages through the delivery log.
//
//	@ID				listWebhookDeliveries
//	@Summary		List webhook deliveries
//	@Description	What was sent to whom and how it stands, newest first. Kept as long as events are.
//	@Tags			webhooks
//	@Param			endpoint_id		query		string		false	"only to this endpoint"	format(uuid)
//	@Param			state			query		[]string	false	"only those that stand so"	collectionFormat(csv)	Enums(pending,delivered,failed,cancelled)
//	@Param			event_type		query		[]string	false	"only of these types"	collectionFormat(csv)
//	@Param			event_id		query		string		false	"only of this event"	format(uuid)
//	@Param			created_at[gte]	query		string		false	"made at this time or later"	format(date-time)
//	@Param			created_at[gt]	query		string		false	"made later"	format(date-time)
//	@Param			created_at[lt]	query		string		false	"made earlier"	format(date-time)
//	@Param			created_at[lte]	query		string		false	"made at this time or earlier"	format(date-time)
//	@Param			sort			query		string		false	"order"	Enums(created_at,-created_at)
//	@Param			fields			query		[]string	false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200				{object}	httpx.ListOf[WebhookDelivery]
//	@Security		Bearer
//	@Router			/webhook-deliveries [get]
func (h handler) listDeliveries(c echo.Context) error {
	q := httpx.NewQuery(c)
	states := make([]string, 0, len(events.DeliveryStates()))
	for _, s := range events.DeliveryStates() {
		states = append(states, string(s))
	}
	f := events.DeliveryFilter{
		Endpoint: httpx.QueryID[kernel.WebhookID](q, "endpoint_id"), Types: q.Strings("event_type"), EventID: httpx.QueryID[uuid.UUID](q, "event_id"),
	}
	for _, s := range q.Enum("state", states...) {
		f.States = append(f.States, events.DeliveryState(s))
	}
	f.CreatedFrom, f.CreatedBefore = q.TimeRange("created_at")
	q.Fields(WebhookDelivery{})
	p := q.Page("-created_at", "created_at")
	if err := q.Err(); err != nil {
		return err
	}
	found, err := h.events.ListDeliveries(c.Request().Context(), httpx.ActorOf(c), f, p)
	if err != nil {
		return err
	}
	return httpx.List(c, q, page.Map(found, fromDelivery))
}

// getDelivery reads a delivery.
//
//	@ID				getWebhookDelivery
//	@Summary		Read a webhook delivery
//	@Description	A delivery with its body and every attempt: what was sent, what came back, and how long it took.
//	@Tags			webhooks
//	@Param			id	path		string	true	"id of the delivery"	format(uuid)
//	@Success		200	{object}	WebhookDeliveryLog
//	@Security		Bearer
//	@Router			/webhook-deliveries/{id} [get]
func (h handler) getDelivery(c echo.Context) error {
	id, err := httpx.PathID[kernel.DeliveryID](c, "id")
	if err != nil {
		return err
	}
	q := httpx.NewQuery(c)
	if err := q.Err(); err != nil {
		return err
	}
	d, attempts, err := h.events.FindDelivery(c.Request().Context(), httpx.ActorOf(c), id)
	if err != nil {
		return err
	}
	out := WebhookDeliveryLog{WebhookDelivery: fromDelivery(d), Body: d.Body, Log: make([]WebhookAttempt, len(attempts))}
	for i, a := range attempts {
		out.Log[i] = fromAttempt(a)
	}
	return httpx.One(c, q, httpx.Reply{Body: out})
}

// replayDelivery delivers once more.
//
//	@ID				replayWebhookDelivery
//	@Summary		Replay a webhook delivery
//	@Description	Delivers once more, with the same id and body, and begins anew with the schedule of attempts.
//	@Tags			webhooks
//	@Param			id	path		string	true	"id of the delivery"	format(uuid)
//	@Success		202	{object}	WebhookDelivery
//	@Failure		409	{object}	httpx.Problem	"the endpoint is disabled"
//	@Security		Bearer
//	@Router			/webhook-deliveries/{id}/replay [post]
func (h handler) replayDelivery(c echo.Context) error {
	id, err := httpx.PathID[kernel.DeliveryID](c, "id")
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		d, err := h.events.ReplayOne(ctx, actor, id)
		return httpx.Reply{Status: http.StatusAccepted, Body: fromDelivery(d)}, err
	})
}
