package adf

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// parseOne reads a document that holds one prospect.
func parseOne(t *testing.T, data string, opts Options) (*Prospect, *Document) {
	t.Helper()
	doc, err := Parse([]byte(data), opts)
	require.NoError(t, err)
	require.Len(t, doc.Prospects, 1)
	roundTrip(t, doc)
	return &doc.Prospects[0], doc
}

// iris is the customer of the documents below.
const iris = `<customer><contact><name part="first">Iris</name><name part="last">Falk</name><email>iris@example.com</email></contact></customer>`

func TestWrappings(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, data, code string }{
		{"blank lines before the prolog", "\n\n  <?xml version=\"1.0\"?><adf><prospect>" + iris + "</prospect></adf>", WarnProlog},
		{"instructions without equals sign", "<?XML VERSION \"1.0\"?><?ADF VERSION \"1.0\"?><adf><prospect>" + iris + "</prospect></adf>", WarnProlog},
		{"instruction that ends in >", "<?adf version=\"1.0\"><adf><prospect>" + iris + "</prospect></adf>", ""},
		{"version 1.1", "<?xml version=\"1.1\"?><adf><prospect>" + iris + "</prospect></adf>", ""},
		{"capitals", "<ADF><Prospect><CUSTOMER><Contact><Name PART=\"FIRST\">Iris</Name><name part=\"Last\">Falk</name><EMail>iris@example.com</EMail></Contact></CUSTOMER></Prospect></ADF>", ""},
		{"namespace prefix", `<adf:adf xmlns:adf="urn:x"><adf:prospect>` + iris + "</adf:prospect></adf:adf>", ""},
		{"undeclared prefix", "<a:adf><a:prospect>" + iris + "</a:prospect></a:adf>", ""},
		{"no adf element", "<prospect>" + iris + "</prospect>", ""},
		{"no prospect element", "<adf>" + iris + "</adf>", WarnMisplaced},
		{"inside of another root", "<leads><adf><prospect>" + iris + "</prospect></adf></leads>", ""},
		{"inside of unknown elements", "<adf><batch><prospect><data><lead>" + iris + "</lead></data></prospect></batch></adf>", WarnMisplaced},
		{"prose around", "Dear dealer, 3 < 5 & so on:\n<adf><prospect>" + iris + "</prospect></adf>\n-- \nBest <regards>", ""},
		{"end tag of adf missing", "<adf><prospect>" + iris + "</prospect>\n", WarnUnclosed},
		{"end tag of adf cut", "<adf><prospect>" + iris + "</prospect></ad", WarnUnclosed},
		{"end tag of prospect missing", "<adf><prospect>" + iris + "</adf>", WarnUnclosed},
		{"unquoted attributes", `<adf><prospect status=new><customer><contact><name part=first>Iris</name><name part=last>Falk</name><email>iris@example.com</email></contact></customer></prospect></adf>`, ""},
		{"quote never closed", `<adf><prospect status="new><id>1</id>` + iris + "</prospect></adf>", ""},
		{"stray words", "<adf><prospect>{" + iris + "LOCALIDAD</prospect></adf>", WarnStrayText},
		{"crossed end tags", "<adf><prospect><customer><contact><name part=\"first\">Iris</name><name part=\"last\">Falk</name><email>iris@example.com</contact></email></customer></prospect></adf>", WarnStrayEnd},
		{"utf-16 big endian without mark", string(utf16be("<adf><prospect>" + iris + "</prospect></adf>")), ""},
		{"declared utf-16 but bytes", `<?xml version="1.0" encoding="utf-16"?><adf><prospect>` + iris + "</prospect></adf>", ""},
		{"charset nobody knows", `<?xml version="1.0" encoding="x-nonsense"?><adf><prospect>` + iris + "</prospect></adf>", WarnCharsetUnknown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, doc := parseOne(t, tt.data, Options{})
			c := p.Customer.Contact
			assert.Equal(t, "Iris", c.First)
			assert.Equal(t, "Falk", c.Last)
			assert.Equal(t, []Email{{Address: "iris@example.com"}}, c.Emails)
			if tt.code != "" {
				assert.Contains(t, codes(doc), tt.code)
			}
		})
	}
}

