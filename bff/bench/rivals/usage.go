package rivals

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Usage is what a process and its children have used so far; all zero where
// there is no /proc to ask.
type Usage struct {
	CPU       time.Duration
	RSS, Peak int64
}

// tick is the unit of utime and stime in /proc, 1/100 s on every Linux.
const tick = 10 * time.Millisecond

func (p *Process) Usage() (u Usage, err error) {
	if runtime.GOOS != "linux" {
		return Usage{}, nil
	}
	// nginx works in a child.
	family := []int{p.cmd.Process.Pid}
	for i := 0; i < len(family); i++ {
		born, err := children(family[i])
		if err != nil {
			return u, err
		}
		family = append(family, born...)
	}
	for _, pid := range family {
		_, cpu, err := stat(strconv.Itoa(pid))
		if err != nil {
			return u, err
		}
		u.CPU += cpu
		rss, peak, err := memory(pid)
		if err != nil {
			return u, err
		}
		u.RSS += rss
		u.Peak += peak
	}
	return u, nil
}

// OwnCPU is what this process has used so far, finer than a tick.
func OwnCPU() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, err
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}

func children(of int) (pids []int, err error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	for _, path := range stats {
		name := filepath.Base(filepath.Dir(path))
		parent, _, err := stat(name)
		if err != nil || parent != of {
			continue // has just ended
		}
		pid, err := strconv.Atoi(name)
		if err != nil {
			return nil, err
		}
		pids = append(pids, pid)
	}
	slices.Sort(pids)
	return pids, nil
}

// stat reads proc_pid_stat(5): field 4 is the parent, 14 and 15 are the time.
func stat(pid string) (parent int, cpu time.Duration, err error) {
	text, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return 0, 0, err
	}
	// The name, in parentheses, may itself hold anything.
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) < 13 {
		return 0, 0, fmt.Errorf("process %s: %q", pid, text)
	}
	var n [3]int
	for i, field := range []int{1, 11, 12} {
		if n[i], err = strconv.Atoi(string(fields[field])); err != nil {
			return 0, 0, err
		}
	}
	return n[0], time.Duration(n[1]+n[2]) * tick, nil
}

func memory(pid int) (rss, peak int64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(text)) {
		var into *int64
		name, rest, _ := strings.Cut(line, ":")
		switch name {
		case "VmRSS":
			into = &rss
		case "VmHWM":
			into = &peak
		default:
			continue
		}
		kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		if err != nil {
			return 0, 0, err
		}
		*into = kb << 10
	}
	return rss, peak, nil
}
