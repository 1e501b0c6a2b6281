package messagesapi_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	netmail "net/mail"
	"net/smtp"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/app"
	"github.com/rooftop-crm/rooftop/internal/apptest"
	"github.com/rooftop-crm/rooftop/internal/messages"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
	"github.com/rooftop-crm/rooftop/internal/platform/mail"
	"github.com/rooftop-crm/rooftop/internal/platform/mail/mailtest"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Run(m)) }

type object = map[string]any

// world is a program with a mail server to send by and a listener of its own.
type world struct {
	*apptest.Program
	*apptest.Account
	server *mailtest.Server
	record string // of the DKIM key, as it would be in DNS
}

func newWorld(t *testing.T, change ...func(*app.Config)) *world {
	t.Helper()
	w := &world{server: mailtest.Start(t, "")}
	_, ownerURL := dbtest.URLs(t)
	cfg := apptest.Config(t, ownerURL)
	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	w.record = "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey))
	cfg.DKIMKeyFile, cfg.DKIMSelector = filepath.Join(t.TempDir(), "dkim.pem"), "s1"
	require.NoError(t, os.WriteFile(cfg.DKIMKeyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	cfg.SMTPURL, cfg.SMTPCAFile = "smtp://ada:"+mailtest.Password+"@"+w.server.Addr, w.server.CAFile(t)
	cfg.MailFrom, cfg.MailDomain, cfg.SMTPListen = "no-reply@crm.fr.example", "in.fr.example", "127.0.0.1:0"
	for _, c := range change {
		c(&cfg)
	}
	w.Program = apptest.Start(t, cfg, ownerURL)
	w.Account = w.Program.Account(t)
	return w
}

// await waits until a mail is in a state.
func (w *world) await(t *testing.T, id, state string) *apptest.Answer {
	t.Helper()
	var got *apptest.Answer
	apptest.Await(t, "the mail is "+state, func() bool {
		got = w.Get("/v1/mails/" + id).Is(http.StatusOK)
		return got.Str("state") == state
	})
	return got
}

// test sends a test message.
func (w *world) test(t *testing.T) string {
	t.Helper()
	return w.Post("/v1/message-templates/test", object{"name": "user.security_notice", "language": "fr"}).Is(http.StatusCreated).Str("id")
}

// hand gives the program's listener a message, as any server does.
func (w *world) hand(from, to string, raw []byte) error {
	c, err := smtp.Dial(w.MailAddr().String())
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if err := errors.Join(c.Hello("mta.fr.example"), c.Mail(from)); err != nil {
		return err
	}
	for r := range strings.SplitSeq(to, ",") {
		if err := c.Rcpt(r); err != nil {
			return err
		}
	}
	body, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := body.Write(raw); err != nil {
		return err
	}
	return body.Close()
}

func code(t *testing.T, err error) int {
	t.Helper()
	var e *textproto.Error
	require.ErrorAs(t, err, &e)
	return e.Code
}

func lines(l ...string) []byte { return []byte(strings.Join(l, "\r\n") + "\r\n") }

// oneRecord is a DNS with one text in it.
type oneRecord struct {
	net.Resolver
	name, text string
}

func (o *oneRecord) LookupTXT(_ context.Context, name string) ([]string, error) {
	if strings.TrimSuffix(name, ".") == o.name {
		return []string{o.text}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func TestMailLeavesAndComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.test(t)
	sent := w.await(t, id, "sent")
	assert.NotEmpty(t, sent.Str("sent_at"))
	got := w.server.To(w.AdminEmail)
	require.Len(t, got, 1)
	assert.True(t, got[0].TLS)
	assert.Equal(t, "ada", w.server.User())
	m, err := netmail.ReadMessage(bytes.NewReader(got[0].Raw)) // a reader that shares no code with what wrote it
	require.NoError(t, err)
	assert.Equal(t, "<"+sent.Str("message_id")+">", m.Header.Get("Message-Id"))
	assert.Equal(t, "auto-generated", m.Header.Get("Auto-Submitted"))
	from, err := m.Header.AddressList("From")
	require.NoError(t, err)
	assert.Equal(t, "no-reply@crm.fr.example", from[0].Address)
	assert.Equal(t, sent.Str("from.name"), from[0].Name, "the account's name")
	dns := &oneRecord{name: "s1._domainkey.crm.fr.example", text: w.record}
	assert.Equal(t, mail.ResultPass, mail.Check(t.Context(), dns, nil, "mx", got[0].From, got[0].Raw).DKIM)
	assert.Contains(t, sent.Str("text"), "Votre mot de passe a été changé.")

	// Whoever could not deliver it reports to the envelope's sender.
	require.True(t, strings.HasPrefix(got[0].From, "bounce+"), got[0].From)
	require.NoError(t, w.hand("", got[0].From, lines(
		"From: mailer-daemon@mx.fr.example", "Auto-Submitted: auto-replied", `Content-Type: multipart/report; report-type=delivery-status; boundary="b"`, "MIME-Version: 1.0", "",
		"--b", "Content-Type: text/plain", "", "Sorry.", "--b", "Content-Type: message/delivery-status", "", "Reporting-MTA: dns; mx.fr.example", "",
		"Final-Recipient: rfc822; "+w.AdminEmail, "Action: failed", "Status: 5.1.1", "Diagnostic-Code: smtp; 550 no such user", "", "--b--")))
	back := w.await(t, id, "bounced")
	assert.Equal(t, "bounce", back.Str("error.stage"))
	assert.Equal(t, "5.1.1 550 no such user", back.Str("error.detail"))
	about := w.Get("/v1/inbound-messages?purpose=bounce&mail_id=" + id).Is(http.StatusOK)
	require.Len(t, about.List("data"), 1)
	assert.Equal(t, "handled", about.Str("data.0.state"))

	again := w.Post("/v1/mails/"+id+"/resend", nil, "Idempotency-Key", "again").Is(http.StatusOK)
	assert.Equal(t, again.Body, w.Post("/v1/mails/"+id+"/resend", nil, "Idempotency-Key", "again").Is(http.StatusOK).Body)
	w.await(t, id, "sent")
	got = w.server.To(w.AdminEmail)
	require.Len(t, got, 2)
	assert.Contains(t, string(got[1].Raw), sent.Str("message_id"))
	assert.Equal(t, "mail.not_resendable", w.Post("/v1/mails/"+id+"/resend", nil).Is(http.StatusConflict).Code())
	var kinds []string
	apptest.Await(t, "the events are numbered", func() bool {
		kinds = nil
		told := w.Get("/v1/events?resource=mail&limit=50").Is(http.StatusOK)
		for i := range told.List("data") {
			assert.Equal(t, "mail/"+id, told.Str(fmt.Sprintf("data.%d.subject", i)))
			kinds = append(kinds, told.Str(fmt.Sprintf("data.%d.type", i)))
		}
		return len(kinds) >= 7
	})
	assert.Equal(t, []string{"mail.created", "mail.sending", "mail.sent", "mail.bounced", "mail.resent", "mail.sending", "mail.sent"}, kinds)
}

// After the first byte has left nothing is sent again by itself; before, everything is tried again.
func TestMailAtMostOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.server.Cut(true)
	id := w.test(t)
	lost := w.await(t, id, "unknown")
	assert.Equal(t, "data", lost.Str("error.stage"))
	require.Len(t, w.server.To(w.AdminEmail), 1, "it did arrive, and nobody knows")
	w.server.Cut(false)
	w.Post("/v1/mails/"+id+"/resend", nil, "If-Match", `"1"`).Is(http.StatusPreconditionFailed)
	w.Post("/v1/mails/"+id+"/resend", nil).Is(http.StatusOK)
	w.await(t, id, "sent")

	var asked atomic.Int32
	w.server.Recipients(func(string) error {
		if asked.Add(1) == 1 {
			return mailtest.Answer(450, "greylisted")
		}
		return nil
	})
	w.await(t, w.test(t), "sent")
	assert.EqualValues(t, 2, asked.Load(), "tried again")

	w.server.Recipients(func(string) error { return mailtest.Answer(550, "no such user") })
	refused := w.await(t, w.test(t), "failed")
	assert.Equal(t, "to", refused.Str("error.stage"))
	assert.InDelta(t, 550, refused.At("error.code"), 0)
	assert.Equal(t, "5.0.0 no such user", refused.Str("error.detail"))
	assert.Len(t, w.Get("/v1/mails?state=failed,unknown&to="+w.AdminEmail).Is(http.StatusOK).List("data"), 1)
}

func TestMailWaitsForAServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *app.Config) { c.Env, c.SMTPURL, c.SMTPListen = "production", "", "" })
	id := w.test(t)
	apptest.Await(t, "it was looked at", func() bool { return w.Get("/v1/mails/"+id).Is(http.StatusOK).Str("state") == "queued" })
	assert.Nil(t, w.MailAddr(), "and nobody listens")
}

