package contacts

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/fold"
	"github.com/rooftop-crm/rooftop/internal/platform/locale"
	"github.com/rooftop-crm/rooftop/internal/platform/schema"
	"github.com/rooftop-crm/rooftop/pkg/phone"
)

// faults collects every wrong field of a contact.
type faults []errs.Field

func (f *faults) add(pointer, code, detail string) {
	*f = append(*f, errs.Field{Pointer: pointer, Code: code, Detail: detail})
}

func (f *faults) tooMany(pointer string, n, most int) {
	if n > most {
		f.add(pointer, "too_many", fmt.Sprintf("There are %d; give at most %d.", n, most))
	}
}

// text tidies a field in place and says when it is too long.
func (f *faults) text(pointer string, s *string, most int) {
	*s = tidy(*s)
	if n := utf8.RuneCountInString(*s); n > most {
		f.add(pointer, "too_long", fmt.Sprintf("This has %d characters; give at most %d.", n, most))
	}
}

// tidy makes one line of a text: no control characters, no runs of white space, none at the ends, valid UTF-8.
func tidy(s string) string {
	plain := func(r rune) bool {
		return r != utf8.RuneError && r != ' ' && !unicode.IsSpace(r) && !unicode.IsControl(r)
	}
	if strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, ""), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " ")
}

// settle tidies every field but the telephones' numbers, fills in what is derived, and returns all that is wrong.
func (c *Contact) settle() []errs.Field {
	var f faults
	f.text("/civility", &c.Civility, MaxCivility)
	f.text("/first_name", &c.FirstName, MaxName)
	f.text("/last_name", &c.LastName, MaxName)
	f.text("/full_name", &c.FullName, MaxFullName)
	f.text("/company_name", &c.CompanyName, MaxName)
	c.settleKind(&f)
	if c.FullName == "" {
		c.FullName = c.deriveFullName()
	}
	c.settleEmails(&f)
	c.settlePhones(&f)
	c.settleAddresses(&f)
	c.settleLanguage(&f)
	c.settleRefs(&f)
	c.settleTags(&f)
	settleCustom(c.Custom, &f)
	return f
}

func (c *Contact) settleKind(f *faults) {
	switch c.Kind {
	case KindPerson, KindCompany:
	case "":
		c.Kind = KindPerson
		if c.CompanyName != "" && c.FirstName+c.LastName+c.FullName == "" {
			c.Kind = KindCompany
		}
	default:
		f.add("/kind", "not_allowed", "Give person or company.")
	}
}

func (f *faults) kindOf(pointer string, t *Type, allowed []Type) {
	if *t == "" {
		*t = TypeOther
	}
	if !slices.Contains(allowed, *t) {
		f.add(pointer, "not_allowed", fmt.Sprintf("Give one of %s.", joined(allowed)))
	}
}

func joined(types []Type) string {
	var b strings.Builder
	for i, t := range types {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(t))
	}
	return b.String()
}

// settleEmails normalises the addresses and keeps each once.
func (c *Contact) settleEmails(f *faults) {
	f.tooMany("/emails", len(c.Emails), MaxEmails)
	kept := make([]Email, 0, len(c.Emails))
	preferred := false
	for i, e := range c.Emails {
		at := fmt.Sprintf("/emails/%d", i)
		f.kindOf(at+"/type", &e.Type, EmailTypes())
		address, ok := fold.Email(e.Address)
		if !ok {
			f.add(at+"/address", "email", "This is no e-mail address. Write it like name@example.com.")
			continue
		}
		e.Address = address
		f.onePreferred(at, e.Preferred, &preferred)
		same := slices.IndexFunc(kept, func(k Email) bool { return k.Address == address })
		if same < 0 {
			kept = append(kept, e)
			continue
		}
		kept[same].Preferred = kept[same].Preferred || e.Preferred
	}
	c.Emails = kept
}

func (f *faults) onePreferred(at string, is bool, seen *bool) {
	if is && *seen {
		f.add(at+"/preferred", "not_unique", "Another one is preferred already. Prefer one only.")
	}
	*seen = *seen || is
}

// settlePhones keeps each number once. A number that is not valid is kept as it was typed: it is no fault.
func (c *Contact) settlePhones(f *faults) {
	f.tooMany("/phones", len(c.Phones), MaxPhones)
	kept := make([]Phone, 0, len(c.Phones))
	preferred := false
	for i, p := range c.Phones {
		at := fmt.Sprintf("/phones/%d", i)
		f.text(at+"/raw", &p.Raw, MaxPhoneRaw)
		if p.Raw == "" {
			f.add(at+"/raw", "required", "Give the number as it was typed.")
			continue
		}
		f.kindOf(at+"/type", &p.Type, PhoneTypes())
		f.onePreferred(at, p.Preferred, &preferred)
		same := slices.IndexFunc(kept, p.sameNumber)
		if same < 0 {
			kept = append(kept, p)
			continue
		}
		kept[same].Preferred = kept[same].Preferred || p.Preferred
		if kept[same].Type == TypeOther {
			kept[same].Type = p.Type
		}
	}
	c.Phones = kept
}

