package pgcluster

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFirstOpenMakesADurableCluster(t *testing.T) {
	cfg := newConfig(t)
	cfg.Settings = nil
	c := open(t, cfg)
	ctx := patient(t)

	for setting, want := range map[string]string{
		"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "data_checksums": "on",
		"server_encoding": "UTF8", "max_connections": "200", "password_encryption": "scram-sha-256", "listen_addresses": "",
	} {
		assert.Equal(t, want, query(t, c.URL("postgres"), "SHOW "+setting), setting)
	}
	assert.Contains(t, []string{"C.UTF-8", "C"}, query(t, c.URL("postgres"), "SELECT datcollate FROM pg_database LIMIT 1"))
	assert.Equal(t, Up, c.State())

	require.NoError(t, c.EnsureDatabase(ctx, `odd "name"`))
	require.NoError(t, c.EnsureDatabase(ctx, `odd "name"`))
	assert.Equal(t, `odd "name"`, query(t, c.URL(`odd "name"`), "SELECT current_database()"))

	info, err := os.Stat(filepath.Join(cfg.DataDir, "password"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	wrong, err := url.Parse(c.URL("postgres"))
	require.NoError(t, err)
	wrong.User = url.UserPassword("rooftop", "guess")
	require.Error(t, tryQuery(wrong.String(), "SELECT 'in'", new(string)), "any password is let in")

	d := c.Describe(ctx)
	assert.NotZero(t, d.PID)
	assert.Equal(t, "PATH", d.Binaries.Source)
	assert.Contains(t, d.String(), d.Binaries.Version)
	assert.NotContains(t, d.String(), c.password)

	require.NoError(t, c.Close(ctx))
	assert.Equal(t, Closed, c.State())
	_, running := c.place.postmaster()
	assert.False(t, running, "the last user leaves a running server behind")
}

func TestDataSurviveCloseAndOpen(t *testing.T) {
	cfg := newConfig(t)
	c := open(t, cfg)
	exec1(t, c.URL("postgres"), "CREATE TABLE kept AS SELECT 'still here' AS v")
	first := c.URL("postgres")
	require.NoError(t, c.Close(patient(t)))

	again := open(t, cfg)
	assert.Equal(t, "still here", query(t, again.URL("postgres"), "SELECT v FROM kept"))
	assert.Equal(t, first, again.URL("postgres"), "address and password are remembered")
}

func TestRunningServerIsAdopted(t *testing.T) {
	cfg := newConfig(t)
	one := open(t, cfg)
	two := open(t, cfg)
	pid := one.Describe(patient(t)).PID
	assert.Equal(t, pid, two.Describe(patient(t)).PID)

	require.NoError(t, one.Close(patient(t)))
	assert.Equal(t, "1", query(t, two.URL("postgres"), "SELECT '1'"), "the first to leave took the server along")
	require.NoError(t, two.Close(patient(t)))
	_, running := two.place.postmaster()
	assert.False(t, running)
}

func TestServerOutlivesAKilledProgram(t *testing.T) {
	cfg := newConfig(t)
	other := startProgram(t, cfg)
	r := other.report(t)
	exec1(t, r.URL, "CREATE TABLE kept AS SELECT 'still here' AS v")
	other.kill()

	c := open(t, cfg)
	assert.Equal(t, r.PID, c.Describe(patient(t)).PID, "adopted, not restarted")
	assert.Equal(t, "still here", query(t, c.URL("postgres"), "SELECT v FROM kept"))
}

func TestTenProgramsAtOnceShareOneCluster(t *testing.T) {
	cfg := newConfig(t)
	others := make([]*otherProgram, 10)
	for i := range others {
		others[i] = startProgram(t, cfg)
	}
	pids := map[int]bool{}
	for _, o := range others {
		r := o.report(t)
		pids[r.PID] = true
		assert.Equal(t, "1", query(t, r.URL, "SELECT '1'"))
	}
	assert.Len(t, pids, 1)

	where := place{home: cfg.DataDir}
	for _, o := range others[1:] {
		o.leave(t)
	}
	_, running := where.postmaster()
	assert.True(t, running, "stopped although one program still uses it")
	others[0].leave(t)
	_, running = where.postmaster()
	assert.False(t, running, "the last one out did not stop it")
}

func TestKilledFirstStartIsRecovered(t *testing.T) {
	cfg := newConfig(t)
	other := startProgram(t, cfg)
	eventually(t, func() bool {
		found, _ := filepath.Glob(filepath.Join(cfg.DataDir, "pgdata.new-*", "base"))
		return len(found) > 0
	}, "initdb was never seen at work")
	other.kill()
	require.NoDirExists(t, filepath.Join(cfg.DataDir, "pgdata"), "killed too late to prove anything")

	c := open(t, cfg)
	assert.Equal(t, "1", query(t, c.URL("postgres"), "SELECT '1'"))
}

func TestLockFilesOfAKilledServerAreNotTrusted(t *testing.T) {
	cfg := newConfig(t)
	c := open(t, cfg)
	// Another process of the server's user has the number now: Postgres alone would refuse to start.
	sleeper := c.place.command(t.Context(), Binaries{Dir: "/bin"}, "sleep", "600")
	require.NoError(t, sleeper.Start())
	t.Cleanup(func() { _ = sleeper.Process.Kill(); _ = sleeper.Wait() })

	for name, rewrite := range map[string]func(string) string{
		"the number is taken": func(old string) string {
			_, rest, _ := strings.Cut(old, "\n")
			return fmtInt(sleeper.Process.Pid) + "\n" + rest
		},
		"killed while it wrote them": func(string) string { return "" },
	} {
		t.Run(name, func(t *testing.T) {
			c := open(t, cfg)
			old := killServer(t, c)
			eventually(t, func() bool { return !old.alive() }, "not killed")
			for _, file := range []string{filepath.Join(c.place.pgdata(), "postmaster.pid"), c.address.socket() + ".lock"} {
				raw, err := os.ReadFile(file)
				require.NoError(t, err)
				require.NoError(t, os.WriteFile(file, []byte(rewrite(string(raw))), 0o600))
			}
			again := open(t, cfg)
			assert.Equal(t, "1", query(t, again.URL("postgres"), "SELECT '1'"))
		})
	}
	assert.True(t, processAlive(sleeper.Process.Pid), "the innocent process was hit")
}

func TestAddresses(t *testing.T) {
	t.Run("a deep folder gets a short socket", func(t *testing.T) {
		cfg := newConfig(t)
		base := filepath.Dir(cfg.DataDir)
		deep := filepath.Join(base, strings.Repeat("d", 100))
		require.NoError(t, os.Mkdir(deep, 0o755))
		cfg.DataDir = filepath.Join(deep, "data")
		c := open(t, cfg)
		t.Cleanup(func() { require.NoError(t, os.RemoveAll(c.address.SocketDir)) })
		assert.True(t, strings.HasPrefix(c.address.SocketDir, "/tmp/rooftop-"), c.address.SocketDir)
		assert.Equal(t, "1", query(t, c.URL("postgres"), "SELECT '1'"))
		info, err := os.Stat(c.address.SocketDir)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	})
	t.Run("a remembered port is used again, a taken one is not", func(t *testing.T) {
		cfg := newConfig(t)
		port, err := freePort()
		require.NoError(t, err)
		require.NoError(t, os.MkdirAll(cfg.DataDir, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(cfg.DataDir, "address.json"), []byte(`{"port":`+fmtInt(port)+`}`), 0o644))
		c := open(t, cfg)
		assert.Equal(t, address{Port: port}, c.address)
		assert.Equal(t, "127.0.0.1/32", query(t, c.URL("postgres"), "SELECT inet_client_addr()::text"))
		assert.False(t, c.place.usable(address{Port: port}))
		second := open(t, cfg)
		assert.Equal(t, c.URL("x"), second.URL("x"), "an adopted port")
	})
}

func TestFolderThatTheServerUserCannotReach(t *testing.T) {
	cfg := newConfig(t)
	closed := filepath.Join(filepath.Dir(cfg.DataDir), "home")
	require.NoError(t, os.Mkdir(closed, 0o700))
	cfg.DataDir = filepath.Join(closed, "data")
	c := open(t, cfg)
	exec1(t, c.URL("postgres"), "CREATE TABLE kept AS SELECT 'still here' AS v")
	if os.Geteuid() != 0 {
		assert.Equal(t, c.place.dataDir, c.place.home, "our own folder is never closed to us")
		return
	}
	assert.Equal(t, filepath.Join(cfg.FallbackDir, shortHash(c.place.dataDir)), c.place.home)
	require.NoError(t, c.Close(patient(t)))
	again := open(t, cfg)
	assert.Equal(t, c.place.home, again.place.home)
	assert.Equal(t, "still here", query(t, again.URL("postgres"), "SELECT v FROM kept"))
	require.NoError(t, again.Close(patient(t)))

	require.NoError(t, os.RemoveAll(cfg.DataDir))
	anew := open(t, cfg)
	assert.NotEqual(t, c.place.home, anew.place.home, "who deletes the folder wants to begin anew")
}

func TestRootRunsPostgresAsAnotherUser(t *testing.T) {
	c := open(t, newConfig(t))
	info, err := os.Stat(c.place.pgdata())
	require.NoError(t, err)
	owner, _ := ownerOf(info)
	if os.Geteuid() == 0 {
		assert.NotZero(t, owner)
		assert.Equal(t, c.place.account.uid, owner)
	} else {
		assert.Equal(t, os.Geteuid(), int(owner))
		assert.Nil(t, c.place.account)
	}
}

func TestSudoUser(t *testing.T) {
	cfg := newConfig(t)
	cfg.SudoUID = "65534"
	c := open(t, cfg)
	for _, path := range []string{cfg.DataDir, filepath.Join(cfg.DataDir, "password"), c.place.pgdata(), c.place.logFile()} {
		info, err := os.Stat(path)
		require.NoError(t, err)
		owner, _ := ownerOf(info)
		if os.Geteuid() == 0 {
			assert.Equal(t, uint32(65534), owner, "%s must belong to the user behind sudo", path)
		} else {
			assert.Equal(t, os.Geteuid(), int(owner), "an ordinary user drops nothing")
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	_, err := Open(t.Context(), Config{})
	require.ErrorContains(t, err, "ROOFTOP_DATA_DIR")
	_, err = Open(t.Context(), Config{DataDir: t.TempDir(), Settings: map[string]string{"x'\ny": "1"}})
	assert.ErrorContains(t, err, "no server setting")
}

func TestServerThatCannotStartSaysWhy(t *testing.T) {
	cfg := newConfig(t)
	cfg.Settings["shared_buffers"] = "plenty"
	_, err := Open(patient(t), cfg)
	require.ErrorContains(t, err, "shared_buffers")
	assert.NotContains(t, err.Error(), "\n")
}
