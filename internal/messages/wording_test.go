package messages

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEveryValueHasItsLabels(t *testing.T) {
	t.Parallel()
	for _, e := range Enums() {
		assert.NotEmpty(t, e.Values, e.Name)
		for _, v := range e.Values {
			assert.NotEmpty(t, v.En, "%s %s", e.Name, v.Value)
			assert.NotEmpty(t, v.Fr, "%s %s", e.Name, v.Value)
		}
	}
}

// Every message is worded in English and French, names only what it has, and is whole with and without what may be missing.
func TestBuiltInWordings(t *testing.T) {
	t.Parallel()
	for _, k := range Kinds() {
		required := map[string]string{}
		for _, v := range k.Variables {
			assert.NotEmpty(t, v.What, "%s %s", k.Name, v.Name)
			assert.NotEmpty(t, v.Example, "%s %s", k.Name, v.Name)
			if v.Required {
				required[v.Name] = v.Example
			}
		}
		for _, language := range []string{"en", "fr"} {
			w, ok := k.BuiltIn[language]
			require.True(t, ok, "%s in %s", k.Name, language)
			assert.Empty(t, w.Validate(k.Variables), "%s in %s", k.Name, language)
			for _, values := range []map[string]string{required, k.Examples()} {
				got := w.Render(k.Variables, values)
				for name, v := range required {
					assert.Contains(t, got.Text, v, "%s in %s: %s", k.Name, language, name)
				}
				assert.NotContains(t, got.Subject+got.Text+got.HTML, "{{")
				assert.NotEmpty(t, got.Subject)
			}
		}
	}
}

func TestWordingFaults(t *testing.T) {
	t.Parallel()
	known := []Variable{{Name: "a"}, {Name: "b"}}
	for text, want := range map[string]string{
		"{{a}} {{ b }}{{#a}}x{{#b}}y{{/b}}{{/a}}": "", "{{": "invalid", "{{a": "invalid", "{{#a}}": "invalid", "{{/a}}": "invalid", "{{#a}}{{/b}}": "invalid", "{{c}}": "unknown_variable",
		"{{}}": "unknown_variable", "{{a.b}}": "unknown_variable", "{{printf \"%s\" a}}": "unknown_variable", "{{#a}}{{#b}}{{/a}}{{/b}}": "invalid",
		strings.Repeat("{{#a}}", 20) + strings.Repeat("{{/a}}", 20): "too_deep",
	} {
		w := Wording{Subject: "S", Text: text}
		wrong := w.Validate(known)
		if want == "" {
			assert.Empty(t, wrong, text)
			continue
		}
		require.Len(t, wrong, 1, text)
		assert.Equal(t, want, wrong[0].Code, text)
		assert.Equal(t, "/text", wrong[0].Pointer)
	}
}

func TestLocalTime(t *testing.T) {
	t.Parallel()
	paris, err := time.LoadLocation("Europe/Paris")
	require.NoError(t, err)
	assert.Equal(t, "1 août 2026 à 11:00 CEST", localTime("2026-08-01T09:00:00Z", "fr-BE", paris))
	assert.Equal(t, "1 August 2026 at 11:00 CEST", localTime("2026-08-01T09:00:00Z", "de", paris))
	assert.Equal(t, "soon", localTime("soon", "fr", paris))
}

// What the states of a mail allow: once it has begun to leave, only a person makes it leave again.
func TestMailMoves(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC)
	for _, from := range MailStates() {
		is := func(move func(*Mail) bool) MailState {
			m := Mail{State: from, Content: []byte("x")}
			if !move(&m) {
				return ""
			}
			return m.State
		}
		got := map[string]MailState{
			"begin": is((*Mail).begin), "arrive": is(func(m *Mail) bool { return m.arrive(at) }), "fail": is(func(m *Mail) bool { return m.fail(MailError{}, true) }),
			"put off": is(func(m *Mail) bool { return m.fail(MailError{}, false) }), "lose": is(func(m *Mail) bool { return m.lose(MailError{}) }),
			"bounce": is(func(m *Mail) bool { return m.bounce(MailError{}, at) }), "again": is(func(m *Mail) bool { return m.again() == nil }),
		}
		want := map[MailState]map[string]MailState{
			MailQueued:  {"begin": MailSending, "fail": MailFailed, "put off": MailQueued},
			MailSending: {"arrive": MailSent, "fail": MailFailed, "put off": MailQueued, "lose": MailUnknown, "bounce": MailBounced},
			MailSent:    {"bounce": MailBounced}, MailFailed: {"bounce": MailBounced, "again": MailQueued},
			MailUnknown: {"arrive": MailSent, "bounce": MailBounced, "again": MailQueued}, MailBounced: {"again": MailQueued},
		}[from]
		for move, state := range got {
			assert.Equal(t, want[move], state, "%s: %s", from, move)
		}
	}
}

func TestConfidentialIsForgotten(t *testing.T) {
	t.Parallel()
	for _, confidential := range []bool{true, false} {
		failed := Mail{State: MailQueued, Content: []byte("x"), Confidential: confidential}
		failed.fail(MailError{}, false)
		assert.NotNil(t, failed.Content, "it will be tried again")
		failed.fail(MailError{}, true)
		assert.Equal(t, confidential, failed.Content == nil)
		sent := Mail{State: MailSending, Content: []byte("x"), Confidential: confidential}
		sent.arrive(time.Time{})
		assert.Equal(t, confidential, sent.Content == nil)
	}
}

func FuzzWording(f *testing.F) {
	f.Add("{{a}}{{#b}}x{{/b}}", "v")
	f.Add("{{#a}}{{#b}}{{/b}}{{/a}}<b>{{a}}</b>", "<script>{{b}}")
	known := []Variable{{Name: "a", Kind: VariableURL}, {Name: "b"}}
	f.Fuzz(func(t *testing.T, text, value string) {
		w := Wording{Subject: "S", Text: text}
		if len(w.Validate(known)) > 0 {
			return
		}
		got := w.Render(known, map[string]string{"a": value, "b": value})
		if !strings.Contains(text, "<") {
			assert.NotContains(t, got.HTML, "<script")
		}
	})
}
