package fetch_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/fetch"
	"github.com/rooftop-crm/rooftop/internal/platform/fetch/fetchtest"
)

func guard(t *testing.T, cfg fetch.Config) *fetch.Guard {
	t.Helper()
	g, err := fetch.New(cfg)
	require.NoError(t, err)
	return g
}

func address(s *httptest.Server) string {
	_, at, _ := strings.Cut(s.URL, "://")
	return at
}

// server is a receiver that may be reached.
func server(t *testing.T, h http.HandlerFunc) (*httptest.Server, *fetch.Guard) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s, guard(t, fetch.Config{Allow: address(s)})
}

func read(t *testing.T, r *fetch.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	require.NoError(t, r.Body.Close())
	return string(b)
}

// The four uses, as lenient as any may be: each must keep away from the canary.
var uses = map[string]fetch.Policy{
	"webhook":  {PlainHTTP: true},
	"photo":    {PlainHTTP: true, MaxRedirects: 3, ContentTypes: []string{"image/*"}},
	"feed":     {PlainHTTP: true, MaxRedirects: 5, MaxBytes: 1 << 30},
	"calendar": {PlainHTTP: true, MaxRedirects: 3, ContentTypes: []string{"text/calendar"}},
}

func TestNothingPrivateIsReached(t *testing.T) {
	t.Parallel()
	for use, policy := range uses {
		t.Run(use, func(t *testing.T) {
			t.Parallel()
			canary := fetchtest.NewCanary(t)
			names := fetchtest.NewNames(t)
			redirecter := fetchtest.Redirecter(t)
			cfg := fetch.Config{Ports: "443,8443,80," + strconv.Itoa(canary.Port), Resolver: names.Resolver(), Allow: redirecter}

			open := guard(t, fetch.Config{Allow: fmt.Sprintf("127.0.0.1:%d,%s:%d", canary.Port, fetchtest.Inside, canary.Port), Resolver: names.Resolver()}).Client(policy)
			for _, host := range []string{"127.0.0.1", fetchtest.Inside} {
				_, err := open.Do(t.Context(), fetch.Request{URL: fmt.Sprintf("http://%s:%d/", host, canary.Port)})
				require.ErrorIs(t, err, fetch.ErrUnreachable)
			}
			require.GreaterOrEqual(t, canary.Hits(), int64(2), "it can be reached where that is allowed")
			canary.Reset()

			client := guard(t, cfg).Client(policy)
			for _, target := range canary.Targets("http://" + redirecter + "/") {
				r, err := client.Do(t.Context(), fetch.Request{URL: target.URL})
				if err == nil {
					assert.Contains(t, target.Name, "redirect", "%s answered", target.Name)
					assert.Equal(t, http.StatusFound, r.Status)
					assert.Zero(t, policy.MaxRedirects)
					require.NoError(t, r.Body.Close())
					continue
				}
				e, typed := errs.As(err)
				if assert.True(t, typed, "%s: %v", target.Name, err) {
					assert.NotContains(t, []string{fetch.ErrUnreachable.Code, fetch.ErrTimeout.Code, fetch.ErrTLS.Code, fetch.ErrPort.Code}, e.Code, "%s was tried: %v", target.Name, err)
					assert.NotRegexp(t, `\d+\.\d+\.\d+\.\d+|::|resolve.* to`, e.Public, target.Name)
				}
				r, err = client.Do(t.Context(), fetch.Request{URL: target.URL, Method: http.MethodPost, Body: []byte("x")})
				if err == nil {
					assert.Equal(t, http.StatusFound, r.Status, target.Name)
					require.NoError(t, r.Body.Close())
				}
			}
			assert.Zero(t, canary.Hits())
		})
	}
}

