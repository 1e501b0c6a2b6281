package mail_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/platform/mail"
)

// mailbox is a Receiver with one address, anna@fr.example; ben@fr.example wants messages of his own.
type mailbox struct {
	mu    sync.Mutex
	got   []mail.Incoming
	fault error
}

func (m *mailbox) Recipient(_ context.Context, to string, already []string) error {
	switch {
	case to == "anna@fr.example":
		return nil
	case to == "ben@fr.example" && len(already) > 0:
		return mail.ErrSeparately
	case to == "later@fr.example":
		return errors.New("the database is gone")
	case strings.HasSuffix(to, "@fr.example"):
		return mail.ErrNoSuchRecipient
	}
	return mail.ErrRelay
}

func (m *mailbox) Receive(_ context.Context, in mail.Incoming) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fault != nil {
		return m.fault
	}
	m.got = append(m.got, in)
	return nil
}

func listen(t *testing.T, cfg mail.ListenConfig) (*mailbox, string) {
	t.Helper()
	cfg.Addr, cfg.Domain = "127.0.0.1:0", "mx.fr.example"
	box := &mailbox{}
	l, err := mail.Listen(t.Context(), cfg, box, time.Now)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		assert.NoError(t, <-ended)
	})
	return box, l.Addr().String()
}

func dial(t *testing.T, addr string) *smtp.Client {
	t.Helper()
	c, err := smtp.Dial(addr)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.Hello("mta.fr.example"))
	return c
}

func codeOf(t *testing.T, err error) int {
	t.Helper()
	var e *textproto.Error
	require.ErrorAs(t, err, &e)
	return e.Code
}

func hand(c *smtp.Client, body []byte) error {
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(body); err != nil {
		return err
	}
	return w.Close()
}

func TestListenKeepsWhatItConfirms(t *testing.T) {
	t.Parallel()
	cert, err := mail.SelfSigned("mx.fr.example", time.Now())
	require.NoError(t, err)
	box, addr := listen(t, mail.ListenConfig{TLS: cert})
	c := dial(t, addr)
	require.NoError(t, c.StartTLS(&tls.Config{InsecureSkipVerify: true}))
	body := crlf("Subject: Bonjour", "", ".hidden dot", "é")
	require.NoError(t, c.Mail(""), "bounces have no sender")
	require.NoError(t, c.Rcpt("anna@fr.example"))
	assert.Equal(t, 452, codeOf(t, c.Rcpt("ben@fr.example")), "later, on his own")
	require.NoError(t, hand(c, body))
	require.Len(t, box.got, 1)
	in := box.got[0]
	assert.Equal(t, mail.Incoming{IP: in.IP, Hello: "mta.fr.example", TLS: true, To: []string{"anna@fr.example"}, Raw: body}, in)
	assert.True(t, in.IP.IsLoopback())

	for fault, want := range map[error]int{errors.New("no database"): 451, mail.ErrLoop: 554, mail.ErrRefused: 554} {
		box.mu.Lock()
		box.fault = fault
		box.mu.Unlock()
		require.NoError(t, c.Mail("carl@fr.example"))
		require.NoError(t, c.Rcpt("anna@fr.example"))
		assert.Equal(t, want, codeOf(t, hand(c, body)))
	}
	require.NoError(t, c.Mail("carl@fr.example"))
	assert.Equal(t, 451, codeOf(t, c.Rcpt("later@fr.example")))
	assert.Len(t, box.got, 1)
}

// The well-known ways to use somebody's server for mail to others.
func TestListenIsNoRelay(t *testing.T) {
	t.Parallel()
	box, addr := listen(t, mail.ListenConfig{MaxMistakes: 1000})
	for _, from := range []string{"<spam@elsewhere.example>", "<>", "<anna@fr.example>", "<spam@localhost>"} {
		for _, to := range []string{
			"<victim@elsewhere.example>", `<"victim@elsewhere.example"@fr.example>`, "<victim%elsewhere.example@fr.example>", "<elsewhere.example!victim@fr.example>",
			"<@fr.example:victim@elsewhere.example>", "<victim@elsewhere.example@fr.example>", "<victim%elsewhere.example@[127.0.0.1]>", "<victim@[127.0.0.1]>",
			"<victim>", "victim@elsewhere.example", "<>", "<anna@fr.example.elsewhere.example>", "<anna@elsewhere.example\x00@fr.example>",
		} {
			conn, err := net.Dial("tcp", addr)
			require.NoError(t, err)
			r := textproto.NewReader(bufio.NewReader(conn))
			ask := func(line string) int {
				_, err := fmt.Fprintf(conn, "%s\r\n", line)
				require.NoError(t, err)
				code, _, err := r.ReadResponse(0)
				require.NoError(t, err)
				return code
			}
			_, _, err = r.ReadResponse(220)
			require.NoError(t, err)
			ask("EHLO probe.elsewhere.example")
			ask("MAIL FROM:" + from)
			code := ask("RCPT TO:" + to)
			assert.GreaterOrEqual(t, code, 500, "%s %q", from, to)
			assert.GreaterOrEqual(t, ask("DATA"), 500)
			_ = conn.Close()
		}
	}
	c := dial(t, addr)
	offered, _ := c.Extension("AUTH")
	assert.False(t, offered, "nobody can sign in")
	assert.Empty(t, box.got)
}

