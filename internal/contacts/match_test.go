package contacts

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// someone describes a person as first name, last name, number and address; an empty one is not known.
func someone(first, last, number, address string) Contact {
	p := Person{FirstName: first, LastName: last, Region: "FR"}
	if number != "" {
		p.Phones = []Phone{{Raw: number}}
	}
	if address != "" {
		p.Emails = []Email{{Address: address}}
	}
	return p.forgiven()
}

func TestCompare(t *testing.T) {
	t.Parallel()
	const mobile, other = "06 12 34 56 78", "06 98 76 54 32"
	known := someone("Hélène", "Lefèvre", mobile, "helene@mail.example")
	company := Person{CompanyName: "Garage du Port", Phones: []Phone{{Raw: mobile}}, Region: "FR"}.forgiven()
	full := func(name string) Contact {
		return Person{FullName: name, Phones: []Phone{{Raw: mobile}}, Region: "FR"}.forgiven()
	}
	for name, tt := range map[string]struct {
		who, known Contact
		want       Rule
	}{
		"the same e-mail in other case":           {someone("", "", "", "HELENE@Mail.example"), known, RuleEmail},
		"the same e-mail under another name":      {someone("Paul", "Martin", other, "helene@mail.example"), known, RuleEmail},
		"the e-mail is stronger than the number":  {someone("Hélène", "Lefèvre", mobile, "helene@mail.example"), known, RuleEmail},
		"number in another format, the same name": {someone("HELENE", "LEFEVRE", "+33 (0)6.12.34.56.78", ""), known, RulePhoneAndName},
		"0033 and another e-mail":                 {someone("Hélène", "Lefèvre", "0033612345678", "h2@mail.example"), known, RulePhoneAndName},
		"names the other way round":               {someone("Lefèvre", "Hélène", mobile, ""), known, RulePhoneAndName},
		"full name in capitals, last name first":  {full("LEFEVRE Helene"), known, RulePhoneAndName},
		"first names begin alike":                 {someone("Hélèna", "Lefèvre", mobile, "h2@mail.example"), known, RulePhoneAndStart},
		"an initial":                              {someone("H.", "Lefèvre", mobile, "h2@mail.example"), known, RulePhoneAndStart},
		"a slip of the pen":                       {someone("Heelene", "Lefèvre", mobile, "h2@mail.example"), known, RulePhoneAndSpelling},
		"only the last name":                      {someone("", "Lefèvre", mobile, "h2@mail.example"), known, RulePhoneAndLastName},
		"husband without e-mail":                  {someone("Paul", "Lefèvre", mobile, ""), known, RuleCreated},
		"husband with an e-mail of his own":       {someone("Paul", "Lefèvre", mobile, "paul@mail.example"), known, RuleCreated},
		"married":                                 {someone("Hélène", "Lefèvre-Martin", mobile, "h2@mail.example"), known, RulePhoneAndStart},
		"another person on the phone":             {someone("Paul", "Martin", mobile, "paul@mail.example"), known, RuleCreated},
		"another person without e-mail":           {someone("Paul", "Martin", mobile, ""), known, RuleCreated},
		"phone only":                              {someone("", "", mobile, ""), known, RulePhone},
		"phone and an unknown e-mail":             {someone("", "", mobile, "h2@mail.example"), known, RulePhone},
		"a placeholder":                           {someone("Unknown", "N/A", mobile, ""), known, RulePhone},
		"first name only":                         {someone("Hélène", "", mobile, ""), known, RulePhone},
		"another number":                          {someone("Hélène", "Lefèvre", other, ""), known, RuleCreated},
		"a name alone":                            {someone("Hélène", "Lefèvre", "", ""), known, RuleCreated},
		"an invalid number":                       {someone("Hélène", "Lefèvre", "12", ""), someone("Hélène", "Lefèvre", "12", ""), RuleCreated},
		"a number that fills a field":             {someone("", "", "06 00 00 00 00", ""), someone("", "", "06 00 00 00 00", ""), RuleCreated},
		"an address that fills a field":           {someone("", "", "", "noreply@portal.example"), someone("", "", "", "noreply@portal.example"), RuleCreated},
		"the company's switchboard":               {someone("", "", mobile, ""), company, RulePhone},
		"the same company":                        {Person{CompanyName: "GARAGE DU PORT SARL", Phones: company.Phones, Region: "FR"}.forgiven(), company, RulePhone},
		"another company":                         {Person{CompanyName: "Autos Martin", Phones: company.Phones, Region: "FR"}.forgiven(), company, RuleCreated},
		"particles are left out at will":          {full("Jean Fontaine"), full("Jean de la Fontaine"), RulePhoneAndName},
		"last names of particles only":            {someone("Anh", "Le", mobile, ""), someone("Anh", "Le", mobile, ""), RulePhoneAndName},
	} {
		assert.Equal(t, tt.want, compare(tt.who, tt.known, tt.who.telling()), name)
	}
}

