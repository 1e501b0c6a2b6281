package apptest_test

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
)

// lead is an enquiry of somebody nobody has heard of.
func lead(change object) object {
	name := "n" + uuid.NewString()
	body := object{"comments": name, "contact": object{"full_name": name, "emails": []any{object{"address": name + "@fr.example"}}}}
	maps.Copy(body, change)
	return body
}

// listed is the ids of a list, in order, read page by page.
func listed(t testing.TB, c *apptest.Caller, query string) []string {
	t.Helper()
	ids, cursor := []string{}, ""
	for {
		got := c.Get("/v1/leads?limit=2&" + query + cursor).Is(http.StatusOK)
		for _, l := range got.List("data") {
			one, ok := l.(object)
			require.True(t, ok)
			id, ok := one["id"].(string)
			require.True(t, ok)
			ids = append(ids, id)
		}
		next, more := got.At("next_cursor").(string)
		if !more {
			return ids
		}
		cursor = "&cursor=" + url.QueryEscape(next)
	}
}

// twoDealers are two accounts that know one partner by two codes, and another partner.
type twoDealers struct {
	*apptest.Program
	a, b       *tenant
	oem, other *partner
	grantA     string
	sent       []string // by oem: by code to a, by id to b, as ADF with a's code in it, as ADF with b's code beside it
	fromOther  string
	dealersOwn string
}

func newTwoDealers(t *testing.T) *twoDealers {
	t.Helper()
	p := apptest.New(t)
	dealer := func() *tenant {
		a := &tenant{Account: p.Account(t), names: names{}}
		a.names["dealership"] = a.Dealership
		return a
	}
	d := &twoDealers{Program: p, a: dealer(), b: dealer(), oem: newPartner(t, p, "Exemple OEM"), other: newPartner(t, p, "Autre OEM")}
	d.grantA = d.a.grant(d.oem, d.a.Dealership, "FR-1")
	d.b.grant(d.oem, d.b.Dealership, "FR-2")
	d.a.grant(d.other, d.a.Dealership, "FR-1") // a code is the partner's own: another may use the same
	json := func(c *apptest.Caller, body object) string {
		return c.Post("/v1/leads", lead(body)).Is(http.StatusCreated).Str("id")
	}
	adf := func(path, vendor string) string {
		return names{}.send(t, d.oem.Caller, http.MethodPost, path, document(uuid.NewString(), vendor, uuid.NewString())).Is(http.StatusCreated).Str("leads.0.id")
	}
	d.sent = []string{
		json(d.oem.Caller, object{"dealer_code": "FR-1"}), json(d.oem.Caller, object{"dealership_id": d.b.Dealership}),
		adf("/v1/leads/adf", "FR-1"), adf("/v1/leads/adf?dealer_code=FR-2", "unknown"),
	}
	d.fromOther = json(d.other.Caller, object{"dealer_code": "FR-1"})
	d.dealersOwn = json(d.a.Caller, object{})
	return d
}

func TestPartnerSeesItsOwnLeadsAcrossAccounts(t *testing.T) { //nolint:tparallel // one after another: they share what they call
	t.Parallel()
	d := newTwoDealers(t)
	newestFirst := slices.Clone(d.sent)
	slices.Reverse(newestFirst)
	assert.Equal(t, newestFirst, listed(t, d.oem.Caller, ""))
	assert.Equal(t, d.sent, listed(t, d.oem.Caller, "sort=created_at"))
	assert.Equal(t, []string{d.fromOther}, listed(t, d.other.Caller, ""))
	assert.InDelta(t, 4, d.oem.Get("/v1/leads?count=exact").Is(http.StatusOK).At("total"), 0)

	for i, id := range d.sent {
		got := d.oem.Get("/v1/leads/" + id).Is(http.StatusOK)
		assert.Equal(t, []string{d.a.Dealership, d.b.Dealership}[i%2], got.Str("dealership_id"))
		assert.Equal(t, "Exemple OEM", got.Str("source"))
		d.other.Get("/v1/leads/" + id).Is(http.StatusNotFound)
		[]*tenant{d.a, d.b}[i%2].Get("/v1/leads/" + id).Is(http.StatusOK)
		[]*tenant{d.b, d.a}[i%2].Get("/v1/leads/" + id).Is(http.StatusNotFound)
	}
	for _, id := range []string{d.fromOther, d.dealersOwn} {
		d.oem.Get("/v1/leads/" + id).Is(http.StatusNotFound)
		d.oem.Get("/v1/leads/" + id + "/history").Is(http.StatusNotFound)
	}
	assert.Len(t, d.oem.Get("/v1/me").Is(http.StatusOK).List("grants"), 2)

	t.Run("filters", func(t *testing.T) {
		since := url.QueryEscape(time.Now().Add(-time.Hour).Format(time.RFC3339))
		for query, want := range map[string]int{
			"dealership_id=" + d.a.Dealership: 2, "dealership_id=" + d.a.Dealership + "," + d.b.Dealership: 4, "dealership_id=" + uuid.NewString(): 0,
			"status=new": 4, "status=won": 0, "created_at[gte]=" + since: 4, "created_at[lt]=" + since: 0, "updated_since=" + since: 4,
		} {
			assert.Len(t, listed(t, d.oem.For(t), query), want, query)
		}
		for _, query := range []string{"q=n", "contact_id=" + uuid.NewString(), "assignee_id=none", "source=x", "type=sales", "channel=web", "test=true"} {
			d.oem.For(t).Get("/v1/leads?" + query).Is(http.StatusBadRequest)
		}
		mine := d.oem.Get("/v1/leads?limit=1").Str("next_cursor")
		d.other.For(t).Get("/v1/leads?limit=1&cursor=" + mine).Is(http.StatusBadRequest)
	})
	t.Run("what becomes of a lead", func(t *testing.T) {
		id := d.sent[0]
		d.a.For(t).Post("/v1/leads/"+id+"/status", object{"status": "lost", "reason": "price"}).Is(http.StatusOK)
		got := d.oem.For(t).Get("/v1/leads/" + id).Is(http.StatusOK)
		assert.Equal(t, "lost", got.Str("status"))
		assert.Equal(t, "price", got.Str("status_reason"))
		assert.Equal(t, []string{id}, listed(t, d.oem.For(t), "status=lost"))
		assert.Equal(t, id, listed(t, d.oem.For(t), "sort=-updated_at")[0])
		history := d.oem.For(t).Get("/v1/leads/" + id + "/history").Is(http.StatusOK)
		assert.Equal(t, "lost", history.Str("data.0.to_status"))

		d.b.For(t).JSON(http.MethodDelete, "/v1/leads/"+d.sent[1], nil).Is(http.StatusNoContent)
		d.oem.For(t).Get("/v1/leads/" + d.sent[1]).Is(http.StatusNotFound)
		assert.NotContains(t, listed(t, d.oem.For(t), ""), d.sent[1])
		d.b.For(t).Post("/v1/leads/"+d.sent[1]+"/restore", nil).Is(http.StatusOK)
		d.oem.For(t).Get("/v1/leads/" + d.sent[1]).Is(http.StatusOK)
	})
}

