package apptest_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
	"github.com/rooftop-crm/rooftop/internal/platform/fetch/fetchtest"
)

// outbound is one use of addresses that callers give.
type outbound struct {
	name string
	path string
	body func(a *apptest.Account, url string) object
	// try has an address that was taken tried, and returns why it came to nothing: a code, or a status.
	try func(t *testing.T, a *apptest.Account, id string) string
	// refused are the reasons why an address that was taken is not reached.
	refused []string
}

var outbounds = []outbound{
	{
		name: "webhooks", path: "/v1/webhook-endpoints",
		body: func(_ *apptest.Account, url string) object {
			return object{"url": url, "event_types": []any{"none.such"}}
		},
		try: func(t *testing.T, a *apptest.Account, id string) string {
			t.Helper()
			sent := "/v1/webhook-deliveries/" + a.Post("/v1/webhook-endpoints/"+id+"/test", nil).Is(http.StatusAccepted).Str("id")
			apptest.Await(t, "it was tried", func() bool { return a.Get(sent).Is(http.StatusOK).At("attempts") != float64(0) })
			got := a.Get(sent).Is(http.StatusOK)
			assert.Empty(t, got.Str("log.0.response_body"))
			if got.At("log.0.error") == nil {
				return fmt.Sprint(got.At("log.0.status"))
			}
			return got.Str("log.0.error")
		},
		refused: []string{"fetch.address_refused", "302"}, // no redirect is followed
	},
	{
		name: "external calendars", path: "/v1/external-calendars",
		body: func(a *apptest.Account, url string) object { return object{"user_id": a.AdminID, "url": url} },
		try: func(t *testing.T, a *apptest.Account, id string) string {
			t.Helper()
			path := "/v1/external-calendars/" + id
			apptest.Await(t, "it was tried", func() bool { return a.Get(path).Is(http.StatusOK).At("last_error") != nil })
			got := a.Get(path).Is(http.StatusOK)
			assert.Nil(t, got.At("last_fetched_at"))
			assert.NotRegexp(t, `\d+\.\d+\.\d+\.\d+|::`, got.Str("last_error.detail"))
			return got.Str("last_error.code")
		},
		refused: []string{"fetch.address_refused", "fetch.scheme_refused"}, // each redirect is held against the same rules
	},
}

// No address that a caller gives leads to what is private: however it is written, whatever its name turns out to mean, and
// wherever it redirects to.
func TestNothingPrivateIsReachedFromOutside(t *testing.T) {
	t.Parallel()
	for _, use := range outbounds {
		t.Run(use.name, func(t *testing.T) {
			t.Parallel()
			canary, names := fetchtest.NewCanary(t), fetchtest.NewNames(t)
			start := func(t *testing.T, allow string) *apptest.Account {
				t.Helper()
				_, ownerURL := dbtest.URLs(t)
				cfg := apptest.Config(t, ownerURL)
				cfg.OutboundAllow, cfg.OutboundPorts, cfg.Resolver = allow, "443,8443,80,"+strconv.Itoa(canary.Port), names.Resolver()
				return apptest.Start(t, cfg, ownerURL).Account(t)
			}
			t.Run("where it is allowed it is reached", func(t *testing.T) {
				a := start(t, fmt.Sprintf("127.0.0.1:%d,%s:%d", canary.Port, fetchtest.Inside, canary.Port))
				for i, host := range []string{"127.0.0.1", fetchtest.Inside} {
					id := a.Post(use.path, use.body(a, fmt.Sprintf("http://%s:%d/canary", host, canary.Port))).Is(http.StatusCreated).Str("id")
					assert.Equal(t, "fetch.unreachable", use.try(t, a, id))
					assert.Greater(t, canary.Hits(), int64(i))
				}
			})
			canary.Reset() // the program that may reach it has stopped

			redirecter := fetchtest.Redirecter(t)
			a := start(t, redirecter)
			targets := canary.Targets("http://" + redirecter + "/")
			for _, host := range []string{"127.0.0.1", "localhost", "[::1]", fetchtest.Inside, fetchtest.Rebound} {
				targets = append(targets, fetchtest.Target{
					Name: "redirect by TLS to " + host, URL: fmt.Sprintf("http://%s/?to=https://%s:%d/", redirecter, host, canary.Port),
				})
			}
			tried := map[string]int{}
			for _, target := range targets {
				got := a.Post(use.path, use.body(a, target.URL))
				if got.Status == http.StatusUnprocessableEntity {
					assert.Equal(t, "/url", got.Str("errors.0.pointer"), target.Name)
					assert.NotRegexp(t, `\d+\.\d+\.\d+\.\d+|::`, got.Str("errors.0.detail"), target.Name)
					continue
				}
				got.Is(http.StatusCreated)
				why := use.try(t, a, got.Str("id"))
				assert.Contains(t, use.refused, why, target.Name)
				tried[why]++
				a.JSON(http.MethodDelete, use.path+"/"+got.Str("id"), nil).Is(http.StatusNoContent)
			}
			for _, why := range use.refused {
				assert.Positive(t, tried[why], why)
			}

			// The same address twice, and in between its name has come to mean what is private.
			names.Answer(fetchtest.Rebound, []netip.Addr{netip.MustParseAddr("192.0.2.1")}, []netip.Addr{netip.MustParseAddr("127.0.0.1")})
			for range 2 {
				id := a.Post(use.path, use.body(a, fmt.Sprintf("https://%s:%d/", fetchtest.Rebound, canary.Port))).Is(http.StatusCreated).Str("id")
				assert.Equal(t, "fetch.address_refused", use.try(t, a, id))
				a.JSON(http.MethodDelete, use.path+"/"+id, nil).Is(http.StatusNoContent)
			}
			assert.GreaterOrEqual(t, names.Asked(fetchtest.Rebound), 2)
			require.Zero(t, canary.Hits())
		})
	}
}