func TestRecogniseTakesTheStrongestThenTheFirst(t *testing.T) {
	t.Parallel()
	const mobile = "06 12 34 56 78"
	byPhone := someone("", "", mobile, "")
	byName := someone("Hélène", "Lefèvre", mobile, "")
	again := someone("Hélène", "Lefèvre", mobile, "")
	byEmail := someone("", "", "", "helene@mail.example")
	for i, c := range []*Contact{&byPhone, &byName, &again, &byEmail} {
		c.ID[15] = byte(i + 1)
	}
	who := someone("Hélène", "Lefèvre", mobile, "helene@mail.example")
	found, rule := recognise(who, []Contact{byPhone, byName, again, byEmail})
	assert.Equal(t, RuleEmail, rule)
	assert.Equal(t, byEmail.ID, found.ID)
	found, rule = recognise(who, []Contact{byPhone, byName, again})
	assert.Equal(t, RulePhoneAndName, rule)
	assert.Equal(t, byName.ID, found.ID)
	found, rule = recognise(who, nil)
	assert.Equal(t, RuleCreated, rule)
	assert.True(t, found.ID.IsZero())
}

func TestRulesNameWhatTheyCompare(t *testing.T) {
	t.Parallel()
	for _, r := range Rules() {
		assert.Equal(t, r == RuleCreated, len(r.fields()) == 0, r)
	}
}

func TestEnrichAddsAndNeverOverwrites(t *testing.T) {
	t.Parallel()
	base := Person{
		FirstName: "Hélène", Emails: []Email{{Address: "a@mail.example", Preferred: true}}, Phones: []Phone{{Raw: "0612345678"}}, Region: "FR",
		Addresses: []Address{{Lines: []string{"1, rue du Port"}, PostalCode: "35400", City: "Saint-Malo"}},
	}.forgiven()

	c := base
	assert.False(t, c.enrich(base), "nothing new")
	same := someone("HELENE", "", "+33 6 12 34 56 78", "A@mail.example")
	assert.False(t, c.enrich(same), "only written otherwise: %v", base.Diff(c))

	more := Person{
		Civility: "Mme", FirstName: "HELENE", LastName: "Lefèvre", CompanyName: "Garage du Port", Language: "fr", Region: "FR",
		Emails: []Email{{Address: "b@mail.example", Preferred: true}}, Phones: []Phone{{Raw: "0298765432"}, {Raw: "06.12.34.56.78"}},
		Addresses: []Address{{Lines: []string{"1 Rue du Port"}, City: "SAINT MALO"}, {City: "Brest", Country: "FR"}},
	}.forgiven()
	assert.True(t, c.enrich(more))
	assert.Equal(t, []string{"civility", "last_name", "full_name", "company_name", "emails", "phones", "addresses", "language"}, base.Diff(c))
	assert.Equal(t, "Hélène", c.FirstName)
	assert.Equal(t, []Email{{"a@mail.example", TypeOther, true}, {"b@mail.example", TypeOther, false}}, c.Emails)
	assert.Len(t, c.Phones, 2)
	assert.Len(t, c.Addresses, 2, "the first says nothing new")
	assert.Len(t, base.Emails, 1, "the contact that was read is not touched")

	named := someone("Hélène", "", "0612345678", "")
	assert.True(t, named.enrich(someone("Hélène", "Lefèvre", "0612345678", "")))
	assert.Equal(t, "Hélène Lefèvre", named.FullName)

	unnamed := someone("Unknown", "Unknown", "0612345678", "")
	assert.True(t, unnamed.enrich(someone("Hélène", "Lefèvre", "0612345678", "")))
	assert.Equal(t, "Hélène Lefèvre", unnamed.FullName, "a placeholder is no name")

	family := someone("", "Dupont", "", "family@mail.example")
	assert.False(t, family.enrich(someone("Marie", "Martin", "", "family@mail.example")))
	assert.Equal(t, "Dupont", family.FullName, "no name is made of two people")
}

func TestSplitName(t *testing.T) {
	t.Parallel()
	for full, want := range map[string][2]string{
		"Jean Dupont": {"Jean", "Dupont"}, "Jean de La Fontaine": {"Jean", "de La Fontaine"}, "Dupont": {"", "Dupont"},
		"Ludwig van Beethoven": {"Ludwig", "van Beethoven"}, "Jean Pierre Martin": {"Jean Pierre", "Martin"}, "": {"", ""},
		"Anne d' Ornano": {"Anne", "d' Ornano"},
	} {
		first, last := splitName(full)
		assert.Equal(t, want, [2]string{first, last}, full)
	}
}

func TestLevenshtein(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "", 3}, {"", "abc", 3}, {"kitten", "sitting", 3}, {"helene", "helena", 1}, {"été", "ete", 2}} {
		assert.Equal(t, tt.want, levenshtein([]rune(tt.a), []rune(tt.b)), tt.a+" "+tt.b)
	}
}
