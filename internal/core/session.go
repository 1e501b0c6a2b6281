package core

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/audit"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
)

const (
	refreshPrefix = "rtr_"
	refreshBytes  = 32
	// sessionIdle ends a session that was not refreshed for so long, sessionLife ends every session.
	sessionIdle = 30 * 24 * time.Hour
	sessionLife = 90 * 24 * time.Hour
	// refreshGrace is how long the token before the present one still gives the present one: its answer may have been lost,
	// or two windows of one browser may have asked at once.
	refreshGrace = 10 * time.Second

	// sessionKept is how long a session that ended is kept, so that who looks for it finds what became of it.
	sessionKept = 24 * time.Hour

	sealSuccessor = "refresh token"
	maxUserAgent  = 200
)

// Refresh is one refresh token. Those that replaced one another are a family: a session.
type Refresh struct {
	Hash          []byte
	Family        uuid.UUID
	Account       kernel.AccountID
	User          kernel.UserID
	TokenVersion  int64  // of the login when it was issued
	Scope         string // what the session was narrowed to; "" for all the user may do
	Successor     []byte // the token that replaced it, sealed; nil while it is the present one
	IssuedAt      time.Time
	IdleExpiresAt time.Time
	ExpiresAt     time.Time
	UsedAt        *time.Time
	RevokedAt     *time.Time
	UserAgent     string
	Network       string // that it was asked for from; see audit.Network
}

func newRefresh() string {
	secret := make([]byte, refreshBytes)
	_, _ = rand.Read(secret) // never fails: the runtime ends the program instead
	return refreshPrefix + base64.RawURLEncoding.EncodeToString(secret)
}

func isRefresh(token string) bool { return strings.HasPrefix(token, refreshPrefix) }

// openSession begins a session of someone who has just proved who they are.
func (s *Service) openSession(ctx context.Context, login Login, r TokenRequest) (TokenAnswer, error) {
	now := s.Now()
	token := newRefresh()
	row := Refresh{
		Hash: auth.HashSecret(token), Family: kernel.NewID[uuid.UUID](), Account: login.Account, User: login.User,
		TokenVersion: login.TokenVersion, Scope: strings.Join(strings.Fields(r.Scope), " "),
		IssuedAt: now, IdleExpiresAt: now.Add(sessionIdle), ExpiresAt: now.Add(sessionLife), UserAgent: clip(r.UserAgent, maxUserAgent),
		Network: audit.Network(r.Address),
	}
	answer, err := s.sessionToken(ctx, row, row.Scope)
	if err != nil {
		return TokenAnswer{}, err
	}
	err = s.Units.InTx(ctx, func(ctx context.Context) error {
		if err := s.Control.ForgetAttempts(ctx, emailHash(login.Email)); err != nil {
			return err
		}
		return s.Control.InsertRefresh(ctx, row)
	})
	answer.RefreshToken = token
	return answer, err
}

// sessionToken signs an access token of the session.
func (s *Service) sessionToken(ctx context.Context, r Refresh, scope string) (TokenAnswer, error) {
	held, missing, err := s.userReach(ctx, r.Account, r.User)
	if err != nil {
		return TokenAnswer{}, err
	}
	tok := auth.Token{
		Kind: auth.KindUser, Subject: uuid.UUID(r.User), ClientID: FirstPartyClient, Account: r.Account,
		Version: r.TokenVersion, Session: r.Family,
	}
	if scope != "" && scope == r.Scope {
		// The user may have lost some of these scopes since the session began: it goes on with the rest.
		wanted, _ := auth.SplitScopes(scope)
		scope = auth.JoinScopes(wanted.Intersect(held))
		if scope == "" {
			return TokenAnswer{}, ErrOAuthScope
		}
	}
	answer, err := s.answer(ctx, tok, held, scope)
	answer.FactorMissing = missing
	return answer, err
}

