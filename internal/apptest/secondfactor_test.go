package apptest_test

import (
	"encoding/base32"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
)

// appCode is what an authenticator app shows, some time steps from now.
func appCode(t testing.TB, secret string, steps int64) string {
	t.Helper()
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	require.NoError(t, err)
	return auth.TOTPCode(raw, auth.TOTPStep(time.Now())+steps)
}

// ask sends a form to the token endpoint.
func ask(t testing.TB, p *apptest.Program, form url.Values) *apptest.Answer {
	t.Helper()
	return p.Anonymous(t).Send(http.MethodPost, "/v1/oauth/token", []byte(form.Encode()), "Content-Type", "application/x-www-form-urlencoded")
}

func passwordForm(email, password string) url.Values {
	return url.Values{"grant_type": {"password"}, "username": {email}, "password": {password}}
}

func mfaForm(token, code string) url.Values {
	return url.Values{"grant_type": {"mfa"}, "mfa_token": {token}, "code": {code}}
}

// guarded is a user with a second factor.
type guarded struct {
	*apptest.Caller
	id, email, secret string
	confirmed         string // the code that confirmed it
	codes             []string
}

func newGuarded(t testing.TB, p *apptest.Program, a *apptest.Account, email string) *guarded {
	t.Helper()
	g := &guarded{email: email}
	g.id = a.Post("/v1/users", object{"email": email, "password": apptest.Password, "roles": []any{object{"role": "agent"}}}).Is(http.StatusCreated).Str("id")
	g.Caller = p.SignIn(t, email)
	g.secret = g.Post("/v1/me/second-factor", object{"password": apptest.Password}).Is(http.StatusCreated).Str("secret")
	// The present code here and the next one at the sign-in that follows: both are good when a time step ends meanwhile.
	g.confirmed = appCode(t, g.secret, 0)
	for _, c := range g.Post("/v1/me/second-factor/confirm", object{"code": g.confirmed}).Is(http.StatusOK).List("recovery_codes") {
		g.codes = append(g.codes, fmt.Sprint(c))
	}
	return g
}

func (g *guarded) challenge(t testing.TB, p *apptest.Program) string {
	t.Helper()
	got := ask(t, p, passwordForm(g.email, apptest.Password)).Is(http.StatusBadRequest)
	assert.Equal(t, "mfa_required", got.Str("error"))
	assert.Nil(t, got.At("access_token"))
	return got.Str("mfa_token")
}

func TestSecondFactor(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	a := p.Account(t)
	g := newGuarded(t, p, a, "guarded@garage.example")
	assert.Len(t, g.codes, 10)
	assert.Equal(t, true, a.Get("/v1/users/"+g.id).At("second_factor"))

	token := g.challenge(t, p)
	assert.Equal(t, "invalid_grant", ask(t, p, mfaForm(token, "000000")).Is(http.StatusBadRequest).Str("error"))
	assert.Equal(t, "invalid_grant", ask(t, p, mfaForm(token, g.confirmed)).Is(http.StatusBadRequest).Str("error"), "the code of the confirmation was taken")
	// A recovery code signs in once, however it is typed, and the user is told.
	ask(t, p, mfaForm(token, " "+g.codes[3][:4]+g.codes[3][5:]+" ")).Is(http.StatusOK)
	assert.Equal(t, "invalid_grant", ask(t, p, mfaForm(token, g.codes[4])).Is(http.StatusBadRequest).Str("error"), "a challenge is answered once")
	assert.Equal(t, "invalid_grant", ask(t, p, mfaForm(g.challenge(t, p), g.codes[3])).Is(http.StatusBadRequest).Str("error"))
	assert.InDelta(t, 9, g.Get("/v1/me/second-factor").At("recovery_codes_left"), 0)
	assert.Contains(t, acts(a, g.id), "user.recovery_code_used")

	renewed := g.Post("/v1/me/second-factor/recovery-codes", object{"password": apptest.Password, "code": g.codes[0]}, "Idempotency-Key", "renew").Is(http.StatusOK)
	again := g.Post("/v1/me/second-factor/recovery-codes", object{"password": apptest.Password, "code": g.codes[0]}, "Idempotency-Key", "renew").Is(http.StatusOK)
	assert.Nil(t, again.At("recovery_codes"), "secrets are shown once")
	assert.Equal(t, "user.wrong_code", g.Post("/v1/me/second-factor/disable", object{"password": apptest.Password, "code": g.codes[1]}).Is(http.StatusForbidden).Code())
	assert.Equal(t, "user.wrong_password", g.Post("/v1/me/second-factor/disable", object{"password": "wrong", "code": "1"}).Is(http.StatusForbidden).Code())
	g.Post("/v1/me/second-factor/disable", object{"password": apptest.Password, "code": renewed.Str("recovery_codes.0")}).Is(http.StatusNoContent)
	ask(t, p, passwordForm(g.email, apptest.Password)).Is(http.StatusOK)
	assert.Equal(t, false, g.Get("/v1/me/second-factor").At("enabled"))

	var whole string
	for _, s := range collect[string](t, owner(t, p), "SELECT t::text FROM second_factors t UNION ALL SELECT r::text FROM recovery_codes r UNION ALL SELECT l::text FROM audit_log l") {
		whole += s
	}
	assert.NotContains(t, whole, g.secret)
	assert.NotContains(t, whole, g.codes[5])
}

