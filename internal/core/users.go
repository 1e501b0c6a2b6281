package core

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// NewUser is a user with the password that the administrator gives them; with none they are invited.
type NewUser struct {
	UserDetails
	Password string
}

// CreateUser adds a user who can sign in at once, or once they have chosen a password. It fails with ErrEmailTaken, and with ErrEscalation when a role holds
// more than the actor does.
func (s *Service) CreateUser(ctx context.Context, actor auth.Actor, n NewUser) (User, error) {
	if err := requireAccountWide(actor, auth.UsersWrite); err != nil {
		return User{}, err
	}
	if n.Language == "" {
		account, err := s.Control.Account(ctx, actor.Account)
		if err != nil {
			return User{}, err
		}
		n.Language = account.Language
	}
	if n.Password == "" {
		return s.createAndInvite(ctx, actor, n.UserDetails)
	}
	if err := validatePassword(n.Validate(), "/password", n.Password, n.Email); err != nil {
		return User{}, err
	}
	if err := requireHeld(actor, n.reach()); err != nil {
		return User{}, err
	}
	hash, err := s.Hasher.Hash(ctx, n.Password)
	if err != nil {
		return User{}, err
	}
	var out User
	err = s.Units.InTx(ctx, func(ctx context.Context) error {
		if err := s.Control.LockAccount(ctx, actor.Account); err != nil {
			return err
		}
		var err error
		out, err = s.insertUser(ctx, actor, n.UserDetails, hash)
		return err
	})
	return out, err
}

// createAndInvite adds a user who chooses the password by a link in a mail. It fails with ErrNoMail where there is none.
func (s *Service) createAndInvite(ctx context.Context, actor auth.Actor, d UserDetails) (User, error) {
	var out User
	err := s.Units.InTx(ctx, func(ctx context.Context) error {
		if err := s.Control.LockAccount(ctx, actor.Account); err != nil {
			return err
		}
		var err error
		if out, err = s.createInvited(ctx, actor, d); err != nil {
			return err
		}
		return s.sendInvitation(ctx, actor, out)
	})
	return out, err
}

// createInvited adds a user without a password. A link is still to be issued. The account is locked.
func (s *Service) createInvited(ctx context.Context, actor auth.Actor, d UserDetails) (User, error) {
	if d.Language == "" {
		account, err := s.Control.Account(ctx, actor.Account)
		if err != nil {
			return User{}, err
		}
		d.Language = account.Language
	}
	if err := d.Validate(); err != nil {
		return User{}, err
	}
	if d.Disabled {
		return User{}, ErrDisabled
	}
	if err := requireHeld(actor, d.reach()); err != nil {
		return User{}, err
	}
	return s.insertUser(ctx, actor, d, "")
}

// insertUser adds a user; one without a password is invited.
func (s *Service) insertUser(ctx context.Context, actor auth.Actor, d UserDetails, hash string) (User, error) {
	if err := s.checkPlaces(ctx, actor.Account, d.Roles); err != nil {
		return User{}, err
	}
	now := s.Now()
	u := User{ID: kernel.NewID[kernel.UserID](), Version: 1, UserDetails: d, CreatedAt: now, UpdatedAt: now}
	if u.settleDisabled(now); hash == "" {
		u.InvitedAt = &now
	}
	login := Login{
		Email: d.Email, Account: actor.Account, User: u.ID, PasswordHash: hash, TokenVersion: 1,
		DisabledAt: u.DisabledAt, UpdatedAt: now,
	}
	if err := s.Control.InsertLogin(ctx, login); err != nil {
		return User{}, err
	}
	if err := s.Store.InsertUser(ctx, actor.Account, u); err != nil {
		return User{}, err
	}
	return u, s.write(ctx, actor.Account, actor, now, change{ResourceUser, "created", uuid.UUID(u.ID), 1, nil, nil, u.open()})
}

// validatePassword adds what is wrong with a password to what else is wrong.
func validatePassword(others error, pointer, password, email string) error {
	field := auth.CheckPassword(password, email)
	if field == nil {
		return others
	}
	field.Pointer = pointer
	if e, ok := errs.As(others); ok {
		return e.At(*field)
	}
	return errs.InvalidFields(*field)
}

// checkPlaces refuses roles at dealerships that are not the account's.
func (s *Service) checkPlaces(ctx context.Context, account kernel.AccountID, roles []RoleAt) error {
	var w wrong
	for i, r := range roles {
		if r.Dealership == nil {
			continue
		}
		if err := s.checkPlace(ctx, account, *r.Dealership, fmt.Sprintf("/roles/%d/dealership_id", i), &w); err != nil {
			return err
		}
	}
	return w.err()
}

func (s *Service) checkPlace(ctx context.Context, account kernel.AccountID, id kernel.DealershipID, pointer string, w *wrong) error {
	_, err := s.liveDealership(ctx, account, id)
	if errs.IsKind(err, errs.NotFound) {
		w.add(pointer, "unknown", "There is no such dealership in this account.")
		return nil
	}
	return err
}

