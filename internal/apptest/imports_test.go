package apptest_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
)

// followed waits until the job of a 202 has ended.
func followed(t testing.TB, c *apptest.Caller, accepted *apptest.Answer) *apptest.Answer {
	t.Helper()
	at := accepted.Is(http.StatusAccepted).Header.Get("Location")
	assert.Equal(t, "1", accepted.Header.Get("Retry-After"))
	assert.Equal(t, "/v1/jobs/"+accepted.Str("job_id"), at)
	var job *apptest.Answer
	apptest.Await(t, "the job ends", func() bool {
		job = c.Get(at).Is(http.StatusOK)
		return job.At("finished_at") != nil
	})
	return job
}

func importing(t testing.TB, a *apptest.Account, body object) (job, imported *apptest.Answer) {
	t.Helper()
	if body["kind"] == nil {
		body["kind"] = "contacts"
	}
	made := a.Post("/v1/imports", body)
	job = followed(t, a.Caller, made)
	return job, a.Get("/v1/imports/" + made.Str("id")).Is(http.StatusOK)
}

func rowsOf(t testing.TB, a *apptest.Account, imported *apptest.Answer, states string) []any {
	t.Helper()
	return a.Get("/v1/imports/" + imported.Str("id") + "/rows?state=" + states).Is(http.StatusOK).List("data")
}

const customers = "N° client;Prénom;Nom;Courriel;Portable;Étiquettes\n" +
	"17;Hélène;Dupont;Helene@Fr.Example;06 12 34 56 78;vip\n" +
	"18;Jean;Martin;jean.martin@fr.example;;\n" +
	"19;Marie;Petit;not an address;;\n"

