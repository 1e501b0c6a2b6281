package core

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/audit"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

const (
	// challengeTTL is how long a right password waits for the code.
	challengeTTL    = 5 * time.Minute
	challengePrefix = "rtm_"
	sealChallenge   = "sign-in challenge"
	sealFactor      = "second factor of "

	recoveryCodes = 10
	recoveryBytes = 10
	// factorIssuer is how authenticator apps name what the codes are for.
	factorIssuer = "Rooftop"
)

var (
	// ErrWrongCode is the answer to a code that is not of the user's second factor, was used, or is too old.
	ErrWrongCode = errs.New(errs.Forbidden, "user.wrong_code",
		"The code is not right, or was used already. Wait for the next one of the app, or give a recovery code.")
	// ErrHasFactor is the answer to a second enrolment.
	ErrHasFactor = errs.New(errs.Conflict, "user.second_factor_set", "There is a second factor already. Disable it first.")
	// ErrNoFactor is the answer to what needs a second factor where there is none.
	ErrNoFactor = errs.New(errs.Conflict, "user.second_factor_not_set", "There is no second factor. Begin at POST /v1/me/second-factor.")
)

// SecondFactor is what a user proves besides the password: codes of an authenticator app.
type SecondFactor struct {
	User        kernel.UserID
	Sealed      []byte // the secret, under the master key
	LastStep    int64  // the time step of the last code that was taken
	CreatedAt   time.Time
	ConfirmedAt *time.Time // nil until a code proved that the user has it
	CodesLeft   int        // recovery codes that were not used
}

// Enrolment is the secret of a new second factor, which is shown this once.
type Enrolment struct {
	Secret string // as people type it
	URI    string // as apps read it from a QR code
}

// FindSecondFactor tells about the actor's own second factor; the zero one when there is none, or none confirmed.
func (s *Service) FindSecondFactor(ctx context.Context, actor auth.Actor) (SecondFactor, error) {
	if actor.Kind != auth.KindUser {
		return SecondFactor{}, errNoPerson
	}
	f, err := s.Store.SecondFactor(ctx, actor.Account, actor.User)
	if errors.Is(err, ErrNotFound) || (err == nil && f.ConfirmedAt == nil) {
		return SecondFactor{}, nil
	}
	return f, err
}

// ProvePassword fails with ErrWrongPassword unless that is the actor's. Each try counts, as one to sign in does: call it
// before the transaction that does what the password was asked for.
func (s *Service) ProvePassword(ctx context.Context, actor auth.Actor, password string) error {
	login, err := s.ownLogin(ctx, actor)
	if err != nil {
		return err
	}
	return s.provePassword(ctx, login, password)
}

// CountCode counts a try to give a code, as ProvePassword does a password.
func (s *Service) CountCode(ctx context.Context, actor auth.Actor) error {
	login, err := s.ownLogin(ctx, actor)
	if err != nil {
		return err
	}
	return s.attempt(ctx, login.Email)
}

func (s *Service) ownLogin(ctx context.Context, actor auth.Actor) (Login, error) {
	if actor.Kind != auth.KindUser {
		return Login{}, errNoPerson
	}
	return s.Control.Login(ctx, actor.Account, actor.User)
}

// BeginSecondFactor makes a secret for the actor's authenticator app. It takes effect once ConfirmSecondFactor has seen a
// code of it. The actor has just proved the password. It fails with ErrHasFactor.
func (s *Service) BeginSecondFactor(ctx context.Context, actor auth.Actor) (Enrolment, error) {
	login, err := s.ownLogin(ctx, actor)
	if err != nil {
		return Enrolment{}, err
	}
	secret := auth.NewTOTPSecret()
	err = s.Units.InTx(ctx, func(ctx context.Context) error {
		if err := s.Control.LockAccount(ctx, actor.Account); err != nil {
			return err
		}
		f, err := s.FindSecondFactor(ctx, actor)
		if err != nil {
			return err
		}
		if f.ConfirmedAt != nil {
			return ErrHasFactor
		}
		if err := s.Control.ForgetAttempts(ctx, emailHash(login.Email)); err != nil {
			return err
		}
		return s.Store.KeepSecondFactor(ctx, actor.Account, SecondFactor{
			User: actor.User, Sealed: s.Ring.Seal(sealFactor+actor.User.String(), secret), CreatedAt: s.Now(),
		})
	})
	return Enrolment{Secret: auth.TOTPText(secret), URI: auth.TOTPURI(factorIssuer, login.Email, secret)}, err
}

// ConfirmSecondFactor sets the second factor in force and returns the recovery codes, which are shown this once. From now
// on signing in takes a code. It fails with ErrWrongCode, ErrHasFactor or ErrNoFactor.
func (s *Service) ConfirmSecondFactor(ctx context.Context, actor auth.Actor, code string) (codes []string, err error) {
	err = s.changeFactor(ctx, actor, func(ctx context.Context, f SecondFactor) (noticeKind, error) {
		switch {
		case f.ConfirmedAt != nil:
			return "", ErrHasFactor
		case f.User.IsZero():
			return "", ErrNoFactor
		}
		if _, err := s.takeAppCode(ctx, actor.Account, f, tidyCode(code)); err != nil {
			return "", err
		}
		now := s.Now()
		if err := s.Store.ConfirmSecondFactor(ctx, actor.Account, actor.User, now); err != nil {
			return "", err
		}
		if codes, err = s.newRecoveryCodes(ctx, actor); err != nil {
			return "", err
		}
		return noticeFactorSet, s.noteFactor(ctx, actor, actor.User, &now)
	})
	return codes, err
}