func (u *User) settleDisabled(now time.Time) {
	switch {
	case !u.Disabled:
		u.DisabledAt = nil
	case u.DisabledAt == nil:
		u.DisabledAt = &now
	}
}

// FindUser reads a user of the account.
func (s *Service) FindUser(ctx context.Context, actor auth.Actor, id kernel.UserID) (User, error) {
	if err := actor.Require(auth.UsersRead); err != nil {
		return User{}, err
	}
	u, err := s.Store.User(ctx, actor.Account, id)
	if err == nil && u.DeletedAt != nil {
		return User{}, ErrNotFound
	}
	return u, err
}

// ListUsers lists users of the account.
func (s *Service) ListUsers(ctx context.Context, actor auth.Actor, f UserFilter, p page.Request) (page.Of[User], error) {
	if err := actor.Require(auth.UsersRead); err != nil {
		return page.Of[User]{}, err
	}
	return s.Store.ListUsers(ctx, actor.Account, f, p)
}

// UserChanges reads the next changes of users.
func (s *Service) UserChanges(ctx context.Context, actor auth.Actor, c outbox.Cursor, limit int) (outbox.Changes[User], error) {
	if err := actor.Require(auth.UsersRead); err != nil {
		return outbox.Changes[User]{}, err
	}
	return outbox.Read(ctx, s.Events, actor.Account, outbox.Source[User]{
		Resource: ResourceUser,
		List: func(ctx context.Context, after uuid.UUID, limit int) ([]User, error) {
			return s.Store.UsersByID(ctx, actor.Account, after, limit)
		},
		Load: func(ctx context.Context, ids []uuid.UUID) ([]User, error) {
			return s.Store.Users(ctx, actor.Account, typed[kernel.UserID](ids))
		},
		ID: func(u User) uuid.UUID { return uuid.UUID(u.ID) },
	}, c, limit)
}

// UserEdit is a change of a user.
type UserEdit struct {
	Details  func(*UserDetails) // nil for none
	Password *string            // set by an administrator; nil for none
}

// UpdateUser changes a user. A new password, and disabling, end every session of the user. It fails with ErrEmailTaken,
// ErrLastAdmin, and with ErrEscalation when the user has, or would get, rights that the actor does not hold.
func (s *Service) UpdateUser(ctx context.Context, actor auth.Actor, id kernel.UserID, ifMatch *int64, e UserEdit) (User, error) {
	if err := requireAccountWide(actor, auth.UsersWrite); err != nil {
		return User{}, err
	}
	hash := ""
	if e.Password != nil {
		if err := validatePassword(nil, "/password", *e.Password, ""); err != nil {
			return User{}, err
		}
		var err error
		if hash, err = s.Hasher.Hash(ctx, *e.Password); err != nil {
			return User{}, err
		}
	}
	var out User
	err := s.Units.InTx(ctx, func(ctx context.Context) error {
		var err error
		out, err = s.changeUser(ctx, actor, id, "updated", loginChange{hash: hash}, func(u *User) ([]string, error) {
			if u.DeletedAt != nil {
				return nil, ErrNotFound
			}
			if err := checkVersion(ifMatch, u.Version); err != nil {
				return nil, err
			}
			before := u.UserDetails
			if e.Details != nil {
				e.Details(&u.UserDetails)
			}
			if err := u.Validate(); err != nil {
				return nil, err
			}
			changed := u.diff(before)
			if hash != "" {
				changed = append(changed, "password")
			}
			if slices.Contains(changed, "roles") {
				return changed, s.checkPlaces(ctx, actor.Account, u.Roles)
			}
			return changed, nil
		})
		if err != nil || hash == "" {
			return err
		}
		return s.notify(ctx, actor.Account, id, noticePassword)
	})
	return out, err
}

// DeleteUser ends a user's sessions and takes them out of lists. The e-mail stays theirs, so that they can be restored.
func (s *Service) DeleteUser(ctx context.Context, actor auth.Actor, id kernel.UserID, ifMatch *int64) error {
	if err := requireAccountWide(actor, auth.UsersWrite); err != nil {
		return err
	}
	return s.Units.InTx(ctx, func(ctx context.Context) error {
		now := s.Now()
		_, err := s.changeUser(ctx, actor, id, "deleted", loginChange{}, func(u *User) ([]string, error) {
			if u.DeletedAt != nil {
				return nil, ErrNotFound
			}
			u.DeletedAt = &now
			return []string{"deleted_at"}, checkVersion(ifMatch, u.Version)
		})
		return err
	})
}

