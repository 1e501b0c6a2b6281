package coreapi_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/api/coreapi"
	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/core"
	"github.com/rooftop-crm/rooftop/internal/core/coredb"
	"github.com/rooftop-crm/rooftop/internal/platform/audit"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/background"
	"github.com/rooftop-crm/rooftop/internal/platform/clock"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
	"github.com/rooftop-crm/rooftop/internal/platform/idem"
	"github.com/rooftop-crm/rooftop/internal/platform/links"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
	"github.com/rooftop-crm/rooftop/internal/platform/secret"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

const password = "a quiet rooftop at dawn"

// server is the routes of core behind the edge, which knows callers by their credential as the real one does.
type server struct {
	core *core.Service
	echo *echo.Echo
}

func newServer(t *testing.T) *server {
	t.Helper()
	d := dbtest.New(t)
	ring, err := secret.Parse(secret.Generate())
	require.NoError(t, err)
	control := coredb.NewControl(d)
	keys := auth.NewKeys(control, ring, clock.Now)
	svc := core.NewService(core.Parts{
		Store: coredb.New(d), Control: control, Units: d, Events: outbox.New(d), Audit: audit.New(d), Links: links.NewStore(d, clock.Now), Work: background.New(d, clock.Now),
		Hasher: auth.NewHasher(auth.PasswordParams{MemoryKiB: 64, Passes: 1, Threads: 1}, 2), Keys: keys,
		Tokens: auth.NewTokens(keys, "rooftop", "rooftop", clock.Now), Ring: ring, Enums: core.Enums(), Now: clock.Now,
	})
	edge, err := httpx.New(httpx.Config{CursorKeys: [][]byte{ring.Derive("cursors")}})
	require.NoError(t, err)
	s := &server{core: svc, echo: echo.New()}
	s.echo.HTTPErrorHandler = edge.HandleError
	s.echo.JSONSerializer = httpx.Serializer{}
	s.echo.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			ctx, x := edge.Begin(c.Request().Context(), "request-1")
			c.SetRequest(c.Request().WithContext(ctx))
			edge.LimitBody(c, false)
			if strings.HasPrefix(c.Path(), "/v1/oauth/") || strings.HasPrefix(c.Path(), "/.well-known/") {
				return next(c)
			}
			credential := strings.TrimPrefix(c.Request().Header.Get("Authorization"), "Bearer ")
			actor, err := svc.Authenticate(c.Request().Context(), credential)
			if err != nil {
				return err
			}
			x.Identify(actor)
			return next(c)
		}
	})
	g := s.echo.Group("/v1")
	coreapi.Routes(g, svc, idem.New(d, clock.Now))
	coreapi.PublicRoutes(s.echo, g, svc)
	return s
}

// caller sends requests with one credential.
type caller struct {
	t          *testing.T
	s          *server
	credential string
}

// admin makes an account and signs its administrator in.
func (s *server) admin(t *testing.T, email string) caller {
	t.Helper()
	a, err := s.core.CreateAccount(t.Context(), core.NewAccount{Name: "Garage Dupont"})
	require.NoError(t, err)
	_, err = s.core.CreateFirstAdmin(t.Context(), a.ID, core.NewUser{UserDetails: core.UserDetails{Email: email}, Password: password})
	require.NoError(t, err)
	got := s.form(t, "/v1/oauth/token", url.Values{"grant_type": {"password"}, "username": {email}, "password": {password}})
	require.Equal(t, http.StatusOK, got.status, got.raw)
	return caller{t, s, got.text("access_token")}
}

type answer struct {
	status int
	header http.Header
	raw    string
	body   map[string]any
}

func (a answer) text(name string) string {
	s, _ := a.body[name].(string)
	return s
}

func (s *server) send(t *testing.T, r *http.Request) answer {
	t.Helper()
	w := httptest.NewRecorder()
	s.echo.ServeHTTP(w, r)
	out := answer{status: w.Code, header: w.Header(), raw: w.Body.String()}
	if strings.Contains(w.Header().Get("Content-Type"), "json") {
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &out.body), out.raw)
	}
	return out
}

func (s *server) form(t *testing.T, path string, form url.Values, headers ...string) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return s.send(t, r)
}

