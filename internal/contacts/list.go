package contacts

import (
	"cmp"
	"context"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/fold"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
	"github.com/rooftop-crm/rooftop/pkg/phone"
)

// List reads a page of contacts that are not deleted, by created_at or updated_at. Filter.Email and Filter.Phone are
// taken as they were typed. It fails with ErrBadFilter when one of them is no address or number.
func (s *Service) List(ctx context.Context, actor auth.Actor, f Filter, p page.Request) (page.Of[Contact], error) {
	if err := actor.Require(auth.ContactsRead); err != nil {
		return page.Of[Contact]{}, err
	}
	if f.Email != "" {
		address, ok := fold.Email(f.Email)
		if !ok {
			return page.Of[Contact]{}, ErrBadFilter.At(errs.Field{
				Pointer: "?email", Code: "email", Detail: "This is no e-mail address. Write it like name@example.com.",
			})
		}
		f.Email = address
	}
	if f.Phone != "" {
		region, err := s.region(ctx, actor.Account, true)
		if err != nil {
			return page.Of[Contact]{}, err
		}
		n := phone.Parse(f.Phone, region)
		if f.Phone = cmp.Or(n.E164, n.Possible); f.Phone == "" {
			return page.Of[Contact]{}, ErrBadFilter.At(errs.Field{
				Pointer: "?phone", Code: "phone", Detail: "This is no telephone number. Write it with its country code, the plus as %2B; q finds pieces of one.",
			})
		}
	}
	return s.store.List(ctx, actor.Account, f, p)
}

// Changes reads the next step of all changes of contacts, deleted ones included.
func (s *Service) Changes(ctx context.Context, actor auth.Actor, c outbox.Cursor, limit int) (outbox.Changes[Contact], error) {
	if err := actor.Require(auth.ContactsRead); err != nil {
		return outbox.Changes[Contact]{}, err
	}
	source := outbox.Source[Contact]{
		Resource: Resource,
		List: func(ctx context.Context, after uuid.UUID, limit int) ([]Contact, error) {
			return s.store.ListByID(ctx, actor.Account, kernel.ContactID(after), limit)
		},
		Load: func(ctx context.Context, ids []uuid.UUID) ([]Contact, error) {
			typed := make([]kernel.ContactID, len(ids))
			for i, id := range ids {
				typed[i] = kernel.ContactID(id)
			}
			return s.store.FindMany(ctx, actor.Account, typed)
		},
		ID: func(c Contact) uuid.UUID { return uuid.UUID(c.ID) },
	}
	return outbox.Read(ctx, s.log, actor.Account, source, c, limit)
}
