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
	Provider           merge.Field[leads.Provider]       `json:"provider"`
	Comments           merge.Field[string]               `json:"comments" validate:"max=20000"`
	Answers            merge.Field[[]leads.Answer]       `json:"answers" validate:"max=200,dive"`
	VehiclesOfInterest merge.Field[[]leads.Vehicle]      `json:"vehicles_of_interest" validate:"max=20,dive"`
	TradeIns           merge.Field[[]leads.Vehicle]      `json:"trade_ins" validate:"max=20,dive"`
	Finance            merge.Field[leads.Finance]        `json:"finance"`
	Timeframe          merge.Field[leads.Timeframe]      `json:"timeframe"`
	ExternalRefs       merge.Field[[]kernel.ExternalRef] `json:"external_refs" validate:"max=20,dive"`
	Attribution        merge.Field[leads.Attribution]    `json:"attribution"`
	Consents           merge.Field[[]leads.Consent]      `json:"consents" validate:"max=50,dive"`
	Custom             merge.Field[map[string]any]       `json:"custom"`
	Test               merge.Field[bool]                 `json:"test" extensions:"!x-nullable"`
} //	@name	PatchLead

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
	in.Provider.ApplyPtr(&d.Provider)
	in.Comments.Apply(&d.Comments)
	in.Answers.Apply(&d.Answers)
	in.VehiclesOfInterest.Apply(&d.Vehicles)
	in.TradeIns.Apply(&d.TradeIns)
	in.Finance.ApplyPtr(&d.Finance)
	in.Timeframe.ApplyPtr(&d.Timeframe)
	in.ExternalRefs.Apply(&d.ExternalRefs)
	in.Attribution.ApplyPtr(&d.Attribution)
	in.Consents.Apply(&d.Consents)
	if in.Custom.Set {
		d.Custom = merge.Object(d.Custom, in.Custom.Value)
		if in.Custom.Null {
			d.Custom = nil
		}
	}
	return before.diff(fromDomain(l)), nil
}
