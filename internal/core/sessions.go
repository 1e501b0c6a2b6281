package core

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/audit"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// Session is what a sign-in begins. Its id is the family of its refresh tokens.
type Session struct {
	ID            uuid.UUID
	User          kernel.UserID
	UserAgent     string // as its last refresh said
	Network       string // of its last refresh; "" when that is not known
	CreatedAt     time.Time
	LastUsedAt    time.Time // its last refresh: people who work refresh every quarter of an hour
	IdleExpiresAt time.Time // it ends then, unless it is used
	ExpiresAt     time.Time // it ends then, however it is used
	EndedAt       *time.Time
}

// PageKey is where a page ends with this session.
func (s Session) PageKey() page.Key { return page.Key{At: s.CreatedAt, ID: s.ID} }

// live tells whether the session has not ended.
func (s Session) live(now time.Time) bool {
	return s.EndedAt == nil && now.Before(s.IdleExpiresAt) && now.Before(s.ExpiresAt)
}

var errNoPerson = auth.ErrForbidden.Saying("Only a person who signed in has sessions, a password and a second factor.")

// ListSessions lists the live sessions of a user: the actor's own when user is zero. Those of others are for who may
// manage users.
func (s *Service) ListSessions(ctx context.Context, actor auth.Actor, user kernel.UserID, p page.Request) (page.Of[Session], error) {
	if user.IsZero() && actor.Kind != auth.KindUser {
		return page.Of[Session]{}, errNoPerson
	}
	if user.IsZero() {
		user = actor.User
	}
	if user != actor.User {
		if err := requireAccountWide(actor, auth.UsersWrite); err != nil {
			return page.Of[Session]{}, err
		}
	}
	return s.Store.ListSessions(ctx, actor.Account, user, s.Now(), p)
}

// EndSession ends one session: the actor's own, or anyone's for who may manage users. Its refresh tokens are dead at once,
// its access tokens within ten seconds on every process. It fails with ErrNotFound when there is no such live session.
func (s *Service) EndSession(ctx context.Context, actor auth.Actor, id uuid.UUID) error {
	if actor.Kind != auth.KindUser {
		if err := requireAccountWide(actor, auth.UsersWrite); err != nil {
			return err
		}
	}
	return s.Units.InTx(ctx, func(ctx context.Context) error {
		now := s.Now()
		found, err := s.Store.Session(ctx, actor.Account, id)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if own := err == nil && actor.Kind == auth.KindUser && found.User == actor.User; !own {
			// Asked before it matters whether there is one: who may not end it is not told.
			if denied := requireAccountWide(actor, auth.UsersWrite); denied != nil {
				return denied
			}
		}
		if err != nil || !found.live(now) {
			return ErrNotFound
		}
		if err := s.Control.RevokeFamily(ctx, actor.Account, id, now, now.Add(2*auth.TokenTTL)); err != nil {
			return err
		}
		err = s.Events.Write(ctx, actor.Account, outbox.Event{
			Type: "session.revoked", Resource: ResourceSession, ID: id, Sequence: 1, Actor: actor, At: now,
		})
		if err != nil {
			return err
		}
		return s.Audit.Write(ctx, actor.Account, audit.Act{
			Act: "session.revoked", Subject: ResourceSession, SubjectID: id, Actor: actor, At: now,
			Changes: []audit.Change{{Field: "user_id", Before: found.User}},
		})
	})
}

// EndSessions ends every session of a user: the actor's own, this one too, or anyone's for who may manage users.
func (s *Service) EndSessions(ctx context.Context, actor auth.Actor, user kernel.UserID) error {
	if own := actor.Kind == auth.KindUser && actor.User == user; !own {
		if err := requireAccountWide(actor, auth.UsersWrite); err != nil {
			return err
		}
	}
	return s.Units.InTx(ctx, func(ctx context.Context) error {
		_, err := s.changeUser(ctx, actor, user, "sessions_ended", loginChange{endSessions: true}, func(u *User) ([]string, error) {
			if u.DeletedAt != nil {
				return nil, ErrNotFound
			}
			return []string{"sessions"}, nil
		})
		return err
	})
}

// ForgetSessions drops the account's sessions that ended some time ago.
func (s *Service) ForgetSessions(ctx context.Context, account kernel.AccountID) error {
	return s.Store.PurgeSessions(ctx, account, s.Now().Add(-sessionKept))
}
