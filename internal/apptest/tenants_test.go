package apptest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
	"github.com/rooftop-crm/rooftop/internal/calendars/calendarsdb"
	"github.com/rooftop-crm/rooftop/internal/core"
	"github.com/rooftop-crm/rooftop/internal/files"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/links"
	"github.com/rooftop-crm/rooftop/internal/platform/worktime"
)

// names are what paths and bodies of the tables below are written with: "{lead}" stands for names["lead"].
type names map[string]string

// with is the same with some of them replaced.
func (n names) with(others names) names {
	out := maps.Clone(n)
	maps.Copy(out, others)
	return out
}

// own gives every name under "own.", beside those of another account.
func (n names) own() names {
	out := names{}
	for k, v := range n {
		out["own."+k] = v
	}
	return out
}

var placeholder = regexp.MustCompile(`\{([a-z0-9_.-]+)\}`)

func (n names) in(t testing.TB, text string) string {
	t.Helper()
	return placeholder.ReplaceAllStringFunc(text, func(p string) string {
		v, ok := n[p[1:len(p)-1]]
		require.True(t, ok, "nothing is called %s", p)
		return v
	})
}

// send sends a request that is written with names. A body that begins with "<" is ADF, with "grant_type" or "token" a form.
func (n names) send(t testing.TB, c *apptest.Caller, method, path, body string, headers ...string) *apptest.Answer {
	t.Helper()
	body = n.in(t, body)
	media := "application/json"
	switch {
	case strings.HasPrefix(body, "<"):
		media = "application/xml"
	case strings.HasPrefix(body, "token=") || strings.HasPrefix(body, "grant_type="):
		media = "application/x-www-form-urlencoded"
	case strings.HasPrefix(body, "--part\r\n"):
		media = "multipart/form-data; boundary=part"
	case method == http.MethodPatch:
		media = "application/merge-patch+json"
	}
	var raw []byte
	if body != "" {
		raw, headers = []byte(body), append([]string{"Content-Type", media}, headers...)
	}
	return c.For(t).Send(method, n.in(t, path), raw, headers...)
}

// tenant is an account with something in every table.
type tenant struct {
	*apptest.Account
	names
	partner *partner // sends it leads
}

// partner is an OEM that is signed in.
type partner struct {
	*apptest.Caller
	core.IssuedClient
}

func newPartner(t testing.TB, p *apptest.Program, name string) *partner {
	t.Helper()
	code := "oem-" + uuid.NewString()[:8]
	made, err := p.Core.CreatePartner(t.Context(), name, code)
	require.NoError(t, err)
	return &partner{Caller: p.Token(t, clientForm(made.ClientID, made.ClientSecret)), IssuedClient: made}
}

func clientForm(id, secret string) url.Values {
	return url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}}
}

// grant lets a partner send leads to a dealership and read what became of them.
func (a *tenant) grant(p *partner, dealership, code string, scopes ...string) string {
	if scopes == nil {
		scopes = []string{"leads:create", "leads:read"}
	}
	return a.Post("/v1/grants", object{
		"partner_code": p.Code, "dealership_id": dealership, "dealer_code": code, "scopes": scopes,
	}).Is(http.StatusCreated).Str("id")
}

// canary is a text of an account that nobody else may ever be shown: every text field of fill has one of its own.
func canary(tag, field string) string { return "canary-" + tag + "-" + field }

// document is one ADF prospect of a person.
func document(id, vendor, name string) string {
	return `<?xml version="1.0"?><adf><prospect><id source="` + name + `-source">` + id + `</id><requestdate>2026-11-02T10:00:00+01:00</requestdate>
<vehicle><make>` + name + `-make</make><model>` + name + `-model</model></vehicle><customer><contact><name part="full">` + name + `-person</name>
<email>` + name + `@fr.example</email></contact><comments>` + name + `-comments</comments></customer>
<vendor><id source="` + name + `-scheme">` + vendor + `</id><vendorname>` + name + `-vendor</vendorname></vendor></prospect></adf>`
}

