package api

import (
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/ratelimit"
)

var errRate = errs.New(errs.Throttled, "rate.exceeded",
	"This credential's quota is used up for now. Wait for the time in Retry-After; RateLimit-Policy names the quota.")

// errBatchRate is a batch that no window's quota can hold.
var errBatchRate = errs.New(errs.Invalid, "rate.batch_too_large",
	"Each item of a batch counts as a request, and this batch has more than the credential's quota for a minute. Send smaller batches.")

// retryJitter spreads the callers that come back over some seconds.
const retryJitter = 3 * time.Second

// limitRate counts the request against the credential's quota and says in RateLimit how much is left.
func (s *Server) limitRate(next echo.HandlerFunc) echo.HandlerFunc {
	if s.deps.Limiter == nil {
		return next
	}
	more := s.takeMore
	return func(c echo.Context) error {
		x := httpx.Of(c)
		if _, ok := x.Actor(); !ok {
			return next(c)
		}
		if err := s.takeRate(c, 1); err != nil {
			return err
		}
		x.Charge(more)
		return next(c)
	}
}

// takeMore counts a request, which was counted as one, as units more.
func (s *Server) takeMore(c echo.Context, units int) error {
	if limit := s.quota(httpx.ActorOf(c)); units >= limit {
		return errBatchRate.Saying("This credential's quota is %d a minute, and each item counts: send batches of at most as many.", limit)
	}
	return s.takeRate(c, units)
}

func (s *Server) quota(actor auth.Actor) int {
	if actor.RatePerMinute > 0 {
		return actor.RatePerMinute
	}
	return s.cfg.RatePerMinute
}

// takeRate counts units against the credential's quota, all or none, and says in the answer's headers how much is left.
func (s *Server) takeRate(c echo.Context, units int) error {
	actor := httpx.ActorOf(c)
	d := s.deps.Limiter.TakeMany(c.Request().Context(), actor.Credential, s.quota(actor), units)
	h := c.Response().Header()
	h["Ratelimit-Policy"] = policy(d.Limit)
	h["Ratelimit"] = []string{rateLeft(d)}
	if d.Allowed {
		return nil
	}
	s.deps.Telemetry.RateLimited("credential")
	wait := d.Reset + time.Duration(rand.Int64N(int64(retryJitter))) //nolint:gosec // it guards nothing
	return errRate.After(wait)
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
