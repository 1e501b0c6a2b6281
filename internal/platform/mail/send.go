package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"
)

// Outcome says what became of a message that was not sent.
type Outcome int

// The outcomes.
const (
	// Retry: the receiver has not got it, and may take it later.
	Retry Outcome = iota
	// Refused: the receiver has not got it and will not take it.
	Refused
	// Unknown: the connection was lost after the message had begun to leave. Nobody knows whether it arrived.
	Unknown
)

// SendError is why a message was not sent.
type SendError struct {
	Outcome Outcome
	Stage   string // connect, tls, sign_in, from, to, data
	Code    int    // the server's reply code; 0 when there was no reply
	Reply   string // the server's words, or what went wrong
	cause   error
}

// Error implements error.
func (e *SendError) Error() string {
	if e.Code != 0 {
		return fmt.Sprintf("mail: %s: %d %s", e.Stage, e.Code, e.Reply)
	}
	return fmt.Sprintf("mail: %s: %s", e.Stage, e.Reply)
}

// Unwrap gives the cause.
func (e *SendError) Unwrap() error { return e.cause }

// Sender takes messages away.
type Sender interface {
	// Send takes one message away. Just before its first byte leaves it calls mark, and gives up when that fails: what
	// mark has noted tells a later reader that the message may have gone. Any other error is a *SendError.
	Send(ctx context.Context, env Envelope, raw []byte, mark func(ctx context.Context) error) error
	// Check tells whether a message could be sent now, and to where.
	Check(ctx context.Context) (string, error)
}

// Folder is a Sender that writes each message as a file, for machines without a mail server.
type Folder struct{ Dir string }

var _ Sender = Folder{}

// Send implements Sender.
func (f Folder) Send(ctx context.Context, env Envelope, raw []byte, mark func(ctx context.Context) error) error {
	if err := os.MkdirAll(f.Dir, 0o700); err != nil {
		return &SendError{Outcome: Retry, Stage: "connect", Reply: "the folder for mail cannot be made", cause: err}
	}
	if err := mark(ctx); err != nil {
		return err
	}
	file, err := os.CreateTemp(f.Dir, "*-"+fileName(env.To)+".eml")
	if err != nil {
		return &SendError{Outcome: Retry, Stage: "data", Reply: "the file cannot be made", cause: err}
	}
	_, err = file.Write(raw)
	if err = errors.Join(err, file.Close()); err != nil {
		_ = os.Remove(file.Name())
		return &SendError{Outcome: Retry, Stage: "data", Reply: "the file cannot be written", cause: err}
	}
	return nil
}

// Check implements Sender.
func (f Folder) Check(context.Context) (string, error) {
	return "no mail leaves: each is a file in " + f.Dir, nil
}

// fileName keeps of an address what every file system takes.
func fileName(address string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("@.-_", r) {
			return r
		}
		return '_'
	}, filepath.Base(address))
}

// SMTP is a Sender that hands messages to a mail server. The connection is encrypted, but on this machine itself.
type SMTP struct {
	addr, host     string
	user, password string
	implicit       bool // TLS from the first byte: smtps
	hello          string
	tls            *tls.Config
	timeout        time.Duration
}

var _ Sender = (*SMTP)(nil)

const (
	portSubmission  = "587"
	portSubmissions = "465"
	// sendTimeout bounds one message, below the time after which its job is taken for dead.
	sendTimeout = 40 * time.Second
)

// NewSMTP reads smtp://user:password@host:587 (STARTTLS, which must be offered but on loopback) or smtps://host:465.
// hello is this machine's name for the greeting.
func NewSMTP(text, hello string) (*SMTP, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || (u.Scheme != "smtp" && u.Scheme != "smtps") || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return nil, errors.New("mail: the server must be given as smtp://user:password@host:587 or smtps://host:465")
	}
	s := &SMTP{host: u.Hostname(), implicit: u.Scheme == "smtps", hello: hello, timeout: sendTimeout}
	port := u.Port()
	switch {
	case port != "":
	case s.implicit:
		port = portSubmissions
	default:
		port = portSubmission
	}
	s.addr = net.JoinHostPort(s.host, port)
	s.user = u.User.Username()
	s.password, _ = u.User.Password()
	s.tls = &tls.Config{ServerName: s.host, MinVersion: tls.VersionTLS12}
	return s, nil
}

// WithTLS is the same sender with other rules for TLS.
func (s *SMTP) WithTLS(c *tls.Config) *SMTP {
	other := *s
	other.tls = c
	return &other
}

