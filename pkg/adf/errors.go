package adf

import (
	"errors"
	"fmt"
)

// The reasons why Parse refuses a document. Match them with errors.Is; the error's text adds where and what.
var (
	// ErrEmpty means that there is no text at all.
	ErrEmpty = errors.New("adf: the document is empty")
	// ErrNotADF means that nothing in the text is an ADF document: an error page, another format, plain prose.
	ErrNotADF = errors.New("adf: no ADF document found")
	// ErrNoLead means ADF with nobody to contact and nothing asked: no prospect, or only empty ones.
	ErrNoLead = errors.New("adf: the document holds no lead")
	// ErrTruncated means that the text ends inside a prospect.
	ErrTruncated = errors.New("adf: the document is cut off")
	// ErrTooDeep means more than MaxDepth nested elements.
	ErrTooDeep = errors.New("adf: elements are nested too deeply")
	// ErrTooLarge means too many bytes, elements or prospects.
	ErrTooLarge = errors.New("adf: the document is too large")
)

// Quarantine reports whether err is about a document that may hold a lead but could not be read safely and in full:
// keep it for a person to look at. For the other errors of Parse the document is no lead document and may be refused.
func Quarantine(err error) bool {
	return errors.Is(err, ErrTruncated) || errors.Is(err, ErrTooDeep) || errors.Is(err, ErrTooLarge)
}

func fail(reason error, format string, args ...any) error {
	return fmt.Errorf("%w: %s", reason, fmt.Sprintf(format, args...))
}
