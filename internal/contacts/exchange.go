package contacts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

// This file is contacts as rows of a file: what a row makes, how that is taken back, and how a contact is written.

// RowField is one column that a file of contacts may have.
type RowField struct {
	Name    string
	Label   string
	Aliases []string
}

// RowFields lists them, in the order of an export.
func RowFields() []RowField {
	return []RowField{
		{"external_id", "Id in the other system", []string{"id", "customer number", "customer no", "numéro client", "n° client", "code client", "kundennummer"}},
		{"kind", "person or company", []string{"type"}},
		{"civility", "Civility", []string{"title", "salutation", "civilité", "anrede"}},
		{"first_name", "First name", []string{"firstname", "given name", "prénom", "vorname"}},
		{"last_name", "Last name", []string{"lastname", "surname", "family name", "nom", "nom de famille", "nachname"}},
		{"full_name", "Full name", []string{"name", "nom complet", "customer", "client"}},
		{"company_name", "Company", []string{"company", "société", "raison sociale", "firma"}},
		{"email", "E-mail", []string{"e-mail address", "mail", "courriel", "adresse e-mail", "adresse mail"}},
		{"email_2", "Second e-mail", []string{"e-mail 2", "mail 2", "other email"}},
		{"phone", "Telephone", []string{"phone number", "tel", "tél", "téléphone", "téléphone fixe", "telefon"}},
		{"mobile", "Mobile", []string{"mobile phone", "cell", "cell phone", "portable", "téléphone portable", "gsm", "handy"}},
		{"address", "Street address", []string{"street", "address line 1", "adresse", "rue", "straße"}},
		{"postal_code", "Postal code", []string{"zip", "zip code", "postcode", "code postal", "cp", "plz"}},
		{"city", "City", []string{"town", "ville", "ort", "stadt"}},
		{"country", "Country (ISO 3166-1)", []string{"pays", "land"}},
		{"language", "Language (BCP 47)", []string{"langue", "sprache"}},
		{"tags", "Tags, with commas or semicolons between", []string{"labels", "étiquettes"}},
	}
}

// ImportedRow is what a row did.
type ImportedRow struct {
	Contact Contact
	Created bool
	Changes []RowChange
	Undo    json.RawMessage // for UndoRow; nil when it changed nothing
}

// RowChange is one field of the contact, as a cell would have it.
type RowChange struct{ Field, Before, After string }

// ImportRow makes or changes the contact that a row is about: the one with the external id, else the one that has its
// e-mail address or number and a name that agrees, else a new one. Cells that are empty say nothing; e-mails, numbers and
// tags are added to those that are there. It needs a transaction. The pointers of its errors name the cells: "/email".
func (s *Service) ImportRow(ctx context.Context, actor auth.Actor, source string, values map[string]string) (ImportedRow, error) {
	if err := actor.Require(auth.ContactsWrite); err != nil {
		return ImportedRow{}, err
	}
	region, err := s.accounts.Country(ctx, actor.Account)
	if err != nil {
		return ImportedRow{}, err
	}
	r := cells(values)
	id, err := s.rowContact(ctx, actor, source, r, region)
	if err != nil {
		return ImportedRow{}, inCells(err, r)
	}
	if id.IsZero() {
		c := Contact{Custom: map[string]any{}}
		r.apply(&c, source, region)
		if err := s.check(ctx, actor.Account, &c, false); err != nil {
			return ImportedRow{}, inCells(err, r)
		}
		c, err = s.insert(ctx, actor, c)
		return ImportedRow{Contact: c, Created: true, Changes: rowChanges(Contact{}, c)}, inCells(err, r)
	}
	var before Contact
	after, err := s.changeAny(ctx, actor, id, nil, func(ctx context.Context, c *Contact) error {
		before = *c
		c.Restore()
		r.apply(c, source, region)
		return s.check(ctx, actor.Account, c, false)
	})
	if err != nil {
		return ImportedRow{}, inCells(err, r)
	}
	out := ImportedRow{Contact: after}
	if len(before.Diff(after)) > 0 {
		out.Changes = rowChanges(before, after)
		out.Undo, err = json.Marshal(keepOf(before))
	}
	return out, err
}

// rowContact finds the contact that a row is about; zero when there is none.
func (s *Service) rowContact(ctx context.Context, actor auth.Actor, source string, r cells, region string) (kernel.ContactID, error) {
	if id := r["external_id"]; id != "" {
		ref := kernel.ExternalRef{Source: source, ID: id}
		var f faults
		if f.ref("/external_refs/0", &ref); len(f) > 0 {
			return kernel.ContactID{}, errs.InvalidFields(f...)
		}
		found, err := s.store.FindByRef(ctx, actor.Account, ref)
		if !errors.Is(err, ErrNotFound) {
			return found.ID, err
		}
	}
	c := Contact{}
	r.apply(&c, source, region)
	m, err := s.Recognise(ctx, actor, Person{
		Kind: c.Kind, Civility: c.Civility, FirstName: c.FirstName, LastName: c.LastName, FullName: c.FullName, CompanyName: c.CompanyName,
		Emails: c.Emails, Phones: c.Phones, Region: region,
	})
	return m.ContactID, err
}