func TestImportOfContacts(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	a := p.Account(t)
	known := a.Post("/v1/contacts", object{"first_name": "Jean", "last_name": "Martin", "emails": []any{object{"address": "jean.martin@fr.example"}}}).Is(201)

	seen := a.Post("/v1/imports/inspect", object{"kind": "contacts", "text": customers}).Is(200)
	assert.Equal(t, ";", seen.Str("delimiter"))
	assert.Equal(t, object{
		"N° client": "external_id", "Prénom": "first_name", "Nom": "last_name", "Courriel": "email", "Portable": "mobile", "Étiquettes": "tags",
	}, seen.At("mapping"))

	// A dry run tells what would happen, and changes nothing.
	job, dry := importing(t, a, object{"text": customers, "source": "dms", "dry_run": true, "save_mapping_as": "monthly"})
	assert.Equal(t, "succeeded", job.Str("status"), "%s", job.Body)
	counts := object{"rows": 3.0, "created": 1.0, "changed": 1.0, "unchanged": 0.0, "rejected": 1.0, "reverted": 0.0, "kept": 0.0}
	assert.Equal(t, counts, dry.At("counts"))
	assert.Len(t, a.Get("/v1/contacts").List("data"), 1)
	assert.Equal(t, known.Body, a.Get("/v1/contacts/"+known.Str("id")).Body)
	assert.Equal(t, "import.not_revertible", a.Post("/v1/imports/"+dry.Str("id")+"/revert", nil).Is(409).Code())
	assert.Equal(t, "monthly", a.Get("/v1/import-mappings?kind=contacts").Str("data.0.name"))

	job, done := importing(t, a, object{"text": customers, "source": "dms", "mapping_name": "monthly", "file_name": "customers.csv"})
	assert.Equal(t, object{"done": 3.0, "total": 3.0}, job.At("progress"))
	assert.Equal(t, counts, done.At("counts"))
	assert.Equal(t, "succeeded", done.Str("status"))

	rejected := rowsOf(t, a, done, "rejected")
	require.Len(t, rejected, 1)
	row := rejected[0].(object) //nolint:forcetypeassert // checked by the contract
	assert.InEpsilon(t, 4.0, row["line"], 0)
	fault := row["errors"].([]any)[0].(object) //nolint:forcetypeassert // checked by the contract
	assert.Equal(t, "Courriel", fault["column"])
	assert.Equal(t, "not an address", fault["value"])
	assert.NotEmpty(t, fault["detail"])

	changed := rowsOf(t, a, done, "changed")
	require.Len(t, changed, 1)
	assert.Equal(t, known.Str("id"), changed[0].(object)["subject_id"], "recognised by the e-mail address") //nolint:forcetypeassert // checked by the contract
	assert.Equal(t, []any{object{"field": "external_id", "before": "", "after": "18"}}, changed[0].(object)["changes"])

	found := a.Get("/v1/contacts?q=dupont").List("data")
	require.Len(t, found, 1)
	helene := found[0].(object) //nolint:forcetypeassert // checked by the contract
	assert.Equal(t, []any{object{"source": "dms", "id": "17"}}, helene["external_refs"])
	assert.Equal(t, "+33612345678", helene["phones"].([]any)[0].(object)["e164"])

	// The same file again changes nothing.
	_, again := importing(t, a, object{"text": customers, "source": "dms"})
	assert.InEpsilon(t, 2.0, again.At("counts.unchanged"), 0)

	// Revert: what was changed since is left alone.
	a.JSON(http.MethodPatch, "/v1/contacts/"+helene["id"].(string), object{"civility": "Mme"}).Is(200) //nolint:forcetypeassert // checked by the contract
	followed(t, a.Caller, a.Post("/v1/imports/"+done.Str("id")+"/revert", nil))
	back := a.Get("/v1/imports/" + done.Str("id")).Is(200)
	assert.Equal(t, "reverted", back.Str("status"))
	assert.Equal(t, object{"rows": 3.0, "created": 0.0, "changed": 0.0, "unchanged": 0.0, "rejected": 1.0, "reverted": 1.0, "kept": 1.0}, back.At("counts"))
	assert.Empty(t, a.Get("/v1/contacts/"+known.Str("id")).Is(200).List("external_refs"))
	kept := rowsOf(t, a, done, "kept")[0].(object) //nolint:forcetypeassert // checked by the contract
	assert.Equal(t, "import.changed_since", kept["errors"].([]any)[0].(object)["code"])
	assert.Equal(t, "import.not_revertible", a.Post("/v1/imports/"+done.Str("id")+"/revert", nil).Is(409).Code())

	// A revert of what nobody touched leaves nothing behind.
	_, fresh := importing(t, a, object{"text": `[{"last_name": "Nouveau", "email": "neu@fr.example", "external_id": 99}]`, "source": "dms"})
	assert.InEpsilon(t, 1.0, fresh.At("counts.created"), 0)
	followed(t, a.Caller, a.Post("/v1/imports/"+fresh.Str("id")+"/revert", nil))
	assert.Empty(t, a.Get("/v1/contacts?q=nouveau").List("data"))
}

func TestImportsThatAreRefused(t *testing.T) {
	t.Parallel()
	a := apptest.New(t).Account(t)
	for _, tt := range []struct {
		body object
		code string
	}{
		{object{"kind": "contacts", "text": "nothing here is known\n1\n"}, "import.no_mapping"},
		{object{"kind": "contacts", "text": "email\n"}, "import.empty"},
		{object{"kind": "contacts", "text": "email,email\na,b\n"}, "import.bad_header"},
		{object{"kind": "contacts", "text": "[1, "}, "import.unreadable"},
		{object{"kind": "contacts", "text": "email\nx@fr.example\n", "mapping_name": "nobody"}, "import.unknown_mapping"},
		{object{"kind": "contacts", "text": "a\nx\n", "mapping": object{"b": "email", "a": "nothing"}}, "request.invalid"},
		{object{"kind": "planets", "text": "a\nx\n"}, "request.invalid"},
		{object{"kind": "contacts", "text": "email\nx@fr.example\n", "delimiter": "x"}, "import.bad_delimiter"},
	} {
		assert.Equal(t, tt.code, a.Post("/v1/imports", tt.body).Is(http.StatusUnprocessableEntity).Code(), "%v", tt.body)
	}
	assert.Empty(t, a.Get("/v1/imports").List("data"))
	assert.Empty(t, a.Get("/v1/jobs").List("data"))
}

