// Package secret seals what must not lie open in the database, under the installation's master key: signing keys, webhook
// secrets, tokens that may have to be shown once more. It also derives keys for purposes that store nothing, such as
// page cursors. It owns the format of a sealed value; where the master key comes from is left to config, and where sealed
// values are kept to their owners.
package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// KeyBytes is the length of a master key and of a derived key.
const KeyBytes = 32

const (
	format  = 1 // the first byte of a sealed value
	idBytes = 4
)

var (
	// ErrSealed is the answer to a value that none of the keys opens: it was sealed under another key or for another
	// purpose, or it was changed.
	ErrSealed = errors.New("secret: none of the master keys opens this value")
	// ErrNoKey is the answer to an empty setting.
	ErrNoKey = errors.New("secret: no master key is given")
)

// Keyring holds the master keys of an installation. It is safe for concurrent use.
//
// To rotate, put a new key before the old one and restart: new values are sealed under the first key, and every key
// opens what it sealed. The old key may be dropped once nothing sealed under it is needed any more.
type Keyring struct {
	keys []masterKey
}

type masterKey struct {
	id     [idBytes]byte // tells which key sealed a value; says nothing about the key
	secret []byte
}

// Generate makes a master key in the form that Parse reads.
func Generate() string {
	key := make([]byte, KeyBytes)
	_, _ = rand.Read(key) // never fails: the runtime ends the program instead
	return base64.StdEncoding.EncodeToString(key)
}

// Parse reads master keys separated by commas, each 32 random bytes in base64, base64url (padded or not) or hex.
// Its errors name the key by its place, never by its content.
func Parse(setting string) (*Keyring, error) {
	ring := &Keyring{}
	for i, text := range strings.Split(setting, ",") {
		text = strings.TrimSpace(text)
		if text == "" && i == 0 && strings.TrimSpace(setting) == "" {
			return nil, ErrNoKey
		}
		raw, ok := decode(text)
		if !ok {
			return nil, fmt.Errorf("secret: master key %d is not 32 bytes in base64, base64url or hex", i+1)
		}
		key, err := newMasterKey(raw)
		if err != nil {
			return nil, fmt.Errorf("secret: master key %d: %w", i+1, err)
		}
		for j, other := range ring.keys {
			if other.id == key.id {
				return nil, fmt.Errorf("secret: master keys %d and %d are the same", j+1, i+1)
			}
		}
		ring.keys = append(ring.keys, key)
	}
	return ring, nil
}

func decode(text string) ([]byte, bool) {
	if len(text) == hex.EncodedLen(KeyBytes) {
		if raw, err := hex.DecodeString(text); err == nil {
			return raw, true
		}
	}
	plain := strings.TrimRight(text, "=")
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if raw, err := enc.DecodeString(plain); err == nil && len(raw) == KeyBytes {
			return raw, true
		}
	}
	return nil, false
}

func newMasterKey(raw []byte) (masterKey, error) {
	constant := true
	for _, b := range raw {
		constant = constant && b == raw[0]
	}
	if constant {
		return masterKey{}, errors.New("it is one byte over and over, not a random key")
	}
	key := masterKey{secret: raw}
	copy(key.id[:], key.derive("key id"))
	return key, nil
}

func (k masterKey) derive(info string) []byte {
	out, err := hkdf.Key(sha256.New, k.secret, nil, "rooftop/v1/"+info, KeyBytes)
	if err != nil {
		panic(fmt.Sprintf("secret: derive %d bytes: %v", KeyBytes, err)) // only for lengths that HKDF cannot give
	}
	return out
}

func (k masterKey) aead(purpose string) cipher.AEAD {
	block, err := aes.NewCipher(k.derive("seal/" + purpose))
	if err != nil {
		panic(fmt.Sprintf("secret: %v", err)) // only for a key of another length
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(fmt.Sprintf("secret: %v", err)) // only for another block size
	}
	return aead
}

// Seal encrypts and authenticates a value for one purpose, under the first master key. Only Open with the same purpose
// gives it back. The same plaintext is sealed differently each time.
func (r *Keyring) Seal(purpose string, plaintext []byte) []byte {
	key := r.keys[0]
	out := append([]byte{format}, key.id[:]...)
	return key.aead(purpose).Seal(out, nil, plaintext, out)
}

// Open gives back what Seal sealed for this purpose under any of the master keys. It fails with ErrSealed.
func (r *Keyring) Open(purpose string, sealed []byte) ([]byte, error) {
	const head = 1 + idBytes
	if len(sealed) < head || sealed[0] != format {
		return nil, ErrSealed
	}
	for _, key := range r.keys {
		if string(key.id[:]) != string(sealed[1:head]) {
			continue
		}
		plaintext, err := key.aead(purpose).Open(nil, nil, sealed[head:], sealed[:head])
		if err != nil {
			return nil, ErrSealed
		}
		return plaintext, nil
	}
	return nil, ErrSealed
}

// Derive gives a key of 32 bytes for one purpose: the same on every process with the same setting.
//
// It comes from the last master key of the list, the oldest. Putting a new key in front therefore changes no derived
// key, also not while some processes have the new setting and others do not; it changes once the oldest key is dropped.
// That suits what lives for hours, such as page cursors. A key that must outlive every rotation is made at random and
// kept sealed instead.
func (r *Keyring) Derive(purpose string) []byte {
	return r.keys[len(r.keys)-1].derive("derive/" + purpose)
}

// String keeps the keys out of logs.
func (r *Keyring) String() string { return fmt.Sprintf("%d master keys", len(r.keys)) }

// GoString keeps the keys out of logs.
func (r *Keyring) GoString() string { return r.String() }
