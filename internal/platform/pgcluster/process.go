package pgcluster

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// process names one run of one program: the number alone is given to others after its end.
type process struct {
	pid     int
	started string // the kernel's start time of the process; empty where there is no /proc
}

// findProcess looks up the process that has the number now.
func findProcess(pid int) (process, bool) {
	if pid <= 0 {
		return process{}, false
	}
	state, started, ok := procStat(pid)
	if ok {
		return process{pid, started}, state != 'Z' && state != 'X'
	}
	return process{pid: pid}, numberTaken(pid)
}

// numberTaken is how Postgres looks at it: a zombie counts.
func numberTaken(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

// alive tells whether it still runs. A zombie that nobody reaps (a container's first process may not) counts as dead.
func (p process) alive() bool {
	now, ok := findProcess(p.pid)
	return ok && now == p
}

// procStat reads state and start time from Linux's /proc; elsewhere ok is false.
func procStat(pid int) (state byte, started string, ok bool) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, "", false
	}
	// The name stands in parentheses and may hold anything; after it the state is field 3, the start time field 22.
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
	if len(fields) < 20 {
		return 0, "", false
	}
	return fields[0][0], fields[19], true
}

// serves tells whether the process is a postmaster of that data folder.
func (p process) serves(pgdata string) bool {
	if dir, err := os.Stat(fmt.Sprintf("/proc/%d/cwd", p.pid)); err == nil {
		want, err := os.Stat(pgdata)
		return err == nil && os.SameFile(dir, want) && isPostgres(p.arguments())
	}
	// Root of a container may not look at the folder of another user's process; the arguments it may read.
	args := p.arguments()
	return isPostgres(args) && slices.Contains(args, pgdata)
}

func isPostgres(args []string) bool {
	if len(args) == 0 {
		return false
	}
	name := filepath.Base(args[0])
	return name == "postgres" || name == "postmaster"
}

func (p process) arguments() []string {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.pid))
	if err == nil {
		return strings.Split(strings.TrimRight(string(raw), "\x00"), "\x00")
	}
	out, err := exec.Command("ps", "-ww", "-o", "command=", "-p", strconv.Itoa(p.pid)).Output() //nolint:gosec // a number
	if err != nil {
		return nil
	}
	return strings.Fields(string(out))
}

// postmaster is what a running server's postmaster.pid says.
type postmaster struct {
	process
	address address
	status  string // "starting", "ready", "stopping"; empty in the first moment
}

// postmaster finds the running server of this cluster. A file left by one that was killed is not taken for one.
func (p place) postmaster() (postmaster, bool) {
	lines := p.pidFile()
	if len(lines) == 0 {
		return postmaster{}, false
	}
	pid, err := strconv.Atoi(lines[0])
	if err != nil {
		return postmaster{}, false
	}
	proc, ok := findProcess(pid)
	if !ok || !proc.serves(p.pgdata()) {
		return postmaster{}, false
	}
	pm := postmaster{process: proc}
	if len(lines) >= 8 {
		pm.status = lines[7]
		pm.address.SocketDir = lines[4]
		pm.address.Port, _ = strconv.Atoi(lines[3])
	}
	return pm, true
}

// pidFile gives the lines of postmaster.pid: pid, data folder, start, port, socket folder, host, memory key, status.
func (p place) pidFile() []string {
	raw, err := os.ReadFile(filepath.Join(p.pgdata(), "postmaster.pid"))
	if err != nil {
		return nil
	}
	lines := strings.Split(strings.TrimRight(string(raw), "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return lines
}
