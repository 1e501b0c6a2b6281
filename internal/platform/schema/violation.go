package schema

import (
	"errors"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

// maxFields bounds what one answer names; mending these brings out the rest.
const maxFields = 50

// maxDetail bounds one explanation, which may quote a long value.
const maxDetail = 300

var english = message.NewPrinter(language.English)

// fields names the deepest causes of a violation: the ones a caller can mend.
func fields(e *jsonschema.ValidationError) []errs.Field {
	var out []errs.Field
	var walk func(e *jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		if len(out) == maxFields {
			return
		}
		if len(e.Causes) > 0 {
			for _, cause := range e.Causes {
				walk(cause)
			}
			return
		}
		out = append(out, errs.Field{
			Pointer: pointer("custom", e.InstanceLocation...), Code: "schema",
			Detail: "The account's schema for custom says: " + cut(e.ErrorKind.LocalizedString(english)) + ".",
		})
	}
	walk(e)
	return out
}

func cut(s string) string {
	s = strings.ToValidUTF8(s, "")
	if r := []rune(s); len(r) > maxDetail {
		return string(r[:maxDetail]) + "…"
	}
	return s
}

// plain keeps of a compiler's error what a person can use: not the address we compiled it under.
func plain(resource string, err error) error {
	if invalid := new(jsonschema.SchemaValidationError); errors.As(err, &invalid) {
		if wrong := new(jsonschema.ValidationError); errors.As(invalid.Err, &wrong) {
			var said []string
			for _, f := range fields(wrong) {
				said = append(said, strings.TrimPrefix(f.Pointer, "/custom")+" "+strings.TrimPrefix(f.Detail, "The account's schema for custom says: "))
			}
			return errors.New(cut(strings.Join(said, " ")))
		}
	}
	return errors.New(cut(strings.ReplaceAll(fmt.Sprint(err), place, resource)))
}

var escape = strings.NewReplacer("~", "~0", "/", "~1")

func pointer(root string, tokens ...string) string {
	var b strings.Builder
	b.WriteString("/" + root)
	for _, t := range tokens {
		b.WriteString("/" + escape.Replace(t))
	}
	return b.String()
}
