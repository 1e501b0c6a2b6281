package apptest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
	"github.com/rooftop-crm/rooftop/internal/leads"
)

// oem makes a partner that is signed in, with a grant for each dealer code.
func oem(t *testing.T, p *apptest.Program, name string, scopes []string, to map[string]*apptest.Account) *apptest.Caller {
	t.Helper()
	made, err := p.Core.CreatePartner(t.Context(), name, "oem-"+uuid.NewString()[:8])
	require.NoError(t, err)
	for code, a := range to {
		a.For(t).Post("/v1/grants", object{
			"partner_code": made.Code, "dealership_id": a.Dealership, "dealer_code": code, "scopes": scopes,
		}).Is(http.StatusCreated)
	}
	return p.Token(t, url.Values{"grant_type": {"client_credentials"}, "client_id": {made.ClientID}, "client_secret": {made.ClientSecret}})
}

var sendAndRead = []string{"leads:create", "leads:read"}

func mail(address string) object {
	return object{"last_name": "Exemple", "emails": []any{object{"address": address}}}
}

func prospect(vendor, address string) string {
	return `<prospect><customer><contact><name part="full">P Exemple</name><email>` + address + `</email></contact></customer>
<vendor><id source="codes">` + vendor + `</id></vendor></prospect>`
}

func TestTimesThatNoAnswerCanHold(t *testing.T) {
	t.Parallel()
	a := apptest.New(t).Account(t)
	for _, at := range []string{"0000-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"} {
		for _, body := range []object{
			{"contact": mail("times@fr.example"), "requested_at": at},
			{"contact": mail("times@fr.example"), "timeframe": object{"earliest": at}},
			{"contact": mail("times@fr.example"), "consents": []any{object{"channel": "email", "purpose": "marketing", "at": at}}},
		} {
			a.Post("/v1/leads", body).Is(http.StatusUnprocessableEntity)
		}
	}
	a.Get("/v1/leads").Is(http.StatusOK)
}

func TestTimesAreAnsweredInUTC(t *testing.T) {
	t.Parallel()
	a := apptest.New(t).Account(t)
	const at = "2026-03-01T09:30:00.123456789+02:00"
	made := a.Post("/v1/leads", object{
		"contact": mail("utc@fr.example"), "requested_at": at, "timeframe": object{"earliest": at},
		"consents": []any{object{"channel": "email", "purpose": "marketing", "at": at}},
	}).Is(http.StatusCreated)
	read := a.Get("/v1/leads/" + made.Str("id")).Is(http.StatusOK)
	for _, answer := range []*apptest.Answer{made, read} {
		for _, field := range []string{"requested_at", "timeframe.earliest", "consents.0.at"} {
			assert.Equal(t, "2026-03-01T07:30:00.123456Z", answer.Str(field), field)
		}
	}
}

func TestASiteKeyIsToldNothingOfEarlierEnquiries(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	a := p.Account(t)
	key := a.Post("/v1/api-keys", object{
		"kind": "site_key", "name": "site", "scopes": []string{"leads:create"}, "origins": []string{"https://www.garage.example"},
	}).Is(http.StatusCreated).Str("secret")
	site := p.With(t, key)
	const path = "/v1/leads/by-ref/form/1"
	first := site.JSON(http.MethodPut, path, object{"contact": mail("one@fr.example"), "comments": "my secret"}).Is(http.StatusCreated)

	again := site.JSON(http.MethodPut, path, object{"contact": mail("two@fr.example"), "comments": "what was it?"}).Is(http.StatusCreated)
	assert.Equal(t, "what was it?", again.Str("comments"))
	assert.Nil(t, again.At("contact_id"))
	assert.NotContains(t, string(again.Body), "secret")

	a.JSON(http.MethodDelete, "/v1/leads/"+first.Str("id"), nil).Is(http.StatusNoContent)
	site.JSON(http.MethodPut, path, object{"contact": mail("one@fr.example"), "comments": "back?"}).Is(http.StatusCreated)
	a.Get("/v1/leads/" + first.Str("id")).Is(http.StatusNotFound)

	site.Post("/v1/leads", object{"contact": mail("three@fr.example"), "assignee_id": a.AdminID}).Is(http.StatusUnprocessableEntity)
	contact := a.Post("/v1/contacts", mail("four@fr.example")).Is(http.StatusCreated).Str("id")
	site.Post("/v1/leads", object{"contact_id": contact}).Is(http.StatusUnprocessableEntity)
}

