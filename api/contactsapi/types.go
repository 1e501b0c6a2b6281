package contactsapi

import (
	"time"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/contacts"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/merge"
)

// Contact is a person or company.
type Contact struct {
	ID           kernel.ContactID     `json:"id"`
	Version      int64                `json:"version" example:"3"`
	Kind         contacts.Kind        `json:"kind" example:"person"`
	Civility     *string              `json:"civility" example:"Mme"`
	FirstName    *string              `json:"first_name" example:"Hélène"`
	LastName     *string              `json:"last_name" example:"de La Bretonnière"`
	FullName     *string              `json:"full_name" example:"Hélène de La Bretonnière"` // as given, else made of the other names
	CompanyName  *string              `json:"company_name" example:"Garage du Port"`
	Emails       []Email              `json:"emails"`
	Phones       []Phone              `json:"phones"`
	Addresses    []Address            `json:"addresses"`
	Language     *string              `json:"language" example:"fr-FR"` // BCP 47
	ExternalRefs []kernel.ExternalRef `json:"external_refs"`
	Custom       map[string]any       `json:"custom"`
	Tags         []string             `json:"tags" example:"vip"`
	OwnerID      *kernel.UserID       `json:"owner_id"` // the user who looks after the contact
	CreatedAt    time.Time            `json:"created_at"`
	UpdatedAt    time.Time            `json:"updated_at"`
	DeletedAt    *time.Time           `json:"deleted_at"`
} //	@name	Contact

// Email is an e-mail address of a contact, normalised: lower case, an international domain in its ASCII form.
type Email struct {
	Address   string `json:"address" format:"email" example:"helene@mail.example"`
	Type      string `json:"type" enums:"home,work,other" example:"home"`
	Preferred bool   `json:"preferred"`
} //	@name	ContactEmail

// Phone is a telephone number of a contact.
type Phone struct {
	Raw       string  `json:"raw" example:"02 61 91 12 34"` // as it was typed
	E164      *string `json:"e164" example:"+33261911234"`  // null when raw is no valid number
	Type      string  `json:"type" enums:"mobile,home,work,fax,other" example:"home"`
	Preferred bool    `json:"preferred"`
} //	@name	ContactPhone

// Address is a postal address of a contact.
type Address struct {
	Lines      []string `json:"lines" example:"12 bis, rue de l'Église"`
	PostalCode *string  `json:"postal_code" example:"42000"`
	City       *string  `json:"city" example:"Saint-Étienne"`
	Region     *string  `json:"region" example:"Auvergne-Rhône-Alpes"`
	Country    *string  `json:"country" example:"FR"` // ISO 3166-1 alpha-2
	Type       string   `json:"type" enums:"home,work,billing,delivery,other" example:"home"`
} //	@name	ContactAddress

// FromDomain is a contact as it goes over the wire, here and wherever another resource embeds it.
func FromDomain(c contacts.Contact) Contact {
	out := Contact{
		ID: c.ID, Version: c.Version, Kind: c.Kind, Civility: orNull(c.Civility), FirstName: orNull(c.FirstName),
		LastName: orNull(c.LastName), FullName: orNull(c.FullName), CompanyName: orNull(c.CompanyName), Language: orNull(c.Language),
		Emails: httpx.Mapped(c.Emails, fromEmail), Phones: httpx.Mapped(c.Phones, fromPhone), Addresses: httpx.Mapped(c.Addresses, fromAddress),
		ExternalRefs: httpx.Mapped(c.ExternalRefs, same), Custom: c.Custom, Tags: httpx.Mapped(c.Tags, same), OwnerID: c.OwnerID,
		CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt, DeletedAt: c.DeletedAt,
	}
	if out.Custom == nil {
		out.Custom = map[string]any{}
	}
	return out
}

func fromEmail(e contacts.Email) Email {
	return Email{Address: e.Address, Type: string(e.Type), Preferred: e.Preferred}
}

func fromPhone(p contacts.Phone) Phone {
	return Phone{Raw: p.Raw, E164: orNull(p.E164), Type: string(p.Type), Preferred: p.Preferred}
}

