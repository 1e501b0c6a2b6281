package coreapi

import (
	"context"
	"net/http"
	"net/netip"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/core"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/merge"
)

// AcceptInvitation is what an invited person answers with.
type AcceptInvitation struct {
	Token     string  `json:"token" validate:"required,max=200" example:"kq3v0eHkq8bX0rEo2p1n4y6Q9J3sW5tU7aZcVbNmXyI"` // of the link
	Password  string  `json:"password" validate:"required" example:"trois toits sous la pluie"`                        // 12 to 128 characters
	FirstName *string `json:"first_name,omitempty" validate:"omitempty,max=200" example:"Jeanne"`                      // as they were invited when left out
	LastName  *string `json:"last_name,omitempty" validate:"omitempty,max=200" example:"Martin"`
} //	@name	AcceptInvitation

// AcceptedInvitation is by what the person signs in from now on.
type AcceptedInvitation struct {
	Email string `json:"email" format:"email" example:"jeanne@garage-dupont.example"`
} //	@name	AcceptedInvitation

// RequestPasswordReset says who has forgotten the password.
type RequestPasswordReset struct {
	Email string `json:"email" validate:"required,max=400" example:"jeanne@garage-dupont.example"`
} //	@name	RequestPasswordReset

// CompletePasswordReset is the new password.
type CompletePasswordReset struct {
	Token    string `json:"token" validate:"required,max=200" example:"kq3v0eHkq8bX0rEo2p1n4y6Q9J3sW5tU7aZcVbNmXyI"` // of the link
	Password string `json:"password" validate:"required" example:"quatre toits sous la neige"`                       // 12 to 128 characters
} //	@name	CompletePasswordReset

// DeactivateUser says who gets the open leads.
type DeactivateUser struct {
	// Who gets the user's open leads: a user, or null for the pool. They stay where they are when it is left out.
	HandOverTo merge.Field[kernel.UserID] `json:"hand_over_to"`
} //	@name	DeactivateUser

// DeactivatedUser is a user who can no longer sign in, and what they leave behind.
type DeactivatedUser struct {
	User            User     `json:"user"`
	LeadsHandedOver int      `json:"leads_handed_over" example:"42"` // so far
	LeadsToPool     int      `json:"leads_to_pool" example:"0"`      // of them, those that nobody has now
	LeadsPending    bool     `json:"leads_pending"`                  // the rest is being handed over
	APIKeys         []APIKey `json:"api_keys"`                       // that the user made and that still work: revoke those they know
} //	@name	DeactivatedUser

// inviteUser sends an invitation.
//
//	@ID				inviteUser
//	@Summary		Invite a user
//	@Description	Mails a user who has no password yet a link, good for seven days and once, by which they choose one. A link sent before is void.
//	@Tags			users
//	@Param			id	path		string	true	"id of the user"	format(uuid)
//	@Success		200	{object}	User
//	@Failure		409	{object}	httpx.Problem	"the user has a password or is disabled, or this installation sends no mail"
//	@Security		Bearer
//	@Router			/users/{id}/invite [post]
func (h handler) inviteUser(c echo.Context) error {
	return h.onUser(c, h.core.InviteUser)
}

// revokeInvitation voids an invitation.
//
//	@ID				revokeInvitation
//	@Summary		Revoke an invitation
//	@Description	Voids the link that the user was sent. Where there is none, nothing changes.
//	@Tags			users
//	@Param			id	path		string	true	"id of the user"	format(uuid)
//	@Success		200	{object}	User
//	@Security		Bearer
//	@Router			/users/{id}/revoke-invitation [post]
func (h handler) revokeInvitation(c echo.Context) error {
	return h.onUser(c, h.core.RevokeInvitation)
}

// onUser runs a verb on one user.
func (h handler) onUser(c echo.Context, do func(context.Context, auth.Actor, kernel.UserID) (core.User, error)) error {
	id, err := httpx.PathID[kernel.UserID](c, "id")
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		u, err := do(ctx, actor, id)
		return userReply(u), err
	})
}

