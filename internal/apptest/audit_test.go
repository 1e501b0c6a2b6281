package apptest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
)

// acts lists the acts on a resource, oldest first.
func acts(a *apptest.Account, subject string) []string {
	var out []string
	for _, e := range a.Get("/v1/audit-log?sort=created_at&limit=200&subject_id=" + subject).Is(http.StatusOK).List("data") {
		if entry, ok := e.(object); ok {
			out = append(out, entry["act"].(string))
		}
	}
	return out
}

func TestAuditLogTellsWhoDidWhat(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	a := p.Account(t)
	user := a.Post("/v1/users", object{"email": "paul@garage.example", "password": apptest.Password, "first_name": "Paul"}).Is(http.StatusCreated).Str("id")
	a.JSON(http.MethodPatch, "/v1/users/"+user, object{"roles": []any{object{"role": "manager"}}, "email": "paula@garage.example"},
		"X-Request-Id", "audit-test-4711").Is(http.StatusOK)
	a.JSON(http.MethodPatch, "/v1/users/"+user, object{"first_name": "Paul"}).Is(http.StatusOK) // changes nothing
	a.JSON(http.MethodPatch, "/v1/users/"+user, object{"password": "another long password"}).Is(http.StatusOK)
	a.JSON(http.MethodPatch, "/v1/users/"+user, object{"language": "xx-nonsense"}).Is(http.StatusUnprocessableEntity)
	a.JSON(http.MethodDelete, "/v1/users/"+user, nil).Is(http.StatusNoContent)
	assert.Equal(t, []string{"user.created", "user.updated", "user.updated", "user.deleted"}, acts(a, user), "what failed or changed nothing is no act")

	roles := a.Get("/v1/audit-log?act=user.updated&sort=created_at&actor_id=" + a.AdminID.String()).Is(http.StatusOK)
	assert.Equal(t, "audit-test-4711", roles.Str("data.0.request_id"))
	assert.Equal(t, "127.0.0.0/24", roles.Str("data.0.network"))
	assert.Equal(t, "user", roles.Str("data.0.actor_type"))
	assert.NotEqual(t, a.AdminID.String(), roles.Str("data.0.credential_id"), "the session, not the person")
	changes := map[string]object{}
	for _, c := range roles.List("data.0.changes") {
		change, ok := c.(object)
		require.True(t, ok)
		changes[change["field"].(string)] = change
	}
	assert.Equal(t, object{"field": "roles", "before": []any{}, "after": []any{object{"role": "manager", "dealership_id": nil}}, "withheld": false}, changes["roles"])
	assert.Equal(t, object{"field": "email", "before": nil, "after": nil, "withheld": true}, changes["email"])

	key := a.Post("/v1/api-keys", object{"kind": "api_key", "name": "Portail", "scopes": []any{"leads:read", "users:write"}}).Is(http.StatusCreated)
	machine := p.With(t, key.Str("secret"))
	other := machine.Post("/v1/users", object{"email": "by-key@garage.example", "password": apptest.Password}).Is(http.StatusCreated).Str("id")
	byKey := a.Get("/v1/audit-log?subject_id=" + other).Is(http.StatusOK)
	assert.Equal(t, "api_key", byKey.Str("data.0.actor_type"))
	assert.Equal(t, key.Str("id"), byKey.Str("data.0.credential_id"))
	a.JSON(http.MethodPatch, "/v1/account", object{"currency": "CHF"}).Is(http.StatusOK)
	assert.Equal(t, "account.updated", a.Get("/v1/audit-log?limit=1").Str("data.0.act"))
	assert.Equal(t, "EUR", a.Get("/v1/audit-log?limit=1").Str("data.0.changes.0.before"))

	whole := string(a.Get("/v1/audit-log?limit=200").Body)
	for _, secret := range []string{"paul", "Paul", apptest.Password, "another long password", key.Str("secret"), "paula@"} {
		assert.NotContains(t, whole, secret)
	}
	paged := []string{}
	for cursor := ""; ; {
		got := a.Get("/v1/audit-log?limit=2" + cursor).Is(http.StatusOK)
		for i := range got.List("data") {
			paged = append(paged, got.Str("data."+string(rune('0'+i))+".id"))
		}
		if got.At("next_cursor") == nil {
			break
		}
		cursor = "&cursor=" + got.Str("next_cursor")
	}
	assert.Len(t, paged, strings.Count(whole, `"request_id"`))
}

