package dbtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/platform/pgcluster"
)

const clusterPatience = 2 * time.Minute

// shared is the cluster of this process; other test processes of the same user and checkout use the same server.
var shared struct {
	mu      sync.Mutex
	cluster *pgcluster.Cluster
}

// Main runs a package's tests and then leaves the shared test cluster, which stops with its last user. Call it from
// TestMain; without it the server keeps running for the next test process to adopt.
func Main(m *testing.M) { os.Exit(Run(m)) }

// Run is Main for a TestMain that has something of its own to clear up: it returns the exit code.
func Run(m *testing.M) int {
	code := m.Run()
	if err := leaveCluster(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	return code
}

// clusterURL is the superuser's URL of a server to test on: the one of ROOFTOP_TEST_DATABASE_URL, else the shared test
// cluster, which is made and started when need be.
func clusterURL(t testing.TB) string {
	t.Helper()
	if u := os.Getenv("ROOFTOP_TEST_DATABASE_URL"); u != "" {
		return u
	}
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.cluster == nil {
		dir, err := clusterDir()
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(context.Background(), clusterPatience)
		defer cancel()
		shared.cluster, err = pgcluster.Open(ctx, testConfig(dir))
		require.NoError(t, err, "tests need Postgres 15 or newer, or ROOFTOP_TEST_DATABASE_URL")
	}
	return shared.cluster.URL("postgres")
}

// testConfig gives up what only a crash of the machine would cost. Commits stay synchronous, as in production.
func testConfig(dir string) pgcluster.Config {
	return pgcluster.Config{
		DataDir:    dir,
		Path:       os.Getenv("PATH"),
		Repository: os.Getenv(pgcluster.RepositorySetting),
		SudoUID:    os.Getenv("SUDO_UID"),
		Settings: map[string]string{
			"fsync": "off", "full_page_writes": "off", "max_connections": "400", "shared_buffers": "256MB",
		},
	}
}

func leaveCluster() error {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.cluster == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), clusterPatience)
	defer cancel()
	return shared.cluster.Close(ctx)
}

// clusterDir makes the folder of this user, checkout and run of the machine: after a crash of the machine a cluster
// without fsync is not to be trusted.
func clusterDir() (string, error) {
	root, err := repositoryRoot()
	if err != nil {
		return "", err
	}
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id") // Linux only; elsewhere the folder is kept
	sum := sha256.Sum256([]byte(root + "\n" + string(boot)))
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("rooftop-test-%d-%s", os.Getuid(), hex.EncodeToString(sum[:5])))
	if err := os.Mkdir(dir, 0o755); err != nil && !os.IsExist(err) {
		return "", err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", err
	}
	if sys, ok := info.Sys().(*syscall.Stat_t); !info.IsDir() || !ok || int(sys.Uid) != os.Getuid() {
		return "", fmt.Errorf("%s was put there by someone else: remove it or set ROOFTOP_TEST_DATABASE_URL", dir)
	}
	return dir, nil
}

func repositoryRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
	}
	return "", errors.New("no go.mod above the test's folder")
}
