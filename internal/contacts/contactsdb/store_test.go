package contactsdb_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/contacts"
	"github.com/rooftop-crm/rooftop/internal/contacts/contactsdb"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

type setup struct {
	db    *db.DB
	store *contactsdb.Store
	a, b  kernel.AccountID
	owner kernel.UserID // of account a
}

var start = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

func newSetup(t testing.TB) setup {
	t.Helper()
	d := dbtest.New(t)
	s := setup{db: d, store: contactsdb.New(d), a: account(t, d), b: account(t, d), owner: kernel.NewID[kernel.UserID]()}
	_, err := d.Exec(t.Context(), s.a, `INSERT INTO users (account_id, id, email, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)`,
		s.a, s.owner, "seller@dealer.example", start)
	require.NoError(t, err)
	return s
}

func account(t testing.TB, d *db.DB) kernel.AccountID {
	t.Helper()
	id := kernel.NewID[kernel.AccountID]()
	_, err := d.ExecControl(t.Context(), `INSERT INTO accounts (id, name, created_at, updated_at) VALUES ($1, 'Group', $2, $2)`, id, start)
	require.NoError(t, err)
	return id
}

// full is a contact in which every field has a value of its own.
func (s setup) full() contacts.Contact {
	owner := s.owner
	return contacts.Contact{
		ID: kernel.NewID[kernel.ContactID](), Version: 1, Kind: contacts.KindCompany, Civility: "Mme", FirstName: "Hélène", LastName: "Lefèvre",
		FullName: "Hélène Lefèvre-Martin", CompanyName: "Garage du Port",
		Emails:    []contacts.Email{{Address: "helene@mail.example", Type: contacts.TypeHome, Preferred: true}, {Address: "work@mail.example", Type: contacts.TypeWork}},
		Phones:    []contacts.Phone{{Raw: "06 12 34 56 78", E164: "+33612345678", Type: contacts.TypeMobile, Preferred: true}, {Raw: "poste 12", Type: contacts.TypeOther}},
		Addresses: []contacts.Address{{Lines: []string{"1 rue du Port", "bât. B"}, PostalCode: "35400", City: "Saint-Malo", Region: "Bretagne", Country: "FR", Type: contacts.TypeBilling}},
		Language:  "fr-FR", ExternalRefs: []kernel.ExternalRef{{Source: "dms", ID: "4711"}, {Source: "oem", ID: "A-1"}},
		Custom: map[string]any{"loyalty": map[string]any{"points": 12.0}}, Tags: []string{"VIP", "été"}, OwnerID: &owner,
		CreatedAt: start, UpdatedAt: start.Add(time.Minute),
	}
}

func (s setup) insert(t testing.TB, account kernel.AccountID, c contacts.Contact) contacts.Contact {
	t.Helper()
	require.NoError(t, s.db.InTx(t.Context(), func(ctx context.Context) error { return s.store.Insert(ctx, account, c) }))
	return c
}

func (s setup) points(t testing.TB, account kernel.AccountID, id kernel.ContactID) []string {
	t.Helper()
	return s.texts(t, account, `SELECT kind || ' ' || value FROM contact_points WHERE account_id = $1 AND contact_id = $2 ORDER BY 1`, id)
}

func (s setup) refs(t testing.TB, account kernel.AccountID, id kernel.ContactID) []string {
	t.Helper()
	return s.texts(t, account, `SELECT source || ' ' || external_id FROM contact_refs WHERE account_id = $1 AND contact_id = $2 ORDER BY 1`, id)
}

func (s setup) texts(t testing.TB, account kernel.AccountID, sql string, id kernel.ContactID) []string {
	t.Helper()
	out := []string{}
	require.NoError(t, s.db.Query(t.Context(), account, sql, []any{account, id}, func(rows db.Rows) error {
		var text string
		err := rows.Scan(&text)
		out = append(out, text)
		return err
	}))
	return out
}

func TestInsertKeepsEveryField(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	c := s.insert(t, s.a, s.full())

	got, err := s.store.Find(t.Context(), s.a, c.ID)
	require.NoError(t, err)
	assert.Equal(t, c, got)
	assert.Equal(t, []string{"email helene@mail.example", "email work@mail.example", "phone +33612345678"}, s.points(t, s.a, c.ID))
	assert.Equal(t, []string{"dms 4711", "oem A-1"}, s.refs(t, s.a, c.ID))

	listed, err := s.store.List(t.Context(), s.a, contacts.Filter{}, newest(10))
	require.NoError(t, err)
	assert.Equal(t, []contacts.Contact{c}, listed.Items, "gorm reads what pgx reads")

	byRef, err := find(t.Context(), s, s.a, kernel.ExternalRef{Source: "dms", ID: "4711"})
	require.NoError(t, err)
	assert.Equal(t, c, byRef)
}

