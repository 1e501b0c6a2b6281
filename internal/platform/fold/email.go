package fold

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// RFC 5321's limits, in bytes.
const (
	maxLocal = 64
	maxEmail = 254
)

// Email writes an address the one way by which two of them are compared: trimmed, lower case, NFC, an international
// domain in its ASCII form. It keeps dots and +tags: they tell mailboxes apart at most providers. False for what is no
// single address with a dotted domain; the text that comes with it is empty.
func Email(s string) (string, bool) {
	s = strings.TrimSpace(strings.Map(visible, s))
	if len(s) > len("mailto:") && strings.EqualFold(s[:len("mailto:")], "mailto:") {
		s = s[len("mailto:"):]
	}
	at := strings.LastIndexByte(s, '@')
	if at < 1 || !utf8.ValidString(s) {
		return "", false
	}
	local := norm.NFC.String(strings.ToLower(norm.NFC.String(s[:at])))
	domain, ok := asciiDomain(s[at+1:])
	if !ok || len(local) > maxLocal || len(local)+1+len(domain) > maxEmail || strings.ContainsFunc(local, notInLocal) {
		return "", false
	}
	return local + "@" + domain, true
}

// visible drops the marks that come along when an address is copied from a page.
func visible(r rune) rune {
	if unicode.Is(unicode.Cf, r) {
		return -1
	}
	return r
}

func notInLocal(r rune) bool {
	return r == utf8.RuneError || unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`"(),:;<>@[\]`, r)
}

// hostName is what a resolver would be asked, with the lengths of DNS, which refuse an empty label too.
var hostName = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.CheckJoiners(true), idna.CheckHyphens(true),
	idna.StrictDomainName(true), idna.VerifyDNSLength(true))

func asciiDomain(domain string) (string, bool) {
	domain, err := hostName.ToASCII(domain)
	if err != nil {
		return "", false
	}
	domain = strings.TrimSuffix(domain, ".") // the root, which the profile allows
	if strings.HasSuffix(domain, ".") || !strings.Contains(domain, ".") {
		return "", false
	}
	return domain, true
}
