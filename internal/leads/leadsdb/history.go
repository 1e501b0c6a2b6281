package leadsdb

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/leads"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
)

const insertEntry = `INSERT INTO lead_history (account_id, lead_id, id, at, kind, from_status, to_status, from_assignee, to_assignee, reason, note,
	actor_type, actor_id, actor_name) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`

// Record implements leads.Store.
func (s *Store) Record(ctx context.Context, account kernel.AccountID, e leads.Entry) error {
	args := []any{
		account, e.LeadID, e.ID, e.At, string(e.Kind), string(e.FromStatus), string(e.ToStatus), orNull(e.FromAssignee), orNull(e.ToAssignee),
		e.Reason, e.Note, string(e.ActorKind), orNull(e.ActorID), e.ActorName,
	}
	return s.db.Queue(ctx, account, insertEntry, args, nil, nil)
}

func scanEntry(r pgx.Row) (leads.Entry, error) {
	var (
		e                     leads.Entry
		kind, from, to, actor string
		fromUser, toUser, by  *uuid.UUID
	)
	err := r.Scan(&e.ID, &e.At, &kind, &from, &to, &fromUser, &toUser, &e.Reason, &e.Note, &actor, &by, &e.ActorName)
	e.Kind, e.FromStatus, e.ToStatus, e.ActorKind = leads.EntryKind(kind), leads.Status(from), leads.Status(to), auth.ActorKind(actor)
	e.FromAssignee, e.ToAssignee, e.ActorID = orZero[kernel.UserID](fromUser), orZero[kernel.UserID](toUser), orZero[uuid.UUID](by)
	return e, err
}
