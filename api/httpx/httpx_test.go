package httpx_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/idem"
)

var testKey = bytes.Repeat([]byte{7}, 32)

// app is an echo with the edge and nothing else: what is tested here is what handlers call.
type app struct {
	t     testing.TB
	echo  *echo.Echo
	actor auth.Actor
	log   bytes.Buffer
}

func newApp(t testing.TB, keys ...[]byte) *app {
	t.Helper()
	if len(keys) == 0 {
		keys = [][]byte{testKey}
	}
	a := &app{t: t, echo: echo.New(), actor: auth.Actor{
		Kind: auth.KindUser, Account: kernel.NewID[kernel.AccountID](), Credential: kernel.NewID[kernel.CredentialID](),
	}}
	edge, err := httpx.New(httpx.Config{CursorKeys: keys, Log: logTo(&a.log)})
	require.NoError(t, err)
	a.echo.HTTPErrorHandler = edge.HandleError
	a.echo.JSONSerializer = httpx.Serializer{}
	a.echo.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			ctx, x := edge.Begin(c.Request().Context(), "request-1")
			c.SetRequest(c.Request().WithContext(ctx))
			x.Identify(a.actor)
			edge.LimitBody(c, strings.HasSuffix(c.Path(), "/batch"))
			return next(c)
		}
	})
	return a
}

// answer is a response with its body read.
type answer struct {
	*http.Response
	body string
}

func (a answer) problem(t testing.TB) httpx.Problem {
	t.Helper()
	require.Equal(t, httpx.ContentTypeProblem, a.Header.Get("Content-Type"), a.body)
	var p httpx.Problem
	require.NoError(t, json.Unmarshal([]byte(a.body), &p))
	require.Equal(t, a.StatusCode, p.Status)
	require.NotEmpty(t, p.Code)
	require.NotEmpty(t, p.Title)
	require.NotEmpty(t, p.Detail)
	return p
}

// pointers lists the fields at fault with their codes.
func pointers(p httpx.Problem) map[string]string {
	out := map[string]string{}
	for _, e := range p.Errors {
		out[e.Pointer] = e.Code
	}
	return out
}

type with func(*http.Request)

func header(name, value string) with {
	return func(r *http.Request) { r.Header.Add(name, value) }
}

func (a *app) do(method, target, body string, and ...with) answer {
	a.t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, w := range and {
		w(r)
	}
	rec := httptest.NewRecorder()
	a.echo.ServeHTTP(rec, r)
	res := rec.Result()
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	require.NoError(a.t, err)
	return answer{res, string(raw)}
}

// memory is a unit of work without a database: it keeps answers by key. The real one is tested in platform/idem.
type memory struct {
	answers map[string]idem.Answer
	claims  map[string]idem.Claim
}

func newMemory() *memory {
	return &memory{answers: map[string]idem.Answer{}, claims: map[string]idem.Claim{}}
}

func (m *memory) Do(ctx context.Context, _ kernel.AccountID, c idem.Claim, work func(ctx context.Context) (idem.Answer, error)) (idem.Answer, error) {
	if first, ok := m.claims[c.Key]; ok && c.Key != "" {
		if first.Fingerprint != c.Fingerprint {
			return idem.Answer{}, idem.ErrOtherRequest
		}
		a := m.answers[c.Key]
		a.Replayed = true
		return a, nil
	}
	a, err := work(ctx)
	if err == nil && c.Key != "" {
		m.answers[c.Key], m.claims[c.Key] = a, c
	}
	return a, err
}
