package fold_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"

	"github.com/rooftop-crm/rooftop/internal/platform/fold"
)

func TestText(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"":                                 "",
		"  ":                               "",
		"dupont":                           "dupont",
		"DUPONT-LEGRAND":                   "dupont-legrand",
		"Lefèvre":                          "lefevre",
		"Lefe\u0300vre":                    "lefevre",
		"LEFÈVRE":                          "lefevre",
		" Jean \t  de\u00a0La\u202fTour\n": "jean de la tour",
		"Cœur d’Ålesund":                   "coeur d'alesund",
		"Straße ÆSIR Œuvre ẞ":              "strasse aesir oeuvre ss",
		"Łukasz Đorđe Søren Þór":           "lukasz dorde soren thor",
		"İstanbul ılık":                    "istanbul ilik",
		"ﬁancé ﬂeur":                       "fiance fleur",
		"ＡＢＣ１２３":                           "abc123",
		"L´Hôpital L`Hôpital":              "l'hopital l'hopital",
		"Jean–Pierre Jean‑Luc":             "jean-pierre jean-luc",
		"«Ça»":                             `"ca"`,
		"soft\u00adhyphen\u200b":           "softhyphen",
		"nul\x00byte":                      "nul byte",
		"bad\xffbyte":                      "badbyte",
		"ΟΔΥΣΣΕΎΣ":                         "οδυσσευσ",
		"Жуков Й":                          "жуков и",
		"№ 12²":                            "no 122",
		"trailing ":                        "trailing",
		"two  spaces":                      "two spaces",
	}
	for in, want := range tests {
		assert.Equal(t, want, fold.Text(in), "%q", in)
	}
}

func TestTextOfEveryRuneIsStable(t *testing.T) {
	t.Parallel()
	for r := rune(0); r <= unicode.MaxRune; r++ {
		once := fold.Text("a" + string(r) + "b")
		if twice := fold.Text(once); twice != once {
			t.Fatalf("%U: %q then %q", r, once, twice)
		}
		if strings.ContainsRune(once, 0) || !utf8.ValidString(once) {
			t.Fatalf("%U: %q is not good for a text column", r, once)
		}
	}
}

func TestTextDoesNotAllocateForFoldedText(t *testing.T) {
	assert.Zero(t, testing.AllocsPerRun(100, func() { fold.Text("jean dupont-legrand jean@mail.example 0612345678") }))
}

func TestTerms(t *testing.T) {
	t.Parallel()
	tests := map[string][]string{
		"":                              nil,
		" - ":                           nil,
		"dupont 06 12":                  {"dupont", "0612"},
		"06 12 dupont":                  {"0612", "dupont"},
		"06 12 34":                      {"061234"},
		"06.12.34.56.78":                {"0612345678"},
		"06-12-34":                      {"061234"},
		"06\u00a012":                    {"0612"},
		"12 34 56":                      {"123456"},
		"6 12 34":                       {"61234"},
		"(212) 555-0142":                {"2125550142"},
		"+33 6 12":                      {"33612"},
		"+33612":                        {"33612"},
		"+33 (0)6 12":                   {"33612"},
		"+33(0)612":                     {"33612"},
		"+33 06 12":                     {"33612"},
		"0033 6 12":                     {"33612"},
		"00 33 6 12":                    {"33612"},
		"0033612":                       {"33612"},
		"0033 (0)6 12":                  {"33612"},
		"+39 06 1234":                   {"39061234"},
		"+33":                           {"33"},
		"0012":                          {"0012"},
		"00 12":                         {"0012"},
		"DUPONT-LEGRAND":                {"dupont", "legrand"},
		"dupont legrand":                {"dupont", "legrand"},
		"lefèvre":                       {"lefevre"},
		"d’Angelo":                      {"d", "angelo"},
		"Jean.Dupont@Mail.example 0612": {"jean.dupont@mail.example", "0612"},
		"<jean@mail.example>,":          {"jean@mail.example"},
		"06.dupont@mail.example":        {"06.dupont@mail.example"},
		"AB-123-CD":                     {"ab", "123", "cd"},
		"ab123cd":                       {"ab123cd"},
		"75001 Paris":                   {"75001", "paris"},
		"12 rue, 75001":                 {"12", "rue", "75001"},
		"75001 2019":                    {"75001", "2019"},
		"clio 1.6":                      {"clio", "1", "6"},
		"dupont dupont Dupont":          {"dupont"},
		"50% off_er":                    {"50", "off", "er"},
		"a+b":                           {"a", "b"},
		"+":                             {},
	}
	for q, want := range tests {
		assert.ElementsMatch(t, want, fold.Terms(q), "%q", q)
		if len(want) > 0 {
			assert.Equal(t, want, fold.Terms(q), "%q", q)
		}
	}
	assert.Len(t, fold.Terms(strings.Repeat("a1 b2 c3 d4 e5 f6 g7 h8 i9 j1 k2 l3 m4 n5 ", 3)), fold.MaxTerms)
}

