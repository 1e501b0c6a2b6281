//go:build !unix

package db

import "net"

// quiet cannot look at a socket here; idle connections are pinged instead.
func quiet(net.Conn) (ok, known bool) { return false, false }
