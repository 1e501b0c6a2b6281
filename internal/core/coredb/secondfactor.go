package coredb

import (
	"context"
	"fmt"
	"time"

	"github.com/rooftop-crm/rooftop/internal/core"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
)

const (
	readFactor = `SELECT f.secret, f.last_step, f.created_at, f.confirmed_at,
			(SELECT count(*) FROM recovery_codes c WHERE c.account_id = f.account_id AND c.user_id = f.user_id AND c.used_at IS NULL)
		FROM second_factors f WHERE f.account_id = $1 AND f.user_id = $2`
	dropFactor    = `DELETE FROM second_factors WHERE account_id = $1 AND user_id = $2`
	keepFactor    = `INSERT INTO second_factors (account_id, user_id, secret, created_at) VALUES ($1, $2, $3, $4)`
	confirmFactor = `UPDATE second_factors SET confirmed_at = $3 WHERE account_id = $1 AND user_id = $2`
	spendStep     = `UPDATE second_factors SET last_step = $3 WHERE account_id = $1 AND user_id = $2 AND last_step < $3`
	dropCodes     = `DELETE FROM recovery_codes WHERE account_id = $1 AND user_id = $2`
	keepCode      = `INSERT INTO recovery_codes (account_id, user_id, code_hash) VALUES ($1, $2, $3)`
	spendCode     = `UPDATE recovery_codes SET used_at = $4 WHERE account_id = $1 AND user_id = $2 AND code_hash = $3 AND used_at IS NULL`
)

// SecondFactor implements core.Store.
func (s *Store) SecondFactor(ctx context.Context, account kernel.AccountID, user kernel.UserID) (core.SecondFactor, error) {
	f, found := core.SecondFactor{User: user}, false
	err := s.db.Query(ctx, account, readFactor, []any{account, user}, func(r db.Rows) error {
		found = true
		return r.Scan(&f.Sealed, &f.LastStep, &f.CreatedAt, &f.ConfirmedAt, &f.CodesLeft)
	})
	switch {
	case err != nil:
		return core.SecondFactor{}, fmt.Errorf("read a second factor: %w", err)
	case !found:
		return core.SecondFactor{}, core.ErrNotFound
	}
	return f, nil
}

// KeepSecondFactor implements core.Store.
func (s *Store) KeepSecondFactor(ctx context.Context, account kernel.AccountID, f core.SecondFactor) error {
	if err := s.db.Queue(ctx, account, dropFactor, []any{account, f.User}, nil, nil); err != nil {
		return err
	}
	return s.db.Queue(ctx, account, keepFactor, []any{account, f.User, f.Sealed, f.CreatedAt}, nil, nil)
}

// ConfirmSecondFactor implements core.Store.
func (s *Store) ConfirmSecondFactor(ctx context.Context, account kernel.AccountID, user kernel.UserID, at time.Time) error {
	return s.db.Queue(ctx, account, confirmFactor, []any{account, user, at}, nil, nil)
}

// DropSecondFactor implements core.Store.
func (s *Store) DropSecondFactor(ctx context.Context, account kernel.AccountID, user kernel.UserID) (bool, error) {
	return s.once(ctx, account, "drop a second factor", dropFactor, account, user)
}

// SpendStep implements core.Store.
func (s *Store) SpendStep(ctx context.Context, account kernel.AccountID, user kernel.UserID, step int64) (bool, error) {
	return s.once(ctx, account, "take a code", spendStep, account, user, step)
}

// KeepRecoveryCodes implements core.Store.
func (s *Store) KeepRecoveryCodes(ctx context.Context, account kernel.AccountID, user kernel.UserID, hashes [][]byte) error {
	if err := s.db.Queue(ctx, account, dropCodes, []any{account, user}, nil, nil); err != nil {
		return err
	}
	for _, h := range hashes {
		if err := s.db.Queue(ctx, account, keepCode, []any{account, user, h}, nil, nil); err != nil {
			return err
		}
	}
	return nil
}

// SpendRecoveryCode implements core.Store.
func (s *Store) SpendRecoveryCode(ctx context.Context, account kernel.AccountID, user kernel.UserID, hash []byte, at time.Time) (bool, error) {
	return s.once(ctx, account, "take a recovery code", spendCode, account, user, hash, at)
}

// once runs a statement and tells whether it changed its row.
func (s *Store) once(ctx context.Context, account kernel.AccountID, what, sql string, args ...any) (bool, error) {
	n, err := s.db.Exec(ctx, account, sql, args...)
	if err != nil {
		return false, fmt.Errorf("%s: %w", what, err)
	}
	return n > 0, nil
}
