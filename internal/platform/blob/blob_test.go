package blob_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/blob"
)

func open(t *testing.T) *blob.Store {
	t.Helper()
	s, err := blob.Open(t.Context(), blob.Config{Dir: filepath.Join(t.TempDir(), "blobs")})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s
}

// files lists what is in the folder, whatever it is.
func files(t *testing.T, s *blob.Store) []string {
	t.Helper()
	var all []string
	require.NoError(t, filepath.WalkDir(s.Dir(), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, path)
		}
		return err
	}))
	return all
}

func TestWhatIsWrittenIsReadFromAnyPlace(t *testing.T) {
	t.Parallel()
	s := open(t)
	key := blob.Key(kernel.NewID[kernel.AccountID](), "files", uuid.New())
	content := append([]byte("\x89PNG\r\n\x1a\n"), bytes.Repeat([]byte("pixels"), 100_000)...)
	info, err := s.Write(t.Context(), key, iotest.HalfReader(bytes.NewReader(content)), 1<<20, "image/png")
	require.NoError(t, err)
	assert.Equal(t, blob.Info{Size: int64(len(content)), SHA256: sha256.Sum256(content), Type: "image/png"}, info)
	r, err := s.Open(t.Context(), key)
	require.NoError(t, err)
	_, err = r.Seek(-6, io.SeekEnd)
	require.NoError(t, err)
	tail, err := io.ReadAll(r)
	require.NoError(t, err)
	assert.Equal(t, "pixels", string(tail))
	require.NoError(t, r.Close())
	require.NoError(t, s.Delete(t.Context(), key))
	require.NoError(t, s.Delete(t.Context(), key), "gone is gone")
	_, err = s.Open(t.Context(), key)
	require.ErrorIs(t, err, blob.ErrNotFound)
	assert.Empty(t, files(t, s))
}

func TestAWriteIsWholeOrNothing(t *testing.T) {
	t.Parallel()
	s := open(t)
	key := func() string { return blob.Key(kernel.NewID[kernel.AccountID](), "files", uuid.New()) }
	long := strings.Repeat("text ", 10_000)
	_, err := s.Write(t.Context(), key(), strings.NewReader(long), int64(len(long))-1, "")
	require.ErrorIs(t, err, blob.ErrTooLarge)
	broken := errors.New("the line broke")
	_, err = s.Write(t.Context(), key(), io.MultiReader(strings.NewReader(long), iotest.ErrReader(broken)), 1<<20, "")
	require.ErrorIs(t, err, broken)
	_, err = s.Write(t.Context(), key(), iotest.ErrReader(broken), 1<<20, "")
	require.ErrorIs(t, err, broken)
	_, err = s.Write(t.Context(), key(), strings.NewReader(long), 1<<20, "image/png")
	require.ErrorIs(t, err, blob.ErrType)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.Write(ctx, key(), strings.NewReader(long), 1<<20, "")
	require.ErrorIs(t, err, context.Canceled)
	assert.Empty(t, files(t, s), "nothing is left of any")
	_, err = s.Write(t.Context(), key(), strings.NewReader(long), int64(len(long)), "")
	require.NoError(t, err, "as large as is allowed")
	_, err = s.Write(t.Context(), key(), strings.NewReader(""), 10, "text/csv")
	require.NoError(t, err)
	assert.Len(t, files(t, s), 2)
}

