package fetch

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
)

// Policy is what one use may do. Zero values are the strict ones.
type Policy struct {
	PlainHTTP    bool // also http://
	MaxRedirects int  // how many redirects of a GET are followed; 0: none, the 3xx is the answer

	ConnectTimeout time.Duration // for name, connection and TLS each; 5 s
	HeaderTimeout  time.Duration // from the request sent to the answer's first line; 15 s
	Timeout        time.Duration // for all of it, the body too; 30 s

	MaxBytes     int64    // of the answer's body, as sent and unpacked; 1 MiB
	ContentTypes []string // what a good answer may be: "image/*", "text/csv"; empty: anything
}

const (
	defaultMaxBytes = 1 << 20
	maxHeaderBytes  = 64 << 10
)

func (p Policy) withDefaults() Policy {
	p.ConnectTimeout = cmp.Or(p.ConnectTimeout, 5*time.Second)
	p.HeaderTimeout = cmp.Or(p.HeaderTimeout, 15*time.Second)
	p.Timeout = cmp.Or(p.Timeout, 30*time.Second)
	p.MaxBytes = cmp.Or(p.MaxBytes, defaultMaxBytes)
	return p
}

// Client sends requests under one policy. It keeps connections, which were checked when they were made.
type Client struct {
	guard  *Guard
	policy Policy
	http   *http.Client
}

// Client returns a client; make one for each use and keep it.
func (g *Guard) Client(p Policy) *Client {
	p = p.withDefaults()
	c := &Client{guard: g, policy: p}
	c.http = &http.Client{Transport: c.transport(), CheckRedirect: c.redirect} // no Jar: no cookies
	return c
}

func (c *Client) transport() *http.Transport {
	return &http.Transport{
		Proxy:                  nil, // a proxy would resolve names itself, past the check
		DialContext:            c.dial,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.guard.cfg.RootCAs},
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    c.policy.ConnectTimeout,
		ResponseHeaderTimeout:  c.policy.HeaderTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
		DisableCompression:     true, // unpacked here, within limits
		MaxIdleConns:           64,
		MaxIdleConnsPerHost:    4,
		IdleConnTimeout:        30 * time.Second,
	}
}

// dial connects to a host that may be a name. What is allowed by name is not checked further; everything else by the
// address it turns out to have.
func (c *Client) dial(ctx context.Context, network, target string) (net.Conn, error) {
	d := &net.Dialer{Timeout: c.policy.ConnectTimeout, Resolver: c.guard.cfg.Resolver}
	if !c.guard.allow[strings.ToLower(target)] {
		d.Control = c.guard.control
	}
	return d.DialContext(ctx, network, target)
}

// redirect checks each hop like the first one.
func (c *Client) redirect(next *http.Request, via []*http.Request) error {
	if c.policy.MaxRedirects == 0 || via[0].Method != http.MethodGet && via[0].Method != http.MethodHead {
		return http.ErrUseLastResponse
	}
	if len(via) > c.policy.MaxRedirects {
		return ErrRedirects
	}
	next.Header.Del("Referer") // it may hold a secret
	return c.guard.check(next.URL, c.policy)
}

// Request is what to send.
type Request struct {
	Method string // GET when empty
	URL    string
	Header http.Header
	Body   []byte
}

// Response is the answer to a request. Body must be closed; reading it fails with ErrTooLarge beyond the policy's limit.
type Response struct {
	Status int
	Header http.Header
	Body   io.ReadCloser
	URL    string // where it came from at last
}

// OK tells whether the status is one of success.
func (r *Response) OK() bool { return r.Status >= 200 && r.Status < 300 }

// Do sends a request. Any answer within the limits is returned, whatever its status; a good one must have a fitting type.
// It fails with one of the errors of this package, or with the context's when the caller left.
func (c *Client) Do(ctx context.Context, r Request) (*Response, error) {
	u, err := c.guard.parse(r.URL, c.policy)
	if err != nil {
		return nil, err
	}
	within, cancel := context.WithTimeout(ctx, c.policy.Timeout)
	resp, err := c.send(within, r, u) //nolint:bodyclose // the caller closes it by out.Body
	if err != nil {
		cancel()
		return nil, classify(ctx, err)
	}
	out := &Response{Status: resp.StatusCode, Header: resp.Header, URL: resp.Request.URL.String()}
	b := &body{caller: ctx, from: resp.Body, cancel: cancel}
	out.Body = b
	if b.read, err = c.accept(resp, out.OK()); err != nil {
		_ = b.Close() // nothing of it is read
		return nil, err
	}
	return out, nil
}

