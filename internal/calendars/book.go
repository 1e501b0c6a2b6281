package calendars

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/audit"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// rules are what differs between the kinds of records.
type rules[D any] struct {
	// sees tells whether a reader of calendars may see the record; nil when all may.
	sees func(actor auth.Actor, d D) bool
	// writes fails when the actor, who may write somewhere, may not write this record.
	writes func(ctx context.Context, actor auth.Actor, d D) error
	// own tells whether a record is the actor's own, to be written without calendars:write; nil when nothing is.
	own func(actor auth.Actor, d D) bool
	// check brings the details into their stored form and fails with everything that is wrong. It runs in the transaction.
	check func(ctx context.Context, actor auth.Actor, id uuid.UUID, d *D) error
	// changed hears, after the commit, that a record was written.
	changed func(account kernel.AccountID, d D)
	// narrow keeps a list to what the actor may see; nil when sees is.
	narrow func(actor auth.Actor, f *Filter)
	// open are the values that the audit log shows; nil when what becomes of such records is not in it.
	open func(d D) audit.Fields
}

// Book is what may be done with one kind of record.
type Book[I ~[16]byte, D detailed] struct {
	resource string
	store    RecordStore[I, D]
	rules    rules[D]
	units    Units
	log      *outbox.Log
	audit    audit.Writer
	now      func() time.Time
	// wrote goes on in the transaction in which a record was written; nil when nothing follows from that.
	wrote func(ctx context.Context, account kernel.AccountID, r Record[I, D], changed []string) error
}

func newBook[I ~[16]byte, D detailed](n Needs, resource string, store RecordStore[I, D], r rules[D]) *Book[I, D] {
	return &Book[I, D]{resource: resource, store: store, rules: r, units: n.Units, log: n.Log, audit: n.Audit, now: n.Now}
}

func (b *Book[I, D]) mayWriteSome(actor auth.Actor) error {
	if b.rules.own != nil && actor.Can(auth.CalendarsSelf) {
		return nil
	}
	return actor.Require(auth.CalendarsWrite)
}

// mayMake is for a record that is not there yet: who may write only what is their own learns nothing else.
func (b *Book[I, D]) mayMake(actor auth.Actor, d D) error {
	if b.rules.own != nil && b.rules.own(actor, d) {
		return nil
	}
	return actor.Require(auth.CalendarsWrite)
}

func (b *Book[I, D]) sees(actor auth.Actor, d D) bool {
	return b.rules.sees == nil || b.rules.sees(actor, d)
}

// Create adds a record.
func (b *Book[I, D]) Create(ctx context.Context, actor auth.Actor, d D) (Record[I, D], error) {
	return b.insert(ctx, actor, kernel.NewID[I](), d)
}

func (b *Book[I, D]) insert(ctx context.Context, actor auth.Actor, id I, d D) (Record[I, D], error) {
	var out Record[I, D]
	if err := b.mayMake(actor, d); err != nil {
		return out, err
	}
	err := b.units.InTx(ctx, func(ctx context.Context) error {
		if err := b.rules.check(ctx, actor, uuid.UUID(id), &d); err != nil {
			return err
		}
		if err := b.rules.writes(ctx, actor, d); err != nil {
			return err
		}
		now := b.now()
		out = Record[I, D]{ID: id, Version: 1, Details: d, CreatedAt: now, UpdatedAt: now}
		if err := b.store.Insert(ctx, actor.Account, out); err != nil {
			return err
		}
		return b.announce(ctx, actor, "created", nil, out, nil)
	})
	return out, err
}

// Find reads a record that the actor may see. It fails with ErrNotFound.
func (b *Book[I, D]) Find(ctx context.Context, actor auth.Actor, id I) (Record[I, D], error) {
	if err := actor.Require(auth.CalendarsRead); err != nil {
		return Record[I, D]{}, err
	}
	r, err := b.store.Find(ctx, actor.Account, id)
	if err == nil && (r.DeletedAt != nil || !b.sees(actor, r.Details)) {
		return Record[I, D]{}, ErrNotFound
	}
	return r, err
}

// List lists the records that the actor may see.
func (b *Book[I, D]) List(ctx context.Context, actor auth.Actor, f Filter, p page.Request) (page.Of[Record[I, D]], error) {
	if err := actor.Require(auth.CalendarsRead); err != nil {
		return page.Of[Record[I, D]]{}, err
	}
	if b.rules.narrow != nil {
		b.rules.narrow(actor, &f)
	}
	return b.store.List(ctx, actor.Account, f, p)
}

