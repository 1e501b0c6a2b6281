// Package audit is the log of what administrators did: who, what, to which resource, by which credential and from where.
// Entries are written in the transaction of the act and never changed; the database refuses it. It owns audit_log. Which
// acts are worth an entry is left to the rooms that do them.
package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
)

// Entry is one act.
type Entry struct {
	ID         uuid.UUID
	Act        string    // "api_key.created"
	Subject    string    // "api_key"
	SubjectID  uuid.UUID // of the resource
	ActorKind  auth.ActorKind
	ActorID    uuid.UUID // uuid.Nil for the system
	Credential uuid.UUID // the key, or the session of a person; uuid.Nil for the system
	Changes    []Change
	RequestID  string // "" for what no request caused
	Address    string // the network the request came from
	At         time.Time
}

// Change is one field of the subject. Secrets and personal data are named, and their values withheld.
type Change struct {
	Field    string `json:"field"`
	Before   any    `json:"before,omitempty"`
	After    any    `json:"after,omitempty"`
	Withheld bool   `json:"withheld,omitempty"`
}

// Act is what a room says of what was done.
type Act struct {
	Act       string
	Subject   string
	SubjectID uuid.UUID
	Actor     auth.Actor
	Changes   []Change
	At        time.Time
}

// Writer is what a service writes its acts to.
type Writer interface {
	// Write adds an entry to the transaction of ctx. Where the request came from is taken from ctx.
	Write(ctx context.Context, account kernel.AccountID, a Act) error
}

// Fields are the values of a resource that may be shown for ever: nothing secret, nothing of a person.
type Fields map[string]any

// Diff says what became of the named fields. Those that are not among the values are withheld. A nil changed stands for a
// resource that is new: all that it has.
func Diff(changed []string, before, after Fields) []Change {
	if changed == nil {
		changed = slices.Sorted(maps.Keys(after))
	}
	out := make([]Change, len(changed))
	for i, name := range changed {
		now, open := after[name]
		out[i] = Change{Field: name, Before: before[name], After: now, Withheld: !open}
	}
	return out
}

// Log is the audit log in Postgres.
type Log struct{ db *db.DB }

var _ Writer = (*Log)(nil)

// New returns the log.
func New(d *db.DB) *Log { return &Log{db: d} }

const insert = `INSERT INTO audit_log
	(account_id, id, act, subject_type, subject_id, actor_type, actor_id, credential_id, changes, request_id, address, created_at)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`

// Write implements Writer.
func (l *Log) Write(ctx context.Context, account kernel.AccountID, a Act) error {
	if a.Changes == nil {
		a.Changes = []Change{}
	}
	changes, err := json.Marshal(a.Changes)
	if err != nil {
		return fmt.Errorf("write the audit log: %w", err)
	}
	from := originOf(ctx)
	args := []any{
		account, kernel.NewID[uuid.UUID](), a.Act, a.Subject, a.SubjectID, string(a.Actor.Kind), orNull(a.Actor.ID()),
		orNull(credential(a.Actor)), json.RawMessage(changes), from.RequestID, network(from.Address), a.At,
	}
	return l.db.Queue(ctx, account, insert, args, nil, nil)
}

// credential is by what the actor acts: for people the session, since they may have several.
func credential(a auth.Actor) uuid.UUID {
	if a.Kind == auth.KindUser {
		return a.Session
	}
	return uuid.UUID(a.Credential)
}

func orNull(id [16]byte) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return (*uuid.UUID)(&id)
}
