package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/memory"
)

// The bounds of a password, in characters.
const (
	MinPassword = 12
	MaxPassword = 128
)

// PasswordParams is the cost of argon2id.
type PasswordParams struct {
	MemoryKiB uint32
	Passes    uint32
	Threads   uint8
}

// DefaultPasswordParams costs about 30 ms and 19 MiB for each password, the least that OWASP recommends.
func DefaultPasswordParams() PasswordParams {
	return PasswordParams{MemoryKiB: 19 * 1024, Passes: 2, Threads: 1}
}

const (
	saltBytes = 16
	hashBytes = 32
	// patience is how long a password waits for its turn before its caller is sent away.
	patience = 2 * time.Second
)

// Hasher hashes and checks passwords, a bounded number at a time: each takes its memory, and a flood of sign-ins must
// not take all of it. It is safe for concurrent use.
type Hasher struct {
	params PasswordParams
	turns  chan struct{}
	dummy  string
}

// NewHasher returns a hasher that works on up to concurrency passwords at once.
func NewHasher(params PasswordParams, concurrency int) *Hasher {
	h := &Hasher{params: params, turns: make(chan struct{}, max(concurrency, 1))}
	h.dummy = h.hash("no password has this hash", randomBytes(saltBytes))
	return h
}

// Hash returns the hash of a password in PHC string form. It fails with ErrBusy when it does not get its turn.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	done, err := h.turn(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	return h.hash(password, randomBytes(saltBytes)), nil
}

// Check tells whether the password has that hash, and whether the hash should be made anew since the cost was raised.
// An empty hash stands for a user who does not exist: it takes the same time and is never right.
// It fails with ErrBusy when it does not get its turn.
func (h *Hasher) Check(ctx context.Context, hash, password string) (right, outdated bool, err error) {
	done, err := h.turn(ctx)
	if err != nil {
		return false, false, err
	}
	defer done()
	known := hash != ""
	if !known {
		hash = h.dummy
	}
	p, salt, want, err := parseHash(hash)
	if err != nil {
		return false, false, err
	}
	got := argon2.IDKey(normal(password), salt, p.Passes, p.MemoryKiB, p.Threads, uint32(len(want))) //nolint:gosec // parseHash bounds it
	same := subtle.ConstantTimeCompare(got, want) == 1
	return same && known, p != h.params, nil
}

func (h *Hasher) turn(ctx context.Context) (done func(), err error) {
	done = func() {
		<-h.turns
		memory.ReleaseSoon() // each hash leaves 19 MiB behind
	}
	select {
	case h.turns <- struct{}{}:
		return done, nil
	default:
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case h.turns <- struct{}{}:
		return done, nil
	case <-timer.C:
		return nil, ErrBusy
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (h *Hasher) hash(password string, salt []byte) string {
	p := h.params
	sum := argon2.IDKey(normal(password), salt, p.Passes, p.MemoryKiB, p.Threads, hashBytes)
	enc := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, p.MemoryKiB, p.Passes, p.Threads, enc.EncodeToString(salt), enc.EncodeToString(sum))
}

// normal makes one sequence of bytes of what keyboards may send as several.
func normal(password string) []byte { return norm.NFC.Bytes([]byte(password)) }

func parseHash(hash string) (p PasswordParams, salt, sum []byte, err error) {
	var version int
	parts := strings.Split(hash, "$")
	bad := fmt.Errorf("auth: not an argon2id hash")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return p, nil, nil, bad
	}
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return p, nil, nil, bad
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.MemoryKiB, &p.Passes, &p.Threads); err != nil {
		return p, nil, nil, bad
	}
	if p.MemoryKiB < 8 || p.MemoryKiB > 1<<20 || p.Passes < 1 || p.Passes > 64 || p.Threads < 1 {
		return p, nil, nil, bad
	}
	enc := base64.RawStdEncoding
	if salt, err = enc.DecodeString(parts[4]); err != nil || len(salt) < 8 {
		return p, nil, nil, bad
	}
	if sum, err = enc.DecodeString(parts[5]); err != nil || len(sum) < 16 || len(sum) > 64 {
		return p, nil, nil, bad
	}
	return p, salt, sum, nil
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: the runtime ends the program instead
	return b
}

// The passwords of at least MinPassword characters that turn up most in leaks, and what people write in this trade.
var blockedPasswords = []string{
	"123456789012", "1234567890123", "12345678901234", "123456789123", "123123123123", "112233445566", "987654321987", "qwertyuiop12", "qwertyuiop123",
	"azertyuiop12", "azertyuiop123", "azertyuiopqs", "qwertyuiopas", "1qaz2wsx3edc", "1q2w3e4r5t6y", "password1234", "password12345", "password123456",
	"passwordpassword", "motdepasse12", "motdepasse123", "motdepasse1234", "motdepassemotdepasse", "administrator", "administrateur",
	"administrator1", "administrateur1", "welcome12345", "welcome123456", "bienvenue123", "bienvenue1234", "changeme1234", "changemeplease", "letmein12345", "iloveyou1234",
	"jetaime12345", "concession12", "concession123", "concession1234", "dealership12", "dealership123", "dealership1234", "rooftop12345", "rooftoprooftop", "correcthorsebatterystaple",
}

// CheckPassword tells what is wrong with a password that someone chose, or returns nil. The field's pointer is the
// caller's to set; about names what must not be the password, such as the e-mail.
func CheckPassword(password string, about ...string) *errs.Field {
	n := utf8.RuneCountInString(password)
	folded := strings.ToLower(password)
	switch {
	case !utf8.ValidString(password):
		return &errs.Field{Code: "not_utf8", Detail: "A password is UTF-8 text."}
	case n < MinPassword:
		return &errs.Field{Code: "too_short", Detail: fmt.Sprintf("A password has at least %d characters; a few words do well.", MinPassword)}
	case n > MaxPassword:
		return &errs.Field{Code: "too_long", Detail: fmt.Sprintf("A password has at most %d characters.", MaxPassword)}
	case isGuessable(folded, about):
		return &errs.Field{Code: "too_common", Detail: "This is among the first passwords that would be tried. Choose another one."}
	}
	return nil
}

func isGuessable(folded string, about []string) bool {
	if slices.Contains(blockedPasswords, folded) {
		return true
	}
	for _, a := range about {
		if a != "" && folded == strings.ToLower(a) {
			return true
		}
	}
	// One to four characters over and over.
	for period := 1; period <= 4; period++ {
		if strings.Repeat(folded[:period], len(folded)/period+1)[:len(folded)] == folded {
			return true
		}
	}
	return false
}
