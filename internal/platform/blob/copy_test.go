package blob_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/blob"
)

func keep(t *testing.T, s *blob.Store, content string) (key string) {
	t.Helper()
	key = blob.Key(kernel.NewID[kernel.AccountID](), "files", uuid.New())
	_, err := s.Write(t.Context(), key, strings.NewReader(content), 1<<20, "")
	require.NoError(t, err)
	return key
}

func TestNothingIsDeletedWhileTheBlobsAreHeld(t *testing.T) {
	t.Parallel()
	s := open(t)
	other, err := blob.Open(t.Context(), blob.Config{Dir: s.Dir()}) // as another process has it
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, other.Close()) })
	key := keep(t, s, "one")
	release, err := s.Hold(t.Context())
	require.NoError(t, err)
	for _, each := range []*blob.Store{s, other} {
		require.ErrorIs(t, each.Delete(t.Context(), key), blob.ErrHeld)
	}
	keep(t, other, "writing goes on")
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = other.Hold(impatient)
	require.ErrorContains(t, err, "another backup")
	release()
	require.NoError(t, other.Delete(t.Context(), key))
	release, err = other.Hold(t.Context())
	require.NoError(t, err)
	release()
}

func TestBlobsAreCopiedAsTheyAre(t *testing.T) {
	t.Parallel()
	s := open(t)
	want := map[string]string{keep(t, s, "one"): "one", keep(t, s, "two"): "two", keep(t, s, ""): ""}
	old := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	for key := range want {
		require.NoError(t, os.Chtimes(filepath.Join(s.Dir(), filepath.FromSlash(key)), old, old))
	}
	require.NoError(t, os.WriteFile(filepath.Join(s.Dir(), "fileblob123"), []byte("on its way"), 0o600))

	to := filepath.Join(t.TempDir(), "blobs")
	require.NoError(t, os.MkdirAll(filepath.Join(to, "a", "b"), 0o700), "folders without files are in nobody's way")
	r, err := blob.Restore(to)
	require.NoError(t, err)
	require.NoError(t, s.Files(func(f blob.File, content io.Reader) error {
		assert.Equal(t, int64(len(want[f.Key])), f.Size)
		return r.Put(f, content)
	}))
	for _, key := range []string{"", "x", "../" + blob.Key(kernel.NewID[kernel.AccountID](), "files", uuid.New())} {
		require.Error(t, r.Put(blob.File{Key: key}, strings.NewReader("")), key)
	}
	assert.NoDirExists(t, to, "not before it is whole")
	require.NoError(t, r.Commit())
	require.NoError(t, r.Close())

	copied, err := blob.Open(t.Context(), blob.Config{Dir: to})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, copied.Close()) })
	got := map[string]string{}
	require.NoError(t, copied.Files(func(f blob.File, content io.Reader) error {
		b, err := io.ReadAll(content)
		got[f.Key] = string(b)
		assert.Equal(t, old, f.At.UTC())
		return err
	}))
	assert.Equal(t, want, got)
	assert.Len(t, files(t, copied), len(want))

	_, err = blob.Restore(to)
	require.ErrorIs(t, err, blob.ErrNotEmpty)
	assert.Len(t, files(t, copied), len(want))
}

func TestBlobsOfAURLAreNotHeld(t *testing.T) {
	t.Parallel()
	s, err := blob.Open(t.Context(), blob.Config{URL: "file://" + t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	_, err = s.Hold(t.Context())
	require.Error(t, err)
	require.NoError(t, s.Delete(t.Context(), keep(t, s, "x")))
}

func TestRootGivesACopyToTheOwnerOfItsFolder(t *testing.T) {
	t.Parallel()
	above := filepath.Join(t.TempDir(), "data")
	require.NoError(t, os.Mkdir(above, 0o755))
	want := os.Geteuid()
	if want == 0 {
		want = 65534
		require.NoError(t, os.Chown(above, want, want))
	}
	r, err := blob.Restore(filepath.Join(above, "blobs"))
	require.NoError(t, err)
	key := blob.Key(kernel.NewID[kernel.AccountID](), "files", uuid.New())
	require.NoError(t, r.Put(blob.File{Key: key}, strings.NewReader("x")))
	require.NoError(t, r.Commit())
	require.NoError(t, r.Close())
	require.NoError(t, filepath.WalkDir(filepath.Join(above, "blobs"), func(path string, d os.DirEntry, err error) error {
		require.NoError(t, err)
		info, err := d.Info()
		require.NoError(t, err)
		owner, ok := info.Sys().(*syscall.Stat_t)
		require.True(t, ok)
		assert.Equal(t, want, int(owner.Uid), path)
		return nil
	}))
}

func TestACopyThatIsGivenUpLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r, err := blob.Restore(filepath.Join(dir, "blobs"))
	require.NoError(t, err)
	require.NoError(t, r.Put(blob.File{Key: blob.Key(kernel.NewID[kernel.AccountID](), "files", uuid.New())}, strings.NewReader("x")))
	require.NoError(t, r.Close())
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, left)
}
