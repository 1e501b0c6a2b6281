package api

import (
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/ratelimit"
)

var errRate = errs.New(errs.Throttled, "rate.exceeded",
	"This credential's quota is used up for now. Wait for the time in Retry-After; RateLimit-Policy names the quota.")

// retryJitter spreads the callers that come back over some seconds.
const retryJitter = 3 * time.Second

// limitRate counts the request against the credential's quota and says in RateLimit how much is left.
func (s *Server) limitRate(next echo.HandlerFunc) echo.HandlerFunc {
	if s.deps.Limiter == nil {
		return next
	}
	return func(c echo.Context) error {
		x := httpx.Of(c)
		actor, ok := x.Actor()
		if !ok {
			return next(c)
		}
		limit := actor.RatePerMinute
		if limit <= 0 {
			limit = s.cfg.RatePerMinute
		}
		d := s.deps.Limiter.Take(c.Request().Context(), actor.Credential, limit)
		h := c.Response().Header()
		h["Ratelimit-Policy"] = policy(d.Limit)
		h["Ratelimit"] = []string{rateLeft(d)}
		if !d.Allowed {
			s.deps.Telemetry.RateLimited("credential")
			wait := d.Reset + time.Duration(rand.Int64N(int64(retryJitter))) //nolint:gosec // it guards nothing
			return errRate.After(wait)
		}
		return next(c)
	}
}

var policies sync.Map // limit → header value: there are as many as there are different quotas

func policy(limit int) []string {
	if p, ok := policies.Load(limit); ok {
		return p.([]string) //nolint:forcetypeassert // the map holds nothing else
	}
	p := []string{`"default";q=` + strconv.Itoa(limit) + `;w=` + strconv.Itoa(int(ratelimit.Window.Seconds()))}
	policies.Store(limit, p)
	return p
}

// rateLeft writes the RateLimit field. t is rounded up, so that who waits for it comes after the window's end.
func rateLeft(d ratelimit.Decision) string {
	b := make([]byte, 0, 40)
	b = append(b, `"default";r=`...)
	b = strconv.AppendInt(b, int64(d.Remaining), 10)
	b = append(b, `;t=`...)
	b = strconv.AppendInt(b, int64((d.Reset+time.Second-1)/time.Second), 10)
	return string(b)
}