// Get reads a resource. Besides Do's errors it fails with ErrStatus unless the status is one of success, or is 304 and
// header asked for it.
func (c *Client) Get(ctx context.Context, rawURL string, header http.Header) (*Response, error) {
	r, err := c.Do(ctx, Request{URL: rawURL, Header: header})
	if err != nil {
		return nil, err
	}
	asked := header.Get("If-None-Match") != "" || header.Get("If-Modified-Since") != ""
	if r.OK() || r.Status == http.StatusNotModified && asked {
		return r, nil
	}
	_ = r.Body.Close() // an error page
	return nil, ErrStatus.Saying("The host answered %d instead of the resource.", r.Status)
}

func (c *Client) send(ctx context.Context, r Request, u *url.URL) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, cmp.Or(r.Method, http.MethodGet), u.String(), bytes.NewReader(r.Body))
	if err != nil {
		return nil, ErrURL.Because(err)
	}
	if r.Header != nil {
		req.Header = r.Header.Clone()
	}
	req.Header.Set("User-Agent", cmp.Or(c.guard.cfg.UserAgent, "Rooftop"))
	req.Header.Set("Accept-Encoding", "gzip")
	resp, err := c.http.Do(req)
	if told, ok := errors.AsType[*url.Error](err); ok {
		err = told.Err // without the URL, whose query may be a secret: errors get into logs
	}
	return resp, err
}

// accept looks at what an answer says of itself and puts the limits around its body.
func (c *Client) accept(resp *http.Response, good bool) (io.Reader, error) {
	if resp.ContentLength > c.policy.MaxBytes {
		return nil, c.tooLarge()
	}
	if good && len(c.policy.ContentTypes) > 0 {
		media, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
		fits := func(pattern string) bool { ok, _ := path.Match(pattern, media); return ok }
		if err != nil || !slices.ContainsFunc(c.policy.ContentTypes, fits) {
			return nil, ErrType.Saying("The answer's Content-Type is not one of %s.", strings.Join(c.policy.ContentTypes, ", "))
		}
	}
	sent := &limited{from: resp.Body, left: c.policy.MaxBytes, err: c.tooLarge()}
	switch strings.ToLower(strings.TrimSpace(resp.Header.Get("Content-Encoding"))) {
	case "", "identity":
		return sent, nil
	case "gzip", "x-gzip":
		resp.Header.Del("Content-Encoding")
		resp.Header.Del("Content-Length")
		return &limited{from: &unpacking{from: sent}, left: c.policy.MaxBytes, err: c.tooLarge()}, nil
	}
	return nil, ErrEncoding
}

func (c *Client) tooLarge() error {
	return ErrTooLarge.Saying("The answer is larger than the %d bytes that are read here.", c.policy.MaxBytes)
}

// body is an answer's body within the policy. Closing it ends the request.
type body struct {
	caller context.Context //nolint:containedctx // tells a caller that left from a host that is slow
	read   io.Reader
	from   io.Closer
	cancel context.CancelFunc
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.read.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = classify(b.caller, err)
	}
	return n, err
}

func (b *body) Close() error {
	defer b.cancel()
	return b.from.Close()
}

// limited fails where io.LimitReader would end: a part of a photo or feed must not pass for the whole.
type limited struct {
	from io.Reader
	left int64
	err  error
}

func (l *limited) Read(p []byte) (int, error) {
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.from.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return n + int(l.left), l.err
	}
	return n, err
}

// unpacking opens the archive with the first read, since an empty body has none.
type unpacking struct {
	from io.Reader
	zip  *gzip.Reader
}

func (u *unpacking) Read(p []byte) (n int, err error) {
	if u.zip == nil {
		if u.zip, err = gzip.NewReader(u.from); err != nil {
			if errors.Is(err, gzip.ErrHeader) {
				err = ErrEncoding.Because(err)
			}
			return 0, err
		}
	}
	n, err = u.zip.Read(p)
	if errors.Is(err, gzip.ErrChecksum) || errors.Is(err, gzip.ErrHeader) {
		err = ErrEncoding.Because(err)
	}
	return n, err
}
