package contacts

import (
	"context"
	"slices"
	"strings"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/fold"
	"github.com/rooftop-crm/rooftop/internal/platform/locale"
)

// Person describes whoever sent an enquiry, as far as it tells. Of a Phone only Raw and Type are read.
type Person struct {
	Kind        Kind
	Civility    string
	FirstName   string
	LastName    string
	FullName    string
	CompanyName string
	Emails      []Email
	Phones      []Phone
	Addresses   []Address
	Language    string
	Region      string // the country in which numbers without country code are dialled: the dealership's
}

// Match tells which contact a person is, and why.
type Match struct {
	ContactID kernel.ContactID // zero while nobody was recognised and nobody kept
	Contact   Contact          // as it is now
	Rule      Rule
	Fields    []string // wire names of what the rule compared; empty when nobody was recognised
	Created   bool
	Enriched  []string // wire names of what the person added to a contact that was there
}

// Check tells what would be left out of the contact, by JSON Pointers into the person, written as a contact is: an
// address that is none, a list that is too long. For whoever refuses a request or warns about a document.
func (p Person) Check() []errs.Field {
	c := p.contact()
	return c.settle()
}

// Reserve queues the locks of all the people at once. A transaction that recognises more than one calls it first: else
// two documents that name the same people in another order could wait for each other.
func (s *Service) Reserve(ctx context.Context, actor auth.Actor, people ...Person) error {
	var points []Point
	for _, p := range people {
		who, err := s.described(ctx, actor, p)
		if err != nil {
			return err
		}
		points = append(points, who.telling()...)
	}
	return s.store.Reserve(ctx, actor.Account, points)
}

// Recognise looks who the person is, without writing. It needs a transaction, and until that ends whoever else asks for
// the same person waits: the locks of all points of the person are taken, in order, before the contacts that share one
// are read. So any number of enquiries of one person at once make one contact, when Keep follows.
//
// Neither asks for a scope of its own: whoever may bring an enquiry may bring its person.
func (s *Service) Recognise(ctx context.Context, actor auth.Actor, p Person) (Match, error) {
	who, err := s.described(ctx, actor, p)
	if err != nil {
		return Match{}, err
	}
	var candidates []Contact
	if points := who.telling(); len(points) > 0 {
		if candidates, err = s.store.Sharing(ctx, actor.Account, points); err != nil {
			return Match{}, err
		}
	}
	found, rule := recognise(who, candidates)
	return Match{ContactID: found.ID, Contact: found, Rule: rule, Fields: rule.fields(), Enriched: []string{}}, nil
}

// Keep makes the contact when nobody was recognised; else it adds what the contact lacks and the person tells. Nothing
// is overwritten, and what cannot be kept is left out: see Check. Nothing it writes is waited for.
func (s *Service) Keep(ctx context.Context, actor auth.Actor, p Person, m Match) (Match, error) {
	who, err := s.described(ctx, actor, p)
	if err != nil {
		return m, err
	}
	if m.ContactID.IsZero() {
		return s.admit(ctx, actor, who)
	}
	if richer := m.Contact; !richer.enrich(who) {
		return m, nil
	}
	before := m.Contact
	m.Contact, err = s.store.UpdateReserved(ctx, actor.Account, m.ContactID, func(c *Contact) error {
		before = *c
		if c.enrich(who) {
			c.UpdatedAt = s.now()
		}
		return nil
	})
	if err != nil {
		return m, err
	}
	m.Enriched = append(m.Enriched, before.Diff(m.Contact)...)
	return m, s.changed(ctx, actor, before, m.Contact)
}

func (s *Service) admit(ctx context.Context, actor auth.Actor, who Contact) (Match, error) {
	c := s.born(who)
	if err := s.store.Enqueue(ctx, actor.Account, c); err != nil {
		return Match{}, err
	}
	m := Match{ContactID: c.ID, Contact: c, Rule: RuleCreated, Fields: RuleCreated.fields(), Created: true, Enriched: []string{}}
	return m, s.announce(ctx, actor, EventCreated, c, nil)
}

// SearchText is the search text of a contact that another resource names. It fails with ErrNotFound, also when the
// contact is deleted. It asks for no scope: it shows nothing.
func (s *Service) SearchText(ctx context.Context, account kernel.AccountID, id kernel.ContactID) (string, error) {
	c, err := s.store.Find(ctx, account, id)
	switch {
	case err != nil:
		return "", err
	case c.DeletedAt != nil:
		return "", ErrNotFound
	}
	return c.SearchText(), nil
}

// described is the person as a contact. Without a region its numbers are dialled in the account's country.
func (s *Service) described(ctx context.Context, actor auth.Actor, p Person) (Contact, error) {
	if p.Region == "" {
		var err error
		if p.Region, err = s.region(ctx, actor.Account, len(p.Phones) > 0); err != nil {
			return Contact{}, err
		}
	}
	return p.forgiven(), nil
}

func (p Person) contact() Contact {
	return Contact{
		Kind: p.Kind, Civility: p.Civility, FirstName: p.FirstName, LastName: p.LastName, FullName: p.FullName,
		CompanyName: p.CompanyName, Emails: p.Emails, Phones: readPhones(p.Phones, nil, p.regions()...), Addresses: p.Addresses,
		Language: p.Language, Custom: map[string]any{},
	}
}

// regions are where the person's numbers may be dialled: at home first, then where the dealership is. Whoever lives
// abroad rarely writes the country code.
func (p Person) regions() []string {
	var regions []string
	for _, a := range p.Addresses {
		if country, ok := locale.Country(a.Country); ok && country != p.Region && !slices.Contains(regions, country) {
			regions = append(regions, country)
		}
	}
	return append(regions, p.Region)
}

