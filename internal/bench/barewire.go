package main

import (
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/rooftop-crm/rooftop/internal/kernel"
)

// What the bare handler reads and writes: one plain struct for row and wire where they are alike. It knows the details of a
// lead by their names alone and passes their values on, which spares encoding/json most of its work.

// bareLead is a lead as it is answered; row holds what is kept of it besides.
type bareLead struct {
	ID             pgtype.UUID `json:"id"`
	Version        int64       `json:"version"`
	DealershipID   pgtype.UUID `json:"dealership_id"`
	ContactID      pgtype.UUID `json:"contact_id"`
	Type           string      `json:"type"`
	Channel        string      `json:"channel"`
	Status         string      `json:"status"`
	StatusReason   *string     `json:"status_reason"`
	Source         string      `json:"source"`
	RequestedAt    *time.Time  `json:"requested_at"`
	ReceivedAt     time.Time   `json:"received_at"`
	ViewedAt       *time.Time  `json:"viewed_at"`
	PostponedUntil *time.Time  `json:"postponed_until"`
	ClosedAt       *time.Time  `json:"closed_at"`
	Sale           *bareSale   `json:"sale"`
	bareDetails
	Test        bool         `json:"test"`
	Score       *int         `json:"score"`
	Clock       bareClock    `json:"clock"`
	AssigneeID  pgtype.UUID  `json:"assignee_id"`
	DuplicateOf pgtype.UUID  `json:"duplicate_of"`
	InboxID     pgtype.UUID  `json:"inbox_id"`
	CreatedAt   time.Time    `json:"created_at"`
	UpdatedAt   time.Time    `json:"updated_at"`
	DeletedAt   *time.Time   `json:"deleted_at"`
	Contact     *bareContact `json:"contact,omitempty"`
	Intake      *bareIntake  `json:"intake,omitempty"`

	row bareRow
}

// bareRow is what the wire does not show, or shows otherwise.
type bareRow struct {
	partner    pgtype.UUID
	hash       []byte
	reason     string
	vin, order string
	sold       *time.Time
	details    []byte
	search     string
}

type bareSale struct {
	VIN         string     `json:"vin,omitempty"`
	OrderNumber string     `json:"order_number,omitempty"`
	SoldAt      *time.Time `json:"sold_at"`
}

type bareClock struct {
	StartedAt time.Time  `json:"started_at"`
	StoppedAt *time.Time `json:"stopped_at"`
}

type bareIntake struct {
	Outcome string    `json:"outcome"`
	Rule    string    `json:"rule"`
	Contact bareMatch `json:"contact"`
}

type bareMatch struct {
	Created bool     `json:"created"`
	Rule    string   `json:"rule"`
	Fields  []string `json:"fields"`
}

// bareDetails are passed on as they are kept.
type bareDetails struct {
	Provider           json.RawMessage `json:"provider"`
	Vendor             json.RawMessage `json:"vendor"`
	Comments           json.RawMessage `json:"comments"`
	Answers            json.RawMessage `json:"answers"`
	VehiclesOfInterest json.RawMessage `json:"vehicles_of_interest"`
	TradeIns           json.RawMessage `json:"trade_ins"`
	Finance            json.RawMessage `json:"finance"`
	Timeframe          json.RawMessage `json:"timeframe"`
	ExternalRefs       json.RawMessage `json:"external_refs"`
	Attribution        json.RawMessage `json:"attribution"`
	Consents           json.RawMessage `json:"consents"`
	Custom             json.RawMessage `json:"custom"`
	Touches            json.RawMessage `json:"touches"`
	Warnings           json.RawMessage `json:"warnings"`
}

var noList, noObject = json.RawMessage(`[]`), json.RawMessage(`{}`)

func textOrNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// show fills what the wire shows from what is kept.
func (l *bareLead) show() error {
	l.bareDetails = bareDetails{
		Answers: noList, VehiclesOfInterest: noList, TradeIns: noList, ExternalRefs: noList, Consents: noList, Custom: noObject, Touches: noList, Warnings: noList,
	}
	l.StatusReason = textOrNull(l.row.reason)
	l.Clock.StartedAt = l.ReceivedAt
	l.Sale = nil
	if l.Status == "won" {
		l.Sale = &bareSale{VIN: l.row.vin, OrderNumber: l.row.order, SoldAt: l.row.sold}
	}
	return json.Unmarshal(l.row.details, &l.bareDetails)
}

