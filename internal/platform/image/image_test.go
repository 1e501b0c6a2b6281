package image_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	stdimage "image"
	"image/color"
	"image/jpeg"
	"image/png"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/image"
)

// corners is a picture whose quarters are red and green above, blue and white below.
func corners(w, h int) *stdimage.RGBA {
	out := stdimage.NewRGBA(stdimage.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := [2][2]color.RGBA{{{255, 0, 0, 255}, {0, 255, 0, 255}}, {{0, 0, 255, 255}, {255, 255, 255, 255}}}[2*y/h][2*x/w]
			out.SetRGBA(x, y, c)
		}
	}
	return out
}

func jpegOf(t *testing.T, m stdimage.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, m, nil))
	return b.Bytes()
}

func pngOf(t *testing.T, m stdimage.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, m))
	return b.Bytes()
}

// withEXIF puts an EXIF block with an orientation and a place behind the first marker of a JPEG.
func withEXIF(data []byte, orientation uint16, order binary.AppendByteOrder) []byte {
	tiff := []byte("II*\x00")
	if order == binary.AppendByteOrder(binary.BigEndian) {
		tiff = []byte("MM\x00*")
	}
	tiff = order.AppendUint32(tiff, 8)
	tiff = order.AppendUint16(tiff, 1)
	tiff = order.AppendUint16(tiff, 0x0112)
	tiff = order.AppendUint16(tiff, 3)
	tiff = order.AppendUint32(tiff, 1)
	tiff = order.AppendUint16(tiff, orientation)
	tiff = append(tiff, 0, 0, 0, 0, 0, 0)
	tiff = append(tiff, "GPSLatitude 48.8566"...)
	block := append([]byte("Exif\x00\x00"), tiff...)
	out := append([]byte{}, data[:2]...)
	out = append(out, 0xff, 0xe1)
	out = binary.BigEndian.AppendUint16(out, uint16(len(block)+2))
	out = append(out, block...)
	return append(out, data[2:]...)
}

// pngHeader is a PNG that says what it is, with a few bytes of content.
func pngHeader(w, h uint32, depth byte) []byte {
	out := []byte("\x89PNG\r\n\x1a\n")
	chunk := func(kind string, body []byte) {
		out = binary.BigEndian.AppendUint32(out, uint32(len(body)))
		whole := append([]byte(kind), body...)
		out = append(out, whole...)
		out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(whole))
	}
	ihdr := binary.BigEndian.AppendUint32(nil, w)
	ihdr = binary.BigEndian.AppendUint32(ihdr, h)
	chunk("IHDR", append(ihdr, depth, 6, 0, 0, 0))
	chunk("IDAT", []byte{0x78, 0x9c, 0x03, 0, 0, 0, 0, 1})
	chunk("IEND", nil)
	return out
}

func pixel(t *testing.T, data []byte, x, y int) string {
	t.Helper()
	m, err := jpeg.Decode(bytes.NewReader(data))
	require.NoError(t, err)
	r, g, b, _ := m.At(x, y).RGBA()
	switch {
	case r > 0xc000 && g > 0xc000 && b > 0xc000:
		return "white"
	case r > 0xc000 && g < 0x4000 && b < 0x4000:
		return "red"
	case g > 0xc000 && r < 0x4000 && b < 0x4000:
		return "green"
	case b > 0xc000 && r < 0x4000 && g < 0x4000:
		return "blue"
	}
	return "none"
}

func TestRenditionsAreUpright(t *testing.T) {
	t.Parallel()
	desk := image.NewDesk()
	plain := jpegOf(t, corners(640, 320))
	// The corners of the upright image, from the upper left by rows, as EXIF 2.32 table 6 turns them.
	for orientation, want := range map[uint16][4]string{
		1: {"red", "green", "blue", "white"}, 2: {"green", "red", "white", "blue"}, 3: {"white", "blue", "green", "red"}, 4: {"blue", "white", "red", "green"},
		5: {"red", "blue", "green", "white"}, 6: {"blue", "red", "white", "green"}, 7: {"white", "green", "blue", "red"}, 8: {"green", "white", "red", "blue"},
		0: {"red", "green", "blue", "white"}, 9: {"red", "green", "blue", "white"},
	} {
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			out, err := desk.Renditions(t.Context(), withEXIF(plain, orientation, order), []int{160})
			require.NoError(t, err)
			require.Len(t, out, 1)
			w, h := 160, 80
			if orientation >= 5 && orientation <= 8 {
				h = 320
			}
			assert.Equal(t, [2]int{w, h}, [2]int{out[0].Width, out[0].Height}, orientation)
			got := [4]string{}
			for i := range got {
				got[i] = pixel(t, out[0].JPEG, w/4+i%2*w/2, h/4+i/2*h/2)
			}
			assert.Equal(t, want, got, orientation)
			assert.NotContains(t, string(out[0].JPEG), "GPS")
			assert.NotContains(t, string(out[0].JPEG), "Exif")
		}
	}
}

func TestWidths(t *testing.T) {
	t.Parallel()
	desk := image.NewDesk()
	for _, c := range []struct {
		own  int
		ask  []int
		want []int
	}{
		{1000, []int{320, 640, 1600}, []int{1000, 640, 320}},
		{1600, []int{1600, 320, 320}, []int{1600, 320}},
		{2000, []int{320, 1600}, []int{1600, 320}},
		{100, []int{320}, []int{100}},
	} {
		out, err := desk.Renditions(t.Context(), pngOf(t, corners(c.own, 300)), c.ask)
		require.NoError(t, err)
		var got []int
		for _, r := range out {
			cfg, err := jpeg.DecodeConfig(bytes.NewReader(r.JPEG))
			require.NoError(t, err)
			assert.Equal(t, [2]int{cfg.Width, cfg.Height}, [2]int{r.Width, r.Height})
			assert.InDelta(t, 300*r.Width/c.own, r.Height, 1)
			got = append(got, r.Width)
			assert.Equal(t, "red", pixel(t, r.JPEG, r.Width/4, r.Height/4))
			assert.Equal(t, "white", pixel(t, r.JPEG, r.Width*3/4, r.Height*3/4))
		}
		assert.Equal(t, c.want, got)
	}
}

