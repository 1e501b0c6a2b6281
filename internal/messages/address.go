package messages

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/audit"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/fold"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// ErrNoDomain is the answer to making an address where the installation has no domain for them.
var ErrNoDomain = errs.New(errs.Conflict, "mail_address.no_domain",
	"This installation receives no mail. Ask its operator to set ROOFTOP_MAIL_DOMAIN and ROOFTOP_SMTP_LISTEN.")

// Address is where mail comes in for an account.
type Address struct {
	ID      kernel.MailAddressID
	Version int64
	Address string // in lower case; never changes, and is never given to somebody else
	Purpose Purpose
	Label   string // what the address begins with
	AddressDetails
	CreatedAt time.Time
	UpdatedAt time.Time
	DeletedAt *time.Time
}

// AddressDetails is what may be changed of an address.
type AddressDetails struct {
	Dealership  *kernel.DealershipID // nil: each message must tell
	Source      string               // whom leads that come in here are credited to
	Acknowledge bool                 // whoever writes is told that it has come
}

// AddressFilter narrows a list. A zero field does not narrow.
type AddressFilter struct {
	Dealership *kernel.DealershipID
}

// PageKey is where a page sorted that way ends with this address.
func (a Address) PageKey(sort page.Sort) page.Key {
	return pageKey(sort, uuid.UUID(a.ID), a.CreatedAt, a.UpdatedAt)
}

func (a Address) open() audit.Fields {
	return audit.Fields{
		"address": a.Address, "purpose": a.Purpose, "dealership_id": a.Dealership, "source": a.Source, "acknowledge": a.Acknowledge, "deleted_at": a.DeletedAt,
	}
}

const (
	maxLabel  = 30
	maxSource = 200
	noise     = 5 // bytes of an address that cannot be guessed
)

// CreateAddress makes an address for incoming enquiries. It begins with the label, so that people recognise it, and goes
// on with letters that nobody can guess, so that no two accounts can want the same.
func (s *Service) CreateAddress(ctx context.Context, actor auth.Actor, label string, d AddressDetails) (Address, error) {
	if err := requireAccountWide(actor, auth.AccountWrite); err != nil {
		return Address{}, err
	}
	if s.Domain == "" {
		return Address{}, ErrNoDomain
	}
	var wrong []errs.Field
	if label = slug(label); label == "" {
		label = "leads"
	}
	if len(label) > maxLabel {
		label = strings.TrimRight(label[:maxLabel], "-")
	}
	wrong = append(wrong, d.validate()...)
	now := s.Now()
	var tail [noise]byte
	_, _ = rand.Read(tail[:]) // never fails: the runtime ends the program instead
	address := label + "-" + strings.ToLower(base32.StdEncoding.EncodeToString(tail[:])) + "@" + s.Domain
	a := Address{
		ID: kernel.NewID[kernel.MailAddressID](), Version: 1, Address: address, Purpose: PurposeIntake, Label: label, AddressDetails: d, CreatedAt: now, UpdatedAt: now,
	}
	return a, s.Units.InTx(ctx, func(ctx context.Context) error {
		place, err := s.place(ctx, actor.Account, d.Dealership)
		if err != nil {
			return err
		}
		if wrong := append(wrong, place...); len(wrong) > 0 {
			return errs.InvalidFields(wrong...)
		}
		if err := s.Store.InsertAddress(ctx, actor.Account, a); err != nil {
			return err
		}
		return s.administer(ctx, actor, now, event{ResourceAddress, "created", uuid.UUID(a.ID), 1, nil}, nil, a.open())
	})
}

// slug keeps of a text what an address may hold anywhere.
func slug(s string) string {
	var b strings.Builder
	dash := false
	for _, r := range fold.Text(s) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			if dash && b.Len() > 0 {
				b.WriteByte('-')
			}
			dash = false
			b.WriteRune(r)
		default:
			dash = true
		}
	}
	return b.String()
}

func (d *AddressDetails) validate() []errs.Field {
	d.Source = strings.TrimSpace(d.Source)
	if utf8.RuneCountInString(d.Source) > maxSource {
		return []errs.Field{{Pointer: "/source", Code: "too_long", Detail: fmt.Sprintf("Must be at most %d characters.", maxSource)}}
	}
	return nil
}

