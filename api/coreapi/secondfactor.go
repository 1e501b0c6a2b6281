package coreapi

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/kernel"
)

// SecondFactor is what the caller proves at sign-in besides the password.
type SecondFactor struct {
	Enabled           bool       `json:"enabled"`
	ConfirmedAt       *time.Time `json:"confirmed_at"`
	RecoveryCodesLeft int        `json:"recovery_codes_left" example:"10"`
} //	@name	SecondFactor

// BeginSecondFactor is the caller's password.
type BeginSecondFactor struct {
	Password string `json:"password" validate:"required" example:"trois toits sous la pluie"`
} //	@name	BeginSecondFactor

// SecondFactorSecret is the secret of an authenticator app, shown this once. It is null in the answer to a repeated request.
type SecondFactorSecret struct {
	Secret *string `json:"secret" example:"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"` // to type into the app
	URI    *string `json:"otpauth_uri" example:"otpauth://totp/Rooftop:jeanne@garage-dupont.example?secret=JBSWY3DPEHPK3PXP"`
} //	@name	SecondFactorSecret

// SecondFactorCode is a code of the app.
type SecondFactorCode struct {
	Code string `json:"code" validate:"required,max=100" example:"287082"`
} //	@name	SecondFactorCode

// SecondFactorProof is the caller's password and a code.
type SecondFactorProof struct {
	Password string `json:"password" validate:"required" example:"trois toits sous la pluie"`
	Code     string `json:"code" validate:"required,max=100" example:"287082"` // of the app, or a recovery code
} //	@name	SecondFactorProof

// RecoveryCodes stand in for the app, each once. They are shown this once, and are null in the answer to a repeated request.
type RecoveryCodes struct {
	Codes *[]string `json:"recovery_codes" example:"mfra-4tqx-7wz2-hlk5"`
} //	@name	RecoveryCodes

func recoveryReply(codes []string) httpx.Reply {
	return httpx.Reply{Body: RecoveryCodes{Codes: &codes}, Redacted: RecoveryCodes{}}
}

// getSecondFactor tells about the caller's second factor.
//
//	@ID				getSecondFactor
//	@Summary		Read my second factor
//	@Description	Whether signing in takes a code besides the password, and how many recovery codes are left.
//	@Tags			sign-in
//	@Success		200	{object}	SecondFactor
//	@Security		Bearer
//	@Router			/me/second-factor [get]
func (h handler) getSecondFactor(c echo.Context) error {
	q := httpx.NewQuery(c)
	if err := q.Err(); err != nil {
		return err
	}
	f, err := h.core.FindSecondFactor(c.Request().Context(), httpx.ActorOf(c))
	if err != nil {
		return err
	}
	return httpx.One(c, q, httpx.Reply{Body: SecondFactor{
		Enabled: f.ConfirmedAt != nil, ConfirmedAt: f.ConfirmedAt, RecoveryCodesLeft: f.CodesLeft,
	}})
}

// beginSecondFactor makes the secret. The password is proved before the unit of work: what counts wrong guesses must stay
// when the request fails.
//
//	@ID				beginSecondFactor
//	@Summary		Set up a second factor
//	@Description	Makes the secret for an authenticator app (RFC 6238: SHA-1, six digits, 30 seconds), shown this once; show otpauth_uri as a QR
//	@Description	code. It is in force once a code of it was confirmed. Beginning again makes another one.
//	@Tags			sign-in
//	@Accept			json
//	@Param			body	body		BeginSecondFactor	true	"the caller's password"
//	@Success		201		{object}	SecondFactorSecret
//	@Failure		409		{object}	httpx.Problem	"there is a second factor already"
//	@Security		Bearer
//	@Router			/me/second-factor [post]
func (h handler) beginSecondFactor(c echo.Context) error {
	in, err := httpx.Bind[BeginSecondFactor](c)
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	if err := h.core.ProvePassword(context.WithoutCancel(c.Request().Context()), actor, in.Password); err != nil {
		return err
	}
	secrets(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		e, err := h.core.BeginSecondFactor(ctx, actor)
		return httpx.Reply{
			Status: http.StatusCreated, Body: SecondFactorSecret{Secret: &e.Secret, URI: &e.URI}, Redacted: SecondFactorSecret{},
		}, err
	})
}

