package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/rooftop-crm/rooftop/internal/platform/migrate"
)

// instant reads the monotonic clock: measuring time is what this program is for.
func instant() time.Time { return time.Now() } //nolint:forbidigo // see above

// dataVersion changes whenever load makes other rows.
const dataVersion = 3

func fingerprint(leads int) string {
	return fmt.Sprintf("%s/%d/%d", migrate.Fingerprint(), dataVersion, leads)
}

// dataset is a loaded database, with a sample of what is in it to ask for.
type dataset struct {
	leads     int
	ownerURL  string
	serverURL string
	masterKey string
	accounts  map[uuid.UUID]*account
	samples   []sample
	known     []knownPerson // people who sent no enquiry within the last month, in random order
	walkers   []walker      // leads that were open when they were made, in random order
}

// account is a dealer group with the API key that acts for it.
type account struct {
	id          uuid.UUID
	text        string // the id as text
	key         string
	dealerships [2]uuid.UUID
}

// sample is a lead picked at random, so that large accounts are asked as often as they are in life.
type sample struct {
	account *account
	lead    string
	status  string
	term    string // part of a name or number of the lead's contact
}

type knownPerson struct {
	account *account
	person
}

// walker is a lead and where it stands.
type walker struct {
	account *account
	lead    string
	status  string
}

// openDataset makes ready what is asked of a loaded database.
func openDataset(ctx context.Context, conn *pgx.Conn, ownerURL string, leads int, masterKey string) (*dataset, error) {
	d := &dataset{leads: leads, ownerURL: ownerURL, masterKey: masterKey}
	var err error
	if d.serverURL, err = migrate.Prepare(ctx, ownerURL, ""); err != nil {
		return nil, err
	}
	return d, d.sample(ctx, conn)
}

func readMeta(ctx context.Context, conn *pgx.Conn) (map[string]string, error) {
	rows, err := conn.Query(ctx, `SELECT key, value FROM bench.meta`)
	if err != nil {
		return nil, err
	}
	meta := map[string]string{}
	var key, value string
	_, err = pgx.ForEachRow(rows, []any{&key, &value}, func() error {
		meta[key] = value
		return nil
	})
	return meta, err
}

// sample reads what to ask for. Leads stand where earlier runs left them, so statuses are read anew.
func (d *dataset) sample(ctx context.Context, conn *pgx.Conn) error {
	d.accounts = map[uuid.UUID]*account{}
	var id, first, second [16]byte
	var key string
	rows, _ := conn.Query(ctx, `SELECT account_id, key, dealership_1, dealership_2 FROM bench.accounts`)
	_, err := pgx.ForEachRow(rows, []any{&id, &key, &first, &second}, func() error {
		a := uuid.UUID(id)
		d.accounts[a] = &account{id: a, text: a.String(), key: key, dealerships: [2]uuid.UUID{first, second}}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the accounts: %w", err)
	}
	var lead [16]byte
	var status, term string
	var open bool
	rows, _ = conn.Query(ctx, `SELECT s.account_id, s.lead_id, l.status, s.term, s.status NOT IN ('won', 'lost', 'invalid') FROM bench.sample s
		JOIN leads l ON l.account_id = s.account_id AND l.id = s.lead_id ORDER BY s.n`)
	_, err = pgx.ForEachRow(rows, []any{&id, &lead, &status, &term, &open}, func() error {
		s := sample{account: d.accounts[id], lead: uuid.UUID(lead).String(), status: status, term: term}
		d.samples = append(d.samples, s)
		if open {
			d.walkers = append(d.walkers, walker{account: s.account, lead: s.lead, status: status})
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the sample: %w", err)
	}
	return d.readKnown(ctx, conn)
}

// keepFullPages leaves those samples whose account has more than a page of leads in their status: where there are fewer a
// list is short, and no measure of one that is not.
func (d *dataset) keepFullPages(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, d.ownerURL)
	if err != nil {
		return err
	}
	defer hangUp(ctx, conn)
	type list struct {
		account [16]byte
		status  string
	}
	full := map[list]bool{}
	var l list
	rows, _ := conn.Query(ctx, `SELECT account_id, status FROM leads WHERE deleted_at IS NULL GROUP BY account_id, status HAVING count(*) > 50`)
	_, err = pgx.ForEachRow(rows, []any{&l.account, &l.status}, func() error {
		full[l] = true
		return nil
	})
	kept := []sample{}
	for _, s := range d.samples {
		if full[list{s.account.id, s.status}] {
			kept = append(kept, s)
		}
	}
	if d.samples = kept; err == nil && len(kept) == 0 {
		err = fmt.Errorf("no account has a page of leads in one status among %d: take more with -leads", d.leads)
	}
	return err
}

// mostKnown is how many returning people one run can use up.
const mostKnown = 100_000

func (d *dataset) readKnown(ctx context.Context, conn *pgx.Conn) error {
	var id [16]byte
	var p person
	rows, _ := conn.Query(ctx, `SELECT c.account_id, c.first_name, c.last_name, c.emails->0->>'address', c.phones->0->>'raw' FROM contacts c
		WHERE NOT EXISTS (SELECT FROM leads l WHERE l.account_id = c.account_id AND l.contact_id = c.id AND l.created_at > now() - interval '31 days')
		LIMIT $1`, mostKnown)
	_, err := pgx.ForEachRow(rows, []any{&id, &p.first, &p.last, &p.email, &p.phone}, func() error {
		d.known = append(d.known, knownPerson{account: d.accounts[id], person: p})
		return nil
	})
	if err != nil {
		return fmt.Errorf("read people who may return: %w", err)
	}
	r := rand.New(rand.NewPCG(7, 7)) //nolint:gosec // a shuffle
	r.Shuffle(len(d.known), func(i, j int) { d.known[i], d.known[j] = d.known[j], d.known[i] })
	return nil
}
