package intaketest

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
)

const dealerCode = "FR-0042"

// partnerOf makes a partner whom the account grants its dealership.
func partnerOf(t testing.TB, p *apptest.Program, a *apptest.Account, name string) *apptest.Caller {
	t.Helper()
	code := "p" + uuid.NewString()[:8]
	made, err := p.Core.CreatePartner(t.Context(), name, code)
	require.NoError(t, err)
	a.Post("/v1/grants", object{
		"partner_code": code, "dealership_id": a.Dealership, "dealer_code": dealerCode, "scopes": []string{"leads:create", "leads:read"},
	}).Is(http.StatusCreated)
	return p.Token(t, url.Values{"grant_type": {"client_credentials"}, "client_id": {made.ClientID}, "client_secret": {made.ClientSecret}})
}

// siteKeyOf makes a key for the account's site.
func siteKeyOf(t testing.TB, p *apptest.Program, a *apptest.Account) *apptest.Caller {
	t.Helper()
	key := a.Post("/v1/api-keys", object{"kind": "site_key", "name": "Site", "scopes": []string{"leads:create"}, "origins": []string{siteOrigin}})
	return p.With(t, key.Is(http.StatusCreated).Str("secret"))
}

const siteOrigin = "https://www.garage.example"

// vendorDoc is a document whose vendor says which dealership is meant.
func vendorDoc(id, code string) []byte {
	return bytes.Replace(oneLead("marque", id), []byte("</prospect>"), []byte("<vendor><id source=\"marque\">"+code+"</id><vendorname>Garage</vendorname></vendor></prospect>"), 1)
}

func TestPartnersDocuments(t *testing.T) {
	t.Parallel()
	_, ownerURL := dbtest.URLs(t)
	cfg := apptest.Config(t, ownerURL)
	cfg.MaxDocument = 1 << 20
	p := apptest.Start(t, cfg, ownerURL)
	a := p.Account(t)
	partner := partnerOf(t, p, a, "Marque France")

	routed := sendADF(partner, vendorDoc("1", dealerCode)).Is(http.StatusCreated)
	assert.Equal(t, "Marque France", routed.Str("leads.0.source"))
	assert.Equal(t, a.Dealership, routed.Str("leads.0.dealership_id"))
	assert.Equal(t, "duplicate", sendADF(partner, vendorDoc("1", dealerCode)).Is(http.StatusOK).Str("leads.0.outcome"))
	assert.Equal(t, "document.unknown_dealer", sendADF(partner, vendorDoc("2", "ELSE")).Is(http.StatusUnprocessableEntity).Code())
	assert.Equal(t, "document.not_a_lead", sendADF(partner, nil).Is(http.StatusUnprocessableEntity).Code())
	huge := bytes.Repeat([]byte("y"), 1<<20+1)
	assert.Equal(t, "document.too_large", sendADF(partner, huge).Is(http.StatusRequestEntityTooLarge).Code())

	kept := unroutedOf(t, ownerURL)
	require.Len(t, kept, 3, "what found its dealership is in that inbox alone")
	assert.Equal(t, []string{"quarantined document.unknown_dealer", "rejected document.not_a_lead", "rejected document.too_large"}, kept)
	assert.Len(t, a.Get("/v1/inbox").List("data"), 2)

	path := "/v1/leads/adf?dealer_code=" + dealerCode
	assert.Equal(t, "document.too_large", partner.Send(http.MethodPost, path, huge, "Content-Type", "text/xml").Is(http.StatusRequestEntityTooLarge).Code())
	inbox := a.Get("/v1/inbox?state=rejected").Is(http.StatusOK)
	assert.Equal(t, "Marque France", inbox.Str("data.0.sender"), "the dealer sees who sent too much")
	assert.Equal(t, a.Dealership, inbox.Str("data.0.dealership_id"))
}

// unroutedOf lists a database's documents of partners that named no dealership, in order.
func unroutedOf(t testing.TB, ownerURL string) []string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), ownerURL)
	require.NoError(t, err)
	defer func() { _ = conn.Close(t.Context()) }()
	rows, err := conn.Query(t.Context(), `SELECT state || ' ' || error_code FROM partner_inbox ORDER BY received_at, id`)
	require.NoError(t, err)
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return out
}

// TestKeyOfOneDealership: a document may not take a credential to where it may not go.
func TestKeyOfOneDealership(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	a := p.Account(t)
	other := a.Post("/v1/dealerships", object{
		"name": "Garage du Port", "country": "FR", "time_zone": "Europe/Paris", "codes": []object{{"scheme": "marque", "code": "PORT"}},
	}).Is(http.StatusCreated).Str("id")
	key := a.Post("/v1/api-keys", object{"kind": "api_key", "name": "Form", "scopes": []string{"leads:create"}, "dealership_ids": []string{a.Dealership}})
	form := p.With(t, key.Is(http.StatusCreated).Str("secret"))

	assert.Equal(t, other, sendADF(a.Caller, vendorDoc("1", "PORT")).Is(http.StatusCreated).Str("leads.0.dealership_id"), "the vendor's id tells")
	got := sendADF(form, []byte(strings.ReplaceAll(string(vendorDoc("2", "PORT")), "Iris", "Ivo"))).Is(http.StatusCreated)
	assert.Equal(t, a.Dealership, got.Str("leads.0.dealership_id"), "the key is for the other one alone")
	form.Send(http.MethodPost, "/v1/leads/adf?dealership_id="+other, vendorDoc("3", "PORT"), "Content-Type", "text/xml").Is(http.StatusForbidden)
}
