package mail

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"blitiri.com.ar/go/spf"
	"github.com/emersion/go-msgauth/dkim"
	"github.com/emersion/go-msgauth/dmarc"
	"golang.org/x/net/publicsuffix"
)

// Resolver is the DNS that the checks ask: a *net.Resolver.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupIPAddr(ctx context.Context, host string) ([]net.IPAddr, error)
	LookupAddr(ctx context.Context, addr string) ([]string, error)
}

// Result is what a check found, in the words of RFC 8601.
type Result string

// The results.
const (
	ResultNone      Result = "none" // there is nothing to check by
	ResultPass      Result = "pass"
	ResultFail      Result = "fail"
	ResultSoftFail  Result = "softfail"
	ResultNeutral   Result = "neutral"
	ResultTempError Result = "temperror" // DNS did not answer
	ResultPermError Result = "permerror" // what DNS holds cannot be read
)

// Checks is what the checks of one message found. They are notes: nothing is refused for them.
type Checks struct {
	SPF    Result `json:"spf"`
	DKIM   Result `json:"dkim"`
	DMARC  Result `json:"dmarc"`
	Domain string `json:"domain"` // of the From header, which DMARC is about
}

// checkTimeout bounds all look-ups for one message.
const checkTimeout = 10 * time.Second

// maxSignatures bounds the DKIM signatures of one message that are looked at.
const maxSignatures = 5

// Check asks DNS what it says of a message's sender. A nil Resolver asks nobody.
func Check(ctx context.Context, dns Resolver, ip net.IP, hello string, from string, raw []byte) Checks {
	out := Checks{SPF: ResultNone, DKIM: ResultNone, DMARC: ResultNone}
	_, out.Domain, _ = strings.Cut(ReadHead(raw, from).From.Email, "@")
	if dns == nil {
		return out
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	sender := from
	if sender == "" {
		sender = "postmaster@" + hello
	}
	_, spfDomain, _ := strings.Cut(sender, "@")
	if ip != nil && spfDomain != "" {
		result, _ := spf.CheckHostWithSender(ip, hello, sender, spf.WithContext(ctx), spf.WithResolver(dns))
		out.SPF = Result(result)
	}
	passed := checkDKIM(ctx, dns, raw, &out)
	out.DMARC = checkDMARC(ctx, dns, out, spfDomain, passed)
	return out
}

// checkDKIM notes the best result of the signatures and returns the domains of those that hold.
func checkDKIM(ctx context.Context, dns Resolver, raw []byte, out *Checks) []string {
	found, err := dkim.VerifyWithOptions(bytes.NewReader(raw), &dkim.VerifyOptions{
		LookupTXT: func(name string) ([]string, error) { return dns.LookupTXT(ctx, name) }, MaxVerifications: maxSignatures,
	})
	if err != nil && !errors.Is(err, dkim.ErrTooManySignatures) {
		out.DKIM = ResultPermError
		return nil
	}
	var passed []string
	for _, v := range found {
		switch {
		case v.Err == nil:
			passed = append(passed, v.Domain)
			out.DKIM = ResultPass
		case out.DKIM == ResultPass:
		case dkim.IsTempFail(v.Err):
			out.DKIM = ResultTempError
		default:
			out.DKIM = ResultFail
		}
	}
	return passed
}

func checkDMARC(ctx context.Context, dns Resolver, c Checks, spfDomain string, signers []string) Result {
	if c.Domain == "" {
		return ResultNone
	}
	look := func(domain string) (*dmarc.Record, error) {
		return dmarc.LookupWithOptions(domain, &dmarc.LookupOptions{LookupTXT: func(name string) ([]string, error) { return dns.LookupTXT(ctx, name) }})
	}
	record, err := look(c.Domain)
	if errors.Is(err, dmarc.ErrNoPolicy) && organisation(c.Domain) != c.Domain {
		record, err = look(organisation(c.Domain))
	}
	switch {
	case errors.Is(err, dmarc.ErrNoPolicy):
		return ResultNone
	case err != nil && dmarc.IsTempFail(err):
		return ResultTempError
	case err != nil:
		return ResultPermError
	}
	if c.SPF == ResultPass && aligned(spfDomain, c.Domain, record.SPFAlignment) {
		return ResultPass
	}
	for _, d := range signers {
		if aligned(d, c.Domain, record.DKIMAlignment) {
			return ResultPass
		}
	}
	return ResultFail
}

func aligned(domain, with string, mode dmarc.AlignmentMode) bool {
	domain, with = strings.ToLower(domain), strings.ToLower(with)
	if mode == dmarc.AlignmentStrict {
		return domain == with
	}
	return organisation(domain) == organisation(with)
}

// organisation is the domain that somebody registered: example.co.uk of mail.example.co.uk.
func organisation(domain string) string {
	org, err := publicsuffix.EffectiveTLDPlusOne(domain)
	if err != nil {
		return domain
	}
	return org
}
