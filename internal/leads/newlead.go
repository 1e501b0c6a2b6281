package leads

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/fold"
	"github.com/rooftop-crm/rooftop/internal/platform/schema"
	"github.com/rooftop-crm/rooftop/pkg/vin"
)

// Person is who asks, as the sender describes them. The contacts context decides who that is.
type Person struct {
	Civility    string
	FirstName   string
	LastName    string
	FullName    string
	CompanyName string
	Company     bool
	Emails      []Email
	Phones      []Phone
	Addresses   []Address
	Language    string
	Region      string // ISO 3166-1: where numbers without a country code are dialled; the dealership's country
}

// Email is one address as sent.
type Email struct {
	Address   string
	Type      string
	Preferred bool
}

// Phone is one number as sent; the contacts context brings it to E.164.
type Phone struct {
	Raw       string
	Type      string
	Preferred bool
}

// Address is one postal address.
type Address struct {
	Lines      []string
	PostalCode string
	City       string
	Region     string
	Country    string
	Type       string
}

// Reachable tells whether there is any way to answer the person.
func (p Person) Reachable() bool { return len(p.Emails)+len(p.Phones)+len(p.Addresses) > 0 }

// NewLead is an enquiry as it comes in, in whatever format.
type NewLead struct {
	DealershipID kernel.DealershipID
	ContactID    kernel.ContactID // a contact the caller knows; else Person is matched
	Person       Person
	Type         Type             // "" is guessed from the vehicles
	Channel      Channel          // "" is guessed from the caller
	Source       string           // "" is taken from the partner, provider, campaign or credential
	PartnerID    kernel.PartnerID // set by the service from whoever sends it
	RequestedAt  *time.Time
	ReceivedAt   time.Time // zero: now
	AssigneeID   kernel.UserID
	Test         bool
	InboxID      kernel.InboxID
	Resend       bool // the sender says that this is an earlier lead again
	Own          bool // the sender's id names a lead of its own: it joins no other
	Details      Details
}

// limits of one lead
const (
	maxVehicles  = 20
	maxRefs      = 20
	maxRefSource = 100
	maxRefID     = 200
	maxAnswers   = 200
	maxConsents  = 50
	maxTouches   = 200

	maxExtras, maxExtraName, maxExtraValue = 100, 100, 2000

	maxOdometer, maxMinor = 10_000_000, 1_000_000_000_000_000
)

// Validate names every bad field at once.
func (n *NewLead) Validate() error {
	var bad []errs.Field
	add := func(pointer, code, detail string) {
		bad = append(bad, errs.Field{Pointer: pointer, Code: code, Detail: detail})
	}
	if n.ContactID.IsZero() && !n.Person.Reachable() && n.Person.empty() {
		add("/contact", "required", "Say who asks: a contact with at least a name, an e-mail or a phone, or a contact_id.")
	}
	if n.Type != "" && !slices.Contains(Types(), n.Type) {
		add("/type", "not_one_of", "Give one of: "+join(Types())+".")
	}
	if n.Channel != "" && !slices.Contains(Channels(), n.Channel) {
		add("/channel", "not_one_of", "Give one of: "+join(Channels())+".")
	}
	n.Details.validate(add)
	if bad != nil {
		return errs.InvalidFields(bad...)
	}
	return nil
}

