package intaketest

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
	"github.com/rooftop-crm/rooftop/pkg/phone"
)

func TestCorpus(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	for _, s := range samples(t, "corpus") {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			a := p.Account(t)
			checked := checkADF(a.Caller, s.Data)
			assert.Equal(t, true, checked.At("readable"))
			assert.Len(t, checked.List("prospects"), len(s.Prospects))
			got := sendADF(a.Caller, s.Data).Is(http.StatusCreated)
			assert.Equal(t, "accepted", got.Str("state"))
			require.Len(t, got.List("leads"), len(s.Prospects))
			if s.Tier == 2 {
				assert.NotEmpty(t, got.List("warnings"), "a broken document must give warnings")
			}
			for i, want := range s.Prospects {
				lead := leadOf(a.Caller, obj(got.List("leads")[i])["id"])
				checkLead(t, want, lead)
				if s.Tier == 2 {
					assert.NotEmpty(t, lead["warnings"])
				}
			}
			assert.Equal(t, len(s.Prospects), leadsOf(a.Caller))
			raw := a.Get("/v1/inbox/" + got.Str("inbox_id") + "/raw").Is(http.StatusOK)
			assert.Equal(t, string(s.Data), string(raw.Body), "kept verbatim")
			checkRoundTrip(t, p, a, got)
		})
	}
}

func TestHostile(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	for _, s := range samples(t, "hostile") {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			a := p.Account(t)
			start := time.Now()
			got := sendADF(a.Caller, s.Data)
			limit := s.Safety.MaxSeconds
			if limit == 0 {
				limit = 2
			}
			assert.Less(t, time.Since(start).Seconds(), limit)
			checkHostile(t, &s, a, got)
			assert.Equal(t, got.Status == http.StatusCreated, checkADF(a.Caller, s.Data).At("readable"))
			assert.Len(t, a.Get("/v1/inbox").List("data"), 1, "checking keeps nothing")
		})
	}
}

// checkADF asks what would be read.
func checkADF(c *apptest.Caller, doc []byte) *apptest.Answer {
	return c.Send(http.MethodPost, "/v1/leads/adf/validate", doc, "Content-Type", "application/xml").Is(http.StatusOK)
}

func TestMediaTypes(t *testing.T) {
	t.Parallel()
	a := apptest.New(t).Account(t)
	latin := []byte("<adf><prospect><customer><contact><name part=\"full\">Zo\xeb Falk</name></contact><comments>\x80</comments></customer></prospect></adf>")
	for _, media := range []string{"application/xml", "application/x-adf+xml", "text/xml; charset=windows-1252", "text/plain", "TEXT/XML"} {
		got := a.Send(http.MethodPost, "/v1/leads/adf", latin, "Content-Type", media).Is(http.StatusCreated)
		lead := leadOf(a.Caller, got.Str("leads.0.id"))
		assert.Equal(t, "€", lead["comments"], media)
		assert.Equal(t, "Zoë Falk", obj(lead["contact"])["full_name"], media)
	}
	for _, media := range []string{"", "application/json", "text/html", "multipart/form-data", "xml"} {
		got := a.Send(http.MethodPost, "/v1/leads/adf", latin, "Content-Type", media).Is(http.StatusUnsupportedMediaType)
		assert.Equal(t, "request.unsupported_media", got.Code(), media)
	}
	gzip := a.Send(http.MethodPost, "/v1/leads/adf", latin, "Content-Type", "text/xml", "Content-Encoding", "gzip").Is(http.StatusUnsupportedMediaType)
	assert.Equal(t, "request.unsupported_encoding", gzip.Code())
}

func checkHostile(t *testing.T, s *sample, a *apptest.Account, got *apptest.Answer) {
	t.Helper()
	answer := "reject"
	if got.Status == http.StatusCreated {
		answer = "accept"
	}
	assert.Contains(t, []string{s.Expect, s.AlsoOK}, answer, "%d %s", got.Status, got.Body)
	told := string(got.Body) + string(a.Get("/v1/leads?include=contact").Body) + string(a.Get("/v1/inbox").Body)
	for _, forbidden := range s.Safety.MustNotContain {
		assert.NotContains(t, told, forbidden)
	}
	assert.NotContains(t, told, "\ufffd")
	inbox := a.Get("/v1/inbox").Is(http.StatusOK)
	require.Len(t, inbox.List("data"), 1)
	assert.Equal(t, string(s.Data), string(a.Get("/v1/inbox/"+inbox.Str("data.0.id")+"/raw").Is(http.StatusOK).Body), "findable")
	if answer == "reject" {
		assert.Contains(t, []int{http.StatusAccepted, http.StatusUnprocessableEntity}, got.Status, "%s", got.Body)
		assert.Zero(t, leadsOf(a.Caller), "no lead is made")
		assert.Contains(t, []string{"quarantined", "rejected"}, inbox.Str("data.0.state"))
		return
	}
	if s.Prospects == nil {
		return
	}
	require.Len(t, got.List("leads"), len(s.Prospects), "one entry for each prospect")
	for i, want := range s.Prospects {
		checkLead(t, want, leadOf(a.Caller, obj(got.List("leads")[i])["id"]))
	}
	remain := len(s.Prospects)
	if s.Remain != nil {
		remain = *s.Remain
	}
	assert.Equal(t, remain, leadsOf(a.Caller))
}

