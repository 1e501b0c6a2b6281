package leads

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/locale"
	"github.com/rooftop-crm/rooftop/pkg/adf"
)

// fromProspect reads a prospect as an enquiry. Nothing the document says is lost: what has no field of its own becomes an
// answer or an extra, and the inbox keeps the document.
func fromProspect(p *adf.Prospect, at Dealership) NewLead {
	n := NewLead{
		DealershipID: at.ID, Resend: p.Status == adf.StatusResend, Person: personOf(&p.Customer.Contact), Test: strings.EqualFold(p.StatusRaw, "test"),
		Source: p.SourceName(), RequestedAt: timeOf(p.RequestDate),
	}
	d := &n.Details
	d.Comments = p.Customer.Comments // as sent, HTML and all: what mine reads of them stands beside them
	if p.Vendor.Name != "" {
		d.Vendor = &Vendor{Name: p.Vendor.Name}
	}
	if p.Provider.Name != "" || p.Provider.Service != "" {
		d.Provider = &Provider{Name: cmp.Or(p.Provider.Name, n.Source), Service: p.Provider.Service, URL: p.Provider.URL}
	}
	for _, id := range p.IDs {
		ref := kernel.ExternalRef{Source: cmp.Or(id.Source, n.Source, "adf"), ID: id.Ref()}
		if ref.ID != "" && !slices.Contains(d.ExternalRefs, ref) {
			d.ExternalRefs = append(d.ExternalRefs, ref)
		}
	}
	for i := range p.Vehicles {
		v := vehicleOf(&p.Vehicles[i], at)
		if v.Price != nil && inDollars(p.Vehicles[i].Price.Money) {
			d.Warnings = append(d.Warnings, Warning{
				Path: p.Path + "/vehicle[" + strconv.Itoa(i+1) + "]/price", Code: adf.WarnCurrencyGuessed, Message: "The price has a dollar sign and no currency; it was read as " + v.Price.Currency + ".",
			})
		}
		if p.Vehicles[i].HandedIn() {
			d.TradeIns = append(d.TradeIns, v)
		} else {
			d.Vehicles = append(d.Vehicles, v)
		}
		if d.Finance == nil && p.Vehicles[i].Finance != nil {
			d.Finance = financeOf(p.Vehicles[i].Finance, at)
		}
	}
	d.Timeframe = timeframeOf(p.Customer.Timeframe)
	for i := range p.Customer.OtherContacts {
		d.Answers = append(d.Answers, Answer{Question: "other_contact", Answer: contactLine(&p.Customer.OtherContacts[i])})
	}
	for _, t := range p.Customer.Contact.Phones {
		if t.Time != "" && t.Time != "nopreference" {
			d.Answers = append(d.Answers, Answer{Question: "phone_time", Answer: t.Time})
		}
	}
	n.takeNames(p.Customer.Contact.OtherNames)
	for _, address := range p.Customer.Contact.InvalidEmails {
		d.Answers = append(d.Answers, Answer{Question: "email_as_sent", Answer: address})
	}
	n.takeExtras(p.Extras)
	n.takeExtras(p.Customer.Extras)
	n.takeExtras(p.Customer.Contact.Extras)
	if !written(p) {
		n.mine(p.Customer.Comments)
	}
	return n
}

func personOf(c *adf.Contact) Person {
	p := Person{FirstName: c.First, LastName: c.Last, FullName: c.Full, Company: c.Business}
	if c.Business {
		p.CompanyName, p.FullName = c.DisplayName(), ""
		p.FirstName, p.LastName = "", ""
	} else if p.FirstName == "" && p.LastName == "" && p.FullName != "" {
		p.FirstName, p.LastName = adf.SplitName(p.FullName)
	}
	if c.Middle != "" && p.FirstName != "" && c.Full == "" {
		p.FirstName += " " + c.Middle
	}
	if c.Suffix != "" && c.Full == "" && !c.Business {
		p.FullName = c.DisplayName()
	}
	for _, e := range c.Emails {
		p.Emails = append(p.Emails, Email{Address: e.Address, Preferred: e.Preferred})
	}
	for _, t := range c.Phones {
		p.Phones = append(p.Phones, Phone{Raw: t.Raw, Type: phoneTypes[t.Type], Preferred: t.Preferred})
	}
	for _, a := range c.Addresses {
		lines := slices.Clone(a.Street)
		if a.Apartment != "" {
			lines = append(lines, a.Apartment)
		}
		code, ok := locale.CountryNamed(a.Country)
		if !ok && a.Country != "" {
			lines = append(lines, a.Country) // better a line too many than a country lost
		}
		p.Addresses = append(p.Addresses, Address{
			Lines: lines, PostalCode: a.Postal, City: a.City, Region: a.Region, Country: code, Type: addressTypes[a.Type],
		})
	}
	return p
}

// takeNames reads the parts of a name that a person has no field for: a civility, else an answer.
func (n *NewLead) takeNames(names []adf.Name) {
	for _, name := range names {
		switch name.Part {
		case "title", "prefix", "salutation", "civility", "civilite", "civilité", "honorific":
			if n.Person.Civility == "" {
				n.Person.Civility = name.Value
				continue
			}
		}
		n.Details.Answers = append(n.Details.Answers, Answer{Question: "name_" + name.Part, Answer: name.Value})
	}
}

