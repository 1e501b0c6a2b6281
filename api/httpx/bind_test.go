package httpx_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/merge"
)

type address struct {
	City    string   `json:"city" validate:"max=5"`
	Country string   `json:"country" validate:"omitempty,iso3166_1_alpha2"`
	Lines   []string `json:"lines" validate:"max=2,dive,max=3"`
}

type base struct {
	Language string `json:"language" validate:"omitempty,bcp47_language_tag"`
}

type person struct {
	base
	Name      string                  `json:"name" validate:"required,max=10"`
	FirstName string                  `json:"first_name"`
	Kind      string                  `json:"kind" validate:"omitempty,oneof=person company"`
	Age       int8                    `json:"age" validate:"gte=0"`
	Score     *float64                `json:"score"`
	Owner     *kernel.UserID          `json:"owner_id"`
	Dealer    kernel.DealershipID     `json:"dealership_id"`
	Born      *time.Time              `json:"born"`
	Addresses []address               `json:"addresses" validate:"dive"`
	Home      *address                `json:"home"`
	Flags     map[string]bool         `json:"flags"`
	Custom    map[string]any          `json:"custom"`
	Raw       json.RawMessage         `json:"raw"`
	Active    bool                    `json:"active"`
	Friends   []person                `json:"friends"`
	Email     string                  `json:"email" validate:"omitempty,email"`
	Prices    map[string]kernel.Money `json:"prices"`
}

func bindApp(t testing.TB) (*app, *person) {
	t.Helper()
	a := newApp(t)
	got := &person{}
	a.echo.POST("/people", func(c echo.Context) error {
		in, err := httpx.Bind[person](c)
		if err != nil {
			return err
		}
		*got = in
		return c.NoContent(http.StatusNoContent)
	})
	return a, got
}

func TestBindReads(t *testing.T) {
	t.Parallel()
	a, got := bindApp(t)
	body := ` {"name":"Zo\u00eb \ud83d\ude00","first_name":"A","kind":"person","age":-0,"score":null,"language":"fr-FR",
		"owner_id":"0198c5f2-7b1a-7c3e-9d2f-3a4b5c6d7e8f","born":"2020-02-29T10:00:00.123456+02:00","n\u0061me2":1}`
	body = strings.Replace(body, `,"n\u0061me2":1`, `,"\u0061ctive":true,"custom":{"a":[1.5e3,null,{"b":"c"}]},"addresses":[{"city":"Paris","lines":["a","b"]}]`, 1)
	res := a.do("POST", "/people", body)
	require.Equal(t, 204, res.StatusCode, res.body)
	assert.Equal(t, "Zoë 😀", got.Name)
	assert.True(t, got.Active)
	assert.Nil(t, got.Score)
	assert.Equal(t, "fr-FR", got.Language)
	assert.Equal(t, "0198c5f2-7b1a-7c3e-9d2f-3a4b5c6d7e8f", got.Owner.String())
	assert.Equal(t, "Paris", got.Addresses[0].City)
}

func TestBindNamesEveryMistakeAtOnce(t *testing.T) {
	t.Parallel()
	a, _ := bindApp(t)
	res := a.do("POST", "/people", `{
		"name": "", "firstName": "x", "kind": "robot", "age": 1.5, "score": "high", "owner_id": "42", "born": "yesterday",
		"dealership_id": null, "email": "nobody", "language": "!!",
		"addresses": [{"city": "Barcelona", "lines": ["abcd", 5], "zip/code": 1}, "x"],
		"home": {"country": "France"}, "flags": {"a~b": 1}, "active": "yes", "friends": [{"age": 300, "x": {}}],
		"custom": {"nul": "a\u0000b", "half": "\ud800", "half2": "\udc00x", "huge": 1e999, "tiny": 1e-999, "ok": 0e-999}, "raw": "\u0000",
		"prices": {"list": {"amount_minor": "12"}}
	}`)
	require.Equal(t, 422, res.StatusCode, res.body)
	p := res.problem(t)
	assert.Equal(t, "request.invalid", p.Code)
	assert.Equal(t, map[string]string{
		"/name": "required", "/firstName": "unknown", "/kind": "not_allowed", "/age": "wrong_type", "/score": "wrong_type",
		"/owner_id": "wrong_format", "/born": "wrong_format", "/dealership_id": "null", "/email": "wrong_format",
		"/language":         "wrong_format",
		"/addresses/0/city": "too_long", "/addresses/0/lines/0": "too_long", "/addresses/0/lines/1": "wrong_type",
		"/addresses/0/zip~1code": "unknown", "/addresses/1": "wrong_type", "/home/country": "wrong_format",
		"/flags/a~0b": "wrong_type", "/active": "wrong_type", "/friends/0/age": "out_of_range", "/friends/0/x": "unknown",
		"/custom/nul": "invalid_text", "/custom/half": "invalid_text", "/custom/half2": "invalid_text",
		"/custom/huge": "out_of_range", "/custom/tiny": "out_of_range", "/raw": "invalid_text",
		"/prices/list/amount_minor": "wrong_type",
	}, pointers(p))
	for _, e := range p.Errors {
		if e.Pointer == "/firstName" {
			assert.Contains(t, e.Detail, "first_name")
		}
		if e.Pointer == "/kind" {
			assert.Contains(t, e.Detail, "person, company")
		}
		if e.Pointer == "/owner_id" {
			assert.Contains(t, e.Detail, "UUID")
		}
	}
}

