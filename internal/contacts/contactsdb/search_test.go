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
	"github.com/rooftop-crm/rooftop/internal/platform/page"
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

// A search reads about as many rows as it shows, and never all, whatever else narrows or sorts it; a short word that nobody
// has is no exception.
func TestSearchesCostThePage(t *testing.T) {
	t.Parallel()
	serverURL, ownerURL := dbtest.URLs(t)
	d := dbtest.Open(t, serverURL)
	ctx := t.Context()
	mine := account(t, d)
	owner, err := pgx.Connect(ctx, ownerURL)
	require.NoError(t, err)
	t.Cleanup(func() { _ = owner.Close(context.Background()) })
	_, err = owner.Exec(ctx, `INSERT INTO contacts (account_id, id, kind, full_name, search, created_at, updated_at)
		SELECT $1, gen_random_uuid(), CASE WHEN n % 2 = 0 THEN 'person' ELSE 'company' END, 'Nom ' || n,
			'martin ' || translate(left(md5(n::text), 12), 'b', 'c') || CASE WHEN n % 1000 = 0 THEN ' rarissime li' ELSE '' END,
			$2::timestamptz + n * interval '1 second', $2::timestamptz + n * interval '1 second' FROM generate_series(1, 20000) n`, mine.String(), start)
	require.NoError(t, err)
	_, err = owner.Exec(ctx, "ANALYZE contacts")
	require.NoError(t, err)
	store := contactsdb.New(d)
	rows := func(ctx context.Context) (n int) {
		require.NoError(t, d.QueryRowControl(ctx,
			`SELECT pg_stat_get_xact_tuples_returned('contacts'::regclass) + pg_stat_get_xact_tuples_fetched('contacts'::regclass)`, nil, &n))
		return n
	}
	earliest := start
	for name, tt := range map[string]struct {
		filter contacts.Filter
		sort   page.Sort
		count  page.Count
		most   int // rows read
		found  int
	}{
		"a common word":                 {contacts.Filter{Query: "martin"}, page.Sort{Field: "created_at", Desc: true}, "", 2100, 25},
		"of a kind":                     {contacts.Filter{Query: "martin", Kind: contacts.KindPerson}, page.Sort{Field: "created_at", Desc: true}, "", 2100, 25},
		"by last change":                {contacts.Filter{Query: "martin"}, page.Sort{Field: "updated_at", Desc: true}, "", 2100, 25},
		"by last change, oldest first":  {contacts.Filter{Query: "martin", Kind: contacts.KindPerson}, page.Sort{Field: "updated_at"}, "", 2100, 25},
		"a rare word":                   {contacts.Filter{Query: "rarissime"}, page.Sort{Field: "created_at", Desc: true}, "", 2100, 20},
		"a rare word of a kind":         {contacts.Filter{Query: "rarissime", Kind: contacts.KindCompany}, page.Sort{Field: "updated_at"}, "", 2100, 0},
		"a rare word, counted":          {contacts.Filter{Query: "rarissime"}, page.Sort{Field: "created_at", Desc: true}, page.CountExact, 2200, 20},
		"a word nobody has":             {contacts.Filter{Query: "personne"}, page.Sort{Field: "created_at", Desc: true}, page.CountExact, 2100, 0},
		"two letters that few have":     {contacts.Filter{Query: "li"}, page.Sort{Field: "created_at", Desc: true}, page.CountExact, 2200, 20},
		"two letters that nobody has":   {contacts.Filter{Query: "zq"}, page.Sort{Field: "created_at", Desc: true}, page.CountExact, 2100, 0},
		"a letter that nobody has":      {contacts.Filter{Query: "z"}, page.Sort{Field: "created_at", Desc: true}, page.CountExact, 2100, 0},
		"two letters within words only": {contacts.Filter{Query: "ar"}, page.Sort{Field: "created_at", Desc: true}, page.CountExact, 2100, 0},
		"before all":                    {contacts.Filter{Query: "martin", CreatedBefore: &earliest}, page.Sort{Field: "created_at", Desc: true}, "", 100, 0},
		"an address nobody has":         {contacts.Filter{Query: "martin", Email: "x@fr.example"}, page.Sort{Field: "created_at", Desc: true}, page.CountExact, 100, 0},
	} {
		require.NoError(t, d.InTx(ctx, func(ctx context.Context) error { // the figures of the own transaction are exact
			before := rows(ctx)
			p, err := store.List(ctx, mine, tt.filter, page.Request{Limit: 25, Sort: tt.sort, Count: tt.count})
			if err != nil {
				return err
			}
			assert.Len(t, p.Items, tt.found, name)
			if tt.count == page.CountExact && assert.NotNil(t, p.Total, name) {
				assert.EqualValues(t, tt.found, *p.Total, name)
			}
			assert.LessOrEqual(t, rows(ctx)-before, tt.most, name)
			return nil
		}), name)
	}
}
