package core

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// CreateDealership adds a dealership. Country and time zone are the account's when not given. It fails with
// ErrCodeTaken or ErrDealershipRefTaken.
func (s *Service) CreateDealership(ctx context.Context, actor auth.Actor, d DealershipDetails) (Dealership, error) {
	if err := requireAccountWide(actor, auth.DealershipsWrite); err != nil {
		return Dealership{}, err
	}
	var out Dealership
	err := s.Units.InTx(ctx, func(ctx context.Context) error {
		if err := s.Control.LockAccount(ctx, actor.Account); err != nil {
			return err
		}
		var err error
		out, err = s.insertDealership(ctx, actor, d)
		return err
	})
	return out, err
}

// insertDealership expects the account to be locked.
func (s *Service) insertDealership(ctx context.Context, actor auth.Actor, d DealershipDetails) (Dealership, error) {
	account, err := s.Control.Account(ctx, actor.Account)
	if err != nil {
		return Dealership{}, err
	}
	if d.Country == "" {
		d.Country = account.Country
	}
	if d.TimeZone == "" {
		d.TimeZone = account.TimeZone
	}
	if err := d.Validate(); err != nil {
		return Dealership{}, err
	}
	now := s.Now()
	out := Dealership{
		ID: kernel.NewID[kernel.DealershipID](), Version: 1, DealershipDetails: d, CreatedAt: now, UpdatedAt: now,
	}
	if d.IsDefault {
		if err := s.yieldDefault(ctx, actor, out.ID, now); err != nil {
			return Dealership{}, err
		}
	}
	if err := s.Store.InsertDealership(ctx, actor.Account, out); err != nil {
		return Dealership{}, err
	}
	return out, s.write(ctx, actor.Account, actor, now, change{ResourceDealership, "created", uuid.UUID(out.ID), 1, nil, nil, out.open()})
}

// yieldDefault makes room for another default: there is one at most.
func (s *Service) yieldDefault(ctx context.Context, actor auth.Actor, to kernel.DealershipID, now time.Time) error {
	old, err := s.Store.DefaultDealership(ctx, actor.Account)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil
	case err != nil:
		return err
	case old.ID == to || !old.IsDefault:
		return nil
	}
	before := old
	old, err = s.Store.UpdateDealership(ctx, actor.Account, old.ID, func(d *Dealership) (bool, error) {
		d.IsDefault, d.Version, d.UpdatedAt = false, d.Version+1, now
		return true, nil
	})
	if err != nil {
		return err
	}
	return s.write(ctx, actor.Account, actor, now, change{
		ResourceDealership, "updated", uuid.UUID(old.ID), old.Version, []string{"is_default"}, before.open(), old.open(),
	})
}

// FindDealership reads a dealership that the actor may see.
func (s *Service) FindDealership(ctx context.Context, actor auth.Actor, id kernel.DealershipID) (Dealership, error) {
	if err := actor.Require(auth.DealershipsRead); err != nil {
		return Dealership{}, err
	}
	if !actor.CanAt(auth.DealershipsRead, id) {
		return Dealership{}, ErrNotFound
	}
	return s.liveDealership(ctx, actor.Account, id)
}

func (s *Service) liveDealership(ctx context.Context, account kernel.AccountID, id kernel.DealershipID) (Dealership, error) {
	d, err := s.Store.Dealership(ctx, account, id)
	if err == nil && d.DeletedAt != nil {
		return Dealership{}, ErrNotFound
	}
	return d, err
}

// FindDealershipByRef reads a dealership by the id that another system gave it.
func (s *Service) FindDealershipByRef(ctx context.Context, actor auth.Actor, ref kernel.ExternalRef) (Dealership, error) {
	if err := actor.Require(auth.DealershipsRead); err != nil {
		return Dealership{}, err
	}
	id, err := s.Store.DealershipByRef(ctx, actor.Account, ref)
	if err != nil {
		return Dealership{}, err
	}
	return s.FindDealership(ctx, actor, id)
}