// RestoreUser brings a deleted user back, with the password they had.
func (s *Service) RestoreUser(ctx context.Context, actor auth.Actor, id kernel.UserID) (User, error) {
	if err := requireAccountWide(actor, auth.UsersWrite); err != nil {
		return User{}, err
	}
	var out User
	err := s.Units.InTx(ctx, func(ctx context.Context) error {
		var err error
		out, err = s.changeUser(ctx, actor, id, "restored", loginChange{}, func(u *User) ([]string, error) {
			if u.DeletedAt == nil {
				return nil, nil
			}
			u.DeletedAt = nil
			return []string{"deleted_at"}, nil
		})
		return err
	})
	return out, err
}

// ChangePassword lets a user who knows their password choose another one. Every session of theirs ends, this one too.
func (s *Service) ChangePassword(ctx context.Context, actor auth.Actor, current, chosen string) error {
	if actor.Kind != auth.KindUser {
		return errNoPerson
	}
	login, err := s.Control.Login(ctx, actor.Account, actor.User)
	if err != nil {
		return err
	}
	if err := validatePassword(nil, "/new_password", chosen, login.Email); err != nil {
		return err
	}
	if err := s.provePassword(ctx, login, current); err != nil {
		return err
	}
	hash, err := s.Hasher.Hash(ctx, chosen)
	if err != nil {
		return err
	}
	return s.Units.InTx(ctx, func(ctx context.Context) error {
		if err := s.Control.ForgetAttempts(ctx, emailHash(login.Email)); err != nil {
			return err
		}
		_, err := s.changeUser(ctx, actor, actor.User, "updated", loginChange{hash: hash}, func(*User) ([]string, error) {
			return []string{"password"}, nil
		})
		if err != nil {
			return err
		}
		return s.notify(ctx, actor.Account, actor.User, noticePassword)
	})
}

// provePassword fails with ErrWrongPassword. Each try counts, as one to sign in does: it must not run in a transaction
// that a failure rolls back.
func (s *Service) provePassword(ctx context.Context, login Login, password string) error {
	if err := s.attempt(ctx, login.Email); err != nil {
		return err
	}
	right, _, err := s.Hasher.Check(ctx, login.PasswordHash, password)
	if err != nil {
		return err
	}
	if !right {
		return ErrWrongPassword
	}
	return nil
}

// loginChange is what becomes of a login besides what follows from its user.
type loginChange struct {
	hash        string // of a new password; "" for none
	endSessions bool
}

// changeUser runs fn on the user, keeps the login in step and writes what fn says has changed.
func (s *Service) changeUser(
	ctx context.Context, actor auth.Actor, id kernel.UserID, verb string, login loginChange, fn func(*User) ([]string, error),
) (User, error) {
	if err := s.Control.LockAccount(ctx, actor.Account); err != nil {
		return User{}, err
	}
	now := s.Now()
	var changed []string
	var before User
	out, err := s.Store.UpdateUser(ctx, actor.Account, id, func(u *User) (bool, error) {
		before = *u
		var err error
		if changed, err = fn(u); err != nil || len(changed) == 0 {
			return false, err
		}
		if u.settleDisabled(now); actor.User != id {
			if err := requireHeld(actor, before.reach()); err != nil {
				return false, err
			}
		}
		if slices.Contains(changed, "roles") {
			if err := requireHeld(actor, u.reach()); err != nil {
				return false, err
			}
		}
		if login.hash != "" || u.Disabled || u.DeletedAt != nil {
			u.InvitedAt = nil
		}
		u.Version, u.UpdatedAt = u.Version+1, now
		return true, nil
	})
	if err != nil || len(changed) == 0 {
		return out, err
	}
	if before.administers() && !out.administers() {
		if n, err := s.Store.OtherAdmins(ctx, actor.Account, id); err != nil || n == 0 {
			return User{}, orElse(err, ErrLastAdmin)
		}
	}
	if err := s.followLogin(ctx, actor.Account, before, out, login, now); err != nil {
		return User{}, err
	}
	return out, s.write(ctx, actor.Account, actor, now, change{
		ResourceUser, verb, uuid.UUID(id), out.Version, changed, before.open(), out.open(),
	})
}

func orElse(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// followLogin keeps by what the user signs in in step with the user.
func (s *Service) followLogin(ctx context.Context, account kernel.AccountID, before, after User, change loginChange, now time.Time) error {
	ended, void := false, false
	_, err := s.Control.UpdateLogin(ctx, account, after.ID, func(l *Login) {
		active := !after.Disabled && after.DeletedAt == nil
		l.Email, l.UpdatedAt = after.Email, now
		l.DisabledAt = nil
		if !active {
			l.DisabledAt = &now
		}
		if change.hash != "" {
			l.PasswordHash = change.hash
		}
		void = change.hash != "" || !active || l.Email != before.Email // what was sent to another address, too
		wasActive := !before.Disabled && before.DeletedAt == nil
		if ended = change.hash != "" || change.endSessions || (wasActive && !active); ended {
			l.TokenVersion++
		}
	})
	if err == nil && void {
		err = s.voidLinks(ctx, account, after.ID)
	}
	if err != nil || !ended {
		return err
	}
	return s.Control.EndSessions(ctx, account, after.ID, now)
}
