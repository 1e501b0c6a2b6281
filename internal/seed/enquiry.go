package seed

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rooftop-crm/rooftop/internal/contacts"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/leads"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
)

const day = 24 * time.Hour

// enquiry is somebody asking for something somewhere.
type enquiry struct {
	who   soul
	place int
	way   way
	lead  leads.NewLead // what is asked, without who and how
}

// way is how an enquiry comes in.
type way string

const (
	bySite   way = "site"
	byPortal way = "portal"
	byOEM    way = "oem"
	byPhone  way = "phone"
	byEmail  way = "email"
	byChat   way = "chat"
	byFoot   way = "walk_in"
)

// ways has each way as often as it is used.
var ways = []way{bySite, bySite, bySite, bySite, bySite, bySite, byPortal, byPortal, byPortal, byPortal, byOEM, byOEM, byOEM, byPhone, byPhone, byEmail, byChat, byFoot}

// source is what the internet team writes down for an enquiry that it takes by hand.
func (w way) source() string {
	switch w {
	case byPhone:
		return "Standard téléphonique"
	case byEmail:
		return "Boîte de réception"
	case byChat:
		return "Messagerie du site"
	case byFoot:
		return "Visite spontanée"
	case bySite, byPortal, byOEM:
	}
	return ""
}

var portals = []string{"Carrelune", "Placette Auto", "Occasions du Coin"}

var campaigns = []leads.Attribution{
	{},
	{},
	{},
	{UTMSource: "newsletter", UTMMedium: "email", UTMCampaign: "portes-ouvertes"},
	{UTMSource: "moteur-de-recherche", UTMMedium: "cpc", UTMCampaign: "occasions", UTMTerm: "voiture occasion garantie"},
	{UTMSource: "reseau-social", UTMMedium: "social", UTMCampaign: "essai-vega"},
}

// meetRegulars puts the people on the agenda that the group knew before they asked for anything.
func (h *past) meetRegulars(tx context.Context) {
	for i := range h.group.regulars {
		who := h.crowd.next()
		if i%5 == 4 {
			who.company = companies[i/5%len(companies)]
		}
		h.at(h.atWork(h.randomTime()), func() error { return h.keepContact(tx, who) })
		if h.chance(30) {
			e := h.newEnquiry(who)
			h.arrive(tx, e, h.randomTime())
		}
	}
}

func (h *past) keepContact(tx context.Context, who soul) error {
	agent := h.one(auth.RoleAgent, 0).actor
	n := contacts.New{
		Civility: who.civility, FirstName: who.first, LastName: who.last, CompanyName: who.company, Language: "fr",
		Emails:    []contacts.Email{{Address: who.email, Type: contacts.TypeHome, Preferred: true}},
		Phones:    []contacts.Phone{{Raw: h.crowd.written(who)}},
		Addresses: []contacts.Address{{Lines: []string{who.street}, PostalCode: who.postalCode, City: who.city, Country: h.group.country, Type: contacts.TypeHome}},
		Tags:      []string{"client atelier"},
	}
	if who.company != "" {
		n.Kind, n.Emails[0].Type, n.Addresses[0].Type, n.Tags = contacts.KindCompany, contacts.TypeWork, contacts.TypeWork, []string{"flotte"}
	}
	if h.chance(50) {
		owner := h.one(auth.RoleSalesperson, h.rand.IntN(len(h.dealerships)))
		n.OwnerID = &owner.actor.User
	}
	_, err := h.Contacts.Create(tx, agent, n)
	return err
}

// expectEnquiries puts all first enquiries on the agenda. A few of them came just now.
func (h *past) expectEnquiries(tx context.Context) {
	for i := range h.group.enquirers {
		e := h.newEnquiry(h.crowd.next())
		when := h.randomTime()
		if i%40 == 0 {
			when = h.end.Add(-h.between(2*time.Minute, 3*time.Hour))
		}
		h.arrive(tx, e, when)
		h.expectMore(tx, e, when)
	}
}

