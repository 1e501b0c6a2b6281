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
)

// Intake is what became of one enquiry.
type Intake struct {
	Lead Lead
	Explanation
	Sent   NewLead // the enquiry alone, completed
	Hidden bool    // the sender may not see the lead that the enquiry joined, and is told of Sent alone
}

// Destination says where an enquiry goes, in the caller's words.
type Destination struct {
	DealershipID kernel.DealershipID // zero when not given
	DealerCode   string              // of a partner's grant, or any code of the account's dealerships
}

// Target finds the account and dealership an enquiry goes to, and the actor who may act there: for a partner that depends
// on the grant. A destination that is missing where several are possible is a field error.
func (s *Service) Target(ctx context.Context, actor auth.Actor, to Destination) (auth.Actor, kernel.DealershipID, error) {
	if actor.Kind == auth.KindPartner && actor.Account.IsZero() {
		return s.partnerTarget(ctx, actor, to)
	}
	id := to.DealershipID
	switch {
	case !id.IsZero():
	case to.DealerCode != "":
		found, ok, err := s.Core.DealershipByCode(ctx, actor.Account, "", to.DealerCode)
		if err != nil {
			return actor, id, err
		}
		if !ok {
			return actor, id, errs.InvalidFields(errs.Field{Pointer: "/dealer_code", Code: "unknown", Detail: "No dealership of the account has this dealer code."})
		}
		id = found
	default:
		ids, all := actor.DealershipsWith(auth.LeadsCreate)
		if !all && len(ids) == 1 {
			id = ids[0]
			break
		}
		fallback, only, err := s.Core.OnlyOrDefault(ctx, actor.Account)
		if err != nil {
			return actor, id, err
		}
		// A form on a dealer's site that does not say where must not lose the enquiry: it goes to the default rooftop.
		if !only && actor.Kind != auth.KindSiteKey {
			return actor, id, errs.InvalidFields(errs.Field{
				Pointer: "/dealership_id", Code: "required",
				Detail: "The account has several dealerships: give dealership_id or dealer_code.",
			})
		}
		id = fallback
	}
	if _, err := s.Core.Dealership(ctx, actor.Account, id); err != nil {
		if errs.IsKind(err, errs.NotFound) {
			return actor, id, unknownDealership(err)
		}
		return actor, id, err
	}
	return actor, id, actor.RequireAt(auth.LeadsCreate, id)
}

func unknownDealership(err error) error {
	return errs.InvalidFields(errs.Field{Pointer: "/dealership_id", Code: "unknown", Detail: "There is no such dealership that this credential may send leads to."}).Because(err)
}

func (s *Service) partnerTarget(ctx context.Context, actor auth.Actor, to Destination) (auth.Actor, kernel.DealershipID, error) {
	switch {
	case !to.DealershipID.IsZero():
		in, err := s.Core.ActAtDealership(ctx, actor, to.DealershipID)
		if errs.IsKind(err, errs.NotFound) {
			err = unknownDealership(err)
		}
		return in, to.DealershipID, err
	case to.DealerCode != "":
		in, id, err := s.Core.ActAtCode(ctx, actor, to.DealerCode)
		if errs.IsKind(err, errs.NotFound) {
			err = errs.InvalidFields(errs.Field{Pointer: "/dealer_code", Code: "unknown", Detail: "No dealership has granted you this dealer code."}).Because(err)
		}
		return in, id, err
	}
	return actor, kernel.DealershipID{}, errs.InvalidFields(errs.Field{Pointer: "/dealer_code", Code: "required", Detail: "Give the dealer code, or the dealership_id, that the lead is for."})
}