// Changes reads the next changes of the records that the actor may see.
func (b *Book[I, D]) Changes(ctx context.Context, actor auth.Actor, c outbox.Cursor, limit int) (outbox.Changes[Record[I, D]], error) {
	if err := actor.Require(auth.CalendarsRead); err != nil {
		return outbox.Changes[Record[I, D]]{}, err
	}
	out, err := outbox.Read(ctx, b.log, actor.Account, outbox.Source[Record[I, D]]{
		Resource: b.resource,
		List: func(ctx context.Context, after uuid.UUID, limit int) ([]Record[I, D], error) {
			return b.store.After(ctx, actor.Account, I(after), limit)
		},
		Load: func(ctx context.Context, ids []uuid.UUID) ([]Record[I, D], error) { return b.byIDs(ctx, actor, ids) },
		ID:   func(r Record[I, D]) uuid.UUID { return uuid.UUID(r.ID) },
	}, c, limit)
	out.Items = slices.DeleteFunc(out.Items, func(r Record[I, D]) bool { return !b.sees(actor, r.Details) })
	return out, err
}

// Among tells which of the records the actor may see.
func (b *Book[I, D]) Among(ctx context.Context, actor auth.Actor, ids []uuid.UUID) (map[uuid.UUID]bool, error) {
	found, err := b.byIDs(ctx, actor, ids)
	out := make(map[uuid.UUID]bool, len(found))
	for _, r := range found {
		out[uuid.UUID(r.ID)] = b.sees(actor, r.Details)
	}
	return out, err
}

func (b *Book[I, D]) byIDs(ctx context.Context, actor auth.Actor, ids []uuid.UUID) ([]Record[I, D], error) {
	typed := make([]I, len(ids))
	for i, id := range ids {
		typed[i] = I(id)
	}
	return b.store.ByIDs(ctx, actor.Account, typed)
}

// Update changes a record. A change that changes nothing makes no new version and no event.
func (b *Book[I, D]) Update(ctx context.Context, actor auth.Actor, id I, ifMatch *int64, edit func(*D)) (Record[I, D], error) {
	return b.change(ctx, actor, id, ifMatch, "updated", func(ctx context.Context, r *Record[I, D]) ([]string, error) {
		if r.DeletedAt != nil {
			return nil, ErrNotFound
		}
		before := r.Details
		edit(&r.Details)
		if err := b.rules.check(ctx, actor, uuid.UUID(id), &r.Details); err != nil {
			return nil, err
		}
		return diff(r.Details, before), nil
	})
}

// Delete takes a record out of lists and out of every calendar.
func (b *Book[I, D]) Delete(ctx context.Context, actor auth.Actor, id I, ifMatch *int64) error {
	_, err := b.change(ctx, actor, id, ifMatch, "deleted", func(_ context.Context, r *Record[I, D]) ([]string, error) {
		if r.DeletedAt != nil {
			return nil, ErrNotFound
		}
		now := b.now()
		r.DeletedAt = &now
		return []string{"deleted_at"}, nil
	})
	return err
}

// Restore brings a deleted record back, when it still fits. One that is not deleted stays as it is.
func (b *Book[I, D]) Restore(ctx context.Context, actor auth.Actor, id I, ifMatch *int64) (Record[I, D], error) {
	return b.change(ctx, actor, id, ifMatch, "restored", func(ctx context.Context, r *Record[I, D]) ([]string, error) {
		if r.DeletedAt == nil {
			return nil, nil
		}
		r.DeletedAt = nil
		return []string{"deleted_at"}, b.rules.check(ctx, actor, uuid.UUID(id), &r.Details)
	})
}

// put makes the record with the id what d says, whether it was there or not. created tells which.
func (b *Book[I, D]) put(ctx context.Context, actor auth.Actor, id I, cond kernel.Precondition, d D) (out Record[I, D], created bool, err error) {
	if err := b.mayMake(actor, d); err != nil {
		return out, false, err
	}
	err = b.units.InTx(ctx, func(ctx context.Context) error {
		found, err := b.store.Find(ctx, actor.Account, id)
		absent := errors.Is(err, ErrNotFound)
		if err != nil && !absent {
			return err
		}
		created = absent || found.DeletedAt != nil
		if created && cond.NeedsOne() || !created && cond.Absent {
			return ErrStale
		}
		if absent {
			out, err = b.insert(ctx, actor, id, d)
			return err
		}
		out, err = b.change(ctx, actor, id, cond.Version, "updated", func(ctx context.Context, r *Record[I, D]) ([]string, error) {
			before, gone := r.Details, r.DeletedAt != nil
			r.Details, r.DeletedAt = d, nil
			if err := b.rules.check(ctx, actor, uuid.UUID(id), &r.Details); err != nil {
				return nil, err
			}
			changed := diff(r.Details, before)
			if gone {
				changed = append(changed, "deleted_at")
			}
			return changed, nil
		})
		return err
	})
	return out, created, err
}

