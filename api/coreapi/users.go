package coreapi

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/core"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/merge"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// User is a person who works for the account.
type User struct {
	ID           kernel.UserID `json:"id"`
	Version      int64         `json:"version" example:"3"`
	Email        string        `json:"email" format:"email" example:"jeanne@garage-dupont.example"` // signs the user in
	FirstName    *string       `json:"first_name" example:"Jeanne"`
	LastName     *string       `json:"last_name" example:"Martin"`
	FullName     string        `json:"full_name" example:"Jeanne Martin"`
	Language     string        `json:"language" example:"fr"` // BCP 47
	Roles        []UserRole    `json:"roles"`
	Disabled     bool          `json:"disabled"` // cannot sign in
	DisabledAt   *time.Time    `json:"disabled_at"`
	SecondFactor bool          `json:"second_factor"` // signs in with a code besides the password
	InvitedAt    *time.Time    `json:"invited_at"`    // of the invitation that is open; null when there is none
	CreatedAt    time.Time     `json:"created_at"`
	UpdatedAt    time.Time     `json:"updated_at"`
	DeletedAt    *time.Time    `json:"deleted_at"`
} //	@name	User

// UserRole is a role that a user has at one dealership or for the whole account.
type UserRole struct {
	Role         string               `json:"role" enums:"admin,manager,agent,salesperson,service_adviser,marketing,viewer" example:"salesperson"`
	DealershipID *kernel.DealershipID `json:"dealership_id"` // null: for the whole account
} //	@name	UserRole

// UserRoleInput is a role as it is sent.
type UserRoleInput struct {
	Role         string               `json:"role" validate:"required,oneof=admin manager agent salesperson service_adviser marketing viewer" example:"salesperson"`
	DealershipID *kernel.DealershipID `json:"dealership_id,omitempty"` // for the whole account when left out or null
} //	@name	UserRoleInput

// CreateUser is what makes a user.
type CreateUser struct {
	Email     string          `json:"email" validate:"required" example:"jeanne@garage-dupont.example"`
	Password  *string         `json:"password,omitempty" validate:"omitempty,min=1" example:"trois toits sous la pluie"` // 12 to 128 characters; without one the user is invited by mail
	FirstName *string         `json:"first_name,omitempty" validate:"omitempty,max=200" example:"Jeanne"`
	LastName  *string         `json:"last_name,omitempty" validate:"omitempty,max=200" example:"Martin"`
	Language  *string         `json:"language,omitempty" validate:"omitempty,max=35" example:"fr"` // the account's when left out
	Roles     []UserRoleInput `json:"roles,omitempty" validate:"max=50,dive"`
	Disabled  bool            `json:"disabled,omitempty"`
} //	@name	CreateUser

// PatchUser changes a user. Roles are replaced whole.
type PatchUser struct {
	Email     merge.Field[string]          `json:"email" extensions:"!x-nullable" example:"jeanne@garage-dupont.example"`
	Password  merge.Field[string]          `json:"password" extensions:"!x-nullable" example:"trois toits sous la pluie"` // ends every session of the user
	FirstName merge.Field[string]          `json:"first_name" validate:"max=200" example:"Jeanne"`
	LastName  merge.Field[string]          `json:"last_name" validate:"max=200" example:"Martin"`
	Language  merge.Field[string]          `json:"language" validate:"max=35" extensions:"!x-nullable" example:"fr"`
	Roles     merge.Field[[]UserRoleInput] `json:"roles" validate:"max=50,dive"`
	Disabled  merge.Field[bool]            `json:"disabled" extensions:"!x-nullable"` // true ends every session of the user
} //	@name	PatchUser

func fromUser(u core.User) User {
	return User{
		ID: u.ID, Version: u.Version, Email: u.Email, FirstName: orNull(u.FirstName), LastName: orNull(u.LastName), FullName: u.FullName(),
		Language: u.Language, Disabled: u.Disabled, DisabledAt: u.DisabledAt, SecondFactor: u.SecondFactorAt != nil, InvitedAt: u.InvitedAt, CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt, DeletedAt: u.DeletedAt,
		Roles: httpx.Mapped(u.Roles, func(r core.RoleAt) UserRole { return UserRole{Role: string(r.Role), DealershipID: r.Dealership} }),
	}
}