// RenewRecoveryCodes replaces the recovery codes, used or not. The actor has just proved the password.
func (s *Service) RenewRecoveryCodes(ctx context.Context, actor auth.Actor, code string) (codes []string, err error) {
	err = s.changeFactor(ctx, actor, func(ctx context.Context, f SecondFactor) (noticeKind, error) {
		if err := s.takeCode(ctx, actor, f, code); err != nil {
			return "", err
		}
		if codes, err = s.newRecoveryCodes(ctx, actor); err != nil {
			return "", err
		}
		return noticeCodesRenewed, s.actOnSelf(ctx, actor, "user.recovery_codes_renewed")
	})
	return codes, err
}

// DisableSecondFactor takes the actor's second factor away. The actor has just proved the password.
func (s *Service) DisableSecondFactor(ctx context.Context, actor auth.Actor, code string) error {
	return s.changeFactor(ctx, actor, func(ctx context.Context, f SecondFactor) (noticeKind, error) {
		if err := s.takeCode(ctx, actor, f, code); err != nil {
			return "", err
		}
		if _, err := s.Store.DropSecondFactor(ctx, actor.Account, actor.User); err != nil {
			return "", err
		}
		return noticeFactorDropped, s.noteFactor(ctx, actor, actor.User, nil)
	})
}

// changeFactor runs fn on the actor's second factor, confirmed or not, the zero one when there is none; then it starts
// their count of wrong tries anew and tells them what happened.
func (s *Service) changeFactor(ctx context.Context, actor auth.Actor, fn func(context.Context, SecondFactor) (noticeKind, error)) error {
	login, err := s.ownLogin(ctx, actor)
	if err != nil {
		return err
	}
	return s.Units.InTx(ctx, func(ctx context.Context) error {
		if err := s.Control.LockAccount(ctx, actor.Account); err != nil {
			return err
		}
		f, err := s.Store.SecondFactor(ctx, actor.Account, actor.User)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		what, err := fn(ctx, f)
		if err != nil {
			return err
		}
		if err := s.Control.ForgetAttempts(ctx, emailHash(login.Email)); err != nil {
			return err
		}
		return s.notify(ctx, actor.Account, actor.User, what)
	})
}

// ResetSecondFactor takes another user's second factor away, who has lost it: they are told by mail, and sign in with the
// password alone until they set up another one. It fails with ErrNoFactor.
func (s *Service) ResetSecondFactor(ctx context.Context, actor auth.Actor, user kernel.UserID) error {
	if err := requireAccountWide(actor, auth.UsersWrite); err != nil {
		return err
	}
	if actor.Kind == auth.KindUser && actor.User == user {
		return auth.ErrForbidden.Saying("Your own second factor is disabled with one of its codes: POST /v1/me/second-factor/disable.")
	}
	return s.Units.InTx(ctx, func(ctx context.Context) error {
		if err := s.noteFactor(ctx, actor, user, nil); err != nil {
			return err
		}
		if _, err := s.Store.DropSecondFactor(ctx, actor.Account, user); err != nil {
			return err
		}
		return s.notify(ctx, actor.Account, user, noticeFactorReset)
	})
}

// noteFactor notes on the user since when they have a second factor.
func (s *Service) noteFactor(ctx context.Context, actor auth.Actor, user kernel.UserID, since *time.Time) error {
	_, err := s.changeUser(ctx, actor, user, "updated", loginChange{}, func(u *User) ([]string, error) {
		if u.DeletedAt != nil {
			return nil, ErrNotFound
		}
		if since == nil && u.SecondFactorAt == nil {
			return nil, ErrNoFactor
		}
		u.SecondFactorAt = since
		return []string{"second_factor"}, nil
	})
	return err
}

func (s *Service) newRecoveryCodes(ctx context.Context, actor auth.Actor) ([]string, error) {
	codes, hashes := make([]string, recoveryCodes), make([][]byte, recoveryCodes)
	for i := range codes {
		raw := make([]byte, recoveryBytes)
		_, _ = rand.Read(raw) // never fails: the runtime ends the program instead
		code := strings.ToLower(base32.StdEncoding.EncodeToString(raw))
		hashes[i] = auth.HashSecret(code)
		codes[i] = strings.Join([]string{code[:4], code[4:8], code[8:12], code[12:]}, "-")
	}
	return codes, s.Store.KeepRecoveryCodes(ctx, actor.Account, actor.User, hashes)
}

// tidyCode leaves out what people type between the parts of a code.
func tidyCode(code string) string {
	return strings.ToLower(strings.NewReplacer(" ", "", "-", "", "\u00a0", "").Replace(code))
}

