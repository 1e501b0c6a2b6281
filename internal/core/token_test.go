package core_test

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/core"
	"github.com/rooftop-crm/rooftop/internal/core/coredb"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/secret"
)

// forge is a token taken apart, to be changed and put together again.
type forge struct {
	header, claims map[string]any
	sign           func(input string) []byte
}

func (f forge) token(t *testing.T) string {
	t.Helper()
	enc := base64.RawURLEncoding.EncodeToString
	h, err := json.Marshal(f.header)
	require.NoError(t, err)
	c, err := json.Marshal(f.claims)
	require.NoError(t, err)
	input := enc(h) + "." + enc(c)
	return input + "." + enc(f.sign(input))
}

// takeApart returns the parts of a good token, and the means to sign it anew with the installation's own key.
func (w *world) takeApart(t *testing.T, good string) (forge, ed25519.PublicKey) {
	t.Helper()
	parts := strings.Split(good, ".")
	require.Len(t, parts, 3)
	f := forge{}
	for i, into := range []*map[string]any{&f.header, &f.claims} {
		raw, err := base64.RawURLEncoding.DecodeString(parts[i])
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(raw, into))
	}
	stored, err := coredb.NewControl(w.db).SigningKeys(t.Context(), w.clock.Now())
	require.NoError(t, err)
	require.Len(t, stored, 1)
	seed, err := w.ring.Open("signing key", stored[0].Wrapped)
	require.NoError(t, err)
	private := ed25519.NewKeyFromSeed(seed)
	f.sign = func(input string) []byte { return ed25519.Sign(private, []byte(input)) }
	return f, ed25519.PublicKey(stored[0].Public)
}

func TestTokenAttacks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := w.signIn(t, "admin@garage-dupont.example").AccessToken
	_, public := w.takeApart(t, good)
	_, strange, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	now := w.clock.Now().Unix()
	hs256 := func(key []byte) func(string) []byte {
		return func(input string) []byte {
			mac := hmac.New(sha256.New, key)
			mac.Write([]byte(input))
			return mac.Sum(nil)
		}
	}
	for name, spoil := range map[string]func(f *forge){
		"alg none":            func(f *forge) { f.header["alg"] = "none"; f.sign = func(string) []byte { return nil } },
		"alg None":            func(f *forge) { f.header["alg"] = "None"; f.sign = func(string) []byte { return nil } },
		"no signature":        func(f *forge) { f.sign = func(string) []byte { return nil } },
		"no alg":              func(f *forge) { delete(f.header, "alg") },
		"HS256 by public key": func(f *forge) { f.header["alg"] = "HS256"; f.sign = hs256(public) },
		"HS256 by its base64": func(f *forge) {
			f.header["alg"] = "HS256"
			f.sign = hs256([]byte(base64.RawURLEncoding.EncodeToString(public)))
		},
		"another key": func(f *forge) { f.sign = func(in string) []byte { return ed25519.Sign(strange, []byte(in)) } },
		"another key, its jwk": func(f *forge) {
			f.header["jwk"] = map[string]any{"kty": "OKP", "crv": "Ed25519", "x": base64.RawURLEncoding.EncodeToString(strange.Public().(ed25519.PublicKey))}
			f.sign = func(in string) []byte { return ed25519.Sign(strange, []byte(in)) }
		},
		"jku":                func(f *forge) { f.header["jku"] = "https://evil.example/jwks"; f.header["kid"] = "evil" },
		"x5u":                func(f *forge) { f.header["x5u"] = "https://evil.example/cert"; f.header["kid"] = "evil" },
		"missing kid":        func(f *forge) { delete(f.header, "kid") },
		"empty kid":          func(f *forge) { f.header["kid"] = "" },
		"kid traversal":      func(f *forge) { f.header["kid"] = "../../../../dev/null" },
		"kid SQL":            func(f *forge) { f.header["kid"] = "x' OR '1'='1" },
		"kid as number":      func(f *forge) { f.header["kid"] = 1 },
		"long kid":           func(f *forge) { f.header["kid"] = strings.Repeat("k", 1000) },
		"typ JWT":            func(f *forge) { f.header["typ"] = "JWT" },
		"no typ":             func(f *forge) { delete(f.header, "typ") },
		"crit":               func(f *forge) { f.header["crit"] = []string{"b64"}; f.header["b64"] = false },
		"wrong aud":          func(f *forge) { f.claims["aud"] = "another" },
		"no aud":             func(f *forge) { delete(f.claims, "aud") },
		"wrong iss":          func(f *forge) { f.claims["iss"] = "https://evil.example" },
		"no iss":             func(f *forge) { delete(f.claims, "iss") },
		"no exp":             func(f *forge) { delete(f.claims, "exp") },
		"no nbf":             func(f *forge) { delete(f.claims, "nbf") },
		"nbf to come":        func(f *forge) { f.claims["nbf"] = now + 120 },
		"iat to come":        func(f *forge) { f.claims["iat"] = now + 120 },
		"expired, wrong aud": func(f *forge) { f.claims["exp"] = now - 3600; f.claims["aud"] = "another" },
		"no jti":             func(f *forge) { delete(f.claims, "jti") },
		"sub is no id":       func(f *forge) { f.claims["sub"] = "admin" },
		"unknown sub":        func(f *forge) { f.claims["sub"] = uuid.NewString() },
		"another account":    func(f *forge) { f.claims["account"] = uuid.NewString() },
		"no account":         func(f *forge) { delete(f.claims, "account") },
		"older version":      func(f *forge) { f.claims["ver"] = 0 },
		"another kind":       func(f *forge) { f.claims["kind"] = "partner" },
		"kind system":        func(f *forge) { f.claims["kind"] = "system" },
		"kind api_key":       func(f *forge) { f.claims["kind"] = "api_key" },
	} {
		f, _ := w.takeApart(t, good)
		spoil(&f)
		_, err := w.Authenticate(t.Context(), f.token(t))
		require.ErrorIs(t, err, auth.ErrInvalid, name)
		assert.True(t, errs.IsKind(err, errs.Unauthenticated), name)
		assert.Equal(t, auth.ErrExpired.Public, auth.ErrInvalid.Public, "one text for all")
	}
	f, _ := w.takeApart(t, good)
	f.claims["exp"] = now - 31
	_, err = w.Authenticate(t.Context(), f.token(t))
	require.ErrorIs(t, err, auth.ErrExpired)
	for _, junk := range []string{"", ".", "..", "a.b.c", good + "x", good[:len(good)-2], strings.Repeat("a", 10_000), "rt_", "rtr_x", "\x00", good + "." + good} {
		_, err := w.Authenticate(t.Context(), junk)
		require.ErrorIs(t, err, auth.ErrInvalid, junk)
	}
	_, err = w.Authenticate(t.Context(), w.signIn(t, "admin@garage-dupont.example").RefreshToken)
	require.ErrorIs(t, err, auth.ErrInvalid, "a refresh token is no access token")
	f, _ = w.takeApart(t, good)
	_, err = w.Authenticate(t.Context(), f.token(t))
	require.NoError(t, err, "what the attacks began with is good")
}

