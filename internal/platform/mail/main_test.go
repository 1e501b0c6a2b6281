package mail_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/platform/mail"
)

var at = time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC)

// server is somebody's mail server, which keeps what it is given.
type server struct {
	addr  string
	roots *x509.CertPool
	rcpt  error // the answer to RCPT
	data  error // the answer to a message
	cut   bool  // the connection ends before the answer

	mu   sync.Mutex
	got  []mail.Incoming
	user string
}

// startServer listens on loopback. secure is "" for STARTTLS, "smtps", or "plain".
func startServer(t *testing.T, secure string) *server {
	t.Helper()
	s := &server{}
	cfg, err := mail.SelfSigned("mx.fr.example", time.Now())
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(cfg.Certificates[0].Certificate[0])
	require.NoError(t, err)
	s.roots = x509.NewCertPool()
	s.roots.AddCert(leaf)
	on, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s.addr = on.Addr().String()
	srv := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &taker{server: s, conn: c}, nil }))
	srv.EnableSMTPUTF8 = secure != "plain"
	switch secure {
	case "smtps":
		on = tls.NewListener(on, cfg)
	case "":
		srv.TLSConfig = cfg
	}
	go func() { _ = srv.Serve(on) }()
	t.Cleanup(func() { _ = srv.Close() })
	return s
}

func (s *server) sender(t *testing.T, scheme, user string) *mail.SMTP {
	t.Helper()
	out, err := mail.NewSMTP(scheme+"://"+user+s.addr, "us.fr.example")
	require.NoError(t, err)
	return out.WithTLS(&tls.Config{RootCAs: s.roots, ServerName: "mx.fr.example", MinVersion: tls.VersionTLS12})
}

func (s *server) received() []mail.Incoming {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got
}

type taker struct {
	server *server
	conn   *smtp.Conn
	in     mail.Incoming
}

func (s *taker) Reset()        { s.in = mail.Incoming{} }
func (s *taker) Logout() error { return nil }

func (s *taker) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *taker) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if password != "right" {
			return smtp.ErrAuthFailed
		}
		s.server.mu.Lock()
		defer s.server.mu.Unlock()
		s.server.user = user
		return nil
	}), nil
}

func (s *taker) Mail(from string, _ *smtp.MailOptions) error {
	s.in.From = from
	return nil
}

func (s *taker) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.in.To = append(s.in.To, to)
	return s.server.rcpt
}

func (s *taker) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.in.Raw = raw
	_, s.in.TLS = s.conn.TLSConnectionState()
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	if s.server.data == nil {
		s.server.got = append(s.server.got, s.in)
	}
	if s.server.cut {
		_ = s.conn.Conn().Close()
	}
	return s.server.data
}

// keys are a DKIM key of each kind: the private key in PEM, and the record of the public one.
func keys(t *testing.T) map[string][2]string {
	t.Helper()
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(ed)
	require.NoError(t, err)
	out := map[string][2]string{"ed25519": {
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(ed.Public().(ed25519.PublicKey)),
	}}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	require.NoError(t, err)
	out["rsa"] = [2]string{
		string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})),
		"v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(public),
	}
	return out
}

// zone is a DNS with TXT records; every other name is not there, and names that begin with "broken" get no answer.
type zone map[string]string

func (z zone) LookupTXT(_ context.Context, name string) ([]string, error) {
	name = strings.TrimSuffix(name, ".")
	if strings.Contains(name, "broken") {
		return nil, &net.DNSError{Err: "no answer", Name: name, IsTemporary: true, IsTimeout: true}
	}
	if text, ok := z[name]; ok {
		return []string{text}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func (z zone) LookupMX(_ context.Context, name string) ([]*net.MX, error) {
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func (z zone) LookupIPAddr(_ context.Context, host string) ([]net.IPAddr, error) {
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

func (z zone) LookupAddr(_ context.Context, addr string) ([]string, error) {
	return nil, &net.DNSError{Err: "no such host", Name: addr, IsNotFound: true}
}

func noMark(context.Context) error { return nil }

// crlf makes a message of lines.
func crlf(lines ...string) []byte {
	return append(bytes.Join(bytesOf(lines), []byte("\r\n")), "\r\n"...)
}

func bytesOf(lines []string) [][]byte {
	out := make([][]byte, len(lines))
	for i, l := range lines {
		out[i] = []byte(l)
	}
	return out
}
