package httpx_test

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

type item struct {
	ID   string         `json:"id"`
	Name string         `json:"name"`
	Tags []string       `json:"tags"`
	More map[string]any `json:"more"`
}

// seen is what the handler of listApp was asked for.
type seen struct {
	page         page.Request
	status       []string
	q            string
	dealers      []kernel.DealershipID
	owner        *kernel.UserID
	test         *bool
	size         *int
	from, before *time.Time
	include      httpx.Includes
	changes      outbox.Cursor
}

var (
	nextKey = page.Key{At: time.Date(2026, 3, 1, 9, 30, 0, 123456000, time.UTC), ID: uuid.MustParse("0198c5f2-7b1a-7c3e-9d2f-3a4b5c6d7e8f")}
	items   = []item{{ID: "1", Name: `a"},{<é>`, Tags: []string{"x,y", "]"}, More: map[string]any{"id": 9}}, {ID: "2", Tags: []string{}}}
)

func listApp(t testing.TB, keys ...[]byte) (*app, *seen) {
	t.Helper()
	a := newApp(t, keys...)
	got := &seen{}
	list := func(c echo.Context) error {
		q := httpx.NewQuery(c)
		got.page = q.Page("-created_at", "created_at", "updated_at")
		got.status = q.Enum("status", "new", "won", "lost")
		got.q = q.Text("q", 10)
		got.dealers = httpx.QueryIDs[kernel.DealershipID](q, "dealership_id")
		got.owner = httpx.QueryID[kernel.UserID](q, "owner_id")
		got.test = q.Bool("test")
		got.size = q.Int("size", -5, 5)
		got.from, got.before = q.TimeRange("created_at")
		got.include = q.Include("contact", "vehicle")
		q.Fields(item{})
		if err := q.Err(); err != nil {
			return err
		}
		return httpx.List(c, q, page.Of[item]{Items: items, Next: &nextKey})
	}
	a.echo.GET("/v1/leads", list)
	a.echo.GET("/v1/contacts", list)
	a.echo.GET("/v1/leads/changes", func(c echo.Context) error {
		q := httpx.NewQuery(c)
		q.Fields(item{})
		var limit int
		got.changes, limit = q.Changes()
		if err := q.Err(); err != nil {
			return err
		}
		got.page.Limit = limit
		return httpx.Changes(c, q, outbox.Changes[item]{Next: outbox.Cursor{Epoch: "e1", Listing: true, After: nextKey.ID, Position: 77}, More: true})
	})
	return a, got
}

type listed struct {
	Data       []map[string]any `json:"data"`
	NextCursor *string          `json:"next_cursor"`
	HasMore    *bool            `json:"has_more"`
}

func (a *app) list(target string) listed {
	a.t.Helper()
	res := a.do("GET", target, "")
	require.Equal(a.t, 200, res.StatusCode, res.body)
	require.Equal(a.t, "application/json", res.Header.Get("Content-Type"))
	var l listed
	require.NoError(a.t, json.Unmarshal([]byte(res.body), &l))
	return l
}

func TestQueryReads(t *testing.T) {
	t.Parallel()
	a, got := listApp(t)
	a.list("/v1/leads?limit=200&sort=updated_at&count=exact&status=won,new&status=lost&q=caf%C3%A9+x&test=false&size=-5" +
		"&dealership_id=0198c5f2-7b1a-7c3e-9d2f-3a4b5c6d7e8f,0198c5f2-7b1a-7c3e-9d2f-3a4b5c6d7e90&owner_id=0198c5f2-7b1a-7c3e-9d2f-3a4b5c6d7e8f" +
		"&created_at[gt]=2026-01-01T00:00:00%2B02:00&created_at[gte]=2025-01-01T00:00:00Z&created_at[lte]=2026-02-01T00:00:00+00:00&include=contact")
	assert.Equal(t, 200, got.page.Limit)
	assert.Equal(t, page.Sort{Field: "updated_at"}, got.page.Sort)
	assert.Equal(t, page.CountExact, got.page.Count)
	assert.Nil(t, got.page.After)
	assert.Equal(t, []string{"won", "new", "lost"}, got.status)
	assert.Equal(t, "café x", got.q)
	assert.Len(t, got.dealers, 2)
	assert.NotNil(t, got.owner)
	assert.False(t, *got.test)
	assert.Equal(t, -5, *got.size)
	assert.Equal(t, time.Date(2025, 12, 31, 22, 0, 0, 1000, time.UTC), *got.from)
	assert.Equal(t, time.Date(2026, 2, 1, 0, 0, 0, 1000, time.UTC), *got.before)
	assert.True(t, got.include.Has("contact"))
	assert.False(t, got.include.Has("vehicle"))

	a.list("/v1/leads")
	assert.Equal(t, seen{page: page.Request{Limit: 25, Sort: page.Sort{Field: "created_at", Desc: true}}}, *got)
}

