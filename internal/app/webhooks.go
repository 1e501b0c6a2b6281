package app

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rooftop-crm/rooftop/internal/core"
	"github.com/rooftop-crm/rooftop/internal/events"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/messages"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/clock"
	"github.com/rooftop-crm/rooftop/internal/platform/fetch"
	"github.com/rooftop-crm/rooftop/internal/platform/jobs"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// deliverArgs asks for what is due to one endpoint to be sent.
type deliverArgs struct {
	Endpoint kernel.WebhookID `json:"endpoint_id"`
}

// Kind implements jobs.Args.
func (deliverArgs) Kind() string { return "webhooks.deliver" }

// deliverSpec: a job mostly waits for an endpoint, and none may wait for another one's, hence the many workers. It is not
// tried again by itself: what it did not send is due still.
var deliverSpec = jobs.Spec{Queue: jobs.Queue{Name: "webhooks", Workers: 100}, Retry: []time.Duration{time.Second}}

func deliverWebhooks(s *events.Service) func(context.Context, *jobs.Attempt[deliverArgs]) error {
	return func(ctx context.Context, a *jobs.Attempt[deliverArgs]) error {
		return s.Deliver(ctx, a.Account, a.Args.Endpoint)
	}
}

func enqueueWebhooks(r *jobs.Runner) func(context.Context, kernel.AccountID, kernel.WebhookID) error {
	return func(ctx context.Context, account kernel.AccountID, endpoint kernel.WebhookID) error {
		_, err := r.Insert(ctx, account, deliverArgs{Endpoint: endpoint}, jobs.Options{})
		return err
	}
}

// webhookMail is messages as events sees it.
type webhookMail struct {
	core     *core.Service
	messages *messages.Service
	now      func() time.Time
}

// EndpointDisabled implements events.Mailer.
func (w webhookMail) EndpointDisabled(ctx context.Context, account kernel.AccountID, url, reason string) error {
	enabled := false
	admins, err := w.core.ListUsers(ctx, auth.System(account), core.UserFilter{Role: auth.RoleAdmin, Disabled: &enabled},
		page.Request{Limit: page.DefaultLimit, Sort: page.Sort{Field: "created_at"}})
	if err != nil {
		return err
	}
	vars := map[string]string{"endpoint": url, "at": w.now().Format(time.RFC3339)}
	if reason == events.DisabledGone {
		vars["reason"] = "410 Gone"
	}
	for _, u := range admins.Items {
		_, err := w.messages.Queue(ctx, account, messages.NewMail{Template: "webhook.disabled", To: u.Email, Language: u.Language, Vars: vars})
		if err != nil && !errors.Is(err, messages.ErrBadRecipient) {
			return err
		}
	}
	return nil
}

// webhookSender is fetch as events sees it.
type webhookSender struct {
	guard  *fetch.Guard
	client *fetch.Client
}

var _ events.Sender = webhookSender{}

// keepBody is how much of an answer is kept; the rest is not even read.
const keepBody = 1 << 10

var webhookPolicy = fetch.Policy{Timeout: 15 * time.Second, MaxBytes: 1 << 40}

func newWebhookSender(g *fetch.Guard) webhookSender {
	return webhookSender{guard: g, client: g.Client(webhookPolicy)}
}

// Check implements events.Sender.
func (w webhookSender) Check(url string) error { return w.guard.Check(url, webhookPolicy) }

// Send implements events.Sender.
func (w webhookSender) Send(ctx context.Context, url string, headers map[string]string, body string) (events.Answer, error) {
	h := http.Header{}
	for name, value := range headers {
		h.Set(name, value)
	}
	got, err := w.client.Do(ctx, fetch.Request{Method: http.MethodPost, URL: url, Header: h, Body: []byte(body)})
	if err != nil {
		return events.Answer{}, err
	}
	defer func() { _ = got.Body.Close() }()
	said, err := io.ReadAll(io.LimitReader(got.Body, keepBody))
	if err != nil && !errors.Is(err, fetch.ErrEncoding) { // an answer that breaks off was none
		return events.Answer{}, err
	}
	return events.Answer{
		Status: got.Status, Headers: plainHeaders(got.Header), Body: storable(string(said)), RetryAfter: retryAfter(got.Header.Get("Retry-After"), clock.Now()),
	}, nil
}

// plainHeaders keeps so much of an answer's headers as is worth showing.
func plainHeaders(h http.Header) map[string]string {
	const most, longest = 30, 200
	out := map[string]string{}
	for name, values := range h {
		if len(out) == most {
			break
		}
		value := storable(strings.Join(values, ", "))
		if len(value) > longest {
			value = storable(value[:longest])
		}
		out[strings.ToLower(storable(name))] = value
	}
	return out
}

// storable is what Postgres takes of a text.
func storable(s string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "")
}

// retryAfter reads seconds or a date.
func retryAfter(value string, now time.Time) time.Duration {
	if value == "" {
		return 0
	}
	if n, err := strconv.ParseInt(value, 10, 32); err == nil {
		return time.Duration(max(n, 0)) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return max(at.Sub(now), 0)
}
