package api

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

// Header values are shared by all answers: nobody may change them in place.
var (
	nosniff       = []string{"nosniff"}
	noStore       = []string{"no-store"}
	contentPolicy = []string{"default-src 'none'; frame-ancestors 'none'"}
	noReferrer    = []string{"no-referrer"}
	varyOrigin    = []string{"Origin"}

	allowMethods  = []string{"GET, POST, PUT, PATCH, DELETE"}
	allowHeaders  = []string{"Authorization, Content-Type, Accept, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, X-Request-Id, traceparent, tracestate"}
	preflightAge  = []string{"600"}
	varyPreflight = []string{"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"}
	exposeHeaders = []string{"ETag, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id, Idempotent-Replayed, Deprecation, Sunset"}
)

const (
	headerAllowOrigin   = "Access-Control-Allow-Origin"
	headerExposeHeaders = "Access-Control-Expose-Headers"
)

var errOrigin = errs.New(errs.Forbidden, "origin.forbidden",
	"This site key is not bound to the web origin that the request comes from. Add the origin to the key, as scheme://host[:port].")

// secure sets what every answer has. An answer with an ETag, and the reference page, set their own in place of these.
func (s *Server) secure(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h["X-Content-Type-Options"] = nosniff
		h["Cache-Control"] = noStore
		h["Content-Security-Policy"] = contentPolicy
		h["Referrer-Policy"] = noReferrer
		return next(c)
	}
}

// cors lets pages of origins that a site key is bound to read answers. A preflight carries no key, so that any bound
// origin gets the same answer to it; the request itself is then held to its own key by authenticate. No other origin is
// ever allowed, and no answer allows credentials: keys travel in Authorization.
func (s *Server) cors(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		h := c.Response().Header()
		h["Vary"] = varyOrigin
		origin := r.Header.Get("Origin")
		if origin == "" {
			return next(c)
		}
		preflight := r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
		if preflight {
			h["Vary"] = varyPreflight
			if err := s.takeAddress(c); err != nil {
				return err
			}
		}
		if s.knownOrigin(c, origin) {
			h[headerAllowOrigin] = []string{origin}
			h[headerExposeHeaders] = exposeHeaders
			if preflight {
				h["Access-Control-Allow-Methods"] = allowMethods
				h["Access-Control-Allow-Headers"] = allowHeaders
				h["Access-Control-Max-Age"] = preflightAge
			}
		}
		if preflight {
			return c.NoContent(http.StatusNoContent)
		}
		return next(c)
	}
}

// knownOrigin says no when the question cannot be answered: the page then cannot read the answer, and nothing leaks.
func (s *Server) knownOrigin(c echo.Context, origin string) bool {
	if s.deps.Origins == nil || len(origin) > 300 {
		return false
	}
	known, err := s.deps.Origins.Known(c.Request().Context(), origin)
	if err != nil {
		s.deps.Log.WarnContext(c.Request().Context(), "an origin could not be checked",
			"request_id", httpx.Of(c).RequestID, "error", err)
	}
	return known && err == nil
}

// checkOrigin holds a site key to the origins it is bound to, when the request comes from a web page.
func checkOrigin(c echo.Context, actor *auth.Actor) error {
	if actor.Kind != auth.KindSiteKey {
		return nil
	}
	origin := c.Request().Header.Get("Origin")
	if origin == "" {
		return nil
	}
	if slices.Contains(actor.Origins, origin) {
		return nil
	}
	delete(c.Response().Header(), headerAllowOrigin)
	return errOrigin
}
