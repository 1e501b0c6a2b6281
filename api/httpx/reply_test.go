package httpx_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/idem"
)

func TestETags(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.echo.GET("/one", func(c echo.Context) error {
		q := httpx.NewQuery(c)
		q.Fields(item{})
		q.Include("contact")
		if err := q.Err(); err != nil {
			return err
		}
		return httpx.One(c, q, httpx.Reply{Body: items[0], Version: 7})
	})
	plain := a.do("GET", "/one", "")
	assert.Equal(t, `"7"`, plain.Header.Get("ETag"))
	assert.Equal(t, "private, no-cache", plain.Header.Get("Cache-Control"))

	cut := a.do("GET", "/one?fields=name", "")
	assert.JSONEq(t, `{"id":"1","name":"a\"},{<é>"}`, cut.body)
	assert.Regexp(t, `^"7\.[0-9a-f]{12}"$`, cut.Header.Get("ETag"))
	assert.NotEqual(t, cut.Header.Get("ETag"), a.do("GET", "/one?include=contact", "").Header.Get("ETag"))

	for _, tag := range []string{`"7"`, `W/"7"`, `"6", "7"`, `*`, `"a,b",W/"7"`} {
		got := a.do("GET", "/one", "", header("If-None-Match", tag))
		assert.Equal(t, 304, got.StatusCode, tag)
		assert.Empty(t, got.body)
		assert.Equal(t, `"7"`, got.Header.Get("ETag"))
	}
	for _, tag := range []string{`"6"`, `7`, cut.Header.Get("ETag"), `"7,"`} {
		assert.Equal(t, 200, a.do("GET", "/one", "", header("If-None-Match", tag)).StatusCode, tag)
	}
	assert.Equal(t, 304, a.do("GET", "/one?fields=name", "", header("If-None-Match", cut.Header.Get("ETag"))).StatusCode)
	assert.Equal(t, 200, a.do("GET", "/one?fields=name", "", header("If-None-Match", `"7"`)).StatusCode)
}

func TestWhatIsIncludedIsAmongTheFields(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	type lead struct {
		ID      string `json:"id"`
		Status  string `json:"status"`
		Contact string `json:"contact"`
	}
	a.echo.GET("/one", func(c echo.Context) error {
		q := httpx.NewQuery(c)
		q.Fields(lead{})
		q.Include("contact")
		if err := q.Err(); err != nil {
			return err
		}
		return httpx.One(c, q, httpx.Reply{Body: lead{"1", "new", "Zoé"}, Version: 7})
	})
	assert.JSONEq(t, `{"id":"1","status":"new"}`, a.do("GET", "/one?fields=status", "").body)
	assert.JSONEq(t, `{"id":"1","status":"new","contact":"Zoé"}`, a.do("GET", "/one?fields=status&include=contact", "").body)
}

