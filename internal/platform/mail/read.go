package mail

import (
	"bytes"
	"fmt"
	"mime"
	"net/mail"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"github.com/jhillyerd/enmime/v2"
)

// Kind tells what sort of message came in.
type Kind string

// The kinds of incoming message. Only a personal one may be answered by a program.
const (
	KindPersonal Kind = "personal"
	KindAuto     Kind = "auto"     // a program wrote it: a notice, an out-of-office reply
	KindList     Kind = "list"     // it came over a mailing list or in bulk
	KindNoReply  Kind = "no_reply" // its sender says that nobody reads answers
	KindBounce   Kind = "bounce"   // it reports what became of a message of ours
)

// Kinds lists every kind.
func Kinds() []Kind { return []Kind{KindPersonal, KindAuto, KindList, KindNoReply, KindBounce} }

// Head is what is read of a message before it is kept: cheap, and never an error.
type Head struct {
	MessageID string // without angle brackets; "" when there is none
	From      Address
	Subject   string
	Date      time.Time // zero when there is none that can be read
	Hops      int       // the servers it has passed
	Kind      Kind
}

// Parsed is a message that was read in full.
type Parsed struct {
	Head
	InReplyTo   []string
	References  []string
	Text        string
	HTML        string
	Attachments []Attachment
	Report      *Report // of a bounce
}

const (
	maxHeaderText = 1000 // characters of a header that are kept
	maxIDs        = 50
)

// ReadHead reads the headers. from is the envelope's sender, "" for the null sender.
func ReadHead(raw []byte, from string) Head {
	h := headersOf(raw)
	out := Head{
		MessageID: firstID(h.Get("Message-Id")), Subject: decoded(h.Get("Subject")), Hops: len(h["Received"]), Kind: kindOf(h, from),
	}
	if list, err := enmime.ParseAddressList(h.Get("From")); err == nil && len(list) > 0 {
		out.From = Address{Name: line(list[0].Name), Email: list[0].Address}
		if local, domain, ok := cutAddress(list[0].Address); ok {
			out.From.Email = local + "@" + domain
		}
	}
	if at, err := mail.ParseDate(h.Get("Date")); err == nil {
		out.Date = at.UTC()
	}
	return out
}

// headersOf reads the headers of a message as far as they can be read: lines that are none are left out.
func headersOf(raw []byte) textproto.MIMEHeader {
	h := textproto.MIMEHeader{}
	last := ""
	for l := range bytes.Lines(raw) {
		text := strings.ToValidUTF8(strings.TrimRight(string(l), "\r\n"), "\uFFFD")
		if text == "" {
			break
		}
		if text[0] == ' ' || text[0] == '\t' {
			if values := h[last]; len(values) > 0 {
				values[len(values)-1] += " " + strings.TrimSpace(text)
			}
			continue
		}
		name, value, found := strings.Cut(text, ":")
		if last = textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name)); found && last != "" {
			h.Add(last, strings.TrimSpace(value))
		} else {
			last = ""
		}
	}
	return h
}

func decoded(s string) string {
	s = line(enmime.DecodeRFC2047(s))
	if r := []rune(s); len(r) > maxHeaderText {
		s = string(r[:maxHeaderText])
	}
	return strings.ReplaceAll(s, "\x00", "")
}

// firstID is the first id in angle brackets.
func firstID(s string) string {
	if ids := idsIn(s); len(ids) > 0 {
		return ids[0]
	}
	return ""
}

func idsIn(s string) []string {
	var out []string
	for len(out) < maxIDs {
		_, rest, found := strings.Cut(s, "<")
		if !found {
			break
		}
		id, after, found := strings.Cut(rest, ">")
		if !found {
			break
		}
		if validID(id) == nil {
			out = append(out, id)
		}
		s = after
	}
	return out
}

// kindOf tells whom a message is from: the null sender and a report are a bounce; RFC 3834 and what was in use before it
// mark programs; lists say so.
func kindOf(h textproto.MIMEHeader, from string) Kind {
	media, params, _ := mime.ParseMediaType(h.Get("Content-Type")) // what cannot be read is no report
	auto := strings.ToLower(strings.TrimSpace(strings.SplitN(h.Get("Auto-Submitted"), ";", 2)[0]))
	precedence := strings.ToLower(strings.TrimSpace(h.Get("Precedence")))
	switch {
	case media == "multipart/report" && strings.EqualFold(params["report-type"], "delivery-status"):
		return KindBounce
	case auto != "" && auto != "no", h.Get("X-Autoreply") != "", h.Get("X-Autorespond") != "", h.Get("X-Autoresponder") != "",
		h.Get("X-Auto-Response-Suppress") != "", precedence == "auto_reply", media == "multipart/report", from == "":
		return KindAuto
	case precedence == "bulk", precedence == "list", precedence == "junk", h.Get("List-Id") != "", h.Get("List-Unsubscribe") != "",
		h.Get("List-Post") != "", h.Get("Feedback-Id") != "":
		return KindList
	case noReply(from), noReply(addressIn(h.Get("Reply-To"))), noReply(addressIn(h.Get("From"))):
		return KindNoReply
	}
	return KindPersonal
}

