package crashtest

import (
	"testing"

	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
)

func TestKillServerDuringIntake(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		make func(n int) request
	}{{"JSON", jsonRequest}, {"ADF", adfRequest}, {"batches", batchRequest}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, ownerURL := dbtest.URLs(t)
			s := on(t, ownerURL)
			p := start(t, s)
			a := newAccount(t, s, p.URL)
			w := newWave(t, tt.make, p.URL, a.Credential)
			for range kills(t) {
				w.awaitAcks(2 * clients)
				p.kill()
				p = start(t, s)
				w.url.Store(&p.URL)
			}
			w.awaitAcks(2 * clients)
			w.stop()
			w.holds(t, owner(t, ownerURL))
		})
	}
}
