package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/leads"
)

// This file invents people, cars and enquiries. Everything in it is made up: names are syllables, addresses are under
// example domains, telephone numbers are of the ranges kept for fiction in France.

var (
	firstNames = []string{
		"Hélène", "Jules", "Inès", "Anaïs", "Théo", "Zoé", "Noël", "Maël", "Agnès", "Léa", "Hugo", "Lucas", "Emma", "Chloé", "Manon",
		"Sarah", "Camille", "Nathan", "Enzo", "Louis", "Arthur", "Paul", "Jeanne", "Alice", "Rose", "Anna", "Adam", "Gabin", "Sacha",
		"Nina", "Eva", "Marius", "Simon", "Margaux", "Clara", "Romain", "Olivier", "Bénédicte", "Gaëlle", "Yannick",
	}
	onsets  = []string{"Bar", "Cor", "Del", "Fau", "Gal", "Lam", "Mar", "Nor", "Per", "Ren", "Sau", "Tri", "Val", "Ver", "Bel", "Cha", "Dur", "Mon", "Gir", "Pel"}
	middles = []string{"ba", "che", "de", "fi", "la", "li", "mi", "no", "ri", "se", "ta", "vi", "za", "go", "pu"}
	ends    = []string{"din", "eau", "er", "et", "gnon", "lier", "mont", "nard", "rand", "sson", "tier", "ville", "zac", "ssier", "quet"}
	// The fictional ranges of landlines, each with ten thousand numbers. That of mobiles is no valid number to the library.
	phoneRanges = []string{"01 99 00", "02 61 91", "03 53 01", "04 65 71", "05 36 49"}

	makes = []struct{ name, models, trim string }{
		{"Peugeot", "208 e-208 308 3008 5008 Rifter", "GT Pack"},
		{"Renault", "Clio Captur Mégane Austral Espace Twingo", "Techno"},
		{"Citroën", "C3 C4 C5 Berlingo", "Shine"},
		{"Dacia", "Sandero Duster Jogger Spring", "Expression"},
		{"Volkswagen", "Polo Golf Tiguan ID.3 Passat", "Life Business"},
		{"Toyota", "Yaris Corolla C-HR RAV4", "Design"},
		{"BMW", "118d 320d X1 X3 i4", "M Sport"},
		{"Ford", "Puma Kuga Focus Fiesta", "ST-Line"},
	}
	sources  = []string{"La Vitrine Auto", "www.garage.example", "Annonces du Port", "Auto Comparateur", "Newsletter", "Salon de Lyon", "Le Bon Volant"}
	comments = []string{
		"Bonjour, ce véhicule est-il toujours disponible ? Je souhaiterais l'essayer samedi matin si possible.",
		"Je suis intéressé par une reprise de mon véhicule actuel et par un financement sur 48 mois avec un faible apport.",
		"Pouvez-vous me rappeler en fin de journée ? Je voudrais connaître l'historique d'entretien et la date du dernier contrôle technique.",
		"Merci de m'envoyer une offre de location avec option d'achat, 15 000 km par an, entretien compris, livraison à domicile.",
	}
	consentText = "J'accepte de recevoir par e-mail les offres de la concession et de ses partenaires. Je peux retirer mon accord à tout moment."
)

// person is one invented shopper.
type person struct {
	first, last, email, phone, city string
}

func pick[T any](r *rand.Rand, of []T) T { return of[r.IntN(len(of))] }

// newPerson invents the n-th person under a mark that keeps runs apart: no two have the same e-mail address.
func newPerson(r *rand.Rand, mark string, n int) person {
	p := person{first: pick(r, firstNames), last: pick(r, onsets) + pick(r, middles) + pick(r, ends)}
	p.email = fmt.Sprintf("%s.%s%d@mail%d.example", strings.ToLower(p.last), mark, n, n%7)
	digits := r.IntN(10_000)
	p.phone = fmt.Sprintf("%s %02d %02d", pick(r, phoneRanges), digits/100, digits%100)
	p.city = pick(r, []string{"Saint-Étienne", "Lyon", "Grenoble", "Nantes", "Rouen"})
	return p
}

const vinLetters = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"

func newVehicle(r *rand.Rand, interest string) leads.Vehicle {
	brand := pick(r, makes)
	year := 2014 + r.IntN(12)
	vin := make([]byte, 17)
	for i := range vin {
		vin[i] = vinLetters[r.IntN(len(vinLetters))]
	}
	return leads.Vehicle{
		Interest: interest, Condition: "used", Year: &year, Make: brand.name, Model: pick(r, strings.Fields(brand.models)), Trim: brand.trim,
		VIN: string(vin), StockNumber: fmt.Sprintf("VO-%05d", r.IntN(100_000)), BodyStyle: "hatchback",
		Odometer: &kernel.Measure{Value: float64(1000 * r.IntN(180)), Unit: "km"},
		Price:    &kernel.Money{AmountMinor: int64(400_000 + 1000*r.IntN(4000)), Currency: "EUR"},
		Extras:   map[string]string{"exterior_color": "gris platinium", "transmission": "manuelle", "doors": "5"},
	}
}

// newDetails invents what an enquiry says: about 1.3 kB as JSON, as portals send it.
func newDetails(r *rand.Rand, source, ref string, at time.Time) leads.Details {
	agreed := at.UTC().Truncate(time.Second)
	d := leads.Details{
		Provider: &leads.Provider{Name: source, Service: "Demande d'information", URL: "https://portail.example/annonces"},
		Comments: pick(r, comments),
		Answers: []leads.Answer{
			{Question: "Quand souhaitez-vous être rappelé ?", Answer: "En semaine, après 18 h"},
			{Question: "Avez-vous un véhicule à reprendre ?", Answer: "Oui"},
		},
		Vehicles:     []leads.Vehicle{newVehicle(r, "test_drive")},
		ExternalRefs: []kernel.ExternalRef{{Source: source, ID: ref}},
		Attribution:  &leads.Attribution{UTMSource: "newsletter", UTMMedium: "email", UTMCampaign: "rentree", LandingURL: "https://www.garage.example/essai", FormName: "essai"},
		Consents:     []leads.Consent{{Channel: "email", Purpose: "marketing", Given: r.IntN(3) > 0, Text: consentText, At: &agreed}},
		Timeframe:    &leads.Timeframe{Description: "sous un mois"},
	}
	d.Vehicles[0].Primary = true
	if r.IntN(3) == 0 {
		d.TradeIns = []leads.Vehicle{newVehicle(r, "trade_in")}
	}
	return d
}

// idAt is an id as it would have been made at that time: rows and index entries then lie as they do in life.
func idAt(r *rand.Rand, at time.Time) uuid.UUID {
	var id uuid.UUID
	ms := at.UnixMilli()
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i)) //nolint:gosec // the bytes of a number
	}
	a, b := r.Uint64(), r.Uint64()
	for i := range 5 {
		id[6+i], id[11+i] = byte(a>>(8*i)), byte(b>>(8*i)) //nolint:gosec // as above
	}
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return id
}
