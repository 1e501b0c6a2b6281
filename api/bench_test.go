package api_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
	"github.com/rooftop-crm/rooftop/internal/platform/ratelimit"
	"github.com/rooftop-crm/rooftop/internal/platform/telemetry"
)

// nowhere takes an answer as net/http would, and forgets it.
type nowhere struct{ header http.Header }

func (w *nowhere) Header() http.Header         { return w.header }
func (w *nowhere) WriteHeader(int)             {}
func (w *nowhere) Write(p []byte) (int, error) { return len(p), nil }

// warm is authentication when every credential is in the cache.
type warm struct{ cache *auth.Cache }

func (w warm) Authenticate(_ context.Context, token string) (auth.Actor, error) {
	if a, ok := w.cache.Get(token); ok {
		return a, nil
	}
	return auth.Actor{}, errToken
}

// BenchmarkChain is what the middleware costs a warm request, access log included, beside the same echo without any.
func BenchmarkChain(b *testing.B) {
	h := newHouse(b, func(_ *api.Config, d *api.Deps) {
		d.Limiter = ratelimit.New(dbtest.New(b), time.Now)
		d.AccessLog = slog.New(slog.NewJSONHandler(telemetry.NewLogWriter(io.Discard), nil))
		known := d.Auth.(people)
		staff := known["staff"]
		staff.RatePerMinute = 1_000_000_000
		cache := auth.NewCache(time.Hour, 100, time.Now)
		cache.Put("staff", staff, time.Time{})
		d.Auth = warm{cache}
	})
	h.server.V1.GET("/nothing", func(c echo.Context) error { return c.NoContent(http.StatusNoContent) })
	bare := echo.New()
	bare.GET("/v1/nothing", func(c echo.Context) error { return c.NoContent(http.StatusNoContent) })

	for name, handler := range map[string]http.Handler{"chain": h.server.Echo, "bare": bare} {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/v1/nothing", http.NoBody)
			r.Header.Set("Authorization", bearer)
			b.ReportAllocs()
			for b.Loop() {
				handler.ServeHTTP(&nowhere{header: make(http.Header, 16)}, r)
			}
		})
	}
}
