package image

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"slices"

	"golang.org/x/image/draw"
	"golang.org/x/image/webp"
	"golang.org/x/sync/semaphore"
)

const (
	// budget is the memory, in bytes, that all images at work in one Desk take together; one alone may take it all.
	budget = 256 << 20
	// quality of renditions, of 100.
	quality = 82
)

// Desk is where images are decoded: as many at a time as fit its memory.
type Desk struct{ memory *semaphore.Weighted }

// NewDesk makes one. A process needs one.
func NewDesk() *Desk { return &Desk{memory: semaphore.NewWeighted(budget)} }

// Rendition is a JPEG made of an image's pixels and nothing else.
type Rendition struct {
	Width, Height int
	JPEG          []byte
}

// Renditions makes one JPEG for each width, the widest first, upright and on white where the image is transparent. Widths
// beyond the image's own are left out, but for one rendition of the image's own width when it is narrower than the
// widest. It waits for its memory, as long as ctx lets it, and fails with one of the errors of Inspect.
func (d *Desk) Renditions(ctx context.Context, data []byte, widths []int) ([]Rendition, error) {
	info, err := Inspect(data)
	if err != nil {
		return nil, err
	}
	if err = d.memory.Acquire(ctx, info.memory); err != nil {
		return nil, fmt.Errorf("wait for the memory to decode an image: %w", err)
	}
	defer d.memory.Release(info.memory)
	src, err := decode(info.Format, data)
	if err != nil {
		return nil, ErrBroken.Because(err)
	}
	if b := src.Bounds(); info.sideways() && (b.Dx() != info.Height || b.Dy() != info.Width) || !info.sideways() && (b.Dx() != info.Width || b.Dy() != info.Height) {
		return nil, ErrBroken.Because(errStructure)
	}
	var out []Rendition
	for _, w := range fitting(widths, info.Width) {
		small := scaled(src, info, w)
		var b bytes.Buffer
		if err := jpeg.Encode(&b, upright(small, info.orientation), &jpeg.Options{Quality: quality}); err != nil {
			return nil, fmt.Errorf("encode a rendition: %w", err)
		}
		r := Rendition{Width: w, Height: small.Rect.Dy(), JPEG: b.Bytes()}
		if info.sideways() {
			r.Height = small.Rect.Dx()
		}
		out = append(out, r)
		src = small // the next is narrower
	}
	return out, nil
}

// fitting are the widths to make, the widest first.
func fitting(widths []int, own int) []int {
	widths = slices.Clone(widths)
	slices.Sort(widths)
	widths = slices.Compact(widths)
	if n := len(widths); n > 0 && own < widths[n-1] {
		widths = append(slices.DeleteFunc(widths, func(w int) bool { return w >= own }), own)
	}
	slices.Reverse(widths)
	return widths
}

func decode(f Format, data []byte) (image.Image, error) {
	switch f {
	case PNG:
		return png.Decode(bytes.NewReader(data))
	case WebP:
		return webp.Decode(bytes.NewReader(data))
	case JPEG:
	}
	return jpeg.Decode(bytes.NewReader(data))
}

// scaled is the image, as it lies in the file, at the size whose upright width is w.
func scaled(src image.Image, info Info, w int) *image.RGBA {
	h := max(1, (info.Height*w+info.Width/2)/info.Width)
	if info.sideways() {
		w, h = h, w
	}
	near := reduced(src, max(1, src.Bounds().Dx()/w), max(1, src.Bounds().Dy()/h))
	if near.Rect.Dx() == w && near.Rect.Dy() == h {
		return near
	}
	// Between half the size and the whole, two neighbours each way have all that is needed.
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.ApproxBiLinear.Scale(out, out.Rect, near, near.Rect, draw.Src, nil)
	return out
}

// reduced takes the mean of each block of nx by ny pixels. It holds ny rows of the source at a time, since a filter that
// is as wide as a large photo needs would take more memory than the photo.
func reduced(src image.Image, nx, ny int) *image.RGBA {
	from := src.Bounds()
	w, h := from.Dx()/nx, from.Dy()/ny
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	rows := image.NewRGBA(image.Rect(0, 0, from.Dx(), ny))
	for y := range h {
		draw.Draw(rows, rows.Rect, image.NewUniform(color.White), image.Point{}, draw.Src)
		draw.Draw(rows, rows.Rect, src, image.Pt(from.Min.X, from.Min.Y+y*ny), draw.Over)
		for x := range w {
			var sum [3]int
			for row := range ny {
				block := rows.Pix[row*rows.Stride+4*x*nx:]
				for i := range nx {
					sum[0], sum[1], sum[2] = sum[0]+int(block[4*i]), sum[1]+int(block[4*i+1]), sum[2]+int(block[4*i+2])
				}
			}
			n := nx * ny
			at := y*out.Stride + 4*x
			for c := range sum {
				out.Pix[at+c] = uint8((sum[c] + n/2) / n) //nolint:gosec // a mean of bytes is one
			}
			out.Pix[at+3] = 255
		}
	}
	return out
}

// upright turns and mirrors an image as EXIF's orientation asks.
func upright(src *image.RGBA, orientation int) *image.RGBA {
	if orientation <= 1 {
		return src
	}
	w, h := src.Rect.Dx(), src.Rect.Dy()
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	if orientation >= 5 {
		out = image.NewRGBA(image.Rect(0, 0, h, w))
	}
	for y := range h {
		for x := range w {
			var tx, ty int
			switch orientation {
			case 2:
				tx, ty = w-1-x, y
			case 3:
				tx, ty = w-1-x, h-1-y
			case 4:
				tx, ty = x, h-1-y
			case 5:
				tx, ty = y, x
			case 6:
				tx, ty = h-1-y, x
			case 7:
				tx, ty = h-1-y, w-1-x
			case 8:
				tx, ty = y, w-1-x
			}
			copy(out.Pix[out.PixOffset(tx, ty):][:4], src.Pix[src.PixOffset(x, y):][:4])
		}
	}
	return out
}
