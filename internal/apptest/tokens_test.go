package apptest_test

import (
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
)

// forge is a token taken apart, to be changed and put together again.
type forge struct {
	header, claims object
	private        ed25519.PrivateKey // the installation's own
	sign           func(input string) []byte
}

func (f forge) public() ed25519.PublicKey { return ed25519.PublicKey(f.private[ed25519.SeedSize:]) }

func (f forge) token(t testing.TB) string {
	t.Helper()
	part := func(v object) string {
		b, err := json.Marshal(v)
		require.NoError(t, err)
		return base64.RawURLEncoding.EncodeToString(b)
	}
	input := part(f.header) + "." + part(f.claims)
	return input + "." + base64.RawURLEncoding.EncodeToString(f.sign(input))
}

// takeApart reads a good token, and the key that signed it from the database and the master key.
func takeApart(t testing.TB, p *apptest.Program, good string) forge {
	t.Helper()
	parts := strings.Split(good, ".")
	require.Len(t, parts, 3)
	f := forge{}
	for i, into := range []*object{&f.header, &f.claims} {
		raw, err := base64.RawURLEncoding.DecodeString(parts[i])
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(raw, into))
	}
	sealed := collect[[]byte](t, owner(t, p), "SELECT wrapped_key FROM signing_keys WHERE kid = $1", f.header["kid"])
	require.Len(t, sealed, 1)
	seed, err := p.Core.Ring.Open("signing key", sealed[0])
	require.NoError(t, err)
	f.private = ed25519.NewKeyFromSeed(seed)
	f.sign = func(input string) []byte { return ed25519.Sign(f.private, []byte(input)) }
	return f
}

func hs256(key []byte) func(string) []byte {
	return func(input string) []byte {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(input))
		return mac.Sum(nil)
	}
}

func unsigned(string) []byte { return nil }

// strange signs with a key that is not ours.
func strange(t testing.TB) (ed25519.PublicKey, func(string) []byte) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	return public, func(input string) []byte { return ed25519.Sign(private, []byte(input)) }
}

// spoiled are the ways in which a token can be wrong.
func spoiled(t testing.TB, good forge) map[string]func(f *forge) {
	t.Helper()
	now := time.Now().Unix()
	theirs, byStranger := strange(t)
	pem := base64.RawURLEncoding.EncodeToString(good.public())
	header := func(k string, v any) func(*forge) { return func(f *forge) { f.header[k] = v } }
	claim := func(k string, v any) func(*forge) { return func(f *forge) { f.claims[k] = v } }
	return map[string]func(f *forge){
		"alg none":             func(f *forge) { f.header["alg"] = "none"; f.sign = unsigned },
		"alg nOnE":             func(f *forge) { f.header["alg"] = "nOnE"; f.sign = unsigned },
		"no signature":         func(f *forge) { f.sign = unsigned },
		"no alg":               func(f *forge) { delete(f.header, "alg") },
		"HS256 by public key":  func(f *forge) { f.header["alg"] = "HS256"; f.sign = hs256(f.public()) },
		"HS256 by its base64":  func(f *forge) { f.header["alg"] = "HS256"; f.sign = hs256([]byte(pem)) },
		"another key":          func(f *forge) { f.sign = byStranger },
		"another key, its kid": func(f *forge) { f.header["kid"] = uuid.NewString(); f.sign = byStranger },
		"another key, its jwk": func(f *forge) {
			f.header["jwk"] = object{"kty": "OKP", "crv": "Ed25519", "x": base64.RawURLEncoding.EncodeToString(theirs)}
			f.sign = byStranger
		},
		"jku":         func(f *forge) { f.header["jku"] = "https://evil.example/jwks"; f.sign = byStranger },
		"x5u":         func(f *forge) { f.header["x5u"] = "https://evil.example/cert"; f.sign = byStranger },
		"missing kid": func(f *forge) { delete(f.header, "kid") },
		"empty kid":   header("kid", ""),
		"kid traversal": func(f *forge) {
			f.header["kid"] = "../../../../../dev/null"
			f.header["alg"] = "HS256"
			f.sign = hs256(nil)
		},
		"kid SQL":       header("kid", "x' UNION SELECT 'AA"),
		"kid null byte": header("kid", "a\x00b"),
		"kid as number": header("kid", 1),
		"long kid":      header("kid", strings.Repeat("k", 2000)),
		"typ JWT":       header("typ", "JWT"),
		"no typ":        func(f *forge) { delete(f.header, "typ") },
		"crit":          header("crit", []string{"exp"}),
		"wrong aud":     claim("aud", "another"),
		"no aud":        func(f *forge) { delete(f.claims, "aud") },
		"wrong iss":     claim("iss", "https://evil.example"),
		"no iss":        func(f *forge) { delete(f.claims, "iss") },
		"expired":       claim("exp", now-120),
		"no exp":        func(f *forge) { delete(f.claims, "exp") },
		"nbf to come":   claim("nbf", now+120),
		"no nbf":        func(f *forge) { delete(f.claims, "nbf") },
		"iat to come":   claim("iat", now+120),
		"unknown sub":   claim("sub", uuid.NewString()),
		"sub is no id":  claim("sub", "admin"),
		"no account":    func(f *forge) { delete(f.claims, "account") },
		"older version": claim("ver", 0),
		"a partner":     claim("kind", "partner"),
		"the system":    claim("kind", "system"),
		"an API key":    claim("kind", "api_key"),
	}
}

