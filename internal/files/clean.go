package files

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/blob"
	"github.com/rooftop-crm/rooftop/internal/platform/jobs"
)

// cleaning is slow where blobs are far away; a few at a time are enough.
var cleaning = jobs.Queue{Name: "files", Workers: 2}

// removal is the job that removes the bytes of a deleted file.
type removal struct {
	FileID kernel.FileID `json:"file_id"`
}

// Kind implements jobs.Args.
func (removal) Kind() string { return "files.remove" }

// sweeping is the job that removes an account's bytes that no file has.
type sweeping struct{}

// Kind implements jobs.Args.
func (sweeping) Kind() string { return "files.sweep" }

// Handle registers the jobs of files.
func (s *Service) Handle(h jobs.Handlers) {
	jobs.Handle(h, jobs.Spec{Queue: cleaning}, func(ctx context.Context, a *jobs.Attempt[removal]) error {
		return unlessHeld(s.Blobs.Delete(ctx, blob.Key(a.Account, room, uuid.UUID(a.Args.FileID))))
	})
	jobs.Handle(h, jobs.Spec{Queue: cleaning}, func(ctx context.Context, a *jobs.Attempt[sweeping]) error {
		_, err := s.Sweep(ctx, a.Account)
		return unlessHeld(err)
	})
}

// heldFor is when a job looks again whether a backup, which needs the bytes of files deleted since it began, is over.
const heldFor = time.Minute

// unlessHeld has a job come again after a backup. That is no failed attempt.
func unlessHeld(err error) error {
	if errors.Is(err, blob.ErrHeld) {
		return jobs.Again(heldFor)
	}
	return err
}

// Unused deletes a file whose time is up unless something uses it by now.
func (s *Service) Unused(ctx context.Context, account kernel.AccountID, id uuid.UUID) error {
	err := s.delete(ctx, auth.System(account), kernel.FileID(id), func(f File) error {
		if f.ExpiresAt == nil || f.ExpiresAt.After(s.Now()) {
			return ErrInUse
		}
		return nil
	})
	if isGone(err) || errors.Is(err, ErrInUse) {
		return nil // there is nothing to do any more
	}
	return err
}

const (
	// sweepAfter is how old bytes without a file must be: longer than any upload takes.
	sweepAfter = 24 * time.Hour
	sweepEvery = 6 * time.Hour
	sweepBatch = 500
)

// Run has every account swept from time to time until ctx ends. Any number of processes may run it.
func (s *Service) Run(ctx context.Context) error {
	timer := time.NewTimer(sweepEvery)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		if err := s.ScheduleSweeps(ctx); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "files could not be swept; trying again", "error", err)
		}
		timer.Reset(sweepEvery)
	}
}

// ScheduleSweeps makes a job for each account that has bytes.
func (s *Service) ScheduleSweeps(ctx context.Context) error {
	accounts, err := s.Blobs.Accounts(ctx)
	if err != nil {
		return err
	}
	for _, account := range accounts {
		if _, err := s.Jobs.Insert(ctx, account, sweeping{}, jobs.Options{Once: true}); err != nil {
			return fmt.Errorf("schedule a sweep of files: %w", err)
		}
	}
	return nil
}

// Sweep removes the account's bytes that no file has: of uploads that ended before they became one, and of files whose
// removal was given up. It tells how many it was.
func (s *Service) Sweep(ctx context.Context, account kernel.AccountID) (removed int, err error) {
	var batch []kernel.FileID
	flush := func() error {
		found, err := s.Store.FindMany(ctx, account, batch)
		if err != nil {
			return err
		}
		there := make(map[kernel.FileID]bool, len(found))
		for _, f := range found {
			there[f.ID] = f.DeletedAt == nil
		}
		for _, id := range batch {
			if there[id] {
				continue
			}
			if err := s.Blobs.Delete(ctx, blob.Key(account, room, uuid.UUID(id))); err != nil {
				return err
			}
			removed++
		}
		batch = batch[:0]
		return nil
	}
	err = s.Blobs.Each(ctx, account, room, s.Now().Add(-sweepAfter), func(id uuid.UUID) error {
		if batch = append(batch, kernel.FileID(id)); len(batch) < sweepBatch {
			return nil
		}
		return flush()
	})
	if err != nil {
		return removed, err
	}
	return removed, flush()
}

func isGone(err error) bool { return errors.Is(err, ErrNotFound) }
