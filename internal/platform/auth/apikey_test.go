package auth_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/platform/auth"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^rt_(live|test)_(sk|pk|oem)_[0-9A-Za-z]{30}_[0-9A-Za-z]{6}$`)
	seen := map[string]bool{}
	for _, kind := range []auth.KeyKind{auth.KeySecret, auth.KeyPublishable, auth.KeyOEM} {
		for _, test := range []bool{false, true} {
			key := auth.NewKey(kind, test)
			require.Regexp(t, form, key.Text)
			require.False(t, seen[key.Text])
			seen[key.Text] = true
			parsed, ok := auth.ParseKey(key.Text)
			require.True(t, ok)
			assert.Equal(t, key, parsed)
			assert.Equal(t, test, parsed.Test)
			assert.Len(t, key.Hash(), 32)
			assert.True(t, strings.HasPrefix(key.Text, key.Prefix()))
			assert.Len(t, strings.TrimPrefix(key.Prefix(), strings.Join(strings.Split(key.Text, "_")[:3], "_")+"_"), 8)
			for _, shown := range []string{fmt.Sprint(key), fmt.Sprintf("%+v", key), fmt.Sprintf("%#v", key)} {
				assert.NotContains(t, shown, key.Text)
			}
		}
	}
}

func TestParseKeyRefuses(t *testing.T) {
	t.Parallel()
	text := auth.NewKey(auth.KeySecret, false).Text
	for i := range text {
		other := byte('0')
		if text[i] == '0' {
			other = '1'
		}
		_, ok := auth.ParseKey(text[:i] + string(other) + text[i+1:])
		assert.False(t, ok, "character %d changed", i)
	}
	for _, bad := range []string{"", "rt_", text + "0", text[1:], " " + text, strings.ToUpper(text), "rt_live_sk__"} {
		_, ok := auth.ParseKey(bad)
		assert.False(t, ok, bad)
	}
}

func TestCache(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	c := auth.NewCache(5*time.Second, 64, func() time.Time { return now })
	c.Put("a", auth.Actor{Name: "a"}, time.Time{})
	c.Put("b", auth.Actor{Name: "b"}, now.Add(2*time.Second))

	got, ok := c.Get("a")
	require.True(t, ok)
	assert.Equal(t, "a", got.Name)
	_, ok = c.Get("c")
	assert.False(t, ok)

	now = now.Add(2 * time.Second)
	_, ok = c.Get("b")
	assert.False(t, ok, "not past the credential's own end")
	now = now.Add(3 * time.Second)
	_, ok = c.Get("a")
	assert.False(t, ok, "not past the TTL")

	held := 0
	for i := range 10_000 {
		c.Put(fmt.Sprint(i), auth.Actor{}, time.Time{})
	}
	for i := range 10_000 {
		if _, ok := c.Get(fmt.Sprint(i)); ok {
			held++
		}
	}
	assert.LessOrEqual(t, held, 64)
	assert.Positive(t, held)
}

func TestScopesAsText(t *testing.T) {
	t.Parallel()
	set, known := auth.SplitScopes(" leads:write  leads:read ")
	assert.True(t, known)
	assert.Equal(t, "leads:read leads:write", auth.JoinScopes(set))
	set, known = auth.SplitScopes("leads:read no:such")
	assert.False(t, known)
	assert.Equal(t, auth.NewScopeSet(auth.LeadsRead), set)
}
