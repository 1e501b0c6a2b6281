package apptest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// patience is how long Await waits for what usually takes milliseconds.
const patience = 5 * time.Minute

// Await asks until it is so, in the test's own goroutine, and fails the test when it never is.
func Await(t testing.TB, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(patience); !is(); {
		select {
		case <-tick.C:
		case <-end:
			require.FailNow(t, "waited in vain", "%s", what)
		}
	}
}

// Scenario is a story told through the API alone. It holds for a whole program and for one that runs in parts.
type Scenario struct {
	Name string
	Run  func(t *testing.T, a *Account)
}

// Scenarios lists them. Each wants an account of its own.
func Scenarios() []Scenario {
	return []Scenario{
		{"a lead from intake to restore", leadEndToEnd},
		{"enquiries of one person", enquiriesOfOnePerson},
		{"the sender's id", sendersID},
		{"a retry with a key is byte for byte", retryWithKey},
		{"ADF", adfDocuments},
		{"changes follow every write", changesFollowEveryWrite},
		{"changes follow the inbox", changesFollowTheInbox},
	}
}

// Object is a JSON object.
type Object = map[string]any

// Enquiry is the body of a lead, changed as the test wants it.
func Enquiry(change ...func(Object)) Object {
	body := Object{
		"type": "test_drive", "source": "www.garage.example", "comments": "Is it still there?",
		"contact": Object{
			"first_name": "Hélène", "last_name": "de La Bretonnière",
			"emails": []any{Object{"address": "Helene@Fr.Example"}}, "phones": []any{Object{"raw": "01 99 00 12 34"}},
		},
		"vehicles_of_interest": []any{Object{"make": "Peugeot", "model": "e-208", "year": 2021, "vin": "VF3VBBHXHGZ041335"}},
	}
	for _, c := range change {
		c(body)
	}
	return body
}

func leadEndToEnd(t *testing.T, a *Account) {
	t.Helper()

	made := a.Post("/v1/leads", Enquiry()).Is(http.StatusCreated)
	id := made.Str("id")
	assert.Equal(t, "/v1/leads/"+id, made.Header.Get("Location"))
	assert.Equal(t, `"1"`, made.Header.Get("ETag"))
	assert.Equal(t, "created", made.Str("intake.outcome"))
	assert.Equal(t, "new_enquiry", made.Str("intake.rule"))

	got := a.Get("/v1/leads/" + id + "?include=contact").Is(http.StatusOK)
	assert.Equal(t, "helene@fr.example", got.Str("contact.emails.0.address"))
	assert.Equal(t, "+33199001234", got.Str("contact.phones.0.e164"))
	assert.Equal(t, a.Dealership, got.Str("dealership_id"), "the account's only dealership")

	for _, q := range []string{"bretonniere", "01 99 00", "vf3vbb", "e-208", "helene@fr"} {
		found := a.Get("/v1/leads?q=" + strings.ReplaceAll(q, " ", "+")).Is(http.StatusOK)
		assert.Len(t, found.List("data"), 1, q)
	}
	assert.Empty(t, a.Get("/v1/leads?q=citroen").Is(http.StatusOK).List("data"))

	moved := a.Post("/v1/leads/"+id+"/status", Object{"status": "in_contact", "note": "called"}, "If-Match", `"1"`).Is(http.StatusOK)
	assert.Equal(t, `"2"`, moved.Header.Get("ETag"))
	a.Post("/v1/leads/"+id+"/status", Object{"status": "offer"}, "If-Match", `"1"`).Is(http.StatusPreconditionFailed)
	assert.Equal(t, "lead.illegal_move", a.Post("/v1/leads/"+id+"/status", Object{"status": "in_contact"}).Is(http.StatusConflict).Code())
	assert.Equal(t, "lead.won_needs_vin", a.Post("/v1/leads/"+id+"/status", Object{"status": "won"}).Is(http.StatusUnprocessableEntity).Code())

	a.Post("/v1/leads/"+id+"/assign", Object{"assignee_id": a.AdminID}).Is(http.StatusOK)
	history := a.Get("/v1/leads/" + id + "/history").Is(http.StatusOK)
	assert.Equal(t, "assignment", history.Str("data.0.kind"))
	assert.Equal(t, "in_contact", history.Str("data.1.to_status"))

	a.JSON(http.MethodPatch, "/v1/leads/"+id, Object{"comments": "Red, please", "custom": Object{"floor": 2}}).Is(http.StatusOK)
	a.JSON(http.MethodDelete, "/v1/leads/"+id, nil).Is(http.StatusNoContent)
	a.Get("/v1/leads/" + id).Is(http.StatusNotFound)
	back := a.Post("/v1/leads/"+id+"/restore", nil).Is(http.StatusOK)
	assert.Equal(t, "Red, please", back.Str("comments"))
}

