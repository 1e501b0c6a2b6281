package kernel

import (
	"database/sql/driver"
	"fmt"

	"github.com/google/uuid"
)

// ID is a UUID that knows what it names, so that a contact's id cannot be passed where a lead's is wanted.
// The zero ID names nothing. On the wire and in the database it is a plain UUID.
type ID[T any] uuid.UUID

type (
	account      struct{}
	dealership   struct{}
	user         struct{}
	credential   struct{}
	partner      struct{}
	grant        struct{}
	contact      struct{}
	lead         struct{}
	vehicle      struct{}
	inboxDoc     struct{}
	appointment  struct{}
	template     struct{}
	mail         struct{}
	mailAddress  struct{}
	inbound      struct{}
	openingHours struct{}
	closure      struct{}
	shift        struct{}
	absence      struct{}
	external     struct{}
	webhook      struct{}
	delivery     struct{}
	job          struct{}
	importRun    struct{}
	exportRun    struct{}
	file         struct{}
)

type (
	// AccountID names a dealer group: the tenant.
	AccountID = ID[account]
	// DealershipID names a rooftop: one point of sale of an account.
	DealershipID = ID[dealership]
	// UserID names a person who works for an account.
	UserID = ID[user]
	// CredentialID names whatever a caller signed in with: an API key, a site key, a partner's client, a user's login.
	CredentialID = ID[credential]
	// PartnerID names an OEM or lead provider.
	PartnerID = ID[partner]
	// GrantID names the permission a dealership gave to a partner.
	GrantID = ID[grant]
	// ContactID names a person or company.
	ContactID = ID[contact]
	// LeadID names an enquiry.
	LeadID = ID[lead]
	// VehicleID names a stock vehicle.
	VehicleID = ID[vehicle]
	// InboxID names an inbound document.
	InboxID = ID[inboxDoc]
	// FileID names an uploaded file.
	FileID = ID[file]
	// AppointmentID names a booking.
	AppointmentID = ID[appointment]
	// MessageTemplateID names an account's own wording of a message.
	MessageTemplateID = ID[template]
	// MailID names a mail that goes out.
	MailID = ID[mail]
	// MailAddressID names an address that mail comes in at.
	MailAddressID = ID[mailAddress]
	// InboundMessageID names a mail that came in.
	InboundMessageID = ID[inbound]
	// OpeningHoursID names the opening hours of a department of a dealership.
	OpeningHoursID = ID[openingHours]
	// ClosureID names a time at which a dealership is closed, once or by a rule.
	ClosureID = ID[closure]
	// ShiftID names a time at which a user works.
	ShiftID = ID[shift]
	// AbsenceID names a time at which a user does not work.
	AbsenceID = ID[absence]
	// ExternalCalendarID names a calendar of a user's that is kept elsewhere.
	ExternalCalendarID = ID[external]
	// WebhookID names an endpoint that is told of events.
	WebhookID = ID[webhook]
	// DeliveryID names one event on its way to one endpoint.
	DeliveryID = ID[delivery]
	// JobID names a long operation that its caller can follow.
	JobID = ID[job]
	// ImportID names one import of a file.
	ImportID = ID[importRun]
	// ExportID names one export to a file.
	ExportID = ID[exportRun]
)

// NewID returns a UUIDv7: it sorts by the time it was made, so that new rows land together in an index.
func NewID[I ~[16]byte]() I { return I(uuid.Must(uuid.NewV7())) }

// ParseID reads the canonical text form. Other spellings of a UUID (braces, urn:, no hyphens) are refused,
// because an id that has two spellings breaks caches and signatures.
func ParseID[I ~[16]byte](s string) (I, error) {
	var zero I
	if len(s) != 36 {
		return zero, fmt.Errorf("%q is not a UUID", s)
	}
	u, err := uuid.Parse(s)
	if err != nil {
		return zero, fmt.Errorf("%q is not a UUID", s)
	}
	return I(u), nil
}

// IsZero tells whether the id names nothing.
func (id ID[T]) IsZero() bool { return id == ID[T]{} }

// String is the canonical text form.
func (id ID[T]) String() string { return uuid.UUID(id).String() }

// MarshalText makes the id a JSON string.
func (id ID[T]) MarshalText() ([]byte, error) { return uuid.UUID(id).MarshalText() }

// UnmarshalText reads the canonical text form.
func (id *ID[T]) UnmarshalText(b []byte) error {
	v, err := ParseID[ID[T]](string(b))
	if err != nil {
		return err
	}
	*id = v
	return nil
}

// Value lets database/sql send the id.
func (id ID[T]) Value() (driver.Value, error) { return uuid.UUID(id).String(), nil }

// Scan lets database/sql read the id.
func (id *ID[T]) Scan(src any) error { return (*uuid.UUID)(id).Scan(src) }