func TestQueryNamesEveryMistakeAtOnce(t *testing.T) {
	t.Parallel()
	a, _ := listApp(t)
	res := a.do("GET", "/v1/leads?limit=201&sort=name&count=all&status=new,open&q=12345678901&dealership_id=x&owner_id=&test=1&size=06"+
		"&created_at[gte]=2026-01-01&include=owner&fields=name,secret&created_at=x&page=2&size2=a&size2=b", "")
	require.Equal(t, 400, res.StatusCode)
	p := res.problem(t)
	assert.Equal(t, "request.invalid_parameter", p.Code)
	assert.Equal(t, map[string]string{
		"?limit": "out_of_range", "?sort": "not_allowed", "?count": "not_allowed", "?status": "not_allowed", "?q": "too_long",
		"?dealership_id": "wrong_format", "?owner_id": "empty", "?test": "wrong_type", "?size": "out_of_range",
		"?created_at[gte]": "wrong_format", "?include": "not_allowed", "?fields": "not_allowed",
		"?created_at": "unknown", "?page": "unknown", "?size2": "unknown",
	}, pointers(p))
}

func TestQueryRefusesWhatCannotBeStoredOrRead(t *testing.T) {
	t.Parallel()
	a, _ := listApp(t)
	for _, query := range []string{
		"q=%00", "q=%ff", "q=%zz", "q=a;b=c", "q=a&q=b", "status=,new", "status=%00", "fields=", "%00=1", "%ff=1", "limit=0", "limit=-1", "limit=1e2",
		"limit=99999999999999999999", "sort=", "sort=--created_at", "cursor=", "status=" + strings.Repeat("a,", 300),
		"created_at[gte]=+58000-01-01T00:00:00Z",
	} {
		res := a.do("GET", "/v1/leads?"+query, "")
		assert.Equal(t, 400, res.StatusCode, query)
		assert.NotEmpty(t, res.problem(t).Errors, query)
	}
}

func TestCursors(t *testing.T) {
	t.Parallel()
	a, got := listApp(t)
	cursor := *a.list("/v1/leads?status=new,won&sort=updated_at").NextCursor
	assert.Equal(t, cursor, url.QueryEscape(cursor), "safe in a URL")

	a.list("/v1/leads?sort=updated_at&status=new,won&limit=3&count=estimated&fields=name&include=contact&cursor=" + cursor)
	assert.Equal(t, nextKey, *got.page.After)

	for name, target := range map[string]string{
		"another path":    "/v1/contacts?status=new,won&sort=updated_at&cursor=" + cursor,
		"another filter":  "/v1/leads?status=new&sort=updated_at&cursor=" + cursor,
		"one filter more": "/v1/leads?status=new,won&q=x&sort=updated_at&cursor=" + cursor,
		"another order":   "/v1/leads?status=new,won&sort=-updated_at&cursor=" + cursor,
		"another kind":    "/v1/leads/changes?cursor=" + cursor,
		"no cursor":       "/v1/leads?cursor=abc",
		"too long":        "/v1/leads?cursor=" + strings.Repeat("a", 4000),
		"NUL":             "/v1/leads?status=new,won&sort=updated_at&cursor=" + cursor + "%3d",
	} {
		res := a.do("GET", target, "")
		assert.Equal(t, 400, res.StatusCode, name)
		assert.Equal(t, "cursor.invalid", res.problem(t).Code, name)
	}
	for i := range cursor {
		altered := []byte(cursor)
		altered[i] = map[bool]byte{true: 'B', false: 'A'}[altered[i] == 'A']
		res := a.do("GET", "/v1/leads?status=new,won&sort=updated_at&cursor="+string(altered), "")
		require.Equal(t, 400, res.StatusCode, "character %d", i)
	}

	t.Run("of another account", func(t *testing.T) {
		t.Parallel()
		other, _ := listApp(t)
		assert.Equal(t, 400, other.do("GET", "/v1/leads?status=new,won&sort=updated_at&cursor="+cursor, "").StatusCode)
	})
	t.Run("of another partner", func(t *testing.T) {
		t.Parallel()
		other, _ := listApp(t)
		other.actor = a.actor
		assert.Equal(t, 200, other.do("GET", "/v1/leads?status=new,won&sort=updated_at&cursor="+cursor, "").StatusCode)
		other.actor.Partner = kernel.NewID[kernel.PartnerID]()
		assert.Equal(t, 400, other.do("GET", "/v1/leads?status=new,won&sort=updated_at&cursor="+cursor, "").StatusCode)
	})
	t.Run("after the key was replaced", func(t *testing.T) {
		t.Parallel()
		newer := bytes.Repeat([]byte{8}, 32)
		rotated, _ := listApp(t, newer, testKey)
		rotated.actor = a.actor
		assert.Equal(t, 200, rotated.do("GET", "/v1/leads?status=new,won&sort=updated_at&cursor="+cursor, "").StatusCode)
		gone, _ := listApp(t, newer)
		gone.actor = a.actor
		assert.Equal(t, 400, gone.do("GET", "/v1/leads?status=new,won&sort=updated_at&cursor="+cursor, "").StatusCode)
	})
}

