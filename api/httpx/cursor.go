package httpx

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// ErrCursor is the answer to a cursor that was altered, or that belongs to another list, filter, order or caller.
var ErrCursor = errs.New(errs.Unreadable, "cursor.invalid",
	"This cursor does not belong to this request. Send it with the same path, filters and sort as the request it came from, or leave it out to start again.")

// A cursor is base64url(kind, payload, MAC). The MAC covers what the cursor is bound to, which is not in it: a cursor
// carries no right, only a place.
const (
	cursorPage    = 'p'
	cursorChanges = 'c'
	macLen        = 16
	maxCursor     = 512
)

type sealer struct{ keys [][]byte }

// newSealer derives the keys, so that the master key itself signs nothing.
func newSealer(masters [][]byte) (sealer, error) {
	var s sealer
	for _, m := range masters {
		key, err := hkdf.Key(sha256.New, m, nil, "rooftop cursors v1", 32)
		if err != nil {
			return sealer{}, fmt.Errorf("derive the cursor key: %w", err)
		}
		s.keys = append(s.keys, key)
	}
	return s, nil
}

func mac(key, payload, binding []byte) []byte {
	h := hmac.New(sha256.New, key)
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(payload)))
	_, _ = h.Write(n[:])
	_, _ = h.Write(payload)
	_, _ = h.Write(binding)
	return h.Sum(nil)[:macLen]
}

func (s sealer) seal(payload, binding []byte) string {
	return base64.RawURLEncoding.EncodeToString(append(payload, mac(s.keys[0], payload, binding)...))
}

func (s sealer) open(cursor string, binding []byte) ([]byte, error) {
	// A second spelling of the same bytes is an altered cursor: hence Strict, and no line breaks, which the decoder skips.
	if len(cursor) > maxCursor || strings.ContainsAny(cursor, "\r\n") {
		return nil, errors.New("the cursor is too long or has line breaks")
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(raw) <= macLen {
		return nil, errors.New("the cursor is not base64url")
	}
	payload, sum := raw[:len(raw)-macLen], raw[len(raw)-macLen:]
	for _, key := range s.keys {
		if hmac.Equal(sum, mac(key, payload, binding)) {
			return payload, nil
		}
	}
	return nil, errors.New("the cursor's seal does not match")
}

func (s sealer) sealPage(k page.Key, binding []byte) string {
	payload := make([]byte, 1, 1+8+16+macLen)
	payload[0] = cursorPage
	payload = binary.BigEndian.AppendUint64(payload, uint64(k.At.UnixMicro()))
	payload = append(payload, k.ID[:]...)
	return s.seal(payload, binding)
}

func (s sealer) openPage(cursor string, binding []byte) (page.Key, error) {
	p, err := s.open(cursor, binding)
	if err != nil {
		return page.Key{}, err
	}
	if len(p) != 1+8+16 || p[0] != cursorPage {
		return page.Key{}, errors.New("the cursor is of another kind")
	}
	at := int64(binary.BigEndian.Uint64(p[1:9])) //nolint:gosec // the bits that went in
	return page.Key{At: time.UnixMicro(at).UTC(), ID: uuid.UUID(p[9:25])}, nil
}

func (s sealer) sealChanges(c outbox.Cursor, binding []byte) string {
	payload := make([]byte, 2, 2+16+8+len(c.Epoch)+macLen)
	payload[0] = cursorChanges
	if c.Listing {
		payload[1] = 1
	}
	payload = append(payload, c.After[:]...)
	payload = binary.BigEndian.AppendUint64(payload, uint64(c.Position)) //nolint:gosec // the bits come back as they went
	payload = append(payload, c.Epoch...)
	return s.seal(payload, binding)
}

func (s sealer) openChanges(cursor string, binding []byte) (outbox.Cursor, error) {
	p, err := s.open(cursor, binding)
	if err != nil {
		return outbox.Cursor{}, err
	}
	if len(p) < 2+16+8 || p[0] != cursorChanges {
		return outbox.Cursor{}, errors.New("the cursor is of another kind")
	}
	return outbox.Cursor{
		Listing:  p[1] == 1,
		After:    uuid.UUID(p[2:18]),
		Position: int64(binary.BigEndian.Uint64(p[18:26])), //nolint:gosec // the bits that went in
		Epoch:    string(p[26:]),
	}, nil
}
