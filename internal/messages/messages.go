// Package messages is what the installation says by mail and what is said to it: the wording of messages, the ledger of
// mail that goes out and what became of each, the addresses that mail comes in at, and the messages that came in, kept as
// they were. It hands an incoming message to the room that owns the address it came to.
//
// How mail is written, sent and received is platform/mail's; why a message is sent, and to whom it may be, is for the room
// that asks for it to know.
package messages

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/audit"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/jobs"
	"github.com/rooftop-crm/rooftop/internal/platform/mail"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
	"github.com/rooftop-crm/rooftop/internal/platform/secret"
)

// The resources, as events name them.
const (
	ResourceTemplate = "message_template"
	ResourceMail     = "mail"
	ResourceAddress  = "mail_address"
	ResourceInbound  = "inbound_message"
)

var (
	// ErrNotFound is also the answer for another account's resource, and for what was deleted.
	ErrNotFound = errs.New(errs.NotFound, "not_found", "There is no such resource, or it is not visible to this credential.")
	// ErrStale is the answer to an If-Match that names another version than the current one.
	ErrStale = errs.New(errs.Stale, "version.stale",
		"The resource has changed since you read it. Read it again, apply your change to what it is now, and send the new ETag in If-Match.")
	// ErrAccountWide is the answer to a caller whose rights are limited to some dealerships.
	ErrAccountWide = errs.New(errs.Forbidden, "auth.account_wide",
		"This concerns the whole account; the credential is limited to some of its dealerships.")
)

// Account is what messages needs to know of an account.
type Account struct {
	Name     string
	Language string // BCP 47
	Zone     *time.Location
}

// Core is what messages needs from core.
type Core interface {
	Account(ctx context.Context, account kernel.AccountID) (Account, error)
	// DealershipName fails with a NotFound error for what is no dealership of the account.
	DealershipName(ctx context.Context, account kernel.AccountID, id kernel.DealershipID) (string, error)
	// UserEmail is where a user of the account gets mail.
	UserEmail(ctx context.Context, account kernel.AccountID, id kernel.UserID) (email, language string, err error)
}

// Units is the unit of work.
type Units interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
}

// Jobs does what is slow.
type Jobs interface {
	Insert(ctx context.Context, account kernel.AccountID, args jobs.Args, o jobs.Options) (jobs.ID, error)
}

// Parts is what a Service is made of.
type Parts struct {
	Store     Store
	Directory DirectoryStore
	Units     Units
	Events    *outbox.Log
	Audit     audit.Writer
	Jobs      Jobs
	Core      Core
	Ring      *secret.Keyring
	Now       func() time.Time

	// Sender takes mail away. Nil: it waits.
	Sender mail.Sender
	// Sign signs what leaves. Nil: nothing is signed.
	Sign *mail.Signer
	// From is in whose name mail leaves; the account's name stands beside its address.
	From mail.Address
	// Domain is where our own addresses are. Empty: mail cannot be answered to us, and no addresses can be made.
	Domain string
	// DNS is asked what it says of senders. Nil: nobody is.
	DNS mail.Resolver
	// Unsubscribe gives the https URL at which the recipient of a bulk mail unsubscribes by one POST. Without it no bulk
	// mail is taken.
	Unsubscribe func(ctx context.Context, account kernel.AccountID, m Mail) (string, error)
}

// Service does all that messages owns. It is safe for concurrent use.
type Service struct {
	Parts
	handlers map[Purpose]Handler
}

// NewService returns the service. Answers to mail, and reports on it, it handles itself.
func NewService(p Parts) *Service {
	s := &Service{Parts: p, handlers: make(map[Purpose]Handler)}
	s.Handle(PurposeReply, s.handleReply)
	s.Handle(PurposeBounce, s.handleBounce)
	return s
}

// requireAccountWide is for what concerns the account as a whole: who has rights at some dealerships only may not.
func requireAccountWide(actor auth.Actor, s auth.Scope) error {
	if actor.Scopes.Has(s) && !actor.Limited && !actor.Account.IsZero() {
		return nil
	}
	if actor.Can(s) {
		return ErrAccountWide
	}
	return actor.Require(s)
}

// reach is where an actor may see messages: what is of no dealership is for those who may see all.
func reach(actor auth.Actor, s auth.Scope) (only []kernel.DealershipID, err error) {
	if err := actor.Require(s); err != nil {
		return nil, err
	}
	ids, all := actor.DealershipsWith(s)
	if all {
		return nil, nil
	}
	return ids, nil
}

// sees tells whether an actor may do that with what belongs to the dealership, or to none.
func sees(actor auth.Actor, s auth.Scope, d *kernel.DealershipID) bool {
	if d == nil {
		_, all := actor.DealershipsWith(s)
		return all
	}
	return actor.CanAt(s, *d)
}

func checkVersion(ifMatch *int64, version int64) error {
	if ifMatch != nil && *ifMatch != version {
		return ErrStale
	}
	return nil
}

// event describes one change for the event log.
type event struct {
	resource, verb string
	id             uuid.UUID
	version        int64
	changed        []string
}

func (s *Service) write(ctx context.Context, account kernel.AccountID, actor auth.Actor, at time.Time, e event) error {
	return s.Events.Write(ctx, account, outbox.Event{
		Type: e.resource + "." + e.verb, Resource: e.resource, ID: e.id, Sequence: e.version, Actor: actor, Changed: e.changed, At: at,
	})
}

// administer writes the event and the audit entry of an administrator's act.
func (s *Service) administer(ctx context.Context, actor auth.Actor, at time.Time, e event, before, after audit.Fields) error {
	if err := s.write(ctx, actor.Account, actor, at, e); err != nil {
		return err
	}
	return s.Audit.Write(ctx, actor.Account, audit.Act{
		Act: e.resource + "." + e.verb, Subject: e.resource, SubjectID: e.id, Actor: actor, Changes: audit.Diff(e.changed, before, after), At: at,
	})
}

func pageKey(sort page.Sort, id uuid.UUID, created, updated time.Time) page.Key {
	at := created
	if sort.Field == "updated_at" {
		at = updated
	}
	return page.Key{At: at, ID: id}
}

// ids gives the ids of a feed their type.
func ids[I ~[16]byte](in []uuid.UUID) []I {
	out := make([]I, len(in))
	for i, id := range in {
		out[i] = I(id)
	}
	return out
}
