package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rooftop-crm/rooftop/internal/contacts"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/leads"
	"github.com/rooftop-crm/rooftop/internal/platform/clock"
	"github.com/rooftop-crm/rooftop/internal/platform/fold"
	"github.com/rooftop-crm/rooftop/pkg/phone"
)

func likePatterns(q string) []string {
	terms := fold.Terms(q)
	for i, t := range terms {
		terms[i] = fold.Like(t)
	}
	return terms
}

// bareCreate is the body of an enquiry.
type bareCreate struct {
	DealershipID pgtype.UUID `json:"dealership_id"`
	Contact      barePerson  `json:"contact"`
	Type         string      `json:"type"`
	Channel      string      `json:"channel"`
	Source       string      `json:"source"`
	RequestedAt  *time.Time  `json:"requested_at"`
	leads.Details
}

type barePerson struct {
	FirstName string       `json:"first_name"`
	LastName  string       `json:"last_name"`
	Emails    []bareEmail  `json:"emails"`
	Phones    []phoneAsked `json:"phones"`
}

type phoneAsked struct {
	Raw string `json:"raw"`
}

// enquiry is what create and adf have in common.
type enquiry struct {
	account     pgtype.UUID
	who         contacts.Contact
	lead        bareLead
	words       leads.Details
	match       bareMatch
	known       *bareContact
	sources     []string // of the references, and their ids
	refs        []string
	contactText string
}

func newEnquiry(account pgtype.UUID, in *bareCreate) *enquiry {
	now := clock.Now()
	e := &enquiry{account: account, words: in.Details}
	e.who = contacts.Contact{FirstName: in.Contact.FirstName, LastName: in.Contact.LastName}
	e.who.FullName = strings.TrimSpace(e.who.FirstName + " " + e.who.LastName)
	for _, m := range in.Contact.Emails {
		if address, ok := fold.Email(m.Address); ok {
			e.who.Emails = append(e.who.Emails, contacts.Email{Address: address, Type: "other"})
		}
	}
	for _, p := range in.Contact.Phones {
		n := phone.Parse(p.Raw, "FR")
		kind := "other"
		if n.Type == phone.Mobile {
			kind = "mobile"
		}
		e.who.Phones = append(e.who.Phones, contacts.Phone{Raw: p.Raw, E164: n.E164, Type: contacts.Type(kind)})
	}
	for _, r := range in.ExternalRefs {
		e.sources, e.refs = append(e.sources, r.Source), append(e.refs, r.ID)
	}
	sum := sha256.Sum256(fmt.Append(nil, in.Type, in.Source, in.Contact, in.Comments, in.Answers, in.Vehicles))
	e.lead = bareLead{
		ID: newID(), Version: 1, DealershipID: in.DealershipID, Type: in.Type, Channel: in.Channel, Status: "new", Source: in.Source,
		RequestedAt: in.RequestedAt, ReceivedAt: now, CreatedAt: now, UpdatedAt: now,
		row: bareRow{hash: sum[:]},
	}
	return e
}

func (b *bare) create(w http.ResponseWriter, r *http.Request, account pgtype.UUID) error {
	var in bareCreate
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return err
	}
	e := newEnquiry(account, &in)
	err := b.inTx(r.Context(), account, func(ctx context.Context, tx *bareTx) error {
		if err := tx.recognise(ctx, e); err != nil {
			return err
		}
		return b.keep(tx, e)
	})
	if err != nil {
		return err
	}
	return answer(w, http.StatusCreated, e.lead)
}

// bareTx is a transaction of few messages: begin and the setting leave with the first batch, commit with the last.
type bareTx struct {
	conn *pgxpool.Conn
	next *pgx.Batch // what the next message holds
}

func (b *bare) inTx(ctx context.Context, account pgtype.UUID, work func(ctx context.Context, tx *bareTx) error) error {
	conn, err := b.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release() // a connection that is still in a transaction is closed
	tx := &bareTx{conn: conn, next: &pgx.Batch{}}
	tx.next.Queue("begin")
	tx.next.Queue(setAccount, account.String())
	if err := work(ctx, tx); err != nil {
		return err
	}
	tx.next.Queue("commit")
	return conn.SendBatch(ctx, tx.next).Close()
}

