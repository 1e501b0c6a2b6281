package apptest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
)

// group is an account with two dealerships, whose first one is the default.
type group struct {
	*tenant
	p             *apptest.Program
	first, second string
}

func newGroup(t *testing.T) *group {
	t.Helper()
	p := apptest.New(t)
	a := &tenant{Account: p.Account(t), names: names{}}
	return &group{tenant: a, p: p, first: a.Dealership, second: a.AddDealership("Second")}
}

// hire signs in a user with one role, at a dealership or, with "", for the whole account.
func (g *group) hire(t *testing.T, role, dealership string) (*apptest.Caller, string) {
	t.Helper()
	email := role + "-" + uuid.NewString()[:8] + "@fr.example"
	in := object{"role": role}
	if dealership != "" {
		in["dealership_id"] = dealership
	}
	id := g.Post("/v1/users", object{"email": email, "password": apptest.Password, "roles": []any{in}}).Is(http.StatusCreated).Str("id")
	return g.p.SignIn(t, email), id
}

func (g *group) lead(change object) string {
	return g.Post("/v1/leads", lead(change)).Is(http.StatusCreated).Str("id")
}

// unseen requires that a caller finds a lead in no way, and cannot change it.
func unseen(t *testing.T, c *apptest.Caller, id, words string) {
	t.Helper()
	for _, path := range []string{"/v1/leads/" + id, "/v1/leads/" + id + "/history", "/v1/leads/" + id + "?include=contact"} {
		c.Get(path).Is(http.StatusNotFound)
	}
	c.Get("/v1/leads/"+id, "Accept", "application/x-adf+xml").Is(http.StatusNotFound)
	assert.NotContains(t, listed(t, c, ""), id)
	assert.NotContains(t, listed(t, c, "q="+words), id)
	c.JSON(http.MethodPatch, "/v1/leads/"+id, object{"comments": "mine"}).Is(http.StatusNotFound)
	c.JSON(http.MethodDelete, "/v1/leads/"+id, nil).Is(http.StatusNotFound)
	c.Post("/v1/leads/"+id+"/status", object{"status": "in_contact"}).Is(http.StatusNotFound)
	c.Post("/v1/leads/"+id+"/assign", object{"assignee_id": nil}).Is(http.StatusNotFound)
	c.Post("/v1/leads/"+id+"/viewed", nil).Is(http.StatusNotFound)
	c.Post("/v1/leads/"+id+"/restore", nil).Is(http.StatusNotFound)
}

