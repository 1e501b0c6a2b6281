package coredb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/rooftop-crm/rooftop/internal/core"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
)

type loginRow struct {
	Email        string `gorm:"primaryKey"`
	AccountID    kernel.AccountID
	UserID       kernel.UserID
	PasswordHash string
	TokenVersion int64
	DisabledAt   *time.Time
	UpdatedAt    time.Time `gorm:"autoUpdateTime:false"`
}

// TableName is gorm's question.
func (loginRow) TableName() string { return "logins" }

func fromLogin(r loginRow) core.Login {
	return core.Login{
		Email: r.Email, Account: r.AccountID, User: r.UserID, PasswordHash: r.PasswordHash, TokenVersion: r.TokenVersion,
		DisabledAt: r.DisabledAt, UpdatedAt: r.UpdatedAt,
	}
}

func toLogin(l core.Login) loginRow {
	return loginRow{
		Email: l.Email, AccountID: l.Account, UserID: l.User, PasswordHash: l.PasswordHash, TokenVersion: l.TokenVersion,
		DisabledAt: l.DisabledAt, UpdatedAt: l.UpdatedAt,
	}
}

func (c *Control) login(ctx context.Context, account kernel.AccountID, user kernel.UserID) *gorm.DB {
	return c.db.Control(ctx).Model(&loginRow{}).Where("account_id = ? AND user_id = ?", account, user)
}

// InsertLogin implements core.ControlStore.
func (c *Control) InsertLogin(ctx context.Context, l core.Login) error {
	row := toLogin(l)
	return loginError(c.db.Control(ctx).Create(&row).Error)
}

func loginError(err error) error {
	if db.Violates(err, "logins_pkey") {
		return core.ErrEmailTaken.Because(err)
	}
	if err != nil {
		return fmt.Errorf("write login: %w", err)
	}
	return nil
}

// LoginByEmail implements core.ControlStore.
func (c *Control) LoginByEmail(ctx context.Context, email string) (core.Login, error) {
	return take(c.db.Control(ctx).Model(&loginRow{}).Where("email = ?", email), "login", fromLogin)
}

// Login implements core.ControlStore.
func (c *Control) Login(ctx context.Context, account kernel.AccountID, user kernel.UserID) (core.Login, error) {
	return take(c.login(ctx, account, user), "login", fromLogin)
}

// UpdateLogin implements core.ControlStore.
func (c *Control) UpdateLogin(ctx context.Context, account kernel.AccountID, user kernel.UserID, change func(*core.Login)) (core.Login, error) {
	query := func() *gorm.DB { return c.login(ctx, account, user) }
	l, err := update(query, "login", fromLogin, toLogin, func(l *core.Login) (bool, error) {
		change(l)
		return true, nil
	})
	if db.Violates(err, "logins_pkey") {
		return l, core.ErrEmailTaken.Because(err)
	}
	return l, err
}

type throttleRow struct {
	EmailHash     []byte `gorm:"primaryKey"`
	Failures      int
	LastFailureAt time.Time
	LockedUntil   time.Time
}

// TableName is gorm's question.
func (throttleRow) TableName() string { return "login_throttles" }

// insertThrottle leaves the row there and locked, also when somebody who has just signed in is forgetting it.
const insertThrottle = `INSERT INTO login_throttles (email_hash, failures, last_failure_at, locked_until)
	VALUES ($1, 0, $2, $2) ON CONFLICT (email_hash) DO UPDATE SET failures = login_throttles.failures`

// Attempt implements core.ControlStore.
func (c *Control) Attempt(ctx context.Context, emailHash []byte, at time.Time) (lockedUntil time.Time, err error) {
	err = c.db.InTx(ctx, func(ctx context.Context) error {
		lockedUntil = time.Time{}
		if err := c.db.QueueControl(ctx, insertThrottle, []any{emailHash, at}, nil, nil); err != nil {
			return err
		}
		query := func() *gorm.DB {
			return c.db.Control(ctx).Model(&throttleRow{}).Where("email_hash = ?", emailHash)
		}
		r, err := take(query().Clauses(rowLock()), "sign-in attempts", same[throttleRow])
		if err != nil {
			return err
		}
		if r.LockedUntil.After(at) {
			lockedUntil = r.LockedUntil
			return nil
		}
		r.Failures = core.FailuresAt(r.Failures, r.LastFailureAt, at)
		r.LastFailureAt, r.LockedUntil = at, at.Add(core.LockAfter(r.Failures))
		return query().Select("*").Updates(&r).Error
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("count a sign-in attempt: %w", err)
	}
	return lockedUntil, nil
}

// ForgetAttempts implements core.ControlStore.
func (c *Control) ForgetAttempts(ctx context.Context, emailHash []byte) error {
	if err := c.db.Control(ctx).Where("email_hash = ?", emailHash).Delete(&throttleRow{}).Error; err != nil {
		return fmt.Errorf("forget sign-in attempts: %w", err)
	}
	return nil
}

// PurgeAttempts implements core.ControlStore.
func (c *Control) PurgeAttempts(ctx context.Context, before time.Time) error {
	if err := c.db.Control(ctx).Where("last_failure_at < ?", before).Delete(&throttleRow{}).Error; err != nil {
		return fmt.Errorf("purge sign-in attempts: %w", err)
	}
	return nil
}

const userState = `SELECT u.id, u.email, u.first_name, u.last_name, u.roles, u.disabled_at, u.deleted_at,
		l.token_version, l.disabled_at IS NOT NULL, a.require_if_match,
		EXISTS (SELECT FROM revoked_tokens r WHERE r.id IN ($3, $4)),
		a.require_second_factor AND u.second_factor_at IS NULL
	FROM users u
	JOIN logins l ON l.account_id = u.account_id AND l.user_id = u.id
	JOIN accounts a ON a.id = u.account_id
	WHERE u.account_id = $1 AND u.id = $2`

// UserState implements core.ControlStore.
func (c *Control) UserState(ctx context.Context, account kernel.AccountID, user kernel.UserID, token, session uuid.UUID) (core.UserState, error) {
	var u core.UserState
	err := c.db.QueryRow(ctx, account, userState, []any{account, user, token, session},
		&u.ID, &u.Email, &u.FirstName, &u.LastName, &u.Roles, &u.DisabledAt, &u.DeletedAt,
		&u.TokenVersion, &u.LoginDisabled, &u.RequireIfMatch, &u.TokenRevoked, &u.FactorMissing)
	u.Disabled = u.DisabledAt != nil
	if errors.Is(err, db.ErrNoRows) || errors.Is(err, db.ErrNoTenant) {
		return u, core.ErrNotFound
	}
	if err != nil {
		return u, fmt.Errorf("read the state of a user: %w", err)
	}
	return u, nil
}