func TestIfMatch(t *testing.T) {
	t.Parallel()
	version := func(v int64) *int64 { return &v }
	tests := []struct {
		name  string
		given []string
		want  *int64
	}{
		{"absent", nil, nil},
		{"any", []string{"*"}, nil},
		{"plain", []string{`"7"`}, version(7)},
		{"with the hash of a shaped body", []string{`"7.0123456789ab"`}, version(7)},
		{"several: the newest", []string{`"3", "7"`, `"5"`}, version(7)},
		{"weak never matches", []string{`W/"7"`}, version(-1)},
		{"weak beside strong", []string{`W/"9", "7"`}, version(7)},
		{"none of ours", []string{`"abc"`}, version(-1)},
		{"without quotes", []string{`7`}, version(-1)},
		{"no version is negative", []string{`"-7"`}, version(-1)},
		{"empty", []string{``}, version(-1)},
		{"only quotes", []string{`"`, `""`}, version(-1)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := echo.New().NewContext(httptest.NewRequest("PATCH", "/", http.NoBody), httptest.NewRecorder())
			for _, g := range tt.given {
				c.Request().Header.Add("If-Match", g)
			}
			got, err := httpx.IfMatch(c)
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestAnAccountMayRequireIfMatch(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.actor.RequireIfMatch = true
	a.echo.PATCH("/one", func(c echo.Context) error {
		if _, err := httpx.IfMatch(c); err != nil {
			return err
		}
		return c.NoContent(http.StatusNoContent)
	})
	got := a.do("PATCH", "/one", "")
	assert.Equal(t, 428, got.StatusCode)
	assert.Equal(t, "precondition.required", got.problem(t).Code)
	assert.Equal(t, 204, a.do("PATCH", "/one", "", header("If-Match", "*")).StatusCode)
}

func TestPrecondition(t *testing.T) {
	t.Parallel()
	seven := int64(7)
	for _, tt := range []struct {
		name, value string
		want        kernel.Precondition
	}{
		{"", "", kernel.Precondition{}},
		{"If-None-Match", "*", kernel.Precondition{Absent: true}},
		{"If-None-Match", `"1"`, kernel.Precondition{}},
		{"If-Match", "*", kernel.Precondition{Exists: true}},
		{"If-Match", `"7"`, kernel.Precondition{Exists: true, Version: &seven}},
	} {
		c := echo.New().NewContext(httptest.NewRequest("PUT", "/", http.NoBody), httptest.NewRecorder())
		if tt.name != "" {
			c.Request().Header.Set(tt.name, tt.value)
		}
		got, err := httpx.Precondition(c)
		require.NoError(t, err)
		assert.Equal(t, tt.want, got, tt.value)
		assert.Equal(t, tt.name == "If-Match", got.NeedsOne(), tt.value)
	}
}

func TestAccept(t *testing.T) {
	t.Parallel()
	tests := []struct {
		accept string
		want   string // "" for 406
	}{
		{"", "application/json"},
		{"*/*", "application/json"},
		{"application/json", "application/json"},
		{"application/*;q=0.1", "application/json"},
		{"text/html, application/xhtml+xml, */*;q=0.8", "application/json"},
		{"application/x-adf+xml", "application/x-adf+xml"},
		{"application/json;q=0.5, application/x-adf+xml", "application/x-adf+xml"},
		{"application/json, application/x-adf+xml", "application/json"},
		{"*/*, application/json;q=0", "application/x-adf+xml"},
		{"application/json;q=0", ""},
		{"text/html", ""},
		{"nonsense", ""},
		{"application/json;q=nonsense", "application/json"},
	}
	for _, tt := range tests {
		t.Run(tt.accept, func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			a.echo.GET("/lead", func(c echo.Context) error {
				media, err := httpx.Negotiate(c, "application/json", "application/x-adf+xml")
				if err != nil {
					return err
				}
				return c.String(200, media)
			})
			got := a.do("GET", "/lead", "", header("Accept", tt.accept))
			if tt.want == "" {
				assert.Equal(t, 406, got.StatusCode)
				assert.Equal(t, "request.not_acceptable", got.problem(t).Code)
				return
			}
			assert.Equal(t, tt.want, got.body)
		})
	}
}

func writeApp(t testing.TB, work func(ctx context.Context) (httpx.Reply, error)) (*app, *memory) {
	t.Helper()
	a, m := newApp(t), newMemory()
	h := func(c echo.Context) error {
		q := httpx.NewQuery(c)
		q.Text("a", 9)
		q.Text("b", 9)
		if err := q.Err(); err != nil {
			return err
		}
		return httpx.Write(c, m, a.actor.Account, work)
	}
	a.echo.POST("/leads", h)
	a.echo.POST("/other", h)
	return a, m
}

func TestWrite(t *testing.T) {
	t.Parallel()
	runs := 0
	a, m := writeApp(t, func(context.Context) (httpx.Reply, error) {
		runs++
		return httpx.Reply{Status: 201, Body: map[string]any{"run": runs, "t": "<&>"}, Version: 3, Location: "/v1/leads/1"}, nil
	})
	key := header("Idempotency-Key", `"k-1"`)
	first := a.do("POST", "/leads?b=2&a=1", `{"x":1}`, key)
	require.Equal(t, 201, first.StatusCode, first.body)
	assert.Equal(t, `{"run":1,"t":"<&>"}`, first.body)
	assert.Equal(t, `"3"`, first.Header.Get("ETag"))
	assert.Equal(t, "/v1/leads/1", first.Header.Get("Location"))
	assert.Empty(t, first.Header.Get("Idempotent-Replayed"))
	assert.Equal(t, a.actor.Credential, m.claims["k-1"].Credential)

	again := a.do("POST", "/leads?a=1&b=2", `{"x":1}`, header("Idempotency-Key", "k-1"))
	assert.Equal(t, 1, runs, "the quotes are not part of the key, the order of parameters not of the request")
	assert.Equal(t, "true", again.Header.Get("Idempotent-Replayed"))
	again.Header.Del("Idempotent-Replayed")
	assert.Equal(t, first.Header, again.Header)
	assert.Equal(t, first.body, again.body)
	assert.Equal(t, first.StatusCode, again.StatusCode)

	for _, other := range []answer{
		a.do("POST", "/leads?a=1&b=2", `{"x":2}`, key), a.do("POST", "/leads?a=1", `{"x":1}`, key), a.do("POST", "/other?a=1&b=2", `{"x":1}`, key),
	} {
		assert.Equal(t, 422, other.StatusCode)
		assert.Equal(t, "idempotency.key_reused", other.problem(t).Code)
	}
	a.do("POST", "/leads", `{"x":1}`)
	assert.Equal(t, 2, runs)
	assert.Equal(t, 406, a.do("POST", "/leads", `{}`, header("Accept", "text/html")).StatusCode)
	assert.Equal(t, 2, runs, "nothing happens when the answer could not be read")
}

func TestWriteWithoutABody(t *testing.T) {
	t.Parallel()
	a, m := writeApp(t, func(context.Context) (httpx.Reply, error) { return httpx.Reply{}, nil })
	got := a.do("POST", "/leads", "", header("Idempotency-Key", "k"))
	assert.Equal(t, 204, got.StatusCode)
	assert.Empty(t, got.Header.Get("Content-Type"))
	assert.NotNil(t, m.answers["k"].Body)
}

func TestAFailedWriteIsAnsweredAsItsError(t *testing.T) {
	t.Parallel()
	a, m := writeApp(t, func(context.Context) (httpx.Reply, error) {
		return httpx.Reply{}, errs.New(errs.Conflict, "lead.closed", "It is closed.")
	})
	assert.Equal(t, 409, a.do("POST", "/leads", "{}", header("Idempotency-Key", "k")).StatusCode)
	assert.Empty(t, m.answers)
}

func TestASecretIsShownOnce(t *testing.T) {
	t.Parallel()
	a, m := writeApp(t, func(context.Context) (httpx.Reply, error) {
		return httpx.Reply{Body: map[string]string{"secret": "s3cret"}, Redacted: map[string]any{"secret": nil}}, nil
	})
	key := header("Idempotency-Key", "k")
	assert.Equal(t, `{"secret":"s3cret"}`, a.do("POST", "/leads", "{}", key).body)
	assert.NotContains(t, string(m.answers["k"].Body), "s3cret")
	assert.Equal(t, `{"secret":null}`, a.do("POST", "/leads", "{}", key).body)
}

func TestAWriteOutlivesItsCaller(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	a, _ := writeApp(t, func(ctx context.Context) (httpx.Reply, error) {
		cancel()
		return httpx.Reply{}, ctx.Err()
	})
	got := a.do("POST", "/leads", "{}", func(r *http.Request) { *r = *r.WithContext(ctx) })
	assert.Equal(t, 204, got.StatusCode)
}

func TestIdempotencyKeys(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("k", 255)
	tests := map[string]string{ // given → key, "" for 400
		"abc": "abc", `"abc"`: "abc", `"a\"b\\c"`: `a"b\c`, `a"b`: `a"b`, long: long, `"` + long + `"`: long,
		"": "", `""`: "", `"`: "", `"abc`: "", `"a"b"`: "", `"a\x"`: "", `"a\"`: "", "a b": "", "é": "", "a\tb": "", long + "k": "",
	}
	for given, want := range tests {
		c := echo.New().NewContext(httptest.NewRequest("POST", "/", http.NoBody), httptest.NewRecorder())
		c.Request().Header["Idempotency-Key"] = []string{given}
		key, err := httpx.IdempotencyKey(c)
		assert.Equal(t, want == "", err != nil, given)
		assert.Equal(t, want, key, given)
	}
	a, _ := writeApp(t, func(context.Context) (httpx.Reply, error) { return httpx.Reply{}, errors.New("must not run") })
	got := a.do("POST", "/leads", "{}", header("Idempotency-Key", "a"), header("Idempotency-Key", "b"))
	assert.Equal(t, 400, got.StatusCode)
	assert.Equal(t, "idempotency.invalid_key", got.problem(t).Code)
}

func FuzzIdempotencyKey(f *testing.F) {
	for _, seed := range []string{"abc", `"abc"`, `"a\"b"`, "", `"`, "é", "\x00", strings.Repeat("k", 300)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, given string) {
		c := echo.New().NewContext(httptest.NewRequest("POST", "/", http.NoBody), httptest.NewRecorder())
		c.Request().Header["Idempotency-Key"] = []string{given}
		key, err := httpx.IdempotencyKey(c)
		if err != nil {
			require.Empty(t, key)
			return
		}
		require.NotEmpty(t, key)
		require.LessOrEqual(t, len(key), 255)
		for _, b := range []byte(key) {
			require.Truef(t, b > ' ' && b <= '~', "%q", key)
		}
	})
}

func TestBatch(t *testing.T) {
	t.Parallel()
	a, m := newApp(t), newMemory()
	runs := 0
	a.echo.POST("/leads/batch", func(c echo.Context) error {
		return httpx.Batch(c, m, a.actor.Account, func(_ context.Context, in address) (httpx.Reply, error) {
			runs++
			switch in.City {
			case "none":
				return httpx.Reply{}, nil
			case "bad":
				return httpx.Reply{}, errors.New("broken pipe in the cellar")
			case "gone":
				return httpx.Reply{}, httpx.ErrNotFound
			}
			return httpx.Reply{Status: 201, Body: in, Version: 1, Location: "/v1/leads/" + in.City}, nil
		})
	})
	body := `{"items":[{"city":"A"},{"city":"Barcelona","x":1},{"city":"none"},{"city":"bad"},{"city":"gone"},7]}`
	got := a.do("POST", "/leads/batch", body, header("Idempotency-Key", "k"))
	require.Equal(t, 207, got.StatusCode, got.body)
	var out struct{ Results []httpx.BatchResult }
	require.NoError(t, json.Unmarshal([]byte(got.body), &out))
	require.Len(t, out.Results, 6)
	statuses := []int{}
	for i, r := range out.Results {
		assert.Equal(t, i, r.Index)
		statuses = append(statuses, r.Status)
	}
	assert.Equal(t, []int{201, 422, 204, 500, 404, 422}, statuses)
	assert.Equal(t, `"1"`, out.Results[0].ETag)
	assert.Equal(t, "/v1/leads/A", out.Results[0].Location)
	assert.Contains(t, string(out.Results[0].Body), `"city":"A"`)
	assert.Equal(t, map[string]string{"/city": "too_long", "/x": "unknown"}, pointers(*out.Results[1].Problem))
	assert.Equal(t, map[string]string{"": "wrong_type"}, pointers(*out.Results[5].Problem))
	assert.NotContains(t, got.body, "cellar")
	assert.Contains(t, a.log.String(), "cellar")
	assert.Contains(t, m.claims, "k#0")

	runs = 0
	got = a.do("POST", "/leads/batch", body, header("Idempotency-Key", "k"))
	require.NoError(t, json.Unmarshal([]byte(got.body), &out))
	assert.Equal(t, 2, runs, "what failed is tried again, what was done is not")
	assert.True(t, out.Results[0].Replayed)
	assert.Equal(t, 201, out.Results[0].Status)

	for _, bad := range []string{`{}`, `{"items":[]}`, `{"items":[` + strings.TrimSuffix(strings.Repeat("{},", 501), ",") + `]}`, `{"items":{}}`, `[]`} {
		assert.Equal(t, 422, a.do("POST", "/leads/batch", bad).StatusCode, bad)
	}
}

func TestABatchStopsTryingWhenTheDatabaseIsGone(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	runs := 0
	down := errs.New(errs.Unavailable, "service.unavailable", "Down.")
	a.echo.POST("/batch", func(c echo.Context) error {
		return httpx.Batch(c, newMemory(), a.actor.Account, func(context.Context, address) (httpx.Reply, error) {
			runs++
			return httpx.Reply{}, down
		})
	})
	got := a.do("POST", "/batch", `{"items":[{},{},{}]}`)
	assert.Equal(t, 207, got.StatusCode)
	assert.Equal(t, 3, strings.Count(got.body, `"status":503,"problem"`), got.body)
	assert.Equal(t, 1, runs)
}

func TestPathIDs(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.echo.GET("/leads/:id", func(c echo.Context) error {
		id, err := httpx.PathID[kernel.LeadID](c, "id")
		if err != nil {
			return err
		}
		return c.String(200, id.String())
	})
	assert.Equal(t, 200, a.do("GET", "/leads/0198c5f2-7b1a-7c3e-9d2f-3a4b5c6d7e8f", "").StatusCode)
	for _, id := range []string{"1", "{0198c5f2-7b1a-7c3e-9d2f-3a4b5c6d7e8f}", "0198c5f27b1a7c3e9d2f3a4b5c6d7e8f", "%00", "x%2fy"} {
		got := a.do("GET", "/leads/"+id, "")
		assert.Equal(t, 404, got.StatusCode)
		assert.Equal(t, "not_found", got.problem(t).Code)
	}
}

func TestPathRefs(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.echo.PUT("/by-ref/:source/:external_id", func(c echo.Context) error {
		ref, err := httpx.PathRef(c)
		if err != nil {
			return err
		}
		return c.String(200, ref.Source+"|"+ref.ID)
	})
	for _, text := range []string{"a", "a/b", "a%2", "é +?#", "50%", strings.Repeat("é", kernel.MaxRefID)} {
		got := a.do("PUT", "/by-ref/oem/"+url.PathEscape(text), "")
		assert.Equal(t, "oem|"+text, got.body)
	}
	for _, path := range []string{
		"oem/%00", "oem/%ff", "oem/" + strings.Repeat("a", kernel.MaxRefID+1), "oem/%20", "/a", strings.Repeat("s", kernel.MaxRefSource+1) + "/a",
	} {
		got := a.do("PUT", "/by-ref/"+path, "")
		assert.Equal(t, 422, got.StatusCode, path)
		assert.Equal(t, "request.bad_ref", got.problem(t).Code, path)
	}
}

var _ httpx.Units = (*idem.Store)(nil)
