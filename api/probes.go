package api

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

const readyTimeout = 2 * time.Second

var errNotReady = errs.New(errs.Unavailable, "service.not_ready", "The service cannot answer yet: a part it needs does not answer.").After(time.Second)

// Health is the answer of a probe.
type Health struct {
	Status string `json:"status" validate:"required" enums:"ok,ready" example:"ok"`
} //	@name	Health

func isProbe(path string) bool { return path == "/healthz" || path == "/readyz" || path == "/metrics" }

func (s *Server) probes(e *echo.Echo) {
	e.GET("/healthz", s.healthz)
	e.GET("/readyz", s.readyz)
	e.GET("/metrics", s.metrics)
}

// healthz says that the process is up.
//
//	@ID				getHealth
//	@Summary		See whether the process is up
//	@Description	It asks nothing of the database; see readyz for that.
//	@Tags			operations
//	@Produce		json
//	@Success		200	{object}	Health
//	@x-outside		true
//	@Router			/healthz [get]
func (s *Server) healthz(c echo.Context) error {
	return c.JSON(http.StatusOK, Health{Status: "ok"})
}

// readyz says whether requests can be answered.
//
//	@ID				getReadiness
//	@Summary		See whether requests can be answered
//	@Description	503 says why not: the database is down, or its migrations are behind.
//	@Tags			operations
//	@Produce		json
//	@Success		200	{object}	Health
//	@Failure		503	{object}	httpx.Problem
//	@x-outside		true
//	@Router			/readyz [get]
func (s *Server) readyz(c echo.Context) error {
	ctx, cancel := context.WithTimeout(c.Request().Context(), readyTimeout)
	defer cancel()
	if err := s.deps.Ready(ctx); err != nil {
		if e, ok := errs.As(err); ok {
			return errNotReady.Saying("%s", e.Public).Because(err)
		}
		return errNotReady.Because(err)
	}
	return c.JSON(http.StatusOK, Health{Status: "ready"})
}

// metrics answers a scrape.
//
//	@ID				getMetrics
//	@Summary		Read the metrics
//	@Description	In the text format of Prometheus.
//	@Tags			operations
//	@Produce		plain
//	@Success		200	{string}	string	"The metrics."
//	@x-outside		true
//	@Router			/metrics [get]
func (s *Server) metrics(c echo.Context) error {
	s.deps.Telemetry.Handler().ServeHTTP(c.Response(), c.Request())
	return nil
}