func TestTokensExpire(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	answer := w.signIn(t, "admin@garage-dupont.example")
	assert.Equal(t, 900, answer.ExpiresIn)
	w.clock.forward(15*time.Minute + 29*time.Second)
	_, err := w.Authenticate(t.Context(), answer.AccessToken)
	require.NoError(t, err, "within the leeway of clocks")
	w.clock.forward(2 * time.Second)
	_, err = w.Authenticate(t.Context(), answer.AccessToken)
	require.ErrorIs(t, err, auth.ErrExpired)
}

// Ten processes that start at once on an empty installation make one key.
func TestFirstSigningKeyIsMadeOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.db.ExecControl(t.Context(), `UPDATE signing_keys SET retired_at = $1`, w.clock.Now())
	require.NoError(t, err)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for range 10 {
		p := w.process(t)
		wg.Go(func() {
			<-start
			assert.NoError(t, p.Keys.Ensure(t.Context()))
		})
	}
	close(start)
	wg.Wait()
	stored, err := coredb.NewControl(w.db).SigningKeys(t.Context(), w.clock.Now())
	require.NoError(t, err)
	assert.Len(t, stored, 1)
}

// No request fails while the key is rotated, on whichever process and with however old a token.
func TestSigningKeyRotation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	processes := []*core.Service{w.Service, w.process(t), w.process(t)}
	for _, p := range processes {
		_, err := p.Keys.Published(t.Context())
		require.NoError(t, err)
	}
	type issued struct {
		token string
		at    time.Time
	}
	var tokens []issued
	kids := map[string]bool{}
	require.NoError(t, w.RotateSigningKey(t.Context()))
	published, err := w.Keys.Published(t.Context())
	require.NoError(t, err)
	require.Len(t, published, 2, "the next key is published before it signs")

	for minute := range 45 {
		signer := processes[minute%len(processes)]
		answer, err := signer.Token(t.Context(), signInAs("admin@garage-dupont.example", password))
		require.NoError(t, err)
		f, _, _ := strings.Cut(answer.AccessToken, ".")
		kids[f] = true
		tokens = append(tokens, issued{answer.AccessToken, w.clock.Now()})
		for _, tok := range tokens {
			if w.clock.Now().Sub(tok.at) >= auth.TokenTTL {
				continue
			}
			for _, p := range processes {
				_, err := p.Authenticate(t.Context(), tok.token)
				require.NoError(t, err, "minute %d, token of %s", minute, tok.at)
			}
		}
		w.clock.forward(time.Minute)
	}
	assert.Len(t, kids, 2, "both keys have signed")
	published, err = w.Keys.Published(t.Context())
	require.NoError(t, err)
	assert.Len(t, published, 1, "the old key is gone")
	for _, k := range published {
		assert.Equal(t, "OKP", k.KeyType)
		assert.Equal(t, "EdDSA", k.Algorithm)
		x, err := base64.RawURLEncoding.DecodeString(k.X)
		require.NoError(t, err)
		assert.Len(t, x, ed25519.PublicKeySize)
	}
}