func scanLead(rows pgx.Rows) (bareLead, error) {
	var l bareLead
	err := rows.Scan(&l.ID, &l.Version, &l.DealershipID, &l.ContactID, &l.Type, &l.Channel, &l.Status, &l.row.reason, &l.Source, &l.row.partner,
		&l.AssigneeID, &l.DuplicateOf, &l.InboxID, &l.row.hash, &l.Test, &l.Score, &l.RequestedAt, &l.ReceivedAt, &l.ViewedAt,
		&l.PostponedUntil, &l.ClosedAt, &l.row.vin, &l.row.order, &l.row.sold, &l.row.details, &l.CreatedAt, &l.UpdatedAt, &l.DeletedAt)
	if err != nil {
		return l, err
	}
	return l, l.show()
}

// args are the values of insertLead and updateLead.
func (l *bareLead) args(account pgtype.UUID) []any {
	return []any{
		account, l.ID, l.Version, l.DealershipID, l.ContactID, l.Type, l.Channel, l.Status, l.row.reason, l.Source, l.row.partner, l.AssigneeID,
		l.DuplicateOf, l.InboxID, l.row.hash, l.Test, l.Score, l.RequestedAt, l.ReceivedAt, l.ViewedAt, l.PostponedUntil, l.ClosedAt, l.row.vin,
		l.row.order, l.row.sold, l.row.details, l.row.search, l.CreatedAt, l.UpdatedAt, l.DeletedAt,
	}
}

type bareContact struct {
	ID           pgtype.UUID          `json:"id"`
	Version      int64                `json:"version"`
	Kind         string               `json:"kind"`
	Civility     *string              `json:"civility"`
	FirstName    *string              `json:"first_name"`
	LastName     *string              `json:"last_name"`
	FullName     *string              `json:"full_name"`
	CompanyName  *string              `json:"company_name"`
	Emails       []bareEmail          `json:"emails"`
	Phones       []barePhone          `json:"phones"`
	Addresses    []bareAddress        `json:"addresses"`
	Language     *string              `json:"language"`
	ExternalRefs []kernel.ExternalRef `json:"external_refs"`
	Custom       map[string]any       `json:"custom"`
	Tags         []string             `json:"tags"`
	OwnerID      pgtype.UUID          `json:"owner_id"`
	CreatedAt    time.Time            `json:"created_at"`
	UpdatedAt    time.Time            `json:"updated_at"`
	DeletedAt    *time.Time           `json:"deleted_at"`
}

type bareEmail struct {
	Address   string `json:"address"`
	Type      string `json:"type"`
	Preferred bool   `json:"preferred"`
}

type barePhone struct {
	Raw       string  `json:"raw"`
	E164      *string `json:"e164"`
	Type      string  `json:"type"`
	Preferred bool    `json:"preferred"`
}

type bareAddress struct {
	Lines      []string `json:"lines"`
	PostalCode *string  `json:"postal_code"`
	City       *string  `json:"city"`
	Region     *string  `json:"region"`
	Country    *string  `json:"country"`
	Type       string   `json:"type"`
}

// The same as they are kept.
type storedEmail struct {
	Address   string `json:"address"`
	Type      string `json:"type"`
	Preferred bool   `json:"preferred,omitempty"`
}

type storedPhone struct {
	Raw       string `json:"raw"`
	E164      string `json:"e164,omitempty"`
	Type      string `json:"type"`
	Preferred bool   `json:"preferred,omitempty"`
}

type storedAddress struct {
	Lines      []string `json:"lines,omitempty"`
	PostalCode string   `json:"postal_code,omitempty"`
	City       string   `json:"city,omitempty"`
	Region     string   `json:"region,omitempty"`
	Country    string   `json:"country,omitempty"`
	Type       string   `json:"type"`
}

func scanContact(rows pgx.Rows) (bareContact, error) {
	var c bareContact
	var account pgtype.UUID
	var civility, first, last, full, company, language string
	err := rows.Scan(&account, &c.ID, &c.Version, &c.Kind, &civility, &first, &last, &full, &company, &c.Emails, &c.Phones, &c.Addresses,
		&language, &c.ExternalRefs, &c.Custom, &c.Tags, &c.OwnerID, &c.CreatedAt, &c.UpdatedAt, &c.DeletedAt)
	c.Civility, c.FirstName, c.LastName, c.FullName = textOrNull(civility), textOrNull(first), textOrNull(last), textOrNull(full)
	c.CompanyName, c.Language = textOrNull(company), textOrNull(language)
	return c, err
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
