package api

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

var (
	errNoCredential = errs.New(errs.Unauthenticated, "auth.required",
		"A credential is needed: send an access token or a key as Authorization: Bearer ….")
	errAddressRate = errs.New(errs.Throttled, "rate.address_exceeded",
		"Too many requests without a valid credential came from this address. Wait for the time in Retry-After.")

	challenge        = []string{`Bearer realm="rooftop"`}
	challengeInvalid = []string{`Bearer realm="rooftop", error="invalid_token"`}
)

// authenticate finds out who acts, on every route that is not public. What echo found no route for goes on to its 404 or 405.
func (s *Server) authenticate(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		found := s.routeOf(c)
		if found == nil || found.public {
			if found == nil || !found.probe {
				if err := s.takeAddress(c); err != nil {
					return err
				}
			}
			return next(c)
		}
		r := c.Request()
		token := httpx.Bearer(r.Header)
		if token == "" {
			c.Response().Header()["Www-Authenticate"] = challenge
			return s.refuse(c, errNoCredential)
		}
		actor, err := s.deps.Auth.Authenticate(r.Context(), token)
		if err != nil {
			if errs.IsKind(err, errs.Unauthenticated) {
				c.Response().Header()["Www-Authenticate"] = challengeInvalid
				return s.refuse(c, err)
			}
			return err
		}
		httpx.Of(c).Identify(actor)
		if err := checkOrigin(c, &actor); err != nil {
			return err
		}
		return next(c)
	}
}

// refuse counts a failure against the address, so that guessing is slow.
func (s *Server) refuse(c echo.Context, err error) error {
	if limited := s.takeAddress(c); limited != nil {
		return limited
	}
	return err
}

func (s *Server) takeAddress(c echo.Context) error {
	wait, ok := s.addresses.Take(c.RealIP())
	if ok {
		return nil
	}
	s.deps.Telemetry.RateLimited("address")
	return errAddressRate.After(max(wait, time.Second))
}

// limitBody caps the body before anything reads it. Routes for documents raise the limit by httpx.Documents.
func (s *Server) limitBody(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if b := c.Request().Body; b != nil && b != http.NoBody {
			found := s.routeOf(c)
			s.edge.LimitBody(c, found != nil && found.batch)
		}
		return next(c)
	}
}