// What is for its recipient alone is shown to nobody, and forgotten once it is sent.
func TestMailConfidential(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, err := w.Messages.Queue(t.Context(), w.Account.ID, messages.NewMail{
		Template: "user.password_reset", To: "helene@fr.example", Language: "fr-CA", Replies: true, Vars: map[string]string{"link": "https://crm.example/r?a=1&b=<2>", "expires_at": "2026-12-01T09:00:00Z"},
	})
	require.NoError(t, err)
	got := w.await(t, m.ID.String(), "sent")
	assert.Nil(t, got.At("text"))
	assert.NotContains(t, string(got.Body), "crm.example/r")
	raw := w.server.To("helene@fr.example")[0].Raw
	read, err := mail.Read(raw, "")
	require.NoError(t, err)
	assert.Contains(t, read.Text, "https://crm.example/r?a=1&b=<2>")
	assert.Contains(t, read.Text, "1 décembre 2026 à 10:00 CET")
	assert.Contains(t, read.HTML, `<a href="https://crm.example/r?a=1&amp;b=&lt;2&gt;">`)
	h, err := netmail.ReadMessage(bytes.NewReader(raw))
	require.NoError(t, err)

	// An answer finds the mail that it answers.
	reply, err := h.Header.AddressList("Reply-To")
	require.NoError(t, err)
	require.NoError(t, w.hand("helene@fr.example", strings.ToUpper(reply[0].Address[:6])+reply[0].Address[6:], lines("From: helene@fr.example", "Subject: Re", "Message-ID: <r1@fr.example>", "", "Merci.")))
	apptest.Await(t, "the answer is handled", func() bool {
		return len(w.Get("/v1/inbound-messages?purpose=reply&state=handled&mail_id="+m.ID.String()).Is(http.StatusOK).List("data")) == 1
	})
	_, err = w.Messages.Queue(t.Context(), w.Account.ID, messages.NewMail{Template: "user.password_reset", To: "x@fr.example"})
	require.Error(t, err, "without its link it is of no use")
	_, err = w.Messages.Queue(t.Context(), w.Account.ID, messages.NewMail{Template: "user.security_notice", To: "x@fr.example\r\nBcc: y@fr.example", Vars: map[string]string{"notice": "n"}})
	require.ErrorIs(t, err, messages.ErrBadRecipient)
	_, err = w.Messages.Queue(t.Context(), w.Account.ID, messages.NewMail{Template: "user.security_notice", To: "x@fr.example", Bulk: true, Vars: map[string]string{"notice": "n"}})
	require.Error(t, err, "bulk mail needs a way out")
}

