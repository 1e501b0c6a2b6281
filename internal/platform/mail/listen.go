package mail

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emersion/go-smtp"
)

// Incoming is a message as a server handed it over.
type Incoming struct {
	IP    net.IP
	Hello string // what the server calls itself
	TLS   bool
	From  string // "" for the null sender
	To    []string
	Raw   []byte
}

// Receiver decides whom mail may come to, and keeps it.
type Receiver interface {
	// Recipient tells whether mail to the address is taken, after those that the message has already. It fails with
	// ErrNoSuchRecipient, ErrRelay, ErrSeparately, or another error when it cannot tell just now.
	Recipient(ctx context.Context, to string, already []string) error
	// Receive keeps a message. Only when it returns nil is the sender told that it was taken; any error but ErrLoop and
	// ErrRefused asks the sender to come again.
	Receive(ctx context.Context, in Incoming) error
}

var (
	// ErrNoSuchRecipient is the answer to an address that nobody has.
	ErrNoSuchRecipient = errors.New("mail: there is no such recipient")
	// ErrRelay is the answer to an address of somebody else's domain.
	ErrRelay = errors.New("mail: this server does not relay")
	// ErrSeparately is the answer to a recipient who needs a message of their own; senders come again for them at once.
	ErrSeparately = errors.New("mail: this recipient needs a message of their own")
	// ErrLoop is the answer to a message that goes round in circles.
	ErrLoop = errors.New("mail: the message goes round in circles")
	// ErrRefused is the answer to a message that is taken from nobody.
	ErrRefused = errors.New("mail: the message is refused")
)

// ListenConfig says how mail comes in. Zero fields have the defaults that are said.
type ListenConfig struct {
	Addr           string
	Domain         string        // how the server names itself
	TLS            *tls.Config   // nil: STARTTLS is not offered
	MaxBytes       int64         // of a message; 25 MiB
	MaxInFlight    int64         // of all messages that are being received; 64 MiB, never below MaxBytes
	MaxConnections int           // 100
	MaxPerAddress  int           // connections from one IP address; 25
	MaxRecipients  int           // of a message; 50
	MaxMistakes    int           // refused recipients of a connection; 20
	CommandTimeout time.Duration // between two commands, or two lines of a message; 1 min
	ConnTimeout    time.Duration // of a connection in all; 10 min
}

func (c ListenConfig) withDefaults() ListenConfig {
	orInt64 := func(v *int64, def int64) {
		if *v == 0 {
			*v = def
		}
	}
	orInt := func(v *int, def int) {
		if *v == 0 {
			*v = def
		}
	}
	orTime := func(v *time.Duration, def time.Duration) {
		if *v == 0 {
			*v = def
		}
	}
	orInt64(&c.MaxBytes, 25<<20)
	orInt64(&c.MaxInFlight, 64<<20)
	c.MaxInFlight = max(c.MaxInFlight, c.MaxBytes)
	orInt(&c.MaxConnections, 100)
	orInt(&c.MaxPerAddress, 25)
	orInt(&c.MaxRecipients, 50)
	orInt(&c.MaxMistakes, 20)
	orTime(&c.CommandTimeout, time.Minute)
	orTime(&c.ConnTimeout, 10*time.Minute)
	return c
}

// Listener is a mail server that takes mail in and passes none on: it knows no sign-in, and takes only recipients that
// its Receiver knows.
type Listener struct {
	cfg      ListenConfig
	receiver Receiver
	on       net.Listener
	server   *smtp.Server
	inFlight atomic.Int64
	ctx      context.Context //nolint:containedctx // go-smtp hands none to its sessions
	stop     context.CancelFunc
}

// Listen opens the address. Messages are received once Run is called.
func Listen(ctx context.Context, cfg ListenConfig, r Receiver, now func() time.Time) (*Listener, error) {
	cfg = cfg.withDefaults()
	on, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("listen for mail on %s: %w", cfg.Addr, err)
	}
	l := &Listener{cfg: cfg, receiver: r}
	l.on = &gate{Listener: on, most: cfg.MaxConnections, each: cfg.MaxPerAddress, lifetime: cfg.ConnTimeout, now: now, from: map[string]int{}}
	l.ctx, l.stop = context.WithCancel(context.WithoutCancel(ctx))
	s := smtp.NewServer(smtp.BackendFunc(l.session))
	s.Domain, s.TLSConfig, s.MaxMessageBytes, s.MaxRecipients = cfg.Domain, cfg.TLS, cfg.MaxBytes, cfg.MaxRecipients
	s.ReadTimeout, s.WriteTimeout = cfg.CommandTimeout, cfg.CommandTimeout
	s.EnableSMTPUTF8 = true
	s.ErrorLog = quietLog{}
	l.server = s
	return l, nil
}

