package leadsapi

import (
	"reflect"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/api/contactsapi"
	"github.com/rooftop-crm/rooftop/internal/contacts"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/leads"
)

// Lead is one enquiry.
type Lead struct {
	ID                 kernel.LeadID        `json:"id"`
	Version            int64                `json:"version" example:"3"`
	DealershipID       kernel.DealershipID  `json:"dealership_id"`
	ContactID          *kernel.ContactID    `json:"contact_id"` // null for site keys, which are told nothing about people
	Type               leads.Type           `json:"type" example:"test_drive"`
	Channel            leads.Channel        `json:"channel" example:"web"`
	Status             leads.Status         `json:"status" example:"new"`
	StatusReason       *string              `json:"status_reason" example:"bought_other_brand"`
	Source             string               `json:"source" example:"La Centrale"` // who the lead is credited to
	Provider           *leads.Provider      `json:"provider"`
	Vendor             *leads.Vendor        `json:"vendor"`
	RequestedAt        *time.Time           `json:"requested_at"`
	ReceivedAt         time.Time            `json:"received_at"`
	ViewedAt           *time.Time           `json:"viewed_at"`
	PostponedUntil     *time.Time           `json:"postponed_until"`
	ClosedAt           *time.Time           `json:"closed_at"`
	Sale               *Sale                `json:"sale"`
	Comments           *string              `json:"comments" example:"Is it still there?"`
	Answers            []leads.Answer       `json:"answers"`
	VehiclesOfInterest []leads.Vehicle      `json:"vehicles_of_interest"`
	TradeIns           []leads.Vehicle      `json:"trade_ins"`
	Finance            *leads.Finance       `json:"finance"`
	Timeframe          *leads.Timeframe     `json:"timeframe"`
	ExternalRefs       []kernel.ExternalRef `json:"external_refs"`
	Attribution        *leads.Attribution   `json:"attribution"`
	Consents           []leads.Consent      `json:"consents"`
	Custom             map[string]any       `json:"custom"`
	Test               bool                 `json:"test"`
	Score              *int                 `json:"score"`
	Clock              Clock                `json:"clock"`
	AssigneeID         *kernel.UserID       `json:"assignee_id"`
	DuplicateOf        *kernel.LeadID       `json:"duplicate_of"` // the first lead of the same person, when another source sent this one
	Touches            []leads.Touch        `json:"touches"`
	InboxID            *kernel.InboxID      `json:"inbox_id"` // the raw document; null for leads sent as JSON
	Warnings           []leads.Warning      `json:"warnings"`
	CreatedAt          time.Time            `json:"created_at"`
	UpdatedAt          time.Time            `json:"updated_at"`
	DeletedAt          *time.Time           `json:"deleted_at"`
	Contact            *contactsapi.Contact `json:"contact,omitempty"` // with include=contact
	Intake             *Intake              `json:"intake,omitempty"`  // in the answer to an enquiry
} //	@name	Lead

// Sale is what a lead was won with.
type Sale struct {
	VIN         string     `json:"vin,omitempty" example:"VF3VBBHXHGZ041335"`
	OrderNumber string     `json:"order_number,omitempty" example:"BC-2026-118"`
	SoldAt      *time.Time `json:"sold_at"`
} //	@name	LeadSale

// Clock measures the time to the first human answer.
type Clock struct {
	StartedAt time.Time  `json:"started_at"`
	StoppedAt *time.Time `json:"stopped_at"`
} //	@name	LeadClock

// Intake says what became of an enquiry, and why.
type Intake struct {
	Outcome leads.Outcome `json:"outcome" example:"created"`
	Rule    leads.Rule    `json:"rule" example:"new_enquiry"`
	Contact ContactMatch  `json:"contact"`
} //	@name	LeadIntake

// ContactMatch says how the person was recognised.
type ContactMatch struct {
	Created bool     `json:"created"`
	Rule    string   `json:"rule" example:"phone_and_name"`
	Fields  []string `json:"fields" example:"phones,full_name"`
} //	@name	LeadContactMatch

func fromDomain(l *leads.Lead) Lead {
	d := &l.Details
	out := Lead{
		ID: l.ID, Version: l.Version, DealershipID: l.DealershipID, ContactID: orNull(l.ContactID), Type: l.Type, Channel: l.Channel, Status: l.Status,
		StatusReason: textOrNull(l.StatusReason), Source: l.Source, Provider: d.Provider, Vendor: d.Vendor, RequestedAt: l.RequestedAt,
		ReceivedAt: l.ReceivedAt, ViewedAt: l.ViewedAt, PostponedUntil: l.PostponedUntil, ClosedAt: l.ClosedAt, Comments: textOrNull(d.Comments),
		Answers: list(d.Answers), VehiclesOfInterest: list(d.Vehicles), TradeIns: list(d.TradeIns), Finance: d.Finance, Timeframe: d.Timeframe,
		ExternalRefs: list(d.ExternalRefs), Attribution: d.Attribution, Consents: list(d.Consents), Custom: d.Custom, Test: l.Test, Score: l.Score,
		Clock: Clock{StartedAt: l.ReceivedAt}, AssigneeID: orNull(l.AssigneeID), DuplicateOf: orNull(l.DuplicateOf), Touches: list(d.Touches),
		InboxID: orNull(l.InboxID), Warnings: list(d.Warnings), CreatedAt: l.CreatedAt, UpdatedAt: l.UpdatedAt, DeletedAt: l.DeletedAt,
	}
	if out.Custom == nil {
		out.Custom = map[string]any{}
	}
	if l.Status == leads.StatusWon {
		out.Sale = &Sale{VIN: l.Sale.VIN, OrderNumber: l.Sale.OrderNumber, SoldAt: l.Sale.SoldAt}
	}
	return out
}

