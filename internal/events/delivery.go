package events

import (
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// DeliveryState is how a delivery stands.
type DeliveryState string

// The states.
const (
	DeliveryPending   DeliveryState = "pending"   // to be tried, or tried again
	DeliveryDelivered DeliveryState = "delivered" // the endpoint took it
	DeliveryFailed    DeliveryState = "failed"    // every attempt failed; it can be replayed
	DeliveryCancelled DeliveryState = "cancelled" // the endpoint was disabled or deleted before; it can be replayed
)

// DeliveryStates lists them.
func DeliveryStates() []DeliveryState {
	return []DeliveryState{DeliveryPending, DeliveryDelivered, DeliveryFailed, DeliveryCancelled}
}

// Delivery is one event on its way to one endpoint.
type Delivery struct {
	ID          kernel.DeliveryID
	Endpoint    kernel.WebhookID
	EventID     uuid.UUID
	EventType   string
	Resource    string
	ResourceID  uuid.UUID
	Sequence    int64
	Position    int64
	Body        string
	State       DeliveryState
	Tries       int // since it was last begun
	Attempts    int // ever
	NextAt      *time.Time
	LastStatus  int    // 0 when there was no answer
	LastError   string // "" when there was one
	CreatedAt   time.Time
	UpdatedAt   time.Time
	DeliveredAt *time.Time
}

// PageKey is where a page ends with this delivery. Lists are sorted by when they were made.
func (d Delivery) PageKey(page.Sort) page.Key {
	return page.Key{At: d.CreatedAt, ID: uuid.UUID(d.ID)}
}

// Attempt is one request of a delivery, and what came back.
type Attempt struct {
	Number          int
	At              time.Time
	Took            time.Duration
	Status          int    // 0 when there was no answer
	Error           string // why there was none: a code
	URL             string
	RequestHeaders  map[string]string
	ResponseHeaders map[string]string
	ResponseBody    string // the first KiB
}

// DeliveryFilter narrows a list. A zero field does not narrow.
type DeliveryFilter struct {
	Endpoint                   *kernel.WebhookID
	States                     []DeliveryState
	Types                      []string
	EventID                    *uuid.UUID
	CreatedFrom, CreatedBefore *time.Time
}

// Schedule is how long after an attempt that failed the next one comes, give or take a fifth: ten attempts in about
// three days.
func Schedule() []time.Duration {
	return []time.Duration{
		5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
	}
}

// MaxTries is how many attempts a delivery has before it is given up.
func MaxTries() int { return len(Schedule()) + 1 }

// pauseAfter is the pause after so many failed tries, with its jitter; false when there is no further try.
func pauseAfter(tries int) (time.Duration, bool) {
	all := Schedule()
	if tries > len(all) {
		return 0, false
	}
	p := all[tries-1]
	return p - p/5 + rand.N(p*2/5), true //nolint:gosec // jitter guards nothing
}

const (
	// longestRetryAfter is the most that an endpoint may ask us to wait for one delivery, and longestRest for all of its.
	longestRetryAfter = 24 * time.Hour
	longestRest       = time.Hour
	// disableAfter is for how long nothing may be taken before an endpoint is disabled.
	disableAfter = 5 * 24 * time.Hour
	// breakAfter is how many failures one after another make us go on with one request at a time, with pauses.
	breakAfter   = 5
	longestPause = time.Minute
)

// Lane is how an endpoint fares.
type Lane struct {
	Failures     int // one after another
	FailingSince *time.Time
	PausedUntil  *time.Time
}

func (l Lane) broken() bool { return l.Failures >= breakAfter }

// outcome is what a request came to.
type outcome struct {
	Attempt
	RetryAfter time.Duration // as the endpoint asked; 0 when it did not
}

func (o outcome) ok() bool { return o.Status >= 200 && o.Status < 300 }

// gone tells whether the endpoint said that it is no more.
func (o outcome) gone() bool { return o.Status == 410 }

// busy tells whether the endpoint, or what stands before it, has too much to do.
func (o outcome) busy() bool {
	return o.Status == 429 || o.Status == 502 || o.Status == 503 || o.Status == 504
}

// apply writes down what an attempt came to, on the delivery and on the lane. It tells why the endpoint is to be
// disabled: "" when it is not.
func (o outcome) apply(d *Delivery, l *Lane, now time.Time) (disable string) {
	d.Tries++
	d.Attempts++
	d.LastStatus, d.LastError, d.UpdatedAt = o.Status, o.Error, now
	if o.ok() {
		d.State, d.NextAt, d.DeliveredAt = DeliveryDelivered, nil, &now
		*l = Lane{}
		return ""
	}
	l.Failures++
	if l.FailingSince == nil {
		l.FailingSince = &now
	}
	pause, again := pauseAfter(d.Tries)
	if again {
		next := now.Add(max(pause, min(o.RetryAfter, longestRetryAfter)))
		d.State, d.NextAt = DeliveryPending, &next
	} else {
		d.State, d.NextAt = DeliveryFailed, nil
	}
	rest := time.Duration(0)
	if o.busy() {
		rest = min(o.RetryAfter, longestRest)
	}
	if l.broken() {
		rest = max(rest, min(time.Second<<min(l.Failures-breakAfter, 10), longestPause))
	}
	l.PausedUntil = nil
	if rest > 0 {
		until := now.Add(rest)
		l.PausedUntil = &until
	}
	switch {
	case o.gone():
		return DisabledGone
	case now.Sub(*l.FailingSince) >= disableAfter:
		return DisabledFailing
	}
	return ""
}
