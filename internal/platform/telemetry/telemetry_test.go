package telemetry_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/platform/telemetry"
)

func scrape(t *testing.T, tel *telemetry.Telemetry) string {
	t.Helper()
	rec := httptest.NewRecorder()
	tel.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	require.Equal(t, http.StatusOK, rec.Code)
	return rec.Body.String()
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	tel, err := telemetry.New(t.Context(), telemetry.Config{Version: "1.2.3"})
	require.NoError(t, err)
	route := tel.Route("GET", "/v1/leads/:id")
	route.Observe(200, 3*time.Millisecond)
	route.Observe(201, time.Second)
	route.Observe(499, time.Second)
	route.Observe(0, time.Second)
	tel.Begin()
	tel.RateLimited("address")
	tel.WatchPool(func() telemetry.Pool {
		return telemetry.Pool{Max: 16, Total: 5, Idle: 3, InUse: 2, Waits: 7, WaitTime: 1500 * time.Millisecond}
	})
	tel.Gauge("inbox_waiting", "Documents that wait.", func() float64 { return 4 })

	got := scrape(t, tel)
	for _, line := range []string{
		`rooftop_http_request_duration_seconds_count{method="GET",route="/v1/leads/:id",status="2xx"} 2`,
		`rooftop_http_request_duration_seconds_bucket{method="GET",route="/v1/leads/:id",status="2xx",le="0.005"} 1`,
		`rooftop_http_request_duration_seconds_count{method="GET",route="/v1/leads/:id",status="4xx"} 1`,
		`rooftop_http_request_duration_seconds_count{method="GET",route="/v1/leads/:id",status="none"} 1`,
		`rooftop_http_requests_in_flight 1`,
		`rooftop_http_rate_limited_total{by="address"} 1`,
		`rooftop_db_connections_max 16`, `rooftop_db_connections 5`, `rooftop_db_connections_idle 3`, `rooftop_db_connections_in_use 2`,
		`rooftop_db_waits_total 7`, `rooftop_db_wait_seconds_total 1.5`, `rooftop_inbox_waiting 4`,
		`version="1.2.3"`, `go_goroutines`,
	} {
		assert.Contains(t, got, line)
	}
	tel.End()
	assert.Contains(t, scrape(t, tel), "rooftop_http_requests_in_flight 0")
	assert.False(t, tel.Tracing())
	require.NoError(t, tel.Close(t.Context()))
}

func TestTracesReachTheCollector(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var got []byte
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		got = append(got, body...)
		w.WriteHeader(http.StatusOK)
	}))
	defer collector.Close()
	tel, err := telemetry.New(t.Context(), telemetry.Config{OTLPEndpoint: collector.URL, SampleRatio: 1, Service: "rooftop", Version: "1"})
	require.NoError(t, err)
	require.True(t, tel.Tracing())

	h := http.Header{"Traceparent": {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}}
	ctx, end := tel.StartRequest(t.Context(), h, "GET", "/v1/leads/:id")
	assert.Equal(t, "0af7651916cd43dd8448eb211c80319c", telemetry.TraceID(ctx))
	assert.True(t, strings.HasPrefix(tel.TraceParent(ctx), "00-0af7651916cd43dd8448eb211c80319c-"))
	end(500)

	ctx, end = tel.StartRequest(t.Context(), http.Header{"Traceparent": {"nonsense"}}, "GET", "/v1/leads")
	assert.Len(t, telemetry.TraceID(ctx), 32, "a malformed parent begins a new trace")
	end(200)

	require.NoError(t, tel.Close(t.Context()))
	mu.Lock()
	defer mu.Unlock()
	assert.True(t, bytes.Contains(got, []byte("GET /v1/leads/:id")))
	assert.Empty(t, telemetry.TraceID(t.Context()))
}

func TestConfigNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	require.NoError(t, telemetry.Config{}.Validate())
	require.ErrorContains(t, telemetry.Config{SampleRatio: 2}.Validate(), "ratio")
	require.ErrorContains(t, telemetry.Config{OTLPEndpoint: "localhost:4318"}.Validate(), "URL")
	_, err := telemetry.New(t.Context(), telemetry.Config{OTLPEndpoint: "localhost:4318"})
	require.Error(t, err)
}

// sink tells when something was written to it.
type sink struct{ wrote chan string }

func (s sink) Write(p []byte) (int, error) {
	s.wrote <- string(p)
	return len(p), nil
}

func TestLogLinesComeOutTogetherAndSoon(t *testing.T) {
	t.Parallel()
	s := sink{make(chan string, 1)}
	w := telemetry.NewLogWriter(s)
	_, _ = w.Write([]byte("a\n"))
	_, _ = w.Write([]byte("b\n"))
	select {
	case got := <-s.wrote:
		assert.Equal(t, "a\nb\n", got)
	case <-time.After(10 * time.Second):
		t.Fatal("nothing came out")
	}
	_, _ = w.Write([]byte("c\n"))
	require.NoError(t, w.Flush())
	assert.Equal(t, "c\n", <-s.wrote)
}