// form is a multipart form with a file.
func form(t testing.TB, file []byte, fields map[string]string) (body []byte, media string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, value := range fields {
		require.NoError(t, w.WriteField(name, value))
	}
	part, err := w.CreateFormFile("file", "customers.csv")
	require.NoError(t, err)
	_, err = part.Write(file)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes(), w.FormDataContentType()
}

func TestUploadFindsOutTheCharset(t *testing.T) {
	t.Parallel()
	a := apptest.New(t).Account(t)
	upload := func(file []byte, fields map[string]string, headers ...string) *apptest.Answer {
		body, media := form(t, file, fields)
		return a.Send(http.MethodPost, "/v1/imports/upload", body, append([]string{"Content-Type", media}, headers...)...)
	}
	for charset, file := range map[string][]byte{
		"windows-1252": []byte("Pr\xe9nom;Nom\nH\xe9l\xe8ne;Windows\n"),
		"utf-8":        []byte("\xef\xbb\xbfPrénom;Nom\nHélène;Mark\n"),
		"utf-16le":     []byte("\xff\xfeP\x00r\x00\xe9\x00n\x00o\x00m\x00;\x00N\x00o\x00m\x00\n\x00H\x00\xe9\x00l\x00\xe8\x00n\x00e\x00;\x00W\x00i\x00d\x00e\x00\n\x00"),
	} {
		made := upload(file, map[string]string{"kind": "contacts"})
		assert.Equal(t, charset, made.Is(http.StatusAccepted).Str("charset"))
		assert.Equal(t, "succeeded", followed(t, a.Caller, made).Str("status"))
	}
	assert.Len(t, a.Get("/v1/contacts?q=hélène").List("data"), 3)

	body, media := form(t, []byte("Nom\nUne\n"), map[string]string{"kind": "contacts"})
	first := a.Send(http.MethodPost, "/v1/imports/upload", body, "Content-Type", media, "Idempotency-Key", "k1").Is(http.StatusAccepted)
	second := a.Send(http.MethodPost, "/v1/imports/upload", body, "Content-Type", media, "Idempotency-Key", "k1").Is(http.StatusAccepted)
	assert.Equal(t, first.Body, second.Body)
	assert.Equal(t, first.Header.Get("Location"), second.Header.Get("Location"))

	wrong := upload([]byte("Nom\nUne\n"), map[string]string{"kind": "contacts", "mapping": "x", "extra": "1", "format": "xml"})
	assert.Len(t, wrong.Is(http.StatusUnprocessableEntity).List("errors"), 3)
	a.Send(http.MethodPost, "/v1/imports/upload", []byte("Nom\n"), "Content-Type", "text/csv").Is(http.StatusUnsupportedMediaType)
}

