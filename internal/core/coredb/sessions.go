package coredb

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/rooftop-crm/rooftop/internal/core"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

type sessionRow struct {
	AccountID     kernel.AccountID `gorm:"primaryKey"`
	ID            uuid.UUID        `gorm:"primaryKey"`
	UserID        kernel.UserID
	UserAgent     string
	Network       string
	CreatedAt     time.Time `gorm:"autoCreateTime:false"`
	LastUsedAt    time.Time
	IdleExpiresAt time.Time
	ExpiresAt     time.Time
	EndedAt       *time.Time
}

// TableName is gorm's question.
func (sessionRow) TableName() string { return "sessions" }

func fromSession(r sessionRow) core.Session {
	return core.Session{
		ID: r.ID, User: r.UserID, UserAgent: r.UserAgent, Network: r.Network, CreatedAt: r.CreatedAt, LastUsedAt: r.LastUsedAt,
		IdleExpiresAt: r.IdleExpiresAt, ExpiresAt: r.ExpiresAt, EndedAt: r.EndedAt,
	}
}

func (s *Store) sessions(ctx context.Context, account kernel.AccountID) *gorm.DB {
	return s.db.Conn(ctx, account).Model(&sessionRow{}).Where("account_id = ?", account)
}

// Session implements core.Store.
func (s *Store) Session(ctx context.Context, account kernel.AccountID, id uuid.UUID) (core.Session, error) {
	return take(s.sessions(ctx, account).Where("id = ?", id), "session", fromSession)
}

// ListSessions implements core.Store.
func (s *Store) ListSessions(
	ctx context.Context, account kernel.AccountID, user kernel.UserID, at time.Time, p page.Request,
) (page.Of[core.Session], error) {
	filtered := func() *gorm.DB {
		return s.sessions(ctx, account).Where("user_id = ? AND ended_at IS NULL AND idle_expires_at > ? AND expires_at > ?", user, at, at)
	}
	return list(filtered, p, "sessions", fromSession, core.Session.PageKey)
}

// PurgeSessions implements core.Store.
func (s *Store) PurgeSessions(ctx context.Context, account kernel.AccountID, before time.Time) error {
	_, err := s.db.Exec(ctx, account, `DELETE FROM sessions WHERE account_id = $1 AND (idle_expires_at < $2 OR expires_at < $2 OR ended_at < $2)`, account, before)
	if err != nil {
		return fmt.Errorf("purge sessions: %w", err)
	}
	return nil
}

const (
	keepSession = `INSERT INTO sessions (account_id, id, user_id, user_agent, network, created_at, last_used_at, idle_expires_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8)
		ON CONFLICT (account_id, id) DO UPDATE SET user_agent = excluded.user_agent, network = excluded.network,
			last_used_at = excluded.last_used_at, idle_expires_at = excluded.idle_expires_at`
	endSession   = `UPDATE sessions SET ended_at = $3 WHERE account_id = $1 AND id = $2 AND ended_at IS NULL`
	endSessions  = `UPDATE sessions SET ended_at = $3 WHERE account_id = $1 AND user_id = $2 AND ended_at IS NULL`
	endRefreshes = `UPDATE refresh_tokens SET revoked_at = $3, successor = NULL WHERE account_id = $1 AND user_id = $2 AND revoked_at IS NULL`
)

// keepSession notes the session that a refresh token belongs to, and its use.
func (c *Control) keepSession(ctx context.Context, r core.Refresh) error {
	args := []any{r.Account, r.Family, r.User, r.UserAgent, r.Network, r.IssuedAt, r.IdleExpiresAt, r.ExpiresAt}
	return c.db.Queue(ctx, r.Account, keepSession, args, nil, nil)
}

// EndSessions implements core.ControlStore.
func (c *Control) EndSessions(ctx context.Context, account kernel.AccountID, user kernel.UserID, at time.Time) error {
	if err := c.db.Queue(ctx, account, endSessions, []any{account, user, at}, nil, nil); err != nil {
		return err
	}
	return c.db.QueueControl(ctx, endRefreshes, []any{account, user, at}, nil, nil)
}
