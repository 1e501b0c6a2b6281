package intaketest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
)

// rounds is how often a race is run: ROOFTOP_ROUNDS, or as often as a quick run has time for.
func rounds(t *testing.T, few int) int {
	t.Helper()
	text := os.Getenv("ROOFTOP_ROUNDS")
	if text == "" {
		return few
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err, "ROOFTOP_ROUNDS")
	return n
}

// request is one call of a race.
type request struct {
	by      *apptest.Caller
	path    string
	body    []byte
	headers []string
}

func jsonRequest(t testing.TB, by *apptest.Caller, body object, headers ...string) request {
	t.Helper()
	b, err := json.Marshal(body)
	require.NoError(t, err)
	return request{by, "/v1/leads", b, append([]string{"Content-Type", "application/json"}, headers...)}
}

// together sends all at the same moment; every answer must be a 2xx.
func together(t *testing.T, requests []request) []*apptest.Answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	answers, errs := make([]*apptest.Answer, len(requests)), make([]error, len(requests))
	var ready, done sync.WaitGroup
	gate := make(chan struct{})
	for i, r := range requests {
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			<-gate
			answers[i], errs[i] = r.by.Do(ctx, http.MethodPost, r.path, r.body, r.headers...)
		})
	}
	ready.Wait()
	close(gate)
	done.Wait()
	for i, a := range answers {
		require.NoError(t, errs[i])
		require.Truef(t, a.Status == http.StatusOK || a.Status == http.StatusCreated, "%s: %d %s", requests[i].body, a.Status, a.Body)
	}
	return answers
}

// deadlocks counts those that the program's database has seen.
func deadlocks(t testing.TB, p *apptest.Program) int {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), p.OwnerURL)
	require.NoError(t, err)
	defer func() { _ = conn.Close(t.Context()) }()
	var n int
	require.NoError(t, conn.QueryRow(t.Context(), `SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`).Scan(&n))
	return n
}

// theirs are a contact's leads.
func theirs(c *apptest.Caller, contactID any) []any {
	return c.Get("/v1/leads?limit=200&contact_id=" + word(contactID)).Is(http.StatusOK).List("data")
}

// numberOf gives the n-th person a phone of the range for fiction, in three formats.
func numberOf(n int) []string {
	d := fmt.Sprintf("%04d", n%10_000)
	return []string{"01 99 00 " + d[:2] + " " + d[2:], "+33 1 99 00 " + d[:2] + " " + d[2:], "0199.00." + d[:2] + "." + d[2:]}
}

// apiKey is a key of the account that may send more than a user.
func apiKey(t testing.TB, p *apptest.Program, a *apptest.Account) *apptest.Caller {
	t.Helper()
	key := a.Post("/v1/api-keys", object{
		"kind": "api_key", "name": "Race", "scopes": []string{"leads:create", "leads:read", "contacts:read"}, "rate_per_minute": 60_000,
	})
	return p.With(t, key.Is(http.StatusCreated).Str("secret"))
}

// unhurried lets every key and partner that was made so far send as much as there is.
func unhurried(t testing.TB, p *apptest.Program) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), p.OwnerURL)
	require.NoError(t, err)
	defer func() { _ = conn.Close(t.Context()) }()
	_, err = conn.Exec(t.Context(), `UPDATE credentials SET rate_per_minute = 60000`)
	require.NoError(t, err)
}

// manyOf are 32 enquiries of one person from two sources: the phone in three formats, e-mail and name in other case or absent.
func manyOf(t *testing.T, n int, by []*apptest.Caller, sources []string) []request {
	t.Helper()
	names := []object{
		{"first_name": "Hélène", "last_name": "Falk"}, {"first_name": "HELENE", "last_name": "FALK"}, {"full_name": "hélène falk"}, {},
	}
	emails := []string{"iris@fr.example", "IRIS@FR.EXAMPLE", ""}
	var out []request
	for i := range 32 {
		who := object{"phones": []object{{"raw": numberOf(n)[i%3]}}}
		maps.Copy(who, names[(i/2)%4])
		if e := emails[(i/3)%3]; e != "" {
			who["emails"] = []object{{"address": strconv.Itoa(n) + e}}
		}
		body := object{"contact": who, "source": sources[i%len(sources)], "comments": fmt.Sprint("enquiry ", i/8)}
		out = append(out, jsonRequest(t, by[i%len(by)], body))
	}
	return out
}

