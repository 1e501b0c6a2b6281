package core

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/netip"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/fold"
)

// FirstPartyClient is the client_id in the tokens of people: they sign in to Rooftop itself.
const FirstPartyClient = "rooftop"

// The errors of the token endpoint. The last part of each code is the error of RFC 6749.
var (
	ErrOAuthRequest     = errs.New(errs.Unreadable, "oauth.invalid_request", "The request lacks a parameter, or repeats one.")
	ErrOAuthClient      = errs.New(errs.Unauthenticated, "oauth.invalid_client", "The client is unknown, its secret is wrong, or it was revoked.")
	ErrOAuthGrant       = errs.New(errs.Unreadable, "oauth.invalid_grant", "The e-mail, password or code is wrong, or the token sent is not, or no longer, valid.")
	ErrOAuthUnsupported = errs.New(errs.Unreadable, "oauth.unsupported_grant_type", "grant_type is client_credentials, refresh_token, password or mfa.")
	// ErrMFARequired comes with the MFAToken that completes the sign-in together with a code.
	ErrMFARequired = errs.New(errs.Unreadable, "oauth.mfa_required",
		"The password is right, and the user has a second factor: send grant_type=mfa with the mfa_token and a code.")
	ErrOAuthScope = errs.New(errs.Unreadable, "oauth.invalid_scope", "The scope is unknown, or more than the caller has.")
)

// TokenRequest is what the token endpoint is asked.
type TokenRequest struct {
	GrantType    string
	ClientID     string
	ClientSecret string
	Username     string
	Password     string
	RefreshToken string
	MFAToken     string // of ErrMFARequired
	Code         string // of an authenticator app, or a recovery code
	Scope        string // "" for all there is
	Address      netip.Addr
	UserAgent    string
}

// TokenAnswer is what it answers.
type TokenAnswer struct {
	AccessToken  string
	RefreshToken string // "" for machines
	ExpiresIn    int    // seconds
	Scope        string
	// FactorMissing says that the user can do nothing before they have set up a second factor.
	FactorMissing bool
	// MFAToken comes with ErrMFARequired, and nothing else then.
	MFAToken string
}

// Token exchanges a client's secret, a refresh token or a password for an access token. Its errors for the caller are
// the ErrOAuth… above, ErrThrottled and auth.ErrBusy.
func (s *Service) Token(ctx context.Context, r TokenRequest) (TokenAnswer, error) {
	var exchange func(context.Context, TokenRequest) (TokenAnswer, error)
	switch r.GrantType {
	case "client_credentials":
		exchange = s.clientToken
	case "refresh_token":
		exchange = s.refreshToken
	case "password":
		exchange = s.passwordToken
	case "mfa":
		exchange = s.mfaToken
	case "":
		return TokenAnswer{}, ErrOAuthRequest.Saying("grant_type is missing.")
	default:
		return TokenAnswer{}, ErrOAuthUnsupported
	}
	if r.GrantType != "client_credentials" && r.ClientID != "" && r.ClientID != FirstPartyClient {
		return TokenAnswer{}, ErrOAuthClient
	}
	if _, known := auth.SplitScopes(r.Scope); !known {
		return TokenAnswer{}, ErrOAuthScope
	}
	if err := s.addresses.take(r.Address); err != nil {
		return TokenAnswer{}, err
	}
	answer, err := exchange(ctx, r)
	if !errors.Is(err, ErrOAuthClient) && !errors.Is(err, ErrOAuthGrant) {
		s.addresses.giveBack(r.Address) // only a wrong credential counts
	}
	return answer, err
}

func (s *Service) clientToken(ctx context.Context, r TokenRequest) (TokenAnswer, error) {
	if r.ClientID == "" || r.ClientSecret == "" || !storable(r.ClientID) {
		return TokenAnswer{}, ErrOAuthClient
	}
	c, err := s.Control.CredentialByClient(ctx, r.ClientID)
	if errors.Is(err, ErrNotFound) {
		return TokenAnswer{}, ErrOAuthClient
	}
	if err != nil {
		return TokenAnswer{}, err
	}
	sum := sha256.Sum256([]byte(r.ClientSecret))
	right := subtle.ConstantTimeCompare(sum[:], c.SecretHash) | subtle.ConstantTimeCompare(sum[:], c.NextHash)
	if right != 1 || !c.usable(s.Now()) {
		return TokenAnswer{}, ErrOAuthClient
	}
	tok := auth.Token{
		Kind: c.Kind, Subject: uuid.UUID(c.ID), ClientID: c.ClientID, Account: c.Account, Version: c.TokenVersion,
	}
	return s.answer(ctx, tok, reachOf(credentialActor(c)), r.Scope)
}

