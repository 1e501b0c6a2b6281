package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/api"
	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/idem"
	"github.com/rooftop-crm/rooftop/internal/platform/ratelimit"
	"github.com/rooftop-crm/rooftop/internal/platform/telemetry"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// people knows credentials by their token.
type people map[string]auth.Actor

var errToken = errs.New(errs.Unauthenticated, "auth.invalid", "This credential is not valid.")

func (p people) Authenticate(_ context.Context, token string) (auth.Actor, error) {
	if token == "outage" {
		return auth.Actor{}, errors.New("dial tcp 10.0.0.5:5432: refused")
	}
	if a, ok := p[token]; ok {
		return a, nil
	}
	return auth.Actor{}, errToken
}

type origins []string

func (o origins) Known(_ context.Context, origin string) (bool, error) {
	return slices.Contains(o, origin), nil
}

const bearer = "Bearer staff"

type house struct {
	t           testing.TB
	server      *api.Server
	log, access *bytes.Buffer
	ready       error
}

func newHouse(t testing.TB, change ...func(*api.Config, *api.Deps)) *house {
	t.Helper()
	tel, err := telemetry.New(t.Context(), telemetry.Config{Version: "test"})
	require.NoError(t, err)
	h := &house{t: t, log: &bytes.Buffer{}, access: &bytes.Buffer{}}
	account := kernel.NewID[kernel.AccountID]()
	actor := func(kind auth.ActorKind) auth.Actor {
		return auth.Actor{Kind: kind, Account: account, Credential: kernel.NewID[kernel.CredentialID](), RatePerMinute: 600}
	}
	site := actor(auth.KindSiteKey)
	site.Origins = []string{"https://dealer.example"}
	cfg := api.Config{CursorKeys: [][]byte{bytes.Repeat([]byte{1}, 32)}, MaxJSON: 100, MaxBatch: 200, MaxDocument: 300, RequestTimeout: 5 * time.Second}
	deps := api.Deps{
		Auth:      people{"staff": actor(auth.KindUser), "site": site},
		Origins:   origins{"https://dealer.example", "https://other.example"},
		Telemetry: tel,
		Ready:     func(context.Context) error { return h.ready },
		Log:       slog.New(slog.NewJSONHandler(h.log, nil)),
		AccessLog: slog.New(slog.NewJSONHandler(h.access, nil)),
		Now:       time.Now,
		Docs:      func(e *echo.Echo) { e.GET("/docs", func(c echo.Context) error { return c.String(200, "docs") }) },
	}
	for _, c := range change {
		c(&cfg, &deps)
	}
	h.server, err = api.New(cfg, deps)
	require.NoError(t, err)
	body := func(c echo.Context) error {
		if _, err := httpx.Body(c); err != nil {
			return err
		}
		return c.NoContent(http.StatusNoContent)
	}
	g := h.server.V1
	g.GET("/leads/:id", func(c echo.Context) error {
		return c.JSON(200, map[string]string{"kind": string(httpx.ActorOf(c).Kind)})
	})
	g.POST("/leads", body)
	g.POST("/leads/batch", body)
	g.POST("/leads/adf", body, httpx.Documents)
	g.GET("/panic", func(echo.Context) error { panic("the cellar is flooded") })
	g.GET("/slow", func(c echo.Context) error { <-c.Request().Context().Done(); return c.Request().Context().Err() })
	h.server.Public(func(_ *echo.Echo, v1 *echo.Group) {
		v1.POST("/oauth/token", func(c echo.Context) error { return c.String(200, c.RealIP()) })
	})
	return h
}

type answer struct {
	*http.Response
	body string
}

func (a answer) code(t testing.TB) string {
	t.Helper()
	var p httpx.Problem
	require.NoError(t, json.Unmarshal([]byte(a.body), &p), a.body)
	require.Equal(t, "application/problem+json", a.Header.Get("Content-Type"))
	require.Equal(t, a.StatusCode, p.Status)
	require.Equal(t, a.Header.Get("X-Request-Id"), p.RequestID)
	return p.Code
}

// do sends a request; headers are name, value, name, value.
func (h *house) do(method, target, body string, headers ...string) answer {
	h.t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	h.server.Echo.ServeHTTP(rec, r)
	res := rec.Result()
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	require.NoError(h.t, err)
	return answer{res, string(raw)}
}

