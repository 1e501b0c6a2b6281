package httpx

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/go-playground/validator/v10"

	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

// embedded stands for an embedded struct in the validator's paths, where JSON has no level.
const embedded = "\x00"

var rules = sync.OnceValue(func() *validator.Validate {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(func(f reflect.StructField) string {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "" && f.Anonymous:
			return embedded
		case name == "" || name == "-":
			return f.Name
		}
		return name
	})
	return v
})

// violations is what the validate tags of a body forbid. v points to the body.
func violations(v any) []errs.Field {
	value := reflect.ValueOf(v).Elem()
	for value.Kind() == reflect.Pointer {
		if value.IsNil() {
			return nil
		}
		value = value.Elem()
	}
	if value.Kind() != reflect.Struct {
		return nil
	}
	if s := shapeOf(value.Type()); s.patch() {
		return patchViolations("", value, s)
	}
	return fieldsOf("", value.Type().Name(), rules().Struct(v))
}

// patch tells that the fields are those of a merge patch.
func (s *shape) patch() bool {
	return slices.ContainsFunc(s.fields, func(m member) bool { return m.merge })
}

// patchViolations judges each field that is given, also those of objects that are merged; what a patch leaves out is no
// mistake.
func patchViolations(base string, patch reflect.Value, s *shape) []errs.Field {
	var out []errs.Field
	for _, m := range s.fields {
		f, err := patch.FieldByIndexErr(m.index)
		if err != nil {
			continue
		}
		at := base + pointer([]string{m.name})
		if m.merge {
			set, null := f.FieldByName("Set").Bool(), f.FieldByName("Null").Bool()
			if null && hasRule(m.tag, "required") {
				out = append(out, errs.Field{Pointer: at, Code: "required", Detail: "Cannot be null."})
			}
			if !set || null {
				continue
			}
			f = f.FieldByName("Value")
		}
		switch {
		case m.tag != "":
			out = append(out, fieldsOf(at, "", rules().Var(f.Interface(), m.tag))...)
		case f.Kind() != reflect.Struct || f.Type() == timeType:
		case shapeOf(f.Type()).patch():
			out = append(out, patchViolations(at, f, shapeOf(f.Type()))...)
		default:
			out = append(out, fieldsOf(at, f.Type().Name(), rules().Struct(f.Interface()))...)
		}
	}
	return out
}

func hasRule(tag, rule string) bool {
	for part := range strings.SplitSeq(tag, ",") {
		if part == rule {
			return true
		}
	}
	return false
}

func fieldsOf(base, root string, err error) []errs.Field {
	var found validator.ValidationErrors
	if !errors.As(err, &found) {
		return nil
	}
	out := make([]errs.Field, 0, min(len(found), maxFields))
	for _, f := range found[:min(len(found), maxFields)] {
		code, detail := explain(f)
		path := f.Namespace()
		if root != "" {
			path = strings.TrimPrefix(strings.TrimPrefix(path, root), ".")
		}
		out = append(out, errs.Field{Pointer: base + pathToPointer(path), Code: code, Detail: detail})
	}
	return out
}

// pathToPointer turns the validator's emails[0].address into /emails/0/address.
func pathToPointer(path string) string {
	var at []string
	for part := range strings.SplitSeq(path, ".") {
		name, rest, _ := strings.Cut(part, "[")
		if name != "" && name != embedded {
			at = append(at, name)
		}
		for rest != "" {
			var index string
			index, rest, _ = strings.Cut(rest, "]")
			at = append(at, index)
			rest = strings.TrimPrefix(rest, "[")
		}
	}
	return pointer(at)
}

// explain gives a rule of the validator the code and the words of this API.
func explain(f validator.FieldError) (code, detail string) {
	tag, param := f.Tag(), f.Param()
	switch tag {
	case "required":
		return "required", "Must be given."
	case "max", "lte":
		return limit(f.Kind(), param, "too_long", "too_many", "too_large", "at most")
	case "min", "gte":
		return limit(f.Kind(), param, "too_short", "too_few", "too_small", "at least")
	case "lt":
		return "too_large", "Must be less than " + param + "."
	case "gt":
		return "too_small", "Must be more than " + param + "."
	case "len":
		return limit(f.Kind(), param, "wrong_length", "wrong_length", "not_allowed", "exactly")
	case "oneof":
		return "not_allowed", "Must be one of " + strings.Join(strings.Fields(param), ", ") + "."
	case "eq":
		return "not_allowed", "Must be " + param + "."
	case "unique":
		return "duplicate", "Must not hold the same entry twice."
	}
	if text, ok := formats[tag]; ok {
		return "wrong_format", "Must be " + text + "."
	}
	if strings.HasPrefix(tag, "required") {
		return "required", "Must be given together with what else is given here."
	}
	if strings.HasPrefix(tag, "excluded") {
		return "not_allowed", "Must not be given together with what else is given here."
	}
	return "invalid", "Does not have the form that is described for it."
}

func limit(k reflect.Kind, n, text, list, number, word string) (code, detail string) {
	switch k { //nolint:exhaustive // the rest are numbers
	case reflect.String:
		return text, "Must be " + word + " " + n + " characters long."
	case reflect.Slice, reflect.Map, reflect.Array:
		return list, "Must have " + word + " " + n + " entries."
	}
	return number, "Must be " + word + " " + n + "."
}

// formats says what a value must be, by the validator's rule.
var formats = map[string]string{
	"email":              "an e-mail address",
	"uuid":               "a UUID",
	"uuid4":              "a UUID",
	"url":                "a URL",
	"uri":                "a URI",
	"http_url":           "an http or https URL",
	"https_url":          "an https URL",
	"fqdn":               "a domain name",
	"hostname":           "a host name",
	"hostname_rfc1123":   "a host name",
	"ip":                 "an IP address",
	"e164":               "a phone number as E.164 writes it, such as +33123456789",
	"iso3166_1_alpha2":   "a country code of two letters (ISO 3166-1), such as FR",
	"iso3166_1_alpha3":   "a country code of three letters (ISO 3166-1)",
	"iso4217":            "a currency code (ISO 4217), such as EUR",
	"bcp47_language_tag": "a language tag (BCP 47), such as fr-FR",
	"timezone":           "a time zone name, such as Europe/Paris",
	"datetime":           "a date of the form that is described",
	"latitude":           "a latitude between -90 and 90",
	"longitude":          "a longitude between -180 and 180",
	"alphanum":           "letters and digits only",
	"alpha":              "letters only",
	"numeric":            "digits only",
	"uppercase":          "upper case",
	"lowercase":          "lower case",
	"base64":             "base64 text",
	"json":               "JSON",
	"hexcolor":           "a colour, such as #1a2b3c",
	"startswith":         "text with the beginning that is described",
}
