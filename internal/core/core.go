// Package core is who there is and who may do what: accounts and their dealerships, users and their roles, keys of
// machines and sites, partners and what dealerships granted them, sign-in and the tokens it gives.
//
// It owns those resources and answers, for every other context, which dealership a code means and what a partner may do
// there. Formats and checks of credentials are left to platform/auth, the enquiries themselves to leads.
package core

import (
	"cmp"
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/audit"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/enum"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/jobs"
	"github.com/rooftop-crm/rooftop/internal/platform/links"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
	"github.com/rooftop-crm/rooftop/internal/platform/secret"
)

// The resources, as events name them.
const (
	ResourceAccount    = "account"
	ResourceDealership = "dealership"
	ResourceUser       = "user"
	ResourceAPIKey     = "api_key"
	ResourceGrant      = "grant"
	ResourceSession    = "session"
)

// PurgeIdempotencyKeys is the kind of due work, one item per account and named by its id, that forgets old answers.
// Its handler is idem.Store.Purge, and schedules it anew.
const PurgeIdempotencyKeys = "idempotency.purge"

var (
	// ErrNotFound is also the answer for another account's resource, and for what was deleted or revoked.
	ErrNotFound = errs.New(errs.NotFound, "not_found", "There is no such resource, or it is not visible to this credential.")
	// ErrStale is the answer to an If-Match that names another version than the current one.
	ErrStale = errs.New(errs.Stale, "version.stale",
		"The resource has changed since you read it. Read it again, apply your change to what it is now, and send the new ETag in If-Match.")
	// ErrAccountWide is the answer to a caller whose rights are limited to some dealerships.
	ErrAccountWide = errs.New(errs.Forbidden, "auth.account_wide",
		"This concerns the whole account; the credential is limited to some of its dealerships.")
	// ErrEscalation is the answer to someone who would give, or take over, more rights than their own.
	ErrEscalation = errs.New(errs.Forbidden, "auth.escalation",
		"Nobody can give rights that they do not hold themselves, or change the credentials of someone who has more.")
)

// Units is the unit of work.
type Units interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
}

// Scheduler makes background work due.
type Scheduler interface {
	Schedule(ctx context.Context, account kernel.AccountID, kind string, id uuid.UUID, due time.Time) error
}

// Parts is what a Service is made of. All but Enums, Mailer and AppURL are required.
type Parts struct {
	Store   Store
	Control ControlStore
	Units   Units
	Events  *outbox.Log
	Audit   *audit.Log
	Work    Scheduler
	Hasher  *auth.Hasher
	Keys    *auth.Keys
	Tokens  *auth.Tokens
	Ring    *secret.Keyring
	Links   *links.Store
	Jobs    *jobs.Runner
	Desk    Desk
	// Mailer sends what users must be told. nil: this installation sends no mail; see ErrNoMail.
	Mailer Mailer
	// AppURL is the front end that links in mails lead to.
	AppURL string
	Enums  []enum.Enum // of every context, for GET /v1/enums
	Now    func() time.Time
	// DefaultQuota is how many requests a minute a credential has that was given no quota of its own. DefaultRate.
	DefaultQuota int
}

// Service does all that core owns. It is safe for concurrent use.
type Service struct {
	Parts
	verified    *auth.Cache
	addresses   *addressLimiter
	dealerships *memo[placeKey, Place]
	codes       *memo[codeKey, kernel.DealershipID]
	defaults    *memo[kernel.AccountID, Place]
	grants      *memo[grantKey, []PartnerGrant]
	homes       *memo[kernel.AccountID, home]
	details     *memo[kernel.AccountID, AccountDetails]
	origins     *memo[string, bool]
}

// NewService returns the service.
func NewService(p Parts) *Service {
	p.DefaultQuota = cmp.Or(p.DefaultQuota, DefaultRate)
	return &Service{
		Parts:       p,
		verified:    auth.NewCache(auth.CacheTTL, 20_000, p.Now),
		addresses:   newAddressLimiter(p.Now),
		dealerships: newMemo[placeKey, Place](p.Now),
		codes:       newMemo[codeKey, kernel.DealershipID](p.Now),
		defaults:    newMemo[kernel.AccountID, Place](p.Now),
		grants:      newMemo[grantKey, []PartnerGrant](p.Now),
		homes:       newMemo[kernel.AccountID, home](p.Now),
		details:     newMemo[kernel.AccountID, AccountDetails](p.Now),
		origins:     newMemo[string, bool](p.Now),
	}
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

// requireHeld fails with ErrEscalation unless the actor holds every one of the scopes for the whole account.
func requireHeld(actor auth.Actor, scopes auth.ScopeSet) error {
	if missing := scopes &^ actor.Scopes; missing != 0 || actor.Limited {
		return ErrEscalation.Saying("Nobody can give or take over rights that they do not hold themselves: %s.", auth.JoinScopes(missing))
	}
	return nil
}

func checkVersion(ifMatch *int64, version int64) error {
	if ifMatch != nil && *ifMatch != version {
		return ErrStale
	}
	return nil
}

// change describes one change for the event log and the audit log. A nil changed stands for a resource that is new.
type change struct {
	resource, verb string
	id             uuid.UUID
	version        int64
	changed        []string
	before, after  audit.Fields // what the audit log may show of it
}

func (s *Service) write(ctx context.Context, account kernel.AccountID, actor auth.Actor, at time.Time, c change) error {
	e := outbox.Event{
		Type: c.resource + "." + c.verb, Resource: c.resource, ID: c.id, Sequence: c.version,
		Actor: actor, Changed: c.changed, At: at,
	}
	if c.resource == ResourceDealership {
		e.Dealership = kernel.DealershipID(c.id)
	}
	if err := s.Events.Write(ctx, account, e); err != nil {
		return err
	}
	return s.Audit.Write(ctx, account, audit.Act{
		Act: c.resource + "." + c.verb, Subject: c.resource, SubjectID: c.id, Actor: actor,
		Changes: audit.Diff(c.changed, c.before, c.after), At: at,
	})
}
