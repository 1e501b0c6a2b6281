package app

import (
	"context"
	"sync"
	"time"

	"github.com/rooftop-crm/rooftop/internal/calendars"
	"github.com/rooftop-crm/rooftop/internal/contacts"
	"github.com/rooftop-crm/rooftop/internal/core"
	"github.com/rooftop-crm/rooftop/internal/events"
	"github.com/rooftop-crm/rooftop/internal/files"
	"github.com/rooftop-crm/rooftop/internal/imports"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/leads"
	"github.com/rooftop-crm/rooftop/internal/messages"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/longjobs"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
	"github.com/rooftop-crm/rooftop/internal/platform/schema"
)

// A context asks for its neighbours by interfaces of its own; these say the same in the neighbour's words.

// leadsCore is core as leads sees it.
type leadsCore struct {
	*core.Service
	schemas *schema.Schemas
}

var _ leads.Core = leadsCore{}

func (c leadsCore) Dealership(ctx context.Context, account kernel.AccountID, id kernel.DealershipID) (leads.Dealership, error) {
	p, err := c.Service.Dealership(ctx, account, id)
	if err != nil {
		return leads.Dealership{}, err
	}
	return placeOf(p)
}

// zones keeps time zones: loading one reads a file, and intake asks with every lead.
var zones sync.Map

func zoneOf(name string) (*time.Location, error) {
	if z, ok := zones.Load(name); ok {
		return z.(*time.Location), nil //nolint:forcetypeassert // nothing else is stored
	}
	z, err := time.LoadLocation(name)
	if err == nil {
		zones.Store(name, z)
	}
	return z, err
}

func placeOf(p core.Place) (leads.Dealership, error) {
	zone, err := zoneOf(p.TimeZone)
	return leads.Dealership{ID: p.ID, Name: p.Name, Country: p.Country, Currency: p.Currency, Zone: zone}, err
}

func (c leadsCore) DealershipByCode(ctx context.Context, account kernel.AccountID, source, code string) (kernel.DealershipID, bool, error) {
	if source != "" {
		if id, ok, err := c.Service.DealershipByCode(ctx, account, []string{source}, code); ok || err != nil {
			return id, ok, err
		}
	}
	// The sender's name for the scheme need not be the dealer's: a code that means one dealership is enough.
	return c.Service.DealershipByCode(ctx, account, nil, code)
}

func (c leadsCore) OnlyOrDefault(ctx context.Context, account kernel.AccountID) (kernel.DealershipID, bool, error) {
	p, sole, err := c.HomeDealership(ctx, account)
	return p.ID, sole, err
}

func (c leadsCore) Assignable(ctx context.Context, account kernel.AccountID, id kernel.UserID, at kernel.DealershipID) error {
	refuse := func(detail string) error {
		return errs.InvalidFields(errs.Field{Pointer: "/assignee_id", Code: "not_assignable", Detail: detail})
	}
	u, err := c.FindUser(ctx, auth.System(account), id)
	switch {
	case errs.IsKind(err, errs.NotFound):
		return refuse("There is no such user.")
	case err != nil:
		return err
	case !u.Works(auth.LeadsWrite, at):
		return refuse("This user cannot work on leads of this dealership.")
	}
	return nil
}

func (c leadsCore) ActAtCode(ctx context.Context, partner auth.Actor, dealerCode string) (auth.Actor, kernel.DealershipID, error) {
	g, err := c.Grant(ctx, partner.Partner, dealerCode)
	if err != nil {
		return partner, kernel.DealershipID{}, err
	}
	actor := core.ActInAccount(partner, g)
	return actor, g.Dealership, actor.RequireAt(auth.LeadsCreate, g.Dealership)
}

func (c leadsCore) ActAtDealership(ctx context.Context, partner auth.Actor, id kernel.DealershipID) (auth.Actor, error) {
	g, err := c.GrantFor(ctx, partner.Partner, kernel.AccountID{}, id)
	if err != nil {
		return partner, err
	}
	actor := core.ActInAccount(partner, g)
	return actor, actor.RequireAt(auth.LeadsCreate, id)
}

