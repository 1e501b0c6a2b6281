package messages

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/jobs"
	"github.com/rooftop-crm/rooftop/internal/platform/mail"
)

var _ mail.Receiver = (*Service)(nil)

// destination is where a recipient's mail goes.
type destination struct {
	account    kernel.AccountID
	purpose    Purpose
	address    *Address
	mail       *Mail
	dealership *kernel.DealershipID
}

// destination finds whose an address is. It fails with mail.ErrRelay for another domain than ours, with
// mail.ErrNoSuchRecipient for what nobody has.
func (s *Service) destination(ctx context.Context, to string) (destination, error) {
	local, domain, ok := strings.Cut(strings.ToLower(to), "@")
	if !ok || s.Domain == "" || strings.TrimSuffix(domain, ".") != s.Domain {
		return destination{}, mail.ErrRelay
	}
	if kind, token, ok := mail.ParseToken(local); ok {
		d := destination{account: kernel.AccountID(token.Account), purpose: Purpose(kind)}
		if d.account.IsZero() || (d.purpose != PurposeReply && d.purpose != PurposeBounce) {
			return destination{}, mail.ErrNoSuchRecipient
		}
		m, err := s.Store.MailByToken(ctx, d.account, token)
		d.mail, d.dealership = &m, m.Dealership
		return d, noSuch(err)
	}
	account, id, err := s.Directory.AddressNamed(ctx, local+"@"+s.Domain)
	if err != nil {
		return destination{}, noSuch(err)
	}
	a, err := s.Store.Address(ctx, account, id)
	if err == nil && a.DeletedAt != nil {
		err = ErrNotFound
	}
	return destination{account: account, purpose: a.Purpose, address: &a, dealership: a.Dealership}, noSuch(err)
}

func noSuch(err error) error {
	if errors.Is(err, ErrNotFound) {
		return mail.ErrNoSuchRecipient
	}
	return err
}

// Recipient implements mail.Receiver. All recipients of one message belong to one account, so that it is kept whole or
// not at all.
func (s *Service) Recipient(ctx context.Context, to string, already []string) error {
	d, err := s.destination(ctx, to)
	if err != nil || len(already) == 0 {
		return err
	}
	first, err := s.destination(ctx, already[0])
	if err == nil && first.account != d.account {
		return mail.ErrSeparately
	}
	return err
}

const (
	// maxHops is how many servers a message may have passed. RFC 5321 wants at least 100 to be let through; what goes round
	// in circles gets there soon.
	maxHops = 100
	// A sender that lost our answer comes again for days with the same bytes. Where nothing in them is unique, the same
	// bytes may also be meant, so only what comes at once is taken for the same.
	sameWithID    = 7 * 24 * time.Hour
	sameWithoutID = time.Hour
)