func utf16be(s string) []byte {
	var b []byte
	for i := range len(s) {
		b = append(b, 0, s[i])
	}
	return b
}

func TestText(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want, code string }{
		{"HTML entities", "caf&eacute;&nbsp;&euro;", "café\u00a0€", ""},
		{"bare ampersand", "R&D & more", "R&D & more", WarnBareAmpersand},
		{"query string", "?a=1&copy=2", "?a=1&copy=2", WarnBareAmpersand},
		{"entity of a DTD", "&xxe;", "&xxe;", WarnUnknownEntity},
		{"emoji as surrogates", "&#55357;&#56842;", "😊", ""},
		{"references in Windows-1252", "it&#146;s", "it’s", ""},
		{"forbidden reference", "a&#11;b&#0;c", "abc", WarnControlChars},
		{"control characters", "a\x0bb\x01", "ab", WarnControlChars},
		{"line ends", "a\r\nb\rc", "a\nb\nc", ""},
		{"carriage return by reference", "a&#13;b", "a\rb", ""},
		{"unclosed break", "a<br>b", "a<br>b", WarnInlineMarkup},
		{"paragraphs", "<p>a</p><p>b</p>", "<p>a</p><p>b</p>", WarnInlineMarkup},
		{"less-than", "wants < 5 years <3", "wants < 5 years <3", WarnBareLess},
		{"address in angles", "from <jo@example.com>", "from <jo@example.com>", WarnBareLess},
		{"CDATA with markup", "<![CDATA[<b>x</b> &amp;]]>", "<b>x</b> &amp;", ""},
		{"XML comment inside", "a<!-- no -->b", "ab", ""},
		{"placeholder", "N/A", "", WarnPlaceholder},
		{"escaped twice", "O&amp;#39;Casey", "O&#39;Casey", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, doc := parseOne(t, lead(tt.in), Options{})
			assert.Equal(t, tt.want, p.Customer.Comments)
			if tt.code != "" {
				assert.Contains(t, codes(doc), tt.code)
			}
		})
	}
	doc, err := Parse([]byte(lead("O&amp;#39;Casey")), Options{Unescape: true})
	require.NoError(t, err)
	assert.Equal(t, "O'Casey", doc.Prospects[0].Customer.Comments)
	assert.Contains(t, codes(doc), WarnDoubleEscaped)
}

func TestCharsets(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, data, transport, want, charset string }{
		{"latin-1 unlabelled", lead("d\xe9j\xe0"), "", "déjà", "windows-1252"},
		{"latin-1 by transport", lead("d\xe9j\xe0"), "ISO-8859-1", "déjà", "windows-1252"},
		{"utf-8 labelled latin-1", lead("déjà"), "iso-8859-1", "déjà", "utf-8"},
		{"latin-9", lead("\xa4"), "iso-8859-15", "€", "iso-8859-15"},
		{"cyrillic", lead("\xc4\xe0"), "windows-1251", "Да", "windows-1251"},
		{"mostly utf-8", lead("déjà vu \xe9"), "", "déjà vu é", "utf-8"},
		{"declaration wins", `<?xml version="1.0" encoding='windows-1251' ?>` + lead("\xc4\xe0"), "utf-8", "Да", "windows-1251"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, doc := parseOne(t, tt.data, Options{Charset: tt.transport})
			assert.Equal(t, tt.want, p.Customer.Comments)
			assert.Equal(t, tt.charset, doc.Charset)
		})
	}
}