// confirmSecondFactor sets it in force.
//
//	@ID				confirmSecondFactor
//	@Summary		Confirm the second factor
//	@Description	A code of the app sets the second factor in force: from now on signing in takes one. Answers with ten recovery codes, shown
//	@Description	this once; each signs in once in place of the app.
//	@Tags			sign-in
//	@Accept			json
//	@Param			body	body		SecondFactorCode	true	"a code of the app"
//	@Success		200		{object}	RecoveryCodes
//	@Failure		409		{object}	httpx.Problem	"nothing was begun, or it is confirmed already"
//	@Security		Bearer
//	@Router			/me/second-factor/confirm [post]
func (h handler) confirmSecondFactor(c echo.Context) error {
	in, err := httpx.Bind[SecondFactorCode](c)
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	if err := h.core.CountCode(context.WithoutCancel(c.Request().Context()), actor); err != nil {
		return err
	}
	secrets(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		codes, err := h.core.ConfirmSecondFactor(ctx, actor, in.Code)
		return recoveryReply(codes), err
	})
}

// renewRecoveryCodes replaces the recovery codes.
//
//	@ID				renewRecoveryCodes
//	@Summary		Renew the recovery codes
//	@Description	Voids the recovery codes, used or not, and answers with ten others, shown this once.
//	@Tags			sign-in
//	@Accept			json
//	@Param			body	body		SecondFactorProof	true	"password and code"
//	@Success		200		{object}	RecoveryCodes
//	@Failure		409		{object}	httpx.Problem	"there is no second factor"
//	@Security		Bearer
//	@Router			/me/second-factor/recovery-codes [post]
func (h handler) renewRecoveryCodes(c echo.Context) error {
	in, err := httpx.Bind[SecondFactorProof](c)
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	if err := h.core.ProvePassword(context.WithoutCancel(c.Request().Context()), actor, in.Password); err != nil {
		return err
	}
	secrets(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		codes, err := h.core.RenewRecoveryCodes(ctx, actor, in.Code)
		return recoveryReply(codes), err
	})
}

// disableSecondFactor takes it away.
//
//	@ID				disableSecondFactor
//	@Summary		Disable my second factor
//	@Description	Needs the password and a code, of the app or a recovery code. Where the account requires a second factor, the user can do
//	@Description	nothing until they have set up another one.
//	@Tags			sign-in
//	@Accept			json
//	@Param			body	body	SecondFactorProof	true	"password and code"
//	@Success		204
//	@Failure		409	{object}	httpx.Problem	"there is no second factor"
//	@Security		Bearer
//	@Router			/me/second-factor/disable [post]
func (h handler) disableSecondFactor(c echo.Context) error {
	in, err := httpx.Bind[SecondFactorProof](c)
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	if err := h.core.ProvePassword(context.WithoutCancel(c.Request().Context()), actor, in.Password); err != nil {
		return err
	}
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		return httpx.Reply{}, h.core.DisableSecondFactor(ctx, actor, in.Code)
	})
}

// resetSecondFactor takes another user's second factor away.
//
//	@ID				resetUserSecondFactor
//	@Summary		Reset a user's second factor
//	@Description	For who has lost the app and the recovery codes: the user signs in with the password alone until they set up another one. They
//	@Description	are told by mail. Nobody can do so for someone who has more rights than they do.
//	@Tags			users
//	@Param			id	path	string	true	"id of the user"	format(uuid)
//	@Success		204
//	@Failure		409	{object}	httpx.Problem	"the user has no second factor"
//	@Security		Bearer
//	@Router			/users/{id}/reset-second-factor [post]
func (h handler) resetSecondFactor(c echo.Context) error {
	id, err := httpx.PathID[kernel.UserID](c, "id")
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		return httpx.Reply{}, h.core.ResetSecondFactor(ctx, actor, id)
	})
}
