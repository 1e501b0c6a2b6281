package auth

import "slices"

// Scope is one permission, named resource:action. Scopes are part of the API.
type Scope string

// Every scope there is.
const (
	LeadsRead         Scope = "leads:read"
	LeadsWrite        Scope = "leads:write"
	LeadsCreate       Scope = "leads:create" // intake only: what a site key or a partner needs
	InboxRead         Scope = "inbox:read"
	InboxWrite        Scope = "inbox:write"
	ContactsRead      Scope = "contacts:read"
	ContactsWrite     Scope = "contacts:write"
	MessagesRead      Scope = "messages:read" // mail that went out and came in
	MessagesWrite     Scope = "messages:write"
	VehiclesRead      Scope = "vehicles:read"
	VehiclesWrite     Scope = "vehicles:write"
	FilesRead         Scope = "files:read"
	FilesWrite        Scope = "files:write"
	AppointmentsRead  Scope = "appointments:read"
	AppointmentsWrite Scope = "appointments:write"
	DealershipsRead   Scope = "dealerships:read"
	DealershipsWrite  Scope = "dealerships:write"
	UsersRead         Scope = "users:read"
	UsersWrite        Scope = "users:write"
	KeysRead          Scope = "keys:read" // API keys, site keys, machine clients
	KeysWrite         Scope = "keys:write"
	GrantsRead        Scope = "grants:read" // what partners may do
	GrantsWrite       Scope = "grants:write"
	AccountRead       Scope = "account:read"
	AccountWrite      Scope = "account:write"
	AuditRead         Scope = "audit:read"   // what administrators did
	EventsRead        Scope = "events:read"  // the events about what the other scopes may read
	StockPublic       Scope = "stock:public" // published stock, as shoppers see it
	CalendarsRead     Scope = "calendars:read"
	CalendarsWrite    Scope = "calendars:write"
	CalendarsSelf     Scope = "calendars:self" // one's own presence, absences and external calendars
	WebhooksRead      Scope = "webhooks:read"  // endpoints and the delivery log
	WebhooksWrite     Scope = "webhooks:write"
	JobsRead          Scope = "jobs:read"      // long operations and how far they are
	JobsWrite         Scope = "jobs:write"     // cancel them, try them again
	ImportsRead       Scope = "imports:read"   // imports and exports, with their rows
	ImportsWrite      Scope = "imports:write"  // start and revert them; needs the scope of what is imported besides
	BookingPublic     Scope = "booking:public" // availability and booking, as shoppers see it
)

// Role is a named set of scopes that a user holds for the account or at a dealership.
type Role string

// The roles.
const (
	RoleAdmin          Role = "admin"
	RoleManager        Role = "manager"
	RoleAgent          Role = "agent" // BDC: the internet team
	RoleSalesperson    Role = "salesperson"
	RoleServiceAdviser Role = "service_adviser"
	RoleMarketing      Role = "marketing"
	RoleViewer         Role = "viewer"
)

var allScopes = []Scope{
	LeadsRead, LeadsWrite, LeadsCreate, InboxRead, InboxWrite, ContactsRead, ContactsWrite, MessagesRead, MessagesWrite, VehiclesRead, VehiclesWrite,
	AppointmentsRead, AppointmentsWrite, DealershipsRead, DealershipsWrite, UsersRead, UsersWrite, KeysRead, KeysWrite,
	GrantsRead, GrantsWrite, AccountRead, AccountWrite, AuditRead, CalendarsRead, CalendarsWrite, CalendarsSelf, StockPublic, BookingPublic, EventsRead, WebhooksRead, WebhooksWrite,
	JobsRead, JobsWrite, ImportsRead, ImportsWrite, FilesRead, FilesWrite,
}

