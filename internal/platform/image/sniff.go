package image

import (
	"bytes"
)

// Sniff tells the kind of an image by its first bytes, whatever its name or its sender says. It fails with ErrType.
func Sniff(head []byte) (Format, error) {
	switch {
	case bytes.HasPrefix(head, []byte{0xff, 0xd8, 0xff}):
		return JPEG, nil
	case bytes.HasPrefix(head, []byte("\x89PNG\r\n\x1a\n")):
		return PNG, nil
	case len(head) >= 12 && string(head[:4]) == "RIFF" && string(head[8:12]) == "WEBP":
		return WebP, nil
	}
	if name := otherKind(head); name != "" {
		return "", ErrType.Saying("%s is not read here. Send JPEG, PNG or WebP.", name)
	}
	return "", ErrType
}

// otherKind names what people and programs send in place of a photo.
func otherKind(head []byte) string {
	if len(head) >= 12 && string(head[4:8]) == "ftyp" {
		switch string(head[8:12]) {
		case "heic", "heix", "hevc", "mif1", "msf1":
			return "HEIC"
		case "avif", "avis":
			return "AVIF"
		}
		return "A video"
	}
	for _, k := range []struct{ begins, name string }{
		{"GIF8", "GIF"},
		{"BM", "BMP"},
		{"II*\x00", "TIFF"},
		{"MM\x00*", "TIFF"},
		{"%PDF-", "PDF"},
		{"PK\x03\x04", "A ZIP archive"},
		{"\x00\x00\x01\x00", "An icon"},
		{"\xff\x0a", "JPEG XL"},
		{"\x00\x00\x00\x0cJXL ", "JPEG XL"},
	} {
		if bytes.HasPrefix(head, []byte(k.begins)) {
			return k.name
		}
	}
	text := bytes.ToLower(bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n"))
	if len(text) > 1024 {
		text = text[:1024]
	}
	switch {
	case bytes.HasPrefix(text, []byte("<")) && bytes.Contains(text, []byte("<svg")):
		return "SVG"
	case bytes.HasPrefix(text, []byte("<!doctype html")), bytes.HasPrefix(text, []byte("<html")):
		return "A web page"
	}
	return ""
}

// foreign are what files of other kinds begin with.
var foreign = []string{
	"PK\x03\x04", "PK\x05\x06", "%PDF-", "Rar!\x1a\x07", "7z\xbc\xaf\x27\x1c", "\x7fELF", "MZ", "\xca\xfe\xba\xbe", "GIF8", "#!", "<",
}

// behind fails with errPolyglot when what comes after the image is a file of another kind. Cameras do put data there, such
// as a film or a second picture, so not all of it is suspect.
func behind(rest []byte) error {
	rest = bytes.TrimLeft(rest, "\x00 \t\r\n")
	for _, f := range foreign {
		if bytes.HasPrefix(rest, []byte(f)) {
			return errPolyglot
		}
	}
	// An archive is found by its end, within the length of its comment.
	const archiveEnd = 22 + 65_535
	if bytes.Contains(rest[max(0, len(rest)-archiveEnd):], []byte("PK\x05\x06")) {
		return errPolyglot
	}
	rest = bytes.ToLower(rest)
	for _, script := range []string{"<script", "<html", "<!doctype", "<?php"} {
		if bytes.Contains(rest, []byte(script)) {
			return errPolyglot
		}
	}
	return nil
}
