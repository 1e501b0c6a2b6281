package leads

import (
	"cmp"
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
	for i, v := range l.Details.Vehicles {
		out := v.toADF(adf.Interest(strings.ReplaceAll(v.Interest, "_", "-")))
		if v.Primary && i > 0 {
			out.Extras = append(out.Extras, adf.Extra{Name: elementPrimary, Value: "1"})
		}
		p.Vehicles = append(p.Vehicles, out)
	}
	for _, v := range l.Details.TradeIns {
		interest := adf.InterestTradeIn
		if v.Interest == string(adf.InterestSell) {
			interest = adf.InterestSell
		}
		p.Vehicles = append(p.Vehicles, v.toADF(interest))
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
	p.Extras = append(l.extras(), who.extras()...)
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
	if v.Year != nil {
		out.Year = *v.Year
	}
	if v.Odometer != nil {
		out.Odometer = &adf.Odometer{Value: int64(v.Odometer.Value), Units: v.Odometer.Unit}
	}
	if v.Price != nil {
		out.Price = &adf.Price{Money: amountOf(v.Price), Type: priceType(v.Extras)}
	}
	if in, ex := v.Extras[extraInterior], v.Extras[extraExterior]; in != "" || ex != "" {
		out.Colors = []adf.Color{{Interior: in, Exterior: ex}}
	}
	if url := v.Extras[extraImage]; url != "" {
		out.Images = []adf.Image{{URL: url}}
	}
	for i := 1; v.Extras[extraOption+strconv.Itoa(i)] != ""; i++ {
		out.Options = append(out.Options, adf.Option{Name: v.Extras[extraOption+strconv.Itoa(i)]})
	}
	out.Extras = otherExtras(v.Extras, len(out.Options), out.Price != nil && out.Price.Type != "")
	return out
}

// otherExtras writes the extras that ADF has no element for. Their names may be any text, so they are attributes.
func otherExtras(extras map[string]string, options int, typedPrice bool) []adf.Extra {
	known := []string{extraDoors, extraTransmission, extraState, extraComments, extraPriceComments, extraInterior, extraExterior, extraImage}
	if typedPrice {
		known = append(known, extraPriceType)
	}
	for i := range options {
		known = append(known, extraOption+strconv.Itoa(i+1))
	}
	var out []adf.Extra
	for _, key := range slices.Sorted(maps.Keys(extras)) {
		if !slices.Contains(known, key) && extras[key] != "" {
			out = append(out, adf.Extra{Name: elementExtra, Value: extras[key], Attrs: []adf.Attr{{Name: "name", Value: key}}})
		}
	}
	return out
}

// adfPriceTypes are the kinds of prices that ADF has a word for.
var adfPriceTypes = []string{"quote", "offer", "msrp", "invoice", "call", "appraisal", "asking"}

func priceType(extras map[string]string) string {
	if t := extras[extraPriceType]; slices.Contains(adfPriceTypes, t) {
		return t
	}
	return ""
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
		c.Full, c.Business = cmp.Or(p.CompanyName, p.FullName), true
		c.First, c.Last = "", ""
	case p.FullName != strings.TrimSpace(p.FirstName+" "+p.LastName):
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