// arrive puts an enquiry on the agenda. Nobody answers the phone or the door at night.
func (h *past) arrive(tx context.Context, e enquiry, when time.Time) {
	if e.way == byPhone || e.way == byFoot {
		when = h.atWork(when)
	}
	h.at(when, func() error { return h.take(tx, e) })
}

// expectMore lets some people ask again: elsewhere too, once more in the same place, or the very same by a double click.
func (h *past) expectMore(tx context.Context, e enquiry, first time.Time) {
	again := func(e enquiry, after time.Duration) { h.arrive(tx, e, first.Add(after)) }
	switch n := h.rand.IntN(100); {
	case n < 14:
		elsewhere := e
		for elsewhere.way = pick(h.rand, ways); elsewhere.way == e.way; {
			elsewhere.way = pick(h.rand, ways)
		}
		elsewhere.lead = h.variant(e.lead, "Bonjour, je compare plusieurs offres pour ce véhicule. Quel est votre meilleur prix ?")
		again(elsewhere, h.between(time.Hour, 6*day))
	case n < 22:
		e.lead = h.variant(e.lead, "Je me permets de vous relancer, je n'ai pas encore eu de réponse.")
		again(e, h.between(20*time.Hour, 9*day))
	case n < 26:
		again(e, h.between(20*time.Second, 10*time.Minute))
	}
}

// variant is the same enquiry in other words, and without the sender's id.
func (h *past) variant(n leads.NewLead, comments string) leads.NewLead {
	n.Details.Comments, n.Details.ExternalRefs = comments, nil
	return n
}

// randomTime is some time of the ninety days, mostly in the evening as people write from home.
func (h *past) randomTime() time.Time {
	hour := pick(h.rand, []int{7, 8, 9, 10, 11, 12, 12, 13, 14, 15, 16, 17, 18, 18, 19, 19, 20, 20, 21, 21, 22, 23})
	from := h.end.Add(-history + 2*time.Hour)
	t := from.Add(h.between(0, h.end.Sub(from))).In(h.zone)
	y, m, d := t.Date()
	at := time.Date(y, m, d, hour, h.rand.IntN(60), h.rand.IntN(60), 0, h.zone)
	if at.Before(from) || at.After(h.end) {
		return t
	}
	return at
}

func (h *past) newEnquiry(who soul) enquiry {
	e := enquiry{who: who, place: h.rand.IntN(len(h.dealerships)), way: pick(h.rand, ways)}
	if e.way != byOEM {
		e.lead = h.ask(pick(h.rand, wishes))
		return e
	}
	// A manufacturer's site sells the manufacturer's new cars.
	w := pick(h.rand, []wish{buying, buying, trying, trying, financing})
	e.lead = h.ask(w)
	e.lead.Details.Vehicles = []leads.Vehicle{wantedNew(h.rand, h.group.brand, w.interest)}
	return e
}

// ask words an enquiry.
func (h *past) ask(w wish) leads.NewLead {
	n := leads.NewLead{Type: w.kind}
	d := &n.Details
	d.Comments = pick(h.rand, w.comments)
	switch {
	case w.interest == "":
	case w.interest == "service":
		d.Vehicles = []leads.Vehicle{h.ownCar()}
	case h.chance(50):
		d.Vehicles = []leads.Vehicle{wantedNew(h.rand, h.group.brand, w.interest)}
	default:
		d.Vehicles = []leads.Vehicle{wantedUsed(h.rand, h.end, w.interest)}
	}
	if w.kind == leads.TypeTradeIn || (w.kind == leads.TypeSales && h.chance(15)) {
		d.TradeIns = []leads.Vehicle{tradeIn(h.rand, h.end)}
	}
	if w.kind == leads.TypeFinance {
		d.Finance = &leads.Finance{Method: "finance", DownPayment: euros(int64(10+h.rand.IntN(40)) * 100), Monthly: euros(int64(180 + 10*h.rand.IntN(25)))}
	}
	if w.kind == leads.TypeTestDrive {
		d.Answers = []leads.Answer{{Question: "Quand souhaitez-vous essayer le véhicule ?", Answer: pick(h.rand, []string{"Samedi matin", "En semaine après 18 h", "Dès que possible"})}}
	}
	if h.chance(35) {
		d.Timeframe = &leads.Timeframe{Description: pick(h.rand, []string{"moins d'un mois", "1 à 3 mois", "3 à 6 mois", "je me renseigne"})}
	}
	if h.chance(60) {
		d.Consents = []leads.Consent{{
			Channel: "email", Purpose: "marketing", Given: h.chance(55), Text: "J'accepte de recevoir les offres de " + h.group.name + " par e-mail.",
		}}
	}
	return n
}