func (c leadsCore) ActIn(ctx context.Context, partner auth.Actor, account kernel.AccountID) (auth.Actor, error) {
	grants, err := c.GrantsOf(ctx, partner.Partner)
	if err != nil {
		return partner, err
	}
	var here []core.PartnerGrant
	for _, g := range grants {
		if g.Account == account {
			here = append(here, g)
		}
	}
	if len(here) == 0 {
		return partner, core.ErrNoGrant
	}
	return core.ActInAccount(partner, here...), nil
}

func (c leadsCore) ValidateCustom(ctx context.Context, account kernel.AccountID, resource string, custom map[string]any) error {
	return c.schemas.Validate(ctx, account, resource, custom)
}

// leadsContacts is contacts as leads sees it.
type leadsContacts struct{ *contacts.Service }

var _ leads.Contacts = leadsContacts{}

func (c leadsContacts) Reserve(ctx context.Context, actor auth.Actor, people []leads.Person) error {
	out := make([]contacts.Person, len(people))
	for i, p := range people {
		out[i] = personOf(p)
	}
	return c.Service.Reserve(ctx, actor, out...)
}

func (c leadsContacts) Check(p leads.Person) []errs.Field { return personOf(p).Check() }

func (c leadsContacts) Recognise(ctx context.Context, actor auth.Actor, p leads.Person) (leads.ContactMatch, error) {
	m, err := c.Service.Recognise(ctx, actor, personOf(p))
	return matchOf(m), err
}

func (c leadsContacts) Keep(ctx context.Context, actor auth.Actor, p leads.Person, m leads.ContactMatch) (leads.ContactMatch, error) {
	known, _ := m.Known.(contacts.Match)
	if known.ContactID != m.ID {
		// The sender's id said who it is; what the person looked like to contacts does not count.
		found, err := c.FindMany(ctx, auth.System(actor.Account), m.ID)
		if err != nil {
			return m, err
		}
		known = contacts.Match{ContactID: m.ID, Contact: found[m.ID], Rule: contacts.Rule(m.Rule), Fields: m.Fields}
	}
	kept, err := c.Service.Keep(ctx, actor, personOf(p), known)
	return matchOf(kept), err
}

func matchOf(m contacts.Match) leads.ContactMatch {
	out := leads.ContactMatch{ID: m.ContactID, Created: m.Created, Rule: string(m.Rule), Fields: m.Fields, Known: m}
	if !m.ContactID.IsZero() {
		out.Search = m.Contact.SearchText()
	}
	return out
}

func (c leadsContacts) Describe(ctx context.Context, actor auth.Actor, id kernel.ContactID) (leads.Person, error) {
	found, err := c.FindMany(ctx, auth.System(actor.Account), id)
	if err != nil {
		return leads.Person{}, err
	}
	who, ok := found[id]
	if !ok {
		return leads.Person{}, contacts.ErrNotFound
	}
	return describe(who), nil
}

func personOf(p leads.Person) contacts.Person {
	out := contacts.Person{
		Kind: contacts.KindPerson, Civility: p.Civility, FirstName: p.FirstName, LastName: p.LastName, FullName: p.FullName,
		CompanyName: p.CompanyName, Language: p.Language, Region: p.Region,
	}
	if p.Company {
		out.Kind = contacts.KindCompany
	}
	for _, e := range p.Emails {
		out.Emails = append(out.Emails, contacts.Email{Address: e.Address, Type: contacts.Type(e.Type), Preferred: e.Preferred})
	}
	for _, t := range p.Phones {
		out.Phones = append(out.Phones, contacts.Phone{Raw: t.Raw, Type: contacts.Type(t.Type), Preferred: t.Preferred})
	}
	for _, a := range p.Addresses {
		out.Addresses = append(out.Addresses, contacts.Address{
			Lines: a.Lines, PostalCode: a.PostalCode, City: a.City, Region: a.Region, Country: a.Country, Type: contacts.Type(a.Type),
		})
	}
	return out
}

