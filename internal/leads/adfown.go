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

// Elements of our own that a lead written as ADF carries, so that reading it back gives the same lead.
const (
	elementType        = "leadtype" // with channel, source and test
	elementAnswer      = "answer"
	elementConsent     = "consent"
	elementAttribution = "attribution"
	elementPerson      = "leadperson"  // what a contact's names have no part for
	elementFinance     = "leadfinance" // of a lead without vehicles, which have it in ADF
	elementExtra       = "extra"       // of a vehicle
	elementPrimary     = "primary"     // of a vehicle that is not the first
)

var ownElements = []string{
	elementType, elementAnswer, elementConsent, elementAttribution, elementPerson, elementFinance, elementExtra, elementPrimary,
}

// ownSource is the source of the id by which we name a lead in what we write.
const ownSource = "rooftop"

// written tells that ToADF wrote the document: then every field is in its place, and comments are only comments.
func written(p *adf.Prospect) bool {
	return slices.ContainsFunc(p.IDs, func(id adf.ID) bool { return id.Source == ownSource })
}

// ownExtra is an element of our own with the attributes that have a value.
func ownExtra(name, value string, attrs ...adf.Attr) adf.Extra {
	return adf.Extra{Name: name, Value: value, Attrs: slices.DeleteFunc(attrs, func(a adf.Attr) bool { return a.Value == "" })}
}

// extras are what ADF has no place for.
func (l *Lead) extras() []adf.Extra {
	test := ""
	if l.Test {
		test = "true"
	}
	out := []adf.Extra{ownExtra(elementType, string(l.Type), adf.Attr{Name: "channel", Value: string(l.Channel)}, adf.Attr{Name: "source", Value: l.Source}, adf.Attr{Name: "test", Value: test})}
	for _, a := range l.Details.Answers {
		out = append(out, ownExtra(elementAnswer, a.Answer, adf.Attr{Name: "question", Value: a.Question}))
	}
	for _, c := range l.Details.Consents {
		at := ""
		if c.At != nil {
			at = c.At.UTC().Format(time.RFC3339Nano)
		}
		out = append(out, ownExtra(elementConsent, c.Text,
			adf.Attr{Name: "channel", Value: c.Channel}, adf.Attr{Name: "purpose", Value: c.Purpose},
			adf.Attr{Name: "given", Value: strconv.FormatBool(c.Given)}, adf.Attr{Name: "at", Value: at}))
	}
	if a := l.Details.Attribution; a != nil {
		out = append(out, ownExtra(elementAttribution, "",
			adf.Attr{Name: "utm_source", Value: a.UTMSource}, adf.Attr{Name: "utm_medium", Value: a.UTMMedium}, adf.Attr{Name: "utm_campaign", Value: a.UTMCampaign},
			adf.Attr{Name: "utm_term", Value: a.UTMTerm}, adf.Attr{Name: "utm_content", Value: a.UTMContent}, adf.Attr{Name: "gclid", Value: a.GCLID},
			adf.Attr{Name: "landing_url", Value: a.LandingURL}, adf.Attr{Name: "form_name", Value: a.FormName},
			adf.Attr{Name: "first_source", Value: a.FirstSource}, adf.Attr{Name: "last_source", Value: a.LastSource}))
	}
	if f := l.Details.Finance; f != nil && len(l.Details.Vehicles)+len(l.Details.TradeIns) == 0 {
		out = append(out, ownExtra(elementFinance, "", adf.Attr{Name: "method", Value: f.Method}, adf.Attr{Name: "down_payment", Value: moneyText(f.DownPayment)},
			adf.Attr{Name: "monthly", Value: moneyText(f.Monthly)}, adf.Attr{Name: "total", Value: moneyText(f.Total)}, adf.Attr{Name: "balance", Value: moneyText(f.Balance)}))
	}
	return out
}

// extras are what the names of a contact have no part for.
func (p Person) extras() []adf.Extra {
	e := ownExtra(elementPerson, "", adf.Attr{Name: "civility", Value: p.Civility}, adf.Attr{Name: "language", Value: p.Language})
	if p.Company {
		e = ownExtra(elementPerson, "", append(e.Attrs, adf.Attr{Name: "first", Value: p.FirstName}, adf.Attr{Name: "last", Value: p.LastName}, adf.Attr{Name: "full", Value: p.FullName})...)
	} else {
		e = ownExtra(elementPerson, "", append(e.Attrs, adf.Attr{Name: "company", Value: p.CompanyName})...)
	}
	if len(e.Attrs) == 0 {
		return nil
	}
	return []adf.Extra{e}
}

func takePerson(p *Person, attr map[string]string) {
	p.Civility, p.Language = attr["civility"], attr["language"]
	if p.Company {
		p.FirstName, p.LastName, p.FullName = attr["first"], attr["last"], attr["full"]
	} else {
		p.CompanyName = attr["company"]
	}
}

