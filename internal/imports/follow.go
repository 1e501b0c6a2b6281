package imports

import (
	"context"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/platform/audit"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
)

// Changes reads on in the feed of imports. Progress alone is no event: what runs is in it as it was when it was asked for, or
// as it is when it has ended.
func (s *Service) Changes(ctx context.Context, actor auth.Actor, c outbox.Cursor, limit int) (outbox.Changes[Import], error) {
	if err := actor.Require(auth.ImportsRead); err != nil {
		return outbox.Changes[Import]{}, err
	}
	return outbox.Read(ctx, s.Log, actor.Account, outbox.Source[Import]{
		Resource: Resource,
		List: func(ctx context.Context, after uuid.UUID, limit int) ([]Import, error) {
			return s.Store.ByID(ctx, actor.Account, after, limit)
		},
		Load: func(ctx context.Context, ids []uuid.UUID) ([]Import, error) {
			return s.Store.Load(ctx, actor.Account, ids)
		},
		ID: func(i Import) uuid.UUID { return uuid.UUID(i.ID) },
	}, c, limit)
}

// ExportChanges reads on in the feed of exports, as Changes does in that of imports.
func (s *Service) ExportChanges(ctx context.Context, actor auth.Actor, c outbox.Cursor, limit int) (outbox.Changes[Export], error) {
	if err := actor.Require(auth.ImportsRead); err != nil {
		return outbox.Changes[Export]{}, err
	}
	return outbox.Read(ctx, s.Log, actor.Account, outbox.Source[Export]{
		Resource: ResourceExport,
		List: func(ctx context.Context, after uuid.UUID, limit int) ([]Export, error) {
			return s.Store.ExportsByID(ctx, actor.Account, after, limit)
		},
		Load: func(ctx context.Context, ids []uuid.UUID) ([]Export, error) {
			return s.Store.LoadExports(ctx, actor.Account, ids)
		},
		ID: func(e Export) uuid.UUID { return uuid.UUID(e.ID) },
	}, c, limit)
}

// note writes into the audit log that somebody moved many rows at once.
func (s *Service) note(ctx context.Context, actor auth.Actor, act, subject string, id uuid.UUID, said audit.Fields) error {
	return s.Audit.Write(ctx, actor.Account, audit.Act{
		Act: act, Subject: subject, SubjectID: id, Actor: actor, Changes: audit.Diff(nil, nil, said), At: s.Now(),
	})
}
