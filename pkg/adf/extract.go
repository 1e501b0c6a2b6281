package adf

import (
	"html"
	"regexp"
	"strings"
)

var (
	startOfADF   = regexp.MustCompile(`(?i)<(?:[\w.-]+:)?(?:adf|prospect)(?:\s|/?>)`)
	endOfADF     = regexp.MustCompile(`(?i)</(?:[\w.-]+:)?(?:adf|prospect)\s*>`)
	escapedADF   = regexp.MustCompile(`(?i)(?:&lt;|&#0*60;|&#x0*3c;)(?:[\w.-]+:)?(?:adf|prospect)(?:\s|&nbsp;|/?(?:&gt;|&#0*62;|&#x0*3e;))`)
	quotePrefix  = regexp.MustCompile(`^(?:[ \t]?>)+[ \t]?`)
	quotedBefore = regexp.MustCompile(`(?:^|\n)(?:[ \t]?>)+[ \t]*$`)
)

// Extract finds ADF inside of other text, such as the body of an e-mail: behind prose, in lines quoted with "> ",
// escaped inside of HTML, or in an HTML comment. It gives the bytes for Parse, without what stands before and after,
// and says no when there is none. Text that is cut off is given to its end, so that Parse can tell.
func Extract(text string) ([]byte, bool) {
	if found, ok := extract(text); ok {
		return found, true
	}
	if !escapedADF.MatchString(text) {
		return nil, false
	}
	if strings.Contains(text, "<") {
		text = anyTag.ReplaceAllString(blockTag.ReplaceAllString(text, "\n"), "")
	}
	return extract(strings.ReplaceAll(html.UnescapeString(text), "\u00a0", " "))
}

func extract(text string) ([]byte, bool) {
	at := startOfADF.FindStringIndex(text)
	if at == nil {
		return nil, false
	}
	quoted := quotedBefore.MatchString(text[:at[0]])
	text = text[at[0]:]
	if ends := endOfADF.FindAllStringIndex(text, -1); len(ends) > 0 && startOfADF.FindStringIndex(text[ends[len(ends)-1][1]:]) == nil {
		text = text[:ends[len(ends)-1][1]]
	}
	if quoted {
		lines := strings.Split(text, "\n")
		for i := range lines {
			lines[i] = quotePrefix.ReplaceAllString(lines[i], "")
		}
		text = strings.Join(lines, "\n")
	}
	return []byte(text), true
}
