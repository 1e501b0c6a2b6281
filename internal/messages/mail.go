package messages

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/jobs"
	"github.com/rooftop-crm/rooftop/internal/platform/mail"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// MailState tells what became of a mail.
type MailState string

// The states of a mail.
const (
	// MailQueued waits to be sent, or to be tried again.
	MailQueued MailState = "queued"
	// MailSending has begun to leave. It stays so only while it does.
	MailSending MailState = "sending"
	// MailSent was taken by a mail server.
	MailSent MailState = "sent"
	// MailFailed was refused for good, or for too long.
	MailFailed MailState = "failed"
	// MailUnknown had begun to leave when the process or the connection was lost. It is not sent again by itself.
	MailUnknown MailState = "unknown"
	// MailBounced was taken, and came back.
	MailBounced MailState = "bounced"
)

// MailStates lists every state.
func MailStates() []MailState {
	return []MailState{MailQueued, MailSending, MailSent, MailFailed, MailUnknown, MailBounced}
}

var (
	// ErrNotResendable is the answer to sending again what is on its way, or has arrived.
	ErrNotResendable = errs.New(errs.Conflict, "mail.not_resendable",
		"Only a mail that failed, bounced or is unknown can be sent again.")
	// ErrForgotten is the answer to sending again what is no longer known.
	ErrForgotten = errs.New(errs.Conflict, "mail.forgotten",
		"What this mail said is no longer kept. Do again what caused it.")
)