func TestPartsInUnusualPlaces(t *testing.T) {
	t.Parallel()
	p, doc := parseOne(t, `<adf><vendor><vendorname>Garage Nord</vendorname></vendor>
		<prospect><trade><vehicle><make>Opel</make></vehicle></trade><vehicle interest="buy"><make>Kia</make></vehicle>
		<comment>Call me</comment><customer><contact><firstname>Iris</firstname><cellphone>06 39 98 00 01</cellphone>
		<phone type="Mobile">06 39 98 00 02</phone><phone type="martian">1</phone><id source="crm">77</id>
		<timeframe>in spring</timeframe></contact></customer></prospect><provider><name>Portal</name></provider></adf>`, Options{})
	assert.Equal(t, "Garage Nord", p.Vendor.Name)
	assert.Equal(t, "Portal", p.Provider.Name)
	assert.Equal(t, "Call me", p.Customer.Comments)
	assert.Equal(t, "Iris", p.Customer.Contact.First)
	require.Len(t, p.Vehicles, 2)
	assert.True(t, p.Vehicles[0].HandedIn())
	assert.Equal(t, 1, p.Primary())
	assert.Equal(t, []ID{{Source: "crm", Value: "77", Where: "customer"}}, p.Customer.IDs)
	assert.Equal(t, "in spring", p.Customer.Timeframe.Description)
	phones := p.Customer.Contact.Phones
	assert.Equal(t, Phone{Raw: "06 39 98 00 01", Type: PhoneCell}, phones[0])
	assert.Equal(t, Phone{Raw: "06 39 98 00 02", Type: PhoneCell, TypeRaw: "Mobile"}, phones[1])
	assert.Equal(t, Phone{Raw: "1", TypeRaw: "martian"}, phones[2])
	assert.Subset(t, codes(doc), []string{WarnMisplaced, WarnAlias, WarnUnknownValue})
	for _, w := range doc.Warnings {
		if w.Code == WarnUnknownValue {
			assert.Equal(t, "/adf/prospect/customer/contact/phone[2]", w.Path)
		}
	}
}

func TestVehicleValues(t *testing.T) {
	t.Parallel()
	p, doc := parseOne(t, `<adf><prospect>
		<vehicle interest="Trade In" status="CPO" certified="yes"><year>2015-2018</year><make>null</make><model>Golf</model>
		<vin>wvwzzz1kz6w000001</vin><stock_number>S1</stock_number><odometer><value>45,200</value><units>miles</units></odometer>
		<price>15 k€</price><color>Red</color><partner-score value="hot">97</partner-score></vehicle>
		<vehicle interest="rent"><vin>SHORT</vin><mileage>12 500 km</mileage><price type="call">Call for price</price>
		<finance><method>Lease</method><amount type="monthly" limit="maximum" currency="USD">$450.50</amount><balance type="residual">12000</balance></finance>
		<colorcombination><interiorcolor>Black</interiorcolor></colorcombination><imagetag width="640">https://img.example/1.jpg</imagetag>
		<option><optionname>Sunroof</optionname><weighting>-50</weighting></option></vehicle>
		<vehicle interest="buy" status="used"><vin></vin><make>N/A</make></vehicle>`+iris+`</prospect></adf>`, Options{})
	require.Len(t, p.Vehicles, 2)
	v := p.Vehicles[0]
	assert.Equal(t, InterestTradeIn, v.Interest)
	assert.Equal(t, VehicleUsed, v.Status)
	assert.Equal(t, "CPO", v.StatusRaw)
	assert.Equal(t, "2015-2018", v.YearRaw)
	assert.Empty(t, v.Make)
	assert.Equal(t, "WVWZZZ1KZ6W000001", v.VIN)
	assert.Equal(t, "S1", v.Stock)
	assert.Equal(t, &Odometer{Raw: "45,200", Value: 45200, Units: "mi"}, v.Odometer)
	assert.Equal(t, Money{Raw: "15 k€", Minor: 1500000, Exponent: 2, Currency: "EUR"}, v.Price.Money)
	assert.Equal(t, []Color{{Exterior: "Red"}}, v.Colors)
	assert.Equal(t, []Extra{{Name: "@certified", Value: "yes"}, {Name: "partner-score", Value: "97", Attrs: []Attr{{"value", "hot"}}}}, v.Extras)
	v = p.Vehicles[1]
	assert.Equal(t, "rent", v.InterestRaw)
	assert.Equal(t, "SHORT", v.VINRaw)
	assert.Equal(t, &Odometer{Raw: "12 500 km", Value: 12500, Units: "km"}, v.Odometer)
	assert.Equal(t, "call", v.Price.Type)
	assert.Zero(t, v.Price.Minor)
	assert.Equal(t, Amount{Money: Money{Raw: "$450.50", Minor: 45050, Exponent: 2, Currency: "USD"}, Type: "monthly", Limit: "maximum"}, v.Finance.Amounts[0])
	assert.Equal(t, "residual", v.Finance.Balance.Type)
	assert.Equal(t, -50, v.Options[0].Weighting)
	assert.Equal(t, 640, v.Images[0].Width)
	assert.Subset(t, codes(doc), []string{WarnVehicleEmpty, WarnVIN, WarnYear, WarnPlaceholder, WarnCurrencyGuessed, WarnNumberGuessed, WarnNumber, WarnUnknownElement})
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in   string
		want int64 // minor units
		ok   bool
	}{
		{"24850", 2485000, true},
		{"19 990,00", 1999000, true},
		{"19.990,00", 1999000, true},
		{"19,990.00", 1999000, true},
		{"1'234.50", 123450, true},
		{"24\u202f995 €", 2499500, true},
		{"$7,925", 792500, true},
		{"142.300", 14230000, true},
		{"1.234.567", 123456700, true},
		{"12.5", 1250, true},
		{"0.005", 1, true},
		{"0.00", 0, true},
		{"24.995,-", 2499500, true},
		{"15k", 1500000, true},
		{"USD 100", 10000, true},
		{"call", 0, false},
		{"10-20", 0, false},
		{"99999999999999999999", 0, false},
	}
	for _, tt := range tests {
		d, _, ok := parseDecimal(tt.in, 2)
		require.Equal(t, tt.ok, ok, tt.in)
		if ok {
			got, fits := d.scaled(2)
			require.True(t, fits)
			assert.Equal(t, tt.want, got, tt.in)
		}
	}
	assert.Equal(t, "19990.05", Money{Minor: 1999005, Exponent: 2}.String())
	assert.Equal(t, "0.05", Money{Minor: 5, Exponent: 2}.String())
	assert.Equal(t, "-1.500", Money{Minor: -1500, Exponent: 3}.String())
	assert.Equal(t, "500", Money{Minor: 500}.String())
}

