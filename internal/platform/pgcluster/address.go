package pgcluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
)

const (
	loopback   = "127.0.0.1"
	socketPort = 5432 // only part of the socket's name
	// maxSocketPath fits every system's limit (Linux 107, macOS 103 bytes).
	maxSocketPath = 103
)

// address is where the server listens: a Unix socket in a folder that only the server's user may enter or, where the file
// system has no sockets, a loopback port. It is remembered, so that clients find a restarted server where it was.
type address struct {
	SocketDir string `json:"socket_dir,omitempty"`
	Port      int    `json:"port"`
}

func (a address) String() string {
	if a.SocketDir != "" {
		return a.socket()
	}
	return fmt.Sprintf("%s:%d", loopback, a.Port)
}

func (a address) socket() string {
	return filepath.Join(a.SocketDir, fmt.Sprintf(".s.PGSQL.%d", a.Port))
}

// chooseAddress takes the remembered address if it can still be used, else the first that works: a socket in home, a
// socket under /tmp (shorter), a loopback port.
func (p place) chooseAddress() (address, error) {
	file := p.file("address.json")
	var known address
	if raw, err := os.ReadFile(file); err == nil && json.Unmarshal(raw, &known) == nil && p.usable(known) {
		return known, nil
	}
	chosen, err := p.newAddress()
	if err != nil {
		return address{}, err
	}
	raw, err := json.Marshal(chosen)
	if err != nil {
		return address{}, err
	}
	return chosen, p.replace(file, raw, 0o644)
}

func (p place) newAddress() (address, error) {
	for _, dir := range []string{
		p.file("socket"),
		filepath.Join("/tmp", "rooftop-"+shortHash(p.home)),
		filepath.Join("/tmp", "rooftop-"+freshName()), // someone else sits on the name above
	} {
		if a := (address{SocketDir: dir, Port: socketPort}); p.usable(a) {
			return a, nil
		}
	}
	port, err := freePort()
	return address{Port: port}, err
}

// usable makes the socket folder if need be and tries a socket in it, or tries the port.
func (p place) usable(a address) bool {
	if a.SocketDir == "" {
		return a.Port != 0 && canListen("tcp", fmt.Sprintf("%s:%d", loopback, a.Port))
	}
	if len(a.socket()) > maxSocketPath || a.Port != socketPort {
		return false
	}
	if err := p.makeServerDir(a.SocketDir); err != nil && !errors.Is(err, fs.ErrExist) {
		return false
	}
	info, err := os.Lstat(a.SocketDir)
	if err != nil || !info.IsDir() || info.Mode().Perm()&0o077 != 0 {
		return false
	}
	want := uint32(os.Geteuid()) //nolint:gosec // never negative on a system with sockets
	if p.account != nil {
		want = p.account.uid
	}
	if owner, _ := ownerOf(info); owner != want || !p.account.reaches(a.SocketDir) {
		return false
	}
	probe := filepath.Join(a.SocketDir, ".try")
	_ = os.Remove(probe) // left by a program killed in the middle
	return canListen("unix", probe)
}

func canListen(network, where string) bool {
	l, err := new(net.ListenConfig).Listen(context.Background(), network, where)
	if err != nil {
		return false
	}
	return l.Close() == nil
}

func freePort() (int, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", loopback+":0")
	if err != nil {
		return 0, fmt.Errorf("no free port on %s: %w", loopback, err)
	}
	defer l.Close() //nolint:errcheck // nothing was written
	tcp, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("%s is no TCP address", l.Addr())
	}
	return tcp.Port, nil
}