// Mail is a mail that goes out.
type Mail struct {
	ID           kernel.MailID
	Version      int64
	Template     string // the kind of message
	Dealership   *kernel.DealershipID
	Language     string
	State        MailState
	To, From     mail.Address
	Subject      string
	Content      []byte // what it says, sealed; nil once it is forgotten
	Confidential bool
	MessageID    string // without angle brackets; the same however often it is sent
	Token        mail.Token
	Answers      *kernel.InboundMessageID
	Attempts     int
	Error        MailError
	SentAt       *time.Time
	BouncedAt    *time.Time
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// MailError is what went wrong last; zero when nothing did.
type MailError struct {
	Stage  string // connect, tls, sign_in, from, to, data; or bounce
	Code   int    // of the server's reply; 0 when there was none
	Detail string
}

// Content is what a mail says. It is kept sealed.
type Content struct {
	Text        string    `json:"text"`
	HTML        string    `json:"html"`
	Auto        mail.Auto `json:"auto"`
	Unsubscribe string    `json:"unsubscribe"`
	Replies     bool      `json:"replies"` // answers come back to us
	InReplyTo   string    `json:"in_reply_to"`
	References  []string  `json:"references"`
	NullSender  bool      `json:"null_sender"` // nobody is told when it does not arrive: an automatic answer
}

// PageKey is where a page sorted that way ends with this mail.
func (m Mail) PageKey(sort page.Sort) page.Key {
	return pageKey(sort, uuid.UUID(m.ID), m.CreatedAt, m.UpdatedAt)
}

// begin marks that the mail is about to leave. False when it is not its turn any more.
func (m *Mail) begin() bool {
	if m.State != MailQueued {
		return false
	}
	m.State, m.Attempts = MailSending, m.Attempts+1
	return true
}

// arrive notes that a server has taken the mail. What is confidential, nobody needs any more.
func (m *Mail) arrive(at time.Time) bool {
	if m.State != MailSending && m.State != MailUnknown {
		return false
	}
	m.State, m.SentAt, m.Error = MailSent, &at, MailError{}
	if m.Confidential {
		m.Content = nil
	}
	return true
}

// fail notes that a server has not got the mail: last when it will not be tried again.
func (m *Mail) fail(e MailError, last bool) bool {
	if m.State != MailSending && m.State != MailQueued {
		return false
	}
	m.State, m.Error = MailQueued, e
	if last {
		m.State = MailFailed
		if m.Confidential {
			m.Content = nil
		}
	}
	return true
}

// lose notes that nobody knows whether the mail has left.
func (m *Mail) lose(e MailError) bool {
	if m.State != MailSending {
		return false
	}
	m.State, m.Error = MailUnknown, e
	return true
}

// bounce notes that the mail came back.
func (m *Mail) bounce(e MailError, at time.Time) bool {
	if m.State == MailBounced || m.State == MailQueued {
		return false
	}
	m.State, m.Error, m.BouncedAt = MailBounced, e, &at
	return true
}

// again makes the mail wait to be sent once more.
func (m *Mail) again() error {
	switch {
	case !slices.Contains([]MailState{MailFailed, MailUnknown, MailBounced}, m.State):
		return ErrNotResendable
	case m.Content == nil:
		return ErrForgotten
	}
	m.State, m.BouncedAt = MailQueued, nil
	return nil
}

// MailFilter narrows a list. A zero field does not narrow.
type MailFilter struct {
	States                     []MailState
	Template                   string
	To                         string
	Dealership                 *kernel.DealershipID
	Only                       []kernel.DealershipID // nil: all
	CreatedFrom, CreatedBefore *time.Time
}

// FindMail reads a mail of the ledger, and what it says where that may be shown.
func (s *Service) FindMail(ctx context.Context, actor auth.Actor, id kernel.MailID) (Mail, *Content, error) {
	if err := actor.Require(auth.MessagesRead); err != nil {
		return Mail{}, nil, err
	}
	m, err := s.Store.Mail(ctx, actor.Account, id)
	if err != nil {
		return m, nil, err
	}
	if !sees(actor, auth.MessagesRead, m.Dealership) {
		return Mail{}, nil, ErrNotFound
	}
	if m.Confidential || m.Content == nil {
		return m, nil, nil
	}
	c, err := s.open(m)
	return m, &c, err
}

// ListMails lists the ledger.
func (s *Service) ListMails(ctx context.Context, actor auth.Actor, f MailFilter, p page.Request) (page.Of[Mail], error) {
	only, err := reach(actor, auth.MessagesRead)
	if err != nil {
		return page.Of[Mail]{}, err
	}
	f.Only = only
	return s.Store.ListMails(ctx, actor.Account, f, p)
}

// MailChanges reads the next changes of mails.
func (s *Service) MailChanges(ctx context.Context, actor auth.Actor, c outbox.Cursor, limit int) (outbox.Changes[Mail], error) {
	if err := requireAccountWide(actor, auth.MessagesRead); err != nil {
		return outbox.Changes[Mail]{}, err
	}
	return outbox.Read(ctx, s.Events, actor.Account, outbox.Source[Mail]{
		Resource: ResourceMail,
		List: func(ctx context.Context, after uuid.UUID, limit int) ([]Mail, error) {
			return s.Store.MailsByID(ctx, actor.Account, after, limit)
		},
		Load: func(ctx context.Context, found []uuid.UUID) ([]Mail, error) {
			return s.Store.Mails(ctx, actor.Account, ids[kernel.MailID](found))
		},
		ID: func(m Mail) uuid.UUID { return uuid.UUID(m.ID) },
	}, c, limit)
}

// Resend sends a mail once more that failed, bounced or is unknown. Its Message-ID stays, by which a receiver that got it
// after all may see that it is the same.
func (s *Service) Resend(ctx context.Context, actor auth.Actor, id kernel.MailID, ifMatch *int64) (Mail, error) {
	if err := actor.Require(auth.MessagesWrite); err != nil {
		return Mail{}, err
	}
	var out Mail
	err := s.Units.InTx(ctx, func(ctx context.Context) error {
		var err error
		out, err = s.changeMail(ctx, actor, id, "resent", func(m *Mail) (bool, error) {
			if !sees(actor, auth.MessagesWrite, m.Dealership) {
				return false, ErrNotFound
			}
			if err := checkVersion(ifMatch, m.Version); err != nil {
				return false, err
			}
			return true, m.again()
		})
		if err != nil {
			return err
		}
		_, err = s.Jobs.Insert(ctx, actor.Account, SendMail{ID: id}, jobs.Options{})
		return err
	})
	return out, err
}

// changeMail changes a mail in the transaction of ctx and writes the event.
func (s *Service) changeMail(
	ctx context.Context, actor auth.Actor, id kernel.MailID, verb string, change func(*Mail) (bool, error),
) (Mail, error) {
	now, changed := s.Now(), false
	m, err := s.Store.UpdateMail(ctx, actor.Account, id, func(m *Mail) (bool, error) {
		var err error
		if changed, err = change(m); err != nil || !changed {
			return false, err
		}
		m.Version, m.UpdatedAt = m.Version+1, now
		return true, nil
	})
	if err != nil || !changed {
		return m, err
	}
	return m, s.write(ctx, actor.Account, actor, now, event{ResourceMail, verb, uuid.UUID(id), m.Version, []string{"state"}})
}
