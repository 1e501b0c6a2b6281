package app

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rooftop-crm/rooftop/internal/platform/blob"
	"github.com/rooftop-crm/rooftop/internal/platform/config"
	"github.com/rooftop-crm/rooftop/internal/platform/fetch"
	"github.com/rooftop-crm/rooftop/internal/platform/secret"
)

// Config is every setting of the program.
type Config struct {
	// Addr is where the server listens.
	Addr string `env:"ROOFTOP_ADDR" default:"127.0.0.1:8080"`
	// Env is development or production. Development makes its own master key and demo data, and listens on loopback only.
	Env string `env:"ROOFTOP_ENV" default:"development"`
	// Services are those whose routes and workers this process runs, with commas between them, or all.
	Services string `env:"ROOFTOP_SERVICES" default:"all"`
	// PublicURL is how callers reach the server, as it is printed and written into credentials. Empty: http:// and Addr.
	PublicURL string `env:"ROOFTOP_PUBLIC_URL"`
	// AppURL is the front end that staff work with: links in mails to them lead there. Empty: PublicURL.
	AppURL string `env:"ROOFTOP_APP_URL"`
	// DatabaseURL is the Postgres to use. Empty: a private one under DataDir.
	DatabaseURL string `env:"ROOFTOP_DATABASE_URL" secret:"url"`
	// MigrateURL is the same database as its owner. Empty: DatabaseURL is the owner's, and a server role is made.
	MigrateURL string `env:"ROOFTOP_MIGRATE_URL" secret:"url"`
	// MaxConns bounds the connections to Postgres of this process.
	MaxConns int `env:"ROOFTOP_DATABASE_MAX_CONNS" default:"12"`
	// Pooler says that a PgBouncer in transaction mode stands before Postgres.
	Pooler bool `env:"ROOFTOP_DATABASE_POOLER" default:"false"`
	// DataDir holds the private Postgres and development's secrets.
	DataDir string `env:"ROOFTOP_DATA_DIR" default:".rooftop"`
	// BlobURL is where files are kept: s3://bucket?region=… or file:///folder, with credentials as the tools of each take them.
	// Azure's: azblob://container in a program built with -tags azure. Google's: s3://bucket?endpoint=https://storage.googleapis.com
	// with HMAC keys, or gs://bucket in a program built with -tags gcs. Empty: a folder under DataDir.
	BlobURL string `env:"ROOFTOP_BLOB_URL"`
	// PostgresRepository is the Maven repository that Postgres binaries are fetched from when the machine has none; off: never.
	PostgresRepository string `env:"ROOFTOP_POSTGRES_REPOSITORY"`
	// MasterKey wraps what must not be read from the database alone: 32 bytes in base64 or hex; several with commas, the
	// first seals, to rotate. Development makes one.
	MasterKey string `env:"ROOFTOP_MASTER_KEY" secret:"true"`
	// OutboundAllow lists host:port that outbound requests may reach though they are private. Refused in production.
	OutboundAllow string `env:"ROOFTOP_OUTBOUND_ALLOW"`
	// OutboundPorts are the ports that outbound requests may go to, with commas between them.
	OutboundPorts string `env:"ROOFTOP_OUTBOUND_PORTS" default:"443,8443,80"`
	// TrustedProxies are the networks whose X-Forwarded-For counts, with commas between them.
	TrustedProxies string `env:"ROOFTOP_TRUSTED_PROXIES"`
	// LogLevel is debug, info, warn or error.
	LogLevel string `env:"ROOFTOP_LOG_LEVEL" default:"info"`
	// OTLPEndpoint receives traces by OTLP over HTTP. Empty: none are made.
	OTLPEndpoint string `env:"ROOFTOP_OTLP_ENDPOINT"`
	// RatePerMinute is the quota of a credential that has none of its own.
	RatePerMinute int `env:"ROOFTOP_RATE_PER_MINUTE" default:"600"`
	// MaxDocument is the most bytes of a document.
	MaxDocument int `env:"ROOFTOP_MAX_DOCUMENT_BYTES" default:"26214400"`
	// ShutdownTimeout is how long requests under way may take when the server stops.
	ShutdownTimeout time.Duration `env:"ROOFTOP_SHUTDOWN_TIMEOUT" default:"20s"`
	// SweepAfter is how long a request has for a document it has kept before background work finishes what a crash left.
	SweepAfter time.Duration `env:"ROOFTOP_SWEEP_AFTER" default:"1m"`
	// JobRescueAfter is the age at which a job's attempt counts as that of a dead process, and another process goes on.
	JobRescueAfter time.Duration `env:"ROOFTOP_JOB_RESCUE_AFTER" default:"1m"`
	// EventRetention is how long events can be read, by cursor and by stream. A day at least.
	EventRetention time.Duration `env:"ROOFTOP_EVENT_RETENTION" default:"720h"`
	// SMTPURL is the mail server that mail leaves by: smtp://user:password@host:587, with STARTTLS but on this machine, or
	// smtps://host:465. Empty: development writes mail as files under DataDir, production keeps it waiting.
	SMTPURL string `env:"ROOFTOP_SMTP_URL" secret:"url"`
	// SMTPCAFile has the certificates, in PEM, of those who vouch for the mail server. Empty: whom the system trusts.
	SMTPCAFile string `env:"ROOFTOP_SMTP_CA_FILE"`
	// MailFrom is the address in whose name mail leaves; the account's name stands beside it.
	MailFrom string `env:"ROOFTOP_MAIL_FROM"`
	// MailDomain is the domain of the addresses that mail comes in at, whose MX leads to SMTPListen. Empty: development uses
	// mail.localhost, production has no such addresses.
	MailDomain string `env:"ROOFTOP_MAIL_DOMAIN"`
	// DKIMKeyFile has the private key, RSA or Ed25519 in PEM, that signs mail. Empty: mail is not signed.
	DKIMKeyFile string `env:"ROOFTOP_DKIM_KEY_FILE"`
	// DKIMSelector names the public key in DNS, before ._domainkey.
	DKIMSelector string `env:"ROOFTOP_DKIM_SELECTOR" default:"rooftop"`
	// DKIMDomain is the domain that signs. Empty: that of MailFrom.
	DKIMDomain string `env:"ROOFTOP_DKIM_DOMAIN"`
	// SMTPListen is where mail comes in, as host:port. Empty: none does.
	SMTPListen string `env:"ROOFTOP_SMTP_LISTEN"`
	// SMTPCertFile has the certificate, in PEM, for STARTTLS at SMTPListen; it is read again when it changes. Empty:
	// development makes one, production offers no STARTTLS and listens on loopback only.
	SMTPCertFile string `env:"ROOFTOP_SMTP_CERT_FILE"`
	// SMTPKeyFile has the certificate's private key.
	SMTPKeyFile string `env:"ROOFTOP_SMTP_KEY_FILE"`
	// MailChecks asks DNS what SPF, DKIM and DMARC say of mail that comes in. What they say is noted; nothing is refused for it.
	MailChecks bool `env:"ROOFTOP_MAIL_CHECKS" default:"true"`
	// DemoData makes development's demo accounts at the first start.
	DemoData bool `env:"ROOFTOP_DEMO_DATA" default:"true"`

	// Resolver looks up the names of outbound requests; nil: the system's. Tests have one of their own.
	Resolver *net.Resolver

	path, sudoUID string
	proxy         string // the variable that names a proxy; "" for none
}

