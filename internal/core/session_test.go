package core_test

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/core"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

const adminEmail = "admin@garage-dupont.example"

func refreshWith(token string) core.TokenRequest {
	return core.TokenRequest{GrantType: "refresh_token", RefreshToken: token, Address: netip.MustParseAddr("192.0.2.7")}
}

func (w *world) refresh(t *testing.T, token string) core.TokenAnswer {
	t.Helper()
	answer, err := w.Token(t.Context(), refreshWith(token))
	require.NoError(t, err)
	return answer
}

func (w *world) clientToken(t *testing.T, id, secret string) core.TokenAnswer {
	t.Helper()
	answer, err := w.Token(t.Context(), core.TokenRequest{GrantType: "client_credentials", ClientID: id, ClientSecret: secret})
	require.NoError(t, err)
	return answer
}

func TestRefreshRotates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.signIn(t, adminEmail)
	second := w.refresh(t, first.RefreshToken)
	assert.NotEqual(t, first.RefreshToken, second.RefreshToken)
	assert.NotEqual(t, first.AccessToken, second.AccessToken)
	_, err := w.Authenticate(t.Context(), second.AccessToken)
	require.NoError(t, err)

	w.clock.forward(9 * time.Second)
	again := w.refresh(t, first.RefreshToken)
	assert.Equal(t, second.RefreshToken, again.RefreshToken, "within the grace the same successor")
	third := w.refresh(t, second.RefreshToken)
	assert.NotEqual(t, second.RefreshToken, third.RefreshToken)
}

func TestReuseEndsTheSession(t *testing.T) {
	t.Parallel()
	for name, steal := range map[string]func(t *testing.T, w *world, first core.TokenAnswer) (stolen string, latest core.TokenAnswer){
		"after the grace": func(t *testing.T, w *world, first core.TokenAnswer) (string, core.TokenAnswer) {
			second := w.refresh(t, first.RefreshToken)
			w.clock.forward(11 * time.Second)
			return first.RefreshToken, second
		},
		"two generations old, within the grace": func(t *testing.T, w *world, first core.TokenAnswer) (string, core.TokenAnswer) {
			second := w.refresh(t, first.RefreshToken)
			return first.RefreshToken, w.refresh(t, second.RefreshToken)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			bystander := w.signIn(t, adminEmail)
			stolen, latest := steal(t, w, w.signIn(t, adminEmail))
			_, err := w.Token(t.Context(), refreshWith(stolen))
			require.ErrorIs(t, err, core.ErrOAuthGrant)
			_, err = w.Token(t.Context(), refreshWith(latest.RefreshToken))
			require.ErrorIs(t, err, core.ErrOAuthGrant, "the whole family is over")
			_, err = w.Authenticate(t.Context(), latest.AccessToken)
			require.ErrorIs(t, err, auth.ErrInvalid, "its access tokens too")
			assert.Contains(t, w.eventTypes(t, w.account.ID), "session.reuse_detected")
			w.refresh(t, bystander.RefreshToken)
		})
	}
}

func TestARefusedScopeCostsNoSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user(t, "viewer@garage-dupont.example", core.RoleAt{Role: auth.RoleViewer})
	token := w.signIn(t, "viewer@garage-dupont.example").RefreshToken
	r := refreshWith(token)
	r.Scope = string(auth.UsersWrite)
	_, err := w.Token(t.Context(), r)
	require.ErrorIs(t, err, core.ErrOAuthScope)
	w.clock.forward(time.Minute) // past the grace that a spent token has
	w.refresh(t, token)
}

