package adf

import (
	"bytes"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const tenMiB = 10 << 20

// lead is a small document with a text put into it at the place of each mark.
func lead(comments string) string {
	return `<?xml version="1.0"?><adf><prospect><id source="s">1</id><vehicle><make>Renault</make></vehicle><customer><contact>` +
		`<name part="full">Iris Falk</name><email>iris@example.com</email></contact><comments>` + comments +
		`</comments></customer><vendor><vendorname>Garage</vendorname></vendor></prospect></adf>`
}

// TestTenMegabytes holds the promise on memory and time for a body of 10 MiB, wherever the mass sits.
func TestTenMegabytes(t *testing.T) {
	x := strings.Repeat("x", tenMiB)
	small := lead("hello")
	put := func(before, s string) string { return strings.Replace(small, before, s+before, 1) }
	tests := []struct {
		name string
		data string
		want error
		code string // of a warning that must be there
	}{
		{"xml comment", strings.Replace(small, "<adf>", "<adf><!-- "+x+" -->", 1), nil, ""},
		{"comments", lead(x), nil, WarnTextCut},
		{"comments of references", lead(strings.Repeat("&#233;", tenMiB/6)), nil, WarnTextCut},
		{"comments of bare ampersands", lead(strings.Repeat("&", tenMiB)), nil, WarnBareAmpersand},
		{"comments of bare less-than", lead(strings.Repeat("<", tenMiB)), nil, WarnBareLess},
		{"comments of breaks", lead(strings.Repeat("<br>", tenMiB/4)), nil, WarnInlineMarkup},
		{"comments of half tags", lead(strings.Repeat(`<a b="`, tenMiB/6)), nil, ""},
		{"comments of CDATA", lead(strings.Repeat("<![CDATA[x]]>", tenMiB/13)), nil, WarnTextCut},
		{"name", strings.Replace(small, "Iris", x, 1), nil, WarnTextCut},
		{"blanks", strings.Replace(small, "Iris", strings.Repeat(" ", tenMiB), 1), nil, ""},
		{"unknown element", put("</customer>", "<blob>"+x+"</blob>"), nil, WarnTextCut},
		{"attribute", strings.Replace(small, `source="s"`, `source="`+x+`"`, 1), nil, WarnTextCut},
		{"element name", put("</customer>", "<"+x+"/>"), nil, ""},
		{"attributes", put("</customer>", "<a "+strings.Repeat("a=b ", tenMiB/4)+"/>"), nil, ""},
		{"elements", put("</customer>", strings.Repeat("<a/>", tenMiB/4)), ErrTooLarge, ""},
		{"prospects", "<adf>" + strings.Repeat("<prospect/>", tenMiB/11) + "</adf>", ErrTooLarge, ""},
		{"nesting", "<adf>" + strings.Repeat("<a>", tenMiB/3), ErrTooDeep, ""},
		{"end tags", put("</customer>", strings.Repeat("</a>", tenMiB/4)), nil, WarnStrayEnd},
		{"doctype", "<!DOCTYPE adf [" + strings.Repeat("<!ENTITY a \"b\">", tenMiB/15) + "]>" + small, nil, WarnDoctype},
		{"prose around", x + small + x, nil, ""},
		{"less-than around", strings.Repeat("<", tenMiB/2) + small + strings.Repeat("<a ", tenMiB/6), nil, ""},
		{"nothing but letters", x, ErrNotADF, ""},
		{"open comment", "<adf><prospect><!--" + x, ErrTruncated, ""},
		{"latin-1", strings.Replace(small, "hello", strings.Repeat("\xe9", tenMiB), 1), nil, WarnCharsetMislabelled},
		{"windows euro signs", `<?xml version="1.0" encoding="windows-1252"?>` + strings.Replace(small, "hello", strings.Repeat("\x80", tenMiB), 1), nil, WarnTextCut},
		{"utf-16", "\xff\xfe" + utf16le(strings.Replace(small, "hello", strings.Repeat("x", tenMiB/2), 1)), nil, WarnTextCut},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			data := []byte(tt.data)
			var doc *Document
			var err error
			start := time.Now()
			peak := peakOf(func() { doc, err = Parse(data, Options{}) })
			// It takes well under a second alone; what is not linear would take minutes.
			assert.Less(t, time.Since(start), 10*time.Second)
			assert.Less(t, peak>>20, uint64(40), "MiB taken")
			if tt.want != nil {
				require.ErrorIs(t, err, tt.want)
				return
			}
			require.NoError(t, err)
			require.Len(t, doc.Prospects, 1)
			if tt.code != "" {
				assert.Contains(t, codes(doc), tt.code)
			}
			assert.LessOrEqual(t, len([]rune(doc.Prospects[0].Customer.Comments)), MaxCommentsChars)
		})
	}
}