// A name that was good, and of which a connection was made, means loopback the next time.
func TestANameThatChangesItsMeaning(t *testing.T) {
	t.Parallel()
	canary := fetchtest.NewCanary(t)
	names := fetchtest.NewNames(t)
	good := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") }))
	on, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp4", fmt.Sprintf("127.0.0.2:%d", canary.Port))
	require.NoError(t, err)
	require.NoError(t, good.Listener.Close())
	good.Listener = on
	good.Start()
	t.Cleanup(good.Close)
	outside, loopback := netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("127.0.0.1")
	names.Answer("moving.example", []netip.Addr{outside}, []netip.Addr{outside, loopback}, []netip.Addr{loopback, outside}, []netip.Addr{loopback})
	client := guard(t, fetch.Config{Allow: address(good), Ports: strconv.Itoa(canary.Port), Resolver: names.Resolver()}).Client(fetch.Policy{PlainHTTP: true})
	u := fmt.Sprintf("http://moving.example:%d/", canary.Port)
	for turn := range 3 {
		r, err := client.Do(t.Context(), fetch.Request{URL: u})
		require.NoError(t, err, "turn %d", turn)
		assert.Equal(t, http.StatusOK, r.Status)
		require.NoError(t, r.Body.Close())
	}
	_, err = client.Do(t.Context(), fetch.Request{URL: u})
	require.ErrorIs(t, err, fetch.ErrAddress)
	assert.Equal(t, 4, names.Asked("moving.example"))
	_, err = client.Do(t.Context(), fetch.Request{URL: fmt.Sprintf("https://nowhere.example:%d/", canary.Port)})
	require.ErrorIs(t, err, fetch.ErrUnresolved)
}

func TestCheckReadsAURLAsItStands(t *testing.T) {
	t.Parallel()
	g := guard(t, fetch.Config{Allow: "localhost:9000"})
	plain := fetch.Policy{PlainHTTP: true}
	for _, c := range []struct {
		url    string
		policy fetch.Policy
		want   *errs.Error
	}{
		{"https://example.com/a?b=c", fetch.Policy{}, nil},
		{"https://example.com:8443/", fetch.Policy{}, nil},
		{"https://8.8.8.8/", fetch.Policy{}, nil},
		{"https://[2606:4700::1111]/", fetch.Policy{}, nil},
		{"https://bücher.example/", fetch.Policy{}, nil},
		{"http://localhost:9000/", fetch.Policy{}, nil},
		{"http://example.com/", fetch.Policy{}, fetch.ErrScheme},
		{"http://example.com/", plain, nil},
		{"https://example.com:22/", fetch.Policy{}, fetch.ErrPort},
		{"https://example.com:0/", fetch.Policy{}, fetch.ErrURL},
		{"https://example.com:99999/", fetch.Policy{}, fetch.ErrURL},
		{"https://user@example.com/", fetch.Policy{}, fetch.ErrURL},
		{"/path", fetch.Policy{}, fetch.ErrURL},
		{"", fetch.Policy{}, fetch.ErrURL},
		{"https://", fetch.Policy{}, fetch.ErrURL},
		{"https://:443/", fetch.Policy{}, fetch.ErrURL},
		{"https://" + strings.Repeat("a", 2048) + "/", fetch.Policy{}, fetch.ErrURL},
		{"https://localhost/", fetch.Policy{}, fetch.ErrAddress},
		{"https://10.1.2.3/", fetch.Policy{}, fetch.ErrAddress},
		{"https://1.2.3/", fetch.Policy{}, fetch.ErrAddress},
		{"https://example.com./", fetch.Policy{}, nil},
	} {
		err := g.Check(c.url, c.policy)
		if c.want == nil {
			require.NoError(t, err, c.url)
			continue
		}
		assert.ErrorIs(t, err, c.want, c.url)
	}
}

func TestConfigNamesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	for _, cfg := range []fetch.Config{{Allow: "localhost"}, {Allow: "localhost:x"}, {Allow: ":80"}, {Ports: "443,https"}, {Ports: "0"}, {Ports: "443,"}} {
		_, err := fetch.New(cfg)
		assert.Error(t, err, "%+v", cfg)
	}
}