func TestDates(t *testing.T) {
	t.Parallel()
	paris, err := time.LoadLocation("Europe/Paris")
	require.NoError(t, err)
	received := time.Date(2024, 6, 3, 15, 0, 0, 0, time.UTC)
	tests := []struct {
		in, want, code string
		opts           Options
	}{
		{"2003-07-21T16:05:09-05:00", "2003-07-21T21:05:09Z", "", Options{}},
		{"2026-02-27T09:30:15+0000", "2026-02-27T09:30:15Z", "", Options{}},
		{"2025-09-03T11:28:21.045-03:00", "2025-09-03T14:28:21.045Z", "", Options{}},
		{"2004-11-03T10:45:00-08:0", "2004-11-03T18:45:00Z", WarnDateGuessed, Options{}},
		{"2009-03-17T8:47:50", "2009-03-17T07:47:50Z", "", Options{DefaultZone: paris}},
		{"2026-02-19 16:53:20", "2026-02-19T16:53:20Z", "", Options{}},
		{"06/25/2008", "2008-06-25T00:00:00Z", "", Options{}},
		{"25/06/2008 3:04 PM", "2008-06-25T15:04:00Z", "", Options{}},
		{"06/03/2024", "", WarnDateAmbiguous, Options{}},
		{"06/03/2024", "2024-06-03T00:00:00Z", "", Options{DateOrder: MonthFirst}},
		{"06/03/2024", "2024-03-06T00:00:00Z", "", Options{DateOrder: DayFirst}},
		{"06/03/2024", "2024-06-03T00:00:00Z", WarnDateAmbiguous, Options{ReceivedAt: received}},
		{"03.06.2024", "2024-06-03T00:00:00Z", "", Options{}},
		{"2008-25-06", "2008-06-25T00:00:00Z", WarnDateGuessed, Options{}},
		{"2024/6/3 07:05", "2024-06-03T07:05:00Z", "", Options{}},
		{"20240603T070500Z", "2024-06-03T07:05:00Z", "", Options{}},
		{"1717398300", "2024-06-03T07:05:00Z", WarnDateGuessed, Options{}},
		{"1717398300000", "2024-06-03T07:05:00Z", WarnDateGuessed, Options{}},
		{"/Date(1717398300000)/", "2024-06-03T07:05:00Z", WarnDateGuessed, Options{}},
		{"Mon, 03 Jun 2024 07:05:00 +0200", "2024-06-03T05:05:00Z", "", Options{}},
		{"June 3, 2024 7:05 am", "2024-06-03T07:05:00Z", "", Options{}},
		{"3 août 2024", "2024-08-03T00:00:00Z", "", Options{}},
		{"3-Jun-2024", "2024-06-03T00:00:00Z", "", Options{}},
		{"2024-06-03T07:05:00 EST", "2024-06-03T12:05:00Z", WarnDateGuessed, Options{}},
		{"2024-06-03T07:05:00+02:00[Europe/Paris]", "2024-06-03T05:05:00Z", "", Options{}},
		{"2024-06-03T24:00:00Z", "2024-06-04T00:00:00Z", "", Options{}},
		{"2024-06-03T07:05:00+99:00", "2024-06-03T07:05:00Z", WarnDateGuessed, Options{}},
		{"2024-02-30", "", WarnDateUnreadable, Options{}},
		{"0001-01-01T00:00:00Z", "", WarnDateUnreadable, Options{}},
		{"yesterday", "", WarnDateUnreadable, Options{}},
		{"", "", WarnDateUnreadable, Options{}},
	}
	for _, tt := range tests {
		d, note := parseDate(tt.in, tt.opts)
		got := ""
		if !d.Time.IsZero() {
			got = d.Time.UTC().Format(time.RFC3339Nano)
		}
		assert.Equal(t, tt.want, got, tt.in)
		assert.Equal(t, tt.code, note.code, tt.in)
		assert.Equal(t, tt.in, d.Raw)
	}
}

