package core_test

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/core"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

var somewhere = netip.MustParseAddr("198.51.100.7")

func tokenOf(t *testing.T, link string) string {
	t.Helper()
	where, token, ok := strings.Cut(link, "#token=")
	require.True(t, ok)
	require.True(t, strings.HasPrefix(where, "https://crm.example/"))
	return token
}

func (w *world) accept(t *testing.T, token, pass string) error {
	t.Helper()
	_, err := w.AcceptInvitation(t.Context(), core.Acceptance{Token: token, Password: pass, FirstName: new("Jeanne"), Address: somewhere})
	return err
}

func (w *world) invite(t *testing.T, email string) (core.User, string) {
	t.Helper()
	u, err := w.CreateUser(t.Context(), w.admin, core.NewUser{UserDetails: core.UserDetails{Email: email, Roles: []core.RoleAt{wide(auth.RoleAgent)}}})
	require.NoError(t, err)
	mail := w.mails.last(t, core.MailInvitation, email)
	assert.Equal(t, "Ada Dupont", mail.Vars["inviter_name"])
	return u, tokenOf(t, mail.Vars["link"])
}

func TestInvitation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const email = "jeanne@garage-dupont.example"
	u, first := w.invite(t, email)
	assert.NotNil(t, u.InvitedAt)
	_, err := w.Token(t.Context(), signInAs(email, ""))
	require.ErrorIs(t, err, core.ErrOAuthRequest)
	_, err = w.Token(t.Context(), signInAs(email, password))
	require.ErrorIs(t, err, core.ErrOAuthGrant, "without a password nobody signs in")

	again, err := w.InviteUser(t.Context(), w.admin, u.ID)
	require.NoError(t, err)
	assert.Equal(t, u.Version+1, again.Version)
	second := tokenOf(t, w.mails.last(t, core.MailInvitation, email).Vars["link"])
	require.ErrorIs(t, w.accept(t, first, password), core.ErrLink, "the link before is void")
	err = w.accept(t, second, "short")
	assert.True(t, errs.IsKind(err, errs.Invalid), "%v", err)
	require.NoError(t, w.accept(t, second, "a password of her own"), "a refused password spends nothing")
	require.ErrorIs(t, w.accept(t, second, "a password of another"), core.ErrLink, "once")
	got, err := w.FindUser(t.Context(), w.admin, u.ID)
	require.NoError(t, err)
	assert.Equal(t, "Jeanne", got.FirstName)
	assert.Nil(t, got.InvitedAt)
	_, err = w.Token(t.Context(), signInAs(email, "a password of her own"))
	require.NoError(t, err)
	_, err = w.InviteUser(t.Context(), w.admin, u.ID)
	require.ErrorIs(t, err, core.ErrJoined)
	assert.Subset(t, w.eventTypes(t, w.account.ID), []string{"user.invited", "user.joined"})
}

func TestInvitationsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, end := range map[string]func(u core.User){
		"revoked": func(u core.User) {
			got, err := w.RevokeInvitation(t.Context(), w.admin, u.ID)
			require.NoError(t, err)
			assert.Nil(t, got.InvitedAt)
		},
		"disabled": func(u core.User) {
			_, err := w.DeactivateUser(t.Context(), w.admin, u.ID, nil, nil)
			require.NoError(t, err)
			_, err = w.InviteUser(t.Context(), w.admin, u.ID)
			require.ErrorIs(t, err, core.ErrDisabled)
			_, err = w.ReactivateUser(t.Context(), w.admin, u.ID, nil)
			require.NoError(t, err)
		},
		"deleted": func(u core.User) { require.NoError(t, w.DeleteUser(t.Context(), w.admin, u.ID, nil)) },
		"given a password": func(u core.User) {
			_, err := w.UpdateUser(t.Context(), w.admin, u.ID, nil, core.UserEdit{Password: new(password)})
			require.NoError(t, err)
		},
		"another address": func(u core.User) {
			_, err := w.UpdateUser(t.Context(), w.admin, u.ID, nil, core.UserEdit{Details: func(d *core.UserDetails) { d.Email = "other-" + d.Email }})
			require.NoError(t, err)
		},
		"a week later": func(core.User) { w.clock.forward(7 * 24 * time.Hour) },
	} {
		u, token := w.invite(t, uuid.NewString()+"@garage-dupont.example")
		end(u)
		require.ErrorIs(t, w.accept(t, token, password), core.ErrLink, name)
		w.admin = w.actor(t, adminEmail) // a week is longer than a token
	}
}

// Of several who use one link at once, one does.
func TestALinkIsUsedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, token := w.invite(t, "race@garage-dupont.example")
	got := make(chan error, 4)
	var wg sync.WaitGroup
	for range cap(got) {
		wg.Go(func() {
			_, err := w.AcceptInvitation(t.Context(), core.Acceptance{Token: token, Password: password, Address: somewhere})
			got <- err
		})
	}
	wg.Wait()
	close(got)
	in := 0
	for err := range got {
		if err == nil {
			in++
			continue
		}
		require.ErrorIs(t, err, core.ErrLink)
	}
	assert.Equal(t, 1, in)
}

// requests does what jobs do, and returns how many requests for a password there were.
func (w *world) requests(t *testing.T) int {
	t.Helper()
	var ids []uuid.UUID
	require.NoError(t, w.db.QueryControl(t.Context(), `SELECT id FROM password_reset_requests`, nil, func(r db.Rows) error {
		var id uuid.UUID
		err := r.Scan(&id)
		ids = append(ids, id)
		return err
	}))
	for _, id := range ids {
		require.NoError(t, w.SendPasswordReset(t.Context(), id))
		require.NoError(t, w.SendPasswordReset(t.Context(), id), "twice is once")
	}
	return len(ids)
}

