package mail

import (
	"bytes"
	"crypto"
	"fmt"
	"mime"
	netmail "net/mail"
	"net/url"
	"os"
	"strings"

	"github.com/emersion/go-msgauth/dkim"
	gomail "github.com/wneessen/go-mail"
)

// Signer signs messages with DKIM. A nil Signer signs none.
type Signer struct {
	Domain   string
	Selector string
	key      crypto.Signer
}

// NewSigner reads the private key, RSA or Ed25519 in PEM, whose public part is in DNS at selector._domainkey.domain.
func NewSigner(domain, selector string, pem []byte) (*Signer, error) {
	key, err := gomail.PrivKeyFromPEM(pem)
	if err != nil {
		return nil, fmt.Errorf("read the DKIM key: %w", err)
	}
	s := &Signer{Domain: domain, Selector: selector, key: key}
	if _, err := s.sign([]byte("From: a@" + domain + "\r\n\r\n")); err != nil {
		return nil, fmt.Errorf("the DKIM key cannot be used: %w", err)
	}
	return s, nil
}

// LoadSigner is NewSigner with the key in a file.
func LoadSigner(domain, selector, file string) (*Signer, error) {
	pem, err := os.ReadFile(file) //nolint:gosec // the operator names it
	if err != nil {
		return nil, fmt.Errorf("read the DKIM key: %w", err)
	}
	return NewSigner(domain, selector, pem)
}

// signed are the headers a signature covers. Those that are there once are named twice: a second one breaks the signature.
var signed = []string{
	"From", "From", "To", "To", "Subject", "Subject", "Date", "Date", "Message-ID", "Reply-To", "In-Reply-To", "References", "MIME-Version",
	"Content-Type", "Auto-Submitted", "List-Unsubscribe", "List-Unsubscribe-Post",
}

// sign puts the signature before a message.
func (s *Signer) sign(raw []byte) ([]byte, error) {
	var b bytes.Buffer
	err := dkim.Sign(&b, bytes.NewReader(raw), &dkim.SignOptions{
		Domain: s.Domain, Selector: s.Selector, Signer: s.key, HeaderKeys: signed,
		HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
	})
	if err != nil {
		return nil, fmt.Errorf("sign a message: %w", err)
	}
	return b.Bytes(), nil
}

// Write makes the bytes of a message: text and HTML as alternatives, headers in ASCII, signed when there is a signer.
func Write(m Message, sign *Signer) ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	out := gomail.NewMsg(gomail.WithNoDefaultUserAgent(), gomail.WithCharset(gomail.CharsetUTF8), gomail.WithEncoding(gomail.EncodingQP))
	out.FromMailAddress(m.From.header())
	out.ToMailAddress(m.To.header())
	if m.ReplyTo != nil {
		out.ReplyToMailAddress(m.ReplyTo.header())
	}
	out.Subject(line(m.Subject))
	out.SetMessageIDWithValue(m.MessageID)
	out.SetDateWithValue(m.Date)
	m.writeHeaders(out)
	out.SetBodyString(gomail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		out.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	}
	for _, a := range m.Attachments {
		out.AttachReadSeeker(line(a.Name), bytes.NewReader(a.Body), gomail.WithFileContentType(a.contentType()))
	}
	var b bytes.Buffer
	if _, err := out.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("write a message: %w", err)
	}
	if sign != nil {
		return sign.sign(b.Bytes())
	}
	return b.Bytes(), nil
}

// contentType is the media type when it is one.
func (a Attachment) contentType() gomail.ContentType {
	media, _, err := mime.ParseMediaType(a.MediaType)
	if err != nil || !strings.Contains(media, "/") {
		return gomail.TypeAppOctetStream
	}
	return gomail.ContentType(media)
}

func (a Address) header() *netmail.Address {
	return &netmail.Address{Name: line(a.Name), Address: a.Email}
}

// check refuses what must not reach a header, wherever it came from.
func (m Message) check() error {
	for _, a := range []*Address{&m.From, &m.To, m.ReplyTo} {
		if a == nil {
			continue
		}
		if _, _, ok := cutAddress(a.Email); !ok {
			return ErrAddress
		}
	}
	ids := append([]string{m.MessageID}, m.References...)
	if m.InReplyTo != "" {
		ids = append(ids, m.InReplyTo)
	}
	for _, id := range ids {
		if err := validID(id); err != nil {
			return err
		}
	}
	if m.Unsubscribe != "" {
		u, err := url.Parse(m.Unsubscribe)
		if err != nil || u.Scheme != "https" || strings.ContainsAny(m.Unsubscribe, "<>, \r\n") {
			return fmt.Errorf("mail: %q is no https URL to unsubscribe at", m.Unsubscribe)
		}
	}
	return nil
}

func (m Message) writeHeaders(out *gomail.Msg) {
	if m.InReplyTo != "" {
		out.SetGenHeaderPreformatted(gomail.HeaderInReplyTo, "<"+m.InReplyTo+">")
	}
	if len(m.References) > 0 {
		out.SetGenHeaderPreformatted(gomail.HeaderReferences, "<"+strings.Join(m.References, ">\r\n <")+">")
	}
	if m.Auto != "" {
		out.SetGenHeader("Auto-Submitted", string(m.Auto))
		// What Exchange and Outlook heed in place of Auto-Submitted.
		out.SetGenHeader(gomail.HeaderXAutoResponseSuppress, "All")
	}
	if m.Unsubscribe != "" {
		out.SetGenHeaderPreformatted(gomail.HeaderListUnsubscribe, "<"+m.Unsubscribe+">")
		out.SetGenHeader(gomail.HeaderListUnsubscribePost, "List-Unsubscribe=One-Click")
		out.SetGenHeader("Precedence", "bulk")
	}
}
