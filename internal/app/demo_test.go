package app

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
	"github.com/rooftop-crm/rooftop/internal/platform/secret"
	"github.com/rooftop-crm/rooftop/internal/seed"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// demo is an installation in development, and its database as the owner sees it.
type demo struct {
	cfg   Config
	owner *pgx.Conn
}

func newDemo(t *testing.T) demo {
	t.Helper()
	_, ownerURL := dbtest.URLs(t)
	owner, err := pgx.Connect(t.Context(), ownerURL)
	require.NoError(t, err)
	t.Cleanup(func() { _ = owner.Close(context.Background()) })
	return demo{owner: owner, cfg: Config{
		Addr: "127.0.0.1:8080", Env: "development", Services: "all", DatabaseURL: ownerURL, MaxConns: 4, DataDir: t.TempDir(),
		LogLevel: "error", RatePerMinute: 600, MaxDocument: 1 << 20, DemoData: true,
	}}
}

// start is one more process of the installation.
func (d demo) start(t *testing.T) *App {
	t.Helper()
	a, err := New(t.Context(), d.cfg)
	require.NoError(t, err)
	t.Cleanup(func() { a.Close(context.Background()) })
	return a
}

func (d demo) count(t *testing.T, sql string, args ...any) int {
	t.Helper()
	var n int
	require.NoError(t, d.owner.QueryRow(t.Context(), sql, args...).Scan(&n), sql)
	return n
}

func (d demo) credentials(t *testing.T) (seed.Credentials, string) {
	t.Helper()
	text, err := os.ReadFile(d.cfg.credentialsFile())
	require.NoError(t, err)
	var c seed.Credentials
	require.NoError(t, json.Unmarshal(text, &c))
	require.NotNil(t, c.Other)
	return c, string(text)
}

func welcome(t *testing.T, a *App) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, a.Welcome(t.Context(), &out))
	return out.String()
}

// call asks the server without a network, and returns the status and the decoded answer.
func call(t *testing.T, a *App, r *http.Request) (int, map[string]any) {
	t.Helper()
	w := httptest.NewRecorder()
	a.Server.HTTPServer().Handler.ServeHTTP(w, r)
	body := map[string]any{}
	if w.Body.Len() > 0 {
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body))
	}
	return w.Code, body
}

func get(t *testing.T, a *App, path, bearer string) (int, map[string]any) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	r.Header.Set("Authorization", "Bearer "+bearer)
	return call(t, a, r)
}

// token signs in and returns the access token, or "" when that is refused.
func token(t *testing.T, a *App, form url.Values) string {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/oauth/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	_, body := call(t, a, r)
	text, _ := body["access_token"].(string)
	return text
}

func signIn(l seed.Login) url.Values {
	return url.Values{"grant_type": {"password"}, "username": {l.Email}, "password": {l.Password}}
}

func signInPartner(c seed.Client) url.Values {
	return url.Values{"grant_type": {"client_credentials"}, "client_id": {c.ClientID}, "client_secret": {c.ClientSecret}}
}

func TestTheFirstStartMakesDemoDataThatWorks(t *testing.T) {
	t.Parallel()
	d := newDemo(t)
	a := d.start(t)
	printed := welcome(t, a)

	found := regexp.MustCompile(`curl -s -H 'Authorization: Bearer (\S+)' 'http://127\.0\.0\.1:8080(/\S+)'`).FindStringSubmatch(printed)
	require.NotNil(t, found, printed)
	status, body := get(t, a, found[2], found[1])
	require.Equal(t, http.StatusOK, status)
	assert.Len(t, body["data"], 3)

	c, _ := d.credentials(t)
	info, err := os.Stat(d.cfg.credentialsFile())
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	assert.NotEqual(t, c.AccountID, c.Other.AccountID)
	for _, access := range []seed.Access{c.Access, *c.Other} {
		assert.Equal(t, "http://127.0.0.1:8080", access.BaseURL)
		assert.Len(t, access.DealershipIDs, 2)
		status, me := get(t, a, "/v1/me", token(t, a, signIn(access.Admin)))
		assert.Equal(t, http.StatusOK, status, me)
		status, sent := get(t, a, "/v1/leads?count=exact", token(t, a, signInPartner(access.Partner)))
		require.Equal(t, http.StatusOK, status, sent)
		assert.Greater(t, sent["total"], 5.0, "the partner's leads")
		assert.Equal(t, 8, d.count(t, `SELECT count(*) FROM users WHERE account_id = $1`, access.AccountID))
		assert.Equal(t, http.StatusCreated, postLead(t, a, access), "a site's lead")
	}
	assert.Greater(t, d.count(t, `SELECT count(*) FROM leads WHERE account_id = $1`, c.AccountID), 250)
	d.assertTrue(t)
}