func (c caller) do(method, path string, body any, headers ...string) answer {
	c.t.Helper()
	var in io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		require.NoError(c.t, err)
		in = bytes.NewReader(text)
	}
	r := httptest.NewRequestWithContext(c.t.Context(), method, path, in)
	r.Header.Set("Authorization", "Bearer "+c.credential)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return c.s.send(c.t, r)
}

type object = map[string]any

func TestTokenEndpoint(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	admin := s.admin(t, "admin@garage-dupont.example")
	made := admin.do(http.MethodPost, "/v1/api-keys", object{"kind": "client", "name": "DMS", "scopes": []string{"leads:read", "leads:create"}})
	require.Equal(t, http.StatusCreated, made.status, made.raw)
	id, secret := made.text("client_id"), made.text("secret")
	basic := func(user, pass string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(user)+":"+url.QueryEscape(pass)))
	}
	client := url.Values{"grant_type": {"client_credentials"}}

	got := s.form(t, "/v1/oauth/token", client, "Authorization", basic(id, secret))
	require.Equal(t, http.StatusOK, got.status, got.raw)
	assert.Equal(t, "Bearer", got.text("token_type"))
	assert.Equal(t, "leads:read leads:create", got.text("scope"))
	assert.Equal(t, "no-store", got.header.Get("Cache-Control"))
	assert.NotContains(t, got.body, "refresh_token", "machines get none")
	got = s.form(t, "/v1/oauth/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}, "scope": {"leads:read"}})
	require.Equal(t, http.StatusOK, got.status, got.raw)
	assert.Equal(t, "leads:read", got.text("scope"))

	for name, tt := range map[string]struct {
		form    url.Values
		headers []string
		status  int
		code    string
	}{
		"nothing":       {url.Values{}, nil, 400, "invalid_request"},
		"unknown grant": {url.Values{"grant_type": {"implicit"}}, nil, 400, "unsupported_grant_type"},
		"twice":         {url.Values{"grant_type": {"password", "password"}}, nil, 400, "invalid_request"},
		"JSON":          {client, []string{"Content-Type", "application/json"}, 400, "invalid_request"},
		"wrong secret":  {client, []string{"Authorization", basic(id, secret+"x")}, 401, "invalid_client"},
		"Bearer":        {client, []string{"Authorization", "Bearer " + secret}, 401, "invalid_client"},
		"Basic junk":    {client, []string{"Authorization", "Basic ***"}, 401, "invalid_client"},
		"two ways":      {url.Values{"grant_type": {"client_credentials"}, "client_secret": {secret}}, []string{"Authorization", basic(id, secret)}, 400, "invalid_request"},
		"scope":         {url.Values{"grant_type": {"client_credentials"}, "scope": {"users:write"}}, []string{"Authorization", basic(id, secret)}, 400, "invalid_scope"},
		"password":      {url.Values{"grant_type": {"password"}, "username": {"admin@garage-dupont.example"}, "password": {"no"}}, nil, 400, "invalid_grant"},
		"NUL":           {url.Values{"grant_type": {"password"}, "username": {"a\x00@x.example"}, "password": {"\x00"}}, nil, 400, "invalid_grant"},
		"client NUL":    {url.Values{"grant_type": {"client_credentials"}, "client_id": {"a\x00"}, "client_secret": {"\xff"}}, nil, 401, "invalid_client"},
		"refresh NUL":   {url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"rtr_\x00"}}, nil, 400, "invalid_grant"},
	} {
		got := s.form(t, "/v1/oauth/token", tt.form, tt.headers...)
		assert.Equal(t, tt.status, got.status, "%s: %s", name, got.raw)
		assert.Equal(t, tt.code, got.text("error"), name)
		assert.NotEmpty(t, got.text("error_description"), name)
		assert.Equal(t, "no-store", got.header.Get("Cache-Control"), name)
		assert.Equal(t, tt.status == 401, got.header.Get("WWW-Authenticate") != "", name)
	}
	for range 12 {
		got = s.form(t, "/v1/oauth/token", url.Values{"grant_type": {"password"}, "username": {"who@x.example"}, "password": {"no"}})
	}
	assert.Equal(t, http.StatusTooManyRequests, got.status)
	assert.NotEmpty(t, got.header.Get("Retry-After"))
}

