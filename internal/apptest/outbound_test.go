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
	// tried is where is seen what comes of trying an address that was taken; it has it tried when that is not done by itself.
	tried func(t *testing.T, a *apptest.Account, made *apptest.Answer) string
	// why is what came of it: a code, or a status; "" for nothing so far.
	why func(seen *apptest.Answer) string
	// refused are the reasons why an address that was taken is not reached.
	refused []string
	kept    bool // what was made stays
}

var outbounds = []outbound{
	{
		name: "webhooks", path: "/v1/webhook-endpoints",
		body: func(_ *apptest.Account, url string) object {
			return object{"url": url, "event_types": []any{"none.such"}}
		},
		tried: func(t *testing.T, a *apptest.Account, made *apptest.Answer) string {
			t.Helper()
			return "/v1/webhook-deliveries/" + a.For(t).Post("/v1/webhook-endpoints/"+made.Str("id")+"/test", nil).Is(http.StatusAccepted).Str("id")
		},
		why: func(seen *apptest.Answer) string {
			switch {
			case len(seen.List("log")) == 0:
				return ""
			case seen.At("log.0.error") == nil:
				return fmt.Sprint(seen.At("log.0.status"))
			}
			return seen.Str("log.0.error")
		},
		refused: []string{"fetch.address_refused", "302"}, // no redirect is followed
	},
	{
		name: "external calendars", path: "/v1/external-calendars",
		body: func(a *apptest.Account, url string) object { return object{"user_id": a.AdminID, "url": url} },
		tried: func(t *testing.T, _ *apptest.Account, made *apptest.Answer) string {
			t.Helper()
			return "/v1/external-calendars/" + made.Str("id")
		},
		why: func(seen *apptest.Answer) string {
			if seen.At("last_error") == nil {
				return ""
			}
			return seen.Str("last_error.code")
		},
		refused: []string{"fetch.address_refused", "fetch.scheme_refused"}, // each redirect is held against the same rules
	},
	{
		name: "imports", path: "/v1/imports",
		body:  func(_ *apptest.Account, url string) object { return object{"kind": "contacts", "url": url} },
		tried: byJob, why: jobFailed,
		refused: []string{"fetch.address_refused"},
		kept:    true,
	},
	{
		name: "files", path: "/v1/files/fetch",
		body:  func(_ *apptest.Account, url string) object { return object{"url": url} },
		tried: byJob, why: jobFailed,
		refused: []string{"fetch.address_refused"},
		kept:    true,
	},
}

// byJob and jobFailed are of what a job tries.
func byJob(t *testing.T, _ *apptest.Account, made *apptest.Answer) string {
	t.Helper()
	return "/v1/jobs/" + made.Str("job_id")
}

func jobFailed(seen *apptest.Answer) string {
	if seen.At("error") == nil {
		return ""
	}
	return seen.Str("error.code")
}

// settled waits until something came of an address that was taken, and says what.
func (o outbound) settled(t *testing.T, a *apptest.Account, made *apptest.Answer) (why string) {
	t.Helper()
	at := o.tried(t, a, made)
	apptest.Await(t, "it was tried", func() bool {
		seen := a.For(t).Get(at).Is(http.StatusOK)
		why = o.why(seen)
		assert.NotContains(t, string(seen.Body), "192.0.2.1", "what a name resolves to is not told")
		return why != ""
	})
	if !o.kept {
		a.For(t).JSON(http.MethodDelete, o.path+"/"+made.Str("id"), nil).Is(http.StatusNoContent)
	}
	return why
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
					use.tried(t, a, a.Post(use.path, use.body(a, fmt.Sprintf("http://%s:%d/canary", host, canary.Port))))
					apptest.Await(t, "it is reached", func() bool { return canary.Hits() > int64(i) })
				}
				assert.Positive(t, names.Asked(fetchtest.Inside))
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
				why := use.settled(t, a, got)
				assert.Contains(t, use.refused, why, target.Name)
				tried[why]++
			}
			for _, why := range use.refused {
				assert.Positive(t, tried[why], why)
			}

			// The same address twice, and in between its name has come to mean what is private.
			names.Answer(fetchtest.Rebound, []netip.Addr{netip.MustParseAddr("192.0.2.1")}, []netip.Addr{netip.MustParseAddr("127.0.0.1")})
			for range 2 {
				got := a.Post(use.path, use.body(a, fmt.Sprintf("https://%s:%d/", fetchtest.Rebound, canary.Port)))
				assert.Equal(t, "fetch.address_refused", use.settled(t, a, got))
			}
			assert.GreaterOrEqual(t, names.Asked(fetchtest.Rebound), 2)
			require.Zero(t, canary.Hits())
		})
	}
}