func (d *Details) validate(add func(pointer, code, detail string)) {
	count := func(pointer string, n, most int) {
		if n > most {
			add(pointer, "too_many", fmt.Sprintf("Give at most %d entries.", most))
		}
	}
	count("/vehicles_of_interest", len(d.Vehicles), maxVehicles)
	count("/trade_ins", len(d.TradeIns), maxVehicles)
	count("/answers", len(d.Answers), maxAnswers)
	count("/consents", len(d.Consents), maxConsents)
	count("/external_refs", len(d.ExternalRefs), maxRefs)
	for i := range d.Vehicles {
		d.Vehicles[i].validate(fmt.Sprintf("/vehicles_of_interest/%d", i), add)
	}
	for i := range d.TradeIns {
		d.TradeIns[i].validate(fmt.Sprintf("/trade_ins/%d", i), add)
	}
	if wrong := schema.Bounds(d.Custom); wrong != nil {
		add(wrong.Pointer, wrong.Code, wrong.Detail)
	}
	if f := d.Finance; f != nil {
		validateMoney("/finance/down_payment", f.DownPayment, add)
		validateMoney("/finance/monthly", f.Monthly, add)
		validateMoney("/finance/total", f.Total, add)
		validateMoney("/finance/balance", f.Balance, add)
	}
	primary := 0
	for _, v := range d.Vehicles {
		if v.Primary {
			primary++
		}
	}
	if primary > 1 {
		add("/vehicles_of_interest", "several_primary", "Mark at most one vehicle as primary.")
	}
	seen := map[kernel.ExternalRef]bool{}
	for i, r := range d.ExternalRefs {
		at := fmt.Sprintf("/external_refs/%d", i)
		if r.Source == "" || len(r.Source) > maxRefSource || r.ID == "" || len(r.ID) > maxRefID {
			add(at, "invalid", "Give a source of 1 to 100 characters and an id of 1 to 200.")
		}
		if seen[r] {
			add(at, "repeated", "Give each reference once.")
		}
		seen[r] = true
	}
}

func (v Vehicle) validate(at string, add func(pointer, code, detail string)) {
	validateMoney(at+"/price", v.Price, add)
	if o := v.Odometer; o != nil && (o.Value < 0 || o.Value > maxOdometer || o.Unit != "km" && o.Unit != "mi") {
		add(at+"/odometer", "invalid", "Give a value from 0 to 10000000 and the unit km or mi.")
	}
	if len(v.Extras) > maxExtras {
		add(at+"/extras", "too_many", fmt.Sprintf("Give at most %d entries.", maxExtras))
	}
	for name, value := range v.Extras {
		if name == "" || utf8.RuneCountInString(name) > maxExtraName || utf8.RuneCountInString(value) > maxExtraValue {
			add(at+"/extras", "too_long", fmt.Sprintf("Names must be 1 to %d characters long and values at most %d.", maxExtraName, maxExtraValue))
			break
		}
	}
}

func validateMoney(at string, m *kernel.Money, add func(pointer, code, detail string)) {
	if m != nil && (m.AmountMinor < 0 || m.AmountMinor > maxMinor || !goodCurrency(m.Currency)) {
		add(at, "invalid", "Give an amount_minor from 0 to 1000000000000000 and a currency as ISO 4217 writes it, such as EUR.")
	}
}