func TestExportIsReadBackAndRunsNoFormulas(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	a := p.Account(t)
	a.Post("/v1/contacts", object{"last_name": "=cmd()", "emails": []any{object{"address": "eq@fr.example"}}, "external_refs": []any{object{"source": "dms", "id": "-7"}}}).Is(201)
	a.Post("/v1/contacts", object{"first_name": "Ann", "last_name": "O'Hara, \"A\"", "phones": []any{object{"raw": "06 12 34 56 78"}}}).Is(201)
	gone := a.Post("/v1/contacts", object{"last_name": "Gone"}).Is(201)
	a.JSON(http.MethodDelete, "/v1/contacts/"+gone.Str("id"), nil).Is(204)

	made := a.Post("/v1/exports", object{"kind": "contacts"})
	job := followed(t, a.Caller, made)
	assert.Equal(t, object{"rows": 2.0}, job.At("result"))
	got := a.Get("/v1/exports/" + made.Str("id") + "/content").Is(200)
	assert.Equal(t, "text/csv; charset=utf-8", got.Header.Get("Content-Type"))
	file := string(got.Body)
	assert.Contains(t, file, "'=cmd()")
	assert.Contains(t, file, "'-7")
	assert.Contains(t, file, "'+33612345678")
	assert.NotContains(t, file, "Gone")

	b := p.Account(t)
	_, read := importing(t, b, object{"text": file})
	assert.InEpsilon(t, 2.0, read.At("counts.created"), 0, "%s", read.Body)
	assert.Equal(t, "=cmd()", b.Get("/v1/contacts?email=eq@fr.example").Str("data.0.last_name"))

	made = a.Post("/v1/exports", object{"kind": "contacts", "format": "json"})
	followed(t, a.Caller, made)
	var rows []map[string]string
	a.Get("/v1/exports/" + made.Str("id") + "/content").Is(200).Into(&rows)
	assert.Len(t, rows, 2)
	none := p.Account(t)
	made = none.Post("/v1/exports", object{"kind": "contacts", "format": "json"})
	followed(t, none.Caller, made)
	none.Get("/v1/exports/" + made.Str("id") + "/content").Is(200).Into(&rows)
	assert.Empty(t, rows)
}

// manyRows is a file of so many people.
func manyRows(n int) string {
	var b strings.Builder
	b.WriteString("external_id,last_name,email\n")
	for i := range n {
		fmt.Fprintf(&b, "%d,Person %d,person%d@fr.example\n", i, i, i)
	}
	return b.String()
}

func TestAJobIsCancelledAndGoesOn(t *testing.T) {
	t.Parallel()
	a := apptest.New(t).Account(t)
	made := a.Post("/v1/imports", object{"kind": "contacts", "text": manyRows(600)}).Is(http.StatusAccepted)
	at := made.Header.Get("Location")
	apptest.Await(t, "the import has begun", func() bool { return a.Get(at).At("progress.done") != 0.0 })
	cancelled := a.Post(at+"/cancel", nil)
	if cancelled.Status == http.StatusConflict { // it was quicker
		assert.Equal(t, "job.ended", cancelled.Code())
		return
	}
	cancelled.Is(http.StatusOK)
	done := cancelled.At("progress.done")
	assert.Equal(t, "cancelled", cancelled.Str("status"))
	assert.Equal(t, "cancelled", a.Get("/v1/imports/"+made.Str("id")).Str("status"))
	assert.Equal(t, done, a.Get("/v1/contacts?count=exact").At("total"), "what was done stays, and nothing follows")
	assert.Equal(t, "job.ended", a.Post(at+"/cancel", nil).Is(http.StatusConflict).Code())

	assert.Equal(t, "queued", a.Post(at+"/retry", nil).Is(http.StatusOK).Str("status"))
	assert.Equal(t, "job.not_retryable", a.Post(at+"/retry", nil).Is(http.StatusConflict).Code())
	job := followed(t, a.Caller, made)
	assert.Equal(t, object{"done": 600.0, "total": 600.0}, job.At("progress"))
	assert.InEpsilon(t, 600.0, a.Get("/v1/contacts?count=exact").At("total"), 0)
	assert.InEpsilon(t, 600.0, a.Get("/v1/imports/"+made.Str("id")).At("counts.created"), 0)

	seen := map[string]string{}
	cursor := ""
	for more := true; more; {
		feed := a.Get("/v1/jobs/changes?limit=1" + cursor).Is(http.StatusOK)
		for _, j := range feed.List("data") {
			seen[j.(object)["id"].(string)] = j.(object)["status"].(string) //nolint:forcetypeassert // checked by the contract
		}
		cursor, more = "&cursor="+feed.Str("next_cursor"), feed.At("has_more") == true
	}
	assert.Equal(t, map[string]string{made.Str("job_id"): "succeeded"}, seen)
	assert.Len(t, a.Get("/v1/jobs?status=succeeded,failed&kind=import.run&subject_id="+made.Str("id")).List("data"), 1)
}

