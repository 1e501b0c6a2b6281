package adf

import (
	"slices"
	"strings"
	"time"
)

// Document is what one text held. Prospects of several adf elements are in one list, in document order.
type Document struct {
	Prospects []Prospect
	// Extras are unknown elements beside the prospects.
	Extras []Extra
	// Warnings tell what the reader guessed, cut or ignored; Write ignores them.
	Warnings []Warning
	// Charset is what the bytes were read as, in lower case ("utf-8", "windows-1252", "utf-16le").
	Charset string
}

// Warning is one thing the reader guessed, cut or ignored.
type Warning struct {
	Path    string // of the source's element: /adf/prospect[2]/customer/contact/phone[1]; "/" for the whole text
	Code    string // stable: see the Warn constants
	Message string // English, for a person
}

// WarningsOf gives the warnings about prospect i and about the document as a whole, but not those about others.
func (d *Document) WarningsOf(i int) []Warning {
	var own []Warning
	for _, w := range d.Warnings {
		mine, other := false, false
		for j := range d.Prospects {
			p := d.Prospects[j].Path
			if p == "" || (w.Path != p && !strings.HasPrefix(w.Path, p+"/")) {
				continue
			}
			mine, other = mine || i == j, other || i != j
		}
		if mine || !other {
			own = append(own, w)
		}
	}
	return own
}

// Status tells whether a prospect is sent for the first time.
type Status string

// The statuses of a prospect. Resend means that the sender sends the same lead again: update it, don't make another.
const (
	StatusNew    Status = "new"
	StatusResend Status = "resend"
)

// Prospect is one enquiry.
type Prospect struct {
	Status      Status // StatusNew when the source gives none
	StatusRaw   string // as sent, when it is neither
	IDs         []ID   // of the prospect itself; AllIDs gives those of its parts too
	RequestDate Date
	Vehicles    []Vehicle // wanted and offered ones, in document order
	Customer    Customer
	Vendor      Vendor   // the dealer that is meant to receive the lead
	Provider    Provider // who made the lead
	Extras      []Extra
	// Path is where it stood in the source; Write ignores it.
	Path string
}

// Empty reports that there is nobody to contact and nothing asked; make no lead from it.
func (p *Prospect) Empty() bool {
	return len(p.Vehicles) == 0 && p.Customer.Comments == "" && p.Customer.Contact.Empty() &&
		len(p.Customer.OtherContacts) == 0
}

// AllIDs gives the ids of the prospect, its vehicles, customer, vendor and provider, in the order of the DTD.
func (p *Prospect) AllIDs() []ID {
	ids := append([]ID(nil), p.IDs...)
	for i := range p.Vehicles {
		ids = append(ids, p.Vehicles[i].IDs...)
	}
	ids = append(ids, p.Customer.IDs...)
	ids = append(ids, p.Vendor.IDs...)
	return append(ids, p.Provider.IDs...)
}

// SourceName names the system the lead comes from: the provider, else its contact, else the source of an id. It is
// empty when the document names none.
func (p *Prospect) SourceName() string {
	if p.Provider.Name != "" {
		return p.Provider.Name
	}
	if name := p.Provider.Contact.DisplayName(); name != "" {
		return name
	}
	for _, id := range slices.Concat(p.IDs, p.Provider.IDs) {
		if id.Source != "" {
			return id.Source
		}
	}
	return ""
}

// Primary is the index of the vehicle the enquiry is about: the first one that is not handed in, -1 when there is
// none.
func (p *Prospect) Primary() int {
	for i := range p.Vehicles {
		if !p.Vehicles[i].HandedIn() {
			return i
		}
	}
	return -1
}

// ID is an identifier that a system on the way gave to the prospect or to a part of it.
type ID struct {
	Sequence string // place in the chain of systems; some senders put the identifier itself here
	Source   string // the system
	Value    string
	// Where is the element it belongs to: prospect, vehicle, customer, vendor or provider.
	Where string
}

