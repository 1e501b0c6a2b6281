package contactsdb_test

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/contacts"
	"github.com/rooftop-crm/rooftop/internal/contacts/contactsdb"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
)

// Row security keeps LIKE off the trigram index, since LIKE is not leakproof. The search function must get it back.
func TestSearchUsesTheTrigramIndex(t *testing.T) {
	t.Parallel()
	serverURL, ownerURL := dbtest.URLs(t)
	d := dbtest.Open(t, serverURL)
	ctx := t.Context()
	mine, others := account(t, d), account(t, d)
	owner, err := pgx.Connect(ctx, ownerURL)
	require.NoError(t, err)
	t.Cleanup(func() { _ = owner.Close(context.Background()) })
	for _, a := range []kernel.AccountID{mine, others} {
		_, err := owner.Exec(ctx, `INSERT INTO contacts (account_id, id, kind, full_name, search, created_at, updated_at)
			SELECT $1, gen_random_uuid(), 'person', 'Nom ' || n, 'nom ' || left(md5(n::text), 12) || ' 336' || 10000000 + n,
				$2::timestamptz + n * interval '1 second', $2 FROM generate_series(1, 10000) n`, a.String(), start)
		require.NoError(t, err)
	}
	_, err = owner.Exec(ctx, "ANALYZE contacts")
	require.NoError(t, err)

	scans := func(ctx context.Context) (n int64) {
		require.NoError(t, d.QueryRowControl(ctx, `SELECT pg_stat_get_xact_numscans('contacts_search_idx'::regclass)`, nil, &n))
		return n
	}
	store := contactsdb.New(d)
	require.NoError(t, d.InTx(ctx, func(ctx context.Context) error { // the figures of the own transaction are exact
		for _, f := range []contacts.Filter{{Query: "10009876"}, {Query: "10009876", Kind: contacts.KindPerson}} {
			before := scans(ctx)
			p, err := store.List(ctx, mine, f, newest(25))
			if err != nil {
				return err
			}
			assert.Len(t, p.Items, 1)
			assert.Greater(t, scans(ctx), before, "%+v did not read contacts_search_idx", f)
		}
		return nil
	}))

	var plan strings.Builder
	require.NoError(t, d.Query(ctx, mine, `EXPLAIN SELECT id FROM contacts WHERE account_id = $1 AND search LIKE '%10009876%'`, []any{mine},
		func(rows db.Rows) error {
			var line string
			err := rows.Scan(&line)
			plan.WriteString(line + "\n")
			return err
		}))
	assert.Contains(t, plan.String(), "Filter: (search ~~", "else the function would not be needed")
}
