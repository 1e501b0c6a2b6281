package imports

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"

	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

// seeds are files as they come: of every charset and delimiter, whole and broken.
func seeds() [][]byte {
	const csv = "N° client;Prénom;Nom\n17;Hélène;\"Dupont; née Martin\"\n18;\"offen\n"
	out := [][]byte{
		nil, []byte(csv), []byte("\xef\xbb\xbf" + csv), []byte("a,b\r\n1,2\r\n\r\n,\r\n"), []byte("a\tb\n'=1\t-2\n"), []byte("a|a\n1|2"), []byte(";;\n"),
		[]byte(`[{"last_name":"Dupont","n":12.50,"ok":true,"none":null},{"a":{"b":1}},[1],"x"]`), []byte("[{}"), []byte("[]["), []byte("Pr\xe9nom;Nom\nH\xe9l\xe8ne;\x80\n"),
		[]byte("\xff\xfea\x00;\x00b\x00\n\x001\x00;\x002\x00"), []byte("\xfe\xff\x00a\x00;\x00b\x00\n\x001"), []byte("a\x00;\x00b\x00\n\x001\x00;\x002\x00"),
		[]byte(strings.Repeat("a;", 300) + "\n"), []byte("\x1f\x8b\x08"), []byte("a\x00b"),
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = w.Write([]byte(csv))
	_ = w.Close()
	return append(out, packed.Bytes())
}

// Whatever a file holds, it is read within its bounds or refused with a word for the client.
func FuzzRead(f *testing.F) {
	for _, raw := range seeds() {
		for _, format := range []string{"", "csv", "json"} {
			for _, delimiter := range []string{"", ";"} {
				f.Add(raw, format, delimiter)
			}
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte, format, delimiter string) {
		got, err := read(raw, Format(format), delimiter)
		if err != nil {
			e, known := errs.As(err)
			if !assert.True(t, known, "%v", err) {
				return
			}
			assert.Equal(t, errs.Invalid, e.Kind)
			assert.NotEmpty(t, e.Public)
			return
		}
		assert.NotEmpty(t, got.records)
		assert.LessOrEqual(t, len(got.records), maxRecords)
		assert.LessOrEqual(t, len(got.columns), maxColumns)
		last := 0
		for _, r := range got.records {
			assert.Greater(t, r.Line, last, "lines ascend")
			last = r.Line
			assert.LessOrEqual(t, len(r.Cells), len(got.columns))
			assert.Equal(t, r.Fault != "", r.Cells == nil)
			for _, c := range r.Cells {
				assert.True(t, utf8.ValidString(c) && !strings.ContainsRune(c, 0), "Postgres takes it: %q", c)
				assert.LessOrEqual(t, len(c), maxCell)
			}
		}
	})
}