// Of several who send one code at once, on whichever challenge, one gets in.
func TestACodeIsTakenOnce(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	a := p.Account(t)
	g := newGuarded(t, p, a, "once@garage.example")
	tokens := []string{g.challenge(t, p), g.challenge(t, p)}
	code, got := appCode(t, g.secret, 1), make([]int, 3)
	var wg sync.WaitGroup
	for i := range got {
		form := mfaForm(tokens[i%2], code).Encode()
		wg.Go(func() {
			answer, err := p.Anonymous(t).Do(t.Context(), http.MethodPost, "/v1/oauth/token", []byte(form), "Content-Type", "application/x-www-form-urlencoded")
			if assert.NoError(t, err) {
				got[i] = answer.Status
			}
		})
	}
	wg.Wait()
	slices.Sort(got)
	assert.Equal(t, http.StatusOK, got[0])
	for _, status := range got[1:] { // 429 once a wrong try was counted
		assert.Contains(t, []int{http.StatusBadRequest, http.StatusTooManyRequests}, status)
	}
	assert.Equal(t, "user.second_factor_set", g.Post("/v1/me/second-factor", object{"password": apptest.Password}).Is(http.StatusConflict).Code())
}

// Whoever knows the password guesses codes no faster than passwords, on whichever challenge.
func TestCodesAreThrottled(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	g := newGuarded(t, p, p.Account(t), "throttled@garage.example")
	throttled := 0
	for range 8 {
		got := ask(t, p, passwordForm(g.email, apptest.Password))
		if got.Status == http.StatusTooManyRequests {
			throttled++
			continue
		}
		if ask(t, p, mfaForm(got.Str("mfa_token"), "000000")).Status == http.StatusTooManyRequests {
			throttled++
		}
	}
	assert.GreaterOrEqual(t, throttled, 4)
}

func TestAccountRequiresASecondFactor(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	a := p.Account(t)
	a.Post("/v1/users", object{"email": "bare@garage.example", "password": apptest.Password, "roles": []any{object{"role": "manager"}}}).Is(http.StatusCreated)
	bare := p.SignIn(t, "bare@garage.example")
	bare.Get("/v1/leads").Is(http.StatusOK)
	a.JSON(http.MethodPatch, "/v1/account", object{"require_second_factor": true}).Is(http.StatusOK)
	within := time.Now().Add(revocation)
	apptest.Await(t, "rights are gone", func() bool { return bare.Get("/v1/leads").Status == http.StatusForbidden })
	assert.Less(t, time.Now(), within)
	assert.Equal(t, "auth.second_factor_missing", bare.Get("/v1/leads").Code())
	assert.Equal(t, "auth.second_factor_missing", bare.Post("/v1/users", object{"email": "x@garage.example", "password": apptest.Password}).Code())
	assert.Empty(t, bare.Get("/v1/me").Is(http.StatusOK).List("scopes"))

	got := ask(t, p, passwordForm("bare@garage.example", apptest.Password)).Is(http.StatusOK)
	assert.Equal(t, true, got.At("second_factor_missing"))
	fresh := p.With(t, got.Str("access_token"))
	fresh.Get("/v1/leads").Is(http.StatusForbidden)
	secret := fresh.Post("/v1/me/second-factor", object{"password": apptest.Password}).Is(http.StatusCreated).Str("secret")
	fresh.Post("/v1/me/second-factor/confirm", object{"code": appCode(t, secret, 0)}).Is(http.StatusOK)
	apptest.Await(t, "rights are back", func() bool { return fresh.Get("/v1/leads").Status == http.StatusOK })
}

func TestAdministratorResetsASecondFactor(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	a := p.Account(t)
	g := newGuarded(t, p, a, "lost@garage.example")
	g.Post("/v1/users/"+g.id+"/reset-second-factor", nil).Is(http.StatusForbidden)
	a.Post("/v1/users/"+a.AdminID.String()+"/reset-second-factor", nil).Is(http.StatusForbidden)
	a.Post("/v1/users/"+g.id+"/reset-second-factor", nil).Is(http.StatusNoContent)
	assert.Equal(t, "user.second_factor_not_set", a.Post("/v1/users/"+g.id+"/reset-second-factor", nil).Is(http.StatusConflict).Code())
	ask(t, p, passwordForm(g.email, apptest.Password)).Is(http.StatusOK)
	entry := a.Get("/v1/audit-log?limit=1&subject_id=" + g.id)
	assert.Equal(t, "second_factor", entry.Str("data.0.changes.0.field"))
	assert.Equal(t, false, entry.At("data.0.changes.0.after"))
}