func TestWhatIsSentAndWhatIsNot(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("http_proxy", "http://127.0.0.1:1")
	var got []*http.Request
	var body string
	s, g := server(t, func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		body = string(raw)
		got = append(got, r)
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "x"})
		w.WriteHeader(http.StatusAccepted)
	})
	c := g.Client(fetch.Policy{})
	for range 2 {
		r, err := c.Do(t.Context(), fetch.Request{Method: http.MethodPost, URL: s.URL + "/hook", Header: http.Header{"Webhook-Id": {"m1"}}, Body: []byte(`{"a":1}`)})
		require.NoError(t, err)
		assert.Equal(t, http.StatusAccepted, r.Status)
		assert.Empty(t, read(t, r))
	}
	require.Len(t, got, 2)
	assert.Equal(t, `{"a":1}`, body)
	assert.Equal(t, "m1", got[1].Header.Get("Webhook-Id"))
	assert.Equal(t, "Rooftop", got[1].UserAgent())
	assert.Empty(t, got[1].Cookies())
}

func TestRedirectsAreFollowedOnlyWhereAndAsFarAsAllowed(t *testing.T) {
	t.Parallel()
	var referers []string
	s, g := server(t, func(w http.ResponseWriter, r *http.Request) {
		referers = append(referers, r.Referer())
		n, _ := strconv.Atoi(r.URL.Query().Get("n"))
		if n > 0 {
			w.Header().Set("Location", fmt.Sprintf("/?n=%d&secret=s", n-1))
			w.WriteHeader(http.StatusTemporaryRedirect)
			return
		}
		_, _ = io.WriteString(w, "there")
	})
	none, two := g.Client(fetch.Policy{}), g.Client(fetch.Policy{MaxRedirects: 2})
	r, err := none.Do(t.Context(), fetch.Request{URL: s.URL + "/?n=1"})
	require.NoError(t, err)
	assert.Equal(t, http.StatusTemporaryRedirect, r.Status)
	require.NoError(t, r.Body.Close())
	_, err = none.Get(t.Context(), s.URL+"/?n=1", nil)
	require.ErrorIs(t, err, fetch.ErrStatus)

	r, err = two.Get(t.Context(), s.URL+"/?n=2", nil)
	require.NoError(t, err)
	assert.Equal(t, "there", read(t, r))
	assert.Equal(t, s.URL+"/?n=0&secret=s", r.URL)
	_, err = two.Get(t.Context(), s.URL+"/?n=3", nil)
	require.ErrorIs(t, err, fetch.ErrRedirects)
	r, err = two.Do(t.Context(), fetch.Request{Method: http.MethodPost, URL: s.URL + "/?n=1", Body: []byte("x")})
	require.NoError(t, err)
	assert.Equal(t, http.StatusTemporaryRedirect, r.Status, "what was posted goes nowhere else")
	require.NoError(t, r.Body.Close())
	assert.Empty(t, strings.Join(referers, ""))
}

func packed(t *testing.T, plain []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(plain)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.Bytes()
}

