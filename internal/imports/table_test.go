package imports

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What a file costs in memory goes by what is in it, not by how wide it could be.
func TestReadersAreBounded(t *testing.T) {
	t.Parallel()
	var wide strings.Builder
	wide.WriteString(`[{`)
	for n := range maxColumns {
		wide.WriteString(`"` + strings.Repeat("c", n+1) + `":1,`)
	}
	object := strings.TrimSuffix(wide.String(), ",") + "}" + strings.Repeat(`,{"c":1}`, 1000) + "]"
	got, err := read([]byte(object), JSON, "")
	require.NoError(t, err)
	assert.Len(t, got.columns, maxColumns)
	assert.Equal(t, maxColumns+1000, got.cells)

	names := make([]string, maxColumns)
	for n := range names {
		names[n] = strings.Repeat("c", n+1)
	}
	header := strings.Join(names, ";") + "\n"
	got, err = read([]byte(header+strings.Repeat("1"+strings.Repeat(";", maxColumns-1)+"\n", 1000)), CSV, ";")
	require.NoError(t, err)
	assert.Equal(t, 1000, got.cells, "what is empty at the end of a row is not kept")

	full := strings.Repeat(";", maxColumns-1) + "1\n"
	_, err = read([]byte(header+strings.Repeat(full, maxCells/maxColumns+1)), CSV, ";")
	require.ErrorIs(t, err, errTooLarge)
}