// Create takes one enquiry in: it finds or makes the contact, decides whether the enquiry is new, and stores it with its
// history and event. The actor is the one that Target returned.
func (s *Service) Create(ctx context.Context, actor auth.Actor, n NewLead) (Intake, error) {
	if err := actor.RequireAt(auth.LeadsCreate, n.DealershipID); err != nil {
		return Intake{}, err
	}
	if err := n.Validate(); err != nil {
		return Intake{}, err
	}
	if len(n.Details.Custom) > 0 {
		if err := s.Core.ValidateCustom(ctx, actor.Account, Resource, n.Details.Custom); err != nil {
			return Intake{}, err
		}
	}
	at, err := s.Core.Dealership(ctx, actor.Account, n.DealershipID)
	if err != nil {
		return Intake{}, err
	}
	n.Person.Region = at.Country
	if err := n.checkNamed(actor); err != nil {
		return Intake{}, err
	}
	if !n.AssigneeID.IsZero() {
		if err := s.Core.Assignable(ctx, actor.Account, n.AssigneeID, n.DealershipID); err != nil {
			return Intake{}, err
		}
	}
	s.forgive(&n)
	n.complete(actor, s.Now())
	var out Intake
	err = s.Units.InTx(ctx, func(ctx context.Context) error {
		var err error
		out, err = s.take(ctx, actor, n)
		return err
	})
	return s.answered(actor, n, out), err
}

// answered adds what the sender may be told.
func (s *Service) answered(actor auth.Actor, n NewLead, in Intake) Intake {
	in.Sent = n
	in.Hidden = in.Outcome != OutcomeCreated && !s.visible(actor, auth.LeadsRead, &in.Lead)
	return in
}

// checkNamed keeps whoever only sends enquiries from asking which contacts and users there are.
func (n *NewLead) checkNamed(actor auth.Actor) error {
	var bad []errs.Field
	if !n.ContactID.IsZero() && !actor.Can(auth.ContactsRead) {
		bad = append(bad, errs.Field{Pointer: "/contact_id", Code: "not_allowed", Detail: "This credential does not read contacts: say who asks by contact."})
	}
	if !n.AssigneeID.IsZero() && !actor.CanAt(auth.LeadsWrite, n.DealershipID) {
		bad = append(bad, errs.Field{Pointer: "/assignee_id", Code: "not_allowed", Detail: "This credential cannot assign leads: leave this out."})
	}
	if bad != nil {
		return errs.InvalidFields(bad...)
	}
	return nil
}

// forgive warns of what cannot be kept of the person. An enquiry is never refused for it: the shopper who mistyped an
// address is not there any more to mend it.
func (s *Service) forgive(n *NewLead) {
	for _, f := range s.Contacts.Check(n.Person) {
		n.Details.Warnings = append(n.Details.Warnings, Warning{Path: "/contact" + f.Pointer, Code: "contact." + f.Code, Message: f.Detail})
	}
}

// take is Create inside its transaction.
func (s *Service) take(ctx context.Context, actor auth.Actor, n NewLead) (Intake, error) {
	account := actor.Account
	refs := refsOf(actor, n.Details.ExternalRefs)
	var known []kernel.LeadID
	if len(refs) > 0 {
		if err := s.Store.LockRefs(ctx, account, refs); err != nil {
			return Intake{}, err
		}
		err := s.Store.QueueByRefs(ctx, account, refs, func(id kernel.LeadID) { known = append(known, id) })
		if err != nil {
			return Intake{}, err
		}
	}
	// The look-up of the references travels with that of the person.
	match, err := s.who(ctx, actor, &n)
	if err != nil {
		return Intake{}, err
	}
	if len(known) > 0 {
		return s.again(ctx, actor, &n, match, slices.MinFunc(known, func(a, b kernel.LeadID) int { return slices.Compare(a[:], b[:]) }))
	}
	return s.settleNew(ctx, actor, &n, match)
}