func TestBindRefuses(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`[`, 65) + strings.Repeat(`]`, 65)
	tests := []struct {
		name, body string
		wantStatus int
		wantCode   string
		wantIn     string
	}{
		{"nothing", " ", 400, "request.empty", ""},
		{"null", "null", 422, "request.invalid", "not null"},
		{"an array", "[]", 422, "request.invalid", "an object"},
		{"not JSON", "{name:1}", 400, "request.unreadable", "at byte 1"},
		{"an end too early", `{"name":`, 400, "request.unreadable", "at byte 8"},
		{"a string without an end", `{"name":"x`, 400, "request.unreadable", ""},
		{"two values", `{"name":"x"} {}`, 400, "request.unreadable", "at byte 13"},
		{"a comma too many", `{"name":"x",}`, 400, "request.unreadable", ""},
		{"a comma at the end of a list", `{"friends":[{"name":"x"},]}`, 400, "request.unreadable", ""},
		{"a leading zero", `{"age":01}`, 400, "request.unreadable", ""},
		{"a number without digits", `{"age":-}`, 400, "request.unreadable", ""},
		{"a fraction without digits", `{"age":1.}`, 400, "request.unreadable", ""},
		{"NaN", `{"age":NaN}`, 400, "request.unreadable", ""},
		{"a control character", "{\"name\":\"a\nb\"}", 400, "request.unreadable", ""},
		{"no such escape", `{"name":"\x41"}`, 400, "request.unreadable", ""},
		{"a short escape", `{"name":"\u12"}`, 400, "request.unreadable", ""},
		{"no UTF-8", "{\"name\":\"\xff\"}", 400, "request.not_utf8", ""},
		{"a byte order mark", "\ufeff{}", 400, "request.unreadable", ""},
		{"too deep", `{"custom":{"a":` + deep + `}}`, 400, "request.too_deep", ""},
		{"a name twice", `{"name":"x","n\u0061me":"y"}`, 422, "request.invalid", "once"},
		{"NUL in a name", `{"name":"x","custom":{"a\u0000":1}}`, 422, "request.invalid", "U+0000"},
		{"a very long number", `{"name":"x","custom":{"n":` + strings.Repeat("9", 200) + `}}`, 422, "request.invalid", "out of range"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a, _ := bindApp(t)
			res := a.do("POST", "/people", tt.body)
			p := res.problem(t)
			assert.Equal(t, tt.wantStatus, res.StatusCode, res.body)
			assert.Equal(t, tt.wantCode, p.Code)
			assert.Contains(t, res.body, tt.wantIn)
		})
	}
}

func TestBindMinds64Levels(t *testing.T) {
	t.Parallel()
	a, _ := bindApp(t)
	// The body is level 1 and custom level 2.
	inner := strings.Repeat("[", 62) + strings.Repeat("]", 62)
	assert.Equal(t, 204, a.do("POST", "/people", `{"name":"x","custom":{"a":`+inner+`}}`).StatusCode)
	assert.Equal(t, 400, a.do("POST", "/people", `{"name":"x","custom":{"a":[`+inner+`]}}`).StatusCode)
}

func TestBindNamesAHundredMistakesAtMost(t *testing.T) {
	t.Parallel()
	a, _ := bindApp(t)
	res := a.do("POST", "/people", `{"friends":[`+strings.TrimSuffix(strings.Repeat(`{"age":"x"},`, 500), ",")+`]}`)
	require.Equal(t, 422, res.StatusCode)
	assert.LessOrEqual(t, len(res.problem(t).Errors), 201)
	assert.GreaterOrEqual(t, len(res.problem(t).Errors), 100)
}

