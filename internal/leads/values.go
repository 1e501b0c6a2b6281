package leads

import (
	"time"

	"github.com/rooftop-crm/rooftop/internal/kernel"
)

// Provider is who generated the lead: a portal, an OEM, a form vendor.
type Provider struct {
	Name    string `json:"name" validate:"max=200" example:"La Centrale"`
	Service string `json:"service,omitempty" validate:"max=200" example:"Demande d'essai"`
	URL     string `json:"url,omitempty" validate:"max=2000" example:"https://provider.example"`
} //	@name	LeadProvider

// Vendor is the dealer as the sender names it.
type Vendor struct {
	Name string `json:"name" validate:"max=200" example:"Garage de l'Exemple"`
} //	@name	LeadVendor

// Answer is one question of a form and what was answered.
type Answer struct {
	Question string `json:"question" validate:"required,max=500" example:"When would you like to drive?"`
	Answer   string `json:"answer" validate:"max=2000" example:"Saturday morning"`
} //	@name	LeadAnswer

// Vehicle is a car as the person or the sender describes it: one they want, or one they would trade in.
type Vehicle struct {
	Interest    string            `json:"interest,omitempty" validate:"omitempty,oneof=buy lease sell trade_in test_drive rent service" enums:"buy,lease,sell,trade_in,test_drive,rent,service" example:"test_drive"`
	Condition   string            `json:"condition,omitempty" validate:"omitempty,oneof=new used demo" enums:"new,used,demo" example:"used"`
	Year        *int              `json:"year,omitempty" validate:"omitempty,min=1885,max=2100" example:"2021"`
	Make        string            `json:"make,omitempty" validate:"max=100" example:"Peugeot"`
	Model       string            `json:"model,omitempty" validate:"max=100" example:"e-208"`
	Trim        string            `json:"trim,omitempty" validate:"max=200" example:"GT Pack"`
	VIN         string            `json:"vin,omitempty" validate:"max=40" example:"VF3VBBHXHGZ041335"`
	StockNumber string            `json:"stock_number,omitempty" validate:"max=100" example:"VO-3381"`
	BodyStyle   string            `json:"body_style,omitempty" validate:"max=100" example:"hatchback"`
	Odometer    *kernel.Measure   `json:"odometer,omitempty"`
	Price       *kernel.Money     `json:"price,omitempty"`
	Primary     bool              `json:"primary" example:"true"`                                                // the one car the enquiry is mainly about
	VehicleID   *kernel.VehicleID `json:"vehicle_id" swaggertype:"string" format:"uuid" extensions:"x-nullable"` // the stock unit, once linked
	// Extras is what the sender said beyond these fields: colours, options, price comments, unknown elements.
	Extras map[string]string `json:"extras,omitempty"`
} //	@name	LeadVehicle

// Finance is how the person wants to pay.
type Finance struct {
	Method      string        `json:"method,omitempty" validate:"omitempty,oneof=cash finance lease" enums:"cash,finance,lease" example:"finance"`
	DownPayment *kernel.Money `json:"down_payment,omitempty"`
	Monthly     *kernel.Money `json:"monthly,omitempty"`
	Total       *kernel.Money `json:"total,omitempty"`
	Balance     *kernel.Money `json:"balance,omitempty"`
} //	@name	LeadFinance

// Timeframe is when the person wants to buy.
type Timeframe struct {
	Description string     `json:"description,omitempty" validate:"max=500" example:"within a month"`
	Earliest    *time.Time `json:"earliest,omitempty" format:"date-time"`
	Latest      *time.Time `json:"latest,omitempty" format:"date-time"`
} //	@name	LeadTimeframe

// Attribution is how the person came to the sender.
type Attribution struct {
	UTMSource   string `json:"utm_source,omitempty" validate:"max=500" example:"newsletter"`
	UTMMedium   string `json:"utm_medium,omitempty" validate:"max=500" example:"email"`
	UTMCampaign string `json:"utm_campaign,omitempty" validate:"max=500" example:"rentree"`
	UTMTerm     string `json:"utm_term,omitempty" validate:"max=500"`
	UTMContent  string `json:"utm_content,omitempty" validate:"max=500"`
	GCLID       string `json:"gclid,omitempty" validate:"max=500"`
	LandingURL  string `json:"landing_url,omitempty" validate:"max=2000"`
	FormName    string `json:"form_name,omitempty" validate:"max=500"`
	FirstSource string `json:"first_source,omitempty" validate:"max=500"`
	LastSource  string `json:"last_source,omitempty" validate:"max=500"`
} //	@name	LeadAttribution

// Consent is what the person agreed to, or refused, with the enquiry.
type Consent struct {
	Channel string     `json:"channel" validate:"required,oneof=email sms phone post whatsapp" enums:"email,sms,phone,post,whatsapp" example:"email"`
	Purpose string     `json:"purpose" validate:"required,oneof=request marketing profiling third_party" enums:"request,marketing,profiling,third_party" example:"marketing"`
	Given   bool       `json:"given" example:"true"`
	Text    string     `json:"text,omitempty" validate:"max=2000"` // the words the person saw
	At      *time.Time `json:"at,omitempty" format:"date-time"`
} //	@name	LeadConsent

// Touch is a further enquiry that joined the lead.
type Touch struct {
	ReceivedAt time.Time       `json:"received_at" format:"date-time"`
	Source     string          `json:"source" example:"La Centrale"`
	InboxID    *kernel.InboxID `json:"inbox_id" swaggertype:"string" format:"uuid" extensions:"x-nullable"`
	Comments   string          `json:"comments,omitempty"`
} //	@name	LeadTouch

// Warning is a guess or a defect in what the sender sent: nothing is refused for it.
type Warning struct {
	Path    string `json:"path" example:"/adf/prospect/requestdate"` // of the document, or a JSON Pointer
	Code    string `json:"code" example:"date.no_zone"`
	Message string `json:"message" example:"The time has no zone; it was read in the dealership's."`
} //	@name	LeadWarning
