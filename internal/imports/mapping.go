package imports

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/fold"
)

// suggest maps the columns whose headings are a field's name, label or alias, in whatever case, accents and punctuation.
func suggest(fields []Field, columns []string) map[string]string {
	out, taken := map[string]string{}, map[string]bool{}
	for _, c := range columns {
		for _, f := range fields {
			if !taken[f.Name] && f.called(c) {
				out[c], taken[f.Name] = f.Name, true
				break
			}
		}
	}
	return out
}

func (f Field) called(column string) bool {
	heading := plainHeading(column)
	return slices.ContainsFunc(append([]string{f.Name, f.Label}, f.Aliases...), func(name string) bool { return plainHeading(name) == heading })
}

func plainHeading(s string) string {
	return strings.Join(strings.FieldsFunc(fold.Text(s), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }), "")
}

// checkMapping fails with each column and field that is not there, and with fields that two columns are for.
func checkMapping(fields []Field, columns []string, m map[string]string) error {
	var wrong []errs.Field
	refuse := func(column, code, format string, args ...any) {
		at := "/mapping/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(column)
		wrong = append(wrong, errs.Field{Pointer: at, Code: code, Detail: fmt.Sprintf(format, args...)})
	}
	by := map[string]string{}
	for column, field := range m {
		switch {
		case columns != nil && !slices.Contains(columns, column):
			refuse(column, "unknown_column", "The file has no such column.")
		case !slices.ContainsFunc(fields, func(f Field) bool { return f.Name == field }):
			refuse(column, "unknown_field", "There is no such field. GET /v1/import-kinds lists them.")
		case by[field] != "":
			refuse(column, "field_taken", "Two columns are mapped to this field.")
		}
		by[field] = column
	}
	if len(wrong) > 0 {
		slices.SortFunc(wrong, func(a, b errs.Field) int { return strings.Compare(a.Pointer, b.Pointer) })
		return errs.InvalidFields(wrong...)
	}
	return nil
}
