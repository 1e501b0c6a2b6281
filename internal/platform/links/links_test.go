package links_test

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
	"github.com/rooftop-crm/rooftop/internal/platform/links"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

const purpose = "thing.see"

type setup struct {
	db      *db.DB
	store   *links.Store
	a, b    kernel.AccountID
	subject uuid.UUID
	now     time.Time
}

func newSetup(t *testing.T) *setup {
	t.Helper()
	s := &setup{db: dbtest.New(t), subject: uuid.New(), now: time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)}
	s.store = links.NewStore(s.db, func() time.Time { return s.now })
	for _, id := range []*kernel.AccountID{&s.a, &s.b} {
		*id = kernel.NewID[kernel.AccountID]()
		_, err := s.db.ExecControl(t.Context(), `INSERT INTO accounts (id, name, created_at, updated_at) VALUES ($1, 'Group', $2, $2)`, *id, s.now)
		require.NoError(t, err)
	}
	return s
}

func (s *setup) issue(t *testing.T, n links.New) (token string, l links.Link) {
	t.Helper()
	require.NoError(t, s.db.InTx(t.Context(), func(ctx context.Context) (err error) {
		token, l, err = s.store.Issue(ctx, auth.System(s.a), n)
		return err
	}))
	return token, l
}

func (s *setup) use(ctx context.Context, token string) (l links.Link, err error) {
	err = s.db.InTx(ctx, func(ctx context.Context) error {
		l, err = s.store.Use(ctx, purpose, token)
		return err
	})
	return l, err
}

func (s *setup) works(t *testing.T, token string) bool {
	t.Helper()
	_, err := s.store.Open(t.Context(), purpose, token)
	if err != nil {
		require.ErrorIs(t, err, links.ErrNotFound)
	}
	return err == nil
}

func TestALinkOpensForItsPurposeUntilItEnds(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	token, made := s.issue(t, links.New{Purpose: purpose, Subject: s.subject, ExpiresIn: time.Hour})

	raw, err := base64.RawURLEncoding.DecodeString(token)
	require.NoError(t, err)
	assert.Len(t, raw, 32)
	got, err := s.store.Open(t.Context(), purpose, token)
	require.NoError(t, err)
	assert.Equal(t, made, got)
	assert.Equal(t, s.a, got.Account)
	assert.Equal(t, s.subject, got.Subject)

	_, err = s.store.Open(t.Context(), "thing.change", token)
	require.ErrorIs(t, err, links.ErrNotFound, "one purpose each")
	for _, wrong := range []string{"", "x", token + "A", token[1:], strings.ToUpper(token), strings.Repeat("A", 1<<16)} {
		assert.False(t, s.works(t, wrong))
	}
	s.now = s.now.Add(time.Hour - time.Millisecond)
	assert.True(t, s.works(t, token))
	s.now = s.now.Add(time.Millisecond)
	assert.False(t, s.works(t, token))
	_, err = s.use(t.Context(), token)
	require.ErrorIs(t, err, links.ErrNotFound)
}

func TestTheTokenIsNotKept(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	token, _ := s.issue(t, links.New{Purpose: purpose, Subject: s.subject})
	var row string
	require.NoError(t, s.db.QueryRowControl(t.Context(), `SELECT secret_links::text || encode(token_hash, 'escape') FROM secret_links`, nil, &row))
	assert.NotContains(t, row, token)
	assert.True(t, s.works(t, token), "without an end it works")
	s.now = s.now.AddDate(50, 0, 0)
	assert.True(t, s.works(t, token), "and goes on working")
}

func TestASingleUseIsOneAndComesBackWithARollback(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	token, _ := s.issue(t, links.New{Purpose: purpose, Subject: s.subject, SingleUse: true, ExpiresIn: time.Hour})
	changed := errors.New("changed my mind")
	require.ErrorIs(t, s.db.InTx(t.Context(), func(ctx context.Context) error {
		if _, err := s.store.Use(ctx, purpose, token); err != nil {
			return err
		}
		return changed
	}), changed)

	const racers = 16
	var start, done sync.WaitGroup
	results := make(chan error, racers)
	start.Add(1)
	for range racers {
		done.Go(func() {
			start.Wait()
			_, err := s.use(context.Background(), token)
			results <- err
		})
	}
	start.Done()
	done.Wait()
	close(results)
	won := 0
	for err := range results {
		if err == nil {
			won++
			continue
		}
		require.ErrorIs(t, err, links.ErrNotFound)
	}
	assert.Equal(t, 1, won)
	assert.False(t, s.works(t, token))

	_, err := s.store.Use(t.Context(), purpose, token)
	require.ErrorIs(t, err, db.ErrNoTransaction, "a use outside a transaction could not be undone")
}

