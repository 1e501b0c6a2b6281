package adf

import (
	"html"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDocumentsInsideOthers(t *testing.T) {
	t.Parallel()
	inner := "<?xml version=\"1.0\"?><adf><prospect>" + iris + "</prospect></adf>"
	for name, data := range map[string]string{
		"the string of a web service": `<?xml version="1.0"?><string xmlns="urn:x">` + html.EscapeString(inner) + "</string>",
		"a CDATA section":             "<lead><data><![CDATA[" + inner + "]]></data></lead>",
		"a comment of a page":         "<html><body>Hello<!-- " + inner + " --></body></html>",
		"a page that shows it":        "<html><body><p>Lead</p><pre>" + html.EscapeString(inner) + "</pre></body></html>",
	} {
		p, doc := parseOne(t, data, Options{})
		assert.Equal(t, "Iris Falk", p.Customer.Contact.DisplayName(), name)
		assert.Contains(t, codes(doc), WarnWrapped, name)
	}
	_, err := Parse([]byte("<html><body>adf and prospect are only mentioned</body></html>"), Options{})
	require.ErrorIs(t, err, ErrNotADF)
}

func TestPartsUnderOtherNames(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ contact, want, code string }{
		"French names":            {"<nom>Falk</nom><prenom>Iris</prenom>", "Iris Falk", WarnAlias},
		"attributes of name":      {`<name first="Iris" last="Falk"/>`, "Iris Falk", WarnMisplaced},
		"word processor's quotes": {"<name part=”first”>Iris</name><name part=”last”>Falk</name>", "Iris Falk", ""},
		"a couple":                {"<name>M. et Mme Falk</name>", "M. et Mme Falk", ""},
	} {
		p, doc := parseOne(t, "<prospect><customer><contact>"+tt.contact+"</contact></customer></prospect>", Options{})
		first, last := p.Customer.Contact.PersonName()
		assert.Equal(t, tt.want, p.Customer.Contact.DisplayName(), name)
		if name == "a couple" {
			assert.Equal(t, [2]string{"", "et Mme Falk"}, [2]string{first, last})
		} else {
			assert.Equal(t, [2]string{"Iris", "Falk"}, [2]string{first, last}, name)
		}
		if tt.code != "" {
			assert.Contains(t, codes(doc), tt.code, name)
		}
	}
	p, doc := parseOne(t, `<prospect><requestdate value="2026-11-20T09:00:00Z"/><customer><contact><email value="i@example.com"/><mail>j@example.com.</mail>
		<phone type="work" ext="45">01 41 20 00 15</phone><ville>Lyon</ville><codepostal>69003</codepostal></contact></customer></prospect>`, Options{})
	assert.Equal(t, "2026-11-20T09:00:00Z", p.RequestDate.Raw)
	c := p.Customer.Contact
	assert.Equal(t, []Email{{Address: "i@example.com"}, {Address: "j@example.com"}}, c.Emails)
	assert.Equal(t, "01 41 20 00 15 ext. 45", c.Phones[0].Raw)
	assert.Equal(t, []Address{{City: "Lyon", Postal: "69003"}}, c.Addresses)
	assert.Subset(t, codes(doc), []string{WarnMisplaced, WarnAlias, WarnEmailTidied})
}

func TestAddressesAndNumbersInEachOthersPlace(t *testing.T) {
	t.Parallel()
	p, doc := parseOne(t, `<prospect><customer><contact><phone>i@example.com</phone><email preferredcontact="1">06 11 20 00 15</email><email>12 rue X</email></contact></customer></prospect>`, Options{})
	c := p.Customer.Contact
	assert.Equal(t, []Email{{Address: "i@example.com"}}, c.Emails)
	assert.Equal(t, []Phone{{Raw: "06 11 20 00 15", Preferred: true}}, c.Phones)
	assert.Equal(t, []string{"12 rue X"}, c.InvalidEmails)
	assert.Subset(t, codes(doc), []string{WarnMisplaced, WarnEmailInvalid})
}

