package coreapi

import (
	"context"
	"encoding/base64"
	"errors"
	"math"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/core"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

const (
	formType = "application/x-www-form-urlencoded"
	maxForm  = 16 << 10
)

// Token is an access token and, for people, what renews it.
type Token struct {
	AccessToken  string  `json:"access_token"`
	TokenType    string  `json:"token_type" enums:"Bearer" example:"Bearer"`
	ExpiresIn    int     `json:"expires_in" example:"900"` // seconds
	RefreshToken *string `json:"refresh_token,omitempty" extensions:"!x-nullable"`
	Scope        string  `json:"scope" example:"leads:read leads:write"`
	// The account requires a second factor and the user has none: they can do nothing before they set one up.
	SecondFactorMissing bool `json:"second_factor_missing,omitempty"`
} //	@name	Token

// OAuthError is an error as RFC 6749 writes it.
type OAuthError struct {
	Error       string `json:"error" example:"invalid_grant"`
	Description string `json:"error_description" example:"The e-mail or password is wrong."`
	// With mfa_required: what completes the sign-in together with a code, within five minutes and once.
	MFAToken string `json:"mfa_token,omitempty"`
} //	@name	OAuthError

// KeySet is the set of keys that access tokens are signed with.
type KeySet struct {
	Keys []Key `json:"keys"`
} //	@name	KeySet

// Key is a public key (RFC 8037).
type Key struct {
	KeyType   string `json:"kty" example:"OKP"`
	Curve     string `json:"crv" example:"Ed25519"`
	X         string `json:"x" example:"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"`
	ID        string `json:"kid" example:"Sqkh_HuWo9UagC6I"`
	Use       string `json:"use" example:"sig"`
	Algorithm string `json:"alg" example:"EdDSA"`
} //	@name	Key

// token gives access tokens.
//
//	@ID				createToken
//	@Summary		Get an access token
//	@Description	OAuth 2.0 (RFC 6749), form-encoded. Machines send grant_type=client_credentials with client_id and client_secret, as Basic
//	@Description	or in the form. refresh_token renews a session and is replaced each time: keep the new one; using an old one ends the
//	@Description	session. password is for Rooftop's own front ends only; nobody else may ask people for their passwords. Where the user has a
//	@Description	second factor, the right password is answered with the error mfa_required and an mfa_token: send it with grant_type=mfa and a
//	@Description	code of the app, or a recovery code. scope narrows.
//	@Tags			sign-in
//	@Accept			x-www-form-urlencoded
//	@Param			grant_type		formData	string	true	"how the caller proves who it is"	Enums(client_credentials,refresh_token,password,mfa)
//	@Param			client_id		formData	string	false	"of a machine client or partner"
//	@Param			client_secret	formData	string	false	"of a machine client or partner"
//	@Param			refresh_token	formData	string	false	"of a session"
//	@Param			username		formData	string	false	"the e-mail of a user"
//	@Param			password		formData	string	false	"of a user"
//	@Param			mfa_token		formData	string	false	"of the error mfa_required"
//	@Param			code			formData	string	false	"of an authenticator app, or a recovery code"
//	@Param			scope			formData	string	false	"scopes with spaces between; all there is when left out"
//	@Success		200				{object}	Token
//	@Failure		400				{object}	OAuthError
//	@Failure		401				{object}	OAuthError
//	@Failure		429				{object}	OAuthError
//	@Failure		503				{object}	OAuthError
//	@Router			/oauth/token [post]
func (h handler) token(c echo.Context) error {
	secrets(c)
	form, err := readForm(c)
	if err != nil {
		return oauthError(c, err)
	}
	r := core.TokenRequest{
		GrantType: form.Get("grant_type"), ClientID: form.Get("client_id"), ClientSecret: form.Get("client_secret"),
		Username: form.Get("username"), Password: form.Get("password"), RefreshToken: form.Get("refresh_token"),
		MFAToken: form.Get("mfa_token"), Code: form.Get("code"), Scope: form.Get("scope"),
		UserAgent: c.Request().UserAgent(),
	}
	r.Address = address(c)
	if err := basic(c.Request(), &r); err != nil {
		return oauthError(c, err)
	}
	answer, err := h.core.Token(context.WithoutCancel(c.Request().Context()), r)
	if errors.Is(err, core.ErrMFARequired) {
		httpx.Of(c).Code = core.ErrMFARequired.Code
		return c.JSON(http.StatusBadRequest, OAuthError{
			Error: "mfa_required", Description: core.ErrMFARequired.Public, MFAToken: answer.MFAToken,
		})
	}
	if err != nil {
		return oauthError(c, err)
	}
	return c.JSON(http.StatusOK, Token{
		AccessToken: answer.AccessToken, TokenType: "Bearer", ExpiresIn: answer.ExpiresIn, Scope: answer.Scope,
		RefreshToken: orNull(answer.RefreshToken), SecondFactorMissing: answer.FactorMissing,
	})
}

// secrets keeps answers with tokens out of caches.
func secrets(c echo.Context) {
	c.Response().Header().Set("Cache-Control", "no-store")
	c.Response().Header().Set("Pragma", "no-cache")
}

// readForm reads the body, and nothing of the query: secrets in addresses end up in logs.
func readForm(c echo.Context) (url.Values, error) {
	media, _, err := mime.ParseMediaType(c.Request().Header.Get("Content-Type"))
	if err != nil || media != formType {
		return nil, core.ErrOAuthRequest.Saying("The Content-Type must be " + formType + ".")
	}
	body, err := httpx.Body(c)
	if err != nil {
		return nil, err
	}
	if len(body) > maxForm {
		return nil, core.ErrOAuthRequest.Saying("The form is too large.")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, core.ErrOAuthRequest.Saying("The form cannot be read.")
	}
	for name, values := range form {
		if len(values) > 1 {
			return nil, core.ErrOAuthRequest.Saying("The parameter %q is given more than once.", name)
		}
	}
	return form, nil
}

// basic takes a client's id and secret from the Authorization header, where each is form-encoded (RFC 6749, 2.3.1).
func basic(r *http.Request, into *core.TokenRequest) error {
	given := r.Header.Get("Authorization")
	if given == "" {
		return nil
	}
	const scheme = "Basic "
	if len(given) < len(scheme) || !strings.EqualFold(given[:len(scheme)], scheme) {
		return core.ErrOAuthClient
	}
	raw, err := base64.StdEncoding.DecodeString(given[len(scheme):])
	id, secret, ok := strings.Cut(string(raw), ":")
	if err != nil || !ok {
		return core.ErrOAuthClient
	}
	id, errID := url.QueryUnescape(id)
	secret, errSecret := url.QueryUnescape(secret)
	if errID != nil || errSecret != nil {
		return core.ErrOAuthClient
	}
	if into.ClientSecret != "" || (into.ClientID != "" && into.ClientID != id) {
		return core.ErrOAuthRequest.Saying("Send the client's id and secret either as Basic or in the form.")
	}
	into.ClientID, into.ClientSecret = id, secret
	return nil
}

// oauthError answers in the shape that OAuth libraries read. What is not about the token request is a problem as anywhere.
func oauthError(c echo.Context, err error) error {
	e, ok := errs.As(err)
	if !ok {
		return err
	}
	httpx.Of(c).Code = e.Code
	code, isOAuth := strings.CutPrefix(e.Code, "oauth.")
	if !isOAuth {
		if e.Kind != errs.Throttled && e.Kind != errs.Unavailable {
			return err
		}
		code = "temporarily_unavailable"
	}
	status := httpx.Status(e.Kind)
	h := c.Response().Header()
	if status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Basic realm="rooftop"`)
	}
	if e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
	}
	return c.JSON(status, OAuthError{Error: code, Description: e.Public})
}

// revokeToken voids a token.
//
//	@ID				revokeToken
//	@Summary		Revoke a token
//	@Description	RFC 7009. An access token is void within ten seconds; a refresh token ends its session. Answers 200 also for a token that is
//	@Description	not, or no longer, valid. Who has the token may revoke it: nothing else is asked.
//	@Tags			sign-in
//	@Accept			x-www-form-urlencoded
//	@Param			token			formData	string	true	"an access or refresh token"
//	@Param			token_type_hint	formData	string	false	"not needed"	Enums(access_token,refresh_token)
//	@Success		200
//	@Failure		400	{object}	OAuthError
//	@Router			/oauth/revoke [post]
func (h handler) revokeToken(c echo.Context) error {
	secrets(c)
	form, err := readForm(c)
	if err != nil {
		return oauthError(c, err)
	}
	token := form.Get("token")
	if token == "" {
		return oauthError(c, core.ErrOAuthRequest.Saying("token is missing."))
	}
	if err := h.core.Revoke(context.WithoutCancel(c.Request().Context()), token); err != nil {
		return oauthError(c, err)
	}
	return c.NoContent(http.StatusOK)
}

// jwks publishes the keys.
//
//	@ID				getKeySet
//	@Summary		Keys of access tokens
//	@Description	The public keys that access tokens are signed with (RFC 7517). A new key is here ten minutes before it signs.
//	@Tags			sign-in
//	@Success		200	{object}	KeySet
//	@x-outside		true
//	@Router			/.well-known/jwks.json [get]
func (h handler) jwks(c echo.Context) error {
	keys, err := h.core.Keys.Published(c.Request().Context())
	if err != nil {
		return err
	}
	c.Response().Header().Set("Cache-Control", "public, max-age=300")
	return c.JSON(http.StatusOK, KeySet{Keys: httpx.Mapped(keys, func(k auth.JWK) Key { return Key(k) })})
}