// broken is a token with something wrong.
func broken(t testing.TB, p *apptest.Program, good, how string) string {
	t.Helper()
	f := takeApart(t, p, good)
	spoil := spoiled(t, f)[how]
	require.NotNil(t, spoil, how)
	spoil(&f)
	return f.token(t)
}

// refused requires the one answer that every credential gets that is not good.
func refused(t testing.TB, got *apptest.Answer, codes ...string) {
	t.Helper()
	require.Equal(t, http.StatusUnauthorized, got.Status, "%s", got.Body)
	assert.Contains(t, got.Header.Get("WWW-Authenticate"), "Bearer")
	assert.Contains(t, codes, got.Code())
}

func TestTokenAttacks(t *testing.T) { //nolint:tparallel // one after another: they share what they call
	t.Parallel()
	p := apptest.New(t)
	a, b := p.Account(t), p.Account(t)
	good := takeApart(t, p, a.Credential)
	for how, spoil := range spoiled(t, good) {
		t.Run(how, func(t *testing.T) {
			f := forge{header: maps.Clone(good.header), claims: maps.Clone(good.claims), private: good.private, sign: good.sign}
			spoil(&f)
			refused(t, p.With(t, f.token(t)).Get("/v1/me"), "auth.invalid", "auth.token_expired")
		})
	}
	t.Run("another account", func(t *testing.T) {
		f := forge{header: maps.Clone(good.header), claims: maps.Clone(good.claims), private: good.private, sign: good.sign}
		f.claims["account"] = b.ID.String()
		refused(t, p.With(t, f.token(t)).Get("/v1/me"), "auth.invalid")
	})
	for name, junk := range map[string]string{
		"dots": "..", "junk": "a.b.c", "a bit more": a.Credential + "x", "cut": a.Credential[:len(a.Credential)-2], "twice": a.Credential + "." + a.Credential,
		"long": strings.Repeat("a", 10_000), "a key of nobody": auth.NewKey(auth.KeySecret, false).Text, "an OEM's secret": newPartner(t, p, "OEM").ClientSecret,
	} {
		t.Run(name, func(t *testing.T) { refused(t, p.With(t, junk).Get("/v1/me"), "auth.invalid") })
	}
	t.Run("in other places", func(t *testing.T) {
		refused(t, p.Anonymous(t).Get("/v1/me?access_token="+a.Credential), "auth.required")
		refused(t, p.Anonymous(t).Get("/v1/me", "Cookie", "access_token="+a.Credential), "auth.required")
		refused(t, p.Anonymous(t).Get("/v1/me", "Authorization", "Basic "+a.Credential), "auth.required")
		refused(t, p.Anonymous(t).Get("/v1/me", "Authorization", "Bearer "+a.Credential, "Authorization", "Bearer "+b.Credential), "auth.required")
	})
	a.Get("/v1/me").Is(http.StatusOK)
}

// Every route that is not named as public refuses every sort of bad credential before it looks at anything else.
func TestEveryRouteRefusesBadCredentials(t *testing.T) { //nolint:tparallel // one after another: they share what they call
	t.Parallel()
	_, ownerURL := dbtest.URLs(t)
	cfg := apptest.Config(t, ownerURL)
	cfg.TrustedProxies = "127.0.0.0/8" // so that each route is asked from an address of its own, and no limit is met
	p := apptest.Start(t, cfg, ownerURL)
	a := fill(t, p, "a", 1)
	bad := map[string]string{"none": "", "key of nobody": auth.NewKey(auth.KeySecret, false).Text}
	for _, how := range []string{"expired", "alg none", "another key", "HS256 by public key"} {
		bad[how] = broken(t, p, a.Credential, how)
	}
	with := a.names.with(a.own()).with(names{"own.others_partner": "x", "nonce": "x"})
	before := checksums(t, p, a)
	for i, route := range routes(p) {
		method, path, _ := strings.Cut(route, " ")
		if _, public := publicRoutes[route]; public {
			continue
		}
		body := ""
		if cases := attacks[route]; len(cases) > 0 {
			path, body = cases[0].path, cases[0].body
		}
		t.Run(route, func(t *testing.T) {
			for _, credential := range bad {
				refused(t, with.send(t, p.With(t, credential), method, path, body, "X-Forwarded-For", fmt.Sprintf("198.51.100.%d", i%250)), "auth.required", "auth.invalid", "auth.token_expired")
			}
		})
	}
	assert.Equal(t, before, checksums(t, p, a))
}

