package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"hash/crc32"
	"math/big"
	"strings"
)

// KeyKind is the third part of a key: it tells a reader, and a scanner for leaked secrets, what was found.
type KeyKind string

// The kinds of keys.
const (
	KeySecret      KeyKind = "sk"  // an account's API key, or the secret of its machine client
	KeyPublishable KeyKind = "pk"  // the key of a dealer site; not a secret
	KeyOEM         KeyKind = "oem" // the secret of a partner's client
)

const (
	base62     = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	randomPart = 30 // 178 bits
	checkPart  = 6
	shownPart  = 8
)

// Key is an API key as text: rt_<live|test>_<sk|pk|oem>_<30 base62>_<6 base62 of the CRC-32 of all before it>.
type Key struct {
	Text string // the whole key: shown once, never stored
	Kind KeyKind
	Test bool
}

// NewKey makes a key at random.
func NewKey(kind KeyKind, test bool) Key {
	mode := "live"
	if test {
		mode = "test"
	}
	head := "rt_" + mode + "_" + string(kind) + "_" + randomBase62(randomPart)
	return Key{Text: head + "_" + checksum(head), Kind: kind, Test: test}
}

// ParseKey reads a key and checks its sum, so that a mistyped or invented key is refused without a look into the
// database. It says nothing about whether the key is known.
func ParseKey(text string) (Key, bool) {
	parts := strings.Split(text, "_")
	if len(parts) != 5 || parts[0] != "rt" || len(parts[3]) != randomPart || len(parts[4]) != checkPart {
		return Key{}, false
	}
	key := Key{Text: text, Kind: KeyKind(parts[2]), Test: parts[1] == "test"}
	if parts[1] != "live" && parts[1] != "test" {
		return Key{}, false
	}
	if key.Kind != KeySecret && key.Kind != KeyPublishable && key.Kind != KeyOEM {
		return Key{}, false
	}
	return key, checksum(text[:len(text)-checkPart-1]) == parts[4]
}

// LooksLikeKey tells whether a credential is a key rather than a token.
func LooksLikeKey(credential string) bool { return strings.HasPrefix(credential, "rt_") }

// Hash is what is stored of a key. It needs no salt and no cost: nobody guesses 178 random bits.
func (k Key) Hash() []byte { return HashSecret(k.Text) }

// Prefix is the beginning of the key, enough to recognise it by.
func (k Key) Prefix() string { return k.Text[:len(k.Text)-checkPart-1-(randomPart-shownPart)] }

// String keeps the key out of logs.
func (k Key) String() string { return k.Prefix() + "…" }

// GoString keeps the key out of logs.
func (k Key) GoString() string { return k.String() }

// HashSecret is the SHA-256 of a random secret: what is stored of keys and refresh tokens.
func HashSecret(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

func randomBase62(n int) string {
	out := make([]byte, n)
	limit := big.NewInt(int64(len(base62)))
	for i := range out {
		d, err := rand.Int(rand.Reader, limit)
		if err != nil {
			panic("auth: no random numbers: " + err.Error()) // the runtime ends the program before this
		}
		out[i] = base62[d.Int64()]
	}
	return string(out)
}

func checksum(head string) string {
	sum := crc32.ChecksumIEEE([]byte(head))
	var out [checkPart]byte
	for i := checkPart - 1; i >= 0; i-- {
		out[i] = base62[sum%62]
		sum /= 62
	}
	return string(out[:])
}
