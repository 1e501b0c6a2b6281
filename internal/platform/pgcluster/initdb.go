package pgcluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// initialise makes the cluster unless it is there. It is built under another name and renamed when complete, so a program
// killed in the middle leaves nothing that could be taken for a cluster. The caller holds the supervisor lock.
func (p place) initialise(ctx context.Context, found Binaries, password string, cfg Config) error {
	if p.initialised() {
		return nil
	}
	// An initdb whose program was killed may still write into its folder; a new name each time keeps it away from ours.
	p.removeLeftovers()
	cfg.Log.Info("making the private Postgres cluster", "data", p.home, "binaries", found.Dir)
	building := p.pgdata() + ".new-" + freshName()
	if err := p.makeServerDir(building); err != nil {
		return err
	}
	if err := p.initdb(ctx, found, building, password, cfg.Settings["fsync"] == "off"); err != nil {
		return errors.Join(err, os.RemoveAll(building))
	}
	if err := os.Rename(building, p.pgdata()); err != nil {
		return err
	}
	return syncDir(p.home)
}

// initdb tries the locales from best to always there: code point order everywhere, and letters beyond ASCII known where
// the system or (from 17 on) Postgres itself has C.UTF-8.
func (p place) initdb(ctx context.Context, found Binaries, dir, password string, noSync bool) error {
	locales := [][]string{{"--locale=C.UTF-8"}, {"--locale=C"}}
	if found.Major >= 17 {
		builtin := []string{"--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"}
		locales = append([][]string{builtin}, locales...)
	}
	secret, err := p.secretForInitdb(password)
	if err != nil {
		return err
	}
	defer os.Remove(secret) //nolint:errcheck // gone or in a folder of ours
	for _, locale := range locales {
		args := append([]string{
			"--pgdata=" + dir, "--username=" + superuser, "--pwfile=" + secret, "--encoding=UTF8",
			"--auth=scram-sha-256", "--data-checksums", "--no-instructions",
		}, locale...)
		if noSync {
			args = append(args, "--no-sync")
		}
		var out []byte
		if out, err = p.command(ctx, found, "initdb", args...).CombinedOutput(); err == nil {
			return nil
		}
		err = fmt.Errorf("initdb: %w: %s", err, complaint(string(out)))
		if ctx.Err() != nil || !strings.Contains(string(out), "locale") {
			break
		}
	}
	return err
}

// secretForInitdb writes the password to a file that the server user can read for the moment.
func (p place) secretForInitdb(password string) (string, error) {
	f, err := os.CreateTemp(p.home, "initdb-") // 0600
	if err != nil {
		return "", err
	}
	_, err = f.WriteString(password + "\n")
	if a := p.account; err == nil && a != nil {
		err = f.Chown(int(a.uid), int(a.gid))
	}
	return f.Name(), errors.Join(err, f.Close())
}

// command prepares one of the binaries to run as the server user, detached, with nothing of our environment: PGDATA and
// its like must not lead it astray.
func (p place) command(ctx context.Context, found Binaries, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(found.Dir, name), args...) //nolint:gosec // found by us
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + found.Dir + ":/usr/bin:/bin", "LC_ALL=C"}
	cmd.SysProcAttr = p.account.attributes()
	return cmd
}

// complaint picks what is wrong from a program's output: its last word, with the line before where that is only the
// conclusion ("configuration file contains errors").
func complaint(output string) string {
	lines := strings.Split(strings.TrimSpace(output), "\n")
	for i, line := range lines {
		if !strings.Contains(line, "FATAL: ") && !strings.Contains(line, "PANIC: ") && !strings.Contains(line, "error: ") {
			continue
		}
		if i > 0 && strings.Contains(line, "FATAL: ") && !strings.Contains(lines[i-1], "starting PostgreSQL") {
			return message(lines[i-1]) + "; " + message(line)
		}
		return message(line)
	}
	return message(lines[len(lines)-1])
}

// message is a line of output without time, process and level.
func message(line string) string {
	for _, level := range []string{"LOG: ", "WARNING: ", "FATAL: ", "PANIC: ", "error: "} {
		if _, text, ok := strings.Cut(line, level); ok {
			return strings.TrimSpace(text)
		}
	}
	return strings.TrimSpace(line)
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