var roleScopes = map[Role][]Scope{
	RoleAdmin: allScopes,
	RoleManager: {
		LeadsRead, LeadsWrite, LeadsCreate, InboxRead, InboxWrite, ContactsRead, ContactsWrite, MessagesRead, MessagesWrite, VehiclesRead, VehiclesWrite,
		AppointmentsRead, AppointmentsWrite, DealershipsRead, UsersRead, AccountRead, EventsRead, CalendarsRead, CalendarsWrite, CalendarsSelf,
		JobsRead, JobsWrite, ImportsRead, ImportsWrite, FilesRead, FilesWrite,
	},
	RoleAgent: {
		LeadsRead, LeadsWrite, LeadsCreate, InboxRead, ContactsRead, ContactsWrite, MessagesRead, MessagesWrite, VehiclesRead,
		AppointmentsRead, AppointmentsWrite, DealershipsRead, UsersRead, AccountRead, EventsRead, CalendarsRead, CalendarsSelf, FilesRead, FilesWrite,
	},
	RoleSalesperson: {
		LeadsRead, LeadsWrite, LeadsCreate, ContactsRead, ContactsWrite, VehiclesRead,
		AppointmentsRead, AppointmentsWrite, DealershipsRead, UsersRead, AccountRead, EventsRead, CalendarsRead, CalendarsSelf, FilesRead, FilesWrite,
	},
	RoleServiceAdviser: {
		LeadsRead, LeadsWrite, ContactsRead, ContactsWrite, VehiclesRead, AppointmentsRead, AppointmentsWrite, DealershipsRead, UsersRead, AccountRead,
		EventsRead, CalendarsRead, CalendarsSelf, FilesRead, FilesWrite,
	},
	RoleMarketing: {LeadsRead, ContactsRead, VehiclesRead, DealershipsRead, AccountRead, EventsRead, CalendarsRead, FilesRead, FilesWrite},
	RoleViewer:    {LeadsRead, ContactsRead, VehiclesRead, AppointmentsRead, DealershipsRead, UsersRead, AccountRead, EventsRead, CalendarsRead, FilesRead},
}

// SiteKeyScopes is all that a publishable key may do.
func SiteKeyScopes() ScopeSet { return NewScopeSet(LeadsCreate, StockPublic, BookingPublic) }

// PartnerScopes is what a grant may give at most.
func PartnerScopes() ScopeSet { return NewScopeSet(LeadsCreate, LeadsRead) }

// AllScopes returns a set with every scope.
func AllScopes() ScopeSet { return NewScopeSet(allScopes...) }

// Roles lists every role.
func Roles() []Role {
	return []Role{RoleAdmin, RoleManager, RoleAgent, RoleSalesperson, RoleServiceAdviser, RoleMarketing, RoleViewer}
}

// Scopes is the set a role stands for; false when there is no such role.
func (r Role) Scopes() (ScopeSet, bool) {
	s, ok := roleScopes[r]
	return NewScopeSet(s...), ok
}

// ScopeSet is a set of scopes as bits, cheap to copy and to ask.
type ScopeSet uint64

// NewScopeSet makes a set. Unknown scopes are left out: a token of a newer server must not break an older one.
func NewScopeSet(scopes ...Scope) ScopeSet {
	var set ScopeSet
	for _, s := range scopes {
		if i := slices.Index(allScopes, s); i >= 0 {
			set |= 1 << i
		}
	}
	return set
}

// Known tells whether there is such a scope.
func (s Scope) Known() bool { return slices.Contains(allScopes, s) }

// Has tells whether the scope is in the set.
func (set ScopeSet) Has(s Scope) bool {
	i := slices.Index(allScopes, s)
	return i >= 0 && set&(1<<i) != 0
}

// Intersect keeps what both sets hold.
func (set ScopeSet) Intersect(other ScopeSet) ScopeSet { return set & other }

// Union holds what either set holds.
func (set ScopeSet) Union(other ScopeSet) ScopeSet { return set | other }

// List names the scopes in a fixed order.
func (set ScopeSet) List() []Scope {
	out := []Scope{}
	for i, s := range allScopes {
		if set&(1<<i) != 0 {
			out = append(out, s)
		}
	}
	return out
}
