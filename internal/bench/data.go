package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sort"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/rooftop-crm/rooftop/internal/contacts"
	"github.com/rooftop-crm/rooftop/internal/leads"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/clock"
	"github.com/rooftop-crm/rooftop/internal/platform/fold"
	"github.com/rooftop-crm/rooftop/internal/platform/secret"
)

const (
	accountCount = 200
	sampleCount  = 50_000
	batchLeads   = 5000
	history      = 2 * 365 * 24 * time.Hour // the leads are spread over two years
	unlimited    = 1_000_000_000            // requests a minute: the quota is counted and never met
)

// columns of the tables that are filled, in the order of the rows that generator makes.
var columns = map[string][]string{
	"accounts":    {"id", "name", "created_at", "updated_at"},
	"dealerships": {"account_id", "id", "name", "country", "time_zone", "is_default", "created_at", "updated_at"},
	"users":       {"account_id", "id", "email", "first_name", "last_name", "created_at", "updated_at"},
	"credentials": {"id", "kind", "name", "secret_hash", "account_id", "scopes", "rate_per_minute", "created_at"},
	"api_keys":    {"account_id", "id", "kind", "name", "prefix", "scopes", "rate_per_minute", "created_at", "updated_at"},
	"contacts": {
		"account_id", "id", "kind", "first_name", "last_name", "full_name", "emails", "phones", "addresses", "search", "created_at", "updated_at",
	},
	"contact_points": {"account_id", "kind", "value", "contact_id"},
	"leads": {
		"account_id", "id", "version", "dealership_id", "contact_id", "type", "channel", "status", "status_reason", "source", "assignee_id",
		"content_hash", "requested_at", "received_at", "postponed_until", "closed_at", "order_number", "sold_at", "details", "search", "created_at", "updated_at",
	},
	"lead_refs":    {"account_id", "source", "external_id", "lead_id"},
	"lead_history": {"account_id", "lead_id", "id", "at", "kind", "from_status", "to_status", "note", "actor_type", "actor_name"},
	"events":       {"account_id", "id", "position", "type", "resource_type", "resource_id", "sequence", "actor_type", "changed", "occurred_at"},
	"event_heads":  {"account_id", "position"},

	"bench.accounts": {"account_id", "key", "dealership_1", "dealership_2"},
	"bench.sample":   {"n", "account_id", "dealership_id", "lead_id", "contact_id", "status", "term"},
}

const benchTables = `CREATE SCHEMA bench;
	CREATE TABLE bench.meta (key text PRIMARY KEY, value text NOT NULL);
	CREATE TABLE bench.accounts (account_id uuid PRIMARY KEY, key text NOT NULL, dealership_1 uuid NOT NULL, dealership_2 uuid NOT NULL);
	CREATE TABLE bench.sample (n integer PRIMARY KEY, account_id uuid NOT NULL, dealership_id uuid NOT NULL, lead_id uuid NOT NULL,
		contact_id uuid NOT NULL, status text NOT NULL, term text NOT NULL);
	GRANT USAGE ON SCHEMA bench TO rooftop_app;
	GRANT SELECT ON bench.sample TO rooftop_app`

// benchTexts keeps what pgbench's leads say where it can be read before an account is set, and the leads whose status it
// changes, which the load generator leaves alone.
const benchTexts = `CREATE TABLE bench.texts AS SELECT s.n, l.details, l.search, c.emails, c.phones FROM bench.sample s
	JOIN leads l ON l.account_id = s.account_id AND l.id = s.lead_id
	JOIN contacts c ON c.account_id = s.account_id AND c.id = s.contact_id WHERE s.n <= 1000;
	ALTER TABLE bench.texts ADD PRIMARY KEY (n);
	CREATE TABLE bench.closed AS SELECT row_number() OVER (ORDER BY n)::integer AS n, account_id, lead_id FROM bench.sample
	WHERE status IN ('won', 'lost', 'invalid');
	ALTER TABLE bench.closed ADD PRIMARY KEY (n);
	GRANT SELECT ON bench.texts, bench.closed TO rooftop_app`