// read sends what is queued and reads the rows of its last statements, one function for each.
func (tx *bareTx) read(ctx context.Context, each ...func(pgx.Rows) error) error {
	batch := tx.next
	tx.next = &pgx.Batch{}
	results := tx.conn.SendBatch(ctx, batch)
	defer results.Close() //nolint:errcheck // a second close; the first one's error is returned
	for range batch.Len() - len(each) {
		if _, err := results.Exec(); err != nil {
			return err
		}
	}
	for _, fn := range each {
		if err := eachRow(results, fn); err != nil {
			return err
		}
	}
	return results.Close()
}

func lockOf(parts ...string) int64 {
	h := fnv.New64a()
	for _, p := range parts {
		_, _ = h.Write([]byte(p))
		_, _ = h.Write([]byte{0})
	}
	return int64(h.Sum64()) //nolint:gosec // a hash
}

// recognise locks the references and the points of the person, looks for both, and reads the person's recent leads when the
// person is known.
func (tx *bareTx) recognise(ctx context.Context, e *enquiry) error {
	ignore := func(pgx.Rows) error { return nil }
	var each []func(pgx.Rows) error
	if len(e.refs) > 0 {
		locks := make([]int64, len(e.refs))
		for i := range e.refs {
			locks[i] = lockOf(e.account.String(), e.sources[i], e.refs[i])
		}
		slices.Sort(locks)
		tx.next.Queue(lockRefs, locks)
		tx.next.Queue(selectRefs, e.account, e.sources, e.refs)
		each = append(each, ignore, ignore)
	}
	kinds, values := e.points()
	locks := make([]int64, len(values))
	for i := range values {
		locks[i] = lockOf(e.account.String(), kinds[i], values[i])
	}
	slices.Sort(locks)
	tx.next.Queue(lockPoints, locks)
	tx.next.Queue(selectSharing, e.account, valuesOf("email", kinds, values), valuesOf("phone", kinds, values))
	e.match = bareMatch{Rule: "none", Fields: []string{}}
	each = append(each, ignore, func(rows pgx.Rows) error {
		c, err := scanContact(rows)
		if err == nil {
			e.compare(&c)
		}
		return err
	})
	if err := tx.read(ctx, each...); err != nil || e.known == nil {
		return err
	}
	tx.next.Queue(selectRecent, e.account, e.known.ID, e.lead.DealershipID, e.lead.ReceivedAt.Add(-30*24*time.Hour))
	return tx.read(ctx, func(rows pgx.Rows) error {
		var id, first pgtype.UUID
		var status, typ, source string
		var test bool
		var hash []byte
		var received time.Time
		if err := rows.Scan(&id, &status, &typ, &source, &test, &hash, &received, &first); err != nil {
			return err
		}
		e.lead.DuplicateOf = id
		return nil
	})
}

func (e *enquiry) points() (kinds, values []string) {
	for _, m := range e.who.Emails {
		kinds, values = append(kinds, "email"), append(values, m.Address)
	}
	for _, p := range e.who.Phones {
		if p.E164 != "" {
			kinds, values = append(kinds, "phone"), append(values, p.E164)
		}
	}
	return kinds, values
}

func valuesOf(kind string, kinds, values []string) []string {
	out := []string{}
	for i := range kinds {
		if kinds[i] == kind {
			out = append(out, values[i])
		}
	}
	return out
}

// compare keeps the candidate when it is the person: by e-mail, else by number and name.
func (e *enquiry) compare(c *bareContact) {
	for _, m := range c.Emails {
		if slices.ContainsFunc(e.who.Emails, func(k contacts.Email) bool { return k.Address == m.Address }) {
			e.known, e.match = c, bareMatch{Rule: "email", Fields: []string{"emails"}}
			return
		}
	}
	if e.known == nil && fold.Text(text(c.FullName)) == fold.Text(e.who.FullName) {
		e.known, e.match = c, bareMatch{Rule: "phone_and_name", Fields: []string{"phones", "full_name"}}
	}
}

// keep queues the rows of a new lead, and of its contact when it is new. The bench sends no enquiry that repeats or joins
// an earlier one.
func (b *bare) keep(tx *bareTx, e *enquiry) error {
	if e.known == nil {
		b.keepContact(tx, e)
	} else {
		e.lead.ContactID = e.known.ID
		e.contactText = e.known.searchText()
	}
	l := &e.lead
	var err error
	if l.row.details, err = json.Marshal(&e.words); err != nil {
		return err
	}
	l.row.search = leadText(e.contactText, e.words)
	tx.next.Queue(insertLead, l.args(e.account)...)
	if len(e.refs) > 0 {
		tx.next.Queue(insertRefs, e.account, l.ID, e.sources, e.refs)
	}
	b.record(tx, e.account, l, "created", "", l.Source)
	b.event(tx, e.account, "lead.created", "lead", l.ID, 1, []string{}, l.CreatedAt)
	l.Intake = &bareIntake{Outcome: "created", Rule: "new_enquiry", Contact: e.match}
	if l.DuplicateOf.Valid {
		l.Intake.Rule = "other_source"
	}
	return l.show()
}

