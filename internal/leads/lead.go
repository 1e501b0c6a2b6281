// Package leads owns the enquiry from intake to sold or lost: the inbox of raw documents, dedup, status moves,
// assignment and what partners see of the leads they sent. People are the contacts context's, stock is the vehicles
// context's; a lead keeps what the sender said of either.
package leads

import (
	"time"

	"github.com/rooftop-crm/rooftop/internal/kernel"
)

// Type is what the enquiry is about.
type Type string

// The types of leads.
const (
	TypeSales     Type = "sales"
	TypeTestDrive Type = "test_drive"
	TypeTradeIn   Type = "trade_in"
	TypeFinance   Type = "finance"
	TypeService   Type = "service"
	TypeParts     Type = "parts"
	TypeGeneral   Type = "general"
)

// Types lists every type.
func Types() []Type {
	return []Type{TypeSales, TypeTestDrive, TypeTradeIn, TypeFinance, TypeService, TypeParts, TypeGeneral}
}

// desk is who answers a type. Enquiries of one person for different desks are different enquiries.
func (t Type) desk() string {
	switch t {
	case TypeService, TypeParts:
		return string(t)
	case TypeSales, TypeTestDrive, TypeTradeIn, TypeFinance, TypeGeneral:
	}
	return "sales"
}

// Channel is the way the enquiry came.
type Channel string

// The channels.
const (
	ChannelWeb    Channel = "web"
	ChannelEmail  Channel = "email"
	ChannelPhone  Channel = "phone"
	ChannelChat   Channel = "chat"
	ChannelWalkIn Channel = "walk_in"
	ChannelOEM    Channel = "oem"
	ChannelPortal Channel = "portal"
)

// Channels lists every channel.
func Channels() []Channel {
	return []Channel{ChannelWeb, ChannelEmail, ChannelPhone, ChannelChat, ChannelWalkIn, ChannelOEM, ChannelPortal}
}

// Lead is one enquiry.
type Lead struct {
	ID             kernel.LeadID
	Version        int64
	DealershipID   kernel.DealershipID
	ContactID      kernel.ContactID
	Type           Type
	Channel        Channel
	Status         Status
	StatusReason   string           // why it is lost or invalid, or what the last move gave as its reason
	Source         string           // who the lead is credited to
	PartnerID      kernel.PartnerID // zero unless a partner sent it
	AssigneeID     kernel.UserID    // zero when nobody has it
	DuplicateOf    kernel.LeadID    // the first lead of the same person, when another source sent this one
	InboxID        kernel.InboxID   // the raw document; zero for JSON, which is its own record
	ContentHash    []byte           // of what was asked, to know a sender's retry
	Test           bool
	Score          *int
	RequestedAt    *time.Time // when the person asked, as the sender says
	ReceivedAt     time.Time  // when it reached us: the response clock starts here
	ViewedAt       *time.Time
	PostponedUntil *time.Time
	ClosedAt       *time.Time
	Sale           Sale
	Details        Details
	Search         string // what q finds it by
	CreatedAt      time.Time
	UpdatedAt      time.Time
	DeletedAt      *time.Time
}

// Sale is what a won lead was won with.
type Sale struct {
	VIN         string
	OrderNumber string
	SoldAt      *time.Time
}

// Details is what is read with a lead and never filtered by. Its values mean the same on the wire, in the rules and in
// the database, so they are declared once, with their wire names.
type Details struct {
	Provider     *Provider            `json:"provider,omitempty"`
	Vendor       *Vendor              `json:"vendor,omitempty"`
	Comments     string               `json:"comments,omitempty"`
	Answers      []Answer             `json:"answers,omitempty"`
	Vehicles     []Vehicle            `json:"vehicles_of_interest,omitempty"`
	TradeIns     []Vehicle            `json:"trade_ins,omitempty"`
	Finance      *Finance             `json:"finance,omitempty"`
	Timeframe    *Timeframe           `json:"timeframe,omitempty"`
	ExternalRefs []kernel.ExternalRef `json:"external_refs,omitempty"`
	Attribution  *Attribution         `json:"attribution,omitempty"`
	Consents     []Consent            `json:"consents,omitempty"`
	Custom       map[string]any       `json:"custom,omitempty"`
	Touches      []Touch              `json:"touches,omitempty"`
	Warnings     []Warning            `json:"warnings,omitempty"`
}
