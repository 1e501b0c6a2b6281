// Package idem is the unit of work of one request: it runs the work, its events and the record of its answer in one
// transaction, so that a retry with the same Idempotency-Key gets the first answer byte for byte and has no second effect.
// It owns idempotency_keys.
package idem

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

var (
	// ErrInProgress is the answer while the first request with the key is still at work.
	ErrInProgress = errs.New(errs.Conflict, "idempotency.in_progress",
		"A request with this Idempotency-Key is still at work. Try again in a second: the answer will be the first one's.").After(time.Second)
	// ErrOtherRequest is the answer to a key that was used for something else.
	ErrOtherRequest = errs.New(errs.Invalid, "idempotency.key_reused",
		"This Idempotency-Key was used for another request. Use a new key for a new request, and the same body for a retry.")

	errReplay = errors.New("answered before")
)

// TTL is how long an answer can be replayed.
const TTL = 24 * time.Hour

// Claim names one request of one caller.
type Claim struct {
	Credential  kernel.CredentialID
	Key         string   // as the caller sent it; "" for a request without a key, of which nothing is kept
	Fingerprint [32]byte // SHA-256 of method, path, sorted query and body
}

// Answer is what the caller is given.
type Answer struct {
	Status   int
	Header   map[string]string // Location, ETag, Content-Type
	Body     []byte
	Replayed bool
}

// Store runs units of work.
type Store struct {
	db  *db.DB
	now func() time.Time
}

// New returns a store.
func New(d *db.DB, now func() time.Time) *Store { return &Store{db: d, now: now} }

// Do runs work in one transaction with the record of its answer. When the claim's key was answered before, work does not
// run and the first answer is returned; the replay itself writes and commits, so that it waits for the same replicas as
// the first answer did. It fails with ErrInProgress or ErrOtherRequest. An error of work rolls everything back, and then
// the key is free again.
func (s *Store) Do(ctx context.Context, account kernel.AccountID, c Claim, work func(ctx context.Context) (Answer, error)) (Answer, error) {
	var answer Answer
	if account.IsZero() { // a partner outside its grants: it has nothing to write to, as the work will tell it
		c.Key = ""
	}
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		if c.Key != "" {
			if err := s.claim(ctx, account, c); err != nil {
				return err
			}
		}
		var err error
		if answer, err = work(ctx); err != nil || c.Key == "" {
			return err
		}
		return s.record(ctx, account, c, answer)
	})
	switch {
	case errors.Is(err, errReplay):
		return s.replay(ctx, account, c)
	case db.Violates(err, "idempotency_keys_key"):
		return Answer{}, ErrInProgress
	case err != nil:
		return Answer{}, err
	}
	return answer, nil
}

const (
	lockKey   = `SELECT pg_try_advisory_xact_lock($1)`
	selectKey = `SELECT fingerprint FROM idempotency_keys WHERE account_id = $1 AND credential_id = $2 AND key = $3`
	touchKey  = `UPDATE idempotency_keys SET last_replayed_at = $4 WHERE account_id = $1 AND credential_id = $2 AND key = $3
		RETURNING fingerprint, status, headers, body`
	insertKey = `INSERT INTO idempotency_keys (account_id, credential_id, key, fingerprint, status, headers, body, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
)

// claim only queues: the lock and the look-up travel with the first statement of the work. They are two statements, since
// one statement would look with a snapshot from before it had the lock.
func (s *Store) claim(ctx context.Context, account kernel.AccountID, c Claim) error {
	err := s.db.Queue(ctx, account, lockKey, []any{c.lock(account)}, func(r pgx.Rows) error {
		var got bool
		if err := r.Scan(&got); err != nil || got {
			return err
		}
		return ErrInProgress
	}, nil)
	if err != nil {
		return err
	}
	return s.db.Queue(ctx, account, selectKey, []any{account, c.Credential, c.Key}, func(r pgx.Rows) error {
		var fingerprint []byte
		if err := r.Scan(&fingerprint); err != nil {
			return err
		}
		if string(fingerprint) != string(c.Fingerprint[:]) {
			return ErrOtherRequest
		}
		return errReplay
	}, nil)
}

func (s *Store) replay(ctx context.Context, account kernel.AccountID, c Claim) (Answer, error) {
	answer := Answer{Replayed: true}
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		var fingerprint, headers []byte
		args := []any{account, c.Credential, c.Key, s.now()}
		if err := s.db.QueryRow(ctx, account, touchKey, args, &fingerprint, &answer.Status, &headers, &answer.Body); err != nil {
			return err
		}
		return json.Unmarshal(headers, &answer.Header)
	})
	if err != nil {
		return Answer{}, fmt.Errorf("replay an answer: %w", err)
	}
	return answer, nil
}

func (s *Store) record(ctx context.Context, account kernel.AccountID, c Claim, a Answer) error {
	headers, err := json.Marshal(a.Header)
	if err != nil {
		return fmt.Errorf("keep an answer: %w", err)
	}
	args := []any{account, c.Credential, c.Key, c.Fingerprint[:], a.Status, headers, a.Body, s.now()}
	return s.db.Queue(ctx, account, insertKey, args, nil, nil)
}

// lock is the claim as a number for Postgres: two claims may share one, which costs a retry and nothing else.
func (c Claim) lock(account kernel.AccountID) int64 {
	h := fnv.New64a()
	_, _ = h.Write(account[:])
	_, _ = h.Write(c.Credential[:])
	_, _ = h.Write([]byte(c.Key))
	return int64(h.Sum64()) //nolint:gosec // a hash: every bit pattern will do
}

// purgeBatch is how many answers are forgotten at once: what follows waits no longer than that takes, and a day's worth of a
// busy account never outgrows the time that a statement has.
const purgeBatch = 2000

const purgeKeys = `DELETE FROM idempotency_keys k
	USING (SELECT credential_id, key FROM idempotency_keys WHERE account_id = $1 AND created_at < $2 ORDER BY created_at LIMIT $3) old
	WHERE k.account_id = $1 AND k.credential_id = old.credential_id AND k.key = old.key`

// Purge forgets a batch of the account's answers that are older than TTL, and tells whether there may be more of them.
func (s *Store) Purge(ctx context.Context, account kernel.AccountID) (more bool, err error) {
	n, err := s.db.Exec(ctx, account, purgeKeys, account, s.now().Add(-TTL), purgeBatch)
	if err != nil {
		return false, fmt.Errorf("purge idempotency keys: %w", err)
	}
	return n == purgeBatch, nil
}
