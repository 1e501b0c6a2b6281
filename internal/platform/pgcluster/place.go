package pgcluster

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// place is where the files of a cluster are. Home is DataDir, or a folder elsewhere that DataDir's file "location" names.
//
//	DataDir   password, location
//	home      pgdata/ (the server user's), socket/ (the server user's), postgresql.conf, address.json, postgres.log, locks
//
// Of a root program's files only pgdata and socket belong to the server user: root never writes into those, so that this
// user cannot lead root astray with symbolic links.
type place struct {
	dataDir string
	home    string
	account *account
}

func (p place) file(name string) string { return filepath.Join(p.home, name) }
func (p place) pgdata() string          { return p.file("pgdata") }

// locate makes DataDir and finds the home of its data.
func locate(ctx context.Context, cfg Config) (place, error) {
	abs, err := filepath.Abs(cfg.DataDir)
	if err != nil {
		return place{}, err
	}
	sudo, err := chooseAccount(cfg.SudoUID, 0)
	if err != nil {
		return place{}, err
	}
	if err := makeDir(abs, sudo); err != nil {
		return place{}, err
	}
	// The server is told resolved paths, so that two ways to one folder are one cluster.
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return place{}, err
	}
	p := place{dataDir: abs, home: abs}
	lock, err := waitLock(ctx, filepath.Join(abs, "locate.lock"), p, lockExclusive)
	if err != nil {
		return place{}, p.explain(err)
	}
	defer lock.release()
	return p.settle(cfg)
}

// settle decides on home and server user; the caller holds the lock of DataDir.
func (p place) settle(cfg Config) (place, error) {
	pointer := filepath.Join(p.dataDir, "location")
	switch raw, err := os.ReadFile(pointer); {
	case err == nil:
		p.home = strings.TrimSpace(string(raw))
	case !errors.Is(err, os.ErrNotExist):
		return place{}, p.explain(err)
	}
	var owner uint32
	if info, err := os.Stat(p.pgdata()); err == nil {
		owner, _ = ownerOf(info)
		if me := os.Geteuid(); me != 0 && int(owner) != me {
			return place{}, p.explain(os.ErrPermission)
		}
	}
	var err error
	if p.account, err = chooseAccount(cfg.SudoUID, owner); err != nil {
		return place{}, err
	}
	if p.home == p.dataDir && owner == 0 && !p.account.reaches(p.dataDir) {
		if err := makeDir(cfg.FallbackDir, nil); err != nil { // shared by all users: it stays root's
			return place{}, err
		}
		if p.home, err = freshHome(cfg.FallbackDir, p.dataDir); err != nil {
			return place{}, err
		}
		// The pointer comes before the folder: a program killed in between leaves no folder nobody knows of.
		if err := p.replace(pointer, []byte(p.home+"\n"), 0o644); err != nil {
			return place{}, err
		}
	}
	if err := makeDir(p.home, p.account); err != nil {
		return place{}, p.explain(err)
	}
	if !p.account.reaches(p.home) {
		return place{}, fmt.Errorf("the user %s, whom Postgres runs as, cannot reach %s: open the folders above it (chmod o+x)",
			p.account.title(), p.home)
	}
	return p, nil
}

// explain turns a refused permission into a line that says whose the folder is.
func (p place) explain(err error) error {
	if !errors.Is(err, os.ErrPermission) {
		return err
	}
	return fmt.Errorf("the data in %s belongs to another user: run as that user or as root, or set ROOFTOP_DATA_DIR to a folder "+
		"of your own: %w", p.home, err)
}

// freshHome names a folder that does not exist: one that does belongs to a DataDir that was deleted since, and whoever
// deletes a DataDir wants to begin anew.
func freshHome(fallback, dataDir string) (string, error) {
	base := filepath.Join(fallback, shortHash(dataDir))
	for n := 1; n < 1000; n++ {
		name := base
		if n > 1 {
			name = fmt.Sprintf("%s-%d", base, n)
		}
		if _, err := os.Lstat(name); errors.Is(err, os.ErrNotExist) {
			return name, nil
		} else if err != nil {
			return "", err
		}
	}
	return "", fmt.Errorf("%s is full of data of deleted folders: remove what is not needed", fallback)
}

func shortHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:5])
}

// makeDir makes the folder and what is missing above it. What a root program makes for a sudo user is given to that user.
func makeDir(path string, a *account) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil
	}
	if parent := filepath.Dir(path); parent != path {
		if err := makeDir(parent, a); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, 0o755); errors.Is(err, os.ErrExist) {
		return nil
	} else if err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return nil
	}
	if err := os.Chmod(path, 0o755); err != nil { //nolint:gosec // the server user must get through, whatever root's umask
		return err
	}
	if a != nil && a.human {
		return os.Lchown(path, int(a.uid), int(a.gid))
	}
	return nil
}

// makeServerDir makes a folder in home that belongs to the server user alone. One that is there already is left as it is.
func (p place) makeServerDir(path string) error {
	if err := os.Mkdir(path, 0o700); err != nil {
		return err
	}
	if p.account != nil {
		return os.Lchown(path, int(p.account.uid), int(p.account.gid))
	}
	return nil
}

// open opens or creates a file and gives a new one to the owner of its folder, so that a folder used through sudo can be
// used without it later.
func (p place) open(path string, flag int, perm os.FileMode) (*os.File, error) {
	f, err := os.OpenFile(path, flag|os.O_CREATE|syscall.O_NOFOLLOW, perm)
	if err != nil || os.Geteuid() != 0 {
		return f, err
	}
	dir, err := os.Stat(filepath.Dir(path))
	if err == nil {
		uid, gid := ownerOf(dir)
		err = f.Chown(int(uid), int(gid))
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// replace writes a file whole or not at all.
func (p place) replace(path string, content []byte, perm os.FileMode) error {
	temp := path + "." + rand.Text()
	f, err := p.open(temp, os.O_WRONLY|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Chmod(perm) // whatever the umask says
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		_ = os.Remove(temp)
	}
	return err
}

func (p place) passwordFile() string { return filepath.Join(p.dataDir, "password") }

// readPassword fails with a line that says what to do when the file was lost.
func (p place) readPassword() (string, error) {
	raw, err := os.ReadFile(p.passwordFile())
	if errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("the superuser's password file %s is gone: put it back, or move %s away to begin anew",
			p.passwordFile(), p.home)
	}
	return strings.TrimSpace(string(raw)), err
}

// ensurePassword makes the password before the cluster, so that a killed first start never leaves a cluster without one.
func (p place) ensurePassword() (string, error) {
	if p.initialised() {
		return p.readPassword()
	}
	if password, err := p.readPassword(); err == nil && password != "" {
		return password, nil
	}
	password := rand.Text()
	return password, p.replace(p.passwordFile(), []byte(password+"\n"), 0o600)
}

// initialised tells whether there is a finished cluster: pgdata gets its name by a rename at the end of initdb.
func (p place) initialised() bool {
	_, err := os.Stat(p.pgdata())
	return err == nil
}

func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}
