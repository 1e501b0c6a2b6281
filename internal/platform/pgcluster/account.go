package pgcluster

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// account is the unprivileged user a root program runs Postgres as, since Postgres refuses to run as root.
type account struct {
	name   string
	uid    uint32
	gid    uint32
	groups []uint32
	human  bool // came by sudo or owns the data already: what we make in the data folder is given to this user
}

// chooseAccount returns nil when the program is not root and so runs Postgres as itself. dataOwner is the owner of data that
// is there already, 0 for none: nobody else can run it.
func chooseAccount(sudoUID string, dataOwner uint32) (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // nil means "as ourselves"
	}
	if dataOwner != 0 {
		return lookUp(user.LookupId(strconv.FormatUint(uint64(dataOwner), 10)))
	}
	if sudoUID != "" && sudoUID != "0" {
		a, err := lookUp(user.LookupId(sudoUID))
		if err == nil {
			a.human = true
		}
		return a, err
	}
	for _, name := range []string{"postgres", "nobody"} {
		if a, err := lookUp(user.Lookup(name)); err == nil && a.uid != 0 {
			return a, nil
		}
	}
	return nil, errors.New("Postgres refuses to run as root and there is neither a user postgres nor nobody: " +
		"add one, or run as an ordinary user, or set ROOFTOP_DATABASE_URL")
}

func lookUp(u *user.User, err error) (*account, error) {
	if err != nil {
		return nil, fmt.Errorf("the user to run Postgres as: %w", err)
	}
	uid, err := parseID(u.Uid)
	if err != nil {
		return nil, err
	}
	gid, err := parseID(u.Gid)
	if err != nil {
		return nil, err
	}
	a := &account{name: u.Username, uid: uid, gid: gid}
	ids, err := u.GroupIds()
	if err != nil {
		ids = nil // the main group alone is enough to run
	}
	for _, id := range ids {
		if g, err := parseID(id); err == nil {
			a.groups = append(a.groups, g)
		}
	}
	return a, nil
}

func parseID(s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("user or group id %q: %w", s, err)
	}
	return uint32(n), nil
}

// attributes start a process as this user in a session of its own, so that neither a closed terminal nor Ctrl-C reaches the server.
func (a *account) attributes() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setsid: true}
	if a != nil {
		attr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid, Groups: a.groups}
	}
	return attr
}

// title is the user's name for messages.
func (a *account) title() string {
	if a != nil {
		return a.name
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return strconv.Itoa(os.Geteuid())
}

// reaches tells whether the user may pass through every folder down to path, path itself included. Access control lists
// are not looked at: a folder opened by one only counts as closed.
func (a *account) reaches(path string) bool {
	if a == nil {
		return true
	}
	for dir := path; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil || !a.mayEnter(info) {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
	}
}

func (a *account) mayEnter(info os.FileInfo) bool {
	owner, group := ownerOf(info)
	mode := info.Mode().Perm()
	if owner == a.uid {
		return mode&0o100 != 0
	}
	if group == a.gid {
		return mode&0o010 != 0
	}
	if slices.Contains(a.groups, group) {
		return mode&0o010 != 0
	}
	return mode&0o001 != 0
}

func ownerOf(info os.FileInfo) (uid, gid uint32) {
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		return sys.Uid, sys.Gid
	}
	return 0, 0
}