// checkLead holds a lead with its contact against what a person reads in the prospect.
func checkLead(t *testing.T, want, lead object) {
	t.Helper()
	contact := obj(lead["contact"])
	checkNames(t, want, contact)
	checkPoints(t, want, lead, contact)
	if want["address"] != nil {
		checkAddress(t, obj(want["address"]), contact)
	}
	checkVehicles(t, want, lead)
	same(t, "vendor", want["vendor"], obj(lead["vendor"])["name"])
	same(t, "provider", want["provider"], obj(lead["provider"])["name"])
	same(t, "provider service", want["provider_service"], obj(lead["provider"])["service"])
	if want["provider"] != nil {
		assert.Equal(t, want["provider"], lead["source"], "the provider is credited")
	}
	var refs []any
	for _, id := range items(want["ids"]) {
		id := obj(id)
		if id["where"] != "prospect" {
			continue
		}
		ref := id["value"]
		if ref == nil && word(id["sequence"]) != "1" && word(id["sequence"]) != "0" {
			ref = id["sequence"] // some counters travel there
		}
		if ref != nil {
			source := id["source"]
			refs = append(refs, object{"source": source, "id": ref})
		}
	}
	assert.ElementsMatch(t, refs, lead["external_refs"])
	oneOf(t, "comments", []any{want["comments"], want["comments_clean"]}, collapsed(lead["comments"]))
	checkDate(t, obj(want["requestdate"]), lead["requested_at"])
	if tf := obj(want["timeframe"]); tf != nil {
		same(t, "timeframe", tf["description"], obj(lead["timeframe"])["description"])
	}
}

func checkNames(t *testing.T, want, contact object) {
	t.Helper()
	if want["full"] != nil {
		assert.Equal(t, want["full"], contact["full_name"])
	}
	if want["first"] == nil && want["last"] == nil {
		return
	}
	oneOf(t, "first name", []any{want["first"], want["first_clean"]}, contact["first_name"])
	oneOf(t, "last name", []any{want["last"], want["last_clean"]}, contact["last_name"])
	if want["full"] == nil {
		assert.Equal(t, strings.TrimSpace(word(contact["first_name"])+" "+word(contact["last_name"])), contact["full_name"])
	}
}

func checkPoints(t *testing.T, want, lead, contact object) {
	t.Helper()
	var emails []any
	for _, e := range items(want["emails"]) {
		emails = append(emails, strings.ToLower(word(e)))
	}
	assert.ElementsMatch(t, emails, pick(contact["emails"], "address"))
	for _, e := range items(want["emails_invalid"]) {
		assert.Contains(t, lead["answers"], object{"question": "email_as_sent", "answer": e}, "kept, though it is no address")
	}
	phones := items(contact["phones"])
	var raws []any // a contact has each number once
	for _, raw := range pick(want["phones"], "raw") {
		if !slices.Contains(raws, raw) {
			raws = append(raws, raw)
		}
	}
	require.Equal(t, raws, pick(phones, "raw"))
	for _, w := range items(want["phones"]) {
		w := obj(w)
		got := obj(phones[slices.Index(raws, w["raw"])])
		number := phone.Parse(word(w["raw"]), word(obj(want["address"])["country"])) // at home first
		if !number.Valid {
			number = phone.Parse(word(w["raw"]), "FR")
		}
		same(t, "e164 of "+word(w["raw"]), number.E164, got["e164"])
		assert.Equal(t, w["preferred"] == "1", got["preferred"])
		kind := map[string]string{"cellphone": "mobile", "mobile": "mobile", "home": "home", "work": "work", "fax": "fax"}[word(w["type"])]
		if kind != "" {
			assert.Equal(t, kind, got["type"], w["raw"])
		}
	}
}

func checkAddress(t *testing.T, want, contact object) {
	t.Helper()
	require.Len(t, contact["addresses"], 1)
	got := obj(items(contact["addresses"])[0])
	assert.Equal(t, want["street"], got["lines"])
	for field, name := range map[string]string{"city": "city", "postal": "postal_code", "region": "region", "country": "country"} {
		same(t, field, want[field], got[name])
	}
}