// refreshToken replaces a refresh token by the next one of its family. A token that was replaced ends the session: two
// parties hold it, and one of them has no right to. Only the one just before the present one still gives the present
// one, for a moment.
func (s *Service) refreshToken(ctx context.Context, r TokenRequest) (TokenAnswer, error) {
	if r.RefreshToken == "" {
		return TokenAnswer{}, ErrOAuthRequest.Saying("refresh_token is required.")
	}
	if !isRefresh(r.RefreshToken) {
		return TokenAnswer{}, ErrOAuthGrant
	}
	var answer TokenAnswer
	err := s.Units.InTx(ctx, func(ctx context.Context) error {
		row, err := s.Control.Refresh(ctx, auth.HashSecret(r.RefreshToken))
		if err != nil {
			return err
		}
		answer, err = s.next(ctx, row, r)
		return err // a reuse is no error here: what it ends must be committed
	})
	if errors.Is(err, ErrNotFound) || (err == nil && answer.RefreshToken == "") {
		return TokenAnswer{}, ErrOAuthGrant
	}
	if err != nil {
		return TokenAnswer{}, err
	}
	return answer, nil
}

// narrower is the scope of one access token: what was asked for now, else what the session has.
func narrower(session, asked string) (string, error) {
	if asked == "" {
		return session, nil
	}
	if session == "" {
		return asked, nil
	}
	has, _ := auth.SplitScopes(session)
	wants, _ := auth.SplitScopes(asked)
	if wants&^has != 0 {
		return "", ErrOAuthScope
	}
	return asked, nil
}

// next returns the tokens that follow; without a refresh token when the row gives none.
func (s *Service) next(ctx context.Context, row Refresh, r TokenRequest) (TokenAnswer, error) {
	now := s.Now()
	if row.RevokedAt != nil || !now.Before(row.IdleExpiresAt) || !now.Before(row.ExpiresAt) {
		return TokenAnswer{}, nil
	}
	login, err := s.Control.Login(ctx, row.Account, row.User)
	if err != nil {
		return TokenAnswer{}, err
	}
	if login.DisabledAt != nil || login.TokenVersion != row.TokenVersion {
		return TokenAnswer{}, nil
	}
	scope, err := narrower(row.Scope, r.Scope)
	if err != nil {
		return TokenAnswer{}, err
	}
	// Before the refresh token is spent: a scope that is refused must not cost the session.
	answer, err := s.sessionToken(ctx, row, scope)
	if err != nil {
		return TokenAnswer{}, err
	}
	if row.UsedAt != nil {
		answer.RefreshToken, err = s.again(ctx, row, now)
		return answer, err
	}
	answer.RefreshToken = newRefresh()
	following := row
	following.Hash, following.IssuedAt, following.UserAgent = auth.HashSecret(answer.RefreshToken), now, clip(r.UserAgent, maxUserAgent)
	following.IdleExpiresAt, following.Network = now.Add(sessionIdle), audit.Network(r.Address)
	if err := s.Control.InsertRefresh(ctx, following); err != nil {
		return TokenAnswer{}, err
	}
	return answer, s.Control.SpendRefresh(ctx, row.Hash, s.Ring.Seal(sealSuccessor, []byte(answer.RefreshToken)), now)
}

// again answers a token that was used already: with its successor while that is still unused and the grace lasts, else
// by ending the session.
func (s *Service) again(ctx context.Context, row Refresh, now time.Time) (string, error) {
	if now.Sub(*row.UsedAt) <= refreshGrace {
		token, err := s.Ring.Open(sealSuccessor, row.Successor)
		if err == nil {
			following, err := s.Control.Refresh(ctx, auth.HashSecret(string(token)))
			if err != nil {
				return "", err
			}
			if following.UsedAt == nil && following.RevokedAt == nil {
				return string(token), nil
			}
		}
	}
	if err := s.Control.RevokeFamily(ctx, row.Account, row.Family, now, now.Add(2*auth.TokenTTL)); err != nil {
		return "", err
	}
	return "", s.Events.Write(ctx, row.Account, outbox.Event{
		Type: "session.reuse_detected", Resource: ResourceSession, ID: row.Family, Sequence: 1,
		Actor: auth.System(row.Account), At: now,
	})
}

// clip cuts a text that the caller sent for the record to so many bytes, and to what the database takes.
func clip(s string, most int) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return s
}
