// Package crashtest builds the binary and holds it, as real processes, to what it promises when they are killed, when
// Postgres is, when many start at once, and when its services are apart. Tests only: the stories that it tells of the API
// itself are internal/apptest's.
//
// ROOFTOP_KILLS says how often each of the killing tests kills; 2 unless it is set.
package crashtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
)

// patience is for what usually takes a second; it is long, so that a slow machine fails nothing.
const patience = 5 * time.Minute

// binary is the program under test.
var binary string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "rooftop-crashtest-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.Chmod(dir, 0o755); err != nil { // a test runs it as another user
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	binary = filepath.Join(dir, "rooftop")
	build := exec.CommandContext(context.Background(), "go", "build", "-o", binary, "../../cmd/rooftop")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	return dbtest.Run(m)
}

// kills is how often a killing test kills.
func kills(t *testing.T) int {
	t.Helper()
	text := os.Getenv("ROOFTOP_KILLS")
	if text == "" {
		return 2
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err, "ROOFTOP_KILLS")
	return n
}

// settings are a process's ROOFTOP_ variables.
type settings map[string]string

// with is a copy with further settings.
func (s settings) with(more settings) settings {
	out := settings{}
	for _, from := range []settings{s, more} {
		maps.Copy(out, from)
	}
	return out
}

func (s settings) environ() []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + os.TempDir()}
	for name, value := range s {
		env = append(env, name+"="+value)
	}
	return env
}

// common are the settings of every process.
func common() settings {
	return settings{
		"ROOFTOP_ADDR": "127.0.0.1:0", "ROOFTOP_MASTER_KEY": apptest.MasterKey, "ROOFTOP_DEMO_DATA": "false",
		"ROOFTOP_RATE_PER_MINUTE": "10000000", "ROOFTOP_SWEEP_AFTER": "3s",
		"ROOFTOP_POSTGRES_REPOSITORY": os.Getenv("ROOFTOP_POSTGRES_REPOSITORY"),
	}
}

// on are the settings of a process on the operator's database. Nothing but the test's own deadline ends the wait for a lock.
func on(t *testing.T, ownerURL string) settings {
	t.Helper()
	glue := "?"
	if strings.Contains(ownerURL, "?") {
		glue = "&"
	}
	return common().with(settings{
		"ROOFTOP_DATABASE_URL": ownerURL + glue + "lock_timeout=25s&statement_timeout=25s", "ROOFTOP_DATA_DIR": t.TempDir(),
	})
}

// process is one running server.
type process struct {
	URL string // where it listens

	cmd    *exec.Cmd
	log    *lines
	exited chan struct{}
	code   int // once exited
}

// launch starts a server without waiting for it. It is killed at the end of the test.
func launch(t *testing.T, s settings, args ...string) *process {
	t.Helper()
	p := &process{log: &lines{}, exited: make(chan struct{})}
	p.cmd = exec.CommandContext(context.Background(), binary, append([]string{"serve"}, args...)...)
	p.cmd.Env, p.cmd.Dir = s.environ(), t.TempDir()
	p.cmd.Stdout, p.cmd.Stderr = io.Discard, p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} // when the test dies, the servers end in good order, and their Postgres with them
	require.NoError(t, p.cmd.Start())
	go func() {
		_ = p.cmd.Wait()
		p.code = p.cmd.ProcessState.ExitCode()
		close(p.exited)
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("the log of a process ends with\n%s", p.log.tail(20))
		}
	})
	return p
}

// start starts a server and waits until it is ready.
func start(t *testing.T, s settings, args ...string) *process {
	t.Helper()
	p := launch(t, s, args...)
	p.awaitReady(t)
	return p
}

var listening = regexp.MustCompile(`msg=listening address=(\S+)`)

func (p *process) awaitReady(t *testing.T) {
	t.Helper()
	apptest.Await(t, "a server becomes ready", func() bool {
		select {
		case <-p.exited:
			require.FailNow(t, "a server ended at its start", "%s", p.log.tail(20))
		default:
		}
		if p.URL == "" {
			found := listening.FindStringSubmatch(p.log.text())
			if found == nil {
				return false
			}
			p.URL = "http://" + found[1]
		}
		return statusOf(p.URL+"/readyz") == http.StatusOK
	})
}