// settleNew handles an enquiry with no known sender's id: it repeats, joins or follows an earlier one, or is new.
func (s *Service) settleNew(ctx context.Context, actor auth.Actor, n *NewLead, match ContactMatch) (Intake, error) {
	account, hash := actor.Account, n.contentHash()
	rule, other := RuleNewEnquiry, (*Candidate)(nil)
	if !match.ID.IsZero() {
		recent, err := s.Store.Recent(ctx, account, match.ID, n.DealershipID, n.ReceivedAt.Add(-sameEnquiryWithin))
		if err != nil {
			return Intake{}, err
		}
		rule, other = decide(n, hash, recent)
	}
	if n.Own && (rule == RuleSameContent || rule == RuleSameSource) {
		rule = RuleNewEnquiry // linked to the other, but a lead of its own
	}
	if rule == RuleSameContent {
		// The lock is a write: an answer that was only read would not wait for the replicas that the lead's commit waits for.
		l, err := s.Store.Find(ctx, account, other.ID, true)
		return Intake{Lead: l, Explanation: Explanation{OutcomeDuplicate, rule, match}}, err
	}
	match, err := s.keep(ctx, actor, n, match)
	if err != nil {
		return Intake{}, err
	}
	if rule == RuleSameSource {
		return s.touch(ctx, actor, n, match, other.ID)
	}
	return s.insert(ctx, actor, n, hash, match, rule, other)
}

// keep makes the contact, or adds to it. A contact that the caller named is left as it is.
func (s *Service) keep(ctx context.Context, actor auth.Actor, n *NewLead, m ContactMatch) (ContactMatch, error) {
	if !n.ContactID.IsZero() {
		return m, nil
	}
	return s.Contacts.Keep(ctx, actor, n.Person, m)
}

// who looks who asks.
func (s *Service) who(ctx context.Context, actor auth.Actor, n *NewLead) (ContactMatch, error) {
	if n.ContactID.IsZero() {
		return s.Contacts.Recognise(ctx, actor, n.Person)
	}
	text, err := s.Contacts.SearchText(ctx, actor.Account, n.ContactID)
	if errs.IsKind(err, errs.NotFound) {
		return ContactMatch{}, errs.InvalidFields(errs.Field{Pointer: "/contact_id", Code: "unknown", Detail: "There is no such contact."}).Because(err)
	}
	return ContactMatch{ID: n.ContactID, Rule: "given", Search: text}, err
}

// again handles an enquiry whose sender's id is known.
func (s *Service) again(ctx context.Context, actor auth.Actor, n *NewLead, match ContactMatch, id kernel.LeadID) (Intake, error) {
	l, err := s.Store.Find(ctx, actor.Account, id, true)
	if err != nil {
		return Intake{}, err
	}
	if !s.visible(actor, auth.LeadsCreate, &l) {
		if !n.InboxID.IsZero() {
			return s.reusedID(ctx, actor, n, match) // what a document says is never refused
		}
		return Intake{}, ErrRefTaken // it is of another dealership, or a colleague's, and the answer would show it
	}
	why := Explanation{OutcomeDuplicate, RuleSenderID, match}
	// What a public key says of an earlier lead is no reason to change it.
	if string(l.ContentHash) == string(n.contentHash()) || l.DeletedAt != nil || actor.Kind == auth.KindSiteKey {
		return Intake{Lead: l, Explanation: why}, nil
	}
	if someoneElse(n, match, &l) {
		return s.reusedID(ctx, actor, n, match)
	}
	// The sender's id says who it is, whatever the sender now says of the person.
	match.ID = l.ContactID
	if match, err = s.keep(ctx, actor, n, match); err != nil {
		return Intake{}, err
	}
	why.Contact = match
	changed := l.replace(n)
	why.Outcome = OutcomeUpdated
	if err := s.change(ctx, actor, &l, match.Search, "lead.updated", changed); err != nil {
		return Intake{}, err
	}
	err = s.Store.AddRefs(ctx, actor.Account, l.ID, refsOf(actor, n.Details.ExternalRefs))
	return Intake{Lead: l, Explanation: why}, err
}

// someoneElse tells that a document gives another person the id of an earlier one's lead. Templates that number every
// lead alike do that; a resend of the same lead never does.
func someoneElse(n *NewLead, match ContactMatch, l *Lead) bool {
	return !n.InboxID.IsZero() && !n.Resend && n.Person.Reachable() && match.ID != l.ContactID
}

