package contactsdb

import (
	"time"

	"github.com/rooftop-crm/rooftop/internal/contacts"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
)

// contactRow is a row of contacts. Its lists are never nil: the columns take no null.
type contactRow struct {
	AccountID    kernel.AccountID `gorm:"primaryKey"`
	ID           kernel.ContactID `gorm:"primaryKey"`
	Version      int64
	Kind         string
	Civility     string
	FirstName    string
	LastName     string
	FullName     string
	CompanyName  string
	Emails       []emailJSON   `gorm:"serializer:json"`
	Phones       []phoneJSON   `gorm:"serializer:json"`
	Addresses    []addressJSON `gorm:"serializer:json"`
	Language     string
	ExternalRefs []kernel.ExternalRef `gorm:"serializer:json"`
	Custom       map[string]any       `gorm:"serializer:json"`
	Tags         []string             `gorm:"serializer:json"`
	OwnerID      *kernel.UserID
	Search       string
	CreatedAt    time.Time `gorm:"autoCreateTime:false"`
	UpdatedAt    time.Time `gorm:"autoUpdateTime:false"`
	DeletedAt    *time.Time
}

// TableName is gorm's question.
func (contactRow) TableName() string { return "contacts" }

type emailJSON struct {
	Address   string `json:"address"`
	Type      string `json:"type"`
	Preferred bool   `json:"preferred,omitempty"`
}

type phoneJSON struct {
	Raw       string `json:"raw"`
	E164      string `json:"e164,omitempty"`
	Possible  string `json:"possible,omitempty"`
	Type      string `json:"type"`
	Preferred bool   `json:"preferred,omitempty"`
}

type addressJSON struct {
	Lines      []string `json:"lines,omitempty"`
	PostalCode string   `json:"postal_code,omitempty"`
	City       string   `json:"city,omitempty"`
	Region     string   `json:"region,omitempty"`
	Country    string   `json:"country,omitempty"`
	Type       string   `json:"type"`
}

// columns are what is read of a row, in the order of scan; search is only written.
const columns = `account_id, id, version, kind, civility, first_name, last_name, full_name, company_name, emails, phones, addresses,
	language, external_refs, custom, tags, owner_id, created_at, updated_at, deleted_at`

func scan(rows db.Rows) (contacts.Contact, error) {
	var r contactRow
	err := rows.Scan(&r.AccountID, &r.ID, &r.Version, &r.Kind, &r.Civility, &r.FirstName, &r.LastName, &r.FullName, &r.CompanyName,
		&r.Emails, &r.Phones, &r.Addresses, &r.Language, &r.ExternalRefs, &r.Custom, &r.Tags, &r.OwnerID,
		&r.CreatedAt, &r.UpdatedAt, &r.DeletedAt)
	return fromRow(r), err
}

func toRow(account kernel.AccountID, c contacts.Contact) contactRow {
	return contactRow{
		AccountID: account, ID: c.ID, Version: c.Version, Kind: string(c.Kind), Civility: c.Civility, FirstName: c.FirstName,
		LastName: c.LastName, FullName: c.FullName, CompanyName: c.CompanyName,
		Emails: mapped(c.Emails, toEmail), Phones: mapped(c.Phones, toPhone), Addresses: mapped(c.Addresses, toAddress),
		Language: c.Language, ExternalRefs: mapped(c.ExternalRefs, same), Custom: object(c.Custom), Tags: mapped(c.Tags, same),
		OwnerID: c.OwnerID, Search: c.SearchText(), CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt, DeletedAt: c.DeletedAt,
	}
}

func fromRow(r contactRow) contacts.Contact {
	return contacts.Contact{
		ID: r.ID, Version: r.Version, Kind: contacts.Kind(r.Kind), Civility: r.Civility, FirstName: r.FirstName, LastName: r.LastName,
		FullName: r.FullName, CompanyName: r.CompanyName,
		Emails: mapped(r.Emails, fromEmail), Phones: mapped(r.Phones, fromPhone), Addresses: mapped(r.Addresses, fromAddress),
		Language: r.Language, ExternalRefs: r.ExternalRefs, Custom: r.Custom, Tags: r.Tags, OwnerID: r.OwnerID,
		CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, DeletedAt: r.DeletedAt,
	}
}

func toEmail(e contacts.Email) emailJSON {
	return emailJSON{Address: e.Address, Type: string(e.Type), Preferred: e.Preferred}
}

func fromEmail(e emailJSON) contacts.Email {
	return contacts.Email{Address: e.Address, Type: contacts.Type(e.Type), Preferred: e.Preferred}
}

func toPhone(p contacts.Phone) phoneJSON {
	return phoneJSON{Raw: p.Raw, E164: p.E164, Possible: p.Possible, Type: string(p.Type), Preferred: p.Preferred}
}

func fromPhone(p phoneJSON) contacts.Phone {
	return contacts.Phone{Raw: p.Raw, E164: p.E164, Possible: p.Possible, Type: contacts.Type(p.Type), Preferred: p.Preferred}
}

func toAddress(a contacts.Address) addressJSON {
	return addressJSON{
		Lines: a.Lines, PostalCode: a.PostalCode, City: a.City, Region: a.Region, Country: a.Country, Type: string(a.Type),
	}
}

func fromAddress(a addressJSON) contacts.Address {
	return contacts.Address{
		Lines: a.Lines, PostalCode: a.PostalCode, City: a.City, Region: a.Region, Country: a.Country, Type: contacts.Type(a.Type),
	}
}

func same[T any](v T) T { return v }

// mapped never gives nil, which jsonb would take for null.
func mapped[T, U any](in []T, f func(T) U) []U {
	out := make([]U, len(in))
	for i, v := range in {
		out[i] = f(v)
	}
	return out
}

func object(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}