// enquiryOf is an enquiry with every field, each with a canary.
func enquiryOf(tag, one string, change object) object {
	c := func(field string) string { return canary(tag, one+"-"+field) }
	body := object{
		"type": "sales", "channel": "web", "source": c("source"), "comments": c("comments"), "requested_at": "2026-11-02T10:00:00Z",
		"provider": object{"name": c("provider"), "service": c("service"), "url": "https://" + c("url") + ".example"}, "vendor": object{"name": c("vendor")},
		"contact": object{
			"civility": "Mme", "first_name": c("first"), "last_name": c("last"), "emails": []any{object{"address": c("mail") + "@fr.example"}},
			"addresses": []any{object{"lines": []any{c("line")}, "postal_code": "42000", "city": c("city"), "region": c("region"), "country": "FR"}},
		},
		"answers":              []any{object{"question": c("question"), "answer": c("answer")}},
		"vehicles_of_interest": []any{object{"make": c("make"), "model": c("model"), "trim": c("trim"), "stock_number": c("stock"), "extras": object{"note": c("extra")}}},
		"trade_ins":            []any{object{"make": c("old-make"), "model": c("old-model")}},
		"timeframe":            object{"description": c("timeframe")},
		"external_refs":        []any{object{"source": c("ref-source"), "id": c("ref")}},
		"attribution":          object{"utm_source": c("utm"), "utm_campaign": c("campaign"), "landing_url": "https://" + c("landing") + ".example", "form_name": c("form")},
		"consents":             []any{object{"channel": "email", "purpose": "marketing", "given": true, "text": c("consent")}},
		"custom":               object{"secret": c("custom")},
	}
	maps.Copy(body, change)
	return body
}