// postLead sends a lead as a page of the developer's own site does.
func postLead(t *testing.T, a *App, access seed.Access) int {
	t.Helper()
	body := `{"dealership_id":"` + access.DealershipIDs[1].String() + `","contact":{"last_name":"Essai","emails":[{"address":"essai@example.com"}]}}`
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/leads", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Origin", "http://localhost:3000")
	r.Header.Set("Authorization", "Bearer "+access.SiteKey)
	status, _ := call(t, a, r)
	return status
}

// assertTrue holds states, histories, events and projections against each other.
func (d demo) assertTrue(t *testing.T) {
	t.Helper()
	for name, sql := range map[string]string{
		"a lead that is not where its history says": `SELECT count(*) FROM leads l WHERE status <> (SELECT to_status FROM lead_history h
			WHERE h.account_id = l.account_id AND h.lead_id = l.id AND to_status <> '' ORDER BY id DESC LIMIT 1)`,
		"a version without its event": `SELECT count(*) FROM leads l WHERE version <> (SELECT count(*) FROM events e
			WHERE e.account_id = l.account_id AND resource_type = 'lead' AND resource_id = l.id)`,
		"an event before the one that came before": `SELECT count(*) FROM (SELECT occurred_at < lag(occurred_at) OVER (PARTITION BY account_id ORDER BY serial) AS back FROM events) e WHERE back`,
		"something of the future":                  `SELECT count(*) FROM events WHERE occurred_at > now() + interval '1 minute'`,
		"something older than the demo":            `SELECT count(*) FROM events WHERE occurred_at < now() - interval '91 days'`,
		"a projection that lags":                   `SELECT count(*) FROM partner_leads p JOIN leads l ON l.account_id = p.account_id AND l.id = p.lead_id WHERE p.status <> l.status`,
		"a lead of a partner without projection":   `SELECT count(*) FROM leads l WHERE partner_id IS NOT NULL AND NOT EXISTS (SELECT FROM partner_leads p WHERE p.lead_id = l.id)`,
		"a postponement that ended":                `SELECT count(*) FROM leads WHERE status = 'postponed' AND postponed_until < now()`,
		"a person at no example domain":            `SELECT count(*) FROM contacts c, jsonb_array_elements(c.emails) e WHERE e->>'address' !~ '[@.]example(\.(com|org|net))?$'`,
	} {
		assert.Zero(t, d.count(t, sql), name)
	}
	for name, sql := range map[string]string{
		"status": `SELECT count(DISTINCT status) FROM leads`, "type": `SELECT count(DISTINCT type) FROM leads`, "channel": `SELECT count(DISTINCT channel) FROM leads`,
	} {
		assert.GreaterOrEqual(t, d.count(t, sql), 7, name)
	}
	for name, sql := range map[string]string{
		"touches": `SELECT count(*) FROM leads WHERE jsonb_array_length(details->'touches') > 0`, "duplicates": `SELECT count(*) FROM leads WHERE duplicate_of IS NOT NULL`,
		"trade-ins": `SELECT count(*) FROM leads WHERE jsonb_array_length(details->'trade_ins') > 0`, "won": `SELECT count(*) FROM leads WHERE status = 'won'`,
		"lost": `SELECT count(*) FROM leads WHERE status = 'lost'`, "postponed": `SELECT count(*) FROM leads WHERE status = 'postponed'`,
	} {
		assert.GreaterOrEqual(t, d.count(t, sql), 3, name)
	}
}

func TestASecondStartLeavesTheDemoDataAsItIs(t *testing.T) {
	t.Parallel()
	d := newDemo(t)
	first := welcome(t, d.start(t))
	_, before := d.credentials(t)
	events := d.count(t, `SELECT count(*) FROM events`)

	again := d.start(t)
	assert.Equal(t, first, welcome(t, again))
	require.NoError(t, again.Seed(t.Context(), &bytes.Buffer{}))
	_, after := d.credentials(t)
	assert.Equal(t, before, after)
	assert.Equal(t, events, d.count(t, `SELECT count(*) FROM events`))

	d.cfg.Addr = "127.0.0.1:9999"
	welcome(t, d.start(t))
	moved, _ := d.credentials(t)
	assert.Equal(t, "http://127.0.0.1:9999", moved.BaseURL, "the file follows the address")
	assert.Equal(t, "http://127.0.0.1:9999", moved.Other.BaseURL)
	assert.Equal(t, events, d.count(t, `SELECT count(*) FROM events`))
}

func TestOfSeveralStartsAtOnceOneMakesTheDemoData(t *testing.T) {
	t.Parallel()
	d := newDemo(t)
	const processes = 4
	var apps []*App
	for range processes {
		apps = append(apps, d.start(t))
	}
	var together sync.WaitGroup
	printed := make([]string, processes)
	for i, a := range apps {
		together.Go(func() { printed[i] = welcome(t, a) })
	}
	together.Wait()
	for _, text := range printed {
		assert.Equal(t, printed[0], text)
	}
	assert.Equal(t, 2, d.count(t, `SELECT count(*) FROM accounts`))
	c, _ := d.credentials(t)
	status, _ := get(t, apps[0], "/v1/me", c.APIKey)
	assert.Equal(t, http.StatusOK, status)
}

