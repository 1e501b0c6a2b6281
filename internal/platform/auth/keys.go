package auth

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/rooftop-crm/rooftop/internal/platform/secret"
)

const (
	// algorithm is the one way tokens are signed. It is pinned here and never read from a token.
	algorithm = "EdDSA"
	// publishLead is how long a new key is published before it signs: longer than a JWKS is cached anywhere.
	publishLead = 10 * time.Minute
	// reloadEvery bounds how long a process goes on without knowing a key that another process made.
	reloadEvery = 30 * time.Second
	// reloadPause bounds how often tokens with an unknown kid make us look for new keys.
	reloadPause = time.Second

	sealSigningKey = "signing key"
	maxKeyID       = 64
)

// ErrNoSigningKey is a fault of ours: no key may sign now.
var ErrNoSigningKey = errors.New("auth: no signing key is valid now")

// SigningKey is a key as it is stored.
type SigningKey struct {
	ID        string
	Algorithm string
	Public    []byte
	Wrapped   []byte // the private key, sealed
	CreatedAt time.Time
	SignsFrom time.Time
	// RetiredAt is when the key stops verifying: every token it signed has expired by then. Nil while it is current.
	RetiredAt *time.Time
}

// KeyStore keeps signing keys for every process of the installation.
type KeyStore interface {
	// SigningKeys lists the keys that are not retired at that time.
	SigningKeys(ctx context.Context, at time.Time) ([]SigningKey, error)
	// ReplaceSigningKey calls decide with the keys that are not retired at that time, one process at a time. When decide
	// returns a key, it is added, and each current key retires at retireAt. When it returns nil, nothing changes.
	ReplaceSigningKey(ctx context.Context, at time.Time, decide func(now []SigningKey) (next *SigningKey, retireAt time.Time)) error
}

// Keys knows the signing keys. It reads them when it has to; every process sees a new key before it signs.
// It is safe for concurrent use.
type Keys struct {
	store KeyStore
	ring  *secret.Keyring
	now   func() time.Time

	mu       sync.Mutex
	keys     map[string]liveKey
	loadedAt time.Time
}

type liveKey struct {
	SigningKey
	private ed25519.PrivateKey // nil when the master key that sealed it is gone: the key then only verifies
}

// NewKeys returns the keys of an installation.
func NewKeys(store KeyStore, ring *secret.Keyring, now func() time.Time) *Keys {
	return &Keys{store: store, ring: ring, now: now}
}

// Ensure makes the first signing key, unless there is one that can sign. Of any number of processes that call it at
// once, one makes a key.
func (k *Keys) Ensure(ctx context.Context) error {
	now := k.now()
	err := k.store.ReplaceSigningKey(ctx, now, func(existing []SigningKey) (*SigningKey, time.Time) {
		for _, key := range existing {
			if k.unwrap(ctx, key).canSign(now) {
				return nil, time.Time{}
			}
		}
		return k.generate(now), now.Add(tokenLife())
	})
	if err != nil {
		return fmt.Errorf("make the first signing key: %w", err)
	}
	return k.reload(ctx)
}

// Rotate makes a new signing key. It is published at once and signs after ten minutes; the keys before it go on
// verifying until the last token they signed has expired. No request fails on the way.
func (k *Keys) Rotate(ctx context.Context) error {
	now := k.now()
	from := now.Add(publishLead)
	err := k.store.ReplaceSigningKey(ctx, now, func([]SigningKey) (*SigningKey, time.Time) {
		return k.generate(from), from.Add(tokenLife())
	})
	if err != nil {
		return fmt.Errorf("rotate the signing key: %w", err)
	}
	return k.reload(ctx)
}

// tokenLife is how long after its last signature a key is still needed: a token's life, the leeway of its end, and the
// time in which another process may still sign with a key that it does not yet know to be replaced.
func tokenLife() time.Duration { return TokenTTL + leeway + reloadEvery }

func (k *Keys) generate(signsFrom time.Time) *SigningKey {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic("auth: no random numbers: " + err.Error()) // the runtime ends the program before this
	}
	sum := sha256.Sum256(public)
	return &SigningKey{
		ID: base64.RawURLEncoding.EncodeToString(sum[:12]), Algorithm: algorithm, Public: public,
		Wrapped:   k.ring.Seal(sealSigningKey, private.Seed()),
		CreatedAt: k.now(), SignsFrom: signsFrom,
	}
}

