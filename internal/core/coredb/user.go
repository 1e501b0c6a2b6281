package coredb

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/rooftop-crm/rooftop/internal/core"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

type userRow struct {
	AccountID      kernel.AccountID `gorm:"primaryKey"`
	ID             kernel.UserID    `gorm:"primaryKey"`
	Version        int64
	Email          string
	FirstName      string
	LastName       string
	Language       string
	Roles          []core.RoleAt `gorm:"serializer:json"`
	DisabledAt     *time.Time
	SecondFactorAt *time.Time
	InvitedAt      *time.Time
	CreatedAt      time.Time `gorm:"autoCreateTime:false"`
	UpdatedAt      time.Time `gorm:"autoUpdateTime:false"`
	DeletedAt      *time.Time
}

// TableName is gorm's question.
func (userRow) TableName() string { return "users" }

func toUser(account kernel.AccountID) func(core.User) userRow {
	return func(u core.User) userRow {
		return userRow{
			AccountID: account, ID: u.ID, Version: u.Version, Email: u.Email, FirstName: u.FirstName, LastName: u.LastName,
			Language: u.Language, Roles: mapped(u.Roles, same), DisabledAt: u.DisabledAt,
			SecondFactorAt: u.SecondFactorAt, InvitedAt: u.InvitedAt,
			CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt, DeletedAt: u.DeletedAt,
		}
	}
}

func fromUser(r userRow) core.User {
	return core.User{
		ID: r.ID, Version: r.Version, DisabledAt: r.DisabledAt, SecondFactorAt: r.SecondFactorAt, InvitedAt: r.InvitedAt, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, DeletedAt: r.DeletedAt,
		UserDetails: core.UserDetails{
			Email: r.Email, FirstName: r.FirstName, LastName: r.LastName, Language: r.Language, Roles: r.Roles,
			Disabled: r.DisabledAt != nil,
		},
	}
}

func (s *Store) users(ctx context.Context, account kernel.AccountID) *gorm.DB {
	return s.db.Conn(ctx, account).Model(&userRow{}).Where("account_id = ?", account)
}

// InsertUser implements core.Store.
func (s *Store) InsertUser(ctx context.Context, account kernel.AccountID, u core.User) error {
	row := toUser(account)(u)
	if err := s.db.Conn(ctx, account).Create(&row).Error; err != nil {
		return fmt.Errorf("insert user: %w", err)
	}
	return nil
}

// User implements core.Store.
func (s *Store) User(ctx context.Context, account kernel.AccountID, id kernel.UserID) (core.User, error) {
	return take(s.users(ctx, account).Where("id = ?", id), "user", fromUser)
}

// Users implements core.Store.
func (s *Store) Users(ctx context.Context, account kernel.AccountID, ids []kernel.UserID) ([]core.User, error) {
	return find(s.users(ctx, account).Where("id IN ?", ids), "users", fromUser)
}

// UsersByID implements core.Store.
func (s *Store) UsersByID(ctx context.Context, account kernel.AccountID, after uuid.UUID, limit int) ([]core.User, error) {
	return find(s.users(ctx, account).Where("id > ?", after).Order("id").Limit(limit), "users", fromUser)
}

// ListUsers implements core.Store.
func (s *Store) ListUsers(ctx context.Context, account kernel.AccountID, f core.UserFilter, p page.Request) (page.Of[core.User], error) {
	filtered := func() *gorm.DB {
		q := s.users(ctx, account).Where("deleted_at IS NULL")
		if f.Role != "" {
			q = q.Where("roles @> ?::jsonb", jsonText([]map[string]any{{"role": f.Role}}))
		}
		if !f.Dealership.IsZero() {
			q = q.Where("(roles @> ?::jsonb OR roles @> ?::jsonb)",
				jsonText([]map[string]any{{"dealership_id": f.Dealership}}), jsonText([]map[string]any{{"dealership_id": nil}}))
		}
		if f.Disabled != nil {
			q = q.Where("(disabled_at IS NOT NULL) = ?", *f.Disabled)
		}
		return between(q, f.CreatedFrom, f.CreatedBefore, f.UpdatedFrom, f.UpdatedBefore)
	}
	return list(filtered, p, "users", fromUser, func(u core.User) page.Key { return u.PageKey(p.Sort) })
}

// UpdateUser implements core.Store.
func (s *Store) UpdateUser(
	ctx context.Context, account kernel.AccountID, id kernel.UserID, change func(*core.User) (bool, error),
) (core.User, error) {
	query := func() *gorm.DB { return s.users(ctx, account).Where("id = ?", id) }
	u, err := update(query, "user", fromUser, toUser(account), change)
	if db.Violates(err, "users_email_key") {
		return u, core.ErrEmailTaken.Because(err)
	}
	return u, err
}

// OtherAdmins implements core.Store.
func (s *Store) OtherAdmins(ctx context.Context, account kernel.AccountID, but kernel.UserID) (int, error) {
	var n int64
	err := s.users(ctx, account).Where("id <> ? AND deleted_at IS NULL AND disabled_at IS NULL", but).
		Where("roles @> ?::jsonb", `[{"role": "admin", "dealership_id": null}]`).Count(&n).Error
	if err != nil {
		return 0, fmt.Errorf("count administrators: %w", err)
	}
	return int(n), nil
}