func TestAStartThatIsCutOffLeavesNothingByHalves(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		after    int // looks at the clock, out of some 20 000 for the first account
		accounts int // there afterwards
	}{
		{"in the first account", 3000, 0},
		{"in the second account", 0, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newDemo(t)
			a := d.start(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			s, built, looks := a.seeder(), 0, 0
			services := s.Services
			s.Services = func(now func() time.Time) seed.Services {
				built++
				return services(func() time.Time {
					if looks++; (tt.after > 0 && looks == tt.after) || (tt.after == 0 && built == 2) {
						cancel()
					}
					return now()
				})
			}
			_, _, err := s.Seed(ctx)
			require.ErrorIs(t, err, context.Canceled)
			assert.Equal(t, tt.accounts, d.count(t, `SELECT count(*) FROM accounts`))
			assert.Equal(t, tt.accounts, d.count(t, `SELECT count(*) FROM partners`))

			welcome(t, d.start(t))
			assert.Equal(t, 2, d.count(t, `SELECT count(*) FROM accounts`))
			c, _ := d.credentials(t)
			for _, access := range []seed.Access{c.Access, *c.Other} {
				status, _ := get(t, a, "/v1/me", access.APIKey)
				assert.Equal(t, http.StatusOK, status)
			}
		})
	}
}

func TestLostCredentialsAreReplaced(t *testing.T) {
	t.Parallel()
	d := newDemo(t)
	a := d.start(t)
	welcome(t, a)
	old, _ := d.credentials(t)
	require.NoError(t, os.Remove(d.cfg.credentialsFile()))

	require.ErrorContains(t, a.Seed(t.Context(), &bytes.Buffer{}), "rooftop seed --reset-credentials")
	assert.Contains(t, welcome(t, a), "rooftop seed --reset-credentials", "the server starts all the same")
	require.NoError(t, a.ResetDemoCredentials(t.Context(), &bytes.Buffer{}))

	fresh, _ := d.credentials(t)
	other := d.start(t) // it has verified nothing yet
	for i, now := range []seed.Access{fresh.Access, *fresh.Other} {
		then := []seed.Access{old.Access, *old.Other}[i]
		assert.Equal(t, then.AccountID, now.AccountID)
		assert.Equal(t, then.DealershipIDs, now.DealershipIDs)
		assert.Equal(t, then.Partner.DealerCode, now.Partner.DealerCode)
		assert.NotEmpty(t, token(t, other, signIn(now.Admin)))
		assert.NotEmpty(t, token(t, other, signInPartner(now.Partner)))
		assert.Equal(t, http.StatusCreated, postLead(t, other, now))
		status, _ := get(t, other, "/v1/me", now.APIKey)
		assert.Equal(t, http.StatusOK, status)

		assert.Empty(t, token(t, other, signIn(then.Admin)))
		assert.Empty(t, token(t, other, signInPartner(then.Partner)))
		assert.Equal(t, http.StatusUnauthorized, postLead(t, other, then))
		status, _ = get(t, other, "/v1/me", then.APIKey)
		assert.Equal(t, http.StatusUnauthorized, status)
	}
}

func TestDemoDataStaysOutWhereItIsNotWanted(t *testing.T) {
	t.Parallel()
	t.Run("production", func(t *testing.T) {
		t.Parallel()
		d := newDemo(t)
		d.cfg.Env, d.cfg.MasterKey = "production", secret.Generate()
		a := d.start(t)
		require.ErrorIs(t, a.Seed(t.Context(), &bytes.Buffer{}), ErrNotDevelopment)
		require.ErrorIs(t, a.ResetDemoCredentials(t.Context(), &bytes.Buffer{}), ErrNotDevelopment)
		assert.Equal(t, "Rooftop dev is at http://127.0.0.1:8080\n", welcome(t, a))
		assert.Zero(t, d.count(t, `SELECT count(*) FROM accounts`))
	})
	t.Run("switched off", func(t *testing.T) {
		t.Parallel()
		d := newDemo(t)
		d.cfg.DemoData = false
		assert.NotContains(t, welcome(t, d.start(t)), "curl")
		assert.Zero(t, d.count(t, `SELECT count(*) FROM accounts`))
	})
	t.Run("a database with accounts", func(t *testing.T) {
		t.Parallel()
		d := newDemo(t)
		a := d.start(t)
		_, err := a.CreateOwner(t.Context(), NewOwner{Account: "Garage Dupont", Email: "ada@garage-dupont.example", Password: "a quiet rooftop at dawn", Country: "FR", TimeZone: "Europe/Paris", Currency: "EUR"})
		require.NoError(t, err)
		welcome(t, a)
		assert.Equal(t, 1, d.count(t, `SELECT count(*) FROM accounts`))
		require.NoError(t, a.Seed(t.Context(), &bytes.Buffer{}), "on demand")
		assert.Equal(t, 3, d.count(t, `SELECT count(*) FROM accounts`))
	})
}