// fill makes an account and, through the API, something in each of its tables. digit tells the accounts' phone numbers apart.
func fill(t testing.TB, p *apptest.Program, tag string, digit int) *tenant {
	t.Helper()
	a := &tenant{Account: p.Account(t), partner: newPartner(t, p, "Exemple "+tag), names: names{}}
	c := func(field string) string { return canary(tag, field) }
	n := a.names
	a.JSON(http.MethodPatch, "/v1/account", object{
		"name": c("account"), "custom_schemas": object{"lead": object{"type": "object", "description": c("schema")}},
	}).Is(http.StatusOK)
	n["account"], n["admin"], n["admin_email"], n["first_dealership"] = a.ID.String(), a.AdminID.String(), a.AdminEmail, a.Dealership

	n["brand"], n["dealer_code"], n["further_code"], n["dealership_ref"] = c("brand"), c("dealer-code"), c("further-code"), c("dealership-ref")
	n["dealership"] = a.Post("/v1/dealerships", object{
		"name": c("dealership"), "legal_name": c("legal"), "brands": []any{n["brand"]}, "phone": fmt.Sprintf("01 99 00 %d0 01", digit),
		"address": object{"lines": []any{c("line")}, "postal_code": "42000", "city": c("city"), "region": c("region")},
		"email":   c("dealership") + "@fr.example", "website": "https://" + c("site") + ".example", "is_default": true,
		"position": object{"latitude": 45.5, "longitude": 4.5}, "custom": object{"secret": c("dealership-custom")},
		"codes":         []any{object{"scheme": c("scheme"), "code": n["dealer_code"]}, object{"scheme": c("scheme"), "code": c("further-code")}},
		"external_refs": []any{object{"source": "dms", "id": n["dealership_ref"]}},
	}).Is(http.StatusCreated).Str("id")
	gone := a.AddDealership(c("gone-dealership"))
	a.JSON(http.MethodDelete, "/v1/dealerships/"+gone, nil).Is(http.StatusNoContent)
	n["gone_dealership"] = gone
	a.fillPeople(c)
	a.fillSignIn(t, p, c)
	a.fillCalendars(t, p, c)
	a.fillContacts(c, digit)
	a.fillLeads(t, tag, c)
	a.fillFiles(t, p, c)
	a.fillKeys(c)
	require.NoError(t, p.DB.InTx(t.Context(), func(ctx context.Context) error {
		_, _, err := p.Links.Issue(ctx, auth.System(a.ID), links.New{Purpose: "test", Subject: uuid.UUID(a.AdminID)})
		return err
	}))
	a.fillImports(t, c)
	apptest.Await(t, "events are numbered", func() bool { return len(a.Get("/v1/events?type=account.updated").Is(http.StatusOK).List("data")) > 0 })
	n["event"] = a.Get("/v1/events?type=account.updated").Str("data.0.id")
	a.fillWebhooks(t, c)
	n["event_cursor"] = a.Get("/v1/events?limit=1").Str("next_cursor")
	a.fillMessages(t, p, c)
	n["lead_cursor"] = a.Get("/v1/leads?limit=1").Str("next_cursor")
	for name, path := range map[string]string{
		"dealership": "/v1/dealerships", "user": "/v1/users", "key": "/v1/api-keys", "grant": "/v1/grants", "contact": "/v1/contacts", "inbox": "/v1/inbox", "file": "/v1/files",
		"file_link": "/v1/files/" + n["file"] + "/links",
		"audit":     "/v1/audit-log", "session": "/v1/sessions",
		"hours": "/v1/opening-hours", "closure": "/v1/closures", "shift": "/v1/shifts", "absence": "/v1/absences", "external": "/v1/external-calendars",
		"presence": "/v1/presence", "staff": "/v1/staff?dealership_id=" + n["dealership"] + "&",
		"webhook": "/v1/webhook-endpoints", "delivery": "/v1/webhook-deliveries",
		"import": "/v1/imports", "export": "/v1/exports", "job": "/v1/jobs",
	} {
		n[name+"_cursor"] = a.Get(strings.Replace(path+"?limit=1", "&?", "&", 1)).Is(http.StatusOK).Str("next_cursor")
	}
	for name, path := range map[string]string{
		"template": "message-templates", "mail": "mails", "address": "mail-addresses", "inbound": "inbound-messages",
	} {
		n[name+"_cursor"] = a.Get("/v1/" + path + "?limit=1").Is(http.StatusOK).Str("next_cursor")
		n[name+"_changes"] = a.Get("/v1/" + path + "/changes?limit=1").Is(http.StatusOK).Str("next_cursor")
	}
	for _, name := range []string{"lead", "contact", "dealership", "user", "api-key", "grant", "webhook-endpoint", "job", "import", "export", "file"} {
		n[name+"_changes"] = a.Get("/v1/" + name + "s/changes?limit=1").Is(http.StatusOK).Str("next_cursor")
	}
	for name, path := range map[string]string{
		"hours": "opening-hours", "closure": "closures", "shift": "shifts", "absence": "absences", "external": "external-calendars", "presence": "presence", "inbox": "inbox",
	} {
		n[name+"_changes"] = a.Get("/v1/" + path + "/changes?limit=1").Is(http.StatusOK).Str("next_cursor")
	}
	return a
}

