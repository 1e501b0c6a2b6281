package contactsapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/api/contactsapi"
	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/contacts"
	"github.com/rooftop-crm/rooftop/internal/contacts/contactsdb"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/clock"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
	"github.com/rooftop-crm/rooftop/internal/platform/idem"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
	"github.com/rooftop-crm/rooftop/internal/platform/schema"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestMain(m *testing.M) { dbtest.Main(m) }

type france struct{}

func (france) Country(context.Context, kernel.AccountID) (string, error) { return "FR", nil }

// server is the routes of contacts behind the edge, for one actor at a time.
type server struct {
	t     *testing.T
	echo  *echo.Echo
	log   *outbox.Log
	actor auth.Actor
	other auth.Actor // of another account
	owner kernel.UserID
}

func newServer(t *testing.T) *server {
	t.Helper()
	d := dbtest.New(t)
	s := &server{t: t, echo: echo.New(), log: outbox.New(d), owner: kernel.NewID[kernel.UserID]()}
	for _, actor := range []*auth.Actor{&s.actor, &s.other} {
		*actor = auth.System(kernel.NewID[kernel.AccountID]())
		_, err := d.ExecControl(t.Context(), `INSERT INTO accounts (id, name, created_at, updated_at) VALUES ($1, 'Group', now(), now())`, actor.Account)
		require.NoError(t, err)
	}
	_, err := d.Exec(t.Context(), s.actor.Account, `INSERT INTO users (account_id, id, email, created_at, updated_at) VALUES ($1, $2, $3, now(), now())`,
		s.actor.Account, s.owner, "seller@dealer.example")
	require.NoError(t, err)
	svc := contacts.NewService(contacts.Needs{
		Store: contactsdb.New(d), Unit: d, Log: s.log, Accounts: france{}, Now: clock.Now,
		Schemas: schema.New(func(context.Context, kernel.AccountID) (map[string]any, error) { return map[string]any{}, nil }, clock.Now),
	})
	edge, err := httpx.New(httpx.Config{CursorKeys: [][]byte{bytes.Repeat([]byte{7}, 32)}})
	require.NoError(t, err)
	s.echo.HTTPErrorHandler = edge.HandleError
	s.echo.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			ctx, x := edge.Begin(c.Request().Context(), "request-1")
			c.SetRequest(c.Request().WithContext(ctx))
			x.Identify(s.actor)
			edge.LimitBody(c, strings.HasSuffix(c.Path(), "/batch"))
			return next(c)
		}
	})
	contactsapi.Routes(s.echo.Group("/v1"), svc, idem.New(d, clock.Now))
	return s
}

type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   string
}