func describe(c contacts.Contact) leads.Person {
	out := leads.Person{
		Civility: c.Civility, FirstName: c.FirstName, LastName: c.LastName, FullName: c.FullName, CompanyName: c.CompanyName,
		Company: c.Kind == contacts.KindCompany, Language: c.Language,
	}
	for _, e := range c.Emails {
		out.Emails = append(out.Emails, leads.Email{Address: e.Address, Type: string(e.Type), Preferred: e.Preferred})
	}
	for _, t := range c.Phones {
		out.Phones = append(out.Phones, leads.Phone{Raw: t.Raw, Type: string(t.Type), Preferred: t.Preferred})
	}
	for _, a := range c.Addresses {
		out.Addresses = append(out.Addresses, leads.Address{
			Lines: a.Lines, PostalCode: a.PostalCode, City: a.City, Region: a.Region, Country: a.Country, Type: string(a.Type),
		})
	}
	return out
}

// calendarsCore is core as calendars sees it.
type calendarsCore struct{ *core.Service }

var _ calendars.Core = calendarsCore{}

func (c calendarsCore) Dealership(ctx context.Context, account kernel.AccountID, id kernel.DealershipID) (calendars.Dealership, error) {
	p, err := c.Service.Dealership(ctx, account, id)
	if err != nil {
		return calendars.Dealership{}, err
	}
	zone, err := zoneOf(p.TimeZone)
	return calendars.Dealership{ID: p.ID, Country: p.Country, PostalCode: p.PostalCode, Zone: zone}, err
}

func (c calendarsCore) User(ctx context.Context, account kernel.AccountID, id kernel.UserID) (calendars.Person, error) {
	u, err := c.FindUser(ctx, auth.System(account), id)
	return personAt(u), err
}

func (c calendarsCore) Staff(
	ctx context.Context, account kernel.AccountID, at kernel.DealershipID, p page.Request,
) (page.Of[calendars.Person], error) {
	active := false
	found, err := c.ListUsers(ctx, auth.System(account), core.UserFilter{Dealership: at, Disabled: &active}, p)
	return page.Map(found, personAt), err
}

func (c calendarsCore) Zone(ctx context.Context, account kernel.AccountID) (*time.Location, error) {
	a, err := c.AccountDetails(ctx, account)
	if err != nil {
		return nil, err
	}
	return zoneOf(a.TimeZone)
}

func personAt(u core.User) calendars.Person {
	out := calendars.Person{ID: u.ID, Name: u.FullName(), Active: !u.Disabled && u.DeletedAt == nil}
	for _, r := range u.Roles {
		if r.Dealership == nil {
			out.Everywhere = true
		} else {
			out.Dealerships = append(out.Dealerships, *r.Dealership)
		}
	}
	return out
}

// contactsAccounts is core as contacts sees it.
type contactsAccounts struct{ *core.Service }

func (c contactsAccounts) Country(ctx context.Context, account kernel.AccountID) (string, error) {
	a, err := c.AccountDetails(ctx, account)
	return a.Country, err
}

// coreMail is messages as core sees it.
type coreMail struct{ messages *messages.Service }

var _ core.Mailer = coreMail{}

func (c coreMail) Mail(ctx context.Context, account kernel.AccountID, m core.Mail) error {
	n := messages.NewMail{Template: m.Template, To: m.To, Language: m.Language, Vars: m.Vars}
	if !m.Dealership.IsZero() {
		n.Dealership = &m.Dealership
	}
	_, err := c.messages.Queue(ctx, account, n)
	return err
}

// messagesCore is core as messages sees it.
type messagesCore struct{ *core.Service }

var _ messages.Core = messagesCore{}

