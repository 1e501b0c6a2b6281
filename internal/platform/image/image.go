// Package image turns photos that strangers send into JPEG renditions that are safe to show.
//
// It owns which kinds of image are read, the limits that are checked from an image's header before anything of it is
// decoded, how an image is turned upright, and its scaling. A rendition is made of pixels alone: where the photo was taken,
// the camera, and whatever else was in or behind the file stay out of it. It leaves to its callers where bytes are kept.
package image

import (
	"errors"

	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

// Format is a kind of image that is read.
type Format string

// The kinds.
const (
	JPEG Format = "image/jpeg"
	PNG  Format = "image/png"
	WebP Format = "image/webp"
)

// Limits of an image. A photo of a car needs a tenth of them.
const (
	// MaxBytes is the size of a file, in bytes.
	MaxBytes = 25 << 20
	// MaxPixels is width by height.
	MaxPixels = 64_000_000
	// MaxSide is the longer side, in pixels.
	MaxSide = 16_384
)

var (
	// ErrType is a file of a kind that is not read. Its text names the kind where it is known.
	ErrType = errs.New(errs.UnsupportedMedia, "image.type", "This is no image that is read here. Send JPEG, PNG or WebP.")
	// ErrSize is a file over MaxBytes.
	ErrSize = errs.New(errs.TooLarge, "image.too_large", "The image has more than 25 MiB. Send a smaller one.")
	// ErrPixels is an image whose header says that it is larger than MaxPixels or MaxSide, or needs too much memory.
	ErrPixels = errs.New(errs.Invalid, "image.too_many_pixels", "The image is too large. Send one of at most 64 megapixels and 16384 pixels a side.")
	// ErrBroken is an image that ends too early or does not keep to its format.
	ErrBroken = errs.New(errs.Invalid, "image.broken", "The image cannot be read: it is damaged or was not sent whole.")
	// ErrPolyglot is an image that is a file of another kind as well.
	ErrPolyglot = errs.New(errs.Invalid, "image.two_kinds", "The file is an image and something else as well. Send the image alone.")
)

// Info is what an image's header says.
type Info struct {
	Format Format
	// Width and Height are those of the upright image, in pixels.
	Width, Height int
	orientation   int // 1 to 8, as EXIF counts them; 5 to 8 swap the sides
	// memory is what decoding takes, in bytes, by the header.
	memory int64
}

// Inspect reads the header of an image and the marks of its parts, and decodes nothing. It fails with one of the errors
// above, with ErrBroken only when it is the structure of the file that is damaged.
func Inspect(data []byte) (Info, error) {
	if len(data) > MaxBytes {
		return Info{}, ErrSize
	}
	format, err := Sniff(data)
	if err != nil {
		return Info{}, err
	}
	h := header{orientation: 1}
	switch format {
	case JPEG:
		err = h.readJPEG(data)
	case PNG:
		err = h.readPNG(data)
	case WebP:
		err = h.readWebP(data)
	}
	switch {
	case errors.Is(err, errPolyglot):
		return Info{}, ErrPolyglot
	case err != nil && !h.tooLarge():
		return Info{}, ErrBroken.Because(err)
	case h.tooLarge():
		return Info{}, ErrPixels
	}
	info := Info{Format: format, Width: h.width, Height: h.height, orientation: h.orientation, memory: h.memory()}
	if info.sideways() {
		info.Width, info.Height = h.height, h.width
	}
	return info, nil
}

func (i Info) sideways() bool { return i.orientation >= 5 }

// header is what the readers of the formats collect.
type header struct {
	width, height int
	// perPixel is how many bytes the decoder takes for one, in halves.
	perPixel    int
	orientation int
}

func (h *header) tooLarge() bool {
	return h.width > MaxSide || h.height > MaxSide || int64(h.width)*int64(h.height) > MaxPixels || h.memory() > budget
}

func (h *header) memory() int64 { return int64(h.width) * int64(h.height) * int64(h.perPixel) / 2 }

var (
	errPolyglot  = errors.New("another file begins behind the image")
	errStructure = errors.New("the parts of the file do not add up")
)