// ListDealerships lists the dealerships that the actor may see.
func (s *Service) ListDealerships(ctx context.Context, actor auth.Actor, f DealershipFilter, p page.Request) (page.Of[Dealership], error) {
	if err := actor.Require(auth.DealershipsRead); err != nil {
		return page.Of[Dealership]{}, err
	}
	if only, all := actor.DealershipsWith(auth.DealershipsRead); !all {
		f.Only = only
	}
	return s.Store.ListDealerships(ctx, actor.Account, f, p)
}

// DealershipChanges reads the next changes of the dealerships that the actor may see.
func (s *Service) DealershipChanges(ctx context.Context, actor auth.Actor, c outbox.Cursor, limit int) (outbox.Changes[Dealership], error) {
	if err := actor.Require(auth.DealershipsRead); err != nil {
		return outbox.Changes[Dealership]{}, err
	}
	out, err := outbox.Read(ctx, s.Events, actor.Account, outbox.Source[Dealership]{
		Resource: ResourceDealership,
		List: func(ctx context.Context, after uuid.UUID, limit int) ([]Dealership, error) {
			return s.Store.DealershipsByID(ctx, actor.Account, after, limit)
		},
		Load: func(ctx context.Context, ids []uuid.UUID) ([]Dealership, error) {
			return s.Store.Dealerships(ctx, actor.Account, typed[kernel.DealershipID](ids))
		},
		ID: func(d Dealership) uuid.UUID { return uuid.UUID(d.ID) },
	}, c, limit)
	out.Items = slices.DeleteFunc(out.Items, func(d Dealership) bool { return !actor.CanAt(auth.DealershipsRead, d.ID) })
	return out, err
}

func typed[I ~[16]byte](ids []uuid.UUID) []I {
	out := make([]I, len(ids))
	for i, id := range ids {
		out[i] = I(id)
	}
	return out
}

// UpdateDealership changes a dealership. It fails with ErrCodeTaken or ErrDealershipRefTaken.
func (s *Service) UpdateDealership(
	ctx context.Context, actor auth.Actor, id kernel.DealershipID, ifMatch *int64, edit func(*DealershipDetails),
) (Dealership, error) {
	if err := s.mayChangeDealership(actor, id); err != nil {
		return Dealership{}, err
	}
	var out Dealership
	err := s.Units.InTx(ctx, func(ctx context.Context) error {
		if err := s.Control.LockAccount(ctx, actor.Account); err != nil {
			return err
		}
		var err error
		out, err = s.editDealership(ctx, actor, id, ifMatch, edit)
		return err
	})
	return out, err
}

func (s *Service) mayChangeDealership(actor auth.Actor, id kernel.DealershipID) error {
	if err := actor.Require(auth.DealershipsWrite); err != nil {
		return err
	}
	if !actor.CanAt(auth.DealershipsRead, id) {
		return ErrNotFound
	}
	return actor.RequireAt(auth.DealershipsWrite, id)
}

// editDealership expects the account to be locked.
func (s *Service) editDealership(
	ctx context.Context, actor auth.Actor, id kernel.DealershipID, ifMatch *int64, edit func(*DealershipDetails),
) (Dealership, error) {
	now := s.Now()
	return s.changeDealership(ctx, actor, id, "updated", now, func(d *Dealership) ([]string, error) {
		if d.DeletedAt != nil {
			return nil, ErrNotFound
		}
		if err := checkVersion(ifMatch, d.Version); err != nil {
			return nil, err
		}
		before := d.DealershipDetails
		edit(&d.DealershipDetails)
		if err := d.Validate(); err != nil {
			return nil, err
		}
		changed := d.diff(before)
		if d.IsDefault && !before.IsDefault {
			if actor.Limited {
				return nil, ErrAccountWide
			}
			return changed, s.yieldDefault(ctx, actor, id, now)
		}
		return changed, nil
	})
}

