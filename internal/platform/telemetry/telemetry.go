// Package telemetry is what operators see of a running process: Prometheus metrics, and OpenTelemetry traces where a
// collector is configured. It owns the metric names. What is measured is told to it; it looks at nothing by itself but the
// Go runtime.
package telemetry

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Config says where traces go.
type Config struct {
	// OTLPEndpoint is the URL of a collector that takes OTLP over HTTP, such as http://localhost:4318. Empty: no traces.
	OTLPEndpoint string
	// SampleRatio is the share of traces that begin here and are kept, 0 to 1. A caller's own choice, in traceparent, stands.
	SampleRatio float64
	// Service and Version name this program in traces and in the build metric.
	Service string
	Version string
}

// Validate tells what is wrong with the configuration.
func (c Config) Validate() error {
	if c.SampleRatio < 0 || c.SampleRatio > 1 {
		return errors.New("telemetry: the sample ratio must be from 0 to 1")
	}
	if c.OTLPEndpoint != "" && !strings.HasPrefix(c.OTLPEndpoint, "http://") && !strings.HasPrefix(c.OTLPEndpoint, "https://") {
		return errors.New("telemetry: the OTLP endpoint must be an http or https URL, such as http://localhost:4318")
	}
	return nil
}

// Telemetry holds this process's metrics and its tracer.
type Telemetry struct {
	registry *prometheus.Registry
	duration *prometheus.HistogramVec
	inFlight prometheus.Gauge
	limited  *prometheus.CounterVec

	provider   *sdktrace.TracerProvider
	tracer     trace.Tracer
	propagator propagation.TextMapPropagator
}

// New starts collecting. Close flushes the traces.
func New(ctx context.Context, cfg Config) (*Telemetry, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	t := &Telemetry{
		registry: prometheus.NewRegistry(),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "rooftop_http_request_duration_seconds",
			Help:    "How long requests took, by route, method and class of status.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"method", "route", "status"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "rooftop_http_requests_in_flight", Help: "Requests being answered now.",
		}),
		limited: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rooftop_http_rate_limited_total", Help: "Requests refused for their rate, by what was counted.",
		}, []string{"by"}),
	}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "rooftop_build_info", Help: "Always 1; the labels say which build runs.",
	}, []string{"version", "go_version"})
	build.WithLabelValues(cfg.Version, runtime.Version()).Set(1)
	t.registry.MustRegister(t.duration, t.inFlight, t.limited, build, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if err := t.startTracing(ctx, cfg); err != nil {
		return nil, err
	}
	return t, nil
}

// Handler answers a scrape.
func (t *Telemetry) Handler() http.Handler {
	return promhttp.HandlerFor(t.registry, promhttp.HandlerOpts{})
}

// Begin and End count a request that is being answered.
func (t *Telemetry) Begin() { t.inFlight.Inc() }

// End is Begin's counterpart.
func (t *Telemetry) End() { t.inFlight.Dec() }

// RateLimited counts a refusal; by is "credential" or "address".
func (t *Telemetry) RateLimited(by string) { t.limited.WithLabelValues(by).Inc() }

// Route is the metrics of one route, looked up once.
type Route struct {
	classes [6]prometheus.Observer // by the first digit of the status
}

// Route prepares the metrics of a route. The template, not the path of a request: labels must stay few.
func (t *Telemetry) Route(method, template string) *Route {
	r := &Route{}
	for i, class := range []string{"none", "1xx", "2xx", "3xx", "4xx", "5xx"} {
		r.classes[i] = t.duration.WithLabelValues(method, template, class)
	}
	return r
}

// Observe records an answer. A status outside 100 to 599 counts as none.
func (r *Route) Observe(status int, took time.Duration) {
	class := status / 100
	if class < 0 || class >= len(r.classes) {
		class = 0
	}
	r.classes[class].Observe(took.Seconds())
}

// Pool is the state of a pool of database connections.
type Pool struct {
	Max, Total, Idle, InUse int
	Waits                   int64         // times that a caller had to wait for a connection, since the start
	WaitTime                time.Duration // and for how long, together
}

// WatchPool shows a pool's state at every scrape.
func (t *Telemetry) WatchPool(read func() Pool) {
	gauge := func(name, help string, value func(Pool) float64) {
		t.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help},
			func() float64 { return value(read()) }))
	}
	counter := func(name, help string, value func(Pool) float64) {
		t.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help},
			func() float64 { return value(read()) }))
	}
	gauge("rooftop_db_connections_max", "The most connections the pool may have.", func(p Pool) float64 { return float64(p.Max) })
	gauge("rooftop_db_connections", "Connections the pool has.", func(p Pool) float64 { return float64(p.Total) })
	gauge("rooftop_db_connections_idle", "Connections nobody uses now.", func(p Pool) float64 { return float64(p.Idle) })
	gauge("rooftop_db_connections_in_use", "Connections in use now.", func(p Pool) float64 { return float64(p.InUse) })
	counter("rooftop_db_waits_total", "Times a caller waited for a connection.", func(p Pool) float64 { return float64(p.Waits) })
	counter("rooftop_db_wait_seconds_total", "How long callers waited for connections.", func(p Pool) float64 { return p.WaitTime.Seconds() })
}

// Gauge shows a number of somebody else's at every scrape. The name is prefixed with rooftop_.
func (t *Telemetry) Gauge(name, help string, read func() float64) {
	t.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "rooftop_" + name, Help: help}, read))
}
