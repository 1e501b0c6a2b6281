package adf

import (
	"html"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestExtract(t *testing.T) {
	t.Parallel()
	document := "<?xml version=\"1.0\"?>\n<adf>\n <prospect>\n  " + iris + "\n <vehicle><make>Renault</make></vehicle></prospect>\n</adf>"
	quoted := "> " + strings.ReplaceAll(document, "\n", "\n> ")
	tests := []struct{ name, text string }{
		{"alone", document},
		{"behind prose", "Hello, 1 < 2.\n\n" + document + "\n-- \nSales"},
		{"quoted", "FW: look\n\n" + quoted + "\n\n-- \nSales"},
		{"quoted twice", "> " + strings.ReplaceAll(quoted, "\n", "\n> ")},
		{"escaped in HTML", "<html><body><p>New lead</p><pre>" + html.EscapeString(document) + "</pre></body></html>"},
		{"escaped with breaks", strings.ReplaceAll(html.EscapeString(document), "\n", "<br>\n&nbsp;")},
		{"in an HTML comment", "<html><body>Lead<!-- " + document + " --></body></html>"},
		{"with prefix", strings.NewReplacer("<adf>", "<x:adf>", "</adf>", "</x:adf>").Replace(document)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			found, ok := Extract(tt.text)
			require.True(t, ok)
			p, _ := parseOne(t, string(found), Options{})
			assert.Equal(t, "Iris", p.Customer.Contact.First)
			assert.Equal(t, "Renault", p.Vehicles[0].Make)
		})
	}
	for _, none := range []string{"", "no lead here", "<html><body>502</body></html>", "the adf format", "&lt;b&gt;"} {
		_, ok := Extract(none)
		assert.False(t, ok, none)
	}
	found, ok := Extract("see <adf><prospect><customer>")
	require.True(t, ok)
	_, err := Parse(found, Options{})
	require.ErrorIs(t, err, ErrTruncated)
}