// fillCalendars makes two of each, one of which is deleted.
func (a *tenant) fillCalendars(t testing.TB, p *apptest.Program, c func(string) string) {
	t.Helper()
	n := a.names
	for _, one := range []struct {
		name, path string
		body       func(tag string) object
	}{
		{"hours", "/v1/opening-hours", func(tag string) object {
			department := map[string]string{"hours": "sales", "gone-hours": "service", "spare-hours": "parts"}[tag]
			return object{
				"dealership_id": n["dealership"], "department": department, "week": []any{object{"day": "monday", "from": "09:00", "to": "18:00"}},
				"exceptions": []any{object{"date": "2026-12-24", "note": c(tag)}},
			}
		}},
		{"closure", "/v1/closures", func(tag string) object {
			return object{"dealership_id": n["dealership"], "label": c(tag), "starts": "2026-12-07T12:00", "ends": "2026-12-07T14:00", "rrule": "FREQ=MONTHLY;BYDAY=1MO"}
		}},
		{"shift", "/v1/shifts", func(tag string) object {
			day := map[string]string{"shift": "monday", "gone-shift": "tuesday", "spare-shift": "friday"}[tag]
			return object{"user_id": n["seller"], "dealership_id": n["dealership"], "day": day, "from": "09:00", "to": "18:00"}
		}},
		{"absence", "/v1/absences", func(tag string) object {
			month := map[string]string{"absence": "01", "gone-absence": "02", "spare-absence": "03"}[tag]
			return object{"user_id": n["seller"], "kind": "vacation", "starts_at": "2027-" + month + "-04T08:00:00Z", "ends_at": "2027-" + month + "-08T17:00:00Z", "note": c(tag)}
		}},
		{"external", "/v1/external-calendars", func(tag string) object {
			return object{"user_id": n["seller"], "name": c(tag), "url": "https://calendar.example/" + c(tag), "paused": true}
		}},
	} {
		n[one.name] = a.Post(one.path, one.body(one.name)).Is(http.StatusCreated).Str("id")
		a.Post(one.path, one.body("spare-"+one.name)).Is(http.StatusCreated)
		gone := a.Post(one.path, one.body("gone-"+one.name)).Is(http.StatusCreated).Str("id")
		a.JSON(http.MethodDelete, one.path+"/"+gone, nil).Is(http.StatusNoContent)
		n["gone_"+one.name] = gone
	}
	id, err := kernel.ParseID[kernel.ExternalCalendarID](n["external"])
	require.NoError(t, err)
	busy := worktime.Interval{From: time.Date(2027, 1, 4, 8, 0, 0, 0, time.UTC), To: time.Date(2027, 1, 4, 9, 0, 0, 0, time.UTC)}
	require.NoError(t, p.DB.InTx(t.Context(), func(ctx context.Context) error {
		return calendarsdb.New(p.DB).Staff.ReplaceBusy(ctx, a.ID, id, []worktime.Interval{busy})
	}))
	a.JSON(http.MethodPut, "/v1/presence/"+n["seller"], object{"state": "away"}).Is(http.StatusCreated)
	a.JSON(http.MethodPut, "/v1/presence/"+a.AdminID.String(), object{"state": "in"}).Is(http.StatusCreated)
}

// fillImports reads a file with a row of each state, and writes one; twice, so that lists have a further page.
func (a *tenant) fillImports(t testing.TB, c func(string) string) {
	t.Helper()
	n := a.names
	n["mapping"] = c("mapping")
	for range 2 {
		made := a.Post("/v1/imports", object{
			"kind": "contacts", "source": c("import-source"), "file_name": c("file"), "save_mapping_as": n["mapping"],
			"text": "external_id,last_name,email\n1," + c("imported") + "," + c("imported") + "@fr.example\n2," + c("faulty") + ",no address\n",
		})
		followed(t, a.Caller, made)
		n["import"], n["job"] = made.Str("id"), made.Str("job_id")
		export := a.Post("/v1/exports", object{"kind": "contacts"})
		followed(t, a.Caller, export)
		n["export"] = export.Str("id")
	}
}

func (a *tenant) fillPeople(c func(string) string) {
	n := a.names
	hire := func(name string, roles []any) string {
		return a.Post("/v1/users", object{
			"email": c(name) + "@fr.example", "password": apptest.Password, "first_name": c(name + "-first"), "last_name": c(name + "-last"), "roles": roles,
		}).Is(http.StatusCreated).Str("id")
	}
	n["user_email"] = c("user") + "@fr.example"
	n["user"] = hire("user", []any{object{"role": "agent"}})
	n["seller"] = hire("seller", []any{object{"role": "salesperson", "dealership_id": n["dealership"]}})
	n["gone_user"] = hire("gone-user", []any{})
	a.JSON(http.MethodDelete, "/v1/users/"+n["gone_user"], nil).Is(http.StatusNoContent)
}

// linkToken is the secret of a link.
func linkToken(t testing.TB, link string) string {
	t.Helper()
	_, token, ok := strings.Cut(link, "#token=")
	require.True(t, ok, link)
	return token
}

