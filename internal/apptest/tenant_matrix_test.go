package apptest_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
)

// twoTenants is two accounts with something in each table, and partners that have to do with both.
type twoTenants struct {
	*apptest.Program
	a, b     *tenant
	stranger *partner // may send leads to a, has nothing to do with b
	revoked  *partner // likewise; b has revoked its grant, after a lead
	lost     names    // what the revoked partner had at b
}

func newTwoTenants(t *testing.T, p *apptest.Program) *twoTenants {
	t.Helper()
	w := &twoTenants{Program: p, a: fill(t, p, "a", 1), b: fill(t, p, "b", 2)}
	w.stranger, w.revoked = newPartner(t, p, "Stranger"), newPartner(t, p, "Revoked")
	w.a.grant(w.stranger, w.a.names["dealership"], "stranger-code")
	w.a.grant(w.revoked, w.a.names["dealership"], "revoked-code")
	lost := w.b.grant(w.revoked, w.b.names["dealership"], canary("b", "lost-code"))
	lead := w.revoked.Post("/v1/leads", enquiryOf("b", "revoked", object{"dealer_code": canary("b", "lost-code")})).Is(http.StatusCreated).Str("id")
	w.lost = names{"lead": lead, "partner_lead": lead, "gone_lead": lead, "grant": lost, "grant_code": canary("b", "lost-code")}
	w.b.JSON(http.MethodDelete, "/v1/grants/"+lost, nil).Is(http.StatusNoContent)
	require.Eventually(t, func() bool {
		again := enquiryOf("b", "revoked", object{"dealer_code": canary("b", "lost-code")})
		return w.revoked.Post("/v1/leads", again).Status == http.StatusUnprocessableEntity
	}, revocation, 100*time.Millisecond, "a grant that was revoked is over within ten seconds")
	return w
}

// revocation is how soon what was revoked is refused everywhere.
const revocation = 10 * time.Second

// target is what attacks are written with: b's names, and a's own.
func (w *twoTenants) target() names {
	return w.b.names.with(w.a.own()).with(names{"own.others_partner": w.b.partner.Code})
}