func TestTemplates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	word := func(language string, dealership any, subject string) *apptest.Answer {
		return w.Post("/v1/message-templates", object{
			"name": "user.security_notice", "language": language, "dealership_id": dealership, "subject": subject, "text": "T {{notice}}",
		})
	}
	preview := func(language string, dealership any) string {
		return w.Post("/v1/message-templates/preview", object{"name": "user.security_notice", "language": language, "dealership_id": dealership}).Is(http.StatusOK).Str("subject")
	}
	second := w.AddDealership("Garage du Nord")
	assert.Contains(t, preview("fr", nil), "Sécurité de votre accès à ", "built in")
	assert.Contains(t, preview("en", nil), "Security of your access to ")
	assert.Contains(t, preview("sv", nil), "Sécurité de votre accès à ", "the account's language, for want of Swedish")
	made := word("fr", nil, "Du compte").Is(http.StatusCreated)
	assert.Equal(t, "message_template.taken", word("FR", nil, "Encore").Is(http.StatusConflict).Code())
	word("fr", second, "Du garage, {{dealership_name}}").Is(http.StatusCreated)
	word("sv", nil, "Svenska").Is(http.StatusCreated)
	assert.Equal(t, "Du compte", preview("fr", nil))
	assert.Equal(t, "Du compte", preview("fr-CA", w.Dealership), "without the region; of all dealerships")
	assert.Equal(t, "Du garage, Garage du Nord", preview("fr", second))
	assert.Contains(t, preview("en", second), "Security of", "the language counts before whose it is")
	assert.Equal(t, "Svenska", preview("sv", second))

	bad := w.Post("/v1/message-templates", object{
		"name": "user.security_notice", "language": "xx-nonsense-", "subject": "{{nobody}}", "text": "{{#notice}} {{first_name}", "html": "{{/notice}}",
	}).Is(http.StatusUnprocessableEntity)
	assert.Contains(t, string(bad.Body), `There is no variable \"nobody\" in this message. There are: first_name, notice, at, account_name, dealership_name.`)
	for _, pointer := range []string{"/language", "/subject", "/text", "/html"} {
		assert.Contains(t, string(bad.Body), `"pointer":"`+pointer+`"`)
	}
	shown := w.Post("/v1/message-templates/preview", object{
		"name": "user.security_notice", "language": "en", "variables": []any{object{"name": "notice", "value": "<script>{{first_name}}\nx"}},
		"wording": object{"subject": "S {{notice}}", "text": "T {{notice}}{{#at}} at{{/at}}", "html": `<p title="{{notice}}">{{notice}}</p>`},
	}).Is(http.StatusOK)
	assert.Equal(t, "S <script>{{first_name}} x", shown.Str("subject"), "one line, and no second reading of what was put in")
	assert.Equal(t, "T <script>{{first_name}}\nx at", shown.Str("text"))
	assert.NotContains(t, shown.Str("html"), "<script>")

	path := "/v1/message-templates/" + made.Str("id")
	for field, value := range map[string]any{"subject": "S2", "text": "T2 {{notice}}", "html": "<b>{{notice}}</b>"} {
		changed := w.JSON(http.MethodPatch, path, object{field: value}).Is(http.StatusOK)
		assert.Equal(t, value, changed.Str(field))
	}
	w.JSON(http.MethodPatch, path, object{"text": "T"}, "If-Match", `"1"`).Is(http.StatusPreconditionFailed)
	assert.Nil(t, w.JSON(http.MethodPatch, path, object{"html": nil}).Is(http.StatusOK).At("html"))
	w.JSON(http.MethodDelete, path, nil).Is(http.StatusNoContent)
	w.Get(path).Is(http.StatusNotFound)
	assert.Contains(t, preview("fr", nil), "Sécurité de votre accès à ")
	word("fr", nil, "Neuf").Is(http.StatusCreated)
	assert.Len(t, w.Get("/v1/message-kinds").Is(http.StatusOK).List("data"), len(messages.Kinds()))
}

func TestMailComesIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := w.Program.Account(t)
	open := func(a *apptest.Account, acknowledge bool) *apptest.Answer {
		return a.Post("/v1/mail-addresses", object{"label": "Garage de l'Été & Fils", "dealership_id": a.Dealership, "acknowledge": acknowledge}).Is(http.StatusCreated)
	}
	made := open(w.Account, false)
	address := made.Str("address")
	assert.Regexp(t, `^garage-de-l-ete-fils-[a-z2-7]{8}@in\.fr\.example$`, address)
	raw := lines("From: Hélène <helene@fr.example>", "Subject: =?utf-8?Q?V=C3=A9hicule?=", "Message-ID: <m1@fr.example>", "Content-Type: multipart/mixed; boundary=b", "", "--b",
		"Content-Type: text/plain; charset=utf-8", "", "Est-elle toujours là ?", "--b", `Content-Disposition: attachment; filename="photo.jpg"`, "Content-Type: image/jpeg", "", "JPEG", "--b--")
	list := func() []any {
		return w.Get("/v1/inbound-messages?address_id=" + made.Str("id")).Is(http.StatusOK).List("data")
	}
	for range 2 { // a sender that lost our answer
		require.NoError(t, w.hand("helene@fr.example", strings.ToUpper(address), raw))
	}
	require.Len(t, list(), 1)
	id := w.Get("/v1/inbound-messages").Str("data.0.id")
	var in *apptest.Answer
	apptest.Await(t, "its sender was looked up", func() bool {
		in = w.Get("/v1/inbound-messages/" + id).Is(http.StatusOK)
		return in.At("checks") != nil
	})
	assert.Equal(t, "received", in.Str("state"), "nobody reads enquiries yet, and nothing is lost")
	assert.Equal(t, "Véhicule", in.Str("subject"))
	assert.Equal(t, "Est-elle toujours là ?", strings.TrimSpace(in.Str("text")))
	assert.Equal(t, "photo.jpg", in.Str("attachments.0.name"))
	assert.Equal(t, "personal", in.Str("kind"))
	assert.Equal(t, raw, w.Get("/v1/inbound-messages/"+id+"/raw", "Accept", "application/octet-stream").Is(http.StatusOK).Body, "byte for byte")
	require.NoError(t, w.hand("helene@fr.example", address, bytes.Replace(raw, []byte("m1@"), []byte("m2@"), 1)))
	require.Len(t, list(), 2, "another message")

	mine := open(other, false).Str("address")
	assert.Equal(t, 452, code(t, w.hand("helene@fr.example", address+","+mine, raw)), "of another account: in a message of its own")
	for _, to := range []string{"nobody@in.fr.example", "reply+x@in.fr.example", "victim@elsewhere.example", "victim%elsewhere.example@in.fr.example", `"victim@elsewhere.example"@in.fr.example`} {
		assert.Equal(t, 550, code(t, w.hand("helene@fr.example", to, raw)), to)
	}
	round := append([]byte(strings.Repeat("Received: by a\r\n", 101)), raw...)
	assert.Equal(t, 554, code(t, w.hand("helene@fr.example", address, round)), "in circles")
	w.JSON(http.MethodDelete, "/v1/mail-addresses/"+made.Str("id"), nil).Is(http.StatusNoContent)
	assert.Equal(t, 550, code(t, w.hand("helene@fr.example", address, raw)), "it has ended")
	require.Len(t, list(), 2)
}

