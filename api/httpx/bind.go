package httpx

import (
	"encoding/json"
	"errors"
	"mime"
	"reflect"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

// ContentTypeMergePatch is the media type of a PATCH body (RFC 7396).
const ContentTypeMergePatch = "application/merge-patch+json"

var errMedia = errs.New(errs.UnsupportedMedia, "request.unsupported_media", "The body must be application/json.")

// Bind reads a JSON body into T. It fails when the Content-Type is not application/json (415), the body is over its limit
// (413) or unreadable (400), and with every wrong field at once (422): names that T does not have, values of the wrong
// type, text that cannot be stored, and what the validate tags of T forbid.
func Bind[T any](c echo.Context) (T, error) {
	return bind[T](c, contentTypeJSON)
}

// BindPatch reads a merge patch into T, whose fields are merge.Field. The validate tag of a field holds for a value that is
// given; "required" in it means that the field cannot be null. It accepts application/json beside application/merge-patch+json.
func BindPatch[T any](c echo.Context) (T, error) {
	return bind[T](c, ContentTypeMergePatch, contentTypeJSON)
}

func bind[T any](c echo.Context, types ...string) (T, error) {
	var zero T
	if err := noQuery(c); err != nil {
		return zero, err
	}
	if err := requireType(c, types...); err != nil {
		return zero, err
	}
	body, err := Body(c)
	if err != nil {
		return zero, err
	}
	return decode[T](body)
}

// decode is Bind for a body that is at hand.
func decode[T any](body []byte) (T, error) {
	var v T
	found, err := check(body, shapeOf(reflect.TypeFor[T]()))
	if err != nil {
		return v, err
	}
	wrong := found.wrong
	if len(wrong) > 0 {
		body = found.mended()
	}
	if err := json.Unmarshal(body, &v); err != nil && len(wrong) == 0 {
		return v, misread(err)
	}
	if wrong = append(wrong, without(violations(&v), wrong)...); len(wrong) > 0 {
		return v, errs.InvalidFields(wrong...)
	}
	return v, nil
}

// misread is for a type that the shape does not describe to the end.
func misread(err error) error {
	var typ *json.UnmarshalTypeError
	if errors.As(err, &typ) && typ.Field != "" {
		at := "/" + strings.ReplaceAll(typ.Field, ".", "/")
		return errs.InvalidFields(errs.Field{Pointer: at, Code: "wrong_type", Detail: "Must be of another type."}).Because(err)
	}
	return errs.InvalidFields(errs.Field{Pointer: "", Code: "invalid", Detail: "The body does not have the form that is described."}).Because(err)
}

// without drops what is known already: a field that could not be read was left empty, which is no second mistake.
func without(more, known []errs.Field) []errs.Field {
	if len(known) == 0 {
		return more
	}
	out := more[:0]
	for _, m := range more {
		news := true
		for _, k := range known {
			if m.Pointer == k.Pointer || strings.HasPrefix(m.Pointer, k.Pointer+"/") ||
				m.Code == "required" && strings.HasPrefix(k.Pointer, m.Pointer+"/") {
				news = false
				break
			}
		}
		if news {
			out = append(out, m)
		}
	}
	return out
}

func requireType(c echo.Context, types ...string) error {
	given := c.Request().Header.Get(echo.HeaderContentType)
	if given == types[0] {
		return nil
	}
	media, params, err := mime.ParseMediaType(given)
	charset := params["charset"]
	for _, want := range types {
		if err == nil && media == want && (charset == "" || strings.EqualFold(charset, "utf-8")) {
			return nil
		}
	}
	return errMedia.Saying("The Content-Type must be %s, in UTF-8.", strings.Join(types, " or "))
}
