package events

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// ResourceEndpoint is what the events about endpoints are about.
const ResourceEndpoint = "webhook_endpoint"

// resourceDelivery is how the audit log names a delivery.
const resourceDelivery = "webhook_delivery"

const (
	// MaxEndpoints is how many endpoints an account may have.
	MaxEndpoints = 50
	maxFilter    = 100
	maxText      = 500
	// Overlap is how long an older secret goes on signing after a newer one was made, unless the caller says otherwise.
	Overlap = 24 * time.Hour
	// MaxOverlap is the most that the caller may say.
	MaxOverlap = 7 * 24 * time.Hour
	maxSecrets = 5
)

var (
	// ErrEndpointNotFound is the answer for an endpoint or delivery that never was, is deleted, or is another account's.
	ErrEndpointNotFound = errs.New(errs.NotFound, "not_found", "There is no such resource, or it is not visible to this credential.")
	// ErrEndpointStale is the answer to a change of another version than the caller named.
	ErrEndpointStale = errs.New(errs.Stale, "precondition.failed", "It was changed since you read it. Read it again and repeat your change on what it is now.")
	// ErrTooManyEndpoints is the answer to one endpoint more than an account may have.
	ErrTooManyEndpoints = errs.New(errs.Conflict, "webhook.too_many_endpoints",
		fmt.Sprintf("An account may have %d endpoints. Delete one that is not needed.", MaxEndpoints))
	// ErrTooManySecrets is the answer to a rotation while as many secrets are live as may be.
	ErrTooManySecrets = errs.New(errs.Conflict, "webhook.too_many_secrets",
		fmt.Sprintf("%d secrets of this endpoint are live. Wait until one has expired.", maxSecrets))
	// ErrEndpointDisabled is the answer to a test or replay to an endpoint that is disabled.
	ErrEndpointDisabled = errs.New(errs.Conflict, "webhook.disabled", "This endpoint is disabled. Enable it first.")
	// ErrEndpointScopes is the answer to whoever would make or take over an endpoint that is told more than they may read.
	ErrEndpointScopes = errs.New(errs.Forbidden, "auth.forbidden", "This credential may not do that.")
	// ErrReplayTooLarge is the answer to a replay of more events than one request may name.
	ErrReplayTooLarge = errs.New(errs.Invalid, "webhook.replay_too_large",
		fmt.Sprintf("More than %d events fit. Give an earlier end, and replay the rest by further requests.", MaxReplay))
)

// Why an endpoint is disabled.
const (
	DisabledByHand  = "by_hand"
	DisabledGone    = "gone"    // it answered 410
	DisabledFailing = "failing" // nothing was taken for days
)

// Endpoint is who wants to be told of events.
type Endpoint struct {
	ID      kernel.WebhookID
	Version int64
	EndpointDetails
	// Scopes are what its maker could read for the whole account: it is told of nothing else.
	Scopes         auth.ScopeSet
	DisabledReason string // "" while it is enabled
	DisabledAt     *time.Time
	Secrets        []Secret // those that sign, oldest first
	CreatedAt      time.Time
	UpdatedAt      time.Time
	DeletedAt      *time.Time
}

// EndpointDetails is what may be changed of an endpoint.
type EndpointDetails struct {
	URL         string
	Description string
	Types       []string              // nil: every type
	Resources   []string              // nil: every kind of resource
	Dealerships []kernel.DealershipID // nil: wherever it happens
	Enabled     bool
}

// Secret signs deliveries.
type Secret struct {
	ID        uuid.UUID
	Text      string // whsec_…; never shown again after it was made
	CreatedAt time.Time
	ExpiresAt *time.Time // nil for the newest
}

func (s Secret) live(now time.Time) bool { return s.ExpiresAt == nil || now.Before(*s.ExpiresAt) }

// IssuedEndpoint is an endpoint with its newest secret, which is shown this once.
type IssuedEndpoint struct {
	Endpoint
	Secret string
}

// EndpointFilter narrows a list. A zero field does not narrow.
type EndpointFilter struct {
	Enabled *bool
}

// PageKey is where a page sorted that way ends with this endpoint.
func (e Endpoint) PageKey(sort page.Sort) page.Key {
	at := e.CreatedAt
	if sort.Field == "updated_at" {
		at = e.UpdatedAt
	}
	return page.Key{At: at, ID: uuid.UUID(e.ID)}
}

func (d *EndpointDetails) validate(checkURL func(string) error) error {
	var wrong []errs.Field
	add := func(pointer, code, detail string) {
		wrong = append(wrong, errs.Field{Pointer: pointer, Code: code, Detail: detail})
	}
	d.URL = strings.TrimSpace(d.URL)
	if d.URL == "" {
		add("/url", "required", "Give the URL to send events to.")
	} else if err := checkURL(d.URL); err != nil {
		if e, ok := errs.As(err); ok {
			add("/url", "not_allowed", e.Public)
		} else {
			return err
		}
	}
	if d.Description = strings.TrimSpace(d.Description); utf8.RuneCountInString(d.Description) > maxText {
		add("/description", "too_long", fmt.Sprintf("Must be at most %d characters.", maxText))
	}
	for _, l := range []struct {
		pointer string
		n       int
		given   bool
	}{{"/event_types", len(d.Types), d.Types != nil}, {"/resources", len(d.Resources), d.Resources != nil}, {"/dealership_ids", len(d.Dealerships), d.Dealerships != nil}} {
		if l.given && (l.n == 0 || l.n > maxFilter) {
			add(l.pointer, "invalid", fmt.Sprintf("Name between 1 and %d, or give null for all.", maxFilter))
		}
	}
	for i, name := range d.Types {
		if !word(name, true) {
			add(fmt.Sprintf("/event_types/%d", i), "invalid", "Must be a type of event, such as lead.created.")
		}
	}
	for i, name := range d.Resources {
		if !word(name, false) {
			add(fmt.Sprintf("/resources/%d", i), "invalid", "Must be a kind of resource, such as lead.")
		}
	}
	if wrong != nil {
		return errs.InvalidFields(wrong...)
	}
	return nil
}

// word tells whether s is lower_snake, with one dot inside when it is to be dotted.
func word(s string, dotted bool) bool {
	before, after, found := strings.Cut(s, ".")
	if found != dotted || len(s) > 100 {
		return false
	}
	plain := func(part string) bool {
		return part != "" && strings.Trim(part, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
	}
	return plain(before) && (!dotted || plain(after))
}

func (d EndpointDetails) diff(o EndpointDetails) []string {
	var names []string
	add := func(name string, same bool) {
		if !same {
			names = append(names, name)
		}
	}
	add("url", d.URL == o.URL)
	add("description", d.Description == o.Description)
	add("event_types", sameList(d.Types, o.Types))
	add("resources", sameList(d.Resources, o.Resources))
	add("dealership_ids", sameList(d.Dealerships, o.Dealerships))
	add("enabled", d.Enabled == o.Enabled)
	return names
}

func sameList[T comparable](a, b []T) bool { return (a == nil) == (b == nil) && slices.Equal(a, b) }

// wants tells whether the endpoint is to be told of the event. r is the rule of the event's resource.
func (e Endpoint) wants(ev *Event, r Rule) bool {
	return in(e.Types, ev.Type) && in(e.Resources, ev.Resource) && in(e.Dealerships, ev.Dealership) && e.Scopes.Has(r.Scope)
}

// texts are the secrets that sign now, the newest first.
func (e Endpoint) texts(now time.Time) []string {
	var out []string
	for _, s := range slices.Backward(e.Secrets) {
		if s.live(now) {
			out = append(out, s.Text)
		}
	}
	return out
}