// load fills a migrated, empty database. Indexes that are not keys are made after the rows; foreign keys are not checked,
// since the generator keeps them.
func load(ctx context.Context, conn *pgx.Conn, count int) error {
	for _, sql := range []string{benchTables, "SET session_replication_role = replica", "SET synchronous_commit = off", "SET maintenance_work_mem = '512MB'"} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	rebuild, err := dropIndexes(ctx, conn)
	if err != nil {
		return err
	}
	g := newGenerator(count)
	if err := copyRows(ctx, conn, g.base()); err != nil {
		return err
	}
	batches := make(chan rowsOf, 2)
	go func() {
		defer close(batches)
		for g.made < count && ctx.Err() == nil {
			batches <- g.batch(min(batchLeads, count-g.made))
		}
	}()
	for rows := range batches {
		if err == nil {
			err = copyRows(ctx, conn, rows)
		}
	}
	if err != nil {
		return err
	}
	if err := copyRows(ctx, conn, g.rest()); err != nil {
		return err
	}
	for _, sql := range append(rebuild, benchTexts, "VACUUM (ANALYZE)", "CHECKPOINT") {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	_, err = conn.Exec(ctx, `INSERT INTO bench.meta VALUES ('fingerprint', $1), ('master_key', $2)`, fingerprint(count), secret.Generate())
	return err
}

// dropIndexes drops those indexes of the large tables that back no constraint, and returns the statements that make them.
func dropIndexes(ctx context.Context, conn *pgx.Conn) (rebuild []string, err error) {
	rows, _ := conn.Query(ctx, `SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
		WHERE indrelid = ANY ('{contacts,contact_points,leads,lead_refs,lead_history,events}'::regclass[])
		AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)`)
	var name, definition string
	var drop []string
	_, err = pgx.ForEachRow(rows, []any{&name, &definition}, func() error {
		drop, rebuild = append(drop, name), append(rebuild, definition)
		return nil
	})
	if err == nil {
		_, err = conn.Exec(ctx, "DROP INDEX "+strings.Join(drop, ", "))
	}
	return rebuild, err
}

// rowsOf holds rows by table.
type rowsOf map[string][][]any

func (r rowsOf) add(table string, values ...any) { r[table] = append(r[table], values) }

func copyRows(ctx context.Context, conn *pgx.Conn, rows rowsOf) error {
	for table, values := range rows {
		name := pgx.Identifier(strings.Split(table, "."))
		if _, err := conn.CopyFrom(ctx, name, columns[table], pgx.CopyFromRows(values)); err != nil {
			return fmt.Errorf("copy into %s: %w", table, err)
		}
	}
	return nil
}

// generator makes rows in the order of time, so that they lie in the tables as they would in life: the leads of an account
// among those of all others.
type generator struct {
	r        *rand.Rand
	count    int
	made     int
	start    time.Time
	step     time.Duration
	accounts []*madeAccount
	shares   []float64 // running sum of the accounts' weights
	samples  int
}

type madeAccount struct {
	account
	users    [4]uuid.UUID
	contacts []madeContact
	events   int64
}

type madeContact struct {
	id   uuid.UUID
	text string // what search finds
	who  person
}

func newGenerator(count int) *generator {
	now := clock.Now()
	g := &generator{
		r: rand.New(rand.NewPCG(20261123, uint64(count))), count: count, //nolint:gosec // the same data each time; count is positive
		start: now.Add(-history), step: history / time.Duration(count),
	}
	total := 0.0
	for i := range accountCount {
		total += 1 / float64(i+20) // the largest has about eleven times the leads of the smallest
		g.shares = append(g.shares, total)
		a := &madeAccount{account: account{id: idAt(g.r, g.start), key: auth.NewKey(auth.KeySecret, false).Text}}
		for k := range a.dealerships {
			a.dealerships[k] = idAt(g.r, g.start)
		}
		for k := range a.users {
			a.users[k] = idAt(g.r, g.start)
		}
		g.accounts = append(g.accounts, a)
	}
	return g
}

func (g *generator) anyAccount() *madeAccount {
	at := g.r.Float64() * g.shares[len(g.shares)-1]
	return g.accounts[sort.SearchFloat64s(g.shares, at)]
}

func b16(id uuid.UUID) [16]byte { return id }

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // the types here can all be written
	}
	return b
}

