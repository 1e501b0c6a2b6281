package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"slices"

	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

// What a request out may come to. The texts are for whoever gave the URL; they name no address and nothing of ours.
var (
	ErrURL         = errs.New(errs.Invalid, "fetch.bad_url", "This is no absolute URL of at most 2048 characters, such as https://example.com/path.")
	ErrScheme      = errs.New(errs.Invalid, "fetch.scheme_refused", "Use a URL that begins with https://.")
	ErrPort        = errs.New(errs.Invalid, "fetch.port_refused", "This port may not be reached. Use the port of https, 443.")
	ErrAddress     = errs.New(errs.Invalid, "fetch.address_refused", "This host is not on the public internet, or not only. Use one that is.")
	ErrUnresolved  = errs.New(errs.Invalid, "fetch.unresolved", "The host's name cannot be resolved. Check its spelling and its DNS.")
	ErrUnreachable = errs.New(errs.Invalid, "fetch.unreachable", "The host does not take the connection, or ended it. Check that it is up.")
	ErrTimeout     = errs.New(errs.Invalid, "fetch.timeout", "The host took too long to answer.")
	ErrTLS         = errs.New(errs.Invalid, "fetch.tls_failed", "No trusted TLS connection can be made. Check the host's certificate, its chain and its name.")
	ErrRedirects   = errs.New(errs.Invalid, "fetch.too_many_redirects", "The host redirects too often. Use the URL that it leads to.")
	ErrStatus      = errs.New(errs.Invalid, "fetch.bad_status", "The host did not answer with the resource.")
	ErrTooLarge    = errs.New(errs.Invalid, "fetch.too_large", "The answer is larger than is read here.")
	ErrType        = errs.New(errs.Invalid, "fetch.type_refused", "The answer's Content-Type is not one that is read here.")
	ErrEncoding    = errs.New(errs.Invalid, "fetch.encoding_refused", "The answer's Content-Encoding cannot be read. Send it plain or in gzip.")
)

// Temporary tells whether the same request may succeed later.
func Temporary(err error) bool {
	return slices.ContainsFunc([]*errs.Error{ErrUnresolved, ErrUnreachable, ErrTimeout, ErrTLS, ErrStatus},
		func(e *errs.Error) bool { return errors.Is(err, e) })
}

// classify says what a failure of net/http was. A caller that left gets the context's own error.
func classify(caller context.Context, err error) error {
	var (
		dns       *net.DNSError
		timeout   net.Error
		record    tls.RecordHeaderError
		alert     tls.AlertError
		untrusted *tls.CertificateVerificationError
		unknownCA x509.UnknownAuthorityError
	)
	ours, ok := errs.As(err)
	switch {
	case ok:
		return ours.Because(err)
	case errors.Is(caller.Err(), context.Canceled):
		return caller.Err()
	case errors.As(err, &dns) && !dns.IsTimeout:
		return ErrUnresolved.Because(err)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return ErrTimeout.Because(err)
	case errors.Is(err, http.ErrSchemeMismatch), errors.As(err, &record), errors.As(err, &alert), errors.As(err, &untrusted), errors.As(err, &unknownCA):
		return ErrTLS.Because(err)
	}
	return ErrUnreachable.Because(err)
}
