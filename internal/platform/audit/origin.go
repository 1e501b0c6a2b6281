package audit

import (
	"context"
	"net/netip"
)

// Origin is the request that an act came by.
type Origin struct {
	RequestID string
	Address   string // of the caller, whole; only its network is kept
}

// OriginKey is by what a context names its request: its value, when there is one, is an Originator.
type OriginKey struct{}

// Originator tells by which request something is done.
type Originator interface{ Origin() Origin }

func originOf(ctx context.Context) Origin {
	if o, ok := ctx.Value(OriginKey{}).(Originator); ok {
		return o.Origin()
	}
	return Origin{}
}

// network cuts an address to what names a network and no person: an IPv4 /24, an IPv6 /48. "" for what is no address.
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return ""
	}
	return Network(ip)
}

// Network cuts an address to what names a network and no person: an IPv4 /24, an IPv6 /48. "" for the zero address.
func Network(ip netip.Addr) string {
	ip = ip.Unmap().WithZone("")
	bits := 48
	if ip.Is4() {
		bits = 24
	}
	p, err := ip.Prefix(bits)
	if err != nil || !ip.IsValid() {
		return ""
	}
	return p.String()
}
