package contacts

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/merge"
	"github.com/rooftop-crm/rooftop/internal/platform/schema"
)

func pointers(c Contact) []string {
	out := []string{}
	for _, f := range append(c.settle(), c.somebody()...) {
		out = append(out, f.Pointer+" "+f.Code)
	}
	return out
}

func nested(levels int) map[string]any {
	m := map[string]any{"leaf": 1.0}
	for range levels - 1 {
		m = map[string]any{"in": m}
	}
	return m
}

func TestSettleNamesEveryFault(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 402)
	many := func(n int) []Email {
		out := make([]Email, n)
		for i := range out {
			out[i] = Email{Address: strings.Repeat("a", i+1) + "@mail.example"}
		}
		return out
	}
	for name, tt := range map[string]struct {
		c    Contact
		want []string
	}{
		"nothing":                             {Contact{}, []string{" required"}},
		"a name is enough":                    {Contact{LastName: "Dupont"}, []string{}},
		"a phone is enough, even a wrong one": {Contact{Phones: []Phone{{Raw: "12"}}}, []string{}},
		"texts": {
			Contact{Civility: long, FirstName: long, LastName: long, FullName: long, CompanyName: long},
			[]string{"/civility too_long", "/first_name too_long", "/last_name too_long", "/full_name too_long", "/company_name too_long"},
		},
		"kind": {Contact{Kind: "robot", LastName: "R2"}, []string{"/kind not_allowed"}},
		"e-mails": {
			Contact{Emails: []Email{{Address: "a@mail.example", Type: "fax", Preferred: true}, {Address: "nobody"}, {Address: "b@mail.example", Preferred: true}}},
			[]string{"/emails/0/type not_allowed", "/emails/1/address email", "/emails/2/preferred not_unique"},
		},
		"too many e-mails": {Contact{Emails: many(MaxEmails + 1)}, []string{"/emails too_many"}},
		"phones": {
			Contact{LastName: "D", Phones: []Phone{{Raw: " "}, {Raw: long}, {Raw: "1", Type: "billing"}}},
			[]string{"/phones/0/raw required", "/phones/1/raw too_long", "/phones/2/type not_allowed"},
		},
		"addresses": {
			Contact{LastName: "D", Addresses: []Address{{Country: "XX", City: long, Lines: []string{"1", long}, Type: "mobile"}}},
			[]string{"/addresses/0/type not_allowed", "/addresses/0/city too_long", "/addresses/0/lines/1 too_long", "/addresses/0/country country"},
		},
		"language": {Contact{LastName: "D", Language: "klingonese"}, []string{"/language language"}},
		"refs": {
			Contact{LastName: "D", ExternalRefs: []kernel.ExternalRef{{Source: "dms"}, {ID: "1"}, {Source: "dms", ID: long}}},
			[]string{"/external_refs/0/id required", "/external_refs/1/source required", "/external_refs/2/id too_long"},
		},
		"tags":            {Contact{LastName: "D", Tags: []string{"ok", long}}, []string{"/tags/1 too_long"}},
		"custom fits":     {Contact{LastName: "D", Custom: nested(schema.MaxDepth)}, []string{}},
		"custom too deep": {Contact{LastName: "D", Custom: nested(schema.MaxDepth + 1)}, []string{"/custom too_deep"}},
		"custom too long": {Contact{LastName: "D", Custom: map[string]any{"a": strings.Repeat("a", schema.MaxBytes)}}, []string{"/custom too_long"}},
		"custom with NUL": {Contact{LastName: "D", Custom: map[string]any{"a": []any{"\x00"}}}, []string{"/custom invalid"}},
	} {
		assert.ElementsMatch(t, tt.want, pointers(tt.c), name)
	}
}

