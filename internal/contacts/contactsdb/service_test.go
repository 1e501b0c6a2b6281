package contactsdb_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/contacts"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/clock"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/merge"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
)

// france is every account's country here.
type france struct{}

func (france) Country(context.Context, kernel.AccountID) (string, error) { return "FR", nil }

// colours is the schema of an account that wants a colour.
type colours struct{}

func (colours) Validate(_ context.Context, _ kernel.AccountID, _ string, custom map[string]any) error {
	if c, ok := custom["colour"]; ok && c != "red" {
		return errs.InvalidFields(errs.Field{Pointer: "/custom/colour", Code: "schema", Detail: "Give red."})
	}
	return nil
}

// listener remembers the search texts it was told.
type listener struct {
	mu    sync.Mutex
	texts []string
}

func (l *listener) Changed(_ context.Context, _ kernel.AccountID, _ kernel.ContactID, text string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.texts = append(l.texts, text)
	return nil
}

type served struct {
	setup
	svc   *contacts.Service
	log   *outbox.Log
	actor auth.Actor
	heard *listener
}

func newServed(t testing.TB) served {
	t.Helper()
	s := served{setup: newSetup(t), heard: &listener{}}
	s.log = outbox.New(s.db)
	s.actor = auth.System(s.a)
	s.svc = contacts.NewService(contacts.Needs{
		Store: s.store, Unit: s.db, Log: s.log, Accounts: france{}, Schemas: colours{}, OnChange: s.heard, Now: clock.Now,
	})
	return s
}

func (s served) create(t testing.TB, n contacts.New) contacts.Contact {
	t.Helper()
	c, err := s.svc.Create(t.Context(), s.actor, n)
	require.NoError(t, err)
	return c
}

// enquire is what leads does with the person of an enquiry.
func (s served) enquire(ctx context.Context, p contacts.Person) (m contacts.Match, err error) {
	err = s.db.InTx(ctx, func(ctx context.Context) error {
		if m, err = s.svc.Recognise(ctx, s.actor, p); err == nil {
			m, err = s.svc.Keep(ctx, s.actor, p, m)
		}
		return err
	})
	return m, err
}

// events lists "type sequence fields" of a contact in the order they were written.
func (s served) events(t testing.TB, id kernel.ContactID) []string {
	t.Helper()
	return s.texts(t, s.a, `SELECT type || ' ' || sequence || ' ' || array_to_string(changed, ',') FROM events
		WHERE account_id = $1 AND resource_type = 'contact' AND resource_id = $2 ORDER BY serial`, id)
}

func TestLifeOfAContact(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	ctx := t.Context()
	c := s.create(t, contacts.New{FirstName: "Hélène", LastName: "Lefèvre", Emails: []contacts.Email{{Address: "H@Mail.example"}}, OwnerID: &s.owner})
	assert.Equal(t, int64(1), c.Version)

	renamed := contacts.Patch{LastName: merge.Field[string]{Set: true, Value: "Martin"}}
	c, err := s.svc.Update(ctx, s.actor, c.ID, nil, renamed)
	require.NoError(t, err)
	assert.Equal(t, "Hélène Martin", c.FullName)
	again, err := s.svc.Update(ctx, s.actor, c.ID, &c.Version, renamed)
	require.NoError(t, err)
	assert.Equal(t, c, again, "the same patch changes nothing")
	first := int64(1)
	_, err = s.svc.Update(ctx, s.actor, c.ID, &first, renamed)
	require.ErrorIs(t, err, contacts.ErrStale)

	require.ErrorIs(t, s.svc.Delete(ctx, s.actor, c.ID, &first), contacts.ErrStale)
	require.NoError(t, s.svc.Delete(ctx, s.actor, c.ID, nil))
	require.ErrorIs(t, s.svc.Delete(ctx, s.actor, c.ID, nil), contacts.ErrNotFound)
	_, err = s.svc.Find(ctx, s.actor, c.ID)
	require.ErrorIs(t, err, contacts.ErrNotFound)
	_, err = s.svc.Update(ctx, s.actor, c.ID, nil, renamed)
	require.ErrorIs(t, err, contacts.ErrNotFound)
	_, err = s.svc.SearchText(ctx, s.a, c.ID)
	require.ErrorIs(t, err, contacts.ErrNotFound)

	for range 2 {
		c, err = s.svc.Restore(ctx, s.actor, c.ID, nil)
		require.NoError(t, err)
		assert.Equal(t, int64(4), c.Version)
	}
	text, err := s.svc.SearchText(ctx, s.a, c.ID)
	require.NoError(t, err)
	assert.Equal(t, "helene martin h@mail.example", text)
	assert.Equal(t, []string{
		"contact.created 1 ", "contact.updated 2 last_name,full_name", "contact.deleted 3 deleted_at", "contact.restored 4 deleted_at",
	}, s.events(t, c.ID))
	assert.Equal(t, []string{"helene martin h@mail.example"}, s.heard.texts, "only a change of the search text is told")
}

func TestEverythingWrongIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	_, err := s.svc.Create(t.Context(), s.actor, contacts.New{
		Emails: []contacts.Email{{Address: "nobody"}}, Language: "xx", Custom: map[string]any{"colour": "blue"},
	})
	e, ok := errs.As(err)
	require.True(t, ok)
	var at []string
	for _, f := range e.Fields {
		at = append(at, f.Pointer)
	}
	assert.Equal(t, []string{"/emails/0/address", "/language", "", "/custom/colour"}, at)

	stranger := kernel.NewID[kernel.UserID]()
	_, err = s.svc.Create(t.Context(), s.actor, contacts.New{LastName: "D", OwnerID: &stranger})
	require.ErrorIs(t, err, contacts.ErrUnknownOwner)
	c := s.create(t, contacts.New{LastName: "D"})
	_, err = s.svc.Update(t.Context(), s.actor, c.ID, nil, contacts.Patch{OwnerID: merge.Field[kernel.UserID]{Set: true, Value: stranger}})
	require.ErrorIs(t, err, contacts.ErrUnknownOwner)
	_, err = s.svc.List(t.Context(), s.actor, contacts.Filter{Email: "nobody"}, newest(1))
	require.ErrorIs(t, err, contacts.ErrBadFilter)
	_, err = s.svc.List(t.Context(), s.actor, contacts.Filter{Phone: "12"}, newest(1))
	require.ErrorIs(t, err, contacts.ErrBadFilter)
}

func TestListTakesAddressesAndNumbersAsTheyAreTyped(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	c := s.create(t, contacts.New{Emails: []contacts.Email{{Address: "a@mail.example"}}, Phones: []contacts.Phone{{Raw: "+33612345678"}}})
	for _, f := range []contacts.Filter{{Email: " A@MAIL.example"}, {Phone: "06 12 34 56 78"}} {
		p, err := s.svc.List(t.Context(), s.actor, f, newest(5))
		require.NoError(t, err)
		require.Len(t, p.Items, 1)
		assert.Equal(t, c.ID, p.Items[0].ID)
	}
}

func TestScopes(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	ctx := t.Context()
	c := s.create(t, contacts.New{LastName: "D"})
	nobody := auth.Actor{Kind: auth.KindAPIKey, Account: s.a}
	reader := nobody
	reader.Scopes = auth.NewScopeSet(auth.ContactsRead)
	ref := kernel.ExternalRef{Source: "dms", ID: "1"}
	for name, call := range map[string]func(auth.Actor) error{
		"find":     func(a auth.Actor) error { _, err := s.svc.Find(ctx, a, c.ID); return err },
		"findmany": func(a auth.Actor) error { _, err := s.svc.FindMany(ctx, a, c.ID); return err },
		"list":     func(a auth.Actor) error { _, err := s.svc.List(ctx, a, contacts.Filter{}, newest(1)); return err },
		"changes":  func(a auth.Actor) error { _, err := s.svc.Changes(ctx, a, outbox.Cursor{}, 1); return err },
	} {
		require.ErrorIs(t, call(nobody), auth.ErrForbidden, name)
		require.NoError(t, call(reader), name)
	}
	for name, call := range map[string]func() error{
		"create":  func() error { _, err := s.svc.Create(ctx, reader, contacts.New{LastName: "D"}); return err },
		"update":  func() error { _, err := s.svc.Update(ctx, reader, c.ID, nil, contacts.Patch{}); return err },
		"delete":  func() error { return s.svc.Delete(ctx, reader, c.ID, nil) },
		"restore": func() error { _, err := s.svc.Restore(ctx, reader, c.ID, nil); return err },
		"upsert": func() error {
			_, _, err := s.svc.Upsert(ctx, reader, ref, kernel.Precondition{}, contacts.Patch{})
			return err
		},
	} {
		require.ErrorIs(t, call(), auth.ErrForbidden, name)
	}
}

