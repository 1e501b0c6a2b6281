package leads

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/memory"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// InboxState is where a raw document stands.
type InboxState string

// The states of a document.
const (
	InboxReceived    InboxState = "received"    // kept, not yet read; a sweep reads it when its request died
	InboxAccepted    InboxState = "accepted"    // leads were made from it or joined by it
	InboxQuarantined InboxState = "quarantined" // a lead document that could not be read; to be corrected and replayed
	InboxRejected    InboxState = "rejected"    // no lead document at all
)

// InboxStates lists every state.
func InboxStates() []InboxState {
	return []InboxState{InboxReceived, InboxAccepted, InboxQuarantined, InboxRejected}
}

// Document is one inbound document, kept verbatim before it is read.
type Document struct {
	ID           kernel.InboxID
	Version      int64
	Kind         string // adf
	State        InboxState
	MediaType    string
	Size         int64
	SHA256       [32]byte
	DealershipID kernel.DealershipID // as the caller named it; zero when the document must tell
	Revision     int                 // which body is to be read: 0 as received, then the corrections
	Sender       Sender
	Key          string // Idempotency-Key; "" for none
	Fingerprint  []byte
	ErrorCode    string
	ErrorDetail  string
	Warnings     []Warning
	LeadIDs      []kernel.LeadID
	AnswerStatus int
	Answer       []byte // what the sender was or will be told
	ReceivedAt   time.Time
	ProcessedAt  *time.Time
	UpdatedAt    time.Time
}

// Sender is who handed a document in, kept so that a sweep can finish the work in that name.
type Sender struct {
	Kind       auth.ActorKind      `json:"kind"`
	Name       string              `json:"name"`
	Partner    kernel.PartnerID    `json:"partner_id"`
	Credential kernel.CredentialID `json:"credential_id"`
	User       kernel.UserID       `json:"user_id"`
	Test       bool                `json:"test"`
	// Limited senders act at the dealership that the document came in for, and at no other.
	Limited      bool `json:"limited,omitempty"`
	OwnLeadsOnly bool `json:"own_leads_only,omitempty"`
}

// sender is who handed the document in, as they may act to finish it, whatever became of their grants meanwhile: the
// document was taken in while they had them.
func (d *Document) sender(account kernel.AccountID) auth.Actor {
	f, scopes := d.Sender, auth.NewScopeSet(auth.LeadsCreate, auth.LeadsRead)
	out := auth.Actor{
		Kind: f.Kind, Name: f.Name, Account: account, Partner: f.Partner, Credential: f.Credential, User: f.User, Test: f.Test,
		Scopes: scopes, OwnLeadsOnly: f.OwnLeadsOnly,
	}
	if f.Limited {
		out.Scopes, out.Limited, out.At = 0, true, map[kernel.DealershipID]auth.ScopeSet{d.DealershipID: scopes}
	}
	return out
}

// InboxFilter narrows a list of documents.
type InboxFilter struct {
	States                       []InboxState
	ReceivedFrom, ReceivedBefore *time.Time
}

// InboxStore keeps documents. Every method works inside one account.
type InboxStore interface {
	// Receive stores a document and its bytes. When the credential's key is known it stores nothing and returns the id of the
	// document that has it, with its fingerprint.
	Receive(ctx context.Context, account kernel.AccountID, d *Document, body []byte) (earlier *Document, err error)
	// Find reads one document; with lock it waits for whoever is at work on it. ErrNoDocument.
	Find(ctx context.Context, account kernel.AccountID, id kernel.InboxID, lock bool) (Document, error)
	// Body reads the bytes of a revision.
	Body(ctx context.Context, account kernel.AccountID, id kernel.InboxID, revision int) ([]byte, error)
	// Save queues the document's new state.
	Save(ctx context.Context, account kernel.AccountID, d *Document) error
	// Correct stores the bytes of a further revision.
	Correct(ctx context.Context, account kernel.AccountID, id kernel.InboxID, revision int, body []byte) error
	List(ctx context.Context, account kernel.AccountID, f InboxFilter, p page.Request) (page.Of[Document], error)
	// FindMany reads those of the documents that there are, in any order.
	FindMany(ctx context.Context, account kernel.AccountID, ids []kernel.InboxID) ([]Document, error)
	// ListByID reads documents in the order of their ids, after one.
	ListByID(ctx context.Context, account kernel.AccountID, after kernel.InboxID, limit int) ([]Document, error)
	// KeepUnrouted stores a partner's document that named no dealership, under the partner.
	KeepUnrouted(ctx context.Context, partner kernel.PartnerID, d *Document, body []byte) error
	// SettleUnrouted stores what became of it; a document that found its account is removed, since it is in that inbox now.
	SettleUnrouted(ctx context.Context, partner kernel.PartnerID, d *Document, routed bool) error
}