func TestSettleTidies(t *testing.T) {
	t.Parallel()
	c := New{
		FirstName: "  Jean\u00a0\tPierre\x00 ", LastName: "de\nLa Tour\xff", Emails: []Email{{Address: " JEAN@Mail.example "}, {Address: "jean@mail.example", Preferred: true}},
		Phones:    []Phone{{Raw: " 06 12 34 56 78 "}, {Raw: "+33612345678", Type: TypeWork}, {Raw: "poste 12"}, {E164: "+32470123456"}},
		Addresses: []Address{{Lines: []string{" 1 rue ", ""}, Country: "fr"}}, Language: "FR_fr",
		Tags: []string{" vip", "vip", ""}, ExternalRefs: []kernel.ExternalRef{{Source: " dms", ID: "1 "}, {Source: "dms", ID: "1"}},
	}.contact("FR")
	require.Empty(t, c.settle())
	assert.Equal(t, Contact{
		Kind: KindPerson, FirstName: "Jean Pierre", LastName: "de La Tour", FullName: "Jean Pierre de La Tour",
		Emails: []Email{{Address: "jean@mail.example", Type: TypeOther, Preferred: true}},
		Phones: []Phone{
			{Raw: "06 12 34 56 78", E164: "+33612345678", Type: TypeMobile},
			{Raw: "poste 12", Type: TypeOther},
			{Raw: "+32470123456", E164: "+32470123456", Type: TypeMobile},
		},
		Addresses: []Address{{Lines: []string{"1 rue"}, Country: "FR", Type: TypeOther}}, Language: "fr-FR",
		Tags: []string{"vip"}, ExternalRefs: []kernel.ExternalRef{{Source: "dms", ID: "1"}}, Custom: map[string]any{},
	}, c)

	company := New{CompanyName: "Garage du Port"}.contact("")
	require.Empty(t, company.settle())
	assert.Equal(t, KindCompany, company.Kind)
	assert.Equal(t, "Garage du Port", company.FullName)
}

func value[T any](v T) merge.Field[T] { return merge.Field[T]{Set: true, Value: v} }

func null[T any]() merge.Field[T] { return merge.Field[T]{Set: true, Null: true} }

// Every field is sent once alone: it alone changes, and null empties it.
func TestPatchChangesWhatItNames(t *testing.T) {
	t.Parallel()
	owner := kernel.NewID[kernel.UserID]()
	base := New{
		Kind: KindCompany, Civility: "Mme", FirstName: "Hélène", LastName: "Lefèvre", FullName: "Madame Lefèvre", CompanyName: "Garage",
		Emails: []Email{{Address: "a@mail.example"}}, Phones: []Phone{{Raw: "0612345678"}}, Addresses: []Address{{City: "Brest"}}, Language: "fr",
		ExternalRefs: []kernel.ExternalRef{{Source: "dms", ID: "1"}}, Custom: map[string]any{"a": 1.0, "b": 2.0}, Tags: []string{"vip"}, OwnerID: &owner,
	}.contact("FR")
	require.Empty(t, base.settle())
	for field, p := range map[string][2]Patch{
		"kind":          {{Kind: value(KindPerson)}, {}},
		"civility":      {{Civility: value("Dr")}, {Civility: null[string]()}},
		"first_name":    {{FirstName: value("Paul")}, {FirstName: null[string]()}},
		"last_name":     {{LastName: value("Martin")}, {LastName: null[string]()}},
		"full_name":     {{FullName: value("Autre")}, {FullName: null[string]()}},
		"company_name":  {{CompanyName: value("Autre")}, {CompanyName: null[string]()}},
		"emails":        {{Emails: value([]Email{{Address: "b@mail.example"}})}, {Emails: null[[]Email]()}},
		"phones":        {{Phones: value([]Phone{{Raw: "0698765432"}})}, {Phones: null[[]Phone]()}},
		"addresses":     {{Addresses: value([]Address{{City: "Rennes"}})}, {Addresses: null[[]Address]()}},
		"language":      {{Language: value("en")}, {Language: null[string]()}},
		"external_refs": {{ExternalRefs: value([]kernel.ExternalRef{{Source: "dms", ID: "2"}})}, {ExternalRefs: null[[]kernel.ExternalRef]()}},
		"custom":        {{Custom: value(map[string]any{"a": nil, "c": 3.0})}, {Custom: null[map[string]any]()}},
		"tags":          {{Tags: value([]string{"x"})}, {Tags: null[[]string]()}},
		"owner_id":      {{OwnerID: value(kernel.NewID[kernel.UserID]())}, {OwnerID: null[kernel.UserID]()}},
	} {
		for i, patch := range p {
			c := base
			patch.apply(&c, "FR")
			require.Empty(t, c.settle(), field)
			want := []string{field}
			if field == "kind" && i == 1 {
				want = nil
			}
			assert.Equal(t, want, base.Diff(c), "%s %d", field, i)
			twice := c
			patch.apply(&twice, "FR")
			require.Empty(t, twice.settle())
			assert.Empty(t, c.Diff(twice), "%s again", field)
		}
	}
	merged := base
	Patch{Custom: value(map[string]any{"a": nil, "c": 3.0})}.apply(&merged, "")
	assert.Equal(t, map[string]any{"b": 2.0, "c": 3.0}, merged.Custom)
	assert.Equal(t, map[string]any{"a": 1.0, "b": 2.0}, base.Custom)
}

