package adf

import (
	"slices"
	"strings"
	"unicode"
)

func (r *reader) customer(n *node, p *Prospect) {
	r.attrExtras(n, &p.Customer.Extras)
	r.flaws(n)
	for c := n.first; c != nil; c = c.next {
		r.customerPart(c, p)
	}
	if n.first == nil {
		if name := r.value(n); name != "" && p.Customer.Contact.Empty() {
			p.Customer.Contact.Full = name
		}
	}
}

// customerPart reads what belongs to the customer, wherever it stands.
func (r *reader) customerPart(c *node, p *Prospect) {
	cust := &p.Customer
	switch c.name {
	case "contact":
		r.customerContact(c, p)
	case "id":
		r.id(c, "customer", &cust.IDs)
	case "timeframe":
		r.timeframe(c, cust)
	case "comments", "comment":
		r.alias(c, "comments")
		r.prose(c, &cust.Comments)
	default:
		if r.misplaced(c, p) || r.contactPart(c, &cust.Contact) {
			return
		}
		r.extra(c, &cust.Extras)
	}
}

// customerContact reads a contact. The first one is the customer, whatever primarycontact says of later ones.
func (r *reader) customerContact(n *node, p *Prospect) {
	contact := Contact{}
	r.contact(n, &contact, func(c *node) bool {
		switch c.name {
		case "comments", "comment", "timeframe", "id", "contact":
			r.warn(c, WarnMisplaced, "<%s> stands inside of <contact>; it was read as the customer's.", c.local)
			r.customerPart(c, p)
			return true
		}
		return r.misplaced(c, p)
	})
	first := &p.Customer.Contact
	switch {
	case contact.Empty() && len(contact.Extras) == 0:
	case first.Empty() && len(p.Customer.OtherContacts) == 0:
		extras := first.Extras
		addExtras(&extras, contact.Extras...)
		contact.Extras = extras
		*first = contact
	default:
		p.Customer.OtherContacts = append(p.Customer.OtherContacts, contact)
	}
}

func (r *reader) timeframe(n *node, cust *Customer) {
	if cust.Timeframe != nil {
		r.repeated(n, &cust.Extras)
		return
	}
	r.flaws(n)
	t := &Timeframe{}
	for c := n.first; c != nil; c = c.next {
		switch c.name {
		case "description":
			r.prose(c, &t.Description)
		case "earliestdate":
			r.once(c, &t.Earliest, &t.Extras)
		case "latestdate":
			r.once(c, &t.Latest, &t.Extras)
		default:
			r.extra(c, &t.Extras)
		}
	}
	if n.first == nil {
		t.Description = r.value(n)
	}
	if t.Description != "" || t.Earliest.Raw != "" || t.Latest.Raw != "" || len(t.Extras) > 0 {
		cust.Timeframe = t
	}
}

func (r *reader) once(c *node, dst *Date, extras *[]Extra) {
	if dst.Raw != "" {
		r.repeated(c, extras)
		return
	}
	*dst = r.date(c)
}

// contact reads a contact element; other gets the children that may belong elsewhere first.
func (r *reader) contact(n *node, contact *Contact, other func(*node) bool) {
	contact.Primary = r.yes(n, "primarycontact")
	r.attrExtras(n, &contact.Extras, "primarycontact")
	r.flaws(n)
	if n.first == nil {
		contact.Full = r.name(n)
	}
	for c := n.first; c != nil; c = c.next {
		if !other(c) && !r.contactPart(c, contact) {
			r.extra(c, &contact.Extras)
		}
	}
}

func (r *reader) yes(n *node, name string) bool {
	switch r.code(n, name) {
	case "1", "yes", "true", "y", "oui":
		return true
	}
	return false
}

// contactPart reads what makes up a contact; it says no when c is nothing of the kind.
func (r *reader) contactPart(c *node, contact *Contact) bool {
	switch c.name {
	case "name":
		r.namePart(c, contact, r.code(c, "part"))
	case "fullname":
		r.alias(c, "name")
		r.namePart(c, contact, "full")
	case "firstname", "first", "lastname", "last", "middlename", "middle":
		r.alias(c, "name")
		r.namePart(c, contact, strings.TrimSuffix(c.name, "name"))
	case "prenom", "prénom":
		r.alias(c, "name")
		r.namePart(c, contact, "first")
	case "nom", "nomdefamille":
		r.alias(c, "name")
		r.namePart(c, contact, "last")
	case "email", "emailaddress", "mail", "courriel":
		r.alias(c, "email")
		r.email(c, contact)
	case "phone", "telephone", "phonenumber", "tel", "téléphone":
		r.alias(c, "phone")
		r.phone(c, contact, r.attrValue(c, "type"))
	case "cell", "cellphone", "mobile", "mobilephone", "portable":
		r.alias(c, "phone")
		r.phone(c, contact, "cellphone")
	case "homephone", "workphone", "businessphone", "dayphone", "eveningphone", "internationalphone", "fax":
		r.alias(c, "phone")
		r.phone(c, contact, strings.TrimSuffix(c.name, "phone"))
	case "address":
		r.address(c, contact)
	default:
		return r.looseAddress(c, contact)
	}
	return true
}

