package telemetry

import (
	"bufio"
	"io"
	"sync"
	"time"
)

const (
	logBuffer = 64 << 10
	logDelay  = 100 * time.Millisecond
)

// LogWriter collects log lines and writes them out in large pieces, at most 100 ms late: one system call for each request
// would cost more than the rest of the request's log. What is written shortly before a crash is lost, so errors belong in
// a log that does not wait.
type LogWriter struct {
	mu    sync.Mutex
	out   *bufio.Writer
	timer *time.Timer
	armed bool
}

// NewLogWriter returns a writer onto out.
func NewLogWriter(out io.Writer) *LogWriter {
	w := &LogWriter{out: bufio.NewWriterSize(out, logBuffer)}
	w.timer = time.AfterFunc(time.Hour, w.late)
	w.timer.Stop()
	return w
}

// Write keeps p for later. An error is one of an earlier line.
func (w *LogWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.armed {
		w.armed = true
		w.timer.Reset(logDelay)
	}
	return w.out.Write(p)
}

func (w *LogWriter) late() { _ = w.Flush() }

// Flush writes out what is kept. Call it before the process ends.
func (w *LogWriter) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed = false
	return w.out.Flush()
}
