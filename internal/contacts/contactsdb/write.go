package contactsdb

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rooftop-crm/rooftop/internal/contacts"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

const insertContact = `INSERT INTO contacts (account_id, id, version, kind, civility, first_name, last_name, full_name, company_name,
	emails, phones, addresses, language, external_refs, custom, tags, owner_id, search, created_at, updated_at, deleted_at)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)`

// Enqueue implements contacts.Store.
func (s *Store) Enqueue(ctx context.Context, account kernel.AccountID, c contacts.Contact) error {
	r := toRow(account, c)
	args := []any{
		r.AccountID, r.ID, r.Version, r.Kind, r.Civility, r.FirstName, r.LastName, r.FullName, r.CompanyName,
		r.Emails, r.Phones, r.Addresses, r.Language, r.ExternalRefs, r.Custom, r.Tags, r.OwnerID, r.Search,
		r.CreatedAt, r.UpdatedAt, r.DeletedAt,
	}
	if err := s.db.Queue(ctx, account, insertContact, args, nil, nil); err != nil {
		return fmt.Errorf("insert contact: %w", err)
	}
	return s.queueLinks(ctx, account, contacts.Contact{}, c)
}

// Insert implements contacts.Store.
func (s *Store) Insert(ctx context.Context, account kernel.AccountID, c contacts.Contact) error {
	if err := s.Reserve(ctx, account, touched(contacts.Contact{}, c)); err != nil {
		return err
	}
	if err := s.refuseTaken(ctx, account, contacts.Contact{}, c); err != nil {
		return err
	}
	if err := s.Enqueue(ctx, account, c); err != nil {
		return err
	}
	return s.settle(ctx)
}

// maxTries bounds how often a change is tried that others overtake. Of many at once each round lets one through.
const maxTries = 200

var errOvertaken = errors.New("another change came first")

// Update implements contacts.Store.
func (s *Store) Update(
	ctx context.Context, account kernel.AccountID, id kernel.ContactID, change func(*contacts.Contact) error,
) (after contacts.Contact, err error) {
	err = s.db.InTx(ctx, func(ctx context.Context) error {
		for range maxTries {
			// Going back to the savepoint gives back the locks of this try: the next one may need others, and all of one
			// decision are taken in order.
			err = s.db.Savepoint(ctx, func(ctx context.Context) error {
				after, err = s.tryUpdate(ctx, account, id, change)
				return err
			})
			if !errors.Is(err, errOvertaken) {
				return err
			}
		}
		return contacts.ErrBusy
	})
	return after, err
}

func (s *Store) tryUpdate(
	ctx context.Context, account kernel.AccountID, id kernel.ContactID, change func(*contacts.Contact) error,
) (contacts.Contact, error) {
	before, err := s.Find(ctx, account, id)
	if err != nil {
		return before, err
	}
	after, changed, err := next(before, change)
	if err == nil && !changed {
		err = s.confirm(ctx, account, before)
	}
	if err != nil || !changed {
		return after, err
	}
	// The locks come before the row, as in every transaction that takes both.
	if err := s.Reserve(ctx, account, touched(before, after)); err != nil {
		return after, err
	}
	if err := s.refuseTaken(ctx, account, before, after); err != nil {
		return after, err
	}
	row := toRow(account, after)
	update := s.db.Conn(ctx, account).Model(&row).
		Where("account_id = ? AND id = ? AND version = ?", account, id, before.Version).
		Select("*").Omit("account_id", "id", "created_at").Updates(&row)
	switch {
	case update.Error != nil:
		return after, refused(update.Error)
	case update.RowsAffected == 0:
		return after, errOvertaken
	}
	if err := s.queueLinks(ctx, account, before, after); err != nil {
		return after, err
	}
	return after, s.settle(ctx)
}

const (
	lockOne    = selectOne + ` FOR UPDATE`
	updateKept = `UPDATE contacts SET version = $3, civility = $4, first_name = $5, last_name = $6, full_name = $7, company_name = $8,
		emails = $9, phones = $10, addresses = $11, language = $12, search = $13, updated_at = $14
		WHERE account_id = $1 AND id = $2`
)

// confirm sees that a contact which stays as it is has not changed meanwhile. Its lock is a write: an answer that was only
// read would not wait for the replicas that the commit it tells of waits for.
func (s *Store) confirm(ctx context.Context, account kernel.AccountID, as contacts.Contact) error {
	now, err := s.one(ctx, account, lockOne, account, as.ID)
	if err == nil && now.Version != as.Version {
		return errOvertaken
	}
	return err
}

// UpdateReserved implements contacts.Store.
func (s *Store) UpdateReserved(
	ctx context.Context, account kernel.AccountID, id kernel.ContactID, change func(*contacts.Contact) error,
) (contacts.Contact, error) {
	before, err := s.one(ctx, account, lockOne, account, id)
	if err != nil {
		return before, err
	}
	after, changed, err := next(before, change)
	if err != nil || !changed {
		return after, err
	}
	r := toRow(account, after)
	args := []any{
		r.AccountID, r.ID, r.Version, r.Civility, r.FirstName, r.LastName, r.FullName, r.CompanyName,
		r.Emails, r.Phones, r.Addresses, r.Language, r.Search, r.UpdatedAt,
	}
	if err := s.db.Queue(ctx, account, updateKept, args, nil, nil); err != nil {
		return after, fmt.Errorf("update contact: %w", err)
	}
	return after, s.queueLinks(ctx, account, before, after)
}

// next is the state after a change, under the next version; the state before when nothing changed.
func next(before contacts.Contact, change func(*contacts.Contact) error) (after contacts.Contact, changed bool, err error) {
	after = before
	if err := change(&after); err != nil {
		return before, false, err
	}
	if len(before.Diff(after)) == 0 {
		return before, false, nil
	}
	after.Version = before.Version + 1
	return after, true, nil
}

// settle sends what is queued, so that a refusal is met here, where its meaning is known.
func (s *Store) settle(ctx context.Context) error {
	if err := s.db.Flush(ctx); err != nil {
		return refused(err)
	}
	return nil
}

// refused gives a violated constraint its meaning.
func refused(err error) error {
	switch {
	case db.Violates(err, "contacts_owner_fkey"):
		return contacts.ErrUnknownOwner.Because(err)
	case db.Violates(err, "contact_refs_key"):
		return contacts.ErrRefTaken.Because(err)
	}
	return fmt.Errorf("write contact: %w", err)
}

// refTaken names the references that another contact has.
func refTaken(c contacts.Contact, taken [][2]string) error {
	err := contacts.ErrRefTaken
	for i, r := range c.ExternalRefs {
		if slices.Contains(taken, [2]string{r.Source, r.ID}) {
			err = err.At(errs.Field{
				Pointer: fmt.Sprintf("/external_refs/%d", i), Code: "taken", Detail: "Another contact has this reference.",
			})
		}
	}
	return err
}

func (s *Store) pairs(ctx context.Context, account kernel.AccountID, sql string, args ...any) ([][2]string, error) {
	var found [][2]string
	err := s.db.Query(ctx, account, sql, args, func(rows db.Rows) error {
		var p [2]string
		err := rows.Scan(&p[0], &p[1])
		found = append(found, p)
		return err
	})
	return found, err
}