// reusedID makes a lead of its own from such a document: nobody's lead is lost to a sender's template.
func (s *Service) reusedID(ctx context.Context, actor auth.Actor, n *NewLead, match ContactMatch) (Intake, error) {
	n.Details.ExternalRefs = nil
	n.Details.Warnings = append(n.Details.Warnings, Warning{
		Path: "/external_refs", Code: "sender_id.reused",
		Message: "The sender used the id of another person's lead; it was not taken for this lead's.",
	})
	return s.settleNew(ctx, actor, n, match)
}

// touch joins the enquiry to an open lead of the same person and source.
func (s *Service) touch(ctx context.Context, actor auth.Actor, n *NewLead, match ContactMatch, id kernel.LeadID) (Intake, error) {
	l, err := s.Store.Find(ctx, actor.Account, id, true)
	if err != nil {
		return Intake{}, err
	}
	if l.DeletedAt != nil || l.Status.Closed() {
		// It ended between the look-up and the lock, and nobody would see what joins it now.
		return s.insert(ctx, actor, n, n.contentHash(), match, RuleNewEnquiry, nil)
	}
	if l.repeats(n) {
		return Intake{Lead: l, Explanation: Explanation{OutcomeDuplicate, RuleSameContent, match}}, nil
	}
	if l.full(n) {
		return s.insert(ctx, actor, n, n.contentHash(), match, RuleNewEnquiry, &Candidate{ID: l.ID, DuplicateOf: l.DuplicateOf})
	}
	changed := l.join(n)
	if err := s.change(ctx, actor, &l, match.Search, "lead.touched", changed); err != nil {
		return Intake{}, err
	}
	if err := s.Store.AddRefs(ctx, actor.Account, l.ID, refsOf(actor, n.Details.ExternalRefs)); err != nil {
		return Intake{}, err
	}
	err = s.record(ctx, actor, &l, Entry{Kind: EntryTouch, Note: n.Source})
	return Intake{Lead: l, Explanation: Explanation{OutcomeTouched, RuleSameSource, match}}, err
}

// insert stores a new lead.
func (s *Service) insert(ctx context.Context, actor auth.Actor, n *NewLead, hash []byte, match ContactMatch, rule Rule, other *Candidate) (Intake, error) {
	now := s.Now()
	l := Lead{
		ID: kernel.NewID[kernel.LeadID](), Version: 1, DealershipID: n.DealershipID, ContactID: match.ID, Type: n.Type, Channel: n.Channel,
		Status: StatusNew, Source: n.Source, PartnerID: actor.Partner, AssigneeID: n.AssigneeID, InboxID: n.InboxID, ContentHash: hash, Test: n.Test,
		RequestedAt: n.RequestedAt, ReceivedAt: n.ReceivedAt, Details: n.Details, CreatedAt: now, UpdatedAt: now,
	}
	if !l.AssigneeID.IsZero() {
		l.Status = StatusAssigned
	}
	if other != nil {
		l.DuplicateOf = other.first()
	}
	l.Search = l.searchText(match.Search)
	if err := s.Store.Insert(ctx, actor.Account, &l, refsOf(actor, n.Details.ExternalRefs)); err != nil {
		return Intake{}, err
	}
	if err := s.record(ctx, actor, &l, Entry{Kind: EntryCreated, ToStatus: l.Status, ToAssignee: l.AssigneeID, Note: l.Source}); err != nil {
		return Intake{}, err
	}
	err := s.emit(ctx, actor, &l, "lead.created", nil)
	return Intake{Lead: l, Explanation: Explanation{OutcomeCreated, rule, match}}, err
}

// change stores a changed lead as its next version, with its event. search is the contact's search text, or "" to leave
// the contact's part alone.
func (s *Service) change(ctx context.Context, actor auth.Actor, l *Lead, search, event string, changed []string) error {
	l.Version++
	l.UpdatedAt = s.Now()
	if search != "" {
		l.Search = l.searchText(search)
	}
	if err := s.Store.Save(ctx, actor.Account, l); err != nil {
		return err
	}
	return s.emit(ctx, actor, l, event, changed)
}

