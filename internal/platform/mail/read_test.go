package mail_test

import (
	"net"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/platform/mail"
)

// bounce is what a server says of a message that it could not deliver.
var bounce = crlf(
	"Received: from a by b", "From: Mail Delivery Subsystem <mailer-daemon@mx.fr.example>", "To: bounce+x@fr.example", "Subject: Undelivered", "Auto-Submitted: auto-replied",
	`Content-Type: multipart/report; report-type=delivery-status; boundary="b1"`, "MIME-Version: 1.0", "", "--b1", "Content-Type: text/plain; charset=utf-8", "", "Sorry.", "--b1",
	"Content-Type: message/delivery-status", "", "Reporting-MTA: dns; mx.fr.example", "Arrival-Date: Mon, 2 Nov 2026 10:00:00 +0100", "",
	"Final-Recipient: rfc822; other@fr.example", "Action: delayed", "Status: 4.4.1", "",
	"Final-Recipient: rfc822; helene@fr.example", "Action: failed", "Status: 5.1.1 (bad mailbox)", "Diagnostic-Code: smtp; 550 5.1.1", " no such user", "", "--b1",
	"Content-Type: text/rfc822-headers", "", "Message-ID: <0192.a@fr.example>", "Subject: x", "", "--b1--",
)

func TestReadReport(t *testing.T) {
	t.Parallel()
	p, err := mail.Read(bounce, "")
	require.NoError(t, err)
	assert.Equal(t, mail.KindBounce, p.Kind)
	require.NotNil(t, p.Report)
	assert.Equal(t, mail.Report{
		Action: "failed", Status: "5.1.1", Recipient: "helene@fr.example", Diagnostic: "550 5.1.1 no such user", MessageID: "0192.a@fr.example",
	}, *p.Report)
	assert.True(t, p.Report.Failed())
	assert.False(t, (*mail.Report)(nil).Failed())
	assert.Nil(t, mail.ReadReport([]byte("Reporting-MTA: dns; x\n\n")))
	assert.Equal(t, "delayed", mail.ReadReport([]byte("Reporting-MTA: dns; x\n\nAction: delayed\nStatus: 9\n")).Action)
}

func TestReadWhatAPersonWrote(t *testing.T) {
	t.Parallel()
	raw := crlf(
		"From: =?ISO-8859-1?Q?H=E9l=E8ne?= <Helene@FR.Example>", "Subject: =?utf-8?B?UmU6IMOgIGJpZW50w7R0?=", "Message-ID: <m1@fr.example>", "In-Reply-To: <0192.a@fr.example>",
		"References: <zero@fr.example>", "  <0192.a@fr.example>", "Date: Mon, 02 Nov 2026 11:00:00 +0100", "Content-Type: text/plain; charset=iso-8859-1",
		"Content-Transfer-Encoding: quoted-printable", "", "=C0 bient=F4t",
	)
	p, err := mail.Read(raw, "helene@fr.example")
	require.NoError(t, err)
	assert.Equal(t, mail.Head{
		MessageID: "m1@fr.example", From: mail.Address{Name: "Hélène", Email: "Helene@fr.example"}, Subject: "Re: à bientôt", Date: at, Kind: mail.KindPersonal,
	}, p.Head)
	assert.Equal(t, []string{"0192.a@fr.example"}, p.InReplyTo)
	assert.Equal(t, []string{"zero@fr.example", "0192.a@fr.example"}, p.References)
	assert.Equal(t, "À bientôt", strings.TrimSpace(p.Text))
}

func TestKinds(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]mail.Kind{
		"X: y": mail.KindPersonal, "Auto-Submitted: no": mail.KindPersonal, "Precedence: first-class": mail.KindPersonal,
		"Auto-Submitted: auto-replied": mail.KindAuto, "Auto-Submitted: auto-generated; x=y": mail.KindAuto, "X-Autoreply: yes": mail.KindAuto,
		"X-Auto-Response-Suppress: All": mail.KindAuto, "Precedence: auto_reply": mail.KindAuto, "X-Autoresponder: a": mail.KindAuto,
		"Content-Type: multipart/report; report-type=disposition-notification; boundary=x": mail.KindAuto,
		"Precedence: bulk": mail.KindList, "Precedence: LIST": mail.KindList, "List-Id: <a.fr.example>": mail.KindList, "List-Unsubscribe: <mailto:a@fr.example>": mail.KindList,
		"Reply-To: No-Reply <no-reply@fr.example>": mail.KindNoReply, "From: ne.pas.repondre@fr.example": mail.KindNoReply, "From: MAILER-DAEMON@fr.example": mail.KindNoReply,
	} {
		assert.Equal(t, want, mail.ReadHead(crlf(header, "", "x"), "anna@fr.example").Kind, header)
	}
	assert.Equal(t, mail.KindAuto, mail.ReadHead(crlf("From: a@fr.example", "", "x"), "").Kind, "the null sender wants no answer")
	assert.Equal(t, mail.KindNoReply, mail.ReadHead(crlf("X: y", "", "x"), "noreply-42@fr.example").Kind)
	own, err := mail.Write(message(), nil)
	require.NoError(t, err)
	assert.Equal(t, mail.KindAuto, mail.ReadHead(own, "a@fr.example").Kind, "what we sent ourselves")
}

