package contacts

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
)

// Accounts is what contacts needs from core.
type Accounts interface {
	// Country is the ISO 3166-1 alpha-2 code of the account's country.
	Country(ctx context.Context, account kernel.AccountID) (string, error)
}

// Schemas is what contacts needs from platform/schema.
type Schemas interface {
	// Validate checks custom against the account's JSON Schema for the resource. Its errs.Error names each wrong field.
	Validate(ctx context.Context, account kernel.AccountID, resource string, custom map[string]any) error
}

// OnChange hears, in the transaction of the change, that a contact is now searched by another text.
type OnChange interface {
	Changed(ctx context.Context, account kernel.AccountID, id kernel.ContactID, searchText string) error
}

// Unit runs fn in one transaction, which nested calls join.
type Unit interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
}

// Needs is what a Service is built from.
type Needs struct {
	Store    Store
	Unit     Unit
	Log      *outbox.Log
	Accounts Accounts
	Schemas  Schemas
	OnChange OnChange // may be nil
	Now      func() time.Time
}

// Service is what may be done with contacts. The account's dealerships share them: who may read one may read all.
type Service struct {
	store    Store
	unit     Unit
	log      *outbox.Log
	accounts Accounts
	schemas  Schemas
	onChange OnChange
	now      func() time.Time
}

// NewService returns a service.
func NewService(n Needs) *Service {
	return &Service{
		store: n.Store, unit: n.Unit, log: n.Log, accounts: n.Accounts, schemas: n.Schemas, onChange: n.OnChange, now: n.Now,
	}
}

// Create keeps a new contact. It does not look for one that is there already: Recognise does. It fails with the fields that
// are wrong, ErrRefTaken or ErrUnknownOwner.
func (s *Service) Create(ctx context.Context, actor auth.Actor, n New) (Contact, error) {
	if err := actor.Require(auth.ContactsWrite); err != nil {
		return Contact{}, err
	}
	region, err := s.region(ctx, actor.Account, len(n.Phones) > 0)
	if err != nil {
		return Contact{}, err
	}
	c := n.contact(region)
	if err := s.check(ctx, actor.Account, &c, true); err != nil {
		return Contact{}, err
	}
	return s.insert(ctx, actor, c)
}

// Find reads a contact. It fails with ErrNotFound.
func (s *Service) Find(ctx context.Context, actor auth.Actor, id kernel.ContactID) (Contact, error) {
	if err := actor.Require(auth.ContactsRead); err != nil {
		return Contact{}, err
	}
	c, err := s.store.Find(ctx, actor.Account, id)
	if err == nil && c.DeletedAt != nil {
		return Contact{}, ErrNotFound
	}
	return c, err
}

// FindMany reads the contacts that other resources name, deleted ones too. What does not exist is not in the map.
func (s *Service) FindMany(ctx context.Context, actor auth.Actor, ids ...kernel.ContactID) (map[kernel.ContactID]Contact, error) {
	if err := actor.Require(auth.ContactsRead); err != nil {
		return nil, err
	}
	found := make(map[kernel.ContactID]Contact, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	all, err := s.store.FindMany(ctx, actor.Account, ids)
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		found[c.ID] = c
	}
	return found, nil
}

// Update changes a contact. With ifVersion it fails with ErrStale unless that is the current version. A patch that
// changes nothing makes no new version and no event.
func (s *Service) Update(ctx context.Context, actor auth.Actor, id kernel.ContactID, ifVersion *int64, p Patch) (Contact, error) {
	region, err := s.region(ctx, actor.Account, p.needsRegion())
	if err != nil {
		return Contact{}, err
	}
	return s.change(ctx, actor, id, ifVersion, func(ctx context.Context, c *Contact) error {
		p.apply(c, region)
		return s.check(ctx, actor.Account, c, p.Custom.Set)
	})
}

// Delete takes a contact out of lists, search and matching. Its external references stay its own.
func (s *Service) Delete(ctx context.Context, actor auth.Actor, id kernel.ContactID, ifVersion *int64) error {
	_, err := s.change(ctx, actor, id, ifVersion, func(_ context.Context, c *Contact) error {
		return c.Delete(s.now())
	})
	return err
}

// Restore brings a deleted contact back. One that is not deleted stays as it is.
func (s *Service) Restore(ctx context.Context, actor auth.Actor, id kernel.ContactID, ifVersion *int64) (Contact, error) {
	return s.changeAny(ctx, actor, id, ifVersion, func(_ context.Context, c *Contact) error {
		c.Restore()
		return nil
	})
}

// Upsert creates or changes the contact that has the reference: what the patch does not set stays as it is. A deleted
// contact is restored. Created tells which of the two it was. It fails as Create and Update do, and with ErrExists.
func (s *Service) Upsert(
	ctx context.Context, actor auth.Actor, ref kernel.ExternalRef, cond kernel.Precondition, p Patch,
) (c Contact, created bool, err error) {
	if err := actor.Require(auth.ContactsWrite); err != nil {
		return Contact{}, false, err
	}
	var f faults
	if f.ref("", &ref); len(f) > 0 {
		return Contact{}, false, errs.InvalidFields(f...)
	}
	err = s.unit.InTx(ctx, func(ctx context.Context) error {
		created = false // this may run again after a deadlock
		found, err := s.store.FindByRef(ctx, actor.Account, ref)
		switch {
		case errors.Is(err, ErrNotFound) && cond.NeedsOne():
			return ErrStale.Saying("No contact has this reference. Leave out If-Match to create one.")
		case errors.Is(err, ErrNotFound):
			created = true
			c, err = s.createFrom(ctx, actor, ref, p)
		case err == nil && cond.Absent:
			return ErrExists
		case err == nil:
			c, err = s.revive(ctx, actor, found, ref, cond.Version, p)
		}
		return err
	})
	return c, created, err
}

