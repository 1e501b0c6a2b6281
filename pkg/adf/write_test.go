package adf

import (
	"bytes"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// full is a document in which every field that Write writes has a value of its own.
func full() *Document {
	extra := func(name string) []Extra {
		return []Extra{
			{Name: "@certified", Value: name + " & co"},
			{Name: "x-" + name, Value: "]]> " + name, Attrs: []Attr{{"k", "a\n\t\"b"}}, Children: []Extra{{Name: "inner", Value: "<i>"}}},
		}
	}
	plain := func(name string) []Extra { return extra(name)[1:] }
	contact := func(who string) Contact {
		return Contact{
			First: who + "-Zoë", Middle: "M.", Last: "d’Arc-" + who, Suffix: "Jr", Full: "Zoë " + who, Business: true, Primary: true,
			OtherNames: []Name{{"nick", "Zo & " + who}}, Emails: []Email{{who + "@example.com", true}, {"b@example.com", false}},
			InvalidEmails: []string{"no address"},
			Phones:        []Phone{{Raw: "06 39 98 12 34", Type: PhoneCell, Time: "evening", Preferred: true}, {Raw: "1", TypeRaw: "martian"}},
			Addresses: []Address{{
				Type: "home", Street: []string{"12 bis, rue de l'Église", "Bât. B"}, Apartment: "3", City: "Saint-Étienne",
				Region: "ARA", Postal: "42000", Country: "FR", Extras: plain("address"),
			}},
			Extras: extra("contact"),
		}
	}
	zone := time.FixedZone("", 2*3600)
	return &Document{
		Extras: plain("adf"),
		Prospects: []Prospect{{
			Status:      StatusResend,
			IDs:         []ID{{Sequence: "1", Source: "portal", Value: "a<b>&c", Where: "prospect"}},
			RequestDate: Date{Time: time.Date(2026, 3, 29, 2, 30, 0, 45e6, zone), ZoneKnown: true},
			Vehicles: []Vehicle{{
				Interest: InterestTestDrive, Status: VehicleUsed, IDs: []ID{{Source: "stock", Value: "v1", Where: "vehicle"}},
				Year: 2021, Make: "Citroën", Model: "ë-C4 🚗", Trim: "Shine ]]>", VIN: "VF3VBBHXHGZ041335", Stock: "VO-3381",
				Doors: "5", BodyStyle: "SUV", Transmission: "auto", Odometer: &Odometer{Value: 38450, Units: "km", Status: "original"},
				Condition: "unknown", Colors: []Color{{"black", "red", 2}, {"white", "blue", 1}},
				Images: []Image{{"https://img.example/?a=1&b=2", "front \"view\"", 640, 480}},
				Price: &Price{
					Money: Money{Minor: 1999005, Exponent: 2, Currency: "EUR"}, Type: "offer", Delta: "absolute",
					RelativeTo: "msrp", Source: "list",
				},
				PriceComments: "incl. VAT",
				Options: []Option{{
					Name: "Hook", Code: "H1", Stock: "2", Weighting: -50,
					Price: &Price{Money: Money{Minor: 500, Currency: "JPY"}}, Extras: plain("option"),
				}},
				Finance: &Finance{
					Method: "lease", Amounts: []Amount{{Money{Minor: 45050, Exponent: 2, Currency: "USD"}, "monthly", "maximum"}},
					Balance: &Amount{Money: Money{Minor: 12345, Exponent: 3, Currency: "KWD"}, Type: "residual"}, Extras: plain("finance"),
				},
				Comments: "line 1\nline 2\r\n\ttab", Extras: extra("vehicle"),
			}},
			Customer: Customer{
				Contact: contact("iris"), OtherContacts: []Contact{contact("tom")},
				IDs: []ID{{Source: "crm", Value: "77", Where: "customer"}},
				Timeframe: &Timeframe{
					Description: "soon", Earliest: Date{Time: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC), DateOnly: true},
					Latest: Date{Time: time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC)}, Extras: plain("timeframe"),
				},
				Comments: "<b>&amp; ]]> \u2028\u0085 𝒳 עברית", Extras: extra("customer"),
			},
			Vendor: Vendor{
				IDs:  []ID{{Source: "code", Value: "750123X", Where: "vendor"}},
				Name: "Garage de l'Exemple & Fils", URL: "https://garage.example", Contact: contact("vendor"), Extras: extra("vendor"),
			},
			Provider: Provider{
				IDs: []ID{{Source: "p", Value: "9", Where: "provider"}}, Name: "Portal", Service: "Used cars", URL: "https://portal.example",
				Email: "leads@portal.example", Phone: "855-555-0162", Contact: contact("provider"), Extras: extra("provider"),
			},
			Extras: extra("prospect"),
		}},
	}
}

