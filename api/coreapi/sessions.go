package coreapi

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/core"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// Session is what a sign-in of a person begins; it lasts as long as it is refreshed.
type Session struct {
	ID         uuid.UUID     `json:"id"`
	UserID     kernel.UserID `json:"user_id"`
	Current    bool          `json:"current"` // the one this request belongs to
	UserAgent  *string       `json:"user_agent" example:"Mozilla/5.0 (Macintosh) Firefox/151.0"`
	Network    *string       `json:"network" example:"192.0.2.0/24"` // it was last refreshed from there; the whole address is not kept
	CreatedAt  time.Time     `json:"created_at"`
	LastUsedAt time.Time     `json:"last_used_at"` // of the last refresh
	ExpiresAt  time.Time     `json:"expires_at"`   // unless it is refreshed before
} //	@name	Session

func fromSession(actor auth.Actor) func(core.Session) Session {
	return func(s core.Session) Session {
		ends := s.IdleExpiresAt
		if s.ExpiresAt.Before(ends) {
			ends = s.ExpiresAt
		}
		return Session{
			ID: s.ID, UserID: s.User, Current: s.ID == actor.Session, UserAgent: orNull(s.UserAgent), Network: orNull(s.Network),
			CreatedAt: s.CreatedAt, LastUsedAt: s.LastUsedAt, ExpiresAt: ends,
		}
	}
}

// listSessions pages through the live sessions of a user.
//
//	@ID				listSessions
//	@Summary		List sessions
//	@Description	The live sessions of the caller, or with user_id those of another user, which takes users:write for the whole account.
//	@Tags			sign-in
//	@Param			user_id	query		string		false	"of this user; the caller when left out"	format(uuid)
//	@Param			sort	query		string		false	"order"										Enums(created_at,-created_at)
//	@Param			fields	query		[]string	false	"only these fields; id always"				collectionFormat(csv)
//	@Success		200		{object}	httpx.ListOf[Session]
//	@Security		Bearer
//	@Router			/sessions [get]
func (h handler) listSessions(c echo.Context) error {
	q := httpx.NewQuery(c)
	user := value(httpx.QueryID[kernel.UserID](q, "user_id"))
	q.Fields(Session{})
	p := q.Page("-created_at", "created_at")
	if err := q.Err(); err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	found, err := h.core.ListSessions(c.Request().Context(), actor, user, p)
	if err != nil {
		return err
	}
	return httpx.List(c, q, page.Map(found, fromSession(actor)))
}

// endSession ends a session.
//
//	@ID				endSession
//	@Summary		End a session
//	@Description	One of the caller's own, or with users:write for the whole account anyone's. Its refresh token is dead at once, its access
//	@Description	tokens are refused within ten seconds everywhere.
//	@Tags			sign-in
//	@Param			id	path	string	true	"id of the session"	format(uuid)
//	@Success		204
//	@Security		Bearer
//	@Router			/sessions/{id} [delete]
func (h handler) endSession(c echo.Context) error {
	id, err := httpx.PathID[uuid.UUID](c, "id")
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		return httpx.Reply{}, h.core.EndSession(ctx, actor, id)
	})
}

// endSessions ends all sessions of a user.
//
//	@ID				endUserSessions
//	@Summary		End every session of a user
//	@Description	Signs the user out everywhere: refresh tokens are dead at once, access tokens are refused within ten seconds. A user may do so
//	@Description	for themselves, which ends the present session too; for others it takes users:write for the whole account.
//	@Tags			users
//	@Param			id	path	string	true	"id of the user"	format(uuid)
//	@Success		204
//	@Security		Bearer
//	@Router			/users/{id}/end-sessions [post]
func (h handler) endSessions(c echo.Context) error {
	id, err := httpx.PathID[kernel.UserID](c, "id")
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		return httpx.Reply{}, h.core.EndSessions(ctx, actor, id)
	})
}