func TestSalespeopleSeeTheirOwnLeadsAndThoseOfNobody(t *testing.T) { //nolint:tparallel // one after another: they share what they call
	t.Parallel()
	g := newGroup(t)
	me, myID := g.hire(t, "salesperson", g.first)
	_, theirID := g.hire(t, "salesperson", g.first)
	person := object{"full_name": "Jean Exemple", "emails": []any{object{"address": "jean@fr.example"}}}
	mine := g.lead(object{"dealership_id": g.first, "assignee_id": myID})
	free := g.lead(object{"dealership_id": g.first})
	theirs := g.lead(object{
		"dealership_id": g.first, "assignee_id": theirID, "comments": "secretword", "contact": person, "source": "portal",
		"external_refs": []any{object{"source": "crm", "id": "1"}}, "vehicles_of_interest": []any{object{"make": "Secretmake"}},
	})
	unseen(t, me, theirs, "secretmake")
	assert.Equal(t, []string{free, mine}, listed(t, me, ""))
	assert.Equal(t, []string{free, mine}, listed(t, me, "dealership_id="+g.first))
	assert.Equal(t, []string{mine}, listed(t, me, "assignee_id="+myID))
	assert.Equal(t, []string{free}, listed(t, me, "assignee_id=none"))
	assert.Empty(t, listed(t, me, "assignee_id="+theirID))
	assert.Equal(t, []string{free}, listed(t, me, "assignee_id=none,"+theirID))
	for _, query := range []string{"", "q=n&", "assignee_id=" + myID + ",none&"} {
		assert.InDelta(t, 2, me.Get("/v1/leads?"+query+"count=exact").Is(http.StatusOK).At("total"), 0, query)
	}
	me.Get("/v1/leads/changes").Is(http.StatusForbidden)

	t.Run("a colleague's lead is not shown to who adds to it", func(t *testing.T) {
		again := me.For(t).Post("/v1/leads", object{"dealership_id": g.first, "source": "portal", "contact": person, "comments": "and the price?"})
		assert.Less(t, again.Status, 300)
		assert.NotContains(t, string(again.Body), "secretword")
		byRef := me.For(t).JSON(http.MethodPut, "/v1/leads/by-ref/crm/1", object{"dealership_id": g.first, "contact": person})
		assert.Equal(t, http.StatusNotFound, byRef.Status, "%s", byRef.Body)
		posted := me.For(t).Post("/v1/leads", object{"dealership_id": g.first, "contact": person, "external_refs": []any{object{"source": "crm", "id": "1"}}})
		assert.Equal(t, "lead.ref_taken", posted.Is(http.StatusConflict).Code())
	})
	t.Run("nor by a document", func(t *testing.T) {
		doc := func(id string) string {
			return `<adf><prospect><id source="crm">` + id + `</id><customer><contact><name part="full">Jean Exemple</name><email>jean@fr.example</email></contact>
<comments>as ADF</comments></customer><provider><name>portal</name></provider></prospect></adf>`
		}
		for _, id := range []string{"1", "2"} {
			got := names{}.send(t, me, http.MethodPost, "/v1/leads/adf?dealership_id="+g.first, doc(id))
			assert.Less(t, got.Status, 300, "%s", got.Body)
			assert.NotContains(t, string(got.Body), "secretword")
			assert.NotContains(t, string(got.Body), theirID)
		}
	})
	t.Run("a lead that is given away is gone", func(t *testing.T) {
		me.For(t).Post("/v1/leads/"+mine+"/assign", object{"assignee_id": theirID}).Is(http.StatusOK)
		me.For(t).Get("/v1/leads/" + mine).Is(http.StatusNotFound)
	})
}