// takeCode takes a code of the app or a recovery code, once. It fails with ErrWrongCode or ErrNoFactor.
func (s *Service) takeCode(ctx context.Context, actor auth.Actor, f SecondFactor, code string) error {
	if f.ConfirmedAt == nil {
		return ErrNoFactor
	}
	code = tidyCode(code)
	right, err := s.takeAppCode(ctx, actor.Account, f, code)
	if right || !errors.Is(err, ErrWrongCode) {
		return err
	}
	right, err = s.Store.SpendRecoveryCode(ctx, actor.Account, f.User, auth.HashSecret(code), s.Now())
	if err != nil {
		return err
	}
	if !right {
		return ErrWrongCode
	}
	if err := s.actOnSelf(ctx, actor, "user.recovery_code_used"); err != nil {
		return err
	}
	return s.notify(ctx, actor.Account, f.User, noticeCodeUsed)
}

func (s *Service) takeAppCode(ctx context.Context, account kernel.AccountID, f SecondFactor, code string) (bool, error) {
	secret, err := s.Ring.Open(sealFactor+f.User.String(), f.Sealed)
	if err != nil {
		return false, err
	}
	step, right := auth.CheckTOTP(secret, code, s.Now(), f.LastStep)
	if right {
		// Of two who send one code at once, one gets in.
		right, err = s.Store.SpendStep(ctx, account, f.User, step)
	}
	if err == nil && !right {
		err = ErrWrongCode
	}
	return right, err
}

// actOnSelf notes what a user did about their own sign-in.
func (s *Service) actOnSelf(ctx context.Context, actor auth.Actor, act string) error {
	return s.Audit.Write(ctx, actor.Account, audit.Act{
		Act: act, Subject: ResourceUser, SubjectID: uuid.UUID(actor.User), Actor: actor, At: s.Now(),
	})
}

// challenge is what a right password is exchanged for when a code is still to come. Nothing is stored: it is sealed, ends
// soon and is spent with the sign-in.
type challenge struct {
	ID      uuid.UUID        `json:"id"`
	Account kernel.AccountID `json:"account"`
	User    kernel.UserID    `json:"user"`
	Version int64            `json:"version"` // of the login: a new password voids it
	Scope   string           `json:"scope"`
	Ends    time.Time        `json:"ends"`
}

func (s *Service) challenge(l Login, scope string) string {
	c := challenge{kernel.NewID[uuid.UUID](), l.Account, l.User, l.TokenVersion, scope, s.Now().Add(challengeTTL)}
	text, _ := json.Marshal(c) // plain fields
	return challengePrefix + base64.RawURLEncoding.EncodeToString(s.Ring.Seal(sealChallenge, text))
}

func (s *Service) openChallenge(token string) (c challenge, ok bool) {
	text, ok := strings.CutPrefix(token, challengePrefix)
	if !ok {
		return c, false
	}
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return c, false
	}
	plain, err := s.Ring.Open(sealChallenge, sealed)
	if err != nil || json.Unmarshal(plain, &c) != nil {
		return c, false
	}
	return c, s.Now().Before(c.Ends)
}

// mfaToken completes the sign-in of someone who has given the right password by a code. A wrong code counts like a wrong
// password.
func (s *Service) mfaToken(ctx context.Context, r TokenRequest) (TokenAnswer, error) {
	if r.MFAToken == "" || r.Code == "" {
		return TokenAnswer{}, ErrOAuthRequest.Saying("mfa_token and code are required.")
	}
	c, ok := s.openChallenge(r.MFAToken)
	if !ok || len(r.Code) > 100 {
		return TokenAnswer{}, ErrOAuthGrant
	}
	login, err := s.Control.Login(ctx, c.Account, c.User)
	if errors.Is(err, ErrNotFound) {
		return TokenAnswer{}, ErrOAuthGrant
	}
	if err != nil {
		return TokenAnswer{}, err
	}
	if login.DisabledAt != nil || login.TokenVersion != c.Version {
		return TokenAnswer{}, ErrOAuthGrant
	}
	if err := s.attempt(ctx, login.Email); err != nil {
		return TokenAnswer{}, err
	}
	if r.Scope, err = narrower(c.Scope, r.Scope); err != nil {
		return TokenAnswer{}, err
	}
	var answer TokenAnswer
	err = s.Units.InTx(ctx, func(ctx context.Context) error {
		if fresh, err := s.Control.SpendOnce(ctx, c.ID, c.Ends); err != nil || !fresh {
			return orElse(err, ErrOAuthGrant)
		}
		f, err := s.Store.SecondFactor(ctx, c.Account, c.User)
		if err != nil {
			return err
		}
		who := auth.Actor{Kind: auth.KindUser, Account: c.Account, User: c.User}
		if err := s.takeCode(ctx, who, f, r.Code); err != nil {
			return err
		}
		answer, err = s.openSession(ctx, login, r)
		return err
	})
	if errors.Is(err, ErrWrongCode) || errors.Is(err, ErrNoFactor) || errors.Is(err, ErrNotFound) {
		return TokenAnswer{}, ErrOAuthGrant.Because(err)
	}
	return answer, err
}
