package rivals

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// Pins is which cores are whose, as taskset writes them; all empty when nothing
// can be pinned.
type Pins struct {
	Proxy    string `json:"proxy"`
	Upstream string `json:"upstream"`
	Load     string `json:"load"`
	All      string `json:"all"`
	How      string `json:"how"`
}

// FindPins gives a proxy one core and keeps everything else off it.
func FindPins() Pins {
	if _, err := exec.LookPath("taskset"); err != nil {
		return Pins{How: "NOTHING IS PINNED, there is no taskset: proxies, load and upstream share cores as the system likes; the Go proxies have GOMAXPROCS=1, nginx one worker"}
	}
	allowed := allowedCores()
	if len(allowed) < 2 {
		return Pins{How: "NOTHING IS PINNED, there is one core only: proxies, load and upstream share it"}
	}
	usable := allowed
	if physical := withoutSiblings(allowed); len(physical) >= 2 {
		usable = physical
	}
	last := len(usable) - 1
	p := Pins{Proxy: usable[last], Upstream: usable[last-1], Load: usable[0], All: strings.Join(allowed, ",")}
	p.How = fmt.Sprintf("the proxy that is measured has core %s; the upstream core %s, the load generator core %s", p.Proxy, p.Upstream, p.Load)
	if slices.Contains(siblings(p.Proxy), p.Load) {
		p.How += "; they are two threads of one core, so that one slows the other"
	}
	return p
}

// onCores is the command, pinned when that is possible. taskset becomes the
// program, so that the process is the same.
func onCores(cores, program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	if cores != "" {
		cmd = exec.Command("taskset", append([]string{"-c", cores, program}, args...)...)
	}
	cmd.SysProcAttr = withUs()
	return cmd
}

// PinSelf moves this process, and what it starts without a word, to cores.
func PinSelf(cores string) error {
	if cores == "" {
		return nil
	}
	out, err := exec.Command("taskset", "-a", "-c", "-p", cores, strconv.Itoa(os.Getpid())).CombinedOutput()
	if err != nil {
		return fmt.Errorf("taskset: %w: %s", err, out)
	}
	return nil
}

// allowedCores are those that this process may use.
func allowedCores() []string {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return nil
	}
	_, rest, _ := bytes.Cut(text, []byte("Cpus_allowed_list:"))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	return listed(string(line))
}

// listed reads 0-2,5.
func listed(list string) (all []string) {
	for part := range strings.SplitSeq(strings.TrimSpace(list), ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, err1 := strconv.Atoi(first)
		to, err2 := strconv.Atoi(last)
		if err1 != nil || err2 != nil {
			return all
		}
		for n := from; n <= to; n++ {
			all = append(all, strconv.Itoa(n))
		}
	}
	return all
}

func siblings(core string) []string {
	text, err := os.ReadFile("/sys/devices/system/cpu/cpu" + core + "/topology/thread_siblings_list")
	if err != nil {
		return []string{core}
	}
	return listed(string(text))
}

// withoutSiblings keeps the first thread of each physical core.
func withoutSiblings(cores []string) (first []string) {
	seen := map[string]bool{}
	for _, c := range cores {
		if !seen[c] {
			first = append(first, c)
		}
		for _, s := range siblings(c) {
			seen[s] = true
		}
	}
	return first
}