// A master key that is gone takes the private keys with it; tokens still verify and a new key takes over.
func TestSigningKeyAfterTheMasterKeyIsLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.signIn(t, "admin@garage-dupont.example").AccessToken
	var err error
	w.ring, err = secret.Parse(secret.Generate())
	require.NoError(t, err)
	p := w.process(t)
	_, err = p.Authenticate(t.Context(), before)
	require.NoError(t, err)
	answer, err := p.Token(t.Context(), signInAs("admin@garage-dupont.example", password))
	require.NoError(t, err)
	_, err = p.Authenticate(t.Context(), answer.AccessToken)
	require.NoError(t, err)
}

func TestRevocationTakesEffectInTime(t *testing.T) {
	w := newWorld(t)
	other := w.process(t)
	d := w.dealership(t, w.admin, nil)
	agent := w.user(t, "agent@garage-dupont.example", at(auth.RoleAgent, d))
	for name, tt := range map[string]struct {
		credential func(t *testing.T) (credential string, id kernel.CredentialID)
		end        func(t *testing.T, credential string, id kernel.CredentialID)
	}{
		"revoked key": {
			func(t *testing.T) (string, kernel.CredentialID) {
				k := w.key(t, w.admin, auth.KindAPIKey, auth.LeadsRead)
				return k.Secret, k.ID
			},
			func(t *testing.T, _ string, id kernel.CredentialID) {
				require.NoError(t, w.RevokeAPIKey(t.Context(), w.admin, id, nil))
			},
		},
		"revoked site key": {
			func(t *testing.T) (string, kernel.CredentialID) {
				k := w.key(t, w.admin, auth.KindSiteKey, auth.LeadsCreate)
				return k.Secret, k.ID
			},
			func(t *testing.T, _ string, id kernel.CredentialID) {
				require.NoError(t, w.RevokeAPIKey(t.Context(), w.admin, id, nil))
			},
		},
		"token of a revoked client": {
			func(t *testing.T) (string, kernel.CredentialID) {
				k := w.key(t, w.admin, auth.KindClient, auth.LeadsRead)
				return w.clientToken(t, k.ClientID, k.Secret).AccessToken, k.ID
			},
			func(t *testing.T, _ string, id kernel.CredentialID) {
				require.NoError(t, w.RevokeAPIKey(t.Context(), w.admin, id, nil))
			},
		},
		"revoked token": {
			func(t *testing.T) (string, kernel.CredentialID) {
				return w.signIn(t, agent.Email).AccessToken, kernel.CredentialID{}
			},
			func(t *testing.T, credential string, _ kernel.CredentialID) {
				require.NoError(t, w.Revoke(t.Context(), credential))
			},
		},
		"password changed": {
			func(t *testing.T) (string, kernel.CredentialID) {
				return w.signIn(t, agent.Email).AccessToken, kernel.CredentialID{}
			},
			func(t *testing.T, _ string, _ kernel.CredentialID) {
				_, err := w.UpdateUser(t.Context(), w.admin, agent.ID, nil, core.UserEdit{Password: new(password)})
				require.NoError(t, err)
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			credential, id := tt.credential(t)
			for _, p := range []*core.Service{w.Service, other} {
				_, err := p.Authenticate(t.Context(), credential)
				require.NoError(t, err)
			}
			tt.end(t, credential, id)
			w.clock.forward(auth.CacheTTL)
			for _, p := range []*core.Service{w.Service, other} {
				_, err := p.Authenticate(t.Context(), credential)
				require.ErrorIs(t, err, auth.ErrInvalid)
			}
		})
	}
	assert.LessOrEqual(t, auth.CacheTTL, 10*time.Second)
}

// A warm request asks neither the database nor the signature.
func TestVerifiedCredentialsAreRemembered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.signIn(t, "admin@garage-dupont.example").AccessToken
	want, err := w.Authenticate(t.Context(), token)
	require.NoError(t, err)
	w.db.Close()
	got, err := w.Authenticate(t.Context(), token)
	require.NoError(t, err)
	assert.Equal(t, want, got)
}
