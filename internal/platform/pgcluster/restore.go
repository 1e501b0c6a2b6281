package pgcluster

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rooftop-crm/rooftop/internal/platform/archive"
)

var (
	// ErrExists is a folder that has a cluster already.
	ErrExists = errors.New("there is a private Postgres already")
	// ErrInUse is a folder that another program uses.
	ErrInUse = errors.New("a program uses it")
)

// Restoration is a cluster that is put together from what BaseBackup gave. It is built in a folder beside the place where
// it will be and goes there when it is complete: a program that is killed on the way leaves nothing that could be taken for
// a cluster. Until Close no other program can use the data folder.
type Restoration struct {
	place    place
	building place // in a folder of its own within the former
	binaries Binaries
	root     *os.Root
	password string // the superuser's, once recovered
	locks    []*fileLock
}

// restoring is what the names of folders begin with in which clusters are put together.
const restoring = "restoring-"

// Restore begins to put a cluster of a major version into DataDir. It fails with ErrExists, with ErrInUse, or when there are
// no binaries of that version. Errors are one line and say what to do.
func Restore(ctx context.Context, cfg Config, major int) (*Restoration, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	where, err := locate(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("private Postgres: %w", err)
	}
	r := &Restoration{place: where}
	if err := r.prepare(ctx, cfg, major); err != nil {
		return nil, errors.Join(fmt.Errorf("private Postgres in %s: %w", where.home, err), r.Close())
	}
	return r, nil
}

func (r *Restoration) prepare(ctx context.Context, cfg Config, major int) error {
	for _, name := range []string{"users.lock", "supervisor.lock"} {
		lock, ok, err := tryLock(r.place.file(name), r.place, lockExclusive)
		if err != nil {
			return err
		}
		if !ok {
			return ErrInUse
		}
		r.locks = append(r.locks, lock)
	}
	if r.place.initialised() {
		return ErrExists
	}
	var err error
	if r.binaries, err = findMajor(ctx, cfg, r.place, major, ", which wrote the backup"); err != nil {
		return err
	}
	r.place.removeLeftovers()
	dir := r.place.file(restoring + freshName())
	if err := makeDir(dir, r.place.account); err != nil {
		return err
	}
	r.building = place{dataDir: dir, home: dir, account: r.place.account}
	// It is ours until it is complete: root does not write into folders of others.
	if err := os.Mkdir(r.building.pgdata(), 0o700); err != nil {
		return err
	}
	r.root, err = os.OpenRoot(r.building.pgdata())
	return err
}

// removeLeftovers clears up after programs that were killed. The caller sees to it that no other one is at it.
func (p place) removeLeftovers() {
	for _, glob := range []string{p.pgdata() + ".new-*", p.file(restoring + "*")} {
		leftovers, _ := filepath.Glob(glob)
		for _, dir := range leftovers {
			_ = os.RemoveAll(dir) // what cannot go now goes next time
		}
	}
}

// Put writes a file or folder of the cluster. It refuses names that lead out of it, and to write a file twice.
func (r *Restoration) Put(m archive.Member, content io.Reader) error {
	name := filepath.FromSlash(m.Name)
	if m.Dir {
		return r.root.MkdirAll(name, 0o700)
	}
	if err := r.root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := r.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Close())
}

// Recover brings the cluster to the state at the end of the backup, gives the superuser a new password, and runs a statement
// of one line in a database. It fails when the statement does.
func (r *Restoration) Recover(ctx context.Context, database, statement string) error {
	err := r.handOver()
	if err != nil {
		return err
	}
	r.password = rand.Text()
	if err := r.runAlone(ctx, database, "ALTER ROLE "+superuser+" PASSWORD '"+r.password+"'", statement); err != nil {
		return fmt.Errorf("recover the cluster: %w", err)
	}
	return nil
}

// Commit puts the recovered cluster in its place.
func (r *Restoration) Commit() error {
	// As in a first start: the password is there before the cluster is.
	if err := r.place.replace(r.place.passwordFile(), []byte(r.password+"\n"), 0o600); err != nil {
		return err
	}
	if err := os.Rename(r.building.pgdata(), r.place.pgdata()); err != nil {
		return err
	}
	return syncDir(r.place.home)
}

// handOver gives what root has written to the user that Postgres runs as: the folder itself at last, so that this user cannot
// change what is in it while root is at it.
func (r *Restoration) handOver() error {
	a := r.place.account
	if a == nil {
		return nil
	}
	err := fs.WalkDir(r.root.FS(), ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || path == "." {
			return err
		}
		return r.root.Lchown(path, int(a.uid), int(a.gid))
	})
	if err != nil {
		return err
	}
	return os.Lchown(r.building.pgdata(), int(a.uid), int(a.gid))
}

// runAlone runs the server without an address, for this program alone: its statements come by standard input, and it ends
// when that does, also because we were killed. It recovers first, and before that sees every file to the disk.
func (r *Restoration) runAlone(ctx context.Context, database string, statements ...string) error {
	cmd := r.place.command(ctx, r.binaries, "postgres", "--single", "-D", r.building.pgdata(),
		"-c", "exit_on_error=on", "-c", "fsync=on", "-c", "full_page_writes=on", "-c", "password_encryption=scram-sha-256",
		"-c", "lc_messages=C", "-c", "log_destination=stderr", "-c", "logging_collector=off", "-c", "log_min_error_statement=panic", database)
	var said bytes.Buffer
	cmd.Stdin, cmd.Stderr = strings.NewReader(strings.Join(statements, "\n")+"\n"), &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%w: %s", err, complaint(said.String()))
	}
	return nil
}

// Close lets others use the data folder, and removes what was put together unless Commit has put it in its place.
func (r *Restoration) Close() error {
	var err error
	if r.root != nil {
		err = r.root.Close()
	}
	if r.building.home != "" {
		err = errors.Join(err, os.RemoveAll(r.building.home))
	}
	for _, lock := range r.locks {
		lock.release()
	}
	return err
}