// Ref is the identifier: the value, else a sequence that is plainly more than a place in a chain. It may be empty.
func (id ID) Ref() string {
	if id.Value != "" || (len(id.Sequence) < 3 && digitsOnly(id.Sequence)) {
		return id.Value
	}
	return id.Sequence
}

// Date is a point in time as sent. The zero Date is absent.
type Date struct {
	Raw string
	// Time is zero when the raw text could not be read, or could mean two days.
	Time time.Time
	// DateOnly means that no time of day was given.
	DateOnly bool
	// ZoneKnown means that the offset was given; else Time is the wall clock of Options.DefaultZone.
	ZoneKnown bool
}

// Or gives the time, or fallback (commonly the time of receipt) when it is not known.
func (d Date) Or(fallback time.Time) time.Time {
	if d.Time.IsZero() {
		return fallback
	}
	return d.Time
}

// Interest is what the customer wants to do with a vehicle.
type Interest string

// The interests of the DTD. Senders use sell and trade-in for the same thing.
const (
	InterestBuy       Interest = "buy"
	InterestLease     Interest = "lease"
	InterestSell      Interest = "sell"
	InterestTradeIn   Interest = "trade-in"
	InterestTestDrive Interest = "test-drive"
)

// VehicleStatus is new or used.
type VehicleStatus string

// The statuses of a vehicle.
const (
	VehicleNew  VehicleStatus = "new"
	VehicleUsed VehicleStatus = "used"
)

// Vehicle is a car the customer wants or offers. A Raw field is filled when the value sent fits no structured field.
type Vehicle struct {
	Interest      Interest // empty when not given; the DTD's default is buy
	InterestRaw   string   // such as "service"
	Status        VehicleStatus
	StatusRaw     string // such as "cpo", which is read as used
	IDs           []ID
	Year          int
	YearRaw       string // such as "2015-2018"
	Make          string
	Model         string
	Trim          string
	VIN           string // upper case, 17 characters, without I, O and Q; the check digit is not tested
	VINRaw        string // when malformed
	Stock         string
	Doors         string
	BodyStyle     string
	Transmission  string
	Odometer      *Odometer
	Condition     string // excellent, good, fair, poor, unknown; or as sent
	Colors        []Color
	Images        []Image
	Price         *Price
	PriceComments string
	Options       []Option
	Finance       *Finance
	Comments      string
	Extras        []Extra
}

// HandedIn reports that the customer offers the vehicle: a trade-in, or one to sell.
func (v *Vehicle) HandedIn() bool {
	return v.Interest == InterestTradeIn || v.Interest == InterestSell
}

// Odometer is a mileage.
type Odometer struct {
	Raw    string
	Value  int64  // 0 when it could not be read
	Units  string // km or mi; empty when not given
	Status string // unknown, rolledover, replaced, original; empty when not given
}

// Color is a combination of colours; Preference ranks several wishes, 0 means not ranked.
type Color struct {
	Interior   string
	Exterior   string
	Preference int
}

// Image is a picture of the vehicle. The URL is the sender's and not to be trusted.
type Image struct {
	URL    string
	Alt    string
	Width  int
	Height int
}

// Money is an amount: Minor / 10^Exponent of Currency. The exponent is the currency's (2 for EUR, 0 for JPY), 2 when
// the currency is not known.
type Money struct {
	Raw      string
	Minor    int64 // 0 means no amount
	Exponent int
	Currency string // ISO 4217, upper case; empty when not given
}

// Price is what a vehicle or an option costs.
type Price struct {
	Money
	Type       string // quote, offer, msrp, invoice, call, appraisal, asking
	Delta      string // absolute, relative, percentage
	RelativeTo string // msrp, invoice
	Source     string
}

// Option is a piece of equipment the customer wishes, weighted from -100 to 100.
type Option struct {
	Name      string
	Code      string // of the manufacturer
	Stock     string
	Weighting int
	Price     *Price
	Extras    []Extra
}

// Finance is how the customer wants to pay.
type Finance struct {
	Method  string // cash, finance, lease
	Amounts []Amount
	Balance *Amount
	Extras  []Extra
}

