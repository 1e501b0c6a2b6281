package messages

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/mail"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// Store keeps what belongs to one account. What is not there fails with ErrNotFound. Updates lock the row, run change, and
// write when it says so.
type Store interface {
	// InsertTemplate fails with ErrTemplateTaken.
	InsertTemplate(ctx context.Context, account kernel.AccountID, t Template) error
	Template(ctx context.Context, account kernel.AccountID, id kernel.MessageTemplateID) (Template, error)
	Templates(ctx context.Context, account kernel.AccountID, ids []kernel.MessageTemplateID) ([]Template, error)
	TemplatesByID(ctx context.Context, account kernel.AccountID, after uuid.UUID, limit int) ([]Template, error)
	// TemplatesNamed are all wordings of one message that are not deleted.
	TemplatesNamed(ctx context.Context, account kernel.AccountID, name string) ([]Template, error)
	ListTemplates(ctx context.Context, account kernel.AccountID, f TemplateFilter, p page.Request) (page.Of[Template], error)
	UpdateTemplate(ctx context.Context, account kernel.AccountID, id kernel.MessageTemplateID, change func(*Template) (bool, error)) (Template, error)

	InsertMail(ctx context.Context, account kernel.AccountID, m Mail) error
	Mail(ctx context.Context, account kernel.AccountID, id kernel.MailID) (Mail, error)
	Mails(ctx context.Context, account kernel.AccountID, ids []kernel.MailID) ([]Mail, error)
	MailsByID(ctx context.Context, account kernel.AccountID, after uuid.UUID, limit int) ([]Mail, error)
	MailByToken(ctx context.Context, account kernel.AccountID, t mail.Token) (Mail, error)
	ListMails(ctx context.Context, account kernel.AccountID, f MailFilter, p page.Request) (page.Of[Mail], error)
	UpdateMail(ctx context.Context, account kernel.AccountID, id kernel.MailID, change func(*Mail) (bool, error)) (Mail, error)
	// SentSince tells whether a message of that kind went to the address since then. Until the transaction of ctx ends
	// nobody else is told about the same address.
	SentSince(ctx context.Context, account kernel.AccountID, template, to string, since time.Time) (bool, error)

	InsertAddress(ctx context.Context, account kernel.AccountID, a Address) error
	Address(ctx context.Context, account kernel.AccountID, id kernel.MailAddressID) (Address, error)
	Addresses(ctx context.Context, account kernel.AccountID, ids []kernel.MailAddressID) ([]Address, error)
	AddressesByID(ctx context.Context, account kernel.AccountID, after uuid.UUID, limit int) ([]Address, error)
	ListAddresses(ctx context.Context, account kernel.AccountID, f AddressFilter, p page.Request) (page.Of[Address], error)
	UpdateAddress(ctx context.Context, account kernel.AccountID, id kernel.MailAddressID, change func(*Address) (bool, error)) (Address, error)

	// SeenInbound tells whether the same message was kept since then. Until the transaction of ctx ends nobody else is told
	// about the same message.
	SeenInbound(ctx context.Context, account kernel.AccountID, dedupe [32]byte, since time.Time) (bool, error)
	InsertInbound(ctx context.Context, account kernel.AccountID, in Inbound, raw []byte) error
	Inbound(ctx context.Context, account kernel.AccountID, id kernel.InboundMessageID) (Inbound, error)
	RawInbound(ctx context.Context, account kernel.AccountID, id kernel.InboundMessageID) ([]byte, error)
	Inbounds(ctx context.Context, account kernel.AccountID, ids []kernel.InboundMessageID) ([]Inbound, error)
	InboundByID(ctx context.Context, account kernel.AccountID, after uuid.UUID, limit int) ([]Inbound, error)
	ListInbound(ctx context.Context, account kernel.AccountID, f InboundFilter, p page.Request) (page.Of[Inbound], error)
	UpdateInbound(ctx context.Context, account kernel.AccountID, id kernel.InboundMessageID, change func(*Inbound) (bool, error)) (Inbound, error)
}

// DirectoryStore finds whose an address is, before an account is known.
type DirectoryStore interface {
	// AddressNamed finds an address in lower case, one that has ended too.
	AddressNamed(ctx context.Context, address string) (kernel.AccountID, kernel.MailAddressID, error)
}
