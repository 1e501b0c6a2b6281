package apptest_test

import (
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
)

// documentedScopes reads the table of docs/scopes.md: which scopes each role, a site key and a partner have.
func documentedScopes(t testing.TB) map[string][]auth.Scope {
	t.Helper()
	text, err := os.ReadFile("../../docs/scopes.md")
	require.NoError(t, err)
	var callers []string
	out := map[string][]auth.Scope{}
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "|") {
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case cells[0] == "scope":
			callers = cells[1:]
		case strings.HasPrefix(cells[0], "`"):
			for i, c := range cells[1:] {
				if c != "" {
					out[callers[i]] = append(out[callers[i]], auth.Scope(strings.Trim(cells[0], "`")))
				}
			}
		}
	}
	require.Len(t, out, len(auth.Roles())+2)
	return out
}

// caller is one column of the matrix.
type caller struct {
	*apptest.Caller
	name   string
	scopes []auth.Scope
	names  names
}

func (c caller) may(op operation) bool {
	_, refused := op.but[c.name]
	return !refused && (op.scope == "" || slices.Contains(c.scopes, op.scope))
}

// roleCallers signs in one user of each role for the whole account, a site key, and a partner with a grant.
func roleCallers(t testing.TB, p *apptest.Program, a *tenant) []caller {
	t.Helper()
	documented := documentedScopes(t)
	var all []caller
	for _, role := range auth.Roles() {
		email := string(role) + "@fr.example"
		a.Post("/v1/users", object{"email": email, "password": apptest.Password, "roles": []any{object{"role": role}}}).Is(http.StatusCreated)
		own := a.names
		if role == auth.RoleSalesperson {
			own = own.with(names{"lead": a.make(t, "lead")}) // of nobody: what fill made is an agent's
		}
		all = append(all, caller{p.SignIn(t, email), string(role), documented[string(role)], own})
	}
	theirs := names{"lead": a.names["partner_lead"], "gone_lead": a.names["partner_lead"], "fresh": a.names["partner_lead"]}
	all = append(
		all,
		caller{p.With(t, a.names["site_secret"]), "site key", documented["site key"], a.names},
		caller{a.partner.Caller, "partner", documented["partner"], a.names.with(theirs)},
	)
	for _, c := range all {
		c.Get("/v1/me").Is(http.StatusOK) // and its use is noted, to the minute
	}
	return all
}

func TestRoleMatrix(t *testing.T) { //nolint:tparallel // one after another: they share what they call
	t.Parallel()
	p := apptest.New(t)
	a := fill(t, p, "a", 1)
	callers := roleCallers(t, p, a)
	all := routes(p)
	for route := range operations {
		assert.Contains(t, all, route, "there is an operation for a route that is not there")
	}
	all = slices.DeleteFunc(all, func(route string) bool { _, public := publicRoutes[route]; return public })

	before := checksums(t, p, a)
	for _, route := range all {
		op, known := operations[route]
		if !assert.True(t, known, "%s is not in operations_test.go: what it needs is not said, so nobody may call it", route) {
			continue
		}
		for _, c := range callers {
			if !c.may(op) {
				t.Run("refused/"+c.name+" "+route, func(t *testing.T) { a.refuses(t, c, route, op) })
			}
		}
	}
	after := checksums(t, p, a)
	assert.Equal(t, before, after, "what is refused changes nothing")
	for _, route := range all {
		for _, c := range callers {
			if op := operations[route]; c.may(op) {
				t.Run("allowed/"+c.name+" "+route, func(t *testing.T) { a.allows(t, c, route, op) })
			}
		}
	}
}

func (a *tenant) call(t testing.TB, c caller, route string, op operation) *apptest.Answer {
	t.Helper()
	method, _, _ := strings.Cut(route, " ")
	own := names{"fresh": uuid.NewString()}.with(c.names).with(names{"nonce": "n" + strings.ReplaceAll(uuid.NewString(), "-", "")})
	if op.fresh != "" && c.may(op) {
		own["fresh"] = a.make(t, op.fresh)
	}
	return own.send(t, c.Caller, method, op.path, op.body)
}

func (a *tenant) refuses(t *testing.T, c caller, route string, op operation) {
	t.Helper()
	got := a.call(t, c, route, op)
	if op.item != 0 {
		got.Is(http.StatusMultiStatus)
		assertItems(t, got, []int{http.StatusForbidden})
		return
	}
	assert.Equal(t, "auth.forbidden", got.Is(http.StatusForbidden).Code())
}

func (a *tenant) allows(t *testing.T, c caller, route string, op operation) {
	t.Helper()
	got := a.call(t, c, route, op).Is(op.ok)
	if op.item != 0 {
		assertItems(t, got, []int{op.item})
	}
}

// Each operation asks for the one scope that is said, and for no more: a key with only that may, one with all but that
// may not.
func TestScopesDecide(t *testing.T) { //nolint:tparallel // one after another: they share what they call
	t.Parallel()
	p := apptest.New(t)
	a := fill(t, p, "a", 1)
	keys := map[string]string{}
	keyWith := func(scopes []auth.Scope) *apptest.Caller {
		name := auth.JoinScopes(auth.NewScopeSet(scopes...))
		if keys[name] == "" {
			keys[name] = a.Post("/v1/api-keys", object{"kind": "api_key", "name": "Key", "scopes": scopes}).Is(http.StatusCreated).Str("secret")
		}
		return p.With(t, keys[name])
	}
	for route, op := range operations {
		if op.scope == "" {
			continue
		}
		t.Run(route, func(t *testing.T) {
			enough := append([]auth.Scope{op.scope}, op.also...)
			a.allows(t, caller{keyWith(enough), "key", enough, a.names}, route, op)
			rest := slices.DeleteFunc(auth.AllScopes().List(), func(s auth.Scope) bool { return s == op.scope })
			a.refuses(t, caller{keyWith(rest), "key", rest, a.names}, route, op)
		})
	}
}
