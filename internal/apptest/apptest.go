// Package apptest runs the whole program in a test: a fresh database, every service, the server with all of its
// middleware, and a caller that holds each answer against openapi.yaml. For tests only.
package apptest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/app"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/openapi"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
	"github.com/rooftop-crm/rooftop/internal/platform/mail"
)

// MasterKey is the master key of every test.
const MasterKey = "dGVzdHRlc3R0ZXN0dGVzdHRlc3R0ZXN0dGVzdHRlc3Q="

// Password is that of every user in tests.
const Password = "a long enough password"

// Unreachable is an address that requests may be sent to, and where nobody answers.
const Unreachable = "127.0.0.1:1"

// Program is the running program.
type Program struct {
	*app.App
	URL      string // of the server
	OwnerURL string // of the database, as its owner
}

// Config is the configuration of a program on a database.
func Config(t testing.TB, ownerURL string) app.Config {
	t.Helper()
	return app.Config{
		Addr: "127.0.0.1:0", Env: "development", Services: "all", DatabaseURL: ownerURL, MaxConns: 12, DataDir: t.TempDir(),
		OutboundAllow: Unreachable, MasterKey: MasterKey, LogLevel: "error", ShutdownTimeout: 10 * time.Second, RatePerMinute: 1_000_000, MaxDocument: 25 << 20,
	}
}

// New starts the program on a fresh database until the test ends.
func New(t testing.TB) *Program {
	t.Helper()
	_, ownerURL := dbtest.URLs(t)
	return Start(t, Config(t, ownerURL), ownerURL)
}

// Start starts the program until the test ends.
func Start(t testing.TB, cfg app.Config, ownerURL string) *Program {
	t.Helper()
	a, err := app.New(context.Background(), cfg)
	require.NoError(t, err)
	on, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", cfg.Addr)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- a.Serve(ctx, on) }()
	t.Cleanup(func() {
		stop()
		assert.NoError(t, <-served)
		a.Close(context.Background())
	})
	return &Program{App: a, URL: "http://" + on.Addr().String(), OwnerURL: ownerURL}
}

// Account is a dealer group with its administrator signed in.
type Account struct {
	*Caller
	ID         kernel.AccountID
	AdminID    kernel.UserID
	AdminEmail string
	Dealership string // its first one
}

// Account makes an account with one dealership.
func (p *Program) Account(t testing.TB) *Account {
	t.Helper()
	email := "admin-" + uuid.NewString()[:8] + "@garage.example"
	made, err := p.CreateOwner(t.Context(), app.NewOwner{
		Account: "Garage " + email, Email: email, Password: Password, FirstName: "Ada", LastName: "Min", Country: "FR", TimeZone: "Europe/Paris", Currency: "EUR",
	})
	require.NoError(t, err)
	a := &Account{Caller: p.SignIn(t, email), ID: made.AccountID, AdminID: made.UserID, AdminEmail: email}
	a.Dealership = a.AddDealership("Garage de l'Exemple")
	return a
}

// AddDealership makes a further rooftop and returns its id.
func (a *Account) AddDealership(name string) string {
	a.t.Helper()
	return a.Post("/v1/dealerships", map[string]any{"name": name, "country": "FR", "time_zone": "Europe/Paris"}).Is(http.StatusCreated).Str("id")
}

// Receive hands the program a mail, as its listener does.
func (p *Program) Receive(t testing.TB, from, to string, raw []byte) {
	t.Helper()
	require.NoError(t, p.Messages.Receive(t.Context(), mail.Incoming{From: from, Hello: "mta.fr.example", To: []string{to}, Raw: raw}))
}

// SignIn signs a user in.
func (p *Program) SignIn(t testing.TB, email string) *Caller {
	t.Helper()
	return p.Token(t, url.Values{"grant_type": {"password"}, "username": {email}, "password": {Password}})
}

// Token gets an access token at the token endpoint.
func (p *Program) Token(t testing.TB, form url.Values) *Caller {
	t.Helper()
	c := p.Anonymous(t)
	got := c.Send(http.MethodPost, "/v1/oauth/token", []byte(form.Encode()), "Content-Type", "application/x-www-form-urlencoded").Is(http.StatusOK)
	return p.With(t, got.Str("access_token"))
}

// Anonymous is a caller without a credential.
func (p *Program) Anonymous(t testing.TB) *Caller {
	t.Helper()
	return p.With(t, "")
}

// With is a caller with a credential.
func (p *Program) With(t testing.TB, credential string) *Caller {
	t.Helper()
	return &Caller{t: t, Base: p.URL, Credential: credential}
}

