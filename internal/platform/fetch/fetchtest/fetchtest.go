// Package fetchtest has what shows that a request out reaches nothing it must not: a canary that counts connections, a name
// server whose answers change between two look-ups, and the table of addresses to try. For tests only.
package fetchtest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"
)

// Canary listens on loopback, by IPv4 and, where there is some, IPv6, and counts who comes.
type Canary struct {
	Port int
	hits atomic.Int64
}

// NewCanary listens until the test ends, and then fails the test unless nobody came.
func NewCanary(t testing.TB) *Canary {
	t.Helper()
	c := &Canary{}
	first, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	addr, ok := first.Addr().(*net.TCPAddr)
	require.True(t, ok)
	c.Port = addr.Port
	c.serve(t, first)
	if second, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp6", fmt.Sprintf("[::1]:%d", c.Port)); err == nil {
		c.serve(t, second)
	}
	t.Cleanup(func() { assert.Zero(t, c.Hits(), "the canary was reached") })
	return c
}

func (c *Canary) serve(t testing.TB, on net.Listener) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := on.Accept()
			if err != nil {
				return
			}
			c.hits.Add(1)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = on.Close()
		<-done
	})
}

// Hits is how many connections came.
func (c *Canary) Hits() int64 { return c.hits.Load() }

// Reset forgets those that came, after a test has shown that the canary can be reached.
func (c *Canary) Reset() { c.hits.Store(0) }

// Target is one way to a place that must not be reached.
type Target struct {
	Name string
	URL  string
}

// Rebound resolves to a documentation address at first and to loopback afterwards; Inside always to loopback.
const (
	Rebound = "rebound.example"
	Inside  = "inside.example"
)

// Targets is the table: every spelling of loopback and of what else is private, by plain HTTP and by TLS. redirect, when it
// is not "", is the URL of an allowed server that answers with a redirect to its query's "to".
func (c *Canary) Targets(redirect string) []Target {
	var out []Target
	hosts := []string{
		"127.0.0.1", "127.1", "127.0.1", "127.255.255.254", "0.0.0.0", "0", "0x7f000001", "0x7f.0.0.1", "0x7F.1", "2130706433", "017700000001",
		"0177.0.0.1", "0177.0.0.01", "127.0.0.1.", "localhost", "LOCALHOST", "localhost.", "a.localhost", "１２７.０.０.１", "127。0。0。1", "①②⑦.⓪.⓪.①",
		"[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::127.0.0.1]", "[64:ff9b:1::7f00:1]",
		"[2002:7f00:1::]", "[2001:0:7f00:1::]", "[fe80::1%25lo]", "[fe80::1]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[2001:db8::1]", "[3fff::1]", "[100::1]",
		"169.254.169.254", "[::ffff:169.254.169.254]", "10.0.0.1", "100.64.0.1", "100.100.100.200", "172.16.0.1", "172.31.255.255", "192.0.0.1",
		"192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
		Inside, strings.ToUpper(Inside), Inside + ".", Rebound,
	}
	for _, host := range hosts {
		for _, scheme := range []string{"http", "https"} {
			out = append(out, Target{scheme + " " + host, fmt.Sprintf("%s://%s:%d/canary", scheme, host, c.Port)})
		}
	}
	for _, odd := range []string{
		"http://user:password@127.0.0.1:%d/", "http://public.example@127.0.0.1:%d/", "http://127.0.0.1:%d\\@public.example/", "gopher://127.0.0.1:%d/",
		"file://127.0.0.1:%d/etc/passwd", "//127.0.0.1:%d/", "http:127.0.0.1:%d", "http:/127.0.0.1:%d/", "http://127.0.0.1:%d#@public.example/",
		"dict://127.0.0.1:%d/", "ftp://127.0.0.1:%d/", "HTTP://127.0.0.1:%d/", "http://127.0.0.1:%d/\r\nHost: x",
	} {
		out = append(out, Target{odd, fmt.Sprintf(odd, c.Port)})
	}
	if redirect != "" {
		for _, to := range []string{"127.0.0.1", "localhost", "[::1]", Inside, Rebound, "2130706433"} {
			out = append(out, Target{"redirect to " + to, fmt.Sprintf("%s?to=http://%s:%d/", redirect, to, c.Port)})
		}
	}
	return out
}

// Redirecter is a server that redirects to the query's "to". Its host:port belongs on the allow list.
func Redirecter(t testing.TB) (address string) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", r.URL.Query().Get("to"))
		w.WriteHeader(http.StatusFound)
	}))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

// Names is a name server on loopback.
type Names struct {
	mu    sync.Mutex
	turns map[string][][]netip.Addr
	asked map[string]int
	at    string
}

// NewNames answers until the test ends. Names it was not told of do not exist.
func NewNames(t testing.TB) *Names {
	t.Helper()
	loopback := netip.MustParseAddr("127.0.0.1")
	n := &Names{asked: map[string]int{}, turns: map[string][][]netip.Addr{}}
	n.Answer(Inside, []netip.Addr{loopback, netip.IPv6Loopback()})
	n.Answer(Rebound, []netip.Addr{netip.MustParseAddr("192.0.2.1")}, []netip.Addr{loopback})
	on, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp4", "127.0.0.1:0")
	require.NoError(t, err)
	n.at = on.LocalAddr().String()
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 4096)
		for {
			size, from, err := on.ReadFrom(buf)
			if err != nil {
				return
			}
			if reply, err := n.reply(buf[:size]); err == nil {
				_, _ = on.WriteTo(reply, from)
			}
		}
	}()
	t.Cleanup(func() {
		_ = on.Close()
		<-done
	})
	return n
}

// Answer says what a name resolves to: the first turn for the first look-up of an IPv4 address and so on, the last one for
// all that follow.
func (n *Names) Answer(name string, turns ...[]netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.turns[name+"."] = turns
	n.asked[name+"."] = 0
}

// Asked is how often the IPv4 address of a name was looked up.
func (n *Names) Asked(name string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.asked[name+"."]
}

// Resolver asks this name server and no other.
func (n *Names) Resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, StrictErrors: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp4", n.at)
	}}
}

func (n *Names) reply(query []byte) ([]byte, error) {
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil || len(m.Questions) != 1 {
		return nil, fmt.Errorf("no question: %w", err)
	}
	q := m.Questions[0]
	n.mu.Lock()
	name := strings.ToLower(q.Name.String())
	turns, known := n.turns[name]
	var now []netip.Addr
	if known {
		now = turns[min(n.asked[name], len(turns)-1)]
		if q.Type == dnsmessage.TypeA {
			n.asked[name]++
		}
	}
	n.mu.Unlock()
	m.Response, m.Additionals, m.RecursionAvailable = true, nil, true
	if !known {
		m.RCode = dnsmessage.RCodeNameError
	}
	for _, ip := range now {
		head := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class} // TTL 0
		switch {
		case q.Type == dnsmessage.TypeA && ip.Is4():
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AResource{A: ip.As4()}})
		case q.Type == dnsmessage.TypeAAAA && ip.Is6():
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AAAAResource{AAAA: ip.As16()}})
		}
	}
	return m.Pack()
}