func TestSizesTypesAndEncodings(t *testing.T) {
	t.Parallel()
	const most = 1 << 16
	s, g := server(t, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		w.Header().Set("Content-Type", q.Get("type"))
		if q.Has("encoding") {
			w.Header().Set("Content-Encoding", q.Get("encoding"))
		}
		n, _ := strconv.Atoi(q.Get("bytes"))
		content := make([]byte, n)
		if q.Has("packed") {
			content = packed(t, content)
		}
		if q.Has("length") {
			w.Header().Set("Content-Length", strconv.Itoa(len(content)))
		}
		if q.Has("cut") {
			content = content[:len(content)/2]
		}
		if q.Has("status") {
			w.WriteHeader(http.StatusTeapot)
		}
		for part := range slicesOf(content, 4096) {
			_, _ = w.Write(part)
			_ = http.NewResponseController(w).Flush()
		}
	})
	c := g.Client(fetch.Policy{MaxBytes: most, ContentTypes: []string{"image/*", "text/csv"}})
	for _, test := range []struct {
		name, query string
		want        *errs.Error
		bytes       int
	}{
		{"just fits", "type=image/png&bytes=65536", nil, most},
		{"one more", "type=image/png&bytes=65537", fetch.ErrTooLarge, most},
		{"one more, declared", "type=image/png&bytes=65537&length", fetch.ErrTooLarge, 0},
		{"another type", "type=text/html&bytes=1", fetch.ErrType, 0},
		{"no type", "type=&bytes=1", fetch.ErrType, 0},
		{"a type with a parameter", "type=text/csv%3B+charset%3Dlatin1&bytes=1", nil, 1},
		{"an error page has its own type", "type=text/html&bytes=1&status", nil, 1},
		{"packed", "type=text/csv&bytes=65536&packed&encoding=gzip", nil, most},
		{"a bomb", "type=text/csv&bytes=50000000&packed&encoding=gzip", fetch.ErrTooLarge, most},
		{"not packed after all", "type=text/csv&bytes=100&encoding=gzip", fetch.ErrEncoding, 0},
		{"another encoding", "type=text/csv&bytes=100&encoding=br", fetch.ErrEncoding, 0},
		{"encoded twice", "type=text/csv&bytes=100&encoding=gzip,gzip", fetch.ErrEncoding, 0},
		{"cut short", "type=text/csv&bytes=10000&length&cut", fetch.ErrUnreachable, 5000},
		{"packed, cut short", "type=text/csv&bytes=10000&packed&encoding=gzip&cut", fetch.ErrUnreachable, -1},
	} {
		r, err := c.Do(t.Context(), fetch.Request{URL: s.URL + "/?" + test.query})
		n := int64(0)
		if err == nil {
			n, err = io.Copy(io.Discard, r.Body)
			require.NoError(t, r.Body.Close())
		}
		if test.want == nil {
			require.NoError(t, err, test.name)
		} else {
			require.ErrorIs(t, err, test.want, test.name)
		}
		if test.bytes >= 0 {
			assert.EqualValues(t, test.bytes, n, test.name)
		}
	}
}

func slicesOf(b []byte, n int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(b) > 0 {
			part := b[:min(n, len(b))]
			b = b[len(part):]
			if !yield(part) {
				return
			}
		}
	}
}

func TestAHostThatHangsIsLeft(t *testing.T) {
	t.Parallel()
	end := make(chan struct{})
	s, g := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			_, _ = io.WriteString(w, "begun")
			_ = http.NewResponseController(w).Flush()
		}
		select {
		case <-end:
		case <-r.Context().Done():
		}
	})
	defer close(end)
	_, err := g.Client(fetch.Policy{HeaderTimeout: 50 * time.Millisecond}).Do(t.Context(), fetch.Request{URL: s.URL})
	require.ErrorIs(t, err, fetch.ErrTimeout)
	assert.True(t, fetch.Temporary(err))
	c := g.Client(fetch.Policy{Timeout: 100 * time.Millisecond})
	_, err = c.Do(t.Context(), fetch.Request{URL: s.URL})
	require.ErrorIs(t, err, fetch.ErrTimeout)
	r, err := c.Do(t.Context(), fetch.Request{URL: s.URL + "/body"})
	require.NoError(t, err)
	_, err = io.ReadAll(r.Body)
	require.ErrorIs(t, err, fetch.ErrTimeout)
	require.NoError(t, r.Body.Close())

	ctx, leave := context.WithCancel(t.Context())
	r, err = g.Client(fetch.Policy{}).Do(ctx, fetch.Request{URL: s.URL + "/body"})
	require.NoError(t, err)
	leave()
	_, err = io.ReadAll(r.Body)
	require.ErrorIs(t, err, context.Canceled, "a caller that leaves is no fault of the host")
	_, typed := errs.As(err)
	assert.False(t, typed)
	require.NoError(t, r.Body.Close())
}

