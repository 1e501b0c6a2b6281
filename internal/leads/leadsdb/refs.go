package leadsdb

import (
	"cmp"
	"context"
	"hash/fnv"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/leads"
)

// key is the source under which a reference is stored: the scope keeps senders apart.
func key(r leads.Ref) string {
	if r.Scope == "" {
		return r.Source
	}
	return r.Scope + "/" + r.Source
}

func split(refs []leads.Ref) (sources, ids []string) {
	for _, r := range refs {
		sources, ids = append(sources, key(r)), append(ids, r.ID)
	}
	return sources, ids
}

// LockRefs implements leads.Store. Locks are taken in one order, so that two senders of several references never wait for
// each other.
func (s *Store) LockRefs(ctx context.Context, account kernel.AccountID, refs []leads.Ref) error {
	locks := make([]int64, len(refs))
	for i, r := range refs {
		h := fnv.New64a()
		_, _ = h.Write(account[:])
		_, _ = h.Write([]byte(key(r) + "\x00" + r.ID))
		locks[i] = int64(h.Sum64()) //nolint:gosec // a hash: every bit pattern will do
	}
	slices.SortFunc(locks, cmp.Compare[int64])
	return s.db.Queue(ctx, account, `SELECT count(pg_advisory_xact_lock(k)) FROM unnest($1::bigint[]) k`, []any{locks}, nil, nil)
}

// QueueByRefs implements leads.Store.
func (s *Store) QueueByRefs(ctx context.Context, account kernel.AccountID, refs []leads.Ref, found func(kernel.LeadID)) error {
	sources, ids := split(refs)
	sql := `SELECT r.lead_id FROM unnest($2::text[], $3::text[]) q (source, external_id)
		JOIN lead_refs r ON r.account_id = $1 AND r.source = q.source AND r.external_id = q.external_id`
	return s.db.Queue(ctx, account, sql, []any{account, sources, ids}, func(r pgx.Rows) error {
		var id kernel.LeadID
		if err := r.Scan(&id); err != nil {
			return err
		}
		found(id)
		return nil
	}, nil)
}

// AddRefs implements leads.Store. The references are locked by then, so that a conflict can only be with the lead itself.
func (s *Store) AddRefs(ctx context.Context, account kernel.AccountID, id kernel.LeadID, refs []leads.Ref) error {
	if len(refs) == 0 {
		return nil
	}
	sources, ids := split(refs)
	sql := `INSERT INTO lead_refs (account_id, source, external_id, lead_id) SELECT $1, source, external_id, $2
		FROM unnest($3::text[], $4::text[]) q (source, external_id) ON CONFLICT ON CONSTRAINT lead_refs_key DO NOTHING`
	return s.db.Queue(ctx, account, sql, []any{account, id, sources, ids}, nil, nil)
}

// ClaimRefs implements leads.Store.
func (s *Store) ClaimRefs(ctx context.Context, account kernel.AccountID, id kernel.LeadID, refs []leads.Ref) error {
	if len(refs) == 0 {
		return nil
	}
	if err := s.LockRefs(ctx, account, refs); err != nil {
		return err
	}
	other := false
	sources, ids := split(refs)
	sql := `SELECT 1 FROM unnest($3::text[], $4::text[]) q (source, external_id)
		JOIN lead_refs r ON r.account_id = $1 AND r.source = q.source AND r.external_id = q.external_id AND r.lead_id <> $2`
	err := s.db.Query(ctx, account, sql, []any{account, id, sources, ids}, func(pgx.Rows) error {
		other = true
		return nil
	})
	if err != nil {
		return err
	}
	if other {
		return leads.ErrRefTaken
	}
	return s.AddRefs(ctx, account, id, refs)
}