func fromAddress(a contacts.Address) Address {
	return Address{
		Lines: httpx.Mapped(a.Lines, same), PostalCode: orNull(a.PostalCode), City: orNull(a.City), Region: orNull(a.Region),
		Country: orNull(a.Country), Type: string(a.Type),
	}
}

// CreateContact is what makes a contact: at least a name, a company's name, an e-mail address or a telephone number.
// A field that is null is as one that is left out.
type CreateContact struct {
	Kind         *contacts.Kind       `json:"kind,omitempty" validate:"omitempty,oneof=person company" example:"person"` // by default a company when only a company's name is given
	Civility     *string              `json:"civility,omitempty" validate:"omitempty,max=40" example:"Mme"`
	FirstName    *string              `json:"first_name,omitempty" validate:"omitempty,max=200" example:"Hélène"`
	LastName     *string              `json:"last_name,omitempty" validate:"omitempty,max=200" example:"de La Bretonnière"`
	FullName     *string              `json:"full_name,omitempty" validate:"omitempty,max=401" example:"Hélène de La Bretonnière"`
	CompanyName  *string              `json:"company_name,omitempty" validate:"omitempty,max=200" example:"Garage du Port"`
	Emails       []EmailInput         `json:"emails,omitempty" validate:"max=20,dive"`
	Phones       []PhoneInput         `json:"phones,omitempty" validate:"max=20,dive"`
	Addresses    []AddressInput       `json:"addresses,omitempty" validate:"max=20,dive"`
	Language     *string              `json:"language,omitempty" validate:"omitempty,max=35" example:"fr-FR"`
	ExternalRefs []kernel.ExternalRef `json:"external_refs,omitempty" validate:"max=20"`
	Custom       map[string]any       `json:"custom,omitempty"` // at most 16 KiB as JSON, 8 levels deep
	Tags         []string             `json:"tags,omitempty" validate:"max=50,dive,max=64" example:"vip"`
	OwnerID      *kernel.UserID       `json:"owner_id,omitempty"`
} //	@name	CreateContact

// EmailInput is an e-mail address as it is sent.
type EmailInput struct {
	Address   string  `json:"address" validate:"required" format:"email" example:"helene@mail.example"`
	Type      *string `json:"type,omitempty" enums:"home,work,other" example:"home"` // other when left out
	Preferred bool    `json:"preferred,omitempty"`
} //	@name	ContactEmailInput

// PhoneInput is a telephone number as it is sent. A number that is not valid is kept as it is and refuses nothing.
type PhoneInput struct {
	Raw       *string `json:"raw,omitempty" validate:"required_without=E164" example:"02 61 91 12 34"` // without country code it is one of the account's country
	E164      *string `json:"e164,omitempty" example:"+33261911234"`                                   // read only when raw is left out
	Type      *string `json:"type,omitempty" enums:"mobile,home,work,fax,other" example:"home"`        // told by the number when left out
	Preferred bool    `json:"preferred,omitempty"`
} //	@name	ContactPhoneInput

// AddressInput is a postal address as it is sent.
type AddressInput struct {
	Lines      []string `json:"lines,omitempty" validate:"max=6,dive,max=200" example:"12 bis, rue de l'Église"`
	PostalCode *string  `json:"postal_code,omitempty" validate:"omitempty,max=120" example:"42000"`
	City       *string  `json:"city,omitempty" validate:"omitempty,max=120" example:"Saint-Étienne"`
	Region     *string  `json:"region,omitempty" validate:"omitempty,max=120" example:"Auvergne-Rhône-Alpes"`
	Country    *string  `json:"country,omitempty" example:"FR"` // ISO 3166-1 alpha-2
	Type       *string  `json:"type,omitempty" enums:"home,work,billing,delivery,other" example:"home"`
} //	@name	ContactAddressInput

