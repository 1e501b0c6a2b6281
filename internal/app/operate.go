package app

import (
	"context"
	"fmt"

	"github.com/rooftop-crm/rooftop/internal/core"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/migrate"
	"github.com/rooftop-crm/rooftop/internal/platform/secret"
)

// NewMasterKey is a fresh value for ROOFTOP_MASTER_KEY.
func NewMasterKey() string { return secret.Generate() }

// MigrateUp brings the configured database to this version's schema.
func MigrateUp(ctx context.Context, cfg Config) error {
	d, err := openDatabase(ctx, cfg)
	if err != nil {
		return err
	}
	d.close(ctx)
	return nil
}

// MigrateStatus lists the migrations of the configured database.
func MigrateStatus(ctx context.Context, cfg Config) ([]migrate.State, error) {
	owner := cfg.MigrateURL
	if owner == "" {
		owner = cfg.DatabaseURL
	}
	if owner == "" {
		cluster, err := OpenCluster(ctx, cfg)
		if err != nil {
			return nil, err
		}
		defer func() { _ = cluster.Close(context.WithoutCancel(ctx)) }()
		owner = cluster.URL(privateDatabase)
	}
	return migrate.Status(ctx, owner)
}

// NewOwner is an account and its first administrator.
type NewOwner struct {
	Account, AccountID          string // a name to make one, or the id of one without an administrator
	Email, Password             string
	FirstName, LastName         string
	Country, TimeZone, Currency string
}

// Owner is what CreateOwner made.
type Owner struct {
	AccountID kernel.AccountID
	UserID    kernel.UserID
}

// CreateOwner makes an account with its first administrator: both or neither.
func (a *App) CreateOwner(ctx context.Context, n NewOwner) (Owner, error) {
	var out Owner
	if (n.Account == "") == (n.AccountID == "") {
		return out, fmt.Errorf("give either --account, to make one, or --account-id")
	}
	return out, a.DB.InTx(ctx, func(ctx context.Context) error {
		var err error
		if n.AccountID != "" {
			out.AccountID, err = kernel.ParseID[kernel.AccountID](n.AccountID)
		} else {
			var made core.Account
			made, err = a.Core.CreateAccount(ctx, core.NewAccount{Name: n.Account, Country: n.Country, TimeZone: n.TimeZone, Currency: n.Currency})
			out.AccountID = made.ID
		}
		if err != nil {
			return err
		}
		u, err := a.Core.CreateFirstAdmin(ctx, out.AccountID, core.NewUser{
			UserDetails: core.UserDetails{Email: n.Email, FirstName: n.FirstName, LastName: n.LastName}, Password: n.Password,
		})
		out.UserID = u.ID
		return err
	})
}

// NewInvitation is somebody who is to join an account.
type NewInvitation struct {
	AccountID, Email, FirstName, LastName, Role string
}

// Invite returns the link by which somebody joins an account, and makes their user unless there is one.
func (a *App) Invite(ctx context.Context, n NewInvitation) (kernel.UserID, string, error) {
	account, err := kernel.ParseID[kernel.AccountID](n.AccountID)
	if err != nil {
		return kernel.UserID{}, "", fmt.Errorf("--account-id: %w", err)
	}
	d := core.UserDetails{Email: n.Email, FirstName: n.FirstName, LastName: n.LastName}
	if n.Role != "" {
		d.Roles = []core.RoleAt{{Role: auth.Role(n.Role)}}
	}
	u, link, err := a.Core.OperatorInvites(ctx, account, d)
	return u.ID, link, err
}