// A program is never answered; a person is, once a day, by a message that nobody should answer.
func TestNoLoop(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := w.Post("/v1/mail-addresses", object{"label": "desk", "acknowledge": true}).Is(http.StatusCreated)
	address, id := made.Str("address"), made.Str("id")
	settled := func(n int) {
		t.Helper()
		apptest.Await(t, "all is read", func() bool {
			all := w.Get("/v1/inbound-messages?limit=200&address_id=" + id).Is(http.StatusOK)
			for i := range all.List("data") {
				if all.At(fmt.Sprintf("data.%d.checks", i)) == nil {
					return false
				}
			}
			return len(all.List("data")) == n
		})
	}
	for i, h := range []string{
		"Auto-Submitted: auto-replied", "Precedence: bulk", "X-Autoreply: yes", "List-Id: <l.fr.example>", "Reply-To: noreply@fr.example",
	} {
		require.NoError(t, w.hand("robot@fr.example", address, lines("From: robot@fr.example", fmt.Sprintf("Message-ID: <a%d@fr.example>", i), h, "", "x")))
	}
	require.NoError(t, w.hand("", address, lines("From: robot@fr.example", "Message-ID: <null@fr.example>", "", "x")))
	require.NoError(t, w.hand(address, address, lines("From: "+address, "Message-ID: <self@fr.example>", "", "x")), "from itself")
	settled(7)
	assert.Empty(t, w.Get("/v1/mails").Is(http.StatusOK).List("data"))

	// Two programs that answer each other: ours, and one that marks nothing.
	for i := range 5 {
		require.NoError(t, w.hand("other@fr.example", address, lines("From: other@fr.example", "Subject: Out of office", fmt.Sprintf("Message-ID: <o%d@fr.example>", i), "", "x")))
	}
	settled(12)
	all := w.Get("/v1/mails?template=message.received").Is(http.StatusOK)
	require.Len(t, all.List("data"), 1)
	w.await(t, all.Str("data.0.id"), "sent")
	got := w.server.To("other@fr.example")
	require.Len(t, got, 1)
	assert.Empty(t, got[0].From, "nobody is told when it does not arrive")
	h, err := netmail.ReadMessage(bytes.NewReader(got[0].Raw))
	require.NoError(t, err)
	assert.Equal(t, "auto-replied", h.Header.Get("Auto-Submitted"))
	assert.Regexp(t, `^<o\d@fr\.example>$`, h.Header.Get("In-Reply-To"))
	require.NoError(t, w.hand("", address, got[0].Raw), "and when it comes back to us")
	settled(13)
	assert.Len(t, w.Get("/v1/mails").Is(http.StatusOK).List("data"), 1)
}