func checkVehicles(t *testing.T, want, lead object) {
	t.Helper()
	var wanted, handedIn []object
	for _, v := range items(want["vehicles"]) {
		if i := word(obj(v)["interest"]); i == "trade-in" || i == "sell" {
			handedIn = append(handedIn, obj(v))
		} else {
			wanted = append(wanted, obj(v))
		}
	}
	for field, list := range map[string][]object{"vehicles_of_interest": wanted, "trade_ins": handedIn} {
		got := items(lead[field])
		require.Len(t, got, len(list), field)
		for i := range list {
			checkVehicle(t, list[i], obj(got[i]))
		}
	}
	if len(wanted) > 0 {
		assert.Equal(t, true, obj(items(lead["vehicles_of_interest"])[0])["primary"])
	}
}

func checkVehicle(t *testing.T, want, got object) {
	t.Helper()
	extras := obj(got["extras"])
	interest := strings.ReplaceAll(word(want["interest"]), "-", "_")
	oneOf(t, "interest", []any{interest, orWord(interest, "buy")}, orWord(word(got["interest"]), ""))
	status := word(want["status"])
	if status == "cpo" || status == "sold" {
		status = "used"
	}
	oneOf(t, "condition", []any{status, orWord(status, "new")}, orWord(word(got["condition"]), ""))
	assert.Equal(t, want["year"], got["year"])
	same(t, "year as text", want["year_raw"], extras["year_text"])
	same(t, "make", want["make"], got["make"])
	oneOf(t, "model", []any{want["model"], want["model_clean"]}, got["model"])
	for field, name := range map[string]string{"vin": "vin", "stock": "stock_number", "trim": "trim"} {
		same(t, field, want[field], got[name])
	}
	if want["bodystyle"] != nil {
		assert.Equal(t, want["bodystyle"], got["body_style"])
	}
	if o := obj(want["odometer"]); o == nil {
		assert.Nil(t, got["odometer"])
	} else {
		assert.Equal(t, object{"value": o["value"], "unit": o["units"]}, got["odometer"])
	}
	if p := obj(want["price"]); p == nil || p["value"] == 0.0 {
		assert.Nil(t, got["price"])
	} else {
		value, _ := p["value"].(float64)
		assert.Equal(t, object{"amount_minor": value * 100, "currency": orWord(word(p["currency"]), "EUR")}, got["price"])
		same(t, "price type", p["type"], extras["price_type"])
	}
	if want["comments"] != nil {
		assert.Equal(t, want["comments"], extras["comments"])
	}
	for _, o := range items(want["options"]) {
		all := strings.Join(values(extras), "\n")
		assert.Contains(t, all, word(obj(o)["name"]))
		assert.Contains(t, all, word(obj(o)["code"]))
	}
	for _, c := range items(want["colors"]) {
		same(t, "exterior", obj(c)["exterior"], extras["exterior_color"])
		same(t, "interior", obj(c)["interior"], extras["interior_color"])
	}
}

func checkDate(t *testing.T, want object, got any) {
	t.Helper()
	if want == nil {
		assert.Nil(t, got)
		return
	}
	paris, err := time.LoadLocation("Europe/Paris")
	require.NoError(t, err)
	var ok []any
	for _, key := range []string{"utc", "utc_lenient"} {
		if at, err := time.Parse(time.RFC3339Nano, word(want[key])); err == nil {
			ok = append(ok, at.UTC())
		}
	}
	for _, key := range []string{"local", "local_lenient"} {
		if at, err := time.ParseInLocation("2006-01-02T15:04:05", word(want[key]), paris); err == nil {
			ok = append(ok, at.UTC())
		}
	}
	at, err := time.Parse(time.RFC3339Nano, word(got))
	if err != nil && want["utc"] == nil && want["local"] == nil {
		return // an ambiguous day is no time
	}
	require.NoError(t, err, "requested_at %v of %v", got, want["raw"])
	oneOf(t, "requested_at", ok, at.UTC())
}

func pick(list any, field string) []any {
	var out []any
	for _, item := range items(list) {
		out = append(out, obj(item)[field])
	}
	return out
}

func values(o object) []string {
	var out []string
	for _, v := range o {
		out = append(out, word(v))
	}
	return out
}

func collapsed(v any) any {
	s, ok := v.(string)
	if !ok {
		return nil
	}
	return strings.Join(strings.Fields(s), " ")
}

func orWord(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

// same compares two texts that may be absent.
func same(t *testing.T, what string, want, got any) {
	t.Helper()
	assert.Equal(t, word(want), word(got), what)
}

// oneOf takes any of the readings that are as good; nil stands for none.
func oneOf(t *testing.T, what string, readings []any, got any) {
	t.Helper()
	var ok []any
	for i, r := range readings {
		if i == 0 || r != nil {
			ok = append(ok, r)
		}
	}
	assert.Contains(t, ok, got, what)
}