func find(ctx context.Context, s setup, account kernel.AccountID, ref kernel.ExternalRef) (c contacts.Contact, err error) {
	err = s.db.InTx(ctx, func(ctx context.Context) error {
		c, err = s.store.FindByRef(ctx, account, ref)
		return err
	})
	return c, err
}

func newest(limit int) page.Request {
	return page.Request{Limit: limit, Sort: page.Sort{Field: "created_at", Desc: true}}
}

func TestAnotherAccountSeesNothing(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	ctx := t.Context()
	c := s.insert(t, s.a, s.full())

	_, err := s.store.Find(ctx, s.b, c.ID)
	require.ErrorIs(t, err, contacts.ErrNotFound)
	many, err := s.store.FindMany(ctx, s.b, []kernel.ContactID{c.ID})
	require.NoError(t, err)
	assert.Empty(t, many)
	_, err = find(ctx, s, s.b, c.ExternalRefs[0])
	require.ErrorIs(t, err, contacts.ErrNotFound)
	byID, err := s.store.ListByID(ctx, s.b, kernel.ContactID{}, 10)
	require.NoError(t, err)
	assert.Empty(t, byID)
	for _, f := range []contacts.Filter{{}, {Query: "lefevre"}, {Tag: "vip"}, {Email: "helene@mail.example"}, {OwnerID: s.owner}} {
		p, err := s.store.List(ctx, s.b, f, newest(10))
		require.NoError(t, err)
		assert.Empty(t, p.Items, "%+v", f)
	}
	require.NoError(t, s.db.InTx(ctx, func(ctx context.Context) error {
		shared, err := s.store.Sharing(ctx, s.b, c.Points())
		assert.Empty(t, shared)
		return err
	}))
	rename := func(c *contacts.Contact) error { c.FullName = "Mallory"; return nil }
	_, err = s.store.Update(ctx, s.b, c.ID, rename)
	require.ErrorIs(t, err, contacts.ErrNotFound)
	err = s.db.InTx(ctx, func(ctx context.Context) error {
		_, err := s.store.UpdateReserved(ctx, s.b, c.ID, rename)
		return err
	})
	require.ErrorIs(t, err, contacts.ErrNotFound)

	got, err := s.store.Find(ctx, s.a, c.ID)
	require.NoError(t, err)
	assert.Equal(t, c, got)

	same := s.full()
	same.OwnerID = nil
	s.insert(t, s.b, same) // the same references and points belong to each account for itself
	foreign := s.full()
	foreign.ExternalRefs = nil
	err = s.db.InTx(ctx, func(ctx context.Context) error { return s.store.Insert(ctx, s.b, foreign) })
	require.ErrorIs(t, err, contacts.ErrUnknownOwner, "the owner is a user of the other account")
}

