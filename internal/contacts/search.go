package contacts

import (
	"strings"

	"github.com/rooftop-crm/rooftop/internal/platform/fold"
	"github.com/rooftop-crm/rooftop/pkg/phone"
)

// SearchText is the folded text in which a contact is found: names, company, e-mail addresses, telephone numbers in
// international and national digits, and tags. A lead appends it to its own.
func (c *Contact) SearchText() string {
	var b strings.Builder
	add := func(s string) {
		if s == "" || strings.HasPrefix(b.String(), s) || strings.Contains(b.String(), " "+s) { // where a word begins, so that it is found if short
			return
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(s)
	}
	for _, s := range []string{c.FullName, c.FirstName, c.LastName, c.CompanyName} {
		add(fold.Text(s))
	}
	for _, e := range c.Emails {
		add(fold.Text(e.Address))
	}
	for _, p := range c.Phones {
		if p.number() == "" {
			add(digits(p.Raw))
			continue
		}
		for _, form := range phone.SearchDigits(p.number()) {
			add(form)
		}
	}
	for _, t := range c.Tags {
		add(tagToken(t))
	}
	return b.String()
}

// tagToken is a tag as it stands in the search text: "vip" is found by a search for it, and told from "vip 2" by a filter.
func tagToken(tag string) string { return "#" + fold.Text(tag) + "#" }

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}

// Patterns are what the search text must all match, as fold.Like writes it: the words of Query, and the tag.
func (f Filter) Patterns() []string {
	var patterns []string
	for _, term := range fold.Terms(f.Query) {
		patterns = append(patterns, fold.Like(term))
	}
	if f.Tag != "" {
		patterns = append(patterns, fold.Like(tagToken(f.Tag)))
	}
	return patterns
}