func TestWhoIsLimitedToADealershipSeesNoOther(t *testing.T) { //nolint:tparallel // one after another: they share what they call
	t.Parallel()
	g := newGroup(t)
	here := g.lead(object{"dealership_id": g.first})
	there := g.lead(object{
		"dealership_id": g.second, "vehicles_of_interest": []any{object{"make": "Secretmake"}}, "external_refs": []any{object{"source": "crm", "id": "1"}},
	})
	g.JSON(http.MethodPatch, "/v1/dealerships/"+g.second, object{"codes": []any{object{"scheme": "oem", "code": "SECOND"}}}).Is(http.StatusOK)
	inboxThere := g.send(t, g.Caller, http.MethodPost, "/v1/leads/adf?dealership_id="+g.second, document("1", "x", "there")).Is(http.StatusCreated).Str("inbox_id")
	inboxNowhere := g.send(t, g.Caller, http.MethodPost, "/v1/leads/adf", document("2", "SECOND", "nowhere")).Is(http.StatusCreated).Str("inbox_id")
	key := g.Post("/v1/api-keys", object{
		"kind": "api_key", "name": "First", "dealership_ids": []any{g.first},
		"scopes": []any{"leads:read", "leads:write", "leads:create", "inbox:read", "inbox:write", "contacts:read", "dealerships:read", "dealerships:write", "users:read", "grants:read"},
	}).Is(http.StatusCreated).Str("secret")
	admin, _ := g.hire(t, "admin", g.first)
	manager, _ := g.hire(t, "manager", g.first)
	for name, c := range map[string]*apptest.Caller{"admin": admin, "manager": manager, "API key": g.p.With(t, key)} {
		t.Run(name, func(t *testing.T) {
			c := c.For(t)
			unseen(t, c, there, "secretmake")
			assert.Equal(t, []string{here}, listed(t, c, ""))
			assert.Empty(t, listed(t, c, "dealership_id="+g.second))
			assert.InDelta(t, 1, c.Get("/v1/leads?count=exact").At("total"), 0)
			c.Get("/v1/leads/changes").Is(http.StatusForbidden)

			c.Post("/v1/leads", lead(object{"dealership_id": g.second})).Is(http.StatusForbidden)
			c.Post("/v1/leads", lead(object{"dealer_code": "SECOND"})).Is(http.StatusForbidden)
			taken := c.Post("/v1/leads", lead(object{"dealership_id": g.first, "external_refs": []any{object{"source": "crm", "id": "1"}}}))
			assert.Equal(t, "lead.ref_taken", taken.Is(http.StatusConflict).Code())
			c.JSON(http.MethodPut, "/v1/leads/by-ref/crm/1", lead(object{"dealership_id": g.first})).Is(http.StatusNotFound)
			c.JSON(http.MethodPatch, "/v1/leads/"+here, object{"dealership_id": g.second}).Is(http.StatusForbidden)
			names{}.send(t, c, http.MethodPost, "/v1/leads/adf?dealership_id="+g.second, document("3", "x", "n")).Is(http.StatusForbidden)
			adf := names{}.send(t, c, http.MethodPost, "/v1/leads/adf", document(uuid.NewString(), "SECOND", uuid.NewString())).Is(http.StatusCreated)
			assert.Equal(t, g.first, adf.Str("leads.0.dealership_id"), "the document does not widen what its sender may")
			c.JSON(http.MethodDelete, "/v1/leads/"+adf.Str("leads.0.id"), nil).Is(http.StatusNoContent)
			known := names{}.send(t, c, http.MethodPost, "/v1/leads/adf", `<adf><prospect><id source="crm">1</id><customer><contact><name part="full">`+name+
				` Exemple</name><email>`+uuid.NewString()+`@fr.example</email></contact></customer></prospect></adf>`).Is(http.StatusCreated)
			assert.Equal(t, g.first, known.Str("leads.0.dealership_id"))
			c.JSON(http.MethodDelete, "/v1/leads/"+known.Str("leads.0.id"), nil).Is(http.StatusNoContent)

			c.Get("/v1/inbox").Is(http.StatusForbidden)
			for _, id := range []string{inboxThere, inboxNowhere} {
				c.Get("/v1/inbox/" + id).Is(http.StatusNotFound)
				c.Get("/v1/inbox/" + id + "/raw").Is(http.StatusNotFound)
				c.Post("/v1/inbox/"+id+"/replay", nil).Is(http.StatusNotFound)
			}
			c.Get("/v1/inbox/" + adf.Str("inbox_id")).Is(http.StatusOK)

			c.Get("/v1/dealerships/" + g.second).Is(http.StatusNotFound)
			assert.Len(t, c.Get("/v1/dealerships").List("data"), 1)
			assert.Len(t, c.Get("/v1/dealerships/changes").List("data"), 1)
		})
	}
	t.Run("what concerns the whole account is refused", func(t *testing.T) {
		c := admin.For(t)
		c.JSON(http.MethodPatch, "/v1/dealerships/"+g.second, object{"name": "Taken"}).Is(http.StatusNotFound)
		for _, got := range []*apptest.Answer{
			c.JSON(http.MethodPatch, "/v1/account", object{"name": "Taken"}),
			c.Post("/v1/dealerships", object{"name": "Third"}),
			c.JSON(http.MethodPatch, "/v1/dealerships/"+g.first, object{"is_default": true}),
			c.JSON(http.MethodDelete, "/v1/dealerships/"+g.first, nil),
			c.Post("/v1/users", object{"email": "x@fr.example", "password": apptest.Password}),
			c.JSON(http.MethodPatch, "/v1/users/"+g.AdminID.String(), object{"password": "another long password"}),
			c.Post("/v1/api-keys", object{"kind": "api_key", "name": "Wide", "scopes": []any{"leads:read"}}),
			c.Get("/v1/api-keys"),
			c.Post("/v1/grants", object{"partner_code": "x", "dealership_id": g.first, "dealer_code": "x", "scopes": []any{"leads:read"}}),
		} {
			assert.Equal(t, "auth.account_wide", got.Is(http.StatusForbidden).Code())
		}
	})
}

