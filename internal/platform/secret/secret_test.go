package secret_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/platform/secret"
)

func parse(t *testing.T, setting string) *secret.Keyring {
	t.Helper()
	ring, err := secret.Parse(setting)
	require.NoError(t, err)
	return ring
}

func TestParseReadsEverySpelling(t *testing.T) {
	t.Parallel()
	std := secret.Generate()
	raw, err := base64.StdEncoding.DecodeString(std)
	require.NoError(t, err)
	require.Len(t, raw, secret.KeyBytes)
	want := parse(t, std).Derive("x")
	for _, spelling := range []string{
		strings.TrimRight(std, "="),
		base64.URLEncoding.EncodeToString(raw),
		base64.RawURLEncoding.EncodeToString(raw),
		hex.EncodeToString(raw),
		" " + std + " ",
	} {
		assert.Equal(t, want, parse(t, spelling).Derive("x"), spelling)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	good := secret.Generate()
	for name, setting := range map[string]string{
		"nothing":         "",
		"spaces":          "  ",
		"a short key":     base64.StdEncoding.EncodeToString(make([]byte, 31)),
		"words":           "correct horse battery staple",
		"a constant key":  hex.EncodeToString(make([]byte, 32)),
		"a hole":          good + ",",
		"the same twice":  good + "," + good,
		"a bad second":    good + ",zzz",
		"a key with text": good + "!",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := secret.Parse(setting)
			require.Error(t, err)
			if len(setting) > 40 {
				assert.NotContains(t, err.Error(), setting[:40], "an error must not show the key")
			}
		})
	}
	_, err := secret.Parse("")
	require.ErrorIs(t, err, secret.ErrNoKey)
}

func TestSealedValuesOpenOnlyAsSealed(t *testing.T) {
	t.Parallel()
	ring := parse(t, secret.Generate())
	sealed := ring.Seal("signing key", []byte("plain"))
	opened, err := ring.Open("signing key", sealed)
	require.NoError(t, err)
	assert.Equal(t, "plain", string(opened))
	assert.NotEqual(t, sealed, ring.Seal("signing key", []byte("plain")))
	assert.NotContains(t, string(sealed), "plain")

	_, err = ring.Open("webhook secret", sealed)
	require.ErrorIs(t, err, secret.ErrSealed, "another purpose")
	_, err = parse(t, secret.Generate()).Open("signing key", sealed)
	require.ErrorIs(t, err, secret.ErrSealed, "another key")
	for i := range sealed {
		changed := append([]byte(nil), sealed...)
		changed[i] ^= 1
		_, err = ring.Open("signing key", changed)
		require.ErrorIs(t, err, secret.ErrSealed, "byte %d changed", i)
		_, err = ring.Open("signing key", sealed[:i])
		require.ErrorIs(t, err, secret.ErrSealed, "cut at %d", i)
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	oldKey, newKey := secret.Generate(), secret.Generate()
	before, during, after := parse(t, oldKey), parse(t, newKey+","+oldKey), parse(t, newKey)
	sealedBefore := before.Seal("p", []byte("old"))
	sealedDuring := during.Seal("p", []byte("new"))

	opened, err := during.Open("p", sealedBefore)
	require.NoError(t, err)
	assert.Equal(t, "old", string(opened))
	opened, err = after.Open("p", sealedDuring)
	require.NoError(t, err, "the first key seals")
	assert.Equal(t, "new", string(opened))
	_, err = after.Open("p", sealedBefore)
	require.ErrorIs(t, err, secret.ErrSealed)

	assert.Equal(t, before.Derive("cursor"), during.Derive("cursor"), "a new first key must not change derived keys")
	assert.NotEqual(t, before.Derive("cursor"), before.Derive("other"))
	assert.NotEqual(t, before.Derive("cursor"), after.Derive("cursor"))
}

func TestKeyringIsNotPrinted(t *testing.T) {
	t.Parallel()
	ring := parse(t, secret.Generate())
	for _, text := range []string{fmt.Sprint(ring), fmt.Sprintf("%+v", ring), fmt.Sprintf("%#v", ring)} {
		assert.Equal(t, "1 master keys", text)
	}
}