func (p Phone) sameNumber(o Phone) bool {
	if p.number() != "" || o.number() != "" {
		return p.number() == o.number()
	}
	return p.Raw == o.Raw
}

// readPhones finds the E.164 form of every number. The regions are where a number without country code may be dialled,
// the likeliest first. A text that is among known keeps the number it stands for there, which may have been read with
// another region.
func readPhones(phones, known []Phone, regions ...string) []Phone {
	out := make([]Phone, len(phones))
	for i, p := range phones {
		p.Raw = tidy(p.Raw)
		if p.Raw == "" {
			p.Raw = tidy(p.E164)
		}
		p.E164, p.Possible = "", ""
		if k := slices.IndexFunc(known, func(k Phone) bool { return k.Raw == p.Raw }); k >= 0 {
			p.E164, p.Possible = known[k].E164, known[k].Possible
			if p.Type == "" {
				p.Type = known[k].Type
			}
			out[i] = p
			continue
		}
		n := parsePhone(p.Raw, regions)
		p.E164, p.Possible = n.E164, n.Possible
		if p.Type == "" && n.Type == phone.Mobile {
			p.Type = TypeMobile
		}
		out[i] = p
	}
	return out
}

// parsePhone reads a number in the first region in which it is valid, else in the last.
func parsePhone(raw string, regions []string) (n phone.Number) {
	for _, region := range regions {
		if n = phone.Parse(raw, region); n.Valid {
			break
		}
	}
	return n
}

func (c *Contact) settleAddresses(f *faults) {
	f.tooMany("/addresses", len(c.Addresses), MaxAddresses)
	kept := make([]Address, 0, len(c.Addresses))
	for i, a := range c.Addresses {
		at := fmt.Sprintf("/addresses/%d", i)
		f.kindOf(at+"/type", &a.Type, AddressTypes())
		f.text(at+"/postal_code", &a.PostalCode, MaxPlace)
		f.text(at+"/city", &a.City, MaxPlace)
		f.text(at+"/region", &a.Region, MaxPlace)
		a.Lines = f.lines(at+"/lines", a.Lines)
		if a.Country != "" {
			country, ok := locale.Country(a.Country)
			if !ok {
				f.add(at+"/country", "country", "This is no ISO 3166-1 alpha-2 country code. Write it like FR.")
			}
			a.Country = country
		}
		kept = append(kept, a)
	}
	c.Addresses = kept
}

func (f *faults) lines(at string, lines []string) []string {
	f.tooMany(at, len(lines), MaxLines)
	kept := make([]string, 0, len(lines))
	for i, line := range lines {
		f.text(fmt.Sprintf("%s/%d", at, i), &line, MaxLine)
		if line != "" {
			kept = append(kept, line)
		}
	}
	return kept
}

func (c *Contact) settleLanguage(f *faults) {
	if c.Language == "" {
		return
	}
	language, ok := locale.Language(c.Language)
	if !ok {
		f.add("/language", "language", "This is no BCP 47 language tag. Write it like fr or fr-CH.")
	}
	c.Language = language
}

func (c *Contact) settleRefs(f *faults) {
	f.tooMany("/external_refs", len(c.ExternalRefs), MaxRefs)
	kept := make([]kernel.ExternalRef, 0, len(c.ExternalRefs))
	for i, r := range c.ExternalRefs {
		at := fmt.Sprintf("/external_refs/%d", i)
		f.ref(at, &r)
		if !slices.Contains(kept, r) {
			kept = append(kept, r)
		}
	}
	c.ExternalRefs = kept
}

func (f *faults) ref(at string, r *kernel.ExternalRef) {
	f.text(at+"/source", &r.Source, kernel.MaxRefSource)
	f.text(at+"/id", &r.ID, kernel.MaxRefID)
	if r.Source == "" {
		f.add(at+"/source", "required", "Name the system whose id this is.")
	}
	if r.ID == "" {
		f.add(at+"/id", "required", "Give the id.")
	}
}

func (c *Contact) settleTags(f *faults) {
	f.tooMany("/tags", len(c.Tags), MaxTags)
	kept := make([]string, 0, len(c.Tags))
	for i, t := range c.Tags {
		f.text(fmt.Sprintf("/tags/%d", i), &t, MaxTag)
		if t != "" && !slices.Contains(kept, t) {
			kept = append(kept, t)
		}
	}
	c.Tags = kept
}

func settleCustom(custom map[string]any, f *faults) {
	if wrong := schema.Bounds(custom); wrong != nil {
		*f = append(*f, *wrong)
		return
	}
	if text, err := json.Marshal(custom); err == nil && strings.Contains(string(text), `\u0000`) {
		f.add("/custom", "invalid", "Leave out the character U+0000: it cannot be stored.")
	}
}