func (b *bare) keepContact(tx *bareTx, e *enquiry) {
	id, now := newID(), e.lead.CreatedAt
	e.lead.ContactID, e.match.Created = id, true
	e.contactText = e.who.SearchText()
	emails, phones := []storedEmail{}, []storedPhone{}
	for _, m := range e.who.Emails {
		emails = append(emails, storedEmail{Address: m.Address, Type: string(m.Type)})
	}
	for _, p := range e.who.Phones {
		phones = append(phones, storedPhone{Raw: p.Raw, E164: p.E164, Type: string(p.Type)})
	}
	tx.next.Queue(insertContact, e.account, id, 1, "person", "", e.who.FirstName, e.who.LastName, e.who.FullName, "", emails, phones,
		[]storedAddress{}, "", []kernel.ExternalRef{}, map[string]any{}, []string{}, nil, e.contactText, now, now, nil)
	kinds, values := e.points()
	tx.next.Queue(insertPoints, e.account, id, kinds, values)
	b.event(tx, e.account, "contact.created", "contact", id, 1, []string{}, now)
}

func (c *bareContact) searchText() string {
	who := contacts.Contact{FirstName: text(c.FirstName), LastName: text(c.LastName), FullName: text(c.FullName), CompanyName: text(c.CompanyName)}
	for _, m := range c.Emails {
		who.Emails = append(who.Emails, contacts.Email{Address: m.Address})
	}
	for _, p := range c.Phones {
		who.Phones = append(who.Phones, contacts.Phone{Raw: p.Raw, E164: text(p.E164)})
	}
	return who.SearchText()
}

func (b *bare) record(tx *bareTx, account pgtype.UUID, l *bareLead, kind, from, note string) {
	tx.next.Queue(insertHistory, account, l.ID, newID(), l.UpdatedAt, kind, from, l.Status, nil, nil, l.row.reason, note, "api_key", b.actor, "bench")
}

func (b *bare) event(tx *bareTx, account pgtype.UUID, event, resource string, id pgtype.UUID, version int64, changed []string, at time.Time) {
	tx.next.Queue(insertEvent, account, newID(), event, resource, id, version, "api_key", b.actor, changed, nil, at)
}

// bareMove is the body of a change of status.
type bareMove struct {
	Status string `json:"status"`
	Reason string `json:"reason"`
	Note   string `json:"note"`
}

func (b *bare) move(w http.ResponseWriter, r *http.Request, account pgtype.UUID, id string) error {
	var in bareMove
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return err
	}
	var l bareLead
	err := b.inTx(r.Context(), account, func(ctx context.Context, tx *bareTx) error {
		tx.next.Queue(lockLead, account, id)
		err := tx.read(ctx, func(rows pgx.Rows) (err error) {
			l, err = scanLead(rows)
			return err
		})
		if err != nil {
			return err
		}
		if !l.ID.Valid || l.Status == in.Status {
			return fmt.Errorf("lead %s cannot become %s", id, in.Status)
		}
		from := l.Status
		l.Version++
		l.UpdatedAt = clock.Now()
		l.Status, l.row.reason = in.Status, in.Reason
		l.PostponedUntil, l.ClosedAt, l.row.vin, l.row.order, l.row.sold = nil, nil, "", "", nil
		if in.Status == "lost" {
			l.ClosedAt = &l.UpdatedAt
		}
		l.StatusReason = textOrNull(in.Reason)
		tx.next.Queue(insertHistory, account, l.ID, newID(), l.UpdatedAt, "status", from, l.Status, nil, nil, in.Reason, in.Note, "api_key", b.actor, "bench")
		tx.next.Queue(updateLead, l.args(account)...)
		b.event(tx, account, "lead.status_changed", "lead", l.ID, l.Version, []string{"status", "status_reason"}, l.UpdatedAt)
		return nil
	})
	if err != nil {
		return err
	}
	w.Header().Set("ETag", fmt.Sprintf(`"%d"`, l.Version))
	return answer(w, http.StatusOK, l)
}
