package webhooksig_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/pkg/webhooksig"
)

// The example of the specification's own libraries.
const (
	knownSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	knownID     = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	knownBody   = `{"test": 2432232314}`
	knownSign   = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

var knownTime = time.Unix(1614265330, 0)

func header(t *testing.T, secrets []string, id string, at time.Time, body []byte) http.Header {
	t.Helper()
	fields, err := webhooksig.Header(secrets, id, at, body)
	require.NoError(t, err)
	h := http.Header{}
	for name, value := range fields {
		h.Set(name, value)
	}
	return h
}

func TestSignIsThatOfTheSpecification(t *testing.T) {
	t.Parallel()
	got, err := webhooksig.Sign([]string{knownSecret}, knownID, knownTime, []byte(knownBody))
	require.NoError(t, err)
	assert.Equal(t, knownSign, got)
}

func TestVerify(t *testing.T) {
	t.Parallel()
	older, newer := webhooksig.NewSecret(), webhooksig.NewSecret()
	both := header(t, []string{newer, older}, "id", knownTime, []byte("body"))
	for _, tt := range []struct {
		name    string
		secrets []string
		change  func(h http.Header)
		body    string
		now     time.Time
		want    error
	}{
		{name: "either secret", secrets: []string{older}},
		{name: "the other one", secrets: []string{newer}},
		{name: "among several", secrets: []string{webhooksig.NewSecret(), older}},
		{name: "nobody's", secrets: []string{webhooksig.NewSecret()}, want: webhooksig.ErrSignature},
		{name: "another body", secrets: []string{older}, body: "bodY", want: webhooksig.ErrSignature},
		{name: "another id", secrets: []string{older}, change: func(h http.Header) { h.Set("webhook-id", "id2") }, want: webhooksig.ErrSignature},
		{name: "late", secrets: []string{older}, now: knownTime.Add(6 * time.Minute), want: webhooksig.ErrTimestamp},
		{name: "early", secrets: []string{older}, now: knownTime.Add(-6 * time.Minute), want: webhooksig.ErrTimestamp},
		{name: "no id", secrets: []string{older}, change: func(h http.Header) { h.Del("webhook-id") }, want: webhooksig.ErrHeaders},
		{name: "no time", secrets: []string{older}, change: func(h http.Header) { h.Set("webhook-timestamp", "+1") }, want: webhooksig.ErrHeaders},
		{name: "another scheme", secrets: []string{older}, change: func(h http.Header) { h.Set("webhook-signature", "v1a,AAAA v2,AAAA") }, want: webhooksig.ErrSignature},
		{name: "no secret", secrets: []string{"whsec_short"}, want: webhooksig.ErrSecret},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h, body, now := both.Clone(), "body", knownTime.Add(time.Minute)
			if tt.change != nil {
				tt.change(h)
			}
			if tt.body != "" {
				body = tt.body
			}
			if !tt.now.IsZero() {
				now = tt.now
			}
			err := webhooksig.Verify(tt.secrets, h, []byte(body), now)
			if tt.want == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, tt.want)
		})
	}
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_" + strings.Repeat("A", 200), "whsec_%%%"} {
		_, err := webhooksig.Sign([]string{bad}, "id", knownTime, nil)
		require.ErrorIs(t, err, webhooksig.ErrSecret, bad)
	}
	_, err := webhooksig.Sign(nil, "id", knownTime, nil)
	require.ErrorIs(t, err, webhooksig.ErrSecret)
}

func FuzzVerify(f *testing.F) {
	f.Add(knownID, "1614265330", knownSign, []byte(knownBody))
	f.Add("", "", "v1,", []byte(nil))
	f.Fuzz(func(t *testing.T, id, stamp, signature string, body []byte) {
		h := http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {stamp}, "Webhook-Signature": {signature}}
		err := webhooksig.Verify([]string{knownSecret}, h, body, knownTime)
		if err == nil && (id != knownID || stamp != "1614265330" || string(body) != knownBody) {
			t.Fatalf("verifies what nobody signed: %q %q %q %q", id, stamp, signature, body)
		}
	})
}