// base are the accounts with what belongs to them.
func (g *generator) base() rowsOf {
	rows := rowsOf{}
	scopes := mustJSON(auth.AllScopes().List())
	for i, a := range g.accounts {
		id := b16(a.id)
		rows.add("accounts", id, fmt.Sprintf("Groupe %d", i), g.start, g.start)
		for k, d := range a.dealerships {
			rows.add("dealerships", id, b16(d), fmt.Sprintf("Garage %d-%d", i, k), "FR", "Europe/Paris", k == 0, g.start, g.start)
		}
		for k, u := range a.users {
			rows.add("users", id, b16(u), fmt.Sprintf("vendeur%d@groupe%d.example", k, i), pick(g.r, firstNames), "Vendeur", g.start, g.start)
		}
		key, _ := auth.ParseKey(a.key)
		credential := b16(idAt(g.r, g.start))
		rows.add("credentials", credential, "api_key", "bench", key.Hash(), id, scopes, unlimited, g.start)
		rows.add("api_keys", id, credential, "api_key", "bench", key.Prefix(), scopes, unlimited, g.start, g.start)
		rows.add("bench.accounts", id, a.key, b16(a.dealerships[0]), b16(a.dealerships[1]))
	}
	return rows
}

// batch makes the next leads with their contacts, history and events.
func (g *generator) batch(n int) rowsOf {
	rows := rowsOf{}
	for range n {
		at := g.start.Add(time.Duration(g.made) * g.step)
		g.made++
		a := g.anyAccount()
		var c *madeContact
		if len(a.contacts) == 0 || g.r.IntN(2) == 0 {
			c = g.contact(rows, a, at)
		} else {
			c = &a.contacts[g.r.IntN(len(a.contacts))]
		}
		g.lead(rows, a, c, at)
	}
	return rows
}

func (g *generator) event(rows rowsOf, a *madeAccount, event, resource string, id uuid.UUID, sequence int64, changed []string, at time.Time) {
	a.events++
	rows.add("events", b16(a.id), b16(idAt(g.r, at)), a.events, event, resource, b16(id), sequence, "api_key", changed, at)
}

func (g *generator) contact(rows rowsOf, a *madeAccount, at time.Time) *madeContact {
	n := len(a.contacts)
	p := newPerson(g.r, "c", n)
	// Numbers are used up one after the other, so that few people of an account share one.
	digits := n % 10_000
	p.phone = fmt.Sprintf("%s %02d %02d", phoneRanges[n/10_000%len(phoneRanges)], digits/100, digits%100)
	e164 := "+33" + strings.ReplaceAll(p.phone, " ", "")[1:]
	full := p.first + " " + p.last
	who := contacts.Contact{
		FirstName: p.first, LastName: p.last, FullName: full,
		Emails: []contacts.Email{{Address: p.email}}, Phones: []contacts.Phone{{Raw: p.phone, E164: e164}},
	}
	text := who.SearchText()
	id := idAt(g.r, at)
	rows.add("contacts", b16(a.id), b16(id), "person", p.first, p.last, full,
		mustJSON([]storedEmail{{Address: p.email, Type: "other"}}), mustJSON([]storedPhone{{Raw: p.phone, E164: e164, Type: "other"}}),
		mustJSON([]storedAddress{{Lines: []string{"12 bis, rue de l'Exemple"}, PostalCode: "42000", City: p.city, Country: "FR", Type: "home"}}),
		text, at, at)
	rows.add("contact_points", b16(a.id), "email", p.email, b16(id))
	rows.add("contact_points", b16(a.id), "phone", e164, b16(id))
	g.event(rows, a, "contact.created", "contact", id, 1, []string{}, at)
	a.contacts = append(a.contacts, madeContact{id: id, text: text, who: p})
	return &a.contacts[n]
}

// shares of the statuses, in percent.
var statusShares = []struct {
	status leads.Status
	share  int
}{
	{leads.StatusNew, 10},
	{leads.StatusAssigned, 8},
	{leads.StatusContactAttempted, 10},
	{leads.StatusInContact, 12},
	{leads.StatusAppointmentSet, 5},
	{leads.StatusVisited, 5},
	{leads.StatusOffer, 5},
	{leads.StatusPostponed, 2},
	{leads.StatusWon, 10},
	{leads.StatusLost, 28},
	{leads.StatusInvalid, 5},
}

