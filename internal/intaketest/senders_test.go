package intaketest

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
)

// sender is a document as one kind of sender writes it, with what must become of it. One account takes all of them: each
// is about another person.
type sender struct {
	Name        string  `json:"name"`
	Document    string  `json:"document"`
	Base64      *string `json:"base64"` // of a document that is not UTF-8
	ContentType string  `json:"content_type"`
	Status      []int   `json:"status"` // 201 when left out
	State       string  `json:"state"`
	Leads       int     `json:"leads"` // 1 when left out
	Warning     string  `json:"warning"`
	// Want is keyed by a path into the first lead with its contact. "#path" counts, "has:path" looks for an entry, "~path"
	// for a part of the text, "@list.field" gathers a field of each entry.
	Want map[string]any `json:"want"`
}

func senders(t *testing.T) []sender {
	t.Helper()
	raw, err := os.ReadFile("testdata/senders.json")
	require.NoError(t, err)
	var list []sender
	require.NoError(t, json.Unmarshal(raw, &list))
	require.Greater(t, len(list), 300)
	return list
}

func TestSenders(t *testing.T) {
	t.Parallel()
	a := apptest.New(t).Account(t)
	for _, s := range senders(t) {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			s.check(t, a.For(t))
		})
	}
}

func (s *sender) check(t *testing.T, c *apptest.Caller) {
	t.Helper()
	doc := []byte(s.Document)
	if s.Base64 != nil {
		var err error
		doc, err = base64.StdEncoding.DecodeString(*s.Base64)
		require.NoError(t, err)
	}
	media := s.ContentType
	if media == "" {
		media = "application/xml"
	}
	got := c.Send(http.MethodPost, "/v1/leads/adf", doc, "Content-Type", media)
	want := s.Status
	if want == nil {
		want = []int{http.StatusCreated}
	}
	require.Contains(t, want, got.Status, "%s", got.Body)
	checked := c.Send(http.MethodPost, "/v1/leads/adf/validate", doc, "Content-Type", media)
	if checked.Status == http.StatusOK {
		assert.Equal(t, got.Status == http.StatusCreated, checked.At("readable"), "the check says what intake does")
	}
	if s.State != "" && got.Status == http.StatusAccepted {
		assert.Equal(t, s.State, got.Str("state"))
	}
	if got.Status != http.StatusCreated {
		return
	}
	require.Len(t, got.List("leads"), max(s.Leads, 1))
	for _, l := range got.List("leads") {
		assert.Equal(t, "created", obj(obj(l)["intake"])["outcome"])
	}
	lead := leadOf(c, got.Str("leads.0.id"))
	if s.Warning != "" {
		assert.Contains(t, pick(append(items(lead["warnings"]), got.List("warnings")...), "code"), s.Warning)
	}
	for path, want := range s.Want {
		checkPath(t, lead, path, want)
	}
}

func checkPath(t *testing.T, lead object, path string, want any) {
	t.Helper()
	switch {
	case path[0] == '#':
		n, _ := want.(float64)
		assert.Len(t, items(at(lead, path[1:])), int(n), path)
	case path[0] == '~':
		assert.Contains(t, word(at(lead, path[1:])), want, path)
	case path[0] == '@':
		dot := strings.LastIndexByte(path, '.')
		assert.ElementsMatch(t, want, pick(at(lead, path[1:dot]), path[dot+1:]), path)
	case strings.HasPrefix(path, "has:"):
		assert.Contains(t, at(lead, path[4:]), want, path)
	default:
		assert.Equal(t, want, at(lead, path), path)
	}
}

// at walks a path of names and places. The names of extras hold dots themselves.
func at(v any, path string) any {
	for path != "" {
		name, rest, _ := strings.Cut(path, ".")
		switch in := v.(type) {
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(in) {
				return nil
			}
			v = in[i]
		case object:
			if whole, ok := in[path]; ok {
				return whole
			}
			v = in[name]
		default:
			return nil
		}
		path = rest
	}
	return v
}

// TestAFormThatNeverStops sends one person's form again and again: each lead stays readable, nothing is left out, and all
// hang together.
func TestAFormThatNeverStops(t *testing.T) {
	t.Parallel()
	a := apptest.New(t).Account(t)
	send := func(i int) *apptest.Answer {
		return a.Post("/v1/leads", object{
			"contact": object{"last_name": "Falk", "emails": []object{{"address": "falk@senders.example"}}}, "comments": "number " + strconv.Itoa(i),
		})
	}
	first := send(0).Is(http.StatusCreated).Str("id")
	const most = 200
	for i := 1; i <= most; i++ {
		assert.Equal(t, first, send(i).Is(http.StatusOK).Str("id"))
	}
	next := send(most + 1).Is(http.StatusCreated)
	assert.NotEqual(t, first, next.Str("id"))
	assert.Equal(t, first, next.Str("duplicate_of"))
	assert.Equal(t, next.Str("id"), send(most+2).Is(http.StatusOK).Str("id"), "the next ones join that one")
	assert.Len(t, a.Get("/v1/leads/"+first).List("touches"), most)
}