func TestARevokedGrantHidesAtOnce(t *testing.T) {
	t.Parallel()
	d := newTwoDealers(t)
	hidden := func(t *testing.T, gone []string, code string) {
		t.Helper()
		left := slices.DeleteFunc(slices.Clone(d.sent), func(id string) bool { return slices.Contains(gone, id) })
		assert.Equal(t, left, listed(t, d.oem.Caller, "sort=created_at"))
		assert.InDelta(t, len(left), d.oem.Get("/v1/leads?count=exact").At("total"), 0)
		for _, id := range gone {
			d.oem.Get("/v1/leads/" + id).Is(http.StatusNotFound)
		}
		require.Eventually(t, func() bool {
			return d.oem.Post("/v1/leads", lead(object{"dealer_code": code})).Status == http.StatusUnprocessableEntity
		}, revocation, 100*time.Millisecond, "nothing more is taken")
		adf := document(uuid.NewString(), code, uuid.NewString())
		names{}.send(t, d.oem.Caller, http.MethodPost, "/v1/leads/adf", adf).Is(http.StatusUnprocessableEntity)
		for _, id := range gone {
			d.oem.Get("/v1/leads/" + id).Is(http.StatusNotFound)
		}
	}
	d.a.JSON(http.MethodDelete, "/v1/grants/"+d.grantA, nil).Is(http.StatusNoContent)
	hidden(t, []string{d.sent[0], d.sent[2]}, "FR-1")
	assert.Len(t, d.oem.Get("/v1/me").Is(http.StatusOK).List("grants"), 1)
	assert.Equal(t, []string{d.fromOther}, listed(t, d.other.Caller, ""), "another partner's grant under the same code stays")

	_, err := owner(t, d.Program).Exec(t.Context(), "UPDATE grants SET expires_at = now() WHERE account_id = $1", d.b.ID)
	require.NoError(t, err)
	hidden(t, d.sent, "FR-2")
}

func TestPartnersWithTheSameIDsDoNotMeet(t *testing.T) {
	t.Parallel()
	d := newTwoDealers(t)
	const path = "/v1/leads/by-ref/portal/4711"
	enquiry := func(words string) object {
		return object{"dealer_code": "FR-1", "comments": words, "contact": object{"full_name": "Jean Exemple", "emails": []any{object{"address": "jean@fr.example"}}}}
	}
	put := func(c *apptest.Caller, words string) *apptest.Answer {
		return c.JSON(http.MethodPut, path, enquiry(words))
	}
	first := put(d.oem.Caller, "secret of one").Is(http.StatusCreated)
	second := put(d.other.Caller, "secret of two").Is(http.StatusCreated)
	assert.NotEqual(t, first.Str("id"), second.Str("id"))
	assert.NotContains(t, string(second.Body), "secret of one")
	third := d.a.JSON(http.MethodPut, path, object{"comments": "the dealer's", "contact": object{"emails": []any{object{"address": "jean@fr.example"}}}}).Is(http.StatusCreated)
	assert.NotContains(t, []string{first.Str("id"), second.Str("id")}, third.Str("id"))

	assert.Equal(t, first.Str("id"), put(d.oem.Caller, "changed by one").Is(http.StatusOK).Str("id"))
	assert.Equal(t, "secret of two", d.other.Get("/v1/leads/"+second.Str("id")).Is(http.StatusOK).Str("comments"))
	assert.Equal(t, "the dealer's", d.a.Get("/v1/leads/"+third.Str("id")).Is(http.StatusOK).Str("comments"))

	posted := d.other.Post("/v1/leads", lead(object{"dealer_code": "FR-1", "external_refs": []any{object{"source": "portal", "id": "4711"}}}))
	assert.Equal(t, second.Str("id"), posted.Is(http.StatusOK).Str("id"), "its own")
	adf := document("doc-1", "FR-1", "same")
	one := names{}.send(t, d.oem.Caller, http.MethodPost, "/v1/leads/adf", adf, "Idempotency-Key", "same-key").Is(http.StatusCreated)
	two := names{}.send(t, d.other.Caller, http.MethodPost, "/v1/leads/adf", adf, "Idempotency-Key", "same-key").Is(http.StatusCreated)
	assert.NotEqual(t, one.Str("leads.0.id"), two.Str("leads.0.id"))
	assert.NotEqual(t, one.Str("inbox_id"), two.Str("inbox_id"))
}