var (
	// ErrNoDocument is also the answer for another account's document.
	ErrNoDocument = errs.New(errs.NotFound, "inbox.not_found", "There is no such document.")
	// ErrKeyReused is an Idempotency-Key that came with another document before.
	ErrKeyReused = errs.New(errs.Invalid, "idempotency.key_reused",
		"This Idempotency-Key was used for another request. Use a new key for a new request, and the same body for a retry.")
	// ErrNotLead is a body that is no lead document. It is kept as rejected.
	ErrNotLead = errs.New(errs.Invalid, "document.not_a_lead", "This is no lead document. Send an ADF 1.0 document with at least one prospect.")
	// ErrTooLarge is a document over the size limit. Its head is kept as rejected.
	ErrTooLarge = errs.New(errs.TooLarge, "document.too_large", "The document is larger than this path accepts.")
	// ErrReplayHead is a replay of a document of which only the head was kept.
	ErrReplayHead   = errs.New(errs.Conflict, "inbox.head_only", "This document was over the size limit and only its first KiB was kept. Send a smaller document with the replay.")
	errSiteDocument = auth.ErrForbidden.Saying("A site key sends leads as JSON. Documents need an API key or a partner's token.")
	// ErrReplayAccepted is a replay of a document that made its leads.
	ErrReplayAccepted = errs.New(errs.Conflict, "inbox.accepted", "This document has made its leads. Only documents that are quarantined or rejected can be corrected and replayed.")
)

// Receipt is what became of a document: one entry for each prospect that asked something, in the document's order.
type Receipt struct {
	InboxID  kernel.InboxID
	State    InboxState
	Intakes  []Intake
	Warnings []Warning
	Problem  *errs.Error // why nothing could be read, when quarantined or rejected
}

// Created counts the leads that are new.
func (r Receipt) Created() int {
	n := 0
	for _, in := range r.Intakes {
		if in.Outcome == OutcomeCreated {
			n++
		}
	}
	return n
}

// WorkInbox is the background work that finishes a document whose request died.
const WorkInbox = "inbox.process"

// usualSweep is Deps.SweepAfter unless it is set.
const usualSweep = time.Minute

// Inbound is a document as it came in.
type Inbound struct {
	MediaType   string
	Body        []byte
	Key         string
	Fingerprint [32]byte
}

// Receive keeps a document, then reads it. The answer is the same for whoever comes second with the same key, and for the
// sweep: the document's row is locked while it is read. status and body are the answer as Deps.Render made it; replayed
// tells that it was made before.
func (s *Service) Receive(ctx context.Context, actor auth.Actor, to Destination, in Inbound) (status int, body []byte, replayed bool, err error) {
	actor, at, partnerOnly, err := s.receiver(ctx, actor, to)
	switch {
	case err != nil:
		return 0, nil, false, err
	case partnerOnly:
		return s.receiveUnrouted(ctx, actor, in)
	}
	return s.receive(ctx, actor, at, in)
}

