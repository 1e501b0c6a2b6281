package leads

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/pkg/adf"
)

// ToADF writes a lead as an ADF document with one prospect. dealer is the name of the rooftop.
func ToADF(l *Lead, who Person, dealer string) *adf.Document {
	p := adf.Prospect{Status: adf.StatusNew, RequestDate: dateOf(l.RequestedAt)}
	if l.RequestedAt == nil {
		p.RequestDate = dateOf(&l.ReceivedAt)
	}
	p.IDs = []adf.ID{{Sequence: "1", Source: ownSource, Value: l.ID.String(), Where: "prospect"}}
	for i, r := range l.Details.ExternalRefs {
		p.IDs = append(p.IDs, adf.ID{Sequence: strconv.Itoa(i + 2), Source: r.Source, Value: r.ID, Where: "prospect"})
	}
	for _, v := range l.Details.Vehicles {
		p.Vehicles = append(p.Vehicles, v.toADF(""))
	}
	for _, v := range l.Details.TradeIns {
		p.Vehicles = append(p.Vehicles, v.toADF(adf.InterestTradeIn))
	}
	if f := l.Details.Finance; f != nil && len(p.Vehicles) > 0 {
		p.Vehicles[0].Finance = f.toADF()
	}
	p.Customer = adf.Customer{Contact: who.toADF(), Comments: l.Details.Comments, Timeframe: l.Details.Timeframe.toADF()}
	if l.Details.Vendor != nil {
		dealer = l.Details.Vendor.Name
	}
	p.Vendor = adf.Vendor{Name: dealer, IDs: []adf.ID{{Source: ownSource, Value: l.DealershipID.String(), Where: "vendor"}}}
	p.Provider = adf.Provider{Name: l.Source}
	if pr := l.Details.Provider; pr != nil {
		p.Provider = adf.Provider{Name: pr.Name, Service: pr.Service, URL: pr.URL}
	}
	p.Extras = l.extras()
	return &adf.Document{Prospects: []adf.Prospect{p}}
}

func dateOf(t *time.Time) adf.Date {
	if t == nil {
		return adf.Date{}
	}
	return adf.Date{Time: *t, ZoneKnown: true}
}

func amountOf(m *kernel.Money) adf.Money {
	if m == nil {
		return adf.Money{}
	}
	return adf.Money{Minor: m.AmountMinor, Exponent: adf.CurrencyExponent(m.Currency), Currency: m.Currency}
}

func (v Vehicle) toADF(interest adf.Interest) adf.Vehicle {
	out := adf.Vehicle{
		Interest: interest, Status: adf.VehicleStatus(v.Condition), Make: v.Make, Model: v.Model, Trim: v.Trim, VIN: v.VIN,
		Stock: v.StockNumber, BodyStyle: v.BodyStyle, Doors: v.Extras[extraDoors], Transmission: v.Extras[extraTransmission],
		Condition: v.Extras[extraState], Comments: v.Extras[extraComments], PriceComments: v.Extras[extraPriceComments],
	}
	if interest == "" && v.Interest != "" {
		out.Interest = adf.Interest(strings.ReplaceAll(v.Interest, "_", "-"))
	}
	if v.Year != nil {
		out.Year = *v.Year
	}
	if v.Odometer != nil {
		out.Odometer = &adf.Odometer{Value: int64(v.Odometer.Value), Units: v.Odometer.Unit}
	}
	if v.Price != nil {
		out.Price = &adf.Price{Money: amountOf(v.Price), Type: v.Extras[extraPriceType]}
	}
	if in, ex := v.Extras[extraInterior], v.Extras[extraExterior]; in != "" || ex != "" {
		out.Colors = []adf.Color{{Interior: in, Exterior: ex}}
	}
	if url := v.Extras[extraImage]; url != "" {
		out.Images = []adf.Image{{URL: url}}
	}
	known := []string{extraDoors, extraTransmission, extraState, extraComments, extraPriceComments, extraPriceType, extraInterior, extraExterior, extraImage}
	for _, key := range slices.Sorted(maps.Keys(v.Extras)) {
		switch {
		case slices.Contains(known, key):
		case strings.HasPrefix(key, extraOption):
			out.Options = append(out.Options, adf.Option{Name: v.Extras[key]})
		default:
			out.Extras = append(out.Extras, adf.Extra{Name: key, Value: v.Extras[key]})
		}
	}
	return out
}