func TestParallelRefreshesGetOneSuccessor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := w.process(t)
	for round := range 5 {
		token := w.signIn(t, adminEmail).RefreshToken
		start, got := make(chan struct{}), make(chan string, 20)
		var wg sync.WaitGroup
		for i := range cap(got) {
			p := []*core.Service{w.Service, other}[i%2]
			wg.Go(func() {
				<-start
				answer, err := p.Token(t.Context(), refreshWith(token))
				assert.NoError(t, err)
				got <- answer.RefreshToken
			})
		}
		close(start)
		wg.Wait()
		close(got)
		successors := map[string]bool{}
		for s := range got {
			successors[s] = true
		}
		require.Len(t, successors, 1, "round %d", round)
		for s := range successors {
			w.refresh(t, s)
		}
	}
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	idle := w.signIn(t, adminEmail).RefreshToken
	kept := w.signIn(t, adminEmail).RefreshToken
	revoked := w.signIn(t, adminEmail)
	require.NoError(t, w.Revoke(t.Context(), revoked.RefreshToken))
	_, err := w.Token(t.Context(), refreshWith(revoked.RefreshToken))
	require.ErrorIs(t, err, core.ErrOAuthGrant)
	_, err = w.Authenticate(t.Context(), revoked.AccessToken)
	require.ErrorIs(t, err, auth.ErrInvalid)
	require.NoError(t, w.Revoke(t.Context(), "rtr_unknown"))
	require.NoError(t, w.Revoke(t.Context(), "nonsense"))

	w.clock.forward(20 * 24 * time.Hour)
	kept = w.refresh(t, kept).RefreshToken
	w.clock.forward(10*24*time.Hour + time.Second)
	_, err = w.Token(t.Context(), refreshWith(idle))
	require.ErrorIs(t, err, core.ErrOAuthGrant, "idle for 30 days")
	for range 3 {
		kept = w.refresh(t, kept).RefreshToken
		w.clock.forward(20 * 24 * time.Hour)
	}
	_, err = w.Token(t.Context(), refreshWith(kept))
	require.ErrorIs(t, err, core.ErrOAuthGrant, "90 days at most")
	_, err = w.db.ExecControl(t.Context(), `INSERT INTO refresh_tokens (token_hash, family_id, account_id, user_id, token_version, issued_at, idle_expires_at, expires_at)
		SELECT sha256(n::text::bytea), gen_random_uuid(), $1, gen_random_uuid(), 1, $2, $2, $2::timestamptz + interval '1 year' FROM generate_series(1, 4001) n`,
		w.admin.Account, w.clock.Now().Add(-time.Second))
	require.NoError(t, err)
	require.NoError(t, w.HousekeepNow(t.Context()))
	var left int
	require.NoError(t, w.db.QueryRowControl(t.Context(), `SELECT count(*) FROM refresh_tokens`, nil, &left))
	assert.Zero(t, left)
}

func TestSessionsOfWhoMayNoLongerSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.user(t, "second@garage-dupont.example", wide(auth.RoleManager))
	edit := func(fn func(*core.UserDetails)) {
		_, err := w.UpdateUser(t.Context(), w.admin, u.ID, nil, core.UserEdit{Details: fn})
		require.NoError(t, err)
	}
	session := w.signIn(t, u.Email)
	edit(func(d *core.UserDetails) { d.Disabled = true })
	_, err := w.Token(t.Context(), refreshWith(session.RefreshToken))
	require.ErrorIs(t, err, core.ErrOAuthGrant)
	_, err = w.Authenticate(t.Context(), session.AccessToken)
	require.ErrorIs(t, err, auth.ErrInvalid)
	_, err = w.Token(t.Context(), signInAs(u.Email, password))
	require.ErrorIs(t, err, core.ErrOAuthGrant)

	edit(func(d *core.UserDetails) { d.Disabled = false })
	_, err = w.Token(t.Context(), refreshWith(session.RefreshToken))
	require.ErrorIs(t, err, core.ErrOAuthGrant, "a session that ended stays ended")
	session = w.signIn(t, u.Email)

	actor := w.actor(t, u.Email)
	require.ErrorIs(t, w.ChangePassword(t.Context(), actor, "not the password", "another quiet rooftop"), core.ErrWrongPassword)
	require.NoError(t, w.ChangePassword(t.Context(), actor, password, "another quiet rooftop"))
	_, err = w.Token(t.Context(), refreshWith(session.RefreshToken))
	require.ErrorIs(t, err, core.ErrOAuthGrant)
	_, err = w.Token(t.Context(), signInAs(u.Email, "another quiet rooftop"))
	require.NoError(t, err)
	require.NoError(t, w.DeleteUser(t.Context(), w.admin, u.ID, nil))
	_, err = w.Token(t.Context(), signInAs(u.Email, "another quiet rooftop"))
	require.ErrorIs(t, err, core.ErrOAuthGrant)
}

func TestScopeOfTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ask := signInAs(adminEmail, password)
	ask.Scope = "leads:read contacts:read"
	answer, err := w.Token(t.Context(), ask)
	require.NoError(t, err)
	assert.Equal(t, "leads:read contacts:read", answer.Scope)
	actor, err := w.Authenticate(t.Context(), answer.AccessToken)
	require.NoError(t, err)
	assert.Equal(t, auth.NewScopeSet(auth.LeadsRead, auth.ContactsRead), actor.Scopes)
	require.Error(t, actor.Require(auth.LeadsWrite))

	refreshed := w.refresh(t, answer.RefreshToken)
	assert.Equal(t, answer.Scope, refreshed.Scope, "a narrowed session stays narrow")
	wider := refreshWith(refreshed.RefreshToken)
	wider.Scope = "leads:read leads:write"
	_, err = w.Token(t.Context(), wider)
	require.ErrorIs(t, err, core.ErrOAuthScope)
	wider.Scope = "leads:read"
	narrower, err := w.Token(t.Context(), wider)
	require.NoError(t, err, "what was refused has spent nothing")
	assert.Equal(t, "leads:read", narrower.Scope)

	viewer := w.user(t, "viewer@garage-dupont.example", wide(auth.RoleViewer))
	for scope, want := range map[string]error{"users:write": core.ErrOAuthScope, "no:such": core.ErrOAuthScope, "leads:read": nil} {
		ask := signInAs(viewer.Email, password)
		ask.Scope = scope
		_, err := w.Token(t.Context(), ask)
		require.ErrorIs(t, err, want, scope)
	}
}

func TestSignInIsThrottled(t *testing.T) {
	t.Parallel()
	for name, email := range map[string]string{"known": adminEmail, "unknown": "nobody@garage-dupont.example"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			wrong := func() error {
				_, err := w.Token(t.Context(), signInAs(email, "a wrong password"))
				return err
			}
			for range 5 {
				require.ErrorIs(t, wrong(), core.ErrOAuthGrant)
			}
			var waits []time.Duration
			for range 12 {
				e, ok := errs.As(wrong())
				require.True(t, ok)
				require.ErrorIs(t, e, core.ErrThrottled)
				waits = append(waits, e.RetryAfter)
				w.clock.forward(e.RetryAfter)
				require.ErrorIs(t, wrong(), core.ErrOAuthGrant)
			}
			for i, wait := range waits {
				assert.Equal(t, min(time.Second<<i, 15*time.Minute), wait)
			}
			if email == adminEmail {
				_, err := w.Token(t.Context(), signInAs(email, password))
				require.ErrorIs(t, err, core.ErrThrottled, "the right password has to wait too")
				w.clock.forward(15 * time.Minute)
				w.signIn(t, email)
				require.ErrorIs(t, wrong(), core.ErrOAuthGrant, "success begins the count anew")
			}
		})
	}
}

// Many tries at once get no more guesses than one after another.
func TestParallelGuessesAreCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	start, got := make(chan struct{}), make(chan error, 40)
	var wg sync.WaitGroup
	for range cap(got) {
		wg.Go(func() {
			<-start
			_, err := w.Token(t.Context(), signInAs(adminEmail, "a wrong password"))
			got <- err
		})
	}
	close(start)
	wg.Wait()
	close(got)
	tried := 0
	for err := range got {
		if !errs.IsKind(err, errs.Throttled) {
			require.ErrorIs(t, err, core.ErrOAuthGrant)
			tried++
		}
	}
	assert.Equal(t, 5, tried)
}

