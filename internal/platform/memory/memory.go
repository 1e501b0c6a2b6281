// Package memory gives memory back to the machine after work that needs much of it for a moment: hashing a password,
// reading a large document, starting. Left alone, the runtime keeps it for minutes.
package memory

import (
	"runtime/debug"
	"sync/atomic"
	"time"
)

var pending atomic.Bool

// ReleaseSoon gives back, a second from now, what is not needed by then. Calls within that second count as one.
func ReleaseSoon() {
	if pending.CompareAndSwap(false, true) {
		time.AfterFunc(time.Second, func() {
			pending.Store(false)
			debug.FreeOSMemory()
		})
	}
}

// Release does it before it returns: between two halves of one work that each need much.
func Release() { debug.FreeOSMemory() }

// ReleaseNow does it at once, beside the caller: for what is so large that a second of it cannot wait.
func ReleaseNow() { go debug.FreeOSMemory() }