// looseAddress reads a part of an address that stands outside of one.
func (r *reader) looseAddress(c *node, contact *Contact) bool {
	a := Address{}
	if len(contact.Addresses) > 0 {
		a = contact.Addresses[len(contact.Addresses)-1]
	}
	var lines []street
	if !r.addressPart(c, &a, &lines) {
		return false
	}
	r.warn(c, WarnMisplaced, "<%s> stands outside of <address>.", clip(c.local, 40))
	a.Street = append(slices.Clone(a.Street), inOrder(lines)...)
	switch {
	case a.blank():
	case len(contact.Addresses) > 0:
		contact.Addresses[len(contact.Addresses)-1] = a
	default:
		contact.Addresses = append(contact.Addresses, a)
	}
	return true
}

// blank reports that the address says nothing.
func (a *Address) blank() bool {
	return a.Apartment+a.City+a.Region+a.Postal+a.Country == "" && len(a.Street)+len(a.Extras) == 0
}

// name gives a value that is a name: real people are called Na or Nil.
func (r *reader) name(n *node) string {
	v := r.textOf(n, MaxTextChars)
	switch lower := strings.ToLower(v); {
	case lower == "na" || lower == "nil" || lower == "none" || !placeholder(v) && !nameTemplate(lower):
		return v
	}
	r.warn(n, WarnPlaceholder, "%q was taken as absent.", v)
	return ""
}

// nameTemplate knows what forms send when the name was left out.
func nameTemplate(lower string) bool {
	switch lower {
	case "name", "no name", "noname", "first name", "last name", "firstname", "lastname", "full name", "prénom":
		return true
	}
	return false
}

func (r *reader) namePart(c *node, contact *Contact, part string) {
	value := r.name(c)
	if value == "" {
		r.nameAttrs(c, contact)
		return
	}
	if t := r.code(c, "type"); t == "business" || t == "company" || t == "organization" {
		contact.Business = true
	}
	var dst *string
	switch part {
	case "first", "given", "firstname", "first name":
		dst = &contact.First
	case "middle", "mi", "middlename":
		dst = &contact.Middle
	case "last", "family", "lastname", "last name", "surname":
		dst = &contact.Last
	case "suffix":
		dst = &contact.Suffix
	case "full", "", "fullname", "name":
		dst, part = &contact.Full, "full"
	case "business", "company":
		contact.Business = true
		dst, part = &contact.Full, "full"
	default:
		contact.OtherNames = append(contact.OtherNames, Name{part, value})
		return
	}
	switch {
	case *dst == "":
		*dst = value
	case part == "surname" && contact.Suffix == "":
		contact.Suffix = value // the DTD prints surname where it means suffix
	case *dst != value:
		r.warn(c, WarnRepeated, "There is more than one name of part %q; the first one counts.", part)
		contact.OtherNames = append(contact.OtherNames, Name{part, value})
	}
}

// nameAttrs reads a name whose parts are attributes: <name first="Jo" last="Falk"/>.
func (r *reader) nameAttrs(c *node, contact *Contact) {
	first, last, full := r.attrValue(c, "first", "firstname"), r.attrValue(c, "last", "lastname"), r.attrValue(c, "full", "fullname")
	if first+last+full == "" || contact.DisplayName() != "" {
		return
	}
	r.warn(c, WarnMisplaced, "The name was taken from attributes.")
	contact.First, contact.Last, contact.Full = first, last, full
}

// email reads the addresses in an element; what is none is kept apart.
func (r *reader) email(c *node, contact *Contact) {
	raw := r.value(c)
	if raw == "" {
		return
	}
	preferred := r.yes(c, "preferredcontact")
	if ValidEmail(raw) {
		contact.Emails = append(contact.Emails, Email{raw, preferred})
		return
	}
	found := false
	for _, word := range strings.FieldsFunc(raw, func(c rune) bool {
		return unicode.IsSpace(c) || strings.ContainsRune(`;,<>()[]"`, c)
	}) {
		if len(word) > 7 && strings.EqualFold(word[:7], "mailto:") {
			word = word[7:]
		}
		word = strings.Trim(word, ".'!?*")
		if ValidEmail(word) {
			found = true
			contact.Emails = append(contact.Emails, Email{word, preferred})
		}
	}
	if !found && looksDialled(raw) {
		r.warn(c, WarnMisplaced, "The e-mail address is a telephone number; it was read as one.")
		contact.Phones = append(contact.Phones, Phone{Raw: raw, Preferred: preferred})
		return
	}
	if found {
		r.warn(c, WarnEmailTidied, "The address was taken out of %q.", clip(raw, 80))
		return
	}
	r.warn(c, WarnEmailInvalid, "%q is no e-mail address.", clip(raw, 80))
	contact.InvalidEmails = append(contact.InvalidEmails, raw)
}

