package adf

import (
	"os"
	"path/filepath"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func seed(f *testing.F, add func([]byte)) {
	f.Helper()
	for _, pattern := range []string{"corpus/*.xml", "hostile/*.xml"} {
		files, err := filepath.Glob(filepath.Join("testdata", pattern))
		require.NoError(f, err)
		for _, file := range files {
			data, err := os.ReadFile(file)
			require.NoError(f, err)
			add(data)
		}
	}
}

// FuzzParse holds that Parse never panics, answers in time that fits the input, and that what it accepts can be
// written and read again as the same document.
func FuzzParse(f *testing.F) {
	seed(f, func(data []byte) { f.Add(data, false) })
	f.Add([]byte("<adf><prospect><customer><contact><phone type=x>1<name>a<b>c&#55357;&#56842;</contact><trade><make>z</trade>"), true)
	f.Fuzz(func(t *testing.T, data []byte, unescape bool) {
		start := time.Now()
		doc, err := Parse(data, Options{Unescape: unescape})
		if took := time.Since(start); took > 2*time.Second {
			t.Fatalf("%d bytes took %s", len(data), took)
		}
		if err != nil {
			require.Nil(t, doc)
			return
		}
		for _, w := range doc.Warnings {
			require.NotEmpty(t, w.Code)
			require.NotEmpty(t, w.Message)
			require.NotEmpty(t, w.Path)
		}
		out, err := Marshal(doc)
		require.NoError(t, err)
		require.True(t, utf8.Valid(out))
		again, err := Parse(out, Options{})
		require.NoError(t, err, "%s", out)
		require.Equal(t, comparable(doc), comparable(again), "%s", out)
	})
}

// FuzzRoundTrip holds that a document of any text is written as well-formed XML and read back as it was.
func FuzzRoundTrip(f *testing.F) {
	f.Add("Zoë", "d'Arc", "x@y.example", "a]]>b\r\n\tc", "Se&#225;n <b>", "\x01\ufffe🚗")
	f.Add("N/A", "null", "no address", "Key: value", "\u00a0", "\xff\xfe")
	f.Fuzz(func(t *testing.T, first, last, email, comments, model, extra string) {
		doc := &Document{Prospects: []Prospect{{
			IDs: []ID{{Sequence: carried(first), Source: carried(last), Value: carried(model), Where: "prospect"}},
			Vehicles: []Vehicle{{
				Interest: InterestBuy, Status: VehicleUsed, Year: 2020, Make: "Renault", Model: carried(model),
				Price:    &Price{Money: Money{Minor: 1999005, Exponent: 2, Currency: "EUR"}, Source: carried(extra)},
				Comments: carried(comments),
			}},
			Customer: Customer{
				Contact:  Contact{First: carriedName(first), Last: carriedName(last), Full: "Iris Falk"},
				Comments: carried(comments),
				Extras:   []Extra{{Name: "partner-score", Value: kept(extra), Attrs: []Attr{{"value", "1"}}}},
			},
			Vendor:   Vendor{Name: carried(extra)},
			Provider: Provider{Name: carried(last), Email: carried(email)},
		}}}
		p := &doc.Prospects[0]
		if p.IDs[0].Sequence+p.IDs[0].Source+p.IDs[0].Value == "" {
			p.IDs = nil
		}
		if e := carried(email); ValidEmail(e) {
			p.Customer.Contact.Emails = []Email{{Address: e, Preferred: true}}
		}
		roundTrip(t, doc)
	})
}

// kept is the part of s that the format can carry: legal characters, trimmed, short enough.
func kept(s string) string {
	var legal []rune
	for _, r := range s {
		if xmlChar(r) {
			legal = append(legal, r)
		}
	}
	short, _ := cutChars(trim(string(legal)), MaxTextChars)
	return short
}

func carried(s string) string {
	if s = kept(s); placeholder(s) {
		return ""
	}
	return s
}

func carriedName(s string) string {
	if s = carried(s); nameTemplate(s) {
		return ""
	}
	return s
}
