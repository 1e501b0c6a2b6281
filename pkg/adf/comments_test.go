package adf

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPlainText(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{"not HTML", "wants < 5 & > 3", "wants < 5 & > 3"},
		{"inert markup", "<img src=x onerror=alert(1)>{{7*7}}", "<img src=x onerror=alert(1)>{{7*7}}"},
		{"breaks", "a<br>b<br />\nc<BR/>d", "a\nb\nc\nd"},
		{"paragraphs", "<p>Caf&eacute;</p><p>b &lt;c&gt;</p>", "Café\n\nb <c>"},
		{"lists", "<ul><li>one</li><li><b>two</b></li></ul>", "one\n\ntwo"},
		{"scripts go", "x<br><script>alert(1)</script>y<style>p{}</style>", "x\ny"},
		{"blank lines", "a<br><br><br><br>b", "a\n\nb"},
		{"attributes", `<p class="x">a&nbsp;b</p>`, "a b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tt.want, PlainText(tt.in))
		})
	}
}

func TestMineComments(t *testing.T) {
	t.Parallel()
	m := MineComments(`Is it still there? Please call after 10:30.<br />
Stock ID: VO-3381 <br />
VIN: wvwzzz1kz6w000001<br />
Year: 2019<br />Make: Audi<br />Model: A4<br />
Can we contact you via text?: Yes<br />
May we call you? No<br />
Email Opt-In: Yes  <br />
Preferred Contact Method: Phone<br />
Preferred Date: 2026-03-04<br />
Timeframe: 1-3 months<br />
Click Path URL: https://dealer.example/used?a=1<br />
GCLID: Cj0KCQ<br />
utm_source: google<br />
Source ID: 42<br />
Do you have a trade-in?: Maybe<br />
Budget: <br />`)
	assert.Equal(t, Mined{
		VIN: "WVWZZZ1KZ6W000001", Stock: "VO-3381", Year: "2019", Make: "Audi", Model: "A4",
		Consents: []Consent{
			{"sms", true, "Can we contact you via text?"},
			{"phone", false, "May we call you?"},
			{"email", true, "Email Opt-In"},
		},
		Preferred:   PreferredContact{Method: "Phone", Date: "2026-03-04"},
		Timeframe:   "1-3 months",
		Attribution: Attribution{Source: "google", ClickID: "Cj0KCQ", URL: "https://dealer.example/used?a=1", SourceID: "42"},
		Answers:     []QA{{"Do you have a trade-in?", "Maybe"}},
	}, m)
}

func TestMineCommentsLeavesProseAlone(t *testing.T) {
	t.Parallel()
	for _, prose := range []string{
		"", "Is it still there?", "Bonjour, serait-il possible d’essayer le véhicule samedi à 10h ? Budget : 18 000 € maxi.",
		"See https://dealer.example/x", "I can come at 10:30 or later", "Hello. Note: none",
	} {
		assert.Empty(t, MineComments(prose), prose)
	}
}

func TestMineCommentsOfTheCorpus(t *testing.T) {
	t.Parallel()
	mined := func(file string) Mined {
		data, err := os.ReadFile("testdata/corpus/" + file + ".xml")
		require.NoError(t, err)
		doc, err := Parse(data, Options{})
		require.NoError(t, err)
		return MineComments(doc.Prospects[0].Customer.Comments)
	}
	m := mined("powersports-buy-plus-trade-comment-in-contact")
	assert.Equal(t, []Consent{{"email", true, "Email Opt-In"}, {"phone", true, "Phone Opt-In"}, {"mail", true, "Mail Opt-In"}}, m.Consents)
	assert.Contains(t, m.Answers, QA{"Language", "EN"})
	assert.Contains(t, m.Answers, QA{"Clean Trade In Wholesale", "$9,295"})
	m = mined("alphabetical-order-agent")
	assert.Contains(t, m.Answers, QA{"Employment Status", "Full-time"})
	assert.Len(t, m.Answers, 4)
}