func TestAPartnerIsToldOfItsOwnLeadsAlone(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	a, b := p.Account(t), p.Account(t)
	partner := oem(t, p, "Exemple OEM", sendAndRead, map[string]*apptest.Account{"A": a})

	t.Run("an enquiry joins no lead of another sender by that name", func(t *testing.T) {
		t.Parallel()
		theirs := a.For(t).Post("/v1/leads", object{"source": "Exemple OEM", "comments": "the dealer's own", "contact": mail("name@fr.example")}).Is(http.StatusCreated)
		mine := partner.For(t).Post("/v1/leads", object{"dealer_code": "A", "contact": mail("name@fr.example")}).Is(http.StatusCreated)
		assert.NotEqual(t, theirs.Str("id"), mine.Str("id"))
		assert.NotContains(t, string(mine.Body), "the dealer's own")
		partner.For(t).Get("/v1/leads/" + mine.Str("id")).Is(http.StatusOK)
	})

	t.Run("what the dealer knows of the person and noted stays the dealer's", func(t *testing.T) {
		t.Parallel()
		a.For(t).Post("/v1/contacts", object{
			"last_name": "Exemple", "emails": []any{object{"address": "known@fr.example"}, object{"address": "private@fr.example"}},
		}).Is(http.StatusCreated)
		id := partner.For(t).Post("/v1/leads", object{"dealer_code": "A", "contact": mail("known@fr.example")}).Is(http.StatusCreated).Str("id")
		a.For(t).Post("/v1/leads/"+id+"/status", object{"status": "in_contact", "note": "haggles"}).Is(http.StatusOK)
		a.For(t).Post("/v1/leads/"+id+"/assign", object{"assignee_id": a.AdminID, "reason": "patient"}).Is(http.StatusOK)

		asADF := partner.For(t).Get("/v1/leads/"+id, "Accept", "application/x-adf+xml").Is(http.StatusOK)
		assert.NotContains(t, string(asADF.Body), "private@fr.example")
		history := partner.For(t).Get("/v1/leads/" + id + "/history").Is(http.StatusOK)
		assert.Len(t, history.List("data"), 3)
		for _, secret := range []string{"haggles", "patient", "Ada", a.AdminID.String()} {
			assert.NotContains(t, string(history.Body), secret)
		}
		assert.Contains(t, string(a.For(t).Get("/v1/leads/"+id+"/history").Body), "haggles")
	})

	t.Run("a grant to send is none to read", func(t *testing.T) {
		t.Parallel()
		sender := oem(t, p, "Sender", []string{"leads:create"}, map[string]*apptest.Account{"B": b})
		reader := oem(t, p, "Reader", sendAndRead, map[string]*apptest.Account{"A2": a})
		for _, c := range []*apptest.Caller{sender, reader} {
			code := map[*apptest.Caller]string{sender: "B", reader: "A2"}[c]
			c.For(t).Post("/v1/leads", object{"dealer_code": code, "contact": mail("sent@fr.example")}).Is(http.StatusCreated)
		}
		assert.Empty(t, sender.For(t).Get("/v1/leads").Is(http.StatusOK).List("data"))
		assert.Len(t, reader.For(t).Get("/v1/leads").Is(http.StatusOK).List("data"), 1)
	})
}

func TestADocumentForSeveralDealersReachesNoneOfThem(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	a, b := p.Account(t), p.Account(t)
	partner := oem(t, p, "Exemple OEM", sendAndRead, map[string]*apptest.Account{"A": a, "B": b})
	send := func(prospects string) *apptest.Answer {
		return partner.Send(http.MethodPost, "/v1/leads/adf", []byte("<adf>"+prospects+"</adf>"), "Content-Type", "application/xml")
	}
	refused := send(prospect("A", "one@fr.example") + prospect("B", "two@fr.example")).Is(http.StatusUnprocessableEntity)
	assert.Equal(t, "document.several_dealers", refused.Code())
	assert.Empty(t, a.Get("/v1/leads").List("data"))

	send(prospect("A", "one@fr.example") + prospect("unknown", "two@fr.example")).Is(http.StatusCreated)
	assert.Len(t, a.Get("/v1/leads").List("data"), 2)
}

