package image_test

import (
	"bytes"
	"encoding/binary"
	stdimage "image"
	"image/jpeg"
	"image/png"
	"testing"

	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/image"
)

// FuzzRenditions holds every input to one of two ends: upright JPEGs of the widths, or an error meant for the sender.
func FuzzRenditions(f *testing.F) {
	var j, p bytes.Buffer
	_ = jpeg.Encode(&j, corners(24, 16), nil)
	_ = png.Encode(&p, corners(24, 16))
	f.Add(j.Bytes())
	f.Add(p.Bytes())
	f.Add(withEXIF(j.Bytes(), 6, binary.BigEndian))
	f.Add(pngHeader(64, 64, 16))
	f.Add([]byte("RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00/\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00"))
	desk := image.NewDesk()
	f.Fuzz(func(t *testing.T, data []byte) {
		if info, err := image.Inspect(data); err == nil && info.Width*info.Height > 1<<20 {
			return // true, and slow
		}
		out, err := desk.Renditions(t.Context(), data, []int{8, 64})
		if err != nil {
			if _, public := errs.As(err); !public {
				t.Fatal(err)
			}
			return
		}
		for _, r := range out {
			m, err := jpeg.Decode(bytes.NewReader(r.JPEG))
			if err != nil || m.Bounds() != stdimage.Rect(0, 0, r.Width, r.Height) {
				t.Fatal(r.Width, r.Height, err)
			}
		}
	})
}