func (in UserRoleInput) toDomain() core.RoleAt {
	return core.RoleAt{Role: auth.Role(in.Role), Dealership: in.DealershipID}
}

func (in CreateUser) toDomain() core.NewUser {
	return core.NewUser{Password: value(in.Password), UserDetails: core.UserDetails{
		Email: in.Email, FirstName: value(in.FirstName), LastName: value(in.LastName), Language: value(in.Language),
		Roles: httpx.Mapped(in.Roles, UserRoleInput.toDomain), Disabled: in.Disabled,
	}}
}

func (in PatchUser) toDomain() core.UserEdit {
	edit := core.UserEdit{Details: func(d *core.UserDetails) {
		in.Email.Apply(&d.Email)
		in.FirstName.Apply(&d.FirstName)
		in.LastName.Apply(&d.LastName)
		in.Language.Apply(&d.Language)
		if in.Roles.Set {
			d.Roles = httpx.Mapped(in.Roles.Value, UserRoleInput.toDomain)
		}
		in.Disabled.Apply(&d.Disabled)
	}}
	if in.Password.Set {
		edit.Password = &in.Password.Value
	}
	return edit
}

func userReply(u core.User) httpx.Reply { return httpx.Reply{Body: fromUser(u), Version: u.Version} }

// createUser adds a user.
//
//	@ID				createUser
//	@Summary		Create a user
//	@Description	Adds someone who can sign in at once with the password given here, or who is sent a link, good for seven days, to choose one.
//	@Description	Nobody can give a role that holds more than they do.
//	@Tags			users
//	@Accept			json
//	@Param			body	body		CreateUser	true	"the user"
//	@Success		201		{object}	User
//	@Failure		409		{object}	httpx.Problem	"someone signs in with this e-mail already, or this installation sends no mail to invite by"
//	@Security		Bearer
//	@Router			/users [post]
func (h handler) createUser(c echo.Context) error {
	in, err := httpx.Bind[CreateUser](c)
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		u, err := h.core.CreateUser(ctx, actor, in.toDomain())
		r := userReply(u)
		r.Status, r.Location = http.StatusCreated, "/v1/users/"+u.ID.String()
		return r, err
	})
}

// listUsers pages through users.
//
//	@ID				listUsers
//	@Summary		List users
//	@Description	The account's users, newest first.
//	@Tags			users
//	@Param			role			query		string		false	"has this role somewhere"	Enums(admin,manager,agent,salesperson,service_adviser,marketing,viewer)
//	@Param			dealership_id	query		string		false	"has a role at this dealership or for the whole account"	format(uuid)
//	@Param			disabled		query		bool		false	"only those who cannot sign in, or only those who can"
//	@Param			created_at[gte]	query		string		false	"created at or after"	format(date-time)
//	@Param			created_at[gt]	query		string		false	"created after"			format(date-time)
//	@Param			created_at[lte]	query		string		false	"created at or before"	format(date-time)
//	@Param			created_at[lt]	query		string		false	"created before"		format(date-time)
//	@Param			updated_at[gte]	query		string		false	"changed at or after"	format(date-time)
//	@Param			updated_at[gt]	query		string		false	"changed after"			format(date-time)
//	@Param			updated_at[lte]	query		string		false	"changed at or before"	format(date-time)
//	@Param			updated_at[lt]	query		string		false	"changed before"		format(date-time)
//	@Param			updated_since	query		string		false	"changed at or after"	format(date-time)
//	@Param			sort			query		string		false	"order"					Enums(created_at,-created_at,updated_at,-updated_at)
//	@Param			fields			query		[]string	false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200				{object}	httpx.ListOf[User]
//	@Security		Bearer
//	@Router			/users [get]
func (h handler) listUsers(c echo.Context) error {
	q := httpx.NewQuery(c)
	roles := httpx.Mapped(auth.Roles(), func(r auth.Role) string { return string(r) })
	f := core.UserFilter{
		Role: auth.Role(q.Choice("role", roles...)), Dealership: value(httpx.QueryID[kernel.DealershipID](q, "dealership_id")),
		Disabled: q.Bool("disabled"),
	}
	f.CreatedFrom, f.CreatedBefore = q.TimeRange("created_at")
	f.UpdatedFrom, f.UpdatedBefore = changedRange(q)
	q.Fields(User{})
	p := q.Page("-created_at", "created_at", "updated_at")
	if err := q.Err(); err != nil {
		return err
	}
	found, err := h.core.ListUsers(c.Request().Context(), httpx.ActorOf(c), f, p)
	if err != nil {
		return err
	}
	return httpx.List(c, q, page.Map(found, fromUser))
}