// linked wants one contact with one lead for each source, the first of which the others point to, and every enquiry accounted for.
func linked(t *testing.T, a *apptest.Caller, answers []*apptest.Answer, sources int) {
	t.Helper()
	contact, created, touched := "", 0, 0
	for _, got := range answers {
		var l object
		got.Into(&l)
		if id := word(l["contact_id"]); contact == "" {
			contact = id
		} else if id != "" {
			require.Equal(t, contact, id, "one contact")
		}
		switch obj(l["intake"])["outcome"] {
		case "created":
			created++
		case "touched":
			touched++
		}
	}
	leads := theirs(a, contact)
	require.Len(t, leads, sources, "one lead for each source")
	require.Equal(t, sources, created)
	credited, first, touches := map[any]bool{}, "", 0
	for _, l := range leads {
		l := obj(l)
		credited[l["source"]] = true
		touches += len(items(l["touches"]))
		if l["duplicate_of"] == nil {
			require.Empty(t, first, "one lead is the first")
			first = word(l["id"])
		}
	}
	require.Len(t, credited, sources, "each source is credited")
	require.NotEmpty(t, first)
	for _, l := range leads {
		if id := obj(l)["id"]; id != first {
			require.Equal(t, first, obj(l)["duplicate_of"])
		}
	}
	require.Equal(t, touched, touches, "every touch is kept")
}

func TestOnePersonFromTwoSourcesAtOnce(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	key := apiKey(t, p, p.Account(t))
	before := deadlocks(t, p)
	for n := range rounds(t, 10) {
		linked(t, key, together(t, manyOf(t, n, []*apptest.Caller{key}, []string{"Portail", "www.garage.example"})), 2)
	}
	assert.Equal(t, before, deadlocks(t, p))
}

// TestOnePersonByPartnerSiteAndUser sends the same person by three kinds of credentials at once.
func TestOnePersonByPartnerSiteAndUser(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	a := p.Account(t)
	partner, site, key := partnerOf(t, p, a, "Marque France"), siteKeyOf(t, p, a), apiKey(t, p, a)
	unhurried(t, p)
	before := deadlocks(t, p)
	for n := range rounds(t, 3) {
		requests := manyOf(t, n, []*apptest.Caller{key}, []string{"Comptoir"})
		for i := range requests {
			var body object
			require.NoError(t, json.Unmarshal(requests[i].body, &body))
			switch i % 3 {
			case 1:
				body["dealer_code"] = dealerCode
				requests[i] = jsonRequest(t, partner, body)
			case 2:
				body["source"] = "www.garage.example"
				requests[i] = jsonRequest(t, site, body, "Origin", siteOrigin)
			}
		}
		answers := together(t, requests)
		var told []*apptest.Answer // a site key is not told what became of it
		for i, got := range answers {
			if i%3 != 2 {
				told = append(told, got)
			} else {
				require.Equal(t, siteOrigin, got.Header.Get("Access-Control-Allow-Origin"), "the site may read the answer")
			}
		}
		contact := told[0].Str("contact_id")
		leads := theirs(key, contact)
		require.Len(t, leads, 3, "one lead for each source")
		credited, firsts := map[any]bool{}, 0
		for _, l := range leads {
			credited[obj(l)["source"]] = true
			if obj(l)["duplicate_of"] == nil {
				firsts++
			}
		}
		require.Equal(t, map[any]bool{"Comptoir": true, "Marque France": true, "www.garage.example": true}, credited)
		require.Equal(t, 1, firsts)
	}
	assert.Equal(t, before, deadlocks(t, p))
}

// TestDocumentsWithTheSamePeople sends documents that name the same people in opposite order, and share their ids or not.
func TestDocumentsWithTheSamePeople(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	key := apiKey(t, p, p.Account(t))
	before := deadlocks(t, p)
	for n := range rounds(t, 5) {
		people := make([][]byte, 8)
		for i := range people {
			people[i] = fmt.Appendf(nil, `<prospect><id source="portail">%d-%d</id><customer><contact><name part="full">Person %c Falk</name><phone>%s</phone>`+
				`<email>p%d-%d@fr.example</email></contact><comments>Bonjour</comments></customer></prospect>`, n, i, 'A'+i, numberOf(1000 + n*8 + i)[i%3], n, i)
		}
		var requests []request
		for i := range 16 {
			doc := []byte("<adf>")
			for j := range people {
				at := j
				if i%2 == 1 {
					at = len(people) - 1 - j
				}
				person := people[(at+i/2)%len(people)]
				if i%4 >= 2 {
					person = bytes.Replace(person, []byte(`"portail">`), []byte(`"annuaire">`+uuid.NewString()), 1)
				}
				doc = append(doc, person...)
			}
			requests = append(requests, request{key, "/v1/leads/adf", append(doc, "</adf>"...), []string{"Content-Type", "text/xml"}})
		}
		together(t, requests)
	}
	assert.Equal(t, before, deadlocks(t, p))
	seen := map[any]int{}
	for _, c := range key.Get("/v1/contacts?limit=200").Is(http.StatusOK).List("data") {
		seen[word(obj(c)["full_name"])+obj(items(obj(c)["emails"])[0])["address"].(string)]++
	}
	for who, times := range seen {
		require.Equal(t, 1, times, "one contact of %s", who)
	}
}