func TestNobodyGivesMoreThanTheyHave(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	key := g.Post("/v1/api-keys", object{
		"kind": "api_key", "name": "Staff", "scopes": []any{"users:write", "users:read", "keys:write", "keys:read", "grants:write", "leads:read"},
	}).Is(http.StatusCreated).Str("secret")
	c, oem := g.p.With(t, key), newPartner(t, g.p, "OEM")
	strong := g.Post("/v1/api-keys", object{"kind": "client", "name": "Strong", "scopes": []any{"account:write"}}).Is(http.StatusCreated).Str("id")
	weak := c.Post("/v1/api-keys", object{"kind": "api_key", "name": "Weak", "scopes": []any{"leads:read"}}).Is(http.StatusCreated).Str("id")
	for what, got := range map[string]*apptest.Answer{
		"a role":                 c.Post("/v1/users", object{"email": "x@fr.example", "password": apptest.Password, "roles": []any{object{"role": "admin"}}}),
		"an administrator's own": c.JSON(http.MethodPatch, "/v1/users/"+g.AdminID.String(), object{"password": "another long password"}),
		"to delete one":          c.JSON(http.MethodDelete, "/v1/users/"+g.AdminID.String(), nil),
		"a key":                  c.Post("/v1/api-keys", object{"kind": "api_key", "name": "x", "scopes": []any{"account:write"}}),
		"a wider key":            c.JSON(http.MethodPatch, "/v1/api-keys/"+weak, object{"scopes": []any{"account:write"}}),
		"a stronger key":         c.Post("/v1/api-keys/"+strong+"/rotate", nil),
		"a grant":                c.Post("/v1/grants", object{"partner_code": oem.Code, "dealership_id": g.first, "dealer_code": "x", "scopes": []any{"leads:create"}}),
	} {
		assert.Equal(t, http.StatusForbidden, got.Status, "%s: %s", what, got.Body)
		assert.Equal(t, "auth.escalation", got.Code(), what)
	}
}