// Receive implements mail.Receiver: it keeps the message for each recipient, in one transaction with the job that reads it.
func (s *Service) Receive(ctx context.Context, in mail.Incoming) error {
	head := mail.ReadHead(in.Raw, in.From)
	if head.Hops > maxHops {
		return mail.ErrLoop
	}
	var all []destination
	for _, to := range in.To {
		d, err := s.destination(ctx, to)
		switch {
		case errors.Is(err, mail.ErrNoSuchRecipient), errors.Is(err, mail.ErrRelay):
			return mail.ErrRefused // it was there at RCPT; the address has ended since
		case err != nil:
			return err
		}
		all = append(all, d)
	}
	sum := sha256.Sum256(in.Raw)
	return s.Units.InTx(ctx, func(ctx context.Context) error {
		for i, d := range all {
			if err := s.keep(ctx, d, in, in.To[i], head, sum); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Service) keep(ctx context.Context, d destination, in mail.Incoming, to string, head mail.Head, sum [32]byte) error {
	now := s.Now()
	m := Inbound{
		ID: kernel.NewID[kernel.InboundMessageID](), Version: 1, Purpose: d.purpose, State: InboundReceived, Kind: head.Kind, Dealership: d.dealership,
		Recipient: strings.ToLower(to), Sender: in.From, Hello: in.Hello, Encrypted: in.TLS, MessageID: head.MessageID, From: head.From, Subject: head.Subject,
		Size: int64(len(in.Raw)), SHA256: sum, ReceivedAt: now, UpdatedAt: now,
	}
	m.Dedupe = sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%x", m.Recipient, m.MessageID, sum))
	if in.IP != nil {
		m.IP = in.IP.String()
	}
	if d.address != nil {
		m.Address = &d.address.ID
	}
	if d.mail != nil {
		m.Mail = &d.mail.ID
	}
	window := sameWithID
	if m.MessageID == "" {
		window = sameWithoutID
	}
	seen, err := s.Store.SeenInbound(ctx, d.account, m.Dedupe, now.Add(-window))
	if err != nil || seen {
		return err // the sender has lost our answer and comes again: it is told again that the message was taken
	}
	if err := s.Store.InsertInbound(ctx, d.account, m, in.Raw); err != nil {
		return err
	}
	if err := s.write(ctx, d.account, auth.System(d.account), now, event{ResourceInbound, "created", uuid.UUID(m.ID), 1, nil}); err != nil {
		return err
	}
	_, err = s.Jobs.Insert(ctx, d.account, ReadMail{ID: m.ID}, jobs.Options{})
	return err
}

// ReadMail is the job that reads one message that came in.
type ReadMail struct {
	ID kernel.InboundMessageID `json:"message_id"`
}

// Kind implements jobs.Args.
func (ReadMail) Kind() string { return "messages.read" }

// reading has its own queue: reading asks DNS, which may be slow.
var reading = jobs.Queue{Name: "mail_in", Workers: 4}

// Handler takes over a message that came to an address of a purpose, in the transaction that notes it. It may be called
// again for a message whose transaction was not committed.
type Handler func(ctx context.Context, account kernel.AccountID, in Inbound, read mail.Parsed) (Handled, error)

// Handled says what a handler made of a message.
type Handled struct {
	State InboundState // InboundReceived leaves it for later
	Note  string
}

// Handle names the handler of a purpose. Call it before the program runs. What nobody handles stays received.
func (s *Service) Handle(p Purpose, h Handler) { s.handlers[p] = h }

// read asks what DNS says of the sender, reads the message and hands it to the room that owns the address.
func (s *Service) read(ctx context.Context, a *jobs.Attempt[ReadMail]) error {
	in, err := s.Store.Inbound(ctx, a.Account, a.Args.ID)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil
	case err != nil:
		return err
	case in.State != InboundReceived || in.Checks != nil:
		return nil // an earlier attempt has done it
	}
	raw, err := s.Store.RawInbound(ctx, a.Account, in.ID)
	if err != nil {
		return err
	}
	checks := mail.Check(ctx, s.DNS, net.ParseIP(in.IP), in.Hello, in.Sender, raw)
	parsed, unreadable := mail.Read(raw, in.Sender)
	return s.Units.InTx(ctx, func(ctx context.Context) error {
		in.Checks = &checks
		done := Handled{State: InboundReceived}
		var err error
		switch handler := s.handlers[in.Purpose]; {
		case unreadable != nil:
			done.Note = "it cannot be read as a message"
		case handler != nil:
			if done, err = handler(ctx, a.Account, in, parsed); err != nil {
				return err
			}
		}
		if err := s.acknowledge(ctx, a.Account, in); err != nil {
			return err
		}
		return s.note(ctx, a.Account, in.ID, checks, done)
	})
}

func (s *Service) note(ctx context.Context, account kernel.AccountID, id kernel.InboundMessageID, checks mail.Checks, done Handled) error {
	now := s.Now()
	changed := []string{"checks"}
	in, err := s.Store.UpdateInbound(ctx, account, id, func(in *Inbound) (bool, error) {
		in.Checks, in.Note = &checks, done.Note
		if in.State != done.State {
			in.State, in.HandledAt = done.State, &now
			changed = append(changed, "state")
		}
		in.Version, in.UpdatedAt = in.Version+1, now
		return true, nil
	})
	if err != nil {
		return err
	}
	verb := "updated"
	if in.HandledAt != nil {
		verb = string(in.State)
	}
	return s.write(ctx, account, auth.System(account), now, event{ResourceInbound, verb, uuid.UUID(id), in.Version, changed})
}

// handleReply notes the answer with the mail that it answers.
func (s *Service) handleReply(ctx context.Context, account kernel.AccountID, in Inbound, read mail.Parsed) (Handled, error) {
	switch in.Kind {
	case mail.KindBounce: // some servers report to whoever answers come to
		return s.handleBounce(ctx, account, in, read)
	case mail.KindAuto, mail.KindList, mail.KindNoReply:
		return Handled{State: InboundIgnored, Note: "a program wrote it"}, nil
	case mail.KindPersonal:
	}
	return Handled{State: InboundHandled}, nil
}

// handleBounce marks the mail that came back.
func (s *Service) handleBounce(ctx context.Context, account kernel.AccountID, in Inbound, read mail.Parsed) (Handled, error) {
	r := read.Report
	switch {
	case r == nil || in.Mail == nil:
		return Handled{State: InboundIgnored, Note: "it reports on nothing"}, nil
	case !r.Failed():
		return Handled{State: InboundHandled, Note: "the mail is " + r.Action}, nil
	}
	at := s.Now()
	e := MailError{Stage: "bounce", Detail: strings.TrimSpace(r.Status + " " + r.Diagnostic)}
	_, err := s.changeMail(ctx, auth.System(account), *in.Mail, "bounced", func(m *Mail) (bool, error) { return m.bounce(e, at), nil })
	return Handled{State: InboundHandled, Note: "the mail came back"}, err
}

// acknowledgeEvery is how often one sender is told that mail has come, however much they send: two programs that answer
// each other would else never end.
const acknowledgeEvery = 24 * time.Hour

const acknowledgement = "message.received"

// acknowledge tells whoever wrote to an address that wants it that their message has come.
func (s *Service) acknowledge(ctx context.Context, account kernel.AccountID, in Inbound) error {
	if in.Address == nil || !in.Answerable() {
		return nil
	}
	_, domain, _ := strings.Cut(in.Sender, "@")
	if domain == s.Domain {
		return nil // one of our own addresses
	}
	address, err := s.Store.Address(ctx, account, *in.Address)
	if err != nil || !address.Acknowledge {
		return err
	}
	recent, err := s.Store.SentSince(ctx, account, acknowledgement, in.Sender, s.Now().Add(-acknowledgeEvery))
	if err != nil || recent {
		return err
	}
	_, err = s.Queue(ctx, account, NewMail{
		Template: acknowledgement, To: in.Sender, Dealership: in.Dealership, Vars: map[string]string{"subject": in.Subject}, Answers: &in,
	})
	if errors.Is(err, ErrBadRecipient) {
		return nil // nobody there to be told
	}
	return err
}