func TestFullDocumentRoundTrips(t *testing.T) {
	t.Parallel()
	doc := full()
	empty := emptyFields(reflect.ValueOf(doc.Prospects[0]), "Prospect")
	about := []string{"Raw", "NameFrom", "Path", "DateOnly", "ZoneKnown", "Limit", "Exponent", "Sequence", "Time", "Preferred", "Attrs", "Children", "Type", "Delta", "RelativeTo", "Source"}
	for _, name := range empty {
		known := false
		for _, suffix := range about {
			known = known || strings.HasSuffix(name, suffix)
		}
		assert.True(t, known, "the sample leaves %s empty", name)
	}
	again := roundTrip(t, doc)
	assert.Empty(t, again.Prospects[0].Vehicles[0].YearRaw)
	for _, w := range again.Warnings {
		assert.Contains(t, []string{WarnUnknownElement, WarnUnknownValue, WarnEmailInvalid}, w.Code, "%+v", w)
	}
}

// emptyFields names the fields of v that are zero.
func emptyFields(v reflect.Value, path string) []string {
	var found []string
	kind := v.Kind()
	switch {
	case v.IsZero():
		return []string{path}
	case kind == reflect.Pointer:
		return emptyFields(v.Elem(), path)
	case kind == reflect.Slice:
		for i := range v.Len() {
			found = append(found, emptyFields(v.Index(i), path)...)
		}
	case kind == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]():
		for i := range v.NumField() {
			found = append(found, emptyFields(v.Field(i), path+"."+v.Type().Field(i).Name)...)
		}
	}
	return found
}

func TestWriteLeavesOutWhatXMLCannotCarry(t *testing.T) {
	t.Parallel()
	doc := &Document{Prospects: []Prospect{{Customer: Customer{
		Contact:  Contact{Full: "I\x00r\x01is"},
		Comments: "a\x0bb\x1fc\uffffd\xffe\tf\ng\rh",
		Extras:   []Extra{{Name: "1bad", Value: "x"}, {Name: "a b", Value: "x"}, {Name: "@x y", Value: "x"}, {Name: "", Value: "x"}, {Name: "a:b", Value: "x"}},
	}}}}
	out, err := Marshal(doc)
	require.NoError(t, err)
	requireWellFormed(t, out)
	again, err := Parse(out, Options{})
	require.NoError(t, err)
	c := again.Prospects[0].Customer
	assert.Equal(t, "Iris", c.Contact.Full)
	assert.Equal(t, "abcd\ufffde\tf\ng\rh", c.Comments)
	assert.Empty(t, c.Extras)
}

func TestElementsComeInTheOrderOfTheDTD(t *testing.T) {
	t.Parallel()
	out, err := Marshal(full())
	require.NoError(t, err)
	at := 0
	for _, tag := range []string{
		`<?xml version="1.0" encoding="UTF-8"?>`, `<?adf version="1.0"?>`, "<adf>", `<prospect status="resend"`, "<id ", "<requestdate>2026-03-29T02:30:00.045+02:00<",
		`<vehicle interest="test-drive" status="used"`, "<year>", "<make>", "<model>", "<vin>", "<stock>", "<trim>", "<doors>", "<bodystyle>", "<transmission>",
		`<odometer status="original" units="km">38450<`, "<condition>", "<colorcombination>", "<imagetag ", "<price ", "<pricecomments>", "<option>", "<finance>",
		"<comments>", "</vehicle>", "<customer", "<contact", "<name ", "<email ", "<phone ", "<address ", "</contact>", "<id ", "<timeframe>", "<comments>",
		"<vendor", "<id ", "<vendorname>", "<url>", "<contact ", "<provider", "<id ", "<name ", "<service>", "<url>", "<email>", "<phone>", "<contact ", "</adf>",
	} {
		n := bytes.Index(out[at:], []byte(tag))
		require.GreaterOrEqual(t, n, 0, "%s is missing behind %s", tag, out[max(0, at-80):at])
		at += n + len(tag)
	}
}

func TestWrittenDocumentsSatisfyXmllint(t *testing.T) {
	t.Parallel()
	tool, err := exec.LookPath("xmllint")
	if err != nil {
		t.Skip("xmllint is not installed; encoding/xml has checked the same documents")
	}
	out, err := Marshal(full())
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), tool, "--noout", "-")
	cmd.Stdin = bytes.NewReader(out)
	message, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", message)
}
