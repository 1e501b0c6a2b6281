package httpx_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

func logTo(w io.Writer) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.LevelInfo}))
}

func TestEveryKindHasAStatus(t *testing.T) {
	t.Parallel()
	seen := map[int]errs.Kind{}
	for _, k := range errs.Kinds() {
		status := httpx.Status(k)
		assert.GreaterOrEqual(t, status, 400, "kind %d", k)
		other, taken := seen[status]
		assert.False(t, taken, "kinds %d and %d share %d", k, other, status)
		seen[status] = k
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	known := errs.New(errs.Conflict, "lead.closed", "The lead is closed.")
	tests := []struct {
		name       string
		err        error
		wantStatus int
		wantCode   string
	}{
		{"a client error, wrapped", fmt.Errorf("move: %w", known.Because(errors.New("secret cause"))), 409, "lead.closed"},
		{"anything else", errors.New("pq: relation leads does not exist"), 500, "internal"},
		{"echo's 404, wrapped", fmt.Errorf("x: %w", echo.ErrNotFound), 404, "route.not_found"},
		{"echo's 413", echo.NewHTTPError(http.StatusRequestEntityTooLarge), 413, "request.too_large"},
		{"an odd status of echo", echo.NewHTTPError(http.StatusTeapot, "secret"), 500, "internal"},
		{"a body over its limit", fmt.Errorf("read: %w", &http.MaxBytesError{Limit: 10}), 413, "request.too_large"},
		{"the database is down", fmt.Errorf("find: %w", &pgconn.ConnectError{}), 503, "service.unavailable"},
		{"a commit without an answer", fmt.Errorf("x: %w", db.ErrUnknownOutcome), 503, "service.timeout"},
		{"out of time", fmt.Errorf("x: %w", context.DeadlineExceeded), 503, "service.timeout"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			a.echo.GET("/x", func(echo.Context) error { return tt.err })
			got := a.do("GET", "/x", "")
			p := got.problem(t)
			assert.Equal(t, tt.wantStatus, got.StatusCode)
			assert.Equal(t, tt.wantCode, p.Code)
			assert.Equal(t, "/problems/"+tt.wantCode, p.Type)
			assert.Equal(t, "request-1", p.RequestID)
			assert.Equal(t, "no-store", got.Header.Get("Cache-Control"))
			assert.NotContains(t, got.body, "secret")
			assert.NotContains(t, got.body, "relation")
			if tt.wantStatus == 503 {
				assert.NotEmpty(t, got.Header.Get("Retry-After"))
			}
			if tt.wantStatus >= 500 {
				assert.Contains(t, a.log.String(), "request-1")
				assert.Contains(t, a.log.String(), a.actor.Account.String())
			} else {
				assert.Empty(t, a.log.String(), "a caller's mistake is no news")
			}
		})
	}
}

func TestRetryAfterIsRoundedUp(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.echo.GET("/x", func(echo.Context) error {
		return errs.New(errs.Throttled, "rate.exceeded", "Wait.").After(1200 * time.Millisecond)
	})
	assert.Equal(t, "2", a.do("GET", "/x", "").Header.Get("Retry-After"))
}

func TestAnotherMethodIsNamedInAllow(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.echo.GET("/x", func(echo.Context) error { return nil })
	a.echo.POST("/x", func(echo.Context) error { return nil })
	for _, method := range []string{"DELETE", "TRACE", "BREW"} {
		got := a.do(method, "/x", "")
		assert.Equal(t, 405, got.StatusCode)
		assert.Equal(t, "method.not_allowed", got.problem(t).Code)
		assert.Contains(t, got.Header.Get("Allow"), "GET")
		assert.Contains(t, got.Header.Get("Allow"), "POST")
	}
}

func TestACallerThatLeftIsNoError(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	var left bool
	ctx, cancel := context.WithCancel(t.Context())
	a.echo.GET("/x", func(c echo.Context) error {
		cancel()
		err := c.Request().Context().Err()
		c.Echo().HTTPErrorHandler(err, c)
		left = httpx.Of(c).Left()
		return nil
	})
	got := a.do("GET", "/x", "", func(r *http.Request) { *r = *r.WithContext(ctx) })
	assert.True(t, left)
	assert.Empty(t, got.body)
	assert.Empty(t, a.log.String())
}

func TestAPanicIsLoggedWithItsStack(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.echo.GET("/x", func(echo.Context) error {
		return &httpx.PanicError{Value: errors.New("index out of range"), Stack: []byte("goroutine 1")}
	})
	got := a.do("GET", "/x", "")
	require.Equal(t, 500, got.StatusCode)
	assert.NotContains(t, got.body, "index")
	assert.Contains(t, a.log.String(), "goroutine 1")
	assert.Contains(t, a.log.String(), "index out of range")
}
