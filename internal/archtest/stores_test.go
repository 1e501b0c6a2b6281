package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// storeViolations lists the methods of a file's store interfaces that do not say whose rows they are about.
func storeViolations(t *testing.T, name string, source any) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, source, parser.SkipObjectResolution)
	require.NoError(t, err)
	var wrong []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		if store, ok := spec.Type.(*ast.InterfaceType); ok && strings.HasSuffix(spec.Name.Name, "Store") {
			wrong = append(wrong, methodViolations(file.Name.Name+"."+spec.Name.Name, store)...)
		}
		return false
	})
	return wrong
}

func methodViolations(store string, methods *ast.InterfaceType) []string {
	var wrong []string
	for _, m := range methods.Methods.List {
		fn, ok := m.Type.(*ast.FuncType)
		if !ok {
			continue // an embedded interface is looked at where it is declared
		}
		name := store + "." + m.Names[0].Name
		want := wantedAfterContext(store, name)
		if want == "" {
			continue
		}
		var got []string
		for _, p := range fn.Params.List {
			for range max(1, len(p.Names)) {
				got = append(got, types.ExprString(p.Type))
			}
		}
		if len(got) < 2 || got[0] != "context.Context" || got[1] != want {
			wrong = append(wrong, fmt.Sprintf("%s must take a context.Context and then a %s", name, want))
		}
	}
	return wrong
}

func wantedAfterContext(store, method string) string {
	for _, name := range []string{method, store} {
		if want, ok := storeExceptions[name]; ok {
			return want
		}
	}
	return "kernel.AccountID"
}

func TestStoresSayWhoseRowsTheyMean(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, p := range packages(t) {
		path := p.path()
		if !slices.ContainsFunc(contexts, func(c string) bool { return fits(c+"/...", path) }) {
			continue
		}
		for _, file := range p.GoFiles {
			seen++
			assert.Empty(t, storeViolations(t, filepath.Join(p.Dir, file), nil))
		}
	}
	assert.NotZero(t, seen)
}

func TestTheCheckOfStoresCanFail(t *testing.T) {
	t.Parallel()
	const good = `Find(ctx context.Context, account kernel.AccountID, id kernel.LeadID) (Lead, error)`
	for _, tt := range []struct{ name, source, want string }{
		{"good", "package leads\ntype Store interface { " + good + " }", ""},
		{"no account", "package leads\ntype Store interface { Find(ctx context.Context, id kernel.LeadID) (Lead, error) }", "leads.Store.Find must take"},
		{"another place", "package leads\ntype Store interface { Find(ctx context.Context, id kernel.LeadID, a kernel.AccountID) error }", "leads.Store.Find must take"},
		{"no context", "package leads\ntype Store interface { Find(a kernel.AccountID) error }", "leads.Store.Find must take"},
		{"another store of the context", "package leads\ntype InboxStore interface { Find(ctx context.Context) error }", "leads.InboxStore.Find must take"},
		{"a partner's", "package leads\ntype PartnerStore interface { ListFor(ctx context.Context, p kernel.PartnerID) error }", ""},
		{"a partner's without the partner", "package leads\ntype PartnerStore interface { ListFor(ctx context.Context) error }", "kernel.PartnerID"},
		{"no store", "package leads\ntype Contacts interface { Match() error }", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := strings.Join(storeViolations(t, "x.go", tt.source), "\n")
			if tt.want == "" {
				assert.Empty(t, got)
				return
			}
			assert.Contains(t, got, tt.want)
		})
	}
}
