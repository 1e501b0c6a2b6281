package coredb

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/rooftop-crm/rooftop/internal/core"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
)

// rowLock holds off whoever would change the row, but not whoever refers to it.
func rowLock() clause.Locking { return clause.Locking{Strength: "NO KEY UPDATE"} }

type refreshRow struct {
	TokenHash     []byte `gorm:"primaryKey"`
	FamilyID      uuid.UUID
	AccountID     kernel.AccountID
	UserID        kernel.UserID
	TokenVersion  int64
	Scope         *string
	Successor     []byte
	IssuedAt      time.Time
	IdleExpiresAt time.Time
	ExpiresAt     time.Time
	UsedAt        *time.Time
	RevokedAt     *time.Time
	UserAgent     string
}

// TableName is gorm's question.
func (refreshRow) TableName() string { return "refresh_tokens" }

func fromRefresh(r refreshRow) core.Refresh {
	return core.Refresh{
		Hash: r.TokenHash, Family: r.FamilyID, Account: r.AccountID, User: r.UserID, TokenVersion: r.TokenVersion,
		Scope: value(r.Scope), Successor: r.Successor, IssuedAt: r.IssuedAt, IdleExpiresAt: r.IdleExpiresAt, ExpiresAt: r.ExpiresAt,
		UsedAt: r.UsedAt, RevokedAt: r.RevokedAt, UserAgent: r.UserAgent,
	}
}

// InsertRefresh implements core.ControlStore.
func (c *Control) InsertRefresh(ctx context.Context, r core.Refresh) error {
	row := refreshRow{
		TokenHash: r.Hash, FamilyID: r.Family, AccountID: r.Account, UserID: r.User, TokenVersion: r.TokenVersion,
		Scope: ptr(r.Scope), IssuedAt: r.IssuedAt, IdleExpiresAt: r.IdleExpiresAt, ExpiresAt: r.ExpiresAt, UserAgent: r.UserAgent,
	}
	if err := c.db.Control(ctx).Create(&row).Error; err != nil {
		return fmt.Errorf("insert refresh token: %w", err)
	}
	return c.keepSession(ctx, r)
}

func (c *Control) refresh(ctx context.Context, hash []byte) *gorm.DB {
	return c.db.Control(ctx).Model(&refreshRow{}).Where("token_hash = ?", hash)
}

const lockFamily = `SELECT pg_advisory_xact_lock(hashtextextended('refresh family ' || $1::text, 0))`

// Refresh implements core.ControlStore. It locks the whole family: while one token of it is replaced, another one must
// not end the session without seeing the replacement.
func (c *Control) Refresh(ctx context.Context, hash []byte) (core.Refresh, error) {
	r, err := take(c.refresh(ctx, hash), "refresh token", fromRefresh)
	if err != nil {
		return r, err
	}
	if err := c.db.QueueControl(ctx, lockFamily, []any{r.Family.String()}, nil, nil); err != nil {
		return r, err
	}
	return take(c.refresh(ctx, hash), "refresh token", fromRefresh)
}

// SpendRefresh implements core.ControlStore.
func (c *Control) SpendRefresh(ctx context.Context, hash, successor []byte, at time.Time) error {
	err := c.refresh(ctx, hash).Updates(map[string]any{"successor": successor, "used_at": at}).Error
	if err != nil {
		return fmt.Errorf("replace a refresh token: %w", err)
	}
	return nil
}

// RevokeFamily implements core.ControlStore.
func (c *Control) RevokeFamily(ctx context.Context, account kernel.AccountID, family uuid.UUID, at, tokensEnd time.Time) error {
	if err := c.db.QueueControl(ctx, lockFamily, []any{family.String()}, nil, nil); err != nil {
		return err
	}
	err := c.db.Control(ctx).Model(&refreshRow{}).Where("family_id = ? AND revoked_at IS NULL", family).
		Updates(map[string]any{"revoked_at": at, "successor": nil}).Error
	if err != nil {
		return fmt.Errorf("end a session: %w", err)
	}
	if err := c.db.Queue(ctx, account, endSession, []any{account, family, at}, nil, nil); err != nil {
		return err
	}
	return c.RevokeToken(ctx, family, tokensEnd)
}

const revokeToken = `INSERT INTO revoked_tokens (id, expires_at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING`