// looksDialled reports that a text is nothing but digits, as many as a telephone number has, and what stands between them.
func looksDialled(s string) bool {
	digits := 0
	for i := range len(s) {
		if isDigit(rune(s[i])) {
			digits++
		}
	}
	return digits >= 8 && digits <= 15 && strings.Trim(s, "0123456789 \u00a0\u202f.-/()+") == ""
}

// ValidEmail reports whether s has the form of an e-mail address: one local part, and a domain with a dot. Letters of
// any script will do. It does not tell whether the address exists.
func ValidEmail(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	if !ok || local == "" || len(local) > 64 || len(domain) < 3 || len(domain) > 255 {
		return false
	}
	if strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`"(),:;<>[\]{}|`, r)
	}) {
		return false
	}
	labels := strings.Split(domain, ".")
	for _, label := range labels {
		if label == "" || strings.ContainsRune(label, '@') || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
	}
	return len(labels) > 1 && !strings.HasPrefix(local, ".") && !strings.HasSuffix(local, ".") && !strings.Contains(local, "..")
}

func (r *reader) phone(c *node, contact *Contact, kind string) {
	raw := r.value(c)
	if raw == "" {
		return
	}
	if ValidEmail(raw) {
		r.warn(c, WarnMisplaced, "The telephone number is an e-mail address; it was read as one.")
		contact.Emails = append(contact.Emails, Email{raw, r.yes(c, "preferredcontact")})
		return
	}
	ph := Phone{Raw: raw, Preferred: r.yes(c, "preferredcontact"), Time: r.code(c, "time")}
	if ext := r.attrValue(c, "ext", "extension"); ext != "" && len(ext) <= 10 {
		ph.Raw += " ext. " + ext
	}
	ph.Type = phoneType(kind)
	if !strings.EqualFold(kind, string(ph.Type)) {
		ph.TypeRaw = kind
	}
	if kind != "" && ph.Type == "" {
		r.warn(c, WarnUnknownValue, "The phone type %q is not known.", clip(kind, 40))
	}
	contact.Phones = append(contact.Phones, ph)
}

// phoneType reads the words senders use.
func phoneType(s string) PhoneType {
	switch strings.NewReplacer(" ", "", "-", "", "_", "").Replace(strings.ToLower(s)) {
	case "voice", "phone", "telephone", "tel", "main", "primary", "landline", "fixe", "day", "evening", "daytime", "other":
		return PhoneVoice
	case "cellphone", "cell", "cellular", "mobile", "mobilephone", "portable", "sms", "gsm", "handy", "celular", "movil", "móvil":
		return PhoneCell
	case "fax", "telefax":
		return PhoneFax
	case "pager", "beeper":
		return PhonePager
	case "home", "homephone", "domicile", "residence", "private":
		return PhoneHome
	case "work", "workphone", "business", "office", "bureau", "businessphone":
		return PhoneWork
	}
	return ""
}

func (r *reader) address(n *node, contact *Contact) {
	r.flaws(n)
	a := Address{Type: r.code(n, "type")}
	var lines []street
	for c := n.first; c != nil; c = c.next {
		if !r.addressPart(c, &a, &lines) && !r.contactPart(c, contact) {
			r.extra(c, &a.Extras)
		}
	}
	if n.first == nil {
		if v := r.value(n); v != "" {
			lines = append(lines, street{value: v})
		}
	}
	a.Street = inOrder(lines)
	if !a.blank() {
		contact.Addresses = append(contact.Addresses, a)
	}
}

// addressPart reads one part of an address; it says no when c is none.
func (r *reader) addressPart(c *node, a *Address, lines *[]street) bool {
	switch c.name {
	case "street", "street1", "street2", "streetaddress", "addressline1", "addressline2", "addressline", "address1", "address2", "line1", "line2", "rue":
		r.alias(c, "street")
		if v := r.value(c); v != "" {
			*lines = append(*lines, street{v, r.attrValue(c, "line")})
		}
	case "apartment", "apt", "unit":
		r.alias(c, "apartment")
		r.text(c, &a.Apartment, &a.Extras)
	case "city", "town", "ville":
		r.alias(c, "city")
		r.text(c, &a.City, &a.Extras)
	case "regioncode", "region", "state", "province", "statecode":
		r.alias(c, "regioncode")
		r.text(c, &a.Region, &a.Extras)
	case "postalcode", "zip", "zipcode", "postcode", "postal", "codepostal":
		r.alias(c, "postalcode")
		r.text(c, &a.Postal, &a.Extras)
	case "country", "countrycode", "pays":
		r.alias(c, "country")
		r.text(c, &a.Country, &a.Extras)
	default:
		return false
	}
	return true
}