func (s *Service) receive(ctx context.Context, actor auth.Actor, at kernel.DealershipID, in Inbound) (int, []byte, bool, error) {
	d := s.newDocument(actor, at, in)
	var earlier *Document
	err := s.Units.InTx(ctx, func(ctx context.Context) error {
		var err error
		if earlier, err = s.Inbox.Receive(ctx, actor.Account, &d, in.Body); err != nil || earlier != nil {
			return err
		}
		return s.Work.Schedule(ctx, actor.Account, WorkInbox, uuid.UUID(d.ID), d.ReceivedAt.Add(s.SweepAfter))
	})
	if err != nil {
		return 0, nil, false, err
	}
	if earlier != nil {
		if string(earlier.Fingerprint) != string(d.Fingerprint) {
			return 0, nil, false, ErrKeyReused
		}
		return s.process(ctx, actor.Account, earlier.ID, nil)
	}
	return s.process(ctx, actor.Account, d.ID, in.Body)
}

func (s *Service) newDocument(actor auth.Actor, at kernel.DealershipID, in Inbound) Document {
	now := s.Now()
	_, everywhere := actor.DealershipsWith(auth.LeadsCreate)
	return Document{
		ID: kernel.NewID[kernel.InboxID](), Version: 1, Kind: "adf", State: InboxReceived, MediaType: strings.ToValidUTF8(in.MediaType, ""),
		Size: int64(len(in.Body)), SHA256: sha256.Sum256(in.Body), DealershipID: at, Key: in.Key, Fingerprint: in.Fingerprint[:],
		Sender: Sender{
			Kind: actor.Kind, Name: actor.Name, Partner: actor.Partner, Credential: actor.Credential, User: actor.User, Test: actor.Test,
			Limited: !everywhere, OwnLeadsOnly: actor.OwnLeadsOnly,
		},
		ReceivedAt: now, UpdatedAt: now,
	}
}

// Sweep finishes a document whose request died between keeping and reading it. It is background work.
func (s *Service) Sweep(ctx context.Context, account kernel.AccountID, id uuid.UUID) error {
	_, _, _, err := s.process(ctx, account, kernel.InboxID(id), nil)
	if errors.Is(err, ErrNotLead) || errors.Is(err, ErrNoDocument) {
		return nil // it was read, and this is what the sender would be told
	}
	return err
}

// process reads a document that is kept, once: whoever finds it read returns the answer that was made. body saves reading
// it back when the caller still has it.
func (s *Service) process(ctx context.Context, account kernel.AccountID, id kernel.InboxID, body []byte) (status int, answer []byte, replayed bool, err error) {
	var problem *errs.Error
	err = s.Units.InTx(ctx, func(ctx context.Context) error {
		problem = nil
		d, err := s.Inbox.Find(ctx, account, id, true)
		if err != nil {
			return err
		}
		if d.State != InboxReceived {
			status, answer, replayed = d.AnswerStatus, d.Answer, true
			if d.Answer == nil {
				problem = ErrNotLead.Saying("%s", d.ErrorDetail)
				problem.Code = d.ErrorCode
			}
			// The sender is told what it was told before: this writes, so that it waits for the same replicas.
			return s.Inbox.Save(ctx, account, &d)
		}
		if body == nil {
			if body, err = s.Inbox.Body(ctx, account, id, d.Revision); err != nil {
				return err
			}
		}
		receipt, err := s.readDocument(ctx, account, &d, body)
		if err != nil {
			return err
		}
		status, answer, problem, err = s.settle(ctx, d.sender(account), &d, receipt, false)
		return err
	})
	if err == nil && problem != nil {
		err = problem
	}
	return status, answer, replayed, err
}

// settle stores what became of the document, with the answer and its event. actor is who had it read; corrected tells that
// they gave another body.
func (s *Service) settle(
	ctx context.Context, actor auth.Actor, d *Document, r Receipt, corrected bool,
) (status int, answer []byte, problem *errs.Error, err error) {
	account, now := actor.Account, s.Now()
	d.State, d.Warnings, d.ProcessedAt, d.UpdatedAt = r.State, r.Warnings, &now, now
	d.Version++
	d.LeadIDs = nil
	for _, in := range r.Intakes {
		d.LeadIDs = append(d.LeadIDs, in.Lead.ID)
	}
	d.ErrorCode, d.ErrorDetail = "", ""
	if r.Problem != nil {
		d.ErrorCode, d.ErrorDetail = r.Problem.Code, r.Problem.Public
	}
	if r.State == InboxRejected {
		problem = r.Problem
	} else {
		if status, answer, err = s.Render(r); err != nil {
			return 0, nil, nil, err
		}
		d.AnswerStatus, d.Answer = status, answer
	}
	if err := s.Inbox.Save(ctx, account, d); err != nil {
		return 0, nil, nil, err
	}
	if err := s.emitDocument(ctx, actor, d, corrected); err != nil {
		return 0, nil, nil, err
	}
	return status, answer, problem, s.Work.Cancel(ctx, account, WorkInbox, uuid.UUID(d.ID))
}

