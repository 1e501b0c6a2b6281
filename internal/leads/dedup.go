package leads

import (
	"bytes"
	"slices"
	"time"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/fold"
)

// Outcome is what became of one enquiry.
type Outcome string

// The outcomes.
const (
	OutcomeCreated   Outcome = "created"   // a new lead
	OutcomeUpdated   Outcome = "updated"   // the sender's own lead, sent again with other content
	OutcomeTouched   Outcome = "touched"   // joined an open lead of the same person
	OutcomeDuplicate Outcome = "duplicate" // sent before, word for word: nothing changed
)

// Rule is why. Rules are tried in this order.
type Rule string

// The rules.
const (
	RuleSenderID    Rule = "sender_id"    // the sender's own id is known
	RuleSameContent Rule = "same_content" // the same words from the same source within 24 hours
	RuleSameSource  Rule = "same_source"  // the same person, dealership and source within 30 days
	RuleOtherSource Rule = "other_source" // the same person and dealership within 30 days, from another source
	RuleNewEnquiry  Rule = "new_enquiry"  // none of these
)

const (
	sameContentWithin = 24 * time.Hour
	sameEnquiryWithin = 30 * 24 * time.Hour
)

// Explanation says what became of an enquiry and why.
type Explanation struct {
	Outcome Outcome
	Rule    Rule
	Contact ContactMatch
}

// ContactMatch says how the person was recognised.
type ContactMatch struct {
	ID      kernel.ContactID
	Created bool
	Rule    string   // of the contacts context: email, phone_and_name …
	Fields  []string // what agreed
	Search  string   // the contact's search text
	Known   any      // what contacts learnt on the way, handed back to it by Keep
}

// Candidate is a lead of the same person at the same dealership, as far as dedup looks at it.
type Candidate struct {
	ID          kernel.LeadID
	Status      Status
	Type        Type
	Source      string
	PartnerID   kernel.PartnerID // zero unless a partner sent it
	Test        bool
	ContentHash []byte
	ReceivedAt  time.Time
	LastTouchAt time.Time
	DuplicateOf kernel.LeadID
}

// decide applies the rules to the person's recent leads, newest first.
func decide(n *NewLead, hash []byte, recent []Candidate) (Rule, *Candidate) {
	var other *Candidate
	for i := range recent {
		c := &recent[i]
		if c.Test != n.Test || c.Type.desk() != n.Type.desk() {
			continue
		}
		age := n.ReceivedAt.Sub(c.ReceivedAt)
		// A source is a name that anybody may have. A partner's enquiry joins the partner's own leads alone, since it is
		// answered with the lead.
		same := sameSource(c.Source, n.Source) && c.PartnerID == n.PartnerID
		switch {
		case same && age <= sameContentWithin && bytes.Equal(c.ContentHash, hash):
			return RuleSameContent, c
		case same && c.Status.Open() && age <= sameEnquiryWithin:
			return RuleSameSource, c
		case !same && c.Status.Open() && age <= sameEnquiryWithin:
			other = c // the oldest of them, the first lead of the enquiry
		}
	}
	if other != nil {
		return RuleOtherSource, other
	}
	return RuleNewEnquiry, nil
}

// sameSource compares the names of sources as people do: a sender's template may write its own name in another case.
func sameSource(a, b string) bool { return a == b || fold.Text(a) == fold.Text(b) }

// first is the lead that a further source's lead is linked to: never a link to a link.
func (c *Candidate) first() kernel.LeadID {
	if !c.DuplicateOf.IsZero() {
		return c.DuplicateOf
	}
	return c.ID
}

// repeats tells that a further enquiry has joined the lead before: the same words within 24 hours, and nothing new.
func (l *Lead) repeats(n *NewLead) bool {
	d, from := &l.Details, &n.Details
	return slices.ContainsFunc(d.Touches, func(t Touch) bool {
		return sameSource(t.Source, n.Source) && t.Comments == from.Comments && n.ReceivedAt.Sub(t.ReceivedAt) <= sameContentWithin
	}) &&
		covers(d.Vehicles, from.Vehicles, Vehicle.sameCar) && covers(d.TradeIns, from.TradeIns, Vehicle.sameCar) &&
		covers(d.Answers, from.Answers, equal) && covers(d.Consents, from.Consents, Consent.same) && covers(d.ExternalRefs, from.ExternalRefs, equal) &&
		(from.Finance == nil || d.Finance != nil) && (from.Timeframe == nil || d.Timeframe != nil)
}

// full tells that the lead cannot hold a further enquiry. A form that sends itself again and again would make a lead that
// nobody can read, and nothing that is said may be left out: such an enquiry is a lead of its own.
func (l *Lead) full(n *NewLead) bool {
	d, from := &l.Details, &n.Details
	return len(d.Touches) >= maxTouches ||
		exceeds(d.Vehicles, from.Vehicles, maxVehicles, Vehicle.sameCar) || exceeds(d.TradeIns, from.TradeIns, maxVehicles, Vehicle.sameCar) ||
		exceeds(d.Answers, from.Answers, maxAnswers, equal) || exceeds(d.Consents, from.Consents, maxConsents, Consent.same) ||
		exceeds(d.ExternalRefs, from.ExternalRefs, maxRefs, equal)
}