func TestEveryRouteNeedsACredentialUnlessItIsPublic(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	open := map[string]bool{"/healthz": true, "/readyz": true, "/metrics": true, "/docs": true, "/v1/oauth/token": true}
	routes := h.server.Echo.Routes()
	require.GreaterOrEqual(t, len(routes), 10)
	for _, r := range routes {
		got := h.do(r.Method, r.Path, "")
		if open[r.Path] {
			assert.Equal(t, 200, got.StatusCode, r.Path)
			continue
		}
		assert.Equal(t, 401, got.StatusCode, r.Path)
		assert.Equal(t, "auth.required", got.code(t))
		assert.Equal(t, `Bearer realm="rooftop"`, got.Header.Get("WWW-Authenticate"))
	}
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	got := h.do("GET", "/v1/leads/1", "", "Authorization", bearer)
	assert.Equal(t, 200, got.StatusCode)
	assert.JSONEq(t, `{"kind":"user"}`, got.body)
	assert.Equal(t, 200, h.do("GET", "/v1/leads/1", "", "Authorization", "bearer staff").StatusCode)

	for _, given := range []string{"Bearer", "Bearer ", "Basic staff", "staff", ""} {
		assert.Equal(t, "auth.required", h.do("GET", "/v1/leads/1", "", "Authorization", given).code(t), given)
	}
	twice := h.do("GET", "/v1/leads/1", "", "Authorization", bearer, "Authorization", bearer)
	assert.Equal(t, 401, twice.StatusCode)
	wrong := h.do("GET", "/v1/leads/1", "", "Authorization", "Bearer nobody")
	assert.Equal(t, "auth.invalid", wrong.code(t))
	assert.Contains(t, wrong.Header.Get("WWW-Authenticate"), "invalid_token")
	outage := h.do("GET", "/v1/leads/1", "", "Authorization", "Bearer outage")
	assert.Equal(t, "internal", outage.code(t), "an outage is not the caller's mistake")
	assert.NotContains(t, outage.body, "10.0.0.5")
	assert.Contains(t, h.log.String(), "10.0.0.5")
}

func TestPathsAndMethodsThatAreNot(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	assert.Equal(t, "route.not_found", h.do("GET", "/v2/leads", "").code(t))
	for _, method := range []string{"TRACE", "BREW", "DELETE"} {
		got := h.do(method, "/v1/leads", "")
		assert.Equal(t, 405, got.StatusCode, method)
		assert.Contains(t, got.Header.Get("Allow"), "POST")
	}
	for _, path := range []string{"/v1/leads/%00", "/v1/leads/%ff"} {
		assert.Equal(t, "request.invalid_path", h.do("GET", path, "", "Authorization", bearer).code(t))
	}
}

func TestHeadersOfEveryAnswer(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, got := range []answer{
		h.do("GET", "/v1/leads/1", "", "Authorization", bearer), h.do("GET", "/v1/leads/1", ""), h.do("GET", "/none", ""), h.do("GET", "/healthz", ""),
	} {
		assert.Equal(t, "nosniff", got.Header.Get("X-Content-Type-Options"))
		assert.Equal(t, "no-store", got.Header.Get("Cache-Control"))
		assert.Contains(t, got.Header.Get("Content-Security-Policy"), "default-src 'none'")
		assert.Equal(t, "Origin", got.Header.Get("Vary"))
		assert.Regexp(t, `^[0-9a-f]{32}$`, got.Header.Get("X-Request-Id"))
		assert.Empty(t, got.Header.Get("Access-Control-Allow-Origin"))
	}
	good := strings.Repeat("a", 120) + "._-Z9"
	assert.Equal(t, good, h.do("GET", "/healthz", "", "X-Request-Id", good).Header.Get("X-Request-Id"))
	for _, bad := range []string{"short", "with space here", "<script>alert", strings.Repeat("a", 129), "é12345678"} {
		assert.Regexp(t, `^[0-9a-f]{32}$`, h.do("GET", "/healthz", "", "X-Request-Id", bad).Header.Get("X-Request-Id"))
	}
}