// emitDocument tells what became of a document: inbox.accepted, inbox.quarantined or inbox.rejected, or inbox.corrected when
// it still waits after a correction. That it came in has no event of its own: it is read in the same request, and else by the
// sweep a minute later.
func (s *Service) emitDocument(ctx context.Context, actor auth.Actor, d *Document, corrected bool) error {
	e := outbox.Event{
		Type: "inbox." + string(d.State), Resource: ResourceInbox, ID: uuid.UUID(d.ID), Sequence: d.Version, Actor: actor,
		Changed: []string{"state"}, At: d.UpdatedAt, Dealership: d.DealershipID,
	}
	if corrected {
		e.Changed = append(e.Changed, "revision")
		if d.State != InboxAccepted {
			e.Type = "inbox.corrected"
		}
	}
	return s.Events.Write(ctx, actor.Account, e)
}

// largeDocument is from how many bytes on the memory that a reading took is given back before the next.
const largeDocument = 1 << 20

// receiveUnrouted takes a partner's document that names no dealership but inside. It is kept under the partner first;
// when the vendor's id is a dealer code that was granted, it goes on into that account's inbox.
func (s *Service) receiveUnrouted(ctx context.Context, actor auth.Actor, in Inbound) (int, []byte, bool, error) {
	d := s.newDocument(actor, kernel.DealershipID{}, in)
	if err := s.Inbox.KeepUnrouted(ctx, actor.Partner, &d, in.Body); err != nil {
		return 0, nil, false, err
	}
	into, at, err := s.routeByVendor(ctx, actor, in.Body)
	if told, ok := errs.As(err); ok {
		d.State, d.ErrorCode, d.ErrorDetail = InboxQuarantined, told.Code, told.Public
		if errors.Is(err, ErrNotLead) {
			d.State = InboxRejected
		}
		if e := s.Inbox.SettleUnrouted(ctx, actor.Partner, &d, false); e != nil {
			return 0, nil, false, e
		}
	}
	if err != nil {
		return 0, nil, false, err
	}
	if len(in.Body) > largeDocument { // it is kept and read a second time, in its account
		memory.Release()
	}
	status, body, replayed, err := s.receive(ctx, into, at, in)
	if _, forSender := errs.As(err); err != nil && !forSender {
		return 0, nil, false, err
	}
	if e := s.Inbox.SettleUnrouted(ctx, actor.Partner, &d, true); e != nil {
		return 0, nil, false, e
	}
	return status, body, replayed, err
}

// FindDocument reads one document of the inbox.
func (s *Service) FindDocument(ctx context.Context, actor auth.Actor, id kernel.InboxID) (Document, error) {
	if err := actor.Require(auth.InboxRead); err != nil {
		return Document{}, err
	}
	d, err := s.Inbox.Find(ctx, actor.Account, id, false)
	if err != nil {
		return Document{}, err
	}
	if !d.readableBy(actor) {
		return Document{}, ErrNoDocument
	}
	return d, nil
}

// readableBy tells whether the actor may read the document. One that came in for no dealership may hold enquiries for any.
func (d *Document) readableBy(actor auth.Actor) bool {
	_, everywhere := actor.DealershipsWith(auth.InboxRead)
	return everywhere || actor.CanAt(auth.InboxRead, d.DealershipID)
}

// DocumentsAmong tells which of the documents the actor may read.
func (s *Service) DocumentsAmong(ctx context.Context, actor auth.Actor, ids []uuid.UUID) (map[uuid.UUID]bool, error) {
	found, err := s.Inbox.FindMany(ctx, actor.Account, inboxIDs(ids))
	out := make(map[uuid.UUID]bool, len(found))
	for i := range found {
		out[uuid.UUID(found[i].ID)] = found[i].readableBy(actor)
	}
	return out, err
}

