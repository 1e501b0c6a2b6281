package archtest

import (
	"cmp"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

// The tables in docs/ are written from the code by make generate, which runs these tests with -update.
var update = flag.Bool("update", false, "write the tables in docs/")

func TestDocsListEveryErrorCode(t *testing.T) {
	t.Parallel()
	holdTable(t, "errors.md", "codes", errorTable(t))
}

func TestDocsListEveryScopeOfEveryRole(t *testing.T) {
	t.Parallel()
	holdTable(t, "scopes.md", "roles", scopeTable())
}

func TestDocsListEverySetting(t *testing.T) {
	t.Parallel()
	holdTable(t, "operations.md", "settings", settingTable(t))
}

// holdTable sees that the part of a document between two marks is what the code says.
func holdTable(t *testing.T, document, mark string, rows []string) {
	t.Helper()
	path := filepath.Join("../../docs", document)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	begin, end := "<!-- "+mark+": written by make generate -->\n", "<!-- end of "+mark+" -->"
	head, rest, found := strings.Cut(string(text), begin)
	require.True(t, found, "%s lacks the line %s", document, begin)
	table, tail, found := strings.Cut(rest, end)
	require.True(t, found, "%s lacks the line %s", document, end)
	want := head + begin + strings.Join(rows, "\n") + "\n" + end + tail
	if *update && want != string(text) {
		require.NoError(t, os.WriteFile(path, []byte(want), 0o644))
		return
	}
	there := strings.Split(strings.TrimSuffix(table, "\n"), "\n")
	for _, row := range rows {
		assert.True(t, slices.Contains(there, row), "docs/%s lacks %s: run make generate", document, row)
	}
	for _, row := range there {
		assert.True(t, slices.Contains(rows, row), "docs/%s has %s, which the code has not: run make generate", document, row)
	}
	assert.True(t, want == string(text), "docs/%s is not as the code says: run make generate", document) //nolint:testifylint // a diff of the whole would say less
}

// code is one error code as the sources define it.
type code struct{ name, kind, text string }

func errorTable(t *testing.T) []string {
	t.Helper()
	statuses := statusesOfKinds(t)
	codes := map[string]code{}
	eachSource(t, func(file *ast.File) {
		ast.Inspect(file, func(n ast.Node) bool {
			c, ok := codeOf(file, n)
			if !ok {
				return true
			}
			if before, twice := codes[c.name]; twice {
				assert.Equal(t, before.kind, c.kind, "%s is of two kinds", c.name)
				if len(before.text) >= len(c.text) {
					return true
				}
			}
			codes[c.name] = c
			return true
		})
	})
	rows := []string{"| code | status | what it says |", "|---|---|---|"}
	for _, name := range slices.Sorted(maps.Keys(codes)) {
		c := codes[name]
		status := cmp.Or(statuses[c.kind], "4xx")
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %s |", name, status, strings.ReplaceAll(c.text, "|", `\|`)))
	}
	return rows
}

// codeOf reads errs.New(kind, "code", "text") and, in errs itself, Error{Kind: kind, Code: "code", Public: "text"}.
func codeOf(file *ast.File, n ast.Node) (code, bool) {
	switch n := n.(type) {
	case *ast.CallExpr:
		fn, ok := n.Fun.(*ast.SelectorExpr)
		if !ok || nameOf(fn) != "errs.New" || len(n.Args) != 3 {
			return code{}, false
		}
		return code{name: constant(n.Args[1]), kind: strings.TrimPrefix(nameOf(n.Args[0]), "errs."), text: constant(n.Args[2])}, true
	case *ast.CompositeLit:
		if file.Name.Name != "errs" || nameOf(n.Type) != "Error" {
			return code{}, false
		}
		fields := map[string]ast.Expr{}
		for _, e := range n.Elts {
			if kv, ok := e.(*ast.KeyValueExpr); ok {
				fields[nameOf(kv.Key)] = kv.Value
			}
		}
		name := constant(fields["Code"])
		return code{name: name, kind: nameOf(fields["Kind"]), text: constant(fields["Public"])}, name != ""
	}
	return code{}, false
}

func nameOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return nameOf(e.X) + "." + e.Sel.Name
	}
	return ""
}

