package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/rooftop-crm/rooftop/internal/platform/clock"
)

// worker is one keep-alive connection with what it asks for. It writes requests and reads answers by hand: a client library
// would cost more than some of the handlers it is to measure.
type worker struct {
	to      *server
	data    *dataset
	r       *rand.Rand
	walkers []walker
	at      int

	conn  net.Conn
	in    *bufio.Reader
	out   []byte
	body  []byte // of the last answer, when keep is set or the answer is an error
	keep  bool
	took  []time.Duration
	other int // answers that were 2xx and not the usual one
}

const answerTimeout = 20 * time.Second

// newWorkers makes n workers for a server. part of parts says which of the open leads are theirs.
func newWorkers(to *server, d *dataset, n, part, parts int) []*worker {
	out := make([]*worker, n)
	for i := range out {
		seed := uint64(clock.Now().UnixNano()) + uint64(i)                          // each run has people of its own
		w := &worker{to: to, data: d, r: rand.New(rand.NewPCG(seed, uint64(part)))} //nolint:gosec // a load, not a secret
		for k := part*n + i; k < len(d.walkers); k += parts * n {
			w.walkers = append(w.walkers, d.walkers[k])
		}
		out[i] = w
	}
	return out
}

func (w *worker) dial(ctx context.Context) error {
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", w.to.address)
	if err != nil {
		return err
	}
	w.conn, w.in = conn, bufio.NewReaderSize(conn, 64<<10)
	return nil
}

func (w *worker) hangUp() {
	if w.conn != nil {
		_ = w.conn.Close()
		w.conn = nil
	}
}

// do sends one request and reads the answer.
func (w *worker) do(c *call) (status int, err error) {
	b := append(w.out[:0], c.method...)
	b = append(b, ' ')
	b = append(b, c.path...)
	b = append(b, " HTTP/1.1\r\nHost: bench.example\r\n"...)
	if w.to.bare {
		b = append(append(b, accountHeader+": "...), c.account.text...)
	} else {
		b = append(append(b, "Authorization: Bearer "...), c.account.key...)
	}
	if c.body != nil {
		b = append(append(b, "\r\nContent-Type: "...), c.media...)
		b = strconv.AppendInt(append(b, "\r\nContent-Length: "...), int64(len(c.body)), 10)
		b = append(append(b, "\r\nIdempotency-Key: "...), run36...)
		b = strconv.AppendInt(append(b, '-'), unique.Add(1), 10)
	}
	b = append(append(b, "\r\n\r\n"...), c.body...)
	w.out = b
	if err := w.conn.SetDeadline(instant().Add(answerTimeout)); err != nil {
		return 0, err
	}
	if _, err := w.conn.Write(b); err != nil {
		return 0, err
	}
	return w.answer()
}

var contentLength = []byte("content-length:")

func (w *worker) answer() (status int, err error) {
	line, err := w.in.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < 12 {
		return 0, fmt.Errorf("no HTTP answer: %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, err
	}
	length := -1
	for {
		if line, err = w.in.ReadSlice('\n'); err != nil {
			return 0, err
		}
		if len(line) <= 2 {
			break
		}
		if len(line) > len(contentLength) && bytes.EqualFold(line[:len(contentLength)], contentLength) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[len(contentLength):]))); err != nil {
				return 0, err
			}
		}
	}
	if length < 0 {
		return 0, errors.New("an answer without Content-Length")
	}
	if w.keep || status >= 300 {
		w.body = make([]byte, length)
		_, err = io.ReadFull(w.in, w.body)
		return status, err
	}
	_, err = w.in.Discard(length)
	return status, err
}

// ask does a workload's next request and checks its answer.
func (w *worker) ask(of *workload) error {
	c := of.next(w)
	status, err := w.do(&c)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %s %s: %w", w.to.name, c.method, c.path, err)
	case status < 200 || status > 299:
		return fmt.Errorf("%s: %s %s: %d %s", w.to.name, c.method, c.path, status, w.body)
	case c.moved != nil:
		c.moved.status = c.to
	case c.body != nil && status != 201:
		w.other++
	}
	return nil
}

// round is what was measured of one server in one round.
type round struct {
	requests int
	rate     float64 // requests a second
	p50, p99 time.Duration
	cpu      time.Duration // of the server, per request
	database time.Duration // of Postgres, per request; 0 when not known
	unusual  int
}

// drive lets the workers ask for so long. Any error ends it: a bench with errors measures nothing.
func drive(ctx context.Context, workers []*worker, of *workload, length time.Duration, postmaster int) (round, error) {
	var r round
	for _, w := range workers {
		w.took, w.other = w.took[:0], 0
		if err := w.dial(ctx); err != nil {
			return r, err
		}
		defer w.hangUp()
	}
	pid := workers[0].to.cmd.Process.Pid
	cpu, database := cpuOf(pid), cpuOfTree(postmaster)
	begin := instant()
	end := begin.Add(length)
	errs := make([]error, len(workers))
	var wait sync.WaitGroup
	for i, w := range workers {
		wait.Go(func() { errs[i] = w.until(ctx, of, end) })
	}
	wait.Wait()
	elapsed := instant().Sub(begin)
	var took []time.Duration
	for _, w := range workers {
		took = append(took, w.took...)
		r.unusual += w.other
	}
	if err := errors.Join(errs...); err != nil {
		return r, firstLine(err)
	}
	if len(took) == 0 {
		return r, fmt.Errorf("%s answered nothing within %s", workers[0].to.name, length)
	}
	slices.Sort(took)
	r.requests = len(took)
	r.rate = float64(len(took)) / elapsed.Seconds()
	r.p50, r.p99 = took[len(took)/2], took[len(took)*99/100]
	r.cpu = (cpuOf(pid) - cpu) / time.Duration(len(took))
	r.database = (cpuOfTree(postmaster) - database) / time.Duration(len(took))
	return r, nil
}

func firstLine(err error) error {
	line, _, _ := bytes.Cut([]byte(err.Error()), []byte("\n"))
	return errors.New(string(line))
}

func (w *worker) until(ctx context.Context, of *workload, end time.Time) error {
	for now := instant(); now.Before(end); {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.ask(of); err != nil {
			return err
		}
		done := instant()
		w.took = append(w.took, done.Sub(now))
		now = done
	}
	return nil
}
