package calendars

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMemo(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	m := newMemo[string, int](func() time.Time { return now })
	asked := 0
	get := func() int {
		v, err := m.get("key", func() (int, error) {
			asked++
			return asked, nil
		})
		require.NoError(t, err)
		return v
	}
	assert.Equal(t, 1, get())
	assert.Equal(t, 1, get(), "remembered")
	now = now.Add(memoTTL - time.Millisecond)
	assert.Equal(t, 1, get())
	now = now.Add(time.Millisecond)
	assert.Equal(t, 2, get(), "what another process changed is seen")
	m.forget("key")
	assert.Equal(t, 3, get(), "what this one changed is seen at once")

	v, err := m.get("other", func() (int, error) {
		m.forget() // a change commits while the answer is read
		return 7, nil
	})
	require.NoError(t, err)
	assert.Equal(t, 7, v)
	v, err = m.get("other", func() (int, error) { return 8, nil })
	require.NoError(t, err)
	assert.Equal(t, 8, v, "what was read before a change is not kept after it")
	assert.LessOrEqual(t, memoTTL, 10*time.Second)
}
