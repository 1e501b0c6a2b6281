//go:build unix

package db

import (
	"net"
	"syscall"
)

// quiet looks at the socket of an idle connection without reading or waiting. A server that stopped has closed it or
// said so, and both show here: asking costs no message, so a restart of Postgres surfaces in no statement.
// known is false where the socket cannot be looked at.
func quiet(c net.Conn) (ok, known bool) {
	if wrapped, is := c.(interface{ NetConn() net.Conn }); is {
		c = wrapped.NetConn() // TLS
	}
	sc, is := c.(syscall.Conn)
	if !is {
		return false, false
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return false, true
	}
	var errno error
	// Control, not Read: after a slow write pgconn may have left a reader waiting on the socket, and Read would queue
	// behind it until the server says something, which an idle one never does.
	err = raw.Control(func(fd uintptr) {
		var b [1]byte
		_, _, errno = syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	})
	return err == nil && (errno == syscall.EAGAIN || errno == syscall.EWOULDBLOCK), true
}
