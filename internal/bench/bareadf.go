package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/leads"
	"github.com/rooftop-crm/rooftop/internal/platform/clock"
	"github.com/rooftop-crm/rooftop/pkg/adf"
)

type bareReceipt struct {
	InboxID  pgtype.UUID     `json:"inbox_id"`
	State    string          `json:"state"`
	Leads    []bareEntry     `json:"leads"`
	Warnings []leads.Warning `json:"warnings"`
}

type bareEntry struct {
	bareLead
	Outcome string `json:"outcome"`
	Rule    string `json:"rule"`
}

// adf takes a document of one prospect in, the raw bytes in the same transaction as the lead. Our server commits the bytes
// first, so that they survive whatever comes; that is its price for must not lose, not the yardstick's.
func (b *bare) adf(w http.ResponseWriter, r *http.Request, account pgtype.UUID) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	now := clock.Now()
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		return err
	}
	doc, err := adf.Parse(body, adf.Options{DefaultZone: paris, ReceivedAt: now, Unescape: true})
	if err != nil {
		return err
	}
	in := prospect(&doc.Prospects[0])
	if err := in.DealershipID.Scan(r.URL.Query().Get("dealership_id")); err != nil {
		return err
	}
	e := newEnquiry(account, &in)
	e.lead.InboxID = newID()
	receipt := bareReceipt{InboxID: e.lead.InboxID, State: "accepted", Warnings: []leads.Warning{}}
	var out []byte
	err = b.inTx(r.Context(), account, func(ctx context.Context, tx *bareTx) error {
		if err := tx.recognise(ctx, e); err != nil {
			return err
		}
		if err := b.keep(tx, e); err != nil {
			return err
		}
		receipt.Leads = []bareEntry{{bareLead: e.lead, Outcome: e.lead.Intake.Outcome, Rule: e.lead.Intake.Rule}}
		if out, err = json.Marshal(receipt); err != nil {
			return err
		}
		b.keepDocument(tx, e, body, out)
		return nil
	})
	if err != nil {
		return err
	}
	sendJSON(w, http.StatusCreated, out)
	return nil
}

// keepDocument queues the raw document before the lead, which refers to it.
func (b *bare) keepDocument(tx *bareTx, e *enquiry, body, answer []byte) {
	sum := sha256.Sum256(body)
	actor := map[string]any{"kind": "api_key", "name": "bench", "credential_id": b.actor}
	rest := tx.next.QueuedQueries
	tx.next = &pgx.Batch{}
	tx.next.Queue(insertDocument, e.account, e.lead.InboxID, "application/xml", len(body), sum[:], b.actor, actor, []leads.Warning{},
		[]pgtype.UUID{e.lead.ID}, answer, e.lead.ReceivedAt)
	tx.next.Queue(insertPart, e.account, e.lead.InboxID, body)
	tx.next.QueuedQueries = append(tx.next.QueuedQueries, rest...)
	b.event(tx, e.account, "inbox.accepted", "inbox", e.lead.InboxID, 2, []string{"state"}, e.lead.ReceivedAt)
}

// prospect reads what the bench's own documents say.
func prospect(p *adf.Prospect) bareCreate {
	c := &p.Customer.Contact
	in := bareCreate{Channel: "web", Source: p.SourceName(), Type: "general", Contact: barePerson{FirstName: c.First, LastName: c.Last}}
	for _, m := range c.Emails {
		in.Contact.Emails = append(in.Contact.Emails, bareEmail{Address: m.Address})
	}
	for _, t := range c.Phones {
		in.Contact.Phones = append(in.Contact.Phones, phoneAsked{Raw: t.Raw})
	}
	if !p.RequestDate.Time.IsZero() {
		at := p.RequestDate.Time.UTC()
		in.RequestedAt = &at
	}
	d := &in.Details
	d.Comments = adf.PlainText(p.Customer.Comments)
	if p.Vendor.Name != "" {
		d.Vendor = &leads.Vendor{Name: p.Vendor.Name}
	}
	d.Provider = &leads.Provider{Name: p.Provider.Name, Service: p.Provider.Service, URL: p.Provider.URL}
	for _, id := range p.IDs {
		d.ExternalRefs = append(d.ExternalRefs, kernel.ExternalRef{Source: cmp.Or(id.Source, in.Source), ID: id.Ref()})
	}
	for i := range p.Vehicles {
		v := wanted(&p.Vehicles[i])
		switch {
		case p.Vehicles[i].HandedIn():
			d.TradeIns = append(d.TradeIns, v)
			continue
		case v.Interest == "test_drive":
			in.Type = "test_drive"
		case in.Type == "general":
			in.Type = "sales"
		}
		v.Primary = len(d.Vehicles) == 0
		d.Vehicles = append(d.Vehicles, v)
	}
	return in
}

func wanted(v *adf.Vehicle) leads.Vehicle {
	out := leads.Vehicle{
		Interest: strings.ReplaceAll(string(v.Interest), "-", "_"), Condition: string(v.Status), Make: v.Make, Model: v.Model, Trim: v.Trim,
		VIN: v.VIN, StockNumber: v.Stock, BodyStyle: v.BodyStyle, Year: &v.Year,
	}
	if v.Odometer != nil {
		out.Odometer = &kernel.Measure{Value: float64(v.Odometer.Value), Unit: v.Odometer.Units}
	}
	if v.Price != nil {
		out.Price = &kernel.Money{AmountMinor: v.Price.Minor, Currency: v.Price.Currency}
	}
	if v.Transmission != "" || v.Doors != "" {
		out.Extras = map[string]string{"transmission": v.Transmission, "doors": v.Doors}
	}
	return out
}
