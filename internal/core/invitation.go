package core

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/links"
)

// What a secret link of core is for. Each works once.
const (
	PurposeInvitation    = "user.invitation"
	PurposePasswordReset = "user.password_reset"
)

const (
	invitationLife = 7 * 24 * time.Hour
	resetLife      = 30 * time.Minute
)

var (
	// ErrLink is the one answer to a token of a link that is unknown, over, used, revoked or for something else.
	ErrLink = errs.New(errs.Unreadable, "user.link_invalid",
		"This link does not work: it has ended, was used or revoked, or never was. Ask for another one.")
	// ErrJoined is the answer to the invitation of someone who has a password already.
	ErrJoined = errs.New(errs.Conflict, "user.joined", "This user has a password already. They can reset it by mail: POST /v1/password-resets.")
	// ErrDisabled is the answer to what a disabled user cannot have.
	ErrDisabled = errs.New(errs.Conflict, "user.disabled", "This user is disabled. Reactivate them first.")
)

// InviteUser sends a user who has no password yet the link by which they choose one. A link that was sent before is void.
// It fails with ErrJoined, ErrDisabled or ErrNoMail.
func (s *Service) InviteUser(ctx context.Context, actor auth.Actor, id kernel.UserID) (User, error) {
	if err := requireAccountWide(actor, auth.UsersWrite); err != nil {
		return User{}, err
	}
	var out User
	err := s.Units.InTx(ctx, func(ctx context.Context) error {
		var err error
		if out, err = s.reinvite(ctx, actor, id); err != nil {
			return err
		}
		return s.sendInvitation(ctx, actor, out)
	})
	return out, err
}

func (s *Service) reinvite(ctx context.Context, actor auth.Actor, id kernel.UserID) (User, error) {
	return s.changeUser(ctx, actor, id, "invited", loginChange{}, func(u *User) ([]string, error) {
		switch {
		case u.DeletedAt != nil:
			return nil, ErrNotFound
		case u.Disabled:
			return nil, ErrDisabled
		}
		login, err := s.Control.Login(ctx, actor.Account, id)
		if err != nil {
			return nil, err
		}
		if login.PasswordHash != "" {
			return nil, ErrJoined
		}
		now := s.Now()
		u.InvitedAt = &now
		return []string{"invited_at"}, nil
	})
}

// RevokeInvitation voids the link that a user was sent. Where there is none, nothing changes.
func (s *Service) RevokeInvitation(ctx context.Context, actor auth.Actor, id kernel.UserID) (User, error) {
	if err := requireAccountWide(actor, auth.UsersWrite); err != nil {
		return User{}, err
	}
	var out User
	err := s.Units.InTx(ctx, func(ctx context.Context) error {
		var err error
		out, err = s.changeUser(ctx, actor, id, "invitation_revoked", loginChange{}, func(u *User) ([]string, error) {
			if u.DeletedAt != nil {
				return nil, ErrNotFound
			}
			if u.InvitedAt == nil {
				return nil, nil
			}
			u.InvitedAt = nil
			return []string{"invited_at"}, nil
		})
		if err != nil {
			return err
		}
		return s.Links.RevokeAll(ctx, actor.Account, PurposeInvitation, uuid.UUID(id))
	})
	return out, err
}

// sendInvitation issues the link and mails it, in the transaction of ctx.
func (s *Service) sendInvitation(ctx context.Context, actor auth.Actor, u User) error {
	if s.Mailer == nil {
		return ErrNoMail
	}
	link, ends, err := s.issue(ctx, actor, u.ID, PurposeInvitation, invitationLife)
	if err != nil {
		return err
	}
	vars := map[string]string{"first_name": u.FirstName, "link": link, "expires_at": ends.Format(time.RFC3339)}
	if actor.Kind == auth.KindUser {
		vars["inviter_name"] = actor.Name
	}
	return s.Mailer.Mail(ctx, actor.Account, Mail{Template: MailInvitation, To: u.Email, Language: u.Language, Vars: vars})
}

