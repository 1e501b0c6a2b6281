package auth

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
)

const (
	// TokenTTL is the life of an access token.
	TokenTTL = 15 * time.Minute
	// leeway is how far the clocks of two processes may be apart.
	leeway = 30 * time.Second

	tokenType = "at+jwt"
	maxToken  = 4096
)

// Token is what an access token says. Everything it says about rights is looked up again when it is used, so that a
// token never allows more than its holder may do now.
type Token struct {
	ID        uuid.UUID
	Kind      ActorKind // KindUser, KindClient or KindPartner
	Subject   uuid.UUID // the user, the client's credential or the partner
	ClientID  string
	Account   kernel.AccountID // zero for partners
	Version   int64            // of the login or credential: raised there, every older token is void
	Session   uuid.UUID        // the family of refresh tokens it came with; zero for machines
	Narrowed  bool             // Scopes holds all it may be used for; else everything its holder may do
	Scopes    ScopeSet
	IssuedAt  time.Time
	ExpiresAt time.Time
}

type claims struct {
	jwt.RegisteredClaims
	ClientID string    `json:"client_id"`
	Kind     ActorKind `json:"kind"`
	Account  string    `json:"account,omitempty"`
	Version  int64     `json:"ver"`
	Session  string    `json:"sid,omitempty"`
	Scope    *string   `json:"scope,omitempty"`
}

// Tokens signs and verifies access tokens. It is safe for concurrent use.
type Tokens struct {
	keys     *Keys
	issuer   string
	audience string
	now      func() time.Time
	parser   *jwt.Parser
}

// NewTokens returns the means to sign and verify the tokens of one issuer for one audience.
func NewTokens(keys *Keys, issuer, audience string, now func() time.Time) *Tokens {
	return &Tokens{
		keys: keys, issuer: issuer, audience: audience, now: now,
		parser: jwt.NewParser(
			jwt.WithValidMethods([]string{algorithm}), jwt.WithStrictDecoding(),
			jwt.WithIssuer(issuer), jwt.WithAudience(audience),
			jwt.WithExpirationRequired(), jwt.WithNotBeforeRequired(), jwt.WithIssuedAt(),
			jwt.WithLeeway(leeway), jwt.WithTimeFunc(now),
		),
	}
}

// Sign gives the token an id and a life of TokenTTL, and returns it signed.
func (t *Tokens) Sign(ctx context.Context, tok Token) (string, Token, error) {
	key, err := t.keys.signer(ctx)
	if err != nil {
		return "", Token{}, err
	}
	now := t.now().Truncate(time.Second)
	tok.ID, tok.IssuedAt, tok.ExpiresAt = kernel.NewID[uuid.UUID](), now, now.Add(TokenTTL)
	c := claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: t.issuer, Subject: tok.Subject.String(), Audience: jwt.ClaimStrings{t.audience}, ID: tok.ID.String(),
			IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(tok.ExpiresAt),
		},
		ClientID: tok.ClientID, Kind: tok.Kind, Version: tok.Version,
	}
	if !tok.Account.IsZero() {
		c.Account = tok.Account.String()
	}
	if tok.Session != uuid.Nil {
		c.Session = tok.Session.String()
	}
	if tok.Narrowed {
		c.Scope = new(JoinScopes(tok.Scopes))
	}
	j := jwt.NewWithClaims(jwt.SigningMethodEdDSA, c)
	j.Header["typ"], j.Header["kid"] = tokenType, key.ID
	signed, err := j.SignedString(key.private)
	if err != nil {
		return "", Token{}, fmt.Errorf("sign a token: %w", err)
	}
	return signed, tok, nil
}

// Verify reads a token that we signed. It fails with ErrExpired when nothing but its time is wrong, else with
// ErrInvalid; any other error is a fault of ours.
func (t *Tokens) Verify(ctx context.Context, signed string) (Token, error) {
	if len(signed) > maxToken {
		return Token{}, ErrInvalid
	}
	var c claims
	_, err := t.parser.ParseWithClaims(signed, &c, func(j *jwt.Token) (any, error) { return t.key(ctx, j) })
	if err != nil {
		return Token{}, refusal(err)
	}
	return c.token()
}

// key finds the key of a token by its kid alone: jku, x5u, jwk and the like are not looked at.
func (t *Tokens) key(ctx context.Context, j *jwt.Token) (ed25519.PublicKey, error) {
	typ, _ := j.Header["typ"].(string)
	kid, _ := j.Header["kid"].(string)
	_, critical := j.Header["crit"]
	if !strings.EqualFold(typ, tokenType) || critical {
		return nil, ErrInvalid
	}
	key, err := t.keys.public(ctx, kid)
	if err != nil && !errors.Is(err, ErrInvalid) {
		return nil, keyFault{err}
	}
	return key, err
}

// keyFault is a failure to read the keys, as against a token that names none of them.
type keyFault struct{ error }

func refusal(err error) error {
	if ours, ok := errors.AsType[keyFault](err); ok {
		return ours.error
	}
	other := []error{
		jwt.ErrTokenInvalidAudience, jwt.ErrTokenInvalidIssuer, jwt.ErrTokenUsedBeforeIssued, jwt.ErrTokenNotValidYet,
		jwt.ErrTokenRequiredClaimMissing,
	}
	if errors.Is(err, jwt.ErrTokenExpired) && !slices.ContainsFunc(other, func(o error) bool { return errors.Is(err, o) }) {
		return ErrExpired
	}
	return ErrInvalid.Because(err)
}

func (c claims) token() (Token, error) {
	tok := Token{Kind: c.Kind, ClientID: c.ClientID, Version: c.Version, IssuedAt: c.IssuedAt.Time, ExpiresAt: c.ExpiresAt.Time}
	var errID, errSubject, errAccount, errSession error
	tok.ID, errID = kernel.ParseID[uuid.UUID](c.ID)
	tok.Subject, errSubject = kernel.ParseID[uuid.UUID](c.Subject)
	if c.Account != "" {
		tok.Account, errAccount = kernel.ParseID[kernel.AccountID](c.Account)
	}
	if c.Session != "" {
		tok.Session, errSession = kernel.ParseID[uuid.UUID](c.Session)
	}
	if err := errors.Join(errID, errSubject, errAccount, errSession); err != nil {
		return Token{}, ErrInvalid.Because(err)
	}
	if c.Scope != nil {
		tok.Narrowed = true
		tok.Scopes, _ = SplitScopes(*c.Scope)
	}
	return tok, nil
}

// JoinScopes writes a set as OAuth does: names with spaces between.
func JoinScopes(set ScopeSet) string {
	names := make([]string, 0, 8)
	for _, s := range set.List() {
		names = append(names, string(s))
	}
	return strings.Join(names, " ")
}

// SplitScopes reads scopes as OAuth writes them; false when one of them is unknown, which the set then leaves out.
func SplitScopes(text string) (set ScopeSet, known bool) {
	known = true
	for name := range strings.FieldsSeq(text) {
		s := Scope(name)
		known = known && s.Known()
		set = set.Union(NewScopeSet(s))
	}
	return set, known
}

func sortedKeys(keys map[string]liveKey) []liveKey {
	return slices.SortedFunc(maps.Values(keys), func(a, b liveKey) int {
		return cmp.Or(a.SignsFrom.Compare(b.SignsFrom), cmp.Compare(a.ID, b.ID))
	})
}