// fillSignIn sets up a second factor, an invitation and a password reset.
func (a *tenant) fillSignIn(t testing.TB, p *apptest.Program, c func(string) string) {
	t.Helper()
	n := a.names
	p.SignIn(t, a.AdminEmail) // a second session
	n["gone_email"] = c("gone-user") + "@fr.example"
	invited, link, err := p.Core.OperatorInvites(t.Context(), a.ID, core.UserDetails{Email: c("invited") + "@fr.example"})
	require.NoError(t, err)
	n["invited"], n["invite_token"] = invited.ID.String(), linkToken(t, link)
	link, err = p.Core.OperatorResetsPassword(t.Context(), c("seller")+"@fr.example")
	require.NoError(t, err)
	n["reset_token"] = linkToken(t, link)
	n["session"] = a.Get("/v1/sessions").Is(http.StatusOK).Str("data.0.id")
	n["guarded"] = a.Post("/v1/users", object{"email": c("guarded") + "@fr.example", "password": apptest.Password}).Is(http.StatusCreated).Str("id")
	guarded := p.SignIn(t, c("guarded")+"@fr.example")
	secret := guarded.Post("/v1/me/second-factor", object{"password": apptest.Password}).Is(http.StatusCreated).Str("secret")
	n["recovery_code"] = guarded.Post("/v1/me/second-factor/confirm", object{"code": appCode(t, secret, 0)}).Is(http.StatusOK).Str("recovery_codes.0")
}

func (a *tenant) fillContacts(c func(string) string, digit int) {
	n := a.names
	n["contact_ref"], n["contact_email"], n["contact_phone"] = c("contact-ref"), c("contact")+"@fr.example", fmt.Sprintf("+3319900%d002", digit)
	body := object{
		"civility": "Mme", "first_name": c("contact-first"), "last_name": c("contact-last"), "company_name": c("company"), "language": "fr",
		"emails": []any{object{"address": n["contact_email"]}}, "phones": []any{object{"raw": n["contact_phone"]}},
		"addresses":     []any{object{"lines": []any{c("contact-line")}, "postal_code": "42000", "city": c("contact-city"), "region": c("contact-region"), "country": "FR"}},
		"external_refs": []any{object{"source": "crm", "id": n["contact_ref"]}}, "custom": object{"secret": c("contact-custom")},
		"tags": []any{c("tag")}, "owner_id": n["user"],
	}
	n["contact_tag"] = c("tag")
	n["contact"] = a.Post("/v1/contacts", body, "Idempotency-Key", n["contact_ref"]).Is(http.StatusCreated).Str("id")
	n["gone_contact"] = a.Post("/v1/contacts", object{"full_name": c("gone-contact")}).Is(http.StatusCreated).Str("id")
	a.JSON(http.MethodDelete, "/v1/contacts/"+n["gone_contact"], nil).Is(http.StatusNoContent)
}

func (a *tenant) fillLeads(t testing.TB, tag string, c func(string) string) {
	t.Helper()
	n := a.names
	n["lead_ref_source"], n["lead_ref"], n["lead_key"], n["lead_email"] = c("one-ref-source"), c("one-ref"), c("lead-key"), c("one-mail")+"@fr.example"
	n["lead"] = a.Post("/v1/leads", enquiryOf(tag, "one", object{"dealership_id": n["dealership"]}), "Idempotency-Key", n["lead_key"]).Is(http.StatusCreated).Str("id")
	a.Post("/v1/leads/"+n["lead"]+"/assign", object{"assignee_id": n["user"], "reason": c("assign-reason")}).Is(http.StatusOK)
	a.Post("/v1/leads/"+n["lead"]+"/status", object{"status": "in_contact", "reason": c("status-reason"), "note": c("status-note")}).Is(http.StatusOK)
	n["gone_lead"] = a.Post("/v1/leads", enquiryOf(tag, "gone", object{"dealership_id": n["dealership"]})).Is(http.StatusCreated).Str("id")
	a.JSON(http.MethodDelete, "/v1/leads/"+n["gone_lead"], nil).Is(http.StatusNoContent)

	sent := n.send(t, a.Caller, http.MethodPost, "/v1/leads/adf", document(c("adf-ref"), n["dealer_code"], c("adf"))).Is(http.StatusCreated)
	n["inbox"], n["adf_lead"] = sent.Str("inbox_id"), sent.Str("leads.0.id")
	cut := document(c("cut-ref"), n["dealer_code"], c("cut"))
	n["quarantined"] = n.send(t, a.Caller, http.MethodPost, "/v1/leads/adf", cut[:len(cut)-40]).Is(http.StatusAccepted).Str("inbox_id")

	n["grant_code"] = c("grant-code")
	n["grant"] = a.grant(a.partner, n["dealership"], n["grant_code"])
	a.grant(a.partner, n["first_dealership"], c("grant-code-2"))
	n["partner_code"], n["partner_credential"] = a.partner.Code, strings.TrimPrefix(a.partner.ClientID, "partner_")
	n["partner_lead"] = a.partner.Post("/v1/leads", enquiryOf(tag, "oem", object{"dealer_code": n["grant_code"]})).Is(http.StatusCreated).Str("id")
	lost := document(c("lost-ref"), c("lost-vendor"), c("lost"))
	n.send(t, a.partner.Caller, http.MethodPost, "/v1/leads/adf", lost).Is(http.StatusUnprocessableEntity)
}