func addressIn(header string) string {
	if list, err := enmime.ParseAddressList(header); err == nil && len(list) > 0 {
		return list[0].Address
	}
	return ""
}

// noReply tells whether the name of a mailbox says that nobody reads it.
func noReply(address string) bool {
	local, _, _ := strings.Cut(strings.ToLower(address), "@")
	local = strings.NewReplacer("-", "", "_", "", ".", "").Replace(local)
	return strings.HasPrefix(local, "noreply") || strings.HasPrefix(local, "donotreply") || strings.HasPrefix(local, "nepasrepondre") ||
		local == "mailerdaemon" || local == "postmaster" || strings.HasPrefix(local, "bounce")
}

// Read reads a whole message. What is broken in it is read as far as it goes; the error is for what is no message at all.
func Read(raw []byte, from string) (Parsed, error) {
	out := Parsed{Head: ReadHead(raw, from)}
	e, err := enmime.ReadEnvelope(bytes.NewReader(raw))
	if err != nil {
		return out, fmt.Errorf("read a message: %w", err)
	}
	out.Text, out.HTML = plain(e.Text), plain(e.HTML)
	h := headersOf(raw)
	out.InReplyTo, out.References = idsIn(h.Get("In-Reply-To")), idsIn(h.Get("References"))
	for _, part := range slices.Concat(e.Attachments, e.Inlines, e.OtherParts) {
		out.Attachments = append(out.Attachments, Attachment{Name: decoded(part.FileName), MediaType: part.ContentType, Body: part.Content})
	}
	if out.Kind == KindBounce {
		out.Report = reportIn(e.Root)
	}
	return out, nil
}

// plain is text as a database takes it.
func plain(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
}

// Report is what a delivery status notification (RFC 3464) says of one message.
type Report struct {
	Action     string // failed, delayed, delivered, relayed, expanded
	Status     string // 5.1.1
	Recipient  string // whom the message did not reach
	Diagnostic string // the words of the server that refused it
	MessageID  string // of the message reported on, without angle brackets; "" when the report does not have it
}

// Failed tells whether the message did not arrive and will not.
func (r *Report) Failed() bool { return r != nil && r.Action == "failed" }

// reportIn finds the machine's part of a report, and the headers of the message that it returns.
func reportIn(root *enmime.Part) *Report {
	status := root.DepthMatchFirst(func(p *enmime.Part) bool {
		return p.ContentType == "message/delivery-status" || p.ContentType == "message/global-delivery-status"
	})
	if status == nil {
		return nil
	}
	r := ReadReport(status.Content)
	returned := root.DepthMatchFirst(func(p *enmime.Part) bool {
		switch p.ContentType {
		case "message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers":
			return true
		}
		return false
	})
	if r != nil && returned != nil {
		r.MessageID = firstID(headersOf(returned.Content).Get("Message-Id"))
	}
	return r
}

// ReadReport reads the fields of a delivery status: a group for the message and one for each recipient. Of several
// recipients the first that failed counts, else the first. Nil when there is none.
func ReadReport(fields []byte) *Report {
	var first *Report
	for i, group := range groups(fields) {
		if i == 0 && group.Get("Final-Recipient") == "" && group.Get("Action") == "" {
			continue // what concerns the message as a whole
		}
		r := &Report{
			Action: strings.ToLower(strings.TrimSpace(group.Get("Action"))), Status: statusIn(group.Get("Status")),
			Recipient: typed(group.Get("Final-Recipient")), Diagnostic: typed(group.Get("Diagnostic-Code")),
		}
		if r.Action == "" {
			continue
		}
		if r.Failed() {
			return r
		}
		if first == nil {
			first = r
		}
	}
	return first
}

const maxGroups = 1000

// groups parts fields at empty lines.
func groups(fields []byte) []textproto.MIMEHeader {
	text := strings.ReplaceAll(strings.ReplaceAll(string(fields), "\r\n", "\n"), "\r", "\n")
	var out []textproto.MIMEHeader
	for block := range strings.SplitSeq(text, "\n\n") {
		if block = strings.Trim(block, "\n"); block != "" && len(out) < maxGroups {
			out = append(out, headersOf([]byte(block)))
		}
	}
	return out
}

// typed drops the type before the value of a field: "rfc822; a@b.example", "smtp; 550 no such user".
func typed(s string) string {
	if _, value, found := strings.Cut(s, ";"); found {
		s = value
	}
	return decoded(strings.TrimSpace(s))
}

// statusIn is the status code that a field begins with: "5.1.1 (no such user)".
func statusIn(s string) string {
	code, _, _ := strings.Cut(strings.TrimSpace(s), " ")
	parts := strings.Split(code, ".")
	if len(parts) != 3 || len(code) > 11 || strings.Trim(code, "0123456789.") != "" {
		return ""
	}
	return code
}
