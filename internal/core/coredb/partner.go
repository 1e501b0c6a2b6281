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
	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

type partnerRow struct {
	ID         kernel.PartnerID `gorm:"primaryKey"`
	Name       string
	Code       string
	DisabledAt *time.Time
	CreatedAt  time.Time `gorm:"autoCreateTime:false"`
	UpdatedAt  time.Time `gorm:"autoUpdateTime:false"`
}

// TableName is gorm's question.
func (partnerRow) TableName() string { return "partners" }

func fromPartner(r partnerRow) core.Partner { return core.Partner(r) }

// InsertPartner implements core.ControlStore.
func (c *Control) InsertPartner(ctx context.Context, p core.Partner) error {
	row := partnerRow(p)
	err := c.db.Control(ctx).Create(&row).Error
	if db.Violates(err, "partners_code_key") {
		return core.ErrPartnerCodeTaken.Because(err)
	}
	if err != nil {
		return fmt.Errorf("insert partner: %w", err)
	}
	return nil
}

// Partner implements core.ControlStore.
func (c *Control) Partner(ctx context.Context, id kernel.PartnerID) (core.Partner, error) {
	return take(c.db.Control(ctx).Model(&partnerRow{}).Where("id = ?", id), "partner", fromPartner)
}

// PartnerByCode implements core.ControlStore.
func (c *Control) PartnerByCode(ctx context.Context, code string) (core.Partner, error) {
	return take(c.db.Control(ctx).Model(&partnerRow{}).Where("code = ?", code), "partner", fromPartner)
}

type grantRow struct {
	ID           kernel.GrantID `gorm:"primaryKey"`
	Version      int64
	PartnerID    kernel.PartnerID
	AccountID    kernel.AccountID
	DealershipID kernel.DealershipID
	DealerCode   string
	Scopes       []auth.Scope `gorm:"serializer:json"`
	ExpiresAt    *time.Time
	RevokedAt    *time.Time
	CreatedAt    time.Time `gorm:"autoCreateTime:false"`
	UpdatedAt    time.Time `gorm:"autoUpdateTime:false"`

	Partner partnerRow `gorm:"foreignKey:PartnerID"` // read only
}

// TableName is gorm's question.
func (grantRow) TableName() string { return "grants" }

func toGrant(account kernel.AccountID) func(core.Grant) grantRow {
	return func(g core.Grant) grantRow {
		return grantRow{
			ID: g.ID, Version: g.Version, PartnerID: g.Partner, AccountID: account, DealershipID: g.Dealership, DealerCode: g.DealerCode,
			Scopes: g.Scopes.List(), ExpiresAt: g.ExpiresAt, RevokedAt: g.RevokedAt, CreatedAt: g.CreatedAt, UpdatedAt: g.UpdatedAt,
		}
	}
}

func fromGrant(r grantRow) core.Grant {
	return core.Grant{
		ID: r.ID, Version: r.Version, Partner: r.PartnerID, PartnerCode: r.Partner.Code, PartnerName: r.Partner.Name,
		Dealership: r.DealershipID, DealerCode: r.DealerCode, Scopes: auth.NewScopeSet(r.Scopes...),
		ExpiresAt: r.ExpiresAt, RevokedAt: r.RevokedAt, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
}

func (c *Control) grants(ctx context.Context, account kernel.AccountID) *gorm.DB {
	return c.db.Control(ctx).Model(&grantRow{}).Where("account_id = ?", account)
}

// InsertGrant implements core.ControlStore.
func (c *Control) InsertGrant(ctx context.Context, account kernel.AccountID, g core.Grant) error {
	row := toGrant(account)(g)
	err := c.db.Control(ctx).Omit("Partner").Create(&row).Error
	if db.Violates(err, "grants_dealer_code_key") {
		return core.ErrDealerCodeTaken.Because(err)
	}
	if err != nil {
		return fmt.Errorf("insert grant: %w", err)
	}
	return nil
}

// Grant implements core.ControlStore.
func (c *Control) Grant(ctx context.Context, account kernel.AccountID, id kernel.GrantID) (core.Grant, error) {
	return take(c.grants(ctx, account).Preload("Partner").Where("id = ?", id), "grant", fromGrant)
}

// Grants implements core.ControlStore.
func (c *Control) Grants(ctx context.Context, account kernel.AccountID, ids []kernel.GrantID) ([]core.Grant, error) {
	return find(c.grants(ctx, account).Preload("Partner").Where("id IN ?", ids), "grants", fromGrant)
}

// GrantsByID implements core.ControlStore.
func (c *Control) GrantsByID(ctx context.Context, account kernel.AccountID, after uuid.UUID, limit int) ([]core.Grant, error) {
	return find(c.grants(ctx, account).Preload("Partner").Where("id > ?", after).Order("id").Limit(limit), "grants", fromGrant)
}

// ListGrants implements core.ControlStore.
func (c *Control) ListGrants(ctx context.Context, account kernel.AccountID, f core.GrantFilter, p page.Request) (page.Of[core.Grant], error) {
	filtered := func() *gorm.DB {
		q := c.grants(ctx, account).Preload("Partner").Where("revoked_at IS NULL")
		if f.Only != nil {
			q = q.Where("dealership_id IN ?", f.Only)
		}
		if !f.Dealership.IsZero() {
			q = q.Where("dealership_id = ?", f.Dealership)
		}
		if f.PartnerCode != "" {
			q = q.Where("partner_id = (SELECT p.id FROM partners p WHERE p.code = ?)", f.PartnerCode)
		}
		return q
	}
	return list(filtered, p, "grants", fromGrant, func(g core.Grant) page.Key { return g.PageKey(p.Sort) })
}

// UpdateGrant implements core.ControlStore.
func (c *Control) UpdateGrant(
	ctx context.Context, account kernel.AccountID, id kernel.GrantID, change func(*core.Grant) (bool, error),
) (core.Grant, error) {
	query := func() *gorm.DB { return c.grants(ctx, account).Omit("Partner").Where("id = ?", id) }
	return update(query, "grant", fromGrant, toGrant(account), change)
}

// ExpiredGrant implements core.ControlStore.
func (c *Control) ExpiredGrant(
	ctx context.Context, account kernel.AccountID, partner kernel.PartnerID, code string, at time.Time,
) (kernel.GrantID, error) {
	q := c.grants(ctx, account).Where("partner_id = ? AND dealer_code = ? AND revoked_at IS NULL AND expires_at <= ?", partner, code, at)
	return take(q, "grant", func(r grantRow) kernel.GrantID { return r.ID })
}

// ActiveGrants implements core.ControlStore.
func (c *Control) ActiveGrants(ctx context.Context, partner kernel.PartnerID, code string, at time.Time) ([]core.PartnerGrant, error) {
	q := c.db.Control(ctx).Model(&grantRow{}).
		Where("partner_id = ? AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)", partner, at)
	if code != "" {
		q = q.Where("dealer_code = ?", code)
	}
	return find(q.Order("id"), "grants of a partner", func(r grantRow) core.PartnerGrant {
		return core.PartnerGrant{
			ID: r.ID, Account: r.AccountID, Dealership: r.DealershipID, DealerCode: r.DealerCode,
			Scopes: auth.NewScopeSet(r.Scopes...), ExpiresAt: r.ExpiresAt,
		}
	})
}
