package archive_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/platform/archive"
)

type file struct {
	archive.Member
	content string
}

var at = time.Date(2026, 11, 27, 8, 30, 0, 0, time.UTC)

func some() []file {
	return []file{
		{archive.Member{Name: "head.json", Size: 2, At: at}, "{}"},
		{archive.Member{Name: "cluster/base", Dir: true, At: at}, ""},
		{archive.Member{Name: "cluster/base/1", Size: 9000, At: at.Add(time.Hour)}, strings.Repeat("page ", 1800)},
		{archive.Member{Name: "cluster/empty", At: at}, ""},
	}
}

func write(t *testing.T, files []file) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := archive.NewWriter(&out)
	require.NoError(t, err)
	for _, f := range files {
		require.NoError(t, w.Add(f.Member, strings.NewReader(f.content)))
	}
	require.NoError(t, w.Close())
	return out.Bytes()
}

// read reads members until the archive ends; whole tells whether it ended well.
func read(raw []byte) (files []file, err error) {
	r, err := archive.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	for {
		m, content, err := r.Next()
		if errors.Is(err, io.EOF) && !errors.Is(err, archive.ErrDamaged) {
			return files, nil
		}
		if err != nil {
			return files, err
		}
		b, err := io.ReadAll(content)
		if err != nil {
			return files, err
		}
		m.At = m.At.UTC()
		files = append(files, file{m, string(b)})
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	t.Parallel()
	got, err := read(write(t, some()))
	require.NoError(t, err)
	assert.Equal(t, some(), got)
	got, err = read(write(t, nil))
	require.NoError(t, err)
	assert.Empty(t, got)
}

func TestContentMayBeLeftUnread(t *testing.T) {
	t.Parallel()
	r, err := archive.NewReader(bytes.NewReader(write(t, some())))
	require.NoError(t, err)
	for range some() {
		_, _, err := r.Next()
		require.NoError(t, err)
	}
	_, _, err = r.Next()
	require.Equal(t, io.EOF, err)
}

// TestAnyTarUnpacksIt reads the archive with nothing of ours.
func TestAnyTarUnpacksIt(t *testing.T) {
	t.Parallel()
	zip, err := gzip.NewReader(bytes.NewReader(write(t, some())))
	require.NoError(t, err)
	var names []string
	var want, sums string
	for r := tar.NewReader(zip); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		b, err := io.ReadAll(r)
		require.NoError(t, err)
		names = append(names, h.Name)
		sum := sha256.Sum256(b)
		switch {
		case h.Name == "SHA256SUMS":
			sums = string(b)
		case h.Typeflag == tar.TypeReg:
			want += hex.EncodeToString(sum[:]) + "  " + h.Name + "\n"
		}
	}
	assert.Equal(t, []string{"head.json", "cluster/base/", "cluster/base/1", "cluster/empty", "SHA256SUMS"}, names)
	assert.Equal(t, want, sums)
}

func TestEveryTruncationIsNoticed(t *testing.T) {
	t.Parallel()
	whole := write(t, some())
	for n := range whole {
		_, err := read(whole[:n])
		require.ErrorIs(t, err, archive.ErrDamaged, "cut after %d of %d bytes", n, len(whole))
	}
	_, err := read(append(bytes.Clone(whole), 0))
	require.ErrorIs(t, err, archive.ErrDamaged, "a byte more")
}

// TestEveryFlippedBitIsNoticed flips each bit of an archive: either that is noticed or nothing that is read is another, as
// with gzip's note of when it was made, and the bits that fill up its last byte.
func TestEveryFlippedBitIsNoticed(t *testing.T) {
	t.Parallel()
	whole := write(t, some())
	unnoticed := 0
	for bit := range len(whole) * 8 {
		flipped := bytes.Clone(whole)
		flipped[bit/8] ^= 1 << (bit % 8)
		got, err := read(flipped)
		if err == nil {
			unnoticed++
			assert.Equal(t, some(), got, "bit %d", bit)
			continue
		}
		require.ErrorIs(t, err, archive.ErrDamaged)
	}
	assert.Less(t, unnoticed, len(whole)*8/20, "what says nothing is little")
}

