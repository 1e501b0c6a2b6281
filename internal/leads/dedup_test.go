package leads

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/rooftop-crm/rooftop/internal/kernel"
)

func TestDecide(t *testing.T) {
	t.Parallel()
	hash, otherHash := []byte("same"), []byte("other")
	earlier := func(days int, change func(*Candidate)) Candidate {
		c := Candidate{
			ID: kernel.NewID[kernel.LeadID](), Status: StatusInContact, Type: TypeSales, Source: "Portail", ContentHash: otherHash,
			ReceivedAt: noon.AddDate(0, 0, -days),
		}
		if change != nil {
			change(&c)
		}
		return c
	}
	sameWords := func(c *Candidate) { c.ContentHash = hash }
	for _, tt := range []struct {
		name   string
		recent []Candidate
		want   Rule
		which  int
	}{
		{"nobody", nil, RuleNewEnquiry, -1},
		{"same words at once", []Candidate{earlier(0, sameWords)}, RuleSameContent, 0},
		{"same words two days later", []Candidate{earlier(2, sameWords)}, RuleSameSource, 0},
		{"same source within 30 days", []Candidate{earlier(29, nil)}, RuleSameSource, 0},
		{"same source after 30 days", []Candidate{earlier(31, nil)}, RuleNewEnquiry, -1},
		{"same source, closed", []Candidate{earlier(1, func(c *Candidate) { c.Status = StatusLost })}, RuleNewEnquiry, -1},
		{"same source, postponed", []Candidate{earlier(1, func(c *Candidate) { c.Status = StatusPostponed })}, RuleSameSource, 0},
		{"same source in another case", []Candidate{earlier(1, func(c *Candidate) { c.Source = "PORTAIL " })}, RuleSameSource, 0},
		{"other source", []Candidate{earlier(1, func(c *Candidate) { c.Source = "OEM" })}, RuleOtherSource, 0},
		{"the first of other sources", []Candidate{earlier(1, func(c *Candidate) { c.Source = "A" }), earlier(5, func(c *Candidate) { c.Source = "B" })}, RuleOtherSource, 1},
		{"same source beside another", []Candidate{earlier(1, func(c *Candidate) { c.Source = "OEM" }), earlier(2, nil)}, RuleSameSource, 1},
		{"workshop is another desk", []Candidate{earlier(1, func(c *Candidate) { c.Type = TypeService })}, RuleNewEnquiry, -1},
		{"a test drive is the same desk", []Candidate{earlier(1, func(c *Candidate) { c.Type = TypeTestDrive })}, RuleSameSource, 0},
		{"test leads stay apart", []Candidate{earlier(1, func(c *Candidate) { c.Test = true })}, RuleNewEnquiry, -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n := &NewLead{Source: "Portail", Type: TypeSales, ReceivedAt: noon}
			rule, which := decide(n, hash, tt.recent)
			assert.Equal(t, tt.want, rule)
			if tt.which < 0 {
				assert.Nil(t, which)
			} else {
				assert.Equal(t, tt.recent[tt.which].ID, which.ID)
			}
		})
	}
}

func TestFirstIsNeverALinkToALink(t *testing.T) {
	t.Parallel()
	root := kernel.NewID[kernel.LeadID]()
	c := Candidate{ID: kernel.NewID[kernel.LeadID](), DuplicateOf: root}
	assert.Equal(t, root, c.first())
}

func TestJoinOverwritesNothing(t *testing.T) {
	t.Parallel()
	year := 2021
	l := Lead{Details: Details{Comments: "first", Vehicles: []Vehicle{{Make: "Peugeot", Model: "e-208", Year: &year, Primary: true}}}}
	given := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	consent := Consent{Channel: "email", Purpose: "marketing", Given: true, At: &given}
	again := given
	n := NewLead{Source: "Portail", ReceivedAt: noon, Details: Details{
		Comments: "second", Vehicles: []Vehicle{{Make: "Peugeot", Model: "e-208"}, {Make: "Renault", Model: "Mégane", Primary: true}},
		Consents: []Consent{consent},
	}}
	assert.Equal(t, []string{"touches", "vehicles_of_interest", "consents"}, l.join(&n))
	assert.Equal(t, "first", l.Details.Comments)
	assert.Equal(t, "second", l.Details.Touches[0].Comments)
	assert.Len(t, l.Details.Vehicles, 2, "the car that is there is not added again")
	assert.False(t, l.Details.Vehicles[1].Primary, "one car is the primary one")

	consent.At = &again
	n.Details.Consents = []Consent{consent}
	assert.Equal(t, []string{"touches"}, l.join(&n), "the same consent is the same however its time is held")
}

func TestALeadIsFull(t *testing.T) {
	t.Parallel()
	answers := func(n int, word string) []Answer {
		out := make([]Answer, n)
		for i := range out {
			out[i] = Answer{Question: word + strconv.Itoa(i), Answer: "a"}
		}
		return out
	}
	for name, tt := range map[string]struct {
		has, more Details
		want      bool
	}{
		"room":                      {Details{Answers: answers(100, "a")}, Details{Answers: answers(100, "b")}, false},
		"one too many":              {Details{Answers: answers(100, "a")}, Details{Answers: answers(101, "b")}, true},
		"what it has takes no room": {Details{Answers: answers(200, "a")}, Details{Answers: answers(200, "a")}, false},
		"touches":                   {Details{Touches: make([]Touch, maxTouches)}, Details{}, true},
		"one more touch":            {Details{Touches: make([]Touch, maxTouches-1)}, Details{}, false},
		"cars": {
			Details{Vehicles: slices.Repeat([]Vehicle{{Make: "Opel", VIN: "A"}}, maxVehicles)}, Details{Vehicles: []Vehicle{{Make: "Opel", VIN: "B"}}}, true,
		},
	} {
		l := Lead{Details: tt.has}
		assert.Equal(t, tt.want, l.full(&NewLead{Details: tt.more}), name)
	}
}

func TestRepeats(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	lead := func() *Lead {
		l := &Lead{Details: Details{Comments: "first", Vehicles: []Vehicle{{Make: "Renault", Model: "Clio"}}}}
		l.join(&NewLead{Source: "Portail", ReceivedAt: at, Details: Details{Comments: "second"}})
		return l
	}
	tests := []struct {
		name string
		n    NewLead
		want bool
	}{
		{"the same words", NewLead{Source: "Portail", ReceivedAt: at.Add(time.Hour), Details: Details{Comments: "second"}}, true},
		{"a day later", NewLead{Source: "Portail", ReceivedAt: at.Add(25 * time.Hour), Details: Details{Comments: "second"}}, false},
		{"other words", NewLead{Source: "Portail", ReceivedAt: at, Details: Details{Comments: "third"}}, false},
		{"the car it has", NewLead{Source: "Portail", ReceivedAt: at, Details: Details{Comments: "second", Vehicles: []Vehicle{{Make: "Renault", Model: "Clio"}}}}, true},
		{"another car", NewLead{Source: "Portail", ReceivedAt: at, Details: Details{Comments: "second", Vehicles: []Vehicle{{Make: "Renault", Model: "Zoe"}}}}, false},
		{"another id", NewLead{Source: "Portail", ReceivedAt: at, Details: Details{Comments: "second", ExternalRefs: []kernel.ExternalRef{{Source: "crm", ID: "2"}}}}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tt.want, lead().repeats(&tt.n))
		})
	}
}
