package core

import (
	"context"
	"strings"
	"time"

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

// The templates of core's mails, and their variables besides first_name, the recipient's.
const (
	MailInvitation     = "user.invitation"      // link, expires_at, inviter_name when it is a person
	MailPasswordReset  = "user.password_reset"  // link, expires_at
	MailSecurityNotice = "user.security_notice" // notice: a sentence in the recipient's language; at
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

// wordings are what the notices say, in English and French.
var wordings = map[noticeKind][2]string{
	noticePassword:      {"Your password was changed, and every session of yours has ended.", "Votre mot de passe a été changé et toutes vos sessions ont été fermées."},
	noticeFactorSet:     {"Signing in now takes a code of your authenticator app.", "La connexion demande désormais un code de votre application d'authentification."},
	noticeFactorDropped: {"Signing in no longer takes a code of your authenticator app.", "La connexion ne demande plus de code de votre application d'authentification."},
	noticeFactorReset:   {"An administrator has reset your second factor: signing in takes the password alone.", "Un administrateur a réinitialisé votre second facteur : la connexion ne demande plus que le mot de passe."},
	noticeCodesRenewed:  {"Your recovery codes were replaced.", "Vos codes de secours ont été remplacés."},
	noticeCodeUsed:      {"One of your recovery codes was used.", "Un de vos codes de secours a été utilisé."},
}

func (k noticeKind) in(language string) string {
	if strings.HasPrefix(language, "fr") {
		return wordings[k][1]
	}
	return wordings[k][0]
}

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
	return s.Mailer.Mail(ctx, account, Mail{
		Template: MailSecurityNotice, To: u.Email, Language: u.Language,
		Vars: map[string]string{"first_name": u.FirstName, "notice": what.in(u.Language), "at": s.Now().UTC().Format(time.RFC3339)},
	})
}