// userChanges reads what became of users since the last time.
//
//	@ID				listUserChanges
//	@Summary		Follow users
//	@Description	First every user as they are now, then each that was changed since, deleted ones with deleted_at.
//	@Tags			users
//	@Success		200	{object}	httpx.ChangesOf[User]
//	@Security		Bearer
//	@Router			/users/changes [get]
func (h handler) userChanges(c echo.Context) error {
	return httpx.Follow(c, h.core.UserChanges, fromUser)
}

// getUser reads a user.
//
//	@ID				getUser
//	@Summary		Read a user
//	@Description	A user of the account.
//	@Tags			users
//	@Param			id		path		string		true	"id of the user"				format(uuid)
//	@Param			fields	query		[]string	false	"only these fields; id always"	collectionFormat(csv)
//	@Success		200		{object}	User
//	@Security		Bearer
//	@Router			/users/{id} [get]
func (h handler) getUser(c echo.Context) error {
	return httpx.ReadOne(c, User{}, h.core.FindUser, userReply)
}

// patchUser changes a user.
//
//	@ID				patchUser
//	@Summary		Change a user
//	@Description	JSON Merge Patch. A new password and `"disabled": true` end every session of the user. Nobody can change someone who has
//	@Description	more rights than they do, and an account keeps one administrator at least.
//	@Tags			users
//	@Accept			application/merge-patch+json
//	@Param			id		path		string		true	"id of the user"	format(uuid)
//	@Param			body	body		PatchUser	true	"what changes"
//	@Success		200		{object}	User
//	@Failure		409		{object}	httpx.Problem	"the e-mail is another one's, or this is the last administrator"
//	@Security		Bearer
//	@Router			/users/{id} [patch]
func (h handler) patchUser(c echo.Context) error {
	in, err := httpx.BindPatch[PatchUser](c)
	if err != nil {
		return err
	}
	return httpx.OnOne(c, h.units, func(ctx context.Context, actor auth.Actor, id kernel.UserID, ifMatch *int64) (httpx.Reply, error) {
		u, err := h.core.UpdateUser(ctx, actor, id, ifMatch, in.toDomain())
		return userReply(u), err
	})
}

// deleteUser hides a user.
//
//	@ID				deleteUser
//	@Summary		Delete a user
//	@Description	Ends every session of the user and takes them out of lists. They can be restored; their e-mail stays theirs.
//	@Tags			users
//	@Param			id	path	string	true	"id of the user"	format(uuid)
//	@Success		204
//	@Failure		409	{object}	httpx.Problem	"this is the last administrator"
//	@Security		Bearer
//	@Router			/users/{id} [delete]
func (h handler) deleteUser(c echo.Context) error {
	return httpx.OnOne(c, h.units, func(ctx context.Context, actor auth.Actor, id kernel.UserID, ifMatch *int64) (httpx.Reply, error) {
		return httpx.Reply{}, h.core.DeleteUser(ctx, actor, id, ifMatch)
	})
}

// restoreUser brings a deleted user back.
//
//	@ID				restoreUser
//	@Summary		Restore a user
//	@Description	Undoes a delete, with the password the user had. A user who is not deleted stays as they are.
//	@Tags			users
//	@Param			id	path		string	true	"id of the user"	format(uuid)
//	@Success		200	{object}	User
//	@Security		Bearer
//	@Router			/users/{id}/restore [post]
func (h handler) restoreUser(c echo.Context) error {
	id, err := httpx.PathID[kernel.UserID](c, "id")
	if err != nil {
		return err
	}
	actor := httpx.ActorOf(c)
	return httpx.Write(c, h.units, actor.Account, func(ctx context.Context) (httpx.Reply, error) {
		u, err := h.core.RestoreUser(ctx, actor, id)
		return userReply(u), err
	})
}