func enquiriesOfOnePerson(t *testing.T, a *Account) {
	t.Helper()
	first := a.Post("/v1/leads", Enquiry()).Is(http.StatusCreated)

	again := a.Post("/v1/leads", Enquiry()).Is(http.StatusOK)
	assert.Equal(t, "duplicate", again.Str("intake.outcome"), "the same words again change nothing")
	assert.Equal(t, "same_content", again.Str("intake.rule"))
	assert.Equal(t, first.Str("id"), again.Str("id"))

	joined := a.Post("/v1/leads", Enquiry(func(o Object) {
		o["comments"] = "And the price?"
		o["vehicles_of_interest"] = []any{Object{"make": "Renault", "model": "Mégane"}}
	})).Is(http.StatusOK)
	assert.Equal(t, "touched", joined.Str("intake.outcome"), "further words from the same source join")
	assert.Equal(t, first.Str("id"), joined.Str("id"))
	assert.Len(t, joined.List("touches"), 1)
	assert.Len(t, joined.List("vehicles_of_interest"), 2)

	other := a.Post("/v1/leads", Enquiry(func(o Object) { o["source"] = "Portail" })).Is(http.StatusCreated)
	assert.Equal(t, "other_source", other.Str("intake.rule"), "another source is credited with a lead of its own")
	assert.Equal(t, first.Str("id"), other.Str("duplicate_of"))
	assert.Equal(t, first.Str("contact_id"), other.Str("contact_id"))

	service := a.Post("/v1/leads", Enquiry(func(o Object) { o["type"] = "service" })).Is(http.StatusCreated)
	assert.Equal(t, "new_enquiry", service.Str("intake.rule"), "a workshop request is another matter")
}

func sendersID(t *testing.T, a *Account) {
	t.Helper()
	path := "/v1/leads/by-ref/crm/4711"
	made := a.JSON(http.MethodPut, path, Enquiry()).Is(http.StatusCreated)
	same := a.JSON(http.MethodPut, path, Enquiry()).Is(http.StatusOK)
	assert.Equal(t, "duplicate", same.Str("intake.outcome"))
	changed := a.JSON(http.MethodPut, path, Enquiry(func(o Object) { o["comments"] = "changed" })).Is(http.StatusOK)
	assert.Equal(t, "updated", changed.Str("intake.outcome"))
	assert.Equal(t, made.Str("id"), changed.Str("id"))
	assert.Equal(t, "changed", changed.Str("comments"))

	a.JSON(http.MethodDelete, "/v1/leads/"+made.Str("id"), nil).Is(http.StatusNoContent)
	again := a.Post("/v1/leads", Enquiry(func(o Object) { o["external_refs"] = []any{Object{"source": "crm", "id": "4711"}} }))
	assert.Equal(t, "duplicate", again.Is(http.StatusOK).Str("intake.outcome"), "a late retry makes no second lead")
	a.JSON(http.MethodPut, path, Enquiry(), "If-None-Match", "*").Is(http.StatusPreconditionFailed)
	back := a.JSON(http.MethodPut, path, Enquiry()).Is(http.StatusOK)
	assert.Nil(t, back.At("deleted_at"), "an upsert restores")
}

func retryWithKey(t *testing.T, a *Account) {
	t.Helper()
	key := []string{"Idempotency-Key", `"` + uuid.NewString() + `"`}
	first := a.Post("/v1/leads", Enquiry(), key...).Is(http.StatusCreated)
	second := a.Post("/v1/leads", Enquiry(), key...).Is(http.StatusCreated)
	assert.Equal(t, string(first.Body), string(second.Body))
	assert.Equal(t, first.Header.Get("ETag"), second.Header.Get("ETag"))
	assert.Equal(t, "true", second.Header.Get("Idempotent-Replayed"))
	other := a.Post("/v1/leads", Enquiry(func(o Object) { o["comments"] = "other" }), key...)
	assert.Equal(t, "idempotency.key_reused", other.Is(http.StatusUnprocessableEntity).Code())
}

func adfDocuments(t *testing.T, a *Account) {
	t.Helper()
	doc := `<?xml version="1.0"?><?adf version="1.0"?><adf><prospect><id sequence="1" source="Portail">A-1</id>
		<requestdate>2026-03-29T02:30:00+01:00</requestdate><vehicle interest="test-drive" status="used"><year>2021</year><make>Peugeot</make><model>e-208</model></vehicle>
		<customer><contact><name part="full">Jean Dupont</name><email>jean@fr.example</email></contact><comments>Samedi ?</comments></customer>
		<provider><name part="full">Portail</name></provider></prospect></adf>`
	key := uuid.NewString()
	got := a.Send(http.MethodPost, "/v1/leads/adf", []byte(doc), "Content-Type", "application/xml", "Idempotency-Key", key).Is(http.StatusCreated)
	assert.Equal(t, "accepted", got.Str("state"))
	assert.Equal(t, "created", got.Str("leads.0.outcome"))
	assert.Equal(t, "test_drive", got.Str("leads.0.type"))
	again := a.Send(http.MethodPost, "/v1/leads/adf", []byte(doc), "Content-Type", "application/xml", "Idempotency-Key", key).Is(http.StatusCreated)
	assert.Equal(t, string(got.Body), string(again.Body))
	twice := a.Send(http.MethodPost, "/v1/leads/adf", []byte(doc), "Content-Type", "text/xml").Is(http.StatusOK)
	assert.Equal(t, "duplicate", twice.Str("leads.0.outcome"))

	raw := a.Get("/v1/inbox/" + got.Str("inbox_id") + "/raw").Is(http.StatusOK)
	assert.Equal(t, doc, string(raw.Body))

	out := a.Get("/v1/leads/"+got.Str("leads.0.id"), "Accept", "application/x-adf+xml").Is(http.StatusOK)
	assert.Contains(t, string(out.Body), "<make>Peugeot</make>")

	cut := a.Send(http.MethodPost, "/v1/leads/adf", []byte(doc[:len(doc)-80]), "Content-Type", "application/xml").Is(http.StatusAccepted)
	assert.Equal(t, "quarantined", cut.Str("state"))
	fixed := a.Send(http.MethodPost, "/v1/inbox/"+cut.Str("inbox_id")+"/replay", []byte(strings.ReplaceAll(doc, "A-1", "A-2")), "Content-Type", "application/xml")
	assert.Equal(t, "accepted", fixed.Str("state"))
	html := a.Send(http.MethodPost, "/v1/leads/adf", []byte("<html>oops</html>"), "Content-Type", "text/plain").Is(http.StatusUnprocessableEntity)
	assert.Equal(t, "document.not_a_lead", html.Code())
	assert.Len(t, a.Get("/v1/inbox?state=rejected").Is(http.StatusOK).List("data"), 1, "kept all the same")
}

