package image_test

import (
	"encoding/base64"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/platform/image"
)

func TestWebP(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"lossy":    "UklGRiQAAABXRUJQVlA4IBgAAAAwAQCdASoBAAEAAwA0JaQAA3AA/vuUAAA=",
		"lossless": "UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==",
	} {
		data, err := base64.StdEncoding.DecodeString(text)
		require.NoError(t, err)
		out, err := image.NewDesk().Renditions(t.Context(), data, []int{320})
		require.NoError(t, err, name)
		assert.Equal(t, [2]int{1, 1}, [2]int{out[0].Width, out[0].Height})

		// One pixel is left of a canvas that says it is of 200 megapixels.
		canvas := append([]byte("RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00\x9f\x3f\x00\x1f\x31\x00"), data[12:]...)
		binary.LittleEndian.PutUint32(canvas[4:], uint32(len(canvas)-8))
		_, err = image.Inspect(canvas)
		require.ErrorIs(t, err, image.ErrPixels, name)

		_, err = image.Inspect(append(data, "<html>"...))
		require.ErrorIs(t, err, image.ErrPolyglot, name)
		_, err = image.Inspect(data[:len(data)-4])
		require.ErrorIs(t, err, image.ErrBroken, name)
	}
}
