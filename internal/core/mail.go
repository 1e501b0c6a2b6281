package core

import (
	"context"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

// Mailer sends mail to people. It queues in the transaction of ctx: what is rolled back is not sent.
type Mailer interface {
	Mail(ctx context.Context, account kernel.AccountID, m Mail) error
}

// Mail is one mail by a template.
type Mail struct {
	Template   string
	To         string
	Language   string // BCP 47
	Dealership kernel.DealershipID
	Vars       map[string]string
}

// The templates of core's mails, and their variables besides name, the recipient's.
const (
	MailInvitation     = "user.invitation"      // link, account, expires_in_days
	MailPasswordReset  = "user.password_reset"  // link, expires_in_minutes
	MailSecurityNotice = "user.security_notice" // notice: one of the words below; account
)

// noticeKind is what a user is told of their sign-in.
type noticeKind string

const (
	noticePassword      noticeKind = "password_changed"
	noticeFactorSet     noticeKind = "second_factor_set"
	noticeFactorDropped noticeKind = "second_factor_disabled"
	noticeFactorReset   noticeKind = "second_factor_reset" // by an administrator
	noticeCodesRenewed  noticeKind = "recovery_codes_renewed"
	noticeCodeUsed      noticeKind = "recovery_code_used"
)

// ErrNoMail is the answer to what is done by mail where there is none.
var ErrNoMail = errs.New(errs.Conflict, "mail.not_configured",
	"This installation sends no mail. Give the user a password, or have the operator print a link with `rooftop user invite`.")

// notify tells a user what happened to their sign-in, so that they notice what they did not do.
func (s *Service) notify(ctx context.Context, account kernel.AccountID, user kernel.UserID, what noticeKind) error {
	if s.Mailer == nil {
		return nil
	}
	u, err := s.Store.User(ctx, account, user)
	if err != nil {
		return err
	}
	a, err := s.Control.Account(ctx, account)
	if err != nil {
		return err
	}
	return s.Mailer.Mail(ctx, account, Mail{
		Template: MailSecurityNotice, To: u.Email, Language: u.Language,
		Vars: map[string]string{"name": u.FullName(), "account": a.Name, "notice": string(what)},
	})
}
