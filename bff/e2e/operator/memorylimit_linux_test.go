package operator

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
)

// limitedCgroup makes a cgroup with a memory limit of so many MiB, and one without
// a limit inside it, whose folder it gives: what counts is the smallest limit on
// the way up.
func limitedCgroup(t *testing.T, mib int) string {
	t.Helper()
	root, file := "/sys/fs/cgroup/memory", "memory.limit_in_bytes" // version 1
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
		root, file = "/sys/fs/cgroup", "memory.max"
	}
	outer, err := os.MkdirTemp(root, "gatehouse-test-")
	if err != nil {
		t.Skip("SKIPPED: no cgroup can be made here: ", err)
	}
	inner := filepath.Join(outer, "inner")
	t.Cleanup(func() {
		if err := errors.Join(os.Remove(inner), os.Remove(outer)); err != nil {
			t.Error(err)
		}
	})
	if err := os.WriteFile(filepath.Join(outer, file), fmt.Append(nil, mib<<20), 0o600); err != nil {
		_ = os.Mkdir(inner, 0o700) // it goes in the end
		t.Skip("SKIPPED: cgroups have no memory limits here: ", err)
	}
	if err := os.Mkdir(inner, 0o700); err != nil {
		t.Fatal(err)
	}
	return inner
}

// The memory limit of a container, or a unit of systemd, is what Go collects for.
func TestMemoryLimitFollowsTheCgroup(t *testing.T) {
	cgroup, file := limitedCgroup(t, 500), site.BuildBinary(t)
	for name, c := range map[string]struct {
		env  []string
		want any
	}{
		"nine tenths":            {nil, "450MiB"},
		"empty":                  {[]string{"GOMEMLIMIT", ""}, "450MiB"},
		"an explicit GOMEMLIMIT": {[]string{"GOMEMLIMIT", "222MiB"}, "222MiB"},
		"off":                    {[]string{"GOMEMLIMIT", "off"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			b := site.NewBinary(t, file, c.env...)
			b.Cmd.Path = "/bin/sh"
			b.Cmd.Args = []string{"sh", "-c", `echo $$ >"$0/cgroup.procs" && exec "$1" serve`, cgroup, file}
			b.Run()
			ready := b.Logged("Gatehouse is ready")
			if len(ready) != 1 || ready[0]["memory_limit"] != c.want {
				t.Errorf("it logged %v, want a memory_limit of %v:\n%s", ready, c.want, b.Logs)
			}
			if err := b.Cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			b.Eventually("the end", b.HasExited)
		})
	}
}