func TestUpsert(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	ctx := t.Context()
	ref := kernel.ExternalRef{Source: "dms", ID: "4711"}
	named := func(first string) contacts.Patch {
		return contacts.Patch{FirstName: merge.Field[string]{Set: true, Value: first}}
	}
	version := int64(1)
	_, _, err := s.svc.Upsert(ctx, s.actor, ref, kernel.Precondition{Version: &version}, named("Paul"))
	require.ErrorIs(t, err, contacts.ErrStale, "If-Match on what is not there")
	c, created, err := s.svc.Upsert(ctx, s.actor, ref, kernel.Precondition{}, named("Paul"))
	require.NoError(t, err)
	assert.True(t, created)
	assert.Equal(t, []kernel.ExternalRef{ref}, c.ExternalRefs)

	p := contacts.Patch{LastName: merge.Field[string]{Set: true, Value: "Martin"}, ExternalRefs: merge.Field[[]kernel.ExternalRef]{Set: true, Null: true}}
	c, created, err = s.svc.Upsert(ctx, s.actor, ref, kernel.Precondition{Version: &version}, p)
	require.NoError(t, err)
	assert.False(t, created)
	assert.Equal(t, "Paul Martin", c.FullName, "what is left out stays")
	assert.Equal(t, []kernel.ExternalRef{ref}, c.ExternalRefs, "the reference stays, whatever the body says")

	_, _, err = s.svc.Upsert(ctx, s.actor, ref, kernel.Precondition{Absent: true}, named("Anne"))
	require.ErrorIs(t, err, contacts.ErrExists)

	require.NoError(t, s.svc.Delete(ctx, s.actor, c.ID, nil))
	back, created, err := s.svc.Upsert(ctx, s.actor, ref, kernel.Precondition{}, named("Pierre"))
	require.NoError(t, err)
	assert.False(t, created)
	assert.Equal(t, c.ID, back.ID)
	assert.Nil(t, back.DeletedAt)
	assert.Equal(t, "Pierre Martin", back.FullName)
	assert.Equal(t, "contact.restored 4 first_name,full_name,deleted_at", s.events(t, c.ID)[3])

	_, err = s.svc.Create(ctx, s.actor, contacts.New{LastName: "D", ExternalRefs: []kernel.ExternalRef{{Source: "x", ID: "1"}, ref}})
	e, _ := errs.As(err)
	require.ErrorIs(t, err, contacts.ErrRefTaken)
	assert.Equal(t, "/external_refs/1", e.Fields[0].Pointer)
}

func TestChangesShowEveryContactAsItIsNow(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	ctx := t.Context()
	first := s.create(t, contacts.New{LastName: "A"})
	s.create(t, contacts.New{LastName: "B"})
	_, err := s.log.SequenceNow(ctx)
	require.NoError(t, err)
	read := func(c outbox.Cursor) ([]contacts.Contact, outbox.Cursor) {
		var all []contacts.Contact
		for {
			step, err := s.svc.Changes(ctx, s.actor, c, 1)
			require.NoError(t, err)
			all = append(all, step.Items...)
			if c = step.Next; !step.More {
				return all, c
			}
		}
	}
	all, cursor := read(outbox.Cursor{})
	assert.Len(t, all, 2)
	require.NoError(t, s.svc.Delete(ctx, s.actor, first.ID, nil))
	_, err = s.log.SequenceNow(ctx)
	require.NoError(t, err)
	all, _ = read(cursor)
	require.Len(t, all, 1)
	assert.Equal(t, first.ID, all[0].ID)
	assert.NotNil(t, all[0].DeletedAt)
	none, err := s.svc.Changes(ctx, auth.System(s.b), outbox.Cursor{}, 10)
	require.NoError(t, err)
	assert.Empty(t, none.Items)
}

