package auth_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

// cheap keeps tests fast: what is tested does not depend on the cost.
var cheap = auth.PasswordParams{MemoryKiB: 64, Passes: 1, Threads: 1}

func TestPasswordHash(t *testing.T) {
	t.Parallel()
	h := auth.NewHasher(cheap, 2)
	hash, err := h.Hash(t.Context(), "né pour conduire")
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(hash, "$argon2id$v=19$m=64,t=1,p=1$"), hash)
	again, err := h.Hash(t.Context(), "né pour conduire")
	require.NoError(t, err)
	assert.NotEqual(t, hash, again, "each hash has a salt of its own")

	for _, tt := range []struct {
		name, hash, password string
		want                 bool
	}{
		{"right", hash, "né pour conduire", true},
		{"right in another Unicode form", hash, "né pour conduire", true},
		{"wrong", hash, "ne pour conduire", false},
		{"empty", hash, "", false},
		{"nobody", "", "né pour conduire", false},
		{"nobody has the dummy's password", "", "no password has this hash", false},
	} {
		right, outdated, err := h.Check(t.Context(), tt.hash, tt.password)
		require.NoError(t, err, tt.name)
		assert.Equal(t, tt.want, right, tt.name)
		assert.False(t, outdated, tt.name)
	}

	raised := auth.NewHasher(auth.PasswordParams{MemoryKiB: 128, Passes: 1, Threads: 1}, 1)
	right, outdated, err := raised.Check(t.Context(), hash, "né pour conduire")
	require.NoError(t, err)
	assert.True(t, right)
	assert.True(t, outdated, "the cost was raised")

	for _, broken := range []string{"x", "$argon2i$v=19$m=64,t=1,p=1$AAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAA", hash[:len(hash)-30], "$argon2id$v=19$m=99999999,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAA"} {
		_, _, err := h.Check(t.Context(), broken, "x")
		require.Error(t, err, broken)
	}
}

func TestDefaultCostIsTheLeastThatIsRecommended(t *testing.T) {
	t.Parallel()
	hash, err := auth.NewHasher(auth.DefaultPasswordParams(), 1).Hash(t.Context(), "x")
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$"), hash)
}

// A caller that waits for its turn leaves when its request ends.
func TestHasherIsBounded(t *testing.T) {
	t.Parallel()
	h := auth.NewHasher(auth.PasswordParams{MemoryKiB: 64 * 1024, Passes: 8, Threads: 1}, 1)
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	refused := make(chan error, 8)
	for range cap(refused) {
		wg.Go(func() {
			_, err := h.Hash(ctx, "x")
			cancel() // the first to finish sends the rest away
			refused <- err
		})
	}
	wg.Wait()
	close(refused)
	n := 0
	for err := range refused {
		if err != nil {
			require.ErrorIs(t, err, context.Canceled)
			n++
		}
	}
	assert.GreaterOrEqual(t, n, 6)
	assert.Equal(t, errs.Unavailable, auth.ErrBusy.Kind)
}

func TestCheckPassword(t *testing.T) {
	t.Parallel()
	for password, want := range map[string]string{
		"elevenchars":                        "too_short",
		"éééééééééé1":                        "too_short", // characters, not bytes
		"a quiet rooftop":                    "",
		"Motdepasse123":                      "too_common",
		"aaaaaaaaaaaaaaa":                    "too_common",
		"abcabcabcabcab":                     "too_common",
		"jane.doe@example.com":               "too_common",
		strings.Repeat("ab1 c", 25) + "xyz":  "",
		strings.Repeat("ab1 c", 25) + "wxyz": "too_long",
		"bad\xffutf8 bad utf8":               "not_utf8",
	} {
		got := auth.CheckPassword(password, "Jane.Doe@example.com", "")
		if want == "" {
			assert.Nil(t, got, password)
			continue
		}
		if assert.NotNil(t, got, password) {
			assert.Equal(t, want, got.Code, password)
		}
	}
}