func TestListenLimits(t *testing.T) {
	t.Parallel()
	box, addr := listen(t, mail.ListenConfig{MaxBytes: 10_000, MaxMistakes: 3, MaxPerAddress: 3, MaxRecipients: 2})
	c := dial(t, addr)
	require.NoError(t, c.Mail("a@fr.example"))
	require.NoError(t, c.Rcpt("anna@fr.example"))
	require.NoError(t, c.Rcpt("anna@fr.example"))
	assert.Equal(t, 452, codeOf(t, c.Rcpt("anna@fr.example")), "recipients of one message")
	assert.Equal(t, 552, codeOf(t, hand(c, bytes.Repeat([]byte("0123456789\r\n"), 1000))), "size")
	declared := dial(t, addr)
	_, err := declared.Text.Cmd("MAIL FROM:<a@fr.example> SIZE=20000")
	require.NoError(t, err)
	_, _, err = declared.Text.ReadResponse(250)
	assert.Equal(t, 552, codeOf(t, err), "size as it is announced")

	require.NoError(t, c.Mail("a@fr.example"))
	for range 3 {
		assert.Equal(t, 550, codeOf(t, c.Rcpt("guess@fr.example")))
	}
	assert.Equal(t, 421, codeOf(t, c.Rcpt("anna@fr.example")), "whoever guesses addresses is sent away")
	require.Error(t, c.Rcpt("anna@fr.example"))

	dial(t, addr)
	dial(t, addr)
	_, err = smtp.Dial(addr)
	assert.Equal(t, 421, codeOf(t, err), "connections from one address")
	assert.Empty(t, box.got)
}

func TestListenTakesNoMoreThanFitsIntoMemory(t *testing.T) {
	t.Parallel()
	box, addr := listen(t, mail.ListenConfig{MaxBytes: 1 << 20, MaxInFlight: 1 << 20})
	big := append([]byte("Subject: x\r\n\r\n"), bytes.Repeat([]byte("0123456789abcdef0123456789abcdef\r\n"), 18_000)...)
	first := dial(t, addr)
	require.NoError(t, first.Mail("a@fr.example"))
	require.NoError(t, first.Rcpt("anna@fr.example"))
	w, err := first.Data()
	require.NoError(t, err)
	_, err = w.Write(big) // not yet ended
	require.NoError(t, err)
	second := dial(t, addr)
	for err = nil; err == nil; { // the first one's bytes are on their way
		require.NoError(t, second.Mail("a@fr.example"))
		require.NoError(t, second.Rcpt("anna@fr.example"))
		err = hand(second, big)
	}
	assert.Equal(t, 452, codeOf(t, err))
	require.NoError(t, w.Close())
	box.mu.Lock()
	n := len(box.got)
	box.mu.Unlock()
	require.NoError(t, second.Mail("a@fr.example"))
	require.NoError(t, second.Rcpt("anna@fr.example"))
	require.NoError(t, hand(second, big), "room again")
	assert.Len(t, box.got, n+1)
}

func TestListenEndsConnectionsInTime(t *testing.T) {
	t.Parallel()
	_, addr := listen(t, mail.ListenConfig{ConnTimeout: 200 * time.Millisecond})
	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	require.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	r := bufio.NewReader(conn)
	for err == nil { // lively, and ended all the same
		if _, err = conn.Write([]byte("NOOP\r\n")); err == nil {
			_, err = r.ReadString('\n')
		}
	}
	var timeout net.Error
	assert.False(t, errors.As(err, &timeout) && timeout.Timeout(), "it was the server that ended it: %v", err)
}