// fillFiles uploads a file that something uses and has links, one that nothing uses, and one that is gone.
func (a *tenant) fillFiles(t testing.TB, p *apptest.Program, c func(string) string) {
	t.Helper()
	n := a.names
	n["file_key"] = c("file-key")
	upload := func(name string) string {
		return a.Post("/v1/files?name="+c(name)+".json", object{"secret": c(name + "-content")}, "Idempotency-Key", c(name+"-key")).Is(http.StatusCreated).Str("id")
	}
	n["file"], n["free_file"], n["gone_file"] = upload("file"), upload("free-file"), upload("gone-file")
	a.JSON(http.MethodDelete, "/v1/files/"+n["gone_file"], nil).Is(http.StatusNoContent)
	id, err := kernel.ParseID[kernel.FileID](n["file"])
	require.NoError(t, err)
	require.NoError(t, p.Files.Attach(t.Context(), auth.System(a.ID), id, files.Use{Resource: "lead", ID: uuid.MustParse(n["lead"])}))
	n["file_link"] = a.Post("/v1/files/"+n["file"]+"/links", object{}).Is(http.StatusCreated).Str("id")
	a.Post("/v1/files/"+n["file"]+"/links", object{}).Is(http.StatusCreated)
}

func (a *tenant) fillKeys(c func(string) string) {
	n := a.names
	key := func(body object) *apptest.Answer { return a.Post("/v1/api-keys", body).Is(http.StatusCreated) }
	made := key(object{"kind": "api_key", "name": c("key"), "scopes": []any{"leads:read"}, "dealership_ids": []any{n["dealership"]}})
	n["key"], n["key_secret"] = made.Str("id"), made.Str("secret")
	n["site_origin"] = "https://" + c("origin") + ".example"
	made = key(object{"kind": "site_key", "name": c("site-key"), "scopes": []any{"leads:create"}, "origins": []any{n["site_origin"]}})
	n["site_key"], n["site_secret"] = made.Str("id"), made.Str("secret")
	made = key(object{"kind": "client", "name": c("client"), "scopes": []any{"leads:read"}})
	n["client"], n["client_id"], n["client_secret"] = made.Str("id"), made.Str("client_id"), made.Str("secret")
	n["rotating"] = n["client"]
	a.Post("/v1/api-keys/"+n["rotating"]+"/rotate", nil).Is(http.StatusOK)
}

// fillWebhooks makes endpoints, and two deliveries that failed to leave: nothing answers there. Then no more is sent.
func (a *tenant) fillWebhooks(t testing.TB, c func(string) string) {
	t.Helper()
	n := a.names
	n["webhook"] = a.Post("/v1/webhook-endpoints", object{
		"url": "https://" + apptest.Unreachable + "/" + c("hook"), "description": c("hook-description"), "event_types": []any{"none.such"}, "dealership_ids": []any{n["dealership"]},
	}).Is(http.StatusCreated).Str("id")
	for range 2 {
		n["delivery"] = a.Post("/v1/webhook-endpoints/"+n["webhook"]+"/test", nil).Is(http.StatusAccepted).Str("id")
		apptest.Await(t, "a delivery was tried", func() bool {
			return a.Get("/v1/webhook-deliveries/"+n["delivery"]).At("attempts") != float64(0)
		})
	}
	a.JSON(http.MethodPatch, "/v1/webhook-endpoints/"+n["webhook"], object{"enabled": false}).Is(http.StatusOK)
	a.Post("/v1/webhook-endpoints", object{"url": "https://hooks.example/" + c("other-hook"), "enabled": false}).Is(http.StatusCreated)
	n["gone_webhook"] = a.Post("/v1/webhook-endpoints", object{"url": "https://hooks.example/" + c("gone-hook"), "enabled": false}).Is(http.StatusCreated).Str("id")
	a.JSON(http.MethodDelete, "/v1/webhook-endpoints/"+n["gone_webhook"], nil).Is(http.StatusNoContent)
}

