package messagesdb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/messages"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

type addressRow struct {
	AccountID    kernel.AccountID     `gorm:"primaryKey"`
	ID           kernel.MailAddressID `gorm:"primaryKey"`
	Version      int64
	Address      string
	Purpose      string
	Label        string
	DealershipID *kernel.DealershipID
	Source       string
	Acknowledge  bool
	CreatedAt    time.Time `gorm:"autoCreateTime:false"`
	UpdatedAt    time.Time `gorm:"autoUpdateTime:false"`
	DeletedAt    *time.Time
}

// TableName is gorm's question.
func (addressRow) TableName() string { return "mail_addresses" }

func toAddress(account kernel.AccountID) func(messages.Address) addressRow {
	return func(a messages.Address) addressRow {
		return addressRow{
			AccountID: account, ID: a.ID, Version: a.Version, Address: a.Address, Purpose: string(a.Purpose), Label: a.Label, DealershipID: a.Dealership,
			Source: a.Source, Acknowledge: a.Acknowledge, CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt, DeletedAt: a.DeletedAt,
		}
	}
}

func fromAddress(r addressRow) messages.Address {
	return messages.Address{
		ID: r.ID, Version: r.Version, Address: r.Address, Purpose: messages.Purpose(r.Purpose), Label: r.Label,
		AddressDetails: messages.AddressDetails{Dealership: r.DealershipID, Source: r.Source, Acknowledge: r.Acknowledge},
		CreatedAt:      r.CreatedAt, UpdatedAt: r.UpdatedAt, DeletedAt: r.DeletedAt,
	}
}

func (s *Store) addresses(ctx context.Context, account kernel.AccountID) *gorm.DB {
	return s.db.Conn(ctx, account).Model(&addressRow{}).Where("account_id = ?", account)
}

// InsertAddress implements messages.Store.
func (s *Store) InsertAddress(ctx context.Context, account kernel.AccountID, a messages.Address) error {
	row := toAddress(account)(a)
	if err := s.db.Conn(ctx, account).Create(&row).Error; err != nil {
		return fmt.Errorf("insert mail address: %w", err)
	}
	const route = `INSERT INTO mail_routes (address, account_id, address_id) VALUES ($1, $2, $3)`
	return s.db.QueueControl(ctx, route, []any{a.Address, account, a.ID}, nil, nil)
}

// Address implements messages.Store.
func (s *Store) Address(ctx context.Context, account kernel.AccountID, id kernel.MailAddressID) (messages.Address, error) {
	return take(s.addresses(ctx, account).Where("id = ?", id), "mail address", fromAddress)
}

// Addresses implements messages.Store.
func (s *Store) Addresses(ctx context.Context, account kernel.AccountID, ids []kernel.MailAddressID) ([]messages.Address, error) {
	return find(s.addresses(ctx, account).Where("id IN ?", ids), "mail addresses", fromAddress)
}

// AddressesByID implements messages.Store.
func (s *Store) AddressesByID(ctx context.Context, account kernel.AccountID, after uuid.UUID, limit int) ([]messages.Address, error) {
	return find(byID(s.addresses(ctx, account), after, limit), "mail addresses", fromAddress)
}

// ListAddresses implements messages.Store.
func (s *Store) ListAddresses(
	ctx context.Context, account kernel.AccountID, f messages.AddressFilter, p page.Request,
) (page.Of[messages.Address], error) {
	filtered := func() *gorm.DB {
		q := s.addresses(ctx, account).Where("deleted_at IS NULL")
		if f.Dealership != nil {
			q = q.Where("dealership_id = ?", *f.Dealership)
		}
		return q
	}
	return list(filtered, p, "mail addresses", fromAddress, func(a messages.Address) page.Key { return a.PageKey(p.Sort) })
}

// UpdateAddress implements messages.Store.
func (s *Store) UpdateAddress(
	ctx context.Context, account kernel.AccountID, id kernel.MailAddressID, change func(*messages.Address) (bool, error),
) (messages.Address, error) {
	query := func() *gorm.DB { return s.addresses(ctx, account).Where("id = ?", id) }
	return update(query, "mail address", fromAddress, toAddress(account), change)
}

// AddressNamed implements messages.DirectoryStore.
func (d *Directory) AddressNamed(ctx context.Context, address string) (account kernel.AccountID, id kernel.MailAddressID, err error) {
	const ask = `SELECT account_id, address_id FROM mail_routes WHERE address = $1`
	err = d.db.QueryRowControl(ctx, ask, []any{address}, &account, &id)
	switch {
	case errors.Is(err, db.ErrNoRows):
		err = messages.ErrNotFound
	case err != nil:
		err = fmt.Errorf("find whose a mail address is: %w", err)
	}
	return account, id, err
}