// Trusting is the same sender with these authorities in place of the system's.
func (s *SMTP) Trusting(roots *x509.CertPool) *SMTP {
	c := s.tls.Clone()
	c.RootCAs = roots
	return s.WithTLS(c)
}

// Check implements Sender.
func (s *SMTP) Check(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	c, err := s.open(ctx)
	if err != nil {
		return "", err
	}
	defer func() { _ = c.Close() }()
	return s.addr + " takes mail", c.Quit()
}

// Send implements Sender.
func (s *SMTP) Send(ctx context.Context, env Envelope, raw []byte, mark func(ctx context.Context) error) error {
	within, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	c, err := s.open(within)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if utf8, _ := c.Extension("SMTPUTF8"); !utf8 && !isASCII(env.From+env.To) {
		return &SendError{Outcome: Refused, Stage: "to", Reply: "the mail server does not take addresses that are not ASCII (SMTPUTF8)"}
	}
	if isASCII(env.From + env.To) {
		c.SkipSMTPUTF8(true) // the message need not travel by servers that know it
	}
	if err := c.Mail("<" + env.From + ">"); err != nil {
		return refusal("from", err)
	}
	if err := c.Rcpt("<" + env.To + ">"); err != nil {
		return refusal("to", err)
	}
	if err := mark(ctx); err != nil {
		return err
	}
	w, err := c.Data()
	if err != nil {
		return refusal("data", err) // no byte of the message has left
	}
	if _, err := w.Write(raw); err != nil {
		return &SendError{Outcome: Unknown, Stage: "data", Reply: "the connection was lost while the message left", cause: err}
	}
	if err := w.Close(); err != nil {
		e := refusal("data", err)
		if e.Code == 0 { // no reply: it may have been taken
			e.Outcome, e.Reply = Unknown, "the connection was lost before the server had answered"
		}
		return e
	}
	_ = c.Quit() // it has the message
	return nil
}

// open connects, encrypts and signs in.
func (s *SMTP) open(ctx context.Context) (*smtp.Client, error) {
	dialer := &net.Dialer{}
	conn, err := dialer.DialContext(ctx, "tcp", s.addr)
	if err != nil {
		return nil, &SendError{Outcome: Retry, Stage: "connect", Reply: "the mail server cannot be reached", cause: err}
	}
	if end, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(end); err != nil {
			_ = conn.Close()
			return nil, &SendError{Outcome: Retry, Stage: "connect", Reply: "the connection cannot be bounded", cause: err}
		}
	}
	if s.implicit {
		secure := tls.Client(conn, s.tls)
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, &SendError{Outcome: Retry, Stage: "tls", Reply: "no TLS connection: " + err.Error(), cause: err}
		}
		conn = secure
	}
	c, err := smtp.NewClient(conn, s.host)
	if err != nil {
		_ = conn.Close()
		return nil, refusal("connect", err)
	}
	if err := s.prepare(c); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

func (s *SMTP) prepare(c *smtp.Client) error {
	if err := c.Hello(s.hello); err != nil {
		return refusal("connect", err)
	}
	if !s.implicit {
		offered, _ := c.Extension("STARTTLS")
		switch {
		case offered:
			if err := c.StartTLS(s.tls); err != nil {
				e := refusal("tls", err)
				if e.Code == 0 {
					e.Reply = "no TLS connection: " + err.Error()
				}
				return e
			}
		case !Loopback(s.host):
			return &SendError{Outcome: Retry, Stage: "tls", Reply: "the mail server does not offer STARTTLS, and nothing is sent unencrypted"}
		}
	}
	if s.user == "" {
		return nil
	}
	if err := c.Auth(smtp.PlainAuth("", s.user, s.password, s.host, false)); err != nil {
		e := refusal("sign_in", err)
		e.Outcome = Retry // a wrong password is the operator's to mend, and no fault of the message
		return e
	}
	return nil
}

// maxReply bounds the words of a server that are kept.
const maxReply = 500

// refusal reads the error of a command: a 5xx is final, everything else may pass.
func refusal(stage string, err error) *SendError {
	e := &SendError{Outcome: Retry, Stage: stage, Reply: "the connection was lost", cause: err}
	if reply, ok := errors.AsType[*textproto.Error](err); ok {
		e.Code, e.Reply = reply.Code, line(reply.Msg)
		if len(e.Reply) > maxReply {
			e.Reply = strings.ToValidUTF8(e.Reply[:maxReply], "")
		}
		if reply.Code >= 500 {
			e.Outcome = Refused
		}
	}
	return e
}
