package leads

import (
	"context"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
)

// Oversize is what is known of a document that was over the size limit and was not read to its end.
type Oversize struct {
	MediaType string
	Limit     int64
	Size      int64    // as declared; else the bytes that were read until the limit
	Head      []byte   // its first KiB
	SHA256    [32]byte // of what was read
}

// RefuseOversize keeps the head of a document that is too large in the inbox, as rejected, so that the dealer can see
// who sent what. Once that is done the error is ErrTooLarge, which tells the sender the limit.
func (s *Service) RefuseOversize(ctx context.Context, actor auth.Actor, to Destination, o Oversize) error {
	actor, at, partnerOnly, err := s.receiver(ctx, actor, to)
	if err != nil {
		return err
	}
	d := s.newDocument(actor, at, Inbound{MediaType: o.MediaType, Body: o.Head})
	d.State, d.Size, d.SHA256, d.Fingerprint, d.ProcessedAt = InboxRejected, o.Size, o.SHA256, nil, &d.ReceivedAt
	told := ErrTooLarge.Saying("The document is larger than the %d bytes that this path accepts. Its first KiB is kept in the inbox.", o.Limit)
	d.ErrorCode, d.ErrorDetail = told.Code, told.Public
	if partnerOnly {
		if err := s.Inbox.KeepUnrouted(ctx, actor.Partner, &d, o.Head); err != nil {
			return err
		}
		err = s.Inbox.SettleUnrouted(ctx, actor.Partner, &d, false)
	} else {
		err = s.Units.InTx(ctx, func(ctx context.Context) error {
			if _, err := s.Inbox.Receive(ctx, actor.Account, &d, o.Head); err != nil {
				return err
			}
			if err := s.Inbox.Save(ctx, actor.Account, &d); err != nil {
				return err
			}
			return s.emitDocument(ctx, actor, &d, false)
		})
	}
	if err != nil {
		return err
	}
	return told
}

// receiver tells who may hand in a document, and where it goes; a zero dealership lets the document tell. That is for
// callers of the whole account, and for partners, of whom only the partner is known then.
func (s *Service) receiver(ctx context.Context, actor auth.Actor, to Destination) (in auth.Actor, at kernel.DealershipID, partnerOnly bool, err error) {
	if actor.Kind == auth.KindSiteKey {
		return actor, at, false, errSiteDocument
	}
	if err := actor.Require(auth.LeadsCreate); err != nil {
		return actor, at, false, err
	}
	if to == (Destination{}) {
		if actor.Kind == auth.KindPartner {
			return actor, at, true, nil
		}
		if _, all := actor.DealershipsWith(auth.LeadsCreate); all {
			return actor, at, false, nil // the document may tell
		}
	}
	in, at, err = s.Target(ctx, actor, to)
	return in, at, false, err
}
