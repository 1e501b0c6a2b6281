package core

import (
	"context"
	"log/slog"
	"time"
)

// housekeepEvery is how often what has ended is dropped. Nothing relies on when.
const housekeepEvery = time.Hour

// Housekeep drops ended sessions, revocations and counts of failures from time to time, until ctx ends. Any number of
// processes may run it.
func (s *Service) Housekeep(ctx context.Context) error {
	timer := time.NewTimer(time.Minute)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		if err := s.HousekeepNow(ctx); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "ended sessions could not be dropped; trying again", "error", err)
		}
		timer.Reset(housekeepEvery)
	}
}

// HousekeepNow does it once.
func (s *Service) HousekeepNow(ctx context.Context) error {
	now := s.Now()
	if err := s.Control.PurgeTokens(ctx, now); err != nil {
		return err
	}
	if err := s.Control.PurgeResetRequests(ctx, now.Add(-resetRequestKept)); err != nil {
		return err
	}
	return s.Control.PurgeAttempts(ctx, now.Add(-forgetAfter-maxLock))
}