func TestAddressesAreThrottled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	try := func(i int, address string) error {
		r := signInAs(fmt.Sprintf("user%d@garage-dupont.example", i), "a wrong password")
		r.Address = netip.MustParseAddr(address)
		_, err := w.Token(t.Context(), r)
		return err
	}
	for i := range 50 {
		require.ErrorIs(t, try(i, fmt.Sprintf("2001:db8::%x", i)), core.ErrOAuthGrant)
	}
	require.ErrorIs(t, try(51, "2001:db8::ffff"), core.ErrThrottled, "one network")
	require.ErrorIs(t, try(52, "2001:db8:0:1::1"), core.ErrOAuthGrant, "another network")
	w.clock.forward(2 * time.Second)
	require.ErrorIs(t, try(53, "2001:db8::1"), core.ErrOAuthGrant)
	for range 100 {
		w.signIn(t, adminEmail) // success costs nothing
	}
}

func TestTokenRequestsThatAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := w.key(t, w.admin, auth.KindClient, auth.LeadsRead)
	api := w.key(t, w.admin, auth.KindAPIKey, auth.LeadsRead)
	for name, tt := range map[string]struct {
		request core.TokenRequest
		want    error
	}{
		"no grant type":       {core.TokenRequest{}, core.ErrOAuthRequest},
		"unknown grant type":  {core.TokenRequest{GrantType: "implicit"}, core.ErrOAuthUnsupported},
		"no password":         {core.TokenRequest{GrantType: "password", Username: adminEmail}, core.ErrOAuthRequest},
		"no refresh token":    {core.TokenRequest{GrantType: "refresh_token"}, core.ErrOAuthRequest},
		"no secret":           {core.TokenRequest{GrantType: "client_credentials", ClientID: k.ClientID}, core.ErrOAuthClient},
		"wrong secret":        {core.TokenRequest{GrantType: "client_credentials", ClientID: k.ClientID, ClientSecret: api.Secret}, core.ErrOAuthClient},
		"unknown client":      {core.TokenRequest{GrantType: "client_credentials", ClientID: "client_x", ClientSecret: k.Secret}, core.ErrOAuthClient},
		"more than it has":    {core.TokenRequest{GrantType: "client_credentials", ClientID: k.ClientID, ClientSecret: k.Secret, Scope: "leads:write"}, core.ErrOAuthScope},
		"third-party sign-in": {core.TokenRequest{GrantType: "password", ClientID: k.ClientID, Username: adminEmail, Password: password}, core.ErrOAuthClient},
		"access token as refresh token": {
			refreshWith(w.signIn(t, adminEmail).AccessToken), core.ErrOAuthGrant,
		},
	} {
		_, err := w.Token(t.Context(), tt.request)
		require.ErrorIs(t, err, tt.want, name)
	}
	_, err := w.Authenticate(t.Context(), k.Secret)
	require.ErrorIs(t, err, auth.ErrInvalid, "a client's secret is not sent with each request")
}

func TestOutdatedHashesAreRenewedAtSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hash := func() (h string) {
		require.NoError(t, w.db.QueryRowControl(t.Context(), `SELECT password_hash FROM logins WHERE email = $1`, []any{adminEmail}, &h))
		return h
	}
	before := hash()
	w.Hasher = auth.NewHasher(auth.PasswordParams{MemoryKiB: 128, Passes: 1, Threads: 1}, 2)
	w.signIn(t, adminEmail)
	assert.NotEqual(t, before, hash())
	assert.Contains(t, hash(), "m=128")
	w.signIn(t, adminEmail)
}