func (g *generator) status() leads.Status {
	at := g.r.IntN(100)
	for _, s := range statusShares {
		if at -= s.share; at < 0 {
			return s.status
		}
	}
	return leads.StatusLost
}

func (g *generator) lead(rows rowsOf, a *madeAccount, c *madeContact, at time.Time) {
	id, status, source := idAt(g.r, at), g.status(), pick(g.r, sources)
	ref := fmt.Sprintf("L%09d", g.made)
	d := newDetails(g.r, source, ref, at)
	dealership := a.dealerships[g.r.IntN(2)]
	version, reason, order := int64(1), "", ""
	var assignee, closed, postponed, sold any
	switch status { //nolint:exhaustive // the others need nothing
	case leads.StatusWon:
		order, sold, closed = fmt.Sprintf("BC-%d", g.made), at, at
	case leads.StatusLost:
		reason, closed = pick(g.r, leads.LostReasons()), at
	case leads.StatusInvalid:
		reason, closed = "spam", at
	case leads.StatusPostponed:
		postponed = clock.Now().Add(30 * 24 * time.Hour)
	}
	rows.add("lead_history", b16(a.id), b16(id), b16(idAt(g.r, at)), at, "created", "", "new", source, "api_key", "bench")
	g.event(rows, a, "lead.created", "lead", id, 1, []string{}, at)
	if status != leads.StatusNew {
		version, assignee = 2, b16(a.users[g.r.IntN(len(a.users))])
		rows.add("lead_history", b16(a.id), b16(id), b16(idAt(g.r, at)), at, "status", "new", string(status), "", "api_key", "bench")
		g.event(rows, a, "lead.status_changed", "lead", id, 2, []string{"status", "status_reason"}, at)
	}
	hash := make([]byte, 32)
	for i := range hash {
		hash[i] = byte(g.r.Uint32()) //nolint:gosec // any byte will do
	}
	rows.add("leads", b16(a.id), b16(id), version, b16(dealership), b16(c.id), "test_drive", "portal", string(status), reason, source, assignee,
		hash, at, at, postponed, closed, order, sold, mustJSON(d), leadText(c.text, d), at, at)
	rows.add("lead_refs", b16(a.id), source, ref, b16(id))
	g.sample(rows, a, dealership, id, c, status)
}

// leadText is what a lead is found by, as the leads context writes it.
func leadText(contact string, d leads.Details) string {
	parts := []string{contact}
	for _, list := range [][]leads.Vehicle{d.Vehicles, d.TradeIns} {
		for _, v := range list {
			parts = append(parts, fold.Text(v.Make+" "+v.Model), strings.ToLower(v.VIN), fold.Text(v.StockNumber))
		}
	}
	for _, r := range d.ExternalRefs {
		parts = append(parts, fold.Text(r.ID))
	}
	return strings.Join(parts, " ")
}

// sample keeps every so manieth lead for the load generator, with something to search for.
func (g *generator) sample(rows rowsOf, a *madeAccount, dealership, lead uuid.UUID, c *madeContact, status leads.Status) {
	want := min(sampleCount, g.count)
	if g.made*want/g.count <= g.samples {
		return
	}
	g.samples++
	rows.add("bench.sample", g.samples, b16(a.id), b16(dealership), b16(lead), b16(c.id), string(status), searchTerm(g.r, c.who))
}

// searchTerm is 3 to 8 characters of a name, or the last digits of a telephone number.
func searchTerm(r *rand.Rand, p person) string {
	length := 3 + r.IntN(6)
	if r.IntN(3) == 0 {
		digits := strings.ReplaceAll(p.phone, " ", "")
		return digits[len(digits)-max(4, length):]
	}
	name := []rune(p.last)
	if length >= len(name) {
		return p.last
	}
	from := r.IntN(len(name) - length + 1)
	return string(name[from : from+length])
}

// rest is what is known once all leads are there.
func (g *generator) rest() rowsOf {
	rows := rowsOf{}
	for _, a := range g.accounts {
		rows.add("event_heads", b16(a.id), a.events)
	}
	return rows
}
