package leadsapi

import (
	"time"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/leads"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/merge"
)

// PatchLead changes what is said of an enquiry. Status and assignee have paths of their own, since their changes have
// reasons and a history.
type PatchLead struct {
	DealershipID       merge.Field[kernel.DealershipID]  `json:"dealership_id" extensions:"!x-nullable"`
	Type               merge.Field[leads.Type]           `json:"type" validate:"omitempty,oneof=sales test_drive trade_in finance service parts general" extensions:"!x-nullable"`
	RequestedAt        merge.Field[time.Time]            `json:"requested_at"`
	Provider           merge.Field[PatchProvider]        `json:"provider"`
	Comments           merge.Field[string]               `json:"comments" validate:"max=20000"`
	Answers            merge.Field[[]leads.Answer]       `json:"answers" validate:"max=200,dive"`
	VehiclesOfInterest merge.Field[[]leads.Vehicle]      `json:"vehicles_of_interest" validate:"max=20,dive"`
	TradeIns           merge.Field[[]leads.Vehicle]      `json:"trade_ins" validate:"max=20,dive"`
	Finance            merge.Field[PatchFinance]         `json:"finance"`
	Timeframe          merge.Field[PatchTimeframe]       `json:"timeframe"`
	ExternalRefs       merge.Field[[]kernel.ExternalRef] `json:"external_refs" validate:"max=20,dive"`
	Attribution        merge.Field[PatchAttribution]     `json:"attribution"`
	Consents           merge.Field[[]leads.Consent]      `json:"consents" validate:"max=50,dive"`
	Custom             merge.Field[map[string]any]       `json:"custom"`
	Test               merge.Field[bool]                 `json:"test" extensions:"!x-nullable"`
} //	@name	PatchLead

// PatchProvider changes what is said of whoever generated the lead.
type PatchProvider struct {
	Name    merge.Field[string] `json:"name" validate:"max=200" extensions:"!x-nullable"`
	Service merge.Field[string] `json:"service" validate:"max=200"`
	URL     merge.Field[string] `json:"url" validate:"max=2000"`
} //	@name	PatchLeadProvider

func (in PatchProvider) apply(to *leads.Provider) {
	in.Name.Apply(&to.Name)
	in.Service.Apply(&to.Service)
	in.URL.Apply(&to.URL)
}

// PatchFinance changes how the person wants to pay. An amount is one value: give it with its currency.
type PatchFinance struct {
	Method      merge.Field[string]       `json:"method" validate:"omitempty,oneof=cash finance lease" enums:"cash,finance,lease"`
	DownPayment merge.Field[kernel.Money] `json:"down_payment"`
	Monthly     merge.Field[kernel.Money] `json:"monthly"`
	Total       merge.Field[kernel.Money] `json:"total"`
	Balance     merge.Field[kernel.Money] `json:"balance"`
} //	@name	PatchLeadFinance

func (in PatchFinance) apply(to *leads.Finance) {
	in.Method.Apply(&to.Method)
	in.DownPayment.ApplyPtr(&to.DownPayment)
	in.Monthly.ApplyPtr(&to.Monthly)
	in.Total.ApplyPtr(&to.Total)
	in.Balance.ApplyPtr(&to.Balance)
}

// PatchTimeframe changes when the person wants to buy.
type PatchTimeframe struct {
	Description merge.Field[string]    `json:"description" validate:"max=500"`
	Earliest    merge.Field[time.Time] `json:"earliest"`
	Latest      merge.Field[time.Time] `json:"latest"`
} //	@name	PatchLeadTimeframe

func (in PatchTimeframe) apply(to *leads.Timeframe) {
	in.Description.Apply(&to.Description)
	in.Earliest.ApplyPtr(&to.Earliest)
	in.Latest.ApplyPtr(&to.Latest)
}