type street struct{ value, line string }

// inOrder sorts the lines of a street by their numbers, when all have one.
func inOrder(lines []street) []string {
	numbered := !slices.ContainsFunc(lines, func(s street) bool { return len(s.line) != 1 || !digitsOnly(s.line) })
	if numbered {
		slices.SortStableFunc(lines, func(a, b street) int { return strings.Compare(a.line, b.line) })
	}
	var values []string
	for _, s := range lines {
		values = append(values, s.value)
	}
	return values
}

func (r *reader) vendor(n *node, p *Prospect) {
	v := &p.Vendor
	if v.Name != "" || len(v.IDs) > 0 {
		r.repeated(n, &p.Extras)
		return
	}
	r.attrExtras(n, &v.Extras)
	r.flaws(n)
	var names []*node // vendor/name, where vendorname should be
	for c := n.first; c != nil; c = c.next {
		switch c.name {
		case "id":
			r.id(c, "vendor", &v.IDs)
		case "vendorname":
			r.text(c, &v.Name, &v.Extras)
		case "name":
			names = append(names, c)
		case "url", "website":
			r.alias(c, "url")
			r.text(c, &v.URL, &v.Extras)
		case "contact":
			r.organisationContact(c, &v.Contact, &v.Extras, p)
		default:
			if !r.misplaced(c, p) && !r.contactPart(c, &v.Contact) {
				r.extra(c, &v.Extras)
			}
		}
	}
	if n.first == nil {
		v.Name, v.NameFrom = r.value(n), "vendor"
	}
	r.vendorName(names, v)
}

// vendorName settles the dealer's name.
func (r *reader) vendorName(names []*node, v *Vendor) {
	if v.Name != "" && v.NameFrom == "" {
		v.NameFrom = "vendorname"
	}
	for _, c := range names {
		switch value := r.value(c); {
		case v.Name == "":
			v.Name, v.NameFrom = value, "vendor/name"
		case value != v.Name:
			r.repeated(c, &v.Extras)
		}
	}
	if v.Name == "" {
		v.Name, v.NameFrom = v.Contact.DisplayName(), "contact name"
	}
	if v.Name == "" {
		v.NameFrom = ""
	}
	if v.Contact.only(v.Name) {
		v.Contact = Contact{}
	}
}

// only reports that the contact says nothing but name.
func (c *Contact) only(name string) bool {
	return c.Full == name && c.First+c.Middle+c.Last+c.Suffix == "" && len(c.OtherNames)+len(c.Emails)+
		len(c.InvalidEmails)+len(c.Phones)+len(c.Addresses)+len(c.Extras) == 0
}

// organisationContact reads the contact of a vendor or provider.
func (r *reader) organisationContact(c *node, dst *Contact, extras *[]Extra, p *Prospect) {
	contact := Contact{}
	r.contact(c, &contact, func(c *node) bool { return r.misplaced(c, p) })
	switch {
	case contact.Empty() && len(contact.Extras) == 0:
	case dst.Empty() && len(dst.Extras) == 0:
		*dst = contact
	default:
		r.repeated(c, extras)
	}
}

func (r *reader) provider(n *node, p *Prospect) {
	v := &p.Provider
	if v.Name != "" || v.Service != "" || len(v.IDs) > 0 {
		r.repeated(n, &p.Extras)
		return
	}
	r.attrExtras(n, &v.Extras)
	r.flaws(n)
	for c := n.first; c != nil; c = c.next {
		switch c.name {
		case "id":
			r.id(c, "provider", &v.IDs)
		case "name", "providername":
			r.alias(c, "name")
			r.text(c, &v.Name, &v.Extras)
		case "service":
			r.text(c, &v.Service, &v.Extras)
		case "url", "website":
			r.alias(c, "url")
			r.text(c, &v.URL, &v.Extras)
		case "email":
			r.text(c, &v.Email, &v.Extras)
		case "phone":
			r.text(c, &v.Phone, &v.Extras)
		case "contact":
			r.organisationContact(c, &v.Contact, &v.Extras, p)
		default:
			if !r.misplaced(c, p) {
				r.extra(c, &v.Extras)
			}
		}
	}
	if n.first == nil {
		v.Name = r.value(n)
	}
}