func TestPartsBesideTheProspect(t *testing.T) {
	t.Parallel()
	p, _ := parseOne(t, "<adf><prospect><vehicle><make>Opel</make></vehicle></prospect><comments>Cash</comments><contact><name>Iris Falk</name></contact></adf>", Options{})
	assert.Equal(t, "Cash", p.Customer.Comments)
	assert.Equal(t, "Iris Falk", p.Customer.Contact.Full)
}

func TestVehicleVariants(t *testing.T) {
	t.Parallel()
	read := func(v string) (*Vehicle, *Document) {
		p, doc := parseOne(t, "<prospect>"+v+iris+"</prospect>", Options{})
		require.Len(t, p.Vehicles, 1, v)
		return &p.Vehicles[0], doc
	}
	v, doc := read(`<vehicle year="2021" make="Opel" model="Corsa" stock="V12" vin="w0l0xcr9754000001"/>`)
	assert.Equal(t, []any{2021, "Opel", "Corsa", "V12", "W0L0XCR9754000001"}, []any{v.Year, v.Make, v.Model, v.Stock, v.VIN})
	assert.Contains(t, codes(doc), WarnMisplaced)

	v, _ = read(`<vehicle make="Opel"><make>Saab</make></vehicle>`)
	assert.Equal(t, "Opel", v.Make)
	assert.Equal(t, []Extra{{Name: "make", Value: "Saab"}}, v.Extras)

	v, _ = read("<vehicle><vin>VIN: W0L0XCR9754000001</vin></vehicle>")
	assert.Equal(t, "W0L0XCR9754000001", v.VIN)

	v, _ = read("<vehicle><make>Opel</make><options><option><optionname>GPS</optionname></option><option><optionname>Air</optionname></option><note>x</note></options></vehicle>")
	assert.Equal(t, []Option{{Name: "GPS"}, {Name: "Air"}}, v.Options)
	assert.Equal(t, []Extra{{Name: "note", Value: "x"}}, v.Extras)

	for currency, want := range map[string]string{
		"EUR": "EUR", "eur": "EUR", "Euros": "EUR", "€": "EUR", "US Dollars": "USD", "US$": "USD", "£": "GBP", "Goldstücke": "", "EURX": "", "E1R": "",
	} {
		v, doc := read(`<vehicle><make>Opel</make><price currency="` + currency + `">100</price></vehicle>`)
		assert.Equal(t, want, v.Price.Currency, currency)
		assert.Equal(t, want == "", slices.Contains(codes(doc), WarnUnknownValue), currency)
	}
}

func TestValuesEscapedThreeTimes(t *testing.T) {
	t.Parallel()
	doc, err := Parse([]byte(lead("O&amp;amp;#39;Casey")), Options{Unescape: true})
	require.NoError(t, err)
	assert.Equal(t, "O'Casey", doc.Prospects[0].Customer.Comments)
}

func TestRefusalsAreNoConsents(t *testing.T) {
	t.Parallel()
	for line, want := range map[string][]Consent{
		"Email Opt-In: Yes":                          {{"email", true, "Email Opt-In"}},
		"Email Opt-In: No":                           {{"email", false, "Email Opt-In"}},
		"I do not consent to e-mail: Yes":            {{"email", false, "I do not consent to e-mail"}},
		"I do not consent to email: Yes":             {{"email", false, "I do not consent to email"}},
		"I do not consent to email: No":              nil,
		"Email unsubscribe: Yes":                     {{"email", false, "Email unsubscribe"}},
		"Opt out of SMS: Yes":                        {{"sms", false, "Opt out of SMS"}},
		"Do not call: Yes":                           {{"phone", false, "Do not call"}},
		"Je n'accepte pas les appels: Oui":           {{"phone", false, "Je n'accepte pas les appels"}},
		"J'accepte d'être contacté par e-mail : Oui": {{"email", true, "J'accepte d'être contacté par e-mail"}},
	} {
		got := MineComments(line).Consents
		assert.Equal(t, want, got, line)
	}
}
