package files

import (
	"context"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/links"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// linkPurpose is reading one file.
const linkPurpose = "file.read"

// Link makes a link by which anybody may read the file for a while; 0 means a day. The token is shown here and never again.
func (s *Service) Link(ctx context.Context, actor auth.Actor, id kernel.FileID, expiresIn time.Duration) (token string, l links.Link, err error) {
	if err := actor.Require(auth.FilesWrite); err != nil {
		return "", links.Link{}, err
	}
	if expiresIn == 0 {
		expiresIn = defaultLink
	}
	if expiresIn < shortLink || expiresIn > longLink {
		return "", links.Link{}, ErrLinkTime
	}
	err = s.Unit.InTx(ctx, func(ctx context.Context) error {
		// The row is locked, so that no link outlives a deletion at the same moment.
		if _, err := s.Store.Update(ctx, actor.Account, id, func(f *File) (bool, error) {
			if f.DeletedAt != nil {
				return false, ErrNotFound
			}
			return false, nil
		}); err != nil {
			return err
		}
		token, l, err = s.Links.Issue(ctx, actor, links.New{Purpose: linkPurpose, Subject: uuid.UUID(id), ExpiresIn: expiresIn})
		return err
	})
	return token, l, err
}

// ListLinks pages through the links to a file, ended ones of the last month too.
func (s *Service) ListLinks(ctx context.Context, actor auth.Actor, id kernel.FileID, p page.Request) (page.Of[links.Link], error) {
	if _, err := s.Find(ctx, actor, id); err != nil {
		return page.Of[links.Link]{}, err
	}
	return s.Links.Page(ctx, actor.Account, linkPurpose, uuid.UUID(id), p)
}

// RevokeLink ends a link. It fails with links.ErrNotFound when there never was one; ending it twice changes nothing.
func (s *Service) RevokeLink(ctx context.Context, actor auth.Actor, id uuid.UUID) error {
	if err := actor.Require(auth.FilesWrite); err != nil {
		return err
	}
	return s.Unit.InTx(ctx, func(ctx context.Context) error {
		if _, err := s.Links.Find(ctx, actor.Account, linkPurpose, id); err != nil {
			return err
		}
		return s.Links.Revoke(ctx, actor.Account, linkPurpose, id)
	})
}

// OpenLink reads the file of a link. It fails with links.ErrNotFound, whatever the reason.
func (s *Service) OpenLink(ctx context.Context, token string) (File, io.ReadSeekCloser, error) {
	l, err := s.Links.Open(ctx, linkPurpose, token)
	if err != nil {
		return File{}, nil, err
	}
	f, content, err := s.open(ctx, l.Account, kernel.FileID(l.Subject))
	if err == nil {
		return f, content, nil
	}
	if isGone(err) {
		return File{}, nil, links.ErrNotFound.Because(err)
	}
	return File{}, nil, err
}