func TestAContentTypeThatIsNoTextLosesNoLead(t *testing.T) {
	t.Parallel()
	a := apptest.New(t).Account(t)
	a.Send(http.MethodPost, "/v1/leads/adf", []byte("<adf>"+prospect("x", "one@fr.example")+"</adf>"),
		"Content-Type", "text/xml; charset=\"\xff\"").Is(http.StatusCreated)
}

func TestAReferenceShowsNoLeadOfAColleague(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	a := p.Account(t)
	second := a.AddDealership("Second")
	ref := []any{object{"source": "crm", "id": "7"}}
	a.Post("/v1/leads", object{
		"dealership_id": second, "external_refs": ref, "comments": "theirs", "contact": mail("one@fr.example"),
	}).Is(http.StatusCreated)
	key := a.Post("/v1/api-keys", object{
		"kind": "api_key", "name": "first only", "scopes": []string{"leads:create", "leads:read"}, "dealership_ids": []string{a.Dealership},
	}).Is(http.StatusCreated).Str("secret")
	got := p.With(t, key).Post("/v1/leads", object{"external_refs": ref, "comments": "mine", "contact": mail("two@fr.example")})
	assert.Equal(t, "lead.ref_taken", got.Is(http.StatusConflict).Code())
}

func TestAPostponedLeadReturnsAfterARestore(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	a := p.Account(t)
	id := a.Post("/v1/leads", enquiry()).Is(http.StatusCreated).Str("id")
	until := time.Now().Add(50 * time.Millisecond)
	a.Post("/v1/leads/"+id+"/status", object{"status": "postponed", "postponed_until": until}).Is(http.StatusOK)
	a.JSON(http.MethodDelete, "/v1/leads/"+id, nil).Is(http.StatusNoContent)
	owner, err := pgx.Connect(t.Context(), p.OwnerURL)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, owner.Close(t.Context())) })
	apptest.Await(t, "the deleted lead's date to pass", func() bool {
		var due int
		require.NoError(t, owner.QueryRow(t.Context(), "SELECT count(*) FROM due_work WHERE kind = $1", leads.WorkPostponed).Scan(&due))
		return due == 0
	})
	a.Post("/v1/leads/"+id+"/restore", nil).Is(http.StatusOK)
	apptest.Await(t, "the lead to return", func() bool { return a.Get("/v1/leads/"+id).Str("status") == "in_contact" })
}

