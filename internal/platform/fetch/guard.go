// Package fetch is the one way out: every request to an address that somebody gave us goes through its guard. It owns what
// may be reached (the resolved address is checked as the connection is made, so that a name cannot change its meaning in
// between), how long it may take and how much may come back. It uses no proxy of the environment and keeps no cookies.
//
// What is sent, what an answer means and whether to try again are left to the rooms that ask: webhooks, photos, feeds,
// calendars. Each has its own Policy.
package fetch

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Config is what holds for every use.
type Config struct {
	// Allow lists host:port that may be reached though they are private, with commas between them, also by plain HTTP: for
	// tests and development.
	Allow string
	// Ports are those that may be reached, with commas between them. Empty: 443, 8443 and 80.
	Ports string
	// UserAgent names the program.
	UserAgent string
	// Resolver looks names up; nil: the system's.
	Resolver *net.Resolver
	// RootCAs are whom TLS trusts; nil: the system's.
	RootCAs *x509.CertPool
}

const defaultPorts = "443,8443,80"

// Guard decides what may be reached.
type Guard struct {
	allow map[string]bool // host:port, as it stands in URLs, lower case
	ports []uint16
	cfg   Config
}

// New reads the lists. Its error names the entry that cannot be read.
func New(cfg Config) (*Guard, error) {
	g := &Guard{allow: map[string]bool{}, cfg: cfg}
	for entry := range strings.SplitSeq(cfg.Allow, ",") {
		entry = strings.ToLower(strings.TrimSpace(entry))
		if entry == "" {
			continue
		}
		host, port, err := net.SplitHostPort(entry)
		if _, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || host == "" {
			return nil, fmt.Errorf("%q is not host:port", entry)
		}
		g.allow[entry] = true
	}
	ports := cfg.Ports
	if ports == "" {
		ports = defaultPorts
	}
	for entry := range strings.SplitSeq(ports, ",") {
		port, err := strconv.ParseUint(strings.TrimSpace(entry), 10, 16)
		if err != nil || port == 0 {
			return nil, fmt.Errorf("%q is no port", entry)
		}
		g.ports = append(g.ports, uint16(port))
	}
	return g, nil
}

const maxURL = 2048

// Check tells what is wrong with a URL as it stands, without looking its name up: for whoever keeps one for later. The
// address it leads to is checked with every connection.
func (g *Guard) Check(rawURL string, p Policy) error {
	_, err := g.parse(rawURL, p)
	return err
}

func (g *Guard) parse(rawURL string, p Policy) (*url.URL, error) {
	u, err := url.Parse(rawURL)
	if err != nil || len(rawURL) > maxURL || u.Host == "" || u.Hostname() == "" || u.Opaque != "" {
		return nil, ErrURL
	}
	return u, g.check(u, p)
}

func (g *Guard) check(u *url.URL, p Policy) error {
	if u.User != nil {
		return ErrURL.Saying("Leave the user name and password out of the URL.")
	}
	target, port, err := endpoint(u)
	if err != nil {
		return err
	}
	if g.allow[target] {
		return nil
	}
	if u.Scheme != "https" && !p.PlainHTTP {
		return ErrScheme
	}
	if !g.portAllowed(port) {
		return ErrPort.Saying("Port %d may not be reached. Use one of %s.", port, g.portList())
	}
	return checkHost(u.Hostname())
}

// endpoint is host:port of a URL, the port by its scheme when it names none.
func endpoint(u *url.URL) (target string, port uint16, err error) {
	text := u.Port()
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return "", 0, ErrScheme
	case text == "" && u.Scheme == "https":
		text = "443"
	case text == "":
		text = "80"
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return "", 0, ErrURL
	}
	return strings.ToLower(net.JoinHostPort(u.Hostname(), text)), uint16(n), nil
}

// checkHost refuses what is plainly private, and numbers in spellings that some resolvers read and others do not.
func checkHost(host string) error {
	if ip, err := netip.ParseAddr(host); err == nil {
		if ip.Zone() != "" || ip.Is4In6() || !public(ip) {
			return ErrAddress
		}
		return nil
	}
	labels := strings.Split(strings.TrimSuffix(strings.ToLower(host), "."), ".")
	last := labels[len(labels)-1]
	if last == "" || last == "localhost" {
		return ErrAddress
	}
	if strings.HasPrefix(last, "0x") || strings.Trim(last, "0123456789") == "" {
		return ErrAddress.Saying("Write the host as a name, or as an IP address of four plain numbers.")
	}
	return nil
}

func (g *Guard) portAllowed(port uint16) bool { return slices.Contains(g.ports, port) }

func (g *Guard) portList() string {
	var out []string
	for _, p := range g.ports {
		out = append(out, strconv.Itoa(int(p)))
	}
	return strings.Join(out, ", ")
}

// control sees the address a name was resolved to, for each connection, before anything is sent to it.
func (g *Guard) control(network, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || network != "tcp4" && network != "tcp6" {
		return errors.Join(ErrAddress, err)
	}
	ip := at.Addr().Unmap()
	if g.allow[netip.AddrPortFrom(ip, at.Port()).String()] {
		return nil
	}
	if !g.portAllowed(at.Port()) {
		return ErrPort
	}
	if !public(ip) {
		return ErrAddress.Because(fmt.Errorf("it resolves to %s", ip))
	}
	return nil
}

// denied4 are the IPv4 networks that are not the public internet.
var denied4 = prefixes(
	"0.0.0.0/8",       // this network
	"10.0.0.0/8",      // private
	"100.64.0.0/10",   // shared by carriers
	"127.0.0.0/8",     // this machine
	"169.254.0.0/16",  // link-local: metadata of clouds
	"172.16.0.0/12",   // private
	"192.0.0.0/24",    // protocol assignments
	"192.0.2.0/24",    // documentation
	"192.88.99.0/24",  // relays of 6to4
	"192.168.0.0/16",  // private
	"198.18.0.0/15",   // benchmarks
	"198.51.100.0/24", // documentation
	"203.0.113.0/24",  // documentation
	"224.0.0.0/3",     // multicast, reserved, broadcast
)

// Of IPv6 only global unicast is public, which leaves out loopback, unique local, link-local, multicast, addresses that
// hold an IPv4 one (mapped, NAT64 64:ff9b::/96 and 64:ff9b:1::/48), and within it some networks are not.
var (
	global  = netip.MustParsePrefix("2000::/3")
	denied6 = prefixes(
		"2001::/23",     // protocol assignments: Teredo, ORCHID
		"2001:db8::/32", // documentation
		"2002::/16",     // 6to4, which holds an IPv4 address
		"3fff::/20",     // documentation
	)
)

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, text := range list {
		out[i] = netip.MustParsePrefix(text)
	}
	return out
}

// public tells whether the address belongs to the public internet.
func public(ip netip.Addr) bool {
	within := func(p netip.Prefix) bool { return p.Contains(ip) }
	if ip.Is4() {
		return !slices.ContainsFunc(denied4, within)
	}
	return ip.Zone() == "" && global.Contains(ip) && !slices.ContainsFunc(denied6, within)
}