func TestAuditLogOfWebhooksAndCalendars(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	_, a := hooked(t, r)
	made := hook(a, r, object{"event_types": []any{"contact.created"}})
	id := made.Str("id")
	path := "/v1/webhook-endpoints/" + id
	a.JSON(http.MethodPatch, path, object{"url": r.URL + "/other?token=4711", "description": "Two"}).Is(http.StatusOK)
	rotated := a.Post(path+"/rotate-secret", object{}).Is(http.StatusOK)
	contact(a, "One")
	first := r.await(t, 1)[0]
	sent := delivery(t, a, id, first.event.ID, "delivered").Str("id")
	a.Post("/v1/webhook-deliveries/"+sent+"/replay", nil).Is(http.StatusAccepted)
	a.Post(path+"/replay", object{"since": "2020-01-01T00:00:00Z", "states": []any{"failed"}}).Is(http.StatusAccepted)
	r.says(status(http.StatusGone))
	a.Post(path+"/test", nil).Is(http.StatusAccepted)
	apptest.Await(t, "410 disables", func() bool { return a.Get(path).At("enabled") == false })
	a.JSON(http.MethodDelete, path, nil).Is(http.StatusNoContent)
	a.Post(path+"/restore", nil).Is(http.StatusOK)
	assert.Equal(t, []string{
		"webhook_endpoint.created", "webhook_endpoint.updated", "webhook_endpoint.secret_rotated", "webhook_endpoint.replayed", "webhook_endpoint.disabled",
		"webhook_endpoint.deleted", "webhook_endpoint.restored",
	}, acts(a, id))
	assert.Equal(t, []string{"webhook_delivery.replayed"}, acts(a, sent))
	disabled := a.Get("/v1/audit-log?act=webhook_endpoint.disabled").Is(http.StatusOK)
	assert.Equal(t, "system", disabled.Str("data.0.actor_type"))
	replayed := a.Get("/v1/audit-log?act=webhook_endpoint.replayed").Is(http.StatusOK)
	assert.Equal(t, object{"field": "since", "before": nil, "after": "2020-01-01T00:00:00Z", "withheld": false}, replayed.At("data.0.changes.1"))

	opening := hours(a, a.Dealership, nil).Is(http.StatusCreated).Str("id")
	a.JSON(http.MethodPatch, "/v1/opening-hours/"+opening, object{
		"holidays": object{"region": "FR-67"}, "exceptions": []any{object{"date": "2026-12-24", "note": "a note of somebody's"}},
	}).Is(http.StatusOK)
	closed := a.Post("/v1/closures", object{"dealership_id": a.Dealership, "starts": "2026-12-07T12:00", "ends": "2026-12-07T14:00"}).Is(http.StatusCreated).Str("id")
	a.JSON(http.MethodPatch, "/v1/closures/"+closed, object{"ends": "2026-12-07T15:00"}).Is(http.StatusOK)
	a.JSON(http.MethodDelete, "/v1/closures/"+closed, nil).Is(http.StatusNoContent)
	assert.Equal(t, []string{"opening_hours.created", "opening_hours.updated"}, acts(a, opening))
	assert.Equal(t, []string{"closure.created", "closure.updated", "closure.deleted"}, acts(a, closed))
	region := a.Get("/v1/audit-log?act=opening_hours.updated").Is(http.StatusOK)
	assert.Equal(t, []any{
		object{"field": "exceptions", "before": nil, "after": nil, "withheld": true},
		object{
			"field": "holidays", "withheld": false, "before": object{"closed": true, "country": "", "region": "", "open_on": []any{}},
			"after": object{"closed": true, "country": "", "region": "FR-67", "open_on": []any{}},
		},
	}, region.List("data.0.changes"))
	whole := string(a.Get("/v1/audit-log?limit=200").Body)
	for _, secret := range []string{"token=4711", "/hook", made.Str("secret"), rotated.Str("secret"), "a note of somebody's"} {
		assert.NotContains(t, whole, secret)
	}
}

// What is written stays: the server's own role can add to the log and do nothing else.
func TestAuditLogIsAppendOnly(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	a := p.Account(t)
	conn := asServer(t, p)
	for _, sql := range []string{
		"UPDATE audit_log SET act = 'nothing.happened'", "DELETE FROM audit_log", "TRUNCATE audit_log", "SELECT FROM audit_log FOR UPDATE",
		"ALTER TABLE audit_log DISABLE ROW LEVEL SECURITY", "DROP TABLE audit_log",
	} {
		tx, err := conn.Begin(t.Context())
		require.NoError(t, err)
		_, err = tx.Exec(t.Context(), "SELECT set_config('app.account_id', $1, true)", a.ID.String())
		require.NoError(t, err)
		_, err = tx.Exec(t.Context(), sql)
		assertCode(t, err, sql, "42501")
		require.NoError(t, tx.Rollback(t.Context()))
	}
	assert.NotEmpty(t, a.Get("/v1/audit-log").List("data"))
}
