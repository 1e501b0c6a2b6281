package coredb

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/rooftop-crm/rooftop/internal/core"
	"github.com/rooftop-crm/rooftop/internal/kernel"
)

type accountRow struct {
	ID                  kernel.AccountID `gorm:"primaryKey"`
	Version             int64
	Name                string
	Country             string
	Language            string
	TimeZone            string
	Currency            string
	RequireIfMatch      bool
	RequireSecondFactor bool
	CustomSchemas       map[string]any `gorm:"serializer:json"`
	CreatedAt           time.Time      `gorm:"autoCreateTime:false"`
	UpdatedAt           time.Time      `gorm:"autoUpdateTime:false"`
}

// TableName is gorm's question.
func (accountRow) TableName() string { return "accounts" }

func toAccount(a core.Account) accountRow {
	return accountRow{
		ID: a.ID, Version: a.Version, Name: a.Name, Country: a.Country, Language: a.Language, TimeZone: a.TimeZone,
		Currency: a.Currency, RequireIfMatch: a.RequireIfMatch, RequireSecondFactor: a.RequireSecondFactor, CustomSchemas: object(a.CustomSchemas),
		CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt,
	}
}

func fromAccount(r accountRow) core.Account {
	return core.Account{
		ID: r.ID, Version: r.Version, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
		AccountDetails: core.AccountDetails{
			Name: r.Name, Country: r.Country, Language: r.Language, TimeZone: r.TimeZone, Currency: r.Currency,
			RequireIfMatch: r.RequireIfMatch, RequireSecondFactor: r.RequireSecondFactor, CustomSchemas: r.CustomSchemas,
		},
	}
}

func (c *Control) account(ctx context.Context, id kernel.AccountID) *gorm.DB {
	return c.db.Control(ctx).Model(&accountRow{}).Where("id = ?", id)
}

// Empty implements core.ControlStore.
func (c *Control) Empty(ctx context.Context) (bool, error) {
	var empty bool
	if err := c.db.QueryRowControl(ctx, `SELECT NOT EXISTS (SELECT FROM accounts)`, nil, &empty); err != nil {
		return false, fmt.Errorf("look for an account: %w", err)
	}
	return empty, nil
}

// InsertAccount implements core.ControlStore.
func (c *Control) InsertAccount(ctx context.Context, a core.Account) error {
	row := toAccount(a)
	if err := c.db.Control(ctx).Create(&row).Error; err != nil {
		return fmt.Errorf("insert account: %w", err)
	}
	return nil
}

// Account implements core.ControlStore.
func (c *Control) Account(ctx context.Context, id kernel.AccountID) (core.Account, error) {
	return take(c.account(ctx, id), "account", fromAccount)
}

// UpdateAccount implements core.ControlStore.
func (c *Control) UpdateAccount(ctx context.Context, id kernel.AccountID, change func(*core.Account) (bool, error)) (core.Account, error) {
	return update(func() *gorm.DB { return c.account(ctx, id) }, "account", fromAccount, toAccount, change)
}

// LockAccount implements core.ControlStore.
func (c *Control) LockAccount(ctx context.Context, id kernel.AccountID) error {
	_, err := take(c.account(ctx, id).Clauses(rowLock()), "account", fromAccount)
	return err
}
