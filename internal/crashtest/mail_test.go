package crashtest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/smtp"
	"net/textproto"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
	"github.com/rooftop-crm/rooftop/internal/platform/mail"
	"github.com/rooftop-crm/rooftop/internal/platform/mail/mailtest"
)

// floodSize is how many mails come in: 100, and two for each of ROOFTOP_ROUNDS.
func floodSize(t *testing.T) int {
	t.Helper()
	text := os.Getenv("ROOFTOP_ROUNDS")
	if text == "" {
		return 100
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err, "ROOFTOP_ROUNDS")
	return 2 * n
}

const mailSenders = 20

var listeningForMail = regexp.MustCompile(`msg="listening for mail" address=(\S+)`)

// flood is mail servers that come again until each of their messages was taken.
type flood struct {
	to        string
	listener  string
	next      atomic.Int64
	size      int64
	taken     atomic.Int64
	later     atomic.Int64 // answers that ask to come again
	cutOff    atomic.Int64
	refused   atomic.Int64
	duplicate atomic.Int64 // sent once more though they were taken: the sender lost the answer
}

// deliver hands one message over until it is taken.
func (f *flood) deliver(ctx context.Context, n int64) error {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		err := f.once(n)
		if err == nil {
			return nil
		}
		switch reply, ok := errors.AsType[*textproto.Error](err); {
		case !ok:
			f.cutOff.Add(1)
		case reply.Code < 500:
			f.later.Add(1)
		default:
			f.refused.Add(1)
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-again.C:
		}
	}
}

func (f *flood) once(n int64) error {
	c, err := smtp.Dial(f.listener)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if err := errors.Join(c.Hello("mta.fr.example"), c.Mail("shopper@fr.example"), c.Rcpt(f.to)); err != nil {
		return err
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "From: shopper@fr.example\r\nMessage-ID: <flood-%d@fr.example>\r\n\r\n%s", n, strings.Repeat("Is it still there?\r\n", int(n%40)*20)); err != nil {
		return err
	}
	return w.Close()
}

func (f *flood) run(ctx context.Context) error {
	for n := f.next.Add(1); n <= f.size; n = f.next.Add(1) {
		if err := f.deliver(ctx, n); err != nil {
			return err
		}
		f.taken.Add(1)
		if n%10 == 0 {
			if err := f.deliver(ctx, n); err != nil {
				return err
			}
			f.duplicate.Add(1)
		}
	}
	return nil
}

// While Postgres is away senders are asked to come again; what was confirmed is there, once.
func TestMailIsNeitherLostNorDoubled(t *testing.T) {
	t.Parallel()
	c, s := newCluster(t)
	p := start(t, s.with(settings{"ROOFTOP_SMTP_LISTEN": "127.0.0.1:0", "ROOFTOP_MAIL_DOMAIN": "in.fr.example", "ROOFTOP_MAIL_CHECKS": "false"}))
	a := newAccount(t, s, p.URL)
	f := &flood{
		to: a.Post("/v1/mail-addresses", apptest.Object{"label": "desk"}).Is(http.StatusCreated).Str("address"), size: int64(floodSize(t)),
		listener: listeningForMail.FindStringSubmatch(p.log.text())[1],
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var senders sync.WaitGroup
	failures := make(chan error, mailSenders)
	for range mailSenders {
		senders.Go(func() { failures <- f.run(ctx) })
	}
	for i := range int64(2) {
		apptest.Await(t, "mail comes in", func() bool { return f.taken.Load() >= f.size*(i+1)/4 })
		before, postmaster := f.later.Load(), c.postmaster()
		back := c.keepDown(t)
		require.NoError(t, syscall.Kill(postmaster, syscall.SIGKILL))
		apptest.Await(t, "senders are asked to come again", func() bool { return f.later.Load() > before+mailSenders })
		back()
		apptest.Await(t, "Postgres is back", func() bool {
			pid := c.postmaster()
			return pid != 0 && pid != postmaster && statusOf(p.URL+"/readyz") == http.StatusOK
		})
	}
	senders.Wait()
	close(failures)
	for err := range failures {
		require.NoError(t, err)
	}
	assert.Zero(t, f.refused.Load())
	conn, err := pgx.Connect(t.Context(), c.url(t))
	require.NoError(t, err)
	defer func() { _ = conn.Close(context.Background()) }()
	assert.Equal(t, f.size, ask[int64](t, conn, "SELECT count(DISTINCT message_id) FROM inbound_messages"), "none lost")
	assert.Equal(t, f.size, ask[int64](t, conn, "SELECT count(*) FROM inbound_messages"), "none doubled")
	assert.Zero(t, ask[int64](t, conn, `SELECT count(*) FROM inbound_messages m WHERE sha256 <> (SELECT sha256(string_agg(body, '' ORDER BY part))
		FROM inbound_message_parts p WHERE p.account_id = m.account_id AND p.message_id = m.id)`), "each as it was sent")
	t.Logf("%d mails by %d senders, %d of them twice; asked to come again %d times, cut off %d times", f.size, mailSenders, f.duplicate.Load(), f.later.Load(), f.cutOff.Load())
}

// A process that dies while a mail leaves does not send it again, and nor does another.
func TestMailIsSentAtMostOnce(t *testing.T) {
	t.Parallel()
	server := mailtest.Start(t, "")
	holding, release := make(chan struct{}), make(chan struct{})
	var reached sync.Once
	server.Messages(func(mail.Incoming) error {
		reached.Do(func() { close(holding) })
		<-release
		return nil
	})
	t.Cleanup(sync.OnceFunc(func() { close(release) }))
	_, ownerURL := dbtest.URLs(t)
	s := on(t, ownerURL).with(settings{"ROOFTOP_SMTP_URL": "smtp://" + server.Addr, "ROOFTOP_SMTP_CA_FILE": server.CAFile(t), "ROOFTOP_MAIL_FROM": "no-reply@fr.example"})
	p := start(t, s)
	a := newAccount(t, s, p.URL)
	id := a.Post("/v1/message-templates/test", apptest.Object{"name": "user.security_notice"}).Is(http.StatusCreated).Str("id")
	select {
	case <-holding:
	case <-time.After(patience):
		require.FailNow(t, "the mail does not leave")
	}
	require.Equal(t, "sending", a.Get("/v1/mails/"+id).Is(http.StatusOK).Str("state"))
	p.kill()

	conn := owner(t, ownerURL)
	_, err := conn.Exec(t.Context(), "UPDATE river_job SET attempted_at = attempted_at - interval '10 minutes' WHERE state = 'running'")
	require.NoError(t, err) // as if it had been long ago
	again := start(t, s)
	a = &apptest.Account{Caller: (&apptest.Program{URL: again.URL}).SignIn(t, a.AdminEmail), AdminEmail: a.AdminEmail}
	apptest.Await(t, "nobody knows what became of it", func() bool {
		return a.Get("/v1/mails/"+id).Is(http.StatusOK).Str("state") == "unknown"
	})
	again.stop(t)
	assert.LessOrEqual(t, len(server.Received()), 1)
}
