package leads

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
	"github.com/rooftop-crm/rooftop/pkg/adf"
)

// PartnerLead is where a partner's lead is, and how it stands.
type PartnerLead struct {
	Account kernel.AccountID
	ID      kernel.LeadID
	Key     page.Key
}

// PartnerFilter narrows a partner's list. Every filter but dealership and status needs the leads themselves.
type PartnerFilter struct {
	Statuses                   []Status
	Dealerships                []kernel.DealershipID
	CreatedFrom, CreatedBefore *time.Time
	UpdatedFrom, UpdatedBefore *time.Time
}

// In lets a partner act in the account that its lead is in; everybody else, and who is in an account already, stays there.
func (s *Service) In(ctx context.Context, actor auth.Actor, id kernel.LeadID) (auth.Actor, error) {
	if actor.Kind != auth.KindPartner || !actor.Account.IsZero() {
		return actor, nil
	}
	at, err := s.Partners.Locate(ctx, actor.Partner, id)
	if err != nil {
		return actor, err
	}
	in, err := s.Core.ActIn(ctx, actor, at.Account)
	if errs.IsKind(err, errs.NotFound) || errs.IsKind(err, errs.Forbidden) {
		err = ErrNotFound.Because(err)
	}
	return in, err
}

// visible tells whether the actor may know of the lead at all.
func (s *Service) visible(actor auth.Actor, scope auth.Scope, l *Lead) bool {
	if !actor.CanAt(scope, l.DealershipID) {
		return false
	}
	if actor.Kind == auth.KindPartner && l.PartnerID != actor.Partner {
		return false
	}
	return !actor.OwnLeadsOnly || l.AssigneeID.IsZero() || l.AssigneeID == actor.User
}

// Among tells which of the leads the actor may know of, deleted ones too.
func (s *Service) Among(ctx context.Context, actor auth.Actor, ids []uuid.UUID) (map[uuid.UUID]bool, error) {
	out := make(map[uuid.UUID]bool, len(ids))
	if _, all := actor.DealershipsWith(auth.LeadsRead); all && !actor.OwnLeadsOnly && actor.Kind != auth.KindPartner {
		for _, id := range ids {
			out[id] = true
		}
		return out, nil
	}
	leadIDs := make([]kernel.LeadID, len(ids))
	for i, id := range ids {
		leadIDs[i] = kernel.LeadID(id)
	}
	found, err := s.Store.FindMany(ctx, actor.Account, leadIDs)
	for i := range found {
		out[uuid.UUID(found[i].ID)] = s.visible(actor, auth.LeadsRead, &found[i])
	}
	return out, err
}

// Find reads one lead. A lead that the caller may not see is ErrNotFound, like one that never was.
func (s *Service) Find(ctx context.Context, actor auth.Actor, id kernel.LeadID) (Lead, error) {
	if err := actor.Require(auth.LeadsRead); err != nil {
		return Lead{}, err
	}
	actor, err := s.In(ctx, actor, id)
	if err != nil {
		return Lead{}, err
	}
	l, err := s.Store.Find(ctx, actor.Account, id, false)
	if err != nil {
		return Lead{}, err
	}
	if l.DeletedAt != nil || !s.visible(actor, auth.LeadsRead, &l) {
		return Lead{}, ErrNotFound
	}
	return l, nil
}

// List pages through the leads that the caller may see.
func (s *Service) List(ctx context.Context, actor auth.Actor, f Filter, p page.Request) (page.Of[Lead], error) {
	if err := actor.Require(auth.LeadsRead); err != nil {
		return page.Of[Lead]{}, err
	}
	if actor.Kind == auth.KindPartner {
		return s.listForPartner(ctx, actor, f, p)
	}
	f, none := restrict(actor, f)
	if none {
		return page.Of[Lead]{Items: []Lead{}}, nil
	}
	return s.Store.List(ctx, actor.Account, f, p)
}

// restrict narrows a filter to what the actor may see; none means that nothing is left.
func restrict(actor auth.Actor, f Filter) (_ Filter, none bool) {
	if allowed, all := actor.DealershipsWith(auth.LeadsRead); !all {
		if f.Dealerships == nil {
			f.Dealerships = allowed
		} else {
			f.Dealerships = slices.DeleteFunc(slices.Clone(f.Dealerships), func(d kernel.DealershipID) bool { return !slices.Contains(allowed, d) })
		}
		none = len(f.Dealerships) == 0
	}
	if actor.OwnLeadsOnly {
		asked := f.Assignees != nil || f.Unassigned
		own := !asked || slices.Contains(f.Assignees, actor.User)
		f.Unassigned = !asked || f.Unassigned
		f.Assignees = nil
		if own {
			f.Assignees = []kernel.UserID{actor.User}
		}
		none = none || !own && !f.Unassigned
	}
	return f, none
}

// ErrPartnerFilter is a filter that a partner's list does not have.
var ErrPartnerFilter = errs.New(errs.Unreadable, "request.invalid_parameter",
	"A partner's list can be filtered by status, dealership_id, created_at and updated_at.")

