// Package contacts holds the people and companies an account deals with: how they are written, found, changed and
// recognised when they come back under another spelling.
//
// It owns the contact, the points by which it is recognised (e-mail addresses and telephone numbers), the rules that
// decide whether two descriptions are one person, and the text by which a contact is searched. Enquiries are left to
// leads, who asks who a person is through Recognise and Keep, reads contacts through FindMany, and hears of changes
// through OnChange.
package contacts

import "github.com/rooftop-crm/rooftop/internal/platform/errs"

// Resource is the name of contacts in events and in an account's schemas for custom.
const Resource = "contact"

// The events a contact writes.
const (
	EventCreated  = "contact.created"
	EventUpdated  = "contact.updated"
	EventDeleted  = "contact.deleted"
	EventRestored = "contact.restored"
)

// What a contact may hold at most, so that one row stays one row. Lengths are in characters.
const (
	MaxName      = 200
	MaxFullName  = 2*MaxName + 1
	MaxCivility  = 40
	MaxEmails    = 20
	MaxPhones    = 20
	MaxPhoneRaw  = 100
	MaxAddresses = 20
	MaxLines     = 6
	MaxLine      = 200
	MaxPlace     = 120 // a postal code, city or region
	MaxTags      = 50
	MaxTag       = 64
	MaxRefs      = 20
)

var (
	// ErrNotFound is also the answer for a deleted contact and for another account's.
	ErrNotFound = errs.New(errs.NotFound, "contact.not_found", "There is no such contact.")
	// ErrStale is the answer to an If-Match that names another version than the current one.
	ErrStale = errs.New(errs.Stale, "version.stale",
		"The contact has changed since you read it. Read it again, apply your change to what it is now, and send the new ETag in If-Match.")
	// ErrExists is the answer to an upsert that was to create only.
	ErrExists = errs.New(errs.Stale, "precondition.exists",
		"A contact has this reference already, and If-None-Match: * asked to create it only.")
	// ErrRefTaken is the answer to an external reference that another contact has. It names the reference.
	ErrRefTaken = errs.New(errs.Conflict, "contact.ref_taken",
		"Another contact has this external reference, perhaps a deleted one. Update that contact by its reference, or take the reference off it first.")
	// ErrUnknownOwner is the answer to an owner who is no user of the account.
	ErrUnknownOwner = errs.New(errs.Invalid, "contact.unknown_owner", "owner_id names no user of this account.").
			At(errs.Field{Pointer: "/owner_id", Code: "unknown", Detail: "Give the id of a user of this account, or null."})
	// ErrBadFilter is the answer to a list filter that can match nothing because it is not what it should be.
	ErrBadFilter = errs.New(errs.Unreadable, "request.invalid_parameter",
		"Some query parameters are wrong. Each entry of errors names one and says how to mend it.")
	// ErrBusy is the answer when so many others change the contact that this change never got its turn.
	ErrBusy = errs.New(errs.Unavailable, "contact.busy", "Too many changes to this contact at once. Try again.")
)