// exceeds tells whether have and what more adds to it are too many.
func exceeds[T any](have, more []T, most int, same func(T, T) bool) bool {
	n := len(have)
	for i := range more {
		if !covers(have, more[i:i+1], same) {
			n++
		}
	}
	return n > most
}

// covers tells whether have holds all of more.
func covers[T any](have, more []T, same func(T, T) bool) bool {
	return !slices.ContainsFunc(more, func(m T) bool {
		return !slices.ContainsFunc(have, func(h T) bool { return same(h, m) })
	})
}

// join adds a further enquiry of the same person and source to the open lead: the touch, the cars not yet on it, and
// what the sender now says for the first time. Nothing that is there is overwritten.
func (l *Lead) join(n *NewLead) (changed []string) {
	touch := Touch{ReceivedAt: n.ReceivedAt, Source: n.Source, Comments: n.Details.Comments}
	if !n.InboxID.IsZero() {
		touch.InboxID = &n.InboxID
	}
	l.Details.Touches = append(l.Details.Touches, touch)
	changed = []string{"touches"}
	add := func(field string, did bool) {
		if did {
			changed = append(changed, field)
		}
	}
	d, from := &l.Details, &n.Details
	add("vehicles_of_interest", addVehicles(&d.Vehicles, from.Vehicles))
	add("trade_ins", addVehicles(&d.TradeIns, from.TradeIns))
	add("answers", addMissing(&d.Answers, from.Answers, maxAnswers, equal))
	add("consents", addMissing(&d.Consents, from.Consents, maxConsents, Consent.same))
	add("external_refs", addMissing(&d.ExternalRefs, from.ExternalRefs, maxRefs, equal))
	add("finance", fill(&d.Finance, from.Finance))
	add("timeframe", fill(&d.Timeframe, from.Timeframe))
	if d.Comments == "" && from.Comments != "" {
		d.Comments = from.Comments
		changed = append(changed, "comments")
	}
	return changed
}

// replace takes over what the sender now says of its own lead; what it leaves out stays.
func (l *Lead) replace(n *NewLead) (changed []string) {
	set := func(field string, did bool) {
		if did {
			changed = append(changed, field)
		}
	}
	d, from := &l.Details, &n.Details
	set("comments", take(&d.Comments, from.Comments))
	set("vehicles_of_interest", takeList(&d.Vehicles, from.Vehicles))
	set("trade_ins", takeList(&d.TradeIns, from.TradeIns))
	set("answers", takeList(&d.Answers, from.Answers))
	set("consents", takeList(&d.Consents, from.Consents))
	set("external_refs", addMissing(&d.ExternalRefs, from.ExternalRefs, maxRefs, equal))
	if from.Finance != nil {
		d.Finance = from.Finance
		changed = append(changed, "finance")
	}
	if from.Timeframe != nil {
		d.Timeframe = from.Timeframe
		changed = append(changed, "timeframe")
	}
	if l.Type != n.Type && n.Type != TypeGeneral {
		l.Type = n.Type
		changed = append(changed, "type")
	}
	l.ContentHash = n.contentHash()
	return changed
}

func addVehicles(dst *[]Vehicle, from []Vehicle) bool {
	added := false
	for _, v := range from {
		if !slices.ContainsFunc(*dst, v.sameCar) && len(*dst) < maxVehicles {
			v.Primary = len(*dst) == 0
			*dst = append(*dst, v)
			added = true
		}
	}
	return added
}

// sameCar compares by VIN or stock number where both say one, else by description.
func (v Vehicle) sameCar(w Vehicle) bool {
	switch {
	case v.VIN != "" && w.VIN != "":
		return v.VIN == w.VIN
	case v.StockNumber != "" && w.StockNumber != "":
		return v.StockNumber == w.StockNumber
	}
	return v.Make == w.Make && v.Model == w.Model && (v.Year == nil || w.Year == nil || *v.Year == *w.Year)
}

// addMissing adds what dst lacks, up to the most that a lead holds.
func addMissing[T any](dst *[]T, from []T, most int, same func(T, T) bool) bool {
	added := false
	for _, item := range from {
		if len(*dst) < most && !slices.ContainsFunc(*dst, func(have T) bool { return same(have, item) }) {
			*dst = append(*dst, item)
			added = true
		}
	}
	return added
}

func equal[T comparable](a, b T) bool { return a == b }

func (c Consent) same(o Consent) bool {
	return c.Channel == o.Channel && c.Purpose == o.Purpose && c.Given == o.Given && c.Text == o.Text
}

func fill[T any](dst **T, from *T) bool {
	if *dst != nil || from == nil {
		return false
	}
	*dst = from
	return true
}

func take[T comparable](dst *T, from T) bool {
	var zero T
	if from == zero || *dst == from {
		return false
	}
	*dst = from
	return true
}

func takeList[T any](dst *[]T, from []T) bool {
	if len(from) == 0 {
		return false
	}
	*dst = from
	return true
}