// UndoRow takes back what a row did: it deletes the contact that it made, or gives back what it changed. It fails with
// ErrStale when the contact was changed since.
func (s *Service) UndoRow(ctx context.Context, actor auth.Actor, id kernel.ContactID, version int64, undo json.RawMessage) error {
	if len(undo) == 0 || string(undo) == "null" {
		return s.Delete(ctx, actor, id, &version)
	}
	var k kept
	if err := json.Unmarshal(undo, &k); err != nil {
		return fmt.Errorf("read what a row changed: %w", err)
	}
	_, err := s.change(ctx, actor, id, &version, func(ctx context.Context, c *Contact) error {
		k.restore(c)
		if err := s.check(ctx, actor.Account, c, false); err != nil {
			return err
		}
		if k.Deleted {
			return c.Delete(s.now())
		}
		return nil
	})
	return err
}

// ExportRows reads contacts as rows, by ascending id. Deleted ones are left out, so that a page may have fewer than the
// limit; last is where to go on, and uuid.Nil at the end.
func (s *Service) ExportRows(ctx context.Context, actor auth.Actor, after uuid.UUID, limit int) (rows []Contact, last uuid.UUID, err error) {
	if err := actor.Require(auth.ContactsRead); err != nil {
		return nil, uuid.Nil, err
	}
	all, err := s.store.ListByID(ctx, actor.Account, kernel.ContactID(after), limit)
	if err != nil {
		return nil, uuid.Nil, err
	}
	if len(all) == limit {
		last = uuid.UUID(all[limit-1].ID)
	}
	return slices.DeleteFunc(all, func(c Contact) bool { return c.DeletedAt != nil }), last, nil
}

// cells are the values of a row by field.
type cells map[string]string

// apply changes a contact as the row says.
func (r cells) apply(c *Contact, source, region string) {
	if c.FullName == c.deriveFullName() {
		c.FullName = ""
	}
	for field, to := range map[string]*string{
		"civility": &c.Civility, "first_name": &c.FirstName, "last_name": &c.LastName, "full_name": &c.FullName,
		"company_name": &c.CompanyName, "language": &c.Language,
	} {
		if v := r[field]; v != "" {
			*to = v
		}
	}
	if v := r["kind"]; v != "" {
		c.Kind = Kind(strings.ToLower(v))
	}
	if id := r["external_id"]; id != "" {
		c.withRef(kernel.ExternalRef{Source: source, ID: id})
	}
	for _, field := range []string{"email", "email_2"} {
		if v := r[field]; v != "" && !slices.ContainsFunc(c.Emails, func(e Email) bool { return strings.EqualFold(e.Address, v) }) {
			c.Emails = append(slices.Clone(c.Emails), Email{Address: v})
		}
	}
	r.applyPhones(c, region)
	r.applyAddress(c)
	for _, tag := range strings.FieldsFunc(r["tags"], func(r rune) bool { return r == ',' || r == ';' }) {
		if tag = strings.TrimSpace(tag); tag != "" && !slices.Contains(c.Tags, tag) {
			c.Tags = append(slices.Clone(c.Tags), tag)
		}
	}
}

func (r cells) applyPhones(c *Contact, region string) {
	for _, field := range []string{"phone", "mobile"} {
		if r[field] == "" {
			continue
		}
		p := Phone{Raw: r[field]}
		if field == "mobile" {
			p.Type = TypeMobile
		}
		p = readPhones([]Phone{p}, nil, region)[0]
		if !slices.ContainsFunc(c.Phones, func(k Phone) bool { return k.Raw == p.Raw || k.E164 != "" && k.E164 == p.E164 }) {
			c.Phones = append(slices.Clone(c.Phones), p)
		}
	}
}

func (r cells) applyAddress(c *Contact) {
	a := Address{PostalCode: r["postal_code"], City: r["city"], Country: strings.ToUpper(r["country"])}
	if r["address"] != "" {
		a.Lines = []string{r["address"]}
	}
	if len(a.Lines) == 0 && a.PostalCode == "" && a.City == "" {
		return
	}
	same := func(o Address) bool {
		return slices.Equal(o.Lines, a.Lines) && o.PostalCode == a.PostalCode && o.City == a.City && (a.Country == "" || o.Country == a.Country)
	}
	if !slices.ContainsFunc(c.Addresses, same) {
		c.Addresses = append([]Address{a}, c.Addresses...)
	}
}

// RowOf is a contact by the fields of a row.
func RowOf(c Contact) map[string]string {
	out := map[string]string{
		"kind": string(c.Kind), "civility": c.Civility, "first_name": c.FirstName, "last_name": c.LastName, "full_name": c.FullName,
		"company_name": c.CompanyName, "language": c.Language, "tags": strings.Join(c.Tags, ", "),
	}
	if len(c.ExternalRefs) > 0 {
		out["external_id"] = c.ExternalRefs[0].ID
	}
	for i, field := range []string{"email", "email_2"} {
		if i < len(c.Emails) {
			out[field] = c.Emails[i].Address
		}
	}
	for _, p := range c.Phones {
		field := "phone"
		if p.Type == TypeMobile {
			field = "mobile"
		}
		if out[field] == "" {
			out[field] = p.E164
			if p.E164 == "" {
				out[field] = p.Raw
			}
		}
	}
	if len(c.Addresses) > 0 {
		a := c.Addresses[0]
		out["address"], out["postal_code"], out["city"], out["country"] = strings.Join(a.Lines, ", "), a.PostalCode, a.City, a.Country
	}
	return out
}

