package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rooftop-crm/rooftop/internal/platform/clock"
	"github.com/rooftop-crm/rooftop/internal/platform/mail"
)

// post is how mail leaves and what it says of itself.
type post struct {
	sender mail.Sender  // nil: mail waits
	sign   *mail.Signer // nil: mail is not signed
	from   mail.Address
	domain string
	dns    mail.Resolver // nil: senders are not looked up
}

func (c Config) validateMail() []error {
	var bad []error
	add := func(wrong bool, format string, args ...any) {
		if wrong {
			bad = append(bad, fmt.Errorf(format, args...))
		}
	}
	if c.SMTPURL != "" {
		_, err := mail.NewSMTP(c.SMTPURL, c.mailDomain())
		add(err != nil, "ROOFTOP_SMTP_URL: write smtp://user:password@host:587 or smtps://host:465")
		add(c.MailFrom == "" && !c.Development(), "ROOFTOP_MAIL_FROM is missing: ROOFTOP_SMTP_URL is set, and mail needs a sender")
	}
	if c.MailFrom != "" {
		_, err := mail.ParseAddress(c.MailFrom)
		add(err != nil, "ROOFTOP_MAIL_FROM is %q: it must be one address, such as no-reply@example.com", c.MailFrom)
	}
	if c.MailDomain != "" {
		_, err := mail.ParseAddress("x@" + c.MailDomain)
		add(err != nil, "ROOFTOP_MAIL_DOMAIN is %q: it must be a domain, such as in.example.com", c.MailDomain)
	}
	add((c.SMTPCertFile == "") != (c.SMTPKeyFile == ""), "ROOFTOP_SMTP_CERT_FILE and ROOFTOP_SMTP_KEY_FILE belong together: set both or none")
	if c.SMTPListen != "" {
		host, _, err := net.SplitHostPort(c.SMTPListen)
		add(err != nil, "ROOFTOP_SMTP_LISTEN is %q: it must be host:port", c.SMTPListen)
		add(c.mailDomain() == "", "ROOFTOP_MAIL_DOMAIN is missing: ROOFTOP_SMTP_LISTEN is set, and no address is there to receive mail")
		add(!c.Development() && c.SMTPCertFile == "" && err == nil && !loopback(host),
			"ROOFTOP_SMTP_CERT_FILE is missing: without it ROOFTOP_SMTP_LISTEN must be on loopback, behind a mail server that encrypts")
	}
	return bad
}

// mailDomain is the domain of our own addresses; "" for none.
func (c Config) mailDomain() string {
	domain := c.MailDomain
	if domain == "" && c.Development() {
		domain = "mail.localhost"
	}
	if a, err := mail.ParseAddress("x@" + domain); err == nil {
		return strings.TrimPrefix(a.Email, "x@")
	}
	return ""
}

// post builds what mail needs.
func (c Config) post() (post, error) {
	p := post{domain: c.mailDomain(), from: mail.Address{Email: "no-reply@mail.localhost"}}
	if c.MailFrom != "" {
		from, err := mail.ParseAddress(c.MailFrom)
		if err != nil {
			return p, fmt.Errorf("ROOFTOP_MAIL_FROM: %w", err)
		}
		p.from = from
	}
	if c.MailChecks {
		p.dns = net.DefaultResolver
		if c.Resolver != nil {
			p.dns = c.Resolver
		}
	}
	if c.DKIMKeyFile != "" {
		domain := c.DKIMDomain
		if domain == "" {
			_, domain, _ = strings.Cut(p.from.Email, "@")
		}
		var err error
		if p.sign, err = mail.LoadSigner(domain, c.DKIMSelector, c.DKIMKeyFile); err != nil {
			return p, fmt.Errorf("ROOFTOP_DKIM_KEY_FILE: %w", err)
		}
	}
	switch {
	case c.SMTPURL != "":
		sender, err := c.smtp()
		if err != nil {
			return p, err
		}
		p.sender = sender
	case c.Development():
		p.sender = mail.Folder{Dir: filepath.Join(c.DataDir, "mail")}
	default:
		slog.Warn("no mail leaves: mail waits until ROOFTOP_SMTP_URL is set")
	}
	return p, nil
}

func (c Config) smtp() (*mail.SMTP, error) {
	hello := c.mailDomain()
	if hello == "" {
		hello = "localhost"
	}
	sender, err := mail.NewSMTP(c.SMTPURL, hello)
	if err != nil || c.SMTPCAFile == "" {
		return sender, err
	}
	pem, err := os.ReadFile(c.SMTPCAFile)
	if err != nil {
		return nil, fmt.Errorf("ROOFTOP_SMTP_CA_FILE: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("ROOFTOP_SMTP_CA_FILE holds no certificate in PEM")
	}
	return sender.Trusting(roots), nil
}

// receiveMail opens the address that mail comes in at, in a process that runs the service it belongs to.
func (a *App) receiveMail(ctx context.Context, chosen []string) error {
	if a.cfg.SMTPListen == "" || !slices.Contains(chosen, "contacts") {
		return nil
	}
	secure, err := a.cfg.mailTLS()
	if err != nil {
		return err
	}
	a.mailIn, err = mail.Listen(ctx, mail.ListenConfig{
		Addr: a.cfg.SMTPListen, Domain: a.cfg.mailDomain(), TLS: secure, MaxBytes: int64(a.cfg.MaxDocument),
	}, a.Messages, clock.Now)
	if err != nil {
		return fmt.Errorf("ROOFTOP_SMTP_LISTEN: %w", err)
	}
	slog.InfoContext(ctx, "listening for mail", "address", a.mailIn.Addr().String(), "domain", a.cfg.mailDomain())
	a.workers = append(a.workers, a.mailIn.Run)
	return nil
}

func (c Config) mailTLS() (*tls.Config, error) {
	switch {
	case c.SMTPCertFile != "":
		return mail.ServerTLS(c.SMTPCertFile, c.SMTPKeyFile)
	case c.Development():
		return mail.SelfSigned(c.mailDomain(), clock.Now())
	}
	return nil, nil //nolint:nilnil // no TLS is no error: it is for listeners on loopback
}

// MailAddr is where mail comes in; nil when none does.
func (a *App) MailAddr() net.Addr {
	if a.mailIn == nil {
		return nil
	}
	return a.mailIn.Addr()
}

func checkMail(ctx context.Context, cfg Config) Finding {
	const what = "mail"
	p, err := cfg.post()
	switch {
	case err != nil:
		return Finding{what, Wrong, err.Error()}
	case p.sender == nil:
		return Finding{what, Wrong, "no mail leaves, it waits in state queued: set ROOFTOP_SMTP_URL and ROOFTOP_MAIL_FROM"}
	}
	note, err := p.sender.Check(ctx)
	if err != nil {
		return Finding{what, Wrong, err.Error()}
	}
	if p.sign == nil {
		note += "; it is not signed (ROOFTOP_DKIM_KEY_FILE)"
	}
	return Finding{what, Good, note}
}
