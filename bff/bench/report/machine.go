package report

import (
	"debug/buildinfo"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"

	"github.com/gatehouse-bff/gatehouse/bff/bench/rivals"
)

// Machine is what figures depend on.
type Machine struct {
	CPU       string `json:"cpu"`
	Cores     int    `json:"cores"`
	Kernel    string `json:"kernel"`
	Go        string `json:"go"` // that Gatehouse was built with
	Gatehouse string `json:"gatehouse"`
	Commit    string `json:"commit"`
	Nginx     string `json:"nginx"`
	Caddy     string `json:"caddy"`
	Redis     string `json:"redis"`
	MariaDB   string `json:"mariadb"`
}

func ThisMachine(gatehouse string) Machine {
	m := Machine{
		CPU: cpuModel(), Cores: runtime.NumCPU(), Kernel: runtime.GOOS + " " + runtime.GOARCH, Go: runtime.Version(),
		Gatehouse: versionOf(gatehouse, "version"),
		Nginx:     versionOf(rivals.FindNginx(), "-v"),
		Caddy:     caddyVersion(rivals.FindCaddy()),
		Redis:     versionOf(rivals.FindProgram("redis-server"), "--version"),
		MariaDB:   versionOf(rivals.FindProgram("mariadbd", "/usr/sbin/mariadbd"), "--version"),
	}
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel += " " + strings.TrimSpace(string(release))
	}
	if info, err := buildinfo.ReadFile(gatehouse); err == nil {
		m.Go = info.GoVersion
		m.Commit = commit(info)
	}
	return m
}

var versionNumber = regexp.MustCompile(`\d+\.\d+\S*`)

// versionOf is the version in what a program says about itself.
func versionOf(program string, args ...string) string {
	if program == "" {
		return "not found"
	}
	out, err := exec.Command(program, args...).CombinedOutput()
	if err != nil {
		return "unknown"
	}
	if v := versionNumber.Find(out); v != nil {
		return string(v)
	}
	return strings.TrimSpace(string(out))
}

// commit is the one that a program was built from, as Go has noted in it; where
// Go notes nothing (-buildvcs=false) that of the folder we are in.
func commit(info *buildinfo.BuildInfo) string {
	revision, changed := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = " with changes"
		}
	}
	if revision != "" {
		return revision + changed
	}
	head, err := exec.Command("git", "rev-parse", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	if dirty, err := exec.Command("git", "status", "--porcelain").Output(); err != nil || len(dirty) > 0 {
		changed = " with changes"
	}
	return strings.TrimSpace(string(head)) + changed
}

// caddyVersion is read from the program: one that go install made does not know
// its own.
func caddyVersion(program string) string {
	if program == "" {
		return "not found"
	}
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return versionOf(program, "version")
	}
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == "github.com/caddyserver/caddy/v2" && m.Version != "(devel)" {
			return m.Version
		}
	}
	return versionOf(program, "version")
}

func cpuModel() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// LoadAverage is that of the last minute, at the end of a run: with our own
// load it is about the number of cores.
func LoadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(text), " ")
	return first
}