// kill is kill -9. It returns when the process is gone.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// terminate is SIGTERM; the exit code comes with exited.
func (p *process) terminate(t *testing.T) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
}

// stop ends the process in good order.
func (p *process) stop(t *testing.T) {
	t.Helper()
	p.terminate(t)
	p.ends(t)
}

// ends waits for the process and requires that all went well.
func (p *process) ends(t *testing.T) {
	t.Helper()
	select {
	case <-p.exited:
		require.Zero(t, p.code, "exit code; the log ends with\n%s", p.log.tail(20))
	case <-time.After(patience):
		require.FailNow(t, "a server does not stop", "%s", p.log.tail(20))
	}
}

// program is the process as internal/apptest knows a server.
func (p *process) program() *apptest.Program { return &apptest.Program{URL: p.URL} }

var probe = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// statusOf is the status of a GET on a new connection; 0 when there was no answer.
func statusOf(url string) int {
	resp, err := probe.Get(url)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// lines is what a process wrote.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// usual lines tell nothing of a fault.
var usual = regexp.MustCompile(`"msg":"request"|msg=setting|code=service\.(unavailable|not_ready)`)

// tail is the last lines that may tell of a fault.
func (l *lines) tail(n int) string {
	var told []string
	for line := range strings.SplitSeq(l.text(), "\n") {
		if !usual.MatchString(line) {
			told = append(told, line)
		}
	}
	return strings.Join(told[max(0, len(told)-n):], "\n")
}

// newAccount makes an account with its administrator by the operator's command, signs in, and adds a dealership.
func newAccount(t *testing.T, s settings, url string) *apptest.Account {
	t.Helper()
	email := "admin-" + uuid.NewString()[:8] + "@garage.example"
	cmd := exec.CommandContext(t.Context(), binary, "user", "create-admin", "--account", "Garage "+email, "--email", email)
	cmd.Env, cmd.Dir, cmd.Stdin = s.environ(), t.TempDir(), strings.NewReader(apptest.Password+"\n")
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	require.NoError(t, err, "%s", complaint.Bytes())
	ids := regexp.MustCompile(`(?m)^(?:account|user)\s+(\S+)$`).FindAllStringSubmatch(string(out), -1)
	require.Len(t, ids, 2, "%s", out)
	a := &apptest.Account{Caller: (&apptest.Program{URL: url}).SignIn(t, email), AdminEmail: email}
	a.ID, err = kernel.ParseID[kernel.AccountID](ids[0][1])
	require.NoError(t, err)
	a.AdminID, err = kernel.ParseID[kernel.UserID](ids[1][1])
	require.NoError(t, err)
	a.Dealership = a.AddDealership("Garage de l'Exemple")
	return a
}

// owner is a connection past row security, closed at the end of the test.
func owner(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// ask reads one value.
func ask[T any](t *testing.T, conn *pgx.Conn, sql string, args ...any) T {
	t.Helper()
	var v T
	require.NoError(t, conn.QueryRow(t.Context(), sql, args...).Scan(&v), sql)
	return v
}

// askAll reads the first column of all rows.
func askAll[T any](t *testing.T, conn *pgx.Conn, sql string, args ...any) []T {
	t.Helper()
	rows, err := conn.Query(t.Context(), sql, args...)
	require.NoError(t, err)
	all, err := pgx.CollectRows(rows, pgx.RowTo[T])
	require.NoError(t, err, sql)
	return all
}

// hold keeps everybody from making a lead until release, which may be called more than once: a new lead's foreign key
// needs the row that is locked. A lock on the table would already keep its statement from being prepared.
func hold(t *testing.T, ownerURL string) (release func()) {
	t.Helper()
	tx, err := owner(t, ownerURL).Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), "SELECT FROM dealerships FOR UPDATE")
	require.NoError(t, err)
	return sync.OnceFunc(func() { assert.NoError(t, tx.Rollback(context.Background())) })
}

// waiting lists the backends of the database that wait for a lock.
func waiting(t *testing.T, conn *pgx.Conn) []int32 {
	t.Helper()
	return askAll[int32](t, conn, "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
}
