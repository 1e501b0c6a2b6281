package audit

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestNetworkNamesNoPerson(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"192.0.2.77": "192.0.2.0/24", "::ffff:192.0.2.77": "192.0.2.0/24", "2001:db8:1:2:3::4": "2001:db8:1::/48",
		"fe80::1%eth0": "fe80::/48", "": "", "nonsense": "", "192.0.2.77:80": "",
	} {
		assert.Equal(t, want, network(address), address)
	}
	assert.Empty(t, Network(netip.Addr{}))
}

func TestDiffWithholdsWhatIsNotOpen(t *testing.T) {
	t.Parallel()
	before, after := Fields{"roles": "viewer", "name": "same"}, Fields{"roles": "admin", "name": "same"}
	assert.Equal(t, []Change{{Field: "roles", Before: "viewer", After: "admin"}, {Field: "password", Withheld: true}},
		Diff([]string{"roles", "password"}, before, after))
	assert.Equal(t, []Change{{Field: "name", After: "same"}, {Field: "roles", After: "admin"}}, Diff(nil, nil, after), "all that is new")
	assert.Empty(t, Diff([]string{}, before, after))
}