func TestIntakeRecognisesAndEnriches(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	ctx := t.Context()
	m, err := s.enquire(ctx, contacts.Person{FullName: "Hélène Lefèvre", Phones: []contacts.Phone{{Raw: "06 12 34 56 78"}}, Emails: []contacts.Email{{Address: "not one"}}})
	require.NoError(t, err)
	assert.True(t, m.Created)
	assert.Equal(t, contacts.RuleCreated, m.Rule)
	assert.Empty(t, m.Contact.Emails, "a readable enquiry is never refused")
	stored, err := s.store.Find(ctx, s.a, m.ContactID)
	require.NoError(t, err)
	assert.Equal(t, m.Contact, stored)

	again, err := s.enquire(ctx, contacts.Person{LastName: "LEFEVRE", FirstName: "Helene", Phones: []contacts.Phone{{Raw: "+33612345678"}}, Emails: []contacts.Email{{Address: "H@mail.example"}}})
	require.NoError(t, err)
	assert.Equal(t, m.ContactID, again.ContactID)
	assert.False(t, again.Created)
	assert.Equal(t, contacts.RulePhoneAndName, again.Rule)
	assert.Equal(t, []string{"phones", "full_name"}, again.Fields)
	assert.Equal(t, []string{"first_name", "last_name", "emails"}, again.Enriched)
	stored, err = s.store.Find(ctx, s.a, m.ContactID)
	require.NoError(t, err)
	assert.Equal(t, again.Contact, stored)
	assert.Equal(t, []string{"email h@mail.example", "phone +33612345678"}, s.points(t, s.a, m.ContactID))

	third, err := s.enquire(ctx, contacts.Person{Emails: []contacts.Email{{Address: "h@MAIL.example"}}})
	require.NoError(t, err)
	assert.Equal(t, contacts.RuleEmail, third.Rule, "by what the second enquiry added")
	assert.Equal(t, m.ContactID, third.ContactID)
	assert.Empty(t, third.Enriched)
	assert.Equal(t, []string{"contact.created 1 ", "contact.updated 2 first_name,last_name,emails"}, s.events(t, m.ContactID))
	assert.Len(t, s.heard.texts, 1)

	require.NoError(t, s.svc.Delete(ctx, s.actor, m.ContactID, nil))
	fourth, err := s.enquire(ctx, contacts.Person{Emails: []contacts.Email{{Address: "h@mail.example"}}})
	require.NoError(t, err)
	assert.True(t, fourth.Created, "a deleted contact is not recognised")
	elsewhere, err := func() (m contacts.Match, err error) {
		other := s
		other.a, other.actor = s.b, auth.System(s.b)
		return other.enquire(ctx, contacts.Person{Emails: []contacts.Email{{Address: "h@mail.example"}}})
	}()
	require.NoError(t, err)
	assert.True(t, elsewhere.Created, "nor is another account's")
	nameless, err := s.enquire(ctx, contacts.Person{})
	require.NoError(t, err)
	assert.True(t, nameless.Created)
}

// rounds is how often a race is run: a few times here, ROOFTOP_ROUNDS in the soak.
func rounds() int {
	if n, err := strconv.Atoi(os.Getenv("ROOFTOP_ROUNDS")); err == nil {
		return n
	}
	return 8
}

func (s served) deadlocks(t testing.TB) (n int64) {
	t.Helper()
	require.NoError(t, s.db.QueryRowControl(t.Context(), `SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`, nil, &n))
	return n
}

// All share the number, in three formats; the e-mail and the name come in other case, or not at all.
func crowd(round int) []contacts.Person {
	const many = 32
	digits := fmt.Sprintf("%08d", 12_345_678+round*7919%70_000_000)
	pairs := digits[0:2] + " " + digits[2:4] + " " + digits[4:6] + " " + digits[6:8]
	numbers := []string{"06 " + pairs, "+336" + digits, "0033 (0)6." + strings.ReplaceAll(pairs, " ", ".")}
	address := fmt.Sprintf("helene.%d@mail.example", round)
	people := make([]contacts.Person, many)
	for i := range people {
		p := contacts.Person{Phones: []contacts.Phone{{Raw: numbers[i%3]}}, Region: "FR"}
		switch i % 4 {
		case 0:
			p.FirstName, p.LastName = "Hélène", "Lefèvre"
		case 1:
			p.FullName = "LEFEVRE HELENE"
		case 2:
			p.FullName = "Unknown"
		}
		switch i / 4 % 3 {
		case 0:
			p.Emails = []contacts.Email{{Address: address}}
		case 1:
			p.Emails = []contacts.Email{{Address: strings.ToUpper(address)}}
		}
		people[i] = p
	}
	return people
}

func TestOnePersonAtOnceFromEverywhereIsOneContact(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	for round := range rounds() {
		people := crowd(round)
		ids := make([]kernel.ContactID, len(people))
		errs := make([]error, len(people))
		var start, done sync.WaitGroup
		start.Add(1)
		for i, p := range people {
			done.Go(func() {
				start.Wait()
				m, err := s.enquire(context.Background(), p)
				ids[i], errs[i] = m.ContactID, err
			})
		}
		start.Done()
		done.Wait()
		for i := range people {
			require.NoError(t, errs[i], "round %d", round)
			require.Equal(t, ids[0], ids[i], "round %d", round)
		}
		c, err := s.store.Find(t.Context(), s.a, ids[0])
		require.NoError(t, err)
		require.Len(t, c.Emails, 1)
		require.Len(t, c.Phones, 1)
		require.False(t, c.FullName == "" || c.FullName == "Unknown", "round %d: %q", round, c.FullName)
		require.Len(t, s.events(t, c.ID), int(c.Version))
	}
	var n int
	require.NoError(t, s.db.QueryRow(t.Context(), s.a, `SELECT count(*) FROM contacts WHERE account_id = $1`, []any{s.a}, &n))
	require.Equal(t, rounds(), n)
	require.Zero(t, s.deadlocks(t))
}

