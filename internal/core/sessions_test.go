package core_test

import (
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/core"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

func (w *world) sessions(t *testing.T, actor auth.Actor, user kernel.UserID) []core.Session {
	t.Helper()
	got, err := w.ListSessions(t.Context(), actor, user, page.Request{Limit: 100, Sort: page.Sort{Field: "created_at", Desc: true}})
	require.NoError(t, err)
	return got.Items
}

func TestSessionsAreListedAndEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.user(t, "agent@garage-dupont.example", wide(auth.RoleAgent))
	first := w.signIn(t, u.Email)
	w.clock.forward(time.Minute)
	second := w.signIn(t, u.Email)
	me, err := w.Authenticate(t.Context(), second.AccessToken)
	require.NoError(t, err)
	w.clock.forward(time.Minute)
	renewed := w.refresh(t, second.RefreshToken)

	all := w.sessions(t, me, kernel.UserID{})
	require.Len(t, all, 2)
	assert.Equal(t, me.Session, all[0].ID)
	assert.Equal(t, time.Minute, all[0].LastUsedAt.Sub(all[0].CreatedAt), "a refresh is a use")
	assert.Equal(t, "192.0.2.0/24", all[0].Network)
	assert.Equal(t, "test", all[1].UserAgent)
	assert.Equal(t, all, w.sessions(t, w.admin, u.ID))
	_, err = w.ListSessions(t.Context(), me, w.adminID, page.Request{Limit: 1, Sort: page.Sort{Field: "created_at"}})
	require.ErrorIs(t, err, auth.ErrForbidden)
	require.ErrorIs(t, w.EndSession(t.Context(), me, w.admin.Session), auth.ErrForbidden, "another's")
	require.ErrorIs(t, w.EndSession(t.Context(), me, uuid.New()), auth.ErrForbidden, "nobody's, answered alike")
	require.ErrorIs(t, w.EndSession(t.Context(), w.admin, uuid.New()), core.ErrNotFound)

	require.NoError(t, w.EndSession(t.Context(), me, all[1].ID))
	_, err = w.Token(t.Context(), refreshWith(first.RefreshToken))
	require.ErrorIs(t, err, core.ErrOAuthGrant)
	_, err = w.process(t).Authenticate(t.Context(), first.AccessToken)
	require.ErrorIs(t, err, auth.ErrInvalid)
	assert.Len(t, w.sessions(t, me, kernel.UserID{}), 1)
	require.ErrorIs(t, w.EndSession(t.Context(), me, all[1].ID), core.ErrNotFound, "ended is gone")
	assert.Contains(t, w.eventTypes(t, w.account.ID), "session.revoked")

	require.NoError(t, w.EndSessions(t.Context(), w.admin, u.ID))
	_, err = w.Token(t.Context(), refreshWith(renewed.RefreshToken))
	require.ErrorIs(t, err, core.ErrOAuthGrant)
	_, err = w.process(t).Authenticate(t.Context(), renewed.AccessToken)
	require.ErrorIs(t, err, auth.ErrInvalid)
	assert.Empty(t, w.sessions(t, w.admin, u.ID))
	w.signIn(t, u.Email)
	assert.Len(t, w.sessions(t, w.admin, u.ID), 1, "they may sign in again")
	require.NoError(t, w.EndSessions(t.Context(), w.actor(t, u.Email), u.ID), "also oneself")
	w.clock.forward(48 * time.Hour)
	require.NoError(t, w.ForgetSessions(t.Context(), w.account.ID))
	var left int
	require.NoError(t, w.db.QueryRow(t.Context(), w.account.ID, `SELECT count(*) FROM sessions WHERE user_id = $1`, []any{u.ID}, &left))
	assert.Zero(t, left)
}

// A refresh that is under way while the session ends makes no token that outlives it.
func TestRefreshWhileTheSessionEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := w.process(t)
	for range 20 {
		session := w.signIn(t, adminEmail)
		actor, err := w.Authenticate(t.Context(), session.AccessToken)
		require.NoError(t, err)
		start := make(chan struct{})
		var got core.TokenAnswer
		var wg sync.WaitGroup
		wg.Go(func() {
			<-start
			got, _ = other.Token(t.Context(), refreshWith(session.RefreshToken)) // may win or lose
		})
		wg.Go(func() {
			<-start
			assert.NoError(t, w.EndSession(t.Context(), actor, actor.Session))
		})
		close(start)
		wg.Wait()
		if got.RefreshToken != "" {
			_, err = w.Token(t.Context(), refreshWith(got.RefreshToken))
			require.ErrorIs(t, err, core.ErrOAuthGrant)
		}
	}
}