func TestSplitName(t *testing.T) {
	t.Parallel()
	tests := []struct{ full, first, last string }{
		{"Ilse Brandt", "Ilse", "Brandt"},
		{"Anne de La Tour", "Anne", "de La Tour"},
		{"Marie Le Goff", "Marie", "Le Goff"},
		{"Jan van der Berg", "Jan", "van der Berg"},
		{"Paul d'Arville", "Paul", "d'Arville"},
		{"Luis Ortega y Vidal", "Luis", "Ortega y Vidal"},
		{"BRANDT, Ilse", "Ilse", "BRANDT"},
		{"Brandt, Mme Ilse", "Ilse", "Brandt"},
		{"DE LA TOUR Anne", "Anne", "DE LA TOUR"},
		{"Jean Pierre MARTEL DUVAL", "Jean Pierre", "MARTEL DUVAL"},
		{"ILSE BRANDT", "ILSE", "BRANDT"},
		{"Mme Ilse Brandt", "Ilse", "Brandt"},
		{"M. Brandt", "", "Brandt"},
		{"Madame", "Madame", ""},
		{"Ilse", "Ilse", ""},
		{"John Brandt Jr.", "John", "Brandt Jr."},
		{"John Brandt, Jr.", "John", "Brandt, Jr."},
		{"Dana Test-Lindqvist", "Dana", "Test-Lindqvist"},
		{"Boyd Ranch & Sons", "", "Boyd Ranch & Sons"},
		{"Nordwind Autos GmbH", "", "Nordwind Autos GmbH"},
		{"  ", "", ""},
	}
	for _, tt := range tests {
		first, last := SplitName(tt.full)
		assert.Equal(t, [2]string{tt.first, tt.last}, [2]string{first, last}, tt.full)
	}
}

