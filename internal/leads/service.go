package leads

import (
	"cmp"
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

var (
	// ErrNotFound is also the answer for a lead of another account, or one the caller may not see.
	ErrNotFound = errs.New(errs.NotFound, "lead.not_found", "There is no such lead.")
	// ErrVersion is an If-Match that names another version.
	ErrVersion = errs.New(errs.Stale, "version.stale", "The lead was changed since you read it. Read it again and repeat your change.")
	// ErrRefTaken is an external reference that names another lead.
	ErrRefTaken = errs.New(errs.Conflict, "lead.ref_taken", "Another lead has this external reference.")
)

// Resource is how leads are named in events and feeds.
const Resource = "lead"

// ResourceInbox is a document of the inbox, as events and feeds of changes name it.
const ResourceInbox = "inbox"

// Store keeps leads. Every method works inside one account.
type Store interface {
	// Insert queues the lead, its references and the partner's projection. The references are locked and nobody's by then.
	Insert(ctx context.Context, account kernel.AccountID, l *Lead, refs []Ref) error
	// Save queues the new state of a lead that was read under lock, and the projection.
	Save(ctx context.Context, account kernel.AccountID, l *Lead) error
	// Find reads one lead, deleted or not. With lock it waits for other writers of the lead. ErrNotFound.
	Find(ctx context.Context, account kernel.AccountID, id kernel.LeadID, lock bool) (Lead, error)
	// FindMany reads what there is of the ids, deleted or not, in no order.
	FindMany(ctx context.Context, account kernel.AccountID, ids []kernel.LeadID) ([]Lead, error)
	// ListByID reads leads in the order of their ids, deleted ones too.
	ListByID(ctx context.Context, account kernel.AccountID, after kernel.LeadID, limit int) ([]Lead, error)
	List(ctx context.Context, account kernel.AccountID, f Filter, p page.Request) (page.Of[Lead], error)
	// OpenOf reads which open leads a user has, the newest first.
	OpenOf(ctx context.Context, account kernel.AccountID, user kernel.UserID, limit int) ([]kernel.LeadID, error)
	// FindByRef reads the lead that has the reference, deleted or not, under lock. ErrNotFound.
	FindByRef(ctx context.Context, account kernel.AccountID, ref Ref) (Lead, error)
	// LockRefs queues the locks that make look-up and insert of the references one step.
	LockRefs(ctx context.Context, account kernel.AccountID, refs []Ref) error
	// QueueByRefs queues the look-up of the leads that have any of the references; found is called for each when the queue is sent.
	QueueByRefs(ctx context.Context, account kernel.AccountID, refs []Ref, found func(kernel.LeadID)) error
	// AddRefs queues further references of a lead.
	AddRefs(ctx context.Context, account kernel.AccountID, id kernel.LeadID, refs []Ref) error
	// ClaimRefs locks references and queues them as the lead's, beside those it has. ErrRefTaken when another lead has one.
	ClaimRefs(ctx context.Context, account kernel.AccountID, id kernel.LeadID, refs []Ref) error
	// Recent reads a person's leads at a dealership since a time, newest first.
	Recent(ctx context.Context, account kernel.AccountID, c kernel.ContactID, d kernel.DealershipID, since time.Time) ([]Candidate, error)
	// Record queues an entry of the history.
	Record(ctx context.Context, account kernel.AccountID, e Entry) error
	History(ctx context.Context, account kernel.AccountID, id kernel.LeadID, p page.Request) (page.Of[Entry], error)
	// Reindex gives the contact's leads their new search text.
	Reindex(ctx context.Context, account kernel.AccountID, c kernel.ContactID, text func(*Lead) string) error
}

// PartnerStore reads what partners may see, across accounts.
type PartnerStore interface {
	// Locate finds which account a partner's lead is in. ErrNotFound.
	Locate(ctx context.Context, partner kernel.PartnerID, id kernel.LeadID) (PartnerLead, error)
	ListFor(ctx context.Context, partner kernel.PartnerID, f PartnerFilter, p page.Request) (page.Of[PartnerLead], error)
}

// Contacts is what leads needs from contacts.
type Contacts interface {
	// Reserve queues the locks of several people at once: a transaction that recognises more than one calls it first, so that
	// two documents with the same people never wait for each other.
	Reserve(ctx context.Context, actor auth.Actor, people []Person) error
	// Check tells what of the person could not be kept on a contact, by JSON Pointers into the person.
	Check(p Person) []errs.Field
	// Recognise looks who the person is, without writing. Whoever else asks for the same person waits until the end of the
	// transaction of ctx. A person nobody knows has a zero ID.
	Recognise(ctx context.Context, actor auth.Actor, p Person) (ContactMatch, error)
	// Keep makes the contact when the match has no ID, else adds to it what the person says for the first time.
	Keep(ctx context.Context, actor auth.Actor, p Person, m ContactMatch) (ContactMatch, error)
	// Describe is a contact as a person of an enquiry, deleted or not.
	Describe(ctx context.Context, actor auth.Actor, id kernel.ContactID) (Person, error)
	// SearchText is the search text of a contact that is not deleted. A contact that is not there is an error of kind NotFound.
	SearchText(ctx context.Context, account kernel.AccountID, id kernel.ContactID) (string, error)
}

// Dealership is what leads needs to know of a rooftop.
type Dealership struct {
	ID       kernel.DealershipID
	Name     string
	Country  string // ISO 3166-1, for phone numbers without a prefix
	Currency string // ISO 4217, for prices without one
	Zone     *time.Location
}

// Core is what leads needs from core.
type Core interface {
	// Dealership finds one of the account's. An error of kind NotFound.
	Dealership(ctx context.Context, account kernel.AccountID, id kernel.DealershipID) (Dealership, error)
	// DealershipByCode finds a dealership by an external dealer code; source names the code's scheme when the sender gave one.
	DealershipByCode(ctx context.Context, account kernel.AccountID, source, code string) (kernel.DealershipID, bool, error)
	// OnlyOrDefault is the dealership for leads that name none; only tells that the account has no other.
	OnlyOrDefault(ctx context.Context, account kernel.AccountID) (id kernel.DealershipID, only bool, err error)
	// Assignable fails with a field error when the user cannot take leads of the dealership.
	Assignable(ctx context.Context, account kernel.AccountID, user kernel.UserID, at kernel.DealershipID) error
	// ActAtCode lets a partner act in the account that granted it the dealership under that code.
	ActAtCode(ctx context.Context, partner auth.Actor, dealerCode string) (auth.Actor, kernel.DealershipID, error)
	// ActAtDealership is the same by dealership id.
	ActAtDealership(ctx context.Context, partner auth.Actor, id kernel.DealershipID) (auth.Actor, error)
	// ActIn lets a partner act in an account with every grant it has there; an error of kind NotFound when it has none.
	ActIn(ctx context.Context, partner auth.Actor, account kernel.AccountID) (auth.Actor, error)
	// ValidateCustom holds custom against the account's JSON Schema for leads.
	ValidateCustom(ctx context.Context, account kernel.AccountID, resource string, custom map[string]any) error
}

// UnitOfWork runs several stores' writes in one transaction.
type UnitOfWork interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
}

