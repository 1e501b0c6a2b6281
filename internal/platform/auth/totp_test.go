package auth

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// The vectors of RFC 6238, appendix B, for SHA-1; of their eight digits the last six.
func TestTOTPOfTheRFC(t *testing.T) {
	t.Parallel()
	secret := []byte("12345678901234567890")
	for at, want := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		assert.Equal(t, want, TOTPCode(secret, TOTPStep(time.Unix(at, 0))))
	}
}

func TestTOTPWindow(t *testing.T) {
	t.Parallel()
	secret, now := NewTOTPSecret(), time.Unix(1_800_000_015, 0)
	step := TOTPStep(now)
	for offset, want := range map[int64]bool{-2: false, -1: true, 0: true, 1: true, 2: false} {
		code := TOTPCode(secret, step+offset)
		got, ok := CheckTOTP(secret, code, now, 0)
		assert.Equal(t, want, ok, offset)
		if ok {
			assert.Equal(t, step+offset, got)
			_, again := CheckTOTP(secret, code, now, got)
			assert.False(t, again, "a code is taken once")
		}
	}
	_, ok := CheckTOTP(secret, TOTPCode(secret, step-1), now, step)
	assert.False(t, ok, "nor one of a step before the last one")
	for _, wrong := range []string{"", "12345", "1234567", "abcdef", "      "} {
		_, ok := CheckTOTP(secret, wrong, now, 0)
		assert.False(t, ok, wrong)
	}
	assert.Equal(t, "otpauth://totp/Rooftop:jeanne@garage.example?algorithm=SHA1&digits=6&issuer=Rooftop&period=30&secret="+TOTPText(secret),
		TOTPURI("Rooftop", "jeanne@garage.example", secret))
}
