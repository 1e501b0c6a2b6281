// Package links makes and opens secret links: whoever holds the token may do one thing to one subject, for a while, once or
// often. It owns secret_links, a control-plane table keyed by the SHA-256 of the token, since a link is opened before an
// account is known. What a purpose allows, and the path that carries the token, are left to the room that issues the link.
package links

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/keyset"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// ErrNotFound is the one answer for a token that is unknown, expired, used, revoked or made for something else.
var ErrNotFound = errs.New(errs.NotFound, "link.not_found", "This link does not work: it has ended, was used or revoked, or never was. Ask for a new one.")

const (
	tokenBytes = 32
	// keptFor is how long an ended link can still be listed.
	keptFor     = 30 * 24 * time.Hour
	purgeEvery  = time.Hour
	purgeAtOnce = 10_000
)

// Link is what is kept of a link: everything but the token.
type Link struct {
	ID        uuid.UUID
	Account   kernel.AccountID
	Purpose   string    // one for each thing that can be done by a link: "file.download"
	Subject   uuid.UUID // what it is done to
	SingleUse bool
	CreatedBy uuid.UUID // as auth.Actor.ID says it; zero for the system
	CreatedAt time.Time
	ExpiresAt *time.Time // nil: until it is revoked
	UsedAt    *time.Time // of the first Use
	RevokedAt *time.Time
}

// Works tells whether the link can be opened at that time.
func (l Link) Works(at time.Time) bool {
	return l.RevokedAt == nil && (l.ExpiresAt == nil || at.Before(*l.ExpiresAt)) && (!l.SingleUse || l.UsedAt == nil)
}

// New says what a link is for.
type New struct {
	Purpose   string
	Subject   uuid.UUID
	SingleUse bool
	ExpiresIn time.Duration // 0: until it is revoked, for feeds that somebody subscribes to
}

// Store is the links in Postgres.
type Store struct {
	db  *db.DB
	now func() time.Time
}

// NewStore returns the store.
func NewStore(d *db.DB, now func() time.Time) *Store { return &Store{db: d, now: now} }