// routes lists what echo answers, as echo says at run time.
func routes(p *apptest.Program) []string {
	var all []string
	for _, r := range p.Server.Echo.Routes() {
		all = append(all, r.Method+" "+r.Path)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func TestTenantMatrix(t *testing.T) { // alone, since it reads the log
	logged := captureLog(t)
	tenantMatrix(t, newTwoTenants(t, apptest.New(t)))
	assert.NotContains(t, logged(), "canary-", "no personal data in the log")
}

// tenantMatrix sends every case of every route.
func tenantMatrix(t *testing.T, w *twoTenants) {
	t.Helper()
	guard := newGuard(t, w)
	listed := routes(w.Program)
	for _, route := range listed {
		cases, public := publicRoutes[route]
		if !public {
			cases = attacks[route]
		}
		assert.NotEmpty(t, cases, "%s has no case: say in tenant_cases_test.go how it answers to what is another account's", route)
		for _, at := range cases {
			t.Run(route+" "+at.what, func(t *testing.T) {
				if public {
					guard.public(t, route, at)
					return
				}
				guard.admin(t, route, at)
				guard.partner(t, route, at, w.stranger, names{"lead": w.b.names["partner_lead"], "gone_lead": w.b.names["partner_lead"]})
				guard.partner(t, route, at, w.revoked, w.lost)
			})
		}
	}
	for _, route := range slices.Concat(slices.Collect(maps.Keys(attacks)), slices.Collect(maps.Keys(publicRoutes))) {
		assert.Contains(t, listed, route, "there is a case for a route that is not there")
	}
	guard.unchanged(t)
}

// guard sees that nothing of account b gets out and nothing of it changes.
type guard struct {
	*twoTenants
	ids    []string
	before map[string]string
}

func newGuard(t *testing.T, w *twoTenants) *guard {
	t.Helper()
	g := &guard{twoTenants: w, ids: idsOf(t, w.Program, w.b), before: checksums(t, w.Program, w.b)}
	for table, sum := range g.before {
		assert.False(t, strings.HasPrefix(sum, "0 rows"), "fill puts nothing into %s, so that nothing would be seen to change", table)
	}
	require.Greater(t, len(g.ids), 40)
	// Events name the partners as who acted: their ids are no secret to themselves.
	g.ids = slices.DeleteFunc(g.ids, func(id string) bool { return id == w.revoked.ID.String() })
	return g
}

func (g *guard) unchanged(t *testing.T) {
	t.Helper()
	assert.Equal(t, g.before, checksums(t, g.Program, g.b), "rows of the other account have changed")
}

// ask sends one case and sees that the answer tells nothing that the question did not say.
func (g *guard) ask(t *testing.T, c *apptest.Caller, route string, at attack, with names) *apptest.Answer {
	t.Helper()
	with = with.with(names{"nonce": uuid.NewString()})
	method, _, _ := strings.Cut(route, " ")
	headers := make([]string, len(at.headers))
	asked := with.in(t, at.path+at.body)
	for i, h := range at.headers {
		headers[i] = with.in(t, h)
		asked += headers[i]
	}
	got := with.send(t, c, method, at.path, at.body, headers...)
	g.toldNothing(t, got, asked)
	return got
}

var canaryOfB = regexp.MustCompile(`canary-b-[a-z0-9-]+`)

func (g *guard) toldNothing(t *testing.T, got *apptest.Answer, asked string) {
	t.Helper()
	text := fmt.Sprint(got.Header) + string(got.Body)
	for _, found := range canaryOfB.FindAllString(strings.ToLower(text), -1) {
		assert.Contains(t, strings.ToLower(asked), found, "the answer tells what is the other account's: %s", got.Body)
	}
	for _, id := range g.ids {
		if strings.Contains(text, id) {
			assert.Contains(t, asked, id, "the answer names what is the other account's: %s", got.Body)
		}
	}
}

func (g *guard) admin(t *testing.T, route string, at attack) {
	t.Helper()
	foreign := g.target()
	got := g.ask(t, g.a.Caller, route, at, foreign)
	require.Equal(t, at.want, got.Status, "%s", got.Body)
	assertItems(t, got, at.items)
	nobodys := g.b.random().with(g.a.own()).with(names{"own.others_partner": g.b.partner.Code})
	other := g.ask(t, g.a.Caller, route, at, nobodys)
	if at.random != 0 {
		require.Equal(t, at.random, other.Status, "%s", other.Body)
		return
	}
	assert.Equal(t, shapeOf(t, other, nobodys), shapeOf(t, got, foreign), "another account's is answered like what never was")
}

func (g *guard) partner(t *testing.T, route string, at attack, p *partner, its names) {
	t.Helper()
	want := at.partner
	if want == 0 {
		want = http.StatusForbidden
	}
	got := g.ask(t, p.Caller, route, at, g.target().with(its))
	require.Equal(t, want, got.Status, "%s: %s", p.Name, got.Body)
	assertItems(t, got, at.partnerItems)
}

func (g *guard) public(t *testing.T, route string, at attack) {
	t.Helper()
	for _, with := range []names{g.target(), g.b.random().with(g.a.own())} {
		got := g.ask(t, g.Anonymous(t), route, at, with)
		require.Equal(t, at.want, got.Status, "%s", got.Body)
	}
}

func assertItems(t *testing.T, got *apptest.Answer, want []int) {
	t.Helper()
	if got.Status != http.StatusMultiStatus {
		return
	}
	var statuses []int
	for i := range got.List("results") {
		status, ok := got.At(fmt.Sprintf("results.%d.status", i)).(float64)
		require.True(t, ok)
		statuses = append(statuses, int(status))
	}
	assert.Equal(t, want, statuses, "%s", got.Body)
}

// captureLog takes the place of the log until the test ends.
func captureLog(t *testing.T) (text func() string) {
	t.Helper()
	out := &lockedBuffer{}
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	t.Cleanup(func() { slog.SetDefault(before) })
	return out.String
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