// FindAddress reads an address. It fails with ErrNotFound.
func (s *Service) FindAddress(ctx context.Context, actor auth.Actor, id kernel.MailAddressID) (Address, error) {
	if err := requireAccountWide(actor, auth.AccountRead); err != nil {
		return Address{}, err
	}
	a, err := s.Store.Address(ctx, actor.Account, id)
	if err == nil && a.DeletedAt != nil {
		return Address{}, ErrNotFound
	}
	return a, err
}

// ListAddresses lists the account's addresses.
func (s *Service) ListAddresses(ctx context.Context, actor auth.Actor, f AddressFilter, p page.Request) (page.Of[Address], error) {
	if err := requireAccountWide(actor, auth.AccountRead); err != nil {
		return page.Of[Address]{}, err
	}
	return s.Store.ListAddresses(ctx, actor.Account, f, p)
}

// AddressChanges reads the next changes of addresses, deleted ones too.
func (s *Service) AddressChanges(ctx context.Context, actor auth.Actor, c outbox.Cursor, limit int) (outbox.Changes[Address], error) {
	if err := requireAccountWide(actor, auth.AccountRead); err != nil {
		return outbox.Changes[Address]{}, err
	}
	return outbox.Read(ctx, s.Events, actor.Account, outbox.Source[Address]{
		Resource: ResourceAddress,
		List: func(ctx context.Context, after uuid.UUID, limit int) ([]Address, error) {
			return s.Store.AddressesByID(ctx, actor.Account, after, limit)
		},
		Load: func(ctx context.Context, found []uuid.UUID) ([]Address, error) {
			return s.Store.Addresses(ctx, actor.Account, ids[kernel.MailAddressID](found))
		},
		ID: func(a Address) uuid.UUID { return uuid.UUID(a.ID) },
	}, c, limit)
}

// UpdateAddress changes where mail to an address goes.
func (s *Service) UpdateAddress(
	ctx context.Context, actor auth.Actor, id kernel.MailAddressID, ifMatch *int64, edit func(*AddressDetails),
) (Address, error) {
	return s.changeAddress(ctx, actor, id, ifMatch, "updated", func(ctx context.Context, a *Address) ([]string, error) {
		before := a.AddressDetails
		edit(&a.AddressDetails)
		place, err := s.place(ctx, actor.Account, a.Dealership)
		if err != nil {
			return nil, err
		}
		if wrong := append(a.validate(), place...); len(wrong) > 0 {
			return nil, errs.InvalidFields(wrong...)
		}
		var changed []string
		for _, f := range []struct {
			name string
			same bool
		}{
			{"dealership_id", (before.Dealership == nil) == (a.Dealership == nil) && (a.Dealership == nil || *before.Dealership == *a.Dealership)},
			{"source", before.Source == a.Source},
			{"acknowledge", before.Acknowledge == a.Acknowledge},
		} {
			if !f.same {
				changed = append(changed, f.name)
			}
		}
		return changed, nil
	})
}

// DeleteAddress ends an address: mail to it is refused from now on.
func (s *Service) DeleteAddress(ctx context.Context, actor auth.Actor, id kernel.MailAddressID, ifMatch *int64) error {
	_, err := s.changeAddress(ctx, actor, id, ifMatch, "deleted", func(_ context.Context, a *Address) ([]string, error) {
		now := s.Now()
		a.DeletedAt = &now
		return []string{"deleted_at"}, nil
	})
	return err
}

func (s *Service) changeAddress(
	ctx context.Context, actor auth.Actor, id kernel.MailAddressID, ifMatch *int64, verb string,
	change func(context.Context, *Address) ([]string, error),
) (Address, error) {
	if err := requireAccountWide(actor, auth.AccountWrite); err != nil {
		return Address{}, err
	}
	var after Address
	err := s.Units.InTx(ctx, func(ctx context.Context) error {
		var before Address
		var changed []string
		var err error
		now := s.Now()
		after, err = s.Store.UpdateAddress(ctx, actor.Account, id, func(a *Address) (bool, error) {
			if a.DeletedAt != nil {
				return false, ErrNotFound
			}
			if err := checkVersion(ifMatch, a.Version); err != nil {
				return false, err
			}
			before = *a
			if changed, err = change(ctx, a); err != nil || len(changed) == 0 {
				return false, err
			}
			a.Version, a.UpdatedAt = a.Version+1, now
			return true, nil
		})
		if err != nil || len(changed) == 0 {
			return err
		}
		return s.administer(ctx, actor, now, event{ResourceAddress, verb, uuid.UUID(id), after.Version, changed}, before.open(), after.open())
	})
	return after, err
}