// TestChecksumsAreHeld makes archives that gzip and tar find nothing wrong with.
func TestChecksumsAreHeld(t *testing.T) {
	t.Parallel()
	sum := sha256.Sum256([]byte("content"))
	right := hex.EncodeToString(sum[:]) + "  a\n"
	for name, tt := range map[string]struct {
		sums, behind string
		whole        bool
	}{
		"right":                       {sums: right, whole: true},
		"of another content":          {sums: "0" + right[1:]},
		"of another name":             {sums: strings.Replace(right, "  a", "  b", 1)},
		"of a member that is missing": {sums: right + right},
		"none":                        {},
		"a member behind them":        {sums: right, behind: "b"},
	} {
		var out bytes.Buffer
		zip := gzip.NewWriter(&out)
		w := tar.NewWriter(zip)
		for _, f := range [][2]string{{"a", "content"}, {"SHA256SUMS", tt.sums}, {tt.behind, ""}} {
			if f[0] == "" {
				continue
			}
			require.NoError(t, w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: f[0], Size: int64(len(f[1]))}))
			_, err := io.WriteString(w, f[1])
			require.NoError(t, err)
		}
		require.NoError(t, w.Close())
		require.NoError(t, zip.Close())
		_, err := read(out.Bytes())
		if tt.whole {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorIs(t, err, archive.ErrDamaged, name)
	}
}

func TestMembersThatLeadElsewhereAreRefused(t *testing.T) {
	t.Parallel()
	forge := func(h tar.Header) []byte {
		var out bytes.Buffer
		zip := gzip.NewWriter(&out)
		w := tar.NewWriter(zip)
		require.NoError(t, w.WriteHeader(&h))
		require.NoError(t, w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "SHA256SUMS"}))
		require.NoError(t, w.Close())
		require.NoError(t, zip.Close())
		return out.Bytes()
	}
	for _, h := range []tar.Header{
		{Typeflag: tar.TypeReg, Name: "../up"},
		{Typeflag: tar.TypeReg, Name: "a/../../up"},
		{Typeflag: tar.TypeReg, Name: "/etc/passwd"},
		{Typeflag: tar.TypeDir, Name: "../"},
		{Typeflag: tar.TypeDir, Name: "/"},
		{Typeflag: tar.TypeReg, Name: "a//b"},
		{Typeflag: tar.TypeReg, Name: "./a"},
		{Typeflag: tar.TypeReg, Name: `a\..\b`},
		{Typeflag: tar.TypeReg, Name: "a\nb"},
		{Typeflag: tar.TypeSymlink, Name: "a", Linkname: "/etc"},
		{Typeflag: tar.TypeLink, Name: "a", Linkname: "/etc/passwd"},
		{Typeflag: tar.TypeChar, Name: "a"},
		{Typeflag: tar.TypeFifo, Name: "a"},
	} {
		got, err := read(forge(h))
		require.ErrorIs(t, err, archive.ErrDamaged, "%q", h.Name)
		assert.Empty(t, got, "%q", h.Name)
	}
	w, err := archive.NewWriter(io.Discard)
	require.NoError(t, err)
	defer w.Discard()
	for _, name := range []string{"", ".", "..", "../a", "/a", "a/", "SHA256SUMS"} {
		require.Error(t, w.Add(archive.Member{Name: name}, strings.NewReader("")), name)
	}
}

func TestContentOfAnotherSizeIsNoMember(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"short", "longer than it says"} {
		w, err := archive.NewWriter(io.Discard)
		require.NoError(t, err)
		require.Error(t, w.Add(archive.Member{Name: "a", Size: 10}, strings.NewReader(content)), content)
		w.Discard()
	}
}