// peakOf gives the bytes f allocated in all, an upper bound of what it held at any time.
func peakOf(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func utf16le(s string) string {
	var b bytes.Buffer
	for _, r := range s {
		b.WriteByte(byte(r))
		b.WriteByte(byte(r >> 8))
	}
	return b.String()
}

func codes(doc *Document) []string {
	var found []string
	for _, w := range doc.Warnings {
		found = append(found, w.Code)
	}
	return found
}

func TestDeepNestingOf100kIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	start := time.Now()
	_, err := Parse([]byte("<adf><prospect>"+strings.Repeat("<a>", 100_000)+strings.Repeat("</a>", 100_000)+"</prospect></adf>"), Options{})
	require.ErrorIs(t, err, ErrTooDeep)
	assert.True(t, Quarantine(err))
	assert.Less(t, time.Since(start), time.Second)
}

func TestErrorsTellRefusedFromQuarantined(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, data string
		want       error
		quarantine bool
	}{
		{"empty", "", ErrEmpty, false},
		{"blank", " \r\n\t", ErrEmpty, false},
		{"BOM only", "\xef\xbb\xbf", ErrEmpty, false},
		{"UTF-16 BOM only", "\xff\xfe", ErrEmpty, false},
		{"HTML page", "<html><body>502</body></html>", ErrNotADF, false},
		{"JSON", `{"lead": 1}`, ErrNotADF, false},
		{"another XML", "<ProcessSalesLead><customer/></ProcessSalesLead>", ErrNotADF, false},
		{"no prospect", "<adf></adf>", ErrNoLead, false},
		{"empty prospect", "<adf><prospect/></adf>", ErrNoLead, false},
		{"only blanks inside", "<adf><prospect><vehicle/><customer><contact> </contact></customer></prospect></adf>", ErrNoLead, false},
		{"cut in text", "<adf><prospect><customer><contact><email>a@", ErrTruncated, true},
		{"cut in a tag", "<adf><prospect><customer><contact><email>a@b.example</ema", ErrTruncated, true},
		{"cut in an attribute", `<adf><prospect><vehicle interest="bu`, ErrTruncated, true},
		{"cut in CDATA", "<adf><prospect><customer><comments><![CDATA[x", ErrTruncated, true},
		{"cut in the second prospect", "<adf><prospect><customer><comments>x</comments></customer></prospect><prospect><customer>", ErrTruncated, true},
		{"cut before the prospect", "<adf>", ErrTruncated, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			doc, err := Parse([]byte(tt.data), Options{})
			require.ErrorIs(t, err, tt.want)
			require.Nil(t, doc)
			assert.Equal(t, tt.quarantine, Quarantine(err))
		})
	}
}

func TestParseReaderStopsAtItsLimit(t *testing.T) {
	t.Parallel()
	_, err := ParseReader(strings.NewReader(lead(strings.Repeat("x", 5000))), 1000, Options{})
	require.ErrorIs(t, err, ErrTooLarge)
	doc, err := ParseReader(strings.NewReader(lead("x")), 1000, Options{})
	require.NoError(t, err)
	require.Len(t, doc.Prospects, 1)
}

func BenchmarkParse(b *testing.B) {
	data, err := os.ReadFile("testdata/corpus/full-lead-partner-extension.xml")
	require.NoError(b, err)
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := Parse(data, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMarshal(b *testing.B) {
	data, err := os.ReadFile("testdata/corpus/full-lead-partner-extension.xml")
	require.NoError(b, err)
	doc, err := Parse(data, Options{})
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Marshal(doc); err != nil {
			b.Fatal(err)
		}
	}
}
