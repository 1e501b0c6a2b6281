package httpx

import (
	"mime"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

var errAccept = errs.New(errs.NotAcceptable, "request.not_acceptable", "This path answers application/json. Ask for it, or for */*, in Accept.")

// Negotiate chooses what the caller prefers of the offered media types; equal ones in the order of the offer. It fails
// with 406 when none is acceptable. Resources that offer more than JSON call it; the answers of this package do so themselves.
func Negotiate(c echo.Context, offers ...string) (string, error) {
	if len(offers) > 1 {
		h := c.Response().Header()
		h["Vary"] = append(h["Vary"], "Accept")
	}
	given := c.Request().Header["Accept"]
	if len(given) == 0 || len(given) == 1 && (given[0] == "*/*" || given[0] == "") {
		return offers[0], nil
	}
	best, quality := "", 0.0
	ranges := ranges(given)
	for _, offer := range offers {
		if q := qualityOf(offer, ranges); q > quality {
			best, quality = offer, q
		}
	}
	if best == "" {
		return "", errAccept.Saying("This path answers %s. Ask for one of them, or for */*, in Accept.", strings.Join(offers, ", "))
	}
	return best, nil
}

func acceptJSON(c echo.Context) error {
	_, err := Negotiate(c, contentTypeJSON)
	return err
}

type mediaRange struct {
	kind, sub string
	quality   float64
}

func ranges(headers []string) []mediaRange {
	var out []mediaRange
	for _, h := range headers {
		for part := range strings.SplitSeq(h, ",") {
			media, params, err := mime.ParseMediaType(part)
			if err != nil && media == "" {
				continue
			}
			kind, sub, ok := strings.Cut(media, "/")
			if !ok {
				continue
			}
			q := 1.0
			if given, ok := params["q"]; ok {
				if q, err = strconv.ParseFloat(given, 64); err != nil || !(q >= 0 && q <= 1) {
					q = 1
				}
			}
			out = append(out, mediaRange{kind, sub, q})
		}
	}
	return out
}

// qualityOf is the quality of the most specific range that covers the offer (RFC 9110, 12.5.1).
func qualityOf(offer string, given []mediaRange) float64 {
	kind, sub, _ := strings.Cut(offer, "/")
	quality, closest := 0.0, 0
	for _, r := range given {
		close := 0
		switch {
		case r.kind == kind && r.sub == sub:
			close = 3
		case r.kind == kind && r.sub == "*":
			close = 2
		case r.kind == "*" && r.sub == "*":
			close = 1
		}
		if close > closest {
			quality, closest = r.quality, close
		}
	}
	return quality
}
