// Package mailtest is somebody's mail server: a real one, on loopback, that keeps what it is given and answers as a test
// wants. For tests only.
package mailtest

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/platform/clock"
	"github.com/rooftop-crm/rooftop/internal/platform/mail"
)

// Password is the one that the server takes.
const Password = "right"

// Host is where servers listen, and whom their certificates are for.
const Host = "127.0.0.1"

// Server is a mail server.
type Server struct {
	Addr  string
	Roots *x509.CertPool

	mu   sync.Mutex
	cert []byte
	rcpt func(to string) error
	data func(in mail.Incoming) error
	cut  bool
	got  []mail.Incoming
	user string
}

// Start starts a server until the test ends. secure is "" for STARTTLS, "smtps" for TLS from the first byte, or "plain".
func Start(t testing.TB, secure string) *Server {
	t.Helper()
	s := &Server{}
	cfg, err := mail.SelfSigned(Host, clock.Now())
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(cfg.Certificates[0].Certificate[0])
	require.NoError(t, err)
	s.cert = leaf.Raw
	s.Roots = x509.NewCertPool()
	s.Roots.AddCert(leaf)
	on, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", Host+":0")
	require.NoError(t, err)
	s.Addr = on.Addr().String()
	srv := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &session{server: s, conn: c}, nil }))
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

// Sender hands messages to the server.
func (s *Server) Sender(t testing.TB, scheme, user string) *mail.SMTP {
	t.Helper()
	out, err := mail.NewSMTP(scheme+"://"+user+s.Addr, "us.fr.example")
	require.NoError(t, err)
	return out.WithTLS(&tls.Config{RootCAs: s.Roots, ServerName: Host, MinVersion: tls.VersionTLS12})
}

// CAFile is a file with the server's certificate.
func (s *Server) CAFile(t testing.TB) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.cert}), 0o600))
	return file
}

// Recipients decides which recipients are taken; nil takes all.
func (s *Server) Recipients(f func(to string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rcpt = f
}

// Messages decides what is answered to a message; it is kept when that is nil. nil takes all.
func (s *Server) Messages(f func(in mail.Incoming) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data = f
}

// Cut makes the server take messages and end the connection before it says so.
func (s *Server) Cut(cut bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cut = cut
}

// Received is what was taken.
func (s *Server) Received() []mail.Incoming {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]mail.Incoming(nil), s.got...)
}

// To is what was taken for a recipient.
func (s *Server) To(email string) []mail.Incoming {
	var out []mail.Incoming
	for _, in := range s.Received() {
		if strings.EqualFold(in.To[0], email) {
			out = append(out, in)
		}
	}
	return out
}

// User is who signed in last.
func (s *Server) User() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.user
}

// Answer is an answer in SMTP's words.
func Answer(code int, text string) error { return &smtp.SMTPError{Code: code, Message: text} }

type session struct {
	server *Server
	conn   *smtp.Conn
	in     mail.Incoming
}

// Reset implements smtp.Session.
func (s *session) Reset() { s.in = mail.Incoming{} }

// Logout implements smtp.Session.
func (s *session) Logout() error { return nil }

// AuthMechanisms implements smtp.AuthSession.
func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

// Auth implements smtp.AuthSession.
func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if password != Password {
			return smtp.ErrAuthFailed
		}
		s.server.mu.Lock()
		defer s.server.mu.Unlock()
		s.server.user = user
		return nil
	}), nil
}

// Mail implements smtp.Session.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.in.From = from
	return nil
}

// Rcpt implements smtp.Session.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.in.To = append(s.in.To, to)
	s.server.mu.Lock()
	decide := s.server.rcpt
	s.server.mu.Unlock()
	if decide == nil {
		return nil
	}
	return decide(to)
}

// Data implements smtp.Session.
func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.in.Raw = raw
	_, s.in.TLS = s.conn.TLSConnectionState()
	s.server.mu.Lock()
	decide, cut := s.server.data, s.server.cut
	s.server.mu.Unlock()
	if decide != nil {
		if err := decide(s.in); err != nil {
			return err
		}
	}
	s.server.mu.Lock()
	s.server.got = append(s.server.got, s.in)
	s.server.mu.Unlock()
	if cut {
		_ = s.conn.Conn().Close()
	}
	return nil
}
