package intaketest

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
)

func mustJSON(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return b
}

// handle sends a body to the program's handler without a network. Whatever it is, the answer is a 2xx or a 4xx, and soon.
func handle(t testing.TB, p *apptest.Program, credential, path, media string, body []byte) *httptest.ResponseRecorder {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	req := httptest.NewRequestWithContext(ctx, http.MethodPost, path, bytes.NewReader(body))
	req.Header.Set("Content-Type", media)
	req.Header.Set("Authorization", "Bearer "+credential)
	got := httptest.NewRecorder()
	p.Server.Echo.ServeHTTP(got, req)
	require.True(t, got.Code >= 200 && got.Code < 300 || got.Code >= 400 && got.Code < 500, "%d %s\n%q", got.Code, got.Body, body)
	require.True(t, json.Valid(got.Body.Bytes()), "%s", got.Body)
	return got
}

func FuzzCreateLead(f *testing.F) {
	p := apptest.New(f)
	key := apiKey(f, p, p.Account(f))
	unhurried(f, p)
	f.Add(mustJSON(f, everyText(func(mark string) string { return mark })))
	for _, text := range texts {
		f.Add(mustJSON(f, object{"contact": object{"full_name": text, "phones": []object{{"raw": text}}, "emails": []object{{"address": text}}}, "comments": text}))
	}
	for _, seed := range []string{
		``, `null`, `[]`, `{}`, `{"contact":null}`, `{"contact":{"full_name":"\ud800"}}`, `{"contact":{"phones":[{"raw":"+"}]}}`, "{\"comments\":\"\xff\"}",
		`{"contact":{"full_name":"x"},"requested_at":"0000-01-01T00:00:00Z"}`, `{"contact":{"full_name":"x"},"requested_at":"9999-12-31T23:59:60-23:59"}`,
		`{"contact":{"full_name":"x"},"trade_ins":[{"odometer":{"value":1e308,"unit":"km"}}]}`, `{"contact":{"full_name":"x"},"finance":{"total":{"amount_minor":9223372036854775807,"currency":"EUR"}}}`,
		`{"contact":{"full_name":"x"},"custom":{"a":1e400}}`, `{"contact":{"addresses":[{"lines":["\u0001"],"country":"XX"}]}}`, `{"contact_id":"00000000-0000-0000-0000-000000000000"}`,
		`{"contact":{"full_name":"x"},"timeframe":{"earliest":"-0001-01-01T00:00:00Z"}}`, `{"contact":{"full_name":"x"},"consents":[{"channel":"email","purpose":"marketing","at":"10000-01-01T00:00:00Z"}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got := handle(t, p, key.Credential, "/v1/leads", "application/json", body)
		if got.Code < 300 {
			var lead object
			require.NoError(t, json.Unmarshal(got.Body.Bytes(), &lead))
			wellFormed(t, key.For(t).Get("/v1/leads/"+word(lead["id"]), "Accept", mediaADF).Is(http.StatusOK).Body)
		}
	})
}

func FuzzADF(f *testing.F) {
	p := apptest.New(f)
	key := apiKey(f, p, p.Account(f))
	unhurried(f, p)
	for _, folder := range []string{"corpus", "hostile"} {
		for _, s := range samples(f, folder) {
			f.Add(s.Data)
		}
	}
	for _, seed := range []string{
		`<adf><prospect><requestdate>0000-00-00T99:99:99Z</requestdate><customer><contact><name>x</name></contact></customer></prospect></adf>`,
		`<adf><prospect><requestdate>9999-12-31T23:59:59-99:99</requestdate><customer><comments>x</comments></customer></prospect></adf>`,
		`<adf><prospect><customer><timeframe><earliestdate>0001-01-01</earliestdate></timeframe><comments>x</comments></customer></prospect></adf>`,
		`<adf><prospect><id source="a">` + "\x01\x02" + `</id><customer><comments>&#0;&#1;&#xD800;&#x110000;</comments></customer></prospect></adf>`,
		`<adf><prospect><vehicle><odometer>99999999999999999999</odometer><price currency="€">99999999999999999999.99</price><year>99999</year></vehicle></prospect></adf>`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got := handle(t, p, key.Credential, "/v1/leads/adf", "text/xml", body)
		handle(t, p, key.Credential, "/v1/leads/adf/validate", "text/plain", body)
		if got.Code == http.StatusCreated {
			var r object
			require.NoError(t, json.Unmarshal(got.Body.Bytes(), &r))
			for _, l := range items(r["leads"]) {
				wellFormed(t, key.For(t).Get("/v1/leads/"+word(obj(l)["id"]), "Accept", mediaADF).Is(http.StatusOK).Body)
			}
		}
	})
}