func TestRevocationEndpoint(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.admin(t, "admin@garage-dupont.example")
	signIn := url.Values{"grant_type": {"password"}, "username": {"admin@garage-dupont.example"}, "password": {password}}
	session := s.form(t, "/v1/oauth/token", signIn)
	refresh := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {session.text("refresh_token")}}
	assert.Equal(t, http.StatusOK, s.form(t, "/v1/oauth/revoke", url.Values{"token": {session.text("refresh_token")}}).status)
	assert.Equal(t, "invalid_grant", s.form(t, "/v1/oauth/token", refresh).text("error"))
	got := caller{t, s, session.text("access_token")}.do(http.MethodGet, "/v1/me", nil)
	assert.Equal(t, http.StatusUnauthorized, got.status)
	assert.Equal(t, "auth.invalid", got.text("code"))
	assert.Equal(t, http.StatusOK, s.form(t, "/v1/oauth/revoke", url.Values{"token": {"nonsense"}}).status)
	assert.Equal(t, http.StatusBadRequest, s.form(t, "/v1/oauth/revoke", url.Values{}).status)
}

func TestKeySetAndEnums(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	admin := s.admin(t, "admin@garage-dupont.example")
	jwks := s.send(t, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/.well-known/jwks.json", nil))
	keys, _ := jwks.body["keys"].([]any)
	require.Len(t, keys, 1)
	assert.NotContains(t, jwks.raw, `"d"`, "nothing private")
	enums := admin.do(http.MethodGet, "/v1/enums", nil)
	assert.Contains(t, enums.raw, `{"value":"agent","labels":{"en":"Internet agent (BDC)","fr":"Conseiller digital (BDC)"}}`)
	assert.Equal(t, http.StatusBadRequest, admin.do(http.MethodGet, "/v1/enums?x=1", nil).status)
}

func TestDealershipEndpoints(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	admin := s.admin(t, "admin@garage-dupont.example")
	full := object{
		"name": "Dupont Lyon", "legal_name": "Dupont SAS", "brands": []string{"Peugeot"}, "country": "FR", "time_zone": "Europe/Paris",
		"address":  object{"lines": []string{"1 rue de la Paix"}, "postal_code": "69001", "city": "Lyon", "region": "Rhône"},
		"position": object{"latitude": 45.76, "longitude": 4.83}, "phone": "01 99 00 12 34", "email": "lyon@garage-dupont.example",
		"website": "https://www.garage-dupont.example", "is_default": true, "codes": []object{{"scheme": "oem", "code": "1"}},
		"external_refs": []object{{"source": "dms", "id": "7"}}, "custom": object{"zone": "east"},
	}
	made := admin.do(http.MethodPost, "/v1/dealerships", full, "Idempotency-Key", "d-1")
	require.Equal(t, http.StatusCreated, made.status, made.raw)
	again := admin.do(http.MethodPost, "/v1/dealerships", full, "Idempotency-Key", "d-1")
	assert.Equal(t, made.raw, again.raw)
	assert.Equal(t, "true", again.header.Get("Idempotent-Replayed"))
	path := made.header.Get("Location")
	assert.Equal(t, "/v1/dealerships/"+made.text("id"), path)
	read := admin.do(http.MethodGet, path, nil)
	assert.JSONEq(t, made.raw, read.raw)
	assert.Equal(t, `"1"`, read.header.Get("ETag"))
	assert.Equal(t, http.StatusNotModified, admin.do(http.MethodGet, path, nil, "If-None-Match", `"1"`).status)

	for field, value := range map[string]any{
		"name": "Dupont Est", "legal_name": nil, "brands": []string{"Citroën"}, "country": "BE", "time_zone": "Europe/Brussels",
		"address": object{"city": "Liège"}, "position": nil, "phone": nil, "email": nil, "website": nil, "is_default": false,
		"codes": []object{}, "external_refs": []object{{"source": "dms", "id": "8"}}, "custom": object{"zone": nil, "size": 3.0},
	} {
		before := admin.do(http.MethodGet, path, nil).body
		got := admin.do(http.MethodPatch, path, object{field: value}, "Content-Type", "application/merge-patch+json")
		require.Equal(t, http.StatusOK, got.status, "%s: %s", field, got.raw)
		for name := range got.body {
			if name == field || name == "version" || name == "updated_at" {
				assert.NotEqual(t, before[name], got.body[name], "%s by %s", name, field)
			} else {
				assert.Equal(t, before[name], got.body[name], "%s by %s", name, field)
			}
		}
	}
	assert.Equal(t, http.StatusPreconditionFailed, admin.do(http.MethodPatch, path, object{"name": "x"}, "If-Match", `"1"`).status)
	for _, field := range []string{"name", "country", "time_zone"} {
		got := admin.do(http.MethodPatch, path, object{field: nil})
		assert.Equal(t, http.StatusUnprocessableEntity, got.status, "null for %s: %s", field, got.raw)
		assert.Contains(t, got.raw, `"pointer":"/`+field+`"`)
	}
	bad := admin.do(http.MethodPost, "/v1/dealerships", object{"name": "", "country": "XX", "account_id": uuid.NewString(), "version": 9})
	assert.Equal(t, http.StatusUnprocessableEntity, bad.status, bad.raw)

	put := admin.do(http.MethodPut, "/v1/dealerships/by-ref/group/42", object{"name": "By ref"})
	require.Equal(t, http.StatusCreated, put.status, put.raw)
	put = admin.do(http.MethodPut, "/v1/dealerships/by-ref/group/42", object{"legal_name": "Ref SA"})
	require.Equal(t, http.StatusOK, put.status, put.raw)
	assert.Equal(t, "By ref", put.text("name"))
	assert.Equal(t, http.StatusPreconditionFailed, admin.do(http.MethodPut, "/v1/dealerships/by-ref/group/42", object{"name": "x"}, "If-None-Match", "*").status)
	assert.Equal(t, put.text("id"), admin.do(http.MethodGet, "/v1/dealerships/by-ref/group/42", nil).text("id"))

	list := admin.do(http.MethodGet, "/v1/dealerships?limit=1&count=exact&fields=name", nil)
	require.Equal(t, http.StatusOK, list.status, list.raw)
	assert.InDelta(t, 2, list.body["total"], 0)
	next := admin.do(http.MethodGet, "/v1/dealerships?limit=1&count=exact&fields=name&cursor="+url.QueryEscape(list.text("next_cursor")), nil)
	require.Equal(t, http.StatusOK, next.status, next.raw)
	assert.Contains(t, next.raw, `"next_cursor":null`)
	assert.Equal(t, http.StatusNoContent, admin.do(http.MethodDelete, path, nil).status)
	assert.Equal(t, http.StatusNotFound, admin.do(http.MethodGet, path, nil).status)
	assert.Equal(t, http.StatusOK, admin.do(http.MethodPost, path+"/restore", nil).status)
	changes := admin.do(http.MethodGet, "/v1/dealerships/changes", nil)
	data, _ := changes.body["data"].([]any)
	assert.Len(t, data, 2)
}

func TestUserEndpoints(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	admin := s.admin(t, "admin@garage-dupont.example")
	made := admin.do(http.MethodPost, "/v1/users", object{
		"email": "Jeanne@Garage-Dupont.example", "password": password, "first_name": "Jeanne", "last_name": "Martin", "language": "fr",
		"roles": []object{{"role": "viewer"}},
	})
	require.Equal(t, http.StatusCreated, made.status, made.raw)
	assert.NotContains(t, made.raw, "password")
	assert.NotContains(t, made.raw, "argon2")
	path := made.header.Get("Location")
	for field, value := range map[string]any{
		"email": "j@garage-dupont.example", "first_name": "Jane", "last_name": nil, "language": "en", "disabled": true,
		"roles": []object{{"role": "agent", "dealership_id": nil}}, "password": "another quiet rooftop",
	} {
		got := admin.do(http.MethodPatch, path, object{field: value})
		require.Equal(t, http.StatusOK, got.status, "%s: %s", field, got.raw)
		if field != "password" && field != "roles" {
			assert.Equal(t, value, got.body[field])
		}
		assert.NotContains(t, got.raw, "password")
	}
	for _, field := range []string{"email", "password", "language"} {
		got := admin.do(http.MethodPatch, path, object{field: nil})
		assert.Equal(t, http.StatusUnprocessableEntity, got.status, "null for %s: %s", field, got.raw)
		assert.Contains(t, got.raw, `"pointer":"/`+field+`"`)
	}
	taken := admin.do(http.MethodPost, "/v1/users", object{"email": "J@garage-dupont.example", "password": password})
	assert.Equal(t, http.StatusConflict, taken.status)
	assert.Equal(t, "user.email_taken", taken.text("code"))
	me := admin.do(http.MethodGet, "/v1/me", nil)
	user, _ := me.body["user"].(map[string]any)
	last := admin.do(http.MethodDelete, "/v1/users/"+user["id"].(string), nil)
	assert.Equal(t, "user.last_admin", last.text("code"))
	wrong := admin.do(http.MethodPut, "/v1/me/password", object{"current_password": "no", "new_password": "another quiet rooftop"})
	assert.Equal(t, "user.wrong_password", wrong.text("code"), wrong.raw)
	assert.Equal(t, http.StatusNoContent, admin.do(http.MethodPut, "/v1/me/password", object{"current_password": password, "new_password": "another quiet rooftop"}).status)
}

// A secret is shown once: the record that a retry is answered from has none.
func TestSecretsAreNotReplayed(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	admin := s.admin(t, "admin@garage-dupont.example")
	body := object{"kind": "api_key", "name": "Site", "scopes": []string{"leads:create"}}
	made := admin.do(http.MethodPost, "/v1/api-keys", body, "Idempotency-Key", "k-1")
	require.Equal(t, http.StatusCreated, made.status, made.raw)
	secret := made.text("secret")
	require.True(t, strings.HasPrefix(secret, made.text("prefix")))
	again := admin.do(http.MethodPost, "/v1/api-keys", body, "Idempotency-Key", "k-1")
	assert.Equal(t, made.text("id"), again.text("id"))
	assert.Contains(t, again.raw, `"secret":null`)
	path := "/v1/api-keys/" + made.text("id")
	for _, raw := range []string{admin.do(http.MethodGet, path, nil).raw, admin.do(http.MethodGet, "/v1/api-keys", nil).raw} {
		assert.NotContains(t, raw, secret)
	}
	site := caller{t, s, secret}
	assert.Equal(t, "api_key", site.do(http.MethodGet, "/v1/me", nil).text("kind"))
	assert.Equal(t, http.StatusForbidden, site.do(http.MethodGet, "/v1/users", nil).status)
	patched := admin.do(http.MethodPatch, path, object{"name": "Other", "scopes": []string{"leads:read"}, "rate_per_minute": 5, "expires_at": "2099-01-01T00:00:00+02:00"})
	require.Equal(t, http.StatusOK, patched.status, patched.raw)
	assert.Equal(t, "2098-12-31T22:00:00Z", patched.text("expires_at"))
	for _, bad := range []object{{"scopes": []string{"no:such"}}, {"scopes": nil}, {"name": nil}, {"rate_per_minute": nil}} {
		assert.Equal(t, http.StatusUnprocessableEntity, admin.do(http.MethodPatch, path, bad).status, "%v", bad)
	}
	second := admin.do(http.MethodPost, path+"/rotate", nil)
	require.Equal(t, http.StatusOK, second.status, second.raw)
	assert.NotEqual(t, secret, second.text("secret"))
	assert.Equal(t, http.StatusOK, admin.do(http.MethodPost, path+"/finish-rotation", nil).status)
	assert.Equal(t, http.StatusNoContent, admin.do(http.MethodDelete, path, nil).status)
	assert.Equal(t, http.StatusNotFound, admin.do(http.MethodGet, path, nil).status)
}

func TestPartnersAtTheEdge(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	admin := s.admin(t, "admin@garage-dupont.example")
	oem, err := s.core.CreatePartner(t.Context(), "Marque", "marque")
	require.NoError(t, err)
	place := admin.do(http.MethodPost, "/v1/dealerships", object{"name": "Dupont"}).text("id")
	grant := admin.do(http.MethodPost, "/v1/grants", object{
		"partner_code": "marque", "dealership_id": place, "dealer_code": "FR-1", "scopes": []string{"leads:create", "leads:read"},
	})
	require.Equal(t, http.StatusCreated, grant.status, grant.raw)
	token := s.form(t, "/v1/oauth/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {oem.ClientID}, "client_secret": {oem.ClientSecret}})
	partner := caller{t, s, token.text("access_token")}
	me := partner.do(http.MethodGet, "/v1/me", nil)
	require.Equal(t, http.StatusOK, me.status, me.raw)
	assert.Contains(t, me.raw, `"dealer_code":"FR-1"`)
	for _, try := range []answer{
		partner.do(http.MethodGet, "/v1/account", nil),
		partner.do(http.MethodGet, "/v1/dealerships", nil),
		partner.do(http.MethodGet, "/v1/dealerships/changes", nil),
		partner.do(http.MethodGet, "/v1/users", nil),
		partner.do(http.MethodGet, "/v1/grants", nil),
		partner.do(http.MethodPost, "/v1/dealerships", object{"name": "x"}, "Idempotency-Key", "p-1"),
		partner.do(http.MethodDelete, "/v1/grants/"+grant.text("id"), nil),
		partner.do(http.MethodPatch, "/v1/account", object{"name": "x"}, "Idempotency-Key", "p-2"),
	} {
		assert.Equal(t, http.StatusForbidden, try.status, try.raw)
	}
	list := admin.do(http.MethodGet, "/v1/grants?partner_code=marque&dealership_id="+place, nil)
	assert.Contains(t, list.raw, grant.text("id"))
	assert.Equal(t, http.StatusNoContent, admin.do(http.MethodDelete, "/v1/grants/"+grant.text("id"), nil).status)
	assert.Equal(t, http.StatusNotFound, admin.do(http.MethodGet, "/v1/grants/"+grant.text("id"), nil).status)
}

func TestOtherAccountsAtTheEdge(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	admin, stranger := s.admin(t, "admin@garage-dupont.example"), s.admin(t, "admin@autre.example")
	place := admin.do(http.MethodPost, "/v1/dealerships", object{"name": "Dupont", "external_refs": []object{{"source": "s", "id": "1"}}}).text("id")
	user := admin.do(http.MethodPost, "/v1/users", object{"email": "u@garage-dupont.example", "password": password}).text("id")
	key := admin.do(http.MethodPost, "/v1/api-keys", object{"kind": "api_key", "name": "k", "scopes": []string{"leads:read"}}).text("id")
	paths := map[string][]string{
		"/v1/dealerships/" + place:              {http.MethodGet, http.MethodPatch, http.MethodDelete},
		"/v1/dealerships/" + place + "/restore": {http.MethodPost},
		"/v1/dealerships/by-ref/s/1":            {http.MethodGet},
		"/v1/users/" + user:                     {http.MethodGet, http.MethodPatch, http.MethodDelete},
		"/v1/users/" + user + "/restore":        {http.MethodPost},
		"/v1/api-keys/" + key:                   {http.MethodGet, http.MethodPatch, http.MethodDelete},
		"/v1/api-keys/" + key + "/rotate":       {http.MethodPost},
		"/v1/grants/" + uuid.NewString():        {http.MethodGet, http.MethodDelete},
	}
	for path, methods := range paths {
		for _, method := range methods {
			var body any
			if method == http.MethodPatch {
				body = object{}
			}
			got := stranger.do(method, path, body)
			assert.Equal(t, http.StatusNotFound, got.status, "%s %s: %s", method, path, got.raw)
			assert.Equal(t, "not_found", got.text("code"), "%s %s", method, path)
		}
	}
	bad := stranger.do(http.MethodPost, "/v1/users", object{
		"email": "x@autre.example", "password": password, "roles": []object{{"role": "agent", "dealership_id": place}},
	})
	assert.Equal(t, http.StatusUnprocessableEntity, bad.status)
	assert.NotContains(t, stranger.do(http.MethodGet, "/v1/users?dealership_id="+place, nil).raw, "garage-dupont")
}