func TestAPanicIsAnAnswerAndALine(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	got := h.do("GET", "/v1/panic", "", "Authorization", bearer)
	assert.Equal(t, "internal", got.code(t))
	assert.NotContains(t, got.body, "cellar")
	assert.Contains(t, h.log.String(), "cellar")
	assert.Contains(t, h.log.String(), "api_test.go", "the stack")
	assert.Contains(t, h.access.String(), `"status":500`)
}

func TestAHandlerHasADeadline(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(c *api.Config, _ *api.Deps) { c.RequestTimeout = 20 * time.Millisecond })
	got := h.do("GET", "/v1/slow", "", "Authorization", bearer)
	assert.Equal(t, 503, got.StatusCode)
	assert.Equal(t, "service.timeout", got.code(t))
}

func TestBodyLimitsByRoute(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for path, limit := range map[string]int{"/v1/leads": 100, "/v1/leads/batch": 200, "/v1/leads/adf": 300} {
		assert.Equal(t, 204, h.do("POST", path, strings.Repeat("a", limit), "Authorization", bearer).StatusCode, path)
		got := h.do("POST", path, strings.Repeat("a", limit+1), "Authorization", bearer)
		assert.Equal(t, 413, got.StatusCode, path)
		assert.Equal(t, "request.too_large", got.code(t))
	}
}

func TestTheAccessLogHoldsNothingPersonal(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("GET", "/v1/leads/0612345678?q=dupont", "", "Authorization", bearer, "User-Agent", "agent-x", "X-Request-Id", "request-77")
	var line map[string]any
	require.NoError(t, json.Unmarshal(h.access.Bytes(), &line))
	for key := range line {
		assert.Contains(t, []string{"time", "level", "msg", "request_id", "method", "route", "status", "bytes", "ms", "by", "account"}, key)
	}
	assert.Equal(t, "/v1/leads/:id", line["route"])
	assert.Equal(t, "request-77", line["request_id"])
	assert.Equal(t, "user", line["by"])
	for _, private := range []string{"0612345678", "dupont", "staff", "agent-x", "192.0.2.1"} {
		assert.NotContains(t, h.access.String(), private)
	}
	h.access.Reset()
	h.do("GET", "/healthz", "")
	assert.Empty(t, h.access.String(), "probes are no news")
	h.do("SECRET", "/none", "")
	assert.NotContains(t, h.access.String(), "SECRET")
}

func TestProbes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	assert.JSONEq(t, `{"status":"ok"}`, h.do("GET", "/healthz", "").body)
	assert.JSONEq(t, `{"status":"ready"}`, h.do("GET", "/readyz", "").body)
	h.ready = errors.New("dial tcp 10.0.0.5")
	got := h.do("GET", "/readyz", "")
	assert.Equal(t, 503, got.StatusCode)
	assert.Equal(t, "service.not_ready", got.code(t))
	assert.NotContains(t, got.body, "10.0.0.5")
	h.ready = errs.New(errs.Unavailable, "db.migrations", "The database's migrations are behind: run rooftop migrate up.")
	assert.Contains(t, h.do("GET", "/readyz", "").body, "rooftop migrate up")
	assert.Equal(t, 200, h.do("GET", "/healthz", "").StatusCode)

	h.do("GET", "/v1/leads/42", "", "Authorization", bearer)
	h.do("GET", "/v1/nothing/42", "")
	scraped := h.do("GET", "/metrics", "").body
	assert.Contains(t, scraped, `rooftop_http_request_duration_seconds_count{method="GET",route="/v1/leads/:id",status="2xx"} 1`)
	assert.Contains(t, scraped, `rooftop_http_request_duration_seconds_count{method="other",route="unmatched",status="4xx"} 1`)
	assert.NotContains(t, scraped, "42\"")
}

