// Package webhooksig signs and verifies webhooks as Standard Webhooks 1.0.0 says: HMAC-SHA256 over id, time and body. Any
// receiver can use it; it imports nothing of the server.
package webhooksig

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The headers of a delivery.
const (
	HeaderID        = "webhook-id"        // of the message; the same over every attempt
	HeaderTimestamp = "webhook-timestamp" // of the attempt, in seconds since 1970
	HeaderSignature = "webhook-signature" // one or more, with spaces between them
)

// Tolerance is how far a timestamp may be from the receiver's clock.
const Tolerance = 5 * time.Minute

const (
	prefix  = "whsec_"
	version = "v1,"
	least   = 24
	most    = 64
)

// What may be wrong with a delivery or a secret.
var (
	ErrSecret    = errors.New("webhooksig: a secret is whsec_ and 24 to 64 bytes in base64")
	ErrHeaders   = errors.New("webhooksig: webhook-id, webhook-timestamp or webhook-signature is missing or unreadable")
	ErrTimestamp = errors.New("webhooksig: the timestamp is too far from now")
	ErrSignature = errors.New("webhooksig: no signature matches")
)

// NewSecret makes a secret at random: 32 bytes, as text.
func NewSecret() string {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails
	return prefix + base64.StdEncoding.EncodeToString(raw)
}

func keyOf(secret string) ([]byte, error) {
	text, ok := strings.CutPrefix(secret, prefix)
	if !ok {
		return nil, ErrSecret
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) < least || len(key) > most {
		return nil, ErrSecret
	}
	return key, nil
}

func sum(key []byte, id, timestamp string, body []byte) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = h.Write([]byte(id + "." + timestamp + "."))
	_, _ = h.Write(body)
	return h.Sum(nil)
}

// Sign is the value of webhook-signature for one attempt: a signature for each secret, so that a receiver that knows any
// of them is satisfied while they are changed.
func Sign(secrets []string, id string, at time.Time, body []byte) (string, error) {
	var out []string
	for _, s := range secrets {
		key, err := keyOf(s)
		if err != nil {
			return "", err
		}
		out = append(out, version+base64.StdEncoding.EncodeToString(sum(key, id, timestampOf(at), body)))
	}
	if len(out) == 0 {
		return "", ErrSecret
	}
	return strings.Join(out, " "), nil
}

func timestampOf(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }

// Header makes the three headers of one attempt.
func Header(secrets []string, id string, at time.Time, body []byte) (map[string]string, error) {
	signature, err := Sign(secrets, id, at, body)
	if err != nil {
		return nil, err
	}
	return map[string]string{HeaderID: id, HeaderTimestamp: timestampOf(at), HeaderSignature: signature}, nil
}

// Verify tells whether a delivery comes from somebody who knows one of the secrets, and was sent within Tolerance of now.
// The body must be the bytes as they came. A receiver should also remember webhook-id for a while: a message may come
// more than once.
func Verify(secrets []string, h http.Header, body []byte, now time.Time) error {
	id, stamp, signatures := h.Get(HeaderID), h.Get(HeaderTimestamp), h.Get(HeaderSignature)
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if id == "" || signatures == "" || err != nil || strconv.FormatInt(seconds, 10) != stamp {
		return ErrHeaders
	}
	at := time.Unix(seconds, 0)
	if at.Before(now.Add(-Tolerance)) || at.After(now.Add(Tolerance)) {
		return ErrTimestamp
	}
	for _, s := range secrets {
		key, err := keyOf(s)
		if err != nil {
			return fmt.Errorf("verify: %w", err)
		}
		want := sum(key, id, stamp, body)
		for given := range strings.FieldsSeq(signatures) {
			text, ok := strings.CutPrefix(given, version)
			if !ok {
				continue // of a scheme that we do not know
			}
			if got, err := base64.StdEncoding.DecodeString(text); err == nil && hmac.Equal(got, want) {
				return nil
			}
		}
	}
	return ErrSignature
}