func TestTLSIsChecked(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "safe") }))
	t.Cleanup(s.Close)
	_, err := guard(t, fetch.Config{Allow: address(s)}).Client(fetch.Policy{}).Get(t.Context(), s.URL, nil)
	require.ErrorIs(t, err, fetch.ErrTLS)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	g := guard(t, fetch.Config{Allow: address(s) + ",wrong.example:" + port(t, s.URL), RootCAs: roots})
	r, err := g.Client(fetch.Policy{}).Get(t.Context(), s.URL, nil)
	require.NoError(t, err)
	assert.Equal(t, "safe", read(t, r))
	_, err = g.Client(fetch.Policy{}).Get(t.Context(), strings.Replace(s.URL, "https", "http", 1), nil)
	require.ErrorIs(t, err, fetch.ErrStatus)

	plain, g := server(t, func(http.ResponseWriter, *http.Request) {})
	_, err = g.Client(fetch.Policy{}).Get(t.Context(), strings.Replace(plain.URL, "http", "https", 1), nil)
	require.ErrorIs(t, err, fetch.ErrTLS)
	plain.Close()
	_, err = g.Client(fetch.Policy{}).Get(t.Context(), plain.URL, nil)
	require.ErrorIs(t, err, fetch.ErrUnreachable)
}

func TestNotModifiedIsAnAnswerToWhoAsked(t *testing.T) {
	t.Parallel()
	s, g := server(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) })
	c := g.Client(fetch.Policy{})
	r, err := c.Get(t.Context(), s.URL, http.Header{"If-None-Match": {`"1"`}})
	require.NoError(t, err)
	assert.Equal(t, http.StatusNotModified, r.Status)
	require.NoError(t, r.Body.Close())
	_, err = c.Get(t.Context(), s.URL, nil)
	require.ErrorIs(t, err, fetch.ErrStatus)
}

func port(t *testing.T, raw string) string {
	t.Helper()
	u, err := url.Parse(raw)
	require.NoError(t, err)
	return u.Port()
}

// No text makes Check panic, and what it lets pass by itself is never a private address.
func FuzzCheck(f *testing.F) {
	c := &fetchtest.Canary{Port: 443}
	for _, target := range c.Targets("") {
		f.Add(target.URL)
	}
	f.Add("https://example.com/")
	g, err := fetch.New(fetch.Config{})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, raw string) {
		if g.Check(raw, fetch.Policy{PlainHTTP: true}) != nil {
			return
		}
		u, err := url.Parse(raw)
		require.NoError(t, err)
		if ip, err := netip.ParseAddr(u.Hostname()); err == nil {
			assert.False(t, ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() || ip.Is4In6(), raw)
		}
		assert.True(t, u.Scheme == "http" || u.Scheme == "https")
		_, err = http.NewRequestWithContext(t.Context(), http.MethodGet, u.String(), nil)
		assert.NoError(t, err)
	})
}

// The query of a URL may be a secret, and errors get into logs: they tell no URL.
func TestErrorsTellNoURL(t *testing.T) {
	t.Parallel()
	s, g := server(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/private":
			http.Redirect(w, r, "https://10.0.0.1/?key=a-secret", http.StatusFound)
		case "/loop":
			http.Redirect(w, r, "/loop?key=a-secret", http.StatusFound)
		case "/hangs":
			<-r.Context().Done()
		}
	})
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	down := guard(t, fetch.Config{Allow: address(gone)})
	for what, ask := range map[string]func() error{
		"unreachable": func() error {
			_, err := down.Client(fetch.Policy{}).Get(t.Context(), gone.URL+"/?key=a-secret", nil)
			return err
		},
		"a timeout": func() error {
			_, err := g.Client(fetch.Policy{Timeout: 50 * time.Millisecond}).Get(t.Context(), s.URL+"/hangs?key=a-secret", nil)
			return err
		},
		"a refused redirect": func() error {
			_, err := g.Client(fetch.Policy{MaxRedirects: 2}).Get(t.Context(), s.URL+"/private?key=a-secret", nil)
			return err
		},
		"too many redirects": func() error {
			_, err := g.Client(fetch.Policy{MaxRedirects: 2}).Get(t.Context(), s.URL+"/loop?key=a-secret", nil)
			return err
		},
		"a name that does not exist": func() error {
			names := fetchtest.NewNames(t)
			_, err := guard(t, fetch.Config{Resolver: names.Resolver()}).Client(fetch.Policy{}).Get(t.Context(), "https://absent.example/?key=a-secret", nil)
			return err
		},
	} {
		err := ask()
		require.Error(t, err, what)
		_, typed := errs.As(err)
		assert.True(t, typed, what)
		assert.NotContains(t, err.Error(), "a-secret", what)
	}
}
