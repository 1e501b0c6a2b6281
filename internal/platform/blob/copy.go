package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

var (
	// ErrHeld is a deletion while the blobs are copied. It may be tried again later.
	ErrHeld = errors.New("blob: nothing is deleted while the blobs are copied")
	// ErrNotEmpty is a folder that has something in it already.
	ErrNotEmpty = errors.New("there are files already")
)

const (
	holdEvery = 20 * time.Millisecond
	// holdWithin is longer than the deletions take that are under way.
	holdWithin = 10 * time.Second
)

// Hold keeps every blob from being deleted, by whatever process, until release. What was read from the database meanwhile
// or before then finds its blobs. It is for the folder of Config.Dir only, and fails when another one holds them.
func (s *Store) Hold(ctx context.Context) (release func(), err error) {
	if !s.own {
		return nil, errors.New("hold blobs: they are where a URL says")
	}
	ctx, cancel := context.WithTimeout(ctx, holdWithin)
	defer cancel()
	for {
		release, err = s.lock(syscall.LOCK_EX)
		if !errors.Is(err, ErrHeld) {
			return release, err
		}
		timer := time.NewTimer(holdEvery)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, errors.New("another backup copies the blobs")
		case <-timer.C:
		}
	}
}

// lock takes the lock of the folder if it is free now: shared by those who delete, exclusive for who copies. The kernel
// gives it back when a program dies. What a URL names, which others copy, has none.
func (s *Store) lock(how int) (release func(), err error) {
	if !s.own {
		return func() {}, nil
	}
	f, err := os.Open(s.dir)
	if err != nil {
		return nil, fmt.Errorf("lock the blobs: %w", err)
	}
	for {
		err = syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err == nil {
		return func() { _ = f.Close() }, nil
	}
	_ = f.Close() // it was only to be locked
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, ErrHeld
	}
	return nil, fmt.Errorf("lock the blobs: %w", err)
}

// File is a blob that is a file.
type File struct {
	Key  string
	Size int64
	At   time.Time // when it was kept
}

// Files calls fn with every blob of a folder. What is being written and is no blob yet does not count.
func (s *Store) Files(fn func(f File, content io.Reader) error) error {
	if s.dir == "" {
		return errors.New("list blobs: they are in a bucket")
	}
	return filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(s.dir, path)
		if err != nil {
			return err
		}
		key := filepath.ToSlash(rel)
		if _, _, _, ok := ParseKey(key); !ok || !d.Type().IsRegular() {
			return nil
		}
		content, err := os.Open(path) //nolint:gosec // a key of ours below our own folder
		if err != nil {
			return err
		}
		defer content.Close() //nolint:errcheck // only read
		info, err := content.Stat()
		if err != nil {
			return err
		}
		return fn(File{Key: key, Size: info.Size(), At: info.ModTime()}, content)
	})
}

// Restoration is a folder of blobs that is put together beside the place where it will be.
type Restoration struct {
	dir, building string
	root          *os.Root
}

// Restore begins to put a folder of blobs together. It fails with ErrNotEmpty.
func Restore(dir string) (*Restoration, error) {
	if err := removeEmpty(dir); err != nil {
		return nil, err
	}
	// Whoever was killed left one; two at once are kept apart by the cluster, which is restored with it.
	building := dir + ".restoring"
	if err := os.RemoveAll(building); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(building, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(building)
	return &Restoration{dir: dir, building: building, root: root}, err
}

// removeEmpty removes a folder of folders that have no file.
func removeEmpty(dir string) error {
	var folders []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			return fmt.Errorf("%w: %s", ErrNotEmpty, path)
		}
		folders = append(folders, path)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for i := len(folders) - 1; err == nil && i >= 0; i-- {
		err = os.Remove(folders[i])
	}
	return err
}

// Put writes a blob.
func (r *Restoration) Put(f File, content io.Reader) error {
	if _, _, _, ok := ParseKey(f.Key); !ok {
		return fmt.Errorf("%q is no key of a blob", f.Key)
	}
	name := filepath.FromSlash(f.Key)
	if err := r.root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	out, err := r.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, content)
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return err
	}
	return r.root.Chtimes(name, f.At, f.At) // the sweep goes by it
}

// Commit puts the folder in its place. What root has written goes to the owner of the folder above, so that what is restored
// through sudo can be used without it: the folder itself at last, so that its owner cannot change it while root is at it.
func (r *Restoration) Commit() error {
	uid, gid, err := r.owner()
	if err != nil {
		return err
	}
	err = fs.WalkDir(r.root.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && path != "." && uid >= 0 {
			err = r.root.Lchown(path, uid, gid)
		}
		if err != nil || !d.IsDir() {
			return err
		}
		f, err := r.root.Open(path)
		if err != nil {
			return err
		}
		return errors.Join(f.Sync(), f.Close())
	})
	if err == nil && uid >= 0 {
		err = os.Lchown(r.building, uid, gid)
	}
	if err != nil {
		return err
	}
	if err := os.Rename(r.building, r.dir); err != nil {
		return err
	}
	return syncDir(filepath.Dir(r.dir))
}

// owner is whom the folder is given to; -1 when it stays ours, since only root gives anything away.
func (r *Restoration) owner() (uid, gid int, err error) {
	if os.Geteuid() != 0 {
		return -1, -1, nil
	}
	info, err := os.Stat(filepath.Dir(r.dir))
	if err != nil {
		return 0, 0, err
	}
	sys, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return -1, -1, nil
	}
	return int(sys.Uid), int(sys.Gid), nil
}

func syncDir(path string) error {
	d, err := os.Open(path) //nolint:gosec // our own folder
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Close removes what was put together, unless Commit has put it in its place.
func (r *Restoration) Close() error { return errors.Join(r.root.Close(), os.RemoveAll(r.building)) }