func TestTransparencyIsWhite(t *testing.T) {
	t.Parallel()
	out, err := image.NewDesk().Renditions(t.Context(), pngOf(t, stdimage.NewNRGBA(stdimage.Rect(0, 0, 64, 64))), []int{32})
	require.NoError(t, err)
	assert.Equal(t, "white", pixel(t, out[0].JPEG, 16, 16))
}

func TestSlimImages(t *testing.T) {
	t.Parallel()
	for _, size := range [][2]int{{1, 1}, {1, 4000}, {4000, 1}, {4000, 3}} {
		out, err := image.NewDesk().Renditions(t.Context(), pngOf(t, corners(size[0], size[1])), []int{320})
		require.NoError(t, err)
		assert.Positive(t, out[0].Height)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	whole := jpegOf(t, corners(640, 480))
	archive := append(append([]byte{}, whole...), "PK\x03\x04 and the rest of an archive"...)
	saying := func(side uint16) []byte { // a JPEG whose header lies
		out := append([]byte{}, whole...)
		frame := bytes.Index(out, []byte{0xff, 0xc0})
		binary.BigEndian.PutUint16(out[frame+5:], side)
		binary.BigEndian.PutUint16(out[frame+7:], side)
		return out
	}
	for _, c := range []struct {
		name string
		data []byte
		want *errs.Error
		says string
	}{
		{"decompression bomb", pngHeader(60_000, 60_000, 8), image.ErrPixels, "megapixels"},
		{"bomb whose sides multiply beyond 32 bits", pngHeader(1<<31-1, 1<<31-1, 8), image.ErrPixels, "megapixels"},
		{"200 megapixels", pngHeader(16_000, 12_500, 8), image.ErrPixels, "megapixels"},
		{"200 megapixels, JPEG", saying(14_142), image.ErrPixels, "megapixels"},
		{"81 megapixels that would fit the memory", saying(9_000), image.ErrPixels, "megapixels"},
		{"few pixels that take much memory", pngHeader(8_000, 7_900, 16), image.ErrPixels, "megapixels"},
		{"a strip", pngHeader(100_000, 1, 8), image.ErrPixels, "16384"},
		{"a pixel nowhere", pngHeader(0, 10, 8), image.ErrBroken, "damaged"},
		{"SVG with a script", []byte(`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`), image.ErrType, "SVG"},
		{"web page", []byte("\n<!DOCTYPE html><html>"), image.ErrType, "web page"},
		{"GIF", []byte("GIF89a/*"), image.ErrType, "GIF"},
		{"HEIC", []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00"), image.ErrType, "HEIC"},
		{"PDF", []byte("%PDF-1.7"), image.ErrType, "PDF"},
		{"nothing", nil, image.ErrType, "JPEG, PNG or WebP"},
		{"JPEG and archive", archive, image.ErrPolyglot, "something else"},
		{"JPEG and script", append(append([]byte{}, whole...), "\x00\x00 ... <SCRIPT>alert(1)</script>"...), image.ErrPolyglot, "something else"},
		{"archive whose end is far behind", append(append(append([]byte{}, whole...), bytes.Repeat([]byte{7}, 1<<20)...), "PK\x05\x06\x00\x00"...), image.ErrPolyglot, "something else"},
		{"PNG and PDF", append(pngOf(t, corners(8, 8)), "%PDF-1.7"...), image.ErrPolyglot, "something else"},
		{"truncated JPEG", whole[:len(whole)/2], image.ErrBroken, "damaged"},
		{"JPEG of three bytes", whole[:3], image.ErrBroken, "damaged"},
		{"truncated PNG", pngOf(t, corners(64, 64))[:60], image.ErrBroken, "damaged"},
		{"PNG without its pixels", pngHeader(64, 64, 8), image.ErrBroken, "damaged"},
		{"WebP of a header", []byte("RIFF\x04\x00\x00\x00WEBP"), image.ErrBroken, "damaged"},
		{"too many bytes", append(append([]byte{}, whole...), make([]byte, image.MaxBytes)...), image.ErrSize, "25 MiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := image.NewDesk().Renditions(t.Context(), c.data, []int{320})
			require.ErrorIs(t, err, c.want)
			e, _ := errs.As(err)
			assert.Contains(t, e.Public, c.says)
		})
	}
}

func TestDataOfCamerasBehindAnImage(t *testing.T) {
	t.Parallel()
	first, second := jpegOf(t, corners(640, 480)), jpegOf(t, corners(160, 120))
	for name, behind := range map[string]string{
		"second picture": string(second), "film": "\x00\x00\x00\x18ftypmp42\x00\x00", "maker's notes": "\x00\x00\x01\x0aImage_UTC_Data", "padding": "\x00\x00\x00",
	} {
		info, err := image.Inspect(append(append([]byte{}, first...), behind...))
		require.NoError(t, err, name)
		assert.Equal(t, [2]int{640, 480}, [2]int{info.Width, info.Height})
	}
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	desk := image.NewDesk()
	release := desk.Fill(t)
	_, err := desk.Renditions(ctx, jpegOf(t, corners(64, 64)), []int{32})
	require.ErrorIs(t, err, context.Canceled)
	release()
	_, err = desk.Renditions(t.Context(), jpegOf(t, corners(64, 64)), []int{32})
	require.NoError(t, err)
}