func changesFollowEveryWrite(t *testing.T, a *Account) {
	t.Helper()
	for i := range 5 {
		a.Post("/v1/leads", Enquiry(func(o Object) {
			o["contact"] = Object{"full_name": fmt.Sprint("Person ", i), "phones": []any{Object{"raw": fmt.Sprintf("01 99 00 00 %02d", i)}}}
		})).Is(http.StatusCreated)
	}
	cursor, seen := "", map[string]bool{}
	follow := func() {
		for {
			got := a.Get("/v1/leads/changes?limit=2" + cursor).Is(http.StatusOK)
			for _, l := range got.List("data") {
				lead, ok := l.(Object)
				require.True(t, ok)
				seen[fmt.Sprint(lead["id"], lead["deleted_at"] != nil)] = true
			}
			cursor = "&cursor=" + got.Str("next_cursor")
			if got.At("has_more") == false {
				return
			}
		}
	}
	follow()
	assert.Len(t, seen, 5)
	id := a.Get("/v1/leads?limit=1").Str("data.0.id")
	a.JSON(http.MethodDelete, "/v1/leads/"+id, nil).Is(http.StatusNoContent)
	Await(t, "the tombstone is in the feed", func() bool {
		follow()
		return seen[fmt.Sprint(id, true)]
	})
}

func changesFollowTheInbox(t *testing.T, a *Account) {
	t.Helper()
	doc := `<?adf version="1.0"?><adf><prospect><id>I-1</id><customer><contact><name part="full">Jean Dupont</name>
		<email>jean@fr.example</email></contact></customer></prospect></adf>`
	send := func(path, body string) *Answer {
		return a.Send(http.MethodPost, path, []byte(body), "Content-Type", "application/xml")
	}
	before := send("/v1/leads/adf", doc).Str("inbox_id")
	cursor, seen := "", []string{}
	follow := func() []string {
		for {
			got := a.Get("/v1/inbox/changes?limit=2" + cursor).Is(http.StatusOK)
			assert.NotContains(t, string(got.Body), "jean@", "the feed says what became of a document, not what is in it")
			for _, item := range got.List("data") {
				d, ok := item.(Object)
				require.True(t, ok)
				seen = append(seen, fmt.Sprint(d["id"], " ", d["state"], " ", d["revision"]))
			}
			cursor = "&cursor=" + got.Str("next_cursor")
			if got.At("has_more") == false {
				return seen
			}
		}
	}
	Await(t, "what is there when reading begins", func() bool { return slices.Contains(follow(), before+" accepted 0") })
	send("/v1/leads/adf", "<html>oops</html>")
	cut := send("/v1/leads/adf", doc[:len(doc)-40]).Str("inbox_id")
	Await(t, "a document that could not be read", func() bool { return slices.Contains(follow(), cut+" quarantined 0") })
	assert.Contains(t, strings.Join(seen, "\n"), " rejected 0")
	send("/v1/inbox/"+cut+"/replay", doc[:len(doc)-30])
	Await(t, "a correction that did not help", func() bool { return slices.Contains(follow(), cut+" quarantined 1") })
	send("/v1/inbox/"+cut+"/replay", strings.ReplaceAll(doc, "I-1", "I-2"))
	Await(t, "a document that was mended", func() bool { return slices.Contains(follow(), cut+" accepted 2") })

	var types []string
	for _, e := range a.Get("/v1/events?limit=200").Is(http.StatusOK).List("data") {
		if e, ok := e.(Object); ok && strings.HasPrefix(fmt.Sprint(e["type"]), "inbox.") {
			types = append(types, fmt.Sprint(e["type"]))
		}
	}
	assert.Equal(t, []string{"inbox.accepted", "inbox.rejected", "inbox.quarantined", "inbox.corrected", "inbox.accepted"}, types)
}