func (a *tenant) fillMessages(t testing.TB, p *apptest.Program, c func(string) string) {
	t.Helper()
	n := a.names
	word := func(language string, dealership any) string {
		return a.Post("/v1/message-templates", object{
			"name": "user.security_notice", "language": language, "dealership_id": dealership, "subject": c("template-subject"), "text": c("template-text") + " {{notice}}",
			"html": "<p>" + c("template-html") + "</p>",
		}).Is(http.StatusCreated).Str("id")
	}
	n["template"], n["gone_template"] = word("fr", n["dealership"]), word("de", nil)
	a.JSON(http.MethodDelete, "/v1/message-templates/"+n["gone_template"], nil).Is(http.StatusNoContent)
	word("es", nil)
	word("it", nil)
	for range 2 {
		n["mail"] = a.Post("/v1/message-templates/test", object{
			"name": "user.security_notice", "language": "fr", "dealership_id": n["dealership"], "variables": []any{object{"name": "notice", "value": c("notice")}},
		}).Is(http.StatusCreated).Str("id")
	}
	open := func(label string) *apptest.Answer {
		return a.Post("/v1/mail-addresses", object{"label": c(label), "dealership_id": n["dealership"], "source": c("mail-source")}).Is(http.StatusCreated)
	}
	made := open("desk")
	n["address"], n["address_email"], n["address_source"] = made.Str("id"), made.Str("address"), c("mail-source")
	n["gone_address"] = open("gone-desk").Str("id")
	a.JSON(http.MethodDelete, "/v1/mail-addresses/"+n["gone_address"], nil).Is(http.StatusNoContent)
	open("other-desk")
	for i := range 2 {
		raw := fmt.Appendf(nil, "From: %s <%s@fr.example>\r\nSubject: %s\r\nMessage-ID: <%d-%s@fr.example>\r\n\r\n%s", c("writer"), c("writer-mail"), c("mail-subject"), i, c("mail-id"), c("mail-body"))
		p.Receive(t, c("writer-mail")+"@fr.example", n["address_email"], raw)
	}
	n["inbound"] = a.Get("/v1/inbound-messages").Is(http.StatusOK).Str("data.0.id")
}

// settle waits until the mail and the background work of an account are at rest, so that what is seen to change is nobody
// else's doing. Work that is being done is due within minutes, when its lease ends; what is left is due much later.
func settle(t testing.TB, conn *pgx.Conn, account kernel.AccountID) {
	t.Helper()
	apptest.Await(t, "the mail and the work of the account are at rest", func() bool {
		return collect[int](t, conn, `SELECT (SELECT count(*) FROM mails WHERE account_id = $1 AND state IN ('queued', 'sending'))
			+ (SELECT count(*) FROM inbound_messages WHERE account_id = $1 AND checks IS NULL)
			+ (SELECT count(*) FROM webhook_lanes WHERE account_id = $1 AND (queued_at IS NOT NULL OR holder IS NOT NULL))
			+ (SELECT count(*) FROM due_work WHERE account_id = $1 AND due_at < now() + interval '10 minutes')`, account)[0] == 0
	})
}

// random is the same names for things that are nobody's.
func (n names) random() names {
	out := names{}
	for name, v := range n {
		_, notAnID := uuid.Parse(v)
		switch {
		case notAnID == nil:
			out[name] = uuid.NewString()
		case strings.HasSuffix(name, "_cursor") || strings.HasSuffix(name, "_changes"):
			out[name] = strings.Repeat("A", len(v))
		case strings.HasPrefix(v, "+"):
			out[name] = "+33199009009"
		default:
			kept, _ := strings.CutPrefix(v, strings.TrimSuffix(v, "@fr.example"))
			out[name] = "random-" + uuid.NewString()[:8] + kept
		}
	}
	return out
}

