package auth

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // what RFC 6238 and every authenticator app use; HMAC does not rest on what SHA-1 lost
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"time"
)

const (
	totpBytes  = 20 // as RFC 4226 recommends
	totpPeriod = 30 // seconds
	totpDigits = 6
	totpModulo = 1_000_000
	// totpSkew is how many time steps a clock may be off.
	totpSkew = 1
)

// NewTOTPSecret makes the secret that an authenticator app and the server share (RFC 6238).
func NewTOTPSecret() []byte { return randomBytes(totpBytes) }

// TOTPText is the secret as people type it into an app.
func TOTPText(secret []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
}

// TOTPURI is the secret as an authenticator app reads it from a QR code.
func TOTPURI(issuer, who string, secret []byte) string {
	q := url.Values{
		"secret": {TOTPText(secret)}, "issuer": {issuer}, "algorithm": {"SHA1"}, "digits": {fmt.Sprint(totpDigits)}, "period": {fmt.Sprint(totpPeriod)},
	}
	// Apps do not read a plus as a space.
	return "otpauth://totp/" + url.PathEscape(issuer+":"+who) + "?" + strings.ReplaceAll(q.Encode(), "+", "%20")
}

// TOTPStep is the number of the time step at that time.
func TOTPStep(at time.Time) int64 { return at.Unix() / totpPeriod }

// TOTPCode is the code of one time step.
func TOTPCode(secret []byte, step int64) string {
	mac := hmac.New(sha1.New, secret)
	_ = binary.Write(mac, binary.BigEndian, step) // a hash takes all
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	code := binary.BigEndian.Uint32(sum[at:at+4]) & 0x7fffffff
	return fmt.Sprintf("%0*d", totpDigits, code%totpModulo)
}

// CheckTOTP tells which time step a code is of, among the present one and its neighbours that come after the last one
// taken: a code is taken once.
func CheckTOTP(secret []byte, code string, at time.Time, last int64) (step int64, ok bool) {
	now := TOTPStep(at)
	for s := now - totpSkew; s <= now+totpSkew; s++ {
		if subtle.ConstantTimeCompare([]byte(TOTPCode(secret, s)), []byte(code)) == 1 && s > last {
			step, ok = s, true
		}
	}
	return step, ok
}