func TestKeysAreFoundByAccountAndRoom(t *testing.T) {
	t.Parallel()
	s := open(t)
	a, b := kernel.NewID[kernel.AccountID](), kernel.NewID[kernel.AccountID]()
	write := func(account kernel.AccountID, room string) uuid.UUID {
		id := kernel.NewID[uuid.UUID]()
		_, err := s.Write(t.Context(), blob.Key(account, room, id), strings.NewReader("x"), 1, "")
		require.NoError(t, err)
		return id
	}
	mine, _, _ := write(a, "files"), write(a, "photos"), write(b, "files")
	accounts, err := s.Accounts(t.Context())
	require.NoError(t, err)
	assert.ElementsMatch(t, []kernel.AccountID{a, b}, accounts)
	each := func(before time.Time) (ids []uuid.UUID) {
		require.NoError(t, s.Each(t.Context(), a, "files", before, func(id uuid.UUID) error {
			ids = append(ids, id)
			return nil
		}))
		return ids
	}
	assert.Equal(t, []uuid.UUID{mine}, each(time.Now().Add(time.Hour)))
	assert.Empty(t, each(time.Now().Add(-time.Hour)), "too young")
	require.NoError(t, s.Check(t.Context()))

	account, room, id, ok := blob.ParseKey(blob.Key(a, "files", mine))
	assert.True(t, ok)
	assert.Equal(t, []any{a, "files", mine}, []any{account, room, id})
	for _, wrong := range []string{"", "a/b", blob.Key(a, "files", mine) + "x", blob.Key(a, "x/files", mine), "../" + blob.Key(a, "files", mine)} {
		_, _, _, ok := blob.ParseKey(wrong)
		assert.False(t, ok, wrong)
	}
}

func TestURLsThatCannotBeOpened(t *testing.T) {
	t.Parallel()
	for _, u := range []string{"ftp://bucket", "bucket", "://", "s3://bucket?region=eu-west-3"} { // this test is built without clouds
		_, err := blob.Open(t.Context(), blob.Config{URL: u})
		require.Error(t, err, u)
	}
	s, err := blob.Open(t.Context(), blob.Config{URL: "file://" + t.TempDir()})
	require.NoError(t, err)
	require.NoError(t, s.Close())
}

func TestDetect(t *testing.T) {
	t.Parallel()
	const (
		png  = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
		page = "<!DOCTYPE html><html><script>alert(1)</script></html>"
		zip  = "PK\x03\x04\x14\x00\x00\x00\x00\x00"
	)
	for _, c := range []struct{ name, declared, head, want string }{
		{"nothing said", "", png, "image/png"},
		{"anything said", "application/octet-stream", "a,b\n1,2\n3,4\n", "text/csv"},
		{"right", "image/png", png, "image/png"},
		{"right, in other letters", "Image/PNG; x=y", png, "image/png"},
		{"another picture", "image/jpeg", png, ""},
		{"a page as a picture", "image/png", page, ""},
		{"a picture as a page", "text/html", png, ""},
		{"a page as text is shown as text", "text/plain", page, "text/plain"},
		{"a page as a table", "text/csv", page, ""},
		{"a page", "text/html", page, "text/html"},
		{"words as a table", "text/csv", "one line", "text/csv"},
		{"words as JSON", "application/json", "one line", "application/json"},
		{"words as a document", "application/pdf", "one line", ""},
		{"words as a drawing", "image/svg+xml", "one line", ""},
		{"JSON", "application/json", `{"a":1}`, "application/json"},
		{"JSON of a kind", "application/ld+json", `{"a":1}`, "application/ld+json"},
		{"an archive as a document", "application/vnd.oasis.opendocument.text", zip, "application/vnd.oasis.opendocument.text"},
		{"an archive as a picture", "image/png", zip, ""},
		{"noise as noise", "application/x-dealer", "\x00\x01\x02\xff\xfe", "application/x-dealer"},
		{"noise as a picture", "image/png", "\x00\x01\x02\xff\xfe", ""},
		{"no type", "nonsense//", png, ""},
		{"empty", "text/csv", "", "text/csv"},
	} {
		got, err := blob.Detect(c.declared, []byte(c.head))
		assert.Equal(t, c.want, got, c.name)
		if c.want == "" {
			assert.ErrorIs(t, err, blob.ErrType, c.name)
		}
	}
}

func FuzzDetect(f *testing.F) {
	f.Add("text/html", []byte("<html>"))
	f.Add("image/png", []byte("\x89PNG\r\n\x1a\n"))
	f.Fuzz(func(t *testing.T, declared string, head []byte) {
		got, err := blob.Detect(declared, head)
		assert.Equal(t, err != nil, got == "")
		assert.NotContains(t, got, ";")
	})
}
