package apptest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rooftop-crm/rooftop/internal/apptest"
)

// An operator sees what waits, and that it fails.
func TestMetricsTellWhatWaits(t *testing.T) {
	t.Parallel()
	a := apptest.New(t).Account(t)
	scrape := func() string {
		got := a.Try(http.MethodGet, "/metrics", nil)
		assert.Equal(t, http.StatusOK, got.Status)
		return string(got.Body)
	}
	first := scrape()
	for _, name := range []string{"rooftop_jobs_waiting", "rooftop_jobs_oldest_seconds", "rooftop_jobs_failing", "rooftop_work_overdue_seconds"} {
		assert.Regexp(t, "(?m)^"+name+" [0-9.e+-]+$", first)
	}
	a.Post("/v1/files/fetch", object{"url": "http://" + apptest.Unreachable + "/photo.png"}).Is(http.StatusAccepted)
	apptest.Await(t, "the job waits for its next try", func() bool { return strings.Contains(scrape(), "\nrooftop_jobs_failing 1\n") })
}