// forgiven makes a settled contact of the person: what is too long is cut, what is wrong is left out.
func (p Person) forgiven() Contact {
	p.Phones = forgivePhones(p.Phones)
	c := p.contact()
	if !slices.Contains(Kinds(), c.Kind) {
		c.Kind = ""
	}
	c.Civility, c.CompanyName = cut(c.Civility, MaxCivility), cut(c.CompanyName, MaxName)
	c.FirstName, c.LastName, c.FullName = cut(c.FirstName, MaxName), cut(c.LastName, MaxName), cut(c.FullName, MaxFullName)
	if _, ok := locale.Language(c.Language); !ok {
		c.Language = ""
	}
	c.Emails = forgiveEmails(c.Emails)
	c.Addresses = forgiveAddresses(c.Addresses)
	c.settle()
	return c
}

// cut tidies a text and shortens it to so many characters.
func cut(s string, most int) string {
	s = tidy(s)
	if r := []rune(s); len(r) > most {
		return strings.TrimSpace(string(r[:most]))
	}
	return s
}

func typeOrOther(t Type, allowed []Type) Type {
	if slices.Contains(allowed, t) {
		return t
	}
	return TypeOther
}

func forgiveEmails(emails []Email) []Email {
	kept := make([]Email, 0, len(emails))
	preferred := false
	for _, e := range emails {
		if _, ok := fold.Email(e.Address); !ok || len(kept) == MaxEmails {
			continue
		}
		e.Type = typeOrOther(e.Type, EmailTypes())
		e.Preferred = e.Preferred && !preferred
		preferred = preferred || e.Preferred
		kept = append(kept, e)
	}
	return kept
}

func forgivePhones(phones []Phone) []Phone {
	kept := make([]Phone, 0, len(phones))
	preferred := false
	for _, p := range phones {
		if p.Raw = cut(p.Raw, MaxPhoneRaw); p.Raw == "" || len(kept) == MaxPhones {
			continue
		}
		if !slices.Contains(PhoneTypes(), p.Type) {
			p.Type = "" // the number tells
		}
		p.Preferred = p.Preferred && !preferred
		preferred = preferred || p.Preferred
		kept = append(kept, p)
	}
	return kept
}

func forgiveAddresses(addresses []Address) []Address {
	kept := make([]Address, 0, len(addresses))
	for _, a := range addresses {
		a.Lines = slices.Clone(a.Lines[:min(len(a.Lines), MaxLines)])
		for i := range a.Lines {
			a.Lines[i] = cut(a.Lines[i], MaxLine)
		}
		a.PostalCode, a.City, a.Region = cut(a.PostalCode, MaxPlace), cut(a.City, MaxPlace), cut(a.Region, MaxPlace)
		if _, ok := locale.Country(a.Country); !ok {
			a.Country = ""
		}
		a.Type = typeOrOther(a.Type, AddressTypes())
		if len(a.words()) > 0 && len(kept) < MaxAddresses {
			kept = append(kept, a)
		}
	}
	return kept
}

// enrich adds what the contact lacks and the person tells, and reports whether that was anything. Names are completed
// only where they do not contradict: an address may be a family's.
func (c *Contact) enrich(who Contact) bool {
	before := *c
	c.enrichNames(who)
	for _, e := range who.Emails {
		has := slices.ContainsFunc(c.Emails, func(k Email) bool { return k.Address == e.Address })
		if !has && len(c.Emails) < MaxEmails {
			e.Preferred = false
			c.Emails = append(slices.Clone(c.Emails), e)
		}
	}
	for _, p := range who.Phones {
		if !slices.ContainsFunc(c.Phones, p.sameNumber) && len(c.Phones) < MaxPhones {
			p.Preferred = false
			c.Phones = append(slices.Clone(c.Phones), p)
		}
	}
	for _, a := range who.Addresses {
		has := slices.ContainsFunc(c.Addresses, func(k Address) bool { return k.covers(a) })
		if !has && len(c.Addresses) < MaxAddresses {
			c.Addresses = append(slices.Clone(c.Addresses), a)
		}
	}
	if c.Language == "" {
		c.Language = who.Language
	}
	return len(before.Diff(*c)) > 0
}

func (c *Contact) enrichNames(who Contact) {
	if c.CompanyName == "" {
		c.CompanyName = who.CompanyName
	}
	theirs, ours := who.personName(), c.personName()
	if theirs.absent() {
		return
	}
	if ours.absent() {
		c.Civility, c.FirstName, c.LastName, c.FullName = who.Civility, who.FirstName, who.LastName, who.FullName
		return
	}
	if !ours.sameLast(theirs) && !ours.partOf(theirs) && !theirs.partOf(ours) {
		return
	}
	derived := c.FullName == c.deriveFullName()
	fill := func(dst *string, src string) {
		if *dst == "" {
			*dst = src
		}
	}
	if c.FirstName == "" || c.LastName == "" || startsAlike(ours.first, theirs.first) {
		fill(&c.Civility, who.Civility)
	}
	fill(&c.FirstName, who.FirstName)
	fill(&c.LastName, who.LastName)
	if derived {
		c.FullName = c.deriveFullName()
	}
}

// words are the folded parts of an address.
func (a Address) words() []string {
	all := strings.Join(a.Lines, " ") + " " + a.PostalCode + " " + a.City + " " + a.Region
	return strings.Fields(strings.NewReplacer(",", " ", "-", " ", ".", " ").Replace(fold.Text(all)))
}

// covers tells whether b says nothing that a does not.
func (a Address) covers(b Address) bool { return containsAll(a.words(), b.words()) }
