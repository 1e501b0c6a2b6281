package intaketest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
)

const tenMiB = 10 << 20

// people counts those of oversize, who must not be one.
var people atomic.Int32

// oversize are the variants of the corpus' recipe, with an id each, so that none repeats another.
func oversize(t testing.TB) map[string]func() []byte {
	t.Helper()
	small := ""
	for _, s := range samples(t, "hostile") {
		if s.Name == "doctype-plain" {
			small = string(s.Data)
		}
	}
	require.Contains(t, small, "<adf>")
	from, to := strings.Index(small, "<comments>")+len("<comments>"), strings.Index(small, "</comments>")
	x := strings.Repeat("x", tenMiB)
	fresh := func(doc string) []byte {
		n := int(people.Add(1))
		return []byte(strings.NewReplacer("T-DT0", uuid.NewString(), "anne@", strconv.Itoa(n)+"@", "06 39 98 00 21", numberOf(n)[0]).Replace(doc))
	}
	return map[string]func() []byte{
		"xml comment": func() []byte { return fresh(strings.Replace(small, "<adf>", "<adf><!-- "+x+" -->", 1)) },
		"comments":    func() []byte { return fresh(small[:from] + x + small[to:]) },
	}
}

// sendChunked posts a document without a Content-Length.
func sendChunked(t testing.TB, base, credential string, doc []byte) (int, object) {
	t.Helper()
	body := struct{ io.Reader }{bytes.NewReader(doc)} // not one whose length net/http knows
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/v1/leads/adf", body)
	require.NoError(t, err)
	req.Header.Set("Content-Type", "text/xml")
	req.Header.Set("Authorization", "Bearer "+credential)
	resp, err := http.DefaultClient.Do(req) //nolint:forbidigo // a test's own
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	var got object
	require.NoError(t, json.Unmarshal(raw, &got), "%s", raw)
	return resp.StatusCode, got
}

func TestOversizeWithinTheLimit(t *testing.T) {
	t.Parallel()
	p := apptest.New(t)
	for name, doc := range oversize(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := p.Account(t)
			start := time.Now()
			got := sendADF(a.Caller, doc()).Is(http.StatusCreated)
			assert.Less(t, time.Since(start), 5*time.Second, "2 s on a machine of its own")
			lead := leadOf(a.Caller, got.Str("leads.0.id"))
			if name == "comments" {
				assert.Equal(t, strings.Repeat("x", 20_000), lead["comments"])
				assert.Contains(t, pick(lead["warnings"], "code"), "text.cut", "never cut silently")
			} else {
				assert.Equal(t, "Bonjour", lead["comments"])
			}
			status, chunked := sendChunked(t, p.URL, a.Credential, doc())
			assert.Equal(t, http.StatusCreated, status, "%v", chunked)
		})
	}
}

func TestOversizeOverTheLimit(t *testing.T) {
	t.Parallel()
	_, ownerURL := dbtest.URLs(t)
	cfg := apptest.Config(t, ownerURL)
	cfg.MaxDocument = 1 << 20
	p := apptest.Start(t, cfg, ownerURL)
	for name, doc := range oversize(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, doc := p.Account(t), doc()
			start := time.Now()
			got := sendADF(a.Caller, doc).Is(http.StatusRequestEntityTooLarge)
			assert.Less(t, time.Since(start), 2*time.Second)
			assert.Equal(t, "document.too_large", got.Code())
			assert.Contains(t, got.Str("detail"), "1048576")
			checkHead(t, a, doc, doc[:1<<10], float64(len(doc)))

			b := p.Account(t)
			status, problem := sendChunked(t, p.URL, b.Credential, doc)
			assert.Equal(t, http.StatusRequestEntityTooLarge, status)
			assert.Equal(t, "document.too_large", problem["code"])
			checkHead(t, b, doc, doc[:1<<20], 1<<20)
			assert.Zero(t, leadsOf(a.Caller)+leadsOf(b.Caller))
		})
	}
	t.Run("checking one keeps nothing", func(t *testing.T) {
		t.Parallel()
		a := p.Account(t)
		got := a.Send(http.MethodPost, "/v1/leads/adf/validate", make([]byte, 1<<20+1), "Content-Type", "text/xml").Is(http.StatusRequestEntityTooLarge)
		assert.Equal(t, "request.too_large", got.Code())
		assert.Empty(t, a.Get("/v1/inbox").List("data"))
	})
	t.Run("exactly the limit is read", func(t *testing.T) {
		t.Parallel()
		a := p.Account(t)
		doc := oneLead("limit", "A")
		doc = append(doc, bytes.Repeat([]byte(" "), 1<<20-len(doc))...)
		sendADF(a.Caller, doc).Is(http.StatusCreated)
	})
}

// checkHead wants the inbox to know who sent what: the size as far as it is known, the hash of what was read, the head.
func checkHead(t *testing.T, a *apptest.Account, doc, read []byte, size float64) {
	t.Helper()
	inbox := a.Get("/v1/inbox?state=rejected").Is(http.StatusOK)
	require.Len(t, inbox.List("data"), 1)
	sum := sha256.Sum256(read)
	assert.Equal(t, hex.EncodeToString(sum[:]), inbox.Str("data.0.sha256"))
	assert.InDelta(t, size, inbox.At("data.0.size_bytes"), 0)
	assert.Equal(t, "document.too_large", inbox.Str("data.0.problem.code"))
	assert.NotEmpty(t, inbox.Str("data.0.sender"))
	assert.NotNil(t, inbox.At("data.0.processed_at"))
	id := inbox.Str("data.0.id")
	assert.Equal(t, string(doc[:1<<10]), string(a.Get("/v1/inbox/"+id+"/raw").Is(http.StatusOK).Body))
	assert.Equal(t, "inbox.head_only", a.Post("/v1/inbox/"+id+"/replay", nil).Is(http.StatusConflict).Code(), "a head is no document")
	a.Send(http.MethodPost, "/v1/inbox/"+id+"/replay", oneLead("head", uuid.NewString()), "Content-Type", "text/xml").Is(http.StatusCreated)
	a.JSON(http.MethodDelete, "/v1/leads/"+a.Get("/v1/leads").Str("data.0.id"), nil).Is(http.StatusNoContent)
}

// oneLead is a small document.
func oneLead(source, id string) []byte {
	return []byte(`<?xml version="1.0"?><?adf version="1.0"?><adf><prospect><id sequence="1" source="` + source + `">` + id + `</id>` +
		`<customer><contact><name part="full">Iris Falk</name><email>iris@fr.example</email></contact><comments>Bonjour</comments></customer></prospect></adf>`)
}