func TestEmails(t *testing.T) {
	t.Parallel()
	p, _ := parseOne(t, `<prospect><customer><contact><email>a@b.example; c@d.example</email><email>Jo &lt;jo@example.com&gt;</email>
		<email>mailto:x@y.example</email><email>nonsense</email><email preferredcontact="1">J.O'Neil+x@exämple.com</email></contact></customer></prospect>`, Options{})
	var got []string
	for _, e := range p.Customer.Contact.Emails {
		got = append(got, e.Address)
	}
	assert.Equal(t, []string{"a@b.example", "c@d.example", "jo@example.com", "x@y.example", "J.O'Neil+x@exämple.com"}, got)
	assert.True(t, p.Customer.Contact.Emails[4].Preferred)
	assert.Equal(t, []string{"nonsense"}, p.Customer.Contact.InvalidEmails)
	for _, bad := range []string{"", "a", "@b.c", "a@", "a@b", "a@b..c", "a b@c.d", "a@b@c.d", ".a@b.c", "a@-b.c"} {
		assert.False(t, ValidEmail(bad), bad)
	}
}

func TestPlaceholdersAndNames(t *testing.T) {
	t.Parallel()
	p, _ := parseOne(t, `<prospect><customer><contact><name part="first">Na</name><name part="last">null</name><phone>N/A</phone>
		<phone>303-555-0111</phone><email>Not specified</email></contact></customer><vendor><vendorname>Unknown</vendorname></vendor></prospect>`, Options{})
	c := p.Customer.Contact
	assert.Equal(t, "Na", c.First)
	assert.Empty(t, c.Last)
	assert.Empty(t, c.Emails)
	assert.Empty(t, c.InvalidEmails)
	assert.Len(t, c.Phones, 1)
	assert.Empty(t, p.Vendor.Name)
}

func TestSeveralDocumentsAndSharedWarnings(t *testing.T) {
	t.Parallel()
	one := "<adf><prospect>" + iris + "<vehicle><make>A & B</make></vehicle></prospect><prospect status='resend'>" + iris + "</prospect></adf>"
	doc, err := Parse([]byte(one+"\n--\n"+one), Options{})
	require.NoError(t, err)
	require.Len(t, doc.Prospects, 4)
	assert.Equal(t, StatusResend, doc.Prospects[1].Status)
	doc, err = Parse([]byte(one), Options{})
	require.NoError(t, err)
	assert.Len(t, doc.WarningsOf(0), 1)
	assert.Empty(t, doc.WarningsOf(1))
}

func TestIDRef(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "40217", ID{Sequence: "1", Value: "40217"}.Ref())
	assert.Equal(t, "118", ID{Sequence: "118"}.Ref())
	assert.Equal(t, "uniqueLeadId", ID{Sequence: "uniqueLeadId"}.Ref())
	assert.Empty(t, ID{Sequence: "1"}.Ref())
}

func TestPersonName(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in          Contact
		first, last string
	}{
		{Contact{First: "Iris", Last: "Falk", Full: "Dr Iris Falk"}, "Iris", "Falk"},
		{Contact{First: "Iris van Falk"}, "Iris", "van Falk"},
		{Contact{First: "Iris", Full: "Iris Falk"}, "Iris", ""},
		{Contact{Full: "FALK Iris"}, "Iris", "FALK"},
		{Contact{Full: "Falk Autos", Business: true}, "", ""},
	} {
		first, last := tt.in.PersonName()
		assert.Equal(t, [2]string{tt.first, tt.last}, [2]string{first, last})
	}
}

func TestOtherContactsNeverReplaceTheFirst(t *testing.T) {
	t.Parallel()
	p, _ := parseOne(t, `<prospect><customer><contact><name part="full">Iris Falk</name><email>iris@example.com</email></contact>
		<contact primarycontact="1"><name part="full">Tom Falk</name><phone>303-555-0111</phone></contact></customer></prospect>`, Options{})
	assert.Equal(t, "Iris Falk", p.Customer.Contact.Full)
	assert.Empty(t, p.Customer.Contact.Phones)
	require.Len(t, p.Customer.OtherContacts, 1)
	assert.Equal(t, "Tom Falk", p.Customer.OtherContacts[0].Full)
	assert.True(t, p.Customer.OtherContacts[0].Primary)
}