// eventually polls until a caller is refused, on each of several servers.
func eventually(t *testing.T, c *apptest.Caller, path, why string, servers ...*apptest.Program) {
	t.Helper()
	for _, s := range servers {
		there := s.With(t, c.Credential)
		require.Eventually(t, func() bool { return there.Get(path).Status == http.StatusUnauthorized }, revocation, 100*time.Millisecond, why)
	}
}

func TestWhatIsRevokedIsRefusedWithinTenSeconds(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	other := apptest.Start(t, apptest.Config(t, p.OwnerURL), p.OwnerURL)
	a := p.Account(t)
	key := func(kind string) *apptest.Answer {
		return a.Post("/v1/api-keys", object{"kind": kind, "name": kind, "scopes": []any{"leads:read"}}).Is(http.StatusCreated)
	}
	hire := func(email string) (*apptest.Caller, string) {
		id := a.Post("/v1/users", object{"email": email, "password": apptest.Password, "roles": []any{object{"role": "viewer"}}}).Is(http.StatusCreated).Str("id")
		return p.SignIn(t, email), id
	}
	apiKey, client, oem := key("api_key"), key("client"), newPartner(t, p, "OEM")
	disabled, disabledID := hire("disabled@fr.example")
	changed, changedID := hire("changed@fr.example")
	signedOut, _ := hire("out@fr.example")
	forgetful, _ := hire("forgetful@fr.example")
	cases := map[string]struct {
		who    *apptest.Caller
		revoke func()
	}{
		"API key":        {p.With(t, apiKey.Str("secret")), func() { a.JSON(http.MethodDelete, "/v1/api-keys/"+apiKey.Str("id"), nil).Is(http.StatusNoContent) }},
		"machine client": {p.Token(t, clientForm(client.Str("client_id"), client.Str("secret"))), func() { a.JSON(http.MethodDelete, "/v1/api-keys/"+client.Str("id"), nil).Is(http.StatusNoContent) }},
		"disabled user":  {disabled, func() { a.JSON(http.MethodPatch, "/v1/users/"+disabledID, object{"disabled": true}).Is(http.StatusOK) }},
		"password by admin": {changed, func() {
			a.JSON(http.MethodPatch, "/v1/users/"+changedID, object{"password": "another long password"}).Is(http.StatusOK)
		}},
		"password by user": {forgetful, func() {
			forgetful.JSON(http.MethodPut, "/v1/me/password", object{"current_password": apptest.Password, "new_password": "another long password"}).Is(http.StatusNoContent)
		}},
		"signed out": {signedOut, func() {
			p.Anonymous(t).Send(http.MethodPost, "/v1/oauth/revoke", []byte("token="+signedOut.Credential), "Content-Type", "application/x-www-form-urlencoded").Is(http.StatusOK)
		}},
		"partner": {oem.Caller, func() {
			_, err := p.Core.ReissuePartner(context.Background(), oem.Code)
			require.NoError(t, err)
		}},
	}
	for _, c := range cases {
		for _, s := range []*apptest.Program{p, other} {
			s.With(t, c.who.Credential).Get("/v1/me").Is(http.StatusOK) // and now in the cache
		}
		c.revoke()
	}
	for name, c := range cases {
		eventually(t, c.who, "/v1/me", name, p, other)
	}
	a.Get("/v1/me").Is(http.StatusOK)
}

// session is a signed-in user's pair of tokens.
type session struct{ access, refresh string }

func tokens(t testing.TB, c *apptest.Caller, form url.Values) (session, *apptest.Answer) {
	t.Helper()
	got := c.For(t).Send(http.MethodPost, "/v1/oauth/token", []byte(form.Encode()), "Content-Type", "application/x-www-form-urlencoded")
	if got.Status != http.StatusOK {
		return session{}, got
	}
	return session{got.Str("access_token"), got.Str("refresh_token")}, got
}

func refreshForm(token string) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
}

