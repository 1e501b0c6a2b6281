package image

import (
	"bytes"
	"encoding/binary"
)

// readJPEG walks the segments (ITU-T T.81, annex B) up to the end of the image.
func (h *header) readJPEG(data []byte) error {
	at := 2
	for {
		// A marker may be padded with any number of 0xff.
		for at < len(data) && data[at] == 0xff {
			at++
		}
		if at >= len(data) || data[at-1] != 0xff {
			return errStructure
		}
		marker := data[at]
		at++
		switch {
		case marker == 0xd9: // EOI
			if h.width == 0 {
				return errStructure
			}
			return behind(data[at:])
		case marker == 0x01 || marker >= 0xd0 && marker <= 0xd7:
			continue
		}
		if at+2 > len(data) {
			return errStructure
		}
		n := int(binary.BigEndian.Uint16(data[at:]))
		if n < 2 || at+n > len(data) {
			return errStructure
		}
		segment := data[at+2 : at+n]
		at += n
		switch marker {
		case 0xc0, 0xc1, 0xc2: // the frames that the decoder knows: baseline, extended, progressive
			if err := h.frame(segment, marker == 0xc2); err != nil {
				return err
			}
		case 0xe1: // APP1
			if tiff, ok := bytes.CutPrefix(segment, []byte("Exif\x00\x00")); ok {
				h.orient(tiff)
			}
		case 0xda: // SOS: coded data up to the next marker
			if h.width == 0 {
				return errStructure
			}
			at = endOfScan(data, at)
		}
	}
}

// frame reads the size, and what the samples of one pixel take.
func (h *header) frame(s []byte, progressive bool) error {
	if len(s) < 6 || h.width != 0 {
		return errStructure
	}
	h.height, h.width = int(binary.BigEndian.Uint16(s[1:])), int(binary.BigEndian.Uint16(s[3:]))
	components := s[6:]
	if n := int(s[5]); h.width == 0 || h.height == 0 || n == 0 || n > 4 || len(components) != 3*n {
		return errStructure
	}
	samples, most := 0, 0
	for i := 0; i < len(components); i += 3 {
		factor := int(components[i+1]>>4) * int(components[i+1]&15)
		if factor == 0 || factor > 16 {
			return errStructure
		}
		samples, most = samples+factor, max(most, factor)
	}
	// In halves of a byte, rounded up: a byte for a sample, and in progressive images four more for its coefficient.
	perSample := 2
	if progressive {
		perSample = 10
	}
	h.perPixel = (samples*perSample + most - 1) / most
	if len(components) == 12 {
		h.perPixel += 8 // four inks are put together in a second picture
	}
	return nil
}

// endOfScan is where the marker that ends coded data begins.
func endOfScan(data []byte, at int) int {
	for {
		i := bytes.IndexByte(data[at:], 0xff)
		if i < 0 || at+i+1 >= len(data) {
			return len(data)
		}
		at += i
		if next := data[at+1]; next != 0 && (next < 0xd0 || next > 0xd7) {
			return at
		}
		at += 2
	}
}

// readPNG walks the chunks (PNG, third edition, clause 5).
func (h *header) readPNG(data []byte) error {
	at := 8
	for at+12 <= len(data) {
		n := int64(binary.BigEndian.Uint32(data[at:]))
		kind := string(data[at+4 : at+8])
		if n > int64(len(data)-at-12) {
			return errStructure
		}
		chunk := data[at+8 : at+8+int(n)]
		at += 12 + int(n)
		switch kind {
		case "IHDR":
			if len(chunk) != 13 || h.width != 0 {
				return errStructure
			}
			w, ht := binary.BigEndian.Uint32(chunk), binary.BigEndian.Uint32(chunk[4:])
			if w == 0 || ht == 0 || w > 1<<31-1 || ht > 1<<31-1 {
				return errStructure
			}
			h.width, h.height = int(w), int(ht)
			h.perPixel = 8 // four channels of a byte
			if chunk[8] == 16 {
				h.perPixel = 16
			}
			if chunk[12] != 0 {
				h.perPixel += h.perPixel / 2 // interlaced: each pass is a picture of its own
			}
		case "eXIf":
			h.orient(chunk)
		case "IEND":
			if h.width == 0 {
				return errStructure
			}
			return behind(data[at:])
		}
	}
	return errStructure
}

// readWebP walks the chunks of the RIFF container (RFC 9649).
func (h *header) readWebP(data []byte) error {
	end := 8 + int64(binary.LittleEndian.Uint32(data[4:]))
	if end > int64(len(data)) || end < 12 {
		return errStructure
	}
	if err := behind(data[end:]); err != nil {
		return err
	}
	data = data[:end]
	found := false
	for at := 12; at+8 <= len(data); {
		n := int64(binary.LittleEndian.Uint32(data[at+4:]))
		if n > int64(len(data)-at-8) {
			return errStructure
		}
		kind, chunk := string(data[at:at+4]), data[at+8:at+8+int(n)]
		at += 8 + int(n+n&1)
		switch kind {
		case "VP8X":
			if len(chunk) < 10 {
				return errStructure
			}
			h.width, h.height = max(h.width, int(u24(chunk[4:])+1)), max(h.height, int(u24(chunk[7:])+1))
		case "VP8 ":
			if len(chunk) < 10 {
				return errStructure
			}
			found, h.perPixel = true, max(h.perPixel, 5) // three samples for two pixels, and transparency
			h.width = max(h.width, int(binary.LittleEndian.Uint16(chunk[6:])&0x3fff))
			h.height = max(h.height, int(binary.LittleEndian.Uint16(chunk[8:])&0x3fff))
		case "VP8L":
			if len(chunk) < 5 {
				return errStructure
			}
			found, h.perPixel = true, 18 // the pixels before and after their transforms
			bits := binary.LittleEndian.Uint32(chunk[1:])
			h.width, h.height = max(h.width, int(bits&0x3fff)+1), max(h.height, int(bits>>14&0x3fff)+1)
		case "EXIF":
			h.orient(bytes.TrimPrefix(chunk, []byte("Exif\x00\x00")))
		}
	}
	if !found || h.width == 0 || h.height == 0 {
		return errStructure
	}
	return nil
}

func u24(b []byte) uint32 { return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 }

// orient reads tag 0x0112 of the first directory of an EXIF block. A block that it cannot read leaves the image as it is.
func (h *header) orient(tiff []byte) {
	if len(tiff) < 8 {
		return
	}
	var order binary.ByteOrder = binary.LittleEndian
	if tiff[0] == 'M' {
		order = binary.BigEndian
	}
	first := int64(order.Uint32(tiff[4:]))
	if first+2 > int64(len(tiff)) {
		return
	}
	entries := tiff[first:]
	count := int(order.Uint16(entries))
	for entries = entries[2:]; count > 0 && len(entries) >= 12; count, entries = count-1, entries[12:] {
		const tagOrientation, typeShort = 0x0112, 3
		if order.Uint16(entries) == tagOrientation && order.Uint16(entries[2:]) == typeShort {
			if o := int(order.Uint16(entries[8:])); o >= 1 && o <= 8 {
				h.orientation = o
			}
			return
		}
	}
}
