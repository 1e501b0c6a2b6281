package contacts

import (
	"slices"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/merge"
)

// New is what a caller gives to create a contact. Of a Phone, E164 is read only where Raw is empty.
type New struct {
	Kind         Kind // "" is a company when nothing but a company's name is given, else a person
	Civility     string
	FirstName    string
	LastName     string
	FullName     string
	CompanyName  string
	Emails       []Email
	Phones       []Phone
	Addresses    []Address
	Language     string
	ExternalRefs []kernel.ExternalRef
	Custom       map[string]any
	Tags         []string
	OwnerID      *kernel.UserID
}

// contact makes the contact that is asked for, before it is settled.
func (n New) contact(region string) Contact {
	return Contact{
		Kind: n.Kind, Civility: n.Civility, FirstName: n.FirstName, LastName: n.LastName, FullName: n.FullName,
		CompanyName: n.CompanyName, Emails: n.Emails, Phones: readPhones(n.Phones, nil, region), Addresses: n.Addresses,
		Language: n.Language, ExternalRefs: n.ExternalRefs, Custom: merge.Object(nil, n.Custom), Tags: n.Tags, OwnerID: n.OwnerID,
	}
}

// Patch is a merge patch: what is not set stays, null empties, a list replaces the whole list, and custom is merged key by key.
type Patch struct {
	Kind         merge.Field[Kind]
	Civility     merge.Field[string]
	FirstName    merge.Field[string]
	LastName     merge.Field[string]
	FullName     merge.Field[string]
	CompanyName  merge.Field[string]
	Emails       merge.Field[[]Email]
	Phones       merge.Field[[]Phone]
	Addresses    merge.Field[[]Address]
	Language     merge.Field[string]
	ExternalRefs merge.Field[[]kernel.ExternalRef]
	Custom       merge.Field[map[string]any]
	Tags         merge.Field[[]string]
	OwnerID      merge.Field[kernel.UserID]
}

// apply changes the contact, before it is settled. A full name that was made of the other names follows them.
func (p Patch) apply(c *Contact, region string) {
	if c.FullName == c.deriveFullName() {
		c.FullName = ""
	}
	p.Kind.Apply(&c.Kind)
	p.Civility.Apply(&c.Civility)
	p.FirstName.Apply(&c.FirstName)
	p.LastName.Apply(&c.LastName)
	p.FullName.Apply(&c.FullName)
	p.CompanyName.Apply(&c.CompanyName)
	p.Emails.Apply(&c.Emails)
	if p.Phones.Set {
		c.Phones = readPhones(p.Phones.Value, c.Phones, region)
	}
	p.Addresses.Apply(&c.Addresses)
	p.Language.Apply(&c.Language)
	p.ExternalRefs.Apply(&c.ExternalRefs)
	if p.Custom.Set {
		merged := map[string]any{}
		if !p.Custom.Null {
			merged = merge.Object(c.Custom, p.Custom.Value)
		}
		c.Custom = merged
	}
	p.Tags.Apply(&c.Tags)
	p.OwnerID.ApplyPtr(&c.OwnerID)
}

// needsRegion tells whether the patch brings a number that must be read.
func (p Patch) needsRegion() bool { return len(p.Phones.Value) > 0 }

// somebody demands that a contact can be told from nobody.
func (c *Contact) somebody() []errs.Field {
	if c.FullName != "" || c.CompanyName != "" || len(c.Emails) > 0 || len(c.Phones) > 0 {
		return nil
	}
	return []errs.Field{{
		Pointer: "", Code: "required",
		Detail: "Give at least a name, a company's name, an e-mail address or a telephone number.",
	}}
}

// withRef adds a reference unless it is there.
func (c *Contact) withRef(ref kernel.ExternalRef) {
	if !slices.Contains(c.ExternalRefs, ref) {
		c.ExternalRefs = append(slices.Clone(c.ExternalRefs), ref)
	}
}