func TestOthersMayBeUsedAgain(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	token, _ := s.issue(t, links.New{Purpose: purpose, Subject: s.subject, ExpiresIn: time.Hour})
	first, err := s.use(t.Context(), token)
	require.NoError(t, err)
	at := s.now
	s.now = s.now.Add(time.Minute)
	second, err := s.use(t.Context(), token)
	require.NoError(t, err)
	assert.Equal(t, &at, first.UsedAt)
	assert.Equal(t, &at, second.UsedAt, "the first use is the one that is noted")
}

func TestRevoking(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	one, link := s.issue(t, links.New{Purpose: purpose, Subject: s.subject, ExpiresIn: time.Hour})
	two, _ := s.issue(t, links.New{Purpose: purpose, Subject: s.subject, ExpiresIn: time.Hour})
	other, _ := s.issue(t, links.New{Purpose: purpose, Subject: uuid.New(), ExpiresIn: time.Hour})
	in := func(fn func(ctx context.Context) error) {
		t.Helper()
		require.NoError(t, s.db.InTx(t.Context(), fn))
	}

	in(func(ctx context.Context) error { return s.store.Revoke(ctx, s.b, purpose, link.ID) })
	in(func(ctx context.Context) error { return s.store.RevokeAll(ctx, s.b, purpose, s.subject) })
	in(func(ctx context.Context) error { return s.store.Revoke(ctx, s.a, "thing.change", link.ID) })
	assert.True(t, s.works(t, one), "neither another account nor another purpose ends it")
	_, err := s.store.Find(t.Context(), s.b, purpose, link.ID)
	require.ErrorIs(t, err, links.ErrNotFound)
	listed, err := s.store.List(t.Context(), s.b, purpose, s.subject)
	require.NoError(t, err)
	assert.Empty(t, listed)

	in(func(ctx context.Context) error { return s.store.Revoke(ctx, s.a, purpose, link.ID) })
	assert.False(t, s.works(t, one))
	assert.True(t, s.works(t, two))
	found, err := s.store.Find(t.Context(), s.a, purpose, link.ID)
	require.NoError(t, err)
	assert.False(t, found.Works(s.now))
	assert.Equal(t, &s.now, found.RevokedAt)

	in(func(ctx context.Context) error { return s.store.RevokeAll(ctx, s.a, purpose, s.subject) })
	assert.False(t, s.works(t, two))
	assert.True(t, s.works(t, other))
	listed, err = s.store.List(t.Context(), s.a, purpose, s.subject)
	require.NoError(t, err)
	assert.Len(t, listed, 2)
	assert.Equal(t, link.ID, listed[1].ID, "newest first")
}

func TestPurgeForgetsWhatEndedLongAgo(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	_, short := s.issue(t, links.New{Purpose: purpose, Subject: s.subject, ExpiresIn: time.Hour})
	s.issue(t, links.New{Purpose: purpose, Subject: s.subject})
	_, revoked := s.issue(t, links.New{Purpose: purpose, Subject: s.subject})
	require.NoError(t, s.db.InTx(t.Context(), func(ctx context.Context) error { return s.store.Revoke(ctx, s.a, purpose, revoked.ID) }))
	s.now = s.now.Add(29 * 24 * time.Hour)
	n, err := s.store.Purge(t.Context())
	require.NoError(t, err)
	assert.Zero(t, n)
	s.now = s.now.Add(2 * 24 * time.Hour)
	n, err = s.store.Purge(t.Context())
	require.NoError(t, err)
	assert.EqualValues(t, 2, n)
	listed, err := s.store.List(t.Context(), s.a, purpose, s.subject)
	require.NoError(t, err)
	require.Len(t, listed, 1)
	assert.NotEqual(t, short.ID, listed[0].ID, "a link without an end is kept")
}
