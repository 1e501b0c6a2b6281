package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pkg is what go list says of a package.
type pkg struct {
	ImportPath string   `json:"ImportPath"` //nolint:tagliatelle // go list's own names
	Dir        string   `json:"Dir"`        //nolint:tagliatelle // as above
	Doc        string   `json:"Doc"`        //nolint:tagliatelle // as above
	Imports    []string `json:"Imports"`    //nolint:tagliatelle // as above
	GoFiles    []string `json:"GoFiles"`    //nolint:tagliatelle // as above
}

func (p pkg) path() string { return relative(p.ImportPath) }

func relative(importPath string) string {
	if importPath == module {
		return "."
	}
	return strings.TrimPrefix(importPath, module+"/")
}

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Dir,Doc,Imports,GoFiles", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	require.NoError(t, err)
	var all []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else {
			require.NoError(t, err)
		}
		if len(p.GoFiles) > 0 {
			all = append(all, p)
		}
	}
}

// fits tells whether a pattern of the table means the path.
func fits(pattern, path string) bool {
	if pattern == "*" {
		return true
	}
	if base, ok := strings.CutSuffix(pattern, "/..."); ok {
		return path == base || strings.HasPrefix(path, base+"/")
	}
	return path == pattern
}

// provides tells whether the library pattern means the import: a module means all its packages.
func provides(library, importPath string) bool {
	return library == "*" || importPath == library || strings.HasPrefix(importPath, library+"/")
}

func roomOf(path string) (room, bool) {
	i := slices.IndexFunc(rooms, func(r room) bool { return fits(r.path, path) })
	if i < 0 {
		return room{}, false
	}
	return rooms[i], true
}

// kind names a room as people speak of it.
func kind(path string) string {
	base := path[strings.LastIndex(path, "/")+1:]
	switch {
	case slices.Contains(contexts, path):
		return base + " (context)"
	case strings.HasPrefix(path, "internal/platform/"):
		return base + " (platform)"
	}
	return path
}

// importViolations says what the package imports against the table.
func importViolations(p pkg) []string {
	path := p.path()
	r, ok := roomOf(path)
	if !ok {
		return []string{path + " is in no room: add it to rooms_test.go with what it may import"}
	}
	var wrong []string
	for _, imported := range p.Imports {
		if !allowed(r, path, imported) {
			wrong = append(wrong, fmt.Sprintf("%s must not import %s", kind(path), relative(imported)))
		}
	}
	return wrong
}

func allowed(r room, path, imported string) bool {
	if imported != module && !strings.HasPrefix(imported, module+"/") {
		standard := !strings.Contains(strings.Split(imported, "/")[0], ".")
		return standard || slices.ContainsFunc(r.libraries, func(l string) bool { return provides(l, imported) })
	}
	to := relative(imported)
	if slices.Contains(testsOnly, to) && !slices.Contains(testsOnly, path) {
		return false
	}
	return slices.ContainsFunc(r.rooms, func(pattern string) bool { return fits(pattern, to) })
}

func TestRoomsImportOnlyWhatTheyMay(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		assert.Empty(t, importViolations(p))
	}
}

func TestEveryPackageSaysWhatItOwns(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		assert.Empty(t, commentViolations(p))
	}
}

func commentViolations(p pkg) []string {
	if p.Doc != "" || p.path() == "docs" { // docs is generated
		return nil
	}
	return []string{p.path() + " has no package comment: say what it owns and what it leaves to others"}
}

func TestTheCheckOfImportsCanFail(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, path string
		imports    []string
		want       string
	}{
		{"a library in a context", "internal/leads", []string{"gorm.io/gorm"}, "leads (context) must not import gorm.io/gorm"},
		{"another context", "internal/leads", []string{module + "/internal/contacts"}, "leads (context) must not import internal/contacts"},
		{"another context's store", "internal/leads/leadsdb", []string{module + "/internal/contacts/contactsdb"}, "internal/leads/leadsdb must not import internal/contacts/contactsdb"},
		{"a context's own store", "internal/leads", []string{module + "/internal/leads/leadsdb"}, "leads (context) must not import internal/leads/leadsdb"},
		{"HTTP in a context", "internal/core", []string{"github.com/labstack/echo/v4"}, "core (context) must not import github.com/labstack/echo/v4"},
		{"SQL in an api room", "api/leadsapi", []string{module + "/internal/leads/leadsdb"}, "api/leadsapi must not import internal/leads/leadsdb"},
		{"ours in pkg", "pkg/adf", []string{module + "/internal/kernel"}, "pkg/adf must not import internal/kernel"},
		{"a test's help in the program", "internal/app", []string{module + "/internal/platform/dbtest"}, "internal/app must not import internal/platform/dbtest"},
		{"a context in the platform", "internal/platform/idem", []string{module + "/internal/leads"}, "idem (platform) must not import internal/leads"},
		{"an unknown room", "internal/things", nil, "internal/things is in no room: add it to rooms_test.go with what it may import"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, []string{tt.want}, importViolations(pkg{ImportPath: module + "/" + tt.path, Imports: tt.imports}))
		})
	}
	assert.Empty(t, importViolations(pkg{ImportPath: module + "/internal/leads", Imports: []string{"context", module + "/internal/kernel", module + "/pkg/adf"}}))
	assert.NotEmpty(t, commentViolations(pkg{ImportPath: module + "/internal/leads"}))
}