const (
	columns = `id, account_id, purpose, subject_id, single_use, created_by, created_at, expires_at, used_at, revoked_at`
	works   = ` AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $3) AND (NOT single_use OR used_at IS NULL)`

	insertLink = `INSERT INTO secret_links (token_hash, ` + columns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL, NULL)`
	openLink   = `SELECT ` + columns + ` FROM secret_links WHERE token_hash = $1 AND purpose = $2` + works
	useLink    = `UPDATE secret_links SET used_at = coalesce(used_at, $3) WHERE token_hash = $1 AND purpose = $2` + works + ` RETURNING ` + columns
	findLink   = `SELECT ` + columns + ` FROM secret_links WHERE account_id = $1 AND purpose = $2 AND id = $3`
	listLinks  = `SELECT ` + columns + ` FROM secret_links WHERE account_id = $1 AND purpose = $2 AND subject_id = $3 ORDER BY created_at DESC, id DESC`
	revokeOne  = `UPDATE secret_links SET revoked_at = $4 WHERE account_id = $1 AND purpose = $2 AND id = $3 AND revoked_at IS NULL`
	revokeAll  = `UPDATE secret_links SET revoked_at = $4 WHERE account_id = $1 AND purpose = $2 AND subject_id = $3 AND revoked_at IS NULL`
	purgeLinks = `DELETE FROM secret_links WHERE token_hash IN (SELECT token_hash FROM secret_links WHERE least(revoked_at, expires_at) < $1 LIMIT $2)`
)

// Issue makes a link in the transaction of ctx. The token is returned here and never again.
func (s *Store) Issue(ctx context.Context, actor auth.Actor, n New) (token string, l Link, err error) {
	raw := make([]byte, tokenBytes)
	if _, err := rand.Read(raw); err != nil {
		return "", Link{}, fmt.Errorf("issue a link: %w", err)
	}
	token = base64.RawURLEncoding.EncodeToString(raw)
	l = Link{
		ID: kernel.NewID[uuid.UUID](), Account: actor.Account, Purpose: n.Purpose, Subject: n.Subject, SingleUse: n.SingleUse,
		CreatedBy: actor.ID(), CreatedAt: s.now(),
	}
	if n.ExpiresIn > 0 {
		end := l.CreatedAt.Add(n.ExpiresIn)
		l.ExpiresAt = &end
	}
	var by *uuid.UUID
	if l.CreatedBy != uuid.Nil {
		by = &l.CreatedBy
	}
	return token, l, s.db.QueueControl(ctx, insertLink,
		[]any{hash(token), l.ID, l.Account, l.Purpose, l.Subject, l.SingleUse, by, l.CreatedAt, l.ExpiresAt}, nil, nil)
}

// Open looks a token up without using it. It fails with ErrNotFound.
func (s *Store) Open(ctx context.Context, purpose, token string) (Link, error) {
	return s.one(ctx, openLink, hash(token), purpose, s.now())
}

// Use is Open, and marks the link used in the transaction of ctx: of several that use a single-use link at once, one
// succeeds, and the others wait for it and fail with ErrNotFound. When the transaction is rolled back, so is the use.
func (s *Store) Use(ctx context.Context, purpose, token string) (Link, error) {
	if !db.InTransaction(ctx) {
		return Link{}, db.ErrNoTransaction
	}
	return s.one(ctx, useLink, hash(token), purpose, s.now())
}

// Find reads a link of the account by its id, also when it has ended. It fails with ErrNotFound.
func (s *Store) Find(ctx context.Context, account kernel.AccountID, purpose string, id uuid.UUID) (Link, error) {
	return s.one(ctx, findLink, account, purpose, id)
}

// Page reads a page of the links to a subject by created_at, also ended ones that have not been purged.
func (s *Store) Page(ctx context.Context, account kernel.AccountID, purpose string, subject uuid.UUID, p page.Request) (page.Of[Link], error) {
	q := func() *gorm.DB {
		return s.db.Control(ctx).Table("secret_links").Where("account_id = ? AND purpose = ? AND subject_id = ?", account, purpose, subject)
	}
	var rows []linkRow
	if err := keyset.Apply(q(), p).Select(columns).Find(&rows).Error; err != nil {
		return page.Of[Link]{}, fmt.Errorf("list links: %w", err)
	}
	out := page.Map(page.Cut(rows, p.Limit, func(r linkRow) page.Key { return page.Key{At: r.CreatedAt, ID: r.ID} }), linkRow.link)
	var err error
	out.Total, err = keyset.Count(q(), p.Count)
	return out, err
}

// linkRow is a link as gorm reads it.
type linkRow struct {
	ID        uuid.UUID
	AccountID kernel.AccountID
	Purpose   string
	SubjectID uuid.UUID
	SingleUse bool
	CreatedBy *uuid.UUID
	CreatedAt time.Time
	ExpiresAt *time.Time
	UsedAt    *time.Time
	RevokedAt *time.Time
}

func (r linkRow) link() Link {
	l := Link{
		ID: r.ID, Account: r.AccountID, Purpose: r.Purpose, Subject: r.SubjectID, SingleUse: r.SingleUse,
		CreatedAt: r.CreatedAt, ExpiresAt: r.ExpiresAt, UsedAt: r.UsedAt, RevokedAt: r.RevokedAt,
	}
	if r.CreatedBy != nil {
		l.CreatedBy = *r.CreatedBy
	}
	return l
}

// List reads the links to a subject, newest first, also ended ones that have not been purged.
func (s *Store) List(ctx context.Context, account kernel.AccountID, purpose string, subject uuid.UUID) ([]Link, error) {
	all := []Link{}
	err := s.db.QueryControl(ctx, listLinks, []any{account, purpose, subject}, func(r db.Rows) error {
		l, err := scan(r)
		all = append(all, l)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list links: %w", err)
	}
	return all, nil
}

// Revoke ends one link, in the transaction of ctx. Revoking what has ended, or never was, changes nothing.
func (s *Store) Revoke(ctx context.Context, account kernel.AccountID, purpose string, id uuid.UUID) error {
	return s.db.QueueControl(ctx, revokeOne, []any{account, purpose, id, s.now()}, nil, nil)
}

// RevokeAll ends every link to a subject for that purpose, in the transaction of ctx.
func (s *Store) RevokeAll(ctx context.Context, account kernel.AccountID, purpose string, subject uuid.UUID) error {
	return s.db.QueueControl(ctx, revokeAll, []any{account, purpose, subject, s.now()}, nil, nil)
}

// Run purges from time to time until ctx ends. Any number of processes may run it.
func (s *Store) Run(ctx context.Context) error {
	timer := time.NewTimer(time.Minute)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		if _, err := s.Purge(ctx); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "ended links could not be forgotten; trying again", "error", err)
		}
		timer.Reset(purgeEvery)
	}
}

// Purge forgets links that ended a month ago, a bounded number at once, and tells how many it was.
func (s *Store) Purge(ctx context.Context) (int64, error) {
	n, err := s.db.ExecControl(ctx, purgeLinks, s.now().Add(-keptFor), purgeAtOnce)
	if err != nil {
		return 0, fmt.Errorf("purge links: %w", err)
	}
	return n, nil
}

func (s *Store) one(ctx context.Context, sql string, args ...any) (Link, error) {
	l, found := Link{}, false
	err := s.db.QueryControl(ctx, sql, args, func(r db.Rows) (err error) {
		l, err = scan(r)
		found = true
		return err
	})
	switch {
	case err != nil:
		return Link{}, fmt.Errorf("read a link: %w", err)
	case !found:
		return Link{}, ErrNotFound
	}
	return l, nil
}

func scan(r db.Rows) (Link, error) {
	var l Link
	var by *uuid.UUID
	err := r.Scan(&l.ID, &l.Account, &l.Purpose, &l.Subject, &l.SingleUse, &by, &l.CreatedAt, &l.ExpiresAt, &l.UsedAt, &l.RevokedAt)
	if by != nil {
		l.CreatedBy = *by
	}
	return l, err
}

// hash is also taken of what cannot be a token, so that every wrong one takes the same path. The text is hashed, not the
// bytes: a second spelling of the same bytes is another token.
func hash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}