func goodCurrency(s string) bool {
	return len(s) == 3 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

func (p Person) empty() bool {
	return p.FirstName == "" && p.LastName == "" && p.FullName == "" && p.CompanyName == ""
}

// complete fills what the sender left open.
func (n *NewLead) complete(actor auth.Actor, now time.Time) {
	if n.ReceivedAt.IsZero() {
		n.ReceivedAt = now
	}
	n.PartnerID = actor.Partner
	n.RequestedAt = instant(n.RequestedAt)
	n.Test = n.Test || actor.Test
	n.Details.tidy()
	if n.Type == "" {
		n.Type = n.Details.guessType()
	}
	if n.Channel == "" {
		n.Channel = ChannelWeb
		if actor.Kind == auth.KindPartner {
			n.Channel = ChannelOEM
		}
	}
	n.Source = n.credit(actor)
}

// credit names whom the lead is credited to: the partner, else the provider, else the sending site or campaign.
func (n *NewLead) credit(actor auth.Actor) string {
	if actor.Kind == auth.KindPartner {
		return actor.Name
	}
	candidates := []string{n.Source}
	if n.Details.Provider != nil {
		candidates = append(candidates, n.Details.Provider.Name)
	}
	if a := n.Details.Attribution; a != nil {
		candidates = append(candidates, a.LastSource, a.UTMSource)
	}
	for _, c := range append(candidates, actor.Name) {
		if c = strings.TrimSpace(c); c != "" {
			return c
		}
	}
	return "unknown"
}

// instant is a time as the database keeps it and as every answer writes it: in UTC, to the microsecond.
func instant(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC().Truncate(time.Microsecond)
	return &u
}

// tidy brings times to UTC and VINs to one form, and marks the first wanted car as the primary one when the sender
// marked none.
func (d *Details) tidy() {
	if t := d.Timeframe; t != nil {
		t.Earliest, t.Latest = instant(t.Earliest), instant(t.Latest)
	}
	for i := range d.Consents {
		d.Consents[i].At = instant(d.Consents[i].At)
	}
	for _, list := range [][]Vehicle{d.Vehicles, d.TradeIns} {
		for i := range list {
			list[i].VIN = tidyVIN(list[i].VIN)
		}
	}
	if len(d.Vehicles) > 0 && !slices.ContainsFunc(d.Vehicles, func(v Vehicle) bool { return v.Primary }) {
		d.Vehicles[0].Primary = true
	}
}

// tidyVIN brings a VIN to the form that cars are compared by. A text that is none is kept: it may be an old chassis number,
// or a mistake that a person can still read.
func tidyVIN(text string) string {
	if v, err := vin.Parse(text); err == nil {
		return string(v)
	}
	return strings.ToUpper(strings.TrimSpace(text))
}

// guessType reads the type from what the person wants to do with the car.
func (d *Details) guessType() Type {
	for _, v := range d.Vehicles {
		switch v.Interest {
		case "test_drive":
			return TypeTestDrive
		case "service":
			return TypeService
		}
	}
	switch {
	case len(d.Vehicles) > 0:
		return TypeSales
	case len(d.TradeIns) > 0:
		return TypeTradeIn
	case d.Finance != nil && d.Finance.Method == "finance":
		return TypeFinance
	}
	return TypeGeneral
}

// contentHash is of what was asked and by whom, without times and ids, so that a sender's blind retry has the same one.
func (n *NewLead) contentHash() []byte {
	h := sha256.New()
	put := func(parts ...string) {
		for _, p := range parts {
			var size [8]byte
			binary.BigEndian.PutUint64(size[:], uint64(len(p)))
			h.Write(size[:])
			h.Write([]byte(p))
		}
	}
	put(string(n.Type), n.DealershipID.String(), fold.Text(n.Source), n.ContactID.String())
	p := n.Person
	put(fold.Text(p.FirstName), fold.Text(p.LastName), fold.Text(p.FullName), fold.Text(p.CompanyName))
	for _, e := range p.Emails {
		put("e", strings.ToLower(e.Address))
	}
	for _, t := range p.Phones {
		put("t", t.Raw)
	}
	put(n.Details.Comments)
	for _, a := range n.Details.Answers {
		put("a", a.Question, a.Answer)
	}
	for i, list := range [][]Vehicle{n.Details.Vehicles, n.Details.TradeIns} {
		for _, v := range list {
			put(fmt.Sprint("v", i), v.Interest, fold.Text(v.Make), fold.Text(v.Model), v.VIN, v.StockNumber)
		}
	}
	return h.Sum(nil)
}

// searchText is what q finds the lead by: who asks, the cars, and the sender's ids.
func (l *Lead) searchText(contact string) string {
	parts := []string{contact}
	for _, list := range [][]Vehicle{l.Details.Vehicles, l.Details.TradeIns} {
		for _, v := range list {
			parts = append(parts, fold.Text(v.Make+" "+v.Model), strings.ToLower(v.VIN), fold.Text(v.StockNumber))
		}
	}
	for _, r := range l.Details.ExternalRefs {
		parts = append(parts, fold.Text(r.ID))
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " ")
}