func (c messagesCore) Account(ctx context.Context, account kernel.AccountID) (messages.Account, error) {
	a, err := c.AccountDetails(ctx, account)
	if err != nil {
		return messages.Account{}, err
	}
	zone, err := zoneOf(a.TimeZone)
	return messages.Account{Name: a.Name, Language: a.Language, Zone: zone}, err
}

func (c messagesCore) DealershipName(ctx context.Context, account kernel.AccountID, id kernel.DealershipID) (string, error) {
	p, err := c.Dealership(ctx, account, id)
	return p.Name, err
}

func (c messagesCore) UserEmail(ctx context.Context, account kernel.AccountID, id kernel.UserID) (email, language string, err error) {
	u, err := c.FindUser(ctx, auth.System(account), id)
	return u.Email, u.Language, err
}

// desk is leads as core sees it: what people work on.
type desk struct{ leads *leads.Service }

var _ core.Desk = (*desk)(nil)

func (d *desk) HandOver(ctx context.Context, actor auth.Actor, from, to kernel.UserID, limit int) (core.HandedOver, error) {
	done, err := d.leads.Reassign(ctx, actor, from, to, limit)
	return core.HandedOver(done), err
}

// contactChange tells leads that a contact is searched by another text.
type contactChange struct{ leads *leads.Service }

func (c *contactChange) Changed(ctx context.Context, account kernel.AccountID, id kernel.ContactID, text string) error {
	return c.leads.ContactChanged(ctx, account, id, text)
}

// customSchemas is where platform/schema reads an account's JSON Schemas.
func customSchemas(c *core.Service) schema.Source {
	return func(ctx context.Context, account kernel.AccountID) (map[string]any, error) {
		a, err := c.AccountDetails(ctx, account)
		return a.CustomSchemas, err
	}
}

// eventRules says who may learn of the changes of what: whoever may read it. What is not here only administrators do.
func eventRules(s Services) map[string]events.Rule {
	return map[string]events.Rule{
		core.ResourceAccount:    {Scope: auth.AccountRead, Shared: true},
		core.ResourceDealership: {Scope: auth.DealershipsRead, Among: events.AtDealerships(auth.DealershipsRead)},
		core.ResourceUser:       {Scope: auth.UsersRead, Shared: true},
		core.ResourceAPIKey:     {Scope: auth.KeysRead},
		core.ResourceGrant:      {Scope: auth.GrantsRead},
		core.ResourceSession:    {Scope: auth.UsersWrite},
		contacts.Resource:       {Scope: auth.ContactsRead, Shared: true},
		events.ResourceEndpoint: {Scope: auth.WebhooksRead},
		files.Resource:          {Scope: auth.FilesRead, Shared: true},
		leads.Resource:          {Scope: auth.LeadsRead, Among: s.Leads.Among},
		leads.ResourceInbox:     {Scope: auth.InboxRead, Among: s.Leads.DocumentsAmong},

		messages.ResourceTemplate: {Scope: auth.AccountRead},
		messages.ResourceAddress:  {Scope: auth.AccountRead},
		messages.ResourceMail:     {Scope: auth.MessagesRead},
		messages.ResourceInbound:  {Scope: auth.MessagesRead},

		calendars.ResourceHours:    {Scope: auth.CalendarsRead, Among: s.Calendars.Hours.Among},
		calendars.ResourceClosure:  {Scope: auth.CalendarsRead, Among: s.Calendars.Closures.Among},
		calendars.ResourceShift:    {Scope: auth.CalendarsRead, Among: s.Calendars.Shifts.Among},
		calendars.ResourceAbsence:  {Scope: auth.CalendarsRead, Shared: true},
		calendars.ResourcePresence: {Scope: auth.CalendarsRead, Shared: true},
		calendars.ResourceExternal: {Scope: auth.CalendarsRead, Shared: true},
		longjobs.Resource:          {Scope: auth.JobsRead, Shared: true},
		imports.Resource:           {Scope: auth.ImportsRead, Shared: true},
		imports.ResourceExport:     {Scope: auth.ImportsRead, Shared: true},
	}
}
