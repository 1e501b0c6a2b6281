package mail

import (
	"crypto/rand"
	"encoding/base32"
	"strings"

	"github.com/google/uuid"
)

// Token is what an address of ours carries after a plus: to whose account it leads, and a secret of the one message that
// it was made for. Nobody can make one up, so whatever arrives there answers that message. It is 56 letters and digits,
// since some servers lower the case and none takes more than 64 before the @.
type Token struct {
	Account uuid.UUID
	Secret  [tokenSecret]byte
}

const (
	tokenSecret = 19
	tokenBytes  = 16 + tokenSecret
)

var tokenText = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// NewToken makes the token of a message.
func NewToken(account uuid.UUID) Token {
	t := Token{Account: account}
	_, _ = rand.Read(t.Secret[:]) // never fails: the runtime ends the program instead
	return t
}

// Address is the token's address for a purpose: purpose+token@domain.
func (t Token) Address(purpose, domain string) string {
	return purpose + "+" + tokenText.EncodeToString(append(t.Account[:], t.Secret[:]...)) + "@" + domain
}

// ParseToken reads the part of an address before the @, in either case. False for every other address.
func ParseToken(local string) (purpose string, t Token, ok bool) {
	purpose, text, found := strings.Cut(strings.ToLower(local), "+")
	if !found || purpose == "" || len(text) != tokenText.EncodedLen(tokenBytes) {
		return "", Token{}, false
	}
	raw, err := tokenText.DecodeString(text)
	if err != nil || len(raw) != tokenBytes || tokenText.EncodeToString(raw) != text {
		return "", Token{}, false
	}
	copy(t.Account[:], raw)
	copy(t.Secret[:], raw[16:])
	return purpose, t, true
}