// Addr is where it listens.
func (l *Listener) Addr() net.Addr { return l.on.Addr() }

// Close gives the address back; for a listener that never ran.
func (l *Listener) Close() error {
	l.stop()
	return l.on.Close()
}

// Run receives until ctx ends. Messages under way then may finish for a moment; what was not confirmed, senders bring again.
func (l *Listener) Run(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() { ended <- l.server.Serve(l.on) }()
	select {
	case err := <-ended:
		l.stop()
		return err
	case <-ctx.Done():
	}
	const grace = 5 * time.Second
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	err := l.server.Shutdown(within)
	if errors.Is(err, context.DeadlineExceeded) {
		err = l.server.Close()
	}
	l.stop()
	err = errors.Join(err, <-ended)
	if errors.Is(err, net.ErrClosed) || errors.Is(err, smtp.ErrServerClosed) || errors.Is(err, context.DeadlineExceeded) {
		return nil // it was asked to end
	}
	return err
}

// quietLog drops what go-smtp tells of clients that broke off: on the open internet that is most of what it tells.
type quietLog struct{}

// Printf implements smtp.Logger.
func (quietLog) Printf(format string, v ...any) {
	level := slog.LevelDebug
	if strings.HasPrefix(format, "panic") {
		level = slog.LevelError
	}
	slog.Log(context.Background(), level, "mail listener: "+fmt.Sprintf(format, v...))
}

// Println implements smtp.Logger.
func (quietLog) Println(v ...any) { slog.Debug("mail listener: " + fmt.Sprint(v...)) }

// session is one connection, and the message it is handing over.
type session struct {
	l        *Listener
	conn     *smtp.Conn
	from     string
	to       []string
	mistakes int
}

func (l *Listener) session(c *smtp.Conn) (smtp.Session, error) { return &session{l: l, conn: c}, nil }

// reply is an answer in SMTP's words. go-smtp looks at the type, not at the chain.
func reply(code int, enhanced smtp.EnhancedCode, text string) *smtp.SMTPError {
	return &smtp.SMTPError{Code: code, EnhancedCode: enhanced, Message: text}
}

var (
	errLater    = reply(451, smtp.EnhancedCode{4, 3, 0}, "Cannot be kept just now, please try again later")
	errCrowded  = reply(452, smtp.EnhancedCode{4, 3, 1}, "Too much mail at once, please try again later")
	errMistakes = reply(421, smtp.EnhancedCode{4, 7, 0}, "Too many unknown recipients")
)

// Reset implements smtp.Session.
func (s *session) Reset() { s.from, s.to = "", nil }

// Logout implements smtp.Session.
func (s *session) Logout() error { return nil }

// Mail implements smtp.Session. Anybody may send, the null sender too: bounces come from it.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if from != "" {
		local, domain, ok := cutAddress(from)
		if !ok {
			return reply(553, smtp.EnhancedCode{5, 1, 7}, "This is no address that could be answered")
		}
		from = local + "@" + domain
	}
	s.from = from
	return nil
}

// Rcpt implements smtp.Session.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.mistakes++; s.mistakes > s.l.cfg.MaxMistakes { // taken back below for whoever exists
		if s.mistakes > s.l.cfg.MaxMistakes+1 {
			_ = s.conn.Close() // whoever guesses addresses and does not listen is not talked to any longer
		}
		return errMistakes
	}
	err := s.l.receiver.Recipient(s.l.ctx, to, s.to)
	switch {
	case err == nil:
		s.mistakes--
		s.to = append(s.to, to)
		return nil
	case errors.Is(err, ErrSeparately):
		s.mistakes--
		return reply(452, smtp.EnhancedCode{4, 5, 3}, "Please send to this recipient in a message of its own")
	case errors.Is(err, ErrRelay):
		return reply(550, smtp.EnhancedCode{5, 7, 1}, "This server does not relay")
	case errors.Is(err, ErrNoSuchRecipient):
		return reply(550, smtp.EnhancedCode{5, 1, 1}, "There is no such recipient here")
	}
	s.mistakes--
	slog.WarnContext(s.l.ctx, "a recipient could not be looked up; the sender is asked to come again", "error", err)
	return errLater
}