func (f *Finance) toADF() *adf.Finance {
	out := &adf.Finance{Method: f.Method}
	for _, a := range []struct {
		kind  string
		money *kernel.Money
	}{{"downpayment", f.DownPayment}, {"monthly", f.Monthly}, {"total", f.Total}} {
		if a.money != nil {
			out.Amounts = append(out.Amounts, adf.Amount{Money: amountOf(a.money), Type: a.kind})
		}
	}
	if f.Balance != nil {
		out.Balance = &adf.Amount{Money: amountOf(f.Balance), Type: "finance"}
	}
	return out
}

func (t *Timeframe) toADF() *adf.Timeframe {
	if t == nil {
		return nil
	}
	return &adf.Timeframe{Description: t.Description, Earliest: dateOf(t.Earliest), Latest: dateOf(t.Latest)}
}

func (p Person) toADF() adf.Contact {
	c := adf.Contact{First: p.FirstName, Last: p.LastName, Primary: true}
	switch {
	case p.Company:
		c.Full, c.Business = p.CompanyName, true
		c.First, c.Last = "", ""
	case p.FirstName == "" && p.LastName == "":
		c.Full = p.FullName
	}
	for _, e := range p.Emails {
		c.Emails = append(c.Emails, adf.Email{Address: e.Address, Preferred: e.Preferred})
	}
	for _, t := range p.Phones {
		phone := adf.Phone{Raw: t.Raw, Type: adf.PhoneVoice, Preferred: t.Preferred}
		for kind, name := range phoneTypes {
			if name == t.Type && name != "" && name != "other" {
				phone.Type = kind
			}
		}
		c.Phones = append(c.Phones, phone)
	}
	for _, a := range p.Addresses {
		c.Addresses = append(c.Addresses, adf.Address{
			Type: addressTypes[a.Type], Street: a.Lines, City: a.City, Region: a.Region, Postal: a.PostalCode, Country: a.Country,
		})
	}
	return c
}

// extras are the elements of our own: what ADF has no place for.
func (l *Lead) extras() []adf.Extra {
	out := []adf.Extra{{Name: elementType, Value: string(l.Type)}}
	for _, a := range l.Details.Answers {
		out = append(out, adf.Extra{Name: elementAnswer, Value: a.Answer, Attrs: []adf.Attr{{Name: "question", Value: a.Question}}})
	}
	for _, c := range l.Details.Consents {
		e := adf.Extra{Name: elementConsent, Value: c.Text, Attrs: []adf.Attr{
			{Name: "channel", Value: c.Channel}, {Name: "purpose", Value: c.Purpose}, {Name: "given", Value: strconv.FormatBool(c.Given)},
		}}
		if c.At != nil {
			e.Attrs = append(e.Attrs, adf.Attr{Name: "at", Value: c.At.UTC().Format(time.RFC3339Nano)})
		}
		out = append(out, e)
	}
	if a := l.Details.Attribution; a != nil {
		e := adf.Extra{Name: elementAttribution}
		for _, f := range []adf.Attr{
			{Name: "utm_source", Value: a.UTMSource},
			{Name: "utm_medium", Value: a.UTMMedium},
			{Name: "utm_campaign", Value: a.UTMCampaign},
			{Name: "utm_term", Value: a.UTMTerm},
			{Name: "utm_content", Value: a.UTMContent},
			{Name: "gclid", Value: a.GCLID},
			{Name: "landing_url", Value: a.LandingURL},
			{Name: "form_name", Value: a.FormName},
			{Name: "first_source", Value: a.FirstSource},
			{Name: "last_source", Value: a.LastSource},
		} {
			if f.Value != "" {
				e.Attrs = append(e.Attrs, f)
			}
		}
		out = append(out, e)
	}
	return out
}
