package core

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// Store keeps what belongs to one account. Its writes join the transaction of ctx. Finding fails with ErrNotFound and
// also finds what is deleted or revoked; lists leave that out. An Update locks the row, runs change on it and writes it
// back when change says so.
type Store interface {
	InsertDealership(ctx context.Context, account kernel.AccountID, d Dealership) error
	Dealership(ctx context.Context, account kernel.AccountID, id kernel.DealershipID) (Dealership, error)
	// Dealerships reads those that exist, in no order.
	Dealerships(ctx context.Context, account kernel.AccountID, ids []kernel.DealershipID) ([]Dealership, error)
	// DefaultDealership is the default, else the only one there is. It fails with ErrNotFound.
	DefaultDealership(ctx context.Context, account kernel.AccountID) (Dealership, error)
	// DealershipByRef finds by an external reference of a dealership that is not deleted.
	DealershipByRef(ctx context.Context, account kernel.AccountID, ref kernel.ExternalRef) (kernel.DealershipID, error)
	// DealershipByCode finds by a code under one of the schemes, the first of them first, or under any when there are none.
	// A code that means several dealerships is as good as none: ErrNotFound.
	DealershipByCode(ctx context.Context, account kernel.AccountID, schemes []string, code string) (kernel.DealershipID, error)
	ListDealerships(ctx context.Context, account kernel.AccountID, f DealershipFilter, p page.Request) (page.Of[Dealership], error)
	// DealershipsByID reads by ascending id, deleted ones too.
	DealershipsByID(ctx context.Context, account kernel.AccountID, after uuid.UUID, limit int) ([]Dealership, error)
	UpdateDealership(ctx context.Context, account kernel.AccountID, id kernel.DealershipID, change func(*Dealership) (bool, error)) (Dealership, error)

	InsertUser(ctx context.Context, account kernel.AccountID, u User) error
	User(ctx context.Context, account kernel.AccountID, id kernel.UserID) (User, error)
	Users(ctx context.Context, account kernel.AccountID, ids []kernel.UserID) ([]User, error)
	ListUsers(ctx context.Context, account kernel.AccountID, f UserFilter, p page.Request) (page.Of[User], error)
	UsersByID(ctx context.Context, account kernel.AccountID, after uuid.UUID, limit int) ([]User, error)
	UpdateUser(ctx context.Context, account kernel.AccountID, id kernel.UserID, change func(*User) (bool, error)) (User, error)
	// OtherAdmins counts the administrators of the whole account who can sign in, but for one.
	OtherAdmins(ctx context.Context, account kernel.AccountID, but kernel.UserID) (int, error)

	// Session reads a session, ended or not.
	Session(ctx context.Context, account kernel.AccountID, id uuid.UUID) (Session, error)
	// ListSessions lists the sessions of a user that are live at that time.
	ListSessions(ctx context.Context, account kernel.AccountID, user kernel.UserID, at time.Time, p page.Request) (page.Of[Session], error)
	// PurgeSessions drops the sessions that ended before then.
	PurgeSessions(ctx context.Context, account kernel.AccountID, before time.Time) error

	// SecondFactor reads a user's second factor, confirmed or not. It fails with ErrNotFound.
	SecondFactor(ctx context.Context, account kernel.AccountID, user kernel.UserID) (SecondFactor, error)
	// KeepSecondFactor puts a user's second factor in the place of the one they may have, whose recovery codes go.
	KeepSecondFactor(ctx context.Context, account kernel.AccountID, f SecondFactor) error
	// ConfirmSecondFactor notes that the user has it.
	ConfirmSecondFactor(ctx context.Context, account kernel.AccountID, user kernel.UserID, at time.Time) error
	// DropSecondFactor removes it with its recovery codes, and tells whether there was one.
	DropSecondFactor(ctx context.Context, account kernel.AccountID, user kernel.UserID) (bool, error)
	// SpendStep notes the time step of a code. It tells whether no code of that step or a later one was taken before.
	SpendStep(ctx context.Context, account kernel.AccountID, user kernel.UserID, step int64) (bool, error)
	// KeepRecoveryCodes puts these in the place of those there are.
	KeepRecoveryCodes(ctx context.Context, account kernel.AccountID, user kernel.UserID, hashes [][]byte) error
	// SpendRecoveryCode marks a code as used. It tells whether there was such a code and it was not used.
	SpendRecoveryCode(ctx context.Context, account kernel.AccountID, user kernel.UserID, hash []byte, at time.Time) (bool, error)

	InsertAPIKey(ctx context.Context, account kernel.AccountID, k APIKey) error
	APIKey(ctx context.Context, account kernel.AccountID, id kernel.CredentialID) (APIKey, error)
	APIKeys(ctx context.Context, account kernel.AccountID, ids []kernel.CredentialID) ([]APIKey, error)
	ListAPIKeys(ctx context.Context, account kernel.AccountID, f APIKeyFilter, p page.Request) (page.Of[APIKey], error)
	APIKeysByID(ctx context.Context, account kernel.AccountID, after uuid.UUID, limit int) ([]APIKey, error)
	// APIKeysMadeBy reads the keys a user made that are not revoked, newest first, 200 at most.
	APIKeysMadeBy(ctx context.Context, account kernel.AccountID, user kernel.UserID) ([]APIKey, error)
	UpdateAPIKey(ctx context.Context, account kernel.AccountID, id kernel.CredentialID, change func(*APIKey) (bool, error)) (APIKey, error)
}

