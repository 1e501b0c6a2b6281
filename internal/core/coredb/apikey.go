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
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

type apiKeyRow struct {
	AccountID     kernel.AccountID    `gorm:"primaryKey"`
	ID            kernel.CredentialID `gorm:"primaryKey"`
	Version       int64
	Kind          string
	Name          string
	Prefix        string
	NextPrefix    string
	ClientID      string
	Scopes        []auth.Scope          `gorm:"serializer:json"`
	DealershipIDs []kernel.DealershipID `gorm:"column:dealership_ids;serializer:json"`
	Origins       []string              `gorm:"serializer:json"`
	RatePerMinute int
	Test          bool
	CreatedBy     *kernel.UserID
	ExpiresAt     *time.Time
	RevokedAt     *time.Time
	CreatedAt     time.Time `gorm:"autoCreateTime:false"`
	UpdatedAt     time.Time `gorm:"autoUpdateTime:false"`
}

// TableName is gorm's question.
func (apiKeyRow) TableName() string { return "api_keys" }

func toAPIKey(account kernel.AccountID) func(core.APIKey) apiKeyRow {
	return func(k core.APIKey) apiKeyRow {
		return apiKeyRow{
			AccountID: account, ID: k.ID, Version: k.Version, Kind: string(k.Kind), Name: k.Name, Prefix: k.Prefix, NextPrefix: k.NextPrefix,
			ClientID: k.ClientID, Scopes: k.Scopes.List(), DealershipIDs: k.Dealerships, Origins: mapped(k.Origins, same),
			RatePerMinute: k.RatePerMinute, Test: k.Test, CreatedBy: k.CreatedBy, ExpiresAt: k.ExpiresAt, RevokedAt: k.RevokedAt,
			CreatedAt: k.CreatedAt, UpdatedAt: k.UpdatedAt,
		}
	}
}

func fromAPIKey(r apiKeyRow) core.APIKey {
	return core.APIKey{
		ID: r.ID, Version: r.Version, Kind: auth.ActorKind(r.Kind), Prefix: r.Prefix, NextPrefix: r.NextPrefix, ClientID: r.ClientID,
		Test: r.Test, CreatedBy: r.CreatedBy, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, RevokedAt: r.RevokedAt,
		APIKeyDetails: core.APIKeyDetails{
			Name: r.Name, Scopes: auth.NewScopeSet(r.Scopes...), Dealerships: r.DealershipIDs, Origins: r.Origins,
			RatePerMinute: r.RatePerMinute, ExpiresAt: r.ExpiresAt,
		},
	}
}

func (s *Store) apiKeys(ctx context.Context, account kernel.AccountID) *gorm.DB {
	return s.db.Conn(ctx, account).Model(&apiKeyRow{}).Where("account_id = ?", account)
}

// InsertAPIKey implements core.Store.
func (s *Store) InsertAPIKey(ctx context.Context, account kernel.AccountID, k core.APIKey) error {
	row := toAPIKey(account)(k)
	if err := s.db.Conn(ctx, account).Create(&row).Error; err != nil {
		return fmt.Errorf("insert key: %w", err)
	}
	return nil
}

// APIKey implements core.Store.
func (s *Store) APIKey(ctx context.Context, account kernel.AccountID, id kernel.CredentialID) (core.APIKey, error) {
	k, err := take(s.apiKeys(ctx, account).Where("id = ?", id), "key", fromAPIKey)
	if err != nil {
		return k, err
	}
	keys := []core.APIKey{k}
	err = s.addUse(ctx, account, keys)
	return keys[0], err
}

// APIKeys implements core.Store.
func (s *Store) APIKeys(ctx context.Context, account kernel.AccountID, ids []kernel.CredentialID) ([]core.APIKey, error) {
	keys, err := find(s.apiKeys(ctx, account).Where("id IN ?", ids), "keys", fromAPIKey)
	if err != nil {
		return nil, err
	}
	return keys, s.addUse(ctx, account, keys)
}

// APIKeysByID implements core.Store.
func (s *Store) APIKeysByID(ctx context.Context, account kernel.AccountID, after uuid.UUID, limit int) ([]core.APIKey, error) {
	keys, err := find(s.apiKeys(ctx, account).Where("id > ?", after).Order("id").Limit(limit), "keys", fromAPIKey)
	if err != nil {
		return nil, err
	}
	return keys, s.addUse(ctx, account, keys)
}

// ListAPIKeys implements core.Store.
func (s *Store) ListAPIKeys(ctx context.Context, account kernel.AccountID, f core.APIKeyFilter, p page.Request) (page.Of[core.APIKey], error) {
	filtered := func() *gorm.DB {
		q := s.apiKeys(ctx, account).Where("revoked_at IS NULL")
		if f.Kind != "" {
			q = q.Where("kind = ?", string(f.Kind))
		}
		return q
	}
	out, err := list(filtered, p, "keys", fromAPIKey, func(k core.APIKey) page.Key { return k.PageKey(p.Sort) })
	if err != nil {
		return out, err
	}
	return out, s.addUse(ctx, account, out.Items)
}

// addUse looks up when the keys were last used, which is known where they are presented.
func (s *Store) addUse(ctx context.Context, account kernel.AccountID, keys []core.APIKey) error {
	if len(keys) == 0 {
		return nil
	}
	var uses []struct {
		ID         kernel.CredentialID
		LastUsedAt *time.Time
	}
	ids := mapped(keys, func(k core.APIKey) kernel.CredentialID { return k.ID })
	err := s.db.Conn(ctx, account).Model(&credentialRow{}).Select("id", "last_used_at").
		Where("account_id = ? AND id IN ?", account, ids).Find(&uses).Error
	if err != nil {
		return fmt.Errorf("read the use of keys: %w", err)
	}
	for i := range keys {
		for _, u := range uses {
			if u.ID == keys[i].ID {
				keys[i].LastUsedAt = u.LastUsedAt
			}
		}
	}
	return nil
}

// APIKeysMadeBy implements core.Store.
func (s *Store) APIKeysMadeBy(ctx context.Context, account kernel.AccountID, user kernel.UserID) ([]core.APIKey, error) {
	const most = 200
	q := s.apiKeys(ctx, account).Where("created_by = ? AND revoked_at IS NULL", user)
	keys, err := find(q.Order("created_at DESC, id DESC").Limit(most), "keys", fromAPIKey)
	if err != nil {
		return nil, err
	}
	return keys, s.addUse(ctx, account, keys)
}

// UpdateAPIKey implements core.Store.
func (s *Store) UpdateAPIKey(
	ctx context.Context, account kernel.AccountID, id kernel.CredentialID, change func(*core.APIKey) (bool, error),
) (core.APIKey, error) {
	query := func() *gorm.DB { return s.apiKeys(ctx, account).Where("id = ?", id) }
	return update(query, "key", fromAPIKey, toAPIKey(account), change)
}