func TestASiteKeyTellsNothing(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	site := g.p.With(t, g.Post("/v1/api-keys", object{
		"kind": "site_key", "name": "Site", "scopes": []any{"leads:create"}, "origins": []any{"https://www.garage.example"},
	}).Is(http.StatusCreated).Str("secret"))
	known := object{"full_name": "Jean Exemple", "emails": []any{object{"address": "jean@fr.example"}}}
	g.Post("/v1/contacts", object{"full_name": "Jean Exemple", "emails": []any{object{"address": "jean@fr.example"}}, "phones": []any{object{"raw": "+33199001234"}}}).Is(http.StatusCreated)
	enquiry := func(who object, kind, words string) object {
		return object{"dealership_id": g.first, "type": kind, "contact": who, "comments": words, "source": "www.garage.example"}
	}
	first := site.Post("/v1/leads", enquiry(known, "sales", "secretword")).Is(http.StatusCreated)
	g.Post("/v1/leads/"+first.Str("id")+"/status", object{"status": "in_contact"}).Is(http.StatusOK)

	between := time.Now()
	joined := site.Post("/v1/leads", enquiry(known, "test_drive", "again")).Is(http.StatusCreated)
	repeated := site.Post("/v1/leads", enquiry(known, "sales", "secretword")).Is(http.StatusCreated)
	fresh := site.Post("/v1/leads", enquiry(object{"full_name": "Nomen Nescio", "emails": []any{object{"address": "n@fr.example"}}}, "test_drive", "again")).Is(http.StatusCreated)
	batch := site.Post("/v1/leads/batch", object{"items": []any{enquiry(known, "test_drive", "again")}}).Is(http.StatusMultiStatus)
	assert.Equal(t, shapeOf(t, fresh, nil), shapeOf(t, joined, nil), "whether the person was known cannot be told")
	for name, got := range map[string]*apptest.Answer{"first": first, "joined": joined, "repeated": repeated, "fresh": fresh} {
		assert.Nil(t, got.At("contact_id"), name)
		assert.Nil(t, got.At("duplicate_of"), name)
		assert.Nil(t, got.At("intake"), name)
		assert.Empty(t, got.Header.Get("Location"), name)
		assert.Equal(t, "new", got.Str("status"), name)
	}
	for name, got := range map[string]*apptest.Answer{"joined": joined, "repeated": repeated} {
		assert.NotEqual(t, first.Str("id"), got.Str("id"), "%s: the same id would tell that the person had asked before", name)
		at, err := time.Parse(time.RFC3339, got.Str("received_at"))
		require.NoError(t, err)
		assert.WithinRange(t, at, between.Add(-time.Millisecond), time.Now(), name)
	}
	assert.Nil(t, batch.At("results.0.body.contact_id"))
	assert.NotEqual(t, first.Str("id"), batch.Str("results.0.body.id"))
	assert.Len(t, listed(t, g.Caller, ""), 2, "the dealer has them as one lead for each person")

	me := site.Get("/v1/me").Is(http.StatusOK)
	assert.Nil(t, me.At("account"))
	stranger := site.Post("/v1/leads", object{"dealership_id": g.first, "contact_id": uuid.NewString()})
	theirs := site.Post("/v1/leads", object{"dealership_id": g.first, "contact_id": g.Get("/v1/contacts?limit=1").Str("data.0.id")})
	assert.Equal(t, shapeOf(t, stranger.Is(http.StatusUnprocessableEntity), nil), shapeOf(t, theirs, nil), "which contacts there are")
}

func TestSiteKeysAreBoundToTheirOrigins(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	make := func(a *apptest.Account, origin string) string {
		return a.Post("/v1/api-keys", object{"kind": "site_key", "name": "Site", "scopes": []any{"leads:create"}, "origins": []any{origin}}).
			Is(http.StatusCreated).Str("secret")
	}
	site := g.p.With(t, make(g.Account, "https://one.example"))
	other := make(g.p.Account(t), "https://two.example")
	post := func(origin ...string) *apptest.Answer {
		return site.Post("/v1/leads", lead(object{"dealership_id": g.first}), origin...)
	}
	const allow = "Access-Control-Allow-Origin"
	post().Is(http.StatusCreated)
	good := post("Origin", "https://one.example").Is(http.StatusCreated)
	assert.Equal(t, "https://one.example", good.Header.Get(allow))
	assert.Empty(t, good.Header.Get("Access-Control-Allow-Credentials"))
	for _, origin := range []string{"https://two.example", "https://evil.example", "http://one.example", "https://one.example.evil.example", "https://one.example:8443", "null"} {
		got := post("Origin", origin)
		assert.Equal(t, "origin.forbidden", got.Is(http.StatusForbidden).Code(), origin)
		assert.Empty(t, got.Header.Get(allow), origin)
	}
	require.Len(t, listed(t, g.Caller, ""), 2)
	g.p.With(t, other).Post("/v1/leads", lead(object{"dealership_id": g.first})).Is(http.StatusUnprocessableEntity)

	preflight := func(origin string) *apptest.Answer {
		return g.p.Anonymous(t).Try(http.MethodOptions, "/v1/leads", nil, "Origin", origin, "Access-Control-Request-Method", "POST")
	}
	assert.Equal(t, "https://one.example", preflight("https://one.example").Is(http.StatusNoContent).Header.Get(allow))
	assert.Empty(t, preflight("https://evil.example").Is(http.StatusNoContent).Header.Get(allow))
	assert.Empty(t, g.Get("/v1/leads", "Origin", "https://evil.example").Header.Get(allow), "a page of another site reads nothing")
}