// owner is a connection that row security does not bind.
func owner(t testing.TB, p *apptest.Program) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), p.OwnerURL)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func collect[T any](t testing.TB, conn *pgx.Conn, sql string, args ...any) []T {
	t.Helper()
	r, err := conn.Query(t.Context(), sql, args...)
	require.NoError(t, err, sql)
	all, err := pgx.CollectRows(r, pgx.RowTo[T])
	require.NoError(t, err, sql)
	return all
}

// accountTables are the tables that have rows of accounts, tenant tables and control plane alike.
func accountTables(t testing.TB, conn *pgx.Conn) []string {
	t.Helper()
	return collect[string](t, conn, `SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'account_id'
		WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace ORDER BY 1`)
}

// checksums is what is in each table for an account, and how many rows: any change of any column shows.
func checksums(t testing.TB, p *apptest.Program, a *tenant) map[string]string {
	t.Helper()
	conn := owner(t, p)
	settle(t, conn, a.ID)
	awaitNumbers(t, conn)
	assertTypesListed(t, conn)
	sums := map[string]string{}
	sum := func(table, column string, id any) {
		sql := fmt.Sprintf(`SELECT count(*) || ' rows ' || coalesce(md5(string_agg(t::text, E'\n' ORDER BY t::text)), '') FROM %s t WHERE %s = $1`,
			pgx.Identifier{table}.Sanitize(), pgx.Identifier{column}.Sanitize())
		sums[table] = collect[string](t, conn, sql, id)[0]
	}
	for _, table := range accountTables(t, conn) {
		sum(table, "account_id", a.ID)
	}
	sum("accounts", "id", a.ID)
	sum("partner_inbox", "partner_id", a.partner.ID)
	return sums
}

// idsOf lists every id that an account's rows have.
func idsOf(t testing.TB, p *apptest.Program, a *tenant) []string {
	t.Helper()
	conn := owner(t, p)
	columns := collect[[2]string](t, conn, `SELECT ARRAY[c.relname, a.attname]::text[] FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
		WHERE a.atttypid = 'uuid'::regtype AND c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND a.attname <> 'partner_id'
		AND EXISTS (SELECT FROM pg_attribute b WHERE b.attrelid = c.oid AND b.attname = 'account_id')`)
	all := []string{a.ID.String()}
	for _, col := range columns {
		all = append(all, collect[string](t, conn, fmt.Sprintf(`SELECT DISTINCT %s::text FROM %s WHERE account_id = $1 AND %[1]s IS NOT NULL`,
			pgx.Identifier{col[1]}.Sanitize(), pgx.Identifier{col[0]}.Sanitize()), a.ID)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// shapeOf is an answer without what differs between two callings of the same thing: ids, times and the texts of names.
func shapeOf(t testing.TB, a *apptest.Answer, said names) string {
	t.Helper()
	if len(a.Body) == 0 {
		return fmt.Sprint(a.Status)
	}
	text := string(a.Body)
	longestFirst := slices.SortedFunc(maps.Values(said), func(x, y string) int { return len(y) - len(x) })
	for _, v := range longestFirst {
		if len(v) > 5 {
			quoted, err := json.Marshal(v)
			require.NoError(t, err)
			text = strings.ReplaceAll(text, string(quoted[1:len(quoted)-1]), "…")
		}
	}
	text = volatile.ReplaceAllString(text, "…")
	return fmt.Sprint(a.Status, " ", a.Header.Get("Content-Type"), " ", text)
}

var volatile = regexp.MustCompile(`-[a-z2-7]{8}@|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}|[0-9a-f]{32,64}|\d{4}-\d\d-\d\dT[0-9:.]+Z|"(access_token|refresh_token|secret|next_cursor|(next_)?prefix)":"[^"]*"|(?m)^id: \S+$`)
