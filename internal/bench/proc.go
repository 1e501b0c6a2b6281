package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// clockTick is the unit of CPU time in /proc: 100 a second on every Linux.
const clockTick = 10 * time.Millisecond

// stat is the part of /proc/<pid>/stat that is wanted; ok is false where there is no /proc.
type stat struct {
	parent        int
	cpu, children time.Duration // of the process itself, and of its children that have ended
}

func statOf(pid int) (s stat, ok bool) {
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return s, false
	}
	// The name in brackets may hold anything; the fields after it do not.
	f := bytes.Fields(raw[bytes.LastIndexByte(raw, ')')+1:])
	if len(f) < 15 {
		return s, false
	}
	n := func(i int) int {
		v, _ := strconv.Atoi(string(f[i]))
		return v
	}
	s.parent = n(1)
	s.cpu = time.Duration(n(11)+n(12)) * clockTick
	s.children = time.Duration(n(13)+n(14)) * clockTick
	return s, true
}

// cpuOf is the CPU time a process has used.
func cpuOf(pid int) time.Duration {
	s, _ := statOf(pid)
	return s.cpu
}

// cpuOfTree is that of a process and of all its children, gone ones included: a Postgres.
func cpuOfTree(pid int) time.Duration {
	if pid == 0 {
		return 0
	}
	root, _ := statOf(pid)
	total := root.cpu + root.children
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		id, _ := strconv.Atoi(filepath.Base(dir))
		if s, ok := statOf(id); ok && s.parent == pid {
			total += s.cpu
		}
	}
	return total
}

// residentMiB is the resident memory of a process; 0 where there is no /proc.
func residentMiB(pid int) float64 {
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.Atoi(strings.Fields(rest)[0])
			return float64(kb) / 1024
		}
	}
	return 0
}