func TestRefreshReuseEndsTheSession(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	a, anyone := p.Account(t), p.Anonymous(t)
	signIn := url.Values{"grant_type": {"password"}, "username": {a.AdminEmail}, "password": {apptest.Password}}
	first, _ := tokens(t, anyone, signIn)
	second, _ := tokens(t, anyone, refreshForm(first.refresh))
	again, _ := tokens(t, anyone, refreshForm(first.refresh))
	assert.Equal(t, second.refresh, again.refresh, "an answer that was lost is given again, within the grace")
	third, _ := tokens(t, anyone, refreshForm(second.refresh))

	_, got := tokens(t, anyone, refreshForm(first.refresh))
	require.Equal(t, http.StatusBadRequest, got.Status, "two generations old")
	assert.Equal(t, "invalid_grant", got.Str("error"))
	for _, dead := range []session{first, second, third} {
		_, got := tokens(t, anyone, refreshForm(dead.refresh))
		assert.Equal(t, http.StatusBadRequest, got.Status, "the family is dead at once")
		eventually(t, p.With(t, dead.access), "/v1/me", "its access tokens too", p)
	}
	a.Get("/v1/me").Is(http.StatusOK) // another session of the same user goes on

	fresh, _ := tokens(t, anyone, signIn)
	var mu sync.Mutex
	successors := map[string]bool{}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			got, err := anyone.Do(t.Context(), http.MethodPost, "/v1/oauth/token", []byte(refreshForm(fresh.refresh).Encode()), "Content-Type", "application/x-www-form-urlencoded")
			var body struct {
				Refresh string `json:"refresh_token"`
			}
			if assert.NoError(t, err) && assert.Equal(t, http.StatusOK, got.Status, "%s", got.Body) && assert.NoError(t, json.Unmarshal(got.Body, &body)) {
				mu.Lock()
				defer mu.Unlock()
				successors[body.Refresh] = true
			}
		})
	}
	all.Wait()
	assert.Len(t, successors, 1, "of many at once one makes the successor, and all get it")
}

func TestKeysRotateWithoutAFailedRequest(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	other := apptest.Start(t, apptest.Config(t, p.OwnerURL), p.OwnerURL)
	a := p.Account(t)
	made := a.Post("/v1/api-keys", object{"kind": "client", "name": "Load", "scopes": []any{"account:read"}, "rate_per_minute": 60_000}).Is(http.StatusCreated)
	token := func(s *apptest.Program) string {
		return s.Token(t, clientForm(made.Str("client_id"), made.Str("secret"))).Credential
	}
	kid := func(token string) any { return takeApart(t, p, token).header["kid"] }
	old := token(p)
	var holding atomic.Pointer[[]string]
	holding.Store(&[]string{old})
	ctx, stop := context.WithCancel(t.Context())
	var sent, failed atomic.Int64
	var failure atomic.Value
	var load sync.WaitGroup
	for _, s := range []*apptest.Program{p, other} {
		c := s.Anonymous(t)
		load.Go(func() {
			for ctx.Err() == nil {
				for _, token := range *holding.Load() {
					got, err := c.Do(t.Context(), http.MethodGet, "/v1/account", nil, "Authorization", "Bearer "+token)
					sent.Add(1)
					if err != nil || got.Status != http.StatusOK {
						failed.Add(1)
						failure.CompareAndSwap(nil, fmt.Sprintf("%v %+v", err, got))
					}
				}
			}
		})
	}
	published := func(s *apptest.Program) int {
		return len(s.Anonymous(t).Get("/.well-known/jwks.json").Is(http.StatusOK).List("keys"))
	}
	require.Equal(t, 1, published(p))
	require.NoError(t, p.Core.RotateSigningKey(t.Context()))
	require.Equal(t, 2, published(p), "the next key is published before it signs")
	assert.Equal(t, kid(old), kid(token(p)))

	// Ten minutes later.
	_, err := owner(t, p).Exec(t.Context(), "UPDATE signing_keys SET signs_from = now() WHERE retired_at IS NULL")
	require.NoError(t, err)
	third := apptest.Start(t, apptest.Config(t, p.OwnerURL), p.OwnerURL)
	fresh := token(third)
	require.NotEqual(t, kid(old), kid(fresh), "the new key signs")
	// In ten minutes every process has read the keys anew; here it does when it meets one that it does not know, after a second.
	require.Eventually(t, func() bool { return other.With(t, fresh).Get("/v1/account").Status == http.StatusOK }, 3*time.Second, 50*time.Millisecond)
	holding.Store(&[]string{old, fresh})
	before := sent.Load()
	require.Eventually(t, func() bool { return sent.Load() > before+200 }, revocation, 10*time.Millisecond)
	stop()
	load.Wait()
	assert.Zero(t, failed.Load(), "of %d requests: %v", sent.Load(), failure.Load())
	assert.Equal(t, 2, published(third), "the old key verifies until its last token has expired")
}
