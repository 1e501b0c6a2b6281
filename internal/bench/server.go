package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rooftop-crm/rooftop/internal/app"
)

// childFlag makes this program a server under measurement: each is a process of its own, so that its CPU time is its own.
const childFlag = "-serve"

// order is what a child is told, on its standard input.
type order struct {
	Bare      bool   `json:"bare"`
	OwnerURL  string `json:"owner_url"`
	ServerURL string `json:"server_url"`
	MasterKey string `json:"master_key"`
	Pool      int    `json:"pool"`
	DataDir   string `json:"data_dir"`
	Log       string `json:"log"`     // for its standard error: our server writes all that it would in production
	Profile   bool   `json:"profile"` // /profile?seconds=n on a port of its own
}

// child serves until its standard input ends, which it does when the bench is gone. Its first line is its addresses.
func child(in io.Reader, out io.Writer) int {
	var o order
	lines := bufio.NewReader(in)
	line, err := lines.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &o)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, lines)
		stop()
	}()
	if err == nil {
		err = serveChild(ctx, o, out)
	}
	if err != nil {
		fmt.Fprintf(out, "error %s\n", strings.ReplaceAll(err.Error(), "\n", "; "))
		return 1
	}
	return 0
}

func serveChild(ctx context.Context, o order, out io.Writer) error {
	profile := "-"
	if o.Profile {
		on, err := serveProfile(ctx)
		if err != nil {
			return err
		}
		profile = on
	}
	if o.Bare {
		return serveBare(ctx, o, out)
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	cfg := app.Config{
		Addr: address, Env: "production", Services: "all", DatabaseURL: o.OwnerURL, MaxConns: o.Pool, DataDir: o.DataDir,
		MasterKey: o.MasterKey, LogLevel: "info", RatePerMinute: 600, MaxDocument: 25 << 20, ShutdownTimeout: 5 * time.Second,
	}
	if err := errors.Join(cfg.Validate(), cfg.SetUpLog()); err != nil {
		return err
	}
	return app.Run(ctx, cfg, func(context.Context, *app.App) error {
		_, err := fmt.Fprintf(out, "ready %s %s\n", address, profile)
		return err
	})
}

// freeAddress is one that nobody listens on.
func freeAddress(ctx context.Context) (string, error) {
	on, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return on.Addr().String(), on.Close()
}

func serveBare(ctx context.Context, o order, out io.Writer) error {
	b, err := newBare(ctx, o.ServerURL, o.Pool)
	if err != nil {
		return err
	}
	defer b.pool.Close()
	on, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: b, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	fmt.Fprintf(out, "ready %s -\n", on.Addr())
	if err := server.Serve(on); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func serveProfile(ctx context.Context) (address string, err error) {
	on, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seconds, err := strconv.ParseFloat(r.URL.Query().Get("seconds"), 64)
		if err == nil {
			err = pprof.StartCPUProfile(w)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		select {
		case <-r.Context().Done():
		case <-time.After(time.Duration(seconds * float64(time.Second))):
		}
		pprof.StopCPUProfile()
	})}
	go func() { _ = server.Serve(on) }()
	return on.Addr().String(), nil
}

// server is a child as the bench sees it.
type server struct {
	name    string
	bare    bool
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	address string
	profile string
	started time.Time
}

// start starts a child and returns once it listens.
func start(ctx context.Context, name string, o order) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &server{name: name, bare: o.Bare, cmd: exec.CommandContext(ctx, self, childFlag)} //nolint:gosec // this very program
	log, err := os.OpenFile(o.Log, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close() //nolint:errcheck // the child has its own
	s.cmd.Stderr = log
	if s.stdin, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.started = instant()
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	if _, err := s.stdin.Write(append(mustJSON(o), '\n')); err != nil {
		s.stop()
		return nil, err
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if n, _ := fmt.Sscanf(line, "ready %s %s", &s.address, &s.profile); n != 2 {
		s.stop()
		return nil, fmt.Errorf("the %s server did not start: %w", name, orLine(err, line))
	}
	return s, nil
}

func orLine(err error, line string) error {
	if line = strings.TrimSpace(line); line != "" {
		return errors.New(line)
	}
	return err
}

// stop ends the child: politely, for it has a pool to close.
func (s *server) stop() {
	_ = s.signal(syscall.SIGCONT)
	_ = s.stdin.Close()
	done := make(chan struct{})
	go func() {
		_ = s.cmd.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(15 * time.Second):
		_ = s.cmd.Process.Kill()
		<-done
	}
}

func (s *server) signal(sig syscall.Signal) error { return s.cmd.Process.Signal(sig) }

// save writes a CPU profile of so long to a file.
func (s *server) save(ctx context.Context, file string, length time.Duration) error {
	url := fmt.Sprintf("http://%s/?seconds=%.2f", s.profile, length.Seconds())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	client := &http.Client{Timeout: length + 30*time.Second}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()    //nolint:errcheck // read only
	f, err := os.Create(file) //nolint:gosec // the operator names the folder
	if err != nil {
		return err
	}
	_, err = io.Copy(f, res.Body)
	return errors.Join(err, f.Close())
}
