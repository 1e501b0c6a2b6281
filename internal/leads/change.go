package leads

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

// edit is the way every change of one lead goes: read it under lock, see that the caller may write it and knows its
// version, let fn change it, store it with its event. fn names the wire fields it changed; none means nothing happened.
func (s *Service) edit(
	ctx context.Context, actor auth.Actor, id kernel.LeadID, ifVersion *int64, event string,
	fn func(ctx context.Context, l *Lead) (changed []string, err error),
) (Lead, error) {
	var l Lead
	actor, err := s.In(ctx, actor, id)
	if err != nil {
		return l, err
	}
	if err := actor.Require(auth.LeadsWrite); err != nil {
		return l, err
	}
	err = s.Units.InTx(ctx, func(ctx context.Context) error {
		var err error
		if l, err = s.Store.Find(ctx, actor.Account, id, true); err != nil {
			return err
		}
		if !s.visible(actor, auth.LeadsRead, &l) {
			return ErrNotFound
		}
		if err := actor.RequireAt(auth.LeadsWrite, l.DealershipID); err != nil {
			return err
		}
		if ifVersion != nil && *ifVersion != l.Version {
			return ErrVersion
		}
		changed, err := fn(ctx, &l)
		if err != nil || changed == nil {
			return err
		}
		return s.change(ctx, actor, &l, "", event, changed)
	})
	return l, err
}

// Move changes the status by the table of moves and writes the history.
func (s *Service) Move(ctx context.Context, actor auth.Actor, id kernel.LeadID, ifVersion *int64, m Move) (Lead, error) {
	return s.edit(ctx, actor, id, ifVersion, "lead.status_changed", func(ctx context.Context, l *Lead) ([]string, error) {
		if l.DeletedAt != nil {
			return nil, ErrNotFound
		}
		from := l.Status
		if err := l.Apply(m, s.Now()); err != nil {
			return nil, err
		}
		if err := s.followPostponement(ctx, actor.Account, l, from); err != nil {
			return nil, err
		}
		e := Entry{Kind: EntryStatus, FromStatus: from, ToStatus: l.Status, Reason: m.Reason, Note: m.Note}
		return []string{"status", "status_reason"}, s.record(ctx, actor, l, e)
	})
}

// WorkPostponed is the background work that brings a postponed lead back.
const WorkPostponed = "lead.postponed"

func (s *Service) followPostponement(ctx context.Context, account kernel.AccountID, l *Lead, from Status) error {
	switch {
	case l.Status == StatusPostponed:
		return s.Work.Schedule(ctx, account, WorkPostponed, uuid.UUID(l.ID), *l.PostponedUntil)
	case from == StatusPostponed:
		return s.Work.Cancel(ctx, account, WorkPostponed, uuid.UUID(l.ID))
	}
	return nil
}

// Return brings a postponed lead back to in_contact when its date has come. It is background work.
func (s *Service) Return(ctx context.Context, account kernel.AccountID, id uuid.UUID) error {
	_, err := s.edit(ctx, auth.System(account), kernel.LeadID(id), nil, "lead.status_changed", func(ctx context.Context, l *Lead) ([]string, error) {
		now := s.Now()
		if l.Status != StatusPostponed || l.DeletedAt != nil || l.PostponedUntil.After(now) {
			return nil, nil
		}
		if err := l.Apply(Move{To: StatusInContact, Reason: "postponement_ended"}, now); err != nil {
			return nil, err
		}
		e := Entry{Kind: EntryStatus, FromStatus: StatusPostponed, ToStatus: l.Status, Reason: l.StatusReason}
		return []string{"status", "status_reason"}, s.record(ctx, auth.System(account), l, e)
	})
	if errs.IsKind(err, errs.NotFound) {
		return nil
	}
	return err
}

// Assign gives the lead to a user, or to nobody. A new lead becomes assigned; a lead further on keeps its status.
func (s *Service) Assign(ctx context.Context, actor auth.Actor, id kernel.LeadID, ifVersion *int64, to kernel.UserID, reason string) (Lead, error) {
	return s.edit(ctx, actor, id, ifVersion, "lead.assigned", func(ctx context.Context, l *Lead) ([]string, error) {
		if l.DeletedAt != nil {
			return nil, ErrNotFound
		}
		if l.AssigneeID == to {
			return nil, nil
		}
		if !to.IsZero() {
			if err := s.Core.Assignable(ctx, actor.Account, to, l.DealershipID); err != nil {
				return nil, err
			}
		}
		e := Entry{Kind: EntryAssignment, FromAssignee: l.AssigneeID, ToAssignee: to, Reason: reason, FromStatus: l.Status}
		l.AssigneeID = to
		changed := []string{"assignee_id"}
		if l.Status == StatusNew && !to.IsZero() {
			l.Status = StatusAssigned
			changed = append(changed, "status")
		}
		e.ToStatus = l.Status
		return changed, s.record(ctx, actor, l, e)
	})
}