var (
	phoneTypes = map[adf.PhoneType]string{
		adf.PhoneVoice: "", adf.PhoneCell: "mobile", adf.PhoneFax: "fax", adf.PhonePager: "other", adf.PhoneHome: "home", adf.PhoneWork: "work",
	}
	addressTypes = map[string]string{"work": "work", "home": "home", "delivery": "delivery"}
)

func timeOf(d adf.Date) *time.Time {
	if d.Time.IsZero() {
		return nil
	}
	t := d.Time.UTC().Truncate(time.Microsecond)
	return &t
}

func timeframeOf(t *adf.Timeframe) *Timeframe {
	if t == nil {
		return nil
	}
	return &Timeframe{Description: t.Description, Earliest: timeOf(t.Earliest), Latest: timeOf(t.Latest)}
}

func moneyOf(m adf.Money, at Dealership) *kernel.Money {
	if m.Minor == 0 {
		return nil
	}
	currency := cmp.Or(m.Currency, at.Currency, "EUR")
	if inDollars(m) && !slices.Contains(dollars, currency) {
		currency = "USD"
	}
	minor := m.Minor
	for e := m.Exponent; e < adf.CurrencyExponent(currency); e++ {
		minor *= 10
	}
	for e := m.Exponent; e > adf.CurrencyExponent(currency); e-- {
		minor /= 10
	}
	return &kernel.Money{AmountMinor: minor, Currency: currency}
}

// dollars are the currencies that "$" may stand for.
var dollars = []string{"USD", "CAD", "AUD", "NZD", "MXN", "ARS", "CLP", "COP", "UYU", "BRL", "SGD", "HKD", "TWD"}

// inDollars tells that only a dollar sign says what the amount is in.
func inDollars(m adf.Money) bool { return m.Currency == "" && strings.Contains(m.Raw, "$") }

var financeMethods = []string{"cash", "finance", "lease"}

func financeOf(f *adf.Finance, at Dealership) *Finance {
	out := Finance{}
	if slices.Contains(financeMethods, f.Method) {
		out.Method = f.Method
	}
	for _, a := range f.Amounts {
		m := moneyOf(a.Money, at)
		switch a.Type {
		case "downpayment":
			out.DownPayment = m
		case "monthly":
			out.Monthly = m
		default:
			out.Total = m
		}
	}
	if f.Balance != nil {
		out.Balance = moneyOf(f.Balance.Money, at)
	}
	return &out
}

func vehicleOf(v *adf.Vehicle, at Dealership) Vehicle {
	out := Vehicle{
		Interest: strings.ReplaceAll(string(v.Interest), "-", "_"), Condition: string(v.Status), Make: v.Make, Model: v.Model, Trim: v.Trim,
		VIN: cmp.Or(v.VIN, v.VINRaw), StockNumber: v.Stock, BodyStyle: v.BodyStyle,
	}
	if v.InterestRaw == "service" || v.InterestRaw == "rent" {
		out.Interest = v.InterestRaw
	}
	if v.Year >= 1885 && v.Year <= 2100 {
		year := v.Year
		out.Year = &year
	}
	if v.Odometer != nil && v.Odometer.Value > 0 {
		out.Odometer = &kernel.Measure{Value: float64(v.Odometer.Value), Unit: cmp.Or(v.Odometer.Units, defaultUnit(at.Country))}
	}
	if v.Price != nil {
		out.Price = moneyOf(v.Price.Money, at)
	}
	out.Primary = slices.ContainsFunc(v.Extras, func(e adf.Extra) bool { return e.Name == elementPrimary })
	out.Extras = vehicleExtras(v)
	return out
}

// defaultUnit is what an odometer without units counts in.
func defaultUnit(country string) string {
	if country == "US" || country == "GB" {
		return "mi"
	}
	return "km"
}

// The extras of a vehicle, by the names they keep on the lead. adfout.go writes them back.
const (
	extraDoors, extraTransmission, extraState = "doors", "transmission", "state"
	extraInterior, extraExterior              = "interior_color", "exterior_color"
	extraComments, extraPriceComments         = "comments", "price_comments"
	extraPriceType, extraImage, extraYear     = "price_type", "image_url", "year_text"
	extraOption                               = "option_"
)

func vehicleExtras(v *adf.Vehicle) map[string]string {
	x := map[string]string{}
	put := func(key, value string) {
		if value == "" {
			return
		}
		name := key
		for i := 2; x[name] != "" && x[name] != value; i++ { // an element that comes again
			name = key + "_" + strconv.Itoa(i)
		}
		x[name] = value
	}
	put(extraDoors, v.Doors)
	put(extraTransmission, v.Transmission)
	put(extraState, v.Condition)
	put(extraComments, v.Comments)
	put(extraPriceComments, v.PriceComments)
	put(extraYear, v.YearRaw)
	if v.Price != nil {
		put(extraPriceType, v.Price.Type)
	}
	if len(v.Colors) > 0 {
		put(extraInterior, v.Colors[0].Interior)
		put(extraExterior, v.Colors[0].Exterior)
	}
	if len(v.Images) > 0 {
		put(extraImage, v.Images[0].URL)
	}
	for i, o := range v.Options {
		put(extraOption+strconv.Itoa(i+1), strings.TrimSpace(o.Name+" "+o.Code))
	}
	for _, e := range v.Extras {
		name := strings.TrimPrefix(e.Name, "@")
		if name == elementExtra && len(e.Attrs) == 1 {
			name = e.Attrs[0].Value
		}
		if name != elementPrimary {
			eachText(name, e, put)
		}
	}
	if len(x) == 0 {
		return nil
	}
	return x
}