// LoadConfig reads the settings from the environment and a file, which may be "".
func LoadConfig(file string) (Config, error) {
	env, err := config.Read(file)
	if err != nil {
		return Config{}, err
	}
	var c Config
	if err := env.Load(&c); err != nil {
		return c, err
	}
	for _, name := range env.Unknown(c) {
		slog.Warn("no such setting: is it misspelt?", "name", name)
	}
	c.path, c.sudoUID = env.Get("PATH"), env.Get("SUDO_UID")
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"} {
		if c.proxy == "" && env.Get(name) != "" {
			c.proxy = name
		}
	}
	return c, c.Validate()
}

// appURL is where links in mails to staff lead, without a slash at the end.
func (c Config) appURL() string {
	return strings.TrimSuffix(cmp.Or(c.AppURL, c.PublicURL, "http://"+c.Addr), "/")
}

// Development tells whether this is a developer's machine.
func (c Config) Development() bool { return c.Env == "development" }

// Validate names every setting that is missing or contradicts another.
func (c Config) Validate() error {
	var bad []error
	add := func(wrong bool, format string, args ...any) {
		if wrong {
			bad = append(bad, fmt.Errorf(format, args...))
		}
	}
	add(c.Env != "development" && c.Env != "production", "ROOFTOP_ENV is %q: it must be development or production", c.Env)
	host, _, err := net.SplitHostPort(c.Addr)
	add(err != nil, "ROOFTOP_ADDR is %q: it must be host:port", c.Addr)
	add(c.Development() && err == nil && !loopback(host),
		"ROOFTOP_ADDR is %q: development has known credentials and listens on loopback only; set ROOFTOP_ENV=production to listen elsewhere", c.Addr)
	add(!c.Development() && c.DatabaseURL == "", "ROOFTOP_DATABASE_URL is missing: production needs a Postgres of its own")
	add(!c.Development() && c.MasterKey == "", "ROOFTOP_MASTER_KEY is missing: make one with `rooftop version --new-master-key` and keep it safe")
	add(!c.Development() && c.OutboundAllow != "", "ROOFTOP_OUTBOUND_ALLOW is for tests and development: unset it in production")
	add(c.MigrateURL != "" && c.DatabaseURL == "", "ROOFTOP_MIGRATE_URL is set and ROOFTOP_DATABASE_URL is not: set both, or the latter alone")
	if c.MasterKey != "" {
		_, err := secret.Parse(c.MasterKey)
		add(err != nil, "ROOFTOP_MASTER_KEY: %w", err)
	}
	_, err = c.proxies()
	add(err != nil, "ROOFTOP_TRUSTED_PROXIES: %w", err)
	_, err = c.outbound()
	add(err != nil, "ROOFTOP_OUTBOUND_ALLOW or ROOFTOP_OUTBOUND_PORTS: %w", err)
	err = c.blobs().Validate()
	add(err != nil, "ROOFTOP_BLOB_URL: %w", err)
	_, err = c.services()
	add(err != nil, "ROOFTOP_SERVICES: %w", err)
	_, err = c.level()
	add(err != nil, "ROOFTOP_LOG_LEVEL: %w", err)
	public, err := url.Parse(c.PublicURL)
	add(c.PublicURL != "" && (err != nil || public.Host == "" || public.Scheme != "https" && public.Scheme != "http"),
		"ROOFTOP_PUBLIC_URL is %q: it must be a whole address, such as https://api.example.com", c.PublicURL)
	add(c.RatePerMinute < 1, "ROOFTOP_RATE_PER_MINUTE is %d: it must be one or more", c.RatePerMinute)
	add(c.ShutdownTimeout < 0, "ROOFTOP_SHUTDOWN_TIMEOUT is %s: it must not be negative", c.ShutdownTimeout)
	add(c.MaxConns < 2, "ROOFTOP_DATABASE_MAX_CONNS is %d: two connections are the least", c.MaxConns)
	add(c.SweepAfter < 0, "ROOFTOP_SWEEP_AFTER is %s: it must not be negative", c.SweepAfter)
	add(c.JobRescueAfter < 0, "ROOFTOP_JOB_RESCUE_AFTER is %s: it must not be negative", c.JobRescueAfter)
	add(c.EventRetention != 0 && c.EventRetention < 24*time.Hour, "ROOFTOP_EVENT_RETENTION is %s: a day is the least", c.EventRetention)
	add(c.MaxDocument < 1<<10, "ROOFTOP_MAX_DOCUMENT_BYTES is %d: a document has more", c.MaxDocument)
	bad = append(bad, c.validateMail()...)
	return errors.Join(bad...)
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

func (c Config) level() (slog.Level, error) {
	var l slog.Level
	err := l.UnmarshalText([]byte(c.LogLevel))
	return l, err
}

func (c Config) proxies() ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range split(c.TrustedProxies) {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("%q is no network such as 10.0.0.0/8", text)
		}
		out = append(out, p)
	}
	return out, nil
}