func (in CreateContact) toDomain() contacts.New {
	return contacts.New{
		Kind: value(in.Kind), Civility: value(in.Civility), FirstName: value(in.FirstName), LastName: value(in.LastName),
		FullName: value(in.FullName), CompanyName: value(in.CompanyName), Language: value(in.Language),
		Emails: httpx.Mapped(in.Emails, EmailInput.toDomain), Phones: httpx.Mapped(in.Phones, PhoneInput.toDomain),
		Addresses: httpx.Mapped(in.Addresses, AddressInput.toDomain), ExternalRefs: in.ExternalRefs, Custom: in.Custom, Tags: in.Tags, OwnerID: in.OwnerID,
	}
}

func (in EmailInput) toDomain() contacts.Email {
	return contacts.Email{Address: in.Address, Type: contacts.Type(value(in.Type)), Preferred: in.Preferred}
}

func (in PhoneInput) toDomain() contacts.Phone {
	return contacts.Phone{Raw: value(in.Raw), E164: value(in.E164), Type: contacts.Type(value(in.Type)), Preferred: in.Preferred}
}

func (in AddressInput) toDomain() contacts.Address {
	return contacts.Address{
		Lines: in.Lines, PostalCode: value(in.PostalCode), City: value(in.City), Region: value(in.Region), Country: value(in.Country),
		Type: contacts.Type(value(in.Type)),
	}
}

// PatchContact changes a contact, or makes the one that has a reference. Lists are replaced whole, custom key by key.
type PatchContact struct {
	Kind         merge.Field[contacts.Kind]        `json:"kind" validate:"oneof=person company" extensions:"!x-nullable" example:"person"`
	Civility     merge.Field[string]               `json:"civility" validate:"max=40" example:"Mme"`
	FirstName    merge.Field[string]               `json:"first_name" validate:"max=200" example:"Hélène"`
	LastName     merge.Field[string]               `json:"last_name" validate:"max=200" example:"de La Bretonnière"`
	FullName     merge.Field[string]               `json:"full_name" validate:"max=401" example:"Hélène de La Bretonnière"` // null makes it of the other names again
	CompanyName  merge.Field[string]               `json:"company_name" validate:"max=200" example:"Garage du Port"`
	Emails       merge.Field[[]EmailInput]         `json:"emails" validate:"max=20,dive"`
	Phones       merge.Field[[]PhoneInput]         `json:"phones" validate:"max=20,dive"`
	Addresses    merge.Field[[]AddressInput]       `json:"addresses" validate:"max=20,dive"`
	Language     merge.Field[string]               `json:"language" validate:"max=35" example:"fr-FR"`
	ExternalRefs merge.Field[[]kernel.ExternalRef] `json:"external_refs" validate:"max=20"`
	Custom       merge.Field[map[string]any]       `json:"custom"`
	Tags         merge.Field[[]string]             `json:"tags" validate:"max=50,dive,max=64" example:"vip"`
	OwnerID      merge.Field[kernel.UserID]        `json:"owner_id"`
} //	@name	PatchContact

func (in PatchContact) toDomain() contacts.Patch {
	return contacts.Patch{
		Kind: in.Kind, Civility: in.Civility, FirstName: in.FirstName, LastName: in.LastName, FullName: in.FullName,
		CompanyName: in.CompanyName, Emails: each(in.Emails, EmailInput.toDomain), Phones: each(in.Phones, PhoneInput.toDomain),
		Addresses: each(in.Addresses, AddressInput.toDomain), Language: in.Language, ExternalRefs: in.ExternalRefs, Custom: in.Custom,
		Tags: in.Tags, OwnerID: in.OwnerID,
	}
}

// ContactBatch is many contacts at once.
type ContactBatch struct {
	Items []CreateContact `json:"items" validate:"required"` // 1 to 500
} //	@name	ContactBatch

func same[T any](v T) T { return v }

func each[T, U any](in merge.Field[[]T], f func(T) U) merge.Field[[]U] {
	return merge.Field[[]U]{Set: in.Set, Null: in.Null, Value: httpx.Mapped(in.Value, f)}
}

// orNull: what is not known is null on the wire.
func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