func contactLine(c *adf.Contact) string {
	parts := []string{c.DisplayName()}
	for _, e := range c.Emails {
		parts = append(parts, e.Address)
	}
	for _, t := range c.Phones {
		parts = append(parts, t.Raw)
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", ")
}

// mine reads what senders put into comments for want of a field. It fills what is empty and never overwrites.
func (n *NewLead) mine(comments string) {
	if comments == "" {
		return
	}
	m, d := adf.MineComments(comments), &n.Details
	for _, qa := range m.Answers {
		if a := Answer(qa); !slices.Contains(d.Answers, a) {
			d.Answers = append(d.Answers, a)
		}
	}
	n.minePerson(m.Answers)
	for _, c := range m.Consents {
		channel := c.Channel
		if channel == "mail" {
			channel = "post"
		}
		consent := Consent{Channel: channel, Purpose: "marketing", Given: c.Granted, Text: c.Question}
		if channel == "any" {
			d.Answers = append(d.Answers, Answer{Question: c.Question, Answer: yesNo(c.Granted)})
		} else if !slices.ContainsFunc(d.Consents, consent.same) {
			d.Consents = append(d.Consents, consent)
		}
	}
	if a := attributionOf(m.Attribution); d.Attribution == nil && a != nil {
		d.Attribution = a
	}
	if d.Timeframe == nil && m.Timeframe != "" {
		d.Timeframe = &Timeframe{Description: m.Timeframe}
	}
	if pref := strings.TrimSpace(strings.Join([]string{m.Preferred.Method, m.Preferred.Date, m.Preferred.Time}, " ")); pref != "" {
		d.Answers = append(d.Answers, Answer{Question: "preferred_contact", Answer: pref})
	}
	d.mineVehicle(m)
}

// minePerson takes the e-mail address and the numbers of somebody who could not be answered otherwise from the lines of the
// comments: some portals write nothing anywhere else.
func (n *NewLead) minePerson(lines []adf.QA) {
	if n.Person.Reachable() {
		return
	}
	warn := func(field string) {
		n.Details.Warnings = append(n.Details.Warnings, Warning{Path: "/contact/" + field, Code: "comments." + field, Message: "Read from the comments, since the customer has none."})
	}
	for _, line := range lines {
		switch strings.ToLower(strings.TrimSpace(line.Question)) {
		case "email", "e-mail", "mail", "courriel", "email address", "e-mail address", "adresse e-mail", "adresse email":
			if adf.ValidEmail(line.Answer) {
				n.Person.Emails = append(n.Person.Emails, Email{Address: line.Answer})
				warn("emails")
			}
		case "phone", "tel", "tel.", "tél", "tél.", "telephone", "téléphone", "phone number", "mobile", "portable", "cell", "cell phone", "mobile phone":
			if strings.ContainsAny(line.Answer, "0123456789") {
				n.Person.Phones = append(n.Person.Phones, Phone{Raw: line.Answer})
				warn("phones")
			}
		case "name", "full name", "nom complet", "nom et prénom":
			if n.Person.empty() {
				n.Person.FullName = line.Answer
				n.Person.FirstName, n.Person.LastName = adf.SplitName(line.Answer)
				warn("full_name")
			}
		}
	}
}

func (d *Details) mineVehicle(m adf.Mined) {
	if m.VIN == "" && m.Stock == "" {
		return
	}
	warn := func(field string) {
		d.Warnings = append(d.Warnings, Warning{Path: "/vehicles_of_interest/0/" + field, Code: "comments." + field, Message: "Read from the comments, since the vehicle does not say."})
	}
	if len(d.Vehicles) == 0 {
		d.Vehicles = append(d.Vehicles, Vehicle{Make: m.Make, Model: m.Model})
	}
	v := &d.Vehicles[0]
	if v.VIN == "" && m.VIN != "" {
		v.VIN = m.VIN
		warn("vin")
	}
	if v.StockNumber == "" && m.Stock != "" {
		v.StockNumber = m.Stock
		warn("stock_number")
	}
}

func attributionOf(a adf.Attribution) *Attribution {
	out := Attribution{
		UTMSource: a.Source, UTMMedium: a.Medium, UTMCampaign: a.Campaign, UTMTerm: a.Term, UTMContent: a.Content,
		GCLID: a.ClickID, LandingURL: a.URL, FormName: a.FormName, LastSource: a.SourceID,
	}
	if out == (Attribution{}) {
		return nil
	}
	return &out
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
