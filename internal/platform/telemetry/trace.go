package telemetry

import (
	"context"
	"fmt"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

func (t *Telemetry) startTracing(ctx context.Context, cfg Config) error {
	t.propagator = propagation.TraceContext{}
	if cfg.OTLPEndpoint == "" {
		return nil
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(cfg.OTLPEndpoint))
	if err != nil {
		return fmt.Errorf("start the trace exporter: %w", err)
	}
	t.trace(cfg, sdktrace.WithBatcher(exporter))
	return nil
}

func (t *Telemetry) trace(cfg Config, to sdktrace.TracerProviderOption) {
	about := resource.NewSchemaless(
		attribute.String("service.name", cfg.Service), attribute.String("service.version", cfg.Version))
	sampler := sdktrace.ParentBased(sdktrace.TraceIDRatioBased(cfg.SampleRatio))
	t.provider = sdktrace.NewTracerProvider(to, sdktrace.WithResource(about), sdktrace.WithSampler(sampler))
	t.tracer = t.provider.Tracer("github.com/rooftop-crm/rooftop")
}

// Tracing tells whether traces are collected.
func (t *Telemetry) Tracing() bool { return t.tracer != nil }

// StartRequest begins the span of a request, as a part of the caller's trace when its traceparent is well formed. The
// span names the route, never the path, which holds ids. end must be called once. Call it only when Tracing.
func (t *Telemetry) StartRequest(ctx context.Context, h http.Header, method, route string) (_ context.Context, end func(status int)) {
	ctx = t.propagator.Extract(ctx, propagation.HeaderCarrier(h))
	ctx, span := t.tracer.Start(ctx, method+" "+route, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("http.request.method", method), attribute.String("http.route", route)))
	return ctx, func(status int) {
		span.SetAttributes(attribute.Int("http.response.status_code", status))
		if status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// TraceParent is the W3C traceparent of the span in ctx; "" when there is none. Background work keeps it to go on with.
func (t *Telemetry) TraceParent(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	t.propagator.Inject(ctx, carrier)
	return carrier.Get("traceparent")
}

// TraceID is the trace that ctx belongs to; "" when there is none.
func TraceID(ctx context.Context) string {
	if sc := trace.SpanContextFromContext(ctx); sc.HasTraceID() {
		return sc.TraceID().String()
	}
	return ""
}

// Close sends what is still to be sent.
func (t *Telemetry) Close(ctx context.Context) error {
	if t.provider == nil {
		return nil
	}
	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("flush traces: %w", err)
	}
	return nil
}
