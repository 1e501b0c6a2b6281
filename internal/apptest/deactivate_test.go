package apptest_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
)

// hire adds a user with one role and returns the id.
func hire(a *apptest.Account, email, role string, dealership any) string {
	return a.Post("/v1/users", object{
		"email": email, "password": apptest.Password, "roles": []any{object{"role": role, "dealership_id": dealership}},
	}).Is(http.StatusCreated).Str("id")
}

// give makes leads at a dealership and assigns them.
func give(t *testing.T, a *apptest.Account, user, dealership string, n int) (ids []string) {
	t.Helper()
	for i := range n {
		id := a.Post("/v1/leads", object{
			"dealership_id": dealership, "contact": object{"full_name": fmt.Sprint("Nomen ", user, i)}, "assignee_id": user,
		}).Is(http.StatusCreated).Str("id")
		ids = append(ids, id)
	}
	return ids
}

func TestDeactivationHandsWorkOver(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	a := p.Account(t)
	second := a.AddDealership("Second")
	leaver := hire(a, "leaver@garage.example", "admin", nil)
	heir := hire(a, "heir@garage.example", "salesperson", second)
	session := p.SignIn(t, "leaver@garage.example")
	key := session.Post("/v1/api-keys", object{"kind": "api_key", "name": "Theirs", "scopes": []any{"leads:read"}}).Is(http.StatusCreated).Str("id")
	atSecond, atFirst := give(t, a, leaver, second, 2), give(t, a, leaver, a.Dealership, 1)
	closed := give(t, a, leaver, second, 1)[0]
	a.Post("/v1/leads/"+closed+"/status", object{"status": "lost", "reason": "price"}).Is(http.StatusOK)

	refused := a.Post("/v1/users/"+leaver+"/deactivate", object{"hand_over_to": leaver})
	assert.Equal(t, "/hand_over_to", refused.Is(http.StatusUnprocessableEntity).Str("errors.0.pointer"))
	session.Get("/v1/me").Is(http.StatusOK) // what was refused has changed nothing
	once := []string{"Idempotency-Key", "deactivate-once"}
	done := a.Post("/v1/users/"+leaver+"/deactivate", object{"hand_over_to": heir}, once...).Is(http.StatusOK)
	assert.Equal(t, string(done.Body), string(a.Post("/v1/users/"+leaver+"/deactivate", object{"hand_over_to": heir}, once...).Body))
	assert.Equal(t, true, done.At("user.disabled"))
	assert.InDelta(t, 3, done.At("leads_handed_over"), 0)
	assert.InDelta(t, 1, done.At("leads_to_pool"), 0, "where the colleague does not work")
	assert.Equal(t, false, done.At("leads_pending"))
	assert.Equal(t, key, done.Str("api_keys.0.id"))
	for _, id := range atSecond {
		assert.Equal(t, heir, a.Get("/v1/leads/"+id).Str("assignee_id"))
	}
	assert.Nil(t, a.Get("/v1/leads/"+atFirst[0]).At("assignee_id"))
	assert.Equal(t, leaver, a.Get("/v1/leads/"+closed).Str("assignee_id"), "what is closed stays theirs")
	entry := a.Get("/v1/leads/" + atSecond[0] + "/history").Is(http.StatusOK)
	assert.Equal(t, "handed_over", entry.Str("data.0.reason"))
	assert.Equal(t, heir, entry.Str("data.0.to_assignee_id"))

	ask(t, p, passwordForm("leaver@garage.example", apptest.Password)).Is(http.StatusBadRequest)
	apptest.Await(t, "the session is over", func() bool { return session.Get("/v1/me").Status == http.StatusUnauthorized })
	assert.Equal(t, []string{"user.created", "user.deactivated"}, acts(a, leaver))
	a.Post("/v1/users/"+leaver+"/reactivate", nil).Is(http.StatusOK)
	ask(t, p, passwordForm("leaver@garage.example", apptest.Password)).Is(http.StatusOK)

	a.Post("/v1/users/"+leaver+"/deactivate", object{}).Is(http.StatusOK)
	assert.Equal(t, "user.last_admin", a.Post("/v1/users/"+a.AdminID.String()+"/deactivate", object{}).Is(http.StatusConflict).Code())
}

// More leads than one transaction takes are finished by a job, also when the one who was to get them leaves meanwhile.
func TestDeactivationFinishesWhatIsMuch(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	a := p.Account(t)
	const many = 160 // more than the request takes and one part of the job
	leaver, heir := hire(a, "much@garage.example", "agent", nil), hire(a, "heir@garage.example", "agent", nil)
	give(t, a, leaver, a.Dealership, 1)
	_, err := owner(t, p).Exec(t.Context(), `INSERT INTO leads SELECT (jsonb_populate_record(l, jsonb_build_object('id', gen_random_uuid()))).* FROM leads l, generate_series(2, $1)`, many)
	require.NoError(t, err)
	done := a.Post("/v1/users/"+leaver+"/deactivate", object{"hand_over_to": heir}).Is(http.StatusOK)
	assert.InDelta(t, 100, done.At("leads_handed_over"), 0)
	assert.Equal(t, true, done.At("leads_pending"))
	apptest.Await(t, "nothing is left", func() bool {
		return len(a.Get("/v1/leads?limit=1&assignee_id="+leaver).Is(http.StatusOK).List("data")) == 0
	})
	got := a.Get("/v1/leads?limit=1&count=exact&assignee_id=" + heir).Is(http.StatusOK)
	assert.InDelta(t, many, got.At("total"), 0)
}
