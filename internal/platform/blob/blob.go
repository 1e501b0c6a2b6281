// Package blob keeps bytes that are too large for a row: in a folder, or in a bucket of a cloud, by URL. It owns
// the layout of keys, which begin with the account, and what holds for every write: a limit, a hash, all or nothing. What
// the bytes are, and who may read them, is left to the rooms that keep a row for each.
package blob

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/google/uuid"
	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	"gocloud.dev/gcerrors"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

var (
	// ErrNotFound is a key that nothing is kept under.
	ErrNotFound = errors.New("blob: not found")
	// ErrTooLarge is the end of a write that goes over its limit. Nothing of it is kept.
	ErrTooLarge = errs.New(errs.TooLarge, "file.too_large", "The file is larger than is taken here.")
)

// Config says where blobs are.
type Config struct {
	// URL is s3://bucket?region=… or, where the program was built with them, azblob://container and gs://bucket, with
	// credentials as their own tools take them. Empty: Dir.
	URL string
	// Dir is the folder for blobs when there is no URL. It is made when it is needed.
	Dir string
}

// schemes are the buckets there are; package clouds brings those of clouds.
var schemes = []string{"s3", "gs", "azblob", "file"}

// Validate reads the URL.
func (c Config) Validate() error {
	if c.URL == "" {
		return nil
	}
	u, err := url.Parse(c.URL)
	if err != nil || !slices.Contains(schemes, u.Scheme) {
		return errors.New("it must be a URL such as s3://bucket?region=eu-west-3 or file:///folder")
	}
	return nil
}

// Store is a bucket.
type Store struct {
	bucket *blob.Bucket
	dir    string // when blobs are files
	own    bool   // the folder is ours, not one that a URL names
}

// Open opens the bucket. A folder is made; of a bucket in a cloud nothing is asked before the first use.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("open the blob store: %w", err)
	}
	dir := cfg.Dir
	if u, err := url.Parse(cfg.URL); cfg.URL != "" && err == nil {
		if u.Scheme != "file" {
			if !blob.DefaultURLMux().ValidBucketScheme(u.Scheme) {
				return nil, fmt.Errorf("open the blob store: this program was built without %s://", u.Scheme)
			}
			bucket, err := blob.OpenBucket(ctx, cfg.URL)
			if err != nil {
				return nil, fmt.Errorf("open the blob store: %w", err)
			}
			return &Store{bucket: bucket}, nil
		}
		dir = u.Path
	}
	bucket, err := fileblob.OpenBucket(dir, &fileblob.Options{
		CreateDir: true, DirFileMode: 0o700, NoTempDir: true, Metadata: fileblob.MetadataDontWrite,
	})
	if err != nil {
		return nil, fmt.Errorf("open the blob store: %w", err)
	}
	return &Store{bucket: bucket, dir: dir, own: cfg.URL == ""}, nil
}

// Close gives back what Open took.
func (s *Store) Close() error { return s.bucket.Close() }

// Dir is the folder that holds the blobs; "" when they are in a cloud.
func (s *Store) Dir() string { return s.dir }

// Key is where a blob of a room is kept. Two hexadecimal digits spread the ids over folders; the last ones, since ids begin
// with the time.
func Key(account kernel.AccountID, room string, id uuid.UUID) string {
	text := id.String()
	return account.String() + "/" + room + "/" + text[len(text)-2:] + "/" + text
}

// ParseKey reads a key apart.
func ParseKey(key string) (account kernel.AccountID, room string, id uuid.UUID, ok bool) {
	parts := strings.Split(key, "/")
	if len(parts) != 4 {
		return account, "", id, false
	}
	account, err := kernel.ParseID[kernel.AccountID](parts[0])
	if err != nil {
		return account, "", id, false
	}
	id, err = kernel.ParseID[uuid.UUID](parts[3])
	return account, parts[1], id, err == nil && Key(account, parts[1], id) == key
}

// Info is what a write kept.
type Info struct {
	Size   int64
	SHA256 [32]byte
	Type   string // by its first bytes, see Detect
}