// Scheduler makes background work due, in the transaction of ctx.
type Scheduler interface {
	Schedule(ctx context.Context, account kernel.AccountID, kind string, id uuid.UUID, due time.Time) error
	Cancel(ctx context.Context, account kernel.AccountID, kind string, id uuid.UUID) error
}

// Deps is what a Service is made of.
type Deps struct {
	Store    Store
	Partners PartnerStore
	Inbox    InboxStore
	Contacts Contacts
	Core     Core
	Units    UnitOfWork
	Events   outbox.Writer
	Log      *outbox.Log // for the feed of changes
	Work     Scheduler
	Now      func() time.Time
	// SweepAfter is how long a request has for its document before the sweep takes it up. A minute.
	SweepAfter time.Duration
	// Render makes the answer to a document, so that a retry gets the same bytes whoever finished the work.
	Render func(Receipt) (status int, body []byte, err error)
}

// Service is what can be done with leads.
type Service struct{ Deps }

// NewService returns a service.
func NewService(d Deps) *Service {
	d.SweepAfter = cmp.Or(d.SweepAfter, usualSweep)
	return &Service{d}
}

// Ref is an external reference as the store keys it: references of partners and sites are kept apart from each other's, so
// that nobody reaches another's lead by guessing its id.
type Ref struct {
	Scope string // "" for the account's own systems
	kernel.ExternalRef
}

func refScope(actor auth.Actor) string {
	switch actor.Kind {
	case auth.KindPartner:
		return "partner:" + actor.Partner.String()
	case auth.KindSiteKey:
		return "site:" + actor.Credential.String()
	case auth.KindUser, auth.KindAPIKey, auth.KindClient, auth.KindSystem:
	}
	return ""
}

func refsOf(actor auth.Actor, list []kernel.ExternalRef) []Ref {
	out := make([]Ref, len(list))
	for i, r := range list {
		out[i] = Ref{Scope: refScope(actor), ExternalRef: r}
	}
	return out
}