func TestCORSIsBoundToSiteKeys(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	preflight := func(origin string) answer {
		return h.do("OPTIONS", "/v1/leads", "", "Origin", origin, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization")
	}
	got := preflight("https://dealer.example")
	assert.Equal(t, 204, got.StatusCode)
	assert.Equal(t, "https://dealer.example", got.Header.Get("Access-Control-Allow-Origin"))
	assert.Contains(t, got.Header.Get("Access-Control-Allow-Methods"), "PATCH")
	assert.Contains(t, got.Header.Get("Access-Control-Allow-Headers"), "Idempotency-Key")
	assert.Empty(t, got.Header.Get("Access-Control-Allow-Credentials"))
	assert.Contains(t, got.Header.Get("Vary"), "Origin")
	for _, stranger := range []string{"https://evil.example", "null", "*", strings.Repeat("x", 1000)} {
		got := preflight(stranger)
		assert.Equal(t, 204, got.StatusCode)
		assert.Empty(t, got.Header.Get("Access-Control-Allow-Origin"))
		assert.Empty(t, got.Header.Get("Access-Control-Allow-Methods"))
	}

	site := func(origin string) answer {
		return h.do("GET", "/v1/leads/1", "", "Authorization", "Bearer site", "Origin", origin)
	}
	got = site("https://dealer.example")
	assert.Equal(t, 200, got.StatusCode)
	assert.Equal(t, "https://dealer.example", got.Header.Get("Access-Control-Allow-Origin"))
	for _, name := range []string{"ETag", "Location", "RateLimit", "Retry-After", "X-Request-Id", "Idempotent-Replayed"} {
		assert.Contains(t, got.Header.Get("Access-Control-Expose-Headers"), name)
	}
	for _, origin := range []string{"https://other.example", "https://evil.example", "null"} {
		got := site(origin)
		assert.Equal(t, 403, got.StatusCode, origin)
		assert.Equal(t, "origin.forbidden", got.code(t))
		assert.Empty(t, got.Header.Get("Access-Control-Allow-Origin"))
	}
	assert.Equal(t, 200, h.do("GET", "/v1/leads/1", "", "Authorization", "Bearer site").StatusCode, "not from a web page")
	refused := h.do("GET", "/v1/leads/1", "", "Origin", "https://dealer.example")
	assert.Equal(t, 401, refused.StatusCode)
	assert.NotEmpty(t, refused.Header.Get("Access-Control-Allow-Origin"), "a page may read why it was refused")
	assert.Equal(t, 204, h.do("OPTIONS", "/v1/leads", "").StatusCode)
}

func TestRateLimits(t *testing.T) {
	t.Parallel()
	limiter := ratelimit.New(dbtest.New(t), func() time.Time { return time.Date(2026, 3, 1, 9, 30, 10, 5, time.UTC) })
	h := newHouse(t, func(_ *api.Config, d *api.Deps) {
		d.Limiter = limiter
		staff := d.Auth.(people)["staff"]
		staff.RatePerMinute = 3
		d.Auth.(people)["staff"] = staff
	})
	for i, left := range []string{"2", "1", "0"} {
		got := h.do("GET", "/v1/leads/1", "", "Authorization", bearer)
		assert.Equal(t, 200, got.StatusCode, "request %d", i)
		assert.Equal(t, `"default";q=3;w=60`, got.Header.Get("RateLimit-Policy"))
		assert.Equal(t, `"default";r=`+left+`;t=50`, got.Header.Get("RateLimit"))
	}
	got := h.do("GET", "/v1/leads/1", "", "Authorization", bearer)
	assert.Equal(t, 429, got.StatusCode)
	assert.Equal(t, "rate.exceeded", got.code(t))
	assert.Contains(t, []string{"50", "51", "52", "53"}, got.Header.Get("Retry-After"))
	assert.Equal(t, `"default";r=0;t=50`, got.Header.Get("RateLimit"))
	assert.Equal(t, 200, h.do("GET", "/v1/leads/1", "", "Authorization", "Bearer site").StatusCode)
}

// once does the work, without a transaction.
type once struct{}

func (once) Do(ctx context.Context, _ kernel.AccountID, _ idem.Claim, work func(context.Context) (idem.Answer, error)) (idem.Answer, error) {
	return work(ctx)
}

func TestEachItemOfABatchCounts(t *testing.T) {
	t.Parallel()
	limiter := ratelimit.New(dbtest.New(t), func() time.Time { return time.Date(2026, 3, 1, 9, 30, 10, 5, time.UTC) })
	h := newHouse(t, func(_ *api.Config, d *api.Deps) {
		d.Limiter = limiter
		staff := d.Auth.(people)["staff"]
		staff.RatePerMinute = 10
		d.Auth.(people)["staff"] = staff
	})
	done := 0
	h.server.V1.POST("/items/batch", func(c echo.Context) error {
		return httpx.Batch(c, once{}, httpx.ActorOf(c).Account, func(context.Context, struct{}) (httpx.Reply, error) {
			done++
			return httpx.Reply{Status: http.StatusNoContent}, nil
		})
	})
	for _, tt := range []struct {
		items, status int
		code, left    string
		done          int
	}{
		{6, 207, "", "4", 6},
		{11, 422, "rate.batch_too_large", "3", 6}, // the request itself counts
		{4, 429, "rate.exceeded", "2", 6},
		{2, 207, "", "0", 8},
		{1, 429, "rate.exceeded", "0", 8},
	} {
		body := `{"items":[` + strings.TrimSuffix(strings.Repeat("{},", tt.items), ",") + `]}`
		got := h.do("POST", "/v1/items/batch", body, "Authorization", bearer, "Content-Type", "application/json")
		require.Equal(t, tt.status, got.StatusCode, "%d items: %s", tt.items, got.body)
		assert.Equal(t, `"default";r=`+tt.left+`;t=50`, got.Header.Get("RateLimit"), "%d items", tt.items)
		assert.Equal(t, tt.done, done, "all of a batch or none")
		if tt.code != "" {
			assert.Equal(t, tt.code, got.code(t))
		}
	}
}

func TestAddressesAreLimitedWithoutAValidCredential(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(c *api.Config, d *api.Deps) {
		c.AnonymousPerMinute = 3
		d.Now = func() time.Time { return time.Unix(1_800_000_000, 0) }
	})
	for range 3 {
		assert.Equal(t, 401, h.do("GET", "/v1/leads/1", "", "Authorization", "Bearer nobody").StatusCode)
	}
	for _, got := range []answer{
		h.do("GET", "/v1/leads/1", "", "Authorization", "Bearer nobody"), h.do("POST", "/v1/oauth/token", ""), h.do("GET", "/none", ""),
	} {
		assert.Equal(t, 429, got.StatusCode)
		assert.Equal(t, "rate.address_exceeded", got.code(t))
		assert.NotEmpty(t, got.Header.Get("Retry-After"))
	}
	assert.Equal(t, 200, h.do("GET", "/v1/leads/1", "", "Authorization", bearer).StatusCode, "who has a credential is not held up by neighbours")
	assert.Equal(t, 200, h.do("GET", "/healthz", "").StatusCode)
}