// Write keeps what it reads, at most limit bytes, whole or not at all. declared is the type that the sender says, "" for
// none. It fails with ErrTooLarge, ErrType, or the reader's error.
func (s *Store) Write(ctx context.Context, key string, from io.Reader, limit int64, declared string) (Info, error) {
	head := make([]byte, sniffBytes)
	n, err := io.ReadFull(from, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return Info{}, err
	}
	head = head[:n]
	media, err := Detect(declared, head)
	if err != nil {
		return Info{}, err
	}
	ctx, giveUp := context.WithCancel(ctx)
	defer giveUp() // before Close: then nothing is kept
	w, err := s.bucket.NewWriter(ctx, key, &blob.WriterOptions{ContentType: media, DisableContentTypeDetection: true})
	if err != nil {
		return Info{}, fmt.Errorf("write a blob: %w", err)
	}
	sum := sha256.New()
	size, err := io.Copy(io.MultiWriter(w, sum), io.LimitReader(io.MultiReader(strings.NewReader(string(head)), from), limit+1))
	if err == nil && size > limit {
		err = ErrTooLarge.Saying("The file is larger than the %d bytes that are taken here.", limit)
	}
	if err != nil {
		giveUp()
		_ = w.Close() // what it says is that it was given up
		return Info{}, err
	}
	if err := w.Close(); err != nil {
		return Info{}, fmt.Errorf("write a blob: %w", err)
	}
	info := Info{Size: size, Type: media}
	sum.Sum(info.SHA256[:0])
	return info, s.sync(key)
}

// sync sees that a file outlives a power cut, since its row will.
func (s *Store) sync(key string) error {
	if s.dir == "" {
		return nil
	}
	file := filepath.Join(s.dir, filepath.FromSlash(key))
	for _, path := range []string{file, filepath.Dir(file)} {
		f, err := os.Open(path) //nolint:gosec // a key of ours below our own folder
		if err != nil {
			return fmt.Errorf("keep a blob: %w", err)
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return fmt.Errorf("keep a blob: %w", err)
		}
	}
	return nil
}

// Open reads a blob; it can be read from any place. It fails with ErrNotFound.
func (s *Store) Open(ctx context.Context, key string) (io.ReadSeekCloser, error) {
	r, err := s.bucket.NewReader(ctx, key, nil)
	if err != nil {
		return nil, explain(err)
	}
	return r, nil
}

// Delete forgets a blob. Forgetting what is not there is no error. It fails with ErrHeld while somebody holds the store.
func (s *Store) Delete(ctx context.Context, key string) error {
	done, err := s.lock(syscall.LOCK_SH)
	if err != nil {
		return err
	}
	defer done()
	if err := explain(s.bucket.Delete(ctx, key)); err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	return nil
}

// Accounts lists the accounts that have blobs.
func (s *Store) Accounts(ctx context.Context) ([]kernel.AccountID, error) {
	var all []kernel.AccountID
	for each := s.bucket.List(&blob.ListOptions{Delimiter: "/"}); ; {
		o, err := each.Next(ctx)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("list blobs: %w", err)
		}
		if id, err := kernel.ParseID[kernel.AccountID](strings.TrimSuffix(o.Key, "/")); err == nil {
			all = append(all, id)
		}
	}
}

// Each calls fn for the blobs of a room of an account that were kept before a time.
func (s *Store) Each(ctx context.Context, account kernel.AccountID, room string, before time.Time, fn func(id uuid.UUID) error) error {
	for each := s.bucket.List(&blob.ListOptions{Prefix: account.String() + "/" + room + "/"}); ; {
		o, err := each.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("list blobs: %w", err)
		}
		_, _, id, ok := ParseKey(o.Key)
		if !ok || !o.ModTime.Before(before) {
			continue
		}
		if err := fn(id); err != nil {
			return err
		}
	}
}

// Check writes, reads and deletes a blob: for the doctor.
func (s *Store) Check(ctx context.Context) error {
	key := "doctor/" + uuid.NewString()
	if err := s.bucket.WriteAll(ctx, key, []byte(key), nil); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	got, err := s.bucket.ReadAll(ctx, key)
	if err == nil && string(got) != key {
		err = errors.New("what was written comes back changed")
	}
	if err != nil {
		err = fmt.Errorf("read: %w", err)
	}
	if gone := s.bucket.Delete(ctx, key); gone != nil {
		err = errors.Join(err, fmt.Errorf("delete: %w", gone))
	}
	return err
}

func explain(err error) error {
	switch {
	case err == nil:
		return nil
	case gcerrors.Code(err) == gcerrors.NotFound:
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return fmt.Errorf("blob: %w", err)
}
