package core_test

import (
	"encoding/base32"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/core"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
)

// app is an authenticator app that shows codes of one secret.
type app struct {
	w      *world
	secret []byte
}

func (a app) code() string { return auth.TOTPCode(a.secret, auth.TOTPStep(a.w.clock.Now())) }

// guard gives a user a second factor.
func (w *world) guard(t *testing.T, actor auth.Actor) (app, []string) {
	t.Helper()
	require.NoError(t, w.ProvePassword(t.Context(), actor, password))
	e, err := w.BeginSecondFactor(t.Context(), actor)
	require.NoError(t, err)
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(e.Secret)
	require.NoError(t, err)
	a := app{w, secret}
	codes, err := w.ConfirmSecondFactor(t.Context(), actor, a.code())
	require.NoError(t, err)
	w.clock.forward(time.Minute)
	return a, codes
}

func (w *world) challenge(t *testing.T, email string) string {
	t.Helper()
	got, err := w.Token(t.Context(), signInAs(email, password))
	require.ErrorIs(t, err, core.ErrMFARequired)
	require.Empty(t, got.AccessToken)
	require.Empty(t, got.RefreshToken)
	return got.MFAToken
}

func mfa(token, code string) core.TokenRequest {
	return core.TokenRequest{GrantType: "mfa", MFAToken: token, Code: code, Address: somewhere}
}

// Of several who send one code, or one recovery code, at once on different processes, one gets in.
func TestCodesAreTakenOnceAcrossProcesses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, codes := w.guard(t, w.admin)
	processes := []*core.Service{w.Service, w.process(t)}
	const racers = 4 // fewer than are throttled
	for round := range 12 {
		code := a.code()
		if round%4 == 3 {
			code = codes[round/4]
		}
		tokens := make([]string, racers)
		for i := range tokens {
			tokens[i] = w.challenge(t, adminEmail)
		}
		require.NoError(t, w.Control.ForgetAttempts(t.Context(), core.EmailHash(adminEmail)))
		start, got := make(chan struct{}), make([]error, racers)
		var wg sync.WaitGroup
		for i := range got {
			wg.Go(func() {
				<-start
				_, got[i] = processes[i%2].Token(t.Context(), mfa(tokens[i], code))
			})
		}
		close(start)
		wg.Wait()
		in := 0
		for _, err := range got {
			if err == nil {
				in++
				continue
			}
			require.ErrorIs(t, err, core.ErrOAuthGrant)
		}
		require.Equal(t, 1, in, "round %d: %v", round, got)
		require.NoError(t, w.Control.ForgetAttempts(t.Context(), core.EmailHash(adminEmail)))
		w.clock.forward(30 * time.Second)
	}
}

func TestChallengesEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.user(t, "agent@garage-dupont.example", wide(auth.RoleAgent))
	a, codes := w.guard(t, w.actor(t, u.Email))
	late := w.challenge(t, u.Email)
	w.clock.forward(5 * time.Minute)
	_, err := w.Token(t.Context(), mfa(late, a.code()))
	require.ErrorIs(t, err, core.ErrOAuthGrant, "after five minutes")
	early := w.challenge(t, u.Email)
	_, err = w.UpdateUser(t.Context(), w.admin, u.ID, nil, core.UserEdit{Password: new(password)})
	require.NoError(t, err)
	w.mails.last(t, core.MailSecurityNotice, u.Email)
	_, err = w.Token(t.Context(), mfa(early, a.code()))
	require.ErrorIs(t, err, core.ErrOAuthGrant, "with the password it was given for")
	spent := w.challenge(t, u.Email)
	_, err = w.Token(t.Context(), mfa(spent, a.code()))
	require.NoError(t, err)
	_, err = w.Token(t.Context(), mfa(spent, codes[0]))
	require.ErrorIs(t, err, core.ErrOAuthGrant, "once")
	narrow := signInAs(u.Email, password)
	narrow.Scope = "leads:read"
	got, err := w.Token(t.Context(), narrow)
	require.ErrorIs(t, err, core.ErrMFARequired)
	wider := mfa(got.MFAToken, codes[1])
	wider.Scope = "leads:read leads:write"
	_, err = w.Token(t.Context(), wider)
	require.ErrorIs(t, err, core.ErrOAuthScope)
	got, err = w.Token(t.Context(), mfa(got.MFAToken, codes[1]))
	require.NoError(t, err)
	assert.Equal(t, "leads:read", got.Scope, "what the password was narrowed to")
}
