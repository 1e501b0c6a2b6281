package image

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Fill takes all of the desk's memory until release is called.
func (d *Desk) Fill(t *testing.T) (release func()) {
	t.Helper()
	require.NoError(t, d.memory.Acquire(t.Context(), budget))
	return func() { d.memory.Release(budget) }
}