// issue makes a link for a user and voids those they had for the same.
func (s *Service) issue(
	ctx context.Context, actor auth.Actor, user kernel.UserID, purpose string, life time.Duration,
) (link string, ends time.Time, err error) {
	if err := s.Links.RevokeAll(ctx, actor.Account, purpose, uuid.UUID(user)); err != nil {
		return "", ends, err
	}
	token, l, err := s.Links.Issue(ctx, actor, links.New{Purpose: purpose, Subject: uuid.UUID(user), SingleUse: true, ExpiresIn: life})
	if err != nil {
		return "", ends, err
	}
	path := "/invitation"
	if purpose == PurposePasswordReset {
		path = "/password-reset"
	}
	// After the # it reaches neither a server's log nor a Referer.
	return s.AppURL + path + "#token=" + token, *l.ExpiresAt, nil
}

// Acceptance is what somebody answers an invitation with.
type Acceptance struct {
	Token               string
	Password            string
	FirstName, LastName *string // nil: as they were invited
	Address             netip.Addr
}

// AcceptInvitation gives an invited user the password they chose, and returns by what they sign in. It opens no session:
// signing in is one way, with its throttle and its second factor, and a link in a mailbox is none. It fails with ErrLink.
func (s *Service) AcceptInvitation(ctx context.Context, a Acceptance) (email string, err error) {
	return s.redeem(ctx, redemption{
		purpose: PurposeInvitation, token: a.Token, password: a.Password, verb: "joined", address: a.Address,
		edit: func(u *User) ([]string, error) {
			before := u.UserDetails
			if a.FirstName != nil {
				u.FirstName = *a.FirstName
			}
			if a.LastName != nil {
				u.LastName = *a.LastName
			}
			return u.diff(before), u.Validate()
		},
	})
}

// redemption is the use of a link to choose a password.
type redemption struct {
	purpose, token, password string
	verb                     string // of the event
	edit                     func(*User) ([]string, error)
	address                  netip.Addr
	notice                   noticeKind // "" for none
}

// redeem uses a link, once, to give its user a password. Guesses are counted against the address they come from.
func (s *Service) redeem(ctx context.Context, r redemption) (email string, err error) {
	if err := s.addresses.take(r.address); err != nil {
		return "", err
	}
	login, err := s.linkHolder(ctx, r)
	if err != nil {
		return "", err
	}
	s.addresses.giveBack(r.address)
	if err := validatePassword(nil, "/password", r.password, login.Email); err != nil {
		return "", err
	}
	hash, err := s.Hasher.Hash(ctx, r.password)
	if err != nil {
		return "", err
	}
	actor := auth.Actor{Kind: auth.KindUser, Account: login.Account, User: login.User}
	err = s.Units.InTx(ctx, func(ctx context.Context) error {
		// The account before the link, as whoever revokes it.
		if err := s.Control.LockAccount(ctx, login.Account); err != nil {
			return err
		}
		if _, err := s.Links.Use(ctx, r.purpose, r.token); err != nil {
			return linkError(err)
		}
		out, err := s.changeUser(ctx, actor, login.User, r.verb, loginChange{hash: hash}, func(u *User) ([]string, error) {
			if u.Disabled || u.DeletedAt != nil {
				return nil, ErrLink
			}
			changed, err := r.edit(u)
			if u.InvitedAt != nil {
				changed = append(changed, "invited_at")
			}
			return append(slices.Clip(changed), "password"), err
		})
		if err != nil {
			return err
		}
		email = out.Email
		if err := s.Control.ForgetAttempts(ctx, emailHash(out.Email)); err != nil || r.notice == "" {
			return err
		}
		return s.notify(ctx, login.Account, login.User, r.notice)
	})
	return email, err
}

// linkHolder is whose link it is, without using it. It fails with ErrLink.
func (s *Service) linkHolder(ctx context.Context, r redemption) (Login, error) {
	l, err := s.Links.Open(ctx, r.purpose, r.token)
	if err != nil {
		return Login{}, linkError(err)
	}
	login, err := s.Control.Login(ctx, l.Account, kernel.UserID(l.Subject))
	if errors.Is(err, ErrNotFound) || (err == nil && login.DisabledAt != nil) {
		err = ErrLink
	}
	return login, err
}

func linkError(err error) error {
	if errors.Is(err, links.ErrNotFound) {
		return ErrLink.Because(err)
	}
	return err
}

// voidLinks voids what a user was sent, once they have a password or may no longer sign in.
func (s *Service) voidLinks(ctx context.Context, account kernel.AccountID, user kernel.UserID) error {
	if err := s.Links.RevokeAll(ctx, account, PurposeInvitation, uuid.UUID(user)); err != nil {
		return err
	}
	return s.Links.RevokeAll(ctx, account, PurposePasswordReset, uuid.UUID(user))
}