func TestChecks(t *testing.T) {
	t.Parallel()
	dns := zone{
		"fr.example": "v=spf1 ip4:192.0.2.1 ~all", "strict.example": "v=spf1 ip4:192.0.2.1 -all", "_dmarc.fr.example": "v=DMARC1; p=reject",
		"_dmarc.strict.example": "v=DMARC1; p=reject; aspf=s", "bad.example": "v=spf1 nonsense", "mx.fr.example": "v=spf1 ip4:192.0.2.1 -all", "sub.strict.example": "v=spf1 ip4:192.0.2.1 -all",
	}
	for name, c := range map[string]struct {
		ip, envelope, from string
		want               mail.Checks
	}{
		"listed":            {"192.0.2.1", "a@fr.example", "a@fr.example", mail.Checks{SPF: "pass", DKIM: "none", DMARC: "pass"}},
		"of a subdomain":    {"192.0.2.1", "a@mx.fr.example", "a@fr.example", mail.Checks{SPF: "pass", DKIM: "none", DMARC: "pass"}},
		"strictly":          {"192.0.2.1", "a@sub.strict.example", "a@strict.example", mail.Checks{SPF: "pass", DKIM: "none", DMARC: "fail"}},
		"for somebody else": {"192.0.2.1", "a@fr.example", "a@strict.example", mail.Checks{SPF: "pass", DKIM: "none", DMARC: "fail"}},
		"not listed":        {"203.0.113.9", "a@fr.example", "a@fr.example", mail.Checks{SPF: "softfail", DKIM: "none", DMARC: "fail"}},
		"no policy":         {"203.0.113.9", "a@nothing.example", "a@nothing.example", mail.Checks{SPF: "none", DKIM: "none", DMARC: "none"}},
		"not readable":      {"203.0.113.9", "a@bad.example", "a@nothing.example", mail.Checks{SPF: "permerror", DKIM: "none", DMARC: "none"}},
		"no answer":         {"203.0.113.9", "a@broken.example", "a@broken.example", mail.Checks{SPF: "temperror", DKIM: "none", DMARC: "temperror"}},
		"a bounce":          {"192.0.2.1", "", "a@fr.example", mail.Checks{SPF: "pass", DKIM: "none", DMARC: "pass"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, c.want.Domain, _ = strings.Cut(c.from, "@")
			assert.Equal(t, c.want, mail.Check(t.Context(), dns, net.ParseIP(c.ip), "mx.fr.example", c.envelope, crlf("From: "+c.from, "", "x")))
		})
	}
	assert.Equal(t, mail.Checks{SPF: "none", DKIM: "none", DMARC: "none", Domain: "fr.example"},
		mail.Check(t.Context(), nil, net.ParseIP("192.0.2.1"), "mx", "a@fr.example", crlf("From: a@fr.example", "", "x")), "nobody to ask")
}

func TestToken(t *testing.T) {
	t.Parallel()
	tok := mail.NewToken(uuid.MustParse("0192f3a1-7b2c-7def-8123-456789abcdef"))
	local, domain, _ := strings.Cut(tok.Address("bounce", "fr.example"), "@")
	assert.Equal(t, "fr.example", domain)
	assert.LessOrEqual(t, len(local), 64)
	for _, text := range []string{local, strings.ToUpper(local)} {
		purpose, got, ok := mail.ParseToken(text)
		require.True(t, ok)
		assert.Equal(t, "bounce", purpose)
		assert.Equal(t, tok, got)
	}
	for _, bad := range []string{"", "reply", "reply+", local[:len(local)-1], local + "a", strings.Replace(local, "+", "-", 1), local[:len(local)-1] + "1"} {
		_, _, ok := mail.ParseToken(bad)
		assert.False(t, ok, bad)
	}
}

func FuzzToken(f *testing.F) {
	f.Add(strings.Split(mail.NewToken(uuid.New()).Address("reply", "x"), "@")[0])
	f.Add("reply+x")
	f.Fuzz(func(t *testing.T, local string) {
		if purpose, tok, ok := mail.ParseToken(local); ok {
			assert.Equal(t, strings.ToLower(local)+"@x", tok.Address(purpose, "x"), "one spelling")
		}
	})
}

func FuzzReport(f *testing.F) {
	f.Add([]byte("Reporting-MTA: dns; x\n\nFinal-Recipient: rfc822; a@b\nAction: failed\nStatus: 5.1.1\n\n"))
	f.Fuzz(func(t *testing.T, fields []byte) {
		if r := mail.ReadReport(fields); r != nil {
			assert.NotEmpty(t, r.Action)
			assert.NotContains(t, r.Diagnostic+r.Recipient, "\n")
			assert.LessOrEqual(t, len([]rune(r.Diagnostic)), 1000)
		}
	})
}

func FuzzRead(f *testing.F) {
	f.Add(bounce)
	f.Add(crlf("Subject: =?utf-8?B?UmU6?=", "Content-Type: multipart/mixed; boundary=x", "", "--x", "", "a", "--x--"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, _ := mail.Read(raw, "a@fr.example")
		assert.NotContains(t, p.Subject+p.From.Name+p.MessageID, "\n")
		assert.NotContains(t, p.Subject+p.Text+p.HTML, "\x00")
	})
}