// Amount is a figure of Finance.
type Amount struct {
	Money
	Type  string // downpayment, monthly, total; of a balance: finance, residual
	Limit string // maximum, minimum, exact
}

// Customer is who asks.
type Customer struct {
	Contact Contact
	// OtherContacts are further people, such as a co-buyer.
	OtherContacts []Contact
	IDs           []ID
	Timeframe     *Timeframe
	// Comments are as sent, possibly HTML and never to be rendered as such: see PlainText and MineComments.
	Comments string
	Extras   []Extra
}

// Timeframe is when the customer means to buy.
type Timeframe struct {
	Description string
	Earliest    Date
	Latest      Date
	Extras      []Extra
}

// Contact is a person or a company and the ways to reach it. Of names, only parts that were given are filled: see
// SplitName for contacts that give Full alone.
type Contact struct {
	First, Middle, Last, Suffix, Full string
	// Business means that the name is a company's.
	Business bool
	// OtherNames are repeated parts and parts outside the DTD.
	OtherNames []Name
	Primary    bool
	Emails     []Email
	// InvalidEmails stood in e-mail elements and are no addresses.
	InvalidEmails []string
	Phones        []Phone
	Addresses     []Address
	Extras        []Extra
}

// Empty reports that there is neither a name nor a way to reach anybody.
func (c *Contact) Empty() bool {
	return c.First == "" && c.Middle == "" && c.Last == "" && c.Suffix == "" && c.Full == "" && len(c.OtherNames) == 0 &&
		len(c.Emails) == 0 && len(c.InvalidEmails) == 0 && len(c.Phones) == 0 && len(c.Addresses) == 0
}

// DisplayName is Full, else the parts joined.
func (c *Contact) DisplayName() string {
	if c.Full != "" {
		return c.Full
	}
	return strings.Join(nonEmpty(c.First, c.Middle, c.Last, c.Suffix), " ")
}

// Name is a name part outside the fields of Contact.
type Name struct {
	Part  string
	Value string
}

// Email is an address as sent; compare addresses without case.
type Email struct {
	Address   string
	Preferred bool
}

// PhoneType is the kind of a telephone number.
type PhoneType string

// The phone types. The DTD has voice, cellphone, fax and pager; home and work are common extensions and written as
// such.
const (
	PhoneVoice PhoneType = "voice"
	PhoneCell  PhoneType = "cellphone"
	PhoneFax   PhoneType = "fax"
	PhonePager PhoneType = "pager"
	PhoneHome  PhoneType = "home"
	PhoneWork  PhoneType = "work"
)

// Phone is a telephone number as sent. A fax is not to be dialled or texted.
type Phone struct {
	Raw       string
	Type      PhoneType // empty when not given or not known
	TypeRaw   string    // as sent, when it is another word than Type
	Time      string    // morning, afternoon, evening, nopreference, day
	Preferred bool
}

// Address is a postal address.
type Address struct {
	Type      string // work, home, delivery
	Street    []string
	Apartment string
	City      string
	Region    string
	Postal    string
	Country   string // ISO 3166-1 alpha-2 by the specification; as sent
	Extras    []Extra
}

// Vendor is the dealer that is meant to receive the lead. Some portals put their own name here.
type Vendor struct {
	IDs  []ID
	Name string
	// NameFrom is where Name stood: vendorname, vendor/name, vendor or contact name. Write ignores it.
	NameFrom string
	URL      string
	// Contact is empty when it only repeats Name; Write adds the name that the DTD asks for.
	Contact Contact
	Extras  []Extra
}

// Provider is who made the lead.
type Provider struct {
	IDs     []ID
	Name    string
	Service string
	URL     string
	Email   string
	Phone   string
	Contact Contact
	Extras  []Extra
}

// Extra is something the format does not know, kept as it came. A Name that starts with "@" is an attribute of the
// element the extras belong to. Write leaves out extras whose names are no XML names.
type Extra struct {
	Name     string // without namespace prefix
	Value    string
	Attrs    []Attr
	Children []Extra
}

// Attr is an attribute of an Extra.
type Attr struct{ Name, Value string }