// answer is a lead with what became of its enquiry.
func answer(in leads.Intake) Lead {
	out := fromDomain(&in.Lead)
	out.Intake = &Intake{Outcome: in.Outcome, Rule: in.Rule, Contact: ContactMatch{
		Created: in.Explanation.Contact.Created, Rule: in.Explanation.Contact.Rule, Fields: list(in.Explanation.Contact.Fields),
	}}
	return out
}

// shown is the answer to an enquiry. Whoever may not see the lead that the enquiry joined, a colleague's say, gets back
// what they sent.
func shown(in leads.Intake) Lead {
	out := answer(in)
	if !in.Hidden {
		return out
	}
	sent := echoOf(&in.Sent, in.Lead.ID, in.Sent.ReceivedAt)
	sent.Intake, sent.Version = out.Intake, out.Version
	return sent
}

// receipt is what a site key is told: what it sent, under an id to name it by. A publishable key must not show what the
// dealer knows of a person, nor whether the enquiry joined an earlier one, which that one's id and age would tell.
func receipt(in leads.Intake) Lead {
	id := in.Lead.ID
	if in.Outcome != leads.OutcomeCreated {
		id = kernel.NewID[kernel.LeadID]()
	}
	sec, nsec := uuid.UUID(id).Time().UnixTime()
	return echoOf(&in.Sent, id, time.Unix(sec, nsec).UTC().Truncate(time.Millisecond))
}

// echoOf is an enquiry as if it were a new lead.
func echoOf(n *leads.NewLead, id kernel.LeadID, at time.Time) Lead {
	return fromDomain(&leads.Lead{
		ID: id, Version: 1, DealershipID: n.DealershipID, Type: n.Type, Channel: n.Channel, Status: leads.StatusNew, Source: n.Source,
		RequestedAt: n.RequestedAt, ReceivedAt: at, Test: n.Test, Details: n.Details, CreatedAt: at, UpdatedAt: at,
	})
}

func orNull[I interface {
	comparable
	IsZero() bool
}](id I) *I {
	if id.IsZero() {
		return nil
	}
	return &id
}

func textOrNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func list[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}

// CreateLead is an enquiry. Say who asks by contact or contact_id; the rest is as much as is known.
type CreateLead struct {
	DealershipID       *kernel.DealershipID `json:"dealership_id,omitempty"`
	DealerCode         string               `json:"dealer_code,omitempty" validate:"max=100" example:"750123X"` // in place of dealership_id
	ContactID          *kernel.ContactID    `json:"contact_id,omitempty"`
	Contact            *Person              `json:"contact,omitempty"`
	Type               leads.Type           `json:"type,omitempty" validate:"omitempty,oneof=sales test_drive trade_in finance service parts general" example:"test_drive"`
	Channel            leads.Channel        `json:"channel,omitempty" validate:"omitempty,oneof=web email phone chat walk_in oem portal" example:"web"`
	Source             string               `json:"source,omitempty" validate:"max=200" example:"www.garage.example"`
	Provider           *leads.Provider      `json:"provider,omitempty"`
	Vendor             *leads.Vendor        `json:"vendor,omitempty"`
	RequestedAt        *time.Time           `json:"requested_at,omitempty"`
	AssigneeID         *kernel.UserID       `json:"assignee_id,omitempty"`
	Comments           string               `json:"comments,omitempty" validate:"max=20000" example:"Is it still there?"`
	Answers            []leads.Answer       `json:"answers,omitempty" validate:"max=200,dive"`
	VehiclesOfInterest []leads.Vehicle      `json:"vehicles_of_interest,omitempty" validate:"max=20,dive"`
	TradeIns           []leads.Vehicle      `json:"trade_ins,omitempty" validate:"max=20,dive"`
	Finance            *leads.Finance       `json:"finance,omitempty"`
	Timeframe          *leads.Timeframe     `json:"timeframe,omitempty"`
	ExternalRefs       []kernel.ExternalRef `json:"external_refs,omitempty" validate:"max=20,dive"`
	Attribution        *leads.Attribution   `json:"attribution,omitempty"`
	Consents           []leads.Consent      `json:"consents,omitempty" validate:"max=50,dive"`
	Custom             map[string]any       `json:"custom,omitempty"`
	Test               bool                 `json:"test,omitempty"`
} //	@name	CreateLead

