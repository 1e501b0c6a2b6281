package core

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/audit"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/fold"
	"github.com/rooftop-crm/rooftop/internal/platform/jobs"
)

const (
	sealReset = "password reset request"
	// resetRequestKept is when a request that no job could finish is dropped: its e-mail is nobody's business any more.
	resetRequestKept = 24 * time.Hour
)

// ResetJob looks whose a request for a new password is, and sends the link.
type ResetJob struct {
	Request uuid.UUID `json:"request"`
}

// Kind implements jobs.Args.
func (ResetJob) Kind() string { return "core.password_reset" }

// RequestPasswordReset sends whoever signs in with the e-mail a link to choose another password. Whether there is such a
// user shows neither in the answer nor in the work that is done before it: a job looks. It works while sign-in is locked,
// and has a count of its own. It fails with ErrThrottled, and with ErrNoMail.
func (s *Service) RequestPasswordReset(ctx context.Context, email string, from netip.Addr) error {
	if s.Mailer == nil {
		return ErrNoMail
	}
	email, ok := fold.Email(email)
	if !ok {
		var w wrong
		w.add("/email", "invalid", "Give one e-mail address.")
		return w.err()
	}
	if err := s.addresses.take(from); err != nil {
		return err
	}
	if err := s.attempt(ctx, "password reset of "+email); err != nil {
		return err
	}
	return s.Units.InTx(ctx, func(ctx context.Context) error {
		id := kernel.NewID[uuid.UUID]()
		if err := s.Control.KeepResetRequest(ctx, id, s.Ring.Seal(sealReset, []byte(email)), s.Now()); err != nil {
			return err
		}
		_, err := s.Jobs.Insert(ctx, kernel.AccountID{}, ResetJob{id}, jobs.Options{})
		return err
	})
}

// SendPasswordReset does a ResetJob. A request that was done before, or is nobody's, is done.
func (s *Service) SendPasswordReset(ctx context.Context, request uuid.UUID) error {
	return s.Units.InTx(ctx, func(ctx context.Context) error {
		sealed, err := s.Control.TakeResetRequest(ctx, request)
		if err != nil {
			return ignoreNotFound(err)
		}
		email, err := s.Ring.Open(sealReset, sealed)
		if err != nil {
			return err
		}
		link, u, ends, err := s.resetLink(ctx, string(email))
		if err != nil {
			return ignoreNotFound(err)
		}
		return s.Mailer.Mail(ctx, u.account, Mail{
			Template: MailPasswordReset, To: u.Email, Language: u.Language,
			Vars: map[string]string{"first_name": u.FirstName, "link": link, "expires_at": ends.Format(time.RFC3339)},
		})
	})
}

type accountUser struct {
	User
	account kernel.AccountID
}

// resetLink makes the link for whoever signs in with the e-mail. It fails with ErrNotFound when nobody may.
func (s *Service) resetLink(ctx context.Context, email string) (link string, u accountUser, ends time.Time, err error) {
	login, err := s.Control.LoginByEmail(ctx, email)
	if err == nil && login.DisabledAt != nil {
		err = ErrNotFound
	}
	if err != nil {
		return "", u, ends, err
	}
	u.account = login.Account
	if err := s.Control.LockAccount(ctx, login.Account); err != nil {
		return "", u, ends, err
	}
	if u.User, err = s.Store.User(ctx, login.Account, login.User); err != nil {
		return "", u, ends, err
	}
	system := auth.System(login.Account)
	if link, ends, err = s.issue(ctx, system, login.User, PurposePasswordReset, resetLife); err != nil {
		return "", u, ends, err
	}
	return link, u, ends, s.Audit.Write(ctx, login.Account, audit.Act{
		Act: "user.password_reset_requested", Subject: ResourceUser, SubjectID: uuid.UUID(login.User), Actor: system, At: s.Now(),
	})
}

// CompletePasswordReset gives the user of a link the password they chose, ends their sessions and tells them. It opens no
// session, and a second factor is still asked for. It fails with ErrLink.
func (s *Service) CompletePasswordReset(ctx context.Context, token, password string, from netip.Addr) error {
	_, err := s.redeem(ctx, redemption{
		purpose: PurposePasswordReset, token: token, password: password, verb: "password_reset", address: from, notice: noticePassword,
		edit: func(*User) ([]string, error) { return nil, nil },
	})
	return err
}

// JobHandlers registers core's jobs.
func (s *Service) JobHandlers(h jobs.Handlers) {
	queue := jobs.Queue{Name: "people", Workers: 2}
	jobs.Handle(h, jobs.Spec{Queue: queue}, func(ctx context.Context, a *jobs.Attempt[ResetJob]) error {
		return s.SendPasswordReset(ctx, a.Args.Request)
	})
	jobs.Handle(h, jobs.Spec{Queue: queue}, func(ctx context.Context, a *jobs.Attempt[HandOverJob]) error {
		more, err := s.GoOnHandingOver(ctx, a.Account, a.Args)
		if err == nil && more {
			return jobs.Again(0)
		}
		if errs.IsKind(err, errs.NotFound) {
			return nil
		}
		return err
	})
}

// OperatorInvites makes a user, unless there is one with the e-mail who has no password yet, and returns the link by which
// they choose one: for installations without mail.
func (s *Service) OperatorInvites(ctx context.Context, account kernel.AccountID, d UserDetails) (User, string, error) {
	var out User
	var link string
	err := s.Units.InTx(ctx, func(ctx context.Context) error {
		if err := s.Control.LockAccount(ctx, account); err != nil {
			return err
		}
		email, _ := fold.Email(d.Email)
		system := auth.System(account)
		login, err := s.Control.LoginByEmail(ctx, email)
		switch {
		case err == nil && login.Account == account:
			out, err = s.reinvite(ctx, system, login.User)
		case errors.Is(err, ErrNotFound):
			out, err = s.createInvited(ctx, system, d)
		case err == nil:
			err = ErrEmailTaken
		}
		if err != nil {
			return err
		}
		link, _, err = s.issue(ctx, system, out.ID, PurposeInvitation, invitationLife)
		return err
	})
	return out, link, err
}

// OperatorResetsPassword returns the link by which a user chooses another password: for installations without mail.
func (s *Service) OperatorResetsPassword(ctx context.Context, email string) (string, error) {
	var link string
	folded, _ := fold.Email(email)
	err := s.Units.InTx(ctx, func(ctx context.Context) error {
		var err error
		link, _, _, err = s.resetLink(ctx, folded)
		return err
	})
	return link, err
}