func (s *Service) listForPartner(ctx context.Context, actor auth.Actor, f Filter, p page.Request) (page.Of[Lead], error) {
	if f.Assignees != nil || f.Unassigned || f.Sources != nil || f.Types != nil || f.Channels != nil || f.Contact != nil || f.Terms != nil || f.Test != nil {
		return page.Of[Lead]{}, ErrPartnerFilter
	}
	refs, err := s.Partners.ListFor(ctx, actor.Partner, PartnerFilter{
		Statuses: f.Statuses, Dealerships: f.Dealerships, CreatedFrom: f.CreatedFrom, CreatedBefore: f.CreatedBefore,
		UpdatedFrom: f.UpdatedFrom, UpdatedBefore: f.UpdatedBefore,
	}, p)
	if err != nil {
		return page.Of[Lead]{}, err
	}
	byAccount := map[kernel.AccountID][]kernel.LeadID{}
	for _, r := range refs.Items {
		byAccount[r.Account] = append(byAccount[r.Account], r.ID)
	}
	found := map[kernel.LeadID]Lead{}
	for account, ids := range byAccount {
		list, err := s.Store.FindMany(ctx, account, ids)
		if err != nil {
			return page.Of[Lead]{}, err
		}
		for _, l := range list {
			found[l.ID] = l
		}
	}
	out := page.Of[Lead]{Items: []Lead{}, Next: refs.Next, Total: refs.Total}
	for _, r := range refs.Items {
		if l, ok := found[r.ID]; ok {
			out.Items = append(out.Items, l)
		}
	}
	return out, nil
}

// History pages through what happened to a lead, newest first.
func (s *Service) History(ctx context.Context, actor auth.Actor, id kernel.LeadID, p page.Request) (page.Of[Entry], error) {
	l, err := s.Find(ctx, actor, id)
	if err != nil {
		return page.Of[Entry]{}, err
	}
	if actor, err = s.In(ctx, actor, id); err != nil {
		return page.Of[Entry]{}, err
	}
	out, err := s.Store.History(ctx, actor.Account, l.ID, p)
	if actor.Kind == auth.KindPartner {
		for i := range out.Items {
			out.Items[i].withoutStaff()
		}
	}
	return out, err
}

// withoutStaff leaves what a partner may know: where the lead went and when, not who of the dealer's moved it or what
// they noted.
func (e *Entry) withoutStaff() {
	e.FromAssignee, e.ToAssignee, e.Note = kernel.UserID{}, kernel.UserID{}, ""
	if e.Kind != EntryStatus {
		e.Reason = ""
	}
	if e.ActorKind != auth.KindPartner {
		e.ActorID, e.ActorName = uuid.Nil, ""
	}
}

// Changes steps through changed leads, deleted ones too. It needs to see every lead of the account: whoever sees a part
// would take a lead that left their part for one that never changed.
func (s *Service) Changes(ctx context.Context, actor auth.Actor, c outbox.Cursor, limit int) (outbox.Changes[Lead], error) {
	if err := actor.Require(auth.LeadsRead); err != nil {
		return outbox.Changes[Lead]{}, err
	}
	if _, all := actor.DealershipsWith(auth.LeadsRead); !all || actor.OwnLeadsOnly || actor.Kind == auth.KindPartner {
		return outbox.Changes[Lead]{}, auth.ErrForbidden.Saying("The feed of changes needs leads:read for the whole account. Use updated_since on the list instead.")
	}
	return outbox.Read(ctx, s.Log, actor.Account, outbox.Source[Lead]{
		Resource: Resource,
		List: func(ctx context.Context, after uuid.UUID, limit int) ([]Lead, error) {
			return s.Store.ListByID(ctx, actor.Account, kernel.LeadID(after), limit)
		},
		Load: func(ctx context.Context, ids []uuid.UUID) ([]Lead, error) {
			leadIDs := make([]kernel.LeadID, len(ids))
			for i, id := range ids {
				leadIDs[i] = kernel.LeadID(id)
			}
			return s.Store.FindMany(ctx, actor.Account, leadIDs)
		},
		ID: func(l Lead) uuid.UUID { return uuid.UUID(l.ID) },
	}, c, limit)
}

// ADF writes a lead that was found as an ADF document, with the name of its dealership and, for whoever may read
// contacts, its contact: that holds more than this one sender told.
func (s *Service) ADF(ctx context.Context, actor auth.Actor, l *Lead) (*adf.Document, error) {
	actor, err := s.In(ctx, actor, l.ID)
	if err != nil {
		return nil, err
	}
	var who Person
	if actor.Can(auth.ContactsRead) {
		if who, err = s.Contacts.Describe(ctx, actor, l.ContactID); err != nil {
			return nil, err
		}
	}
	at, err := s.Core.Dealership(ctx, actor.Account, l.DealershipID)
	if err != nil {
		return nil, err
	}
	return ToADF(l, who, at.Name), nil
}