// PatchAttribution changes how the person came to the sender.
type PatchAttribution struct {
	UTMSource   merge.Field[string] `json:"utm_source" validate:"max=500"`
	UTMMedium   merge.Field[string] `json:"utm_medium" validate:"max=500"`
	UTMCampaign merge.Field[string] `json:"utm_campaign" validate:"max=500"`
	UTMTerm     merge.Field[string] `json:"utm_term" validate:"max=500"`
	UTMContent  merge.Field[string] `json:"utm_content" validate:"max=500"`
	GCLID       merge.Field[string] `json:"gclid" validate:"max=500"`
	LandingURL  merge.Field[string] `json:"landing_url" validate:"max=2000"`
	FormName    merge.Field[string] `json:"form_name" validate:"max=500"`
	FirstSource merge.Field[string] `json:"first_source" validate:"max=500"`
	LastSource  merge.Field[string] `json:"last_source" validate:"max=500"`
} //	@name	PatchLeadAttribution

func (in PatchAttribution) apply(to *leads.Attribution) {
	in.UTMSource.Apply(&to.UTMSource)
	in.UTMMedium.Apply(&to.UTMMedium)
	in.UTMCampaign.Apply(&to.UTMCampaign)
	in.UTMTerm.Apply(&to.UTMTerm)
	in.UTMContent.Apply(&to.UTMContent)
	in.GCLID.Apply(&to.GCLID)
	in.LandingURL.Apply(&to.LandingURL)
	in.FormName.Apply(&to.FormName)
	in.FirstSource.Apply(&to.FirstSource)
	in.LastSource.Apply(&to.LastSource)
}

// applyTo merges an object of the patch into the lead's, on a copy: what stood before is compared with later.
func applyTo[P any, T any](f merge.Field[P], to **T, apply func(P, *T)) {
	switch {
	case !f.Set:
	case f.Null:
		*to = nil
	default:
		var value T
		if *to != nil {
			value = **to
		}
		apply(f.Value, &value)
		*to = &value
	}
}

// check refuses null where a lead must have a value.
func (in PatchLead) check() error {
	var bad []errs.Field
	refuse := func(null bool, pointer string) {
		if null {
			bad = append(bad, errs.Field{Pointer: pointer, Code: "not_null", Detail: "This field cannot be removed: give a value, or leave it out."})
		}
	}
	refuse(in.DealershipID.Null, "/dealership_id")
	refuse(in.Type.Null, "/type")
	refuse(in.Test.Null, "/test")
	refuse(in.Provider.Value.Name.Null, "/provider/name")
	if bad != nil {
		return errs.InvalidFields(bad...)
	}
	return nil
}

// apply changes the lead and names what changed. A patch that says what is there changes nothing.
func (in PatchLead) apply(l *leads.Lead) (changed []string, err error) {
	before := fromDomain(l)
	d := &l.Details
	in.DealershipID.Apply(&l.DealershipID)
	in.Type.Apply(&l.Type)
	in.Test.Apply(&l.Test)
	in.RequestedAt.ApplyPtr(&l.RequestedAt)
	applyTo(in.Provider, &d.Provider, PatchProvider.apply)
	in.Comments.Apply(&d.Comments)
	in.Answers.Apply(&d.Answers)
	in.VehiclesOfInterest.Apply(&d.Vehicles)
	in.TradeIns.Apply(&d.TradeIns)
	applyTo(in.Finance, &d.Finance, PatchFinance.apply)
	applyTo(in.Timeframe, &d.Timeframe, PatchTimeframe.apply)
	in.ExternalRefs.Apply(&d.ExternalRefs)
	applyTo(in.Attribution, &d.Attribution, PatchAttribution.apply)
	in.Consents.Apply(&d.Consents)
	if in.Custom.Set {
		d.Custom = merge.Object(d.Custom, in.Custom.Value)
		if in.Custom.Null {
			d.Custom = nil
		}
	}
	return before.diff(fromDomain(l)), nil
}
