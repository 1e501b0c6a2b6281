package apptest_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jhillyerd/enmime/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
	"github.com/rooftop-crm/rooftop/internal/core"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
)

// postbox is the folder that development's mails are delivered to.
type postbox struct {
	dir  string
	read map[string]bool
}

// next waits for a mail to somebody that was not read yet, and whose subject says so.
func (b *postbox) next(t *testing.T, to, subject string) *enmime.Envelope {
	t.Helper()
	var found *enmime.Envelope
	apptest.Await(t, "a mail to "+to+": "+subject, func() bool {
		files, err := filepath.Glob(filepath.Join(b.dir, "*.eml"))
		require.NoError(t, err)
		for _, file := range files {
			raw, err := os.ReadFile(file)
			require.NoError(t, err)
			got, err := enmime.ReadEnvelope(bytes.NewReader(raw))
			if err != nil || b.read[file] || !strings.Contains(got.GetHeader("To"), to) || !strings.Contains(got.GetHeader("Subject"), subject) {
				continue // also one that is still being written
			}
			b.read[file], found = true, got
			return true
		}
		return false
	})
	return found
}

var linkIn = regexp.MustCompile(`https://crm\.example/(invitation|password-reset)#token=([\w-]+)`)

// token is the secret of the link in a mail.
func token(t *testing.T, mail *enmime.Envelope) string {
	t.Helper()
	m := linkIn.FindStringSubmatch(mail.Text)
	require.NotNil(t, m, mail.Text)
	return m[2]
}

// twoProcesses are two servers on one database; mails of both arrive in one folder.
func twoProcesses(t *testing.T) (one, two *apptest.Program, box *postbox) {
	t.Helper()
	_, ownerURL := dbtest.URLs(t)
	cfg := apptest.Config(t, ownerURL)
	cfg.AppURL = "https://crm.example/"
	one, two = apptest.Start(t, cfg, ownerURL), apptest.Start(t, cfg, ownerURL)
	return one, two, &postbox{filepath.Join(cfg.DataDir, "mail"), map[string]bool{}}
}

// refusedIn waits until every process refuses a credential that was just ended.
func refusedIn(t *testing.T, credential string, processes ...*apptest.Program) {
	t.Helper()
	since := time.Now()
	for _, p := range processes {
		c := p.With(t, credential)
		apptest.Await(t, "the access token is refused", func() bool { return c.Get("/v1/me").Status == http.StatusUnauthorized })
	}
	assert.Less(t, time.Since(since), revocation)
}

// A person's whole way from outside: invited, signed in with a second factor, signed out by the administrator, the
// password forgotten and chosen anew; each step on the other process than the one before.
func TestAPersonFromOutside(t *testing.T) {
	t.Parallel()
	one, two, box := twoProcesses(t)
	a := one.Account(t)
	const email, first, second = "jeanne@garage.example", "trois toits sous la pluie", "quatre toits sous la neige"
	made := a.Post("/v1/users", object{"email": email, "first_name": "Jeanne", "roles": []any{object{"role": "agent"}}}).Is(http.StatusCreated)
	assert.NotNil(t, made.At("invited_at"))
	invitation := token(t, box.next(t, email, "invitation"))
	joined := two.Anonymous(t).Post("/v1/invitations/accept", object{"token": invitation, "password": first}).Is(http.StatusOK)
	assert.Equal(t, email, joined.Str("email"))
	assert.Equal(t, "user.link_invalid", one.Anonymous(t).Post("/v1/invitations/accept", object{"token": invitation, "password": first}).Is(http.StatusBadRequest).Code())
	signedIn := ask(t, one, passwordForm(email, first)).Is(http.StatusOK)

	her := two.With(t, signedIn.Str("access_token"))
	secret := her.Post("/v1/me/second-factor", object{"password": first}).Is(http.StatusCreated).Str("secret")
	codes := one.With(t, her.Credential).Post("/v1/me/second-factor/confirm", object{"code": appCode(t, secret, 0)}).Is(http.StatusOK)
	box.next(t, email, "Sécurité")
	challenge := ask(t, one, passwordForm(email, first)).Is(http.StatusBadRequest).Str("mfa_token")
	session := ask(t, two, mfaForm(challenge, appCode(t, secret, 1))).Is(http.StatusOK)

	// Signed out: the refresh token at once, the access token within ten seconds, on both.
	one.With(t, session.Str("access_token")).Get("/v1/me").Is(http.StatusOK)
	two.With(t, session.Str("access_token")).Get("/v1/me").Is(http.StatusOK)
	listed := a.Get("/v1/sessions?user_id=" + made.Str("id")).Is(http.StatusOK)
	require.Len(t, listed.List("data"), 2)
	assert.Equal(t, "127.0.0.0/24", listed.Str("data.0.network"))
	current := two.With(t, session.Str("access_token")).Get("/v1/sessions").Is(http.StatusOK)
	assert.Equal(t, true, current.At("data.0.current"))
	assert.Equal(t, false, current.At("data.1.current"))
	a.JSON(http.MethodDelete, "/v1/sessions/"+listed.Str("data.0.id"), nil).Is(http.StatusNoContent)
	ask(t, two, refreshForm(session.Str("refresh_token"))).Is(http.StatusBadRequest)
	refusedIn(t, session.Str("access_token"), one, two)
	her.Get("/v1/me").Is(http.StatusOK) // the other session goes on

	// The password forgotten: answered alike for who is not there, who gets no mail.
	nobody := two.Anonymous(t).Post("/v1/password-resets", object{"email": "nobody@garage.example"}).Is(http.StatusAccepted)
	known := two.Anonymous(t).Post("/v1/password-resets", object{"email": email}).Is(http.StatusAccepted)
	assert.Equal(t, nobody.Body, known.Body)
	reset := token(t, box.next(t, email, "mot de passe"))
	one.Anonymous(t).Post("/v1/password-resets/complete", object{"token": reset, "password": second}).Is(http.StatusNoContent)
	assert.Contains(t, box.next(t, email, "Sécurité").Text, "mot de passe")
	ask(t, two, refreshForm(signedIn.Str("refresh_token"))).Is(http.StatusBadRequest)
	refusedIn(t, signedIn.Str("access_token"), one, two)
	ask(t, one, passwordForm(email, first)).Is(http.StatusBadRequest)
	again := ask(t, two, passwordForm(email, second)).Is(http.StatusBadRequest)
	assert.Equal(t, "mfa_required", again.Str("error"), "a reset does not take the second factor away")
	ask(t, one, mfaForm(again.Str("mfa_token"), codes.Str("recovery_codes.0"))).Is(http.StatusOK)
	box.next(t, email, "Sécurité")

	assert.Equal(t, []string{
		"user.created", "user.joined", "user.updated", "user.password_reset_requested", "user.password_reset", "user.recovery_code_used",
	}, acts(a, made.Str("id")))
	files, err := filepath.Glob(filepath.Join(box.dir, "*nobody*"))
	require.NoError(t, err)
	assert.Empty(t, files)
}

