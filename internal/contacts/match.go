package contacts

import "slices"

// Rule names the reason for which a contact was taken to be the person of an enquiry. Rules are part of the API.
type Rule string

// The rules, the strongest first.
const (
	RuleEmail            Rule = "email"               // the same e-mail address
	RulePhoneAndName     Rule = "phone_and_name"      // the same number, and the same names in whatever order
	RulePhoneAndStart    Rule = "phone_and_start"     // the same number and last name; the first names begin alike
	RulePhoneAndSpelling Rule = "phone_and_spelling"  // the same number and last name; the first names differ by a slip
	RulePhoneAndLastName Rule = "phone_and_last_name" // the same number and last name, and one first name is not known
	RulePhone            Rule = "phone"               // the same number, and one side has no name, or a part of the other's
	RuleCreated          Rule = "none"                // nobody was recognised
)

// Rules lists every rule, the strongest first.
func Rules() []Rule {
	return []Rule{
		RuleEmail, RulePhoneAndName, RulePhoneAndStart, RulePhoneAndSpelling, RulePhoneAndLastName, RulePhone, RuleCreated,
	}
}

// fields are the wire names of what a rule compares.
func (r Rule) fields() []string {
	switch r {
	case RuleEmail:
		return []string{"emails"}
	case RulePhoneAndName:
		return []string{"phones", "full_name"}
	case RulePhoneAndStart, RulePhoneAndSpelling:
		return []string{"phones", "last_name", "first_name"}
	case RulePhoneAndLastName:
		return []string{"phones", "last_name"}
	case RulePhone:
		return []string{"phones"}
	case RuleCreated:
	}
	return []string{}
}

// recognise finds the candidate that is the same as who: by the strongest rule, and of several the first.
func recognise(who Contact, candidates []Contact) (Contact, Rule) {
	best, by := Contact{}, RuleCreated
	order := Rules()
	points := who.telling()
	for _, c := range candidates {
		r := compare(who, c, points)
		if slices.Index(order, r) < slices.Index(order, by) {
			best, by = c, r
		}
	}
	return best, by
}

// compare gives the strongest rule by which the two are the same, RuleCreated when there is none. A shared telephone
// alone is not enough where the names say otherwise: families and companies share them.
func compare(who, c Contact, points []Point) Rule {
	samePhone := false
	theirs := c.Points()
	for _, p := range points {
		if !slices.Contains(theirs, p) {
			continue
		}
		if p.Kind == PointEmail {
			return RuleEmail
		}
		samePhone = true
	}
	if !samePhone {
		return RuleCreated
	}
	a, b := who.personName(), c.personName()
	switch {
	case a.absent() || b.absent():
		return compareCompanies(who, c)
	case slices.Equal(a.all, b.all):
		return RulePhoneAndName
	case !a.sameLast(b) && (a.partOf(b) || b.partOf(a)):
		return RulePhone
	case !a.sameLast(b):
		return RuleCreated
	case startsAlike(a.first, b.first):
		return RulePhoneAndStart
	case almostSame(a.first, b.first):
		return RulePhoneAndSpelling
	case a.first == "" || b.first == "":
		return RulePhoneAndLastName
	}
	return RuleCreated // two of a family
}

// compareCompanies decides where no person's name can: a switchboard of another company is somebody else.
func compareCompanies(who, c Contact) Rule {
	a, b := nameWords(who.CompanyName), nameWords(c.CompanyName)
	if len(a) == 0 || len(b) == 0 || slices.Equal(a, b) || containsAll(a, b) || containsAll(b, a) {
		return RulePhone
	}
	return RuleCreated
}