func (h *past) ownCar() leads.Vehicle {
	v := used(h.rand, h.end, 2+h.rand.IntN(9))
	v.Interest, v.Primary, v.Price = "service", true, nil
	return v
}

// take hands the enquiry in, as its way has it, and lets the dealership work on what is new.
func (h *past) take(tx context.Context, e enquiry) error {
	n := e.lead
	n.DealershipID = h.dealerships[e.place]
	n.Person = h.described(e.who)
	asked := h.clock.Now().Add(-h.between(time.Second, 40*time.Second))
	n.RequestedAt = &asked
	actor, err := h.send(tx, &n, e)
	if err != nil {
		return err
	}
	in, err := h.Leads.Create(tx, actor, n)
	if err != nil || in.Outcome != leads.OutcomeCreated {
		return err
	}
	h.work(tx, &journey{id: in.Lead.ID, place: e.place, kind: in.Lead.Type, status: in.Lead.Status})
	return nil
}

// described is the person as typed this time: numbers and names are never typed alike.
func (h *past) described(s soul) leads.Person {
	p := leads.Person{
		Civility: s.civility, FirstName: s.first, LastName: s.last, CompanyName: s.company, Language: "fr",
		Emails: []leads.Email{{Address: s.email}}, Phones: []leads.Phone{{Raw: h.crowd.written(s)}},
	}
	if h.chance(12) {
		p.LastName, p.FirstName = strings.ToUpper(s.last), strings.ToLower(s.first)
	}
	if h.chance(30) {
		p.Addresses = []leads.Address{{PostalCode: s.postalCode, City: s.city, Country: h.group.country}}
	}
	return p
}

// send completes the enquiry with what its way adds, and returns who hands it in.
func (h *past) send(tx context.Context, n *leads.NewLead, e enquiry) (auth.Actor, error) {
	d := &n.Details
	switch e.way {
	case bySite:
		a := campaigns[(len(e.who.email)+len(e.who.last))%len(campaigns)] // the same each time somebody asks
		a.LandingURL = h.group.site() + "/offres"
		d.Attribution, n.Channel = &a, leads.ChannelWeb
		return h.site, nil
	case byPortal:
		name := portals[len(e.who.email)%len(portals)]
		d.Provider = &leads.Provider{Name: name, Service: "Demande de contact"}
		n.Channel = leads.ChannelPortal
		if d.Comments == e.lead.Details.Comments {
			d.ExternalRefs = []kernel.ExternalRef{{Source: name, ID: "CT-" + e.who.phone[4:]}}
		}
		return h.api, nil
	case byOEM:
		h.serial++
		d.ExternalRefs = []kernel.ExternalRef{{Source: h.group.partnerCode, ID: fmt.Sprintf("%s-%06d", strings.ToUpper(h.group.partnerCode), h.serial)}}
		d.Vendor = &leads.Vendor{Name: h.group.places[e.place].details.Name}
		actor, id, err := h.Leads.Target(tx, h.partner, leads.Destination{DealerCode: h.group.places[e.place].dealerCode})
		n.DealershipID = id
		return actor, err
	case byPhone, byEmail, byChat, byFoot:
		n.Channel, n.RequestedAt = leads.Channel(e.way), nil
		n.Source = e.way.source()
	}
	return h.one(auth.RoleAgent, 0).actor, nil
}

// one is the user with that role who works there.
func (h *past) one(role auth.Role, place int) staff {
	for _, s := range h.staff {
		if s.role == role && (s.at == nil || slices.Contains(s.at, place)) {
			return s
		}
	}
	return h.staff[0]
}
