package crashtest

import (
	"net/http"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
	"github.com/rooftop-crm/rooftop/internal/platform/migrate"
)

const many = 10

var migrated = regexp.MustCompile(`msg=migrated file=("[^"]+"|\S+)`)

// TestManyStartAtOnce starts processes together where there is nothing yet.
func TestManyStartAtOnce(t *testing.T) {
	t.Parallel()
	t.Run("on an empty database", func(t *testing.T) {
		t.Parallel()
		ownerURL := dbtest.Empty(t)
		s := on(t, ownerURL).with(settings{"ROOFTOP_DATABASE_MAX_CONNS": "4"})
		all := startMany(t, s, ownerURL)
		for _, p := range all {
			p.terminate(t)
		}
		for _, p := range all {
			p.ends(t)
		}
	})
	t.Run("with a private Postgres", func(t *testing.T) {
		t.Parallel()
		c, s := newCluster(t)
		delete(s, "ROOFTOP_MASTER_KEY") // which one of them makes
		all := startMany(t, s.with(settings{"ROOFTOP_DATABASE_MAX_CONNS": "4"}), "")
		postmaster := c.postmaster()
		require.NotZero(t, postmaster)
		for _, p := range all[1:] {
			p.stop(t)
		}
		assert.Equal(t, postmaster, c.postmaster(), "Postgres runs as long as anybody uses it")
		assert.Equal(t, http.StatusOK, statusOf(all[0].URL+"/readyz"))
		all[0].stop(t)
		assert.Zero(t, c.postmaster(), "the last one stops it")
	})
}

// startMany starts them and sees that each serves.
func startMany(t *testing.T, s settings, ownerURL string) []*process {
	t.Helper()
	all := make([]*process, many)
	for i := range all {
		all[i] = launch(t, s)
	}
	files := map[string]int{}
	for _, p := range all {
		p.awaitReady(t)
		for _, m := range migrated.FindAllStringSubmatch(p.log.text(), -1) {
			files[m[1]]++
		}
	}
	assert.NotEmpty(t, files)
	for file, times := range files {
		assert.Equal(t, 1, times, "%s was migrated more than once", file)
	}
	if ownerURL != "" {
		states, err := migrate.Status(t.Context(), ownerURL)
		require.NoError(t, err)
		assert.Len(t, files, len(states))
	}
	a := newAccount(t, s, all[0].URL)
	for i, p := range all {
		here, next := p.program().With(t, a.Credential), all[(i+1)%many].program().With(t, a.Credential)
		lead := here.Post("/v1/leads", enquiry(i)).Is(http.StatusCreated).Str("id")
		assert.Equal(t, wordsOf(i), next.Get("/v1/leads/"+lead).Is(http.StatusOK).Str("comments"))
	}
	return all
}