// constant is the text of a literal, or of several added up; what is known only at run time is left out of it.
func constant(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, _ := strconv.Unquote(e.Value)
		return text
	case *ast.Ident: // a constant of the same file
		if e.Obj == nil {
			return ""
		}
		if spec, ok := e.Obj.Decl.(*ast.ValueSpec); ok && len(spec.Values) == 1 {
			return constant(spec.Values[0])
		}
	case *ast.BinaryExpr:
		right := constant(e.Y)
		if right == "" {
			right = "…"
		}
		return constant(e.X) + right
	}
	return ""
}

// statusesOfKinds maps the names of errs.Kind's constants, in their order, to their statuses.
func statusesOfKinds(t *testing.T) map[string]string {
	t.Helper()
	file := parse(t, "../../internal/platform/errs/errs.go")
	out := map[string]string{}
	for _, d := range file.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST {
			continue
		}
		for i, s := range g.Specs {
			if spec, ok := s.(*ast.ValueSpec); ok {
				out[spec.Names[0].Name] = strconv.Itoa(httpx.Status(errs.Kinds()[i]))
			}
		}
	}
	require.Len(t, out, len(errs.Kinds()))
	return out
}

func eachSource(t *testing.T, visit func(*ast.File)) {
	t.Helper()
	for _, dir := range []string{"../../api", "../../cmd", "../../internal", "../../pkg"} {
		require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && d.Name() == "testdata":
				return fs.SkipDir
			case !d.IsDir() && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go"):
				visit(parse(t, path))
			}
			return nil
		}))
	}
}

func parse(t *testing.T, path string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
	require.NoError(t, err)
	return file
}

func scopeTable() []string {
	head, line := "| scope |", "|---|"
	for _, r := range auth.Roles() {
		head, line = head+" "+string(r)+" |", line+":-:|"
	}
	rows := []string{head + " site key | partner |", line + ":-:|:-:|"}
	for _, s := range auth.AllScopes().List() {
		row := "| `" + string(s) + "` |"
		for _, r := range auth.Roles() {
			held, _ := r.Scopes()
			row += cell(held.Has(s))
		}
		rows = append(rows, row+cell(auth.SiteKeyScopes().Has(s))+cell(auth.PartnerScopes().Has(s)))
	}
	return rows
}

func cell(held bool) string {
	if held {
		return " ● |"
	}
	return "   |"
}

// setting is one field of app.Config.
type setting struct{ field, name, def, doc string }

func settingTable(t *testing.T) []string {
	t.Helper()
	all := settings(t)
	require.NotEmpty(t, all)
	rows := []string{"| setting | default | what it is |", "|---|---|---|"}
	for _, s := range all {
		def := s.def
		if def != "" {
			def = "`" + def + "`"
		}
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %s |", s.name, def, describe(s, all)))
	}
	return rows
}

func settings(t *testing.T) []setting {
	t.Helper()
	var out []setting
	ast.Inspect(parse(t, "../app/config.go"), func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok || spec.Name.Name != "Config" {
			return true
		}
		for _, f := range spec.Type.(*ast.StructType).Fields.List {
			if f.Tag == nil {
				continue
			}
			tag := reflect.StructTag(strings.Trim(f.Tag.Value, "`"))
			out = append(out, setting{
				field: f.Names[0].Name, name: tag.Get("env"), def: tag.Get("default"), doc: strings.Join(strings.Fields(f.Doc.Text()), " "),
			})
		}
		return false
	})
	return out
}

var inner = regexp.MustCompile(`[a-z][A-Z]`)

// describe turns the comment of a field into the words of an operator, who knows settings and no fields.
func describe(s setting, all []setting) string {
	text := strings.TrimPrefix(s.doc, s.field+" ") // the setting's name stands before it in the table
	text = strings.TrimPrefix(strings.TrimPrefix(text, "is "), "are ")
	for _, other := range all {
		if inner.MatchString(other.field) || other.field == "Addr" {
			text = regexp.MustCompile(`\b`+other.field+`\b`).ReplaceAllString(text, "`"+other.name+"`")
		}
	}
	return strings.ReplaceAll(text, "|", `\|`)
}
