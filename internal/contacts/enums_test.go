package contacts

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestEveryValueHasItsLabels(t *testing.T) {
	t.Parallel()
	for _, e := range Enums() {
		assert.NotEmpty(t, e.Values, e.Name)
		for _, v := range e.Values {
			assert.NotEmpty(t, v.En, "%s %s", e.Name, v.Value)
			assert.NotEmpty(t, v.Fr, "%s %s", e.Name, v.Value)
		}
	}
}