// services are the names of the modules to run.
func (c Config) services() ([]string, error) {
	names := split(c.Services)
	if slices.Contains(names, "all") {
		return ServiceNames(), nil
	}
	for _, n := range names {
		if !slices.Contains(ServiceNames(), n) {
			return nil, fmt.Errorf("%q is no service: there are %s", n, strings.Join(ServiceNames(), ", "))
		}
	}
	if len(names) == 0 {
		return nil, errors.New("name at least one service, or all")
	}
	return names, nil
}

func split(s string) []string {
	var out []string
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// outbound is the guard of every request out.
func (c Config) outbound() (*fetch.Guard, error) {
	return fetch.New(fetch.Config{
		Allow: c.OutboundAllow, Ports: c.OutboundPorts, Resolver: c.Resolver, UserAgent: "Rooftop/" + Version + " (+https://github.com/rooftop-crm/rooftop)",
	})
}

// blobs is where files are kept.
func (c Config) blobs() blob.Config {
	return blob.Config{URL: c.BlobURL, Dir: filepath.Join(c.DataDir, "blobs")}
}

// keyring opens the master key; development makes one on first use and keeps it under DataDir.
func (c Config) keyring() (*secret.Keyring, error) {
	if c.MasterKey != "" {
		return secret.Parse(c.MasterKey)
	}
	file := c.keyFile()
	if err := os.MkdirAll(c.DataDir, 0o755); err != nil { //nolint:gosec // Postgres may run as another user and must pass through
		return nil, fmt.Errorf("make %s: %w", c.DataDir, err)
	}
	// Of several processes that start at once, one makes the key: link fails where the file exists.
	fresh, err := os.CreateTemp(c.DataDir, "master.key.*")
	if err != nil {
		return nil, fmt.Errorf("make the master key: %w", err)
	}
	defer func() { _ = os.Remove(fresh.Name()) }()
	_, err = fresh.WriteString(secret.Generate() + "\n")
	if err = errors.Join(err, fresh.Close()); err != nil {
		return nil, fmt.Errorf("make the master key: %w", err)
	}
	if err := os.Link(fresh.Name(), file); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("keep the master key: %w", err)
	}
	text, err := os.ReadFile(file) //nolint:gosec // under the data folder
	if err != nil {
		return nil, fmt.Errorf("read the master key: %w", err)
	}
	return secret.Parse(strings.TrimSpace(string(text)))
}

// base is how callers reach the server.
func (c Config) base() string {
	if c.PublicURL != "" {
		return strings.TrimSuffix(c.PublicURL, "/")
	}
	return "http://" + c.Addr
}