// Each secret opens its own door and no other one.
func TestNoTokenIsAnother(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	a := p.Account(t)
	g := newGuarded(t, p, a, "doors@garage.example")
	_, link, err := p.Core.OperatorInvites(t.Context(), a.ID, core.UserDetails{Email: "new@garage.example"})
	require.NoError(t, err)
	invitation := linkToken(t, link)
	link, err = p.Core.OperatorResetsPassword(t.Context(), g.email)
	require.NoError(t, err)
	signedIn := ask(t, p, passwordForm(a.AdminEmail, apptest.Password)).Is(http.StatusOK)
	key := a.Post("/v1/api-keys", object{"kind": "api_key", "name": "Key", "scopes": []any{"leads:read"}}).Is(http.StatusCreated).Str("secret")
	tokens := map[string]string{
		"access": signedIn.Str("access_token"), "refresh": signedIn.Str("refresh_token"), "key": key, "invitation": invitation,
		"reset": linkToken(t, link), "challenge": g.challenge(t, p), "recovery code": g.codes[0],
	}
	const chosen = "a password taken over"
	doors := map[string]struct {
		opens []string
		enter func(token string) *apptest.Answer
		want  int
	}{
		"bearer":    {[]string{"access", "key"}, func(s string) *apptest.Answer { return p.With(t, s).Get("/v1/me") }, http.StatusUnauthorized},
		"refresh":   {[]string{"refresh"}, func(s string) *apptest.Answer { return ask(t, p, refreshForm(s)) }, http.StatusBadRequest},
		"challenge": {[]string{"challenge"}, func(s string) *apptest.Answer { return ask(t, p, mfaForm(s, g.codes[1])) }, http.StatusBadRequest},
		"invitation": {[]string{"invitation"}, func(s string) *apptest.Answer {
			return p.Anonymous(t).Post("/v1/invitations/accept", object{"token": s[:min(len(s), 200)], "password": chosen})
		}, http.StatusBadRequest},
		"reset": {[]string{"reset"}, func(s string) *apptest.Answer {
			return p.Anonymous(t).Post("/v1/password-resets/complete", object{"token": s[:min(len(s), 200)], "password": chosen})
		}, http.StatusBadRequest},
		"client secret": {nil, func(s string) *apptest.Answer { return ask(t, p, clientForm("client_x", s)) }, http.StatusUnauthorized},
	}
	for door, d := range doors {
		for kind, secret := range tokens {
			if !slices.Contains(d.opens, kind) {
				assert.Equal(t, d.want, d.enter(secret).Status, "%s as %s", kind, door)
			}
		}
	}
	// What the attacks tried has spent nothing.
	for _, door := range []string{"bearer", "challenge", "refresh", "invitation", "reset"} { // the reset ends the challenge
		for _, kind := range doors[door].opens {
			assert.Less(t, doors[door].enter(tokens[kind]).Status, 300, "%s as %s", kind, door)
		}
	}
}