// changeDealership runs fn on the dealership and writes what it says has changed.
func (s *Service) changeDealership(
	ctx context.Context, actor auth.Actor, id kernel.DealershipID, verb string, now time.Time, fn func(*Dealership) ([]string, error),
) (Dealership, error) {
	var changed []string
	var before Dealership
	out, err := s.Store.UpdateDealership(ctx, actor.Account, id, func(d *Dealership) (bool, error) {
		before = *d
		var err error
		if changed, err = fn(d); err != nil || len(changed) == 0 {
			return false, err
		}
		d.Version, d.UpdatedAt = d.Version+1, now
		return true, nil
	})
	if err != nil || len(changed) == 0 {
		return out, err
	}
	return out, s.write(ctx, actor.Account, actor, now, change{
		ResourceDealership, verb, uuid.UUID(id), out.Version, changed, before.open(), out.open(),
	})
}

// PutDealershipByRef changes the dealership that has the reference, or adds one that gets it. created tells which. The
// reference of a deleted dealership is free. It fails with ErrStale or ErrDealershipExists when the condition does not hold.
func (s *Service) PutDealershipByRef(
	ctx context.Context, actor auth.Actor, ref kernel.ExternalRef, cond kernel.Precondition, edit func(*DealershipDetails),
) (out Dealership, created bool, err error) {
	if err := requireAccountWide(actor, auth.DealershipsWrite); err != nil {
		return Dealership{}, false, err
	}
	withReference := func(d *DealershipDetails) {
		edit(d)
		d.ExternalRefs = withRef(d.ExternalRefs, ref)
	}
	err = s.Units.InTx(ctx, func(ctx context.Context) error {
		if err := s.Control.LockAccount(ctx, actor.Account); err != nil {
			return err
		}
		id, err := s.Store.DealershipByRef(ctx, actor.Account, ref)
		created = errors.Is(err, ErrNotFound)
		switch {
		case created && cond.NeedsOne():
			return ErrStale.Saying("No dealership has this reference. Leave out If-Match to create one.")
		case err == nil && cond.Absent:
			return ErrDealershipExists
		case created:
			var d DealershipDetails
			withReference(&d)
			out, err = s.insertDealership(ctx, actor, d)
		case err == nil:
			out, err = s.editDealership(ctx, actor, id, cond.Version, withReference)
		}
		return err
	})
	return out, created, err
}

func withRef(refs []kernel.ExternalRef, ref kernel.ExternalRef) []kernel.ExternalRef {
	if slices.Contains(refs, ref) {
		return refs
	}
	return append(slices.Clone(refs), ref)
}

// DeleteDealership takes a dealership out of lists and frees its codes and references. What it has stays.
func (s *Service) DeleteDealership(ctx context.Context, actor auth.Actor, id kernel.DealershipID, ifMatch *int64) error {
	if err := requireAccountWide(actor, auth.DealershipsWrite); err != nil {
		return err
	}
	return s.Units.InTx(ctx, func(ctx context.Context) error {
		now := s.Now()
		_, err := s.changeDealership(ctx, actor, id, "deleted", now, func(d *Dealership) ([]string, error) {
			if d.DeletedAt != nil {
				return nil, ErrNotFound
			}
			if err := checkVersion(ifMatch, d.Version); err != nil {
				return nil, err
			}
			d.DeletedAt, d.IsDefault = &now, false
			return []string{"deleted_at"}, nil
		})
		return err
	})
}

// RestoreDealership brings a deleted dealership back. It fails with ErrCodeTaken or ErrDealershipRefTaken when another
// one has its codes by now.
func (s *Service) RestoreDealership(ctx context.Context, actor auth.Actor, id kernel.DealershipID) (Dealership, error) {
	if err := requireAccountWide(actor, auth.DealershipsWrite); err != nil {
		return Dealership{}, err
	}
	var out Dealership
	err := s.Units.InTx(ctx, func(ctx context.Context) error {
		var err error
		out, err = s.changeDealership(ctx, actor, id, "restored", s.Now(), func(d *Dealership) ([]string, error) {
			if d.DeletedAt == nil {
				return nil, nil
			}
			d.DeletedAt = nil
			return []string{"deleted_at"}, nil
		})
		return err
	})
	return out, err
}