// What a search must find, and what it must not, in the text a store would keep.
func TestTermsFindStoredText(t *testing.T) {
	t.Parallel()
	stored := fold.Text("Hélène DUPONT-LEGRAND Lefèvre O’Neil helene@Mail.example") + " 33612345678 0612345678 ab-123-cd"
	finds := func(q string) bool {
		for _, term := range fold.Terms(q) {
			if !strings.Contains(stored, term) {
				return false
			}
		}
		return true
	}
	for _, q := range []string{
		"dupont legrand", "dupont-legrand", "Legrand Dupont", "lefevre", "lefèvre", "LEFÈVRE", "dupont 06 12", "06 12 34 56 78",
		"0612", "34 56", "56 78", "345 678", "+33 6 12", "+33 6 12 34 56 78", "0033 6 12 34", "+33 (0)6 12 34 56 78", "+33 06 12",
		"612345678", "6 12 34 56 78", "helene@mail", "HELENE@MAIL.EXAMPLE", "o'neil", "o’neil", "AB-123-CD", "ab 123", "hél",
	} {
		assert.True(t, finds(q), "%q: %q", q, fold.Terms(q))
	}
	for _, q := range []string{"dupond", "06 13", "+32 6 12", "martin 06 12", "helene@other.example"} {
		assert.False(t, finds(q), "%q: %q", q, fold.Terms(q))
	}
}

func TestLike(t *testing.T) {
	t.Parallel()
	assert.Equal(t, `%dupont%`, fold.Like("dupont"))
	assert.Equal(t, `%50\%\_\\x%`, fold.Like(`50%_\x`))
	assert.Equal(t, `%%`, fold.Like(""))
	assert.Equal(t, `li%`, fold.Like("li"), "the beginning of a word")
	assert.Equal(t, `%##%`, fold.Like("##"))
}

func TestEmail(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"jean@mail.example":                         "jean@mail.example",
		"  Jean.Dupont@Mail.EXAMPLE\u00a0":          "jean.dupont@mail.example",
		"mailto:jean@mail.example":                  "jean@mail.example",
		"jean@mail.example.":                        "jean@mail.example",
		"\u200bjean@mail.example\ufeff":             "jean@mail.example",
		"j.e.a.n+tag@mail.example":                  "j.e.a.n+tag@mail.example",
		"jean@Müller.example":                       "jean@xn--mller-kva.example",
		"jean@mu\u0308ller.example":                 "jean@xn--mller-kva.example",
		"HE\u0301LE\u0300NE@mail.example":           "hélène@mail.example",
		"":                                          "",
		"jean":                                      "",
		"@mail.example":                             "",
		"jean@":                                     "",
		"jean@localhost":                            "",
		"jean dupont@mail.example":                  "",
		"jean@mail .example":                        "",
		"jean@mail..example":                        "",
		"jean@.example":                             "",
		"a@mail.example,b@mail.example":             "",
		"Jean <jean@mail.example>":                  "",
		"a@b@mail.example":                          "",
		"jean\x00@mail.example":                     "",
		"\xff@mail.example":                         "",
		strings.Repeat("a", 65) + "@mail.example":   "",
		"a@" + strings.Repeat("a", 64) + ".example": "",
	}
	for in, want := range tests {
		got, ok := fold.Email(in)
		assert.Equal(t, want, got, "%q", in)
		assert.Equal(t, want != "", ok, "%q", in)
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"Lefèvre", "ẞ œ \xff", "´`’", "İ\u0307", "\u1100\u1161", "a\u0301\u0300 b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := fold.Text(s)
		if twice := fold.Text(once); twice != once {
			t.Fatalf("%q: %q then %q", s, once, twice)
		}
		if !utf8.ValidString(once) || strings.ContainsRune(once, 0) || strings.TrimSpace(once) != once || strings.Contains(once, "  ") {
			t.Fatalf("%q gives %q", s, once)
		}
	})
}

func FuzzTerms(f *testing.F) {
	for _, s := range []string{"dupont 06 12", "+33 (0)6 12", "00 33 6", "a@b 06", "(1) 2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, q string) {
		terms := fold.Terms(q)
		if len(terms) > fold.MaxTerms {
			t.Fatalf("%d terms", len(terms))
		}
		for _, term := range terms {
			if term == "" || strings.Contains(term, " ") || fold.Text(term) != term {
				t.Fatalf("%q gives term %q", q, term)
			}
		}
	})
}

func FuzzEmail(f *testing.F) {
	for _, s := range []string{"Jean@Müller.example", "mailto:mailto:a@b.example", "İ@b.example", "a@xn--mller-kva.example"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := fold.Email(s)
		if ok != (got != "") {
			t.Fatalf("%q: %q, %v", s, got, ok)
		}
		if again, stays := fold.Email(got); ok && (!stays || again != got) {
			t.Fatalf("%q: %q then %q", s, got, again)
		}
	})
}

func BenchmarkText(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		fold.Text("Hélène DUPONT-LEGRAND Lefèvre")
	}
}

func BenchmarkTerms(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		fold.Terms("Lefèvre 06 12 34")
	}
}