// do sends a request; headers are name, value pairs.
func (s *server) do(method, path, body string, headers ...string) answer {
	s.t.Helper()
	r := httptest.NewRequest(method, "/v1"+path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	s.echo.ServeHTTP(rec, r)
	return answer{s.t, rec.Code, rec.Header(), rec.Body.String()}
}

func (a answer) is(status int) answer {
	a.t.Helper()
	require.Equal(a.t, status, a.status, a.body)
	return a
}

func (a answer) contact() (c contactsapi.Contact) {
	a.t.Helper()
	require.NoError(a.t, json.Unmarshal([]byte(a.body), &c), a.body)
	return c
}

func (a answer) problem() httpx.Problem {
	a.t.Helper()
	var p httpx.Problem
	require.NoError(a.t, json.Unmarshal([]byte(a.body), &p), a.body)
	return p
}

type list struct {
	Data       []contactsapi.Contact `json:"data"`
	NextCursor *string               `json:"next_cursor"`
	HasMore    bool                  `json:"has_more"`
	Total      *int64                `json:"total"`
}

func (a answer) list() (l list) {
	a.t.Helper()
	require.NoError(a.t, json.Unmarshal([]byte(a.body), &l), a.body)
	return l
}

// full is a body in which every field has a value of its own.
func (s *server) full() string {
	return `{"kind":"company","civility":"Mme","first_name":"Hélène","last_name":"de La Bretonnière","full_name":"H. de La Bretonnière",
		"company_name":"Garage du Port","emails":[{"address":"Helene@Mail.example","type":"home","preferred":true},{"address":"work@mail.example"}],
		"phones":[{"raw":"02 61 91 12 34","type":"work","preferred":true},{"raw":"poste 12"},{"e164":"+33465711234"}],
		"addresses":[{"lines":["12 bis, rue de l'Église"],"postal_code":"42000","city":"Saint-Étienne","region":"Loire","country":"fr","type":"billing"}],
		"language":"fr_fr","external_refs":[{"source":"dms","id":"4711"}],"custom":{"loyalty":{"points":12}},"tags":["VIP"],"owner_id":"` + s.owner.String() + `"}`
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	var indented bytes.Buffer
	require.NoError(t, json.Indent(&indented, []byte(got), "", "  "))
	path := "testdata/" + name + ".golden.json"
	if *update {
		require.NoError(t, os.WriteFile(path, append(indented.Bytes(), '\n'), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), indented.String()+"\n")
}

func TestBodies(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for name, body := range map[string]string{"full": s.full(), "least": `{"last_name":"Dupont"}`} {
		a := s.do("POST", "/contacts", body).is(http.StatusCreated)
		c := a.contact()
		assert.Equal(t, "/v1/contacts/"+c.ID.String(), a.header.Get("Location"))
		assert.Equal(t, `"1"`, a.header.Get("ETag"))
		assert.WithinDuration(t, time.Now(), c.CreatedAt, time.Minute)
		stamp, err := json.Marshal(c.CreatedAt)
		require.NoError(t, err)
		golden(t, name, strings.NewReplacer(c.ID.String(), "ID", strings.Trim(string(stamp), `"`), "TIME", s.owner.String(), "OWNER").Replace(a.body))
		assert.Equal(t, a.body, s.do("GET", "/contacts/"+c.ID.String(), "").is(http.StatusOK).body, "read as it was created")
	}
}

func TestEveryFieldIsPatchedAlone(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	c := s.do("POST", "/contacts", s.full()).is(http.StatusCreated).contact()
	path := "/contacts/" + c.ID.String()
	before := map[string]any{}
	require.NoError(t, json.Unmarshal([]byte(s.do("GET", path, "").body), &before))
	for field, value := range map[string]string{
		"kind": `"person"`, "civility": `"Dr"`, "first_name": `"Paul"`, "last_name": `"Martin"`, "full_name": `"Paul M."`, "company_name": `"Autre"`,
		"emails":    `[{"address":"new@mail.example","type":"other","preferred":false}]`,
		"phones":    `[{"raw":"+33 2 61 91 56 78","e164":"+33261915678","type":"other","preferred":false}]`,
		"addresses": `[{"lines":[],"postal_code":null,"city":"Brest","region":null,"country":null,"type":"other"}]`,
		"language":  `"en"`, "external_refs": `[{"source":"crm","id":"9"}]`, "custom": `{"loyalty":{"points":12},"more":[1]}`, "tags": `["a","b"]`, "owner_id": `null`,
	} {
		a := s.do("PATCH", path, `{"`+field+`":`+value+`}`, "Content-Type", "application/merge-patch+json").is(http.StatusOK)
		after := map[string]any{}
		require.NoError(t, json.Unmarshal([]byte(a.body), &after))
		for name, was := range before {
			switch name {
			case "version", "updated_at":
				assert.NotEqual(t, was, after[name], field)
			case field:
				var want any
				require.NoError(t, json.Unmarshal([]byte(value), &want))
				assert.Equal(t, want, after[name], field)
			default:
				assert.Equal(t, was, after[name], "%s by %s", name, field)
			}
		}
		before = after
		again := s.do("PATCH", path, `{"`+field+`":`+value+`}`).is(http.StatusOK)
		assert.Equal(t, a.body, again.body, "the same patch again: %s", field)
	}
}

func TestWrongBodies(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	id := s.do("POST", "/contacts", `{"last_name":"D"}`).contact().ID.String()
	for body, want := range map[string][]string{
		`{}`:                {""},
		`{"firstname":"x"}`: {"/firstname"},
		`{"emails":[{"address":"nobody"}],"language":"xx","addresses":[{"country":"ZZ"}]}`: {"/emails/0/address", "/language", "/addresses/0/country", ""},
		`{"last_name":"D","phones":[{"type":"mobile"}]}`:                                   {"/phones/0/raw"},
		`{"last_name":"D","emails":[{"address":"a@mail.example","type":"car"}]}`:           {"/emails/0/type"},
		`{"last_name":"D","owner_id":"` + id + `"}`:                                        {"/owner_id"},
		`{"last_name":"D","custom":[]}`:                                                    {"/custom"},
		`{"last_name":"` + strings.Repeat("a", 201) + `","kind":"robot"}`:                  {"/last_name", "/kind"},
		`{"last_name":"D","custom":{"a":"` + strings.Repeat("a", 17<<10) + `"}}`:           {"/custom"},
	} {
		var got []string
		for _, f := range s.do("POST", "/contacts", body).is(http.StatusUnprocessableEntity).problem().Errors {
			got = append(got, f.Pointer)
		}
		assert.ElementsMatch(t, want, got, body)
	}
	s.do("PATCH", "/contacts/"+id, `{"kind":"robot"}`).is(http.StatusUnprocessableEntity)
	s.do("PATCH", "/contacts/"+id, `{"last_name":null}`).is(http.StatusUnprocessableEntity)
	s.do("PATCH", "/contacts/"+id, `{"last_name":"D","phones":[{"raw":"12"}]}`).is(http.StatusOK)
	for _, path := range []string{
		"?owner=1", "?owner_id=x", "?kind=robot", "?email=x", "?phone=12", "?sort=name", "?limit=0", "?limit=201", "?created_at[gte]=monday", "?cursor=x", "?fields=search",
	} {
		s.do("GET", "/contacts"+path, "").is(http.StatusBadRequest)
	}
}

func TestPreconditionsAndRetries(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	a := s.do("POST", "/contacts", `{"last_name":"A"}`, "Idempotency-Key", "k1").is(http.StatusCreated)
	again := s.do("POST", "/contacts", `{"last_name":"A"}`, "Idempotency-Key", "k1").is(http.StatusCreated)
	assert.Equal(t, a.body, again.body)
	assert.Equal(t, "true", again.header.Get("Idempotent-Replayed"))
	assert.Len(t, s.do("GET", "/contacts", "").list().Data, 1)

	path := "/contacts/" + a.contact().ID.String()
	s.do("GET", path, "", "If-None-Match", `"1"`).is(http.StatusNotModified)
	s.do("PATCH", path, `{"last_name":"B"}`, "If-Match", `"1"`).is(http.StatusOK)
	assert.Equal(t, "version.stale", s.do("PATCH", path, `{"last_name":"C"}`, "If-Match", `"1"`).is(http.StatusPreconditionFailed).problem().Code)
	s.do("DELETE", path, "", "If-Match", `"1"`).is(http.StatusPreconditionFailed)
	s.actor.RequireIfMatch = true
	s.do("PATCH", path, `{"last_name":"C"}`).is(http.StatusPreconditionRequired)
	s.do("DELETE", path, "").is(http.StatusPreconditionRequired)
	s.do("DELETE", path, "", "If-Match", `"2"`).is(http.StatusNoContent)
	s.do("GET", path, "").is(http.StatusNotFound)
	s.do("DELETE", path, "", "If-Match", "*").is(http.StatusNotFound)
	back := s.do("POST", path+"/restore", "").is(http.StatusOK)
	assert.Equal(t, `"4"`, back.header.Get("ETag"))
	assert.Nil(t, back.contact().DeletedAt)
}

func TestByRef(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	path := "/contacts/by-ref/" + url.PathEscape("dms/eu") + "/" + url.PathEscape("47 11")
	made := s.do("PUT", path, `{"last_name":"Dupont","tags":["vip"]}`).is(http.StatusCreated)
	assert.Equal(t, []kernel.ExternalRef{{Source: "dms/eu", ID: "47 11"}}, made.contact().ExternalRefs)
	assert.NotEmpty(t, made.header.Get("Location"))
	same := s.do("PUT", path, `{"last_name":"Dupont"}`).is(http.StatusOK)
	assert.Equal(t, made.body, same.body, "what is left out stays")
	s.do("PUT", path, `{"last_name":"Martin"}`, "If-None-Match", "*").is(http.StatusPreconditionFailed)
	s.do("PUT", path, `{"last_name":"Martin"}`, "If-Match", `"9"`).is(http.StatusPreconditionFailed)
	assert.Equal(t, made.contact().ID, s.do("PUT", path, `{"last_name":"Martin"}`, "If-Match", `"1"`).is(http.StatusOK).contact().ID)

	taken := s.do("POST", "/contacts", `{"last_name":"X","external_refs":[{"source":"dms/eu","id":"47 11"}]}`).is(http.StatusConflict).problem()
	assert.Equal(t, "contact.ref_taken", taken.Code)
	assert.Equal(t, "/external_refs/0", taken.Errors[0].Pointer)
	long := s.do("PUT", "/contacts/by-ref/dms/"+strings.Repeat("x", 300), `{"last_name":"X"}`).is(http.StatusUnprocessableEntity).problem()
	assert.Equal(t, "request.bad_ref", long.Code)
	s.do("PUT", "/contacts/by-ref/dms/nobody", `{"last_name":"X"}`, "If-Match", "*").is(http.StatusPreconditionFailed)

	s.actor = s.other
	theirs := s.do("PUT", path, `{"last_name":"Other"}`).is(http.StatusCreated).contact()
	assert.NotEqual(t, made.contact().ID, theirs.ID)
}

func TestListBatchAndChanges(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	batch := s.do("POST", "/contacts/batch", `{"items":[{"last_name":"Un"},{"emails":[{"address":"x"}]},{"last_name":"Deux","tags":["vip"]},{"last_name":"Trois"}]}`).is(http.StatusMultiStatus)
	var results struct {
		Results []httpx.BatchResult `json:"results"`
	}
	require.NoError(t, json.Unmarshal([]byte(batch.body), &results))
	var statuses []int
	for _, r := range results.Results {
		statuses = append(statuses, r.Status)
	}
	assert.Equal(t, []int{201, 422, 201, 201}, statuses)

	page := s.do("GET", "/contacts?limit=2&sort=created_at&count=exact", "").is(http.StatusOK).list()
	require.Len(t, page.Data, 2)
	assert.Equal(t, int64(3), *page.Total)
	rest := s.do("GET", "/contacts?limit=2&sort=created_at&cursor="+*page.NextCursor, "").is(http.StatusOK).list()
	require.Len(t, rest.Data, 1)
	assert.Equal(t, "Trois", *rest.Data[0].LastName)
	s.do("GET", "/contacts?limit=2&cursor="+*page.NextCursor, "").is(http.StatusBadRequest)
	assert.Positive(t, *s.do("GET", "/contacts?count=estimated", "").is(http.StatusOK).list().Total)
	for query, want := range map[string]int{"?q=deux": 1, "?tag=vip": 1, "?kind=person": 3, "?updated_since=2020-01-01T00:00:00Z": 3, "?created_at[lt]=2020-01-01T00:00:00Z": 0, "?q=-": 0} {
		assert.Len(t, s.do("GET", "/contacts"+query, "").is(http.StatusOK).list().Data, want, query)
	}
	assert.JSONEq(t, fmt.Sprintf(`{"id":%q,"last_name":"Trois"}`, rest.Data[0].ID), s.do("GET", "/contacts/"+rest.Data[0].ID.String()+"?fields=last_name", "").body)

	_, err := s.log.SequenceNow(t.Context())
	require.NoError(t, err)
	seen, cursor := s.follow("")
	assert.Len(t, seen, 3)
	s.do("DELETE", "/contacts/"+rest.Data[0].ID.String(), "").is(http.StatusNoContent)
	_, err = s.log.SequenceNow(t.Context())
	require.NoError(t, err)
	seen, _ = s.follow(cursor)
	require.Len(t, seen, 1)
	assert.NotNil(t, seen[0].DeletedAt)
}

func (s *server) follow(cursor string) (all []contactsapi.Contact, next string) {
	s.t.Helper()
	for {
		path := "/contacts/changes?limit=2"
		if cursor != "" {
			path += "&cursor=" + cursor
		}
		l := s.do("GET", path, "").is(http.StatusOK).list()
		all = append(all, l.Data...)
		if cursor = *l.NextCursor; !l.HasMore {
			return all, cursor
		}
	}
}

func TestAnotherAccountAndCallersWithoutScope(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	c := s.do("POST", "/contacts", s.full()).is(http.StatusCreated).contact()
	path := "/contacts/" + c.ID.String()
	calls := [][3]string{
		{"GET", path, ""},
		{"PATCH", path, `{"last_name":"M"}`},
		{"DELETE", path, ""},
		{"POST", path + "/restore", ""},
		{"GET", "/contacts/" + c.ID.String() + "x", ""},
	}
	mine := s.actor
	s.actor = s.other
	for _, call := range calls {
		a := s.do(call[0], call[1], call[2]).is(http.StatusNotFound)
		assert.NotContains(t, a.body, "Bretonni")
	}
	for _, query := range []string{"", "?q=bretonniere", "?email=helene@mail.example", "?phone=0261911234", "?owner_id=" + s.owner.String()} {
		assert.Empty(t, s.do("GET", "/contacts"+query, "").is(http.StatusOK).list().Data, query)
	}
	s.do("POST", "/contacts", `{"last_name":"X","owner_id":"`+s.owner.String()+`"}`).is(http.StatusUnprocessableEntity)

	s.actor = mine
	s.actor.Scopes = auth.NewScopeSet(auth.LeadsRead, auth.LeadsWrite)
	for _, call := range append(calls[:4], [3]string{"POST", "/contacts", s.full()}, [3]string{"GET", "/contacts", ""}, [3]string{"GET", "/contacts/changes", ""},
		[3]string{"PUT", "/contacts/by-ref/a/b", `{}`}) {
		assert.Equal(t, "auth.forbidden", s.do(call[0], call[1], call[2]).is(http.StatusForbidden).problem().Code, call[1])
	}
	s.actor = mine
	assert.Equal(t, c, s.do("GET", path, "").contact())
}
