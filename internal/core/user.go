package core

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/fold"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

var (
	// ErrEmailTaken is the answer to an e-mail that signs someone in already, in this account or another, also when that
	// user was deleted: sign-in knows no account.
	ErrEmailTaken = errs.New(errs.Conflict, "user.email_taken",
		"Someone signs in with this e-mail already. Use another one, or restore the user who has it.").
		At(errs.Field{Pointer: "/email", Code: "taken", Detail: "Use another e-mail."})
	// ErrLastAdmin is the answer to whatever would leave an account without anyone who may manage it.
	ErrLastAdmin = errs.New(errs.Conflict, "user.last_admin",
		"This is the account's last administrator. Make someone else administrator of the whole account first.")
	// ErrWrongPassword is the answer to a user who does not know the present password.
	ErrWrongPassword = errs.New(errs.Forbidden, "user.wrong_password", "The current password is not right.")
)

// User is a person who works for an account.
type User struct {
	ID      kernel.UserID
	Version int64
	UserDetails
	DisabledAt *time.Time // set while Disabled
	// SecondFactorAt is since when the user has a second factor; nil without one.
	SecondFactorAt *time.Time
	// InvitedAt is when the invitation was sent that is still open; nil when there is none.
	InvitedAt *time.Time
	CreatedAt time.Time
	UpdatedAt time.Time
	DeletedAt *time.Time
}

// UserDetails is what is written about a user.
type UserDetails struct {
	Email     string // normalised; signs the user in
	FirstName string
	LastName  string
	Language  string // BCP 47
	Roles     []RoleAt
	Disabled  bool // cannot sign in; every session has ended
}

// RoleAt is a role a user has.
type RoleAt struct {
	Role       auth.Role            `json:"role"`
	Dealership *kernel.DealershipID `json:"dealership_id"` // nil: for the whole account
}

// UserFilter narrows a list. A zero field does not narrow.
type UserFilter struct {
	Role                       auth.Role
	Dealership                 kernel.DealershipID // has a role there or for the whole account
	Disabled                   *bool
	CreatedFrom, CreatedBefore *time.Time
	UpdatedFrom, UpdatedBefore *time.Time
}

// Validate brings the details into their stored form. It fails with every bad field at once.
func (d *UserDetails) Validate() error {
	var w wrong
	email, ok := fold.Email(d.Email)
	if !ok {
		w.add("/email", "invalid", "Give one e-mail address.")
	}
	d.Email = email
	w.text("/first_name", &d.FirstName, maxName, false)
	w.text("/last_name", &d.LastName, maxName, false)
	w.language("/language", &d.Language)
	if len(d.Roles) > maxList {
		w.add("/roles", "too_many", fmt.Sprintf("At most %d.", maxList))
	}
	for i, r := range d.Roles {
		at := fmt.Sprintf("/roles/%d", i)
		if _, known := r.Role.Scopes(); !known {
			w.add(at+"/role", "unknown", "There is no such role. GET /v1/enums lists them.")
		}
		if slices.ContainsFunc(d.Roles[:i], r.equal) {
			w.add(at, "duplicate", "This role is given twice.")
		}
	}
	return w.err()
}

func (r RoleAt) equal(o RoleAt) bool { return r.Role == o.Role && samePtr(r.Dealership, o.Dealership) }

func (d UserDetails) diff(o UserDetails) []string {
	var c diff
	c.add("email", d.Email == o.Email)
	c.add("first_name", d.FirstName == o.FirstName)
	c.add("last_name", d.LastName == o.LastName)
	c.add("language", d.Language == o.Language)
	c.add("roles", slices.EqualFunc(d.Roles, o.Roles, RoleAt.equal))
	c.add("disabled", d.Disabled == o.Disabled)
	return c.names
}

// FullName is the user's name as histories show it; the e-mail when there is none.
func (d UserDetails) FullName() string {
	if name := strings.TrimSpace(d.FirstName + " " + d.LastName); name != "" {
		return name
	}
	return d.Email
}

// rights is what a user may do for the whole account, and what further at single dealerships.
func rights(roles []RoleAt) (wide auth.ScopeSet, at map[kernel.DealershipID]auth.ScopeSet) {
	for _, r := range roles {
		scopes, _ := r.Role.Scopes()
		if r.Dealership == nil {
			wide = wide.Union(scopes)
			continue
		}
		if at == nil {
			at = map[kernel.DealershipID]auth.ScopeSet{}
		}
		at[*r.Dealership] = at[*r.Dealership].Union(scopes)
	}
	return wide, at
}

// reach is every scope a user has anywhere.
func (d UserDetails) reach() auth.ScopeSet {
	all, at := rights(d.Roles)
	for _, scopes := range at {
		all = all.Union(scopes)
	}
	return all
}

// administers tells whether the user may manage the whole account.
func (u User) administers() bool {
	return !u.Disabled && u.DeletedAt == nil && slices.ContainsFunc(u.Roles, RoleAt{Role: auth.RoleAdmin}.equal)
}

// PageKey is where a page sorted that way ends with this user.
func (u User) PageKey(sort page.Sort) page.Key {
	return pageKey(sort, [16]byte(u.ID), u.CreatedAt, u.UpdatedAt)
}

// Login is by what a user signs in.
type Login struct {
	Email        string
	Account      kernel.AccountID
	User         kernel.UserID
	PasswordHash string
	TokenVersion int64 // raised, every session and token before is void
	DisabledAt   *time.Time
	UpdatedAt    time.Time
}