func (s *Service) createFrom(ctx context.Context, actor auth.Actor, ref kernel.ExternalRef, p Patch) (Contact, error) {
	region, err := s.region(ctx, actor.Account, p.needsRegion())
	if err != nil {
		return Contact{}, err
	}
	c := Contact{Custom: map[string]any{}}
	p.apply(&c, region)
	c.withRef(ref)
	if err := s.check(ctx, actor.Account, &c, true); err != nil {
		return Contact{}, err
	}
	return s.insert(ctx, actor, c)
}

func (s *Service) revive(
	ctx context.Context, actor auth.Actor, found Contact, ref kernel.ExternalRef, ifVersion *int64, p Patch,
) (Contact, error) {
	region, err := s.region(ctx, actor.Account, p.needsRegion())
	if err != nil {
		return Contact{}, err
	}
	return s.changeAny(ctx, actor, found.ID, ifVersion, func(ctx context.Context, c *Contact) error {
		c.Restore()
		p.apply(c, region)
		c.withRef(ref)
		return s.check(ctx, actor.Account, c, p.Custom.Set)
	})
}

// region is where telephone numbers of the account are dialled; it is not asked for when nobody needs it.
func (s *Service) region(ctx context.Context, account kernel.AccountID, needed bool) (string, error) {
	if !needed {
		return "", nil
	}
	return s.accounts.Country(ctx, account)
}

// check settles the contact and fails with everything that is wrong with it at once. Custom is checked against the
// account's schema only when it was sent: a schema that came later must not forbid other changes.
func (s *Service) check(ctx context.Context, account kernel.AccountID, c *Contact, custom bool) error {
	wrong := append(c.settle(), c.somebody()...)
	if custom {
		err := s.schemas.Validate(ctx, account, Resource, c.Custom)
		e, ok := errs.As(err)
		switch {
		case ok && e.Kind == errs.Invalid:
			wrong = append(wrong, e.Fields...)
		case err != nil:
			return err
		}
	}
	if len(wrong) > 0 {
		return errs.InvalidFields(wrong...)
	}
	return nil
}

func (s *Service) insert(ctx context.Context, actor auth.Actor, c Contact) (Contact, error) {
	c = s.born(c)
	err := s.unit.InTx(ctx, func(ctx context.Context) error {
		if err := s.store.Insert(ctx, actor.Account, c); err != nil {
			return err
		}
		return s.announce(ctx, actor, EventCreated, c, nil)
	})
	return c, err
}

// born gives a contact its id, version and times.
func (s *Service) born(c Contact) Contact {
	now := s.now()
	c.ID, c.Version, c.CreatedAt, c.UpdatedAt = kernel.NewID[kernel.ContactID](), 1, now, now
	return c
}

// change is a write to a contact that is there. A deleted one is not.
func (s *Service) change(
	ctx context.Context, actor auth.Actor, id kernel.ContactID, ifVersion *int64, change func(context.Context, *Contact) error,
) (Contact, error) {
	return s.changeAny(ctx, actor, id, nil, func(ctx context.Context, c *Contact) error {
		if c.DeletedAt != nil {
			return ErrNotFound
		}
		if err := c.is(ifVersion); err != nil {
			return err
		}
		return change(ctx, c)
	})
}

// changeAny is every write to a contact that was there once.
func (s *Service) changeAny(
	ctx context.Context, actor auth.Actor, id kernel.ContactID, ifVersion *int64, change func(context.Context, *Contact) error,
) (after Contact, err error) {
	if err := actor.Require(auth.ContactsWrite); err != nil {
		return Contact{}, err
	}
	err = s.unit.InTx(ctx, func(ctx context.Context) error {
		var before Contact
		after, err = s.store.Update(ctx, actor.Account, id, func(c *Contact) error {
			before = *c
			if err := c.is(ifVersion); err != nil {
				return err
			}
			c.UpdatedAt = s.now()
			return change(ctx, c)
		})
		if err != nil {
			return err
		}
		return s.changed(ctx, actor, before, after)
	})
	return after, err
}

// changed tells everyone who wants to know. Nobody is told of a write that changed nothing.
func (s *Service) changed(ctx context.Context, actor auth.Actor, before, after Contact) error {
	fields := before.Diff(after)
	if len(fields) == 0 {
		return nil
	}
	event := EventUpdated
	switch {
	case before.DeletedAt == nil && after.DeletedAt != nil:
		event = EventDeleted
	case before.DeletedAt != nil && after.DeletedAt == nil:
		event = EventRestored
	}
	if err := s.announce(ctx, actor, event, after, fields); err != nil {
		return err
	}
	text := after.SearchText()
	if s.onChange == nil || text == before.SearchText() {
		return nil
	}
	return s.onChange.Changed(ctx, actor.Account, after.ID, text)
}

func (s *Service) announce(ctx context.Context, actor auth.Actor, event string, c Contact, fields []string) error {
	return s.log.Write(ctx, actor.Account, outbox.Event{
		Type: event, Resource: Resource, ID: uuid.UUID(c.ID), Sequence: c.Version, Actor: actor, Changed: fields, At: c.UpdatedAt,
	})
}