// Person is who asks. Nothing of it is refused for being badly written: what cannot be kept becomes a warning.
type Person struct {
	Kind        string    `json:"kind,omitempty" validate:"omitempty,oneof=person company" enums:"person,company" example:"person"`
	Civility    string    `json:"civility,omitempty" validate:"max=50" example:"Mme"`
	FirstName   string    `json:"first_name,omitempty" validate:"max=200" example:"Hélène"`
	LastName    string    `json:"last_name,omitempty" validate:"max=200" example:"de La Bretonnière"`
	FullName    string    `json:"full_name,omitempty" validate:"max=400"`
	CompanyName string    `json:"company_name,omitempty" validate:"max=400"`
	Emails      []Email   `json:"emails,omitempty" validate:"max=20,dive"`
	Phones      []Phone   `json:"phones,omitempty" validate:"max=20,dive"`
	Addresses   []Address `json:"addresses,omitempty" validate:"max=10,dive"`
	Language    string    `json:"language,omitempty" validate:"max=35" example:"fr"`
} //	@name	LeadPerson

// Email is one address of who asks.
type Email struct {
	Address   string `json:"address" validate:"required,max=320" example:"helene@fr.example"`
	Type      string `json:"type,omitempty" validate:"max=50" example:"home"`
	Preferred bool   `json:"preferred,omitempty"`
} //	@name	LeadPersonEmail

// Phone is one number of who asks, as they wrote it.
type Phone struct {
	Raw       string `json:"raw" validate:"required_without=E164,max=100" example:"01 99 00 12 34"`
	E164      string `json:"e164,omitempty" validate:"max=20" example:"+33199001234"` // in place of raw
	Type      string `json:"type,omitempty" validate:"max=50" example:"mobile"`
	Preferred bool   `json:"preferred,omitempty"`
} //	@name	LeadPersonPhone

// Address is one postal address of who asks.
type Address struct {
	Lines      []string `json:"lines,omitempty" validate:"max=5,dive,max=200" example:"12 bis, rue de l'Église"`
	PostalCode string   `json:"postal_code,omitempty" validate:"max=20" example:"42000"`
	City       string   `json:"city,omitempty" validate:"max=200" example:"Saint-Étienne"`
	Region     string   `json:"region,omitempty" validate:"max=200"`
	Country    string   `json:"country,omitempty" validate:"max=2" example:"FR"`
	Type       string   `json:"type,omitempty" validate:"max=50" example:"home"`
} //	@name	LeadPersonAddress

func (in CreateLead) destination() leads.Destination {
	return leads.Destination{DealershipID: value(in.DealershipID), DealerCode: in.DealerCode}
}

func (in CreateLead) toDomain(at kernel.DealershipID) leads.NewLead {
	n := leads.NewLead{
		DealershipID: at, ContactID: value(in.ContactID), Type: in.Type, Channel: in.Channel, Source: in.Source, RequestedAt: in.RequestedAt,
		AssigneeID: value(in.AssigneeID), Test: in.Test,
		Details: leads.Details{
			Provider: in.Provider, Vendor: in.Vendor, Comments: in.Comments, Answers: in.Answers, Vehicles: in.VehiclesOfInterest,
			TradeIns: in.TradeIns, Finance: in.Finance, Timeframe: in.Timeframe, ExternalRefs: in.ExternalRefs, Attribution: in.Attribution,
			Consents: in.Consents, Custom: in.Custom,
		},
	}
	if in.Contact != nil {
		n.Person = in.Contact.toDomain()
	}
	return n
}

func (p Person) toDomain() leads.Person {
	out := leads.Person{
		Civility: p.Civility, FirstName: p.FirstName, LastName: p.LastName, FullName: p.FullName, CompanyName: p.CompanyName,
		Company: p.Kind == string(contacts.KindCompany), Language: p.Language,
	}
	for _, e := range p.Emails {
		out.Emails = append(out.Emails, leads.Email(e))
	}
	for _, t := range p.Phones {
		raw := t.Raw
		if raw == "" {
			raw = t.E164
		}
		out.Phones = append(out.Phones, leads.Phone{Raw: raw, Type: t.Type, Preferred: t.Preferred})
	}
	for _, a := range p.Addresses {
		out.Addresses = append(out.Addresses, leads.Address(a))
	}
	return out
}

func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// diff names the fields in which two renderings of a lead differ.
func (l Lead) diff(o Lead) []string {
	var changed []string
	a, b := reflect.ValueOf(l), reflect.ValueOf(o)
	for i := range a.NumField() {
		if !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
			name, _, _ := strings.Cut(a.Type().Field(i).Tag.Get("json"), ",")
			changed = append(changed, name)
		}
	}
	return changed
}
