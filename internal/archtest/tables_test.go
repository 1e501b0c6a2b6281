package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	created = regexp.MustCompile(`(?im)^\s*CREATE TABLE (?:IF NOT EXISTS )?"?([a-z_]+)`)
	// statement tells SQL in any case from a sentence; SQL words in capitals need no further proof.
	statement = regexp.MustCompile(`\b[A-Z]{4,}\s|(?is)\bselect\b.*\bfrom\b|\binsert\s+into\b|\bupdate\b.*\bset\b|\bdelete\s+from\b|\bjoin\b.*\bon\b`)
	// named finds what SQL reads or writes.
	named = regexp.MustCompile(`(?i)\b(?:FROM|JOIN|INTO|UPDATE|USING|TABLE|TRUNCATE)\s+(?:ONLY\s+)?"?([a-z_]+)"?`)
)

// tables lists what the migrations create.
func tables(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../platform/migrate/sql/*.sql")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	all := slices.Clone(broughtAlong)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, m := range created.FindAllStringSubmatch(string(text), -1) {
			all = append(all, m[1])
		}
	}
	return all
}

func ownerOf(table string) string {
	for room, owned := range owners {
		if slices.Contains(owned, table) {
			return room
		}
	}
	return ""
}

// tableViolations lists the tables that a file's SQL names and its room does not own.
func tableViolations(t *testing.T, room, name string, source any) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, source, parser.SkipObjectResolution)
	require.NoError(t, err)
	var wrong []string
	report := func(table string) {
		if owner := ownerOf(table); owner != "" && owner != room {
			wrong = append(wrong, fmt.Sprintf("%s (%s) must not name the table %s, which is %s's", room, filepath.Base(name), table, owner))
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			for _, table := range namedIn(literal(n)) {
				report(table)
			}
		case *ast.FuncDecl: // gorm's TableName
			if n.Name.Name == "TableName" && n.Body != nil {
				eachLiteral(n.Body, report)
			}
		case *ast.CallExpr: // gorm's Table
			if f, ok := n.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "Table" {
				eachLiteral(n, report)
			}
		}
		return true
	})
	return wrong
}

func namedIn(text string) []string {
	if !statement.MatchString(text) {
		return nil
	}
	var names []string
	for _, m := range named.FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	return names
}

func eachLiteral(in ast.Node, visit func(string)) {
	ast.Inspect(in, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok {
			visit(literal(lit))
		}
		return true
	})
}

func literal(lit *ast.BasicLit) string {
	if lit.Kind != token.STRING {
		return ""
	}
	text, err := strconv.Unquote(lit.Value)
	if err != nil {
		return ""
	}
	return text
}

func TestEveryTableHasOneOwner(t *testing.T) {
	t.Parallel()
	all := tables(t)
	for _, table := range all {
		assert.NotEmpty(t, ownerOf(table), "the table %s has no owner in rooms_test.go", table)
	}
	counted := map[string]int{}
	for _, owned := range owners {
		for _, table := range owned {
			counted[table]++
			assert.Contains(t, all, table, "rooms_test.go names a table that no migration creates")
			assert.Equal(t, 1, counted[table], "the table %s has two owners", table)
		}
	}
}

func TestRoomsNameOnlyTheirOwnTables(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		path := p.path()
		if slices.ContainsFunc(anySQL, func(pattern string) bool { return fits(pattern, path) }) {
			continue
		}
		for _, file := range p.GoFiles {
			assert.Empty(t, tableViolations(t, path, filepath.Join(p.Dir, file), nil))
		}
	}
}

func TestTheCheckOfTablesCanFail(t *testing.T) {
	t.Parallel()
	const room = "internal/leads/leadsdb"
	for _, tt := range []struct{ name, source, want string }{
		{"its own", "package x\nconst q = `SELECT 1 FROM leads l JOIN lead_refs USING (lead_id)`", ""},
		{"a join", "package x\nconst q = `SELECT 1 FROM leads l JOIN contacts c ON true`", "must not name the table contacts"},
		{"a write", "package x\nvar q = \"INSERT INTO events (id) VALUES ($1)\"", "must not name the table events"},
		{"a change", "package x\nfunc f() string { return `UPDATE users SET x = 1` }", "must not name the table users"},
		{"gorm's name", "package x\nfunc (row) TableName() string { return \"contacts\" }", "must not name the table contacts"},
		{"gorm's table", "package x\nvar _ = tx.Table(\"contacts\").Take(&r)", "must not name the table contacts"},
		{"a function", "package x\nconst q = `SELECT id FROM search_contacts($1)`", ""},
		{"in small letters", "package x\nconst q = \"select 1 from contacts\"", "must not name the table contacts"},
		{"a sentence", "package x\nconst s = \"It comes from contacts of theirs.\"", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			wrong := tableViolations(t, room, "x.go", tt.source)
			if tt.want == "" {
				assert.Empty(t, wrong)
				return
			}
			require.Len(t, wrong, 1)
			assert.Contains(t, wrong[0], tt.want)
		})
	}
}
