package api

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/platform/ratelimit"
	"github.com/rooftop-crm/rooftop/internal/platform/telemetry"
)

// The server's own patience with a connection. RequestTimeout ends a handler before writeTimeout ends the connection.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = 60 * time.Second
	idleTimeout       = 120 * time.Second
	maxHeaderBytes    = 32 << 10
)

// Server is the echo server with its middleware. Register routes on V1, and those that need no credential in Public.
type Server struct {
	Echo *echo.Echo
	V1   *echo.Group

	cfg       Config
	deps      Deps
	edge      *httpx.Edge
	addresses *ratelimit.Local
	routes    map[string]map[string]*route // method, then path template
	unmatched *telemetry.Route
	ends      []func()
	opening   bool // routes that are registered now are public
}

// route is what the middleware knows about a registered route.
type route struct {
	public  bool
	batch   bool
	stream  bool // stays open: it has no deadline, and its writes have their own
	probe   bool // health and metrics: no access log, no limit by address
	metrics *telemetry.Route
}

// New builds the server. It listens nowhere yet; see HTTPServer.
func New(cfg Config, deps Deps) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Auth == nil || deps.Telemetry == nil || deps.Ready == nil || deps.Now == nil {
		return nil, errors.New("api: Auth, Telemetry, Ready and Now are needed")
	}
	if deps.Log == nil {
		deps.Log = slog.Default()
	}
	cfg = cfg.withDefaults()
	edge, err := httpx.New(httpx.Config{
		CursorKeys: cfg.CursorKeys, MaxJSON: cfg.MaxJSON, MaxBatch: cfg.MaxBatch, MaxDocument: cfg.MaxDocument, Log: deps.Log,
	})
	if err != nil {
		return nil, err
	}
	s := &Server{
		Echo: echo.New(), cfg: cfg, deps: deps, edge: edge,
		addresses: ratelimit.NewLocal(cfg.AnonymousPerMinute, deps.Now),
		routes:    map[string]map[string]*route{},
		unmatched: deps.Telemetry.Route("other", "unmatched"),
	}
	s.configure()
	s.V1 = s.Echo.Group("/v1")
	s.Public(func(e *echo.Echo, _ *echo.Group) {
		s.probes(e)
		if deps.Docs != nil {
			deps.Docs(e)
		}
	})
	return s, nil
}

func (s *Server) configure() {
	e := s.Echo
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = s.edge.HandleError
	e.JSONSerializer = httpx.Serializer{}
	e.IPExtractor = s.ipExtractor()
	e.OnAddRouteHandler = s.added
	e.Use(
		s.begin,        // request id, deadline, answer to errors, trace, metrics, access log
		s.recoverPanic, // inside, so that a panic is answered, counted and logged as any error is
		s.secure,
		s.allowHead,
		s.cors,
		s.limitBody,
		s.authenticate,
		s.limitRate,
	)
}

// Public registers routes that need no credential. Every route that is registered elsewhere needs one.
func (s *Server) Public(register func(e *echo.Echo, v1 *echo.Group)) {
	s.opening = true
	defer func() { s.opening = false }()
	register(s.Echo, s.V1)
}

// added notes a route as echo registers it.
func (s *Server) added(_ string, r echo.Route, _ echo.HandlerFunc, _ []echo.MiddlewareFunc) {
	if s.routes[r.Method] == nil {
		s.routes[r.Method] = map[string]*route{}
	}
	s.routes[r.Method][r.Path] = &route{
		public: s.opening, batch: strings.HasSuffix(r.Path, "/batch"), stream: strings.HasSuffix(r.Path, "/stream"), probe: isProbe(r.Path),
		metrics: s.deps.Telemetry.Route(r.Method, r.Path),
	}
}

// routeOf is the route that echo found; nil for 404 and 405.
func (s *Server) routeOf(c echo.Context) *route { return s.routes[c.Request().Method][c.Path()] }

// ipExtractor believes X-Forwarded-For from the proxies that are configured, and from nobody else: not even from private
// networks, where the callers may be.
func (s *Server) ipExtractor() echo.IPExtractor {
	if len(s.cfg.TrustedProxies) == 0 {
		return echo.ExtractIPDirect()
	}
	trust := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range s.cfg.TrustedProxies {
		p = p.Masked()
		trust = append(trust, echo.TrustIPRange(&net.IPNet{
			IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen()),
		}))
	}
	return echo.ExtractIPFromXFFHeader(trust...)
}

// OnShutdown registers what ends long answers when the server is to stop, so that it need not wait for them.
func (s *Server) OnShutdown(end func()) { s.ends = append(s.ends, end) }

// HTTPServer is the server for a listener of the caller's.
func (s *Server) HTTPServer() *http.Server {
	server := &http.Server{
		Handler:           withHead(s.Echo),
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.deps.Log.Handler(), slog.LevelDebug),
	}
	for _, end := range s.ends {
		server.RegisterOnShutdown(end)
	}
	return server
}