// ControlStore keeps what is found before an account is known. Its look-ups are single ones, or name the account or
// partner they are for.
type ControlStore interface {
	auth.KeyStore

	// Empty tells whether there is no account yet.
	Empty(ctx context.Context) (bool, error)
	InsertAccount(ctx context.Context, a Account) error
	// OriginKnown tells whether a site key that is active at that time is bound to the web origin.
	OriginKnown(ctx context.Context, origin string, at time.Time) (bool, error)
	Account(ctx context.Context, id kernel.AccountID) (Account, error)
	UpdateAccount(ctx context.Context, id kernel.AccountID, change func(*Account) (bool, error)) (Account, error)
	// LockAccount lets one transaction at a time change who or what an account consists of. It does not hold up others
	// that merely belong to the account. It fails with ErrNotFound.
	LockAccount(ctx context.Context, id kernel.AccountID) error

	// InsertLogin fails with ErrEmailTaken.
	InsertLogin(ctx context.Context, l Login) error
	LoginByEmail(ctx context.Context, email string) (Login, error)
	Login(ctx context.Context, account kernel.AccountID, user kernel.UserID) (Login, error)
	// UpdateLogin fails with ErrEmailTaken when the e-mail is another one's.
	UpdateLogin(ctx context.Context, account kernel.AccountID, user kernel.UserID, change func(*Login)) (Login, error)
	// KeepResetRequest queues a request for a new password, TakeResetRequest returns and drops it. It fails with ErrNotFound.
	KeepResetRequest(ctx context.Context, id uuid.UUID, sealedEmail []byte, at time.Time) error
	TakeResetRequest(ctx context.Context, id uuid.UUID) (sealedEmail []byte, err error)
	// PurgeResetRequests drops those that were made before then.
	PurgeResetRequests(ctx context.Context, before time.Time) error
	// Attempt counts a try to sign in before it is known how it ends, unless the e-mail is locked: then it returns until when.
	Attempt(ctx context.Context, emailHash []byte, at time.Time) (lockedUntil time.Time, err error)
	// ForgetAttempts starts the count anew.
	ForgetAttempts(ctx context.Context, emailHash []byte) error
	// PurgeAttempts drops counts that were last raised before then.
	PurgeAttempts(ctx context.Context, before time.Time) error

	// UserState is all that decides what a user may do, in one look.
	UserState(ctx context.Context, account kernel.AccountID, user kernel.UserID, token, session uuid.UUID) (UserState, error)
	// CredentialByID reads a credential and what decides over it; token is the access token it came with, to see whether
	// that was revoked. It fails with ErrNotFound.
	CredentialByID(ctx context.Context, id kernel.CredentialID, token uuid.UUID) (CredentialState, error)
	CredentialByClient(ctx context.Context, clientID string) (CredentialState, error)
	CredentialBySecret(ctx context.Context, hash []byte) (CredentialState, error)
	InsertCredential(ctx context.Context, c Credential) error
	UpdateCredential(ctx context.Context, id kernel.CredentialID, change func(*Credential)) error
	// RevokeClients ends every credential of a partner, and the access tokens they gave.
	RevokeClients(ctx context.Context, partner kernel.PartnerID, at time.Time) error
	// Touch notes that a credential was used.
	Touch(ctx context.Context, id kernel.CredentialID, at time.Time) error

	// InsertPartner fails with ErrPartnerCodeTaken.
	InsertPartner(ctx context.Context, p Partner) error
	Partner(ctx context.Context, id kernel.PartnerID) (Partner, error)
	PartnerByCode(ctx context.Context, code string) (Partner, error)

	// InsertGrant fails with ErrDealerCodeTaken.
	InsertGrant(ctx context.Context, account kernel.AccountID, g Grant) error
	Grant(ctx context.Context, account kernel.AccountID, id kernel.GrantID) (Grant, error)
	Grants(ctx context.Context, account kernel.AccountID, ids []kernel.GrantID) ([]Grant, error)
	ListGrants(ctx context.Context, account kernel.AccountID, f GrantFilter, p page.Request) (page.Of[Grant], error)
	GrantsByID(ctx context.Context, account kernel.AccountID, after uuid.UUID, limit int) ([]Grant, error)
	UpdateGrant(ctx context.Context, account kernel.AccountID, id kernel.GrantID, change func(*Grant) (bool, error)) (Grant, error)
	// ExpiredGrant finds the account's grant that holds a partner's dealer code though it has expired at that time.
	ExpiredGrant(ctx context.Context, account kernel.AccountID, partner kernel.PartnerID, code string, at time.Time) (kernel.GrantID, error)
	// ActiveGrants lists the partner's grants that hold at that time; of one dealer code when code is not empty.
	ActiveGrants(ctx context.Context, partner kernel.PartnerID, code string, at time.Time) ([]PartnerGrant, error)

	InsertRefresh(ctx context.Context, r Refresh) error
	// Refresh finds a refresh token by its hash and locks it for the transaction. It fails with ErrNotFound.
	Refresh(ctx context.Context, hash []byte) (Refresh, error)
	// SpendRefresh notes that a token was used and what replaced it.
	SpendRefresh(ctx context.Context, hash, successor []byte, at time.Time) error
	// RevokeFamily ends a session: its refresh tokens now, also one that is being made meanwhile, its access tokens when a process next looks.
	RevokeFamily(ctx context.Context, account kernel.AccountID, family uuid.UUID, at, tokensEnd time.Time) error
	// EndSessions ends every session of a user, with their refresh tokens. Access tokens are void by the login's TokenVersion.
	EndSessions(ctx context.Context, account kernel.AccountID, user kernel.UserID, at time.Time) error
	// SpendOnce marks what may be used once as used until end. It tells whether it was not used before.
	SpendOnce(ctx context.Context, id uuid.UUID, end time.Time) (bool, error)
	// RevokeToken voids one access token.
	RevokeToken(ctx context.Context, id uuid.UUID, end time.Time) error
	// PurgeTokens drops what has ended before then.
	PurgeTokens(ctx context.Context, before time.Time) error
}

// pageKey is where a page sorted that way ends.
func pageKey(sort page.Sort, id uuid.UUID, created, updated time.Time) page.Key {
	if sort.Field == "updated_at" {
		return page.Key{At: updated, ID: id}
	}
	return page.Key{At: created, ID: id}
}
