// Package contactsdb keeps contacts in Postgres. It alone names the tables contacts, contact_points and contact_refs,
// and keeps the three in step. Row security is the second fence: every statement names the account itself.
package contactsdb

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/contacts"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
)

// Store is the contacts' tables.
type Store struct{ db *db.DB }

var _ contacts.Store = (*Store)(nil)

// New returns the store.
func New(d *db.DB) *Store { return &Store{db: d} }

const (
	selectOne   = `SELECT ` + columns + ` FROM contacts WHERE account_id = $1 AND id = $2`
	selectMany  = `SELECT ` + columns + ` FROM contacts WHERE account_id = $1 AND id = ANY ($2)`
	selectByRef = `SELECT ` + columns + ` FROM contacts WHERE account_id = $1 AND id = (
		SELECT r.contact_id FROM contact_refs r WHERE r.account_id = $1 AND r.source = $2 AND r.external_id = $3)`
	selectByID = `SELECT ` + columns + ` FROM contacts WHERE account_id = $1 AND id > $2 ORDER BY id LIMIT $3`
)

// Find implements contacts.Store.
func (s *Store) Find(ctx context.Context, account kernel.AccountID, id kernel.ContactID) (contacts.Contact, error) {
	return s.one(ctx, account, selectOne, account, id)
}

// FindMany implements contacts.Store.
func (s *Store) FindMany(ctx context.Context, account kernel.AccountID, ids []kernel.ContactID) ([]contacts.Contact, error) {
	plain := make([]uuid.UUID, len(ids))
	for i, id := range ids {
		plain[i] = uuid.UUID(id)
	}
	return s.many(ctx, account, selectMany, account, plain)
}

// FindByRef implements contacts.Store.
func (s *Store) FindByRef(ctx context.Context, account kernel.AccountID, ref kernel.ExternalRef) (contacts.Contact, error) {
	if err := s.Reserve(ctx, account, []contacts.Point{contacts.RefPoint(ref)}); err != nil {
		return contacts.Contact{}, err
	}
	return s.one(ctx, account, selectByRef, account, ref.Source, ref.ID)
}

// ListByID implements contacts.Store.
func (s *Store) ListByID(ctx context.Context, account kernel.AccountID, after kernel.ContactID, limit int) ([]contacts.Contact, error) {
	return s.many(ctx, account, selectByID, account, after, limit)
}

func (s *Store) one(ctx context.Context, account kernel.AccountID, sql string, args ...any) (contacts.Contact, error) {
	found, err := s.many(ctx, account, sql, args...)
	if err != nil {
		return contacts.Contact{}, err
	}
	if len(found) == 0 {
		return contacts.Contact{}, contacts.ErrNotFound
	}
	return found[0], nil
}

func (s *Store) many(ctx context.Context, account kernel.AccountID, sql string, args ...any) ([]contacts.Contact, error) {
	var found []contacts.Contact
	err := s.db.Query(ctx, account, sql, args, func(rows db.Rows) error {
		c, err := scan(rows)
		found = append(found, c)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read contacts: %w", err)
	}
	return found, nil
}