// MarkViewed notes when somebody first opened the lead. A second time changes nothing.
func (s *Service) MarkViewed(ctx context.Context, actor auth.Actor, id kernel.LeadID, ifVersion *int64) (Lead, error) {
	return s.edit(ctx, actor, id, ifVersion, "lead.viewed", func(ctx context.Context, l *Lead) ([]string, error) {
		if l.DeletedAt != nil {
			return nil, ErrNotFound
		}
		if l.ViewedAt != nil {
			return nil, nil
		}
		now := s.Now()
		l.ViewedAt = &now
		return []string{"viewed_at"}, s.record(ctx, actor, l, Entry{Kind: EntryViewed})
	})
}

// Update lets patch change the lead's own words: type, comments, vehicles and the like. patch returns the wire names of
// what it changed; status and assignee have verbs of their own.
func (s *Service) Update(ctx context.Context, actor auth.Actor, id kernel.LeadID, ifVersion *int64, patch func(*Lead) (changed []string, err error)) (Lead, error) {
	return s.edit(ctx, actor, id, ifVersion, "lead.updated", func(ctx context.Context, l *Lead) ([]string, error) {
		if l.DeletedAt != nil {
			return nil, ErrNotFound
		}
		dealership, refs := l.DealershipID, l.Details.ExternalRefs
		changed, err := patch(l)
		if err != nil || changed == nil {
			return nil, err
		}
		if err := s.checkUpdate(ctx, actor, l, dealership); err != nil {
			return nil, err
		}
		contact, err := s.Contacts.SearchText(ctx, actor.Account, l.ContactID)
		if err != nil && !errs.IsKind(err, errs.NotFound) {
			return nil, err
		}
		l.RequestedAt = instant(l.RequestedAt)
		l.Details.tidy()
		l.Search = l.searchText(contact)
		// The references that were there are their senders' and stay so: two senders may have given two leads the same id.
		added := slices.DeleteFunc(slices.Clone(l.Details.ExternalRefs), func(r kernel.ExternalRef) bool { return slices.Contains(refs, r) })
		return changed, s.Store.ClaimRefs(ctx, actor.Account, l.ID, refsOf(actor, added))
	})
}

func (s *Service) checkUpdate(ctx context.Context, actor auth.Actor, l *Lead, before kernel.DealershipID) error {
	var bad []errs.Field
	l.Details.validate(func(pointer, code, detail string) {
		bad = append(bad, errs.Field{Pointer: pointer, Code: code, Detail: detail})
	})
	if bad != nil {
		return errs.InvalidFields(bad...)
	}
	if len(l.Details.Custom) > 0 {
		if err := s.Core.ValidateCustom(ctx, actor.Account, Resource, l.Details.Custom); err != nil {
			return err
		}
	}
	if l.DealershipID == before {
		return nil
	}
	if _, err := s.Core.Dealership(ctx, actor.Account, l.DealershipID); err != nil {
		if errs.IsKind(err, errs.NotFound) {
			return unknownDealership(err)
		}
		return err
	}
	return actor.RequireAt(auth.LeadsWrite, l.DealershipID)
}

// Delete hides the lead. Its references keep naming it, so that a late retry of the sender makes no second one.
func (s *Service) Delete(ctx context.Context, actor auth.Actor, id kernel.LeadID, ifVersion *int64) error {
	_, err := s.edit(ctx, actor, id, ifVersion, "lead.deleted", func(_ context.Context, l *Lead) ([]string, error) {
		if l.DeletedAt != nil {
			return nil, ErrNotFound
		}
		now := s.Now()
		l.DeletedAt = &now
		return []string{}, nil
	})
	return err
}

// Restore brings a deleted lead back. A lead that is not deleted stays as it is.
func (s *Service) Restore(ctx context.Context, actor auth.Actor, id kernel.LeadID, ifVersion *int64) (Lead, error) {
	return s.edit(ctx, actor, id, ifVersion, "lead.restored", func(ctx context.Context, l *Lead) ([]string, error) {
		if l.DeletedAt == nil {
			return nil, nil
		}
		return []string{}, s.undelete(ctx, actor.Account, l)
	})
}

// undelete takes the mark of deletion away. The date of a postponed lead may have passed meanwhile: it is due again.
func (s *Service) undelete(ctx context.Context, account kernel.AccountID, l *Lead) error {
	l.DeletedAt = nil
	return s.followPostponement(ctx, account, l, l.Status)
}

// ContactChanged gives the contact's leads their new search text. Contacts calls it inside the change's transaction.
func (s *Service) ContactChanged(ctx context.Context, account kernel.AccountID, id kernel.ContactID, search string) error {
	return s.Store.Reindex(ctx, account, id, func(l *Lead) string { return l.searchText(search) })
}
