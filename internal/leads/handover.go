package leads

import (
	"context"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

// HandedOver is what Reassign did.
type HandedOver struct {
	Leads  int  // that changed hands
	ToPool int  // of them, those that nobody has now
	More   bool // there are further ones
}

// reasonHandedOver stands in the history of a lead whose assignee has left.
const reasonHandedOver = "handed_over"

// Reassign gives up to limit of a user's open leads to another user, or to nobody when to is zero, each with its history
// entry and event. A lead of a dealership that the other one does not work for goes to nobody. The actor may see all leads.
func (s *Service) Reassign(ctx context.Context, actor auth.Actor, from, to kernel.UserID, limit int) (HandedOver, error) {
	var out HandedOver
	ids, err := s.Store.OpenOf(ctx, actor.Account, from, limit+1)
	if err != nil {
		return out, err
	}
	if len(ids) > limit {
		ids, out.More = ids[:limit], true
	}
	for _, id := range ids {
		moved, pooled := false, false
		_, err := s.edit(ctx, actor, id, nil, "lead.assigned", func(ctx context.Context, l *Lead) ([]string, error) {
			if l.AssigneeID != from || l.Status.Closed() || l.DeletedAt != nil {
				return nil, nil // somebody was faster
			}
			heir, err := s.heir(ctx, actor.Account, to, l.DealershipID)
			if err != nil {
				return nil, err
			}
			e := Entry{Kind: EntryAssignment, FromAssignee: from, ToAssignee: heir, Reason: reasonHandedOver, FromStatus: l.Status, ToStatus: l.Status}
			l.AssigneeID, moved, pooled = heir, true, heir.IsZero()
			return []string{"assignee_id"}, s.record(ctx, actor, l, e)
		})
		if err != nil {
			return out, err
		}
		if moved {
			out.Leads++
		}
		if pooled {
			out.ToPool++
		}
	}
	return out, nil
}

func (s *Service) heir(ctx context.Context, account kernel.AccountID, to kernel.UserID, at kernel.DealershipID) (kernel.UserID, error) {
	if to.IsZero() {
		return to, nil
	}
	err := s.Core.Assignable(ctx, account, to, at)
	if errs.IsKind(err, errs.Invalid) {
		return kernel.UserID{}, nil
	}
	return to, err
}