// People who share a point and each have another, patches that move points about, and deletes, all at once.
func TestCrossedPointsDoNotDeadlock(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	const workers = 12
	address := func(i int) contacts.Email { return contacts.Email{Address: fmt.Sprintf("p%d@mail.example", i%4)} }
	number := func(i int) contacts.Phone { return contacts.Phone{Raw: fmt.Sprintf("061234560%d", i%4)} }
	known := s.create(t, contacts.New{LastName: "K", Emails: []contacts.Email{address(0)}})
	for range rounds() {
		var wg sync.WaitGroup
		errs := make(chan error, 2*workers)
		for i := range workers {
			wg.Go(func() {
				_, err := s.enquire(context.Background(), contacts.Person{
					Emails: []contacts.Email{address(i), address(i + 1)}, Phones: []contacts.Phone{number(i + 1), number(i)},
				})
				errs <- err
			})
			wg.Go(func() {
				_, err := s.svc.Update(context.Background(), s.actor, known.ID, nil, contacts.Patch{
					Emails: merge.Field[[]contacts.Email]{Set: true, Value: []contacts.Email{address(i + 2), address(i)}},
					Phones: merge.Field[[]contacts.Phone]{Set: true, Value: []contacts.Phone{number(i), number(i + 3)}},
				})
				errs <- err
			})
		}
		wg.Wait()
		for range 2 * workers {
			require.NoError(t, <-errs)
		}
	}
	require.Zero(t, s.deadlocks(t))
	require.Empty(t, s.mismatches(t))
}

// mismatches compares the points with what the contacts say.
func (s served) mismatches(t testing.TB) []string {
	t.Helper()
	var all []string
	require.NoError(t, s.db.Query(t.Context(), s.a, `
		(SELECT c.id, 'email' AS kind, e ->> 'address' AS value FROM contacts c, jsonb_array_elements(c.emails) e WHERE c.account_id = $1 AND c.deleted_at IS NULL
		 UNION SELECT c.id, 'phone', p ->> 'e164' FROM contacts c, jsonb_array_elements(c.phones) p WHERE c.account_id = $1 AND c.deleted_at IS NULL AND p ? 'e164'
		 EXCEPT SELECT contact_id, kind, value FROM contact_points WHERE account_id = $1)
		UNION ALL
		(SELECT contact_id, kind, value FROM contact_points WHERE account_id = $1
		 EXCEPT SELECT c.id, 'email', e ->> 'address' FROM contacts c, jsonb_array_elements(c.emails) e WHERE c.account_id = $1 AND c.deleted_at IS NULL
		 EXCEPT SELECT c.id, 'phone', p ->> 'e164' FROM contacts c, jsonb_array_elements(c.phones) p WHERE c.account_id = $1 AND c.deleted_at IS NULL)`,
		[]any{s.a}, func(rows db.Rows) error {
			var id uuid.UUID
			var kind, value string
			err := rows.Scan(&id, &kind, &value)
			all = append(all, id.String()+" "+kind+" "+value)
			return err
		}))
	return all
}

// Documents that name the same people in other orders wait for each other in one order.
func TestReserveOrdersTheLocksOfSeveralPeople(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	people := []contacts.Person{
		{Emails: []contacts.Email{{Address: "a@mail.example"}}}, {Emails: []contacts.Email{{Address: "b@mail.example"}}}, {Emails: []contacts.Email{{Address: "c@mail.example"}}},
	}
	var wg sync.WaitGroup
	const documents = 8
	errs := make(chan error, documents)
	for i := range documents {
		wg.Go(func() {
			errs <- s.db.InTx(context.Background(), func(ctx context.Context) error {
				if err := s.svc.Reserve(ctx, s.actor, people...); err != nil {
					return err
				}
				for j := range people {
					p := people[(i+j)%len(people)]
					m, err := s.svc.Recognise(ctx, s.actor, p)
					if err != nil {
						return err
					}
					if _, err := s.svc.Keep(ctx, s.actor, p, m); err != nil {
						return err
					}
				}
				return nil
			})
		})
	}
	wg.Wait()
	for range documents {
		require.NoError(t, <-errs)
	}
	p, err := s.store.List(t.Context(), s.a, contacts.Filter{}, newest(10))
	require.NoError(t, err)
	assert.Len(t, p.Items, len(people))
	assert.Zero(t, s.deadlocks(t))
}