func TestFullNameFollowsTheNamesItWasMadeOf(t *testing.T) {
	t.Parallel()
	c := New{FirstName: "Hélène", LastName: "Lefèvre"}.contact("")
	require.Empty(t, c.settle())
	Patch{LastName: value("Martin")}.apply(&c, "")
	require.Empty(t, c.settle())
	assert.Equal(t, "Hélène Martin", c.FullName)
	Patch{FullName: value("Hélène M.")}.apply(&c, "")
	Patch{LastName: value("Durand")}.apply(&c, "")
	require.Empty(t, c.settle())
	assert.Equal(t, "Hélène M.", c.FullName)
	Patch{FullName: null[string]()}.apply(&c, "")
	require.Empty(t, c.settle())
	assert.Equal(t, "Hélène Durand", c.FullName)
}

func TestPatchedPhonesKeepTheNumberTheyWereReadAs(t *testing.T) {
	t.Parallel()
	c := New{LastName: "D", Phones: []Phone{{Raw: "0470 12 34 56", Type: TypeWork}}}.contact("BE")
	require.Empty(t, c.settle())
	require.Equal(t, "+32470123456", c.Phones[0].E164)
	Patch{Phones: value([]Phone{{Raw: "0470 12 34 56", E164: "+32470123456", Preferred: true}, {Raw: "06 12 34 56 78", E164: "stale"}})}.apply(&c, "FR")
	require.Empty(t, c.settle())
	assert.Equal(t, []Phone{
		{Raw: "0470 12 34 56", E164: "+32470123456", Type: TypeWork, Preferred: true},
		{Raw: "06 12 34 56 78", E164: "+33612345678", Type: TypeMobile},
	}, c.Phones)
}

func TestSearchText(t *testing.T) {
	t.Parallel()
	c := New{
		FirstName: "Hélène", LastName: "DUPONT-LEGRAND", CompanyName: "Œuvre", Emails: []Email{{Address: "h@mail.example"}},
		Phones: []Phone{{Raw: "06 12 34 56 78"}, {Raw: "poste 12"}}, Tags: []string{"Été 2026"},
	}.contact("FR")
	require.Empty(t, c.settle())
	assert.Equal(t, "helene dupont-legrand oeuvre h@mail.example 33612345678 0612345678 12 #ete 2026#", c.SearchText())
}

// Whatever an enquiry says, its person can be kept, and is kept as Check foretells.
func FuzzForgiven(f *testing.F) {
	f.Add("Jean", "Dupont", "jean@mail.example", "06 12 34 56 78", "fr", "FR", "mobile")
	f.Add(strings.Repeat("é", 300), "\x00\xff", "a@b@c", strings.Repeat("1", 200), "xx-YY", "ZZ", "\n")
	f.Fuzz(func(t *testing.T, first, last, address, number, language, country, kind string) {
		p := Person{
			Kind: Kind(kind), Civility: first, FirstName: first, LastName: last, FullName: first + last, CompanyName: last, Language: language,
			Emails:    []Email{{Address: address, Type: Type(kind), Preferred: true}, {Address: "x" + address, Preferred: true}},
			Phones:    []Phone{{Raw: number, Type: Type(kind), Preferred: true}, {Raw: number + "1", Preferred: true}},
			Addresses: []Address{{Lines: []string{first, last}, City: first, Country: country, Type: Type(kind)}}, Region: country,
		}
		c := p.forgiven()
		if wrong := c.settle(); len(wrong) > 0 {
			t.Fatalf("%v", wrong)
		}
		again := c
		again.enrich(c)
		if changed := c.Diff(again); len(changed) > 0 {
			t.Fatalf("a contact can be enriched by itself: %v", changed)
		}
		p.Check()
	})
}
