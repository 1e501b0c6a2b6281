package core

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
)

// touchEvery is how exactly the last use of a key is known.
const touchEvery = time.Minute

// Authenticate tells who presents a credential: an access token, an API key or a site key. Whoever may not is answered
// with auth.ErrInvalid, or auth.ErrExpired for a token whose time is over. What was verified is believed for
// auth.CacheTTL, so a revoked credential is refused within ten seconds on every process. The actor is shared: it must
// not be changed.
func (s *Service) Authenticate(ctx context.Context, credential string) (auth.Actor, error) {
	if actor, ok := s.verified.Get(credential); ok {
		return actor, nil
	}
	actor, end, err := s.verify(ctx, credential)
	if errors.Is(err, ErrNotFound) {
		err = auth.ErrInvalid.Because(err)
	}
	if err != nil {
		return auth.Actor{}, err
	}
	s.verified.Put(credential, actor, end)
	return actor, nil
}

func (s *Service) verify(ctx context.Context, credential string) (auth.Actor, time.Time, error) {
	if auth.LooksLikeKey(credential) {
		return s.verifyKey(ctx, credential)
	}
	tok, err := s.Tokens.Verify(ctx, credential)
	if err != nil {
		return auth.Actor{}, time.Time{}, err
	}
	var actor auth.Actor
	switch tok.Kind {
	case auth.KindUser:
		actor, err = s.userOf(ctx, tok)
	case auth.KindClient, auth.KindPartner:
		actor, err = s.machineOf(ctx, tok)
	default:
		err = auth.ErrInvalid
	}
	return actor, tok.ExpiresAt, err
}

func (s *Service) verifyKey(ctx context.Context, credential string) (auth.Actor, time.Time, error) {
	key, ok := auth.ParseKey(credential)
	if !ok || key.Kind == auth.KeyOEM {
		return auth.Actor{}, time.Time{}, auth.ErrInvalid
	}
	c, err := s.Control.CredentialBySecret(ctx, key.Hash())
	if err != nil {
		return auth.Actor{}, time.Time{}, err
	}
	// The secret of a client is exchanged for a token; it is not sent with each request.
	if !c.usable(s.Now()) || (c.Kind != auth.KindAPIKey && c.Kind != auth.KindSiteKey) {
		return auth.Actor{}, time.Time{}, auth.ErrInvalid
	}
	s.touch(ctx, c.Credential)
	end := time.Time{}
	if c.ExpiresAt != nil {
		end = *c.ExpiresAt
	}
	return credentialActor(c), end, nil
}

// touch notes the use of a key. That it could not be noted is no reason to refuse the key.
func (s *Service) touch(ctx context.Context, c Credential) {
	now := s.Now()
	if c.LastUsedAt != nil && now.Sub(*c.LastUsedAt) < touchEvery {
		return
	}
	if err := s.Control.Touch(ctx, c.ID, now); err != nil && ctx.Err() == nil {
		slog.WarnContext(ctx, "the use of a credential could not be noted", "credential", c.ID, "error", err)
	}
}

func (s *Service) userOf(ctx context.Context, tok auth.Token) (auth.Actor, error) {
	u, err := s.Control.UserState(ctx, tok.Account, kernel.UserID(tok.Subject), tok.ID, tok.Session)
	if err != nil {
		return auth.Actor{}, err
	}
	if u.TokenVersion != tok.Version || u.LoginDisabled || u.Disabled || u.DeletedAt != nil || u.TokenRevoked {
		return auth.Actor{}, auth.ErrInvalid
	}
	actor := userActor(tok.Account, u)
	actor.RatePerMinute, actor.Session = s.DefaultQuota, tok.Session
	return narrow(actor, tok), nil
}

func userActor(account kernel.AccountID, u UserState) auth.Actor {
	wide, at := rights(u.Roles)
	if u.FactorMissing {
		wide, at = 0, nil
	}
	return auth.Actor{
		Kind: auth.KindUser, Account: account, User: u.ID, Credential: kernel.CredentialID(u.ID), Name: u.FullName(),
		Scopes: wide, At: at, Limited: !slices.ContainsFunc(u.Roles, func(r RoleAt) bool { return r.Dealership == nil }),
		OwnLeadsOnly: seesOwnLeadsOnly(u.Roles), RequireIfMatch: u.RequireIfMatch, FactorMissing: u.FactorMissing,
	}
}

// seesOwnLeadsOnly is so for whoever may read leads as a salesperson only.
func seesOwnLeadsOnly(roles []RoleAt) bool {
	own := false
	for _, r := range roles {
		scopes, _ := r.Role.Scopes()
		switch {
		case r.Role == auth.RoleSalesperson:
			own = true
		case scopes.Has(auth.LeadsRead):
			return false
		}
	}
	return own
}

func (s *Service) machineOf(ctx context.Context, tok auth.Token) (auth.Actor, error) {
	c, err := s.Control.CredentialByID(ctx, kernel.CredentialID(tok.Subject), tok.ID)
	if err != nil {
		return auth.Actor{}, err
	}
	if c.Kind != tok.Kind || c.Account != tok.Account || c.TokenVersion != tok.Version || !c.usable(s.Now()) {
		return auth.Actor{}, auth.ErrInvalid
	}
	s.touch(ctx, c.Credential)
	return narrow(credentialActor(c), tok), nil
}

func credentialActor(c CredentialState) auth.Actor {
	a := auth.Actor{
		Kind: c.Kind, Account: c.Account, Partner: c.Partner, Credential: c.ID, Name: c.Name, Scopes: c.Scopes,
		RequireIfMatch: c.RequireIfMatch, Origins: c.Origins, Test: c.Test, RatePerMinute: c.RatePerMinute,
	}
	switch c.Kind { //nolint:exhaustive // the other kinds are not bounded by what they are
	case auth.KindPartner:
		a.Scopes = a.Scopes.Intersect(auth.PartnerScopes())
	case auth.KindSiteKey:
		a.Scopes = a.Scopes.Intersect(auth.SiteKeyScopes())
	}
	if c.Dealerships != nil {
		a.Limited, a.At = true, make(map[kernel.DealershipID]auth.ScopeSet, len(c.Dealerships))
		for _, d := range c.Dealerships {
			a.At[d] = a.Scopes
		}
		a.Scopes = 0
	}
	return a
}

// narrow leaves an actor no more than its token was asked for.
func narrow(a auth.Actor, tok auth.Token) auth.Actor {
	if !tok.Narrowed {
		return a
	}
	a.Scopes = a.Scopes.Intersect(tok.Scopes)
	for d, scopes := range a.At {
		a.At[d] = scopes.Intersect(tok.Scopes)
	}
	return a
}
