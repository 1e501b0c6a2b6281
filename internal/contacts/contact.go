package contacts

import (
	"cmp"
	"reflect"
	"slices"
	"time"

	"github.com/rooftop-crm/rooftop/internal/kernel"
)

// Kind tells a person from a company.
type Kind string

// The kinds of contact.
const (
	KindPerson  Kind = "person"
	KindCompany Kind = "company"
)

// Kinds lists every kind.
func Kinds() []Kind { return []Kind{KindPerson, KindCompany} }

// Type tells what an e-mail address, a telephone or an address is for. Which values there are depends on the thing.
type Type string

// The types. TypeOther is what is written where nobody told.
const (
	TypeHome     Type = "home"
	TypeWork     Type = "work"
	TypeMobile   Type = "mobile"
	TypeFax      Type = "fax"
	TypeBilling  Type = "billing"
	TypeDelivery Type = "delivery"
	TypeOther    Type = "other"
)

// EmailTypes lists what an e-mail address may be for.
func EmailTypes() []Type { return []Type{TypeHome, TypeWork, TypeOther} }

// PhoneTypes lists what a telephone may be.
func PhoneTypes() []Type { return []Type{TypeMobile, TypeHome, TypeWork, TypeFax, TypeOther} }

// AddressTypes lists what a postal address may be for.
func AddressTypes() []Type {
	return []Type{TypeHome, TypeWork, TypeBilling, TypeDelivery, TypeOther}
}

// Contact is a person or company the account deals with.
type Contact struct {
	ID           kernel.ContactID
	Version      int64 // 1 when created, one more with each change
	Kind         Kind
	Civility     string // as the person wants to be addressed: "Mme", "Dr"
	FirstName    string // as given
	LastName     string // as given, particles included
	FullName     string // as given, else made of the other names
	CompanyName  string
	Emails       []Email
	Phones       []Phone
	Addresses    []Address
	Language     string // BCP 47; "" when not known
	ExternalRefs []kernel.ExternalRef
	Custom       map[string]any // numbers are float64, as in JSON everywhere
	Tags         []string
	OwnerID      *kernel.UserID // the user who looks after the contact
	CreatedAt    time.Time
	UpdatedAt    time.Time
	DeletedAt    *time.Time
}

// Email is one e-mail address.
type Email struct {
	Address   string // normalised by fold.Email
	Type      Type
	Preferred bool // at most one of a contact's
}

// Phone is one telephone number. Raw is what was typed and is never changed.
type Phone struct {
	Raw       string
	E164      string // "" when Raw is no valid number
	Possible  string // the same for a number of the right length in a range that nobody is known to have
	Type      Type
	Preferred bool // at most one of a contact's
}

// number is what the contact is recognised by. Fresh ranges are in use before the libraries know them, so a number that
// is possible tells people apart as well as a valid one.
func (p Phone) number() string { return cmp.Or(p.E164, p.Possible) }

// Address is one postal address. Every part may be empty.
type Address struct {
	Lines      []string
	PostalCode string
	City       string
	Region     string
	Country    string // ISO 3166-1 alpha-2
	Type       Type
}

func (a Address) equal(b Address) bool {
	return slices.Equal(a.Lines, b.Lines) && a.PostalCode == b.PostalCode && a.City == b.City && a.Region == b.Region &&
		a.Country == b.Country && a.Type == b.Type
}

// Diff names, as on the wire and in their order there, the fields in which the two differ. Version and the times of
// creation and change are not compared.
func (c *Contact) Diff(o Contact) []string {
	var changed []string
	add := func(name string, same bool) {
		if !same {
			changed = append(changed, name)
		}
	}
	add("kind", c.Kind == o.Kind)
	add("civility", c.Civility == o.Civility)
	add("first_name", c.FirstName == o.FirstName)
	add("last_name", c.LastName == o.LastName)
	add("full_name", c.FullName == o.FullName)
	add("company_name", c.CompanyName == o.CompanyName)
	add("emails", slices.Equal(c.Emails, o.Emails))
	add("phones", slices.Equal(c.Phones, o.Phones))
	add("addresses", slices.EqualFunc(c.Addresses, o.Addresses, Address.equal))
	add("language", c.Language == o.Language)
	add("external_refs", slices.Equal(c.ExternalRefs, o.ExternalRefs))
	add("custom", len(c.Custom) == len(o.Custom) && (len(c.Custom) == 0 || reflect.DeepEqual(c.Custom, o.Custom)))
	add("tags", slices.Equal(c.Tags, o.Tags))
	add("owner_id", equalPtr(c.OwnerID, o.OwnerID))
	add("deleted_at", (c.DeletedAt == nil) == (o.DeletedAt == nil))
	return changed
}

func equalPtr[T comparable](a, b *T) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// is fails with ErrStale when a version is named and it is not the contact's.
func (c *Contact) is(version *int64) error {
	if version != nil && *version != c.Version {
		return ErrStale
	}
	return nil
}

// Delete takes the contact out of lists, search and matching. It fails with ErrNotFound when that was done already.
func (c *Contact) Delete(at time.Time) error {
	if c.DeletedAt != nil {
		return ErrNotFound
	}
	c.DeletedAt = &at
	return nil
}

// Restore brings a deleted contact back, as it was. A contact that is not deleted stays as it is.
func (c *Contact) Restore() { c.DeletedAt = nil }