func inboxIDs(ids []uuid.UUID) []kernel.InboxID {
	out := make([]kernel.InboxID, len(ids))
	for i, id := range ids {
		out[i] = kernel.InboxID(id)
	}
	return out
}

// RawDocument reads a document's bytes, as last corrected.
func (s *Service) RawDocument(ctx context.Context, actor auth.Actor, id kernel.InboxID) (Document, []byte, error) {
	d, err := s.FindDocument(ctx, actor, id)
	if err != nil {
		return Document{}, nil, err
	}
	body, err := s.Inbox.Body(ctx, actor.Account, id, d.Revision)
	return d, body, err
}

// ListDocuments pages through the inbox, newest first. It needs inbox:read for the whole account, since a document that
// could not be read belongs to no dealership yet.
func (s *Service) ListDocuments(ctx context.Context, actor auth.Actor, f InboxFilter, p page.Request) (page.Of[Document], error) {
	if err := readsInbox(actor); err != nil {
		return page.Of[Document]{}, err
	}
	return s.Inbox.List(ctx, actor.Account, f, p)
}

func readsInbox(actor auth.Actor) error {
	if err := actor.Require(auth.InboxRead); err != nil {
		return err
	}
	if _, all := actor.DealershipsWith(auth.InboxRead); !all {
		return auth.ErrForbidden.Saying("The inbox needs inbox:read for the whole account.")
	}
	return nil
}

// DocumentChanges reads the next step of all changes of documents.
func (s *Service) DocumentChanges(ctx context.Context, actor auth.Actor, c outbox.Cursor, limit int) (outbox.Changes[Document], error) {
	if err := readsInbox(actor); err != nil {
		return outbox.Changes[Document]{}, err
	}
	return outbox.Read(ctx, s.Log, actor.Account, outbox.Source[Document]{
		Resource: ResourceInbox,
		List: func(ctx context.Context, after uuid.UUID, limit int) ([]Document, error) {
			return s.Inbox.ListByID(ctx, actor.Account, kernel.InboxID(after), limit)
		},
		Load: func(ctx context.Context, ids []uuid.UUID) ([]Document, error) {
			return s.Inbox.FindMany(ctx, actor.Account, inboxIDs(ids))
		},
		ID: func(d Document) uuid.UUID { return uuid.UUID(d.ID) },
	}, c, limit)
}

// Replay reads a quarantined or rejected document again, after a correction (correction is nil for none) or a newer parser.
func (s *Service) Replay(ctx context.Context, actor auth.Actor, id kernel.InboxID, correction []byte) (status int, answer []byte, err error) {
	if err := actor.Require(auth.InboxWrite); err != nil {
		return 0, nil, err
	}
	if _, err := s.FindDocument(ctx, actor, id); err != nil {
		return 0, nil, err
	}
	err = s.Units.InTx(ctx, func(ctx context.Context) error {
		d, err := s.Inbox.Find(ctx, actor.Account, id, true)
		if err != nil {
			return err
		}
		if d.State == InboxAccepted {
			return ErrReplayAccepted
		}
		body := correction
		if correction == nil && d.Revision == 0 && d.ErrorCode == ErrTooLarge.Code {
			return ErrReplayHead
		}
		if correction != nil {
			d.Revision++
			err = s.Inbox.Correct(ctx, actor.Account, id, d.Revision, correction)
		} else {
			body, err = s.Inbox.Body(ctx, actor.Account, id, d.Revision)
		}
		if err != nil {
			return err
		}
		receipt, err := s.readDocument(ctx, actor.Account, &d, body)
		if err != nil {
			return err
		}
		if receipt.State == InboxRejected {
			receipt.State = InboxQuarantined // what somebody took the trouble to replay waits for them
		}
		status, answer, _, err = s.settle(ctx, actor, &d, receipt, correction != nil)
		return err
	})
	return status, answer, err
}
