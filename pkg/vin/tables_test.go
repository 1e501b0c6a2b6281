package vin

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestMakersAreSortedOnceEach(t *testing.T) {
	t.Parallel()
	assert.True(t, slices.IsSortedFunc(makers, func(a, b maker) int { return strings.Compare(a.wmi, b.wmi) }))
	for i, m := range makers {
		assert.True(t, wellFormed(m.wmi+"ZZZZZZZZZZ0000"), m.wmi)
		assert.NotEqual(t, byte('9'), m.wmi[2], "%s is a range of small makers", m.wmi)
		assert.NotEmpty(t, m.name)
		assert.True(t, i == 0 || makers[i-1].wmi != m.wmi, m.wmi)
		_, known := VIN(m.wmi + "ZZZZZZZZZZ0000").Country()
		assert.True(t, known, "%s (%s) has no country", m.wmi, m.name)
	}
}

func TestCountriesDoNotOverlap(t *testing.T) {
	t.Parallel()
	for first, spans := range countries {
		for i, s := range spans {
			assert.LessOrEqual(t, rank(s.from), rank(s.to), "%c%c", first, s.from)
			assert.True(t, i == 0 || rank(spans[i-1].to) < rank(s.from), "%c%c", first, s.from)
		}
	}
}