// deactivateUser disables a user and hands the work over.
//
//	@ID				deactivateUser
//	@Summary		Deactivate a user
//	@Description	The user can no longer sign in, their sessions end, and their open leads go to a colleague or to the pool. Leads of dealerships
//	@Description	that the colleague does not work for go to the pool. Many leads are finished in the background. The answer lists the keys that
//	@Description	the user made: they go on working until they are revoked.
//	@Tags			users
//	@Accept			json
//	@Param			id		path		string			true	"id of the user"	format(uuid)
//	@Param			body	body		DeactivateUser	true	"who gets the leads"
//	@Success		200		{object}	DeactivatedUser
//	@Failure		409		{object}	httpx.Problem	"this is the last administrator"
//	@Security		Bearer
//	@Router			/users/{id}/deactivate [post]
func (h handler) deactivateUser(c echo.Context) error {
	in, err := httpx.Bind[DeactivateUser](c)
	if err != nil {
		return err
	}
	return httpx.OnOne(c, h.units, func(ctx context.Context, actor auth.Actor, id kernel.UserID, ifMatch *int64) (httpx.Reply, error) {
		var to *kernel.UserID
		if in.HandOverTo.Set {
			to = &in.HandOverTo.Value // zero for null
		}
		d, err := h.core.DeactivateUser(ctx, actor, id, ifMatch, to)
		return httpx.Reply{Version: d.User.Version, Body: DeactivatedUser{
			User: fromUser(d.User), LeadsHandedOver: d.Leads, LeadsToPool: d.ToPool, LeadsPending: d.More, APIKeys: httpx.Mapped(d.Keys, fromAPIKey),
		}}, err
	})
}

// reactivateUser lets a user in again.
//
//	@ID				reactivateUser
//	@Summary		Reactivate a user
//	@Description	The user can sign in again with the password they had. Leads that were handed over stay where they are.
//	@Tags			users
//	@Param			id	path		string	true	"id of the user"	format(uuid)
//	@Success		200	{object}	User
//	@Security		Bearer
//	@Router			/users/{id}/reactivate [post]
func (h handler) reactivateUser(c echo.Context) error {
	return httpx.OnOne(c, h.units, func(ctx context.Context, actor auth.Actor, id kernel.UserID, ifMatch *int64) (httpx.Reply, error) {
		u, err := h.core.ReactivateUser(ctx, actor, id, ifMatch)
		return userReply(u), err
	})
}

// address is where a request comes from; the zero one, which shares one count of failures, when it is no address.
func address(c echo.Context) netip.Addr {
	ip, err := netip.ParseAddr(c.RealIP())
	if err != nil {
		return netip.Addr{}
	}
	return ip
}

// acceptInvitation gives an invited person a password.
//
//	@ID				acceptInvitation
//	@Summary		Accept an invitation
//	@Description	Sets the password of who was invited, by the token of the link in the mail, which works once. It opens no session: sign in at
//	@Description	POST /v1/oauth/token with the e-mail in the answer, so that there is one way in, throttled and with its second factor.
//	@Tags			sign-in
//	@Accept			json
//	@Param			body	body		AcceptInvitation	true	"token and password"
//	@Success		200		{object}	AcceptedInvitation
//	@Failure		400		{object}	httpx.Problem	"the link does not work"
//	@Router			/invitations/accept [post]
func (h handler) acceptInvitation(c echo.Context) error {
	secrets(c)
	in, err := httpx.Bind[AcceptInvitation](c)
	if err != nil {
		return err
	}
	email, err := h.core.AcceptInvitation(context.WithoutCancel(c.Request().Context()), core.Acceptance{
		Token: in.Token, Password: in.Password, FirstName: in.FirstName, LastName: in.LastName, Address: address(c),
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, AcceptedInvitation{Email: email})
}

// requestPasswordReset sends a link.
//
//	@ID				requestPasswordReset
//	@Summary		Ask for a new password
//	@Description	Mails whoever signs in with the e-mail a link, good for thirty minutes and once. The answer is the same whether or not there is
//	@Description	such a user. It works while sign-in is locked after wrong passwords.
//	@Tags			sign-in
//	@Accept			json
//	@Param			body	body	RequestPasswordReset	true	"who"
//	@Success		202
//	@Failure		409	{object}	httpx.Problem	"this installation sends no mail"
//	@Router			/password-resets [post]
func (h handler) requestPasswordReset(c echo.Context) error {
	in, err := httpx.Bind[RequestPasswordReset](c)
	if err != nil {
		return err
	}
	if err := h.core.RequestPasswordReset(context.WithoutCancel(c.Request().Context()), in.Email, address(c)); err != nil {
		return err
	}
	return c.NoContent(http.StatusAccepted)
}

// completePasswordReset sets the new password.
//
//	@ID				completePasswordReset
//	@Summary		Set the new password
//	@Description	By the token of the link in the mail. Ends every session of the user and tells them by mail. It opens no session, and a second
//	@Description	factor is still asked for at sign-in.
//	@Tags			sign-in
//	@Accept			json
//	@Param			body	body	CompletePasswordReset	true	"token and password"
//	@Success		204
//	@Failure		400	{object}	httpx.Problem	"the link does not work"
//	@Router			/password-resets/complete [post]
func (h handler) completePasswordReset(c echo.Context) error {
	secrets(c)
	in, err := httpx.Bind[CompletePasswordReset](c)
	if err != nil {
		return err
	}
	if err := h.core.CompletePasswordReset(context.WithoutCancel(c.Request().Context()), in.Token, in.Password, address(c)); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
