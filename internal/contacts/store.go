package contacts

import (
	"context"
	"time"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// Filter narrows a list. A zero field does not narrow.
type Filter struct {
	Query         string // every word of it, folded, must occur in the search text
	OwnerID       kernel.UserID
	Kind          Kind
	Tag           string // compared without case and accents
	Email         string // normalised; the contact has this very address
	Phone         string // E.164; the contact has this very number
	CreatedFrom   *time.Time
	CreatedBefore *time.Time
	UpdatedFrom   *time.Time
	UpdatedBefore *time.Time
}

// Store keeps contacts. Its writes join the transaction of ctx, and keep a contact's points and references in step with it.
type Store interface {
	// Find reads a contact, a deleted one too. It fails with ErrNotFound.
	Find(ctx context.Context, account kernel.AccountID, id kernel.ContactID) (Contact, error)
	// FindMany reads those of the contacts that exist, deleted ones too, in no order.
	FindMany(ctx context.Context, account kernel.AccountID, ids []kernel.ContactID) ([]Contact, error)
	// FindByRef locks the reference until the transaction ends and reads the contact that has it, a deleted one too.
	// It fails with ErrNotFound.
	FindByRef(ctx context.Context, account kernel.AccountID, ref kernel.ExternalRef) (Contact, error)
	// List reads a page of contacts that are not deleted.
	List(ctx context.Context, account kernel.AccountID, f Filter, p page.Request) (page.Of[Contact], error)
	// ListByID reads contacts by ascending id, deleted ones too.
	ListByID(ctx context.Context, account kernel.AccountID, after kernel.ContactID, limit int) ([]Contact, error)

	// Reserve queues the locks of the points. They hold until the transaction ends.
	Reserve(ctx context.Context, account kernel.AccountID, points []Point) error
	// Sharing locks the points and then reads, oldest first, the contacts that have one of them and are not deleted. Of a
	// point that very many share, not all are read.
	Sharing(ctx context.Context, account kernel.AccountID, points []Point) ([]Contact, error)
	// Insert writes a contact and waits for the outcome. It fails with ErrRefTaken or ErrUnknownOwner.
	Insert(ctx context.Context, account kernel.AccountID, c Contact) error
	// Enqueue is Insert without waiting: for a contact without references and owner, whose write cannot be refused.
	Enqueue(ctx context.Context, account kernel.AccountID, c Contact) error
	// Update reads a contact, a deleted one too, runs change on it and writes it back under the next version, unless
	// change left it as it was. When another wrote first it reads and runs change again. It fails with ErrNotFound,
	// ErrRefTaken, ErrUnknownOwner, ErrBusy or the error of change.
	Update(ctx context.Context, account kernel.AccountID, id kernel.ContactID, change func(*Contact) error) (Contact, error)
	// UpdateReserved is Update for a contact to which only points are added that the transaction has locked: it locks the
	// row instead of trying again, and does not wait for the outcome.
	UpdateReserved(ctx context.Context, account kernel.AccountID, id kernel.ContactID, change func(*Contact) error) (Contact, error)
}