func TestChangesCursors(t *testing.T) {
	t.Parallel()
	a, got := listApp(t)
	first := a.list("/v1/leads/changes?limit=7")
	assert.Equal(t, 7, got.page.Limit)
	assert.Equal(t, outbox.Cursor{}, got.changes)
	assert.NotNil(t, first.Data)
	assert.True(t, *first.HasMore)

	a.list("/v1/leads/changes?fields=name&cursor=" + *first.NextCursor)
	assert.Equal(t, outbox.Cursor{Epoch: "e1", Listing: true, After: nextKey.ID, Position: 77}, got.changes)
	assert.Equal(t, 400, a.do("GET", "/v1/leads?cursor="+*first.NextCursor, "").StatusCode)
}

func TestFieldsLeaveTheRestOut(t *testing.T) {
	t.Parallel()
	a, _ := listApp(t)
	whole := a.list("/v1/leads")
	cut := a.list("/v1/leads?fields=more,name")
	require.Len(t, cut.Data, 2)
	for i, got := range cut.Data {
		assert.Equal(t, map[string]any{"id": whole.Data[i]["id"], "name": whole.Data[i]["name"], "more": whole.Data[i]["more"]}, got)
	}
	assert.Equal(t, whole.NextCursor, cut.NextCursor)
	assert.Equal(t, []map[string]any{{"id": "1"}, {"id": "2"}}, a.list("/v1/leads?fields=id").Data)
}

func TestListsAreNeverNullAndNeverEscaped(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	total := int64(0)
	a.echo.GET("/none", func(c echo.Context) error {
		return httpx.List(c, httpx.NewQuery(c), page.Of[item]{Total: &total})
	})
	a.echo.GET("/html", func(c echo.Context) error { return httpx.One(c, nil, httpx.Reply{Body: item{Name: "<b>&"}}) })
	assert.Equal(t, `{"data":[],"next_cursor":null,"total":0}`, a.do("GET", "/none", "").body)
	got := a.do("GET", "/html", "")
	assert.Equal(t, `{"id":"","name":"<b>&","tags":null,"more":null}`, got.body)
	assert.Equal(t, int64(len(got.body)), got.ContentLength)
}

func FuzzCursor(f *testing.F) {
	a, _ := listApp(f)
	ours := *a.list("/v1/leads").NextCursor
	for _, seed := range []string{ours, "", "a", ours[:20], ours + "AAAA", ours[:9] + "\n" + ours[9:], *a.list("/v1/leads/changes").NextCursor} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		a.t = t
		want := 400
		if cursor == ours {
			want = 200
		}
		res := a.do("GET", "/v1/leads?cursor="+url.QueryEscape(cursor), "")
		if res.StatusCode != want {
			t.Fatalf("%d for %q", res.StatusCode, cursor)
		}
	})
}
