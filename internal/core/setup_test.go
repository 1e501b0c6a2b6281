package core_test

import (
	"context"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/core"
	"github.com/rooftop-crm/rooftop/internal/core/coredb"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/audit"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/background"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
	"github.com/rooftop-crm/rooftop/internal/platform/jobs"
	"github.com/rooftop-crm/rooftop/internal/platform/links"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
	"github.com/rooftop-crm/rooftop/internal/platform/secret"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

const password = "a quiet rooftop at dawn"

// testClock stands still until it is told to move.
type testClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *testClock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// mailbox is where mails arrive. It knows nothing of transactions: tests look at what was committed besides.
type mailbox struct {
	mu   sync.Mutex
	sent []core.Mail
}

func (m *mailbox) Mail(_ context.Context, _ kernel.AccountID, mail core.Mail) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sent = append(m.sent, mail)
	return nil
}

// last is the latest mail, which is taken out.
func (m *mailbox) last(t *testing.T, template, to string) core.Mail {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	require.NotEmpty(t, m.sent)
	mail := m.sent[len(m.sent)-1]
	m.sent = m.sent[:len(m.sent)-1]
	require.Equal(t, template, mail.Template)
	require.Equal(t, to, mail.To)
	return mail
}

func (m *mailbox) empty() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.sent) == 0
}

// world is an installation with one account and its administrator.
type world struct {
	*core.Service
	db      *db.DB
	clock   *testClock
	ring    *secret.Keyring
	events  *outbox.Log
	mails   *mailbox
	account core.Account
	admin   auth.Actor
	adminID kernel.UserID
}

func newWorld(t *testing.T) *world {
	t.Helper()
	ring, err := secret.Parse(secret.Generate())
	require.NoError(t, err)
	w := &world{
		db: dbtest.New(t), ring: ring,
		clock: &testClock{now: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)},
	}
	w.events, w.mails = outbox.New(w.db), &mailbox{}
	w.Service = w.process(t)
	w.account, w.admin, w.adminID = w.newAccount(t, "Garage Dupont", "admin@garage-dupont.example")
	return w
}

// process is another process of the same installation.
func (w *world) process(t *testing.T) *core.Service {
	t.Helper()
	control := coredb.NewControl(w.db)
	keys := auth.NewKeys(control, w.ring, w.clock.Now)
	queue, err := jobs.New(w.db, jobs.Config{})
	require.NoError(t, err)
	s := core.NewService(core.Parts{
		Store: coredb.New(w.db), Control: control, Units: w.db, Events: w.events, Audit: audit.New(w.db), Work: background.New(w.db, w.clock.Now),
		Hasher: auth.NewHasher(auth.PasswordParams{MemoryKiB: 64, Passes: 1, Threads: 1}, 4), Keys: keys,
		Tokens: auth.NewTokens(keys, "https://rooftop.example", "rooftop", w.clock.Now), Ring: w.ring, Links: links.NewStore(w.db, w.clock.Now), Enums: core.Enums(), Now: w.clock.Now,
		Jobs: queue, Mailer: w.mails, AppURL: "https://crm.example",
	})
	s.JobHandlers(queue.Handlers(true))
	return s
}

func (w *world) newAccount(t *testing.T, name, email string) (core.Account, auth.Actor, kernel.UserID) {
	t.Helper()
	a, err := w.CreateAccount(t.Context(), core.NewAccount{Name: name})
	require.NoError(t, err)
	u, err := w.CreateFirstAdmin(t.Context(), a.ID, core.NewUser{
		UserDetails: core.UserDetails{Email: email, FirstName: "Ada", LastName: "Dupont"}, Password: password,
	})
	require.NoError(t, err)
	return a, w.actor(t, email), u.ID
}

// signIn returns the tokens of a user.
func (w *world) signIn(t *testing.T, email string) core.TokenAnswer {
	t.Helper()
	answer, err := w.Token(t.Context(), signInAs(email, password))
	require.NoError(t, err)
	return answer
}

func signInAs(email, pass string) core.TokenRequest {
	return core.TokenRequest{
		GrantType: "password", Username: email, Password: pass, Address: netip.MustParseAddr("192.0.2.7"), UserAgent: "test",
	}
}

// actor signs a user in and authenticates them, as the edge does.
func (w *world) actor(t *testing.T, email string) auth.Actor {
	t.Helper()
	actor, err := w.Authenticate(t.Context(), w.signIn(t, email).AccessToken)
	require.NoError(t, err)
	return actor
}

func (w *world) user(t *testing.T, email string, roles ...core.RoleAt) core.User {
	t.Helper()
	u, err := w.CreateUser(t.Context(), w.admin, core.NewUser{UserDetails: core.UserDetails{Email: email, Roles: roles}, Password: password})
	require.NoError(t, err)
	return u
}

func (w *world) dealership(t *testing.T, actor auth.Actor, edit func(*core.DealershipDetails)) core.Dealership {
	t.Helper()
	d := core.DealershipDetails{Name: "Dupont Lyon"}
	if edit != nil {
		edit(&d)
	}
	out, err := w.CreateDealership(t.Context(), actor, d)
	require.NoError(t, err)
	return out
}

func (w *world) key(t *testing.T, actor auth.Actor, kind auth.ActorKind, scopes ...auth.Scope) core.IssuedKey {
	t.Helper()
	n := core.NewAPIKey{Kind: kind, APIKeyDetails: core.APIKeyDetails{Name: "key", Scopes: auth.NewScopeSet(scopes...)}}
	if kind == auth.KindSiteKey {
		n.Origins = []string{"https://www.garage-dupont.example"}
	}
	k, err := w.CreateAPIKey(t.Context(), actor, n)
	require.NoError(t, err)
	return k
}

// eventTypes lists the account's events in the order they were written.
func (w *world) eventTypes(t *testing.T, account kernel.AccountID) []string {
	t.Helper()
	var types []string
	err := w.db.Query(context.Background(), account, `SELECT type FROM events WHERE account_id = $1 ORDER BY serial`, []any{account}, func(r db.Rows) error {
		var s string
		err := r.Scan(&s)
		types = append(types, s)
		return err
	})
	require.NoError(t, err)
	return types
}

func wide(role auth.Role) core.RoleAt { return core.RoleAt{Role: role} }

func at(role auth.Role, d core.Dealership) core.RoleAt {
	return core.RoleAt{Role: role, Dealership: &d.ID}
}
