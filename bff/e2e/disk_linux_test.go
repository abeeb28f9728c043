package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// onSmallDisk makes a product whose DATA_DIR is a disk of its own, of a size
// that mount knows.
func onSmallDisk(t *testing.T, file, size string) *binary {
	t.Helper()
	if out, err := exec.Command("unshare", "-m", "true").CombinedOutput(); err != nil {
		t.Skipf("needs root: a disk of its own: %v %s", err, out)
	}
	b := newBinary(t, file)
	if err := os.Mkdir(b.dataDir(), 0o700); err != nil {
		t.Fatal(err)
	}
	inside := exec.Command("unshare", "-m", "sh", "-euc", `mount -t tmpfs -o size="$1",mode=700 none "$2"; exec "$3" serve`, "sh", size, b.dataDir(), file)
	inside.Env, inside.Stderr = b.cmd.Env, b.logs
	b.cmd = inside
	return b
}

// A full disk: what needs no disk goes on, the rest says that it cannot, and
// nobody is signed out.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	file := buildBinary(t)
	t.Run("while it runs", func(t *testing.T) {
		t.Parallel()
		b := onSmallDisk(t, file, "4m")
		b.run()
		with := b.somebody("ada@example.com")
		full := filepath.Join("/proc", strconv.Itoa(b.cmd.Process.Pid), "root", b.dataDir(), "filler")
		fill(t, full)
		var failed answer
		b.eventually("the disk to be full", func() bool { // there may be space in a page that is begun
			failed = b.post("/api/auth/refresh", tokens{refresh: with.refresh})
			if failed.StatusCode == 200 {
				with = failed.renewed(t)
			}
			return failed.StatusCode != 200
		})
		failed.unasked(t)
		b.get("/api/auth/me", with).want(t, 200)
		b.get("/api/demo/me", with).want(t, 200)
		if a := b.browser().do("POST", "/api/auth/register", credentials("bob@example.com")); a.StatusCode != 503 || a.json(t)["code"] != "database_unavailable" {
			t.Errorf("signing up: %d %s", a.StatusCode, a.text)
		}
		if !strings.Contains(b.logs.String(), "no space left on device") {
			t.Errorf("the log does not say why:\n%s", b.logs)
		}
		if err := os.Remove(full); err != nil {
			t.Fatal(err)
		}
		with = b.post("/api/auth/refresh", tokens{refresh: with.refresh}).renewed(t)
		b.get("/api/auth/me", with).want(t, 200)
		b.somebody("bob@example.com")
		b.terminate()
		b.eventually("the process to end", b.ended)
	})
	t.Run("from the start", func(t *testing.T) {
		t.Parallel()
		b := onSmallDisk(t, file, "4k")
		if err := b.cmd.Run(); err == nil || !strings.Contains(b.logs.String(), "no space left on device") && !strings.Contains(b.logs.String(), "disk is full") || !strings.Contains(b.logs.String(), b.dataDir()) {
			t.Errorf("%v; it logged:\n%s", err, b.logs)
		}
	})
}

func fill(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 64 << 10; size > 0; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
}