func TestAnEnquiryJoinsNoLeadThatEndsMeanwhile(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	a := p.Account(t)
	first := a.Post("/v1/leads", enquiry()).Is(http.StatusCreated).Str("id")
	owner, err := pgx.Connect(t.Context(), p.OwnerURL)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, owner.Close(t.Context())) })
	closing, err := owner.Begin(t.Context())
	require.NoError(t, err)
	_, err = closing.Exec(t.Context(), "UPDATE leads SET status = 'lost', status_reason = 'price' WHERE id = $1", first)
	require.NoError(t, err)

	answered := make(chan *apptest.Answer, 1)
	go func() {
		body := []byte(`{"source": "www.garage.example", "type": "test_drive", "comments": "again", "contact": {"emails": [{"address": "helene@fr.example"}]}}`)
		got, err := a.Do(t.Context(), http.MethodPost, "/v1/leads", body, "Content-Type", "application/json")
		assert.NoError(t, err)
		answered <- got
	}()
	watch, err := pgx.Connect(t.Context(), p.OwnerURL)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, watch.Close(t.Context())) })
	apptest.Await(t, "the enquiry to wait for the lead", func() bool {
		var waiting int
		require.NoError(t, watch.QueryRow(t.Context(),
			"SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(&waiting))
		return waiting > 0
	})
	require.NoError(t, closing.Commit(t.Context()))
	got := (<-answered).Is(http.StatusCreated)
	assert.NotEqual(t, first, got.Str("id"))
	assert.Equal(t, "new_enquiry", got.Str("intake.rule"))
}

func TestAChangeOfOneLeadClaimsNoReferenceOfItsSender(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	a := p.Account(t)
	ref := []any{object{"source": "crm", "id": "1"}}
	for _, code := range []string{"A1", "A2"} {
		partner := oem(t, p, "OEM "+code, sendAndRead, map[string]*apptest.Account{code: a})
		id := partner.Post("/v1/leads", object{"dealer_code": code, "external_refs": ref, "contact": mail(code + "@fr.example")}).Is(http.StatusCreated).Str("id")
		a.JSON(http.MethodPatch, "/v1/leads/"+id, object{"comments": "called"}).Is(http.StatusOK)
	}
	own := a.Post("/v1/leads", object{"external_refs": ref, "contact": mail("own@fr.example")}).Is(http.StatusCreated)
	other := a.Post("/v1/leads", object{"contact": mail("other@fr.example")}).Is(http.StatusCreated)
	taken := a.JSON(http.MethodPatch, "/v1/leads/"+other.Str("id"), object{"external_refs": ref}).Is(http.StatusConflict)
	assert.Equal(t, "lead.ref_taken", taken.Code())
	a.JSON(http.MethodPatch, "/v1/leads/"+own.Str("id"), object{"external_refs": append(ref, object{"source": "crm", "id": "2"})}).Is(http.StatusOK)
}

func TestCountIsAnsweredWhereItIsTaken(t *testing.T) {
	t.Parallel()
	a := apptest.New(t).Account(t)
	id := a.Post("/v1/leads", enquiry()).Is(http.StatusCreated).Str("id")
	a.Post("/v1/leads/"+id+"/viewed", nil).Is(http.StatusOK)
	for _, body := range []string{"<adf>" + prospect("x", "one@fr.example") + "</adf>", "<adf>" + prospect("x", "two@fr.example") + "</adf>"} {
		a.Send(http.MethodPost, "/v1/leads/adf", []byte(body), "Content-Type", "application/xml").Is(http.StatusCreated)
	}
	for _, path := range []string{"/v1/inbox?state=accepted", "/v1/leads/" + id + "/history?sort=at"} {
		first := a.Get(path + "&limit=1&count=exact").Is(http.StatusOK)
		assert.EqualValues(t, 2, first.At("total"), path)
		second := a.Get(path + "&limit=1&count=exact&cursor=" + first.Str("next_cursor")).Is(http.StatusOK)
		assert.EqualValues(t, 2, second.At("total"), path)
		assert.Len(t, second.List("data"), 1, path)
	}
	a.Get("/v1/leads?q=helene&assignee_id=none," + a.AdminID.String()).Is(http.StatusOK)
	a.Get("/v1/leads?q=helene&assignee_id=none," + a.AdminID.String() + "," + uuid.NewString()).Is(http.StatusBadRequest)
}

func TestByRefAndJoiningEnquiriesNeverWaitForEachOther(t *testing.T) {
	t.Parallel()
	a := apptest.New(t).Account(t)
	const path = "/v1/leads/by-ref/crm/1"
	a.JSON(http.MethodPut, path, object{"source": "s", "contact": mail("one@fr.example")}).Is(http.StatusCreated)
	var wg sync.WaitGroup
	for w := range 8 {
		method, to := http.MethodPut, path
		if w%2 == 1 {
			method, to = http.MethodPost, "/v1/leads"
		}
		wg.Go(func() {
			for i := range 15 {
				body := fmt.Sprintf(`{"source":"s","comments":"%d-%d","contact":{"emails":[{"address":"one@fr.example"}]}}`, w, i)
				got, err := a.Do(t.Context(), method, to, []byte(body), "Content-Type", "application/json")
				if assert.NoError(t, err) {
					assert.Less(t, got.Status, 300, "%s", got.Body)
				}
			}
		})
	}
	wg.Wait()
}