func TestProxiesAreTrustedOnlyWhenConfigured(t *testing.T) {
	t.Parallel()
	address := func(h *house) string {
		return h.do("POST", "/v1/oauth/token", "", "X-Forwarded-For", "203.0.113.9, 192.0.2.1", "X-Real-Ip", "203.0.113.10").body
	}
	assert.Equal(t, "192.0.2.1", address(newHouse(t)), "httptest's own address")
	trusting := newHouse(t, func(c *api.Config, _ *api.Deps) {
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.7/24")}
	})
	assert.Equal(t, "203.0.113.9", address(trusting))
	other := newHouse(t, func(c *api.Config, _ *api.Deps) {
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}
	})
	assert.Equal(t, "192.0.2.1", address(other))
}

func TestServerTimeouts(t *testing.T) {
	t.Parallel()
	s := newHouse(t).server.HTTPServer()
	assert.Equal(t, 5*time.Second, s.ReadHeaderTimeout)
	assert.Equal(t, 30*time.Second, s.ReadTimeout)
	assert.Equal(t, 60*time.Second, s.WriteTimeout)
	assert.Equal(t, 120*time.Second, s.IdleTimeout)
	assert.Equal(t, 32<<10, s.MaxHeaderBytes)
}

func TestConfigNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	good := api.Config{CursorKeys: [][]byte{make([]byte, 32)}}
	require.NoError(t, good.Validate())
	for text, change := range map[string]func(*api.Config){
		"cursor key": func(c *api.Config) { c.CursorKeys = nil },
		"body limit": func(c *api.Config) { c.MaxBatch = -1 },
		"timeout":    func(c *api.Config) { c.RequestTimeout = time.Minute },
		"rate":       func(c *api.Config) { c.RatePerMinute = -1 },
	} {
		bad := good
		change(&bad)
		require.ErrorContains(t, bad.Validate(), text)
	}
	_, err := api.New(good, api.Deps{})
	require.Error(t, err)
}