func (b *Book[I, D]) change(
	ctx context.Context, actor auth.Actor, id I, ifMatch *int64, verb string, fn func(context.Context, *Record[I, D]) ([]string, error),
) (Record[I, D], error) {
	var out Record[I, D]
	if err := b.mayWriteSome(actor); err != nil {
		return out, err
	}
	err := b.units.InTx(ctx, func(ctx context.Context) error {
		var changed []string
		var was Record[I, D]
		var err error
		mine := false
		out, err = b.store.Update(ctx, actor.Account, id, func(r *Record[I, D]) (bool, error) {
			was = *r
			before := r.Details
			mine = b.rules.own != nil && b.rules.own(actor, before)
			if err := b.rules.writes(ctx, actor, before); err != nil {
				if !b.sees(actor, before) {
					err = ErrNotFound
				}
				return false, err
			}
			if ifMatch != nil && *ifMatch != r.Version {
				return false, ErrStale
			}
			var err error
			if changed, err = fn(ctx, r); err != nil || len(changed) == 0 {
				return false, err
			}
			r.Version, r.UpdatedAt = r.Version+1, b.now()
			return true, nil
		})
		if err != nil || len(changed) == 0 {
			return b.hidden(actor, mine, err)
		}
		b.units.AfterCommit(ctx, func() { b.rules.changed(actor.Account, was.Details) })
		return b.announce(ctx, actor, verb, &was, out, changed)
	})
	return out, err
}

// hidden keeps those who may write only what is their own from learning what else there is.
func (b *Book[I, D]) hidden(actor auth.Actor, mine bool, err error) error {
	if errors.Is(err, ErrNotFound) && !mine {
		return cmp.Or(actor.Require(auth.CalendarsWrite), err)
	}
	return err
}

// announce tells of a record that was written, what it was before unless it is new, and does what follows from it.
func (b *Book[I, D]) announce(ctx context.Context, actor auth.Actor, verb string, was *Record[I, D], r Record[I, D], changed []string) error {
	b.units.AfterCommit(ctx, func() { b.rules.changed(actor.Account, r.Details) })
	if err := b.tell(ctx, actor, verb, r, changed); err != nil {
		return err
	}
	if b.rules.open != nil {
		var before audit.Fields
		if was != nil {
			before = b.opened(*was)
		}
		err := b.audit.Write(ctx, actor.Account, audit.Act{
			Act: b.resource + "." + verb, Subject: b.resource, SubjectID: uuid.UUID(r.ID), Actor: actor,
			Changes: audit.Diff(changed, before, b.opened(r)), At: r.UpdatedAt,
		})
		if err != nil {
			return err
		}
	}
	if b.wrote == nil {
		return nil
	}
	return b.wrote(ctx, actor.Account, r, changed)
}

func (b *Book[I, D]) opened(r Record[I, D]) audit.Fields {
	out := b.rules.open(r.Details)
	out["deleted_at"] = r.DeletedAt
	return out
}

// tell writes an event about a record.
func (b *Book[I, D]) tell(ctx context.Context, actor auth.Actor, verb string, r Record[I, D], changed []string) error {
	return b.log.Write(ctx, actor.Account, outbox.Event{
		Type: b.resource + "." + verb, Resource: b.resource, ID: uuid.UUID(r.ID), Sequence: r.Version, Actor: actor,
		Changed: changed, At: r.UpdatedAt,
	})
}

// atDealership are the rules of records that belong to a dealership.
func atDealership[D any](of func(D) kernel.DealershipID) rules[D] {
	return rules[D]{
		sees: func(actor auth.Actor, d D) bool { return actor.CanAt(auth.CalendarsRead, of(d)) },
		writes: func(_ context.Context, actor auth.Actor, d D) error {
			return actor.RequireAt(auth.CalendarsWrite, of(d))
		},
		narrow: func(actor auth.Actor, f *Filter) {
			if only, all := actor.DealershipsWith(auth.CalendarsRead); !all {
				f.Only = only
			}
		},
	}
}
