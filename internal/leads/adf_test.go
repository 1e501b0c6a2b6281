package leads

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/pkg/adf"
)

func full() (Lead, Person) {
	year, at := 2021, time.Date(2026, 3, 29, 1, 30, 0, 0, time.UTC)
	until := at.AddDate(0, 1, 0)
	l := Lead{
		ID: kernel.NewID[kernel.LeadID](), DealershipID: kernel.NewID[kernel.DealershipID](), Type: TypeTestDrive, Source: "La Centrale",
		RequestedAt: &at, ReceivedAt: at.Add(time.Minute),
		Details: Details{
			Provider: &Provider{Name: "La Centrale", Service: "Demande d'essai", URL: "https://portail.example"},
			Vendor:   &Vendor{Name: "Garage de l'Exemple & Fils"},
			Comments: "Samedi à 10h ? ]]> & <b> 🚗\nBudget : 18 000 €",
			Answers:  []Answer{{Question: "When?", Answer: "Saturday <10h>"}},
			Vehicles: []Vehicle{{
				Interest: "test_drive", Condition: "used", Year: &year, Make: "Peugeot", Model: "e-208", Trim: "GT – boîte auto.", VIN: "VF3VBBHXHGZ041335",
				StockNumber: "VO-3381", BodyStyle: "hatchback", Odometer: &kernel.Measure{Value: 38450, Unit: "km"},
				Price: &kernel.Money{AmountMinor: 1999050, Currency: "EUR"}, Primary: true,
				Extras: map[string]string{"doors": "5", "transmission": "auto", "exterior_color": "rouge", "comments": "2 clés", "price_type": "asking", "option_1": "Toit"},
			}},
			TradeIns:     []Vehicle{{Interest: "trade_in", Condition: "used", Make: "Citroën", Model: "C3", Odometer: &kernel.Measure{Value: 142300, Unit: "km"}}},
			Finance:      &Finance{Method: "finance", DownPayment: &kernel.Money{AmountMinor: 200000, Currency: "EUR"}, Monthly: &kernel.Money{AmountMinor: 25000, Currency: "EUR"}},
			Timeframe:    &Timeframe{Description: "dans le mois", Earliest: &at, Latest: &until},
			ExternalRefs: []kernel.ExternalRef{{Source: "formulaire", ID: "FR-417"}},
			Attribution:  &Attribution{UTMSource: "newsletter", UTMCampaign: "rentrée & co", GCLID: "abc"},
			Consents:     []Consent{{Channel: "email", Purpose: "marketing", Given: true, Text: "J'accepte", At: &at}},
		},
	}
	who := Person{
		FirstName: "Hélène", LastName: "de La Bretonnière",
		Emails:    []Email{{Address: "helene@fr.example", Preferred: true}},
		Phones:    []Phone{{Raw: "06 39 98 12 34", Type: "mobile"}},
		Addresses: []Address{{Lines: []string{"12 bis, rue de l'Église"}, PostalCode: "42000", City: "Saint-Étienne", Country: "FR", Type: "home"}},
	}
	return l, who
}

func TestLeadWrittenAsADFReadsBackTheSame(t *testing.T) {
	t.Parallel()
	l, who := full()
	var b bytes.Buffer
	require.NoError(t, ToADF(&l, who, "Garage").Write(&b))
	doc, err := adf.Parse(b.Bytes(), adf.Options{ReceivedAt: l.ReceivedAt, Unescape: true})
	require.NoError(t, err)
	assert.Empty(t, warningsOf(doc.Warnings), "%s", b.String())
	require.Len(t, doc.Prospects, 1)

	n := fromProspect(&doc.Prospects[0], Dealership{Country: "FR", Currency: "EUR"})
	n.Details.tidy()
	assert.Equal(t, who, n.Person)
	assert.Equal(t, l.Type, n.Type)
	assert.Equal(t, l.Source, n.Source)
	assert.Equal(t, l.RequestedAt, n.RequestedAt)
	want := l.Details
	want.ExternalRefs = append([]kernel.ExternalRef{{Source: "rooftop", ID: l.ID.String()}}, want.ExternalRefs...)
	assert.Equal(t, want, n.Details, "%s", b.String())
}