func TestPasswordReset(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.user(t, "agent@garage-dupont.example", wide(auth.RoleAgent))
	before := w.signIn(t, u.Email)
	for range 7 { // locked
		_, _ = w.Token(t.Context(), signInAs(u.Email, "not the password"))
	}
	_, err := w.Token(t.Context(), signInAs(u.Email, password))
	require.ErrorIs(t, err, core.ErrThrottled)

	require.NoError(t, w.RequestPasswordReset(t.Context(), " Agent@Garage-Dupont.example ", somewhere), "while locked")
	assert.Equal(t, 1, w.requests(t))
	mail := w.mails.last(t, core.MailPasswordReset, u.Email)
	assert.True(t, w.mails.empty())
	token := tokenOf(t, mail.Vars["link"])
	require.ErrorIs(t, w.accept(t, token, password), core.ErrLink, "a link for another purpose")
	require.NoError(t, w.CompletePasswordReset(t.Context(), token, "another quiet rooftop", somewhere))
	assert.Contains(t, w.mails.last(t, core.MailSecurityNotice, u.Email).Vars["notice"], "mot de passe")
	require.ErrorIs(t, w.CompletePasswordReset(t.Context(), token, "yet another rooftop", somewhere), core.ErrLink)

	_, err = w.Token(t.Context(), refreshWith(before.RefreshToken))
	require.ErrorIs(t, err, core.ErrOAuthGrant, "every session has ended")
	_, err = w.process(t).Authenticate(t.Context(), before.AccessToken)
	require.ErrorIs(t, err, auth.ErrInvalid)
	_, err = w.Token(t.Context(), signInAs(u.Email, "another quiet rooftop"))
	require.NoError(t, err, "and the lock is off")

	require.NoError(t, w.RequestPasswordReset(t.Context(), u.Email, somewhere))
	w.requests(t)
	first := tokenOf(t, w.mails.last(t, core.MailPasswordReset, u.Email).Vars["link"])
	require.NoError(t, w.RequestPasswordReset(t.Context(), u.Email, somewhere))
	w.requests(t)
	latest := tokenOf(t, w.mails.last(t, core.MailPasswordReset, u.Email).Vars["link"])
	require.ErrorIs(t, w.CompletePasswordReset(t.Context(), first, password, somewhere), core.ErrLink, "the latest link alone works")
	w.clock.forward(30 * time.Minute)
	require.ErrorIs(t, w.CompletePasswordReset(t.Context(), latest, password, somewhere), core.ErrLink, "for half an hour")
	_, err = w.Token(t.Context(), signInAs(u.Email, "another quiet rooftop"))
	require.NoError(t, err)
}

// tripwire fails the test when somebody looks for a user.
type tripwire struct {
	core.ControlStore
	t *testing.T
}

func (c tripwire) LoginByEmail(ctx context.Context, email string) (core.Login, error) {
	assert.Fail(c.t, "looked for "+email)
	return c.ControlStore.LoginByEmail(ctx, email)
}

func (c tripwire) Login(ctx context.Context, account kernel.AccountID, user kernel.UserID) (core.Login, error) {
	assert.Fail(c.t, "looked for a user")
	return c.ControlStore.Login(ctx, account, user)
}

func (c tripwire) LockAccount(ctx context.Context, id kernel.AccountID) error {
	assert.Fail(c.t, "waited for an account")
	return c.ControlStore.LockAccount(ctx, id)
}

// Who asks for a password is not told whether there is such a user: the request does the same work, and the job alone looks.
func TestPasswordResetTellsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	disabled := w.user(t, "disabled@garage-dupont.example")
	_, err := w.DeactivateUser(t.Context(), w.admin, disabled.ID, nil, nil)
	require.NoError(t, err)
	store := w.Control
	w.Control = tripwire{store, t} // the request never looks whether there is such a user
	for _, email := range []string{"nobody@garage-dupont.example", disabled.Email, adminEmail} {
		require.NoError(t, w.RequestPasswordReset(t.Context(), email, somewhere))
	}
	w.Control = store
	assert.Equal(t, 3, w.requests(t))
	w.mails.last(t, core.MailPasswordReset, adminEmail)
	assert.True(t, w.mails.empty(), "nobody else got one")
	var left int
	require.NoError(t, w.db.QueryRowControl(t.Context(), `SELECT count(*) FROM password_reset_requests`, nil, &left))
	assert.Zero(t, left)

	require.NoError(t, w.RequestPasswordReset(t.Context(), "late@garage-dupont.example", somewhere))
	w.clock.forward(25 * time.Hour)
	require.NoError(t, w.HousekeepNow(t.Context()))
	assert.Zero(t, w.requests(t), "what no job could do is forgotten")

	for _, email := range []string{adminEmail, "nobody@garage-dupont.example"} {
		throttled := 0
		for range 12 {
			if w.RequestPasswordReset(t.Context(), email, somewhere) != nil {
				throttled++
			}
		}
		assert.GreaterOrEqual(t, throttled, 6, email)
	}
	assert.True(t, errs.IsKind(w.RequestPasswordReset(t.Context(), "no address", somewhere), errs.Invalid))
}