// RevokeToken implements core.ControlStore.
func (c *Control) RevokeToken(ctx context.Context, id uuid.UUID, end time.Time) error {
	if _, err := c.db.ExecControl(ctx, revokeToken, id, end); err != nil {
		return fmt.Errorf("revoke a token: %w", err)
	}
	return nil
}

// SpendOnce implements core.ControlStore.
func (c *Control) SpendOnce(ctx context.Context, id uuid.UUID, end time.Time) (bool, error) {
	n, err := c.db.ExecControl(ctx, revokeToken, id, end)
	if err != nil {
		return false, fmt.Errorf("spend a token: %w", err)
	}
	return n == 1, nil
}

// PurgeTokens implements core.ControlStore.
func (c *Control) PurgeTokens(ctx context.Context, before time.Time) error {
	for _, sql := range []string{purgeRevoked, purgeRefresh} {
		for n := int64(purgeAtOnce); n == purgeAtOnce; {
			var err error
			if n, err = c.db.ExecControl(ctx, sql, before, purgeAtOnce); err != nil {
				return fmt.Errorf("purge tokens: %w", err)
			}
		}
	}
	return nil
}

// purgeAtOnce is how many tokens one statement drops, so that none runs long. What another process is dropping is left to it.
const purgeAtOnce = 2000

const (
	purgeRevoked = `DELETE FROM revoked_tokens WHERE id = ANY (ARRAY(
		SELECT id FROM revoked_tokens WHERE expires_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))`
	purgeRefresh = `DELETE FROM refresh_tokens WHERE token_hash = ANY (ARRAY(
		SELECT token_hash FROM refresh_tokens WHERE least(expires_at, idle_expires_at) < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))`
)

type signingKeyRow struct {
	KID        string `gorm:"column:kid;primaryKey"`
	Algorithm  string
	PublicKey  []byte
	WrappedKey []byte
	CreatedAt  time.Time `gorm:"autoCreateTime:false"`
	SignsFrom  time.Time
	RetiredAt  *time.Time
}

// TableName is gorm's question.
func (signingKeyRow) TableName() string { return "signing_keys" }

func fromSigningKey(r signingKeyRow) auth.SigningKey {
	return auth.SigningKey{
		ID: r.KID, Algorithm: r.Algorithm, Public: r.PublicKey, Wrapped: r.WrappedKey, CreatedAt: r.CreatedAt,
		SignsFrom: r.SignsFrom, RetiredAt: r.RetiredAt,
	}
}

// SigningKeys implements auth.KeyStore.
func (c *Control) SigningKeys(ctx context.Context, at time.Time) ([]auth.SigningKey, error) {
	q := c.db.Control(ctx).Model(&signingKeyRow{}).Where("retired_at IS NULL OR retired_at > ?", at)
	return find(q.Order("signs_from, kid"), "signing keys", fromSigningKey)
}

const lockSigningKeys = `SELECT pg_advisory_xact_lock(hashtextextended('rooftop.signing_keys', 0))`

// ReplaceSigningKey implements auth.KeyStore.
func (c *Control) ReplaceSigningKey(
	ctx context.Context, at time.Time, decide func(now []auth.SigningKey) (next *auth.SigningKey, retireAt time.Time),
) error {
	return c.db.InTx(ctx, func(ctx context.Context) error {
		// Sent before the look: whoever waited sees what the one before it made.
		if err := c.db.QueueControl(ctx, lockSigningKeys, nil, nil, nil); err != nil {
			return err
		}
		existing, err := c.SigningKeys(ctx, at)
		if err != nil {
			return err
		}
		next, retireAt := decide(existing)
		if next == nil {
			return nil
		}
		err = c.db.Control(ctx).Model(&signingKeyRow{}).Where("retired_at IS NULL").Update("retired_at", retireAt).Error
		if err != nil {
			return fmt.Errorf("retire signing keys: %w", err)
		}
		row := signingKeyRow{
			KID: next.ID, Algorithm: next.Algorithm, PublicKey: next.Public, WrappedKey: next.Wrapped,
			CreatedAt: next.CreatedAt, SignsFrom: next.SignsFrom,
		}
		if err := c.db.Control(ctx).Create(&row).Error; err != nil {
			return fmt.Errorf("insert signing key: %w", err)
		}
		return nil
	})
}
