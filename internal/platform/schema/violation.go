package schema

import (
	"errors"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

const (
	// maxFields bounds what one answer names; mending these brings out the rest.
	maxFields = 50
	// maxDetail bounds one explanation in characters: it may quote a long value.
	maxDetail = 300
)

// fault is one thing that does not fit a schema, at a JSON Pointer.
type fault struct{ at, says string }

// faults lists the deepest causes of a violation: the ones a caller can mend.
func faults(e *jsonschema.ValidationError) []fault {
	var out []fault
	var walk func(u *jsonschema.OutputUnit)
	walk = func(u *jsonschema.OutputUnit) {
		if u.Error != nil && len(out) < maxFields {
			out = append(out, fault{u.InstanceLocation, cut(u.Error.String())})
		}
		for i := range u.Errors {
			walk(&u.Errors[i])
		}
	}
	walk(e.DetailedOutput())
	return out
}

func fields(e *jsonschema.ValidationError) []errs.Field {
	var out []errs.Field
	for _, f := range faults(e) {
		out = append(out, errs.Field{
			Pointer: "/custom" + f.at, Code: "schema", Detail: "The account's schema for custom says: " + f.says + ".",
		})
	}
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
	if wrong := new(jsonschema.ValidationError); errors.As(err, &wrong) {
		return errors.New(told(wrong))
	}
	if invalid := new(jsonschema.SchemaValidationError); errors.As(err, &invalid) {
		if wrong := new(jsonschema.ValidationError); errors.As(invalid.Err, &wrong) {
			return errors.New(told(wrong))
		}
	}
	return errors.New(cut(strings.ReplaceAll(fmt.Sprint(err), place, resource)))
}

func told(e *jsonschema.ValidationError) string {
	var said []string
	for _, f := range faults(e) {
		said = append(said, strings.TrimSpace(f.at+" "+f.says))
	}
	return cut(strings.Join(said, "; "))
}

var escape = strings.NewReplacer("~", "~0", "/", "~1")

func pointer(root, token string) string { return "/" + root + "/" + escape.Replace(token) }
