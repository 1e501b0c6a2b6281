package coredb

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/core"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
)

const (
	keepReset  = `INSERT INTO password_reset_requests (id, email, requested_at) VALUES ($1, $2, $3)`
	purgeReset = `DELETE FROM password_reset_requests WHERE requested_at < $1`
	takeReset  = `DELETE FROM password_reset_requests WHERE id = $1 RETURNING email`
)

// KeepResetRequest implements core.ControlStore.
func (c *Control) KeepResetRequest(ctx context.Context, id uuid.UUID, sealedEmail []byte, at time.Time) error {
	return c.db.QueueControl(ctx, keepReset, []any{id, sealedEmail, at}, nil, nil)
}

// TakeResetRequest implements core.ControlStore.
func (c *Control) TakeResetRequest(ctx context.Context, id uuid.UUID) ([]byte, error) {
	var sealed []byte
	err := c.db.QueryControl(ctx, takeReset, []any{id}, func(r db.Rows) error { return r.Scan(&sealed) })
	switch {
	case err != nil:
		return nil, fmt.Errorf("take a request for a password: %w", err)
	case sealed == nil:
		return nil, core.ErrNotFound
	}
	return sealed, nil
}

// PurgeResetRequests implements core.ControlStore.
func (c *Control) PurgeResetRequests(ctx context.Context, before time.Time) error {
	if _, err := c.db.ExecControl(ctx, purgeReset, before); err != nil {
		return fmt.Errorf("purge requests for a password: %w", err)
	}
	return nil
}