// Data implements smtp.Session. What it returns nil for has been kept.
func (s *session) Data(r io.Reader) error {
	raw, err := s.read(r)
	if err != nil {
		return err
	}
	defer s.l.inFlight.Add(-int64(len(raw)))
	in := Incoming{Hello: clean(s.conn.Hostname()), From: s.from, To: s.to, Raw: raw}
	if host, _, err := net.SplitHostPort(s.conn.Conn().RemoteAddr().String()); err == nil {
		in.IP = net.ParseIP(host)
	}
	_, in.TLS = s.conn.TLSConnectionState()
	err = s.l.receiver.Receive(s.l.ctx, in)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrLoop):
		return reply(554, smtp.EnhancedCode{5, 4, 6}, "This message goes round in circles")
	case errors.Is(err, ErrRefused):
		return reply(554, smtp.EnhancedCode{5, 7, 1}, "This message is not accepted")
	}
	slog.WarnContext(s.l.ctx, "a message could not be kept; the sender is asked to come again", "error", err)
	return errLater
}

// clean is what a server calls itself, as a database takes it.
func clean(hello string) string {
	const most = 255
	hello = strings.ReplaceAll(line(hello), "\x00", "")
	if len(hello) > most {
		hello = strings.ToValidUTF8(hello[:most], "")
	}
	return hello
}

// read takes the message in while all messages under way fit into memory. Its bytes count until the message is kept.
func (s *session) read(r io.Reader) ([]byte, error) {
	const piece = 64 << 10
	var b bytes.Buffer
	for {
		n, err := io.CopyN(&b, r, piece)
		total := s.l.inFlight.Add(n)
		whole := errors.Is(err, io.EOF)
		switch {
		case err != nil && !whole:
			s.l.inFlight.Add(-int64(b.Len()))
			if tooLarge, ok := errors.AsType[*smtp.SMTPError](err); ok {
				return nil, tooLarge
			}
			return nil, errLater
		case total > s.l.cfg.MaxInFlight:
			s.l.inFlight.Add(-int64(b.Len()))
			return nil, errCrowded
		case whole:
			return b.Bytes(), nil
		}
	}
}

// gate bounds how many connections there are, from one address and in all, and how long each may last.
type gate struct {
	net.Listener
	most, each int
	lifetime   time.Duration
	now        func() time.Time

	mu   sync.Mutex
	all  int
	from map[string]int
}

// Accept implements net.Listener.
func (g *gate) Accept() (net.Conn, error) {
	for {
		conn, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		host, _, err := net.SplitHostPort(conn.RemoteAddr().String())
		if err != nil {
			host = conn.RemoteAddr().String()
		}
		if g.enter(host) {
			return &guarded{Conn: conn, end: g.now().Add(g.lifetime), leave: sync.OnceFunc(func() { g.leave(host) })}, nil
		}
		go turnAway(conn)
	}
}

// turnAway tells a client too many to come again.
func turnAway(conn net.Conn) {
	_ = conn.SetDeadline(time.Now().Add(time.Second)) //nolint:forbidigo // a socket's deadline is the machine's time
	_, _ = io.WriteString(conn, "421 4.7.0 Too many connections, please try again later\r\n")
	_ = conn.Close()
}

func (g *gate) enter(host string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.all >= g.most || g.from[host] >= g.each {
		return false
	}
	g.all++
	g.from[host]++
	return true
}

func (g *gate) leave(host string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all--
	if g.from[host]--; g.from[host] <= 0 {
		delete(g.from, host)
	}
}

// guarded is a connection that ends at a fixed time, however lively its other side is.
type guarded struct {
	net.Conn
	end   time.Time
	leave func()
}

func (c *guarded) bound(t time.Time) time.Time {
	if t.IsZero() || t.After(c.end) {
		return c.end
	}
	return t
}

// SetDeadline implements net.Conn.
func (c *guarded) SetDeadline(t time.Time) error { return c.Conn.SetDeadline(c.bound(t)) }

// SetReadDeadline implements net.Conn.
func (c *guarded) SetReadDeadline(t time.Time) error { return c.Conn.SetReadDeadline(c.bound(t)) }

// SetWriteDeadline implements net.Conn.
func (c *guarded) SetWriteDeadline(t time.Time) error { return c.Conn.SetWriteDeadline(c.bound(t)) }

// Close implements net.Conn.
func (c *guarded) Close() error {
	c.leave()
	return c.Conn.Close()
}
