package blob

import (
	"mime"
	"strings"

	"github.com/gabriel-vasile/mimetype"

	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

// ErrType is content that is not of the type its sender says.
var ErrType = errs.New(errs.UnsupportedMedia, "file.type_mismatch",
	"The content is not of the type that Content-Type says. Send the right one, or application/octet-stream to have it found out.")

const (
	sniffBytes = 3072
	anything   = "application/octet-stream"
)

// Detect is the type of content by its first bytes and by what its sender says. What bytes can tell must agree with what is
// said; of what they cannot tell apart (text is CSV, JSON or a calendar) the sender is believed. It fails with ErrType.
func Detect(declared string, head []byte) (string, error) {
	seen := mimetype.Detect(head)
	said, _, err := mime.ParseMediaType(declared)
	switch {
	case declared == "" || err == nil && said == anything:
		return plain(seen.String()), nil
	case err != nil:
		return "", ErrType.Because(err)
	case len(head) == 0:
		return said, nil
	}
	for m := seen; m != nil; m = m.Parent() {
		if m.Is(said) {
			return said, nil
		}
	}
	if believed(plain(seen.String()), said) {
		return said, nil
	}
	return "", ErrType.Saying("The content looks like %s and not like %s. Send the right Content-Type, or application/octet-stream to have it found out.",
		plain(seen.String()), said)
}

// believed tells whether bytes that look like seen may be what is said.
func believed(seen, said string) bool {
	switch {
	case strings.HasPrefix(seen, "text/") && seen != "text/html": // any text may be of another kind of text
		return textual(said)
	case seen == "application/json", seen == "text/html":
		return said == "text/plain" || strings.HasSuffix(said, "+json") || said == "application/xhtml+xml"
	case seen == "application/zip", seen == "application/x-ole-storage":
		return strings.HasPrefix(said, "application/")
	case seen == anything: // nothing is known of it; what would be known must be refused
		return mimetype.Lookup(said) == nil
	}
	return false
}

func textual(media string) bool {
	switch media {
	case "application/json", "application/xml", "application/x-ndjson", "application/yaml", "application/x-adf+xml", "message/rfc822", "application/javascript":
		return true
	}
	return strings.HasPrefix(media, "text/") || strings.HasSuffix(media, "+xml") && media != "image/svg+xml" || strings.HasSuffix(media, "+json")
}

func plain(media string) string {
	out, _, _ := strings.Cut(media, ";")
	return strings.TrimSpace(out)
}