func gzipped(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

// A file may be fetched in place of being sent: by the job, so that nobody waits for another one's server.
func TestImportFromAURL(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Header().Set("Content-Type", "text/csv")
		switch r.URL.Path {
		case "/plain.csv":
			_, _ = w.Write([]byte(customers))
		case "/moved":
			http.Redirect(w, r, "/plain.csv", http.StatusFound)
		case "/encoded.csv":
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(gzipped(t, customers))
		case "/packed.csv.gz":
			w.Header().Set("Content-Type", "application/gzip")
			_, _ = w.Write(gzipped(t, customers))
		case "/later.csv":
			if asked.Load() == 1 {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			_, _ = w.Write([]byte(customers))
		case "/page":
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = w.Write([]byte("<html>Sign in</html>"))
		case "/empty.csv":
		case "/other.csv":
			_, _ = w.Write([]byte("a;b\n1;2\n"))
		case "/bomb.gz":
			w.Header().Set("Content-Type", "application/gzip")
			_, _ = w.Write(gzipped(t, strings.Repeat("last_name;", 3<<20)))
		case "/endless.csv":
			for line := []byte(strings.Repeat("last_name;", 1000)); ; {
				if _, err := w.Write(line); err != nil {
					return
				}
			}
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(host.Close)
	_, ownerURL := dbtest.URLs(t)
	cfg := apptest.Config(t, ownerURL)
	cfg.OutboundAllow = strings.TrimPrefix(host.URL, "http://") + "," + apptest.Unreachable
	p := apptest.Start(t, cfg, ownerURL)

	for path, name := range map[string]string{"/plain.csv": "plain.csv", "/moved": "moved", "/encoded.csv": "encoded.csv", "/packed.csv.gz": "packed.csv.gz", "/later.csv": "later.csv"} {
		a := p.Account(t)
		asked.Store(0)
		job, got := importing(t, a, object{"url": host.URL + path + "?key=a-secret#x", "source": "dms", "save_mapping_as": "fetched"})
		assert.Equal(t, "succeeded", job.Str("status"), "%s: %s", path, job.Body)
		assert.Equal(t, object{"done": 3.0, "total": 3.0}, job.At("progress"), path)
		assert.Equal(t, host.URL+path, got.Str("url"))
		assert.Equal(t, name, got.Str("file_name"))
		assert.Equal(t, "csv", got.Str("format"))
		assert.Equal(t, "utf-8", got.Str("charset"))
		assert.Equal(t, ";", got.Str("delimiter"))
		assert.InEpsilon(t, 2.0, got.At("counts.created"), 0, path)
		assert.InEpsilon(t, 1.0, got.At("counts.rejected"), 0, path)
		assert.Equal(t, "fetched", a.Get("/v1/import-mappings?kind=contacts").Str("data.0.name"))
		for _, shown := range []*apptest.Answer{job, got, a.Get("/v1/imports"), a.Get("/v1/jobs"), a.Get("/v1/events")} {
			assert.NotContains(t, string(shown.Is(200).Body), "a-secret", "a URL's query may be a secret")
		}
	}

	a := p.Account(t)
	for path, code := range map[string]string{
		"/absent": "fetch.bad_status", "/page": "fetch.type_refused", "/empty.csv": "import.empty", "/other.csv": "import.no_mapping",
		"/bomb.gz": "import.too_large", "/endless.csv": "fetch.too_large",
	} {
		asked.Store(0)
		job, got := importing(t, a, object{"url": host.URL + path})
		assert.Equal(t, "failed", job.Str("status"), path)
		assert.Equal(t, code, job.Str("error.code"), path)
		assert.NotEmpty(t, job.Str("error.detail"), path)
		assert.Equal(t, "failed", got.Str("status"), path)
		assert.Nil(t, got.At("format"), path)
		assert.EqualValues(t, 1, asked.Load(), "%s: another try would only repeat it", path)
		again := a.Post("/v1/jobs/"+job.Str("id")+"/retry", nil).Is(http.StatusOK)
		assert.Equal(t, "queued", again.Str("status"))
		apptest.Await(t, "the job ends again", func() bool { return a.Get("/v1/jobs/"+job.Str("id")).Str("status") == "failed" })
	}
	assert.Empty(t, a.Get("/v1/contacts").List("data"))

	// A host that is away may come back: the job waits for it, and can be cancelled.
	away := a.Post("/v1/imports", object{"kind": "contacts", "url": "http://" + apptest.Unreachable + "/x.csv"}).Is(http.StatusAccepted)
	assert.Nil(t, away.At("format"))
	a.Post("/v1/jobs/"+away.Str("job_id")+"/cancel", nil).Is(http.StatusOK)
	assert.Equal(t, "cancelled", a.Get("/v1/imports/"+away.Str("id")).Str("status"))
	assert.Equal(t, []string{"job.cancelled"}, acts(a, away.Str("job_id")))

	for name, body := range map[string]object{
		"neither":    {"kind": "contacts"},
		"both":       {"kind": "contacts", "text": customers, "url": host.URL + "/plain.csv"},
		"no url":     {"kind": "contacts", "url": "contacts.csv"},
		"a password": {"kind": "contacts", "url": "https://me:secret@dms.example/contacts.csv"},
		"private":    {"kind": "contacts", "url": "https://10.0.0.1/contacts.csv"},
	} {
		assert.NotEmpty(t, a.Post("/v1/imports", body).Is(http.StatusUnprocessableEntity).Str("errors.0.detail"), name)
	}
}

// Who moved many rows at once is written down, and both collections can be followed.
func TestImportsAndExportsAreFollowedAndAudited(t *testing.T) {
	t.Parallel()
	a := apptest.New(t).Account(t)
	from := map[string]string{}
	for _, what := range []string{"imports", "exports"} {
		feed := a.Get("/v1/" + what + "/changes").Is(http.StatusOK)
		assert.Empty(t, feed.List("data"))
		from[what] = feed.Str("next_cursor")
	}
	_, imported := importing(t, a, object{"text": customers, "source": "dms"})
	followed(t, a.Caller, a.Post("/v1/imports/"+imported.Str("id")+"/revert", nil))
	exported := a.Post("/v1/exports", object{"kind": "contacts", "format": "json"})
	followed(t, a.Caller, exported)

	apptest.Await(t, "imports are told of", func() bool {
		return a.Get("/v1/imports/changes?cursor="+from["imports"]).Is(http.StatusOK).Str("data.0.status") == "reverted"
	})
	apptest.Await(t, "exports are told of", func() bool {
		return a.Get("/v1/exports/changes?cursor="+from["exports"]).Is(http.StatusOK).Str("data.0.status") == "succeeded"
	})
	assert.Equal(t, imported.Str("id"), a.Get("/v1/imports/changes").Str("data.0.id"))
	assert.Equal(t, []string{"import.created", "import.reverting"}, acts(a, imported.Str("id")))
	assert.Equal(t, []string{"export.created"}, acts(a, exported.Str("id")))
	started := a.Get("/v1/audit-log?act=import.created").Is(http.StatusOK)
	assert.Equal(t, a.AdminID.String(), started.Str("data.0.actor_id"))
	assert.Contains(t, started.List("data.0.changes"), object{"field": "rows", "before": nil, "after": 3.0, "withheld": false})
}