// reachOf is every scope an actor has anywhere.
func reachOf(a auth.Actor) auth.ScopeSet {
	all := a.Scopes
	for _, scopes := range a.At {
		all = all.Union(scopes)
	}
	return all
}

// answer signs the token, narrowed to the scope that was asked for.
func (s *Service) answer(ctx context.Context, tok auth.Token, held auth.ScopeSet, scope string) (TokenAnswer, error) {
	if scope != "" {
		wanted, _ := auth.SplitScopes(scope)
		if wanted == 0 || wanted&^held != 0 {
			return TokenAnswer{}, ErrOAuthScope
		}
		tok.Narrowed, tok.Scopes, held = true, wanted, wanted
	}
	signed, _, err := s.Tokens.Sign(ctx, tok)
	if err != nil {
		return TokenAnswer{}, err
	}
	return TokenAnswer{AccessToken: signed, ExpiresIn: int(auth.TokenTTL.Seconds()), Scope: auth.JoinScopes(held)}, nil
}

// passwordToken signs a person in. Whether there is such a user shows neither in the answer nor in the time it takes.
func (s *Service) passwordToken(ctx context.Context, r TokenRequest) (TokenAnswer, error) {
	if r.Username == "" || r.Password == "" {
		return TokenAnswer{}, ErrOAuthRequest.Saying("username and password are required.")
	}
	email, ok := fold.Email(r.Username)
	if !ok || len(r.Password) > 4*auth.MaxPassword {
		return TokenAnswer{}, ErrOAuthGrant
	}
	if err := s.attempt(ctx, email); err != nil {
		return TokenAnswer{}, err
	}
	login, err := s.Control.LoginByEmail(ctx, email)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return TokenAnswer{}, err
	}
	right, outdated, err := s.Hasher.Check(ctx, login.PasswordHash, r.Password)
	if err != nil {
		return TokenAnswer{}, err
	}
	if !right || login.DisabledAt != nil {
		return TokenAnswer{}, ErrOAuthGrant
	}
	if outdated {
		if err := s.rehash(ctx, login, r.Password); err != nil {
			return TokenAnswer{}, err
		}
	}
	factor, err := s.Store.SecondFactor(ctx, login.Account, login.User)
	switch {
	case err == nil && factor.ConfirmedAt != nil:
		return TokenAnswer{MFAToken: s.challenge(login, r.Scope), ExpiresIn: int(challengeTTL.Seconds())}, ErrMFARequired
	case err != nil && !errors.Is(err, ErrNotFound):
		return TokenAnswer{}, err
	}
	return s.openSession(ctx, login, r)
}

// rehash stores a password at the present cost.
func (s *Service) rehash(ctx context.Context, login Login, password string) error {
	hash, err := s.Hasher.Hash(ctx, password)
	if err != nil {
		return err
	}
	_, err = s.Control.UpdateLogin(ctx, login.Account, login.User, func(l *Login) {
		if l.PasswordHash == login.PasswordHash { // else it was changed meanwhile
			l.PasswordHash = hash
		}
	})
	return err
}

// Revoke voids an access token, or ends the session of a refresh token (RFC 7009). A token that is not valid is no error.
func (s *Service) Revoke(ctx context.Context, token string) error {
	now := s.Now()
	if isRefresh(token) {
		return s.Units.InTx(ctx, func(ctx context.Context) error {
			r, err := s.Control.Refresh(ctx, auth.HashSecret(token))
			if err != nil {
				return ignoreNotFound(err)
			}
			return s.Control.RevokeFamily(ctx, r.Account, r.Family, now, now.Add(auth.TokenTTL*2))
		})
	}
	tok, err := s.Tokens.Verify(ctx, token)
	if errs.IsKind(err, errs.Unauthenticated) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.Control.RevokeToken(ctx, tok.ID, tok.ExpiresAt.Add(auth.TokenTTL))
}

func ignoreNotFound(err error) error {
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// userReach is every scope a user has now, or would have with the second factor that they lack.
func (s *Service) userReach(ctx context.Context, account kernel.AccountID, user kernel.UserID) (reach auth.ScopeSet, factorMissing bool, err error) {
	u, err := s.Control.UserState(ctx, account, user, uuid.Nil, uuid.Nil)
	return u.reach(), u.FactorMissing, err
}