func (k *Keys) unwrap(ctx context.Context, stored SigningKey) liveKey {
	live := liveKey{SigningKey: stored}
	seed, err := k.ring.Open(sealSigningKey, stored.Wrapped)
	if err != nil || len(seed) != ed25519.SeedSize {
		slog.WarnContext(ctx, "a signing key was sealed under another master key; it verifies but cannot sign", "kid", stored.ID)
		return live
	}
	live.private = ed25519.NewKeyFromSeed(seed)
	return live
}

func (k liveKey) canSign(now time.Time) bool {
	return k.private != nil && k.verifies(now) && !now.Before(k.SignsFrom)
}

func (k liveKey) verifies(now time.Time) bool { return k.RetiredAt == nil || now.Before(*k.RetiredAt) }

// reload reads the keys again.
func (k *Keys) reload(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.load(ctx)
}

func (k *Keys) load(ctx context.Context) error {
	now := k.now()
	stored, err := k.store.SigningKeys(ctx, now)
	if err != nil {
		return fmt.Errorf("read signing keys: %w", err)
	}
	keys := make(map[string]liveKey, len(stored))
	for _, s := range stored {
		if s.Algorithm != algorithm || len(s.Public) != ed25519.PublicKeySize {
			continue
		}
		if old, known := k.keys[s.ID]; known {
			old.SigningKey = s
			keys[s.ID] = old
			continue
		}
		keys[s.ID] = k.unwrap(ctx, s)
	}
	k.keys, k.loadedAt = keys, now
	return nil
}

// current returns the keys, read anew when they are older than maxAge. When they cannot be read, what is known stays in
// use: verifying a token must not depend on the database.
func (k *Keys) current(ctx context.Context, maxAge time.Duration) (map[string]liveKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.keys != nil && k.now().Sub(k.loadedAt) < maxAge {
		return k.keys, nil
	}
	if err := k.load(ctx); err != nil {
		if k.keys == nil {
			return nil, err
		}
		slog.WarnContext(ctx, "signing keys could not be read; going on with those known", "error", err)
		k.loadedAt = k.now()
	}
	return k.keys, nil
}

// signer is the newest key that signs now.
func (k *Keys) signer(ctx context.Context) (liveKey, error) {
	for _, makeOne := range []bool{false, true} {
		if makeOne {
			if err := k.Ensure(ctx); err != nil {
				return liveKey{}, err
			}
		}
		keys, err := k.current(ctx, reloadEvery)
		if err != nil {
			return liveKey{}, err
		}
		var best liveKey
		for _, key := range keys {
			if key.canSign(k.now()) && (best.private == nil || key.SignsFrom.After(best.SignsFrom)) {
				best = key
			}
		}
		if best.private != nil {
			return best, nil
		}
	}
	return liveKey{}, ErrNoSigningKey
}

// public finds the key that a token names. Nothing but a look into what is published decides.
func (k *Keys) public(ctx context.Context, kid string) (ed25519.PublicKey, error) {
	if kid == "" || len(kid) > maxKeyID {
		return nil, ErrInvalid
	}
	for _, maxAge := range []time.Duration{reloadEvery, reloadPause} {
		keys, err := k.current(ctx, maxAge)
		if err != nil {
			return nil, err
		}
		if key, known := keys[kid]; known {
			if !key.verifies(k.now()) {
				return nil, ErrInvalid
			}
			return ed25519.PublicKey(key.Public), nil
		}
	}
	return nil, ErrInvalid
}

// JWK is one public key as RFC 8037 writes it.
type JWK struct {
	KeyType   string `json:"kty"`
	Curve     string `json:"crv"`
	X         string `json:"x"`
	ID        string `json:"kid"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
}

// Published lists the keys that tokens may be signed with, the next one included, in a fixed order.
func (k *Keys) Published(ctx context.Context) ([]JWK, error) {
	keys, err := k.current(ctx, reloadEvery)
	if err != nil {
		return nil, err
	}
	out := []JWK{}
	for _, key := range sortedKeys(keys) {
		if key.verifies(k.now()) {
			out = append(out, JWK{
				KeyType: "OKP", Curve: "Ed25519", X: base64.RawURLEncoding.EncodeToString(key.Public),
				ID: key.ID, Use: "sig", Algorithm: algorithm,
			})
		}
	}
	return out, nil
}