func TestContentType(t *testing.T) {
	t.Parallel()
	tests := []struct {
		given string
		want  int
	}{
		{"application/json", 204},
		{"application/json; charset=utf-8", 204},
		{"Application/JSON;charset=UTF-8", 204},
		{"application/json; charset=latin1", 415},
		{"text/plain", 415},
		{"", 415},
		{"application/merge-patch+json", 415},
		{";;", 415},
	}
	for _, tt := range tests {
		t.Run(tt.given, func(t *testing.T) {
			t.Parallel()
			a, _ := bindApp(t)
			res := a.do("POST", "/people", `{"name":"x"}`, func(r *http.Request) { r.Header.Set("Content-Type", tt.given) })
			assert.Equal(t, tt.want, res.StatusCode, res.body)
		})
	}
	a, _ := bindApp(t)
	res := a.do("POST", "/people", `{"name":"x"}`, header("Content-Encoding", "gzip"))
	assert.Equal(t, 415, res.StatusCode)
}

func TestBodiesOverTheirLimit(t *testing.T) {
	t.Parallel()
	a, _ := bindApp(t)
	big := `{"name":"x","custom":{"a":"` + strings.Repeat("a", 1<<20) + `"}}`
	res := a.do("POST", "/people", big)
	assert.Equal(t, 413, res.StatusCode)
	assert.Equal(t, "request.too_large", res.problem(t).Code)
	res = a.do("POST", "/people", big, func(r *http.Request) { r.ContentLength = -1 })
	assert.Equal(t, 413, res.StatusCode, "without a declared length too")

	a.echo.POST("/documents", func(c echo.Context) error {
		body, err := httpx.Body(c)
		if err != nil {
			return err
		}
		assert.Len(t, body, len(big))
		assert.Equal(t, int64(25<<20), httpx.BodyLimit(c))
		return c.NoContent(http.StatusNoContent)
	}, httpx.Documents)
	assert.Equal(t, 204, a.do("POST", "/documents", big).StatusCode)
}

type patchPerson struct {
	Name  merge.Field[string]    `json:"name" validate:"required,max=5"`
	Age   merge.Field[int]       `json:"age" validate:"gte=1"`
	Notes merge.Field[string]    `json:"notes"`
	Home  merge.Field[address]   `json:"home"`
	Homes merge.Field[[]address] `json:"homes" validate:"max=2,dive"`
}

func TestBindPatch(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		want       map[string]string
	}{
		{"nothing", `{}`, nil},
		{"a value and a null", `{"name":"Ann","notes":null,"home":null}`, nil},
		{"all the mistakes", `{"name":null,"age":0,"home":{"city":"Barcelona","x":1},"homes":[{"lines":["a","b","c"]}],"id":"y"}`, map[string]string{
			"/name": "required", "/age": "too_small", "/home/city": "too_long", "/home/x": "unknown", "/homes/0/lines": "too_many", "/id": "unknown",
		}},
		{"wrong types", `{"name":1,"home":{"city":2},"homes":{}}`, map[string]string{
			"/name": "wrong_type", "/home/city": "wrong_type", "/homes": "wrong_type",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			a.echo.PATCH("/people", func(c echo.Context) error {
				in, err := httpx.BindPatch[patchPerson](c)
				if err != nil {
					return err
				}
				assert.Equal(t, strings.Contains(tt.body, `"name"`), in.Name.Set)
				assert.Equal(t, strings.Contains(tt.body, `"notes":null`), in.Notes.Null)
				return c.NoContent(http.StatusNoContent)
			})
			res := a.do("PATCH", "/people", tt.body, func(r *http.Request) { r.Header.Set("Content-Type", httpx.ContentTypeMergePatch) })
			if tt.want == nil {
				require.Equal(t, 204, res.StatusCode, res.body)
				return
			}
			assert.Equal(t, 422, res.StatusCode)
			assert.Equal(t, tt.want, pointers(res.problem(t)))
		})
	}
}

func FuzzBind(f *testing.F) {
	for _, seed := range []string{
		`{"name":"x"}`, `{"name":"x","custom":{"a":[1,2,{"b":null}]},"raw":1e5}`, `[`, `{"a":"\ud800"}`, `{"friends":[{"friends":[{}]}]}`,
		`{"name":"\u0000","flags":{"a":true},"prices":{"x":{"amount_minor":1}}}`, `{"born":"2020-01-01T00:00:00Z","owner_id":""}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		a, got := bindApp(t)
		res := a.do("POST", "/people", body, func(r *http.Request) { r.Header.Set("Content-Type", "application/json") })
		if res.StatusCode != 204 && (res.StatusCode < 400 || res.StatusCode >= 500) {
			t.Fatalf("%d for %q: %s", res.StatusCode, body, res.body)
		}
		if res.StatusCode == 204 {
			require.True(t, json.Valid([]byte(body)))
			require.NotContains(t, got.Name, "\x00")
		}
	})
}
