package contactsdb

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/contacts"
	"github.com/rooftop-crm/rooftop/internal/kernel"
)

// One statement takes all locks: unnest gives them in the order of the array, which contacts.Locks has sorted. What is
// read under them must be another statement, whose snapshot is younger than the locks.
const lockPoints = `SELECT pg_advisory_xact_lock(k) FROM unnest($1::bigint[]) AS k`

// Reserve implements contacts.Store.
func (s *Store) Reserve(ctx context.Context, account kernel.AccountID, points []contacts.Point) error {
	if len(points) == 0 {
		return nil
	}
	return s.db.Queue(ctx, account, lockPoints, []any{contacts.Locks(account, points)}, nil, nil)
}

// What is read at most of the contacts that share a point: a switchboard may have thousands.
const selectSharing = `SELECT ` + columns + ` FROM contacts WHERE account_id = $1 AND deleted_at IS NULL AND id IN (
	(SELECT contact_id FROM contact_points WHERE account_id = $1 AND kind = 'email' AND value = ANY ($2) ORDER BY contact_id LIMIT 50)
	UNION
	(SELECT contact_id FROM contact_points WHERE account_id = $1 AND kind = 'phone' AND value = ANY ($3) ORDER BY contact_id LIMIT 200))
	ORDER BY id`

// Sharing implements contacts.Store. Locks and reading travel in one message.
func (s *Store) Sharing(ctx context.Context, account kernel.AccountID, points []contacts.Point) ([]contacts.Contact, error) {
	if err := s.Reserve(ctx, account, points); err != nil {
		return nil, err
	}
	emails, phones := values(points, contacts.PointEmail), values(points, contacts.PointPhone)
	return s.many(ctx, account, selectSharing, account, emails, phones)
}

func values(points []contacts.Point, kind contacts.PointKind) []string {
	out := []string{}
	for _, p := range points {
		if p.Kind == kind {
			out = append(out, p.Value)
		}
	}
	return out
}

const (
	insertPoints = `INSERT INTO contact_points (account_id, kind, value, contact_id)
		SELECT $1, p.kind, p.value, $2 FROM unnest($3::text[], $4::text[]) AS p (kind, value)`
	deletePoints = `DELETE FROM contact_points p USING unnest($3::text[], $4::text[]) AS gone (kind, value)
		WHERE p.account_id = $1 AND p.contact_id = $2 AND p.kind = gone.kind AND p.value = gone.value`
	insertRefs = `INSERT INTO contact_refs (account_id, source, external_id, contact_id)
		SELECT $1, r.source, r.external_id, $2 FROM unnest($3::text[], $4::text[]) AS r (source, external_id)`
	deleteRefs = `DELETE FROM contact_refs r USING unnest($3::text[], $4::text[]) AS gone (source, external_id)
		WHERE r.account_id = $1 AND r.contact_id = $2 AND r.source = gone.source AND r.external_id = gone.external_id`
)

// queuePairs queues one of the statements above, unless there is nothing to do.
func (s *Store) queuePairs(ctx context.Context, account kernel.AccountID, id kernel.ContactID, sql string, pairs [][2]string) error {
	if len(pairs) == 0 {
		return nil
	}
	left, right := make([]string, len(pairs)), make([]string, len(pairs))
	for i, p := range pairs {
		left[i], right[i] = p[0], p[1]
	}
	return s.db.Queue(ctx, account, sql, []any{account, uuid.UUID(id), left, right}, nil, nil)
}

// queueLinks queues what brings points and references from one state of a contact to the next. What goes leaves before
// anything comes.
func (s *Store) queueLinks(ctx context.Context, account kernel.AccountID, before, after contacts.Contact) error {
	was, is := before.Points(), after.Points()
	had, has := before.ExternalRefs, after.ExternalRefs
	for _, step := range []struct {
		sql   string
		pairs [][2]string
	}{
		{deletePoints, pointPairs(contacts.Without(was, is))},
		{deleteRefs, refPairs(contacts.Without(had, has))},
		{insertPoints, pointPairs(contacts.Without(is, was))},
		{insertRefs, refPairs(contacts.Without(has, had))},
	} {
		if err := s.queuePairs(ctx, account, after.ID, step.sql, step.pairs); err != nil {
			return err
		}
	}
	return nil
}

func pointPairs(points []contacts.Point) [][2]string {
	pairs := make([][2]string, len(points))
	for i, p := range points {
		pairs[i] = [2]string{string(p.Kind), p.Value}
	}
	return pairs
}

func refPairs(refs []kernel.ExternalRef) [][2]string {
	pairs := make([][2]string, len(refs))
	for i, r := range refs {
		pairs[i] = [2]string{r.Source, r.ID}
	}
	return pairs
}

// touched lists the points and references that differ between two states: what must be locked before the change.
func touched(before, after contacts.Contact) []contacts.Point {
	was, is := before.Points(), after.Points()
	points := append(contacts.Without(was, is), contacts.Without(is, was)...)
	for _, r := range contacts.Without(before.ExternalRefs, after.ExternalRefs) {
		points = append(points, contacts.RefPoint(r))
	}
	for _, r := range contacts.Without(after.ExternalRefs, before.ExternalRefs) {
		points = append(points, contacts.RefPoint(r))
	}
	return points
}

const selectTaken = `SELECT r.source, r.external_id FROM contact_refs r
	JOIN unnest($3::text[], $4::text[]) AS wanted (source, external_id) ON r.source = wanted.source AND r.external_id = wanted.external_id
	WHERE r.account_id = $1 AND r.contact_id <> $2`

// refuseTaken fails with ErrRefTaken, naming each of the new references that another contact has. They are locked by then.
func (s *Store) refuseTaken(ctx context.Context, account kernel.AccountID, before, after contacts.Contact) error {
	pairs := refPairs(contacts.Without(after.ExternalRefs, before.ExternalRefs))
	if len(pairs) == 0 {
		return nil
	}
	left, right := make([]string, len(pairs)), make([]string, len(pairs))
	for i, p := range pairs {
		left[i], right[i] = p[0], p[1]
	}
	taken, err := s.pairs(ctx, account, selectTaken, account, uuid.UUID(after.ID), left, right)
	if err != nil {
		return fmt.Errorf("look for references: %w", err)
	}
	if len(taken) > 0 {
		return refTaken(after, taken)
	}
	return nil
}
