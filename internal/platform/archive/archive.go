// Package archive writes and reads one file that holds many: a gzip'd tar, as any tar unpacks it, whose last member
// SHA256SUMS has the checksum of every other one, as sha256sum -c reads it. Both sides take memory for one piece of one
// member, however large the archive is. What the members are is left to those who add them.
package archive

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// ErrDamaged is an archive that is not what was written: cut off, changed, or none of ours.
var ErrDamaged = errors.New("the archive is damaged")

// sums is the last member. It proves that the archive was finished.
const sums = "SHA256SUMS"

// Member is a file or a folder of an archive.
type Member struct {
	Name string // slash-separated, relative, and nothing in it leads upwards
	Dir  bool
	Size int64
	At   time.Time // when it was last changed, to the second
}

func (m Member) check() error {
	local := m.Name != "." && path.Clean(m.Name) == m.Name && filepath.IsLocal(filepath.FromSlash(m.Name))
	if !local || m.Name == sums || m.Size < 0 || strings.ContainsAny(m.Name, "\\\n\r\x00") {
		return fmt.Errorf("%q is no name of a member", m.Name)
	}
	return nil
}

// line is what SHA256SUMS says of a file.
func line(sum []byte, name string) string { return hex.EncodeToString(sum) + "  " + name + "\n" }

// Writer writes an archive. It is whole only after Close.
type Writer struct {
	out  *bufio.Writer
	zip  *gzip.Writer
	tar  *tar.Writer
	sums *os.File // without a name: its lines may be many
}

const bufferBytes = 1 << 18

// NewWriter begins an archive.
func NewWriter(w io.Writer) (*Writer, error) {
	lines, err := os.CreateTemp("", "rooftop-sums-")
	if err != nil {
		return nil, fmt.Errorf("keep the checksums of an archive: %w", err)
	}
	if err := os.Remove(lines.Name()); err != nil {
		_ = lines.Close()
		return nil, fmt.Errorf("keep the checksums of an archive: %w", err)
	}
	out := bufio.NewWriterSize(w, bufferBytes)
	zip, err := gzip.NewWriterLevel(out, gzip.BestSpeed) // Postgres's pages shrink to a fifth as it is
	if err != nil {
		_ = lines.Close()
		return nil, err
	}
	return &Writer{out: out, zip: zip, tar: tar.NewWriter(zip), sums: lines}, nil
}

// Add writes a member, whose content has exactly its size.
func (w *Writer) Add(m Member, content io.Reader) error {
	if err := m.check(); err != nil {
		return err
	}
	h := &tar.Header{Typeflag: tar.TypeReg, Name: m.Name, Size: m.Size, Mode: 0o600, ModTime: m.At}
	if m.Dir {
		h.Typeflag, h.Name, h.Size, h.Mode = tar.TypeDir, m.Name+"/", 0, 0o700
		return w.tar.WriteHeader(h)
	}
	if err := w.tar.WriteHeader(h); err != nil {
		return err
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(w.tar, sum), content)
	if err == nil && n < m.Size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return fmt.Errorf("archive %s: %w", m.Name, err)
	}
	_, err = w.sums.WriteString(line(sum.Sum(nil), m.Name))
	return err
}

// Close finishes the archive.
func (w *Writer) Close() error {
	defer w.Discard()
	size, err := w.sums.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	if _, err := w.sums.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := w.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: sums, Size: size, Mode: 0o600}); err != nil {
		return err
	}
	if _, err := io.Copy(w.tar, w.sums); err != nil {
		return err
	}
	return errors.Join(w.tar.Close(), w.zip.Close(), w.out.Flush())
}

// Discard gives back what a Writer took that is not closed. After Close it does nothing.
func (w *Writer) Discard() { _ = w.sums.Close() }

// Reader reads an archive.
type Reader struct {
	zip   *gzip.Reader
	tar   *tar.Reader
	lines hash.Hash // over what SHA256SUMS must say
	sum   hash.Hash // of the member that is being read; nil for none
	name  string
}

// NewReader begins to read an archive.
func NewReader(r io.Reader) (*Reader, error) {
	zip, err := gzip.NewReader(bufio.NewReaderSize(r, bufferBytes))
	if err != nil {
		return nil, damaged(err)
	}
	return &Reader{zip: zip, tar: tar.NewReader(zip), lines: sha256.New()}, nil
}

// Next goes to the next member, whose content is to be read to its end before. It returns io.EOF when the archive is
// whole and every checksum is right; until then nothing that was read is to be trusted.
func (r *Reader) Next() (Member, io.Reader, error) {
	if err := r.finish(); err != nil {
		return Member{}, nil, err
	}
	h, err := r.tar.Next()
	if err != nil {
		return Member{}, nil, damaged(unexpected(err))
	}
	if h.Typeflag == tar.TypeReg && h.Name == sums {
		return Member{}, nil, r.end()
	}
	m := Member{Name: h.Name, Size: h.Size, At: h.ModTime}
	switch h.Typeflag {
	case tar.TypeReg:
		r.sum, r.name = sha256.New(), h.Name
	case tar.TypeDir:
		m.Dir, m.Name = true, strings.TrimSuffix(h.Name, "/")
	default:
		return Member{}, nil, damaged(fmt.Errorf("%q is neither file nor folder", h.Name))
	}
	if err := m.check(); err != nil {
		return Member{}, nil, damaged(err)
	}
	return m, content{r}, nil
}

// content is the member that is being read.
type content struct{ r *Reader }

func (c content) Read(p []byte) (int, error) {
	if c.r.sum == nil {
		return 0, io.EOF
	}
	n, err := c.r.tar.Read(p)
	c.r.sum.Write(p[:n])
	if err != nil && !errors.Is(err, io.EOF) {
		err = damaged(err)
	}
	return n, err
}

// finish reads what the caller left of a member.
func (r *Reader) finish() error {
	if r.sum == nil {
		return nil
	}
	if _, err := io.Copy(io.Discard, content{r}); err != nil {
		return err
	}
	r.lines.Write([]byte(line(r.sum.Sum(nil), r.name)))
	r.sum = nil
	return nil
}

// end holds the checksums against what was read, and reads on to the end, where gzip has one too.
func (r *Reader) end() error {
	said := sha256.New()
	if _, err := io.Copy(said, r.tar); err != nil {
		return damaged(err)
	}
	if string(said.Sum(nil)) != string(r.lines.Sum(nil)) {
		return damaged(errors.New("its content does not have the checksums in " + sums))
	}
	if _, err := r.tar.Next(); !errors.Is(err, io.EOF) {
		return damaged(errors.New("it goes on behind " + sums))
	}
	rest, err := io.Copy(io.Discard, r.zip)
	if err != nil {
		return damaged(err)
	}
	if rest > 0 {
		return damaged(errors.New("it goes on behind its end"))
	}
	return io.EOF
}

func damaged(err error) error { return fmt.Errorf("%w: %w", ErrDamaged, unexpected(err)) }

// unexpected is an end that came too early.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
