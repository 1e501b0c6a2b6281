package messages

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/mail"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// Purpose says what an address is for, and so which room handles what comes to it.
type Purpose string

// The purposes of addresses.
const (
	PurposeIntake Purpose = "intake" // enquiries: of leads
	PurposeReply  Purpose = "reply"  // answers to a mail of ours
	PurposeBounce Purpose = "bounce" // what servers report of a mail of ours
)

// Purposes lists every purpose.
func Purposes() []Purpose { return []Purpose{PurposeIntake, PurposeReply, PurposeBounce} }

// InboundState tells how far an incoming message has come.
type InboundState string

// The states of an incoming message.
const (
	// InboundReceived is kept, and not handled yet.
	InboundReceived InboundState = "received"
	// InboundHandled was taken over by the room that owns the address.
	InboundHandled InboundState = "handled"
	// InboundIgnored needs nothing: an automatic message, a report that says nothing.
	InboundIgnored InboundState = "ignored"
)

// InboundStates lists every state.
func InboundStates() []InboundState {
	return []InboundState{InboundReceived, InboundHandled, InboundIgnored}
}

// Inbound is a message that came in, as one recipient got it.
type Inbound struct {
	ID         kernel.InboundMessageID
	Version    int64
	Purpose    Purpose
	State      InboundState
	Kind       mail.Kind
	Address    *kernel.MailAddressID
	Mail       *kernel.MailID // that it answers or reports on
	Dealership *kernel.DealershipID
	Recipient  string
	Sender     string // of the envelope; "" is the null sender
	IP         string
	Hello      string
	Encrypted  bool
	MessageID  string // without angle brackets
	From       mail.Address
	Subject    string
	Note       string       // why it is in its state
	Checks     *mail.Checks // nil until they were made
	Size       int64
	SHA256     [32]byte
	Dedupe     [32]byte
	ReceivedAt time.Time
	HandledAt  *time.Time
	UpdatedAt  time.Time
}

// PageKey is where a page sorted that way ends with this message.
func (in Inbound) PageKey(sort page.Sort) page.Key {
	return pageKey(sort, uuid.UUID(in.ID), in.ReceivedAt, in.UpdatedAt)
}

// Answerable tells whether a program may answer the message: a person wrote it, and who they are is not in doubt. Answering
// anything else makes loops, or mails people who never wrote.
func (in Inbound) Answerable() bool {
	return in.Kind == mail.KindPersonal && in.Sender != "" &&
		(in.Checks == nil || (in.Checks.SPF != mail.ResultFail && in.Checks.DMARC != mail.ResultFail))
}

// InboundFilter narrows a list. A zero field does not narrow.
type InboundFilter struct {
	States                       []InboundState
	Purposes                     []Purpose
	Kinds                        []mail.Kind
	Address                      *kernel.MailAddressID
	Mail                         *kernel.MailID
	Dealership                   *kernel.DealershipID
	Only                         []kernel.DealershipID // nil: all
	ReceivedFrom, ReceivedBefore *time.Time
}

// FindInbound reads a message that came in. It fails with ErrNotFound.
func (s *Service) FindInbound(ctx context.Context, actor auth.Actor, id kernel.InboundMessageID) (Inbound, error) {
	if err := actor.Require(auth.MessagesRead); err != nil {
		return Inbound{}, err
	}
	in, err := s.Store.Inbound(ctx, actor.Account, id)
	if err == nil && !sees(actor, auth.MessagesRead, in.Dealership) {
		return Inbound{}, ErrNotFound
	}
	return in, err
}

// ReadInbound reads a message in full.
func (s *Service) ReadInbound(ctx context.Context, actor auth.Actor, id kernel.InboundMessageID) (Inbound, mail.Parsed, error) {
	in, raw, err := s.RawInbound(ctx, actor, id)
	if err != nil {
		return in, mail.Parsed{}, err
	}
	parsed, _ := mail.Read(raw, in.Sender) // as far as it can be read; the raw message is there for the rest
	return in, parsed, nil
}

// RawInbound is a message byte for byte.
func (s *Service) RawInbound(ctx context.Context, actor auth.Actor, id kernel.InboundMessageID) (Inbound, []byte, error) {
	in, err := s.FindInbound(ctx, actor, id)
	if err != nil {
		return in, nil, err
	}
	raw, err := s.Store.RawInbound(ctx, actor.Account, id)
	return in, raw, err
}

// ListInbound lists the messages that came in.
func (s *Service) ListInbound(ctx context.Context, actor auth.Actor, f InboundFilter, p page.Request) (page.Of[Inbound], error) {
	only, err := reach(actor, auth.MessagesRead)
	if err != nil {
		return page.Of[Inbound]{}, err
	}
	f.Only = only
	return s.Store.ListInbound(ctx, actor.Account, f, p)
}

// InboundChanges reads the next changes of messages that came in.
func (s *Service) InboundChanges(ctx context.Context, actor auth.Actor, c outbox.Cursor, limit int) (outbox.Changes[Inbound], error) {
	if err := requireAccountWide(actor, auth.MessagesRead); err != nil {
		return outbox.Changes[Inbound]{}, err
	}
	return outbox.Read(ctx, s.Events, actor.Account, outbox.Source[Inbound]{
		Resource: ResourceInbound,
		List: func(ctx context.Context, after uuid.UUID, limit int) ([]Inbound, error) {
			return s.Store.InboundByID(ctx, actor.Account, after, limit)
		},
		Load: func(ctx context.Context, found []uuid.UUID) ([]Inbound, error) {
			return s.Store.Inbounds(ctx, actor.Account, ids[kernel.InboundMessageID](found))
		},
		ID: func(in Inbound) uuid.UUID { return uuid.UUID(in.ID) },
	}, c, limit)
}
