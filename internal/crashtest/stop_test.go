package crashtest

import (
	"net"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
)

// TestStopLetsRequestsFinish stops a server that has requests under way.
func TestStopLetsRequestsFinish(t *testing.T) {
	t.Parallel()
	_, ownerURL := dbtest.URLs(t)
	s := on(t, ownerURL)
	p := start(t, s)
	a := newAccount(t, s, p.URL)
	conn := owner(t, ownerURL)
	requests := []request{jsonRequest(0), jsonRequest(1), adfRequest(30), batchRequest(60)}

	release := hold(t, ownerURL)
	var answers []<-chan *apptest.Answer
	for i, r := range requests {
		_, answered := underWay(t, conn, a.Caller, r, i+1)
		answers = append(answers, answered)
	}
	p.terminate(t)
	at, err := url.Parse(p.URL)
	require.NoError(t, err)
	apptest.Await(t, "new connections are refused", func() bool {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", at.Host)
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
	release()
	for i, answered := range answers {
		answer := <-answered
		require.NotNil(t, answer, "request %d was cut off", i)
		out := requests[i].read(answer)
		assert.True(t, out.known, "%d %s", answer.Status, answer.Body)
		assert.NotEqual(t, http.StatusServiceUnavailable, answer.Status)
	}
	p.ends(t)
	assert.Equal(t, 3+batchSize, ask[int](t, conn, "SELECT count(*) FROM leads"))
	apptest.Await(t, "no connection is left", func() bool {
		return ask[int](t, conn, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename LIKE 'rooftop_server%'") == 0
	})
}
