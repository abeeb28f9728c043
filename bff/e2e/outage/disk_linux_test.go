package outage

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
)

// onSmallDisk makes a product whose DATA_DIR is a disk of its own, of a size
// that mount knows.
func onSmallDisk(t *testing.T, file, size string) *site.Binary {
	t.Helper()
	if out, err := exec.Command("unshare", "-m", "true").CombinedOutput(); err != nil {
		t.Skipf("needs root: a disk of its own: %v %s", err, out)
	}
	b := site.NewBinary(t, file)
	if err := os.Mkdir(b.DataDir(), 0o700); err != nil {
		t.Fatal(err)
	}
	inside := exec.Command("unshare", "-m", "sh", "-euc", `mount -t tmpfs -o size="$1",mode=700 none "$2"; exec "$3" serve`, "sh", size, b.DataDir(), file)
	inside.Env, inside.Stderr = b.Cmd.Env, b.Logs
	b.Cmd = inside
	return b
}

// The disk is full: requests that need no disk are served, the others get 503, and
// no session is signed out.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	file := site.BuildBinary(t)
	t.Run("while it runs", func(t *testing.T) {
		t.Parallel()
		b := onSmallDisk(t, file, "4m")
		b.Run()
		with := b.MemberTokens("ada@example.com")
		full := filepath.Join("/proc", strconv.Itoa(b.Cmd.Process.Pid), "root", b.DataDir(), "filler")
		fill(t, full)
		var failed site.Answer
		b.Eventually("the disk to be full", func() bool { // there may be space in a page that is begun
			failed = b.Post("/api/auth/refresh", site.Tokens{Refresh: with.Refresh})
			if failed.StatusCode == 200 {
				with = failed.Refreshed(t)
			}
			return failed.StatusCode != 200
		})
		failed.WantStoreUnavailable(t)
		b.Get("/api/auth/me", with).Want(t, 200)
		b.Get("/api/demo/me", with).Want(t, 200)
		if a := b.Browser().Do("POST", "/api/auth/register", site.Credentials("bob@example.com")); a.StatusCode != 503 || a.JSON(t)["code"] != "database_unavailable" {
			t.Errorf("signing up: %d %s", a.StatusCode, a.Text)
		}
		if !strings.Contains(b.Logs.String(), "no space left on device") {
			t.Errorf("the log does not say why:\n%s", b.Logs)
		}
		if err := os.Remove(full); err != nil {
			t.Fatal(err)
		}
		with = b.Post("/api/auth/refresh", site.Tokens{Refresh: with.Refresh}).Refreshed(t)
		b.Get("/api/auth/me", with).Want(t, 200)
		b.MemberTokens("bob@example.com")
		b.Terminate()
		b.Eventually("the process to end", b.HasExited)
	})
	t.Run("from the start", func(t *testing.T) {
		t.Parallel()
		b := onSmallDisk(t, file, "4k")
		if err := b.Cmd.Run(); err == nil || !strings.Contains(b.Logs.String(), "no space left on device") && !strings.Contains(b.Logs.String(), "disk is full") || !strings.Contains(b.Logs.String(), b.DataDir()) {
			t.Errorf("%v; it logged:\n%s", err, b.Logs)
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
