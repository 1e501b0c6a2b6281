// Package adf reads and writes ADF 1.0, the Auto-lead Data Format in which web sites, portals and manufacturers send
// sales enquiries to car dealers.
//
// Reading is tolerant. Live senders concatenate strings, mislabel charsets, invent elements and leave placeholders in
// their templates; a lead that a person can read must not be lost for that. Whatever the reader guesses, cuts or
// ignores is told in Document.Warnings. It refuses only what is no lead document (ErrEmpty, ErrNotADF, ErrNoLead) and
// what cannot be read safely or completely (ErrTruncated, ErrTooDeep, ErrTooLarge); Quarantine tells the two apart.
//
// Reading is safe on hostile input: no file or network is touched, a DOCTYPE is skipped and its entities are never
// expanded, time is linear in the input, and memory beyond the input stays bounded by the limits below.
//
// Writing gives well-formed UTF-8 XML 1.0 in the element order of the DTD. Parse of what Marshal wrote gives the same
// document, with these rules:
//   - Values carry no white space at their ends, and line ends are as given.
//   - Structured values win over Raw ones: "19 990,00" is written as 19990.00. Raw fields are about the source only.
//   - Characters XML 1.0 cannot carry (C0 controls other than TAB, LF and CR, U+FFFE, U+FFFF) are left out, invalid
//     UTF-8 becomes U+FFFD.
//   - A value that is nothing but a placeholder ("N/A", "null", "Unknown") counts as absent when read.
//   - Texts longer than the limits are cut when read.
//
// The package leaves to its callers: whether a telephone number is valid, whether a VIN's check digit fits, who the
// customer is, and which dealer is meant.
package adf

import (
	"errors"
	"io"
	"time"
)

// Limits that Parse keeps whatever the input. Going over MaxDepth, MaxElements or MaxProspects is an error; longer
// texts are cut with a warning.
const (
	MaxBytes         = 64 << 20 // of input; decoded text may not exceed it either
	MaxDepth         = 64       // of nested elements
	MaxElements      = 50_000   // in all
	MaxProspects     = 500      // in all
	MaxWarnings      = 500      // further ones are dropped, and the last one says so
	MaxTextChars     = 2000     // characters of an ordinary value
	MaxCommentsChars = 20_000   // characters of comments
)

// DateOrder says how to read a date such as 06/03/2024.
type DateOrder int

// The orders. With the zero value an ambiguous date stays unknown unless only one reading lies near
// Options.ReceivedAt.
const (
	OrderUnknown DateOrder = iota
	MonthFirst
	DayFirst
)

// Options tune Parse. The zero value is fine.
type Options struct {
	// DefaultZone is where wall-clock times without an offset are read; nil means UTC.
	DefaultZone *time.Location
	// ReceivedAt is when the document arrived. It settles ambiguous dates and flags dates in the future. Zero means
	// not known.
	ReceivedAt time.Time
	// DateOrder settles dates such as 06/03/2024.
	DateOrder DateOrder
	// Charset is what the transport said (the charset parameter of Content-Type). A byte-order mark and the XML
	// declaration win over it.
	Charset string
	// Unescape also resolves values that a sender escaped twice ("O&amp;#39;Casey" gives O'Casey), with a warning.
	// Without it values are kept exactly as XML gives them.
	Unescape bool
}

// Parse reads every prospect of every ADF document in data. Text before, between and after the documents is ignored,
// and a bare prospect without an adf element around it will do. When the error is nil there is at least one prospect
// that is not Empty; others may still be Empty, and callers should make no lead from those. When the error is not nil
// the document is nil: a part of a broken document is never returned.
func Parse(data []byte, opts Options) (*Document, error) {
	if len(data) > MaxBytes {
		return nil, fail(ErrTooLarge, "%d bytes, at most %d are read", len(data), MaxBytes)
	}
	text, charset, notes, err := toUTF8(data, opts.Charset)
	if err != nil {
		return nil, err
	}
	tree, err := buildTree(text)
	if errors.Is(err, ErrNotADF) {
		if inner := wrapped(text); inner != nil {
			tree, err = buildTree(inner)
			notes = append(notes, note{WarnWrapped, "The document was wrapped in another one, escaped or as a text; it was taken out."})
		}
	}
	if err != nil {
		return nil, err
	}
	r := &reader{opts: opts}
	for _, n := range notes {
		r.warnAt("/", n.code, n.message)
	}
	doc, err := r.document(tree)
	if err != nil {
		return nil, err
	}
	doc.Charset = charset
	return doc, nil
}

// maxWrapped bounds what is searched for a wrapped document: the search copies it.
const maxWrapped = 4 << 20

// wrapped finds a document that stands in another one as a text: as the string of a web service, in an HTML page.
func wrapped(text []byte) []byte {
	if len(text) > maxWrapped {
		return nil
	}
	inner, _ := Extract(string(text))
	return inner
}

// ParseReader reads all of src and parses it. It stops with ErrTooLarge as soon as src proves longer than maxBytes;
// maxBytes below 1 means MaxBytes.
func ParseReader(src io.Reader, maxBytes int64, opts Options) (*Document, error) {
	if maxBytes < 1 {
		maxBytes = MaxBytes
	}
	data, err := io.ReadAll(io.LimitReader(src, maxBytes+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > maxBytes {
		return nil, fail(ErrTooLarge, "more than %d bytes", maxBytes)
	}
	return Parse(data, opts)
}
