package intaketest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
)

const (
	mayBeIdle  = 60 << 10 // KiB resident after the start
	mayBeAbove = 64 << 10 // KiB above that with a document of 10 MiB
)

// TestMemory measures the program as a process of its own: what it takes when idle, and with a document of 10 MiB.
func TestMemory(t *testing.T) { //nolint:tparallel // beside other tests it would measure their load
	if _, err := os.Stat("/proc/self/clear_refs"); err != nil {
		t.Skip("resident memory is read from /proc, which Linux has")
	}
	binary := filepath.Join(t.TempDir(), "rooftop")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../../cmd/rooftop").CombinedOutput()
	require.NoError(t, err, "%s", out)
	_, ownerURL := dbtest.URLs(t)
	here := apptest.Start(t, apptest.Config(t, ownerURL), ownerURL) // signs in, so that the other need not hash a password
	a := here.Account(t)
	partner := partnerOf(t, here, a, "Marque France")
	docs := oversize(t)
	for _, tt := range []struct {
		name, doc string
		by        *apptest.Caller
	}{
		{"xml comment", "xml comment", a.Caller},
		{"comments", "comments", a.Caller},
		{"routed by its vendor", "xml comment", partner},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			pid, base := startServer(t, binary, ownerURL)
			idle := settled(t, pid)
			t.Logf("idle %d KiB", idle)
			assert.Less(t, idle, mayBeIdle, "KiB when idle")
			c := (&apptest.Program{URL: base}).With(t, tt.by.Credential)
			next := func() []byte {
				return bytes.Replace(docs[tt.doc](), []byte("<vendor>"), []byte("<vendor><id source=\"marque\">"+dealerCode+"</id>"), 1)
			}
			for range 3 {
				sendADF(c, next()).Is(http.StatusCreated)
				status, got := sendChunked(t, base, c.Credential, next())
				require.Equal(t, http.StatusCreated, status, "%v", got)
				peak := memory(t, pid, "VmHWM")
				t.Logf("peak %d KiB, %d above idle", peak, peak-idle)
				assert.Less(t, peak-idle, mayBeAbove, "KiB above idle")
			}
		})
	}
}

var listening = regexp.MustCompile(`listening.*address=(\S+)`)

// startServer runs the built program until the test ends.
func startServer(t *testing.T, binary, ownerURL string) (pid int, base string) {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), binary, "serve")
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "ROOFTOP_ADDR=127.0.0.1:0", "ROOFTOP_DATABASE_URL=" + ownerURL, "ROOFTOP_MASTER_KEY=" + apptest.MasterKey,
		"ROOFTOP_DATA_DIR=" + t.TempDir(), "ROOFTOP_DEMO_DATA=false", "ROOFTOP_RATE_PER_MINUTE=1000000",
	}
	said, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := make(chan string, 1)
	go func() {
		for s := bufio.NewScanner(said); s.Scan(); {
			if m := listening.FindStringSubmatch(s.Text()); m != nil {
				lines <- m[1]
			}
		}
		close(lines)
	}()
	t.Cleanup(func() {
		assert.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		assert.NoError(t, cmd.Wait())
	})
	select {
	case address := <-lines:
		require.NotEmpty(t, address, "it ended before it listened")
		base = "http://" + address
	case <-time.After(time.Minute):
		require.Fail(t, "it does not listen")
	}
	c := (&apptest.Program{URL: base}).Anonymous(t)
	require.Eventually(t, func() bool {
		got, err := c.Do(t.Context(), http.MethodGet, "/readyz", nil)
		return err == nil && got.Status == http.StatusOK
	}, time.Minute, 20*time.Millisecond)
	return cmd.Process.Pid, base
}

// settled is the resident memory once it has stayed the same for some seconds.
func settled(t *testing.T, pid int) int {
	t.Helper()
	const enough, slack = 15, 256
	at, same := 0, 0
	require.Eventually(t, func() bool {
		now := memory(t, pid, "VmRSS")
		if now > at+slack || now < at-slack {
			at, same = now, 0
		}
		same++
		return same > enough
	}, time.Minute, 200*time.Millisecond)
	return at
}

// memory reads a figure of /proc/PID/status in KiB.
func memory(t *testing.T, pid int, name string) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(t, err)
	m := regexp.MustCompile(name + `:\s+(\d+) kB`).FindSubmatch(status)
	require.NotNil(t, m, "%s in %s", name, status)
	kib, err := strconv.Atoi(string(m[1]))
	require.NoError(t, err)
	return kib
}
