package api

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/telemetry"
)

const headerRequestID = "X-Request-Id"

var errPath = errs.New(errs.Unreadable, "request.invalid_path", "The path must be valid UTF-8 without the character U+0000.")

// begin opens the exchange: it gives the request its id and its deadline, answers the error that comes back, and then
// counts and logs the answer.
func (s *Server) begin(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := time.Now() //nolint:forbidigo // the monotonic clock, to measure
		r := c.Request()
		id := requestID(r.Header)
		ctx, x := s.edge.Begin(r.Context(), id)
		x.Caller = c
		found := s.routeOf(c)
		if found == nil || !found.stream {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, s.cfg.RequestTimeout)
			defer cancel()
		}
		end := func(int) {}
		if s.deps.Telemetry.Tracing() && found != nil && !found.probe {
			ctx, end = s.deps.Telemetry.StartRequest(ctx, r.Header, r.Method, c.Path())
		}
		c.SetRequest(r.WithContext(ctx))
		c.Response().Header()[headerRequestID] = []string{id}

		s.deps.Telemetry.Begin()
		defer s.deps.Telemetry.End()
		err := readablePath(r)
		if err == nil {
			err = next(c)
		}
		if err != nil {
			s.edge.HandleError(err, c)
		}
		status := c.Response().Status
		if x.Left() {
			status = httpx.StatusLeft
		}
		took := time.Since(start) //nolint:forbidigo // as above
		end(status)
		if found == nil || !found.stream || status != http.StatusOK { // how long a stream was open is no latency
			s.observe(found, status, took)
		}
		if found == nil || !found.probe {
			s.logAccess(ctx, c, x, status, took)
		}
		return nil
	}
}

// readablePath keeps what Postgres refuses as text away from every handler.
func readablePath(r *http.Request) error {
	p := r.URL.Path
	if strings.IndexByte(p, 0) >= 0 || !utf8.ValidString(p) {
		return errPath
	}
	return nil
}

// requestID is the caller's id when it is one that can safely go into headers and logs, else a new one.
func requestID(h http.Header) string {
	if given := h[headerRequestID]; len(given) == 1 && goodRequestID(given[0]) {
		return given[0]
	}
	var raw [16]byte
	binary.NativeEndian.PutUint64(raw[:8], rand.Uint64()) //nolint:gosec // it tells requests apart and guards nothing
	binary.NativeEndian.PutUint64(raw[8:], rand.Uint64()) //nolint:gosec // as above
	return hex.EncodeToString(raw[:])
}

func goodRequestID(id string) bool {
	if len(id) < 8 || len(id) > 128 {
		return false
	}
	for i := range len(id) {
		switch c := id[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}

func (s *Server) observe(found *route, status int, took time.Duration) {
	metrics := s.unmatched
	if found != nil {
		metrics = found.metrics
	}
	metrics.Observe(status, took)
}

// logAccess writes the fields of this list and no others: no path, query, address, name or body.
func (s *Server) logAccess(ctx context.Context, c echo.Context, x *httpx.Exchange, status int, took time.Duration) {
	log := s.deps.AccessLog
	if log == nil || !log.Enabled(ctx, slog.LevelInfo) {
		return
	}
	attrs := make([]slog.Attr, 0, 10)
	attrs = append(
		attrs,
		slog.String("request_id", x.RequestID),
		slog.String("method", method(c.Request().Method)),
		slog.String("route", c.Path()),
		slog.Int("status", status),
		slog.Int64("bytes", c.Response().Size),
		slog.Float64("ms", float64(took.Microseconds())/1000),
	)
	if actor, ok := x.Actor(); ok {
		attrs = append(attrs, slog.String("by", string(actor.Kind)))
		if !actor.Account.IsZero() {
			attrs = append(attrs, slog.String("account", actor.Account.String()))
		}
	}
	if x.Code != "" {
		attrs = append(attrs, slog.String("code", x.Code))
	}
	if trace := telemetry.TraceID(ctx); trace != "" {
		attrs = append(attrs, slog.String("trace_id", trace))
	}
	log.LogAttrs(ctx, slog.LevelInfo, "request", attrs...)
}

// method keeps what a caller invents out of the log.
func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead, http.MethodOptions:
		return m
	}
	return "other"
}

// recoverPanic turns a panic into an error that carries its stack to the log.
func (s *Server) recoverPanic(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if e, ok := v.(error); ok && errors.Is(e, http.ErrAbortHandler) {
				panic(v) // net/http's own way to drop a connection
			}
			err = &httpx.PanicError{Value: v, Stack: debug.Stack()}
		}()
		return next(c)
	}
}