// Caller sends requests and holds the answers against the contract.
type Caller struct {
	t          testing.TB
	Base       string
	Credential string
}

// For is the same caller in a subtest.
func (c *Caller) For(t testing.TB) *Caller {
	t.Helper()
	return &Caller{t: t, Base: c.Base, Credential: c.Credential}
}

// Get reads a path.
func (c *Caller) Get(path string, headers ...string) *Answer {
	c.t.Helper()
	return c.Send(http.MethodGet, path, nil, headers...)
}

// Post sends JSON.
func (c *Caller) Post(path string, body any, headers ...string) *Answer {
	c.t.Helper()
	return c.JSON(http.MethodPost, path, body, headers...)
}

// JSON sends JSON by any method; a nil body sends none.
func (c *Caller) JSON(method, path string, body any, headers ...string) *Answer {
	c.t.Helper()
	if body == nil {
		return c.Send(method, path, nil, headers...)
	}
	b, err := json.Marshal(body)
	require.NoError(c.t, err)
	media := "application/json"
	if method == http.MethodPatch {
		media = "application/merge-patch+json"
	}
	return c.Send(method, path, b, append([]string{"Content-Type", media}, headers...)...)
}

var contract = sync.OnceValues(openapi.NewValidator)

// CheckWebhook tells what of a delivery does not fit openapi.yaml.
func CheckWebhook(event string, h http.Header, body []byte) error {
	v, err := contract()
	if err != nil {
		return err
	}
	return v.CheckWebhook(event, h, body)
}

// Send sends a request; headers are names and values in turn. The answer must fit openapi.yaml, and must not be a 5xx.
func (c *Caller) Send(method, path string, body []byte, headers ...string) *Answer {
	c.t.Helper()
	a := c.Try(method, path, body, headers...)
	require.Less(c.t, a.Status, 500, "%s %s: %s", method, path, a.Body)
	v, err := contract()
	require.NoError(c.t, err)
	assert.NoError(c.t, v.CheckResponse(a.request, a.response, a.Body), "%s %s: %d %s", method, path, a.Status, a.Body)
	return a
}

// Try sends a request and asks nothing of the answer.
func (c *Caller) Try(method, path string, body []byte, headers ...string) *Answer {
	c.t.Helper()
	a, err := c.Do(c.t.Context(), method, path, body, headers...)
	require.NoError(c.t, err)
	return a
}

// Do is Try for goroutines and for servers that may be gone.
func (c *Caller) Do(ctx context.Context, method, path string, body []byte, headers ...string) (*Answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.Base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if c.Credential != "" {
		req.Header.Set("Authorization", "Bearer "+c.Credential)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	return &Answer{t: c.t, Status: resp.StatusCode, Header: resp.Header, Body: got, request: req, response: resp}, nil
}

var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

// Answer is what came back.
type Answer struct {
	t        testing.TB
	Status   int
	Header   http.Header
	Body     []byte
	request  *http.Request
	response *http.Response
}

// Is requires a status.
func (a *Answer) Is(status int) *Answer {
	a.t.Helper()
	require.Equal(a.t, status, a.Status, "%s", a.Body)
	return a
}

// Into decodes the body.
func (a *Answer) Into(v any) *Answer {
	a.t.Helper()
	require.NoError(a.t, json.Unmarshal(a.Body, v), "%s", a.Body)
	return a
}

// At is the value at a dotted path of the body, such as data.0.id; nil when there is none.
func (a *Answer) At(path string) any {
	a.t.Helper()
	var v any
	a.Into(&v)
	for step := range strings.SplitSeq(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[step]
		case []any:
			i := 0
			for _, d := range step {
				i = i*10 + int(d-'0')
			}
			if i >= len(at) {
				return nil
			}
			v = at[i]
		default:
			return nil
		}
	}
	return v
}

// Str is the text at a path.
func (a *Answer) Str(path string) string {
	a.t.Helper()
	s, ok := a.At(path).(string)
	require.True(a.t, ok, "%s is no text in %s", path, a.Body)
	return s
}

// List is the list at a path.
func (a *Answer) List(path string) []any {
	a.t.Helper()
	l, ok := a.At(path).([]any)
	require.True(a.t, ok, "%s is no list in %s", path, a.Body)
	return l
}

// Code is a problem's code.
func (a *Answer) Code() string {
	a.t.Helper()
	assert.Equal(a.t, "application/problem+json", a.Header.Get("Content-Type"))
	return a.Str("code")
}