func rowChanges(before, after Contact) []RowChange {
	was, is := RowOf(before), RowOf(after)
	var out []RowChange
	for _, f := range RowFields() {
		if was[f.Name] != is[f.Name] {
			out = append(out, RowChange{Field: f.Name, Before: was[f.Name], After: is[f.Name]})
		}
	}
	return out
}

// inCells names the cells of a row where an error names fields of a contact.
func inCells(err error, r cells) error {
	e, ok := errs.As(err)
	if !ok || len(e.Fields) == 0 {
		return err
	}
	named := *e
	named.Fields = make([]errs.Field, len(e.Fields))
	for i, f := range e.Fields {
		parts := strings.Split(f.Pointer, "/")
		f.Pointer = "/" + r.cell(parts[1:])
		named.Fields[i] = f
	}
	return &named
}

func (r cells) cell(path []string) string {
	if len(path) == 0 {
		return ""
	}
	first := func(fields ...string) string {
		for _, f := range fields {
			if r[f] != "" {
				return f
			}
		}
		return fields[0]
	}
	switch path[0] {
	case "emails":
		return first("email", "email_2")
	case "phones":
		return first("phone", "mobile")
	case "external_refs":
		return "external_id"
	case "addresses":
		if field := path[len(path)-1]; field == "postal_code" || field == "city" || field == "country" {
			return field
		}
		return "address"
	}
	return path[0]
}

// kept is what a contact was before a row changed it.
type kept struct {
	Kind         Kind                 `json:"kind"`
	Civility     string               `json:"civility,omitempty"`
	FirstName    string               `json:"first_name,omitempty"`
	LastName     string               `json:"last_name,omitempty"`
	FullName     string               `json:"full_name,omitempty"`
	CompanyName  string               `json:"company_name,omitempty"`
	Emails       []keptPoint          `json:"emails,omitempty"`
	Phones       []keptPoint          `json:"phones,omitempty"`
	Addresses    []keptAddress        `json:"addresses,omitempty"`
	Language     string               `json:"language,omitempty"`
	ExternalRefs []kernel.ExternalRef `json:"external_refs,omitempty"`
	Tags         []string             `json:"tags,omitempty"`
	Deleted      bool                 `json:"deleted,omitempty"`
}

type keptPoint struct {
	Value     string `json:"value"`
	E164      string `json:"e164,omitempty"`
	Possible  string `json:"possible,omitempty"`
	Type      Type   `json:"type"`
	Preferred bool   `json:"preferred,omitempty"`
}

type keptAddress struct {
	Lines      []string `json:"lines,omitempty"`
	PostalCode string   `json:"postal_code,omitempty"`
	City       string   `json:"city,omitempty"`
	Region     string   `json:"region,omitempty"`
	Country    string   `json:"country,omitempty"`
	Type       Type     `json:"type"`
}

func keepOf(c Contact) kept {
	k := kept{
		Kind: c.Kind, Civility: c.Civility, FirstName: c.FirstName, LastName: c.LastName, FullName: c.FullName, CompanyName: c.CompanyName,
		Language: c.Language, ExternalRefs: c.ExternalRefs, Tags: c.Tags, Deleted: c.DeletedAt != nil,
	}
	for _, e := range c.Emails {
		k.Emails = append(k.Emails, keptPoint{Value: e.Address, Type: e.Type, Preferred: e.Preferred})
	}
	for _, p := range c.Phones {
		k.Phones = append(k.Phones, keptPoint{p.Raw, p.E164, p.Possible, p.Type, p.Preferred})
	}
	for _, a := range c.Addresses {
		k.Addresses = append(k.Addresses, keptAddress(a))
	}
	return k
}

func (k kept) restore(c *Contact) {
	c.Kind, c.Civility, c.FirstName, c.LastName = k.Kind, k.Civility, k.FirstName, k.LastName
	c.FullName, c.CompanyName, c.Language = k.FullName, k.CompanyName, k.Language
	c.ExternalRefs, c.Tags = k.ExternalRefs, k.Tags
	c.Emails, c.Phones, c.Addresses = nil, nil, nil
	for _, e := range k.Emails {
		c.Emails = append(c.Emails, Email{Address: e.Value, Type: e.Type, Preferred: e.Preferred})
	}
	for _, p := range k.Phones {
		c.Phones = append(c.Phones, Phone{Raw: p.Value, E164: p.E164, Possible: p.Possible, Type: p.Type, Preferred: p.Preferred})
	}
	for _, a := range k.Addresses {
		c.Addresses = append(c.Addresses, Address(a))
	}
}
