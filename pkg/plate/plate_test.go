package plate_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/pkg/plate"
)

func TestFrench(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, number string
		series       plate.Series
		department   string
	}{
		{"AA-123-AA", "AA-123-AA", plate.SIV, ""},
		{" ab 123 cd ", "AB-123-CD", plate.SIV, ""},
		{"ab123cd", "AB-123-CD", plate.SIV, ""},
		{"AB–001·ZZ", "AB-001-ZZ", plate.SIV, ""},
		{"ＡＢ-１２３-ＣＤ", "AB-123-CD", plate.SIV, ""},
		{"QQ-999-WW", "QQ-999-WW", plate.SIV, ""},
		{"WW-123-AB", "WW-123-AB", plate.Provisional, ""},
		{"w 123 ab", "W-123-AB", plate.Garage, ""},
		{"123 ABC 75", "123 ABC 75", plate.FNI, "75"},
		{"1234ab69", "1234 AB 69", plate.FNI, "69"},
		{"12-abc-2a", "12 ABC 2A", plate.FNI, "2A"},
		{"456 AB 2B", "456 AB 2B", plate.FNI, "2B"},
		{"1 A 01", "1 A 01", plate.FNI, "01"},
		{"987 XYZ 974", "987 XYZ 974", plate.FNI, "974"},
		{"12 AU 20", "12 AU 20", plate.FNI, "20"},
	} {
		t.Run(c.text, func(t *testing.T) {
			t.Parallel()
			p, err := plate.French(c.text)
			require.NoError(t, err)
			assert.Equal(t, plate.Plate{Series: c.series, Number: c.number, Department: c.department}, p)
		})
	}
}

func TestNotFrench(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text     string
		reason   plate.Reason
		position int
	}{
		{"AI-123-BB", plate.Letter, 2},
		{"AA-123-OB", plate.Letter, 6},
		{"UA-123-BB", plate.Letter, 1},
		{"W-123-UB", plate.Letter, 5},
		{"SS-123-AA", plate.Combination, 1},
		{"AA-123-SS", plate.Combination, 6},
		{"AA-000-BB", plate.Serial, 3},
		{"012 ABC 75", plate.Serial, 1},
		{"123 AIC 75", plate.Letter, 5},
		{"123 ABC 96", plate.Department, 7},
		{"123 ABC 00", plate.Department, 7},
		{"123 ABC 979", plate.Department, 7},
		{"123 ABC +5", plate.Department, 7},
		{"1234 ABC 75", plate.Form, 0},
		{"123 ABC", plate.Form, 0},
		{"", plate.Form, 0},
		{"B-AB 1234", plate.Form, 0},
		{"A-123-BB", plate.Form, 0},
		{"AA-12-BB", plate.Form, 0},
		{"AA-123-B1", plate.Form, 0},
		{"12345 A 75", plate.Form, 0},
	} {
		t.Run(c.text, func(t *testing.T) {
			t.Parallel()
			_, err := plate.French(c.text)
			var why *plate.Error
			require.ErrorAs(t, err, &why)
			assert.Equal(t, c.reason, why.Reason)
			assert.Equal(t, c.position, why.Position)
			assert.NotEmpty(t, why.Error())
		})
	}
}

func TestNormaliseKeepsOthers(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "AB-123-CD", plate.Normalise("ab123cd", "fr"))
	assert.Equal(t, "ab123cd", plate.Normalise(" ab123cd ", "IT"), "Italian plates have no dash")
	assert.Equal(t, "B-AB 1234", plate.Normalise("B-AB 1234", "FR"), "a German car in a French lead")
}

func FuzzFrench(f *testing.F) {
	for _, s := range []string{"", "AB-123-CD", "123 ABC 75", "1A2A", "w123ab", "ＡＢ-１２３-ＣＤ", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := plate.French(text)
		if err != nil {
			var why *plate.Error
			if !errors.As(err, &why) || p != (plate.Plate{}) || why.Error() == "" {
				t.Fatalf("%q: %v, %v", text, p, err)
			}
			return
		}
		for _, form := range []string{p.Number, p.Key()} {
			if again, err := plate.French(form); err != nil || again != p {
				t.Fatalf("%q became %v, then %v (%v)", text, p, again, err)
			}
		}
	})
}