// moneyText writes an amount in minor units: 200000 EUR.
func moneyText(m *kernel.Money) string {
	if m == nil {
		return ""
	}
	return strconv.FormatInt(m.AmountMinor, 10) + " " + m.Currency
}

func moneyFrom(text string) *kernel.Money {
	amount, currency, _ := strings.Cut(text, " ")
	minor, err := strconv.ParseInt(amount, 10, 64)
	if err != nil || !goodCurrency(currency) {
		return nil
	}
	return &kernel.Money{AmountMinor: minor, Currency: currency}
}

func financeFrom(attr map[string]string) *Finance {
	f := Finance{
		DownPayment: moneyFrom(attr["down_payment"]), Monthly: moneyFrom(attr["monthly"]), Total: moneyFrom(attr["total"]), Balance: moneyFrom(attr["balance"]),
	}
	if slices.Contains(financeMethods, attr["method"]) {
		f.Method = attr["method"]
	}
	return &f
}

// takeExtras reads our own elements, and keeps others as answers.
func (n *NewLead) takeExtras(extras []adf.Extra) {
	for _, e := range extras {
		attr := map[string]string{}
		for _, a := range e.Attrs {
			attr[a.Name] = a.Value
		}
		switch name := strings.TrimPrefix(e.Name, "@"); {
		case name == elementType:
			n.takeType(e.Value, attr)
		case name == elementPerson && len(attr) > 0:
			takePerson(&n.Person, attr)
		case name == elementFinance && len(attr) > 0:
			n.Details.Finance = financeFrom(attr)
		case name == elementAnswer && attr["question"] != "":
			n.Details.Answers = append(n.Details.Answers, Answer{Question: attr["question"], Answer: e.Value})
		case name == elementConsent && attr["channel"] != "":
			n.Details.Consents = append(n.Details.Consents, consentFrom(attr, e.Value))
		case name == elementAttribution:
			n.Details.Attribution = attributionFrom(attr)
		case n.takeFlag(name, e.Value):
		default:
			eachText(name, e, func(name, text string) {
				n.Details.Answers = append(n.Details.Answers, Answer{Question: name, Answer: text})
			})
		}
	}
}

// takeFlag reads the elements that many senders add for want of one in ADF: that it is a test, and the person's language.
func (n *NewLead) takeFlag(name, value string) bool {
	value = strings.ToLower(strings.TrimSpace(value))
	switch strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(name)) {
	case "test", "istest", "testlead", "istestlead":
		yes := slices.Contains([]string{"1", "true", "yes", "y", "oui"}, value)
		n.Test = n.Test || yes
		return yes
	case "language", "preferredlanguage", "languagecode", "langue", "lang":
		language, ok := locale.Language(value)
		if ok && n.Person.Language == "" {
			n.Person.Language = language
			return true
		}
	}
	return false
}

func (n *NewLead) takeType(value string, attr map[string]string) {
	t := Type(strings.ToLower(strings.TrimSpace(value)))
	if slices.Contains(Types(), t) {
		n.Type = t
		n.Source, n.Test = cmp.Or(attr["source"], n.Source), attr["test"] == "true"
		if c := Channel(attr["channel"]); slices.Contains(Channels(), c) {
			n.Channel = c
		}
		return
	}
	n.Details.Answers = append(n.Details.Answers, Answer{Question: elementType, Answer: value})
	switch {
	case strings.Contains(string(t), "service"):
		n.Type = TypeService
	case strings.Contains(string(t), "parts"):
		n.Type = TypeParts
	}
}

func consentFrom(attr map[string]string, text string) Consent {
	c := Consent{Channel: attr["channel"], Purpose: cmp.Or(attr["purpose"], "marketing"), Given: attr["given"] == "true", Text: text}
	if at, err := time.Parse(time.RFC3339Nano, attr["at"]); err == nil {
		at = at.UTC()
		c.At = &at
	}
	return c
}

func attributionFrom(attr map[string]string) *Attribution {
	return &Attribution{
		UTMSource: attr["utm_source"], UTMMedium: attr["utm_medium"], UTMCampaign: attr["utm_campaign"], UTMTerm: attr["utm_term"],
		UTMContent: attr["utm_content"], GCLID: attr["gclid"], LandingURL: attr["landing_url"], FormName: attr["form_name"],
		FirstSource: attr["first_source"], LastSource: attr["last_source"],
	}
}

// eachText visits the text of an unknown element and of those inside it, whose names are joined by dots.
func eachText(name string, e adf.Extra, visit func(name, text string)) {
	if e.Value != "" {
		visit(name, e.Value)
	}
	for _, c := range e.Children {
		eachText(name+"."+strings.TrimPrefix(c.Name, "@"), c, visit)
	}
}
