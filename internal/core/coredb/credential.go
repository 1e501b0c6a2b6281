package coredb

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/rooftop-crm/rooftop/internal/core"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
)

type credentialRow struct {
	ID            kernel.CredentialID `gorm:"primaryKey"`
	Kind          string
	Name          string
	ClientID      *string
	SecretHash    []byte
	SecretHash2   []byte `gorm:"column:secret_hash_2"`
	AccountID     *kernel.AccountID
	PartnerID     *kernel.PartnerID
	Scopes        []auth.Scope          `gorm:"serializer:json"`
	DealershipIDs []kernel.DealershipID `gorm:"column:dealership_ids;serializer:json"`
	Origins       []string              `gorm:"serializer:json"`
	RatePerMinute int
	Test          bool
	TokenVersion  int64
	ExpiresAt     *time.Time
	RevokedAt     *time.Time
	LastUsedAt    *time.Time
	CreatedAt     time.Time `gorm:"autoCreateTime:false"`
}

// TableName is gorm's question.
func (credentialRow) TableName() string { return "credentials" }

// stateRow is a credential with what else decides over it.
type stateRow struct {
	Credential      credentialRow `gorm:"embedded"`
	RequireIfMatch  bool
	PartnerDisabled bool
	TokenRevoked    bool
}

func toCredential(c core.Credential) credentialRow {
	return credentialRow{
		ID: c.ID, Kind: string(c.Kind), Name: c.Name, ClientID: ptr(c.ClientID), SecretHash: c.SecretHash, SecretHash2: c.NextHash,
		AccountID: ptr(c.Account), PartnerID: ptr(c.Partner), Scopes: c.Scopes.List(), DealershipIDs: c.Dealerships,
		Origins: mapped(c.Origins, same), RatePerMinute: c.RatePerMinute, Test: c.Test, TokenVersion: c.TokenVersion,
		ExpiresAt: c.ExpiresAt, RevokedAt: c.RevokedAt, LastUsedAt: c.LastUsedAt, CreatedAt: c.CreatedAt,
	}
}

func fromCredential(r credentialRow) core.Credential {
	return core.Credential{
		ID: r.ID, Kind: auth.ActorKind(r.Kind), Name: r.Name, ClientID: value(r.ClientID), SecretHash: r.SecretHash, NextHash: r.SecretHash2,
		Account: value(r.AccountID), Partner: value(r.PartnerID), Scopes: auth.NewScopeSet(r.Scopes...), Dealerships: r.DealershipIDs,
		Origins: r.Origins, RatePerMinute: r.RatePerMinute, Test: r.Test, TokenVersion: r.TokenVersion,
		ExpiresAt: r.ExpiresAt, RevokedAt: r.RevokedAt, LastUsedAt: r.LastUsedAt, CreatedAt: r.CreatedAt,
	}
}

func fromState(r stateRow) core.CredentialState {
	return core.CredentialState{
		Credential: fromCredential(r.Credential), RequireIfMatch: r.RequireIfMatch, PartnerDisabled: r.PartnerDisabled,
		TokenRevoked: r.TokenRevoked,
	}
}

// ptr makes null of what is not there.
func ptr[T comparable](v T) *T {
	var none T
	if v == none {
		return nil
	}
	return &v
}

func value[T any](p *T) T {
	var none T
	if p == nil {
		return none
	}
	return *p
}

const (
	stateColumns = `credentials.*, coalesce(accounts.require_if_match, false) AS require_if_match,
		partners.disabled_at IS NOT NULL AS partner_disabled,
		EXISTS (SELECT FROM revoked_tokens r WHERE r.id = ?) AS token_revoked`
	stateJoins = `LEFT JOIN accounts ON accounts.id = credentials.account_id LEFT JOIN partners ON partners.id = credentials.partner_id`
)

func (c *Control) state(ctx context.Context, token uuid.UUID) *gorm.DB {
	return c.db.Control(ctx).Table("credentials").Select(stateColumns, token).Joins(stateJoins)
}

// CredentialByID implements core.ControlStore.
func (c *Control) CredentialByID(ctx context.Context, id kernel.CredentialID, token uuid.UUID) (core.CredentialState, error) {
	return take(c.state(ctx, token).Where("credentials.id = ?", id), "credential", fromState)
}

// CredentialByClient implements core.ControlStore.
func (c *Control) CredentialByClient(ctx context.Context, clientID string) (core.CredentialState, error) {
	return take(c.state(ctx, uuid.Nil).Where("credentials.client_id = ?", clientID), "credential", fromState)
}

// CredentialBySecret implements core.ControlStore.
func (c *Control) CredentialBySecret(ctx context.Context, hash []byte) (core.CredentialState, error) {
	q := c.state(ctx, uuid.Nil).Where("credentials.secret_hash = ? OR credentials.secret_hash_2 = ?", hash, hash)
	return take(q, "credential", fromState)
}

// InsertCredential implements core.ControlStore.
func (c *Control) InsertCredential(ctx context.Context, cr core.Credential) error {
	row := toCredential(cr)
	if err := c.db.Control(ctx).Create(&row).Error; err != nil {
		return fmt.Errorf("insert credential: %w", err)
	}
	return nil
}

// UpdateCredential implements core.ControlStore.
func (c *Control) UpdateCredential(ctx context.Context, id kernel.CredentialID, change func(*core.Credential)) error {
	query := func() *gorm.DB { return c.db.Control(ctx).Model(&credentialRow{}).Where("id = ?", id) }
	_, err := update(query, "credential", fromCredential, toCredential, func(cr *core.Credential) (bool, error) {
		change(cr)
		return true, nil
	})
	return err
}

const revokeClients = `UPDATE credentials SET revoked_at = $2, token_version = token_version + 1 WHERE partner_id = $1 AND revoked_at IS NULL`

// RevokeClients implements core.ControlStore.
func (c *Control) RevokeClients(ctx context.Context, partner kernel.PartnerID, at time.Time) error {
	if _, err := c.db.ExecControl(ctx, revokeClients, partner, at); err != nil {
		return fmt.Errorf("revoke a partner's credentials: %w", err)
	}
	return nil
}

const touch = `UPDATE credentials SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)`

// Touch implements core.ControlStore.
func (c *Control) Touch(ctx context.Context, id kernel.CredentialID, at time.Time) error {
	if _, err := c.db.ExecControl(ctx, touch, id, at); err != nil {
		return fmt.Errorf("note the use of a credential: %w", err)
	}
	return nil
}

// OriginKnown implements core.ControlStore.
func (c *Control) OriginKnown(ctx context.Context, origin string, at time.Time) (bool, error) {
	var known bool
	err := c.db.QueryRowControl(ctx, `SELECT EXISTS (SELECT FROM credentials WHERE kind = 'site_key' AND origins @> jsonb_build_array($1::text)
		AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2))`, []any{origin, at}, &known)
	if err != nil {
		return false, fmt.Errorf("look for an origin: %w", err)
	}
	return known, nil
}