func (s *Service) emit(ctx context.Context, actor auth.Actor, l *Lead, event string, changed []string) error {
	return s.Events.Write(ctx, actor.Account, outbox.Event{
		Type: event, Resource: Resource, ID: uuid.UUID(l.ID), Sequence: l.Version, Actor: actor, Changed: changed, At: l.UpdatedAt,
		Dealership: l.DealershipID,
	})
}

func (s *Service) record(ctx context.Context, actor auth.Actor, l *Lead, e Entry) error {
	e.ID, e.LeadID, e.At = kernel.NewID[uuid.UUID](), l.ID, s.Now()
	e.ActorKind, e.ActorID, e.ActorName = actor.Kind, actor.ID(), actor.Name
	return s.Store.Record(ctx, actor.Account, e)
}

// Entry is one line of a lead's history.
type Entry struct {
	ID           uuid.UUID
	LeadID       kernel.LeadID
	At           time.Time
	Kind         EntryKind
	FromStatus   Status
	ToStatus     Status
	FromAssignee kernel.UserID
	ToAssignee   kernel.UserID
	Reason       string
	Note         string
	ActorKind    auth.ActorKind
	ActorID      uuid.UUID
	ActorName    string
}

// EntryKind is what a line of history tells of.
type EntryKind string

// The kinds of entries.
const (
	EntryCreated    EntryKind = "created"
	EntryStatus     EntryKind = "status"
	EntryAssignment EntryKind = "assignment"
	EntryTouch      EntryKind = "touch"
	EntryViewed     EntryKind = "viewed"
)

// ErrExists is an upsert that was to create only.
var ErrExists = errs.New(errs.Stale, "precondition.exists", "There is a lead with this reference, and If-None-Match: * asks to create only.")

// Upsert takes an enquiry in under the sender's own id: it makes the lead, or updates the one that has the id, which it
// restores when it was deleted. Unlike Create it never joins another lead: the id decides.
func (s *Service) Upsert(ctx context.Context, actor auth.Actor, ref kernel.ExternalRef, n NewLead, cond kernel.Precondition) (Intake, error) {
	if !slices.Contains(n.Details.ExternalRefs, ref) {
		n.Details.ExternalRefs = append([]kernel.ExternalRef{ref}, n.Details.ExternalRefs...)
	}
	n.Own = true
	at, err := s.Core.Dealership(ctx, actor.Account, n.DealershipID)
	if err != nil {
		return Intake{}, err
	}
	n.Person.Region = at.Country
	var out Intake
	err = s.Units.InTx(ctx, func(ctx context.Context) error {
		// What Create locks is locked before the lead is: a joining enquiry has the person before it waits for the lead.
		if err := s.reserve(ctx, actor, []NewLead{n}); err != nil {
			return err
		}
		l, err := s.Store.FindByRef(ctx, actor.Account, refsOf(actor, []kernel.ExternalRef{ref})[0])
		switch {
		case errs.IsKind(err, errs.NotFound):
			if cond.NeedsOne() {
				return ErrVersion.Saying("No lead has this reference. Leave out If-Match to create one.")
			}
			out, err = s.Create(ctx, actor, n)
			return err
		case err != nil:
			return err
		case cond.Absent:
			return ErrExists
		case cond.Version != nil && *cond.Version != l.Version:
			return ErrVersion
		case !s.visible(actor, auth.LeadsCreate, &l):
			return ErrNotFound
		}
		if l.DeletedAt != nil && actor.Kind != auth.KindSiteKey {
			if err := s.undelete(ctx, actor.Account, &l); err != nil {
				return err
			}
			if err := s.change(ctx, actor, &l, "", "lead.restored", nil); err != nil {
				return err
			}
		}
		out, err = s.Create(ctx, actor, n)
		return err
	})
	return out, err
}