func TestUpdateWritesEveryFieldAndKeepsPointsAndRefsInStep(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	ctx := t.Context()
	was := s.insert(t, s.a, s.full())
	deleted := start.Add(time.Hour)
	want := contacts.Contact{
		ID: was.ID, Version: 2, Kind: contacts.KindPerson, Civility: "M.", FirstName: "Jean", LastName: "de La Tour", FullName: "Jean de La Tour",
		CompanyName: "Sans", Emails: []contacts.Email{{Address: "work@mail.example", Type: contacts.TypeOther}, {Address: "jean@mail.example", Type: contacts.TypeHome}},
		Phones: []contacts.Phone{}, Addresses: []contacts.Address{}, Language: "en",
		ExternalRefs: []kernel.ExternalRef{{Source: "oem", ID: "A-1"}, {Source: "dms", ID: "4712"}},
		Custom:       map[string]any{}, Tags: []string{}, CreatedAt: was.CreatedAt, UpdatedAt: start.Add(time.Hour),
	}
	got, err := s.store.Update(ctx, s.a, was.ID, func(c *contacts.Contact) error {
		*c = want
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, want, got)
	read, err := s.store.Find(ctx, s.a, was.ID)
	require.NoError(t, err)
	assert.Equal(t, want, read)
	assert.Equal(t, []string{"email jean@mail.example", "email work@mail.example"}, s.points(t, s.a, was.ID))
	assert.Equal(t, []string{"dms 4712", "oem A-1"}, s.refs(t, s.a, was.ID))

	_, err = s.store.Update(ctx, s.a, was.ID, func(c *contacts.Contact) error { return c.Delete(deleted) })
	require.NoError(t, err)
	assert.Empty(t, s.points(t, s.a, was.ID), "nobody is recognised by a deleted contact")
	assert.Len(t, s.refs(t, s.a, was.ID), 2, "its references stay its own")
	p, err := s.store.List(ctx, s.a, contacts.Filter{}, newest(10))
	require.NoError(t, err)
	assert.Empty(t, p.Items)

	_, err = s.store.Update(ctx, s.a, was.ID, func(c *contacts.Contact) error { c.Restore(); return nil })
	require.NoError(t, err)
	assert.Len(t, s.points(t, s.a, was.ID), 2)
}

func TestUpdateThatChangesNothingWritesNothing(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	c := s.insert(t, s.a, s.full())
	got, err := s.store.Update(t.Context(), s.a, c.ID, func(c *contacts.Contact) error {
		c.UpdatedAt = start.Add(time.Hour)
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, c, got)
	read, err := s.store.Find(t.Context(), s.a, c.ID)
	require.NoError(t, err)
	assert.Equal(t, c, read)
}

func TestConcurrentUpdatesAllTakeEffect(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	c := s.insert(t, s.a, s.full())
	const writers = 10
	errs := make(chan error, writers)
	for i := range writers {
		go func() {
			_, err := s.store.Update(context.Background(), s.a, c.ID, func(c *contacts.Contact) error {
				c.Tags = append(append([]string{}, c.Tags...), fmt.Sprint(i))
				return nil
			})
			errs <- err
		}()
	}
	for range writers {
		require.NoError(t, <-errs)
	}
	got, err := s.store.Find(t.Context(), s.a, c.ID)
	require.NoError(t, err)
	assert.Equal(t, int64(writers+1), got.Version)
	assert.Len(t, got.Tags, writers+2)
}

func TestReferencesAreUnique(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	ctx := t.Context()
	first := s.insert(t, s.a, s.full())
	second := s.full()
	second.ExternalRefs = []kernel.ExternalRef{{Source: "crm", ID: "9"}, {Source: "dms", ID: "4711"}}
	err := s.db.InTx(ctx, func(ctx context.Context) error { return s.store.Insert(ctx, s.a, second) })
	require.ErrorIs(t, err, contacts.ErrRefTaken)
	require.ErrorContains(t, err, "contact.ref_taken")

	second.ExternalRefs = second.ExternalRefs[:1]
	s.insert(t, s.a, second)
	_, err = s.store.Update(ctx, s.a, second.ID, func(c *contacts.Contact) error {
		c.ExternalRefs = first.ExternalRefs
		return nil
	})
	require.ErrorIs(t, err, contacts.ErrRefTaken)
	assert.Equal(t, []string{"crm 9"}, s.refs(t, s.a, second.ID))
}

func TestFindByRefWaitsForWhoeverIsMakingIt(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	ref := kernel.ExternalRef{Source: "oem", ID: "77"}
	const callers = 8
	made := make(chan bool, callers)
	errs := make(chan error, callers)
	for range callers {
		go func() {
			created := false
			errs <- s.db.InTx(context.Background(), func(ctx context.Context) error {
				_, err := s.store.FindByRef(ctx, s.a, ref)
				if err == nil {
					return nil
				}
				c := s.full()
				c.ExternalRefs = []kernel.ExternalRef{ref}
				created = true
				return s.store.Insert(ctx, s.a, c)
			})
			made <- created
		}()
	}
	n := 0
	for range callers {
		require.NoError(t, <-errs)
		if <-made {
			n++
		}
	}
	assert.Equal(t, 1, n)
}

func TestListFilters(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	ctx := t.Context()
	mine := s.insert(t, s.a, s.full())
	other := s.insert(t, s.a, contacts.Contact{
		ID: kernel.NewID[kernel.ContactID](), Version: 1, Kind: contacts.KindPerson, FirstName: "Paul", LastName: "Dupont-Legrand", FullName: "Paul Dupont-Legrand",
		Emails: []contacts.Email{{Address: "paul@mail.example", Type: contacts.TypeOther}},
		Phones: []contacts.Phone{{Raw: "+32 470 12 34 56", E164: "+32470123456", Type: contacts.TypeMobile}},
		Tags:   []string{"VIP 2"}, CreatedAt: start.Add(time.Hour), UpdatedAt: start.Add(2 * time.Hour),
	})
	gone := s.full()
	gone.ExternalRefs, gone.DeletedAt = nil, &start
	s.insert(t, s.a, gone)
	later := start.Add(time.Second)
	for name, tt := range map[string]struct {
		f    contacts.Filter
		want []kernel.ContactID
	}{
		"none":                    {contacts.Filter{}, []kernel.ContactID{other.ID, mine.ID}},
		"name without accents":    {contacts.Filter{Query: "LEFEVRE"}, []kernel.ContactID{mine.ID}},
		"hyphen":                  {contacts.Filter{Query: "legrand dupont"}, []kernel.ContactID{other.ID}},
		"name and digits":         {contacts.Filter{Query: "hélène 06 12"}, []kernel.ContactID{mine.ID}},
		"international":           {contacts.Filter{Query: "+33 6 12 34"}, []kernel.ContactID{mine.ID}},
		"piece of an address":     {contacts.Filter{Query: "paul@mail"}, []kernel.ContactID{other.ID}},
		"raw digits":              {contacts.Filter{Query: "garage 12"}, []kernel.ContactID{mine.ID}},
		"no wildcards":            {contacts.Filter{Query: "%"}, []kernel.ContactID{}},
		"everybody":               {contacts.Filter{Query: "mail"}, []kernel.ContactID{other.ID, mine.ID}},
		"search and another":      {contacts.Filter{Query: "mail", Kind: contacts.KindCompany}, []kernel.ContactID{mine.ID}},
		"tag":                     {contacts.Filter{Tag: "vip"}, []kernel.ContactID{mine.ID}},
		"tag with a space":        {contacts.Filter{Tag: "vip 2"}, []kernel.ContactID{other.ID}},
		"tag without accents":     {contacts.Filter{Tag: "ete"}, []kernel.ContactID{mine.ID}},
		"owner":                   {contacts.Filter{OwnerID: s.owner}, []kernel.ContactID{mine.ID}},
		"kind":                    {contacts.Filter{Kind: contacts.KindPerson}, []kernel.ContactID{other.ID}},
		"e-mail":                  {contacts.Filter{Email: "work@mail.example"}, []kernel.ContactID{mine.ID}},
		"phone":                   {contacts.Filter{Phone: "+32470123456"}, []kernel.ContactID{other.ID}},
		"phone and e-mail of two": {contacts.Filter{Phone: "+32470123456", Email: "work@mail.example"}, []kernel.ContactID{}},
		"created from":            {contacts.Filter{CreatedFrom: &later}, []kernel.ContactID{other.ID}},
		"created before":          {contacts.Filter{CreatedBefore: &later}, []kernel.ContactID{mine.ID}},
		"updated from":            {contacts.Filter{UpdatedFrom: &other.UpdatedAt}, []kernel.ContactID{other.ID}},
		"updated before":          {contacts.Filter{UpdatedBefore: &other.UpdatedAt}, []kernel.ContactID{mine.ID}},
	} {
		p := newest(10)
		p.Count = page.CountExact
		got, err := s.store.List(ctx, s.a, tt.f, p)
		require.NoError(t, err, name)
		ids := []kernel.ContactID{}
		for _, c := range got.Items {
			ids = append(ids, c.ID)
		}
		assert.Equal(t, tt.want, ids, name)
		assert.Equal(t, int64(len(tt.want)), *got.Total, name)
		assert.Nil(t, got.Next, name)
	}
}

func TestListPagesThroughEverythingOnce(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	const many = 7
	for i := range many {
		at := start.Add(time.Duration(i/2) * time.Minute) // pairs share a time: the id decides
		s.insert(t, s.a, contacts.Contact{
			ID: kernel.NewID[kernel.ContactID](), Version: 1, Kind: contacts.KindPerson, FullName: "Alix Rose", CreatedAt: at, UpdatedAt: start.Add(-at.Sub(start)),
		})
	}
	for _, f := range []contacts.Filter{{}, {Query: "alix"}, {Query: "alix", Kind: contacts.KindPerson}} {
		for _, sort := range []page.Sort{
			{Field: "created_at"}, {Field: "created_at", Desc: true}, {Field: "updated_at"}, {Field: "updated_at", Desc: true},
		} {
			seen := map[kernel.ContactID]bool{}
			p := page.Request{Limit: 2, Sort: sort}
			var last time.Time
			for range many {
				got, err := s.store.List(t.Context(), s.a, f, p)
				require.NoError(t, err)
				for _, c := range got.Items {
					require.False(t, seen[c.ID], "%+v %+v", f, sort)
					at := map[string]time.Time{"created_at": c.CreatedAt, "updated_at": c.UpdatedAt}[sort.Field]
					require.True(t, last.IsZero() || at.Equal(last) || at.After(last) != sort.Desc, "%+v %+v", f, sort)
					seen[c.ID], last = true, at
				}
				if p.After = got.Next; p.After == nil {
					break
				}
			}
			assert.Len(t, seen, many, "%+v %+v", f, sort)
		}
	}
	_, err := s.store.List(t.Context(), s.a, contacts.Filter{}, page.Request{Limit: 2, Sort: page.Sort{Field: "search"}})
	require.Error(t, err)
}

func TestListByIDReadsTombstones(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	first := s.insert(t, s.a, s.full())
	second := s.full()
	second.ExternalRefs, second.DeletedAt = nil, &start
	s.insert(t, s.a, second)
	got, err := s.store.ListByID(t.Context(), s.a, kernel.ContactID{}, 1)
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.Equal(t, first.ID, got[0].ID)
	got, err = s.store.ListByID(t.Context(), s.a, first.ID, 5)
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.Equal(t, second.ID, got[0].ID)
	assert.NotNil(t, got[0].DeletedAt)
}
